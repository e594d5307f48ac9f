/* Description: where memory comes from, what happens when there is none, and who needs none. */
#include <stdlib.h>

#include "support/probe.h"
#include "support/support.h"

static weir_stats_t stats_now(void) {
  weir_stats_t stats;

  weir_stats(loop, &stats);
  return stats;
}

/* the allocator */

static void *no_malloc(size_t size) {
  (void)size;
  return NULL;
}

static void *no_realloc(void *ptr, size_t size) {
  (void)ptr, (void)size;
  return NULL;
}

static void *no_calloc(size_t count, size_t size) {
  (void)count, (void)size;
  return NULL;
}

static void no_free(void *ptr) {
  (void)ptr;
}

START_TEST(allocator_cannot_be_replaced_once_used) {
  ck_assert_int_eq(weir_replace_allocator(no_malloc, no_realloc, no_calloc, no_free), UV_EBUSY);
  weir_chan_unref(weir_chan_new(loop, NULL, 0)); /* still the one before */
}
END_TEST

START_TEST(incomplete_allocator_gives_einval) {
  ck_assert_int_eq(weir_replace_allocator(NULL, no_realloc, no_calloc, no_free), UV_EINVAL);
  ck_assert_int_eq(weir_replace_allocator(no_malloc, NULL, no_calloc, no_free), UV_EINVAL);
  ck_assert_int_eq(weir_replace_allocator(no_malloc, no_realloc, NULL, no_free), UV_EINVAL);
  ck_assert_int_eq(weir_replace_allocator(no_malloc, no_realloc, no_calloc, NULL), UV_EINVAL);
}
END_TEST

/* out of memory: each allocation of a call fails in turn */

typedef struct fixed_s {
  weir_chan_t *done;
  weir_ctx_t *ctx, *cancelled;
} fixed_t;

static fixed_t fixed; /* what the calls below may need */
static int key, drops;

static void count_drop(void *value) {
  (void)value;
  drops++;
}

static void *make_chan(void) {
  return weir_chan_new(loop, WEIR_TYPE(int), 0);
}

static void *make_buffered(void) {
  return weir_chan_new(loop, WEIR_TYPE_OWNED(int, count_drop, NULL), 100);
}

static void *make_sig(void) {
  return weir_timer_sig(loop, 7200000);
}

static void *make_after(void) {
  return weir_timer_after(loop, 7200000);
}

static void *make_tick(void) {
  return weir_timer_tick(loop, 7200000);
}

static void *make_cancel(void) {
  return weir_ctx_with_cancel(fixed.ctx);
}

static void *make_under_cancelled(void) {
  return weir_ctx_with_cancel(fixed.cancelled);
}

static void *make_timeout(void) {
  return weir_ctx_with_timeout(fixed.ctx, 7200000);
}

static void *make_past(void) {
  return weir_ctx_with_deadline(fixed.ctx, 0);
}

static void *make_value(void) {
  return weir_ctx_with_value(fixed.ctx, &key, &key, count_drop);
}

static void *make_with_chan(void) {
  return weir_ctx_with_chan(fixed.ctx, fixed.done);
}

static void *make_without(void) {
  return weir_ctx_without_cancel(fixed.ctx);
}

static void *make_done(void) {
  return weir_ctx_done(fixed.ctx);
}

static void *make_done_of_cancelled(void) {
  return weir_ctx_done(fixed.cancelled);
}

static void drop_chan(void *ch) {
  weir_chan_unref(ch);
}

static void drop_ctx(void *ctx) {
  weir_ctx_unref(ctx);
}

static void drop_nothing(void *borrowed) {
  (void)borrowed;
}

typedef struct maker_s {
  void *(*make)(void);
  void (*drop)(void *made);
  size_t least; /* how many allocations it has to make */
} maker_t;

