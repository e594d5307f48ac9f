/*
 * Description: random programs in virtual time, and the books kept of their values.
 *
 * A run is a number of slots, each with an op, over a few channels of owned values. Callbacks and a
 * driver start random operations, cancel, close, pause and drop. Every value has a number. At the
 * end everything is closed and cancelled, and each value must have been received, or returned to
 * its sender, or dropped: once. Each accepted op must have completed: once.
 *
 * A run is repeated exactly by its seed, which every failure names.
 */
#include <string.h>

#include "support/threads.h"
#include "support/values.h"

enum { CHANS = 4, CTXS = 3, SLOTS = 24, RANGES = 2, MANY = 4, CASES = 3, BUDGET = 400 };

/* What may happen, by weight. */
typedef struct mix_s {
  unsigned capacity;                                             /* at most */
  unsigned send, recv, send_many, recv_many, select, try, sleep; /* by slots */
  unsigned cancel, close, cancel_ctx, unref, range;              /* by the driver */
} mix_t;

typedef struct slot_s {
  weir_op_t op;
  bool pending;
  size_t n; /* values, or cases */
  int values[MANY];
  bool sends[MANY], into_null;
  weir_case_t cases[CASES];
} slot_t;

static struct {
  unsigned seed;
  const mix_t *mix;
  uint64_t random;
  int budget; /* starts that are left */
  int next_value, accepted, completed;
  uint64_t history; /* a hash of all completions */
  int received[OWNED_MAX], returned[OWNED_MAX];
  weir_chan_t *chans[CHANS];
  weir_ctx_t *root, *ctxs[CTXS];
  slot_t slots[SLOTS];
  weir_range_t ranges[RANGES];
  weir_op_t driver;
} run;

/* Check notes each assertion that holds, which takes longer than what is tested. */
#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition))                                                                              \
      ck_abort_msg("seed %u, after %d completions: %s", run.seed, run.completed, #condition);      \
  } while (0)

static unsigned below(unsigned n) {
  run.random = run.random * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(run.random >> 33) % n;
}

static void note(int a, int b) {
  run.history = (run.history ^ (unsigned)a ^ ((uint64_t)(unsigned)b << 32)) * 1099511628211u;
}

static int new_value(void) {
  CHECK(run.next_value < OWNED_MAX);
  return run.next_value++;
}

static void receive(int value) {
  CHECK(value > 0 && value < run.next_value);
  run.received[value]++;
}

static weir_chan_t *any_chan(void) {
  return run.chans[below(CHANS)];
}

/* completions */

static void start_something(slot_t *slot);

/* Counts a completion; its slot may then be used again. */
static void completed(weir_op_t *op, int status) {
  slot_t *slot = (slot_t *)op;

  CHECK(slot->pending);
  CHECK(!weir_op_pending(op));
  CHECK(weir_op_status(op) == status);
  slot->pending = false;
  run.completed++;
  note((int)(slot - run.slots), status);
  note((int)weir_op_index(op), slot->values[0]);
  if (below(3)) start_something(slot);
}

static void on_sent(weir_op_t *op, int status) {
  slot_t *slot = (slot_t *)op;
  size_t gone = weir_op_index(op);

  CHECK(status == 0 || status == UV_EPIPE || status == UV_ECANCELED || status == UV_ETIMEDOUT);
  CHECK(gone <= slot->n && (status != 0 || gone == slot->n));
  for (size_t i = gone; i < slot->n; i++) run.returned[slot->values[i]]++;
  completed(op, status);
}

/* What recv leaves behind where there was no value; index 0 of recv_many is always untouched. */
static bool is_end(int status) {
  return status == UV_EOF || status == UV_EIO;
}

static void on_received(weir_op_t *op, int status) {
  slot_t *slot = (slot_t *)op;

  if (!slot->into_null) {
    if (status == 0) receive(slot->values[0]);
    if (is_end(status)) CHECK(slot->values[0] == 0);
    if (status == UV_ECANCELED || status == UV_ETIMEDOUT) CHECK(slot->values[0] == UNTOUCHED);
  }
  completed(op, status);
}

static void on_received_many(weir_op_t *op, int status) {
  slot_t *slot = (slot_t *)op;
  size_t n = weir_op_index(op);

  CHECK(n <= slot->n);
  CHECK(status == 0 ? n > 0 || slot->n == 0 : n == 0);
  if (!slot->into_null)
    for (size_t i = 0; i < n; i++) receive(slot->values[i]);
  for (size_t i = n; i < slot->n; i++) CHECK(slot->values[i] == UNTOUCHED);
  completed(op, status);
}

