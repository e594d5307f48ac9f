/* Sends a value through a channel, then lets a select choose between one that comes and one that
 * does not. Exits with 0 if both gave what they should. */
#include <stdio.h>
#include <weir.h>

static int completions;

static void on_done(weir_op_t *op, int status) {
  (void)op;
  if (status == 0) completions++;
}

static int fail(const char *what) {
  fprintf(stderr, "consumer: wrong: %s\n", what);
  return 1;
}

static int send_and_recv(weir_ctx_t *ctx, weir_chan_t *ch) {
  weir_op_t sender, receiver;
  int sent = 42, received = 0;

  weir_op_init(&sender, ctx);
  weir_op_init(&receiver, ctx);
  weir_chan_recv(&receiver, ch, &received, on_done);
  weir_chan_send(&sender, ch, &sent, on_done);
  weir_run(weir_ctx_loop(ctx));
  return completions == 2 && received == 42 ? 0 : fail("send and recv");
}

static int select_one(weir_ctx_t *ctx, weir_chan_t *ch) {
  weir_chan_t *late = weir_timer_sig(weir_ctx_loop(ctx), 60000);
  weir_op_t sender, selector;
  int sent = 7, received = 0;
  weir_case_t cases[] = {WEIR_RECV(late, NULL), WEIR_RECV(ch, &received)};

  weir_op_init(&sender, ctx);
  weir_op_init(&selector, ctx);
  weir_select(&selector, cases, 2, NULL);
  weir_chan_send(&sender, ch, &sent, NULL);
  if (weir_op_wait(&selector) || weir_op_wait(&sender)) return fail("select's status");
  weir_chan_unref(late);
  return weir_op_index(&selector) == 1 && received == 7 ? 0 : fail("select's choice");
}

int main(void) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;

  if (weir_loop_new(&loop, uv)) return fail("weir_loop_new");
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), 0);
  int err = send_and_recv(weir_loop_background(loop), ch);

  if (!err) err = select_one(weir_loop_background(loop), ch);
  weir_chan_unref(ch);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  if (!err && uv_loop_close(uv)) err = fail("uv_loop_close");
  return err;
}
