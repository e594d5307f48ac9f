/*
 * Senders, each with a channel, whose values come together in one: by weir_pipe_fan_in (fan_in8,
 * fan_in1000), or by hand, by a forwarder for each channel (fan_in8_hand).
 */
#include "ends.h"

#include <stdlib.h>

enum { VALUES = 1000000 }; /* of all senders together */

typedef struct input_s {
  weir_chan_t *ch;
  sender_t sender;
} input_t;

typedef struct fan_s {
  weir_ctx_t *ctx;
  input_t *inputs;
  size_t count, each;
} fan_t;

static void fan_init(fan_t *fan, const bench_t *bench, size_t count) {
  *fan = (fan_t){.ctx = bench->ctx, .count = count};
  fan->each = bench_scaled_exactly(bench, VALUES / count);
  fan->inputs = bench_alloc(count, sizeof(*fan->inputs));
  for (size_t i = 0; i < count; i++) fan->inputs[i].ch = bench_chan(bench, 0);
}

static void fan_free(fan_t *fan) {
  for (size_t i = 0; i < fan->count; i++) weir_chan_unref(fan->inputs[i].ch);
  free(fan->inputs);
}

/* Starts what sends and what receives; takes over the reference to `out`. */
static void fan_start(fan_t *fan, ranger_t *ranger, weir_chan_t *out) {
  for (size_t i = 0; i < fan->count; i++)
    sender_start(&fan->inputs[i].sender, fan->ctx, fan->inputs[i].ch, fan->each, true);
  ranger_start(ranger, fan->ctx, out);
  weir_chan_unref(out); /* the range holds it */
}

static void fan_check(const fan_t *fan, const ranger_t *ranger) {
  bench_expect(ranger->end == UV_EOF && ranger->count == fan->count * fan->each);
  bench_expect(ranger->sum == fan->count * bench_sum(fan->each));
}

/* the library's stage */

static weir_chan_t *build(const fan_t *fan) {
  weir_chan_t **chans = bench_alloc(fan->count, sizeof(weir_chan_t *)), *out;

  for (size_t i = 0; i < fan->count; i++) chans[i] = weir_chan_ref(fan->inputs[i].ch);
  out = weir_pipe_fan_in(fan->ctx, chans, fan->count);
  bench_expect(out != NULL);
  free(chans);
  return out;
}

static void fan_in(const bench_t *bench, size_t count, const char *name) {
  fan_t fan;
  ranger_t ranger;
  uint64_t start;

  fan_init(&fan, bench, count);
  start = uv_hrtime();
  fan_start(&fan, &ranger, build(&fan));
  bench_run(bench);
  bench_since(name, start, count * fan.each);
  fan_check(&fan, &ranger);
  fan_free(&fan);
}

void bench_fan_in8(const bench_t *bench) {
  fan_in(bench, 8, "fan_in8");
}

void bench_fan_in1000(const bench_t *bench) {
  fan_in(bench, 1000, "fan_in1000");
}

/* by hand */

enum { FORWARDERS = 8 };

typedef struct forwarder_s {
  weir_op_t op;
  weir_chan_t *in, *out;
  uint64_t value;
  size_t *running; /* forwarders: the last one closes the output */
} forwarder_t;

static void on_forwarded(weir_op_t *op, int status);

static void on_received(weir_op_t *op, int status) {
  forwarder_t *forwarder = (forwarder_t *)op;

  if (status == 0)
    bench_expect(weir_chan_send(op, forwarder->out, &forwarder->value, on_forwarded) == 0);
  else if (--*forwarder->running == 0)
    bench_expect(weir_chan_close(forwarder->out) == 0);
}

static void on_forwarded(weir_op_t *op, int status) {
  forwarder_t *forwarder = (forwarder_t *)op;

  bench_expect(status == 0);
  bench_expect(weir_chan_recv(op, forwarder->in, &forwarder->value, on_received) == 0);
}

static void forwarder_start(forwarder_t *forwarder, weir_ctx_t *ctx, weir_chan_t *in,
                            weir_chan_t *out, size_t *running) {
  *forwarder = (forwarder_t){.in = in, .out = out, .running = running};
  weir_op_init(&forwarder->op, ctx);
  bench_expect(weir_chan_recv(&forwarder->op, in, &forwarder->value, on_received) == 0);
}

void bench_fan_in8_hand(const bench_t *bench) {
  forwarder_t forwarders[FORWARDERS];
  size_t running = FORWARDERS;
  weir_chan_t *out;
  ranger_t ranger;
  fan_t fan;
  uint64_t start;

  fan_init(&fan, bench, FORWARDERS);
  start = uv_hrtime();
  out = bench_chan(bench, 0);
  for (size_t i = 0; i < FORWARDERS; i++)
    forwarder_start(&forwarders[i], bench->ctx, fan.inputs[i].ch, out, &running);
  fan_start(&fan, &ranger, out);
  bench_run(bench);
  bench_since("fan_in8_hand", start, FORWARDERS * fan.each);
  fan_check(&fan, &ranger);
  fan_free(&fan);
}
