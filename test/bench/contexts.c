/* Contexts and sleeps that are made and cancelled: ctx, sleeps. */
#include "bench.h"

#include <stdlib.h>

enum { CONTEXTS = 1000000, NODES = 200000, BRANCHES = 8, SLEEPS = 1000000, HOUR_MS = 3600000 };

static void drop_cancelled(weir_ctx_t *ctx, int err) {
  weir_ctx_cancel(ctx);
  bench_expect(weir_ctx_err(ctx) == err);
  weir_ctx_unref(ctx);
}

static void with_cancel(weir_ctx_t *parent, size_t n) {
  uint64_t start = uv_hrtime();

  for (size_t i = 0; i < n; i++) drop_cancelled(weir_ctx_with_cancel(parent), UV_ECANCELED);
  bench_since("ctx.cancel", start, n);
}

static void with_timeout(weir_ctx_t *parent, size_t n) {
  uint64_t start = uv_hrtime();

  for (size_t i = 0; i < n; i++)
    drop_cancelled(weir_ctx_with_timeout(parent, HOUR_MS), UV_ECANCELED);
  bench_since("ctx.timeout", start, n);
}

/* Each context has eight children; the root is cancelled, then all are dropped. */
static void tree(weir_ctx_t *parent, size_t n) {
  weir_ctx_t **nodes = bench_alloc(n, sizeof(*nodes));
  uint64_t start = uv_hrtime();

  for (size_t i = 0; i < n; i++) {
    nodes[i] = weir_ctx_with_cancel(i > 0 ? nodes[(i - 1) / BRANCHES] : parent);
    bench_expect(nodes[i] != NULL);
  }
  weir_ctx_cancel(nodes[0]);
  bench_expect(weir_ctx_err(nodes[n - 1]) == UV_ECANCELED);
  for (size_t i = 0; i < n; i++) weir_ctx_unref(nodes[i]);
  bench_since("ctx.tree", start, n);
  free(nodes);
}

void bench_ctx(const bench_t *bench) {
  weir_ctx_t *parent = weir_ctx_with_cancel(bench->ctx);
  weir_stats_t stats;

  bench_expect(parent != NULL);
  with_cancel(parent, bench_scaled(bench, CONTEXTS));
  with_timeout(parent, bench_scaled(bench, CONTEXTS));
  tree(parent, bench_scaled(bench, NODES));
  weir_ctx_unref(parent);
  weir_stats(bench->loop, &stats);
  bench_expect(stats.contexts == 0 && stats.timers == 0);
}

/* Between one hour and two, in no order; the same in every run. */
static uint64_t duration(size_t i) {
  return HOUR_MS + i * 2654435761u % HOUR_MS;
}

static void on_slept(weir_op_t *op, int status) {
  size_t *cancelled = op->data;

  bench_expect(status == UV_ECANCELED);
  ++*cancelled;
}

/* All of them sleep before the first is cancelled. */
void bench_sleeps(const bench_t *bench) {
  size_t n = bench_scaled(bench, SLEEPS), cancelled = 0;
  weir_op_t *ops = bench_alloc(n, sizeof(*ops));
  uint64_t start;

  for (size_t i = 0; i < n; i++) {
    ops[i].data = &cancelled;
    weir_op_init(&ops[i], bench->ctx);
  }
  start = uv_hrtime();
  for (size_t i = 0; i < n; i++) bench_expect(weir_sleep(&ops[i], duration(i), on_slept) == 0);
  for (size_t i = 0; i < n; i++) bench_expect(weir_op_cancel(&ops[i]) == 0);
  bench_run(bench);
  bench_since("sleeps", start, n);
  bench_expect(cancelled == n);
  free(ops);
}
