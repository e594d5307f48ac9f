/*
 * Description: accept: listeners that are abandoned and taken over, cut and closed; connections
 * that are lost or not, then and for want of memory.
 */
#include "support/connections.h"
#include "support/dumped.h"

/* listeners that are taken over */

START_TEST(second_acceptor_ends_at_once_and_the_first_goes_on) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG), *second;
  int far;

  second = weir_uv_accept(bg, &listener->stream, BACKLOG);
  ck_chan_ended(second, UV_EALREADY);
  weir_chan_unref(second);
  far = dial(&address);
  connection_close(receive(ch));
  finish(ch, listener);
  close(far);
  ck_nothing_left();
}
END_TEST

/* Of three that wait, one is in hand, and goes with the channel; the others are the next
 * acceptor's. */
static void ck_taken_over(int n) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  int fars[5];

  for (int i = 0; i < 3; i++) fars[i] = dial(&address);
  turns(uv, 10);
  weir_chan_unref(ch);
  turns(uv, n);
  for (int i = 3; i < 5; i++) fars[i] = dial(&address);
  ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  ck_assert_ptr_nonnull(ch);
  ck_assert_msg(!weir_chan_closed(ch), "it is not accepted again after %d turns", n);
  for (int i = 1; i < 5; i++) {
    uv_stream_t *connection = receive(ch);

    ck_connected(connection, fars[i]);
    connection_close(connection);
    close(fars[i]);
  }
  await_cut(fars[0]);
  finish(ch, listener);
}

START_TEST(listener_is_accepted_from_again_after_a_turn) {
  for (int n = 1; n < 4; n++) ck_taken_over(n);
}
END_TEST

START_TEST(listener_is_accepted_from_again_at_once) {
  ck_taken_over(0);
}
END_TEST

START_TEST(listener_is_accepted_from_again_many_times) {
  address_t address;
  near_t *listener = listener_on(uv, &address);

  for (int i = 0; i < 20; i++) {
    weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
    int far = dial(&address);
    uv_stream_t *connection = receive(ch);

    ck_connected(connection, far);
    connection_close(connection);
    weir_chan_unref(ch);
    turns(uv, 3);
    close(far);
  }
  finish(NULL, listener);
}
END_TEST

/* cut and closed */

static void ck_cut(way_t way, int callers) {
  weir_chan_t *ch;
  near_t *listener;
  address_t address;
  uv_stream_t *connection = NULL;
  int fars[3];
  cut_t cut;

  cut_open(&cut, way);
  listener = listener_on(&cut.own.uv, &address);
  ch = weir_uv_accept(cut.ctx, &listener->stream, BACKLOG);
  for (int i = 0; i < callers; i++) fars[i] = dial(&address);
  turns(&cut.own.uv, 10);
  cut_now(&cut, NULL);
  turn_until(&cut.own.uv, weir_chan_closed(ch));
  ck_assert_int_eq(weir_chan_try_recv(ch, &connection), cut_status(&cut));
  ck_assert_ptr_null(connection);
  near_close(listener);
  cut_finish(&cut);
  weir_chan_unref(ch);
  for (int i = 0; i < callers; i++) await_cut(fars[i]);
}

START_TEST(accepting_is_cut) {
  for (way_t way = BY_CONTEXT; way < WAYS; way++)
    for (int callers = 0; callers < 4; callers++) ck_cut(way, callers);
}
END_TEST

START_TEST(close_of_the_listener_ends_it) {
  for (int callers = 0; callers < 4; callers++) {
    uv_stream_t *connection = NULL;
    address_t address;
    near_t *listener = listener_on(uv, &address);
    weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
    probe_t close_op;
    int fars[4];

    for (int i = 0; i < callers; i++) fars[i] = dial(&address);
    turns(uv, 10);
    probe_init(&close_op, bg);
    weir_uv_close(&close_op.op, &listener->handle, probe_note);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&close_op, 0);
    free(listener);
    ck_assert_int_eq(weir_chan_try_recv(ch, &connection), UV_ECANCELED);
    weir_chan_unref(ch);
    for (int i = 0; i < callers; i++) await_cut(fars[i]);
    ck_nothing_left();
  }
}
END_TEST

