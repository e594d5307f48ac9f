/*
 * A group and its tasks, which note that and when they start. A task is done inside its start,
 * after a sleep under the group's context, or by hand.
 */
#ifndef WEIR_TEST_TASKS_H
#define WEIR_TEST_TASKS_H

#include "probe.h"
#include "support.h"

typedef struct task_s {
  weir_op_t op; /* first; of its sleep */
  int status;   /* what it will be done with */
  uint64_t ms;  /* how long it sleeps */
  /* results */
  int starts;
  unsigned order; /* among the starts of all tasks, from 1 */
} task_t;

/* Check notes each assertion that holds, which takes longer than what is tested. */
#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) ck_abort_msg("%s", #condition);                                              \
  } while (0)

static weir_group_t *group;
static unsigned task_count;
static int running, most_running;
static int depth, most_depth; /* of starts inside of starts */

static inline void new_group_under(weir_ctx_t *parent, size_t limit) {
  task_count = 0;
  running = most_running = depth = most_depth = 0;
  group = weir_group_new(parent, limit);
  ck_assert_ptr_nonnull(group);
}

static inline void new_group(size_t limit) {
  new_group_under(bg, limit);
  ck_assert_int_eq(weir_ctx_err(weir_group_ctx(group)), 0);
}

static inline void task_done(int status) {
  running--;
  weir_group_done(group, status);
}

static inline void task_note_start(weir_group_t *of, task_t *task) {
  CHECK(of == group);
  task->starts++;
  task->order = ++task_count;
  if (++running > most_running) most_running = running;
  if (++depth > most_depth) most_depth = depth;
}

/* Is done by hand: task_done. */
static inline void start_task(weir_group_t *of, void *arg) {
  task_note_start(of, arg);
  depth--;
}

/* Is done inside its start. */
static inline void start_done(weir_group_t *of, void *arg) {
  task_t *task = arg;

  task_note_start(of, task);
  task_done(task->status);
  depth--;
}

static inline void task_on_slept(weir_op_t *op, int status) {
  task_done(status ? status : ((task_t *)op)->status);
}

static inline void start_sleep(weir_group_t *of, void *arg) {
  task_t *task = arg;

  task_note_start(of, task);
  weir_op_init(&task->op, weir_group_ctx(of));
  ck_assert_int_eq(weir_sleep(&task->op, task->ms, task_on_slept), 0);
  depth--;
}

static inline void go(weir_group_fn start, task_t *task) {
  CHECK(weir_group_go(group, start, task) == 0);
}

static inline void wait_under(weir_ctx_t *ctx, probe_t *probe) {
  probe_init(probe, ctx);
  ck_assert_int_eq(weir_group_wait(&probe->op, group, probe_note), 0);
  ck_not_completed(probe);
}

static inline void start_wait(probe_t *probe) {
  wait_under(bg, probe);
}

/* Waits for the group, which has nothing left to do, and frees it. */
static inline void ck_ends(int status) {
  probe_t probe;

  start_wait(&probe);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, status);
  ck_assert_int_eq(running, 0);
  weir_group_free(group);
}

#endif
