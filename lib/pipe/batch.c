/*
 * weir_pipe_batch.
 *
 *   1. collect  Receive what is there, into the stage's own room. With the first value of a batch
 *               its timer starts, a second operation.
 *   2. due      The timer takes the receive back, unless that has happened and its callback is
 *               about to come. Either way the callback finds that the batch is due.
 *   3. flush    A batch that is full or due, and what is left at the end, goes to memory of its own
 *               and is sent. A timer that still runs is cancelled first: its callback comes before
 *               that of the send, which is later in the run queue.
 *
 * At the end of the input the timer may be pending: then the stage ends in the timer's callback.
 */
#include <stdalign.h>

#include "../mem.h"
#include "stage.h"

/* batches */

/* Before the values of a batch. */
typedef struct block_s {
  weir_type_t type;
  alignas(max_align_t) unsigned char values[];
} block_t;

static block_t *block_of(const weir_batch_t *batch) {
  return (block_t *)((char *)batch->values - offsetof(block_t, values));
}

static block_t *block_new(const weir_type_t *type, size_t n) {
  block_t *block = weir__malloc(sizeof(*block) + n * type->size);

  if (block) block->type = *type;
  return block;
}

void weir_batch_free(weir_batch_t *batch) {
  block_t *block;

  if (!batch || !batch->values) return;
  block = block_of(batch);
  weir__values_drop(&block->type, batch->values, batch->count);
  *batch = (weir_batch_t){NULL, 0};
  weir__free(block);
}

static void batch_drop(void *value) {
  weir_batch_free(value);
}

static int copy_values(weir_batch_t *to, const weir_batch_t *from, const weir_type_t *type) {
  for (; to->count < from->count; to->count++) {
    size_t offset = to->count * type->size;
    int err = weir__value_copy(type, (char *)to->values + offset, (char *)from->values + offset);
    if (err) return err;
  }
  return 0;
}

static int batch_copy(void *dst, const void *src) {
  const weir_batch_t *from = src;
  weir_batch_t *to = dst;
  block_t *block;
  int err;

  *to = (weir_batch_t){NULL, 0};
  if (!from->values) return 0;
  block = block_new(&block_of(from)->type, from->count);
  if (!block) return UV_ENOMEM;
  to->values = block->values;
  err = copy_values(to, from, &block->type);
  if (err) weir_batch_free(to);
  return err;
}

/* the stage */

typedef struct collector_s {
  weir__stage_t stage;
  weir_op_t op; /* receives, then sends */
  weir_op_t timer;
  size_t max, count;
  uint64_t ms;
  bool is_collecting;
  bool is_due;        /* the timer has fired */
  bool is_taken_back; /* and has taken the receive back */
  bool has_ended;     /* but for the callback of the timer */
  int end;            /* how the stream ends after the batch in hand; 0: it goes on */
  weir_batch_t batch; /* being sent */
  char *values;       /* collected */
} collector_t;

static const weir_type_t *type_of(const collector_t *self) {
  return weir_chan_type(self->stage.in);
}

static void end(collector_t *self, int status) {
  self->end = status;
  self->has_ended = true;
  if (weir_op_pending(&self->timer))
    weir_op_cancel(&self->timer);
  else
    weir__stage_end(&self->stage, status);
}

static void on_timer(weir_op_t *op, int status) {
  collector_t *self = op->data;

  if (self->has_ended) {
    weir__stage_end(&self->stage, self->end);
  } else if (!status && self->is_collecting) {
    self->is_due = true;
    self->is_taken_back = weir_op_cancel(&self->op) == 0;
  }
}

static void on_received(weir_op_t *op, int status);

static int collect(collector_t *self) {
  char *room = self->values + self->count * type_of(self)->size;

  self->is_collecting = true;
  return weir_chan_recv_many(&self->op, self->stage.in, room, self->max - self->count, on_received);
}

static void on_sent(weir_op_t *op, int status) {
  collector_t *self = op->data;

  if (!status) {
    self->batch = (weir_batch_t){NULL, 0};
    status = self->end;
  }
  if (!status) status = collect(self);
  if (status) end(self, status);
}

static int fill(weir_batch_t *batch, collector_t *self) {
  const weir_type_t *type = type_of(self);
  block_t *block = block_new(type, self->count);

  if (!block) return UV_ENOMEM;
  weir__copy(block->values, self->values, self->count * type->size);
  *batch = (weir_batch_t){block->values, self->count};
  self->count = 0;
  return 0;
}

static void flush(collector_t *self) {
  int err;

  self->is_collecting = self->is_due = false;
  weir_op_cancel(&self->timer);
  err = fill(&self->batch, self);
  if (!err) err = weir_chan_send(&self->op, self->stage.out, &self->batch, on_sent);
  if (err) end(self, err);
}

/* The first value of a batch starts its timer. */
static void add(collector_t *self, size_t count) {
  bool is_first = self->count == 0;
  int err = 0;

  self->count += count;
  if (self->count == self->max || self->is_due || self->ms == 0) {
    flush(self);
    return;
  }
  if (is_first && self->ms < UINT64_MAX) err = weir_sleep(&self->timer, self->ms, on_timer);
  if (!err) err = collect(self);
  if (err) end(self, err);
}

static void on_received(weir_op_t *op, int status) {
  collector_t *self = op->data;
  bool is_taken_back = self->is_taken_back;
  int err = weir_ctx_err(self->stage.ctx);

  self->is_taken_back = false;
  if (!status) {
    add(self, weir_op_index(op));
    return;
  }
  if (!is_taken_back) self->end = status;
  if (self->count == 0)
    end(self, status);
  else if (err)
    end(self, err);
  else
    flush(self);
}

static void release(weir__stage_t *stage) {
  collector_t *self = (collector_t *)stage;

  weir_batch_free(&self->batch);
  weir__values_drop(type_of(self), self->values, self->count);
}

weir_chan_t *weir_pipe_batch(weir_ctx_t *ctx, weir_chan_t *in, size_t max, uint64_t ms) {
  bool is_copyable = weir__is_copyable(weir_chan_type(in));
  weir_type_t type = {sizeof(weir_batch_t), batch_drop, is_copyable ? batch_copy : NULL, "batch"};
  size_t size = in && max > 0 ? weir__room(sizeof(collector_t), weir_chan_type(in), max) : 0;
  collector_t *self = weir__stage_new(ctx, in, &type, 0, size);

  if (!self) return NULL;
  self->stage.release = release;
  self->max = max;
  self->ms = ms;
  self->values = weir__room_at(self, sizeof(*self));
  weir_op_init_at(&self->op, self->stage.ctx, "weir_pipe_batch");
  weir_op_init_at(&self->timer, self->stage.ctx, "weir_pipe_batch");
  self->op.data = self->timer.data = self;
  return weir__stage_started(&self->stage, collect(self));
}
