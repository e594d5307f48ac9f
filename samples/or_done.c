/* Reads a channel of somebody else's, which knows nothing of our cancellation and never ends:
 * what comes out of or_done ends with our context. A range or a stage under the context does the
 * same by itself. */
#include <stdio.h>
#include <string.h>
#include <weir.h>

static int count(void *out, void *arg) {
  *(int *)out = ++*(int *)arg;
  return 0;
}

static void on_value(weir_range_t *range, const void *value, int status) {
  (void)range;
  if (status == 0)
    printf("%d\n", *(const int *)value);
  else
    printf("ended: %s\n", uv_strerror(status)); /* UV_EOF, had it ended by itself */
}

static void on_second_over(weir_op_t *op, int status) {
  (void)status;
  weir_ctx_cancel(op->data);
}

int main(int argc, char **argv) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;
  weir_range_t range;
  int counter = 0;

  if (weir_loop_new(&loop, uv)) return 1;
  if (argc > 1 && strcmp(argv[1], "--virtual") == 0) weir_loop_virtual_time(loop);
  weir_ctx_t *background = weir_loop_background(loop);
  weir_ctx_t *ctx = weir_ctx_with_cancel(background);
  weir_chan_t *counts = weir_pipe_generate(background, WEIR_TYPE(int), count, &counter);
  weir_chan_t *theirs = weir_pipe_sleep(background, counts, 300);
  weir_chan_t *ours = weir_pipe_or_done(ctx, theirs);
  weir_op_t second = {.data = ctx};

  weir_range_init(&range, background);
  weir_range_start(&range, ours, on_value);
  weir_chan_unref(ours);
  weir_op_init(&second, background);
  weir_sleep(&second, 1000, on_second_over);

  size_t left = weir_run(loop); /* letting go of `theirs` has ended it, too */
  weir_ctx_unref(ctx);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
