/* Description: pausing a range: nothing flows, nothing is lost, a cancellation still ends it. */
#include <stdlib.h>

#include "support/ranger.h"

START_TEST(paused_range_takes_no_value_until_resumed) {
  weir_chan_t *ch = new_ints(2);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  ck_assert_int_eq(weir_range_pause(&ranger.range), 0);
  put(ch, 0);
  put(ch, 1);
  weir_run(loop);
  ck_ranged(&ranger, 0);
  ck_assert_uint_eq(weir_chan_len(ch), 2); /* backpressure */
  ck_assert_int_eq(weir_range_resume(&ranger.range), 0);
  ck_ranged(&ranger, 0);
  weir_run(loop);
  ck_ranged(&ranger, 2);
  weir_range_stop(&ranger.range);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(paused_range_holds_up_the_sender) {
  weir_chan_t *ch = new_ints(0);
  int value = 0;
  ranger_t ranger;
  probe_t send;

  ranger_start(&ranger, ch);
  weir_range_pause(&ranger.range);
  start_send(&send, ch, &value);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_not_completed(&send);
  weir_range_resume(&ranger.range);
  weir_run(loop);
  ck_completed(&send, 0);
  ck_ranged(&ranger, 1);
  weir_range_stop(&ranger.range);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(paused_range_is_not_counted_by_run) {
  weir_chan_t *ch = new_ints(0);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  ck_assert_uint_eq(weir_run(loop), 1);
  weir_range_pause(&ranger.range);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_range_resume(&ranger.range);
  ck_assert_uint_eq(weir_run(loop), 1);
  weir_range_pause(&ranger.range);
  weir_range_stop(&ranger.range);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(pause_and_resume_say_what_they_find) {
  weir_chan_t *ch = new_ints(0);
  ranger_t ranger = {.count = 0};

  weir_range_init(&ranger.range, bg);
  ck_assert_int_eq(weir_range_pause(&ranger.range), UV_ENOENT);
  ck_assert_int_eq(weir_range_resume(&ranger.range), UV_ENOENT);
  ranger_start(&ranger, ch);
  ck_assert_int_eq(weir_range_resume(&ranger.range), UV_EALREADY);
  ck_assert_int_eq(weir_range_pause(&ranger.range), 0);
  ck_assert_int_eq(weir_range_pause(&ranger.range), UV_EALREADY);
  ck_assert_int_eq(weir_range_resume(&ranger.range), 0);
  weir_range_stop(&ranger.range);
  ck_assert_int_eq(weir_range_pause(&ranger.range), UV_ENOENT);
  weir_chan_unref(ch);
}
END_TEST

/* a value that was taken before the pause */

START_TEST(value_taken_before_a_pause_is_kept_until_resumed) {
  weir_chan_t *ch = new_owned(1);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  put(ch, 0); /* the range has it */
  put(ch, 1);
  weir_range_pause(&ranger.range);
  weir_run(loop);
  ck_ranged(&ranger, 0);
  weir_range_resume(&ranger.range);
  ck_ranged(&ranger, 0);
  weir_run(loop);
  ck_ranged(&ranger, 2);
  ck_assert_int_eq(owned_drops, 0);
  weir_range_stop(&ranger.range);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(kept_value_survives_several_pauses) {
  weir_chan_t *ch = new_owned(0);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  put(ch, 0);
  for (int i = 0; i < 3; i++) {
    weir_range_pause(&ranger.range);
    weir_run(loop);
    weir_range_resume(&ranger.range);
  }
  weir_run(loop);
  ck_ranged(&ranger, 1);
  ck_assert_int_eq(owned_drops, 0);
  weir_range_stop(&ranger.range);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(stop_while_paused_drops_the_kept_value) {
  weir_chan_t *ch = new_owned(0);
  ranger_t *ranger = malloc(sizeof(*ranger));

  ranger_start(ranger, ch);
  put(ch, 0);
  weir_range_pause(&ranger->range);
  weir_run(loop);
  ck_assert_int_eq(owned_drops, 0);
  ck_assert_int_eq(weir_range_stop(&ranger->range), 0);
  free(ranger);
  ck_assert_int_eq(owned_drops, 1);
  weir_run(loop);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(stop_after_a_resume_drops_the_kept_value) {
  weir_chan_t *ch = new_owned(0);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  put(ch, 0);
  weir_range_pause(&ranger.range);
  weir_range_resume(&ranger.range);
  weir_range_stop(&ranger.range);
  weir_run(loop);
  ck_ranged(&ranger, 0);
  ck_assert_int_eq(owned_drops, 1);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(cancellation_ends_a_paused_range_and_drops_its_value) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = new_owned(0);
  ranger_t ranger;

  ranger_start_under(ctx, &ranger, ch, ranger_note);
  put(ch, 0);
  weir_range_pause(&ranger.range);
  weir_run(loop);
  weir_ctx_cancel(ctx);
  ck_ranged(&ranger, 0);
  weir_run(loop);
  ck_ended(&ranger, 0, UV_ECANCELED);
  ck_assert_int_eq(owned_drops, 1);
  ck_assert_int_eq(weir_range_resume(&ranger.range), UV_ENOENT);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(deadline_ends_a_paused_range_without_a_value) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5);
  weir_chan_t *ch = new_owned(1);
  ranger_t ranger;

  ranger_start_under(ctx, &ranger, ch, ranger_note);
  weir_range_pause(&ranger.range);
  put(ch, 0);
  weir_ctx_unref(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ended(&ranger, 0, UV_ETIMEDOUT);
  ck_assert_int_eq(owned_drops, 0);
  ck_assert_uint_eq(weir_chan_len(ch), 1);
  weir_chan_unref(ch);
}
END_TEST

/* cancelled while paused, then this, before its callback has run */

typedef void (*meddle_t)(weir_range_t *range);

static void ck_ends_cancelled_with_a_drop(meddle_t meddle) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = new_owned(0);
  ranger_t ranger;

  ranger_start_under(ctx, &ranger, ch, ranger_note);
  put(ch, 0);
  weir_range_pause(&ranger.range);
  weir_ctx_cancel(ctx);
  meddle(&ranger.range);
  weir_run(loop);
  ck_ended(&ranger, 0, UV_ECANCELED);
  ck_assert_int_eq(owned_drops, 1);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}

static void meddle_resume(weir_range_t *range) {
  ck_assert_int_eq(weir_range_resume(range), 0);
}

static void meddle_resume_and_pause(weir_range_t *range) {
  ck_assert_int_eq(weir_range_resume(range), 0);
  ck_assert_int_eq(weir_range_pause(range), 0);
}

START_TEST(resume_after_the_cancellation_still_drops_the_kept_value) {
  ck_ends_cancelled_with_a_drop(meddle_resume);
}
END_TEST

START_TEST(pause_after_the_cancellation_still_drops_the_kept_value) {
  ck_ends_cancelled_with_a_drop(meddle_resume_and_pause);
}
END_TEST

START_TEST(pause_after_value_and_cancellation_drops_the_value) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = new_owned(0);
  ranger_t ranger;

  ranger_start_under(ctx, &ranger, ch, ranger_note);
  put(ch, 0);
  weir_ctx_cancel(ctx);
  weir_range_pause(&ranger.range);
  weir_run(loop);
  ck_ended(&ranger, 0, UV_ECANCELED);
  ck_assert_int_eq(owned_drops, 1);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(stop_after_the_cancellation_drops_the_kept_value_without_a_callback) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = new_owned(0);
  ranger_t ranger;

  ranger_start_under(ctx, &ranger, ch, ranger_note);
  put(ch, 0);
  weir_range_pause(&ranger.range);
  weir_ctx_cancel(ctx);
  ck_assert_int_eq(weir_range_stop(&ranger.range), 0);
  weir_run(loop);
  ck_ranged(&ranger, 0);
  ck_assert_int_eq(owned_drops, 1);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

/* the end */

START_TEST(end_is_held_back_until_resumed) {
  weir_chan_t *due = new_ints(0), *later = new_ints(0);
  ranger_t first, second;

  ranger_start(&first, due);
  weir_chan_close_with(due, UV_EIO);
  weir_range_pause(&first.range); /* its end is due already */
  ranger_start(&second, later);
  weir_range_pause(&second.range);
  weir_chan_close(later);
  weir_run(loop);
  ck_ranged(&first, 0);
  ck_ranged(&second, 0);
  weir_range_resume(&first.range);
  weir_range_resume(&second.range);
  weir_run(loop);
  ck_ended(&first, 0, UV_EIO);
  ck_ended(&second, 0, UV_EOF);
  weir_chan_unref(due);
  weir_chan_unref(later);
}
END_TEST

START_TEST(paused_range_holds_its_channel) {
  weir_chan_t *ch = new_owned(1);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  weir_range_pause(&ranger.range);
  put(ch, 0);
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 0);
  weir_range_resume(&ranger.range);
  weir_run(loop);
  ck_ranged(&ranger, 1);
  weir_range_stop(&ranger.range);
}
END_TEST

/* in callbacks */

static void pause_each(weir_range_t *range, const void *value, int status) {
  ranger_note(range, value, status);
  if (status == 0) ck_assert_int_eq(weir_range_pause(range), 0);
}

START_TEST(range_may_be_paused_in_its_callback) {
  weir_chan_t *ch = new_ints(4);
  ranger_t ranger;

  for (int i = 0; i < 3; i++) put(ch, i);
  weir_chan_close(ch);
  ranger_start_under(bg, &ranger, ch, pause_each);
  for (int i = 1; i <= 3; i++) {
    weir_run(loop);
    ck_ranged(&ranger, i);
    ck_assert_uint_eq(weir_chan_len(ch), (size_t)(3 - i));
    ck_assert_int_eq(weir_range_resume(&ranger.range), 0);
  }
  weir_run(loop);
  ck_ended(&ranger, 3, UV_EOF);
  weir_chan_unref(ch);
}
END_TEST

static void pause_and_resume(weir_range_t *range, const void *value, int status) {
  ranger_note(range, value, status);
  if (status) return;
  ck_assert_int_eq(weir_range_pause(range), 0);
  ck_assert_int_eq(weir_range_resume(range), 0);
  ck_assert_int_eq(weir_range_resume(range), UV_EALREADY);
}

START_TEST(range_may_be_resumed_in_the_callback_that_paused_it) {
  weir_chan_t *ch = new_ints(4);
  ranger_t ranger;

  for (int i = 0; i < 3; i++) put(ch, i);
  weir_chan_close(ch);
  ranger_start_under(bg, &ranger, ch, pause_and_resume);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ended(&ranger, 3, UV_EOF);
  weir_chan_unref(ch);
}
END_TEST

static weir_ctx_t *pausing_ctx;

static void cancel_and_pause(weir_range_t *range, const void *value, int status) {
  ranger_note(range, value, status);
  if (status) return;
  weir_ctx_cancel(pausing_ctx);
  weir_range_pause(range);
}

START_TEST(context_cancelled_in_the_callback_that_pauses_ends_the_range) {
  weir_chan_t *ch = new_owned(2);
  ranger_t ranger;

  pausing_ctx = weir_ctx_with_cancel(bg);
  put(ch, 0);
  put(ch, 1);
  ranger_start_under(pausing_ctx, &ranger, ch, cancel_and_pause);
  weir_run(loop);
  ck_ended(&ranger, 1, UV_ECANCELED);
  ck_assert_int_eq(owned_drops, 0);
  ck_assert_int_eq(get(ch), 1);
  weir_chan_unref(ch);
  weir_ctx_unref(pausing_ctx);
}
END_TEST

static void pause_and_stop(weir_range_t *range, const void *value, int status) {
  ranger_note(range, value, status);
  weir_range_pause(range);
  ck_assert_int_eq(weir_range_stop(range), 0);
}

START_TEST(paused_range_may_be_stopped_in_the_callback_and_restarted) {
  weir_chan_t *ch = new_ints(2);
  ranger_t ranger;

  put(ch, 0);
  put(ch, 1);
  ranger_start_under(bg, &ranger, ch, pause_and_stop);
  weir_run(loop);
  ck_ranged(&ranger, 1);
  ck_assert_int_eq(weir_range_start(&ranger.range, ch, ranger_note), 0);
  weir_run(loop);
  ck_ranged(&ranger, 2);
  weir_range_stop(&ranger.range);
  weir_chan_unref(ch);
}
END_TEST

/* Two ranges take turns: each hands over to the other in its callback. */
static ranger_t turns[2];

static void hand_over(weir_range_t *range, const void *value, int status) {
  ranger_note(range, value, status);
  if (status) return;
  weir_range_pause(range);
  weir_range_resume(&turns[range == &turns[0].range].range);
}

START_TEST(two_ranges_take_turns_on_one_channel) {
  weir_chan_t *ch = new_ints(8);

  for (int i = 0; i < 8; i++) put(ch, i / 2);
  ranger_start_under(bg, &turns[1], ch, hand_over);
  weir_range_pause(&turns[1].range); /* the first value is taken by now */
  ranger_start_under(bg, &turns[0], ch, hand_over);
  weir_run(loop);
  ck_assert_int_eq(turns[0].count, 4);
  ck_assert_int_eq(turns[1].count, 4);
  weir_range_stop(&turns[0].range);
  weir_range_stop(&turns[1].range);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(loop_may_close_with_a_paused_range) {
  weir_chan_t *ch;
  ranger_t ranger;
  own_t own;

  own_open(&own);
  ch = weir_chan_new(own.loop, WEIR_TYPE_OWNED(int, owned_drop, NULL), 0);
  owned_drops = 0;
  ranger_start_under(own.bg, &ranger, ch, ranger_note);
  put(ch, 0);
  weir_range_pause(&ranger.range);
  own_close(&own);
  ck_ended(&ranger, 0, UV_ECANCELED);
  ck_assert_int_eq(owned_drops, 1);
  weir_chan_unref(ch);
}
END_TEST

static const support_test_t tests[] = {
    T(paused_range_takes_no_value_until_resumed),
    T(paused_range_holds_up_the_sender),
    T(paused_range_is_not_counted_by_run),
    T(pause_and_resume_say_what_they_find),
    T(value_taken_before_a_pause_is_kept_until_resumed),
    T(kept_value_survives_several_pauses),
    T(stop_while_paused_drops_the_kept_value),
    T(stop_after_a_resume_drops_the_kept_value),
    T(cancellation_ends_a_paused_range_and_drops_its_value),
    T(deadline_ends_a_paused_range_without_a_value),
    T(resume_after_the_cancellation_still_drops_the_kept_value),
    T(pause_after_the_cancellation_still_drops_the_kept_value),
    T(pause_after_value_and_cancellation_drops_the_value),
    T(stop_after_the_cancellation_drops_the_kept_value_without_a_callback),
    T(end_is_held_back_until_resumed),
    T(paused_range_holds_its_channel),
    T(range_may_be_paused_in_its_callback),
    T(range_may_be_resumed_in_the_callback_that_paused_it),
    T(context_cancelled_in_the_callback_that_pauses_ends_the_range),
    T(paused_range_may_be_stopped_in_the_callback_and_restarted),
    T(two_ranges_take_turns_on_one_channel),
    T(loop_may_close_with_a_paused_range),
};
SUITE_MAIN("range_pause", tests)