static const maker_t makers[] = {
    {make_chan, drop_chan, 1},    {make_buffered, drop_chan, 1},
    {make_sig, drop_chan, 1},     {make_after, drop_chan, 1},
    {make_tick, drop_chan, 1},    {make_cancel, drop_ctx, 1},
    {make_timeout, drop_ctx, 1},  {make_past, drop_ctx, 1},
    {make_value, drop_ctx, 1},    {make_with_chan, drop_ctx, 1},
    {make_without, drop_ctx, 1},  {make_under_cancelled, drop_ctx, 1},
    {make_done, drop_nothing, 1}, {make_done_of_cancelled, drop_nothing, 1},
};

static void fix(void) {
  fixed.done = weir_chan_new(loop, NULL, 0);
  fixed.ctx = weir_ctx_with_cancel(bg);
  fixed.cancelled = weir_ctx_with_cancel(bg);
  weir_ctx_cancel(fixed.cancelled);
  drops = 0;
}

static void unfix(void) {
  weir_chan_unref(fixed.done);
  weir_ctx_unref(fixed.ctx);
  weir_ctx_unref(fixed.cancelled);
}

static void ck_unchanged(const weir_stats_t *before, size_t outstanding) {
  weir_stats_t now = stats_now();

  ck_assert_uint_eq(now.channels, before->channels);
  ck_assert_uint_eq(now.contexts, before->contexts);
  ck_assert_uint_eq(now.timers, before->timers);
  ck_assert_uint_eq(now.ops_parked, before->ops_parked);
  ck_assert_uint_eq(support_outstanding(), outstanding);
}

/* Returns what `make` gives once no allocation fails any more. */
static void *sweep(const maker_t *maker, bool only_one) {
  weir_stats_t before = stats_now();
  size_t outstanding = support_outstanding(), n = 0;
  void *made;

  for (;; n++) {
    if (only_one)
      support_fail_only(n);
    else
      support_fail_after(n);
    made = maker->make();
    support_fail_after(SIZE_MAX);
    if (made) break;
    ck_unchanged(&before, outstanding);
  }
  ck_assert_uint_ge(n, maker->least);
  return made;
}

START_TEST(constructors_give_null_and_leave_nothing_when_an_allocation_fails) {
  for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++)
    for (int only_one = 0; only_one < 2; only_one++) {
      fix();
      makers[i].drop(sweep(&makers[i], only_one));
      unfix();
    }
  weir_run(loop);
}
END_TEST

START_TEST(value_is_not_dropped_when_its_context_cannot_be_made) {
  fix();
  support_fail_after(0);
  ck_assert_ptr_null(make_value());
  support_fail_after(SIZE_MAX);
  ck_assert_int_eq(drops, 0);
  unfix();
}
END_TEST

START_TEST(attach_gives_enomem_at_each_allocation) {
  size_t outstanding = support_outstanding(), n = 0;
  uv_loop_t other;
  weir_loop_t *result = NULL;
  int err;

  uv_loop_init(&other);
  for (;; n++) {
    support_fail_only(n);
    err = weir_loop_new(&result, &other);
    support_fail_after(SIZE_MAX);
    if (!err) break;
    ck_assert_int_eq(err, UV_ENOMEM);
    ck_assert_ptr_null(result);
    ck_assert_uint_eq(support_outstanding(), outstanding);
    ck_assert_int_eq(uv_run(&other, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&other), 0); /* no handle is left open */
    uv_loop_init(&other);
  }
  ck_assert_uint_ge(n, 1);
  weir_loop_close(result, NULL, NULL);
  uv_run(&other, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&other), 0);
}
END_TEST

typedef struct large_s {
  char bytes[WEIR_RANGE_INLINE + 1];
} large_t;

static int ranged;

static void on_range(weir_range_t *range, const void *value, int status) {
  (void)range, (void)status;
  if (value) ranged++;
}

