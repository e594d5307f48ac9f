/*
 * Description: operations that another thread has made happen, before their own loop has heard of
 * it: what a cancellation, a close, a stop, a pause and the neighbours in the queues make of them.
 */
#include <stdlib.h>
#include <string.h>

#include "support/elsewhere.h"
#include "support/ranger.h"
#include "support/shared.h"

typedef struct errand_s {
  weir_chan_t *ch;
  int value;
  int status;
} errand_t;

static void run_send(void *arg) {
  errand_t *errand = arg;

  errand->status = weir_chan_try_send(errand->ch, &errand->value);
}

static void run_recv(void *arg) {
  errand_t *errand = arg;

  errand->status = weir_chan_try_recv(errand->ch, &errand->value);
}

/* Another thread sends a value to who waits here, or finds nobody. */
static int send_elsewhere(weir_chan_t *ch, int value) {
  errand_t errand = {.ch = ch, .value = value};

  elsewhere(run_send, &errand);
  return errand.status;
}

static void put_elsewhere(weir_chan_t *ch, int value) {
  ck_assert_int_eq(send_elsewhere(ch, value), 0);
}

static int get_elsewhere(weir_chan_t *ch) {
  errand_t errand = {.ch = ch, .value = UNTOUCHED};

  elsewhere(run_recv, &errand);
  ck_assert_int_eq(errand.status, 0);
  return errand.value;
}

static void run_close(void *arg) {
  ck_assert_int_eq(weir_chan_close_with(arg, UV_EIO), 0);
}

static void run_unref(void *arg) {
  weir_chan_unref(arg);
}

/* operations */

START_TEST(op_that_has_happened_elsewhere_cannot_be_cancelled) {
  weir_chan_t *ch = shared_ints(0);
  int value = 6, received = UNTOUCHED;
  probe_t recv, send;

  start_recv(&recv, ch, &received);
  put_elsewhere(ch, 5);
  start_send(&send, ch, &value);
  ck_assert_int_eq(get_elsewhere(ch), 6);
  ck_assert_int_eq(weir_op_cancel(&recv.op), UV_EALREADY);
  ck_assert_int_eq(weir_op_cancel(&send.op), UV_EALREADY);
  ck_not_completed(&recv);
  ck_not_completed(&send);
  ck_assert_int_eq(weir_op_status(&recv.op), UV_EBUSY);
  ck_assert_uint_eq(weir_op_index(&recv.op), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, 0);
  ck_completed(&send, 0);
  ck_assert_int_eq(received, 5);
  ck_assert_int_eq(weir_op_cancel(&recv.op), UV_ENOENT);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(context_cancelled_after_it_happened_elsewhere_changes_nothing) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = shared_ints(0);
  int received = UNTOUCHED;
  probe_t recv, later;

  recv_under(ctx, &recv, ch, &received);
  recv_under(ctx, &later, ch, NULL);
  put_elsewhere(ch, 5);
  weir_ctx_cancel(ctx);
  weir_ctx_unref(ctx); /* the op holds it */
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, 0);
  ck_completed(&later, UV_ECANCELED);
  ck_assert_int_eq(received, 5);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(ops_arrive_in_the_order_in_which_they_happened) {
  enum { N = 20 };
  weir_chan_t *chans[N];
  probe_t recvs[N];

  for (int i = 0; i < N; i++) {
    chans[i] = shared_ints(0);
    start_recv(&recvs[i], chans[i], NULL);
  }
  for (int i = 0; i < N; i++) put_elsewhere(chans[i * 7 % N], i);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < N; i++) {
    ck_completed(&recvs[i * 7 % N], 0);
    if (i > 0) ck_assert_uint_eq(recvs[i * 7 % N].order, recvs[(i - 1) * 7 % N].order + 1);
    weir_chan_unref(chans[i]);
  }
}
END_TEST

START_TEST(close_and_last_unref_elsewhere_end_what_is_parked_here) {
  weir_chan_t *closed = shared_ints(0), *dropped = shared_ints(0);
  int received[2] = {UNTOUCHED, UNTOUCHED}, value = 1;
  probe_t recvs[2], send;

  start_recv(&recvs[0], closed, &received[0]);
  start_recv(&recvs[1], dropped, &received[1]);
  elsewhere(run_close, closed);
  elsewhere(run_unref, dropped);
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(weir_op_cancel(&recvs[i].op), UV_EALREADY);
    ck_not_completed(&recvs[i]);
  }
  start_send(&send, closed, &value);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recvs[0], UV_EIO);
  ck_completed(&recvs[1], UV_EOF);
  ck_completed(&send, UV_EPIPE);
  ck_assert_int_eq(received[0], 0);
  ck_assert_int_eq(received[1], 0);
  weir_chan_unref(closed);
}
END_TEST

