/*
 * weir_pipe_async. A slot for each value in hand: idle, out (with the user, from start to done), or
 * sending.
 *
 *   1. take     While a slot is idle, one operation receives into it, and it goes out.
 *   2. done     Unordered, its turn comes at once; ordered, when all before it have had theirs.
 *   3. turn     The result is sent by an operation of the slot's own; those that wait at the output
 *               do so in the order of their turns. Or it is nothing, or it ends the stream.
 *   4. drain    At the end of the input those that are out still have their turns.
 *   5. cut      A cancellation, or a result that ends the stream: nothing has its turn any more.
 *               What is being sent still goes, unless it is cancelled, too.
 *   6. close    The output is closed when nothing can be sent any more, and the stage's context is
 *               cancelled. Slots that are out may outlive that: the last one frees the stage.
 */
#include "async.h"

#include "../watch.h"

typedef struct async_s async_t;

struct weir_slot_s {
  weir_op_t op; /* sends; first, so that its callback finds the slot */
  async_t *stage;
  weir_slot_t *next; /* idle; or in the order of the input */
  void *in, *out;
  bool is_done;
  int result; /* 0: to be sent; > 0: nothing; < 0: ends the stream */
};

struct async_s {
  weir__stage_t stage;
  weir__async_t how;
  weir_type_t in_type, out_type; /* channels may be gone earlier than their values */
  weir_op_t receive;
  weir_op_t wait; /* for a cancellation, which may come while nothing is received or sent */
  weir_slot_t *idle;
  weir_slot_t *taken;         /* what is received goes there */
  weir_slot_t *first, **last; /* ordered: those that have not had their turns */
  size_t out, sending;
  enum { TAKING, DRAINING, CUT, CLOSED } state; /* only ever goes on */
  int status;                                   /* the output's, from DRAINING on */
};

static void free_if_over(async_t *self) {
  if (self->state == CLOSED && self->out == 0 && !weir_op_pending(&self->wait) &&
      !weir_op_pending(&self->receive))
    weir__stage_end(&self->stage, self->status);
}

/* A cancellation that nobody has told of yet may have had a part in it. */
static void close_output(async_t *self) {
  weir_chan_t *out = self->stage.out;
  int err = weir_ctx_err(self->stage.ctx);

  self->state = CLOSED;
  self->stage.out = NULL;
  weir_chan_close_with(out, err ? err : self->status);
  weir_chan_unref(out);
  weir_ctx_cancel(self->stage.ctx);
}

/* After each step: nothing of the stage is used after it. */
static void look(async_t *self) {
  bool can_send = self->sending > 0 || (self->state == DRAINING && self->out > 0);

  if ((self->state == DRAINING || self->state == CUT) && !can_send) close_output(self);
  free_if_over(self);
}

static void stop_taking(async_t *self, int state, int status) {
  if ((int)self->state >= state) return;
  self->state = state;
  self->status = status;
  weir_op_cancel(&self->receive);
  weir__stage_drop_input(&self->stage);
}

static void cut(async_t *self, int status) {
  stop_taking(self, CUT, status);
}

/* turns */

static void put_idle(weir_slot_t *slot) {
  slot->next = slot->stage->idle;
  slot->stage->idle = slot;
}

static void drop_result(weir_slot_t *slot) {
  weir__values_drop(&slot->stage->out_type, slot->out, 1);
  put_idle(slot);
}

static void take(async_t *self);

static void on_sent(weir_op_t *op, int status) {
  weir_slot_t *slot = (weir_slot_t *)op;
  async_t *self = slot->stage;

  self->sending--;
  if (status) {
    cut(self, status);
    drop_result(slot);
  } else {
    put_idle(slot);
    take(self);
  }
  look(self);
}

static void send_result(weir_slot_t *slot) {
  async_t *self = slot->stage;
  int err = weir_chan_send(&slot->op, self->stage.out, slot->out, on_sent);

  if (!err) {
    self->sending++;
    return;
  }
  cut(self, err);
  drop_result(slot);
}

static void have_turn(weir_slot_t *slot) {
  async_t *self = slot->stage;

  if (slot->result == 0 && self->state < CUT) {
    send_result(slot);
  } else if (slot->result == 0) {
    drop_result(slot);
  } else {
    put_idle(slot);
    if (slot->result < 0) cut(self, slot->result);
  }
}

static void have_turns(async_t *self) {
  weir_slot_t *slot;

  while ((slot = self->first) && slot->is_done) {
    self->first = slot->next;
    if (!self->first) self->last = &self->first;
    have_turn(slot);
  }
}

static void done(weir_slot_t *slot, int result) {
  async_t *self = slot->stage;

  self->out--;
  slot->is_done = true;
  slot->result = result;
  if (self->how.ordered)
    have_turns(self);
  else
    have_turn(slot);
}

