/* The check of one target, with its redirects and retries. */
#ifndef STATUS_CHECK_VISIT_H
#define STATUS_CHECK_VISIT_H

#include "result.h"

/*
 *   ctx       its end ends the check, and is the error of the result, as is the target's timeout.
 *   settings  valid until the channel closes.
 *   target    valid as long as the result.
 *
 * Returns a channel of one result_t *, which has room for it, always with a value: nobody needs to
 * wait for it. NULL for want of memory. The reference is the caller's.
 */
weir_chan_t *visit(weir_ctx_t *ctx, const settings_t *settings, const target_t *target);

#endif
