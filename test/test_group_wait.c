/* Description: groups: waiting for them, their contexts, who may free one and when. */
#include <string.h>

#include "support/dumped.h"
#include "support/tasks.h"

static task_t tasks[10];

static void fresh_group(weir_ctx_t *parent, size_t limit) {
  memset(tasks, 0, sizeof(tasks));
  new_group_under(parent, limit);
}

/* n tasks that run until task_done. */
static void group_of(int n) {
  fresh_group(bg, 0);
  for (int i = 0; i < n; i++) go(start_task, &tasks[i]);
}

static int group_err(void) {
  return weir_ctx_err(weir_group_ctx(group));
}

/* waiting */

START_TEST(wait_when_nothing_runs_completes_after_the_call) {
  probe_t probe;

  fresh_group(bg, 3);
  start_wait(&probe);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, 0);
  ck_assert_uint_eq(probe.index, 0);
  ck_assert_int_eq(group_err(), UV_ECANCELED);
  weir_group_free(group);
}
END_TEST

START_TEST(wait_is_for_all_that_run_and_all_that_are_queued) {
  probe_t probe;

  fresh_group(bg, 2);
  for (int i = 0; i < 5; i++) go(start_task, &tasks[i]);
  start_wait(&probe);
  ck_assert_uint_eq(weir_run(loop), 1);
  for (int i = 0; i < 4; i++) task_done(0);
  go(start_task, &tasks[5]); /* more work while it waits */
  task_done(0);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_not_completed(&probe);
  task_done(0);
  ck_not_completed(&probe); /* no callback inside weir_group_done */
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, 0);
  ck_assert_uint_eq(probe.index, 0);
  weir_group_free(group);
}
END_TEST

/* For a moment, inside weir_group_done, none runs and one is about to start. */
START_TEST(wait_is_not_over_between_two_tasks) {
  probe_t probe;

  fresh_group(bg, 1);
  go(start_task, &tasks[0]);
  go(start_done, &tasks[1]);
  go(start_task, &tasks[2]);
  start_wait(&probe);
  task_done(0);
  ck_assert_int_eq(tasks[1].starts, 1);
  ck_assert_int_eq(tasks[2].starts, 1);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_not_completed(&probe);
  ck_assert_int_eq(group_err(), 0);
  task_done(0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, 0);
  weir_group_free(group);
}
END_TEST

START_TEST(wait_after_an_error_is_for_those_that_still_run) {
  probe_t before, after;

  fresh_group(bg, 2);
  for (int i = 0; i < 5; i++) go(start_task, &tasks[i]);
  start_wait(&before);
  task_done(UV_EIO);
  start_wait(&after);
  ck_assert_uint_eq(weir_run(loop), 2);
  task_done(UV_EPERM);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&before, UV_EIO);
  ck_completed(&after, UV_EIO);
  weir_group_free(group);
}
END_TEST

START_TEST(several_waits_complete_in_order_and_alike) {
  probe_t probes[4];

  group_of(1);
  for (int i = 0; i < 4; i++) start_wait(&probes[i]);
  weir_op_cancel(&probes[1].op);
  ck_assert_uint_eq(weir_run(loop), 3);
  task_done(UV_EIO);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probes[1], UV_ECANCELED);
  for (int i = 0; i < 4; i++)
    if (i != 1) ck_completed(&probes[i], UV_EIO);
  ck_assert_uint_eq(probes[2].order, probes[0].order + 1);
  ck_assert_uint_eq(probes[3].order, probes[2].order + 1);
  ck_ends(UV_EIO); /* and once more */
}
END_TEST

START_TEST(goes_on_after_a_wait_without_error) {
  probe_t first, second;

  fresh_group(bg, 1);
  start_wait(&first);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&first, 0);
  go(start_task, &tasks[0]);
  go(start_task, &tasks[1]);
  ck_assert_int_eq(tasks[0].starts, 1);
  start_wait(&second);
  task_done(0);
  ck_assert_int_eq(tasks[1].starts, 1);
  ck_assert_uint_eq(weir_run(loop), 1);
  task_done(UV_EIO); /* the context was cancelled before, without a cause */
  ck_assert_int_eq(weir_ctx_cause(weir_group_ctx(group)), UV_ECANCELED);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&second, UV_EIO);
  ck_ends(UV_EIO);
}
END_TEST

START_TEST(go_after_the_last_is_done_takes_no_wait_back) {
  probe_t first, second;

  group_of(1);
  start_wait(&first);
  task_done(0);
  go(start_task, &tasks[1]);
  start_wait(&second);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_completed(&first, 0);
  ck_not_completed(&second);
  task_done(0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&second, 0);
  weir_group_free(group);
}
END_TEST

