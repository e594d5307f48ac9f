/*
 * ctx_tree_loops: a tree of contexts, half of them on another loop, cancelled at its root; the
 * figure is for each context, until the last of the other loop has been reached.
 *
 *   groups    one in a hundred of the other loop's hangs from the root, the others from these
 *   bridges   each of the other loop's hangs from a context of this one
 *
 * Both also at half the size, to show that it is linear.
 */
#include "bench.h"

#include <stdlib.h>

enum { NODES = 200000, GROUP = 100, MOST_WATCHED = 1000 };

typedef struct tree_s {
  size_t n;            /* on each loop */
  size_t bridges;      /* of the other loop's: the first ones, whose parents are on this loop */
  bool from_root;      /* all bridges; or one from each context */
  weir_loop_t *beyond; /* the other loop */
  weir_ctx_t **here, **there;
  uint64_t started, ended;
} tree_t;

/* here */

/* here[0] is the root. */
static void grow_here(tree_t *tree, weir_ctx_t *background) {
  for (size_t i = 0; i < tree->n; i++) {
    tree->here[i] = weir_ctx_with_cancel(i > 0 ? tree->here[0] : background);
    bench_expect(tree->here[i] != NULL);
  }
  for (size_t i = 0; i < tree->bridges; i++) {
    tree->there[i] = weir_ctx_on_loop(tree->here[tree->from_root ? 0 : i], tree->beyond);
    bench_expect(tree->there[i] != NULL);
  }
}

static void drop(weir_ctx_t **contexts, size_t n) {
  for (size_t i = 0; i < n; i++) bench_expect(weir_ctx_err(contexts[i]) == UV_ECANCELED);
  for (size_t i = 0; i < n; i++) weir_ctx_unref(contexts[i]);
}

static void cancel(const bench_t *bench, void *arg) {
  tree_t *tree = arg;

  bench_meet(bench); /* the other loop is there */
  grow_here(tree, bench->ctx);
  bench_meet(bench); /* its part of the tree grows */
  bench_meet(bench);
  tree->started = uv_hrtime();
  weir_ctx_cancel(tree->here[0]);
  bench_meet(bench); /* all are reached */
  drop(tree->here, tree->n);
}

/* there */

/* Waits for bridges, spread evenly, the first and the last among them: for all if they are few. */
typedef struct watch_s {
  tree_t *tree;
  weir_op_t *ops;
  size_t n, missing;
  weir_op_t hold; /* keeps the loop alive: receives from a shared channel until all are reached */
  weir_chan_t *ch;
} watch_t;

static void grow_there(tree_t *tree) {
  size_t leaves = tree->n - tree->bridges;

  for (size_t i = 0; i < leaves; i++) {
    weir_ctx_t *parent = tree->there[i * tree->bridges / leaves];

    tree->there[tree->bridges + i] = weir_ctx_with_cancel(parent);
    bench_expect(tree->there[tree->bridges + i] != NULL);
  }
}

/* What hangs from the bridges is marked by this thread, so that nothing changes while it looks. */
static void on_reached(weir_op_t *op, int status) {
  watch_t *watch = op->data;
  tree_t *tree = watch->tree;

  bench_expect(status == 0);
  if (--watch->missing > 0) return;
  tree->ended = uv_hrtime();
  for (size_t i = 0; i < tree->n; i++) bench_expect(weir_ctx_err(tree->there[i]) != 0);
  bench_expect(weir_chan_close(watch->ch) == 0);
}

static void watch_start(watch_t *watch, weir_ctx_t *background, tree_t *tree) {
  size_t n = tree->bridges < MOST_WATCHED ? tree->bridges : MOST_WATCHED;

  *watch = (watch_t){.tree = tree, .ch = bench_shared(0), .n = n, .missing = n};
  watch->ops = bench_alloc(n, sizeof(*watch->ops));
  for (size_t i = 0; i < n; i++) {
    weir_ctx_t *bridge = tree->there[i > 0 ? i * (tree->bridges - 1) / (n - 1) : 0];

    weir_op_init(&watch->ops[i], background);
    watch->ops[i].data = watch;
    bench_expect(weir_ctx_wait(&watch->ops[i], bridge, on_reached) == 0);
  }
  weir_op_init(&watch->hold, background);
  bench_expect(weir_chan_recv(&watch->hold, watch->ch, NULL, NULL) == 0);
}

static void watch_free(watch_t *watch) {
  bench_expect(watch->missing == 0);
  weir_chan_unref(watch->ch);
  free(watch->ops);
}

static void be_cancelled(const bench_t *bench, void *arg) {
  tree_t *tree = arg;
  watch_t watch;

  tree->beyond = bench->loop;
  bench_meet(bench);
  bench_meet(bench);
  grow_there(tree);
  watch_start(&watch, bench->ctx, tree);
  bench_meet(bench);
  bench_run(bench);
  bench_meet(bench);
  drop(tree->there, tree->n);
  watch_free(&watch);
}

/* the trees */

static void measure(const bench_t *bench, const char *name, tree_t *tree) {
  tree->here = bench_alloc(tree->n, sizeof(*tree->here));
  tree->there = bench_alloc(tree->n, sizeof(*tree->there));
  bench_beside(bench, be_cancelled, cancel, tree);
  bench_result(name, "ns", (double)(tree->ended - tree->started) / (double)(2 * tree->n));
  free(tree->here);
  free(tree->there);
}

static void groups(const bench_t *bench, const char *name, size_t nodes) {
  size_t n = bench_scaled(bench, nodes) / 2;

  measure(bench, name, &(tree_t){.n = n, .bridges = (n + GROUP - 1) / GROUP, .from_root = true});
}

static void bridges(const bench_t *bench, const char *name, size_t nodes) {
  size_t n = bench_scaled(bench, nodes) / 2;

  measure(bench, name, &(tree_t){.n = n, .bridges = n});
}

void bench_ctx_tree_loops(const bench_t *bench) {
  groups(bench, "ctx_tree_loops.groups", NODES);
  groups(bench, "ctx_tree_loops.groups.half", NODES / 2);
  bridges(bench, "ctx_tree_loops.bridges", NODES);
  bridges(bench, "ctx_tree_loops.bridges.half", NODES / 2);
}
