/* Description: shared channels between two loops: order, both directions, closing, wake-ups. */
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "support/shared.h"
#include "support/threads.h"

/*
 * A stream: a producer sends 0, 1, .. n - 1 and closes the channel; a consumer sees them all, in
 * order, and the end. Either may be on either loop.
 */
enum { BATCH = 64 };

typedef struct stream_s {
  weir_chan_t *ch;
  int n;
  size_t batch; /* of send_many and recv_many; 1: send and recv */
  bool is_range;
} stream_t;

/* Values per stream that is sent one by one. */
static int stream_length(void) {
  return support_under_valgrind() ? 500 : 10000;
}

typedef struct producer_s {
  weir_op_t op; /* first */
  stream_t *stream;
  uv_thread_t thread;
  int values[BATCH];
  int next;
} producer_t;

static void produce(producer_t *producer);

static void on_sent(weir_op_t *op, int status) {
  producer_t *producer = (producer_t *)op;
  uv_thread_t self = uv_thread_self();

  ensure(uv_thread_equal(&self, &producer->thread));
  ensure_eq(status, 0);
  ensure(producer->stream->batch == 1 || weir_op_index(op) > 0);
  produce(producer);
}

static void produce(producer_t *producer) {
  stream_t *stream = producer->stream;
  size_t left = (size_t)(stream->n - producer->next);
  size_t n = left < stream->batch ? left : stream->batch;

  if (n == 0) {
    ensure_eq(weir_chan_close(stream->ch), 0);
    return;
  }
  for (size_t i = 0; i < n; i++) producer->values[i] = producer->next++;
  if (stream->batch == 1)
    ensure_eq(weir_chan_send(&producer->op, stream->ch, producer->values, on_sent), 0);
  else
    ensure_eq(weir_chan_send_many(&producer->op, stream->ch, producer->values, n, on_sent), 0);
}

typedef struct consumer_s {
  weir_op_t op;       /* first */
  weir_range_t range; /* data: the consumer */
  stream_t *stream;
  uv_thread_t thread;
  int values[BATCH];
  int next, status;
} consumer_t;

static void consume(consumer_t *consumer);

static void note_end(consumer_t *consumer, int status) {
  ensure_eq(consumer->status, 0);
  consumer->status = status;
}

static void note_values(consumer_t *consumer, const int *values, size_t n) {
  uv_thread_t self = uv_thread_self();

  ensure(uv_thread_equal(&self, &consumer->thread));
  for (size_t i = 0; i < n; i++) ensure_eq(values[i], consumer->next++);
}

static void on_received(weir_op_t *op, int status) {
  consumer_t *consumer = (consumer_t *)op;

  if (status) {
    note_end(consumer, status);
    return;
  }
  ensure(weir_op_index(op) > 0);
  note_values(consumer, consumer->values, weir_op_index(op));
  consume(consumer);
}

static void on_ranged(weir_range_t *range, const void *value, int status) {
  if (status)
    note_end(range->data, status);
  else
    note_values(range->data, value, 1);
}

static void consume(consumer_t *consumer) {
  stream_t *stream = consumer->stream;

  if (stream->batch == 1)
    ensure_eq(weir_chan_recv(&consumer->op, stream->ch, consumer->values, on_received), 0);
  else
    ensure_eq(weir_chan_recv_many(&consumer->op, stream->ch, consumer->values, BATCH, on_received),
              0);
}

/* One side: its loop produces one stream, or consumes one, or both. */
typedef struct side_s {
  stream_t *out, *in;
  producer_t producer;
  consumer_t consumer;
} side_t;

static void start_consumer(consumer_t *consumer, stream_t *stream, weir_ctx_t *ctx) {
  *consumer = (consumer_t){.stream = stream, .thread = uv_thread_self()};
  weir_op_init(&consumer->op, ctx);
  weir_range_init(&consumer->range, ctx);
  consumer->range.data = consumer;
  if (stream->is_range)
    ensure_eq(weir_range_start(&consumer->range, stream->ch, on_ranged), 0);
  else
    consume(consumer);
}

static void run_side(weir_loop_t *on, side_t *side) {
  weir_ctx_t *ctx = weir_loop_background(on);

  if (side->in) start_consumer(&side->consumer, side->in, ctx);
  if (side->out) {
    side->producer = (producer_t){.stream = side->out, .thread = uv_thread_self()};
    weir_op_init(&side->producer.op, ctx);
    produce(&side->producer);
  }
  ensure_eq(weir_run(on), 0);
  if (side->in) {
    ensure_eq(side->consumer.next, side->in->n);
    ensure_eq(side->consumer.status, UV_EOF);
  }
}

static void run_other_side(support_thread_t *thread, void *arg) {
  run_side(thread->loop, arg);
}

