/*
 *   try_next      a new handle, for one connects only once; a context for the attempt  ->
 *                 on_connected
 *   on_connected  tells; or closes the handle                                          -> on_missed
 *   on_missed     frees it, and tries the next
 *
 * The end of `ctx` ends the attempt at hand, and there is no other.
 */
#include "connect.h"

#include <stdlib.h>

typedef struct connector_s {
  weir_op_t op;
  weir_ctx_t *ctx, *attempt;
  const struct addrinfo *next;
  uint64_t timeout_ms;
  uv_tcp_t *tcp;
  int error; /* of the last address */
  weir_chan_t *out;
} connector_t;

static void on_closed(uv_handle_t *handle) {
  free(handle);
}

static void tcp_drop(void *value) {
  uv_close(*(uv_handle_t **)value, on_closed);
}

static void finish(connector_t *c, int status) {
  weir_chan_close_with(c->out, status);
  weir_chan_unref(c->out);
  weir_ctx_unref(c->ctx);
  free(c);
}

static void try_next(connector_t *c);

static void on_missed(weir_op_t *op, int status) {
  connector_t *c = op->data;

  (void)status;
  free(c->tcp);
  try_next(c);
}

/* Refused only for a handle that is closed. */
static void miss(connector_t *c, int err) {
  c->error = err;
  if (weir_uv_close(&c->op, (uv_handle_t *)c->tcp, on_missed)) on_missed(&c->op, 0);
}

static void on_connected(weir_op_t *op, int status) {
  connector_t *c = op->data;

  weir_ctx_cancel(c->attempt);
  weir_ctx_unref(c->attempt);
  weir_op_init(op, c->ctx);
  if (status) {
    miss(c, status);
    return;
  }
  weir_chan_try_send(c->out, &c->tcp); /* there is room for one */
  finish(c, UV_EOF);
}

static int start_attempt(connector_t *c, const struct sockaddr *address) {
  c->attempt = weir_ctx_with_timeout(c->ctx, c->timeout_ms);
  if (!c->attempt) return UV_ENOMEM;
  weir_op_init(&c->op, c->attempt);
  return weir_uv_connect(&c->op, c->tcp, address, on_connected);
}

static int open_handle(connector_t *c) {
  int err;

  c->tcp = malloc(sizeof *c->tcp);
  if (!c->tcp) return UV_ENOMEM;
  err = uv_tcp_init(weir_loop_uv(weir_ctx_loop(c->ctx)), c->tcp);
  if (err) free(c->tcp);
  return err;
}

static void try_next(connector_t *c) {
  const struct addrinfo *address = c->next;
  int err;

  if (weir_ctx_err(c->ctx)) c->error = weir_ctx_err(c->ctx);
  if (!address || weir_ctx_err(c->ctx)) {
    finish(c, c->error);
    return;
  }
  c->next = address->ai_next;
  err = open_handle(c);
  if (err) {
    finish(c, err);
    return;
  }
  err = start_attempt(c, address->ai_addr);
  if (err) on_connected(&c->op, err);
}

weir_chan_t *connect_any(weir_ctx_t *ctx, const struct addrinfo *addresses, uint64_t timeout_ms) {
  weir_chan_t *out =
      weir_chan_new(weir_ctx_loop(ctx), WEIR_TYPE_OWNED(uv_tcp_t *, tcp_drop, NULL), 1);
  connector_t *c = out ? calloc(1, sizeof *c) : NULL;

  if (!c) {
    weir_chan_unref(out);
    return NULL;
  }
  c->ctx = weir_ctx_ref(ctx);
  c->out = weir_chan_ref(out);
  c->next = addresses;
  c->timeout_ms = timeout_ms;
  c->error = UV_EADDRNOTAVAIL; /* should there be no address at all */
  c->op.data = c;
  weir_op_init(&c->op, ctx);
  try_next(c);
  return out;
}
