/* Description: weighted semaphores: who gets permits and in which order, and what is refused. */
#include <stdint.h>
#include <stdlib.h>

#include "support/dumped.h"
#include "support/sems.h"

/* acquiring and releasing */

START_TEST(acquire_of_what_is_free_completes_after_the_call) {
  probe_t probes[3];

  new_sem(6);
  for (int i = 0; i < 3; i++) acquire(&probes[i], (size_t)i + 1);
  run_with(0);
  for (int i = 0; i < 3; i++) ck_completed(&probes[i], 0);
  for (int i = 1; i < 3; i++) ck_assert_uint_eq(probes[i].order, probes[i - 1].order + 1);
  ck_assert_uint_eq(probes[0].index, 0);
  ck_free(0, 6);
  release(5);
  ck_free(5, 6);
  release(1);
  ck_free(6, 6);
  weir_sem_free(sem);
}
END_TEST

START_TEST(acquire_waits_for_enough_permits) {
  probe_t probe;

  new_sem(3);
  acquire_now(3);
  acquire(&probe, 2);
  run_with(1);
  release(1);
  run_with(1);
  ck_not_completed(&probe);
  release(1);
  ck_not_completed(&probe); /* no callback inside weir_sem_release */
  run_with(0);
  ck_completed(&probe, 0);
  ck_assert_uint_eq(probe.index, 0);
  ck_free(0, 3);
  weir_sem_free(sem);
}
END_TEST

START_TEST(permits_belong_to_whom_they_were_given_before_the_callback) {
  probe_t probe;

  new_sem(2);
  acquire(&probe, 2);
  ck_assert_int_eq(weir_sem_try_acquire(sem, 1), UV_EAGAIN);
  release(2);
  ck_assert_int_eq(weir_sem_release(sem, 1), UV_EINVAL);
  run_with(0);
  ck_completed(&probe, 0);
  weir_sem_free(sem);
}
END_TEST

START_TEST(waiters_are_served_in_the_order_of_their_starts) {
  enum { MANY = 10000 };
  probe_t *probes = malloc(MANY * sizeof(*probes));
  unsigned first = probe_count;

  new_sem(1);
  acquire_now(1);
  for (int i = 0; i < MANY; i++) acquire(&probes[i], 1);
  run_with(MANY);
  for (size_t i = 0; i < MANY; i++) {
    release(1);
    ck_assert_int_eq(weir_sem_try_acquire(sem, 1), UV_EAGAIN);
    if (i % 1000 == 0) run_with(MANY - 1 - i);
  }
  run_with(0);
  for (int i = 0; i < MANY; i++) {
    ck_completed(&probes[i], 0);
    ck_assert_uint_eq(probes[i].order, first + 1 + (unsigned)i);
  }
  weir_sem_free(sem);
  free(probes);
}
END_TEST

START_TEST(one_release_serves_all_that_it_suffices_for) {
  static const size_t wanted[] = {2, 1, 0, 3, 1};
  probe_t probes[5];

  new_sem(6);
  acquire_now(6);
  for (int i = 0; i < 5; i++) acquire(&probes[i], wanted[i]);
  release(5);
  run_with(2);
  for (int i = 0; i < 3; i++) ck_completed(&probes[i], 0);
  for (int i = 1; i < 3; i++) ck_assert_uint_eq(probes[i].order, probes[i - 1].order + 1);
  for (int i = 3; i < 5; i++) ck_not_completed(&probes[i]);
  release(1);
  run_with(1);
  ck_completed(&probes[3], 0);
  release(1);
  run_with(0);
  ck_completed(&probes[4], 0);
  weir_sem_free(sem);
}
END_TEST

START_TEST(who_wants_many_is_not_starved_by_who_wants_few) {
  probe_t big, small[3];

  new_sem(4);
  acquire_now(2);
  acquire(&big, 3);
  for (int i = 0; i < 3; i++) acquire(&small[i], 1); /* there are 2 */
  run_with(4);
  release(1);
  run_with(3);
  ck_completed(&big, 0);
  for (int i = 0; i < 3; i++) ck_not_completed(&small[i]);
  release(1);
  run_with(2);
  ck_completed(&small[0], 0);
  release(3);
  run_with(0);
  ck_free(1, 4);
  weir_sem_free(sem);
}
END_TEST

