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

static void init_scope(weir__scope_t *scope, weir_loop_t *loop) {
  scope->loop = loop;
  atomic_init(&scope->fate, WEIR__LOOK);
  weir__queue_init(&scope->ops);
  scope->abandoned.next = NULL;
  atomic_init(&scope->posted, 0);
  scope->used = scope->unreferenced = false;
}

/* Field by field: GCC clears a whole struct by `rep stos`, which takes as long as all the rest. */
void weir__ctx_init(weir_ctx_t *ctx, weir_loop_t *loop, const weir__ctx_kind_t *kind) {
  init_scope(&ctx->scope, loop);
  ctx->kind = kind;
  ctx->parent = NULL;
  weir__queue_init(&ctx->children);
  ctx->sibling.next = NULL;
  weir__queue_init(&ctx->hooks);
  ctx->done = NULL;
  ctx->deadline = WEIR__NEVER;
  atomic_init(&ctx->elsewhere, NULL);
  atomic_init(&ctx->lock.held, false);
  ctx->is_walked = ctx->is_later = false;
  atomic_init(&ctx->refs, 1);
  ctx->held = 0;
}

static bool is_referenced(const weir_ctx_t *ctx) {
  return ctx->held > 0 || atomic_load_explicit(&ctx->refs, memory_order_acquire) > 0;
}

/* Nothing references it any more. Returns whether no operation holds it either. */
static bool on_unreferenced(weir_ctx_t *ctx) {
  weir__scope_t *scope = &ctx->scope;
  uint64_t fate = atomic_load_explicit(&scope->fate, memory_order_relaxed);

  scope->unreferenced = true;
  if (fate == WEIR__PLAIN) atomic_compare_exchange_strong(&scope->fate, &fate, WEIR__LOOK);
  if (!weir__scope_may_be_held(scope)) return weir__queue_empty(&scope->ops);
  weir__scope_abandon(scope);
  return false;
}

/*
 * What runs user code, or concerns other loops, waits until this thread visits none: corpses, which
 * have left their loop, and contexts that let go early of what they own.
 */
static _Thread_local weir_ctx_t *corpses, **corpses_end, *early;

static void bury_one(weir_ctx_t *ctx) {
  if (!(corpses = ctx->next)) corpses_end = &corpses;
  ctx->kind->release(ctx);
  weir__free(ctx);
}

static void release_one(weir_ctx_t *ctx) {
  early = ctx->next_later;
  ctx->kind->release(ctx);
  weir_ctx_unref(ctx);
}

static void after_visits(void) {
  static _Thread_local bool is_at_it;

  if (is_at_it) return;
  is_at_it = true;
  while (corpses || early) {
    if (corpses)
      bury_one(corpses);
    else
      release_one(early);
  }
  is_at_it = false;
  weir__thread.after = NULL;
}

static void do_unless_visiting(void) {
  if (weir__thread.visits == 0 && weir__thread.after) after_visits();
}

static void add_corpse(weir_ctx_t *ctx) {
  if (!corpses) corpses_end = &corpses;
  ctx->next = NULL;
  *corpses_end = ctx;
  corpses_end = &ctx->next;
  weir__thread.after = after_visits;
}

static void add_early(weir_ctx_t *ctx) {
  ctx->next_later = early;
  early = weir_ctx_ref(ctx);
  weir__thread.after = after_visits;
}

static void stop(weir_ctx_t *ctx) {
  if (ctx->kind->stop) ctx->kind->stop(ctx);
}

/*
 * Takes a context that nothing holds out of its loop. Returns its parent, if nothing holds that any
 * more. A post that is on its way holds it as well: after `stop` there comes no other.
 */
static weir_ctx_t *leave_loop(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop;
  weir_ctx_t *parent = ctx->parent;

  stop(ctx);
  if (atomic_load(&ctx->scope.posted)) return NULL;
  if (weir__linked(&ctx->sibling)) weir__unlink(&ctx->sibling);
  if (weir__linked(&ctx->scope.abandoned)) weir__unlink(&ctx->scope.abandoned);
  if (ctx->done) ctx->done->release(ctx->done);
  if (parent) loop->context_count--;
  loop->refs--;
  if (ctx->kind->release)
    add_corpse(ctx);
  else
    weir__free(ctx);
  if (!parent || parent->scope.loop != loop) return NULL;
  parent->held--;
  return !is_referenced(parent) && on_unreferenced(parent) ? parent : NULL;
}

