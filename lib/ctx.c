/*
 * The cancel tree.
 *
 * Ownership: a child holds its parent, a pending operation holds its context (loop.c says how), a
 * caller holds what constructors and weir_ctx_ref gave. So what has children or pending operations
 * is never freed, and the last unref walks up, not down.
 *
 * Cancelling:
 *   1. mark    The context reports its err from now on, and is appended to the loop's `cancelled`.
 *              If a cancellation is under way already, that is all: it will get to it. So a chain
 *              of contexts that cancel each other through done channels takes no stack.
 *   2. walk    Its subtree, parents first and without recursion. Each node not yet done is marked,
 *              what watched for it is stopped, its hooks are fired (weir_ctx_wait, the done
 *              channel), its parked operations become runnable with its err. Subtrees of done nodes
 *              are left out: they have been walked, or stand in `cancelled` themselves.
 *   3. later   Nothing of the walk runs user code, nor frees a context. What has to be released
 *              waits in `later` until all walks are over; what that runs may cancel again.
 *
 * A cancellation does not touch values that are in channels, nor operations that have happened.
 */
#include "ctx.h"

#include "mem.h"
#include "op.h"

/* the tree */

static void ctx_init(weir_ctx_t *ctx, weir_loop_t *loop, const weir__ctx_kind_t *kind) {
  *ctx = (weir_ctx_t){.scope.loop = loop, .kind = kind, .deadline = WEIR__NEVER, .refs = 1};
  weir__queue_init(&ctx->scope.ops);
  weir__queue_init(&ctx->children);
  weir__queue_init(&ctx->hooks);
  loop->refs++;
}

static void destroy(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop;
  weir_ctx_t *parent = ctx->parent;

  if (ctx->done) ctx->done->release(ctx->done);
  if (ctx->kind->release) ctx->kind->release(ctx);
  if (parent) loop->context_count--;
  weir__free(ctx);
  weir__loop_unref(loop);
  weir_ctx_unref(parent);
}

/* What goes because of it, parents or what a value owned, waits for its turn in `dying`. */
static void ctx_free(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop;
  weir__link_t *link;

  if (ctx->kind->stop) ctx->kind->stop(ctx);
  if (weir__linked(&ctx->sibling)) weir__unlink(&ctx->sibling);
  if (weir__linked(&ctx->scope.abandoned)) weir__unlink(&ctx->scope.abandoned);
  weir__queue_push(&loop->dying, &ctx->sibling);
  if (loop->freeing) return;
  loop->freeing = true;
  loop->refs++;
  while ((link = weir__queue_pop(&loop->dying))) destroy(weir__ctx_of(link));
  loop->freeing = false;
  weir__loop_unref(loop);
}

static void on_unreferenced(weir_ctx_t *ctx) {
  weir__scope_t *scope = &ctx->scope;

  scope->unreferenced = true;
  scope->is_plain = false;
  if (weir__scope_may_be_held(scope))
    weir__scope_abandon(scope);
  else if (weir__queue_empty(&scope->ops))
    ctx_free(ctx);
}

static void free_scope(weir__scope_t *scope) {
  weir_ctx_t *ctx = (weir_ctx_t *)scope;

  if (ctx->refs == 0 && weir__queue_empty(&scope->ops)) ctx_free(ctx);
}

void weir_ctx_unref(weir_ctx_t *ctx) {
  if (ctx && --ctx->refs == 0) on_unreferenced(ctx);
}

weir_ctx_t *weir_ctx_ref(weir_ctx_t *ctx) {
  if (ctx) ctx->refs++;
  return ctx;
}

weir_ctx_t *weir__ctx_next(const weir_ctx_t *root, weir_ctx_t *ctx, bool descend) {
  if (descend && !weir__queue_empty(&ctx->children)) return weir__ctx_of(ctx->children.next);
  for (; ctx != root; ctx = ctx->parent)
    if (ctx->sibling.next != &ctx->parent->children) return weir__ctx_of(ctx->sibling.next);
  return NULL;
}

/* cancelling */

static void mark(weir_ctx_t *ctx, int err, int cause) {
  ctx->scope.is_plain = false;
  ctx->scope.err = err;
  ctx->scope.cause = cause ? cause : err;
}

/* Keeps a context until the walk is over. */
static void release_later(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop;

  if (ctx->is_later) return;
  ctx->is_later = true;
  ctx->next_later = loop->later;
  loop->later = weir_ctx_ref(ctx);
}

static void fire(weir_ctx_t *ctx) {
  weir__link_t hooks, *link;

  weir__queue_splice(&ctx->hooks, &hooks);
  while ((link = weir__queue_pop(&hooks))) {
    weir__hook_t *hook = WEIR__CONTAINER(link, weir__hook_t, link);
    hook->fire(hook);
  }
}

static void cancel_one(weir_ctx_t *ctx) {
  weir__link_t *ops = &ctx->scope.ops;

  if (ctx->kind->stop) ctx->kind->stop(ctx);
  if (ctx->kind->release_early) release_later(ctx);
  fire(ctx);
  while (!weir__queue_empty(ops))
    weir__op_interrupt(WEIR__CONTAINER(ops->next, weir_op_t, parked), ctx->scope.err);
}

