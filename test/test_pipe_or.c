/* Description: or: closes with the first of its channels, as one select; lets go of all. */
#include "support/pipes_more.h"
#include "support/shared.h"

enum { MANY = 1000, HOUR = 3600000, MINUTE = 60000, SECOND = 1000 };

/* Channels of which this holds a reference and an `or` another one. */
static weir_chan_t *held[MANY], *given[MANY];

static void make_channels(size_t n) {
  for (size_t i = 0; i < n; i++) {
    held[i] = new_ints(1);
    given[i] = weir_chan_ref(held[i]);
  }
}

static void drop_channels(size_t n) {
  for (size_t i = 0; i < n; i++) weir_chan_unref(held[i]);
}

static void ck_fires(sink_t *sink) {
  weir_run(loop);
  ck_sink_ended(sink, 0, UV_EOF);
}

/* what it fires by */

START_TEST(closes_with_whichever_closes) {
  for (size_t n = 1; n <= 5; n++)
    for (size_t which = 0; which < n; which++) {
      sink_t sink = {.count = 0};

      make_channels(n);
      sink_start(&sink, weir_pipe_or(bg, given, n));
      ck_assert_uint_eq(weir_run(loop), 2);
      ck_sunk(&sink, 0);
      weir_chan_close(held[which]);
      ck_fires(&sink);
      drop_channels(n);
      ck_nothing_left();
    }
}
END_TEST

START_TEST(closes_with_eof_also_when_one_fails) {
  sink_t sink = {.count = 0};

  make_channels(3);
  sink_start(&sink, weir_pipe_or(bg, given, 3));
  weir_chan_close_with(held[1], UV_ECONNRESET);
  ck_fires(&sink);
  drop_channels(3);
  ck_nothing_left();
}
END_TEST

START_TEST(one_that_is_closed_already_closes_it) {
  sink_t sink = {.count = 0};

  make_channels(3);
  weir_chan_close(held[2]);
  sink_start(&sink, weir_pipe_or(bg, given, 3));
  ck_fires(&sink);
  drop_channels(3);
  ck_nothing_left();
}
END_TEST

START_TEST(value_closes_it_and_is_dropped) {
  weir_chan_t *chans[2] = {new_pieces(1), new_pieces(1)};
  weir_chan_t *sender = weir_chan_ref(chans[1]);
  sink_t sink = {.count = 0};

  taken_reset();
  sink_start(&sink, weir_pipe_or(bg, chans, 2));
  ck_assert_uint_eq(weir_run(loop), 2);
  put_piece(sender, 5);
  ck_fires(&sink);
  ck_assert_int_eq(pieces.dropped_number[5], 1);
  weir_chan_unref(sender);
  ck_nothing_left();
}
END_TEST

START_TEST(takes_one_value_and_leaves_the_others_alone) {
  enum { N = 8 };
  weir_chan_t *chans[N];
  sink_t sink = {.count = 0};
  size_t left = 0;

  taken_reset();
  for (int i = 0; i < N; i++) {
    given[i] = chans[i] = new_pieces(2);
    put_piece(chans[i], 2 * i);
    put_piece(chans[i], 2 * i + 1);
    weir_chan_ref(chans[i]);
  }
  sink_start(&sink, weir_pipe_or(bg, given, N));
  ck_fires(&sink);
  for (int i = 0; i < N; i++) {
    ck_assert_uint_ge(weir_chan_len(chans[i]), 1);
    left += weir_chan_len(chans[i]);
  }
  ck_assert_uint_eq(left, 2 * N - 1);
  ck_assert_int_eq(pieces.dropped, 1);
  for (int i = 0; i < N; i++) weir_chan_unref(chans[i]);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

START_TEST(channels_may_be_used_after_it_has_fired) {
  sink_t sink = {.count = 0};

  make_channels(2);
  sink_start(&sink, weir_pipe_or(bg, given, 2));
  weir_chan_close(held[0]);
  ck_fires(&sink);
  put(held[1], 7);
  ck_assert_int_eq(get(held[1]), 7);
  drop_channels(2);
  ck_nothing_left();
}
END_TEST

START_TEST(several_that_close_at_once_close_it_once) {
  sink_t sink = {.count = 0};

  make_channels(4);
  sink_start(&sink, weir_pipe_or(bg, given, 4));
  ck_assert_uint_eq(weir_run(loop), 2);
  for (int i = 0; i < 4; i++) weir_chan_close(held[i]);
  drop_channels(4);
  ck_fires(&sink);
  ck_nothing_left();
}
END_TEST

START_TEST(of_none_is_closed_by_the_context_alone) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.count = 0};

  sink_start(&sink, weir_pipe_or(ctx, NULL, 0));
  ck_assert_uint_eq(weir_run(loop), 2);
  weir_ctx_cancel(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 0, UV_ECANCELED);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

