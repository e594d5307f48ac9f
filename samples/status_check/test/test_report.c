/*
 * Description: what is printed of results that come through a channel, and when. stdout is a file,
 * which is read beside it; the progress goes to a file, too.
 */
#include "expect.h"
#include "report.h"

#define MS UINT64_C(1000000)
#define CLEAR "\r\033[K"
#define LINE(text) "\r  " text "\033[K"

enum { MAX = 8 };

static uv_loop_t uv;
static weir_loop_t *loop;
static weir_ctx_t *ctx;
static weir_chan_t *results;
static target_t items[MAX];
static targets_t targets = {.items = items};
static report_t report;
static char path[2][256]; /* stdout, and the progress */
static size_t also_called, ended_called;

static void make_file(int i) {
  char tmp[200];
  size_t size = sizeof tmp;
  uv_fs_t req;

  EXPECT(uv_os_tmpdir(tmp, &size) == 0);
  snprintf(path[i], sizeof path[i], "%s/weir-report-XXXXXX", tmp);
  EXPECT(uv_fs_mkstemp(NULL, &req, path[i], NULL) >= 0);
  snprintf(path[i], sizeof path[i], "%s", req.path);
  EXPECT(uv_fs_close(NULL, &(uv_fs_t){0}, (uv_file)req.result, NULL) == 0);
  uv_fs_req_cleanup(&req);
}

/* Returns what has been written so far; good until the next call. */
static const char *written(int i) {
  static char text[4096];
  FILE *file = fopen(path[i], "r");
  size_t length;

  EXPECT(file);
  length = fread(text, 1, sizeof text - 1, file);
  text[length] = '\0';
  fclose(file);
  return text;
}

static void set_up(void) {
  for (int i = 0; i < 2; i++) make_file(i);
  EXPECT(freopen(path[0], "a", stdout));
  EXPECT(uv_loop_init(&uv) == 0 && weir_loop_new(&loop, &uv) == 0);
  EXPECT(weir_loop_virtual_time(loop) == 0);
  ctx = weir_ctx_with_cancel(weir_loop_background(loop));
  results = weir_chan_new(loop, &result_type, MAX);
  EXPECT(ctx && results);
  report_init(&report);
  report.progress.out = fopen(path[1], "a");
  EXPECT(report.progress.out && !report.progress.shares_terminal);
}

static void tear_down(void) {
  weir_chan_unref(results);
  weir_ctx_unref(ctx);
  weir_loop_close(loop, NULL, NULL);
  EXPECT(uv_run(&uv, UV_RUN_DEFAULT) == 0);
  EXPECT(uv_loop_close(&uv) == 0);
  EXPECT(fclose(report.progress.out) == 0);
  for (int i = 0; i < 2; i++) EXPECT(remove(path[i]) == 0);
  memset(&report, 0, sizeof report); /* what only these point at is a leak */
  loop = NULL;
}

static const target_t *add_target(const char *url) {
  EXPECT(targets.n < MAX);
  items[targets.n] = (target_t){url, 1000};
  return &items[targets.n++];
}

static result_t *bring(const target_t *target, unsigned status, uint64_t ns) {
  result_t *result = calloc(1, sizeof *result);

  EXPECT(result);
  result->target = target;
  result->response.status = status;
  snprintf(result->response.reason, sizeof result->response.reason, "Fine");
  result->times.total = ns;
  result->is_good = status < 400;
  EXPECT(weir_chan_try_send(results, &result) == 0);
  return result;
}

static void start(void) {
  EXPECT(report_start(&report, ctx, results, &targets) == 0);
}

/* Closes the channel and runs to the end. */
static void finish(void) {
  EXPECT(weir_chan_close(results) == 0);
  EXPECT(weir_run(loop) == 0);
}

static void prints_a_line_each(void) {
  set_up();
  const target_t *a = add_target("http://a/"), *b = add_target("http://long.example/");
  start();
  bring(b, 200, 1499999);
  bring(a, 404, 1500000);
  bring(a, 0, 123456 * MS)->error = (check_error_t){FAILURE_CONNECT, UV_ECONNREFUSED, NULL};
  finish();
  EXPECT_TEXT(written(0),
              "http://long.example/  200 Fine                                           1 ms\n"
              "http://a/             404 Fine                                           2 ms\n"
              "http://a/             cannot connect: connection refused            123456 ms\n");
  EXPECT_TEXT(written(1), "");
  tear_down();
}

