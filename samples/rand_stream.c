/* The cure of leak_rand_stream.c: the send is under a context, which the reader cancels when it
 * has what it wants. That is Go's select of `randStream <- rand.Int()` and `<-done`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

typedef struct stream_s {
  weir_op_t op;
  weir_chan_t *out;
  int value;
} stream_t;

typedef struct reader_s {
  weir_op_t op;
  weir_ctx_t *stream_ctx;
  weir_chan_t *in;
  int value, count;
} reader_t;

static void on_sent(weir_op_t *op, int status);

static void send_next(stream_t *stream) {
  stream->value = rand();
  weir_chan_send(&stream->op, stream->out, &stream->value, on_sent);
}

static void on_sent(weir_op_t *op, int status) {
  stream_t *stream = op->data;

  if (status == 0) {
    send_next(stream);
    return;
  }
  weir_chan_close(stream->out);
  weir_chan_unref(stream->out);
  printf("newRandStream closure exited.\n");
}

/* Returns a stream of int that ends with the context. The reference is the caller's. */
static weir_chan_t *new_rand_stream(stream_t *stream, weir_ctx_t *ctx) {
  stream->out = weir_chan_new(weir_ctx_loop(ctx), WEIR_TYPE(int), 0);
  stream->op.data = stream;
  weir_op_init(&stream->op, ctx);
  send_next(stream);
  return weir_chan_ref(stream->out);
}

static void on_received(weir_op_t *op, int status) {
  reader_t *reader = op->data;

  if (status) return;
  printf("%d: %d\n", ++reader->count, reader->value);
  if (reader->count < 3) {
    weir_chan_recv(op, reader->in, &reader->value, on_received);
    return;
  }
  weir_ctx_cancel(reader->stream_ctx);
  weir_sleep(op, 1000, NULL); /* simulate ongoing work */
}

int main(int argc, char **argv) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;
  stream_t stream;

  if (weir_loop_new(&loop, uv)) return 1;
  if (argc > 1 && strcmp(argv[1], "--virtual") == 0) weir_loop_virtual_time(loop);
  weir_ctx_t *ctx = weir_ctx_with_cancel(weir_loop_background(loop));
  reader_t reader = {.op.data = &reader, .stream_ctx = ctx, .in = new_rand_stream(&stream, ctx)};
  printf("3 random ints:\n");
  weir_op_init(&reader.op, weir_loop_background(loop));
  weir_chan_recv(&reader.op, reader.in, &reader.value, on_received);

  size_t left = weir_run(loop);
  weir_chan_unref(reader.in);
  weir_ctx_unref(ctx);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
