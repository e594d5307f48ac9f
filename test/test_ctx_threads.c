/*
 * Description: contexts that other threads cancel, ask, hold and drop, while their loop sleeps, is
 * busy, or is not run at all.
 */
#include <stdlib.h>

#include "random.h"
#include "support/elsewhere.h"
#include "support/values.h"

enum { HOURS = 7200000 };

static void start_wait(weir_ctx_t *under, probe_t *probe, weir_ctx_t *target) {
  probe_init(probe, under);
  ck_assert_int_eq(weir_ctx_wait(&probe->op, target, probe_note), 0);
}

static void start_sleep(weir_ctx_t *under, probe_t *probe) {
  probe_init(probe, under);
  ck_assert_int_eq(weir_sleep(&probe->op, HOURS, probe_note), 0);
}

static void cancel(void *ctx) {
  weir_ctx_cancel(ctx);
}

static void cancel_with_eio(void *ctx) {
  weir_ctx_cancel_cause(ctx, UV_EIO);
}

/* what is seen at once */

static void cancel_and_look(void *ctx) {
  ensure_eq(weir_ctx_err(ctx), 0);
  ensure_eq(weir_ctx_cause(ctx), 0);
  weir_ctx_cancel(ctx);
  ensure_eq(weir_ctx_err(ctx), UV_ECANCELED);
  ensure_eq(weir_ctx_cause(ctx), UV_ECANCELED);
}

START_TEST(cancel_elsewhere_shows_at_once) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);

  elsewhere(cancel_and_look, ctx);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_cause(ctx), UV_ECANCELED);
  weir_ctx_unref(ctx);
}
END_TEST

static void cancel_cause_and_look(void *ctx) {
  weir_ctx_cancel_cause(ctx, UV_EIO);
  ensure_eq(weir_ctx_err(ctx), UV_ECANCELED);
  ensure_eq(weir_ctx_cause(ctx), UV_EIO);
  weir_ctx_cancel_cause(ctx, UV_EPROTO);
  weir_ctx_cancel(ctx);
  ensure_eq(weir_ctx_cause(ctx), UV_EIO);
}

START_TEST(cause_elsewhere_shows_at_once_and_the_first_stays) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);

  elsewhere(cancel_cause_and_look, ctx);
  weir_ctx_cancel_cause(ctx, UV_ENOENT);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_cause(ctx), UV_EIO);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(cancel_elsewhere_of_a_done_context_changes_nothing) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *late = weir_ctx_with_timeout(bg, 0);

  weir_ctx_cancel_cause(ctx, UV_EPROTO);
  elsewhere(cancel_with_eio, ctx);
  elsewhere(cancel_with_eio, late);
  ck_assert_int_eq(weir_ctx_cause(ctx), UV_EPROTO);
  ck_assert_int_eq(weir_ctx_err(late), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_ctx_cause(late), UV_ETIMEDOUT);
  weir_ctx_unref(ctx);
  weir_ctx_unref(late);
}
END_TEST

START_TEST(background_cannot_be_cancelled_elsewhere) {
  probe_t yield;

  elsewhere(cancel, bg);
  elsewhere(cancel_with_eio, bg);
  ck_assert_int_eq(weir_ctx_err(bg), 0);
  ck_assert_int_eq(weir_ctx_cause(bg), 0);
  probe_init(&yield, bg);
  weir_yield(&yield.op, probe_note);
  weir_run(loop);
  ck_completed(&yield, 0);
}
END_TEST

static int one_key, two_key;

typedef struct asked_s {
  weir_ctx_t *ctx;
  uint64_t when;
} asked_t;

static void ask(void *arg) {
  const asked_t *asked = arg;
  uint64_t when = 0;

  ensure(weir_ctx_value(asked->ctx, &one_key) == &two_key);
  ensure(weir_ctx_value(asked->ctx, &two_key) == &one_key);
  ensure(weir_ctx_value(asked->ctx, asked) == NULL);
  ensure(weir_ctx_deadline(asked->ctx, &when));
  ensure_eq(when, asked->when);
  ensure_eq(weir_ctx_err(asked->ctx), 0);
  weir_ctx_unref(weir_ctx_ref(asked->ctx));
}

