/* Result{Error, Response}: errors travel as values beside the answers, on the same channel. */
#ifndef STATUS_CHECK_RESULT_H
#define STATUS_CHECK_RESULT_H

#include "http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct target_s {
  const char *url;
  uint64_t timeout_ms;
} target_t;

typedef enum failure_e {
  FAILURE_NONE,
  FAILURE_BAD_URL,   /* detail: what is wrong with it */
  FAILURE_RESOLVE,   /* code */
  FAILURE_CONNECT,   /* code */
  FAILURE_READ,      /* code */
  FAILURE_NOT_HTTP,  /* detail: what the parser said */
  FAILURE_EMPTY,     /* closed before an answer */
  FAILURE_CUT_OFF,   /* closed inside the header */
  FAILURE_TIMED_OUT, /* detail: while doing what */
  FAILURE_CANCELLED,
  FAILURE_NO_MEMORY
} failure_t;

/* A plain value: its pointers are static, or the caller's (target), so nobody has to free it. */
typedef struct result_s {
  const target_t *target;
  struct {
    failure_t kind;
    int code;           /* libuv's, or 0 */
    const char *detail; /* or NULL */
  } error;
  struct {
    unsigned status;
    char reason[HTTP_REASON_MAX + 1];
  } response;
  uint64_t ms;
} result_t;

/* Returns whether the server answered, with a status below 400. */
bool result_is_good(const result_t *result);

/* Writes the status, or the error in words. */
void result_words(const result_t *result, char *words, size_t size);

#endif