static void ck_streams(stream_t *to_other, stream_t *to_mine) {
  side_t mine = {.out = to_other, .in = to_mine}, other = {.out = to_mine, .in = to_other};
  support_thread_t thread;

  support_thread_start(&thread, run_other_side, &other);
  run_side(loop, &mine);
  support_thread_join(&thread);
}

static stream_t new_stream(size_t capacity, size_t batch, bool is_range) {
  int n = batch == 1 ? stream_length() : 10 * stream_length() + 7;

  return (stream_t){.ch = shared_ints(capacity), .n = n, .batch = batch, .is_range = is_range};
}

static void ck_one_way_each(size_t capacity, size_t batch, bool is_range) {
  for (int i = 0; i < 2; i++) {
    stream_t stream = new_stream(capacity, batch, is_range);
    ck_streams(i ? NULL : &stream, i ? &stream : NULL);
    weir_chan_unref(stream.ch);
  }
}

static void ck_both_ways(size_t capacity, size_t batch, bool is_range) {
  stream_t there = new_stream(capacity, batch, is_range);
  stream_t back = new_stream(capacity, batch, is_range);

  ck_streams(&there, &back);
  weir_chan_unref(there.ch);
  weir_chan_unref(back.ch);
}

START_TEST(values_cross_a_rendezvous_in_order) {
  ck_one_way_each(0, 1, false);
}
END_TEST

START_TEST(values_cross_a_buffer_of_1_in_order) {
  ck_one_way_each(1, 1, false);
}
END_TEST

START_TEST(values_cross_a_buffer_of_128_in_order) {
  ck_one_way_each(128, 1, false);
}
END_TEST

START_TEST(batches_cross_in_order) {
  static const size_t capacities[] = {0, 1, 128};

  for (int i = 0; i < 3; i++) ck_one_way_each(capacities[i], BATCH, false);
}
END_TEST

START_TEST(ranges_receive_from_another_loop) {
  static const size_t capacities[] = {0, 1, 128};

  for (int i = 0; i < 3; i++) ck_one_way_each(capacities[i], 1, true);
  ck_one_way_each(1, BATCH, true);
}
END_TEST

START_TEST(streams_cross_both_ways_at_once) {
  ck_both_ways(0, 1, false);
  ck_both_ways(1, 1, true);
  ck_both_ways(128, 1, false);
  ck_both_ways(128, BATCH, false);
}
END_TEST

/* Without a look before they sleep, and with a long one. */
START_TEST(spin_changes_nothing_but_the_speed) {
  static const uint64_t spins[] = {0, 200000};

  for (int i = 0; i < 2; i++) {
    weir_loop_set_spin(loop, spins[i]);
    ck_one_way_each(1, 1, false);
  }
}
END_TEST

/* wake-ups */

enum { POSTED = 1000 };

typedef struct busy_s {
  uv_sem_t is_busy, go_on;
  weir_chan_t *chans[POSTED];
  probe_t recvs[POSTED];
  int received[POSTED];
  uint64_t wakeups;
} busy_t;

static uint64_t wakeups_of(weir_loop_t *which) {
  weir_stats_t stats;

  weir_stats(which, &stats);
  return stats.wakeups;
}

static void be_busy_until_told(weir_op_t *op, int status) {
  busy_t *busy = op->data;

  ensure_eq(status, 0);
  uv_sem_post(&busy->is_busy);
  uv_sem_wait(&busy->go_on);
}

static void run_busy(support_thread_t *thread, void *arg) {
  busy_t *busy = arg;
  weir_op_t yield;

  for (int i = 0; i < POSTED; i++) {
    probe_init(&busy->recvs[i], thread->bg);
    ensure_eq(weir_chan_recv(&busy->recvs[i].op, busy->chans[i], &busy->received[i], probe_note),
              0);
  }
  weir_op_init(&yield, thread->bg);
  yield.data = busy;
  ensure_eq(weir_yield(&yield, be_busy_until_told), 0);
  ensure_eq(weir_run(thread->loop), 0);
  busy->wakeups = wakeups_of(thread->loop);
}

START_TEST(what_is_posted_to_a_busy_loop_wakes_it_once) {
  busy_t *busy = calloc(1, sizeof(*busy));
  support_thread_t thread;

  ck_assert_int_eq(uv_sem_init(&busy->is_busy, 0), 0);
  ck_assert_int_eq(uv_sem_init(&busy->go_on, 0), 0);
  for (int i = 0; i < POSTED; i++) busy->chans[i] = shared_ints(0);
  support_thread_start(&thread, run_busy, busy);
  uv_sem_wait(&busy->is_busy);
  for (int i = 0; i < POSTED; i++) put(busy->chans[i], i);
  uv_sem_post(&busy->go_on);
  support_thread_join(&thread);
  for (int i = 0; i < POSTED; i++) {
    ck_completed(&busy->recvs[i], 0);
    ck_assert_int_eq(busy->received[i], i);
    if (i > 0) ck_assert_uint_eq(busy->recvs[i].order, busy->recvs[i - 1].order + 1);
    weir_chan_unref(busy->chans[i]);
  }
  ck_assert_uint_le(busy->wakeups, 3);
  uv_sem_destroy(&busy->is_busy);
  uv_sem_destroy(&busy->go_on);
  free(busy);
}
END_TEST

