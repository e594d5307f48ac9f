/* Description: done channels of contexts, contexts of done channels, long chains of both. */
#include <stdlib.h>

#include "support/values.h"

static size_t contexts_now(void) {
  weir_stats_t stats;

  weir_stats(loop, &stats);
  return stats.contexts;
}

/* done */

START_TEST(done_is_the_same_channel_each_time) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(ctx);
  weir_chan_t *done = weir_ctx_done(ctx);

  ck_assert_ptr_nonnull(done);
  ck_assert_ptr_eq(weir_ctx_done(ctx), done);
  ck_assert_ptr_ne(weir_ctx_done(child), done);
  ck_assert(!weir_chan_closed(done));
  weir_ctx_cancel(ctx);
  ck_assert_ptr_eq(weir_ctx_done(ctx), done);
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
}
END_TEST

START_TEST(done_closes_with_eof_before_cancel_returns) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(ctx);
  weir_chan_t *done = weir_ctx_done(child);
  probe_t recv;

  start_recv(&recv, done, NULL);
  ck_assert_int_eq(weir_chan_try_recv(done, NULL), UV_EAGAIN);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  ck_assert(weir_chan_closed(done));
  ck_assert_int_eq(weir_chan_try_recv(done, NULL), UV_EOF);
  ck_not_completed(&recv);
  weir_run(loop);
  ck_completed(&recv, UV_EOF);
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
}
END_TEST

START_TEST(done_of_a_cancelled_context_is_closed) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *late = weir_ctx_with_timeout(bg, 0);

  weir_ctx_cancel(ctx);
  ck_assert_int_eq(weir_chan_try_recv(weir_ctx_done(ctx), NULL), UV_EOF);
  ck_assert_int_eq(weir_chan_try_recv(weir_ctx_done(late), NULL), UV_EOF);
  weir_ctx_unref(ctx);
  weir_ctx_unref(late);
}
END_TEST

START_TEST(done_closes_at_the_deadline) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5);
  weir_case_t cases[] = {WEIR_RECV(NULL, NULL), WEIR_RECV(weir_ctx_done(ctx), NULL)};
  probe_t select;

  probe_init(&select, bg);
  weir_select(&select.op, cases, 2, probe_note);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&select, UV_EOF);
  ck_assert_uint_eq(select.index, 1);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(done_with_a_reference_outlives_its_context) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *done = weir_chan_ref(weir_ctx_done(ctx));

  weir_ctx_cancel(ctx);
  weir_ctx_unref(ctx);
  ck_assert_uint_eq(contexts_now(), 0);
  ck_assert_int_eq(weir_chan_try_recv(done, NULL), UV_EOF);
  weir_chan_unref(done);
}
END_TEST

START_TEST(done_of_a_context_that_is_only_dropped_does_not_say_it_was_cancelled) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *done = weir_chan_ref(weir_ctx_done(ctx));

  weir_ctx_unref(ctx);
  ck_assert_uint_eq(contexts_now(), 0);
  ck_assert(!weir_chan_closed(done));
  weir_chan_unref(done);
}
END_TEST

START_TEST(done_of_the_background_closes_with_the_loop) {
  weir_chan_t *done;
  own_t own;

  own_open(&own);
  done = weir_chan_ref(weir_ctx_done(own.bg));
  ck_assert(!weir_chan_closed(done));
  own_close(&own);
  ck_assert(weir_chan_closed(done));
  weir_chan_unref(done);
}
END_TEST

START_TEST(done_of_without_cancel_is_null) {
  weir_ctx_t *ctx = weir_ctx_without_cancel(bg);

  ck_assert_ptr_null(weir_ctx_done(ctx));
  ck_assert_ptr_null(weir_ctx_done(NULL));
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(done_without_memory_is_null_and_may_be_asked_for_again) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);

  for (size_t i = 0; i < 2; i++) {
    support_fail_after(i);
    ck_assert_ptr_null(weir_ctx_done(ctx));
  }
  support_fail_after(SIZE_MAX);
  ck_assert_ptr_nonnull(weir_ctx_done(ctx));
  weir_ctx_cancel(ctx);
  ck_assert(weir_chan_closed(weir_ctx_done(ctx)));
  weir_ctx_unref(ctx);
}
END_TEST

/* with_chan */

START_TEST(with_chan_is_cancelled_when_the_channel_closes) {
  weir_chan_t *done = new_ints(0);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, done), *child = weir_ctx_with_cancel(ctx);
  probe_t parked;

  recv_under(child, &parked, NULL, NULL);
  weir_chan_close_with(done, UV_EIO);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED);
  ck_not_completed(&parked);
  weir_run(loop);
  ck_completed(&parked, UV_ECANCELED);
  weir_chan_unref(done);
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
}
END_TEST

