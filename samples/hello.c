/* A value or a second's wait, whichever comes first. */
#include <stdio.h>
#include <weir.h>

static void on_select(weir_op_t *op, int status) {
  printf("case %zu: %s\n", weir_op_index(op), status ? uv_strerror(status) : "received");
}

int main(void) {
  weir_loop_t *loop;
  weir_op_t sender, receiver;
  int sent = 42, received = 0;

  if (weir_loop_new(&loop, uv_default_loop())) return 1;
  weir_ctx_t *ctx = weir_loop_background(loop);
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), 0), *late = weir_timer_sig(loop, 1000);
  weir_case_t cases[] = {WEIR_RECV(ch, &received), WEIR_RECV(late, NULL)};

  weir_op_init(&receiver, ctx);
  weir_select(&receiver, cases, 2, on_select); /* parks: nothing is ready */
  weir_op_init(&sender, ctx);
  weir_chan_send(&sender, ch, &sent, NULL); /* a rendezvous with it */
  weir_op_wait(&receiver);                  /* or uv_run, where the application runs the loop */
  printf("%d, and the send completed with %d\n", received, weir_op_wait(&sender));

  weir_chan_unref(late); /* stops its timer */
  weir_chan_unref(ch);
  weir_loop_close(loop, NULL, NULL);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
