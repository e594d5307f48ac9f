/* The two ends of a stream. */
#include "ends.h"

uint64_t bench_sum(uint64_t n) {
  return n * (n - 1) / 2;
}

/* value by value */

static void on_sent(weir_op_t *op, int status) {
  sender_t *sender = (sender_t *)op;

  bench_expect(status == 0);
  if (++sender->value < sender->n)
    bench_expect(weir_chan_send(op, sender->ch, &sender->value, on_sent) == 0);
  else if (sender->closes)
    bench_expect(weir_chan_close(sender->ch) == 0);
}

void sender_start(sender_t *sender, weir_ctx_t *ctx, weir_chan_t *ch, size_t n, bool closes) {
  *sender = (sender_t){.ch = ch, .n = n, .closes = closes};
  weir_op_init(&sender->op, ctx);
  bench_expect(weir_chan_send(&sender->op, ch, &sender->value, on_sent) == 0);
}

static void on_received(weir_op_t *op, int status) {
  receiver_t *receiver = (receiver_t *)op;

  receiver->end = status;
  if (status) return;
  receiver->sum += receiver->value;
  receiver->disorder |= receiver->value ^ receiver->count;
  if (++receiver->count < receiver->n)
    bench_expect(weir_chan_recv(op, receiver->ch, &receiver->value, on_received) == 0);
}

void receiver_start(receiver_t *receiver, weir_ctx_t *ctx, weir_chan_t *ch, size_t n) {
  *receiver = (receiver_t){.ch = ch, .n = n};
  weir_op_init(&receiver->op, ctx);
  bench_expect(weir_chan_recv(&receiver->op, ch, &receiver->value, on_received) == 0);
}

/* range */

static void on_value(weir_range_t *range, const void *value, int status) {
  ranger_t *ranger = (ranger_t *)range;
  uint64_t number;

  ranger->end = status;
  if (status) return;
  number = *(const uint64_t *)value;
  ranger->sum += number;
  ranger->disorder |= number ^ ranger->count++;
}

void ranger_start(ranger_t *ranger, weir_ctx_t *ctx, weir_chan_t *ch) {
  *ranger = (ranger_t){.end = 0};
  weir_range_init(&ranger->range, ctx);
  bench_expect(weir_range_start(&ranger->range, ch, on_value) == 0);
}

/* many at a time */

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

void batch_send(batch_t *batch, weir_ctx_t *ctx, weir_chan_t *ch, size_t n) {
  *batch = (batch_t){.ch = ch, .n = n};
  weir_op_init(&batch->op, ctx);
  batch_fill(batch);
  bench_expect(weir_chan_send_many(&batch->op, ch, batch->values, BATCH, on_batch_sent) == 0);
}

static void on_batch_received(weir_op_t *op, int status) {
  batch_t *batch = (batch_t *)op;

  bench_expect(status == 0);
  for (size_t i = 0; i < weir_op_index(op); i++) batch->sum += batch->values[i];
  batch->next += weir_op_index(op);
  if (batch->next == batch->n) return;
  bench_expect(weir_chan_recv_many(op, batch->ch, batch->values, BATCH, on_batch_received) == 0);
}

void batch_recv(batch_t *batch, weir_ctx_t *ctx, weir_chan_t *ch, size_t n) {
  *batch = (batch_t){.ch = ch, .n = n};
  weir_op_init(&batch->op, ctx);
  bench_expect(weir_chan_recv_many(&batch->op, ch, batch->values, BATCH, on_batch_received) == 0);
}