START_TEST(range_over_large_values_gives_enomem_and_starts_nothing) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(large_t), 1);
  size_t outstanding = support_outstanding();
  weir_range_t range;
  large_t large = {0};

  ranged = 0;
  weir_chan_try_send(ch, &large);
  weir_range_init(&range, bg);
  support_fail_after(0);
  ck_assert_int_eq(weir_range_start(&range, ch, on_range), UV_ENOMEM);
  support_fail_after(SIZE_MAX);
  ck_assert_uint_eq(support_outstanding(), outstanding);
  ck_assert_uint_eq(weir_chan_len(ch), 1);
  ck_assert_int_eq(weir_range_stop(&range), UV_ENOENT);
  ck_assert_int_eq(weir_range_start(&range, ch, on_range), 0);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_assert_int_eq(ranged, 1);
  weir_range_stop(&range);
  ck_assert_uint_eq(support_outstanding(), outstanding);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(absurd_capacity_gives_null) {
  ck_assert_ptr_null(weir_chan_new(loop, WEIR_TYPE(large_t), SIZE_MAX));
  ck_assert_ptr_null(weir_chan_new(loop, WEIR_TYPE(large_t), SIZE_MAX / sizeof(large_t)));
  ck_assert_uint_eq(stats_now().channels, 0);
}
END_TEST

/* operations need no memory: they are run while every allocation would fail */

static weir_chan_t *rendezvous, *buffered;
static size_t allocations;

static void forbid_allocations(void) {
  rendezvous = weir_chan_new(loop, WEIR_TYPE(int), 0);
  buffered = weir_chan_new(loop, WEIR_TYPE(int), 4);
  allocations = support_allocations();
  support_fail_after(0);
}

static void ck_no_allocations(void) {
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(support_allocations(), allocations);
  support_fail_after(SIZE_MAX);
  weir_chan_unref(rendezvous);
  weir_chan_unref(buffered);
}

START_TEST(send_recv_and_their_cancels_allocate_nothing) {
  probe_t probes[4], many[2], parked;
  int value = 1, values[10] = {0}, got[10];

  forbid_allocations();
  for (int i = 0; i < 4; i++) {
    probe_init(&probes[i], bg);
    if (i % 2)
      weir_chan_send(&probes[i].op, i < 2 ? rendezvous : buffered, &value, probe_note);
    else
      weir_chan_recv(&probes[i].op, i < 2 ? rendezvous : buffered, got, probe_note);
  }
  probe_init(&many[0], bg);
  probe_init(&many[1], bg);
  weir_chan_send_many(&many[0].op, buffered, values, 10, probe_note);
  weir_chan_recv_many(&many[1].op, buffered, got, 10, probe_note);
  probe_init(&parked, bg);
  weir_chan_recv(&parked.op, rendezvous, NULL, probe_note);
  weir_op_cancel(&parked.op);
  ck_no_allocations();
  for (int i = 0; i < 4; i++) ck_completed(&probes[i], 0);
  ck_completed(&many[0], 0);
  ck_completed(&many[1], 0);
  ck_completed(&parked, UV_ECANCELED);
}
END_TEST

START_TEST(select_allocates_nothing) {
  weir_case_t cases[3];
  probe_t parks, takes, cancelled;
  int value = 1;

  forbid_allocations();
  cases[0] = WEIR_RECV(rendezvous, NULL);
  cases[1] = WEIR_RECV(NULL, NULL);
  cases[2] = WEIR_SEND(rendezvous, &value);
  probe_init(&parks, bg);
  probe_init(&takes, bg);
  probe_init(&cancelled, bg);
  weir_select(&parks.op, cases, 2, probe_note);
  weir_select(&takes.op, &cases[2], 1, probe_note);
  weir_select(&cancelled.op, NULL, 0, probe_note);
  weir_op_cancel(&cancelled.op);
  ck_assert_int_eq(weir_select_try(cases, 1, NULL), UV_EAGAIN);
  ck_no_allocations();
  ck_completed(&parks, 0);
  ck_completed(&takes, 0);
  ck_completed(&cancelled, UV_ECANCELED);
}
END_TEST

