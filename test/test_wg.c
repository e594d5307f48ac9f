/* Description: wait groups: the counter and its limits, who waits and in which order, reuse. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "support/dumped.h"
#include "support/probe.h"
#include "support/support.h"

static weir_wg_t wg;

static void wait_under(weir_ctx_t *ctx, probe_t *probe) {
  probe_init(probe, ctx);
  ck_assert_int_eq(weir_wg_wait(&probe->op, &wg, probe_note), 0);
  ck_not_completed(probe);
}

static void start_wait(probe_t *probe) {
  wait_under(bg, probe);
}

static void wg_at(int count) {
  weir_wg_init(&wg);
  ck_assert_int_eq(weir_wg_add(&wg, count), 0);
}

/* The counter is `count`: a wait needs as many to be done, and not one less. */
static void ck_count(int count) {
  probe_t probe;

  start_wait(&probe);
  if (count > 1) ck_assert_int_eq(weir_wg_add(&wg, -(count - 1)), 0);
  ck_assert_uint_eq(weir_run(loop), count > 0);
  if (count > 0) {
    ck_not_completed(&probe);
    ck_assert_int_eq(weir_wg_done(&wg), 0);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, 0);
  ck_assert_int_eq(weir_wg_add(&wg, count), 0);
}

/* the counter */

START_TEST(init_leaves_data_alone) {
  memset(&wg, 0xa5, sizeof(wg));
  wg.data = &wg;
  weir_wg_init(&wg);
  ck_assert_ptr_eq(wg.data, &wg);
  ck_count(0);
}
END_TEST

START_TEST(adds_add_up) {
  wg_at(3);
  ck_assert_int_eq(weir_wg_add(&wg, 2), 0);
  ck_count(5);
  ck_assert_int_eq(weir_wg_add(&wg, -3), 0);
  ck_count(2);
  ck_assert_int_eq(weir_wg_add(&wg, 0), 0);
  ck_count(2);
  ck_assert_int_eq(weir_wg_done(&wg), 0);
  ck_count(1);
}
END_TEST

START_TEST(add_below_0_gives_einval_and_changes_nothing) {
  weir_wg_init(&wg);
  ck_assert_int_eq(weir_wg_done(&wg), UV_EINVAL);
  ck_assert_int_eq(weir_wg_add(&wg, -1), UV_EINVAL);
  ck_assert_int_eq(weir_wg_add(&wg, INT_MIN), UV_EINVAL);
  ck_count(0);
  wg_at(3);
  ck_assert_int_eq(weir_wg_add(&wg, -4), UV_EINVAL);
  ck_assert_int_eq(weir_wg_add(&wg, INT_MIN), UV_EINVAL);
  ck_count(3);
  wg_at(INT_MAX);
  ck_assert_int_eq(weir_wg_add(&wg, INT_MIN), UV_EINVAL);
  ck_count(INT_MAX);
  ck_assert_int_eq(weir_wg_add(&wg, -INT_MAX), 0);
  ck_count(0);
}
END_TEST

START_TEST(add_above_int_max_gives_einval_and_changes_nothing) {
  wg_at(INT_MAX);
  ck_assert_int_eq(weir_wg_add(&wg, 1), UV_EINVAL);
  ck_assert_int_eq(weir_wg_add(&wg, INT_MAX), UV_EINVAL);
  ck_count(INT_MAX);
  wg_at(1);
  ck_assert_int_eq(weir_wg_add(&wg, INT_MAX), UV_EINVAL);
  ck_count(1);
  ck_assert_int_eq(weir_wg_add(&wg, INT_MAX - 1), 0);
  ck_count(INT_MAX);
}
END_TEST

