/*
 * weir_uv_read: chunks as they come; while one waits for room the stream is not read.
 *
 * libuv wants room for far more than mostly comes. The loop keeps one buffer for that, the spare:
 *
 *   1. alloc  takes the spare. While it is out, as where libuv has several reads under way, another
 *             buffer is made.
 *   2. read   copies what has come into a chunk of that size, and gives the buffer back: it is the
 *             spare, or freed if there is one. A read that has filled most of the buffer hands it
 *             over as the chunk, and so does one for whose copy there is no memory: nothing is
 *             lost.
 *
 * weir_loop_close frees the spare when nothing reads any more.
 */
#include <weir/uv.h>

#include "../loop.h"
#include "../mem.h"
#include "events.h"
#include "handles.h"

#include <errno.h>

/* As large as libuv suggests; what fills no more than half is copied. */
enum { BUFFER_SIZE = 64 * 1024, COPIED_MAX = BUFFER_SIZE / 2 };

typedef struct reader_s {
  weir__source_t source;
  weir__user_t user;
  weir_chunk_t chunk; /* being sent */
} reader_t;

/* chunks */

void weir_chunk_free(weir_chunk_t *chunk) {
  if (!chunk) return;
  weir__free(chunk->base);
  *chunk = (weir_chunk_t){NULL, 0};
}

static void chunk_drop(void *value) {
  weir_chunk_free(value);
}

static int chunk_copy(void *dst, const void *src) {
  const weir_chunk_t *from = src;
  weir_chunk_t *to = dst;

  *to = (weir_chunk_t){weir__malloc(from->len ? from->len : 1), from->len};
  if (!to->base) return UV_ENOMEM;
  weir__copy(to->base, from->base, from->len);
  return 0;
}

/* buffers */

static char *buffer_take(weir_loop_t *loop) {
  char *buffer = loop->spare;

  loop->spare = NULL;
  return buffer ? buffer : weir__malloc(BUFFER_SIZE);
}

static void buffer_give(weir_loop_t *loop, char *buffer) {
  if (loop->spare)
    weir__free(buffer);
  else
    loop->spare = buffer;
}

/* reading */

static uv_stream_t *stream_of(const reader_t *reader) {
  return (uv_stream_t *)reader->user.handle;
}

static reader_t *reader_of(uv_handle_t *handle) {
  weir__user_t *user = weir__handle_user(handle);

  return user ? WEIR__CONTAINER(user, reader_t, user) : NULL;
}

static weir_loop_t *loop_of(const reader_t *reader) {
  return weir_ctx_loop(reader->source.stage.ctx);
}

/*
 * When a reset comes close behind what was read, libuv takes the hang-up for an end, without another
 * read: the socket still has its error. EPIPE is that of a reset behind the end, which is one then.
 */
static int error_behind_end(uv_stream_t *stream) {
#if defined(_WIN32)
  (void)stream;
  return UV_EOF;
#else
  int error = 0;
  socklen_t size = sizeof(error);
  uv_os_fd_t fd;

  if (uv_fileno((uv_handle_t *)stream, &fd)) return UV_EOF;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size)) return UV_EOF;
  return error && error != EPIPE ? uv_translate_sys_error(error) : UV_EOF;
#endif
}

/* libuv has a name of its own for the want of a buffer. */
static int error_of(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  if (nread == UV_EOF) return error_behind_end(stream);
  return nread == UV_ENOBUFS && !buf->base ? UV_ENOMEM : (int)nread;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)suggested;
  buf->base = buffer_take(loop_of(reader_of(handle)));
  buf->len = buf->base ? BUFFER_SIZE : 0;
}

static void take_chunk(reader_t *reader, char *buffer, size_t length) {
  char *copy = length <= COPIED_MAX ? weir__malloc(length) : NULL;

  reader->chunk = (weir_chunk_t){copy ? copy : buffer, length};
  if (!copy) return;
  memcpy(copy, buffer, length);
  buffer_give(loop_of(reader), buffer);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  reader_t *reader = reader_of((uv_handle_t *)stream);

  if (!reader) { /* libuv for Windows may tell of a read that it could not stop */
    weir__free(buf->base);
  } else if (nread > 0) {
    take_chunk(reader, buf->base, (size_t)nread);
    if (!weir__source_send(&reader->source)) uv_read_stop(stream);
  } else {
    buffer_give(loop_of(reader), buf->base);
    if (nread < 0) weir__source_finish(&reader->source, error_of(stream, nread, buf));
  }
}

static void stop(weir__source_t *source) {
  reader_t *reader = (reader_t *)source;

  uv_read_stop(stream_of(reader));
  weir__handle_leave(&reader->user);
}

static void resume(weir__source_t *source) {
  int err = uv_read_start(stream_of((reader_t *)source), on_alloc, on_read);

  if (err) weir__source_finish(source, err);
}

static void on_closing(weir__user_t *user) {
  weir__source_finish(&WEIR__CONTAINER(user, reader_t, user)->source, UV_ECANCELED);
}

static int start(weir__source_t *source) {
  reader_t *reader = (reader_t *)source;
  int err;

  if (uv_is_closing(reader->user.handle)) return UV_EBADF;
  if (!weir__handle_enter(&reader->user)) return UV_EALREADY;
  err = uv_read_start(stream_of(reader), on_alloc, on_read);
  if (err) weir__handle_leave(&reader->user);
  return err;
}

weir_chan_t *weir_uv_read(weir_ctx_t *ctx, uv_stream_t *stream, size_t capacity) {
  static const weir_type_t type = {sizeof(weir_chunk_t), chunk_drop, chunk_copy, "chunk"};
  bool is_valid = ctx && stream && stream->loop == weir_loop_uv(weir_ctx_loop(ctx));
  reader_t *reader =
      weir__source_new(is_valid ? ctx : NULL, &type, capacity, sizeof(*reader), "weir_uv_read");

  if (!reader) return NULL;
  reader->user = (weir__user_t){.handle = (uv_handle_t *)stream, .closing = on_closing};
  reader->source.value = &reader->chunk;
  reader->source.resume = resume;
  reader->source.stop = stop;
  return weir__source_start(&reader->source, start);
}
