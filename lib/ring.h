/*
 * A list of links without a head of its own: whoever has it points to the first, or to NULL. To
 * take one out needs that pointer; it may be another list's, if the node is not the first of that.
 */
#ifndef WEIR_LIB_RING_H
#define WEIR_LIB_RING_H

#include "queue.h"

/* Puts an unlinked node at the end. */
static inline void weir__ring_push(weir__link_t **first, weir__link_t *node) {
  assert(!weir__linked(node));
  if (*first) {
    weir__queue_put(*first, node);
  } else {
    weir__queue_init(node);
    *first = node;
  }
}

/* Takes one out, and leaves its links as they are. */
static inline void weir__ring_take(weir__link_t **first, weir__link_t *node) {
  if (*first == node) *first = node->next == node ? NULL : node->next;
  weir__queue_take(node);
}

/* Moves all nodes to the uninitialised head `to`. */
static inline void weir__ring_splice(weir__link_t **first, weir__link_t *to) {
  weir__queue_init(to);
  if (*first) weir__queue_put(*first, to);
  *first = NULL;
}

#endif
