/* Description: how channels end: close, close_with, the last unref, channels in channels. */
#include "support/values.h"

/* close */

START_TEST(close_gives_0_then_ealready) {
  weir_chan_t *ch = new_ints(0);

  ck_assert(!weir_chan_closed(ch));
  ck_assert_int_eq(weir_chan_close(ch), 0);
  ck_assert(weir_chan_closed(ch));
  ck_assert_int_eq(weir_chan_close(ch), UV_EALREADY);
  ck_assert_int_eq(weir_chan_close_with(ch, UV_EIO), UV_EALREADY);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_EOF);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(close_of_null_gives_einval) {
  ck_assert_int_eq(weir_chan_close(NULL), UV_EINVAL);
  ck_assert_int_eq(weir_chan_close_with(NULL, UV_EIO), UV_EINVAL);
}
END_TEST

START_TEST(close_with_a_status_that_is_not_negative_gives_einval) {
  weir_chan_t *ch = new_ints(0);

  ck_assert_int_eq(weir_chan_close_with(ch, 0), UV_EINVAL);
  ck_assert_int_eq(weir_chan_close_with(ch, 1), UV_EINVAL);
  ck_assert(!weir_chan_closed(ch));
  ck_assert_int_eq(weir_chan_close_with(ch, UV_EOF), 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(send_on_closed_gives_epipe) {
  weir_chan_t *ch = new_owned(3);
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
  weir_chan_t *ch = new_ints(2);
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
  weir_chan_t *ch = new_ints(2);
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
  weir_chan_t *ch = new_ints(1);
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
  weir_chan_t *ch = new_owned(1);
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
  weir_chan_t *ch = new_ints(0);
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
  weir_chan_t *ch = new_ints(0);
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

/* What a call that would wait gives is a status like any other. */
START_TEST(recv_ends_with_eagain_where_close_with_says_so) {
  for (int i = 0; i < 2; i++) {
    weir_chan_t *ch = new_ints(1), *other = new_ints(1);
    int received = UNTOUCHED;
    probe_t earlier, recv;

    ck_assert_int_eq(weir_chan_close_with(ch, UV_EAGAIN), 0);
    if (i == 1) start_send(&earlier, other, &received); /* the loop has something to run */
    start_recv(&recv, ch, &received);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&recv, UV_EAGAIN);
    ck_assert_int_eq(received, 0);
    weir_chan_unref(other);
    weir_chan_unref(ch);
  }
}
END_TEST

/* So are those that waiting in vain gives, in every form of receive. */
START_TEST(receives_end_with_eagain_and_etimedout_where_close_with_says_so) {
  static const int statuses[] = {UV_EAGAIN, UV_ETIMEDOUT};

  for (int i = 0; i < 4; i++) {
    int status = statuses[i / 2], value, values[2];
    weir_chan_t *ch = i % 2 ? weir_chan_new_shared(WEIR_TYPE(int), 0) : new_ints(0);
    weir_case_t cases[] = {WEIR_RECV(NULL, &value), WEIR_RECV(ch, &value)};
    probe_t recv, many, select;
    size_t index = 0;

    ck_assert_int_eq(weir_chan_close_with(ch, status), 0);
    probe_init(&recv, bg);
    probe_init(&many, bg);
    probe_init(&select, bg);
    ck_assert_int_eq(weir_chan_recv(&recv.op, ch, &value, probe_note), 0);
    ck_assert_int_eq(weir_chan_recv_many(&many.op, ch, values, 2, probe_note), 0);
    ck_assert_int_eq(weir_select(&select.op, cases, 2, probe_note), 0);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&recv, status);
    ck_completed(&many, status);
    ck_completed(&select, status);
    ck_assert_uint_eq(weir_op_index(&select.op), 1);
    ck_assert_int_eq(weir_chan_try_recv(ch, &value), status);
    ck_assert_int_eq(weir_select_try(cases, 2, &index), status);
    ck_assert_uint_eq(index, 1);
    if (i % 2) {
      index = 0;
      ck_assert_int_eq(weir_chan_recv_blocking(ch, &value, UINT64_MAX), status);
      ck_assert_int_eq(weir_select_blocking(cases, 2, UINT64_MAX, &index), status);
      ck_assert_uint_eq(index, 1);
    }
    weir_chan_unref(ch);
  }
}
END_TEST

START_TEST(send_on_closed_with_a_status_gives_epipe) {
  weir_chan_t *ch = new_ints(0);
  int value = 1;
  probe_t parked;

  start_send(&parked, ch, &value);
  weir_chan_close_with(ch, UV_EIO);
  ck_assert_int_eq(weir_chan_try_send(ch, &value), UV_EPIPE);
  weir_run(loop);
  ck_completed(&parked, UV_EPIPE);
  weir_chan_unref(ch);
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

  closing_chan = new_ints(0);
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

/* the last unref */

START_TEST(last_unref_drops_buffered_values_once) {
  weir_chan_t *ch = new_owned(4);

  for (int i = 0; i < 4; i++) put(ch, i);
  ck_assert_int_eq(get(ch), 0);
  weir_chan_unref(weir_chan_ref(ch));
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 3);
  for (int i = 0; i < 4; i++) ck_assert_int_eq(owned_dropped[i], i > 0);
}
END_TEST

START_TEST(last_unref_of_a_closed_channel_drops_buffered_values) {
  weir_chan_t *ch = new_owned(4);

  put(ch, 0);
  put(ch, 1);
  weir_chan_close(ch);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 2);
}
END_TEST

