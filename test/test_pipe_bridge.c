/* Description: bridge: the channels of a sequence one after the other, and how they end. */
#include "support/pipe_trials.h"
#include "support/shared.h"

/* sequences: each of their channels with the one reference, given away with the value */

static weir_chan_t *new_sequence(size_t capacity) {
  return weir_chan_new(loop, WEIR_TYPE_CHAN, capacity);
}

static void put_chan(weir_chan_t *sequence, weir_chan_t *inner) {
  ck_assert_int_eq(weir_chan_try_send(sequence, &inner), 0);
}

/* Of capacity 1, with that one value, and its end. */
static weir_chan_t *one_piece(int number) {
  weir_chan_t *ch = new_pieces(1);

  put_piece(ch, number);
  weir_chan_close(ch);
  return ch;
}

/* As many of these. */
static weir_chan_t *ones_up_to(int n) {
  weir_chan_t *sequence = new_sequence((size_t)n);

  for (int i = 0; i < n; i++) put_chan(sequence, one_piece(i));
  weir_chan_close(sequence);
  return sequence;
}

static weir_chan_t *bridge(weir_ctx_t *ctx, weir_chan_t *sequence) {
  return weir_pipe_bridge(ctx, sequence, &piece_type);
}

/* The pattern: the input is the only channel of a sequence. */
static weir_chan_t *build(weir_ctx_t *ctx, weir_chan_t *in) {
  weir_chan_t *sequence = in ? new_sequence(1) : NULL;

  if (!sequence) {
    weir_chan_unref(in);
    return NULL;
  }
  put_chan(sequence, in);
  weir_chan_close(sequence);
  return bridge(ctx, sequence);
}

/* Makes a channel of each piece. */
static int wrap(void *out, void *in, void *arg) {
  weir_chan_t *ch = weir_chan_new(arg, &piece_type, 1);

  ck_assert_ptr_nonnull(ch);
  weir_chan_try_send(ch, in);
  weir_chan_close(ch);
  *(weir_chan_t **)out = ch;
  return 0;
}

/* The pattern: each piece of the input is a channel of its own. */
static weir_chan_t *build_of_ones(weir_ctx_t *ctx, weir_chan_t *in) {
  return bridge(ctx, weir_pipe_map(ctx, in, WEIR_TYPE_CHAN, wrap, loop));
}

static const pattern_t one = {.build = build, .is_ordered = true};
static const pattern_t ones = {.build = build_of_ones, .is_ordered = true};

START_TEST(values_come_in_order_then_the_end) {
  trial_end(&one);
  trial_end(&ones);
}
END_TEST

START_TEST(silent_channels_do_not_keep_the_loop_alive) {
  trial_silence(&one);
  trial_silence(&ones);
}
END_TEST

START_TEST(cancelled_at_any_place_it_ends_with_that) {
  trial_cancel(&one);
  trial_cancel(&ones);
}
END_TEST

START_TEST(abandoned_at_any_place_it_leaves_nothing) {
  trial_abandon(&one);
  trial_abandon(&ones);
}
END_TEST

START_TEST(loop_closed_at_any_place_leaves_nothing) {
  trial_close(&one);
  trial_close(&ones);
}
END_TEST

START_TEST(born_cancelled_it_takes_nothing) {
  trial_born_cancelled(&one);
  trial_born_cancelled(&ones);
}
END_TEST

START_TEST(deadline_ends_it_with_etimedout) {
  trial_deadline(&one);
  trial_deadline(&ones);
}
END_TEST

START_TEST(closed_output_ends_the_stage) {
  trial_closed_output(&one);
  trial_closed_output(&ones);
}
END_TEST

/* sequences */

