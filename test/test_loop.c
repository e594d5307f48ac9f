/* Description: the run queue: order, budget, who drives the uv loop, what keeps it alive, costs. */
#include <stdlib.h>

#include "support/probe.h"
#include "support/support.h"

/* order */

START_TEST(completions_come_in_fifo_order) {
  probe_t probes[5000];

  for (int i = 0; i < 5000; i++) {
    probe_init(&probes[i], bg);
    weir_yield(&probes[i].op, probe_note);
  }
  weir_run(loop);
  for (int i = 1; i < 5000; i++) ck_assert_uint_eq(probes[i].order, probes[i - 1].order + 1);
}
END_TEST

START_TEST(no_callback_runs_inside_the_call_that_causes_it) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), 1);
  probe_t recv, send, yield, sleep;
  int value = 1;

  probe_init(&recv, bg);
  probe_init(&send, bg);
  probe_init(&yield, bg);
  probe_init(&sleep, bg);
  weir_chan_recv(&recv.op, ch, NULL, probe_note);
  weir_chan_send(&send.op, ch, &value, probe_note);
  weir_yield(&yield.op, probe_note);
  weir_sleep(&sleep.op, 0, probe_note);
  ck_not_completed(&recv);
  ck_not_completed(&send);
  ck_not_completed(&yield);
  ck_not_completed(&sleep);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, 0);
  ck_completed(&send, 0);
  ck_completed(&yield, 0);
  ck_completed(&sleep, 0);
  weir_chan_unref(ch);
}
END_TEST

/* what weir_run counts and what keeps it going */

START_TEST(run_of_an_idle_loop_returns_0) {
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
}
END_TEST

START_TEST(parked_ops_are_counted_and_keep_nothing_alive) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, 0);
  weir_case_t cases[] = {WEIR_RECV(ch, NULL), WEIR_RECV(NULL, NULL)};
  probe_t recv, select, all, wait;
  weir_op_t *ops[] = {&recv.op, &select.op};

  probe_init(&recv, bg);
  probe_init(&select, bg);
  probe_init(&all, bg);
  probe_init(&wait, bg);
  weir_chan_recv(&recv.op, ch, NULL, probe_note);
  weir_select(&select.op, cases, 2, probe_note);
  weir_all(&all.op, ops, 2, probe_note);
  weir_ctx_wait(&wait.op, bg, probe_note);
  ck_assert_uint_eq(weir_run(loop), 4);
  ck_assert_int_eq(uv_loop_alive(uv), 0);
  weir_op_cancel(&recv.op);
  ck_assert_uint_eq(weir_run(loop), 3);
  weir_chan_close(ch);
  ck_assert_uint_eq(weir_run(loop), 1);
  weir_op_cancel(&wait.op);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_chan_unref(ch);
}
END_TEST

static void ignore_value(weir_range_t *range, const void *value, int status) {
  (void)range, (void)value, (void)status;
}

START_TEST(run_counts_a_range_but_not_a_paused_one_nor_watches) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), 0);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, ch), *child = weir_ctx_with_cancel(ctx);
  weir_range_t range;

  ck_assert_ptr_nonnull(weir_ctx_done(child));
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_range_init(&range, bg);
  weir_range_start(&range, ch, ignore_value);
  ck_assert_uint_eq(weir_run(loop), 1);
  weir_range_pause(&range);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_range_resume(&range);
  ck_assert_uint_eq(weir_run(loop), 1);
  weir_range_stop(&range);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(runnable_op_keeps_uv_alive_until_it_has_run) {
  probe_t yield;

  probe_init(&yield, bg);
  weir_yield(&yield.op, probe_note);
  ck_assert_int_ne(uv_loop_alive(uv), 0);
  uv_run(uv, UV_RUN_DEFAULT);
  ck_completed(&yield, 0);
  ck_assert_int_eq(uv_loop_alive(uv), 0);
}
END_TEST

