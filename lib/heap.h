/* A pairing heap of timers, ordered by deadline, then by the order of insertion. */
#ifndef WEIR_LIB_HEAP_H
#define WEIR_LIB_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "queue.h"

typedef struct weir__heap_s {
  weir__timer_t *root;
  size_t count;
  uint32_t seq;
} weir__heap_t;

void weir__heap_insert(weir__heap_t *heap, weir__timer_t *timer);

/* Removes a timer that is in the heap. */
void weir__heap_remove(weir__heap_t *heap, weir__timer_t *timer);

/* A timer that is out of every heap has a NULL `prev`; so it must start. */
static inline bool weir__timer_active(const weir__timer_t *timer) {
  return timer->prev != NULL;
}

#endif
