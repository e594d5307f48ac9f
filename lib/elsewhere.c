/*
 * Contexts whose parent lives on another loop.
 *
 * The parent lists them, under a lock of its own, and they hold a reference to it. Its cancellation
 * marks each of them and posts it to its loop, as a cancellation by any other thread would.
 *
 *   1. link     The child is listed, then looks at its parent: a cancellation marks the parent,
 *               then looks at the list. One of the two sees the other; if both do, the first mark
 *               counts.
 *   2. arrive   Its own loop gets to know it: at once on that loop's thread, else by a post.
 *   3. unlink   by the cancellation or by the end of the child, whichever comes first. While it is
 *               linked and the lock is held, the child stays: it unlinks itself before it goes.
 */
#include "ctx.h"
#include "mem.h"

struct weir__elsewhere_s {
  weir__kind_ctx_t base;
  weir__elsewhere_t *next;
  weir__elsewhere_t *previous;
  bool is_linked;
};

static void link_to(weir_ctx_t *parent, weir__elsewhere_t *child) {
  weir__elsewhere_t *first;

  weir__lock(&parent->lock);
  first = atomic_load_explicit(&parent->elsewhere, memory_order_relaxed);
  child->next = first;
  if (first) first->previous = child;
  child->is_linked = true;
  atomic_store(&parent->elsewhere, child);
  weir__unlock(&parent->lock);
  atomic_thread_fence(memory_order_seq_cst); /* before the look at the parent */
}

/* Under the lock. */
static void take_out(weir_ctx_t *parent, weir__elsewhere_t *child) {
  if (!child->is_linked) return;
  child->is_linked = false;
  if (child->next) child->next->previous = child->previous;
  if (child->previous)
    child->previous->next = child->next;
  else
    atomic_store_explicit(&parent->elsewhere, child->next, memory_order_relaxed);
}

static void stop(weir_ctx_t *ctx) {
  weir__lock(&ctx->parent->lock);
  take_out(ctx->parent, (weir__elsewhere_t *)ctx);
  weir__unlock(&ctx->parent->lock);
}

static void release(weir_ctx_t *ctx) {
  weir_ctx_unref(ctx->parent);
}

static const weir__ctx_kind_t elsewhere_kind = {
    .name = "on_loop", .stop = stop, .release = release};

void weir__ctx_cancel_elsewhere(weir_ctx_t *ctx) {
  int err = weir_ctx_err(ctx), cause = weir_ctx_cause(ctx);
  weir__posts_t posts = {0};
  weir__elsewhere_t *child;

  weir__lock(&ctx->lock);
  while ((child = atomic_load_explicit(&ctx->elsewhere, memory_order_relaxed))) {
    take_out(ctx, child);
    weir__ctx_cancel_from(&child->base.ctx, err, cause, &posts);
  }
  weir__unlock(&ctx->lock);
  weir__posts_settle(&posts, NULL);
}

weir_ctx_t *weir_ctx_on_loop(weir_ctx_t *parent, weir_loop_t *loop) {
  weir__posts_t posts = {0};
  weir__elsewhere_t *child;
  weir_loop_t *before;
  weir_ctx_t *ctx;

  if (!parent || !loop) return NULL;
  if (parent->scope.loop == loop) return weir_ctx_with_cancel(parent);
  child = weir__calloc(1, sizeof(*child));
  if (!child) return NULL;
  ctx = &child->base.ctx;
  weir__ctx_init(ctx, loop, &elsewhere_kind);
  ctx->parent = weir_ctx_ref(parent);
  ctx->has_deadline = parent->has_deadline;
  weir__ctx_post(ctx, WEIR__BORN, &posts);
  link_to(parent, child);
  if (weir_ctx_err(parent))
    weir__ctx_cancel_from(ctx, weir_ctx_err(parent), weir_ctx_cause(parent), &posts);
  if (weir__loop_enter(loop, &before)) {
    weir__posts_settle(&posts, loop);
    weir__loop_leave(loop, before);
  } else {
    weir__posts_settle(&posts, NULL);
    weir__outbox_flush(); /* nothing keeps the loop from closing, and going, until it has arrived */
  }
  return ctx;
}
