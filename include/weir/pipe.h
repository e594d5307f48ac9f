/*
 * Pipelines: stages between channels, after the patterns of "Concurrency in Go".
 *
 * Each function builds a stage under a context and returns its output: a new channel of the
 * context's loop, with one reference for the caller. It takes over the caller's reference to every
 * input, also when it fails, so that calls nest:
 *
 *   weir_pipe_take(ctx, weir_pipe_repeat(ctx, WEIR_TYPE(int), &zero, 1), 3)
 *
 * It returns NULL for want of memory, for a NULL input (an inner call that failed), for another
 * loop's channel, for a NULL context or function, and when the loop has closed. Arrays are copied.
 * A NULL type is a pure signal.
 *
 * End. An output is closed once: when the input ends, with its closing status; when the context is
 * cancelled, with weir_ctx_err. So UV_EOF says that a stream is complete. Dropping the last
 * reference to an output cancels its stage, which drops its inputs, and so on up the chain. Closing
 * it is for the stage alone: another who closes it stops the stage only when it sends.
 *
 * Values. A stage has at most one value in hand, where nothing else is said; one that cannot be
 * sent any more is released by the `drop` of its type. What happens in a hop allocates nothing.
 *
 * Functions given to stages run on the loop's thread, from the loop and never inside the building
 * call; those of weir_pipe_work run on libuv's thread pool.
 *
 * The stages are written on the public API: see lib/pipe/ for how to write others.
 */
#ifndef WEIR_PIPE_H
#define WEIR_PIPE_H

#include <weir/chan.h>
#include <weir/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a function of a stage returns to emit nothing for this value. */
#define WEIR_SKIP 1

/*
 * Makes a value out of another.
 *
 *   out  where to; zeroed before the first call.
 *   in   what it owns is the function's.
 *
 * Returns 0 to emit `out`, WEIR_SKIP to emit nothing, UV_EOF to end the stream, or another negative
 * code to end it with that. What belongs to a value travels in it: see Result in the samples.
 */
typedef int (*weir_map_fn)(void *out, void *in, void *arg);

/* Sources */

/*
 * Emits n values, then ends.
 *
 *   values  an array; what they own is taken over, also when the call fails: then it is dropped.
 */
WEIR_EXTERN weir_chan_t *weir_pipe_from(weir_ctx_t *ctx, const weir_type_t *type,
                                        const void *values, size_t n);

/*
 * Emits copies of n values again and again, by the type's `copy`. The originals stay the caller's.
 * Fails for a type with a `drop` and no `copy`. Ends at once for n = 0, and with what `copy`
 * returns when it fails.
 */
WEIR_EXTERN weir_chan_t *weir_pipe_repeat(weir_ctx_t *ctx, const weir_type_t *type,
                                          const void *values, size_t n);

/*
 * Emits what fn(out, arg) makes, which is called once a value, ahead of the receiver by one. It
 * returns as weir_map_fn does; others have their turn after WEIR_SKIP.
 */
WEIR_EXTERN weir_chan_t *weir_pipe_generate(weir_ctx_t *ctx, const weir_type_t *type,
                                            int (*fn)(void *out, void *arg), void *arg);

/* One value at a time */

/* Emits what `fn` makes of each value. */
WEIR_EXTERN weir_chan_t *weir_pipe_map(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out,
                                       weir_map_fn fn, void *arg);

/* Emits the values that `keep` returns true for, and drops the others. */
WEIR_EXTERN weir_chan_t *weir_pipe_filter(weir_ctx_t *ctx, weir_chan_t *in,
                                          bool (*keep)(const void *value, void *arg), void *arg);

/* Emits the first n values, then ends with UV_EOF. The input is dropped with the last one. */
WEIR_EXTERN weir_chan_t *weir_pipe_take(weir_ctx_t *ctx, weir_chan_t *in, size_t n);

/* Emits each value `ms` milliseconds after it has come, and takes the next one after that. */
WEIR_EXTERN weir_chan_t *weir_pipe_sleep(weir_ctx_t *ctx, weir_chan_t *in, uint64_t ms);

/* Emits the values through a buffer of n: a queue between what is before and after it. */
WEIR_EXTERN weir_chan_t *weir_pipe_buffer(weir_ctx_t *ctx, weir_chan_t *in, size_t n);

/* Emits the values until the context is cancelled, whatever the input does. */
WEIR_EXTERN weir_chan_t *weir_pipe_or_done(weir_ctx_t *ctx, weir_chan_t *in);

/* Several values at a time. `values` is an array of the input's type; the batch owns it. */
typedef struct weir_batch_s {
  void *values;
  size_t count;
} weir_batch_t;

/* Drops the values of a batch, the first `count`, and frees it. NULL and an empty one are fine. */
WEIR_EXTERN void weir_batch_free(weir_batch_t *batch);

