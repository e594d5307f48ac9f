/*
 * Description: read: the buffer that a loop reads into: copied from, handed over, lent to several
 * reads at a time, given back, freed; and want of memory.
 */
#include "support/drains.h"
#include "support/pipes.h"
#include "support/spares.h"

enum { BUFFER = 64 * 1024, HALF = BUFFER / 2, READINGS = 3 };

typedef struct reading_s {
  wire_t wire;
  weir_chan_t *ch;
} reading_t;

static void reading_start(reading_t *reading) {
  reading->ch = weir_uv_read(bg, &reading->wire.near->stream, 4);
  ck_assert_ptr_nonnull(reading->ch);
  ck_assert(!weir_chan_closed(reading->ch));
}

static void reading_open(reading_t *reading) {
  wire_open(&reading->wire, A_PIPE);
  reading_start(reading);
}

static void reading_close(reading_t *reading) {
  weir_chan_unref(reading->ch); /* ends the reading */
  wire_close(&reading->wire);
}

static void ck_chunk(const weir_chunk_t *chunk, size_t length, size_t from) {
  ck_assert_uint_eq(chunk->len, length);
  ck_assert(is_stamped(chunk->base, length, from));
}

/* What is pushed in one piece is read in one. */
static void post(reading_t *reading, size_t length, size_t from) {
  ck_assert_uint_eq(far_push(reading->wire.far, length, from), length);
}

static weir_chunk_t receive(reading_t *reading, size_t length, size_t from) {
  weir_chunk_t chunk;

  turn_until(uv, weir_chan_len(reading->ch) > 0);
  ck_assert_int_eq(weir_chan_try_recv(reading->ch, &chunk), 0);
  ck_chunk(&chunk, length, from);
  return chunk;
}

static weir_chunk_t pass(reading_t *reading, size_t length, size_t from) {
  post(reading, length, from);
  return receive(reading, length, from);
}

/* After that the loop has a spare. */
static const char *warm_up(reading_t *reading) {
  weir_chunk_t chunk = pass(reading, 10, 0);

  weir_chunk_free(&chunk);
  ck_assert_ptr_nonnull(spare_of(loop));
  return spare_of(loop);
}

/* copies */

START_TEST(loop_has_no_buffer_before_the_first_read) {
  reading_t reading;

  reading_open(&reading);
  turns(uv, 3);
  ck_assert_ptr_null(spare_of(loop));
  warm_up(&reading);
  reading_close(&reading);
}
END_TEST

START_TEST(few_bytes_cost_one_small_allocation_each) {
  weir_chunk_t chunks[10];
  size_t allocations, outstanding;
  const char *spare;
  reading_t reading;

  reading_open(&reading);
  spare = warm_up(&reading);
  allocations = support_allocations();
  outstanding = support_outstanding();
  for (size_t i = 0; i < 10; i++) {
    chunks[i] = pass(&reading, 1000, i * 1000);
    ck_assert_ptr_eq(spare_of(loop), spare);
    ck_assert_uint_lt(room_of(&chunks[i]), 2000);
  }
  ck_assert_uint_eq(support_allocations() - allocations, 10);
  ck_assert_uint_eq(support_outstanding() - outstanding, 10);
  for (size_t i = 0; i < 10; i++) {
    ck_chunk(&chunks[i], 1000, i * 1000);
    weir_chunk_free(&chunks[i]);
  }
  reading_close(&reading);
}
END_TEST

START_TEST(streams_of_a_loop_share_the_buffer) {
  reading_t readings[READINGS];
  weir_chunk_t chunks[READINGS];
  size_t outstanding;
  const char *spare;

  for (int i = 0; i < READINGS; i++) reading_open(&readings[i]);
  spare = warm_up(&readings[0]);
  outstanding = support_outstanding();
  for (size_t i = 0; i < READINGS; i++) post(&readings[i], 1000, i * 1000);
  for (size_t i = 0; i < READINGS; i++) chunks[i] = receive(&readings[i], 1000, i * 1000);
  ck_assert_uint_eq(support_outstanding() - outstanding, READINGS);
  ck_assert_ptr_eq(spare_of(loop), spare);
  for (size_t i = 0; i < READINGS; i++) {
    ck_chunk(&chunks[i], 1000, i * 1000);
    weir_chunk_free(&chunks[i]);
  }
  for (int i = 0; i < READINGS; i++) reading_close(&readings[i]);
}
END_TEST

