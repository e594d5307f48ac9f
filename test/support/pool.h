/*
 * libuv's thread pool, filled with work that waits: what is queued after it stays queued. And work
 * whose start and end are the test's to say.
 */
#ifndef WEIR_TEST_POOL_H
#define WEIR_TEST_POOL_H

#include <stdatomic.h>
#include <stdlib.h>

#include "threads.h"

enum { POOL_MAX = 64 };

typedef struct pool_s {
  uv_loop_t uv; /* of its own */
  uv_sem_t busy, free;
  int size;
  uv_work_t works[POOL_MAX];
} pool_t;

static inline void pool_work(uv_work_t *work) {
  pool_t *pool = work->data;

  uv_sem_post(&pool->busy);
  uv_sem_wait(&pool->free);
}

/* Returns when each thread of the pool is taken. */
static inline void pool_fill(pool_t *pool) {
  const char *size = getenv("UV_THREADPOOL_SIZE");

  pool->size = size ? atoi(size) : 4; /* libuv's own default */
  ensure(pool->size > 0 && pool->size <= POOL_MAX);
  ensure_eq(uv_loop_init(&pool->uv), 0);
  uv_sem_init(&pool->busy, 0);
  uv_sem_init(&pool->free, 0);
  for (int i = 0; i < pool->size; i++) {
    pool->works[i].data = pool;
    ensure_eq(uv_queue_work(&pool->uv, &pool->works[i], pool_work, NULL), 0);
  }
  for (int i = 0; i < pool->size; i++) uv_sem_wait(&pool->busy);
}

static inline void pool_empty(pool_t *pool) {
  for (int i = 0; i < pool->size; i++) uv_sem_post(&pool->free);
  uv_run(&pool->uv, UV_RUN_DEFAULT);
  ensure_eq(uv_loop_close(&pool->uv), 0);
  uv_sem_destroy(&pool->busy);
  uv_sem_destroy(&pool->free);
}

/* For weir_work: says that it runs, and returns when it may. */
typedef struct task_s {
  uv_sem_t running, may_end;
  uv_thread_t thread;
  int calls;
} task_t;

static inline void task_init(task_t *task) {
  *task = (task_t){0};
  uv_sem_init(&task->running, 0);
  uv_sem_init(&task->may_end, 0);
}

static inline void task_run(void *arg) {
  task_t *task = arg;

  task->calls++;
  task->thread = uv_thread_self();
  uv_sem_post(&task->running);
  uv_sem_wait(&task->may_end);
}

static inline void task_await_running(task_t *task) {
  uv_sem_wait(&task->running);
}

static inline void task_let_end(task_t *task) {
  uv_sem_post(&task->may_end);
}

static inline void task_destroy(task_t *task) {
  uv_sem_destroy(&task->running);
  uv_sem_destroy(&task->may_end);
}

#endif
