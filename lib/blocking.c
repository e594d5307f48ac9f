/*
 * Calls that block a thread.
 *
 * The thread waits with an operation of its own, on its stack, that has no context: as a partner it
 * is like any other. Whoever claims it wakes the thread where a loop's operation would be posted
 * (inbox.c), through the op's callback.
 *
 *   1. try      Without waiting; for most calls that is all.
 *   2. park     Lined up, as an operation would be.
 *   3. look     for a while, where there is another processor for the partner: WAITING.
 *   4. sleep    SLEEPING says that a signal is needed. Who wakes it makes it DONE, and signals only
 *               a sleeper; that is the last access to this stack, so a sleeper that is DONE waits
 *               for the signal.
 *   5. give up  When the time is over: it claims itself, and leaves its queues. If that fails it
 *               has happened, and the wake-up is on its way.
 */
#include "select.h"
#include "timer.h"

enum { WAITING, SLEEPING, DONE };

enum { LOOK_NS = 20000, LOOKS = 32 };

typedef struct blocked_s {
  weir_op_t op;
  atomic_int progress;
  uint64_t deadline; /* of uv_hrtime */
  uv_mutex_t mutex;
  uv_cond_t cond;
  bool is_signalled;
} blocked_t;

static void on_done(weir_op_t *op, int status) {
  blocked_t *blocked = WEIR__CONTAINER(op, blocked_t, op);

  (void)status;
  if (atomic_exchange(&blocked->progress, DONE) != SLEEPING) return;
  uv_mutex_lock(&blocked->mutex);
  blocked->is_signalled = true;
  uv_cond_signal(&blocked->cond);
  uv_mutex_unlock(&blocked->mutex);
}

/* What is it parked as: nobody interrupts it but itself, and nothing dumps it. */

static void chosen(weir_op_t *op, weir_case_t *c) {
  op->u.wait.index = (uint32_t)(c - (weir_case_t *)op->u.wait.value);
}

static const weir__kind_t transfer_kind = {.verb = "blocking", .is_contended = true};
static const weir__kind_t select_kind = {
    .verb = "blocking", .is_contended = true, .chosen = chosen};

static void park(weir_op_t *op) {
  weir__op_set_state(op, WEIR__PARKED);
}

static int blocked_init(blocked_t *blocked, uint64_t timeout_ms, const weir__kind_t *kind) {
  int err = uv_mutex_init(&blocked->mutex);

  if (err) return err;
  err = uv_cond_init(&blocked->cond);
  if (err) {
    uv_mutex_destroy(&blocked->mutex);
    return err;
  }
  weir_op_init(&blocked->op, NULL);
  blocked->op.cb = on_done;
  blocked->op.kind = kind;
  blocked->deadline = weir__after(uv_hrtime(), timeout_ms);
  blocked->is_signalled = false;
  atomic_init(&blocked->progress, WAITING);
  return 0;
}

static void blocked_free(blocked_t *blocked) {
  uv_cond_destroy(&blocked->cond);
  uv_mutex_destroy(&blocked->mutex);
}

/* waiting */

static bool is_done(const blocked_t *blocked) {
  return atomic_load_explicit(&blocked->progress, memory_order_acquire) == DONE;
}

static void look(const blocked_t *blocked) {
  uint64_t until = uv_hrtime() + LOOK_NS;

  if (until > blocked->deadline) until = blocked->deadline;
  do {
    for (unsigned times = 0; times < LOOKS && !is_done(blocked);) weir__give_way(&times);
  } while (!is_done(blocked) && uv_hrtime() < until);
}

static void wait_until(blocked_t *blocked, uint64_t deadline) {
  uv_mutex_lock(&blocked->mutex);
  while (!blocked->is_signalled) {
    uint64_t now = uv_hrtime();

    if (deadline == WEIR__NEVER) {
      uv_cond_wait(&blocked->cond, &blocked->mutex);
    } else if (now < deadline) {
      uv_cond_timedwait(&blocked->cond, &blocked->mutex, deadline - now);
    } else {
      break;
    }
  }
  uv_mutex_unlock(&blocked->mutex);
}

