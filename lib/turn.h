/* Operations that wait in a queue of their target's: wait groups, groups, semaphores. */
#ifndef WEIR_LIB_TURN_H
#define WEIR_LIB_TURN_H

#include "op.h"

/* Parks an op that has been started. */
static inline void weir__turn_park(weir__link_t *queue, weir_op_t *op, void *target, size_t wanted,
                                   const weir__kind_t *kind) {
  op->u.turn.target = target;
  op->u.turn.wanted = wanted;
  weir__queue_put(queue, &op->u.turn.link);
  weir__op_park(op, kind);
}

/* For a kind's unpark. */
static inline int weir__turn_leave(weir_op_t *op) {
  weir__queue_take(&op->u.turn.link);
  op->u.wait.index = 0;
  return 0;
}

/* The first in the queue, or NULL. */
static inline weir_op_t *weir__turn_first(const weir__link_t *queue) {
  return weir__queue_empty(queue) ? NULL : WEIR__CONTAINER(queue->next, weir_op_t, u.turn.link);
}

/* Completes a parked op. */
static inline void weir__turn_ready(weir_op_t *op, int status) {
  weir__turn_leave(op);
  weir__op_ready(op, status);
}

/* Completes all that are in the queue; no callback runs in between. */
static inline void weir__turn_ready_all(weir__link_t *queue, int status) {
  weir_op_t *op;

  while ((op = weir__turn_first(queue))) weir__turn_ready(op, status);
}

#endif