START_TEST(ten_channels_of_one_value) {
  sink_t sink = {.take = take_piece};

  taken_reset();
  ck_brings(&sink, bridge(bg, ones_up_to(10)), 10, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

START_TEST(empty_sequence_ends_at_once) {
  sink_t sink = {.take = take_piece};

  ck_brings(&sink, bridge(bg, ones_up_to(0)), 0, UV_EOF);
  ck_nothing_left();
}
END_TEST

START_TEST(empty_channels_are_passed_over) {
  enum { N = 10000 };
  weir_chan_t *sequence = new_sequence(N + 3);
  sink_t sink = {.take = take_piece};

  taken_reset();
  put_chan(sequence, one_piece(0));
  for (int i = 0; i < N; i++) put_chan(sequence, pieces_up_to(0));
  put_chan(sequence, one_piece(1));
  put_chan(sequence, pieces_up_to(0));
  weir_chan_close(sequence);
  ck_brings(&sink, bridge(bg, sequence), 2, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
}
END_TEST

START_TEST(sequence_that_fails_ends_it_with_that) {
  weir_chan_t *sequence = new_sequence(1);
  sink_t sink = {.take = take_piece};

  taken_reset();
  put_chan(sequence, one_piece(0));
  weir_chan_close_with(sequence, UV_ECONNRESET);
  ck_brings(&sink, bridge(bg, sequence), 1, UV_ECONNRESET);
  ck_nothing_left();
}
END_TEST

START_TEST(channel_that_fails_ends_it_with_that_and_releases_the_rest) {
  weir_chan_t *sequence = new_sequence(4), *failing = new_pieces(2);
  sink_t sink = {.take = take_piece};

  taken_reset();
  put_chan(sequence, one_piece(0));
  put_piece(failing, 1);
  weir_chan_close_with(failing, UV_ECONNRESET);
  put_chan(sequence, failing);
  put_chan(sequence, one_piece(2));
  put_chan(sequence, one_piece(3));
  ck_brings(&sink, bridge(bg, sequence), 2, UV_ECONNRESET);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
  ck_pieces_ended();
  ck_assert_int_eq(pieces.dropped, 2);
}
END_TEST

/* The sequence ends, one way or the other, while its only channel is open and silent. */
static void end_inside(int status) {
  weir_chan_t *sequence = new_sequence(1), *inner = new_pieces(2);
  sink_t sink = {.take = take_piece};

  taken_reset();
  put_chan(sequence, weir_chan_ref(inner));
  sink_start(&sink, bridge(bg, weir_chan_ref(sequence)));
  ck_assert_uint_gt(weir_run(loop), 0);
  weir_chan_close_with(sequence, status);
  weir_chan_unref(sequence);
  ck_assert_uint_gt(weir_run(loop), 0);
  ck_sunk(&sink, 0);
  put_piece(inner, 0);
  put_piece(inner, 1);
  weir_chan_close(inner);
  weir_chan_unref(inner);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 2, status);
  ck_nothing_left();
}

START_TEST(sequence_that_ends_inside_a_channel_lets_that_finish) {
  end_inside(UV_EOF);
  end_inside(UV_ECONNRESET);
}
END_TEST

START_TEST(next_channel_is_taken_when_the_one_before_has_ended) {
  weir_chan_t *sequence = new_sequence(2), *inner = new_pieces(1);
  sink_t sink = {.take = take_piece};

  taken_reset();
  put_chan(sequence, weir_chan_ref(inner));
  put_chan(sequence, one_piece(1));
  sink_start(&sink, bridge(bg, weir_chan_ref(sequence)));
  put_piece(inner, 0);
  weir_run(loop);
  ck_sunk(&sink, 1);
  ck_assert_uint_eq(weir_chan_len(sequence), 1);
  weir_chan_close(inner);
  weir_chan_unref(inner);
  weir_run(loop);
  ck_sunk(&sink, 2);
  ck_assert_uint_eq(weir_chan_len(sequence), 0);
  weir_chan_close(sequence);
  weir_chan_unref(sequence);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&sink, 2, UV_EOF);
  ck_nothing_left();
}
END_TEST

START_TEST(channel_is_released_when_it_has_ended) {
  weir_chan_t *sequence = new_sequence(1);
  sink_t sink = {.take = take_piece};

  taken_reset();
  put_chan(sequence, pieces_up_to(2));
  sink_start(&sink, bridge(bg, weir_chan_ref(sequence)));
  ck_assert_uint_eq(pipe_stats().channels, 3);
  ck_assert_uint_gt(weir_run(loop), 0);
  ck_assert_uint_eq(pipe_stats().channels, 2);
  weir_chan_unref(sequence);
  sink_stop(&sink);
  ck_nothing_left();
}
END_TEST

/* Inside of a generator: channels that are stages. */
static int next_stage(void *out, void *arg) {
  int *left = arg;
  piece_t made[3];

  if ((*left)-- == 0) return UV_EOF;
  for (int i = 0; i < 3; i++) made[i] = piece(pieces.made);
  *(weir_chan_t **)out = weir_pipe_from(bg, &piece_type, made, 3);
  return 0;
}

START_TEST(channels_may_be_stages) {
  sink_t sink = {.take = take_piece};
  int left = 20;

  taken_reset();
  ck_brings(&sink, bridge(bg, weir_pipe_generate(bg, WEIR_TYPE_CHAN, next_stage, &left)), 60,
            UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
}
END_TEST

START_TEST(sequences_of_sequences_are_bridged_twice) {
  weir_chan_t *outer = new_sequence(3);
  sink_t sink = {.take = take_piece};

  taken_reset();
  for (int i = 0; i < 3; i++) put_chan(outer, ones_up_to(4));
  weir_chan_close(outer);
  ck_brings(&sink, bridge(bg, weir_pipe_bridge(bg, outer, WEIR_TYPE_CHAN)), 12, UV_EOF);
  for (int i = 0; i < 12; i++) ck_assert_int_eq(sink.values[i], i % 4);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

START_TEST(signals_are_bridged) {
  weir_chan_t *sequence = new_sequence(2);
  sink_t sink = {.count = 0};

  put_chan(sequence, signals_up_to(3));
  put_chan(sequence, signals_up_to(2));
  weir_chan_close(sequence);
  ck_brings(&sink, weir_pipe_bridge(bg, sequence, NULL), 5, UV_EOF);
  ck_nothing_left();
}
END_TEST

START_TEST(endless_channel_is_stopped_by_a_dropped_output) {
  weir_chan_t *sequence = new_sequence(2);
  sink_t sink = {.at = 100, .then = sink_stop};
  int seven = 7;

  put_chan(sequence, weir_pipe_repeat(bg, WEIR_TYPE(int), &seven, 1));
  put_chan(sequence, weir_pipe_repeat(bg, WEIR_TYPE(int), &seven, 1));
  sink_start(&sink, weir_pipe_bridge(bg, sequence, WEIR_TYPE(int)));
  ck_nothing_left();
  ck_sunk(&sink, 100);
}
END_TEST

START_TEST(cut_short_it_drops_the_channels_that_wait) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = take_piece, .at = 4, .then = sink_cancel, .victim = ctx};

  taken_reset();
  sink_start(&sink, bridge(ctx, ones_up_to(10)));
  weir_run(loop);
  ck_sink_ended(&sink, 4, UV_ECANCELED);
  ck_assert_int_eq(pieces.dropped, 6);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

/* channels that do not fit */

START_TEST(channel_of_another_size_ends_it_with_einval) {
  weir_chan_t *sequence = new_sequence(3), *other = weir_chan_new(loop, WEIR_TYPE(char), 1);
  sink_t sink = {.take = take_piece};

  taken_reset();
  put_chan(sequence, one_piece(0));
  put_chan(sequence, other);
  put_chan(sequence, one_piece(1));
  ck_brings(&sink, bridge(bg, sequence), 1, UV_EINVAL);
  ck_nothing_left();
  ck_assert_int_eq(pieces.dropped, 1);
}
END_TEST

/* It goes with what is in it, by its own type. */
START_TEST(owned_values_of_a_channel_of_another_size_are_dropped) {
  weir_chan_t *sequence = new_sequence(1);
  sink_t sink = {.count = 0};

  taken_reset();
  put_chan(sequence, pieces_up_to(3));
  ck_brings(&sink, weir_pipe_bridge(bg, sequence, WEIR_TYPE(int)), 0, UV_EINVAL);
  ck_assert_int_eq(pieces.dropped, 3);
  ck_nothing_left();
}
END_TEST

START_TEST(channel_of_another_loop_ends_it_with_einval) {
  weir_chan_t *sequence = new_sequence(2), *other;
  sink_t sink = {.take = take_piece};
  own_t own;

  taken_reset();
  own_open(&own);
  other = weir_chan_new(own.loop, &piece_type, 1);
  put_chan(sequence, one_piece(0));
  put_chan(sequence, weir_chan_ref(other));
  ck_brings(&sink, bridge(bg, sequence), 1, UV_EINVAL);
  weir_chan_unref(other);
  own_close(&own);
  ck_nothing_left();
}
END_TEST

START_TEST(null_channel_brings_nothing_until_it_is_cut) {
  for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
    weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
    weir_chan_t *sequence = new_sequence(3);
    sink_t sink = {.take = take_piece};

    taken_reset();
    put_chan(sequence, one_piece(0));
    put_chan(sequence, NULL);
    put_chan(sequence, one_piece(1));
    weir_chan_close(sequence);
    sink_start(&sink, bridge(ctx, sequence));
    ck_assert_uint_gt(weir_run(loop), 0);
    ck_sunk(&sink, 1);
    if (is_cancelled)
      weir_ctx_cancel(ctx);
    else
      sink_stop(&sink);
    weir_run(loop);
    if (is_cancelled) ck_sink_ended(&sink, 1, UV_ECANCELED);
    ck_assert_int_eq(pieces.dropped, 1);
    weir_ctx_unref(ctx);
    ck_nothing_left();
  }
}
END_TEST

/* shared ones */

static void send_all(void *arg) {
  weir_chan_t *sequence = arg;

  for (int i = 0; i < 5; i++) {
    weir_chan_t *inner = weir_chan_new_shared(WEIR_TYPE(int), 1);
    weir_chan_ref(inner); /* one goes with the value */
    weir_chan_send_blocking(sequence, &inner, UINT64_MAX);
    weir_chan_send_blocking(inner, &i, UINT64_MAX);
    weir_chan_close(inner);
    weir_chan_unref(inner);
  }
  weir_chan_close(sequence);
  weir_chan_unref(sequence);
}

START_TEST(shared_channels_come_from_another_thread) {
  weir_chan_t *sequence = weir_chan_new_shared(WEIR_TYPE_CHAN, 0);
  sink_t sink = {.count = 0};
  uv_thread_t thread;

  sink_start(&sink, weir_pipe_bridge(bg, weir_chan_ref(sequence), WEIR_TYPE(int)));
  ck_assert_int_eq(uv_thread_create(&thread, send_all, sequence), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  uv_thread_join(&thread);
  ck_sink_ended(&sink, 5, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
}
END_TEST

/* refusals: each lets go of the sequence and of what is in it */

static void ck_bridge_refuses(weir_ctx_t *ctx, weir_chan_t *in) {
  int alive = pieces.made - pieces.dropped;

  ck_assert_ptr_null(weir_pipe_bridge(ctx, in, &piece_type));
  ck_assert_int_gt(alive, 0);
  ck_pieces_ended();
}

START_TEST(wrong_arguments_give_null_and_release_the_sequence) {
  own_t own;

  taken_reset();
  own_open(&own);
  ck_assert_ptr_null(bridge(bg, NULL));
  ck_assert_ptr_null(bridge(NULL, NULL));
  ck_bridge_refuses(NULL, ones_up_to(3));
  ck_bridge_refuses(own.bg, ones_up_to(3)); /* another loop's */
  own_close(&own);
  ck_nothing_left();
}
END_TEST

START_TEST(values_that_are_not_channels_give_null) {
  weir_chan_t *pointers = weir_chan_new(loop, WEIR_TYPE(weir_chan_t *), 1);

  taken_reset();
  ck_bridge_refuses(bg, pieces_up_to(3));
  ck_assert_ptr_null(bridge(bg, pointers));
  ck_assert_ptr_null(bridge(bg, signals_up_to(1)));
  ck_nothing_left();
}
END_TEST

START_TEST(closed_loop_gives_null_and_releases_the_sequence) {
  weir_chan_t *sequence = weir_chan_new_shared(WEIR_TYPE_CHAN, 1);
  own_t own;
  weir_ctx_t *ctx;

  taken_reset();
  put_chan(sequence, one_piece(0));
  own_open(&own);
  ctx = weir_ctx_with_cancel(own.bg);
  own_close(&own);
  ck_bridge_refuses(ctx, sequence);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

static weir_chan_t *build_of_shared(void *arg) {
  return bridge(bg, weir_chan_ref(arg));
}

START_TEST(want_of_memory_gives_null_and_releases_the_sequence) {
  weir_chan_t *sequence = weir_chan_new_shared(WEIR_TYPE_CHAN, 0);

  ck_fails_cleanly(build_of_shared, sequence);
  weir_chan_unref(sequence);
}
END_TEST

static const support_test_t tests[] = {
    T(values_come_in_order_then_the_end),
    T(silent_channels_do_not_keep_the_loop_alive),
    T(cancelled_at_any_place_it_ends_with_that),
    T(abandoned_at_any_place_it_leaves_nothing),
    T(loop_closed_at_any_place_leaves_nothing),
    T(born_cancelled_it_takes_nothing),
    T(deadline_ends_it_with_etimedout),
    T(closed_output_ends_the_stage),
    T(ten_channels_of_one_value),
    T(empty_sequence_ends_at_once),
    T(empty_channels_are_passed_over),
    T(sequence_that_fails_ends_it_with_that),
    T(channel_that_fails_ends_it_with_that_and_releases_the_rest),
    T(sequence_that_ends_inside_a_channel_lets_that_finish),
    T(next_channel_is_taken_when_the_one_before_has_ended),
    T(channel_is_released_when_it_has_ended),
    T(channels_may_be_stages),
    T(sequences_of_sequences_are_bridged_twice),
    T(signals_are_bridged),
    T(endless_channel_is_stopped_by_a_dropped_output),
    T(cut_short_it_drops_the_channels_that_wait),
    T(channel_of_another_size_ends_it_with_einval),
    T(owned_values_of_a_channel_of_another_size_are_dropped),
    T(channel_of_another_loop_ends_it_with_einval),
    T(null_channel_brings_nothing_until_it_is_cut),
    T(shared_channels_come_from_another_thread),
    T(wrong_arguments_give_null_and_release_the_sequence),
    T(values_that_are_not_channels_give_null),
    T(closed_loop_gives_null_and_releases_the_sequence),
    T(want_of_memory_gives_null_and_releases_the_sequence),
};

SUITE_MAIN("pipe_bridge", tests)
