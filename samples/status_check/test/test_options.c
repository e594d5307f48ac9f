/*
 * Description: what each option sets, given in both spellings, at its bounds and beyond; and what
 * the settings mean for a status. What is refused says so on stderr.
 */
#include "expect.h"
#include "options.h"

#define PARSE(...) parse((char *[]){(char *)"status_check", __VA_ARGS__, NULL})

static options_t options;

/* The options point into a copy of the words, which live no longer than their block. */
static bool parse(char **words) {
  static char *args[80];
  int count = 0;

  for (; words[count]; count++) args[count] = words[count];
  args[count] = NULL;
  options_free(&options);
  return options_parse(&options, count, args);
}

/* Takes the two words as they are, and as --name=VALUE. */
static bool parse_both(const char *name, const char *value) {
  static char joined[256], spare[256], apart[256];
  bool is_right;

  snprintf(joined, sizeof joined, "%s=%s", name, value);
  snprintf(spare, sizeof spare, "%s", name);
  snprintf(apart, sizeof apart, "%s", value);
  is_right = PARSE(spare, apart, (char *)"u");
  EXPECT(!is_right || (options.url_count == 1 && strcmp(options.urls[0], "u") == 0));
  EXPECT(PARSE(joined, (char *)"u") == is_right);
  EXPECT(!is_right || (options.url_count == 1 && strcmp(options.urls[0], "u") == 0));
  return is_right;
}

/* One of the three members is that of the option. */
typedef struct number_s {
  const char *name;
  uint64_t unset, min, max;
  const uint64_t *wide;
  const size_t *size;
  const unsigned *narrow;
} number_t;

static const number_t numbers[] = {
    {"--timeout", 10000, 1, 3600000, .wide = &options.timeout_ms},
    {"--connect-timeout", 3000, 1, 3600000, .wide = &options.settings.connect_timeout_ms},
    {"--concurrency", 10, 1, 1000, .size = &options.settings.concurrency},
    {"--per-host", 0, 1, 1000, .size = &options.settings.per_host},
    {"--redirects", 10, 0, 100, .narrow = &options.settings.redirects},
    {"--retry", 0, 0, 100, .narrow = &options.settings.retries},
    {"--retry-delay", 200, 1, 3600000, .wide = &options.settings.retry_delay_ms},
    {"--max-body", 1048576, 0, 1099511627776, .wide = &options.settings.body_max},
    {"--watch", 0, 1, 86400, .wide = &options.watch_s},
};

enum { NUMBERS = sizeof numbers / sizeof *numbers };

static uint64_t value_of(const number_t *number) {
  if (number->wide) return *number->wide;
  return number->size ? *number->size : *number->narrow;
}

static bool parse_number(const number_t *number, uint64_t value) {
  char text[24];

  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  return parse_both(number->name, text);
}

static void numbers_have_defaults(void) {
  EXPECT(PARSE("u"));
  for (size_t i = 0; i < NUMBERS; i++) EXPECT(value_of(&numbers[i]) == numbers[i].unset);
}

/* All others keep their defaults. */
static void numbers_go_where_they_belong(void) {
  for (size_t i = 0; i < NUMBERS; i++) {
    EXPECT(parse_number(&numbers[i], 77));
    for (size_t j = 0; j < NUMBERS; j++)
      EXPECT(value_of(&numbers[j]) == (j == i ? 77 : numbers[j].unset));
  }
}

static void numbers_have_bounds(void) {
  for (size_t i = 0; i < NUMBERS; i++) {
    EXPECT(parse_number(&numbers[i], numbers[i].min) && value_of(&numbers[i]) == numbers[i].min);
    EXPECT(parse_number(&numbers[i], numbers[i].max) && value_of(&numbers[i]) == numbers[i].max);
    EXPECT(!parse_number(&numbers[i], numbers[i].max + 1));
    EXPECT(numbers[i].min == 0 || !parse_number(&numbers[i], numbers[i].min - 1));
  }
}

static void numbers_are_strict(void) {
  static const char *const wrong[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1s",
                                      "1.0",
                                      "0x1",
                                      "1e1",
                                      "one",
                                      "1,2",
                                      "=1",
                                      "18446744073709551617"};

  for (size_t i = 0; i < NUMBERS; i++)
    for (size_t j = 0; j < sizeof wrong / sizeof *wrong; j++)
      EXPECT(!parse_both(numbers[i].name, wrong[j]));
  EXPECT(parse_both("--timeout", "0077") && options.timeout_ms == 77);
}

static void the_method_is_get_or_head(void) {
  EXPECT(PARSE("u") && !options.settings.is_head);
  EXPECT(parse_both("--method", "HEAD") && options.settings.is_head);
  EXPECT(parse_both("--method", "GET") && !options.settings.is_head);
  EXPECT(!parse_both("--method", "POST"));
  EXPECT(!parse_both("--method", "head"));
  EXPECT(!parse_both("--method", "HEADS"));
  EXPECT(!parse_both("--method", ""));
}

