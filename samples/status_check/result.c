#include "result.h"

#include <stdio.h>
#include <uv.h>

static const char *const phrases[] = {
    [FAILURE_NONE] = "",
    [FAILURE_BAD_URL] = "",
    [FAILURE_RESOLVE] = "cannot resolve host: ",
    [FAILURE_CONNECT] = "cannot connect: ",
    [FAILURE_READ] = "connection lost: ",
    [FAILURE_NOT_HTTP] = "not an HTTP answer: ",
    [FAILURE_EMPTY] = "connection closed before an answer",
    [FAILURE_CUT_OFF] = "connection closed in the middle of the header",
    [FAILURE_TIMED_OUT] = "timed out ",
    [FAILURE_CANCELLED] = "cancelled",
    [FAILURE_NO_MEMORY] = "out of memory",
};

bool result_is_good(const result_t *result) {
  return result->error.kind == FAILURE_NONE && result->response.status < 400;
}

void result_words(const result_t *result, char *words, size_t size) {
  const char *detail = result->error.detail ? result->error.detail : "";

  if (result->error.kind == FAILURE_NONE)
    snprintf(words, size, "%u %s", result->response.status, result->response.reason);
  else
    snprintf(words, size, "%s%s", phrases[result->error.kind],
             result->error.code ? uv_strerror(result->error.code) : detail);
}
