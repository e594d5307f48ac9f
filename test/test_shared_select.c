/*
 * Description: select over shared channels, and over shared and local ones: every test that opens
 * two channels runs for each mix of the kinds.
 */
#include <stdlib.h>
#include <string.h>

#include "support/shared.h"

static weir_chan_t *a, *b;

enum { A_IS_SHARED = 1, B_IS_SHARED = 2, MIXES = 4 };

static void open_two(int mix, size_t capacity) {
  a = mix & A_IS_SHARED ? shared_owned(capacity) : new_owned(capacity);
  b = mix & B_IS_SHARED ? shared_owned(capacity) : new_owned(capacity);
}

static void close_two(void) {
  weir_chan_unref(a);
  weir_chan_unref(b);
  ck_assert_uint_eq(weir_run(loop), 0);
}

#define for_each_mix(mix) for (int mix = 0; mix < MIXES; mix++)

static void select_under(weir_ctx_t *ctx, probe_t *probe, weir_case_t *cases, size_t n) {
  probe_init(probe, ctx);
  ck_assert_int_eq(weir_select(&probe->op, cases, n, probe_note), 0);
  ck_assert_int_eq(probe->calls, 0);
}

static void start_select(probe_t *probe, weir_case_t *cases, size_t n) {
  select_under(bg, probe, cases, n);
}

/* Runs a select that is ready, and returns the index of its case. */
static size_t select_now(weir_case_t *cases, size_t n, int status) {
  probe_t probe;

  start_select(&probe, cases, n);
  settle();
  ck_completed(&probe, status);
  return probe.index;
}

/* Nobody waits there, in either direction. */
static void ck_nobody_waits(weir_chan_t *ch) {
  int value = 0;

  ck_assert_int_eq(weir_chan_try_send(ch, &value), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_EAGAIN);
}

/* at once */

START_TEST(ready_recv_happens) {
  for_each_mix(mix) {
    int values[2] = {UNTOUCHED, UNTOUCHED};
    weir_case_t cases[2];
    open_two(mix, 1);
    cases[0] = WEIR_RECV(a, &values[0]);
    cases[1] = WEIR_RECV(b, &values[1]);
    put(b, 3);
    ck_assert_uint_eq(select_now(cases, 2, 0), 1);
    ck_assert_int_eq(values[0], UNTOUCHED);
    ck_assert_int_eq(values[1], 3);
    ck_assert_uint_eq(weir_chan_len(b), 0);
    close_two();
  }
}
END_TEST

START_TEST(ready_send_happens) {
  for_each_mix(mix) {
    int values[] = {1, 2};
    weir_case_t cases[2];
    open_two(mix, 1);
    cases[0] = WEIR_SEND(a, &values[0]);
    cases[1] = WEIR_SEND(b, &values[1]);
    put(b, 3);
    ck_assert_uint_eq(select_now(cases, 2, 0), 0);
    ck_assert_int_eq(get(a), 1);
    ck_assert_int_eq(get(b), 3);
    ck_assert_uint_eq(weir_chan_len(b), 0);
    close_two();
  }
}
END_TEST

START_TEST(recv_case_into_null_drops_the_value) {
  for_each_mix(mix) {
    weir_case_t first, second;
    probe_t parked;
    open_two(mix, 1);
    first = WEIR_RECV(a, NULL);
    second = WEIR_RECV(b, NULL);
    put(a, 0);
    ck_assert_uint_eq(select_now(&first, 1, 0), 0);
    ck_assert_int_eq(owned_drops, 1);
    start_select(&parked, &second, 1);
    put(b, 1);
    weir_run(loop);
    ck_completed(&parked, 0);
    ck_assert_int_eq(owned_drops, 2);
    close_two();
  }
}
END_TEST

START_TEST(closed_channels_are_ready) {
  for_each_mix(mix) {
    int received = UNTOUCHED, value = 1;
    weir_case_t cases[2];
    open_two(mix, 0);
    cases[0] = WEIR_RECV(NULL, NULL);
    cases[1] = WEIR_RECV(a, &received);
    weir_chan_close_with(a, UV_EIO);
    weir_chan_close(b);
    ck_assert_uint_eq(select_now(cases, 2, UV_EIO), 1);
    ck_assert_int_eq(received, 0);
    cases[0] = WEIR_SEND(b, &value);
    cases[1] = WEIR_RECV(NULL, NULL);
    ck_assert_uint_eq(select_now(cases, 2, UV_EPIPE), 0);
    ck_assert_int_eq(owned_drops, 0);
    close_two();
  }
}
END_TEST

