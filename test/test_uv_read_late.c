/*
 * Description: read: streams that are cut, abandoned or closed while they are idle, flow, or wait
 * for room; and what is left of the stream: whatever has not been read.
 */
#include "support/drains.h"
#include "support/pipes.h"

enum { LARGE = 2 * 1024 * 1024 };

#define EACH_KIND(kind) for (wire_kind_t kind = 0; kind < WIRE_KINDS; kind++)

/* Chunks of one byte each. */
static void push_bytes(uv_loop_t *on, wire_t *wire, size_t from, size_t to) {
  for (; from < to; from++) {
    ck_assert_uint_eq(far_push(wire->far, 1, from), 1);
    turns(on, 3);
  }
}

/* The chunks of one byte that are buffered, from the place `from` on, then the end. */
static void ck_buffered(weir_chan_t *ch, size_t from, size_t n, int status) {
  weir_chunk_t chunk;

  for (size_t i = 0; i < n; i++) {
    ck_assert_int_eq(weir_chan_try_recv(ch, &chunk), 0);
    ck_assert_uint_eq(chunk.len, 1);
    ck_assert(is_stamped(chunk.base, 1, from + i));
    weir_chunk_free(&chunk);
  }
  ck_assert_int_eq(weir_chan_try_recv(ch, &chunk), status);
}

/* cut in each way */

static void ck_cut_idle(wire_kind_t kind, way_t way, size_t capacity) {
  drain_t drain = {.then = NULL};
  wire_t wire;
  cut_t cut;

  cut_open(&cut, way);
  wire_open_on(&cut.own.uv, &wire, kind);
  drain.near = wire.near;
  drain_start_under(cut.own.bg, &drain, weir_uv_read(cut.ctx, &wire.near->stream, capacity));
  cut_now(&cut, NULL);
  ck_assert_int_eq(drain.ends, 0);
  turn_until(&cut.own.uv, drain.ends > 0);
  cut_finish(&cut);
  ck_drain_ended(&drain, 0, cut_status(&cut));
  close(wire.far);
}

START_TEST(idle_reading_is_cut) {
  for (way_t way = BY_CONTEXT; way < WAYS; way++) EACH_KIND(kind) {
      ck_cut_idle(kind, way, 0);
      ck_cut_idle(kind, way, 3);
    }
}
END_TEST

/* What is buffered is still received, but the one in hand is not. */
static void ck_cut_full(wire_kind_t kind, way_t way, size_t capacity) {
  weir_chan_t *ch;
  size_t n;
  wire_t wire;
  cut_t cut;

  cut_open(&cut, way);
  wire_open_on(&cut.own.uv, &wire, kind);
  ch = weir_uv_read(cut.ctx, &wire.near->stream, capacity);
  push_bytes(&cut.own.uv, &wire, 0, capacity + 3);
  cut_now(&cut, NULL);
  if (way != BY_LOOP) weir_run(cut.own.loop); /* nothing else keeps the uv loop alive */
  turn_until(&cut.own.uv, weir_chan_closed(ch));
  near_close(wire.near);
  cut_finish(&cut);
  n = weir_chan_len(ch);
  if (way != BY_DEADLINE) ck_assert_uint_eq(n, capacity); /* it may have come before */
  ck_buffered(ch, 0, n, cut_status(&cut));
  weir_chan_unref(ch);
  close(wire.far);
}

START_TEST(reading_that_waits_for_room_is_cut) {
  for (way_t way = BY_CONTEXT; way < WAYS; way++) EACH_KIND(kind) {
      ck_cut_full(kind, way, 0);
      ck_cut_full(kind, way, 3);
    }
}
END_TEST

/* At each turn while it flows: what has come by then was in order, and all is freed. */
START_TEST(flowing_stream_is_cut_at_each_turn) {
  for (int n = 0; n < 60; n++) {
    cut_t cut;
    drain_t drain = {.then = NULL};
    size_t pushed = 0;
    wire_t wire;

    cut_open(&cut, n % 2 ? BY_CONTEXT : BY_LOOP);
    wire_open_on(&cut.own.uv, &wire, n % 4 < 2 ? A_TCP : A_PIPE);
    drain.near = wire.near;
    drain_start_under(cut.own.bg, &drain, weir_uv_read(cut.ctx, &wire.near->stream, (size_t)n % 3));
    for (int i = 0; i < n; i++) {
      pushed += far_push(wire.far, WINDOW, pushed);
      turns(&cut.own.uv, 1);
    }
    cut_now(&cut, NULL);
    turn_until(&cut.own.uv, drain.ends > 0);
    cut_finish(&cut);
    ck_assert_int_eq(drain.status, UV_ECANCELED);
    ck_assert_uint_le(drain.place, pushed);
    close(wire.far);
  }
}
END_TEST

/* abandoned */

