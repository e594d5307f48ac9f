/*
 * Description: the cost of joins over many ops, and of many joins, grows in step with them; chains
 * of many take no stack.
 */
#include <stdlib.h>
#include <time.h>

#include "random.h"
#include "support/probe.h"
#include "support/support.h"

enum { FEW = 5000, MANY = 4 * FEW, HUGE_COUNT = 100000, STOP = 0 };

typedef enum { FORWARDS, BACKWARDS, SHUFFLED, ORDERS } order_t;

typedef int (*join_t)(weir_op_t *op, weir_op_t *const *ops, size_t n, weir_op_cb cb);

/* Ops that are parked, in an array of them all and in the order in which they will complete. */
typedef struct set_s {
  size_t n;
  weir_op_t *ops, **all, **completing;
} set_t;

static void shuffle(weir_op_t **ops, size_t n) {
  weir__random_t random = {.state = 1};

  for (size_t i = n; i > 1; i--) {
    size_t j = weir__random_below(&random, (uint32_t)i);
    weir_op_t *op = ops[i - 1];
    ops[i - 1] = ops[j];
    ops[j] = op;
  }
}

static void set_open(set_t *set, size_t n, order_t order) {
  *set = (set_t){.n = n,
                 .ops = malloc(n * sizeof(*set->ops)),
                 .all = malloc(n * sizeof(*set->all)),
                 .completing = malloc(n * sizeof(*set->completing))};
  for (size_t i = 0; i < n; i++) {
    weir_op_init(&set->ops[i], bg);
    weir_chan_recv(&set->ops[i], NULL, NULL, NULL);
    set->all[i] = &set->ops[i];
    set->completing[order == BACKWARDS ? n - 1 - i : i] = &set->ops[i];
  }
  if (order == SHUFFLED) shuffle(set->completing, n);
}

static void set_complete(set_t *set) {
  for (size_t i = 0; i < set->n; i++) weir_op_cancel(set->completing[i]);
  weir_run(loop);
}

static void set_close(set_t *set) {
  free(set->ops);
  free(set->all);
  free(set->completing);
}

/* Joins of two ops each. */
typedef struct joins_s {
  size_t n;
  weir_op_t *ops, *(*pairs)[2];
} joins_t;

static void joins_open(joins_t *joins, size_t n) {
  *joins = (joins_t){
      .n = n, .ops = malloc(n * sizeof(*joins->ops)), .pairs = malloc(n * sizeof(*joins->pairs))};
  for (size_t i = 0; i < n; i++) weir_op_init(&joins->ops[i], bg);
}

static void joins_close(joins_t *joins) {
  size_t pending = 0;

  for (size_t i = 0; i < joins->n; i++) pending += weir_op_pending(&joins->ops[i]);
  ck_assert_uint_eq(pending, 0);
  free(joins->ops);
  free(joins->pairs);
}

static void join_pair(joins_t *joins, size_t i, join_t join, weir_op_t *a, weir_op_t *b) {
  joins->pairs[i][0] = a;
  joins->pairs[i][1] = b;
  join(&joins->ops[i], joins->pairs[i], 2, NULL);
}

/* the shapes */

/* Each op and one that all share: any({work, stop}). */
static void share_one(size_t n, order_t order) {
  set_t set;
  joins_t joins;

  set_open(&set, n + 1, order);
  joins_open(&joins, n);
  for (size_t i = 0; i < n; i++) join_pair(&joins, i, weir_any, set.all[i + 1], set.all[STOP]);
  set_complete(&set);
  joins_close(&joins);
  set_close(&set);
}

/* The same where only the shared one completes, then the others without their joins. */
static void share_one_that_completes(size_t n, order_t order) {
  set_t set;
  joins_t joins;

  set_open(&set, n + 1, order);
  joins_open(&joins, n);
  for (size_t i = 0; i < n; i++) join_pair(&joins, i, weir_any, set.all[i + 1], set.all[STOP]);
  weir_op_cancel(set.all[STOP]);
  weir_run(loop);
  joins_close(&joins);
  set_complete(&set);
  set_close(&set);
}

/* Pairs in two joins each; all of the first kind, then all of the second. */
static void share_pairs(size_t n, order_t order) {
  set_t set;
  joins_t joins;

  set_open(&set, n, order);
  joins_open(&joins, n);
  for (size_t i = 0; i < n; i++) {
    size_t a = 2 * i % n;
    join_pair(&joins, i, i < n / 2 ? weir_all : weir_any, set.all[a], set.all[a + 1]);
  }
  set_complete(&set);
  joins_close(&joins);
  set_close(&set);
}

/* All in one, and each with the one after it in one of its own. */
static void share_all(size_t n, order_t order) {
  weir_op_t all;
  set_t set;
  joins_t joins;

  set_open(&set, n, order);
  joins_open(&joins, n / 2);
  weir_op_init(&all, bg);
  weir_all(&all, set.all, n, NULL);
  for (size_t i = 0; i < n / 2; i++)
    join_pair(&joins, i, weir_any, set.all[2 * i], set.all[2 * i + 1]);
  set_complete(&set);
  ck_assert(!weir_op_pending(&all));
  joins_close(&joins);
  set_close(&set);
}

/* measuring */

