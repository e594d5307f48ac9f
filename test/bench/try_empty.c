/* try_empty: weir_chan_try_recv on a channel that is empty (Go: select with default). */
#include "bench.h"

enum { TRIES = 50000000 };

void bench_try_empty(const bench_t *bench) {
  size_t n = bench_scaled(bench, TRIES), empty = 0;
  weir_chan_t *ch = bench_chan(bench, 128);
  uint64_t start = uv_hrtime(), value = 1;

  for (size_t i = 0; i < n; i++) empty += weir_chan_try_recv(ch, &value) == UV_EAGAIN;
  bench_since("try_empty", start, n);
  bench_expect(empty == n && value == 1);
  weir_chan_unref(ch);
}