START_TEST(abandoned_listener_does_not_keep_the_loop_alive_by_weir) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);

  turns(uv, 3);
  weir_chan_unref(ch);
  uv_unref(&listener->handle); /* libuv has no way to stop it listening */
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_nothing_left();
  near_close(listener);
}
END_TEST

START_TEST(channel_closed_by_its_receiver_leaves_the_listener_to_another) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG), *another;

  turns(uv, 3);
  weir_chan_close(ch);
  another = weir_uv_accept(bg, &listener->stream, BACKLOG);
  ck_assert(!weir_chan_closed(another));
  weir_chan_unref(another);
  weir_chan_unref(ch);
  uv_unref(&listener->handle);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_nothing_left();
  near_close(listener);
}
END_TEST

START_TEST(channel_closed_and_dropped_ends_it) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);

  turns(uv, 3);
  weir_chan_close(ch);
  weir_chan_unref(ch);
  turns(uv, 20);
  ck_assert_uint_eq(pipe_stats().contexts, 0);
  ck_assert_uint_eq(pipe_stats().channels, 0);
  finish(NULL, listener);
}
END_TEST

/* A host may close all handles that it finds, before weir is closed or while it is. */
static void close_one(uv_handle_t *handle, void *arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void ck_walked(int callers, bool is_closing_first) {
  weir_chan_t *ch;
  near_t *listener;
  address_t address;
  int fars[3];
  own_t own;

  own_open(&own);
  listener = listener_on(&own.uv, &address);
  ch = weir_uv_accept(own.bg, &listener->stream, BACKLOG);
  for (int i = 0; i < callers; i++) fars[i] = dial(&address);
  turns(&own.uv, 5);
  if (is_closing_first) weir_loop_close(own.loop, own_on_closed, &own);
  uv_walk(&own.uv, close_one, NULL);
  weir_loop_close(own.loop, own_on_closed, &own);
  own_await_closed(&own);
  free(listener);
  ck_chan_ended(ch, UV_ECANCELED);
  weir_chan_unref(ch);
  for (int i = 0; i < callers; i++) await_cut(fars[i]);
}

START_TEST(host_closes_all_handles) {
  for (int callers = 0; callers < 4; callers++) {
    ck_walked(callers, false);
    ck_walked(callers, true);
  }
}
END_TEST

/* want of memory */

static weir_chan_t *build_accept(void *arg) {
  near_t *listener = arg;
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);

  if (ch) ck_assert_msg(!weir_chan_closed(ch), "a closed channel, not NULL");
  return ch;
}

START_TEST(want_of_memory_gives_null) {
  address_t address;
  near_t *listener = listener_on(uv, &address);

  uv_unref(&listener->handle); /* libuv has no way to stop it listening */
  ck_fails_cleanly(build_accept, listener);
  finish(NULL, listener);
}
END_TEST

/* Callers wait for `ch` to accept them, which there is no memory for: it has tried that often. */
static void dial_in_want(uv_loop_t *on, const address_t *address, int fars[], int n, size_t tries) {
  size_t allocations;

  turns(on, 5);
  support_fail_after(0);
  allocations = support_allocations();
  for (int i = 0; i < n; i++) fars[i] = dial(address);
  turn_until(on, support_allocations() - allocations >= tries);
}

static void ck_accepted(weir_chan_t *ch, const int fars[], int n) {
  for (int i = 0; i < n; i++) {
    uv_stream_t *connection = receive(ch);

    ck_connected(connection, fars[i]);
    connection_close(connection);
    close(fars[i]);
  }
}

START_TEST(connection_waits_while_there_is_no_memory_for_it) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  int fars[3];

  dial_in_want(uv, &address, fars, 3, 3);
  ck_assert(!weir_chan_closed(ch));
  ck_dumped("weir_uv_accept", "sleep"); /* it does not ask all the time */
  listener->stream.connection_cb(&listener->stream,
                                 0); /* libuv for Windows tells of more meanwhile */
  ck_assert(!weir_chan_closed(ch));
  support_fail_after(SIZE_MAX);
  ck_accepted(ch, fars, 3);
  finish(ch, listener);
}
END_TEST

