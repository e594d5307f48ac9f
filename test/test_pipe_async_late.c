/* Description: async: slots that are out when nobody wants their results, or the loop has gone. */
#include "support/slots.h"

enum { OUT = 2 };

static sink_t sink;
static weir_ctx_t *ctx;
static feeder_t feeder;

/* So many slots are out, and the feeder has more pieces. */
static void start_stream(bool ordered) {
  taken_reset();
  sink = (sink_t){.take = take_piece};
  feeder = (feeder_t){.n = 9};
  ctx = weir_ctx_with_cancel(bg);
  sink_start(&sink, held_stage(ctx, feeder_start(&feeder), OUT, ordered));
  ck_assert_uint_gt(weir_run(loop), 0);
  ck_assert_int_eq(held.out, OUT);
}

static void cut_off(bool is_cancelled) {
  if (is_cancelled)
    weir_ctx_cancel(ctx);
  else
    sink_stop(&sink);
}

static void end_stream(void) {
  weir_ctx_unref(ctx);
  ck_nothing_left();
  ck_pieces_ended();
  ck_assert_int_eq(held.started, OUT);
}

START_TEST(slots_context_is_cancelled_with_the_output_or_the_context) {
  for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
    probe_t wait;

    start_stream(false);
    probe_init(&wait, bg);
    weir_ctx_wait(&wait.op, weir_slot_ctx(held.slots[1]), probe_note);
    ck_assert_int_eq(weir_ctx_err(weir_slot_ctx(held.slots[0])), 0);
    cut_off(is_cancelled > 0);
    ck_assert_int_eq(weir_ctx_err(weir_slot_ctx(held.slots[0])), UV_ECANCELED);
    weir_run(loop);
    ck_completed(&wait, 0);
    for (int i = 0; i < OUT; i++) finish(i, UV_ECANCELED);
    end_stream();
  }
}
END_TEST

START_TEST(slots_context_has_the_deadline_of_the_stages) {
  weir_chan_t *out;
  uint64_t when = 0;

  taken_reset();
  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  ctx = weir_ctx_with_timeout(bg, 50);
  out = held_stage(ctx, pieces_up_to(1), 1, true);
  while (held.out == 0) uv_run(uv, UV_RUN_NOWAIT);
  ck_assert(weir_ctx_deadline(weir_slot_ctx(held.slots[0]), &when));
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(weir_slot_ctx(held.slots[0])), UV_ETIMEDOUT);
  ck_assert_uint_eq(weir_now(loop), when);
  finish(0, 0);
  weir_chan_unref(out);
  weir_ctx_unref(ctx);
  ck_nothing_left();
  ck_assert_int_eq(pieces.dropped, 1);
}
END_TEST

/* The output does not wait for the slots, and they keep what they use. */
START_TEST(output_ends_before_slots_that_are_late) {
  for (int ordered = 0; ordered < 2; ordered++) {
    start_stream(ordered > 0);
    weir_ctx_cancel(ctx);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_sink_ended(&sink, 0, UV_ECANCELED);
    ck_assert(feeder.is_over);
    for (int i = 0; i < OUT; i++)
      ck_assert_int_eq(((piece_t *)weir_slot_in(held.slots[i]))->number, i);
    for (int i = 0; i < OUT; i++) finish(i, 0);
    end_stream();
  }
}
END_TEST

START_TEST(late_results_are_dropped_and_the_memory_freed) {
  for (int ordered = 0; ordered < 2; ordered++)
    for (int first = 0; first < OUT; first++)
      for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
        size_t outstanding = support_outstanding();

        start_stream(ordered > 0);
        cut_off(is_cancelled > 0);
        weir_run(loop);
        weir_ctx_unref(ctx);
        ck_assert_uint_gt(support_outstanding(), outstanding);
        finish(first, 0);
        weir_run(loop);
        ck_assert_uint_gt(support_outstanding(), outstanding);
        ctx = NULL;
        finish(!first, 0);
        end_stream();
        ck_assert_uint_eq(support_outstanding(), outstanding);
        ck_assert_int_eq(pieces.received, 0);
        for (int i = 0; i < OUT; i++) ck_assert_int_eq(pieces.dropped_number[i], 1);
      }
}
END_TEST

START_TEST(late_slots_without_results_drop_nothing) {
  static const int codes[] = {WEIR_SKIP, UV_EOF, UV_EIO};

  for (int i = 0; i < 3; i++)
    for (int ordered = 0; ordered < 2; ordered++) {
      start_stream(ordered > 0);
      sink_stop(&sink);
      weir_run(loop);
      for (int k = 0; k < OUT; k++) finish(k, codes[i]);
      end_stream();
    }
}
END_TEST

/* Before the stage has heard of it. */
START_TEST(slots_done_in_the_turn_of_the_cut) {
  for (int ordered = 0; ordered < 2; ordered++)
    for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
      start_stream(ordered > 0);
      cut_off(is_cancelled > 0);
      for (int i = OUT - 1; i >= 0; i--) finish(i, 0);
      end_stream();
      if (is_cancelled) ck_assert_int_eq(sink.status, UV_ECANCELED);
    }
}
END_TEST

START_TEST(results_that_wait_for_those_before_them_are_dropped) {
  for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
    start_stream(true);
    finish(1, 0);
    weir_run(loop);
    ck_sunk(&sink, 0);
    cut_off(is_cancelled > 0);
    weir_run(loop);
    finish(0, 0);
    end_stream();
    ck_assert_int_eq(pieces.dropped_number[1], 1);
  }
}
END_TEST

