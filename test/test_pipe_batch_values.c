/* Description: batches own their values: freed, dropped, copied by tee; signals, large ones. */
#include <stdalign.h>

#include "support/pipes_more.h"

/* freeing */

START_TEST(free_drops_the_values_and_takes_null_and_empty_ones) {
  weir_batch_t empty = {NULL, 0}, batch;
  weir_chan_t *out;
  probe_t recv;

  taken_reset();
  weir_batch_free(NULL);
  weir_batch_free(&empty);
  out = weir_pipe_batch(bg, pieces_up_to(5), 5, UINT64_MAX);
  probe_init(&recv, bg);
  weir_chan_recv(&recv.op, out, &batch, probe_note);
  ck_assert_int_eq(weir_op_wait(&recv.op), 0);
  ck_assert_uint_eq(batch.count, 5);
  ck_assert_int_eq(pieces.dropped, 0);
  weir_batch_free(&batch);
  ck_assert_int_eq(pieces.dropped, 5);
  weir_chan_unref(out);
  ck_nothing_left();
}
END_TEST

/* The first two of three are left. */
static void take_the_last(void *value) {
  weir_batch_t *batch = value;

  piece_receive((piece_t *)batch->values + 2);
  batch->count = 2;
  weir_batch_free(batch);
}

START_TEST(free_drops_only_the_first_count) {
  sink_t sink = {.take = take_the_last};

  taken_reset();
  ck_brings(&sink, weir_pipe_batch(bg, pieces_up_to(6), 3, UINT64_MAX), 2, UV_EOF);
  ck_assert_int_eq(pieces.received, 2);
  ck_assert_int_eq(pieces.dropped, 4);
  ck_assert_int_eq(pieces.dropped_number[2] + pieces.dropped_number[5], 0);
  ck_nothing_left();
}
END_TEST

START_TEST(batches_outlive_their_stage_and_loop) {
  own_t own;
  weir_batch_t batch;
  weir_chan_t *in = weir_chan_new_shared(&piece_type, 3), *out;
  probe_t recv;

  taken_reset();
  own_open(&own);
  for (int i = 0; i < 3; i++) put_piece(in, i);
  out = weir_pipe_batch(own.bg, in, 3, UINT64_MAX);
  probe_init(&recv, own.bg);
  weir_chan_recv(&recv.op, out, &batch, probe_note);
  ck_assert_int_eq(weir_op_wait(&recv.op), 0);
  weir_chan_unref(out);
  own_close(&own);
  ck_assert_int_eq(pieces.dropped, 0);
  weir_batch_free(&batch);
  ck_assert_int_eq(pieces.dropped, 3);
}
END_TEST

START_TEST(batches_that_nobody_receives_drop_their_values) {
  weir_chan_t *out;

  taken_reset();
  out = weir_pipe_buffer(bg, weir_pipe_batch(bg, pieces_up_to(9), 2, UINT64_MAX), 2);
  ck_assert_uint_gt(weir_run(loop), 0);
  ck_assert_int_eq(pieces.dropped, 0);
  weir_chan_unref(out);
  ck_nothing_left();
  ck_assert_int_eq(pieces.dropped, 9);
}
END_TEST

static void take_batches(void *value) {
  weir_batch_t *batch = value;
  weir_batch_t *inner = batch->values;

  for (size_t i = 0; i + 1 < batch->count; i++) take_batch(&inner[i]);
  weir_batch_free(batch); /* the last one with it */
}

START_TEST(batches_of_batches_own_them) {
  sink_t sink = {.take = take_batches};
  weir_chan_t *inner;

  taken_reset();
  inner = weir_pipe_batch(bg, pieces_up_to(12), 2, UINT64_MAX);
  ck_brings(&sink, weir_pipe_batch(bg, inner, 3, UINT64_MAX), 2, UV_EOF);
  ck_assert_int_eq(pieces.received, 8);
  ck_assert_int_eq(pieces.dropped, 4);
  ck_nothing_left();
}
END_TEST

/* teeing them */

