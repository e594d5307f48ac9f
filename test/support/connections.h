/* Connections that weir_uv_accept gives, and what is at their other ends. */
#ifndef WEIR_TEST_CONNECTIONS_H
#define WEIR_TEST_CONNECTIONS_H

#include "drains.h"
#include "pipes.h"

enum { BACKLOG = 128 };

/* What is given away is closed, then freed: it is of the library's allocator. */
static inline void free_connection(uv_handle_t *handle) {
  library_free(handle);
}

static inline void connection_close(uv_stream_t *connection) {
  uv_close((uv_handle_t *)connection, free_connection);
}

static inline uv_stream_t *receive(weir_chan_t *ch) {
  uv_stream_t *connection = NULL;

  while (weir_chan_try_recv(ch, &connection) == UV_EAGAIN) turns(uv, 1);
  ck_assert_ptr_nonnull(connection);
  return connection;
}

/* The two ends belong together. */
static inline void ck_connected(uv_stream_t *connection, int far) {
  static size_t place;
  char *bytes = stamped(100, place);
  uv_buf_t buf = uv_buf_init(bytes, 100);
  size_t to = place + 100;

  ck_assert_int_eq(uv_try_write(connection, &buf, 1), 100);
  while (place < to) ck_assert(!far_pull(far, &place));
  free(bytes);
}

static inline void await_cut(int far) {
  turn_until(uv, far_is_cut(far));
  close(far);
}

/* All is over: nothing is left but what the listener may keep alive, until it is closed. */
static inline void finish(weir_chan_t *ch, near_t *listener) {
  weir_op_t op;

  weir_chan_unref(ch);
  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_uv_close(&op, &listener->handle, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  free(listener);
  ck_nothing_left();
}

#endif
