/* Description: send_many and recv_many on a shared channel: how much went, and what cuts them
 * short. */
#include "support/shared.h"

static const int numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void start_send_many(probe_t *probe, weir_chan_t *ch, const int *values, size_t n) {
  probe_init(probe, bg);
  ck_assert_int_eq(weir_chan_send_many(&probe->op, ch, values, n, probe_note), 0);
  ck_assert_int_eq(probe->calls, 0);
}

static void start_recv_many(probe_t *probe, weir_chan_t *ch, int *values, size_t max) {
  probe_init(probe, bg);
  ck_assert_int_eq(weir_chan_recv_many(&probe->op, ch, values, max, probe_note), 0);
  ck_assert_int_eq(probe->calls, 0);
}

static void ck_counted(const int *values, int from, size_t n) {
  for (size_t i = 0; i < n; i++) ck_assert_int_eq(values[i], from + (int)i);
}

/* send_many */

static void ck_all_through(size_t capacity, size_t n) {
  weir_chan_t *ch = shared_ints(capacity);
  probe_t send;

  start_send_many(&send, ch, numbers, n);
  for (size_t i = 0; i < n; i++) {
    settle();
    ck_assert_int_eq(send.calls, n - i <= capacity);
    ck_assert_int_eq(get(ch), (int)i);
  }
  weir_run(loop);
  ck_completed(&send, 0);
  ck_assert_uint_eq(send.index, n);
  weir_chan_unref(ch);
}

START_TEST(send_many_waits_for_room_for_its_last_value) {
  for (size_t capacity = 0; capacity < 5; capacity++)
    for (size_t n = 1; n <= 16; n += 3) ck_all_through(capacity, n);
}
END_TEST

