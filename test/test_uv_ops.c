/* Description: connect, write, shutdown: what they do, and how they end. */
#include "support/dumped.h"
#include "support/peers.h"
#include "support/values.h"

enum { MANY = 64, LARGE = 4 * 1024 * 1024 };

/* connect */

static int connect_to(probe_t *probe, near_t *near, const address_t *address) {
  return weir_uv_connect(&probe->op, &near->tcp, (const struct sockaddr *)address, probe_note);
}

static void start_connect(weir_ctx_t *ctx, probe_t *probe, near_t *near, const address_t *address) {
  probe_init(probe, ctx);
  ck_assert_int_eq(connect_to(probe, near, address), 0);
  ck_not_completed(probe);
}

START_TEST(connect_gives_a_stream_to_the_other_side) {
  near_t *near = near_new(uv, A_TCP);
  address_t address;
  int listener = socket_listening(&address), far;
  probe_t connect;
  size_t place = 0;

  start_connect(bg, &connect, near, &address);
  memset(&address, 0, sizeof(address)); /* it has been copied */
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&connect, 0);
  ck_assert_uint_eq(connect.index, 0);
  far = unblocked(accept(listener, NULL, NULL));
  char *bytes = stamped(100, 0);
  uv_buf_t buf = uv_buf_init(bytes, 100);
  ck_assert_int_eq(uv_try_write(&near->stream, &buf, 1), 100);
  while (place < 100) far_pull(far, &place);
  free(bytes);
  near_close(near);
  close(far);
  close(listener);
}
END_TEST

START_TEST(refused_connection_gives_its_error_and_leaves_the_handle_open) {
  near_t *near = near_new(uv, A_TCP);
  address_t address;
  int nobody = socket_bound(&address);
  probe_t connect;

  start_connect(bg, &connect, near, &address);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&connect, UV_ECONNREFUSED);
  ck_assert(!uv_is_closing(&near->handle));
  near_close(near);
  close(nobody);
}
END_TEST

/* libuv cancels what waits for the connection; that is not weir's cancellation, and
 * closes nothing. */
START_TEST(what_waits_for_a_connection_that_fails_ends_with_it) {
  near_t *near = near_new(uv, A_TCP);
  char *bytes = stamped(1000, 0);
  address_t address;
  int nobody = socket_bound(&address);
  probe_t connect, write, shutdown, close_op;
  uv_buf_t buf = uv_buf_init(bytes, 1000);

  start_connect(bg, &connect, near, &address);
  probe_init(&write, bg);
  probe_init(&shutdown, bg);
  ck_assert_int_eq(weir_uv_write(&write.op, &near->stream, &buf, 1, probe_note), 0);
  ck_assert_int_eq(weir_uv_shutdown(&shutdown.op, &near->stream, probe_note), 0);
  turn_until_called(uv, &write);
  ck_completed(&connect, UV_ECONNREFUSED);
  ck_completed(&write, UV_ECANCELED);
  ck_assert(!uv_is_closing(&near->handle));
  probe_init(&close_op, bg);
  weir_uv_close(&close_op.op, &near->handle, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&close_op, 0);
  free(near);
  ck_assert_int_eq(shutdown.calls, 1);
  ck_assert_int_ne(shutdown.status, 0);
  free(bytes);
  close(nobody);
}
END_TEST

START_TEST(second_connect_is_refused_and_the_first_goes_on) {
  near_t *near = near_new(uv, A_TCP);
  address_t address;
  int listener = socket_listening(&address);
  probe_t first, second;

  start_connect(bg, &first, near, &address);
  probe_init(&second, bg);
  ck_assert_int_eq(connect_to(&second, near, &address), UV_EALREADY);
  ck_assert(!weir_op_pending(&second.op));
  weir_run(loop);
  ck_completed(&first, 0);
  ck_assert_int_eq(second.calls, 0);
  near_close(near);
  close(listener);
}
END_TEST

START_TEST(any_of_connect_and_sleep_is_a_timeout) {
  near_t *near = near_new(uv, A_TCP);
  probe_t connect, sleep, any;
  weir_op_t *ops[] = {&connect.op, &sleep.op};
  deaf_t deaf;

  deaf_open(&deaf);
  start_connect(bg, &connect, near, &deaf.address);
  probe_init(&sleep, bg);
  probe_init(&any, bg);
  weir_sleep(&sleep.op, 2, probe_note);
  weir_any(&any.op, ops, 2, probe_note);
  turn_until_called(uv, &any);
  ck_completed(&any, 0);
  ck_assert_uint_eq(any.index, 1);
  ck_not_completed(&connect);
  cancel_and_run(&connect);
  ck_completed(&connect, UV_ECANCELED);
  free(near);
  deaf_close(&deaf);
}
END_TEST

/* write */