START_TEST(value_and_deadline_are_found_elsewhere) {
  weir_ctx_t *outer = weir_ctx_with_value(bg, &one_key, &two_key, NULL);
  weir_ctx_t *inner = weir_ctx_with_value(outer, &two_key, &one_key, NULL);
  weir_ctx_t *timed = weir_ctx_with_timeout(inner, HOURS), *leaf = weir_ctx_with_cancel(timed);
  asked_t asked = {.ctx = leaf};

  ck_assert(weir_ctx_deadline(timed, &asked.when));
  elsewhere(ask, &asked);
  weir_ctx_unref(outer);
  weir_ctx_unref(inner);
  weir_ctx_unref(timed);
  weir_ctx_unref(leaf);
}
END_TEST

/* what follows on the loop */

START_TEST(subtree_is_marked_by_the_loop) {
  enum { N = 40 };
  weir_ctx_t *ctxs[N] = {weir_ctx_with_cancel(bg)};

  for (int i = 1; i < N; i++) { /* a binary tree of all sorts */
    weir_ctx_t *parent = ctxs[(i - 1) / 2];
    if (i % 4 == 0) ctxs[i] = weir_ctx_with_cancel(parent);
    if (i % 4 == 1) ctxs[i] = weir_ctx_with_timeout(parent, HOURS);
    if (i % 4 == 2) ctxs[i] = weir_ctx_with_value(parent, loop, loop, NULL);
    if (i % 4 == 3) ctxs[i] = weir_ctx_with_chan(parent, NULL);
  }
  elsewhere(cancel_with_eio, ctxs[1]);
  run_until_done(uv, ctxs[3]); /* then its kin, too */
  for (int i = 0; i < N; i++) {
    int top = i;
    while (top > 2) top = (top - 1) / 2;
    ck_assert_int_eq(weir_ctx_err(ctxs[i]), top == 1 ? UV_ECANCELED : 0);
    ck_assert_int_eq(weir_ctx_cause(ctxs[i]), top == 1 ? UV_EIO : 0);
  }
  for (int i = 0; i < N; i++) weir_ctx_unref(ctxs[i]);
}
END_TEST

enum { KINDS = 12 };

typedef struct parked_s {
  probe_t probes[KINDS];
  weir_case_t cases[2];
  weir_op_t *joined[2];
  weir_chan_t *local, *in, *out;
  int values[4];
} parked_t;

static void park_all_kinds(parked_t *p, weir_ctx_t *ctx) {
  weir_op_t *ops[KINDS];

  p->local = new_ints(0);
  p->in = weir_chan_new_shared(WEIR_TYPE(int), 4);
  p->out = weir_chan_new_shared(WEIR_TYPE(int), 0);
  p->cases[0] = WEIR_RECV(p->in, &p->values[1]);
  p->cases[1] = WEIR_SEND(p->local, &p->values[0]);
  for (int i = 0; i < 4; i++) p->values[i] = UNTOUCHED;
  for (int i = 0; i < KINDS; i++) {
    probe_init(&p->probes[i], ctx);
    ops[i] = &p->probes[i].op;
  }
  p->joined[0] = ops[0];
  p->joined[1] = ops[1];
  ck_assert_int_eq(weir_chan_recv(ops[0], NULL, NULL, probe_note), 0);
  ck_assert_int_eq(weir_chan_send(ops[1], p->local, &p->values[0], probe_note), 0);
  ck_assert_int_eq(weir_chan_recv(ops[2], p->in, &p->values[1], probe_note), 0);
  ck_assert_int_eq(weir_chan_send(ops[3], p->out, &p->values[0], probe_note), 0);
  ck_assert_int_eq(weir_select(ops[4], p->cases, 2, probe_note), 0);
  ck_assert_int_eq(weir_chan_recv_many(ops[5], p->in, p->values, 4, probe_note), 0);
  ck_assert_int_eq(weir_chan_send_many(ops[6], p->out, p->values, 4, probe_note), 0);
  ck_assert_int_eq(weir_sleep(ops[7], HOURS, probe_note), 0);
  ck_assert_int_eq(weir_sleep(ops[8], UINT64_MAX, probe_note), 0);
  ck_assert_int_eq(weir_all(ops[9], p->joined, 2, probe_note), 0);
  ck_assert_int_eq(weir_any(ops[10], NULL, 0, probe_note), 0);
  ck_assert_int_eq(weir_ctx_wait(ops[11], bg, probe_note), 0);
}

