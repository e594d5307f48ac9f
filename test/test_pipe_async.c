/* Description: async: the limit, the order, what slots say when they are done, and how it ends. */
#include <stdalign.h>

#include "support/slots.h"

/* patterns */

static weir_chan_t *build_at_once(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_async(ctx, in, &piece_type, 3, true, finish_slot, NULL);
}

static weir_chan_t *build_ordered(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_async(ctx, in, &piece_type, 3, true, start_job, NULL);
}

static weir_chan_t *build_unordered(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_async(ctx, in, &piece_type, 3, false, start_job, NULL);
}

static weir_chan_t *build_single(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_async(ctx, in, &piece_type, 1, false, start_job, NULL);
}

static weir_chan_t *build_stubborn_ordered(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_async(ctx, in, &piece_type, 4, true, start_stubborn_job, NULL);
}

static weir_chan_t *build_stubborn_unordered(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_async(ctx, in, &piece_type, 9, false, start_stubborn_job, NULL);
}

static const pattern_t patterns[] = {
    {.build = build_at_once, .is_ordered = true},
    {.build = build_ordered, .is_ordered = true},
    {.build = build_unordered},
    {.build = build_single, .is_ordered = true},
    {.build = build_stubborn_ordered, .is_ordered = true},
    {.build = build_stubborn_unordered},
};

#define EACH_PATTERN(trial)                                                                        \
  for (size_t i_ = 0; i_ < sizeof(patterns) / sizeof(*patterns); i_++) trial(&patterns[i_])

START_TEST(results_come_then_the_inputs_end) {
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
  size_t absurd = SIZE_MAX / 4;

  trial_nulls(&patterns[1]);
  trial_other_loop(&patterns[1]);
  trial_closed_loop(&patterns[1]);
  taken_reset();
  ck_assert_ptr_null(weir_pipe_async(bg, pieces_up_to(3), &piece_type, 0, true, hold, NULL));
  ck_assert_ptr_null(weir_pipe_async(bg, pieces_up_to(3), &piece_type, 2, true, NULL, NULL));
  ck_assert_ptr_null(weir_pipe_async(bg, pieces_up_to(3), &piece_type, SIZE_MAX, true, hold, NULL));
  ck_assert_ptr_null(weir_pipe_async(bg, pieces_up_to(3), &piece_type, absurd, true, hold, NULL));
  ck_assert_int_eq(pieces.dropped, 12);
  ck_nothing_left();
}
END_TEST

START_TEST(want_of_memory_gives_null_and_releases_the_input) {
  trial_memory(&patterns[1]);
}
END_TEST

/* the limit */

START_TEST(so_many_are_out_at_once_and_no_more) {
  for (int ordered = 0; ordered < 2; ordered++)
    for (int limit = 1; limit <= 8; limit++) {
      feeder_t feeder = {.n = 20, .status = UV_EOF};
      sink_t sink = {.take = take_piece};

      taken_reset();
      sink_start(&sink, held_stage(bg, feeder_start(&feeder), (size_t)limit, ordered > 0));
      for (int i = 0; i < 20; i++) {
        ck_assert_uint_gt(weir_run(loop), 0);
        ck_assert_int_eq(held.out, limit < 20 - i ? limit : 20 - i);
        ck_assert_int_le(feeder.next, i + limit + 1); /* the last is the feeder's own */
        finish(i, 0);
      }
      ck_assert_uint_eq(weir_run(loop), 0);
      ck_sink_ended(&sink, 20, UV_EOF);
      ck_nothing_left();
    }
}
END_TEST

START_TEST(results_that_wait_are_in_hand_too) {
  for (int ordered = 0; ordered < 2; ordered++) {
    feeder_t feeder = {.n = 20, .status = UV_EOF};
    sink_t sink = {.take = take_piece, .at = 2, .then = sink_pause};

    taken_reset();
    sink_start(&sink, weir_pipe_async(bg, feeder_start(&feeder), &piece_type, 5, ordered > 0,
                                      finish_slot, NULL));
    weir_run(loop);
    ck_sunk(&sink, 2);
    ck_assert_int_le(feeder.next, 2 + 5 + 1);
    weir_range_resume(&sink.range);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_sink_ended(&sink, 20, UV_EOF);
    ck_nothing_left();
  }
}
END_TEST

/* Three of 10 ms each at once. */
static void sleep_job(weir_slot_t *slot) {
  job_t *job = malloc(sizeof(*job));

  *job = (job_t){.slot = slot};
  weir_op_init(&job->op, weir_slot_ctx(slot));
  weir_sleep(&job->op, 10, job_turn);
}

