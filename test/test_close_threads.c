/*
 * Description: a loop closes, at a random moment, while other threads send to it, receive from it,
 * cancel and drop its contexts, and close its channels; its host may close all handles before or
 * after.
 *
 * The books: every value has a number. Whoever has sent it notes so, and so does whoever receives
 * it, and the type's drop. What was sent has been received or dropped, once; what was not is still
 * its sender's, and nobody has seen it. Every operation completes once.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "support/elsewhere.h"
#include "support/values.h"

enum { ROUNDS = 100, THREADS = 4, MANY = 3, SLOTS = 10, CTXS = 6 };
enum { PER_SENDER = 300, VALUES = PER_SENDER * (THREADS + 1) };

typedef enum { NOBODY, SENDER, RECEIVER, SELECTOR, CANCELLER, CLOSER, LOOP } role_t;
typedef enum { HOST_CLOSES_NOTHING, HOST_CLOSES_BEFORE, HOST_CLOSES_AFTER } host_t;

typedef struct mix_s {
  role_t roles[THREADS];
  host_t host;
} mix_t;

typedef struct worker_s {
  uv_thread_t id;
  role_t role;
  weir__random_t random;
  int next_value, end_value;
} worker_t;

typedef enum { RECV, RECV_NULL, RECV_MANY, SEND, SEND_MANY, SELECT, KINDS } kind_t;

typedef struct slot_s {
  weir_op_t op;
  kind_t kind;
  bool pending;
  int n;
  int values[MANY];
  weir_case_t cases[2];
} slot_t;

static struct {
  const mix_t *mix;
  weir__random_t random;
  weir_chan_t *to_loop, *from_loop;
  atomic_int sent[VALUES], received[VALUES], dropped[VALUES];
  worker_t workers[THREADS];

  own_t own;
  worker_t self; /* for the values of the loop's own thread */
  weir_ctx_t *ctxs[CTXS];
  slot_t slots[SLOTS];
  weir_range_t range;
  int range_ends;
  weir_op_t moment;
  int completions_left; /* then it closes, or at the moment, if that is earlier */
  bool closing;
} run;

/* the books */

static void note_drop(void *value) {
  run.dropped[*(int *)value]++;
}

static void note_received(int value) {
  ensure(value > 0 && value < VALUES);
  run.received[value]++;
}

static void note_sent(int value) {
  ensure(value > 0 && value < VALUES);
  run.sent[value]++;
}

/* 0 when it has none left. */
static int next_value(worker_t *worker) {
  return worker->next_value < worker->end_value ? worker->next_value++ : 0;
}

static void give_values(worker_t *worker, int number) {
  worker->next_value = number * PER_SENDER + 1;
  worker->end_value = (number + 1) * PER_SENDER;
}

static void ck_books(void) {
  for (int i = 0; i < VALUES; i++) {
    ensure(run.sent[i] <= 1);
    ensure_eq(run.received[i] + run.dropped[i], run.sent[i]);
  }
}

/* the other threads */

static uint64_t some_timeout(worker_t *worker) {
  uint32_t dice = weir__random_below(&worker->random, 8);

  return dice < 2 ? dice : UINT64_MAX;
}

static void be_sender(worker_t *worker) {
  int value, err;

  while ((value = next_value(worker))) {
    err = weir_chan_send_blocking(run.to_loop, &value, some_timeout(worker));
    if (err == 0) note_sent(value);
    if (err == UV_EPIPE) return;
    ensure(err == 0 || err == UV_ETIMEDOUT);
  }
}

static void be_receiver(worker_t *worker) {
  int value = 0, err;

  while ((err = weir_chan_recv_blocking(run.from_loop, &value, some_timeout(worker))) != UV_EOF) {
    ensure(err == 0 || err == UV_ETIMEDOUT);
    if (err == 0) note_received(value);
  }
}

