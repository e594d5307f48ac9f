/* Description: fan_out: stages that share an input, and are fanned in. */
#include "support/pipe_trials.h"

static weir_chan_t *pass(weir_ctx_t *ctx, weir_chan_t *in, void *arg) {
  (void)arg;
  return weir_pipe_buffer(ctx, in, 1);
}

static weir_chan_t *build_out(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_fan_out(ctx, in, 3, pass, NULL);
}

static const pattern_t to_three = {.build = build_out};

START_TEST(values_come_then_the_inputs_end) {
  trial_end(&to_three);
}
END_TEST

START_TEST(silent_input_does_not_keep_the_loop_alive) {
  trial_silence(&to_three);
}
END_TEST

START_TEST(cancelled_at_any_place_it_ends_with_that) {
  trial_cancel(&to_three);
}
END_TEST

START_TEST(abandoned_at_any_place_it_leaves_nothing) {
  trial_abandon(&to_three);
}
END_TEST

START_TEST(loop_closed_at_any_place_leaves_nothing) {
  trial_close(&to_three);
}
END_TEST

START_TEST(born_cancelled_it_takes_nothing) {
  trial_born_cancelled(&to_three);
}
END_TEST

START_TEST(deadline_ends_it_with_etimedout) {
  trial_deadline(&to_three);
}
END_TEST

START_TEST(closed_output_ends_the_stage) {
  trial_closed_output(&to_three);
}
END_TEST

START_TEST(wrong_arguments_give_null_and_release_the_input) {
  trial_nulls(&to_three);
  trial_other_loop(&to_three);
  trial_closed_loop(&to_three);
}
END_TEST

START_TEST(want_of_memory_gives_null_and_releases_the_input) {
  trial_memory(&to_three);
}
END_TEST

/* the stages */

enum { STAGES = 4 };

/* How many stages there are, or how many values each has had. */
static struct {
  weir_ctx_t *ctx;
  weir_chan_t *in;
  int built, fails_at;
  int counts[STAGES];
} spread;

static int count(void *out, void *in, void *arg) {
  ++*(int *)arg;
  memcpy(out, in, sizeof(piece_t));
  return 0;
}

/* A stage that takes 10 ms for each value, and counts them. */
static weir_chan_t *slow_stage(weir_ctx_t *ctx, weir_chan_t *in, void *arg) {
  int *counts = arg, *counted = &counts[spread.built];

  ck_assert_ptr_eq(ctx, spread.ctx);
  ck_assert_ptr_eq(in, spread.in);
  *counted = 0;
  spread.built++;
  return weir_pipe_map(ctx, weir_pipe_sleep(ctx, in, 10), &piece_type, count, counted);
}

START_TEST(values_are_spread_over_the_stages) {
  sink_t sink = {.take = take_piece};
  weir_chan_t *out;
  uint64_t start;

  taken_reset();
  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  start = weir_now(loop);
  spread.ctx = bg;
  spread.in = pieces_up_to(5 * STAGES);
  spread.built = 0;
  out = weir_pipe_fan_out(bg, spread.in, STAGES, slow_stage, spread.counts);
  ck_assert_int_eq(spread.built, STAGES); /* inside the call */
  ck_brings(&sink, out, 5 * STAGES, UV_EOF);
  ck_taken_all(5 * STAGES, 1);
  for (int i = 0; i < STAGES; i++) ck_assert_int_eq(spread.counts[i], 5);
  ck_assert_uint_eq(sink.times[sink.count - 1] - start, 50);
  ck_nothing_left();
}
END_TEST

START_TEST(out_to_none_ends_at_once_and_releases_the_input) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  spread.built = 0;
  ck_brings(&sink, weir_pipe_fan_out(bg, pieces_up_to(3), 0, slow_stage, NULL), 0, UV_EOF);
  ck_assert_int_eq(spread.built, 0);
  ck_assert_int_eq(pieces.dropped, 3);
  ck_nothing_left();
}
END_TEST

START_TEST(out_to_one_keeps_the_order) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  ck_brings(&sink, weir_pipe_fan_out(bg, pieces_up_to(20), 1, pass, NULL), 20, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
}
END_TEST