START_TEST(channel_may_go_while_its_op_is_on_its_way) {
  weir_chan_t *ch = shared_ints(0);
  int received = UNTOUCHED;
  probe_t recv;

  start_recv(&recv, ch, &received);
  put_elsewhere(ch, 5);
  weir_chan_unref(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 5);
}
END_TEST

START_TEST(send_many_in_pieces_from_elsewhere) {
  weir_chan_t *ch = shared_ints(0);
  int values[] = {0, 1, 2};
  probe_t send;

  for (int cut = 0; cut < 2; cut++) {
    probe_init(&send, bg);
    ck_assert_int_eq(weir_chan_send_many(&send.op, ch, values, 3, probe_note), 0);
    for (int i = 0; i < 2; i++) ck_assert_int_eq(get_elsewhere(ch), i);
    ck_not_completed(&send);
    if (cut)
      ck_assert_int_eq(weir_op_cancel(&send.op), 0);
    else
      ck_assert_int_eq(get_elsewhere(ch), 2);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&send, cut ? UV_ECANCELED : 0);
    ck_assert_uint_eq(send.index, cut ? 2 : 3);
  }
  weir_chan_unref(ch);
}
END_TEST

START_TEST(loop_may_close_with_ops_on_their_way) {
  weir_chan_t *ch = shared_ints(0);
  int received = UNTOUCHED;
  probe_t recv, later;
  own_t own;

  own_open(&own);
  recv_under(own.bg, &recv, ch, &received);
  recv_under(own.bg, &later, ch, NULL);
  put_elsewhere(ch, 5);
  own_close(&own);
  ck_completed(&recv, 0);
  ck_completed(&later, UV_ECANCELED);
  ck_assert_int_eq(received, 5);
  weir_chan_unref(ch);
}
END_TEST

/* selects: their losing cases stand in queues until they arrive */

typedef struct meeting_s {
  weir_chan_t *a, *b, *local;
  int values[3];
  weir_case_t cases[3];
  probe_t select;
} meeting_t;

/* Starts a select of three receives, of which that on `a` happens elsewhere. */
static void meet_elsewhere(meeting_t *meeting) {
  *meeting = (meeting_t){.a = shared_ints(0), .b = shared_ints(0), .local = new_ints(0)};
  meeting->cases[0] = WEIR_RECV(meeting->b, &meeting->values[0]);
  meeting->cases[1] = WEIR_RECV(meeting->a, &meeting->values[1]);
  meeting->cases[2] = WEIR_RECV(meeting->local, &meeting->values[2]);
  for (int i = 0; i < 3; i++) meeting->values[i] = UNTOUCHED;
  probe_init(&meeting->select, bg);
  ck_assert_int_eq(weir_select(&meeting->select.op, meeting->cases, 3, probe_note), 0);
  put_elsewhere(meeting->a, 5);
  ck_not_completed(&meeting->select);
}

static void ck_met_once(meeting_t *meeting) {
  settle();
  ck_completed(&meeting->select, 0);
  ck_assert_uint_eq(meeting->select.index, 1);
  ck_assert_int_eq(meeting->values[0], UNTOUCHED);
  ck_assert_int_eq(meeting->values[1], 5);
  ck_assert_int_eq(meeting->values[2], UNTOUCHED);
}

static void part(meeting_t *meeting) {
  weir_chan_unref(meeting->a);
  weir_chan_unref(meeting->b);
  weir_chan_unref(meeting->local);
  ck_assert_uint_eq(weir_run(loop), 0);
}

START_TEST(losers_of_a_select_take_nothing_before_it_arrives) {
  meeting_t meeting;
  int value = 1;

  meet_elsewhere(&meeting);
  ck_assert_int_eq(weir_chan_try_send(meeting.b, &value), UV_EAGAIN);
  ck_assert_int_eq(weir_chan_try_send(meeting.local, &value), UV_EAGAIN);
  ck_assert_int_eq(send_elsewhere(meeting.a, 6), UV_EAGAIN);
  ck_assert_int_eq(send_elsewhere(meeting.b, 6), UV_EAGAIN);
  ck_met_once(&meeting);
  part(&meeting);
}
END_TEST