START_TEST(try_never_overtakes) {
  probe_t big;

  new_sem(4);
  acquire_now(2);
  acquire(&big, 3);
  for (size_t n = 0; n <= 4; n++) ck_assert_int_eq(weir_sem_try_acquire(sem, n), UV_EAGAIN);
  release(1);
  ck_assert_int_eq(weir_sem_try_acquire(sem, 1), UV_EAGAIN);
  run_with(0);
  ck_completed(&big, 0);
  release(1);
  acquire_now(1);
  ck_free(0, 4);
  weir_sem_free(sem);
}
END_TEST

START_TEST(try_takes_all_or_nothing) {
  new_sem(3);
  acquire_now(1);
  ck_assert_int_eq(weir_sem_try_acquire(sem, 3), UV_EAGAIN);
  ck_free(2, 3);
  acquire_now(2);
  ck_free(0, 3);
  weir_sem_free(sem);
}
END_TEST

START_TEST(acquire_of_0_needs_nothing_but_its_turn) {
  probe_t none, big, behind;

  new_sem(1);
  acquire_now(1);
  acquire_now(0);
  acquire(&none, 0);
  run_with(0);
  ck_completed(&none, 0);
  acquire(&big, 1);
  acquire(&behind, 0);
  run_with(2);
  release(0);
  run_with(2);
  release(1);
  run_with(0);
  ck_completed(&behind, 0);
  ck_assert_uint_eq(behind.order, big.order + 1);
  weir_sem_free(sem);
}
END_TEST

START_TEST(semaphore_may_have_no_permits_or_all_there_are) {
  probe_t probe;

  new_sem(0);
  acquire(&probe, 0);
  run_with(0);
  ck_completed(&probe, 0);
  ck_free(0, 0);
  weir_sem_free(sem);
  new_sem(SIZE_MAX);
  acquire_now(SIZE_MAX);
  acquire(&probe, SIZE_MAX);
  release(SIZE_MAX - 1);
  run_with(1);
  release(1);
  run_with(0);
  ck_completed(&probe, 0);
  ck_assert_int_eq(weir_sem_release(sem, SIZE_MAX), 0);
  ck_assert_int_eq(weir_sem_release(sem, SIZE_MAX), UV_EINVAL);
  weir_sem_free(sem);
}
END_TEST

/* what is refused */

START_TEST(release_of_more_than_is_acquired_gives_einval_and_changes_nothing) {
  probe_t probe;

  new_sem(5);
  ck_assert_int_eq(weir_sem_release(sem, 1), UV_EINVAL);
  ck_assert_int_eq(weir_sem_release(sem, SIZE_MAX), UV_EINVAL);
  release(0);
  ck_free(5, 5);
  acquire_now(3);
  acquire(&probe, 4);
  ck_assert_int_eq(weir_sem_release(sem, 4), UV_EINVAL);
  ck_assert_int_eq(weir_sem_release(sem, SIZE_MAX), UV_EINVAL);
  ck_assert_int_eq(weir_sem_release(sem, SIZE_MAX - 1), UV_EINVAL);
  run_with(1);
  ck_not_completed(&probe);
  release(2);
  run_with(0);
  ck_free(0, 5);
  weir_sem_free(sem);
}
END_TEST

