/* Description: contexts: cancelling a tree, causes, values, without_cancel, waiting. */
#include "support/values.h"

static size_t contexts_now(void) {
  weir_stats_t stats;

  weir_stats(loop, &stats);
  return stats.contexts;
}

static void start_wait(weir_ctx_t *under, probe_t *probe, weir_ctx_t *target) {
  probe_init(probe, under);
  ck_assert_int_eq(weir_ctx_wait(&probe->op, target, probe_note), 0);
  ck_assert_int_eq(probe->calls, 0);
}

/* cancelling */

START_TEST(fresh_context_is_not_done) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);

  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  ck_assert_int_eq(weir_ctx_cause(ctx), 0);
  ck_assert(!weir_ctx_deadline(ctx, NULL));
  ck_assert_ptr_eq(weir_ctx_loop(ctx), loop);
  ck_assert_ptr_eq(weir_ctx_loop(bg), loop);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(constructors_without_a_parent_give_null) {
  ck_assert_ptr_null(weir_ctx_with_cancel(NULL));
  ck_assert_ptr_null(weir_ctx_with_timeout(NULL, 1));
  ck_assert_ptr_null(weir_ctx_with_deadline(NULL, 1));
  ck_assert_ptr_null(weir_ctx_with_value(NULL, loop, loop, NULL));
  ck_assert_ptr_null(weir_ctx_with_chan(NULL, NULL));
  ck_assert_ptr_null(weir_ctx_without_cancel(NULL));
  ck_assert_ptr_null(weir_ctx_ref(NULL));
  weir_ctx_unref(NULL);
  weir_ctx_cancel(NULL);
  weir_ctx_cancel_cause(NULL, UV_EIO);
}
END_TEST

START_TEST(cancel_marks_the_whole_subtree_before_it_returns) {
  enum { N = 40 };
  weir_ctx_t *ctxs[N] = {weir_ctx_with_cancel(bg)};

  for (int i = 1; i < N; i++) { /* a binary tree of all sorts */
    weir_ctx_t *parent = ctxs[(i - 1) / 2];
    if (i % 4 == 0) ctxs[i] = weir_ctx_with_cancel(parent);
    if (i % 4 == 1) ctxs[i] = weir_ctx_with_timeout(parent, 1000);
    if (i % 4 == 2) ctxs[i] = weir_ctx_with_value(parent, loop, loop, NULL);
    if (i % 4 == 3) ctxs[i] = weir_ctx_with_chan(parent, NULL);
  }
  weir_ctx_cancel_cause(ctxs[1], UV_EIO);
  for (int i = 0; i < N; i++) {
    int top = i;
    while (top > 2) top = (top - 1) / 2;
    ck_assert_int_eq(weir_ctx_err(ctxs[i]), top == 1 ? UV_ECANCELED : 0);
    ck_assert_int_eq(weir_ctx_cause(ctxs[i]), top == 1 ? UV_EIO : 0);
  }
  for (int i = 0; i < N; i++) weir_ctx_unref(ctxs[i]);
  weir_run(loop);
}
END_TEST

START_TEST(child_never_cancels_its_parent) {
  weir_ctx_t *parent = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(parent);
  weir_ctx_t *sibling = weir_ctx_with_cancel(parent);

  weir_ctx_cancel(child);
  ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_err(parent), 0);
  ck_assert_int_eq(weir_ctx_err(sibling), 0);
  weir_ctx_unref(parent);
  weir_ctx_unref(child);
  weir_ctx_unref(sibling);
}
END_TEST

START_TEST(first_cancellation_wins) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(ctx);

  weir_ctx_cancel_cause(child, UV_EPROTO);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  weir_ctx_cancel_cause(ctx, UV_ENOENT);
  weir_ctx_cancel(ctx);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_cause(ctx), UV_EIO);
  ck_assert_int_eq(weir_ctx_cause(child), UV_EPROTO);
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
}
END_TEST

START_TEST(cause_without_one_is_the_err) {
  weir_ctx_t *plain = weir_ctx_with_cancel(bg), *zero = weir_ctx_with_cancel(bg);
  weir_ctx_t *late = weir_ctx_with_timeout(bg, 0);

  weir_ctx_cancel(plain);
  weir_ctx_cancel_cause(zero, 0);
  ck_assert_int_eq(weir_ctx_cause(plain), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_err(zero), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_cause(zero), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_cause(late), UV_ETIMEDOUT);
  weir_ctx_unref(plain);
  weir_ctx_unref(zero);
  weir_ctx_unref(late);
}
END_TEST