static void ck_loser(const slot_t *slot, size_t i) {
  if (slot->sends[i])
    run.returned[slot->values[i]]++;
  else
    CHECK(slot->values[i] == UNTOUCHED);
}

static void ck_chosen(const slot_t *slot, size_t i, int status) {
  if (slot->sends[i] && status != 0) {
    CHECK(status == UV_EPIPE);
    run.returned[slot->values[i]]++;
  }
  if (slot->sends[i]) return;
  if (status == 0)
    receive(slot->values[i]);
  else
    CHECK(is_end(status) && slot->values[i] == 0);
}

/* `chosen` is n when none happened. */
static void ck_select(const slot_t *slot, size_t chosen, int status) {
  for (size_t i = 0; i < slot->n; i++)
    if (i == chosen)
      ck_chosen(slot, i, status);
    else
      ck_loser(slot, i);
}

static void on_selected(weir_op_t *op, int status) {
  slot_t *slot = (slot_t *)op;
  bool cancelled = status == UV_ECANCELED || status == UV_ETIMEDOUT;

  CHECK(cancelled || weir_op_index(op) < slot->n);
  ck_select(slot, cancelled ? slot->n : weir_op_index(op), status);
  completed(op, status);
}

/* starts */

static void accepted(slot_t *slot, int err) {
  CHECK(err == 0);
  slot->pending = true;
  run.accepted++;
}

static void fill_untouched(slot_t *slot, size_t n) {
  slot->n = n;
  slot->into_null = below(8) == 0;
  for (int i = 0; i < MANY; i++) slot->values[i] = UNTOUCHED;
}

static void fill_new(slot_t *slot, size_t n) {
  slot->n = n;
  for (size_t i = 0; i < n; i++) slot->values[i] = new_value();
}

static void start_send_op(slot_t *slot) {
  fill_new(slot, 1);
  accepted(slot, weir_chan_send(&slot->op, any_chan(), slot->values, on_sent));
}

static void start_send_many(slot_t *slot) {
  fill_new(slot, below(MANY + 1));
  accepted(slot, weir_chan_send_many(&slot->op, any_chan(), slot->values, slot->n, on_sent));
}

static void start_recv_op(slot_t *slot) {
  fill_untouched(slot, 1);
  accepted(slot, weir_chan_recv(&slot->op, any_chan(), slot->into_null ? NULL : slot->values,
                                on_received));
}

static void start_recv_many(slot_t *slot) {
  fill_untouched(slot, below(MANY + 1));
  accepted(slot, weir_chan_recv_many(&slot->op, any_chan(), slot->into_null ? NULL : slot->values,
                                     slot->n, on_received_many));
}

static void make_cases(slot_t *slot) {
  fill_untouched(slot, below(CASES + 1));
  for (size_t i = 0; i < slot->n; i++) {
    slot->sends[i] = below(2);
    if (slot->sends[i]) slot->values[i] = new_value();
    slot->cases[i] = slot->sends[i] ? WEIR_SEND(any_chan(), &slot->values[i])
                                    : WEIR_RECV(any_chan(), &slot->values[i]);
  }
}

static void start_select(slot_t *slot) {
  make_cases(slot);
  accepted(slot, below(2) ? weir_select(&slot->op, slot->cases, slot->n, on_selected)
                          : weir_select_biased(&slot->op, slot->cases, slot->n, on_selected));
}

static void start_sleep(slot_t *slot) {
  fill_untouched(slot, 0);
  accepted(slot, below(3) ? weir_sleep(&slot->op, below(5), completed)
                          : weir_yield(&slot->op, completed));
}

static void try_something(slot_t *slot) {
  size_t chosen = CASES;
  int err;

  make_cases(slot);
  err = weir_select_try(slot->cases, slot->n, &chosen);
  ck_select(slot, err == UV_EAGAIN ? slot->n : chosen, err);
}

/* Takes a share of the dice; says whether it was hit. */
static bool hit(unsigned *dice, unsigned weight) {
  if (*dice < weight) return true;
  *dice -= weight;
  return false;
}

static void start_something(slot_t *slot) {
  const mix_t *mix = run.mix;
  unsigned dice = below(mix->send + mix->recv + mix->send_many + mix->recv_many + mix->select +
                        mix->try + mix->sleep);

  if (run.budget <= 0) return;
  run.budget--;
  weir_op_init(&slot->op, run.ctxs[below(CTXS)]);
  if (hit(&dice, mix->send))
    start_send_op(slot);
  else if (hit(&dice, mix->recv))
    start_recv_op(slot);
  else if (hit(&dice, mix->send_many))
    start_send_many(slot);
  else if (hit(&dice, mix->recv_many))
    start_recv_many(slot);
  else if (hit(&dice, mix->select))
    start_select(slot);
  else if (hit(&dice, mix->try))
    try_something(slot);
  else
    start_sleep(slot);
}