static void start_write(weir_ctx_t *ctx, probe_t *probe, near_t *near, char *bytes, size_t length) {
  uv_buf_t buf = uv_buf_init(bytes, (unsigned)length);

  probe_init(probe, ctx);
  ck_assert_int_eq(weir_uv_write(&probe->op, &near->stream, &buf, 1, probe_note), 0);
  ck_not_completed(probe);
}

START_TEST(write_completes_when_all_has_been_taken) {
  for (wire_kind_t kind = 0; kind < WIRE_KINDS; kind++) {
    char *bytes = stamped(LARGE, 0);
    size_t place = 0;
    wire_t wire;
    probe_t write;

    wire_open(&wire, kind);
    start_write(bg, &write, wire.near, bytes, LARGE);
    turns(uv, 20);
    ck_not_completed(&write); /* the window is full */
    while (place < LARGE / 2) {
      ck_assert(!far_pull(wire.far, &place));
      turns(uv, 1);
    }
    ck_not_completed(&write);
    while (!write.calls) {
      ck_assert(!far_pull(wire.far, &place));
      turns(uv, 1);
    }
    free(bytes);
    while (place < LARGE) ck_assert(!far_pull(wire.far, &place));
    ck_completed(&write, 0);
    ck_assert_uint_eq(weir_run(loop), 0);
    wire_close(&wire);
  }
}
END_TEST

START_TEST(writes_go_in_the_order_of_their_starts) {
  enum { LENGTH = 20000 };

  for (wire_kind_t kind = 0; kind < WIRE_KINDS; kind++) {
    char *bytes = stamped((size_t)MANY * LENGTH, 0);
    size_t place = 0;
    wire_t wire;
    probe_t writes[MANY];

    wire_open(&wire, kind);
    for (int i = 0; i < MANY; i++)
      start_write(bg, &writes[i], wire.near, bytes + (size_t)i * LENGTH, LENGTH);
    while (!writes[MANY - 1].calls) {
      turns(uv, 1);
      far_pull(wire.far, &place);
    }
    while (place < (size_t)MANY * LENGTH) far_pull(wire.far, &place);
    for (int i = 0; i < MANY; i++) ck_completed(&writes[i], 0);
    for (int i = 1; i < MANY; i++) ck_assert_uint_eq(writes[i].order, writes[0].order + i);
    free(bytes);
    wire_close(&wire);
  }
}
END_TEST

START_TEST(write_gathers_buffers_and_copies_their_array) {
  for (unsigned n = 1; n <= 9; n++) {
    char *bytes = stamped(9 * 100000, 0);
    size_t place = 0;
    uv_buf_t bufs[9];
    wire_t wire;
    probe_t write;

    wire_open(&wire, A_PIPE);
    for (unsigned i = 0; i < n; i++) bufs[i] = uv_buf_init(bytes + i * 100000, 100000);
    probe_init(&write, bg);
    ck_assert_int_eq(weir_uv_write(&write.op, &wire.near->stream, bufs, n, probe_note), 0);
    memset(bufs, 0, sizeof(bufs));
    while (!write.calls || place < n * 100000) {
      turns(uv, 1);
      ck_assert(!far_pull(wire.far, &place));
    }
    ck_completed(&write, 0);
    ck_assert_uint_eq(place, n * 100000);
    free(bytes);
    wire_close(&wire);
  }
}
END_TEST

START_TEST(write_of_an_empty_buffer_completes) {
  uv_buf_t bufs[2] = {{.base = NULL, .len = 0}, {.base = NULL, .len = 0}};
  wire_t wire;
  probe_t write;

  wire_open(&wire, A_PIPE);
  probe_init(&write, bg);
  ck_assert_int_eq(weir_uv_write(&write.op, &wire.near->stream, bufs, 2, probe_note), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&write, 0);
  wire_close(&wire);
}
END_TEST

START_TEST(write_to_a_peer_that_is_gone_gives_the_error_and_leaves_the_stream_open) {
  for (wire_kind_t kind = 0; kind < WIRE_KINDS; kind++) {
    char *bytes = stamped(LARGE, 0);
    wire_t wire;
    probe_t write, next;

    wire_open(&wire, kind);
    start_write(bg, &write, wire.near, bytes, LARGE);
    turns(uv, 5);
    close(wire.far); /* with bytes that it has not read */
    turn_until_called(uv, &write);
    ck_assert_int_eq(write.calls, 1);
    ck_assert(write.status == UV_EPIPE || write.status == UV_ECONNRESET);
    ck_assert(!uv_is_closing(&wire.near->handle));
    start_write(bg, &next, wire.near, bytes, 10);
    weir_run(loop);
    ck_completed(&next, UV_EPIPE);
    free(bytes);
    near_close(wire.near);
  }
}
END_TEST

