/*
 * Channels.
 *
 * A channel is a ring of `capacity` values and two queues of waiters: operations by their own
 * `u.wait`, selects by each of their cases. A shared channel belongs to no loop and has a lock; the
 * rest is the same, and the same code (transfer.h). Invariants:
 *
 *   A  receivers wait only while the ring is empty; senders only while it is full.
 *   B  unless a select waits for both on one channel, at most one of the queues is not empty.
 *   C  a closed channel has no waiters.
 *   D  a waiter in a queue is of a parked operation, or of a select that has happened at a shared
 *      channel and whose loop has not heard of it yet: nobody can claim it any more.
 *
 * Sending n values:
 *   1. closed: UV_EPIPE.
 *   2. give to the first receivers, as many values to each as it wants (recv_many wants several).
 *   3. put the rest into the ring, as far as there is room.
 *   4. with values left over, park.
 * Receiving up to n:
 *   1. take from the ring.
 *   2. if it is empty now, take from the first senders directly: theirs are the next values.
 *   3. refill the ring from the senders, in order.
 *   4. nothing there: the closing status, or park.
 *
 * Whoever completes a partner's half makes it runnable before its own: callbacks come in the order
 * in which the operations were started. A value moves by memcpy and belongs to who has it; only a
 * value that nobody wants (recv into NULL, the last unref) goes through the type's drop.
 *
 * At a shared channel:
 *   1. lock     for a few instructions, and no user's code.
 *   2. claim    A partner is claimed (PARKED to BUSY) by who moves values with it. A cancellation
 *               claims as well: the first one has it. A partner that is claimed elsewhere is taken
 *               out of the queue and left to whoever has it.
 *   3. move     Values are copied. A partner that is done becomes CLAIMED, and is noted; one that
 *               waits for more is PARKED again.
 *   4. park     If the op at hand has to wait, it is lined up before the lock is let go of.
 *   5. settle   After the lock what is noted is posted to its loops (inbox.c), what nobody wants is
 *               dropped. The channel is not touched any more: a partner may have freed it.
 *   6. arrive   The partner's loop makes it runnable (`kind->leave`, then weir__op_ready).
 *
 * A parked op holds no reference to its channel. But where other threads may make it happen, the
 * memory of its channels stays until it has happened there, or its own loop has withdrawn it:
 * `waiting`.
 */
#include "chan.h"

#include <string.h>

#include "mem.h"
#include "transfer.h"

bool weir__chan_has_live_waiter(weir__link_t *queue) {
  while (!weir__queue_empty(queue)) {
    weir_case_t *first = WEIR__CONTAINER(queue->next, weir_case_t, link);
    unsigned state = weir__op_state(first->op);

    if (state == WEIR__PARKED || state == WEIR__BUSY) return true;
    weir__unlink(&first->link);
  }
  return false;
}

/* at once */

static size_t send_held(weir_chan_t *ch, const void *values, size_t n) {
  size_t done;

  weir__chan_hold(ch);
  done = send_some(ch, values, n, NULL);
  weir__chan_let_go(ch);
  return done;
}

static size_t recv_held(weir_chan_t *ch, void *values, size_t max) {
  size_t done;

  weir__chan_hold(ch);
  done = recv_some(ch, values, max, NULL);
  weir__chan_let_go(ch);
  return done;
}

WEIR__INLINE bool recv_local(weir_chan_t *ch, void *value) {
  return value ? recv_one(ch, value, NULL) : recv_held(ch, NULL, 1) > 0;
}

static inline void zero_value(const weir_chan_t *ch, void *value) {
  if (value && ch->type.size > 0) memset(value, 0, ch->type.size);
}

int weir__chan_send_now(weir_chan_t *ch, const void *value, weir__due_t *due) {
  bool done;

  if (ch->status) return UV_EPIPE;
  done = due ? send_one(ch, value, due) : send_one(ch, value, NULL);
  return done ? 0 : UV_EAGAIN;
}

static bool recv_due(weir_chan_t *ch, void *value, weir__due_t *due) {
  bool is_unwanted = weir__chan_drops(ch, value);

  if (!recv_one(ch, is_unwanted ? due->bounce : value, due)) return false;
  if (is_unwanted) note_unwanted(ch, due->bounce, 1, due);
  return true;
}

