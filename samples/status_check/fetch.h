/* One URL: resolve, connect, write, read. */
#ifndef STATUS_CHECK_FETCH_H
#define STATUS_CHECK_FETCH_H

#include "result.h"

#include <weir.h>

/*
 * Starts to ask for `url`, which must stay valid until the result is there.
 *
 *   ctx  its cancellation or deadline ends the fetch at once, with that as the result.
 *
 * Returns a channel that will receive one result_t, its target NULL, and has room for it: nobody
 * needs to wait for it. NULL for want of memory. The reference is the caller's.
 */
weir_chan_t *fetch(weir_ctx_t *ctx, const char *url);

#endif
