/* Description: cancelling sends and receives: no value is lost, none is there twice. */
#include "support/values.h"

/* by the op */

START_TEST(cancelled_send_keeps_its_value) {
  weir_chan_t *ch = new_owned(0);
  int value = 1;
  probe_t send;

  start_send(&send, ch, &value);
  ck_assert_int_eq(weir_op_cancel(&send.op), 0);
  ck_not_completed(&send);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_EAGAIN);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, UV_ECANCELED);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(cancelled_recv_leaves_its_destination_untouched) {
  weir_chan_t *ch = new_ints(0);
  int received = UNTOUCHED, value = 1;
  probe_t recv;

  start_recv(&recv, ch, &received);
  ck_assert_int_eq(weir_op_cancel(&recv.op), 0);
  ck_assert_int_eq(weir_chan_try_send(ch, &value), UV_EAGAIN);
  weir_chan_close(ch);
  weir_run(loop);
  ck_completed(&recv, UV_ECANCELED);
  ck_assert_int_eq(received, UNTOUCHED);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(send_that_happened_cannot_be_cancelled) {
  weir_chan_t *ch = new_ints(0), *buffered = new_ints(1);
  int value = 6, received = UNTOUCHED;
  probe_t send, at_once;

  start_send(&send, ch, &value);
  ck_assert_int_eq(weir_chan_try_recv(ch, &received), 0);
  start_send(&at_once, buffered, &value);
  ck_assert_int_eq(weir_op_cancel(&send.op), UV_EALREADY);
  ck_assert_int_eq(weir_op_cancel(&at_once.op), UV_EALREADY);
  weir_run(loop);
  ck_completed(&send, 0);
  ck_completed(&at_once, 0);
  ck_assert_int_eq(received, 6);
  weir_chan_unref(ch);
  weir_chan_unref(buffered);
}
END_TEST

START_TEST(recv_that_happened_cannot_be_cancelled_and_has_its_value) {
  weir_chan_t *ch = new_ints(0);
  int received = UNTOUCHED;
  probe_t recv;

  start_recv(&recv, ch, &received);
  put(ch, 6);
  ck_assert_int_eq(weir_op_cancel(&recv.op), UV_EALREADY);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 6);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(op_that_has_ended_with_the_channel_cannot_be_cancelled) {
  weir_chan_t *ch = new_ints(0);
  int received = UNTOUCHED;
  probe_t recv;

  start_recv(&recv, ch, &received);
  weir_chan_close(ch);
  ck_assert_int_eq(weir_op_cancel(&recv.op), UV_EALREADY);
  weir_run(loop);
  ck_completed(&recv, UV_EOF);
  ck_assert_int_eq(received, 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(cancelled_sender_makes_way_for_the_next) {
  weir_chan_t *ch = new_ints(0);
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
  weir_chan_t *ch = new_ints(0);
  int received = UNTOUCHED;
  probe_t recv;

  start_recv(&recv, ch, &received);
  cancel_and_run(&recv);
  start_recv(&recv, ch, &received);
  put(ch, 3);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 3);
  weir_chan_unref(ch);
}
END_TEST

/* by the context */

START_TEST(context_cancelled_while_parked_leaves_values_and_destinations) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *in = new_owned(0), *out = new_owned(0);
  int value = 1, received = UNTOUCHED;
  probe_t send, recv;

  send_under(ctx, &send, in, &value);
  recv_under(ctx, &recv, out, &received);
  weir_ctx_cancel(ctx);
  ck_not_completed(&send);
  ck_assert_int_eq(weir_chan_try_recv(in, NULL), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_send(out, &value), UV_EAGAIN);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, UV_ECANCELED);
  ck_completed(&recv, UV_ECANCELED);
  ck_assert_int_eq(received, UNTOUCHED);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(in);
  weir_chan_unref(out);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(recv_under_a_cancelled_context_leaves_a_ready_value_in_the_channel) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = new_ints(1), *closed = new_ints(0);
  int received = UNTOUCHED, ended = UNTOUCHED;
  probe_t recv, late;

  put(ch, 9);
  weir_chan_close(closed);
  weir_ctx_cancel(ctx);
  recv_under(ctx, &recv, ch, &received);
  recv_under(ctx, &late, closed, &ended);
  weir_run(loop);
  ck_completed(&recv, UV_ECANCELED);
  ck_completed(&late, UV_ECANCELED);
  ck_assert_int_eq(received, UNTOUCHED);
  ck_assert_int_eq(ended, UNTOUCHED);
  ck_assert_int_eq(get(ch), 9);
  weir_chan_unref(ch);
  weir_chan_unref(closed);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(send_under_a_cancelled_context_sends_nothing) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = new_owned(1), *rendezvous = new_owned(0), *closed = new_owned(0);
  int value = 1, received = UNTOUCHED;
  probe_t sends[3], recv;

  weir_chan_close(closed);
  start_recv(&recv, rendezvous, &received);
  weir_ctx_cancel(ctx);
  send_under(ctx, &sends[0], ch, &value);
  send_under(ctx, &sends[1], rendezvous, &value);
  send_under(ctx, &sends[2], closed, &value);
  ck_assert_uint_eq(weir_run(loop), 1);
  for (int i = 0; i < 3; i++) ck_completed(&sends[i], UV_ECANCELED);
  ck_not_completed(&recv);
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
  weir_chan_unref(rendezvous);
  weir_chan_unref(closed);
  weir_run(loop);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(context_cancelled_after_it_happened_changes_nothing) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = new_ints(0);
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

START_TEST(deadline_ends_a_parked_op_but_not_its_neighbours) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 10);
  weir_chan_t *ch = new_ints(0);
  int received[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED};
  probe_t recvs[3];

  start_recv(&recvs[0], ch, &received[0]);
  recv_under(ctx, &recvs[1], ch, &received[1]);
  start_recv(&recvs[2], ch, &received[2]);
  ck_assert_uint_eq(weir_run(loop), 2);
  ck_completed(&recvs[1], UV_ETIMEDOUT);
  put(ch, 0);
  put(ch, 2);
  weir_run(loop);
  ck_assert_int_eq(received[0], 0);
  ck_assert_int_eq(received[2], 2);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

