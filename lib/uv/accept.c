/*
 * weir_uv_accept. libuv tells of a connection, and of the next one only when that has been
 * accepted: so one is not, while the one before waits to be received. Nor is it while there is no
 * memory for it: it waits in the listener, and the others in the backlog.
 */
#include <weir/uv.h>

#include "../mem.h"
#include "../op.h"
#include "events.h"
#include "handles.h"

enum { REST_MS = 10 }; /* until memory is asked for again */

typedef struct connection_s {
  union {
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } uv; /* first: its address is what is given away, and freed */
  weir_loop_t *loop;
  weir__round_t round;
} connection_t;

typedef struct acceptor_s {
  weir__source_t source;
  weir__user_t user;
  int backlog;
  bool is_busy;  /* sends, or rests */
  bool has_more; /* a connection that has not been accepted */
  connection_t *connection;
} acceptor_t;

/* connections */

static connection_t *connection_new(weir_loop_t *loop, uv_handle_type type) {
  connection_t *connection = weir__calloc(1, sizeof(*connection));

  if (!connection) return NULL;
  connection->loop = loop;
  if (type == UV_NAMED_PIPE)
    uv_pipe_init(loop->uv, &connection->uv.pipe, 0);
  else
    uv_tcp_init(loop->uv, &connection->uv.tcp);
  return connection;
}

/* A loop that closes has waited for it. */
static void connection_free(connection_t *connection) {
  if (connection->loop) {
    connection->loop->requests--;
    weir__loop_arm(connection->loop);
  }
  weir__free(connection);
}

static void on_closed(uv_handle_t *handle) {
  connection_free((connection_t *)handle);
}

static void on_rounds_over(weir__round_t *round) {
  connection_free(WEIR__CONTAINER(round, connection_t, round));
}

/* A host may have closed all handles that it has found. */
static void connection_drop(connection_t *connection) {
  uv_handle_t *handle = (uv_handle_t *)&connection->uv.stream;

  if (connection->loop->closed)
    connection->loop = NULL;
  else
    connection->loop->requests++;
  if (uv_is_closing(handle))
    weir__round_start(&connection->round, handle->loop, on_rounds_over);
  else
    uv_close(handle, on_closed);
}

static void drop_value(void *value) {
  connection_drop(*(connection_t **)value);
}

/* accepting */

static uv_stream_t *listener_of(const acceptor_t *acceptor) {
  return (uv_stream_t *)acceptor->user.handle;
}

/* 0, UV_EAGAIN if there is none, UV_ENOMEM, or its error. */
static int accept_one(acceptor_t *acceptor) {
  uv_stream_t *listener = listener_of(acceptor);
  connection_t *connection =
      connection_new(weir_ctx_loop(acceptor->source.stage.ctx), listener->type);
  int err;

  if (!connection) return UV_ENOMEM;
  acceptor->has_more = false;
  err = uv_accept(listener, &connection->uv.stream);
  if (err) {
    connection_drop(connection);
    return err;
  }
  acceptor->connection = connection;
  acceptor->is_busy = !weir__source_send(&acceptor->source);
  return 0;
}

static void accept_next(acceptor_t *acceptor) {
  if (accept_one(acceptor) != UV_ENOMEM) return;
  acceptor->is_busy = true;
  weir__source_rest(&acceptor->source, REST_MS);
}

static void on_connection(uv_stream_t *listener, int status) {
  weir__user_t *user = weir__handle_user((uv_handle_t *)listener);
  acceptor_t *acceptor = user ? WEIR__CONTAINER(user, acceptor_t, user) : NULL;

  if (!acceptor || status) return; /* an error is one connection's */
  acceptor->has_more = true;
  if (!acceptor->is_busy) accept_next(acceptor);
}

static void resume(weir__source_t *source) {
  acceptor_t *acceptor = (acceptor_t *)source;

  acceptor->is_busy = false;
  if (acceptor->has_more) accept_next(acceptor);
}

static void stop(weir__source_t *source) {
  weir__handle_leave(&((acceptor_t *)source)->user);
}

static void on_closing(weir__user_t *user) {
  weir__source_finish(&WEIR__CONTAINER(user, acceptor_t, user)->source, UV_ECANCELED);
}

/* libuv tells of no more while there is one that has not been accepted: another source may have
 * left it. */
static int take_left(acceptor_t *acceptor) {
  if (accept_one(acceptor) == UV_ENOMEM) return UV_ENOMEM;
  return 0;
}

static int start(weir__source_t *source) {
  acceptor_t *acceptor = (acceptor_t *)source;
  uv_stream_t *listener = listener_of(acceptor);
  int err;

  if (uv_is_closing(acceptor->user.handle)) return UV_EBADF;
  if (!weir__handle_enter(&acceptor->user)) return UV_EALREADY;
  err = take_left(acceptor);
  if (!err) err = uv_listen(listener, acceptor->backlog, on_connection);
  if (err) weir__handle_leave(&acceptor->user);
  return err;
}

weir_chan_t *weir_uv_accept(weir_ctx_t *ctx, uv_stream_t *listener, int backlog) {
  static const weir_type_t type = {sizeof(uv_stream_t *), drop_value, NULL, "connection"};
  bool is_valid = ctx && listener && listener->loop == weir_loop_uv(weir_ctx_loop(ctx));
  acceptor_t *acceptor =
      weir__source_new(is_valid ? ctx : NULL, &type, 0, sizeof(*acceptor), "weir_uv_accept");

  if (!acceptor) return NULL;
  acceptor->user = (weir__user_t){.handle = (uv_handle_t *)listener, .closing = on_closing};
  acceptor->backlog = backlog;
  acceptor->source.value = &acceptor->connection;
  acceptor->source.resume = resume;
  acceptor->source.stop = stop;
  return weir__source_start(&acceptor->source, start);
}
