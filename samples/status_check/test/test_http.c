/*
 * Description: the request; answers in pieces of every size, interim answers, bodies of every kind,
 * nonsense, and early ends.
 */
#include "expect.h"
#include "http.h"

#define ENOUGH 1000

/* the request */

static void expect_request(const settings_t *settings, const char *text, bool is_at_home,
                           const char *wanted) {
  url_t url;
  char *request;

  EXPECT(url_parse(&url, text) == NULL);
  request = http_request(settings, &url, is_at_home);
  EXPECT(request);
  EXPECT_TEXT(request, wanted);
  free(request);
}

static void writes_the_request(void) {
  static const char agent[] = "User-Agent: none";
  static const char *const headers[] = {agent};
  settings_t settings = settings_default;

#define REST "\r\nAccept: */*\r\nUser-Agent: none\r\nConnection: close\r\n\r\n"
  settings.headers = headers;
  settings.header_count = 1;
  expect_request(&settings, "http://h", false, "GET / HTTP/1.1\r\nHost: h" REST);
  expect_request(&settings, "http://h:80?a#b", false, "GET /?a HTTP/1.1\r\nHost: h" REST);
  expect_request(&settings, "http://h:81/a", false, "GET /a HTTP/1.1\r\nHost: h:81" REST);
  expect_request(&settings, "https://h:443/a", false, "GET /a HTTP/1.1\r\nHost: h" REST);
  expect_request(&settings, "https://h:80/a", false, "GET /a HTTP/1.1\r\nHost: h:80" REST);
  expect_request(&settings, "http://[::1]:81/", false, "GET / HTTP/1.1\r\nHost: [::1]:81" REST);
  settings.is_head = true;
  expect_request(&settings, "http://h", false, "HEAD / HTTP/1.1\r\nHost: h" REST);
#undef REST
}

static void names_itself(void) {
  url_t url;
  char *request;

  EXPECT(url_parse(&url, "http://h") == NULL);
  request = http_request(&settings_default, &url, false);
  EXPECT(request && strstr(request, "\r\nUser-Agent: weir-status-check/"));
  free(request);
}

static void given_headers_take_the_place_of_its_own(void) {
  static const char *const headers[] = {"host: other", "ACCEPT: x", "User-Agent:", "A: b"};
  settings_t settings = settings_default;

  settings.headers = headers;
  settings.header_count = 4;
  expect_request(&settings, "http://h", true,
                 "GET / HTTP/1.1\r\nhost: other\r\nACCEPT: x\r\nUser-Agent:\r\nA: b\r\n"
                 "Connection: close\r\n\r\n");
}

static void some_headers_stay_at_home(void) {
  static const char *const headers[] = {"Cookie: c", "User-Agent: u", "Authorization: a",
                                        "Host: other"};
  settings_t settings = settings_default;

#define START "GET / HTTP/1.1\r\n"
  settings.headers = headers;
  settings.header_count = 4;
  expect_request(&settings, "http://h", true,
                 START "Accept: */*\r\nCookie: c\r\nUser-Agent: u\r\nAuthorization: a\r\n"
                       "Host: other\r\nConnection: close\r\n\r\n");
  expect_request(&settings, "http://h", false,
                 START "Host: h\r\nAccept: */*\r\nUser-Agent: u\r\nConnection: close\r\n\r\n");
#undef START
}

/* the answer */

/* Feeds `answer` in pieces of `size` bytes, until the state is final. */
static http_state_t feed(http_t *http, const char *answer, size_t size) {
  http_state_t state = HTTP_MORE;
  size_t length = strlen(answer);

  for (size_t at = 0; at < length && state == HTTP_MORE; at += size)
    state = http_feed(http, answer + at, size < length - at ? size : length - at);
  return state;
}

/* What is to come of an answer, whatever the pieces it comes in. */
typedef struct wanted_s {
  unsigned status;
  uint64_t bytes;
  const char *reason, *location;
  bool is_head;
  uint64_t body_max; /* 0: ENOUGH */
  bool ends;         /* with the connection, and not by itself */
} wanted_t;

static void expect_answer(const char *answer, const wanted_t *wanted) {
  for (size_t size = 1; size <= strlen(answer); size++) {
    http_t http;
    http_init(&http, wanted->is_head, wanted->body_max ? wanted->body_max : ENOUGH);
    EXPECT(feed(&http, answer, size) == (wanted->ends ? HTTP_MORE : HTTP_DONE));
    if (wanted->ends) EXPECT(http_end(&http, true) == HTTP_DONE);
    EXPECT(http.status == wanted->status);
    EXPECT(http.bytes == wanted->bytes);
    if (wanted->reason) EXPECT_TEXT(http.reason, wanted->reason);
    EXPECT_TEXT(http.location ? http.location : "none",
                wanted->location ? wanted->location : "none");
    free(http.location);
  }
}

