#include "stress.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
  const stress_plan_t *plan;
  uint64_t seed;
  actor_t actors[STRESS_ACTORS]; /* the senders, then the receivers */
  weir_chan_t *chans[STRESS_CHANS];
  weir_chan_t *over; /* closes when all is */
  atomic_uint senders_left, receivers_left;
  atomic_bool abandoned;
} run;

/* chance */

static uint64_t draw(uint64_t *random) {
  uint64_t x = (*random += UINT64_C(0x9e3779b97f4a7c15));

  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

uint32_t actor_draw(actor_t *actor, uint32_t below) {
  return (uint32_t)(draw(&actor->random) >> 32) % below;
}

uint64_t actor_timeout(actor_t *actor) {
  uint32_t which = actor_draw(actor, 8);

  return which > 1 ? UINT64_MAX : which;
}

/* The seed is WEIR_SEED, or the time. */
static uint64_t new_seed(void) {
  const char *given = getenv("WEIR_SEED");
  uint64_t seed = given ? strtoull(given, NULL, 0) : uv_hrtime();

  snprintf(support_note, sizeof(support_note), "WEIR_SEED=%llu", (unsigned long long)seed);
  return seed;
}

/* contexts: the actor's own, which its deadline or another thread cancels sooner or later */

static void set_context(actor_t *actor, weir_ctx_t *ctx) {
  weir_ctx_unref(atomic_exchange(&actor->victim, weir_ctx_ref(ctx)));
  weir_ctx_unref(actor->ctx);
  actor->ctx = ctx;
}

static void new_context(actor_t *actor) {
  weir_ctx_t *ctx = actor_draw(actor, 2)
                        ? weir_ctx_with_cancel(actor->background)
                        : weir_ctx_with_timeout(actor->background, actor_draw(actor, 4));

  ensure(ctx);
  set_context(actor, ctx);
}

/* Cancels contexts of the actors until all is over. */
static void cancel_contexts(void *arg) {
  uint64_t random = *(uint64_t *)arg;

  while (weir_chan_recv_blocking(run.over, NULL, 1) == UV_ETIMEDOUT) {
    actor_t *actor = &run.actors[draw(&random) % STRESS_ACTORS];
    weir_ctx_t *ctx = atomic_exchange(&actor->victim, NULL);
    weir_ctx_cancel(ctx);
    weir_ctx_unref(ctx);
  }
}

/* operations */

void actor_before_start(actor_t *actor) {
  ensure(!actor->running);
  if (!actor->ctx || weir_ctx_err(actor->ctx)) new_context(actor);
  weir_op_init(&actor->op, actor->ctx);
  weir_range_init(&actor->range, actor->ctx);
  actor->running = true;
  actor->cancelled = false;
  actor->started++;
}

void actor_on_completion(actor_t *actor, int status) {
  ensure(actor->running);
  ensure(!actor->cancelled || status == UV_ECANCELED);
  actor->running = false;
}

static void cancel(actor_t *actor) {
  int result;

  if (!actor->running || actor->meddled != actor->started) return;
  result = weir_op_cancel(&actor->op);
  ensure(result == 0 || result == UV_EALREADY);
  if (result == 0) actor->cancelled = true;
}

static void on_meddle(weir_op_t *op, int status) {
  actor_t *actor = op->data;

  if (status == 0 && !actor->done) actor->meddle(actor);
}

void actor_meddle_later(actor_t *actor, void (*meddle)(actor_t *actor)) {
  uint32_t when = actor_draw(actor, 8);

  if (weir_op_pending(&actor->meddler)) return;
  actor->meddle = meddle;
  actor->meddled = actor->started;
  if (when == 0)
    ensure_eq(weir_sleep(&actor->meddler, actor_draw(actor, 2), on_meddle), 0);
  else
    ensure_eq(weir_yield(&actor->meddler, on_meddle), 0);
}

void actor_after_start(actor_t *actor) {
  uint32_t what = actor_draw(actor, actor->plan->is_cancelled_often ? 4 : 32);

  if (what == 0) {
    actor_meddle_later(actor, cancel);
  } else if (what == 1 && !weir_op_pending(&actor->meddler)) {
    actor->meddled = actor->started;
    cancel(actor);
  }
}

/* the end */

static void close_chans(actor_t *actor, int status) {
  for (uint32_t i = 0; i < actor->plan->chans; i++) {
    int result = weir_chan_close_with(actor->chans[i], status);
    ensure(result == 0 || result == UV_EALREADY);
  }
}

void actor_finish(actor_t *actor) {
  ensure(!actor->running);
  if (actor_is_on_loop(actor)) {
    weir_op_cancel(&actor->meddler);
    set_context(actor, NULL);
  }
  for (uint32_t i = 0; i < actor->plan->chans; i++) weir_chan_unref(actor->chans[i]);
  actor->done = true;
}

bool stress_abandoned(void) {
  return run.abandoned;
}

void stress_sender_finished(actor_t *actor) {
  if (--run.senders_left == 0) close_chans(actor, UV_EOF);
}

void stress_receiver_finished(actor_t *actor) {
  if (--run.receivers_left == 0) close_chans(actor, UV_EOF);
}

void stress_received(actor_t *actor, uint64_t count) {
  if (count != (uint64_t)run.plan->values * STRESS_SENDERS / 2) return;
  if (run.plan->end == CLOSED_MIDWAY) close_chans(actor, UV_ECONNABORTED);
  if (run.plan->end == ABANDONED) run.abandoned = true;
}

/* threads */

static void actor_init(actor_t *actor, uint32_t index, uint64_t *random) {
  const stress_plan_t *plan = run.plan;
  bool is_sender = index < STRESS_SENDERS;

  memset(actor, 0, sizeof(*actor));
  actor->plan = plan;
  actor->number = is_sender ? index : index - STRESS_SENDERS;
  actor->kind = is_sender ? plan->senders[actor->number] : plan->receivers[actor->number];
  actor->random = draw(random);
  for (uint32_t i = 0; i < plan->chans; i++) actor->chans[i] = weir_chan_ref(run.chans[i]);
}

static bool is_sender(const actor_t *actor) {
  return actor < run.actors + STRESS_SENDERS;
}

static void start_on_loop(actor_t *actor, weir_ctx_t *ctx) {
  actor->background = ctx;
  weir_op_init(&actor->meddler, ctx);
  actor->meddler.data = actor->range.data = actor;
  if (is_sender(actor))
    sender_start(actor);
  else
    receiver_start(actor);
}

/* The actors on loops are shared out in their order, so that most pairs are of two loops. */
static uint32_t loop_of(uint32_t actor) {
  return actor * run.plan->loops / STRESS_ACTORS;
}

static void run_loop(support_thread_t *thread, void *arg) {
  uint32_t number = (uint32_t)(uintptr_t)arg;

  weir_loop_seed(thread->loop, run.seed + number);
  for (uint32_t i = 0; i < STRESS_ACTORS; i++)
    if (loop_of(i) == number && actor_is_on_loop(&run.actors[i]))
      start_on_loop(&run.actors[i], thread->bg);
  ensure_eq(weir_run(thread->loop), 0);
}

static void run_blocking(void *arg) {
  actor_t *actor = arg;

  if (is_sender(actor))
    sender_block(actor);
  else
    receiver_block(actor);
}

/* The actors' channels are theirs: whoever is last lets go of the last reference. */
static void open_run(const stress_plan_t *plan, uint64_t *random) {
  ensure(plan->chans == 1 || plan->end != ABANDONED);
  run.plan = plan;
  run.seed = *random;
  run.senders_left = STRESS_SENDERS;
  run.receivers_left = STRESS_RECEIVERS;
  run.abandoned = false;
  run.over = weir_chan_new_shared(NULL, 0);
  ledger_open(STRESS_SENDERS, plan->values);
  for (uint32_t i = 0; i < plan->chans; i++) run.chans[i] = ledger_chan(plan->capacity);
  for (uint32_t i = 0; i < STRESS_ACTORS; i++) actor_init(&run.actors[i], i, random);
  for (uint32_t i = 0; i < plan->chans; i++) weir_chan_unref(run.chans[i]);
}

static void close_run(void) {
  uint64_t all = 0, noted;

  for (uint32_t i = 0; i < STRESS_ACTORS; i++) ensure(run.actors[i].done);
  for (uint32_t i = 0; i < STRESS_SENDERS; i++) {
    ledger_check(i, run.actors[i].next);
    all += run.actors[i].next;
  }
  noted = ledger_count(RECEIVED) + ledger_count(DROPPED) + ledger_count(KEPT);
  ensure_eq((long long)noted, (long long)all);
  ensure(ledger_count(RECEIVED) >= (uint64_t)run.plan->values * STRESS_SENDERS / 3);
  ledger_close();
  weir_chan_unref(run.over);
}

/* When a run hangs: how far its actors are, and the seed. */
static void on_alarm(int number) {
  char text[512];
  int length =
      snprintf(text, sizeof(text), "%s hangs (signal %d); received %llu; next, done:", support_note,
               number, (unsigned long long)ledger_count(RECEIVED));

  for (int i = 0; i < STRESS_ACTORS; i++)
    length += snprintf(text + length, sizeof(text) - (size_t)length, " %u%s", run.actors[i].next,
                       run.actors[i].done ? "+" : "-");
  text[length++] = '\n';
  if (write(STDERR_FILENO, text, (size_t)length) < 0) _exit(2);
  abort();
}

enum { TOO_LONG_SECONDS = 45 };

static void run_actors(void) {
  support_thread_t loops[STRESS_ACTORS];
  uv_thread_t threads[STRESS_ACTORS];

  for (uint32_t i = 0; i < run.plan->loops; i++)
    support_thread_start(&loops[i], run_loop, (void *)(uintptr_t)i);
  for (uint32_t i = 0; i < STRESS_ACTORS; i++)
    if (!actor_is_on_loop(&run.actors[i]))
      ensure_eq(uv_thread_create(&threads[i], run_blocking, &run.actors[i]), 0);
  for (uint32_t i = 0; i < STRESS_ACTORS; i++)
    if (!actor_is_on_loop(&run.actors[i])) ensure_eq(uv_thread_join(&threads[i]), 0);
  for (uint32_t i = 0; i < run.plan->loops; i++) support_thread_join(&loops[i]);
}

void stress_run(const stress_plan_t *plan) {
  uint64_t random = new_seed();
  uv_thread_t canceller;

  open_run(plan, &random);
  signal(SIGALRM, on_alarm);
  alarm(TOO_LONG_SECONDS);
  ensure_eq(uv_thread_create(&canceller, cancel_contexts, &random), 0);
  run_actors();
  ensure_eq(weir_chan_close(run.over), 0);
  ensure_eq(uv_thread_join(&canceller), 0);
  alarm(0);
  close_run();
}
