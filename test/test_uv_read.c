/* Description: read: chunks in order and complete, backpressure, the end, and what is refused. */
#include <stdlib.h>

#include "support/drains.h"
#include "support/dumped.h"
#include "support/pipes.h"
#include "support/spares.h"

enum { LENGTH = 3 * 1024 * 1024, CHUNK_MAX = 64 * 1024 };

static const size_t capacities[] = {0, 1, 16};

#define EACH_CAPACITY(capacity)                                                                    \
  for (size_t i_ = 0, capacity = 0; i_ < 3 && (capacity = capacities[i_], true); i_++)

#define EACH_KIND(kind) for (wire_kind_t kind = 0; kind < WIRE_KINDS; kind++)

/* Pushes so many bytes, while the loop runs. */
static void push(wire_t *wire, size_t from, size_t to) {
  while (from < to) {
    from += far_push(wire->far, to - from, from);
    turns(uv, 1);
  }
}

static void run_until_place(const drain_t *drain, size_t place) {
  turn_until(uv, drain->place >= place);
  ck_assert_uint_eq(drain->place, place);
}

START_TEST(chunks_come_in_order_and_complete_then_eof) {
  EACH_KIND(kind) EACH_CAPACITY(capacity) {
    drain_t drain = {.then = NULL};
    wire_t wire;

    wire_open(&wire, kind);
    drain_start(&drain, weir_uv_read(bg, &wire.near->stream, capacity));
    push(&wire, 0, LENGTH);
    run_until_place(&drain, LENGTH);
    ck_assert_int_eq(drain.ends, 0);
    shutdown(wire.far, SHUT_WR);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_drain_ended(&drain, LENGTH, UV_EOF);
    wire_close(&wire);
    ck_nothing_left();
  }
}
END_TEST

START_TEST(at_eof_the_stream_is_open_and_the_callers) {
  EACH_KIND(kind) {
    char *bytes = stamped(1000, 0);
    uv_buf_t buf = uv_buf_init(bytes, 1000);
    drain_t drain = {.then = NULL};
    size_t place = 0;
    wire_t wire;

    wire_open(&wire, kind);
    drain_start(&drain, weir_uv_read(bg, &wire.near->stream, 1));
    shutdown(wire.far, SHUT_WR);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_drain_ended(&drain, 0, UV_EOF);
    ck_assert(!uv_is_closing(&wire.near->handle));
    ck_assert_int_eq(uv_try_write(&wire.near->stream, &buf, 1), 1000);
    while (place < 1000) far_pull(wire.far, &place);
    free(bytes);
    wire_close(&wire);
  }
}
END_TEST

START_TEST(data_of_the_handle_is_left_alone) {
  EACH_KIND(kind) {
    drain_t drain = {.then = NULL};
    wire_t wire;

    wire_open(&wire, kind);
    wire.near->handle.data = &wire;
    drain_start(&drain, weir_uv_read(bg, &wire.near->stream, 0));
    ck_assert_ptr_eq(wire.near->handle.data, &wire);
    push(&wire, 0, 100000);
    run_until_place(&drain, 100000);
    drain_stop(&drain);
    weir_run(loop);
    ck_assert_ptr_eq(wire.near->handle.data, &wire);
    wire_close(&wire);
  }
}
END_TEST

START_TEST(both_directions_at_once) {
  EACH_KIND(kind) {
    char *bytes = stamped(LENGTH, 0);
    uv_buf_t buf = uv_buf_init(bytes, LENGTH);
    drain_t drain = {.then = NULL};
    size_t pushed = 0, pulled = 0;
    probe_t write;
    wire_t wire;

    wire_open(&wire, kind);
    drain_start(&drain, weir_uv_read(bg, &wire.near->stream, 2));
    probe_init(&write, bg);
    ck_assert_int_eq(weir_uv_write(&write.op, &wire.near->stream, &buf, 1, probe_note), 0);
    while (pushed < LENGTH || pulled < LENGTH || drain.place < LENGTH || !write.calls) {
      pushed += far_push(wire.far, LENGTH - pushed, pushed);
      far_pull(wire.far, &pulled);
      turns(uv, 1);
    }
    ck_completed(&write, 0);
    drain_stop(&drain);
    weir_run(loop);
    free(bytes);
    wire_close(&wire);
  }
}
END_TEST

/* backpressure */

/* Pushes until no more goes, however often the loop turns; returns what has gone. */
static size_t push_all_that_goes(wire_t *wire) {
  size_t gone = 0, n;
  int idle = 0;

  while (idle < 50) {
    n = far_push(wire->far, CHUNK_MAX, gone);
    gone += n;
    idle = n ? 0 : idle + 1;
    turns(uv, 1);
    ck_assert_uint_lt(gone, 64 * 1024 * 1024);
  }
  return gone;
}

