/* Starters for weir_pipe_async of pieces: slots that are held until the test says, and jobs. */
#ifndef WEIR_TEST_SLOTS_H
#define WEIR_TEST_SLOTS_H

#include <stdlib.h>

#include "pipe_trials.h"

enum { SLOTS_MAX = 256 };

/* The slots that have been started, by their order. */
static struct {
  weir_slot_t *slots[SLOTS_MAX];
  int started, out;
} held;

static inline void held_reset(void) {
  memset(&held, 0, sizeof(held));
}

static inline void hold(weir_slot_t *slot) {
  ck_assert_int_lt(held.started, SLOTS_MAX);
  held.slots[held.started++] = slot;
  held.out++;
}

/* The piece of a slot, which is its result. */
static inline void finish_slot(weir_slot_t *slot) {
  memcpy(weir_slot_out(slot), weir_slot_in(slot), sizeof(piece_t));
  weir_slot_done(slot, 0);
}

/* The same without a result. */
static inline void give_up_slot(weir_slot_t *slot, int status) {
  piece_drop(weir_slot_in(slot));
  weir_slot_done(slot, status);
}

/* For the slot that was started as number i; it is out no longer. */
static inline void finish(int i, int status) {
  weir_slot_t *slot = held.slots[i];

  ck_assert_ptr_nonnull(slot);
  held.slots[i] = NULL;
  held.out--;
  if (status == 0)
    finish_slot(slot);
  else
    give_up_slot(slot, status);
}

static inline weir_chan_t *held_stage(weir_ctx_t *ctx, weir_chan_t *in, size_t limit,
                                      bool ordered) {
  held_reset();
  return weir_pipe_async(ctx, in, &piece_type, limit, ordered, hold, NULL);
}

/* A job takes some turns of the loop, by its piece, under the slot's context or under none. */
typedef struct job_s {
  weir_op_t op; /* first */
  weir_slot_t *slot;
  int turns;
} job_t;

static inline int job_turns(weir_slot_t *slot) {
  static const int turns[] = {3, 0, 5, 1, 4, 2, 6};

  return turns[((piece_t *)weir_slot_in(slot))->number % 7];
}

static inline void job_turn(weir_op_t *op, int status) {
  job_t *job = (job_t *)op;
  weir_slot_t *slot = job->slot;

  if (!status && job->turns-- > 0) {
    weir_yield(op, job_turn);
    return;
  }
  free(job);
  if (status)
    give_up_slot(slot, status);
  else
    finish_slot(slot);
}

/* Finishes its slot, come what may. */
static inline void stubborn_turn(weir_op_t *op, int status) {
  job_t *job = (job_t *)op;
  weir_slot_t *slot = job->slot;

  if (!status && job->turns-- > 0) {
    weir_yield(op, stubborn_turn);
    return;
  }
  free(job);
  finish_slot(slot);
}

static inline void job_start(weir_slot_t *slot, weir_ctx_t *ctx, weir_op_cb turn) {
  job_t *job = malloc(sizeof(*job));

  job->slot = slot;
  job->turns = job_turns(slot);
  weir_op_init(&job->op, ctx);
  ck_assert_int_eq(weir_yield(&job->op, turn), 0);
}

static inline void start_job(weir_slot_t *slot) {
  job_start(slot, weir_slot_ctx(slot), job_turn);
}

static inline void start_stubborn_job(weir_slot_t *slot) {
  job_start(slot, bg, stubborn_turn);
}

#endif
