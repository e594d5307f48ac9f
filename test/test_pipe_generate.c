/* Description: pipe_generate: when its function is called, and what that may return and do. */
#include "support/pipes.h"

typedef struct script_s {
  int calls;
  const int *returns; /* what each call returns */
} script_t;

static int follow(void *out, void *arg) {
  script_t *script = arg;
  int result = script->returns[script->calls++];

  if (result == 0) *(int *)out = script->calls;
  return result;
}

static void ck_follows(const int *returns, int calls, int values, int status) {
  script_t script = {.returns = returns};
  sink_t sink = {0};

  ck_brings(&sink, weir_pipe_generate(bg, WEIR_TYPE(int), follow, &script), values, status);
  ck_assert_int_eq(script.calls, calls);
  ck_nothing_left();
}

START_TEST(function_of_generate_ends_the_stream_with_eof_or_another_code) {
  ck_follows((int[]){UV_EOF}, 1, 0, UV_EOF);
  ck_follows((int[]){0, 0, 0, UV_EOF}, 4, 3, UV_EOF);
  ck_follows((int[]){0, 0, UV_EIO}, 3, 2, UV_EIO);
  ck_follows((int[]){UV_ENOMEM}, 1, 0, UV_ENOMEM);
  ck_follows((int[]){0, -4095}, 2, 1, -4095);
}
END_TEST

START_TEST(generate_emits_nothing_for_skip) {
  ck_follows((int[]){WEIR_SKIP, UV_EOF}, 2, 0, UV_EOF);
  ck_follows((int[]){WEIR_SKIP, 0, WEIR_SKIP, WEIR_SKIP, 0, WEIR_SKIP, UV_EIO}, 7, 2, UV_EIO);
}
END_TEST

static int make_piece(void *out, void *arg) {
  piece_t made = piece((*(int *)arg)++);

  memcpy(out, &made, sizeof(made));
  return 0;
}