START_TEST(teed_batches_are_deep_copies) {
  sink_t sinks[2] = {{.take = take_batch}, {.take = take_batch}};
  weir_chan_t *out[2];

  taken_reset();
  ck_assert_int_eq(weir_pipe_tee(bg, weir_pipe_batch(bg, pieces_up_to(7), 3, UINT64_MAX), out), 0);
  for (int i = 0; i < 2; i++) sink_start(&sinks[i], out[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 2; i++) ck_sink_ended(&sinks[i], 3, UV_EOF);
  ck_taken_all(7, 2);
  ck_assert_int_eq(pieces.copied, 7);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

START_TEST(copy_that_fails_inside_a_batch_ends_both) {
  for (int granted = 0; granted < 6; granted++) {
    sink_t sinks[2] = {{.take = take_batch}, {.take = take_batch}};
    weir_chan_t *out[2];

    taken_reset();
    pieces_fail_copies_after(granted, UV_ENOMEM);
    ck_assert_int_eq(weir_pipe_tee(bg, weir_pipe_batch(bg, pieces_up_to(6), 3, UINT64_MAX), out),
                     0);
    for (int i = 0; i < 2; i++) sink_start(&sinks[i], out[i]);
    ck_assert_uint_eq(weir_run(loop), 0);
    for (int i = 0; i < 2; i++) ck_sink_ended(&sinks[i], granted / 3, UV_ENOMEM);
    ck_nothing_left();
    ck_pieces_ended();
  }
}
END_TEST

/* The first batch has its memory, and its copy has not. */
START_TEST(no_memory_for_the_copy_of_a_batch_ends_both_with_enomem) {
  sink_t sinks[2] = {{.take = take_batch}, {.take = take_batch}};
  weir_chan_t *out[2];

  taken_reset();
  ck_assert_int_eq(weir_pipe_tee(bg, weir_pipe_batch(bg, pieces_up_to(6), 3, UINT64_MAX), out), 0);
  for (int i = 0; i < 2; i++) sink_start(&sinks[i], out[i]);
  support_fail_only(1);
  ck_assert_uint_eq(weir_run(loop), 0);
  support_fail_after(SIZE_MAX);
  for (int i = 0; i < 2; i++) ck_sink_ended(&sinks[i], 0, UV_ENOMEM);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

START_TEST(batches_of_what_cannot_be_copied_cannot_be_teed) {
  weir_chan_t *in = new_owned(2), *out[2];

  put(in, 1);
  put(in, 2);
  ck_assert_int_eq(weir_pipe_tee(bg, weir_pipe_batch(bg, in, 3, 5), out), UV_EINVAL);
  ck_assert_ptr_null(out[0]);
  ck_assert_ptr_null(out[1]);
  ck_nothing_left();
  ck_assert_int_eq(owned_drops, 2);
}
END_TEST

/* memory for the batches, and what they are made of */

START_TEST(no_memory_for_a_batch_ends_it_with_enomem) {
  sink_t sink = {.take = take_batch};

  taken_reset();
  sink_start(&sink, weir_pipe_batch(bg, pieces_up_to(8), 3, UINT64_MAX));
  support_fail_after(1);
  weir_run(loop);
  support_fail_after(SIZE_MAX);
  ck_sink_ended(&sink, 1, UV_ENOMEM);
  ck_assert_int_eq(pieces.received, 3);
  ck_nothing_left();
  ck_pieces_ended();
}
END_TEST

static size_t signals;

static void count_signals(void *value) {
  signals += ((weir_batch_t *)value)->count;
  weir_batch_free(value);
}

START_TEST(signals_are_counted) {
  sink_t sinks[2] = {{.take = count_signals}, {.take = count_signals}};

  signals = 0;
  ck_brings(&sinks[0], weir_pipe_batch(bg, signals_up_to(10), 4, UINT64_MAX), 3, UV_EOF);
  ck_assert_uint_eq(signals, 10);
  ck_brings(&sinks[1], weir_pipe_batch(bg, signals_up_to(10), SIZE_MAX, 0), 1, UV_EOF);
  ck_assert_uint_eq(signals, 20);
  ck_nothing_left();
}
END_TEST

typedef struct large_s {
  alignas(max_align_t) unsigned char bytes[208];
} large_t;

static int large_seen;

static void ck_large(void *value) {
  weir_batch_t *batch = value;
  large_t *values = batch->values;

  ck_assert_uint_eq((uintptr_t)values % alignof(max_align_t), 0);
  for (size_t i = 0; i < batch->count; i++)
    ck_assert(bytes_are(&values[i], sizeof(large_t), large_seen++));
  weir_batch_free(batch);
}

START_TEST(large_values_are_aligned_and_whole) {
  weir_chan_t *in = weir_chan_new(loop, WEIR_TYPE(large_t), 7);
  sink_t sink = {.take = ck_large};
  large_t large;

  for (int i = 0; i < 7; i++) {
    bytes_fill(&large, sizeof(large), i);
    weir_chan_try_send(in, &large);
  }
  weir_chan_close(in);
  large_seen = 0;
  ck_brings(&sink, weir_pipe_batch(bg, in, 3, UINT64_MAX), 3, UV_EOF);
  ck_assert_int_eq(large_seen, 7);
  ck_nothing_left();
}
END_TEST

static const support_test_t tests[] = {
    T(free_drops_the_values_and_takes_null_and_empty_ones),
    T(free_drops_only_the_first_count),
    T(batches_outlive_their_stage_and_loop),
    T(batches_that_nobody_receives_drop_their_values),
    T(batches_of_batches_own_them),
    T(teed_batches_are_deep_copies),
    T(copy_that_fails_inside_a_batch_ends_both),
    T(no_memory_for_the_copy_of_a_batch_ends_both_with_enomem),
    T(batches_of_what_cannot_be_copied_cannot_be_teed),
    T(no_memory_for_a_batch_ends_it_with_enomem),
    T(signals_are_counted),
    T(large_values_are_aligned_and_whole),
};

SUITE_MAIN("pipe_batch_values", tests)
