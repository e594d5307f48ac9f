/*
 * The run queue and its drain.
 *
 * Completions are queued, never run where they happen. What the uv loop sees of it:
 *
 *   idle     runs only while something is queued: it keeps the uv loop alive and the poll from
 *            blocking. With an empty queue it is stopped, so a loop that waits costs nothing.
 *   prepare  settles what changed since the last turn before the poll decides how long to block.
 *   check    drains the queue, once a turn and at most BUDGET completions, so that two callbacks
 *            feeding each other leave sockets and timers their turn.
 *   timer    see timer.c.
 *
 * prepare and check always run, unref'd: they cost a call a turn and keep nothing alive. All
 * handles keep `data` NULL for the host; the loop is found by their offset. What other threads
 * post (inbox.c) is taken before a drain, and once more before the poll.
 *
 * An operation is weir's until run_one has made it idle: its callback may restart or free it.
 *
 * Pending operations hold their contexts without counting them. A parked one stands in its scope's
 * list. For runnable ones: who drops the last reference to a scope that has been used, while
 * something is runnable, leaves it on the `abandoned` list. After a drain the list becomes
 * `marked`, and a marker joins the end of the run queue: when it comes up, all that was runnable
 * before has run. An operation that starts or becomes runnable under an unreferenced scope puts it
 * on the `abandoned` list anew.
 *
 * Which thread is the loop's, its owner: the one that last started something on it, or ran it. What
 * may be called from any thread asks (weir__loop_enter), and posts if it is another. The owner may
 * be replaced while it is outside of a turn, by a thread that goes on with the loop: `handover` is
 * held by a visit from outside a turn, and the new owner waits for it. Once the loop is closed any
 * thread may visit it, and visits exclude each other. User code that would run in a visit, and what
 * may wait for another loop's, is left for after it (thread->after).
 */
#include "inbox.h"
#include "mem.h"

/* Completions between two looks at I/O, and between two looks at what goes to and fro. */
enum { BUDGET = 1024, SLICE = 64 };

/* After a few looks in vain, only some are taken: what comes seldom is not worth a processor. */
enum { FEW_MISSES = 3, LOOK_ONE_IN = 8 };

/* Frees scopes that no runnable operation holds. A parked one will abandon its scope again. */
static void free_scopes(weir_loop_t *loop, weir__link_t *list) {
  weir__link_t *link;

  while ((link = weir__queue_pop(list)))
    loop->free_scope(WEIR__CONTAINER(link, weir__scope_t, abandoned));
}

/* So that other loops need not wait for the end of a long drain, nor this one for theirs. */
static void exchange(weir_loop_t *loop) {
  if (weir__thread.outbox.first) weir__outbox_flush();
  weir__inbox_take(loop);
}

static weir_op_t *pop(weir_loop_t *loop) {
  weir__link_t *link = loop->ready.next;

  loop->ready.next = link->next;
  link->next->prev = &loop->ready;
  return WEIR__CONTAINER(link, weir_op_t, u.wait.link);
}

static inline void run_one(weir_loop_t *loop, weir_op_t *op) {
  int status = weir__op_result(op);

  loop->completions++;
  weir__op_set_state(op, WEIR__IDLE);
  if (op->joins) loop->leave_joins(op);
  if (op->cb) op->cb(op, status);
}

static void run_slice(weir_loop_t *loop, unsigned most) {
  unsigned n = most < loop->budget ? most : loop->budget, left = n;

  for (; left > 0 && !weir__queue_empty(&loop->ready); left--) run_one(loop, pop(loop));
  loop->budget -= n - left;
}

/* Runs one. Returns whether it was the operation that weir_op_wait runs the loop for. */
static bool run_awaited(weir_loop_t *loop) {
  const weir_op_t *first = WEIR__CONTAINER(loop->ready.next, weir_op_t, u.wait.link);
  bool is_awaited = first == loop->awaited;

  if (is_awaited) {
    loop->awaited = NULL;
    loop->awaited_status = weir__op_result(first);
  }
  run_slice(loop, 1);
  return is_awaited;
}

static void drain(weir_loop_t *loop) {
  bool is_over = false;

  while (!is_over && loop->budget > 0 && !weir__queue_empty(&loop->ready)) {
    if (loop->awaited)
      is_over = run_awaited(loop);
    else
      run_slice(loop, SLICE);
    if (!loop->awaited || loop->budget % SLICE == 0) exchange(loop);
  }
}

