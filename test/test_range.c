/* Description: range: the values, the end, stopping, restarting, what it holds. */
#include <stdlib.h>
#include <string.h>

#include "support/ranger.h"

/* values and the end */

START_TEST(values_come_in_order_then_eof_once) {
  weir_chan_t *ch = new_ints(4);
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
  weir_chan_t *ch = new_ints(0);
  ranger_t ranger;
  int values[] = {0, 1, 2, 3, 4};
  probe_t send;

  ranger_start(&ranger, ch);
  ck_assert_uint_eq(weir_run(loop), 1);
  probe_init(&send, bg);
  weir_chan_send_many(&send.op, ch, values, 5, probe_note);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_completed(&send, 0);
  ck_ranged(&ranger, 5);
  weir_chan_close(ch);
  weir_chan_unref(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ended(&ranger, 5, UV_EOF);
}
END_TEST

START_TEST(range_ends_with_the_status_of_close_with) {
  weir_chan_t *ch = new_ints(1);
  ranger_t ranger;

  put(ch, 0);
  weir_chan_close_with(ch, UV_ECONNRESET);
  ranger_start(&ranger, ch);
  weir_run(loop);
  ck_ended(&ranger, 1, UV_ECONNRESET);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(range_ends_with_the_error_of_its_context) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5);
  weir_chan_t *ch = new_ints(1);
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

START_TEST(range_under_a_cancelled_context_takes_no_value) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = new_ints(1);
  ranger_t ranger;

  weir_ctx_cancel(ctx);
  put(ch, 3);
  ranger_start_under(ctx, &ranger, ch, ranger_note);
  weir_run(loop);
  ck_ended(&ranger, 0, UV_ECANCELED);
  ck_assert_int_eq(get(ch), 3);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(value_taken_before_a_cancellation_is_dropped_or_delivered) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = new_owned(0);
  ranger_t ranger;

  ranger_start_under(ctx, &ranger, ch, ranger_note);
  put(ch, 0); /* the range has it now */
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_assert_int_eq(ranger.ends, 1);
  ck_assert_int_eq(ranger.status, UV_ECANCELED);
  ck_assert_int_eq(ranger.count + owned_drops, 1);
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(range_over_a_null_channel_waits_for_its_context) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  ranger_t ranger;

  ranger_start_under(ctx, &ranger, NULL, ranger_note);
  ck_assert_uint_eq(weir_run(loop), 1);
  weir_ctx_cancel(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_ended(&ranger, 0, UV_ECANCELED);
  weir_ctx_unref(ctx);
}
END_TEST

static int signals;

static void count_signal(weir_range_t *range, const void *value, int status) {
  (void)range;
  ck_assert_int_eq(value != NULL, status == 0);
  signals += status == 0;
}

START_TEST(values_of_size_0_are_not_null_either) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, 3);
  weir_range_t range;

  signals = 0;
  for (int i = 0; i < 3; i++) weir_chan_try_send(ch, NULL);
  weir_chan_close(ch);
  weir_range_init(&range, bg);
  weir_range_start(&range, ch, count_signal);
  weir_run(loop);
  ck_assert_int_eq(signals, 3);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(init_leaves_data_alone) {
  weir_range_t range;

  memset(&range, 0xff, sizeof(range));
  range.data = &range;
  weir_range_init(&range, bg);
  ck_assert_ptr_eq(range.data, &range);
  ck_assert_int_eq(weir_range_stop(&range), UV_ENOENT);
}
END_TEST

/* large values */

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

static void put_large(weir_chan_t *ch, int id) {
  large_t large = {.id = id};

  for (size_t i = 0; i < sizeof(large.bytes); i++) large.bytes[i] = (unsigned char)(id + (int)i);
  ck_assert_int_eq(weir_chan_try_send(ch, &large), 0);
}

