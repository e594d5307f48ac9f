/* Description: sleep and the clock, real and virtual. */
#include <stdlib.h>

#include "support/probe.h"
#include "support/support.h"

enum { HOUR = 3600000 };

static void go_virtual(void) {
  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
}

/* sleep */

START_TEST(sleeps_complete_in_order_of_deadline_and_ties_in_order_of_start) {
  static const uint64_t ms[] = {30, 10, 20, 10, 30, 0, 10};
  static const unsigned order[] = {6, 2, 5, 3, 7, 1, 4};
  unsigned before = probe_count;
  probe_t probes[7];

  go_virtual();
  for (int i = 0; i < 7; i++) {
    probe_init(&probes[i], bg);
    ck_assert_int_eq(weir_sleep(&probes[i].op, ms[i], probe_note), 0);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 7; i++) {
    ck_completed(&probes[i], 0);
    ck_assert_uint_eq(probes[i].order - before, order[i]);
  }
}
END_TEST

START_TEST(sleep_of_0_ms_completes_from_the_loop) {
  probe_t sleep;

  probe_init(&sleep, bg);
  ck_assert_int_eq(weir_sleep(&sleep.op, 0, probe_note), 0);
  ck_not_completed(&sleep);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&sleep, 0);
}
END_TEST

static int sleeps_left;

static void sleep_0_again(weir_op_t *op, int status) {
  (void)status;
  if (sleeps_left > 0) weir_sleep(op, 0, sleep_0_again);
}

static void stop_sleeping(uv_timer_t *timer) {
  sleeps_left = 0;
  uv_close((uv_handle_t *)timer, NULL);
}

START_TEST(sleep_of_0_ms_in_its_own_callback_starves_nobody) {
  uv_timer_t timer;
  weir_op_t op;

  sleeps_left = 1;
  uv_timer_init(uv, &timer);
  uv_timer_start(&timer, stop_sleeping, 2, 0);
  weir_op_init(&op, bg);
  weir_sleep(&op, 0, sleep_0_again);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(sleeps_left, 0);
}
END_TEST

START_TEST(endless_sleep_never_ends_but_can_be_cancelled) {
  uint64_t wraps = UINT64_MAX / 1000000 + 1; /* in nanoseconds, to less than a millisecond */
  probe_t endless, overflowing, wrapping, canceller;

  probe_init(&endless, bg);
  probe_init(&overflowing, bg);
  probe_init(&wrapping, bg);
  probe_init(&canceller, bg);
  weir_sleep(&wrapping.op, wraps, probe_note);
  weir_sleep(&endless.op, UINT64_MAX, probe_note);
  weir_sleep(&overflowing.op, UINT64_MAX / 1000000, probe_note);
  weir_sleep(&canceller.op, 3, probe_note);
  ck_assert_int_eq(weir_op_wait(&canceller.op), 0);
  ck_not_completed(&endless);
  ck_not_completed(&overflowing);
  ck_not_completed(&wrapping);
  weir_op_cancel(&wrapping.op);
  weir_op_cancel(&endless.op);
  weir_op_cancel(&overflowing.op);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&endless, UV_ECANCELED);
  ck_completed(&overflowing, UV_ECANCELED);
}
END_TEST

typedef struct timed_s {
  probe_t probe;
  uint64_t due; /* nanoseconds of uv_hrtime */
  uint64_t ms;
  int left;
} timed_t;

static void check_not_early(weir_op_t *op, int status) {
  timed_t *timed = (timed_t *)op;

  ck_assert_int_eq(status, 0);
  ck_assert_uint_ge(uv_hrtime(), timed->due);
  if (--timed->left == 0) return;
  timed->due = uv_hrtime() + timed->ms * 1000000;
  weir_sleep(op, timed->ms, check_not_early);
}

static void be_restless(weir_op_t *op, int status) {
  if (status == 0) weir_yield(op, be_restless);
}

