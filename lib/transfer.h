/*
 * How values move: the ring and the waiters of a channel. chan.c's design in code, compiled for
 * each of the two kinds. `due` says which: NULL, a constant, for a local channel, where what
 * happens completes at once; otherwise a lock is held, and what is to be done after it is noted
 * there.
 */
#ifndef WEIR_LIB_TRANSFER_H
#define WEIR_LIB_TRANSFER_H

#include "chan.h"
#include "mem.h"

static inline void *value_at(const weir_chan_t *ch, const void *values, size_t index) {
  return (char *)(uintptr_t)values + index * ch->type.size;
}

/* As in a callback: contexts that the drop lets go of stay until the caller has done with them. */
static inline void drop_values(const weir_chan_t *ch, const void *values, size_t n) {
  weir_loop_t *loop = ch->loop;
  bool was_in_callback = loop->in_callback;

  if (!ch->type.drop) return;
  loop->in_callback = true;
  for (size_t i = 0; i < n; i++) ch->type.drop(value_at(ch, values, i));
  loop->in_callback = was_in_callback;
}

/* One lot at a time: who has caused it settles it before it goes on. */
static inline void note_unwanted(const weir_chan_t *ch, const void *values, size_t n,
                                 weir__due_t *due) {
  if (!ch->type.drop) return;
  assert(due->unwanted_count == 0);
  due->unwanted = values;
  due->unwanted_count = n;
  due->size = ch->type.size;
  due->drop = ch->type.drop;
}

WEIR__INLINE void copy_values(const weir_chan_t *ch, void *to, const void *from, size_t n) {
  weir__copy(to, from, n * ch->type.size);
}

/* Moves values to who receives them. */
WEIR__INLINE void deliver(const weir_chan_t *ch, void *to, const void *from, size_t n,
                          weir__due_t *due) {
  if (to)
    copy_values(ch, to, from, n);
  else if (due)
    note_unwanted(ch, from, n, due);
  else
    drop_values(ch, from, n);
}

static inline size_t min_size(size_t a, size_t b) {
  return a < b ? a : b;
}

/* the ring */

static inline unsigned char *slot(weir_chan_t *ch, size_t index) {
  return ch->slots + index * ch->type.size;
}

/* Where the value `offset` places after the first one is. */
static inline size_t ring_index(const weir_chan_t *ch, size_t offset) {
  size_t index = ch->head + offset;

  return index < ch->capacity ? index : index - ch->capacity;
}

/* The n values must have room. They may wrap round the end of the ring. */
static inline void ring_put(weir_chan_t *ch, const void *values, size_t n) {
  size_t tail = ring_index(ch, ch->length), first = min_size(n, ch->capacity - tail);

  copy_values(ch, slot(ch, tail), values, first);
  if (first < n) copy_values(ch, slot(ch, 0), value_at(ch, values, first), n - first);
  ch->length += (uint32_t)n;
}

/* The n values must be there. */
WEIR__INLINE void ring_take(weir_chan_t *ch, void *values, size_t n, weir__due_t *due) {
  size_t head = ch->head, first = min_size(n, ch->capacity - head);

  ch->head = (uint32_t)ring_index(ch, n);
  ch->length -= (uint32_t)n;
  deliver(ch, values, slot(ch, head), first, due);
  if (first < n)
    deliver(ch, values ? value_at(ch, values, first) : NULL, slot(ch, 0), n - first, due);
}

WEIR__INLINE void ring_put_one(weir_chan_t *ch, const void *value) {
  copy_values(ch, slot(ch, ring_index(ch, ch->length)), value, 1);
  ch->length++;
}

WEIR__INLINE void ring_take_one(weir_chan_t *ch, void *value, weir__due_t *due) {
  size_t head = ch->head;

  ch->head = (uint32_t)ring_index(ch, 1);
  ch->length--;
  deliver(ch, value, slot(ch, head), 1, due);
}

/* waiters */

/* Whether it waits at this channel alone, and is of a loop of this thread's: nobody else can be
 * about to claim it. */
