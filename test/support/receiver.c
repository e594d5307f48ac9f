#include "stress.h"

#include <string.h>

static void finish(actor_t *actor) {
  stress_receiver_finished(actor);
  actor_finish(actor);
}

static bool is_interruption(int status) {
  return status == UV_ECANCELED || status == UV_ETIMEDOUT || status == UV_EAGAIN;
}

/* Takes over a value that came through a channel. */
static void take(actor_t *actor, weir_chan_t *ch, const ledger_value_t *value) {
  uint64_t count = ledger_note(value, RECEIVED);
  uint32_t i = 0;

  while (actor->chans[i] != ch) i++;
  ensure(value->number >= actor->expected[i][value->sender]);
  actor->expected[i][value->sender] = value->number + 1;
  stress_received(actor, count);
}

/* Destinations are used in turns, so that a late write to those of the last turn is seen. */

static ledger_value_t *destinations(actor_t *actor) {
  return actor->values[actor->started % 2];
}

static size_t width(const actor_t *actor) {
  return actor->kind == MANY ? STRESS_BATCH : actor_chans(actor);
}

static void check_last_turn(actor_t *actor) {
  ensure(ledger_is_clear(actor->values[(actor->started + 1) % 2], width(actor)));
}

/* What was received is in `n` destinations from `first` on; the others are untouched. */
static void take_all(actor_t *actor, weir_chan_t *ch, size_t first, size_t n) {
  ledger_value_t *values = destinations(actor);

  ensure(n > 0 && first + n <= width(actor));
  for (size_t i = first; i < first + n; i++) take(actor, ch, &values[i]);
  ledger_clear(&values[first], n);
}

/* The end of a channel zeroes the destination, but that of recv_many. */
static void clear_end(actor_t *actor, size_t index) {
  static const ledger_value_t zero;

  if (actor->kind == MANY) return;
  ensure_eq(memcmp(&destinations(actor)[index], &zero, sizeof(zero)), 0);
  ledger_clear(&destinations(actor)[index], 1);
}

static void fill_cases(actor_t *actor) {
  for (uint32_t i = 0; i < actor->plan->chans; i++)
    actor->cases[i] =
        WEIR_RECV(actor->cases[i].chan, &destinations(actor)[i]); /* or NULL: it has ended */
}

/* Returns whether a channel is left that has not ended. */
static bool note_end(actor_t *actor, size_t index) {
  if (actor_chans(actor) == 1) return false;
  actor->cases[index].chan = NULL;
  for (uint32_t i = 0; i < actor->plan->chans; i++)
    if (actor->cases[i].chan) return true;
  return false;
}

/* Returns whether the receiver goes on. `index` is the case's, for a select; n that of values. */
static bool note(actor_t *actor, int status, size_t index, size_t n) {
  bool goes_on = true;

  if (status == 0) {
    bool is_select = actor_chans(actor) > 1;
    take_all(actor, is_select ? actor->cases[index].chan : actor_chan(actor), index, n);
  } else if (!is_interruption(status)) {
    ensure(status == UV_EOF || (actor->plan->end == CLOSED_MIDWAY && status == UV_ECONNABORTED));
    clear_end(actor, index);
    goes_on = note_end(actor, index);
  }
  ensure(ledger_is_clear(destinations(actor), width(actor)));
  check_last_turn(actor);
  return goes_on && !stress_abandoned();
}

/* on a loop */

static void go_on(actor_t *actor);

static void on_received(weir_op_t *op, int status) {
  actor_t *actor = (actor_t *)op;
  size_t index = weir_op_index(op);
  bool goes_on;

  actor_on_completion(actor, status);
  if (actor->kind == SELECTS)
    goes_on = note(actor, status, index, 1);
  else
    goes_on = note(actor, status, 0, index);
  if (goes_on)
    go_on(actor);
  else
    finish(actor);
}

/* ranges: paused and resumed, stopped in the callback and outside, started again */

static void resume(actor_t *actor) {
  if (actor->running && actor->meddled == actor->started)
    ensure_eq(weir_range_resume(&actor->range), 0);
}

static void stop_and_go_on(actor_t *actor) {
  if (actor->running) ensure_eq(weir_range_stop(&actor->range), 0);
  actor->running = false;
  go_on(actor);
}

static void meddle_with_range(actor_t *actor) {
  uint32_t what = actor_draw(actor, 32);

  if (what > 2 || weir_op_pending(&actor->meddler)) return;
  if (what == 0) {
    ensure_eq(weir_range_pause(&actor->range), 0);
    actor_meddle_later(actor, resume);
  } else if (what == 1) {
    ensure_eq(weir_range_stop(&actor->range), 0);
    actor->running = false;
    actor_meddle_later(actor, stop_and_go_on);
  } else {
    actor_meddle_later(actor, stop_and_go_on);
  }
}

static void on_range_end(actor_t *actor, int status) {
  actor_on_completion(actor, status);
  if (is_interruption(status) && !stress_abandoned()) {
    go_on(actor);
    return;
  }
  ensure(is_interruption(status) || status == UV_EOF || status == UV_ECONNABORTED);
  finish(actor);
}

static void on_ranged(weir_range_t *range, const void *value, int status) {
  actor_t *actor = range->data;

  ensure(actor->running);
  if (status) {
    on_range_end(actor, status);
    return;
  }
  take(actor, actor_chan(actor), value);
  if (!stress_abandoned()) {
    meddle_with_range(actor);
    return;
  }
  ensure_eq(weir_range_stop(range), 0);
  actor->running = false;
  finish(actor);
}

static int start(actor_t *actor) {
  ledger_value_t *values = destinations(actor);

  if (actor->kind == OPS) return weir_chan_recv(&actor->op, actor_chan(actor), values, on_received);
  if (actor->kind == MANY)
    return weir_chan_recv_many(&actor->op, actor_chan(actor), values, STRESS_BATCH, on_received);
  fill_cases(actor);
  return weir_select(&actor->op, actor->cases, actor->plan->chans, on_received);
}

static void go_on(actor_t *actor) {
  actor_before_start(actor);
  if (actor->kind == RANGES) {
    ensure_eq(weir_range_start(&actor->range, actor_chan(actor), on_ranged), 0);
  } else {
    ensure_eq(start(actor), 0);
    actor_after_start(actor);
  }
}

static void prepare(actor_t *actor) {
  for (int turn = 0; turn < 2; turn++) ledger_clear(actor->values[turn], STRESS_BATCH);
  for (uint32_t i = 0; i < actor->plan->chans; i++)
    actor->cases[i] = WEIR_RECV(actor->chans[i], NULL);
}

void receiver_start(actor_t *actor) {
  prepare(actor);
  go_on(actor);
}

/* on a thread */

static int recv_once(actor_t *actor, size_t *index) {
  uint64_t timeout_ms = actor_timeout(actor);
  ledger_value_t *value = destinations(actor);
  bool tries = actor_draw(actor, 8) == 0;

  *index = 0;
  if (actor->kind == BLOCKING)
    return tries ? weir_chan_try_recv(actor_chan(actor), value)
                 : weir_chan_recv_blocking(actor_chan(actor), value, timeout_ms);
  fill_cases(actor);
  return tries ? weir_select_try(actor->cases, actor->plan->chans, index)
               : weir_select_blocking(actor->cases, actor->plan->chans, timeout_ms, index);
}

void receiver_block(actor_t *actor) {
  size_t index;
  int status;

  prepare(actor);
  do {
    actor->started++;
    status = recv_once(actor, &index);
  } while (note(actor, status, index, 1));
  finish(actor);
}
