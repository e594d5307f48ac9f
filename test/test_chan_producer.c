/* Description: set_producer: the producer hears that nobody can receive any more. */
#include "support/values.h"

static weir_ctx_t *scope;
static weir_chan_t *produced;

/* A channel whose producer is its first reference; the consumer's is the one to drop. */
static void produce(size_t capacity) {
  scope = weir_ctx_with_cancel(bg);
  produced = new_owned(capacity);
  weir_chan_ref(produced);
  weir_chan_set_producer(produced, scope);
}

static void release(void) {
  weir_chan_unref(produced);
  weir_ctx_unref(scope);
}

START_TEST(scope_is_cancelled_when_only_the_producer_is_left) {
  produce(0);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  weir_chan_unref(produced);
  ck_assert_int_eq(weir_ctx_err(scope), UV_ECANCELED);
  ck_assert(!weir_chan_closed(produced));
  release();
}
END_TEST

START_TEST(producers_parked_send_ends_with_its_scope) {
  int value = 1;
  probe_t send;

  produce(0);
  send_under(scope, &send, produced, &value);
  ck_assert_uint_eq(weir_run(loop), 1);
  weir_chan_unref(produced);
  ck_not_completed(&send);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, UV_ECANCELED);
  ck_assert_int_eq(owned_drops, 0);
  release();
}
END_TEST

START_TEST(scope_lives_while_any_consumer_does) {
  produce(0);
  weir_chan_ref(produced);
  weir_chan_unref(produced);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  weir_chan_unref(produced);
  ck_assert_int_eq(weir_ctx_err(scope), UV_ECANCELED);
  release();
}
END_TEST

START_TEST(scope_is_not_cancelled_by_setting_it) {
  scope = weir_ctx_with_cancel(bg);
  produced = new_owned(0);
  weir_chan_set_producer(produced, scope);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  weir_chan_ref(produced);
  weir_chan_unref(produced);
  ck_assert_int_eq(weir_ctx_err(scope), UV_ECANCELED);
  release();
}
END_TEST

START_TEST(scope_is_left_alone_after_a_close) {
  produce(0);
  weir_chan_close(produced);
  weir_chan_unref(produced);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  weir_chan_ref(produced);
  weir_chan_set_producer(produced, scope);
  weir_chan_unref(produced);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  release();
}
END_TEST

START_TEST(channel_holds_the_scope) {
  weir_stats_t stats;

  produce(0);
  weir_ctx_unref(scope);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.contexts, 1);
  weir_chan_unref(produced);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.contexts, 0);
  weir_chan_unref(produced);
}
END_TEST

START_TEST(close_releases_the_scope) {
  weir_stats_t stats;

  produce(0);
  weir_ctx_unref(scope);
  weir_chan_close(produced);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.contexts, 0);
  weir_chan_unref(produced);
  weir_chan_unref(produced);
}
END_TEST

START_TEST(other_scope_takes_the_place_of_the_first) {
  weir_ctx_t *other = weir_ctx_with_cancel(bg);

  produce(0);
  weir_chan_set_producer(produced, other);
  weir_chan_unref(produced);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  ck_assert_int_eq(weir_ctx_err(other), UV_ECANCELED);
  weir_ctx_unref(other);
  release();
}
END_TEST

START_TEST(null_scope_takes_it_back) {
  produce(0);
  weir_chan_set_producer(produced, NULL);
  weir_chan_unref(produced);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  release();
}
END_TEST

START_TEST(same_scope_may_be_set_again) {
  produce(0);
  weir_ctx_unref(scope); /* the channel's is the only reference */
  weir_chan_set_producer(produced, scope);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  weir_chan_unref(produced);
  weir_chan_unref(produced);
}
END_TEST

START_TEST(value_of_a_dropped_consumer_stays_the_channels) {
  produce(1);
  put(produced, 3);
  weir_chan_unref(produced);
  ck_assert_int_eq(owned_drops, 0);
  release();
  ck_assert_int_eq(owned_drops, 1);
}
END_TEST

/* Cancelling the background context is for weir_loop_close alone. */
START_TEST(background_as_scope_is_not_cancelled) {
  weir_chan_t *ch = new_ints(0);
  int value = 1;
  probe_t send;

  weir_chan_ref(ch);
  weir_chan_set_producer(ch, bg);
  start_send(&send, ch, &value);
  weir_chan_unref(ch);
  ck_assert_int_eq(weir_ctx_err(bg), 0);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_not_completed(&send);
  weir_chan_unref(ch);
  weir_run(loop);
  ck_completed(&send, UV_EPIPE);
}
END_TEST

static void never_called(weir_range_t *range, const void *value, int status) {
  (void)range, (void)value;
  ck_abort_msg("called with %d", status);
}

START_TEST(running_range_counts_as_a_consumer) {
  weir_range_t range;

  produce(0);
  weir_range_init(&range, bg);
  ck_assert_int_eq(weir_range_start(&range, produced, never_called), 0);
  weir_chan_unref(produced);
  ck_assert_int_eq(weir_ctx_err(scope), 0);
  ck_assert_int_eq(weir_range_stop(&range), 0);
  ck_assert_int_eq(weir_ctx_err(scope), UV_ECANCELED);
  release();
}
END_TEST

static const support_test_t tests[] = {
    T(scope_is_cancelled_when_only_the_producer_is_left),
    T(producers_parked_send_ends_with_its_scope),
    T(scope_lives_while_any_consumer_does),
    T(scope_is_not_cancelled_by_setting_it),
    T(scope_is_left_alone_after_a_close),
    T(channel_holds_the_scope),
    T(close_releases_the_scope),
    T(other_scope_takes_the_place_of_the_first),
    T(null_scope_takes_it_back),
    T(same_scope_may_be_set_again),
    T(value_of_a_dropped_consumer_stays_the_channels),
    T(background_as_scope_is_not_cancelled),
    T(running_range_counts_as_a_consumer),
};
SUITE_MAIN("chan_producer", tests)
