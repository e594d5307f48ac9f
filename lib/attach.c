/*
 * Attaching to a uv loop, and letting go of it.
 *
 * Closing:
 *   1. mark     New timer channels are refused from here on.
 *   2. cancel   The background and every detached context: all parked operations become runnable.
 *               Operations started from now on complete with UV_ECANCELED: their contexts are done.
 *   3. drain    The loop turns until no operation is parked or runnable (loop.c); those count that
 *               another thread has claimed, and work that runs.
 *   4. close    The inbox, then the uv handles; the spare buffer is freed. From here on starts are
 *               refused, and what other threads want of a context they settle themselves
 *               (weir__loop_enter).
 *   5. closed   The background and the attachment are let go of, and on_closed is called. The
 *               memory of the loop stays until its last channel and context.
 *
 * Rounds: a handle of its own, opened and closed at once, calls back from the closing phase of the
 * coming turn, and nobody can take that away. For a host may close all handles that it finds
 * (uv_walk), weir's too, before weir is closed or while it is: a round then drives the drain where
 * the check handle is gone. After 4, two more rounds pass before 5: libuv calls close callbacks
 * last closed first, so only the second finds that it has let go of all others.
 */
#include "ctx.h"
#include "mem.h"
#include "op.h"
#include "timer.h"

enum { ROUNDS_AFTER_CLOSE = 2 };

static void on_round(uv_handle_t *handle);

static void start_round(weir_loop_t *loop) {
  if (loop->in_round) return;
  loop->in_round = true;
  uv_idle_init(loop->uv, &loop->round);
  uv_close((uv_handle_t *)&loop->round, on_round);
}

static void close_handle(uv_handle_t *handle) {
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

/* The last posts come when no other thread is the owner any more: this one visits. */
static void close_inbox(weir_loop_t *loop) {
  weir_loop_t *before;

  weir__loop_enter(loop, &before);
  loop->closed = true;
  weir__inbox_close(loop);
  weir__loop_leave(loop, before);
}

static void close_handles(weir_loop_t *loop) {
  if (loop->closed) return;
  close_inbox(loop);
  weir__free(loop->spare);
  loop->spare = NULL;
  close_handle((uv_handle_t *)&loop->async);
  close_handle((uv_handle_t *)&loop->idle);
  close_handle((uv_handle_t *)&loop->prepare);
  close_handle((uv_handle_t *)&loop->check);
  close_handle((uv_handle_t *)&loop->timer);
  loop->rounds_left = ROUNDS_AFTER_CLOSE;
  start_round(loop);
}

static void finish(weir_loop_t *loop) {
  weir_loop_cb on_closed = loop->on_closed;
  void *arg = loop->on_closed_arg;

  weir_ctx_unref(loop->background);
  weir__loop_unref(loop);
  if (on_closed) on_closed(arg);
}

static void on_round(uv_handle_t *handle) {
  weir_loop_t *loop = WEIR__CONTAINER(handle, weir_loop_t, round);

  loop->in_round = false;
  if (!loop->closed) {
    weir__loop_turn(loop);
    if (!loop->closed && uv_is_closing((uv_handle_t *)&loop->check)) start_round(loop);
  } else if (--loop->rounds_left == 0) {
    finish(loop);
  } else {
    start_round(loop);
  }
}

static void cancel_all(weir_loop_t *loop) {
  weir_loop_t *before = weir__loop_begin(loop);
  weir__link_t detached, *link;

  weir__ctx_cancel(loop->background, UV_ECANCELED, 0);
  weir__queue_splice(&loop->detached, &detached);
  while ((link = weir__queue_pop(&detached))) {
    weir__queue_push(&loop->detached, link);
    weir__ctx_cancel(weir__ctx_of(link), UV_ECANCELED, 0);
  }
  weir__loop_end(before);
}

void weir_loop_close(weir_loop_t *loop, weir_loop_cb on_closed, void *arg) {
  if (!loop || loop->closing) return;
  weir__loop_adopt(loop);
  loop->closing = true;
  loop->on_closed = on_closed;
  loop->on_closed_arg = arg;
  weir__timers_discard(loop);
  cancel_all(loop);
  start_round(loop);
}

int weir_loop_new(weir_loop_t **loop, uv_loop_t *uv) {
  weir_loop_t *self;
  int err;

  if (!loop || !uv) return UV_EINVAL;
  self = weir__calloc(1, sizeof(*self));
  if (!self) return UV_ENOMEM;
  self->background = weir__ctx_root(self);
  err = self->background ? weir__loop_init(self, uv) : UV_ENOMEM;
  if (err) {
    weir__free(self->background);
    weir__free(self);
    return err;
  }
  weir__timers_init(self);
  self->leave_joins = weir__op_leave_joins;
  self->deliver_op = weir__op_deliver;
  self->on_drained = close_handles;
  *loop = self;
  return 0;
}
