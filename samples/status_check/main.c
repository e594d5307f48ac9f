/*
 * status_check: asks many URLs at once, and prints what came of each in order of completion.
 *
 *   targets -> check_status() -> channel of results -> report      a round
 *
 * With --watch a ticker starts round after round. An interrupt cancels the root context, from which
 * all checks descend; what they know by then still comes through the channel, and then the summary.
 */
#include "check.h"
#include "demo.h"
#include "options.h"
#include "report.h"
#include "url.h"

#include <signal.h>
#include <stdlib.h>

enum { SIGNALS = 2 };

typedef struct app_s {
  options_t options;
  targets_t targets;
  uv_loop_t uv;
  weir_loop_t *loop;
  weir_ctx_t *root;
  weir_chan_t *signals[SIGNALS];
  weir_case_t signal_cases[SIGNALS];
  weir_op_t signal_op;
  weir_chan_t *ticks;
  weir_op_t tick_op;
  report_t report;
  size_t rounds;
  demo_t *demo;
  int err; /* that ended it early */
} app_t;

static int complain(int err) {
  if (err) fprintf(stderr, "status_check: %s\n", uv_strerror(err));
  return err;
}

/* interrupts */

/* Nothing keeps the loop alive any more, and a signal kills, as it does by itself. */
static void forget_signals(app_t *app) {
  for (int i = 0; i < SIGNALS; i++) {
    weir_chan_unref(app->signals[i]);
    app->signals[i] = NULL;
  }
}

/* The second one kills: a lookup that hangs cannot be taken back. */
static void on_signal(weir_op_t *op, int status) {
  app_t *app = op->data;

  if (status) return; /* forgotten */
  weir_ctx_cancel(app->root);
  forget_signals(app);
}

static int watch_signals(app_t *app) {
  static const int numbers[SIGNALS] = {SIGINT, SIGTERM};
  weir_ctx_t *background = weir_loop_background(app->loop);

  for (int i = 0; i < SIGNALS; i++) {
    app->signals[i] = weir_uv_signal(background, numbers[i]);
    if (!app->signals[i]) return UV_ENOMEM;
    app->signal_cases[i] = WEIR_RECV(app->signals[i], NULL);
  }
  app->signal_op.data = app;
  weir_op_init(&app->signal_op, background);
  return weir_select(&app->signal_op, app->signal_cases, SIGNALS, on_signal);
}

/* rounds */

static void start_round(app_t *app);

static void finish(app_t *app, int err) {
  app->err = err;
  weir_chan_unref(app->ticks);
  app->ticks = NULL;
  forget_signals(app);
}

static void on_tick(weir_op_t *op, int status) {
  app_t *app = op->data;

  if (status)
    finish(app, 0);
  else
    start_round(app);
}

static void on_round_over(report_t *report) {
  app_t *app = report->data;

  app->rounds++;
  if (!app->ticks || weir_chan_recv(&app->tick_op, app->ticks, NULL, on_tick)) finish(app, 0);
}

static void on_demo_result(report_t *report, const result_t *result) {
  app_t *app = report->data;

  demo_compare(app->demo, &app->targets, result);
}

/* The report is not under the root: a cancelled check has something to tell, too. */
static void start_round(app_t *app) {
  weir_ctx_t *background = weir_loop_background(app->loop);
  weir_chan_t *results =
      check_status(app->root, &app->options.settings, app->targets.items, app->targets.n);
  int err = results ? report_start(&app->report, background, results, &app->targets) : UV_ENOMEM;

  weir_chan_unref(results); /* the report holds its own */
  if (err) finish(app, err);
}

static void prepare_report(app_t *app) {
  report_t *report = &app->report;

  report_init(report);
  report->data = app;
  report->json = app->options.json;
  report->has_progress = uv_guess_handle(2) == UV_TTY;
  report->also = app->demo ? on_demo_result : NULL;
  report->ended = on_round_over;
}

