/*
 * What another thread does to this one's loops: at once, or while a loop sleeps; and running a loop
 * until it has noticed.
 */
#ifndef WEIR_TEST_ELSEWHERE_H
#define WEIR_TEST_ELSEWHERE_H

#include "probe.h"
#include "threads.h"

typedef void (*elsewhere_fn)(void *arg);

/* Runs fn(arg) on another thread, to its end. */
static inline void elsewhere(elsewhere_fn fn, void *arg) {
  uv_thread_t id;

  ensure_eq(uv_thread_create(&id, fn, arg), 0);
  ensure_eq(uv_thread_join(&id), 0);
}

/* A thread that waits for a word, then calls fn(arg). */
typedef struct other_s {
  uv_thread_t id;
  uv_sem_t go;
  uv_prepare_t prepare;
  uv_idle_t idle;
  elsewhere_fn fn;
  void *arg;
} other_t;

static inline void other_main(void *arg) {
  other_t *other = arg;

  uv_sem_wait(&other->go);
  other->fn(other->arg);
}

static inline void other_start(other_t *other, elsewhere_fn fn, void *arg) {
  *other = (other_t){.fn = fn, .arg = arg};
  ensure_eq(uv_sem_init(&other->go, 0), 0);
  ensure_eq(uv_thread_create(&other->id, other_main, other), 0);
}

static inline void other_go(other_t *other) {
  uv_sem_post(&other->go);
}

static inline void other_join(other_t *other) {
  ensure_eq(uv_thread_join(&other->id), 0);
  uv_sem_destroy(&other->go);
}

static inline void other_on_idle(uv_idle_t *idle) {
  uv_idle_stop(idle);
}

/* uv_backend_timeout may say 0 and libuv sleep all the same: then the idle handle stops it. */
static inline void other_on_prepare(uv_prepare_t *prepare) {
  other_t *other = (other_t *)((char *)prepare - offsetof(other_t, prepare));

  if (uv_backend_timeout(prepare->loop) == 0) {
    uv_idle_start(&other->idle, other_on_idle);
    return;
  }
  uv_close((uv_handle_t *)&other->idle, NULL);
  uv_close((uv_handle_t *)prepare, NULL);
  other_go(other);
}

/* Gives it the word when the loop is about to sleep. The loop must then run, and sleep. */
static inline void other_go_when_asleep(other_t *other, uv_loop_t *sleeper) {
  uv_idle_init(sleeper, &other->idle);
  uv_prepare_init(sleeper, &other->prepare);
  uv_prepare_start(&other->prepare, other_on_prepare);
  uv_unref((uv_handle_t *)&other->idle);
  uv_unref((uv_handle_t *)&other->prepare);
}

/* A condition that a loop is run until; its handles keep the loop alive, but not awake. */
typedef bool (*until_fn)(void *arg);

typedef struct until_s {
  uv_prepare_t prepare;
  uv_check_t check;
  until_fn holds;
  void *arg;
} until_t;

static inline void until_on_prepare(uv_prepare_t *prepare) {
  until_t *until = (until_t *)((char *)prepare - offsetof(until_t, prepare));

  if (until->holds(until->arg)) uv_stop(prepare->loop);
}

static inline void until_on_check(uv_check_t *check) {
  until_t *until = (until_t *)((char *)check - offsetof(until_t, check));

  if (until->holds(until->arg)) uv_stop(check->loop);
}

static inline void run_until(uv_loop_t *sleeper, until_fn holds, void *arg) {
  until_t until = {.holds = holds, .arg = arg};

  uv_prepare_init(sleeper, &until.prepare);
  uv_check_init(sleeper, &until.check);
  uv_prepare_start(&until.prepare, until_on_prepare);
  uv_check_start(&until.check, until_on_check);
  while (!holds(arg)) uv_run(sleeper, UV_RUN_DEFAULT);
  uv_close((uv_handle_t *)&until.prepare, NULL);
  uv_close((uv_handle_t *)&until.check, NULL);
  uv_run(sleeper, UV_RUN_NOWAIT); /* until has been let go of */
}

static inline bool ctx_is_done(void *ctx) {
  return weir_ctx_err(ctx) != 0;
}

static inline bool probe_was_called(void *probe) {
  return ((const probe_t *)probe)->calls > 0;
}

static inline void run_until_done(uv_loop_t *sleeper, weir_ctx_t *ctx) {
  run_until(sleeper, ctx_is_done, ctx);
}

static inline void run_until_called(uv_loop_t *sleeper, probe_t *probe) {
  run_until(sleeper, probe_was_called, probe);
}

#endif
