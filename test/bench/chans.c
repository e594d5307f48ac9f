/* chan: what a channel takes. Made and freed one after the other, in a callback. */
#include "bench.h"

#ifdef __GLIBC__ /* by way of the header before */
#include <malloc.h>
#endif

enum { CHANNELS = 1000000 };

static void note_bytes(weir_chan_t *ch) {
#ifdef __GLIBC__
  bench_result("chan.bytes", "B", (double)malloc_usable_size(ch));
#else
  (void)ch;
#endif
}

static void on_yielded(weir_op_t *op, int status) {
  const bench_t *bench = op->data;
  size_t n = bench_scaled(bench, CHANNELS);
  weir_chan_t *ch = bench_chan(bench, 0);
  uint64_t start;

  bench_expect(status == 0);
  note_bytes(ch);
  weir_chan_unref(ch);
  start = uv_hrtime();
  for (size_t i = 0; i < n; i++) {
    ch = bench_chan(bench, 0);
    bench_expect(weir_chan_cap(ch) == 0);
    weir_chan_unref(ch);
  }
  bench_since("chan.new", start, n);
}

void bench_chans(const bench_t *bench) {
  weir_op_t op = {.data = (void *)bench};
  weir_stats_t stats;

  weir_op_init(&op, bench->ctx);
  bench_expect(weir_yield(&op, on_yielded) == 0);
  bench_run(bench);
  weir_stats(bench->loop, &stats);
  bench_expect(stats.channels == 0);
}