START_TEST(writes_and_shutdown_wait_for_the_connection) {
  near_t *near = near_new(uv, A_TCP);
  char *bytes = stamped(2000, 0);
  size_t place = 0;
  address_t address;
  int listener = socket_listening(&address), far;
  probe_t connect, writes[2], shutdown;

  start_connect(bg, &connect, near, &address);
  start_write(bg, &writes[0], near, bytes, 1000);
  start_write(bg, &writes[1], near, bytes + 1000, 1000);
  probe_init(&shutdown, bg);
  ck_assert_int_eq(weir_uv_shutdown(&shutdown.op, &near->stream, probe_note), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&connect, 0);
  ck_completed(&writes[0], 0);
  ck_completed(&writes[1], 0);
  ck_completed(&shutdown, 0);
  ck_assert_uint_lt(connect.order, writes[0].order);
  ck_assert_uint_lt(writes[1].order, shutdown.order);
  far = unblocked(accept(listener, NULL, NULL));
  while (!far_pull(far, &place)) continue;
  ck_assert_uint_eq(place, 2000);
  free(bytes);
  near_close(near);
  close(far);
  close(listener);
}
END_TEST

/* shutdown */

static void start_shutdown(weir_ctx_t *ctx, probe_t *probe, near_t *near) {
  probe_init(probe, ctx);
  ck_assert_int_eq(weir_uv_shutdown(&probe->op, &near->stream, probe_note), 0);
  ck_not_completed(probe);
}

START_TEST(shutdown_ends_the_writing_side_after_all_writes) {
  for (wire_kind_t kind = 0; kind < WIRE_KINDS; kind++) {
    char *bytes = stamped(LARGE, 0);
    size_t place = 0;
    bool has_ended = false;
    wire_t wire;
    probe_t write, shutdown;

    wire_open(&wire, kind);
    start_write(bg, &write, wire.near, bytes, LARGE);
    start_shutdown(bg, &shutdown, wire.near);
    turns(uv, 10);
    ck_not_completed(&shutdown);
    while (!has_ended) {
      has_ended = far_pull(wire.far, &place);
      turns(uv, 1);
    }
    ck_assert_uint_eq(place, LARGE);
    weir_run(loop);
    ck_completed(&write, 0);
    ck_completed(&shutdown, 0);
    ck_assert_uint_lt(write.order, shutdown.order);
    ck_assert_uint_eq(far_push(wire.far, 100, 0), 100); /* the other side is still open */
    free(bytes);
    wire_close(&wire);
  }
}
END_TEST

START_TEST(after_shutdown_another_and_a_write_are_refused) {
  char byte = 0;
  uv_buf_t buf = uv_buf_init(&byte, 1);
  wire_t wire;
  probe_t shutdown, late;

  wire_open(&wire, A_PIPE);
  start_shutdown(bg, &shutdown, wire.near);
  probe_init(&late, bg);
  ck_assert_int_eq(weir_uv_shutdown(&late.op, &wire.near->stream, probe_note), UV_ENOTCONN);
  weir_run(loop);
  ck_completed(&shutdown, 0);
  ck_assert_int_eq(weir_uv_shutdown(&late.op, &wire.near->stream, probe_note), UV_ENOTCONN);
  ck_assert_int_eq(weir_uv_write(&late.op, &wire.near->stream, &buf, 1, probe_note), UV_EPIPE);
  ck_assert(!weir_op_pending(&late.op));
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(late.calls, 0);
  wire_close(&wire);
}
END_TEST

/* one op for all, started again in its callback */

static struct {
  near_t *near;
  char *bytes;
  int step;
} chained;

static void go_on(weir_op_t *op, int status) {
  uv_buf_t buf = uv_buf_init(chained.bytes, 1000);

  ck_assert_int_eq(status, 0);
  switch (++chained.step) {
  case 1:
    ck_assert_int_eq(weir_uv_write(op, &chained.near->stream, &buf, 1, go_on), 0);
    break;
  case 2:
    ck_assert_int_eq(weir_uv_shutdown(op, &chained.near->stream, go_on), 0);
    break;
  case 3:
    ck_assert_int_eq(weir_uv_close(op, &chained.near->handle, go_on), 0);
    break;
  default:
    free(chained.near);
    free(chained.bytes);
  }
}

START_TEST(op_may_be_started_again_in_its_callback) {
  address_t address;
  int listener = socket_listening(&address), far;
  size_t place = 0;
  weir_op_t op;

  chained.near = near_new(uv, A_TCP);
  chained.bytes = stamped(1000, 0);
  chained.step = 0;
  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_uv_connect(&op, &chained.near->tcp, (struct sockaddr *)&address, go_on), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(chained.step, 4);
  far = unblocked(accept(listener, NULL, NULL));
  while (!far_pull(far, &place)) continue;
  ck_assert_uint_eq(place, 1000);
  close(far);
  close(listener);
}
END_TEST

