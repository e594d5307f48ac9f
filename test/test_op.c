/* Description: completion handles: start, reuse, cancel, wait, ask. */
#include <stdlib.h>

#include "support/freed.h"
#include "support/probe.h"
#include "support/support.h"

/* asking */

START_TEST(fresh_op_is_idle_with_status_0) {
  weir_op_t op;

  weir_op_init(&op, bg);
  ck_assert(!weir_op_pending(&op));
  ck_assert_int_eq(weir_op_status(&op), 0);
  ck_assert_uint_eq(weir_op_index(&op), 0);
  ck_assert_int_eq(weir_op_wait(&op), 0);
}
END_TEST

START_TEST(init_leaves_data_alone) {
  weir_op_t op;

  op.data = &op;
  weir_op_init(&op, bg);
  ck_assert_ptr_eq(op.data, &op);
}
END_TEST

START_TEST(pending_op_has_status_ebusy_then_that_of_its_completion) {
  weir_op_t op;

  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_chan_recv(&op, NULL, NULL, NULL), 0);
  ck_assert(weir_op_pending(&op));
  ck_assert_int_eq(weir_op_status(&op), UV_EBUSY);
  ck_assert_int_eq(weir_op_cancel(&op), 0);
  ck_assert(weir_op_pending(&op));
  ck_assert_int_eq(weir_op_status(&op), UV_EBUSY);
  weir_run(loop);
  ck_assert(!weir_op_pending(&op));
  ck_assert_int_eq(weir_op_status(&op), UV_ECANCELED);
}
END_TEST

START_TEST(op_is_idle_inside_its_own_callback) {
  probe_t probe;

  probe_init(&probe, bg);
  weir_yield(&probe.op, probe_note);
  weir_run(loop);
  ck_completed(&probe, 0);
  ck_assert_int_eq(weir_op_status(&probe.op), 0);
}
END_TEST

/* starting */

START_TEST(yield_completes_after_what_is_runnable_now) {
  probe_t before, yield, after;

  probe_init(&before, bg);
  probe_init(&yield, bg);
  probe_init(&after, bg);
  weir_sleep(&before.op, 0, probe_note);
  weir_yield(&yield.op, probe_note);
  weir_yield(&after.op, probe_note);
  weir_run(loop);
  ck_assert_uint_lt(before.order, yield.order);
  ck_assert_uint_lt(yield.order, after.order);
}
END_TEST

static probe_t in_callback;

static void yield_in_callback(weir_op_t *op, int status) {
  probe_note(op, status);
  weir_yield(&in_callback.op, probe_note);
}

START_TEST(yield_in_a_callback_lets_the_others_go_first) {
  probe_t first, second;

  probe_init(&first, bg);
  probe_init(&second, bg);
  probe_init(&in_callback, bg);
  weir_yield(&first.op, yield_in_callback);
  weir_yield(&second.op, probe_note);
  weir_run(loop);
  ck_assert_uint_lt(first.order, second.order);
  ck_assert_uint_lt(second.order, in_callback.order);
}
END_TEST

static void ck_busy_for_every_start(weir_op_t *op) {
  weir_case_t none = WEIR_RECV(NULL, NULL);
  int value = 0;

  ck_assert_int_eq(weir_yield(op, probe_note), UV_EBUSY);
  ck_assert_int_eq(weir_sleep(op, 1, probe_note), UV_EBUSY);
  ck_assert_int_eq(weir_chan_send(op, NULL, &value, probe_note), UV_EBUSY);
  ck_assert_int_eq(weir_chan_recv(op, NULL, &value, probe_note), UV_EBUSY);
  ck_assert_int_eq(weir_chan_send_many(op, NULL, &value, 1, probe_note), UV_EBUSY);
  ck_assert_int_eq(weir_chan_recv_many(op, NULL, &value, 1, probe_note), UV_EBUSY);
  ck_assert_int_eq(weir_select(op, &none, 1, probe_note), UV_EBUSY);
  ck_assert_int_eq(weir_select_biased(op, &none, 1, probe_note), UV_EBUSY);
  ck_assert_int_eq(weir_all(op, NULL, 0, probe_note), UV_EBUSY);
  ck_assert_int_eq(weir_any(op, NULL, 0, probe_note), UV_EBUSY);
  ck_assert_int_eq(weir_ctx_wait(op, bg, probe_note), UV_EBUSY);
}