START_TEST(with_chan_does_not_react_to_values_nor_take_them) {
  weir_chan_t *done = new_ints(1);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, done);
  int value = 1, received = UNTOUCHED;
  probe_t send, recv;

  put(done, 5);
  start_send(&send, done, &value);
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  ck_not_completed(&send);
  start_recv(&recv, done, &received);
  weir_run(loop);
  ck_assert_int_eq(received, 5);
  weir_chan_close(done); /* with a value left in it */
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  ck_assert_int_eq(get(done), 1);
  weir_chan_unref(done);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(with_chan_of_a_closed_channel_is_cancelled_from_the_start) {
  weir_chan_t *done = new_ints(1);
  weir_ctx_t *ctx;

  put(done, 1);
  weir_chan_close(done);
  ctx = weir_ctx_with_chan(bg, done);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  weir_chan_unref(done);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(with_chan_of_null_is_never_cancelled_by_it) {
  weir_ctx_t *parent = weir_ctx_with_cancel(bg), *ctx = weir_ctx_with_chan(parent, NULL);

  ck_assert_ptr_nonnull(ctx);
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  weir_ctx_cancel(parent);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  weir_ctx_unref(parent);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(with_chan_holds_the_channel_and_is_not_counted) {
  weir_chan_t *done = new_owned(1);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, done);

  put(done, 1);
  weir_chan_unref(done);
  ck_assert_int_eq(owned_drops, 0);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_ctx_unref(ctx);
  ck_assert_int_eq(owned_drops, 1);
}
END_TEST

START_TEST(with_chan_may_be_cancelled_while_it_watches) {
  weir_chan_t *done = new_ints(0);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, done), *other = weir_ctx_with_chan(bg, done);

  weir_ctx_cancel_cause(ctx, UV_EIO);
  weir_chan_close(done);
  ck_assert_int_eq(weir_ctx_cause(ctx), UV_EIO);
  ck_assert_int_eq(weir_ctx_cause(other), UV_ECANCELED);
  weir_ctx_unref(ctx);
  weir_ctx_unref(other);
  weir_chan_unref(done);
}
END_TEST

START_TEST(with_chan_may_be_dropped_while_it_watches) {
  weir_chan_t *done = new_ints(0);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, done), *other = weir_ctx_with_chan(bg, done);

  weir_ctx_unref(ctx);
  weir_chan_close(done);
  ck_assert_int_eq(weir_ctx_err(other), UV_ECANCELED);
  weir_ctx_unref(other);
  weir_chan_unref(done);
}
END_TEST

START_TEST(with_chan_of_a_timer_ends_with_it) {
  weir_chan_t *sig = weir_timer_sig(loop, 5);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, sig);
  probe_t parked;

  weir_chan_unref(sig);
  recv_under(ctx, &parked, NULL, NULL);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&parked, UV_ECANCELED);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(with_chan_lets_its_timer_go_when_it_is_cancelled) {
  weir_chan_t *sig = weir_timer_sig(loop, 7200000);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, sig);

  weir_chan_unref(sig);
  weir_ctx_cancel(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(with_chan_of_its_own_ancestors_done_channel_is_cancelled_once) {
  weir_ctx_t *parent = weir_ctx_with_cancel(bg);
  weir_ctx_t *ctx = weir_ctx_with_chan(parent, weir_ctx_done(parent));
  probe_t wait;

  probe_init(&wait, bg);
  weir_ctx_wait(&wait.op, ctx, probe_note);
  weir_ctx_cancel_cause(parent, UV_EIO);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  weir_run(loop);
  ck_completed(&wait, 0);
  weir_ctx_unref(ctx);
  weir_ctx_unref(parent);
  ck_assert_uint_eq(contexts_now(), 0);
}
END_TEST

START_TEST(with_chan_of_another_loops_channel_gives_null) {
  weir_chan_t *done;
  own_t own;

  own_open(&own);
  done = weir_chan_new(own.loop, NULL, 0);
  ck_assert_ptr_null(weir_ctx_with_chan(bg, done));
  ck_assert_uint_eq(contexts_now(), 0);
  weir_chan_unref(done);
  own_close(&own);
}
END_TEST

/* The value's drop, run by the cancellation, cancels another context. */
static weir_ctx_t *victim, *victims_child;

static void cancel_victim(void *value) {
  (void)value;
  weir_ctx_cancel(victim);
  ck_assert_int_eq(weir_ctx_err(victim), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_err(victims_child), UV_ECANCELED); /* before cancel returns */
  owned_drops++;
}

START_TEST(drop_during_a_cancellation_may_cancel_a_tree) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE_OWNED(int, cancel_victim, NULL), 1);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, ch);

  owned_drops = 0;
  victim = weir_ctx_with_cancel(bg);
  victims_child = weir_ctx_with_cancel(victim);
  put(ch, 1);
  weir_chan_unref(ch); /* the context's is the last reference */
  weir_ctx_cancel(ctx);
  weir_ctx_unref(ctx);
  ck_assert_int_eq(owned_drops, 1);
  weir_ctx_unref(victim);
  weir_ctx_unref(victims_child);
}
END_TEST

/* chains: recursion would overflow the stack */

enum { LONG = 100000 };

static weir_ctx_t *chain[LONG];

static int count_done(weir_ctx_t *const *ctxs, int n) {
  int count = 0;

  for (int i = 0; i < n; i++) count += weir_ctx_err(ctxs[i]) == UV_ECANCELED;
  return count;
}