START_TEST(child_of_a_cancelled_parent_is_cancelled_from_the_start) {
  static int key;
  weir_ctx_t *parent = weir_ctx_with_cancel(bg), *children[5];
  weir_chan_t *done = new_ints(0);

  weir_ctx_cancel_cause(parent, UV_EIO);
  children[0] = weir_ctx_with_cancel(parent);
  children[1] = weir_ctx_with_timeout(parent, 1000);
  children[2] = weir_ctx_with_deadline(parent, 0);
  children[3] = weir_ctx_with_value(parent, &key, &key, NULL);
  children[4] = weir_ctx_with_chan(parent, done);
  for (int i = 0; i < 5; i++) {
    ck_assert_int_eq(weir_ctx_err(children[i]), UV_ECANCELED);
    ck_assert_int_eq(weir_ctx_cause(children[i]), UV_EIO);
  }
  ck_assert_ptr_eq(weir_ctx_value(children[3], &key), &key);
  ck_assert_uint_eq(weir_run(loop), 0); /* no deadline keeps it alive */
  for (int i = 0; i < 5; i++) weir_ctx_unref(children[i]);
  weir_ctx_unref(parent);
  weir_chan_unref(done);
}
END_TEST

START_TEST(background_cannot_be_cancelled) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);

  weir_ctx_cancel(bg);
  weir_ctx_cancel_cause(bg, UV_EIO);
  ck_assert_int_eq(weir_ctx_err(bg), 0);
  ck_assert_int_eq(weir_ctx_cause(bg), 0);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  ck_assert_ptr_eq(weir_loop_background(loop), bg);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(last_unref_of_a_live_context_cancels_nothing) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(ctx);
  probe_t parked;

  recv_under(child, &parked, NULL, NULL);
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_not_completed(&parked);
  ck_assert_uint_eq(contexts_now(), 2); /* the op holds them */
  cancel_and_run(&parked);
  ck_completed(&parked, UV_ECANCELED);
  ck_assert_uint_eq(contexts_now(), 0);
}
END_TEST

START_TEST(child_holds_its_parent) {
  weir_ctx_t *parent = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(parent);
  weir_ctx_t *again = weir_ctx_ref(parent);

  weir_ctx_unref(parent);
  weir_ctx_unref(again);
  ck_assert_uint_eq(contexts_now(), 2);
  weir_ctx_cancel(parent); /* still there */
  ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED);
  weir_ctx_unref(child);
  ck_assert_uint_eq(contexts_now(), 0);
}
END_TEST

/* ops under a tree that is cancelled */

START_TEST(cancel_completes_the_ops_of_the_whole_subtree) {
  weir_ctx_t *root = weir_ctx_with_cancel(bg), *inner = weir_ctx_with_timeout(root, 1000);
  weir_ctx_t *leaf = weir_ctx_with_value(inner, loop, loop, NULL);
  probe_t at_root, at_inner, at_leaf, outside;

  recv_under(leaf, &at_leaf, NULL, NULL);
  recv_under(root, &at_root, NULL, NULL);
  probe_init(&at_inner, inner);
  weir_sleep(&at_inner.op, 3600000, probe_note);
  start_recv(&outside, NULL, NULL);
  weir_ctx_cancel(root);
  ck_not_completed(&at_leaf);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_completed(&at_root, UV_ECANCELED);
  ck_completed(&at_inner, UV_ECANCELED);
  ck_completed(&at_leaf, UV_ECANCELED);
  cancel_and_run(&outside);
  weir_ctx_unref(leaf);
  weir_ctx_unref(inner);
  weir_ctx_unref(root);
}
END_TEST

static weir_ctx_t *held[3];

static void drop_all(weir_op_t *op, int status) {
  probe_note(op, status);
  for (int i = 0; i < 3; i++) {
    weir_ctx_unref(held[i]);
    held[i] = NULL;
  }
}

START_TEST(contexts_may_be_dropped_in_the_callbacks_of_a_cancellation) {
  probe_t probes[3];

  held[0] = weir_ctx_with_cancel(bg);
  held[1] = weir_ctx_with_cancel(held[0]);
  held[2] = weir_ctx_with_cancel(held[1]);
  for (int i = 0; i < 3; i++) {
    probe_init(&probes[i], held[2 - i]);
    weir_chan_recv(&probes[i].op, NULL, NULL, drop_all);
  }
  weir_ctx_cancel(held[0]);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < 3; i++) ck_completed(&probes[i], UV_ECANCELED);
  ck_assert_uint_eq(contexts_now(), 0);
}
END_TEST

/* The op's callback starts it again under the context that nothing else has held. */
static void start_again(weir_op_t *op, int status) {
  probe_note(op, status);
  if (((probe_t *)op)->calls < 3) weir_chan_recv(op, NULL, NULL, start_again);
}

