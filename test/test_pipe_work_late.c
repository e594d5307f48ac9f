/* Description: work: calls that run or wait for a thread when the stream is cut; want of memory. */
#include "support/works.h"

enum { WORKERS = 2, IN_HAND = 4 * WORKERS };

static sink_t sink;
static weir_ctx_t *ctx;
static feeder_t feeder;

static void start_stream_under(weir_ctx_t *under, bool ordered) {
  taken_reset();
  gate_make();
  ctx = under;
  sink = (sink_t){.take = take_piece};
  feeder = (feeder_t){.n = 20};
  sink_start(&sink, weir_pipe_work(ctx, feeder_start(&feeder), &piece_type, WORKERS, ordered,
                                   work_gated, NULL));
}

/* With all of its workers at the gate. */
static void start_stream(bool ordered) {
  start_stream_under(weir_ctx_with_cancel(bg), ordered);
  await_running(WORKERS);
}

/* The calls that ran come to their end, and no other is made. */
static void end_stream(void) {
  weir_ctx_unref(ctx);
  gate_open(20);
  ck_nothing_left();
  gate_destroy();
  ck_assert_int_eq(works.calls, WORKERS);
  ck_assert_int_eq(works.ended, WORKERS);
  ck_assert(feeder.is_over);
  ck_assert_int_eq(pieces.received, 0);
  ck_pieces_ended();
}

static void run_until_it_ends(void) {
  while (sink.ends == 0) uv_run(uv, UV_RUN_NOWAIT);
}

START_TEST(cancelled_the_output_does_not_wait_for_calls_that_run) {
  for (int ordered = 0; ordered < 2; ordered++) {
    start_stream(ordered > 0);
    weir_ctx_cancel(ctx);
    run_until_it_ends();
    ck_sink_ended(&sink, 0, UV_ECANCELED);
    ck_assert_int_eq(works.ended, 0);
    end_stream();
  }
}
END_TEST

START_TEST(deadline_does_not_wait_for_calls_that_run) {
  start_stream_under(weir_ctx_with_timeout(bg, 20), true);
  run_until_it_ends();
  ck_sink_ended(&sink, 0, UV_ETIMEDOUT);
  ck_assert_int_eq(works.ended, 0);
  gate_open(20);
  weir_ctx_unref(ctx);
  ck_nothing_left();
  ck_pieces_ended();
  gate_destroy();
}
END_TEST

START_TEST(abandoned_while_calls_run_their_results_are_dropped) {
  for (int ordered = 0; ordered < 2; ordered++) {
    start_stream(ordered > 0);
    sink_stop(&sink);
    end_stream();
  }
}
END_TEST

START_TEST(calls_that_return_in_the_turn_of_the_cut) {
  for (int ordered = 0; ordered < 2; ordered++)
    for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
      start_stream(ordered > 0);
      gate_open(20);
      while (atomic_load(&works.ended) < WORKERS) continue;
      if (is_cancelled)
        weir_ctx_cancel(ctx);
      else
        sink_stop(&sink);
      weir_ctx_unref(ctx);
      ck_nothing_left();
      ck_assert_int_eq(works.calls, works.ended);
      ck_assert(feeder.is_over);
      ck_assert_int_eq(pieces.received, 0);
      ck_pieces_ended();
      gate_destroy();
    }
}
END_TEST

/* While the loop closes it waits for them. */
START_TEST(loop_closed_while_calls_run) {
  for (int ordered = 0; ordered < 2; ordered++) {
    start_stream(ordered > 0);
    weir_loop_close(loop, NULL, NULL);
    for (int i = 0; i < 10; i++) uv_run(uv, UV_RUN_NOWAIT);
    ck_sink_ended(&sink, 0, UV_ECANCELED);
    gate_open(20);
    loop_finish();
    weir_ctx_unref(ctx);
    gate_destroy();
    ck_assert_uint_eq(support_outstanding(), 0);
    ck_assert_int_eq(works.ended, WORKERS);
    ck_pieces_ended();
    loop_renew();
  }
}
END_TEST

/* The stage above is cancelled by way of its output. */
START_TEST(chain_of_stages_is_abandoned_while_calls_run) {
  taken_reset();
  gate_make();
  sink = (sink_t){.take = take_piece};
  feeder = (feeder_t){.n = 20};
  sink_start(&sink, weir_pipe_work(bg,
                                   weir_pipe_work(bg, feeder_start(&feeder), &piece_type, WORKERS,
                                                  true, work_gated, NULL),
                                   &piece_type, WORKERS, true, work_gated, NULL));
  await_running(WORKERS);
  gate_open(1);
  while (atomic_load(&works.calls) < WORKERS + 2) uv_run(uv, UV_RUN_NOWAIT);
  sink_stop(&sink);
  gate_open(40);
  ck_nothing_left();
  gate_destroy();
  ck_assert(feeder.is_over);
  ck_pieces_ended();
}
END_TEST