START_TEST(abandoned_reading_stops_and_lets_the_loop_end) {
  EACH_KIND(kind)
  for (int is_full = 0; is_full < 2; is_full++) {
    weir_chan_t *ch;
    wire_t wire;

    wire_open(&wire, kind);
    ch = weir_uv_read(bg, &wire.near->stream, 1);
    turns(uv, 3);
    if (is_full) push_bytes(uv, &wire, 0, 4);
    weir_chan_unref(ch);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_assert(!uv_is_active(&wire.near->handle));
    ck_assert(!uv_is_closing(&wire.near->handle));
    wire_close(&wire);
    ck_nothing_left();
  }
}
END_TEST

/* Reads to the place `to`, then stops. */
static void read_on(weir_ctx_t *ctx, wire_t *wire, size_t from, size_t to) {
  drain_t drain = {.place = from};
  weir_chan_t *ch = weir_uv_read(ctx, &wire->near->stream, 0);

  ck_assert_ptr_nonnull(ch);
  ck_assert_msg(!weir_chan_closed(ch), "it is not read again");
  drain_start(&drain, ch);
  while (drain.place < to) {
    far_push(wire->far, 1, drain.place);
    turn_until(uv, drain.place > from);
    from = drain.place;
  }
  ck_assert_uint_eq(drain.place, to);
  drain_stop(&drain);
}

START_TEST(stream_is_read_on_after_it_was_abandoned) {
  EACH_KIND(kind) {
    wire_t wire;

    wire_open(&wire, kind);
    for (size_t i = 0; i < 5; i++) {
      read_on(bg, &wire, i * 10, i * 10 + 10);
      ck_assert_uint_eq(weir_run(loop), 0);
    }
    wire_close(&wire);
    ck_nothing_left();
  }
}
END_TEST

START_TEST(stream_is_read_on_after_a_cancellation) {
  EACH_KIND(kind) {
    weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
    drain_t drain = {.then = NULL};
    wire_t wire;

    wire_open(&wire, kind);
    drain_start(&drain, weir_uv_read(ctx, &wire.near->stream, 1));
    push_bytes(uv, &wire, 0, 10);
    turn_until(uv, drain.place == 10);
    weir_ctx_cancel(ctx);
    weir_run(loop);
    ck_drain_ended(&drain, 10, UV_ECANCELED);
    read_on(bg, &wire, 10, 20);
    weir_run(loop);
    weir_ctx_unref(ctx);
    wire_close(&wire);
  }
}
END_TEST

/* Buffered, in hand, and what has not been read. */
START_TEST(abandoned_while_full_the_rest_is_the_next_readers) {
  EACH_KIND(kind) {
    drain_t drain = {.place = 2};
    weir_chan_t *ch;
    wire_t wire;

    wire_open(&wire, kind);
    ch = weir_uv_read(bg, &wire.near->stream, 1);
    push_bytes(uv, &wire, 0, 6);
    weir_chan_unref(ch);
    weir_run(loop);
    drain_start(&drain, weir_uv_read(bg, &wire.near->stream, 1));
    turn_until(uv, drain.place == 6);
    drain_stop(&drain);
    weir_run(loop);
    wire_close(&wire);
  }
}
END_TEST

/* "Stops when the last reference is dropped": then the stream is free for another. */
START_TEST(stream_is_read_on_at_once) {
  EACH_KIND(kind) {
    wire_t wire;

    wire_open(&wire, kind);
    read_on(bg, &wire, 0, 10);
    read_on(bg, &wire, 10, 20);
    weir_run(loop);
    wire_close(&wire);
    ck_nothing_left();
  }
}
END_TEST

/* What comes after the drop is not read. */
START_TEST(abandoned_reading_takes_nothing_any_more) {
  EACH_KIND(kind) {
    weir_chan_t *ch;
    char byte;
    ssize_t n;
    uv_os_fd_t fd;
    wire_t wire;

    wire_open(&wire, kind);
    ch = weir_uv_read(bg, &wire.near->stream, 4);
    turns(uv, 3);
    weir_chan_unref(ch);
    far_push(wire.far, 1, 0);
    weir_run(loop);
    ck_assert_int_eq(uv_fileno(&wire.near->handle, &fd), 0);
    n = read(fd, &byte, 1);
    ck_assert_int_eq(n, 1); /* it is still there */
    wire_close(&wire);
  }
}
END_TEST

