/* Description: single sends and receives on a loop that is about to run: the short ways. */
#include <string.h>

#include "support/values.h"

static probe_t earlier;

/* From now on the loop has something to run. */
static void rouse(void) {
  if (weir_op_pending(&earlier.op)) return;
  probe_init(&earlier, bg);
  ck_assert_int_eq(weir_yield(&earlier.op, probe_note), 0);
}

static weir_chan_t *new_either(bool is_shared, const weir_type_t *type, size_t capacity) {
  weir_chan_t *ch =
      is_shared ? weir_chan_new_shared(type, capacity) : weir_chan_new(loop, type, capacity);

  ck_assert_ptr_nonnull(ch);
  owned_drops = 0;
  rouse();
  return ch;
}

static void ck_both(probe_t *first, probe_t *second) {
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(first, 0);
  ck_completed(second, 0);
  ck_assert_uint_eq(first->index, 1);
  ck_assert_uint_eq(second->index, 1);
  ck_assert_uint_lt(earlier.order, first->order);
  ck_assert_uint_lt(first->order, second->order);
}

/* where values go */

static void ck_round_the_ring(weir_chan_t *ch) {
  int values[] = {1, 2, 3, 4, 5, 6, 7};

  for (int i = 0; i < 7; i++) {
    int received = UNTOUCHED;
    probe_t send, recv;

    rouse();
    if (i == 0) put(ch, 0);
    start_send(&send, ch, &values[i]);
    start_recv(&recv, ch, &received);
    ck_both(&send, &recv);
    ck_assert_int_eq(received, i);
    ck_assert_uint_eq(weir_chan_len(ch), 1);
  }
  weir_chan_unref(ch);
}

START_TEST(values_go_round_the_ring_in_order) {
  ck_round_the_ring(new_either(false, WEIR_TYPE(int), 3));
  ck_round_the_ring(new_either(true, WEIR_TYPE(int), 3));
}
END_TEST

static void ck_into_null(weir_chan_t *ch, bool recv_first, int drops) {
  int value = 1;
  probe_t send, recv;

  if (recv_first) start_recv(&recv, ch, NULL);
  start_send(&send, ch, &value);
  if (!recv_first) start_recv(&recv, ch, NULL);
  ck_both(recv_first ? &recv : &send, recv_first ? &send : &recv);
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  ck_assert_int_eq(owned_drops, drops);
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, drops);
}

START_TEST(value_received_into_null_is_gone) {
  for (int shared = 0; shared < 2; shared++) {
    for (int recv_first = 0; recv_first < 2; recv_first++) {
      for (size_t capacity = 0; capacity < 2; capacity++) {
        ck_into_null(new_either(shared, WEIR_TYPE(int), capacity), recv_first, 0);
        ck_into_null(new_either(shared, WEIR_TYPE_OWNED(int, owned_drop, NULL), capacity),
                     recv_first, 1);
      }
    }
  }
}
END_TEST

START_TEST(signals_need_no_values) {
  for (int shared = 0; shared < 2; shared++) {
    for (size_t capacity = 0; capacity < 2; capacity++) {
      weir_chan_t *ch = new_either(shared, NULL, capacity);
      probe_t send, recv;

      start_send(&send, ch, NULL);
      start_recv(&recv, ch, NULL);
      ck_both(&send, &recv);
      weir_chan_unref(ch);
    }
  }
}
END_TEST

static void ck_last_of_many(weir_chan_t *ch) {
  const int values[] = {1, 2, 3};
  int received[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED};
  probe_t many, recvs[3];

  probe_init(&many, bg);
  ck_assert_int_eq(weir_chan_send_many(&many.op, ch, values, 3, probe_note), 0);
  for (int i = 0; i < 3; i++) {
    ck_assert(weir_op_pending(&many.op));
    start_recv(&recvs[i], ch, &received[i]);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&many, 0);
  ck_assert_uint_eq(many.index, 3);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(received[i], i + 1);
  ck_assert_uint_lt(recvs[1].order, many.order);
  ck_assert_uint_lt(many.order, recvs[2].order);
  weir_chan_unref(ch);
}

START_TEST(last_value_of_many_counts_all_of_them) {
  ck_last_of_many(new_either(false, WEIR_TYPE(int), 0));
  ck_last_of_many(new_either(true, WEIR_TYPE(int), 0));
}
END_TEST

/* what is refused */

START_TEST(send_of_no_value_gives_einval_and_starts_nothing) {
  for (int shared = 0; shared < 2; shared++) {
    weir_chan_t *ch = new_either(shared, WEIR_TYPE(int), 1);
    probe_t send;

    probe_init(&send, bg);
    ck_assert_int_eq(weir_chan_send(&send.op, ch, NULL, probe_note), UV_EINVAL);
    ck_assert(!weir_op_pending(&send.op));
    ck_assert_uint_eq(weir_chan_len(ch), 0);
    ck_assert_uint_eq(weir_run(loop), 0);
    weir_chan_unref(ch);
  }
}
END_TEST

