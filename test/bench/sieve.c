/*
 * sieve: the concurrent prime sieve, to the 1,000th prime. A generator of 2, 3, 4, ... and a filter
 * for each prime found, which passes on what it does not divide; what comes out of the last one is
 * the next prime. All is under a context that is cancelled in the end.
 *
 * Several sieves, one after the other; the figure is for each.
 */
#include "bench.h"

enum { SIEVES = 5, PRIMES = 1000, LAST_PRIME = 7919, SUM = 3682913 };

typedef struct generator_s {
  weir_op_t op;
  weir_chan_t *out;
  uint64_t value;
} generator_t;

typedef struct filter_s {
  weir_op_t op;
  weir_chan_t *in, *out;
  uint64_t prime, value;
} filter_t;

/* Receives the primes. The channels are the filters' outputs; the first one is the generator's. */
typedef struct sieve_s {
  const bench_t *bench;
  weir_op_t op;
  weir_ctx_t *ctx;
  generator_t generator;
  filter_t filters[PRIMES];
  weir_chan_t *chans[PRIMES];
  uint64_t primes[PRIMES], value;
  size_t count;
} sieve_t;

static void on_generated(weir_op_t *op, int status) {
  generator_t *generator = (generator_t *)op;

  if (status) return; /* cancelled */
  generator->value++;
  bench_expect(weir_chan_send(op, generator->out, &generator->value, on_generated) == 0);
}

static void generator_start(generator_t *generator, weir_ctx_t *ctx, weir_chan_t *out) {
  *generator = (generator_t){.out = out, .value = 2};
  weir_op_init(&generator->op, ctx);
  bench_expect(weir_chan_send(&generator->op, out, &generator->value, on_generated) == 0);
}

static void on_passed(weir_op_t *op, int status);

static void on_received(weir_op_t *op, int status) {
  filter_t *filter = (filter_t *)op;

  if (status) return;
  if (filter->value % filter->prime != 0)
    bench_expect(weir_chan_send(op, filter->out, &filter->value, on_passed) == 0);
  else
    bench_expect(weir_chan_recv(op, filter->in, &filter->value, on_received) == 0);
}

static void on_passed(weir_op_t *op, int status) {
  filter_t *filter = (filter_t *)op;

  if (status) return;
  bench_expect(weir_chan_recv(op, filter->in, &filter->value, on_received) == 0);
}

static void filter_start(filter_t *filter, weir_ctx_t *ctx, weir_chan_t *in, weir_chan_t *out,
                         uint64_t prime) {
  *filter = (filter_t){.in = in, .out = out, .prime = prime};
  weir_op_init(&filter->op, ctx);
  bench_expect(weir_chan_recv(&filter->op, in, &filter->value, on_received) == 0);
}

static void on_prime(weir_op_t *op, int status) {
  sieve_t *sieve = op->data;
  weir_chan_t **chan = &sieve->chans[sieve->count];

  bench_expect(status == 0);
  sieve->primes[sieve->count++] = sieve->value;
  if (sieve->count == PRIMES) {
    weir_ctx_cancel(sieve->ctx);
    return;
  }
  chan[1] = bench_chan(sieve->bench, 0);
  filter_start(&sieve->filters[sieve->count - 1], sieve->ctx, chan[0], chan[1], sieve->value);
  bench_expect(weir_chan_recv(op, chan[1], &sieve->value, on_prime) == 0);
}

static void sieve_start(sieve_t *sieve, const bench_t *bench) {
  sieve->bench = bench;
  sieve->ctx = weir_ctx_with_cancel(bench->ctx);
  sieve->count = 0;
  bench_expect(sieve->ctx != NULL);
  sieve->chans[0] = bench_chan(bench, 0);
  generator_start(&sieve->generator, sieve->ctx, sieve->chans[0]);
  weir_op_init(&sieve->op, sieve->ctx);
  sieve->op.data = sieve;
  bench_expect(weir_chan_recv(&sieve->op, sieve->chans[0], &sieve->value, on_prime) == 0);
}

static void sieve_finish(sieve_t *sieve) {
  uint64_t sum = 0;

  bench_expect(sieve->count == PRIMES && sieve->primes[PRIMES - 1] == LAST_PRIME);
  for (size_t i = 0; i < PRIMES; i++) sum += sieve->primes[i];
  bench_expect(sum == SUM);
  for (size_t i = 0; i < PRIMES; i++) weir_chan_unref(sieve->chans[i]);
  weir_ctx_unref(sieve->ctx);
}

void bench_sieve(const bench_t *bench) {
  static sieve_t sieve;
  size_t sieves = bench_scaled_exactly(bench, SIEVES);
  uint64_t start = uv_hrtime();

  for (size_t i = 0; i < sieves; i++) {
    sieve_start(&sieve, bench);
    bench_run(bench);
    sieve_finish(&sieve);
  }
  bench_result("sieve", "ms", (double)(uv_hrtime() - start) / 1e6 / (double)sieves);
}
