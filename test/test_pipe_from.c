/* Description: pipe_from, pipe_repeat: arrays of values, and what becomes of what these own. */
#include "support/pipes.h"

/* Values of any size, as weir_pipe_from and weir_pipe_repeat take them. */

typedef weir_chan_t *(*array_source_fn)(weir_ctx_t *ctx, const weir_type_t *type,
                                        const void *values, size_t n);

static void emits_bytes(array_source_fn build_source, size_t size) {
  const weir_type_t type = {.size = size};
  unsigned char values[3 * BYTES_MAX], got[BYTES_MAX];
  weir_chan_t *out;

  for (size_t i = 0; i < 3; i++) bytes_fill(values + i * size, size, (int)i);
  out = build_source(bg, &type, values, 3);
  memset(values, 0xee, sizeof(values)); /* the array has been copied */
  for (int i = 0; i < 3; i++) {
    weir_run(loop);
    ck_assert_int_eq(weir_chan_try_recv(out, got), 0);
    ck_assert(bytes_are(got, size, i));
  }
  weir_chan_unref(out);
  ck_nothing_left();
}

START_TEST(values_of_odd_sizes_and_large_ones_come_whole_out_of_a_copy) {
  const size_t sizes[] = {1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 33, 127, BYTES_MAX};

  for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
    emits_bytes(weir_pipe_from, sizes[i]);
    emits_bytes(weir_pipe_repeat, sizes[i]);
  }
}
END_TEST

static void ends_when_empty(array_source_fn build_source, const weir_type_t *type) {
  sink_t sink = {0};

  ck_brings(&sink, build_source(bg, type, NULL, 0), 0, UV_EOF);
  ck_nothing_left();
}

START_TEST(source_of_no_values_ends_at_once) {
  ends_when_empty(weir_pipe_from, WEIR_TYPE(int));
  ends_when_empty(weir_pipe_from, &piece_type);
  ends_when_empty(weir_pipe_from, NULL);
  ends_when_empty(weir_pipe_repeat, WEIR_TYPE(int));
  ends_when_empty(weir_pipe_repeat, &piece_type);
  ends_when_empty(weir_pipe_repeat, NULL);
}
END_TEST

/* from */

START_TEST(from_emits_its_values_in_order_then_eof) {
  const int values[] = {0, 1, 2, 3, 4};
  sink_t sink = {0};

  ck_brings(&sink, weir_pipe_from(bg, WEIR_TYPE(int), values, 5), 5, UV_EOF);
  ck_sink_counts(&sink, 0, 1);
  ck_nothing_left();
}
END_TEST

START_TEST(from_hands_over_what_its_values_own) {
  piece_t sent[4] = {piece(0), piece(1), piece(2), piece(3)};
  sink_t sink = {.take = piece_receive};

  ck_brings(&sink, weir_pipe_from(bg, &piece_type, sent, 4), 4, UV_EOF);
  ck_assert_int_eq(pieces.received, 4);
  ck_assert_int_eq(pieces.copied, 0);
  ck_nothing_left();
}
END_TEST

START_TEST(from_of_signals_emits_n) {
  sink_t sink = {0};

  ck_brings(&sink, weir_pipe_from(bg, NULL, NULL, 7), 7, UV_EOF);
  ck_nothing_left();
}
END_TEST

START_TEST(from_ends_whoever_takes_the_values) {
  const int values[] = {0, 1, 2};
  weir_chan_t *out = weir_pipe_from(bg, WEIR_TYPE(int), values, 3);
  int got[8] = {0};
  probe_t recv;

  probe_init(&recv, bg);
  ck_assert_int_eq(weir_chan_recv_many(&recv.op, out, got, 8, probe_note), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, 0);
  ck_assert_uint_eq(recv.index, 3);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(got[i], i);
  ck_assert(weir_chan_closed(out));
  weir_chan_unref(out);
  ck_nothing_left();
}
END_TEST

START_TEST(array_that_is_too_large_gives_null) {
  static const char value = 'a';

  ck_assert_ptr_null(weir_pipe_from(bg, WEIR_TYPE(int), &value, SIZE_MAX / 2));
  ck_assert_ptr_null(weir_pipe_repeat(bg, WEIR_TYPE(int), &value, SIZE_MAX / 2));
  ck_nothing_left();
}
END_TEST

/* repeat */

START_TEST(values_that_are_not_there_give_null) {
  ck_assert_ptr_null(weir_pipe_from(bg, &piece_type, NULL, 2));
  ck_assert_ptr_null(weir_pipe_from(bg, WEIR_TYPE(int), NULL, 2));
  ck_assert_ptr_null(weir_pipe_repeat(bg, &piece_type, NULL, 2));
  ck_assert_ptr_null(weir_pipe_repeat(bg, WEIR_TYPE(int), NULL, 2));
  ck_nothing_left();
}
END_TEST