WEIR__INLINE bool is_own(const weir_case_t *waiter, const weir__due_t *due) {
  const weir_op_t *op = waiter->op;

  return waiter == &op->u.wait && op->ctx && weir__scope(op)->loop == due->home;
}

/* Whether a waiter may happen: a claim, if another thread may make it happen. */
WEIR__INLINE bool claim(const weir_chan_t *ch, const weir_case_t *waiter, const weir__due_t *due) {
  weir_op_t *op = waiter->op;

  if (due ? is_own(waiter, due) : !ch->is_contended || !op->kind->is_contended) return true;
  return weir__op_claim(op, due ? WEIR__BUSY : WEIR__CLAIMED);
}

/* The first waiter that may happen; those that have happened elsewhere are taken out. */
WEIR__INLINE weir_case_t *first_waiter(const weir_chan_t *ch, weir__link_t *queue,
                                       const weir__due_t *due) {
  while (!weir__queue_empty(queue)) {
    weir_case_t *first = WEIR__CONTAINER(queue->next, weir_case_t, link);

    if (claim(ch, first, due)) return first;
    weir__unlink(&first->link);
  }
  return NULL;
}

/* Takes a waiter out and completes its operation, or notes that it has happened. */
WEIR__INLINE void complete(weir_chan_t *ch, weir_case_t *waiter, int status, weir__due_t *due) {
  weir_op_t *op = waiter->op;
  bool is_select = waiter != &op->u.wait;
  bool is_contended = (due || is_select) && op->kind->is_contended;

  weir__queue_take(&waiter->link);
  if (is_select) {
    waiter->link.next = NULL;
    op->kind->chosen(op, waiter);
  }
  if (is_contended) ch->waiting--;
  if (due && !is_own(waiter, due)) {
    weir__op_set_result(op, status);
    weir__op_set_state(op, WEIR__CLAIMED);
    weir__posts_add(&due->posts, &op->u.wait.post, weir__scope(op));
  } else {
    if (is_contended) op->kind->leave(op);
    weir__op_ready(op, status);
  }
}

/* Gives up to n values to a receiver; returns how many it took. */
WEIR__INLINE size_t give(weir_chan_t *ch, weir_case_t *receiver, const void *values, size_t n,
                         weir__due_t *due) {
  void *to = receiver->value;

  n = min_size(n, receiver->count);
  receiver->index = (uint32_t)n;
  complete(ch, receiver, 0, due);
  deliver(ch, to, values, n, due);
  return n;
}

/* Notes that n more values have moved. */
WEIR__INLINE void moved(const weir_chan_t *ch, weir_case_t *wait, size_t n) {
  wait->index += (uint32_t)n;
  wait->count -= (uint32_t)n & INT32_MAX;
  if (wait->count > 0 && wait->value) wait->value = value_at(ch, wait->value, n);
}

/* A sender got rid of n more values, which stay in place until its callback. */
WEIR__INLINE void sent(weir_chan_t *ch, weir_case_t *sender, size_t n, weir__due_t *due) {
  moved(ch, sender, n);
  if (sender->count == 0)
    complete(ch, sender, 0, due);
  else if (due && !is_own(sender, due))
    weir__op_unclaim(sender->op);
}

WEIR__INLINE size_t take_from(weir_chan_t *ch, weir_case_t *sender, void *values, size_t n,
                              weir__due_t *due) {
  const void *from = sender->value;

  n = min_size(n, sender->count);
  sent(ch, sender, n, due);
  deliver(ch, values, from, n, due);
  return n;
}

WEIR__INLINE void refill(weir_chan_t *ch, weir__due_t *due) {
  weir_case_t *sender;

  while (ch->length < ch->capacity && (sender = first_waiter(ch, &ch->senders, due))) {
    size_t n = min_size(ch->capacity - ch->length, sender->count);
    ring_put(ch, sender->value, n);
    sent(ch, sender, n, due);
  }
}

/*
 * The usual partner is simple: it waits at this channel alone, for one value more, on the loop of
 * the op at hand (which is armed), so that nobody else can be about to claim it. Completing it calls
 * nothing. The value is handed over after that, which may be a call.
 */