static void reads_the_status(void) {
  expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &(wanted_t){200, .reason = "OK"});
  expect_answer("HTTP/1.0 404 Not Found\r\nA: b\r\n\r\nbody",
                &(wanted_t){404, 4, "Not Found", .ends = true});
  expect_answer("HTTP/1.1 204\r\n\r\n", &(wanted_t){204, .reason = ""});
}

#define FINAL "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok"

static void skips_interim_answers(void) {
  static const wanted_t fine = {200, 2, "Fine", NULL, .is_head = false};

  expect_answer("HTTP/1.1 100 Continue\r\n\r\n" FINAL, &fine);
  expect_answer("HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Work\r\n\r\n" FINAL, &fine);
  expect_answer("HTTP/1.1 103 Hints\r\nContent-Length: 9\r\n\r\n" FINAL, &fine);
  expect_answer("HTTP/1.0 100 Continue\r\n\r\n" FINAL, &fine);
}

static void cleans_the_reason(void) {
  expect_answer("HTTP/1.1 204 \x1b[31m\xc2\x9b.\r\n\r\n", &(wanted_t){204, .reason = "?[31m??."});
  expect_answer("HTTP/1.1 204 0123456789012345678901234567890123456789 and more\r\n\r\n",
                &(wanted_t){204, .reason = "0123456789012345678901234567890123456789"});
}

#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

static void counts_the_body(void) {
  expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more",
                &(wanted_t){200, 5, .is_head = false});
  expect_answer("HTTP/1.1 200 OK\r\n" CHUNKED "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n",
                &(wanted_t){200, 7, .is_head = false});
  expect_answer("HTTP/1.1 200 OK\r\n" CHUNKED "1\r\na\r\n0\r\nTrailer: x\r\n\r\n",
                &(wanted_t){200, 1, .is_head = false});
  expect_answer("HTTP/1.1 200 OK\r\n\r\nto the end", &(wanted_t){200, 10, .ends = true});
}

static void some_answers_have_no_body(void) {
  static const wanted_t head = {200, 0, .is_head = true};

  expect_answer("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n",
                &(wanted_t){204, 0, .is_head = false});
  expect_answer("HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n",
                &(wanted_t){304, 0, .is_head = false});
  expect_answer("HTTP/1.1 304 Same\r\n" CHUNKED, &(wanted_t){304, 0, .is_head = false});
  expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", &head);
  expect_answer("HTTP/1.1 200 OK\r\n" CHUNKED, &head);
  expect_answer("HTTP/1.1 200 OK\r\n\r\n", &head);
}

static void reads_no_more_than_is_wanted(void) {
  http_t http;

  expect_answer("HTTP/1.1 200 OK\r\n\r\n12345678", &(wanted_t){200, 5, .body_max = 5});
  expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345",
                &(wanted_t){200, 5, .body_max = 5});
  expect_answer("HTTP/1.1 200 OK\r\n" CHUNKED "9\r\n123456789", &(wanted_t){200, 4, .body_max = 4});
  http_init(&http, false, 0);
  EXPECT(feed(&http, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1) == HTTP_DONE);
  EXPECT(http.status == 200 && http.bytes == 0);
}

static void tells_where_it_redirects(void) {
  expect_answer("HTTP/1.1 302 Found\r\nlocation:  /there\r\nContent-Length: 0\r\n\r\n",
                &(wanted_t){302, .location = "/there"});
  expect_answer("HTTP/1.1 304 x\r\nLocation: \r\n\r\n", &(wanted_t){304, .location = ""});
  expect_answer("HTTP/1.1 304 x\r\nLocatio: /a\r\nLocation-X: /b\r\nXLocation: /c\r\n\r\n",
                &(wanted_t){304, 0, .is_head = false});
  expect_answer("HTTP/1.1 304 x\r\nA: b\r\nLOCATION: /a\r\nLocation: /b\r\nA: b\r\n\r\n",
                &(wanted_t){304, .location = "/a"});
}

/* nonsense and ends */

static void expect_failure(const char *answer, bool at_end, failure_t kind, const char *detail) {
  for (size_t size = 1; size <= strlen(answer) || size == 1; size++) {
    http_t http;
    http_init(&http, false, ENOUGH);
    EXPECT(feed(&http, answer, size) == (at_end ? HTTP_MORE : HTTP_FAILED));
    if (at_end) EXPECT(http_end(&http, true) == HTTP_FAILED);
    EXPECT(http.error.kind == kind);
    if (detail) EXPECT_TEXT(http.error.detail, detail);
    free(http.location);
  }
}

