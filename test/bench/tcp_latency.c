/*
 * tcp_latency: what channels on a loop cost the TCP traffic that it carries.
 *
 *   idle    the loop has nothing but an echo server to run, and sleeps while it waits for the
 *           client
 *   loaded  a rendezvous pair runs on it all the time, so that its run queue is never empty
 *   load    nanoseconds for each value of the pair, meanwhile
 *
 * An idle loop has to be woken for every message, a loaded one only to look: so what the load adds
 * is seen against the loaded figures of bare libuv (uv_tcp_latency), not against the idle ones.
 */
#include "ends.h"
#include "latency.h"

#include <stdlib.h>

/* The pair. */
typedef struct load_s {
  weir_chan_t *ch; /* NULL: none */
  sender_t sender;
  receiver_t receiver;
  uint64_t started;
} load_t;

typedef struct server_s {
  latency_t latency; /* first */
  load_t load;
  weir_ctx_t *ctx;
  uv_tcp_t listener, *tcp;
  weir_op_t op;
  weir_chan_t *connections, *chunks;
  weir_chunk_t chunk;
} server_t;

/* the load */

static void load_start(load_t *load, const bench_t *bench) {
  load->started = uv_hrtime();
  sender_start(&load->sender, bench->ctx, load->ch, SIZE_MAX, true);
  receiver_start(&load->receiver, bench->ctx, load->ch, SIZE_MAX);
}

/* What is being sent is the last. */
static void load_stop(load_t *load) {
  load->sender.n = 0;
}

static void load_finish(load_t *load) {
  const receiver_t *receiver = &load->receiver;

  bench_expect(receiver->end == UV_EOF && receiver->count == load->sender.value);
  bench_expect(receiver->count > 0 && receiver->sum == bench_sum(receiver->count));
  bench_since("tcp_latency.load", load->started, receiver->count);
  weir_chan_unref(load->ch);
}

/* the server: one connection */

static void on_closed(weir_op_t *op, int status) {
  server_t *server = op->data;

  bench_expect(status == 0);
  free(server->tcp);
  weir_chan_unref(server->connections);
  bench_expect(weir_uv_close(op, (uv_handle_t *)&server->listener, NULL) == 0);
  load_stop(&server->load);
}

static void on_end(server_t *server) {
  weir_chan_unref(server->chunks);
  bench_expect(weir_uv_close(&server->op, (uv_handle_t *)server->tcp, on_closed) == 0);
}

static void on_chunk(weir_op_t *op, int status);

static void on_written(weir_op_t *op, int status) {
  server_t *server = op->data;

  bench_expect(status == 0);
  weir_chunk_free(&server->chunk);
  bench_expect(weir_chan_recv(op, server->chunks, &server->chunk, on_chunk) == 0);
}

static void on_chunk(weir_op_t *op, int status) {
  server_t *server = op->data;
  uv_buf_t buf = uv_buf_init(server->chunk.base, (unsigned)server->chunk.len);

  if (status == UV_EOF) {
    on_end(server);
    return;
  }
  bench_expect(status == 0);
  bench_expect(weir_uv_write(op, (uv_stream_t *)server->tcp, &buf, 1, on_written) == 0);
}

static void on_connection(weir_op_t *op, int status) {
  server_t *server = op->data;
  weir_ctx_t *ctx = server->ctx;

  bench_expect(status == 0 && uv_tcp_nodelay(server->tcp, 1) == 0);
  server->chunks = weir_uv_read(ctx, (uv_stream_t *)server->tcp, 1);
  bench_expect(server->chunks != NULL);
  bench_expect(weir_chan_recv(op, server->chunks, &server->chunk, on_chunk) == 0);
}

static void server_start(server_t *server, const bench_t *bench) {
  weir_op_t *op = &server->op;

  server->ctx = bench->ctx;
  bench_expect(uv_tcp_init(weir_loop_uv(bench->loop), &server->listener) == 0);
  server->latency.port = latency_bind(&server->listener);
  server->connections = weir_uv_accept(bench->ctx, (uv_stream_t *)&server->listener, 1);
  bench_expect(server->connections != NULL);
  weir_op_init(op, bench->ctx);
  op->data = server;
  bench_expect(weir_chan_recv(op, server->connections, &server->tcp, on_connection) == 0);
}

static void serve(const bench_t *bench, void *arg) {
  server_t *server = arg;

  server_start(server, bench);
  bench_meet(bench);
  if (server->load.ch) load_start(&server->load, bench);
  bench_run(bench);
  if (server->load.ch) load_finish(&server->load);
}

void bench_tcp_latency(const bench_t *bench) {
  server_t idle = {0}, loaded = {.load.ch = bench_chan(bench, 0)};

  latency_measure(bench, serve, &idle.latency, TRIPS_FIGURES("tcp_latency.idle"));
  latency_measure(bench, serve, &loaded.latency, TRIPS_FIGURES("tcp_latency.loaded"));
}