START_TEST(send_many_serves_receivers_in_order) {
  weir_chan_t *ch = shared_ints(1);
  int received[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED};
  probe_t recvs[3], send;

  for (int i = 0; i < 3; i++) start_recv(&recvs[i], ch, &received[i]);
  start_send_many(&send, ch, numbers, 4);
  ck_assert_uint_eq(weir_chan_len(ch), 1);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_counted(received, 0, 3);
  for (int i = 0; i < 3; i++) ck_completed(&recvs[i], 0);
  ck_completed(&send, 0);
  ck_assert_int_eq(get(ch), 3);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(values_of_two_send_many_do_not_mix) {
  weir_chan_t *ch = shared_ints(2);
  probe_t first, second;

  start_send_many(&first, ch, numbers, 5);
  start_send_many(&second, ch, numbers + 5, 5);
  for (int i = 0; i < 10; i++) ck_assert_int_eq(get(ch), i);
  weir_run(loop);
  ck_completed(&first, 0);
  ck_completed(&second, 0);
  ck_assert_uint_lt(first.order, second.order);
  weir_chan_unref(ch);
}
END_TEST

/* recv_many */

START_TEST(recv_many_takes_all_that_is_there_up_to_max) {
  weir_chan_t *ch = shared_ints(8);
  int received[8] = {0};
  probe_t recv;

  for (int i = 0; i < 6; i++) put(ch, i);
  start_recv_many(&recv, ch, received, 4);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_assert_uint_eq(recv.index, 4);
  ck_counted(received, 0, 4);
  start_recv_many(&recv, ch, received, 8);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_assert_uint_eq(recv.index, 2);
  ck_counted(received, 4, 2);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(recv_many_takes_from_parked_senders_and_refills_the_buffer) {
  weir_chan_t *ch = shared_ints(2);
  int received[3];
  probe_t sends[8], recv;

  for (int i = 0; i < 8; i++) start_send(&sends[i], ch, &numbers[i]);
  start_recv_many(&recv, ch, received, 3);
  ck_counted(received, 0, 3);
  ck_assert_uint_eq(weir_chan_len(ch), 2);
  ck_assert_uint_eq(settle(), 3);
  for (int i = 3; i < 8; i++) ck_assert_int_eq(get(ch), i);
  weir_run(loop);
  for (int i = 0; i < 8; i++) ck_completed(&sends[i], 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(recv_many_waits_for_at_least_one_value) {
  weir_chan_t *ch = shared_ints(0);
  int received[4] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED};
  probe_t recv, send;

  start_recv_many(&recv, ch, received, 4);
  ck_assert_uint_eq(settle(), 1);
  ck_not_completed(&recv);
  start_send(&send, ch, &numbers[7]);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, 0);
  ck_assert_uint_eq(recv.index, 1);
  ck_assert_int_eq(received[0], 7);
  ck_assert_int_eq(received[1], UNTOUCHED);
  weir_chan_unref(ch);
}
END_TEST

/* A parked one has its first value, and what else has come before its callback, or that is left. */
START_TEST(recv_many_may_be_topped_up_and_loses_nothing) {
  weir_chan_t *ch = shared_ints(8);
  int received[8] = {0};
  probe_t recv;

  start_recv_many(&recv, ch, received, 4);
  for (int i = 0; i < 6; i++) put(ch, i);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_assert_uint_ge(recv.index, 1);
  ck_assert_uint_le(recv.index, 4);
  ck_counted(received, 0, recv.index);
  for (int i = (int)recv.index; i < 6; i++) ck_assert_int_eq(get(ch), i);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(recv_many_at_the_end_leaves_its_destination_untouched) {
  weir_chan_t *ch = shared_ints(0);
  int received[2] = {UNTOUCHED, UNTOUCHED};
  probe_t parked, late;

  start_recv_many(&parked, ch, received, 2);
  weir_chan_close_with(ch, UV_EIO);
  start_recv_many(&late, ch, received, 2);
  weir_run(loop);
  ck_completed(&parked, UV_EIO);
  ck_completed(&late, UV_EIO);
  ck_assert_uint_eq(parked.index, 0);
  ck_assert_uint_eq(late.index, 0);
  ck_assert_int_eq(received[0], UNTOUCHED);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(recv_many_takes_what_is_left_before_the_end) {
  weir_chan_t *ch = shared_ints(4);
  int received[4];
  probe_t recv;

  put(ch, 0);
  put(ch, 1);
  weir_chan_close(ch);
  start_recv_many(&recv, ch, received, 4);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_assert_uint_eq(recv.index, 2);
  ck_counted(received, 0, 2);
  weir_chan_unref(ch);
}
END_TEST

/* of nothing */

static void ck_none(weir_chan_t *ch) {
  int untouched = UNTOUCHED;
  probe_t send, recv;

  start_send_many(&send, ch, NULL, 0);
  start_recv_many(&recv, ch, &untouched, 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, 0);
  ck_completed(&recv, 0);
  ck_assert_uint_eq(send.index, 0);
  ck_assert_uint_eq(recv.index, 0);
  ck_assert_int_eq(untouched, UNTOUCHED);
}

START_TEST(many_of_0_values_completes_at_once_whatever_the_channel) {
  weir_chan_t *rendezvous = shared_ints(0), *full = shared_ints(1), *closed = shared_ints(1);

  put(full, 1);
  weir_chan_close(closed);
  ck_none(rendezvous);
  ck_none(full);
  ck_none(closed);
  ck_assert_uint_eq(weir_chan_len(full), 1);
  weir_chan_unref(rendezvous);
  weir_chan_unref(full);
  weir_chan_unref(closed);
}
END_TEST

/* many to many */

static void ck_met(size_t n, size_t max, bool send_first) {
  weir_chan_t *ch = shared_ints(0);
  size_t met = n < max ? n : max;
  int received[16];
  probe_t send, recv;

  if (send_first) start_send_many(&send, ch, numbers, n);
  start_recv_many(&recv, ch, received, max);
  if (!send_first) start_send_many(&send, ch, numbers, n);
  settle();
  ck_completed(&recv, 0);
  ck_assert_uint_eq(recv.index, met);
  ck_counted(received, 0, met);
  ck_assert_int_eq(send.calls, n <= max);
  weir_chan_close(ch);
  weir_run(loop);
  ck_completed(&send, n <= max ? 0 : UV_EPIPE);
  ck_assert_uint_eq(send.index, met);
  weir_chan_unref(ch);
}

START_TEST(send_many_and_recv_many_meet) {
  for (size_t n = 1; n <= 16; n += 5)
    for (size_t max = 1; max <= 16; max += 5) {
      ck_met(n, max, true);
      ck_met(n, max, false);
    }
}
END_TEST

START_TEST(send_many_fills_one_recv_many_after_the_other) {
  weir_chan_t *ch = shared_ints(0);
  int first[3], second[3], third[8];
  probe_t recvs[3], send;

  start_recv_many(&recvs[0], ch, first, 3);
  start_recv_many(&recvs[1], ch, second, 3);
  start_recv_many(&recvs[2], ch, third, 8);
  start_send_many(&send, ch, numbers, 9);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_counted(first, 0, 3);
  ck_counted(second, 3, 3);
  ck_counted(third, 6, 3);
  ck_assert_uint_eq(recvs[2].index, 3);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(many_wake_a_select_with_one_value) {
  weir_chan_t *in = shared_ints(0), *out = shared_ints(0);
  int received = UNTOUCHED, got[4];
  weir_case_t recv_case = WEIR_RECV(in, &received), send_case = WEIR_SEND(out, &numbers[9]);
  probe_t receiver, sender, send, recv;

  probe_init(&receiver, bg);
  probe_init(&sender, bg);
  weir_select(&receiver.op, &recv_case, 1, probe_note);
  weir_select(&sender.op, &send_case, 1, probe_note);
  start_send_many(&send, in, numbers + 1, 3);
  start_recv_many(&recv, out, got, 4);
  ck_assert_uint_eq(settle(), 1);
  ck_completed(&receiver, 0);
  ck_completed(&sender, 0);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 1);
  ck_assert_uint_eq(recv.index, 1);
  ck_assert_int_eq(got[0], 9);
  cancel_and_settle(&send);
  ck_completed(&send, UV_ECANCELED);
  ck_assert_uint_eq(send.index, 1);
  weir_chan_unref(in);
  weir_chan_unref(out);
}
END_TEST

/* cut short */

START_TEST(send_many_cut_short_by_a_cancel_says_how_many_went) {
  weir_chan_t *ch = shared_owned(2);
  probe_t send;

  start_send_many(&send, ch, numbers, 6);
  ck_assert_int_eq(get(ch), 0);
  cancel_and_settle(&send);
  ck_completed(&send, UV_ECANCELED);
  ck_assert_uint_eq(send.index, 3);
  ck_assert_int_eq(get(ch), 1);
  ck_assert_int_eq(get(ch), 2);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_EAGAIN);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(send_many_cut_short_by_its_context_says_how_many_went) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5);
  weir_chan_t *ch = shared_ints(2);
  probe_t send;

  probe_init(&send, ctx);
  weir_chan_send_many(&send.op, ch, numbers, 6, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, UV_ETIMEDOUT);
  ck_assert_uint_eq(send.index, 2);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(send_many_cut_short_by_a_close_says_how_many_went) {
  weir_chan_t *ch = shared_owned(2);
  int received[2];
  probe_t send, recv;

  start_send_many(&send, ch, numbers, 6);
  start_recv_many(&recv, ch, received, 1);
  weir_chan_close(ch);
  weir_run(loop);
  ck_completed(&send, UV_EPIPE);
  ck_assert_uint_eq(send.index, 3);
  ck_assert_int_eq(get(ch), 1);
  ck_assert_int_eq(get(ch), 2);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_EOF);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(send_many_cut_short_by_the_last_unref_says_how_many_went) {
  weir_chan_t *ch = shared_owned(2);
  probe_t send;

  start_send_many(&send, ch, numbers, 6);
  weir_chan_unref(ch);
  weir_run(loop);
  ck_completed(&send, UV_EPIPE);
  ck_assert_uint_eq(send.index, 2);
  ck_assert_int_eq(owned_drops, 2);
}
END_TEST

START_TEST(send_many_that_is_all_gone_cannot_be_cancelled) {
  weir_chan_t *ch = shared_ints(2);
  probe_t send;

  start_send_many(&send, ch, numbers, 3);
  ck_assert_int_eq(get(ch), 0);
  ck_assert_int_eq(weir_op_cancel(&send.op), UV_EALREADY);
  weir_run(loop);
  ck_completed(&send, 0);
  ck_assert_uint_eq(send.index, 3);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(recv_many_is_cancelled_before_it_has_a_value_and_not_after) {
  weir_chan_t *ch = shared_ints(0);
  int received[2] = {UNTOUCHED, UNTOUCHED};
  probe_t recv;

  start_recv_many(&recv, ch, received, 2);
  cancel_and_settle(&recv);
  ck_completed(&recv, UV_ECANCELED);
  ck_assert_uint_eq(recv.index, 0);
  ck_assert_int_eq(received[0], UNTOUCHED);
  start_recv_many(&recv, ch, received, 2);
  put(ch, 1);
  ck_assert_int_eq(weir_op_cancel(&recv.op), UV_EALREADY);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_assert_uint_ge(recv.index, 1);
  ck_assert_int_eq(received[0], 1);
  weir_chan_unref(ch);
}
END_TEST

static const support_test_t tests[] = {
    T(send_many_waits_for_room_for_its_last_value),
    T(send_many_serves_receivers_in_order),
    T(values_of_two_send_many_do_not_mix),
    T(recv_many_takes_all_that_is_there_up_to_max),
    T(recv_many_takes_from_parked_senders_and_refills_the_buffer),
    T(recv_many_waits_for_at_least_one_value),
    T(recv_many_may_be_topped_up_and_loses_nothing),
    T(recv_many_at_the_end_leaves_its_destination_untouched),
    T(recv_many_takes_what_is_left_before_the_end),
    T(many_of_0_values_completes_at_once_whatever_the_channel),
    T(send_many_and_recv_many_meet),
    T(send_many_fills_one_recv_many_after_the_other),
    T(many_wake_a_select_with_one_value),
    T(send_many_cut_short_by_a_cancel_says_how_many_went),
    T(send_many_cut_short_by_its_context_says_how_many_went),
    T(send_many_cut_short_by_a_close_says_how_many_went),
    T(send_many_cut_short_by_the_last_unref_says_how_many_went),
    T(send_many_that_is_all_gone_cannot_be_cancelled),
    T(recv_many_is_cancelled_before_it_has_a_value_and_not_after),
};
SUITE_MAIN("shared_many", tests)
