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
 *   3. later   Nothing of the walk runs user code, nor frees a context. What stands in `cancelled`
 *              stays there, and what has to be released early waits in `later`, until all walks are
 *              over; what that runs may cancel again.
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
  scope->held = 0;
  atomic_init(&scope->posted, 0);
  scope->used = scope->unreferenced = scope->is_walked = false;
}

/* Field by field: GCC clears a whole struct by `rep stos`, which takes as long as all the rest. */
static inline void init(weir_ctx_t *ctx, weir_loop_t *loop) {
  init_scope(&ctx->scope, loop);
  ctx->parent = NULL;
  ctx->sibling.next = NULL;
  ctx->hooks = NULL;
  atomic_init(&ctx->elsewhere, NULL);
  atomic_init(&ctx->refs, 1);
  atomic_init(&ctx->lock.held, false);
  ctx->has_kind = ctx->has_deadline = false;
}

void weir__ctx_init(weir_ctx_t *ctx, weir_loop_t *loop, const weir__ctx_kind_t *kind) {
  init(ctx, loop);
  ctx->has_kind = true;
  ((weir__kind_ctx_t *)ctx)->kind = kind;
}

/* Of one that has a kind. */
static inline const weir__ctx_kind_t *kind_of(const weir_ctx_t *ctx) {
  return ((const weir__kind_ctx_t *)ctx)->kind;
}

const weir__ctx_kind_t *weir__ctx_kind(const weir_ctx_t *ctx) {
  static const weir__ctx_kind_t plain = {.name = "with_cancel"};

  return ctx->has_kind ? kind_of(ctx) : &plain;
}

/* It may be on the loop's list, since its last operations have yet to run. */
WEIR__APART void unabandon(weir__scope_t *scope) {
  if (weir__linked(&scope->abandoned)) weir__unlink(&scope->abandoned);
  scope->unreferenced = false;
}

static inline weir_ctx_t *hold(weir_ctx_t *ctx) {
  weir__scope_t *scope = &ctx->scope;

  if (scope->held++ > 0) return ctx;
  if (scope->unreferenced) unabandon(scope);
  scope->children = NULL;
  return ctx;
}

static inline void unhold(weir__scope_t *scope) {
  if (--scope->held == 0) scope->abandoned.next = NULL;
}

static bool is_referenced(const weir_ctx_t *ctx) {
  return ctx->scope.held > 0 || atomic_load_explicit(&ctx->refs, memory_order_acquire) > 0;
}

/* The rest of it where an operation has been started under the context, or may start. */
WEIR__APART bool on_used_unreferenced(weir_ctx_t *ctx) {
  weir__scope_t *scope = &ctx->scope;
  uint64_t fate = atomic_load_explicit(&scope->fate, memory_order_relaxed);

  scope->unreferenced = true;
  if (fate == WEIR__PLAIN) atomic_compare_exchange_strong(&scope->fate, &fate, WEIR__LOOK);
  if (!weir__scope_may_be_held(scope)) return weir__queue_empty(&scope->ops);
  weir__scope_abandon(scope);
  return false;
}

/* Nothing references it any more. Returns whether no operation holds it either. */
static inline bool on_unreferenced(weir_ctx_t *ctx) {
  return !ctx->scope.used || on_used_unreferenced(ctx);
}

static inline void do_unless_visiting(void) {
  if (weir__thread.after && weir__thread.visits == 0) weir__thread.after();
}

static inline void stop(weir_ctx_t *ctx) {
  if (ctx->has_kind && kind_of(ctx)->stop) kind_of(ctx)->stop(ctx);
}

static inline bool is_released_early(const weir_ctx_t *ctx) {
  return ctx->has_kind && kind_of(ctx)->release_early;
}

static inline bool has_parent_here(const weir_ctx_t *ctx) {
  return ctx->parent && ctx->parent->scope.loop == ctx->scope.loop;
}

static inline void leave_lists(weir_ctx_t *ctx, bool has_parent) {
  weir__scope_t *scope = &ctx->scope;

  if (weir__linked(&scope->abandoned)) weir__unlink(&scope->abandoned);
  if (!weir__linked(&ctx->sibling)) return;
  if (has_parent)
    weir__ring_take(&ctx->parent->scope.children, &ctx->sibling);
  else
    weir__queue_take(&ctx->sibling);
}

