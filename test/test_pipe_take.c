/* Description: pipe_take, pipe_sleep, pipe_buffer, pipe_or_done: what they hold back, how long. */
#include "support/passers.h"

/* take */

/* With references of the test's own to its input: only the take's is to go. */
START_TEST(take_ends_with_eof_and_lets_go_of_its_input) {
  weir_ctx_t *scope = weir_ctx_with_cancel(bg);
  weir_chan_t *in = new_pieces(10);
  sink_t sink = {.take = piece_receive};

  for (int i = 0; i < 10; i++) put_piece(in, i);
  sink_start(&sink, weir_pipe_take(bg, weir_chan_ref(in), 4));
  weir_chan_set_producer(in, scope);
  weir_run(loop);
  ck_sink_ended(&sink, 4, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_assert_int_eq(weir_ctx_err(scope), UV_ECANCELED);
  ck_assert_uint_eq(weir_chan_len(in), 6);
  weir_chan_unref(in);
  weir_ctx_unref(scope);
  ck_pieces_ended();
  ck_nothing_left();
}
END_TEST

/* "The input is dropped with the last one": not when it has been received, by whoever it may be. */
START_TEST(take_lets_go_of_its_input_before_the_last_value_is_received) {
  weir_ctx_t *scope = weir_ctx_with_cancel(bg);
  weir_chan_t *in = new_ints(2), *out;

  out = weir_pipe_take(bg, weir_chan_ref(in), 2);
  weir_chan_set_producer(in, scope);
  put(in, 0);
  put(in, 1);
  weir_run(loop);
  ck_assert_int_eq(get(out), 0);
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(scope), UV_ECANCELED);
  ck_assert_int_eq(get(out), 1);
  weir_run(loop);
  ck_assert_int_eq(weir_chan_try_recv(out, NULL), UV_EOF);
  weir_chan_unref(out);
  weir_chan_unref(in);
  weir_ctx_unref(scope);
  ck_nothing_left();
}
END_TEST

START_TEST(take_of_0_ends_at_once_and_lets_go_of_its_input) {
  sink_t sink = {0};

  ck_brings(&sink, weir_pipe_take(bg, pieces_up_to(3), 0), 0, UV_EOF);
  ck_assert_int_eq(pieces.dropped, 3);
  ck_nothing_left();
}
END_TEST

START_TEST(take_of_0_of_an_endless_input_leaves_nothing) {
  weir_chan_unref(weir_pipe_take(bg, endless_pieces(), 0));
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

START_TEST(take_of_more_than_there_is_ends_with_the_input) {
  sink_t sink = {.take = piece_receive};

  ck_brings(&sink, weir_pipe_take(bg, pieces_up_to(3), 4), 3, UV_EOF);
  ck_pieces_ended();
  ck_nothing_left();
}
END_TEST

START_TEST(take_of_fewer_than_there_are_does_not_see_how_the_input_fails) {
  weir_chan_t *in = new_ints(3);
  sink_t sink = {0};

  for (int i = 0; i < 3; i++) put(in, i);
  weir_chan_close_with(in, UV_EIO);
  ck_brings(&sink, weir_pipe_take(bg, in, 3), 3, UV_EOF);
  ck_nothing_left();
}
END_TEST

START_TEST(take_of_an_endless_repeat_leaves_nothing) {
  sink_t sink = {.take = piece_receive};

  ck_brings(&sink, weir_pipe_take(bg, endless_pieces(), 5), 5, UV_EOF);
  ck_assert_int_eq(pieces.received, 5);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

/* Nobody receives the last value; the input has gone by then. */
START_TEST(take_cancelled_with_its_last_value_drops_it) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *out = weir_pipe_take(ctx, endless_pieces(), 1);

  weir_run(loop);
  ck_assert_uint_eq(pipe_stats().stages, 1);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_assert_int_eq(weir_chan_try_recv(out, NULL), UV_ECANCELED);
  ck_pieces_ended();
  weir_chan_unref(out);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

START_TEST(take_cancelled_after_its_last_value_has_gone_ends_with_eof) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive};

  ck_brings(&sink, weir_pipe_take(ctx, endless_pieces(), 2), 2, UV_EOF);
  weir_ctx_cancel(ctx);
  weir_ctx_unref(ctx);
  ck_pieces_ended();
  ck_nothing_left();
}
END_TEST

