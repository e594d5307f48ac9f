/*
 * Description: contexts on the loops of other threads, made on either side and handed over; and
 * contexts of shared channels that other threads close.
 */
#include <stdlib.h>

#include "random.h"
#include "support/elsewhere.h"
#include "support/values.h"

enum { HOURS = 7200000, ROUNDS = 200 };

static int key;

static bool is_empty(void *of) {
  weir_stats_t stats;

  weir_stats(of, &stats);
  return stats.contexts == 0;
}

/* made on the parent's thread, handed over */

static struct {
  weir_ctx_t *ctx, *back;
  uv_sem_t ready, go;
} handed;

static void sleep_under_handed(support_thread_t *thread, void *arg) {
  weir_op_t sleep;

  (void)arg;
  uv_sem_wait(&handed.go);
  ensure(weir_ctx_loop(handed.ctx) == thread->loop);
  ensure(weir_ctx_value(handed.ctx, &key) == &key);
  weir_op_init(&sleep, handed.ctx);
  ensure_eq(weir_sleep(&sleep, HOURS, NULL), 0);
  uv_sem_post(&handed.ready);
  ensure_eq(weir_run(thread->loop), 0);
  ensure_eq(weir_op_status(&sleep), UV_ECANCELED);
  ensure_eq(weir_ctx_cause(handed.ctx), UV_EIO);
  weir_ctx_unref(handed.ctx);
}

static void handed_open(void) {
  uv_sem_init(&handed.ready, 0);
  uv_sem_init(&handed.go, 0);
}

static void handed_close(void) {
  uv_sem_destroy(&handed.ready);
  uv_sem_destroy(&handed.go);
}

START_TEST(child_made_here_is_handed_over) {
  weir_ctx_t *ctx = weir_ctx_with_value(bg, &key, &key, NULL);
  support_thread_t thread;

  handed_open();
  support_thread_start(&thread, sleep_under_handed, NULL);
  handed.ctx = weir_ctx_on_loop(ctx, thread.loop);
  uv_sem_post(&handed.go);
  uv_sem_wait(&handed.ready);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  weir_ctx_unref(ctx);
  support_thread_join(&thread);
  handed_close();
  run_until(uv, is_empty, loop);
}
END_TEST

/* It also is cancelled before the other thread has seen it. */
START_TEST(child_made_here_may_be_cancelled_before_it_is_used) {
  weir_ctx_t *ctx = weir_ctx_with_value(bg, &key, &key, NULL);
  support_thread_t thread;

  handed_open();
  support_thread_start(&thread, sleep_under_handed, NULL);
  handed.ctx = weir_ctx_on_loop(ctx, thread.loop);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  weir_ctx_unref(ctx);
  uv_sem_post(&handed.go);
  support_thread_join(&thread);
  handed_close();
  run_until(uv, is_empty, loop);
}
END_TEST

/* made on the child's thread */

static void cancel_parent(void *ctx) {
  weir_ctx_cancel_cause(ctx, UV_EIO);
}

static void make_there(support_thread_t *thread, void *arg) {
  handed.ctx = weir_ctx_on_loop(arg, thread->loop);
  uv_sem_post(&handed.go);
  sleep_under_handed(thread, NULL);
}

START_TEST(child_is_made_on_its_own_thread) {
  weir_ctx_t *ctx = weir_ctx_with_value(bg, &key, &key, NULL);
  support_thread_t thread;

  handed_open();
  support_thread_start(&thread, make_there, ctx);
  uv_sem_wait(&handed.ready);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  weir_ctx_unref(ctx);
  support_thread_join(&thread);
  handed_close();
  run_until(uv, is_empty, loop);
}
END_TEST