START_TEST(same_channel_may_stand_in_it_twice) {
  sink_t sink = {.count = 0};

  make_channels(1);
  given[1] = weir_chan_ref(held[0]);
  sink_start(&sink, weir_pipe_or(bg, given, 2));
  weir_chan_close(held[0]);
  ck_fires(&sink);
  drop_channels(1);
  ck_nothing_left();
}
END_TEST

/* many */

START_TEST(thousand_channels_are_one_select) {
  static const size_t which[] = {0, MANY / 2, MANY - 1};

  for (int i = 0; i < 3; i++) {
    weir_chan_t *out;

    make_channels(MANY);
    out = weir_pipe_or(bg, given, MANY);
    ck_assert_uint_eq(weir_run(loop), 1);
    ck_assert_uint_eq(pipe_stats().ops_parked, 1);
    weir_chan_close(held[which[i]]);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_assert(weir_chan_closed(out));
    weir_chan_unref(out);
    ck_assert_uint_eq(pipe_stats().channels, MANY);
    drop_channels(MANY);
    ck_nothing_left();
  }
}
END_TEST

START_TEST(array_is_copied) {
  sink_t sink = {.count = 0};

  make_channels(3);
  sink_start(&sink, weir_pipe_or(bg, given, 3));
  memset(given, 0, sizeof(given));
  ck_assert_uint_eq(weir_run(loop), 2);
  weir_chan_close(held[2]);
  ck_fires(&sink);
  drop_channels(3);
  ck_nothing_left();
}
END_TEST

START_TEST(timers_that_have_lost_are_stopped) {
  static const uint64_t ms[] = {2 * HOUR, 5 * MINUTE, SECOND, HOUR, MINUTE};
  weir_chan_t *chans[5];
  sink_t sink = {.count = 0};
  uint64_t start;

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  start = weir_now(loop);
  for (int i = 0; i < 5; i++) chans[i] = weir_timer_sig(loop, ms[i]);
  sink_start(&sink, weir_pipe_or(bg, chans, 5));
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 0, UV_EOF);
  ck_assert_uint_eq(weir_now(loop) - start, SECOND);
  ck_nothing_left();
}
END_TEST

START_TEST(chain_of_a_thousand_closes_from_end_to_end) {
  weir_chan_t *first = new_ints(0), *last = weir_chan_ref(first);
  sink_t sink = {.count = 0};

  for (int i = 0; i < MANY; i++) last = weir_pipe_or(bg, &last, 1);
  sink_start(&sink, last);
  ck_assert_uint_eq(weir_run(loop), MANY + 1);
  weir_chan_close(first);
  weir_chan_unref(first);
  ck_fires(&sink);
  ck_nothing_left();
}
END_TEST

/* ends */

START_TEST(cancelled_it_closes_with_that) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sinks[2] = {{.count = 0}, {.count = 0}};

  make_channels(3);
  sink_start(&sinks[0], weir_pipe_or(ctx, given, 3));
  ck_assert_uint_eq(weir_run(loop), 2);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_sink_ended(&sinks[0], 0, UV_ECANCELED);
  drop_channels(3);
  ck_assert_uint_eq(pipe_stats().channels, 0);

  make_channels(3);
  sink_start(&sinks[1], weir_pipe_or(ctx, given, 3)); /* is born cancelled */
  weir_run(loop);
  ck_sink_ended(&sinks[1], 0, UV_ECANCELED);
  drop_channels(3);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