/* parked */

START_TEST(sender_wakes_the_recv_case_of_its_channel) {
  for_each_mix(mix) {
    int values[2] = {UNTOUCHED, UNTOUCHED}, sent = 4;
    weir_case_t cases[2];
    probe_t select, send;
    open_two(mix, 0);
    cases[0] = WEIR_RECV(a, &values[0]);
    cases[1] = WEIR_RECV(b, &values[1]);
    start_select(&select, cases, 2);
    ck_assert_uint_eq(settle(), 1);
    start_send(&send, b, &sent);
    ck_nobody_waits(a);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&select, 0);
    ck_completed(&send, 0);
    ck_assert_uint_eq(select.index, 1);
    ck_assert_int_eq(values[0], UNTOUCHED);
    ck_assert_int_eq(values[1], 4);
    close_two();
  }
}
END_TEST

START_TEST(receiver_wakes_the_send_case_of_its_channel) {
  for_each_mix(mix) {
    int values[2] = {10, 11}, received = UNTOUCHED;
    weir_case_t cases[2];
    probe_t select, recv;
    open_two(mix, 0);
    cases[0] = WEIR_SEND(a, &values[0]);
    cases[1] = WEIR_SEND(b, &values[1]);
    start_select(&select, cases, 2);
    start_recv(&recv, a, &received);
    ck_nobody_waits(b);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&select, 0);
    ck_assert_uint_eq(select.index, 0);
    ck_assert_int_eq(received, 10);
    ck_assert_int_eq(owned_drops, 0);
    close_two();
  }
}
END_TEST

START_TEST(select_takes_its_turn_among_the_receivers) {
  for_each_mix(mix) {
    int values[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED};
    weir_case_t cases[2];
    probe_t before, select, after;
    open_two(mix, 0);
    cases[0] = WEIR_RECV(b, NULL);
    cases[1] = WEIR_RECV(a, &values[1]);
    start_recv(&before, a, &values[0]);
    start_select(&select, cases, 2);
    start_recv(&after, a, &values[2]);
    for (int i = 0; i < 3; i++) put(a, i);
    weir_run(loop);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(values[i], i);
    ck_assert_uint_lt(before.order, select.order);
    ck_assert_uint_lt(select.order, after.order);
    close_two();
  }
}
END_TEST

/* The array is the caller's again, also that of the losers, which are in no queue any more. */
static void scribble_and_free(weir_op_t *op, int status) {
  probe_note(op, status);
  memset(op->data, 0xff, 2 * sizeof(weir_case_t));
  free(op->data);
}

START_TEST(cases_may_be_freed_in_the_callback) {
  for_each_mix(mix) {
    weir_case_t *cases = malloc(2 * sizeof(*cases));
    int values[2] = {UNTOUCHED, UNTOUCHED};
    probe_t select, recvs[2];
    open_two(mix, 0);
    cases[0] = WEIR_RECV(a, &values[0]);
    cases[1] = WEIR_RECV(b, &values[1]);
    probe_init(&select, bg);
    select.op.data = cases;
    ck_assert_int_eq(weir_select(&select.op, cases, 2, scribble_and_free), 0);
    put(a, 5);
    weir_run(loop);
    ck_completed(&select, 0);
    ck_assert_int_eq(values[0], 5);
    start_recv(&recvs[0], a, &values[0]);
    start_recv(&recvs[1], b, &values[1]);
    put(a, 6);
    put(b, 7);
    weir_run(loop);
    ck_assert_int_eq(values[0], 6);
    ck_assert_int_eq(values[1], 7);
    close_two();
  }
}
END_TEST

typedef struct counting_s {
  weir_op_t op;
  weir_case_t cases[2];
  int value, rounds;
} counting_t;

