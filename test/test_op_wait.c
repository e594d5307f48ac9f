/* Description: weir_op_wait, and the style that asks handles instead of being called back. */
#include <stdlib.h>

#include "support/freed.h"
#include "support/probe.h"
#include "support/support.h"

START_TEST(wait_returns_the_status_after_the_callback) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, 0);
  probe_t yield, recv;

  probe_init(&yield, bg);
  probe_init(&recv, bg);
  weir_yield(&yield.op, probe_note);
  ck_assert_int_eq(weir_op_wait(&yield.op), 0);
  ck_completed(&yield, 0);
  weir_chan_recv(&recv.op, ch, NULL, probe_note);
  weir_chan_close(ch);
  ck_assert_int_eq(weir_op_wait(&recv.op), UV_EOF);
  ck_completed(&recv, UV_EOF);
  ck_assert_int_eq(weir_op_wait(&recv.op), UV_EOF);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(wait_gives_eagain_when_nothing_can_wake_the_loop) {
  weir_op_t op;

  weir_op_init(&op, bg);
  weir_chan_recv(&op, NULL, NULL, NULL);
  ck_assert_int_eq(weir_op_wait(&op), UV_EAGAIN);
  ck_assert(weir_op_pending(&op));
  weir_op_cancel(&op);
  ck_assert_int_eq(weir_op_wait(&op), UV_ECANCELED);
}
END_TEST

/* The chance to complete it comes from others, which are run first. */
START_TEST(wait_runs_what_the_op_depends_on) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), 0);
  weir_op_t recv, sleep, send, all;
  weir_op_t *ops[] = {&sleep, &send, &recv};
  int sent = 3, received = 0;

  for (int i = 0; i < 3; i++) weir_op_init(ops[i], bg);
  weir_op_init(&all, bg);
  weir_sleep(&sleep, 2, NULL);
  weir_chan_recv(&recv, ch, &received, NULL);
  weir_chan_send(&send, ch, &sent, NULL);
  weir_all(&all, ops, 3, NULL);
  ck_assert_int_eq(weir_op_wait(&all), 0);
  for (int i = 0; i < 3; i++) ck_assert(!weir_op_pending(ops[i]));
  ck_assert_int_eq(received, 3);
  weir_chan_unref(ch);
}
END_TEST

static int wait_result;
static weir_op_t *waited;

static void wait_in_callback(weir_op_t *op, int status) {
  probe_note(op, status);
  wait_result = weir_op_wait(waited);
}

START_TEST(wait_inside_a_callback_gives_einval) {
  probe_t probe, other;

  probe_init(&probe, bg);
  probe_init(&other, bg);
  waited = &other.op;
  weir_yield(&probe.op, wait_in_callback);
  weir_yield(&other.op, probe_note);
  weir_run(loop);
  ck_assert_int_eq(wait_result, UV_EINVAL);
  ck_completed(&other, 0);
}
END_TEST

static void wait_in_range(weir_range_t *range, const void *value, int status) {
  (void)range, (void)value, (void)status;
  wait_result = weir_op_wait(waited);
}

START_TEST(wait_inside_a_ranges_callback_gives_einval) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, 0);
  weir_range_t range;
  weir_op_t op;

  wait_result = 0;
  weir_op_init(&op, bg);
  waited = &op;
  weir_chan_recv(&op, NULL, NULL, NULL);
  weir_range_init(&range, bg);
  weir_range_start(&range, ch, wait_in_range);
  weir_chan_close(ch);
  weir_run(loop);
  ck_assert_int_eq(wait_result, UV_EINVAL);
  weir_chan_unref(ch);
  weir_op_cancel(&op);
  weir_run(loop);
}
END_TEST

static void close_async(uv_async_t *async) {
  uv_close((uv_handle_t *)async, NULL);
}

START_TEST(wait_returns_although_the_host_has_other_handles_alive) {
  uv_async_t async;
  probe_t yield, sleep;

  uv_async_init(uv, &async, close_async);
  probe_init(&yield, bg);
  probe_init(&sleep, bg);
  weir_yield(&yield.op, probe_note);
  ck_assert_int_eq(weir_op_wait(&yield.op), 0);
  weir_sleep(&sleep.op, 1, probe_note);
  ck_assert_int_eq(weir_op_wait(&sleep.op), 0);
  ck_assert_int_ne(uv_loop_alive(uv), 0);
  uv_async_send(&async);
  weir_run(loop);
}
END_TEST

static weir_op_t host_op;

static void cancel_host_op(uv_timer_t *timer) {
  uv_close((uv_handle_t *)timer, NULL);
  weir_op_cancel(&host_op);
}

START_TEST(wait_lets_the_hosts_handles_run) {
  uv_timer_t timer;

  uv_timer_init(uv, &timer);
  uv_timer_start(&timer, cancel_host_op, 1, 0);
  weir_op_init(&host_op, bg);
  weir_chan_recv(&host_op, NULL, NULL, NULL);
  ck_assert_int_eq(weir_op_wait(&host_op), UV_ECANCELED);
}
END_TEST

