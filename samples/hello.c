/* Three words through a channel, from one callback to another, with a second's time for all of it. */
#include <stdio.h>
#include <weir.h>

static const char *words[] = {"channels", "on", "libuv"};
static weir_ctx_t *ctx;
static weir_chan_t *ch;

static void on_sent(weir_op_t *op, int status) {
  size_t *next = op->data;

  if (status == 0 && *next < 3)
    weir_chan_send(op, ch, &words[(*next)++], on_sent); /* completes when it is received */
  else
    weir_chan_close(ch);
}

static void on_word(weir_range_t *range, const void *value, int status) {
  (void)range;
  if (status == 0) {
    printf("%s\n", *(const char *const *)value);
    return;
  }
  printf("%s\n", uv_strerror(status)); /* UV_EOF: complete; UV_ETIMEDOUT: cut short */
  weir_ctx_cancel(ctx);                /* stops the context's timer */
}

int main(void) {
  weir_loop_t *loop;
  weir_op_t sender;
  weir_range_t receiver;
  size_t next = 0;

  if (weir_loop_new(&loop, uv_default_loop())) return 1;
  ctx = weir_ctx_with_timeout(weir_loop_background(loop), 1000);
  ch = weir_chan_new(loop, WEIR_TYPE(const char *), 0);
  weir_range_init(&receiver, ctx);
  weir_range_start(&receiver, ch, on_word);
  weir_op_init(&sender, ctx);
  sender.data = &next;
  on_sent(&sender, 0);
  size_t stuck = weir_run(loop); /* operations that nothing can wake any more */
  weir_dump(loop, stderr);       /* and which they are */
  weir_chan_unref(ch);
  weir_ctx_unref(ctx);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return stuck > 0;
}
