/*
 * Description: references to contexts that other threads take and give back, before and after their
 * loop has closed, and while others cancel; and several who cancel at once.
 */
#include <stdatomic.h>

#include "random.h"
#include "support/elsewhere.h"
#include "support/values.h"

enum { HOURS = 7200000 };

static int key;

static void unref(void *ctx) {
  weir_ctx_unref(ctx);
}

static void cancel(void *ctx) {
  weir_ctx_cancel(ctx);
}

static void cancel_and_unref(void *ctx) {
  weir_ctx_cancel_cause(ctx, UV_EIO);
  weir_ctx_unref(ctx);
}

static bool all_freed(void *arg) {
  weir_stats_t stats;

  (void)arg;
  weir_stats(loop, &stats);
  return stats.contexts == 0;
}

/* A value that notes who drops it. */

static atomic_int drops;
static uv_thread_t dropper;

static void note_drop(void *value) {
  ensure(value == &key);
  dropper = uv_thread_self();
  drops++;
}

static weir_ctx_t *with_noted(weir_ctx_t *parent) {
  drops = 0;
  return weir_ctx_with_value(parent, &key, &key, note_drop);
}

static bool was_dropped(void *arg) {
  (void)arg;
  return drops > 0;
}

static void ck_dropped_once_here(void) {
  uv_thread_t self = uv_thread_self();

  ck_assert_int_eq(drops, 1);
  ck_assert(uv_thread_equal(&dropper, &self));
}

/* the last one */

START_TEST(last_unref_elsewhere_frees_on_the_loop) {
  weir_ctx_t *ctx = with_noted(bg), *child = weir_ctx_with_cancel(ctx);
  other_t other;

  elsewhere(unref, ctx);
  ck_assert_int_eq(drops, 0); /* the child holds it */
  other_start(&other, unref, child);
  other_go_when_asleep(&other, uv);
  run_until(uv, was_dropped, NULL);
  other_join(&other);
  ck_dropped_once_here();
  run_until(uv, all_freed, NULL);
}
END_TEST

START_TEST(last_unref_elsewhere_detaches_and_does_not_cancel) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(ctx);
  weir_chan_t *done = weir_chan_ref(weir_ctx_done(child)), *ch = new_ints(0);
  int received = UNTOUCHED;
  probe_t recv, sleep;

  recv_under(child, &recv, ch, &received); /* holds it */
  elsewhere(unref, child);
  elsewhere(unref, ctx);
  probe_init(&sleep, bg);
  weir_sleep(&sleep.op, 1, probe_note);
  weir_run(loop); /* it hears of it, being alive */
  ck_not_completed(&recv);
  put(ch, 3);
  run_until(uv, all_freed, NULL);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 3);
  ck_assert(!weir_chan_closed(done));
  weir_chan_unref(done);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(last_unref_elsewhere_stops_the_deadline) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, HOURS);
  other_t other;

  other_start(&other, unref, ctx);
  other_go_when_asleep(&other, uv);
  weir_run(loop); /* for two hours, otherwise */
  other_join(&other);
  ck_assert(all_freed(NULL));
}
END_TEST

START_TEST(last_unref_elsewhere_lets_go_of_the_channel_that_was_watched) {
  weir_chan_t *local = new_owned(1), *shared;
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, local);

  shared = weir_chan_new_shared(WEIR_TYPE_OWNED(int, owned_drop, NULL), 1);
  put(local, 1);
  put(shared, 2);
  weir_chan_unref(local);
  elsewhere(unref, ctx);
  ctx = weir_ctx_with_chan(bg, shared);
  weir_chan_unref(shared);
  elsewhere(unref, ctx);
  run_until(uv, all_freed, NULL);
  ck_assert_int_eq(owned_dropped[1], 1);
  ck_assert_int_eq(owned_dropped[2], 1);
}
END_TEST

START_TEST(cancellation_by_who_drops_the_last_reference_still_arrives) {
  weir_ctx_t *ctx = with_noted(bg), *child = weir_ctx_with_cancel(ctx);
  probe_t under, under_child;

  recv_under(ctx, &under, NULL, NULL);
  recv_under(child, &under_child, NULL, NULL);
  weir_ctx_unref(child);
  elsewhere(cancel_and_unref, ctx);
  run_until(uv, all_freed, NULL);
  ck_completed(&under, UV_ECANCELED);
  ck_completed(&under_child, UV_ECANCELED);
  ck_dropped_once_here();
}
END_TEST