/* handed over */

static void ck_passed(size_t length, bool is_handed_over) {
  weir_chunk_t chunk, next;
  const char *spare;
  reading_t reading;

  reading_open(&reading);
  spare = warm_up(&reading);
  chunk = pass(&reading, length, 0);
  ck_assert_int_eq(chunk.base == spare, is_handed_over);
  ck_assert_int_eq(spare_of(loop) != spare, is_handed_over);
  ck_assert_uint_le(room_of(&chunk), 2 * length + 64); /* the allocator rounds up */
  next = pass(&reading, 1000, length);
  ck_chunk(&chunk, length, 0); /* nobody reads into it any more */
  weir_chunk_free(&chunk);
  weir_chunk_free(&next);
  reading_close(&reading);
}

START_TEST(what_fills_most_of_the_buffer_is_handed_over) {
  static const size_t copied[] = {1, HALF - 1, HALF},
                      handed_over[] = {HALF + 1, BUFFER - 1, BUFFER};

  for (int i = 0; i < 3; i++) {
    ck_passed(copied[i], false);
    ck_passed(handed_over[i], true);
  }
}
END_TEST

/* Reads by hand: libuv's callbacks, in orders that only libuv for Windows calls them in. */

typedef struct by_hand_s {
  uv_stream_t *stream;
  uv_read_cb read_cb;
  uv_buf_t buf;
} by_hand_t;

static by_hand_t begin(reading_t *reading) {
  uv_stream_t *stream = &reading->wire.near->stream;
  by_hand_t read = {.stream = stream, .read_cb = stream->read_cb};

  stream->alloc_cb((uv_handle_t *)stream, BUFFER, &read.buf);
  ck_assert_ptr_nonnull(read.buf.base);
  ck_assert_uint_eq(read.buf.len, BUFFER);
  return read;
}

static void end(by_hand_t *read, ssize_t n) {
  read->read_cb(read->stream, n, &read->buf);
}

/* All are under way before the first of them ends. */
static void ck_interleaved(const int order[READINGS], size_t length) {
  reading_t readings[READINGS];
  by_hand_t reads[READINGS];
  weir_chunk_t chunk;
  size_t outstanding;

  for (int i = 0; i < READINGS; i++) reading_open(&readings[i]);
  warm_up(&readings[0]);
  outstanding = support_outstanding();
  for (int i = 0; i < READINGS; i++) reads[i] = begin(&readings[i]);
  ck_assert_ptr_null(spare_of(loop));
  for (size_t i = 0; i < READINGS; i++) stamp(reads[i].buf.base, length, i * length);
  for (int i = 0; i < READINGS; i++) end(&reads[order[i]], (ssize_t)length);
  for (size_t i = 0; i < READINGS; i++) {
    chunk = receive(&readings[i], length, i * length);
    weir_chunk_free(&chunk);
  }
  ck_assert_int_eq(spare_of(loop) != NULL, length <= HALF);
  ck_assert_uint_eq(support_outstanding(), outstanding - (length > HALF));
  for (int i = 0; i < READINGS; i++) reading_close(&readings[i]);
}

START_TEST(reads_under_way_at_a_time_have_buffers_of_their_own) {
  static const int orders[][READINGS] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}};

  for (int i = 0; i < 3; i++) {
    ck_interleaved(orders[i], 1000);
    ck_interleaved(orders[i], BUFFER);
  }
}
END_TEST

START_TEST(read_of_nothing_gives_the_buffer_back) {
  static const ssize_t results[] = {0, UV_EOF, UV_ECONNRESET};

  for (int i = 0; i < 3; i++) {
    weir_chunk_t chunk;
    reading_t reading;
    by_hand_t read;

    reading_open(&reading);
    warm_up(&reading);
    read = begin(&reading);
    ck_assert_ptr_null(spare_of(loop));
    end(&read, results[i]);
    ck_assert_ptr_eq(spare_of(loop), read.buf.base);
    ck_assert_int_eq(weir_chan_closed(reading.ch), results[i] < 0);
    ck_assert_int_eq(weir_chan_try_recv(reading.ch, &chunk), i ? (int)results[i] : UV_EAGAIN);
    reading_close(&reading);
  }
}
END_TEST

