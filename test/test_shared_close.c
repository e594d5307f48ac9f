/* Description: how shared channels end; the values that nobody receives; set_producer. */
#include "support/shared.h"

/* close */

START_TEST(close_gives_0_then_ealready) {
  weir_chan_t *ch = shared_ints(0);

  ck_assert(!weir_chan_closed(ch));
  ck_assert_int_eq(weir_chan_close_with(ch, 0), UV_EINVAL);
  ck_assert_int_eq(weir_chan_close_with(ch, 1), UV_EINVAL);
  ck_assert(!weir_chan_closed(ch));
  ck_assert_int_eq(weir_chan_close(ch), 0);
  ck_assert(weir_chan_closed(ch));
  ck_assert_int_eq(weir_chan_close(ch), UV_EALREADY);
  ck_assert_int_eq(weir_chan_close_with(ch, UV_EIO), UV_EALREADY);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_EOF);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(send_on_closed_gives_epipe) {
  weir_chan_t *ch = shared_owned(3);
  int values[] = {1, 2};
  probe_t send, many;

  weir_chan_close(ch);
  start_send(&send, ch, values);
  probe_init(&many, bg);
  ck_assert_int_eq(weir_chan_send_many(&many.op, ch, values, 2, probe_note), 0);
  ck_assert_int_eq(weir_chan_try_send(ch, values), UV_EPIPE);
  weir_run(loop);
  ck_completed(&send, UV_EPIPE);
  ck_completed(&many, UV_EPIPE);
  ck_assert_uint_eq(many.index, 0);
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  ck_assert_int_eq(owned_drops, 0); /* they are still the sender's */
  weir_chan_unref(ch);
}
END_TEST

START_TEST(recv_on_closed_gives_eof_and_a_zeroed_value) {
  weir_chan_t *ch = shared_ints(2);
  int received = UNTOUCHED, tried = UNTOUCHED;
  probe_t recv, into_null;

  weir_chan_close(ch);
  start_recv(&recv, ch, &received);
  start_recv(&into_null, ch, NULL);
  ck_assert_int_eq(weir_chan_try_recv(ch, &tried), UV_EOF);
  weir_run(loop);
  ck_completed(&recv, UV_EOF);
  ck_completed(&into_null, UV_EOF);
  ck_assert_int_eq(received, 0);
  ck_assert_int_eq(tried, 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(buffered_values_outlive_a_close) {
  weir_chan_t *ch = shared_ints(2);
  int received = UNTOUCHED;
  probe_t recv;

  put(ch, 1);
  put(ch, 2);
  weir_chan_close(ch);
  ck_assert_uint_eq(weir_chan_len(ch), 2);
  ck_assert_int_eq(get(ch), 1);
  start_recv(&recv, ch, &received);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 2);
  ck_assert_int_eq(weir_chan_try_recv(ch, &received), UV_EOF);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(close_ends_parked_receivers_in_order) {
  weir_chan_t *ch = shared_ints(1);
  int received[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED};
  probe_t recvs[3];

  for (int i = 0; i < 3; i++) start_recv(&recvs[i], ch, &received[i]);
  weir_chan_close(ch);
  for (int i = 0; i < 3; i++) ck_not_completed(&recvs[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 3; i++) {
    ck_completed(&recvs[i], UV_EOF);
    ck_assert_int_eq(received[i], 0);
  }
  ck_assert_uint_lt(recvs[0].order, recvs[1].order);
  ck_assert_uint_lt(recvs[1].order, recvs[2].order);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(close_fails_parked_senders_with_epipe_in_order) {
  weir_chan_t *ch = shared_owned(1);
  int values[] = {1, 2, 3};
  probe_t sends[3];

  put(ch, 0);
  for (int i = 0; i < 3; i++) start_send(&sends[i], ch, &values[i]);
  weir_chan_close(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 3; i++) ck_completed(&sends[i], UV_EPIPE);
  ck_assert_uint_lt(sends[0].order, sends[1].order);
  ck_assert_uint_lt(sends[1].order, sends[2].order);
  ck_assert_int_eq(owned_drops, 0);
  ck_assert_int_eq(get(ch), 0); /* the buffered one is still there, theirs are not */
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_EOF);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(recv_that_happened_before_a_close_keeps_its_value) {
  weir_chan_t *ch = shared_ints(0);
  int received = UNTOUCHED;
  probe_t recv;

  start_recv(&recv, ch, &received);
  put(ch, 4);
  weir_chan_close(ch);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 4);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(receives_of_every_form_end_with_the_status_of_close_with) {
  weir_chan_t *ch = shared_ints(0);
  int values[4] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED};
  weir_case_t first = WEIR_RECV(ch, &values[0]), second = WEIR_RECV(ch, &values[1]);
  probe_t probes[4];

  start_recv(&probes[0], ch, &values[2]);
  probe_init(&probes[1], bg);
  probe_init(&probes[2], bg);
  weir_chan_recv_many(&probes[1].op, ch, &values[3], 1, probe_note);
  weir_select(&probes[2].op, &first, 1, probe_note);
  ck_assert_int_eq(weir_chan_close_with(ch, UV_ECONNRESET), 0);
  start_recv(&probes[3], ch, NULL);
  weir_run(loop);
  for (int i = 0; i < 4; i++) ck_completed(&probes[i], UV_ECONNRESET);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_ECONNRESET);
  ck_assert_int_eq(weir_select_try(&second, 1, NULL), UV_ECONNRESET);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(values[i], 0);
  ck_assert_int_eq(values[3], UNTOUCHED); /* that of recv_many */
  weir_chan_unref(ch);
}
END_TEST

/* the last unref */

START_TEST(last_unref_drops_buffered_values_once) {
  weir_chan_t *ch = shared_owned(4);

  for (int i = 0; i < 4; i++) put(ch, i);
  ck_assert_int_eq(get(ch), 0);
  put(ch, 4); /* they wrap round the end of the ring */
  ck_assert_ptr_eq(weir_chan_ref(ch), ch);
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 4);
  for (int i = 0; i < 5; i++) ck_assert_int_eq(owned_dropped[i], i > 0);
}
END_TEST

START_TEST(last_unref_of_a_closed_channel_drops_buffered_values) {
  weir_chan_t *ch = shared_owned(4);

  put(ch, 0);
  put(ch, 1);
  weir_chan_close(ch);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 2);
}
END_TEST