/* Without the one buffer that the loop reads into. */
static size_t outstanding_but_spare(void) {
  return support_outstanding() - (spare_of(loop) != NULL);
}

/* What the system buffers by itself, where nobody reads. */
static size_t room_of_the_system(wire_kind_t kind) {
  size_t room;
  wire_t wire;

  wire_open(&wire, kind);
  room = push_all_that_goes(&wire);
  wire_close(&wire);
  turns(uv, 3);
  return room;
}

/* Chunks of one byte: the room of the channel counts chunks. */
static void fill_with_bytes(wire_t *wire, size_t n) {
  for (size_t i = 0; i < n; i++) {
    ck_assert_uint_eq(far_push(wire->far, 1, i), 1);
    turns(uv, 3);
  }
}

START_TEST(full_channel_stops_reading) {
  EACH_KIND(kind) EACH_CAPACITY(capacity) {
    size_t room = room_of_the_system(kind), outstanding, gone;
    drain_t drain = {.then = NULL};
    weir_chan_t *ch;
    wire_t wire;

    wire_open(&wire, kind);
    ch = weir_uv_read(bg, &wire.near->stream, capacity);
    outstanding = outstanding_but_spare();
    gone = push_all_that_goes(&wire);
    ck_assert_uint_le(gone, 2 * room + (capacity + 1) * CHUNK_MAX);
    ck_assert_uint_eq(weir_chan_len(ch), capacity);
    ck_assert_uint_eq(outstanding_but_spare() - outstanding, capacity + 1); /* one in hand */
    drain_start(&drain, ch);
    run_until_place(&drain, gone);
    push(&wire, gone, gone + LENGTH); /* it flows again */
    run_until_place(&drain, gone + LENGTH);
    close(wire.far);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_drain_ended(&drain, gone + LENGTH, UV_EOF);
    near_close(wire.near);
    ck_nothing_left();
  }
}
END_TEST

START_TEST(reading_stops_at_so_many_chunks) {
  EACH_KIND(kind) EACH_CAPACITY(capacity) {
    size_t outstanding;
    weir_chan_t *ch;
    wire_t wire;

    wire_open(&wire, kind);
    ch = weir_uv_read(bg, &wire.near->stream, capacity);
    outstanding = outstanding_but_spare();
    fill_with_bytes(&wire, capacity + 5);
    ck_assert_uint_eq(weir_chan_len(ch), capacity);
    ck_assert_uint_eq(outstanding_but_spare() - outstanding, capacity + 1);
    for (size_t i = 0; i < capacity + 1; i++) {
      weir_chunk_t chunk;

      ck_assert_int_eq(weir_chan_try_recv(ch, &chunk), 0);
      ck_assert_uint_eq(chunk.len, 1);
      ck_assert(is_stamped(chunk.base, 1, i));
      weir_chunk_free(&chunk);
    }
    turns(uv, 5);
    weir_chan_unref(ch); /* with the last four, in one chunk */
    weir_run(loop);
    wire_close(&wire);
    ck_nothing_left();
  }
}
END_TEST

START_TEST(slow_receiver_gets_all_of_it) {
  EACH_CAPACITY(capacity) {
    size_t pushed = 0, place = 0;
    weir_chan_t *ch;
    wire_t wire;

    wire_open(&wire, A_TCP);
    ch = weir_uv_read(bg, &wire.near->stream, capacity);
    while (place < LENGTH) {
      weir_chunk_t chunk;

      pushed += far_push(wire.far, LENGTH - pushed, pushed);
      turns(uv, 3);
      if (weir_chan_try_recv(ch, &chunk)) continue;
      ck_assert(is_stamped(chunk.base, chunk.len, place));
      place += chunk.len;
      weir_chunk_free(&chunk);
    }
    ck_assert_uint_eq(place, LENGTH);
    weir_chan_unref(ch);
    weir_run(loop);
    wire_close(&wire);
  }
}
END_TEST

/* Its end is behind what has been read. */
START_TEST(end_comes_after_what_waited_for_room) {
  EACH_KIND(kind) EACH_CAPACITY(capacity) {
    drain_t drain = {.then = NULL};
    weir_chan_t *ch;
    size_t gone;
    wire_t wire;

    wire_open(&wire, kind);
    ch = weir_uv_read(bg, &wire.near->stream, capacity);
    gone = push_all_that_goes(&wire);
    close(wire.far);
    turns(uv, 10);
    ck_assert(!weir_chan_closed(ch));
    drain_start(&drain, ch);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_drain_ended(&drain, gone, UV_EOF);
    near_close(wire.near);
  }
}
END_TEST

