/* Description: batch: full ones, those that are due, the rest. */
#include "support/pipe_trials.h"

enum { HOUR = 3600000 };

/* patterns */

static weir_chan_t *build_what_is_there(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_batch(ctx, in, 3, 0);
}

static weir_chan_t *build_full(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_batch(ctx, in, 3, UINT64_MAX);
}

static weir_chan_t *build_timed(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_batch(ctx, in, 4, 5);
}

static const pattern_t what_is_there = {
    .build = build_what_is_there, .take = take_batch, .is_ordered = true};
static const pattern_t full = {.build = build_full, .take = take_batch, .is_ordered = true};
static const pattern_t timed = {
    .build = build_timed, .take = take_batch, .is_ordered = true, .ms = 2};

START_TEST(values_come_in_order_then_the_inputs_end) {
  trial_end(&what_is_there);
  trial_end(&full);
  trial_end(&timed);
}
END_TEST

START_TEST(silent_input_does_not_keep_the_loop_alive) {
  trial_silence(&what_is_there);
}
END_TEST

START_TEST(cancelled_at_any_place_it_ends_with_that) {
  trial_cancel(&what_is_there);
  trial_cancel(&full);
}
END_TEST

START_TEST(cancelled_at_any_time_it_ends_with_that) {
  trial_cancel(&timed);
}
END_TEST

START_TEST(abandoned_at_any_place_it_leaves_nothing) {
  trial_abandon(&what_is_there);
  trial_abandon(&full);
}
END_TEST

START_TEST(abandoned_at_any_time_it_leaves_nothing) {
  trial_abandon(&timed);
}
END_TEST

START_TEST(loop_closed_at_any_place_leaves_nothing) {
  trial_close(&what_is_there);
  trial_close(&full);
  trial_close(&timed);
}
END_TEST

START_TEST(born_cancelled_it_takes_nothing) {
  trial_born_cancelled(&what_is_there);
  trial_born_cancelled(&timed);
}
END_TEST

START_TEST(deadline_ends_it_with_etimedout) {
  trial_deadline(&full);
}
END_TEST

START_TEST(closed_output_ends_the_stage) {
  trial_closed_output(&what_is_there);
  trial_closed_output(&full);
}
END_TEST

START_TEST(wrong_arguments_give_null_and_release_the_input) {
  taken_reset();
  trial_nulls(&full);
  trial_other_loop(&full);
  trial_closed_loop(&full);
  ck_assert_ptr_null(weir_pipe_batch(bg, pieces_up_to(3), 0, 5));
  ck_assert_ptr_null(weir_pipe_batch(bg, pieces_up_to(3), SIZE_MAX, 5));
  ck_assert_ptr_null(weir_pipe_batch(bg, pieces_up_to(3), SIZE_MAX / sizeof(piece_t), 5));
  ck_pieces_ended();
  ck_nothing_left();
}
END_TEST

START_TEST(want_of_memory_gives_null_and_releases_the_input) {
  trial_memory(&full);
  trial_memory(&timed);
}
END_TEST

/* which batches: of ints that count from 0 */

enum { BATCHES_MAX = 64 };

static struct {
  int count, next;
  size_t sizes[BATCHES_MAX];
} batches;

static void take_ints(void *value) {
  weir_batch_t *batch = value;
  const int *values = batch->values;

  ck_assert_int_lt(batches.count, BATCHES_MAX);
  batches.sizes[batches.count++] = batch->count;
  for (size_t i = 0; i < batch->count; i++) ck_assert_int_eq(values[i], batches.next++);
  weir_batch_free(batch);
}

static sink_t batches_sink(void) {
  memset(&batches, 0, sizeof(batches));
  return (sink_t){.take = take_ints};
}

static void ck_batches(int count, const size_t *sizes) {
  ck_assert_int_eq(batches.count, count);
  for (int i = 0; i < count; i++) ck_assert_uint_eq(batches.sizes[i], sizes[i]);
}

#define CK_BATCHES(...)                                                                            \
  ck_batches(sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), (const size_t[]){__VA_ARGS__})

static void ck_times(const sink_t *sink, uint64_t start, int count, const uint64_t *times) {
  ck_assert_int_eq(sink->count, count);
  for (int i = 0; i < count; i++) ck_assert_uint_eq(sink->times[i] - start, times[i]);
}

#define CK_TIMES(sink, start, ...)                                                                 \
  ck_times(sink, start, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t),                      \
           (const uint64_t[]){__VA_ARGS__})

