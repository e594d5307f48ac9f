/*
 * Groups: tasks that run, up to a limit, and tasks that wait to be started.
 *
 *   1. go       Over the limit, or behind others that wait, a task is queued.
 *   2. done     Makes place for the first that waits. The first error drops all that do and cancels
 *               the context: nothing is started any more.
 *   3. wait     When no task is left, those that wait for the group complete, and its context is
 *               cancelled.
 *
 * `start` may call weir_group_done, which starts the next: in the loop of the outermost call, so
 * that a long queue takes no stack.
 */
#include <weir/group.h>

#include "mem.h"
#include "turn.h"

typedef struct task_s task_t;
struct task_s {
  task_t *next;
  weir_group_fn start;
  void *arg;
};

struct weir_group_s {
  weir_ctx_t *ctx;
  size_t limit, running;
  task_t *first, **last; /* to be started */
  weir__link_t waiters;
  int status; /* the first error */
  bool is_starting;
};

weir_group_t *weir_group_new(weir_ctx_t *parent, size_t limit) {
  weir_group_t *group = parent ? weir__malloc(sizeof(*group)) : NULL;

  if (!group) return NULL;
  *group = (weir_group_t){.ctx = weir_ctx_with_cancel(parent), .limit = limit ? limit : SIZE_MAX};
  group->last = &group->first;
  weir__queue_init(&group->waiters);
  if (group->ctx) return group;
  weir__free(group);
  return NULL;
}

weir_ctx_t *weir_group_ctx(weir_group_t *group) {
  return group ? group->ctx : NULL;
}

/* tasks that wait */

static task_t *pop(weir_group_t *group) {
  task_t *task = group->first;

  if (!task) return NULL;
  group->first = task->next;
  if (!group->first) group->last = &group->first;
  return task;
}

static int push(weir_group_t *group, weir_group_fn start, void *arg) {
  task_t *task = weir__malloc(sizeof(*task));

  if (!task) return UV_ENOMEM;
  *task = (task_t){NULL, start, arg};
  *group->last = task;
  group->last = &task->next;
  return 0;
}

static void forget_all(weir_group_t *group) {
  task_t *task;

  while ((task = pop(group))) weir__free(task);
}

/* running */

static void start_waiting(weir_group_t *group) {
  task_t *popped;

  if (group->is_starting) return;
  group->is_starting = true;
  while (group->running < group->limit && (popped = pop(group))) {
    task_t task = *popped;
    weir__free(popped);
    group->running++;
    task.start(group, task.arg);
  }
  group->is_starting = false;
}

static bool is_idle(const weir_group_t *group) {
  return group->running == 0 && !group->first;
}

/* A wait ends the group's context, as in errgroup. */
static void finish_waits(weir_group_t *group) {
  if (weir__queue_empty(&group->waiters)) return;
  weir__turn_ready_all(&group->waiters, group->status);
  weir_ctx_cancel(group->ctx);
}

int weir_group_go(weir_group_t *group, weir_group_fn start, void *arg) {
  if (!group || !start) return UV_EINVAL;
  if (group->status) return UV_ECANCELED;
  if (group->running == group->limit || group->first) return push(group, start, arg);
  group->running++;
  start(group, arg);
  return 0;
}

static void fail(weir_group_t *group, int status) {
  group->status = status;
  forget_all(group);
  weir_ctx_cancel_cause(group->ctx, status);
}

void weir_group_done(weir_group_t *group, int status) {
  if (!group || group->running == 0) return;
  group->running--;
  if (status < 0 && !group->status) fail(group, status);
  start_waiting(group);
  if (is_idle(group)) finish_waits(group);
}

/* waiting */

static void describe(weir_op_t *op, FILE *out) {
  const weir_group_t *group = op->u.turn.target;

  fprintf(out, "for a group with %zu running", group->running);
}

static const weir__kind_t kind = {.verb = "wait", .unpark = weir__turn_leave, .describe = describe};

int weir_group_wait(weir_op_t *op, weir_group_t *group, weir_op_cb cb) {
  bool is_valid = op && op->ctx && group && weir__scope(op)->loop == weir_ctx_loop(group->ctx);
  int started = is_valid ? weir__op_start(op, cb) : UV_EINVAL;

  if (started) return weir__op_accepted(started);
  weir__turn_park(&group->waiters, op, group, 0, &kind);
  if (is_idle(group)) finish_waits(group);
  return 0;
}

void weir_group_free(weir_group_t *group) {
  if (!group) return;
  forget_all(group);
  weir_ctx_cancel(group->ctx);
  weir_ctx_unref(group->ctx);
  weir__free(group);
}
