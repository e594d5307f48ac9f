/* Description: the line of JSON to the byte, whatever the URLs hold. */
#include "expect.h"
#include "json.h"

#define NOTHING                                                                                    \
  "\"ms\":{\"dns\":null,\"connect\":null,\"tls\":null,\"first_byte\":null,\"total\":null},"        \
  "\"remote\":null,\"redirects\":[],\"bytes\":0,\"attempts\":0}\n"
#define BAD "\xef\xbf\xbd" /* U+FFFD */

/* Returns what is printed; good until the next call. */
static const char *print(const result_t *result) {
  static char text[4096];
  FILE *file = tmpfile();
  size_t length;

  EXPECT(file);
  json_print(result, file);
  rewind(file);
  length = fread(text, 1, sizeof text - 1, file);
  text[length] = '\0';
  fclose(file);
  return text;
}

static void prints_all_members(void) {
  const target_t target = {"http://h/", 1000};
  hop_t second = {NULL, (char[]){"https://i/\"c\""}}, first = {&second, (char[]){"http://h/b"}};
  const result_t result = {.target = &target,
                           .response = {200, "OK", "127.0.0.1:80", 123},
                           .times = {100000, 200000, 0, 1500000, 2000000},
                           .hops = &first,
                           .hop_count = 2,
                           .attempts = 1,
                           .is_good = true};

  EXPECT_TEXT(print(&result),
              "{\"url\":\"http://h/\",\"ok\":true,\"status\":200,\"error\":null,"
              "\"ms\":{\"dns\":0.1,\"connect\":0.2,\"tls\":null,\"first_byte\":1.5,\"total\":2.0},"
              "\"remote\":\"127.0.0.1:80\",\"redirects\":[\"http://h/b\",\"https://i/\\\"c\\\"\"],"
              "\"bytes\":123,\"attempts\":1}\n");
}

static void prints_null_for_what_did_not_happen(void) {
  const target_t target = {"x", 1000};
  const result_t result = {.target = &target, .error = {FAILURE_BAD_URL, 0, "bad \"URL\\"}};

  EXPECT_TEXT(print(&result),
              "{\"url\":\"x\",\"ok\":false,\"status\":null,\"error\":{\"code\":\"bad_url\","
              "\"words\":\"bad \\\"URL\\\\\"}," NOTHING);
}

static void tells_the_status_beside_an_error(void) {
  const target_t target = {"x", 1000};
  const result_t result = {
      .target = &target, .response = {.status = 999}, .error = {FAILURE_REDIRECT_LOOP, 0, NULL}};

  EXPECT_TEXT(print(&result),
              "{\"url\":\"x\",\"ok\":false,\"status\":999,\"error\":{\"code\":\"redirect_loop\","
              "\"words\":\"redirected in a circle\"}," NOTHING);
}

static void expect_url(const char *url, const char *printed) {
  const target_t target = {url, 1000};
  char wanted[512];

  snprintf(wanted, sizeof wanted, "{\"url\":\"%s\",\"ok\":false,\"status\":null,\"error\":null,%s",
           printed, NOTHING);
  EXPECT_TEXT(print(&(result_t){.target = &target}), wanted);
}

static void escapes_control_characters(void) {
  char url[2] = "", printed[8];

  for (char c = 1; c < ' '; c++) {
    url[0] = c;
    snprintf(printed, sizeof printed, "\\u%04x", c);
    expect_url(url, printed);
  }
  expect_url("a\"b\\c/\x7f", "a\\\"b\\\\c/\\u007f");
  expect_url("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0");
}

static void keeps_what_is_utf_8(void) {
  static const char *const urls[] = {
      "\xc3\xbc",         "\xdf\xbf",         "\xe0\xa0\x80",           "\xe2\x82\xac",
      "\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbf",           "\xf0\x90\x80\x80",
      "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "a\xe2\x82\xac\xc3\xbc~",
  };

  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) expect_url(urls[i], urls[i]);
}

/* As Python's errors="replace" and browsers have it. */
static void replaces_what_is_not(void) {
  expect_url("\x80", BAD);
  expect_url("a\xff\xfe", "a" BAD BAD);
  expect_url("\xc0\xaf", BAD BAD); /* longer than need be */
  expect_url("\xc1\xbf", BAD BAD);
  expect_url("\xe0\x9f\xbf", BAD BAD BAD);
  expect_url("\xf0\x8f\xbf\xbf", BAD BAD BAD BAD);
  expect_url("\xed\xa0\x80", BAD BAD BAD);         /* a surrogate */
  expect_url("\xf4\x90\x80\x80", BAD BAD BAD BAD); /* beyond U+10FFFF */
  expect_url("\xf5\x80\x80\x80", BAD BAD BAD BAD);
  expect_url("\xc3", BAD); /* cut off */
  expect_url("\xe2\x82", BAD);
  expect_url("\xf0\x9f\x98", BAD);
  expect_url("\xf0\x9f\x98\"", BAD "\\\"");
  expect_url("\xe2\x82\xc3\xbc", BAD "\xc3\xbc");
  expect_url("\xe2\n", BAD "\\u000a");
}

static void expect_total(uint64_t ns, const char *printed) {
  const target_t target = {"", 1000};
  char wanted[64];

  snprintf(wanted, sizeof wanted, "\"total\":%s}", printed);
  EXPECT(strstr(print(&(result_t){.target = &target, .times = {.total = ns}}), wanted));
}

static void prints_milliseconds(void) {
  expect_total(1, "0.0");
  expect_total(499, "0.0");
  expect_total(500, "0.001");
  expect_total(10000, "0.01");
  expect_total(100000, "0.1");
  expect_total(101000, "0.101");
  expect_total(999499, "0.999");
  expect_total(999500, "1.0");
  expect_total(12340000000, "12340.0");
  expect_total(3599999050000, "3599999.05");
  expect_total(UINT64_MAX, "18446744073709.552");
}

static void prints_large_numbers(void) {
  const target_t target = {"", 1000};
  const result_t result = {
      .target = &target, .response = {.bytes = UINT64_MAX}, .attempts = 4294967295};

  EXPECT(strstr(print(&result), "\"bytes\":18446744073709551615,\"attempts\":4294967295}\n"));
}

static const case_t cases[] = {
    {"prints_all_members", prints_all_members},
    {"prints_null_for_what_did_not_happen", prints_null_for_what_did_not_happen},
    {"tells_the_status_beside_an_error", tells_the_status_beside_an_error},
    {"escapes_control_characters", escapes_control_characters},
    {"keeps_what_is_utf_8", keeps_what_is_utf_8},
    {"replaces_what_is_not", replaces_what_is_not},
    {"prints_milliseconds", prints_milliseconds},
    {"prints_large_numbers", prints_large_numbers},
};

int main(int argc, char **argv) {
  return run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");
}
