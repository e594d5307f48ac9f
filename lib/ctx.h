/* The cancel tree. */
#ifndef WEIR_LIB_CTX_H
#define WEIR_LIB_CTX_H

#include <weir/ctx.h>

#include "inbox.h"
#include "timer.h"

/* What distinguishes one constructor's contexts from another's. */
typedef struct weir__ctx_kind_s {
  const char *name;
  void (*stop)(weir_ctx_t *ctx);    /* what watches for it, once it is done or goes; no user code */
  void (*release)(weir_ctx_t *ctx); /* what it owns, when it goes; may run user code */
  bool release_early;               /* and once it is cancelled, too */
} weir__ctx_kind_t;

/* A context whose parent lives on another loop (elsewhere.c). */
typedef struct weir__elsewhere_s weir__elsewhere_t;

struct weir_ctx_s {
  weir__scope_t scope;
  const weir__ctx_kind_t *kind;
  weir_ctx_t *parent;    /* held, or referenced if it is on another loop */
  weir__link_t children; /* that a cancellation reaches, by `sibling` */
  weir__link_t sibling;
  weir__link_t hooks;     /* fired, and unlinked, by the cancellation */
  weir__hook_t *done;     /* what weir_ctx_done hands out; released with the context */
  weir_ctx_t *next;       /* in the loop's `cancelled`; among those to be buried */
  weir_ctx_t *next_later; /* in the loop's `later` */
  uint64_t deadline;      /* nanoseconds, or WEIR__NEVER */
  _Atomic(weir__elsewhere_t *) elsewhere; /* the first of its children on other loops */
  weir__lock_t lock;                      /* of the list of them */
  bool is_walked;                         /* a cancellation has reached it, or is about to */
  bool is_later;
  atomic_uint refs; /* the user's, any thread's */
  uint32_t held;    /* its loop's: children, and what goes on with it */
};

/* Makes the root of a loop's tree. */
weir_ctx_t *weir__ctx_root(weir_loop_t *loop);

/* Makes a child in a block of `size` bytes that starts with a weir_ctx_t. */
weir_ctx_t *weir__ctx_new(weir_ctx_t *parent, size_t size, const weir__ctx_kind_t *kind);

/* Fills in a context that is not known to its loop yet. */
void weir__ctx_init(weir_ctx_t *ctx, weir_loop_t *loop, const weir__ctx_kind_t *kind);

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

/* Whether a context is under no parent's cancellation. */
bool weir__ctx_is_detached(const weir_ctx_t *ctx);

/* The context after `ctx` in the tree under `root`, parents first; NULL at the end. */
weir_ctx_t *weir__ctx_next(const weir_ctx_t *root, weir_ctx_t *ctx, bool descend);

static inline weir_ctx_t *weir__ctx_of(weir__link_t *sibling) {
  return WEIR__CONTAINER(sibling, weir_ctx_t, sibling);
}

#endif
