/*
 * pipeline3, pipeline10: a generator without end, so many stages that add one, and a consumer that
 * cancels them all when it has had enough. Every operation is under the context that it cancels, so
 * that this is Go's pipeline whose stages watch a done channel, and the plain one as well.
 */
#include "ends.h"

enum { MOST_STAGES = 10 };

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
  uint64_t value, sum, count, n;
  uint64_t next, disorder; /* the value that is due; not 0 where another came */
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
  consumer->disorder |= consumer->value ^ consumer->next++;
  if (++consumer->count < consumer->n)
    bench_expect(weir_chan_recv(op, consumer->in, &consumer->value, on_consumed) == 0);
  else
    weir_ctx_cancel(consumer->ctx);
}

static void consumer_start(consumer_t *consumer, weir_ctx_t *ctx, weir_chan_t *in, size_t stages,
                           size_t n) {
  *consumer = (consumer_t){.ctx = ctx, .in = in, .next = stages, .n = n};
  weir_op_init(&consumer->op, ctx);
  bench_expect(weir_chan_recv(&consumer->op, in, &consumer->value, on_consumed) == 0);
}

static void pipeline(const bench_t *bench, size_t count, size_t values, const char *name) {
  size_t n = bench_scaled(bench, values);
  weir_ctx_t *ctx = weir_ctx_with_cancel(bench->ctx);
  weir_chan_t *chans[MOST_STAGES + 1];
  stage_t stages[MOST_STAGES + 1];
  consumer_t consumer;
  uint64_t start;

  bench_expect(ctx != NULL);
  for (size_t i = 0; i <= count; i++) chans[i] = bench_chan(bench, 0);
  start = uv_hrtime();
  for (size_t i = 0; i <= count; i++)
    stage_start(&stages[i], ctx, i > 0 ? chans[i - 1] : NULL, chans[i]);
  consumer_start(&consumer, ctx, chans[count], count, n);
  bench_run(bench);
  bench_since(name, start, n);
  bench_expect(consumer.count == n && consumer.sum == bench_sum(n) + n * count);
  bench_expect(consumer.disorder == 0);
  for (size_t i = 0; i <= count; i++) bench_expect(stages[i].end == UV_ECANCELED);
  for (size_t i = 0; i <= count; i++) weir_chan_unref(chans[i]);
  weir_ctx_unref(ctx);
}

void bench_pipeline3(const bench_t *bench) {
  pipeline(bench, 3, 1000000, "pipeline3");
}

void bench_pipeline10(const bench_t *bench) {
  pipeline(bench, 10, 300000, "pipeline10");
}
