/* Description: connect, write, shutdown: what holds for each start: refusals, contexts, memory. */
#include "support/peers.h"
#include "support/values.h"

static char any_byte[1];
static const uv_buf_t any_buf = {.base = any_byte, .len = 1};
static address_t any_address;

static int do_connect(weir_op_t *op, near_t *near) {
  return weir_uv_connect(op, near ? &near->tcp : NULL, (struct sockaddr *)&any_address, probe_note);
}

static int do_write(weir_op_t *op, near_t *near) {
  return weir_uv_write(op, near ? &near->stream : NULL, &any_buf, 1, probe_note);
}

static int do_shutdown(weir_op_t *op, near_t *near) {
  return weir_uv_shutdown(op, near ? &near->stream : NULL, probe_note);
}

typedef int (*start_fn)(weir_op_t *op, near_t *near);

static const start_fn starts[] = {do_connect, do_write, do_shutdown};
static int any_listener;

/* Each start in turn, with a stream that it is good for. */
static void each_start(void (*check)(start_fn start, near_t *near)) {
  any_listener = socket_listening(&any_address);
  for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
    wire_t wire = {.far = -1};

    if (starts[i] == do_connect)
      wire.near = near_new(uv, A_TCP);
    else
      wire_open(&wire, A_TCP);
    check(starts[i], wire.near);
    near_close(wire.near);
    if (wire.far >= 0) close(wire.far);
  }
  close(any_listener);
}

static void ck_refused(start_fn start, near_t *near, weir_ctx_t *ctx, int wanted) {
  size_t outstanding = support_outstanding();
  probe_t probe;

  probe_init(&probe, ctx);
  ck_assert_int_eq(start(&probe.op, near), wanted);
  ck_assert(!weir_op_pending(&probe.op));
  turns(uv, 3);
  ck_assert_int_eq(probe.calls, 0);
  ck_assert_uint_eq(support_outstanding(), outstanding);
}

static void ck_works(start_fn start, near_t *near, weir_ctx_t *ctx) {
  probe_t probe;

  probe_init(&probe, ctx);
  ck_assert_int_eq(start(&probe.op, near), 0);
  ck_not_completed(&probe);
  turn_until_called(uv, &probe);
  ck_completed(&probe, 0);
  ck_assert(!uv_is_closing(&near->handle));
}

static void check_nulls(start_fn start, near_t *near) {
  ck_refused(start, near, NULL, UV_EINVAL);
  ck_refused(start, NULL, bg, UV_EINVAL);
  ck_assert_int_eq(start(NULL, near), UV_EINVAL);
  ck_works(start, near, bg);
}

START_TEST(null_is_refused) {
  each_start(check_nulls);
}
END_TEST

