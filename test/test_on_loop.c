/*
 * Description: contexts that live on another loop than their parents. Where nothing is said of
 * threads, this one runs both loops in turn.
 */
#include "support/elsewhere.h"
#include "support/values.h"

enum { HOURS = 7200000 };

static own_t away;

static weir_ctx_t *make_away(weir_ctx_t *parent) {
  weir_ctx_t *ctx = weir_ctx_on_loop(parent, away.loop);

  ck_assert_ptr_nonnull(ctx);
  return ctx;
}

static void start_sleep(weir_ctx_t *under, probe_t *probe) {
  probe_init(probe, under);
  ck_assert_int_eq(weir_sleep(&probe->op, HOURS, probe_note), 0);
}

/* Runs the context's own loop, and no other. */
static void await(weir_ctx_t *ctx) {
  run_until_done(weir_loop_uv(weir_ctx_loop(ctx)), ctx);
}

static size_t contexts_of(weir_loop_t *of) {
  weir_stats_t stats;

  weir_stats(of, &stats);
  return stats.contexts;
}

/* Runs both loops in turn until each has this many contexts. */
static void run_to_contexts(size_t here, size_t there) {
  uv_async_t holds[2]; /* keep them alive */

  uv_async_init(uv, &holds[0], NULL);
  uv_async_init(&away.uv, &holds[1], NULL);
  while (contexts_of(loop) != here || contexts_of(away.loop) != there) {
    uv_run(uv, UV_RUN_NOWAIT);
    uv_run(&away.uv, UV_RUN_NOWAIT);
  }
  for (int i = 0; i < 2; i++) {
    uv_close((uv_handle_t *)&holds[i], NULL);
    uv_run(holds[i].loop, UV_RUN_NOWAIT);
  }
}

/* making */

START_TEST(child_lives_on_the_loop_it_was_made_for) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child, *grandchild;
  probe_t yield;

  own_open(&away);
  child = make_away(ctx);
  grandchild = weir_ctx_with_cancel(child);
  ck_assert_ptr_eq(weir_ctx_loop(child), away.loop);
  ck_assert_ptr_eq(weir_ctx_loop(grandchild), away.loop);
  ck_assert_int_eq(weir_ctx_err(child), 0);
  ck_assert_int_eq(weir_ctx_cause(child), 0);
  probe_init(&yield, grandchild);
  weir_yield(&yield.op, probe_note);
  weir_run(loop);
  ck_not_completed(&yield);
  weir_run(away.loop);
  ck_completed(&yield, 0);
  weir_ctx_unref(grandchild);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  own_close(&away);
}
END_TEST

START_TEST(null_gives_null) {
  ck_assert_ptr_null(weir_ctx_on_loop(NULL, loop));
  ck_assert_ptr_null(weir_ctx_on_loop(bg, NULL));
  ck_assert_uint_eq(contexts_of(loop), 0);
}
END_TEST

START_TEST(same_loop_gives_an_ordinary_child) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_on_loop(ctx, loop);
  weir_chan_t *done = weir_ctx_done(child);

  ck_assert_ptr_eq(weir_ctx_loop(child), loop);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED); /* before cancel returns */
  ck_assert_int_eq(weir_ctx_cause(child), UV_EIO);
  ck_assert(weir_chan_closed(done));
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(cancelled_parent_gives_a_cancelled_child) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *late = weir_ctx_with_timeout(bg, 0), *child;
  weir_chan_t *full = weir_chan_new_shared(WEIR_TYPE(int), 1);
  probe_t recv;

  own_open(&away);
  put(full, 1);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  child = make_away(ctx);
  ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_cause(child), UV_EIO);
  recv_under(child, &recv, full, NULL);
  weir_run(away.loop);
  ck_completed(&recv, UV_ECANCELED);
  ck_assert_uint_eq(weir_chan_len(full), 1);
  weir_ctx_unref(child);
  child = make_away(late);
  ck_assert_int_eq(weir_ctx_err(child), UV_ETIMEDOUT);
  weir_ctx_unref(child);
  weir_ctx_unref(late);
  weir_ctx_unref(ctx);
  weir_chan_unref(full);
  own_close(&away);
}
END_TEST

START_TEST(on_loop_without_memory_gives_null_and_leaves_the_parent_alone) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = NULL;
  size_t granted = 0;

  own_open(&away);
  while (!child) {
    ck_assert_uint_lt(granted, 10);
    support_fail_after(granted++);
    child = weir_ctx_on_loop(ctx, away.loop);
    support_fail_after(SIZE_MAX);
    if (!child) ck_assert_uint_eq(contexts_of(away.loop), 0);
  }
  ck_assert_uint_gt(granted, 1);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  weir_ctx_cancel(ctx);
  await(child);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  own_close(&away);
}
END_TEST

/* what it has from its parent */