static size_t nested_parked;
static probe_t after_nested;

static void run_again(weir_op_t *op, int status) {
  probe_note(op, status);
  nested_parked = weir_run(weir_ctx_loop(bg));
  ck_not_completed(&after_nested);
}

START_TEST(run_inside_a_callback_runs_nothing) {
  probe_t outer, parked;

  probe_init(&outer, bg);
  probe_init(&after_nested, bg);
  probe_init(&parked, bg);
  weir_chan_recv(&parked.op, NULL, NULL, probe_note);
  weir_yield(&outer.op, run_again);
  weir_yield(&after_nested.op, probe_note);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_assert_uint_eq(nested_parked, 1);
  ck_completed(&outer, 0);
  ck_completed(&after_nested, 0);
  weir_op_cancel(&parked.op);
  weir_run(loop);
}
END_TEST

static void stop_uv(weir_op_t *op, int status) {
  probe_note(op, status);
  uv_stop(uv);
}

START_TEST(uv_stop_interrupts_and_nothing_is_lost) {
  probe_t stop, sleep;

  probe_init(&stop, bg);
  probe_init(&sleep, bg);
  weir_sleep(&sleep.op, 5, probe_note);
  weir_yield(&stop.op, stop_uv);
  weir_run(loop);
  ck_completed(&stop, 0);
  weir_run(loop);
  ck_completed(&sleep, 0);
}
END_TEST

/* who drives */

/* Yields, sleeps and a rendezvous, driven by one mode of uv_run until nothing is left. */
static void drive(uv_run_mode mode) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), 0);
  probe_t yield, sleep, recv, send;
  int sent = 3, received = 0;

  probe_init(&yield, bg);
  probe_init(&sleep, bg);
  probe_init(&recv, bg);
  probe_init(&send, bg);
  weir_chan_recv(&recv.op, ch, &received, probe_note);
  weir_yield(&yield.op, probe_note);
  weir_sleep(&sleep.op, 3, probe_note);
  while (uv_run(uv, mode)) {
    if (sleep.calls && !send.calls && !weir_op_pending(&send.op))
      weir_chan_send(&send.op, ch, &sent, probe_note);
  }
  if (!send.calls) weir_chan_send(&send.op, ch, &sent, probe_note);
  while (uv_run(uv, mode)) continue;
  ck_completed(&yield, 0);
  ck_completed(&sleep, 0);
  ck_completed(&recv, 0);
  ck_completed(&send, 0);
  ck_assert_int_eq(received, 3);
  weir_chan_unref(ch);
}

START_TEST(host_may_drive_by_default_mode) {
  drive(UV_RUN_DEFAULT);
}
END_TEST

START_TEST(host_may_drive_by_once_mode) {
  drive(UV_RUN_ONCE);
}
END_TEST

START_TEST(host_may_drive_by_nowait_mode) {
  drive(UV_RUN_NOWAIT);
}
END_TEST

static void close_handle_only(uv_async_t *async) {
  uv_close((uv_handle_t *)async, NULL);
}

/* Something else is alive, on which a poll would wait for ever. */
START_TEST(one_turn_completes_what_is_runnable) {
  uv_run_mode modes[] = {UV_RUN_NOWAIT, UV_RUN_ONCE};
  uv_async_t async;

  uv_async_init(uv, &async, close_handle_only);
  for (int i = 0; i < 2; i++) {
    probe_t yield;
    probe_init(&yield, bg);
    weir_yield(&yield.op, probe_note);
    uv_run(uv, modes[i]);
    ck_completed(&yield, 0);
  }
  uv_async_send(&async);
  weir_run(loop);
}
END_TEST