START_TEST(refused_adds_leave_waiters_where_they_are) {
  probe_t probes[2];

  wg_at(2);
  for (int i = 0; i < 2; i++) start_wait(&probes[i]);
  ck_assert_int_eq(weir_wg_add(&wg, -3), UV_EINVAL);
  ck_assert_int_eq(weir_wg_add(&wg, INT_MAX), UV_EINVAL);
  ck_assert_uint_eq(weir_run(loop), 2);
  for (int i = 0; i < 2; i++) ck_not_completed(&probes[i]);
  ck_assert_int_eq(weir_wg_add(&wg, -2), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 2; i++) ck_completed(&probes[i], 0);
}
END_TEST

START_TEST(null_gives_einval) {
  weir_op_t op, unbound;

  weir_op_init(&op, bg);
  weir_op_init(&unbound, NULL);
  weir_wg_init(&wg);
  ck_assert_int_eq(weir_wg_add(NULL, 1), UV_EINVAL);
  ck_assert_int_eq(weir_wg_add(NULL, 0), UV_EINVAL);
  ck_assert_int_eq(weir_wg_done(NULL), UV_EINVAL);
  ck_assert_int_eq(weir_wg_wait(NULL, &wg, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_wg_wait(&op, NULL, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_wg_wait(&unbound, &wg, NULL), UV_EINVAL);
  ck_assert(!weir_op_pending(&op));
  ck_assert_uint_eq(weir_run(loop), 0);
}
END_TEST

/* waiting */

START_TEST(wait_at_0_completes_after_the_call) {
  probe_t probe;

  weir_wg_init(&wg);
  start_wait(&probe);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, 0);
  ck_assert_uint_eq(probe.index, 0);
}
END_TEST

START_TEST(wait_parks_until_the_last_is_done) {
  probe_t probe;

  wg_at(2);
  start_wait(&probe);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_assert_int_eq(weir_wg_done(&wg), 0);
  ck_assert_int_eq(weir_wg_add(&wg, 1), 0); /* more work while it waits */
  ck_assert_int_eq(weir_wg_done(&wg), 0);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_assert_int_eq(weir_wg_done(&wg), 0);
  ck_not_completed(&probe); /* no callback inside weir_wg_done */
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, 0);
  ck_assert_uint_eq(probe.index, 0);
}
END_TEST

START_TEST(waiters_complete_in_the_order_of_their_starts) {
  enum { MANY = 10000 };
  probe_t *probes = malloc(MANY * sizeof(*probes));
  unsigned first = probe_count;

  wg_at(1);
  for (int i = 0; i < MANY; i++) start_wait(&probes[i]);
  ck_assert_uint_eq(weir_run(loop), MANY);
  weir_wg_done(&wg);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < MANY; i++) {
    ck_completed(&probes[i], 0);
    ck_assert_uint_eq(probes[i].order, first + 1 + (unsigned)i);
  }
  free(probes);
}
END_TEST

START_TEST(wait_at_0_stays_behind_those_that_waited) {
  probe_t waited[2], late;

  wg_at(1);
  for (int i = 0; i < 2; i++) start_wait(&waited[i]);
  weir_wg_done(&wg);
  start_wait(&late);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(waited[1].order, waited[0].order + 1);
  ck_assert_uint_eq(late.order, waited[1].order + 1);
}
END_TEST

START_TEST(pending_op_gives_ebusy) {
  probe_t probe;

  wg_at(1);
  start_wait(&probe);
  ck_assert_int_eq(weir_wg_wait(&probe.op, &wg, probe_note), UV_EBUSY);
  weir_wg_done(&wg);
  ck_assert_int_eq(weir_wg_wait(&probe.op, &wg, probe_note), UV_EBUSY);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, 0);
}
END_TEST

START_TEST(without_a_callback_the_op_is_asked) {
  weir_op_t op;

  weir_op_init(&op, bg);
  wg_at(1);
  ck_assert_int_eq(weir_wg_wait(&op, &wg, NULL), 0);
  ck_assert_int_eq(weir_op_status(&op), UV_EBUSY);
  ck_assert_int_eq(weir_op_wait(&op), UV_EAGAIN); /* nobody is there who could be done */
  weir_wg_done(&wg);
  ck_assert(weir_op_pending(&op));
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_assert_int_eq(weir_op_status(&op), 0);
}
END_TEST

