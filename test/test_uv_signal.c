/* Description: signal: those that come, are one with another, and are not waited for any more. */
#include "support/drains.h"
#include "support/dumped.h"
#include "support/pipes.h"

static void raise_signal(int signum) {
  ck_assert_int_eq(kill(getpid(), signum), 0);
}

static int receive(weir_chan_t *ch) {
  int signum = 0;

  while (weir_chan_try_recv(ch, &signum) == UV_EAGAIN) turns(uv, 1);
  return signum;
}

static void ck_none(weir_chan_t *ch) {
  int signum = 77;

  turns(uv, 5);
  ck_assert_int_eq(weir_chan_try_recv(ch, &signum), UV_EAGAIN);
  ck_assert_int_eq(signum, 77);
}

static weir_chan_t *open_signal(int signum) {
  weir_chan_t *ch = weir_uv_signal(bg, signum);

  ck_assert_ptr_nonnull(ch);
  ck_assert(!weir_chan_closed(ch));
  return ch;
}

START_TEST(signal_comes_as_its_number) {
  weir_chan_t *ch = open_signal(SIGUSR1);

  ck_assert_uint_eq(weir_chan_type(ch)->size, sizeof(int));
  for (int i = 0; i < 5; i++) {
    ck_none(ch);
    raise_signal(SIGUSR1);
    ck_assert_int_eq(receive(ch), SIGUSR1);
  }
  ck_none(ch);
  weir_chan_unref(ch);
  ck_nothing_left();
}
END_TEST

START_TEST(signal_wakes_who_waits_for_it) {
  weir_chan_t *ch = open_signal(SIGUSR2);
  int signum = 0;
  probe_t recv;

  start_recv(&recv, ch, &signum);
  turns(uv, 3);
  ck_not_completed(&recv);
  raise_signal(SIGUSR2);
  ck_assert_int_eq(weir_op_wait(&recv.op), 0);
  ck_assert_int_eq(signum, SIGUSR2);
  weir_chan_unref(ch);
  ck_nothing_left();
}
END_TEST

/* What wakes a loop that sleeps in its poll comes from another thread. */
static void raise_usr1(void *arg) {
  (void)arg;
  raise(SIGUSR1);
}

START_TEST(signal_wakes_a_loop_that_sleeps) {
  weir_chan_t *ch = open_signal(SIGUSR1);
  int signum = 0;
  probe_t recv;
  other_t other;

  start_recv(&recv, ch, &signum);
  other_start(&other, raise_usr1, NULL);
  other_go_when_asleep(&other, uv);
  ck_assert_int_eq(weir_op_wait(&recv.op), 0);
  other_join(&other);
  ck_assert_int_eq(signum, SIGUSR1);
  weir_chan_unref(ch);
  ck_nothing_left();
}
END_TEST

START_TEST(signals_that_come_while_one_waits_are_one) {
  weir_chan_t *ch = open_signal(SIGUSR1);

  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 100; i++) {
      raise_signal(SIGUSR1);
      if (i % 10 == 0) turns(uv, 1);
    }
    turns(uv, 3);
    ck_assert_int_eq(receive(ch), SIGUSR1);
    ck_none(ch);
  }
  weir_chan_unref(ch);
  ck_nothing_left();
}
END_TEST

START_TEST(each_channel_has_its_own) {
  weir_chan_t *both[] = {open_signal(SIGUSR1), open_signal(SIGUSR1)}, *other = open_signal(SIGUSR2);

  raise_signal(SIGUSR1);
  for (int i = 0; i < 2; i++) ck_assert_int_eq(receive(both[i]), SIGUSR1);
  ck_none(other);
  weir_chan_unref(both[0]);
  turns(uv, 5);
  raise_signal(SIGUSR1);
  raise_signal(SIGUSR2);
  ck_assert_int_eq(receive(both[1]), SIGUSR1);
  ck_assert_int_eq(receive(other), SIGUSR2);
  weir_chan_unref(both[1]);
  weir_chan_unref(other);
  ck_nothing_left();
}
END_TEST

