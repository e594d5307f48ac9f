/* Walking over what a loop has. */
#ifndef WEIR_LIB_STATS_H
#define WEIR_LIB_STATS_H

#include "ctx.h"
#include "op.h"

/* The first context of the loop that is not under another's cancellation, and those after it. */
weir_ctx_t *weir__stats_next_root(const weir_loop_t *loop, weir_ctx_t *root);

/* The first operation (`op` NULL) shown as parked under a context, or the one after. */
weir_op_t *weir__stats_next_op(weir_ctx_t *ctx, weir_op_t *op);

#endif