START_TEST(full_batches_then_the_rest) {
  sink_t sink = batches_sink();

  ck_brings(&sink, weir_pipe_batch(bg, ints_up_to(10), 4, UINT64_MAX), 3, UV_EOF);
  CK_BATCHES(4, 4, 2);
  ck_nothing_left();
}
END_TEST

START_TEST(no_empty_batch_at_the_end) {
  sink_t sink = batches_sink();

  ck_brings(&sink, weir_pipe_batch(bg, ints_up_to(8), 4, UINT64_MAX), 2, UV_EOF);
  CK_BATCHES(4, 4);
  ck_nothing_left();
}
END_TEST

START_TEST(rest_comes_before_the_inputs_failure) {
  weir_chan_t *in = new_ints(8);
  sink_t sink = batches_sink();

  for (int i = 0; i < 5; i++) put(in, i);
  weir_chan_close_with(in, UV_ECONNRESET);
  ck_brings(&sink, weir_pipe_batch(bg, in, 3, 5), 2, UV_ECONNRESET);
  CK_BATCHES(3, 2);
  ck_nothing_left();
}
END_TEST

START_TEST(batches_of_one) {
  sink_t sink = batches_sink();

  ck_brings(&sink, weir_pipe_batch(bg, ints_up_to(3), 1, HOUR), 3, UV_EOF);
  CK_BATCHES(1, 1, 1);
  ck_nothing_left();
}
END_TEST

START_TEST(of_0_ms_takes_what_is_there) {
  weir_chan_t *in = new_ints(8);
  sink_t sink = batches_sink();

  for (int i = 0; i < 5; i++) put(in, i);
  sink_start(&sink, weir_pipe_batch(bg, weir_chan_ref(in), 10, 0));
  ck_assert_uint_gt(weir_run(loop), 0);
  CK_BATCHES(5);
  put(in, 5);
  weir_run(loop);
  CK_BATCHES(5, 1);
  weir_chan_close(in);
  weir_chan_unref(in);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 2, UV_EOF);
  ck_nothing_left();
}
END_TEST

/* time, which is virtual */

/* Sends the ints 0 to n - 1, each some time after the one before, then closes. */
typedef struct paced_s {
  weir_op_t op; /* first */
  weir_chan_t *ch;
  const uint64_t *delays; /* before each value, and before the end */
  int next, n;
} paced_t;

static void paced_wait(paced_t *paced);

static void paced_on_sleep(weir_op_t *op, int status) {
  paced_t *paced = (paced_t *)op;

  ck_assert_int_eq(status, 0);
  if (paced->next < paced->n) {
    put(paced->ch, paced->next++);
    paced_wait(paced);
    return;
  }
  weir_chan_close(paced->ch);
  weir_chan_unref(paced->ch);
}

static void paced_wait(paced_t *paced) {
  weir_sleep(&paced->op, paced->delays[paced->next], paced_on_sleep);
}

static weir_chan_t *paced_start(paced_t *paced, int n, const uint64_t *delays) {
  *paced = (paced_t){.ch = new_ints((size_t)n), .delays = delays, .n = n};
  weir_op_init(&paced->op, bg);
  paced_wait(paced);
  return weir_chan_ref(paced->ch);
}

static uint64_t virtual_now(void) {
  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  return weir_now(loop);
}

START_TEST(ms_count_from_the_first_value_of_a_batch) {
  static const uint64_t delays[] = {10, 10, 10, 10, 10, 100, HOUR};
  uint64_t start = virtual_now();
  sink_t sink = batches_sink();
  paced_t paced;

  ck_brings(&sink, weir_pipe_batch(bg, paced_start(&paced, 6, delays), 100, 25), 3, UV_EOF);
  CK_BATCHES(3, 2, 1); /* of 10, 20, 30; of 40, 50; of 150 */
  CK_TIMES(&sink, start, 35, 65, 175);
  ck_nothing_left();
}
END_TEST

START_TEST(full_batch_stops_its_timer) {
  static const uint64_t delays[] = {10, 10, 10, 10, 10, HOUR};
  uint64_t start = virtual_now();
  sink_t sink = batches_sink();
  paced_t paced;

  ck_brings(&sink, weir_pipe_batch(bg, paced_start(&paced, 5, delays), 2, 15), 3, UV_EOF);
  CK_BATCHES(2, 2, 1);
  CK_TIMES(&sink, start, 20, 40, 65);
  ck_nothing_left();
}
END_TEST