/* The parent's loop runs while it is made there; the news come from a third thread. */
START_TEST(cancellation_passes_from_a_third_thread_through_the_parents_loop) {
  weir_ctx_t *root = weir_ctx_with_cancel(bg);
  weir_ctx_t *ctx = weir_ctx_with_value(root, &key, &key, NULL);
  support_thread_t thread;
  other_t other;

  handed_open();
  support_thread_start(&thread, make_there, ctx);
  uv_sem_wait(&handed.ready);
  other_start(&other, cancel_parent, root);
  other_go_when_asleep(&other, uv);
  run_until_done(uv, ctx);
  other_join(&other);
  support_thread_join(&thread);
  handed_close();
  weir_ctx_unref(ctx);
  weir_ctx_unref(root);
  run_until(uv, is_empty, loop);
}
END_TEST

/* deadlines and back: this loop's timeout goes to the other's loop and returns under it */

static void return_it(support_thread_t *thread, void *arg) {
  weir_ctx_t *ctx = weir_ctx_on_loop(arg, thread->loop);
  weir_op_t sleep;

  handed.back = weir_ctx_on_loop(ctx, loop);
  weir_op_init(&sleep, ctx);
  ensure_eq(weir_sleep(&sleep, HOURS, NULL), 0);
  uv_sem_post(&handed.ready);
  ensure_eq(weir_run(thread->loop), 0);
  ensure_eq(weir_op_status(&sleep), UV_ETIMEDOUT);
  weir_ctx_unref(ctx);
}

START_TEST(timeout_goes_to_the_other_loop_and_comes_back) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5);
  support_thread_t thread;
  probe_t sleep;

  handed_open();
  support_thread_start(&thread, return_it, ctx);
  uv_sem_wait(&handed.ready);
  probe_init(&sleep, handed.back);
  ck_assert_int_eq(weir_sleep(&sleep.op, HOURS, probe_note), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&sleep, UV_ETIMEDOUT);
  weir_ctx_unref(handed.back);
  weir_ctx_unref(ctx);
  support_thread_join(&thread);
  handed_close();
}
END_TEST

/* races, round after round: one thread makes and uses, or drops, while this one cancels,
 * or drops */

static struct {
  uv_barrier_t barrier;
  weir_ctx_t *ctx;
  unsigned what;
} race;

enum { CANCELS = 1, DROPS_EARLY = 2, RUNS = 4 };

static void use_child(support_thread_t *thread) {
  weir_ctx_t *child = weir_ctx_on_loop(race.ctx, thread->loop);
  weir_ctx_t *grandchild = weir_ctx_with_cancel(child);
  weir_op_t sleep;

  weir_ctx_unref(race.ctx);
  weir_op_init(&sleep, grandchild);
  ensure_eq(weir_sleep(&sleep, HOURS, NULL), 0);
  if (race.what & DROPS_EARLY) weir_ctx_unref(child);
  if (!(race.what & CANCELS)) weir_op_cancel(&sleep);
  ensure_eq(weir_run(thread->loop), 0);
  ensure_eq(weir_op_status(&sleep), UV_ECANCELED);
  if (race.what & CANCELS) ensure_eq(weir_ctx_err(grandchild), UV_ECANCELED);
  weir_ctx_unref(grandchild);
  if (!(race.what & DROPS_EARLY)) weir_ctx_unref(child);
}

static void use_children(support_thread_t *thread, void *arg) {
  (void)arg;
  for (int i = 0; i < ROUNDS; i++) {
    uv_barrier_wait(&race.barrier);
    use_child(thread);
    uv_barrier_wait(&race.barrier);
  }
}

static void spin(unsigned turns) {
  for (volatile unsigned i = 0; i < turns; i++) continue;
}

static void race_round(weir__random_t *random) {
  race.ctx = weir_ctx_with_cancel(bg);
  race.what = weir__random_below(random, 8);
  weir_ctx_ref(race.ctx); /* the thread's */
  uv_barrier_wait(&race.barrier);
  spin(weir__random_below(random, 3000));
  if (race.what & CANCELS) weir_ctx_cancel(race.ctx);
  if (race.what & RUNS) uv_run(uv, UV_RUN_NOWAIT);
  weir_ctx_unref(race.ctx);
  uv_barrier_wait(&race.barrier);
}

