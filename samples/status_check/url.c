/*
 * scheme "://" host [":" port] [path] ["?" query] ["#" fragment], after RFC 3986, less user names
 * and host names that would need encoding.
 *
 * Reading: each step takes its part and leaves the cursor behind it.
 *
 * Joining: a reference is split into five parts, any of which may be missing. A part is kept with
 * the delimiter that makes it one ("?" is an empty query, "" is none), so that writing them out is
 * putting one behind the other.
 *
 *   split     cuts both texts into parts; nothing is refused here
 *   complete  lends the reference what it lacks, from the left up to the first part that it has
 *   put       writes a part, and encodes what may not stand in it
 *
 * Dot segments go last, from the path that was written. A reference with a scheme and no authority
 * ("mailto:a", "http:/h") stays as it is: without its dots it could turn into one with a host.
 */
#include "url.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Not isalpha(): that one follows the locale. */
static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whatever their case. */
static bool is_word(const char *text, size_t length, const char *word) {
  if (strlen(word) != length) return false;
  for (size_t i = 0; i < length; i++)
    if (lower(text[i]) != lower(word[i])) return false;
  return true;
}

static bool is_host_char(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
}

static bool is_scheme_char(char c) {
  return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
}

/* A space, a control character, or outside ASCII. */
static bool is_unfit(char c) {
  return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7f;
}

/* Returns the length of the scheme with its colon; 0: there is none. */
static size_t scheme_length(const char *text) {
  size_t length = 0;

  if (!is_letter(*text)) return 0;
  while (is_scheme_char(text[length])) length++;
  return text[length] == ':' ? length + 1 : 0;
}

static const char *check_characters(const char *text) {
  size_t length = 0;

  for (; text[length]; length++) {
    if (length == URL_MAX) return "bad URL: longer than 8192 characters";
    if (!is_unfit(text[length])) continue;
    return (unsigned char)text[length] <= ' ' ? "bad URL: a space or control character in it"
                                              : "bad URL: a character outside ASCII in it";
  }
  return NULL;
}

static const char *take_scheme(url_t *url, const char **cursor) {
  const char *scheme = *cursor;
  size_t length = scheme_length(scheme);

  if (length == 0 || strncmp(scheme + length, "//", 2) != 0)
    return "bad URL: no http:// or https:// in front";
  *cursor += length + 2;
  url->is_https = is_word(scheme, length, "https:");
  return url->is_https || is_word(scheme, length, "http:") ? NULL : "unsupported scheme";
}

static const char *take_name(url_t *url, const char **cursor, const char *end) {
  size_t length = 0;

  while (*cursor + length < end && is_host_char((*cursor)[length])) length++;
  if (length > URL_HOST_MAX) return "bad URL: the host name is longer than 255 characters";
  memcpy(url->host, *cursor, length);
  url->host[length] = '\0';
  *cursor += length;
  if (*cursor < end && **cursor != ':') return "bad URL: a character that no host name has";
  return length > 0 ? NULL : "bad URL: no host";
}

/* uv_inet_pton() takes any text for a zone behind a '%'. */
static bool is_ipv6_address(const char *text) {
  unsigned char address[16];

  return !strchr(text, '%') && uv_inet_pton(AF_INET6, text, address) == 0;
}

static const char *take_ipv6(url_t *url, const char **cursor, const char *end) {
  const char *start = *cursor + 1;
  const char *bracket = memchr(start, ']', (size_t)(end - start));
  size_t length = bracket ? (size_t)(bracket - start) : 0;

  if (length == 0 || length > URL_HOST_MAX) return "bad URL: no IPv6 address in the brackets";
  memcpy(url->host, start, length);
  url->host[length] = '\0';
  url->is_ipv6 = true;
  *cursor = bracket + 1;
  if (!is_ipv6_address(url->host)) return "bad URL: no IPv6 address in the brackets";
  if (*cursor < end && **cursor != ':') return "bad URL: text behind the brackets";
  return NULL;
}

static const char *take_port(url_t *url, const char **cursor, const char *end) {
  ptrdiff_t digits = end - *cursor - 1;
  unsigned port = 0;

  url->port = url->is_https ? 443 : 80;
  if (*cursor == end) return NULL;
  while (++*cursor < end && is_digit(**cursor) && digits <= 5)
    port = port * 10 + (unsigned)(**cursor - '0');
  if (*cursor < end || port < 1 || port > 65535) return "bad URL: the port is not 1 to 65535";
  url->port = port;
  return NULL;
}

static const char *take_authority(url_t *url, const char **cursor) {
  size_t length = strcspn(*cursor, "/?#");
  const char *end = *cursor + length;
  const char *wrong;

  url->is_ipv6 = false;
  if (memchr(*cursor, '@', length)) return "bad URL: user names are not supported";
  wrong = **cursor == '[' ? take_ipv6(url, cursor, end) : take_name(url, cursor, end);
  return wrong ? wrong : take_port(url, cursor, end);
}