START_TEST(completion_handles_do_without_a_callback) {
  char *bytes = stamped(LARGE, 0);
  uv_buf_t buf = uv_buf_init(bytes, 1000);
  wire_t wire;
  weir_op_t op;

  wire_open(&wire, A_TCP);
  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_uv_write(&op, &wire.near->stream, &buf, 1, NULL), 0);
  ck_assert_int_eq(weir_op_status(&op), UV_EBUSY);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_assert_int_eq(weir_uv_shutdown(&op, &wire.near->stream, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_assert_int_eq(weir_op_status(&op), 0);
  free(bytes);
  wire_close(&wire);
}
END_TEST

START_TEST(all_waits_for_writes) {
  char *bytes = stamped(4000, 0);
  probe_t writes[4], all;
  weir_op_t *ops[4];
  wire_t wire;

  wire_open(&wire, A_PIPE);
  for (int i = 0; i < 4; i++) {
    start_write(bg, &writes[i], wire.near, bytes + i * 1000, 1000);
    ops[i] = &writes[i].op;
  }
  probe_init(&all, bg);
  weir_all(&all.op, ops, 4, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&all, 0);
  for (int i = 0; i < 4; i++) ck_completed(&writes[i], 0);
  free(bytes);
  wire_close(&wire);
}
END_TEST

START_TEST(data_of_the_handle_is_left_alone) {
  near_t *near = near_new(uv, A_TCP);
  char *bytes = stamped(1000, 0);
  address_t address;
  int listener = socket_listening(&address);
  probe_t connect, write, shutdown;

  near->handle.data = bytes;
  start_connect(bg, &connect, near, &address);
  start_write(bg, &write, near, bytes, 1000);
  start_shutdown(bg, &shutdown, near);
  ck_assert_ptr_eq(near->handle.data, bytes);
  weir_run(loop);
  ck_completed(&shutdown, 0);
  ck_assert_ptr_eq(near->handle.data, bytes);
  free(bytes);
  near_close(near);
  close(listener);
}
END_TEST

/* seen from outside */

START_TEST(dump_names_what_is_pending) {
  char *bytes = stamped(LARGE, 0), where[200];
  weir_op_t op;
  uv_buf_t buf = uv_buf_init(bytes, LARGE);
  near_t *near = near_new(uv, A_TCP);
  wire_t wire;
  deaf_t deaf;
  weir_stats_t stats;

  deaf_open(&deaf);
  wire_open(&wire, A_PIPE);
  snprintf(where, sizeof(where), "%s:%d", __FILE__, __LINE__ + 1);
  weir_op_init(&op, bg);
  weir_uv_connect(&op, &near->tcp, (struct sockaddr *)&deaf.address, NULL);
  ck_dumped(where, ": connect of a tcp");
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.ops_parked, 1);
  weir_op_cancel(&op);
  ck_dumped(where, ": connect of a tcp");
  ck_assert_int_eq(weir_op_wait(&op), UV_ECANCELED);
  weir_uv_write(&op, &wire.near->stream, &buf, 1, NULL);
  turns(uv, 5);
  ck_dumped(where, ": write of a pipe");
  weir_op_cancel(&op);
  ck_assert_int_eq(weir_op_wait(&op), UV_ECANCELED);
  free(bytes);
  free(near);
  wire_free(&wire);
  wire_open(&wire, A_TCP);
  weir_uv_shutdown(&op, &wire.near->stream, NULL);
  ck_dumped(where, ": shutdown of a tcp");
  weir_run(loop);
  ck_dumped_nothing();
  wire_close(&wire);
  deaf_close(&deaf);
}
END_TEST

static const support_test_t tests[] = {
    T(connect_gives_a_stream_to_the_other_side),
    T(refused_connection_gives_its_error_and_leaves_the_handle_open),
    T(what_waits_for_a_connection_that_fails_ends_with_it),
    T(second_connect_is_refused_and_the_first_goes_on),
    T(any_of_connect_and_sleep_is_a_timeout),
    T(write_completes_when_all_has_been_taken),
    T(writes_go_in_the_order_of_their_starts),
    T(write_gathers_buffers_and_copies_their_array),
    T(write_of_an_empty_buffer_completes),
    T(write_to_a_peer_that_is_gone_gives_the_error_and_leaves_the_stream_open),
    T(writes_and_shutdown_wait_for_the_connection),
    T(shutdown_ends_the_writing_side_after_all_writes),
    T(after_shutdown_another_and_a_write_are_refused),
    T(op_may_be_started_again_in_its_callback),
    T(completion_handles_do_without_a_callback),
    T(all_waits_for_writes),
    T(data_of_the_handle_is_left_alone),
    T(dump_names_what_is_pending),
};

SUITE_MAIN("uv_ops", tests)
