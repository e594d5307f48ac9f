/*
 * scheme "://" host [":" port] [path] ["?" query] ["#" fragment], after RFC 3986, less user names
 * and host names that would need encoding. Each step takes its part and leaves the cursor behind
 * it.
 */
#include "url.h"

#include <stddef.h>
#include <string.h>
#include <uv.h>

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Not isalpha(): that one follows the locale. */
static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_host_char(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
}

static const char *check_characters(const char *text) {
  size_t length = 0;

  for (; text[length]; length++) {
    unsigned char c = (unsigned char)text[length];
    if (length == URL_MAX) return "bad URL: longer than 8192 characters";
    if (c <= ' ') return "bad URL: a space or control character in it";
    if (c >= 0x7f) return "bad URL: a character outside ASCII in it";
  }
  return NULL;
}

/* `word` is in lower case. */
static bool is_word(const char *text, size_t length, const char *word) {
  if (strlen(word) != length) return false;
  for (size_t i = 0; i < length; i++)
    if (!is_letter(text[i]) || (text[i] | 0x20) != word[i]) return false;
  return true;
}

static const char *take_scheme(const char **cursor) {
  const char *end = strstr(*cursor, "://");
  size_t length = end ? (size_t)(end - *cursor) : 0;
  const char *scheme = *cursor;

  if (length == 0 || memchr(scheme, '/', length)) return "bad URL: no http:// in front";
  *cursor = end + 3;
  if (is_word(scheme, length, "http")) return NULL;
  if (is_word(scheme, length, "https")) return "https is not supported yet";
  return "unsupported scheme";
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

static const char *take_ipv6(url_t *url, const char **cursor, const char *end) {
  const char *start = *cursor + 1;
  const char *bracket = memchr(start, ']', (size_t)(end - start));
  size_t length = bracket ? (size_t)(bracket - start) : 0;
  unsigned char address[16];

  if (length == 0 || length > URL_HOST_MAX) return "bad URL: no IPv6 address in the brackets";
  memcpy(url->host, start, length);
  url->host[length] = '\0';
  url->is_ipv6 = true;
  *cursor = bracket + 1;
  if (uv_inet_pton(AF_INET6, url->host, address)) return "bad URL: no IPv6 address in the brackets";
  if (*cursor < end && **cursor != ':') return "bad URL: text behind the brackets";
  return NULL;
}

static const char *take_port(url_t *url, const char **cursor, const char *end) {
  ptrdiff_t digits = end - *cursor - 1;
  unsigned port = 0;

  url->port = 80;
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

  if (!wrong) wrong = take_scheme(&cursor);
  if (!wrong) wrong = take_authority(url, &cursor);
  if (wrong) return wrong;
  url->path = cursor;
  url->path_length = (int)strcspn(cursor, "#");
  return NULL;
}
