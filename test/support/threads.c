#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char support_note[128];

void support_ensure_failed(const char *file, int line, const char *what, long long a, long long b) {
  fprintf(stderr, "%s:%d: failed: %s (%lld, %lld) %s\n", file, line, what, a, b, support_note);
  abort();
}

static void on_closed(void *arg) {
  *(bool *)arg = true;
}

static void close_loops(support_thread_t *thread) {
  bool closed = thread->loop == NULL;

  if (thread->loop) weir_loop_close(thread->loop, on_closed, &closed);
  uv_run(&thread->uv, UV_RUN_DEFAULT);
  ensure(closed);
  ensure_eq(uv_loop_close(&thread->uv), 0);
}

static void run(void *arg) {
  support_thread_t *thread = arg;

  thread->fn(thread, thread->arg);
  close_loops(thread);
}

void support_thread_start(support_thread_t *thread, support_thread_fn fn, void *arg) {
  *thread = (support_thread_t){.fn = fn, .arg = arg};
  ensure_eq(uv_loop_init(&thread->uv), 0);
  ensure_eq(weir_loop_new(&thread->loop, &thread->uv), 0);
  thread->bg = weir_loop_background(thread->loop);
  ensure_eq(uv_thread_create(&thread->id, run, thread), 0);
}

void support_thread_join(support_thread_t *thread) {
  ensure_eq(uv_thread_join(&thread->id), 0);
}

bool support_under_valgrind(void) {
  const char *preloaded = getenv("LD_PRELOAD");

  return preloaded && strstr(preloaded, "/vgpreload_");
}
