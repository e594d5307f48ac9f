/*
 * A select with shared channels among its cases.
 *
 *   0. lock     All of them, in the order of their addresses, so that two selects never wait for
 *               each other. The cases are sorted by it in a list of their links, which are free
 *               yet.
 *   1. look     Then one case happens. Its partner may be claimed elsewhere meanwhile: look again.
 *   2. enqueue  and unlock, channel by channel. From the first unlock on a partner may claim it.
 *   3. dequeue  A partner claims the select and takes out its own case only, whose channel it has
 *               locked. The others leave when the select has arrived at its loop, before its
 *               callback. Who finds one of them until then cannot claim it, and takes it out.
 */
#include "select.h"

/* the order */

static weir_case_t *next_of(const weir_case_t *c) {
  return c->link.next ? WEIR__CONTAINER(c->link.next, weir_case_t, link) : NULL;
}

static weir_case_t *merge(weir_case_t *a, weir_case_t *b) {
  weir__link_t *first, **end = &first;

  while (a && b) {
    weir_case_t **lower = (uintptr_t)a->chan <= (uintptr_t)b->chan ? &a : &b;
    *end = &(*lower)->link;
    end = &(*lower)->link.next;
    *lower = next_of(*lower);
  }
  *end = a ? &a->link : b ? &b->link : NULL;
  return WEIR__CONTAINER(first, weir_case_t, link);
}

/* The cases of shared channels, sorted: runs of 1, 2, 4, ... are merged like a binary
 * number grows. */
static weir_case_t *in_order(weir_case_t *cases, size_t n) {
  weir_case_t *runs[32] = {NULL}, *all = NULL;

  for (size_t i = 0; i < n; i++) {
    weir_case_t *run = &cases[i];
    size_t size = 0;

    if (!weir__is_shared(run->chan)) continue;
    run->link.next = NULL;
    for (; runs[size]; runs[size++] = NULL) run = merge(runs[size], run);
    runs[size] = run;
  }
  for (size_t size = 0; size < 32; size++)
    if (runs[size]) all = all ? merge(runs[size], all) : runs[size];
  return all;
}

/* A channel may stand in several cases, which are neighbours then. */
static bool is_last_of_its_channel(const weir_case_t *c) {
  const weir_case_t *next = next_of(c);

  return !next || next->chan != c->chan;
}

static void lock_all(const weir_case_t *first) {
  for (const weir_case_t *c = first; c; c = next_of(c))
    if (is_last_of_its_channel(c)) weir__lock(&c->chan->lock);
}

static void unlock_all(const weir_case_t *first) {
  for (const weir_case_t *c = first; c; c = next_of(c))
    if (is_last_of_its_channel(c)) weir__unlock(&c->chan->lock);
}

/* the passes */

int weir__select_now(weir__select_t *select, weir__due_t *due) {
  int status = WEIR__NOT_YET;

  while (status == WEIR__NOT_YET) {
    size_t count = 0;

    for (size_t i = 0; i < select->n; i++) count += weir__case_ready(&select->cases[i]);
    if (count == 0) break;
    select->index = weir__case_choose(select->cases, select->n, count, select->random);
    if (select->index < select->n) status = weir__case_happen(&select->cases[select->index], due);
  }
  return status;
}

static void prepare(weir_case_t *c, weir_op_t *op) {
  c->op = op;
  c->index = 0;
  c->count = 1;
}

static void enqueue_and_unlock(weir_case_t *c, weir_op_t *op) {
  weir_case_t *next;

  for (; c; c = next) {
    weir_chan_t *ch = c->chan;
    bool unlocks = is_last_of_its_channel(c);

    next = next_of(c);
    prepare(c, op);
    weir__chan_enqueue_contended(ch, c);
    if (unlocks) weir__unlock(&ch->lock);
  }
}

static void enqueue_local(const weir__select_t *select) {
  for (size_t i = 0; i < select->n; i++) {
    weir_case_t *c = &select->cases[i];

    if (!c->chan || !c->chan->loop) continue;
    prepare(c, select->op);
    c->chan->is_contended = true;
    weir__chan_enqueue_contended(c->chan, c);
  }
}

static void park(const weir__select_t *select, weir_case_t *first) {
  weir_op_t *op = select->op;

  op->u.wait.value = select->cases;
  op->u.wait.index = 0;
  op->u.wait.count = (uint32_t)select->n & INT32_MAX;
  select->park(op);
  enqueue_local(select);
  enqueue_and_unlock(first, op);
}

/* The largest value that a case may receive for nobody. */
static size_t most_unwanted(const weir__select_t *select) {
  size_t most = 0;

  for (size_t i = 0; i < select->n; i++) {
    const weir_case_t *c = &select->cases[i];

    if (!c->chan || c->is_send || !weir__chan_drops(c->chan, c->value)) continue;
    if (c->chan->type.size > most) most = c->chan->type.size;
  }
  return most;
}

int weir__select_shared(weir__select_t *select) {
  weir_case_t *first;
  weir__due_t due;
  int status;

  if (weir__due_init(&due, select->home, most_unwanted(select))) return UV_ENOMEM;
  first = in_order(select->cases, select->n);
  lock_all(first);
  status = weir__select_now(select, &due);
  if (status == WEIR__NOT_YET && select->op)
    park(select, first);
  else
    unlock_all(first);
  weir__due_settle(&due);
  weir__due_free(&due);
  return status;
}

void weir__select_withdraw(weir_op_t *op, ptrdiff_t chosen) {
  weir_case_t *cases = op->u.wait.value;

  for (size_t i = 0; i < op->u.wait.count; i++)
    if (cases[i].chan && (ptrdiff_t)i != chosen) weir__chan_withdraw(&cases[i]);
}
