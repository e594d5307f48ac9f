/*
 * Attaching to a uv loop, and letting go of it.
 *
 * Closing:
 *   1. mark     New timers are refused from here on.
 *   2. cancel   The background and every detached context: all parked operations become runnable.
 *               Operations started from now on complete with UV_ECANCELED: their contexts are done.
 *   3. drain    The loop turns until no operation is parked or runnable (loop.c).
 *   4. close    The uv handles. From here on starts are refused.
 *   5. closed   When the last handle is gone: the background and the attachment are let go of, and
 *               on_closed is called. The memory of the loop stays until its last channel and
 *               context.
 *
 * A host may have closed all handles that it found (uv_walk), weir's too, before it closes weir.
 * Then a handle kept in reserve drives 3 to 5. It stays for a second turn, since libuv may only let
 * go of the others in the first.
 */
#include "ctx.h"
#include "mem.h"
#include "op.h"
#include "timer.h"

static void on_handle_closed(weir_loop_t *loop) {
  weir_loop_cb on_closed = loop->on_closed;
  void *arg = loop->on_closed_arg;

  if (--loop->open_handles > 0) return;
  weir_ctx_unref(loop->background);
  weir__loop_unref(loop);
  if (on_closed) on_closed(arg);
}

/* One close callback a handle, since a handle's offset is how its loop is found. */
static void on_idle_closed(uv_handle_t *handle) {
  on_handle_closed(WEIR__CONTAINER(handle, weir_loop_t, idle));
}

static void on_prepare_closed(uv_handle_t *handle) {
  on_handle_closed(WEIR__CONTAINER(handle, weir_loop_t, prepare));
}

static void on_check_closed(uv_handle_t *handle) {
  on_handle_closed(WEIR__CONTAINER(handle, weir_loop_t, check));
}

static void on_timer_closed(uv_handle_t *handle) {
  on_handle_closed(WEIR__CONTAINER(handle, weir_loop_t, timer));
}

static void on_rescue_closed(uv_handle_t *handle) {
  on_handle_closed(WEIR__CONTAINER(handle, weir_loop_t, rescue));
}

static void close_handle(weir_loop_t *loop, uv_handle_t *handle, uv_close_cb on_handle) {
  if (uv_is_closing(handle)) return;
  loop->open_handles++;
  uv_close(handle, on_handle);
}

static void close_handles(weir_loop_t *loop) {
  if (loop->closed || loop->rescue_turns == 1) return;
  loop->closed = true;
  close_handle(loop, (uv_handle_t *)&loop->idle, on_idle_closed);
  close_handle(loop, (uv_handle_t *)&loop->prepare, on_prepare_closed);
  close_handle(loop, (uv_handle_t *)&loop->check, on_check_closed);
  close_handle(loop, (uv_handle_t *)&loop->timer, on_timer_closed);
  if (loop->rescue_turns > 0) close_handle(loop, (uv_handle_t *)&loop->rescue, on_rescue_closed);
}

static void on_rescue(uv_idle_t *handle) {
  weir_loop_t *loop = WEIR__CONTAINER(handle, weir_loop_t, rescue);

  loop->rescue_turns++;
  weir__loop_turn(loop);
}

static void start_rescue(weir_loop_t *loop) {
  uv_idle_init(loop->uv, &loop->rescue);
  uv_idle_start(&loop->rescue, on_rescue);
}

static void cancel_all(weir_loop_t *loop) {
  weir__link_t detached, *link;

  weir__ctx_cancel(loop->background, UV_ECANCELED, 0);
  weir__queue_splice(&loop->detached, &detached);
  while ((link = weir__queue_pop(&detached))) {
    weir__queue_push(&loop->detached, link);
    weir__ctx_cancel(weir__ctx_of(link), UV_ECANCELED, 0);
  }
}

void weir_loop_close(weir_loop_t *loop, weir_loop_cb on_closed, void *arg) {
  if (!loop || loop->closing) return;
  loop->closing = true;
  loop->on_closed = on_closed;
  loop->on_closed_arg = arg;
  weir__timers_discard(loop);
  cancel_all(loop);
  if (uv_is_closing((uv_handle_t *)&loop->check))
    start_rescue(loop);
  else if (!loop->in_callback && weir__loop_is_drained(loop))
    close_handles(loop);
  else if (!loop->armed)
    weir__loop_arm(loop);
}

int weir_loop_new(weir_loop_t **loop, uv_loop_t *uv) {
  weir_loop_t *self;

  if (!loop || !uv) return UV_EINVAL;
  self = weir__calloc(1, sizeof(*self));
  if (!self) return UV_ENOMEM;
  self->background = weir__ctx_root(self);
  if (!self->background) {
    weir__free(self);
    return UV_ENOMEM;
  }
  weir__loop_init(self, uv);
  weir__timers_init(self);
  self->leave_joins = weir__op_leave_joins;
  self->on_drained = close_handles;
  *loop = self;
  return 0;
}