static void ctx_free(weir_ctx_t *ctx) {
  while (ctx) ctx = leave_loop(ctx);
  do_unless_visiting();
}

static void free_scope(weir__scope_t *scope) {
  weir_ctx_t *ctx = (weir_ctx_t *)scope;

  if (!is_referenced(ctx) && weir__queue_empty(&scope->ops)) ctx_free(ctx);
}

weir_ctx_t *weir__ctx_hold(weir_ctx_t *ctx) {
  ctx->held++;
  return ctx;
}

static void let_go(weir_ctx_t *ctx) {
  ctx->held--;
  if (!is_referenced(ctx) && on_unreferenced(ctx)) ctx_free(ctx);
}

/* The reference goes over to a post. */
WEIR__APART void unref_by_post(weir_ctx_t *ctx) {
  weir__posts_t posts = {0};

  weir__ctx_post(ctx, WEIR__UNREF, &posts);
  weir__posts_settle(&posts, NULL);
}

/* The last reference: only its loop lets go of a context, and nobody else can count any more. */
static void unref_last(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop, *before;

  if (weir__loop_enter(loop, &before)) {
    atomic_store_explicit(&ctx->refs, 0, memory_order_relaxed);
    if (!is_referenced(ctx) && on_unreferenced(ctx)) ctx_free(ctx);
    weir__loop_leave(loop, before);
  } else {
    unref_by_post(ctx);
  }
}

void weir_ctx_unref(weir_ctx_t *ctx) {
  unsigned refs;

  if (!ctx) return;
  refs = atomic_load_explicit(&ctx->refs, memory_order_acquire);
  while (refs > 1)
    if (atomic_compare_exchange_weak(&ctx->refs, &refs, refs - 1)) return;
  unref_last(ctx);
}

weir_ctx_t *weir_ctx_ref(weir_ctx_t *ctx) {
  if (ctx) atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
  return ctx;
}

weir_ctx_t *weir__ctx_next(const weir_ctx_t *root, weir_ctx_t *ctx, bool descend) {
  if (descend && !weir__queue_empty(&ctx->children)) return weir__ctx_of(ctx->children.next);
  for (; ctx != root; ctx = ctx->parent)
    if (ctx->sibling.next != &ctx->parent->children) return weir__ctx_of(ctx->sibling.next);
  return NULL;
}

/* cancelling */

bool weir__ctx_mark(weir_ctx_t *ctx, int err, int cause) {
  uint64_t fate = atomic_load_explicit(&ctx->scope.fate, memory_order_relaxed);
  uint64_t cancelled = (uint64_t)(uint32_t)(cause ? cause : err) << 32 | (uint32_t)err;

  do {
    if ((int32_t)fate < 0) return false;
  } while (!atomic_compare_exchange_weak(&ctx->scope.fate, &fate, cancelled));
  return true;
}

/* Keeps a context until the walk is over. */
static void release_later(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop;

  if (ctx->is_later) return;
  ctx->is_later = true;
  ctx->next_later = loop->later;
  loop->later = weir__ctx_hold(ctx);
}

void weir__ctx_let_go(weir_ctx_t *ctx) {
  if (ctx->scope.loop->cancelling) release_later(ctx);
  let_go(ctx);
}

static void fire(weir__link_t *queue) {
  weir__link_t hooks, *link;

  weir__queue_splice(queue, &hooks);
  while ((link = weir__queue_pop(&hooks))) {
    weir__hook_t *hook = WEIR__CONTAINER(link, weir__hook_t, link);
    hook->fire(hook);
  }
}

/*
 * An op that refuses has happened, or runs: it will complete by itself. What one does on its way
 * may complete others: a write closes its stream, which ends who reads it.
 */
static void interrupt_all(weir_ctx_t *ctx, int err) {
  weir__link_t ops, *link;

  weir__queue_splice(&ctx->scope.ops, &ops);
  while (!weir__queue_empty(&ops)) {
    link = ops.next;
    weir__queue_take(link);
    weir__queue_put(&ctx->scope.ops, link);
    weir__op_interrupt(WEIR__CONTAINER(link, weir_op_t, parked), err);
  }
}

