/*
 * The inbox of a loop, and the outbox of a thread.
 *
 * Posting, from any thread:
 *   1. claim    Who makes an operation happen that may be another loop's claims it under the
 *               channel's lock (chan.c), writes the result into it, and settles it after the lock.
 *   2. outbox   In a turn of a loop what is for others is collected, for SLICE completions at most;
 *               a thread in no turn posts at once. What is for a loop of this thread's is
 *               delivered.
 *   3. enter    One addition to the gate counts the poster in, and says whether it is closed.
 *   4. push     on a stack; its loop takes all of it at once, and turns it round.
 *   5. wake     A loop that is ASLEEP becomes NOTIFIED, by one poster, who calls uv_async_send. So
 *               at most one is in flight, however much is posted.
 *   6. leave    is the poster's last access: an operation that is posted may complete, and the loop
 *               be closed, at any moment after 4.
 *
 * The loop:
 *   AWAKE     since the async callback: it promises to look before it sleeps. After a turn it is
 *             armed, so that a host that polls by itself comes back for that.
 *   ASLEEP    before the poll, with nothing to run; then it looks once more, since a poster between
 *             the last look and this has not woken it. uv_async_send is no memory barrier, and
 *             reads its flag first: a fence stands before it.
 *   NOTIFIED  an async is on its way, and is what ends this, nothing else.
 *   CLOSED    posts are refused. When no poster is inside, the async handle can be closed.
 *
 * Waking a sleeping thread costs some 20 us. A loop that is AWAKE looks for a while before it
 * sleeps; who posts to it then pays nothing of that.
 */
#include "inbox.h"

/* The gate: a state, and how many posters are inside. */
enum { ASLEEP, AWAKE, NOTIFIED, CLOSED, STATE = 3, POSTER = 4 };

/* How long to look, and how often between two looks at the clock. */
enum { SPIN_NS = 20000, LOOKS = 32 };

_Thread_local weir__thread_t weir__thread;

/* posting */

static void wake(weir_loop_t *loop) {
  unsigned gate = atomic_load(&loop->gate);

  while ((gate & STATE) == ASLEEP) {
    if (!atomic_compare_exchange_weak(&loop->gate, &gate, gate + NOTIFIED)) continue;
    atomic_thread_fence(memory_order_seq_cst);
    uv_async_send(&loop->async);
    return;
  }
}

static void push(weir_loop_t *loop, weir__post_t *newest, weir__post_t *oldest) {
  weir__post_t *top = atomic_load_explicit(&loop->posted, memory_order_relaxed);

  do {
    oldest->next = top;
  } while (!atomic_compare_exchange_weak(&loop->posted, &top, newest));
}

/* Whether it is open. */
static bool enter(weir_loop_t *loop) {
  return (atomic_fetch_add(&loop->gate, POSTER) & STATE) != CLOSED;
}

static void leave(weir_loop_t *loop) {
  atomic_fetch_sub_explicit(&loop->gate, POSTER, memory_order_release);
}

static void deliver(weir_loop_t *loop, weir__post_t *post) {
  weir__scope_t *scope = post->scope;

  if (post == &scope->post)
    loop->deliver_scope(scope);
  else
    loop->deliver_op(WEIR__CONTAINER(post, weir_op_t, u.wait.post));
}

static void wake_thread(weir__post_t *post) {
  weir_op_t *op = WEIR__CONTAINER(post, weir_op_t, u.wait.post);

  op->cb(op, op->status);
}

static void add(weir__posts_t *posts, weir__post_t *post) {
  weir__posts_add(posts, post, post->scope);
}

static weir__post_t *pop(weir__posts_t *posts) {
  weir__post_t *post = posts->first;

  if (post) posts->first = post->next;
  return post;
}

static weir_loop_t *next_loop(const weir__posts_t *posts) {
  const weir__post_t *post = posts->first;

  return post && post->scope ? post->scope->loop : NULL;
}

/* To a loop that this thread may use as it stands: one of its own, or a closed one. */
static bool hand_over(weir_loop_t *loop, weir__posts_t *posts) {
  weir_loop_t *before;

  if (!weir__loop_enter(loop, &before)) return false;
  while (next_loop(posts) == loop) deliver(loop, pop(posts));
  weir__loop_leave(loop, before);
  return true;
}