START_TEST(takes_share_an_input_and_leave_each_other_the_rest) {
  weir_chan_t *in = ints_up_to(10);
  sink_t first = {0}, second = {0};

  ck_brings(&first, weir_pipe_take(bg, weir_chan_ref(in), 3), 3, UV_EOF);
  ck_brings(&second, weir_pipe_take(bg, in, 100), 7, UV_EOF);
  ck_sink_counts(&first, 0, 1);
  ck_sink_counts(&second, 3, 1);
  ck_nothing_left();
}
END_TEST

/* sleep */

START_TEST(sleep_is_sequential) {
  sink_t sink = {.take = piece_receive};
  uint64_t start;

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  start = weir_now(loop);
  ck_brings(&sink, weir_pipe_sleep(bg, pieces_up_to(4), 30), 4, UV_EOF);
  for (uint64_t i = 0; i < 4; i++) ck_assert_uint_eq(sink.times[i] - start, 30 * (i + 1));
  ck_pieces_ended();
  ck_nothing_left();
}
END_TEST

/* The next value is taken when the one before has been received. */
START_TEST(sleep_waits_for_its_receiver) {
  sink_t sink = {.at = 1, .then = sink_pause};
  probe_t pause;
  uint64_t start;

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  start = weir_now(loop);
  sink_start(&sink, weir_pipe_sleep(bg, ints_up_to(3), 10));
  probe_init(&pause, bg);
  weir_sleep(&pause.op, 100, probe_note);
  weir_run(loop);
  ck_sunk(&sink, 1);
  ck_completed(&pause, 0);
  ck_assert_int_eq(weir_range_resume(&sink.range), 0);
  weir_run(loop);
  ck_sink_ended(&sink, 3, UV_EOF);
  ck_assert_uint_eq(sink.times[1] - start, 100);
  ck_assert_uint_eq(sink.times[2] - start, 110);
  ck_nothing_left();
}
END_TEST

static void cancel_it(weir_op_t *op, int status) {
  probe_note(op, status);
  weir_ctx_cancel(op->data);
}

/* The timer goes with the stage, and the value that waits is dropped. */
START_TEST(sleep_is_cut_short_by_a_cancellation) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive};
  probe_t killer;
  uint64_t start;

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  start = weir_now(loop);
  probe_init(&killer, bg);
  killer.op.data = ctx;
  weir_sleep(&killer.op, 1500, cancel_it);
  ck_brings(&sink, weir_pipe_sleep(ctx, pieces_up_to(3), 1000), 1, UV_ECANCELED);
  ck_assert_uint_eq(weir_now(loop) - start, 1500);
  ck_assert_int_eq(pieces.dropped, 2);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

START_TEST(sleep_of_two_hours_that_is_abandoned_lets_the_loop_end) {
  weir_chan_t *out = weir_pipe_sleep(bg, pieces_up_to(3), 7200000);

  uv_run(uv, UV_RUN_NOWAIT);
  ck_assert_uint_eq(pipe_stats().timers, 1);
  weir_chan_unref(out);
  ck_nothing_left();
  ck_assert_int_eq(pieces.dropped, 3);
}
END_TEST