static void ck_all_canceled(parked_t *p) {
  int value = 1;

  for (int i = 0; i < KINDS; i++) {
    ck_completed(&p->probes[i], UV_ECANCELED);
    ck_assert_uint_eq(p->probes[i].index, 0);
  }
  for (int i = 0; i < 4; i++) ck_assert_int_eq(p->values[i], UNTOUCHED);
  ck_assert_int_eq(weir_chan_try_send(p->in, &value), 0); /* the channels live on, without them */
  ck_assert_int_eq(weir_chan_try_recv(p->in, &value), 0);
  ck_assert_int_eq(weir_chan_try_recv(p->out, &value), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_recv(p->local, &value), UV_EAGAIN);
  weir_chan_unref(p->local);
  weir_chan_unref(p->in);
  weir_chan_unref(p->out);
}

START_TEST(parked_ops_of_a_sleeping_loop_complete) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, HOURS), *child = weir_ctx_with_cancel(ctx);
  parked_t parked[2];
  other_t other;

  park_all_kinds(&parked[0], ctx);
  park_all_kinds(&parked[1], child);
  other_start(&other, cancel, ctx);
  other_go_when_asleep(&other, uv);
  ck_assert_uint_eq(weir_run(loop), 0);
  other_join(&other);
  ck_all_canceled(&parked[0]);
  ck_all_canceled(&parked[1]);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(parked_ops_of_a_loop_that_is_run_later_complete) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(ctx);
  parked_t parked;

  park_all_kinds(&parked, child);
  elsewhere(cancel, ctx);
  for (int i = 0; i < KINDS; i++) ck_not_completed(&parked.probes[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_all_canceled(&parked);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
}
END_TEST

static probe_t awaited;
static other_t interrupter;
static int yields;

static void stay_busy(weir_op_t *op, int status) {
  ck_assert_int_eq(status, 0);
  if (++yields == 100) other_go(&interrupter);
  if (!awaited.calls) weir_yield(op, stay_busy);
}

START_TEST(parked_op_of_a_busy_loop_completes) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_op_t yield;

  recv_under(ctx, &awaited, NULL, NULL);
  other_start(&interrupter, cancel, ctx);
  weir_op_init(&yield, bg);
  weir_yield(&yield, stay_busy);
  ck_assert_uint_eq(weir_run(loop), 0);
  other_join(&interrupter);
  ck_completed(&awaited, UV_ECANCELED);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(done_channel_closes) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(ctx);
  weir_chan_t *done = weir_ctx_done(ctx), *childs_done = weir_ctx_done(child);
  probe_t recv, childs_recv;
  other_t other;

  start_recv(&recv, done, NULL);
  start_recv(&childs_recv, childs_done, NULL);
  other_start(&other, cancel, ctx);
  other_go_when_asleep(&other, uv);
  run_until_called(uv, &childs_recv);
  other_join(&other);
  ck_completed(&recv, UV_EOF);
  ck_completed(&childs_recv, UV_EOF);
  ck_assert(weir_chan_closed(done));
  ck_assert_ptr_eq(weir_ctx_done(child), childs_done);
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
}
END_TEST

START_TEST(done_channel_that_is_asked_for_after_it_closes_too) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t recv;

  elsewhere(cancel, ctx);
  start_recv(&recv, weir_ctx_done(ctx), NULL);
  run_until_called(uv, &recv);
  ck_completed(&recv, UV_EOF);
  ck_assert(weir_chan_closed(weir_ctx_done(ctx)));
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(waits_complete_0) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(ctx);
  probe_t waits[3];
  other_t other;

  start_wait(bg, &waits[0], ctx);
  start_wait(ctx, &waits[1], ctx);
  start_wait(bg, &waits[2], child);
  other_start(&other, cancel, ctx);
  other_go_when_asleep(&other, uv);
  run_until_called(uv, &waits[2]);
  other_join(&other);
  for (int i = 0; i < 3; i++) ck_completed(&waits[i], 0);
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
}
END_TEST