START_TEST(last_unref_ends_parked_receivers_as_a_close_does) {
  weir_chan_t *ch = new_ints(0);
  int values[2] = {UNTOUCHED, UNTOUCHED};
  weir_case_t cases[] = {WEIR_RECV(ch, &values[1]), WEIR_RECV(NULL, NULL)};
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
}
END_TEST

START_TEST(last_unref_fails_parked_senders_and_leaves_them_their_values) {
  weir_chan_t *ch = new_owned(1);
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

START_TEST(channel_may_outlive_its_loop) {
  weir_chan_t *ch;
  int value = 1;
  probe_t late;
  own_t own;

  own_open(&own);
  ch = weir_chan_new(own.loop, WEIR_TYPE_OWNED(int, owned_drop, NULL), 2);
  put(ch, 1);
  own_close(&own);
  ck_assert_uint_eq(weir_chan_len(ch), 1);
  ck_assert_int_eq(weir_chan_try_send(ch, &value), 0);
  probe_init(&late, bg);
  ck_assert_int_eq(weir_chan_recv(&late.op, ch, &value, probe_note), UV_EINVAL);
  owned_drops = 0;
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 2);
}
END_TEST

/* channels in channels */

static size_t channels_now(void) {
  weir_stats_t stats;

  weir_stats(loop, &stats);
  return stats.channels;
}

START_TEST(channel_travels_through_a_channel_with_its_reference) {
  weir_chan_t *outer = weir_chan_new(loop, WEIR_TYPE_CHAN, 1), *inner = new_ints(1), *got = NULL;

  put(inner, 8);
  ck_assert_int_eq(weir_chan_try_send(outer, &inner), 0);
  ck_assert_int_eq(weir_chan_try_recv(outer, &got), 0);
  ck_assert_ptr_eq(got, inner);
  ck_assert_int_eq(get(got), 8);
  weir_chan_unref(got);
  weir_chan_close(outer);
  ck_assert_int_eq(weir_chan_try_recv(outer, &got), UV_EOF);
  ck_assert_ptr_null(got);
  weir_chan_unref(outer);
  ck_assert_uint_eq(channels_now(), 0);
}
END_TEST

START_TEST(channel_that_nobody_receives_goes_with_the_outer_one) {
  weir_chan_t *outer = weir_chan_new(loop, WEIR_TYPE_CHAN, 2), *inner = new_ints(0), *none = NULL;
  probe_t recv;
  int value = UNTOUCHED;

  start_recv(&recv, inner, &value);
  ck_assert_int_eq(weir_chan_try_send(outer, &inner), 0);
  ck_assert_int_eq(weir_chan_try_send(outer, &none), 0);
  weir_chan_unref(outer);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, UV_EOF);
  ck_assert_uint_eq(channels_now(), 0);
}
END_TEST

static weir_chan_t *nest(size_t depth) {
  weir_chan_t *chain = NULL;

  for (size_t i = 0; i < depth; i++) {
    weir_chan_t *outer = weir_chan_new(loop, WEIR_TYPE_CHAN, 1);
    weir_chan_try_send(outer, &chain);
    chain = outer;
  }
  ck_assert_uint_eq(channels_now(), depth);
  return chain;
}

/* Freed from a list: recursion would overflow the stack. */
START_TEST(chain_of_nested_channels_is_freed) {
  weir_chan_t *chain = nest(100000);

  weir_chan_unref(chain);
  ck_assert_uint_eq(channels_now(), 0);
}
END_TEST

START_TEST(chain_of_nested_channels_is_freed_by_a_recv_into_null) {
  weir_chan_t *chain = nest(100000);

  ck_assert_int_eq(weir_chan_try_recv(chain, NULL), 0);
  ck_assert_uint_eq(channels_now(), 1);
  weir_chan_unref(chain);
}
END_TEST

/* Each drop frees the next channel through a drop of the user's own. */
typedef struct node_s {
  weir_chan_t *next;
} node_t;

static void node_drop(void *value) {
  weir_chan_unref(((node_t *)value)->next);
}

START_TEST(chain_through_owned_values_is_freed) {
  node_t node = {NULL};

  for (int i = 0; i < 100000; i++) {
    weir_chan_t *outer = weir_chan_new(loop, WEIR_TYPE_OWNED(node_t, node_drop, NULL), 1);
    weir_chan_try_send(outer, &node);
    node.next = outer;
  }
  ck_assert_uint_eq(channels_now(), 100000);
  node_drop(&node);
  ck_assert_uint_eq(channels_now(), 0);
}
END_TEST