START_TEST(values_larger_than_the_inline_buffer_arrive_whole) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(large_t), 3);
  weir_range_t range;

  large_ids = 0;
  for (int i = 1; i <= 3; i++) put_large(ch, i);
  weir_chan_close(ch);
  weir_range_init(&range, bg);
  ck_assert_int_eq(weir_range_start(&range, ch, note_large), 0);
  weir_run(loop);
  ck_assert_int_eq(large_ids, 123);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(range_over_large_values_may_be_stopped_while_it_waits) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(large_t), 1);
  weir_range_t *range = malloc(sizeof(*range));

  weir_range_init(range, bg);
  ck_assert_int_eq(weir_range_start(range, ch, note_large), 0);
  ck_assert_int_eq(weir_range_stop(range), 0);
  free(range);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(no_memory_for_a_large_value_gives_enomem_and_starts_nothing) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(large_t), 1);
  weir_range_t range;

  large_ids = 0;
  put_large(ch, 1);
  weir_range_init(&range, bg);
  support_fail_after(0);
  ck_assert_int_eq(weir_range_start(&range, ch, note_large), UV_ENOMEM);
  support_fail_after(SIZE_MAX);
  ck_assert_int_eq(weir_range_stop(&range), UV_ENOENT);
  weir_run(loop);
  ck_assert_uint_eq(weir_chan_len(ch), 1);
  ck_assert_int_eq(weir_range_start(&range, ch, note_large), 0);
  weir_chan_unref(ch);
  weir_run(loop);
  ck_assert_int_eq(large_ids, 1);
  ck_assert_int_eq(weir_range_stop(&range), 0);
}
END_TEST

START_TEST(range_over_small_values_needs_no_memory) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(char[WEIR_RANGE_INLINE]), 1);
  weir_range_t range;
  size_t before;

  weir_range_init(&range, bg);
  before = support_allocations();
  ck_assert_int_eq(weir_range_start(&range, ch, count_signal), 0);
  weir_range_stop(&range);
  ck_assert_uint_eq(support_allocations(), before);
  weir_chan_unref(ch);
}
END_TEST

/* stopping */

