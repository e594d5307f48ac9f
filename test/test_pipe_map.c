/* Description: pipe_map, pipe_filter: what a function makes of values, and ends streams with. */
#include "support/pipes.h"

/* map */

typedef struct half_s {
  double value;
  char of;
} half_t;

static int halve(void *out, void *in, void *arg) {
  half_t *half = out;

  (*(int *)arg)++;
  half->value = *(int *)in / 2.0;
  half->of = (char)('a' + *(int *)in);
  return 0;
}

START_TEST(map_makes_values_of_another_type) {
  int calls = 0;
  weir_chan_t *out = weir_pipe_map(bg, ints_up_to(4), WEIR_TYPE(half_t), halve, &calls);

  ck_assert_uint_eq(weir_chan_type(out)->size, sizeof(half_t));
  for (int i = 0; i < 4; i++) {
    half_t half;

    weir_run(loop);
    ck_assert_int_eq(calls, i + 1);
    ck_assert_int_eq(weir_chan_try_recv(out, &half), 0);
    ck_assert(half.value == i / 2.0);
    ck_assert_int_eq(half.of, 'a' + i);
  }
  weir_run(loop);
  ck_assert(weir_chan_closed(out));
  weir_chan_unref(out);
  ck_nothing_left();
}
END_TEST

START_TEST(function_of_map_is_never_called_inside_the_building_call) {
  int calls = 0;
  weir_chan_t *in = ints_up_to(4), *out;

  out = weir_pipe_map(bg, in, WEIR_TYPE(half_t), halve, &calls);
  ck_assert_int_eq(calls, 0);
  weir_chan_unref(out);
  ck_nothing_left();
}
END_TEST

static int count_in(void *out, void *in, void *arg) {
  (void)out;
  *(int *)arg += *(int *)in;
  return 0;
}

START_TEST(map_makes_signals_of_values) {
  int sum = 0;
  sink_t sink = {0};

  ck_brings(&sink, weir_pipe_map(bg, ints_up_to(5), NULL, count_in, &sum), 5, UV_EOF);
  ck_assert_int_eq(sum, 10);
  ck_nothing_left();
}
END_TEST

static int number(void *out, void *in, void *arg) {
  (void)in;
  *(int *)out = (*(int *)arg)++;
  return 0;
}

START_TEST(map_makes_values_of_signals) {
  int next = 0;
  sink_t sink = {0};

  ck_brings(&sink, weir_pipe_map(bg, signals_up_to(5), WEIR_TYPE(int), number, &next), 5, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
}
END_TEST

/* Passes even numbers on. */
static int skip_odd(void *out, void *in, void *arg) {
  (void)arg;
  if (((piece_t *)in)->number % 2) {
    piece_drop(in);
    return WEIR_SKIP;
  }
  memcpy(out, in, sizeof(piece_t));
  return 0;
}

START_TEST(map_emits_nothing_for_skip) {
  sink_t sink = {.take = piece_receive};

  ck_brings(&sink, weir_pipe_map(bg, pieces_up_to(10), &piece_type, skip_odd, NULL), 5, UV_EOF);
  ck_sink_counts(&sink, 0, 2);
  ck_pieces_ended();
  ck_nothing_left();
}
END_TEST

/* Returns `status` for number 3, and has released the value. */
static int end_at_3(void *out, void *in, void *arg) {
  if (((piece_t *)in)->number == 3) {
    piece_drop(in);
    return *(int *)arg;
  }
  ck_assert_int_lt(((piece_t *)in)->number, 3);
  memcpy(out, in, sizeof(piece_t));
  return 0;
}

static void ck_ends_at_3(int status) {
  sink_t sink = {.take = piece_receive};

  pieces_reset();
  ck_brings(&sink, weir_pipe_map(bg, pieces_up_to(10), &piece_type, end_at_3, &status), 3, status);
  ck_sink_counts(&sink, 0, 1);
  ck_pieces_ended();
  ck_assert_int_eq(pieces.dropped, 7);
  ck_nothing_left();
}

START_TEST(function_of_map_ends_the_stream_with_eof_or_another_code) {
  ck_ends_at_3(UV_EOF);
  ck_ends_at_3(UV_EIO);
  ck_ends_at_3(UV_ECANCELED);
  ck_ends_at_3(-4095);
}
END_TEST

static int sum_up(void *out, void *in, void *arg) {
  (void)arg;
  *(int *)out += *(int *)in; /* on what it made before; at first on 0 */
  return 0;
}

START_TEST(output_of_map_is_zeroed_before_the_first_call) {
  sink_t sink = {0};

  ck_brings(&sink, weir_pipe_map(bg, ints_up_to(2), WEIR_TYPE(int), sum_up, NULL), 2, UV_EOF);
  ck_assert_int_eq(sink.values[0], 0);
  ck_nothing_left();
}
END_TEST

static int end_it(void *out, void *in, void *arg) {
  (void)out;
  piece_drop(in);
  weir_ctx_cancel(arg);
  return UV_EIO;
}

START_TEST(code_of_a_function_that_cancels_its_context_is_what_counts) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive};

  ck_brings(&sink, weir_pipe_map(ctx, pieces_up_to(3), &piece_type, end_it, ctx), 0, UV_EIO);
  ck_pieces_ended();
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

