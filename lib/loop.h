/* The run queue of a loop, and what hangs on it. */
#ifndef WEIR_LIB_LOOP_H
#define WEIR_LIB_LOOP_H

#include <weir/loop.h>

#include "heap.h"
#include "queue.h"
#include "random.h"

typedef struct weir__scope_s weir__scope_t;

/* The states of an operation: idle ones are the caller's. */
enum { WEIR__IDLE, WEIR__PARKED, WEIR__RUNNABLE };

/* The part of a context that operations see: it stands first in every context. */
struct weir__scope_s {
  weir_loop_t *loop;
  weir__link_t ops;       /* parked under the context */
  weir__link_t abandoned; /* in the loop's list, once only operations hold it */
  bool is_plain;          /* used, referenced and not cancelled: operations start without a look */
  bool used;              /* an operation has been started under it */
  bool unreferenced;      /* only operations hold it, or did */
  int err;                /* 0 until it is cancelled */
  int cause;
};

struct weir_loop_s {
  uv_loop_t *uv;
  weir__link_t ready; /* runnable operations, by u.wait.link */
  size_t parked;
  uint64_t completions;
  weir__link_t abandoned; /* scopes that operations may still hold */
  weir__link_t marker; /* in the run queue: when it comes up, no operation holds the marked ones */
  weir__link_t marked;
  bool armed; /* the idle handle runs */
  bool in_callback, timers_changed, closing, closed;
  weir_op_t *awaited; /* by weir_op_wait */
  int awaited_status;
  uint32_t now_ms; /* of the current turn: since when an operation is parked */
  uint64_t wakeups, turns;

  weir__heap_t timers;
  bool is_virtual;
  uint64_t virtual_now; /* nanoseconds */

  weir__random_t random;
  weir_ctx_t *background;
  weir__link_t detached;                  /* contexts under no parent's cancellation */
  weir_ctx_t *cancelled, **cancelled_end; /* to be walked */
  weir_ctx_t *later;                      /* to be released after the walk */
  bool cancelling;
  weir_op_t *joins;     /* those that wait, a tree by number (join.c) */
  uint64_t join_number; /* of the one that was started last */
  weir__link_t channels;
  weir__link_t dying; /* contexts that are being freed */
  bool freeing;
  size_t channel_count, context_count;
  size_t refs; /* the attachment, its channels and its contexts */

  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_timer_t timer;
  uv_idle_t round; /* closes again and again while the loop closes (attach.c) */
  bool in_round;
  int rounds_left;
  /* set by the levels above */
  void (*leave_joins)(weir_op_t *op);
  void (*free_scope)(weir__scope_t *scope); /* that no operation holds, if nothing else does */
  void (*arm_timers)(weir_loop_t *loop);
  void (*before_poll)(weir_loop_t *loop);
  void (*on_drained)(weir_loop_t *loop);
  weir_loop_cb on_closed;
  void *on_closed_arg;
};

/* Prepares a zeroed loop: its queue and its uv handles. */
void weir__loop_init(weir_loop_t *loop, uv_loop_t *uv);

/* What is done once a turn of the uv loop: a drain, and what it has left. */
void weir__loop_turn(weir_loop_t *loop);

/* Makes the coming turn not block, and keeps the uv loop alive until it. */
void weir__loop_arm(weir_loop_t *loop);

/* Gives back a reference; the last one frees the loop. */
void weir__loop_unref(weir_loop_t *loop);

/* Whether runnable operations may hold a scope. */
static inline bool weir__scope_may_be_held(const weir__scope_t *scope) {
  const weir_loop_t *loop = scope->loop;

  return scope->used && (loop->in_callback || !weir__queue_empty(&loop->ready));
}

/* Frees the scope, which nothing references, once no operation holds it. */
void weir__scope_abandon(weir__scope_t *scope);

static inline bool weir__loop_is_drained(const weir_loop_t *loop) {
  return loop->parked == 0 && weir__queue_empty(&loop->ready) &&
         weir__queue_empty(&loop->abandoned);
}

static inline weir__scope_t *weir__scope(const weir_op_t *op) {
  return (weir__scope_t *)op->ctx;
}

static inline void weir__loop_push(weir_loop_t *loop, weir_op_t *op) {
  weir__queue_put(&loop->ready, &op->u.wait.link);
  if (!loop->armed) weir__loop_arm(loop);
}

#endif
