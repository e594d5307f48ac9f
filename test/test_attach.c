/* Description: attaching to a uv loop, and closing: what completes how, and what is left behind. */
#include "support/probe.h"
#include "support/support.h"

/* attaching */

START_TEST(attach_without_a_uv_loop_or_a_result_gives_einval) {
  weir_loop_t *result = NULL;

  ck_assert_int_eq(weir_loop_new(NULL, uv), UV_EINVAL);
  ck_assert_int_eq(weir_loop_new(&result, NULL), UV_EINVAL);
  ck_assert_ptr_null(result);
}
END_TEST

START_TEST(attached_loop_knows_its_uv_loop_and_background) {
  ck_assert_ptr_eq(weir_loop_uv(loop), uv);
  ck_assert_ptr_nonnull(bg);
  ck_assert_ptr_eq(weir_loop_background(loop), bg);
  ck_assert_ptr_eq(weir_ctx_loop(bg), loop);
  ck_assert_int_eq(weir_ctx_err(bg), 0);
  ck_assert_int_eq(weir_ctx_cause(bg), 0);
  ck_assert(!weir_ctx_deadline(bg, NULL));
}
END_TEST

START_TEST(background_cannot_be_cancelled) {
  probe_t recv;

  probe_init(&recv, bg);
  weir_chan_recv(&recv.op, NULL, NULL, probe_note);
  weir_ctx_cancel(bg);
  weir_ctx_cancel_cause(bg, UV_EIO);
  ck_assert_int_eq(weir_ctx_err(bg), 0);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_not_completed(&recv);
  weir_op_cancel(&recv.op);
  weir_run(loop);
}
END_TEST

START_TEST(idle_attached_loop_does_not_keep_uv_alive) {
  ck_assert_int_eq(uv_loop_alive(uv), 0);
  ck_assert_int_eq(uv_run(uv, UV_RUN_DEFAULT), 0);
  ck_assert_int_eq(uv_run(uv, UV_RUN_ONCE), 0);
  ck_assert_int_eq(uv_run(uv, UV_RUN_NOWAIT), 0);
}
END_TEST

static void check_data(uv_handle_t *handle, void *arg) {
  ck_assert_ptr_null(handle->data);
  ++*(int *)arg;
}

START_TEST(handles_data_stays_null_and_uv_data_untouched) {
  int handles = 0, mine;
  probe_t sleep;

  uv->data = &mine;
  probe_init(&sleep, bg);
  uv_walk(uv, check_data, &handles);
  weir_sleep(&sleep.op, 1, probe_note);
  uv_walk(uv, check_data, &handles);
  weir_run(loop);
  uv_walk(uv, check_data, &handles);
  ck_assert_int_gt(handles, 0);
  ck_assert_ptr_eq(uv->data, &mine);
}
END_TEST

static void on_closed_check_data(void *arg) {
  ck_assert_ptr_eq(((own_t *)arg)->uv.data, arg);
  own_on_closed(arg);
}

START_TEST(attaching_and_closing_leave_uv_data_untouched) {
  own_t own = {0};

  ck_assert_int_eq(uv_loop_init(&own.uv), 0);
  own.uv.data = &own;
  ck_assert_int_eq(weir_loop_new(&own.loop, &own.uv), 0);
  ck_assert_ptr_eq(own.uv.data, &own);
  weir_loop_close(own.loop, on_closed_check_data, &own);
  own_await_closed(&own);
}
END_TEST

START_TEST(uv_loop_can_be_attached_to_again_after_close) {
  own_t own;
  weir_loop_t *again;

  own_open(&own);
  weir_loop_close(own.loop, NULL, NULL);
  uv_run(&own.uv, UV_RUN_DEFAULT);
  ck_assert_int_eq(weir_loop_new(&again, &own.uv), 0);
  own.loop = again;
  own_close(&own);
}
END_TEST

/* closing */