START_TEST(any_of_receive_and_sleep_is_a_timeout) {
  weir_chan_t *ch = open_signal(SIGUSR1);
  int signum = 77;
  probe_t recv, sleep, any;
  weir_op_t *ops[] = {&recv.op, &sleep.op};

  start_recv(&recv, ch, &signum);
  probe_init(&sleep, bg);
  probe_init(&any, bg);
  weir_sleep(&sleep.op, 1, probe_note);
  weir_any(&any.op, ops, 2, probe_note);
  ck_assert_int_eq(weir_op_wait(&any.op), 0);
  ck_assert_uint_eq(any.index, 1);
  ck_not_completed(&recv);
  weir_chan_unref(ch); /* which it does not hold */
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, UV_ECANCELED);
  ck_nothing_left();
}
END_TEST

/* the end */

START_TEST(channel_keeps_the_loop_alive_until_it_is_dropped) {
  weir_chan_t *ch = open_signal(SIGUSR1);

  for (int i = 0; i < 10; i++) ck_assert_int_ne(uv_run(uv, UV_RUN_NOWAIT), 0);
  weir_chan_unref(ch);
  ck_assert_uint_eq(weir_run(loop), 0); /* returns */
  ck_assert(!uv_loop_alive(uv));
  ck_nothing_left();
}
END_TEST

START_TEST(channel_dropped_with_a_signal_in_it) {
  for (int n = 0; n < 4; n++) {
    weir_chan_t *ch = open_signal(SIGUSR1);

    turns(uv, 2);
    raise_signal(SIGUSR1);
    turns(uv, n);
    weir_chan_unref(ch);
    ck_nothing_left();
  }
}
END_TEST

START_TEST(channel_closed_by_its_receiver_lets_the_loop_end) {
  weir_chan_t *ch = open_signal(SIGUSR1);

  weir_chan_close(ch);
  turns(uv, 20);
  ck_assert(!uv_loop_alive(uv));
  weir_chan_unref(ch);
  ck_nothing_left();
}
END_TEST

START_TEST(channel_closed_and_dropped_lets_the_loop_end) {
  weir_chan_t *ch = open_signal(SIGUSR1);

  weir_chan_close(ch);
  weir_chan_unref(ch);
  turns(uv, 20);
  ck_assert(!uv_loop_alive(uv));
  ck_nothing_left();
}
END_TEST

static void ck_cut(way_t way, size_t come) {
  int signum = 77;
  weir_chan_t *ch;
  cut_t cut;

  cut_open(&cut, way);
  ch = weir_uv_signal(cut.ctx, SIGUSR1);
  if (come) raise_signal(SIGUSR1);
  turn_until(&cut.own.uv, weir_chan_len(ch) == come);
  cut_now(&cut, NULL);
  turn_until(&cut.own.uv, weir_chan_closed(ch));
  cut_finish(&cut);
  ck_assert_uint_eq(weir_chan_len(ch), come);
  if (come) ck_assert_int_eq(weir_chan_try_recv(ch, &signum), 0);
  if (come) ck_assert_int_eq(signum, SIGUSR1);
  ck_assert_int_eq(weir_chan_try_recv(ch, &signum), cut_status(&cut));
  weir_chan_unref(ch);
}

START_TEST(waiting_for_signals_is_cut) {
  for (way_t way = BY_CONTEXT; way < WAYS; way++) {
    ck_cut(way, 0);
    if (way != BY_DEADLINE) ck_cut(way, 1); /* after the deadline it would end the program */
  }
}
END_TEST

/* starts */

START_TEST(bad_numbers_end_at_once) {
  static const int numbers[] = {0, -1, SIGKILL, SIGSTOP, 4711};

  for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
    weir_chan_t *ch = weir_uv_signal(bg, numbers[i]);

    ck_chan_ended(ch, UV_EINVAL);
    weir_chan_unref(ch);
    ck_nothing_left();
    ck_assert(!uv_loop_alive(uv));
  }
}
END_TEST

START_TEST(null_gives_null) {
  ck_assert_ptr_null(weir_uv_signal(NULL, SIGUSR1));
}
END_TEST

