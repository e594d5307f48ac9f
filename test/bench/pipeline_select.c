/*
 * pipeline3_select: pipeline3 with a done channel in place of a context, as Go writes it. Each
 * stage waits for `done` beside each receive and each send, by a select; the consumer closes it.
 */
#include "ends.h"

enum { VALUES = 1000000, STAGES = 3 };

/* The generator is one too, with nothing to receive from. */
typedef struct stage_s {
  weir_op_t op;
  weir_case_t recv[2], send[2]; /* the channel, and done */
  uint64_t value;
  bool is_done;
} stage_t;
enum { DONE = 1 };

typedef struct consumer_s {
  weir_op_t op;
  weir_chan_t *in, *done;
  uint64_t value, sum, count, n;
  uint64_t next, disorder; /* the value that is due; not 0 where another came */
} consumer_t;

/* Notes whether the stage is done; otherwise a value has gone or come. */
static bool stage_is_done(stage_t *stage, int status) {
  stage->is_done = weir_op_index(&stage->op) == DONE;
  bench_expect(status == (stage->is_done ? UV_EOF : 0));
  return stage->is_done;
}

static void on_generated(weir_op_t *op, int status) {
  stage_t *stage = (stage_t *)op;

  if (stage_is_done(stage, status)) return;
  stage->value++;
  bench_expect(weir_select(op, stage->send, 2, on_generated) == 0);
}

static void on_received(weir_op_t *op, int status);

static void on_passed(weir_op_t *op, int status) {
  stage_t *stage = (stage_t *)op;

  if (stage_is_done(stage, status)) return;
  bench_expect(weir_select(op, stage->recv, 2, on_received) == 0);
}

static void on_received(weir_op_t *op, int status) {
  stage_t *stage = (stage_t *)op;

  if (stage_is_done(stage, status)) return;
  stage->value++;
  bench_expect(weir_select(op, stage->send, 2, on_passed) == 0);
}

static void stage_start(stage_t *stage, weir_ctx_t *ctx, weir_chan_t *done, weir_chan_t *in,
                        weir_chan_t *out) {
  *stage = (stage_t){
      .recv = {WEIR_RECV(in, &stage->value), WEIR_RECV(done, NULL)},
      .send = {WEIR_SEND(out, &stage->value), WEIR_RECV(done, NULL)},
  };
  weir_op_init(&stage->op, ctx);
  if (in)
    bench_expect(weir_select(&stage->op, stage->recv, 2, on_received) == 0);
  else
    bench_expect(weir_select(&stage->op, stage->send, 2, on_generated) == 0);
}

static void on_consumed(weir_op_t *op, int status) {
  consumer_t *consumer = (consumer_t *)op;

  bench_expect(status == 0);
  consumer->sum += consumer->value;
  consumer->disorder |= consumer->value ^ consumer->next++;
  if (++consumer->count < consumer->n)
    bench_expect(weir_chan_recv(op, consumer->in, &consumer->value, on_consumed) == 0);
  else
    bench_expect(weir_chan_close(consumer->done) == 0);
}

static void consumer_start(consumer_t *consumer, weir_ctx_t *ctx, weir_chan_t *done,
                           weir_chan_t *in, size_t n) {
  *consumer = (consumer_t){.in = in, .done = done, .next = STAGES, .n = n};
  weir_op_init(&consumer->op, ctx);
  bench_expect(weir_chan_recv(&consumer->op, in, &consumer->value, on_consumed) == 0);
}

void bench_pipeline3_select(const bench_t *bench) {
  size_t n = bench_scaled(bench, VALUES);
  weir_chan_t *done = weir_chan_new(bench->loop, NULL, 0), *chans[STAGES + 1];
  stage_t stages[STAGES + 1];
  consumer_t consumer;
  uint64_t start;

  bench_expect(done != NULL);
  for (size_t i = 0; i <= STAGES; i++) chans[i] = bench_chan(bench, 0);
  start = uv_hrtime();
  for (size_t i = 0; i <= STAGES; i++)
    stage_start(&stages[i], bench->ctx, done, i > 0 ? chans[i - 1] : NULL, chans[i]);
  consumer_start(&consumer, bench->ctx, done, chans[STAGES], n);
  bench_run(bench);
  bench_since("pipeline3_select", start, n);
  bench_expect(consumer.count == n && consumer.sum == bench_sum(n) + n * STAGES);
  bench_expect(consumer.disorder == 0);
  for (size_t i = 0; i <= STAGES; i++) bench_expect(stages[i].is_done);
  for (size_t i = 0; i <= STAGES; i++) weir_chan_unref(chans[i]);
  weir_chan_unref(done);
}
