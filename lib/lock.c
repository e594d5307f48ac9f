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

enum { PAUSES = 100, YIELDS = 100, FIRST_PAUSES = 32, MOST_PAUSES = 256 };

static void pause_processor(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

void weir__yield_processor(void) {
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
    weir__yield_processor();
  else
    uv_sleep(1);
  ++*times;
}

bool weir__has_company(void) {
  static atomic_uint processors; /* 0: not asked yet */
  unsigned n = atomic_load_explicit(&processors, memory_order_relaxed);

  if (n == 0) {
    n = uv_available_parallelism();
    atomic_store_explicit(&processors, n, memory_order_relaxed);
  }
  return n > 1;
}

/*
 * Who finds the lock held stays away for a while, and longer the next time: the holder then goes on
 * undisturbed, with all it needs in its own cache, and does some ten operations in a row.
 */
void weir__lock_wait(weir__lock_t *lock) {
  unsigned times = 0, pauses = FIRST_PAUSES;

  do {
    for (unsigned i = 0; i < pauses; i++) pause_processor();
    if (pauses < MOST_PAUSES)
      pauses *= 2;
    else
      weir__give_way(&times);
  } while (atomic_load_explicit(&lock->held, memory_order_relaxed) || !weir__try_lock(lock));
}
