/*
 * Channels.
 *
 * A channel is a ring of `capacity` values and two queues of waiters: operations by their own
 * `u.wait`, selects by each of their cases. Invariants:
 *
 *   A  receivers wait only while the ring is empty; senders only while it is full.
 *   B  unless a select waits for both on one channel, at most one of the queues is not empty.
 *   C  a closed channel has no waiters.
 *   D  a waiter in a queue is of a parked operation: whoever lets one of a select's cases happen
 *      takes its other cases out of their queues (`kind->chosen`) before anything else.
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
 * Closing hands receivers the status and zeroes their destinations, fails senders with UV_EPIPE,
 * then fires the watches. The last unref closes, drops what is buffered and frees; values that are
 * channels themselves are freed from a list of their own, not by recursion.
 */
#include "chan.h"

#include <string.h>

#include "ctx.h"
#include "mem.h"
#include "op.h"

static void release(weir_chan_t *ch);

/* values */

static void *value_at(const weir_chan_t *ch, const void *values, size_t index) {
  return (char *)(uintptr_t)values + index * ch->type.size;
}

/* As in a callback: contexts that the drop lets go of stay until the caller has done with them. */
static void drop_values(const weir_chan_t *ch, const void *values, size_t n) {
  weir_loop_t *loop = ch->loop;
  bool was_in_callback = loop->in_callback;

  if (!ch->type.drop) return;
  loop->in_callback = true;
  for (size_t i = 0; i < n; i++) ch->type.drop(value_at(ch, values, i));
  loop->in_callback = was_in_callback;
}

WEIR__INLINE void copy_values(const weir_chan_t *ch, void *to, const void *from, size_t n) {
  weir__copy(to, from, n * ch->type.size);
}