WEIR__APART void release_and_free(weir_ctx_t *ctx) {
  weir__hook_t *own = weir__ctx_own_hook(ctx);

  if (own) own->release(own);
  if (ctx->has_kind && kind_of(ctx)->release)
    weir__ctx_bury_later((weir__kind_ctx_t *)ctx);
  else
    weir__free(ctx);
}

/*
 * Takes a context that nothing holds out of its loop. Returns its parent, if nothing holds that any
 * more. A post that is on its way holds it as well: after `stop` there comes no other.
 */
static inline weir_ctx_t *leave_loop(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop;
  weir_ctx_t *parent = ctx->parent;
  bool has_parent = has_parent_here(ctx);

  stop(ctx);
  if (atomic_load(&ctx->scope.posted)) return NULL;
  leave_lists(ctx, has_parent);
  if (parent) loop->context_count--;
  loop->refs--;
  if (ctx->has_kind || ctx->hooks)
    release_and_free(ctx);
  else
    weir__free(ctx);
  if (!has_parent) return NULL;
  unhold(&parent->scope);
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
  return hold(ctx);
}

static void let_go(weir_ctx_t *ctx) {
  unhold(&ctx->scope);
  if (!is_referenced(ctx) && on_unreferenced(ctx)) ctx_free(ctx);
}

/* The reference goes over to a post. */
WEIR__APART void unref_by_post(weir_ctx_t *ctx) {
  weir__posts_t posts = {0};

  weir__ctx_post(ctx, WEIR__UNREF, &posts);
  weir__posts_settle(&posts, NULL);
}

static inline void drop_last(weir_ctx_t *ctx) {
  atomic_store_explicit(&ctx->refs, 0, memory_order_relaxed);
  if (ctx->scope.held == 0 && on_unreferenced(ctx)) ctx_free(ctx);
}

WEIR__APART void unref_outside(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop, *before;

  if (weir__loop_enter(loop, &before)) {
    drop_last(ctx);
    weir__loop_leave(loop, before);
  } else {
    unref_by_post(ctx);
  }
}

/* The last reference: only its loop lets go of a context, and nobody else can count any more. */
void weir_ctx_unref(weir_ctx_t *ctx) {
  unsigned refs;

  if (!ctx) return;
  refs = atomic_load_explicit(&ctx->refs, memory_order_acquire);
  while (refs > 1)
    if (atomic_compare_exchange_weak(&ctx->refs, &refs, refs - 1)) return;
  if (weir__thread.loop == ctx->scope.loop)
    drop_last(ctx);
  else
    unref_outside(ctx);
}

weir_ctx_t *weir_ctx_ref(weir_ctx_t *ctx) {
  if (ctx) atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
  return ctx;
}

weir_ctx_t *weir__ctx_next(const weir_ctx_t *root, weir_ctx_t *ctx, bool descend) {
  const weir__scope_t *scope = &ctx->scope;

  if (descend && scope->held > 0 && scope->children) return weir__ctx_of(scope->children);
  for (; ctx != root; ctx = ctx->parent)
    if (ctx->sibling.next != ctx->parent->scope.children) return weir__ctx_of(ctx->sibling.next);
  return NULL;
}

/* cancelling */

static inline bool mark(weir_ctx_t *ctx, int err, int cause) {
  uint64_t fate = atomic_load_explicit(&ctx->scope.fate, memory_order_relaxed);
  uint64_t cancelled = (uint64_t)(uint32_t)(cause ? cause : err) << 32 | (uint32_t)err;

  do {
    if ((int32_t)fate < 0) return false;
  } while (!atomic_compare_exchange_weak(&ctx->scope.fate, &fate, cancelled));
  return true;
}

bool weir__ctx_mark(weir_ctx_t *ctx, int err, int cause) {
  return mark(ctx, err, cause);
}

/* In a walk it stays, as what only operations hold: its loop will look at it after a drain. */
void weir__ctx_let_go(weir_ctx_t *ctx) {
  weir__scope_t *scope = &ctx->scope;

  if (scope->loop->cancelling) {
    scope->used = true;
    unhold(scope);
    if (!is_referenced(ctx) && on_unreferenced(ctx)) weir__scope_abandon(scope);
  } else {
    let_go(ctx);
  }
}

static void fire(weir__link_t *hooks) {
  weir__link_t *link;

  while ((link = weir__queue_pop(hooks))) {
    weir__hook_t *hook = WEIR__CONTAINER(link, weir__hook_t, link);
    hook->fire(hook);
  }
}

static void fire_hooks(weir_ctx_t *ctx) {
  weir__link_t hooks;

  weir__ring_splice(&ctx->hooks, &hooks);
  fire(&hooks);
}

