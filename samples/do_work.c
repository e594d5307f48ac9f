/* The cure of leak_do_work.c: the range is under a context, so that whoever started it can stop
 * it. In Go it would be a select of strings and done; in weir every operation is that already. */
#include <stdio.h>
#include <string.h>
#include <weir.h>

typedef struct work_s {
  weir_range_t range;
  weir_chan_t *terminated;
} work_t;

static void on_string(weir_range_t *range, const void *value, int status) {
  work_t *work = range->data;

  if (status == 0) {
    printf("%s\n", *(const char *const *)value); /* something interesting */
    return;
  }
  weir_chan_close(work->terminated);
  weir_chan_unref(work->terminated);
  printf("doWork exited.\n");
}

/* Returns a channel that closes when the work has ended. The reference is the caller's. */
static weir_chan_t *do_work(work_t *work, weir_ctx_t *ctx, weir_chan_t *strings) {
  work->terminated = weir_chan_new(weir_ctx_loop(ctx), NULL, 0);
  work->range.data = work;
  weir_range_init(&work->range, ctx);
  weir_range_start(&work->range, strings, on_string);
  return weir_chan_ref(work->terminated);
}

static void on_second_over(weir_op_t *op, int status) {
  (void)status;
  printf("Canceling doWork goroutine...\n");
  weir_ctx_cancel(op->data);
}

static void on_terminated(weir_op_t *op, int status) {
  (void)op;
  (void)status; /* UV_EOF */
  printf("Done.\n");
}

int main(int argc, char **argv) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;
  work_t work;

  if (weir_loop_new(&loop, uv)) return 1;
  if (argc > 1 && strcmp(argv[1], "--virtual") == 0) weir_loop_virtual_time(loop);
  weir_ctx_t *background = weir_loop_background(loop);
  weir_ctx_t *ctx = weir_ctx_with_cancel(background);
  weir_chan_t *terminated = do_work(&work, ctx, NULL);
  weir_op_t second = {.data = ctx}, joined;

  weir_op_init(&second, background);
  weir_sleep(&second, 1000, on_second_over);
  weir_op_init(&joined, background);
  weir_chan_recv(&joined, terminated, NULL, on_terminated);

  size_t left = weir_run(loop);
  weir_chan_unref(terminated);
  weir_ctx_unref(ctx);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
