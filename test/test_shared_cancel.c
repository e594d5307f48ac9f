/* Description: cancelling operations on a shared channel: no value is lost, none is there twice. */
#include "support/shared.h"

START_TEST(cancelled_receiver_does_not_take_a_turn) {
  weir_chan_t *ch = shared_ints(0);
  int received[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED};
  probe_t recvs[3];

  for (int i = 0; i < 3; i++) start_recv(&recvs[i], ch, &received[i]);
  ck_assert_int_eq(weir_op_cancel(&recvs[1].op), 0);
  put(ch, 10);
  put(ch, 11);
  weir_run(loop);
  ck_assert_int_eq(received[0], 10);
  ck_assert_int_eq(received[1], UNTOUCHED);
  ck_assert_int_eq(received[2], 11);
  ck_completed(&recvs[1], UV_ECANCELED);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(cancelled_ops_leave_value_and_destination) {
  weir_chan_t *in = shared_owned(0), *out = shared_owned(0);
  int value = 1, received = UNTOUCHED;
  probe_t send, recv;

  start_send(&send, in, &value);
  start_recv(&recv, out, &received);
  ck_assert_int_eq(weir_op_cancel(&send.op), 0);
  ck_assert_int_eq(weir_op_cancel(&recv.op), 0);
  ck_assert_int_eq(weir_chan_try_recv(in, NULL), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_send(out, &value), UV_EAGAIN);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, UV_ECANCELED);
  ck_completed(&recv, UV_ECANCELED);
  ck_assert_int_eq(received, UNTOUCHED);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(in);
  weir_chan_unref(out);
}
END_TEST

START_TEST(op_that_has_happened_cannot_be_cancelled) {
  weir_chan_t *ch = shared_ints(1), *closed = shared_ints(0);
  int value = 6, received[2] = {UNTOUCHED, UNTOUCHED};
  probe_t recv, send, ended;

  start_recv(&recv, ch, &received[0]);
  put(ch, 6);
  start_send(&send, ch, &value);
  start_recv(&ended, closed, &received[1]);
  weir_chan_close(closed);
  ck_assert_int_eq(weir_op_cancel(&recv.op), UV_EALREADY);
  ck_assert_int_eq(weir_op_cancel(&send.op), UV_EALREADY);
  ck_assert_int_eq(weir_op_cancel(&ended.op), UV_EALREADY);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_completed(&send, 0);
  ck_completed(&ended, UV_EOF);
  ck_assert_int_eq(received[0], 6);
  ck_assert_int_eq(received[1], 0);
  ck_assert_int_eq(weir_op_cancel(&recv.op), UV_ENOENT);
  weir_chan_unref(ch);
  weir_chan_unref(closed);
}
END_TEST

START_TEST(context_ends_parked_ops) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = shared_ints(0);
  int received[2] = {UNTOUCHED, UNTOUCHED};
  probe_t under, beside;

  recv_under(ctx, &under, ch, &received[0]);
  start_recv(&beside, ch, &received[1]);
  weir_ctx_cancel(ctx);
  ck_not_completed(&under);
  put(ch, 4);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&under, UV_ECANCELED);
  ck_assert_int_eq(received[0], UNTOUCHED);
  ck_assert_int_eq(received[1], 4);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(context_cancelled_after_it_happened_changes_nothing) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = shared_ints(0);
  int received = UNTOUCHED;
  probe_t recv;

  recv_under(ctx, &recv, ch, &received);
  put(ch, 5);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 5);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(ops_under_a_cancelled_context_leave_the_channel_alone) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = shared_ints(2), *closed = shared_ints(0);
  int value = 1, received[2] = {UNTOUCHED, UNTOUCHED};
  probe_t send, recv, late;

  put(ch, 9);
  weir_chan_close(closed);
  weir_ctx_cancel(ctx);
  send_under(ctx, &send, ch, &value);
  recv_under(ctx, &recv, ch, &received[0]);
  recv_under(ctx, &late, closed, &received[1]);
  weir_run(loop);
  ck_completed(&send, UV_ECANCELED);
  ck_completed(&recv, UV_ECANCELED);
  ck_completed(&late, UV_ECANCELED);
  ck_assert_int_eq(received[0], UNTOUCHED);
  ck_assert_int_eq(received[1], UNTOUCHED);
  ck_assert_uint_eq(weir_chan_len(ch), 1);
  weir_chan_unref(ch);
  weir_chan_unref(closed);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(deadline_ends_parked_ops) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5);
  weir_chan_t *ch = shared_owned(0);
  int value = 1;
  probe_t send;

  send_under(ctx, &send, ch, &value);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, UV_ETIMEDOUT);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_EAGAIN);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(cancelled_sender_makes_way_for_the_next) {
  weir_chan_t *ch = shared_ints(0);
  int values[] = {0, 1, 2};
  probe_t sends[3];

  for (int i = 0; i < 3; i++) start_send(&sends[i], ch, &values[i]);
  ck_assert_int_eq(weir_op_cancel(&sends[0].op), 0);
  ck_assert_int_eq(get(ch), 1);
  ck_assert_int_eq(weir_op_cancel(&sends[2].op), 0);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_EAGAIN);
  weir_run(loop);
  ck_completed(&sends[0], UV_ECANCELED);
  ck_completed(&sends[1], 0);
  ck_completed(&sends[2], UV_ECANCELED);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(cancelled_op_may_wait_again) {
  weir_chan_t *ch = shared_ints(0);
  int received = UNTOUCHED;
  probe_t recv;

  for (int i = 0; i < 3; i++) {
    start_recv(&recv, ch, &received);
    cancel_and_settle(&recv);
    ck_completed(&recv, UV_ECANCELED);
  }
  start_recv(&recv, ch, &received);
  put(ch, 3);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 3);
  weir_chan_unref(ch);
}
END_TEST

/* value, cancellation and close in one turn, in all orders */

static int ck_race(int order) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = shared_owned(0);
  int value = 1, received = UNTOUCHED;
  probe_t send, recv;

  send_under(ctx, &send, ch, &value);
  if (order & 1) weir_ctx_cancel(ctx);
  start_recv(&recv, ch, &received);
  if (order & 2) weir_ctx_cancel(ctx);
  if (order & 4) weir_chan_close(ch);
  settle();
  if (weir_op_pending(&recv.op)) cancel_and_settle(&recv);
  ck_assert_int_eq(send.calls, 1);
  ck_assert_int_eq(recv.calls, 1);
  ck_assert_int_eq(send.status == 0, recv.status == 0);
  ck_assert_int_eq(received == 1, recv.status == 0);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
  return send.status;
}

START_TEST(value_is_transferred_or_still_the_senders_in_every_order) {
  for (int order = 0; order < 8; order++)
    ck_assert_int_eq(ck_race(order), order & 1 ? UV_ECANCELED : 0);
}
END_TEST

static const support_test_t tests[] = {
    T(cancelled_receiver_does_not_take_a_turn),
    T(cancelled_ops_leave_value_and_destination),
    T(op_that_has_happened_cannot_be_cancelled),
    T(context_ends_parked_ops),
    T(context_cancelled_after_it_happened_changes_nothing),
    T(ops_under_a_cancelled_context_leave_the_channel_alone),
    T(deadline_ends_parked_ops),
    T(cancelled_sender_makes_way_for_the_next),
    T(cancelled_op_may_wait_again),
    T(value_is_transferred_or_still_the_senders_in_every_order),
};
SUITE_MAIN("shared_cancel", tests)
