/*
 * Work on libuv's thread pool, as an operation.
 *
 * The request is the library's own, since libuv reports a cancelled one late, when the op may be
 * gone: the op that waits and its request know each other until either is done with the other. What
 * is queued can be cancelled; what runs cannot, and completes when it returns.
 */
#include "mem.h"
#include "op.h"

typedef struct work_s {
  uv_work_t req;
  weir_loop_t *loop;
  weir_op_t *op; /* NULL: cancelled */
  void (*fn)(void *arg);
  void *arg;
} work_t;

static void run(uv_work_t *req) {
  work_t *work = WEIR__CONTAINER(req, work_t, req);

  work->fn(work->arg);
}

static void after(uv_work_t *req, int status) {
  work_t *work = WEIR__CONTAINER(req, work_t, req);
  weir_op_t *op = work->op;

  weir__loop_adopt(work->loop);
  work->loop->requests--;
  if (op) {
    op->u.wait.index = 0;
    weir__op_ready(op, status);
  }
  weir__free(work);
}

static int unpark(weir_op_t *op) {
  work_t *work = op->u.wait.value;

  if (uv_cancel((uv_req_t *)&work->req)) return UV_EBUSY;
  work->op = NULL;
  op->u.wait.index = 0;
  return 0;
}

static void describe(weir_op_t *op, FILE *out) {
  (void)op;
  fprintf(out, "on the thread pool");
}

static const weir__kind_t work_kind = {.verb = "work", .unpark = unpark, .describe = describe};

int weir_work(weir_op_t *op, void (*fn)(void *arg), void *arg, weir_op_cb cb) {
  work_t *work;
  int started;

  if (!op || !op->ctx || !fn) return UV_EINVAL;
  if (weir_op_pending(op)) return UV_EBUSY;
  work = weir__malloc(sizeof(*work));
  if (!work) return UV_ENOMEM;
  started = weir__op_start(op, cb);
  if (started) {
    weir__free(work);
    return weir__op_accepted(started);
  }
  *work = (work_t){.loop = weir__scope(op)->loop, .op = op, .fn = fn, .arg = arg};
  op->u.wait.value = work;
  weir__op_park(op, &work_kind);
  work->loop->requests++;
  uv_queue_work(work->loop->uv, &work->req, run, after);
  return 0;
}
