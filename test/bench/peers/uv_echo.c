/*
 * The echo server of samples/pump on bare libuv: uv_echo PORT [--idle MS].
 *
 * It does the same: reading stops while a chunk is being written and one more waits, each
 * connection has an idle timeout, the end of the client is given back, and SIGINT ends it. Chunks
 * are of their own memory, as large as what has been read.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { BACKLOG = 511 };

typedef struct server_s {
  uv_loop_t uv;
  uv_tcp_t listener;
  uv_signal_t interrupt;
  uint64_t idle_ms;
} server_t;

typedef struct client_s {
  uv_tcp_t tcp;
  uv_timer_t idle;
  uv_write_t write;
  uv_shutdown_t shutdown;
  uv_buf_t writing, waiting;
  server_t *server;
  uint64_t moved;
  int open; /* handles */
  bool has_ended;
} client_t;

static void on_closed(uv_handle_t *handle) {
  client_t *client = handle->data;

  if (--client->open > 0) return;
  free(client->writing.base);
  free(client->waiting.base);
  free(client);
}

static void close_client(client_t *client) {
  if (uv_is_closing((uv_handle_t *)&client->tcp)) return;
  uv_close((uv_handle_t *)&client->tcp, on_closed);
  uv_close((uv_handle_t *)&client->idle, on_closed);
}

static void on_idle(uv_timer_t *timer) {
  client_t *client = timer->data;
  uint64_t due = client->moved + client->server->idle_ms, now = uv_hrtime() / 1000000;

  if (now >= due)
    close_client(client);
  else
    uv_timer_start(timer, on_idle, due - now, 0);
}

static void touch(client_t *client) {
  client->moved = uv_hrtime() / 1000000;
}

static void on_shut_down(uv_shutdown_t *req, int status) {
  (void)status;
  if (status != UV_ECANCELED) close_client(req->data);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle;
  buf->base = malloc(suggested);
  buf->len = buf->base ? suggested : 0;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf);
static void on_written(uv_write_t *req, int status);

static void write_chunk(client_t *client, uv_buf_t chunk) {
  client->writing = chunk;
  if (uv_write(&client->write, (uv_stream_t *)&client->tcp, &chunk, 1, on_written))
    close_client(client);
}

/* What has been written is free, and what has waited is next. */
static void on_written(uv_write_t *req, int status) {
  client_t *client = req->data;
  uv_buf_t next = client->waiting;

  free(client->writing.base);
  client->writing = client->waiting = uv_buf_init(NULL, 0);
  if (status) {
    free(next.base);
    if (status != UV_ECANCELED) close_client(client);
    return;
  }
  touch(client);
  if (next.base) {
    write_chunk(client, next);
    if (!client->has_ended) uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
  } else if (client->has_ended) {
    if (uv_shutdown(&client->shutdown, (uv_stream_t *)&client->tcp, on_shut_down))
      close_client(client);
  }
}

static void on_end(client_t *client, int status) {
  client->has_ended = true;
  if (status != UV_EOF)
    close_client(client);
  else if (!client->writing.base)
    if (uv_shutdown(&client->shutdown, (uv_stream_t *)&client->tcp, on_shut_down))
      close_client(client);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
  client_t *client = stream->data;
  uv_buf_t chunk;
  char *base;

  if (count <= 0) {
    free(buf->base);
    if (count < 0) on_end(client, (int)count);
    return;
  }
  touch(client);
  base = realloc(buf->base, (size_t)count);
  chunk = uv_buf_init(base ? base : buf->base, (unsigned)count);
  if (!client->writing.base) {
    write_chunk(client, chunk);
  } else {
    client->waiting = chunk;
    uv_read_stop(stream);
  }
}

static void on_connection(uv_stream_t *listener, int status) {
  server_t *server = listener->data;
  client_t *client = status ? NULL : calloc(1, sizeof(*client));

  if (!client) return;
  client->server = server;
  uv_tcp_init(&server->uv, &client->tcp);
  uv_timer_init(&server->uv, &client->idle);
  client->open = 2;
  client->tcp.data = client->idle.data = client->write.data = client->shutdown.data = client;
  touch(client);
  uv_timer_start(&client->idle, on_idle, server->idle_ms, 0);
  uv_tcp_nodelay(&client->tcp, 1);
  if (uv_accept(listener, (uv_stream_t *)&client->tcp) ||
      uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read))
    close_client(client);
}

static void on_interrupt(uv_signal_t *handle, int signum) {
  (void)signum;
  uv_stop(handle->loop);
}

static int listen_on(server_t *server, int port) {
  struct sockaddr_in address;
  int length = sizeof(address), err = uv_ip4_addr("127.0.0.1", port, &address);

  if (!err) err = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0);
  if (!err) err = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
  if (!err) err = uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &length);
  if (!err) printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return err;
}

int main(int argc, char **argv) {
  static server_t server = {.idle_ms = 60000};
  int err;

  if (argc == 4 && strcmp(argv[2], "--idle") == 0) server.idle_ms = strtoull(argv[3], NULL, 10);
  signal(SIGPIPE, SIG_IGN);
  uv_loop_init(&server.uv);
  uv_tcp_init(&server.uv, &server.listener);
  uv_signal_init(&server.uv, &server.interrupt);
  uv_signal_start(&server.interrupt, on_interrupt, SIGINT);
  server.listener.data = &server;
  err = listen_on(&server, argc > 1 ? atoi(argv[1]) : 0);
  if (!err) uv_run(&server.uv, UV_RUN_DEFAULT);
  return err ? 1 : 0;
}
