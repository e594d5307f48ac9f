/*
 * Description: what a loop that uses shared channels leaves behind when it ends by itself or is
 * closed, with completions under way, and with handles that its host has closed.
 */
#include <stdatomic.h>

#include "support/elsewhere.h"
#include "support/shared.h"

enum { HOURS = 7200000 };

/* Owned values that any thread may drop. */
static atomic_int shared_drops;

static void count_drop(void *value) {
  (void)value;
  shared_drops++;
}

static weir_chan_t *counted_ints(size_t capacity) {
  shared_drops = 0;
  return weir_chan_new_shared(WEIR_TYPE_OWNED(int, count_drop, NULL), capacity);
}

static void send_one(void *ch) {
  int value = 5;

  ensure_eq(weir_chan_send_blocking(ch, &value, UINT64_MAX), 0);
}

static void receive_one(void *ch) {
  int value = 0;

  ensure_eq(weir_chan_recv_blocking(ch, &value, UINT64_MAX), 0);
  ensure_eq(value, 5);
}

static void find_nobody(void *ch) {
  int value = 7;

  ensure_eq(weir_chan_try_send(ch, &value), UV_EAGAIN);
  ensure_eq(weir_chan_try_recv(ch, &value), UV_EAGAIN);
}

/* alive, or not */

START_TEST(loop_with_nothing_parked_on_a_shared_channel_ends) {
  weir_chan_t *ch = shared_ints(1);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, ch);
  probe_t local, sent;
  int value = 1;

  start_recv(&local, NULL, NULL);
  start_send(&sent, ch, &value);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_completed(&sent, 0);
  ck_assert_int_eq(uv_loop_alive(uv), 0);
  cancel_and_settle(&local);
  weir_ctx_unref(ctx);
  weir_chan_unref(ch);
}
END_TEST

enum { KINDS = 5 };

static int park_value = 5;
static int park_values[2];
static weir_case_t park_cases[2];

/* Parks an op on a shared channel, of which another thread then takes or gives one value. */
static elsewhere_fn park_kind(int kind, weir_op_t *op, weir_chan_t *ch) {
  int err = 0;

  park_cases[0] = WEIR_RECV(NULL, NULL);
  park_cases[1] = WEIR_RECV(ch, &park_values[0]);
  if (kind == 0) err = weir_chan_recv(op, ch, &park_values[0], probe_note);
  if (kind == 1) err = weir_chan_recv_many(op, ch, park_values, 2, probe_note);
  if (kind == 2) err = weir_select(op, park_cases, 2, probe_note);
  if (kind == 3) err = weir_chan_send(op, ch, &park_value, probe_note);
  if (kind == 4) err = weir_chan_send_many(op, ch, &park_value, 1, probe_note);
  ck_assert_int_eq(err, 0);
  return kind < 3 ? send_one : receive_one;
}

START_TEST(loop_with_an_op_parked_on_a_shared_channel_waits_for_it_and_ends) {
  for (int kind = 0; kind < KINDS; kind++) {
    weir_chan_t *ch = shared_ints(0);
    probe_t probe;
    other_t other;

    probe_init(&probe, bg);
    other_start(&other, park_kind(kind, &probe.op, ch), ch);
    settle();
    ck_assert_int_ne(uv_loop_alive(uv), 0);
    other_go_when_asleep(&other, uv);
    ck_assert_uint_eq(weir_run(loop), 0);
    other_join(&other);
    ck_completed(&probe, 0);
    ck_assert_int_eq(uv_loop_alive(uv), 0);
    weir_chan_unref(ch);
  }
}
END_TEST

START_TEST(loop_whose_parked_op_is_cancelled_ends) {
  for (int kind = 0; kind < KINDS; kind++) {
    weir_chan_t *ch = shared_ints(0);
    probe_t probe;

    probe_init(&probe, bg);
    park_kind(kind, &probe.op, ch);
    settle();
    ck_assert_int_eq(weir_op_cancel(&probe.op), 0);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&probe, UV_ECANCELED);
    ck_assert_int_eq(uv_loop_alive(uv), 0);
    weir_chan_unref(ch);
  }
}
END_TEST

static void close_chan(void *ch) {
  ensure_eq(weir_chan_close(ch), 0);
}