/* calls that wait for a thread */

static pool_t pool;

static void start_behind_a_full_pool(void) {
  pool_fill(&pool);
  start_stream_under(weir_ctx_with_cancel(bg), true);
  for (int i = 0; i < 50; i++) uv_run(uv, UV_RUN_NOWAIT);
  ck_assert_int_eq(feeder.next, IN_HAND + 1);
  ck_assert_int_eq(works.calls, 0);
}

START_TEST(calls_that_wait_for_a_thread_are_never_made) {
  for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
    start_behind_a_full_pool();
    if (is_cancelled)
      weir_ctx_cancel(ctx);
    else
      sink_stop(&sink);
    for (int i = 0; i < 50; i++) uv_run(uv, UV_RUN_NOWAIT);
    ck_assert_int_eq(pieces.dropped, IN_HAND + 1); /* while the pool is full */
    pool_empty(&pool);
    weir_ctx_unref(ctx);
    ck_nothing_left();
    ck_pieces_ended();
    ck_assert_int_eq(works.calls, 0);
    gate_destroy();
  }
}
END_TEST

START_TEST(loop_closed_while_calls_wait_for_a_thread) {
  start_behind_a_full_pool();
  weir_loop_close(loop, NULL, NULL);
  for (int i = 0; i < 50; i++) uv_run(uv, UV_RUN_NOWAIT);
  ck_sink_ended(&sink, 0, UV_ECANCELED);
  pool_empty(&pool);
  loop_finish();
  weir_ctx_unref(ctx);
  ck_assert_uint_eq(support_outstanding(), 0);
  ck_assert_int_eq(works.calls, 0);
  ck_pieces_ended();
  gate_destroy();
  loop_renew();
}
END_TEST

/* want of memory for a request */

START_TEST(without_memory_for_a_request_it_ends_with_enomem) {
  for (int ordered = 0; ordered < 2; ordered++) {
    feeder_t fed = {.n = 20};

    taken_reset();
    works_reset();
    sink = (sink_t){.take = take_piece};
    sink_start(&sink, weir_pipe_work(bg, feeder_start(&fed), &piece_type, WORKERS, ordered > 0,
                                     work_move, NULL));
    support_fail_after(0);
    ck_assert_uint_eq(weir_run(loop), 0);
    support_fail_after(SIZE_MAX);
    ck_sink_ended(&sink, 0, UV_ENOMEM);
    ck_assert(fed.is_over);
    ck_assert_int_eq(works.calls, 0);
    ck_nothing_left();
    ck_pieces_ended();
  }
}
END_TEST

/* One worker does, though others cannot be had. */
START_TEST(request_that_cannot_be_had_beside_another_is_done_without) {
  feeder_t fed = {.n = 20, .status = UV_EOF};

  taken_reset();
  gate_make();
  sink = (sink_t){.take = take_piece};
  sink_start(&sink, weir_pipe_work(bg, feeder_start(&fed), &piece_type, 3, true, work_gated, NULL));
  support_fail_after(1);
  await_running(1);
  gate_open(20);
  support_fail_after(SIZE_MAX);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 20, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
  gate_destroy();
}
END_TEST

/* Each request in turn, while the stream flows: it is complete, or it ends with that. */
START_TEST(want_of_memory_at_any_request_loses_nothing) {
  for (size_t allocation = 0; allocation < 30; allocation++) {
    feeder_t fed = {.n = 20, .status = UV_EOF};

    taken_reset();
    sink = (sink_t){.take = take_piece};
    sink_start(&sink,
               weir_pipe_work(bg, feeder_start(&fed), &piece_type, 2, true, work_move, NULL));
    support_fail_after(allocation);
    ck_assert_uint_eq(weir_run(loop), 0);
    support_fail_after(SIZE_MAX);
    ck_assert_int_eq(sink.ends, 1);
    ck_assert(sink.status == UV_EOF || sink.status == UV_ENOMEM);
    ck_assert_int_eq(sink.status == UV_EOF, sink.count == 20);
    ck_sink_counts(&sink, 0, 1);
    ck_assert(fed.is_over);
    ck_nothing_left();
    ck_pieces_ended();
  }
}
END_TEST

static const support_test_t tests[] = {
    T(cancelled_the_output_does_not_wait_for_calls_that_run),
    T(deadline_does_not_wait_for_calls_that_run),
    T(abandoned_while_calls_run_their_results_are_dropped),
    T(calls_that_return_in_the_turn_of_the_cut),
    T(loop_closed_while_calls_run),
    T(chain_of_stages_is_abandoned_while_calls_run),
    T(calls_that_wait_for_a_thread_are_never_made),
    T(loop_closed_while_calls_wait_for_a_thread),
    T(without_memory_for_a_request_it_ends_with_enomem),
    T(request_that_cannot_be_had_beside_another_is_done_without),
    T(want_of_memory_at_any_request_loses_nothing),
};

SUITE_MAIN("pipe_work_late", tests)