START_TEST(losers_of_a_select_stand_in_nobodys_way) {
  int received[2] = {UNTOUCHED, UNTOUCHED}, value = 1;
  meeting_t meeting;
  probe_t recvs[2], sends[2];

  meet_elsewhere(&meeting);
  start_recv(&recvs[0], meeting.b, &received[0]);
  start_recv(&recvs[1], meeting.local, &received[1]);
  start_send(&sends[0], meeting.b, &value);
  start_send(&sends[1], meeting.local, &value);
  ck_met_once(&meeting);
  for (int i = 0; i < 2; i++) {
    ck_completed(&recvs[i], 0);
    ck_completed(&sends[i], 0);
    ck_assert_int_eq(received[i], 1);
  }
  part(&meeting);
}
END_TEST

START_TEST(losers_of_a_select_do_not_make_the_next_select_ready) {
  int value = 1;
  meeting_t meeting;
  weir_case_t cases[2];
  probe_t select;

  meet_elsewhere(&meeting);
  cases[0] = WEIR_SEND(meeting.b, &value);
  cases[1] = WEIR_SEND(meeting.local, &value);
  ck_assert_int_eq(weir_select_try(cases, 2, NULL), UV_EAGAIN);
  probe_init(&select, bg);
  ck_assert_int_eq(weir_select(&select.op, cases, 2, probe_note), 0);
  ck_met_once(&meeting);
  ck_not_completed(&select);
  ck_assert_int_eq(get(meeting.local), 1);
  settle();
  ck_completed(&select, 0);
  part(&meeting);
}
END_TEST

START_TEST(closing_the_losers_channels_changes_nothing) {
  meeting_t meeting;

  meet_elsewhere(&meeting);
  weir_chan_close(meeting.b);
  weir_chan_close(meeting.local);
  ck_met_once(&meeting);
  part(&meeting);
}
END_TEST

START_TEST(losers_channels_may_go_before_it_arrives) {
  meeting_t meeting;

  meet_elsewhere(&meeting);
  weir_chan_unref(meeting.b);
  weir_chan_unref(meeting.a);
  weir_chan_unref(meeting.local);
  ck_met_once(&meeting);
}
END_TEST

START_TEST(select_that_has_happened_elsewhere_cannot_be_cancelled) {
  meeting_t meeting;

  meet_elsewhere(&meeting);
  ck_assert_int_eq(weir_op_cancel(&meeting.select.op), UV_EALREADY);
  ck_met_once(&meeting);
  part(&meeting);
}
END_TEST

/* ranges */

