/* Description: contexts with a deadline: when they end, whose wins, what keeps the loop alive. */
#include "support/values.h"

static uint64_t deadline_of(const weir_ctx_t *ctx) {
  uint64_t when = 0;

  ck_assert(weir_ctx_deadline(ctx, &when));
  return when;
}

static uint64_t start_virtual_time(void) {
  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  return weir_now(loop);
}

START_TEST(timeout_ends_a_context_with_etimedout) {
  uint64_t start = start_virtual_time();
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 3600000), *child = weir_ctx_with_cancel(ctx);
  probe_t parked;

  recv_under(child, &parked, NULL, NULL);
  ck_assert_uint_eq(deadline_of(ctx), start + 3600000);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(weir_now(loop), start + 3600000);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_ctx_cause(child), UV_ETIMEDOUT);
  ck_completed(&parked, UV_ETIMEDOUT);
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
}
END_TEST

START_TEST(deadline_is_on_the_clock_of_now) {
  uint64_t start = start_virtual_time();
  weir_ctx_t *ctx = weir_ctx_with_deadline(bg, start + 250);

  ck_assert_uint_eq(deadline_of(ctx), start + 250);
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ETIMEDOUT);
  ck_assert_uint_eq(weir_now(loop), start + 250);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(deadline_is_never_early) {
  uint64_t start = uv_hrtime();
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 7);

  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ETIMEDOUT);
  ck_assert_uint_ge(uv_hrtime() - start, 7000000);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(childs_deadline_is_never_later_than_its_parents) {
  uint64_t start = start_virtual_time();
  weir_ctx_t *parent = weir_ctx_with_timeout(bg, 100), *later = weir_ctx_with_timeout(parent, 200);
  weir_ctx_t *earlier = weir_ctx_with_timeout(later, 50), *value, *deep;

  value = weir_ctx_with_value(earlier, loop, loop, NULL);
  deep = weir_ctx_with_deadline(value, start + 99);
  ck_assert_uint_eq(deadline_of(later), start + 100);
  ck_assert_uint_eq(deadline_of(earlier), start + 50);
  ck_assert_uint_eq(deadline_of(value), start + 50);
  ck_assert_uint_eq(deadline_of(deep), start + 50);
  ck_assert(weir_ctx_deadline(deep, NULL));
  weir_ctx_unref(deep);
  weir_ctx_unref(value);
  weir_ctx_unref(earlier);
  weir_ctx_unref(later);
  weir_ctx_unref(parent);
}
END_TEST

static weir_ctx_t *outer, *inner;

static void check_inner_first(weir_op_t *op, int status) {
  probe_note(op, status);
  ck_assert_int_eq(weir_ctx_err(inner), UV_ETIMEDOUT);
  ck_assert_int_eq(weir_ctx_err(outer), 0);
}

START_TEST(childs_earlier_deadline_ends_the_child_alone) {
  probe_t probe;

  start_virtual_time();
  outer = weir_ctx_with_timeout(bg, 100);
  inner = weir_ctx_with_timeout(outer, 50);
  probe_init(&probe, inner);
  weir_chan_recv(&probe.op, NULL, NULL, check_inner_first);
  weir_run(loop);
  ck_completed(&probe, UV_ETIMEDOUT);
  ck_assert_int_eq(weir_ctx_err(outer), UV_ETIMEDOUT);
  weir_ctx_unref(outer);
  weir_ctx_unref(inner);
}
END_TEST

START_TEST(parents_earlier_deadline_ends_the_child_too) {
  uint64_t start = start_virtual_time();
  probe_t probe;

  outer = weir_ctx_with_timeout(bg, 50);
  inner = weir_ctx_with_timeout(outer, 100);
  recv_under(inner, &probe, NULL, NULL);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&probe, UV_ETIMEDOUT);
  ck_assert_uint_eq(weir_now(loop), start + 50);
  weir_ctx_unref(outer);
  weir_ctx_unref(inner);
}
END_TEST

START_TEST(deadline_that_has_passed_gives_a_context_born_with_etimedout) {
  uint64_t now = start_virtual_time();
  weir_ctx_t *ctxs[] = {weir_ctx_with_timeout(bg, 0), weir_ctx_with_deadline(bg, 0),
                        weir_ctx_with_deadline(bg, now - 1), weir_ctx_with_deadline(bg, now)};

  for (int i = 0; i < 4; i++) {
    ck_assert_int_eq(weir_ctx_err(ctxs[i]), UV_ETIMEDOUT);
    ck_assert_int_eq(weir_ctx_cause(ctxs[i]), UV_ETIMEDOUT);
    weir_ctx_unref(ctxs[i]);
  }
}
END_TEST

START_TEST(context_born_with_etimedout_tells_its_deadline) {
  weir_ctx_t *ctx = weir_ctx_with_deadline(bg, 1), *child = weir_ctx_with_cancel(ctx);

  ck_assert_uint_eq(deadline_of(ctx), 1);
  ck_assert_int_eq(weir_ctx_err(child), UV_ETIMEDOUT);
  ck_assert_ptr_nonnull(weir_ctx_done(ctx));
  ck_assert(weir_chan_closed(weir_ctx_done(ctx)));
  weir_ctx_unref(ctx);
  weir_ctx_unref(child);
}
END_TEST