START_TEST(time_passes_for_all_that_are_out) {
  sink_t sink = {.take = take_piece};
  uint64_t start;

  taken_reset();
  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  start = weir_now(loop);
  ck_brings(&sink, weir_pipe_async(bg, pieces_up_to(9), &piece_type, 3, true, sleep_job, NULL), 9,
            UV_EOF);
  for (int i = 0; i < 9; i++) ck_assert_uint_eq(sink.times[i] - start, 10 * (uint64_t)(i / 3 + 1));
  ck_nothing_left();
}
END_TEST

/* the order */

START_TEST(ordered_results_wait_for_those_before_them) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  sink_start(&sink, held_stage(bg, pieces_up_to(6), 6, true));
  weir_run(loop);
  for (int i = 5; i > 0; i--) {
    finish(i, 0);
    weir_run(loop);
    ck_sunk(&sink, 0);
  }
  finish(0, 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 6, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
}
END_TEST

START_TEST(unordered_results_come_as_they_are_done) {
  static const int order[] = {4, 1, 5, 0, 3, 2};
  sink_t sink = {.take = take_piece};

  taken_reset();
  sink_start(&sink, held_stage(bg, pieces_up_to(6), 6, false));
  weir_run(loop);
  for (int i = 0; i < 6; i++) {
    finish(order[i], 0);
    weir_run(loop);
    ck_assert_int_eq(sink.count, i + 1);
  }
  ck_sink_ended(&sink, 6, UV_EOF);
  for (int i = 0; i < 6; i++) ck_assert_int_eq(sink.values[i], order[i]);
  ck_nothing_left();
}
END_TEST

START_TEST(results_of_one_turn_come_in_the_order_of_their_calls) {
  static const int order[] = {4, 1, 5, 0, 3, 2};
  sink_t sink = {.take = take_piece};

  taken_reset();
  sink_start(&sink, held_stage(bg, pieces_up_to(6), 6, false));
  weir_run(loop);
  for (int i = 0; i < 6; i++) finish(order[i], 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 6, UV_EOF);
  for (int i = 0; i < 6; i++) ck_assert_int_eq(sink.values[i], order[i]);
  ck_nothing_left();
}
END_TEST

/* inside start */

static long long sum;

static void add(weir_slot_t *slot) {
  *(int *)weir_slot_out(slot) = *(int *)weir_slot_in(slot) + 1;
  weir_slot_done(slot, 0);
}

static void add_up(void *value) {
  sum += *(int *)value;
}

static int count_up(void *out, void *arg) {
  int *next = arg;

  if (*next == 100000) return UV_EOF;
  *(int *)out = (*next)++;
  return 0;
}

START_TEST(done_inside_start_takes_no_stack) {
  for (int ordered = 0; ordered < 2; ordered++) {
    sink_t sink = {.take = add_up};
    int next = 0;

    sum = 0;
    ck_brings(&sink,
              weir_pipe_async(bg, weir_pipe_generate(bg, WEIR_TYPE(int), count_up, &next),
                              WEIR_TYPE(int), 4, ordered > 0, add, NULL),
              100000, UV_EOF);
    ck_assert_int_eq(sum, 100000LL * 100001 / 2);
    ck_nothing_left();
  }
}
END_TEST

START_TEST(start_is_not_called_inside_the_builder) {
  weir_chan_t *out;

  taken_reset();
  out = held_stage(bg, pieces_up_to(3), 3, true);
  ck_assert_int_eq(held.started, 0);
  weir_run(loop);
  ck_assert_int_eq(held.started, 3);
  for (int i = 0; i < 3; i++) finish(i, UV_EIO);
  weir_run(loop);
  weir_chan_unref(out);
  ck_nothing_left();
}
END_TEST

/* Done inside start for odd ones, later for the others. */
static void start_every_other(weir_slot_t *slot) {
  if (((piece_t *)weir_slot_in(slot))->number % 2 > 0)
    finish_slot(slot);
  else
    start_job(slot);
}

START_TEST(done_inside_start_and_later_mix) {
  for (int ordered = 0; ordered < 2; ordered++) {
    sink_t sink = {.take = take_piece};

    taken_reset();
    ck_brings(
        &sink,
        weir_pipe_async(bg, pieces_up_to(50), &piece_type, 3, ordered > 0, start_every_other, NULL),
        50, UV_EOF);
    ck_taken_all(50, 1);
    if (ordered) ck_taken_in_order();
    ck_nothing_left();
  }
}
END_TEST

/* statuses */