static void expect_nonsense(const char *answer) {
  expect_failure(answer, false, FAILURE_NOT_HTTP, NULL);
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
  expect_nonsense("HTTP/1.1 200 OK\r\n" CHUNKED "3\r\nabcd\r\n");
  expect_nonsense("HTTP/1.1 200 OK\r\n" CHUNKED "x\r\n");
  expect_nonsense("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
  expect_nonsense("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n");
}

static void tells_where_it_ended(void) {
  expect_failure("", true, FAILURE_EMPTY, NULL);
  expect_failure("\r\n", true, FAILURE_EMPTY, NULL);
  expect_failure("HTTP/1.1 100 Continue\r\n\r\n", true, FAILURE_EMPTY, NULL);
  expect_failure("H", true, FAILURE_CUT_OFF, "header");
  expect_failure("HTTP/1.1 200 OK\r\nContent-Le", true, FAILURE_CUT_OFF, "header");
  expect_failure("HTTP/1.1 200 OK\r\n\r", true, FAILURE_CUT_OFF, "header");
  expect_failure("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ", true, FAILURE_CUT_OFF, "header");
  expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234", true, FAILURE_CUT_OFF, "body");
  expect_failure("HTTP/1.1 200 OK\r\n" CHUNKED "5\r\n12345\r\n", true, FAILURE_CUT_OFF, "body");
  expect_failure("HTTP/1.1 200 OK\r\n" CHUNKED "0\r\n", true, FAILURE_CUT_OFF, "body");
}

/* As from TLS without the peer's close_notify: then the connection's end is no end of a body. */
static void a_cut_is_no_end(void) {
  http_t http;

  http_init(&http, false, ENOUGH);
  EXPECT(feed(&http, "HTTP/1.1 200 OK\r\n\r\nto the e", 1) == HTTP_MORE);
  EXPECT(http_end(&http, false) == HTTP_FAILED);
  EXPECT(http.error.kind == FAILURE_CUT_OFF && http.status == 200 && http.bytes == 8);
}

/* Feeds `start`, then `line` until it is too much. Returns how many bytes that took. */
static size_t feed_too_much(const char *start, const char *line) {
  size_t count = strlen(start);
  http_t http;

  http_init(&http, false, ENOUGH);
  EXPECT(feed(&http, start, count) == HTTP_MORE);
  while (feed(&http, line, strlen(line)) == HTTP_MORE) {
    count += strlen(line);
    EXPECT(count <= HTTP_HEADER_MAX);
  }
  EXPECT(http.error.kind == FAILURE_HEADER_SIZE);
  free(http.location);
  return count;
}

static void refuses_headers_of_absurd_size(void) {
  EXPECT(feed_too_much("HTTP/1.1 200 OK\r\n", "Name: value\r\n") > HTTP_HEADER_MAX - 100);
  EXPECT(feed_too_much("HTTP/1.1 200 OK\r\nName: ", "0123456789") > HTTP_HEADER_MAX - 100);
  EXPECT(feed_too_much("HTTP/1.1 200 OK\r\nLocation: ", "0123456789") > HTTP_HEADER_MAX - 100);
  EXPECT(feed_too_much("HTTP/1.1 200 OK\r\n", "N") > HTTP_HEADER_MAX - 100);
  EXPECT(feed_too_much("HTTP/1.1 200 ", "OK") > HTTP_HEADER_MAX - 100);
  EXPECT(feed_too_much("", "HTTP/1.1 100 Continue\r\n\r\n") > HTTP_HEADER_MAX - 100);
}

/* It is no URL any more, but its length is bounded. */
static void cuts_a_location_that_is_too_long(void) {
  static char answer[URL_MAX + 100];
  http_t http;
  size_t used = (size_t)snprintf(answer, sizeof answer, "HTTP/1.1 302 Found\r\nLocation: ");

  memset(answer + used, 'a', URL_MAX + 50);
  http_init(&http, false, ENOUGH);
  EXPECT(feed(&http, answer, 7) == HTTP_MORE);
  EXPECT(feed(&http, "\r\n\r\n", 4) == HTTP_MORE);
  EXPECT(http_end(&http, true) == HTTP_DONE);
  EXPECT(strlen(http.location) == URL_MAX + 1);
  free(http.location);
}

static const case_t cases[] = {
    {"writes_the_request", writes_the_request},
    {"names_itself", names_itself},
    {"given_headers_take_the_place_of_its_own", given_headers_take_the_place_of_its_own},
    {"some_headers_stay_at_home", some_headers_stay_at_home},
    {"reads_the_status", reads_the_status},
    {"skips_interim_answers", skips_interim_answers},
    {"cleans_the_reason", cleans_the_reason},
    {"counts_the_body", counts_the_body},
    {"some_answers_have_no_body", some_answers_have_no_body},
    {"reads_no_more_than_is_wanted", reads_no_more_than_is_wanted},
    {"tells_where_it_redirects", tells_where_it_redirects},
    {"refuses_nonsense", refuses_nonsense},
    {"tells_where_it_ended", tells_where_it_ended},
    {"a_cut_is_no_end", a_cut_is_no_end},
    {"refuses_headers_of_absurd_size", refuses_headers_of_absurd_size},
    {"cuts_a_location_that_is_too_long", cuts_a_location_that_is_too_long},
};

int main(int argc, char **argv) {
  return run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");
}
