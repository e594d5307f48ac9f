/* Description: blocking calls: what they return, when they give up, who is served first. */
#include "support/caller.h"

#define FOR_EVER UINT64_MAX

/* at once */

START_TEST(what_needs_no_waiting_happens_whatever_the_timeout) {
  static const uint64_t timeouts[] = {0, 1, FOR_EVER};
  weir_chan_t *ch = shared_ints(2);

  for (int i = 0; i < 3; i++) {
    int first = 10 + i, second = 20 + i, received[2] = {UNTOUCHED, UNTOUCHED};
    ck_assert_int_eq(weir_chan_send_blocking(ch, &first, timeouts[i]), 0);
    ck_assert_int_eq(weir_chan_send_blocking(ch, &second, timeouts[i]), 0);
    ck_assert_int_eq(weir_chan_recv_blocking(ch, &received[0], timeouts[i]), 0);
    ck_assert_int_eq(weir_chan_recv_blocking(ch, &received[1], timeouts[i]), 0);
    ck_assert_int_eq(received[0], first);
    ck_assert_int_eq(received[1], second);
  }
  weir_chan_unref(ch);
}
END_TEST

START_TEST(signals_need_no_value) {
  weir_chan_t *ch = weir_chan_new_shared(NULL, 1);

  ck_assert_int_eq(weir_chan_send_blocking(ch, NULL, 0), 0);
  ck_assert_int_eq(weir_chan_send_blocking(ch, NULL, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_chan_recv_blocking(ch, NULL, 0), 0);
  ck_assert_int_eq(weir_chan_recv_blocking(ch, NULL, 0), UV_ETIMEDOUT);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(recv_into_null_drops_the_value) {
  weir_chan_t *ch = shared_owned(2);
  caller_t sender = {.ch = ch, .value = 2, .timeout_ms = FOR_EVER};

  put(ch, 0);
  put(ch, 1);
  caller_block(&sender, caller_send, ch, 1);
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(weir_chan_recv_blocking(ch, NULL, FOR_EVER), 0);
    ck_assert_int_eq(owned_drops, i + 1);
    ck_assert_int_eq(owned_dropped[i], 1);
  }
  ck_assert_int_eq(caller_join(&sender), 0);
  weir_chan_unref(ch);
}
END_TEST

/* timeouts */

START_TEST(timeout_of_0_gives_up_at_once) {
  weir_chan_t *rendezvous = shared_owned(0), *full = shared_owned(1);
  int value = 7, received = UNTOUCHED;
  size_t index = 77;
  weir_case_t cases[] = {WEIR_RECV(rendezvous, &received), WEIR_SEND(full, &value)};

  put(full, 1);
  ck_assert_int_eq(weir_chan_send_blocking(rendezvous, &value, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_chan_send_blocking(full, &value, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_chan_recv_blocking(rendezvous, &received, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_select_blocking(cases, 2, 0, &index), UV_ETIMEDOUT);
  ck_assert_int_eq(received, UNTOUCHED);
  ck_assert_int_eq(owned_drops, 0);
  ck_assert_int_eq(get(full), 1);
  ck_assert_int_eq(weir_chan_try_recv(full, NULL), UV_EAGAIN);
  weir_chan_unref(rendezvous);
  weir_chan_unref(full);
}
END_TEST

enum { SHORT_MS = 15 };

/* Asserts that the call times out, and not before its time. */
#define ck_times_out(call)                                                                         \
  do {                                                                                             \
    uint64_t from_ = uv_hrtime();                                                                  \
    ck_assert_int_eq((call), UV_ETIMEDOUT);                                                        \
    ck_assert_uint_ge(uv_hrtime() - from_, SHORT_MS * UINT64_C(1000000));                          \
  } while (0)

START_TEST(timeout_is_never_early_and_leaves_nothing_behind) {
  weir_chan_t *ch = shared_owned(0);
  int value = 7, received = UNTOUCHED;
  weir_case_t cases[] = {WEIR_RECV(ch, &received), WEIR_SEND(ch, &value)};

  for (int i = 0; i < 5; i++) {
    ck_times_out(weir_chan_send_blocking(ch, &value, SHORT_MS));
    ck_times_out(weir_chan_recv_blocking(ch, &received, SHORT_MS));
    ck_times_out(weir_select_blocking(cases, 2, SHORT_MS, NULL));
    ck_assert_uint_eq(waiting_on(ch), 0);
    ck_assert_int_eq(weir_chan_try_send(ch, &value), UV_EAGAIN);
    ck_assert_int_eq(weir_chan_try_recv(ch, &received), UV_EAGAIN);
  }
  ck_assert_int_eq(received, UNTOUCHED);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(null_channel_and_no_cases_wait_for_the_timeout) {
  int value = UNTOUCHED;
  weir_case_t off[] = {WEIR_RECV(NULL, &value), WEIR_SEND(NULL, &value), WEIR_SEND(NULL, NULL)};

  ck_assert_int_eq(weir_chan_send_blocking(NULL, &value, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_chan_recv_blocking(NULL, &value, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_select_blocking(NULL, 0, 0, NULL), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_select_blocking(off, 3, 0, NULL), UV_ETIMEDOUT);
  ck_times_out(weir_chan_send_blocking(NULL, &value, SHORT_MS));
  ck_times_out(weir_chan_recv_blocking(NULL, &value, SHORT_MS));
  ck_times_out(weir_select_blocking(NULL, 0, SHORT_MS, NULL));
  ck_times_out(weir_select_blocking(off, 3, SHORT_MS, NULL));
  ck_assert_int_eq(value, UNTOUCHED);
}
END_TEST

/* A deadline in nanoseconds would overflow. */
START_TEST(timeout_may_be_longer_than_the_clock_runs) {
  static const uint64_t timeouts[] = {FOR_EVER,           FOR_EVER - 1, FOR_EVER / 1000,
                                      FOR_EVER / 1000000, INT64_MAX,    INT64_MAX / 1000000};

  for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
    weir_chan_t *ch = shared_ints(0);
    caller_t receiver = {.ch = ch, .timeout_ms = timeouts[i]};
    caller_block(&receiver, caller_recv, ch, 1);
    put(ch, 3);
    ck_assert_int_eq(caller_join(&receiver), 0);
    ck_assert_int_eq(receiver.value, 3);
    weir_chan_unref(ch);
  }
}
END_TEST

/* closed channels */

START_TEST(closed_channel_gives_epipe_and_the_closing_status) {
  weir_chan_t *ended = shared_owned(1), *failed = shared_owned(0);
  int value = 1, received[2] = {UNTOUCHED, UNTOUCHED};

  put(ended, 8);
  weir_chan_close(ended);
  weir_chan_close_with(failed, UV_EIO);
  ck_assert_int_eq(weir_chan_send_blocking(ended, &value, FOR_EVER), UV_EPIPE);
  ck_assert_int_eq(weir_chan_send_blocking(failed, &value, 0), UV_EPIPE);
  ck_assert_int_eq(weir_chan_recv_blocking(ended, &received[0], FOR_EVER), 0);
  ck_assert_int_eq(received[0], 8);
  ck_assert_int_eq(weir_chan_recv_blocking(ended, &received[0], FOR_EVER), UV_EOF);
  ck_assert_int_eq(weir_chan_recv_blocking(failed, &received[1], 0), UV_EIO);
  ck_assert_int_eq(weir_chan_recv_blocking(failed, NULL, FOR_EVER), UV_EIO);
  ck_assert_int_eq(received[0], 0);
  ck_assert_int_eq(received[1], 0);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ended);
  weir_chan_unref(failed);
}
END_TEST

typedef void (*end_t)(weir_chan_t *ch);

static void end_by_close(weir_chan_t *ch) {
  ck_assert_int_eq(weir_chan_close(ch), 0);
  ck_assert_uint_eq(waiting_on(ch), 0);
  weir_chan_unref(ch);
}

/* Two that receive, one of them by a select, then two that send. */
static void ck_ended_while_blocked(end_t end) {
  weir_chan_t *in = shared_owned(0), *out = shared_owned(0);
  caller_t callers[4];
  int value = 5, received = UNTOUCHED;
  weir_case_t recv_cases[] = {WEIR_RECV(NULL, NULL), WEIR_RECV(in, &received)};
  weir_case_t send_case = WEIR_SEND(out, &value);

  callers[0] = (caller_t){.ch = in, .value = UNTOUCHED, .timeout_ms = FOR_EVER};
  callers[1] = (caller_t){.cases = recv_cases, .n = 2, .timeout_ms = FOR_EVER};
  callers[2] = (caller_t){.ch = out, .value = 5, .timeout_ms = FOR_EVER};
  callers[3] = (caller_t){.cases = &send_case, .n = 1, .timeout_ms = FOR_EVER};
  caller_block(&callers[0], caller_recv, in, 1);
  caller_block(&callers[1], caller_select, in, 2);
  caller_block(&callers[2], caller_send, out, 1);
  caller_block(&callers[3], caller_select, out, 2);
  end(in);
  end(out);
  for (int i = 0; i < 4; i++) ck_assert_int_eq(caller_join(&callers[i]), i < 2 ? UV_EOF : UV_EPIPE);
  ck_assert_uint_eq(callers[1].index, 1);
  ck_assert_uint_eq(callers[3].index, 0);
  ck_assert_int_eq(callers[0].value, 0);
  ck_assert_int_eq(received, 0);
  ck_assert_int_eq(owned_drops, 0);
}

START_TEST(close_ends_blocked_calls) {
  ck_ended_while_blocked(end_by_close);
}
END_TEST

START_TEST(last_unref_ends_blocked_calls_as_a_close_does) {
  ck_ended_while_blocked(weir_chan_unref);
}
END_TEST

START_TEST(close_with_ends_a_blocked_recv_with_its_status) {
  weir_chan_t *ch = shared_ints(3);
  caller_t receiver = {.ch = ch, .value = UNTOUCHED, .timeout_ms = FOR_EVER};

  caller_block(&receiver, caller_recv, ch, 1);
  weir_chan_close_with(ch, UV_ECONNRESET);
  ck_assert_int_eq(caller_join(&receiver), UV_ECONNRESET);
  ck_assert_int_eq(receiver.value, 0);
  weir_chan_unref(ch);
}
END_TEST

/* partners */

START_TEST(two_threads_meet_without_a_loop) {
  weir_chan_t *ch = shared_ints(0);
  caller_t receiver = {.ch = ch, .timeout_ms = FOR_EVER};
  caller_t sender = {.ch = ch, .value = 6, .timeout_ms = FOR_EVER};

  caller_block(&receiver, caller_recv, ch, 1);
  caller_start(&sender, caller_send);
  ck_assert_int_eq(caller_join(&receiver), 0);
  ck_assert_int_eq(caller_join(&sender), 0);
  ck_assert_int_eq(receiver.value, 6);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(op_completes_a_blocked_call_and_a_call_a_parked_op) {
  weir_chan_t *ch = shared_ints(0);
  caller_t receiver = {.ch = ch, .timeout_ms = FOR_EVER};
  int values[] = {3, 4}, received = UNTOUCHED;
  probe_t send, recv;

  caller_block(&receiver, caller_recv, ch, 1);
  start_send(&send, ch, &values[0]);
  ck_assert_int_eq(caller_join(&receiver), 0);
  ck_assert_int_eq(receiver.value, 3);
  start_recv(&recv, ch, &received);
  ck_assert_int_eq(weir_chan_send_blocking(ch, &values[1], FOR_EVER), 0);
  ck_not_completed(&recv); /* the loop stands still */
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, 0);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 4);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(try_and_many_meet_blocked_calls) {
  weir_chan_t *ch = shared_ints(0);
  caller_t callers[3];
  int received[3], values[] = {0, 1, 2};
  probe_t many;

  for (int i = 0; i < 3; i++) {
    callers[i] = (caller_t){.ch = ch, .value = i, .timeout_ms = FOR_EVER};
    caller_block(&callers[i], caller_send, ch, (size_t)i + 1);
  }
  ck_assert_int_eq(get(ch), 0);
  probe_init(&many, bg);
  weir_chan_recv_many(&many.op, ch, received, 3, probe_note);
  weir_run(loop);
  ck_assert_uint_eq(many.index, 2);
  ck_assert_int_eq(received[0], 1);
  ck_assert_int_eq(received[1], 2);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(caller_join(&callers[i]), 0);
  for (int i = 0; i < 3; i++) caller_block(&callers[i], caller_recv, ch, (size_t)i + 1);
  weir_chan_send_many(&many.op, ch, values, 3, probe_note);
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(caller_join(&callers[i]), 0);
    ck_assert_int_eq(callers[i].value, i);
  }
  weir_run(loop);
  weir_chan_unref(ch);
}
END_TEST

/* order */

START_TEST(blocked_receivers_are_served_in_order) {
  enum { N = 6 };
  weir_chan_t *ch = shared_ints(0);
  caller_t callers[N];
  int received = UNTOUCHED;
  probe_t recv;

  for (int i = 0; i < N; i++) {
    callers[i] = (caller_t){.ch = ch, .timeout_ms = FOR_EVER};
    if (i == 3) start_recv(&recv, ch, &received); /* an op among the threads */
    caller_block(&callers[i], caller_recv, ch, (size_t)i + 1 + (i >= 3));
  }
  for (int i = 0; i <= N; i++) put(ch, i);
  for (int i = 0; i < N; i++) {
    ck_assert_int_eq(caller_join(&callers[i]), 0);
    ck_assert_int_eq(callers[i].value, i + (i >= 3));
  }
  weir_run(loop);
  ck_assert_int_eq(received, 3);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(blocked_senders_are_served_in_order) {
  enum { N = 6 };
  weir_chan_t *ch = shared_ints(2);
  caller_t callers[N];

  put(ch, 0);
  put(ch, 1);
  for (int i = 0; i < N; i++) {
    callers[i] = (caller_t){.ch = ch, .value = i + 2, .timeout_ms = FOR_EVER};
    caller_block(&callers[i], caller_send, ch, (size_t)i + 1);
  }
  for (int i = 0; i < N + 2; i++) ck_assert_int_eq(get(ch), i);
  for (int i = 0; i < N; i++) ck_assert_int_eq(caller_join(&callers[i]), 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(call_that_timed_out_takes_no_turn) {
  weir_chan_t *ch = shared_ints(0);
  caller_t gone = {.ch = ch, .value = UNTOUCHED, .timeout_ms = 5};
  caller_t stays = {.ch = ch, .timeout_ms = FOR_EVER};

  caller_start(&gone, caller_recv);
  ck_assert_int_eq(caller_join(&gone), UV_ETIMEDOUT);
  caller_block(&stays, caller_recv, ch, 1);
  put(ch, 4);
  ck_assert_int_eq(caller_join(&stays), 0);
  ck_assert_int_eq(stays.value, 4);
  ck_assert_int_eq(gone.value, UNTOUCHED);
  weir_chan_unref(ch);
}
END_TEST

/* select */

START_TEST(select_says_which_case_happened) {
  weir_chan_t *empty = shared_ints(1), *full = shared_ints(1);
  int sent = 4, received[2] = {UNTOUCHED, UNTOUCHED};
  weir_case_t cases[] = {WEIR_RECV(empty, &received[0]), WEIR_RECV(NULL, NULL),
                         WEIR_RECV(full, &received[1])};
  size_t index = 77;

  put(full, 9);
  ck_assert_int_eq(weir_select_blocking(cases, 3, FOR_EVER, &index), 0);
  ck_assert_uint_eq(index, 2);
  ck_assert_int_eq(received[0], UNTOUCHED);
  ck_assert_int_eq(received[1], 9);
  cases[2] = WEIR_SEND(full, &sent);
  ck_assert_int_eq(weir_select_blocking(cases, 3, FOR_EVER, NULL), 0);
  ck_assert_int_eq(get(full), 4);
  weir_chan_close_with(empty, UV_EIO);
  cases[2].chan = NULL;
  ck_assert_int_eq(weir_select_blocking(cases, 3, FOR_EVER, &index), UV_EIO);
  ck_assert_uint_eq(index, 0);
  ck_assert_int_eq(received[0], 0);
  cases[0] = WEIR_SEND(empty, &sent);
  ck_assert_int_eq(weir_select_blocking(cases, 3, 0, &index), UV_EPIPE);
  weir_chan_unref(empty);
  weir_chan_unref(full);
}
END_TEST

/* The select stands twice at one channel, and in both directions at the other. */
static void ck_blocked_select(int partner) {
  weir_chan_t *a = shared_ints(0), *b = shared_ints(0);
  int values[] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, 8}, sent = 5, received = UNTOUCHED;
  weir_case_t cases[] = {WEIR_RECV(a, &values[0]), WEIR_RECV(b, &values[1]),
                         WEIR_RECV(a, &values[2]), WEIR_SEND(b, &values[3])};
  caller_t select = {.cases = cases, .n = 4, .timeout_ms = FOR_EVER};

  caller_start(&select, caller_select);
  await_waiting(a, 2);
  await_waiting(b, 2);
  if (partner == 0) ck_assert_int_eq(weir_chan_send_blocking(a, &sent, FOR_EVER), 0);
  if (partner == 1) ck_assert_int_eq(weir_chan_send_blocking(b, &sent, FOR_EVER), 0);
  if (partner == 2) ck_assert_int_eq(weir_chan_recv_blocking(b, &received, FOR_EVER), 0);
  ck_assert_int_eq(caller_join(&select), 0);
  ck_assert_int_eq(received, partner == 2 ? 8 : UNTOUCHED);
  ck_assert_int_eq(cases[select.index].chan == a, partner == 0);
  ck_assert_int_eq(cases[select.index].is_send, partner == 2);
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq(values[i], partner < 2 && i == select.index ? 5 : UNTOUCHED);
  ck_assert_uint_eq(waiting_on(a) + waiting_on(b), 0);
  weir_chan_unref(a);
  weir_chan_unref(b);
}

START_TEST(blocked_select_takes_whoever_comes) {
  for (int partner = 0; partner < 3; partner++) ck_blocked_select(partner);
}
END_TEST

START_TEST(two_blocking_selects_meet_in_one_channel) {
  for (int round = 0; round < 20; round++) {
    weir_chan_t *a = shared_ints(0), *b = shared_ints(0);
    int sent[2] = {10, 11}, received[2] = {UNTOUCHED, UNTOUCHED};
    weir_case_t first[] = {WEIR_SEND(a, &sent[0]), WEIR_RECV(b, &received[0])};
    weir_case_t second[] = {WEIR_RECV(a, &received[1]), WEIR_SEND(b, &sent[1])};
    caller_t callers[2] = {{.cases = first, .n = 2, .timeout_ms = FOR_EVER},
                           {.cases = second, .n = 2, .timeout_ms = FOR_EVER}};
    for (int i = 0; i < 2; i++) caller_start(&callers[i], caller_select);
    for (int i = 0; i < 2; i++) ck_assert_int_eq(caller_join(&callers[i]), 0);
    ck_assert_uint_eq(callers[0].index, callers[1].index);
    ck_assert_int_eq(received[0], callers[0].index == 1 ? 11 : UNTOUCHED);
    ck_assert_int_eq(received[1], callers[0].index == 0 ? 10 : UNTOUCHED);
    ck_assert_uint_eq(waiting_on(a) + waiting_on(b), 0);
    weir_chan_unref(a);
    weir_chan_unref(b);
  }
}
END_TEST

/* arguments */

START_TEST(local_channel_gives_einval) {
  weir_chan_t *local = new_ints(1), *shared = shared_ints(1);
  int value = 1, received = UNTOUCHED;
  weir_case_t cases[] = {WEIR_SEND(shared, &value), WEIR_RECV(local, &received)};

  ck_assert_int_eq(weir_chan_send_blocking(local, &value, 0), UV_EINVAL);
  ck_assert_int_eq(weir_chan_send_blocking(local, &value, FOR_EVER), UV_EINVAL);
  ck_assert_uint_eq(weir_chan_len(local), 0);
  put(local, 3);
  ck_assert_int_eq(weir_chan_recv_blocking(local, &received, 0), UV_EINVAL);
  ck_assert_int_eq(weir_chan_recv_blocking(local, &received, FOR_EVER), UV_EINVAL);
  ck_assert_int_eq(weir_select_blocking(cases, 2, FOR_EVER, NULL), UV_EINVAL);
  ck_assert_int_eq(received, UNTOUCHED);
  ck_assert_uint_eq(weir_chan_len(local), 1);
  ck_assert_uint_eq(weir_chan_len(shared), 0);
  weir_chan_unref(local);
  weir_chan_unref(shared);
}
END_TEST

START_TEST(wrong_arguments_give_einval) {
  weir_chan_t *ch = shared_ints(1);
  weir_case_t cases[] = {WEIR_RECV(NULL, NULL), WEIR_SEND(ch, NULL)};

  ck_assert_int_eq(weir_chan_send_blocking(ch, NULL, 0), UV_EINVAL);
  ck_assert_int_eq(weir_select_blocking(NULL, 1, 0, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_select_blocking(cases, 2, 0, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_select_blocking(cases, SIZE_MAX, 0, NULL), UV_EINVAL);
  ck_assert_uint_eq(weir_chan_len(ch), 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(blocking_calls_allocate_nothing) {
  weir_chan_t *ch = shared_ints(1);
  int value = 1;
  weir_case_t c = WEIR_RECV(ch, &value);
  size_t before = support_allocations();

  for (int i = 0; i < 10; i++) {
    ck_assert_int_eq(weir_chan_send_blocking(ch, &value, 0), 0);
    ck_assert_int_eq(weir_chan_send_blocking(ch, &value, 1), UV_ETIMEDOUT);
    ck_assert_int_eq(weir_chan_recv_blocking(ch, &value, 0), 0);
    ck_assert_int_eq(weir_select_blocking(&c, 1, 1, NULL), UV_ETIMEDOUT);
  }
  ck_assert_uint_eq(support_allocations(), before);
  weir_chan_unref(ch);
}
END_TEST

static const support_test_t tests[] = {
    T(what_needs_no_waiting_happens_whatever_the_timeout),
    T(signals_need_no_value),
    T(recv_into_null_drops_the_value),
    T(timeout_of_0_gives_up_at_once),
    T(timeout_is_never_early_and_leaves_nothing_behind),
    T(null_channel_and_no_cases_wait_for_the_timeout),
    T(timeout_may_be_longer_than_the_clock_runs),
    T(closed_channel_gives_epipe_and_the_closing_status),
    T(close_ends_blocked_calls),
    T(last_unref_ends_blocked_calls_as_a_close_does),
    T(close_with_ends_a_blocked_recv_with_its_status),
    T(two_threads_meet_without_a_loop),
    T(op_completes_a_blocked_call_and_a_call_a_parked_op),
    T(try_and_many_meet_blocked_calls),
    T(blocked_receivers_are_served_in_order),
    T(blocked_senders_are_served_in_order),
    T(call_that_timed_out_takes_no_turn),
    T(select_says_which_case_happened),
    T(blocked_select_takes_whoever_comes),
    T(two_blocking_selects_meet_in_one_channel),
    T(local_channel_gives_einval),
    T(wrong_arguments_give_einval),
    T(blocking_calls_allocate_nothing),
};
SUITE_MAIN("blocking", tests)