START_TEST(last_unref_ends_parked_receivers_as_a_close_does) {
  weir_chan_t *ch = shared_ints(0), *other = shared_ints(0);
  int values[2] = {UNTOUCHED, UNTOUCHED};
  weir_case_t cases[] = {WEIR_RECV(ch, &values[1]), WEIR_RECV(other, NULL)};
  probe_t recv, select;

  start_recv(&recv, ch, &values[0]);
  probe_init(&select, bg);
  weir_select(&select.op, cases, 2, probe_note);
  weir_chan_unref(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, UV_EOF);
  ck_completed(&select, UV_EOF);
  ck_assert_int_eq(values[0], 0);
  ck_assert_int_eq(values[1], 0);
  weir_chan_unref(other);
}
END_TEST

START_TEST(last_unref_fails_parked_senders_and_leaves_them_their_values) {
  weir_chan_t *ch = shared_owned(1);
  int values[] = {1, 2};
  probe_t sends[2];

  put(ch, 0);
  for (int i = 0; i < 2; i++) start_send(&sends[i], ch, &values[i]);
  weir_chan_unref(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 2; i++) ck_completed(&sends[i], UV_EPIPE);
  ck_assert_int_eq(owned_drops, 1);
  ck_assert_int_eq(owned_dropped[0], 1);
}
END_TEST

START_TEST(cancelled_op_may_outlive_its_channel) {
  weir_chan_t *ch = shared_ints(0);
  probe_t recv;

  start_recv(&recv, ch, NULL);
  ck_assert_int_eq(weir_op_cancel(&recv.op), 0);
  weir_chan_unref(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, UV_ECANCELED);
}
END_TEST

static weir_chan_t *closing_chan;

static void close_in_callback(weir_op_t *op, int status) {
  probe_note(op, status);
  ck_assert_int_eq(weir_chan_close(closing_chan), 0);
  weir_chan_unref(closing_chan);
}

START_TEST(channel_may_be_closed_and_dropped_in_a_callback) {
  int value = UNTOUCHED;
  probe_t first, second;

  closing_chan = shared_ints(0);
  probe_init(&first, bg);
  weir_chan_recv(&first.op, closing_chan, NULL, close_in_callback);
  start_recv(&second, closing_chan, &value);
  put(closing_chan, 1);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&first, 0);
  ck_completed(&second, UV_EOF);
  ck_assert_int_eq(value, 0);
}
END_TEST