/* Most are cancelled when they have served: there is nobody to tell then. */
static bool has_served(const weir_ctx_t *ctx) {
  return weir__queue_empty(&ctx->children) && weir__queue_empty(&ctx->scope.ops) &&
         weir__queue_empty(&ctx->hooks) && !ctx->kind->release_early &&
         !atomic_load(&ctx->elsewhere);
}

static void cancel_one(weir_ctx_t *ctx) {
  stop(ctx);
  if (ctx->kind->release_early) release_later(ctx);
  fire(&ctx->hooks);
  interrupt_all(ctx, weir__scope_err(&ctx->scope));
  if (atomic_load(&ctx->elsewhere)) weir__ctx_cancel_elsewhere(ctx);
}

static void walk(weir_ctx_t *root) {
  int err = weir_ctx_err(root), cause = weir_ctx_cause(root);
  bool descend = true;

  cancel_one(root);
  for (weir_ctx_t *ctx = root; (ctx = weir__ctx_next(root, ctx, descend));) {
    descend = !ctx->is_walked;
    if (!descend) continue;
    weir__ctx_mark(ctx, err, cause);
    ctx->is_walked = true;
    cancel_one(ctx);
  }
}

static void release_all(weir_loop_t *loop) {
  weir_ctx_t *ctx;

  while ((ctx = loop->later)) {
    loop->later = ctx->next_later;
    ctx->is_later = false;
    if (ctx->kind->release_early) add_early(ctx);
    let_go(ctx);
  }
  do_unless_visiting();
}

static weir_ctx_t *next_cancelled(weir_loop_t *loop) {
  weir_ctx_t *ctx = loop->cancelled;

  if (ctx && !(loop->cancelled = ctx->next)) loop->cancelled_end = &loop->cancelled;
  return ctx;
}

void weir__ctx_cancel(weir_ctx_t *ctx, int err, int cause) {
  weir_loop_t *loop = ctx->scope.loop;

  if (ctx->is_walked) return;
  weir__ctx_mark(ctx, err, cause);
  ctx->is_walked = true;
  if (has_served(ctx)) {
    stop(ctx);
    return;
  }
  ctx->next = NULL;
  *loop->cancelled_end = weir__ctx_hold(ctx);
  loop->cancelled_end = &ctx->next;
  if (loop->cancelling) return;
  loop->cancelling = true;
  while ((ctx = next_cancelled(loop))) {
    walk(ctx);
    release_later(ctx);
    ctx->held--;
  }
  loop->cancelling = false;
  fire(&loop->after_walk);
  release_all(loop);
}

void weir__ctx_cancel_from(weir_ctx_t *ctx, int err, int cause, weir__posts_t *posts) {
  if (weir__ctx_mark(ctx, err, cause)) weir__ctx_post(ctx, WEIR__CANCEL, posts);
}

void weir_ctx_cancel(weir_ctx_t *ctx) {
  weir_ctx_cancel_cause(ctx, 0);
}

WEIR__APART void cancel_by_post(weir_ctx_t *ctx, int cause) {
  weir__posts_t posts = {0};

  weir__ctx_cancel_from(ctx, UV_ECANCELED, cause, &posts);
  weir__posts_settle(&posts, NULL);
}

void weir_ctx_cancel_cause(weir_ctx_t *ctx, int cause) {
  weir_loop_t *loop, *before;

  if (!ctx || ctx == ctx->scope.loop->background) return;
  loop = ctx->scope.loop;
  cause = cause < 0 ? cause : 0;
  if (weir__loop_enter(loop, &before)) {
    weir__ctx_cancel(ctx, UV_ECANCELED, cause);
    weir__loop_leave(loop, before);
  } else {
    cancel_by_post(ctx, cause);
  }
}

/* posts */

void weir__ctx_post(weir_ctx_t *ctx, unsigned what, weir__posts_t *posts) {
  if (atomic_fetch_or(&ctx->scope.posted, what) == 0)
    weir__posts_add(posts, &ctx->scope.post, &ctx->scope);
}

