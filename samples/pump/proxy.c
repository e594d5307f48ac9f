/*
 * Connects each client to a server:
 *
 *   start         looks the server's name up                           -> on_found
 *   connect_next  tries its addresses in turn, each for a while        -> on_connected
 *   pump          from the client and from the server, till both ended -> on_pumped
 */
#include "pump.h"

#include <stdio.h>

enum { CONNECT_MS = 3000 };

typedef struct proxy_s {
  connection_t connection; /* first */
  weir_op_t op;
  struct addrinfo *addresses, *next;
  weir_ctx_t *attempt;
  uv_tcp_t server;
  int last_error; /* of an attempt */
  pump_t there, back;
  int pumping;
} proxy_t;

static void finish(proxy_t *p) {
  uv_freeaddrinfo(p->addresses);
  connection_end(&p->connection);
}

/* What is cancelled says only that it was: why, says the context. */
static void fail(proxy_t *p, int err) {
  const server_t *server = p->connection.server;

  if (weir_ctx_err(p->connection.ctx)) err = weir_ctx_cause(p->connection.ctx);
  fprintf(stderr, "pump: %s port %s: %s\n", server->host, server->host_port, uv_strerror(err));
  finish(p);
}

/* The op may still be bound to the context of an attempt. Refused only for one that is closed. */
static void close_server(proxy_t *p, weir_op_cb cb) {
  weir_op_init(&p->op, p->connection.ctx);
  if (weir_uv_close(&p->op, (uv_handle_t *)&p->server, cb)) cb(&p->op, 0);
}

/* pumping */

static void on_closed(weir_op_t *op, int status) {
  (void)status;
  finish(op->data);
}

static void on_pumped(pump_t *pump, int status) {
  proxy_t *p = pump->data;

  if (status) weir_ctx_cancel_cause(p->connection.ctx, status); /* the other one ends, too */
  if (--p->pumping == 0) close_server(p, on_closed);
}

static void pump_both(proxy_t *p) {
  uv_stream_t *client = (uv_stream_t *)p->connection.tcp, *server = (uv_stream_t *)&p->server;

  uv_tcp_nodelay(&p->server, 1);
  p->there.data = p->back.data = p;
  p->pumping = 2;
  pump_start(&p->there, &p->connection, client, server, on_pumped);
  pump_start(&p->back, &p->connection, server, client, on_pumped);
}

/* connecting */

static void connect_next(proxy_t *p);

static void on_missed(weir_op_t *op, int status) {
  proxy_t *p = op->data;

  (void)status;
  if (weir_ctx_err(p->connection.ctx)) p->next = NULL;
  connect_next(p);
}

static void on_connected(weir_op_t *op, int status) {
  proxy_t *p = op->data;

  weir_ctx_cancel(p->attempt);
  weir_ctx_unref(p->attempt);
  weir_op_init(op, p->connection.ctx);
  p->last_error = status;
  if (status)
    close_server(p, on_missed);
  else
    pump_both(p);
}

static void connect_next(proxy_t *p) {
  struct addrinfo *address = p->next;
  int err;

  if (!address) {
    fail(p, p->last_error);
    return;
  }
  p->next = address->ai_next;
  uv_tcp_init(weir_loop_uv(p->connection.server->loop), &p->server);
  p->attempt = weir_ctx_with_timeout(p->connection.ctx, CONNECT_MS);
  weir_op_init(&p->op, p->attempt);
  err = weir_uv_connect(&p->op, &p->server, address->ai_addr, on_connected);
  if (err) on_connected(&p->op, err);
}

static void on_found(weir_op_t *op, int status) {
  proxy_t *p = op->data;

  p->next = p->addresses;
  if (status)
    fail(p, status);
  else
    connect_next(p);
}

static void start(connection_t *c) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  proxy_t *p = (proxy_t *)c;
  int err;

  p->op.data = p;
  weir_op_init(&p->op, c->ctx);
  err = weir_uv_getaddrinfo(&p->op, c->server->host, c->server->host_port, &hints, &p->addresses,
                            on_found);
  if (err) fail(p, err);
}

const service_t proxy = {sizeof(proxy_t), start};