/* Until it is done, or the deadline. Returns which. */
static bool sleep_until(blocked_t *blocked, uint64_t deadline) {
  int progress = WAITING;

  if (!atomic_compare_exchange_strong(&blocked->progress, &progress, SLEEPING)) return true;
  wait_until(blocked, deadline);
  progress = SLEEPING;
  if (atomic_compare_exchange_strong(&blocked->progress, &progress, WAITING)) return false;
  wait_until(blocked, WEIR__NEVER);
  return true;
}

/* Waits for a parked one. Returns false if the time is over, and it has been claimed for that. */
static bool await(blocked_t *blocked) {
  weir__outbox_flush(); /* which may hold what this waits for */
  if (weir__has_company()) look(blocked);
  if (sleep_until(blocked, blocked->deadline)) return true;
  if (weir__op_claim(&blocked->op, WEIR__CLAIMED)) return false;
  return sleep_until(blocked, WEIR__NEVER);
}

/* the calls */

static int transfer_blocking(weir_chan_t *ch, void *value, bool is_send, uint64_t timeout_ms) {
  weir_case_t now = {.chan = ch, .value = value, .count = 1, .is_send = is_send};
  blocked_t blocked;
  int status, err;

  if (ch && weir__chan_at_once(ch, value, is_send)) return 0;
  status = weir__chan_transfer(&now, NULL, NULL);
  if (status != WEIR__NOT_YET) return status;
  if (timeout_ms == 0) return UV_ETIMEDOUT;
  err = blocked_init(&blocked, timeout_ms, &transfer_kind);
  if (err) return err;
  now.op = &blocked.op;
  blocked.op.u.wait = now;
  status = weir__chan_transfer(&blocked.op.u.wait, NULL, park);
  if (status == WEIR__NOT_YET) {
    if (await(&blocked)) {
      status = weir__op_result(&blocked.op);
    } else {
      status = UV_ETIMEDOUT;
      if (ch) weir__chan_withdraw(&blocked.op.u.wait);
    }
  }
  blocked_free(&blocked);
  return status;
}

int weir_chan_send_blocking(weir_chan_t *ch, const void *value, uint64_t timeout_ms) {
  if ((ch && ch->loop) || !weir__chan_sendable(ch, value)) return UV_EINVAL;
  return transfer_blocking(ch, (void *)(uintptr_t)value, true, timeout_ms);
}

int weir_chan_recv_blocking(weir_chan_t *ch, void *value, uint64_t timeout_ms) {
  if (ch && ch->loop) return UV_EINVAL;
  return transfer_blocking(ch, value, false, timeout_ms);
}

static bool is_valid(const weir_case_t *cases, size_t n) {
  if (n > INT32_MAX || (n > 0 && !cases)) return false;
  for (size_t i = 0; i < n; i++) {
    const weir_case_t *c = &cases[i];

    if (!c->chan) continue;
    if (c->chan->loop || (c->is_send && !weir__chan_sendable(c->chan, c->value))) return false;
  }
  return true;
}

static int select_parked(weir__select_t *select, blocked_t *blocked) {
  int status = weir__select_shared(select);
  bool is_done;

  if (status != WEIR__NOT_YET) return status;
  is_done = await(blocked);
  select->index = blocked->op.u.wait.index;
  weir__select_withdraw(&blocked->op, is_done ? (ptrdiff_t)select->index : WEIR__NONE_CHOSEN);
  return is_done ? weir__op_result(&blocked->op) : WEIR__NOT_YET;
}

int weir_select_blocking(weir_case_t *cases, size_t n, uint64_t timeout_ms, size_t *index) {
  weir__select_t select = {.cases = cases, .n = n, .random = weir__select_random()};
  blocked_t blocked;
  int status;

  if (!is_valid(cases, n)) return UV_EINVAL;
  status = weir__select_shared(&select);
  if (status == WEIR__NOT_YET && timeout_ms > 0) {
    status = blocked_init(&blocked, timeout_ms, &select_kind);
    if (status) return status;
    select.op = &blocked.op;
    select.park = park;
    status = select_parked(&select, &blocked);
    blocked_free(&blocked);
  }
  if (status == WEIR__NOT_YET) return UV_ETIMEDOUT;
  if (index) *index = select.index;
  return status;
}
