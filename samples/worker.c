/* Values from a thread of yours into your libuv loop. The thread blocks while the channel is full,
 * and ends it when it has no more; the loop ranges over it, and ends it when it wants no more. */
#include <stdio.h>
#include <weir.h>

enum { CAPACITY = 4 };

typedef struct worker_s {
  uv_thread_t thread;
  weir_chan_t *values;
  int most;   /* how many it has to send */
  int status; /* of its last send */
} worker_t;

typedef struct reader_s {
  weir_range_t range;
  weir_op_t pause;
  weir_chan_t *values;
  int wanted, count, last;
} reader_t;

/* On its own thread, which runs no loop: only shared channels may be used here. */
static void work(void *arg) {
  worker_t *worker = arg;

  for (int i = 1; i <= worker->most && !worker->status; i++)
    worker->status = weir_chan_send_blocking(worker->values, &i, UINT64_MAX);
  weir_chan_close(worker->values); /* that was all: the loop still gets what is in it */
  weir_chan_unref(worker->values);
}

static int worker_start(worker_t *worker, weir_chan_t *values) {
  worker->values = weir_chan_ref(values);
  int err = uv_thread_create(&worker->thread, work, worker);
  if (err) weir_chan_unref(values);
  return err;
}

/* Backpressure: while the reader pauses, the thread comes no further than this. */
static void until_full(weir_op_t *op, int status) {
  reader_t *reader = op->data;

  if (!status && weir_chan_len(reader->values) < CAPACITY) {
    weir_sleep(op, 1, until_full);
    return;
  }
  printf("%zu values wait, and so does the thread\n", weir_chan_len(reader->values));
  weir_range_resume(&reader->range);
}

static void on_value(weir_range_t *range, const void *value, int status) {
  reader_t *reader = range->data;

  if (status) {
    printf("%d values, the last one %d: %s\n", reader->count, reader->last, uv_strerror(status));
    return;
  }
  reader->last = *(const int *)value;
  if (++reader->count == 1) {
    weir_range_pause(range);
    weir_sleep(&reader->pause, 1, until_full);
  } else if (reader->count == reader->wanted) {
    printf("%d values are enough\n", reader->count);
    weir_chan_close(reader->values); /* the thread's send fails */
    weir_range_stop(range);
  }
}

/* Returns how many operations are left: none. */
static size_t run(weir_loop_t *loop, int most, int wanted) {
  weir_ctx_t *ctx = weir_loop_background(loop);
  weir_chan_t *values = weir_chan_new_shared(WEIR_TYPE(int), CAPACITY);
  worker_t worker = {.most = most};
  reader_t reader = {.values = values, .wanted = wanted};

  if (!values || worker_start(&worker, values)) return 1;
  reader.range.data = reader.pause.data = &reader;
  weir_op_init(&reader.pause, ctx);
  weir_range_init(&reader.range, ctx);
  weir_range_start(&reader.range, values, on_value);

  size_t left = weir_run(loop); /* or uv_run, where the application runs the loop */
  uv_thread_join(&worker.thread);
  printf("the thread: %s\n", worker.status ? uv_strerror(worker.status) : "all sent");
  weir_chan_unref(values);
  return left;
}

int main(void) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;

  if (weir_loop_new(&loop, uv)) return 1;
  printf("until the thread has no more\n");
  size_t left = run(loop, 1000, -1);
  printf("until the loop wants no more\n");
  left += run(loop, 1000000000, 10);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
