/*
 * One sender, one receiver, on one loop: rendezvous, buffered1, buffered128, buffered4096, range,
 * many64; two of them also over a shared channel that nobody else uses.
 */
#include "ends.h"

enum { VALUES = 1000000 };

static void stream(const bench_t *bench, const char *name, weir_chan_t *ch) {
  size_t n = bench_scaled(bench, VALUES);
  sender_t sender;
  receiver_t receiver;
  uint64_t start = uv_hrtime();

  sender_start(&sender, bench->ctx, ch, n, false);
  receiver_start(&receiver, bench->ctx, ch, n);
  bench_run(bench);
  bench_since(name, start, n);
  bench_expect(receiver.count == n && receiver.sum == bench_sum(n) && receiver.disorder == 0);
  weir_chan_unref(ch);
}

void bench_rendezvous(const bench_t *bench) {
  stream(bench, "rendezvous", bench_chan(bench, 0));
}

void bench_buffered1(const bench_t *bench) {
  stream(bench, "buffered1", bench_chan(bench, 1));
}

void bench_buffered128(const bench_t *bench) {
  stream(bench, "buffered128", bench_chan(bench, 128));
}

void bench_buffered4096(const bench_t *bench) {
  stream(bench, "buffered4096", bench_chan(bench, 4096));
}

void bench_shared_rendezvous(const bench_t *bench) {
  stream(bench, "shared_rendezvous", bench_shared(0));
}

void bench_shared_buffered128(const bench_t *bench) {
  stream(bench, "shared_buffered128", bench_shared(128));
}

void bench_range(const bench_t *bench) {
  size_t n = bench_scaled(bench, VALUES);
  weir_chan_t *ch = bench_chan(bench, 0);
  ranger_t ranger;
  sender_t sender;
  uint64_t start = uv_hrtime();

  ranger_start(&ranger, bench->ctx, ch);
  sender_start(&sender, bench->ctx, ch, n, true);
  bench_run(bench);
  bench_since("range", start, n);
  bench_expect(ranger.end == UV_EOF && ranger.sum == bench_sum(n));
  bench_expect(ranger.count == n && ranger.disorder == 0);
  weir_chan_unref(ch);
}

void bench_many64(const bench_t *bench) {
  size_t n = bench_scaled(bench, VALUES);
  weir_chan_t *ch = bench_chan(bench, 128);
  batch_t sender, receiver;
  uint64_t start = uv_hrtime();

  batch_send(&sender, bench->ctx, ch, n);
  batch_recv(&receiver, bench->ctx, ch, n);
  bench_run(bench);
  bench_since("many64", start, n);
  bench_expect(receiver.next == n && receiver.sum == bench_sum(n));
  weir_chan_unref(ch);
}