WEIR__INLINE bool is_simple(const weir_case_t *waiter, const weir_loop_t *loop, bool is_shared) {
  const weir_op_t *op = waiter->op;
  const weir__scope_t *scope = weir__scope(op);

  if (is_shared && (!scope || scope->loop != loop)) return false;
  return waiter == &op->u.wait && waiter->count == 1 && !scope->unreferenced;
}

/* Completes the first of those that wait, which is NULL if it is not simple. */
WEIR__INLINE weir_case_t *meet(weir_chan_t *ch, weir__link_t *partners, weir_loop_t *loop,
                               const void *value, bool is_send, bool is_shared) {
  weir_case_t *partner = WEIR__CONTAINER(partners->next, weir_case_t, link);

  if (!is_send && ch->length > 0) return NULL;
  if (!is_simple(partner, loop, is_shared)) return NULL;
  if (weir__chan_drops(ch, is_send ? partner->value : value)) return NULL;
  weir__queue_take(&partner->link);
  if (is_shared) {
    ch->waiting--;
    weir__inbox_awaited(loop);
  }
  partner->index++;
  weir__op_leave_scope(loop, partner->op);
  weir__op_queue(loop, partner->op, 0);
  return partner;
}

WEIR__INLINE void hand_over(const weir_chan_t *ch, const weir_case_t *partner, void *value,
                            bool is_send) {
  void *to = is_send ? partner->value : value;

  if (to) copy_values(ch, to, is_send ? value : partner->value, 1);
}

/* sending and receiving: each returns how many values moved */

WEIR__INLINE bool may_go_on(const weir__due_t *due) {
  return !due || due->unwanted_count == 0;
}

WEIR__INLINE size_t send_some(weir_chan_t *ch, const void *values, size_t n, weir__due_t *due) {
  size_t done = 0, room;
  weir_case_t *receiver;

  while (done < n && may_go_on(due) && (receiver = first_waiter(ch, &ch->receivers, due)))
    done += give(ch, receiver, value_at(ch, values, done), n - done, due);
  room = may_go_on(due) ? min_size(n - done, ch->capacity - ch->length) : 0;
  if (room > 0) ring_put(ch, value_at(ch, values, done), room);
  return done + room;
}

WEIR__INLINE size_t recv_some(weir_chan_t *ch, void *values, size_t max, weir__due_t *due) {
  size_t done = min_size(max, ch->length);
  weir_case_t *sender;

  if (done > 0) ring_take(ch, values, done, due);
  while (done < max && (sender = first_waiter(ch, &ch->senders, due)))
    done += take_from(ch, sender, values ? value_at(ch, values, done) : NULL, max - done, due);
  if (!weir__queue_empty(&ch->senders)) refill(ch, due);
  return done;
}

/* The same for one value, which is the usual case: what is left of it needs no arithmetic. */

WEIR__INLINE bool send_one(weir_chan_t *ch, const void *value, weir__due_t *due) {
  weir_case_t *receiver = first_waiter(ch, &ch->receivers, due);
  void *to;

  if (receiver) {
    to = receiver->value;
    receiver->index = 1;
    complete(ch, receiver, 0, due);
    deliver(ch, to, value, 1, due);
    return true;
  }
  if (ch->length == ch->capacity) return false;
  ring_put_one(ch, value);
  return true;
}

WEIR__INLINE bool recv_one(weir_chan_t *ch, void *value, weir__due_t *due) {
  weir_case_t *sender;

  if (ch->length > 0) {
    ring_take_one(ch, value, due);
    if (!weir__queue_empty(&ch->senders)) refill(ch, due);
    return true;
  }
  sender = first_waiter(ch, &ch->senders, due);
  if (sender) take_from(ch, sender, value, 1, due);
  return sender != NULL;
}

/*
 * A local channel is held while what nobody wants is dropped, which may own the last reference to
 * it.
 */
static inline size_t recv_held(weir_chan_t *ch, void *values, size_t max) {
  size_t done;

  weir__chan_hold(ch);
  done = recv_some(ch, values, max, NULL);
  weir__chan_let_go(ch);
  return done;
}

#endif