START_TEST(making_and_dropping_races_with_cancelling_and_dropping) {
  weir__random_t random = {.state = 1};
  support_thread_t thread;
  uv_async_t hold; /* keeps the loop alive, so that it hears of things between the rounds */

  uv_async_init(uv, &hold, NULL);
  uv_barrier_init(&race.barrier, 2);
  support_thread_start(&thread, use_children, NULL);
  for (int i = 0; i < ROUNDS; i++) race_round(&random);
  support_thread_join(&thread);
  uv_barrier_destroy(&race.barrier);
  uv_close((uv_handle_t *)&hold, NULL);
  run_until(uv, is_empty, loop);
}
END_TEST

/* One loop closes while the other cancels, makes and drops what crosses over to it. */

static void close_in_the_middle(support_thread_t *thread, void *arg) {
  (void)thread; /* which closes it when this returns */
  (void)arg;
  uv_barrier_wait(&race.barrier);
}

enum { CROSSING = 20, CLOSINGS = 40 };

static void cross_to(weir_loop_t *of, weir_ctx_t **parents, weir_ctx_t **children) {
  for (int i = 0; i < CROSSING; i++) {
    parents[i] = weir_ctx_with_timeout(bg, HOURS);
    children[i] = weir_ctx_on_loop(parents[i], of);
  }
}

static void leave_closing(weir_ctx_t **parents, weir_ctx_t **children) {
  for (int i = 0; i < CROSSING; i++) {
    if (i % 3 == 0) weir_ctx_cancel(parents[i]);
    if (i % 3 == 1) weir_ctx_cancel(children[i]);
    weir_ctx_unref(i % 2 ? parents[i] : children[i]);
    weir_ctx_unref(i % 2 ? children[i] : parents[i]);
  }
}

START_TEST(childs_loop_closes_while_its_contexts_are_cancelled_and_dropped) {
  weir__random_t random = {.state = 1};

  uv_barrier_init(&race.barrier, 2);
  for (int i = 0; i < CLOSINGS; i++) {
    weir_ctx_t *parents[CROSSING], *children[CROSSING];
    support_thread_t thread;

    support_thread_start(&thread, close_in_the_middle, NULL);
    cross_to(thread.loop, parents, children);
    uv_barrier_wait(&race.barrier);
    spin(weir__random_below(&random, 20000));
    leave_closing(parents, children);
    support_thread_join(&thread);
    run_until(uv, is_empty, loop);
  }
  uv_barrier_destroy(&race.barrier);
}
END_TEST

/* The parent's loop is the one that closes, while children are made, used and dropped here. */
static void leave_parents(support_thread_t *thread, void *arg) {
  weir_ctx_t **parents = arg;

  for (int i = 0; i < CROSSING; i++) parents[i] = weir_ctx_with_timeout(thread->bg, HOURS);
  uv_barrier_wait(&race.barrier);
}

static void use_parents(weir_ctx_t **parents) {
  probe_t sleeps[CROSSING];

  for (int i = 0; i < CROSSING; i++) {
    weir_ctx_t *child = weir_ctx_on_loop(parents[i], loop);
    probe_init(&sleeps[i], child);
    ck_assert_int_eq(weir_sleep(&sleeps[i].op, HOURS, probe_note), 0);
    weir_ctx_unref(child);
    if (i % 3 == 0) weir_ctx_cancel(parents[i]);
    weir_ctx_unref(parents[i]);
  }
  ck_assert_uint_eq(weir_run(loop), 0); /* the close cancels those that this has not */
  for (int i = 0; i < CROSSING; i++) ck_completed(&sleeps[i], UV_ECANCELED);
}

START_TEST(parents_loop_closes_while_its_children_are_made_and_dropped) {
  weir__random_t random = {.state = 1};

  uv_barrier_init(&race.barrier, 2);
  for (int i = 0; i < CLOSINGS; i++) {
    weir_ctx_t *parents[CROSSING];
    support_thread_t thread;

    support_thread_start(&thread, leave_parents, parents);
    uv_barrier_wait(&race.barrier);
    spin(weir__random_below(&random, 20000));
    use_parents(parents);
    support_thread_join(&thread);
    ck_assert(is_empty(loop));
  }
  uv_barrier_destroy(&race.barrier);
}
END_TEST

