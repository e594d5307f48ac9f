/* Channels, and what select, range, timers and blocked threads need of them. */
#ifndef WEIR_LIB_CHAN_H
#define WEIR_LIB_CHAN_H

#include <stdio.h>

#include <weir/chan.h>

#include "inbox.h"
#include "mem.h"
#include "op.h"

/* Told when a channel closes; not a receiver. */
typedef struct weir__watch_s weir__watch_t;
struct weir__watch_s {
  weir__link_t link;
  /* `posts`: where to add what is to be done, under the lock of a shared channel; else NULL */
  void (*fire)(weir__watch_t *watch, weir__posts_t *posts);
};

/* What a value that passes needs comes first. */
struct weir_chan_s {
  weir_loop_t *loop; /* NULL: it is shared */
  weir__lock_t lock; /* of a shared one, held for all that follows */
  bool
      is_contended; /* other threads may make its waiters happen: at it, or in a select elsewhere */
  bool is_dead;     /* without references, closed and empty */
  int status;       /* what receives end with, once closed; 0 while open */
  uint32_t capacity, length, head;
  uint32_t refs;
  weir__link_t receivers; /* parked, by u.wait.link or a case's link */
  weir__link_t senders;
  weir_type_t type; /* its name is the channel's */
  weir__link_t watches;
  weir_ctx_t *producer; /* cancelled when only the producer's reference is left */
  weir__link_t link;    /* in the loop's channels */
  weir_chan_t *next_dying;
  uint32_t waiting; /* contended waiters that will yet use it: they keep its memory */
  _Alignas(max_align_t) unsigned char slots[]; /* a ring of `capacity` values */
};

static inline bool weir__is_shared(const weir_chan_t *ch) {
  return ch && !ch->loop;
}

static inline void weir__chan_lock(weir_chan_t *ch) {
  if (!ch->loop) weir__lock(&ch->lock);
}

static inline void weir__chan_unlock(weir_chan_t *ch) {
  if (!ch->loop) weir__unlock(&ch->lock);
}

/*
 * What happens under the lock of a shared channel leaves this to be done after it: operations that
 * have happened, which are posted, and values that nobody wants, which are dropped.
 */
enum { WEIR__BOUNCE = 256 };
typedef struct weir__due_s {
  weir_loop_t *home; /* of this thread's, or NULL: its operations need no post */
  weir__posts_t posts;
  const void *unwanted;
  size_t unwanted_count, size;
  void (*drop)(void *value);
  void *bounce; /* where a value goes that is received into NULL */
  _Alignas(max_align_t) unsigned char room[WEIR__BOUNCE];
} weir__due_t;

/* Finds room for a value of `size` bytes that is too large for `room`. */
int weir__due_allocate(weir__due_t *due, size_t size);

/* Prepares for receives into NULL of values of up to `size` bytes: 0 or UV_ENOMEM. */
static inline int weir__due_init(weir__due_t *due, weir_loop_t *home, size_t size) {
  due->home = home;
  due->posts.first = NULL;
  due->unwanted_count = 0;
  due->bounce = due->room;
  return size > sizeof(due->room) ? weir__due_allocate(due, size) : 0;
}

static inline void weir__due_free(weir__due_t *due) {
  if (due->bounce != due->room) weir__free(due->bounce);
}

/* Does what is due. */
void weir__due_do(weir__due_t *due);
static inline void weir__due_settle(weir__due_t *due) {
  if (due->posts.first || due->unwanted_count > 0) weir__due_do(due);
}

/* Whether nobody wants the values of a receive to there, and they have to be dropped. */
static inline bool weir__chan_drops(const weir_chan_t *ch, const void *value) {
  return !value && ch->type.drop;
}

/* Whether a waiter is left in a contended queue that may still happen; takes the others out. */
bool weir__chan_has_live_waiter(weir__link_t *queue);

static inline bool weir__chan_has_waiter(const weir_chan_t *ch, weir__link_t *queue) {
  if (weir__queue_empty(queue)) return false;
  return !ch->is_contended || weir__chan_has_live_waiter(queue);
}

/* Whether a send or a receive would happen, or fail, at once. */
static inline bool weir__chan_can_send(weir_chan_t *ch) {
  return ch->length < ch->capacity || ch->status || weir__chan_has_waiter(ch, &ch->receivers);
}

static inline bool weir__chan_can_recv(weir_chan_t *ch) {
  return ch->length > 0 || ch->status || weir__chan_has_waiter(ch, &ch->senders);
}

/* Neither done nor over: positive, since a channel may be closed with any negative status. */
enum { WEIR__NOT_YET = 1 };

/* What a public call that does not wait returns. */
static inline int weir__chan_tried(int status) {
  return status == WEIR__NOT_YET ? UV_EAGAIN : status;
}

/*
 * Sends or receives one value at once: 0, WEIR__NOT_YET, or the status of a closed channel. `due`: NULL
 * if no lock is held.
 */
int weir__chan_send_now(weir_chan_t *ch, const void *value, weir__due_t *due);
int weir__chan_recv_now(weir_chan_t *ch, void *value, weir__due_t *due);

/*
 * Lets a waiter of a shared channel (or NULL), all of whose fields are set, have what it waits for:
 * 0, or how it ends. WEIR__NOT_YET: it waits, `park` has been called under the lock and someone else
 * will complete its op; without a `park`, it does not. UV_ENOMEM: nothing has happened.
 */
int weir__chan_transfer(weir_case_t *wait, weir_loop_t *home, void (*park)(weir_op_t *op));

/*
 * The usual case of a shared buffer: there is room, or a value, and nobody waits. No more than the
 * lock and the copy. False: it is not that.
 */
bool weir__chan_at_once(weir_chan_t *ch, const void *value, bool is_send);

/* Whether an operation of `op` on the channel is allowed, and has the value it needs to send. */
bool weir__chan_fits(const weir_op_t *op, const weir_chan_t *ch);
static inline bool weir__chan_sendable(const weir_chan_t *ch, const void *value) {
  return value || !ch || ch->type.size == 0;
}

/* Lines a waiter up at a channel. */
static inline void weir__chan_enqueue(weir_chan_t *ch, weir_case_t *waiter) {
  weir__queue_put(waiter->is_send ? &ch->senders : &ch->receivers, &waiter->link);
}

/* The same for one that other threads may make happen, there or elsewhere. */
static inline void weir__chan_enqueue_contended(weir_chan_t *ch, weir_case_t *waiter) {
  weir__chan_enqueue(ch, waiter);
  ch->waiting++;
}

/* Takes such a waiter, of a claimed op, out of a channel where it has not happened. */
void weir__chan_withdraw(weir_case_t *waiter);

/* A hold on a local channel while a value is dropped, which may own the last reference to it. */
static inline void weir__chan_hold(weir_chan_t *ch) {
  ch->refs++;
}
void weir__chan_let_go(weir_chan_t *ch);

/* Watches for the close; the watch is unlinked when it fires. False: it is closed already. */
bool weir__chan_watch(weir_chan_t *ch, weir__watch_t *watch);
void weir__chan_unwatch(weir_chan_t *ch, weir__watch_t *watch);

/* `"name" (length/capacity)` of what a parked op waits at, for dumps; NULL has a name too. */
void weir__chan_print(weir_op_t *op, weir_chan_t *ch, FILE *out);

#endif
