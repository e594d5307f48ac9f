/*
 * Streams of pieces for tests of stages: feeders that send them, notes of what has been taken, and
 * fresh loops for tests that close one.
 */
#ifndef WEIR_TEST_PIPES_MORE_H
#define WEIR_TEST_PIPES_MORE_H

#include "pipes.h"

/* What sinks have taken out of outputs, in order. */

enum { TAKEN_MAX = 4096 };

static struct {
  int count;
  int numbers[TAKEN_MAX];
} taken;

static inline void take_piece(void *value) {
  ck_assert_int_lt(taken.count, TAKEN_MAX);
  taken.numbers[taken.count++] = ((piece_t *)value)->number;
  piece_receive(value);
}

/* A batch of pieces. */
static inline void take_batch(void *value) {
  weir_batch_t *batch = value;
  piece_t *values = batch->values;

  ck_assert_uint_gt(batch->count, 0);
  for (size_t i = 0; i < batch->count; i++) take_piece(&values[i]);
  batch->count = 0;
  weir_batch_free(batch);
}

static inline void taken_reset(void) {
  pieces_reset();
  memset(&taken, 0, sizeof(taken));
}

static inline void ck_taken_in_order(void) {
  for (int i = 0; i < taken.count; i++) ck_assert_int_eq(taken.numbers[i], i);
}

/* Each of 0 to n - 1, `times` times. */
static inline void ck_taken_all(int n, int times) {
  int seen[TAKEN_MAX] = {0};

  ck_assert_int_eq(taken.count, n * times);
  for (int i = 0; i < taken.count; i++) seen[taken.numbers[i]]++;
  for (int i = 0; i < n; i++) ck_assert_int_eq(seen[i], times);
}

/* The fixture's loop, closed to its end; and a fresh one in its place. */

static inline void loop_finish(void) {
  uv_run(uv, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(uv), 0);
}

static inline void loop_renew(void) {
  ck_assert_int_eq(uv_loop_init(uv), 0);
  ck_assert_int_eq(weir_loop_new(&loop, uv), 0);
  bg = weir_loop_background(loop);
}

/*
 * A feeder sends the pieces 0 to n - 1, one after the other, until nobody can receive them any
 * more. Then, or when it is told so, it lets go of its channel.
 */
typedef struct feeder_s {
  weir_op_t op; /* first */
  /* options */
  int n;
  int status;      /* closes the channel after the last one; 0: leaves it open */
  uint64_t ms;     /* before each piece */
  size_t capacity; /* of the channel */
  bool is_shared;
  /* results */
  int next; /* how many it has made */
  bool is_over;
  /* private */
  weir_chan_t *ch;
  weir_ctx_t *scope;
  piece_t value;
} feeder_t;

static inline void feeder_end(feeder_t *feeder, int status) {
  if (status) weir_chan_close_with(feeder->ch, status);
  weir_chan_unref(feeder->ch);
  weir_ctx_unref(feeder->scope);
  feeder->is_over = true;
}

static inline void feeder_go_on(feeder_t *feeder);

static inline void feeder_on_sent(weir_op_t *op, int status) {
  feeder_t *feeder = (feeder_t *)op;

  if (!status) {
    feeder_go_on(feeder);
    return;
  }
  piece_drop(&feeder->value);
  feeder_end(feeder, 0);
}

static inline void feeder_send(weir_op_t *op, int status) {
  feeder_t *feeder = (feeder_t *)op;

  if (status) {
    feeder_end(feeder, 0);
    return;
  }
  feeder->value = piece(feeder->next++);
  ck_assert_int_eq(weir_chan_send(op, feeder->ch, &feeder->value, feeder_on_sent), 0);
}

static inline void feeder_on_unwanted(weir_op_t *op, int status) {
  (void)status;
  feeder_end((feeder_t *)op, 0);
}

static inline void feeder_go_on(feeder_t *feeder) {
  int err = 0;

  if (feeder->next == feeder->n && feeder->status)
    feeder_end(feeder, feeder->status);
  else if (feeder->next == feeder->n)
    err = weir_ctx_wait(&feeder->op, feeder->scope, feeder_on_unwanted);
  else if (feeder->ms > 0)
    err = weir_sleep(&feeder->op, feeder->ms, feeder_send);
  else
    feeder_send(&feeder->op, 0);
  ck_assert_int_eq(err, 0);
}

/* Returns the input, with the stage's reference. */
static inline weir_chan_t *feeder_start(feeder_t *feeder) {
  weir_chan_t *in;

  feeder->ch = feeder->is_shared ? weir_chan_new_shared(&piece_type, feeder->capacity)
                                 : new_pieces(feeder->capacity);
  feeder->scope = weir_ctx_with_cancel(bg);
  ck_assert(feeder->ch && feeder->scope);
  in = weir_chan_ref(feeder->ch);
  weir_chan_set_producer(feeder->ch, feeder->scope);
  weir_op_init(&feeder->op, feeder->scope);
  feeder_go_on(feeder);
  return in;
}

#endif