static void make_chain(void) {
  chain[0] = weir_ctx_with_cancel(bg);
  for (int i = 1; i < LONG; i++) chain[i] = weir_ctx_with_cancel(chain[i - 1]);
  ck_assert_ptr_nonnull(chain[LONG - 1]); /* no parent, no child */
}

static void unref_chain(bool parents_first) {
  for (int i = 0; i < LONG; i++) weir_ctx_unref(chain[parents_first ? i : LONG - 1 - i]);
  ck_assert_uint_eq(contexts_now(), 0);
}

START_TEST(long_chain_is_cancelled_and_freed_parents_first) {
  make_chain();
  weir_ctx_cancel_cause(chain[0], UV_EIO);
  ck_assert_int_eq(count_done(chain, LONG), LONG);
  ck_assert_int_eq(weir_ctx_cause(chain[LONG - 1]), UV_EIO);
  unref_chain(true);
}
END_TEST

START_TEST(long_chain_is_cancelled_and_freed_children_first) {
  make_chain();
  weir_ctx_cancel(chain[LONG / 2]);
  ck_assert_int_eq(count_done(chain, LONG), LONG / 2);
  unref_chain(false);
}
END_TEST

START_TEST(long_chain_is_freed_uncancelled) {
  make_chain();
  unref_chain(true);
  make_chain();
  unref_chain(false);
}
END_TEST

static void make_done_chain(int n) {
  chain[0] = weir_ctx_with_cancel(bg);
  for (int i = 1; i < n; i++) chain[i] = weir_ctx_with_chan(bg, weir_ctx_done(chain[i - 1]));
}

START_TEST(chain_of_done_channels_is_cancelled_before_cancel_returns) {
  enum { N = LONG };
  probe_t parked;

  make_done_chain(N);
  recv_under(chain[N - 1], &parked, NULL, NULL);
  weir_ctx_cancel(chain[0]);
  ck_assert_int_eq(count_done(chain, N), N);
  weir_run(loop);
  ck_completed(&parked, UV_ECANCELED);
  for (int i = 0; i < N; i++) weir_ctx_unref(chain[i]);
  ck_assert_uint_eq(contexts_now(), 0);
}
END_TEST

START_TEST(chain_of_done_channels_is_freed_uncancelled_in_both_orders) {
  enum { N = LONG };

  make_done_chain(N);
  for (int i = 0; i < N; i++) weir_ctx_unref(chain[i]);
  make_done_chain(N);
  for (int i = N; i-- > 0;) weir_ctx_unref(chain[i]);
  ck_assert_uint_eq(contexts_now(), 0);
}
END_TEST

START_TEST(tree_of_two_hundred_thousand_is_cancelled) {
  enum { N = 200000 };
  weir_ctx_t **tree = malloc(N * sizeof(weir_ctx_t *));

  tree[0] = weir_ctx_with_cancel(bg);
  for (int i = 1; i < N; i++) tree[i] = weir_ctx_with_cancel(tree[(i - 1) / 10]);
  weir_ctx_cancel(tree[0]);
  ck_assert_int_eq(count_done(tree, N), N);
  for (int i = 0; i < N; i++) weir_ctx_unref(tree[i]);
  ck_assert_uint_eq(contexts_now(), 0);
  free(tree);
}
END_TEST

static const support_test_t tests[] = {
    T(done_is_the_same_channel_each_time),
    T(done_closes_with_eof_before_cancel_returns),
    T(done_of_a_cancelled_context_is_closed),
    T(done_closes_at_the_deadline),
    T(done_with_a_reference_outlives_its_context),
    T(done_of_a_context_that_is_only_dropped_does_not_say_it_was_cancelled),
    T(done_of_the_background_closes_with_the_loop),
    T(done_of_without_cancel_is_null),
    T(done_without_memory_is_null_and_may_be_asked_for_again),
    T(with_chan_is_cancelled_when_the_channel_closes),
    T(with_chan_does_not_react_to_values_nor_take_them),
    T(with_chan_of_a_closed_channel_is_cancelled_from_the_start),
    T(with_chan_of_null_is_never_cancelled_by_it),
    T(with_chan_holds_the_channel_and_is_not_counted),
    T(with_chan_may_be_cancelled_while_it_watches),
    T(with_chan_may_be_dropped_while_it_watches),
    T(with_chan_of_a_timer_ends_with_it),
    T(with_chan_lets_its_timer_go_when_it_is_cancelled),
    T(with_chan_of_its_own_ancestors_done_channel_is_cancelled_once),
    T(with_chan_of_another_loops_channel_gives_null),
    T(drop_during_a_cancellation_may_cancel_a_tree),
    T(long_chain_is_cancelled_and_freed_parents_first),
    T(long_chain_is_cancelled_and_freed_children_first),
    T(long_chain_is_freed_uncancelled),
    T(chain_of_done_channels_is_cancelled_before_cancel_returns),
    T(chain_of_done_channels_is_freed_uncancelled_in_both_orders),
    T(tree_of_two_hundred_thousand_is_cancelled),
};
SUITE_MAIN("done", tests)
