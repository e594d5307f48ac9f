/* Description: accept: connections that come, at most one ahead of who receives them; what is
 * refused. */
#include <sys/resource.h>
#include <sys/un.h>

#include "support/connections.h"
#include "support/dumped.h"

enum { MANY = 200 };

START_TEST(connection_is_a_stream_of_the_loop) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  uv_stream_t *connection;
  probe_t close_op;
  int far;

  ck_assert_ptr_nonnull(ch);
  ck_assert_uint_eq(weir_chan_type(ch)->size, sizeof(uv_tcp_t *));
  far = dial(&address);
  connection = receive(ch);
  ck_assert_ptr_eq(connection->loop, uv);
  ck_assert_int_eq(connection->type, UV_TCP);
  ck_assert_ptr_null(connection->data);
  ck_connected(connection, far);
  probe_init(&close_op, bg);
  ck_assert_int_eq(weir_uv_close(&close_op.op, (uv_handle_t *)connection, probe_note), 0);
  turn_until_called(uv, &close_op);
  library_free(connection);
  await_cut(far);
  finish(ch, listener);
}
END_TEST

typedef struct server_s {
  weir_range_t range; /* first */
  int count, ends, status;
  uv_stream_t *connections[MANY];
} server_t;

static void serve(weir_range_t *range, const void *value, int status) {
  server_t *server = (server_t *)range;

  ck_assert_int_eq(server->ends, 0);
  server->status = status;
  server->ends += !value;
  if (value) server->connections[server->count++] = *(uv_stream_t *const *)value;
}

static void server_start(weir_ctx_t *ctx, server_t *server, weir_chan_t *ch) {
  ck_assert_ptr_nonnull(ch);
  server->count = server->ends = 0;
  weir_range_init(&server->range, ctx);
  ck_assert_int_eq(weir_range_start(&server->range, ch, serve), 0);
  weir_chan_unref(ch);
}

START_TEST(many_connections_come_in_the_order_of_their_calls) {
  static server_t server;
  address_t address;
  near_t *listener = listener_on(uv, &address);
  int fars[MANY];

  server_start(bg, &server, weir_uv_accept(bg, &listener->stream, BACKLOG));
  for (int i = 0; i < MANY; i++) {
    fars[i] = dial(&address);
    if (i > BACKLOG / 2) turns(uv, 2); /* a full backlog would block the test */
  }
  turn_until(uv, server.count == MANY);
  for (int i = 0; i < MANY; i++) {
    ck_connected(server.connections[i], fars[i]);
    connection_close(server.connections[i]);
    close(fars[i]);
  }
  weir_range_stop(&server.range);
  finish(NULL, listener);
}
END_TEST

/* a pipe in place of an address */

static near_t *pipe_listener(struct sockaddr_un *address) {
  near_t *listener = near_new(uv, A_PIPE);

  signal(SIGPIPE, SIG_IGN);
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  snprintf(address->sun_path, sizeof(address->sun_path), "/tmp/weir_accept_%d", (int)getpid());
  unlink(address->sun_path); /* of one that was killed */
  ck_assert_int_eq(uv_pipe_bind(&listener->pipe, address->sun_path), 0);
  return listener;
}

static int dial_pipe(const struct sockaddr_un *address) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);

  ck_assert_int_eq(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
  return unblocked(fd);
}

START_TEST(pipe_listener_gives_pipes) {
  struct sockaddr_un address;
  near_t *listener = pipe_listener(&address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  uv_stream_t *connection;
  int far, unwanted;

  far = dial_pipe(&address);
  connection = receive(ch);
  ck_assert_int_eq(connection->type, UV_NAMED_PIPE);
  ck_connected(connection, far);
  connection_close(connection);
  await_cut(far);
  unwanted = dial_pipe(&address);
  turns(uv, 3);
  weir_chan_unref(ch);
  await_cut(unwanted);
  finish(NULL, listener);
}
END_TEST

START_TEST(connection_is_read_and_written) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  int far = dial(&address);
  uv_stream_t *connection = receive(ch);
  char *bytes = stamped(1000, 0);
  uv_buf_t buf = uv_buf_init(bytes, 1000);
  drain_t drain = {.then = NULL};
  size_t place = 0;
  probe_t write, close_op;

  drain_start(&drain, weir_uv_read(bg, connection, 2));
  probe_init(&write, bg);
  weir_uv_write(&write.op, connection, &buf, 1, probe_note);
  far_push(far, 1000, 0);
  turn_until(uv, drain.place == 1000 && write.calls);
  while (place < 1000) far_pull(far, &place);
  close(far);
  turn_until(uv, drain.ends > 0);
  ck_drain_ended(&drain, 1000, UV_EOF);
  probe_init(&close_op, bg);
  weir_uv_close(&close_op.op, (uv_handle_t *)connection, probe_note);
  turn_until_called(uv, &close_op);
  library_free(connection);
  free(bytes);
  finish(ch, listener);
}
END_TEST

