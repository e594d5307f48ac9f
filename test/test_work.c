/* Description: weir_work: what runs on the thread pool, and what is taken back before it does. */
#include <stdio.h>
#include <string.h>

#include "support/elsewhere.h"
#include "support/pool.h"
#include "support/values.h"

/* A piece of work that is not waited for. */
static void count_call(void *calls) {
  ++*(int *)calls;
}

static void work_under(weir_ctx_t *ctx, probe_t *probe, void (*fn)(void *), void *arg) {
  probe_init(probe, ctx);
  ck_assert_int_eq(weir_work(&probe->op, fn, arg, probe_note), 0);
  ck_not_completed(probe);
}

/* running */

static void note_thread(void *self) {
  *(uv_thread_t *)self = uv_thread_self();
}

START_TEST(fn_runs_on_another_thread_and_completes_0_here) {
  uv_thread_t here = uv_thread_self(), there = here;
  probe_t work;

  work_under(bg, &work, note_thread, &there);
  ck_assert_uint_eq(weir_run(loop), 0); /* it kept the loop alive */
  ck_completed(&work, 0);
  ck_assert_uint_eq(work.index, 0);
  ck_assert(!uv_thread_equal(&here, &there));
}
END_TEST

START_TEST(work_runs_once_for_each_start) {
  int calls[100] = {0};
  probe_t works[100];

  for (int i = 0; i < 100; i++) work_under(bg, &works[i], count_call, &calls[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 100; i++) {
    ck_completed(&works[i], 0);
    ck_assert_int_eq(calls[i], 1);
  }
}
END_TEST

START_TEST(callback_runs_on_the_loop_and_not_before_fn_has_returned) {
  task_t task;
  probe_t work;

  task_init(&task);
  work_under(bg, &work, task_run, &task);
  task_await_running(&task);
  for (int i = 0; i < 3; i++) uv_run(uv, UV_RUN_NOWAIT);
  ck_not_completed(&work);
  ck_assert_int_eq(weir_op_status(&work.op), UV_EBUSY);
  task_let_end(&task);
  weir_run(loop);
  ck_completed(&work, 0);
  task_destroy(&task);
}
END_TEST

static int restart_calls;

static void restart(weir_op_t *op, int status) {
  probe_note(op, status);
  ck_assert_int_eq(status, 0);
  if (restart_calls < 5) ck_assert_int_eq(weir_work(op, count_call, &restart_calls, restart), 0);
}

START_TEST(op_may_be_started_again_in_its_callback) {
  probe_t work;

  restart_calls = 0;
  probe_init(&work, bg);
  weir_work(&work.op, count_call, &restart_calls, restart);
  weir_run(loop);
  ck_assert_int_eq(work.calls, 5);
  ck_assert_int_eq(restart_calls, 5);
}
END_TEST

static void free_it(weir_op_t *op, int status) {
  ck_assert_int_eq(status, 0);
  free(op);
}

START_TEST(op_may_be_freed_in_its_callback) {
  weir_op_t *op = malloc(sizeof(*op));
  int calls = 0;

  weir_op_init(op, bg);
  ck_assert_int_eq(weir_work(op, count_call, &calls, free_it), 0);
  weir_run(loop);
  ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(op_wait_waits_for_it) {
  int calls = 0;
  weir_op_t op;

  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_work(&op, count_call, &calls, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_assert_int_eq(calls, 1);
  ck_assert_int_eq(weir_op_status(&op), 0);
}
END_TEST

START_TEST(joins_wait_for_it) {
  int calls = 0;
  probe_t work, parked, any, all;
  weir_op_t *ops[] = {&parked.op, &work.op};

  work_under(bg, &work, count_call, &calls);
  start_recv(&parked, NULL, NULL);
  probe_init(&any, bg);
  probe_init(&all, bg);
  weir_any(&any.op, ops, 2, probe_note);
  weir_all(&all.op, &ops[1], 1, probe_note);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_completed(&any, 0);
  ck_assert_uint_eq(any.index, 1);
  ck_completed(&all, 0);
  cancel_and_run(&parked);
}
END_TEST

/* Longer than the sleep beside it, which comes after it in virtual time. */
static void be_slow(void *arg) {
  (void)arg;
  be_busy(30);
}

START_TEST(virtual_time_does_not_jump_over_work) {
  probe_t work, sleep;

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  probe_init(&sleep, bg);
  weir_sleep(&sleep.op, 1, probe_note);
  work_under(bg, &work, be_slow, NULL);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&work, 0);
  ck_completed(&sleep, 0);
  ck_assert_uint_lt(work.order, sleep.order);
}
END_TEST

/* starts that are refused, or come too late */

START_TEST(wrong_starts_are_refused) {
  int calls = 0;
  task_t task;
  probe_t work;

  task_init(&task);
  probe_init(&work, bg);
  ck_assert_int_eq(weir_work(&work.op, NULL, &calls, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_work(NULL, count_call, &calls, probe_note), UV_EINVAL);
  work_under(bg, &work, task_run, &task);
  ck_assert_int_eq(weir_work(&work.op, count_call, &calls, probe_note), UV_EBUSY);
  task_let_end(&task);
  weir_run(loop);
  ck_completed(&work, 0);
  ck_assert_int_eq(calls, 0);
  task_destroy(&task);
}
END_TEST

START_TEST(start_without_memory_gives_enomem_and_starts_nothing) {
  int calls = 0;
  probe_t work;

  probe_init(&work, bg);
  support_fail_after(0);
  ck_assert_int_eq(weir_work(&work.op, count_call, &calls, probe_note), UV_ENOMEM);
  support_fail_after(SIZE_MAX);
  ck_assert(!weir_op_pending(&work.op));
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(work.calls + calls, 0);
  work_under(bg, &work, count_call, &calls);
  weir_run(loop);
  ck_completed(&work, 0);
}
END_TEST

START_TEST(start_under_a_cancelled_context_runs_nothing) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *late = weir_ctx_with_timeout(bg, 0);
  int calls = 0;
  probe_t work, too_late;

  weir_ctx_cancel(ctx);
  work_under(ctx, &work, count_call, &calls);
  work_under(late, &too_late, count_call, &calls);
  weir_run(loop);
  ck_completed(&work, UV_ECANCELED);
  ck_completed(&too_late, UV_ETIMEDOUT);
  ck_assert_int_eq(calls, 0);
  weir_ctx_unref(ctx);
  weir_ctx_unref(late);
}
END_TEST

START_TEST(start_on_a_closed_loop_is_refused) {
  int calls = 0;
  weir_ctx_t *ctx;
  probe_t work;
  own_t own;

  own_open(&own);
  ctx = weir_ctx_with_cancel(own.bg);
  own_close(&own);
  probe_init(&work, ctx);
  ck_assert_int_eq(weir_work(&work.op, count_call, &calls, probe_note), UV_ECANCELED);
  weir_ctx_unref(ctx);
  ck_assert_int_eq(calls, 0);
}
END_TEST

/* cancelled while it is queued */

START_TEST(cancel_of_queued_work_takes_it_back) {
  int calls[3] = {0};
  probe_t works[3];
  pool_t pool;

  pool_fill(&pool);
  for (int i = 0; i < 3; i++) work_under(bg, &works[i], count_call, &calls[i]);
  ck_assert_int_eq(weir_op_cancel(&works[1].op), 0);
  ck_not_completed(&works[1]);
  ck_assert_int_eq(weir_op_wait(&works[1].op), UV_ECANCELED); /* while the pool is still full */
  ck_completed(&works[1], UV_ECANCELED);
  ck_not_completed(&works[0]);
  pool_empty(&pool);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&works[0], 0);
  ck_completed(&works[2], 0);
  ck_assert_int_eq(works[1].calls, 1);
  ck_assert_int_eq(calls[0] + calls[2], 2);
  ck_assert_int_eq(calls[1], 0);
}
END_TEST

START_TEST(cancelled_op_may_be_started_again_while_the_pool_is_full) {
  int first = 0, second = 0;
  probe_t work;
  pool_t pool;

  pool_fill(&pool);
  work_under(bg, &work, count_call, &first);
  weir_op_cancel(&work.op);
  ck_assert_int_eq(weir_op_cancel(&work.op), UV_EALREADY);
  ck_assert_int_eq(weir_op_wait(&work.op), UV_ECANCELED);
  ck_assert_int_eq(weir_op_cancel(&work.op), UV_ENOENT);
  work_under(bg, &work, count_call, &second);
  pool_empty(&pool);
  weir_run(loop);
  ck_completed(&work, 0);
  ck_assert_int_eq(first, 0);
  ck_assert_int_eq(second, 1);
}
END_TEST

START_TEST(context_takes_queued_work_back_with_its_err) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *timed = weir_ctx_with_timeout(bg, 2);
  int calls = 0;
  probe_t work, timed_work;
  pool_t pool;

  pool_fill(&pool);
  work_under(ctx, &work, count_call, &calls);
  work_under(timed, &timed_work, count_call, &calls);
  weir_ctx_cancel(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&work, UV_ECANCELED);
  ck_completed(&timed_work, UV_ETIMEDOUT);
  pool_empty(&pool);
  weir_run(loop);
  ck_assert_int_eq(calls, 0);
  weir_ctx_unref(ctx);
  weir_ctx_unref(timed);
}
END_TEST

