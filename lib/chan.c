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

WEIR__INLINE bool recv_local(weir_chan_t *ch, void *value) {
  return value ? recv_one(ch, value, NULL) : recv_held(ch, NULL, 1) > 0;
}

static inline void zero_value(const weir_chan_t *ch, void *value) {
  if (value && ch->type.size > 0) memset(value, 0, ch->type.size);
}

WEIR__APART int send_now(weir_chan_t *ch, const void *value, weir__due_t *due) {
  bool done;

  if (ch->status) return UV_EPIPE;
  done = due ? send_one(ch, value, due) : send_one(ch, value, NULL);
  return done ? 0 : WEIR__NOT_YET;
}

/* At a local channel, with a partner that can be met simply. */
WEIR__INLINE bool met(weir_chan_t *ch, weir__link_t *partners, void *value, bool is_send) {
  weir_case_t *partner;

  if (weir__queue_empty(partners) || !ch->loop->armed) return false;
  partner = meet(ch, partners, ch->loop, value, is_send, false);
  if (partner) hand_over(ch, partner, value, is_send);
  return partner != NULL;
}

int weir__chan_send_now(weir_chan_t *ch, const void *value, weir__due_t *due) {
  if (!due && met(ch, &ch->receivers, (void *)(uintptr_t)value, true)) return 0;
  return send_now(ch, value, due);
}

static bool recv_due(weir_chan_t *ch, void *value, weir__due_t *due) {
  bool is_unwanted = weir__chan_drops(ch, value);

  if (!recv_one(ch, is_unwanted ? due->bounce : value, due)) return false;
  if (is_unwanted) note_unwanted(ch, due->bounce, 1, due);
  return true;
}

WEIR__APART int recv_now(weir_chan_t *ch, void *value, weir__due_t *due) {
  if (due ? recv_due(ch, value, due) : recv_local(ch, value)) return 0;
  if (!ch->status) return WEIR__NOT_YET;
  zero_value(ch, value);
  return ch->status;
}

int weir__chan_recv_now(weir_chan_t *ch, void *value, weir__due_t *due) {
  return !due && met(ch, &ch->senders, value, false) ? 0 : recv_now(ch, value, due);
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
  return wait->count == 0 ? 0 : WEIR__NOT_YET;
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
  if (!ch->status) return WEIR__NOT_YET;
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
  if (*status == WEIR__NOT_YET && !again && park) {
    park(wait->op);
    weir__chan_enqueue_contended(ch, wait);
  }
  weir__unlock(&ch->lock);
  return again;
}

int weir__chan_transfer(weir_case_t *wait, weir_loop_t *home, void (*park)(weir_op_t *op)) {
  weir_chan_t *ch = wait->chan;
  weir__due_t due;
  int status = WEIR__NOT_YET;
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
  if (!ch->loop) return weir__chan_tried(transfer_now(ch, value, true));
  weir__loop_adopt(ch->loop);
  return weir__chan_tried(weir__chan_send_now(ch, value, NULL));
}

WEIR__APART int recv_what_is_there(weir_chan_t *ch, void *value) {
  if (!ch->loop) return weir__chan_tried(transfer_now(ch, value, false));
  weir__loop_adopt(ch->loop);
  return weir__chan_tried(weir__chan_recv_now(ch, value, NULL));
}

/* Who polls a channel finds mostly nothing. */
int weir_chan_try_recv(weir_chan_t *ch, void *value) {
  if (!ch) return UV_EAGAIN;
  if (ch->loop && ch->length == 0 && !ch->status && weir__queue_empty(&ch->senders))
    return UV_EAGAIN;
  return recv_what_is_there(ch, value);
}

/* for dumps */

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