START_TEST(no_address_and_no_buffers_are_refused) {
  near_t *near = near_new(uv, A_TCP);
  wire_t wire;
  probe_t probe;

  wire_open(&wire, A_PIPE);
  probe_init(&probe, bg);
  ck_assert_int_eq(weir_uv_connect(&probe.op, &near->tcp, NULL, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_uv_write(&probe.op, &wire.near->stream, NULL, 1, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_uv_write(&probe.op, &wire.near->stream, &any_buf, 0, probe_note),
                   UV_EINVAL);
  ck_assert(!weir_op_pending(&probe.op));
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(probe.calls, 0);
  near_close(near);
  wire_close(&wire);
}
END_TEST

static void check_other_loop(start_fn start, near_t *near) {
  own_t own;

  own_open(&own);
  ck_refused(start, near, own.bg, UV_EINVAL);
  own_close(&own);
  ck_works(start, near, bg);
}

START_TEST(handle_of_another_loop_is_refused) {
  each_start(check_other_loop);
}
END_TEST

static void check_pending(start_fn start, near_t *near) {
  probe_t parked;

  start_recv(&parked, NULL, NULL);
  ck_assert_int_eq(start(&parked.op, near), UV_EBUSY);
  cancel_and_run(&parked);
  ck_completed(&parked, UV_ECANCELED);
  ck_works(start, near, bg);
}

START_TEST(pending_op_is_refused) {
  each_start(check_pending);
}
END_TEST

/* Whatever the code: it is refused, and has not been touched. */
static void check_closing(start_fn start, near_t *near) {
  probe_t probe, close;
  near_t *closing = near_new(uv, A_TCP);

  ck_works(start, near, bg);
  probe_init(&probe, bg);
  probe_init(&close, bg);
  ck_assert_int_eq(weir_uv_close(&close.op, &closing->handle, probe_note), 0);
  ck_assert_int_lt(start(&probe.op, closing), 0);
  turn_until_called(uv, &close);
  ck_assert_int_lt(start(&probe.op, closing), 0);
  ck_assert(!weir_op_pending(&probe.op));
  turns(uv, 3);
  ck_assert_int_eq(probe.calls, 0);
  free(closing);
}

START_TEST(closing_and_closed_handles_are_refused) {
  each_start(check_closing);
}
END_TEST

START_TEST(streams_that_are_not_connected_are_refused) {
  near_t *near = near_new(uv, A_TCP);

  ck_refused(do_write, near, bg, UV_EBADF);
  ck_refused(do_shutdown, near, bg, UV_ENOTCONN);
  near_close(near);
}
END_TEST

/* It completes so without having touched the stream, which is as good as before. */
static void check_cancelled(start_fn start, near_t *near) {
  weir_ctx_t *ctxs[] = {weir_ctx_with_cancel(bg), weir_ctx_with_timeout(bg, 0)};
  static const int errors[] = {UV_ECANCELED, UV_ETIMEDOUT};

  weir_ctx_cancel(ctxs[0]);
  for (int i = 0; i < 2; i++) {
    probe_t probe;

    probe_init(&probe, ctxs[i]);
    ck_assert_int_eq(start(&probe.op, near), 0);
    ck_not_completed(&probe);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&probe, errors[i]);
    ck_assert(!uv_is_closing(&near->handle));
    weir_ctx_unref(ctxs[i]);
  }
  ck_works(start, near, bg);
}

START_TEST(cancelled_context_touches_nothing) {
  each_start(check_cancelled);
}
END_TEST

START_TEST(closed_loop_refuses) {
  for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
    weir_ctx_t *ctx;
    own_t own;
    near_t *near;
    probe_t probe;

    own_open(&own);
    ctx = weir_ctx_with_cancel(own.bg);
    near = near_new(&own.uv, A_TCP);
    weir_loop_close(own.loop, own_on_closed, &own);
    turn_until(&own.uv, own.closed);
    probe_init(&probe, ctx);
    ck_assert_int_eq(starts[i](&probe.op, near), UV_ECANCELED);
    ck_assert(!weir_op_pending(&probe.op));
    near_close(near);
    own_await_closed(&own);
    ck_assert_int_eq(probe.calls, 0);
    weir_ctx_unref(ctx);
  }
}
END_TEST

/* Fails each allocation in turn. */
static void check_no_memory(start_fn start, near_t *near) {
  size_t outstanding = support_outstanding();
  int err = UV_ENOMEM;
  probe_t probe;

  probe_init(&probe, bg);
  for (size_t n = 0; err; n++) {
    support_fail_only(n);
    err = start(&probe.op, near);
    support_fail_after(SIZE_MAX);
    ck_assert_int_eq(err, n == 0 || err ? UV_ENOMEM : 0);
    if (err) ck_assert(!weir_op_pending(&probe.op));
    if (err) ck_assert_uint_eq(support_outstanding(), outstanding);
  }
  turn_until_called(uv, &probe);
  ck_completed(&probe, 0);
  ck_assert(!uv_is_closing(&near->handle));
}

START_TEST(want_of_memory_starts_nothing) {
  each_start(check_no_memory);
}
END_TEST

static void check_free_of_allocations(start_fn start, near_t *near) {
  size_t before = support_outstanding();

  ck_works(start, near, bg);
  ck_assert_uint_eq(support_outstanding(), before);
}

START_TEST(request_is_freed_with_the_completion) {
  each_start(check_free_of_allocations);
}
END_TEST

static const support_test_t tests[] = {
    T(null_is_refused),
    T(no_address_and_no_buffers_are_refused),
    T(handle_of_another_loop_is_refused),
    T(pending_op_is_refused),
    T(closing_and_closed_handles_are_refused),
    T(streams_that_are_not_connected_are_refused),
    T(cancelled_context_touches_nothing),
    T(closed_loop_refuses),
    T(want_of_memory_starts_nothing),
    T(request_is_freed_with_the_completion),
};

SUITE_MAIN("uv_starts", tests)