/* What the function makes in the midst of the end is dropped like any other value. */

static int move_and_cancel(void *out, void *in, void *arg) {
  memcpy(out, in, sizeof(piece_t));
  weir_ctx_cancel(arg);
  return 0;
}

START_TEST(value_made_while_the_function_cancels_is_dropped) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive};

  ck_brings(&sink, weir_pipe_map(ctx, pieces_up_to(3), &piece_type, move_and_cancel, ctx), 0,
            UV_ECANCELED);
  ck_pieces_ended();
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

static weir_chan_t *held; /* by the functions below */

static void let_go(void) {
  weir_chan_t *ch = held;

  held = NULL;
  weir_chan_unref(ch);
}

static int move_and_abandon(void *out, void *in, void *arg) {
  (void)arg;
  memcpy(out, in, sizeof(piece_t));
  let_go();
  return 0;
}

START_TEST(function_of_map_may_drop_its_output) {
  held = weir_pipe_map(bg, pieces_up_to(3), &piece_type, move_and_abandon, NULL);
  ck_nothing_left();
  ck_assert_ptr_null(held);
  ck_assert_int_eq(pieces.dropped, 3);
}
END_TEST

static int skip_and_abandon(void *out, void *in, void *arg) {
  (void)out;
  (void)arg;
  piece_drop(in);
  let_go();
  return WEIR_SKIP;
}

START_TEST(function_of_map_may_drop_its_output_and_skip) {
  held = weir_pipe_map(bg, pieces_up_to(3), &piece_type, skip_and_abandon, NULL);
  ck_nothing_left();
  ck_assert_int_eq(pieces.dropped, 3);
}
END_TEST

static int move_and_close(void *out, void *in, void *arg) {
  memcpy(out, in, sizeof(piece_t));
  weir_chan_close_with(arg, UV_EPROTO);
  return 0;
}

START_TEST(function_of_map_may_close_its_input) {
  weir_chan_t *in = new_pieces(4);
  sink_t sink = {.take = piece_receive};

  put_piece(in, 0);
  put_piece(in, 1);
  sink_start(&sink, weir_pipe_map(bg, weir_chan_ref(in), &piece_type, move_and_close, in));
  weir_chan_unref(in);
  weir_run(loop);
  ck_sink_ended(&sink, 2, UV_EPROTO);
  ck_pieces_ended();
  ck_nothing_left();
}
END_TEST

static int move_and_close_loop(void *out, void *in, void *arg) {
  own_t *own = arg;

  memcpy(out, in, sizeof(piece_t));
  weir_loop_close(own->loop, own_on_closed, own);
  return 0;
}

START_TEST(function_of_map_may_close_the_loop) {
  piece_t sent[3] = {piece(0), piece(1), piece(2)};
  sink_t sink = {.take = piece_receive};
  weir_chan_t *in;
  own_t own;

  own_open(&own);
  in = weir_pipe_from(own.bg, &piece_type, sent, 3);
  sink_start_under(own.bg, &sink,
                   weir_pipe_map(own.bg, in, &piece_type, move_and_close_loop, &own));
  own_await_closed(&own);
  ck_sink_ended(&sink, 0, UV_ECANCELED);
  ck_pieces_ended();
}
END_TEST

static int fail_copy(void *out, void *in, void *arg) {
  int err = piece_copy(out, in);

  (void)arg;
  piece_drop(in);
  return err;
}

START_TEST(function_of_map_may_make_values_that_own_something) {
  sink_t sink = {.take = piece_receive};

  pieces_fail_copies_after(4, UV_ENOMEM);
  ck_brings(&sink, weir_pipe_map(bg, pieces_up_to(9), &piece_type, fail_copy, NULL), 4, UV_ENOMEM);
  ck_pieces_ended();
  ck_assert_int_eq(pieces.made, 9 + 4);
  ck_nothing_left();
}
END_TEST

START_TEST(no_function_gives_null_and_drops_the_input) {
  ck_assert_ptr_null(weir_pipe_map(bg, pieces_up_to(2), &piece_type, NULL, NULL));
  ck_assert_int_eq(pieces.dropped, 2);
  ck_nothing_left();
  ck_assert_ptr_null(weir_pipe_filter(bg, pieces_up_to(2), NULL, NULL));
  ck_assert_int_eq(pieces.dropped, 4);
  ck_nothing_left();
}
END_TEST

/* filter */

static bool keep_some(const void *value, void *arg) {
  return ((const piece_t *)value)->number % *(int *)arg == 0;
}