START_TEST(skip_and_other_codes_emit_nothing) {
  static const int codes[] = {WEIR_SKIP, 2, 1000, UV_EIO, UV_ENOMEM, UV_ECANCELED, UV_ETIMEDOUT};

  for (int ordered = 0; ordered < 2; ordered++) {
    sink_t sink = {.take = take_piece};

    taken_reset();
    sink_start(&sink, held_stage(bg, pieces_up_to(9), 9, ordered > 0));
    weir_run(loop);
    finish(0, 0);
    for (int i = 0; i < 7; i++) finish(1 + i, codes[i]);
    weir_run(loop);
    ck_sunk(&sink, 1);
    finish(8, 0);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_sink_ended(&sink, 2, UV_EOF);
    ck_sink_counts(&sink, 0, 8);
    ck_assert_int_eq(pieces.dropped, 7); /* by the starters */
    ck_nothing_left();
  }
}
END_TEST

START_TEST(skipped_values_make_place_for_others) {
  feeder_t feeder = {.n = 100, .status = UV_EOF};
  sink_t sink = {.take = take_piece};

  taken_reset();
  sink_start(&sink, held_stage(bg, feeder_start(&feeder), 2, true));
  for (int i = 0; i < 100; i++) {
    weir_run(loop);
    finish(i, i % 10 == 3 ? 0 : WEIR_SKIP);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 10, UV_EOF);
  ck_sink_counts(&sink, 3, 10);
  ck_nothing_left();
}
END_TEST