START_TEST(misuse_gives_einval_or_ebusy) {
  weir_op_t op, unbound;
  probe_t pending;

  weir_op_init(&op, bg);
  weir_op_init(&unbound, NULL);
  group_of(1);
  ck_assert_int_eq(weir_group_wait(NULL, group, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_group_wait(&op, NULL, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_group_wait(&unbound, group, NULL), UV_EINVAL);
  ck_assert(!weir_op_pending(&op));
  start_wait(&pending);
  ck_assert_int_eq(weir_group_wait(&pending.op, group, probe_note), UV_EBUSY);
  task_done(0);
  ck_assert_int_eq(weir_group_wait(&pending.op, group, probe_note), UV_EBUSY);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&pending, 0);
  weir_group_free(group);
}
END_TEST

/* As every start: its arguments belong to one loop. */
START_TEST(op_of_another_loop_gives_einval) {
  own_t own;
  weir_op_t op;

  own_open(&own);
  group_of(1);
  weir_op_init(&op, own.bg);
  ck_assert_int_eq(weir_group_wait(&op, group, NULL), UV_EINVAL);
  ck_assert(!weir_op_pending(&op));
  task_done(0);
  ck_ends(0);
  own_close(&own);
}
END_TEST

START_TEST(without_a_callback_the_op_is_asked) {
  weir_op_t op;

  weir_loop_virtual_time(loop);
  fresh_group(bg, 0);
  tasks[0].ms = 1000;
  tasks[0].status = UV_EIO;
  go(start_sleep, &tasks[0]);
  go(start_task, &tasks[1]);
  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_group_wait(&op, group, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&op), UV_EAGAIN); /* the second one is still to be done */
  task_done(0);
  ck_assert_int_eq(weir_op_wait(&op), UV_EIO);
  weir_group_free(group);
}
END_TEST

/* the context */

START_TEST(context_is_a_child_of_the_parent) {
  static int key, value;
  weir_ctx_t *parent = weir_ctx_with_value(bg, &key, &value, NULL), *child;

  fresh_group(parent, 0);
  child = weir_group_ctx(group);
  ck_assert_ptr_ne(child, parent);
  ck_assert_ptr_eq(weir_ctx_value(child, &key), &value);
  ck_assert_ptr_eq(weir_ctx_loop(child), loop);
  ck_assert_ptr_eq(weir_group_ctx(group), child);
  go(start_task, &tasks[0]);
  task_done(UV_EIO);
  ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_err(parent), 0); /* never upwards */
  weir_ctx_unref(parent);
  ck_ends(UV_EIO);
}
END_TEST

START_TEST(context_is_cancelled_when_a_wait_ends_and_not_before) {
  weir_ctx_t *ctx;
  probe_t under, wait;

  group_of(2);
  ctx = weir_group_ctx(group);
  probe_init(&under, ctx);
  weir_chan_recv(&under.op, NULL, NULL, probe_note);
  start_wait(&wait);
  task_done(0);
  ck_assert_uint_eq(weir_run(loop), 2);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  task_done(0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&wait, 0);
  ck_completed(&under, UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_cause(ctx), UV_ECANCELED);
  weir_group_free(group);
}
END_TEST

static void on_waited(weir_op_t *op, int status) {
  (void)op;
  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(group_err(), UV_ECANCELED);
  weir_group_free(group); /* and may be freed here */
  group = NULL;
}