static void on_marker(weir_op_t *op, int status) {
  weir_loop_t *loop = WEIR__CONTAINER(op, weir_loop_t, marker);

  (void)status;
  loop->completions--; /* it is none of the user's */
  free_scopes(loop, &loop->marked);
}

static void push_marker(weir_loop_t *loop) {
  weir__op_set_state(&loop->marker, WEIR__RUNNABLE);
  weir__queue_put(&loop->ready, &loop->marker.u.wait.link);
}

/* Looks after abandoned scopes: frees them if nothing is runnable, else sends the marker. */
static void collect(weir_loop_t *loop) {
  weir__link_t list;

  if (weir__op_state(&loop->marker) || weir__queue_empty(&loop->abandoned)) return;
  if (weir__queue_empty(&loop->ready)) {
    weir__queue_splice(&loop->abandoned, &list);
    free_scopes(loop, &list);
  } else {
    weir__queue_splice(&loop->abandoned, &loop->marked);
    push_marker(loop);
  }
}

void weir__scope_abandon(weir__scope_t *scope) {
  if (weir__linked(&scope->abandoned)) weir__unlink(&scope->abandoned);
  weir__queue_push(&scope->loop->abandoned, &scope->abandoned);
  if (!scope->loop->armed) weir__loop_arm(scope->loop);
}

static void on_idle(uv_idle_t *handle) {
  (void)handle; /* that it runs is all that is wanted of it */
}

void weir__loop_arm(weir_loop_t *loop) {
  if (loop->closed || uv_is_closing((uv_handle_t *)&loop->idle)) return;
  loop->armed = true;
  uv_idle_start(&loop->idle, on_idle);
}

static void settle(weir_loop_t *loop) {
  weir__inbox_settle(loop);
  if (loop->timers_changed) {
    loop->timers_changed = false;
    loop->arm_timers(loop);
  }
  if (loop->armed && weir__queue_empty(&loop->ready) && weir__queue_empty(&loop->abandoned)) {
    loop->armed = false;
    uv_idle_stop(&loop->idle);
  }
}

/* Runs what is runnable, with what has been posted. */
static void run_some(weir_loop_t *loop) {
  weir_loop_t *before = weir__loop_begin(loop);

  loop->in_callback = true;
  weir__inbox_take(loop);
  drain(loop);
  collect(loop);
  loop->in_callback = false;
  settle(loop);
  weir__loop_end(before);
}

/*
 * Threads that answer within the spin time are answered at once, without a poll in between, as far
 * as the budget goes. The poll must not block then: the host may be waiting for what has run.
 */
static void converse(weir_loop_t *loop) {
  bool looks = loop->misses < FEW_MISSES || loop->misses % LOOK_ONE_IN == 0;
  uint64_t until = looks ? 0 : 1; /* long past */
  bool was_awake = weir__inbox_is_awake(loop), has_run = false;

  while (!loop->armed && loop->budget > 0 && weir__inbox_look(loop, &until)) {
    run_some(loop);
    has_run = true;
  }
  if (was_awake) loop->misses = has_run ? 0 : loop->misses + 1;
  if (has_run && !loop->armed) weir__loop_arm(loop);
}

/*
 * The poll may block only once posters know that they have to wake the loop. If something was
 * posted before, it is taken, and this poll does not block.
 */
static void fall_asleep(weir_loop_t *loop) {
  weir_loop_t *before = weir__loop_begin(loop);

  weir__inbox_sleep(loop);
  loop->in_callback = true; /* user code may run that a context's end calls for */
  if (weir__inbox_take(loop) && !loop->armed) weir__loop_arm(loop);
  loop->in_callback = false;
  weir__loop_end(before);
}

static void on_prepare(uv_prepare_t *handle) {
  weir_loop_t *loop = WEIR__CONTAINER(handle, weir_loop_t, prepare);

  weir__loop_adopt(loop);
  settle(loop);
  converse(loop);
  if (!loop->armed) fall_asleep(loop);
  if (loop->before_poll) loop->before_poll(loop);
}

void weir__loop_turn(weir_loop_t *loop) {
  weir__loop_adopt(loop);
  loop->turns++;
  loop->now_ms = (uint32_t)weir_now(loop);
  loop->budget = BUDGET;
  run_some(loop);
  if (!loop->armed && weir__inbox_is_awake(loop)) weir__loop_arm(loop);
  if (loop->closing && weir__loop_is_drained(loop)) loop->on_drained(loop);
}

