/* Description: selects that wait: who wakes them, two that meet, cancelling, closing. */
#include "support/values.h"

static void select_under(weir_ctx_t *ctx, probe_t *probe, weir_case_t *cases, size_t n) {
  probe_init(probe, ctx);
  ck_assert_int_eq(weir_select(&probe->op, cases, n, probe_note), 0);
  ck_assert_int_eq(probe->calls, 0);
}

static void start_select(probe_t *probe, weir_case_t *cases, size_t n) {
  select_under(bg, probe, cases, n);
}

static weir_chan_t *a, *b;

static void open_two(size_t capacity) {
  a = new_owned(capacity);
  b = new_owned(capacity);
}

static void close_two(void) {
  weir_chan_unref(a);
  weir_chan_unref(b);
  weir_run(loop);
}

/* waking */

START_TEST(sender_wakes_the_recv_case_of_its_channel) {
  int values[2] = {UNTOUCHED, UNTOUCHED}, sent = 4;
  weir_case_t cases[2];
  probe_t select, send;

  open_two(0);
  cases[0] = WEIR_RECV(a, &values[0]);
  cases[1] = WEIR_RECV(b, &values[1]);
  start_select(&select, cases, 2);
  ck_assert_uint_eq(weir_run(loop), 1);
  start_send(&send, b, &sent);
  ck_assert_int_eq(weir_chan_try_send(a, &sent), UV_EAGAIN); /* it does not wait there any more */
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&select, 0);
  ck_completed(&send, 0);
  ck_assert_uint_eq(select.index, 1);
  ck_assert_int_eq(values[0], UNTOUCHED);
  ck_assert_int_eq(values[1], 4);
  close_two();
}
END_TEST

START_TEST(receiver_wakes_the_send_case_of_its_channel) {
  int values[2] = {10, 11}, received = UNTOUCHED;
  weir_case_t cases[2];
  probe_t select, recv;

  open_two(0);
  cases[0] = WEIR_SEND(a, &values[0]);
  cases[1] = WEIR_SEND(b, &values[1]);
  start_select(&select, cases, 2);
  start_recv(&recv, a, &received);
  ck_assert_int_eq(weir_chan_try_recv(b, NULL), UV_EAGAIN);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&select, 0);
  ck_assert_uint_eq(select.index, 0);
  ck_assert_int_eq(received, 10);
  ck_assert_int_eq(owned_drops, 0);
  close_two();
}
END_TEST

START_TEST(send_case_that_waits_for_room_happens_when_there_is) {
  int value = 5;
  weir_case_t c;
  probe_t select;

  open_two(1);
  put(a, 1);
  c = WEIR_SEND(a, &value);
  start_select(&select, &c, 1);
  ck_assert_int_eq(get(a), 1);
  ck_assert_uint_eq(weir_chan_len(a), 1);
  weir_run(loop);
  ck_completed(&select, 0);
  ck_assert_int_eq(get(a), 5);
  close_two();
}
END_TEST

START_TEST(select_takes_its_turn_among_the_receivers) {
  int values[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED};
  weir_case_t c;
  probe_t before, select, after;

  open_two(0);
  c = WEIR_RECV(a, &values[1]);
  start_recv(&before, a, &values[0]);
  start_select(&select, &c, 1);
  start_recv(&after, a, &values[2]);
  for (int i = 0; i < 3; i++) put(a, i);
  weir_run(loop);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(values[i], i);
  ck_assert_uint_lt(before.order, select.order);
  ck_assert_uint_lt(select.order, after.order);
  close_two();
}
END_TEST

START_TEST(many_wake_a_select_with_one_value) {
  int values[] = {1, 2, 3}, received = UNTOUCHED, sent = 9, got[4];
  weir_case_t recv_case, send_case;
  probe_t receiver, sender, send, recv;

  open_two(0);
  recv_case = WEIR_RECV(a, &received);
  send_case = WEIR_SEND(b, &sent);
  start_select(&receiver, &recv_case, 1);
  start_select(&sender, &send_case, 1);
  probe_init(&send, bg);
  probe_init(&recv, bg);
  weir_chan_send_many(&send.op, a, values, 3, probe_note);
  weir_chan_recv_many(&recv.op, b, got, 4, probe_note);
  weir_run(loop);
  ck_completed(&receiver, 0);
  ck_completed(&sender, 0);
  ck_assert_int_eq(received, 1);
  ck_assert_uint_eq(receiver.index, 0);
  ck_completed(&recv, 0);
  ck_assert_uint_eq(recv.index, 1);
  ck_assert_int_eq(got[0], 9);
  ck_not_completed(&send);
  cancel_and_run(&send);
  ck_assert_uint_eq(send.index, 1);
  close_two();
}
END_TEST

/* one channel in several cases */

