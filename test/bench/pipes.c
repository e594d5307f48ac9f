/*
 * pipe3, pipe10: pipeline3 out of the library's stages: a weir_pipe_generate without end, so many
 * of weir_pipe_map that add one, and a range that cancels them all when it has had enough.
 */
#include "ends.h"

typedef struct sink_s {
  weir_range_t range; /* first, so that a range's callback finds its sink */
  weir_ctx_t *ctx;    /* cancelled after the last value */
  uint64_t sum;
  size_t left;
  int end;
} sink_t;

static int count_up(void *out, void *arg) {
  uint64_t *next = arg;

  *(uint64_t *)out = (*next)++;
  return 0;
}

static int add_one(void *out, void *in, void *arg) {
  (void)arg;
  *(uint64_t *)out = *(const uint64_t *)in + 1;
  return 0;
}

static void on_value(weir_range_t *range, const void *value, int status) {
  sink_t *sink = (sink_t *)range;

  sink->end = status;
  if (status) return;
  sink->sum += *(const uint64_t *)value;
  if (--sink->left == 0) weir_ctx_cancel(sink->ctx);
}

static void sink_start(sink_t *sink, weir_ctx_t *ctx, weir_chan_t *in, size_t n) {
  *sink = (sink_t){.ctx = ctx, .left = n};
  weir_range_init(&sink->range, ctx);
  bench_expect(weir_range_start(&sink->range, in, on_value) == 0);
}

static weir_chan_t *build(weir_ctx_t *ctx, size_t stages, uint64_t *next) {
  weir_chan_t *out = weir_pipe_generate(ctx, WEIR_TYPE(uint64_t), count_up, next);

  for (size_t i = 0; i < stages; i++)
    out = weir_pipe_map(ctx, out, WEIR_TYPE(uint64_t), add_one, NULL);
  bench_expect(out != NULL);
  return out;
}

static void pipe_through(const bench_t *bench, size_t stages, size_t values, const char *name) {
  size_t n = bench_scaled(bench, values);
  weir_ctx_t *ctx = weir_ctx_with_cancel(bench->ctx);
  uint64_t start, next = 0;
  weir_chan_t *out;
  sink_t sink;

  bench_expect(ctx != NULL);
  start = uv_hrtime();
  out = build(ctx, stages, &next);
  sink_start(&sink, ctx, out, n);
  weir_chan_unref(out); /* the range holds it */
  bench_run(bench);
  bench_since(name, start, n);
  bench_expect(sink.left == 0 && sink.sum == bench_sum(n) + n * stages);
  bench_expect(sink.end == UV_ECANCELED && next >= n);
  weir_ctx_unref(ctx);
}

void bench_pipe3(const bench_t *bench) {
  pipe_through(bench, 3, 1000000, "pipe3");
}

void bench_pipe10(const bench_t *bench) {
  pipe_through(bench, 10, 300000, "pipe10");
}