static void headers_add_up(void) {
  EXPECT(PARSE("u") && options.settings.header_count == 0);
  EXPECT(parse_both("--header", "A: b=c") && options.settings.header_count == 1);
  EXPECT_TEXT(options.settings.headers[0], "A: b=c");
  EXPECT(PARSE("--header", "A: b", "u", "--header=A: b", "--header", "-: --"));
  EXPECT(options.settings.header_count == 3 && options.url_count == 1);
  EXPECT_TEXT(options.settings.headers[0], "A: b");
  EXPECT_TEXT(options.settings.headers[1], "A: b");
  EXPECT_TEXT(options.settings.headers[2], "-: --");
}

static void headers_are_checked(void) {
  EXPECT(!parse_both("--header", ""));
  EXPECT(!parse_both("--header", "A"));
  EXPECT(!parse_both("--header", "A: b\r\nC: d"));
  EXPECT(!parse_both("--header", "Content-Length: 1"));
  EXPECT(!PARSE("--header=A: b", "--header=A"));
}

static void headers_are_64_at_most(void) {
  char *args[67] = {"status_check"};

  for (int i = 1; i <= 65; i++) args[i] = "--header=A: b";
  EXPECT(!parse(args));
  args[65] = "u";
  EXPECT(parse(args) && options.settings.header_count == 64);
}

static void expect_statuses(const char *value, size_t n, const unsigned *wanted) {
  EXPECT(parse_both("--expect", value));
  EXPECT(options.settings.expected_count == n);
  for (size_t i = 0; i < n; i++) EXPECT(options.settings.expected[i] == wanted[i]);
}

static void takes_lists_of_statuses(void) {
  EXPECT(PARSE("u") && options.settings.expected_count == 0);
  expect_statuses("204", 1, (unsigned[]){204});
  expect_statuses("999,100,404", 3, (unsigned[]){999, 100, 404});
  EXPECT(PARSE("--expect", "200,201", "--expect", "404"));
  EXPECT(options.settings.expected_count == 1 && options.settings.expected[0] == 404);
}

static void refuses_wrong_statuses(void) {
  static const char *const wrong[] = {"",         ",",    "200,", ",200",  "200,,201",
                                      "99",       "1000", "0",    "2xx",   "200;201",
                                      "200, 201", " 200", "-200", "200,0", "4294967496"};

  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    EXPECT(!parse_both("--expect", wrong[i]));
}

static void statuses_are_32_at_most(void) {
  char list[4 * 33 + 1] = "";

  for (int i = 0; i < 33; i++) memcpy(list + 4 * i, "200,", 5);
  list[4 * 33 - 1] = '\0';
  EXPECT(!parse_both("--expect", list));
  list[4 * 32 - 1] = '\0';
  EXPECT(parse_both("--expect", list) && options.settings.expected_count == 32);
}

static void takes_a_file(void) {
  EXPECT(PARSE("u") && !options.ca_file);
  EXPECT(parse_both("--cacert", "a=b.pem"));
  EXPECT_TEXT(options.ca_file, "a=b.pem");
  EXPECT(!parse_both("--cacert", ""));
}

/* Every flag sets its own member and no other. */
static void takes_flags(void) {
  static const struct {
    const char *name;
    const bool *member;
  } flags[] = {
      {"--insecure", &options.insecure}, {"--json", &options.json}, {"--demo", &options.demo},
      {"--help", &options.help},         {"-h", &options.help},
  };

  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    EXPECT(PARSE((char *)flags[i].name) && *flags[i].member);
    EXPECT(options.insecure + options.json + options.demo + options.help == 1);
  }
  EXPECT(PARSE("--json", "u") && options.url_count == 1);
  EXPECT(PARSE("u") && !options.insecure && !options.json && !options.demo && !options.help);
}

static void flags_take_no_value(void) {
  EXPECT(!PARSE("--json=1"));
  EXPECT(!PARSE("--json="));
  EXPECT(!PARSE("--help=no"));
}

static void a_missing_value_is_wrong(void) {
  EXPECT(!PARSE("u", "--method"));
  EXPECT(!PARSE("u", "--header"));
  EXPECT(!PARSE("u", "--expect"));
  EXPECT(!PARSE("u", "--cacert"));
  for (size_t i = 0; i < NUMBERS; i++) EXPECT(!PARSE("u", (char *)numbers[i].name));
}

static void unknown_options_are_wrong(void) {
  EXPECT(!PARSE("--nonsense"));
  EXPECT(!PARSE("--time", "1"));
  EXPECT(!PARSE("--timeouts=1"));
  EXPECT(!PARSE("--Timeout=1"));
  EXPECT(!PARSE("-timeout", "1"));
  EXPECT(!PARSE("-x"));
  EXPECT(!PARSE("-"));
  EXPECT(!PARSE("--=1"));
  EXPECT(!PARSE("u", "v", "--nonsense"));
}

static void options_and_urls_mix(void) {
  EXPECT(PARSE("a", "--timeout", "7", "b", "--json", "c", "--retry=2"));
  EXPECT(options.timeout_ms == 7 && options.json && options.settings.retries == 2);
  EXPECT(options.url_count == 3);
  EXPECT_TEXT(options.urls[0], "a");
  EXPECT_TEXT(options.urls[1], "b");
  EXPECT_TEXT(options.urls[2], "c");
}