START_TEST(acquire_of_more_than_there_are_gives_einval_and_blocks_nobody) {
  weir_op_t op;
  probe_t waits, behind;

  new_sem(2);
  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_sem_acquire(&op, sem, 3, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_sem_acquire(&op, sem, SIZE_MAX, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_sem_try_acquire(sem, 3), UV_EINVAL);
  ck_assert(!weir_op_pending(&op));
  acquire_now(2);
  acquire(&waits, 2);
  ck_assert_int_eq(weir_sem_acquire(&op, sem, 3, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_sem_try_acquire(sem, 3), UV_EINVAL);
  acquire(&behind, 1);
  release(2);
  run_with(1);
  ck_completed(&waits, 0);
  release(1);
  run_with(0);
  ck_completed(&behind, 0);
  weir_sem_free(sem);
}
END_TEST

START_TEST(null_gives_einval) {
  weir_op_t op, unbound;

  new_sem(1);
  weir_op_init(&op, bg);
  weir_op_init(&unbound, NULL);
  ck_assert_ptr_null(weir_sem_new(NULL, 1));
  ck_assert_int_eq(weir_sem_acquire(NULL, sem, 1, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_sem_acquire(&op, NULL, 1, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_sem_acquire(&op, NULL, 0, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_sem_acquire(&unbound, sem, 1, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_sem_try_acquire(NULL, 0), UV_EINVAL);
  ck_assert_int_eq(weir_sem_release(NULL, 0), UV_EINVAL);
  ck_assert(!weir_op_pending(&op));
  ck_free(1, 1);
  weir_sem_free(sem);
  weir_sem_free(NULL);
}
END_TEST

START_TEST(op_of_another_loop_gives_einval) {
  own_t own;
  weir_op_t op;

  own_open(&own);
  new_sem(2);
  weir_op_init(&op, own.bg);
  ck_assert_int_eq(weir_sem_acquire(&op, sem, 1, NULL), UV_EINVAL);
  acquire_now(2);
  ck_assert_int_eq(weir_sem_acquire(&op, sem, 1, NULL), UV_EINVAL);
  ck_assert(!weir_op_pending(&op));
  release(2);
  ck_free(2, 2);
  own_close(&own);
  weir_sem_free(sem);
}
END_TEST

START_TEST(pending_op_gives_ebusy_and_takes_nothing) {
  probe_t waits, has;

  new_sem(2);
  acquire(&has, 1);
  ck_assert_int_eq(weir_sem_acquire(&has.op, sem, 1, probe_note), UV_EBUSY);
  ck_free(1, 2);
  acquire(&waits, 2);
  ck_assert_int_eq(weir_sem_acquire(&waits.op, sem, 0, probe_note), UV_EBUSY);
  release(1);
  run_with(0);
  ck_completed(&waits, 0);
  ck_completed(&has, 0);
  weir_sem_free(sem);
}
END_TEST

/* inside callbacks, in joins */

enum { WORKERS = 10, PERMITS = 3, ROUNDS = 4 };

typedef struct user_s {
  weir_op_t op;
  int rounds;
} user_t;

static int in_use, most_in_use;

static void on_acquired(weir_op_t *op, int status);

static void on_used(weir_op_t *op, int status) {
  ck_assert_int_eq(status, 0);
  in_use--;
  release(1);
  if (--((user_t *)op)->rounds > 0) ck_assert_int_eq(weir_sem_acquire(op, sem, 1, on_acquired), 0);
}

static void on_acquired(weir_op_t *op, int status) {
  ck_assert_int_eq(status, 0);
  if (++in_use > most_in_use) most_in_use = in_use;
  ck_assert_int_eq(weir_sleep(op, 1000, on_used), 0);
}

START_TEST(acquires_and_releases_from_inside_callbacks) {
  user_t users[WORKERS];
  uint64_t start;

  in_use = most_in_use = 0;
  weir_loop_virtual_time(loop);
  start = weir_now(loop);
  new_sem(PERMITS);
  for (int i = 0; i < WORKERS; i++) {
    users[i].rounds = ROUNDS;
    weir_op_init(&users[i].op, bg);
    weir_sem_acquire(&users[i].op, sem, 1, on_acquired);
  }
  run_with(0);
  ck_assert_int_eq(most_in_use, PERMITS);
  ck_assert_uint_eq(weir_now(loop) - start, (WORKERS * ROUNDS + PERMITS - 1) / PERMITS * 1000);
  ck_free(PERMITS, PERMITS);
  weir_sem_free(sem);
}
END_TEST

static void free_sem(weir_op_t *op, int status) {
  (void)op, (void)status;
  weir_sem_free(sem);
}

START_TEST(semaphore_may_be_freed_with_permits_out_and_in_a_callback) {
  weir_op_t op;

  weir_op_init(&op, bg);
  new_sem(2);
  acquire_now(1);
  weir_sem_acquire(&op, sem, 1, free_sem);
  run_with(0);
  ck_assert_int_eq(weir_op_status(&op), 0);
}
END_TEST

START_TEST(acquires_stand_in_any_and_all) {
  probe_t small, big, any, all;
  weir_op_t *ops[] = {&big.op, &small.op};

  new_sem(3);
  acquire_now(3);
  acquire(&small, 1);
  acquire(&big, 2);
  probe_init(&any, bg);
  probe_init(&all, bg);
  weir_any(&any.op, ops, 2, probe_note);
  weir_all(&all.op, ops, 2, probe_note);
  run_with(4);
  release(2);
  run_with(2);
  ck_completed(&any, 0);
  ck_assert_uint_eq(any.index, 1);
  ck_not_completed(&all);
  release(1);
  run_with(0);
  ck_completed(&all, 0);
  weir_sem_free(sem);
}
END_TEST

START_TEST(without_a_callback_the_op_is_asked) {
  weir_op_t op;

  weir_op_init(&op, bg);
  new_sem(1);
  acquire_now(1);
  ck_assert_int_eq(weir_sem_acquire(&op, sem, 1, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&op), UV_EAGAIN);
  release(1);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_free(0, 1);
  weir_sem_free(sem);
}
END_TEST

/* seeing, memory */

START_TEST(parked_acquires_are_counted_and_named) {
  weir_op_t op;

  new_sem(30);
  acquire_now(25);
  weir_op_init_at(&op, bg, "here:7");
  weir_sem_acquire(&op, sem, 12, NULL);
  run_with(1);
  ck_dumped("here:7: acquire", "12 of 30 permits");
  weir_op_cancel(&op);
  run_with(0);
  ck_dumped_nothing();
  weir_sem_free(sem);
}
END_TEST

START_TEST(new_gives_null_without_memory) {
  support_fail_after(0);
  ck_assert_ptr_null(weir_sem_new(loop, 1));
  support_fail_after(SIZE_MAX);
  new_sem(1);
  weir_sem_free(sem);
}
END_TEST

START_TEST(operations_allocate_nothing) {
  probe_t probes[3];
  size_t before;

  new_sem(2);
  before = support_allocations();
  support_fail_after(0);
  for (int i = 0; i < 3; i++) acquire(&probes[i], 2);
  weir_op_cancel(&probes[1].op);
  release(2);
  run_with(0);
  ck_completed(&probes[2], 0);
  release(2);
  acquire_now(1);
  ck_assert_uint_eq(support_allocations(), before);
  weir_sem_free(sem);
}
END_TEST

static const support_test_t tests[] = {
    T(acquire_of_what_is_free_completes_after_the_call),
    T(acquire_waits_for_enough_permits),
    T(permits_belong_to_whom_they_were_given_before_the_callback),
    T(waiters_are_served_in_the_order_of_their_starts),
    T(one_release_serves_all_that_it_suffices_for),
    T(who_wants_many_is_not_starved_by_who_wants_few),
    T(try_never_overtakes),
    T(try_takes_all_or_nothing),
    T(acquire_of_0_needs_nothing_but_its_turn),
    T(semaphore_may_have_no_permits_or_all_there_are),
    T(release_of_more_than_is_acquired_gives_einval_and_changes_nothing),
    T(acquire_of_more_than_there_are_gives_einval_and_blocks_nobody),
    T(null_gives_einval),
    T(op_of_another_loop_gives_einval),
    T(pending_op_gives_ebusy_and_takes_nothing),
    T(acquires_and_releases_from_inside_callbacks),
    T(semaphore_may_be_freed_with_permits_out_and_in_a_callback),
    T(acquires_stand_in_any_and_all),
    T(without_a_callback_the_op_is_asked),
    T(parked_acquires_are_counted_and_named),
    T(new_gives_null_without_memory),
    T(operations_allocate_nothing),
};

SUITE_MAIN("sem", tests)
