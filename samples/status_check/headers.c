#include "headers.h"

#include <string.h>

static const char token_chars[] = "!#$%&'*+-.^_`|~0123456789"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const char *const framing[] = {
    "Connection", "Content-Length", "Transfer-Encoding", "Upgrade", "Expect", "TE", "Trailer"};

static const char *const homely[] = {"Authorization", "Cookie", "Host", "Proxy-Authorization"};

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_named(const char *line, const char *name) {
  for (; *name; name++, line++)
    if (lower(*line) != lower(*name)) return false;
  return *line == ':';
}

static bool is_one_of(const char *line, const char *const *names, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (is_named(line, names[i])) return true;
  return false;
}

static bool is_control(char c) {
  return (unsigned char)c < ' ' ? c != '\t' : c == 0x7f;
}

const char *headers_check(const char *line) {
  size_t length = strspn(line, token_chars);

  if (!strchr(line, ':')) return "no colon behind the name";
  if (*line == ':') return "no name in front of the colon";
  if (line[length] != ':') return "a character that no name has";
  for (const char *value = line + length; *value; value++)
    if (is_control(*value)) return "a control character in the value";
  if (is_one_of(line, framing, sizeof framing / sizeof *framing))
    return "the program sets that one itself, or does without";
  return NULL;
}

bool headers_have(const char *const *lines, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++)
    if (is_named(lines[i], name)) return true;
  return false;
}

bool header_stays_home(const char *line) {
  return is_one_of(line, homely, sizeof homely / sizeof *homely);
}