/* uv timers themselves fire up to 1 ms early on a busy loop. */
START_TEST(sleeps_are_never_early_on_a_busy_loop) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 150);
  timed_t timed[4] = {0};
  weir_op_t restless;

  weir_op_init(&restless, ctx);
  weir_yield(&restless, be_restless);
  for (int i = 0; i < 4; i++) {
    timed[i].ms = (uint64_t)i + 1;
    timed[i].left = 20;
    weir_op_init(&timed[i].probe.op, bg);
    timed[i].due = uv_hrtime() + timed[i].ms * 1000000;
    weir_sleep(&timed[i].probe.op, timed[i].ms, check_not_early);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 4; i++) ck_assert_int_eq(timed[i].left, 0);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(sleeps_are_never_early_on_a_quiet_loop) {
  timed_t timed = {.ms = 1, .left = 50};

  weir_op_init(&timed.probe.op, bg);
  timed.due = uv_hrtime() + 1000000;
  weir_sleep(&timed.probe.op, 1, check_not_early);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(timed.left, 0);
}
END_TEST

static timed_t stale;

static void busy_then_sleep(weir_op_t *op, int status) {
  (void)op, (void)status;
  be_busy(20); /* uv_now is 20 ms behind from here on */
  stale.due = uv_hrtime() + 10 * 1000000;
  weir_sleep(&stale.probe.op, 10, check_not_early);
}

START_TEST(sleep_is_not_early_though_uv_now_is_stale) {
  weir_op_t op;

  stale = (timed_t){.left = 1};
  weir_op_init(&op, bg);
  weir_op_init(&stale.probe.op, bg);
  weir_yield(&op, busy_then_sleep);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(stale.left, 0);
}
END_TEST

START_TEST(sleep_is_not_late_by_much) {
  uint64_t start = uv_hrtime();
  probe_t sleep;

  probe_init(&sleep, bg);
  weir_sleep(&sleep.op, 20, probe_note);
  weir_run(loop);
  ck_assert_uint_ge(uv_hrtime() - start, 20 * 1000000);
  ck_assert_uint_lt(uv_hrtime() - start, 500 * 1000000);
}
END_TEST

START_TEST(earlier_sleep_started_later_is_not_held_up) {
  probe_t later, earlier;
  uint64_t start = uv_hrtime();

  probe_init(&later, bg);
  probe_init(&earlier, bg);
  weir_sleep(&later.op, HOUR, probe_note);
  uv_run(uv, UV_RUN_NOWAIT);
  weir_sleep(&earlier.op, 2, probe_note);
  ck_assert_int_eq(weir_op_wait(&earlier.op), 0);
  ck_assert_uint_lt(uv_hrtime() - start, 500 * 1000000);
  weir_op_cancel(&later.op);
  weir_run(loop);
}
END_TEST

START_TEST(cancelled_earliest_sleep_leaves_the_next_on_time) {
  probe_t first, second;
  uint64_t start = uv_hrtime();

  probe_init(&first, bg);
  probe_init(&second, bg);
  weir_sleep(&first.op, 2, probe_note);
  weir_sleep(&second.op, 10, probe_note);
  uv_run(uv, UV_RUN_NOWAIT);
  weir_op_cancel(&first.op);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&first, UV_ECANCELED);
  ck_completed(&second, 0);
  ck_assert_uint_ge(uv_hrtime() - start, 10 * 1000000);
}
END_TEST

START_TEST(hundred_thousand_sleeps) {
  enum { MANY = 100000 };
  weir_op_t *ops = malloc(MANY * sizeof(*ops));
  weir_stats_t stats;

  for (int i = 0; i < MANY; i++) {
    weir_op_init(&ops[i], bg);
    ck_assert_int_eq(weir_sleep(&ops[i], 1 + (uint64_t)(i * 7919 % 50), NULL), 0);
  }
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.timers, MANY);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < MANY; i++) {
    ck_assert(!weir_op_pending(&ops[i]));
    ck_assert_int_eq(weir_op_status(&ops[i]), 0);
  }
  free(ops);
}
END_TEST

/* the clock */

START_TEST(now_goes_with_uv_hrtime) {
  uint64_t before = uv_hrtime() / 1000000, now = weir_now(loop);

  ck_assert_uint_ge(now, before);
  ck_assert_uint_le(now, uv_hrtime() / 1000000);
  be_busy(3);
  ck_assert_uint_ge(weir_now(loop), now + 3);
}
END_TEST

