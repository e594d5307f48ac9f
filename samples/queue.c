/* What a queue does and does not buy: three values through a stage of 1 s and one of 4 s. With a
 * queue between them the first stage is free after 3 s, but the whole takes as long as without. */
#include <stdio.h>
#include <string.h>
#include <weir.h>

typedef struct watch_s {
  weir_loop_t *loop;
  uint64_t start;
  weir_range_t range;
  weir_op_t op;
} watch_t;

static void print(const watch_t *watch, const char *what) {
  printf("%5.1fs  %s\n", (double)(weir_now(watch->loop) - watch->start) / 1000, what);
}

static void on_value(weir_range_t *range, const void *value, int status) {
  (void)value;
  print(range->data, status ? "the end" : "a value");
}

static void on_first_closed(weir_op_t *op, int status) {
  (void)status;
  print(op->data, "the first stage is free");
}

/* Returns how many operations are left: none. */
static size_t run(weir_loop_t *loop, size_t queue_size) {
  static const int zero = 0;
  weir_ctx_t *ctx = weir_loop_background(loop);
  watch_t watch = {.loop = loop, .start = weir_now(loop)};

  weir_chan_t *zeros = weir_pipe_take(ctx, weir_pipe_repeat(ctx, WEIR_TYPE(int), &zero, 1), 3);
  weir_chan_t *first = weir_pipe_sleep(ctx, zeros, 1000);
  weir_ctx_t *while_open = weir_ctx_with_chan(ctx, first); /* receives nothing */
  if (queue_size > 0) first = weir_pipe_buffer(ctx, first, queue_size);
  weir_chan_t *pipeline = weir_pipe_sleep(ctx, first, 4000);

  watch.op.data = watch.range.data = &watch;
  weir_op_init(&watch.op, ctx);
  weir_ctx_wait(&watch.op, while_open, on_first_closed);
  weir_range_init(&watch.range, ctx);
  weir_range_start(&watch.range, pipeline, on_value);
  weir_chan_unref(pipeline);

  size_t left = weir_run(loop);
  weir_ctx_unref(while_open);
  return left;
}

int main(int argc, char **argv) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;

  if (weir_loop_new(&loop, uv)) return 1;
  if (argc > 1 && strcmp(argv[1], "--virtual") == 0) weir_loop_virtual_time(loop);
  printf("without a queue:\n");
  size_t left = run(loop, 0);
  printf("with a queue of 2:\n");
  left += run(loop, 2);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
