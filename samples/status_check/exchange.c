#include "exchange.h"

#include "http.h"

#include <stdlib.h>
#include <string.h>

typedef struct exchange_s {
  weir_op_t op;
  weir_ctx_t *ctx;
  wire_t wire;
  weir_chunk_t chunk;
  http_t http;
  uint64_t first_byte;
  weir_chan_t *out;
} exchange_t;

static void answer_drop(void *value) {
  free(((answer_t *)value)->location);
}

static void finish(exchange_t *e) {
  answer_t answer = {.error = e->http.error,
                     .status = e->http.status,
                     .location = e->http.location,
                     .bytes = e->http.bytes,
                     .first_byte = e->first_byte};

  memcpy(answer.reason, e->http.reason, sizeof answer.reason);
  if (weir_chan_try_send(e->out, &answer)) answer_drop(&answer); /* there is room for one */
  weir_chan_close(e->out);
  weir_chan_unref(e->out);
  weir_chan_unref(e->wire.in);
  weir_chan_unref(e->wire.out);
  weir_ctx_unref(e->ctx);
  weir_chunk_free(&e->chunk);
  free(e);
}

/* The wire has no more to say, or the context has ended. */
static void finish_at_end(exchange_t *e, int status) {
  const char *doing = e->http.status ? "reading the answer" : "waiting for an answer";

  if (weir_ctx_err(e->ctx))
    e->http.error = error_of_ctx(e->ctx, doing);
  else if (status == UV_EOF || status == UV_ECONNABORTED)
    http_end(&e->http, status == UV_EOF);
  else
    e->http.error = (check_error_t){.kind = FAILURE_LOST, .code = status};
  finish(e);
}

static void on_chunk(weir_op_t *op, int status);

static void receive(exchange_t *e) {
  int err = weir_chan_recv(&e->op, e->wire.in, &e->chunk, on_chunk);

  if (err) finish_at_end(e, err);
}

static void on_chunk(weir_op_t *op, int status) {
  exchange_t *e = op->data;
  http_state_t state;

  if (status) {
    finish_at_end(e, status);
    return;
  }
  if (!e->first_byte) e->first_byte = uv_hrtime();
  state = http_feed(&e->http, e->chunk.base, e->chunk.len);
  weir_chunk_free(&e->chunk);
  if (state == HTTP_MORE)
    receive(e);
  else
    finish(e);
}

/* A failure is left to the reader, for the server may have answered before it stopped to listen. */
static void on_sent(weir_op_t *op, int status) {
  exchange_t *e = op->data;

  if (status) weir_chunk_free(&e->chunk);
  e->chunk.base = NULL; /* the writer's now */
  receive(e);
}

weir_chan_t *exchange(weir_ctx_t *ctx, const wire_t *wire, char *request,
                      const settings_t *settings) {
  weir_loop_t *loop = weir_ctx_loop(ctx);
  weir_chan_t *out = weir_chan_new(loop, WEIR_TYPE_OWNED(answer_t, answer_drop, NULL), 1);
  exchange_t *e = out ? calloc(1, sizeof *e) : NULL;

  if (!e) {
    weir_chan_unref(out);
    free(request);
    return NULL;
  }
  e->ctx = weir_ctx_ref(ctx);
  e->wire = (wire_t){weir_chan_ref(wire->in), weir_chan_ref(wire->out)};
  e->chunk = (weir_chunk_t){request, strlen(request)};
  e->out = weir_chan_ref(out);
  e->op.data = e;
  weir_op_init(&e->op, ctx);
  http_init(&e->http, settings->is_head, settings->body_max);
  if (weir_chan_send(&e->op, e->wire.out, &e->chunk, on_sent)) finish_at_end(e, UV_EPIPE);
  return out;
}