START_TEST(generate_is_ahead_of_its_receiver_by_one) {
  int next = 0;
  weir_chan_t *out = weir_pipe_generate(bg, &piece_type, make_piece, &next);

  ck_assert_int_eq(next, 0); /* never inside the building call */
  for (int i = 0; i < 5; i++) {
    piece_t got;

    ck_assert_uint_eq(weir_run(loop), 1);
    ck_assert_int_eq(next, i + 1);
    ck_assert_int_eq(weir_chan_try_recv(out, &got), 0);
    ck_assert_int_eq(next, i + 1); /* nor inside the receiver's */
    ck_assert_int_eq(got.number, i);
    piece_receive(&got);
  }
  weir_chan_unref(out);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

static int count_calls(void *out, void *arg) {
  (void)out;
  return ++*(int *)arg > 5 ? UV_EOF : 0;
}

START_TEST(generate_emits_signals) {
  int calls = 0;
  sink_t sink = {0};

  ck_brings(&sink, weir_pipe_generate(bg, NULL, count_calls, &calls), 5, UV_EOF);
  ck_nothing_left();
}
END_TEST

static int ck_zeroed(void *out, void *arg) {
  if ((*(int *)arg)++) return UV_EOF;
  for (int i = 0; i < BYTES_MAX; i++) ck_assert_uint_eq(((unsigned char *)out)[i], 0);
  bytes_fill(out, BYTES_MAX, 1);
  return 0;
}

START_TEST(output_of_generate_is_zeroed_before_the_first_call) {
  int calls = 0;
  sink_t sink = {0};
  weir_chan_t *out;

  out = weir_pipe_generate(bg, WEIR_TYPE(char[BYTES_MAX]), ck_zeroed, &calls);
  ck_brings(&sink, out, 1, UV_EOF);
  ck_assert_int_eq(calls, 2);
  ck_nothing_left();
}
END_TEST

START_TEST(generate_without_a_function_gives_null) {
  ck_assert_ptr_null(weir_pipe_generate(bg, WEIR_TYPE(int), NULL, NULL));
  ck_nothing_left();
}
END_TEST

/* What the function makes in the midst of the end is dropped like any other value. */

typedef struct ender_s {
  weir_ctx_t *ctx;  /* to cancel, or NULL */
  weir_chan_t *out; /* to drop, or NULL */
  own_t *own;       /* to close, or NULL */
  int result, calls;
} ender_t;

static int end_and_make(void *out, void *arg) {
  ender_t *ender = arg;
  piece_t made = piece(ender->calls++);

  weir_ctx_cancel(ender->ctx);
  weir_chan_unref(ender->out);
  if (ender->own) weir_loop_close(ender->own->loop, own_on_closed, ender->own);
  if (ender->result)
    piece_receive(&made); /* it is the function's */
  else
    memcpy(out, &made, sizeof(made));
  return ender->result;
}

static void ck_may_end(int result, int cancelled) {
  ender_t canceller = {.ctx = weir_ctx_with_cancel(bg), .result = result};
  ender_t dropper = {.result = result};
  sink_t sink = {.take = piece_receive};

  ck_brings(&sink, weir_pipe_generate(canceller.ctx, &piece_type, end_and_make, &canceller), 0,
            cancelled);
  weir_ctx_unref(canceller.ctx);
  dropper.out = weir_pipe_generate(bg, &piece_type, end_and_make, &dropper);
  ck_nothing_left();
  ck_assert_int_eq(dropper.calls, 1);
  ck_assert_int_eq(canceller.calls, 1);
  ck_pieces_ended();
}

START_TEST(function_of_generate_may_cancel_its_context_and_drop_its_output) {
  ck_may_end(0, UV_ECANCELED);
  ck_may_end(WEIR_SKIP, UV_ECANCELED);
  ck_may_end(UV_EOF, UV_EOF);
  ck_may_end(UV_EIO, UV_EIO);
}
END_TEST

static void ck_may_close_the_loop(int result, int status) {
  sink_t sink = {.take = piece_receive};
  own_t own;
  ender_t ender = {.own = &own, .result = result};

  own_open(&own);
  sink_start_under(own.bg, &sink, weir_pipe_generate(own.bg, &piece_type, end_and_make, &ender));
  own_await_closed(&own);
  ck_sink_ended(&sink, 0, status);
  ck_pieces_ended();
}

START_TEST(function_of_generate_may_close_the_loop) {
  ck_may_close_the_loop(0, UV_ECANCELED);
  ck_may_close_the_loop(WEIR_SKIP, UV_ECANCELED);
  ck_may_close_the_loop(UV_EOF, UV_ECANCELED);
}
END_TEST

/* Nobody starves. The clock is the real one. */

static int skip_always(void *out, void *arg) {
  (void)out;
  (*(int *)arg)++;
  return WEIR_SKIP;
}

static void note_turn(weir_op_t *op, int status) {
  probe_note(op, status);
  if (!status && ((probe_t *)op)->calls < 5) weir_yield(op, note_turn);
}

START_TEST(generate_that_skips_for_ever_starves_nobody) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 10);
  sink_t sink = {0};
  probe_t yields, sleeps;
  int calls = 0;

  sink_start(&sink, weir_pipe_generate(ctx, WEIR_TYPE(int), skip_always, &calls));
  probe_init(&yields, bg);
  probe_init(&sleeps, bg);
  weir_yield(&yields.op, note_turn);
  weir_sleep(&sleeps.op, 2, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 0, UV_ETIMEDOUT);
  ck_assert_int_eq(yields.calls, 5);
  ck_completed(&sleeps, 0);
  ck_assert_int_gt(calls, 100);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

static const support_test_t tests[] = {
    T(function_of_generate_ends_the_stream_with_eof_or_another_code),
    T(generate_emits_nothing_for_skip),
    T(generate_is_ahead_of_its_receiver_by_one),
    T(generate_emits_signals),
    T(output_of_generate_is_zeroed_before_the_first_call),
    T(generate_without_a_function_gives_null),
    T(function_of_generate_may_cancel_its_context_and_drop_its_output),
    T(function_of_generate_may_close_the_loop),
    T(generate_that_skips_for_ever_starves_nobody),
};
SUITE_MAIN("pipe_generate", tests)