START_TEST(deadlines_are_on_the_clock_of_now) {
  weir_ctx_t *past = weir_ctx_with_deadline(bg, weir_now(loop));
  weir_ctx_t *future = weir_ctx_with_deadline(bg, weir_now(loop) + HOUR);

  ck_assert_int_eq(weir_ctx_err(past), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_ctx_err(future), 0);
  weir_ctx_unref(past);
  weir_ctx_unref(future);
  ck_assert_uint_eq(weir_run(loop), 0);
}
END_TEST

/* virtual time */

START_TEST(virtual_hour_takes_no_time) {
  uint64_t start = uv_hrtime(), now;
  probe_t sleep;

  go_virtual();
  now = weir_now(loop);
  probe_init(&sleep, bg);
  weir_sleep(&sleep.op, HOUR, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&sleep, 0);
  ck_assert_uint_eq(weir_now(loop), now + HOUR);
  ck_assert_uint_lt(uv_hrtime() - start, 1000000000);
}
END_TEST

START_TEST(virtual_clock_stands_still_while_callbacks_are_busy) {
  uint64_t now;

  go_virtual();
  now = weir_now(loop);
  be_busy(3);
  weir_run(loop);
  ck_assert_uint_eq(weir_now(loop), now);
}
END_TEST

START_TEST(virtual_time_is_entered_before_the_first_timer_only) {
  probe_t sleep;

  ck_assert_int_eq(weir_loop_virtual_time(NULL), UV_EINVAL);
  probe_init(&sleep, bg);
  weir_sleep(&sleep.op, 1, probe_note);
  ck_assert_int_eq(weir_loop_virtual_time(loop), UV_EBUSY);
  weir_run(loop);
  ck_assert_int_eq(weir_loop_virtual_time(loop), UV_EBUSY);
}
END_TEST

START_TEST(virtual_time_gives_ebusy_after_a_deadline_or_a_tick) {
  own_t own;
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, HOUR);

  ck_assert_int_eq(weir_loop_virtual_time(loop), UV_EBUSY);
  weir_ctx_unref(ctx);
  own_open(&own);
  weir_chan_unref(weir_timer_tick(own.loop, 1));
  ck_assert_int_eq(weir_loop_virtual_time(own.loop), UV_EBUSY);
  own_close(&own);
}
END_TEST

START_TEST(virtual_deadline_and_sleep_keep_their_order) {
  weir_ctx_t *ctx;
  probe_t before, at, after, recv;

  go_virtual();
  ctx = weir_ctx_with_deadline(bg, weir_now(loop) + 2 * HOUR);
  probe_init(&before, ctx);
  probe_init(&after, ctx);
  probe_init(&recv, ctx);
  probe_init(&at, bg);
  weir_sleep(&before.op, 2 * HOUR - 1, probe_note);
  weir_sleep(&after.op, 2 * HOUR + 1, probe_note);
  weir_sleep(&at.op, 2 * HOUR, probe_note);
  weir_chan_recv(&recv.op, NULL, NULL, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&before, 0);
  ck_completed(&at, 0);
  ck_completed(&after, UV_ETIMEDOUT);
  ck_completed(&recv, UV_ETIMEDOUT);
  weir_ctx_unref(ctx);
}
END_TEST

/* Several workers sleep, draw and meet; the interleaving is written down. */

enum { WORKERS = 5, ROUNDS = 40 };

typedef struct worker_s {
  weir_op_t op;
  int id, rounds;
} worker_t;

static char story[WORKERS * ROUNDS + 1];
static size_t story_length;

static void work(weir_op_t *op, int status) {
  worker_t *worker = (worker_t *)op;

  ck_assert_int_eq(status, 0);
  story[story_length++] = (char)('a' + worker->id);
  if (++worker->rounds == ROUNDS) return;
  weir_sleep(op, (uint64_t)(1 + worker->id * worker->rounds % 7 * 1000), work);
}

