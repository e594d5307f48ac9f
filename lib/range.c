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
 */
#include <weir/range.h>

#include <string.h>

#include "chan.h"
#include "mem.h"
#include "op.h"

static void on_recv(weir_op_t *op, int status);

static void paused_unpark(weir_op_t *op) {
  weir__scope(op)->loop->parked++; /* op.c counts it out again */
}

static const weir__kind_t paused_kind = {.verb = "paused", .unpark = paused_unpark, .hidden = true};

void weir_range_init_at(weir_range_t *range, weir_ctx_t *ctx, const char *where) {
  size_t private_from = offsetof(weir_range_t, op);

  memset((char *)range + private_from, 0, sizeof(*range) - private_from);
  weir_op_init_at(&range->op, ctx, where);
}

static bool is_allocated(const weir_range_t *range) {
  return range->buffer != range->room.bytes;
}

/* Makes it idle; the op is. */
static void set_idle(weir_range_t *range) {
  weir_chan_t *ch = range->chan;

  range->running = range->paused = range->held = false;
  weir_chan_unref(ch);
}

/* What an ended range leaves behind, apart from it: the range may be freed or started again. */
typedef struct remains_s {
  weir_range_room_t room;
  void *allocated;           /* or NULL: the value is in `room` */
  void (*drop)(void *value); /* NULL: there is no value to drop */
} remains_t;

static remains_t end(weir_range_t *range, bool has_value) {
  remains_t remains = {.room = range->room,
                       .allocated = is_allocated(range) ? range->buffer : NULL,
                       .drop = has_value ? range->drop : NULL};

  set_idle(range);
  return remains;
}

static void dispose(remains_t *remains) {
  if (remains->drop) remains->drop(remains->allocated ? remains->allocated : remains->room.bytes);
  weir__free(remains->allocated);
}

static void receive(weir_range_t *range) {
  int err = weir_chan_recv(&range->op, range->chan, range->buffer, on_recv);

  assert(err == 0);
  (void)err;
}

/* Parks the idle op where only a cancellation finds it, and does not count it as parked. */
static void park_paused(weir_range_t *range) {
  weir_op_t *op = &range->op;

  if (weir__op_start(op, on_recv)) return; /* cancelled: it has completed so */
  weir__op_park(op, &paused_kind);
  weir__scope(op)->loop->parked--;
}

/* Calls back with a value, which is the callback's from then on, and goes on. */
static void call(weir_range_t *range) {
  void *allocated = is_allocated(range) ? range->buffer : NULL;
  weir_range_room_t room;
  bool stopped = false;

  if (!allocated) weir__copy(room.bytes, range->room.bytes, range->size);
  range->stopped = &stopped;
  range->cb(range, allocated ? allocated : room.bytes, 0);
  if (stopped) {
    weir__free(allocated);
    return;
  }
  range->stopped = NULL;
  if (range->paused)
    park_paused(range);
  else
    receive(range);
}

static void on_recv(weir_op_t *op, int status) {
  weir_range_t *range = WEIR__CONTAINER(op, weir_range_t, op);
  bool has_value = status == 0 || (range->held && range->held_status == 0);
  remains_t remains;

  if (status == 0) status = weir__scope(op)->err;
  range->held = range->paused = false;
  if (status == 0) {
    call(range);
    return;
  }
  remains = end(range, has_value);
  range->cb(range, NULL, status);
  dispose(&remains);
}

int weir_range_start(weir_range_t *range, weir_chan_t *ch, weir_range_cb cb) {
  size_t size = ch ? ch->type.size : 0;
  int err;

  if (!range || !cb || !weir__chan_fits(&range->op, ch)) return UV_EINVAL;
  if (range->running) return UV_EBUSY;
  range->buffer = size > sizeof(range->room) ? weir__malloc(size) : range->room.bytes;
  if (!range->buffer) return UV_ENOMEM;
  err = weir_chan_recv(&range->op, ch, range->buffer, on_recv);
  if (err) {
    if (is_allocated(range)) weir__free(range->buffer);
    return err;
  }
  range->running = true;
  range->cb = cb;
  range->chan = weir_chan_ref(ch);
  range->size = size;
  range->drop = ch ? ch->type.drop : NULL;
  return 0;
}

static int check(const weir_range_t *range, bool paused) {
  if (!range) return UV_EINVAL;
  if (!range->running) return UV_ENOENT;
  return range->paused == paused ? UV_EALREADY : 0;
}

static void pause_pending(weir_range_t *range) {
  weir_op_t *op = &range->op;

  if (weir__scope(op)->err) return; /* it is ending */
  range->held = op->state == WEIR__RUNNABLE;
  range->held_status = op->status;
  weir__op_abandon(op);
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
  weir_op_t *op = &range->op;

  if (op->state == WEIR__RUNNABLE) return; /* cancelled while paused */
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

static bool has_undelivered(const weir_range_t *range) {
  if (range->held) return range->held_status == 0;
  return range->op.state == WEIR__RUNNABLE && range->op.status == 0;
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
  undelivered = has_undelivered(range);
  weir__op_abandon(&range->op);
  remains = end(range, undelivered);
  dispose(&remains);
  return 0;
}
