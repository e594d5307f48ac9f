/* For stages and the like: to hear of a cancellation that comes while nothing else is pending. */
#ifndef WEIR_LIB_WATCH_H
#define WEIR_LIB_WATCH_H

#include <weir/op.h>

/*
 * As weir_ctx_wait for a context of the op's loop, but it is no work that may get stuck: neither
 * weir_run nor weir_stats counts it, nor does a dump show it. Returns what every start returns.
 */
int weir__ctx_watch(weir_op_t *op, weir_ctx_t *ctx, weir_op_cb cb);

#endif