/* A channel in itself holds itself: receiving it takes the last reference out. */
START_TEST(channel_may_hold_itself) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE_CHAN, 2), *got;

  ck_assert_int_eq(weir_chan_try_send(ch, &ch), 0);
  ck_assert_int_eq(weir_chan_try_recv(ch, &got), 0);
  ck_assert_ptr_eq(got, ch);
  weir_chan_unref(got);
  ck_assert_uint_eq(channels_now(), 0);
}
END_TEST

START_TEST(channel_that_holds_itself_goes_with_the_value_that_nobody_wants) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE_CHAN, 2), *full;
  weir_op_t op;

  ck_assert_int_eq(weir_chan_try_send(ch, &ch), 0);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), 0); /* drops the last reference */
  ck_assert_uint_eq(channels_now(), 0);
  full = weir_chan_new(loop, WEIR_TYPE_CHAN, 2);
  weir_chan_ref(full);
  ck_assert_int_eq(weir_chan_try_send(full, &full), 0);
  ck_assert_int_eq(weir_chan_try_send(full, &full), 0);
  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_chan_recv_many(&op, full, NULL, 2, NULL), 0);
  weir_run(loop);
  ck_assert_int_eq(weir_op_status(&op), 0);
  ck_assert_uint_eq(weir_op_index(&op), 2);
  ck_assert_uint_eq(channels_now(), 0);
}
END_TEST

/* send_many gives it away with its first value, which goes into NULL. */
START_TEST(channel_may_go_with_the_first_value_of_send_many) {
  for (size_t n = 1; n <= 2; n++) {
    weir_chan_t *values[] = {weir_chan_new(loop, WEIR_TYPE_CHAN, 0), new_ints(0)};
    probe_t into_null, send;

    probe_init(&into_null, bg);
    probe_init(&send, bg);
    ck_assert_int_eq(weir_chan_recv(&into_null.op, values[0], NULL, probe_note), 0);
    ck_assert_int_eq(weir_chan_send_many(&send.op, values[0], values, n, probe_note), 0);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&into_null, 0);
    ck_completed(&send, n == 1 ? 0 : UV_EPIPE);
    ck_assert_uint_eq(send.index, 1);
    weir_chan_unref(values[1]);
    ck_assert_uint_eq(channels_now(), 0);
  }
}
END_TEST

static weir_chan_t *dropping;

static void close_dropping(void *value) {
  owned_drop(value);
  weir_chan_close(dropping);
}

/* send_many meets a recv into NULL, whose drop closes the channel under its hands. */
START_TEST(channel_may_be_closed_by_a_drop) {
  int values[] = {1, 2, 3};
  probe_t into_null, send;

  dropping = weir_chan_new(loop, WEIR_TYPE_OWNED(int, close_dropping, NULL), 8);
  owned_drops = 0;
  start_recv(&into_null, dropping, NULL);
  probe_init(&send, bg);
  ck_assert_int_eq(weir_chan_send_many(&send.op, dropping, values, 3, probe_note), 0);
  weir_run(loop);
  ck_completed(&into_null, 0);
  ck_assert_int_eq(send.calls, 1);
  ck_assert_uint_eq(send.index, 1 + weir_chan_len(dropping));
  ck_assert_int_eq(send.status, send.index == 3 ? 0 : UV_EPIPE);
  weir_chan_unref(dropping);
  ck_assert_int_eq(owned_drops, (int)send.index);
}
END_TEST

static const support_test_t tests[] = {
    T(close_gives_0_then_ealready),
    T(close_of_null_gives_einval),
    T(close_with_a_status_that_is_not_negative_gives_einval),
    T(send_on_closed_gives_epipe),
    T(recv_on_closed_gives_eof_and_a_zeroed_value),
    T(buffered_values_outlive_a_close),
    T(close_ends_parked_receivers_in_order),
    T(close_fails_parked_senders_with_epipe_in_order),
    T(recv_that_happened_before_a_close_keeps_its_value),
    T(receives_of_every_form_end_with_the_status_of_close_with),
    T(recv_ends_with_eagain_where_close_with_says_so),
    T(receives_end_with_eagain_and_etimedout_where_close_with_says_so),
    T(send_on_closed_with_a_status_gives_epipe),
    T(channel_may_be_closed_and_dropped_in_a_callback),
    T(last_unref_drops_buffered_values_once),
    T(last_unref_of_a_closed_channel_drops_buffered_values),
    T(last_unref_ends_parked_receivers_as_a_close_does),
    T(last_unref_fails_parked_senders_and_leaves_them_their_values),
    T(channel_may_outlive_its_loop),
    T(channel_travels_through_a_channel_with_its_reference),
    T(channel_that_nobody_receives_goes_with_the_outer_one),
    T(chain_of_nested_channels_is_freed),
    T(chain_of_nested_channels_is_freed_by_a_recv_into_null),
    T(chain_through_owned_values_is_freed),
    T(channel_may_hold_itself),
    T(channel_that_holds_itself_goes_with_the_value_that_nobody_wants),
    T(channel_may_go_with_the_first_value_of_send_many),
    T(channel_may_be_closed_by_a_drop),
};
SUITE_MAIN("chan_close", tests)