/* Who receives may close as well: then nobody wants any more. */
START_TEST(channel_closed_by_its_receiver_ends_the_reading) {
  weir_chan_t *ch;
  wire_t wire;

  wire_open(&wire, A_PIPE);
  ch = weir_uv_read(bg, &wire.near->stream, 1);
  turns(uv, 3);
  ck_assert_int_eq(weir_chan_close(ch), 0);
  far_push(wire.far, 1, 0); /* it learns of it by the next chunk at the latest */
  turns(uv, 20);
  ck_assert(!uv_is_active(&wire.near->handle));
  weir_chan_unref(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  wire_close(&wire);
  ck_nothing_left();
}
END_TEST

START_TEST(channel_closed_and_dropped_lets_the_loop_end) {
  weir_chan_t *ch;
  wire_t wire;

  wire_open(&wire, A_PIPE);
  ch = weir_uv_read(bg, &wire.near->stream, 1);
  turns(uv, 3);
  ck_assert_int_eq(weir_chan_close(ch), 0);
  weir_chan_unref(ch);
  turns(uv, 20);
  ck_assert(!uv_is_active(&wire.near->handle));
  ck_assert(!uv_loop_alive(uv));
  wire_close(&wire);
  ck_nothing_left();
}
END_TEST

/* in callbacks */

static struct {
  uv_stream_t *stream;
  weir_chan_t *ch;
  weir_chunk_t chunk;
  size_t place;
  int readers;
} turned;

static void read_by_another(weir_op_t *op, int status) {
  ck_assert_int_eq(status, 0);
  ck_assert(is_stamped(turned.chunk.base, turned.chunk.len, turned.place));
  turned.place += turned.chunk.len;
  weir_chunk_free(&turned.chunk);
  weir_chan_unref(turned.ch);
  if (++turned.readers == 5) return;
  turned.ch = weir_uv_read(bg, turned.stream, 0);
  ck_assert_int_eq(weir_chan_recv(op, turned.ch, &turned.chunk, read_by_another), 0);
}

START_TEST(each_chunk_by_a_reader_of_its_own) {
  weir_op_t op;
  wire_t wire;

  wire_open(&wire, A_PIPE);
  memset(&turned, 0, sizeof(turned));
  turned.stream = &wire.near->stream;
  turned.ch = weir_uv_read(bg, turned.stream, 0);
  weir_op_init(&op, bg);
  weir_chan_recv(&op, turned.ch, &turned.chunk, read_by_another);
  push_bytes(uv, &wire, 0, 5);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(turned.readers, 5);
  ck_assert_uint_eq(turned.place, 5);
  wire_close(&wire);
}
END_TEST

static void stop_it(drain_t *drain) {
  drain_stop(drain);
}

static void cancel_it(drain_t *drain) {
  weir_ctx_cancel(drain->range.data);
}

static probe_t closing;

static void close_it(drain_t *drain) {
  probe_init(&closing, bg);
  ck_assert_int_eq(weir_uv_close(&closing.op, drain->range.data, probe_note), 0);
}

START_TEST(drain_stops_cancels_and_closes_in_its_callback) {
  void (*const acts[])(drain_t *) = {stop_it, cancel_it, close_it};

  for (int i = 0; i < 3; i++) {
    weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
    drain_t drain = {.then = acts[i]};
    wire_t wire;

    wire_open(&wire, A_TCP);
    drain.range.data = i == 2 ? (void *)wire.near : ctx;
    drain_start(&drain, weir_uv_read(ctx, &wire.near->stream, 0));
    far_push(wire.far, 10, 0);
    turn_until(uv, drain.chunks > 0);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_assert_int_eq(drain.ends, i > 0);
    if (i > 0) ck_drain_ended(&drain, 10, UV_ECANCELED);
    if (i == 2) ck_completed(&closing, 0);
    if (i == 2)
      wire_free(&wire);
    else
      wire_close(&wire);
    weir_ctx_unref(ctx);
    ck_nothing_left();
  }
}
END_TEST

/* the stream is closed */

static void ck_closed_under_it(wire_kind_t kind, size_t capacity, size_t bytes) {
  size_t buffered = bytes < capacity ? bytes : capacity;
  weir_chan_t *ch;
  probe_t close_op;
  wire_t wire;

  wire_open(&wire, kind);
  ch = weir_uv_read(bg, &wire.near->stream, capacity);
  push_bytes(uv, &wire, 0, bytes);
  probe_init(&close_op, bg);
  ck_assert_int_eq(weir_uv_close(&close_op.op, &wire.near->handle, probe_note), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&close_op, 0);
  wire_free(&wire);
  ck_buffered(ch, 0, buffered, UV_ECANCELED);
  weir_chan_unref(ch);
  ck_nothing_left();
}

START_TEST(close_ends_the_reading) {
  EACH_KIND(kind) for (size_t capacity = 0; capacity < 4; capacity++) {
    ck_closed_under_it(kind, capacity, 0);
    ck_closed_under_it(kind, capacity, capacity + 4);
  }
}
END_TEST

START_TEST(reading_ends_before_its_stream_is_closed) {
  weir_chunk_t chunk = {NULL, 7};
  weir_chan_t *ch;
  probe_t recv, close_op;
  wire_t wire;

  wire_open(&wire, A_TCP);
  ch = weir_uv_read(bg, &wire.near->stream, 0);
  probe_init(&recv, bg);
  probe_init(&close_op, bg);
  weir_chan_recv(&recv.op, ch, &chunk, probe_note);
  weir_uv_close(&close_op.op, &wire.near->handle, probe_note);
  weir_run(loop);
  ck_completed(&recv, UV_ECANCELED);
  ck_completed(&close_op, 0);
  ck_assert_uint_lt(recv.order, close_op.order);
  weir_chan_unref(ch);
  wire_free(&wire);
}
END_TEST

/* A cancelled write closes its stream, which is the end of the reading under another context. */
START_TEST(stream_that_a_cancellation_closes_is_not_read_any_more) {
  EACH_KIND(kind) {
    weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 2);
    char *bytes = stamped(LARGE, 0);
    uv_buf_t buf = uv_buf_init(bytes, LARGE);
    drain_t drain = {.then = NULL};
    probe_t write;
    wire_t wire;

    wire_open(&wire, kind);
    drain_start(&drain, weir_uv_read(bg, &wire.near->stream, 1));
    probe_init(&write, ctx);
    ck_assert_int_eq(weir_uv_write(&write.op, &wire.near->stream, &buf, 1, probe_note), 0);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&write, UV_ETIMEDOUT);
    ck_drain_ended(&drain, 0, UV_ECANCELED);
    free(bytes);
    wire_free(&wire);
    weir_ctx_unref(ctx);
    ck_nothing_left();
  }
}
END_TEST

