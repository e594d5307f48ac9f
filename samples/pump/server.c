/*
 *   accepted  -> on_connection    a connection, its context, its idle timeout
 *   signals   -> on_signal        the first one: stop listening
 *             -> on_deaf          wait for the connections, under a context of `grace_ms`
 *             -> on_grace_over    cancel those that are left, wait for them
 *             -> on_all_ended     let go of the signals: nothing keeps the loop alive
 *
 * A second signal cancels the connections at once.
 */
#include "server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { BACKLOG = 511 };

static weir_ctx_t *background_of(const server_t *server) {
  return weir_loop_background(server->loop);
}

/* connections */

void connection_touch(connection_t *c) {
  c->moved = weir_now(c->server->loop);
}

/* One timer for each connection, and not one for each chunk: it looks again when it could
 * be late. */
static void on_idle(weir_op_t *op, int status) {
  connection_t *c = op->data;
  uint64_t due = c->moved + c->server->idle_ms, now = weir_now(c->server->loop);

  if (status) return;
  if (now >= due)
    weir_ctx_cancel_cause(c->ctx, UV_ETIMEDOUT);
  else
    weir_sleep(op, due - now, on_idle);
}

static void on_ended(weir_op_t *op, int status) {
  connection_t *c = op->data;
  server_t *server = c->server;

  (void)status;
  weir_ctx_unref(c->ctx);
  free(c->tcp);
  free(c);
  weir_wg_done(&server->connections);
}

/* By the server: the cause of what a service cancels is another. */
static bool is_cut_off(const connection_t *c) {
  int cause = weir_ctx_cause(c->ctx);

  return cause == UV_ETIMEDOUT || cause == UV_ECANCELED;
}

void connection_end(connection_t *c) {
  weir_ctx_t *background = background_of(c->server);

  if (is_cut_off(c)) c->server->cut++;
  weir_ctx_cancel(c->ctx); /* ends the watch */
  weir_op_init(&c->close, background);
  weir_uv_close(&c->close, (uv_handle_t *)c->tcp, NULL); /* refused only if it has been closed */
  c->last[0] = &c->idle;
  c->last[1] = &c->close;
  c->end.data = c;
  weir_op_init(&c->end, background);
  weir_all(&c->end, c->last, 2, on_ended);
}

static void connection_start(connection_t *c) {
  c->server->served++;
  weir_wg_add(&c->server->connections, 1);
  uv_tcp_nodelay(c->tcp, 1);
  connection_touch(c);
  c->idle.data = c;
  weir_op_init(&c->idle, c->ctx);
  weir_sleep(&c->idle, c->server->idle_ms, on_idle);
  c->server->service->start(c);
}

/* accepting */

static void on_refused(uv_handle_t *handle) {
  free(handle);
}

static void accept_one(server_t *server, uv_tcp_t *tcp) {
  connection_t *c = calloc(1, server->service->size);
  weir_ctx_t *ctx = c ? weir_ctx_with_cancel(server->ctx) : NULL;

  if (!ctx) {
    free(c);
    uv_close((uv_handle_t *)tcp, on_refused);
    return;
  }
  c->server = server;
  c->ctx = ctx;
  c->tcp = tcp;
  connection_start(c);
}

static void stop(server_t *server);

static void on_connection(weir_range_t *range, const void *value, int status) {
  server_t *server = range->data;

  if (!status) {
    accept_one(server, *(uv_tcp_t *const *)value);
  } else if (!server->is_ending) {
    server->err = status;
    stop(server);
  }
}

/* A port in use, for instance, is what the channel is closed with. */
static int start_accepting(server_t *server) {
  weir_ctx_t *background = background_of(server);
  weir_chan_t *accepted = weir_uv_accept(background, (uv_stream_t *)&server->listener, BACKLOG);
  int err = accepted ? 0 : UV_ENOMEM;

  if (weir_chan_closed(accepted)) err = weir_chan_try_recv(accepted, NULL);
  server->accepting.data = server;
  weir_range_init(&server->accepting, background);
  if (!err) err = weir_range_start(&server->accepting, accepted, on_connection);
  weir_chan_unref(accepted); /* the range holds it */
  return err;
}

static int listen_on_loopback(server_t *server) {
  struct sockaddr_in address;
  int length = sizeof address, err = uv_ip4_addr("127.0.0.1", server->port, &address);

  if (!err) err = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0);
  if (!err) err = start_accepting(server);
  if (!err) err = uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &length);
  if (!err) printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return err;
}

/* the end */

static void on_all_ended(weir_op_t *op, int status) {
  server_t *server = op->data;

  (void)status;
  weir_range_stop(&server->signalling);
  weir_chan_unref(server->signals);
  weir_ctx_unref(server->ctx);
}

static void on_grace_over(weir_op_t *op, int status) {
  server_t *server = op->data;

  weir_ctx_cancel(server->grace);
  weir_ctx_unref(server->grace);
  if (status) weir_ctx_cancel(server->ctx);
  weir_op_init(op, background_of(server));
  weir_wg_wait(op, &server->connections, on_all_ended);
}

static void on_deaf(weir_op_t *op, int status) {
  server_t *server = op->data;

  server->grace = weir_ctx_with_timeout(background_of(server), server->grace_ms);
  weir_op_init(op, server->grace);
  status = weir_wg_wait(op, &server->connections, on_grace_over);
  if (status) on_grace_over(op, status);
}

/* Closing the listener ends the channel of connections. */
static void stop(server_t *server) {
  server->is_ending = true;
  weir_uv_close(&server->ending, (uv_handle_t *)&server->listener, on_deaf);
}

static void on_signal(weir_range_t *range, const void *value, int status) {
  server_t *server = range->data;

  (void)value;
  if (status) return;
  if (server->is_ending)
    weir_ctx_cancel(server->ctx);
  else
    stop(server);
}

static int start_signalling(server_t *server) {
  weir_ctx_t *background = background_of(server);
  weir_chan_t *both[] = {weir_uv_signal(background, SIGINT), weir_uv_signal(background, SIGTERM)};

  server->signals = weir_pipe_fan_in(background, both, 2);
  if (!server->signals) return UV_ENOMEM;
  return weir_range_start(&server->signalling, server->signals, on_signal);
}

/* running */

static int start(server_t *server) {
  weir_ctx_t *background = background_of(server);
  int err = uv_tcp_init(weir_loop_uv(server->loop), &server->listener);

  weir_wg_init(&server->connections);
  server->ending.data = server->signalling.data = server;
  weir_op_init(&server->ending, background);
  weir_range_init(&server->signalling, background);
  server->ctx = weir_ctx_with_cancel(background);
  if (!server->ctx) return UV_ENOMEM;
  if (!err) err = start_signalling(server);
  return err ? err : listen_on_loopback(server);
}

/* Runs until nothing is left that could go on; what then still waits would wait for ever. */
static int serve(server_t *server) {
  int err = start(server);

  if (err) stop(server);
  if (weir_run(server->loop) > 0) {
    weir_dump(server->loop, stderr);
    return UV_EBUSY;
  }
  return err ? err : server->err;
}

int server_run(server_t *server) {
  uv_loop_t uv;
  int err = uv_loop_init(&uv), left;

  if (err) return err;
  err = weir_loop_new(&server->loop, &uv);
  if (!err) err = serve(server);
  weir_loop_close(server->loop, NULL, NULL);
  uv_run(&uv, UV_RUN_DEFAULT);
  left = uv_loop_close(&uv);
  return err ? err : left;
}