static void note_end(weir_range_t *range, const void *value, int status) {
  ensure(value == NULL);
  ensure_eq(status, UV_ECANCELED);
  ++*(int *)range->data;
}

START_TEST(ranges_end) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *chans[] = {new_ints(0), weir_chan_new_shared(NULL, 0)};
  weir_range_t ranges[2];
  int ends = 0;
  other_t other;

  for (int i = 0; i < 2; i++) {
    weir_range_init(&ranges[i], ctx);
    ranges[i].data = &ends;
    ck_assert_int_eq(weir_range_start(&ranges[i], chans[i], note_end), 0);
    weir_chan_unref(chans[i]);
  }
  other_start(&other, cancel, ctx);
  other_go_when_asleep(&other, uv);
  ck_assert_uint_eq(weir_run(loop), 0); /* the shared one kept it alive */
  other_join(&other);
  ck_assert_int_eq(ends, 2);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(deadlines_of_the_subtree_stop) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, HOURS),
             *child = weir_ctx_with_timeout(ctx, HOURS / 2);
  other_t other;

  other_start(&other, cancel, ctx);
  other_go_when_asleep(&other, uv);
  weir_run(loop); /* for two hours, otherwise */
  other_join(&other);
  ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
}
END_TEST

/* in order */

enum { ORDERED = 50 };

typedef struct ordered_s {
  weir_ctx_t *ctxs[ORDERED];
  int order[ORDERED];
} ordered_t;

static void cancel_in_order(void *arg) {
  const ordered_t *self = arg;

  for (int i = 0; i < ORDERED; i++) weir_ctx_cancel(self->ctxs[self->order[i]]);
}

static void shuffle(int *order, int n) {
  weir__random_t random = {.state = 1};

  for (int i = 0; i < n; i++) order[i] = i;
  for (int i = n; i > 1; i--) {
    int j = (int)weir__random_below(&random, (uint32_t)i), last = order[i - 1];
    order[i - 1] = order[j];
    order[j] = last;
  }
}

START_TEST(notifications_arrive_in_the_order_of_the_cancellations) {
  ordered_t ordered;
  probe_t sleeps[ORDERED];
  other_t other;

  shuffle(ordered.order, ORDERED);
  for (int i = 0; i < ORDERED; i++) {
    ordered.ctxs[i] = weir_ctx_with_cancel(bg);
    start_sleep(ordered.ctxs[i], &sleeps[i]);
  }
  other_start(&other, cancel_in_order, &ordered);
  other_go_when_asleep(&other, uv);
  ck_assert_uint_eq(weir_run(loop), 0);
  other_join(&other);
  for (int i = 1; i < ORDERED; i++)
    ck_assert_uint_lt(sleeps[ordered.order[i - 1]].order, sleeps[ordered.order[i]].order);
  for (int i = 0; i < ORDERED; i++) weir_ctx_unref(ordered.ctxs[i]);
}
END_TEST

/* what is started after a cancellation that the loop has not heard of yet */

START_TEST(children_made_after_are_cancelled_from_the_start) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *children[4];
  weir_chan_t *never = new_ints(0);

  elsewhere(cancel_with_eio, ctx);
  children[0] = weir_ctx_with_cancel(ctx);
  children[1] = weir_ctx_with_timeout(ctx, HOURS);
  children[2] = weir_ctx_with_value(ctx, loop, loop, NULL);
  children[3] = weir_ctx_with_chan(ctx, never);
  for (int i = 0; i < 4; i++) {
    ck_assert_int_eq(weir_ctx_err(children[i]), UV_ECANCELED);
    ck_assert_int_eq(weir_ctx_cause(children[i]), UV_EIO);
  }
  weir_run(loop); /* no deadline keeps it alive */
  for (int i = 0; i < 4; i++) weir_ctx_unref(children[i]);
  weir_ctx_unref(ctx);
  weir_chan_unref(never);
}
END_TEST

