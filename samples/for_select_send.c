/* Sends the values of a loop while watching done: each round is a select of two cases, and the
 * next round starts when it has completed. */
#include <stdio.h>
#include <weir.h>

enum { DONE, STREAM };

typedef struct sender_s {
  weir_op_t op;
  weir_case_t cases[2];
  weir_chan_t *done, *stream;
  size_t i;
} sender_t;

typedef struct reader_s {
  weir_range_t range;
  weir_chan_t *done;
  char last; /* the letter that is enough */
} reader_t;

static const char letters[] = {'a', 'b', 'c'};

static void send_next(sender_t *sender);

static void on_selected(weir_op_t *op, int status) {
  sender_t *sender = op->data;

  (void)status; /* UV_EOF of done, 0 of stream */
  if (weir_op_index(op) == DONE) {
    printf("done, with '%c' not sent\n", letters[sender->i]);
    return;
  }
  sender->i++;
  send_next(sender);
}

static void send_next(sender_t *sender) {
  if (sender->i == sizeof letters) {
    weir_chan_close(sender->stream);
    return;
  }
  sender->cases[DONE] = WEIR_RECV(sender->done, NULL);
  sender->cases[STREAM] = WEIR_SEND(sender->stream, &letters[sender->i]);
  weir_select(&sender->op, sender->cases, 2, on_selected);
}

static void on_letter(weir_range_t *range, const void *value, int status) {
  reader_t *reader = range->data;

  if (status) return; /* UV_EOF: all have come */
  printf("%c\n", *(const char *)value);
  if (*(const char *)value != reader->last) return;
  weir_range_stop(range);
  weir_chan_close(reader->done);
}

/* Returns how many operations are left: none. */
static size_t send_until(weir_loop_t *loop, char last) {
  weir_ctx_t *ctx = weir_loop_background(loop);
  weir_chan_t *done = weir_chan_new(loop, NULL, 0);
  weir_chan_t *stream = weir_chan_new(loop, WEIR_TYPE(char), 0);
  sender_t sender = {.op.data = &sender, .done = done, .stream = stream};
  reader_t reader = {.range.data = &reader, .done = done, .last = last};

  weir_op_init(&sender.op, ctx);
  send_next(&sender);
  weir_range_init(&reader.range, ctx);
  weir_range_start(&reader.range, stream, on_letter);

  size_t left = weir_run(loop);
  weir_chan_unref(stream);
  weir_chan_unref(done);
  return left;
}

int main(void) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;

  if (weir_loop_new(&loop, uv)) return 1;
  size_t left = send_until(loop, '\0'); /* all of them */
  left += send_until(loop, 'b');
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