START_TEST(end_does_not_wait_for_the_timer) {
  static const uint64_t delays[] = {10, 10, 10};
  uint64_t start = virtual_now();
  sink_t sink = batches_sink();
  paced_t paced;

  ck_brings(&sink, weir_pipe_batch(bg, paced_start(&paced, 2, delays), 4, HOUR), 1, UV_EOF);
  CK_BATCHES(2);
  CK_TIMES(&sink, start, 30);
  ck_assert_uint_eq(weir_now(loop) - start, 30);
  ck_nothing_left();
}
END_TEST

START_TEST(of_uint64_max_waits_until_it_is_full) {
  static const uint64_t delays[] = {1, HOUR, HOUR, HOUR, HOUR};
  uint64_t start = virtual_now();
  sink_t sink = batches_sink();
  paced_t paced;

  ck_brings(&sink, weir_pipe_batch(bg, paced_start(&paced, 4, delays), 3, UINT64_MAX), 2, UV_EOF);
  CK_BATCHES(3, 1);
  CK_TIMES(&sink, start, 1 + 2 * HOUR, 1 + 4 * HOUR);
  ck_nothing_left();
}
END_TEST

START_TEST(of_uint64_max_has_no_timer_that_keeps_the_loop_alive) {
  weir_chan_t *in = new_ints(2), *out;

  put(in, 0);
  put(in, 1);
  out = weir_pipe_batch(bg, weir_chan_ref(in), 3, UINT64_MAX);
  ck_assert_uint_gt(weir_run(loop), 0);
  ck_assert_uint_eq(weir_chan_len(in), 0);
  ck_assert_uint_eq(pipe_stats().timers, 0);
  weir_chan_unref(in);
  weir_chan_unref(out);
  ck_nothing_left();
}
END_TEST

START_TEST(cancelled_it_does_not_wait_for_its_timer) {
  uint64_t start = virtual_now();
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 20);
  sink_t sink = {.take = take_batch};
  weir_chan_t *in = new_pieces(2);

  taken_reset();
  put_piece(in, 0);
  put_piece(in, 1);
  sink_start(&sink, weir_pipe_batch(ctx, in, 4, HOUR));
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 0, UV_ETIMEDOUT);
  ck_assert_int_eq(pieces.dropped, 2);
  ck_assert_uint_eq(weir_now(loop) - start, 20);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

START_TEST(due_at_the_deadline_it_ends_with_etimedout) {
  virtual_now();
  for (int is_due_before = 0; is_due_before < 2; is_due_before++) {
    weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 20);
    weir_chan_t *in = new_pieces(1);
    sink_t sink = {.take = take_batch};

    taken_reset();
    put_piece(in, 0);
    sink_start(&sink, weir_pipe_batch(ctx, weir_chan_ref(in), 4, is_due_before ? 19 : 20));
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_sink_ended(&sink, is_due_before, UV_ETIMEDOUT);
    weir_chan_unref(in);
    weir_ctx_unref(ctx);
    ck_nothing_left();
    ck_pieces_ended();
  }
}
END_TEST

/* the timer fires while values come */

typedef struct burst_s {
  weir_op_t op; /* first */
  weir_chan_t *ch;
  int first, n;
} burst_t;

static void send_burst(weir_op_t *op, int status) {
  burst_t *burst = (burst_t *)op;

  (void)status;
  for (int i = 0; i < burst->n; i++) put(burst->ch, burst->first + i);
}

static void burst_after(burst_t *burst, weir_chan_t *ch, uint64_t ms, int first, int n) {
  *burst = (burst_t){.ch = ch, .first = first, .n = n};
  weir_op_init(&burst->op, bg);
  weir_sleep(&burst->op, ms, send_burst);
}

/*
 * The batch of the value 0 is due at 20. In the same turn n more come, from a callback that is
 * before the timer's, or after it.
 */
static void run_burst_when_due(int n, bool is_before, sink_t *sink) {
  uint64_t start = weir_now(loop);
  weir_chan_t *in = new_ints(8);
  burst_t burst, last;

  *sink = batches_sink();
  if (is_before) burst_after(&burst, in, 20, 1, n);
  put(in, 0);
  sink_start(sink, weir_pipe_batch(bg, weir_chan_ref(in), 4, 20));
  while (weir_chan_len(in) > 0 || pipe_stats().timers == is_before) uv_run(uv, UV_RUN_NOWAIT);
  if (!is_before) burst_after(&burst, in, 20, 1, n);
  burst_after(&last, in, 100, n + 1, 1);
  weir_run(loop);
  ck_assert_int_eq(batches.next, n + 2);
  ck_assert_uint_eq(sink->times[0] - start, 20);
  weir_chan_close(in);
  weir_chan_unref(in);
  weir_run(loop);
  ck_sink_ended(sink, sink->count, UV_EOF);
  ck_nothing_left();
}

