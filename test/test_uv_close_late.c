/*
 * Description: close of handles that are in use: with ops pending, in callbacks, while the loop
 * closes, and on loops of several threads at the same time.
 */
#include "support/closers.h"
#include "support/drains.h"
#include "support/threads.h"

enum { LARGE = 2 * 1024 * 1024 };

/* handles with ops pending */

static void start_write(weir_ctx_t *ctx, probe_t *probe, near_t *near, char *bytes, size_t length) {
  uv_buf_t buf = uv_buf_init(bytes, (unsigned)length);

  probe_init(probe, ctx);
  ck_assert_int_eq(weir_uv_write(&probe->op, &near->stream, &buf, 1, probe_note), 0);
}

START_TEST(pending_ops_end_before_it) {
  for (int n = 0; n < 2; n++)
    for (wire_kind_t kind = 0; kind < WIRE_KINDS; kind++) {
      char *bytes = stamped(LARGE, 0);
      probe_t writes[2], shutdown;
      uv_handle_t *handle;
      closer_t closer;
      wire_t wire;

      wire_open(&wire, kind);
      for (int i = 0; i < 2; i++) start_write(bg, &writes[i], wire.near, bytes, LARGE);
      probe_init(&shutdown, bg);
      weir_uv_shutdown(&shutdown.op, &wire.near->stream, probe_note);
      if (n) turns(uv, 10);
      handle = &wire.near->handle;
      start_close(&closer, &handle);
      ck_assert_uint_eq(weir_run(loop), 0);
      ck_closed(&closer);
      for (int i = 0; i < 2; i++) ck_completed(&writes[i], UV_ECANCELED);
      ck_completed(&shutdown, UV_ECANCELED);
      ck_assert_uint_gt(closer.probe.order, shutdown.order);
      ck_assert_uint_gt(closer.probe.order, writes[1].order);
      free(bytes);
      close(wire.far);
    }
}
END_TEST

START_TEST(pending_connect_ends_before_it) {
  uv_handle_t *handle = &near_new(uv, A_TCP)->handle;
  probe_t connect;
  closer_t closer;
  deaf_t deaf;

  deaf_open(&deaf);
  probe_init(&connect, bg);
  ck_assert_int_eq(weir_uv_connect(&connect.op, (uv_tcp_t *)handle,
                                   (struct sockaddr *)&deaf.address, probe_note),
                   0);
  turns(uv, 3);
  start_close(&closer, &handle);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&connect, UV_ECANCELED);
  ck_closed(&closer);
  ck_assert_uint_gt(closer.probe.order, connect.order);
  deaf_close(&deaf);
}
END_TEST

/* The cancellation closes it; before or after, it is closed by hand. */
START_TEST(handle_that_a_cancellation_closes_is_closed) {
  for (int n = 0; n < 4; n++) {
    weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
    char *bytes = stamped(LARGE, 0);
    uv_handle_t *handle;
    closer_t closers[2];
    probe_t write;
    wire_t wire;

    wire_open(&wire, A_TCP);
    handle = &wire.near->handle;
    start_write(ctx, &write, wire.near, bytes, LARGE);
    turns(uv, 5);
    if (n == 0) start_close(&closers[0], &handle);
    weir_ctx_cancel(ctx);
    if (n > 0) turns(uv, n - 1);
    if (n > 0) start_close(&closers[0], &handle);
    start_close(&closers[1], &handle);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&write, UV_ECANCELED);
    for (int i = 0; i < 2; i++) ck_closed(&closers[i]);
    free(bytes);
    close(wire.far);
    weir_ctx_unref(ctx);
  }
}
END_TEST

static void close_in_callback(weir_op_t *op, int status) {
  closer_t *closer = op->data;

  probe_note(op, status);
  start_close_under(weir_op_ctx(op), closer, closer->handle);
}

START_TEST(handle_is_closed_in_the_callback_of_its_own_op) {
  for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
    size_t length = is_cancelled ? LARGE : 100;
    char *bytes = stamped(length, 0);
    uv_buf_t buf = uv_buf_init(bytes, (unsigned)length);
    uv_handle_t *handle;
    closer_t closer = {.handle = &handle};
    probe_t write;
    wire_t wire;

    wire_open(&wire, A_PIPE);
    handle = &wire.near->handle;
    probe_init(&write, bg);
    write.op.data = &closer;
    ck_assert_int_eq(weir_uv_write(&write.op, &wire.near->stream, &buf, 1, close_in_callback), 0);
    if (is_cancelled) weir_op_cancel(&write.op);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&write, is_cancelled ? UV_ECANCELED : 0);
    ck_closed(&closer);
    free(bytes);
    close(wire.far);
  }
}
END_TEST

static closer_t timer_closer;

static void close_own_timer(uv_timer_t *timer) {
  (void)timer;
  start_close(&timer_closer, timer_closer.handle);
}

START_TEST(handle_is_closed_in_its_own_callback) {
  uv_timer_t *timer = malloc(sizeof(*timer));
  uv_handle_t *handle = (uv_handle_t *)timer;

  timer_closer.handle = &handle;
  uv_timer_init(uv, timer);
  uv_timer_start(timer, close_own_timer, 0, 1);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_closed(&timer_closer);
}
END_TEST

/* the loop closes */

START_TEST(closing_loop_waits_for_it) {
  for (int is_bare = 0; is_bare < 2; is_bare++) {
    uv_handle_t *handle;
    closer_t closer;
    own_t own;

    own_open(&own);
    handle = &near_new(&own.uv, A_TCP)->handle;
    if (is_bare) uv_close(handle, NULL);
    start_close_under(own.bg, &closer, &handle);
    own_close(&own);
    ck_closed(&closer);
  }
}
END_TEST

