/*
 * Channels: values in order, between callbacks, loops and threads, with backpressure.
 *
 * A local channel belongs to one loop and its thread. On a shared one everything may be done from
 * any thread, but an operation is started on the thread of its own loop, where it also completes.
 *
 * The semantics are Go's (The Go Programming Language Specification, "Channel types", "Send
 * statements", "Receive operator", "Close"): values and waiters are FIFO; capacity 0 is a
 * rendezvous; what was buffered before a close is still received, then every receive ends; a NULL
 * channel blocks for ever. What Go answers with a panic, weir answers with a code.
 *
 * A value is copied as bytes. It is received once, or still its sender's, or released by the type's
 * `drop`. A parked op holds no reference to its channel: the last unref closes it.
 */
#ifndef WEIR_CHAN_H
#define WEIR_CHAN_H

#include <weir/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * `drop` and `copy` run inside weir calls, on whichever thread that is. They may call weir, but not
 * with the channel that the value is in, nor with the operation that is being started.
 */
typedef struct weir_type_s {
  size_t size;               /* bytes of one value; 0 for pure signals */
  void (*drop)(void *value); /* releases what a value that nobody receives owns; or NULL */
  int (*copy)(void *dst, const void *src); /* deep copy; NULL: memcpy; UV_ENOMEM on failure */
  const char *name;                        /* for weir_dump; must outlive the channel; or NULL */
} weir_type_t;

