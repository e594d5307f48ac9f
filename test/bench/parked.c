/*
 * Parked receives, each an operation of its own, all on one channel: what it costs to park them and
 * to wake them by a close (park), and that a loop with many of them waits without using CPU (idle).
 */
#include "bench.h"

#include <stdlib.h>

enum { MOST_BYTES = 160, MOST_IDLE_MS = 20, IDLE_MS = 200 };

typedef struct parked_s {
  weir_op_t *ops;
  weir_chan_t *ch;
  size_t n, woken;
  uint64_t value; /* where all of them would receive */
} parked_t;

static void on_woken(weir_op_t *op, int status) {
  parked_t *parked = op->data;

  bench_expect(status == UV_EOF);
  parked->woken++;
}

static void parked_init(parked_t *parked, const bench_t *bench, size_t n) {
  *parked = (parked_t){.n = n, .ch = bench_chan(bench, 0)};
  parked->ops = bench_alloc(n, sizeof(*parked->ops));
  for (size_t i = 0; i < n; i++) {
    parked->ops[i].data = parked;
    weir_op_init(&parked->ops[i], bench->ctx);
  }
}

static void parked_start(parked_t *parked) {
  for (size_t i = 0; i < parked->n; i++)
    bench_expect(weir_chan_recv(&parked->ops[i], parked->ch, &parked->value, on_woken) == 0);
}

static void parked_wake(parked_t *parked, const bench_t *bench) {
  bench_expect(weir_chan_close(parked->ch) == 0);
  bench_run(bench);
  bench_expect(parked->woken == parked->n);
}

static void parked_free(parked_t *parked) {
  weir_chan_unref(parked->ch);
  free(parked->ops);
}

static void park(const bench_t *bench, size_t n, const char *park_name, const char *wake_name) {
  parked_t parked;
  uint64_t start;

  parked_init(&parked, bench, n);
  start = uv_hrtime();
  parked_start(&parked);
  bench_since(park_name, start, n);
  bench_expect(weir_run(bench->loop) == n);
  start = uv_hrtime();
  parked_wake(&parked, bench);
  bench_since(wake_name, start, n);
  parked_free(&parked);
}

void bench_park(const bench_t *bench) {
  bench_expect(sizeof(weir_op_t) <= MOST_BYTES);
  bench_result("park.bytes", "bytes", (double)sizeof(weir_op_t));
  park(bench, bench_scaled(bench, 100000), "park.100k.park", "park.100k.wake");
  park(bench, bench_scaled(bench, 1000000), "park.park", "park.wake");
}

/* Of this process, in milliseconds. */
static double cpu_time(void) {
  uv_rusage_t usage;

  bench_expect(uv_getrusage(&usage) == 0);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

void bench_idle(const bench_t *bench) {
  parked_t parked;
  weir_op_t sleeper;
  double before, used;

  parked_init(&parked, bench, bench_scaled(bench, 100000));
  parked_start(&parked);
  weir_op_init(&sleeper, bench->ctx);
  before = cpu_time();
  bench_expect(weir_sleep(&sleeper, IDLE_MS, NULL) == 0);
  bench_expect(weir_run(bench->loop) == parked.n);
  used = cpu_time() - before;
  bench_result("idle.cpu", "ms", used);
  bench_expect(weir_op_status(&sleeper) == 0 && used < MOST_IDLE_MS);
  parked_wake(&parked, bench);
  parked_free(&parked);
}
