/* A leak: doWork ranges over a nil channel, and nobody can stop it. Where Go says nothing,
 * weir_run returns, for nothing can wake the loop any more, and weir_dump names who waits. See
 * do_work.c. */
#include <stdio.h>
#include <weir.h>

typedef struct work_s {
  weir_range_t range;
  weir_chan_t *completed;
} work_t;

static void on_string(weir_range_t *range, const void *value, int status) {
  work_t *work = range->data;

  if (status == 0) {
    printf("%s\n", *(const char *const *)value); /* something interesting */
    return;
  }
  weir_chan_close(work->completed);
  weir_chan_unref(work->completed);
  if (status == UV_ECANCELED) return; /* the program ends: Go would not run its deferred calls */
  printf("doWork exited.\n");
}

/* Returns a channel that closes when the work has ended. The reference is the caller's. */
static weir_chan_t *do_work(work_t *work, weir_loop_t *loop, weir_chan_t *strings) {
  work->completed = weir_chan_new(loop, NULL, 0);
  work->range.data = work;
  weir_range_init(&work->range, weir_loop_background(loop));
  weir_range_start(&work->range, strings, on_string);
  return weir_chan_ref(work->completed);
}

int main(void) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;
  work_t work;

  if (weir_loop_new(&loop, uv)) return 1;
  weir_chan_unref(do_work(&work, loop, NULL));
  /* perhaps more work is done here */
  printf("Done.\n");

  size_t left = weir_run(loop);
  printf("%zu leaked:\n", left);
  weir_dump(loop, stdout);

  weir_loop_close(loop, NULL, NULL); /* cancels it */
  uv_run(uv, UV_RUN_DEFAULT);
  return left != 1 || uv_loop_close(uv) != 0;
}
