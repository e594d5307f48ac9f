/* Description: answers in pieces of every size, interim answers, nonsense, and early ends. */
#include "expect.h"
#include "http.h"

/* Feeds `answer` in pieces of `size` bytes, until the result is final. */
static http_state_t feed(http_t *http, const char *answer, size_t size) {
  http_state_t state = HTTP_MORE;
  size_t length = strlen(answer);

  http_init(http);
  for (size_t at = 0; at < length && state == HTTP_MORE; at += size)
    state = http_feed(http, answer + at, size < length - at ? size : length - at);
  return state;
}

static void expect_status(const char *answer, unsigned status, const char *reason) {
  http_t http;

  for (size_t size = 1; size <= strlen(answer); size++) {
    EXPECT(feed(&http, answer, size) == HTTP_ANSWERED);
    EXPECT(http.status == status);
    EXPECT_TEXT(http.reason, reason);
  }
}

static void reads_the_status(void) {
  expect_status("HTTP/1.1 200 OK\r\n\r\n", 200, "OK");
  expect_status("HTTP/1.0 404 Not Found\r\nA: b\r\n\r\nbody", 404, "Not Found");
  expect_status("HTTP/1.1 204\r\n\r\n", 204, "");
  expect_status("HTTP/1.1 301 Moved\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n", 301,
                "Moved");
}

#define FINAL "HTTP/1.1 200 Fine\r\n\r\n"

static void skips_interim_answers(void) {
  expect_status("HTTP/1.1 100 Continue\r\n\r\n" FINAL, 200, "Fine");
  expect_status("HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Work\r\n\r\n" FINAL, 200,
                "Fine");
  expect_status("HTTP/1.1 103 Hints\r\nContent-Length: 9\r\n\r\n" FINAL, 200, "Fine");
}

static void cleans_the_reason(void) {
  expect_status("HTTP/1.1 200 \x1b[31m\xc2\x9b.\r\n\r\n", 200, "?[31m??.");
  expect_status("HTTP/1.1 200 0123456789012345678901234567890123456789 and more\r\n\r\n", 200,
                "0123456789012345678901234567890123456789");
}

static void expect_nonsense(const char *answer) {
  http_t http;

  for (size_t size = 1; size <= strlen(answer); size++) {
    EXPECT(feed(&http, answer, size) == HTTP_NONSENSE);
    EXPECT(http.error && http.error[0]);
  }
}

static void refuses_nonsense(void) {
  expect_nonsense("SSH-2.0-weir\r\n");
  expect_nonsense("GET / HTTP/1.1\r\n\r\n");
  expect_nonsense("HTTP/x.1 200 OK\r\n\r\n");
  expect_nonsense("HTTP/1.1 2x0 OK\r\n\r\n");
  expect_nonsense("HTTP/1.1 000 OK\r\n\r\n");
  expect_nonsense("HTTP/1.1 200 OK\r\nno colon\r\n\r\n");
  expect_nonsense("HTTP/1.1 100 Continue\r\n\r\nnonsense");
  expect_nonsense("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
}

static void expect_end(const char *answer, bool inside) {
  http_t http;

  EXPECT(feed(&http, answer, 1) == HTTP_MORE);
  EXPECT(http_is_inside(&http) == inside);
}

static void tells_where_it_ended(void) {
  expect_end("", false);
  expect_end("\r\n", false);
  expect_end("H", true);
  expect_end("HTTP/1.1 200 OK\r\nContent-Le", true);
  expect_end("HTTP/1.1 200 OK\r\n\r", true);
  expect_end("HTTP/1.1 100 Continue\r\n\r\n", false);
  expect_end("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ", true);
}

static const case_t cases[] = {
    {"reads_the_status", reads_the_status},
    {"skips_interim_answers", skips_interim_answers},
    {"cleans_the_reason", cleans_the_reason},
    {"refuses_nonsense", refuses_nonsense},
    {"tells_where_it_ended", tells_where_it_ended},
};

int main(int argc, char **argv) {
  return run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");
}