START_TEST(close_of_null_is_ignored) {
  weir_loop_close(NULL, NULL, NULL);
}
END_TEST

START_TEST(close_calls_back_from_the_uv_loop_only) {
  own_t own;

  own_open(&own);
  weir_loop_close(own.loop, own_on_closed, &own);
  ck_assert_int_eq(own.closed, 0);
  ck_assert_int_eq(uv_loop_alive(&own.uv), 1);
  own_await_closed(&own);
}
END_TEST

START_TEST(close_without_on_closed_leaves_uv_closable) {
  own_t own;

  own_open(&own);
  weir_loop_close(own.loop, NULL, NULL);
  uv_run(&own.uv, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&own.uv), 0);
}
END_TEST

static void fail_closed(void *arg) {
  (void)arg;
  ck_abort_msg("the second close was not ignored");
}

START_TEST(second_close_is_ignored) {
  own_t own;

  own_open(&own);
  weir_loop_close(own.loop, own_on_closed, &own);
  weir_loop_close(own.loop, fail_closed, NULL);
  own_await_closed(&own);
}
END_TEST

static void keep_calling(uv_timer_t *timer) {
  uv_close((uv_handle_t *)timer, NULL);
}

START_TEST(close_leaves_the_hosts_handles_alone) {
  own_t own;
  uv_timer_t timer;

  own_open(&own);
  uv_timer_init(&own.uv, &timer);
  uv_timer_start(&timer, keep_calling, 1, 0);
  weir_loop_close(own.loop, own_on_closed, &own);
  while (!own.closed) uv_run(&own.uv, UV_RUN_NOWAIT);
  ck_assert(uv_is_active((uv_handle_t *)&timer) || uv_is_closing((uv_handle_t *)&timer));
  own_await_closed(&own);
}
END_TEST

/* what is parked when the loop closes */

enum { KINDS = 11 };

typedef struct parked_s {
  probe_t probes[KINDS];
  weir_case_t cases[2];
  weir_op_t *joined[2];
  weir_chan_t *ch;
  int values[4];
} parked_t;

/* Parks one operation of each kind under a context. `target` is for ctx_wait. */
static void park_all_kinds(parked_t *p, weir_ctx_t *ctx, weir_ctx_t *target) {
  weir_op_t *ops[KINDS];

  p->ch = weir_chan_new(weir_ctx_loop(ctx), WEIR_TYPE(int), 0);
  p->cases[0] = WEIR_RECV(NULL, NULL);
  p->cases[1] = WEIR_SEND(p->ch, &p->values[0]);
  for (int i = 0; i < KINDS; i++) {
    probe_init(&p->probes[i], ctx);
    ops[i] = &p->probes[i].op;
  }
  p->joined[0] = ops[0];
  p->joined[1] = ops[1];
  ck_assert_int_eq(weir_chan_recv(ops[0], NULL, NULL, probe_note), 0);
  ck_assert_int_eq(weir_chan_send(ops[1], p->ch, &p->values[0], probe_note), 0);
  ck_assert_int_eq(weir_chan_send_many(ops[2], p->ch, p->values, 4, probe_note), 0);
  ck_assert_int_eq(weir_select(ops[3], p->cases, 2, probe_note), 0);
  ck_assert_int_eq(weir_select(ops[4], NULL, 0, probe_note), 0);
  ck_assert_int_eq(weir_sleep(ops[5], 7200000, probe_note), 0);
  ck_assert_int_eq(weir_sleep(ops[6], UINT64_MAX, probe_note), 0);
  ck_assert_int_eq(weir_all(ops[7], p->joined, 2, probe_note), 0);
  ck_assert_int_eq(weir_any(ops[8], p->joined, 2, probe_note), 0);
  ck_assert_int_eq(weir_any(ops[9], NULL, 0, probe_note), 0);
  ck_assert_int_eq(weir_ctx_wait(ops[10], target, probe_note), 0);
}

