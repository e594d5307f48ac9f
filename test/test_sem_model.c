/*
 * Description: random runs of a semaphore, in step with a model that is plain.
 *
 * The model knows who waits, in which order, and how many permits are free; so what each call
 * returns, and whom it makes go on. Callbacks act, too, and come in the order of what made them
 * due. A run is repeated exactly by its seed.
 */
#include "random.h"
#include "support/sems.h"

enum { OPS = 16, CTXS = 4, MOST_PERMITS = 8, SEEDS = 10, STEPS = 10000 };

typedef enum { IDLE, WAITING, DUE } state_t;

typedef struct model_op_s {
  weir_op_t op;
  state_t state;
  int status; /* due: the coming one */
  size_t wanted, ctx;
  unsigned act, turn; /* due: by which act; and of those with permits, as which one */
} model_op_t;

static struct {
  uint64_t seed;
  int step;
  weir__random_t dice;
  int actions_left; /* of callbacks, until the loop rests */
  size_t permits, free;
  model_op_t ops[OPS], *queue[OPS];
  size_t queued, due;
  unsigned acts, acts_served, turns, turns_served;
  weir_ctx_t *ctxs[CTXS]; /* the second is below the first, the last is the background */
} model;

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition))                                                                              \
      ck_abort_msg("seed %d, step %d: %s", (int)model.seed, model.step, #condition);               \
  } while (0)

static size_t roll(size_t n) {
  return weir__random_below(&model.dice, (uint32_t)n);
}

static void model_due(model_op_t *op, int status) {
  op->state = DUE;
  op->status = status;
  op->act = model.acts;
  model.due++;
  if (status) return;
  model.free -= op->wanted;
  op->turn = ++model.turns;
}

static void model_remove(size_t i, int status) {
  model_op_t *op = model.queue[i];

  model.queued--;
  for (; i < model.queued; i++) model.queue[i] = model.queue[i + 1];
  model_due(op, status);
}

static void model_grant(void) {
  while (model.queued > 0 && model.queue[0]->wanted <= model.free) model_remove(0, 0);
}

static bool model_takes(size_t n) {
  return model.queued == 0 && n <= model.free;
}

static void do_acquire(model_op_t *op);

static void do_try(void) {
  size_t n = roll(model.permits + 2);
  int wanted = n > model.permits ? UV_EINVAL : model_takes(n) ? 0 : UV_EAGAIN;

  CHECK(weir_sem_try_acquire(sem, n) == wanted);
  if (wanted == 0) model.free -= n;
}

static void do_release(void) {
  size_t out = model.permits - model.free, n = roll(out + 2);

  CHECK(weir_sem_release(sem, n) == (n > out ? UV_EINVAL : 0));
  if (n > out) return;
  model.free += n;
  model_grant();
}

static void do_cancel(model_op_t *op) {
  static const int wanted[] = {[IDLE] = UV_ENOENT, [WAITING] = 0, [DUE] = UV_EALREADY};
  size_t i = 0;

  CHECK(weir_op_cancel(&op->op) == wanted[op->state]);
  if (op->state != WAITING) return;
  while (model.queue[i] != op) i++;
  model_remove(i, UV_ECANCELED);
  model_grant();
}

static void renew(size_t i) {
  weir_ctx_unref(model.ctxs[i]);
  model.ctxs[i] = weir_ctx_with_cancel(i == 1 ? model.ctxs[0] : bg);
}

/* Those of the context leave before anybody goes on. */
static void do_cancel_ctx(size_t cancelled) {
  if (weir_ctx_err(model.ctxs[cancelled])) {
    renew(cancelled);
    return;
  }
  weir_ctx_cancel(model.ctxs[cancelled]);
  for (size_t i = model.queued; i-- > 0;) {
    size_t ctx = model.queue[i]->ctx;
    if (ctx == cancelled || (cancelled == 0 && ctx == 1)) model_remove(i, UV_ECANCELED);
  }
  model_grant();
}

static void act(void) {
  model_op_t *op = &model.ops[roll(OPS)];
  size_t what = roll(20);

  model.acts++;
  if (what < 8 && op->state == IDLE)
    do_acquire(op);
  else if (what < 13)
    do_release();
  else if (what < 15)
    do_try();
  else if (what < 19)
    do_cancel(op);
  else
    do_cancel_ctx(roll(CTXS - 1));
}

static void on_done(weir_op_t *pending, int status) {
  model_op_t *op = (model_op_t *)pending;

  CHECK(op->state == DUE && status == op->status);
  CHECK(op->act >= model.acts_served && (status || op->turn == ++model.turns_served));
  op->state = IDLE;
  model.acts_served = op->act;
  model.due--;
  for (size_t n = roll(3); n > 0 && model.actions_left > 0; n--) {
    model.actions_left--;
    act();
  }
}

static void do_acquire(model_op_t *op) {
  op->wanted = roll(model.permits + 2);
  op->ctx = roll(CTXS);
  weir_op_init(&op->op, model.ctxs[op->ctx]);
  CHECK(weir_sem_acquire(&op->op, sem, op->wanted, on_done) ==
        (op->wanted > model.permits ? UV_EINVAL : 0));
  if (op->wanted > model.permits) return;
  if (weir_ctx_err(model.ctxs[op->ctx])) {
    model_due(op, UV_ECANCELED);
  } else if (model_takes(op->wanted)) {
    model_due(op, 0);
  } else {
    op->state = WAITING;
    model.queue[model.queued++] = op;
  }
}

static void compare(void) {
  weir_stats_t stats;

  weir_stats(loop, &stats);
  CHECK(stats.ops_parked == model.queued);
  CHECK(stats.ops_runnable == model.due);
}

static void rest(int actions) {
  model.actions_left = actions;
  CHECK(weir_run(loop) == model.queued);
  CHECK(model.due == 0);
}

static void play_to_the_end(void) {
  for (size_t i = 0; i < CTXS - 1; i++)
    if (!weir_ctx_err(model.ctxs[i])) do_cancel_ctx(i);
  while (model.queued > 0) do_cancel(model.queue[0]);
  rest(0);
  CHECK(model.queued == 0);
  release(model.permits - model.free);
  for (size_t i = 0; i < CTXS - 1; i++) weir_ctx_unref(model.ctxs[i]);
  weir_sem_free(sem);
}

static void play(uint64_t seed) {
  model.seed = model.dice.state = seed;
  model.permits = model.free = roll(MOST_PERMITS + 1);
  new_sem(model.permits);
  for (size_t i = 0; i < CTXS; i++) {
    model.ctxs[i] = NULL;
    renew(i);
  }
  weir_ctx_unref(model.ctxs[CTXS - 1]);
  model.ctxs[CTXS - 1] = bg;
  for (model.step = 0; model.step < STEPS; model.step++) {
    act();
    compare();
    if (roll(4) == 0) rest(20);
  }
  play_to_the_end();
}

START_TEST(semaphores_do_what_the_model_does) {
  for (uint64_t seed = 1; seed <= SEEDS; seed++) play(seed);
}
END_TEST

static const support_test_t tests[] = {
    T(semaphores_do_what_the_model_does),
};

SUITE_MAIN("sem_model", tests)
