/* checkStatus(done, urls...) <-chan Result */
#ifndef STATUS_CHECK_CHECK_H
#define STATUS_CHECK_CHECK_H

#include "result.h"

/*
 * Checks n targets, as many at once as the settings say.
 *
 *   ctx       cancelled: what runs and what has not begun is reported as cancelled.
 *   settings  valid until the channel has closed.
 *   targets   valid as long as the results.
 *
 * Returns a channel that receives one result_t * for each target, in order of completion, and then
 * closes. NULL for want of memory. The reference is the caller's: when it goes, the rest is
 * cancelled.
 */
weir_chan_t *check_status(weir_ctx_t *ctx, const settings_t *settings, const target_t *targets,
                          size_t n);

#endif