START_TEST(born_cancelled_it_takes_no_value) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.count = 0};

  make_channels(2);
  put(held[0], 3);
  weir_ctx_cancel(ctx);
  sink_start(&sink, weir_pipe_or(ctx, given, 2));
  weir_run(loop);
  ck_sink_ended(&sink, 0, UV_ECANCELED);
  ck_assert_int_eq(get(held[0]), 3);
  drop_channels(2);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

START_TEST(deadline_closes_it_with_etimedout) {
  weir_ctx_t *ctx;
  sink_t sink = {.count = 0};

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  ctx = weir_ctx_with_timeout(bg, 50);
  make_channels(3);
  sink_start(&sink, weir_pipe_or(ctx, given, 3));
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 0, UV_ETIMEDOUT);
  drop_channels(3);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

/* A feeder ends when nobody can receive from its channel any more. */
START_TEST(abandoned_it_lets_go_of_its_channels) {
  feeder_t feeders[3];
  weir_chan_t *chans[3], *out;

  taken_reset();
  for (int i = 0; i < 3; i++) {
    feeders[i] = (feeder_t){.n = 0};
    chans[i] = feeder_start(&feeders[i]);
  }
  out = weir_pipe_or(bg, chans, 3);
  ck_assert_uint_gt(weir_run(loop), 0);
  weir_chan_unref(out);
  ck_nothing_left();
  for (int i = 0; i < 3; i++) ck_assert(feeders[i].is_over);
}
END_TEST

START_TEST(fired_it_lets_go_of_its_channels_though_its_output_is_held) {
  feeder_t feeders[2] = {{.n = 0}, {.n = 0, .status = UV_EOF}};
  weir_chan_t *chans[2], *out;

  taken_reset();
  for (int i = 0; i < 2; i++) chans[i] = feeder_start(&feeders[i]);
  out = weir_pipe_or(bg, chans, 2);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 2; i++) ck_assert(feeders[i].is_over);
  ck_assert_uint_eq(pipe_stats().channels, 1);
  weir_chan_unref(out);
  ck_nothing_left();
}
END_TEST

START_TEST(abandoned_when_it_has_just_fired_it_leaves_nothing) {
  weir_chan_t *out;

  make_channels(2);
  out = weir_pipe_or(bg, given, 2);
  ck_assert_uint_eq(weir_run(loop), 1);
  weir_chan_close(held[0]);
  weir_chan_unref(out);
  drop_channels(2);
  ck_nothing_left();
}
END_TEST

START_TEST(loop_closed_it_closes) {
  sink_t sink = {.count = 0};

  make_channels(3);
  sink_start(&sink, weir_pipe_or(bg, given, 3));
  ck_assert_uint_eq(weir_run(loop), 2);
  weir_loop_close(loop, NULL, NULL);
  loop_finish();
  ck_sink_ended(&sink, 0, UV_ECANCELED);
  drop_channels(3);
  ck_assert_uint_eq(support_outstanding(), 0);
  loop_renew();
}
END_TEST

/* shared channels */

static void close_shared(void *arg) {
  weir_chan_close(arg);
}

START_TEST(shared_channel_closes_it_from_another_thread) {
  weir_chan_t *chans[3] = {shared_ints(0), new_ints(0), shared_ints(0)};
  weir_chan_t *shared = weir_chan_ref(chans[2]), *local = weir_chan_ref(chans[1]);
  sink_t sink = {.count = 0};
  uv_thread_t thread;

  sink_start(&sink, weir_pipe_or(bg, chans, 3));
  settle();
  ck_sunk(&sink, 0);
  ck_assert_int_eq(uv_thread_create(&thread, close_shared, shared), 0);
  ck_fires(&sink);
  uv_thread_join(&thread);
  weir_chan_unref(shared);
  weir_chan_unref(local);
  ck_nothing_left();
}
END_TEST

START_TEST(value_of_a_shared_channel_closes_it_and_the_others_keep_theirs) {
  weir_chan_t *chans[2] = {shared_ints(1), shared_ints(1)};
  weir_chan_t *mine[2] = {weir_chan_ref(chans[0]), weir_chan_ref(chans[1])};
  sink_t sink = {.count = 0};

  put(mine[0], 1);
  put(mine[1], 1);
  sink_start(&sink, weir_pipe_or(bg, chans, 2));
  ck_fires(&sink);
  ck_assert_uint_eq(weir_chan_len(mine[0]) + weir_chan_len(mine[1]), 1);
  for (int i = 0; i < 2; i++) weir_chan_unref(mine[i]);
  ck_nothing_left();
}
END_TEST