START_TEST(values_that_come_when_it_is_due_are_not_lost) {
  sink_t sink;

  virtual_now();
  for (int n = 1; n <= 6; n++)
    for (int is_before = 0; is_before < 2; is_before++) {
      run_burst_when_due(n, is_before > 0, &sink);
      ck_assert_uint_ge(batches.sizes[0], 1);
      ck_assert_uint_le(batches.sizes[0], 4);
    }
}
END_TEST

/* slow receivers */

START_TEST(slow_receiver_holds_it_back) {
  feeder_t feeder = {.n = 20, .status = UV_EOF};
  sink_t sink = {.take = take_batch, .at = 1, .then = sink_pause};

  taken_reset();
  virtual_now();
  sink_start(&sink, weir_pipe_batch(bg, feeder_start(&feeder), 3, 5));
  weir_run(loop);
  ck_assert_int_eq(taken.count, 3);
  ck_assert_int_eq(feeder.next, 3 + 3 + 1); /* taken, in hand, at the feeder */
  weir_range_resume(&sink.range);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 7, UV_EOF);
  ck_taken_all(20, 1);
  ck_taken_in_order();
  ck_nothing_left();
}
END_TEST

static void resume(weir_op_t *op, int status) {
  (void)status;
  weir_range_resume(&((sink_t *)op->data)->range);
}

/* The first batch waits from 15 to 1000; for what comes meanwhile time begins when it is taken. */
START_TEST(timer_of_a_batch_behind_one_that_waits) {
  static const uint64_t delays[] = {10, 10, 10, 10, HOUR};
  uint64_t start = virtual_now();
  sink_t sink = batches_sink();
  paced_t paced;
  probe_t sleep;

  sink.at = 1;
  sink.then = sink_pause;
  sink_start(&sink, weir_pipe_batch(bg, paced_start(&paced, 4, delays), 10, 5));
  probe_init(&sleep, bg);
  sleep.op.data = &sink;
  weir_sleep(&sleep.op, 1000, resume);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, sink.count, UV_EOF);
  ck_assert_int_eq(batches.next, 4);
  ck_assert_uint_eq(sink.times[0] - start, 15);
  for (int i = 1; i < sink.count; i++) {
    ck_assert_uint_ge(sink.times[i] - start, 1000);
    ck_assert_uint_le(sink.times[i] - start, 1005);
  }
  ck_nothing_left();
}
END_TEST

static const support_test_t tests[] = {
    T(values_come_in_order_then_the_inputs_end),
    T(silent_input_does_not_keep_the_loop_alive),
    T(cancelled_at_any_place_it_ends_with_that),
    T(cancelled_at_any_time_it_ends_with_that),
    T(abandoned_at_any_place_it_leaves_nothing),
    T(abandoned_at_any_time_it_leaves_nothing),
    T(loop_closed_at_any_place_leaves_nothing),
    T(born_cancelled_it_takes_nothing),
    T(deadline_ends_it_with_etimedout),
    T(closed_output_ends_the_stage),
    T(wrong_arguments_give_null_and_release_the_input),
    T(want_of_memory_gives_null_and_releases_the_input),
    T(full_batches_then_the_rest),
    T(no_empty_batch_at_the_end),
    T(rest_comes_before_the_inputs_failure),
    T(batches_of_one),
    T(of_0_ms_takes_what_is_there),
    T(ms_count_from_the_first_value_of_a_batch),
    T(full_batch_stops_its_timer),
    T(end_does_not_wait_for_the_timer),
    T(of_uint64_max_waits_until_it_is_full),
    T(of_uint64_max_has_no_timer_that_keeps_the_loop_alive),
    T(cancelled_it_does_not_wait_for_its_timer),
    T(due_at_the_deadline_it_ends_with_etimedout),
    T(values_that_come_when_it_is_due_are_not_lost),
    T(slow_receiver_holds_it_back),
    T(timer_of_a_batch_behind_one_that_waits),
};

SUITE_MAIN("pipe_batch", tests)
