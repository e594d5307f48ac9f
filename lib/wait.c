/* Waiting for a cancellation: a hook of the target, which the waiting operation holds. */
#include "ctx.h"
#include "op.h"
#include "watch.h"

static void wait_fire(weir__hook_t *hook) {
  weir_op_t *op = WEIR__CONTAINER(hook, weir_op_t, u.ctx.hook);
  weir_ctx_t *target = op->u.ctx.target;

  op->u.wait.index = 0;
  weir__op_ready(op, 0);
  target->scope.used = true; /* so that this runnable op holds it, too */
  weir__ctx_let_go(target);
}

static int wait_unpark(weir_op_t *op) {
  weir_ctx_t *target = op->u.ctx.target;

  weir__ctx_unhook(target, &op->u.ctx.hook);
  weir__ctx_let_go(target);
  op->u.wait.index = 0;
  return 0;
}

static void wait_describe(weir_op_t *op, FILE *out) {
  fprintf(out, "for a %s context", weir__ctx_kind(op->u.ctx.target)->name);
}

static const weir__kind_t wait_kind = {
    .verb = "wait", .unpark = wait_unpark, .describe = wait_describe};

static void wait_park(weir_op_t *op, weir_ctx_t *target, void (*on_fire)(weir__hook_t *hook),
                      const weir__kind_t *kind) {
  op->u.ctx.target = weir__ctx_hold(target);
  op->u.ctx.hook = (weir__hook_t){.fire = on_fire};
  weir__ctx_hook(target, &op->u.ctx.hook);
  weir__op_park(op, kind);
}

/* Under the context that it waits for, a cancellation is what it waits for: a success. */
int weir_ctx_wait(weir_op_t *op, weir_ctx_t *ctx, weir_op_cb cb) {
  int started;

  if (!op || !op->ctx || !ctx || ctx->scope.loop != weir__scope(op)->loop) return UV_EINVAL;
  started = weir__op_start(op, cb);
  if (started < 0) return started;
  if (weir_ctx_err(ctx)) {
    if (!started)
      weir__op_complete(op, 0, 0);
    else if (ctx == op->ctx)
      weir__op_set_result(op, 0);
    return 0;
  }
  if (!started) wait_park(op, ctx, wait_fire, &wait_kind);
  return 0;
}

/* A watch is not counted while it is parked, but is when it leaves. */

static void watch_fire(weir__hook_t *hook) {
  weir_op_t *op = WEIR__CONTAINER(hook, weir_op_t, u.ctx.hook);

  weir__scope(op)->loop->parked++;
  wait_fire(hook);
}

static int watch_unpark(weir_op_t *op) {
  weir__scope(op)->loop->parked++;
  return wait_unpark(op);
}

static const weir__kind_t watch_kind = {
    .verb = "watch", .unpark = watch_unpark, .describe = wait_describe, .hidden = true};

int weir__ctx_watch(weir_op_t *op, weir_ctx_t *ctx, weir_op_cb cb) {
  int started = weir__op_start(op, cb);

  if (started) return weir__op_accepted(started);
  if (weir_ctx_err(ctx)) {
    weir__op_complete(op, 0, 0);
    return 0;
  }
  wait_park(op, ctx, watch_fire, &watch_kind);
  weir__scope(op)->loop->parked--;
  return 0;
}