/* errors */

START_TEST(reset_by_the_peer_is_the_end) {
  EACH_CAPACITY(capacity) {
    drain_t drain = {.then = NULL};
    wire_t wire;

    wire_open(&wire, A_TCP);
    drain_start(&drain, weir_uv_read(bg, &wire.near->stream, capacity));
    push(&wire, 0, 1000);
    run_until_place(&drain, 1000);
    far_reset(wire.far);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_drain_ended(&drain, 1000, UV_ECONNRESET);
    ck_assert(!uv_is_closing(&wire.near->handle));
    near_close(wire.near);
  }
}
END_TEST

/* The bytes and the reset are there before the loop looks: libuv itself would speak of an end. */
START_TEST(reset_behind_bytes_is_no_eof) {
  EACH_CAPACITY(capacity) {
    drain_t drain = {.then = NULL};
    wire_t wire;

    wire_open(&wire, A_TCP);
    drain_start(&drain, weir_uv_read(bg, &wire.near->stream, capacity));
    far_push(wire.far, 1000, 0);
    far_reset(wire.far);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_drain_ended(&drain, 1000, UV_ECONNRESET);
    near_close(wire.near);
  }
}
END_TEST

/* The far end has said all it had to say; that it does not want what is still said to it is its own
 * affair. */
START_TEST(reset_behind_the_end_is_eof) {
  EACH_CAPACITY(capacity) {
    char *bytes = stamped(1000, 0);
    uv_buf_t buf = uv_buf_init(bytes, 1000);
    drain_t drain = {.then = NULL};
    wire_t wire;

    wire_open(&wire, A_TCP);
    drain_start(&drain, weir_uv_read(bg, &wire.near->stream, capacity));
    far_push(wire.far, 1000, 0);
    shutdown(wire.far, SHUT_WR);
    ck_assert_int_eq(uv_try_write(&wire.near->stream, &buf, 1), 1000);
    close(wire.far); /* with bytes unread: a reset */
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_drain_ended(&drain, 1000, UV_EOF);
    near_close(wire.near);
    free(bytes);
  }
}
END_TEST

START_TEST(stream_that_is_not_connected_ends_at_once) {
  near_t *near = near_new(uv, A_TCP);
  weir_chan_t *ch = weir_uv_read(bg, &near->stream, 1);

  ck_chan_ended(ch, UV_ENOTCONN);
  weir_chan_unref(ch);
  weir_run(loop);
  near_close(near);
  ck_nothing_left();
}
END_TEST

static weir_chan_t *ended_read(near_t *near) {
  weir_chan_t *ch = weir_uv_read(bg, &near->stream, 1);
  weir_chunk_t chunk;

  ck_assert_ptr_nonnull(ch);
  ck_assert(weir_chan_closed(ch));
  ck_assert_int_lt(weir_chan_try_recv(ch, &chunk), 0);
  return ch;
}

START_TEST(closing_stream_ends_at_once) {
  wire_t wire;
  weir_op_t op;

  wire_open(&wire, A_PIPE);
  weir_op_init(&op, bg);
  weir_uv_close(&op, &wire.near->handle, NULL);
  weir_chan_unref(ended_read(wire.near));
  ck_assert_int_eq(weir_op_wait(&op), 0);
  weir_chan_unref(ended_read(wire.near));
  wire_free(&wire);
  ck_nothing_left();
}
END_TEST

START_TEST(second_reader_ends_at_once_and_the_first_goes_on) {
  drain_t drain = {.then = NULL};
  weir_chan_t *second;
  wire_t wire;

  wire_open(&wire, A_TCP);
  drain_start(&drain, weir_uv_read(bg, &wire.near->stream, 1));
  second = weir_uv_read(bg, &wire.near->stream, 1);
  ck_chan_ended(second, UV_EALREADY);
  weir_chan_unref(second);
  push(&wire, 0, LENGTH);
  close(wire.far);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_drain_ended(&drain, LENGTH, UV_EOF);
  near_close(wire.near);
  ck_nothing_left();
}
END_TEST

static void host_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  static char bytes[1024];

  (void)handle;
  (void)suggested;
  *buf = uv_buf_init(bytes, sizeof(bytes));
}

static size_t host_bytes;

static void host_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  (void)stream;
  ck_assert_int_gt(n, 0);
  ck_assert(is_stamped(buf->base, (size_t)n, host_bytes));
  host_bytes += (size_t)n;
}