static void put_by_hand(void *arg) {
  int value = 5;

  while (weir_chan_try_send(arg, &value) == UV_EAGAIN) continue;
}

START_TEST(thread_without_a_loop_wakes_one) {
  for (int i = 0; i < 100; i++) {
    weir_chan_t *ch = shared_ints(0);
    int received = UNTOUCHED;
    uv_thread_t thread;
    probe_t recv;
    start_recv(&recv, ch, &received);
    ck_assert_int_eq(uv_thread_create(&thread, put_by_hand, ch), 0);
    ck_assert_uint_eq(weir_run(loop), 0); /* sleeps until it is woken */
    ck_completed(&recv, 0);
    ck_assert_int_eq(received, 5);
    ck_assert_int_eq(uv_thread_join(&thread), 0);
    weir_chan_unref(ch);
  }
}
END_TEST

/* Answers that come while the loop looks are of the same turn: I/O is looked at in time. */

enum { FEW = 300 };

typedef struct answered_s {
  weir_chan_t *ch;
  weir_op_t recv, yield;
  uv_prepare_t prepare;
  int ran, until; /* yields */
} answered_t;

static void on_answer(weir_op_t *op, int status);

static void run_on(weir_op_t *op, int status) {
  answered_t *self = op->data;

  ck_assert_int_eq(status, 0);
  if (++self->ran < self->until)
    weir_yield(op, run_on);
  else if (self->until == FEW)
    weir_chan_recv(&self->recv, self->ch, NULL, on_answer);
}

/* The first answer wakes the loop, the second one comes while it looks. */
static void on_answer(weir_op_t *op, int status) {
  answered_t *self = op->data;

  ck_assert_int_eq(status, 0);
  self->until = self->until == 0 ? FEW : INT_MAX;
  weir_yield(&self->yield, run_on);
}

static void see_turn(uv_prepare_t *prepare) {
  answered_t *self = prepare->data;

  if (self->until < INT_MAX) return;
  self->until = self->ran;
  uv_close((uv_handle_t *)prepare, NULL);
}

static void put_twice(void *arg) {
  put_by_hand(arg);
  put_by_hand(arg);
}

START_TEST(budget_holds_for_what_is_answered_at_once) {
  answered_t self = {.ch = shared_ints(0)};
  uv_thread_t thread;

  weir_loop_set_spin(loop, 1000000000);
  weir_op_init(&self.recv, bg);
  weir_op_init(&self.yield, bg);
  self.recv.data = self.yield.data = self.prepare.data = &self;
  uv_prepare_init(uv, &self.prepare);
  uv_prepare_start(&self.prepare, see_turn);
  uv_unref((uv_handle_t *)&self.prepare);
  ck_assert_int_eq(weir_chan_recv(&self.recv, self.ch, NULL, on_answer), 0);
  ck_assert_int_eq(uv_thread_create(&thread, put_twice, self.ch), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_gt(self.ran, FEW);
  ck_assert_int_lt(self.ran, 2 * 1100); /* the rest of a turn, and one more */
  ck_assert_int_eq(uv_thread_join(&thread), 0);
  weir_chan_unref(self.ch);
}
END_TEST

/* Virtual time and other threads: the clock stands while they may send, and goes on after it. */
START_TEST(virtual_clock_waits_for_other_threads) {
  weir_chan_t *ch = shared_ints(0);
  probe_t recv, sleep;
  uv_thread_t thread;

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  start_recv(&recv, ch, NULL);
  probe_init(&sleep, bg);
  weir_sleep(&sleep.op, 3600000, probe_note);
  ck_assert_int_eq(uv_thread_create(&thread, put_by_hand, ch), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&recv, 0);
  ck_completed(&sleep, 0);
  ck_assert_uint_lt(recv.order, sleep.order);
  ck_assert_int_eq(uv_thread_join(&thread), 0);
  weir_chan_unref(ch);
}
END_TEST

static const support_test_t tests[] = {
    T(values_cross_a_rendezvous_in_order),    T(values_cross_a_buffer_of_1_in_order),
    T(values_cross_a_buffer_of_128_in_order), T(batches_cross_in_order),
    T(ranges_receive_from_another_loop),      T(streams_cross_both_ways_at_once),
    T(spin_changes_nothing_but_the_speed),    T(what_is_posted_to_a_busy_loop_wakes_it_once),
    T(thread_without_a_loop_wakes_one),       T(budget_holds_for_what_is_answered_at_once),
    T(virtual_clock_waits_for_other_threads),
};
SUITE_MAIN("shared_loops", tests)
