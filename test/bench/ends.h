/* The two ends of a stream of uint64_t, in callback style. */
#ifndef WEIR_BENCH_ENDS_H
#define WEIR_BENCH_ENDS_H

#include "bench.h"

/* The sum of 0, 1, ... below n, which is what senders send. */
uint64_t bench_sum(uint64_t n);

/* Sends value by value, starting the next from the callback of the last. */
typedef struct sender_s {
  weir_op_t op; /* first, so that an op's callback finds its sender */
  weir_chan_t *ch;
  uint64_t value, n;
  bool closes; /* the channel, after the last value */
} sender_t;
void sender_start(sender_t *sender, weir_ctx_t *ctx, weir_chan_t *ch, size_t n, bool closes);

/* Receives value by value: at most n, or until the channel ends. */
typedef struct receiver_s {
  weir_op_t op;
  weir_chan_t *ch;
  uint64_t value, sum, count, n;
  uint64_t disorder; /* 0 where the values came as one sender sends them */
  int end;           /* 0, or the status that was the end */
} receiver_t;
void receiver_start(receiver_t *receiver, weir_ctx_t *ctx, weir_chan_t *ch, size_t n);

/* The same as a range, until the channel ends. */
typedef struct ranger_s {
  weir_range_t range;
  uint64_t sum, count, disorder;
  int end;
} ranger_t;
void ranger_start(ranger_t *ranger, weir_ctx_t *ctx, weir_chan_t *ch);

/* Sends n values, a multiple of BATCH, so many at a time; receives n, at most so many at a time. */
enum { BATCH = 64 };
typedef struct batch_s {
  weir_op_t op;
  weir_chan_t *ch;
  uint64_t values[BATCH];
  uint64_t next, n, sum;
} batch_t;
void batch_send(batch_t *batch, weir_ctx_t *ctx, weir_chan_t *ch, size_t n);
void batch_recv(batch_t *batch, weir_ctx_t *ctx, weir_chan_t *ch, size_t n);

#endif
