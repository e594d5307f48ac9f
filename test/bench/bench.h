/* What the workloads share: loops and threads of their own, checks, results. */
#ifndef WEIR_BENCH_H
#define WEIR_BENCH_H

#include <weir.h>

/* A fresh loop for each round of a workload. */
typedef struct bench_s {
  weir_loop_t *loop;
  weir_ctx_t *ctx;    /* the background */
  double scale;       /* of the number of values */
  uv_barrier_t *meet; /* of the threads of bench_beside */
} bench_t;

/* Opens a loop on `uv`, which it initialises; closes both again. */
void bench_open(bench_t *bench, uv_loop_t *uv, double scale);
void bench_close(const bench_t *bench);

/* A wrong result ends the program with status 1. */
#define bench_expect(condition)                                                                    \
  do {                                                                                             \
    if (!(condition)) bench_fail(WEIR_HERE, #condition);                                           \
  } while (0)
_Noreturn void bench_fail(const char *where, const char *condition);

/* n, scaled: a multiple of 64, and at least that. */
size_t bench_scaled(const bench_t *bench, size_t n);

/* n, scaled: at least 1. */
size_t bench_scaled_exactly(const bench_t *bench, size_t n);

/* Notes a figure of this round: `name` and `unit` are literals. Main thread. */
void bench_result(const char *name, const char *unit, double value);

/* Notes the nanoseconds since `start` (uv_hrtime) for each of n. */
void bench_since(const char *name, uint64_t start, size_t n);

/* Runs the loop until nothing is left that could wake it; no operation may be left parked. */
void bench_run(const bench_t *bench);

/* Room for n things of `size` bytes; not zeroed. */
void *bench_alloc(size_t n, size_t size);

weir_chan_t *bench_chan(const bench_t *bench, size_t capacity); /* of uint64_t */
weir_chan_t *bench_shared(size_t capacity);                     /* the same, shared */

/*
 * Runs `here` on this thread with `bench`'s loop, and beside it `there` on a thread with a loop of
 * its own; bench_among: n of them. Returns when all have. bench_meet waits until all call it.
 */
typedef void (*bench_part)(const bench_t *bench, void *arg);
void bench_beside(const bench_t *bench, bench_part there, bench_part here, void *arg);
void bench_among(const bench_t *bench, const bench_part *there, size_t n, bench_part here,
                 void *arg);
void bench_meet(const bench_t *bench);

void bench_rendezvous(const bench_t *bench);
void bench_rendezvous10(const bench_t *bench);
void bench_rendezvous100(const bench_t *bench);
void bench_rendezvous1000(const bench_t *bench);
void bench_rendezvous10000(const bench_t *bench);
void bench_buffered1(const bench_t *bench);
void bench_buffered128(const bench_t *bench);
void bench_buffered4096(const bench_t *bench);
void bench_range(const bench_t *bench);
void bench_many64(const bench_t *bench);
void bench_try_empty(const bench_t *bench);
void bench_chans(const bench_t *bench);
void bench_select2(const bench_t *bench);
void bench_select4(const bench_t *bench);
void bench_select32(const bench_t *bench);
void bench_select128(const bench_t *bench);
void bench_select4_one(const bench_t *bench);
void bench_pipeline3(const bench_t *bench);
void bench_pipeline10(const bench_t *bench);
void bench_pipeline3_select(const bench_t *bench);
void bench_pipe3(const bench_t *bench);
void bench_pipe10(const bench_t *bench);
void bench_fan_in8(const bench_t *bench);
void bench_fan_in1000(const bench_t *bench);
void bench_fan_in8_hand(const bench_t *bench);
void bench_sieve(const bench_t *bench);
void bench_ring(const bench_t *bench);
void bench_skynet(const bench_t *bench);
void bench_park(const bench_t *bench);
void bench_idle(const bench_t *bench);
void bench_ctx(const bench_t *bench);
void bench_sleeps(const bench_t *bench);
void bench_sleeps_expire(const bench_t *bench);

/* shared channels, threads */
void bench_shared_rendezvous(const bench_t *bench);
void bench_shared_buffered128(const bench_t *bench);
void bench_thread0(const bench_t *bench);
void bench_thread1(const bench_t *bench);
void bench_thread128(const bench_t *bench);
void bench_thread1024(const bench_t *bench);
void bench_thread41_0(const bench_t *bench);
void bench_thread41_1(const bench_t *bench);
void bench_thread41_128(const bench_t *bench);
void bench_thread41_1024(const bench_t *bench);
void bench_thread14_0(const bench_t *bench);
void bench_thread14_1(const bench_t *bench);
void bench_thread14_128(const bench_t *bench);
void bench_thread14_1024(const bench_t *bench);
void bench_thread44_0(const bench_t *bench);
void bench_thread44_1(const bench_t *bench);
void bench_thread44_128(const bench_t *bench);
void bench_thread44_1024(const bench_t *bench);
void bench_thread44x_128(const bench_t *bench);
void bench_thread_range128(const bench_t *bench);
void bench_thread_range1024(const bench_t *bench);
void bench_thread_many64(const bench_t *bench);
void bench_thread_many64_128(const bench_t *bench);
void bench_blocking128(const bench_t *bench);
void bench_blocking1024(const bench_t *bench);
void bench_blocking_both128(const bench_t *bench);
void bench_blocking_both1024(const bench_t *bench);
void bench_pingpong(const bench_t *bench);
void bench_pingpong_nospin(const bench_t *bench);
void bench_pingpong_busy(const bench_t *bench);
void bench_uv_pingpong(const bench_t *bench);
void bench_uv_pingpong_busy(const bench_t *bench);
void bench_tcp_latency(const bench_t *bench);
void bench_uv_tcp_latency(const bench_t *bench);
void bench_ctx_tree_loops(const bench_t *bench);

/* the thread pool */
void bench_work100us(const bench_t *bench);
void bench_work1us(const bench_t *bench);
void bench_uv_work100us(const bench_t *bench);
void bench_uv_work1us(const bench_t *bench);

#endif