static void unref_chan(void *ch) {
  weir_chan_unref(ch);
}

START_TEST(loop_whose_channel_closes_or_goes_elsewhere_ends) {
  for (int goes = 0; goes < 2; goes++) {
    weir_chan_t *ch = shared_ints(0);
    probe_t recv;
    other_t other;

    start_recv(&recv, ch, NULL);
    other_start(&other, goes ? unref_chan : close_chan, ch);
    other_go_when_asleep(&other, uv);
    ck_assert_uint_eq(weir_run(loop), 0);
    other_join(&other);
    ck_completed(&recv, UV_EOF);
    if (!goes) weir_chan_unref(ch);
  }
}
END_TEST

/* closing */

START_TEST(close_takes_its_ops_off_the_channel_which_lives_on) {
  weir_chan_t *ch = shared_ints(0);

  for (int kind = 0; kind < KINDS; kind++) {
    probe_t probe;
    own_t own;

    own_open(&own);
    park_values[0] = UNTOUCHED;
    probe_init(&probe, own.bg);
    park_kind(kind, &probe.op, ch);
    own_close(&own);
    ck_completed(&probe, UV_ECANCELED);
    ck_assert_int_eq(park_values[0], UNTOUCHED);
    elsewhere(find_nobody, ch);
  }
  weir_chan_unref(ch);
}
END_TEST

START_TEST(what_has_happened_elsewhere_is_reported_by_the_close) {
  for (int kind = 0; kind < KINDS; kind++) {
    weir_chan_t *ch = shared_ints(0);
    elsewhere_fn partner;
    probe_t probe;
    own_t own;

    own_open(&own);
    park_values[0] = UNTOUCHED;
    probe_init(&probe, own.bg);
    partner = park_kind(kind, &probe.op, ch);
    elsewhere(partner, ch); /* returns: the value has changed hands */
    ck_assert_int_eq(weir_op_cancel(&probe.op), UV_EALREADY);
    own_close(&own);
    ck_completed(&probe, 0);
    if (partner == send_one) ck_assert_int_eq(park_values[0], 5);
    weir_chan_unref(ch);
  }
}
END_TEST

START_TEST(values_that_a_loop_has_sent_outlive_it) {
  weir_chan_t *ch = counted_ints(2);
  int value = 5;
  probe_t sends[3];
  own_t own;

  own_open(&own);
  for (int i = 0; i < 3; i++) {
    probe_init(&sends[i], own.bg);
    ck_assert_int_eq(weir_chan_send(&sends[i].op, ch, &value, probe_note), 0);
  }
  own_close(&own);
  ck_completed(&sends[0], 0);
  ck_completed(&sends[1], 0);
  ck_completed(&sends[2], UV_ECANCELED);
  elsewhere(receive_one, ch);
  ck_assert_uint_eq(weir_chan_len(ch), 1);
  elsewhere(unref_chan, ch);
  ck_assert_int_eq(shared_drops, 1);
}
END_TEST

/* The value that a stopped range had taken is dropped. */
static void fail_range(weir_range_t *range, const void *value, int status) {
  (void)range;
  ensure(value == NULL);
  ensure_eq(status, UV_ECANCELED);
}

START_TEST(value_on_its_way_to_a_range_of_a_closed_loop_is_dropped) {
  weir_chan_t *ch = counted_ints(0);
  weir_range_t range;
  own_t own;

  own_open(&own);
  weir_range_init(&range, own.bg);
  ck_assert_int_eq(weir_range_start(&range, ch, fail_range), 0);
  elsewhere(send_one, ch);
  own_close(&own);
  ck_assert_int_eq(shared_drops, 1);
  weir_chan_unref(ch);
}
END_TEST

static void unref_in_callback(weir_op_t *op, int status) {
  probe_note(op, status);
  weir_chan_unref(op->data);
}

START_TEST(last_reference_may_go_in_a_callback_of_the_close) {
  weir_chan_t *ch = counted_ints(1);
  int value = 1;
  probe_t send;
  own_t own;

  own_open(&own);
  put(ch, 1);
  probe_init(&send, own.bg);
  send.op.data = ch;
  weir_chan_send(&send.op, ch, &value, unref_in_callback);
  own_close(&own);
  ck_completed(&send, UV_ECANCELED);
  ck_assert_int_eq(shared_drops, 1);
}
END_TEST