static void walk(weir_ctx_t *root) {
  bool descend = true;

  cancel_one(root);
  for (weir_ctx_t *ctx = root; (ctx = weir__ctx_next(root, ctx, descend));) {
    descend = !ctx->scope.err;
    if (!descend) continue;
    mark(ctx, root->scope.err, root->scope.cause);
    cancel_one(ctx);
  }
}

static void release_all(weir_loop_t *loop) {
  weir_ctx_t *ctx;

  while ((ctx = loop->later)) {
    loop->later = ctx->next_later;
    ctx->is_later = false;
    if (ctx->kind->release_early) ctx->kind->release(ctx);
    weir_ctx_unref(ctx);
  }
}

static weir_ctx_t *next_cancelled(weir_loop_t *loop) {
  weir_ctx_t *ctx = loop->cancelled;

  if (ctx && !(loop->cancelled = ctx->next)) loop->cancelled_end = &loop->cancelled;
  return ctx;
}

void weir__ctx_cancel(weir_ctx_t *ctx, int err, int cause) {
  weir_loop_t *loop = ctx->scope.loop;

  if (ctx->scope.err) return;
  mark(ctx, err, cause);
  ctx->next = NULL;
  *loop->cancelled_end = weir_ctx_ref(ctx);
  loop->cancelled_end = &ctx->next;
  if (loop->cancelling) return;
  loop->cancelling = true;
  loop->refs++;
  while ((ctx = next_cancelled(loop))) {
    walk(ctx);
    release_later(ctx);
    ctx->refs--;
  }
  loop->cancelling = false;
  release_all(loop);
  weir__loop_unref(loop);
}

void weir_ctx_cancel(weir_ctx_t *ctx) {
  weir_ctx_cancel_cause(ctx, 0);
}

void weir_ctx_cancel_cause(weir_ctx_t *ctx, int cause) {
  if (!ctx || ctx == ctx->scope.loop->background) return;
  weir__ctx_cancel(ctx, UV_ECANCELED, cause < 0 ? cause : 0);
}

/* making */

weir_ctx_t *weir__ctx_root(weir_loop_t *loop) {
  static const weir__ctx_kind_t root_kind = {.name = "background"};
  weir_ctx_t *ctx = weir__malloc(sizeof(*ctx));

  if (!ctx) return NULL;
  ctx_init(ctx, loop, &root_kind);
  loop->free_scope = free_scope;
  return ctx;
}

weir_ctx_t *weir__ctx_new(weir_ctx_t *parent, size_t size, const weir__ctx_kind_t *kind) {
  weir_ctx_t *ctx = parent ? weir__malloc(size) : NULL;

  if (!ctx) return NULL;
  ctx_init(ctx, parent->scope.loop, kind);
  ctx->parent = weir_ctx_ref(parent);
  ctx->deadline = parent->deadline;
  ctx->scope.loop->context_count++;
  if (parent->scope.err)
    mark(ctx, parent->scope.err, parent->scope.cause);
  else
    weir__queue_push(&parent->children, &ctx->sibling);
  return ctx;
}

weir_ctx_t *weir_ctx_with_cancel(weir_ctx_t *parent) {
  static const weir__ctx_kind_t cancel_kind = {.name = "with_cancel"};

  return weir__ctx_new(parent, sizeof(weir_ctx_t), &cancel_kind);
}

static const weir__ctx_kind_t detached_kind = {.name = "without_cancel"};

bool weir__ctx_is_detached(const weir_ctx_t *ctx) {
  return ctx->kind == &detached_kind;
}

weir_ctx_t *weir_ctx_without_cancel(weir_ctx_t *parent) {
  weir_ctx_t *ctx = weir__ctx_new(parent, sizeof(*ctx), &detached_kind);

  if (!ctx) return NULL;
  if (weir__linked(&ctx->sibling)) weir__unlink(&ctx->sibling);
  ctx->deadline = WEIR__NEVER;
  ctx->scope.err = ctx->scope.cause = ctx->scope.loop->closing ? UV_ECANCELED : 0;
  weir__queue_push(&ctx->scope.loop->detached, &ctx->sibling);
  return ctx;
}

/* values */

typedef struct value_ctx_s {
  weir_ctx_t ctx;
  const void *key;
  void *value;
  void (*drop)(void *value);
} value_ctx_t;

static void value_release(weir_ctx_t *ctx) {
  value_ctx_t *self = (value_ctx_t *)ctx;

  if (self->drop) self->drop(self->value);
}

static const weir__ctx_kind_t value_kind = {.name = "with_value", .release = value_release};

weir_ctx_t *weir_ctx_with_value(weir_ctx_t *parent, const void *key, void *value,
                                void (*drop)(void *value)) {
  value_ctx_t *self = (value_ctx_t *)weir__ctx_new(parent, sizeof(*self), &value_kind);

  if (!self) return NULL;
  self->key = key;
  self->value = value;
  self->drop = drop;
  return &self->ctx;
}