START_TEST(two_uv_loops_of_one_thread_take_turns) {
  own_t own;
  probe_t here, there;

  own_open(&own);
  probe_init(&here, bg);
  probe_init(&there, own.bg);
  weir_yield(&here.op, probe_note);
  weir_sleep(&there.op, 2, probe_note);
  while (uv_run(uv, UV_RUN_NOWAIT) | uv_run(&own.uv, UV_RUN_NOWAIT)) continue;
  ck_completed(&here, 0);
  ck_completed(&there, 0);
  own_close(&own);
}
END_TEST

static void note_closed(void *arg) {
  ++*(int *)arg;
}

START_TEST(two_weir_loops_on_one_uv_loop) {
  weir_loop_t *other;
  probe_t here, there, late, parked;
  int closed = 0;

  ck_assert_int_eq(weir_loop_new(&other, uv), 0);
  probe_init(&here, bg);
  probe_init(&late, bg);
  probe_init(&there, weir_loop_background(other));
  probe_init(&parked, weir_loop_background(other));
  weir_yield(&here.op, probe_note);
  weir_sleep(&there.op, 2, probe_note);
  weir_chan_recv(&parked.op, NULL, NULL, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&here, 0);
  ck_completed(&there, 0);
  weir_loop_close(other, note_closed, &closed);
  weir_sleep(&late.op, 2, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(closed, 1);
  ck_completed(&parked, UV_ECANCELED);
  ck_completed(&late, 0);
}
END_TEST

/* Operations started in each phase of a turn, from handles of the host before and after weir's. */

static probe_t phase_yield, phase_sleep;

static void start_in_phase(uv_handle_t *handle) {
  uv_close(handle, NULL);
  ck_assert_int_eq(weir_yield(&phase_yield.op, probe_note), 0);
  ck_assert_int_eq(weir_sleep(&phase_sleep.op, 1, probe_note), 0);
}

static void in_timer(uv_timer_t *handle) {
  start_in_phase((uv_handle_t *)handle);
}

static void in_idle(uv_idle_t *handle) {
  start_in_phase((uv_handle_t *)handle);
}

static void in_prepare(uv_prepare_t *handle) {
  start_in_phase((uv_handle_t *)handle);
}

static void in_check(uv_check_t *handle) {
  start_in_phase((uv_handle_t *)handle);
}

static void in_poll(uv_async_t *handle) {
  start_in_phase((uv_handle_t *)handle);
}

static void in_close(uv_handle_t *handle) {
  (void)handle;
  weir_yield(&phase_yield.op, probe_note);
  weir_sleep(&phase_sleep.op, 1, probe_note);
}

static void close_this(uv_idle_t *handle) {
  uv_close((uv_handle_t *)handle, in_close);
}

typedef union any_handle_u {
  uv_handle_t handle;
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_async_t async;
} any_handle_t;

enum { PHASES = 6 };

static void init_phase(uv_loop_t *on, any_handle_t *h, int phase) {
  switch (phase) {
  case 0:
    uv_timer_init(on, &h->timer);
    break;
  case 1:
  case 5:
    uv_idle_init(on, &h->idle);
    break;
  case 2:
    uv_prepare_init(on, &h->prepare);
    break;
  case 3:
    uv_check_init(on, &h->check);
    break;
  default:
    uv_async_init(on, &h->async, in_poll);
    break;
  }
}

static void start_phase(any_handle_t *h, int phase) {
  switch (phase) {
  case 0:
    uv_timer_start(&h->timer, in_timer, 1, 0);
    break;
  case 1:
    uv_idle_start(&h->idle, in_idle);
    break;
  case 2:
    uv_prepare_start(&h->prepare, in_prepare);
    break;
  case 3:
    uv_check_start(&h->check, in_check);
    break;
  case 4:
    uv_async_send(&h->async);
    break;
  default:
    uv_idle_start(&h->idle, close_this);
    break;
  }
}

static void run_phase(int phase, bool host_first, uv_run_mode mode) {
  own_t own = {0};
  any_handle_t host;
  probe_t wake;

  ck_assert_int_eq(uv_loop_init(&own.uv), 0);
  if (host_first) {
    init_phase(&own.uv, &host, phase);
    start_phase(&host, phase);
  }
  ck_assert_int_eq(weir_loop_new(&own.loop, &own.uv), 0);
  own.bg = weir_loop_background(own.loop);
  if (!host_first) {
    init_phase(&own.uv, &host, phase);
    start_phase(&host, phase);
  }
  probe_init(&phase_yield, own.bg);
  probe_init(&phase_sleep, own.bg);
  probe_init(&wake, own.bg);
  if (phase == 3) weir_yield(&wake.op, probe_note); /* a check alone waits for ever in the poll */
  while (!phase_yield.calls || uv_loop_alive(&own.uv)) uv_run(&own.uv, mode);
  ck_completed(&phase_yield, 0);
  ck_completed(&phase_sleep, 0);
  own_close(&own);
}

START_TEST(ops_started_in_any_phase_of_a_turn_complete) {
  uv_run_mode modes[] = {UV_RUN_DEFAULT, UV_RUN_ONCE, UV_RUN_NOWAIT};

  for (int phase = 0; phase < PHASES; phase++)
    for (int mode = 0; mode < 3; mode++) {
      run_phase(phase, false, modes[mode]);
      run_phase(phase, true, modes[mode]);
    }
}
END_TEST

/* budget */

typedef struct feeders_s {
  weir_op_t ops[2];
  bool stop;
  uint64_t fed;
} feeders_t;

static void feed(weir_op_t *op, int status) {
  feeders_t *feeders = op->data;
  weir_op_t *other = op == &feeders->ops[0] ? &feeders->ops[1] : &feeders->ops[0];

  ck_assert_int_eq(status, 0);
  feeders->fed++;
  if (!feeders->stop) weir_yield(other, feed);
}

static void start_feeding(feeders_t *feeders) {
  *feeders = (feeders_t){0};
  for (int i = 0; i < 2; i++) {
    weir_op_init(&feeders->ops[i], bg);
    feeders->ops[i].data = feeders;
  }
  weir_yield(&feeders->ops[0], feed);
}

static int looks; /* what the host's handles saw while the feeders went on */

static void see_timer(uv_timer_t *timer) {
  looks |= 1;
  uv_close((uv_handle_t *)timer, NULL);
}

static void see_async(uv_async_t *async) {
  looks |= 2;
  uv_close((uv_handle_t *)async, NULL);
}

static void give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  static char room[16];

  (void)handle, (void)size;
  *buf = uv_buf_init(room, sizeof(room));
}

