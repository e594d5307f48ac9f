/*
 * An intrusive, circular, doubly linked list. The head is a link of its own; an unlinked node has a
 * NULL `next`, so that a node can say whether it is in a list and taking it out needs no head.
 */
#ifndef WEIR_LIB_QUEUE_H
#define WEIR_LIB_QUEUE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include <weir/op.h>

/* For what must be compiled into its caller, where a constant argument takes most of it away. */
#if defined(__GNUC__)
#define WEIR__INLINE static inline __attribute__((always_inline))
#else
#define WEIR__INLINE static inline
#endif

/* For what must not, since its caller seldom needs it, and would save registers for it each time. */
#if defined(__GNUC__)
#define WEIR__APART static __attribute__((noinline))
#elif defined(_MSC_VER)
#define WEIR__APART static __declspec(noinline)
#else
#define WEIR__APART static
#endif

#define WEIR__CONTAINER(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void weir__queue_init(weir__link_t *head) {
  head->prev = head->next = head;
}

static inline bool weir__queue_empty(const weir__link_t *head) {
  return head->next == head;
}

static inline bool weir__linked(const weir__link_t *node) {
  return node->next != NULL;
}

/* For nodes of which something else says whether they are in a list: put and take do not
 * mark it. */

static inline void weir__queue_put(weir__link_t *head, weir__link_t *node) {
  node->next = head;
  node->prev = head->prev;
  head->prev->next = node;
  head->prev = node;
}

static inline void weir__queue_take(weir__link_t *node) {
  node->prev->next = node->next;
  node->next->prev = node->prev;
}

/* For the others, the links do. */

static inline void weir__queue_push(weir__link_t *head, weir__link_t *node) {
  assert(!weir__linked(node));
  weir__queue_put(head, node);
}

static inline void weir__unlink(weir__link_t *node) {
  assert(weir__linked(node));
  weir__queue_take(node);
  node->next = NULL;
}

static inline weir__link_t *weir__queue_pop(weir__link_t *head) {
  weir__link_t *node = head->next;
  if (node == head) return NULL;
  weir__unlink(node);
  return node;
}

/* Moves all nodes of `from` to the empty, uninitialised head `to`. */
static inline void weir__queue_splice(weir__link_t *from, weir__link_t *to) {
  weir__queue_init(to);
  if (weir__queue_empty(from)) return;
  *to = *from;
  to->next->prev = to->prev->next = to;
  weir__queue_init(from);
}

#endif