void weir__ctx_arrive(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop;

  loop->refs++;
  loop->context_count++;
  weir__queue_push(&loop->detached, &ctx->sibling);
  if (loop->closing) weir__ctx_cancel(ctx, UV_ECANCELED, 0);
}

static void deliver(weir__scope_t *scope) {
  weir_ctx_t *ctx = weir__ctx_hold((weir_ctx_t *)scope);
  unsigned what = atomic_exchange(&scope->posted, 0);

  if (what & WEIR__BORN) weir__ctx_arrive(ctx);
  if (what & WEIR__CANCEL) weir__ctx_cancel(ctx, UV_ECANCELED, 0);
  if (what & WEIR__UNREF) atomic_fetch_sub(&ctx->refs, 1);
  let_go(ctx);
}

/* making */

weir_ctx_t *weir__ctx_root(weir_loop_t *loop) {
  static const weir__ctx_kind_t root_kind = {.name = "background"};
  weir_ctx_t *ctx = weir__malloc(sizeof(*ctx));

  if (!ctx) return NULL;
  weir__ctx_init(ctx, loop, &root_kind);
  loop->refs++;
  loop->free_scope = free_scope;
  loop->deliver_scope = deliver;
  return ctx;
}

static void join_parent(weir_ctx_t *ctx, weir_ctx_t *parent) {
  int err = weir_ctx_err(parent);

  ctx->parent = weir__ctx_hold(parent);
  ctx->deadline = parent->deadline;
  ctx->scope.loop->refs++;
  ctx->scope.loop->context_count++;
  if (err)
    ctx->is_walked = weir__ctx_mark(ctx, err, weir_ctx_cause(parent));
  else
    weir__queue_push(&parent->children, &ctx->sibling);
}

/* Of a closed loop others may be letting go of contexts at the same time. */
weir_ctx_t *weir__ctx_new(weir_ctx_t *parent, size_t size, const weir__ctx_kind_t *kind) {
  weir_ctx_t *ctx = parent ? weir__malloc(size) : NULL;
  weir_loop_t *loop, *before;

  if (!ctx) return NULL;
  loop = parent->scope.loop;
  weir__ctx_init(ctx, loop, kind);
  weir__loop_adopt(loop);
  if (!loop->closed) {
    join_parent(ctx, parent);
  } else if (weir__loop_enter(loop, &before)) {
    join_parent(ctx, parent);
    weir__loop_leave(loop, before);
  }
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

static void detach(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop;

  if (weir__linked(&ctx->sibling)) weir__unlink(&ctx->sibling);
  ctx->deadline = WEIR__NEVER;
  atomic_store(&ctx->scope.fate, WEIR__LOOK);
  ctx->is_walked = loop->closing && weir__ctx_mark(ctx, UV_ECANCELED, UV_ECANCELED);
  weir__queue_push(&loop->detached, &ctx->sibling);
}

weir_ctx_t *weir_ctx_without_cancel(weir_ctx_t *parent) {
  weir_ctx_t *ctx = weir__ctx_new(parent, sizeof(*ctx), &detached_kind);
  weir_loop_t *before;

  if (!ctx) return NULL;
  if (!ctx->scope.loop->closed) {
    detach(ctx);
  } else if (weir__loop_enter(ctx->scope.loop, &before)) {
    detach(ctx);
    weir__loop_leave(ctx->scope.loop, before);
  }
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
  self->timer.link.next = NULL;
  if (!self->ctx.is_walked) weir__timer_start(parent->scope.loop, &self->timer, deadline);
  return &self->ctx;
}

/* Where the parent's deadline is earlier, its timer serves both. It may be due and not
 * have fired. */
static weir_ctx_t *with_deadline(weir_ctx_t *parent, uint64_t deadline, uint64_t now) {
  bool inherits = parent->deadline <= deadline;
  weir_ctx_t *ctx;

  if (!inherits && deadline > now && !weir_ctx_err(parent)) return with_timer(parent, deadline);
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
  return weir__scope_err(&ctx->scope);
}

int weir_ctx_cause(const weir_ctx_t *ctx) {
  uint64_t fate = atomic_load_explicit(&ctx->scope.fate, memory_order_acquire);

  return (int32_t)(fate >> 32);
}

weir_loop_t *weir_ctx_loop(const weir_ctx_t *ctx) {
  return ctx->scope.loop;
}