START_TEST(stopped_range_is_not_called_and_leaves_the_values) {
  weir_chan_t *ch = new_ints(1);
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
  weir_chan_t *ch = new_owned(0);
  ranger_t *ranger = malloc(sizeof(*ranger));
  probe_t after;

  ranger_start(ranger, ch);
  put(ch, 5);
  ck_assert_int_eq(weir_range_stop(&ranger->range), 0);
  ck_assert_int_eq(ranger->count, 0);
  free(ranger);
  ck_assert_int_eq(owned_drops, 1);
  ck_assert_int_eq(owned_dropped[5], 1);
  probe_init(&after, bg);
  weir_yield(&after.op, probe_note);
  weir_run(loop);
  ck_completed(&after, 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(stop_after_the_end_is_due_holds_it_back) {
  weir_chan_t *ch = new_owned(0);
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
  weir_chan_t *ch = new_owned(4);
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

static int last_seen;

static void stop_and_free(weir_range_t *range, const void *value, int status) {
  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(weir_range_stop(range), 0);
  memset(range, 0xff, sizeof(*range));
  free(range);
  (void)value;
  last_seen++;
}

START_TEST(range_may_be_stopped_and_freed_in_its_callback) {
  weir_chan_t *ch = new_ints(2), *large = weir_chan_new(loop, WEIR_TYPE(large_t), 1);
  weir_range_t *small_range = malloc(sizeof(*small_range));
  weir_range_t *large_range = malloc(sizeof(*large_range));

  put(ch, 1);
  put(ch, 2);
  put_large(large, 1);
  weir_range_init(small_range, bg);
  weir_range_init(large_range, bg);
  weir_range_start(small_range, ch, stop_and_free);
  weir_range_start(large_range, large, stop_and_free);
  last_seen = 0;
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(last_seen, 2);
  ck_assert_uint_eq(weir_chan_len(ch), 1);
  weir_chan_unref(ch);
  weir_chan_unref(large);
}
END_TEST

/* What the callback looks at stays until it returns, whatever it does to the range. */
static void stop_then_look(weir_range_t *range, const void *value, int status) {
  ck_assert_int_eq(status, 0);
  weir_range_stop(range);
  note_large(range, value, status);
}

START_TEST(value_is_valid_until_the_callback_returns_though_it_stops) {
  weir_chan_t *large = weir_chan_new(loop, WEIR_TYPE(large_t), 1);
  weir_range_t range;

  large_ids = 0;
  put_large(large, 7);
  weir_range_init(&range, bg);
  weir_range_start(&range, large, stop_then_look);
  weir_chan_unref(large); /* the stop drops the last reference */
  weir_run(loop);
  ck_assert_int_eq(large_ids, 7);
}
END_TEST

static weir_chan_t *restart_chan;

static void restart_then_look(weir_range_t *range, const void *value, int status) {
  ranger_t *ranger = (ranger_t *)range;
  int before;

  ranger_note(range, value, status);
  if (ranger->count > 1) return;
  before = *(const int *)value;
  ck_assert_int_eq(weir_range_stop(range), 0);
  ck_assert_int_eq(weir_range_start(range, restart_chan, restart_then_look), 0);
  ck_assert_int_eq(*(const int *)value, before);
}

START_TEST(value_is_valid_until_the_callback_returns_though_it_restarts) {
  ranger_t ranger;

  restart_chan = new_ints(2);
  put(restart_chan, 0);
  put(restart_chan, 1);
  ranger_start_under(bg, &ranger, restart_chan, restart_then_look);
  weir_run(loop);
  ck_ranged(&ranger, 2);
  weir_range_stop(&ranger.range);
  weir_chan_unref(restart_chan);
}
END_TEST

/* the final callback */

static int restarts;

static void restart_at_end(weir_range_t *range, const void *value, int status) {
  (void)value;
  if (status == 0) return;
  ck_assert_int_eq(status, UV_EOF);
  if (++restarts < 5) ck_assert_int_eq(weir_range_start(range, restart_chan, restart_at_end), 0);
}

START_TEST(range_may_be_restarted_in_its_final_callback) {
  weir_range_t range;

  restart_chan = new_ints(1);
  restarts = 0;
  put(restart_chan, 1);
  weir_chan_close(restart_chan);
  weir_range_init(&range, bg);
  weir_range_start(&range, restart_chan, restart_at_end);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(restarts, 5);
  weir_chan_unref(restart_chan);
}
END_TEST

static void free_at_end(weir_range_t *range, const void *value, int status) {
  (void)value;
  if (status == 0) return;
  ck_assert_int_eq(weir_range_stop(range), UV_ENOENT);
  ck_assert_int_eq(weir_range_pause(range), UV_ENOENT);
  memset(range, 0xff, sizeof(*range));
  free(range);
  last_seen = status;
}

START_TEST(range_may_be_freed_in_its_final_callback) {
  weir_chan_t *large = weir_chan_new(loop, WEIR_TYPE(large_t), 1);
  weir_range_t *range = malloc(sizeof(*range));

  put_large(large, 1);
  weir_range_init(range, bg);
  weir_range_start(range, large, free_at_end);
  weir_chan_close(large);
  weir_chan_unref(large);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(last_seen, UV_EOF);
}
END_TEST

/* what it holds */

START_TEST(running_range_holds_its_channel) {
  weir_chan_t *ch = new_ints(4);
  weir_stats_t stats;
  ranger_t ranger;

  for (int i = 0; i < 3; i++) put(ch, i);
  ranger_start(&ranger, ch);
  weir_chan_unref(ch);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_ranged(&ranger, 3);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.channels, 1);
  weir_range_stop(&ranger.range);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.channels, 0);
}
END_TEST

static void ck_channel_gone(weir_range_t *range, const void *value, int status) {
  weir_stats_t stats;

  ranger_note(range, value, status);
  weir_stats(loop, &stats);
  if (status) last_seen = (int)stats.channels;
}

START_TEST(ended_range_holds_no_channel) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *ch = new_owned(4);
  ranger_t ranger;

  ranger_start_under(ctx, &ranger, ch, ck_channel_gone);
  weir_chan_unref(ch);
  weir_ctx_cancel(ctx);
  last_seen = -1;
  weir_run(loop);
  ck_ended(&ranger, 0, UV_ECANCELED);
  ck_assert_int_eq(last_seen, 0);
  weir_ctx_unref(ctx);
}
END_TEST