/*
 * One context for a connection: what writes and what receives stand under it, in each order. The
 * close of the stream, for the write, ends the channel for the receives, while the context ends
 * them, too.
 */
static void ck_cut_together(way_t way, int writes_before, int writes_after) {
  enum { RECVS = 3 };
  char *bytes = stamped(LARGE, 0);
  uv_buf_t buf = uv_buf_init(bytes, LARGE);
  int writes = writes_before + writes_after;
  probe_t write[4], recv[RECVS];
  weir_chunk_t chunks[RECVS];
  weir_chan_t *ch;
  wire_t wire;
  cut_t cut;

  cut_open(&cut, way);
  wire_open_on(&cut.own.uv, &wire, A_TCP);
  ch = weir_uv_read(cut.ctx, &wire.near->stream, 1);
  for (int i = 0; i < writes; i++) {
    if (i == writes_before) break;
    probe_init(&write[i], cut.ctx);
    weir_uv_write(&write[i].op, &wire.near->stream, &buf, 1, probe_note);
  }
  for (int i = 0; i < RECVS; i++) {
    probe_init(&recv[i], cut.ctx);
    weir_chan_recv(&recv[i].op, ch, &chunks[i], probe_note);
  }
  for (int i = writes_before; i < writes; i++) {
    probe_init(&write[i], cut.ctx);
    weir_uv_write(&write[i].op, &wire.near->stream, &buf, 1, probe_note);
  }
  cut_now(&cut, &write[0].op);
  cut_finish(&cut);
  for (int i = 0; i < writes; i++) ck_completed(&write[i], cut_status(&cut));
  for (int i = 0; i < RECVS; i++) {
    ck_assert_int_eq(recv[i].calls, 1);
    if (recv[i].status != UV_ECANCELED) ck_assert_int_eq(recv[i].status, cut_status(&cut));
  }
  weir_chan_unref(ch);
  wire_free(&wire);
  free(bytes);
}

START_TEST(writes_and_receives_are_cut_together) {
  for (way_t way = 0; way < WAYS; way++) {
    ck_cut_together(way, 1, 0);
    ck_cut_together(way, 0, 1);
    ck_cut_together(way, 2, 2);
  }
}
END_TEST

static const support_test_t tests[] = {
    T(idle_reading_is_cut),
    T(reading_that_waits_for_room_is_cut),
    T(flowing_stream_is_cut_at_each_turn),
    T(abandoned_reading_stops_and_lets_the_loop_end),
    T(stream_is_read_on_after_it_was_abandoned),
    T(stream_is_read_on_after_a_cancellation),
    T(abandoned_while_full_the_rest_is_the_next_readers),
    T(stream_is_read_on_at_once),
    T(abandoned_reading_takes_nothing_any_more),
    T(channel_closed_by_its_receiver_ends_the_reading),
    T(channel_closed_and_dropped_lets_the_loop_end),
    T(each_chunk_by_a_reader_of_its_own),
    T(drain_stops_cancels_and_closes_in_its_callback),
    T(close_ends_the_reading),
    T(reading_ends_before_its_stream_is_closed),
    T(stream_that_a_cancellation_closes_is_not_read_any_more),
    T(writes_and_receives_are_cut_together),
};

SUITE_MAIN("uv_read_late", tests)