START_TEST(ordered_eof_ends_it_in_its_turn) {
  feeder_t feeder = {.n = 20};
  sink_t sink = {.take = take_piece};

  taken_reset();
  sink_start(&sink, held_stage(bg, feeder_start(&feeder), 5, true));
  weir_run(loop);
  finish(3, 0);
  finish(2, UV_EOF);
  weir_run(loop);
  ck_sunk(&sink, 0);
  finish(1, 0);
  finish(0, 0);
  weir_run(loop);
  ck_sink_ended(&sink, 2, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_assert(feeder.is_over);
  ck_assert_int_eq(pieces.dropped_number[3], 1); /* its result */
  finish(4, 0);
  ck_assert_int_eq(pieces.dropped_number[4], 1);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

START_TEST(unordered_eof_ends_it_at_once) {
  feeder_t feeder = {.n = 20};
  sink_t sink = {.take = take_piece};

  taken_reset();
  sink_start(&sink, held_stage(bg, feeder_start(&feeder), 5, false));
  weir_run(loop);
  finish(3, 0);
  finish(2, UV_EOF);
  weir_run(loop);
  ck_sink_ended(&sink, 1, UV_EOF);
  ck_assert(feeder.is_over);
  ck_assert_int_eq(weir_ctx_err(weir_slot_ctx(held.slots[0])), UV_ECANCELED);
  finish(0, 0);
  finish(1, UV_EOF);
  finish(4, UV_EIO);
  ck_nothing_left();
  ck_pieces_ended();
  ck_assert_int_eq(pieces.received, 1);
}
END_TEST

static void finish_until_three(weir_slot_t *slot) {
  if (((piece_t *)weir_slot_in(slot))->number == 3)
    give_up_slot(slot, UV_EOF);
  else
    finish_slot(slot);
}

START_TEST(eof_inside_start_ends_it) {
  for (int ordered = 0; ordered < 2; ordered++)
    for (size_t limit = 1; limit < 6; limit++) {
      feeder_t feeder = {.n = 20};
      sink_t sink = {.take = take_piece};

      taken_reset();
      ck_brings(&sink,
                weir_pipe_async(bg, feeder_start(&feeder), &piece_type, limit, ordered > 0,
                                finish_until_three, NULL),
                3, UV_EOF);
      ck_sink_counts(&sink, 0, 1);
      ck_assert(feeder.is_over);
      ck_nothing_left();
      ck_pieces_ended();
    }
}
END_TEST

START_TEST(eof_lets_what_is_being_sent_go) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  sink_start(&sink, held_stage(bg, pieces_up_to(5), 5, true));
  sink_pause(&sink);
  weir_run(loop);
  for (int i = 0; i < 4; i++) finish(i, 0);
  finish(4, UV_EOF);
  weir_run(loop);
  ck_sunk(&sink, 0);
  weir_range_resume(&sink.range);
  weir_run(loop);
  ck_sink_ended(&sink, 4, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
}
END_TEST

START_TEST(input_that_fails_lets_those_that_are_out_have_their_turns) {
  for (int ordered = 0; ordered < 2; ordered++) {
    weir_chan_t *in = new_pieces(3);
    sink_t sink = {.take = take_piece};

    taken_reset();
    for (int i = 0; i < 3; i++) put_piece(in, i);
    weir_chan_close_with(in, UV_ECONNRESET);
    sink_start(&sink, held_stage(bg, in, 5, ordered > 0));
    for (int i = 0; i < 3; i++) {
      weir_run(loop);
      ck_sunk(&sink, i);
      finish(i, 0);
    }
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_sink_ended(&sink, 3, UV_ECONNRESET);
    ck_nothing_left();
  }
}
END_TEST

/* slots */

typedef struct large_s {
  alignas(max_align_t) unsigned char bytes[208];
} large_t;

static char argument;

static void check_large(weir_slot_t *slot) {
  unsigned char *in = weir_slot_in(slot), *out = weir_slot_out(slot);

  ck_assert_ptr_eq(weir_slot_arg(slot), &argument);
  ck_assert_int_eq(weir_ctx_err(weir_slot_ctx(slot)), 0);
  ck_assert_ptr_eq(weir_ctx_loop(weir_slot_ctx(slot)), loop);
  ck_assert_uint_eq((uintptr_t)out % alignof(max_align_t), 0);
  ck_assert(bytes_are(in, 33, 4));
  bytes_fill(out, sizeof(large_t), 9);
  ck_assert(bytes_are(in, 33, 4)); /* they do not overlap */
  weir_slot_done(slot, 0);
}

static void take_large(void *value) {
  ck_assert(bytes_are(value, sizeof(large_t), 9));
}

START_TEST(slots_have_room_for_values_of_both_types) {
  typedef struct {
    unsigned char bytes[33];
  } odd_t;
  weir_chan_t *in = weir_chan_new(loop, WEIR_TYPE(odd_t), 5);
  sink_t sink = {.take = take_large};
  odd_t odd;

  bytes_fill(&odd, sizeof(odd), 4);
  for (int i = 0; i < 5; i++) weir_chan_try_send(in, &odd);
  weir_chan_close(in);
  ck_brings(&sink, weir_pipe_async(bg, in, WEIR_TYPE(large_t), 3, false, check_large, &argument), 5,
            UV_EOF);
  ck_nothing_left();
}
END_TEST

static void done_at_once(weir_slot_t *slot) {
  weir_slot_done(slot, 0);
}

START_TEST(signals_come_and_go) {
  sink_t sink = {.count = 0};

  ck_brings(&sink, weir_pipe_async(bg, signals_up_to(9), NULL, 2, true, done_at_once, NULL), 9,
            UV_EOF);
  ck_nothing_left();
}
END_TEST

START_TEST(slots_context_carries_the_values_of_the_stages) {
  static const char key;
  weir_ctx_t *ctx = weir_ctx_with_value(bg, &key, &argument, NULL);
  weir_chan_t *out;

  taken_reset();
  out = held_stage(ctx, pieces_up_to(1), 1, true);
  weir_run(loop);
  ck_assert_ptr_eq(weir_ctx_value(weir_slot_ctx(held.slots[0]), &key), &argument);
  finish(0, WEIR_SKIP);
  weir_run(loop);
  weir_chan_unref(out);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

static const support_test_t tests[] = {
    T(results_come_then_the_inputs_end),
    T(silent_input_does_not_keep_the_loop_alive),
    T(cancelled_at_any_place_it_ends_with_that),
    T(abandoned_at_any_place_it_leaves_nothing),
    T(loop_closed_at_any_place_leaves_nothing),
    T(born_cancelled_it_takes_nothing),
    T(deadline_ends_it_with_etimedout),
    T(closed_output_ends_the_stage),
    T(wrong_arguments_give_null_and_release_the_input),
    T(want_of_memory_gives_null_and_releases_the_input),
    T(so_many_are_out_at_once_and_no_more),
    T(results_that_wait_are_in_hand_too),
    T(time_passes_for_all_that_are_out),
    T(ordered_results_wait_for_those_before_them),
    T(unordered_results_come_as_they_are_done),
    T(results_of_one_turn_come_in_the_order_of_their_calls),
    T(done_inside_start_takes_no_stack),
    T(start_is_not_called_inside_the_builder),
    T(done_inside_start_and_later_mix),
    T(skip_and_other_codes_emit_nothing),
    T(skipped_values_make_place_for_others),
    T(ordered_eof_ends_it_in_its_turn),
    T(unordered_eof_ends_it_at_once),
    T(eof_inside_start_ends_it),
    T(eof_lets_what_is_being_sent_go),
    T(input_that_fails_lets_those_that_are_out_have_their_turns),
    T(slots_have_room_for_values_of_both_types),
    T(signals_come_and_go),
    T(slots_context_carries_the_values_of_the_stages),
};

SUITE_MAIN("pipe_async", tests)
