/* Description: channels: rendezvous, buffers, order, NULL channels, values of all sizes. */
#include <stdlib.h>
#include <string.h>

#include "support/values.h"

/* rendezvous */

START_TEST(send_waits_for_a_receiver) {
  weir_chan_t *ch = new_ints(0);
  int sent = 7, received = UNTOUCHED;
  probe_t send, recv;

  start_send(&send, ch, &sent);
  ck_assert_uint_eq(weir_run(loop), 1);
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
  weir_chan_t *ch = new_ints(0);
  int sent = 7, received = UNTOUCHED;
  probe_t send, recv;

  start_recv(&recv, ch, &received);
  ck_assert_uint_eq(weir_run(loop), 1);
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
  weir_chan_t *ch = new_ints(0);
  int value = 1;

  ck_assert_uint_eq(weir_chan_cap(ch), 0);
  ck_assert_int_eq(weir_chan_try_send(ch, &value), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_recv(ch, &value), UV_EAGAIN);
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  weir_chan_unref(ch);
}
END_TEST

/* buffers */

START_TEST(buffered_sends_complete_until_the_channel_is_full) {
  weir_chan_t *ch = new_ints(2);
  int values[] = {1, 2, 3};
  probe_t sends[3];

  for (int i = 0; i < 3; i++) start_send(&sends[i], ch, &values[i]);
  ck_assert_uint_eq(weir_chan_len(ch), 2);
  ck_assert_uint_eq(weir_chan_cap(ch), 2);
  ck_assert_uint_eq(weir_run(loop), 1);
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

START_TEST(buffered_value_is_received_at_once) {
  weir_chan_t *ch = new_ints(1);
  int received = UNTOUCHED;
  probe_t recv;

  put(ch, 5);
  start_recv(&recv, ch, &received);
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 5);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(values_keep_their_order_round_the_end_of_the_ring) {
  weir_chan_t *ch = new_ints(3);
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
  weir_chan_t *ch = new_ints(2);
  int values[] = {0, 1, 2, 3, 4};
  probe_t sends[5];

  for (int i = 0; i < 5; i++) start_send(&sends[i], ch, &values[i]);
  for (int i = 0; i < 5; i++) ck_assert_int_eq(get(ch), i);
  weir_run(loop);
  for (int i = 0; i < 5; i++) ck_completed(&sends[i], 0);
  weir_chan_unref(ch);
}
END_TEST

/* order */

START_TEST(receivers_are_served_in_the_order_of_their_start) {
  weir_chan_t *ch = new_ints(0);
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
  weir_chan_t *ch = new_ints(0);
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

START_TEST(parked_partner_is_called_back_before_the_later_starter) {
  weir_chan_t *ch = new_ints(0);
  int sent = 1, received;
  probe_t first, second;

  start_recv(&first, ch, &received);
  start_send(&second, ch, &sent);
  weir_run(loop);
  ck_assert_uint_lt(first.order, second.order);
  start_send(&first, ch, &sent);
  start_recv(&second, ch, &received);
  weir_run(loop);
  ck_assert_uint_lt(first.order, second.order);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(cancelled_receiver_does_not_take_a_turn) {
  weir_chan_t *ch = new_ints(0);
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

/* callbacks */

START_TEST(no_callback_runs_inside_a_call) {
  weir_chan_t *ch = new_ints(0), *other = new_ints(1);
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
  weir_run(loop);
  for (int i = 0; i < 6; i++) ck_assert_int_eq(probes[i].calls, 1);
  weir_chan_unref(other);
  weir_ctx_unref(ctx);
}
END_TEST

static weir_chan_t *ping_chan, *pong_chan;
static probe_t ping, pong;
static int ping_value, pong_value, rallies;

static void on_ping(weir_op_t *op, int status) {
  unsigned before = probe_count;

  probe_note(op, status);
  ck_assert_int_eq(status, 0);
  if (ping_value == rallies) return;
  pong_value = ping_value + 1;
  ck_assert_int_eq(weir_chan_send(&pong.op, pong_chan, &pong_value, probe_note), 0);
  ck_assert_int_eq(weir_chan_recv(&ping.op, ping_chan, &ping_value, on_ping), 0);
  ck_assert_uint_eq(probe_count, before + 1);
}

static int back_value, forth_value;
static probe_t back, forth;

static void on_pong(weir_op_t *op, int status) {
  probe_note(op, status);
  ck_assert_int_eq(status, 0);
  forth_value = back_value + 1;
  ck_assert_int_eq(weir_chan_send(&forth.op, ping_chan, &forth_value, probe_note), 0);
  if (forth_value == rallies) return;
  ck_assert_int_eq(weir_chan_recv(&back.op, pong_chan, &back_value, on_pong), 0);
}

START_TEST(ops_restarted_in_their_callbacks_play_ping_pong) {
  int zero = 0;
  probe_t serve;

  ping_chan = new_ints(0);
  pong_chan = new_ints(0);
  rallies = 2000;
  probe_init(&ping, bg);
  probe_init(&pong, bg);
  probe_init(&back, bg);
  probe_init(&forth, bg);
  weir_chan_recv(&ping.op, ping_chan, &ping_value, on_ping);
  weir_chan_recv(&back.op, pong_chan, &back_value, on_pong);
  start_send(&serve, ping_chan, &zero);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(ping_value, rallies);
  weir_chan_unref(ping_chan);
  weir_chan_unref(pong_chan);
}
END_TEST

/* NULL channels */

START_TEST(ops_on_a_null_channel_park_until_they_are_cancelled) {
  int value = UNTOUCHED;
  probe_t probes[4];

  start_send(&probes[0], NULL, &value);
  start_recv(&probes[1], NULL, &value);
  probe_init(&probes[2], bg);
  probe_init(&probes[3], bg);
  ck_assert_int_eq(weir_chan_send_many(&probes[2].op, NULL, &value, 1, probe_note), 0);
  ck_assert_int_eq(weir_chan_recv_many(&probes[3].op, NULL, &value, 1, probe_note), 0);
  ck_assert_uint_eq(weir_run(loop), 4);
  for (int i = 0; i < 4; i++) {
    ck_not_completed(&probes[i]);
    cancel_and_run(&probes[i]);
    ck_completed(&probes[i], UV_ECANCELED);
    ck_assert_uint_eq(probes[i].index, 0);
  }
  ck_assert_int_eq(value, UNTOUCHED);
}
END_TEST

START_TEST(op_on_a_null_channel_ends_with_its_context) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5);
  probe_t recv;

  recv_under(ctx, &recv, NULL, NULL);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, UV_ETIMEDOUT);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(null_channel_gives_eagain_to_try_and_has_no_length) {
  int value = UNTOUCHED;

  ck_assert_int_eq(weir_chan_try_send(NULL, &value), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_recv(NULL, &value), UV_EAGAIN);
  ck_assert_int_eq(value, UNTOUCHED);
  ck_assert_uint_eq(weir_chan_len(NULL), 0);
  ck_assert_uint_eq(weir_chan_cap(NULL), 0);
  ck_assert(!weir_chan_closed(NULL));
  ck_assert_ptr_null(weir_chan_ref(NULL));
  weir_chan_unref(NULL);
}
END_TEST

/* sizes */

static const size_t sizes[] = {0, 1, 3, 8, 24, 4096};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), LARGEST = 4096 };