START_TEST(parents_cancellation_and_cause_arrive) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child, *grandchild;
  weir_chan_t *done;
  probe_t recv;

  own_open(&away);
  child = make_away(ctx);
  grandchild = weir_ctx_with_timeout(child, HOURS);
  done = weir_ctx_done(grandchild);
  recv_under(away.bg, &recv, done, NULL);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  await(grandchild);
  ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_cause(child), UV_EIO);
  ck_assert_int_eq(weir_ctx_cause(grandchild), UV_EIO);
  ck_assert(weir_chan_closed(done));
  run_until_called(&away.uv, &recv);
  ck_completed(&recv, UV_EOF);
  weir_ctx_unref(grandchild);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  own_close(&away);
}
END_TEST

START_TEST(parents_timeout_arrives) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5), *child;
  probe_t recv;

  own_open(&away);
  child = make_away(ctx);
  recv_under(child, &recv, NULL, NULL);
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ETIMEDOUT);
  run_until_called(&away.uv, &recv);
  ck_completed(&recv, UV_ETIMEDOUT);
  ck_assert_int_eq(weir_ctx_err(child), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_ctx_cause(child), UV_ETIMEDOUT);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  own_close(&away);
}
END_TEST

START_TEST(cancellation_completes_the_ops_under_it) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child;
  weir_chan_t *shared = weir_chan_new_shared(WEIR_TYPE(int), 0);
  weir_case_t cases[] = {WEIR_RECV(shared, NULL)};
  probe_t sleep, recv, select, wait, beside;

  own_open(&away);
  child = make_away(ctx);
  start_sleep(child, &sleep);
  recv_under(child, &recv, shared, NULL);
  probe_init(&select, child);
  weir_select(&select.op, cases, 1, probe_note);
  probe_init(&wait, away.bg);
  weir_ctx_wait(&wait.op, child, probe_note);
  recv_under(away.bg, &beside, NULL, NULL);
  weir_ctx_cancel(ctx);
  ck_assert_uint_eq(weir_run(away.loop), 1);
  ck_completed(&sleep, UV_ECANCELED);
  ck_completed(&recv, UV_ECANCELED);
  ck_completed(&select, UV_ECANCELED);
  ck_completed(&wait, 0);
  ck_not_completed(&beside);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  weir_chan_unref(shared);
  own_close(&away);
}
END_TEST

START_TEST(waiting_for_a_context_of_another_loop_gives_einval) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child;
  probe_t wait;

  own_open(&away);
  child = make_away(ctx);
  probe_init(&wait, child);
  ck_assert_int_eq(weir_ctx_wait(&wait.op, ctx, probe_note), UV_EINVAL);
  probe_init(&wait, ctx);
  ck_assert_int_eq(weir_ctx_wait(&wait.op, child, probe_note), UV_EINVAL);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  own_close(&away);
}
END_TEST

START_TEST(values_are_found_through_it) {
  static int one, two, three;
  weir_ctx_t *first = weir_ctx_with_value(bg, &one, "first", NULL);
  weir_ctx_t *second = weir_ctx_with_value(first, &two, "second", NULL), *child, *nearest;

  own_open(&away);
  child = make_away(second);
  nearest = weir_ctx_with_value(child, &two, "nearest", NULL);
  ck_assert_str_eq(weir_ctx_value(child, &one), "first");
  ck_assert_str_eq(weir_ctx_value(child, &two), "second");
  ck_assert_str_eq(weir_ctx_value(nearest, &one), "first");
  ck_assert_str_eq(weir_ctx_value(nearest, &two), "nearest");
  ck_assert_ptr_null(weir_ctx_value(nearest, &three));
  weir_ctx_unref(second);
  weir_ctx_unref(first);
  ck_assert_str_eq(weir_ctx_value(child, &one), "first"); /* a child holds its parent */
  weir_ctx_unref(nearest);
  weir_ctx_unref(child);
  own_close(&away);
}
END_TEST

START_TEST(deadline_is_the_parents_and_never_later) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, HOURS), *child, *later, *earlier;
  uint64_t parents = 0, when = 0;

  own_open(&away);
  child = make_away(ctx);
  later = weir_ctx_with_timeout(child, 2 * HOURS);
  earlier = weir_ctx_with_timeout(child, HOURS / 2);
  ck_assert(weir_ctx_deadline(ctx, &parents));
  ck_assert(weir_ctx_deadline(child, &when));
  ck_assert_uint_eq(when, parents);
  ck_assert(weir_ctx_deadline(later, &when));
  ck_assert_uint_eq(when, parents);
  ck_assert(weir_ctx_deadline(earlier, &when));
  ck_assert_uint_lt(when, parents);
  weir_ctx_cancel(ctx);
  await(earlier);
  ck_assert_int_eq(weir_ctx_err(later), UV_ECANCELED);
  weir_ctx_unref(earlier);
  weir_ctx_unref(later);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  own_close(&away);
}
END_TEST

