/*
 * Select, in three passes (after Go's runtime):
 *
 *   1. look     at every case, to see which are ready. One random number says which of them happens
 *               at once: each is as likely, for one number however many there are. Of many cases
 *               some are drawn instead: the first that is ready is as likely as any other that is.
 *               Only if none is, the ready ones are counted, and a second look finds the chosen.
 *   2. enqueue  None is ready: every case lines up at its channel, and the operation parks.
 *   3. dequeue  A partner lets one case happen (chan.c): the others leave their queues then and
 *               there, so no stale waiter is ever found in a queue.
 *
 * A select never pairs with itself, since it looks before any of its cases is in a queue. With a
 * shared channel among them there is more to it: contend.c.
 */
#include "select.h"

#define INVALID SIZE_MAX
#define SHARED (SIZE_MAX - 1)

enum { MANY = 16, DRAWS = 4 };

/*
 * Returns how many of fewer than MANY cases are ready, and which; 0 without `ready`; INVALID; or
 * SHARED if they include shared channels, which have to be locked before the look. Local ones are
 * those of `loop`, or of `any_loop`.
 */
WEIR__INLINE size_t look(const weir_case_t *cases, size_t n, const weir_loop_t *loop, bool any_loop,
                         unsigned char *ready) {
  size_t count = 0;
  bool is_shared = false;

  for (size_t i = 0; i < n; i++) {
    const weir_case_t *c = &cases[i];
    const weir_loop_t *its;

    if (!c->chan) continue;
    its = c->chan->loop;
    if (c->is_send && !weir__chan_sendable(c->chan, c->value)) return INVALID;
    if (any_loop ? !its : its != loop) {
      if (its) return INVALID;
      is_shared = true;
    } else if (ready) {
      ready[count] = (unsigned char)i;
      count += weir__case_ready(c);
    }
  }
  return is_shared ? SHARED : count;
}

/* A look of its own each: what may do both takes more for either. */
WEIR__INLINE size_t look_at(const weir_case_t *cases, size_t n, const weir_loop_t *loop,
                            bool any_loop, unsigned char *ready) {
  if (n > INT32_MAX || (n > 0 && !cases)) return INVALID;
  return n < MANY ? look(cases, n, loop, any_loop, ready) : look(cases, n, loop, any_loop, NULL);
}

WEIR__APART int happen_anyhow(weir_case_t *cases, size_t n, weir__random_t *random, size_t *index) {
  weir__select_t select = {.cases = cases, .n = n, .random = random};
  int status = weir__select_now(&select, NULL);

  *index = select.index;
  return status;
}

/* One that is ready may be so no more: a select that waits there and at a shared channel may have
 * happened elsewhere meanwhile. */
WEIR__INLINE int happen_of_few(weir_case_t *cases, size_t n, size_t count,
                               const unsigned char *ready, weir__random_t *random, size_t *index) {
  int status;

  if (count == 0) return WEIR__NOT_YET;
  *index = ready[random && count > 1 ? weir__random_below(random, (uint32_t)count) : 0];
  status = weir__case_happen(&cases[*index], NULL);
  return status == WEIR__NOT_YET ? happen_anyhow(cases, n, random, index) : status;
}

WEIR__APART int happen_of_many(weir_case_t *cases, size_t n, weir__random_t *random,
                               size_t *index) {
  for (int draws = 0; random && draws < DRAWS; draws++) {
    size_t drawn = weir__random_below(random, (uint32_t)n);
    int status = WEIR__NOT_YET;

    if (weir__case_ready(&cases[drawn])) status = weir__case_happen(&cases[drawn], NULL);
    *index = drawn;
    if (status != WEIR__NOT_YET) return status;
  }
  return happen_anyhow(cases, n, random, index);
}

WEIR__INLINE int happen(weir_case_t *cases, size_t n, size_t count, const unsigned char *ready,
                        weir__random_t *random, size_t *index) {
  return n < MANY ? happen_of_few(cases, n, count, ready, random, index)
                  : happen_of_many(cases, n, random, index);
}

static void dequeue(weir_op_t *op, const weir_case_t *except) {
  weir_case_t *cases = op->u.wait.value;

  for (size_t i = 0; i < op->u.wait.count; i++)
    if (cases[i].chan && &cases[i] != except) weir__queue_take(&cases[i].link);
}

static int unpark(weir_op_t *op) {
  dequeue(op, NULL);
  return 0;
}

static size_t index_of(const weir_op_t *op, const weir_case_t *c) {
  return (size_t)(c - (weir_case_t *)op->u.wait.value);
}

static void chosen(weir_op_t *op, weir_case_t *c) {
  dequeue(op, c);
  op->u.wait.index = (uint32_t)index_of(op, c);
}

static int unpark_shared(weir_op_t *op) {
  if (!weir__op_claim(op, WEIR__CLAIMED)) return UV_EALREADY;
  weir__select_withdraw(op, WEIR__NONE_CHOSEN);
  weir__inbox_awaited(weir__scope(op)->loop);
  return 0;
}

