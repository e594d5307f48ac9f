/*
 * Description: the program from outside: its exit status and what it prints.
 * The path of the program is the second argument.
 */
#include "expect.h"
#include "servers.h"

#include <signal.h>
#include <stdbool.h>

#define NO_BODY "\r\nContent-Length: 0\r\n\r\n"
#define LAUNCH(input, ...) launch((char *[]){(char *)program, __VA_ARGS__, NULL}, (input))

static const char *program;
static uv_loop_t uv;
static servers_t *servers;
static char urls[2][32];
static uv_process_t process;
static uv_pipe_t in, out;
static uv_write_t write_request;
static char output[4096];
static size_t length;
static int64_t exit_status;
static bool interrupt; /* at the first output */

static void on_exit_status(uv_process_t *p, int64_t status, int signal) {
  exit_status = signal ? -1 : status;
  uv_close((uv_handle_t *)p, NULL);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle, (void)suggested;
  *buf = uv_buf_init(output + length, (unsigned)(sizeof output - 1 - length));
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  (void)buf;
  if (n < 0) {
    uv_close((uv_handle_t *)stream, NULL);
    return;
  }
  length += (size_t)n;
  if (interrupt && length > 0) EXPECT(uv_process_kill(&process, SIGINT) == 0);
  interrupt = false;
}

static void on_written(uv_write_t *req, int status) {
  (void)status;
  uv_close((uv_handle_t *)req->handle, NULL);
}

static void spawn(char **args) {
  uv_stdio_container_t stdio[] = {
      {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&in},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&out},
      {.flags = UV_INHERIT_FD, .data.fd = 2},
  };
  uv_process_options_t options = {.file = program, .args = args, .exit_cb = on_exit_status};

  options.stdio = stdio;
  options.stdio_count = 3;
  EXPECT(uv_pipe_init(&uv, &in, 0) == 0);
  EXPECT(uv_pipe_init(&uv, &out, 0) == 0);
  EXPECT(uv_spawn(&uv, &process, &options) == 0);
}

/* Runs the program on `input`, in `uv`, which has the servers too. Returns its exit status. */
static int launch(char **args, const char *input) {
  uv_buf_t buf = uv_buf_init((char *)input, (unsigned)strlen(input));

  length = 0;
  spawn(args);
  EXPECT(uv_read_start((uv_stream_t *)&out, on_alloc, on_output) == 0);
  EXPECT(uv_write(&write_request, (uv_stream_t *)&in, &buf, 1, on_written) == 0);
  EXPECT(uv_run(&uv, UV_RUN_DEFAULT) == 0);
  output[length] = '\0';
  return (int)exit_status;
}

static size_t lines_with(const char *text) {
  size_t n = 0;

  for (const char *at = output; (at = strstr(at, text)); at += strlen(text)) n++;
  return n;
}

static void start_servers(const script_t *first, const script_t *second) {
  static script_t scripts[2];

  scripts[0] = *first;
  scripts[1] = *second;
  EXPECT(servers_start(&servers, &uv, scripts, 2) == 0);
  for (size_t i = 0; i < 2; i++)
    snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%d/", servers_port(servers, i));
}

static const script_t ok = {SERVER_ANSWERS, "HTTP/1.1 200 OK" NO_BODY};
static const script_t moved = {SERVER_ANSWERS, "HTTP/1.1 399 Moved" NO_BODY};
static const script_t failing = {SERVER_ANSWERS, "HTTP/1.1 400 Bad Request" NO_BODY};
static const script_t silent = {SERVER_SILENT, ""};
static const script_t refusing = {SERVER_REFUSES, ""};

static void wrong_usage_gives_2(void) {
  EXPECT(LAUNCH("", "--nonsense") == 2);
  EXPECT(LAUNCH("", "--timeout") == 2);
  EXPECT(LAUNCH("", "--timeout", "0", "http://127.0.0.1:1/") == 2);
  EXPECT(LAUNCH("", "--timeout", "1s", "http://127.0.0.1:1/") == 2);
  EXPECT(LAUNCH("", "--timeout=99999999999999999999", "http://127.0.0.1:1/") == 2);
  EXPECT(LAUNCH("", "--concurrency", "-1", "http://127.0.0.1:1/") == 2);
  EXPECT(LAUNCH("", "--concurrency=", "http://127.0.0.1:1/") == 2);
  EXPECT(LAUNCH("", "--demo", "http://127.0.0.1:1/") == 2);
}