START_TEST(data_of_the_listener_is_left_alone) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch;
  int far;

  listener->handle.data = &address;
  ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  far = dial(&address);
  connection_close(receive(ch));
  ck_assert_ptr_eq(listener->handle.data, &address);
  weir_chan_unref(ch);
  turns(uv, 3);
  ck_assert_ptr_eq(listener->handle.data, &address);
  finish(NULL, listener);
  close(far);
}
END_TEST

/* backpressure */

START_TEST(one_connection_at_most_is_accepted_ahead) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  size_t outstanding;
  int fars[10], open;

  turns(uv, 5);
  outstanding = support_outstanding();
  for (int i = 0; i < 10; i++) fars[i] = dial(&address);
  open = descriptors();
  turns(uv, 50);
  ck_assert_uint_eq(support_outstanding() - outstanding, 1);
  ck_assert_int_le(descriptors() - open, 2); /* libuv has one besides, of which it has told */
  for (int i = 0; i < 10; i++) {
    uv_stream_t *connection = receive(ch);

    turns(uv, 10);
    ck_assert_uint_le(support_outstanding() - outstanding, 2);
    ck_connected(connection, fars[i]);
    connection_close(connection);
    close(fars[i]);
    turns(uv, 3);
  }
  finish(ch, listener);
}
END_TEST

START_TEST(connection_that_nobody_receives_is_closed_and_freed) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  size_t outstanding;
  int far, open;

  turns(uv, 5);
  far = dial(&address);
  open = descriptors();
  outstanding = support_outstanding();
  turn_until(uv, support_outstanding() > outstanding);
  ck_assert_int_eq(descriptors(), open + 1);
  weir_chan_unref(ch);
  turns(uv, 5);
  ck_assert_int_eq(descriptors(), open);
  await_cut(far);
  finish(NULL, listener);
}
END_TEST

/* In a stage behind it they are dropped, too. */
START_TEST(buffered_connections_are_closed_with_their_channel) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_pipe_buffer(bg, weir_uv_accept(bg, &listener->stream, BACKLOG), 4);
  int fars[6];

  for (int i = 0; i < 6; i++) fars[i] = dial(&address);
  turn_until(uv, weir_chan_len(ch) == 4);
  turns(uv, 5);
  weir_chan_unref(ch);
  turns(uv, 5);
  for (int i = 0; i < 4; i++) await_cut(fars[i]);
  finish(NULL, listener);
  for (int i = 4; i < 6; i++) await_cut(fars[i]);
}
END_TEST

/* Their memory is not the loop's that has closed. */
START_TEST(buffered_connections_outlive_the_loop) {
  weir_chan_t *ch;
  near_t *listener;
  address_t address;
  own_t own;
  int fars[3];

  own_open(&own);
  listener = listener_on(&own.uv, &address);
  ch = weir_pipe_buffer(own.bg, weir_uv_accept(own.bg, &listener->stream, BACKLOG), 4);
  for (int i = 0; i < 3; i++) fars[i] = dial(&address);
  turn_until(&own.uv, weir_chan_len(ch) == 3);
  weir_loop_close(own.loop, own_on_closed, &own);
  turn_until(&own.uv, own.closed);
  weir_chan_unref(ch);
  near_close(listener);
  own_await_closed(&own);
  for (int i = 0; i < 3; i++) await_cut(fars[i]);
}
END_TEST

START_TEST(caller_that_has_gone_does_not_stop_it) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  int far;

  for (int i = 0; i < 3; i++) far_reset(dial(&address)); /* before they are accepted */
  far = dial(&address);
  for (bool has_come = false; !has_come;) {
    uv_stream_t *connection = receive(ch);
    char *bytes = stamped(1, 0);
    uv_buf_t buf = uv_buf_init(bytes, 1);
    size_t place = 0;

    uv_try_write(connection, &buf, 1);
    far_pull(far, &place);
    has_come = place > 0;
    free(bytes);
    connection_close(connection);
  }
  finish(ch, listener);
  close(far);
}
END_TEST

/* Errors of one connection are not the listener's: as libuv tells of them, and of want of
 * descriptors. */
START_TEST(error_of_a_connection_is_skipped) {
  static const int errors[] = {UV_EMFILE, UV_ECONNABORTED, UV_EPROTO, UV_ENOMEM};
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  uv_stream_t *connection;
  int far;

  for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
    turns(uv, 3);
    listener->stream.connection_cb(&listener->stream, errors[i]);
    ck_assert(!weir_chan_closed(ch));
    far = dial(&address);
    connection = receive(ch);
    ck_connected(connection, far);
    connection_close(connection);
    close(far);
  }
  finish(ch, listener);
}
END_TEST