START_TEST(stopped_range_drops_what_is_on_its_way) {
  weir_chan_t *ch = shared_owned(0);
  ranger_t *ranger = malloc(sizeof(*ranger));

  ranger_start(ranger, ch);
  put_elsewhere(ch, 5);
  ck_assert_int_eq(weir_range_stop(&ranger->range), 0);
  ck_assert_int_eq(ranger->count, 0);
  memset(ranger, 0xff, sizeof(*ranger));
  free(ranger);
  weir_chan_unref(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(owned_drops, 1);
  ck_assert_int_eq(owned_dropped[5], 1);
}
END_TEST

START_TEST(range_stopped_with_a_value_on_its_way_may_be_started_again) {
  weir_chan_t *ch = shared_owned(0);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  put_elsewhere(ch, 5);
  weir_range_stop(&ranger.range);
  ck_assert_int_eq(weir_range_start(&ranger.range, ch, ranger_note), 0);
  put_elsewhere(ch, 0);
  settle();
  ck_ranged(&ranger, 1);
  ck_assert_int_eq(owned_drops, 1);
  ck_assert_int_eq(owned_dropped[5], 1);
  weir_range_stop(&ranger.range);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(range_stopped_with_its_end_on_its_way_is_not_called) {
  weir_chan_t *ch = shared_owned(0);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  elsewhere(run_close, ch);
  weir_range_stop(&ranger.range);
  weir_chan_unref(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ranged(&ranger, 0);
  ck_assert_int_eq(owned_drops, 0);
}
END_TEST

/* What a range has on its way when it is paused comes once it is resumed, however often. */
static void ck_kept(int pauses, bool settles) {
  weir_chan_t *ch = shared_owned(0);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  put_elsewhere(ch, 0);
  for (int i = 0; i < pauses; i++) {
    ck_assert_int_eq(weir_range_pause(&ranger.range), 0);
    if (settles) settle();
    ck_ranged(&ranger, 0);
    ck_assert_int_eq(weir_range_resume(&ranger.range), 0);
  }
  settle();
  ck_ranged(&ranger, 1);
  put_elsewhere(ch, 1);
  settle();
  ck_ranged(&ranger, 2);
  ck_assert_int_eq(owned_drops, 0);
  weir_range_stop(&ranger.range);
  weir_chan_unref(ch);
}

START_TEST(paused_range_keeps_what_is_on_its_way) {
  for (int pauses = 1; pauses <= 3; pauses++) {
    ck_kept(pauses, true);
    ck_kept(pauses, false);
  }
}
END_TEST

START_TEST(range_paused_with_a_value_on_its_way_may_be_stopped) {
  for (int settles = 0; settles < 2; settles++) {
    weir_chan_t *ch = shared_owned(0);
    ranger_t ranger;
    ranger_start(&ranger, ch);
    put_elsewhere(ch, 0);
    weir_range_pause(&ranger.range);
    if (settles) settle();
    ck_assert_int_eq(weir_range_stop(&ranger.range), 0);
    weir_chan_unref(ch);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_ranged(&ranger, 0);
    ck_assert_int_eq(owned_drops, 1);
  }
}
END_TEST

START_TEST(end_on_its_way_is_held_back_while_paused) {
  weir_chan_t *ch = shared_owned(0);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  elsewhere(run_close, ch);
  weir_range_pause(&ranger.range);
  settle();
  ck_ranged(&ranger, 0);
  weir_range_resume(&ranger.range);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ended(&ranger, 0, UV_EIO);
  weir_chan_unref(ch);
}
END_TEST

/* Cancelled with a value on its way, paused or not, before or after. */
static void ck_cancelled(bool pauses_before, bool pauses_after, bool settles) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = shared_owned(0);
  ranger_t ranger;

  ranger_start_under(ctx, &ranger, ch, ranger_note);
  put_elsewhere(ch, 0);
  if (pauses_before) weir_range_pause(&ranger.range);
  if (settles) settle();
  weir_ctx_cancel(ctx);
  if (pauses_after) weir_range_pause(&ranger.range);
  settle();
  ck_assert_int_eq(ranger.ends, 1);
  ck_assert_int_eq(ranger.status, UV_ECANCELED);
  ck_assert_int_eq(ranger.count + owned_drops, 1);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}

START_TEST(cancellation_drops_what_is_on_its_way) {
  ck_cancelled(false, false, false);
  ck_cancelled(false, true, false);
  ck_cancelled(true, false, false);
  ck_cancelled(true, false, true);
}
END_TEST

START_TEST(loop_may_close_with_values_of_ranges_on_their_way) {
  weir_chan_t *ch = shared_owned(0);
  ranger_t running, paused, stopped;
  own_t own;

  own_open(&own);
  ranger_start_under(own.bg, &paused, ch, ranger_note);
  ranger_start_under(own.bg, &stopped, ch, ranger_note);
  ranger_start_under(own.bg, &running, ch, ranger_note);
  for (int i = 0; i < 3; i++) put_elsewhere(ch, i);
  weir_range_pause(&paused.range);
  weir_range_stop(&stopped.range);
  own_close(&own);
  ck_assert_int_eq(running.ends, 1);
  ck_assert_int_eq(paused.ends, 1);
  ck_assert_int_eq(running.count + paused.count + owned_drops, 3);
  ck_assert_int_eq(stopped.count + stopped.ends, 0);
  weir_chan_unref(ch);
}
END_TEST

static const support_test_t tests[] = {
    T(op_that_has_happened_elsewhere_cannot_be_cancelled),
    T(context_cancelled_after_it_happened_elsewhere_changes_nothing),
    T(ops_arrive_in_the_order_in_which_they_happened),
    T(close_and_last_unref_elsewhere_end_what_is_parked_here),
    T(channel_may_go_while_its_op_is_on_its_way),
    T(send_many_in_pieces_from_elsewhere),
    T(loop_may_close_with_ops_on_their_way),
    T(losers_of_a_select_take_nothing_before_it_arrives),
    T(losers_of_a_select_stand_in_nobodys_way),
    T(losers_of_a_select_do_not_make_the_next_select_ready),
    T(closing_the_losers_channels_changes_nothing),
    T(losers_channels_may_go_before_it_arrives),
    T(select_that_has_happened_elsewhere_cannot_be_cancelled),
    T(stopped_range_drops_what_is_on_its_way),
    T(range_stopped_with_a_value_on_its_way_may_be_started_again),
    T(range_stopped_with_its_end_on_its_way_is_not_called),
    T(paused_range_keeps_what_is_on_its_way),
    T(range_paused_with_a_value_on_its_way_may_be_stopped),
    T(end_on_its_way_is_held_back_while_paused),
    T(cancellation_drops_what_is_on_its_way),
    T(loop_may_close_with_values_of_ranges_on_their_way),
};
SUITE_MAIN("shared_arrive", tests)
