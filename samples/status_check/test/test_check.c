/* Description: how many checks run at once, in which order they tell, how they are cut short. */
#include "check.h"
#include "expect.h"
#include "servers.h"
#include "visit.h"

#define NO_BODY "\r\nContent-Length: 0\r\n\r\n"

static const script_t quick = {SERVER_ANSWERS, "HTTP/1.1 200 OK" NO_BODY};
static const script_t silent = {SERVER_SILENT, ""};

enum { MAX = 4 };

static uv_loop_t uv;
static weir_loop_t *loop;
static weir_ctx_t *root;
static servers_t *servers;
static char urls[MAX][32];
static target_t targets[MAX];
static weir_range_t range;
static settings_t settings;
static result_t *results[MAX];
static size_t count;
static void (*then)(void); /* after each result */

static void set_up(const script_t *scripts, size_t n, uint64_t timeout_ms) {
  EXPECT(uv_loop_init(&uv) == 0);
  EXPECT(weir_loop_new(&loop, &uv) == 0);
  EXPECT(servers_start(&servers, &uv, scripts, n) == 0);
  root = weir_ctx_with_cancel(weir_loop_background(loop));
  EXPECT(root);
  for (size_t i = 0; i < n; i++) {
    snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%d", servers_port(servers, i));
    targets[i] = (target_t){urls[i], timeout_ms};
  }
}

static void on_closed(void *arg) {
  (void)arg;
  servers_stop(servers);
}

static void tear_down(void) {
  for (size_t i = 0; i < MAX; i++) result_free(results[i]);
  weir_ctx_unref(root);
  weir_loop_close(loop, on_closed, NULL);
  EXPECT(uv_run(&uv, UV_RUN_DEFAULT) == 0);
  EXPECT(uv_loop_close(&uv) == 0);
}

static void on_result(weir_range_t *r, const void *value, int status) {
  (void)r;
  if (status) {
    EXPECT(status == UV_EOF);
    return;
  }
  EXPECT(count < MAX);
  results[count++] = *(result_t *const *)value;
  if (then) then();
}

static void check_all(size_t n, size_t concurrency) {
  weir_chan_t *ch;

  settings = settings_default;
  settings.concurrency = concurrency;
  ch = check_status(root, &settings, targets, n);
  EXPECT(ch);
  weir_range_init(&range, weir_loop_background(loop));
  EXPECT(weir_range_start(&range, ch, on_result) == 0);
  weir_chan_unref(ch);
  EXPECT(weir_run(loop) == 0);
}

static void expect_result(size_t i, size_t target, failure_t failure) {
  EXPECT(results[i]->target == &targets[target]);
  EXPECT(results[i]->error.kind == failure);
}

static void cancel_root(void) {
  weir_ctx_cancel(root);
}

static void tells_in_order_of_completion(void) {
  set_up((const script_t[]){silent, quick}, 2, 30000);
  then = cancel_root;
  check_all(2, 2);
  EXPECT(count == 2);
  expect_result(0, 1, FAILURE_NONE);
  expect_result(1, 0, FAILURE_CANCELLED);
  tear_down();
}

/* One at a time: the quick one has to wait until the silent one has run out of time. */
static void keeps_to_the_concurrency(void) {
  set_up((const script_t[]){silent, quick}, 2, 30000);
  targets[0].timeout_ms = 50;
  check_all(2, 1);
  EXPECT(count == 2);
  expect_result(0, 0, FAILURE_TIMED_OUT);
  expect_result(1, 1, FAILURE_NONE);
  tear_down();
}

static void checks_nothing(void) {
  set_up(NULL, 0, 1);
  check_all(0, 1);
  EXPECT(count == 0);
  tear_down();
}

/* When the first has answered, the second runs and the others have not begun. */
static void reports_the_cancelled_ones_too(void) {
  set_up((const script_t[]){quick, silent, silent, quick}, 4, 30000);
  then = cancel_root;
  check_all(4, 1);
  EXPECT(count == 4);
  expect_result(0, 0, FAILURE_NONE);
  for (size_t i = 1; i < 4; i++) expect_result(i, i, FAILURE_CANCELLED);
  tear_down();
}

static void starts_nothing_when_cancelled(void) {
  set_up((const script_t[]){quick, quick}, 2, 30000);
  cancel_root();
  check_all(2, 2);
  EXPECT(count == 2);
  for (size_t i = 0; i < 2; i++) expect_result(i, i, FAILURE_CANCELLED);
  tear_down();
}

/* Its context lives on: what waited for that would be parked, and counted. */
static void a_visit_leaves_nothing_waiting(void) {
  weir_chan_t *ch;
  weir_op_t op;

  set_up(&quick, 1, 30000);
  ch = visit(root, &settings_default, &targets[0]);
  EXPECT(ch);
  weir_op_init(&op, root);
  EXPECT(weir_chan_recv(&op, ch, &results[0], NULL) == 0);
  EXPECT(weir_run(loop) == 0);
  EXPECT(weir_op_status(&op) == 0 && results[0]->response.status == 200);
  weir_chan_unref(ch);
  tear_down();
}

static void stop_listening(void) {
  EXPECT(weir_range_stop(&range) == 0);
}

/* The other is silent for 30 s: that it ends at all shows that it was cancelled. */
static void stops_when_nobody_listens(void) {
  uint64_t began = uv_hrtime();

  set_up((const script_t[]){quick, silent, quick}, 3, 30000);
  then = stop_listening;
  check_all(3, 2);
  EXPECT(count == 1);
  EXPECT(uv_hrtime() - began < 20 * (uint64_t)1000000000);
  tear_down();
}

/* The others run, or have not begun, or wait to tell, when everything is torn down around them. */
static void ends_with_its_loop(void) {
  weir_chan_t *ch;
  weir_op_t op;

  set_up((const script_t[]){quick, silent, quick, silent}, 4, 30000);
  settings = settings_default;
  settings.concurrency = 3;
  ch = check_status(root, &settings, targets, 4);
  EXPECT(ch);
  weir_op_init(&op, weir_loop_background(loop));
  EXPECT(weir_chan_recv(&op, ch, &results[0], NULL) == 0);
  EXPECT(weir_op_wait(&op) == 0);
  tear_down();
  weir_chan_unref(ch);
}

static const case_t cases[] = {
    {"tells_in_order_of_completion", tells_in_order_of_completion},
    {"keeps_to_the_concurrency", keeps_to_the_concurrency},
    {"checks_nothing", checks_nothing},
    {"reports_the_cancelled_ones_too", reports_the_cancelled_ones_too},
    {"starts_nothing_when_cancelled", starts_nothing_when_cancelled},
    {"a_visit_leaves_nothing_waiting", a_visit_leaves_nothing_waiting},
    {"stops_when_nobody_listens", stops_when_nobody_listens},
    {"ends_with_its_loop", ends_with_its_loop},
};

int main(int argc, char **argv) {
  return run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");
}
