/*
 * Select: a one-shot multi-waiter. Exactly one of several sends and receives happens.
 *
 * After The Go Programming Language Specification, "Select statements": among the ready cases the
 * choice is uniformly random; a case whose channel is NULL never happens. A losing case leaves its
 * channel and its destination untouched.
 */
#ifndef WEIR_SELECT_H
#define WEIR_SELECT_H

#include <weir/chan.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * weir_case_t values: what to wait for. `chan` and `value` may be changed between selects, also to
 * NULL to switch a case off.
 */
#ifdef __cplusplus
static inline weir_case_t weir_case_make(weir_chan_t *ch, const void *value, bool is_send) {
  weir_case_t c = weir_case_t();
  c.chan = ch;
  c.value = const_cast<void *>(value);
  c.is_send = is_send;
  return c;
}
#define WEIR_RECV(ch, ptr) weir_case_make((ch), (ptr), false)
#define WEIR_SEND(ch, ptr) weir_case_make((ch), (ptr), true)
#else
#define WEIR_RECV(ch, ptr) ((weir_case_t){.chan = (ch), .value = (ptr), .is_send = 0})
#define WEIR_SEND(ch, ptr) ((weir_case_t){.chan = (ch), .value = (void *)(ptr), .is_send = 1})
#endif

/*
 * Waits for one of n cases.
 *
 *   cases  valid and unmoved until the completion; then free to change and reuse. A channel may
 *          stand in several; a select never pairs with itself.
 *   n      0 parks until the op is cancelled. At most INT32_MAX.
 *
 * Returns 0 or what every start returns. Completes with 0, UV_EOF or the closing status (recv on a
 * closed channel; the destination is zeroed), UV_EPIPE (send on a closed one), or the context's
 * error. weir_op_index says which case.
 */
WEIR_EXTERN int weir_select(weir_op_t *op, weir_case_t *cases, size_t n, weir_op_cb cb);

/* The same, but of several ready cases the first in order happens. */
WEIR_EXTERN int weir_select_biased(weir_op_t *op, weir_case_t *cases, size_t n, weir_op_cb cb);

/*
 * Select with default: one of the ready cases, or none.
 *
 *   index  receives which case happened; may be NULL.
 *
 * Returns the status of the case, UV_EAGAIN when none is ready, UV_EINVAL for wrong arguments.
 * The choice is drawn from a generator of the calling thread. Thread: any, if all channels are
 * shared.
 */
WEIR_EXTERN int weir_select_try(weir_case_t *cases, size_t n, size_t *index);

/*
 * Select for a thread that runs no loop: blocks the thread until one of the cases has happened.
 *
 *   cases       of shared channels; valid until it returns. n = 0 waits for the timeout.
 *   timeout_ms  milliseconds; 0 only tries, UINT64_MAX waits for ever.
 *   index       receives which case happened; may be NULL.
 *
 * Returns the status of the case, UV_ETIMEDOUT when none has happened, UV_EINVAL for a local
 * channel and for wrong arguments. Thread: any; on a loop's, the loop stands still.
 */
WEIR_EXTERN int weir_select_blocking(weir_case_t *cases, size_t n, uint64_t timeout_ms,
                                     size_t *index);

#ifdef __cplusplus
}
#endif

#endif