/* In microseconds of processor time, which other processes do not add to. */
static uint64_t fastest(void (*shape)(size_t, order_t), size_t n, order_t order) {
  uint64_t best = UINT64_MAX;

  for (int i = 0; i < 3; i++) {
    clock_t start = clock();
    uint64_t took;
    shape(n, order);
    took = (uint64_t)(clock() - start) * 1000000 / CLOCKS_PER_SEC;
    if (took < best) best = took;
  }
  return best;
}

/* Four times as many: 4 times as long if linear, 16 times if quadratic. */
static void ck_linear(void (*shape)(size_t, order_t)) {
  for (order_t order = FORWARDS; order < ORDERS; order++)
    ck_assert_uint_lt(fastest(shape, MANY, order), 9 * fastest(shape, FEW, order) + 20000);
}

START_TEST(joins_that_share_one_op_are_linear) {
  ck_linear(share_one);
  ck_linear(share_one_that_completes);
}
END_TEST

START_TEST(pairs_in_two_joins_each_are_linear) {
  ck_linear(share_pairs);
}
END_TEST

START_TEST(join_of_all_and_a_join_of_each_are_linear) {
  ck_linear(share_all);
}
END_TEST

/* Quadratic, these would take minutes. */
static void join_100000(size_t count, order_t order) {
  weir_op_t joins[3];
  set_t set;

  set_open(&set, HUGE_COUNT, order);
  for (size_t i = 0; i < count; i++) {
    weir_op_init(&joins[i], bg);
    ck_assert_int_eq(weir_all(&joins[i], set.all, HUGE_COUNT, NULL), 0);
  }
  set_complete(&set);
  for (size_t i = 0; i < count; i++) ck_assert_int_eq(weir_op_status(&joins[i]), 0);
  set_close(&set);
}

START_TEST(one_and_two_joins_over_100000_ops_complete_in_any_order) {
  for (size_t count = 1; count <= 2; count++)
    for (order_t order = FORWARDS; order < ORDERS; order++) join_100000(count, order);
}
END_TEST

START_TEST(three_joins_over_100000_ops_complete_in_their_order) {
  join_100000(3, FORWARDS);
  join_100000(3, BACKWARDS);
}
END_TEST

/* A hundred thousand take no stack. */

enum { CHAIN = 100000 };

static weir_op_t *chain;
static weir_op_t **links;

/* Each join waits for the one before; the first op is parked. */
static void make_chain(void) {
  chain = malloc((CHAIN + 1) * sizeof(*chain));
  links = malloc((CHAIN + 1) * sizeof(weir_op_t *));
  for (int i = 0; i <= CHAIN; i++) {
    weir_op_init(&chain[i], bg);
    links[i] = &chain[i];
  }
  weir_chan_recv(&chain[0], NULL, NULL, NULL);
  for (int i = 1; i <= CHAIN; i++) (i % 2 ? weir_all : weir_any)(&chain[i], &links[i - 1], 1, NULL);
}

static void free_chain(void) {
  for (int i = 0; i <= CHAIN; i++) ck_assert(!weir_op_pending(&chain[i]));
  free(chain);
  free(links);
}

START_TEST(chain_of_100000_joins_completes) {
  make_chain();
  weir_op_cancel(&chain[0]);
  ck_assert_int_eq(weir_op_wait(&chain[CHAIN]), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  free_chain();
}
END_TEST

START_TEST(chain_of_100000_joins_is_cancelled_from_either_end) {
  for (int backwards = 0; backwards < 2; backwards++) {
    make_chain();
    for (int i = 0; i <= CHAIN; i++) weir_op_cancel(&chain[backwards ? CHAIN - i : i]);
    ck_assert_uint_eq(weir_run(loop), 0);
    for (int i = 0; i <= CHAIN; i++) ck_assert_int_eq(weir_op_status(&chain[i]), UV_ECANCELED);
    free_chain();
  }
}
END_TEST

START_TEST(loop_closes_over_a_chain_of_100000_joins) {
  own_t own;
  weir_ctx_t *fixture = bg;

  own_open(&own);
  bg = own.bg;
  make_chain();
  bg = fixture;
  own_close(&own);
  for (int i = 0; i <= CHAIN; i++) ck_assert_int_eq(weir_op_status(&chain[i]), UV_ECANCELED);
  free_chain();
}
END_TEST

START_TEST(all_over_100000_ops) {
  weir_op_t *ops = malloc(CHAIN * sizeof(*ops)), **members = malloc(CHAIN * sizeof(*members)), all;

  for (int i = 0; i < CHAIN; i++) {
    weir_op_init(&ops[i], bg);
    members[i] = &ops[i];
    weir_yield(&ops[i], NULL);
  }
  weir_op_init(&all, bg);
  weir_all(&all, members, CHAIN, NULL);
  ck_assert_int_eq(weir_op_wait(&all), 0);
  free(ops);
  free(members);
}
END_TEST

static const support_test_t tests[] = {
    T(chain_of_100000_joins_completes),
    T(chain_of_100000_joins_is_cancelled_from_either_end),
    T(loop_closes_over_a_chain_of_100000_joins),
    T(all_over_100000_ops),
    T(joins_that_share_one_op_are_linear),
    T(pairs_in_two_joins_each_are_linear),
    T(join_of_all_and_a_join_of_each_are_linear),
    T(one_and_two_joins_over_100000_ops_complete_in_any_order),
    T(three_joins_over_100000_ops_complete_in_their_order),
};

SUITE_MAIN("join_scale", tests)