START_TEST(cancellation_reaches_a_child_whose_parent_is_dropped) {
  weir_ctx_t *ctx = with_noted(bg), *child = weir_ctx_with_cancel(ctx);

  elsewhere(cancel_and_unref, ctx);
  run_until_done(uv, child);
  ck_assert_int_eq(weir_ctx_cause(child), UV_EIO);
  ck_assert_int_eq(drops, 0);
  elsewhere(unref, child);
  run_until(uv, all_freed, NULL);
  ck_dropped_once_here();
}
END_TEST

/* Closing takes what was posted and nobody has looked at. */
START_TEST(close_takes_what_was_dropped_elsewhere) {
  weir_ctx_t *ctx, *other;
  own_t own;

  own_open(&own);
  ctx = with_noted(own.bg);
  other = weir_ctx_with_cancel(own.bg);
  elsewhere(cancel_and_unref, other);
  elsewhere(unref, ctx);
  own_close(&own);
  ck_assert_int_eq(drops, 1);
}
END_TEST

/* after the loop has closed */

static void use_after_close(void *arg) {
  weir_ctx_t *ctx = arg;

  weir_ctx_cancel_cause(ctx, UV_EIO);
  ensure_eq(weir_ctx_err(ctx), UV_ECANCELED);
  ensure_eq(weir_ctx_cause(ctx), UV_ECANCELED);
  ensure(weir_ctx_value(ctx, &key) == &key);
  ensure(weir_ctx_deadline(ctx, NULL));
  weir_ctx_unref(weir_ctx_ref(ctx));
  weir_ctx_unref(ctx);
}

START_TEST(context_may_be_used_and_dropped_elsewhere_after_its_loop_has_closed) {
  weir_ctx_t *ctx, *child;
  own_t own;

  own_open(&own);
  ctx = with_noted(own.bg);
  child = weir_ctx_with_timeout(ctx, HOURS);
  weir_ctx_unref(ctx);
  own_close(&own);
  ck_assert_int_eq(drops, 0);
  elsewhere(use_after_close, child);
  ck_assert_int_eq(drops, 1); /* no loop is left to wait for */
}
END_TEST

/* chains: recursion would overflow the stack */

enum { LONG = 100000 };

static weir_ctx_t *chain[LONG];

static void make_chain(void) {
  chain[0] = weir_ctx_with_cancel(bg);
  for (int i = 1; i < LONG; i++) chain[i] = weir_ctx_with_cancel(chain[i - 1]);
  ck_assert_ptr_nonnull(chain[LONG - 1]);
}

static void unref_parents_first(void *arg) {
  (void)arg;
  for (int i = 0; i < LONG; i++) weir_ctx_unref(chain[i]);
}

static void unref_children_first(void *arg) {
  (void)arg;
  for (int i = LONG; i-- > 0;) weir_ctx_unref(chain[i]);
}

START_TEST(long_chain_is_dropped_elsewhere_in_both_orders) {
  make_chain();
  elsewhere(unref_parents_first, NULL);
  run_until(uv, all_freed, NULL);
  make_chain();
  elsewhere(unref_children_first, NULL);
  run_until(uv, all_freed, NULL);
}
END_TEST

START_TEST(long_chain_is_cancelled_elsewhere) {
  make_chain();
  elsewhere(cancel, chain[0]);
  run_until_done(uv, chain[LONG - 1]);
  for (int i = 0; i < LONG; i++) ensure_eq(weir_ctx_err(chain[i]), UV_ECANCELED);
  unref_parents_first(NULL);
  ck_assert(all_freed(NULL));
}
END_TEST

/* several at once, round after round */

enum { RIVALS = 3, ROUNDS = 300 };

static const int causes[RIVALS] = {UV_EIO, UV_EPROTO, UV_ENOENT};

typedef struct verdict_s {
  int err, cause;
} verdict_t;

typedef struct rival_s {
  uv_thread_t id;
  int number;
  verdict_t seen;
} rival_t;

static struct {
  uv_barrier_t barrier;
  weir_ctx_t *ctx;
  rival_t rivals[RIVALS];
  void (*act)(rival_t *rival);
} race;

static void rival_main(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    uv_barrier_wait(&race.barrier);
    race.act(arg);
    uv_barrier_wait(&race.barrier);
  }
}

static void race_start(void (*act)(rival_t *rival)) {
  race.act = act;
  ensure_eq(uv_barrier_init(&race.barrier, RIVALS + 1), 0);
  for (int i = 0; i < RIVALS; i++) {
    race.rivals[i].number = i;
    ensure_eq(uv_thread_create(&race.rivals[i].id, rival_main, &race.rivals[i]), 0);
  }
}

