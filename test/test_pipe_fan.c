/* Description: fan_in: the values of many inputs as they come, and which end is the end. */
#include "support/pipe_trials.h"
#include "support/shared.h"

enum { MANY = 1000 };

static weir_chan_t *fan_in(weir_ctx_t *ctx, weir_chan_t **chans, size_t n) {
  return weir_pipe_fan_in(ctx, chans, n);
}

/* patterns: of the one input, and of three that share it */

static weir_chan_t *build_one(weir_ctx_t *ctx, weir_chan_t *in) {
  return fan_in(ctx, &in, 1);
}

static weir_chan_t *build_three(weir_ctx_t *ctx, weir_chan_t *in) {
  weir_chan_t *chans[3] = {in, weir_chan_ref(in), weir_chan_ref(in)};

  return fan_in(ctx, chans, 3);
}

static const pattern_t one = {.build = build_one, .is_ordered = true};
static const pattern_t three = {.build = build_three};
static const pattern_t *const patterns[] = {&one, &three};

#define EACH_PATTERN(trial)                                                                        \
  for (int i_ = 0; i_ < 2; i_++) trial(patterns[i_])

START_TEST(values_come_then_the_inputs_end) {
  EACH_PATTERN(trial_end);
}
END_TEST

START_TEST(silent_input_does_not_keep_the_loop_alive) {
  EACH_PATTERN(trial_silence);
}
END_TEST

START_TEST(cancelled_at_any_place_it_ends_with_that) {
  EACH_PATTERN(trial_cancel);
}
END_TEST

START_TEST(abandoned_at_any_place_it_leaves_nothing) {
  EACH_PATTERN(trial_abandon);
}
END_TEST

START_TEST(loop_closed_at_any_place_leaves_nothing) {
  EACH_PATTERN(trial_close);
}
END_TEST

START_TEST(born_cancelled_it_takes_nothing) {
  EACH_PATTERN(trial_born_cancelled);
}
END_TEST

START_TEST(deadline_ends_it_with_etimedout) {
  EACH_PATTERN(trial_deadline);
}
END_TEST

START_TEST(closed_output_ends_the_stage) {
  EACH_PATTERN(trial_closed_output);
}
END_TEST

START_TEST(wrong_arguments_give_null_and_release_the_input) {
  EACH_PATTERN(trial_nulls);
  EACH_PATTERN(trial_other_loop);
  EACH_PATTERN(trial_closed_loop);
}
END_TEST

START_TEST(want_of_memory_gives_null_and_releases_the_input) {
  EACH_PATTERN(trial_memory);
}
END_TEST

/* many inputs */

static weir_chan_t *held[MANY], *given[MANY];

/* Each holds the values that are equal to its number modulo n. */
static void make_inputs(int n, int values) {
  for (int i = 0; i < n; i++) given[i] = new_pieces((size_t)values);
  for (int i = 0; i < n * values; i++) put_piece(given[i % n], i);
}

static void close_inputs(int n) {
  for (int i = 0; i < n; i++) weir_chan_close(given[i]);
}

static void ck_order_of_each(const sink_t *sink, int n) {
  int next[MANY];

  for (int i = 0; i < n; i++) next[i] = i;
  for (int i = 0; i < sink->count; i++) {
    ck_assert_int_eq(sink->values[i], next[sink->values[i] % n]);
    next[sink->values[i] % n] += n;
  }
}

START_TEST(order_of_each_input_is_kept) {
  for (int n = 1; n <= 7; n++) {
    sink_t sink = {.take = take_piece};

    taken_reset();
    make_inputs(n, 20);
    close_inputs(n);
    ck_brings(&sink, fan_in(bg, given, (size_t)n), n * 20, UV_EOF);
    ck_taken_all(n * 20, 1);
    ck_order_of_each(&sink, n);
    ck_nothing_left();
  }
}
END_TEST

START_TEST(thousand_inputs_come_whole) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  make_inputs(MANY, 1);
  close_inputs(MANY);
  ck_brings(&sink, fan_in(bg, given, MANY), MANY, UV_EOF);
  ck_taken_all(MANY, 1);
  ck_nothing_left();
}
END_TEST

START_TEST(thousand_inputs_are_let_go_of_when_it_is_abandoned) {
  sink_t sink = {.take = take_piece, .at = 300, .then = sink_stop};

  taken_reset();
  make_inputs(MANY, 2);
  sink_start(&sink, fan_in(bg, given, MANY));
  ck_nothing_left();
  ck_assert_int_eq(pieces.received, 300);
  ck_pieces_ended();
}
END_TEST

START_TEST(of_none_ends_at_once) {
  sink_t sinks[2] = {{.count = 0}, {.count = 0}};

  ck_brings(&sinks[0], fan_in(bg, NULL, 0), 0, UV_EOF);
  ck_brings(&sinks[1], fan_in(bg, given, 0), 0, UV_EOF);
  ck_assert_ptr_null(fan_in(NULL, NULL, 0));
  ck_nothing_left();
}
END_TEST

