/* Description: the cost of cancelling a tree, half of it on another loop, grows in step with it. */
#include <stdlib.h>
#include <time.h>

#include "support/probe.h"
#include "support/support.h"

enum { FEW = 25000, MANY = 8 * FEW, BRANCHES = 10 };

/* Nanoseconds a context: what the caches make of the larger tree, and the clock of the
 * smaller one. */
enum { SLACK = 60 };

static own_t away;

typedef struct tree_s {
  size_t n;
  weir_ctx_t **ctxs;
} tree_t;

/* shapes: which context is the parent, and which loop the child's */

typedef struct shape_s {
  size_t (*parent)(size_t i);
  bool (*is_away)(size_t i, size_t n);
} shape_t;

static size_t tenth(size_t i) {
  return (i - 1) / BRANCHES;
}

static size_t first(size_t i) {
  (void)i;
  return 0;
}

/* A branch of half the tree hangs on one context: what is under the first half of them. */
static bool is_in_branch(size_t i, size_t n) {
  (void)n;
  while (i > BRANCHES) i = tenth(i);
  return i > BRANCHES / 2;
}

static bool is_odd(size_t i, size_t n) {
  (void)n;
  return i % 2;
}

static bool is_in_second_half(size_t i, size_t n) {
  return i >= n / 2;
}

static const shape_t branches = {tenth, is_in_branch}, striped = {tenth, is_odd};
static const shape_t flat = {first, is_odd}, flat_halves = {first, is_in_second_half};

static tree_t tree_open(size_t n, const shape_t *shape) {
  tree_t tree = {.n = n, .ctxs = malloc(n * sizeof(*tree.ctxs))};

  tree.ctxs[0] = weir_ctx_with_cancel(bg);
  for (size_t i = 1; i < n; i++)
    tree.ctxs[i] =
        weir_ctx_on_loop(tree.ctxs[shape->parent(i)], shape->is_away(i, n) ? away.loop : loop);
  return tree;
}

/* Cancels the root, and runs both loops in turn until the last one has been reached. */
static void tree_cancel(tree_t *tree) {
  size_t done = 0;

  weir_ctx_cancel(tree->ctxs[0]);
  for (;;) {
    while (done < tree->n && weir_ctx_err(tree->ctxs[done]) == UV_ECANCELED) done++;
    if (done == tree->n) return;
    uv_run(uv, UV_RUN_NOWAIT);
    uv_run(&away.uv, UV_RUN_NOWAIT);
  }
}

static size_t contexts_left(void) {
  weir_stats_t here, there;

  weir_stats(loop, &here);
  weir_stats(away.loop, &there);
  return here.contexts + there.contexts;
}

/* Drops the parents first, or the children. */
static void tree_close(tree_t *tree, bool parents_first) {
  for (size_t i = 0; i < tree->n; i++)
    weir_ctx_unref(tree->ctxs[parents_first ? i : tree->n - 1 - i]);
  while (contexts_left() > 0) {
    uv_run(uv, UV_RUN_NOWAIT);
    uv_run(&away.uv, UV_RUN_NOWAIT);
  }
  free(tree->ctxs);
}

/* measuring */

/* Nanoseconds of processor time per context, which other processes do not add to. */
static double since(clock_t start, size_t n) {
  return (double)(clock() - start) * 1e9 / CLOCKS_PER_SEC / (double)n;
}

typedef struct cost_s {
  double cancel, drop;
} cost_t;

static cost_t cost_of_one(size_t n, const shape_t *shape, bool cancels, bool parents_first) {
  tree_t tree = tree_open(n, shape);
  clock_t start = clock();
  cost_t cost = {0};

  if (cancels) tree_cancel(&tree);
  cost.cancel = since(start, n);
  start = clock();
  tree_close(&tree, parents_first);
  cost.drop = since(start, n);
  return cost;
}

/* The least of both orders of dropping. */
static cost_t cost_of(size_t n, const shape_t *shape, bool cancels) {
  cost_t a = cost_of_one(n, shape, cancels, true), b = cost_of_one(n, shape, cancels, false);

  return (cost_t){a.cancel < b.cancel ? a.cancel : b.cancel, a.drop < b.drop ? a.drop : b.drop};
}

/* Eight times as many: as much for each if linear, 8 times as much if quadratic. */
static void ck_linear(const shape_t *shape, bool cancels) {
  cost_t few = cost_of(FEW, shape, cancels), many = cost_of(MANY, shape, cancels);

  ck_assert_double_lt(many.cancel, 3 * few.cancel + SLACK);
  ck_assert_double_lt(many.drop, 3 * few.drop + SLACK);
}

/* Handles of the host's keep the loops alive, so that they hear of each other. */
static uv_async_t holds[2];

static void away_open(void) {
  own_open(&away);
  uv_async_init(uv, &holds[0], NULL);
  uv_async_init(&away.uv, &holds[1], NULL);
}

static void away_close(void) {
  for (int i = 0; i < 2; i++) uv_close((uv_handle_t *)&holds[i], NULL);
  own_close(&away);
}

START_TEST(cancelling_a_tree_with_half_its_branches_on_another_loop_is_linear) {
  away_open();
  ck_linear(&branches, true);
  away_close();
}
END_TEST

START_TEST(cancelling_a_tree_with_every_other_context_on_another_loop_is_linear) {
  away_open();
  ck_linear(&striped, true);
  away_close();
}
END_TEST

START_TEST(cancelling_many_children_on_two_loops_is_linear) {
  away_open();
  ck_linear(&flat, true);
  away_close();
}
END_TEST

START_TEST(cancelling_many_children_on_one_loop_after_those_on_another_is_linear) {
  away_open();
  ck_linear(&flat_halves, true);
  away_close();
}
END_TEST

START_TEST(dropping_a_tree_with_half_its_branches_on_another_loop_is_linear) {
  away_open();
  ck_linear(&branches, false);
  away_close();
}
END_TEST

START_TEST(dropping_a_tree_with_every_other_context_on_another_loop_is_linear) {
  away_open();
  ck_linear(&striped, false);
  away_close();
}
END_TEST

START_TEST(dropping_many_children_on_two_loops_is_linear) {
  away_open();
  ck_linear(&flat, false);
  away_close();
}
END_TEST

static const support_test_t tests[] = {
    T(cancelling_a_tree_with_half_its_branches_on_another_loop_is_linear),
    T(cancelling_a_tree_with_every_other_context_on_another_loop_is_linear),
    T(cancelling_many_children_on_two_loops_is_linear),
    T(cancelling_many_children_on_one_loop_after_those_on_another_is_linear),
    T(dropping_a_tree_with_half_its_branches_on_another_loop_is_linear),
    T(dropping_a_tree_with_every_other_context_on_another_loop_is_linear),
    T(dropping_many_children_on_two_loops_is_linear),
};

SUITE_MAIN("on_loop_scale", tests)
