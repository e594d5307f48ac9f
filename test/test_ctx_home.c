/*
 * Description: a context knows its loop's own thread from others, and wakes its loop wherever the
 * one who cancels it is: in a loop of its own, at any place of that, or setting up what others will
 * run.
 */
#include "support/elsewhere.h"
#include "support/values.h"

enum { HOURS = 7200000 };

static void start_sleep(weir_ctx_t *under, probe_t *probe) {
  probe_init(probe, under);
  ck_assert_int_eq(weir_sleep(&probe->op, HOURS, probe_note), 0);
}

static void cancel(void *ctx) {
  weir_ctx_cancel(ctx);
}

/* the loop's own thread */

static void ck_marked_before_cancel_returns(weir_ctx_t *root) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(root), *child = weir_ctx_with_cancel(ctx);
  weir_chan_t *done = weir_ctx_done(child);

  ensure(!weir_chan_closed(done));
  weir_ctx_cancel_cause(ctx, UV_EIO);
  ensure_eq(weir_ctx_err(child), UV_ECANCELED);
  ensure_eq(weir_ctx_cause(child), UV_EIO);
  ensure(weir_chan_closed(done));
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
}

static void on_yield_ck_marked(weir_op_t *op, int status) {
  probe_note(op, status);
  ck_marked_before_cancel_returns(op->data);
}

static void on_timer_ck_marked(uv_timer_t *timer) {
  ck_marked_before_cancel_returns(timer->data);
  uv_close((uv_handle_t *)timer, NULL);
}

static void ck_marked_in_callbacks(uv_loop_t *of, weir_ctx_t *root) {
  uv_timer_t timer;
  probe_t yield;

  probe_init(&yield, root);
  yield.op.data = timer.data = root;
  weir_yield(&yield.op, on_yield_ck_marked);
  uv_timer_init(of, &timer);
  uv_timer_start(&timer, on_timer_ck_marked, 0, 0);
  weir_run(weir_ctx_loop(root));
  ensure_eq(yield.calls, 1);
}

START_TEST(cancel_here_marks_and_closes_before_it_returns) {
  ck_marked_before_cancel_returns(bg); /* not run yet */
  ck_marked_in_callbacks(uv, bg);
  ck_marked_before_cancel_returns(bg);
}
END_TEST

static void run_then_ck_marked(support_thread_t *thread, void *arg) {
  (void)arg;
  ck_marked_in_callbacks(&thread->uv, thread->bg);
  ck_marked_before_cancel_returns(thread->bg);
}

START_TEST(own_thread_is_the_one_that_runs_the_loop) {
  support_thread_t thread; /* its loop is made here */

  support_thread_start(&thread, run_then_ck_marked, NULL);
  support_thread_join(&thread);
}
END_TEST

/* from a loop to another, whatever it does after that */

static struct {
  weir_ctx_t *ctx, *tells; /* cancelled; cancelled by it, in return */
  uv_sem_t ready, done;
} victim;

static void sleep_until_cancelled(support_thread_t *thread, void *arg) {
  weir_op_t sleep;

  (void)arg;
  victim.ctx = weir_ctx_ref(weir_ctx_with_cancel(thread->bg)); /* the other's, too */
  weir_op_init(&sleep, victim.ctx);
  ensure_eq(weir_sleep(&sleep, HOURS, NULL), 0);
  uv_sem_post(&victim.ready);
  ensure_eq(weir_run(thread->loop), 0);
  ensure_eq(weir_op_status(&sleep), UV_ECANCELED);
  weir_ctx_unref(victim.ctx);
  weir_ctx_cancel(victim.tells);
  uv_sem_post(&victim.done);
}

static void victim_start(support_thread_t *thread, weir_ctx_t *tells) {
  victim.tells = tells;
  uv_sem_init(&victim.ready, 0);
  uv_sem_init(&victim.done, 0);
  support_thread_start(thread, sleep_until_cancelled, NULL);
  uv_sem_wait(&victim.ready);
}

static void victim_join(support_thread_t *thread) {
  support_thread_join(thread);
  weir_ctx_unref(victim.ctx);
  uv_sem_destroy(&victim.ready);
  uv_sem_destroy(&victim.done);
}

START_TEST(cancel_from_a_loop_that_is_not_run_again_wakes_the_other) {
  support_thread_t thread;

  victim_start(&thread, NULL);
  weir_ctx_cancel(victim.ctx);
  uv_sem_wait(&victim.done);
  victim_join(&thread);
}
END_TEST

/* Where a loop is when it cancels another's context, and does nothing after it. */
typedef enum { IN_YIELD, IN_BUSY_YIELD, IN_TIMER, IN_PREPARE, IN_CHECK, PLACES } place_t;

typedef struct host_s {
  own_t own;
  place_t place;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_timer_t timer;
  weir_op_t yield, sleep;
  weir_ctx_t *told;
} host_t;

static void on_yield_cancel(weir_op_t *op, int status) {
  ensure_eq(status, 0);
  weir_ctx_cancel(victim.ctx);
  (void)op;
}

