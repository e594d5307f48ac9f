/*
 * A spin lock, held for a few instructions at a time (a loop's `handover` for the length of a
 * visit), and never while user code runs. To unlock is one store, after which the lock's memory may
 * go.
 */
#ifndef WEIR_LIB_LOCK_H
#define WEIR_LIB_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct weir__lock_s {
  atomic_bool held;
} weir__lock_t;

enum { WEIR__CACHE_LINE = 64 };

/* Lets another thread have the processor, if one waits for it. */
void weir__yield_processor(void);

/* Gives way, the more so the more often it has: `times` counts. */
void weir__give_way(unsigned *times);

/* Whether there is another processor, on which what is waited for may go on. */
bool weir__has_company(void);

void weir__lock_wait(weir__lock_t *lock);

static inline void weir__lock(weir__lock_t *lock) {
  if (atomic_exchange_explicit(&lock->held, true, memory_order_acquire)) weir__lock_wait(lock);
}

static inline bool weir__try_lock(weir__lock_t *lock) {
  return !atomic_exchange_explicit(&lock->held, true, memory_order_acquire);
}

static inline void weir__unlock(weir__lock_t *lock) {
  atomic_store_explicit(&lock->held, false, memory_order_release);
}

#endif