START_TEST(filter_drops_what_it_does_not_keep_once) {
  int divisor = 3;
  sink_t sink = {.take = piece_receive};

  ck_brings(&sink, weir_pipe_filter(bg, pieces_up_to(10), keep_some, &divisor), 4, UV_EOF);
  ck_sink_counts(&sink, 0, 3);
  ck_pieces_ended();
  for (int i = 0; i < 10; i++) ck_assert_int_eq(pieces.dropped_number[i], i % 3 != 0);
  ck_nothing_left();
}
END_TEST

static bool keep_none(const void *value, void *arg) {
  (void)value;
  if (arg) (*(int *)arg)++;
  return false;
}

START_TEST(filter_that_keeps_nothing_ends_all_the_same) {
  sink_t sink = {0};
  weir_chan_t *in = new_pieces(3);

  for (int i = 0; i < 3; i++) put_piece(in, i);
  weir_chan_close_with(in, UV_EIO);
  ck_brings(&sink, weir_pipe_filter(bg, in, keep_none, NULL), 0, UV_EIO);
  ck_assert_int_eq(pieces.dropped, 3);
  ck_nothing_left();
}
END_TEST

static bool keep_none_and_abandon(const void *value, void *arg) {
  (void)value;
  (void)arg;
  let_go();
  return false;
}

START_TEST(function_of_filter_may_drop_its_output) {
  held = weir_pipe_filter(bg, pieces_up_to(3), keep_none_and_abandon, NULL);
  ck_nothing_left();
  ck_assert_int_eq(pieces.dropped, 3);
}
END_TEST

/* Nobody starves: an endless input of which nothing is kept, and a deadline of the real clock. */

static void note_turn(weir_op_t *op, int status) {
  probe_note(op, status);
  if (!status && ((probe_t *)op)->calls < 5) weir_yield(op, note_turn);
}

static void ck_others_have_their_turn(weir_ctx_t *ctx, weir_chan_t *out) {
  sink_t sink = {0};
  probe_t yields, sleeps;

  sink_start(&sink, out);
  probe_init(&yields, bg);
  probe_init(&sleeps, bg);
  weir_yield(&yields.op, note_turn);
  weir_sleep(&sleeps.op, 2, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 0, UV_ETIMEDOUT);
  ck_assert_int_eq(yields.calls, 5);
  ck_completed(&sleeps, 0);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}

START_TEST(filter_that_keeps_nothing_starves_nobody) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 10);
  int zero = 0, calls = 0;
  weir_chan_t *in = weir_pipe_repeat(bg, WEIR_TYPE(int), &zero, 1);

  ck_others_have_their_turn(ctx, weir_pipe_filter(ctx, in, keep_none, &calls));
  ck_assert_int_gt(calls, 0);
}
END_TEST

static int skip(void *out, void *in, void *arg) {
  (void)out;
  (void)in;
  (void)arg;
  return WEIR_SKIP;
}

START_TEST(map_that_skips_all_starves_nobody) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 10);
  int zeros[100] = {0};
  weir_chan_t *in = weir_pipe_repeat(bg, WEIR_TYPE(int), zeros, 100);

  ck_others_have_their_turn(ctx, weir_pipe_map(ctx, in, NULL, skip, NULL));
}
END_TEST

static int skip_and_refill(void *out, void *in, void *arg) {
  (void)out;
  put(arg, *(int *)in);
  return WEIR_SKIP;
}

/* The next value is there whenever the stage looks. */
START_TEST(map_that_skips_buffered_values_starves_nobody) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 10);
  weir_chan_t *in = new_ints(100);

  for (int i = 0; i < 50; i++) put(in, i);
  ck_others_have_their_turn(ctx, weir_pipe_map(ctx, in, NULL, skip_and_refill, in));
}
END_TEST

static const support_test_t tests[] = {
    T(map_makes_values_of_another_type),
    T(function_of_map_is_never_called_inside_the_building_call),
    T(map_makes_signals_of_values),
    T(map_makes_values_of_signals),
    T(map_emits_nothing_for_skip),
    T(function_of_map_ends_the_stream_with_eof_or_another_code),
    T(output_of_map_is_zeroed_before_the_first_call),
    T(code_of_a_function_that_cancels_its_context_is_what_counts),
    T(value_made_while_the_function_cancels_is_dropped),
    T(function_of_map_may_drop_its_output),
    T(function_of_map_may_drop_its_output_and_skip),
    T(function_of_map_may_close_its_input),
    T(function_of_map_may_close_the_loop),
    T(function_of_map_may_make_values_that_own_something),
    T(no_function_gives_null_and_drops_the_input),
    T(filter_drops_what_it_does_not_keep_once),
    T(filter_that_keeps_nothing_ends_all_the_same),
    T(function_of_filter_may_drop_its_output),
    T(filter_that_keeps_nothing_starves_nobody),
    T(map_that_skips_all_starves_nobody),
    T(map_that_skips_buffered_values_starves_nobody),
};
SUITE_MAIN("pipe_map", tests)
