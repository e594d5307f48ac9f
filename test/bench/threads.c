/*
 * Senders and receivers on different threads, over a shared channel: from loop to loop (thread*),
 * from a thread without a loop to one (blocking*), and between two without (blocking_both*). The
 * figure is from when all threads are ready until the receivers have seen the end.
 *
 * One of each, or by the digits of a name: thread41_* has 4 senders on one loop and 1 receiver on
 * the other. thread44x_* has 4 and 4 with a thread and a loop each.
 */
#include "ends.h"

#include <stdatomic.h>

enum { VALUES = 2000000, FEWER_VALUES = 200000, MOST_ENDS = 4, MOST_THREADS = 2 * MOST_ENDS };

/* Threads that do the same, with so many senders or receivers on each. */
typedef struct side_s {
  bench_part part;
  size_t threads, ends;
} side_t;

typedef struct stream_s {
  weir_chan_t *ch;
  size_t senders, receivers;          /* on each thread */
  size_t each;                        /* values, of every sender */
  atomic_size_t producing, consuming; /* threads */
  atomic_uint_fast64_t started, ended, count, sum;
} stream_t;

/* After the last value of a producer's thread: the last of them ends the stream. */
static void end_producing(stream_t *stream) {
  if (atomic_fetch_sub(&stream->producing, 1) == 1) bench_expect(weir_chan_close(stream->ch) == 0);
}

/* When all are ready; the first to know starts the clock. */
static void begin_consuming(const bench_t *bench, stream_t *stream) {
  uint_fast64_t never = 0;

  bench_meet(bench);
  atomic_compare_exchange_strong(&stream->started, &never, uv_hrtime());
}

/* The last of the consumers' threads stops it. */
static void end_consuming(stream_t *stream, uint64_t count, uint64_t sum) {
  atomic_fetch_add(&stream->count, count);
  atomic_fetch_add(&stream->sum, sum);
  if (atomic_fetch_sub(&stream->consuming, 1) == 1) stream->ended = uv_hrtime();
}

/* One consumer is this thread. */
static void run_threads(const bench_t *bench, stream_t *stream, side_t from, side_t to) {
  bench_part beside[MOST_THREADS];
  size_t n = 0;

  while (n < from.threads) beside[n++] = from.part;
  while (n < from.threads + to.threads - 1) beside[n++] = to.part;
  bench_among(bench, beside, n, to.part, stream);
}

static void stream(const bench_t *bench, const char *name, size_t capacity, side_t from,
                   side_t to) {
  size_t n = bench_scaled(bench, capacity > 1 ? VALUES : FEWER_VALUES);
  size_t senders = from.threads * from.ends;
  stream_t stream = {.ch = bench_shared(capacity), .senders = from.ends, .receivers = to.ends};

  stream.each = n / senders;
  stream.producing = from.threads;
  stream.consuming = to.threads;
  run_threads(bench, &stream, from, to);
  bench_result(name, "ns", (double)(stream.ended - stream.started) / (double)n);
  bench_expect(stream.count == n && stream.sum == senders * bench_sum(stream.each));
  weir_chan_unref(stream.ch);
}

static void one_to_one(const bench_t *bench, const char *name, size_t capacity, bench_part producer,
                       bench_part consumer) {
  stream(bench, name, capacity, (side_t){producer, 1, 1}, (side_t){consumer, 1, 1});
}

/* loop to loop */

static void produce(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  sender_t senders[MOST_ENDS];

  bench_meet(bench);
  for (size_t i = 0; i < stream->senders; i++)
    sender_start(&senders[i], bench->ctx, stream->ch, stream->each, false);
  bench_run(bench);
  for (size_t i = 0; i < stream->senders; i++) bench_expect(senders[i].value == stream->each);
  end_producing(stream);
}

static void consume(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  receiver_t receivers[MOST_ENDS];
  uint64_t count = 0, sum = 0;

  begin_consuming(bench, stream);
  for (size_t i = 0; i < stream->receivers; i++)
    receiver_start(&receivers[i], bench->ctx, stream->ch, SIZE_MAX);
  bench_run(bench);
  for (size_t i = 0; i < stream->receivers; i++) {
    bench_expect(receivers[i].end == UV_EOF);
    count += receivers[i].count;
    sum += receivers[i].sum;
  }
  end_consuming(stream, count, sum);
}

