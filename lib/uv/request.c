/*
 * Connect, write, shutdown: requests of a stream, which only its close can take back.
 *
 *   1. start      The request is the library's own memory; its op waits in it.
 *   2. interrupt  A cancellation notes the status, and closes the stream. The op stays pending.
 *   3. done       libuv reports, if interrupted while it closes the stream: the op completes. Its
 *                 callback comes from a later turn, when the handle is closed.
 *   4. free       After 3, and if it has closed the stream, after that.
 *
 * A write that the stream takes at once is done at its start: libuv would report it a turn later.
 */
#include <weir/uv.h>

#include "../mem.h"
#include "../op.h"
#include "handles.h"

typedef struct request_s {
  union {
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
  } uv; /* first, so that the callbacks find the request */
  weir_op_t *op;
  weir_loop_t *loop;
  uv_handle_t *handle;
  int interrupted; /* with this status; or 0 */
  bool is_closing, is_done;
  weir__closing_t closing;
  uv_buf_t bufs[]; /* what is left of a write */
} request_t;

static void free_if_over(request_t *request) {
  if (request->is_done && !request->is_closing) weir__free(request);
}

static void on_closed(weir__closing_t *closing) {
  request_t *request = WEIR__CONTAINER(closing, request_t, closing);

  request->is_closing = false;
  free_if_over(request);
}

static int interrupt(weir_op_t *op, int status) {
  request_t *request = op->u.wait.value;

  if (request->interrupted) return UV_EALREADY;
  request->interrupted = status;
  request->closing.closed = on_closed;
  request->is_closing = weir__handle_close(request->handle, &request->closing);
  return 0;
}

static void done(request_t *request, int status) {
  weir_op_t *op = request->op;

  weir__loop_adopt(request->loop);
  request->loop->requests--;
  op->u.wait.index = 0;
  weir__op_ready(op, request->interrupted ? request->interrupted : status);
  request->is_done = true;
  free_if_over(request);
}

static void on_connect(uv_connect_t *req, int status) {
  done((request_t *)req, status);
}

static void on_write(uv_write_t *req, int status) {
  done((request_t *)req, status);
}

static void on_shutdown(uv_shutdown_t *req, int status) {
  done((request_t *)req, status);
}

static const char *name_of(const request_t *request) {
  const char *name = uv_handle_type_name(request->handle->type);

  return name ? name : "handle";
}

static void describe(weir_op_t *op, FILE *out) {
  const request_t *request = op->u.wait.value;

  fprintf(out, "of a %s%s", name_of(request), request->interrupted ? ", cancelled" : "");
}

/* Nothing abandons these: only a range's operation is. */
#define KIND(name)                                                                                 \
  { .verb = name, .interrupt = interrupt, .describe = describe }

static const weir__kind_t connect_kind = KIND("connect"), write_kind = KIND("write"),
                          shutdown_kind = KIND("shutdown");

/*
 * Makes a request for an op: 0, and it is to be handed to libuv, then to `finish_start`;
 * WEIR__COMPLETED: the context is cancelled; or a negative code.
 */
static int prepare(weir_op_t *op, uv_handle_t *handle, weir_op_cb cb, unsigned nbufs,
                   request_t **request) {
  int started;

  if (!op || !op->ctx || !handle || handle->loop != weir__scope(op)->loop->uv) return UV_EINVAL;
  if (weir_op_pending(op)) return UV_EBUSY;
  if (uv_is_closing(handle)) return UV_EBADF;
  *request = weir__calloc(1, sizeof(**request) + nbufs * sizeof(uv_buf_t));
  if (!*request) return UV_ENOMEM;
  started = weir__op_start(op, cb);
  if (started) {
    weir__free(*request);
    return started;
  }
  (*request)->op = op;
  (*request)->loop = weir__scope(op)->loop;
  (*request)->handle = handle;
  return 0;
}

/* libuv has taken it, or has refused with `err`. */
static int finish_start(request_t *request, int err, const weir__kind_t *kind) {
  if (err) {
    weir__free(request);
    return err;
  }
  request->op->u.wait.value = request;
  request->loop->requests++;
  weir__op_park(request->op, kind);
  return 0;
}

int weir_uv_connect(weir_op_t *op, uv_tcp_t *tcp, const struct sockaddr *addr, weir_op_cb cb) {
  request_t *request;
  int started = addr ? prepare(op, (uv_handle_t *)tcp, cb, 0, &request) : UV_EINVAL;

  if (started) return weir__op_accepted(started);
  return finish_start(request, uv_tcp_connect(&request->uv.connect, tcp, addr, on_connect),
                      &connect_kind);
}

/* Notes what is left to write behind the first `gone` bytes: of some buffers nothing. */
static void note_rest(request_t *request, const uv_buf_t bufs[], unsigned nbufs, size_t gone) {
  for (unsigned i = 0; i < nbufs; i++) {
    size_t skipped = gone < bufs[i].len ? gone : bufs[i].len;
    gone -= skipped;
    request->bufs[i] = uv_buf_init(bufs[i].base + skipped, (unsigned)(bufs[i].len - skipped));
  }
}

static int complete_write(request_t *request, int status) {
  weir_op_t *op = request->op;

  weir__free(request);
  weir__op_complete(op, status, 0);
  return 0;
}

static size_t length_of(const uv_buf_t bufs[], unsigned nbufs) {
  size_t length = 0;

  for (unsigned i = 0; i < nbufs; i++) length += bufs[i].len;
  return length;
}

/* What has begun can be refused no more. */
static int write_rest(request_t *request, const uv_buf_t bufs[], unsigned nbufs, size_t gone) {
  uv_stream_t *stream = (uv_stream_t *)request->handle;
  int err;

  note_rest(request, bufs, nbufs, gone);
  err = uv_write(&request->uv.write, stream, request->bufs, nbufs, on_write);
  if (err && gone > 0) return complete_write(request, err);
  return finish_start(request, err, &write_kind);
}

int weir_uv_write(weir_op_t *op, uv_stream_t *stream, const uv_buf_t bufs[], unsigned nbufs,
                  weir_op_cb cb) {
  bool is_valid = bufs && nbufs > 0;
  request_t *request;
  int started = is_valid ? prepare(op, (uv_handle_t *)stream, cb, nbufs, &request) : UV_EINVAL;
  int written;

  if (started) return weir__op_accepted(started);
  written = uv_try_write(stream, bufs, nbufs);
  if (written >= 0 && (size_t)written == length_of(bufs, nbufs)) return complete_write(request, 0);
  return write_rest(request, bufs, nbufs, written > 0 ? (size_t)written : 0);
}

int weir_uv_shutdown(weir_op_t *op, uv_stream_t *stream, weir_op_cb cb) {
  request_t *request;
  int started = prepare(op, (uv_handle_t *)stream, cb, 0, &request);

  if (started) return weir__op_accepted(started);
  return finish_start(request, uv_shutdown(&request->uv.shutdown, stream, on_shutdown),
                      &shutdown_kind);
}
