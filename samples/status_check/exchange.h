/* One request and its answer, over a wire. */
#ifndef STATUS_CHECK_EXCHANGE_H
#define STATUS_CHECK_EXCHANGE_H

#include "result.h"
#include "wire.h"

/* What came of it; with an error, as far as it came. */
typedef struct answer_s {
  check_error_t error;
  unsigned status; /* 0: none */
  char reason[REASON_MAX + 1];
  char *location;      /* where it redirects to, or NULL; the receiver's, to be freed */
  uint64_t bytes;      /* of the body */
  uint64_t first_byte; /* by uv_hrtime(); 0: none */
} answer_t;

/*
 * Sends a request, and receives the answer.
 *
 *   ctx      its end is an error of the answer: FAILURE_TIMED_OUT or FAILURE_CANCELLED.
 *   wire     stays the caller's.
 *   request  text to be freed; taken over, also on failure.
 *
 * Returns a channel of one answer_t. NULL for want of memory. The reference is the caller's.
 */
weir_chan_t *exchange(weir_ctx_t *ctx, const wire_t *wire, char *request,
                      const settings_t *settings);

#endif