/* refusals: each lets go of the channels, whose pieces are dropped */

static void ck_refuses(weir_ctx_t *ctx, weir_chan_t **chans, size_t n) {
  int alive = pieces.made - pieces.dropped;

  ck_assert_ptr_null(weir_pipe_or(ctx, chans, n));
  ck_assert_int_gt(alive, 0);
  ck_pieces_ended();
}

START_TEST(null_among_the_channels_gives_null_and_releases_the_others) {
  taken_reset();
  for (int missing = 0; missing < 4; missing++) {
    for (int i = 0; i < 4; i++) given[i] = i == missing ? NULL : pieces_up_to(2);
    ck_refuses(bg, given, 4);
  }
  ck_assert_ptr_null(weir_pipe_or(bg, NULL, 2));
  ck_nothing_left();
}
END_TEST

START_TEST(wrong_context_gives_null_and_releases_all) {
  own_t own;

  taken_reset();
  own_open(&own);
  for (int i = 0; i < 2; i++) given[i] = pieces_up_to(2);
  ck_refuses(NULL, given, 2);
  for (int i = 0; i < 2; i++) given[i] = pieces_up_to(2);
  ck_refuses(own.bg, given, 2); /* another loop's channels */
  ck_assert_ptr_null(weir_pipe_or(NULL, NULL, 0));
  own_close(&own);
  ck_nothing_left();
}
END_TEST

START_TEST(closed_loop_gives_null_and_releases_all) {
  own_t own;
  weir_ctx_t *ctx;

  own_open(&own);
  ctx = weir_ctx_with_cancel(own.bg);
  own_close(&own);
  taken_reset();
  for (int i = 0; i < 2; i++) {
    given[i] = weir_chan_new_shared(&piece_type, 1);
    put_piece(given[i], i);
  }
  ck_refuses(ctx, given, 2);
  weir_ctx_unref(ctx);
}
END_TEST

static weir_chan_t *build_of_shared(void *arg) {
  weir_chan_t **chans = arg;

  for (int i = 0; i < 3; i++) given[i] = weir_chan_ref(chans[i]);
  return weir_pipe_or(bg, given, 3);
}

START_TEST(want_of_memory_gives_null_and_releases_all) {
  weir_chan_t *chans[3];

  for (int i = 0; i < 3; i++) chans[i] = shared_ints(0);
  ck_fails_cleanly(build_of_shared, chans);
  for (int i = 0; i < 3; i++) weir_chan_unref(chans[i]);
}
END_TEST

static const support_test_t tests[] = {
    T(closes_with_whichever_closes),
    T(closes_with_eof_also_when_one_fails),
    T(one_that_is_closed_already_closes_it),
    T(value_closes_it_and_is_dropped),
    T(takes_one_value_and_leaves_the_others_alone),
    T(channels_may_be_used_after_it_has_fired),
    T(several_that_close_at_once_close_it_once),
    T(of_none_is_closed_by_the_context_alone),
    T(same_channel_may_stand_in_it_twice),
    T(thousand_channels_are_one_select),
    T(array_is_copied),
    T(timers_that_have_lost_are_stopped),
    T(chain_of_a_thousand_closes_from_end_to_end),
    T(cancelled_it_closes_with_that),
    T(born_cancelled_it_takes_no_value),
    T(deadline_closes_it_with_etimedout),
    T(abandoned_it_lets_go_of_its_channels),
    T(fired_it_lets_go_of_its_channels_though_its_output_is_held),
    T(abandoned_when_it_has_just_fired_it_leaves_nothing),
    T(loop_closed_it_closes),
    T(shared_channel_closes_it_from_another_thread),
    T(value_of_a_shared_channel_closes_it_and_the_others_keep_theirs),
    T(null_among_the_channels_gives_null_and_releases_the_others),
    T(wrong_context_gives_null_and_releases_all),
    T(closed_loop_gives_null_and_releases_all),
    T(want_of_memory_gives_null_and_releases_all),
};

SUITE_MAIN("pipe_or", tests)
