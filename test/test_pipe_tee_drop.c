/* Description: tee: an output that is dropped, both, and copies that fail. */
#include "support/tees.h"

/* dropping one */

static void ck_other_goes_on(int dropped, int n) {
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sinks[!dropped], n, UV_EOF);
  ck_sink_counts(&sinks[!dropped], 0, 1);
  ck_nothing_left();
  ck_pieces_ended();
}

START_TEST(one_dropped_before_the_first_value_is_left_out) {
  for (int dropped = 0; dropped < 2; dropped++) {
    taken_reset();
    tee_start(bg, pieces_up_to(9), take_piece);
    sink_stop(&sinks[dropped]);
    ck_other_goes_on(dropped, 9);
    ck_assert_int_le(pieces.copied, 1); /* of what was in hand */
    ck_assert_int_eq(pieces.received, 9);
  }
}
END_TEST

START_TEST(one_dropped_while_the_input_is_silent_is_left_out) {
  for (int dropped = 0; dropped < 2; dropped++) {
    weir_chan_t *in = new_pieces(9);

    taken_reset();
    tee_start(bg, weir_chan_ref(in), take_piece);
    ck_assert_uint_gt(weir_run(loop), 0);
    sink_stop(&sinks[dropped]);
    ck_assert_uint_gt(weir_run(loop), 0);
    for (int i = 0; i < 9; i++) put_piece(in, i);
    weir_chan_close(in);
    weir_chan_unref(in);
    ck_other_goes_on(dropped, 9);
    ck_assert_int_eq(pieces.copied, 0);
    ck_assert_int_eq(pieces.dropped, 0);
  }
}
END_TEST

START_TEST(one_dropped_while_a_value_is_being_sent_drops_that) {
  for (int dropped = 0; dropped < 2; dropped++) {
    taken_reset();
    tee_start(bg, pieces_up_to(9), take_piece);
    sinks[dropped].at = 2;
    sinks[dropped].then = sink_pause;
    weir_run(loop);
    ck_sunk(&sinks[!dropped], 3);
    sink_stop(&sinks[dropped]);
    ck_other_goes_on(dropped, 9);
    ck_assert_int_eq(pieces.copied, 3);
    ck_assert_int_eq(pieces.dropped, 1);
    ck_assert_int_eq(pieces.dropped_number[2], 1);
    ck_assert_int_eq(pieces.received, 2 + 9);
  }
}
END_TEST

/* Both have a value waiting for them, and only one is taken. */
START_TEST(one_dropped_while_both_wait_leaves_the_others_value) {
  for (int dropped = 0; dropped < 2; dropped++) {
    taken_reset();
    tee_start(bg, pieces_up_to(9), take_piece);
    for (int i = 0; i < 2; i++) {
      sinks[i].at = 4;
      sinks[i].then = sink_pause;
    }
    weir_run(loop);
    for (int i = 0; i < 2; i++) ck_sunk(&sinks[i], 4);
    sink_stop(&sinks[dropped]);
    ck_assert_uint_gt(weir_run(loop), 0);
    ck_assert_int_eq(pieces.dropped_number[4], 1);
    weir_range_resume(&sinks[!dropped].range);
    ck_other_goes_on(dropped, 9);
    ck_assert_int_eq(pieces.received, 4 + 9);
  }
}
END_TEST

START_TEST(one_dropped_in_its_own_callback_is_left_out) {
  for (int dropped = 0; dropped < 2; dropped++)
    for (int at = 1; at <= 9; at++) {
      taken_reset();
      tee_start(bg, pieces_up_to(9), take_piece);
      sinks[dropped].at = at;
      sinks[dropped].then = sink_stop;
      ck_other_goes_on(dropped, 9);
      ck_assert_int_eq(sinks[dropped].count, at);
    }
}
END_TEST

/* dropping both */

/* The feeder ends when the tee lets go of its input. */
static void ck_both_dropped(const feeder_t *feeder) {
  ck_nothing_left();
  ck_assert(feeder->is_over);
  ck_pieces_ended();
}

START_TEST(both_dropped_before_the_first_value_release_the_input) {
  feeder_t feeder = {.n = 9};

  taken_reset();
  tee_start(bg, feeder_start(&feeder), take_piece);
  for (int i = 0; i < 2; i++) sink_stop(&sinks[i]);
  ck_both_dropped(&feeder);
}
END_TEST

START_TEST(both_dropped_one_after_the_other_release_the_input) {
  for (int first = 0; first < 2; first++)
    for (int n = 0; n <= 3; n++) {
      feeder_t feeder = {.n = n};

      taken_reset();
      tee_start(bg, feeder_start(&feeder), take_piece);
      weir_run(loop);
      ck_assert_int_eq(taken.count, 2 * n);
      sink_stop(&sinks[first]);
      weir_run(loop);
      ck_assert(!feeder.is_over);
      sink_stop(&sinks[!first]);
      ck_both_dropped(&feeder);
    }
}
END_TEST

