/*
 * Select, in three passes (after Go's runtime):
 *
 *   1. look     at every case, to count the ready ones. One random number says which of them, and a
 *               second look finds it: each is as likely, for one number however many there are. It
 *               happens at once.
 *   2. enqueue  None is ready: every case lines up at its channel, and the operation parks.
 *   3. dequeue  A partner lets one case happen (chan.c): the others leave their queues then and
 *               there, so no stale waiter is ever found in a queue.
 *
 * A select never pairs with itself, since it looks before any of its cases is in a queue.
 */
#include "chan.h"
#include "op.h"

#include <weir/select.h>

static inline bool ready(const weir_case_t *c) {
  if (!c->chan) return false;
  return c->is_send ? weir__chan_can_send(c->chan) : weir__chan_can_recv(c->chan);
}

static inline int happen(weir_case_t *c) {
  return c->is_send ? weir__chan_send_now(c->chan, c->value)
                    : weir__chan_recv_now(c->chan, c->value);
}

static inline bool allowed(const weir_case_t *c, const weir_loop_t *loop) {
  if (loop && c->chan->loop != loop) return false;
  return !c->is_send || weir__chan_sendable(c->chan, c->value);
}

#define INVALID SIZE_MAX

/* Returns how many cases are ready, or INVALID. `loop` NULL: the channels' own. */
static inline size_t look(const weir_case_t *cases, size_t n, const weir_loop_t *loop) {
  size_t count = 0;

  if (n > INT32_MAX || (n > 0 && !cases)) return INVALID;
  for (size_t i = 0; i < n; i++) {
    if (!cases[i].chan) continue;
    if (!allowed(&cases[i], loop)) return INVALID;
    count += ready(&cases[i]);
  }
  return count;
}

/* Returns the index of the ready case that has `before` ready ones before it. */
static inline size_t find(const weir_case_t *cases, size_t before) {
  size_t i = 0;

  while (!ready(&cases[i]) || before-- > 0) i++;
  return i;
}

static inline size_t choose(const weir_case_t *cases, size_t count, weir__random_t *random) {
  return find(cases, count > 1 ? weir__random_below(random, (uint32_t)count) : 0);
}

static void dequeue(weir_op_t *op, const weir_case_t *except) {
  weir_case_t *cases = op->u.wait.value;

  for (size_t i = 0; i < op->u.wait.count; i++)
    if (cases[i].chan && &cases[i] != except) weir__queue_take(&cases[i].link);
}

static void unpark(weir_op_t *op) {
  dequeue(op, NULL);
}

static void chosen(weir_op_t *op, weir_case_t *c) {
  dequeue(op, c);
  op->u.wait.index = (uint32_t)(c - (weir_case_t *)op->u.wait.value);
}

static void describe(const weir_op_t *op, FILE *out) {
  const weir_case_t *cases = op->u.wait.value;

  fprintf(out, "of %u cases", (unsigned)op->u.wait.count);
  for (size_t i = 0; i < op->u.wait.count; i++) {
    fprintf(out, "%s %s ", i ? "," : ":", cases[i].is_send ? "send on" : "recv on");
    weir__chan_print(cases[i].chan, out);
  }
}

static weir_case_t *all_cases(weir_op_t *op, size_t *n) {
  *n = op->u.wait.count;
  return op->u.wait.value;
}

static const weir__kind_t select_kind = {
    .verb = "select", .unpark = unpark, .describe = describe, .chosen = chosen, .cases = all_cases};

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

static inline int start(weir_op_t *op, weir_case_t *cases, size_t n, weir_op_cb cb, bool biased) {
  size_t count, index;
  weir_loop_t *loop;
  int started;

  if (!op || !op->ctx) return UV_EINVAL;
  loop = weir__scope(op)->loop;
  count = look(cases, n, loop);
  if (count == INVALID) return UV_EINVAL;
  started = weir__op_start(op, cb);
  if (started) return weir__op_accepted(started);
  if (count > 0) {
    index = biased ? find(cases, 0) : choose(cases, count, &loop->random);
    weir__op_complete(op, happen(&cases[index]), index);
  } else {
    park(op, cases, n);
  }
  return 0;
}

int weir_select(weir_op_t *op, weir_case_t *cases, size_t n, weir_op_cb cb) {
  return start(op, cases, n, cb, false);
}

int weir_select_biased(weir_op_t *op, weir_case_t *cases, size_t n, weir_op_cb cb) {
  return start(op, cases, n, cb, true);
}

static weir__random_t *thread_random(void) {
  static _Thread_local weir__random_t random;

  if (random.state == 0) random.state = uv_hrtime() ^ (uint64_t)(uintptr_t)&random;
  return &random;
}

int weir_select_try(weir_case_t *cases, size_t n, size_t *index) {
  size_t count = look(cases, n, NULL), chosen;

  if (count == INVALID) return UV_EINVAL;
  if (count == 0) return UV_EAGAIN;
  chosen = choose(cases, count, thread_random());
  if (index) *index = chosen;
  return happen(&cases[chosen]);
}