/* a host that closes all handles */

static void close_one(uv_handle_t *handle, void *arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void close_all_handles(own_t *own) {
  uv_walk(&own->uv, close_one, NULL);
  uv_run(&own->uv, UV_RUN_DEFAULT);
}

typedef struct left_s {
  own_t own;
  weir_chan_t *in, *out, *closed;
  weir_ctx_t *ctx, *dropped;
  probe_t recv, send, ended, sleep;
  int received, sent;
} left_t;

static void left_open(left_t *left) {
  *left = (left_t){.received = UNTOUCHED, .sent = 5};
  own_open(&left->own);
  left->in = shared_ints(0);
  left->out = shared_ints(0);
  left->closed = shared_ints(0);
  left->ctx = weir_ctx_with_cancel(left->own.bg);
  left->dropped = weir_ctx_with_timeout(left->own.bg, HOURS);
  recv_under(left->own.bg, &left->recv, left->in, &left->received);
  send_under(left->own.bg, &left->send, left->out, &left->sent);
  recv_under(left->own.bg, &left->ended, left->closed, NULL);
  probe_init(&left->sleep, left->ctx);
  ck_assert_int_eq(weir_sleep(&left->sleep.op, HOURS, probe_note), 0);
}

static void post_everything(void *arg) {
  left_t *left = arg;

  send_one(left->in);
  receive_one(left->out);
  weir_chan_close(left->closed);
  weir_ctx_cancel(left->ctx);
  weir_ctx_unref(left->ctx);
  weir_ctx_unref(left->dropped);
}

static void left_close(left_t *left) {
  own_await_closed(&left->own);
  ck_completed(&left->recv, 0);
  ck_completed(&left->send, 0);
  ck_completed(&left->ended, UV_EOF);
  ck_completed(&left->sleep, UV_ECANCELED);
  ck_assert_int_eq(left->received, 5);
  weir_chan_unref(left->in);
  weir_chan_unref(left->out);
  weir_chan_unref(left->closed);
}

START_TEST(others_may_post_after_the_host_has_closed_all_handles) {
  left_t left;

  left_open(&left);
  close_all_handles(&left.own);
  elsewhere(post_everything, &left);
  weir_loop_close(left.own.loop, own_on_closed, &left.own);
  left_close(&left);
}
END_TEST

START_TEST(others_may_post_before_the_host_closes_all_handles) {
  left_t left;

  left_open(&left);
  elsewhere(post_everything, &left);
  close_all_handles(&left.own);
  weir_loop_close(left.own.loop, own_on_closed, &left.own);
  left_close(&left);
}
END_TEST

START_TEST(others_may_post_before_all_handles_are_closed_while_it_closes) {
  left_t left;

  left_open(&left);
  elsewhere(post_everything, &left);
  weir_loop_close(left.own.loop, own_on_closed, &left.own);
  uv_walk(&left.own.uv, close_one, NULL);
  left_close(&left);
}
END_TEST

/* the drops of what is left on closed loops, on the threads of each */

typedef struct leaver_s {
  own_t own;
  uv_thread_t id;
  weir_chan_t *local;
  weir_ctx_t *ctx;
  struct leaver_s *other;
} leaver_t;

static uv_barrier_t leavers;

/* It meets the other's, then uses the other's context. */
static void drop_meets_drop(void *value) {
  leaver_t *other = *(leaver_t **)value;

  uv_barrier_wait(&leavers);
  weir_ctx_cancel(other->ctx);
  weir_ctx_unref(other->ctx);
}

static void leave(void *arg) {
  leaver_t *self = arg;

  ensure_eq(uv_loop_init(&self->own.uv), 0);
  ensure_eq(weir_loop_new(&self->own.loop, &self->own.uv), 0);
  self->ctx = weir_ctx_with_cancel(weir_loop_background(self->own.loop));
  self->local =
      weir_chan_new(self->own.loop, WEIR_TYPE_OWNED(leaver_t *, drop_meets_drop, NULL), 1);
  ensure_eq(weir_chan_try_send(self->local, &self->other), 0);
  uv_barrier_wait(&leavers); /* both are open */
  weir_loop_close(self->own.loop, own_on_closed, &self->own);
  uv_run(&self->own.uv, UV_RUN_DEFAULT);
  ensure_eq(self->own.closed, 1);
  ensure_eq(uv_loop_close(&self->own.uv), 0);
  uv_barrier_wait(&leavers); /* both are closed */
  weir_chan_unref(self->local);
}

/* No user code runs under a lock: each of the two would wait for the other's. */
START_TEST(drops_of_two_closed_loops_may_use_each_others_contexts) {
  leaver_t pair[2] = {{.other = &pair[1]}, {.other = &pair[0]}};

  uv_barrier_init(&leavers, 2);
  for (int i = 0; i < 2; i++) ensure_eq(uv_thread_create(&pair[i].id, leave, &pair[i]), 0);
  for (int i = 0; i < 2; i++) ensure_eq(uv_thread_join(&pair[i].id), 0);
  uv_barrier_destroy(&leavers);
}
END_TEST

/* many in a row */

enum { OPENERS = 3, IN_A_ROW = 60 };

static weir_chan_t *ring[OPENERS];

typedef struct opener_s {
  uv_thread_t id;
  int number;
} opener_t;

/* Sends one value on and takes one, at the same time; each loop of its round is a new one. */
static void open_and_close(int number) {
  weir_chan_t *next = ring[(number + 1) % OPENERS], *mine = ring[number];
  weir_op_t send, recv;
  int sent = number, received = UNTOUCHED;
  own_t own = {0};

  ensure_eq(uv_loop_init(&own.uv), 0);
  ensure_eq(weir_loop_new(&own.loop, &own.uv), 0);
  weir_op_init(&send, weir_loop_background(own.loop));
  weir_op_init(&recv, weir_loop_background(own.loop));
  ensure_eq(weir_chan_send(&send, next, &sent, NULL), 0);
  ensure_eq(weir_chan_recv(&recv, mine, &received, NULL), 0);
  ensure_eq(weir_run(own.loop), 0);
  ensure_eq(weir_op_status(&send), 0);
  ensure_eq(weir_op_status(&recv), 0);
  ensure_eq(received, (number + OPENERS - 1) % OPENERS);
  weir_loop_close(own.loop, own_on_closed, &own);
  uv_run(&own.uv, UV_RUN_DEFAULT);
  ensure_eq(own.closed, 1);
  ensure_eq(uv_loop_close(&own.uv), 0);
}

static void open_in_a_row(void *arg) {
  for (int i = 0; i < IN_A_ROW; i++) open_and_close(((opener_t *)arg)->number);
}

START_TEST(threads_open_and_close_many_loops_in_a_row) {
  opener_t openers[OPENERS];

  for (int i = 0; i < OPENERS; i++) ring[i] = shared_ints(0);
  for (int i = 0; i < OPENERS; i++) {
    openers[i].number = i;
    ensure_eq(uv_thread_create(&openers[i].id, open_in_a_row, &openers[i]), 0);
  }
  for (int i = 0; i < OPENERS; i++) ensure_eq(uv_thread_join(&openers[i].id), 0);
  for (int i = 0; i < OPENERS; i++) weir_chan_unref(ring[i]);
}
END_TEST

static const support_test_t tests[] = {
    T(loop_with_nothing_parked_on_a_shared_channel_ends),
    T(loop_with_an_op_parked_on_a_shared_channel_waits_for_it_and_ends),
    T(loop_whose_parked_op_is_cancelled_ends),
    T(loop_whose_channel_closes_or_goes_elsewhere_ends),
    T(close_takes_its_ops_off_the_channel_which_lives_on),
    T(what_has_happened_elsewhere_is_reported_by_the_close),
    T(values_that_a_loop_has_sent_outlive_it),
    T(value_on_its_way_to_a_range_of_a_closed_loop_is_dropped),
    T(last_reference_may_go_in_a_callback_of_the_close),
    T(others_may_post_after_the_host_has_closed_all_handles),
    T(others_may_post_before_the_host_closes_all_handles),
    T(others_may_post_before_all_handles_are_closed_while_it_closes),
    T(drops_of_two_closed_loops_may_use_each_others_contexts),
    T(threads_open_and_close_many_loops_in_a_row),
};

SUITE_MAIN("close_shared", tests)
