/*
 * What stages have in common: where values come from and go to, and how it ends.
 *
 * The stages are written on the public API alone, but for the allocation of their memory, and
 * watch.h, in whose place weir_ctx_wait would do:
 *
 *   1. build    A stage makes a context of its own below the user's, and its output with two
 *               references: the caller's, and its own, which weir_chan_set_producer makes the
 *               producer's. It takes its inputs over, and starts its first operation. If anything
 *               fails, it lets go of all again.
 *   2. run      Each callback starts the next operation. All stand under the stage's context, so
 *               that a cancellation, and an output that nobody holds any more, completes whatever
 *               the stage waits in.
 *   3. end      In the callback that learns of it, with nothing else pending: the value in hand is
 *               dropped, the output is closed with the reason, what the stage held is let go of,
 *               its memory freed. Letting go of an input may cancel the stage above, whose callback
 *               comes later, from the loop: a chain ends without recursion.
 */
#ifndef WEIR_PIPE_STAGE_H
#define WEIR_PIPE_STAGE_H

#include <weir/pipe.h>

typedef struct weir__stage_s weir__stage_t;

/* First in the struct of each kind of stage. */
struct weir__stage_s {
  weir_ctx_t *ctx;  /* cancelled, too, when nobody can receive from `out` any more */
  weir_chan_t *in;  /* NULL: there is none, or no more of it is wanted */
  weir_chan_t *out; /* the producer's reference */
  void (*release)(weir__stage_t *stage); /* lets go of what the kind holds besides; or NULL */
};

/*
 * Rooms for values after the struct of a stage: its size with a room for n values more, 0 if that
 * is too much or `size` is 0; and the room that begins where the size was `size`.
 */
size_t weir__room(size_t size, const weir_type_t *type, size_t n);
static inline void *weir__room_at(void *stage, size_t size) {
  return (char *)stage + weir__room(size, NULL, 0);
}

/*
 * Makes a stage of `size` zeroed bytes, which starts with a weir__stage_t and takes `in` over, and
 * its output. NULL for want of memory and for a size of 0: then `in` has been let go of.
 */
void *weir__stage_new(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out, size_t capacity,
                      size_t size);

/*
 * Makes an output: a channel with two references, of which one is the producer's; and a context
 * below `parent` that is cancelled when that is the only one left. 0 or UV_ENOMEM: then both are
 * NULL.
 */
int weir__output_open(weir_ctx_t *parent, const weir_type_t *type, size_t capacity,
                      weir_ctx_t **ctx, weir_chan_t **out);

/* What the builder returns: the output, or NULL if the first operation was refused. */
weir_chan_t *weir__stage_started(weir__stage_t *stage, int err);

/* The same for one that has nothing to do: an output that has ended. */
weir_chan_t *weir__stage_empty(weir__stage_t *stage);

/* Closes the output with `status`, lets go of everything and frees the stage. */
void weir__stage_end(weir__stage_t *stage, int status);

/* No more of the input is wanted. */
void weir__stage_drop_input(weir__stage_t *stage);

/* Values of a type, or signals if that is NULL. */
void weir__values_drop(const weir_type_t *type, void *values, size_t n);
int weir__value_copy(const weir_type_t *type, void *dst, const void *src);
bool weir__is_copyable(const weir_type_t *type);
static inline bool weir__are_there(const weir_type_t *type, const void *values, size_t n) {
  return values || n == 0 || !type || type->size == 0;
}

#endif
