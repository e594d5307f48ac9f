/*
 * The same server on a bare uv loop: idle, and (loaded) with an idle handle, which keeps the loop
 * from sleeping as something to run does, but does nothing. No program is like that: it is the
 * limit for a loop that carries a load, the latency with nothing of the load's own time in it.
 */
#include "latency.h"

typedef struct server_s {
  latency_t latency; /* first */
  uv_tcp_t listener, tcp;
  uv_idle_t idle;
  char chunk[2 * MESSAGE_BYTES]; /* a read that fills its buffer is tried again at once */
  bool loaded;
} server_t;

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  server_t *server = handle->data;

  (void)suggested;
  *buf = uv_buf_init(server->chunk, sizeof(server->chunk));
}

static void close_all(server_t *server) {
  uv_close((uv_handle_t *)&server->tcp, NULL);
  uv_close((uv_handle_t *)&server->listener, NULL);
  uv_close((uv_handle_t *)&server->idle, NULL);
}

/* The little that is on its way always has room, so no request is needed. */
static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
  uv_buf_t chunk = *buf;

  if (count == UV_EOF) {
    close_all(stream->data);
  } else if (count != 0) {
    bench_expect(count > 0);
    chunk.len = (size_t)count;
    bench_expect(uv_try_write(stream, &chunk, 1) == count);
  }
}

static void on_connection(uv_stream_t *listener, int status) {
  server_t *server = listener->data;
  uv_stream_t *stream = (uv_stream_t *)&server->tcp;

  bench_expect(status == 0 && uv_tcp_init(listener->loop, &server->tcp) == 0);
  server->tcp.data = server;
  bench_expect(uv_accept(listener, stream) == 0 && uv_tcp_nodelay(&server->tcp, 1) == 0);
  bench_expect(uv_read_start(stream, on_alloc, on_read) == 0);
}

/* The loop is all the server's: that of `bench` has weir on it. */
static void serve(const bench_t *bench, void *arg) {
  server_t *server = arg;
  uv_loop_t uv;

  bench_expect(uv_loop_init(&uv) == 0);
  bench_expect(uv_tcp_init(&uv, &server->listener) == 0);
  bench_expect(uv_idle_init(&uv, &server->idle) == 0);
  server->listener.data = server;
  server->latency.port = latency_bind(&server->listener);
  bench_expect(uv_listen((uv_stream_t *)&server->listener, 1, on_connection) == 0);
  if (server->loaded) bench_expect(uv_idle_start(&server->idle, on_idle) == 0);
  bench_meet(bench);
  uv_run(&uv, UV_RUN_DEFAULT);
  bench_expect(uv_loop_close(&uv) == 0);
}

void bench_uv_tcp_latency(const bench_t *bench) {
  server_t idle = {.loaded = false}, loaded = {.loaded = true};

  latency_measure(bench, serve, &idle.latency, TRIPS_FIGURES("uv_tcp_latency.idle"));
  latency_measure(bench, serve, &loaded.latency, TRIPS_FIGURES("uv_tcp_latency.loaded"));
}