/*
 * Emits values in batches (weir_batch_t): one that is full, or whose first value came `ms`
 * milliseconds ago. The rest comes before the end. Has up to `max` values in hand.
 *
 *   max  not 0.
 *   ms   UINT64_MAX: only full ones. 0: what is there.
 *
 * Ends with UV_ENOMEM when there is no memory for a batch.
 */
WEIR_EXTERN weir_chan_t *weir_pipe_batch(weir_ctx_t *ctx, weir_chan_t *in, size_t max, uint64_t ms);

/* Several channels */

/*
 * Closes, with UV_EOF, as soon as one of n channels has closed, or has brought a value, which is
 * dropped. Emits nothing. n = 0: only the context closes it.
 */
WEIR_EXTERN weir_chan_t *weir_pipe_or(weir_ctx_t *ctx, weir_chan_t **chans, size_t n);

/*
 * Emits each value twice: to out[0] and, as a copy by the type's `copy`, to out[1]. Takes the next
 * one when both have gone. When an output is dropped the other goes on.
 *
 *   out  set to two channels, each with a reference for the caller; to NULL when it fails.
 *
 * Returns 0, UV_ENOMEM, UV_ECANCELED when the loop has closed, UV_EINVAL for NULL, another loop's
 * channel, and a type that has a `drop` and no `copy`. Both end with what `copy` returns when it
 * fails.
 */
WEIR_EXTERN int weir_pipe_tee(weir_ctx_t *ctx, weir_chan_t *in, weir_chan_t *out[2]);

/*
 * Emits the values of a sequence of channels, one channel after the other. A channel that ends with
 * another status than UV_EOF ends it with that.
 *
 *   in   of WEIR_TYPE_CHAN: fails otherwise.
 *   out  the type of their values. A channel of another size ends it with UV_EINVAL.
 */
WEIR_EXTERN weir_chan_t *weir_pipe_bridge(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out);

/*
 * Emits the values of n channels as they come; has one in hand of each. Ends when all have ended,
 * with the first status that is not UV_EOF; at once for n = 0.
 *
 *   chans  of types of one size: fails otherwise. The output has the type of the first.
 */
WEIR_EXTERN weir_chan_t *weir_pipe_fan_in(weir_ctx_t *ctx, weir_chan_t **chans, size_t n);

/* Builds a stage, as the functions here do: takes `in` over, and returns its output or NULL. */
typedef weir_chan_t *(*weir_stage_fn)(weir_ctx_t *ctx, weir_chan_t *in, void *arg);

/*
 * Builds n stages that share an input, and fans their outputs in. `stage` runs inside the call.
 * n = 0 ends at once.
 */
WEIR_EXTERN weir_chan_t *weir_pipe_fan_out(weir_ctx_t *ctx, weir_chan_t *in, size_t n,
                                           weir_stage_fn stage, void *arg);

/* Several values at once */

/*
 * Emits what `fn` makes of each value, on libuv's thread pool: up to `workers` calls at once.
 *
 *   workers  not 0. Has up to 4 times as many values in hand, whose calls may share pool requests.
 *   ordered  whether results come in the order of the input, or as they are ready.
 *   fn       runs on any thread of the pool. `arg` is shared by them. What it ends the stream with
 *            ends it in its turn: later values are dropped.
 *
 * After a cancellation the calls that run return in their time, and their results are dropped. Ends
 * with UV_ENOMEM when there is no memory for a pool request.
 */
WEIR_EXTERN weir_chan_t *weir_pipe_work(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out,
                                        size_t workers, bool ordered, weir_map_fn fn, void *arg);

/* A value in hand of weir_pipe_async: valid from `start` until weir_slot_done. */
typedef struct weir_slot_s weir_slot_t;

/*
 * Emits what is made of each value asynchronously: calls start(slot) for up to `limit` at once,
 * which sees to it that weir_slot_done is called, once.
 *
 *   limit    not 0. Has as many values in hand.
 *   ordered  as for weir_pipe_work.
 *   arg      weir_slot_arg.
 */
WEIR_EXTERN weir_chan_t *weir_pipe_async(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out,
                                         size_t limit, bool ordered,
                                         void (*start)(weir_slot_t *slot), void *arg);

/* Returns the value; what it owns is the starter's. */
WEIR_EXTERN void *weir_slot_in(weir_slot_t *slot);

/* Returns where to make the result. */
WEIR_EXTERN void *weir_slot_out(weir_slot_t *slot);

/* Returns what weir_pipe_async was given. */
WEIR_EXTERN void *weir_slot_arg(weir_slot_t *slot);

/* Returns the context, borrowed, that is cancelled when nobody wants the result any more. */
WEIR_EXTERN weir_ctx_t *weir_slot_ctx(weir_slot_t *slot);

/*
 * Says that the slot is done, and gives it back; also inside `start`.
 *
 *   status  0: emit the result. UV_EOF: end the stream, in its turn. WEIR_SKIP and other codes:
 *           emit nothing.
 */
WEIR_EXTERN void weir_slot_done(weir_slot_t *slot, int status);

#ifdef __cplusplus
}
#endif

#endif
