/*
 * Description: what holds for each stage that passes values on, one at a time: map, filter, take,
 * sleep, buffer, or_done.
 */
#include "support/cutter.h"
#include "support/passers.h"

static size_t size_in_bytes;

static int move(void *out, void *in, void *arg) {
  ck_assert_ptr_eq(arg, &size_in_bytes);
  memcpy(out, in, size_in_bytes);
  return 0;
}

static weir_chan_t *map_alike(weir_ctx_t *ctx, weir_chan_t *in) {
  const weir_type_t *type = weir_chan_type(in);

  size_in_bytes = type ? type->size : 0;
  return weir_pipe_map(ctx, in, type && type->size ? type : NULL, move, &size_in_bytes);
}

static bool keep_all(const void *value, void *arg) {
  ck_assert_ptr_eq(arg, &size_in_bytes);
  ck_assert_ptr_nonnull(value);
  return true;
}

static weir_chan_t *filter_none(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_filter(ctx, in, keep_all, &size_in_bytes);
}

static weir_chan_t *take_all(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_take(ctx, in, SIZE_MAX);
}

static weir_chan_t *sleep_1(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_sleep(ctx, in, 1);
}

static weir_chan_t *sleep_0(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_sleep(ctx, in, 0);
}

static weir_chan_t *buffer_0(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_buffer(ctx, in, 0);
}

static weir_chan_t *buffer_3(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_buffer(ctx, in, 3);
}

static const passer_t stages[] = {{"map", map_alike},      {"filter", filter_none},
                                  {"take", take_all},      {"sleep(1)", sleep_1},
                                  {"sleep(0)", sleep_0},   {"buffer(0)", buffer_0},
                                  {"buffer(3)", buffer_3}, {"or_done", weir_pipe_or_done}};

START_TEST(values_come_in_order_then_eof) {
  CHECK_EACH(stages, passer_to_the_end);
}
END_TEST

START_TEST(values_of_a_rendezvous_come_in_order) {
  CHECK_EACH(stages, passer_of_a_rendezvous);
}
END_TEST

START_TEST(input_that_has_ended_ends_the_output) {
  CHECK_EACH(stages, passer_of_nothing);
}
END_TEST

START_TEST(status_of_the_input_ends_the_output) {
  CHECK_EACH(stages, passer_of_a_failure);
}
END_TEST

START_TEST(input_may_end_long_after_its_values) {
  CHECK_EACH(stages, passer_of_a_dropped_input);
}
END_TEST

START_TEST(signals_are_counted) {
  CHECK_EACH(stages, passer_of_signals);
}
END_TEST

START_TEST(values_of_odd_sizes_and_large_ones_arrive_whole) {
  CHECK_EACH(stages, passer_of_odd_sizes);
}
END_TEST

START_TEST(cancellation_before_the_first_value_lets_go_of_the_input) {
  CHECK_EACH(stages, passer_cancelled_while_it_waits);
}
END_TEST

START_TEST(cancellation_midway_drops_the_rest_once) {
  CHECK_EACH(stages, passer_cancelled_midway);
}
END_TEST

START_TEST(cancellation_drops_the_value_in_hand) {
  CHECK_EACH(stages, passer_cancelled_with_a_value);
}
END_TEST

START_TEST(deadline_ends_with_etimedout) {
  CHECK_EACH(stages, passer_timed_out);
}
END_TEST

START_TEST(stage_under_a_cancelled_context_takes_no_value) {
  CHECK_EACH(stages, passer_under_a_cancelled_context);
}
END_TEST

START_TEST(stage_holds_its_context) {
  CHECK_EACH(stages, passer_whose_context_is_let_go_of);
}
END_TEST

START_TEST(output_abandoned_at_once_ends_an_endless_input) {
  CHECK_EACH(stages, passer_abandoned_at_once);
}
END_TEST

START_TEST(output_abandoned_before_the_first_value) {
  CHECK_EACH(stages, passer_abandoned_while_it_waits);
}
END_TEST

START_TEST(output_abandoned_with_a_value_in_hand_drops_it) {
  CHECK_EACH(stages, passer_abandoned_with_a_value);
}
END_TEST

START_TEST(output_abandoned_midway_leaves_nothing) {
  CHECK_EACH(stages, passer_abandoned_midway);
}
END_TEST

START_TEST(output_closed_by_its_consumer_ends_the_stage) {
  CHECK_EACH(stages, passer_closed_by_its_consumer);
}
END_TEST

START_TEST(output_closed_while_the_stage_waits_ends_it_when_it_sends) {
  CHECK_EACH(stages, passer_closed_while_it_waits);
}
END_TEST

START_TEST(null_input_gives_null) {
  CHECK_EACH(stages, passer_of_null);
}
END_TEST

START_TEST(null_context_gives_null_and_drops_the_input) {
  CHECK_EACH(stages, passer_under_null);
}
END_TEST

START_TEST(channel_of_another_loop_gives_null_and_is_dropped) {
  CHECK_EACH(stages, passer_of_another_loop);
}
END_TEST

START_TEST(closed_loop_gives_null_and_drops_the_input) {
  CHECK_EACH(stages, passer_of_a_closed_loop);
}
END_TEST