static void race_join(void) {
  for (int i = 0; i < RIVALS; i++) uv_thread_join(&race.rivals[i].id);
  uv_barrier_destroy(&race.barrier);
}

static verdict_t verdict(const weir_ctx_t *ctx) {
  int err = weir_ctx_err(ctx);

  return (verdict_t){.err = err, .cause = weir_ctx_cause(ctx)};
}

static bool fits(verdict_t seen) {
  if (seen.err == UV_ETIMEDOUT) return seen.cause == UV_ETIMEDOUT;
  for (int i = 0; i < RIVALS; i++)
    if (seen.err == UV_ECANCELED && seen.cause == causes[i]) return true;
  return false;
}

static void ck_all_saw(verdict_t wanted) {
  ensure(fits(wanted));
  for (int i = 0; i < RIVALS; i++) {
    ensure_eq(race.rivals[i].seen.err, wanted.err);
    ensure_eq(race.rivals[i].seen.cause, wanted.cause);
  }
}

static void cancel_and_note(rival_t *rival) {
  weir_ctx_cancel_cause(race.ctx, causes[rival->number]);
  rival->seen = verdict(race.ctx);
}

START_TEST(first_of_several_cancellations_wins_for_all) {
  race_start(cancel_and_note);
  for (int i = 0; i < ROUNDS; i++) {
    weir_ctx_t *child;
    probe_t recv;

    race.ctx = weir_ctx_with_cancel(bg);
    child = weir_ctx_with_cancel(race.ctx);
    recv_under(child, &recv, NULL, NULL);
    uv_barrier_wait(&race.barrier);
    run_until_called(uv, &recv);
    uv_barrier_wait(&race.barrier);
    ck_all_saw(verdict(race.ctx));
    ck_all_saw(verdict(child));
    weir_ctx_unref(child);
    weir_ctx_unref(race.ctx);
  }
  race_join();
}
END_TEST

/* The deadline takes part, on the loop, at about the same time. */
START_TEST(deadline_and_cancellations_agree_on_the_first) {
  weir__random_t random = {.state = 1};

  race_start(cancel_and_note);
  for (int i = 0; i < ROUNDS; i++) {
    uint64_t end = uv_hrtime() + 900000 + weir__random_below(&random, 200000);
    probe_t wait;

    race.ctx = weir_ctx_with_timeout(bg, 1);
    probe_init(&wait, bg);
    weir_ctx_wait(&wait.op, race.ctx, probe_note);
    while (uv_hrtime() < end) continue;
    uv_barrier_wait(&race.barrier);
    run_until_called(uv, &wait);
    uv_barrier_wait(&race.barrier);
    ck_all_saw(verdict(race.ctx));
    weir_ctx_unref(race.ctx);
  }
  race_join();
}
END_TEST

/* Each has a reference: one cancels before it drops it, one only drops, one holds
 * another's while. */
static void cancel_or_drop(rival_t *rival) {
  if (rival->number == 0) weir_ctx_cancel(race.ctx);
  if (rival->number == 1) weir_ctx_unref(weir_ctx_ref(race.ctx));
  weir_ctx_unref(race.ctx);
}

START_TEST(unref_races_with_cancel) {
  race_start(cancel_or_drop);
  for (int i = 0; i < ROUNDS; i++) {
    probe_t recv;

    race.ctx = with_noted(bg);
    recv_under(race.ctx, &recv, NULL, NULL);
    weir_ctx_ref(race.ctx);
    weir_ctx_ref(race.ctx);
    uv_barrier_wait(&race.barrier);
    if (i % 2) run_until_called(uv, &recv);
    uv_barrier_wait(&race.barrier);
    run_until(uv, was_dropped, NULL);
    ck_dropped_once_here();
    ck_completed(&recv, UV_ECANCELED);
  }
  race_join();
}
END_TEST

/* All hold it, and the last one to let go is any of them, or this thread. */
static void ref_and_unref(rival_t *rival) {
  (void)rival;
  for (int i = 0; i < 20; i++) {
    weir_ctx_ref(race.ctx);
    ensure(weir_ctx_value(race.ctx, &key) == &key);
    weir_ctx_unref(race.ctx);
  }
  weir_ctx_unref(race.ctx);
}

