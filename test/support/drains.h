/*
 * A drain ranges over the chunks of a stream: what they bring is stamped, from the place where it
 * starts, and is freed. It takes the reference over, so that the channel is abandoned when it
 * stops.
 */
#ifndef WEIR_TEST_DRAINS_H
#define WEIR_TEST_DRAINS_H

#include "peers.h"

typedef struct drain_s drain_t;
struct drain_s {
  weir_range_t range; /* first */
  /* options */
  void (*then)(drain_t *drain); /* called after each chunk */
  near_t *near;                 /* closed and freed when the channel has ended; or NULL */
  /* results */
  size_t place; /* what has come */
  int chunks, ends;
  int status; /* of the end */
};

static inline void drain_chunk(drain_t *drain, weir_chunk_t chunk) {
  ck_assert_uint_gt(chunk.len, 0);
  ck_assert(is_stamped(chunk.base, chunk.len, drain->place));
  drain->place += chunk.len;
  drain->chunks++;
  weir_chunk_free(&chunk);
}

static inline void drain_end(drain_t *drain, int status) {
  drain->ends++;
  drain->status = status;
  if (drain->near) near_close(drain->near);
}

static inline void drain_note(weir_range_t *range, const void *value, int status) {
  drain_t *drain = (drain_t *)range;

  ck_assert_int_eq(drain->ends, 0);
  if (!value) {
    drain_end(drain, status);
    return;
  }
  drain_chunk(drain, *(const weir_chunk_t *)value);
  if (drain->then) drain->then(drain);
}

static inline void drain_start_under(weir_ctx_t *ctx, drain_t *drain, weir_chan_t *ch) {
  ck_assert_ptr_nonnull(ch);
  weir_range_init(&drain->range, ctx);
  ck_assert_int_eq(weir_range_start(&drain->range, ch, drain_note), 0);
  weir_chan_unref(ch);
}

static inline void drain_start(drain_t *drain, weir_chan_t *ch) {
  drain_start_under(bg, drain, ch);
}

static inline void drain_stop(drain_t *drain) {
  ck_assert_int_eq(weir_range_stop(&drain->range), 0);
}

#define ck_drain_ended(drain, length, wanted)                                                      \
  do {                                                                                             \
    ck_assert_uint_eq((drain)->place, (length));                                                   \
    ck_assert_int_eq((drain)->ends, 1);                                                            \
    ck_assert_int_eq((drain)->status, (wanted));                                                   \
  } while (0)

/* The channel has ended, and so. */
static inline void ck_chan_ended(weir_chan_t *ch, int wanted) {
  char value[64]; /* room for any of weir_uv_*'s */

  ck_assert_ptr_nonnull(ch);
  ck_assert(weir_chan_closed(ch));
  ck_assert_int_eq(weir_chan_try_recv(ch, value), wanted);
}

#endif