START_TEST(cancelled_context_does_not_time_out_later) {
  weir_ctx_t *ctx;

  start_virtual_time();
  ctx = weir_ctx_with_timeout(bg, 5);
  weir_ctx_cancel_cause(ctx, UV_EIO);
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ECANCELED);
  ck_assert_int_eq(weir_ctx_cause(ctx), UV_EIO);
  weir_ctx_unref(ctx);
}
END_TEST

/* Two hours, on the real clock: the test ends at once or not at all. */
START_TEST(cancelled_deadline_lets_the_program_end) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 7200000);

  ck_assert(uv_run(uv, UV_RUN_NOWAIT));
  weir_ctx_cancel(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(deadline_of_a_cancelled_ancestor_lets_the_program_end) {
  weir_ctx_t *root = weir_ctx_with_cancel(bg), *ctx = weir_ctx_with_timeout(root, 7200000);

  weir_ctx_cancel(root);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_ctx_unref(ctx);
  weir_ctx_unref(root);
}
END_TEST

START_TEST(dropped_deadline_lets_the_program_end) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 7200000);

  ck_assert(uv_run(uv, UV_RUN_NOWAIT));
  weir_ctx_unref(ctx);
  ck_assert_uint_eq(weir_run(loop), 0);
}
END_TEST

START_TEST(referenced_deadline_keeps_the_loop_alive_without_ops) {
  uint64_t start = start_virtual_time();
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 60000);

  weir_run(loop);
  ck_assert_uint_eq(weir_now(loop), start + 60000);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ETIMEDOUT);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(deadline_for_ever_never_comes) {
  uint64_t start = start_virtual_time();
  weir_ctx_t *timeout = weir_ctx_with_timeout(bg, UINT64_MAX);
  weir_ctx_t *deadline = weir_ctx_with_deadline(bg, UINT64_MAX);
  weir_ctx_t *child = weir_ctx_with_timeout(timeout, 5);

  ck_assert_int_eq(weir_ctx_err(timeout), 0);
  ck_assert_int_eq(weir_ctx_err(deadline), 0);
  weir_ctx_unref(child);
  child = weir_ctx_with_timeout(deadline, 5);
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(child), UV_ETIMEDOUT);
  ck_assert_uint_eq(weir_now(loop), start + 5);
  ck_assert_int_eq(weir_ctx_err(timeout), 0);
  ck_assert_int_eq(weir_ctx_err(deadline), 0);
  weir_ctx_unref(timeout);
  weir_ctx_unref(deadline);
  weir_ctx_unref(child);
}
END_TEST

/* A thousand at once, ending in order. */
START_TEST(deadlines_end_in_order) {
  enum { N = 1000 };
  static probe_t probes[N];
  uint64_t start = start_virtual_time();

  for (int i = 0; i < N; i++) {
    uint64_t ms = 1 + (uint64_t)i * 617 % N;
    weir_ctx_t *ctx = weir_ctx_with_timeout(bg, ms);
    recv_under(ctx, &probes[ms - 1], NULL, NULL);
    weir_ctx_unref(ctx);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(weir_now(loop), start + N);
  for (int i = 0; i < N; i++) {
    ck_completed(&probes[i], UV_ETIMEDOUT);
    ck_assert_uint_eq(probes[i].order, (unsigned)i + 1);
  }
}
END_TEST

/* Each asks its parent for a deadline, not all above it: otherwise the test's time is over first. */
START_TEST(long_chain_of_deadlines_is_made_in_time) {
  enum { LONG = 200000 };
  uint64_t start = start_virtual_time(), when;
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 5), *child;

  for (int i = 1; i < LONG; i++) {
    child = weir_ctx_with_timeout(ctx, 6);
    weir_ctx_unref(ctx);
    ctx = child;
  }
  ck_assert(weir_ctx_deadline(ctx, &when));
  ck_assert_uint_eq(when, start + 5);
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(ctx), UV_ETIMEDOUT);
  weir_ctx_unref(ctx);
}
END_TEST

static const support_test_t tests[] = {
    T(timeout_ends_a_context_with_etimedout),
    T(deadline_is_on_the_clock_of_now),
    T(deadline_is_never_early),
    T(childs_deadline_is_never_later_than_its_parents),
    T(childs_earlier_deadline_ends_the_child_alone),
    T(parents_earlier_deadline_ends_the_child_too),
    T(deadline_that_has_passed_gives_a_context_born_with_etimedout),
    T(context_born_with_etimedout_tells_its_deadline),
    T(cancelled_context_does_not_time_out_later),
    T(cancelled_deadline_lets_the_program_end),
    T(deadline_of_a_cancelled_ancestor_lets_the_program_end),
    T(dropped_deadline_lets_the_program_end),
    T(referenced_deadline_keeps_the_loop_alive_without_ops),
    T(deadline_for_ever_never_comes),
    T(deadlines_end_in_order),
    T(long_chain_of_deadlines_is_made_in_time),
};
SUITE_MAIN("ctx_deadline", tests)
