/*
 * Closing a channel, and its life.
 *
 * Closing hands receivers the status and zeroes their destinations, fails senders with UV_EPIPE,
 * then fires the watches. The last unref closes, drops what is buffered and frees; values that are
 * channels themselves are freed from a list of their own, not by recursion.
 */
#include <string.h>

#include <weir/ctx.h>

#include "mem.h"
#include "transfer.h"

/* closing */

static void close_receivers(weir_chan_t *ch, weir__due_t *due) {
  weir_case_t *receiver;

  while ((receiver = first_waiter(ch, &ch->receivers, due))) {
    if (receiver->value && ch->type.size > 0 && !receiver->op->kind->keeps_destination)
      memset(receiver->value, 0, ch->type.size);
    complete(ch, receiver, ch->status, due);
  }
}

static void fail_senders(weir_chan_t *ch, weir__due_t *due) {
  weir_case_t *sender;

  while ((sender = first_waiter(ch, &ch->senders, due))) complete(ch, sender, UV_EPIPE, due);
}

static void fire_watches(weir_chan_t *ch, weir__posts_t *posts) {
  weir__link_t *link;

  while ((link = weir__queue_pop(&ch->watches))) {
    weir__watch_t *watch = WEIR__CONTAINER(link, weir__watch_t, link);
    watch->fire(watch, posts);
  }
}

static void close_now(weir_chan_t *ch, int status, weir__due_t *due) {
  ch->status = status;
  close_receivers(ch, due);
  fail_senders(ch, due);
  fire_watches(ch, due ? &due->posts : NULL);
}

static weir_ctx_t *take_producer(weir_chan_t *ch) {
  weir_ctx_t *producer = ch->producer;

  ch->producer = NULL;
  return producer;
}

static int close_local(weir_chan_t *ch, int status) {
  weir__loop_adopt(ch->loop);
  weir__chan_hold(ch); /* a watch may drop what was the last reference */
  close_now(ch, status, NULL);
  weir_ctx_unref(take_producer(ch));
  weir__chan_let_go(ch);
  return 0;
}

static int close_shared(weir_chan_t *ch, int status) {
  weir_ctx_t *producer = NULL;
  weir__due_t due;
  int err;

  weir__due_init(&due, NULL, 0);
  weir__lock(&ch->lock);
  err = ch->status ? UV_EALREADY : 0;
  if (!err) {
    close_now(ch, status, &due);
    producer = take_producer(ch);
  }
  weir__unlock(&ch->lock);
  weir__due_settle(&due);
  weir_ctx_unref(producer);
  return err;
}

int weir_chan_close(weir_chan_t *ch) {
  return weir_chan_close_with(ch, UV_EOF);
}

int weir_chan_close_with(weir_chan_t *ch, int status) {
  if (!ch || status >= 0) return UV_EINVAL;
  if (!ch->loop) return close_shared(ch, status);
  return ch->status ? UV_EALREADY : close_local(ch, status);
}

bool weir__chan_watch(weir_chan_t *ch, weir__watch_t *watch) {
  bool is_open;

  weir__chan_lock(ch);
  is_open = !ch->status;
  if (is_open) weir__queue_push(&ch->watches, &watch->link);
  weir__chan_unlock(ch);
  return is_open;
}

void weir__chan_unwatch(weir_chan_t *ch, weir__watch_t *watch) {
  weir__chan_lock(ch);
  if (weir__linked(&watch->link)) weir__unlink(&watch->link);
  weir__chan_unlock(ch);
}

/* making */

/* Field by field, as weir__ctx_init. */
static void init(weir_chan_t *ch, const weir_type_t *type, uint32_t capacity) {
  static const weir_type_t signal = {0};

  ch->loop = NULL;
  atomic_init(&ch->lock.held, false);
  ch->is_contended = ch->is_dead = false;
  ch->status = 0;
  ch->capacity = capacity;
  ch->length = ch->head = 0;
  ch->refs = 1;
  weir__queue_init(&ch->receivers);
  weir__queue_init(&ch->senders);
  ch->type = type ? *type : signal;
  weir__queue_init(&ch->watches);
  ch->producer = NULL;
  ch->link.next = NULL;
  ch->waiting = 0;
}

static weir_chan_t *chan_new(const weir_type_t *type, size_t capacity) {
  size_t size = type ? type->size : 0;
  weir_chan_t *ch;

  if (capacity > UINT32_MAX) return NULL;
  if (size > 0 && capacity > (SIZE_MAX - sizeof(*ch)) / size) return NULL;
  ch = weir__malloc(sizeof(*ch) + capacity * size);
  if (!ch) return NULL;
  init(ch, type, (uint32_t)capacity);
  return ch;
}

weir_chan_t *weir_chan_new(weir_loop_t *loop, const weir_type_t *type, size_t capacity) {
  weir_chan_t *ch = loop ? chan_new(type, capacity) : NULL;

  if (!ch) return NULL;
  weir__loop_adopt(loop);
  ch->loop = loop;
  weir__queue_push(&loop->channels, &ch->link);
  loop->channel_count++;
  loop->refs++;
  return ch;
}