/* arguments */

START_TEST(range_with_wrong_arguments_gives_einval) {
  weir_chan_t *ch;
  ranger_t ranger = {.count = 0};
  own_t own;

  own_open(&own);
  ch = weir_chan_new(own.loop, WEIR_TYPE(int), 1);
  weir_range_init(&ranger.range, bg);
  ck_assert_int_eq(weir_range_start(NULL, NULL, ranger_note), UV_EINVAL);
  ck_assert_int_eq(weir_range_start(&ranger.range, NULL, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_range_start(&ranger.range, ch, ranger_note), UV_EINVAL);
  ck_assert_int_eq(weir_range_stop(NULL), UV_EINVAL);
  ck_assert_int_eq(weir_range_pause(NULL), UV_EINVAL);
  ck_assert_int_eq(weir_range_resume(NULL), UV_EINVAL);
  ck_assert_int_eq(weir_range_stop(&ranger.range), UV_ENOENT);
  weir_chan_unref(ch);
  own_close(&own);
}
END_TEST

START_TEST(starting_a_running_range_gives_ebusy) {
  weir_chan_t *ch = new_ints(1), *other = weir_chan_new(loop, WEIR_TYPE(large_t), 1);
  ranger_t ranger;

  ranger_start(&ranger, ch);
  ck_assert_int_eq(weir_range_start(&ranger.range, ch, ranger_note), UV_EBUSY);
  ck_assert_int_eq(weir_range_start(&ranger.range, other, ranger_note), UV_EBUSY);
  weir_range_pause(&ranger.range);
  ck_assert_int_eq(weir_range_start(&ranger.range, ch, ranger_note), UV_EBUSY);
  weir_range_stop(&ranger.range);
  weir_chan_unref(ch);
  weir_chan_unref(other);
}
END_TEST

static const support_test_t tests[] = {
    T(values_come_in_order_then_eof_once),
    T(values_come_as_they_are_sent),
    T(range_ends_with_the_status_of_close_with),
    T(range_ends_with_the_error_of_its_context),
    T(range_under_a_cancelled_context_takes_no_value),
    T(value_taken_before_a_cancellation_is_dropped_or_delivered),
    T(range_over_a_null_channel_waits_for_its_context),
    T(values_of_size_0_are_not_null_either),
    T(init_leaves_data_alone),
    T(values_larger_than_the_inline_buffer_arrive_whole),
    T(range_over_large_values_may_be_stopped_while_it_waits),
    T(no_memory_for_a_large_value_gives_enomem_and_starts_nothing),
    T(range_over_small_values_needs_no_memory),
    T(stopped_range_is_not_called_and_leaves_the_values),
    T(value_taken_before_a_stop_is_dropped_and_the_range_may_be_freed),
    T(stop_after_the_end_is_due_holds_it_back),
    T(range_may_be_stopped_in_its_callback),
    T(range_may_be_stopped_and_freed_in_its_callback),
    T(value_is_valid_until_the_callback_returns_though_it_stops),
    T(value_is_valid_until_the_callback_returns_though_it_restarts),
    T(range_may_be_restarted_in_its_final_callback),
    T(range_may_be_freed_in_its_final_callback),
    T(running_range_holds_its_channel),
    T(ended_range_holds_no_channel),
    T(range_with_wrong_arguments_gives_einval),
    T(starting_a_running_range_gives_ebusy),
};
SUITE_MAIN("range", tests)