START_TEST(starting_a_pending_op_gives_ebusy_and_changes_nothing) {
  probe_t parked, runnable;

  probe_init(&parked, bg);
  probe_init(&runnable, bg);
  weir_chan_recv(&parked.op, NULL, NULL, probe_note);
  weir_yield(&runnable.op, probe_note);
  ck_busy_for_every_start(&parked.op);
  ck_busy_for_every_start(&runnable.op);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_completed(&runnable, 0);
  ck_not_completed(&parked);
  weir_op_cancel(&parked.op);
  weir_run(loop);
}
END_TEST

START_TEST(start_without_an_op_gives_einval) {
  weir_case_t none = WEIR_RECV(NULL, NULL);

  ck_assert_int_eq(weir_yield(NULL, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_sleep(NULL, 1, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_chan_send(NULL, NULL, NULL, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_chan_recv(NULL, NULL, NULL, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_select(NULL, &none, 1, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_all(NULL, NULL, 0, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_any(NULL, NULL, 0, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_ctx_wait(NULL, bg, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_op_cancel(NULL), UV_EINVAL);
  ck_assert_int_eq(weir_op_wait(NULL), UV_EINVAL);
}
END_TEST

static int rounds;

static void again(weir_op_t *op, int status) {
  ck_assert_int_eq(status, 0);
  ck_assert(!weir_op_pending(op));
  if (++rounds == 1000) return;
  if (rounds % 3 == 0)
    weir_sleep(op, 0, again);
  else
    weir_yield(op, again);
}

START_TEST(op_may_be_reused_in_its_own_callback) {
  weir_op_t op;

  rounds = 0;
  weir_op_init(&op, bg);
  weir_yield(&op, again);
  weir_run(loop);
  ck_assert_int_eq(rounds, 1000);
}
END_TEST

START_TEST(op_may_be_reused_for_another_kind) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), 1);
  int sent = 4, received = 0;
  weir_op_t op;

  weir_op_init(&op, bg);
  weir_chan_send(&op, ch, &sent, NULL);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  weir_chan_recv(&op, ch, &received, NULL);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_assert_int_eq(received, 4);
  weir_sleep(&op, 1, NULL);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_assert_uint_eq(weir_op_index(&op), 0);
  weir_chan_unref(ch);
}
END_TEST

/* cancelling */

START_TEST(cancel_of_an_idle_op_gives_enoent) {
  probe_t probe;

  probe_init(&probe, bg);
  ck_assert_int_eq(weir_op_cancel(&probe.op), UV_ENOENT);
  weir_yield(&probe.op, probe_note);
  weir_run(loop);
  ck_assert_int_eq(weir_op_cancel(&probe.op), UV_ENOENT);
  ck_completed(&probe, 0);
}
END_TEST

START_TEST(cancel_of_a_parked_op_gives_0_and_ecanceled) {
  probe_t probe;

  probe_init(&probe, bg);
  weir_chan_recv(&probe.op, NULL, NULL, probe_note);
  ck_assert_int_eq(weir_op_cancel(&probe.op), 0);
  ck_assert_int_eq(probe.calls, 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, UV_ECANCELED);
}
END_TEST

START_TEST(cancel_of_a_runnable_op_gives_ealready_and_it_reports_what_happened) {
  probe_t yield, cancelled;

  probe_init(&yield, bg);
  probe_init(&cancelled, bg);
  weir_yield(&yield.op, probe_note);
  weir_chan_recv(&cancelled.op, NULL, NULL, probe_note);
  weir_op_cancel(&cancelled.op);
  ck_assert_int_eq(weir_op_cancel(&yield.op), UV_EALREADY);
  ck_assert_int_eq(weir_op_cancel(&cancelled.op), UV_EALREADY);
  weir_run(loop);
  ck_completed(&yield, 0);
  ck_completed(&cancelled, UV_ECANCELED);
}
END_TEST

static int cancel_result;

static void cancel_self(weir_op_t *op, int status) {
  probe_note(op, status);
  cancel_result = weir_op_cancel(op);
}

START_TEST(cancel_in_the_own_callback_gives_enoent) {
  probe_t probe;

  probe_init(&probe, bg);
  weir_yield(&probe.op, cancel_self);
  weir_run(loop);
  ck_assert_int_eq(cancel_result, UV_ENOENT);
  ck_completed(&probe, 0);
}
END_TEST

START_TEST(cancelled_sleep_lets_the_program_end) {
  probe_t probe;

  probe_init(&probe, bg);
  weir_sleep(&probe.op, 7200000, probe_note);
  ck_assert_int_eq(weir_op_cancel(&probe.op), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, UV_ECANCELED);
}
END_TEST

/* contexts */

START_TEST(op_under_a_cancelled_context_completes_so) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *late = weir_ctx_with_timeout(bg, 0);
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), 1);
  probe_t parked, yield, send, timed_out;
  int value = 1;

  probe_init(&parked, ctx);
  probe_init(&yield, ctx);
  probe_init(&send, ctx);
  probe_init(&timed_out, late);
  weir_chan_recv(&parked.op, NULL, NULL, probe_note);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  ck_assert_int_eq(weir_yield(&yield.op, probe_note), 0);
  ck_assert_int_eq(weir_chan_send(&send.op, ch, &value, probe_note), 0);
  ck_assert_int_eq(weir_sleep(&timed_out.op, 1, probe_note), 0);
  weir_run(loop);
  ck_completed(&parked, UV_ECANCELED);
  ck_completed(&yield, UV_ECANCELED);
  ck_completed(&send, UV_ECANCELED);
  ck_completed(&timed_out, UV_ETIMEDOUT);
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
  weir_ctx_unref(late);
}
END_TEST

START_TEST(pending_op_holds_its_context) {
  static int key;
  weir_ctx_t *parent = weir_ctx_with_value(bg, &key, &key, NULL), *ctx;
  weir_stats_t stats;
  probe_t probe;

  ctx = weir_ctx_with_cancel(parent);
  probe_init(&probe, ctx);
  weir_chan_recv(&probe.op, NULL, NULL, probe_note);
  weir_ctx_unref(ctx);
  weir_ctx_unref(parent);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.contexts, 2);
  ck_assert_ptr_eq(weir_ctx_value(ctx, &key), &key);
  weir_op_cancel(&probe.op);
  weir_run(loop);
  ck_completed(&probe, UV_ECANCELED);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.contexts, 0);
}
END_TEST

