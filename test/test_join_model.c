/*
 * Description: random runs of ops and joins of them, in step with a model that is plain and slow.
 *
 * The model knows of each op whether it waits or its callback is due, and with what; of each join,
 * which runs of which ops it counts. What a cancel returns tells one from the other at any moment.
 */
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "support/support.h"
#include "support/threads.h"

enum { OPS = 12, MOST = 7, SEEDS = 20, STEPS = 2000 };

typedef enum { GONE, IDLE, WAITING, DUE } state_t;
typedef enum { PLAIN, YIELD, ALL, ANY, KINDS } kind_t;

typedef struct model_s {
  weir_op_t op;
  state_t state;
  kind_t kind;
  int status; /* idle: the last one; due: the coming one */
  size_t index;
  unsigned run;
  size_t n;
  weir_op_t *ops[MOST];
  size_t of[MOST];
  unsigned runs[MOST]; /* that it waits for; 0: none (any more) */
} model_t;

static model_t models[OPS];
static weir__random_t dice;
static int actions_left; /* of callbacks, until the loop rests */

static uint32_t roll(uint32_t n) {
  return weir__random_below(&dice, n);
}

static void due(model_t *m, int status, size_t index) {
  m->state = DUE;
  m->status = status;
  m->index = index;
}

/* completing */

static void model_hears(model_t *join, size_t who) {
  size_t first = MOST, left = 0;

  if (join->state != WAITING || join->kind < ALL) return;
  for (size_t i = join->n; i-- > 0;) {
    if (join->of[i] == who && join->runs[i] == models[who].run) {
      join->runs[i] = 0;
      first = i;
    }
    left += join->runs[i] != 0;
  }
  if (first == MOST) return;
  if (join->kind == ANY)
    due(join, models[who].status, first);
  else if (left == 0)
    due(join, 0, 0);
}

static void act(void);

static void on_done(weir_op_t *op, int status) {
  model_t *m = (model_t *)op;

  ck_assert_int_eq(m->state, DUE);
  ck_assert_int_eq(m->status, status);
  ck_assert_uint_eq(m->index, weir_op_index(op));
  m->state = IDLE;
  memset(m->ops, 0xa5, sizeof(m->ops));
  for (size_t i = 0; i < OPS; i++) model_hears(&models[i], (size_t)(m - models));
  for (uint32_t n = roll(3); n > 0 && actions_left > 0; n--) {
    actions_left--;
    act();
  }
}

/* starting */

static void choose_ops(model_t *m) {
  m->n = 0;
  for (uint32_t wanted = roll(MOST + 1); wanted > 0; wanted--) {
    size_t i = roll(OPS);
    if (&models[i] == m || models[i].state == GONE) continue;
    m->of[m->n] = i;
    m->ops[m->n] = &models[i].op;
    m->runs[m->n++] = models[i].state == IDLE ? 0 : models[i].run;
  }
}

static void model_start(model_t *m) {
  size_t idle = 0;

  m->state = WAITING;
  m->run++;
  m->index = 0;
  if (m->kind == YIELD) due(m, 0, 0);
  if (m->kind < ALL) return;
  for (size_t i = m->n; i-- > 0;) {
    if (m->runs[i]) continue;
    idle++;
    if (m->kind == ANY) due(m, models[m->of[i]].status, i);
  }
  if (m->kind == ALL && idle == m->n) due(m, 0, 0);
}

static void start(model_t *m) {
  int accepted;

  m->kind = (kind_t)roll(KINDS);
  choose_ops(m);
  model_start(m);
  if (m->kind == PLAIN)
    accepted = weir_chan_recv(&m->op, NULL, NULL, on_done);
  else if (m->kind == YIELD)
    accepted = weir_yield(&m->op, on_done);
  else
    accepted = (m->kind == ALL ? weir_all : weir_any)(&m->op, m->ops, m->n, on_done);
  ck_assert_int_eq(accepted, 0);
}

static void cancel(model_t *m) {
  bool waits = m->state == WAITING;

  ck_assert_int_eq(weir_op_cancel(&m->op), waits ? 0 : UV_EALREADY);
  if (waits) due(m, UV_ECANCELED, 0);
}

/* An op that is gone leaves rubbish where it was. */
static void vanish(model_t *m) {
  memset(&m->op, 0xa5, sizeof(m->op));
  m->state = GONE;
}

static void appear(model_t *m) {
  weir_op_init(&m->op, bg);
  m->state = IDLE;
  m->status = 0;
}

static void act(void) {
  model_t *m = &models[roll(OPS)];

  if (m->state == GONE)
    appear(m);
  else if (m->state != IDLE)
    cancel(m);
  else if (roll(6) == 0)
    vanish(m);
  else
    start(m);
}

static void rest(void) {
  size_t waiting = 0;

  actions_left = 30;
  ck_assert_uint_le(weir_run(loop), OPS);
  for (size_t i = 0; i < OPS; i++) {
    ck_assert_int_ne(models[i].state, DUE);
    waiting += models[i].state == WAITING;
    if (models[i].state != GONE)
      ck_assert_int_eq(weir_op_pending(&models[i].op), models[i].state == WAITING);
  }
  ck_assert_uint_eq(weir_run(loop), waiting);
}

static void play(uint64_t seed) {
  dice.state = seed;
  for (size_t i = 0; i < OPS; i++) appear(&models[i]);
  for (int step = 0; step < STEPS; step++) {
    act();
    if (roll(3) == 0) rest();
  }
  rest();
  actions_left = 0;
  for (size_t i = 0; i < OPS; i++)
    if (models[i].state == WAITING) cancel(&models[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
}

START_TEST(joins_do_what_the_model_does) {
  uint64_t seeds = support_under_valgrind() ? SEEDS / 10 : SEEDS;

  for (uint64_t seed = 1; seed <= seeds; seed++) play(seed);
}
END_TEST

static const support_test_t tests[] = {
    T(joins_do_what_the_model_does),
};

SUITE_MAIN("join_model", tests)
