/*
 * Peers on this machine, which the test drives by plain calls that do not block:
 *
 *   wire      a stream of a loop, and a descriptor at its far end. Its bytes are stamped: what
 *             stands at each place of the stream is known.
 *   listener  a stream of a loop that is bound, and descriptors that dial it.
 *   deaf      a listener that accepts none, with a full backlog: whoever connects waits.
 *
 * And the ways in which something is cut short. Streams lie in memory of their own, so that it
 * shows when they are used too late.
 */
#ifndef WEIR_TEST_PEERS_H
#define WEIR_TEST_PEERS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "elsewhere.h"
#include "probe.h"
#include "support.h"

typedef enum { A_PIPE, A_TCP, WIRE_KINDS } wire_kind_t;

enum { WINDOW = 64 * 1024 }; /* of a TCP socket, asked for */

typedef union near_u {
  uv_handle_t handle;
  uv_stream_t stream;
  uv_tcp_t tcp;
  uv_pipe_t pipe;
} near_t;

typedef struct sockaddr_in address_t;

/* running */

static inline void turns(uv_loop_t *on, int n) {
  while (n-- > 0) uv_run(on, UV_RUN_NOWAIT);
}

#define turn_until(on, condition)                                                                  \
  do {                                                                                             \
    while (!(condition)) uv_run((on), UV_RUN_NOWAIT);                                              \
  } while (0)

static inline void turn_until_called(uv_loop_t *on, const probe_t *probe) {
  turn_until(on, probe->calls > 0);
}

/* sockets */

static inline int unblocked(int fd) {
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  return fd;
}

static inline void narrow(int fd) {
  int size = WINDOW;

  ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
  ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
}

static inline int socket_bound(address_t *address) {
  socklen_t size = sizeof(*address);
  int fd = socket(AF_INET, SOCK_STREAM, 0);

  ck_assert_int_ge(fd, 0);
  narrow(fd);
  *address = (address_t){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  ck_assert_int_eq(bind(fd, (struct sockaddr *)address, size), 0);
  ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &size), 0);
  return fd;
}

static inline int socket_listening(address_t *address) {
  int fd = socket_bound(address);

  ck_assert_int_eq(listen(fd, 128), 0);
  return fd;
}

/* Returns a connected descriptor: the connection waits in the listener's backlog. */
static inline int dial(const address_t *address) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);

  ck_assert_int_ge(fd, 0);
  narrow(fd);
  ck_assert_int_eq(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
  return unblocked(fd);
}

static inline void socket_pair(wire_kind_t kind, int fds[2]) {
  address_t address;
  int listener;

  if (kind == A_PIPE) {
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    unblocked(fds[1]);
    return;
  }
  listener = socket_listening(&address);
  fds[1] = dial(&address);
  fds[0] = accept(listener, NULL, NULL);
  ck_assert_int_ge(fds[0], 0);
  close(listener);
}

