/*
 * Range: an operation that receives again after each callback.
 *
 *   idle     not running. The range owns nothing.
 *   waiting  its op is parked or runnable; running. It holds its channel and its buffer.
 *   calling  the op is idle while the user's callback runs; running.
 *   paused   the op is parked as `paused_kind`, in no queue, so that only a cancellation finds it.
 *            What had been received stays in the buffer (`held`) until it is resumed.
 *
 * The user's callback may do anything to the range, restart and free it included: the value that it
 * looks at is not in the range, and after it, `stopped`, on the stack, says whether the range is
 * still there.
 *
 * At a shared channel a value may be on its way, from another thread, when the range is stopped or
 * paused: its op has been claimed, and nobody can take it back. So there the op and the buffer are
 * in a receiver of their own. A stopped range leaves it alone; it drops the value when that
 * arrives, and itself. For a paused one it holds the value.
 */
#include <weir/range.h>

#include <string.h>

#include "chan.h"
#include "mem.h"
#include "op.h"

struct weir__receiver_s {
  weir_op_t op;
  weir_range_t *range; /* NULL: it has been left alone */
  void (*drop)(void *value);
  _Alignas(max_align_t) unsigned char buffer[];
};

static void on_recv(weir_op_t *op, int status);
static void on_recv_shared(weir_op_t *op, int status);

static int paused_unpark(weir_op_t *op) {
  weir__scope(op)->loop->parked++; /* op.c counts it out again */
  return 0;
}

static const weir__kind_t paused_kind = {.verb = "paused", .unpark = paused_unpark, .hidden = true};

void weir_range_init_at(weir_range_t *range, weir_ctx_t *ctx, const char *where) {
  size_t private_from = offsetof(weir_range_t, op);

  memset((char *)range + private_from, 0, sizeof(*range) - private_from);
  weir_op_init_at(&range->op, ctx, where);
}

static weir_op_t *op_of(weir_range_t *range) {
  return range->receiver ? &range->receiver->op : &range->op;
}

static weir_op_cb callback_of(const weir_range_t *range) {
  return range->receiver ? on_recv_shared : on_recv;
}

/* What has been allocated for it, or NULL: the value is in `room`. */
static void *block_of(const weir_range_t *range) {
  if (range->receiver) return range->receiver;
  return range->buffer != range->room.bytes ? range->buffer : NULL;
}

/* Makes it idle; the op is. */
static void set_idle(weir_range_t *range) {
  weir_chan_t *ch = range->chan;

  range->running = range->paused = range->held = false;
  range->receiver = NULL;
  weir_chan_unref(ch);
}

/* What an ended range leaves behind, apart from it: the range may be freed or started again. */
typedef struct remains_s {
  weir_range_room_t room;
  void *block, *buffer;
  void (*drop)(void *value); /* NULL: there is no value to drop */
} remains_t;

static remains_t end(weir_range_t *range, bool has_value) {
  remains_t remains = {.room = range->room,
                       .block = block_of(range),
                       .buffer = range->buffer,
                       .drop = has_value ? range->drop : NULL};

  set_idle(range);
  return remains;
}

static void dispose(remains_t *remains) {
  if (remains->drop) remains->drop(remains->block ? remains->buffer : remains->room.bytes);
  weir__free(remains->block);
}

static void receive(weir_range_t *range) {
  int err = weir_chan_recv(op_of(range), range->chan, range->buffer, callback_of(range));

  assert(err == 0);
  (void)err;
}

/* Parks the idle op where only a cancellation finds it, and does not count it as parked. */
static void park_paused(weir_range_t *range) {
  weir_op_t *op = op_of(range);

  if (weir__op_start(op, callback_of(range))) return; /* cancelled: it has completed so */
  weir__op_park(op, &paused_kind);
  weir__scope(op)->loop->parked--;
}

static void hold(weir_range_t *range, int status) {
  range->held = true;
  range->held_status = status;
  park_paused(range);
}

/* Calls back with a value, which is the callback's from then on, and goes on. */
static void call(weir_range_t *range) {
  void *block = block_of(range);
  weir_range_room_t room;
  bool stopped = false;

  if (!block) weir__copy(room.bytes, range->room.bytes, range->size);
  range->stopped = &stopped;
  range->cb(range, block ? range->buffer : room.bytes, 0);
  if (stopped) {
    weir__free(block);
    return;
  }
  range->stopped = NULL;
  if (range->paused)
    park_paused(range);
  else
    receive(range);
}

/* What arrives for a range that is paused or resumed, after a cancellation, or at the end. */
WEIR__APART void arrive_late(weir_range_t *range, int status, int err) {
  bool has_value = status == 0 || (range->held && range->held_status == 0);
  remains_t remains;

  if (status == 0) status = err;
  if (range->paused && !err && !range->held) { /* it was on its way */
    hold(range, status);
    return;
  }
  range->held = range->paused = false;
  if (status == 0) {
    call(range);
    return;
  }
  remains = end(range, has_value);
  range->cb(range, NULL, status);
  dispose(&remains);
}

