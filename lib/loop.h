/* The run queue of a loop, and what hangs on it. */
#ifndef WEIR_LIB_LOOP_H
#define WEIR_LIB_LOOP_H

#include <weir/loop.h>

#include "heap.h"
#include "lock.h"
#include "queue.h"
#include "random.h"

/* The states of an operation: idle ones are the caller's. */
enum {
  WEIR__IDLE,
  WEIR__PARKED,
  WEIR__BUSY,    /* claimed, for a moment: to happen, or to go on waiting */
  WEIR__CLAIMED, /* has happened, and is on its way to its loop */
  WEIR__RUNNABLE
};

/*
 * What becomes of a scope: PLAIN while it is used, referenced and not cancelled, so that operations
 * start without a look; LOOK before and between; and once cancelled, its err (below 0) in the low
 * half and the cause in the high half.
 */
enum { WEIR__PLAIN, WEIR__LOOK };

/*
 * The part of a context that operations see: it stands first in every context. What is held has
 * children or is being cancelled; what is not may be abandoned. So both share their place, and
 * weir__ctx_hold, which takes a scope out of the list, makes the one of the other.
 */
struct weir__scope_s {
  weir_loop_t *loop;
  _Atomic(uint64_t) fate;
  weir__link_t ops; /* parked under the context */
  union {
    weir__link_t abandoned;   /* held = 0: in the loop's list, once only operations hold it */
    struct {                  /* held > 0 */
      weir__link_t *children; /* that a cancellation reaches, a ring by `sibling` */
      weir_ctx_t *next;       /* in the loop's `cancelled` */
    };
  };
  weir__post_t post;   /* to its loop */
  uint32_t held;       /* by its loop: children, and what goes on with it */
  atomic_uchar posted; /* what for (ctx.c) */
  bool used;           /* an operation has been started under it */
  bool unreferenced;   /* only operations hold it, or did; held = 0 */
  bool is_walked;      /* a cancellation has reached it, or is about to */
};

/* First in, first out. */
typedef struct weir__posts_s {
  weir__post_t *first, *last;
} weir__posts_t;

typedef struct weir__thread_s {
  weir_loop_t *loop;    /* whose turn, or visit, the thread is in */
  weir__posts_t outbox; /* posted when that ends */
  unsigned visits;      /* under way */
  void (*after)(void);  /* does what must wait until none is, if there is anything */
} weir__thread_t;

/*
 * Found by an instruction, not by a call, also from a shared library: at the price of a place in
 * what glibc sets aside for those that are loaded late. Others have none to spare.
 */
#if defined(__GNUC__) && defined(__GLIBC__)
#define WEIR__NEAR __attribute__((tls_model("initial-exec")))
#else
#define WEIR__NEAR
#endif

extern _Thread_local weir__thread_t weir__thread WEIR__NEAR;

struct weir_loop_s {
  uv_loop_t *uv;
  _Atomic(const void *) owner; /* the thread that the loop belongs to */
  weir__link_t ready;          /* runnable operations, by u.wait.link */
  size_t parked;
  size_t requests; /* of uv, that are under way */
  size_t awaiting; /* parked ones that other threads may make happen */
  bool is_held;    /* the async handle keeps the uv loop alive for them */
  uint64_t spin_ns;
  unsigned misses; /* looks in a row, taken or not, that nobody has answered */
  unsigned budget; /* of completions, until the next look at I/O */
  uint64_t completions;
  weir__link_t abandoned; /* scopes that operations may still hold */
  weir_op_t marker; /* in the run queue: when it comes up, no operation holds the marked ones */
  weir__link_t marked;
  bool armed; /* the idle handle runs */
  bool in_callback, timers_changed, closing, closed;
  weir_op_t *awaited; /* by weir_op_wait */
  int awaited_status;
  uint32_t now_ms; /* of the current turn: since when an operation is parked */
  uint64_t wakeups, turns;

  weir__heap_t timers;
  bool has_timed; /* a timer has been started */
  bool is_virtual;
  uint64_t virtual_now; /* nanoseconds */