static void be_selector(worker_t *worker) {
  int sent = next_value(worker), received = 0, err;

  do {
    weir_case_t cases[] = {WEIR_SEND(run.to_loop, &sent), WEIR_RECV(run.from_loop, &received)};
    size_t index = 2;
    if (!sent) cases[0].chan = NULL;
    err = weir_select_blocking(cases, 2, some_timeout(worker), &index);
    if (err == 0 && index == 0) note_sent(sent);
    if (err == 0 && index == 0) sent = next_value(worker);
    if (err == 0 && index == 1) note_received(received);
  } while (err == 0 || err == UV_ETIMEDOUT);
  ensure(err == UV_EPIPE || err == UV_EOF);
}

static void spin(weir__random_t *random, uint32_t most) {
  for (volatile uint32_t i = weir__random_below(random, most); i > 0; i--) continue;
}

/* It has a reference to each. */
static void be_canceller(worker_t *worker) {
  for (int i = 0; i < CTXS; i++) {
    spin(&worker->random, 20000);
    weir_ctx_unref(weir_ctx_ref(run.ctxs[i]));
    if (weir__random_below(&worker->random, 2)) weir_ctx_cancel(run.ctxs[i]);
    ensure(weir_ctx_value(run.ctxs[i], &run) == &run.own);
    weir_ctx_unref(run.ctxs[i]);
  }
}

static void be_closer(worker_t *worker) {
  spin(&worker->random, 100000);
  weir_chan_close(run.from_loop);
  spin(&worker->random, 100000);
  weir_chan_close(run.to_loop);
}

/* A loop of its own, which sends until it has no values or the channel is closed, and receives. */
typedef struct peer_s {
  weir_op_t send, recv;
  worker_t *worker;
  int sent, received;
} peer_t;

static void peer_send(weir_op_t *op, int status) {
  peer_t *peer = op->data;

  ensure(status == 0 || status == UV_EPIPE);
  if (status) return;
  if (peer->sent) note_sent(peer->sent);
  peer->sent = next_value(peer->worker);
  if (peer->sent) ensure_eq(weir_chan_send(op, run.to_loop, &peer->sent, peer_send), 0);
}

static void peer_recv(weir_op_t *op, int status) {
  peer_t *peer = op->data;

  ensure(status == 0 || status == UV_EOF);
  if (status) return;
  if (peer->received) note_received(peer->received);
  ensure_eq(weir_chan_recv(op, run.from_loop, &peer->received, peer_recv), 0);
}

static void be_loop(worker_t *worker) {
  peer_t peer = {.worker = worker};
  uv_loop_t peer_uv;
  weir_loop_t *peer_loop;

  ensure_eq(uv_loop_init(&peer_uv), 0);
  ensure_eq(weir_loop_new(&peer_loop, &peer_uv), 0);
  weir_op_init(&peer.send, weir_loop_background(peer_loop));
  weir_op_init(&peer.recv, weir_loop_background(peer_loop));
  peer.send.data = peer.recv.data = &peer;
  peer_send(&peer.send, 0);
  peer_recv(&peer.recv, 0);
  ensure_eq(weir_run(peer_loop), 0);
  weir_loop_close(peer_loop, NULL, NULL);
  uv_run(&peer_uv, UV_RUN_DEFAULT);
  ensure_eq(uv_loop_close(&peer_uv), 0);
}

static void worker_main(void *arg) {
  worker_t *worker = arg;

  if (worker->role == SENDER) be_sender(worker);
  if (worker->role == RECEIVER) be_receiver(worker);
  if (worker->role == SELECTOR) be_selector(worker);
  if (worker->role == CANCELLER) be_canceller(worker);
  if (worker->role == CLOSER) be_closer(worker);
  if (worker->role == LOOP) be_loop(worker);
}

static void start_workers(void) {
  for (int i = 0; i < THREADS; i++) {
    worker_t *worker = &run.workers[i];
    worker->role = run.mix->roles[i];
    worker->random.state = weir__random_next(&run.random);
    give_values(worker, i);
    ensure_eq(uv_thread_create(&worker->id, worker_main, worker), 0);
  }
}

/* the loop that closes */