static void ck_all_canceled(parked_t *p) {
  for (int i = 0; i < KINDS; i++) {
    ck_completed(&p->probes[i], UV_ECANCELED);
    ck_assert_uint_eq(p->probes[i].index, 0);
  }
  weir_chan_unref(p->ch);
}

START_TEST(close_completes_every_kind_of_op_once_with_ecanceled) {
  own_t own;
  parked_t parked;
  weir_ctx_t *target;

  own_open(&own);
  target = weir_ctx_with_cancel(own.bg);
  park_all_kinds(&parked, own.bg, target);
  weir_loop_close(own.loop, own_on_closed, &own);
  for (int i = 0; i < KINDS; i++) ck_not_completed(&parked.probes[i]);
  own_await_closed(&own);
  ck_all_canceled(&parked);
  weir_ctx_unref(target);
}
END_TEST

enum { CONTEXTS = 9 };

/* One of each constructor, and contexts under without_cancel. */
static void make_contexts(own_t *own, weir_ctx_t **ctxs, weir_chan_t *done) {
  static int key;

  ctxs[0] = weir_ctx_with_cancel(own->bg);
  ctxs[1] = weir_ctx_with_timeout(own->bg, 7200000);
  ctxs[2] = weir_ctx_with_deadline(own->bg, weir_now(own->loop) + 7200000);
  ctxs[3] = weir_ctx_with_value(own->bg, &key, &key, NULL);
  ctxs[4] = weir_ctx_with_chan(own->bg, done);
  ctxs[5] = weir_ctx_without_cancel(own->bg);
  ctxs[6] = weir_ctx_with_timeout(ctxs[5], 7200000);
  ctxs[7] = weir_ctx_without_cancel(ctxs[6]);
  ctxs[8] = weir_ctx_with_cancel(ctxs[7]);
}

START_TEST(close_reaches_ops_under_every_kind_of_context) {
  own_t own;
  parked_t parked[CONTEXTS];
  weir_ctx_t *ctxs[CONTEXTS], *target;
  weir_chan_t *done;

  own_open(&own);
  done = weir_chan_new(own.loop, NULL, 0);
  make_contexts(&own, ctxs, done);
  for (int i = 0; i < CONTEXTS; i++) {
    target = weir_ctx_with_cancel(ctxs[i]); /* held by its waiting op from here on */
    park_all_kinds(&parked[i], ctxs[i], target);
    weir_ctx_unref(target);
  }
  own_close(&own);
  for (int i = 0; i < CONTEXTS; i++) {
    ck_all_canceled(&parked[i]);
    ck_assert_int_eq(weir_ctx_err(ctxs[i]), UV_ECANCELED);
    weir_ctx_unref(ctxs[i]);
  }
  weir_chan_unref(done);
}
END_TEST

typedef struct ranging_s {
  weir_range_t range;
  int values, ends, status;
} ranging_t;

static void on_range(weir_range_t *range, const void *value, int status) {
  ranging_t *self = (ranging_t *)range;

  if (value) {
    self->values++;
    return;
  }
  self->ends++;
  self->status = status;
}

static int dropped;

static void count_drop(void *value) {
  (void)value;
  dropped++;
}