static void cancel(void *ctx) {
  weir_ctx_cancel(ctx);
}

START_TEST(another_thread_takes_queued_work_back) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  int calls = 0;
  probe_t work;
  pool_t pool;

  pool_fill(&pool);
  work_under(ctx, &work, count_call, &calls);
  elsewhere(cancel, ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&work, UV_ECANCELED);
  pool_empty(&pool);
  ck_assert_int_eq(calls, 0);
  weir_ctx_unref(ctx);
}
END_TEST

/* cancelled while it runs */

START_TEST(cancel_of_running_work_gives_ebusy) {
  task_t task;
  probe_t work;

  task_init(&task);
  work_under(bg, &work, task_run, &task);
  task_await_running(&task);
  ck_assert_int_eq(weir_op_cancel(&work.op), UV_EBUSY);
  uv_run(uv, UV_RUN_NOWAIT);
  ck_not_completed(&work);
  ck_assert_int_eq(weir_op_cancel(&work.op), UV_EBUSY);
  task_let_end(&task);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&work, 0);
  ck_assert_int_eq(task.calls, 1);
  task_destroy(&task);
}
END_TEST

START_TEST(context_of_running_work_changes_nothing) {
  weir_ctx_t *ctxs[] = {weir_ctx_with_cancel(bg), weir_ctx_with_timeout(bg, 1)};
  task_t tasks[2];
  probe_t works[2], wait;

  for (int i = 0; i < 2; i++) {
    task_init(&tasks[i]);
    work_under(ctxs[i], &works[i], task_run, &tasks[i]);
  }
  for (int i = 0; i < 2; i++) task_await_running(&tasks[i]);
  weir_ctx_cancel(ctxs[0]);
  probe_init(&wait, bg);
  weir_ctx_wait(&wait.op, ctxs[1], probe_note);
  ck_assert_int_eq(weir_op_wait(&wait.op), 0);
  uv_run(uv, UV_RUN_NOWAIT);
  for (int i = 0; i < 2; i++) ck_not_completed(&works[i]);
  for (int i = 0; i < 2; i++) task_let_end(&tasks[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 2; i++) {
    ck_completed(&works[i], 0);
    task_destroy(&tasks[i]);
    weir_ctx_unref(ctxs[i]);
  }
}
END_TEST

START_TEST(cancel_of_work_that_has_returned_is_too_late) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  task_t task;
  probe_t work;
  int err;

  task_init(&task);
  task_let_end(&task);
  work_under(ctx, &work, task_run, &task);
  task_await_running(&task);
  err = weir_op_cancel(&work.op); /* it may have returned, but nobody has been told */
  ck_assert(err == UV_EBUSY || err == UV_EALREADY);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_completed(&work, 0);
  task_destroy(&task);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(running_work_holds_its_context) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_stats_t stats;
  task_t task;
  probe_t work;

  task_init(&task);
  work_under(ctx, &work, task_run, &task);
  task_await_running(&task);
  weir_ctx_cancel(ctx);
  weir_ctx_unref(ctx);
  uv_run(uv, UV_RUN_NOWAIT);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.contexts, 1);
  task_let_end(&task);
  weir_run(loop);
  ck_completed(&work, 0);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.contexts, 0);
  task_destroy(&task);
}
END_TEST

