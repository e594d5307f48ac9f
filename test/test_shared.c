/* Description: a shared channel on one loop: what a local one does, and what keeps the
 * loop alive. */
#include <stdlib.h>
#include <string.h>

#include "support/shared.h"

/* rendezvous and buffers */

START_TEST(send_waits_for_a_receiver) {
  weir_chan_t *ch = shared_ints(0);
  int sent = 7, received = UNTOUCHED;
  probe_t send, recv;

  start_send(&send, ch, &sent);
  ck_assert_uint_eq(settle(), 1);
  ck_not_completed(&send);
  start_recv(&recv, ch, &received);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, 0);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 7);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(recv_waits_for_a_sender) {
  weir_chan_t *ch = shared_ints(0);
  int sent = 7, received = UNTOUCHED;
  probe_t send, recv;

  start_recv(&recv, ch, &received);
  ck_assert_uint_eq(settle(), 1);
  ck_not_completed(&recv);
  start_send(&send, ch, &sent);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, 0);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 7);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(rendezvous_has_no_room) {
  weir_chan_t *ch = shared_ints(0);
  int value = 1;

  ck_assert_uint_eq(weir_chan_cap(ch), 0);
  ck_assert_int_eq(weir_chan_try_send(ch, &value), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_recv(ch, &value), UV_EAGAIN);
  ck_assert_int_eq(value, 1);
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(try_meets_parked_partners) {
  weir_chan_t *ch = shared_ints(0);
  int sent = 8, received = UNTOUCHED;
  probe_t send, recv;

  start_send(&send, ch, &sent);
  ck_assert_int_eq(get(ch), 8);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, 0);
  start_recv(&recv, ch, &received);
  put(ch, 9);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 9);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(buffered_sends_complete_until_the_channel_is_full) {
  weir_chan_t *ch = shared_ints(2);
  int values[] = {1, 2, 3};
  probe_t sends[3];

  for (int i = 0; i < 3; i++) start_send(&sends[i], ch, &values[i]);
  ck_assert_uint_eq(weir_chan_len(ch), 2);
  ck_assert_uint_eq(weir_chan_cap(ch), 2);
  ck_assert_uint_eq(settle(), 1);
  ck_completed(&sends[0], 0);
  ck_completed(&sends[1], 0);
  ck_not_completed(&sends[2]);
  ck_assert_int_eq(get(ch), 1);
  ck_assert_uint_eq(weir_chan_len(ch), 2); /* the parked one has moved up */
  weir_run(loop);
  ck_completed(&sends[2], 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(values_keep_their_order_round_the_end_of_the_ring) {
  weir_chan_t *ch = shared_ints(3);
  int next = 0, expected = 0;

  for (int fill = 1; fill <= 3; fill++) {
    for (int round = 0; round < 10; round++) {
      for (int i = 0; i < fill; i++) put(ch, next++);
      for (int i = 0; i < fill; i++) ck_assert_int_eq(get(ch), expected++);
    }
  }
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(values_of_parked_senders_follow_the_buffered_ones) {
  weir_chan_t *ch = shared_ints(2);
  int values[] = {0, 1, 2, 3, 4};
  probe_t sends[5];

  for (int i = 0; i < 5; i++) start_send(&sends[i], ch, &values[i]);
  for (int i = 0; i < 5; i++) ck_assert_int_eq(get(ch), i);
  weir_run(loop);
  for (int i = 0; i < 5; i++) ck_completed(&sends[i], 0);
  weir_chan_unref(ch);
}
END_TEST

static void ck_passes(size_t size, size_t capacity) {
  weir_type_t type = {.size = size};
  weir_chan_t *ch = weir_chan_new_shared(&type, capacity);
  unsigned char *sent = calloc(1, size + 1), *received = calloc(1, size + 1);
  weir_op_t send, recv;

  memset(sent, 0xa5, size);
  received[size] = 0xee;
  weir_op_init(&send, bg);
  weir_op_init(&recv, bg);
  ck_assert_int_eq(weir_chan_send(&send, ch, sent, NULL), 0);
  ck_assert_int_eq(weir_chan_recv(&recv, ch, received, NULL), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(weir_op_status(&send) | weir_op_status(&recv), 0);
  ck_assert_int_eq(memcmp(sent, received, size), 0);
  ck_assert_uint_eq(received[size], 0xee);
  weir_chan_unref(ch);
  free(sent);
  free(received);
}

START_TEST(values_of_all_sizes_arrive_whole) {
  static const size_t sizes[] = {0, 1, 3, 8, 24, 4096};

  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
    for (size_t capacity = 0; capacity <= 2; capacity++) ck_passes(sizes[i], capacity);
}
END_TEST

START_TEST(null_type_is_a_pure_signal) {
  weir_chan_t *ch = weir_chan_new_shared(NULL, 1);

  ck_assert_int_eq(weir_chan_try_send(ch, NULL), 0);
  ck_assert_int_eq(weir_chan_try_send(ch, NULL), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), 0);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_EAGAIN);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(type_is_copied_when_the_channel_is_made) {
  weir_type_t *type = malloc(sizeof(*type));
  weir_chan_t *ch;

  *type = (weir_type_t){.size = sizeof(int), .drop = owned_drop};
  ch = weir_chan_new_shared(type, 1);
  memset(type, 0xff, sizeof(*type));
  free(type);
  put(ch, 3);
  owned_drops = 0;
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 1);
}
END_TEST

START_TEST(capacity_that_overflows_or_no_memory_gives_null) {
  weir_type_t large = {.size = SIZE_MAX - 8};

  ck_assert_ptr_null(weir_chan_new_shared(WEIR_TYPE(int), SIZE_MAX));
  ck_assert_ptr_null(weir_chan_new_shared(&large, 1));
  support_fail_after(0);
  ck_assert_ptr_null(weir_chan_new_shared(WEIR_TYPE(int), 1));
}
END_TEST

/* order */

START_TEST(receivers_are_served_in_the_order_of_their_start) {
  weir_chan_t *ch = shared_ints(0);
  int received[3] = {UNTOUCHED, UNTOUCHED, UNTOUCHED};
  probe_t recvs[3];

  for (int i = 0; i < 3; i++) start_recv(&recvs[i], ch, &received[i]);
  for (int i = 0; i < 3; i++) put(ch, 10 + i);
  weir_run(loop);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(received[i], 10 + i);
  ck_assert_uint_lt(recvs[0].order, recvs[1].order);
  ck_assert_uint_lt(recvs[1].order, recvs[2].order);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(senders_are_served_in_the_order_of_their_start) {
  weir_chan_t *ch = shared_ints(0);
  int values[] = {10, 11, 12};
  probe_t sends[3];

  for (int i = 0; i < 3; i++) start_send(&sends[i], ch, &values[i]);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(get(ch), 10 + i);
  weir_run(loop);
  ck_assert_uint_lt(sends[0].order, sends[1].order);
  ck_assert_uint_lt(sends[1].order, sends[2].order);
  weir_chan_unref(ch);
}
END_TEST

/* Whether an operation makes it happen, or a call that knows of no loop. */
START_TEST(completions_come_in_the_order_in_which_they_happened) {
  weir_chan_t *ch = shared_ints(0), *closed = shared_ints(0);
  int value = 1;
  probe_t recvs[3], send, ended, cancelled;

  for (int i = 0; i < 3; i++) start_recv(&recvs[i], ch, NULL);
  start_recv(&ended, closed, NULL);
  start_recv(&cancelled, NULL, NULL);
  put(ch, 0);
  start_send(&send, ch, &value);
  put(ch, 2);
  weir_chan_close(closed);
  ck_assert_int_eq(weir_op_cancel(&cancelled.op), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (unsigned i = 0; i < 3; i++) ck_assert_uint_eq(recvs[i].order - recvs[0].order, i + (i == 2));
  ck_assert_uint_eq(send.order, recvs[1].order + 1);
  ck_assert_uint_eq(ended.order, recvs[2].order + 1);
  ck_assert_uint_eq(cancelled.order, ended.order + 1);
  weir_chan_unref(ch);
  weir_chan_unref(closed);
}
END_TEST

START_TEST(no_callback_runs_inside_a_call) {
  weir_chan_t *ch = shared_ints(0), *other = shared_ints(1);
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  int value = 1, ignored;
  probe_t probes[6];

  start_recv(&probes[0], ch, &ignored);
  start_send(&probes[1], ch, &value); /* each asserts that nothing has been called back */
  start_send(&probes[2], other, &value);
  start_recv(&probes[3], ch, &ignored);
  recv_under(ctx, &probes[4], ch, &ignored);
  start_recv(&probes[5], ch, &ignored);
  put(ch, 2);
  weir_ctx_cancel(ctx);
  weir_chan_close(ch);
  weir_chan_unref(ch);
  for (int i = 0; i < 6; i++) ck_not_completed(&probes[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 6; i++) ck_assert_int_eq(probes[i].calls, 1);
  weir_chan_unref(other);
  weir_ctx_unref(ctx);
}
END_TEST

/* what keeps the loop alive */

START_TEST(op_parked_on_a_shared_channel_keeps_the_loop_alive) {
  weir_chan_t *ch = shared_ints(0);
  int value = 1;
  probe_t recv, send;

  ck_assert_int_eq(uv_loop_alive(uv), 0);
  start_recv(&recv, ch, NULL);
  settle();
  ck_assert_int_ne(uv_loop_alive(uv), 0);
  cancel_and_settle(&recv);
  ck_assert_int_eq(uv_loop_alive(uv), 0);
  start_send(&send, ch, &value);
  settle();
  ck_assert_int_ne(uv_loop_alive(uv), 0);
  ck_assert_int_eq(get(ch), 1);
  settle();
  ck_assert_int_eq(uv_loop_alive(uv), 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(ops_parked_elsewhere_do_not_keep_it_alive) {
  weir_chan_t *local = new_ints(0), *shared = shared_ints(0);
  probe_t on_local, on_null;

  start_recv(&on_local, local, NULL);
  start_recv(&on_null, NULL, NULL);
  ck_assert_uint_eq(weir_run(loop), 2);
  ck_assert_int_eq(uv_loop_alive(uv), 0);
  cancel_and_run(&on_local);
  cancel_and_run(&on_null);
  weir_chan_unref(local);
  weir_chan_unref(shared);
}
END_TEST

START_TEST(clock_does_not_jump_while_a_shared_channel_is_waited_for) {
  weir_chan_t *ch = shared_ints(0);
  probe_t recv, sleep;

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  start_recv(&recv, ch, NULL);
  probe_init(&sleep, bg);
  ck_assert_int_eq(weir_sleep(&sleep.op, 3600000, probe_note), 0);
  ck_assert_uint_eq(settle(), 2);
  put(ch, 1);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, 0);
  ck_completed(&sleep, 0);
  ck_assert_uint_lt(recv.order, sleep.order);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(loop_that_closes_cancels_its_ops_and_leaves_the_channel) {
  weir_chan_t *ch = shared_ints(1);
  int received = UNTOUCHED;
  probe_t recv;
  own_t own;

  own_open(&own);
  recv_under(own.bg, &recv, ch, &received);
  own_close(&own);
  ck_completed(&recv, UV_ECANCELED);
  put(ch, 3);
  ck_assert_int_eq(received, UNTOUCHED);
  ck_assert_int_eq(get(ch), 3);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(op_completes_on_its_own_loop) {
  weir_chan_t *ch = shared_ints(0);
  int received = UNTOUCHED;
  probe_t recv;
  own_t own;

  own_open(&own);
  recv_under(own.bg, &recv, ch, &received);
  put(ch, 6);
  settle(); /* the other one */
  ck_not_completed(&recv);
  ck_assert_int_eq(weir_op_wait(&recv.op), 0);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 6);
  own_close(&own);
  weir_chan_unref(ch);
}
END_TEST

/* what it costs, and what is seen of it */

static void pass_one(weir_chan_t *ch, weir_op_t *first, weir_op_t *second) {
  int value = 1, received;
  weir_case_t recv_case = WEIR_RECV(ch, &received);

  weir_chan_recv(first, ch, &received, NULL);
  weir_chan_send(second, ch, &value, NULL);
  weir_run(loop);
  weir_chan_send_many(first, ch, &value, 1, NULL);
  weir_chan_recv_many(second, ch, &received, 1, NULL);
  weir_run(loop);
  weir_select(first, &recv_case, 1, NULL);
  weir_chan_try_send(ch, &value);
  weir_run(loop);
  weir_chan_recv(first, ch, &received, NULL);
  weir_op_cancel(first);
  weir_run(loop);
}

START_TEST(operations_allocate_nothing) {
  weir_chan_t *rendezvous = shared_ints(0), *buffered = shared_ints(4);
  weir_op_t first, second;
  size_t before;

  weir_op_init(&first, bg);
  weir_op_init(&second, bg);
  before = support_allocations();
  for (int i = 0; i < 50; i++) {
    pass_one(rendezvous, &first, &second);
    pass_one(buffered, &first, &second);
  }
  ck_assert_uint_eq(support_allocations(), before);
  weir_chan_unref(rendezvous);
  weir_chan_unref(buffered);
}
END_TEST

START_TEST(parked_ops_are_counted_and_the_channel_is_no_loops) {
  weir_chan_t *ch = shared_ints(0);
  probe_t recvs[3];

  for (int i = 0; i < 3; i++) start_recv(&recvs[i], ch, NULL);
  ck_assert_uint_eq(stats_now().ops_parked, 3);
  ck_assert_uint_eq(stats_now().channels, 0);
  cancel_and_settle(&recvs[1]);
  ck_assert_uint_eq(stats_now().ops_parked, 2);
  put(ch, 1);
  settle();
  ck_assert_uint_eq(stats_now().ops_parked, 1);
  ck_assert_uint_eq(stats_now().completions, 2);
  weir_chan_unref(ch);
  weir_run(loop);
  ck_assert_uint_eq(stats_now().ops_parked, 0);
}
END_TEST

static void ck_dumped(const char *wanted, bool expected) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);

  weir_dump(loop, out);
  weir_dump_dot(loop, out);
  fclose(out);
  ck_assert_msg((strstr(text, wanted) != NULL) == expected, "%s in: %s", wanted, text);
  free(text);
}

START_TEST(dump_names_the_channel_of_a_parked_op) {
  weir_type_t type = {.size = sizeof(int), .name = "a type of its own"};
  weir_chan_t *ch = weir_chan_new_shared(&type, 3);
  weir_case_t c = WEIR_RECV(ch, NULL);
  weir_op_t recv, select;

  weir_op_init_at(&recv, bg, "the place of recv");
  weir_op_init_at(&select, bg, "the place of select");
  weir_chan_recv(&recv, ch, NULL, NULL);
  weir_select(&select, &c, 1, NULL);
  ck_dumped("the place of recv", true);
  ck_dumped("the place of select", true);
  ck_dumped("a type of its own", true);
  weir_chan_set_name(ch, "requests");
  ck_dumped("requests", true);
  ck_dumped("a type of its own", false);
  weir_chan_unref(ch);
  weir_run(loop);
  ck_dumped("requests", false);
}
END_TEST

static const support_test_t tests[] = {
    T(send_waits_for_a_receiver),
    T(recv_waits_for_a_sender),
    T(rendezvous_has_no_room),
    T(try_meets_parked_partners),
    T(buffered_sends_complete_until_the_channel_is_full),
    T(values_keep_their_order_round_the_end_of_the_ring),
    T(values_of_parked_senders_follow_the_buffered_ones),
    T(values_of_all_sizes_arrive_whole),
    T(null_type_is_a_pure_signal),
    T(type_is_copied_when_the_channel_is_made),
    T(capacity_that_overflows_or_no_memory_gives_null),
    T(receivers_are_served_in_the_order_of_their_start),
    T(senders_are_served_in_the_order_of_their_start),
    T(completions_come_in_the_order_in_which_they_happened),
    T(no_callback_runs_inside_a_call),
    T(op_parked_on_a_shared_channel_keeps_the_loop_alive),
    T(ops_parked_elsewhere_do_not_keep_it_alive),
    T(clock_does_not_jump_while_a_shared_channel_is_waited_for),
    T(loop_that_closes_cancels_its_ops_and_leaves_the_channel),
    T(op_completes_on_its_own_loop),
    T(operations_allocate_nothing),
    T(parked_ops_are_counted_and_the_channel_is_no_loops),
    T(dump_names_the_channel_of_a_parked_op),
};
SUITE_MAIN("shared", tests)