static void lets_long_urls_out_of_the_column(void) {
  static char longest[61], longer[62];

  set_up();
  memset(longest, 'a', 60);
  memset(longer, 'b', 61);
  const target_t *a = add_target(longest), *b = add_target(longer), *c = add_target("c");
  char padded[64];
  snprintf(padded, sizeof padded, "%-60s  ", "c");
  start();
  bring(a, 200, MS);
  bring(b, 200, MS);
  bring(c, 200, MS);
  finish();
  EXPECT(strstr(written(0), "aaaa  200 Fine "));
  EXPECT(strstr(written(0), padded));
  EXPECT(strstr(written(0), "bbbb  200 Fine "));
  tear_down();
}

static void lets_no_control_character_pass(void) {
  set_up();
  const target_t *a = add_target("\x1b]0;x\a\r\n\x7f\xc2\x9b");
  start();
  bring(a, 200, MS);
  finish();
  EXPECT_TEXT(written(0), "?]0;x??????  200 Fine                                           1 ms\n");
  tear_down();
}

static void prints_json(void) {
  set_up();
  const target_t *a = add_target("http://a/\n");
  report.json = true;
  start();
  bring(a, 200, 1500000);
  bring(a, 500, 0);
  finish();
  EXPECT_TEXT(written(0),
              "{\"url\":\"http://a/\\u000a\",\"ok\":true,\"status\":200,\"error\":null,\"ms\":{"
              "\"dns\":null,\"connect\":null,\"tls\":null,\"first_byte\":null,\"total\":1.5},"
              "\"remote\":null,\"redirects\":[],\"bytes\":0,\"attempts\":0}\n"
              "{\"url\":\"http://a/\\u000a\",\"ok\":false,\"status\":500,\"error\":null,\"ms\":{"
              "\"dns\":null,\"connect\":null,\"tls\":null,\"first_byte\":null,\"total\":null},"
              "\"remote\":null,\"redirects\":[],\"bytes\":0,\"attempts\":0}\n");
  tear_down();
}

static size_t lines_of(const char *text) {
  size_t n = 0;

  for (; *text; text++) n += *text == '\n';
  return n;
}

static void on_also(report_t *r, const result_t *result) {
  also_called++;
  EXPECT(r == &report && r->data == &also_called);
  EXPECT(result->target == &items[0] && result->response.status == 200 + also_called);
  EXPECT(r->summary.shown == also_called);
  EXPECT(lines_of(written(0)) == also_called);
}

/* The line is in the file before the next result comes. */
static void flushes_counts_then_calls_also(void) {
  set_up();
  const target_t *a = add_target("http://a/");
  report.data = &also_called;
  report.also = on_also;
  start();
  for (unsigned i = 1; i <= 3; i++) bring(a, 200 + i, MS);
  finish();
  EXPECT(also_called == 3 && report.summary.good == 3);
  EXPECT(report.summary.latency.max == MS);
  tear_down();
}

static void on_ended(report_t *r) {
  EXPECT(r == &report);
  ended_called++;
}

static void a_reason_to_close_ends_it_too(void) {
  set_up();
  const target_t *a = add_target("http://a/");
  report.ended = on_ended;
  start();
  bring(a, 200, MS);
  EXPECT(weir_chan_close_with(results, UV_EIO) == 0);
  EXPECT(weir_run(loop) == 0);
  EXPECT(ended_called == 1 && report.summary.shown == 1);
  tear_down();
}

static void cancel_at_once(report_t *r, const result_t *result) {
  (void)r, (void)result;
  weir_ctx_cancel(ctx);
}

/* What it leaves in the channel is freed with that: valgrind and the sanitizers would tell. */
static void a_cancelled_context_ends_it(void) {
  set_up();
  const target_t *a = add_target("http://a/");
  report.ended = on_ended;
  report.also = cancel_at_once;
  report.has_progress = true;
  start();
  for (int i = 0; i < 3; i++) bring(a, 200, MS);
  EXPECT(weir_run(loop) == 0);
  EXPECT(ended_called == 1 && report.summary.shown == 1);
  EXPECT(weir_chan_len(results) == 2);
  EXPECT_TEXT(written(1), "");
  tear_down();
}

static void start_again(report_t *r) {
  if (++ended_called == 3) return;
  weir_chan_unref(results);
  results = weir_chan_new(loop, &result_type, MAX);
  EXPECT(report_start(r, ctx, results, &targets) == 0);
  bring(&items[0], 200, MS);
  EXPECT(weir_chan_close(results) == 0);
}

static void starts_again_at_its_end(void) {
  set_up();
  const target_t *a = add_target("http://a/");
  report.ended = start_again;
  report.has_progress = true;
  start();
  bring(a, 500, MS);
  finish();
  EXPECT(ended_called == 3);
  EXPECT(report.summary.shown == 3 && report.summary.good == 2);
  EXPECT(lines_of(written(0)) == 3);
  EXPECT(report.progress.done == 1 && report.progress.wrong == 0);
  tear_down();
}