/* Whoever is first: it is taken back and does not run, or it runs. */
START_TEST(cancel_races_with_the_pool) {
  int taken_back = 0;

  for (int i = 0; i < 1000; i++) {
    int calls = 0, err;
    probe_t work;

    work_under(bg, &work, count_call, &calls);
    for (volatile int spin = 0; spin < i % 500 * 20; spin++) continue;
    err = weir_op_cancel(&work.op);
    ensure(err == 0 || err == UV_EBUSY || err == UV_EALREADY);
    ensure_eq(weir_op_wait(&work.op), err ? 0 : UV_ECANCELED);
    ensure_eq(calls, err != 0);
    ensure_eq(work.calls, 1);
    taken_back += !err;
  }
  ck_assert_int_lt(taken_back, 1000);
}
END_TEST

/* closing */

START_TEST(close_takes_queued_work_back) {
  int calls = 0;
  probe_t work;
  pool_t pool;
  own_t own;

  pool_fill(&pool);
  own_open(&own);
  work_under(own.bg, &work, count_call, &calls);
  own_close(&own); /* while the pool is still full */
  ck_completed(&work, UV_ECANCELED);
  pool_empty(&pool);
  ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(close_waits_for_running_work) {
  task_t task;
  probe_t work;
  own_t own;

  task_init(&task);
  own_open(&own);
  work_under(own.bg, &work, task_run, &task);
  task_await_running(&task);
  weir_loop_close(own.loop, own_on_closed, &own);
  for (int i = 0; i < 10; i++) uv_run(&own.uv, UV_RUN_NOWAIT);
  ck_assert_int_eq(own.closed, 0);
  ck_not_completed(&work);
  task_let_end(&task);
  own_await_closed(&own);
  ck_completed(&work, 0);
  task_destroy(&task);
}
END_TEST

START_TEST(work_started_while_closing_runs_nothing) {
  int calls = 0;
  probe_t work;
  own_t own;

  own_open(&own);
  weir_loop_close(own.loop, own_on_closed, &own);
  work_under(own.bg, &work, count_call, &calls);
  own_await_closed(&own);
  ck_completed(&work, UV_ECANCELED);
  ck_assert_int_eq(calls, 0);
}
END_TEST

/* seen from outside */

static void ck_dumped(const char *what) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);

  weir_dump(loop, out);
  fclose(out);
  ck_assert_ptr_nonnull(strstr(text, __FILE__));
  ck_assert_ptr_nonnull(strstr(text, what));
  free(text);
}