/* ranges */

static void on_ranged(weir_range_t *range, const void *value, int status) {
  CHECK((value != NULL) == (status == 0));
  note((int)(range - run.ranges), status);
  if (value) receive(*(const int *)value);
  if (value && below(4) == 0) weir_range_pause(range);
  if (value && below(8) == 0) weir_range_stop(range);
}

static void meddle_with_range(void) {
  weir_range_t *range = &run.ranges[below(RANGES)];

  switch (below(4)) {
  case 0:
    weir_range_pause(range);
    break;
  case 1:
    weir_range_resume(range);
    break;
  case 2:
    weir_range_stop(range);
    break;
  default:
    if (weir_range_resume(range) != UV_ENOENT) break; /* it is running */
    weir_range_init(range, run.ctxs[below(CTXS)]);
    CHECK(weir_range_start(range, any_chan(), on_ranged) == 0);
  }
}

/* the driver */

static weir_chan_t *random_chan(void) {
  return new_owned(below(run.mix->capacity + 1));
}

static weir_ctx_t *random_ctx(void) {
  return below(3) ? weir_ctx_with_cancel(run.root) : weir_ctx_with_timeout(run.root, below(50));
}

static void cancel_some_op(void) {
  slot_t *slot = &run.slots[below(SLOTS)];
  int err = weir_op_cancel(&slot->op);

  CHECK(slot->pending ? err == 0 || err == UV_EALREADY : err == UV_ENOENT);
}

static void close_some_chan(void) {
  weir_chan_t *ch = any_chan();

  if (!ch) return;
  if (below(3))
    weir_chan_close(ch);
  else
    weir_chan_close_with(ch, UV_EIO);
}

/* Only NULL is left where a channel was, now and then. */
static void replace_some_chan(void) {
  weir_chan_t **ch = &run.chans[below(CHANS)];

  weir_chan_unref(*ch);
  *ch = below(4) ? random_chan() : NULL;
}

static void replace_some_ctx(void) {
  weir_ctx_t **ctx = &run.ctxs[below(CTXS)];

  if (below(4)) weir_ctx_cancel(*ctx);
  weir_ctx_unref(*ctx);
  *ctx = random_ctx();
}

static void meddle(void) {
  const mix_t *mix = run.mix;
  unsigned dice = below(mix->cancel + mix->close + mix->cancel_ctx + mix->unref + mix->range + 10);

  if (hit(&dice, mix->cancel))
    cancel_some_op();
  else if (hit(&dice, mix->close))
    close_some_chan();
  else if (hit(&dice, mix->cancel_ctx))
    replace_some_ctx();
  else if (hit(&dice, mix->unref))
    replace_some_chan();
  else if (hit(&dice, mix->range))
    meddle_with_range();
}

static void on_driver(weir_op_t *op, int status) {
  slot_t *slot = &run.slots[below(SLOTS)];

  CHECK(status == 0);
  if (!slot->pending) start_something(slot);
  meddle();
  if (run.budget > 0) CHECK(weir_sleep(op, below(3), on_driver) == 0);
}

/* a run */

static void start_run(const mix_t *mix, unsigned seed) {
  memset(&run, 0, sizeof(run));
  memset(owned_dropped, 0, sizeof(owned_dropped));
  run.seed = seed;
  run.random = seed;
  run.mix = mix;
  run.budget = BUDGET;
  run.next_value = 1;
  run.root = weir_ctx_with_cancel(bg);
  weir_loop_seed(loop, seed);
  for (int i = 0; i < CHANS; i++) run.chans[i] = random_chan();
  for (int i = 0; i < CTXS; i++) run.ctxs[i] = random_ctx();
  for (int i = 0; i < SLOTS; i++) weir_op_init(&run.slots[i].op, run.root);
  for (int i = 0; i < RANGES; i++) weir_range_init(&run.ranges[i], run.root);
  weir_op_init(&run.driver, bg);
  weir_yield(&run.driver, on_driver);
}

static void end_run(void) {
  for (int i = 0; i < RANGES; i++) weir_range_stop(&run.ranges[i]);
  for (int i = 0; i < CHANS; i++) weir_chan_unref(run.chans[i]);
  weir_ctx_cancel(run.root);
  for (int i = 0; i < CTXS; i++) weir_ctx_unref(run.ctxs[i]);
  weir_ctx_unref(run.root);
  run.budget = 0;
  CHECK(weir_run(loop) == 0);
}

