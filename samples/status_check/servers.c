/*
 * servers_t counts its open handles, listeners and connections alike, and goes with the last one
 * once it has been stopped.
 */
#include "servers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct listener_s {
  uv_tcp_t tcp;
  servers_t *servers;
  const script_t *script;
  int port;
} listener_t;

typedef struct client_s client_t;
struct client_s {
  uv_tcp_t tcp;
  uv_write_t write;
  servers_t *servers;
  const script_t *script;
  client_t *next, **link; /* among all clients */
  char input[1024];
  size_t ends; /* how much of the request's last four bytes has been seen */
};

struct servers_s {
  uv_loop_t *loop;
  size_t handles;
  bool stopped;
  client_t *clients;
  size_t started;
  listener_t listeners[];
};

static void let_go(servers_t *servers) {
  if (--servers->handles == 0 && servers->stopped) free(servers);
}

static void on_client_closed(uv_handle_t *handle) {
  client_t *client = handle->data;
  servers_t *servers = client->servers;

  *client->link = client->next;
  if (client->next) client->next->link = client->link;
  free(client);
  let_go(servers);
}

static void close_client(client_t *client) {
  uv_handle_t *handle = (uv_handle_t *)&client->tcp;

  if (!uv_is_closing(handle)) uv_close(handle, on_client_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  client_t *client = handle->data;

  (void)suggested;
  *buf = uv_buf_init(client->input, sizeof client->input);
}

static void on_written(uv_write_t *req, int status) {
  (void)status;
  close_client(req->data);
}

static void answer(client_t *client) {
  const char *text = client->script->answer;
  uv_buf_t buf = uv_buf_init((char *)text, (unsigned)strlen(text));

  client->write.data = client;
  if (buf.len == 0 || uv_write(&client->write, (uv_stream_t *)&client->tcp, &buf, 1, on_written))
    close_client(client);
}

/* The request is read to its end, for a close with bytes unread is a reset and not an end. */
static bool is_request_complete(client_t *client, const char *input, size_t count) {
  for (size_t i = 0; i < count && client->ends < 4; i++)
    client->ends = input[i] == "\r\n\r\n"[client->ends] ? client->ends + 1 : input[i] == '\r';
  return client->ends == 4;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
  client_t *client = stream->data;

  if (count < 0) {
    close_client(client);
    return;
  }
  if (client->script->behaviour != SERVER_ANSWERS) return;
  if (!is_request_complete(client, buf->base, (size_t)count)) return;
  uv_read_stop(stream);
  answer(client);
}

static void add_client(servers_t *servers, client_t *client) {
  client->servers = servers;
  client->next = servers->clients;
  client->link = &servers->clients;
  if (client->next) client->next->link = &client->next;
  servers->clients = client;
  servers->handles++;
}

static void on_connection(uv_stream_t *stream, int status) {
  listener_t *listener = stream->data;
  client_t *client = status ? NULL : calloc(1, sizeof *client);

  if (!client) return;
  if (uv_tcp_init(listener->servers->loop, &client->tcp)) {
    free(client);
    return;
  }
  client->tcp.data = client;
  client->script = listener->script;
  add_client(listener->servers, client);
  uv_unref((uv_handle_t *)&client->tcp);
  if (uv_accept(stream, (uv_stream_t *)&client->tcp) ||
      uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read))
    close_client(client);
}

static int find_port(listener_t *listener) {
  struct sockaddr_in address;
  int length = sizeof address;
  int err = uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&address, &length);

  if (!err) listener->port = ntohs(address.sin_port);
  return err;
}

static int listen_on(listener_t *listener) {
  struct sockaddr_in address;
  int err = uv_ip4_addr("127.0.0.1", 0, &address);

  if (!err) err = uv_tcp_bind(&listener->tcp, (const struct sockaddr *)&address, 0);
  if (!err) err = find_port(listener);
  if (!err && listener->script->behaviour != SERVER_REFUSES)
    err = uv_listen((uv_stream_t *)&listener->tcp, 16, on_connection);
  return err;
}

static int start_listener(servers_t *servers, const script_t *script) {
  listener_t *listener = &servers->listeners[servers->started];
  int err = uv_tcp_init(servers->loop, &listener->tcp);

  if (err) return err;
  servers->started++;
  servers->handles++;
  listener->tcp.data = listener;
  listener->servers = servers;
  listener->script = script;
  uv_unref((uv_handle_t *)&listener->tcp);
  return listen_on(listener);
}

int servers_start(servers_t **servers, uv_loop_t *loop, const script_t *scripts, size_t n) {
  int err = 0;

  *servers = calloc(1, sizeof **servers + n * sizeof(listener_t));
  if (!*servers) return UV_ENOMEM;
  (*servers)->loop = loop;
  for (size_t i = 0; i < n && !err; i++) err = start_listener(*servers, &scripts[i]);
  if (!err) return 0;
  servers_stop(*servers);
  *servers = NULL;
  return err;
}

int servers_port(const servers_t *servers, size_t i) {
  return servers->listeners[i].port;
}

static void on_listener_closed(uv_handle_t *handle) {
  listener_t *listener = handle->data;

  let_go(listener->servers);
}

void servers_stop(servers_t *servers) {
  if (!servers) return;
  servers->stopped = true;
  servers->handles++; /* until the end of this function */
  for (client_t *client = servers->clients; client; client = client->next) close_client(client);
  for (size_t i = 0; i < servers->started; i++)
    uv_close((uv_handle_t *)&servers->listeners[i].tcp, on_listener_closed);
  let_go(servers);
}
