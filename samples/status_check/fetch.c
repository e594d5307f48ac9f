/*
 * One GET, from the name of a host to the status line:
 *
 *   look_up       the host's addresses, on libuv's thread pool            -> on_found
 *   connect_next  to each address in turn, until one accepts              -> on_connected
 *   exchange      writes the request, and reads until the header is there -> on_read
 *   finish        puts the result on the channel, and takes back what still runs
 *
 * Whatever comes first finishes: the answer, an error, or `watch`, which waits for the context. But
 * libuv cannot take back a connect, nor a lookup that already runs: the result goes out at once,
 * and the memory stays until the last callback has come home. So each thing started counts in
 * `pending`, and each callback ends with let_go().
 */
#include "fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fetch_s {
  weir_ctx_t *ctx;
  weir_chan_t *out; /* NULL once finished */
  weir_op_t watch;
  uint64_t began;
  unsigned pending;
  const char *doing;
  url_t url;
  uv_getaddrinfo_t lookup;
  bool looking_up;
  struct addrinfo *addresses, *next;
  int last_error; /* of connecting */
  uv_tcp_t tcp;
  bool tcp_open;
  uv_connect_t connect;
  uv_write_t write;
  http_t http;
  char request[HTTP_REQUEST_MAX];
  char input[4096];
} fetch_t;

static void connect_next(fetch_t *f);

static uv_loop_t *uv_of(const fetch_t *f) {
  return weir_loop_uv(weir_ctx_loop(f->ctx));
}

static void let_go(fetch_t *f) {
  if (--f->pending > 0) return;
  uv_freeaddrinfo(f->addresses);
  weir_ctx_unref(f->ctx);
  free(f);
}

static void close_tcp(fetch_t *f, uv_close_cb cb) {
  if (!f->tcp_open) return;
  f->tcp_open = false;
  f->pending++;
  uv_close((uv_handle_t *)&f->tcp, cb);
}

static void on_closed(uv_handle_t *handle) {
  let_go(handle->data);
}

static void take_back(fetch_t *f) {
  weir_op_cancel(&f->watch);
  if (f->looking_up) uv_cancel((uv_req_t *)&f->lookup);
  close_tcp(f, on_closed);
}

static void finish(fetch_t *f, failure_t kind, int code, const char *detail) {
  result_t result = {.error = {kind, code, detail}, .response = {.status = f->http.status}};

  if (!f->out) return;
  result.ms = weir_now(weir_ctx_loop(f->ctx)) - f->began;
  memcpy(result.response.reason, f->http.reason, sizeof f->http.reason);
  weir_chan_try_send(f->out, &result);
  weir_chan_unref(f->out);
  f->out = NULL;
  take_back(f);
}

static void finish_with_context(fetch_t *f) {
  if (weir_ctx_err(f->ctx) == UV_ETIMEDOUT)
    finish(f, FAILURE_TIMED_OUT, 0, f->doing);
  else
    finish(f, FAILURE_CANCELLED, 0, NULL);
}

static void on_context_done(weir_op_t *op, int status) {
  fetch_t *f = op->data;

  (void)status; /* taken back: then it is finished */
  finish_with_context(f);
  let_go(f);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  fetch_t *f = handle->data;

  (void)suggested;
  *buf = uv_buf_init(f->input, sizeof f->input);
}

static void on_end(fetch_t *f, int status) {
  if (status != UV_EOF)
    finish(f, FAILURE_READ, status, NULL);
  else
    finish(f, http_is_inside(&f->http) ? FAILURE_CUT_OFF : FAILURE_EMPTY, 0, NULL);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
  fetch_t *f = stream->data;

  if (count < 0) {
    on_end(f, (int)count);
    return;
  }
  switch (http_feed(&f->http, buf->base, (size_t)count)) {
  case HTTP_MORE:
    break;
  case HTTP_ANSWERED:
    finish(f, FAILURE_NONE, 0, NULL);
    break;
  case HTTP_NONSENSE:
    finish(f, FAILURE_NOT_HTTP, 0, f->http.error);
    break;
  }
}