START_TEST(without_cancel_of_it_keeps_the_values_only) {
  static int key;
  weir_ctx_t *ctx = weir_ctx_with_value(bg, &key, "value", NULL), *child, *free_of_it, *marker;

  own_open(&away);
  child = make_away(ctx);
  free_of_it = weir_ctx_without_cancel(child);
  marker = weir_ctx_with_cancel(child);
  ck_assert_ptr_eq(weir_ctx_loop(free_of_it), away.loop);
  weir_ctx_cancel(ctx);
  await(marker);
  ck_assert_int_eq(weir_ctx_err(free_of_it), 0);
  ck_assert_str_eq(weir_ctx_value(free_of_it, &key), "value");
  weir_ctx_unref(marker);
  weir_ctx_unref(free_of_it);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  own_close(&away);
}
END_TEST

/* what it does not do to its parent */

START_TEST(cancelling_it_leaves_its_parent_alone) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child, *sibling, *here;

  own_open(&away);
  child = make_away(ctx);
  sibling = make_away(ctx);
  here = weir_ctx_with_cancel(ctx);
  weir_ctx_cancel_cause(child, UV_EPROTO);
  ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED);
  weir_ctx_cancel_cause(sibling, 0);
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  ck_assert_int_eq(weir_ctx_err(here), 0);
  weir_ctx_unref(sibling);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  ck_assert_int_eq(weir_ctx_cause(here), UV_EIO);
  weir_run(away.loop);
  ck_assert_int_eq(weir_ctx_cause(child), UV_EPROTO);
  weir_ctx_unref(child);
  weir_ctx_unref(here);
  weir_ctx_unref(ctx);
  own_close(&away);
}
END_TEST

static int drops;

static void count_drop(void *value) {
  (void)value;
  drops++;
}

START_TEST(dropping_it_detaches_and_lets_go_of_its_parent) {
  static int key;
  weir_ctx_t *ctx = weir_ctx_with_value(bg, &key, &key, count_drop), *child, *other;

  own_open(&away);
  drops = 0;
  child = make_away(ctx);
  other = make_away(ctx);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  run_to_contexts(1, 1);
  ck_assert_int_eq(drops, 0);
  ck_assert_int_eq(weir_ctx_err(other), 0);
  weir_ctx_unref(other);
  run_to_contexts(0, 0);
  ck_assert_int_eq(drops, 1);
  own_close(&away);
}
END_TEST

START_TEST(dropped_child_is_not_looked_for_when_its_parent_is_cancelled) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child;

  own_open(&away);
  child = make_away(ctx);
  weir_ctx_unref(child);
  weir_ctx_cancel(ctx); /* before either loop has run */
  run_to_contexts(1, 0);
  weir_ctx_unref(ctx);
  own_close(&away);
}
END_TEST

START_TEST(parked_op_holds_it_and_its_parent) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child;
  probe_t recv;

  own_open(&away);
  child = make_away(ctx);
  recv_under(child, &recv, NULL, NULL);
  weir_ctx_unref(child);
  run_to_contexts(1, 1);
  weir_ctx_cancel(ctx);
  weir_ctx_unref(ctx);
  run_until_called(&away.uv, &recv);
  ck_completed(&recv, UV_ECANCELED);
  run_to_contexts(0, 0);
  own_close(&away);
}
END_TEST

/* chains from loop to loop */

START_TEST(chain_over_three_loops_and_back_is_cancelled) {
  weir_ctx_t *ctxs[4] = {weir_ctx_with_cancel(bg)};
  probe_t sleep;
  own_t third;

  own_open(&away);
  own_open(&third);
  ctxs[1] = weir_ctx_on_loop(ctxs[0], away.loop);
  ctxs[2] = weir_ctx_on_loop(ctxs[1], third.loop);
  ctxs[3] = weir_ctx_on_loop(ctxs[2], loop);
  start_sleep(ctxs[3], &sleep);
  weir_ctx_cancel_cause(ctxs[0], UV_EIO);
  for (int i = 1; i < 4; i++) await(ctxs[i]);
  for (int i = 0; i < 4; i++) {
    ck_assert_int_eq(weir_ctx_err(ctxs[i]), UV_ECANCELED);
    ck_assert_int_eq(weir_ctx_cause(ctxs[i]), UV_EIO);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&sleep, UV_ECANCELED);
  for (int i = 0; i < 4; i++) weir_ctx_unref(ctxs[i]);
  own_close(&third);
  own_close(&away);
}
END_TEST

/* Makes a chain that changes its loop with each context. */
enum { HOPS = 1000 };

static weir_ctx_t *hops[HOPS];

