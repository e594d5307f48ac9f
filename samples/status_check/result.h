/* Result{Error, Response}: errors travel as values beside the answers, on the same channel. */
#ifndef STATUS_CHECK_RESULT_H
#define STATUS_CHECK_RESULT_H

#include "settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir.h>

#define REASON_MAX 40
#define REMOTE_MAX 63
#define WORDS_MAX 255 /* of what error_words() and result_words() have to say */

typedef struct target_s {
  const char *url;
  uint64_t timeout_ms; /* for the whole check, redirects and retries included */
} target_t;

typedef enum failure_e {
  FAILURE_NONE,
  FAILURE_BAD_URL,       /* detail: what is wrong with it, or with where a redirect led */
  FAILURE_NO_TLS,        /* the build has no OpenSSL */
  FAILURE_RESOLVE,       /* code */
  FAILURE_CONNECT,       /* code: of the last address */
  FAILURE_TLS,           /* detail: of the handshake */
  FAILURE_CERTIFICATE,   /* detail: why it is not trusted */
  FAILURE_LOST,          /* code: of reading */
  FAILURE_NOT_HTTP,      /* detail: what the parser said */
  FAILURE_HEADER_SIZE,   /* a header of absurd size */
  FAILURE_EMPTY,         /* closed before an answer */
  FAILURE_CUT_OFF,       /* detail: closed inside what: "header" or "body" */
  FAILURE_REDIRECT_LOOP, /* led to where it had been */
  FAILURE_REDIRECTS,     /* more than settings.redirects */
  FAILURE_TIMED_OUT,     /* detail: while doing what */
  FAILURE_CANCELLED,
  FAILURE_NO_MEMORY
} failure_t;

/* `detail` and the words are static, so that an error is a plain value. */
typedef struct error_s {
  failure_t kind;
  int code;           /* libuv's, or 0 */
  const char *detail; /* or NULL */
} check_error_t;

/* What the server said; of the last request. With an error it is as far as it came. */
typedef struct response_s {
  unsigned status; /* 0: none */
  char reason[REASON_MAX + 1];
  char remote[REMOTE_MAX + 1]; /* "127.0.0.1:80" or "[::1]:80"; empty: not connected */
  uint64_t bytes;              /* of the body */
} response_t;

/*
 * In nanoseconds; 0: did not happen, or did not succeed. The first four are of the last request, one
 * after the other.
 */
typedef struct times_s {
  uint64_t dns;
  uint64_t connect;
  uint64_t tls;
  uint64_t first_byte; /* since the request began to be written */
  uint64_t total;      /* the whole check, redirects and retries included */
} times_t;

/* Where a redirect led. */
typedef struct hop_s hop_t;
struct hop_s {
  hop_t *next;
  char *url; /* its own */
};

typedef struct result_s {
  const target_t *target; /* the caller's */
  check_error_t error;
  response_t response;
  times_t times;
  hop_t *hops; /* in their order */
  unsigned hop_count;
  unsigned attempts; /* 1 + retries */
  bool is_good;      /* no error, and a status that the settings accept */
} result_t;

/* The type of channels of results: values are result_t *, to be freed with result_free(). */
extern const weir_type_t result_type;

/* Frees a result and its hops. NULL is fine. */
void result_free(result_t *result);

/* Frees a list of hops. NULL is fine. */
void hops_free(hop_t *hops);

/* Returns a short name of the kind, for programs: "connect", "timeout"; "none" for FAILURE_NONE. */
const char *failure_name(failure_t kind);

/* Returns the error of a context that has ended: FAILURE_TIMED_OUT while doing that, or
 * FAILURE_CANCELLED. */
check_error_t error_of_ctx(const weir_ctx_t *ctx, const char *doing);

/* Writes the error in words, in printable ASCII, as much as there is room for; "" for none. */
void error_words(const check_error_t *error, char *words, size_t size);

/* Writes the status and its reason, or the error in words, in the same way. */
void result_words(const result_t *result, char *words, size_t size);

#endif
