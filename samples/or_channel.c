/* Waits for the first of five signals. When it has come, `or` lets go of the other four, whose
 * timers would keep the program alive for two hours. */
#include <stdio.h>
#include <string.h>
#include <weir.h>

#define SECOND 1000u
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static void on_first(weir_op_t *op, int status) {
  (void)status; /* UV_EOF: it has closed */
  weir_chan_unref(op->data);
}

int main(int argc, char **argv) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;

  if (weir_loop_new(&loop, uv)) return 1;
  if (argc > 1 && strcmp(argv[1], "--virtual") == 0) weir_loop_virtual_time(loop);
  weir_ctx_t *ctx = weir_loop_background(loop);
  uint64_t start = weir_now(loop);
  weir_chan_t *sigs[] = {
      weir_timer_sig(loop, 2 * HOUR),   weir_timer_sig(loop, 5 * MINUTE),
      weir_timer_sig(loop, 1 * SECOND), weir_timer_sig(loop, 1 * HOUR),
      weir_timer_sig(loop, 1 * MINUTE),
  };
  weir_chan_t *first = weir_pipe_or(ctx, sigs, 5); /* takes the signals over */
  weir_op_t op = {.data = first};

  weir_op_init(&op, ctx);
  weir_chan_recv(&op, first, NULL, on_first);

  size_t left = weir_run(loop); /* returns when no timer is left */
  printf("done after %.1fs\n", (double)(weir_now(loop) - start) / SECOND);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
