/* Description: tee: each value to both outputs, in order, at the pace of the slower; refusals. */
#include "support/tees.h"

START_TEST(values_come_to_both_then_the_inputs_end) {
  trial_end(&tee_both);
}
END_TEST

START_TEST(values_come_to_one_whose_twin_is_dropped) {
  trial_end(&tee_first_only);
}
END_TEST

START_TEST(silent_input_does_not_keep_the_loop_alive) {
  trial_silence(&tee_both);
  trial_silence(&tee_first_only);
}
END_TEST

START_TEST(cancelled_at_any_place_it_ends_with_that) {
  trial_cancel(&tee_both);
  trial_cancel(&tee_first_only);
}
END_TEST

START_TEST(abandoned_at_any_place_it_leaves_nothing) {
  trial_abandon(&tee_both);
  trial_abandon(&tee_first_only);
}
END_TEST

START_TEST(loop_closed_at_any_place_leaves_nothing) {
  trial_close(&tee_both);
  trial_close(&tee_first_only);
}
END_TEST

START_TEST(born_cancelled_it_takes_nothing) {
  trial_born_cancelled(&tee_both);
  ck_assert_int_eq(tee_second.ends, 1);
  ck_assert_int_eq(tee_second.status, UV_ECANCELED);
  trial_born_cancelled(&tee_first_only);
}
END_TEST

START_TEST(deadline_ends_it_with_etimedout) {
  trial_deadline(&tee_both);
  ck_assert_int_eq(tee_second.ends, 1);
  ck_assert_int_eq(tee_second.status, UV_ETIMEDOUT);
}
END_TEST

START_TEST(closed_output_ends_the_stage) {
  trial_closed_output(&tee_first_only);
}
END_TEST

/* what comes */

START_TEST(order_is_kept_on_both_and_one_of_each_is_a_copy) {
  taken_reset();
  tee_start(bg, pieces_up_to(100), take_piece);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_both_ended(100, UV_EOF);
  for (int i = 0; i < 2; i++) ck_sink_counts(&sinks[i], 0, 1);
  ck_assert_int_eq(pieces.copied, 100);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

START_TEST(inputs_failure_comes_to_both) {
  weir_chan_t *in = new_ints(3);

  for (int i = 0; i < 3; i++) put(in, i);
  weir_chan_close_with(in, UV_ECONNRESET);
  tee_start(bg, in, NULL);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_both_ended(3, UV_ECONNRESET);
  ck_nothing_left();
}
END_TEST

START_TEST(signals_are_teed) {
  tee_start(bg, signals_up_to(5), NULL);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_both_ended(5, UV_EOF);
  ck_nothing_left();
}
END_TEST

typedef struct large_s {
  unsigned char bytes[333];
} large_t;

static int large_seen;

static void ck_large(void *value) {
  ck_assert(bytes_are(value, sizeof(large_t), large_seen++ / 2));
}

START_TEST(plain_values_of_any_size_come_whole) {
  weir_chan_t *in = weir_chan_new(loop, WEIR_TYPE(large_t), 4);
  large_t large;

  for (int i = 0; i < 4; i++) {
    bytes_fill(&large, sizeof(large), i);
    weir_chan_try_send(in, &large);
  }
  weir_chan_close(in);
  large_seen = 0;
  tee_start(bg, in, ck_large);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_both_ended(4, UV_EOF);
  ck_nothing_left();
}
END_TEST

START_TEST(tee_of_a_tee_brings_each_value_three_times) {
  weir_chan_t *outer[2], *inner[2];
  sink_t three[3];

  taken_reset();
  ck_assert_int_eq(weir_pipe_tee(bg, pieces_up_to(9), outer), 0);
  ck_assert_int_eq(weir_pipe_tee(bg, outer[1], inner), 0);
  for (int i = 0; i < 3; i++) three[i] = (sink_t){.take = take_piece};
  sink_start(&three[0], outer[0]);
  sink_start(&three[1], inner[0]);
  sink_start(&three[2], inner[1]);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 3; i++) {
    ck_sink_ended(&three[i], 9, UV_EOF);
    ck_sink_counts(&three[i], 0, 1);
  }
  ck_taken_all(9, 3);
  ck_nothing_left();
}
END_TEST

START_TEST(outputs_may_be_fanned_in_again) {
  weir_chan_t *out[2];
  sink_t sink = {.take = take_piece};

  taken_reset();
  ck_assert_int_eq(weir_pipe_tee(bg, pieces_up_to(9), out), 0);
  ck_brings(&sink, weir_pipe_fan_in(bg, out, 2), 18, UV_EOF);
  ck_taken_all(9, 2);
  ck_nothing_left();
}
END_TEST

/* pace */

START_TEST(slower_output_sets_the_pace) {
  for (int slow = 0; slow < 2; slow++) {
    feeder_t feeder = {.n = 9, .status = UV_EOF};

    taken_reset();
    tee_start(bg, feeder_start(&feeder), take_piece);
    sinks[slow].at = 2;
    sinks[slow].then = sink_pause;
    weir_run(loop);
    ck_sunk(&sinks[slow], 2);
    ck_sunk(&sinks[!slow], 3);
    ck_assert_int_eq(feeder.next, 4); /* the third is in hand, the fourth at the feeder */
    weir_range_resume(&sinks[slow].range);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_both_ended(9, UV_EOF);
    ck_taken_all(9, 2);
    ck_nothing_left();
    ck_pieces_ended();
  }
}
END_TEST