static void tell(char *into) {
  worker_t workers[WORKERS] = {0};
  own_t own;

  own_open(&own);
  ck_assert_int_eq(weir_loop_virtual_time(own.loop), 0);
  memset(story, 0, sizeof(story));
  story_length = 0;
  for (int i = 0; i < WORKERS; i++) {
    workers[i].id = i;
    weir_op_init(&workers[i].op, own.bg);
    weir_sleep(&workers[i].op, (uint64_t)(WORKERS - i), work);
  }
  ck_assert_uint_eq(weir_run(own.loop), 0);
  own_close(&own);
  memcpy(into, story, sizeof(story));
}

START_TEST(virtual_time_interleaves_the_same_way_each_time) {
  char first[sizeof(story)], again[sizeof(story)];

  tell(first);
  ck_assert_uint_eq(strlen(first), WORKERS * ROUNDS);
  for (int i = 0; i < 5; i++) {
    tell(again);
    ck_assert_str_eq(first, again);
  }
}
END_TEST

/* What real I/O is waited for keeps the clock from jumping over it. */

static uint64_t virtual_then;

static void expect_no_jump(void) {
  ck_assert_uint_eq(weir_now(loop), virtual_then);
}

static void on_async(uv_async_t *async) {
  expect_no_jump();
  uv_close((uv_handle_t *)async, NULL);
}

static void send_async(void *arg) {
  be_busy(20);
  uv_async_send(arg);
}

START_TEST(virtual_clock_does_not_jump_while_a_thread_may_send) {
  uv_async_t async;
  uv_thread_t thread;
  probe_t sleep;

  go_virtual();
  virtual_then = weir_now(loop);
  probe_init(&sleep, bg);
  weir_sleep(&sleep.op, HOUR, probe_note);
  uv_async_init(uv, &async, on_async);
  uv_thread_create(&thread, send_async, &async);
  ck_assert_uint_eq(weir_run(loop), 0);
  uv_thread_join(&thread);
  ck_completed(&sleep, 0);
  ck_assert_uint_eq(weir_now(loop), virtual_then + HOUR);
}
END_TEST

static void be_busy_in_pool(uv_work_t *work) {
  (void)work;
  be_busy(20);
}

static void after_work(uv_work_t *work, int status) {
  (void)work;
  ck_assert_int_eq(status, 0);
  expect_no_jump();
}

START_TEST(virtual_clock_does_not_jump_while_the_thread_pool_works) {
  uv_work_t work;
  probe_t sleep;

  go_virtual();
  virtual_then = weir_now(loop);
  probe_init(&sleep, bg);
  weir_sleep(&sleep.op, 1, probe_note);
  ck_assert_int_eq(uv_queue_work(uv, &work, be_busy_in_pool, after_work), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&sleep, 0);
}
END_TEST

static const support_test_t tests[] = {
    T(sleeps_complete_in_order_of_deadline_and_ties_in_order_of_start),
    T(sleep_of_0_ms_completes_from_the_loop),
    T(sleep_of_0_ms_in_its_own_callback_starves_nobody),
    T(endless_sleep_never_ends_but_can_be_cancelled),
    T(sleeps_are_never_early_on_a_busy_loop),
    T(sleeps_are_never_early_on_a_quiet_loop),
    T(sleep_is_not_early_though_uv_now_is_stale),
    T(sleep_is_not_late_by_much),
    T(earlier_sleep_started_later_is_not_held_up),
    T(cancelled_earliest_sleep_leaves_the_next_on_time),
    T(hundred_thousand_sleeps),
    T(now_goes_with_uv_hrtime),
    T(deadlines_are_on_the_clock_of_now),
    T(virtual_hour_takes_no_time),
    T(virtual_clock_stands_still_while_callbacks_are_busy),
    T(virtual_time_is_entered_before_the_first_timer_only),
    T(virtual_time_gives_ebusy_after_a_deadline_or_a_tick),
    T(virtual_deadline_and_sleep_keep_their_order),
    T(virtual_time_interleaves_the_same_way_each_time),
    T(virtual_clock_does_not_jump_while_a_thread_may_send),
    T(virtual_clock_does_not_jump_while_the_thread_pool_works),
};

SUITE_MAIN("timer", tests)