/* Moves values to who receives them. */
WEIR__INLINE void deliver(const weir_chan_t *ch, void *to, const void *from, size_t n) {
  if (to)
    copy_values(ch, to, from, n);
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
static void ring_put(weir_chan_t *ch, const void *values, size_t n) {
  size_t tail = ring_index(ch, ch->length), first = min_size(n, ch->capacity - tail);

  copy_values(ch, slot(ch, tail), values, first);
  if (first < n) copy_values(ch, slot(ch, 0), value_at(ch, values, first), n - first);
  ch->length += (uint32_t)n;
}

/* The n values must be there. */
static void ring_take(weir_chan_t *ch, void *values, size_t n) {
  size_t head = ch->head, first = min_size(n, ch->capacity - head);

  ch->head = (uint32_t)ring_index(ch, n);
  ch->length -= (uint32_t)n;
  deliver(ch, values, slot(ch, head), first);
  if (first < n) deliver(ch, values ? value_at(ch, values, first) : NULL, slot(ch, 0), n - first);
}

/* waiters */

WEIR__INLINE weir_case_t *first_waiter(weir__link_t *queue) {
  return weir__queue_empty(queue) ? NULL : WEIR__CONTAINER(queue->next, weir_case_t, link);
}

/* Takes a waiter out and completes its operation. */
WEIR__INLINE void complete(weir_case_t *waiter, int status) {
  weir_op_t *op = waiter->op;

  weir__queue_take(&waiter->link);
  if (waiter != &op->u.wait) op->kind->chosen(op, waiter);
  weir__op_ready(op, status);
}

/* Gives up to n values to a receiver; returns how many it took. */
static size_t give(weir_chan_t *ch, weir_case_t *receiver, const void *values, size_t n) {
  void *to = receiver->value;

  n = min_size(n, receiver->count);
  receiver->index = (uint32_t)n;
  complete(receiver, 0);
  deliver(ch, to, values, n);
  return n;
}

/* Notes that a sender got rid of n more values, which stay in place until its callback. */
WEIR__INLINE void sent(weir_case_t *sender, size_t n) {
  sender->index += (uint32_t)n;
  if (sender->index == sender->count) complete(sender, 0);
}

static size_t send_some(weir_chan_t *ch, const void *values, size_t n) {
  size_t done = 0, room;
  weir_case_t *receiver;

  while (done < n && (receiver = first_waiter(&ch->receivers)))
    done += give(ch, receiver, value_at(ch, values, done), n - done);
  room = min_size(n - done, ch->capacity - ch->length);
  if (room > 0) ring_put(ch, value_at(ch, values, done), room);
  return done + room;
}

WEIR__INLINE size_t take_from(weir_chan_t *ch, weir_case_t *sender, void *values, size_t n) {
  const void *from = value_at(ch, sender->value, sender->index);

  n = min_size(n, sender->count - sender->index);
  sent(sender, n);
  deliver(ch, values, from, n);
  return n;
}

static void refill(weir_chan_t *ch) {
  weir_case_t *sender;

  while (ch->length < ch->capacity && (sender = first_waiter(&ch->senders))) {
    size_t n = min_size(ch->capacity - ch->length, sender->count - sender->index);
    ring_put(ch, value_at(ch, sender->value, sender->index), n);
    sent(sender, n);
  }
}

static size_t recv_some(weir_chan_t *ch, void *values, size_t max) {
  size_t done = min_size(max, ch->length);
  weir_case_t *sender;

  if (done > 0) ring_take(ch, values, done);
  while (done < max && (sender = first_waiter(&ch->senders)))
    done += take_from(ch, sender, values ? value_at(ch, values, done) : NULL, max - done);
  if (!weir__queue_empty(&ch->senders)) refill(ch);
  return done;
}

/* A value that is dropped on the way may own the last reference to its channel. */

static void let_go(weir_chan_t *ch) {
  if (--ch->refs == 0) release(ch);
}

static size_t send_held(weir_chan_t *ch, const void *values, size_t n) {
  size_t done;

  ch->refs++;
  done = send_some(ch, values, n);
  let_go(ch);
  return done;
}

static size_t recv_held(weir_chan_t *ch, void *values, size_t max) {
  size_t done;

  ch->refs++;
  done = recv_some(ch, values, max);
  let_go(ch);
  return done;
}

/* The same for one value, which is the usual case: what is left of it needs no arithmetic. */

WEIR__INLINE bool send_one(weir_chan_t *ch, const void *value) {
  weir_case_t *receiver = first_waiter(&ch->receivers);
  void *to;

  if (receiver) {
    to = receiver->value;
    receiver->index = 1;
    complete(receiver, 0);
    deliver(ch, to, value, 1);
    return true;
  }
  if (ch->length == ch->capacity) return false;
  copy_values(ch, slot(ch, ring_index(ch, ch->length)), value, 1);
  ch->length++;
  return true;
}

WEIR__INLINE bool recv_one(weir_chan_t *ch, void *value) {
  weir_case_t *sender;
  size_t head = ch->head;

  if (!value) return recv_held(ch, NULL, 1);
  if (ch->length > 0) {
    ch->head = (uint32_t)ring_index(ch, 1);
    ch->length--;
    deliver(ch, value, slot(ch, head), 1);
    if (!weir__queue_empty(&ch->senders)) refill(ch);
    return true;
  }
  sender = first_waiter(&ch->senders);
  if (sender) take_from(ch, sender, value, 1);
  return sender != NULL;
}

int weir__chan_send_now(weir_chan_t *ch, const void *value) {
  if (ch->status) return UV_EPIPE;
  return send_one(ch, value) ? 0 : UV_EAGAIN;
}

static inline void zero_value(const weir_chan_t *ch, void *value) {
  if (value && ch->type.size > 0) memset(value, 0, ch->type.size);
}

int weir__chan_recv_now(weir_chan_t *ch, void *value) {
  if (recv_one(ch, value)) return 0;
  if (!ch->status) return UV_EAGAIN;
  zero_value(ch, value);
  return ch->status;
}

int weir_chan_try_send(weir_chan_t *ch, const void *value) {
  if (!ch) return UV_EAGAIN;
  return weir__chan_sendable(ch, value) ? weir__chan_send_now(ch, value) : UV_EINVAL;
}

int weir_chan_try_recv(weir_chan_t *ch, void *value) {
  return ch ? weir__chan_recv_now(ch, value) : UV_EAGAIN;
}

/* operations */

void weir__chan_print(const weir_chan_t *ch, FILE *out) {
  if (!ch)
    fprintf(out, "a NULL channel, which blocks for ever");
  else
    fprintf(out, "channel \"%s\" (%u/%u)", ch->type.name ? ch->type.name : "", ch->length,
            ch->capacity);
}

static void unpark(weir_op_t *op) {
  if (op->u.wait.chan) weir__queue_take(&op->u.wait.link);
}

static void describe(const weir_op_t *op, FILE *out) {
  fprintf(out, "on ");
  weir__chan_print(op->u.wait.chan, out);
}

static weir_case_t *only_case(weir_op_t *op, size_t *n) {
  *n = 1;
  return &op->u.wait;
}

#define CHAN_KIND(name)                                                                            \
  { .verb = name, .unpark = unpark, .describe = describe, .cases = only_case }
static const weir__kind_t send_kind = CHAN_KIND("send");
static const weir__kind_t recv_kind = CHAN_KIND("recv");
static const weir__kind_t send_many_kind = CHAN_KIND("send_many");
static const weir__kind_t recv_many_kind = CHAN_KIND("recv_many");

bool weir__chan_fits(const weir_op_t *op, const weir_chan_t *ch) {
  return op && op->ctx && (!ch || ch->loop == weir__scope(op)->loop);
}

/* Parks an op of which `done` of `count` values have gone. */
WEIR__INLINE void park(weir_op_t *op, const weir__kind_t *kind, weir_chan_t *ch, const void *values,
                       size_t done, size_t count, bool is_send) {
  weir_case_t *wait = &op->u.wait;

  wait->chan = ch;
  wait->value = (void *)(uintptr_t)values;
  wait->op = op;
  wait->index = (uint32_t)done;
  wait->count = (uint32_t)count & INT32_MAX;
  wait->is_send = is_send;
  if (ch) weir__chan_enqueue(ch, wait);
  weir__op_park(op, kind);
}

/*
 * Checks and starts a send of n values. Returns 0: the caller goes on with an open channel, or
 * NULL; else what the call returns, by weir__op_accepted.
 */
WEIR__INLINE int start_send(weir_op_t *op, weir_chan_t *ch, const void *values, size_t n,
                            weir_op_cb cb) {
  int started;

  if (!weir__chan_fits(op, ch) || (n > 0 && !weir__chan_sendable(ch, values))) return UV_EINVAL;
  started = weir__op_start(op, cb);
  if (started || !ch || !ch->status || n == 0) return started;
  weir__op_complete(op, UV_EPIPE, 0);
  return WEIR__COMPLETED;
}

WEIR__INLINE int start_recv(weir_op_t *op, weir_chan_t *ch, weir_op_cb cb) {
  return weir__chan_fits(op, ch) ? weir__op_start(op, cb) : UV_EINVAL;
}

int weir_chan_send(weir_op_t *op, weir_chan_t *ch, const void *value, weir_op_cb cb) {
  int started = start_send(op, ch, value, 1, cb);

  if (started) return weir__op_accepted(started);
  if (ch && send_one(ch, value)) {
    weir__op_complete(op, 0, 1);
  } else {
    park(op, &send_kind, ch, value, 0, 1, true);
  }
  return 0;
}

int weir_chan_recv(weir_op_t *op, weir_chan_t *ch, void *value, weir_op_cb cb) {
  int started = start_recv(op, ch, cb);

  if (started) return weir__op_accepted(started);
  if (ch && recv_one(ch, value)) {
    weir__op_complete(op, 0, 1);
  } else if (ch && ch->status) {
    zero_value(ch, value);
    weir__op_complete(op, ch->status, 0);
  } else {
    park(op, &recv_kind, ch, value, 0, 1, false);
  }
  return 0;
}

int weir_chan_send_many(weir_op_t *op, weir_chan_t *ch, const void *values, size_t n,
                        weir_op_cb cb) {
  int started = n > INT32_MAX ? UV_EINVAL : start_send(op, ch, values, n, cb);
  size_t done = 0;

  if (started) return weir__op_accepted(started);
  if (ch) done = send_held(ch, values, n);
  if (done == n)
    weir__op_complete(op, 0, done);
  else
    park(op, &send_many_kind, ch, values, done, n, true);
  return 0;
}

int weir_chan_recv_many(weir_op_t *op, weir_chan_t *ch, void *values, size_t max, weir_op_cb cb) {
  int started = start_recv(op, ch, cb);
  size_t done = 0;

  if (started) return weir__op_accepted(started);
  max = min_size(max, INT32_MAX);
  if (ch) done = recv_held(ch, values, max);
  if (done > 0 || max == 0)
    weir__op_complete(op, 0, done);
  else if (ch && ch->status)
    weir__op_complete(op, ch->status, 0);
  else
    park(op, &recv_many_kind, ch, values, 0, max, false);
  return 0;
}

/* closing */

static void close_receivers(weir_chan_t *ch) {
  weir_case_t *receiver;

  while ((receiver = first_waiter(&ch->receivers))) {
    if (receiver->op->kind != &recv_many_kind) zero_value(ch, receiver->value);
    complete(receiver, ch->status);
  }
}

static void fail_senders(weir_chan_t *ch) {
  weir_case_t *sender;

  while ((sender = first_waiter(&ch->senders))) complete(sender, UV_EPIPE);
}

static void fire_watches(weir_chan_t *ch) {
  weir__link_t *link;

  while ((link = weir__queue_pop(&ch->watches))) {
    weir__watch_t *watch = WEIR__CONTAINER(link, weir__watch_t, link);
    watch->fire(watch);
  }
}

void weir__chan_watch(weir_chan_t *ch, weir__watch_t *watch) {
  weir__queue_put(&ch->watches, &watch->link);
}

void weir_chan_set_producer(weir_chan_t *ch, weir_ctx_t *scope) {
  weir_ctx_t *before;

  if (!ch) return;
  before = ch->producer;
  ch->producer = ch->status ? NULL : weir_ctx_ref(scope);
  weir_ctx_unref(before);
}

int weir_chan_close(weir_chan_t *ch) {
  return weir_chan_close_with(ch, UV_EOF);
}

static void close_now(weir_chan_t *ch, int status) {
  ch->status = status;
  close_receivers(ch);
  fail_senders(ch);
  fire_watches(ch);
  weir_chan_set_producer(ch, NULL);
}

int weir_chan_close_with(weir_chan_t *ch, int status) {
  if (!ch || status >= 0) return UV_EINVAL;
  if (ch->status) return UV_EALREADY;
  ch->refs++; /* a watch may drop what was the last reference */
  close_now(ch, status);
  let_go(ch);
  return 0;
}

/* life */

weir_chan_t *weir_chan_new(weir_loop_t *loop, const weir_type_t *type, size_t capacity) {
  size_t size = type ? type->size : 0;
  weir_chan_t *ch;

  if (!loop || capacity > UINT32_MAX) return NULL;
  if (size > 0 && capacity > (SIZE_MAX - sizeof(*ch)) / size) return NULL;
  ch = weir__malloc(sizeof(*ch) + capacity * size);
  if (!ch) return NULL;
  *ch = (weir_chan_t){.loop = loop, .refs = 1, .capacity = (uint32_t)capacity};
  if (type) ch->type = *type;
  weir__queue_init(&ch->receivers);
  weir__queue_init(&ch->senders);
  weir__queue_init(&ch->watches);
  weir__queue_push(&loop->channels, &ch->link);
  loop->channel_count++;
  loop->refs++;
  return ch;
}

weir_chan_t *weir_chan_ref(weir_chan_t *ch) {
  if (ch) ch->refs++;
  return ch;
}

static void chan_free(weir_chan_t *ch) {
  weir_loop_t *loop = ch->loop;

  if (!ch->status) close_now(ch, UV_EOF);
  if (ch->type.drop)
    while (ch->length > 0) ring_take(ch, NULL, 1);
  loop->channel_count--;
  weir__free(ch);
  weir__loop_unref(loop);
}

/* A channel freed while another is being freed waits for its turn. */
static void release(weir_chan_t *ch) {
  static _Thread_local weir__link_t dying;
  static _Thread_local bool is_freeing;
  weir__link_t *link;

  if (!is_freeing) weir__queue_init(&dying);
  weir__unlink(&ch->link);
  weir__queue_push(&dying, &ch->link);
  if (is_freeing) return;
  is_freeing = true;
  while ((link = weir__queue_pop(&dying))) chan_free(WEIR__CONTAINER(link, weir_chan_t, link));
  is_freeing = false;
}

void weir_chan_unref(weir_chan_t *ch) {
  weir_ctx_t *scope;

  if (!ch) return;
  if (--ch->refs == 0) {
    release(ch);
  } else if (ch->refs == 1 && (scope = ch->producer)) {
    ch->producer = NULL;
    weir_ctx_cancel(scope);
    weir_ctx_unref(scope);
  }
}

static void chan_value_drop(void *value) {
  weir_chan_unref(*(weir_chan_t **)value);
}

static int chan_value_copy(void *dst, const void *src) {
  *(weir_chan_t **)dst = weir_chan_ref(*(weir_chan_t *const *)src);
  return 0;
}

const weir_type_t weir_type_chan = {sizeof(weir_chan_t *), chan_value_drop, chan_value_copy,
                                    "weir_chan_t *"};

/* asking */

size_t weir_chan_len(const weir_chan_t *ch) {
  return ch ? ch->length : 0;
}

size_t weir_chan_cap(const weir_chan_t *ch) {
  return ch ? ch->capacity : 0;
}

bool weir_chan_closed(const weir_chan_t *ch) {
  return ch && ch->status;
}

void weir_chan_set_name(weir_chan_t *ch, const char *name) {
  if (ch) ch->type.name = name;
}
