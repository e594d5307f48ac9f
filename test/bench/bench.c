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

void bench_since(const char *name, uint64_t start, size_t n) {
  bench_result(name, "ns", (double)(uv_hrtime() - start) / (double)n);
}

void bench_run(const bench_t *bench) {
  bench_expect(weir_run(bench->loop) == 0);
}

void *bench_alloc(size_t n, size_t size) {
  void *memory = malloc(n * size);

  bench_expect(memory != NULL);
  return memory;
}

weir_chan_t *bench_chan(const bench_t *bench, size_t capacity) {
  weir_chan_t *ch = weir_chan_new(bench->loop, WEIR_TYPE(uint64_t), capacity);

  bench_expect(ch != NULL);
  return ch;
}

uint64_t bench_sum(uint64_t n) {
  return n * (n - 1) / 2;
}

static void on_sent(weir_op_t *op, int status) {
  sender_t *sender = (sender_t *)op;

  bench_expect(status == 0);
  if (++sender->value < sender->n)
    bench_expect(weir_chan_send(op, sender->ch, &sender->value, on_sent) == 0);
  else if (sender->closes)
    bench_expect(weir_chan_close(sender->ch) == 0);
}

void sender_start(sender_t *sender, weir_ctx_t *ctx, weir_chan_t *ch, size_t n, bool closes) {
  *sender = (sender_t){.ch = ch, .n = n, .closes = closes};
  weir_op_init(&sender->op, ctx);
  bench_expect(weir_chan_send(&sender->op, ch, &sender->value, on_sent) == 0);
}
