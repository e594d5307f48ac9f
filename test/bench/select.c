/*
 * One receiver that selects over several channels. select2, select4, select32, select128: each has
 * a sender that is always there. select4_one: four channels, and only one of them has a sender.
 */
#include "ends.h"

enum { MOST_CHANNELS = 128 };

typedef struct selector_s {
  weir_op_t op;
  weir_case_t cases[MOST_CHANNELS];
  uint64_t counts[MOST_CHANNELS];
  size_t channels;
  uint64_t value, left;
  uint64_t disorder; /* 0 where each channel's values came as its sender sends them */
} selector_t;

static void on_selected(weir_op_t *op, int status) {
  selector_t *selector = (selector_t *)op;

  bench_expect(status == 0);
  selector->disorder |= selector->value ^ selector->counts[weir_op_index(op)]++;
  if (--selector->left > 0)
    bench_expect(weir_select(op, selector->cases, selector->channels, on_selected) == 0);
}

static void selector_start(selector_t *selector, weir_ctx_t *ctx, weir_chan_t **chans,
                           size_t channels, size_t n) {
  *selector = (selector_t){.channels = channels, .left = n};
  for (size_t i = 0; i < channels; i++) selector->cases[i] = WEIR_RECV(chans[i], &selector->value);
  weir_op_init(&selector->op, ctx);
  bench_expect(weir_select(&selector->op, selector->cases, channels, on_selected) == 0);
}

/* The first `active` of the channels have senders, of n values in all. */
static void select_over(const bench_t *bench, size_t channels, size_t active, size_t n,
                        const char *name) {
  size_t each = bench_scaled_exactly(bench, n / active);
  weir_chan_t *chans[MOST_CHANNELS];
  sender_t senders[MOST_CHANNELS];
  selector_t selector;
  uint64_t start;

  for (size_t i = 0; i < channels; i++) chans[i] = bench_chan(bench, 0);
  start = uv_hrtime();
  for (size_t i = 0; i < active; i++) sender_start(&senders[i], bench->ctx, chans[i], each, false);
  selector_start(&selector, bench->ctx, chans, channels, active * each);
  bench_run(bench);
  bench_since(name, start, active * each);
  for (size_t i = 0; i < channels; i++) bench_expect(selector.counts[i] == (i < active ? each : 0));
  bench_expect(selector.disorder == 0);
  for (size_t i = 0; i < channels; i++) weir_chan_unref(chans[i]);
}

void bench_select2(const bench_t *bench) {
  select_over(bench, 2, 2, 1000000, "select2");
}

void bench_select4(const bench_t *bench) {
  select_over(bench, 4, 4, 1000000, "select4");
}

void bench_select32(const bench_t *bench) {
  select_over(bench, 32, 32, 200000, "select32");
}

void bench_select128(const bench_t *bench) {
  select_over(bench, 128, 128, 64000, "select128");
}

void bench_select4_one(const bench_t *bench) {
  select_over(bench, 4, 1, 1000000, "select4_one");
}
