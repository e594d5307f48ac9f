/*
 * One uv_timer over a heap of timers.
 *
 * Deadlines are nanoseconds of uv_hrtime, since a loop's cached time may be tens of milliseconds
 * stale inside a host and uv timers fire up to a millisecond early: what is due is decided here, by
 * the clock, and the uv_timer only says when to look again.
 *
 * The uv_timer is set once a turn, before the poll (loop.c settles `timers_changed`), and not at
 * each start: most timers are stopped before they were ever the next. Removing the next one leaves
 * the uv_timer as it is; it then looks too early, once. An empty heap stops it: timers keep the uv
 * loop alive, stopped ones must not.
 *
 * Virtual time: before the poll, with an empty run queue, the clock jumps to the next timer, if
 * nothing but weir's own handles keeps the uv loop alive. Otherwise the poll waits for that. The
 * uv_timer then only keeps the loop alive, and looks again now and then in case a host's own
 * prepare callback has stopped what was waited for.
 */
#include "timer.h"

#include "op.h"

enum { VIRTUAL_LOOK_MS = 100 };

uint64_t weir__clock(const weir_loop_t *loop) {
  return loop->is_virtual ? loop->virtual_now : uv_hrtime();
}

uint64_t weir_now(const weir_loop_t *loop) {
  return weir__clock(loop) / WEIR__NS_PER_MS;
}

uint64_t weir__nanoseconds(uint64_t ms) {
  return ms > UINT64_MAX / WEIR__NS_PER_MS ? WEIR__NEVER : ms * WEIR__NS_PER_MS;
}

uint64_t weir__after(uint64_t now, uint64_t ms) {
  uint64_t ns = weir__nanoseconds(ms);

  return ns > UINT64_MAX - now ? WEIR__NEVER : now + ns;
}

static void timers_changed(weir_loop_t *loop) {
  loop->timers_changed = true;
  if (!loop->armed) weir__loop_arm(loop);
}

void weir__timer_start(weir_loop_t *loop, weir__timer_t *timer, uint64_t deadline) {
  timer->deadline = deadline;
  loop->has_timed = true;
  if (weir__heap_insert(&loop->timers, timer)) timers_changed(loop);
}

void weir__timer_stop(weir_loop_t *loop, weir__timer_t *timer) {
  if (!weir__timer_active(timer)) return;
  weir__heap_remove(&loop->timers, timer);
  if (loop->timers.count == 0) timers_changed(loop);
}

/* `now` is read once, so that timers which start others cannot keep the loop here. */
static void fire_due(weir_loop_t *loop) {
  uint64_t now = weir__clock(loop);
  weir_loop_t *before;
  weir__timer_t *timer;

  weir__loop_adopt(loop);
  before = weir__loop_begin(loop);
  loop->in_callback = true; /* of a value's drop, perhaps */
  while ((timer = weir__heap_pop(&loop->timers, now))) timer->fire(timer);
  loop->in_callback = false;
  weir__loop_end(before);
  timers_changed(loop);
}

static void on_timer(uv_timer_t *handle) {
  weir_loop_t *loop = WEIR__CONTAINER(handle, weir_loop_t, timer);

  if (!loop->is_virtual) fire_due(loop);
}

/* Milliseconds from the uv loop's own time to the next deadline, rounded up. */
static uint64_t next_timeout(const weir_loop_t *loop) {
  uint64_t due = weir__heap_bound(&loop->timers) / WEIR__NS_PER_MS + 1, now = uv_now(loop->uv);

  return due > now ? due - now : 1;
}

static void arm_timers(weir_loop_t *loop) {
  if (loop->timers.count == 0)
    uv_timer_stop(&loop->timer);
  else if (loop->is_virtual)
    uv_timer_start(&loop->timer, on_timer, VIRTUAL_LOOK_MS, VIRTUAL_LOOK_MS);
  else
    uv_timer_start(&loop->timer, on_timer, next_timeout(loop), 0);
}

void weir__timers_init(weir_loop_t *loop) {
  weir__heap_init(&loop->timers);
  loop->arm_timers = arm_timers;
}

void weir__timers_discard(weir_loop_t *loop) {
  weir__heap_clear(&loop->timers);
  timers_changed(loop);
}

/* virtual time */

static bool others_alive(weir_loop_t *loop) {
  uv_handle_t *timer = (uv_handle_t *)&loop->timer;
  bool alive;

  uv_unref(timer);
  alive = uv_loop_alive(loop->uv);
  uv_ref(timer);
  return alive;
}

static void jump(weir_loop_t *loop) {
  uint64_t next;

  if (loop->armed || loop->timers.count == 0 || others_alive(loop)) return;
  next = weir__heap_next(&loop->timers);
  if (next == WEIR__NEVER) return;
  if (loop->virtual_now < next) loop->virtual_now = next;
  fire_due(loop);
}

int weir_loop_virtual_time(weir_loop_t *loop) {
  if (!loop) return UV_EINVAL;
  if (loop->has_timed) return UV_EBUSY;
  if (loop->is_virtual) return 0;
  loop->virtual_now = uv_hrtime() / WEIR__NS_PER_MS * WEIR__NS_PER_MS;
  loop->is_virtual = true;
  loop->before_poll = jump;
  return 0;
}

/* sleep */

static void sleep_fire(weir__timer_t *timer) {
  weir_op_t *op = WEIR__CONTAINER(timer, weir_op_t, u.timer);

  op->u.wait.index = 0;
  weir__op_ready(op, 0);
}

static int sleep_unpark(weir_op_t *op) {
  weir__timer_stop(weir__scope(op)->loop, &op->u.timer);
  op->u.wait.index = 0;
  return 0;
}

static void sleep_describe(weir_op_t *op, FILE *out) {
  const weir_loop_t *loop = weir__scope(op)->loop;
  uint64_t now = weir__clock(loop), deadline = op->u.timer.deadline;

  if (deadline == WEIR__NEVER)
    fprintf(out, "for ever");
  else
    fprintf(out, "for another %llu ms",
            (unsigned long long)(deadline > now ? (deadline - now) / WEIR__NS_PER_MS : 0));
}

static const weir__kind_t sleep_kind = {
    .verb = "sleep", .unpark = sleep_unpark, .describe = sleep_describe};

int weir_sleep(weir_op_t *op, uint64_t ms, weir_op_cb cb) {
  int started = weir__op_start(op, cb);
  weir_loop_t *loop;

  if (started) return weir__op_accepted(started);
  if (ms == 0) {
    weir__op_complete(op, 0, 0);
    return 0;
  }
  loop = weir__scope(op)->loop;
  op->u.timer.fire = sleep_fire;
  op->u.timer.link.next = NULL;
  weir__timer_start(loop, &op->u.timer, weir__after(weir__clock(loop), ms));
  weir__op_park(op, &sleep_kind);
  return 0;
}
