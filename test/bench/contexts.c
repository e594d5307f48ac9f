/*
 * ctx: contexts that are made and cancelled, one by one and as a tree; in a callback, as programs
 * do.
 *
 * Three trees, of which the first gets its memory from the system: the medians are the others'.
 */
#include "bench.h"

#include <stdlib.h>

enum { CONTEXTS = 1000000, NODES = 200000, BRANCHES = 8, TREES = 3, HOUR_MS = 3600000 };

static void drop_cancelled(weir_ctx_t *ctx, int err) {
  weir_ctx_cancel(ctx);
  bench_expect(weir_ctx_err(ctx) == err);
  weir_ctx_unref(ctx);
}

static void with_cancel(weir_ctx_t *parent, size_t n) {
  uint64_t start = uv_hrtime();

  for (size_t i = 0; i < n; i++) drop_cancelled(weir_ctx_with_cancel(parent), UV_ECANCELED);
  bench_since("ctx.new_cancel", start, n);
}

static void with_timeout(weir_ctx_t *parent, size_t n) {
  uint64_t start = uv_hrtime();

  for (size_t i = 0; i < n; i++)
    drop_cancelled(weir_ctx_with_timeout(parent, HOUR_MS), UV_ECANCELED);
  bench_since("ctx.new_timeout_cancel", start, n);
}

/* Each context has eight children. */
static void tree_create(weir_ctx_t *parent, weir_ctx_t **nodes, size_t n) {
  uint64_t start = uv_hrtime();

  for (size_t i = 0; i < n; i++) {
    nodes[i] = weir_ctx_with_cancel(i > 0 ? nodes[(i - 1) / BRANCHES] : parent);
    bench_expect(nodes[i] != NULL);
  }
  bench_since("ctx.tree_create", start, n);
}

static void tree_cancel(weir_ctx_t **nodes, size_t n) {
  uint64_t start = uv_hrtime();

  weir_ctx_cancel(nodes[0]);
  bench_since("ctx.tree_cancel", start, n);
  for (size_t i = 0; i < n; i++) bench_expect(weir_ctx_err(nodes[i]) == UV_ECANCELED);
}

/* What Go leaves to its collector. */
static void tree_drop(weir_ctx_t **nodes, size_t n) {
  uint64_t start = uv_hrtime();

  for (size_t i = 0; i < n; i++) weir_ctx_unref(nodes[i]);
  bench_since("ctx.tree_drop", start, n);
}

static void tree(weir_ctx_t *parent, size_t n) {
  weir_ctx_t **nodes = bench_alloc(n, sizeof(*nodes));

  tree_create(parent, nodes, n);
  tree_cancel(nodes, n);
  tree_drop(nodes, n);
  free(nodes);
}

static void on_yielded(weir_op_t *op, int status) {
  const bench_t *bench = op->data;
  weir_ctx_t *parent = weir_ctx_with_cancel(bench->ctx);

  bench_expect(status == 0 && parent != NULL);
  with_cancel(parent, bench_scaled(bench, CONTEXTS));
  with_timeout(parent, bench_scaled(bench, CONTEXTS));
  for (int i = 0; i < TREES; i++) tree(parent, bench_scaled(bench, NODES));
  weir_ctx_unref(parent);
}

void bench_ctx(const bench_t *bench) {
  weir_op_t op = {.data = (void *)bench};
  weir_stats_t stats;

  weir_op_init(&op, bench->ctx);
  bench_expect(weir_yield(&op, on_yielded) == 0);
  bench_run(bench);
  weir_stats(bench->loop, &stats);
  bench_expect(stats.contexts == 0 && stats.timers == 0);
}
