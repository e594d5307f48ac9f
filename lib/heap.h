/* A radix heap of timers, ordered by deadline, then by the order of insertion. */
#ifndef WEIR_LIB_HEAP_H
#define WEIR_LIB_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "queue.h"

enum { WEIR__HEAP_LISTS = 64 };

typedef struct weir__heap_s {
  weir__link_t lists[WEIR__HEAP_LISTS];
  uint64_t bounds[WEIR__HEAP_LISTS]; /* none of the list is due before */
  uint64_t used;                     /* a bit for each list that is not empty */
  uint64_t base;
  size_t count;
} weir__heap_t;

void weir__heap_init(weir__heap_t *heap);

/* Inserts a timer. Returns whether the bound is an earlier one now. */
bool weir__heap_insert(weir__heap_t *heap, weir__timer_t *timer);

/* Removes a timer that is in the heap. */
void weir__heap_remove(weir__heap_t *heap, weir__timer_t *timer);

void weir__heap_clear(weir__heap_t *heap);

/* Removes and returns the next timer that is due at `now`, or NULL. `now` never goes back. */
weir__timer_t *weir__heap_pop(weir__heap_t *heap, uint64_t now);

/* No timer is due before; UINT64_MAX: there may be none. */
uint64_t weir__heap_bound(const weir__heap_t *heap);

/* The deadline of the next timer of a heap that is not empty: after a search. */
uint64_t weir__heap_next(weir__heap_t *heap);

/* One that is out of every heap has a NULL `next`; so it must start. */
static inline bool weir__timer_active(const weir__timer_t *timer) {
  return weir__linked(&timer->link);
}

#endif
