/* Functions for weir_pipe_work on pieces, which count their calls, and may wait at a gate. */
#ifndef WEIR_TEST_WORKS_H
#define WEIR_TEST_WORKS_H

#include "pipe_trials.h"
#include "pool.h"

static struct {
  atomic_int calls, running, most, ended;
  uv_sem_t gate;
} works;

static inline void works_reset(void) {
  atomic_store(&works.calls, 0);
  atomic_store(&works.running, 0);
  atomic_store(&works.most, 0);
  atomic_store(&works.ended, 0);
}

/* For tests of gated calls, before and after. */
static inline void gate_make(void) {
  works_reset();
  ck_assert_int_eq(uv_sem_init(&works.gate, 0), 0);
}

static inline void gate_destroy(void) {
  uv_sem_destroy(&works.gate);
}

static inline void gate_open(int calls) {
  for (int i = 0; i < calls; i++) uv_sem_post(&works.gate);
}

static inline void work_enter(void) {
  int running = atomic_fetch_add(&works.running, 1) + 1, most = atomic_load(&works.most);

  atomic_fetch_add(&works.calls, 1);
  while (running > most && !atomic_compare_exchange_weak(&works.most, &most, running)) continue;
}

static inline void work_leave(void) {
  atomic_fetch_sub(&works.running, 1);
  atomic_fetch_add(&works.ended, 1);
}

/* The piece itself. */
static inline int work_move(void *out, void *in, void *arg) {
  (void)arg;
  work_enter();
  memcpy(out, in, sizeof(piece_t));
  work_leave();
  return 0;
}

/* The same, after some time that is each piece's own. */
static inline int work_unsteadily(void *out, void *in, void *arg) {
  uint64_t end = uv_hrtime() + (uint64_t)((piece_t *)in)->number * 7919 % 50 * 1000;

  (void)arg;
  work_enter();
  while (uv_hrtime() < end) continue;
  memcpy(out, in, sizeof(piece_t));
  work_leave();
  return 0;
}

/* The same, when the gate lets it pass. */
static inline int work_gated(void *out, void *in, void *arg) {
  (void)arg;
  work_enter();
  uv_sem_wait(&works.gate);
  memcpy(out, in, sizeof(piece_t));
  work_leave();
  return 0;
}

/* Runs the loop, without waiting in it, until so many calls run; and some turns more. */
static inline void await_running(int calls) {
  while (atomic_load(&works.running) < calls) uv_run(uv, UV_RUN_NOWAIT);
  for (int i = 0; i < 50; i++) uv_run(uv, UV_RUN_NOWAIT);
  ck_assert_int_eq(atomic_load(&works.running), calls);
}

#endif
