/* Channels, and what select, range and timers need of them. */
#ifndef WEIR_LIB_CHAN_H
#define WEIR_LIB_CHAN_H

#include <stdio.h>

#include <weir/chan.h>

#include "loop.h"

/* Told when a channel closes; not a receiver. */
typedef struct weir__watch_s weir__watch_t;
struct weir__watch_s {
  weir__link_t link;
  void (*fire)(weir__watch_t *watch);
};

struct weir_chan_s {
  weir_loop_t *loop;
  uint32_t refs;
  int status; /* what receives end with, once closed; 0 while open */
  uint32_t capacity, length, head;
  weir_type_t type;       /* its name is the channel's */
  weir__link_t receivers; /* parked, by u.wait.link or a case's link */
  weir__link_t senders;
  weir__link_t watches;
  weir_ctx_t *producer; /* cancelled when only the producer's reference is left */
  weir__link_t link;    /* in the loop's channels */
  _Alignas(max_align_t) unsigned char slots[]; /* a ring of `capacity` values */
};

/* Whether a send or a receive would happen, or fail, at once. */
static inline bool weir__chan_can_send(const weir_chan_t *ch) {
  return ch->length < ch->capacity || !weir__queue_empty(&ch->receivers) || ch->status;
}

static inline bool weir__chan_can_recv(const weir_chan_t *ch) {
  return ch->length > 0 || !weir__queue_empty(&ch->senders) || ch->status;
}

/* Sends or receives one value at once: 0, UV_EAGAIN, or the status of a closed channel. */
int weir__chan_send_now(weir_chan_t *ch, const void *value);
int weir__chan_recv_now(weir_chan_t *ch, void *value);

/* Whether an operation of `op` on the channel is allowed, and has the value it needs to send. */
bool weir__chan_fits(const weir_op_t *op, const weir_chan_t *ch);
static inline bool weir__chan_sendable(const weir_chan_t *ch, const void *value) {
  return value || !ch || ch->type.size == 0;
}

/* Lines a waiter up at a channel. */
static inline void weir__chan_enqueue(weir_chan_t *ch, weir_case_t *waiter) {
  weir__queue_put(waiter->is_send ? &ch->senders : &ch->receivers, &waiter->link);
}

/* Watches for the close; the watch is unlinked when it fires. */
void weir__chan_watch(weir_chan_t *ch, weir__watch_t *watch);

/* `"name" (length/capacity)` for dumps; NULL has a name too. */
void weir__chan_print(const weir_chan_t *ch, FILE *out);

#endif
