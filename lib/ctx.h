/* The cancel tree. */
#ifndef WEIR_LIB_CTX_H
#define WEIR_LIB_CTX_H

#include <weir/ctx.h>

#include "loop.h"
#include "timer.h"

/* What distinguishes one constructor's contexts from another's. */
typedef struct weir__ctx_kind_s {
  const char *name;
  void (*stop)(weir_ctx_t *ctx);    /* what watches for it, once it is done or goes; no user code */
  void (*release)(weir_ctx_t *ctx); /* what it owns, when it goes; may run user code */
  bool release_early;               /* and once it is cancelled, too */
} weir__ctx_kind_t;

struct weir_ctx_s {
  weir__scope_t scope;
  const weir__ctx_kind_t *kind;
  weir_ctx_t *parent;    /* held */
  weir__link_t children; /* that a cancellation reaches, by `sibling` */
  weir__link_t sibling;
  weir__link_t hooks;     /* fired, and unlinked, by the cancellation */
  weir__hook_t *done;     /* what weir_ctx_done hands out; released with the context */
  weir_ctx_t *next;       /* in the loop's `cancelled` */
  weir_ctx_t *next_later; /* in the loop's `later` */
  uint64_t deadline;      /* nanoseconds, or WEIR__NEVER */
  size_t refs;
  bool is_later;
};

/* Makes the root of a loop's tree. */
weir_ctx_t *weir__ctx_root(weir_loop_t *loop);

/* Makes a child in a block of `size` bytes that starts with a weir_ctx_t. */
weir_ctx_t *weir__ctx_new(weir_ctx_t *parent, size_t size, const weir__ctx_kind_t *kind);

/* Cancels a context and all under it, with a cause of its own or 0. */
void weir__ctx_cancel(weir_ctx_t *ctx, int err, int cause);

/* Whether a context is under no parent's cancellation. */
bool weir__ctx_is_detached(const weir_ctx_t *ctx);

/* The context after `ctx` in the tree under `root`, parents first; NULL at the end. */
weir_ctx_t *weir__ctx_next(const weir_ctx_t *root, weir_ctx_t *ctx, bool descend);

static inline weir_ctx_t *weir__ctx_of(weir__link_t *sibling) {
  return WEIR__CONTAINER(sibling, weir_ctx_t, sibling);
}

#endif