START_TEST(buffer_of_a_read_that_ends_after_the_reading_is_freed) {
  static const ssize_t results[] = {1000, 0, UV_ECONNRESET};

  for (int i = 0; i < 3; i++) {
    size_t outstanding;
    reading_t reading;
    by_hand_t read;

    reading_open(&reading);
    warm_up(&reading);
    read = begin(&reading);
    weir_chan_unref(reading.ch);
    weir_run(loop);
    outstanding = support_outstanding();
    end(&read, results[i]);
    ck_assert_uint_eq(support_outstanding(), outstanding - 1);
    ck_assert_ptr_null(spare_of(loop));
    wire_close(&reading.wire);
    ck_nothing_left();
  }
}
END_TEST

/* the end of the loop */

/* It is freed then, and not only with the loop, which a channel may hold for long. */
START_TEST(spare_is_freed_when_the_loop_closes) {
  size_t before = support_outstanding();
  weir_chan_t *ch;
  wire_t wire;
  own_t own;

  own_open(&own);
  wire_open_on(&own.uv, &wire, A_PIPE);
  ch = weir_uv_read(own.bg, &wire.near->stream, 1);
  far_push(wire.far, 1000, 0);
  turn_until(&own.uv, weir_chan_len(ch) > 0);
  ck_assert_ptr_nonnull(spare_of(own.loop));
  weir_loop_close(own.loop, own_on_closed, &own);
  turn_until(&own.uv, own.closed);
  ck_assert_ptr_null(spare_of(own.loop));
  wire_close(&wire);
  own_await_closed(&own);
  weir_chan_unref(ch);
  ck_assert_uint_eq(support_outstanding(), before);
}
END_TEST

/* want of memory */

/* The reading has ended; another gets what has been sent by then. */
static void ck_read_on(reading_t *reading, size_t length, size_t from) {
  weir_chunk_t chunk;

  turn_until(uv, weir_chan_closed(reading->ch));
  ck_assert_int_eq(weir_chan_try_recv(reading->ch, &chunk), UV_ENOMEM);
  support_fail_after(SIZE_MAX);
  weir_chan_unref(reading->ch);
  reading_start(reading);
  chunk = receive(reading, length, from);
  weir_chunk_free(&chunk);
}

START_TEST(want_of_memory_for_the_buffer_is_the_end) {
  reading_t reading;

  reading_open(&reading);
  support_fail_after(0);
  post(&reading, 1000, 0);
  ck_read_on(&reading, 1000, 0);
  reading_close(&reading);
}
END_TEST

START_TEST(want_of_memory_for_a_copy_hands_the_buffer_over) {
  weir_chunk_t chunk;
  const char *spare;
  reading_t reading;

  reading_open(&reading);
  spare = warm_up(&reading);
  support_fail_after(0);
  chunk = pass(&reading, 1000, 0);
  ck_assert_ptr_eq(chunk.base, spare);
  ck_assert_ptr_null(spare_of(loop));
  post(&reading, 1000, 1000);
  ck_read_on(&reading, 1000, 1000);
  ck_chunk(&chunk, 1000, 0);
  weir_chunk_free(&chunk);
  reading_close(&reading);
}
END_TEST

START_TEST(want_of_memory_for_one_copy_does_not_end_it) {
  weir_chunk_t chunks[3];
  reading_t reading;

  reading_open(&reading);
  warm_up(&reading);
  support_fail_only(0);
  for (size_t i = 0; i < 3; i++) chunks[i] = pass(&reading, 1000, i * 1000);
  for (size_t i = 0; i < 3; i++) {
    ck_chunk(&chunks[i], 1000, i * 1000);
    weir_chunk_free(&chunks[i]);
  }
  reading_close(&reading);
}
END_TEST

static const support_test_t tests[] = {
    T(loop_has_no_buffer_before_the_first_read),
    T(few_bytes_cost_one_small_allocation_each),
    T(streams_of_a_loop_share_the_buffer),
    T(what_fills_most_of_the_buffer_is_handed_over),
    T(reads_under_way_at_a_time_have_buffers_of_their_own),
    T(read_of_nothing_gives_the_buffer_back),
    T(buffer_of_a_read_that_ends_after_the_reading_is_freed),
    T(spare_is_freed_when_the_loop_closes),
    T(want_of_memory_for_the_buffer_is_the_end),
    T(want_of_memory_for_a_copy_hands_the_buffer_over),
    T(want_of_memory_for_one_copy_does_not_end_it),
};

SUITE_MAIN("uv_read_buffer", tests)
