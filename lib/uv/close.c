/*
 * weir_uv_close. One that weir closes, or has closed a moment ago, is waited for by way of the
 * table of handles; one that was closed by other means, by rounds.
 */
#include <weir/uv.h>

#include "../mem.h"
#include "../op.h"
#include "handles.h"

typedef struct wait_s {
  weir__round_t round; /* first */
  weir_op_t *op;
} wait_t;

static void complete(weir_op_t *op) {
  weir_loop_t *loop = weir__scope(op)->loop;

  weir__loop_adopt(loop);
  op->u.wait.index = 0;
  weir__op_ready(op, 0);
}

static void on_closed(weir__closing_t *closing) {
  complete(WEIR__CONTAINER(closing, weir_op_t, u.closing));
}

static void on_rounds_over(weir__round_t *round) {
  complete(((wait_t *)round)->op);
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

static int wait_for_close(weir_op_t *op, uv_loop_t *uv) {
  wait_t *wait = weir__calloc(1, sizeof(*wait));

  if (!wait) return UV_ENOMEM;
  wait->op = op;
  weir__round_start(&wait->round, uv, on_rounds_over);
  return 0;
}

int weir_uv_close(weir_op_t *op, uv_handle_t *handle, weir_op_cb cb) {
  int err;

  if (!op || !op->ctx || !handle || handle->loop != weir__scope(op)->loop->uv) return UV_EINVAL;
  err = weir__op_start_anyway(op, cb);
  if (err) return err;
  op->u.closing.closed = on_closed;
  if (!weir__handle_close(handle, &op->u.closing)) err = wait_for_close(op, handle->loop);
  if (!err) weir__op_park(op, &kind);
  return err;
}
