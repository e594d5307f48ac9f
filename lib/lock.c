/*
 * Waiting for a lock. Who holds it is done in some ten nanoseconds, unless its thread has lost the
 * processor: then it may be the waiting one's that it needs.
 */
#include "lock.h"

#include <uv.h>

#if defined(_WIN32)
#include <windows.h>
#else
#include <sched.h>
#endif

enum { PAUSES = 100, YIELDS = 100 };

static void pause_processor(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void yield_processor(void) {
#if defined(_WIN32)
  SwitchToThread();
#else
  sched_yield();
#endif
}

void weir__give_way(unsigned *times) {
  if (*times < PAUSES)
    pause_processor();
  else if (*times < PAUSES + YIELDS)
    yield_processor();
  else
    uv_sleep(1);
  ++*times;
}

void weir__lock_wait(weir__lock_t *lock) {
  unsigned times = 0;

  do {
    while (atomic_load_explicit(&lock->held, memory_order_relaxed)) weir__give_way(&times);
  } while (atomic_exchange_explicit(&lock->held, true, memory_order_acquire));
}