START_TEST(op_that_is_no_op_gives_einval) {
  weir_chan_t *ch = new_either(false, WEIR_TYPE(int), 1);
  int value = 1;
  weir_op_t op;

  memset(&op, 0, sizeof(op));
  ck_assert_int_eq(weir_chan_send(NULL, ch, &value, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_chan_recv(NULL, ch, &value, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_chan_send(&op, ch, &value, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_chan_recv(&op, ch, &value, NULL), UV_EINVAL);
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(pending_op_gives_ebusy_and_is_left_alone) {
  weir_chan_t *ch = new_either(false, WEIR_TYPE(int), 2), *other = new_ints(1);
  int values[] = {1, 2}, received = UNTOUCHED;
  probe_t send, recv;

  start_send(&send, ch, &values[0]); /* runnable */
  ck_assert_int_eq(weir_chan_send(&send.op, ch, &values[1], NULL), UV_EBUSY);
  start_recv(&recv, other, &received); /* parked */
  ck_assert_int_eq(weir_chan_recv(&recv.op, ch, &received, NULL), UV_EBUSY);
  ck_assert_uint_eq(weir_chan_len(ch), 1);
  put(other, 7);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, 0);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 7);
  weir_chan_unref(ch);
  weir_chan_unref(other);
}
END_TEST

START_TEST(op_under_a_cancelled_context_leaves_the_channel_alone) {
  weir_chan_t *ch = new_either(false, WEIR_TYPE(int), 2);
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  int value = 1, received = UNTOUCHED;
  probe_t sends[2], recv;

  send_under(ctx, &sends[0], ch, &value);
  weir_ctx_cancel(ctx);
  send_under(ctx, &sends[1], ch, &value);
  recv_under(ctx, &recv, ch, &received);
  ck_assert_uint_eq(weir_chan_len(ch), 1);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&sends[0], 0);
  ck_completed(&sends[1], UV_ECANCELED);
  ck_completed(&recv, UV_ECANCELED);
  ck_assert_int_eq(received, UNTOUCHED);
  weir_ctx_unref(ctx);
  weir_chan_unref(ch);
}
END_TEST

/* closed channels */

START_TEST(closed_channel_ends_what_starts_at_it) {
  for (int shared = 0; shared < 2; shared++) {
    weir_chan_t *ch = new_either(shared, WEIR_TYPE(int), 2);
    int value = 5, received[2] = {UNTOUCHED, UNTOUCHED};
    probe_t send, recvs[2];

    put(ch, 4);
    weir_chan_close(ch);
    start_send(&send, ch, &value);
    for (int i = 0; i < 2; i++) start_recv(&recvs[i], ch, &received[i]);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&send, UV_EPIPE);
    ck_assert_uint_eq(send.index, 0);
    ck_completed(&recvs[0], 0);
    ck_completed(&recvs[1], UV_EOF);
    ck_assert_uint_eq(recvs[1].index, 0);
    ck_assert_int_eq(received[0], 4);
    ck_assert_int_eq(received[1], 0);
    weir_chan_unref(ch);
  }
}
END_TEST

/* whose loop it is */

static void yield_elsewhere(void *arg) {
  probe_t *probe = arg;

  ck_assert_int_eq(weir_yield(&probe->op, probe_note), 0);
}

/* Who starts something on a loop has it: what it cancels then is cancelled at once. */
START_TEST(start_takes_the_loop_back_from_another_thread) {
  weir_chan_t *ch = new_ints(1), *empty = new_ints(0);
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  int value = 1, received = UNTOUCHED;
  probe_t theirs, send, recv;
  uv_thread_t thread;

  recv_under(ctx, &recv, empty, &received);
  start_send(&send, ch, &value);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_assert_int_eq(get(ch), 1);
  probe_init(&theirs, bg);
  ck_assert_int_eq(uv_thread_create(&thread, yield_elsewhere, &theirs), 0);
  ck_assert_int_eq(uv_thread_join(&thread), 0);
  start_send(&send, ch, &value);
  weir_ctx_cancel(ctx);
  ck_assert_int_eq(weir_op_cancel(&recv.op), UV_EALREADY);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, UV_ECANCELED);
  ck_completed(&send, 0);
  ck_completed(&theirs, 0);
  weir_ctx_unref(ctx);
  weir_chan_unref(empty);
  weir_chan_unref(ch);
}
END_TEST

static const support_test_t tests[] = {
    T(values_go_round_the_ring_in_order),
    T(value_received_into_null_is_gone),
    T(signals_need_no_values),
    T(last_value_of_many_counts_all_of_them),
    T(send_of_no_value_gives_einval_and_starts_nothing),
    T(op_that_is_no_op_gives_einval),
    T(pending_op_gives_ebusy_and_is_left_alone),
    T(op_under_a_cancelled_context_leaves_the_channel_alone),
    T(closed_channel_ends_what_starts_at_it),
    T(start_takes_the_loop_back_from_another_thread),
};
SUITE_MAIN("start", tests)
