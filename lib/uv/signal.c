/* weir_uv_signal: a uv_signal_t of the library's own, which outlives its source until it
 * is closed. */
#include <weir/uv.h>

#include "../mem.h"
#include "../op.h"
#include "events.h"
#include "handles.h"

typedef struct watcher_s {
  uv_signal_t handle; /* first */
  weir__round_t round;
  weir_loop_t *loop;
  weir__source_t *source;
} watcher_t;

typedef struct signals_s {
  weir__source_t source;
  watcher_t *watcher;
  bool is_open; /* the watcher's handle: its close frees it */
  int signum, value;
} signals_t;

static void watcher_free(watcher_t *watcher) {
  watcher->loop->requests--;
  weir__loop_arm(watcher->loop);
  weir__free(watcher);
}

static void on_closed(uv_handle_t *handle) {
  watcher_free((watcher_t *)handle);
}

static void on_rounds_over(weir__round_t *round) {
  watcher_free(WEIR__CONTAINER(round, watcher_t, round));
}

/* A host may have closed all handles that it has found. */
static void stop(weir__source_t *source) {
  watcher_t *watcher = ((signals_t *)source)->watcher;
  uv_handle_t *handle = (uv_handle_t *)&watcher->handle;

  watcher->loop->requests++;
  if (uv_is_closing(handle))
    weir__round_start(&watcher->round, handle->loop, on_rounds_over);
  else
    uv_close(handle, on_closed);
}

/* One that nobody has received yet says it for this one, too. */
static void on_signal(uv_signal_t *handle, int signum) {
  signals_t *signals = (signals_t *)((watcher_t *)handle)->source;

  signals->value = signum;
  weir_chan_try_send(signals->source.stage.out, &signals->value);
}

static int start(weir__source_t *source) {
  signals_t *signals = (signals_t *)source;
  watcher_t *watcher = signals->watcher;
  int err = uv_signal_init(watcher->loop->uv, &watcher->handle);

  if (err) return err;
  signals->is_open = true;
  err = uv_signal_start(&watcher->handle, on_signal, signals->signum);
  if (err) stop(source);
  return err;
}

static void release(weir__stage_t *stage) {
  signals_t *signals = (signals_t *)stage;

  if (!signals->is_open) weir__free(signals->watcher);
}

static watcher_t *watcher_new(weir_loop_t *loop, weir__source_t *source) {
  watcher_t *watcher = weir__calloc(1, sizeof(*watcher));

  if (!watcher) return NULL;
  watcher->loop = loop;
  watcher->source = source;
  return watcher;
}

weir_chan_t *weir_uv_signal(weir_ctx_t *ctx, int signum) {
  static const weir_type_t type = {.size = sizeof(int), .name = "signal"};
  signals_t *signals = weir__source_new(ctx, &type, 1, sizeof(*signals), "weir_uv_signal");

  if (!signals) return NULL;
  signals->source.stop = stop;
  signals->source.stage.release = release;
  signals->signum = signum;
  signals->watcher = watcher_new(weir_ctx_loop(ctx), &signals->source);
  if (!signals->watcher) return weir__stage_started(&signals->source.stage, UV_ENOMEM);
  return weir__source_start(&signals->source, start);
}