static void fire_after_walk(weir_loop_t *loop) {
  weir__link_t hooks;

  weir__queue_splice(&loop->after_walk, &hooks);
  fire(&hooks);
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

/* Whether there is nobody to tell, but for its children. It has been marked before. */
static inline bool is_alone(const weir_ctx_t *ctx) {
  return weir__queue_empty(&ctx->scope.ops) && !ctx->hooks && !atomic_load(&ctx->elsewhere);
}

static void release_later(weir__kind_ctx_t *self) {
  weir_loop_t *loop = hold(&self->ctx)->scope.loop;

  self->next = loop->later;
  loop->later = self;
}

static void cancel_one(weir_ctx_t *ctx) {
  stop(ctx);
  if (is_released_early(ctx)) release_later((weir__kind_ctx_t *)ctx);
  fire_hooks(ctx);
  interrupt_all(ctx, weir__scope_err(&ctx->scope));
  if (atomic_load(&ctx->elsewhere)) weir__ctx_cancel_elsewhere(ctx);
}

static void walk(weir_ctx_t *root) {
  int err = weir_ctx_err(root), cause = weir_ctx_cause(root);
  bool descend = true;

  cancel_one(root);
  for (weir_ctx_t *ctx = root; (ctx = weir__ctx_next(root, ctx, descend));) {
    descend = !ctx->scope.is_walked;
    if (!descend) continue;
    mark(ctx, err, cause);
    ctx->scope.is_walked = true;
    if (ctx->has_kind || !is_alone(ctx)) cancel_one(ctx);
  }
}

/* To let go of one may cancel others: they are lists of their own then. */
static void release_all(weir_loop_t *loop) {
  weir_ctx_t *ctx, *next = loop->cancelled;
  weir__kind_ctx_t *self;

  loop->cancelled = NULL;
  loop->cancelled_end = &loop->cancelled;
  while ((self = loop->later)) {
    loop->later = self->next;
    weir__ctx_release_later(self);
    let_go(&self->ctx);
  }
  while ((ctx = next)) {
    next = ctx->scope.next;
    let_go(ctx);
  }
  do_unless_visiting();
}

static void walk_all(weir_loop_t *loop) {
  loop->cancelling = true;
  for (weir_ctx_t *ctx = loop->cancelled; ctx; ctx = ctx->scope.next) walk(ctx);
  loop->cancelling = false;
  fire_after_walk(loop);
  release_all(loop);
}

WEIR__APART void cancel_tree(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop;

  hold(ctx)->scope.next = NULL;
  *loop->cancelled_end = ctx;
  loop->cancelled_end = &ctx->scope.next;
  if (!loop->cancelling) walk_all(loop);
}

/* Most are cancelled when they have served: there is nobody to tell then. */
static inline void cancel(weir_ctx_t *ctx, int err, int cause) {
  if (ctx->scope.is_walked) return;
  mark(ctx, err, cause);
  ctx->scope.is_walked = true;
  if (ctx->scope.held == 0 && is_alone(ctx) && !is_released_early(ctx))
    stop(ctx);
  else
    cancel_tree(ctx);
}

void weir__ctx_cancel(weir_ctx_t *ctx, int err, int cause) {
  cancel(ctx, err, cause);
}

void weir__ctx_cancel_from(weir_ctx_t *ctx, int err, int cause, weir__posts_t *posts) {
  if (weir__ctx_mark(ctx, err, cause)) weir__ctx_post(ctx, WEIR__CANCEL, posts);
}

WEIR__APART void cancel_by_post(weir_ctx_t *ctx, int cause) {
  weir__posts_t posts = {0};

  weir__ctx_cancel_from(ctx, UV_ECANCELED, cause, &posts);
  weir__posts_settle(&posts, NULL);
}

WEIR__APART void cancel_outside(weir_ctx_t *ctx, int cause) {
  weir_loop_t *loop = ctx->scope.loop, *before;

  if (weir__loop_enter(loop, &before)) {
    cancel(ctx, UV_ECANCELED, cause);
    weir__loop_leave(loop, before);
  } else {
    cancel_by_post(ctx, cause);
  }
}

/* All but the background have a parent. */
static inline void cancel_by_user(weir_ctx_t *ctx, int cause) {
  if (!ctx || !ctx->parent) return;
  if (weir__thread.loop == ctx->scope.loop)
    cancel(ctx, UV_ECANCELED, cause);
  else
    cancel_outside(ctx, cause);
}

void weir_ctx_cancel(weir_ctx_t *ctx) {
  cancel_by_user(ctx, 0);
}

void weir_ctx_cancel_cause(weir_ctx_t *ctx, int cause) {
  cancel_by_user(ctx, cause < 0 ? cause : 0);
}

/* posts */

void weir__ctx_post(weir_ctx_t *ctx, unsigned what, weir__posts_t *posts) {
  if (atomic_fetch_or(&ctx->scope.posted, (unsigned char)what) == 0)
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
  weir_ctx_t *ctx = hold((weir_ctx_t *)scope);
  unsigned what = atomic_exchange(&scope->posted, 0);

  if (what & WEIR__BORN) weir__ctx_arrive(ctx);
  if (what & WEIR__CANCEL) weir__ctx_cancel(ctx, UV_ECANCELED, 0);
  if (what & WEIR__UNREF) atomic_fetch_sub(&ctx->refs, 1);
  let_go(ctx);
}

/* making */

weir_ctx_t *weir__ctx_root(weir_loop_t *loop) {
  static const weir__ctx_kind_t root_kind = {.name = "background"};
  weir_ctx_t *ctx = weir__malloc(sizeof(weir__kind_ctx_t));

  if (!ctx) return NULL;
  weir__ctx_init(ctx, loop, &root_kind);
  loop->refs++;
  loop->free_scope = free_scope;
  loop->deliver_scope = deliver;
  return ctx;
}

static inline void join_parent(weir_ctx_t *ctx, weir_ctx_t *parent) {
  weir_loop_t *loop = parent->scope.loop;

  ctx->parent = hold(parent);
  ctx->has_deadline = parent->has_deadline;
  loop->refs++;
  loop->context_count++;
  if (weir__scope_err(&parent->scope))
    ctx->scope.is_walked =
        weir__ctx_mark(ctx, weir__scope_err(&parent->scope), weir_ctx_cause(parent));
  else
    weir__ring_push(&parent->scope.children, &ctx->sibling);
}

/* Of a closed loop others may be letting go of contexts at the same time. */
WEIR__APART void join_in_visit(weir_ctx_t *ctx, weir_ctx_t *parent) {
  weir_loop_t *loop = parent->scope.loop, *before;

  if (!weir__loop_enter(loop, &before)) return;
  join_parent(ctx, parent);
  weir__loop_leave(loop, before);
}

static inline void join(weir_ctx_t *ctx, weir_ctx_t *parent) {
  if (parent->scope.loop->closed)
    join_in_visit(ctx, parent);
  else
    join_parent(ctx, parent);
}

weir_ctx_t *weir__ctx_new(weir_ctx_t *parent, size_t size, const weir__ctx_kind_t *kind) {
  weir_ctx_t *ctx = parent ? weir__malloc(size) : NULL;

  if (!ctx) return NULL;
  weir__loop_adopt(parent->scope.loop);
  weir__ctx_init(ctx, parent->scope.loop, kind);
  join(ctx, parent);
  return ctx;
}

weir_ctx_t *weir_ctx_with_cancel(weir_ctx_t *parent) {
  weir_ctx_t *ctx = parent ? weir__malloc(sizeof(*ctx)) : NULL;

  if (!ctx) return NULL;
  weir__loop_adopt(parent->scope.loop);
  init(ctx, parent->scope.loop);
  join(ctx, parent);
  return ctx;
}

static const weir__ctx_kind_t detached_kind = {.name = "without_cancel"};

bool weir__ctx_is_detached(const weir_ctx_t *ctx) {
  return weir__ctx_kind(ctx) == &detached_kind;
}

static void detach(weir_ctx_t *ctx) {
  weir_loop_t *loop = ctx->scope.loop;

  if (weir__linked(&ctx->sibling)) {
    weir__ring_take(&ctx->parent->scope.children, &ctx->sibling);
    ctx->sibling.next = NULL;
  }
  ctx->has_deadline = false;
  atomic_store(&ctx->scope.fate, WEIR__LOOK);
  ctx->scope.is_walked = loop->closing && weir__ctx_mark(ctx, UV_ECANCELED, UV_ECANCELED);
  weir__queue_push(&loop->detached, &ctx->sibling);
}

weir_ctx_t *weir_ctx_without_cancel(weir_ctx_t *parent) {
  weir_ctx_t *ctx = weir__ctx_new(parent, sizeof(weir__kind_ctx_t), &detached_kind);
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
