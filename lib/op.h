/* How an operation starts, parks, and becomes runnable. */
#ifndef WEIR_LIB_OP_H
#define WEIR_LIB_OP_H

#include <stdio.h>

#include <weir/op.h>

#include "loop.h"

/* What an operation is parked as. */
struct weir__kind_s {
  const char *verb;
  int (*unpark)(weir_op_t *op);                /* takes it out of what it waits in, or refuses */
  int (*interrupt)(weir_op_t *op, int status); /* instead, where that takes time; or NULL */
  void (*describe)(weir_op_t *op, FILE *out);  /* what it waits for */
  void (*chosen)(weir_op_t *op, weir_case_t *chosen); /* select: this case happens */
  void (*leave)(weir_op_t *op);                       /* after a claim, on its loop; or NULL */
  weir_case_t *(*cases)(weir_op_t *op, size_t *n);    /* at channels: what it waits there with */
  bool is_contended;                                  /* other threads may make it happen */
  bool keeps_destination;                             /* at the end of the channel */
  bool hidden;                                        /* waits for nothing: not counted or shown */
};

/* An accepted start under a cancelled context, which has completed. */
enum { WEIR__COMPLETED = 1 };

/* The joins that an op stands in hear that it completes. */
void weir__op_leave_joins(weir_op_t *op);

/* Puts an op into the run queue of a loop that is armed. */
WEIR__INLINE void weir__op_queue(weir_loop_t *loop, weir_op_t *op, int status) {
  weir__op_set_state(op, WEIR__RUNNABLE);
  weir__op_set_result(op, status);
  weir__queue_put(&loop->ready, &op->u.wait.link);
}

static inline void weir__op_push(weir_op_t *op, int status) {
  weir_loop_t *loop = weir__scope(op)->loop;

  weir__op_queue(loop, op, status);
  if (!loop->armed) weir__loop_arm(loop);
}

/* Completes an op that has just started; `index` is what weir_op_index will say. */
static inline void weir__op_complete(weir_op_t *op, int status, size_t index) {
  op->u.wait.index = (uint32_t)index;
  weir__op_push(op, status);
}

static inline void weir__op_leave_scope(weir_loop_t *loop, weir_op_t *op) {
  weir__queue_take(&op->parked);
  assert(loop->parked > 0);
  loop->parked--;
}

/* Completes a parked op. What it waited in has let go of it, and has noted the index. */
static inline void weir__op_ready(weir_op_t *op, int status) {
  weir__scope_t *scope = weir__scope(op);

  weir__op_leave_scope(scope->loop, op);
  if (scope->unreferenced) weir__scope_abandon(scope);
  weir__op_push(op, status);
}

/*
 * Claims a parked op, which others may be about to claim, too: for good as WEIR__CLAIMED; or as
 * WEIR__BUSY, to complete it or give it back without waiting for anything, since others wait for
 * that. False: it is another's.
 */
bool weir__op_claim(weir_op_t *op, unsigned as);

static inline void weir__op_unclaim(weir_op_t *op) {
  atomic_store_explicit(&op->state, WEIR__PARKED, memory_order_release);
}

/*
 * Whether an op of that loop may start and complete without a look at anything else: it is idle, its
 * context is in use and not cancelled, and the loop is this thread's and armed.
 */
static inline bool weir__op_is_at_hand(const weir_op_t *op, const weir_loop_t *loop) {
  const weir__scope_t *scope = op ? weir__scope(op) : NULL;

  return scope && scope->loop == loop && weir__op_state(op) == WEIR__IDLE &&
         atomic_load_explicit(&scope->fate, memory_order_relaxed) == WEIR__PLAIN &&
         atomic_load_explicit(&loop->owner, memory_order_relaxed) == &weir__thread && loop->armed;
}

/* The rest of weir__op_start for a scope that is not plain. */
int weir__op_start_with_a_look(weir_op_t *op);

/*
 * Starts an op. Returns 0: the caller goes on; WEIR__COMPLETED: the context is cancelled, and the
 * op has completed so; or a negative code: nothing has started.
 */
static inline int weir__op_start(weir_op_t *op, weir_op_cb cb) {
  if (!op || !op->ctx) return UV_EINVAL;
  if (weir__op_state(op) != WEIR__IDLE) return UV_EBUSY;
  op->cb = cb;
  weir__loop_adopt(weir__scope(op)->loop);
  if (atomic_load_explicit(&weir__scope(op)->fate, memory_order_relaxed) == WEIR__PLAIN) return 0;
  return weir__op_start_with_a_look(op);
}

/*
 * Starts what has to be done under a cancelled context, too. Returns 0 or a negative code.
 */
int weir__op_start_anyway(weir_op_t *op, weir_op_cb cb);

/* What a public call returns for weir__op_start's refusal or completion. */
static inline int weir__op_accepted(int started) {
  return started > 0 ? 0 : started;
}

static inline void weir__op_park(weir_op_t *op, const weir__kind_t *kind) {
  weir__scope_t *scope = weir__scope(op);
  weir_loop_t *loop = scope->loop;

  op->kind = kind;
  weir__op_set_state(op, WEIR__PARKED);
  weir__op_set_result(op, (int32_t)loop->now_ms);
  weir__queue_put(&scope->ops, &op->parked);
  loop->parked++;
}

/*
 * Takes a parked op out of what it waits in and completes it, or sees to it that it will complete
 * with `status`: 0, or what unpark refuses with.
 */
static inline int weir__op_interrupt(weir_op_t *op, int status) {
  int err;

  if (op->kind->interrupt) return op->kind->interrupt(op, status);
  err = op->kind->unpark(op);
  if (err == 0) weir__op_ready(op, status);
  return err;
}

/* Ends a pending op without its callback: 0, or what unpark refuses with. */
int weir__op_abandon(weir_op_t *op);

/* An op that was claimed, perhaps by another thread, has arrived at its loop. */
void weir__op_deliver(weir_op_t *op);

#endif