static void tells_of_a_failed_start(void) {
  uv_loop_t other_uv;
  weir_loop_t *other;
  weir_chan_t *foreign;

  set_up();
  add_target("http://a/");
  EXPECT(uv_loop_init(&other_uv) == 0 && weir_loop_new(&other, &other_uv) == 0);
  foreign = weir_chan_new(other, &result_type, 1);
  report.ended = on_ended;
  report.has_progress = true;
  EXPECT(report_start(&report, ctx, foreign, &targets) == UV_EINVAL);
  EXPECT(weir_run(loop) == 0 && ended_called == 0);
  EXPECT_TEXT(written(1), "");
  weir_chan_unref(foreign);
  weir_loop_close(other, NULL, NULL);
  EXPECT(uv_run(&other_uv, UV_RUN_DEFAULT) == 0 && uv_loop_close(&other_uv) == 0);
  tear_down();
}

/* A stdout that cannot be written to. */
static void bears_failing_output(void) {
  set_up();
  const target_t *a = add_target("http://a/");
  EXPECT(freopen(path[0], "r", stdout));
  start();
  bring(a, 200, MS);
  bring(a, 200, MS);
  finish();
  EXPECT(report.summary.shown == 2 && ferror(stdout));
  EXPECT_TEXT(written(0), "");
  tear_down();
}

static void pass(uint64_t ms) {
  weir_op_t op;

  weir_op_init(&op, ctx);
  EXPECT(weir_sleep(&op, ms, NULL) == 0 && weir_op_wait(&op) == 0);
}

static void shows_progress_if_asked(void) {
  set_up();
  const target_t *a = add_target("http://a/");
  add_target("http://b/");
  start();
  bring(a, 500, MS);
  pass(250);
  EXPECT_TEXT(written(1), "");
  finish();
  weir_chan_unref(results);
  results = weir_chan_new(loop, &result_type, MAX);
  report.has_progress = true;
  start();
  bring(a, 500, MS);
  pass(250);
  finish();
  EXPECT_TEXT(written(1), LINE("1/2 checked, 1 not good") CLEAR);
  tear_down();
}

#define PRINTED "http://a/  200 Fine                                           1 ms\n"

/* Both write to one file, as they would to one terminal. */
static void progress_makes_way_for_lines(void) {
  set_up();
  const target_t *a = add_target("http://a/");
  EXPECT(freopen(path[1], "a", stdout));
  report.progress.shares_terminal = true;
  report.has_progress = true;
  start();
  bring(a, 200, MS);
  pass(500);
  bring(a, 200, MS);
  finish();
  EXPECT_TEXT(written(1), PRINTED LINE("1/1 checked, 0 not good")
                              CLEAR PRINTED LINE("2/1 checked, 0 not good") CLEAR);
  tear_down();
}

static void on_also_beside_progress(report_t *r, const result_t *result) {
  (void)result;
  EXPECT(!r->progress.is_visible);
  also_called++;
}

/* It may have something to say on stderr. */
static void progress_makes_way_for_also(void) {
  set_up();
  const target_t *a = add_target("http://a/");
  report.also = on_also_beside_progress;
  report.has_progress = true;
  start();
  bring(a, 200, MS);
  pass(500);
  EXPECT(report.progress.is_visible);
  bring(a, 200, MS);
  finish();
  EXPECT(also_called == 2);
  EXPECT_TEXT(written(1),
              LINE("1/1 checked, 0 not good") CLEAR LINE("2/1 checked, 0 not good") CLEAR);
  tear_down();
}

static const case_t cases[] = {
    {"prints_a_line_each", prints_a_line_each},
    {"lets_long_urls_out_of_the_column", lets_long_urls_out_of_the_column},
    {"lets_no_control_character_pass", lets_no_control_character_pass},
    {"prints_json", prints_json},
    {"flushes_counts_then_calls_also", flushes_counts_then_calls_also},
    {"a_reason_to_close_ends_it_too", a_reason_to_close_ends_it_too},
    {"a_cancelled_context_ends_it", a_cancelled_context_ends_it},
    {"starts_again_at_its_end", starts_again_at_its_end},
    {"tells_of_a_failed_start", tells_of_a_failed_start},
    {"bears_failing_output", bears_failing_output},
    {"shows_progress_if_asked", shows_progress_if_asked},
    {"progress_makes_way_for_lines", progress_makes_way_for_lines},
    {"progress_makes_way_for_also", progress_makes_way_for_also},
};

int main(int argc, char **argv) {
  return run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");
}