START_TEST(close_is_started_while_the_loop_closes) {
  for (int is_bare = 0; is_bare < 2; is_bare++) {
    uv_handle_t *handle;
    closer_t closer;
    own_t own;

    own_open(&own);
    handle = &near_new(&own.uv, A_TCP)->handle;
    weir_loop_close(own.loop, own_on_closed, &own);
    if (is_bare) uv_close(handle, NULL);
    start_close_under(own.bg, &closer, &handle);
    own_await_closed(&own);
    ck_closed(&closer);
  }
}
END_TEST

/* What a callback does with ECANCELED in its hands: it closes what it has. */
START_TEST(close_is_started_in_a_callback_of_the_loops_close) {
  uv_handle_t *handle;
  closer_t closer = {.handle = &handle};
  probe_t recv;
  own_t own;

  own_open(&own);
  handle = &near_new(&own.uv, A_TCP)->handle;
  probe_init(&recv, own.bg);
  recv.op.data = &closer;
  weir_chan_recv(&recv.op, NULL, NULL, close_in_callback);
  own_close(&own);
  ck_completed(&recv, UV_ECANCELED);
  ck_closed(&closer);
}
END_TEST

START_TEST(closed_loop_refuses) {
  weir_ctx_t *ctx;
  near_t *near;
  own_t own;
  weir_op_t op;

  own_open(&own);
  ctx = weir_ctx_with_cancel(own.bg);
  near = near_new(&own.uv, A_TCP);
  weir_loop_close(own.loop, own_on_closed, &own);
  turn_until(&own.uv, own.closed);
  weir_op_init(&op, ctx);
  ck_assert_int_eq(weir_uv_close(&op, &near->handle, NULL), UV_ECANCELED);
  ck_assert(!weir_op_pending(&op));
  ck_assert(!uv_is_closing(&near->handle));
  near_close(near);
  own_await_closed(&own);
  weir_ctx_unref(ctx);
}
END_TEST

/* A host may close all handles that it finds, before weir is closed or while it is. */
static void close_one(uv_handle_t *handle, void *arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void ck_walked(wire_kind_t kind, bool is_closing_first) {
  char *bytes = stamped(LARGE, 0);
  probe_t writes[2], close_op;
  near_t *other;
  weir_chan_t *ch;
  wire_t wire;
  own_t own;

  own_open(&own);
  wire_open_on(&own.uv, &wire, kind);
  other = near_new(&own.uv, kind);
  ch = weir_uv_read(own.bg, &wire.near->stream, 0);
  for (int i = 0; i < 2; i++) start_write(own.bg, &writes[i], wire.near, bytes, LARGE);
  far_push(wire.far, 10, 0);
  turns(&own.uv, 5);
  probe_init(&close_op, own.bg);
  ck_assert_int_eq(weir_uv_close(&close_op.op, &other->handle, probe_note), 0);
  if (is_closing_first) weir_loop_close(own.loop, own_on_closed, &own);
  uv_walk(&own.uv, close_one, NULL);
  weir_loop_close(own.loop, own_on_closed, &own);
  own_await_closed(&own);
  for (int i = 0; i < 2; i++) ck_completed(&writes[i], UV_ECANCELED);
  ck_completed(&close_op, 0);
  ck_chan_ended(ch, UV_ECANCELED);
  weir_chan_unref(ch);
  free(other);
  free(bytes);
  wire_free(&wire);
}

START_TEST(host_closes_all_handles) {
  for (wire_kind_t kind = 0; kind < WIRE_KINDS; kind++) {
    ck_walked(kind, false);
    ck_walked(kind, true);
  }
}
END_TEST

/* loops of several threads, whose handles share the library's table */

enum { THREADS = 3, PER_THREAD = 400 };

typedef struct part_s {
  uv_idle_t handles[PER_THREAD];
  weir_op_t ops[PER_THREAD];
  int calls;
} part_t;

static void count_call(weir_op_t *op, int status) {
  ensure_eq(status, 0);
  ++*(int *)op->data;
}

static void close_many(support_thread_t *thread, void *arg) {
  part_t *part = arg;

  for (int round = 1; round <= 3; round++) {
    for (int i = 0; i < PER_THREAD; i++) {
      uv_idle_init(&thread->uv, &part->handles[i]);
      weir_op_init(&part->ops[i], thread->bg);
      part->ops[i].data = &part->calls;
      ensure_eq(weir_uv_close(&part->ops[i], (uv_handle_t *)&part->handles[i], count_call), 0);
    }
    ensure_eq((int)weir_run(thread->loop), 0);
    ensure_eq(part->calls, round * PER_THREAD);
  }
}

START_TEST(loops_of_several_threads_close_at_the_same_time) {
  static support_thread_t threads[THREADS];
  static part_t parts[THREADS];

  for (int i = 0; i < THREADS; i++) parts[i].calls = 0;
  for (int i = 0; i < THREADS; i++) support_thread_start(&threads[i], close_many, &parts[i]);
  for (int i = 0; i < THREADS; i++) support_thread_join(&threads[i]);
}
END_TEST

static const support_test_t tests[] = {
    T(pending_ops_end_before_it),
    T(pending_connect_ends_before_it),
    T(handle_that_a_cancellation_closes_is_closed),
    T(handle_is_closed_in_the_callback_of_its_own_op),
    T(handle_is_closed_in_its_own_callback),
    T(closing_loop_waits_for_it),
    T(close_is_started_while_the_loop_closes),
    T(close_is_started_in_a_callback_of_the_loops_close),
    T(closed_loop_refuses),
    T(host_closes_all_handles),
    T(loops_of_several_threads_close_at_the_same_time),
};

SUITE_MAIN("uv_close_late", tests)