static void on_check(uv_check_t *handle) {
  weir__loop_turn(WEIR__CONTAINER(handle, weir_loop_t, check));
}

/* Who and for whom */

void weir__loop_take_over(weir_loop_t *loop) {
  const void *self = &weir__thread;

  if (weir__thread.loop == loop) return; /* a visit to a closed loop */
  weir__lock(&loop->handover);
  atomic_store_explicit(&loop->owner, self, memory_order_relaxed);
  weir__unlock(&loop->handover);
}

weir_loop_t *weir__loop_begin(weir_loop_t *loop) {
  weir_loop_t *before = weir__thread.loop;

  weir__thread.loop = loop;
  return before;
}

void weir__loop_end(weir_loop_t *before) {
  weir__thread.loop = before;
  if (weir__thread.outbox.first) weir__outbox_flush();
}

static bool may_enter(const weir_loop_t *loop) {
  return atomic_load_explicit(&loop->owner, memory_order_relaxed) == &weir__thread ||
         weir__inbox_is_closed(loop);
}

bool weir__loop_visit(weir_loop_t *loop) {
  if (!may_enter(loop)) return false;
  weir__lock(&loop->handover);
  if (!may_enter(loop)) {
    weir__unlock(&loop->handover);
    return false;
  }
  loop->refs++;
  weir__thread.visits++;
  weir__thread.loop = loop;
  return true;
}

void weir__loop_end_visit(weir_loop_t *loop, weir_loop_t *before) {
  bool is_last;

  weir__thread.loop = before;
  is_last = --loop->refs == 0;
  weir__unlock(&loop->handover);
  if (is_last) weir__free(loop);
  if (--weir__thread.visits > 0) return;
  if (!before && weir__thread.outbox.first) weir__outbox_flush();
  if (weir__thread.after) weir__thread.after();
}

void weir__loop_unref(weir_loop_t *loop) {
  weir_loop_t *before;

  weir__loop_enter(loop, &before);
  loop->refs--;
  weir__loop_leave(loop, before);
}

int weir__loop_init(weir_loop_t *loop, uv_loop_t *uv) {
  int err;

  loop->uv = uv;
  err = weir__inbox_init(loop);
  if (err) return err;
  atomic_init(&loop->owner, &weir__thread);
  loop->refs++;
  weir__queue_init(&loop->ready);
  weir__queue_init(&loop->detached);
  weir__queue_init(&loop->channels);
  weir__queue_init(&loop->abandoned);
  weir__queue_init(&loop->marked);
  loop->cancelled_end = &loop->cancelled;
  weir__queue_init(&loop->after_walk);
  loop->marker.cb = on_marker;
  loop->random.state = uv_hrtime() ^ (uint64_t)(uintptr_t)loop;
  loop->now_ms = (uint32_t)weir_now(loop);

  uv_idle_init(uv, &loop->idle);
  uv_prepare_init(uv, &loop->prepare);
  uv_check_init(uv, &loop->check);
  uv_timer_init(uv, &loop->timer);
  loop->idle.data = loop->prepare.data = loop->check.data = loop->timer.data = NULL;
  uv_prepare_start(&loop->prepare, on_prepare);
  uv_check_start(&loop->check, on_check);
  uv_unref((uv_handle_t *)&loop->prepare);
  uv_unref((uv_handle_t *)&loop->check);
  return 0;
}

uv_loop_t *weir_loop_uv(const weir_loop_t *loop) {
  return loop->uv;
}

weir_ctx_t *weir_loop_background(weir_loop_t *loop) {
  return loop->background;
}

void weir_loop_seed(weir_loop_t *loop, uint64_t seed) {
  loop->random.state = seed;
}

bool weir__loop_arm_for_posts(weir_loop_t *loop) {
  if (weir__inbox_is_empty(loop)) return false;
  if (!loop->armed) weir__loop_arm(loop);
  return uv_is_active((uv_handle_t *)&loop->idle);
}

/* The loop may be closed while it runs. */
size_t weir_run(weir_loop_t *loop) {
  size_t parked;

  weir__loop_adopt(loop);
  weir__loop_arm_for_posts(loop);
  loop->refs++;
  if (!loop->in_callback)
    while (!uv_run(loop->uv, UV_RUN_DEFAULT) && weir__loop_arm_for_posts(loop)) continue;
  parked = loop->parked;
  weir__loop_unref(loop);
  return parked;
}