/* refusals: each lets go of the input */

static void ck_tee_refuses(weir_ctx_t *ctx, weir_chan_t *in, int wanted) {
  weir_chan_t *out[2] = {weir_ctx_done(bg), weir_ctx_done(bg)};

  ck_assert_int_eq(weir_pipe_tee(ctx, in, out), wanted);
  ck_assert_ptr_null(out[0]);
  ck_assert_ptr_null(out[1]);
  ck_pieces_ended();
}

START_TEST(wrong_arguments_give_einval) {
  own_t own;

  taken_reset();
  own_open(&own);
  ck_tee_refuses(bg, NULL, UV_EINVAL);
  ck_tee_refuses(NULL, pieces_up_to(3), UV_EINVAL);
  ck_tee_refuses(own.bg, pieces_up_to(3), UV_EINVAL);
  ck_assert_int_eq(weir_pipe_tee(bg, pieces_up_to(3), NULL), UV_EINVAL);
  ck_pieces_ended();
  own_close(&own);
}
END_TEST

START_TEST(type_with_a_drop_and_no_copy_gives_einval) {
  weir_chan_t *in = new_owned(2);

  put(in, 1);
  put(in, 2);
  ck_tee_refuses(bg, in, UV_EINVAL);
  ck_assert_int_eq(owned_drops, 2);
}
END_TEST

START_TEST(channels_of_channels_are_teed_or_refused) {
  bool is_copyable = WEIR_TYPE_CHAN->copy || !WEIR_TYPE_CHAN->drop;
  weir_chan_t *in = weir_chan_new(loop, WEIR_TYPE_CHAN, 1), *value = new_ints(0), *out[2];
  int err;

  weir_chan_try_send(in, &value);
  weir_chan_close(in);
  err = weir_pipe_tee(bg, in, out);
  ck_assert_int_eq(err, is_copyable ? 0 : UV_EINVAL);
  for (int i = 0; i < 2; i++) weir_chan_unref(out[i]);
  ck_nothing_left();
}
END_TEST

START_TEST(closed_loop_gives_ecanceled) {
  own_t own;
  weir_ctx_t *ctx;
  weir_chan_t *in;

  taken_reset();
  own_open(&own);
  ctx = weir_ctx_with_cancel(own.bg);
  own_close(&own);
  in = weir_chan_new_shared(&piece_type, 1);
  put_piece(in, 0);
  ck_tee_refuses(ctx, in, UV_ECANCELED);
  weir_ctx_unref(ctx);
}
END_TEST

static weir_chan_t *memory_input;

/* The outcome with that allocation failing; the input is held besides. */
static int tee_with_failure(void (*limit)(size_t), size_t allocation) {
  weir_chan_t *out[2];
  int err;

  limit(allocation);
  err = weir_pipe_tee(bg, weir_chan_ref(memory_input), out);
  support_fail_after(SIZE_MAX);
  ck_assert_int_eq(err == 0, out[0] && out[1]);
  ck_assert_int_eq(err != 0, !out[0] && !out[1]);
  for (int i = 0; i < 2; i++) weir_chan_unref(out[i]);
  ck_nothing_left();
  return err;
}

START_TEST(want_of_memory_gives_enomem_and_releases_the_input) {
  static void (*const limits[])(size_t) = {support_fail_only, support_fail_after};

  for (int i = 0; i < 2; i++) {
    size_t outstanding = support_outstanding(), allocation = 0;
    int err;

    memory_input = weir_chan_new_shared(&piece_type, 0);
    while ((err = tee_with_failure(limits[i], allocation++))) ck_assert_int_eq(err, UV_ENOMEM);
    ck_assert_uint_gt(allocation, 4);
    weir_chan_unref(memory_input);
    ck_assert_uint_eq(support_outstanding(), outstanding);
  }
}
END_TEST

static const support_test_t tests[] = {
    T(values_come_to_both_then_the_inputs_end),
    T(values_come_to_one_whose_twin_is_dropped),
    T(silent_input_does_not_keep_the_loop_alive),
    T(cancelled_at_any_place_it_ends_with_that),
    T(abandoned_at_any_place_it_leaves_nothing),
    T(loop_closed_at_any_place_leaves_nothing),
    T(born_cancelled_it_takes_nothing),
    T(deadline_ends_it_with_etimedout),
    T(closed_output_ends_the_stage),
    T(order_is_kept_on_both_and_one_of_each_is_a_copy),
    T(inputs_failure_comes_to_both),
    T(signals_are_teed),
    T(plain_values_of_any_size_come_whole),
    T(tee_of_a_tee_brings_each_value_three_times),
    T(outputs_may_be_fanned_in_again),
    T(slower_output_sets_the_pace),
    T(wrong_arguments_give_einval),
    T(type_with_a_drop_and_no_copy_gives_einval),
    T(channels_of_channels_are_teed_or_refused),
    T(closed_loop_gives_ecanceled),
    T(want_of_memory_gives_enomem_and_releases_the_input),
};

SUITE_MAIN("pipe_tee", tests)
