/*
 * skynet: a tree of 100,000 leaves, ten children to a node. Each leaf sends its number to its
 * parent; each other node makes a channel and its children, receives ten numbers, and sends the sum
 * to its own parent. A node is an object of its own, freed when its number has gone.
 *
 * A child is started by a direct call, which is no deeper than the tree: what it does at once is to
 * start an operation, and that is what lets the others run.
 *
 * Several trees, one after the other; the figure is for each.
 */
#include "bench.h"

#include <stdlib.h>

enum { TREES = 5, LEAVES = 100000, CHILDREN = 10 };

typedef struct node_s {
  weir_op_t op; /* first, so that an op's callback finds its node */
  weir_chan_t *parent, *ch;
  uint64_t value, sum;
  size_t missing; /* children whose number has not come */
} node_t;

static void on_sent(weir_op_t *op, int status) {
  bench_expect(status == 0);
  free(op);
}

static void on_number(weir_op_t *op, int status) {
  node_t *node = (node_t *)op;

  bench_expect(status == 0);
  node->sum += node->value;
  if (--node->missing > 0) {
    bench_expect(weir_chan_recv(op, node->ch, &node->value, on_number) == 0);
  } else {
    weir_chan_unref(node->ch);
    bench_expect(weir_chan_send(op, node->parent, &node->sum, on_sent) == 0);
  }
}

/* `number` is that of the first of its leaves. */
static void node_start(const bench_t *bench, weir_chan_t *parent, uint64_t number, size_t leaves) {
  node_t *node = bench_alloc(1, sizeof(*node));

  *node = (node_t){.parent = parent, .missing = CHILDREN};
  weir_op_init(&node->op, bench->ctx);
  if (leaves == 1) {
    node->sum = number;
    bench_expect(weir_chan_send(&node->op, parent, &node->sum, on_sent) == 0);
    return;
  }
  node->ch = bench_chan(bench, 0);
  leaves /= CHILDREN;
  for (size_t i = 0; i < CHILDREN; i++) node_start(bench, node->ch, number + i * leaves, leaves);
  bench_expect(weir_chan_recv(&node->op, node->ch, &node->value, on_number) == 0);
}

static void tree(const bench_t *bench) {
  weir_chan_t *ch = bench_chan(bench, 0);
  uint64_t sum = 0;
  weir_op_t op;

  weir_op_init(&op, bench->ctx);
  node_start(bench, ch, 0, LEAVES);
  bench_expect(weir_chan_recv(&op, ch, &sum, NULL) == 0);
  bench_run(bench);
  bench_expect(weir_op_status(&op) == 0 && sum == 4999950000);
  weir_chan_unref(ch);
}

void bench_skynet(const bench_t *bench) {
  size_t trees = bench_scaled_exactly(bench, TREES);
  uint64_t start = uv_hrtime();

  for (size_t i = 0; i < trees; i++) tree(bench);
  bench_result("skynet", "ms", (double)(uv_hrtime() - start) / 1e6 / (double)trees);
}
