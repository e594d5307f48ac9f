#include "demo.h"

#include "servers.h"

#include <stdio.h>
#include <stdlib.h>

/* Only the silent server is to run into its timeout; a resolver may take long to say no. */
#define SHORT_MS 300
#define LONG_MS 30000

typedef struct lesson_s {
  const char *path; /* for the reader: a server does the same whatever the path */
  script_t script;
  failure_t failure; /* what to expect */
  unsigned status;   /* if it is FAILURE_NONE */
} lesson_t;

#define EARLY_HINTS "HTTP/1.1 103 Early Hints\r\n\r\n"
#define NO_BODY "\r\nContent-Length: 0\r\n\r\n"

static const lesson_t lessons[] = {
    {"ok", {SERVER_ANSWERS, "HTTP/1.1 200 OK" NO_BODY}, FAILURE_NONE, 200},
    {"missing", {SERVER_ANSWERS, "HTTP/1.1 404 Not Found" NO_BODY}, FAILURE_NONE, 404},
    {"moved", {SERVER_ANSWERS, "HTTP/1.1 301 Moved Permanently" NO_BODY}, FAILURE_NONE, 301},
    {"hints", {SERVER_ANSWERS, EARLY_HINTS "HTTP/1.1 200 OK" NO_BODY}, FAILURE_NONE, 200},
    {"slow", {SERVER_SILENT, ""}, FAILURE_TIMED_OUT, 0},
    {"nonsense", {SERVER_ANSWERS, "SSH-2.0-weir\r\n"}, FAILURE_NOT_HTTP, 0},
    {"circle",
     {SERVER_ANSWERS, "HTTP/1.1 302 Found\r\nLocation: /circle" NO_BODY},
     FAILURE_REDIRECT_LOOP,
     0},
    {"cut-off", {SERVER_ANSWERS, "HTTP/1.1 200 OK\r\nContent-Le"}, FAILURE_CUT_OFF, 0},
    {"short",
     {SERVER_ANSWERS, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"},
     FAILURE_CUT_OFF,
     0},
    {"empty", {SERVER_ANSWERS, ""}, FAILURE_EMPTY, 0},
    {"refused", {SERVER_REFUSES, ""}, FAILURE_CONNECT, 0},
};

enum { SERVERS = sizeof lessons / sizeof *lessons, TARGETS = SERVERS + 3 };

/* What needs no server, behind those that do. */
static const struct {
  const char *url;
  failure_t failure;
} others[TARGETS - SERVERS] = {
    {"http://no-such-host.invalid/", FAILURE_RESOLVE},
    {"ftp://127.0.0.1/", FAILURE_BAD_URL},
    {"http://127.0.0.1:99999/", FAILURE_BAD_URL},
};

struct demo_s {
  servers_t *servers;
  size_t compared, unexpected;
  script_t scripts[SERVERS];
  char urls[SERVERS][64];
};

static int add_targets(demo_t *demo, targets_t *targets) {
  int err = 0;

  for (size_t i = 0; i < SERVERS && !err; i++) {
    snprintf(demo->urls[i], sizeof demo->urls[i], "http://127.0.0.1:%d/%s",
             servers_port(demo->servers, i), lessons[i].path);
    err = targets_add(targets, demo->urls[i],
                      lessons[i].script.behaviour == SERVER_SILENT ? SHORT_MS : LONG_MS);
  }
  for (size_t i = 0; i < TARGETS - SERVERS && !err; i++)
    err = targets_add(targets, others[i].url, LONG_MS);
  return err;
}

int demo_start(demo_t **started, uv_loop_t *loop, targets_t *targets) {
  demo_t *demo = *started = calloc(1, sizeof *demo);

  if (!demo) return UV_ENOMEM;
  for (size_t i = 0; i < SERVERS; i++) demo->scripts[i] = lessons[i].script;
  int err = servers_start(&demo->servers, loop, demo->scripts, SERVERS);
  return err ? err : add_targets(demo, targets);
}

static bool is_expected(size_t i, const result_t *result) {
  if (i >= SERVERS) return result->error.kind == others[i - SERVERS].failure;
  if (result->error.kind != lessons[i].failure) return false;
  return lessons[i].failure != FAILURE_NONE || result->response.status == lessons[i].status;
}

void demo_compare(demo_t *demo, const targets_t *targets, const result_t *result) {
  demo->compared++;
  if (is_expected((size_t)(result->target - targets->items), result)) return;
  demo->unexpected++;
  fprintf(stderr, "status_check: not what the demo expects of %s\n", result->target->url);
}

bool demo_succeeded(const demo_t *demo) {
  if (demo->unexpected > 0 || demo->compared != TARGETS) return false;
  printf("all %d as expected\n", TARGETS);
  return true;
}

void demo_stop(demo_t *demo) {
  if (!demo) return;
  servers_stop(demo->servers);
  free(demo);
}