static weir_chan_t *failing_stage(weir_ctx_t *ctx, weir_chan_t *in, void *arg) {
  (void)arg;
  if (spread.built++ != spread.fails_at) return weir_pipe_buffer(ctx, in, 1);
  weir_chan_unref(in);
  return NULL;
}

START_TEST(stage_that_cannot_be_built_gives_null_and_releases_all) {
  for (int at = 0; at < STAGES; at++) {
    taken_reset();
    spread.built = 0;
    spread.fails_at = at;
    ck_assert_ptr_null(weir_pipe_fan_out(bg, pieces_up_to(9), STAGES, failing_stage, NULL));
    ck_assert_int_eq(spread.built, at + 1);
    ck_nothing_left();
    ck_pieces_ended();
  }
}
END_TEST

/* Stages whose outputs do not fit together. */
static weir_chan_t *odd_stage(weir_ctx_t *ctx, weir_chan_t *in, void *arg) {
  (void)arg;
  return spread.built++ == 0 ? weir_pipe_buffer(ctx, in, 1) : weir_pipe_batch(ctx, in, 2, 0);
}

START_TEST(stages_of_different_sizes_give_null_and_release_all) {
  weir_chan_t *in;

  taken_reset();
  spread.built = 0;
  in = weir_chan_new(loop, WEIR_TYPE(char), 1);
  ck_assert_ptr_null(weir_pipe_fan_out(bg, in, 2, odd_stage, NULL));
  ck_assert_int_eq(spread.built, 2);
  ck_nothing_left();
}
END_TEST

static weir_chan_t *short_stage(weir_ctx_t *ctx, weir_chan_t *in, void *arg) {
  (void)arg;
  return weir_pipe_take(ctx, in, 2);
}

/* The input stays open, and has more values. */
START_TEST(stages_that_all_end_end_it_and_release_the_input) {
  feeder_t feeder = {.n = 100};
  sink_t sink = {.take = take_piece};

  taken_reset();
  ck_brings(&sink, weir_pipe_fan_out(bg, feeder_start(&feeder), 3, short_stage, NULL), 6, UV_EOF);
  ck_assert(feeder.is_over);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

START_TEST(more_wrong_arguments_give_null_and_release_the_input) {
  taken_reset();
  ck_assert_ptr_null(weir_pipe_fan_out(bg, pieces_up_to(2), 3, NULL, NULL));
  ck_assert_ptr_null(weir_pipe_fan_out(NULL, pieces_up_to(2), 3, pass, NULL));
  ck_assert_ptr_null(weir_pipe_fan_out(bg, NULL, 3, pass, NULL));
  ck_assert_ptr_null(weir_pipe_fan_out(bg, NULL, 0, pass, NULL));
  ck_assert_ptr_null(weir_pipe_fan_out(NULL, pieces_up_to(2), 0, pass, NULL));
  ck_assert_int_eq(pieces.dropped, 6);
  ck_nothing_left();
}
END_TEST

static const support_test_t tests[] = {
    T(values_come_then_the_inputs_end),
    T(silent_input_does_not_keep_the_loop_alive),
    T(cancelled_at_any_place_it_ends_with_that),
    T(abandoned_at_any_place_it_leaves_nothing),
    T(loop_closed_at_any_place_leaves_nothing),
    T(born_cancelled_it_takes_nothing),
    T(deadline_ends_it_with_etimedout),
    T(closed_output_ends_the_stage),
    T(wrong_arguments_give_null_and_release_the_input),
    T(want_of_memory_gives_null_and_releases_the_input),
    T(values_are_spread_over_the_stages),
    T(out_to_none_ends_at_once_and_releases_the_input),
    T(out_to_one_keeps_the_order),
    T(stage_that_cannot_be_built_gives_null_and_releases_all),
    T(stages_of_different_sizes_give_null_and_release_all),
    T(stages_that_all_end_end_it_and_release_the_input),
    T(more_wrong_arguments_give_null_and_release_the_input),
};

SUITE_MAIN("pipe_fan_out", tests)
