/* One sender, one receiver: rendezvous, buffered128, range, many64. */
#include "bench.h"

enum { VALUES = 1000000, BATCH = 64 };

/* value by value */

typedef struct receiver_s {
  weir_op_t op;
  weir_chan_t *ch;
  uint64_t value, sum, left;
} receiver_t;

static void on_received(weir_op_t *op, int status) {
  receiver_t *receiver = (receiver_t *)op;

  bench_expect(status == 0);
  receiver->sum += receiver->value;
  if (--receiver->left > 0)
    bench_expect(weir_chan_recv(op, receiver->ch, &receiver->value, on_received) == 0);
}

static void receiver_start(receiver_t *receiver, weir_ctx_t *ctx, weir_chan_t *ch, size_t n) {
  *receiver = (receiver_t){.ch = ch, .left = n};
  weir_op_init(&receiver->op, ctx);
  bench_expect(weir_chan_recv(&receiver->op, ch, &receiver->value, on_received) == 0);
}

static void stream(const bench_t *bench, const char *name, size_t capacity) {
  size_t n = bench_scaled(bench, VALUES);
  weir_chan_t *ch = bench_chan(bench, capacity);
  sender_t sender;
  receiver_t receiver;
  uint64_t start = uv_hrtime();

  sender_start(&sender, bench->ctx, ch, n, false);
  receiver_start(&receiver, bench->ctx, ch, n);
  bench_run(bench);
  bench_since(name, start, n);
  bench_expect(receiver.left == 0 && receiver.sum == bench_sum(n));
  weir_chan_unref(ch);
}

void bench_rendezvous(const bench_t *bench) {
  stream(bench, "rendezvous", 0);
}

void bench_buffered128(const bench_t *bench) {
  stream(bench, "buffered128", 128);
}

/* range */

typedef struct ranger_s {
  weir_range_t range;
  uint64_t sum;
  int end;
} ranger_t;

static void on_value(weir_range_t *range, const void *value, int status) {
  ranger_t *ranger = (ranger_t *)range;

  if (status)
    ranger->end = status;
  else
    ranger->sum += *(const uint64_t *)value;
}

void bench_range(const bench_t *bench) {
  size_t n = bench_scaled(bench, VALUES);
  weir_chan_t *ch = bench_chan(bench, 0);
  ranger_t ranger = {0};
  sender_t sender;
  uint64_t start = uv_hrtime();

  weir_range_init(&ranger.range, bench->ctx);
  bench_expect(weir_range_start(&ranger.range, ch, on_value) == 0);
  sender_start(&sender, bench->ctx, ch, n, true);
  bench_run(bench);
  bench_since("range", start, n);
  bench_expect(ranger.end == UV_EOF && ranger.sum == bench_sum(n));
  weir_chan_unref(ch);
}

/* many at a time */

typedef struct batch_s {
  weir_op_t op;
  weir_chan_t *ch;
  uint64_t values[BATCH];
  uint64_t next, n;
  uint64_t sum;
} batch_t;

static void batch_fill(batch_t *batch) {
  for (size_t i = 0; i < BATCH; i++) batch->values[i] = batch->next++;
}

static void on_batch_sent(weir_op_t *op, int status) {
  batch_t *batch = (batch_t *)op;

  bench_expect(status == 0 && weir_op_index(op) == BATCH);
  if (batch->next == batch->n) return;
  batch_fill(batch);
  bench_expect(weir_chan_send_many(op, batch->ch, batch->values, BATCH, on_batch_sent) == 0);
}

static void on_batch_received(weir_op_t *op, int status) {
  batch_t *batch = (batch_t *)op;

  bench_expect(status == 0);
  for (size_t i = 0; i < weir_op_index(op); i++) batch->sum += batch->values[i];
  batch->next += weir_op_index(op);
  if (batch->next == batch->n) return;
  bench_expect(weir_chan_recv_many(op, batch->ch, batch->values, BATCH, on_batch_received) == 0);
}

void bench_many64(const bench_t *bench) {
  size_t n = bench_scaled(bench, VALUES);
  weir_chan_t *ch = bench_chan(bench, 128);
  batch_t sender = {.ch = ch, .n = n}, receiver = {.ch = ch, .n = n};
  uint64_t start = uv_hrtime();

  weir_op_init(&sender.op, bench->ctx);
  weir_op_init(&receiver.op, bench->ctx);
  batch_fill(&sender);
  bench_expect(weir_chan_send_many(&sender.op, ch, sender.values, BATCH, on_batch_sent) == 0);
  bench_expect(weir_chan_recv_many(&receiver.op, ch, receiver.values, BATCH, on_batch_received) ==
               0);
  bench_run(bench);
  bench_since("many64", start, n);
  bench_expect(receiver.next == n && receiver.sum == bench_sum(n));
  weir_chan_unref(ch);
}