START_TEST(repeat_emits_its_values_again_and_again) {
  const int values[] = {0, 1, 2};
  sink_t sink = {0};

  ck_brings(&sink, weir_pipe_take(bg, weir_pipe_repeat(bg, WEIR_TYPE(int), values, 3), 100), 100,
            UV_EOF);
  for (int i = 0; i < 100; i++) ck_assert_int_eq(sink.values[i], i % 3);
  ck_nothing_left();
}
END_TEST

START_TEST(repeat_emits_copies_and_leaves_the_originals_to_the_caller) {
  piece_t originals[3] = {piece(0), piece(1), piece(2)};
  sink_t sink = {.take = piece_receive};

  ck_brings(&sink, weir_pipe_take(bg, weir_pipe_repeat(bg, &piece_type, originals, 3), 10), 10,
            UV_EOF);
  for (int i = 0; i < 10; i++) ck_assert_int_eq(sink.values[i], i % 3);
  ck_nothing_left();
  for (int i = 0; i < 3; i++) {
    ck_assert(pieces.is_alive[originals[i].id]);
    piece_drop(&originals[i]);
  }
  ck_pieces_ended();
}
END_TEST

START_TEST(repeat_of_signals_is_endless) {
  sink_t sink = {0};

  ck_brings(&sink, weir_pipe_take(bg, weir_pipe_repeat(bg, NULL, NULL, 2), 50), 50, UV_EOF);
  ck_nothing_left();
}
END_TEST

START_TEST(repeat_of_a_type_with_a_drop_and_no_copy_gives_null) {
  int value = 3;

  owned_drops = 0;
  ck_assert_ptr_null(weir_pipe_repeat(bg, WEIR_TYPE_OWNED(int, owned_drop, NULL), &value, 1));
  ck_nothing_left();
  ck_assert_int_eq(owned_drops, 0);
}
END_TEST

static int copies_of_plain;

static int copy_plain(void *dst, const void *src) {
  copies_of_plain++;
  *(int *)dst = *(const int *)src + 100;
  return 0;
}

/* A copy may also stand without a drop. What it makes of a copy is no concern of this test's. */
START_TEST(repeat_uses_the_copy_of_a_type_without_a_drop) {
  int value = 3;
  sink_t sink = {.at = 2, .then = sink_stop};

  copies_of_plain = 0;
  sink_start(&sink, weir_pipe_repeat(bg, WEIR_TYPE_OWNED(int, NULL, copy_plain), &value, 1));
  weir_run(loop);
  ck_assert_int_ge(copies_of_plain, 2);
  ck_assert_int_ge(sink.values[0], 103);
  ck_nothing_left();
}
END_TEST

/* Repeats pieces whose copies fail after n. Returns how many came, or -1 if there is no stage. */
static int repeat_failing_copies(int n, int error) {
  piece_t originals[2] = {piece(0), piece(1)};
  sink_t sink = {.take = piece_receive};
  weir_chan_t *out;

  pieces_fail_copies_after(n, error);
  out = weir_pipe_repeat(bg, &piece_type, originals, 2);
  if (out) {
    ck_brings(&sink, out, sink.count, error);
    ck_assert_int_le(sink.count, n);
  }
  for (int i = 0; i < 2; i++) piece_drop(&originals[i]);
  ck_nothing_left();
  ck_pieces_ended();
  return out ? sink.count : -1;
}

START_TEST(copy_that_fails_ends_repeat_with_its_code) {
  int last = -1;

  for (int n = 0; n < 10; n++) {
    int count = repeat_failing_copies(n, n % 2 ? UV_ENOMEM : UV_EMFILE);
    ck_assert(count == -1 || count == last + 1);
    last = count;
  }
  ck_assert_int_ge(last, 6);
}
END_TEST

/* Nobody starves. The clock is the real one. */
START_TEST(endless_repeat_ends_at_its_deadline) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 10);
  int zero = 0;
  sink_t sink = {0};

  sink_start(&sink, weir_pipe_repeat(ctx, WEIR_TYPE(int), &zero, 1));
  weir_run(loop);
  ck_sink_ended(&sink, sink.count, UV_ETIMEDOUT);
  ck_assert_int_gt(sink.count, 100);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}
END_TEST

static const support_test_t tests[] = {
    T(values_of_odd_sizes_and_large_ones_come_whole_out_of_a_copy),
    T(source_of_no_values_ends_at_once),
    T(from_emits_its_values_in_order_then_eof),
    T(from_hands_over_what_its_values_own),
    T(from_of_signals_emits_n),
    T(from_ends_whoever_takes_the_values),
    T(array_that_is_too_large_gives_null),
    T(values_that_are_not_there_give_null),
    T(repeat_emits_its_values_again_and_again),
    T(repeat_emits_copies_and_leaves_the_originals_to_the_caller),
    T(repeat_of_signals_is_endless),
    T(repeat_of_a_type_with_a_drop_and_no_copy_gives_null),
    T(repeat_uses_the_copy_of_a_type_without_a_drop),
    T(copy_that_fails_ends_repeat_with_its_code),
    T(endless_repeat_ends_at_its_deadline),
};
SUITE_MAIN("pipe_from", tests)
