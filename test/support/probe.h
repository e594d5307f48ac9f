/*
 * A probe is an op that notes how it completed. An own loop is one beside the fixture's, for a test
 * that closes it.
 */
#ifndef WEIR_TEST_PROBE_H
#define WEIR_TEST_PROBE_H

#include <check.h>
#include <weir.h>

typedef struct probe_s {
  weir_op_t op; /* first, so that an op's callback finds its probe */
  int calls;
  int status;
  size_t index;
  unsigned order; /* among the completions of all probes, from 1 */
} probe_t;

static unsigned probe_count;

static inline void probe_note(weir_op_t *op, int status) {
  probe_t *probe = (probe_t *)op;

  probe->calls++;
  probe->status = status;
  probe->index = weir_op_index(op);
  probe->order = ++probe_count;
}

/* A macro, so that weir_dump names the place of the test. */
#define probe_init(probe, ctx) (*(probe) = (probe_t){0}, weir_op_init(&(probe)->op, (ctx)))

/* The probe has completed once, and so. */
#define ck_completed(probe, wanted)                                                                \
  do {                                                                                             \
    ck_assert_int_eq((probe)->calls, 1);                                                           \
    ck_assert_int_eq((probe)->status, (wanted));                                                   \
    ck_assert(!weir_op_pending(&(probe)->op));                                                     \
  } while (0)

#define ck_not_completed(probe)                                                                    \
  do {                                                                                             \
    ck_assert_int_eq((probe)->calls, 0);                                                           \
    ck_assert(weir_op_pending(&(probe)->op));                                                      \
  } while (0)

typedef struct own_s {
  uv_loop_t uv;
  weir_loop_t *loop;
  weir_ctx_t *bg;
  int closed;
} own_t;

static inline void own_open(own_t *own) {
  *own = (own_t){0};
  ck_assert_int_eq(uv_loop_init(&own->uv), 0);
  ck_assert_int_eq(weir_loop_new(&own->loop, &own->uv), 0);
  own->bg = weir_loop_background(own->loop);
}

static inline void own_on_closed(void *arg) {
  ((own_t *)arg)->closed++;
}

/* Lets a close that has begun come to its end, and checks that nothing is left behind. */
static inline void own_await_closed(own_t *own) {
  uv_run(&own->uv, UV_RUN_DEFAULT);
  ck_assert_int_eq(own->closed, 1);
  ck_assert_int_eq(uv_loop_close(&own->uv), 0);
}

static inline void own_close(own_t *own) {
  weir_loop_close(own->loop, own_on_closed, own);
  own_await_closed(own);
}

/* Spins until the clock has passed `ms` milliseconds: a test's way of being slow. */
static inline void be_busy(uint64_t ms) {
  uint64_t end = uv_hrtime() + ms * 1000000;

  while (uv_hrtime() < end) continue;
}

#endif