START_TEST(one_in_hand_of_each_input) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  make_inputs(5, 4);
  for (int i = 0; i < 5; i++) held[i] = weir_chan_ref(given[i]);
  sink_start(&sink, fan_in(bg, given, 5));
  sink_pause(&sink);
  weir_run(loop);
  for (int i = 0; i < 5; i++) {
    ck_assert_uint_ge(weir_chan_len(held[i]), 2); /* one of them may be with the sink */
    ck_assert_uint_le(weir_chan_len(held[i]), 3);
    weir_chan_close(held[i]);
    weir_chan_unref(held[i]);
  }
  weir_range_resume(&sink.range);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 20, UV_EOF);
  ck_order_of_each(&sink, 5);
  ck_nothing_left();
}
END_TEST

START_TEST(silent_input_does_not_hold_up_the_others) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  make_inputs(2, 20);
  given[2] = new_pieces(1);
  held[2] = weir_chan_ref(given[2]);
  close_inputs(2);
  sink_start(&sink, fan_in(bg, given, 3));
  ck_assert_uint_gt(weir_run(loop), 0);
  ck_sunk(&sink, 40);
  put_piece(held[2], 40);
  weir_chan_close(held[2]);
  weir_chan_unref(held[2]);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 41, UV_EOF);
  ck_nothing_left();
}
END_TEST

START_TEST(shared_and_local_inputs_mix) {
  weir_chan_t *chans[3] = {shared_ints(2), new_ints(2), shared_ints(2)};
  sink_t sink = {.count = 0};
  int sum = 0;

  for (int i = 0; i < 6; i++) put(chans[i % 3], i);
  for (int i = 0; i < 3; i++) weir_chan_close(chans[i]);
  ck_brings(&sink, fan_in(bg, chans, 3), 6, UV_EOF);
  for (int i = 0; i < 6; i++) sum += sink.values[i];
  ck_assert_int_eq(sum, 15);
  ck_nothing_left();
}
END_TEST

static void send_three(void *arg) {
  for (int i = 0; i < 3; i++) weir_chan_send_blocking(arg, &i, UINT64_MAX);
  weir_chan_close(arg);
  weir_chan_unref(arg);
}

START_TEST(values_come_from_threads) {
  enum { THREADS = 4 };
  uv_thread_t threads[THREADS];
  sink_t sink = {.count = 0};
  int next[THREADS] = {0}, sum = 0;

  for (int i = 0; i < THREADS; i++) {
    given[i] = shared_ints(0);
    held[i] = weir_chan_ref(given[i]);
  }
  sink_start(&sink, fan_in(bg, given, THREADS));
  for (int i = 0; i < THREADS; i++) uv_thread_create(&threads[i], send_three, held[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < THREADS; i++) uv_thread_join(&threads[i]);
  ck_sink_ended(&sink, 3 * THREADS, UV_EOF);
  for (int i = 0; i < sink.count; i++) next[sink.values[i]]++;
  for (int i = 0; i < 3; i++) sum += next[i] == THREADS;
  ck_assert_int_eq(sum, 3);
  ck_nothing_left();
}
END_TEST

START_TEST(same_channel_may_stand_in_it_twice) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  given[0] = pieces_up_to(9);
  given[1] = weir_chan_ref(given[0]);
  ck_brings(&sink, fan_in(bg, given, 2), 9, UV_EOF);
  ck_taken_all(9, 1);
  ck_nothing_left();
}
END_TEST

START_TEST(array_is_copied) {
  sink_t sink = {.take = take_piece};
  weir_chan_t *out;

  taken_reset();
  make_inputs(4, 3);
  close_inputs(4);
  out = fan_in(bg, given, 4);
  memset(given, 0, sizeof(given));
  ck_brings(&sink, out, 12, UV_EOF);
  ck_nothing_left();
}
END_TEST

START_TEST(output_has_the_type_of_the_first_input) {
  weir_chan_t *chans[2] = {pieces_up_to(0), weir_chan_new(loop, WEIR_TYPE(piece_t), 0)};
  weir_chan_t *out = fan_in(bg, chans, 2);
  const weir_type_t *type = weir_chan_type(out);

  ck_assert_uint_eq(type->size, sizeof(piece_t));
  ck_assert_ptr_eq(type->drop, piece_type.drop);
  ck_assert_ptr_eq(type->copy, piece_type.copy);
  ck_assert_str_eq(type->name, piece_type.name);
  weir_chan_unref(out);
  ck_nothing_left();
}
END_TEST

START_TEST(signals_are_fanned_in) {
  weir_chan_t *chans[2] = {signals_up_to(3), signals_up_to(4)};
  sink_t sink = {.count = 0};

  ck_brings(&sink, fan_in(bg, chans, 2), 7, UV_EOF);
  ck_nothing_left();
}
END_TEST

/* which end */

