/* Tees under trial: two sinks, and a pattern whose output is the first one. */
#ifndef WEIR_TEST_TEES_H
#define WEIR_TEST_TEES_H

#include "pipe_trials.h"

static sink_t sinks[2];

/* Starts a sink at each output of a tee. */
static inline void tee_start(weir_ctx_t *ctx, weir_chan_t *in, void (*take)(void *)) {
  weir_chan_t *out[2];

  ck_assert_int_eq(weir_pipe_tee(ctx, in, out), 0);
  for (int i = 0; i < 2; i++) {
    sinks[i] = (sink_t){.take = take};
    sink_start(&sinks[i], out[i]);
  }
}

static inline void ck_both_ended(int n, int status) {
  for (int i = 0; i < 2; i++) ck_sink_ended(&sinks[i], n, status);
}

/* The pattern is the first output; a sink of its own takes what the second one brings. */

static sink_t tee_second;
static bool tee_has_no_second;

static inline weir_chan_t *tee_build(weir_ctx_t *ctx, weir_chan_t *in) {
  weir_chan_t *out[2];
  int err = weir_pipe_tee(ctx, in, out);

  ck_assert_int_eq(!err, out[0] && out[1]);
  if (err) return NULL;
  tee_second = (sink_t){.take = take_piece};
  if (tee_has_no_second)
    weir_chan_unref(out[1]);
  else
    sink_start(&tee_second, out[1]);
  return out[0];
}

static inline void tee_abandon_second(void) {
  if (tee_second.ends == 0 && !tee_has_no_second) sink_stop(&tee_second);
}

static inline void tee_keep_second(void) {
  tee_has_no_second = false;
}

static inline void tee_drop_second(void) {
  tee_has_no_second = true;
}

static const pattern_t tee_both = {
    .build = tee_build, .copies = 2, .clear = tee_keep_second, .abandon = tee_abandon_second};
static const pattern_t tee_first_only = {
    .build = tee_build, .copies = 1, .is_ordered = true, .clear = tee_drop_second};

/* One is abandoned and the other is not. */
static const pattern_t tee_first_goes = {.build = tee_build, .copies = 2, .clear = tee_keep_second};

#endif
