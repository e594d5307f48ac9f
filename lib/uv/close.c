/*
 * weir_uv_close. One that weir closes, or has closed a moment ago, is waited for by way of the table of
 * handles. Of one that was closed by other means libuv tells weir nothing: but when a handle that is
 * opened and closed after it has called back twice, all before it have been let go of (attach.c).
 */
#include <weir/uv.h>

#include "../mem.h"
#include "../op.h"
#include "handles.h"

enum { ROUNDS = 2 };

typedef struct round_s {
  uv_idle_t handle; /* first, so that its callback finds the round */
  weir_op_t *op;
  int left;
} round_t;

static void complete(weir_op_t *op) {
  weir_loop_t *loop = weir__scope(op)->loop;

  weir__loop_adopt(loop);
  op->u.wait.index = 0;
  weir__op_ready(op, 0);
}

static void on_closed(weir__closing_t *closing) {
  complete(WEIR__CONTAINER(closing, weir_op_t, u.closing));
}

static void on_round(uv_handle_t *handle) {
  round_t *round = (round_t *)handle;

  if (--round->left > 0) {
    uv_idle_init(handle->loop, &round->handle);
    uv_close(handle, on_round);
    return;
  }
  complete(round->op);
  weir__free(round);
}

static int interrupt(weir_op_t *op, int status) {
  (void)op;
  (void)status;
  return UV_EBUSY;
}

static void describe(weir_op_t *op, FILE *out) {
  (void)op;
  fprintf(out, "of a handle");
}

static const weir__kind_t kind = {.verb = "close", .interrupt = interrupt, .describe = describe};

static int start_round(weir_op_t *op, uv_loop_t *uv) {
  round_t *round = weir__calloc(1, sizeof(*round));

  if (!round) return UV_ENOMEM;
  round->op = op;
  round->left = ROUNDS;
  uv_idle_init(uv, &round->handle);
  uv_close((uv_handle_t *)&round->handle, on_round);
  return 0;
}

int weir_uv_close(weir_op_t *op, uv_handle_t *handle, weir_op_cb cb) {
  int err;

  if (!op || !op->ctx || !handle || handle->loop != weir__scope(op)->loop->uv) return UV_EINVAL;
  err = weir__op_start_anyway(op, cb);
  if (err) return err;
  op->u.closing.closed = on_closed;
  if (!weir__handle_close(handle, &op->u.closing)) err = start_round(op, handle->loop);
  if (!err) weir__op_park(op, &kind);
  return err;
}