static void check_ctx(weir_op_t *op, int status) {
  probe_note(op, status);
  ck_assert_int_eq(weir_ctx_err(op->data), UV_ETIMEDOUT);
}

/* Nothing but the op holds the context whose deadline ends it. */
START_TEST(deadline_reaches_an_op_that_alone_holds_its_context) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 2);
  probe_t probe;

  probe_init(&probe, ctx);
  probe.op.data = ctx;
  weir_chan_recv(&probe.op, NULL, NULL, check_ctx);
  weir_ctx_unref(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, UV_ETIMEDOUT);
}
END_TEST

/* memory of ops */

START_TEST(op_may_be_freed_in_its_callback) {
  weir_op_t *parked = heap_op(), *sleep = heap_op(), *yield = heap_op(), *in_all = heap_op();
  weir_op_t *members[] = {sleep, yield}, *all = heap_op();

  freed = 0;
  weir_chan_recv(parked, NULL, NULL, free_op);
  weir_sleep(sleep, 1, free_op);
  weir_yield(yield, free_op);
  weir_yield(in_all, free_op);
  weir_all(all, members, 2, free_op);
  weir_op_cancel(parked);
  weir_run(loop);
  ck_assert_int_eq(freed, 5);
}
END_TEST

/* A run queue that is never empty, in which contexts come and go with their operations. */

typedef struct churn_s churn_t;

struct churn_s {
  weir_op_t ops[2];
  weir_chan_t *ch;
  void (*round)(churn_t *churn);
  int rounds;
  size_t most_contexts;
};

static void ignore_value(weir_range_t *range, const void *value, int status) {
  (void)range, (void)value, (void)status;
}

static void stop_a_range(churn_t *churn) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_range_t range;
  int value = 1;

  weir_range_init(&range, ctx);
  ck_assert_int_eq(weir_range_start(&range, churn->ch, ignore_value), 0);
  ck_assert_int_eq(weir_chan_try_send(churn->ch, &value), 0);
  ck_assert_int_eq(weir_range_stop(&range), 0);
  weir_ctx_unref(ctx);
}

static void churn_on(weir_op_t *op, int status) {
  churn_t *churn = op->data;
  weir_stats_t stats;

  ck_assert_int_eq(status, 0);
  churn->round(churn);
  weir_stats(loop, &stats);
  if (stats.contexts > churn->most_contexts) churn->most_contexts = stats.contexts;
  if (churn->rounds-- > 0) weir_yield(op, churn_on);
}

