/* One request to one URL: resolve, connect, TLS, HTTP. */
#ifndef STATUS_CHECK_FETCH_H
#define STATUS_CHECK_FETCH_H

#include "result.h"

/* What came of it; with an error, as far as it came. */
typedef struct reply_s {
  check_error_t error;
  response_t response;
  times_t times;  /* without `total` */
  char *location; /* where it redirects to, or NULL; the receiver's, to be freed */
} reply_t;

/*
 *   ctx         its end is an error of the reply: FAILURE_TIMED_OUT or FAILURE_CANCELLED.
 *   settings    valid until the channel closes.
 *   url         copied.
 *   is_at_home  with the headers that stay at home.
 *
 * Returns a channel of one reply_t, which has room for it. NULL for want of memory. The reference
 * is the caller's.
 */
weir_chan_t *fetch(weir_ctx_t *ctx, const settings_t *settings, const char *url, bool is_at_home);

#endif