START_TEST(connection_without_a_descriptor_for_it_is_skipped) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  struct rlimit limit, tight;
  uv_stream_t *connection;
  int far, free_fd;

  turns(uv, 5);
  far = dial(&address);
  free_fd = dup(far);
  close(free_fd);
  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
  tight = (struct rlimit){.rlim_cur = (rlim_t)free_fd, .rlim_max = limit.rlim_max};
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
  turns(uv, 10);
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
  await_cut(far);
  ck_assert(!weir_chan_closed(ch));
  far = dial(&address);
  connection = receive(ch);
  ck_connected(connection, far);
  connection_close(connection);
  close(far);
  finish(ch, listener);
}
END_TEST

/* refused */

START_TEST(address_in_use_is_the_end) {
  address_t address;
  near_t *listener = listener_on(uv, &address), *second = near_new(uv, A_TCP);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG), *late;

  ck_assert_int_eq(uv_tcp_bind(&second->tcp, (struct sockaddr *)&address, 0), 0);
  late = weir_uv_accept(bg, &second->stream, BACKLOG);
  ck_chan_ended(late, UV_EADDRINUSE);
  weir_chan_unref(late);
  near_close(second);
  finish(ch, listener);
}
END_TEST

START_TEST(streams_that_cannot_listen_end_at_once) {
  wire_t wire;
  weir_chan_t *ch;

  wire_open(&wire, A_TCP);
  ch = weir_uv_accept(bg, &wire.near->stream, BACKLOG);
  ck_assert_ptr_nonnull(ch);
  ck_assert(weir_chan_closed(ch));
  weir_chan_unref(ch);
  weir_run(loop);
  wire_close(&wire);
  ck_nothing_left();
}
END_TEST

START_TEST(closing_listener_ends_at_once) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch;

  near_close(listener);
  ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  ck_assert_ptr_nonnull(ch);
  ck_assert(weir_chan_closed(ch));
  weir_chan_unref(ch);
  ck_nothing_left();
}
END_TEST

START_TEST(null_and_another_loop_give_null) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  size_t outstanding;
  own_t own;

  own_open(&own);
  outstanding = support_outstanding();
  ck_assert_ptr_null(weir_uv_accept(NULL, &listener->stream, BACKLOG));
  ck_assert_ptr_null(weir_uv_accept(bg, NULL, BACKLOG));
  ck_assert_ptr_null(weir_uv_accept(own.bg, &listener->stream, BACKLOG));
  ck_assert_uint_eq(support_outstanding(), outstanding);
  near_close(listener);
  own_close(&own);
}
END_TEST

START_TEST(cancelled_context_does_not_listen) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch;

  weir_ctx_cancel(ctx);
  ch = weir_uv_accept(ctx, &listener->stream, BACKLOG);
  ck_chan_ended(ch, UV_ECANCELED);
  ck_assert(!uv_is_active(&listener->handle));
  weir_ctx_unref(ctx);
  finish(ch, listener);
}
END_TEST

START_TEST(dump_and_stats_name_it) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  int far;

  turns(uv, 3);
  ck_assert_uint_eq(pipe_stats().stages, 1);
  ck_dumped_nothing();
  far = dial(&address);
  turns(uv, 5);
  ck_dumped("weir_uv_accept", "send");
  weir_chan_unref(ch);
  turns(uv, 5);
  ck_dumped_nothing();
  finish(NULL, listener);
  close(far);
}
END_TEST

static const support_test_t tests[] = {
    T(connection_is_a_stream_of_the_loop),
    T(many_connections_come_in_the_order_of_their_calls),
    T(pipe_listener_gives_pipes),
    T(connection_is_read_and_written),
    T(data_of_the_listener_is_left_alone),
    T(one_connection_at_most_is_accepted_ahead),
    T(connection_that_nobody_receives_is_closed_and_freed),
    T(buffered_connections_are_closed_with_their_channel),
    T(buffered_connections_outlive_the_loop),
    T(caller_that_has_gone_does_not_stop_it),
    T(error_of_a_connection_is_skipped),
    T(connection_without_a_descriptor_for_it_is_skipped),
    T(address_in_use_is_the_end),
    T(streams_that_cannot_listen_end_at_once),
    T(closing_listener_ends_at_once),
    T(null_and_another_loop_give_null),
    T(cancelled_context_does_not_listen),
    T(dump_and_stats_name_it),
};

SUITE_MAIN("uv_accept", tests)