/* In one step. Returns false, and leaves the outbox as it was, if the loop is closed. */
static bool post_all(weir_loop_t *loop, weir__posts_t *outbox) {
  weir__post_t *oldest = NULL, *newest = NULL, *next;
  bool open = enter(loop);

  if (open) {
    oldest = pop(outbox);
    oldest->next = NULL;
    for (newest = oldest; next_loop(outbox) == loop; newest = next) {
      next = pop(outbox);
      next->next = newest;
    }
    push(loop, newest, oldest);
    wake(loop);
  }
  leave(loop);
  return open;
}

void weir__outbox_flush(void) {
  weir__posts_t *outbox = &weir__thread.outbox;

  while (outbox->first) {
    weir_loop_t *loop = next_loop(outbox);

    while (!hand_over(loop, outbox) && !post_all(loop, outbox)) continue;
  }
}

void weir__posts_settle(weir__posts_t *posts, const weir_loop_t *home) {
  weir__thread_t *thread = &weir__thread;

  while (posts->first) {
    weir_loop_t *loop = next_loop(posts);

    if (!loop)
      wake_thread(pop(posts));
    else if (loop == home || loop == thread->loop)
      deliver(loop, pop(posts));
    else
      add(&thread->outbox, pop(posts));
  }
  if (!thread->loop && thread->outbox.first) weir__outbox_flush();
}

/* taking */

bool weir__inbox_take(weir_loop_t *loop) {
  weir__post_t *newest, *next, *oldest = NULL;

  if (weir__inbox_is_empty(loop)) return false;
  newest = atomic_exchange(&loop->posted, NULL);
  for (; newest; newest = next) {
    next = newest->next;
    newest->next = oldest;
    oldest = newest;
  }
  for (; oldest; oldest = next) {
    next = oldest->next;
    deliver(loop, oldest);
  }
  return true;
}

/* sleeping */

static unsigned state_of(const weir_loop_t *loop) {
  return atomic_load_explicit(&loop->gate, memory_order_relaxed) & STATE;
}

bool weir__inbox_look(const weir_loop_t *loop, uint64_t *until) {
  unsigned times;

  if (state_of(loop) != AWAKE || loop->spin_ns == 0) return !weir__inbox_is_empty(loop);
  if (*until == 0) *until = uv_hrtime() + loop->spin_ns;
  do {
    for (times = 0; times < LOOKS && weir__inbox_is_empty(loop);) weir__give_way(&times);
  } while (weir__inbox_is_empty(loop) && uv_hrtime() < *until);
  return !weir__inbox_is_empty(loop);
}

bool weir__inbox_is_awake(const weir_loop_t *loop) {
  return state_of(loop) == AWAKE;
}

void weir__inbox_sleep(weir_loop_t *loop) {
  unsigned gate;

  if (state_of(loop) != AWAKE) return;
  gate = atomic_fetch_sub(&loop->gate, AWAKE) - AWAKE;
  while (!weir__inbox_is_empty(loop) && (gate & STATE) == ASLEEP)
    if (atomic_compare_exchange_weak(&loop->gate, &gate, gate + AWAKE)) return;
}

static void on_async(uv_async_t *handle) {
  weir_loop_t *loop = WEIR__CONTAINER(handle, weir_loop_t, async);

  loop->wakeups++;
  atomic_fetch_sub(&loop->gate, NOTIFIED - AWAKE);
}

/* the loop's handle */

int weir__inbox_init(weir_loop_t *loop) {
  int err = uv_async_init(loop->uv, &loop->async, on_async);

  if (err) return err;
  loop->async.data = NULL;
  uv_unref((uv_handle_t *)&loop->async);
  loop->spin_ns = weir__has_company() ? SPIN_NS : 0;
  return 0;
}

void weir__inbox_await(weir_loop_t *loop) {
  if (loop->awaiting++ > 0 || loop->is_held) return;
  loop->is_held = true;
  uv_ref((uv_handle_t *)&loop->async);
}

void weir__inbox_settle(weir_loop_t *loop) {
  if (!loop->is_held || loop->awaiting > 0) return;
  loop->is_held = false;
  uv_unref((uv_handle_t *)&loop->async);
}

bool weir__inbox_is_closed(const weir_loop_t *loop) {
  return (atomic_load(&loop->gate) & STATE) == CLOSED;
}

void weir__inbox_close(weir_loop_t *loop) {
  unsigned times = 0;

  atomic_fetch_or(&loop->gate, CLOSED);
  while (atomic_load(&loop->gate) >= POSTER) weir__give_way(&times);
  weir__inbox_take(loop);
}

void weir_loop_set_spin(weir_loop_t *loop, uint64_t ns) {
  if (loop) loop->spin_ns = ns;
}
