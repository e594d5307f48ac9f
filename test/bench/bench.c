/* The workloads' common parts. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

void bench_fail(const char *where, const char *condition) {
  fprintf(stderr, "%s: wrong result: %s\n", where, condition);
  exit(1);
}

size_t bench_scaled(const bench_t *bench, size_t n) {
  size_t scaled = (size_t)((double)n * bench->scale) / 64 * 64;

  return scaled > 0 ? scaled : 64;
}

size_t bench_scaled_exactly(const bench_t *bench, size_t n) {
  size_t scaled = (size_t)((double)n * bench->scale);

  return scaled > 0 ? scaled : 1;
}

void bench_since(const char *name, uint64_t start, size_t n) {
  bench_result(name, "ns", (double)(uv_hrtime() - start) / (double)n);
}

void *bench_alloc(size_t n, size_t size) {
  void *memory = malloc(n * size);

  bench_expect(memory != NULL);
  return memory;
}

/* loops */

void bench_open(bench_t *bench, uv_loop_t *uv, double scale) {
  *bench = (bench_t){.scale = scale};
  bench_expect(uv_loop_init(uv) == 0);
  bench_expect(weir_loop_new(&bench->loop, uv) == 0);
  bench->ctx = weir_loop_background(bench->loop);
}

void bench_close(const bench_t *bench) {
  uv_loop_t *uv = weir_loop_uv(bench->loop);

  weir_loop_close(bench->loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  bench_expect(uv_loop_close(uv) == 0);
}

void bench_run(const bench_t *bench) {
  bench_expect(weir_run(bench->loop) == 0);
}

/* channels */

weir_chan_t *bench_chan(const bench_t *bench, size_t capacity) {
  weir_chan_t *ch = weir_chan_new(bench->loop, WEIR_TYPE(uint64_t), capacity);

  bench_expect(ch != NULL);
  return ch;
}

weir_chan_t *bench_shared(size_t capacity) {
  weir_chan_t *ch = weir_chan_new_shared(WEIR_TYPE(uint64_t), capacity);

  bench_expect(ch != NULL);
  return ch;
}

/* threads */

typedef struct beside_s {
  bench_part part;
  void *arg;
  double scale;
  uv_barrier_t *meet;
  uv_thread_t thread;
} beside_t;

static void run_beside(void *arg) {
  beside_t *beside = arg;
  uv_loop_t uv;
  bench_t bench;

  bench_open(&bench, &uv, beside->scale);
  bench.meet = beside->meet;
  beside->part(&bench, beside->arg);
  bench_close(&bench);
}

void bench_among(const bench_t *bench, const bench_part *there, size_t n, bench_part here,
                 void *arg) {
  beside_t *beside = bench_alloc(n, sizeof(*beside));
  bench_t mine = *bench;
  uv_barrier_t meet;

  mine.meet = &meet;
  bench_expect(uv_barrier_init(&meet, (unsigned)n + 1) == 0);
  for (size_t i = 0; i < n; i++) {
    beside[i] = (beside_t){.part = there[i], .arg = arg, .scale = bench->scale, .meet = &meet};
    bench_expect(uv_thread_create(&beside[i].thread, run_beside, &beside[i]) == 0);
  }
  here(&mine, arg);
  for (size_t i = 0; i < n; i++) bench_expect(uv_thread_join(&beside[i].thread) == 0);
  uv_barrier_destroy(&meet);
  free(beside);
}

void bench_beside(const bench_t *bench, bench_part there, bench_part here, void *arg) {
  bench_among(bench, &there, 1, here, arg);
}

void bench_meet(const bench_t *bench) {
  bench_expect(uv_barrier_wait(bench->meet) >= 0);
}
