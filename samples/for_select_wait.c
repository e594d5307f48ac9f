/* Works until it is told to stop, in both shapes of the loop: select with a default only looks.
 * Where a goroutine would go round at once, a callback ends first: then the loop has its turn. */
#include <stdio.h>
#include <string.h>
#include <weir.h>

#define ROUND_MS 400

typedef struct worker_s {
  weir_op_t op;
  weir_chan_t *done;
} worker_t;

static void work(const char *shape) {
  printf("%s: non-preemptable work\n", shape);
}

/* for { select { case <-done: return; default: }; work() } */
static void round_of_first(weir_op_t *op, int status) {
  worker_t *worker = op->data;
  weir_case_t cases[] = {WEIR_RECV(worker->done, NULL)};

  if (status || weir_select_try(cases, 1, NULL) != UV_EAGAIN) {
    printf("first: stopped\n");
    return;
  }

  work("first");
  weir_sleep(op, ROUND_MS, round_of_first); /* or weir_yield: at once, but after the others */
}

/* for { select { case <-done: return; default: work() } } */
static void round_of_second(weir_op_t *op, int status) {
  worker_t *worker = op->data;
  weir_case_t cases[] = {WEIR_RECV(worker->done, NULL)};

  switch (status ? status : weir_select_try(cases, 1, NULL)) {
  case UV_EAGAIN: /* the default */
    work("second");
    weir_sleep(op, ROUND_MS, round_of_second);
    break;
  default:
    printf("second: stopped\n");
  }
}

int main(int argc, char **argv) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;

  if (weir_loop_new(&loop, uv)) return 1;
  if (argc > 1 && strcmp(argv[1], "--virtual") == 0) weir_loop_virtual_time(loop);
  weir_ctx_t *ctx = weir_loop_background(loop);
  weir_chan_t *done = weir_timer_sig(loop, 1000);
  worker_t first = {.op.data = &first, .done = done};
  worker_t second = {.op.data = &second, .done = done};

  weir_op_init(&first.op, ctx);
  weir_yield(&first.op, round_of_first);
  weir_op_init(&second.op, ctx);
  weir_yield(&second.op, round_of_second);

  size_t left = weir_run(loop);
  weir_chan_unref(done);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
