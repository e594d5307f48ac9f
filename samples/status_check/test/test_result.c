/*
 * Description: the names and the words of errors, and that a channel's results are freed. Whether
 * every byte of them is, valgrind and the sanitizers tell.
 */
#include "expect.h"
#include "result.h"

static const struct {
  check_error_t error;
  const char *name, *words;
} table[] = {
    {{FAILURE_NONE, 0, NULL}, "none", ""},
    {{FAILURE_BAD_URL, 0, "bad URL: no host"}, "bad_url", "bad URL: no host"},
    {{FAILURE_NO_TLS, 0, NULL}, "no_tls", "https needs a build with OpenSSL"},
    {{FAILURE_RESOLVE, UV_EAI_NONAME, NULL},
     "resolve",
     "cannot resolve host: unknown node or service"},
    {{FAILURE_CONNECT, UV_ECONNREFUSED, NULL}, "connect", "cannot connect: connection refused"},
    {{FAILURE_TLS, 0, "wrong version number"}, "tls", "TLS handshake failed: wrong version number"},
    {{FAILURE_CERTIFICATE, 0, "it has expired"},
     "certificate",
     "certificate not trusted: it has expired"},
    {{FAILURE_LOST, UV_ECONNRESET, NULL}, "lost", "connection lost: connection reset by peer"},
    {{FAILURE_NOT_HTTP, 0, "Expected HTTP/"}, "not_http", "not an HTTP answer: Expected HTTP/"},
    {{FAILURE_HEADER_SIZE, 0, NULL}, "header_size", "header of absurd size"},
    {{FAILURE_EMPTY, 0, NULL}, "empty", "connection closed before an answer"},
    {{FAILURE_CUT_OFF, 0, "body"}, "cut_off", "connection closed in the middle of the body"},
    {{FAILURE_REDIRECT_LOOP, 0, NULL}, "redirect_loop", "redirected in a circle"},
    {{FAILURE_REDIRECTS, 0, NULL}, "redirects", "too many redirects"},
    {{FAILURE_TIMED_OUT, 0, "connecting"}, "timeout", "timed out connecting"},
    {{FAILURE_CANCELLED, 0, NULL}, "cancelled", "cancelled"},
    {{FAILURE_NO_MEMORY, 0, NULL}, "no_memory", "out of memory"},
};

static void names_and_explains_each_failure(void) {
  char words[WORDS_MAX + 1];
  size_t n = sizeof table / sizeof *table;

  EXPECT(n == FAILURE_NO_MEMORY + 1);
  for (size_t i = 0; i < n; i++) {
    EXPECT(table[i].error.kind == (failure_t)i);
    EXPECT_TEXT(failure_name(table[i].error.kind), table[i].name);
    error_words(&table[i].error, words, sizeof words);
    EXPECT_TEXT(words, table[i].words);
  }
}

static void expect_words(const result_t *result, const char *wanted) {
  char words[WORDS_MAX + 1];

  result_words(result, words, sizeof words);
  EXPECT_TEXT(words, wanted);
}

static void tells_the_status_or_the_error(void) {
  expect_words(&(result_t){.response = {200, "OK", "", 0}}, "200 OK");
  expect_words(&(result_t){.response = {204, "", "", 0}}, "204");
  expect_words(&(result_t){.response = {200, "OK", "", 9}, .error = {FAILURE_CUT_OFF, 0, "body"}},
               "connection closed in the middle of the body");
  expect_words(&(result_t){.error = {FAILURE_CANCELLED, 0, NULL}}, "cancelled");
}

static void does_without_a_detail(void) {
  expect_words(&(result_t){.error = {FAILURE_TLS, 0, NULL}}, "TLS handshake failed");
  expect_words(&(result_t){.error = {FAILURE_TIMED_OUT, 0, NULL}}, "timed out");
  expect_words(&(result_t){.error = {FAILURE_BAD_URL, 0, NULL}}, "");
}

static void lets_no_control_character_pass(void) {
  expect_words(&(result_t){.response = {200, "\x1b[31m\r\nred\x7f\xc2\x9b.", "", 0}},
               "200 ?[31m??red???.");
  expect_words(&(result_t){.error = {FAILURE_NOT_HTTP, 0, "\t\x01\n\xff."}},
               "not an HTTP answer: ????.");
}

static void keeps_to_the_room(void) {
  const result_t answer = {.response = {200, "Fine", "", 0}};
  const result_t failure = {.error = {FAILURE_CONNECT, UV_ECONNREFUSED, NULL}};
  char words[16];

  for (size_t size = 0; size < sizeof words; size++) {
    memset(words, 'x', sizeof words);
    result_words(&answer, words, size);
    EXPECT(words[size] == 'x' && (size == 0 || strlen(words) < size));
    memset(words, 'x', sizeof words);
    result_words(&failure, words, size);
    EXPECT(words[size] == 'x' && (size == 0 || strlen(words) < size));
  }
  result_words(&answer, words, 7);
  EXPECT_TEXT(words, "200 Fi");
}

static result_t *new_result(size_t hops) {
  result_t *result = calloc(1, sizeof *result);

  EXPECT(result);
  for (size_t i = 0; i < hops; i++) {
    hop_t *hop = calloc(1, sizeof *hop);
    EXPECT(hop && (hop->url = calloc(1, 8)));
    hop->next = result->hops;
    result->hops = hop;
  }
  return result;
}

/* One is received and freed by hand, the others go with the channel. */
static void frees_what_nobody_receives(void) {
  uv_loop_t uv;
  weir_loop_t *loop;
  weir_chan_t *ch;
  result_t *result;

  EXPECT(uv_loop_init(&uv) == 0 && weir_loop_new(&loop, &uv) == 0);
  ch = weir_chan_new(loop, &result_type, 3);
  for (size_t i = 0; i < 3; i++) {
    result = new_result(i);
    EXPECT(weir_chan_try_send(ch, &result) == 0);
  }
  EXPECT(weir_chan_try_recv(ch, &result) == 0 && result->hops == NULL);
  result_free(result);
  result_free(NULL);
  weir_chan_unref(ch);
  weir_loop_close(loop, NULL, NULL);
  EXPECT(uv_run(&uv, UV_RUN_DEFAULT) == 0 && uv_loop_close(&uv) == 0);
}

/* Freeing calls itself for no hop: this many would overflow the stack. */
static void frees_long_chains(void) {
  result_free(new_result(1000000));
}

static const case_t cases[] = {
    {"names_and_explains_each_failure", names_and_explains_each_failure},
    {"tells_the_status_or_the_error", tells_the_status_or_the_error},
    {"does_without_a_detail", does_without_a_detail},
    {"lets_no_control_character_pass", lets_no_control_character_pass},
    {"keeps_to_the_room", keeps_to_the_room},
    {"frees_what_nobody_receives", frees_what_nobody_receives},
    {"frees_long_chains", frees_long_chains},
};

int main(int argc, char **argv) {
  return run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");
}
