/*
 * A writer of RFC 8259, straight to the file.
 *
 *   strings  hold any bytes. What is UTF-8 goes out as it is, but for quotes, backslashes and
 *            control characters, which are escaped: those below a blank because they must be, DEL
 *            and U+0080 to U+009F because a terminal may obey them. Of the rest, each byte becomes
 *            U+FFFD; but one is enough for the longest start of a character that is cut off (the
 *            Unicode Standard, 3.9, "U+FFFD Substitution of Maximal Subparts").
 *   numbers  are whole, or made of whole ones: no locale gets at the decimal point.
 */
#include "json.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* Well-formed UTF-8 (the Unicode Standard, table 3-7): the second byte depends on the first. */
static const struct {
  unsigned char first, last; /* of the first byte */
  unsigned char least, most; /* of the second one; the others are 0x80 to 0xbf */
  unsigned char length;
} forms[] = {
    {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool is_between(unsigned char byte, unsigned char least, unsigned char most) {
  return byte >= least && byte <= most;
}

/* Returns how many bytes belong together, at least 1, and whether they are a character. */
static size_t measure(const unsigned char *text, bool *is_character) {
  size_t form = 0, length = 1, n = sizeof forms / sizeof *forms;

  while (form < n && !is_between(*text, forms[form].first, forms[form].last)) form++;
  *is_character = form < n;
  if (form == n || forms[form].length == 1) return 1;
  if (is_between(text[1], forms[form].least, forms[form].most)) {
    for (length = 2; length < forms[form].length; length++)
      if (!is_between(text[length], 0x80, 0xbf)) break;
  }
  *is_character = length == forms[form].length;
  return length;
}

static void print_character(const unsigned char *text, size_t length, FILE *out) {
  if (*text == '"' || *text == '\\')
    fprintf(out, "\\%c", *text);
  else if (*text < ' ' || *text == 0x7f)
    fprintf(out, "\\u%04x", *text);
  else if (*text == 0xc2 && text[1] < 0xa0)
    fprintf(out, "\\u%04x", text[1]);
  else
    fwrite(text, 1, length, out);
}

static void print_string(const char *string, FILE *out) {
  const unsigned char *text = (const unsigned char *)string;
  bool is_character;

  putc('"', out);
  for (size_t length; *text; text += length) {
    length = measure(text, &is_character);
    if (is_character)
      print_character(text, length, out);
    else
      fputs(REPLACEMENT, out);
  }
  putc('"', out);
}

static void print_error(const check_error_t *error, FILE *out) {
  char words[WORDS_MAX + 1];

  if (error->kind == FAILURE_NONE) {
    fputs("null", out);
    return;
  }
  error_words(error, words, sizeof words);
  fprintf(out, "{\"code\":\"%s\",\"words\":", failure_name(error->kind));
  print_string(words, out);
  putc('}', out);
}

/* To the microsecond, with one decimal at least. */
static void print_ms(uint64_t ns, FILE *out) {
  unsigned long long us = ns / 1000 + (ns % 1000 >= 500);
  unsigned decimals = (unsigned)(us % 1000);
  int digits = 3;

  for (; digits > 1 && decimals % 10 == 0; digits--) decimals /= 10;
  if (ns)
    fprintf(out, "%llu.%0*u", us / 1000, digits, decimals);
  else
    fputs("null", out);
}

static void print_times(const times_t *times, FILE *out) {
  const struct {
    const char *name;
    uint64_t ns;
  } members[] = {{"dns", times->dns},
                 {"connect", times->connect},
                 {"tls", times->tls},
                 {"first_byte", times->first_byte},
                 {"total", times->total}};

  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    fprintf(out, "%c\"%s\":", i == 0 ? '{' : ',', members[i].name);
    print_ms(members[i].ns, out);
  }
  putc('}', out);
}

static void print_hops(const hop_t *hops, FILE *out) {
  putc('[', out);
  for (const hop_t *hop = hops; hop; hop = hop->next) {
    if (hop != hops) putc(',', out);
    print_string(hop->url, out);
  }
  putc(']', out);
}

static void print_status(const response_t *response, FILE *out) {
  if (response->status)
    fprintf(out, "%u", response->status);
  else
    fputs("null", out);
}

static void print_remote(const response_t *response, FILE *out) {
  if (response->remote[0])
    print_string(response->remote, out);
  else
    fputs("null", out);
}

void json_print(const result_t *result, FILE *out) {
  fputs("{\"url\":", out);
  print_string(result->target->url, out);
  fprintf(out, ",\"ok\":%s,\"status\":", result->is_good ? "true" : "false");
  print_status(&result->response, out);
  fputs(",\"error\":", out);
  print_error(&result->error, out);
  fputs(",\"ms\":", out);
  print_times(&result->times, out);
  fputs(",\"remote\":", out);
  print_remote(&result->response, out);
  fputs(",\"redirects\":", out);
  print_hops(result->hops, out);
  fprintf(out, ",\"bytes\":%llu,\"attempts\":%u}\n", (unsigned long long)result->response.bytes,
          result->attempts);
}