/* values that nobody wants */

START_TEST(recv_into_null_drops_buffered_values) {
  weir_chan_t *ch = shared_owned(5);
  weir_case_t c = WEIR_RECV(ch, NULL);
  probe_t recv, many;

  for (int i = 0; i < 5; i++) put(ch, i);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), 0);
  ck_assert_int_eq(owned_drops, 1);
  start_recv(&recv, ch, NULL);
  ck_assert_int_eq(owned_drops, 2);
  ck_assert_int_eq(weir_select_try(&c, 1, NULL), 0);
  ck_assert_int_eq(owned_drops, 3);
  probe_init(&many, bg);
  ck_assert_int_eq(weir_chan_recv_many(&many.op, ch, NULL, 8, probe_note), 0);
  weir_run(loop);
  ck_completed(&recv, 0);
  ck_completed(&many, 0);
  ck_assert_uint_eq(many.index, 2);
  for (int i = 0; i < 5; i++) ck_assert_int_eq(owned_dropped[i], 1);
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 5);
}
END_TEST

/* They are more than there is room for at once. */
START_TEST(recv_many_into_null_drops_a_full_buffer) {
  enum { N = OWNED_MAX };
  weir_chan_t *ch = shared_owned(N);
  probe_t many;

  for (int i = 0; i < N; i++) put(ch, i);
  probe_init(&many, bg);
  ck_assert_int_eq(weir_chan_recv_many(&many.op, ch, NULL, N, probe_note), 0);
  ck_assert_int_eq(owned_drops, N);
  weir_run(loop);
  ck_completed(&many, 0);
  ck_assert_uint_eq(many.index, N);
  for (int i = 0; i < N; i++) ck_assert_int_eq(owned_dropped[i], 1);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(recv_into_null_drops_what_parked_senders_have) {
  weir_chan_t *ch = shared_owned(0);
  int values[] = {0, 1, 2};
  probe_t sends[3], recv;

  for (int i = 0; i < 3; i++) start_send(&sends[i], ch, &values[i]);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), 0);
  start_recv(&recv, ch, NULL);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), 0);
  weir_run(loop);
  ck_completed(&recv, 0);
  for (int i = 0; i < 3; i++) {
    ck_completed(&sends[i], 0);
    ck_assert_int_eq(owned_dropped[i], 1);
  }
  ck_assert_int_eq(owned_drops, 3);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(parked_recv_into_null_drops_what_it_is_sent) {
  weir_chan_t *ch = shared_owned(2);
  int values[] = {0, 1, 2};
  probe_t recv, many, send;

  start_recv(&recv, ch, NULL);
  probe_init(&many, bg);
  weir_chan_recv_many(&many.op, ch, NULL, 2, probe_note);
  probe_init(&send, bg);
  weir_chan_send_many(&send.op, ch, values, 3, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, 0);
  ck_completed(&many, 0);
  ck_completed(&send, 0);
  ck_assert_uint_eq(many.index + weir_chan_len(ch), 2);
  weir_chan_unref(ch);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(owned_dropped[i], 1);
}
END_TEST

static weir_chan_t *other_chan;

static void drop_and_use_another(void *value) {
  owned_drop(value);
  put(other_chan, *(int *)value);
}

START_TEST(drop_may_use_another_shared_channel) {
  weir_type_t type = {.size = sizeof(int), .drop = drop_and_use_another};
  weir_chan_t *ch = weir_chan_new_shared(&type, 4);

  other_chan = shared_ints(8);
  owned_drops = 0;
  for (int i = 0; i < 4; i++) put(ch, i);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), 0);
  weir_chan_unref(ch);
  for (int i = 0; i < 4; i++) ck_assert_int_eq(get(other_chan), i);
  weir_chan_unref(other_chan);
}
END_TEST

/* channels in channels */

START_TEST(channel_travels_through_a_channel_with_its_reference) {
  weir_chan_t *outer = weir_chan_new_shared(WEIR_TYPE_CHAN, 2), *inner = shared_owned(1),
              *got = NULL;

  put(inner, 8);
  weir_chan_ref(inner);
  ck_assert_int_eq(weir_chan_try_send(outer, &inner), 0);
  ck_assert_int_eq(weir_chan_try_send(outer, &inner), 0);
  ck_assert_int_eq(weir_chan_try_recv(outer, &got), 0);
  ck_assert_ptr_eq(got, inner);
  weir_chan_unref(got);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(outer);
  ck_assert_int_eq(owned_drops, 1);
}
END_TEST

