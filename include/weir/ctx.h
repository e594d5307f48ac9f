/*
 * Contexts: deadlines, cancellation and values that follow the call graph, after Go's package
 * context. Cancelling a context cancels its children, never its parent; the first cancellation
 * wins; a child of a cancelled parent is cancelled from the start.
 *
 * Constructors return a context with one reference for the caller, or NULL for want of memory or
 * for a NULL parent. A child holds its parent. Dropping the last reference to a context that is not
 * cancelled only detaches it.
 *
 * A context lives on a loop and belongs to its thread, but for what says "Thread: any": that takes
 * a reference, held by whoever calls. A loop belongs to the thread that made it until another runs
 * it.
 */
#ifndef WEIR_CTX_H
#define WEIR_CTX_H

#include <weir/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a child that can be cancelled on its own. */
WEIR_EXTERN weir_ctx_t *weir_ctx_with_cancel(weir_ctx_t *parent);

/*
 * Makes a child that is cancelled with UV_ETIMEDOUT after `ms` milliseconds, or when its parent is,
 * if that is earlier. The deadline keeps the uv loop alive while the context is referenced and not
 * cancelled: cancel what you no longer need.
 */
WEIR_EXTERN weir_ctx_t *weir_ctx_with_timeout(weir_ctx_t *parent, uint64_t ms);

/*
 * The same at the time `when` on the clock of weir_now; if that has passed, cancelled from the
 * start.
 */
WEIR_EXTERN weir_ctx_t *weir_ctx_with_deadline(weir_ctx_t *parent, uint64_t when);

/*
 * Makes a child that carries a value.
 *
 *   key    compared by address; must not be NULL to be found.
 *   value  the context's from now on.
 *   drop   releases it with the context; may be NULL. Not called when NULL is returned.
 */
WEIR_EXTERN weir_ctx_t *weir_ctx_with_value(weir_ctx_t *parent, const void *key, void *value,
                                            void (*drop)(void *value));

/*
 * Makes a child that is cancelled when `done` closes (Go: `done <-chan`); values are not received.
 *
 *   done  a channel of the parent's loop, or a shared one (else NULL is returned), of which the
 *         context holds a reference until it is cancelled; NULL never closes.
 */
WEIR_EXTERN weir_ctx_t *weir_ctx_with_chan(weir_ctx_t *parent, weir_chan_t *done);

/* Makes a context with the parent's values, but not its cancellation nor its deadline. */
WEIR_EXTERN weir_ctx_t *weir_ctx_without_cancel(weir_ctx_t *parent);

/*
 * Makes a child that lives on another loop: operations under it are that loop's. The parent's
 * cancellation reaches it as a notification to its loop, its deadline and values are the parent's.
 *
 *   loop  must not have closed; its own loop gives an ordinary child.
 *
 * Thread: that of either loop; the child may then be handed over to its own.
 */
WEIR_EXTERN weir_ctx_t *weir_ctx_on_loop(weir_ctx_t *parent, weir_loop_t *loop);

/* Takes another reference and returns the context; NULL in, NULL out. Thread: any. */
WEIR_EXTERN weir_ctx_t *weir_ctx_ref(weir_ctx_t *ctx);

/*
 * Gives a reference back; NULL is fine. Thread: any; where it is the last one, what the context
 * owns is let go of on the thread of its loop.
 */
WEIR_EXTERN void weir_ctx_unref(weir_ctx_t *ctx);

/*
 * Cancels the context with UV_ECANCELED. Ignored for NULL, for a context that is done and for the
 * background.
 *
 * Thread: any. On that of its loop the whole subtree there is marked, and its done channels are
 * closed, before it returns. Elsewhere the context itself reports its err at once, and the rest
 * follows as a notification to its loop, as for children on other loops.
 */
WEIR_EXTERN void weir_ctx_cancel(weir_ctx_t *ctx);

/*
 * The same with a cause for weir_ctx_cause: a negative code of the caller's; others are no cause.
 * Thread: any.
 */
WEIR_EXTERN void weir_ctx_cancel_cause(weir_ctx_t *ctx, int cause);

/* Returns 0 while the context is not done, then UV_ECANCELED or UV_ETIMEDOUT. Thread: any. */
WEIR_EXTERN int weir_ctx_err(const weir_ctx_t *ctx);

/*
 * Returns 0 while the context is not done, then the cause of its cancellation, or its err. Thread:
 * any.
 */
WEIR_EXTERN int weir_ctx_cause(const weir_ctx_t *ctx);

/*
 * Returns whether there is a deadline, and stores it, in milliseconds of weir_now, if `when` is
 * given. Thread: any.
 */
WEIR_EXTERN bool weir_ctx_deadline(const weir_ctx_t *ctx, uint64_t *when);

/*
 * Returns the value for `key` of the nearest context that has one, borrowed, or NULL. Thread: any.
 */
WEIR_EXTERN void *weir_ctx_value(const weir_ctx_t *ctx, const void *key);

/*
 * Returns a channel that closes, with UV_EOF, when the context is cancelled: the same at each call,
 * borrowed. NULL for a without_cancel context and for want of memory.
 */
WEIR_EXTERN weir_chan_t *weir_ctx_done(weir_ctx_t *ctx);

/* Returns the loop that the context lives on. Thread: any. */
WEIR_EXTERN weir_loop_t *weir_ctx_loop(const weir_ctx_t *ctx);

/*
 * Completes with 0 when `ctx` is done (Go: context.AfterFunc), even if the op runs under it.
 * The op holds `ctx` until its callback has returned, or it is cancelled.
 *
 * Returns 0 or what every start returns.
 */
WEIR_EXTERN int weir_ctx_wait(weir_op_t *op, weir_ctx_t *ctx, weir_op_cb cb);

#ifdef __cplusplus
}
#endif

#endif