/* taking */

static void go_out(weir_slot_t *slot) {
  async_t *self = slot->stage;

  self->out++;
  slot->is_done = false;
  slot->next = NULL;
  if (self->how.ordered) {
    *self->last = slot;
    self->last = &slot->next;
  }
  self->how.start(slot);
}

static void on_received(weir_op_t *op, int status) {
  async_t *self = op->data;
  weir_slot_t *slot = self->taken;

  if (!status && self->state == TAKING) {
    go_out(slot);
    take(self);
  } else {
    if (!status) weir__values_drop(&self->in_type, slot->in, 1);
    put_idle(slot);
    stop_taking(self, DRAINING, status); /* if it is a cancellation, the wait will tell */
  }
  look(self);
}

static int receive(async_t *self) {
  self->taken = self->idle;
  self->idle = self->idle->next;
  return weir_chan_recv(&self->receive, self->stage.in, self->taken->in, on_received);
}

static void take(async_t *self) {
  int err = 0;

  if (self->state == TAKING && self->idle && !weir_op_pending(&self->receive)) err = receive(self);
  if (err) cut(self, err);
}

static void on_wait(weir_op_t *op, int status) {
  async_t *self = op->data;

  (void)status;
  cut(self, weir_ctx_err(self->stage.ctx));
  look(self);
}

/* slots */

void *weir_slot_in(weir_slot_t *slot) {
  return slot->in;
}

void *weir_slot_out(weir_slot_t *slot) {
  return slot->out;
}

void *weir_slot_arg(weir_slot_t *slot) {
  return slot->stage->how.arg;
}

weir_ctx_t *weir_slot_ctx(weir_slot_t *slot) {
  return slot->stage->stage.ctx;
}

void weir__slot_end(weir_slot_t *slot, int status) {
  async_t *self = slot->stage;

  done(slot, status);
  take(self);
  look(self);
}

void weir_slot_done(weir_slot_t *slot, int status) {
  weir__slot_end(slot, status == 0 || status == UV_EOF ? status : WEIR_SKIP);
}

void weir__slot_drop(weir_slot_t *slot, int status) {
  weir__values_drop(&slot->stage->in_type, slot->in, 1);
  weir__slot_end(slot, status);
}

/* building */

static void release(weir__stage_t *stage) {
  async_t *self = (async_t *)stage;

  if (self->how.release) self->how.release(self->how.arg);
}

/* The size of a slot with room for its values. */
static size_t slot_size(const weir_type_t *in, const weir_type_t *out) {
  return weir__room(weir__room(weir__room(sizeof(weir_slot_t), in, 1), out, 1), NULL, 0);
}

static void slot_init(weir_slot_t *slot, async_t *self) {
  size_t after = weir__room(sizeof(*slot), &self->in_type, 1);

  slot->stage = self;
  slot->in = weir__room_at(slot, sizeof(*slot));
  slot->out = weir__room_at(slot, after);
  weir_op_init_at(&slot->op, self->stage.ctx, self->how.where);
  put_idle(slot);
}

static void set_up(async_t *self, const weir__async_t *how, size_t size) {
  char *slots = weir__room_at(self, sizeof(*self));

  self->stage.release = release;
  self->how = *how;
  self->in_type = *weir_chan_type(self->stage.in);
  self->out_type = *weir_chan_type(self->stage.out);
  self->last = &self->first;
  weir_op_init_at(&self->receive, self->stage.ctx, how->where);
  weir_op_init_at(&self->wait, self->stage.ctx, how->where);
  self->receive.data = self->wait.data = self;
  for (size_t i = 0; i < how->limit; i++) slot_init((weir_slot_t *)(slots + i * size), self);
}

weir_chan_t *weir__async_new(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out,
                             const weir__async_t *how) {
  const weir_type_t slot = {.size = slot_size(weir_chan_type(in), out)};
  bool is_valid = in && how->limit > 0 && slot.size > 0;
  size_t size = is_valid ? weir__room(sizeof(async_t), &slot, how->limit) : 0;
  async_t *self = weir__stage_new(ctx, in, out, 0, size);
  int err;

  if (!self) {
    if (how->release) how->release(how->arg);
    return NULL;
  }
  set_up(self, how, slot.size);
  err = receive(self);
  if (!err) weir__ctx_watch(&self->wait, self->stage.ctx, on_wait);
  return weir__stage_started(&self->stage, err);
}

weir_chan_t *weir_pipe_async(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out, size_t limit,
                             bool ordered, void (*start)(weir_slot_t *slot), void *arg) {
  const weir__async_t how = {.limit = start ? limit : 0,
                             .ordered = ordered,
                             .start = start,
                             .arg = arg,
                             .where = "weir_pipe_async"};

  return weir__async_new(ctx, in, out, &how);
}