START_TEST(results_that_wait_for_a_receiver_are_dropped) {
  for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
    weir_chan_t *out;

    taken_reset();
    ctx = weir_ctx_with_cancel(bg);
    out = held_stage(ctx, pieces_up_to(3), 4, true);
    weir_run(loop);
    finish(0, 0);
    finish(1, 0);
    weir_run(loop);
    if (is_cancelled) weir_ctx_cancel(ctx);
    if (!is_cancelled) weir_chan_unref(out);
    weir_run(loop);
    for (int i = 0; i < 2; i++) ck_assert_int_eq(pieces.dropped_number[i], 1);
    finish(2, 0);
    if (is_cancelled) weir_chan_unref(out);
    weir_ctx_unref(ctx);
    ck_nothing_left();
    ck_pieces_ended();
  }
}
END_TEST

START_TEST(no_slot_is_started_after_the_cut) {
  for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
    start_stream(true); /* the feeder has a third piece for it */
    cut_off(is_cancelled > 0);
    finish(0, 0);
    weir_run(loop);
    finish(1, 0);
    end_stream(); /* two have been started */
  }
}
END_TEST

/* What a starter may do to its own stage. */

static weir_chan_t *abandoned;

static void abandon_and_finish(weir_slot_t *slot) {
  weir_chan_unref(abandoned);
  abandoned = NULL;
  finish_slot(slot);
}

static void cancel_and_finish(weir_slot_t *slot) {
  weir_ctx_cancel(ctx);
  finish_slot(slot);
}

static void finish_and_abandon(weir_slot_t *slot) {
  finish_slot(slot);
  weir_chan_unref(abandoned);
  abandoned = NULL;
}

START_TEST(start_may_abandon_or_cancel_its_stage) {
  static void (*const starters[])(weir_slot_t *) = {abandon_and_finish, finish_and_abandon,
                                                    cancel_and_finish};

  for (int i = 0; i < 3; i++)
    for (int ordered = 0; ordered < 2; ordered++) {
      feeder_t fed = {.n = 9};

      taken_reset();
      ctx = weir_ctx_with_cancel(bg);
      abandoned =
          weir_pipe_async(ctx, feeder_start(&fed), &piece_type, 1, ordered > 0, starters[i], NULL);
      weir_run(loop);
      ck_assert(fed.is_over);
      weir_chan_unref(abandoned);
      weir_ctx_unref(ctx);
      ck_nothing_left();
      ck_pieces_ended();
    }
}
END_TEST

/* the loop's end */

START_TEST(slots_may_be_done_while_the_loop_closes) {
  start_stream(true);
  weir_loop_close(loop, NULL, NULL);
  ck_assert_int_eq(weir_ctx_err(weir_slot_ctx(held.slots[0])), UV_ECANCELED);
  for (int i = 0; i < OUT; i++) finish(i, 0);
  loop_finish();
  ck_sink_ended(&sink, 0, UV_ECANCELED);
  weir_ctx_unref(ctx);
  ck_pieces_ended();
  ck_assert_uint_eq(support_outstanding(), 0);
  loop_renew();
}
END_TEST

START_TEST(slots_may_be_done_after_the_loop_has_closed) {
  for (int ordered = 0; ordered < 2; ordered++)
    for (int first = 0; first < OUT; first++) {
      start_stream(ordered > 0);
      weir_loop_close(loop, NULL, NULL);
      loop_finish();
      ck_sink_ended(&sink, 0, UV_ECANCELED);
      weir_ctx_unref(ctx);
      ck_assert_int_eq(weir_ctx_err(weir_slot_ctx(held.slots[first])), UV_ECANCELED);
      finish(first, 0);
      ck_assert_uint_gt(support_outstanding(), 0);
      finish(!first, UV_EIO);
      ck_assert_uint_eq(support_outstanding(), 0);
      ck_pieces_ended();
      loop_renew();
    }
}
END_TEST

START_TEST(some_done_before_the_loop_closes_and_some_after) {
  start_stream(true);
  finish(1, 0);
  weir_loop_close(loop, NULL, NULL);
  loop_finish();
  ck_sink_ended(&sink, 0, UV_ECANCELED);
  weir_ctx_unref(ctx);
  finish(0, 0);
  ck_pieces_ended();
  ck_assert_uint_eq(support_outstanding(), 0);
  loop_renew();
}
END_TEST

static const support_test_t tests[] = {
    T(slots_context_is_cancelled_with_the_output_or_the_context),
    T(slots_context_has_the_deadline_of_the_stages),
    T(output_ends_before_slots_that_are_late),
    T(late_results_are_dropped_and_the_memory_freed),
    T(late_slots_without_results_drop_nothing),
    T(slots_done_in_the_turn_of_the_cut),
    T(results_that_wait_for_those_before_them_are_dropped),
    T(results_that_wait_for_a_receiver_are_dropped),
    T(no_slot_is_started_after_the_cut),
    T(start_may_abandon_or_cancel_its_stage),
    T(slots_may_be_done_while_the_loop_closes),
    T(slots_may_be_done_after_the_loop_has_closed),
    T(some_done_before_the_loop_closes_and_some_after),
};

SUITE_MAIN("pipe_async_late", tests)