/* Works on until the other loop has heard of it. */
static void stay_busy(weir_op_t *op, int status) {
  ensure_eq(status, 0);
  if (uv_sem_trywait(&victim.done) != 0)
    weir_yield(op, stay_busy);
  else
    uv_sem_post(&victim.done);
}

static void on_busy_yield_cancel(weir_op_t *op, int status) {
  on_yield_cancel(op, status);
  weir_yield(op, stay_busy);
}

static void on_timer_cancel(uv_timer_t *timer) {
  weir_ctx_cancel(victim.ctx);
  uv_timer_stop(timer);
}

static void on_prepare_cancel(uv_prepare_t *prepare) {
  weir_ctx_cancel(victim.ctx);
  uv_prepare_stop(prepare);
}

static void on_check_cancel(uv_check_t *check) {
  weir_ctx_cancel(victim.ctx);
  uv_check_stop(check);
}

/* The host's prepare and check handles run after weir's, as those that were started first do. */
static void host_open(host_t *host, place_t place) {
  uv_loop_t *of = &host->own.uv;

  *host = (host_t){.place = place};
  ck_assert_int_eq(uv_loop_init(of), 0);
  uv_prepare_init(of, &host->prepare);
  uv_check_init(of, &host->check);
  uv_timer_init(of, &host->timer);
  if (place == IN_PREPARE) uv_prepare_start(&host->prepare, on_prepare_cancel);
  if (place == IN_CHECK) uv_check_start(&host->check, on_check_cancel);
  if (place == IN_TIMER) uv_timer_start(&host->timer, on_timer_cancel, 0, 0);
  ck_assert_int_eq(weir_loop_new(&host->own.loop, of), 0);
  host->own.bg = weir_loop_background(host->own.loop);
}

static void host_close(host_t *host) {
  uv_close((uv_handle_t *)&host->prepare, NULL);
  uv_close((uv_handle_t *)&host->check, NULL);
  uv_close((uv_handle_t *)&host->timer, NULL);
  own_close(&host->own);
}

/* It sleeps until the other tells it, unless it yields. */
static void host_run(host_t *host) {
  weir_op_init(&host->yield, host->own.bg);
  weir_op_init(&host->sleep, host->told);
  weir_sleep(&host->sleep, HOURS, NULL);
  if (host->place == IN_YIELD) weir_yield(&host->yield, on_yield_cancel);
  if (host->place == IN_CHECK) weir_yield(&host->yield, NULL); /* to get there */
  if (host->place == IN_BUSY_YIELD) weir_yield(&host->yield, on_busy_yield_cancel);
  ck_assert_uint_eq(weir_run(host->own.loop), 0);
  ck_assert_int_eq(weir_op_status(&host->sleep), UV_ECANCELED);
}

START_TEST(cancel_from_any_place_of_a_loop_wakes_the_other) {
  for (place_t place = IN_YIELD; place < PLACES; place++) {
    support_thread_t thread;
    host_t host;

    host_open(&host, place);
    host.told = weir_ctx_with_cancel(host.own.bg);
    victim_start(&thread, host.told);
    host_run(&host);
    victim_join(&thread);
    weir_ctx_unref(host.told);
    host_close(&host);
  }
}
END_TEST

/* made and set up here, run elsewhere */

typedef struct moved_s {
  own_t own;
  weir_ctx_t *root, *child;
  probe_t sleep, recv, wait;
  size_t left;
} moved_t;

static void run_moved(void *arg) {
  moved_t *moved = arg;

  moved->left = weir_run(moved->own.loop);
  weir_loop_close(moved->own.loop, own_on_closed, &moved->own);
  uv_run(&moved->own.uv, UV_RUN_DEFAULT);
}

static void moved_open(moved_t *moved) {
  own_open(&moved->own);
  moved->root = weir_ctx_with_cancel(moved->own.bg);
  moved->child = weir_ctx_with_timeout(moved->root, HOURS);
  start_sleep(moved->child, &moved->sleep);
  recv_under(moved->root, &moved->recv, NULL, NULL);
  probe_init(&moved->wait, moved->own.bg);
  ck_assert_int_eq(weir_ctx_wait(&moved->wait.op, moved->child, probe_note), 0);
}

static void moved_close(moved_t *moved) {
  own_await_closed(&moved->own);
  ck_assert_uint_eq(moved->left, 0);
  ck_completed(&moved->sleep, UV_ECANCELED);
  ck_completed(&moved->recv, UV_ECANCELED);
  ck_completed(&moved->wait, 0);
}

START_TEST(maker_may_cancel_and_drop_once_another_thread_runs_the_loop) {
  for (int i = 0; i < 60; i++) {
    uv_thread_t id;
    moved_t moved;

    moved_open(&moved);
    uv_thread_create(&id, run_moved, &moved);
    weir_ctx_cancel_cause(moved.root, UV_EIO);
    ensure_eq(weir_ctx_cause(moved.root), UV_EIO);
    weir_ctx_unref(moved.root);
    weir_ctx_unref(moved.child);
    uv_thread_join(&id);
    moved_close(&moved);
  }
}
END_TEST