/* One waits, one is paused, one is paused with a value that it has taken: this is dropped. */
START_TEST(close_ends_ranges_once_with_ecanceled) {
  own_t own;
  ranging_t ranges[3] = {0};
  weir_chan_t *ch;
  int value = 1;

  own_open(&own);
  dropped = 0;
  ch = weir_chan_new(own.loop, WEIR_TYPE_OWNED(int, count_drop, NULL), 0);
  for (int i = 0; i < 3; i++) {
    weir_range_init(&ranges[i].range, own.bg);
    ck_assert_int_eq(weir_range_start(&ranges[i].range, ch, on_range), 0);
  }
  ck_assert_int_eq(weir_chan_try_send(ch, &value), 0);
  ck_assert_int_eq(weir_range_pause(&ranges[0].range), 0);
  ck_assert_int_eq(weir_range_pause(&ranges[1].range), 0);
  own_close(&own);
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(ranges[i].values, 0);
    ck_assert_int_eq(ranges[i].ends, 1);
    ck_assert_int_eq(ranges[i].status, UV_ECANCELED);
  }
  ck_assert_int_eq(dropped, 1);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(close_reports_what_had_happened_already) {
  own_t own;
  probe_t yield, recv;
  weir_chan_t *ch;
  int value = 0, sent = 5;

  own_open(&own);
  ch = weir_chan_new(own.loop, WEIR_TYPE(int), 0);
  probe_init(&yield, own.bg);
  probe_init(&recv, own.bg);
  weir_yield(&yield.op, probe_note);
  weir_chan_recv(&recv.op, ch, &value, probe_note);
  ck_assert_int_eq(weir_chan_try_send(ch, &sent), 0);
  own_close(&own);
  ck_completed(&yield, 0);
  ck_completed(&recv, 0);
  ck_assert_int_eq(value, 5);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(close_keeps_sent_values_the_senders_and_destinations_untouched) {
  own_t own;
  probe_t send, recv;
  weir_chan_t *to, *from;
  int value = 7;

  own_open(&own);
  dropped = 0;
  to = weir_chan_new(own.loop, WEIR_TYPE_OWNED(int, count_drop, NULL), 0);
  from = weir_chan_new(own.loop, WEIR_TYPE(int), 0);
  probe_init(&send, own.bg);
  probe_init(&recv, own.bg);
  weir_chan_send(&send.op, to, &value, probe_note);
  weir_chan_recv(&recv.op, from, &value, probe_note);
  own_close(&own);
  ck_completed(&send, UV_ECANCELED);
  ck_completed(&recv, UV_ECANCELED);
  ck_assert_int_eq(value, 7);
  weir_chan_unref(to);
  weir_chan_unref(from);
  ck_assert_int_eq(dropped, 0);
}
END_TEST

/* operations of a loop that closes, or has closed */

static probe_t restarted;
static weir_ctx_t *late_ctx;

static void start_another(weir_op_t *op, int status) {
  (void)op;
  ck_assert_int_eq(status, UV_ECANCELED);
  late_ctx = weir_ctx_without_cancel(weir_loop_background(weir_ctx_loop(late_ctx)));
  ck_assert_int_eq(weir_ctx_err(late_ctx), UV_ECANCELED);
  probe_init(&restarted, late_ctx);
  ck_assert_int_eq(weir_sleep(&restarted.op, 7200000, probe_note), 0);
  weir_ctx_unref(late_ctx);
}

START_TEST(op_started_while_closing_completes_with_ecanceled) {
  own_t own;
  probe_t sleep;

  own_open(&own);
  late_ctx = own.bg;
  probe_init(&sleep, own.bg);
  weir_sleep(&sleep.op, 7200000, start_another);
  own_close(&own);
  ck_completed(&restarted, UV_ECANCELED);
}
END_TEST

START_TEST(op_started_after_closing_is_refused) {
  own_t own;
  probe_t probe;
  weir_ctx_t *ctx;

  own_open(&own);
  ctx = weir_ctx_with_cancel(own.bg);
  own_close(&own);
  probe_init(&probe, ctx);
  ck_assert_int_eq(weir_yield(&probe.op, probe_note), UV_ECANCELED);
  ck_assert_int_eq(weir_sleep(&probe.op, 1, probe_note), UV_ECANCELED);
  ck_assert_int_eq(weir_chan_recv(&probe.op, NULL, NULL, probe_note), UV_ECANCELED);
  ck_assert(!weir_op_pending(&probe.op));
  ck_assert_int_eq(probe.calls, 0);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(contexts_made_while_closing_are_born_cancelled) {
  own_t own;
  weir_ctx_t *ctxs[CONTEXTS];

  own_open(&own);
  weir_loop_close(own.loop, own_on_closed, &own);
  make_contexts(&own, ctxs, NULL);
  for (int i = 0; i < CONTEXTS; i++) {
    ck_assert_int_eq(weir_ctx_err(ctxs[i]), UV_ECANCELED);
    weir_ctx_unref(ctxs[i]);
  }
  own_await_closed(&own);
}
END_TEST

START_TEST(timers_while_closing_give_null) {
  own_t own;

  own_open(&own);
  weir_loop_close(own.loop, own_on_closed, &own);
  ck_assert_ptr_null(weir_timer_sig(own.loop, 1));
  ck_assert_ptr_null(weir_timer_after(own.loop, 1));
  ck_assert_ptr_null(weir_timer_tick(own.loop, 1));
  own_await_closed(&own);
}
END_TEST

/* references */

START_TEST(references_may_be_dropped_after_close) {
  own_t own;
  weir_chan_t *ch, *done, *timers[3];
  weir_ctx_t *ctxs[CONTEXTS];
  int value = 1;

  own_open(&own);
  dropped = 0;
  ch = weir_chan_new(own.loop, WEIR_TYPE_OWNED(int, count_drop, NULL), 2);
  done = weir_chan_new(own.loop, NULL, 0);
  make_contexts(&own, ctxs, done);
  timers[0] = weir_timer_sig(own.loop, 7200000);
  timers[1] = weir_timer_after(own.loop, 7200000);
  timers[2] = weir_timer_tick(own.loop, 7200000);
  ck_assert_int_eq(weir_chan_try_send(ch, &value), 0);
  ck_assert_ptr_nonnull(weir_ctx_done(ctxs[0]));
  own_close(&own);
  ck_assert_int_eq(dropped, 0);
  weir_chan_unref(ch);
  ck_assert_int_eq(dropped, 1);
  weir_chan_unref(done);
  for (int i = 0; i < 3; i++) weir_chan_unref(timers[i]);
  for (int i = 0; i < CONTEXTS; i++) weir_ctx_unref(ctxs[i]);
}
END_TEST

START_TEST(references_may_be_dropped_before_close) {
  own_t own;
  weir_chan_t *done;
  weir_ctx_t *ctxs[CONTEXTS];

  own_open(&own);
  done = weir_chan_new(own.loop, NULL, 0);
  make_contexts(&own, ctxs, done);
  weir_chan_unref(weir_timer_sig(own.loop, 7200000));
  weir_chan_unref(done);
  for (int i = 0; i < CONTEXTS; i++) weir_ctx_unref(ctxs[i]);
  own_close(&own);
}
END_TEST

static const support_test_t tests[] = {
    T(attach_without_a_uv_loop_or_a_result_gives_einval),
    T(attached_loop_knows_its_uv_loop_and_background),
    T(background_cannot_be_cancelled),
    T(idle_attached_loop_does_not_keep_uv_alive),
    T(handles_data_stays_null_and_uv_data_untouched),
    T(attaching_and_closing_leave_uv_data_untouched),
    T(uv_loop_can_be_attached_to_again_after_close),
    T(close_of_null_is_ignored),
    T(close_calls_back_from_the_uv_loop_only),
    T(close_without_on_closed_leaves_uv_closable),
    T(second_close_is_ignored),
    T(close_leaves_the_hosts_handles_alone),
    T(close_completes_every_kind_of_op_once_with_ecanceled),
    T(close_reaches_ops_under_every_kind_of_context),
    T(close_ends_ranges_once_with_ecanceled),
    T(close_reports_what_had_happened_already),
    T(close_keeps_sent_values_the_senders_and_destinations_untouched),
    T(op_started_while_closing_completes_with_ecanceled),
    T(op_started_after_closing_is_refused),
    T(contexts_made_while_closing_are_born_cancelled),
    T(timers_while_closing_give_null),
    T(references_may_be_dropped_after_close),
    T(references_may_be_dropped_before_close),
};

SUITE_MAIN("attach", tests)