/* How many descriptors are open. */
static inline int descriptors(void) {
  int count = 0;

  for (int fd = 0; fd < 1024; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

/* streams of a loop */

static inline near_t *near_new(uv_loop_t *on, wire_kind_t kind) {
  near_t *near = calloc(1, sizeof(*near));

  if (kind == A_PIPE)
    ck_assert_int_eq(uv_pipe_init(on, &near->pipe, 0), 0);
  else
    ck_assert_int_eq(uv_tcp_init(on, &near->tcp), 0);
  return near;
}

static inline void near_free(uv_handle_t *handle) {
  free(handle);
}

/* For one that nothing of weir's uses any more. */
static inline void near_close(near_t *near) {
  uv_close(&near->handle, near_free);
}

typedef struct wire_s {
  near_t *near; /* by malloc */
  int far;
} wire_t;

static inline void wire_open_on(uv_loop_t *on, wire_t *wire, wire_kind_t kind) {
  int fds[2];

  signal(SIGPIPE, SIG_IGN);
  socket_pair(kind, fds);
  wire->near = near_new(on, kind);
  wire->far = fds[1];
  if (kind == A_PIPE)
    ck_assert_int_eq(uv_pipe_open(&wire->near->pipe, fds[0]), 0);
  else
    ck_assert_int_eq(uv_tcp_open(&wire->near->tcp, fds[0]), 0);
}

static inline void wire_open(wire_t *wire, wire_kind_t kind) {
  wire_open_on(uv, wire, kind);
}

static inline void wire_close(wire_t *wire) {
  near_close(wire->near);
  close(wire->far);
}

/* For one whose near end has been closed. */
static inline void wire_free(wire_t *wire) {
  free(wire->near);
  close(wire->far);
}

/* stamped bytes */

static inline char stamp_at(size_t place) {
  return (char)(place * 31 + (place >> 8) * 17 + (place >> 16) * 7);
}

static inline void stamp(char *bytes, size_t length, size_t from) {
  for (size_t i = 0; i < length; i++) bytes[i] = stamp_at(from + i);
}

/* By malloc. */
static inline char *stamped(size_t length, size_t from) {
  char *bytes = malloc(length);

  stamp(bytes, length, from);
  return bytes;
}

static inline bool is_stamped(const char *bytes, size_t length, size_t from) {
  for (size_t i = 0; i < length; i++)
    if (bytes[i] != stamp_at(from + i)) return false;
  return true;
}

/* the far end */

/* Writes up to `length` stamped bytes; returns how many have gone. */
static inline size_t far_push(int far, size_t length, size_t from) {
  char bytes[4096];
  size_t gone = 0;
  ssize_t n;

  do {
    size_t size = length - gone < sizeof(bytes) ? length - gone : sizeof(bytes);

    stamp(bytes, size, from + gone);
    n = write(far, bytes, size);
    if (n > 0) gone += (size_t)n;
  } while (n > 0 && gone < length);
  ck_assert(n >= 0 || errno == EAGAIN);
  return gone;
}

/* Reads what is there: stamped, from the place *place on. Returns whether it has ended. */
static inline bool far_pull(int far, size_t *place) {
  char bytes[16384];
  ssize_t n;

  while ((n = read(far, bytes, sizeof(bytes))) > 0) {
    ck_assert(is_stamped(bytes, (size_t)n, *place));
    *place += (size_t)n;
  }
  ck_assert(n == 0 || errno == EAGAIN);
  return n == 0;
}

/* Whether the other side is gone, one way or the other, with nothing left to be read. */
static inline bool far_is_cut(int far) {
  char byte;
  ssize_t n = read(far, &byte, 1);

  ck_assert_int_le(n, 0);
  return n == 0 || errno == ECONNRESET;
}

/* Closes it so that the near end gets ECONNRESET. */
static inline void far_reset(int far) {
  struct linger linger = {.l_onoff = 1};

  ck_assert_int_eq(setsockopt(far, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
  close(far);
}

/* listeners */

static inline near_t *listener_on(uv_loop_t *on, address_t *address) {
  int size = sizeof(*address);
  near_t *listener = near_new(on, A_TCP);

  signal(SIGPIPE, SIG_IGN);
  *address = (address_t){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  ck_assert_int_eq(uv_tcp_bind(&listener->tcp, (struct sockaddr *)address, 0), 0);
  ck_assert_int_eq(uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)address, &size), 0);
  return listener;
}

enum { CALLERS = 4 };

typedef struct deaf_s {
  int listener, callers[CALLERS];
  address_t address;
} deaf_t;

static inline void deaf_open(deaf_t *deaf) {
  deaf->listener = socket_bound(&deaf->address);
  ck_assert_int_eq(listen(deaf->listener, 0), 0);
  for (int i = 0; i < CALLERS; i++) {
    deaf->callers[i] = unblocked(socket(AF_INET, SOCK_STREAM, 0));
    connect(deaf->callers[i], (struct sockaddr *)&deaf->address, sizeof(deaf->address));
  }
}

static inline void deaf_close(deaf_t *deaf) {
  for (int i = 0; i < CALLERS; i++) close(deaf->callers[i]);
  close(deaf->listener);
}

/* What the library has allocated and the test is to free: its allocator counts. */
static inline void library_free(void *block) {
  weir_chunk_t chunk = {.base = block};

  weir_chunk_free(&chunk);
}

/* The ways to cut something short. Each is tried on a loop of its own, which is closed at
 * the end. */

typedef enum { BY_OP, BY_CONTEXT, BY_DEADLINE, BY_THREAD, BY_LOOP, WAYS } way_t;

typedef struct cut_s {
  own_t own;
  weir_ctx_t *ctx; /* for what is cut short */
  way_t way;
} cut_t;

static inline void cut_open(cut_t *cut, way_t way) {
  own_open(&cut->own);
  cut->way = way;
  if (way == BY_DEADLINE)
    cut->ctx = weir_ctx_with_timeout(cut->own.bg, 2);
  else
    cut->ctx = weir_ctx_with_cancel(cut->own.bg);
}

/* What is cut short ends so. */
static inline int cut_status(const cut_t *cut) {
  return cut->way == BY_DEADLINE ? UV_ETIMEDOUT : UV_ECANCELED;
}

static inline void cut_cancel(void *ctx) {
  weir_ctx_cancel(ctx);
}

/* Cuts: the context, or where only one operation is to be cut, `op`. */
static inline void cut_now(cut_t *cut, weir_op_t *op) {
  if (cut->way == BY_OP) ck_assert_int_eq(weir_op_cancel(op), 0);
  if (cut->way == BY_CONTEXT) weir_ctx_cancel(cut->ctx);
  if (cut->way == BY_THREAD) elsewhere(cut_cancel, cut->ctx);
  if (cut->way == BY_LOOP) weir_loop_close(cut->own.loop, own_on_closed, &cut->own);
}

/* Nothing of weir's is under way any more, and its loop is closed to its end. */
static inline void cut_finish(cut_t *cut) {
  if (cut->way == BY_LOOP) {
    own_await_closed(&cut->own);
    weir_ctx_unref(cut->ctx);
    return;
  }
  ck_assert_uint_eq(weir_run(cut->own.loop), 0);
  weir_ctx_unref(cut->ctx);
  own_close(&cut->own);
}

#endif
