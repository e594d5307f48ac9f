/* Description: semaphores: who waits no more, and who goes on because of it. */
#include "support/sems.h"

START_TEST(cancelled_head_lets_those_behind_go_on) {
  probe_t big, small[3];

  new_sem(4);
  acquire_now(2);
  acquire(&big, 4);
  for (int i = 0; i < 3; i++) acquire(&small[i], 1);
  ck_assert_int_eq(weir_op_cancel(&big.op), 0);
  ck_not_completed(&small[0]);
  run_with(1);
  ck_completed(&big, UV_ECANCELED);
  for (int i = 0; i < 2; i++) ck_completed(&small[i], 0);
  ck_not_completed(&small[2]);
  release(1);
  run_with(0);
  ck_completed(&small[2], 0);
  ck_free(0, 4);
  weir_sem_free(sem);
}
END_TEST

START_TEST(cancelled_waiter_behind_changes_nothing_for_the_others) {
  probe_t probes[4];

  new_sem(3);
  acquire_now(2);
  for (int i = 0; i < 4; i++) acquire(&probes[i], i == 0 ? 2 : 1);
  weir_op_cancel(&probes[1].op);
  weir_op_cancel(&probes[3].op);
  run_with(2);
  ck_not_completed(&probes[0]);
  ck_not_completed(&probes[2]);
  release(2);
  run_with(0);
  ck_assert_uint_eq(probes[2].order, probes[0].order + 1);
  ck_free(0, 3);
  weir_sem_free(sem);
}
END_TEST

/* Nobody waits for it then, even if the loop has not run since. */
START_TEST(semaphore_may_be_freed_once_its_waiters_are_cancelled) {
  probe_t probes[2];

  new_sem(1);
  acquire_now(1);
  for (int i = 0; i < 2; i++) acquire(&probes[i], 1);
  for (int i = 0; i < 2; i++) ck_assert_int_eq(weir_op_cancel(&probes[i].op), 0);
  weir_sem_free(sem);
  run_with(0);
  for (int i = 0; i < 2; i++) ck_completed(&probes[i], UV_ECANCELED);
}
END_TEST

START_TEST(release_after_a_cancel_serves_the_next) {
  probe_t probes[2];

  new_sem(2);
  acquire_now(2);
  acquire(&probes[0], 2);
  acquire(&probes[1], 1);
  weir_op_cancel(&probes[0].op);
  release(1);
  ck_assert_int_eq(weir_op_cancel(&probes[1].op), UV_EALREADY);
  run_with(0);
  ck_completed(&probes[0], UV_ECANCELED);
  ck_completed(&probes[1], 0);
  ck_free(0, 2);
  weir_sem_free(sem);
}
END_TEST

START_TEST(what_has_happened_keeps_its_permits) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t at_once, waited;

  new_sem(2);
  acquire_now(1);
  acquire_under(ctx, &at_once, 1);
  acquire_under(ctx, &waited, 1);
  release(1);
  ck_assert_int_eq(weir_op_cancel(&at_once.op), UV_EALREADY);
  ck_assert_int_eq(weir_op_cancel(&waited.op), UV_EALREADY);
  weir_ctx_cancel(ctx);
  run_with(0);
  ck_completed(&at_once, 0);
  ck_completed(&waited, 0);
  ck_free(0, 2);
  weir_ctx_unref(ctx);
  weir_sem_free(sem);
}
END_TEST

START_TEST(waiter_that_times_out_has_no_permits) {
  weir_ctx_t *ctx;
  probe_t timed, patient;

  weir_loop_virtual_time(loop);
  ctx = weir_ctx_with_timeout(bg, 5000);
  new_sem(3);
  acquire_now(2);
  acquire_under(ctx, &timed, 2);
  acquire(&patient, 1);
  run_with(0);
  ck_completed(&timed, UV_ETIMEDOUT);
  ck_completed(&patient, 0);
  release(2);
  ck_free(2, 3);
  weir_ctx_unref(ctx);
  weir_sem_free(sem);
}
END_TEST