static void fill(unsigned char *value, size_t size, unsigned seed) {
  for (size_t i = 0; i < size; i++) value[i] = (unsigned char)(seed * 31 + i * 7 + 1);
}

static void ck_filled(const unsigned char *value, size_t size, unsigned seed) {
  unsigned char expected[LARGEST];

  fill(expected, size, seed);
  ck_assert_int_eq(memcmp(value, expected, size), 0);
  ck_assert_uint_eq(value[size], 0xee); /* and nothing behind it */
}

static weir_chan_t *new_sized(size_t size, size_t capacity) {
  weir_type_t type = {.size = size};

  return weir_chan_new(loop, &type, capacity);
}

START_TEST(buffered_values_of_all_sizes_arrive_whole) {
  unsigned char sent[LARGEST], received[LARGEST + 1];

  for (int s = 0; s < SIZES; s++) {
    weir_chan_t *ch = new_sized(sizes[s], 3);
    for (unsigned i = 0; i < 12; i++) {
      fill(sent, sizes[s], i);
      ck_assert_int_eq(weir_chan_try_send(ch, sent), 0);
      if (i < 2) continue;
      memset(received, 0xee, sizeof(received));
      ck_assert_int_eq(weir_chan_try_recv(ch, received), 0);
      ck_filled(received, sizes[s], i - 2);
    }
    ck_assert_uint_eq(weir_chan_len(ch), 2);
    weir_chan_unref(ch);
  }
}
END_TEST