START_TEST(stream_that_the_host_reads_is_left_to_it) {
  weir_chan_t *ch;
  wire_t wire;

  host_bytes = 0;
  wire_open(&wire, A_PIPE);
  uv_read_start(&wire.near->stream, host_alloc, host_read);
  ch = weir_uv_read(bg, &wire.near->stream, 1);
  ck_chan_ended(ch, UV_EALREADY);
  weir_chan_unref(ch);
  push(&wire, 0, 5000);
  turn_until(uv, host_bytes == 5000);
  wire_close(&wire);
}
END_TEST

/* what is not read */

START_TEST(null_another_loop_and_absurd_capacities_give_null) {
  size_t outstanding = support_outstanding();
  wire_t wire;
  own_t own;

  own_open(&own);
  wire_open(&wire, A_PIPE);
  outstanding = support_outstanding();
  ck_assert_ptr_null(weir_uv_read(NULL, &wire.near->stream, 1));
  ck_assert_ptr_null(weir_uv_read(bg, NULL, 1));
  ck_assert_ptr_null(weir_uv_read(own.bg, &wire.near->stream, 1));
  ck_assert_ptr_null(weir_uv_read(bg, &wire.near->stream, SIZE_MAX));
  ck_assert_uint_eq(support_outstanding(), outstanding);
  ck_assert(!uv_is_active(&wire.near->handle));
  wire_close(&wire);
  own_close(&own);
}
END_TEST

START_TEST(cancelled_context_gives_an_ended_channel) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *late = weir_ctx_with_timeout(bg, 0);
  weir_chan_t *ch;
  wire_t wire;

  wire_open(&wire, A_PIPE);
  weir_ctx_cancel(ctx);
  ch = weir_uv_read(ctx, &wire.near->stream, 1);
  ck_chan_ended(ch, UV_ECANCELED);
  weir_chan_unref(ch);
  ch = weir_uv_read(late, &wire.near->stream, 1);
  ck_chan_ended(ch, UV_ETIMEDOUT);
  weir_chan_unref(ch);
  ck_assert(!uv_is_active(&wire.near->handle));
  weir_ctx_unref(ctx);
  weir_ctx_unref(late);
  wire_close(&wire);
  ck_nothing_left();
}
END_TEST

static weir_chan_t *build_read(void *arg) {
  near_t *near = arg;
  weir_chan_t *ch = weir_uv_read(bg, &near->stream, 4);

  ck_assert(ch || !uv_is_active(&near->handle));
  return ch;
}

START_TEST(want_of_memory_gives_null) {
  wire_t wire;

  wire_open(&wire, A_PIPE);
  ck_fails_cleanly(build_read, wire.near);
  wire_close(&wire);
}
END_TEST

START_TEST(want_of_memory_for_a_chunk_is_the_end) {
  drain_t drain = {.then = NULL};
  wire_t wire;

  wire_open(&wire, A_PIPE);
  drain_start(&drain, weir_uv_read(bg, &wire.near->stream, 4));
  push(&wire, 0, 1000);
  run_until_place(&drain, 1000);
  support_fail_after(0);
  push(&wire, 1000, 2000); /* has been read, into what the loop has for that */
  run_until_place(&drain, 2000);
  far_push(wire.far, 1000, 2000);
  turns(uv, 5);
  support_fail_after(SIZE_MAX);
  ck_drain_ended(&drain, 2000, UV_ENOMEM);
  drain = (drain_t){.place = 2000}; /* nothing is lost */
  drain_start(&drain, weir_uv_read(bg, &wire.near->stream, 4));
  run_until_place(&drain, 3000);
  drain_stop(&drain);
  weir_run(loop);
  wire_close(&wire);
}
END_TEST

/* chunks */

START_TEST(chunks_outlive_the_stream_and_are_freed_once) {
  weir_chunk_t chunk = {NULL, 0};
  weir_chan_t *ch;
  wire_t wire;

  weir_chunk_free(NULL);
  weir_chunk_free(&chunk);
  wire_open(&wire, A_PIPE);
  ch = weir_uv_read(bg, &wire.near->stream, 1);
  far_push(wire.far, 1000, 0);
  turn_until(uv, weir_chan_len(ch) > 0);
  ck_assert_int_eq(weir_chan_try_recv(ch, &chunk), 0);
  weir_chan_unref(ch);
  weir_run(loop);
  wire_close(&wire);
  ck_nothing_left();
  ck_assert_uint_eq(chunk.len, 1000);
  ck_assert_uint_lt(room_of(&chunk), 2000); /* what it holds, not what libuv has suggested */
  ck_assert(is_stamped(chunk.base, 1000, 0));
  weir_chunk_free(&chunk);
  ck_assert_ptr_null(chunk.base);
  ck_assert_uint_eq(chunk.len, 0);
  weir_chunk_free(&chunk);
}
END_TEST

