/* Sends a stream of commands two ways: to a runner, and to an audit log. The next command is
 * taken when both have the last one. */
#include <stdio.h>
#include <weir.h>

static void on_command(weir_range_t *range, const void *value, int status) {
  if (status) return; /* UV_EOF */
  printf("%s %s\n", (const char *)range->data, *(const char *const *)value);
}

int main(void) {
  static const char *const commands[] = {"open", "write", "close"};
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;
  weir_range_t runner = {.data = "running"}, audit_log = {.data = "logging"};
  weir_chan_t *out[2];

  if (weir_loop_new(&loop, uv)) return 1;
  weir_ctx_t *ctx = weir_loop_background(loop);
  weir_chan_t *in = weir_pipe_from(ctx, WEIR_TYPE(const char *), commands, 3);

  if (weir_pipe_tee(ctx, in, out)) return 1;
  weir_range_init(&runner, ctx);
  weir_range_start(&runner, out[0], on_command);
  weir_range_init(&audit_log, ctx);
  weir_range_start(&audit_log, out[1], on_command);
  weir_chan_unref(out[0]);
  weir_chan_unref(out[1]);

  size_t left = weir_run(loop);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
