#include "events.h"

#include "../ctx.h"
#include "../watch.h"

void *weir__source_new(weir_ctx_t *ctx, const weir_type_t *type, size_t capacity, size_t size,
                       const char *where) {
  weir__source_t *source = weir__stage_new(ctx, NULL, type, capacity, size);

  if (!source) return NULL;
  weir_op_init_at(&source->send, source->stage.ctx, where);
  weir_op_init_at(&source->wait, source->stage.ctx, where);
  source->send.data = source->wait.data = source;
  return source;
}

static void drop_value(weir__source_t *source) {
  weir__values_drop(weir_chan_type(source->stage.out), source->value, 1);
}

static void free_if_over(weir__source_t *source) {
  if (weir_op_pending(&source->send) || weir_op_pending(&source->wait)) return;
  weir__stage_end(&source->stage, UV_ECANCELED); /* it has been closed */
}

void weir__source_finish(weir__source_t *source, int status) {
  if (source->has_finished) return;
  source->has_finished = true;
  source->stop(source);
  weir_chan_close_with(source->stage.out, status);
  weir_ctx_cancel(source->stage.ctx);
}

static void on_cancelled(weir__hook_t *hook) {
  weir__source_t *source = WEIR__CONTAINER(hook, weir__source_t, cancelled);

  weir__source_finish(source, weir_ctx_err(source->stage.ctx));
}

static void on_closed(weir__watch_t *watch, weir__posts_t *posts) {
  (void)posts; /* the output is local */
  weir__source_finish(WEIR__CONTAINER(watch, weir__source_t, closed), UV_ECANCELED);
}

static void on_wait(weir_op_t *op, int status) {
  (void)status;
  free_if_over(op->data);
}

static void go_on(weir__source_t *source, int status) {
  if (status)
    weir__source_finish(source, status);
  else if (!source->has_finished)
    source->resume(source);
  if (source->has_finished) free_if_over(source);
}

static void on_sent(weir_op_t *op, int status) {
  if (status) drop_value(op->data);
  go_on(op->data, status);
}

static void on_rested(weir_op_t *op, int status) {
  go_on(op->data, status);
}

bool weir__source_send(weir__source_t *source) {
  int status = weir_chan_try_send(source->stage.out, source->value);

  if (status == 0) return true;
  if (status == UV_EAGAIN)
    status = weir_chan_send(&source->send, source->stage.out, source->value, on_sent);
  if (status) {
    drop_value(source);
    weir__source_finish(source, status);
  }
  return false;
}

void weir__source_rest(weir__source_t *source, uint64_t ms) {
  int err = weir_sleep(&source->send, ms, on_rested);

  if (err) weir__source_finish(source, err);
}

/* One that has not started has nothing to stop. */
static void refuse(weir__source_t *source, int err) {
  source->has_finished = true;
  weir_chan_close_with(source->stage.out, err);
  weir_ctx_cancel(source->stage.ctx);
}

static void mind(weir__source_t *source) {
  source->cancelled = (weir__hook_t){.fire = on_cancelled};
  weir__ctx_hook(source->stage.ctx, &source->cancelled);
  source->closed = (weir__watch_t){.fire = on_closed};
  weir__chan_watch(source->stage.out, &source->closed);
}

weir_chan_t *weir__source_start(weir__source_t *source, int (*start)(weir__source_t *source)) {
  weir_ctx_t *ctx = source->stage.ctx;
  weir_chan_t *out = source->stage.out;
  int err = weir__ctx_watch(&source->wait, ctx, on_wait);

  if (err) return weir__stage_started(&source->stage, err);
  err = weir_ctx_err(ctx);
  if (!err) err = start(source);
  if (err)
    refuse(source, err);
  else
    mind(source);
  if (err != UV_ENOMEM) return out;
  weir_chan_unref(out);
  return NULL;
}