START_TEST(channel_may_stand_in_several_recv_cases) {
  int values[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED}, got = 0;
  weir_case_t cases[3];
  probe_t select;

  open_two(0);
  for (int i = 0; i < 3; i++) cases[i] = WEIR_RECV(a, &values[i]);
  start_select(&select, cases, 3);
  put(a, 7);
  ck_assert_int_eq(weir_chan_try_send(a, &values[0]), UV_EAGAIN);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&select, 0);
  for (size_t i = 0; i < 3; i++) {
    got += values[i] == 7;
    ck_assert_int_eq(values[i], i == select.index ? 7 : UNTOUCHED);
  }
  ck_assert_int_eq(got, 1);
  close_two();
}
END_TEST

START_TEST(select_never_pairs_with_itself) {
  int sent = 1, received = UNTOUCHED;
  weir_case_t cases[2];
  probe_t select;

  open_two(0);
  cases[0] = WEIR_SEND(a, &sent);
  cases[1] = WEIR_RECV(a, &received);
  ck_assert_int_eq(weir_select_try(cases, 2, NULL), UV_EAGAIN);
  start_select(&select, cases, 2);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_not_completed(&select);
  ck_assert_int_eq(received, UNTOUCHED);
  cancel_and_run(&select);
  ck_completed(&select, UV_ECANCELED);
  close_two();
}
END_TEST

static void ck_both_directions(bool partner_sends) {
  int sent = 1, received = UNTOUCHED, value = 2;
  weir_case_t cases[2];
  probe_t select, partner;

  open_two(0);
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
  ck_both_directions(true);
  ck_both_directions(false);
}
END_TEST

/* Two of them on one channel: the second finds a partner in the first, and each has one half. */
START_TEST(two_selects_in_both_directions_pair_with_each_other) {
  int sent[2] = {10, 11}, received[2] = {UNTOUCHED, UNTOUCHED};
  weir_case_t cases[2][2];
  probe_t selects[2];

  open_two(0);
  for (int i = 0; i < 2; i++) {
    cases[i][0] = WEIR_SEND(a, &sent[i]);
    cases[i][1] = WEIR_RECV(a, &received[i]);
    start_select(&selects[i], cases[i], 2);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&selects[0], 0);
  ck_completed(&selects[1], 0);
  ck_assert_uint_eq(selects[0].index + selects[1].index, 1);
  for (size_t i = 0; i < 2; i++)
    ck_assert_int_eq(received[i], selects[i].index == 1 ? sent[1 - i] : UNTOUCHED);
  close_two();
}
END_TEST

/* two selects that meet: {send a, recv b} with {recv a, send b}, and the other way round */
static void ck_met(bool sender_first) {
  int sent[2] = {10, 11}, received[2] = {UNTOUCHED, UNTOUCHED};
  weir_case_t first[2], second[2];
  probe_t probes[2];

  open_two(0);
  first[0] = WEIR_SEND(a, &sent[0]);
  first[1] = WEIR_RECV(b, &received[0]);
  second[0] = WEIR_RECV(a, &received[1]);
  second[1] = WEIR_SEND(b, &sent[1]);
  start_select(&probes[0], sender_first ? first : second, 2);
  start_select(&probes[1], sender_first ? second : first, 2);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probes[0], 0);
  ck_completed(&probes[1], 0);
  ck_assert_uint_eq(probes[0].index, probes[1].index);
  ck_assert_int_eq(received[0], probes[0].index == 1 ? 11 : UNTOUCHED);
  ck_assert_int_eq(received[1], probes[0].index == 0 ? 10 : UNTOUCHED);
  ck_assert_int_eq(weir_chan_try_recv(a, NULL), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_recv(b, NULL), UV_EAGAIN);
  close_two();
}

START_TEST(two_selects_meet_in_exactly_one_channel) {
  for (int i = 0; i < 20; i++) ck_met(i % 2);
}
END_TEST

/* cancelling */

START_TEST(cancelled_select_leaves_its_channels) {
  int sent = 1, received = UNTOUCHED;
  weir_case_t cases[2];
  probe_t select;

  open_two(0);
  cases[0] = WEIR_RECV(a, &received);
  cases[1] = WEIR_SEND(b, &sent);
  start_select(&select, cases, 2);
  ck_assert_int_eq(weir_op_cancel(&select.op), 0);
  ck_assert_int_eq(weir_chan_try_send(a, &sent), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_recv(b, NULL), UV_EAGAIN);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&select, UV_ECANCELED);
  ck_assert_int_eq(received, UNTOUCHED);
  ck_assert_int_eq(owned_drops, 0);
  close_two();
}
END_TEST

START_TEST(select_that_happened_cannot_be_cancelled) {
  int values[2] = {UNTOUCHED, UNTOUCHED};
  weir_case_t cases[2];
  probe_t select;

  open_two(0);
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
END_TEST

START_TEST(context_ends_a_parked_select) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5);
  int value = UNTOUCHED;
  weir_case_t cases[2];
  probe_t select;

  open_two(0);
  cases[0] = WEIR_RECV(a, &value);
  cases[1] = WEIR_RECV(b, &value);
  select_under(ctx, &select, cases, 2);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&select, UV_ETIMEDOUT);
  ck_assert_int_eq(weir_chan_try_send(b, &value), UV_EAGAIN);
  ck_assert_int_eq(value, UNTOUCHED);
  close_two();
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(select_under_a_cancelled_context_touches_no_channel) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  int value = UNTOUCHED;
  weir_case_t cases[2];
  probe_t select;

  open_two(1);
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
END_TEST