static size_t most_contexts_of_churn(void (*round)(churn_t *churn), weir_ctx_t *ctx) {
  churn_t churn = {.rounds = 40000, .round = round};

  churn.ch = weir_chan_new(loop, WEIR_TYPE(int), 0);
  for (int i = 0; i < 2; i++) {
    weir_op_init(&churn.ops[i], ctx);
    churn.ops[i].data = &churn;
    weir_yield(&churn.ops[i], churn_on);
  }
  if (ctx != bg) weir_ctx_unref(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_chan_unref(churn.ch);
  return churn.most_contexts;
}

enum { TURN_OR_TWO = 4000 };

START_TEST(contexts_of_stopped_ranges_do_not_pile_up_on_a_busy_loop) {
  ck_assert_uint_lt(most_contexts_of_churn(stop_a_range, bg), TURN_OR_TWO);
}
END_TEST

static void run_an_op(churn_t *churn) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_op_t *op = malloc(sizeof(*op));

  (void)churn;
  weir_op_init(op, ctx);
  weir_yield(op, free_op);
  weir_ctx_unref(ctx);
}

START_TEST(contexts_of_completed_ops_do_not_pile_up_on_a_busy_loop) {
  ck_assert_uint_lt(most_contexts_of_churn(run_an_op, bg), TURN_OR_TWO);
}
END_TEST

/* The two ops that go on for ever hold their context in turn, and nothing else does. */
START_TEST(context_held_by_ops_only_does_not_keep_others_from_going) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);

  ck_assert_uint_lt(most_contexts_of_churn(run_an_op, ctx), TURN_OR_TWO);
}
END_TEST

/* What is left runnable when a drain ends early keeps its context, which goes once that has run. */

static weir_stats_t stats_now(void) {
  weir_stats_t stats;

  weir_stats(loop, &stats);
  return stats;
}

START_TEST(contexts_go_after_what_was_runnable_under_them) {
  weir_ctx_t *ctxs[] = {weir_ctx_with_cancel(bg), weir_ctx_with_cancel(bg)};
  weir_ctx_t *parents[] = {bg, ctxs[0], bg, ctxs[1]};
  uint64_t before = stats_now().completions;
  probe_t yields[4];

  for (int i = 0; i < 4; i++) {
    probe_init(&yields[i], parents[i]);
    ck_assert_int_eq(weir_yield(&yields[i].op, probe_note), 0);
  }
  for (size_t i = 0; i < 2; i++) {
    weir_ctx_unref(ctxs[i]);
    ck_assert_int_eq(weir_op_wait(&yields[i].op), 0);
    ck_assert_uint_eq(stats_now().contexts, 2);
    ck_assert_uint_eq(stats_now().ops_runnable, 3 - i);
    ck_assert_uint_eq(stats_now().completions, before + i + 1);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 4; i++) ck_completed(&yields[i], 0);
  ck_assert_uint_eq(stats_now().contexts, 0);
  ck_assert_uint_eq(stats_now().ops_runnable, 0);
  ck_assert_uint_eq(stats_now().completions, before + 4);
}
END_TEST

static const support_test_t tests[] = {
    T(fresh_op_is_idle_with_status_0),
    T(init_leaves_data_alone),
    T(pending_op_has_status_ebusy_then_that_of_its_completion),
    T(op_is_idle_inside_its_own_callback),
    T(yield_completes_after_what_is_runnable_now),
    T(yield_in_a_callback_lets_the_others_go_first),
    T(starting_a_pending_op_gives_ebusy_and_changes_nothing),
    T(start_without_an_op_gives_einval),
    T(op_may_be_reused_in_its_own_callback),
    T(op_may_be_reused_for_another_kind),
    T(cancel_of_an_idle_op_gives_enoent),
    T(cancel_of_a_parked_op_gives_0_and_ecanceled),
    T(cancel_of_a_runnable_op_gives_ealready_and_it_reports_what_happened),
    T(cancel_in_the_own_callback_gives_enoent),
    T(cancelled_sleep_lets_the_program_end),
    T(op_under_a_cancelled_context_completes_so),
    T(pending_op_holds_its_context),
    T(deadline_reaches_an_op_that_alone_holds_its_context),
    T(op_may_be_freed_in_its_callback),
    T(contexts_of_stopped_ranges_do_not_pile_up_on_a_busy_loop),
    T(contexts_of_completed_ops_do_not_pile_up_on_a_busy_loop),
    T(context_held_by_ops_only_does_not_keep_others_from_going),
    T(contexts_go_after_what_was_runnable_under_them),
};

SUITE_MAIN("op", tests)