weir_chan_t *weir_chan_new_shared(const weir_type_t *type, size_t capacity) {
  weir_chan_t *ch = chan_new(type, capacity);

  if (ch) ch->is_contended = true;
  return ch;
}

/* freeing */

static void drop_buffered(weir_chan_t *ch) {
  if (!ch->type.drop) return;
  for (; ch->length > 0; ch->length--) {
    ch->type.drop(slot(ch, ch->head));
    ch->head = (uint32_t)ring_index(ch, 1);
  }
}

static void close_local_now(weir_chan_t *ch) {
  weir_loop_t *before;

  weir__loop_adopt(ch->loop);
  weir__loop_enter(ch->loop, &before);
  if (!ch->status) close_now(ch, UV_EOF, NULL);
  weir__loop_leave(ch->loop, before);
}

static void leave_loop(weir_chan_t *ch) {
  weir_loop_t *loop = ch->loop, *before;

  weir__loop_enter(loop, &before);
  weir__unlink(&ch->link);
  loop->channel_count--;
  loop->refs--;
  weir__loop_leave(loop, before);
}

/* The drops run outside of visits, but as in a callback: contexts that they let go of stay
 * a while. */
static void free_local(weir_chan_t *ch) {
  weir_loop_t *loop = ch->loop;
  bool hides = !loop->closed && !loop->in_callback;

  if (hides) loop->in_callback = true;
  close_local_now(ch);
  weir_ctx_unref(take_producer(ch));
  drop_buffered(ch);
  if (hides) loop->in_callback = false;
  leave_loop(ch);
}

static void free_shared(weir_chan_t *ch) {
  close_shared(ch, UV_EOF);
  drop_buffered(ch);
}

/* Waiters that have happened elsewhere may still be on their way out. */
static void chan_free(weir_chan_t *ch) {
  bool is_last;

  if (ch->loop)
    free_local(ch);
  else
    free_shared(ch);
  weir__chan_lock(ch);
  ch->is_dead = true;
  is_last = ch->waiting == 0;
  weir__chan_unlock(ch);
  if (is_last) weir__free(ch);
}

/* A channel freed while another is being freed waits for its turn. */
static void release(weir_chan_t *ch) {
  static _Thread_local weir_chan_t *dying;
  static _Thread_local bool is_freeing;

  ch->next_dying = dying;
  dying = ch;
  if (is_freeing) return;
  is_freeing = true;
  while ((ch = dying)) {
    dying = ch->next_dying;
    chan_free(ch);
  }
  is_freeing = false;
}

/* references */

weir_chan_t *weir_chan_ref(weir_chan_t *ch) {
  if (!ch) return NULL;
  weir__chan_lock(ch);
  ch->refs++;
  weir__chan_unlock(ch);
  return ch;
}

void weir__chan_let_go(weir_chan_t *ch) {
  if (--ch->refs == 0) release(ch);
}

void weir_chan_unref(weir_chan_t *ch) {
  weir_ctx_t *scope = NULL;
  bool is_last;

  if (!ch) return;
  weir__chan_lock(ch);
  is_last = --ch->refs == 0;
  if (ch->refs == 1) scope = take_producer(ch);
  weir__chan_unlock(ch);
  if (is_last) release(ch);
  weir_ctx_cancel(scope);
  weir_ctx_unref(scope);
}

void weir_chan_set_producer(weir_chan_t *ch, weir_ctx_t *scope) {
  weir_ctx_t *before;

  if (!ch) return;
  weir__chan_lock(ch);
  before = take_producer(ch);
  if (!ch->status) ch->producer = weir_ctx_ref(scope);
  weir__chan_unlock(ch);
  weir_ctx_unref(before);
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

static weir_chan_t *locked(const weir_chan_t *ch) {
  weir_chan_t *self = (weir_chan_t *)(uintptr_t)ch;

  weir__chan_lock(self);
  return self;
}

size_t weir_chan_len(const weir_chan_t *ch) {
  size_t length;

  if (!ch) return 0;
  length = locked(ch)->length;
  weir__chan_unlock((weir_chan_t *)(uintptr_t)ch);
  return length;
}

size_t weir_chan_cap(const weir_chan_t *ch) {
  return ch ? ch->capacity : 0;
}

const weir_type_t *weir_chan_type(const weir_chan_t *ch) {
  return ch ? &ch->type : NULL;
}

weir_loop_t *weir_chan_loop(const weir_chan_t *ch) {
  return ch ? ch->loop : NULL;
}

bool weir_chan_closed(const weir_chan_t *ch) {
  bool is_closed;

  if (!ch) return false;
  is_closed = locked(ch)->status != 0;
  weir__chan_unlock((weir_chan_t *)(uintptr_t)ch);
  return is_closed;
}

void weir_chan_set_name(weir_chan_t *ch, const char *name) {
  if (!ch) return;
  weir__chan_lock(ch);
  ch->type.name = name;
  weir__chan_unlock(ch);
}
