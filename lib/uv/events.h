/*
 * Channels that libuv's callbacks fill. A source is a stage without an input:
 *
 *   1. event    libuv's callback makes a value and sends it, by an operation: while that is pending
 *               the source takes no other event. The same operation lets it rest.
 *   2. finish   An error, the end of the events, a handle that is closed, an output that another
 *               closes, a cancellation: at once libuv is told to stop, the output is closed, the
 *               stage's context cancelled, so that what is pending completes.
 *   3. free     When nothing is: a watch is, until the context is cancelled.
 */
#ifndef WEIR_UV_EVENTS_H
#define WEIR_UV_EVENTS_H

#include "../chan.h"
#include "../pipe/stage.h"

typedef struct weir__source_s weir__source_t;

/* First in the struct of each kind, which sets the functions. */
struct weir__source_s {
  weir__stage_t stage;
  weir_op_t send, wait;
  weir__hook_t cancelled; /* of the stage's context */
  weir__watch_t closed;   /* of the output */
  bool has_finished;
  void *value;                            /* what is sent */
  void (*resume)(weir__source_t *source); /* it has gone, or has rested: take the next event */
  void (*stop)(weir__source_t *source);   /* take none any more; called once */
};

/* Makes a source, as weir__stage_new. */
void *weir__source_new(weir_ctx_t *ctx, const weir_type_t *type, size_t capacity, size_t size,
                       const char *where);

/*
 * Starts it, and returns what the builder does: the output, closed with what `start` refuses with,
 * or NULL if the loop has closed and for UV_ENOMEM.
 */
weir_chan_t *weir__source_start(weir__source_t *source, int (*start)(weir__source_t *source));

/* Sends source->value. False: it has to wait, and `resume` will be called. */
bool weir__source_send(weir__source_t *source);

/* Takes no event for so many milliseconds; then `resume` will be called. Needs no memory. */
void weir__source_rest(weir__source_t *source, uint64_t ms);

/* Ends it: no callback of libuv's may use it after. */
void weir__source_finish(weir__source_t *source, int status);

#endif
