/* The same pipeline as pipeline_batch.c, of stages that run side by side: a stage takes its
 * input over, so that calls nest, and all of them end with their context. */
#include <stdio.h>
#include <weir.h>

static int multiply_value(void *out, void *in, void *multiplier) {
  *(int *)out = *(int *)in * *(int *)multiplier;
  return 0;
}

static int add_value(void *out, void *in, void *additive) {
  *(int *)out = *(int *)in + *(int *)additive;
  return 0;
}

static weir_chan_t *multiply(weir_ctx_t *ctx, weir_chan_t *in, int *multiplier) {
  return weir_pipe_map(ctx, in, WEIR_TYPE(int), multiply_value, multiplier);
}

static weir_chan_t *add(weir_ctx_t *ctx, weir_chan_t *in, int *additive) {
  return weir_pipe_map(ctx, in, WEIR_TYPE(int), add_value, additive);
}

static void on_value(weir_range_t *range, const void *value, int status) {
  (void)range;
  if (status == 0) printf("%d\n", *(const int *)value);
}

int main(void) {
  static const int ints[] = {1, 2, 3, 4};
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;
  weir_range_t range;
  int one = 1, two = 2;

  if (weir_loop_new(&loop, uv)) return 1;
  weir_ctx_t *ctx = weir_loop_background(loop);
  weir_chan_t *stream = weir_pipe_from(ctx, WEIR_TYPE(int), ints, 4);
  weir_chan_t *pipeline = multiply(ctx, add(ctx, multiply(ctx, stream, &two), &one), &two);

  weir_range_init(&range, ctx);
  weir_range_start(&range, pipeline, on_value);
  weir_chan_unref(pipeline); /* the range holds it */

  size_t left = weir_run(loop);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
