/* Description: range over a shared channel: values, the end, pausing, stopping, what it holds. */
#include <stdlib.h>
#include <string.h>

#include "support/ranger.h"
#include "support/shared.h"

static void stop_and_unref(ranger_t *ranger, weir_chan_t *ch) {
  ck_assert_int_eq(weir_range_stop(&ranger->range), 0);
  weir_chan_unref(ch);
}

/* values and the end */

START_TEST(values_come_in_order_then_eof_once) {
  weir_chan_t *ch = shared_ints(4);
  ranger_t ranger;

  for (int i = 0; i < 3; i++) put(ch, i);
  weir_chan_close(ch);
  ranger_start(&ranger, ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ended(&ranger, 3, UV_EOF);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(values_come_as_they_are_sent) {
  weir_chan_t *ch = shared_ints(0);
  ranger_t ranger;
  int values[] = {0, 1, 2, 3, 4};
  probe_t send;

  ranger_start(&ranger, ch);
  ck_assert_uint_eq(settle(), 1);
  probe_init(&send, bg);
  weir_chan_send_many(&send.op, ch, values, 5, probe_note);
  while (send.calls == 0) settle();
  ck_completed(&send, 0);
  ck_assert_uint_eq(settle(), 1);
  ck_ranged(&ranger, 5);
  weir_chan_close(ch);
  weir_chan_unref(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ended(&ranger, 5, UV_EOF);
}
END_TEST

START_TEST(range_ends_with_the_status_of_close_with) {
  weir_chan_t *ch = shared_ints(1);
  ranger_t ranger;

  put(ch, 0);
  ranger_start(&ranger, ch);
  weir_chan_close_with(ch, UV_ECONNRESET);
  weir_run(loop);
  ck_ended(&ranger, 1, UV_ECONNRESET);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(range_ends_with_the_error_of_its_context) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5);
  weir_chan_t *ch = shared_ints(1);
  ranger_t ranger;
  int value = 1;

  put(ch, 0);
  ranger_start_under(ctx, &ranger, ch, ranger_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ended(&ranger, 1, UV_ETIMEDOUT);
  ck_assert_int_eq(weir_chan_try_send(ch, &value), 0);
  weir_run(loop);
  ck_assert_int_eq(ranger.count, 1);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(value_taken_before_a_cancellation_is_dropped_or_delivered) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = shared_owned(0);
  ranger_t ranger;

  ranger_start_under(ctx, &ranger, ch, ranger_note);
  put(ch, 0); /* the range has it now */
  weir_ctx_cancel(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(ranger.ends, 1);
  ck_assert_int_eq(ranger.status, UV_ECANCELED);
  ck_assert_int_eq(ranger.count + owned_drops, 1);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

typedef struct large_s {
  int id;
  unsigned char bytes[4092];
} large_t;

static int large_ids;

static void note_large(weir_range_t *range, const void *value, int status) {
  const large_t *large = value;

  (void)range;
  if (status) return;
  for (size_t i = 0; i < sizeof(large->bytes); i++)
    ck_assert_uint_eq(large->bytes[i], (unsigned char)(large->id + (int)i));
  large_ids = large_ids * 10 + large->id;
}

START_TEST(values_larger_than_the_inline_buffer_arrive_whole) {
  weir_chan_t *ch = weir_chan_new_shared(WEIR_TYPE(large_t), 3);
  weir_range_t range;

  large_ids = 0;
  for (int id = 1; id <= 3; id++) {
    large_t large = {.id = id};
    for (size_t i = 0; i < sizeof(large.bytes); i++) large.bytes[i] = (unsigned char)(id + (int)i);
    ck_assert_int_eq(weir_chan_try_send(ch, &large), 0);
  }
  weir_chan_close(ch);
  weir_range_init(&range, bg);
  ck_assert_int_eq(weir_range_start(&range, ch, note_large), 0);
  weir_run(loop);
  ck_assert_int_eq(large_ids, 123);
  weir_chan_unref(ch);
}
END_TEST

/* pausing */

START_TEST(paused_range_takes_no_value_until_resumed) {
  weir_chan_t *ch = shared_ints(2);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  ck_assert_int_eq(weir_range_pause(&ranger.range), 0);
  put(ch, 0);
  put(ch, 1);
  settle();
  ck_ranged(&ranger, 0);
  ck_assert_uint_eq(weir_chan_len(ch), 2); /* backpressure */
  ck_assert_int_eq(weir_range_resume(&ranger.range), 0);
  ck_ranged(&ranger, 0);
  settle();
  ck_ranged(&ranger, 2);
  stop_and_unref(&ranger, ch);
}
END_TEST

START_TEST(running_range_keeps_the_loop_alive_and_a_paused_one_does_not) {
  weir_chan_t *ch = shared_ints(0);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  ck_assert_uint_eq(settle(), 1);
  ck_assert_int_ne(uv_loop_alive(uv), 0);
  weir_range_pause(&ranger.range);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_range_resume(&ranger.range);
  ck_assert_uint_eq(settle(), 1);
  ck_assert_int_ne(uv_loop_alive(uv), 0);
  stop_and_unref(&ranger, ch);
  ck_assert_uint_eq(weir_run(loop), 0);
}
END_TEST

START_TEST(value_taken_before_a_pause_is_kept_until_resumed) {
  weir_chan_t *ch = shared_owned(1);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  put(ch, 0); /* the range has it */
  put(ch, 1);
  for (int i = 0; i < 3; i++) {
    weir_range_pause(&ranger.range);
    settle();
    ck_ranged(&ranger, 0);
    weir_range_resume(&ranger.range);
    ck_ranged(&ranger, 0);
  }
  settle();
  ck_ranged(&ranger, 2);
  ck_assert_int_eq(owned_drops, 0);
  stop_and_unref(&ranger, ch);
}
END_TEST

START_TEST(end_is_held_back_until_resumed) {
  weir_chan_t *due = shared_ints(0), *later = shared_ints(0);
  ranger_t first, second;

  ranger_start(&first, due);
  weir_chan_close_with(due, UV_EIO);
  weir_range_pause(&first.range); /* its end is due already */
  ranger_start(&second, later);
  weir_range_pause(&second.range);
  weir_chan_close(later);
  settle();
  ck_ranged(&first, 0);
  ck_ranged(&second, 0);
  weir_range_resume(&first.range);
  weir_range_resume(&second.range);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ended(&first, 0, UV_EIO);
  ck_ended(&second, 0, UV_EOF);
  weir_chan_unref(due);
  weir_chan_unref(later);
}
END_TEST

START_TEST(cancellation_ends_a_paused_range_and_drops_its_value) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = shared_owned(0);
  ranger_t ranger;

  ranger_start_under(ctx, &ranger, ch, ranger_note);
  put(ch, 0);
  weir_range_pause(&ranger.range);
  settle();
  weir_ctx_cancel(ctx);
  ck_ranged(&ranger, 0);
  settle();
  ck_ended(&ranger, 0, UV_ECANCELED);
  ck_assert_int_eq(owned_drops, 1);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

static void pause_each(weir_range_t *range, const void *value, int status) {
  ranger_note(range, value, status);
  if (status == 0) ck_assert_int_eq(weir_range_pause(range), 0);
}

START_TEST(range_may_be_paused_in_its_callback) {
  weir_chan_t *ch = shared_ints(4);
  ranger_t ranger;

  for (int i = 0; i < 3; i++) put(ch, i);
  weir_chan_close(ch);
  ranger_start_under(bg, &ranger, ch, pause_each);
  for (int i = 1; i <= 3; i++) {
    settle();
    ck_ranged(&ranger, i);
    ck_assert_uint_eq(weir_chan_len(ch), (size_t)(3 - i));
    ck_assert_int_eq(weir_range_resume(&ranger.range), 0);
  }
  weir_run(loop);
  ck_ended(&ranger, 3, UV_EOF);
  weir_chan_unref(ch);
}
END_TEST

/* stopping */

START_TEST(stopped_range_is_not_called_and_leaves_the_values) {
  weir_chan_t *ch = shared_ints(1);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  ck_assert_int_eq(weir_range_stop(&ranger.range), 0);
  put(ch, 1);
  weir_chan_close(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ranged(&ranger, 0);
  ck_assert_int_eq(get(ch), 1);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(value_taken_before_a_stop_is_dropped_and_the_range_may_be_freed) {
  weir_chan_t *ch = shared_owned(0);
  ranger_t *ranger = malloc(sizeof(*ranger));
  probe_t after;

  ranger_start(ranger, ch);
  put(ch, 5);
  ck_assert_int_eq(weir_range_stop(&ranger->range), 0);
  ck_assert_int_eq(ranger->count, 0);
  memset(ranger, 0xff, sizeof(*ranger));
  free(ranger);
  probe_init(&after, bg);
  weir_yield(&after.op, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&after, 0);
  ck_assert_int_eq(owned_drops, 1);
  ck_assert_int_eq(owned_dropped[5], 1);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(stop_drops_the_value_before_it_returns) {
  weir_chan_t *ch = shared_owned(0);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  put(ch, 5);
  ck_assert_int_eq(weir_range_stop(&ranger.range), 0);
  ck_assert_int_eq(owned_drops, 1);
  weir_run(loop);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(stop_while_paused_drops_the_kept_value) {
  weir_chan_t *ch = shared_owned(0);
  ranger_t *ranger = malloc(sizeof(*ranger));

  ranger_start(ranger, ch);
  put(ch, 0);
  weir_range_pause(&ranger->range);
  settle();
  ck_assert_int_eq(owned_drops, 0);
  ck_assert_int_eq(weir_range_stop(&ranger->range), 0);
  free(ranger);
  ck_assert_int_eq(owned_drops, 1);
  weir_run(loop);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(stop_after_the_end_is_due_holds_it_back) {
  weir_chan_t *ch = shared_owned(0);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  weir_chan_close(ch);
  ck_assert_int_eq(weir_range_stop(&ranger.range), 0);
  weir_run(loop);
  ck_ranged(&ranger, 0);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
}
END_TEST

static void stop_at_1(weir_range_t *range, const void *value, int status) {
  ranger_note(range, value, status);
  if (*(const int *)value == 1) {
    ck_assert_int_eq(weir_range_stop(range), 0);
    ck_assert_int_eq(weir_range_stop(range), UV_ENOENT);
  }
}

START_TEST(range_may_be_stopped_in_its_callback) {
  weir_chan_t *ch = shared_owned(4);
  ranger_t ranger;

  for (int i = 0; i < 4; i++) put(ch, i);
  ranger_start_under(bg, &ranger, ch, stop_at_1);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ranged(&ranger, 2);
  ck_assert_uint_eq(weir_chan_len(ch), 2);
  ck_assert_int_eq(owned_drops, 0); /* what it was called with is the callback's */
  weir_chan_unref(ch);
}
END_TEST

static int freed_ranges;

static void stop_and_free(weir_range_t *range, const void *value, int status) {
  (void)value;
  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(weir_range_stop(range), 0);
  memset(range, 0xff, sizeof(*range));
  free(range);
  freed_ranges++;
}

START_TEST(range_may_be_stopped_and_freed_in_its_callback) {
  weir_chan_t *ch = shared_ints(0);
  weir_range_t *range = malloc(sizeof(*range));

  freed_ranges = 0;
  weir_range_init(range, bg);
  ck_assert_int_eq(weir_range_start(range, ch, stop_and_free), 0);
  put(ch, 1);
  weir_chan_unref(ch); /* the range's is the last reference */
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(freed_ranges, 1);
}
END_TEST

START_TEST(stopped_range_may_be_started_again) {
  weir_chan_t *ch = shared_ints(1);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  ck_assert_int_eq(weir_range_start(&ranger.range, ch, ranger_note), UV_EBUSY);
  weir_range_stop(&ranger.range);
  ck_assert_int_eq(weir_range_start(&ranger.range, ch, ranger_note), 0);
  put(ch, 0);
  settle();
  ck_ranged(&ranger, 1);
  stop_and_unref(&ranger, ch);
}
END_TEST

/* what it holds */

START_TEST(running_range_holds_its_channel) {
  weir_chan_t *ch = shared_owned(4);
  ranger_t ranger;

  for (int i = 0; i < 3; i++) put(ch, i);
  ranger_start(&ranger, ch);
  weir_chan_unref(ch);
  ck_assert_uint_eq(settle(), 1);
  ck_ranged(&ranger, 3);
  ck_assert_int_eq(weir_range_stop(&ranger.range), 0);
  ck_assert_int_eq(owned_drops, 0);
}
END_TEST

START_TEST(running_range_counts_as_a_consumer) {
  weir_ctx_t *scope = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = shared_ints(0);
  ranger_t ranger;

  weir_chan_ref(ch);
  weir_chan_set_producer(ch, scope);
  ranger_start(&ranger, ch);
  weir_chan_unref(ch);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  ck_assert_int_eq(weir_range_stop(&ranger.range), 0);
  ck_assert_int_eq(weir_ctx_err(scope), UV_ECANCELED);
  weir_chan_unref(ch);
  weir_ctx_unref(scope);
}
END_TEST

START_TEST(loop_may_close_with_ranges_over_shared_channels) {
  weir_chan_t *ch = shared_owned(0);
  ranger_t running, paused;
  own_t own;

  own_open(&own);
  ranger_start_under(own.bg, &paused, ch, ranger_note);
  put(ch, 0);
  weir_range_pause(&paused.range);
  ranger_start_under(own.bg, &running, ch, ranger_note);
  own_close(&own);
  ck_ended(&running, 0, UV_ECANCELED);
  ck_ended(&paused, 0, UV_ECANCELED);
  ck_assert_int_eq(owned_drops, 1);
  weir_chan_unref(ch);
}
END_TEST

static const support_test_t tests[] = {
    T(values_come_in_order_then_eof_once),
    T(values_come_as_they_are_sent),
    T(range_ends_with_the_status_of_close_with),
    T(range_ends_with_the_error_of_its_context),
    T(value_taken_before_a_cancellation_is_dropped_or_delivered),
    T(values_larger_than_the_inline_buffer_arrive_whole),
    T(paused_range_takes_no_value_until_resumed),
    T(running_range_keeps_the_loop_alive_and_a_paused_one_does_not),
    T(value_taken_before_a_pause_is_kept_until_resumed),
    T(end_is_held_back_until_resumed),
    T(cancellation_ends_a_paused_range_and_drops_its_value),
    T(range_may_be_paused_in_its_callback),
    T(stopped_range_is_not_called_and_leaves_the_values),
    T(value_taken_before_a_stop_is_dropped_and_the_range_may_be_freed),
    T(stop_drops_the_value_before_it_returns),
    T(stop_while_paused_drops_the_kept_value),
    T(stop_after_the_end_is_due_holds_it_back),
    T(range_may_be_stopped_in_its_callback),
    T(range_may_be_stopped_and_freed_in_its_callback),
    T(stopped_range_may_be_started_again),
    T(running_range_holds_its_channel),
    T(running_range_counts_as_a_consumer),
    T(loop_may_close_with_ranges_over_shared_channels),
};
SUITE_MAIN("shared_range", tests)
