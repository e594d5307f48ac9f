/* A semaphore, and probes that acquire permits of it. */
#ifndef WEIR_TEST_SEMS_H
#define WEIR_TEST_SEMS_H

#include "probe.h"
#include "support.h"

static weir_sem_t *sem;

static inline void new_sem(size_t permits) {
  sem = weir_sem_new(loop, permits);
  ck_assert_ptr_nonnull(sem);
}

static inline void acquire_under(weir_ctx_t *ctx, probe_t *probe, size_t n) {
  probe_init(probe, ctx);
  ck_assert_int_eq(weir_sem_acquire(&probe->op, sem, n, probe_note), 0);
  ck_not_completed(probe);
}

static inline void acquire(probe_t *probe, size_t n) {
  acquire_under(bg, probe, n);
}

static inline void acquire_now(size_t n) {
  ck_assert_int_eq(weir_sem_try_acquire(sem, n), 0);
}

static inline void release(size_t n) {
  ck_assert_int_eq(weir_sem_release(sem, n), 0);
}

static inline void run_with(size_t parked) {
  ck_assert_uint_eq(weir_run(loop), parked);
}

/* Nobody waits, and of `permits` so many are free. */
static inline void ck_free(size_t free, size_t permits) {
  acquire_now(free);
  ck_assert_int_eq(weir_sem_try_acquire(sem, 1), permits > 0 ? UV_EAGAIN : UV_EINVAL);
  release(free);
  ck_assert_int_eq(weir_sem_release(sem, permits - free + 1), UV_EINVAL);
}

#endif
