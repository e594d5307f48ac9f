/* Stages that bring one value at a time and take on what a step makes of it. */
#ifndef WEIR_PIPE_RELAY_H
#define WEIR_PIPE_RELAY_H

#include "stage.h"

typedef struct weir__relay_s weir__relay_t;

/* First in the struct of each kind, which sets `step` and what is where. */
struct weir__relay_s {
  weir__stage_t stage;
  weir_op_t op;       /* receives, then sends */
  weir_chan_t *from;  /* where it receives: the input */
  weir_op_cb arrived; /* weir__relay_arrived, or what ends in it */
  weir_map_fn step;   /* 0: send it on; WEIR_SKIP; or how the stream ends. Or NULL */
  void *arg;          /* of the step */
  void *received;     /* where it arrives */
  void *sent;         /* where it is sent from: may be the same */
  bool is_last;       /* the stream ends when that has gone */
};

/*
 * Makes a relay, as weir__stage_new, that receives from its input, and calls itself `where` in
 * dumps. The rooms for the values are the kind's to set.
 */
void *weir__relay_new(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out, size_t capacity,
                      size_t size, const char *where);

/* The same for a kind that sends what it receives: with a room for it at `offset`. */
void *weir__relay_new_alike(weir_ctx_t *ctx, weir_chan_t *in, size_t capacity, size_t offset,
                            const char *where);

/* Starts it, and returns what the builder does. */
weir_chan_t *weir__relay_start(weir__relay_t *relay);

/* Brings the next value. */
void weir__relay_pull(weir__relay_t *relay);

/* Callbacks: of a receive; and to send what is there now. */
void weir__relay_arrived(weir_op_t *op, int status);
void weir__relay_send(weir_op_t *op, int status);

#endif