/* The context has been used, so that the ways that are short for a live one are open. */
static weir_ctx_t *cancelled_elsewhere(void) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t yield;

  probe_init(&yield, ctx);
  weir_yield(&yield.op, probe_note);
  weir_run(loop);
  elsewhere(cancel, ctx);
  return ctx;
}

static void ck_start_leaves(weir_ctx_t *ctx, weir_chan_t *full, weir_chan_t *room) {
  int received = UNTOUCHED, sent = 2;
  weir_case_t cases[] = {WEIR_RECV(full, &received), WEIR_SEND(room, &sent)};
  probe_t probes[7];

  for (int i = 0; i < 7; i++) probe_init(&probes[i], ctx);
  ck_assert_int_eq(weir_chan_recv(&probes[0].op, full, &received, probe_note), 0);
  ck_assert_int_eq(weir_chan_send(&probes[1].op, room, &sent, probe_note), 0);
  ck_assert_int_eq(weir_chan_recv_many(&probes[2].op, full, &received, 1, probe_note), 0);
  ck_assert_int_eq(weir_chan_send_many(&probes[3].op, room, &sent, 1, probe_note), 0);
  ck_assert_int_eq(weir_select(&probes[4].op, cases, 2, probe_note), 0);
  ck_assert_int_eq(weir_sleep(&probes[5].op, 0, probe_note), 0);
  ck_assert_int_eq(weir_ctx_wait(&probes[6].op, bg, probe_note), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 7; i++) ck_completed(&probes[i], UV_ECANCELED);
  ck_assert_int_eq(received, UNTOUCHED);
  ck_assert_uint_eq(weir_chan_len(full), 1);
  ck_assert_uint_eq(weir_chan_len(room), 0);
}

START_TEST(ops_started_after_do_not_touch_their_channels) {
  weir_chan_t *chans[] = {new_ints(1), new_ints(1), weir_chan_new_shared(WEIR_TYPE(int), 1),
                          weir_chan_new_shared(WEIR_TYPE(int), 1)};

  for (int i = 0; i < 4; i += 2) {
    weir_ctx_t *ctx = cancelled_elsewhere();
    put(chans[i], 1);
    ck_start_leaves(ctx, chans[i], chans[i + 1]);
    weir_ctx_unref(ctx);
  }
  for (int i = 0; i < 4; i++) weir_chan_unref(chans[i]);
}
END_TEST

START_TEST(waits_started_after_complete_0) {
  weir_ctx_t *ctx = cancelled_elsewhere();
  probe_t beside, under;

  start_wait(bg, &beside, ctx);
  start_wait(ctx, &under, ctx);
  weir_run(loop);
  ck_completed(&beside, 0);
  ck_completed(&under, 0);
  weir_ctx_unref(ctx);
}
END_TEST

static const support_test_t tests[] = {
    T(cancel_elsewhere_shows_at_once),
    T(cause_elsewhere_shows_at_once_and_the_first_stays),
    T(cancel_elsewhere_of_a_done_context_changes_nothing),
    T(background_cannot_be_cancelled_elsewhere),
    T(value_and_deadline_are_found_elsewhere),
    T(subtree_is_marked_by_the_loop),
    T(parked_ops_of_a_sleeping_loop_complete),
    T(parked_ops_of_a_loop_that_is_run_later_complete),
    T(parked_op_of_a_busy_loop_completes),
    T(done_channel_closes),
    T(done_channel_that_is_asked_for_after_it_closes_too),
    T(waits_complete_0),
    T(ranges_end),
    T(deadlines_of_the_subtree_stop),
    T(notifications_arrive_in_the_order_of_the_cancellations),
    T(children_made_after_are_cancelled_from_the_start),
    T(ops_started_after_do_not_touch_their_channels),
    T(waits_started_after_complete_0),
};

SUITE_MAIN("ctx_threads", tests)
