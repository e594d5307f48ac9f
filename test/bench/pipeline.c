/*
 * pipeline3: a generator without end, three stages that add one, and a consumer that cancels them
 * all when it has had enough. Every operation is under the context that it cancels.
 */
#include "ends.h"

enum { VALUES = 1000000, STAGES = 3 };

/* The generator is one too, with nothing to receive from. */
typedef struct stage_s {
  weir_op_t op;
  weir_chan_t *in, *out;
  uint64_t value;
  int end;
} stage_t;

typedef struct consumer_s {
  weir_op_t op;
  weir_ctx_t *ctx; /* cancelled after the last value */
  weir_chan_t *in;
  uint64_t value, sum, left;
} consumer_t;

static void on_generated(weir_op_t *op, int status) {
  stage_t *stage = (stage_t *)op;

  stage->end = status;
  if (status) return;
  stage->value++;
  bench_expect(weir_chan_send(op, stage->out, &stage->value, on_generated) == 0);
}

static void on_received(weir_op_t *op, int status);

static void on_passed(weir_op_t *op, int status) {
  stage_t *stage = (stage_t *)op;

  stage->end = status;
  if (status) return;
  bench_expect(weir_chan_recv(op, stage->in, &stage->value, on_received) == 0);
}

static void on_received(weir_op_t *op, int status) {
  stage_t *stage = (stage_t *)op;

  stage->end = status;
  if (status) return;
  stage->value++;
  bench_expect(weir_chan_send(op, stage->out, &stage->value, on_passed) == 0);
}

static void stage_start(stage_t *stage, weir_ctx_t *ctx, weir_chan_t *in, weir_chan_t *out) {
  *stage = (stage_t){.in = in, .out = out};
  weir_op_init(&stage->op, ctx);
  if (in)
    bench_expect(weir_chan_recv(&stage->op, in, &stage->value, on_received) == 0);
  else
    bench_expect(weir_chan_send(&stage->op, out, &stage->value, on_generated) == 0);
}

static void on_consumed(weir_op_t *op, int status) {
  consumer_t *consumer = (consumer_t *)op;

  bench_expect(status == 0);
  consumer->sum += consumer->value;
  if (--consumer->left > 0)
    bench_expect(weir_chan_recv(op, consumer->in, &consumer->value, on_consumed) == 0);
  else
    weir_ctx_cancel(consumer->ctx);
}

static void consumer_start(consumer_t *consumer, weir_ctx_t *ctx, weir_chan_t *in, size_t n) {
  *consumer = (consumer_t){.ctx = ctx, .in = in, .left = n};
  weir_op_init(&consumer->op, ctx);
  bench_expect(weir_chan_recv(&consumer->op, in, &consumer->value, on_consumed) == 0);
}

void bench_pipeline3(const bench_t *bench) {
  size_t n = bench_scaled(bench, VALUES);
  weir_ctx_t *ctx = weir_ctx_with_cancel(bench->ctx);
  weir_chan_t *chans[STAGES + 1];
  stage_t stages[STAGES + 1];
  consumer_t consumer;
  uint64_t start;

  bench_expect(ctx != NULL);
  for (size_t i = 0; i <= STAGES; i++) chans[i] = bench_chan(bench, 0);
  start = uv_hrtime();
  for (size_t i = 0; i <= STAGES; i++)
    stage_start(&stages[i], ctx, i > 0 ? chans[i - 1] : NULL, chans[i]);
  consumer_start(&consumer, ctx, chans[STAGES], n);
  bench_run(bench);
  bench_since("pipeline3", start, n);
  bench_expect(consumer.left == 0 && consumer.sum == bench_sum(n) + n * STAGES);
  for (size_t i = 0; i <= STAGES; i++) bench_expect(stages[i].end == UV_ECANCELED);
  for (size_t i = 0; i <= STAGES; i++) weir_chan_unref(chans[i]);
  weir_ctx_unref(ctx);
}