static void ck_rendezvous(size_t size, bool send_first) {
  weir_chan_t *ch = new_sized(size, 0);
  unsigned char sent[LARGEST], received[LARGEST + 1];
  weir_op_t send, recv;

  fill(sent, size, 9);
  memset(received, 0xee, sizeof(received));
  weir_op_init(&send, bg);
  weir_op_init(&recv, bg);
  if (send_first) weir_chan_send(&send, ch, sent, NULL);
  weir_chan_recv(&recv, ch, received, NULL);
  if (!send_first) weir_chan_send(&send, ch, sent, NULL);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_filled(received, size, 9);
  weir_chan_unref(ch);
}

START_TEST(handed_over_values_of_all_sizes_arrive_whole) {
  for (int s = 0; s < SIZES; s++) {
    ck_rendezvous(sizes[s], true);
    ck_rendezvous(sizes[s], false);
  }
}
END_TEST

START_TEST(null_type_is_a_pure_signal) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, 2);
  char untouched = 1;

  ck_assert_int_eq(weir_chan_try_send(ch, NULL), 0);
  ck_assert_int_eq(weir_chan_try_send(ch, NULL), 0);
  ck_assert_int_eq(weir_chan_try_send(ch, NULL), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), 0);
  ck_assert_int_eq(weir_chan_try_recv(ch, &untouched), 0);
  ck_assert_int_eq(weir_chan_try_recv(ch, NULL), UV_EAGAIN);
  weir_chan_close(ch);
  ck_assert_int_eq(weir_chan_try_recv(ch, &untouched), UV_EOF);
  ck_assert_int_eq(untouched, 1);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(type_is_copied_when_the_channel_is_made) {
  weir_type_t *type = malloc(sizeof(*type));
  weir_chan_t *ch;

  *type = (weir_type_t){.size = sizeof(int), .drop = owned_drop};
  ch = weir_chan_new(loop, type, 1);
  memset(type, 0xff, sizeof(*type));
  free(type);
  put(ch, 3);
  owned_drops = 0;
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 1);
}
END_TEST

START_TEST(capacity_that_overflows_gives_null) {
  ck_assert_ptr_null(new_sized(sizeof(int), SIZE_MAX));
  ck_assert_ptr_null(new_sized(4096, SIZE_MAX / 2048));
  ck_assert_ptr_null(new_sized(SIZE_MAX, 1));
  ck_assert_ptr_null(new_sized(SIZE_MAX - 8, 1));
  ck_assert_ptr_null(weir_chan_new(NULL, NULL, 1));
}
END_TEST

START_TEST(signals_need_no_room) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, 1000000000);

  ck_assert_ptr_nonnull(ch);
  ck_assert_uint_eq(weir_chan_cap(ch), 1000000000);
  for (int i = 0; i < 1000; i++) ck_assert_int_eq(weir_chan_try_send(ch, NULL), 0);
  ck_assert_uint_eq(weir_chan_len(ch), 1000);
  weir_chan_unref(ch);
}
END_TEST