/* A `weir_type_t const *`, good for the call it stands in. A NULL type is a pure signal. */
#ifdef __cplusplus
#define WEIR_TYPE_OWNED(T, drop_fn, copy_fn)                                                       \
  (&static_cast<const weir_type_t &>(weir_type_t{sizeof(T), (drop_fn), (copy_fn), #T}))
#else
#define WEIR_TYPE_OWNED(T, drop_fn, copy_fn)                                                       \
  (&(const weir_type_t){sizeof(T), (drop_fn), (copy_fn), #T})
#endif
#define WEIR_TYPE(T) WEIR_TYPE_OWNED(T, NULL, NULL)

/* Values are weir_chan_t *, each with a reference of its own. */
#define WEIR_TYPE_CHAN (&weir_type_chan)
extern WEIR_EXTERN const weir_type_t weir_type_chan;

/*
 * Makes a channel local to a loop.
 *
 *   type      copied; NULL for pure signals.
 *   capacity  values that are buffered; 0 for a rendezvous. At most UINT32_MAX.
 *
 * Returns the channel with one reference for the caller, or NULL for want of memory.
 */
WEIR_EXTERN weir_chan_t *weir_chan_new(weir_loop_t *loop, const weir_type_t *type, size_t capacity);

/*
 * The same, but shared: for operations of any loop, and for threads that run none.
 *
 * Thread: any. It belongs to no loop, and outlives those that use it.
 */
WEIR_EXTERN weir_chan_t *weir_chan_new_shared(const weir_type_t *type, size_t capacity);

/* Takes another reference and returns the channel; NULL in, NULL out. */
WEIR_EXTERN weir_chan_t *weir_chan_ref(weir_chan_t *ch);

/*
 * Gives a reference back; NULL is fine. The last one closes the channel, then drops what is
 * buffered.
 */
WEIR_EXTERN void weir_chan_unref(weir_chan_t *ch);

/*
 * Sends one value.
 *
 *   ch     NULL parks until the op is cancelled.
 *   value  read at the latest when the send completes, and valid until then. May be NULL for size
 *          0.
 *
 * Returns 0 or what every start returns. Completes with 0 (the value is the channel's or the
 * receiver's), UV_EPIPE (closed), or the context's error: then it is still the sender's.
 */
WEIR_EXTERN int weir_chan_send(weir_op_t *op, weir_chan_t *ch, const void *value, weir_op_cb cb);

/*
 * Receives one value.
 *
 *   ch     NULL parks until the op is cancelled.
 *   value  written at the latest when the recv completes; NULL drops the value. (Where the channel
 *          is shared and its values have a drop and more than 256 bytes, that needs memory: every
 *          form of receive gives UV_ENOMEM without it, and the value stays where it is.)
 *
 * Returns 0 or what every start returns. Completes with 0; UV_EOF or the status given to
 * weir_chan_close_with once the channel is closed and empty (`value` is zeroed); the context's
 * error (`value` is untouched).
 */
WEIR_EXTERN int weir_chan_recv(weir_op_t *op, weir_chan_t *ch, void *value, weir_op_cb cb);

/*
 * Sends n values in order. weir_op_index says how many went, also when it is cut short.
 *
 *   values  an array, as for weir_chan_send.
 *   n       at most INT32_MAX; 0 completes with 0.
 *
 * Returns and completes as weir_chan_send.
 */
WEIR_EXTERN int weir_chan_send_many(weir_op_t *op, weir_chan_t *ch, const void *values, size_t n,
                                    weir_op_cb cb);

/*
 * Receives what is there, at least one value and at most `max`; weir_op_index says how many.
 *
 *   values  room for max values; NULL drops them. Untouched at the end of the channel.
 *   max     0 completes with 0.
 *
 * Returns and completes as weir_chan_recv.
 */
WEIR_EXTERN int weir_chan_recv_many(weir_op_t *op, weir_chan_t *ch, void *values, size_t max,
                                    weir_op_cb cb);

/*
 * Sends if that needs no waiting. Returns 0, UV_EAGAIN (also for a NULL channel), UV_EPIPE when
 * closed, UV_EINVAL for a NULL value that has a size.
 */
WEIR_EXTERN int weir_chan_try_send(weir_chan_t *ch, const void *value);

/*
 * Receives if that needs no waiting; a NULL `value` drops it. Returns 0, UV_EAGAIN (also for a NULL
 * channel), or UV_EOF or the closing status, with `value` zeroed.
 */
WEIR_EXTERN int weir_chan_try_recv(weir_chan_t *ch, void *value);

/*
 * Sends one value from a thread that runs no loop, and blocks the thread until it has gone.
 *
 *   ch          a shared channel; NULL blocks for ever.
 *   timeout_ms  milliseconds; 0 only tries, UINT64_MAX waits for ever.
 *
 * Returns 0, UV_EPIPE (closed), UV_ETIMEDOUT (the value is still the caller's), UV_EINVAL for a
 * local channel or a NULL value that has a size. Thread: any; on a loop's, the loop stands still.
 */
WEIR_EXTERN int weir_chan_send_blocking(weir_chan_t *ch, const void *value, uint64_t timeout_ms);

/*
 * Receives one value in the same way; a NULL `value` drops it.
 *
 * Returns 0, UV_EOF or the closing status (`value` is zeroed), UV_ETIMEDOUT (`value` is untouched),
 * UV_EINVAL for a local channel.
 */
WEIR_EXTERN int weir_chan_recv_blocking(weir_chan_t *ch, void *value, uint64_t timeout_ms);

/*
 * Closes a channel: receivers get what is buffered, then UV_EOF; parked sends fail with UV_EPIPE.
 *
 * Returns 0, UV_EALREADY if it is closed, UV_EINVAL for NULL.
 */
WEIR_EXTERN int weir_chan_close(weir_chan_t *ch);

/* The same with a reason, which must be negative (else UV_EINVAL): receives end with it. */
WEIR_EXTERN int weir_chan_close_with(weir_chan_t *ch, int status);

/* Returns how many values are buffered; 0 for NULL. */
WEIR_EXTERN size_t weir_chan_len(const weir_chan_t *ch);

/* Returns how many values can be buffered; 0 for NULL. */
WEIR_EXTERN size_t weir_chan_cap(const weir_chan_t *ch);

/* Returns the type of the values, valid while the channel is; NULL for NULL. */
WEIR_EXTERN const weir_type_t *weir_chan_type(const weir_chan_t *ch);

/* Returns the loop that the channel is local to; NULL for a shared one and for NULL. */
WEIR_EXTERN weir_loop_t *weir_chan_loop(const weir_chan_t *ch);

/* Returns whether the channel has been closed; false for NULL. */
WEIR_EXTERN bool weir_chan_closed(const weir_chan_t *ch);

/* Names a channel for weir_dump, in place of its type's name; `name` must outlive the channel. */
WEIR_EXTERN void weir_chan_set_name(weir_chan_t *ch, const char *name);

/*
 * Makes the caller's reference the producer's: when another goes and it is the only one left,
 * nobody can receive any more, and `scope` is cancelled.
 *
 *   scope  held by the channel until then, or until the channel is closed. NULL takes it back.
 */
WEIR_EXTERN void weir_chan_set_producer(weir_chan_t *ch, weir_ctx_t *scope);

#ifdef __cplusplus
}
#endif

#endif
