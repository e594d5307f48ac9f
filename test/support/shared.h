/*
 * Shared channels of int on the fixture's loop. What is parked on one keeps the uv loop alive, so
 * that weir_run is for when nothing is, and settle for when something may be.
 */
#ifndef WEIR_TEST_SHARED_H
#define WEIR_TEST_SHARED_H

#include "values.h"

static inline weir_chan_t *shared_ints(size_t capacity) {
  weir_chan_t *ch = weir_chan_new_shared(WEIR_TYPE(int), capacity);

  ck_assert_ptr_nonnull(ch);
  return ch;
}

static inline weir_chan_t *shared_owned(size_t capacity) {
  weir_chan_t *ch = weir_chan_new_shared(WEIR_TYPE_OWNED(int, owned_drop, NULL), capacity);

  ck_assert_ptr_nonnull(ch);
  owned_drops = 0;
  return ch;
}

static inline weir_stats_t stats_now(void) {
  weir_stats_t stats;

  weir_stats(loop, &stats);
  return stats;
}

/* Runs all that is runnable, without waiting. Returns how many operations are parked. */
static inline size_t settle(void) {
  for (int turns = 0; turns < 3 || stats_now().ops_runnable > 0; turns++) uv_run(uv, UV_RUN_NOWAIT);
  return stats_now().ops_parked;
}

static inline void cancel_and_settle(probe_t *probe) {
  ck_assert_int_eq(weir_op_cancel(&probe->op), 0);
  settle();
}

#endif
