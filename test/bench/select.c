/* select4: one receiver selects over four channels, each with a sender that is always there. */
#include "ends.h"

enum { VALUES = 1000000, CHANNELS = 4 };

typedef struct selector_s {
  weir_op_t op;
  weir_case_t cases[CHANNELS];
  uint64_t counts[CHANNELS];
  uint64_t value, sum, left;
} selector_t;

static void on_selected(weir_op_t *op, int status) {
  selector_t *selector = (selector_t *)op;

  bench_expect(status == 0);
  selector->counts[weir_op_index(op)]++;
  selector->sum += selector->value;
  if (--selector->left > 0)
    bench_expect(weir_select(op, selector->cases, CHANNELS, on_selected) == 0);
}

static void selector_start(selector_t *selector, weir_ctx_t *ctx, weir_chan_t **chans, size_t n) {
  *selector = (selector_t){.left = n};
  for (size_t i = 0; i < CHANNELS; i++) selector->cases[i] = WEIR_RECV(chans[i], &selector->value);
  weir_op_init(&selector->op, ctx);
  bench_expect(weir_select(&selector->op, selector->cases, CHANNELS, on_selected) == 0);
}

void bench_select4(const bench_t *bench) {
  size_t n = bench_scaled(bench, VALUES), each = n / CHANNELS;
  weir_chan_t *chans[CHANNELS];
  sender_t senders[CHANNELS];
  selector_t selector;
  uint64_t start;

  for (size_t i = 0; i < CHANNELS; i++) chans[i] = bench_chan(bench, 0);
  start = uv_hrtime();
  for (size_t i = 0; i < CHANNELS; i++)
    sender_start(&senders[i], bench->ctx, chans[i], each, false);
  selector_start(&selector, bench->ctx, chans, n);
  bench_run(bench);
  bench_since("select4", start, n);
  for (size_t i = 0; i < CHANNELS; i++) bench_expect(selector.counts[i] == each);
  bench_expect(selector.sum == CHANNELS * bench_sum(each));
  for (size_t i = 0; i < CHANNELS; i++) weir_chan_unref(chans[i]);
}