/* Swaps its cases, so that the index tells whether the change is seen. */
static void count_round(weir_op_t *op, int status) {
  counting_t *self = (counting_t *)op;
  weir_case_t first = self->cases[0];

  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(self->value, self->rounds);
  ck_assert_uint_eq(weir_op_index(op), (size_t)self->rounds % 2);
  if (++self->rounds == 50) return;
  self->cases[0] = self->cases[1];
  self->cases[1] = first;
  ck_assert_int_eq(weir_select(op, self->cases, 2, count_round), 0);
}

START_TEST(cases_may_be_changed_and_reused_in_the_callback) {
  for_each_mix(mix) {
    counting_t self = {.rounds = 0};
    int values[50];
    probe_t send;
    open_two(mix, 0);
    for (int i = 0; i < 50; i++) values[i] = i;
    self.cases[0] = WEIR_RECV(a, &self.value);
    self.cases[1] = WEIR_RECV(b, &self.value);
    weir_op_init(&self.op, bg);
    ck_assert_int_eq(weir_select(&self.op, self.cases, 2, count_round), 0);
    probe_init(&send, bg);
    weir_chan_send_many(&send.op, a, values, 50, probe_note);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_assert_int_eq(self.rounds, 50);
    ck_completed(&send, 0);
    close_two();
  }
}
END_TEST

/* one channel in several cases */

START_TEST(channel_may_stand_in_several_recv_cases) {
  for_each_mix(mix) {
    int values[4] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED};
    weir_case_t cases[4];
    probe_t select;
    open_two(mix, 0);
    for (int i = 0; i < 4; i++) cases[i] = WEIR_RECV(i == 1 ? b : a, &values[i]);
    start_select(&select, cases, 4);
    put(a, 7);
    ck_nobody_waits(a);
    ck_nobody_waits(b);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&select, 0);
    ck_assert_uint_ne(select.index, 1);
    for (size_t i = 0; i < 4; i++) ck_assert_int_eq(values[i], i == select.index ? 7 : UNTOUCHED);
    close_two();
  }
}
END_TEST

START_TEST(select_never_pairs_with_itself) {
  for_each_mix(mix) {
    int sent = 1, received[2] = {UNTOUCHED, UNTOUCHED};
    weir_case_t cases[4];
    probe_t select;
    open_two(mix, 0);
    cases[0] = WEIR_SEND(a, &sent);
    cases[1] = WEIR_RECV(b, &received[0]);
    cases[2] = WEIR_RECV(a, &received[1]);
    cases[3] = WEIR_SEND(b, &sent);
    ck_assert_int_eq(weir_select_try(cases, 4, NULL), UV_EAGAIN);
    start_select(&select, cases, 4);
    ck_assert_uint_eq(settle(), 1);
    ck_not_completed(&select);
    cancel_and_settle(&select);
    ck_completed(&select, UV_ECANCELED);
    ck_assert_int_eq(received[0], UNTOUCHED);
    ck_assert_int_eq(received[1], UNTOUCHED);
    ck_nobody_waits(a);
    ck_nobody_waits(b);
    close_two();
  }
}
END_TEST

static void ck_both_directions(int mix, bool partner_sends) {
  int sent = 1, received = UNTOUCHED, value = 2;
  weir_case_t cases[2];
  probe_t select, partner;

  open_two(mix, 0);
  cases[0] = WEIR_SEND(a, &sent);
  cases[1] = WEIR_RECV(a, &received);
  start_select(&select, cases, 2);
  if (partner_sends)
    start_send(&partner, a, &value);
  else
    start_recv(&partner, a, &value);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&select, 0);
  ck_completed(&partner, 0);
  ck_assert_uint_eq(select.index, partner_sends);
  ck_assert_int_eq(received, partner_sends ? 2 : UNTOUCHED);
  ck_assert_int_eq(value, partner_sends ? 2 : 1);
  close_two();
}

START_TEST(select_in_both_directions_takes_either_partner) {
  for_each_mix(mix) {
    ck_both_directions(mix, true);
    ck_both_directions(mix, false);
  }
}
END_TEST