static void see_data(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  (void)buf;
  ck_assert_int_eq(n, 2);
  looks |= 4;
  uv_close((uv_handle_t *)stream, NULL);
}

static void stop_when_all_seen(uv_prepare_t *prepare) {
  if (looks != 7) return;
  ((feeders_t *)prepare->data)->stop = true;
  uv_close((uv_handle_t *)prepare, NULL);
}

START_TEST(callbacks_feeding_each_other_do_not_starve_timer_async_and_socket) {
  feeders_t feeders;
  uv_timer_t timer;
  uv_async_t async;
  uv_prepare_t prepare;
  uv_tcp_t tcp[2];
  uv_os_sock_t sockets[2];
  uv_buf_t hi = uv_buf_init((char[]){"hi"}, 2);

  looks = 0;
  uv_timer_init(uv, &timer);
  uv_timer_start(&timer, see_timer, 2, 0);
  uv_async_init(uv, &async, see_async);
  uv_async_send(&async);
  uv_prepare_init(uv, &prepare);
  prepare.data = &feeders;
  uv_prepare_start(&prepare, stop_when_all_seen);
  ck_assert_int_eq(uv_socketpair(SOCK_STREAM, 0, sockets, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE), 0);
  for (int i = 0; i < 2; i++) {
    uv_tcp_init(uv, &tcp[i]);
    ck_assert_int_eq(uv_tcp_open(&tcp[i], sockets[i]), 0);
  }
  uv_read_start((uv_stream_t *)&tcp[0], give_buffer, see_data);
  ck_assert_int_eq(uv_try_write((uv_stream_t *)&tcp[1], &hi, 1), 2);
  uv_close((uv_handle_t *)&tcp[1], NULL);
  start_feeding(&feeders);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(looks, 7);
}
END_TEST