/* closing */

START_TEST(close_fires_exactly_one_case) {
  int values[4] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, 1};
  weir_case_t cases[4];
  probe_t select;

  open_two(0);
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
END_TEST

START_TEST(close_fails_a_parked_send_case_with_epipe) {
  int value = 1;
  weir_case_t cases[2];
  probe_t select;

  open_two(0);
  cases[0] = WEIR_SEND(a, &value);
  cases[1] = WEIR_SEND(b, &value);
  start_select(&select, cases, 2);
  weir_chan_unref(weir_chan_ref(b));
  weir_chan_close(b);
  weir_run(loop);
  ck_completed(&select, UV_EPIPE);
  ck_assert_uint_eq(select.index, 1);
  ck_assert_int_eq(owned_drops, 0);
  close_two();
}
END_TEST

/* the array */

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
  if (++self->rounds == 100) return;
  self->cases[0] = self->cases[1];
  self->cases[1] = first;
  ck_assert_int_eq(weir_select(op, self->cases, 2, count_round), 0);
}

START_TEST(cases_may_be_changed_and_reused_in_the_callback) {
  counting_t self = {.rounds = 0};
  int values[100];
  probe_t send;

  open_two(0);
  for (int i = 0; i < 100; i++) values[i] = i;
  self.cases[0] = WEIR_RECV(a, &self.value);
  self.cases[1] = WEIR_RECV(b, &self.value);
  weir_op_init(&self.op, bg);
  ck_assert_int_eq(weir_select(&self.op, self.cases, 2, count_round), 0);
  probe_init(&send, bg);
  weir_chan_send_many(&send.op, a, values, 100, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(self.rounds, 100);
  ck_completed(&send, 0);
  close_two();
}
END_TEST

START_TEST(case_keeps_its_value_for_the_next_time) {
  int values[3] = {10, 11, 12};
  weir_case_t cases[2];
  probe_t select;

  open_two(0);
  cases[0] = WEIR_SEND(a, &values[0]);
  cases[1] = WEIR_RECV(b, &values[2]);
  for (int i = 0; i < 2; i++) {
    start_select(&select, cases, 2);
    ck_assert_uint_eq(weir_run(loop), 1);
    ck_assert_int_eq(get(a), 10);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&select, 0);
    ck_assert_ptr_eq(cases[0].value, &values[0]);
  }
  for (int i = 0; i < 2; i++) {
    start_select(&select, cases, 2);
    put(b, 20 + i);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&select, 0);
    ck_assert_ptr_eq(cases[1].value, &values[2]);
    ck_assert_int_eq(values[2], 20 + i);
  }
  close_two();
}
END_TEST

START_TEST(case_that_was_switched_off_is_left_out_the_next_time) {
  int values[2] = {UNTOUCHED, UNTOUCHED}, sent = 1;
  weir_case_t cases[2];
  probe_t select;

  open_two(0);
  cases[0] = WEIR_RECV(a, &values[0]);
  cases[1] = WEIR_RECV(b, &values[1]);
  start_select(&select, cases, 2);
  put(a, 1);
  weir_run(loop);
  cases[0].chan = NULL;
  start_select(&select, cases, 2);
  ck_assert_int_eq(weir_chan_try_send(a, &sent), UV_EAGAIN);
  put(b, 2);
  weir_run(loop);
  ck_completed(&select, 0);
  ck_assert_uint_eq(select.index, 1);
  close_two();
}
END_TEST

static const support_test_t tests[] = {
    T(sender_wakes_the_recv_case_of_its_channel),
    T(receiver_wakes_the_send_case_of_its_channel),
    T(send_case_that_waits_for_room_happens_when_there_is),
    T(select_takes_its_turn_among_the_receivers),
    T(many_wake_a_select_with_one_value),
    T(channel_may_stand_in_several_recv_cases),
    T(select_never_pairs_with_itself),
    T(select_in_both_directions_takes_either_partner),
    T(two_selects_in_both_directions_pair_with_each_other),
    T(two_selects_meet_in_exactly_one_channel),
    T(cancelled_select_leaves_its_channels),
    T(select_that_happened_cannot_be_cancelled),
    T(context_ends_a_parked_select),
    T(select_under_a_cancelled_context_touches_no_channel),
    T(close_fires_exactly_one_case),
    T(close_fails_a_parked_send_case_with_epipe),
    T(cases_may_be_changed_and_reused_in_the_callback),
    T(case_keeps_its_value_for_the_next_time),
    T(case_that_was_switched_off_is_left_out_the_next_time),
};
SUITE_MAIN("select_park", tests)