/* The third value is being sent to `slow`, or to both. */
static void drop_while_sending(feeder_t *feeder, int slow) {
  taken_reset();
  tee_start(bg, feeder_start(feeder), take_piece);
  for (int i = 0; i < 2; i++) {
    sinks[i].at = 2;
    if (slow == i || slow == 2) sinks[i].then = sink_pause;
  }
  weir_run(loop);
  for (int i = 0; i < 2; i++) sink_stop(&sinks[i]);
  ck_both_dropped(feeder);
  ck_assert_int_eq(pieces.dropped_number[2], slow == 2 ? 2 : 1);
}

START_TEST(both_dropped_while_a_value_is_being_sent_drop_both) {
  for (int slow = 0; slow <= 2; slow++) {
    feeder_t last = {.n = 3}, more = {.n = 9}; /* its last one, or there are others */

    drop_while_sending(&last, slow);
    drop_while_sending(&more, slow);
  }
}
END_TEST

START_TEST(both_dropped_in_one_callback_release_the_input) {
  for (int at = 1; at < 5; at++) {
    stream_t stream;

    stream_init(&stream, &tee_both);
    stream.sink.at = at;
    stream.sink.then = sink_stop;
    stream_start(&stream);
    tee_second.at = at;
    tee_second.then = sink_stop;
    stream_finish(&stream);
    ck_assert_int_eq(taken.count, 2 * at);
  }
}
END_TEST

/* One goes and the other stays: at each turn. */
START_TEST(one_abandoned_at_any_place_leaves_the_other_all_values) {
  for (int turns = 0; turns < 60; turns++) {
    trial_cut_at(&tee_first_goes, turns, cut_by_abandon);
    ck_sink_ended(&tee_second, 7, UV_EOF);
    ck_sink_counts(&tee_second, 0, 1);
  }
}
END_TEST

/* copies that fail */

START_TEST(copy_that_fails_ends_both_with_its_code) {
  static const int errors[] = {UV_ENOMEM, UV_EIO};

  for (int i = 0; i < 2; i++)
    for (int granted = 0; granted < 4; granted++) {
      feeder_t feeder = {.n = 9};

      taken_reset();
      pieces_fail_copies_after(granted, errors[i]);
      tee_start(bg, feeder_start(&feeder), take_piece);
      ck_assert_uint_eq(weir_run(loop), 0);
      ck_both_ended(granted, errors[i]);
      ck_assert_int_eq(pieces.dropped_number[granted], 1);
      ck_both_dropped(&feeder);
    }
}
END_TEST

/* The output is dropped, and then, at once or when the tee knows, values come. */
static void run_without_second(bool is_at_once) {
  weir_chan_t *in = new_pieces(5);

  taken_reset();
  pieces_fail_copies_after(0, UV_EIO);
  tee_start(bg, weir_chan_ref(in), take_piece);
  weir_run(loop);
  sink_stop(&sinks[1]);
  if (!is_at_once) weir_run(loop);
  for (int i = 0; i < 5; i++) put_piece(in, i);
  weir_chan_close(in);
  weir_chan_unref(in);
  weir_run(loop);
  ck_sink_ended(&sinks[0], 5, UV_EOF);
  ck_nothing_left();
  ck_pieces_ended();
}

START_TEST(no_copy_is_made_for_a_dropped_output) {
  run_without_second(false);
}
END_TEST

START_TEST(no_copy_is_made_for_an_output_that_has_just_been_dropped) {
  run_without_second(true);
}
END_TEST

/* A value has come, and the tee has not yet seen it. */
START_TEST(no_copy_is_made_for_an_output_that_was_dropped_when_the_value_had_come) {
  taken_reset();
  pieces_fail_copies_after(0, UV_EIO);
  tee_start(bg, pieces_up_to(5), take_piece);
  sink_stop(&sinks[1]);
  weir_run(loop);
  ck_sink_ended(&sinks[0], 5, UV_EOF);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

static const support_test_t tests[] = {
    T(one_dropped_before_the_first_value_is_left_out),
    T(one_dropped_while_the_input_is_silent_is_left_out),
    T(one_dropped_while_a_value_is_being_sent_drops_that),
    T(one_dropped_while_both_wait_leaves_the_others_value),
    T(one_dropped_in_its_own_callback_is_left_out),
    T(both_dropped_before_the_first_value_release_the_input),
    T(both_dropped_one_after_the_other_release_the_input),
    T(both_dropped_while_a_value_is_being_sent_drop_both),
    T(both_dropped_in_one_callback_release_the_input),
    T(one_abandoned_at_any_place_leaves_the_other_all_values),
    T(copy_that_fails_ends_both_with_its_code),
    T(no_copy_is_made_for_a_dropped_output),
    T(no_copy_is_made_for_an_output_that_has_just_been_dropped),
    T(no_copy_is_made_for_an_output_that_was_dropped_when_the_value_had_come),
};

SUITE_MAIN("pipe_tee_drop", tests)