void bench_thread0(const bench_t *bench) {
  one_to_one(bench, "thread0", 0, produce, consume);
}

void bench_thread1(const bench_t *bench) {
  one_to_one(bench, "thread1", 1, produce, consume);
}

void bench_thread128(const bench_t *bench) {
  one_to_one(bench, "thread128", 128, produce, consume);
}

void bench_thread1024(const bench_t *bench) {
  one_to_one(bench, "thread1024", 1024, produce, consume);
}

#define SHAPE(senders, receivers, capacity)                                                        \
  void bench_thread##senders##receivers##_##capacity(const bench_t *bench) {                       \
    stream(bench, "thread" #senders #receivers "_" #capacity, capacity,                            \
           (side_t){produce, 1, senders}, (side_t){consume, 1, receivers});                        \
  }
#define SHAPES(senders, receivers)                                                                 \
  SHAPE(senders, receivers, 0)                                                                     \
  SHAPE(senders, receivers, 1)                                                                     \
  SHAPE(senders, receivers, 128)                                                                   \
  SHAPE(senders, receivers, 1024)

SHAPES(4, 1)
SHAPES(1, 4)
SHAPES(4, 4)

void bench_thread44x_128(const bench_t *bench) {
  stream(bench, "thread44x_128", 128, (side_t){produce, 4, 1}, (side_t){consume, 4, 1});
}

static void range_over(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  ranger_t ranger;

  begin_consuming(bench, stream);
  ranger_start(&ranger, bench->ctx, stream->ch);
  bench_run(bench);
  bench_expect(ranger.end == UV_EOF);
  end_consuming(stream, stream->each, ranger.sum); /* a range does not count */
}

void bench_thread_range128(const bench_t *bench) {
  one_to_one(bench, "thread_range128", 128, produce, range_over);
}

void bench_thread_range1024(const bench_t *bench) {
  one_to_one(bench, "thread_range1024", 1024, produce, range_over);
}

static void produce_many(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  batch_t batch;

  bench_meet(bench);
  batch_send(&batch, bench->ctx, stream->ch, stream->each);
  bench_run(bench);
  bench_expect(batch.next == stream->each);
}

static void consume_many(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  batch_t batch;

  begin_consuming(bench, stream);
  batch_recv(&batch, bench->ctx, stream->ch, stream->each);
  bench_run(bench);
  end_consuming(stream, batch.next, batch.sum);
}

void bench_thread_many64(const bench_t *bench) {
  one_to_one(bench, "thread_many64", 1024, produce_many, consume_many);
}

void bench_thread_many64_128(const bench_t *bench) {
  one_to_one(bench, "thread_many64_128", 128, produce_many, consume_many);
}

/* without a loop: that of the thread is not used */

static void produce_blocking(const bench_t *bench, void *arg) {
  stream_t *stream = arg;

  bench_meet(bench);
  for (uint64_t i = 0; i < stream->each; i++)
    bench_expect(weir_chan_send_blocking(stream->ch, &i, UINT64_MAX) == 0);
  end_producing(stream);
}

static void consume_blocking(const bench_t *bench, void *arg) {
  stream_t *stream = arg;
  uint64_t value, sum = 0, count = 0;
  int status;

  begin_consuming(bench, stream);
  while ((status = weir_chan_recv_blocking(stream->ch, &value, UINT64_MAX)) == 0) {
    sum += value;
    count++;
  }
  bench_expect(status == UV_EOF);
  end_consuming(stream, count, sum);
}

void bench_blocking128(const bench_t *bench) {
  one_to_one(bench, "blocking128", 128, produce_blocking, consume);
}

void bench_blocking1024(const bench_t *bench) {
  one_to_one(bench, "blocking1024", 1024, produce_blocking, consume);
}

void bench_blocking_both128(const bench_t *bench) {
  one_to_one(bench, "blocking_both128", 128, produce_blocking, consume_blocking);
}

void bench_blocking_both1024(const bench_t *bench) {
  one_to_one(bench, "blocking_both1024", 1024, produce_blocking, consume_blocking);
}
