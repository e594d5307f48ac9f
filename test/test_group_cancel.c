/* Description: groups whose parents are cancelled, and waits that are: then the group goes on. */
#include <string.h>

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

/* cancelled parents: a cancellation is no error until a task makes it one */

START_TEST(cancelled_parent_cancels_the_context_but_starts_the_queue) {
  weir_ctx_t *parent = weir_ctx_with_cancel(bg);

  fresh_group(parent, 1);
  for (int i = 0; i < 3; i++) go(start_task, &tasks[i]);
  weir_ctx_cancel_cause(parent, UV_ENOTCONN);
  ck_assert_int_eq(group_err(), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_cause(weir_group_ctx(group)), UV_ENOTCONN);
  task_done(0);
  ck_assert_int_eq(tasks[1].starts, 1);
  task_done(UV_EIO); /* comes too late to be the cause */
  ck_assert_int_eq(tasks[2].starts, 0);
  ck_assert_int_eq(weir_ctx_cause(weir_group_ctx(group)), UV_ENOTCONN);
  weir_ctx_unref(parent);
  ck_ends(UV_EIO);
}
END_TEST

START_TEST(tasks_hear_that_the_parent_has_timed_out) {
  weir_ctx_t *parent;
  probe_t wait;

  weir_loop_virtual_time(loop);
  parent = weir_ctx_with_timeout(bg, 1000);
  fresh_group(parent, 2);
  for (int i = 0; i < 4; i++) {
    tasks[i].ms = 7200000;
    go(start_sleep, &tasks[i]);
  }
  start_wait(&wait);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&wait, UV_ETIMEDOUT);
  for (int i = 0; i < 4; i++) ck_assert_int_eq(tasks[i].starts, i < 2);
  weir_ctx_unref(parent);
  weir_group_free(group);
}
END_TEST

START_TEST(group_of_a_cancelled_parent_runs_tasks_under_a_cancelled_context) {
  weir_ctx_t *parent = weir_ctx_with_cancel(bg);

  weir_ctx_cancel(parent);
  fresh_group(parent, 0);
  weir_ctx_unref(parent);
  ck_assert_int_eq(group_err(), UV_ECANCELED);
  go(start_task, &tasks[0]);
  ck_assert_int_eq(tasks[0].starts, 1);
  task_done(0);
  ck_ends(0);
}
END_TEST

/* cancelled waits: the group goes on */

START_TEST(cancelled_wait_leaves_the_group_alone) {
  probe_t wait;

  fresh_group(bg, 1);
  go(start_task, &tasks[0]);
  go(start_task, &tasks[1]);
  start_wait(&wait);
  ck_assert_int_eq(weir_op_cancel(&wait.op), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&wait, UV_ECANCELED);
  ck_assert_int_eq(group_err(), 0);
  task_done(0);
  ck_assert_int_eq(tasks[1].starts, 1);
  task_done(0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&wait, UV_ECANCELED);
  ck_assert_int_eq(group_err(), 0); /* nobody has waited */
  ck_ends(0);
}
END_TEST

START_TEST(wait_that_times_out_leaves_the_group_alone) {
  weir_ctx_t *ctx;
  probe_t timed, patient;

  weir_loop_virtual_time(loop);
  ctx = weir_ctx_with_timeout(bg, 500);
  fresh_group(bg, 0);
  tasks[0].ms = 1000;
  go(start_sleep, &tasks[0]);
  wait_under(ctx, &timed);
  start_wait(&patient);
  ck_assert_int_eq(weir_op_wait(&timed.op), UV_ETIMEDOUT);
  ck_assert_int_eq(group_err(), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&timed, UV_ETIMEDOUT);
  ck_completed(&patient, 0);
  weir_ctx_unref(ctx);
  weir_group_free(group);
}
END_TEST

START_TEST(wait_under_a_cancelled_context_is_none) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t idle, busy;

  weir_ctx_cancel(ctx);
  fresh_group(bg, 0);
  wait_under(ctx, &idle);
  ck_assert_uint_eq(weir_run(loop), 0);
  go(start_task, &tasks[0]);
  wait_under(ctx, &busy);
  ck_assert_uint_eq(weir_run(loop), 0);
  task_done(0);
  ck_completed(&idle, UV_ECANCELED);
  ck_completed(&busy, UV_ECANCELED);
  ck_assert_int_eq(group_err(), 0);
  weir_ctx_unref(ctx);
  ck_ends(0);
}
END_TEST

START_TEST(what_has_happened_cannot_be_cancelled) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t waited, at_once;

  group_of(1);
  wait_under(ctx, &waited);
  task_done(UV_EIO);
  wait_under(ctx, &at_once);
  ck_assert_int_eq(weir_op_cancel(&waited.op), UV_EALREADY);
  ck_assert_int_eq(weir_op_cancel(&at_once.op), UV_EALREADY);
  weir_ctx_cancel(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&waited, UV_EIO);
  ck_completed(&at_once, UV_EIO);
  weir_ctx_unref(ctx);
  weir_group_free(group);
}
END_TEST

/* the group's own context, and the loop's */

/* It has happened when the end of the wait cancels its context. */
START_TEST(wait_under_the_groups_own_context_succeeds) {
  probe_t wait, at_once;

  group_of(1);
  wait_under(weir_group_ctx(group), &wait);
  task_done(0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&wait, 0);
  weir_group_free(group);
  fresh_group(bg, 0);
  wait_under(weir_group_ctx(group), &at_once);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&at_once, 0);
  weir_group_free(group);
}
END_TEST

START_TEST(wait_under_the_groups_own_context_is_cancelled_by_an_error) {
  probe_t wait;

  group_of(2);
  wait_under(weir_group_ctx(group), &wait);
  task_done(UV_EIO);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&wait, UV_ECANCELED);
  task_done(0);
  ck_ends(UV_EIO);
}
END_TEST

START_TEST(closing_loop_cancels_tasks_and_waits) {
  own_t own;
  probe_t wait;

  own_open(&own);
  fresh_group(own.bg, 1);
  tasks[0].ms = 7200000;
  go(start_sleep, &tasks[0]);
  go(start_sleep, &tasks[1]);
  wait_under(own.bg, &wait);
  weir_loop_close(own.loop, own_on_closed, &own);
  own_await_closed(&own);
  ck_completed(&wait, UV_ECANCELED);
  ck_assert_int_eq(weir_op_status(&tasks[0].op), UV_ECANCELED);
  ck_assert_int_eq(running, 0);
  ck_assert_int_eq(tasks[1].starts, 0);
  weir_group_free(group);
}
END_TEST

static const support_test_t tests[] = {
    T(cancelled_parent_cancels_the_context_but_starts_the_queue),
    T(tasks_hear_that_the_parent_has_timed_out),
    T(group_of_a_cancelled_parent_runs_tasks_under_a_cancelled_context),
    T(cancelled_wait_leaves_the_group_alone),
    T(wait_that_times_out_leaves_the_group_alone),
    T(wait_under_a_cancelled_context_is_none),
    T(what_has_happened_cannot_be_cancelled),
    T(wait_under_the_groups_own_context_succeeds),
    T(wait_under_the_groups_own_context_is_cancelled_by_an_error),
    T(closing_loop_cancels_tasks_and_waits),
};

SUITE_MAIN("group_cancel", tests)
