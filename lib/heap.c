/*
 * A pairing heap: intrusive, so that starting a timer cannot fail; insertion is one comparison, and
 * so is the removal of a timer that was never compared again, which is the life of most deadlines.
 *
 * Every node leads a list of children. A first child's `prev` is its parent, a later one's its
 * elder sibling, the root's the root itself: `prev->child == node` tells a first child from the
 * others.
 */
#include "heap.h"

static bool before(const weir__timer_t *a, const weir__timer_t *b) {
  if (a->deadline != b->deadline) return a->deadline < b->deadline;
  return (int32_t)(a->seq - b->seq) < 0;
}

/* Makes the later of two roots the first child of the earlier, which is returned. */
static weir__timer_t *meld(weir__timer_t *a, weir__timer_t *b) {
  if (before(b, a)) {
    weir__timer_t *swap = a;
    a = b;
    b = swap;
  }
  b->prev = a;
  b->next = a->child;
  if (b->next) b->next->prev = b;
  a->child = b;
  return a;
}

/* Melds a list of siblings: in pairs from left to right, then the pairs from right to left. */
static weir__timer_t *meld_siblings(weir__timer_t *first) {
  weir__timer_t *pairs = NULL, *root;

  while (first) {
    weir__timer_t *a = first, *b = a->next;
    first = b ? b->next : NULL;
    if (b) a = meld(a, b);
    a->next = pairs;
    pairs = a;
  }
  root = pairs;
  if (root) pairs = root->next;
  while (root && pairs) {
    weir__timer_t *next = pairs->next;
    root = meld(root, pairs);
    pairs = next;
  }
  return root;
}

static void set_root(weir__heap_t *heap, weir__timer_t *root) {
  heap->root = root;
  if (!root) return;
  root->prev = root;
  root->next = NULL;
}

void weir__heap_insert(weir__heap_t *heap, weir__timer_t *timer) {
  assert(!weir__timer_active(timer));
  timer->child = timer->next = NULL;
  timer->seq = heap->seq++;
  heap->count++;
  set_root(heap, heap->root ? meld(heap->root, timer) : timer);
}

static void cut(weir__timer_t *timer) {
  if (timer->prev->child == timer)
    timer->prev->child = timer->next;
  else
    timer->prev->next = timer->next;
  if (timer->next) timer->next->prev = timer->prev;
}

void weir__heap_remove(weir__heap_t *heap, weir__timer_t *timer) {
  weir__timer_t *orphans = meld_siblings(timer->child);

  assert(weir__timer_active(timer));
  heap->count--;
  if (timer == heap->root) {
    set_root(heap, orphans);
  } else {
    cut(timer);
    if (orphans) set_root(heap, meld(heap->root, orphans));
  }
  timer->prev = NULL;
}