int weir__chan_recv_now(weir_chan_t *ch, void *value, weir__due_t *due) {
  if (due ? recv_due(ch, value, due) : recv_local(ch, value)) return 0;
  if (!ch->status) return UV_EAGAIN;
  zero_value(ch, value);
  return ch->status;
}

/* a shared channel */

int weir__due_allocate(weir__due_t *due, size_t size) {
  due->bounce = weir__malloc(size);
  return due->bounce ? 0 : UV_ENOMEM;
}

/* As in a callback: contexts that a drop lets go of stay until the caller has done with them. */
static void drop_unwanted(weir__due_t *due) {
  weir_loop_t *home = due->home;
  bool was_in_callback = home && home->in_callback;

  if (home) home->in_callback = true;
  for (size_t i = 0; i < due->unwanted_count; i++)
    due->drop((char *)(uintptr_t)due->unwanted + i * due->size);
  due->unwanted_count = 0;
  if (home) home->in_callback = was_in_callback;
}

void weir__due_do(weir__due_t *due) {
  weir__posts_settle(&due->posts, due->home);
  if (due->unwanted_count > 0) drop_unwanted(due);
}

static int try_send(weir_chan_t *ch, weir_case_t *wait, weir__due_t *due) {
  size_t n = wait->count;

  if (n == 0) return 0;
  if (ch->status) return UV_EPIPE;
  moved(ch, wait, n == 1 ? send_one(ch, wait->value, due) : send_some(ch, wait->value, n, due));
  return wait->count == 0 ? 0 : UV_EAGAIN;
}

static size_t recv_up_to(weir_chan_t *ch, void *values, size_t max, weir__due_t *due) {
  return max == 1 ? recv_one(ch, values, due) : recv_some(ch, values, max, due);
}

static int try_recv(weir_chan_t *ch, weir_case_t *wait, weir__due_t *due) {
  size_t max = wait->count, done;

  if (weir__chan_drops(ch, wait->value)) {
    done = recv_up_to(ch, due->bounce, min_size(max, 1), due);
    if (done > 0) note_unwanted(ch, due->bounce, done, due);
  } else {
    done = recv_up_to(ch, wait->value, max, due);
  }
  moved(ch, wait, done);
  if (wait->index > 0 || max == 0) return 0;
  if (!ch->status) return UV_EAGAIN;
  if (!wait->op || !wait->op->kind->keeps_destination) zero_value(ch, wait->value);
  return ch->status;
}

/* One go, under the lock. Returns whether another one is due, after what nobody wants
 * is dropped. */
static bool transfer(weir_chan_t *ch, weir_case_t *wait, int *status, weir__due_t *due,
                     void (*park)(weir_op_t *op)) {
  bool again;

  weir__lock(&ch->lock);
  *status = wait->is_send ? try_send(ch, wait, due) : try_recv(ch, wait, due);
  again = due->unwanted_count > 0 && wait->count > 0;
  if (*status == UV_EAGAIN && !again && park) {
    park(wait->op);
    weir__chan_enqueue_contended(ch, wait);
  }
  weir__unlock(&ch->lock);
  return again;
}

int weir__chan_transfer(weir_case_t *wait, weir_loop_t *home, void (*park)(weir_op_t *op)) {
  weir_chan_t *ch = wait->chan;
  weir__due_t due;
  int status = UV_EAGAIN;
  bool again;

  if (!ch) {
    if (park) park(wait->op);
    return status;
  }
  if (weir__due_init(&due, home,
                     !wait->is_send && weir__chan_drops(ch, wait->value) ? ch->type.size : 0))
    return UV_ENOMEM;
  do {
    again = transfer(ch, wait, &status, &due, park);
    weir__due_settle(&due);
  } while (again);
  weir__due_free(&due);
  return status;
}

/* It may be in the queue still, or not: who found it claimed has taken it out. */
void weir__chan_withdraw(weir_case_t *waiter) {
  weir_chan_t *ch = waiter->chan;
  bool is_last;

  weir__chan_lock(ch);
  if (weir__linked(&waiter->link)) weir__unlink(&waiter->link);
  is_last = --ch->waiting == 0 && ch->is_dead;
  weir__chan_unlock(ch);
  if (is_last) weir__free(ch);
}