/* values that nobody wants */

START_TEST(recv_into_null_drops_the_value) {
  weir_chan_t *ch = new_owned(1);
  int value = 2;
  probe_t parked, send, at_once;

  start_recv(&parked, ch, NULL);
  put(ch, 0);
  ck_assert_int_eq(owned_drops, 1);
  put(ch, 1);
  start_send(&send, ch, &value);
  start_recv(&at_once, ch, NULL);
  ck_assert_int_eq(owned_drops, 2);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), 0);
  ck_assert_int_eq(owned_drops, 3);
  weir_run(loop);
  ck_completed(&parked, 0);
  ck_completed(&at_once, 0);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(owned_dropped[i], 1);
  weir_chan_unref(ch);
}
END_TEST

static weir_chan_t *reentered;

static void drop_and_send(void *value) {
  int id = *(int *)value;

  owned_drop(value);
  if (id > 0) put(reentered, id - 1);
}

START_TEST(drop_may_use_the_channel) {
  reentered = weir_chan_new(loop, WEIR_TYPE_OWNED(int, drop_and_send, NULL), 1);
  owned_drops = 0;
  put(reentered, 2);
  ck_assert_int_eq(weir_chan_try_recv(reentered, NULL), 0);
  ck_assert_int_eq(owned_dropped[2], 1);
  ck_assert_int_eq(get(reentered), 1);
  ck_assert_int_eq(owned_drops, 1);
  weir_chan_unref(reentered);
}
END_TEST

/* a race: value and cancellation in the same turn, in all orders */

static int ck_race(int order) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = new_owned(0);
  int value = 1, received = UNTOUCHED;
  probe_t send, recv;

  send_under(ctx, &send, ch, &value);
  if (order & 1) weir_ctx_cancel(ctx);
  start_recv(&recv, ch, &received);
  if (order & 2) weir_ctx_cancel(ctx);
  if (order & 4) weir_chan_close(ch);
  weir_run(loop);
  if (weir_op_pending(&recv.op)) cancel_and_run(&recv);
  ck_assert_int_eq(send.calls, 1);
  ck_assert_int_eq(recv.calls, 1);
  ck_assert_int_eq(send.status == 0, recv.status == 0);
  ck_assert_int_eq(received == 1, recv.status == 0);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
  return send.status;
}

START_TEST(value_is_with_exactly_one_of_them_whatever_comes_first) {
  for (int order = 0; order < 8; order++)
    ck_assert_int_eq(ck_race(order), order & 1 ? UV_ECANCELED : 0);
}
END_TEST

static const support_test_t tests[] = {
    T(cancelled_send_keeps_its_value),
    T(cancelled_recv_leaves_its_destination_untouched),
    T(send_that_happened_cannot_be_cancelled),
    T(recv_that_happened_cannot_be_cancelled_and_has_its_value),
    T(op_that_has_ended_with_the_channel_cannot_be_cancelled),
    T(cancelled_sender_makes_way_for_the_next),
    T(cancelled_op_may_wait_again),
    T(context_cancelled_while_parked_leaves_values_and_destinations),
    T(recv_under_a_cancelled_context_leaves_a_ready_value_in_the_channel),
    T(send_under_a_cancelled_context_sends_nothing),
    T(context_cancelled_after_it_happened_changes_nothing),
    T(deadline_ends_a_parked_op_but_not_its_neighbours),
    T(recv_into_null_drops_the_value),
    T(drop_may_use_the_channel),
    T(value_is_with_exactly_one_of_them_whatever_comes_first),
};
SUITE_MAIN("chan_cancel", tests)
