/* Description: groups: when tasks start, the limit and the queue, the first error, want
 * of memory. */
#include <stdlib.h>

#include "support/tasks.h"

/* starting */

START_TEST(task_starts_inside_the_call) {
  task_t task = {0};

  new_group(0);
  go(start_task, &task);
  ck_assert_int_eq(task.starts, 1);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(task.starts, 1);
  task_done(0);
  ck_ends(0);
}
END_TEST

START_TEST(without_a_limit_all_run_at_once) {
  enum { MANY = 1000 };
  task_t tasks[MANY] = {0};

  new_group(0);
  for (int i = 0; i < MANY; i++) go(start_task, &tasks[i]);
  ck_assert_int_eq(running, MANY);
  for (int i = 0; i < MANY; i++) ck_assert_uint_eq(tasks[i].order, 1 + (unsigned)i);
  for (int i = 0; i < MANY; i++) task_done(0);
  ck_ends(0);
}
END_TEST

START_TEST(null_gives_einval) {
  new_group(1);
  ck_assert_int_eq(weir_group_go(NULL, start_task, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_group_go(group, NULL, NULL), UV_EINVAL);
  ck_ends(0);
}
END_TEST

static int arg_seen;

static void start_with_null(weir_group_t *of, void *arg) {
  arg_seen += arg == NULL;
  weir_group_done(of, 0);
}

START_TEST(arg_may_be_null) {
  arg_seen = 0;
  new_group(0);
  go(start_with_null, NULL);
  ck_assert_int_eq(arg_seen, 1);
  ck_ends(0);
}
END_TEST

/* the limit, and the queue */

START_TEST(over_the_limit_tasks_wait_in_order) {
  enum { MANY = 10, LIMIT = 3 };
  task_t tasks[MANY] = {0};

  new_group(LIMIT);
  for (int i = 0; i < MANY; i++) go(start_task, &tasks[i]);
  ck_assert_int_eq(running, LIMIT);
  for (int i = 0; i < MANY; i++) ck_assert_int_eq(tasks[i].starts, i < LIMIT);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int done = 1; done <= MANY; done++) { /* the next one starts inside the call */
    task_done(0);
    for (int i = 0; i < MANY; i++) ck_assert_int_eq(tasks[i].starts, i < LIMIT + done);
  }
  for (int i = 0; i < MANY; i++) ck_assert_uint_eq(tasks[i].order, 1 + (unsigned)i);
  ck_assert_int_eq(most_running, LIMIT);
  ck_ends(0);
}
END_TEST

START_TEST(limit_holds_from_the_first_to_the_last) {
  enum { MANY = 200, LIMIT = 7 };
  task_t tasks[MANY] = {0};
  uint64_t start, sum = 0;

  weir_loop_virtual_time(loop);
  start = weir_now(loop);
  new_group(LIMIT);
  for (int i = 0; i < MANY; i++) {
    tasks[i].ms = 1 + (uint64_t)(i * 7919 % 100);
    sum += tasks[i].ms;
    go(start_sleep, &tasks[i]);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(most_running, LIMIT);
  for (int i = 0; i < MANY; i++) ck_assert_uint_eq(tasks[i].order, 1 + (unsigned)i);
  ck_assert_uint_ge(weir_now(loop) - start, sum / LIMIT); /* no place has stayed empty: */
  ck_assert_uint_le(weir_now(loop) - start, sum / LIMIT + 100);
  ck_ends(0);
}
END_TEST

START_TEST(place_that_is_free_again_is_taken_at_once) {
  task_t tasks[3] = {0};

  new_group(2);
  go(start_task, &tasks[0]);
  go(start_task, &tasks[1]);
  task_done(0);
  go(start_task, &tasks[2]);
  ck_assert_int_eq(tasks[2].starts, 1);
  task_done(0);
  task_done(0);
  ck_ends(0);
}
END_TEST

static task_t *late;

/* There is place for it, but others wait. */
static void start_then_go(weir_group_t *of, void *arg) {
  task_note_start(of, arg);
  task_done(0);
  go(start_task, late);
  ck_assert_int_eq(late->starts, 0);
  depth--;
}

START_TEST(go_inside_a_start_does_not_overtake) {
  task_t tasks[5] = {0};

  late = &tasks[4];
  new_group(1);
  go(start_task, &tasks[0]);
  go(start_then_go, &tasks[1]);
  go(start_task, &tasks[2]);
  go(start_task, &tasks[3]);
  task_done(0);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(tasks[i].starts, 1);
  for (int i = 2; i < 5; i++) task_done(0);
  for (int i = 0; i < 5; i++) ck_assert_uint_eq(tasks[i].order, 1 + (unsigned)i);
  ck_assert_int_eq(most_running, 1);
  ck_ends(0);
}
END_TEST

enum { LONG = 100000 };

START_TEST(done_inside_start_takes_no_stack_however_long_the_queue) {
  task_t *tasks = calloc(LONG + 1, sizeof(*tasks));

  new_group(1);
  go(start_task, &tasks[0]);
  for (int i = 1; i <= LONG; i++) go(start_done, &tasks[i]);
  task_done(0);
  for (int i = 0; i <= LONG; i++) CHECK(tasks[i].starts == 1 && tasks[i].order == 1 + (unsigned)i);
  ck_assert_int_eq(most_depth, 1);
  ck_assert_int_eq(most_running, 1);
  ck_ends(0);
  free(tasks);
}
END_TEST

static int links_left;

/* Queues its successor, then makes place for it. */
static void start_link(weir_group_t *of, void *arg) {
  task_note_start(of, arg);
  if (links_left-- > 0) go(start_link, arg);
  task_done(0);
  depth--;
}

START_TEST(chain_of_tasks_takes_no_stack) {
  task_t task = {0};

  links_left = LONG;
  new_group(1);
  go(start_link, &task);
  ck_assert_int_eq(task.starts, LONG + 1);
  ck_assert_int_le(most_depth, 2);
  ck_ends(0);
}
END_TEST

START_TEST(done_when_nothing_runs_is_ignored) {
  task_t tasks[2] = {0};

  new_group(1);
  weir_group_done(group, 0);
  weir_group_done(group, UV_EIO);
  go(start_task, &tasks[0]);
  go(start_task, &tasks[1]);
  ck_assert_int_eq(tasks[1].starts, 0); /* the limit is what it was */
  task_done(0);
  task_done(0);
  weir_group_done(group, UV_EIO);
  ck_assert_int_eq(weir_ctx_err(weir_group_ctx(group)), 0);
  ck_ends(0);
}
END_TEST

/* the first error */

START_TEST(first_error_is_cause_and_status) {
  task_t tasks[3] = {0};
  weir_ctx_t *ctx;

  new_group(0);
  ctx = weir_group_ctx(group);
  for (int i = 0; i < 3; i++) go(start_task, &tasks[i]);
  task_done(0);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  task_done(UV_EIO);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_cause(ctx), UV_EIO);
  task_done(UV_EPERM); /* later ones are ignored */
  ck_assert_int_eq(weir_ctx_cause(ctx), UV_EIO);
  ck_ends(UV_EIO);
}
END_TEST