static bool put_at_once(weir_chan_t *ch, const void *value) {
  bool can;

  weir__lock(&ch->lock);
  can = ch->length < ch->capacity && weir__queue_empty(&ch->receivers) && !ch->status;
  if (can) ring_put_one(ch, value);
  weir__unlock(&ch->lock);
  return can;
}

static bool take_at_once(weir_chan_t *ch, void *value) {
  bool can;

  weir__lock(&ch->lock);
  can = ch->length > 0 && weir__queue_empty(&ch->senders);
  if (can) ring_take_one(ch, value, NULL);
  weir__unlock(&ch->lock);
  return can;
}

bool weir__chan_at_once(weir_chan_t *ch, const void *value, bool is_send) {
  if (ch->capacity == 0) return false;
  if (is_send) return put_at_once(ch, value);
  return value && take_at_once(ch, (void *)(uintptr_t)value);
}

static int transfer_now(weir_chan_t *ch, const void *value, bool is_send) {
  weir_case_t wait = {
      .chan = ch, .value = (void *)(uintptr_t)value, .count = 1, .is_send = is_send};

  return weir__chan_transfer(&wait, NULL, NULL);
}

int weir_chan_try_send(weir_chan_t *ch, const void *value) {
  if (!ch) return UV_EAGAIN;
  if (!weir__chan_sendable(ch, value)) return UV_EINVAL;
  if (!ch->loop) return transfer_now(ch, value, true);
  weir__loop_adopt(ch->loop);
  return weir__chan_send_now(ch, value, NULL);
}

WEIR__APART int recv_what_is_there(weir_chan_t *ch, void *value) {
  if (!ch->loop) return transfer_now(ch, value, false);
  weir__loop_adopt(ch->loop);
  return weir__chan_recv_now(ch, value, NULL);
}

/* Who polls a channel finds mostly nothing. */
int weir_chan_try_recv(weir_chan_t *ch, void *value) {
  if (!ch) return UV_EAGAIN;
  if (ch->loop && ch->length == 0 && !ch->status && weir__queue_empty(&ch->senders))
    return UV_EAGAIN;
  return recv_what_is_there(ch, value);
}

/* operations: what they are parked as */

typedef struct sight_s {
  const char *name;
  uint32_t length, capacity;
} sight_t;

static sight_t see(const weir_chan_t *ch) {
  return (sight_t){ch->type.name ? ch->type.name : "", ch->length, ch->capacity};
}

/* While an op is BUSY, its shared channel has to stay. But who waits for it may hold the lock. */
static bool see_shared(weir_op_t *op, weir_chan_t *ch, sight_t *sight) {
  unsigned times = 0;
  bool is_seen = false;

  for (; !is_seen && weir__op_claim(op, WEIR__BUSY); weir__give_way(&times)) {
    is_seen = ch->loop || weir__try_lock(&ch->lock);
    if (is_seen) *sight = see(ch);
    if (is_seen) weir__chan_unlock(ch);
    weir__op_unclaim(op);
  }
  return is_seen;
}

void weir__chan_print(weir_op_t *op, weir_chan_t *ch, FILE *out) {
  sight_t sight;

  if (!ch)
    fprintf(out, "a NULL channel, which blocks for ever");
  else if (op->kind->is_contended && !see_shared(op, ch, &sight))
    fprintf(out, "a shared channel, and has happened");
  else {
    if (!op->kind->is_contended) sight = see(ch);
    fprintf(out, "channel \"%s\" (%u/%u)", sight.name, sight.length, sight.capacity);
  }
}

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
  if (status != UV_EAGAIN) weir__op_complete(op, status, op->u.wait.index);
  return 0;
}

/*
 * The usual cases of one value, which leave nothing else to be done, nor after the lock of a shared
 * channel: the first at the other end waits there alone, for one value more, on the op's own loop
 * (so that nobody else can be about to claim it); or nobody is there, and the ring has room or a
 * value, or the op parks. The copy comes last, since it may be a call.
 */

