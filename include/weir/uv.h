/*
 * libuv's calls as operations, and its streams of events as channels.
 *
 * An operation takes its context's deadline and cancellation, may stand in weir_all and weir_any,
 * and ends with a status like any other. Its libuv request is the library's: after the completion
 * nothing of the caller's is touched, however late libuv reports. These starts allocate: they may
 * return UV_ENOMEM, beside what libuv returns.
 *
 * libuv cannot take back a connect, a write or a shutdown: cancelling one closes its stream, and
 * the op completes once libuv has let go of it. Then the handle is closed, and its memory is the
 * caller's again; weir_uv_close on it is fine, too.
 *
 * Handles are the caller's, and their `data` is left alone. A handle that is being read, or that
 * has operations pending, is closed by weir_uv_close, not by uv_close.
 */
#ifndef WEIR_UV_H
#define WEIR_UV_H

#include <weir/chan.h>
#include <weir/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Operations */

/*
 * Looks a name up on the thread pool (uv_getaddrinfo).
 *
 *   node, service, hints  as for getaddrinfo(3); copied.
 *   res                   receives the addresses, for uv_freeaddrinfo; untouched unless the
 *                         completion's status is 0.
 *
 * Returns 0, UV_ENOMEM, UV_EINVAL for neither node nor service and for no `res`, or what every
 * start returns. Completes with 0, UV_EAI_*, or the context's error: the lookup may go on, and is
 * forgotten.
 */
WEIR_EXTERN int weir_uv_getaddrinfo(weir_op_t *op, const char *node, const char *service,
                                    const struct addrinfo *hints, struct addrinfo **res,
                                    weir_op_cb cb);

/*
 * Connects an initialised handle (uv_tcp_connect).
 *
 *   addr  copied.
 *
 * Returns 0, what uv_tcp_connect refuses with, UV_ENOMEM or what every start returns. Completes
 * with 0, the error of the connection, or the context's: then the handle is closed.
 */
WEIR_EXTERN int weir_uv_connect(weir_op_t *op, uv_tcp_t *tcp, const struct sockaddr *addr,
                                weir_op_cb cb);

/*
 * Writes all of some buffers (uv_write), after what has been started before.
 *
 *   bufs  copied; what they point at is read until the completion.
 *
 * Returns 0, what uv_write refuses with, UV_ENOMEM or what every start returns. Completes with 0,
 * the error of the write, or the context's: then part may have gone, and the stream is closed. One
 * that waits behind a connect that fails ends with UV_ECANCELED though the stream is open. One that
 * the stream takes at once has happened: it completes with 0 in any case.
 */
WEIR_EXTERN int weir_uv_write(weir_op_t *op, uv_stream_t *stream, const uv_buf_t bufs[],
                              unsigned nbufs, weir_op_cb cb);

/*
 * Ends the writing side when all has been written (uv_shutdown). As weir_uv_write, but behind a
 * connect that fails it may last until the stream is closed.
 */
WEIR_EXTERN int weir_uv_shutdown(weir_op_t *op, uv_stream_t *stream, weir_op_cb cb);

/*
 * Closes a handle, which may be closing or closed: completes with 0 when it is closed and its
 * memory is the caller's. What reads from it ends first, with UV_ECANCELED.
 *
 * It cannot be taken back (weir_op_cancel gives UV_EBUSY), and is done under a cancelled context,
 * too.
 *
 * Returns 0, UV_EINVAL for NULL and another loop's handle, UV_ENOMEM (only for one that is closed
 * already), UV_EBUSY, or UV_ECANCELED when the loop has closed.
 */
WEIR_EXTERN int weir_uv_close(weir_op_t *op, uv_handle_t *handle, weir_op_cb cb);

/*
 * Channels. Each ends when its context is cancelled, with weir_ctx_err, and stops at once when the
 * last reference to it is dropped, or another closes it. NULL for want of memory, and for NULL or
 * another loop's handle; what libuv refuses with is the status that the channel is closed with.
 */

/* What has been read, in memory of its own: at most 64 KB, and twice `len` unless memory
 * is short. */
typedef struct weir_chunk_s {
  char *base;
  size_t len;
} weir_chunk_t;

/* Frees a chunk and empties it; NULL and an empty one are fine. */
WEIR_EXTERN void weir_chunk_free(weir_chunk_t *chunk);

/*
 * Reads a stream (uv_read_start) into a channel of weir_chunk_t.
 *
 *   capacity  chunks that are buffered. Reading stops while it is full and one more is in hand,
 *             which fills the peer's window.
 *
 * Ends with UV_EOF, the error of the read, or UV_ENOMEM, when nothing is lost and the stream can be
 * read on. The stream stays open, and the caller's. From the first read on its loop keeps 64 KB to
 * read into, until it is closed.
 */
WEIR_EXTERN weir_chan_t *weir_uv_read(weir_ctx_t *ctx, uv_stream_t *stream, size_t capacity);

/*
 * Listens (uv_listen) and accepts connections: a channel of uv_tcp_t *, or uv_pipe_t * if the
 * listener is a pipe. At most one connection that nobody has received is accepted ahead.
 *
 *   backlog  as for listen(2).
 *
 * A connection is the receiver's: to be closed (weir_uv_close), then freed with free(), or what
 * weir_replace_allocator has put in its place. One that nobody receives is closed and freed. The
 * listener stays open, and the caller's. Errors of single connections are skipped. One for which
 * there is no memory waits, and those behind it, until there is.
 */
WEIR_EXTERN weir_chan_t *weir_uv_accept(weir_ctx_t *ctx, uv_stream_t *listener, int backlog);

/*
 * Receives a signal: a channel of int with the number. Signals that come while one is waiting to be
 * received are one. Keeps the uv loop alive while it is referenced.
 */
WEIR_EXTERN weir_chan_t *weir_uv_signal(weir_ctx_t *ctx, int signum);

#ifdef __cplusplus
}
#endif

#endif
