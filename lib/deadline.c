/*
 * Contexts with a deadline, the earliest of those above and their own. Whose own it is has a timer,
 * which cancels all under it.
 */
#include "ctx.h"

typedef struct timer_ctx_s {
  weir__kind_ctx_t base;
  weir__timer_t timer;
} timer_ctx_t;

static void deadline_fire(weir__timer_t *timer) {
  weir__ctx_cancel(&WEIR__CONTAINER(timer, timer_ctx_t, timer)->base.ctx, UV_ETIMEDOUT, 0);
}

static void deadline_stop(weir_ctx_t *ctx) {
  weir__timer_stop(ctx->scope.loop, &((timer_ctx_t *)ctx)->timer);
}

static const weir__ctx_kind_t deadline_kind = {.name = "with_deadline", .stop = deadline_stop};

/* Nanoseconds, or WEIR__NEVER: no child's is later than its parent's, so the first is what counts. */
static uint64_t deadline_of(const weir_ctx_t *ctx) {
  if (!ctx->has_deadline) return WEIR__NEVER;
  while (weir__ctx_kind(ctx) != &deadline_kind) ctx = ctx->parent;
  return ((const timer_ctx_t *)ctx)->timer.deadline;
}

/*
 * Where the parent's deadline is earlier, its timer serves both. It may be due and not have fired:
 * what is over from the start needs none.
 */
static weir_ctx_t *with_deadline(weir_ctx_t *parent, uint64_t deadline, uint64_t now) {
  uint64_t inherited = deadline_of(parent);
  bool is_earlier = deadline < inherited;
  weir_ctx_t *ctx = weir__ctx_new(parent, sizeof(timer_ctx_t), &deadline_kind);
  timer_ctx_t *self = (timer_ctx_t *)ctx;

  if (!ctx) return NULL;
  ctx->has_deadline = true;
  self->timer.fire = deadline_fire;
  self->timer.link.next = NULL;
  self->timer.deadline = is_earlier ? deadline : inherited;
  if (self->timer.deadline <= now)
    weir__ctx_cancel(ctx, UV_ETIMEDOUT, 0);
  else if (is_earlier && !ctx->scope.is_walked)
    weir__timer_start(parent->scope.loop, &self->timer, deadline);
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
  uint64_t deadline = ctx ? deadline_of(ctx) : WEIR__NEVER;

  if (deadline == WEIR__NEVER) return false;
  if (when) *when = deadline / WEIR__NS_PER_MS;
  return true;
}