static void make_hops(void) {
  hops[0] = weir_ctx_with_cancel(bg);
  for (int i = 1; i < HOPS; i++) hops[i] = weir_ctx_on_loop(hops[i - 1], i % 2 ? away.loop : loop);
}

START_TEST(chain_of_a_thousand_hops_is_cancelled_and_freed) {
  own_open(&away);
  make_hops();
  weir_ctx_cancel(hops[0]);
  for (int i = 1; i < HOPS; i++) await(hops[i]);
  for (int i = 0; i < HOPS; i++) weir_ctx_unref(hops[i]);
  run_to_contexts(0, 0);
  own_close(&away);
}
END_TEST

START_TEST(chain_of_a_thousand_hops_is_freed_uncancelled_in_both_orders) {
  own_open(&away);
  make_hops();
  for (int i = 0; i < HOPS; i++) weir_ctx_unref(hops[i]);
  run_to_contexts(0, 0);
  make_hops();
  for (int i = HOPS; i-- > 0;) weir_ctx_unref(hops[i]);
  run_to_contexts(0, 0);
  own_close(&away);
}
END_TEST

/* closing */

START_TEST(closing_its_loop_cancels_it_and_not_its_parent) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child, *back;
  probe_t sleep;

  own_open(&away);
  child = make_away(ctx);
  back = weir_ctx_on_loop(child, loop);
  start_sleep(child, &sleep);
  own_close(&away);
  ck_completed(&sleep, UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED);
  await(back);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  weir_ctx_unref(back);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  ck_assert_int_eq(weir_ctx_cause(child), UV_ECANCELED);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(closing_the_parents_loop_cancels_it) {
  weir_ctx_t *child, *ctx;
  probe_t sleep, late;

  own_open(&away);
  ctx = weir_ctx_on_loop(away.bg, loop);
  child = weir_ctx_with_cancel(ctx);
  start_sleep(child, &sleep);
  own_close(&away);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&sleep, UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  start_sleep(ctx, &late);
  weir_run(loop);
  ck_completed(&late, UV_ECANCELED);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(both_loops_may_close_with_the_news_under_way) {
  for (int order = 0; order < 2; order++) {
    own_t here, *first = order ? &here : &away, *second = order ? &away : &here;
    weir_ctx_t *ctx, *child;
    probe_t sleep;

    own_open(&away);
    own_open(&here);
    ctx = weir_ctx_with_cancel(here.bg);
    child = make_away(ctx);
    start_sleep(child, &sleep);
    weir_ctx_cancel(ctx);
    own_close(first);
    own_close(second);
    ck_completed(&sleep, UV_ECANCELED);
    ck_assert_int_eq(weir_ctx_err(child), UV_ECANCELED);
    weir_ctx_unref(ctx);
    weir_ctx_unref(child);
  }
}
END_TEST

START_TEST(closed_loops_may_be_left_in_any_order_of_references) {
  for (int order = 0; order < 4; order++) {
    weir_ctx_t *ctx, *child;
    own_t here;

    own_open(&away);
    own_open(&here);
    ctx = weir_ctx_with_cancel(here.bg);
    child = make_away(ctx);
    if (order & 1) weir_ctx_unref(ctx);
    own_close(order & 2 ? &here : &away);
    weir_ctx_unref(child);
    own_close(order & 2 ? &away : &here);
    if (!(order & 1)) weir_ctx_unref(ctx);
  }
}
END_TEST

static const support_test_t tests[] = {
    T(child_lives_on_the_loop_it_was_made_for),
    T(null_gives_null),
    T(same_loop_gives_an_ordinary_child),
    T(cancelled_parent_gives_a_cancelled_child),
    T(on_loop_without_memory_gives_null_and_leaves_the_parent_alone),
    T(parents_cancellation_and_cause_arrive),
    T(parents_timeout_arrives),
    T(cancellation_completes_the_ops_under_it),
    T(waiting_for_a_context_of_another_loop_gives_einval),
    T(values_are_found_through_it),
    T(deadline_is_the_parents_and_never_later),
    T(without_cancel_of_it_keeps_the_values_only),
    T(cancelling_it_leaves_its_parent_alone),
    T(dropping_it_detaches_and_lets_go_of_its_parent),
    T(dropped_child_is_not_looked_for_when_its_parent_is_cancelled),
    T(parked_op_holds_it_and_its_parent),
    T(chain_over_three_loops_and_back_is_cancelled),
    T(chain_of_a_thousand_hops_is_cancelled_and_freed),
    T(chain_of_a_thousand_hops_is_freed_uncancelled_in_both_orders),
    T(closing_its_loop_cancels_it_and_not_its_parent),
    T(closing_the_parents_loop_cancels_it),
    T(both_loops_may_close_with_the_news_under_way),
    T(closed_loops_may_be_left_in_any_order_of_references),
};

SUITE_MAIN("on_loop", tests)