static void arrive(weir_range_t *range, const weir_op_t *op, int status) {
  int err = weir__scope_err(weir__scope(op));

  if (status || err || range->paused || range->held)
    arrive_late(range, status, err);
  else
    call(range);
}

/* Its range has gone, and so does what arrives. */
static void dispose_of(weir__receiver_t *receiver, int status) {
  if (status == 0 && receiver->drop) receiver->drop(receiver->buffer);
  weir__free(receiver);
}

static void on_recv(weir_op_t *op, int status) {
  arrive(WEIR__CONTAINER(op, weir_range_t, op), op, status);
}

static void on_recv_shared(weir_op_t *op, int status) {
  weir__receiver_t *receiver = WEIR__CONTAINER(op, weir__receiver_t, op);

  if (receiver->range)
    arrive(receiver->range, op, status);
  else
    dispose_of(receiver, status);
}
/* Makes room for values. */
static int prepare(weir_range_t *range, const weir_chan_t *ch) {
  size_t size = ch ? ch->type.size : 0;

  range->receiver = NULL;
  range->buffer = range->room.bytes;
  if (weir__is_shared(ch)) {
    range->receiver = weir__malloc(sizeof(*range->receiver) + size);
    if (!range->receiver) return UV_ENOMEM;
    weir_op_init_at(&range->receiver->op, range->op.ctx, range->op.where);
    range->receiver->range = range;
    range->receiver->drop = ch->type.drop;
    range->buffer = range->receiver->buffer;
  } else if (size > sizeof(range->room)) {
    range->buffer = weir__malloc(size);
    if (!range->buffer) return UV_ENOMEM;
  }
  range->size = size;
  range->drop = ch ? ch->type.drop : NULL;
  return 0;
}

int weir_range_start(weir_range_t *range, weir_chan_t *ch, weir_range_cb cb) {
  int err;

  if (!range || !cb || !weir__chan_fits(&range->op, ch)) return UV_EINVAL;
  if (range->running) return UV_EBUSY;
  err = prepare(range, ch);
  if (err) return err;
  err = weir_chan_recv(op_of(range), ch, range->buffer, callback_of(range));
  if (err) {
    weir__free(block_of(range));
    range->receiver = NULL;
    return err;
  }
  range->running = true;
  range->cb = cb;
  range->chan = weir_chan_ref(ch);
  return 0;
}

static int check(const weir_range_t *range, bool paused) {
  if (!range) return UV_EINVAL;
  if (!range->running) return UV_ENOENT;
  return range->paused == paused ? UV_EALREADY : 0;
}

/* What has been posted to the loop arrives now, not at its next turn. */
static void catch_up(weir_op_t *op) {
  if (weir__op_state(op) == WEIR__CLAIMED) weir__inbox_take(weir__scope(op)->loop);
}

static void pause_pending(weir_range_t *range) {
  weir_op_t *op = op_of(range);
  bool has_happened;
  int status;

  catch_up(op);
  has_happened = weir__op_state(op) == WEIR__RUNNABLE;
  status = weir__op_result(op);
  if (weir__scope_err(weir__scope(op))) return; /* it is ending */
  if (weir__op_abandon(op)) return;             /* on its way: it will be held */
  if (has_happened)
    hold(range, status);
  else
    park_paused(range);
}

int weir_range_pause(weir_range_t *range) {
  int err = check(range, true);

  if (err) return err;
  range->paused = true;
  if (!range->stopped) pause_pending(range);
  return 0;
}

static void resume_pending(weir_range_t *range) {
  weir_op_t *op = op_of(range);

  if (weir__op_state(op) != WEIR__PARKED || op->kind != &paused_kind) return; /* on its way */
  if (range->held) {
    range->held = false;
    weir__op_interrupt(op, range->held_status);
    return;
  }
  weir__op_abandon(op);
  receive(range);
}

int weir_range_resume(weir_range_t *range) {
  int err = check(range, false);

  if (err) return err;
  range->paused = false;
  if (!range->stopped) resume_pending(range);
  return 0;
}

static bool has_undelivered(weir_range_t *range) {
  weir_op_t *op = op_of(range);

  if (range->held) return range->held_status == 0;
  return weir__op_state(op) == WEIR__RUNNABLE && weir__op_result(op) == 0;
}

int weir_range_stop(weir_range_t *range) {
  remains_t remains;
  bool undelivered;

  if (!range) return UV_EINVAL;
  if (!range->running) return UV_ENOENT;
  if (range->stopped) { /* in its callback, whose value call() frees */
    *range->stopped = true;
    range->stopped = NULL;
    set_idle(range);
    return 0;
  }
  catch_up(op_of(range));
  undelivered = has_undelivered(range);
  if (weir__op_abandon(op_of(range))) { /* on its way */
    range->receiver->range = NULL;
    set_idle(range);
    return 0;
  }
  remains = end(range, undelivered);
  dispose(&remains);
  return 0;
}
