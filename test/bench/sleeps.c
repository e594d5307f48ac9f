/* A million sleeps at once, all of them cancelled (sleeps), or waited for (sleeps_expire). */
#include "bench.h"

#include <stdlib.h>

enum { SLEEPS = 1000000, HOUR_MS = 3600000, LONGEST_MS = 64 };

/* The same in every run, in no order. */
static uint64_t spread(size_t i) {
  return i * 2654435761u;
}

typedef struct sleepers_s {
  weir_op_t *ops;
  size_t n, woken;
  int status; /* that each of them is to complete with */
} sleepers_t;

static void on_woken(weir_op_t *op, int status) {
  sleepers_t *sleepers = op->data;

  bench_expect(status == sleepers->status);
  sleepers->woken++;
}

static void sleepers_init(sleepers_t *sleepers, const bench_t *bench, int status) {
  *sleepers = (sleepers_t){.n = bench_scaled(bench, SLEEPS), .status = status};
  sleepers->ops = bench_alloc(sleepers->n, sizeof(*sleepers->ops));
  for (size_t i = 0; i < sleepers->n; i++) {
    sleepers->ops[i].data = sleepers;
    weir_op_init(&sleepers->ops[i], bench->ctx);
  }
}

static void sleepers_free(sleepers_t *sleepers) {
  bench_expect(sleepers->woken == sleepers->n);
  free(sleepers->ops);
}

/* For one hour to two, and all of them sleep before the first is cancelled. */
void bench_sleeps(const bench_t *bench) {
  sleepers_t sleepers;
  uint64_t start;

  sleepers_init(&sleepers, bench, UV_ECANCELED);
  start = uv_hrtime();
  for (size_t i = 0; i < sleepers.n; i++)
    bench_expect(weir_sleep(&sleepers.ops[i], HOUR_MS + spread(i) % HOUR_MS, on_woken) == 0);
  for (size_t i = 0; i < sleepers.n; i++) bench_expect(weir_op_cancel(&sleepers.ops[i]) == 0);
  bench_run(bench);
  bench_since("sleeps", start, sleepers.n);
  sleepers_free(&sleepers);
}

/* For up to 64 ms, about as long as it takes to start a million: next to no time is
 * spent waiting. */
void bench_sleeps_expire(const bench_t *bench) {
  sleepers_t sleepers;
  uint64_t start;

  sleepers_init(&sleepers, bench, 0);
  start = uv_hrtime();
  for (size_t i = 0; i < sleepers.n; i++)
    bench_expect(weir_sleep(&sleepers.ops[i], 1 + spread(i) % LONGEST_MS, on_woken) == 0);
  bench_run(bench);
  bench_since("sleeps_expire", start, sleepers.n);
  bench_expect(uv_hrtime() - start >= LONGEST_MS * UINT64_C(1000000));
  sleepers_free(&sleepers);
}
