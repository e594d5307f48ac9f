/*
 * A caller is a thread without a loop that makes one blocking call, and notes what it returns.
 * Tests wait until it is really blocked: it stands in its channel's queue.
 */
#ifndef WEIR_TEST_CALLER_H
#define WEIR_TEST_CALLER_H

#include <sched.h>

#include "shared.h"
#include "threads.h"
#include "waiting.h"

typedef struct caller_s {
  weir_chan_t *ch;
  weir_case_t *cases; /* of a select */
  size_t n;
  int value;
  uint64_t timeout_ms;
  /* results */
  int status;
  size_t index;
  unsigned order; /* among those that have returned, from 1 */
  uv_thread_t id;
} caller_t;

static inline void caller_send(void *arg) {
  caller_t *caller = arg;

  caller->status = weir_chan_send_blocking(caller->ch, &caller->value, caller->timeout_ms);
}

static inline void caller_recv(void *arg) {
  caller_t *caller = arg;

  caller->status = weir_chan_recv_blocking(caller->ch, &caller->value, caller->timeout_ms);
}

static inline void caller_select(void *arg) {
  caller_t *caller = arg;

  caller->status =
      weir_select_blocking(caller->cases, caller->n, caller->timeout_ms, &caller->index);
}

static inline void caller_start(caller_t *caller, uv_thread_cb call) {
  caller->status = 77;
  ensure_eq(uv_thread_create(&caller->id, call, caller), 0);
}

/* Waits until n operations and calls wait in the channel's queues. */
static inline void await_waiting(weir_chan_t *ch, size_t n) {
  while (waiting_on(ch) != n) sched_yield();
}

/* Starts it, as the n-th that waits there. */
static inline void caller_block(caller_t *caller, uv_thread_cb call, weir_chan_t *ch, size_t n) {
  caller_start(caller, call);
  await_waiting(ch, n);
}

/* Waits for it, and returns its status. */
static inline int caller_join(caller_t *caller) {
  ensure_eq(uv_thread_join(&caller->id), 0);
  return caller->status;
}

#endif