START_TEST(under_a_cancelled_context_nothing_is_acquired) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t probe, waits, behind;

  weir_ctx_cancel(ctx);
  new_sem(2);
  acquire_under(ctx, &probe, 1);
  ck_free(2, 2); /* nor in between */
  run_with(0);
  ck_completed(&probe, UV_ECANCELED);
  acquire_now(1);
  acquire(&waits, 2);
  acquire_under(ctx, &behind, 1);
  run_with(1);
  ck_completed(&behind, UV_ECANCELED);
  release(1);
  run_with(0);
  ck_completed(&waits, 0);
  ck_free(0, 2);
  weir_ctx_unref(ctx);
  weir_sem_free(sem);
}
END_TEST

START_TEST(cancelled_context_takes_its_waiters_and_lets_the_others_go_on) {
  enum { MANY = 100 };
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t probes[MANY];

  new_sem(MANY);
  acquire_now(MANY / 2);
  for (int i = 0; i < MANY; i++) /* the first wants more than there is */
    acquire_under(i % 2 ? bg : ctx, &probes[i], i % 2 ? 1 : MANY);
  weir_ctx_cancel(ctx);
  for (int i = 0; i < MANY; i++) ck_not_completed(&probes[i]);
  run_with(0);
  for (int i = 0; i < MANY; i++) ck_completed(&probes[i], i % 2 ? 0 : UV_ECANCELED);
  for (int i = 3; i < MANY; i += 2) ck_assert_uint_gt(probes[i].order, probes[i - 2].order);
  ck_free(0, MANY);
  weir_ctx_unref(ctx);
  weir_sem_free(sem);
}
END_TEST

/* All of them were waiting when it was cancelled: that one leaves is no success for the next. */
START_TEST(cancelled_context_grants_nothing_to_its_own_waiters) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(ctx);
  probe_t probes[6];

  new_sem(4);
  acquire_now(2);
  for (int i = 0; i < 6; i++) /* the first wants more than there is, the others do not */
    acquire_under(i % 2 ? child : ctx, &probes[i], i == 0 ? 4 : 1);
  weir_ctx_cancel(ctx);
  run_with(0);
  for (int i = 0; i < 6; i++) ck_completed(&probes[i], UV_ECANCELED);
  ck_free(2, 4);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  weir_sem_free(sem);
}
END_TEST

START_TEST(context_that_times_out_grants_nothing_to_its_own_waiters) {
  weir_ctx_t *ctx;
  probe_t big, small;

  weir_loop_virtual_time(loop);
  ctx = weir_ctx_with_timeout(bg, 1000);
  new_sem(2);
  acquire_now(1);
  acquire_under(ctx, &big, 2);
  acquire_under(ctx, &small, 1);
  run_with(0);
  ck_completed(&big, UV_ETIMEDOUT);
  ck_completed(&small, UV_ETIMEDOUT);
  ck_free(1, 2);
  weir_ctx_unref(ctx);
  weir_sem_free(sem);
}
END_TEST

START_TEST(closing_loop_cancels_all_waiters) {
  weir_ctx_t *detached;
  own_t own;
  probe_t probes[3];

  own_open(&own);
  sem = weir_sem_new(own.loop, 2);
  detached = weir_ctx_without_cancel(own.bg);
  acquire_now(1);
  acquire_under(own.bg, &probes[0], 2);
  acquire_under(own.bg, &probes[1], 1);
  acquire_under(detached, &probes[2], 0);
  weir_loop_close(own.loop, own_on_closed, &own);
  own_await_closed(&own);
  for (int i = 0; i < 3; i++) ck_completed(&probes[i], UV_ECANCELED);
  ck_assert_int_eq(weir_sem_release(sem, 1), 0);
  weir_ctx_unref(detached);
  weir_sem_free(sem);
}
END_TEST

static const support_test_t tests[] = {
    T(cancelled_head_lets_those_behind_go_on),
    T(cancelled_waiter_behind_changes_nothing_for_the_others),
    T(semaphore_may_be_freed_once_its_waiters_are_cancelled),
    T(release_after_a_cancel_serves_the_next),
    T(what_has_happened_keeps_its_permits),
    T(waiter_that_times_out_has_no_permits),
    T(under_a_cancelled_context_nothing_is_acquired),
    T(cancelled_context_takes_its_waiters_and_lets_the_others_go_on),
    T(cancelled_context_grants_nothing_to_its_own_waiters),
    T(context_that_times_out_grants_nothing_to_its_own_waiters),
    T(closing_loop_cancels_all_waiters),
};

SUITE_MAIN("sem_cancel", tests)