static void chosen_shared(weir_op_t *op, weir_case_t *c) {
  op->u.wait.index = (uint32_t)index_of(op, c);
}

static void leave_shared(weir_op_t *op) {
  weir__select_withdraw(op, op->u.wait.index);
  weir__inbox_awaited(weir__scope(op)->loop);
}

static void describe(weir_op_t *op, FILE *out) {
  const weir_case_t *cases = op->u.wait.value;

  fprintf(out, "of %u cases", (unsigned)op->u.wait.count);
  for (size_t i = 0; i < op->u.wait.count; i++) {
    fprintf(out, "%s %s ", i ? "," : ":", cases[i].is_send ? "send on" : "recv on");
    weir__chan_print(op, cases[i].chan, out);
  }
}

static weir_case_t *all_cases(weir_op_t *op, size_t *n) {
  *n = op->u.wait.count;
  return op->u.wait.value;
}

static const weir__kind_t select_kind = {
    .verb = "select", .unpark = unpark, .describe = describe, .chosen = chosen, .cases = all_cases};
static const weir__kind_t shared_kind = {.verb = "select",
                                         .unpark = unpark_shared,
                                         .describe = describe,
                                         .chosen = chosen_shared,
                                         .leave = leave_shared,
                                         .cases = all_cases,
                                         .is_contended = true};

static void park(weir_op_t *op, weir_case_t *cases, size_t n) {
  op->u.wait.value = cases;
  op->u.wait.index = 0;
  op->u.wait.count = (uint32_t)n & INT32_MAX;
  for (size_t i = 0; i < n; i++) {
    if (!cases[i].chan) continue;
    cases[i].op = op;
    cases[i].index = 0;
    cases[i].count = 1;
    weir__chan_enqueue(cases[i].chan, &cases[i]);
  }
  weir__op_park(op, &select_kind);
}

static void park_shared(weir_op_t *op) {
  weir__op_park(op, &shared_kind);
  weir__inbox_await(weir__scope(op)->loop);
}

static int start_shared(weir_op_t *op, weir_case_t *cases, size_t n, weir__random_t *random) {
  weir__select_t select = {.cases = cases,
                           .n = n,
                           .random = random,
                           .home = weir__scope(op)->loop,
                           .op = op,
                           .park = park_shared};
  int status = weir__select_shared(&select);

  if (status != WEIR__NOT_YET) weir__op_complete(op, status, select.index);
  return 0;
}

WEIR__INLINE int start(weir_op_t *op, weir_case_t *cases, size_t n, weir_op_cb cb, bool biased) {
  unsigned char ready[MANY];
  size_t count, index;
  weir__random_t *random;
  weir_loop_t *loop;
  int started, status;

  if (!op || !op->ctx) return UV_EINVAL;
  loop = weir__scope(op)->loop;
  count = look_at(cases, n, loop, false, ready);
  if (count == INVALID) return UV_EINVAL;
  started = weir__op_start(op, cb);
  if (started) return weir__op_accepted(started);
  random = biased ? NULL : &loop->random;
  if (count == SHARED) return start_shared(op, cases, n, random);
  status = happen(cases, n, count, ready, random, &index);
  if (status == WEIR__NOT_YET)
    park(op, cases, n);
  else
    weir__op_complete(op, status, index);
  return 0;
}

int weir_select(weir_op_t *op, weir_case_t *cases, size_t n, weir_op_cb cb) {
  return start(op, cases, n, cb, false);
}

int weir_select_biased(weir_op_t *op, weir_case_t *cases, size_t n, weir_op_cb cb) {
  return start(op, cases, n, cb, true);
}

weir__random_t *weir__select_random(void) {
  static _Thread_local weir__random_t random;

  if (random.state == 0) random.state = uv_hrtime() ^ (uint64_t)(uintptr_t)&random;
  return &random;
}

/* The loop of the local channels among the cases, or NULL; false if they are of several. */
static bool find_home(const weir_case_t *cases, size_t n, weir_loop_t **home) {
  *home = NULL;
  for (size_t i = 0; i < n; i++) {
    weir_loop_t *loop = cases[i].chan ? cases[i].chan->loop : NULL;

    if (loop && *home && loop != *home) return false;
    if (loop) *home = loop;
  }
  return true;
}

static int try_shared(weir_case_t *cases, size_t n, size_t *index) {
  weir__select_t select = {.cases = cases, .n = n, .random = weir__select_random()};
  int status;

  if (!find_home(cases, n, &select.home)) return UV_EINVAL;
  status = weir__select_shared(&select);
  if (index && status != WEIR__NOT_YET) *index = select.index;
  return weir__chan_tried(status);
}

int weir_select_try(weir_case_t *cases, size_t n, size_t *index) {
  unsigned char ready[MANY];
  size_t count = look_at(cases, n, NULL, true, ready), chosen;
  int status;

  if (count == INVALID) return UV_EINVAL;
  if (count == SHARED) return try_shared(cases, n, index);
  status = happen(cases, n, count, ready, weir__select_random(), &chosen);
  if (index && status != WEIR__NOT_YET) *index = chosen;
  return weir__chan_tried(status);
}