static uint64_t least, most, seen_before;
static int turns_seen;

/* Counts the completions between two looks at I/O; the first turn has a look before it. */
static void count_turn(uv_prepare_t *prepare) {
  feeders_t *feeders = prepare->data;
  uint64_t now = feeders->fed - seen_before;

  seen_before = feeders->fed;
  if (turns_seen > 0 && now < least) least = now;
  if (now > most) most = now;
  if (++turns_seen < 50) return;
  feeders->stop = true;
  uv_close((uv_handle_t *)prepare, NULL);
}

START_TEST(budget_between_two_polls_is_512_or_more_and_bounded) {
  feeders_t feeders;
  uv_prepare_t prepare;

  least = UINT64_MAX;
  most = seen_before = 0;
  turns_seen = 0;
  uv_prepare_init(uv, &prepare);
  prepare.data = &feeders;
  uv_prepare_start(&prepare, count_turn);
  start_feeding(&feeders);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_ge(least, 512);
  ck_assert_uint_le(most, 1100);
}
END_TEST

/* what waiting costs */

static uint64_t cpu_us(void) {
  uv_rusage_t usage;

  uv_getrusage(&usage);
  return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

enum { MANY = 100000 };

START_TEST(idle_loop_with_100000_parked_uses_no_cpu) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), 0);
  weir_op_t *parked = malloc(MANY * sizeof(*parked));
  weir_op_t sleep;
  uint64_t before;
  weir_stats_t at_start, at_end;

  for (int i = 0; i < MANY; i++) {
    weir_op_init(&parked[i], bg);
    ck_assert_int_eq(weir_chan_recv(&parked[i], ch, NULL, NULL), 0);
  }
  weir_op_init(&sleep, bg);
  weir_sleep(&sleep, 1, NULL);
  ck_assert_uint_eq(weir_run(loop), MANY); /* valgrind translates code when it first runs */
  weir_sleep(&sleep, 200, NULL);
  weir_stats(loop, &at_start);
  before = cpu_us();
  ck_assert_uint_eq(weir_run(loop), MANY);
  ck_assert_uint_lt(cpu_us() - before, 20000);
  weir_stats(loop, &at_end);
  ck_assert_uint_lt(at_end.loop_turns - at_start.loop_turns, 10);
  weir_chan_close(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_chan_unref(ch);
  free(parked);
}
END_TEST

static const support_test_t tests[] = {
    T(completions_come_in_fifo_order),
    T(no_callback_runs_inside_the_call_that_causes_it),
    T(run_of_an_idle_loop_returns_0),
    T(parked_ops_are_counted_and_keep_nothing_alive),
    T(run_counts_a_range_but_not_a_paused_one_nor_watches),
    T(runnable_op_keeps_uv_alive_until_it_has_run),
    T(run_inside_a_callback_runs_nothing),
    T(uv_stop_interrupts_and_nothing_is_lost),
    T(host_may_drive_by_default_mode),
    T(host_may_drive_by_once_mode),
    T(host_may_drive_by_nowait_mode),
    T(one_turn_completes_what_is_runnable),
    T(two_uv_loops_of_one_thread_take_turns),
    T(two_weir_loops_on_one_uv_loop),
    T(ops_started_in_any_phase_of_a_turn_complete),
    T(callbacks_feeding_each_other_do_not_starve_timer_async_and_socket),
    T(budget_between_two_polls_is_512_or_more_and_bounded),
    T(idle_loop_with_100000_parked_uses_no_cpu),
};

SUITE_MAIN("loop", tests)