/* reuse */

START_TEST(adds_after_0_take_no_waiter_back) {
  probe_t first, second;

  wg_at(1);
  start_wait(&first);
  weir_wg_done(&wg);
  ck_assert_int_eq(weir_wg_add(&wg, 1), 0);
  start_wait(&second);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_completed(&first, 0);
  ck_not_completed(&second);
  weir_wg_done(&wg);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&second, 0);
}
END_TEST

START_TEST(serves_again_after_a_wait) {
  probe_t probe;

  weir_wg_init(&wg);
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(weir_wg_add(&wg, 1), 0);
    start_wait(&probe);
    ck_assert_uint_eq(weir_run(loop), 1);
    ck_assert_int_eq(weir_wg_done(&wg), 0);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&probe, 0);
    ck_assert_int_eq(weir_wg_done(&wg), UV_EINVAL);
  }
}
END_TEST

/* By then nothing waits for it. */
START_TEST(may_go_once_its_waits_have_happened) {
  weir_wg_t *short_lived = malloc(sizeof(*short_lived));
  probe_t probes[3];

  weir_wg_init(short_lived);
  weir_wg_add(short_lived, 1);
  for (int i = 0; i < 3; i++) {
    probe_init(&probes[i], bg);
    ck_assert_int_eq(weir_wg_wait(&probes[i].op, short_lived, probe_note), 0);
  }
  weir_op_cancel(&probes[1].op);
  weir_wg_done(short_lived);
  memset(short_lived, 0xa5, sizeof(*short_lived));
  free(short_lived);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 3; i++) ck_completed(&probes[i], i == 1 ? UV_ECANCELED : 0);
}
END_TEST

/* inside callbacks */

enum { LAPS = 5 };

static weir_op_t lap_op;
static int laps;

static void on_lap_slept(weir_op_t *op, int status) {
  (void)op;
  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(weir_wg_done(&wg), 0);
}

/* Starts a task and waits for it, with the op that is called back. */
static void on_lap(weir_op_t *op, int status) {
  ck_assert_int_eq(status, 0);
  if (laps++ == LAPS) return;
  ck_assert_int_eq(weir_wg_add(&wg, 1), 0);
  ck_assert_int_eq(weir_sleep(&lap_op, 1000, on_lap_slept), 0);
  ck_assert_int_eq(weir_wg_wait(op, &wg, on_lap), 0);
}

START_TEST(waits_and_adds_from_inside_callbacks) {
  weir_op_t op;
  uint64_t start;

  laps = 0;
  weir_loop_virtual_time(loop);
  start = weir_now(loop);
  weir_op_init(&op, bg);
  weir_op_init(&lap_op, bg);
  weir_wg_init(&wg);
  ck_assert_int_eq(weir_wg_wait(&op, &wg, on_lap), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(laps, LAPS + 1);
  ck_assert_uint_eq(weir_now(loop) - start, LAPS * 1000);
}
END_TEST

static void on_slept(weir_op_t *op, int status) {
  (void)op;
  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(weir_wg_done(&wg), 0);
}

START_TEST(waits_for_the_slowest_of_many) {
  enum { TASKS = 100 };
  weir_op_t tasks[TASKS];
  probe_t probe;
  uint64_t start;

  weir_loop_virtual_time(loop);
  start = weir_now(loop);
  weir_wg_init(&wg);
  for (int i = 0; i < TASKS; i++) {
    weir_op_init(&tasks[i], bg);
    weir_wg_add(&wg, 1);
    weir_sleep(&tasks[i], (uint64_t)(i * 37 % TASKS) * 1000, on_slept);
  }
  start_wait(&probe);
  ck_assert_int_eq(weir_op_wait(&probe.op), 0);
  ck_assert_uint_eq(weir_now(loop) - start, (TASKS - 1) * 1000);
  ck_assert_uint_eq(weir_run(loop), 0);
}
END_TEST

/* cancelling */

START_TEST(cancelled_waiter_leaves_the_others_in_order) {
  probe_t probes[4];

  wg_at(1);
  for (int i = 0; i < 4; i++) start_wait(&probes[i]);
  ck_assert_int_eq(weir_op_cancel(&probes[0].op), 0);
  ck_assert_int_eq(weir_op_cancel(&probes[2].op), 0);
  ck_assert_uint_eq(weir_run(loop), 2);
  for (int i = 0; i < 4; i += 2) ck_completed(&probes[i], UV_ECANCELED);
  for (int i = 1; i < 4; i += 2) ck_not_completed(&probes[i]);
  start_wait(&probes[0]); /* at the end now */
  weir_wg_done(&wg);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(probes[3].order, probes[1].order + 1);
  ck_assert_uint_eq(probes[0].order, probes[3].order + 1);
}
END_TEST

START_TEST(cancel_does_not_touch_the_counter) {
  probe_t probe;

  wg_at(2);
  start_wait(&probe);
  weir_op_cancel(&probe.op);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, UV_ECANCELED);
  ck_count(2);
}
END_TEST