static void no_url_gives_2(void) {
  EXPECT(LAUNCH("", NULL) == 2);
  EXPECT(LAUNCH("\n  \r\n# http://127.0.0.1:1/\n", NULL) == 2);
}

static void help_gives_0(void) {
  EXPECT(LAUNCH("", "--help") == 0);
  EXPECT(lines_with("usage: status_check") == 1);
}

static void below_400_gives_0(void) {
  start_servers(&ok, &moved);
  EXPECT(LAUNCH("", "--timeout", "30000", "--concurrency=1", urls[0], urls[1]) == 0);
  EXPECT(lines_with("200 OK") == 1 && lines_with("399 Moved") == 1 && lines_with("http:") == 2);
  EXPECT(lines_with("\n2 checked, 2 good\n") == 1);
}

static void from_400_on_gives_1(void) {
  start_servers(&ok, &failing);
  EXPECT(LAUNCH("", urls[0], urls[1], "--timeout=30000") == 1);
  EXPECT(lines_with("200 OK") == 1 && lines_with("400 Bad Request") == 1);
}

static void reads_urls_from_stdin(void) {
  char input[128];

  start_servers(&refusing, &ok);
  snprintf(input, sizeof input, "# list\r\n\r\n  %s \r\n#%s\n%s", urls[0], urls[0], urls[1]);
  EXPECT(LAUNCH(input, "--timeout", "30000") == 1);
  EXPECT(lines_with("cannot connect: connection refused") == 1);
  EXPECT(lines_with("200 OK") == 1 && lines_with("http:") == 2);
}

/* The interrupt comes when the first result was printed. */
static void interrupt_cancels_the_rest(void) {
  start_servers(&ok, &silent);
  interrupt = true;
  EXPECT(LAUNCH("", "--concurrency=2", urls[0], urls[1], urls[1], urls[1]) == 1);
  EXPECT(lines_with("200 OK") == 1 && lines_with("  cancelled ") == 3);
  EXPECT(lines_with("failed: cancelled 3\n") == 1);
}

static void one_url_has_no_summary(void) {
  start_servers(&ok, &ok);
  EXPECT(LAUNCH("", urls[0]) == 0);
  EXPECT(lines_with("\n") == 1 && lines_with("200 OK") == 1);
}

static void json_is_all_that_is_printed(void) {
  start_servers(&ok, &refusing);
  EXPECT(LAUNCH("", "--json", urls[0], urls[1]) == 1);
  EXPECT(lines_with("\n") == 2 && lines_with("{\"url\":\"http://127.0.0.1:") == 2);
  EXPECT(lines_with("\"status\":200,") == 1 && lines_with("\"code\":\"connect\"") == 1);
}

static void expected_statuses_are_good(void) {
  start_servers(&ok, &failing);
  EXPECT(LAUNCH("", "--expect", "400,401", urls[1]) == 0);
  EXPECT(LAUNCH("", "--expect=400", urls[0]) == 1);
}

static const case_t cases[] = {
    {"wrong_usage_gives_2", wrong_usage_gives_2},
    {"no_url_gives_2", no_url_gives_2},
    {"help_gives_0", help_gives_0},
    {"below_400_gives_0", below_400_gives_0},
    {"from_400_on_gives_1", from_400_on_gives_1},
    {"reads_urls_from_stdin", reads_urls_from_stdin},
    {"interrupt_cancels_the_rest", interrupt_cancels_the_rest},
    {"one_url_has_no_summary", one_url_has_no_summary},
    {"json_is_all_that_is_printed", json_is_all_that_is_printed},
    {"expected_statuses_are_good", expected_statuses_are_good},
};

int main(int argc, char **argv) {
  int status;

  EXPECT(argc == 3);
  program = argv[2];
#ifdef SIGPIPE
  signal(SIGPIPE, SIG_IGN);
#endif
  EXPECT(uv_loop_init(&uv) == 0);
  status = run_case(cases, sizeof cases / sizeof *cases, argv[1]);
  servers_stop(servers);
  EXPECT(uv_run(&uv, UV_RUN_DEFAULT) == 0);
  EXPECT(uv_loop_close(&uv) == 0);
  return status;
}