/* Inputs that end with these, one after the other; the one in the middle brings values. */
static void run_ends(const int *statuses, int wanted) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  for (int i = 0; i < 4; i++) {
    given[i] = new_pieces(8);
    held[i] = weir_chan_ref(given[i]);
  }
  sink_start(&sink, fan_in(bg, given, 4));
  for (int i = 0; i < 4; i++) {
    ck_assert_uint_gt(weir_run(loop), 0);
    ck_sunk(&sink, 2 * i);
    put_piece(held[i], i);
    put_piece(held[3], i);
    weir_chan_close_with(held[i], statuses[i]);
    weir_chan_unref(held[i]);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 8, wanted);
  ck_nothing_left();
}

START_TEST(first_failure_is_the_end_after_the_others_have_ended) {
  run_ends((const int[]){UV_EOF, UV_EOF, UV_EOF, UV_EOF}, UV_EOF);
  run_ends((const int[]){UV_ECONNRESET, UV_EOF, UV_EOF, UV_EOF}, UV_ECONNRESET);
  run_ends((const int[]){UV_EOF, UV_EOF, UV_EOF, UV_EPIPE}, UV_EPIPE);
  run_ends((const int[]){UV_EOF, UV_ECONNRESET, UV_EIO, UV_EOF}, UV_ECONNRESET);
  run_ends((const int[]){UV_EIO, UV_ECANCELED, UV_ECONNRESET, UV_ENOMEM}, UV_EIO);
  run_ends((const int[]){UV_ECANCELED, UV_EOF, UV_EOF, UV_EIO}, UV_ECANCELED);
}
END_TEST

START_TEST(cancelled_after_a_failure_it_ends_with_the_cancellation) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *chans[2] = {new_pieces(0), new_pieces(0)};
  weir_chan_t *failing = weir_chan_ref(chans[0]);
  sink_t sink = {.take = take_piece};

  sink_start(&sink, fan_in(ctx, chans, 2));
  weir_chan_close_with(failing, UV_EIO);
  weir_chan_unref(failing);
  weir_run(loop);
  ck_sunk(&sink, 0);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_sink_ended(&sink, 0, UV_ECANCELED);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

/* A value of the one finds the output closed; the other one is silent. */
START_TEST(closed_output_releases_silent_inputs_too) {
  feeder_t feeders[2] = {{.n = 1}, {.n = 0}};
  weir_chan_t *out;

  taken_reset();
  for (int i = 0; i < 2; i++) given[i] = feeder_start(&feeders[i]);
  out = fan_in(bg, given, 2);
  weir_chan_close(out);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 2; i++) ck_assert(feeders[i].is_over);
  weir_chan_unref(out);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

/* refusals, each of which lets go of all channels */

static void ck_fan_in_refuses(weir_ctx_t *ctx, size_t n) {
  int alive = pieces.made - pieces.dropped;

  ck_assert_ptr_null(fan_in(ctx, given, n));
  ck_assert_int_gt(alive, 0);
  ck_pieces_ended();
}

START_TEST(null_among_the_inputs_gives_null_and_releases_the_others) {
  taken_reset();
  for (int missing = 0; missing < 4; missing++) {
    make_inputs(4, 1);
    weir_chan_unref(given[missing]);
    given[missing] = NULL;
    ck_fan_in_refuses(bg, 4);
  }
  ck_assert_ptr_null(fan_in(bg, NULL, 4));
  ck_nothing_left();
}
END_TEST

START_TEST(inputs_of_different_sizes_give_null_and_are_released) {
  taken_reset();
  for (int other = 0; other < 3; other++) {
    make_inputs(3, 1);
    weir_chan_unref(given[other]);
    given[other] = other == 2 ? signals_up_to(1) : new_ints(1);
    ck_fan_in_refuses(bg, 3);
  }
  ck_nothing_left();
}
END_TEST

START_TEST(null_context_and_other_loops_inputs_give_null_and_release_all) {
  own_t own;

  taken_reset();
  own_open(&own);
  make_inputs(3, 1);
  ck_fan_in_refuses(NULL, 3);
  make_inputs(3, 1);
  weir_chan_unref(given[1]);
  given[1] = weir_chan_new(own.loop, &piece_type, 1);
  put_piece(given[1], 0);
  ck_fan_in_refuses(bg, 3);
  own_close(&own);
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
    T(order_of_each_input_is_kept),
    T(thousand_inputs_come_whole),
    T(thousand_inputs_are_let_go_of_when_it_is_abandoned),
    T(of_none_ends_at_once),
    T(one_in_hand_of_each_input),
    T(silent_input_does_not_hold_up_the_others),
    T(shared_and_local_inputs_mix),
    T(values_come_from_threads),
    T(same_channel_may_stand_in_it_twice),
    T(array_is_copied),
    T(output_has_the_type_of_the_first_input),
    T(signals_are_fanned_in),
    T(first_failure_is_the_end_after_the_others_have_ended),
    T(cancelled_after_a_failure_it_ends_with_the_cancellation),
    T(closed_output_releases_silent_inputs_too),
    T(null_among_the_inputs_gives_null_and_releases_the_others),
    T(inputs_of_different_sizes_give_null_and_are_released),
    T(null_context_and_other_loops_inputs_give_null_and_release_all),
};

SUITE_MAIN("pipe_fan", tests)
