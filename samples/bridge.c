/* Reads a sequence of channels as one: ten channels with a value each, one after the other. */
#include <stdio.h>
#include <weir.h>

typedef struct maker_s {
  weir_loop_t *loop;
  int i;
} maker_t;

/* Makes a channel of one value; its reference goes along with it. */
static int make_stream(void *out, void *arg) {
  maker_t *maker = arg;
  weir_chan_t *stream;

  if (maker->i == 10) return UV_EOF;
  stream = weir_chan_new(maker->loop, WEIR_TYPE(int), 1);
  if (!stream) return UV_ENOMEM;
  weir_chan_try_send(stream, &maker->i);
  weir_chan_close(stream);
  maker->i++;
  *(weir_chan_t **)out = stream;
  return 0;
}

static weir_chan_t *gen_vals(weir_ctx_t *ctx, maker_t *maker) {
  return weir_pipe_generate(ctx, WEIR_TYPE_CHAN, make_stream, maker);
}

static void on_value(weir_range_t *range, const void *value, int status) {
  (void)range;
  if (status == 0)
    printf("%d ", *(const int *)value);
  else
    printf("\n");
}

int main(void) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;
  weir_range_t range;

  if (weir_loop_new(&loop, uv)) return 1;
  weir_ctx_t *ctx = weir_loop_background(loop);
  maker_t maker = {.loop = loop};
  weir_chan_t *values = weir_pipe_bridge(ctx, gen_vals(ctx, &maker), WEIR_TYPE(int));

  weir_range_init(&range, ctx);
  weir_range_start(&range, values, on_value);
  weir_chan_unref(values);

  size_t left = weir_run(loop);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
