/* The cancel tree. */
#ifndef WEIR_LIB_CTX_H
#define WEIR_LIB_CTX_H

#include <weir/ctx.h>

#include "inbox.h"
#include "ring.h"
#include "timer.h"

/* A context whose parent lives on another loop (elsewhere.c). */
typedef struct weir__elsewhere_s weir__elsewhere_t;

struct weir_ctx_s {
  weir__scope_t scope;
  weir_ctx_t *parent;                     /* held, or referenced if it is on another loop */
  weir__link_t sibling;                   /* in the parent's `children` or the loop's `detached` */
  weir__link_t *hooks;                    /* fired, and taken out, by the cancellation: a ring */
  _Atomic(weir__elsewhere_t *) elsewhere; /* the first of its children on other loops */
  atomic_uint refs;                       /* the user's, any thread's */
  weir__lock_t lock;                      /* of the list of those elsewhere */
  bool has_kind;                          /* it is a weir__kind_ctx_t */
  bool has_deadline;                      /* it, or one above it up to the next detached one */
};

/* There are many: two cache lines, with what an allocator adds. */
static_assert(sizeof(void *) != 8 || sizeof(weir_ctx_t) == 120, "size of weir_ctx_t");

/* What distinguishes one constructor's contexts from those of weir_ctx_with_cancel. */
typedef struct weir__ctx_kind_s {
  const char *name;
  void (*stop)(weir_ctx_t *ctx);    /* what watches for it, once it is done or goes; no user code */
  void (*release)(weir_ctx_t *ctx); /* what it owns, when it goes; may run user code */
  bool release_early;               /* and once it is cancelled, too */
} weir__ctx_kind_t;

typedef struct weir__kind_ctx_s weir__kind_ctx_t;
struct weir__kind_ctx_s {
  weir_ctx_t ctx;
  const weir__ctx_kind_t *kind;
  weir__kind_ctx_t *next; /* among those to be released */
};

/* Makes the root of a loop's tree. */
weir_ctx_t *weir__ctx_root(weir_loop_t *loop);

/* Makes a child of a kind in a block of `size` bytes that starts with a weir__kind_ctx_t. */
weir_ctx_t *weir__ctx_new(weir_ctx_t *parent, size_t size, const weir__ctx_kind_t *kind);

/* Fills in a context of a kind that is not known to its loop yet. */
void weir__ctx_init(weir_ctx_t *ctx, weir_loop_t *loop, const weir__ctx_kind_t *kind);

/* The kind of any context. */
const weir__ctx_kind_t *weir__ctx_kind(const weir_ctx_t *ctx);

/* Cancels a context and all under it, with a cause of its own or 0. On its loop's thread. */
void weir__ctx_cancel(weir_ctx_t *ctx, int err, int cause);

/* The same from any thread: it is marked, and the rest is left to its loop, by a post. */
void weir__ctx_cancel_from(weir_ctx_t *ctx, int err, int cause, weir__posts_t *posts);

/* Marks it as cancelled. Returns false if it is already. Any thread. */
bool weir__ctx_mark(weir_ctx_t *ctx, int err, int cause);

/* What a context is posted to its loop for. */
enum { WEIR__BORN = 1, WEIR__CANCEL = 2, WEIR__UNREF = 4 };
void weir__ctx_post(weir_ctx_t *ctx, unsigned what, weir__posts_t *posts);

/* Its loop gets to know a context that was made elsewhere. */
void weir__ctx_arrive(weir_ctx_t *ctx);

/* The cancellation of a context goes on to other loops. */
void weir__ctx_cancel_elsewhere(weir_ctx_t *ctx);

/* What goes on with it on its loop holds it; it may be let go of while a cancellation
 * is walking. */
weir_ctx_t *weir__ctx_hold(weir_ctx_t *ctx);
void weir__ctx_let_go(weir_ctx_t *ctx);

/* Fires a hook when the context, which is not cancelled yet, is. */
static inline void weir__ctx_hook(weir_ctx_t *ctx, weir__hook_t *hook) {
  weir__ring_push(&ctx->hooks, &hook->link);
}

static inline void weir__ctx_unhook(weir_ctx_t *ctx, weir__hook_t *hook) {
  weir__ring_take(&ctx->hooks, &hook->link);
}

/* The hook that stands first if it is to be released with its context (done.c), or NULL. */
static inline weir__hook_t *weir__ctx_own_hook(const weir_ctx_t *ctx) {
  weir__hook_t *hook = ctx->hooks ? WEIR__CONTAINER(ctx->hooks, weir__hook_t, link) : NULL;

  return hook && hook->release ? hook : NULL;
}

/* What a context owns is released, and it is freed, once this thread visits no loop. */
void weir__ctx_bury_later(weir__kind_ctx_t *self);

/* What it owns is released then; it stays until its end. */
void weir__ctx_release_later(weir__kind_ctx_t *self);

/* Whether a context is under no parent's cancellation. */
bool weir__ctx_is_detached(const weir_ctx_t *ctx);

/* The context after `ctx` in the tree under `root`, parents first; NULL at the end. */
weir_ctx_t *weir__ctx_next(const weir_ctx_t *root, weir_ctx_t *ctx, bool descend);

static inline weir_ctx_t *weir__ctx_of(weir__link_t *sibling) {
  return WEIR__CONTAINER(sibling, weir_ctx_t, sibling);
}

#endif
