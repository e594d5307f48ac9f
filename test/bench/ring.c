/*
 * ring: a token goes round a ring of 10,000 channels 100 times. Each node receives from its channel
 * and sends to the next one's, and the origin, the last of them, counts the laps. The token counts
 * the hops.
 */
#include "bench.h"

#include <stdlib.h>

enum { CHANNELS = 10000, LAPS = 100 };

typedef struct node_s {
  weir_op_t op;
  weir_chan_t *in, *out;
  uint64_t token;
} node_t;

typedef struct origin_s {
  node_t node; /* first, so that an op's callback finds it */
  size_t lap, laps;
  uint64_t ended;
} origin_t;

static void on_passed(weir_op_t *op, int status);

static void on_token(weir_op_t *op, int status) {
  node_t *node = (node_t *)op;

  if (status == 0) {
    node->token++;
    bench_expect(weir_chan_send(op, node->out, &node->token, on_passed) == 0);
  } else {
    bench_expect(status == UV_EOF && weir_chan_close(node->out) == 0);
  }
}

static void on_passed(weir_op_t *op, int status) {
  node_t *node = (node_t *)op;

  bench_expect(status == 0);
  bench_expect(weir_chan_recv(op, node->in, &node->token, on_token) == 0);
}

static void node_start(node_t *node, weir_ctx_t *ctx, weir_chan_t *in, weir_chan_t *out) {
  *node = (node_t){.in = in, .out = out};
  weir_op_init(&node->op, ctx);
  bench_expect(weir_chan_recv(&node->op, in, &node->token, on_token) == 0);
}

/* the origin */

static void on_sent(weir_op_t *op, int status);

/* The close goes round once more, and ends all nodes. */
static void on_lap(weir_op_t *op, int status) {
  origin_t *origin = (origin_t *)op;

  bench_expect(status == 0);
  origin->node.token++;
  bench_expect(origin->node.token == ++origin->lap * CHANNELS);
  if (origin->lap < origin->laps) {
    bench_expect(weir_chan_send(op, origin->node.out, &origin->node.token, on_sent) == 0);
  } else {
    origin->ended = uv_hrtime();
    bench_expect(weir_chan_close(origin->node.out) == 0);
  }
}

static void on_sent(weir_op_t *op, int status) {
  origin_t *origin = (origin_t *)op;

  bench_expect(status == 0);
  bench_expect(weir_chan_recv(op, origin->node.in, &origin->node.token, on_lap) == 0);
}

static void origin_start(origin_t *origin, weir_ctx_t *ctx, weir_chan_t *in, weir_chan_t *out,
                         size_t laps) {
  *origin = (origin_t){.node = {.in = in, .out = out}, .laps = laps};
  weir_op_init(&origin->node.op, ctx);
  bench_expect(weir_chan_send(&origin->node.op, out, &origin->node.token, on_sent) == 0);
}

void bench_ring(const bench_t *bench) {
  size_t laps = bench_scaled_exactly(bench, LAPS), last = CHANNELS - 1;
  weir_chan_t **chans = bench_alloc(CHANNELS, sizeof(weir_chan_t *));
  node_t *nodes = bench_alloc(last, sizeof(*nodes));
  origin_t origin;
  uint64_t start;

  for (size_t i = 0; i < CHANNELS; i++) chans[i] = bench_chan(bench, 0);
  start = uv_hrtime();
  for (size_t i = 0; i < last; i++) node_start(&nodes[i], bench->ctx, chans[i], chans[i + 1]);
  origin_start(&origin, bench->ctx, chans[last], chans[0], laps);
  bench_run(bench);
  bench_result("ring", "ns", (double)(origin.ended - start) / (double)(laps * CHANNELS));
  bench_expect(origin.lap == laps && weir_chan_closed(chans[last]));
  for (size_t i = 0; i < CHANNELS; i++) weir_chan_unref(chans[i]);
  free(nodes);
  free(chans);
}