START_TEST(sleep_yield_joins_and_ctx_wait_allocate_nothing) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 2);
  probe_t sleep, yield, all, any, shared, wait, timed_out;
  weir_op_t *ops[] = {&sleep.op, &yield.op, &sleep.op};

  forbid_allocations();
  probe_init(&sleep, bg);
  probe_init(&yield, bg);
  probe_init(&all, bg);
  probe_init(&any, bg);
  probe_init(&shared, bg);
  probe_init(&wait, bg);
  probe_init(&timed_out, ctx);
  weir_sleep(&sleep.op, 1, probe_note);
  weir_yield(&yield.op, probe_note);
  weir_all(&all.op, ops, 2, probe_note);
  weir_any(&any.op, ops, 2, probe_note);
  weir_all(&shared.op, ops, 3, probe_note);
  weir_ctx_wait(&wait.op, ctx, probe_note);
  weir_sleep(&timed_out.op, 7200000, probe_note);
  ck_no_allocations();
  ck_completed(&all, 0);
  ck_completed(&any, 0);
  ck_completed(&shared, 0);
  ck_completed(&wait, 0);
  ck_completed(&timed_out, UV_ETIMEDOUT);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(range_of_small_values_and_cancellation_allocate_nothing) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *child = weir_ctx_with_cancel(ctx);
  weir_range_t range, paused;
  int value = 1;

  ranged = 0;
  ck_assert_ptr_nonnull(weir_ctx_done(child));
  forbid_allocations();
  weir_range_init(&range, child);
  weir_range_init(&paused, ctx);
  ck_assert_int_eq(weir_range_start(&range, buffered, on_range), 0);
  ck_assert_int_eq(weir_range_start(&paused, rendezvous, on_range), 0);
  weir_range_pause(&paused);
  for (int i = 0; i < 3; i++) weir_chan_try_send(buffered, &value);
  ck_assert_uint_eq(weir_run(loop), 1);
  weir_range_resume(&paused);
  weir_ctx_cancel(ctx);
  ck_no_allocations();
  ck_assert_int_eq(ranged, 3);
  weir_ctx_unref(child);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(ticks_and_closes_allocate_nothing) {
  weir_chan_t *tick = weir_timer_tick(loop, 1), *sig = weir_timer_sig(loop, 1);
  probe_t probes[3];

  forbid_allocations();
  for (int i = 0; i < 3; i++) {
    probe_init(&probes[i], bg);
    weir_chan_recv(&probes[i].op, i ? tick : sig, NULL, probe_note);
  }
  for (int i = 0; i < 3; i++) ck_assert_int_eq(weir_op_wait(&probes[i].op), i ? 0 : UV_EOF);
  weir_chan_close(tick);
  weir_chan_close(buffered);
  ck_no_allocations();
  weir_chan_unref(tick);
  weir_chan_unref(sig);
}
END_TEST

static void drop_none(void *value) {
  (void)value;
}

START_TEST(closing_the_loop_allocates_nothing) {
  own_t own;
  probe_t sleep;
  weir_ctx_t *ctx;
  weir_chan_t *ch;
  int value = 1;

  own_open(&own);
  ctx = weir_ctx_without_cancel(own.bg);
  ch = weir_chan_new(own.loop, WEIR_TYPE_OWNED(int, drop_none, NULL), 1);
  weir_chan_try_send(ch, &value);
  probe_init(&sleep, ctx);
  weir_sleep(&sleep.op, 7200000, probe_note);
  allocations = support_allocations();
  support_fail_after(0);
  own_close(&own);
  ck_assert_uint_eq(support_allocations(), allocations);
  support_fail_after(SIZE_MAX);
  ck_completed(&sleep, UV_ECANCELED);
  weir_ctx_unref(ctx);
  weir_chan_unref(ch);
}
END_TEST

static const support_test_t tests[] = {
    T(allocator_cannot_be_replaced_once_used),
    T(incomplete_allocator_gives_einval),
    T(constructors_give_null_and_leave_nothing_when_an_allocation_fails),
    T(value_is_not_dropped_when_its_context_cannot_be_made),
    T(attach_gives_enomem_at_each_allocation),
    T(range_over_large_values_gives_enomem_and_starts_nothing),
    T(absurd_capacity_gives_null),
    T(send_recv_and_their_cancels_allocate_nothing),
    T(select_allocates_nothing),
    T(sleep_yield_joins_and_ctx_wait_allocate_nothing),
    T(range_of_small_values_and_cancellation_allocate_nothing),
    T(ticks_and_closes_allocate_nothing),
    T(closing_the_loop_allocates_nothing),
};

SUITE_MAIN("mem", tests)
