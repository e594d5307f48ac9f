/*
 * status_check: asks many URLs at once, and prints what came of each in order of completion.
 *
 *   targets -> check_status() -> channel of result_t -> report
 *
 * An interrupt cancels the root context, from which all checks descend; what they know by then
 * still comes through the channel.
 */
#include "check.h"
#include "demo.h"
#include "options.h"
#include "report.h"

#include <signal.h>

typedef struct app_s {
  options_t options;
  targets_t targets;
  uv_loop_t uv;
  weir_loop_t *loop;
  weir_ctx_t *root;
  uv_signal_t interrupt;
  report_t report;
  demo_t *demo;
} app_t;

static int complain(int err) {
  if (err) fprintf(stderr, "status_check: %s\n", uv_strerror(err));
  return err;
}

/* A second interrupt finds no handler and kills: a lookup that hangs cannot be taken back. */
static void on_interrupt(uv_signal_t *handle, int signum) {
  app_t *app = handle->data;

  (void)signum;
  weir_ctx_cancel(app->root);
  uv_signal_stop(handle);
}

static int watch_interrupt(app_t *app) {
  app->interrupt.data = app;
  uv_unref((uv_handle_t *)&app->interrupt);
  return uv_signal_start(&app->interrupt, on_interrupt, SIGINT);
}

static void on_demo_result(report_t *report, const result_t *result) {
  app_t *app = report->data;

  demo_compare(app->demo, &app->targets, result);
}

static int start_checks(app_t *app) {
  weir_chan_t *results =
      check_status(app->root, app->targets.items, app->targets.n, (size_t)app->options.concurrency);

  app->report.data = app;
  /* not under the root: a cancelled check has something to tell, too */
  int err = results ? report_start(&app->report, weir_loop_background(app->loop), results,
                                   &app->targets, app->demo ? on_demo_result : NULL)
                    : UV_ENOMEM;
  weir_chan_unref(results); /* the report holds its own */
  return err;
}

static int start(app_t *app) {
  int err = watch_interrupt(app);

  if (!err && app->options.demo) err = demo_start(&app->demo, &app->uv, &app->targets);
  if (!err && !(app->root = weir_ctx_with_cancel(weir_loop_background(app->loop)))) err = UV_ENOMEM;
  return err ? err : start_checks(app);
}

static int open_loop(app_t *app) {
  int err = uv_loop_init(&app->uv);

  if (err) return err;
  err = weir_loop_new(&app->loop, &app->uv);
  if (!err) err = uv_signal_init(&app->uv, &app->interrupt);
  if (!err) return 0;
  weir_loop_close(app->loop, NULL, NULL);
  uv_run(&app->uv, UV_RUN_DEFAULT);
  uv_loop_close(&app->uv);
  return err;
}

/* Nobody asks any more: only now may the servers go, and the URLs that lead to them. */
static void on_weir_closed(void *arg) {
  app_t *app = arg;

  demo_stop(app->demo);
  uv_close((uv_handle_t *)&app->interrupt, NULL);
}

static int close_loop(app_t *app) {
  weir_ctx_unref(app->root);
  weir_loop_close(app->loop, on_weir_closed, app);
  uv_run(&app->uv, UV_RUN_DEFAULT);
  return uv_loop_close(&app->uv);
}

/* Runs until all is told. Whoever still waits then would wait for ever: name them. */
static int run_checks(app_t *app) {
  int err = start(app);

  if (err) return err;
  if (weir_run(app->loop) > 0) {
    weir_dump(app->loop, stderr);
    return UV_EBUSY;
  }
  if (app->report.shown != app->targets.n) return UV_EPIPE;
  return ferror(stdout) ? UV_EIO : 0;
}

static bool has_succeeded(const app_t *app) {
  if (app->demo) return demo_succeeded(app->demo);
  return app->report.good == app->targets.n;
}

static int run(app_t *app) {
  int err = complain(open_loop(app));
  bool success;

  if (err) return 1;
  err = complain(run_checks(app));
  success = !err && has_succeeded(app);
  err = complain(close_loop(app));
  return success && !err ? 0 : 1;
}

/* Returns 0, or the status to exit with. */
static int collect_targets(app_t *app) {
  const options_t *options = &app->options;
  int err = 0;

  for (int i = 0; i < options->url_count && !err; i++)
    err = targets_add(&app->targets, options->urls[i], options->timeout_ms);
  if (options->url_count == 0 && !options->demo)
    err = targets_read(&app->targets, stdin, options->timeout_ms);
  if (err == UV_ECHARSET) {
    fputs("status_check: standard input is not text: it has a NUL byte\n", stderr);
    return 2;
  }
  if (complain(err)) return 1;
  if (app->targets.n > 0 || options->demo) return 0;
  fputs("status_check: no URL given; --help tells more\n", stderr);
  return 2;
}

/*
 * libuv gives lookups half of its threads, four when nothing is said: two names that nobody answers
 * for would hold up all others.
 */
static void widen_thread_pool(uint64_t concurrency) {
  uint64_t threads = concurrency < 64 ? 2 * concurrency : 128;
  char number[8], given[8];
  size_t size = sizeof given;

  if (uv_os_getenv("UV_THREADPOOL_SIZE", given, &size) != UV_ENOENT) return;
  snprintf(number, sizeof number, "%d", (int)threads);
  uv_os_setenv("UV_THREADPOOL_SIZE", number);
}

int main(int argc, char **argv) {
  static app_t app;
  int code;

#ifdef SIGPIPE
  signal(SIGPIPE, SIG_IGN); /* a server that has gone is an error of that one check */
#endif
  if (!options_parse(&app.options, argc, argv)) return 2;
  if (app.options.help) {
    options_help(stdout);
    return 0;
  }
  widen_thread_pool(app.options.concurrency);
  code = collect_targets(&app);
  if (code == 0) code = run(&app);
  targets_free(&app.targets);
  return code;
}