START_TEST(references_are_counted_from_all_threads) {
  race_start(ref_and_unref);
  for (int i = 0; i < ROUNDS; i++) {
    race.ctx = with_noted(bg);
    for (int r = 0; r < RIVALS; r++) weir_ctx_ref(race.ctx);
    uv_barrier_wait(&race.barrier);
    weir_ctx_unref(race.ctx);
    run_until(uv, was_dropped, NULL);
    uv_barrier_wait(&race.barrier);
    ck_dropped_once_here();
  }
  race_join();
}
END_TEST

/* Asks while the loop makes, cancels and drops what is around it. */
static void ask_all(rival_t *rival) {
  uint64_t when = 0;
  verdict_t seen = {0};

  do {
    int cause = weir_ctx_cause(race.ctx);
    seen = verdict(race.ctx);
    ensure(cause == 0 || cause == seen.cause);
    ensure(seen.err == 0 || fits(seen));
    ensure(weir_ctx_value(race.ctx, &key) == &key);
    ensure(weir_ctx_deadline(race.ctx, &when) && when > 0);
    if (rival->number == 0) weir_ctx_cancel_cause(race.ctx, UV_EIO);
  } while (seen.err == 0);
}

START_TEST(asking_races_with_what_the_loop_does) {
  race_start(ask_all);
  for (int i = 0; i < ROUNDS; i++) {
    weir_ctx_t *valued = weir_ctx_with_value(bg, &key, &key, NULL);
    weir_ctx_t *root = weir_ctx_with_timeout(valued, HOURS), *sibling, *child;

    race.ctx = weir_ctx_with_cancel(root);
    uv_barrier_wait(&race.barrier);
    sibling = weir_ctx_with_cancel(root);
    child = weir_ctx_with_value(race.ctx, &drops, &drops, NULL);
    weir_ctx_unref(valued);
    weir_ctx_unref(sibling);
    weir_ctx_cancel_cause(root, UV_EPROTO);
    run_until_done(uv, race.ctx);
    uv_barrier_wait(&race.barrier);
    weir_ctx_unref(child);
    weir_ctx_unref(race.ctx);
    weir_ctx_unref(root);
  }
  race_join();
}
END_TEST

/* A context that only a wait holds, which a cancellation takes back. */

static weir_ctx_t *outer, *inner;
static int inner_err;

static void cancel_outer(void *value) {
  (void)value;
  drops++;
  weir_ctx_cancel(outer);
  inner_err = weir_ctx_err(inner);
}

START_TEST(what_a_wait_held_goes_when_no_cancellation_is_under_way) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, 0);
  weir_ctx_t *waiting = weir_ctx_with_chan(bg, ch);
  weir_ctx_t *target = weir_ctx_with_value(bg, &key, &key, cancel_outer);
  weir_op_t op;

  drops = 0;
  outer = weir_ctx_with_cancel(bg);
  inner = weir_ctx_with_cancel(outer);
  weir_op_init(&op, waiting);
  ck_assert_int_eq(weir_ctx_wait(&op, target, NULL), 0);
  weir_ctx_unref(target);
  weir_chan_close(ch);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(weir_op_status(&op), UV_ECANCELED);
  ck_assert_int_eq(drops, 1);
  ck_assert_int_eq(inner_err, UV_ECANCELED);
  weir_ctx_unref(inner);
  weir_ctx_unref(outer);
  weir_ctx_unref(waiting);
  weir_chan_unref(ch);
}
END_TEST

static const support_test_t tests[] = {
    T(last_unref_elsewhere_frees_on_the_loop),
    T(last_unref_elsewhere_detaches_and_does_not_cancel),
    T(last_unref_elsewhere_stops_the_deadline),
    T(last_unref_elsewhere_lets_go_of_the_channel_that_was_watched),
    T(cancellation_by_who_drops_the_last_reference_still_arrives),
    T(cancellation_reaches_a_child_whose_parent_is_dropped),
    T(close_takes_what_was_dropped_elsewhere),
    T(context_may_be_used_and_dropped_elsewhere_after_its_loop_has_closed),
    T(long_chain_is_dropped_elsewhere_in_both_orders),
    T(long_chain_is_cancelled_elsewhere),
    T(first_of_several_cancellations_wins_for_all),
    T(deadline_and_cancellations_agree_on_the_first),
    T(unref_races_with_cancel),
    T(references_are_counted_from_all_threads),
    T(asking_races_with_what_the_loop_does),
    T(what_a_wait_held_goes_when_no_cancellation_is_under_way),
};

SUITE_MAIN("ctx_refs", tests)