START_TEST(op_restarted_in_its_callback_finds_its_context_alive) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t probe;

  probe_init(&probe, ctx);
  weir_chan_recv(&probe.op, NULL, NULL, start_again);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_assert_int_eq(probe.calls, 3);
  ck_assert_int_eq(probe.status, UV_ECANCELED);
  weir_ctx_unref(ctx);
}
END_TEST

/* values */

static int drops;
static void *dropped;

static void count_drop(void *value) {
  drops++;
  dropped = value;
}

START_TEST(value_is_found_by_its_key_from_below) {
  static int one, two, other;
  weir_ctx_t *first = weir_ctx_with_value(bg, &one, "first", NULL);
  weir_ctx_t *second = weir_ctx_with_value(first, &two, "second", NULL);
  weir_ctx_t *leaf = weir_ctx_with_cancel(second);

  ck_assert_str_eq(weir_ctx_value(leaf, &one), "first");
  ck_assert_str_eq(weir_ctx_value(leaf, &two), "second");
  ck_assert_ptr_null(weir_ctx_value(leaf, &other));
  ck_assert_ptr_null(weir_ctx_value(first, &two));
  ck_assert_ptr_null(weir_ctx_value(bg, &one));
  weir_ctx_unref(first);
  weir_ctx_unref(second);
  weir_ctx_unref(leaf);
}
END_TEST

START_TEST(nearest_value_shadows_the_others) {
  static int key;
  weir_ctx_t *outer = weir_ctx_with_value(bg, &key, "outer", NULL);
  weir_ctx_t *inner = weir_ctx_with_value(outer, &key, "inner", NULL);
  weir_ctx_t *none = weir_ctx_with_value(inner, &key, NULL, NULL);

  ck_assert_str_eq(weir_ctx_value(inner, &key), "inner");
  ck_assert_str_eq(weir_ctx_value(outer, &key), "outer");
  ck_assert_ptr_null(weir_ctx_value(none, &key));
  weir_ctx_unref(outer);
  weir_ctx_unref(inner);
  weir_ctx_unref(none);
}
END_TEST

START_TEST(null_key_finds_null) {
  weir_ctx_t *ctx = weir_ctx_with_value(bg, NULL, "hidden", NULL);

  ck_assert_ptr_null(weir_ctx_value(ctx, NULL));
  ck_assert_ptr_null(weir_ctx_value(bg, NULL));
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(value_is_dropped_once_with_its_context) {
  static int key;
  weir_ctx_t *ctx = weir_ctx_with_value(bg, &key, &key, count_drop);
  weir_ctx_t *child = weir_ctx_with_cancel(ctx);

  drops = 0;
  weir_ctx_cancel(ctx);
  weir_ctx_unref(ctx);
  ck_assert_int_eq(drops, 0);
  ck_assert_ptr_eq(weir_ctx_value(child, &key), &key);
  weir_ctx_unref(child);
  ck_assert_int_eq(drops, 1);
  ck_assert_ptr_eq(dropped, &key);
}
END_TEST

/* without_cancel */

START_TEST(without_cancel_survives_its_parent_and_keeps_the_values) {
  static int key;
  weir_ctx_t *parent = weir_ctx_with_timeout(bg, 5);
  weir_ctx_t *valued = weir_ctx_with_value(parent, &key, &key, count_drop);
  weir_ctx_t *ctx = weir_ctx_without_cancel(valued), *child = weir_ctx_with_cancel(ctx);
  probe_t parked;

  drops = 0;
  recv_under(child, &parked, NULL, NULL);
  ck_assert(!weir_ctx_deadline(ctx, NULL));
  ck_assert(!weir_ctx_deadline(child, NULL));
  weir_ctx_cancel(parent);
  ck_assert_int_eq(weir_ctx_err(valued), UV_ECANCELED);
  weir_ctx_unref(valued);
  weir_ctx_unref(parent);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_assert_int_eq(weir_ctx_err(ctx) + weir_ctx_cause(ctx) + weir_ctx_err(child), 0);
  ck_assert_ptr_eq(weir_ctx_value(child, &key), &key);
  weir_ctx_unref(ctx);
  weir_ctx_cancel(child);
  weir_ctx_unref(child);
  weir_run(loop);
  ck_completed(&parked, UV_ECANCELED);
  ck_assert_int_eq(drops, 1);
}
END_TEST

START_TEST(without_cancel_of_a_cancelled_parent_is_live) {
  weir_ctx_t *parent = weir_ctx_with_timeout(bg, 0), *ctx = weir_ctx_without_cancel(parent);
  weir_ctx_t *child = weir_ctx_with_timeout(ctx, 5);
  uint64_t when = 0;

  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  ck_assert_int_eq(weir_ctx_cause(ctx), 0);
  ck_assert_int_eq(weir_ctx_err(child), 0);
  ck_assert(weir_ctx_deadline(child, &when));
  ck_assert_ptr_null(weir_ctx_done(ctx));
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(child), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  weir_ctx_unref(parent);
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
}
END_TEST

START_TEST(loop_close_cancels_what_is_under_without_cancel) {
  weir_ctx_t *ctx, *child;
  probe_t probe;
  own_t own;

  own_open(&own);
  ctx = weir_ctx_without_cancel(own.bg);
  child = weir_ctx_with_cancel(ctx);
  recv_under(child, &probe, NULL, NULL);
  own_close(&own);
  ck_completed(&probe, UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED);
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
}
END_TEST

/* waiting */

START_TEST(wait_completes_0_when_the_context_is_done) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t wait;

  start_wait(bg, &wait, ctx);
  ck_assert_uint_eq(weir_run(loop), 1);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  ck_not_completed(&wait);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&wait, 0);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(wait_under_the_very_context_completes_0) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5);
  probe_t before, after;

  start_wait(ctx, &before, ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&before, 0);
  start_wait(ctx, &after, ctx);
  weir_run(loop);
  ck_completed(&after, 0);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(wait_for_a_done_context_completes_0) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t wait;

  weir_ctx_cancel(ctx);
  start_wait(bg, &wait, ctx);
  weir_run(loop);
  ck_completed(&wait, 0);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(wait_ends_with_its_own_context_when_that_is_first) {
  weir_ctx_t *own = weir_ctx_with_cancel(bg), *target = weir_ctx_with_cancel(bg);
  weir_ctx_t *child = weir_ctx_with_cancel(own);
  probe_t parked, late, for_child;

  start_wait(own, &parked, target);
  start_wait(own, &for_child, child); /* own is done first, then its child */
  weir_ctx_cancel(own);
  weir_ctx_cancel(target);
  weir_run(loop);
  ck_completed(&parked, UV_ECANCELED);
  ck_assert_int_eq(for_child.calls, 1);
  weir_ctx_unref(target);
  target = weir_ctx_with_cancel(bg);
  start_wait(own, &late, target);
  weir_run(loop);
  ck_completed(&late, UV_ECANCELED);
  weir_ctx_unref(own);
  weir_ctx_unref(child);
  weir_ctx_unref(target);
}
END_TEST