START_TEST(wait_leaves_other_ops_for_later) {
  probe_t sleep, parked;
  weir_op_t yield;

  weir_op_init(&yield, bg);
  probe_init(&sleep, bg);
  probe_init(&parked, bg);
  weir_sleep(&sleep.op, 50, probe_note);
  weir_chan_recv(&parked.op, NULL, NULL, probe_note);
  weir_yield(&yield, NULL);
  ck_assert_int_eq(weir_op_wait(&yield), 0);
  ck_not_completed(&sleep);
  ck_not_completed(&parked);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_completed(&sleep, 0);
  weir_op_cancel(&parked.op);
  weir_run(loop);
}
END_TEST

START_TEST(wait_leaves_what_is_runnable_behind_the_op_for_later) {
  probe_t yields[4];

  for (int i = 0; i < 4; i++) {
    probe_init(&yields[i], bg);
    ck_assert_int_eq(weir_yield(&yields[i].op, probe_note), 0);
  }
  for (int i = 1; i < 4; i += 2) {
    ck_assert_int_eq(weir_op_wait(&yields[i].op), 0);
    for (int k = 0; k < 4; k++) ck_assert_int_eq(yields[k].calls, k <= i);
  }
}
END_TEST

static void yield_for_ever(weir_op_t *op, int status) {
  if (status == 0) weir_yield(op, yield_for_ever);
}

START_TEST(wait_returns_although_others_are_always_runnable) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_op_t busy, sleep;

  weir_op_init(&busy, ctx);
  weir_op_init(&sleep, bg);
  weir_yield(&busy, yield_for_ever);
  weir_sleep(&sleep, 2, NULL);
  ck_assert_int_eq(weir_op_wait(&sleep), 0);
  weir_ctx_cancel(ctx);
  weir_ctx_unref(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
}
END_TEST

/* memory of ops */

START_TEST(wait_for_an_op_that_is_freed_in_its_callback_returns_its_status) {
  weir_op_t *yield = heap_op(), *parked = heap_op();

  freed = 0;
  weir_yield(yield, free_op);
  ck_assert_int_eq(weir_op_wait(yield), 0);
  weir_chan_recv(parked, NULL, NULL, free_op);
  weir_op_cancel(parked);
  ck_assert_int_eq(weir_op_wait(parked), UV_ECANCELED);
  ck_assert_int_eq(freed, 2);
}
END_TEST

/* completion handles */

static void start_again(weir_op_t *op, int status) {
  probe_note(op, status);
  ck_assert_int_eq(weir_chan_recv(op, NULL, NULL, probe_note), 0);
}

START_TEST(wait_for_an_op_that_starts_again_in_its_callback_returns_its_status) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, 0);
  probe_t recv;

  weir_chan_close_with(ch, UV_EIO);
  probe_init(&recv, bg);
  ck_assert_int_eq(weir_chan_recv(&recv.op, ch, NULL, start_again), 0);
  ck_assert_int_eq(weir_op_wait(&recv.op), UV_EIO);
  ck_assert_int_eq(recv.calls, 1);
  ck_assert(weir_op_pending(&recv.op));
  ck_assert_int_eq(weir_op_cancel(&recv.op), 0);
  ck_assert_int_eq(weir_op_wait(&recv.op), UV_ECANCELED);
  ck_assert_int_eq(recv.calls, 2);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(handles_without_callbacks_are_asked) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), 0);
  int values[] = {1, 2, 3}, received[4] = {0};
  weir_op_t send, recv;

  weir_op_init(&send, bg);
  weir_op_init(&recv, bg);
  weir_chan_send_many(&send, ch, values, 3, NULL);
  weir_chan_recv_many(&recv, ch, received, 4, NULL);
  ck_assert_int_eq(weir_op_wait(&recv), 0);
  ck_assert_uint_eq(weir_op_index(&recv), 3);
  ck_assert_int_eq(weir_op_wait(&send), 0);
  ck_assert_uint_eq(weir_op_index(&send), 3);
  ck_assert_int_eq(received[2], 3);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(first_of_several_handles_is_waited_for) {
  weir_op_t slow, fast, any;
  weir_op_t *ops[] = {&slow, &fast};

  weir_op_init(&slow, bg);
  weir_op_init(&fast, bg);
  weir_op_init(&any, bg);
  weir_sleep(&slow, 7200000, NULL);
  weir_sleep(&fast, 1, NULL);
  weir_any(&any, ops, 2, NULL);
  ck_assert_int_eq(weir_op_wait(&any), 0);
  ck_assert_uint_eq(weir_op_index(&any), 1);
  ck_assert(weir_op_pending(&slow));
  weir_op_cancel(&slow);
  ck_assert_int_eq(weir_op_wait(&slow), UV_ECANCELED);
}
END_TEST

static const support_test_t tests[] = {
    T(wait_returns_the_status_after_the_callback),
    T(wait_gives_eagain_when_nothing_can_wake_the_loop),
    T(wait_runs_what_the_op_depends_on),
    T(wait_inside_a_callback_gives_einval),
    T(wait_inside_a_ranges_callback_gives_einval),
    T(wait_returns_although_the_host_has_other_handles_alive),
    T(wait_lets_the_hosts_handles_run),
    T(wait_leaves_other_ops_for_later),
    T(wait_leaves_what_is_runnable_behind_the_op_for_later),
    T(wait_returns_although_others_are_always_runnable),
    T(wait_for_an_op_that_is_freed_in_its_callback_returns_its_status),
    T(wait_for_an_op_that_starts_again_in_its_callback_returns_its_status),
    T(handles_without_callbacks_are_asked),
    T(first_of_several_handles_is_waited_for),
};

SUITE_MAIN("op_wait", tests)