START_TEST(no_memory_gives_null_and_leaves_nothing) {
  CHECK_EACH(stages, passer_without_memory);
}
END_TEST

START_TEST(input_may_be_shared) {
  CHECK_EACH(stages, passer_from_a_shared_channel);
}
END_TEST

START_TEST(stage_abandoned_at_a_shared_channel_lets_the_loop_end) {
  CHECK_EACH(stages, passer_abandoned_at_a_shared_channel);
}
END_TEST

START_TEST(stages_that_share_an_input_end_alone) {
  CHECK_EACH(stages, passer_beside_another);
}
END_TEST

START_TEST(loop_may_close_in_the_middle) {
  CHECK_EACH(stages, passer_whose_loop_closes);
}
END_TEST

START_TEST(stage_may_be_built_in_a_callback) {
  CHECK_EACH(stages, passer_built_in_a_callback);
}
END_TEST

START_TEST(hop_allocates_nothing) {
  CHECK_EACH(stages, passer_hop);
}
END_TEST

START_TEST(chain_of_10000_stages_passes_values) {
  CHECK_EACH(stages, passer_chain_to_the_end);
}
END_TEST

START_TEST(chain_of_10000_stages_is_cancelled) {
  CHECK_EACH(stages, passer_chain_cancelled);
}
END_TEST

START_TEST(chain_of_10000_stages_is_abandoned) {
  CHECK_EACH(stages, passer_chain_abandoned);
}
END_TEST

/* A cut between any two steps of two stages and their source. */

enum { SENT = 6 };

static void cut_once(const passer_t *passer, const cut_t *cut, int when, bool by_clock) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive};
  cutter_t cutter = {.ctx = ctx, .sink = &sink};
  piece_t sent[SENT];
  weir_chan_t *ch;

  pieces_reset();
  for (int i = 0; i < SENT; i++) sent[i] = piece(i);
  ch = weir_pipe_from(ctx, &piece_type, sent, SENT);
  cutter_hold(&cutter, cut, ch, NULL);
  ch = passer->build(ctx, passer->build(ctx, ch));
  cutter_hold(&cutter, cut, NULL, ch);
  cutter_start(&cutter, cut, when, by_clock);
  sink_start(&sink, ch);
  ck_assert_msg(weir_run(loop) == 0 && sink_is_cut(&sink, cut, SENT),
                "%s, %s after %d%s: %d values, %d ends, %s", passer->name, cut->name, when,
                by_clock ? " by the clock" : "", sink.count, sink.ends, uv_strerror(sink.status));
  ck_sink_counts(&sink, 0, 1);
  ck_assert_int_eq(pieces.received, sink.count);
  ck_pieces_ended();
  weir_ctx_unref(ctx);
  ck_nothing_left();
}

static void cut_anywhere(const passer_t *passer) {
  for (int cut = 0; cut < CUTS; cut++) {
    for (int when = 0; when < 60; when++) {
      cut_once(passer, &cuts[cut], when, false);
      cut_once(passer, &cuts[cut], when, true);
    }
  }
}

START_TEST(stream_may_be_cut_anywhere) {
  CHECK_EACH(stages, cut_anywhere);
}
END_TEST

static const support_test_t tests[] = {
    T(values_come_in_order_then_eof),
    T(values_of_a_rendezvous_come_in_order),
    T(input_that_has_ended_ends_the_output),
    T(status_of_the_input_ends_the_output),
    T(input_may_end_long_after_its_values),
    T(signals_are_counted),
    T(values_of_odd_sizes_and_large_ones_arrive_whole),
    T(cancellation_before_the_first_value_lets_go_of_the_input),
    T(cancellation_midway_drops_the_rest_once),
    T(cancellation_drops_the_value_in_hand),
    T(deadline_ends_with_etimedout),
    T(stage_under_a_cancelled_context_takes_no_value),
    T(stage_holds_its_context),
    T(output_abandoned_at_once_ends_an_endless_input),
    T(output_abandoned_before_the_first_value),
    T(output_abandoned_with_a_value_in_hand_drops_it),
    T(output_abandoned_midway_leaves_nothing),
    T(output_closed_by_its_consumer_ends_the_stage),
    T(output_closed_while_the_stage_waits_ends_it_when_it_sends),
    T(null_input_gives_null),
    T(null_context_gives_null_and_drops_the_input),
    T(channel_of_another_loop_gives_null_and_is_dropped),
    T(closed_loop_gives_null_and_drops_the_input),
    T(no_memory_gives_null_and_leaves_nothing),
    T(input_may_be_shared),
    T(stage_abandoned_at_a_shared_channel_lets_the_loop_end),
    T(stages_that_share_an_input_end_alone),
    T(loop_may_close_in_the_middle),
    T(stage_may_be_built_in_a_callback),
    T(hop_allocates_nothing),
    T(chain_of_10000_stages_passes_values),
    T(chain_of_10000_stages_is_cancelled),
    T(chain_of_10000_stages_is_abandoned),
    T(stream_may_be_cut_anywhere),
};
SUITE_MAIN("pipe_relay", tests)
