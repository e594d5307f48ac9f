/*
 * echo_load CONNECTIONS BYTES SECONDS PROGRAM [WORD...]
 *
 * Starts an echo server, which says "listening on 127.0.0.1:PORT", and loads it: each connection
 * sends a message of so many bytes, waits until all of it is back, compares, and sends the next.
 * Ends the server with SIGINT, and prints
 *
 *   MEGABYTES a second (each counted once), MICROSECONDS of the server's processor time a megabyte
 *
 * Exit status 1 if anything was wrong, bytes or the server's own exit status.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) fail(__LINE__, #condition);                                                  \
  } while (0)

typedef struct load_s load_t;

typedef struct client_s {
  load_t *load;
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_write_t write;
  size_t received; /* of this message */
} client_t;

struct load_s {
  uv_loop_t uv;
  uv_process_t server;
  uv_pipe_t out;
  uv_timer_t timer;
  client_t *clients;
  size_t connections, size, connected;
  uint64_t seconds, started, total;
  double megabytes_a_second;
  char *message;
  char input[65536], line[128];
  size_t line_length;
};

static load_t load;

static void fail(int line, const char *what) {
  fprintf(stderr, "echo_load.c:%d: %s\n", line, what);
  if (load.server.pid > 0) uv_process_kill(&load.server, SIGKILL);
  exit(1);
}

/* messages */

static void on_written(uv_write_t *req, int status) {
  (void)req;
  EXPECT(status == 0 || status == UV_ECANCELED);
}

static void send_message(client_t *client) {
  uv_buf_t buf = uv_buf_init(load.message, (unsigned)load.size);

  client->received = 0;
  EXPECT(uv_write(&client->write, (uv_stream_t *)&client->tcp, &buf, 1, on_written) == 0);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle, (void)suggested;
  *buf = uv_buf_init(load.input, sizeof(load.input));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
  client_t *client = stream->data;

  EXPECT(count >= 0 && client->received + (size_t)count <= load.size);
  EXPECT(memcmp(load.message + client->received, buf->base, (size_t)count) == 0);
  client->received += (size_t)count;
  load.total += (uint64_t)count;
  if (client->received == load.size) send_message(client);
}

/* the beginning and the end of the load */

static void on_over(uv_timer_t *timer) {
  double seconds = (double)(uv_hrtime() - load.started) / 1e9;

  load.megabytes_a_second = (double)load.total / 1e6 / seconds;
  uv_close((uv_handle_t *)timer, NULL);
  for (size_t i = 0; i < load.connections; i++) uv_close((uv_handle_t *)&load.clients[i].tcp, NULL);
  EXPECT(uv_process_kill(&load.server, SIGINT) == 0);
}

static void begin(void) {
  load.started = uv_hrtime();
  EXPECT(uv_timer_start(&load.timer, on_over, load.seconds * 1000, 0) == 0);
  for (size_t i = 0; i < load.connections; i++) {
    uv_stream_t *stream = (uv_stream_t *)&load.clients[i].tcp;

    EXPECT(uv_read_start(stream, on_alloc, on_read) == 0);
    send_message(&load.clients[i]);
  }
}

static void on_connected(uv_connect_t *req, int status) {
  (void)req;
  EXPECT(status == 0);
  if (++load.connected == load.connections) begin();
}

static void connect_all(int port) {
  struct sockaddr_in address;

  EXPECT(uv_ip4_addr("127.0.0.1", port, &address) == 0);
  for (size_t i = 0; i < load.connections; i++) {
    client_t *client = &load.clients[i];

    EXPECT(uv_tcp_init(&load.uv, &client->tcp) == 0);
    uv_tcp_nodelay(&client->tcp, 1);
    client->tcp.data = client;
    EXPECT(uv_tcp_connect(&client->connect, &client->tcp, (const struct sockaddr *)&address,
                          on_connected) == 0);
  }
}

/* the server */

static void on_line_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle, (void)suggested;
  EXPECT(load.line_length < sizeof(load.line) - 1);
  *buf = uv_buf_init(load.line + load.line_length,
                     (unsigned)(sizeof(load.line) - 1 - load.line_length));
}

/* What comes after the first line does not matter. */
static void on_line(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
  int port;

  (void)buf;
  if (count < 0) {
    uv_close((uv_handle_t *)stream, NULL);
    return;
  }
  load.line_length += (size_t)count;
  if (load.started || load.connected || !strchr(load.line, '\n')) return;
  EXPECT(sscanf(load.line, "listening on 127.0.0.1:%d", &port) == 1);
  connect_all(port);
}

static void on_exit_status(uv_process_t *process, int64_t status, int signum) {
  uv_close((uv_handle_t *)process, NULL);
  process->pid = 0;
  EXPECT(status == 0 && signum == 0 && load.started);
}

static void start_server(char **args) {
  uv_stdio_container_t stdio[] = {
      {.flags = UV_IGNORE},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&load.out},
      {.flags = UV_INHERIT_FD, .data.fd = 2},
  };
  uv_process_options_t options = {.file = args[0], .args = args, .exit_cb = on_exit_status};

  options.stdio = stdio;
  options.stdio_count = 3;
  EXPECT(uv_pipe_init(&load.uv, &load.out, 0) == 0);
  EXPECT(uv_spawn(&load.uv, &load.server, &options) == 0);
  EXPECT(uv_read_start((uv_stream_t *)&load.out, on_line_alloc, on_line) == 0);
}

static double server_microseconds(void) {
  struct rusage usage;

  EXPECT(getrusage(RUSAGE_CHILDREN, &usage) == 0);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void prepare(char **argv) {
  load.connections = strtoull(argv[1], NULL, 10);
  load.size = strtoull(argv[2], NULL, 10);
  load.seconds = strtoull(argv[3], NULL, 10);
  EXPECT(load.connections > 0 && load.size > 0 && load.seconds > 0);
  load.clients = calloc(load.connections, sizeof(*load.clients));
  load.message = malloc(load.size);
  EXPECT(load.clients && load.message);
  for (size_t i = 0; i < load.size; i++) load.message[i] = (char)(i * 2654435761u >> 11);
  EXPECT(uv_loop_init(&load.uv) == 0);
  EXPECT(uv_timer_init(&load.uv, &load.timer) == 0);
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: echo_load CONNECTIONS BYTES SECONDS PROGRAM [WORD...]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  prepare(argv);
  start_server(argv + 4);
  EXPECT(uv_run(&load.uv, UV_RUN_DEFAULT) == 0);
  printf("%.3f %.3f\n", load.megabytes_a_second,
         server_microseconds() / ((double)load.total / 1e6));
  return 0;
}