/* arguments */

START_TEST(send_of_no_value_gives_einval) {
  weir_chan_t *ch = new_ints(1);
  probe_t send;

  probe_init(&send, bg);
  ck_assert_int_eq(weir_chan_send(&send.op, ch, NULL, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_chan_send_many(&send.op, ch, NULL, 2, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_chan_try_send(ch, NULL), UV_EINVAL);
  ck_assert(!weir_op_pending(&send.op));
  weir_run(loop);
  ck_assert_int_eq(send.calls, 0);
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(channel_of_another_loop_gives_einval) {
  int value = 1;
  weir_chan_t *ch;
  probe_t probe;
  own_t own;

  own_open(&own);
  ch = weir_chan_new(own.loop, WEIR_TYPE(int), 1);
  probe_init(&probe, bg);
  ck_assert_int_eq(weir_chan_send(&probe.op, ch, &value, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_chan_recv(&probe.op, ch, &value, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_chan_send_many(&probe.op, ch, &value, 1, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_chan_recv_many(&probe.op, ch, &value, 1, probe_note), UV_EINVAL);
  weir_run(loop);
  ck_assert_int_eq(probe.calls, 0);
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  weir_chan_unref(ch);
  own_close(&own);
}
END_TEST

/* names */

static void ck_dumped(const char *wanted, bool expected) {
  char text[4096] = {0};
  FILE *file = tmpfile();

  ck_assert_ptr_nonnull(file);
  weir_dump(loop, file);
  rewind(file);
  ck_assert_uint_lt(fread(text, 1, sizeof(text) - 1, file), sizeof(text) - 1);
  fclose(file);
  ck_assert_msg((strstr(text, wanted) != NULL) == expected, "dump: %s", text);
}

START_TEST(name_is_the_types_until_one_is_set) {
  weir_type_t type = {.size = sizeof(int), .name = "a type of its own"};
  weir_chan_t *ch = weir_chan_new(loop, &type, 0);
  int value;
  probe_t recv;

  start_recv(&recv, ch, &value);
  ck_dumped("a type of its own", true);
  weir_chan_set_name(ch, "requests");
  ck_dumped("requests", true);
  ck_dumped("a type of its own", false);
  weir_chan_unref(ch);
  weir_run(loop);
}
END_TEST

static const support_test_t tests[] = {
    T(send_waits_for_a_receiver),
    T(recv_waits_for_a_sender),
    T(rendezvous_has_no_room),
    T(buffered_sends_complete_until_the_channel_is_full),
    T(buffered_value_is_received_at_once),
    T(values_keep_their_order_round_the_end_of_the_ring),
    T(values_of_parked_senders_follow_the_buffered_ones),
    T(receivers_are_served_in_the_order_of_their_start),
    T(senders_are_served_in_the_order_of_their_start),
    T(parked_partner_is_called_back_before_the_later_starter),
    T(cancelled_receiver_does_not_take_a_turn),
    T(no_callback_runs_inside_a_call),
    T(ops_restarted_in_their_callbacks_play_ping_pong),
    T(ops_on_a_null_channel_park_until_they_are_cancelled),
    T(op_on_a_null_channel_ends_with_its_context),
    T(null_channel_gives_eagain_to_try_and_has_no_length),
    T(buffered_values_of_all_sizes_arrive_whole),
    T(handed_over_values_of_all_sizes_arrive_whole),
    T(null_type_is_a_pure_signal),
    T(type_is_copied_when_the_channel_is_made),
    T(capacity_that_overflows_gives_null),
    T(signals_need_no_room),
    T(send_of_no_value_gives_einval),
    T(channel_of_another_loop_gives_einval),
    T(name_is_the_types_until_one_is_set),
};
SUITE_MAIN("chan", tests)
