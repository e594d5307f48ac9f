/*
 * Semaphores. Permits go to the first that waits, or to nobody: whoever wants few does not starve
 * who wants many. When one leaves, those behind it may be content with what there is; where a
 * cancellation took it, when that has taken all that it is for.
 */
#include <weir/group.h>

#include "mem.h"
#include "turn.h"

struct weir_sem_s {
  weir_loop_t *loop;
  size_t permits, free;
  weir__link_t waiters;
  weir__hook_t after_walk; /* grants */
};

/* A loop that closes cancels all that wait. */
static void grant(weir_sem_t *sem) {
  weir_op_t *op;

  if (sem->loop->closing) return;
  while ((op = weir__turn_first(&sem->waiters)) && op->u.turn.wanted <= sem->free) {
    sem->free -= op->u.turn.wanted;
    weir__turn_ready(op, 0);
  }
}

static void grant_later(weir__hook_t *hook) {
  grant(WEIR__CONTAINER(hook, weir_sem_t, after_walk));
}

weir_sem_t *weir_sem_new(weir_loop_t *loop, size_t permits) {
  weir_sem_t *sem = loop ? weir__malloc(sizeof(*sem)) : NULL;

  if (!sem) return NULL;
  *sem = (weir_sem_t){.loop = loop, .permits = permits, .free = permits};
  weir__queue_init(&sem->waiters);
  sem->after_walk.fire = grant_later;
  return sem;
}

void weir_sem_free(weir_sem_t *sem) {
  weir__free(sem);
}

static int unpark(weir_op_t *op) {
  weir_sem_t *sem = op->u.turn.target;

  weir__turn_leave(op);
  if (!sem->loop->cancelling)
    grant(sem);
  else if (!weir__linked(&sem->after_walk.link))
    weir__queue_push(&sem->loop->after_walk, &sem->after_walk.link);
  return 0;
}

static void describe(weir_op_t *op, FILE *out) {
  const weir_sem_t *sem = op->u.turn.target;

  fprintf(out, "%zu of %zu permits, %zu free", op->u.turn.wanted, sem->permits, sem->free);
}

static const weir__kind_t kind = {.verb = "acquire", .unpark = unpark, .describe = describe};

static int take(weir_sem_t *sem, size_t n) {
  if (!weir__queue_empty(&sem->waiters) || n > sem->free) return UV_EAGAIN;
  sem->free -= n;
  return 0;
}

int weir_sem_acquire(weir_op_t *op, weir_sem_t *sem, size_t n, weir_op_cb cb) {
  bool is_valid = op && op->ctx && sem && n <= sem->permits && weir__scope(op)->loop == sem->loop;
  int started = is_valid ? weir__op_start(op, cb) : UV_EINVAL;

  if (started) return weir__op_accepted(started);
  if (take(sem, n) == 0)
    weir__op_complete(op, 0, 0);
  else
    weir__turn_park(&sem->waiters, op, sem, n, &kind);
  return 0;
}

int weir_sem_try_acquire(weir_sem_t *sem, size_t n) {
  return sem && n <= sem->permits ? take(sem, n) : UV_EINVAL;
}

int weir_sem_release(weir_sem_t *sem, size_t n) {
  if (!sem || n > sem->permits - sem->free) return UV_EINVAL;
  sem->free += n;
  grant(sem);
  return 0;
}