START_TEST(what_has_happened_cannot_be_cancelled) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t at_once, released;

  wg_at(1);
  wait_under(ctx, &released);
  weir_wg_done(&wg);
  wait_under(ctx, &at_once);
  ck_assert_int_eq(weir_op_cancel(&released.op), UV_EALREADY);
  ck_assert_int_eq(weir_op_cancel(&at_once.op), UV_EALREADY);
  weir_ctx_cancel(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&released, 0);
  ck_completed(&at_once, 0);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(waiters_time_out) {
  weir_ctx_t *ctx;
  probe_t timed, patient;

  weir_loop_virtual_time(loop);
  ctx = weir_ctx_with_timeout(bg, 5000);
  wg_at(1);
  wait_under(ctx, &timed);
  start_wait(&patient);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_completed(&timed, UV_ETIMEDOUT);
  ck_not_completed(&patient);
  weir_wg_done(&wg);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&timed, UV_ETIMEDOUT);
  ck_completed(&patient, 0);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(cancelled_context_takes_its_waiters_only) {
  enum { MANY = 100 };
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(ctx);
  weir_ctx_t *ctxs[] = {ctx, bg, child};
  probe_t probes[MANY];

  wg_at(1);
  for (int i = 0; i < MANY; i++) wait_under(ctxs[i % 3], &probes[i]);
  weir_ctx_cancel(ctx);
  ck_assert_uint_eq(weir_run(loop), MANY / 3);
  weir_wg_done(&wg);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < MANY; i++) ck_completed(&probes[i], i % 3 == 1 ? 0 : UV_ECANCELED);
  for (int i = 4; i < MANY; i += 3) ck_assert_uint_eq(probes[i].order, probes[i - 3].order + 1);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(under_a_cancelled_context_no_wait_succeeds) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t at_0, at_1;

  weir_ctx_cancel(ctx);
  weir_wg_init(&wg);
  wait_under(ctx, &at_0);
  weir_wg_add(&wg, 1);
  wait_under(ctx, &at_1);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&at_0, UV_ECANCELED);
  ck_completed(&at_1, UV_ECANCELED);
  ck_count(1);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(closing_loop_cancels_waiters) {
  own_t own;
  probe_t probes[2];
  weir_op_t late;

  own_open(&own);
  wg_at(1);
  for (int i = 0; i < 2; i++) wait_under(own.bg, &probes[i]);
  weir_loop_close(own.loop, own_on_closed, &own);
  own_await_closed(&own);
  for (int i = 0; i < 2; i++) ck_completed(&probes[i], UV_ECANCELED);
  ck_count(1); /* another loop's now */
  weir_op_init(&late, bg);
  weir_wg_done(&wg);
  ck_assert_int_eq(weir_wg_wait(&late, &wg, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&late), 0);
}
END_TEST

/* joins */

