#include "result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* A phrase that ends in a blank is completed by what the code or the detail says. */
static const struct {
  const char *name, *phrase;
} failures[] = {
    [FAILURE_NONE] = {"none", ""},
    [FAILURE_BAD_URL] = {"bad_url", ""},
    [FAILURE_NO_TLS] = {"no_tls", "https needs a build with OpenSSL"},
    [FAILURE_RESOLVE] = {"resolve", "cannot resolve host: "},
    [FAILURE_CONNECT] = {"connect", "cannot connect: "},
    [FAILURE_TLS] = {"tls", "TLS handshake failed: "},
    [FAILURE_CERTIFICATE] = {"certificate", "certificate not trusted: "},
    [FAILURE_LOST] = {"lost", "connection lost: "},
    [FAILURE_NOT_HTTP] = {"not_http", "not an HTTP answer: "},
    [FAILURE_HEADER_SIZE] = {"header_size", "header of absurd size"},
    [FAILURE_EMPTY] = {"empty", "connection closed before an answer"},
    [FAILURE_CUT_OFF] = {"cut_off", "connection closed in the middle of the "},
    [FAILURE_REDIRECT_LOOP] = {"redirect_loop", "redirected in a circle"},
    [FAILURE_REDIRECTS] = {"redirects", "too many redirects"},
    [FAILURE_TIMED_OUT] = {"timeout", "timed out "},
    [FAILURE_CANCELLED] = {"cancelled", "cancelled"},
    [FAILURE_NO_MEMORY] = {"no_memory", "out of memory"},
};

void hops_free(hop_t *hops) {
  while (hops) {
    hop_t *next = hops->next;
    free(hops->url);
    free(hops);
    hops = next;
  }
}

void result_free(result_t *result) {
  if (!result) return;
  hops_free(result->hops);
  free(result);
}

static void drop(void *value) {
  result_free(*(result_t **)value);
}

const weir_type_t result_type = {sizeof(result_t *), drop, NULL, "result_t *"};

const char *failure_name(failure_t kind) {
  return failures[kind].name;
}

/* Words go to a terminal, which obeys control characters; a detail may quote what a server said. */
static void make_printable(char *words) {
  for (; *words; words++)
    if (*words < ' ' || *words > '~') *words = '?';
}

/* What would complete a phrase may be missing. */
static void trim(char *words) {
  size_t length = strlen(words);

  while (length > 0 && (words[length - 1] == ' ' || words[length - 1] == ':')) length--;
  words[length] = '\0';
}

void error_words(const check_error_t *error, char *words, size_t size) {
  const char *phrase = failures[error->kind].phrase, *detail = "";
  char explanation[64];

  if (size == 0) return;
  if (error->code)
    detail = uv_strerror_r(error->code, explanation, sizeof explanation);
  else if (error->detail)
    detail = error->detail;
  snprintf(words, size, "%s%s", phrase, error->kind == FAILURE_NONE ? "" : detail);
  make_printable(words);
  trim(words);
}

void result_words(const result_t *result, char *words, size_t size) {
  const response_t *response = &result->response;

  if (result->error.kind != FAILURE_NONE) {
    error_words(&result->error, words, size);
    return;
  }
  if (size == 0) return;
  snprintf(words, size, "%u %s", response->status, response->reason);
  make_printable(words);
  trim(words);
}

check_error_t error_of_ctx(const weir_ctx_t *ctx, const char *doing) {
  if (weir_ctx_err(ctx) == UV_ETIMEDOUT)
    return (check_error_t){.kind = FAILURE_TIMED_OUT, .detail = doing};
  return (check_error_t){.kind = FAILURE_CANCELLED};
}