START_TEST(sleep_longer_than_the_clock_ends_at_the_deadline) {
  sink_t sink = {.take = piece_receive};
  weir_ctx_t *ctx;

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  ctx = weir_ctx_with_timeout(bg, 86400000);
  ck_brings(&sink, weir_pipe_sleep(ctx, pieces_up_to(3), UINT64_MAX), 0, UV_ETIMEDOUT);
  ck_pieces_ended();
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

/* buffer */

static int numbers_made;

static int make_number(void *out, void *arg) {
  (void)arg;
  *(int *)out = numbers_made++;
  return 0;
}

/* The buffer, one in the stage's hand, one in the source's. */
START_TEST(buffer_takes_n_values_ahead) {
  weir_chan_t *out;

  numbers_made = 0;
  out = weir_pipe_buffer(bg, weir_pipe_generate(bg, WEIR_TYPE(int), make_number, NULL), 5);
  weir_run(loop);
  ck_assert_uint_eq(weir_chan_cap(out), 5);
  ck_assert_uint_eq(weir_chan_len(out), 5);
  ck_assert_int_eq(numbers_made, 7);
  ck_assert_int_eq(get(out), 0);
  weir_run(loop);
  ck_assert_int_eq(numbers_made, 8);
  weir_chan_unref(out);
  ck_nothing_left();
}
END_TEST

/* What is buffered has been emitted: it comes before the reason. */
START_TEST(buffered_values_come_before_the_end) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *out = weir_pipe_buffer(ctx, endless_pieces(), 3);
  sink_t sink = {.take = piece_receive};

  weir_run(loop);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_brings(&sink, out, 3, UV_ECANCELED);
  ck_pieces_ended();
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

START_TEST(buffer_brings_the_end_of_its_input_after_the_values) {
  weir_chan_t *in = new_pieces(2), *out;
  sink_t sink = {.take = piece_receive};

  put_piece(in, 0);
  put_piece(in, 1);
  weir_chan_close_with(in, UV_EIO);
  out = weir_pipe_buffer(bg, in, 8);
  weir_run(loop);
  ck_assert_uint_eq(pipe_stats().stages, 0);
  ck_brings(&sink, out, 2, UV_EIO);
  ck_pieces_ended();
  ck_nothing_left();
}
END_TEST

START_TEST(buffer_that_is_too_large_gives_null_and_drops_the_input) {
  ck_assert_ptr_null(weir_pipe_buffer(bg, pieces_up_to(2), SIZE_MAX));
  ck_assert_ptr_null(weir_pipe_buffer(bg, pieces_up_to(2), SIZE_MAX / sizeof(piece_t)));
  ck_assert_int_eq(pieces.dropped, 4);
  ck_nothing_left();
}
END_TEST

/* or_done */

START_TEST(or_done_ends_while_its_input_is_silent_and_leaves_it_to_others) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *in = new_ints(1);
  sink_t sink = {0};

  sink_start(&sink, weir_pipe_or_done(ctx, weir_chan_ref(in)));
  put(in, 0);
  weir_run(loop);
  ck_sunk(&sink, 1);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_sink_ended(&sink, 1, UV_ECANCELED);
  put(in, 1);
  weir_run(loop);
  ck_assert_int_eq(get(in), 1);
  weir_chan_unref(in);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

/* An input that never stops does not hold the end off: the clock is the real one. */
START_TEST(or_done_ends_an_endless_input_in_time) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 10);
  int zero = 0;
  sink_t sink = {0};

  sink_start(&sink, weir_pipe_or_done(ctx, weir_pipe_repeat(bg, WEIR_TYPE(int), &zero, 1)));
  weir_run(loop);
  ck_assert_int_gt(sink.count, 100);
  ck_sink_ended(&sink, sink.count, UV_ETIMEDOUT);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

/* all in one */

static weir_chan_t *build_nested(void *arg) {
  piece_t sent[6];
  weir_chan_t *ch;

  (void)arg;
  for (int i = 0; i < 6; i++) sent[i] = piece(i);
  ch = weir_pipe_buffer(bg, weir_pipe_from(bg, &piece_type, sent, 6), 2);
  ch = weir_pipe_sleep(bg, weir_pipe_or_done(bg, ch), 5);
  return weir_pipe_take(bg, ch, 4);
}

START_TEST(nested_stages_of_all_sorts_leave_nothing) {
  sink_t sink = {.take = piece_receive};

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  ck_brings(&sink, build_nested(NULL), 4, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

START_TEST(nested_call_that_fails_leaves_nothing) {
  ck_fails_cleanly(build_nested, NULL);
  ck_pieces_ended();
}
END_TEST

static const support_test_t tests[] = {
    T(take_ends_with_eof_and_lets_go_of_its_input),
    T(take_lets_go_of_its_input_before_the_last_value_is_received),
    T(take_of_0_ends_at_once_and_lets_go_of_its_input),
    T(take_of_0_of_an_endless_input_leaves_nothing),
    T(take_of_more_than_there_is_ends_with_the_input),
    T(take_of_fewer_than_there_are_does_not_see_how_the_input_fails),
    T(take_of_an_endless_repeat_leaves_nothing),
    T(take_cancelled_with_its_last_value_drops_it),
    T(take_cancelled_after_its_last_value_has_gone_ends_with_eof),
    T(takes_share_an_input_and_leave_each_other_the_rest),
    T(sleep_is_sequential),
    T(sleep_waits_for_its_receiver),
    T(sleep_is_cut_short_by_a_cancellation),
    T(sleep_of_two_hours_that_is_abandoned_lets_the_loop_end),
    T(sleep_longer_than_the_clock_ends_at_the_deadline),
    T(buffer_takes_n_values_ahead),
    T(buffered_values_come_before_the_end),
    T(buffer_brings_the_end_of_its_input_after_the_values),
    T(buffer_that_is_too_large_gives_null_and_drops_the_input),
    T(or_done_ends_while_its_input_is_silent_and_leaves_it_to_others),
    T(or_done_ends_an_endless_input_in_time),
    T(nested_stages_of_all_sorts_leave_nothing),
    T(nested_call_that_fails_leaves_nothing),
};
SUITE_MAIN("pipe_take", tests)