const char *url_parse(url_t *url, const char *text) {
  const char *cursor = text;
  const char *wrong = check_characters(text);

  if (!wrong) wrong = take_scheme(url, &cursor);
  if (!wrong) wrong = take_authority(url, &cursor);
  if (wrong) return wrong;
  url->path = cursor;
  url->path_length = (int)strcspn(cursor, "#");
  return NULL;
}

bool url_same_origin(const url_t *a, const url_t *b) {
  return a->is_https == b->is_https && a->port == b->port &&
         is_word(a->host, strlen(a->host), b->host);
}

typedef struct span_s {
  const char *at;
  size_t length;
} span_t;

/* Cuts `length` bytes off the front. */
static span_t take(span_t *rest, size_t length) {
  span_t taken = {rest->at, length};

  rest->at += length;
  rest->length -= length;
  return taken;
}

/* Less the '/' in front, which may be missing. */
static span_t path_of(const url_t *url) {
  span_t path = {url->path, (size_t)url->path_length};

  if (path.length > 0 && path.at[0] == '/') take(&path, 1);
  return path;
}

bool url_same(const url_t *a, const url_t *b) {
  span_t left = path_of(a), right = path_of(b);

  return url_same_origin(a, b) && left.length == right.length &&
         memcmp(left.at, right.at, left.length) == 0;
}

typedef struct parts_s {
  span_t scheme;    /* "http:" */
  span_t authority; /* "//host:80" */
  span_t directory; /* of the base, where the path goes on from there */
  span_t path;
  span_t query;    /* "?query" */
  span_t fragment; /* "#fragment" */
} parts_t;

static size_t length_until(span_t text, const char *stops) {
  size_t length = 0;

  while (length < text.length && !strchr(stops, text.at[length])) length++;
  return length;
}

static size_t authority_length(span_t text) {
  if (text.length < 2 || memcmp(text.at, "//", 2) != 0) return 0;
  take(&text, 2);
  return 2 + length_until(text, "/?#");
}

static parts_t split(span_t text) {
  parts_t parts = {.directory = {"", 0}};

  parts.scheme = take(&text, scheme_length(text.at));
  parts.authority = take(&text, authority_length(text));
  parts.path = take(&text, length_until(text, "?#"));
  parts.query = take(&text, length_until(text, "#"));
  parts.fragment = text;
  return parts;
}

static span_t directory_of(span_t path) {
  while (path.length > 0 && path.at[path.length - 1] != '/') path.length--;
  return path;
}

/* RFC 3986, 5.2.2. */
static void complete(parts_t *parts, const parts_t *base) {
  if (parts->scheme.length > 0) return;
  parts->scheme = base->scheme;
  if (parts->authority.length > 0) return;
  parts->authority = base->authority;
  if (parts->path.length == 0) {
    parts->path = base->path;
    if (parts->query.length == 0) parts->query = base->query;
  } else if (parts->path.at[0] != '/') {
    parts->directory = directory_of(base->path);
  }
}

/* Returns the new end of the text. */
static char *put(char *end, span_t part) {
  static const char digits[] = "0123456789ABCDEF";

  for (size_t i = 0; i < part.length; i++) {
    unsigned char c = (unsigned char)part.at[i];
    if (is_unfit(part.at[i])) {
      *end++ = '%';
      *end++ = digits[c >> 4];
      *end++ = digits[c & 15];
    } else {
      *end++ = part.at[i];
    }
  }
  return end;
}

static size_t without_last_segment(const char *path, size_t length) {
  while (length > 0 && path[length - 1] != '/') length--;
  return length > 0 ? length - 1 : 0;
}

/* RFC 3986, 5.2.4, in place. A path starts with '/', or is empty. Returns its new length. */
static size_t remove_dot_segments(char *path, size_t length) {
  size_t kept = 0;

  for (size_t at = 0, size; at < length; at += size) {
    span_t behind = {path + at + 1, length - at - 1};
    size = 1 + length_until(behind, "/");
    bool is_up = is_word(path + at, size, "/..");
    if (is_up) kept = without_last_segment(path, kept);
    if (!is_up && !is_word(path + at, size, "/.")) {
      memmove(path + kept, path + at, size);
      kept += size;
    } else if (at + size == length) {
      path[kept++] = '/';
    }
  }
  return kept;
}

static bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static span_t trim(const char *text) {
  span_t span = {text, strlen(text)};

  while (span.length > 0 && is_blank(span.at[0])) take(&span, 1);
  while (span.length > 0 && is_blank(span.at[span.length - 1])) span.length--;
  return span;
}

char *url_join(const char *base, const char *reference) {
  parts_t from = split(trim(base)), parts = split(trim(reference));
  /* at worst each byte becomes three */
  char *text = malloc(3 * (strlen(base) + strlen(reference)) + sizeof "/");
  char *path, *end;

  if (!text) return NULL;
  if (from.path.length == 0) from.path = (span_t){"/", 1};
  complete(&parts, &from);
  path = put(put(text, parts.scheme), parts.authority);
  end = put(put(path, parts.directory), parts.path);
  if (parts.authority.length > 0) end = path + remove_dot_segments(path, (size_t)(end - path));
  end = put(put(end, parts.query), parts.fragment);
  *end = '\0';
  return text;
}