START_TEST(teed_chunks_are_copies) {
  drain_t drains[2] = {{.then = NULL}, {.then = NULL}};
  weir_chan_t *outs[2];
  wire_t wire;

  wire_open(&wire, A_TCP);
  ck_assert_int_eq(weir_pipe_tee(bg, weir_uv_read(bg, &wire.near->stream, 2), outs), 0);
  for (int i = 0; i < 2; i++) drain_start(&drains[i], outs[i]);
  push(&wire, 0, LENGTH);
  close(wire.far);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 2; i++) ck_drain_ended(&drains[i], LENGTH, UV_EOF);
  near_close(wire.near);
  ck_nothing_left();
}
END_TEST

START_TEST(any_of_receive_and_sleep_is_a_timeout) {
  weir_chunk_t chunk = {NULL, 77};
  probe_t recv, sleep, any;
  weir_op_t *ops[] = {&recv.op, &sleep.op};
  weir_chan_t *ch;
  wire_t wire;

  wire_open(&wire, A_TCP);
  ch = weir_uv_read(bg, &wire.near->stream, 1);
  for (int is_late = 0; is_late < 2; is_late++) {
    probe_init(&recv, bg);
    probe_init(&sleep, bg);
    probe_init(&any, bg);
    weir_chan_recv(&recv.op, ch, &chunk, probe_note);
    weir_sleep(&sleep.op, is_late ? 1 : 60000, probe_note);
    weir_any(&any.op, ops, 2, probe_note);
    if (!is_late) far_push(wire.far, 1000, 0);
    turn_until_called(uv, &any);
    ck_completed(&any, 0);
    ck_assert_uint_eq(any.index, is_late);
    ck_assert_uint_eq(chunk.len, is_late ? 0 : 1000);
    weir_chunk_free(&chunk);
    weir_op_cancel(ops[!is_late]);
    turn_until_called(uv, is_late ? &recv : &sleep);
  }
  ck_completed(&recv, UV_ECANCELED);
  weir_chan_unref(ch);
  weir_run(loop);
  wire_close(&wire);
}
END_TEST

/* What waits for room is named; that a stream is read is not something that waits. */
START_TEST(dump_and_stats_name_it) {
  weir_chan_t *ch;
  wire_t wire;

  wire_open(&wire, A_PIPE);
  ch = weir_uv_read(bg, &wire.near->stream, 1);
  ck_assert_uint_eq(pipe_stats().stages, 1);
  ck_assert_uint_eq(pipe_stats().ops_parked, 0);
  ck_dumped_nothing();
  ck_assert(uv_loop_alive(uv)); /* something may come */
  fill_with_bytes(&wire, 3);
  ck_assert_uint_eq(pipe_stats().ops_parked, 1);
  ck_dumped("weir_uv_read", "send");
  weir_chan_unref(ch);
  ck_nothing_left();
  ck_dumped_nothing();
  wire_close(&wire);
}
END_TEST

static const support_test_t tests[] = {
    T(chunks_come_in_order_and_complete_then_eof),
    T(at_eof_the_stream_is_open_and_the_callers),
    T(data_of_the_handle_is_left_alone),
    T(both_directions_at_once),
    T(full_channel_stops_reading),
    T(reading_stops_at_so_many_chunks),
    T(slow_receiver_gets_all_of_it),
    T(end_comes_after_what_waited_for_room),
    T(reset_by_the_peer_is_the_end),
    T(reset_behind_bytes_is_no_eof),
    T(reset_behind_the_end_is_eof),
    T(stream_that_is_not_connected_ends_at_once),
    T(closing_stream_ends_at_once),
    T(second_reader_ends_at_once_and_the_first_goes_on),
    T(stream_that_the_host_reads_is_left_to_it),
    T(null_another_loop_and_absurd_capacities_give_null),
    T(cancelled_context_gives_an_ended_channel),
    T(want_of_memory_gives_null),
    T(want_of_memory_for_a_chunk_is_the_end),
    T(chunks_outlive_the_stream_and_are_freed_once),
    T(teed_chunks_are_copies),
    T(any_of_receive_and_sleep_is_a_timeout),
    T(dump_and_stats_name_it),
};

SUITE_MAIN("uv_read", tests)