START_TEST(error_cancels_what_the_others_wait_for) {
  task_t tasks[5] = {0};
  uint64_t start;

  weir_loop_virtual_time(loop);
  start = weir_now(loop);
  new_group(0);
  for (int i = 0; i < 5; i++) tasks[i].ms = i == 3 ? 1000 : 7200000;
  tasks[3].status = UV_ECONNRESET;
  for (int i = 0; i < 5; i++) go(start_sleep, &tasks[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(weir_now(loop) - start, 1000);
  for (int i = 0; i < 5; i++)
    ck_assert_int_eq(weir_op_status(&tasks[i].op), i == 3 ? 0 : UV_ECANCELED);
  ck_ends(UV_ECONNRESET);
}
END_TEST

START_TEST(queued_tasks_are_never_started_after_an_error) {
  enum { QUEUED = 4 };
  task_t tasks[2 + QUEUED] = {0};
  size_t before;

  new_group(2);
  before = support_outstanding();
  for (int i = 0; i < 2 + QUEUED; i++) go(start_task, &tasks[i]);
  task_done(UV_EIO);
  ck_assert_uint_eq(support_outstanding(), before); /* nothing is kept of them */
  task_done(0);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 2; i < 2 + QUEUED; i++) ck_assert_int_eq(tasks[i].starts, 0);
  ck_ends(UV_EIO);
}
END_TEST

START_TEST(go_after_an_error_gives_ecanceled_and_starts_nothing) {
  task_t tasks[2] = {0}, refused = {0};
  probe_t probe;

  new_group(2);
  for (int i = 0; i < 2; i++) go(start_task, &tasks[i]);
  task_done(UV_EIO);
  ck_assert_int_eq(weir_group_go(group, start_task, &refused), UV_ECANCELED);
  task_done(0);
  ck_assert_int_eq(weir_group_go(group, start_task, &refused), UV_ECANCELED);
  start_wait(&probe);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(weir_group_go(group, start_task, &refused), UV_ECANCELED);
  ck_assert_int_eq(weir_group_go(group, NULL, NULL), UV_EINVAL);
  ck_assert_int_eq(refused.starts, 0);
  ck_ends(UV_EIO);
}
END_TEST

START_TEST(error_inside_start_is_no_error_of_go) {
  task_t task = {.status = UV_EIO}, refused = {0};

  new_group(0);
  go(start_done, &task);
  ck_assert_int_eq(weir_ctx_cause(weir_group_ctx(group)), UV_EIO);
  ck_assert_int_eq(weir_group_go(group, start_task, &refused), UV_ECANCELED);
  ck_assert_int_eq(refused.starts, 0);
  ck_ends(UV_EIO);
}
END_TEST

START_TEST(error_of_a_queued_task_ends_the_queue) {
  enum { FAILS = 5 };
  task_t *tasks = calloc(LONG, sizeof(*tasks));

  new_group(1);
  go(start_task, &tasks[0]);
  tasks[FAILS].status = UV_EIO;
  for (int i = 1; i < LONG; i++) go(start_done, &tasks[i]);
  task_done(0);
  for (int i = 0; i < LONG; i++) CHECK(tasks[i].starts == (i <= FAILS));
  ck_ends(UV_EIO);
  free(tasks);
}
END_TEST

/* An error, and what is refused because of it, from inside the start of another. */
static void start_then_fail(weir_group_t *of, void *arg) {
  task_note_start(of, arg);
  go(start_task, late);
  task_done(UV_EIO);
  ck_assert_int_eq(weir_group_go(of, start_task, late), UV_ECANCELED);
  depth--;
}

START_TEST(start_may_fail_after_it_has_queued_another) {
  task_t first = {0}, second = {0}, never = {0};

  late = &never;
  new_group(1);
  go(start_task, &first);
  go(start_then_fail, &second);
  task_done(0);
  ck_assert_int_eq(second.starts, 1);
  ck_assert_int_eq(never.starts, 0);
  ck_ends(UV_EIO);
}
END_TEST

/* want of memory */

START_TEST(new_gives_null_without_memory_or_a_parent) {
  size_t before = support_outstanding(), n = 0;

  ck_assert_ptr_null(weir_group_new(NULL, 1));
  for (support_fail_only(n); !(group = weir_group_new(bg, 1)); support_fail_only(++n))
    ck_assert_uint_eq(support_outstanding(), before);
  support_fail_after(SIZE_MAX);
  ck_assert_uint_ge(n, 1);
  ck_ends(0);
  support_fail_after(0);
  ck_assert_ptr_null(weir_group_new(bg, 0));
  support_fail_after(SIZE_MAX);
  ck_assert_uint_eq(support_outstanding(), before);
}
END_TEST

START_TEST(go_that_cannot_wait_gives_enomem_and_changes_nothing) {
  task_t tasks[4] = {0}, refused = {0};

  new_group(1);
  go(start_task, &tasks[0]);
  go(start_task, &tasks[1]);
  support_fail_only(0);
  ck_assert_int_eq(weir_group_go(group, start_task, &refused), UV_ENOMEM);
  go(start_task, &tasks[2]);
  support_fail_after(0);
  ck_assert_int_eq(weir_group_go(group, start_task, &refused), UV_ENOMEM);
  task_done(0);
  support_fail_after(SIZE_MAX);
  go(start_task, &tasks[3]);
  for (int i = 1; i < 4; i++) task_done(0);
  for (int i = 0; i < 4; i++) ck_assert_uint_eq(tasks[i].order, 1 + (unsigned)i);
  ck_assert_int_eq(refused.starts, 0);
  ck_ends(0);
}
END_TEST

START_TEST(what_does_not_wait_allocates_nothing) {
  task_t tasks[3] = {0};
  size_t before;

  new_group(2);
  before = support_allocations();
  support_fail_after(0);
  for (int i = 0; i < 2; i++) go(start_task, &tasks[i]);
  task_done(0);
  go(start_done, &tasks[2]);
  task_done(UV_EIO);
  ck_assert_uint_eq(support_allocations(), before);
  support_fail_after(SIZE_MAX);
  ck_ends(UV_EIO);
}
END_TEST

static const support_test_t tests[] = {
    T(task_starts_inside_the_call),
    T(without_a_limit_all_run_at_once),
    T(null_gives_einval),
    T(arg_may_be_null),
    T(over_the_limit_tasks_wait_in_order),
    T(limit_holds_from_the_first_to_the_last),
    T(place_that_is_free_again_is_taken_at_once),
    T(go_inside_a_start_does_not_overtake),
    T(done_inside_start_takes_no_stack_however_long_the_queue),
    T(chain_of_tasks_takes_no_stack),
    T(done_when_nothing_runs_is_ignored),
    T(first_error_is_cause_and_status),
    T(error_cancels_what_the_others_wait_for),
    T(queued_tasks_are_never_started_after_an_error),
    T(go_after_an_error_gives_ecanceled_and_starts_nothing),
    T(error_inside_start_is_no_error_of_go),
    T(error_of_a_queued_task_ends_the_queue),
    T(start_may_fail_after_it_has_queued_another),
    T(new_gives_null_without_memory_or_a_parent),
    T(go_that_cannot_wait_gives_enomem_and_changes_nothing),
    T(what_does_not_wait_allocates_nothing),
};

SUITE_MAIN("group", tests)
