/*
 * Completion handles. The life of an operation:
 *
 *   1. start    An idle op is accepted: from here on it is pending, and holds its context.
 *               Arguments are checked before, so that a refusal has changed nothing.
 *   2. park     What cannot happen at once waits: the op stands in its context's list, which is how
 *               a cancellation finds it, and in what its kind waits in (a channel's queue, the
 *               timer heap, a join). `kind->unpark` undoes the latter.
 *   3. claim    Where other threads may make it happen, who does claims it first (chan.c), once.
 *               A cancellation that comes later is refused by `unpark`: it has happened.
 *   4. ready    On its loop, it leaves both, gets its status and joins the run queue. From here on
 *               nothing can cancel it.
 *   5. run      The loop makes it idle, then calls back (loop.c). The op is the caller's again.
 *
 * 2 is skipped by what happens at once, 3 by what only its own loop makes happen. Whoever makes an
 * op ready does it once, since the op has left everything that could make it ready again, or has
 * been claimed: so each accepted op completes exactly once.
 */
#include "op.h"

/* Callers embed these: they change on purpose only. */
static_assert(sizeof(void *) != 8 || sizeof(weir_op_t) == 128, "size of weir_op_t");
static_assert(sizeof(void *) != 8 || sizeof(weir_case_t) == 48, "size of weir_case_t");

void weir_op_init_at(weir_op_t *op, weir_ctx_t *ctx, const char *where) {
  op->cb = NULL;
  op->ctx = ctx;
  op->kind = NULL;
  op->where = where;
  weir__op_set_state(op, WEIR__IDLE);
  weir__op_set_result(op, 0);
  op->joins = 0;
  op->u.wait.index = 0;
}

bool weir_op_pending(const weir_op_t *op) {
  return weir__op_state(op) != WEIR__IDLE;
}

int weir_op_status(const weir_op_t *op) {
  return weir__op_state(op) == WEIR__IDLE ? weir__op_result(op) : UV_EBUSY;
}

size_t weir_op_index(const weir_op_t *op) {
  return weir__op_state(op) == WEIR__IDLE ? op->u.wait.index : 0;
}

weir_ctx_t *weir_op_ctx(const weir_op_t *op) {
  return op ? op->ctx : NULL;
}

int weir_op_cancel(weir_op_t *op) {
  if (!op) return UV_EINVAL;
  if (weir__op_state(op) == WEIR__IDLE) return UV_ENOENT;
  if (weir__op_state(op) == WEIR__RUNNABLE) return UV_EALREADY;
  weir__loop_adopt(weir__scope(op)->loop);
  return weir__op_interrupt(op, UV_ECANCELED);
}

bool weir__op_claim(weir_op_t *op, unsigned as) {
  uint16_t state = WEIR__PARKED;
  unsigned times = 0;

  while (!atomic_compare_exchange_strong(&op->state, &state, (uint16_t)as)) {
    if (state != WEIR__BUSY) return false;
    state = WEIR__PARKED;
    weir__give_way(&times);
  }
  return true;
}

/* From now on an operation holds the scope. */
static int use(weir__scope_t *scope) {
  uint64_t look = WEIR__LOOK;

  if (scope->loop->closed) return UV_ECANCELED;
  scope->used = true;
  if (scope->unreferenced)
    weir__scope_abandon(scope);
  else
    atomic_compare_exchange_strong(&scope->fate, &look, WEIR__PLAIN);
  return 0;
}

int weir__op_start_with_a_look(weir_op_t *op) {
  weir__scope_t *scope = weir__scope(op);
  int err = use(scope);

  if (err) return err;
  err = weir__scope_err(scope);
  if (!err) return 0;
  weir__op_complete(op, err, 0);
  return WEIR__COMPLETED;
}

int weir__op_start_anyway(weir_op_t *op, weir_op_cb cb) {
  if (!op || !op->ctx) return UV_EINVAL;
  if (weir__op_state(op) != WEIR__IDLE) return UV_EBUSY;
  op->cb = cb;
  weir__loop_adopt(weir__scope(op)->loop);
  return use(weir__scope(op));
}

/* The loop may be closed while it runs. */
static int wait_for(weir_loop_t *loop, weir_op_t *op) {
  int status = UV_EAGAIN;

  weir__loop_adopt(loop);
  weir__loop_arm_for_posts(loop);
  loop->refs++;
  loop->awaited = op;
  while (loop->awaited && (uv_run(loop->uv, UV_RUN_ONCE) || weir__loop_arm_for_posts(loop)))
    continue;
  if (!loop->awaited) status = loop->awaited_status;
  loop->awaited = NULL;
  weir__loop_unref(loop);
  return status;
}

int weir_op_wait(weir_op_t *op) {
  if (!op) return UV_EINVAL;
  if (!weir_op_pending(op)) return weir__op_result(op); /* its context may be gone */
  if (weir__scope(op)->loop->in_callback) return UV_EINVAL;
  return wait_for(weir__scope(op)->loop, op);
}

int weir_yield(weir_op_t *op, weir_op_cb cb) {
  int started = weir__op_start(op, cb);

  if (started) return weir__op_accepted(started);
  weir__op_complete(op, 0, 0);
  return 0;
}

int weir__op_abandon(weir_op_t *op) {
  weir__scope_t *scope = weir__scope(op);
  int err;

  if (weir__op_state(op) == WEIR__RUNNABLE) {
    weir__queue_take(&op->u.wait.link);
  } else {
    err = op->kind->unpark(op);
    if (err) return err;
    weir__queue_take(&op->parked);
    scope->loop->parked--;
  }
  weir__op_set_state(op, WEIR__IDLE);
  if (scope->unreferenced) weir__scope_abandon(scope);
  return 0;
}

void weir__op_deliver(weir_op_t *op) {
  if (op->kind->leave) op->kind->leave(op);
  weir__op_ready(op, weir__op_result(op));
}
