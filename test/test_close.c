/* Description: closing the loop inside callbacks, of every sort, and in every mode of uv_run. */
#include "support/probe.h"
#include "support/support.h"

static void close_own(weir_op_t *op, int status) {
  own_t *own = op->data;

  probe_note(op, status);
  weir_loop_close(own->loop, own_on_closed, own);
  ck_assert_int_eq(own->closed, 0);
}

START_TEST(close_inside_a_callback_of_uv_run) {
  own_t own;
  probe_t yield;

  own_open(&own);
  probe_init(&yield, own.bg);
  yield.op.data = &own;
  weir_yield(&yield.op, close_own);
  own_await_closed(&own);
  ck_completed(&yield, 0);
}
END_TEST

START_TEST(close_inside_a_callback_of_weir_run) {
  own_t own;
  probe_t yield, recv;

  own_open(&own);
  probe_init(&yield, own.bg);
  probe_init(&recv, own.bg);
  yield.op.data = &own;
  weir_yield(&yield.op, close_own);
  weir_chan_recv(&recv.op, NULL, NULL, probe_note);
  ck_assert_uint_eq(weir_run(own.loop), 0);
  own_await_closed(&own);
  ck_completed(&yield, 0);
  ck_completed(&recv, UV_ECANCELED);
}
END_TEST

START_TEST(close_inside_the_callback_that_op_wait_waits_for) {
  own_t own;
  probe_t yield;

  own_open(&own);
  probe_init(&yield, own.bg);
  yield.op.data = &own;
  weir_yield(&yield.op, close_own);
  ck_assert_int_eq(weir_op_wait(&yield.op), 0);
  own_await_closed(&own);
  ck_completed(&yield, 0);
}
END_TEST

START_TEST(close_inside_a_callback_completes_the_op_of_op_wait) {
  own_t own;
  probe_t yield, sleep;

  own_open(&own);
  probe_init(&yield, own.bg);
  probe_init(&sleep, own.bg);
  yield.op.data = &own;
  weir_yield(&yield.op, close_own);
  weir_sleep(&sleep.op, 7200000, probe_note);
  ck_assert_int_eq(weir_op_wait(&sleep.op), UV_ECANCELED);
  own_await_closed(&own);
  ck_completed(&sleep, UV_ECANCELED);
}
END_TEST

typedef struct ranging_s {
  weir_range_t range;
  int values, ends, status;
} ranging_t;

static void on_range_close(weir_range_t *range, const void *value, int status) {
  ranging_t *self = (ranging_t *)range;
  own_t *own = range->data;

  self->values += value != NULL;
  self->ends += value == NULL;
  self->status = status;
  weir_loop_close(own->loop, own_on_closed, own);
}

START_TEST(close_inside_a_ranges_callback) {
  own_t own;
  ranging_t ranging = {0};
  weir_chan_t *ch;
  int value = 1;

  own_open(&own);
  ch = weir_chan_new(own.loop, WEIR_TYPE(int), 1);
  ck_assert_int_eq(weir_chan_try_send(ch, &value), 0);
  weir_range_init(&ranging.range, own.bg);
  ranging.range.data = &own;
  weir_range_start(&ranging.range, ch, on_range_close);
  weir_chan_unref(ch);
  own_await_closed(&own);
  ck_assert_int_eq(ranging.values, 1);
  ck_assert_int_eq(ranging.ends, 1);
  ck_assert_int_eq(ranging.status, UV_ECANCELED);
}
END_TEST

static void on_uv_timer_close(uv_timer_t *timer) {
  own_t *own = timer->data;

  uv_close((uv_handle_t *)timer, NULL);
  weir_loop_close(own->loop, own_on_closed, own);
}

START_TEST(close_inside_a_callback_of_uv) {
  own_t own;
  uv_timer_t timer;
  probe_t sleep;

  own_open(&own);
  uv_timer_init(&own.uv, &timer);
  timer.data = &own;
  uv_timer_start(&timer, on_uv_timer_close, 1, 0);
  probe_init(&sleep, own.bg);
  weir_sleep(&sleep.op, 7200000, probe_note);
  own_await_closed(&own);
  ck_completed(&sleep, UV_ECANCELED);
}
END_TEST

/* A drop is the user's code too, and runs in the midst of the library's. */
static void drop_closes(void *arg) {
  weir_loop_close(((own_t *)arg)->loop, own_on_closed, arg);
}

START_TEST(close_inside_a_drop) {
  own_t own;
  weir_ctx_t *ctx, *child;
  probe_t sleep;
  static int key;

  own_open(&own);
  ctx = weir_ctx_with_value(own.bg, &key, &own, drop_closes);
  child = weir_ctx_with_cancel(ctx);
  weir_ctx_unref(ctx);
  probe_init(&sleep, child);
  weir_sleep(&sleep.op, 7200000, probe_note);
  weir_ctx_unref(child);
  weir_op_cancel(&sleep.op);
  own_await_closed(&own);
  ck_completed(&sleep, UV_ECANCELED);
}
END_TEST

START_TEST(close_driven_by_nowait_or_once) {
  for (int once = 0; once < 2; once++) {
    own_t own;
    probe_t sleep;

    own_open(&own);
    probe_init(&sleep, own.bg);
    weir_sleep(&sleep.op, 7200000, probe_note);
    weir_loop_close(own.loop, own_on_closed, &own);
    while (uv_run(&own.uv, once ? UV_RUN_ONCE : UV_RUN_NOWAIT)) continue;
    own_await_closed(&own);
    ck_completed(&sleep, UV_ECANCELED);
  }
}
END_TEST

/* Who cleans up by unrefs inside the callbacks that the close brings. */
static weir_ctx_t *unref_ctx;
static weir_chan_t *unref_chan;

static void unref_both(weir_op_t *op, int status) {
  probe_note(op, status);
  weir_chan_unref(unref_chan);
  weir_ctx_unref(unref_ctx);
}

START_TEST(references_may_be_dropped_in_the_callbacks_of_the_close) {
  own_t own;
  probe_t recv;

  own_open(&own);
  unref_ctx = weir_ctx_with_timeout(own.bg, 7200000);
  unref_chan = weir_chan_new(own.loop, WEIR_TYPE(int), 0);
  probe_init(&recv, unref_ctx);
  weir_chan_recv(&recv.op, unref_chan, NULL, unref_both);
  own_close(&own);
  ck_completed(&recv, UV_ECANCELED);
}
END_TEST

static void unref_in_on_closed(void *arg) {
  weir_chan_unref(unref_chan);
  weir_ctx_unref(unref_ctx);
  own_on_closed(arg);
}

START_TEST(references_may_be_dropped_in_on_closed) {
  own_t own;

  own_open(&own);
  unref_ctx = weir_ctx_with_timeout(own.bg, 7200000);
  unref_chan = weir_chan_new(own.loop, WEIR_TYPE(int), 0);
  weir_loop_close(own.loop, unref_in_on_closed, &own);
  own_await_closed(&own);
}
END_TEST

static const support_test_t tests[] = {
    T(close_inside_a_callback_of_uv_run),
    T(close_inside_a_callback_of_weir_run),
    T(close_inside_the_callback_that_op_wait_waits_for),
    T(close_inside_a_callback_completes_the_op_of_op_wait),
    T(close_inside_a_ranges_callback),
    T(close_inside_a_callback_of_uv),
    T(close_inside_a_drop),
    T(close_driven_by_nowait_or_once),
    T(references_may_be_dropped_in_the_callbacks_of_the_close),
    T(references_may_be_dropped_in_on_closed),
};

SUITE_MAIN("close", tests)
