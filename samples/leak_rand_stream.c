/* A leak: three random numbers are received of a stream that never ends, and whoever makes them
 * waits for ever with the fourth. Go says nothing; weir_dump names it. See rand_stream.c. */
#include <stdio.h>
#include <stdlib.h>
#include <weir.h>

typedef struct stream_s {
  weir_op_t op;
  weir_chan_t *out;
  int value;
} stream_t;

typedef struct reader_s {
  weir_op_t op;
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
  weir_chan_unref(stream->out);       /* the last reference closes it */
  if (status == UV_ECANCELED) return; /* the program ends: Go would not run its deferred calls */
  printf("newRandStream closure exited.\n");
}

/* Returns an endless stream of int. The reference is the caller's. */
static weir_chan_t *new_rand_stream(stream_t *stream, weir_loop_t *loop) {
  stream->out = weir_chan_new(loop, WEIR_TYPE(int), 0);
  weir_chan_set_name(stream->out, "randStream"); /* for weir_dump */
  stream->op.data = stream;
  weir_op_init(&stream->op, weir_loop_background(loop));
  send_next(stream);
  return weir_chan_ref(stream->out);
}

static void on_received(weir_op_t *op, int status) {
  reader_t *reader = op->data;

  if (status) return;
  printf("%d: %d\n", ++reader->count, reader->value);
  if (reader->count < 3) weir_chan_recv(op, reader->in, &reader->value, on_received);
}

int main(void) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;
  stream_t stream;

  if (weir_loop_new(&loop, uv)) return 1;
  reader_t reader = {.op.data = &reader, .in = new_rand_stream(&stream, loop)};
  printf("3 random ints:\n");
  weir_op_init(&reader.op, weir_loop_background(loop));
  weir_chan_recv(&reader.op, reader.in, &reader.value, on_received);

  size_t left = weir_run(loop);
  printf("%zu leaked:\n", left);
  weir_dump(loop, stdout);

  weir_chan_unref(reader.in);
  weir_loop_close(loop, NULL, NULL); /* cancels the send */
  uv_run(uv, UV_RUN_DEFAULT);
  return left != 1 || uv_loop_close(uv) != 0;
}
