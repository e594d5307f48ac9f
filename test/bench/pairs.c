/*
 * rendezvous10, rendezvous100, rendezvous1000, rendezvous10000: so many pairs of a sender and a
 * receiver at once, each with a channel of its own.
 */
#include "ends.h"

#include <stdlib.h>

enum { VALUES = 1000000 }; /* of all pairs together */

typedef struct pair_s {
  weir_chan_t *ch;
  sender_t sender;
  receiver_t receiver;
} pair_t;

static void pair_start(pair_t *pair, weir_ctx_t *ctx, size_t n) {
  sender_start(&pair->sender, ctx, pair->ch, n, false);
  receiver_start(&pair->receiver, ctx, pair->ch, n);
}

static void pair_finish(pair_t *pair, size_t n) {
  bench_expect(pair->sender.value == n && pair->receiver.count == n);
  bench_expect(pair->receiver.sum == bench_sum(n) && pair->receiver.disorder == 0);
  weir_chan_unref(pair->ch);
}

static void rendezvous(const bench_t *bench, size_t count, const char *name) {
  size_t each = bench_scaled_exactly(bench, VALUES / count);
  pair_t *pairs = bench_alloc(count, sizeof(*pairs));
  uint64_t start;

  for (size_t i = 0; i < count; i++) pairs[i].ch = bench_chan(bench, 0);
  start = uv_hrtime();
  for (size_t i = 0; i < count; i++) pair_start(&pairs[i], bench->ctx, each);
  bench_run(bench);
  bench_since(name, start, count * each);
  for (size_t i = 0; i < count; i++) pair_finish(&pairs[i], each);
  free(pairs);
}

void bench_rendezvous10(const bench_t *bench) {
  rendezvous(bench, 10, "rendezvous10");
}

void bench_rendezvous100(const bench_t *bench) {
  rendezvous(bench, 100, "rendezvous100");
}

void bench_rendezvous1000(const bench_t *bench) {
  rendezvous(bench, 1000, "rendezvous1000");
}

void bench_rendezvous10000(const bench_t *bench) {
  rendezvous(bench, 10000, "rendezvous10000");
}