/* Freed from a list: recursion would overflow the stack. Every other one is local. */
START_TEST(chain_of_nested_channels_is_freed) {
  weir_chan_t *chain = NULL;

  for (int i = 0; i < 100000; i++) {
    weir_chan_t *outer =
        i % 2 ? weir_chan_new(loop, WEIR_TYPE_CHAN, 1) : weir_chan_new_shared(WEIR_TYPE_CHAN, 1);
    ck_assert_int_eq(weir_chan_try_send(outer, &chain), 0);
    chain = outer;
  }
  weir_chan_unref(chain);
  ck_assert_uint_eq(stats_now().channels, 0);
}
END_TEST

/* set_producer */

START_TEST(scope_is_cancelled_when_only_the_producer_is_left) {
  weir_ctx_t *scope = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = shared_owned(0);
  int value = 1;
  probe_t send;

  weir_chan_ref(ch);
  weir_chan_ref(ch);
  weir_chan_set_producer(ch, scope);
  send_under(scope, &send, ch, &value);
  weir_chan_unref(ch);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  weir_chan_unref(ch);
  ck_assert_int_eq(weir_ctx_err(scope), UV_ECANCELED);
  ck_not_completed(&send);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, UV_ECANCELED);
  ck_assert_int_eq(owned_drops, 0);
  ck_assert(!weir_chan_closed(ch));
  weir_chan_unref(ch);
  weir_ctx_unref(scope);
}
END_TEST

START_TEST(scope_is_left_alone_after_a_close_and_when_taken_back) {
  weir_ctx_t *scope = weir_ctx_with_cancel(bg);
  weir_chan_t *closed = shared_ints(0), *taken_back = shared_ints(0);

  weir_chan_ref(closed);
  weir_chan_ref(taken_back);
  weir_chan_set_producer(closed, scope);
  weir_chan_set_producer(taken_back, scope);
  weir_chan_close(closed);
  weir_chan_set_producer(taken_back, NULL);
  weir_chan_unref(closed);
  weir_chan_unref(taken_back);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  weir_chan_unref(closed);
  weir_chan_unref(taken_back);
  weir_ctx_unref(scope);
  settle();
  ck_assert_uint_eq(stats_now().contexts, 0); /* neither holds it */
}
END_TEST

START_TEST(channel_holds_the_scope) {
  weir_ctx_t *scope = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = shared_ints(0);

  weir_chan_ref(ch);
  weir_chan_set_producer(ch, scope);
  weir_ctx_unref(scope);
  settle();
  ck_assert_uint_eq(stats_now().contexts, 1);
  weir_chan_unref(ch);
  settle();
  ck_assert_uint_eq(stats_now().contexts, 0);
  weir_chan_unref(ch);
}
END_TEST

static const support_test_t tests[] = {
    T(close_gives_0_then_ealready),
    T(send_on_closed_gives_epipe),
    T(recv_on_closed_gives_eof_and_a_zeroed_value),
    T(buffered_values_outlive_a_close),
    T(close_ends_parked_receivers_in_order),
    T(close_fails_parked_senders_with_epipe_in_order),
    T(recv_that_happened_before_a_close_keeps_its_value),
    T(receives_of_every_form_end_with_the_status_of_close_with),
    T(last_unref_drops_buffered_values_once),
    T(last_unref_of_a_closed_channel_drops_buffered_values),
    T(last_unref_ends_parked_receivers_as_a_close_does),
    T(last_unref_fails_parked_senders_and_leaves_them_their_values),
    T(cancelled_op_may_outlive_its_channel),
    T(channel_may_be_closed_and_dropped_in_a_callback),
    T(recv_into_null_drops_buffered_values),
    T(recv_many_into_null_drops_a_full_buffer),
    T(recv_into_null_drops_what_parked_senders_have),
    T(parked_recv_into_null_drops_what_it_is_sent),
    T(drop_may_use_another_shared_channel),
    T(channel_travels_through_a_channel_with_its_reference),
    T(chain_of_nested_channels_is_freed),
    T(scope_is_cancelled_when_only_the_producer_is_left),
    T(scope_is_left_alone_after_a_close_and_when_taken_back),
    T(channel_holds_the_scope),
};
SUITE_MAIN("shared_close", tests)