START_TEST(waits_stand_in_any_and_all) {
  weir_wg_t other;
  probe_t waits[2], any, all;
  weir_op_t *ops[] = {&waits[0].op, &waits[1].op};

  weir_wg_init(&other);
  weir_wg_add(&other, 1);
  wg_at(1);
  start_wait(&waits[0]);
  probe_init(&waits[1], bg);
  weir_wg_wait(&waits[1].op, &other, probe_note);
  probe_init(&any, bg);
  probe_init(&all, bg);
  weir_any(&any.op, ops, 2, probe_note);
  weir_all(&all.op, ops, 2, probe_note);
  ck_assert_uint_eq(weir_run(loop), 4);
  weir_wg_done(&other);
  ck_assert_uint_eq(weir_run(loop), 2);
  ck_completed(&any, 0);
  ck_assert_uint_eq(any.index, 1);
  ck_not_completed(&all);
  weir_wg_done(&wg);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&all, 0);
}
END_TEST

/* Go: select over a done channel and time.After. */
START_TEST(any_with_a_sleep_is_a_wait_with_a_timeout) {
  probe_t wait, sleep, any;
  weir_op_t *ops[] = {&wait.op, &sleep.op};

  weir_loop_virtual_time(loop);
  wg_at(1);
  start_wait(&wait);
  probe_init(&sleep, bg);
  weir_sleep(&sleep.op, 3000, probe_note);
  probe_init(&any, bg);
  weir_any(&any.op, ops, 2, probe_note);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_completed(&any, 0);
  ck_assert_uint_eq(any.index, 1);
  ck_not_completed(&wait);
  weir_op_cancel(&wait.op);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&wait, UV_ECANCELED);
}
END_TEST

/* seeing, memory */

START_TEST(parked_waits_are_counted_and_named) {
  weir_op_t op;

  wg_at(42);
  weir_op_init_at(&op, bg, "here:7");
  weir_wg_wait(&op, &wg, NULL);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_dumped("here:7: wait", "wait group at 42");
  weir_op_cancel(&op);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_dumped_nothing();
}
END_TEST

START_TEST(nothing_is_allocated) {
  size_t before = support_allocations();
  probe_t probes[3];

  support_fail_after(0);
  wg_at(1);
  for (int i = 0; i < 2; i++) start_wait(&probes[i]);
  weir_op_cancel(&probes[0].op);
  weir_wg_done(&wg);
  start_wait(&probes[2]);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(support_allocations(), before);
  ck_completed(&probes[0], UV_ECANCELED);
  ck_completed(&probes[1], 0);
  ck_completed(&probes[2], 0);
}
END_TEST

static const support_test_t tests[] = {
    T(init_leaves_data_alone),
    T(adds_add_up),
    T(add_below_0_gives_einval_and_changes_nothing),
    T(add_above_int_max_gives_einval_and_changes_nothing),
    T(refused_adds_leave_waiters_where_they_are),
    T(null_gives_einval),
    T(wait_at_0_completes_after_the_call),
    T(wait_parks_until_the_last_is_done),
    T(waiters_complete_in_the_order_of_their_starts),
    T(wait_at_0_stays_behind_those_that_waited),
    T(pending_op_gives_ebusy),
    T(without_a_callback_the_op_is_asked),
    T(adds_after_0_take_no_waiter_back),
    T(serves_again_after_a_wait),
    T(may_go_once_its_waits_have_happened),
    T(waits_and_adds_from_inside_callbacks),
    T(waits_for_the_slowest_of_many),
    T(cancelled_waiter_leaves_the_others_in_order),
    T(cancel_does_not_touch_the_counter),
    T(what_has_happened_cannot_be_cancelled),
    T(waiters_time_out),
    T(cancelled_context_takes_its_waiters_only),
    T(under_a_cancelled_context_no_wait_succeeds),
    T(closing_loop_cancels_waiters),
    T(waits_stand_in_any_and_all),
    T(any_with_a_sleep_is_a_wait_with_a_timeout),
    T(parked_waits_are_counted_and_named),
    T(nothing_is_allocated),
};

SUITE_MAIN("wg", tests)
