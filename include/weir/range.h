/* Range: `for v := range ch`, a callback for each value. */
#ifndef WEIR_RANGE_H
#define WEIR_RANGE_H

#include <weir/chan.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_range_s weir_range_t;

/*
 * status 0: `value` is valid until the callback returns; what it owns is the callback's.
 * Otherwise: the end, once, with the channel's closing status or the context's error; value is
 * NULL, the range is idle and may be started again or freed.
 */
typedef void (*weir_range_cb)(weir_range_t *range, const void *value, int status);

/* Private: where values of up to so many bytes arrive without an allocation. */
#define WEIR_RANGE_INLINE 64

typedef union weir_range_room_u {
  unsigned char bytes[WEIR_RANGE_INLINE];
  uint64_t align_integer;
  long double align_real;
  void *align_pointer;
} weir_range_room_t;

/* Private: at a shared channel, what outlives a range that is stopped while a value is on
 * its way. */
typedef struct weir__receiver_s weir__receiver_t;

struct weir_range_s {
  void *data; /* the caller's */
  /* private */
  weir_op_t op;
  weir_chan_t *chan;
  weir_range_cb cb;
  weir__receiver_t *receiver; /* at a shared channel: its op is used, not this one's */
  void *buffer;               /* where values arrive: `room`, or allocated for larger ones */
  bool *stopped; /* set while the callback runs, so that it may stop and free the range */
  size_t size;   /* of a value, and how to drop one */
  void (*drop)(void *value);
  bool running, paused, held;
  int held_status;
  weir_range_room_t room;
};

/* Prepares a range under a context; records the place, like weir_op_init. Cannot fail. */
#define weir_range_init(range, ctx) weir_range_init_at((range), (ctx), WEIR_HERE)

/* The same, for a place of the caller's choice; `where` must outlive the range. */
WEIR_EXTERN void weir_range_init_at(weir_range_t *range, weir_ctx_t *ctx, const char *where);

/*
 * Starts to receive. A running range holds a reference to its channel.
 *
 *   ch  NULL waits until the context is cancelled.
 *   cb  must not be NULL.
 *
 * Returns 0, UV_EBUSY if it is running, UV_EINVAL for wrong arguments or another loop's channel,
 * UV_ECANCELED if the loop has closed, UV_ENOMEM for values over WEIR_RANGE_INLINE bytes and for
 * shared channels.
 */
WEIR_EXTERN int weir_range_start(weir_range_t *range, weir_chan_t *ch, weir_range_cb cb);

/*
 * Stops the flow: no value, and not the end of the channel, until resumed. A value that was already
 * taken is kept for then. A cancellation still ends the range.
 *
 * Returns 0, UV_EINVAL for NULL, UV_ENOENT if it is not running, UV_EALREADY if it is paused.
 */
WEIR_EXTERN int weir_range_pause(weir_range_t *range);

/*
 * Lets it flow again. Returns 0, UV_EINVAL for NULL, UV_ENOENT if not running, UV_EALREADY if not
 * paused.
 */
WEIR_EXTERN int weir_range_resume(weir_range_t *range);

/*
 * Stops for good: no callback after it returns, and the range may be freed. A value that was taken
 * and not delivered is dropped; one that another thread has just sent, when it arrives at the loop.
 * Allowed inside the range's own callback.
 *
 * Returns 0, UV_EINVAL for NULL, UV_ENOENT if it is not running.
 */
WEIR_EXTERN int weir_range_stop(weir_range_t *range);

#ifdef __cplusplus
}
#endif

#endif