/* {send a, recv b} with {recv a, send b}, and the other way round */
static void ck_met(int mix, bool sender_first) {
  int sent[2] = {10, 11}, received[2] = {UNTOUCHED, UNTOUCHED};
  weir_case_t first[2], second[2];
  probe_t probes[2];

  open_two(mix, 0);
  first[0] = WEIR_SEND(a, &sent[0]);
  first[1] = WEIR_RECV(b, &received[0]);
  second[0] = WEIR_RECV(a, &received[1]);
  second[1] = WEIR_SEND(b, &sent[1]);
  start_select(&probes[0], sender_first ? first : second, 2);
  start_select(&probes[1], sender_first ? second : first, 2);
  ck_assert_uint_eq(settle(), 0);
  ck_completed(&probes[0], 0);
  ck_completed(&probes[1], 0);
  ck_assert_uint_eq(probes[0].index, probes[1].index);
  ck_assert_int_eq(received[0], probes[0].index == 1 ? 11 : UNTOUCHED);
  ck_assert_int_eq(received[1], probes[0].index == 0 ? 10 : UNTOUCHED);
  ck_nobody_waits(a);
  ck_nobody_waits(b);
  close_two();
}

START_TEST(two_selects_meet_in_exactly_one_channel) {
  for_each_mix(mix) {
    for (int i = 0; i < 20; i++) ck_met(mix, i % 2);
  }
}
END_TEST

/* cancelling and closing */

START_TEST(cancelled_select_leaves_its_channels) {
  for_each_mix(mix) {
    int sent = 1, received = UNTOUCHED;
    weir_case_t cases[2];
    probe_t select;
    open_two(mix, 0);
    cases[0] = WEIR_RECV(a, &received);
    cases[1] = WEIR_SEND(b, &sent);
    start_select(&select, cases, 2);
    ck_assert_int_eq(weir_op_cancel(&select.op), 0);
    ck_nobody_waits(a);
    ck_nobody_waits(b);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&select, UV_ECANCELED);
    ck_assert_int_eq(received, UNTOUCHED);
    ck_assert_int_eq(owned_drops, 0);
    close_two();
  }
}
END_TEST

START_TEST(select_that_happened_cannot_be_cancelled) {
  for_each_mix(mix) {
    int values[2] = {UNTOUCHED, UNTOUCHED};
    weir_case_t cases[2];
    probe_t select;
    open_two(mix, 0);
    cases[0] = WEIR_RECV(a, &values[0]);
    cases[1] = WEIR_RECV(b, &values[1]);
    start_select(&select, cases, 2);
    put(b, 3);
    ck_assert_int_eq(weir_op_cancel(&select.op), UV_EALREADY);
    weir_run(loop);
    ck_completed(&select, 0);
    ck_assert_uint_eq(select.index, 1);
    ck_assert_int_eq(values[1], 3);
    close_two();
  }
}
END_TEST

START_TEST(deadline_ends_a_parked_select) {
  for_each_mix(mix) {
    weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 2);
    int value = UNTOUCHED;
    weir_case_t cases[2];
    probe_t select;
    open_two(mix, 0);
    cases[0] = WEIR_RECV(a, &value);
    cases[1] = WEIR_RECV(b, &value);
    select_under(ctx, &select, cases, 2);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&select, UV_ETIMEDOUT);
    ck_nobody_waits(a);
    ck_nobody_waits(b);
    ck_assert_int_eq(value, UNTOUCHED);
    close_two();
    weir_ctx_unref(ctx);
  }
}
END_TEST

START_TEST(select_under_a_cancelled_context_touches_no_channel) {
  for_each_mix(mix) {
    weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
    int value = UNTOUCHED;
    weir_case_t cases[2];
    probe_t select;
    open_two(mix, 1);
    put(a, 1);
    weir_chan_close(b);
    weir_ctx_cancel(ctx);
    cases[0] = WEIR_RECV(a, &value);
    cases[1] = WEIR_RECV(b, &value);
    select_under(ctx, &select, cases, 2);
    weir_run(loop);
    ck_completed(&select, UV_ECANCELED);
    ck_assert_uint_eq(weir_chan_len(a), 1);
    ck_assert_int_eq(value, UNTOUCHED);
    close_two();
    weir_ctx_unref(ctx);
  }
}
END_TEST