START_TEST(maker_may_drop_before_another_thread_cancels) {
  for (int i = 0; i < 60; i++) {
    uv_thread_t id;
    moved_t moved;

    moved_open(&moved);
    uv_thread_create(&id, run_moved, &moved);
    weir_ctx_unref(moved.child); /* held by its op, and the wait */
    elsewhere(cancel, moved.root);
    weir_ctx_unref(moved.root);
    uv_thread_join(&id);
    moved_close(&moved);
  }
}
END_TEST

/* What another thread does first with a loop that was made, set up and run here. */
typedef enum { RUNS, RUNS_INTO_TIMER, SENDS, TAKES_BACK, SLEEPS } first_t;

typedef struct taken_s {
  own_t own;
  first_t first;
  weir_ctx_t *ctx;
  weir_chan_t *local;
  probe_t under, timer, recv, parked;
  weir_op_t sleep;
} taken_t;

static void taken_open(taken_t *taken, first_t first) {
  own_open(&taken->own);
  taken->first = first;
  taken->ctx = weir_ctx_with_cancel(taken->own.bg);
  taken->local = weir_chan_new(taken->own.loop, NULL, 0);
  start_sleep(taken->ctx, &taken->under);
  recv_under(taken->own.bg, &taken->recv, taken->local, NULL);
  recv_under(taken->own.bg, &taken->parked, NULL, NULL);
  probe_init(&taken->timer, taken->own.bg);
  ck_assert_int_eq(weir_sleep(&taken->timer.op, 1, probe_note), 0);
  weir_op_init(&taken->sleep, taken->own.bg);
  ck_assert_int_eq(weir_yield(&taken->sleep, NULL), 0); /* the background has been used */
  uv_run(&taken->own.uv, UV_RUN_NOWAIT);
  if (first == RUNS_INTO_TIMER) be_busy(3);
}

static bool timer_and_ctx_are_over(void *arg) {
  const taken_t *taken = arg;

  return taken->under.calls > 0 && taken->timer.calls > 0;
}

static void go_on(void *arg) {
  taken_t *taken = arg;

  if (taken->first == SENDS) ensure_eq(weir_chan_try_send(taken->local, NULL), 0);
  if (taken->first == TAKES_BACK) ensure_eq(weir_op_cancel(&taken->parked.op), 0);
  if (taken->first == SLEEPS) ensure_eq(weir_sleep(&taken->sleep, HOURS, NULL), 0);
  if (taken->first == RUNS || taken->first == RUNS_INTO_TIMER)
    uv_run(&taken->own.uv, UV_RUN_ONCE); /* and nothing of weir's before it */
  run_until(&taken->own.uv, timer_and_ctx_are_over, taken);
  weir_chan_unref(taken->local);
  weir_loop_close(taken->own.loop, own_on_closed, &taken->own);
  uv_run(&taken->own.uv, UV_RUN_DEFAULT);
}

static void taken_close(taken_t *taken) {
  own_await_closed(&taken->own);
  ck_completed(&taken->under, UV_ECANCELED);
  ck_completed(&taken->timer, 0);
  ck_completed(&taken->recv, taken->first == SENDS ? 0 : UV_EOF);
  ck_completed(&taken->parked, UV_ECANCELED);
}

static void take_over(first_t first) {
  for (int i = 0; i < 40; i++) {
    uv_thread_t id;
    taken_t taken;

    taken_open(&taken, first);
    uv_thread_create(&id, go_on, &taken);
    for (volatile int turns = i * 200; turns > 0; turns--) continue;
    weir_ctx_cancel(taken.ctx);
    weir_ctx_unref(taken.ctx);
    uv_thread_join(&id);
    taken_close(&taken);
  }
}

START_TEST(maker_may_cancel_and_drop_while_another_thread_goes_on_with_the_loop) {
  take_over(RUNS);
}
END_TEST

START_TEST(maker_may_cancel_and_drop_while_another_thread_runs_into_a_timer) {
  take_over(RUNS_INTO_TIMER);
}
END_TEST

START_TEST(maker_may_cancel_and_drop_while_another_thread_starts_with_an_op) {
  take_over(SENDS);
  take_over(TAKES_BACK);
  take_over(SLEEPS);
}
END_TEST

static const support_test_t tests[] = {
    T(cancel_here_marks_and_closes_before_it_returns),
    T(own_thread_is_the_one_that_runs_the_loop),
    T(cancel_from_a_loop_that_is_not_run_again_wakes_the_other),
    T(cancel_from_any_place_of_a_loop_wakes_the_other),
    T(maker_may_cancel_and_drop_once_another_thread_runs_the_loop),
    T(maker_may_drop_before_another_thread_cancels),
    T(maker_may_cancel_and_drop_while_another_thread_goes_on_with_the_loop),
    T(maker_may_cancel_and_drop_while_another_thread_runs_into_a_timer),
    T(maker_may_cancel_and_drop_while_another_thread_starts_with_an_op),
};

SUITE_MAIN("ctx_home", tests)
