/*
 * How sends and receives start, and what they are parked as. The design is at the top of chan.c.
 */
#include "mem.h"
#include "transfer.h"

/* what they are parked as */

static int unpark(weir_op_t *op) {
  if (op->u.wait.chan) weir__queue_take(&op->u.wait.link);
  return 0;
}

static void leave_shared(weir_op_t *op) {
  weir__inbox_awaited(weir__scope(op)->loop);
}

static int unpark_shared(weir_op_t *op) {
  if (!weir__op_claim(op, WEIR__CLAIMED)) return UV_EALREADY;
  weir__chan_withdraw(&op->u.wait);
  leave_shared(op);
  return 0;
}

static void describe(weir_op_t *op, FILE *out) {
  fprintf(out, "on ");
  weir__chan_print(op, op->u.wait.chan, out);
}

static weir_case_t *only_case(weir_op_t *op, size_t *n) {
  *n = 1;
  return &op->u.wait;
}

#define LOCAL(name, keeps)                                                                         \
  {                                                                                                \
    .verb = name, .unpark = unpark, .describe = describe, .cases = only_case,                      \
    .keeps_destination = keeps                                                                     \
  }
#define SHARED(name, keeps)                                                                        \
  {                                                                                                \
    .verb = name, .unpark = unpark_shared, .leave = leave_shared, .describe = describe,            \
    .cases = only_case, .is_contended = true, .keeps_destination = keeps                           \
  }
static const weir__kind_t send_kinds[] = {LOCAL("send", false), SHARED("send", false)};
static const weir__kind_t recv_kinds[] = {LOCAL("recv", false), SHARED("recv", false)};
static const weir__kind_t send_many_kinds[] = {LOCAL("send_many", false),
                                               SHARED("send_many", false)};
static const weir__kind_t recv_many_kinds[] = {LOCAL("recv_many", true), SHARED("recv_many", true)};

bool weir__chan_fits(const weir_op_t *op, const weir_chan_t *ch) {
  return op && op->ctx && (!ch || ch->loop == weir__scope(op)->loop || !ch->loop);
}

/* Sets what an op waits with: `count` values, after `done` ones that have gone. */
WEIR__INLINE void set_wait(weir_op_t *op, weir_chan_t *ch, const void *values, size_t done,
                           size_t count, bool is_send) {
  weir_case_t *wait = &op->u.wait;

  wait->chan = ch;
  wait->value = (void *)(uintptr_t)values;
  wait->op = op;
  wait->index = (uint32_t)done;
  wait->count = (uint32_t)count & INT32_MAX;
  wait->is_send = is_send;
}

/* Parks an op at a channel. */
WEIR__INLINE void park(weir_op_t *op, const weir__kind_t *kind, weir_chan_t *ch, const void *values,
                       size_t done, size_t count, bool is_send) {
  set_wait(op, ch, values, done, count, is_send);
  if (ch) weir__chan_enqueue(ch, &op->u.wait);
  weir__op_park(op, kind);
}

static void park_shared(weir_op_t *op) {
  weir__op_park(op, op->kind);
  weir__inbox_await(weir__scope(op)->loop);
}

/* A start at a shared channel, in general. */
static int start_shared(weir_op_t *op, const weir__kind_t *kinds, weir_chan_t *ch,
                        const void *values, size_t count, bool is_send) {
  int status;

  op->kind = &kinds[1];
  set_wait(op, ch, values, 0, count, is_send);
  status = weir__chan_transfer(&op->u.wait, weir__scope(op)->loop, park_shared);
  if (status != WEIR__NOT_YET) weir__op_complete(op, status, op->u.wait.index);
  return 0;
}

/*
 * The usual cases of one value, which leave nothing else to be done, nor after the lock of a shared
 * channel: the first at the other end can be met simply; or nobody is there, and the ring has room
 * or a value, or the op parks. The copy comes last, since it may be a call.
 */

WEIR__INLINE void happen(weir_loop_t *loop, weir_op_t *op) {
  op->u.wait.index = 1;
  weir__op_queue(loop, op, 0);
}

WEIR__INLINE bool use_ring(weir_op_t *op, weir_chan_t *ch, void *value, bool is_send) {
  unsigned char *place = slot(ch, is_send ? ring_index(ch, ch->length) : ch->head);

  if (!is_send && weir__chan_drops(ch, value)) return false;
  if (is_send) {
    ch->length++;
  } else {
    ch->head = (uint32_t)ring_index(ch, 1);
    ch->length--;
  }
  happen(weir__scope(op)->loop, op);
  if (value) copy_values(ch, is_send ? place : value, is_send ? value : place, 1);
  return true;
}

WEIR__INLINE void line_up(weir_op_t *op, const weir__kind_t *kinds, weir_chan_t *ch, void *value,
                          bool is_send, bool is_shared) {
  park(op, &kinds[is_shared], ch, value, 0, 1, is_send);
  if (!is_shared) return;
  ch->waiting++;
  weir__inbox_await(weir__scope(op)->loop);
}

/* False: it is another case, and nothing has happened. */
WEIR__INLINE bool start_as_usual(weir_op_t *op, const weir__kind_t *kinds, weir_chan_t *ch,
                                 void *value, bool is_send, bool is_shared) {
  weir__link_t *partners = is_send ? &ch->receivers : &ch->senders;
  bool uses_ring = is_send ? ch->length < ch->capacity : ch->length > 0;

  if (!weir__queue_empty(partners)) {
    weir_loop_t *loop = weir__scope(op)->loop;
    weir_case_t *partner = meet(ch, partners, loop, value, is_send, is_shared);
    if (!partner) return false;
    happen(loop, op);
    hand_over(ch, partner, value, is_send);
    return true;
  }
  if (ch->status) return false;
  if (uses_ring) return use_ring(op, ch, value, is_send);
  line_up(op, kinds, ch, value, is_send, is_shared);
  return true;
}