START_TEST(cancelled_context_gives_an_ended_channel) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *late = weir_ctx_with_timeout(bg, 0);
  weir_chan_t *ch;

  weir_ctx_cancel(ctx);
  ch = weir_uv_signal(ctx, SIGUSR1);
  ck_chan_ended(ch, UV_ECANCELED);
  weir_chan_unref(ch);
  ch = weir_uv_signal(late, SIGUSR1);
  ck_chan_ended(ch, UV_ETIMEDOUT);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
  weir_ctx_unref(late);
  ck_nothing_left();
}
END_TEST

START_TEST(closed_loop_gives_null) {
  weir_ctx_t *ctx;
  own_t own;

  own_open(&own);
  ctx = weir_ctx_with_cancel(own.bg);
  own_close(&own);
  ck_assert_ptr_null(weir_uv_signal(ctx, SIGUSR1));
  weir_ctx_unref(ctx);
}
END_TEST

static weir_chan_t *build_signal(void *arg) {
  weir_chan_t *ch = weir_uv_signal(bg, *(int *)arg);

  ck_assert(!ch || !weir_chan_closed(ch));
  return ch;
}

START_TEST(want_of_memory_gives_null) {
  int signum = SIGUSR1;

  ck_fails_cleanly(build_signal, &signum);
}
END_TEST

START_TEST(signal_takes_no_memory) {
  weir_chan_t *ch = open_signal(SIGUSR1);

  turns(uv, 3);
  support_fail_after(0);
  raise_signal(SIGUSR1);
  ck_assert_int_eq(receive(ch), SIGUSR1);
  weir_chan_unref(ch);
  turns(uv, 5);
  support_fail_after(SIZE_MAX);
  ck_nothing_left();
}
END_TEST

START_TEST(stats_count_it_and_nothing_is_stuck) {
  weir_chan_t *ch = open_signal(SIGUSR1);

  ck_assert_uint_eq(pipe_stats().stages, 1);
  ck_assert_uint_eq(pipe_stats().ops_parked, 0);
  ck_dumped_nothing();
  weir_chan_unref(ch);
  ck_nothing_left();
}
END_TEST

/* A host may close all handles that it finds, before weir is closed or while it is. */
static void close_one(uv_handle_t *handle, void *arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void ck_walked(bool is_closing_first) {
  weir_chan_t *ch;
  own_t own;

  own_open(&own);
  ch = weir_uv_signal(own.bg, SIGUSR1);
  turns(&own.uv, 3);
  if (is_closing_first) weir_loop_close(own.loop, own_on_closed, &own);
  uv_walk(&own.uv, close_one, NULL);
  weir_loop_close(own.loop, own_on_closed, &own);
  own_await_closed(&own);
  ck_chan_ended(ch, UV_ECANCELED);
  weir_chan_unref(ch);
}

START_TEST(host_closes_all_handles_before_the_loop) {
  ck_walked(false);
}
END_TEST

START_TEST(host_closes_all_handles_while_the_loop_closes) {
  ck_walked(true);
}
END_TEST

static const support_test_t tests[] = {
    T(signal_comes_as_its_number),
    T(signal_wakes_who_waits_for_it),
    T(signal_wakes_a_loop_that_sleeps),
    T(signals_that_come_while_one_waits_are_one),
    T(each_channel_has_its_own),
    T(any_of_receive_and_sleep_is_a_timeout),
    T(channel_keeps_the_loop_alive_until_it_is_dropped),
    T(channel_dropped_with_a_signal_in_it),
    T(channel_closed_by_its_receiver_lets_the_loop_end),
    T(channel_closed_and_dropped_lets_the_loop_end),
    T(waiting_for_signals_is_cut),
    T(bad_numbers_end_at_once),
    T(null_gives_null),
    T(cancelled_context_gives_an_ended_channel),
    T(closed_loop_gives_null),
    T(want_of_memory_gives_null),
    T(signal_takes_no_memory),
    T(stats_count_it_and_nothing_is_stuck),
    T(host_closes_all_handles_before_the_loop),
    T(host_closes_all_handles_while_the_loop_closes),
};

SUITE_MAIN("uv_signal", tests)