WEIR__INLINE bool is_simple(const weir_case_t *waiter, const weir_loop_t *loop, bool is_shared) {
  const weir_op_t *op = waiter->op;
  const weir__scope_t *scope = weir__scope(op);

  if (is_shared && (!scope || scope->loop != loop)) return false;
  return waiter == &op->u.wait && waiter->count == 1 && !scope->unreferenced;
}

WEIR__INLINE void happen(weir_loop_t *loop, weir_op_t *op) {
  op->u.wait.index = 1;
  weir__op_queue(loop, op, 0);
}

WEIR__INLINE bool meet(weir_op_t *op, weir_case_t *partner, weir_chan_t *ch, void *value,
                       bool is_send, bool is_shared) {
  weir_loop_t *loop = weir__scope(op)->loop;
  void *to = is_send ? partner->value : value;
  const void *from = is_send ? value : partner->value;

  if (!is_simple(partner, loop, is_shared) || weir__chan_drops(ch, to)) return false;
  weir__queue_take(&partner->link);
  if (is_shared) {
    ch->waiting--;
    leave_shared(partner->op);
  }
  partner->index++;
  weir__op_leave_scope(loop, partner->op);
  weir__op_queue(loop, partner->op, 0);
  happen(loop, op);
  if (to) copy_values(ch, to, from, 1);
  return true;
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
  weir_case_t *first = WEIR__CONTAINER(partners->next, weir_case_t, link);
  bool uses_ring = is_send ? ch->length < ch->capacity : ch->length > 0;

  if (!weir__queue_empty(partners))
    return (is_send || !uses_ring) && meet(op, first, ch, value, is_send, is_shared);
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

/* operations: starting */

/* Checks and starts a send of n values. Else returns what the call does, by weir__op_accepted. */
WEIR__INLINE int start_send(weir_op_t *op, weir_chan_t *ch, const void *values, size_t n,
                            weir_op_cb cb) {
  if (!weir__chan_fits(op, ch) || (n > 0 && !weir__chan_sendable(ch, values))) return UV_EINVAL;
  return weir__op_start(op, cb);
}

WEIR__INLINE int start_recv(weir_op_t *op, weir_chan_t *ch, weir_op_cb cb) {
  return weir__chan_fits(op, ch) ? weir__op_start(op, cb) : UV_EINVAL;
}

WEIR__APART int send_in_general(weir_op_t *op, weir_chan_t *ch, const void *value, weir_op_cb cb) {
  int started = start_send(op, ch, value, 1, cb);

  if (started) return weir__op_accepted(started);
  if (weir__is_shared(ch)) return start_shared_one(op, send_kinds, ch, value, true);
  if (ch && ch->status) {
    weir__op_complete(op, UV_EPIPE, 0);
  } else if (ch && send_one(ch, value, NULL)) {
    weir__op_complete(op, 0, 1);
  } else {
    park(op, send_kinds, ch, value, 0, 1, true);
  }
  return 0;
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
  if (ch && recv_local(ch, value)) {
    weir__op_complete(op, 0, 1);
  } else if (ch && ch->status) {
    zero_value(ch, value);
    weir__op_complete(op, ch->status, 0);
  } else {
    park(op, recv_kinds, ch, value, 0, 1, false);
  }
  return 0;
}

int weir_chan_recv(weir_op_t *op, weir_chan_t *ch, void *value, weir_op_cb cb) {
  if (ch && weir__op_is_at_hand(op, ch->loop)) {
    op->cb = cb;
    if (start_as_usual(op, recv_kinds, ch, value, false, false)) return 0;
  }
  return recv_in_general(op, ch, value, cb);
}

int weir_chan_send_many(weir_op_t *op, weir_chan_t *ch, const void *values, size_t n,
                        weir_op_cb cb) {
  int started = n > INT32_MAX ? UV_EINVAL : start_send(op, ch, values, n, cb);
  size_t done = 0;

  if (started) return weir__op_accepted(started);
  if (weir__is_shared(ch)) return start_shared(op, send_many_kinds, ch, values, n, true);
  if (ch && !ch->status) {
    done = send_held(ch, values, n);
    values = value_at(ch, values, done);
  }
  if (done == n)
    weir__op_complete(op, 0, done);
  else if (ch && ch->status)
    weir__op_complete(op, UV_EPIPE, done);
  else
    park(op, send_many_kinds, ch, values, done, n - done, true);
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
