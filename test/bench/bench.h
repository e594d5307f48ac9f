/* What the workloads share: a loop of their own, checks, results, and the stream's two ends. */
#ifndef WEIR_BENCH_H
#define WEIR_BENCH_H

#include <weir.h>

/* A fresh loop for each round of a workload. */
typedef struct bench_s {
  weir_loop_t *loop;
  weir_ctx_t *ctx; /* the background */
  double scale;    /* of the number of values */
} bench_t;

/* A wrong result ends the program with status 1. */
#define bench_expect(condition)                                                                    \
  do {                                                                                             \
    if (!(condition)) bench_fail(WEIR_HERE, #condition);                                           \
  } while (0)
_Noreturn void bench_fail(const char *where, const char *condition);

/* n, scaled: a multiple of 64, and at least that. */
size_t bench_scaled(const bench_t *bench, size_t n);

/* Notes a figure of this round: `name` and `unit` are literals. */
void bench_result(const char *name, const char *unit, double value);

/* Notes the nanoseconds since `start` (uv_hrtime) for each of n. */
void bench_since(const char *name, uint64_t start, size_t n);

/* Runs the loop until nothing is left that could wake it; no operation may be left parked. */
void bench_run(const bench_t *bench);

/* Room for n things of `size` bytes; not zeroed. */
void *bench_alloc(size_t n, size_t size);

weir_chan_t *bench_chan(const bench_t *bench, size_t capacity); /* of uint64_t */

/* Sends 0, 1, ... below n, starting the next from the callback of the last. */
typedef struct sender_s {
  weir_op_t op; /* first, so that an op's callback finds its sender */
  weir_chan_t *ch;
  uint64_t value, n;
  bool closes; /* the channel, after the last value */
} sender_t;
void sender_start(sender_t *sender, weir_ctx_t *ctx, weir_chan_t *ch, size_t n, bool closes);

/* The sum of what such a sender sends. */
uint64_t bench_sum(uint64_t n);

void bench_rendezvous(const bench_t *bench);
void bench_buffered128(const bench_t *bench);
void bench_range(const bench_t *bench);
void bench_many64(const bench_t *bench);
void bench_select4(const bench_t *bench);
void bench_pipeline3(const bench_t *bench);
void bench_park(const bench_t *bench);
void bench_idle(const bench_t *bench);
void bench_ctx(const bench_t *bench);
void bench_sleeps(const bench_t *bench);

#endif