START_TEST(dump_and_stats_name_it) {
  weir_stats_t stats;
  task_t task;
  probe_t work;

  task_init(&task);
  probe_init(&work, bg);
  weir_work(&work.op, task_run, &task, probe_note);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.ops_parked, 1);
  ck_dumped(": work");
  task_await_running(&task);
  task_let_end(&task);
  weir_run(loop);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.ops_parked, 0);
  ck_assert_uint_eq(stats.completions, 1);
  task_destroy(&task);
}
END_TEST

static const support_test_t tests[] = {
    T(fn_runs_on_another_thread_and_completes_0_here),
    T(work_runs_once_for_each_start),
    T(callback_runs_on_the_loop_and_not_before_fn_has_returned),
    T(op_may_be_started_again_in_its_callback),
    T(op_may_be_freed_in_its_callback),
    T(op_wait_waits_for_it),
    T(joins_wait_for_it),
    T(virtual_time_does_not_jump_over_work),
    T(wrong_starts_are_refused),
    T(start_without_memory_gives_enomem_and_starts_nothing),
    T(start_under_a_cancelled_context_runs_nothing),
    T(start_on_a_closed_loop_is_refused),
    T(cancel_of_queued_work_takes_it_back),
    T(cancelled_op_may_be_started_again_while_the_pool_is_full),
    T(context_takes_queued_work_back_with_its_err),
    T(another_thread_takes_queued_work_back),
    T(cancel_of_running_work_gives_ebusy),
    T(context_of_running_work_changes_nothing),
    T(cancel_of_work_that_has_returned_is_too_late),
    T(running_work_holds_its_context),
    T(cancel_races_with_the_pool),
    T(close_takes_queued_work_back),
    T(close_waits_for_running_work),
    T(work_started_while_closing_runs_nothing),
    T(dump_and_stats_name_it),
};

SUITE_MAIN("work", tests)
