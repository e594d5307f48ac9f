/*
 * Where contexts and channels meet: the done channel of a context, and the context of a done
 * channel.
 */
#include "chan.h"
#include "ctx.h"
#include "mem.h"

/*
 * weir_ctx_done: a hook that closes the channel. It stands first, where it is found, and goes back
 * there when it has been fired.
 */
typedef struct done_s {
  weir__hook_t hook;
  weir_ctx_t *ctx;
  weir_chan_t *chan;
} done_t;

static void done_fire(weir__hook_t *hook) {
  done_t *done = WEIR__CONTAINER(hook, done_t, hook);

  weir__ctx_hook(done->ctx, hook);
  weir_chan_close(done->chan);
}

static void done_release(weir__hook_t *hook) {
  done_t *done = WEIR__CONTAINER(hook, done_t, hook);

  weir_chan_unref(done->chan);
  weir__free(done);
}

static done_t *done_new(weir_ctx_t *ctx) {
  static const weir_type_t type = {.name = "done"};
  done_t *done = weir__malloc(sizeof(*done));

  if (!done) return NULL;
  *done = (done_t){.hook = {.fire = done_fire, .release = done_release}, .ctx = ctx};
  done->chan = weir_chan_new(ctx->scope.loop, &type, 0);
  if (done->chan) return done;
  weir__free(done);
  return NULL;
}

weir_chan_t *weir_ctx_done(weir_ctx_t *ctx) {
  weir__hook_t *hook;
  done_t *done;

  if (!ctx || weir__ctx_is_detached(ctx)) return NULL;
  hook = weir__ctx_own_hook(ctx);
  if (hook) return WEIR__CONTAINER(hook, done_t, hook)->chan;
  if (!(done = done_new(ctx))) return NULL;
  weir__ctx_hook(ctx, &done->hook);
  ctx->hooks = &done->hook.link;
  if (ctx->scope.is_walked) weir_chan_close(done->chan);
  return done->chan;
}

/* weir_ctx_with_chan: a watch that cancels the context. */
typedef struct chan_ctx_s {
  weir__kind_ctx_t base;
  weir__watch_t watch;
  weir_chan_t *chan;
} chan_ctx_t;

/* A shared channel may be closed by any thread. */
static void chan_closed(weir__watch_t *watch, weir__posts_t *posts) {
  weir_ctx_t *ctx = &WEIR__CONTAINER(watch, chan_ctx_t, watch)->base.ctx;

  if (posts)
    weir__ctx_cancel_from(ctx, UV_ECANCELED, 0, posts);
  else
    weir__ctx_cancel(ctx, UV_ECANCELED, 0);
}

static void chan_stop(weir_ctx_t *ctx) {
  chan_ctx_t *self = (chan_ctx_t *)ctx;

  if (self->chan) weir__chan_unwatch(self->chan, &self->watch);
}

static void chan_release(weir_ctx_t *ctx) {
  chan_ctx_t *self = (chan_ctx_t *)ctx;
  weir_chan_t *ch = self->chan;

  self->chan = NULL;
  weir_chan_unref(ch);
}

static const weir__ctx_kind_t chan_kind = {"with_chan", chan_stop, chan_release, true};

weir_ctx_t *weir_ctx_with_chan(weir_ctx_t *parent, weir_chan_t *done) {
  chan_ctx_t *self;
  weir_ctx_t *ctx;

  if (!parent || !done) return weir_ctx_with_cancel(parent);
  if (done->loop && done->loop != parent->scope.loop) return NULL;
  ctx = weir__ctx_new(parent, sizeof(*self), &chan_kind);
  if (!ctx) return NULL;
  self = (chan_ctx_t *)ctx;
  self->watch = (weir__watch_t){.fire = chan_closed};
  self->chan = NULL;
  if (weir_ctx_err(ctx)) return ctx;
  self->chan = weir_chan_ref(done);
  if (!weir__chan_watch(done, &self->watch)) weir__ctx_cancel(ctx, UV_ECANCELED, 0);
  return ctx;
}