static void close_one(uv_handle_t *handle, void *arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void close_loop(void) {
  if (run.closing) return;
  run.closing = true;
  if (run.mix->host == HOST_CLOSES_BEFORE) uv_walk(&run.own.uv, close_one, NULL);
  weir_loop_close(run.own.loop, own_on_closed, &run.own);
  if (run.mix->host == HOST_CLOSES_AFTER) uv_walk(&run.own.uv, close_one, NULL);
}

static void on_moment(weir_op_t *op, int status) {
  (void)op, (void)status;
  close_loop();
}

static void on_range(weir_range_t *range, const void *value, int status) {
  (void)range;
  if (value) {
    note_received(*(const int *)value);
    if (--run.completions_left <= 0) close_loop();
  } else {
    ensure(status == UV_ECANCELED || status == UV_EOF);
    run.range_ends++;
  }
}

static void note_slot(slot_t *slot, int status) {
  int n = (int)weir_op_index(&slot->op);

  if (slot->kind == RECV && status == 0) note_received(slot->values[0]);
  if (slot->kind == RECV && status == UV_ECANCELED) ensure_eq(slot->values[0], UNTOUCHED);
  if (slot->kind == RECV_MANY)
    for (int i = 0; i < n; i++) note_received(slot->values[i]);
  if (slot->kind == SEND && status == 0) note_sent(slot->values[0]);
  if (slot->kind == SEND_MANY)
    for (int i = 0; i < n; i++) note_sent(slot->values[i]);
  if (slot->kind == SELECT && status == 0 && n == 0) note_received(slot->values[0]);
  if (slot->kind == SELECT && status == 0 && n == 1) note_sent(slot->values[1]);
}

static void start_slot(slot_t *slot);

static void on_slot(weir_op_t *op, int status) {
  slot_t *slot = (slot_t *)op;

  ensure(slot->pending);
  ensure(status == 0 || status == UV_ECANCELED || status == UV_EOF || status == UV_EPIPE);
  slot->pending = false;
  note_slot(slot, status);
  if (--run.completions_left <= 0) close_loop();
  if (status == 0) start_slot(slot);
}

/* The values that it sends, all new; says whether there are so many. */
static bool fill_slot(slot_t *slot, int first, int n) {
  for (int i = 0; i < MANY; i++) slot->values[i] = UNTOUCHED;
  for (int i = first; i < first + n; i++)
    if (!(slot->values[i] = next_value(&run.self))) return false;
  return true;
}

static int start_kind(slot_t *slot) {
  weir_op_t *op = &slot->op;
  int *values = slot->values;

  switch (slot->kind) {
  case RECV:
    return weir_chan_recv(op, run.to_loop, values, on_slot);
  case RECV_NULL:
    return weir_chan_recv(op, run.to_loop, NULL, on_slot);
  case RECV_MANY:
    return weir_chan_recv_many(op, run.to_loop, values, MANY, on_slot);
  case SEND:
    return weir_chan_send(op, run.from_loop, values, on_slot);
  case SEND_MANY:
    return weir_chan_send_many(op, run.from_loop, values, MANY, on_slot);
  default:
    slot->cases[0] = WEIR_RECV(run.to_loop, &values[0]);
    slot->cases[1] = WEIR_SEND(run.from_loop, &values[1]);
    return weir_select(op, slot->cases, 2, on_slot);
  }
}

static void start_slot(slot_t *slot) {
  int first = slot->kind == SELECT ? 1 : 0;
  int n = slot->kind == SEND || slot->kind == SELECT ? 1 : slot->kind == SEND_MANY ? MANY : 0;

  if (!fill_slot(slot, first, n)) return;
  slot->pending = true;
  ensure_eq(start_kind(slot), 0);
}

static void make_ctxs(void) {
  int cancellers = 0;

  for (int i = 0; i < THREADS; i++) cancellers += run.mix->roles[i] == CANCELLER;
  for (int i = 0; i < CTXS; i++) {
    weir_ctx_t *parent = i < 2 ? run.own.bg : run.ctxs[i - 2];
    run.ctxs[i] = weir_ctx_with_value(parent, &run, &run.own, NULL);
    for (int c = 0; c < cancellers; c++) weir_ctx_ref(run.ctxs[i]);
  }
}

static void start_ops(void) {
  for (int i = 0; i < SLOTS; i++) {
    run.slots[i].kind = (kind_t)(i % KINDS);
    weir_op_init(&run.slots[i].op, run.ctxs[i % CTXS]);
    start_slot(&run.slots[i]);
  }
  weir_range_init(&run.range, run.own.bg);
  ensure_eq(weir_range_start(&run.range, run.to_loop, on_range), 0);
  weir_op_init(&run.moment, run.own.bg);
  ensure_eq(weir_sleep(&run.moment, weir__random_below(&run.random, 3), on_moment), 0);
  for (int i = 0; i < CTXS; i++) weir_ctx_unref(run.ctxs[i]);
}

static void run_to_the_end(void) {
  uv_run(&run.own.uv, UV_RUN_DEFAULT);
  ensure_eq(run.own.closed, 1);
  ensure_eq(uv_loop_close(&run.own.uv), 0);
  for (int i = 0; i < SLOTS; i++) ensure(!run.slots[i].pending);
  ensure_eq(run.range_ends, 1);
}

static void round_open(const mix_t *mix, unsigned seed) {
  memset(&run, 0, sizeof(run));
  run.mix = mix;
  run.random.state = seed;
  run.completions_left = 1 + (int)weir__random_below(&run.random, 60);
  run.to_loop = weir_chan_new_shared(WEIR_TYPE_OWNED(int, note_drop, NULL), seed % 5);
  run.from_loop = weir_chan_new_shared(WEIR_TYPE_OWNED(int, note_drop, NULL), seed % 3);
  give_values(&run.self, THREADS);
  own_open(&run.own);
  make_ctxs();
  start_workers();
  start_ops();
}

/* The channels outlive the loop; those that still wait at them end when they are closed. */
static void round_close(void) {
  weir_chan_close(run.to_loop);
  weir_chan_close(run.from_loop);
  for (int i = 0; i < THREADS; i++) ensure_eq(uv_thread_join(&run.workers[i].id), 0);
  weir_chan_unref(run.to_loop);
  weir_chan_unref(run.from_loop);
  ck_books();
}

static void close_again_and_again(const mix_t *mix) {
  for (unsigned seed = 1; seed <= ROUNDS; seed++) {
    snprintf(support_note, sizeof(support_note), "seed %u", seed);
    round_open(mix, seed);
    spin(&run.random, 10000);
    if (seed % 4 == 0) close_loop();
    run_to_the_end();
    round_close();
  }
}

/* the mixes */

START_TEST(close_while_others_send_and_receive) {
  static const mix_t mix = {{SENDER, SENDER, RECEIVER, SELECTOR}, HOST_CLOSES_NOTHING};

  close_again_and_again(&mix);
}
END_TEST

START_TEST(close_while_another_loop_sends_and_receives) {
  static const mix_t mix = {{LOOP, LOOP, RECEIVER, SENDER}, HOST_CLOSES_NOTHING};

  close_again_and_again(&mix);
}
END_TEST

START_TEST(close_while_others_cancel_and_drop_its_contexts) {
  static const mix_t mix = {{CANCELLER, CANCELLER, SENDER, RECEIVER}, HOST_CLOSES_NOTHING};

  close_again_and_again(&mix);
}
END_TEST

START_TEST(close_while_others_close_its_channels) {
  static const mix_t mix = {{CLOSER, SENDER, RECEIVER, SELECTOR}, HOST_CLOSES_NOTHING};

  close_again_and_again(&mix);
}
END_TEST

START_TEST(close_after_the_host_has_closed_all_handles) {
  static const mix_t mix = {{SENDER, RECEIVER, CANCELLER, LOOP}, HOST_CLOSES_BEFORE};

  close_again_and_again(&mix);
}
END_TEST

START_TEST(close_before_the_host_closes_all_handles) {
  static const mix_t mix = {{SENDER, RECEIVER, CANCELLER, LOOP}, HOST_CLOSES_AFTER};

  close_again_and_again(&mix);
}
END_TEST

static const support_test_t tests[] = {
    T(close_while_others_send_and_receive),
    T(close_while_another_loop_sends_and_receives),
    T(close_while_others_cancel_and_drop_its_contexts),
    T(close_while_others_close_its_channels),
    T(close_after_the_host_has_closed_all_handles),
    T(close_before_the_host_closes_all_handles),
};

SUITE_MAIN("close_threads", tests)