/* One value at a shared channel. */
WEIR__INLINE int start_shared_one(weir_op_t *op, const weir__kind_t *kinds, weir_chan_t *ch,
                                  const void *value, bool is_send) {
  bool is_over;

  weir__lock(&ch->lock);
  is_over = weir__scope(op)->loop->armed &&
            start_as_usual(op, kinds, ch, (void *)(uintptr_t)value, is_send, true);
  weir__unlock(&ch->lock);
  return is_over ? 0 : start_shared(op, kinds, ch, value, 1, is_send);
}

/* starting */

/* Checks and starts a send of n values. Else returns what the call does, by weir__op_accepted. */
WEIR__INLINE int start_send(weir_op_t *op, weir_chan_t *ch, const void *values, size_t n,
                            weir_op_cb cb) {
  if (!weir__chan_fits(op, ch) || (n > 0 && !weir__chan_sendable(ch, values))) return UV_EINVAL;
  return weir__op_start(op, cb);
}

WEIR__INLINE int start_recv(weir_op_t *op, weir_chan_t *ch, weir_op_cb cb) {
  return weir__chan_fits(op, ch) ? weir__op_start(op, cb) : UV_EINVAL;
}

WEIR__INLINE int finish(weir_op_t *op, int status, const weir__kind_t *kind, weir_chan_t *ch,
                        const void *value, bool is_send) {
  if (status == WEIR__NOT_YET)
    park(op, kind, ch, value, 0, 1, is_send);
  else
    weir__op_complete(op, status, status == 0);
  return 0;
}

WEIR__APART int send_in_general(weir_op_t *op, weir_chan_t *ch, const void *value, weir_op_cb cb) {
  int started = start_send(op, ch, value, 1, cb);

  if (started) return weir__op_accepted(started);
  if (weir__is_shared(ch)) return start_shared_one(op, send_kinds, ch, value, true);
  return finish(op, ch ? weir__chan_send_now(ch, value, NULL) : WEIR__NOT_YET, send_kinds, ch,
                value, true);
}

int weir_chan_send(weir_op_t *op, weir_chan_t *ch, const void *value, weir_op_cb cb) {
  if (ch && weir__op_is_at_hand(op, ch->loop) && weir__chan_sendable(ch, value)) {
    op->cb = cb;
    if (start_as_usual(op, send_kinds, ch, (void *)(uintptr_t)value, true, false)) return 0;
  }
  return send_in_general(op, ch, value, cb);
}

WEIR__APART int recv_in_general(weir_op_t *op, weir_chan_t *ch, void *value, weir_op_cb cb) {
  int started = start_recv(op, ch, cb);

  if (started) return weir__op_accepted(started);
  if (weir__is_shared(ch)) return start_shared_one(op, recv_kinds, ch, value, false);
  return finish(op, ch ? weir__chan_recv_now(ch, value, NULL) : WEIR__NOT_YET, recv_kinds, ch,
                value, false);
}

int weir_chan_recv(weir_op_t *op, weir_chan_t *ch, void *value, weir_op_cb cb) {
  if (ch && weir__op_is_at_hand(op, ch->loop)) {
    op->cb = cb;
    if (start_as_usual(op, recv_kinds, ch, value, false, false)) return 0;
  }
  return recv_in_general(op, ch, value, cb);
}

/* Held until the end: a value that nobody wants may own the last reference to the channel. */
static void send_many(weir_op_t *op, weir_chan_t *ch, const void *values, size_t n) {
  size_t done = 0;

  weir__chan_hold(ch);
  if (!ch->status) done = send_some(ch, values, n, NULL);
  if (done == n)
    weir__op_complete(op, 0, done);
  else if (ch->status)
    weir__op_complete(op, UV_EPIPE, done);
  else
    park(op, send_many_kinds, ch, value_at(ch, values, done), done, n - done, true);
  weir__chan_let_go(ch);
}

int weir_chan_send_many(weir_op_t *op, weir_chan_t *ch, const void *values, size_t n,
                        weir_op_cb cb) {
  int started = n > INT32_MAX ? UV_EINVAL : start_send(op, ch, values, n, cb);

  if (started) return weir__op_accepted(started);
  if (weir__is_shared(ch)) return start_shared(op, send_many_kinds, ch, values, n, true);
  if (ch)
    send_many(op, ch, values, n);
  else if (n == 0)
    weir__op_complete(op, 0, 0);
  else
    park(op, send_many_kinds, NULL, values, 0, n, true);
  return 0;
}

int weir_chan_recv_many(weir_op_t *op, weir_chan_t *ch, void *values, size_t max, weir_op_cb cb) {
  int started = start_recv(op, ch, cb);
  size_t done = 0;

  if (started) return weir__op_accepted(started);
  max = min_size(max, INT32_MAX);
  if (weir__is_shared(ch)) return start_shared(op, recv_many_kinds, ch, values, max, false);
  if (ch) done = recv_held(ch, values, max);
  if (done > 0 || max == 0)
    weir__op_complete(op, 0, done);
  else if (ch && ch->status)
    weir__op_complete(op, ch->status, 0);
  else
    park(op, recv_many_kinds, ch, values, 0, max, false);
  return 0;
}
