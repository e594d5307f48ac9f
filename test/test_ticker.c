/* Description: timers as channels: sig, after, tick. */
#include "support/probe.h"
#include "support/support.h"

enum { SECOND = 1000, HOUR = 3600000 };

static void go_virtual(void) {
  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
}

static size_t timers_now(void) {
  weir_stats_t stats;

  weir_stats(loop, &stats);
  return stats.timers;
}

static void sleep_for(uint64_t ms) {
  weir_op_t op;

  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_sleep(&op, ms, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&op), 0);
}

/* Waits for a time from a channel. */
static uint64_t receive(weir_chan_t *ch) {
  uint64_t time = 0;
  weir_op_t op;

  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_chan_recv(&op, ch, &time, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  return time;
}

/* sig */

START_TEST(sig_closes_after_its_time_and_carries_nothing) {
  uint64_t start;
  weir_chan_t *sig;
  probe_t recv;

  go_virtual();
  start = weir_now(loop);
  sig = weir_timer_sig(loop, HOUR);
  ck_assert_uint_eq(weir_chan_cap(sig), 0);
  ck_assert(!weir_chan_closed(sig));
  probe_init(&recv, bg);
  weir_chan_recv(&recv.op, sig, NULL, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, UV_EOF);
  ck_assert(weir_chan_closed(sig));
  ck_assert_uint_eq(weir_now(loop), start + HOUR);
  weir_chan_unref(sig);
}
END_TEST

START_TEST(referenced_sig_keeps_the_loop_alive_with_nobody_waiting) {
  weir_chan_t *sig;

  go_virtual();
  sig = weir_timer_sig(loop, HOUR);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert(weir_chan_closed(sig));
  weir_chan_unref(sig);
}
END_TEST

START_TEST(sig_closed_by_hand_stops_its_timer) {
  weir_chan_t *sig = weir_timer_sig(loop, HOUR);

  ck_assert_uint_eq(timers_now(), 1);
  ck_assert_int_eq(weir_chan_close(sig), 0);
  ck_assert_uint_eq(timers_now(), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_chan_unref(sig);
}
END_TEST

START_TEST(dropping_the_last_reference_stops_the_timer) {
  weir_chan_t *chans[] = {weir_timer_sig(loop, 2 * HOUR), weir_timer_after(loop, 2 * HOUR),
                          weir_timer_tick(loop, 2 * HOUR)};

  ck_assert_uint_eq(timers_now(), 3);
  for (int i = 0; i < 3; i++) {
    weir_chan_ref(chans[i]);
    weir_chan_unref(chans[i]);
  }
  ck_assert_uint_eq(timers_now(), 3);
  ck_assert_int_ne(uv_run(uv, UV_RUN_NOWAIT), 0);
  for (int i = 0; i < 3; i++) weir_chan_unref(chans[i]);
  ck_assert_uint_eq(timers_now(), 0);
  ck_assert_uint_eq(weir_run(loop), 0); /* at once, not in two hours */
}
END_TEST

/* The `or` of the Go book, by select: the slow signal is dropped once the fast one has come. */
START_TEST(select_over_2_hours_and_1_second_ends_after_the_second) {
  weir_chan_t *slow, *fast;
  weir_case_t cases[2];
  uint64_t start;
  probe_t select;

  go_virtual();
  start = weir_now(loop);
  slow = weir_timer_sig(loop, 2 * HOUR);
  fast = weir_timer_sig(loop, SECOND);
  cases[0] = WEIR_RECV(slow, NULL);
  cases[1] = WEIR_RECV(fast, NULL);
  probe_init(&select, bg);
  weir_select(&select.op, cases, 2, probe_note);
  ck_assert_int_eq(weir_op_wait(&select.op), UV_EOF);
  ck_assert_uint_eq(select.index, 1);
  weir_chan_unref(slow);
  weir_chan_unref(fast);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(weir_now(loop), start + SECOND);
}
END_TEST

static weir_chan_t *dropped_chan;

static void drop_chan(weir_op_t *op, int status) {
  probe_note(op, status);
  weir_chan_unref(dropped_chan);
}

/* In real time: it is the host's program that has to end. */
START_TEST(dropping_a_timer_in_a_callback_lets_the_program_end) {
  weir_chan_t *fast = weir_timer_sig(loop, 2);
  probe_t recv, parked;

  dropped_chan = weir_timer_sig(loop, 2 * HOUR);
  probe_init(&recv, bg);
  probe_init(&parked, bg);
  weir_chan_recv(&recv.op, fast, NULL, drop_chan);
  weir_chan_recv(&parked.op, dropped_chan, NULL, probe_note);
  uv_run(uv, UV_RUN_DEFAULT);
  ck_completed(&recv, UV_EOF);
  ck_completed(&parked, UV_EOF);
  weir_chan_unref(fast);
}
END_TEST

START_TEST(real_sig_after_and_tick_are_not_early) {
  uint64_t start = uv_hrtime();
  weir_chan_t *tick = weir_timer_tick(loop, 2), *after = weir_timer_after(loop, 5);

  receive(tick);
  ck_assert_uint_ge(uv_hrtime() - start, 2000000);
  receive(after);
  ck_assert_uint_ge(uv_hrtime() - start, 5000000);
  for (uint64_t i = 4; i < 8; i++) receive(tick);
  ck_assert_uint_ge(uv_hrtime() - start, 10000000);
  weir_chan_unref(tick);
  weir_chan_unref(after);
  ck_assert_uint_eq(weir_run(loop), 0);
}
END_TEST

/* after */

START_TEST(after_delivers_the_time_once_and_stays_open) {
  uint64_t start, time = 0;
  weir_chan_t *after;

  go_virtual();
  start = weir_now(loop);
  after = weir_timer_after(loop, SECOND);
  ck_assert_uint_eq(weir_chan_cap(after), 1);
  ck_assert_int_eq(weir_chan_try_recv(after, &time), UV_EAGAIN);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(weir_chan_len(after), 1);
  ck_assert_uint_eq(receive(after), start + SECOND);
  ck_assert(!weir_chan_closed(after));
  ck_assert_int_eq(weir_chan_try_recv(after, &time), UV_EAGAIN);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_chan_unref(after);
}
END_TEST

START_TEST(after_and_sig_of_0_ms_come_from_the_loop) {
  weir_chan_t *after = weir_timer_after(loop, 0), *sig = weir_timer_sig(loop, 0);

  ck_assert_uint_eq(weir_chan_len(after), 0);
  ck_assert(!weir_chan_closed(sig));
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(weir_chan_len(after), 1);
  ck_assert(weir_chan_closed(sig));
  weir_chan_unref(after);
  weir_chan_unref(sig);
}
END_TEST

START_TEST(endless_timers_never_fire) {
  weir_chan_t *chans[] = {weir_timer_sig(loop, UINT64_MAX), weir_timer_after(loop, UINT64_MAX),
                          weir_timer_tick(loop, UINT64_MAX)};

  sleep_for(2);
  for (int i = 0; i < 3; i++) {
    ck_assert(!weir_chan_closed(chans[i]));
    ck_assert_uint_eq(weir_chan_len(chans[i]), 0);
    weir_chan_unref(chans[i]);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
}
END_TEST

/* tick */

START_TEST(tick_of_0_ms_or_without_a_loop_gives_null) {
  ck_assert_ptr_null(weir_timer_tick(loop, 0));
  ck_assert_ptr_null(weir_timer_tick(NULL, 1));
  ck_assert_ptr_null(weir_timer_sig(NULL, 1));
  ck_assert_ptr_null(weir_timer_after(NULL, 1));
  ck_assert_uint_eq(timers_now(), 0);
}
END_TEST

START_TEST(tick_delivers_the_time_again_and_again) {
  uint64_t start;
  weir_chan_t *tick;

  go_virtual();
  start = weir_now(loop);
  tick = weir_timer_tick(loop, SECOND);
  ck_assert_uint_eq(weir_chan_cap(tick), 1);
  for (uint64_t i = 1; i <= 100; i++) ck_assert_uint_eq(receive(tick), start + i * SECOND);
  weir_chan_unref(tick);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(weir_now(loop), start + 100 * SECOND);
}
END_TEST

/* The receiver is away for ten and a half ticks: one waits for it, then the beat goes on. */
START_TEST(slow_receiver_misses_ticks) {
  uint64_t start, time;
  weir_chan_t *tick;

  go_virtual();
  start = weir_now(loop);
  tick = weir_timer_tick(loop, SECOND);
  sleep_for(10 * SECOND + SECOND / 2);
  ck_assert_uint_eq(weir_chan_len(tick), 1);
  ck_assert_uint_eq(receive(tick), start + SECOND);
  ck_assert_int_eq(weir_chan_try_recv(tick, &time), UV_EAGAIN);
  ck_assert_uint_eq(receive(tick), start + 11 * SECOND);
  ck_assert_uint_eq(receive(tick), start + 12 * SECOND);
  weir_chan_unref(tick);
}
END_TEST

/* In real time: the loop itself is held up; the ticks meanwhile are not made up for. */
START_TEST(tick_keeps_its_beat_after_a_busy_loop) {
  uint64_t start = weir_now(loop), time;
  weir_chan_t *tick = weir_timer_tick(loop, 200);

  be_busy(350);
  time = receive(tick);
  ck_assert_uint_ge(time, start + 350);
  time = receive(tick);
  ck_assert_uint_ge(time, start + 400);
  ck_assert_uint_lt(time, start + 530); /* not 550: the busy time has moved nothing */
  weir_chan_unref(tick);
}
END_TEST

typedef struct ranging_s {
  weir_range_t range;
  weir_chan_t *tick;
  int ticks, ended;
} ranging_t;

static void on_tick(weir_range_t *range, const void *value, int status) {
  ranging_t *self = (ranging_t *)range;

  if (!value) {
    ck_assert_int_eq(status, UV_EOF);
    self->ended++;
  } else if (++self->ticks == 5) {
    weir_chan_close(self->tick);
  }
}

START_TEST(tick_closed_by_its_receiver_ends_the_range_and_the_program) {
  ranging_t ranging = {0};

  go_virtual();
  ranging.tick = weir_timer_tick(loop, SECOND);
  weir_range_init(&ranging.range, bg);
  ck_assert_int_eq(weir_range_start(&ranging.range, ranging.tick, on_tick), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(ranging.ticks, 5);
  ck_assert_int_eq(ranging.ended, 1);
  ck_assert_uint_eq(timers_now(), 0);
  weir_chan_unref(ranging.tick);
}
END_TEST

START_TEST(two_ticks_keep_their_order) {
  weir_chan_t *slow, *fast;
  uint64_t start;

  go_virtual();
  start = weir_now(loop);
  slow = weir_timer_tick(loop, 3);
  fast = weir_timer_tick(loop, 2);
  ck_assert_uint_eq(receive(fast), start + 2);
  ck_assert_uint_eq(receive(slow), start + 3);
  ck_assert_uint_eq(receive(fast), start + 4);
  ck_assert_uint_eq(receive(slow), start + 6);
  ck_assert_uint_eq(receive(fast), start + 6);
  weir_chan_unref(slow);
  weir_chan_unref(fast);
  ck_assert_uint_eq(weir_run(loop), 0);
}
END_TEST

static const support_test_t tests[] = {
    T(sig_closes_after_its_time_and_carries_nothing),
    T(referenced_sig_keeps_the_loop_alive_with_nobody_waiting),
    T(sig_closed_by_hand_stops_its_timer),
    T(dropping_the_last_reference_stops_the_timer),
    T(select_over_2_hours_and_1_second_ends_after_the_second),
    T(dropping_a_timer_in_a_callback_lets_the_program_end),
    T(real_sig_after_and_tick_are_not_early),
    T(after_delivers_the_time_once_and_stays_open),
    T(after_and_sig_of_0_ms_come_from_the_loop),
    T(endless_timers_never_fire),
    T(tick_of_0_ms_or_without_a_loop_gives_null),
    T(tick_delivers_the_time_again_and_again),
    T(slow_receiver_misses_ticks),
    T(tick_keeps_its_beat_after_a_busy_loop),
    T(tick_closed_by_its_receiver_ends_the_range_and_the_program),
    T(two_ticks_keep_their_order),
};

SUITE_MAIN("ticker", tests)
