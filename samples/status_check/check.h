/* checkStatus(done, urls...) <-chan Result */
#ifndef STATUS_CHECK_CHECK_H
#define STATUS_CHECK_CHECK_H

#include "result.h"

#include <weir.h>

/*
 * Checks n targets, each under a child context with its own timeout.
 *
 *   ctx          cancelled: what runs and what has not begun is reported as cancelled.
 *   targets      valid until the channel has closed.
 *   concurrency  at most so many at once; at least 1.
 *
 * Returns a channel that receives one result_t for each target, in order of completion, and then
 * closes. NULL for want of memory. The reference is the caller's: when it goes, the rest is
 * cancelled.
 */
weir_chan_t *check_status(weir_ctx_t *ctx, const target_t *targets, size_t n, size_t concurrency);

#endif
