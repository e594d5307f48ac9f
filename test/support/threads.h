/*
 * Loops on threads of their own, for tests of what crosses threads. The fixture's loop stays with
 * the test's own thread.
 *
 *   static void work(support_thread_t *thread, void *arg) { .. weir_run(thread->loop); .. }
 *
 *   support_thread_start(&thread, work, &arg);
 *   ..
 *   support_thread_join(&thread);
 */
#ifndef WEIR_TEST_THREADS_H
#define WEIR_TEST_THREADS_H

#include <weir.h>

/*
 * An assertion for any thread, and for loops that run often: Check's own belong to the test's
 * thread. When it fails, the program says why, with support_note, and aborts.
 */
#define ensure(condition)                                                                          \
  ((condition) ? (void)0 : support_ensure_failed(__FILE__, __LINE__, #condition, 0, 0))

/* The same of two integers, which it shows. */
#define ensure_eq(a, b) support_ensure_eq(__FILE__, __LINE__, #a " == " #b, (a), (b))

_Noreturn void support_ensure_failed(const char *file, int line, const char *what, long long a,
                                     long long b);

static inline void support_ensure_eq(const char *file, int line, const char *what, long long a,
                                     long long b) {
  if (a != b) support_ensure_failed(file, line, what, a, b);
}

/* What a failure is to say besides, such as a seed. */
extern char support_note[128];

typedef struct support_thread_s support_thread_t;
typedef void (*support_thread_fn)(support_thread_t *thread, void *arg);

/* `loop` and `bg` are there from the start on; they belong to the new thread. */
struct support_thread_s {
  uv_loop_t uv;
  weir_loop_t *loop; /* a function that closes it sets it to NULL */
  weir_ctx_t *bg;
  /* private */
  uv_thread_t id;
  support_thread_fn fn;
  void *arg;
};

/* Makes a uv loop with weir attached, and a thread that runs fn(thread, arg), then closes both. */
void support_thread_start(support_thread_t *thread, support_thread_fn fn, void *arg);

/* Waits for the thread's end. Its loops have been closed and have left nothing behind. */
void support_thread_join(support_thread_t *thread);

/* Whether valgrind runs the program: it runs one thread at a time, and each much slower. */
bool support_under_valgrind(void);

#endif
