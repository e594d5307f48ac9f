/*
 * What the echo and the proxy server share: listening, a context with an idle timeout for each
 * connection, and an end in good order.
 */
#ifndef PUMP_SERVER_H
#define PUMP_SERVER_H

#include <weir.h>

typedef struct server_s server_t;
typedef struct connection_s connection_t;

/* What is done with a connection. */
typedef struct service_s {
  size_t size; /* of a struct that begins with a connection_t */
  void (*start)(
      connection_t *c); /* ends in connection_end, once, with nothing of its own pending */
} service_t;

extern const service_t echo, proxy;

struct connection_s {
  server_t *server;
  weir_ctx_t *ctx; /* cancelled when it is idle, or when the server does not wait any longer */
  uv_tcp_t *tcp;
  /* the server's */
  uint64_t moved; /* when something last did */
  weir_op_t idle, close, end;
  weir_op_t *last[2];
};

/* Something has moved: the idle timeout begins anew. */
void connection_touch(connection_t *c);

/* Closes the connection and frees it; its context is cancelled. */
void connection_end(connection_t *c);

struct server_s {
  const service_t *service;
  int port; /* 0: any */
  uint64_t idle_ms, grace_ms;
  const char *host, *host_port; /* the proxy's target */
  /* the server's */
  weir_loop_t *loop;
  weir_ctx_t *ctx; /* of all connections */
  weir_ctx_t *grace;
  uv_tcp_t listener;
  weir_range_t accepting, signalling;
  weir_chan_t *signals;
  weir_wg_t connections;
  weir_op_t ending;
  bool is_ending;
  int err; /* why it ends, if not by a signal */
  size_t served, cut;
};

/* Serves until SIGINT or SIGTERM. Returns 0, or why it could not. */
int server_run(server_t *server);

#endif