static int start(app_t *app) {
  int err = watch_signals(app);

  if (!err && app->options.demo) err = demo_start(&app->demo, &app->uv, &app->targets);
  if (!err && !(app->root = weir_ctx_with_cancel(weir_loop_background(app->loop)))) err = UV_ENOMEM;
  if (err) return err;
  prepare_report(app);
  app->tick_op.data = app;
  weir_op_init(&app->tick_op, app->root);
  if (app->options.watch_s > 0) {
    app->ticks = weir_timer_tick(app->loop, app->options.watch_s * 1000);
    if (!app->ticks) return UV_ENOMEM;
  }
  start_round(app);
  return 0;
}

/* the loop */

static int open_loop(app_t *app) {
  int err = uv_loop_init(&app->uv);

  if (err) return err;
  err = weir_loop_new(&app->loop, &app->uv);
  if (err) uv_loop_close(&app->uv);
  return err;
}

/* Nobody asks any more: only now may the servers go, and the URLs that lead to them. */
static void on_weir_closed(void *arg) {
  demo_stop(((app_t *)arg)->demo);
}

static int close_loop(app_t *app) {
  finish(app, 0);
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
  if (app->err) return app->err;
  if (app->report.summary.shown != app->rounds * app->targets.n) return UV_ENOMEM;
  return ferror(stdout) ? UV_EIO : 0;
}

static bool has_succeeded(const app_t *app) {
  const summary_t *summary = &app->report.summary;

  return app->demo ? demo_succeeded(app->demo) : summary->good == summary->shown;
}

static void print_summary(const app_t *app) {
  const summary_t *summary = &app->report.summary;
  FILE *out = app->options.json ? stderr : stdout;

  if (summary->shown < 2 && app->options.watch_s == 0) return;
  if (!app->options.json) fputc('\n', out);
  summary_print(summary, out);
}

static int run(app_t *app) {
  int err = complain(open_loop(app));
  bool is_success;

  if (err) return 1;
  err = complain(run_checks(app));
  print_summary(app);
  is_success = !err && has_succeeded(app);
  err = complain(close_loop(app));
  return is_success && !err ? 0 : 1;
}

/* before */

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

static bool is_https(const target_t *target) {
  url_t url;

  return !url_parse(&url, target->url) && url.is_https;
}

/* Without TLS in the build, https URLs say so one by one. */
static int prepare_tls(app_t *app) {
  const options_t *options = &app->options;
  tls_t **tls = &app->options.settings.tls;
  const char *wrong = tls_new(tls, options->ca_file, options->insecure);

  for (size_t i = 0; i < app->targets.n; i++) {
    if (!is_https(&app->targets.items[i])) continue;
    tls_prepare(*tls);
    break;
  }
  if (!wrong) return 0;
  fprintf(stderr, "status_check: %s: %s\n", options->ca_file ? options->ca_file : "TLS", wrong);
  return 2;
}

/*
 * libuv gives lookups half of its threads, four when nothing is said: two names that nobody answers
 * for would hold up all others.
 */
static void widen_thread_pool(size_t concurrency) {
  size_t threads = concurrency < 64 ? 2 * concurrency : 128;
  char number[8], given[8];
  size_t size = sizeof given;

  if (uv_os_getenv("UV_THREADPOOL_SIZE", given, &size) != UV_ENOENT) return;
  snprintf(number, sizeof number, "%d", (int)threads);
  uv_os_setenv("UV_THREADPOOL_SIZE", number);
}

static int check_all(app_t *app) {
  int code = collect_targets(app);

  if (code == 0) code = prepare_tls(app);
  if (code == 0) code = run(app);
  tls_free(app->options.settings.tls);
  targets_free(&app->targets);
  return code;
}

int main(int argc, char **argv) {
  static app_t app;
  int code = 2;

#ifdef SIGPIPE
  signal(SIGPIPE, SIG_IGN); /* a server that has gone is an error of that one check */
#endif
  srand((unsigned)uv_hrtime()); /* for the jitter of retries */
  if (options_parse(&app.options, argc, argv)) {
    widen_thread_pool(app.options.settings.concurrency);
    code = 0;
    if (app.options.help)
      options_help(stdout);
    else
      code = check_all(&app);
  }
  options_free(&app.options);
  return code;
}
