/*
 * Channels of int, ops that send and receive them, and owned values: ints whose drops are counted.
 */
#ifndef WEIR_TEST_VALUES_H
#define WEIR_TEST_VALUES_H

#include "probe.h"
#include "support.h"

enum { UNTOUCHED = -1, OWNED_MAX = 4096 };

static int owned_drops;              /* of all values */
static int owned_dropped[OWNED_MAX]; /* of each */

static inline void owned_drop(void *value) {
  int id = *(int *)value;

  owned_drops++;
  if (id >= 0 && id < OWNED_MAX) owned_dropped[id]++;
}

static inline weir_chan_t *new_ints(size_t capacity) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), capacity);

  ck_assert_ptr_nonnull(ch);
  return ch;
}

static inline weir_chan_t *new_owned(size_t capacity) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE_OWNED(int, owned_drop, NULL), capacity);

  ck_assert_ptr_nonnull(ch);
  owned_drops = 0;
  return ch;
}

static inline void put(weir_chan_t *ch, int value) {
  ck_assert_int_eq(weir_chan_try_send(ch, &value), 0);
}

static inline int get(weir_chan_t *ch) {
  int value = UNTOUCHED;

  ck_assert_int_eq(weir_chan_try_recv(ch, &value), 0);
  return value;
}

/* Starts a probe under ctx; which of its completions come is the test's to say. */

static inline void send_under(weir_ctx_t *ctx, probe_t *probe, weir_chan_t *ch, const int *value) {
  probe_init(probe, ctx);
  ck_assert_int_eq(weir_chan_send(&probe->op, ch, value, probe_note), 0);
  ck_assert_int_eq(probe->calls, 0);
}

static inline void recv_under(weir_ctx_t *ctx, probe_t *probe, weir_chan_t *ch, int *value) {
  probe_init(probe, ctx);
  ck_assert_int_eq(weir_chan_recv(&probe->op, ch, value, probe_note), 0);
  ck_assert_int_eq(probe->calls, 0);
}

static inline void start_send(probe_t *probe, weir_chan_t *ch, const int *value) {
  send_under(bg, probe, ch, value);
}

static inline void start_recv(probe_t *probe, weir_chan_t *ch, int *value) {
  recv_under(bg, probe, ch, value);
}

static inline void cancel_and_run(probe_t *probe) {
  ck_assert_int_eq(weir_op_cancel(&probe->op), 0);
  weir_run(loop);
}

#endif
