/* Description: work: calls on the thread pool, how many at once, their order, and how it ends. */
#include "support/works.h"

/* patterns */

static weir_chan_t *build_ordered(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_work(ctx, in, &piece_type, 3, true, work_unsteadily, NULL);
}

static weir_chan_t *build_unordered(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_work(ctx, in, &piece_type, 2, false, work_unsteadily, NULL);
}

static weir_chan_t *build_single(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_work(ctx, in, &piece_type, 1, true, work_move, NULL);
}

static const pattern_t patterns[] = {
    {.build = build_ordered, .is_ordered = true, .has_threads = true},
    {.build = build_unordered, .has_threads = true},
    {.build = build_single, .is_ordered = true, .has_threads = true},
};

#define EACH_PATTERN(trial)                                                                        \
  for (size_t i_ = 0; i_ < sizeof(patterns) / sizeof(*patterns); i_++) trial(&patterns[i_])

START_TEST(results_come_then_the_inputs_end) {
  EACH_PATTERN(trial_end);
}
END_TEST

START_TEST(input_that_dries_up_does_not_keep_the_loop_alive) {
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
  works_reset();
  EACH_PATTERN(trial_born_cancelled);
  ck_assert_int_eq(works.calls, 0);
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

static weir_chan_t *work_of(weir_chan_t *in, size_t workers, weir_map_fn fn) {
  return weir_pipe_work(bg, in, &piece_type, workers, true, fn, NULL);
}

START_TEST(wrong_arguments_give_null_and_release_the_input) {
  trial_nulls(&patterns[0]);
  trial_other_loop(&patterns[0]);
  trial_closed_loop(&patterns[0]);
  taken_reset();
  ck_assert_ptr_null(work_of(pieces_up_to(3), 0, work_move));
  ck_assert_ptr_null(work_of(pieces_up_to(3), 2, NULL));
  ck_assert_ptr_null(work_of(pieces_up_to(3), SIZE_MAX, work_move));
  ck_assert_ptr_null(work_of(pieces_up_to(3), SIZE_MAX / 2 + 1, work_move));
  ck_assert_ptr_null(work_of(pieces_up_to(3), SIZE_MAX / sizeof(weir_op_t), work_move));
  ck_assert_int_eq(pieces.dropped, 15);
  ck_nothing_left();
}
END_TEST

START_TEST(want_of_memory_gives_null_and_releases_the_input) {
  trial_memory(&patterns[0]);
}
END_TEST

/* how many at once */

START_TEST(as_many_calls_at_once_as_workers_and_no_more) {
  for (int workers = 1; workers <= 3; workers++)
    for (int ordered = 0; ordered < 2; ordered++) {
      feeder_t feeder = {.n = 20, .status = UV_EOF};
      sink_t sink = {.take = take_piece};

      taken_reset();
      gate_make();
      sink_start(&sink, weir_pipe_work(bg, feeder_start(&feeder), &piece_type, (size_t)workers,
                                       ordered > 0, work_gated, NULL));
      await_running(workers);
      ck_assert_int_eq(feeder.next, 4 * workers + 1); /* the last is the feeder's own */
      gate_open(20);
      ck_assert_uint_eq(weir_run(loop), 0);
      ck_sink_ended(&sink, 20, UV_EOF);
      ck_assert_int_eq(works.most, workers);
      ck_nothing_left();
      gate_destroy();
    }
}
END_TEST

START_TEST(so_many_in_hand_while_nobody_receives) {
  for (int workers = 1; workers <= 4; workers++)
    for (int ordered = 0; ordered < 2; ordered++) {
      feeder_t feeder = {.n = 40, .status = UV_EOF};
      sink_t sink = {.take = take_piece, .at = 2, .then = sink_pause};

      taken_reset();
      sink_start(&sink, weir_pipe_work(bg, feeder_start(&feeder), &piece_type, (size_t)workers,
                                       ordered > 0, work_move, NULL));
      weir_run(loop);
      ck_sunk(&sink, 2);
      ck_assert_int_le(feeder.next, 2 + 4 * workers + 1);
      weir_range_resume(&sink.range);
      ck_assert_uint_eq(weir_run(loop), 0);
      ck_sink_ended(&sink, 40, UV_EOF);
      ck_nothing_left();
    }
}
END_TEST

START_TEST(more_workers_than_threads_and_than_values) {
  static const size_t workers[] = {16, 100, 1000};

  for (int i = 0; i < 3; i++) {
    sink_t sink = {.take = take_piece};

    taken_reset();
    works_reset();
    ck_brings(&sink, work_of(pieces_up_to(200), workers[i], work_move), 200, UV_EOF);
    ck_sink_counts(&sink, 0, 1);
    ck_assert_int_eq(works.calls, 200);
    ck_nothing_left();
  }
}
END_TEST

/* the order */

/* The piece 0 waits until as many others have been through as `arg` says. */
static int wait_for_others(void *out, void *in, void *arg) {
  int others = *(const int *)arg;

  if (((piece_t *)in)->number == 0)
    while (atomic_load(&works.ended) < others) continue;
  return work_move(out, in, NULL);
}

START_TEST(slow_value_holds_up_ordered_results) {
  int others = 3; /* of two workers, the other one has these */
  feeder_t feeder = {.n = 30, .status = UV_EOF};
  sink_t sink = {.take = take_piece};

  taken_reset();
  works_reset();
  ck_brings(
      &sink,
      weir_pipe_work(bg, feeder_start(&feeder), &piece_type, 2, true, wait_for_others, &others), 30,
      UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
}
END_TEST

START_TEST(slow_value_does_not_hold_up_unordered_results) {
  int others = 29;
  feeder_t feeder = {.n = 30, .status = UV_EOF};
  sink_t sink = {.take = take_piece};

  taken_reset();
  works_reset();
  ck_brings(
      &sink,
      weir_pipe_work(bg, feeder_start(&feeder), &piece_type, 2, false, wait_for_others, &others),
      30, UV_EOF);
  ck_assert_int_eq(sink.values[29], 0);
  ck_taken_all(30, 1);
  ck_nothing_left();
}
END_TEST

START_TEST(order_is_kept_whatever_each_value_takes) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  ck_brings(&sink, work_of(pieces_up_to(500), 4, work_unsteadily), 500, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
}
END_TEST

/* what the function returns */

static int skip_odd(void *out, void *in, void *arg) {
  if (((piece_t *)in)->number % 2 == 0) return work_move(out, in, arg);
  ((piece_t *)arg)[((piece_t *)in)->number] = *(piece_t *)in; /* it is the function's */
  return WEIR_SKIP;
}

START_TEST(skipped_values_emit_nothing) {
  static piece_t skipped[40];

  for (int ordered = 0; ordered < 2; ordered++) {
    sink_t sink = {.take = take_piece};

    taken_reset();
    ck_brings(&sink,
              weir_pipe_work(bg, pieces_up_to(40), &piece_type, 3, ordered > 0, skip_odd, skipped),
              20, UV_EOF);
    if (ordered) ck_sink_counts(&sink, 0, 2);
    ck_assert_int_eq(pieces.dropped, 0);
    for (int i = 1; i < 40; i += 2) piece_drop(&skipped[i]);
    ck_nothing_left();
    ck_pieces_ended();
  }
}
END_TEST

/* The piece 5 ends the stream. */
typedef struct ending_s {
  int status;
  piece_t last;
} ending_t;

static int end_at_five(void *out, void *in, void *arg) {
  ending_t *ending = arg;

  if (((piece_t *)in)->number != 5) return work_move(out, in, NULL);
  ending->last = *(piece_t *)in;
  return ending->status;
}

START_TEST(function_ends_the_stream_in_its_turn) {
  static const int statuses[] = {UV_EOF, UV_EIO, UV_ENOMEM};

  for (int i = 0; i < 3; i++)
    for (size_t workers = 1; workers <= 4; workers++) {
      ending_t ending = {.status = statuses[i]};
      feeder_t feeder = {.n = 50};
      sink_t sink = {.take = take_piece};

      taken_reset();
      ck_brings(&sink,
                weir_pipe_work(bg, feeder_start(&feeder), &piece_type, workers, true, end_at_five,
                               &ending),
                5, statuses[i]);
      ck_sink_counts(&sink, 0, 1);
      ck_assert(feeder.is_over);
      piece_drop(&ending.last);
      ck_nothing_left();
      ck_pieces_ended();
    }
}
END_TEST

START_TEST(function_ends_an_unordered_stream) {
  for (size_t workers = 1; workers <= 4; workers++) {
    ending_t ending = {.status = UV_EIO};
    feeder_t feeder = {.n = 50};
    sink_t sink = {.take = take_piece};

    taken_reset();
    sink_start(&sink, weir_pipe_work(bg, feeder_start(&feeder), &piece_type, workers, false,
                                     end_at_five, &ending));
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_sink_ended(&sink, sink.count, UV_EIO);
    ck_assert_int_lt(sink.count, 50);
    piece_drop(&ending.last);
    ck_nothing_left();
    ck_pieces_ended();
  }
}
END_TEST

/* values */

static uv_thread_t loop_thread;

typedef struct long_text_s {
  char text[100];
} long_text_t;

static int print(void *out, void *in, void *arg) {
  uv_thread_t self = uv_thread_self();

  ensure(!uv_thread_equal(&self, &loop_thread));
  snprintf(((long_text_t *)out)->text, sizeof(long_text_t), "%s %d", (const char *)arg, *(int *)in);
  return 0;
}

static int texts;

static void check_text(void *value) {
  char wanted[100];

  snprintf(wanted, sizeof(wanted), "number %d", texts++);
  ck_assert_str_eq(((long_text_t *)value)->text, wanted);
}

START_TEST(calls_are_on_other_threads_and_make_values_of_the_outputs_type) {
  static char number[] = "number";
  sink_t sink = {.take = check_text};

  loop_thread = uv_thread_self();
  texts = 0;
  ck_brings(&sink,
            weir_pipe_work(bg, ints_up_to(50), WEIR_TYPE(long_text_t), 3, true, print, number), 50,
            UV_EOF);
  ck_nothing_left();
}
END_TEST

static int nothing(void *out, void *in, void *arg) {
  (void)out, (void)in, (void)arg;
  work_enter();
  work_leave();
  return 0;
}

START_TEST(signals_come_and_go) {
  sink_t sink = {.count = 0};

  works_reset();
  ck_brings(&sink, weir_pipe_work(bg, signals_up_to(20), NULL, 2, false, nothing, NULL), 20,
            UV_EOF);
  ck_assert_int_eq(works.calls, 20);
  ck_nothing_left();
}
END_TEST

/* many */

static int many; /* values */

static int count_up(void *out, void *arg) {
  int *next = arg;

  if (*next == many) return UV_EOF;
  *(int *)out = (*next)++;
  return 0;
}

static int increment(void *out, void *in, void *arg) {
  (void)arg;
  *(int *)out = *(int *)in + 1;
  return 0;
}

static struct {
  long long sum;
  int last;
  bool is_ordered;
} added;

static void add_up(void *value) {
  int number = *(int *)value;

  if (added.is_ordered) ck_assert_int_eq(number, added.last + 1);
  added.sum += number;
  added.last = number;
}

static void run_many(size_t workers, bool is_ordered) {
  sink_t sink = {.take = add_up};
  int next = 0;
  weir_chan_t *in = weir_pipe_generate(bg, WEIR_TYPE(int), count_up, &next);

  many = support_under_valgrind() ? 3000 : 100000;
  memset(&added, 0, sizeof(added));
  added.is_ordered = is_ordered;
  ck_brings(&sink, weir_pipe_work(bg, in, WEIR_TYPE(int), workers, is_ordered, increment, NULL),
            many, UV_EOF);
  ck_assert_int_eq(added.sum, (long long)many * (many + 1) / 2);
  ck_nothing_left();
}

START_TEST(many_tiny_values_in_order) {
  run_many(64, true);
}
END_TEST

START_TEST(many_tiny_values_as_they_come) {
  run_many(4, false);
}
END_TEST

START_TEST(two_stages_at_once_with_more_workers_than_threads) {
  sink_t sinks[2] = {{.take = take_piece}, {.take = take_piece}};

  taken_reset();
  for (int i = 0; i < 2; i++) sink_start(&sinks[i], work_of(pieces_up_to(300), 8, work_unsteadily));
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 2; i++) {
    ck_sink_ended(&sinks[i], 300, UV_EOF);
    ck_sink_counts(&sinks[i], 0, 1);
  }
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

START_TEST(stages_one_after_the_other_with_more_workers_than_threads) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  works_reset();
  ck_brings(&sink, work_of(work_of(pieces_up_to(300), 8, work_move), 8, work_move), 300, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_assert_int_eq(works.calls, 600);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

static const support_test_t tests[] = {
    T(results_come_then_the_inputs_end),
    T(input_that_dries_up_does_not_keep_the_loop_alive),
    T(cancelled_at_any_place_it_ends_with_that),
    T(abandoned_at_any_place_it_leaves_nothing),
    T(loop_closed_at_any_place_leaves_nothing),
    T(born_cancelled_it_takes_nothing),
    T(deadline_ends_it_with_etimedout),
    T(closed_output_ends_the_stage),
    T(wrong_arguments_give_null_and_release_the_input),
    T(want_of_memory_gives_null_and_releases_the_input),
    T(as_many_calls_at_once_as_workers_and_no_more),
    T(so_many_in_hand_while_nobody_receives),
    T(more_workers_than_threads_and_than_values),
    T(slow_value_holds_up_ordered_results),
    T(slow_value_does_not_hold_up_unordered_results),
    T(order_is_kept_whatever_each_value_takes),
    T(skipped_values_emit_nothing),
    T(function_ends_the_stream_in_its_turn),
    T(function_ends_an_unordered_stream),
    T(calls_are_on_other_threads_and_make_values_of_the_outputs_type),
    T(signals_come_and_go),
    T(many_tiny_values_in_order),
    T(many_tiny_values_as_they_come),
    T(two_stages_at_once_with_more_workers_than_threads),
    T(stages_one_after_the_other_with_more_workers_than_threads),
};

SUITE_MAIN("pipe_work", tests)