/* A failure is left to the reader, for the server may have answered before it closed. */
static void on_written(uv_write_t *req, int status) {
  (void)status;
  let_go(req->data);
}

static void exchange(fetch_t *f) {
  uv_stream_t *stream = (uv_stream_t *)&f->tcp;
  uv_buf_t buf = uv_buf_init(f->request, (unsigned)http_request(f->request, &f->url));
  int err = uv_read_start(stream, on_alloc, on_read);

  f->doing = "waiting for an answer";
  f->write.data = f;
  if (!err) err = uv_write(&f->write, stream, &buf, 1, on_written);
  if (err)
    finish(f, FAILURE_READ, err, NULL);
  else
    f->pending++;
}

/* A handle connects once: the next address gets a new one, when this one's memory is free. */
static void on_missed(uv_handle_t *handle) {
  fetch_t *f = handle->data;

  if (f->out) connect_next(f);
  let_go(f);
}

static void miss(fetch_t *f, int err) {
  f->last_error = err;
  close_tcp(f, on_missed);
}

static void on_connected(uv_connect_t *req, int status) {
  fetch_t *f = req->data;

  if (f->out && status)
    miss(f, status);
  else if (f->out)
    exchange(f);
  let_go(f);
}

static void connect_next(fetch_t *f) {
  struct addrinfo *address = f->next;
  int err = address ? uv_tcp_init(uv_of(f), &f->tcp) : f->last_error;

  if (err) {
    finish(f, FAILURE_CONNECT, err, NULL);
    return;
  }
  f->next = address->ai_next;
  f->tcp.data = f->connect.data = f;
  f->tcp_open = true;
  err = uv_tcp_connect(&f->connect, &f->tcp, address->ai_addr, on_connected);
  if (err)
    miss(f, err);
  else
    f->pending++;
}

static void on_found(uv_getaddrinfo_t *req, int status, struct addrinfo *addresses) {
  fetch_t *f = req->data;

  f->looking_up = false;
  f->addresses = f->next = addresses;
  f->doing = "connecting";
  if (status)
    finish(f, FAILURE_RESOLVE, status, NULL);
  else if (f->out)
    connect_next(f);
  let_go(f);
}

static void look_up(fetch_t *f) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
  char port[8];
  int err;

  snprintf(port, sizeof port, "%u", f->url.port);
  f->doing = "looking up the host";
  f->lookup.data = f;
  err = uv_getaddrinfo(uv_of(f), &f->lookup, on_found, f->url.host, port, &hints);
  if (err) {
    finish(f, FAILURE_RESOLVE, err, NULL);
    return;
  }
  f->looking_up = true;
  f->pending++;
}

static void start(fetch_t *f, const char *url) {
  const char *wrong = url_parse(&f->url, url);

  if (weir_ctx_err(f->ctx)) {
    finish_with_context(f);
  } else if (wrong) {
    finish(f, FAILURE_BAD_URL, 0, wrong);
  } else if (weir_ctx_wait(&f->watch, f->ctx, on_context_done)) {
    finish(f, FAILURE_CANCELLED, 0, NULL);
  } else {
    f->pending++;
    look_up(f);
  }
}

weir_chan_t *fetch(weir_ctx_t *ctx, const char *url) {
  weir_chan_t *out = weir_chan_new(weir_ctx_loop(ctx), WEIR_TYPE(result_t), 1);
  fetch_t *f = out ? calloc(1, sizeof *f) : NULL;

  if (!f) {
    weir_chan_unref(out);
    return NULL;
  }
  f->ctx = weir_ctx_ref(ctx);
  f->out = weir_chan_ref(out);
  f->last_error = UV_EADDRNOTAVAIL; /* should there be no address at all */
  f->began = weir_now(weir_ctx_loop(ctx));
  f->pending = 1; /* until start() has come back */
  f->doing = "before it began";
  weir_op_init(&f->watch, ctx);
  f->watch.data = f;
  http_init(&f->http);
  start(f, url);
  let_go(f);
  return out;
}
