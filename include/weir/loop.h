/*
 * Loop: what weir keeps for one uv_loop_t. The application owns the uv loop and may go on running
 * it itself.
 */
#ifndef WEIR_LOOP_H
#define WEIR_LOOP_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*weir_loop_cb)(void *arg);

/*
 * Attaches weir to a uv loop.
 *
 *   loop  receives the new loop.
 *   uv    an initialised loop, which must outlive the attachment.
 *
 * Returns 0, UV_EINVAL for a NULL argument, UV_ENOMEM.
 * The caller owns the loop and gives it back with weir_loop_close. With nothing to do it does not
 * keep the uv loop alive.
 *
 * Thread: the loop belongs to the one that makes it, until another starts something on it or runs
 * it. Where the next thread begins with a bare uv_run, weir cannot see it before its first turn:
 * until then the former thread must not use what is on the loop, weir_ctx_cancel and _unref
 * included.
 */
WEIR_EXTERN int weir_loop_new(weir_loop_t **loop, uv_loop_t *uv);

/*
 * Detaches from the uv loop: cancels the background context and what is under without_cancel, lets
 * every operation complete with UV_ECANCELED, closes weir's uv handles, then calls on_closed.
 *
 *   loop       NULL and a loop that is already closing are ignored.
 *   on_closed  may be NULL; once it has run, uv_loop_close finds nothing of weir's.
 *   arg        passed to on_closed.
 *
 * The uv loop must run for this to happen. Allowed in a callback. References to channels and
 * contexts may be dropped before or after, and other threads may go on cancelling, sending and
 * receiving meanwhile; the memory goes with the last reference. weir_work that runs already is
 * waited for.
 *
 * Thread: the loop's. Where the loop has stopped running, any that takes over from there.
 */
WEIR_EXTERN void weir_loop_close(weir_loop_t *loop, weir_loop_cb on_closed, void *arg);

/* Returns the uv loop that `loop` is attached to. Thread: any. */
WEIR_EXTERN uv_loop_t *weir_loop_uv(const weir_loop_t *loop);

/*
 * Returns the root of the loop's cancel tree: never cancelled but by weir_loop_close.
 * Borrowed: it lives as long as the loop. Thread: any.
 */
WEIR_EXTERN weir_ctx_t *weir_loop_background(weir_loop_t *loop);

/*
 * Returns the loop's clock in milliseconds: uv_hrtime's, read anew, or the virtual one.
 */
WEIR_EXTERN uint64_t weir_now(const weir_loop_t *loop);

/* Makes the loop's random choices (select) repeat from `seed` on. */
WEIR_EXTERN void weir_loop_seed(weir_loop_t *loop, uint64_t seed);

/*
 * Switches to virtual time, for tests: whenever nothing is runnable and nothing else keeps the uv
 * loop alive, the clock jumps to the next timer.
 *
 * Returns 0, UV_EINVAL for NULL, or UV_EBUSY once a timer has been started on the loop.
 */
WEIR_EXTERN int weir_loop_virtual_time(weir_loop_t *loop);

/*
 * Sets for how many nanoseconds the loop may look for what other threads post to it before it goes
 * to sleep. It looks only after it had something from another thread: an idle loop never does.
 * After a few looks in vain it takes only some. Waking a sleeping thread costs tens of
 * microseconds, a look costs the processor.
 *
 *   ns  0 never looks. The default is 20,000, or 0 on a single processor.
 */
WEIR_EXTERN void weir_loop_set_spin(weir_loop_t *loop, uint64_t ns);

/*
 * Runs the uv loop (UV_RUN_DEFAULT) until nothing is left that could wake it.
 *
 * Returns how many operations are still parked: 0 is a clean end; anything else is what Go calls a
 * deadlock or a leaked goroutine, and weir_dump names each one. Inside a callback of this loop it
 * runs nothing.
 */
WEIR_EXTERN size_t weir_run(weir_loop_t *loop);

#ifdef __cplusplus
}
#endif

#endif