  weir__random_t random;
  weir_ctx_t *background;
  weir__link_t detached;                  /* contexts under no parent's cancellation */
  weir_ctx_t *cancelled, **cancelled_end; /* to be walked */
  struct weir__kind_ctx_s *later;         /* to be released after the walk */
  weir__link_t after_walk;                /* hooks to be fired then */
  bool cancelling;
  weir_op_t *joins;     /* those that wait, a tree by number (join.c) */
  uint64_t join_number; /* of the one that was started last */
  weir__link_t channels;
  size_t channel_count, context_count;
  size_t refs; /* the attachment, its channels and its contexts */
  char *spare; /* what streams are read into (uv/read.c), or NULL */

  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_timer_t timer;
  uv_async_t async;
  uv_idle_t round; /* closes again and again while the loop closes (attach.c) */
  bool in_round;
  int rounds_left;
  /* set by the levels above */
  void (*deliver_op)(weir_op_t *op);
  void (*deliver_scope)(weir__scope_t *scope);
  void (*leave_joins)(weir_op_t *op);
  void (*free_scope)(weir__scope_t *scope); /* that no operation holds, if nothing else does */
  void (*arm_timers)(weir_loop_t *loop);
  void (*before_poll)(weir_loop_t *loop);
  void (*on_drained)(weir_loop_t *loop);
  weir_loop_cb on_closed;
  void *on_closed_arg;

  /* what other threads write, away from the rest */
  unsigned char apart[WEIR__CACHE_LINE];
  _Atomic(weir__post_t *) posted; /* the inbox, newest first */
  atomic_uint gate;
  weir__lock_t handover;
};

/* Prepares a zeroed loop: its queue and its uv handles. */
int weir__loop_init(weir_loop_t *loop, uv_loop_t *uv);

/* What is done once a turn of the uv loop: a drain, and what it has left. */
void weir__loop_turn(weir_loop_t *loop);

/* The calling thread is the one that the loop belongs to from now on. */
void weir__loop_take_over(weir_loop_t *loop);

/*
 * A thread is in a loop's turn between begin and end: what it posts to other loops waits for the
 * end. Returns the loop that it is in the turn of already, or NULL.
 */
weir_loop_t *weir__loop_begin(weir_loop_t *loop);
void weir__loop_end(weir_loop_t *before);

/*
 * A visit, for what may be called from any thread. Returns whether the calling thread may use all
 * of the loop until weir__loop_leave: as its owner, or because it is closed.
 */
bool weir__loop_visit(weir_loop_t *loop);
void weir__loop_end_visit(weir_loop_t *loop, weir_loop_t *before);

static inline bool weir__loop_enter(weir_loop_t *loop, weir_loop_t **before) {
  *before = weir__thread.loop;
  return *before == loop || weir__loop_visit(loop);
}

static inline void weir__loop_leave(weir_loop_t *loop, weir_loop_t *before) {
  if (before != loop) weir__loop_end_visit(loop, before);
}

/* Makes the coming turn not block, and keeps the uv loop alive until it. */
void weir__loop_arm(weir_loop_t *loop);

/*
 * Makes the uv loop turn once more for what has been posted, which alone does not keep it alive.
 * Returns whether it will.
 */
bool weir__loop_arm_for_posts(weir_loop_t *loop);

/* Gives back a reference; the last one frees the loop. */
void weir__loop_unref(weir_loop_t *loop);

static inline int weir__scope_err(const weir__scope_t *scope) {
  int32_t low = (int32_t)atomic_load_explicit(&scope->fate, memory_order_acquire);

  return low < 0 ? low : 0;
}

/* Whether runnable operations may hold a scope. */
static inline bool weir__scope_may_be_held(const weir__scope_t *scope) {
  const weir_loop_t *loop = scope->loop;

  return scope->used && !loop->closed && (loop->in_callback || !weir__queue_empty(&loop->ready));
}

/* Frees the scope, which nothing references, once no operation holds it. */
void weir__scope_abandon(weir__scope_t *scope);

static inline bool weir__loop_is_drained(const weir_loop_t *loop) {
  return loop->parked == 0 && loop->requests == 0 && weir__queue_empty(&loop->ready) &&
         weir__queue_empty(&loop->abandoned);
}

static inline weir__scope_t *weir__scope(const weir_op_t *op) {
  return (weir__scope_t *)op->ctx;
}

static inline unsigned weir__op_state(const weir_op_t *op) {
  return atomic_load_explicit(&op->state, memory_order_relaxed);
}

static inline void weir__op_set_state(weir_op_t *op, unsigned state) {
  atomic_store_explicit(&op->state, (uint16_t)state, memory_order_relaxed);
}

static inline int weir__op_result(const weir_op_t *op) {
  return atomic_load_explicit(&op->status, memory_order_relaxed);
}

static inline void weir__op_set_result(weir_op_t *op, int status) {
  atomic_store_explicit(&op->status, status, memory_order_relaxed);
}

static inline void weir__loop_adopt(weir_loop_t *loop) {
  if (atomic_load_explicit(&loop->owner, memory_order_relaxed) != &weir__thread)
    weir__loop_take_over(loop);
}

#endif