/* handed over through a channel, to a loop that runs */

enum { HANDED = 500 };

typedef struct job_s {
  weir_op_t op;
  int *completed;
} job_t;

static void on_job(weir_op_t *op, int status) {
  ensure_eq(status, UV_ECANCELED);
  ++*((job_t *)op)->completed;
  free(op);
}

static void start_job(weir_range_t *range, const void *value, int status) {
  weir_ctx_t *ctx = value ? *(weir_ctx_t *const *)value : NULL;
  job_t *job;

  ensure_eq(status, value ? 0 : UV_EOF);
  if (!ctx) return;
  job = malloc(sizeof(*job));
  job->completed = range->data;
  weir_op_init(&job->op, ctx);
  ensure_eq(weir_sleep(&job->op, HOURS, on_job), 0);
  weir_ctx_unref(ctx);
}

static void run_jobs(support_thread_t *thread, void *arg) {
  weir_range_t range;
  int completed = 0;

  weir_range_init(&range, thread->bg);
  range.data = &completed;
  ensure_eq(weir_range_start(&range, arg, start_job), 0);
  ensure_eq(weir_run(thread->loop), 0);
  ensure_eq(completed, HANDED);
}

static void cancel_and_unref(weir_ctx_t *ctx) {
  weir_ctx_cancel(ctx);
  weir_ctx_unref(ctx);
}

START_TEST(children_are_handed_to_a_running_loop_by_a_channel) {
  weir_chan_t *jobs = weir_chan_new_shared(WEIR_TYPE(weir_ctx_t *), 4);
  support_thread_t thread;

  support_thread_start(&thread, run_jobs, jobs);
  for (int i = 0; i < HANDED; i++) {
    weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_on_loop(ctx, thread.loop);
    if (i % 3 == 0) weir_ctx_cancel(ctx);
    if (i % 3 == 1) weir_ctx_ref(child);
    ensure_eq(weir_chan_send_blocking(jobs, &child, UINT64_MAX), 0);
    if (i % 3 == 1) cancel_and_unref(child);
    cancel_and_unref(ctx);
  }
  weir_chan_close(jobs);
  support_thread_join(&thread);
  run_until(uv, is_empty, loop);
  weir_chan_unref(jobs);
}
END_TEST

/* contexts of shared channels */

static void close_chan(void *ch) {
  ensure_eq(weir_chan_close_with(ch, UV_EIO), 0);
}

START_TEST(closing_elsewhere_cancels_the_context_of_a_channel) {
  weir_chan_t *done = weir_chan_new_shared(NULL, 0);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, done), *child = weir_ctx_with_cancel(ctx);
  probe_t recv;
  other_t other;

  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  recv_under(child, &recv, NULL, NULL);
  other_start(&other, close_chan, done);
  other_go_when_asleep(&other, uv);
  run_until_called(uv, &recv);
  other_join(&other);
  ck_completed(&recv, UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
  weir_chan_unref(done);
}
END_TEST

START_TEST(closing_here_cancels_the_context_of_a_shared_channel) {
  weir_chan_t *done = weir_chan_new_shared(NULL, 0);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, done);

  weir_chan_close(done);
  run_until_done(uv, ctx);
  ck_assert_int_eq(weir_ctx_cause(ctx), UV_ECANCELED);
  weir_ctx_unref(ctx);
  weir_chan_unref(done);
}
END_TEST

START_TEST(context_of_a_closed_shared_channel_is_cancelled_from_the_start) {
  weir_chan_t *done = weir_chan_new_shared(WEIR_TYPE(int), 1);
  weir_ctx_t *ctx;

  put(done, 1);
  elsewhere(close_chan, done);
  ctx = weir_ctx_with_chan(bg, done);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  weir_ctx_unref(ctx);
  weir_chan_unref(done);
}
END_TEST