START_TEST(cancelled_wait_leaves_its_target) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t wait;

  start_wait(bg, &wait, ctx);
  cancel_and_run(&wait);
  ck_completed(&wait, UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_assert_int_eq(wait.calls, 1);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(wait_holds_its_target) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5);
  probe_t wait;

  start_wait(bg, &wait, ctx);
  weir_ctx_unref(ctx);
  ck_assert_uint_eq(contexts_now(), 1);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&wait, 0);
  ck_assert_uint_eq(contexts_now(), 0);
}
END_TEST

START_TEST(wait_with_wrong_arguments_gives_einval) {
  probe_t probe;
  own_t own;

  own_open(&own);
  probe_init(&probe, bg);
  ck_assert_int_eq(weir_ctx_wait(&probe.op, NULL, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_ctx_wait(&probe.op, own.bg, probe_note), UV_EINVAL);
  ck_assert(!weir_op_pending(&probe.op));
  own_close(&own);
}
END_TEST

static const support_test_t tests[] = {
    T(fresh_context_is_not_done),
    T(constructors_without_a_parent_give_null),
    T(cancel_marks_the_whole_subtree_before_it_returns),
    T(child_never_cancels_its_parent),
    T(first_cancellation_wins),
    T(cause_without_one_is_the_err),
    T(child_of_a_cancelled_parent_is_cancelled_from_the_start),
    T(background_cannot_be_cancelled),
    T(last_unref_of_a_live_context_cancels_nothing),
    T(child_holds_its_parent),
    T(cancel_completes_the_ops_of_the_whole_subtree),
    T(contexts_may_be_dropped_in_the_callbacks_of_a_cancellation),
    T(op_restarted_in_its_callback_finds_its_context_alive),
    T(value_is_found_by_its_key_from_below),
    T(nearest_value_shadows_the_others),
    T(null_key_finds_null),
    T(value_is_dropped_once_with_its_context),
    T(without_cancel_survives_its_parent_and_keeps_the_values),
    T(without_cancel_of_a_cancelled_parent_is_live),
    T(loop_close_cancels_what_is_under_without_cancel),
    T(wait_completes_0_when_the_context_is_done),
    T(wait_under_the_very_context_completes_0),
    T(wait_for_a_done_context_completes_0),
    T(wait_ends_with_its_own_context_when_that_is_first),
    T(cancelled_wait_leaves_its_target),
    T(wait_holds_its_target),
    T(wait_with_wrong_arguments_gives_einval),
};
SUITE_MAIN("ctx", tests)
