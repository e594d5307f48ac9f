/* A greeting and a farewell, both of which ask for the locale, and that takes a minute. The
 * greeting has a second: it runs out of time, and cancels the farewell. */
#include <stdio.h>
#include <string.h>
#include <weir.h>

#define MINUTE_MS (60 * 1000)

typedef struct call_s {
  weir_op_t op;
  weir_ctx_t *ctx; /* of the locale */
  weir_ctx_t *both;
  weir_wg_t *wg;
} call_t;

static const char *words(int err) {
  switch (err) {
  case UV_ETIMEDOUT:
    return "context deadline exceeded";
  case UV_ECANCELED:
    return "context canceled";
  default:
    return uv_strerror(err);
  }
}

/* Completes with 0 for "EN/US", or with the error of the context. */
static void locale(weir_op_t *op, weir_ctx_t *ctx, weir_op_cb cb) {
  weir_op_init(op, ctx);
  weir_sleep(op, MINUTE_MS, cb);
}

static void on_greeting_locale(weir_op_t *op, int status) {
  call_t *call = op->data;

  weir_ctx_cancel(call->ctx); /* defer cancel() */
  weir_ctx_unref(call->ctx);
  if (status) {
    printf("cannot print greeting: %s\n", words(status));
    weir_ctx_cancel(call->both);
  } else {
    printf("hello world!\n");
  }
  weir_wg_done(call->wg);
}

static void print_greeting(call_t *call) {
  call->ctx = weir_ctx_with_timeout(call->both, 1000);
  call->op.data = call;
  weir_wg_add(call->wg, 1);
  locale(&call->op, call->ctx, on_greeting_locale);
}

static void on_farewell_locale(weir_op_t *op, int status) {
  call_t *call = op->data;

  if (status)
    printf("cannot print farewell: %s\n", words(status));
  else
    printf("goodbye world!\n");
  weir_wg_done(call->wg);
}

static void print_farewell(call_t *call) {
  call->op.data = call;
  weir_wg_add(call->wg, 1);
  locale(&call->op, call->both, on_farewell_locale);
}

static void on_both_over(weir_op_t *op, int status) {
  (void)status;
  weir_ctx_cancel(op->data);
}

int main(int argc, char **argv) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;
  weir_wg_t wg;

  if (weir_loop_new(&loop, uv)) return 1;
  if (argc > 1 && strcmp(argv[1], "--virtual") == 0) weir_loop_virtual_time(loop);
  weir_ctx_t *background = weir_loop_background(loop);
  weir_ctx_t *ctx = weir_ctx_with_cancel(background);
  uint64_t start = weir_now(loop);
  call_t greeting = {.both = ctx, .wg = &wg}, farewell = {.both = ctx, .wg = &wg};
  weir_op_t both_over = {.data = ctx};

  weir_wg_init(&wg);
  print_greeting(&greeting);
  print_farewell(&farewell);
  weir_op_init(&both_over, background);
  weir_wg_wait(&both_over, &wg, on_both_over);

  size_t left = weir_run(loop);
  printf("after %.1fs\n", (double)(weir_now(loop) - start) / 1000);
  weir_ctx_unref(ctx);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