static void two_dashes_end_the_options(void) {
  EXPECT(PARSE("a", "--", "--json", "--", "-h"));
  EXPECT(!options.json && !options.help && options.url_count == 4);
  EXPECT_TEXT(options.urls[1], "--json");
  EXPECT_TEXT(options.urls[2], "--");
  EXPECT_TEXT(options.urls[3], "-h");
}

static void the_last_one_counts(void) {
  EXPECT(PARSE("--timeout=1", "--timeout=2") && options.timeout_ms == 2);
  EXPECT(PARSE("--method=HEAD", "--method=GET") && !options.settings.is_head);
  EXPECT(!PARSE("--timeout=x", "--timeout=2"));
}

static void the_demo_takes_no_url(void) {
  EXPECT(PARSE("--demo", "--timeout=1"));
  EXPECT(!PARSE("--demo", "u"));
  EXPECT(!PARSE("u", "--demo"));
  EXPECT(!PARSE("--demo", "--", "u"));
}

static void nothing_is_fine(void) {
  EXPECT(PARSE(NULL) && options.url_count == 0);
  EXPECT(!options.settings.tls);
}

/* Returns the help, as it was printed. */
static const char *help(void) {
  static char text[4096];
  FILE *file = tmpfile();

  EXPECT(file);
  options_help(file);
  rewind(file);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  return text;
}

static void the_help_names_all(void) {
  static const char *const others[] = {"--method",   "--header", "--expect", "--cacert",
                                       "--insecure", "--json",   "--demo",   "--help, -h"};
  const char *text = help();
  char line[40];

  EXPECT(strncmp(text, "usage: status_check ", 20) == 0);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    snprintf(line, sizeof line, "\n  %s ", others[i]);
    EXPECT(strstr(text, line));
  }
  for (size_t i = 0; i < NUMBERS; i++) {
    snprintf(line, sizeof line, "\n  %s ", numbers[i].name);
    EXPECT(strstr(text, line));
  }
}

/* What is not 0 by default is told so. */
static void the_help_tells_defaults(void) {
  char name[40], wanted[40];

  for (size_t i = 0; i < NUMBERS; i++) {
    if (numbers[i].unset == 0) continue;
    snprintf(name, sizeof name, "\n  %s ", numbers[i].name);
    snprintf(wanted, sizeof wanted, "default %llu", (unsigned long long)numbers[i].unset);
    const char *line = strstr(help(), name), *told = line ? strstr(line, wanted) : NULL;
    EXPECT(told && told < strchr(line + 1, '\n'));
    EXPECT(strchr(";\n", told[strlen(wanted)]));
  }
}

static void settings_accept_statuses(void) {
  settings_t settings = settings_default;

  EXPECT(settings_accept(&settings, 200) && settings_accept(&settings, 399));
  EXPECT(!settings_accept(&settings, 400) && !settings_accept(&settings, 503));
  EXPECT(!settings_name(&settings, 200));
  EXPECT(PARSE("--expect=301,404"));
  EXPECT(settings_accept(&options.settings, 404) && settings_accept(&options.settings, 301));
  EXPECT(!settings_accept(&options.settings, 200) && !settings_accept(&options.settings, 0));
  EXPECT(settings_name(&options.settings, 301) && settings_name(&options.settings, 404));
  EXPECT(!settings_name(&options.settings, 200));
}

static const case_t cases[] = {
    {"numbers_have_defaults", numbers_have_defaults},
    {"numbers_go_where_they_belong", numbers_go_where_they_belong},
    {"numbers_have_bounds", numbers_have_bounds},
    {"numbers_are_strict", numbers_are_strict},
    {"the_method_is_get_or_head", the_method_is_get_or_head},
    {"headers_add_up", headers_add_up},
    {"headers_are_checked", headers_are_checked},
    {"headers_are_64_at_most", headers_are_64_at_most},
    {"takes_lists_of_statuses", takes_lists_of_statuses},
    {"refuses_wrong_statuses", refuses_wrong_statuses},
    {"statuses_are_32_at_most", statuses_are_32_at_most},
    {"takes_a_file", takes_a_file},
    {"takes_flags", takes_flags},
    {"flags_take_no_value", flags_take_no_value},
    {"a_missing_value_is_wrong", a_missing_value_is_wrong},
    {"unknown_options_are_wrong", unknown_options_are_wrong},
    {"options_and_urls_mix", options_and_urls_mix},
    {"two_dashes_end_the_options", two_dashes_end_the_options},
    {"the_last_one_counts", the_last_one_counts},
    {"the_demo_takes_no_url", the_demo_takes_no_url},
    {"nothing_is_fine", nothing_is_fine},
    {"the_help_names_all", the_help_names_all},
    {"the_help_tells_defaults", the_help_tells_defaults},
    {"settings_accept_statuses", settings_accept_statuses},
};

int main(int argc, char **argv) {
  int status = run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");

  options_free(&options);
  return status;
}
