/* Handles that are closed by weir_uv_close, and freed by the first callback that says that they are
 * closed. */
#ifndef WEIR_TEST_CLOSERS_H
#define WEIR_TEST_CLOSERS_H

#include "peers.h"

/* A closer is an op that frees its handle when it has completed: who is the first, frees. */
typedef struct closer_s {
  probe_t probe; /* first */
  uv_handle_t **handle;
} closer_t;

static inline void free_handle(weir_op_t *op, int status) {
  closer_t *closer = (closer_t *)op;

  probe_note(op, status);
  free(*closer->handle);
  *closer->handle = NULL;
}

static inline void start_close_under(weir_ctx_t *ctx, closer_t *closer, uv_handle_t **handle) {
  probe_init(&closer->probe, ctx);
  closer->handle = handle;
  ck_assert_int_eq(weir_uv_close(&closer->probe.op, *handle, free_handle), 0);
  ck_not_completed(&closer->probe);
  ck_assert(uv_is_closing(*handle));
}

static inline void start_close(closer_t *closer, uv_handle_t **handle) {
  start_close_under(bg, closer, handle);
}

#define ck_closed(closer)                                                                          \
  do {                                                                                             \
    ck_completed(&(closer)->probe, 0);                                                             \
    ck_assert_ptr_null(*(closer)->handle);                                                         \
  } while (0)

#endif