static void send_and_take(void *ch) {
  int value = 1;

  ensure_eq(weir_chan_try_send(ch, &value), 0);
  ensure_eq(weir_chan_try_recv(ch, &value), 0);
  ensure_eq(weir_chan_try_send(ch, &value), 0);
}

/* Nor does it keep the loop alive, or count. */
START_TEST(context_of_a_shared_channel_does_not_react_to_values) {
  weir_chan_t *done = weir_chan_new_shared(WEIR_TYPE(int), 1);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, done);

  elsewhere(send_and_take, done);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  ck_assert_uint_eq(weir_chan_len(done), 1);
  weir_ctx_unref(ctx);
  weir_chan_unref(done);
}
END_TEST

static void unref_chan(void *ch) {
  weir_chan_unref(ch);
}

START_TEST(context_of_a_shared_channel_holds_it) {
  weir_chan_t *done = weir_chan_new_shared(WEIR_TYPE_OWNED(int, owned_drop, NULL), 1);
  weir_ctx_t *ctx = weir_ctx_with_chan(bg, done);
  weir_op_t yield;

  owned_drops = 0;
  put(done, 1);
  elsewhere(unref_chan, done);
  weir_op_init(&yield, bg);
  weir_yield(&yield, NULL);
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(ctx), 0);
  ck_assert_int_eq(owned_drops, 0);
  weir_ctx_unref(ctx);
  run_until(uv, is_empty, loop);
  ck_assert_int_eq(owned_drops, 1);
}
END_TEST

/* The close races with a cancellation, a drop of the context, and the making of another. */
static void close_chans(void *arg) {
  weir_chan_t **chans = arg;

  for (int i = 0; i < ROUNDS; i++) {
    uv_barrier_wait(&race.barrier);
    weir_chan_close(chans[i]);
    weir_chan_unref(chans[i]);
  }
}

START_TEST(closing_elsewhere_races_with_what_the_context_does) {
  static weir_chan_t *chans[ROUNDS];
  uv_thread_t id;

  for (int i = 0; i < ROUNDS; i++) chans[i] = weir_chan_new_shared(NULL, 0);
  uv_barrier_init(&race.barrier, 2);
  uv_thread_create(&id, close_chans, chans);
  for (int i = 0; i < ROUNDS; i++) {
    weir_ctx_t *ctx = weir_ctx_with_chan(bg, weir_chan_ref(chans[i])), *late;
    uv_barrier_wait(&race.barrier);
    if (i % 3 == 0) weir_ctx_unref(ctx);
    if (i % 3 == 1) weir_ctx_cancel_cause(ctx, UV_EIO);
    late = weir_ctx_with_chan(bg, chans[i]);
    run_until_done(uv, late);
    if (i % 3 == 2) run_until_done(uv, ctx);
    if (i % 3 != 0) weir_ctx_unref(ctx);
    weir_ctx_unref(late);
    weir_chan_unref(chans[i]);
  }
  uv_thread_join(&id);
  uv_barrier_destroy(&race.barrier);
  run_until(uv, is_empty, loop);
}
END_TEST

static const support_test_t tests[] = {
    T(child_made_here_is_handed_over),
    T(child_made_here_may_be_cancelled_before_it_is_used),
    T(child_is_made_on_its_own_thread),
    T(cancellation_passes_from_a_third_thread_through_the_parents_loop),
    T(timeout_goes_to_the_other_loop_and_comes_back),
    T(making_and_dropping_races_with_cancelling_and_dropping),
    T(childs_loop_closes_while_its_contexts_are_cancelled_and_dropped),
    T(parents_loop_closes_while_its_children_are_made_and_dropped),
    T(children_are_handed_to_a_running_loop_by_a_channel),
    T(closing_elsewhere_cancels_the_context_of_a_channel),
    T(closing_here_cancels_the_context_of_a_shared_channel),
    T(context_of_a_closed_shared_channel_is_cancelled_from_the_start),
    T(context_of_a_shared_channel_does_not_react_to_values),
    T(context_of_a_shared_channel_holds_it),
    T(closing_elsewhere_races_with_what_the_context_does),
};

SUITE_MAIN("on_loop_threads", tests)