static void ck_account(int value) {
  if (run.received[value] + run.returned[value] + owned_dropped[value] != 1)
    ck_abort_msg("seed %u: value %d was received %d, returned %d, dropped %d times", run.seed,
                 value, run.received[value], run.returned[value], owned_dropped[value]);
}

static void ck_books(void) {
  weir_stats_t stats;

  CHECK(run.completed == run.accepted);
  for (int i = 0; i < SLOTS; i++) CHECK(!run.slots[i].pending);
  for (int i = 1; i < run.next_value; i++) ck_account(i);
  weir_stats(loop, &stats);
  CHECK(stats.channels == 0 && stats.contexts == 0);
  CHECK(stats.ops_parked == 0 && stats.ops_runnable == 0 && stats.timers == 0);
}

static void run_one(const mix_t *mix, unsigned seed) {
  start_run(mix, seed);
  weir_run(loop);
  end_run();
  ck_books();
}

static void run_seeds(const mix_t *mix, unsigned first, unsigned n) {
  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  if (support_under_valgrind()) n = n / 10 + 1;
  for (unsigned seed = first; seed < first + n; seed++) run_one(mix, seed);
}

START_TEST(sends_and_receives_keep_account_of_every_value) {
  const mix_t mix = {.capacity = 3, .send = 5, .recv = 5, .sleep = 2, .cancel = 4, .cancel_ctx = 1};

  run_seeds(&mix, 1000, 500);
}
END_TEST

START_TEST(many_keep_account_of_every_value) {
  const mix_t mix = {.capacity = 3,
                     .send = 1,
                     .recv = 1,
                     .send_many = 5,
                     .recv_many = 5,
                     .sleep = 1,
                     .cancel = 4,
                     .close = 1,
                     .unref = 1};

  run_seeds(&mix, 2000, 500);
}
END_TEST

START_TEST(selects_keep_account_of_every_value) {
  const mix_t mix = {.capacity = 1,
                     .send = 1,
                     .recv = 1,
                     .select = 8,
                     .try = 2,
                     .sleep = 1,
                     .cancel = 4,
                     .close = 1,
                     .unref = 1,
                     .cancel_ctx = 1};

  run_seeds(&mix, 3000, 500);
}
END_TEST

START_TEST(rendezvous_selects_that_meet_keep_account_of_every_value) {
  const mix_t mix = {.capacity = 0, .select = 8, .sleep = 1, .cancel = 2};

  run_seeds(&mix, 4000, 500);
}
END_TEST

START_TEST(ranges_keep_account_of_every_value) {
  const mix_t mix = {.capacity = 3,
                     .send = 5,
                     .send_many = 2,
                     .recv = 1,
                     .sleep = 2,
                     .cancel = 1,
                     .close = 1,
                     .cancel_ctx = 2,
                     .unref = 1,
                     .range = 20};

  run_seeds(&mix, 5000, 500);
}
END_TEST

static const mix_t everything = {.capacity = 3,
                                 .send = 4,
                                 .recv = 4,
                                 .send_many = 3,
                                 .recv_many = 3,
                                 .select = 4,
                                 .sleep = 3,
                                 .cancel = 4,
                                 .close = 1,
                                 .cancel_ctx = 1,
                                 .unref = 1,
                                 .range = 4};

START_TEST(everything_at_once_keeps_account_of_every_value) {
  mix_t mix = everything;

  mix.try = 2;
  run_seeds(&mix, 6000, 500);
}
END_TEST

START_TEST(same_seed_gives_the_same_history) {
  uint64_t histories[20];

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  for (unsigned i = 0; i < 20; i++) {
    run_one(&everything, 7000 + i);
    histories[i] = run.history;
  }
  for (unsigned i = 0; i < 20; i++) {
    run_one(&everything, 7000 + i);
    CHECK(run.history == histories[i]);
    CHECK(i == 0 || run.history != histories[i - 1]);
  }
}
END_TEST

static const support_test_t tests[] = {
    T(sends_and_receives_keep_account_of_every_value),
    T(many_keep_account_of_every_value),
    T(selects_keep_account_of_every_value),
    T(rendezvous_selects_that_meet_keep_account_of_every_value),
    T(ranges_keep_account_of_every_value),
    T(everything_at_once_keeps_account_of_every_value),
    T(same_seed_gives_the_same_history),
};
SUITE_MAIN("random", tests)