START_TEST(connection_that_waits_for_memory_is_the_next_acceptors) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  int fars[3];

  dial_in_want(uv, &address, fars, 3, 1);
  weir_chan_unref(ch);
  support_fail_after(SIZE_MAX);
  ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  ck_accepted(ch, fars, 3);
  finish(ch, listener);
}
END_TEST

static void ck_cut_in_want(way_t way) {
  uv_stream_t *connection = NULL;
  weir_chan_t *ch;
  near_t *listener;
  address_t address;
  int fars[3];
  cut_t cut;

  cut_open(&cut, way);
  listener = listener_on(&cut.own.uv, &address);
  ch = weir_uv_accept(cut.ctx, &listener->stream, BACKLOG);
  dial_in_want(&cut.own.uv, &address, fars, 3, way == BY_DEADLINE ? 0 : 1);
  cut_now(&cut, NULL);
  turn_until(&cut.own.uv, weir_chan_closed(ch));
  support_fail_after(SIZE_MAX);
  ck_assert_int_eq(weir_chan_try_recv(ch, &connection), cut_status(&cut));
  ck_assert_ptr_null(connection);
  near_close(listener);
  cut_finish(&cut);
  weir_chan_unref(ch);
  for (int i = 0; i < 3; i++) await_cut(fars[i]);
}

START_TEST(accepting_that_waits_for_memory_is_cut) {
  for (way_t way = BY_CONTEXT; way < WAYS; way++) ck_cut_in_want(way);
}
END_TEST

START_TEST(close_of_the_listener_ends_the_wait_for_memory) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  probe_t close_op;
  int fars[3];

  dial_in_want(uv, &address, fars, 3, 1);
  probe_init(&close_op, bg);
  ck_assert_int_eq(weir_uv_close(&close_op.op, &listener->handle, probe_note), 0);
  ck_chan_ended(ch, UV_ECANCELED);
  support_fail_after(SIZE_MAX);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&close_op, 0);
  free(listener);
  weir_chan_unref(ch);
  for (int i = 0; i < 3; i++) await_cut(fars[i]);
  ck_nothing_left();
}
END_TEST

/* One that is left from the acceptor before waits in the listener, while each start fails. */
START_TEST(want_of_memory_while_a_connection_waits_loses_none) {
  address_t address;
  near_t *listener = listener_on(uv, &address);
  weir_chan_t *ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
  uv_stream_t *connection;
  int fars[5];

  for (int i = 0; i < 3; i++) fars[i] = dial(&address);
  turns(uv, 10);
  weir_chan_unref(ch);
  turns(uv, 3);
  for (size_t n = 0; n < 8; n++) {
    support_fail_after(n);
    ch = weir_uv_accept(bg, &listener->stream, BACKLOG);
    turns(uv, 3);
    support_fail_after(SIZE_MAX);
    if (ch && !weir_chan_closed(ch)) break;
    weir_chan_unref(ch);
    turns(uv, 3);
  }
  for (int i = 3; i < 5; i++) fars[i] = dial(&address);
  for (int i = 1; i < 5; i++) {
    connection = receive(ch);
    ck_connected(connection, fars[i]);
    connection_close(connection);
  }
  finish(ch, listener);
  for (int i = 0; i < 5; i++) close(fars[i]);
}
END_TEST

static const support_test_t tests[] = {
    T(second_acceptor_ends_at_once_and_the_first_goes_on),
    T(listener_is_accepted_from_again_after_a_turn),
    T(listener_is_accepted_from_again_at_once),
    T(listener_is_accepted_from_again_many_times),
    T(accepting_is_cut),
    T(close_of_the_listener_ends_it),
    T(abandoned_listener_does_not_keep_the_loop_alive_by_weir),
    T(channel_closed_by_its_receiver_leaves_the_listener_to_another),
    T(channel_closed_and_dropped_ends_it),
    T(host_closes_all_handles),
    T(want_of_memory_gives_null),
    T(connection_waits_while_there_is_no_memory_for_it),
    T(connection_that_waits_for_memory_is_the_next_acceptors),
    T(accepting_that_waits_for_memory_is_cut),
    T(close_of_the_listener_ends_the_wait_for_memory),
    T(want_of_memory_while_a_connection_waits_loses_none),
};

SUITE_MAIN("uv_accept_late", tests)