START_TEST(callback_of_the_wait_finds_the_context_cancelled_and_may_free_the_group) {
  weir_op_t op;

  group_of(1);
  weir_op_init(&op, bg);
  weir_group_wait(&op, group, on_waited);
  task_done(0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_ptr_null(group);
  fresh_group(bg, 0);
  weir_group_wait(&op, group, on_waited);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_ptr_null(group);
}
END_TEST

START_TEST(without_a_wait_the_context_stays) {
  group_of(2);
  task_done(0);
  task_done(0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(group_err(), 0);
  go(start_task, &tasks[2]);
  task_done(0);
  ck_assert_int_eq(group_err(), 0);
  ck_ends(0);
}
END_TEST

/* inside callbacks, in joins */

enum { LAPS = 5 };

static int laps;

/* Waits again, with another task, inside the callback of the wait. */
static void on_lap(weir_op_t *op, int status) {
  ck_assert_int_eq(status, laps == LAPS ? UV_EIO : 0);
  if (laps++ == LAPS) return;
  tasks[laps].status = laps == LAPS ? UV_EIO : 0;
  go(start_done, &tasks[laps]);
  ck_assert_int_eq(weir_group_wait(op, group, on_lap), 0);
}

START_TEST(waits_and_goes_from_inside_callbacks) {
  weir_op_t op;

  laps = 0;
  fresh_group(bg, 0);
  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_group_wait(&op, group, on_lap), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(laps, LAPS + 1);
  ck_ends(UV_EIO);
}
END_TEST

START_TEST(waits_stand_in_any_and_all) {
  probe_t wait, never, sleep, any, all;
  weir_op_t *either[] = {&never.op, &wait.op}, *both[] = {&wait.op, &sleep.op};

  weir_loop_virtual_time(loop);
  group_of(1);
  start_wait(&wait);
  probe_init(&never, bg);
  weir_chan_recv(&never.op, NULL, NULL, probe_note);
  probe_init(&sleep, bg);
  weir_sleep(&sleep.op, 1000, probe_note);
  probe_init(&any, bg);
  probe_init(&all, bg);
  weir_any(&any.op, either, 2, probe_note);
  weir_all(&all.op, both, 2, probe_note);
  ck_assert_uint_eq(weir_run(loop), 4);
  task_done(UV_EIO);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_completed(&any, UV_EIO);
  ck_assert_uint_eq(any.index, 1);
  ck_completed(&all, 0);
  weir_op_cancel(&never.op);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_group_free(group);
}
END_TEST

/* freeing */

START_TEST(free_of_null_or_of_what_was_never_used) {
  weir_stats_t stats;

  weir_group_free(NULL);
  fresh_group(bg, 0);
  weir_group_free(group);
  fresh_group(bg, 1);
  go(start_task, &tasks[0]);
  task_done(UV_EIO);
  weir_group_free(group);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.contexts, 0);
}
END_TEST

START_TEST(context_may_outlive_the_group_and_the_group_the_parents_reference) {
  weir_ctx_t *parent = weir_ctx_with_cancel(bg), *ctx;

  fresh_group(parent, 0);
  weir_ctx_unref(parent);
  go(start_task, &tasks[0]);
  task_done(UV_EIO);
  ctx = weir_ctx_ref(weir_group_ctx(group));
  weir_group_free(group);
  ck_assert_int_eq(weir_ctx_cause(ctx), UV_EIO);
  weir_ctx_unref(ctx);
}
END_TEST

/* seeing, memory */

START_TEST(parked_waits_are_counted_and_named) {
  weir_op_t op;

  group_of(7);
  weir_op_init_at(&op, bg, "here:7");
  weir_group_wait(&op, group, NULL);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_dumped("here:7: wait", "group with 7 running");
  for (int i = 0; i < 7; i++) task_done(0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_dumped_nothing();
  weir_group_free(group);
}
END_TEST

START_TEST(waits_allocate_nothing) {
  probe_t probes[3];
  size_t before;

  group_of(1);
  before = support_allocations();
  support_fail_after(0);
  for (int i = 0; i < 2; i++) start_wait(&probes[i]);
  weir_op_cancel(&probes[0].op);
  task_done(0);
  start_wait(&probes[2]);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probes[1], 0);
  ck_completed(&probes[2], 0);
  ck_assert_uint_eq(support_allocations(), before);
  weir_group_free(group);
}
END_TEST

static const support_test_t tests[] = {
    T(wait_when_nothing_runs_completes_after_the_call),
    T(wait_is_for_all_that_run_and_all_that_are_queued),
    T(wait_is_not_over_between_two_tasks),
    T(wait_after_an_error_is_for_those_that_still_run),
    T(several_waits_complete_in_order_and_alike),
    T(goes_on_after_a_wait_without_error),
    T(go_after_the_last_is_done_takes_no_wait_back),
    T(misuse_gives_einval_or_ebusy),
    T(op_of_another_loop_gives_einval),
    T(without_a_callback_the_op_is_asked),
    T(context_is_a_child_of_the_parent),
    T(context_is_cancelled_when_a_wait_ends_and_not_before),
    T(callback_of_the_wait_finds_the_context_cancelled_and_may_free_the_group),
    T(without_a_wait_the_context_stays),
    T(waits_and_goes_from_inside_callbacks),
    T(waits_stand_in_any_and_all),
    T(free_of_null_or_of_what_was_never_used),
    T(context_may_outlive_the_group_and_the_group_the_parents_reference),
    T(parked_waits_are_counted_and_named),
    T(waits_allocate_nothing),
};

SUITE_MAIN("group_wait", tests)
