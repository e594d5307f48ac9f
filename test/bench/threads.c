/*
 * One sender, one receiver, on two threads over a shared channel: from loop to loop (thread*), from
 * a thread without a loop to one (blocking*), and between two without (blocking_both*). The figure
 * is the receiver's, from when both threads are ready until it has seen the end.
 */
#include "ends.h"

enum { VALUES = 2000000, FEWER_VALUES = 200000 };

typedef struct stream_s {
  const char *name;
  size_t n;
  weir_chan_t *ch;
} stream_t;

static void stream(const bench_t *bench, const char *name, size_t capacity, bench_part producer,
                   bench_part consumer) {
  size_t n = bench_scaled(bench, capacity > 1 ? VALUES : FEWER_VALUES);
  stream_t stream = {.name = name, .n = n, .ch = bench_shared(capacity)};

  bench_beside(bench, producer, consumer, &stream);
  weir_chan_unref(stream.ch);
}

/* loop to loop */

static void produce(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  sender_t sender;

  bench_meet(bench);
  sender_start(&sender, bench->ctx, stream->ch, stream->n, true);
  bench_run(bench);
  bench_expect(sender.value == stream->n);
}

static void consume(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  receiver_t receiver;
  uint64_t start;

  bench_meet(bench);
  start = uv_hrtime();
  receiver_start(&receiver, bench->ctx, stream->ch, SIZE_MAX);
  bench_run(bench);
  bench_since(stream->name, start, stream->n);
  bench_expect(receiver.end == UV_EOF && receiver.count == stream->n);
  bench_expect(receiver.sum == bench_sum(stream->n));
}

void bench_thread0(const bench_t *bench) {
  stream(bench, "thread0", 0, produce, consume);
}

void bench_thread1(const bench_t *bench) {
  stream(bench, "thread1", 1, produce, consume);
}

void bench_thread128(const bench_t *bench) {
  stream(bench, "thread128", 128, produce, consume);
}

void bench_thread1024(const bench_t *bench) {
  stream(bench, "thread1024", 1024, produce, consume);
}

static void range_over(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  ranger_t ranger;
  uint64_t start;

  bench_meet(bench);
  start = uv_hrtime();
  ranger_start(&ranger, bench->ctx, stream->ch);
  bench_run(bench);
  bench_since(stream->name, start, stream->n);
  bench_expect(ranger.end == UV_EOF && ranger.sum == bench_sum(stream->n));
}

void bench_thread_range128(const bench_t *bench) {
  stream(bench, "thread_range128", 128, produce, range_over);
}

void bench_thread_range1024(const bench_t *bench) {
  stream(bench, "thread_range1024", 1024, produce, range_over);
}

static void produce_many(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  batch_t batch;

  bench_meet(bench);
  batch_send(&batch, bench->ctx, stream->ch, stream->n);
  bench_run(bench);
  bench_expect(batch.next == stream->n);
}

static void consume_many(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  batch_t batch;
  uint64_t start;

  bench_meet(bench);
  start = uv_hrtime();
  batch_recv(&batch, bench->ctx, stream->ch, stream->n);
  bench_run(bench);
  bench_since(stream->name, start, stream->n);
  bench_expect(batch.next == stream->n && batch.sum == bench_sum(stream->n));
}

void bench_thread_many64(const bench_t *bench) {
  stream(bench, "thread_many64", 1024, produce_many, consume_many);
}

void bench_thread_many64_128(const bench_t *bench) {
  stream(bench, "thread_many64_128", 128, produce_many, consume_many);
}

/* without a loop: that of the thread is not used */

static void produce_blocking(const bench_t *bench, void *arg) {
  stream_t *stream = arg;

  bench_meet(bench);
  for (uint64_t i = 0; i < stream->n; i++)
    bench_expect(weir_chan_send_blocking(stream->ch, &i, UINT64_MAX) == 0);
  bench_expect(weir_chan_close(stream->ch) == 0);
}

static void consume_blocking(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  uint64_t value, sum = 0, count = 0, start;
  int status;

  bench_meet(bench);
  start = uv_hrtime();
  while ((status = weir_chan_recv_blocking(stream->ch, &value, UINT64_MAX)) == 0) {
    sum += value;
    count++;
  }
  bench_since(stream->name, start, stream->n);
  bench_expect(status == UV_EOF && count == stream->n && sum == bench_sum(stream->n));
}

void bench_blocking128(const bench_t *bench) {
  stream(bench, "blocking128", 128, produce_blocking, consume);
}

void bench_blocking1024(const bench_t *bench) {
  stream(bench, "blocking1024", 1024, produce_blocking, consume);
}

void bench_blocking_both128(const bench_t *bench) {
  stream(bench, "blocking_both128", 128, produce_blocking, consume_blocking);
}

void bench_blocking_both1024(const bench_t *bench) {
  stream(bench, "blocking_both1024", 1024, produce_blocking, consume_blocking);
}