START_TEST(close_fires_exactly_one_case) {
  for_each_mix(mix) {
    int values[4] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, 1};
    weir_case_t cases[4];
    probe_t select;
    open_two(mix, 0);
    cases[0] = WEIR_RECV(b, &values[0]);
    cases[1] = WEIR_RECV(a, &values[1]);
    cases[2] = WEIR_RECV(a, &values[2]);
    cases[3] = WEIR_SEND(a, &values[3]);
    start_select(&select, cases, 4);
    weir_chan_close_with(a, UV_EIO);
    weir_chan_close(b);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_assert_int_eq(select.calls, 1);
    ck_assert_uint_ge(select.index, 1);
    ck_assert_int_eq(select.status, select.index == 3 ? UV_EPIPE : UV_EIO);
    for (size_t i = 0; i < 3; i++) ck_assert_int_eq(values[i], i == select.index ? 0 : UNTOUCHED);
    close_two();
  }
}
END_TEST

START_TEST(close_wakes_a_parked_select_with_eof_or_epipe) {
  for_each_mix(mix) {
    int received = UNTOUCHED, value = 1;
    weir_case_t recv_cases[2], send_cases[2];
    probe_t receiver, sender;
    open_two(mix, 0);
    recv_cases[0] = WEIR_RECV(NULL, NULL);
    recv_cases[1] = WEIR_RECV(a, &received);
    send_cases[0] = WEIR_SEND(b, &value);
    send_cases[1] = WEIR_SEND(NULL, &value);
    start_select(&receiver, recv_cases, 2);
    start_select(&sender, send_cases, 2);
    weir_chan_close(a);
    weir_chan_unref(weir_chan_ref(b));
    weir_chan_close(b);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&receiver, UV_EOF);
    ck_completed(&sender, UV_EPIPE);
    ck_assert_uint_eq(receiver.index, 1);
    ck_assert_uint_eq(sender.index, 0);
    ck_assert_int_eq(received, 0);
    ck_assert_int_eq(owned_drops, 0);
    close_two();
  }
}
END_TEST

/* what keeps the loop alive */

START_TEST(parked_select_keeps_the_loop_alive_while_one_of_its_channels_is_shared) {
  for_each_mix(mix) {
    weir_case_t cases[2];
    probe_t select;
    open_two(mix, 0);
    cases[0] = WEIR_RECV(a, NULL);
    cases[1] = WEIR_RECV(b, NULL);
    start_select(&select, cases, 2);
    ck_assert_uint_eq(settle(), 1);
    ck_assert_int_eq(uv_loop_alive(uv) != 0, mix != 0);
    put(a, 1);
    settle();
    ck_completed(&select, 0);
    ck_assert_int_eq(uv_loop_alive(uv), 0);
    start_select(&select, cases, 2);
    cancel_and_settle(&select);
    ck_assert_int_eq(uv_loop_alive(uv), 0);
    close_two();
  }
}
END_TEST

static const support_test_t tests[] = {
    T(ready_recv_happens),
    T(ready_send_happens),
    T(recv_case_into_null_drops_the_value),
    T(closed_channels_are_ready),
    T(sender_wakes_the_recv_case_of_its_channel),
    T(receiver_wakes_the_send_case_of_its_channel),
    T(select_takes_its_turn_among_the_receivers),
    T(cases_may_be_freed_in_the_callback),
    T(cases_may_be_changed_and_reused_in_the_callback),
    T(channel_may_stand_in_several_recv_cases),
    T(select_never_pairs_with_itself),
    T(select_in_both_directions_takes_either_partner),
    T(two_selects_meet_in_exactly_one_channel),
    T(cancelled_select_leaves_its_channels),
    T(select_that_happened_cannot_be_cancelled),
    T(deadline_ends_a_parked_select),
    T(select_under_a_cancelled_context_touches_no_channel),
    T(close_fires_exactly_one_case),
    T(close_wakes_a_parked_select_with_eof_or_epipe),
    T(parked_select_keeps_the_loop_alive_while_one_of_its_channels_is_shared),
};
SUITE_MAIN("shared_select", tests)
