#include "stress.h"

static void finish(actor_t *actor) {
  stress_sender_finished(actor);
  actor_finish(actor);
}

/* The first value that has no fate is still the sender's, who gives it up. */
static void keep(actor_t *actor) {
  ledger_value_t value = ledger_value(actor->number, actor->next);

  ledger_note(&value, KEPT);
  actor->next++;
}

/* Returns whether the sender goes on. */
static bool note(actor_t *actor, int status, uint32_t went) {
  actor->next += went;
  if (status == UV_EPIPE) {
    for (; went < actor->count; went++) keep(actor);
    return false;
  }
  if (status && actor_draw(actor, 4) == 0) keep(actor); /* else it tries again */
  return actor->next < actor->plan->values;
}

static void fill(actor_t *actor, uint32_t count) {
  uint32_t left = actor->plan->values - actor->next;

  actor->count = count < left ? count : left;
  for (uint32_t i = 0; i < actor->count; i++)
    actor->values[0][i] = ledger_value(actor->number, actor->next + i);
}

static void fill_cases(actor_t *actor) {
  for (uint32_t i = 0; i < actor->plan->chans; i++)
    actor->cases[i] = WEIR_SEND(actor->chans[i], actor->values[0]);
}

/* on a loop */

static void go_on(actor_t *actor);

static void on_sent(weir_op_t *op, int status) {
  actor_t *actor = (actor_t *)op;
  uint32_t went = status == 0;

  actor_on_completion(actor, status);
  if (actor->kind == MANY) went = (uint32_t)weir_op_index(op);
  ensure(status == 0 ? went == actor->count : went < actor->count);
  if (note(actor, status, went))
    go_on(actor);
  else
    finish(actor);
}

static int start(actor_t *actor) {
  if (actor->kind == OPS)
    return weir_chan_send(&actor->op, actor_chan(actor), actor->values[0], on_sent);
  if (actor->kind == MANY)
    return weir_chan_send_many(&actor->op, actor_chan(actor), actor->values[0], actor->count,
                               on_sent);
  fill_cases(actor);
  return weir_select(&actor->op, actor->cases, actor->plan->chans, on_sent);
}

static void go_on(actor_t *actor) {
  fill(actor, actor->kind == MANY ? 1 + actor_draw(actor, STRESS_BATCH) : 1);
  actor_before_start(actor);
  ensure_eq(start(actor), 0);
  actor_after_start(actor);
}

void sender_start(actor_t *actor) {
  go_on(actor);
}

/* on a thread */

static int send_once(actor_t *actor) {
  uint64_t timeout_ms = actor_timeout(actor);
  size_t index = STRESS_CHANS;
  int status;

  if (actor->kind == BLOCKING)
    return actor_draw(actor, 8)
               ? weir_chan_send_blocking(actor_chan(actor), actor->values[0], timeout_ms)
               : weir_chan_try_send(actor_chan(actor), actor->values[0]);
  fill_cases(actor);
  status = actor_draw(actor, 8)
               ? weir_select_blocking(actor->cases, actor->plan->chans, timeout_ms, &index)
               : weir_select_try(actor->cases, actor->plan->chans, &index);
  ensure(index < actor->plan->chans || status == UV_ETIMEDOUT || status == UV_EAGAIN);
  return status;
}

void sender_block(actor_t *actor) {
  int status;

  do {
    fill(actor, 1);
    status = send_once(actor);
    ensure(status == 0 || status == UV_EPIPE || status == UV_ETIMEDOUT || status == UV_EAGAIN);
  } while (note(actor, status, status == 0));
  finish(actor);
}