void *weir_ctx_value(const weir_ctx_t *ctx, const void *key) {
  for (; ctx && key; ctx = ctx->parent)
    if (ctx->kind == &value_kind && ((const value_ctx_t *)ctx)->key == key)
      return ((const value_ctx_t *)ctx)->value;
  return NULL;
}

/* deadlines */

typedef struct timer_ctx_s {
  weir_ctx_t ctx;
  weir__timer_t timer;
} timer_ctx_t;

static void deadline_fire(weir__timer_t *timer) {
  weir__ctx_cancel(&WEIR__CONTAINER(timer, timer_ctx_t, timer)->ctx, UV_ETIMEDOUT, 0);
}

static void deadline_stop(weir_ctx_t *ctx) {
  weir__timer_stop(ctx->scope.loop, &((timer_ctx_t *)ctx)->timer);
}

static const weir__ctx_kind_t deadline_kind = {.name = "with_deadline", .stop = deadline_stop};

static weir_ctx_t *with_timer(weir_ctx_t *parent, uint64_t deadline) {
  timer_ctx_t *self = (timer_ctx_t *)weir__ctx_new(parent, sizeof(*self), &deadline_kind);

  if (!self) return NULL;
  self->ctx.deadline = deadline;
  self->timer.fire = deadline_fire;
  self->timer.prev = NULL;
  weir__timer_start(parent->scope.loop, &self->timer, deadline);
  return &self->ctx;
}

/* Where the parent's deadline is earlier, its timer serves both. It may be due and not have fired. */
static weir_ctx_t *with_deadline(weir_ctx_t *parent, uint64_t deadline, uint64_t now) {
  bool inherits = parent->deadline <= deadline;
  weir_ctx_t *ctx;

  if (!inherits && deadline > now && !parent->scope.err) return with_timer(parent, deadline);
  ctx = weir_ctx_with_cancel(parent);
  if (!ctx) return NULL;
  if (!inherits) ctx->deadline = deadline;
  if (ctx->deadline <= now) weir__ctx_cancel(ctx, UV_ETIMEDOUT, 0);
  return ctx;
}

weir_ctx_t *weir_ctx_with_timeout(weir_ctx_t *parent, uint64_t ms) {
  uint64_t now;

  if (!parent) return NULL;
  now = weir__clock(parent->scope.loop);
  return with_deadline(parent, weir__after(now, ms), now);
}

weir_ctx_t *weir_ctx_with_deadline(weir_ctx_t *parent, uint64_t when) {
  if (!parent) return NULL;
  return with_deadline(parent, weir__nanoseconds(when), weir__clock(parent->scope.loop));
}

bool weir_ctx_deadline(const weir_ctx_t *ctx, uint64_t *when) {
  if (!ctx || ctx->deadline == WEIR__NEVER) return false;
  if (when) *when = ctx->deadline / WEIR__NS_PER_MS;
  return true;
}

/* asking */

int weir_ctx_err(const weir_ctx_t *ctx) {
  return ctx->scope.err;
}

int weir_ctx_cause(const weir_ctx_t *ctx) {
  return ctx->scope.cause;
}

weir_loop_t *weir_ctx_loop(const weir_ctx_t *ctx) {
  return ctx->scope.loop;
}

/* waiting */

/* A waiting op holds its target. */
static void let_go(weir_ctx_t *target) {
  if (target->scope.loop->cancelling) release_later(target);
  weir_ctx_unref(target);
}

static void wait_fire(weir__hook_t *hook) {
  weir_op_t *op = WEIR__CONTAINER(hook, weir_op_t, u.ctx.hook);
  weir_ctx_t *target = op->u.ctx.target;

  op->u.wait.index = 0;
  weir__op_ready(op, 0);
  target->scope.used = true; /* so that this runnable op holds it, too */
  let_go(target);
}

static void wait_unpark(weir_op_t *op) {
  weir__unlink(&op->u.ctx.hook.link);
  let_go(op->u.ctx.target);
  op->u.wait.index = 0;
}

static void wait_describe(const weir_op_t *op, FILE *out) {
  fprintf(out, "for a %s context", op->u.ctx.target->kind->name);
}

static const weir__kind_t wait_kind = {
    .verb = "wait", .unpark = wait_unpark, .describe = wait_describe};

/* Under the context that it waits for, a cancellation is what it waits for: a success. */
int weir_ctx_wait(weir_op_t *op, weir_ctx_t *ctx, weir_op_cb cb) {
  int started;

  if (!op || !op->ctx || !ctx || ctx->scope.loop != weir__scope(op)->loop) return UV_EINVAL;
  started = weir__op_start(op, cb);
  if (started < 0) return started;
  if (ctx->scope.err) {
    if (!started)
      weir__op_complete(op, 0, 0);
    else if (ctx == op->ctx)
      op->status = 0;
    return 0;
  }
  if (started) return 0;
  op->u.ctx.target = weir_ctx_ref(ctx);
  op->u.ctx.hook = (weir__hook_t){.fire = wait_fire};
  weir__queue_push(&ctx->hooks, &op->u.ctx.hook.link);
  weir__op_park(op, &wait_kind);
  return 0;
}
