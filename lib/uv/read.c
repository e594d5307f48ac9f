/* weir_uv_read: chunks as they come; while one waits for room the stream is not read. */
#include <weir/loop.h>
#include <weir/uv.h>

#include "../mem.h"
#include "../queue.h"
#include "events.h"
#include "handles.h"

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

/* reading */

static uv_stream_t *stream_of(const reader_t *reader) {
  return (uv_stream_t *)reader->user.handle;
}

static reader_t *reader_of(uv_handle_t *handle) {
  return WEIR__CONTAINER(weir__handle_user(handle), reader_t, user);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle;
  buf->base = weir__malloc(suggested);
  buf->len = buf->base ? suggested : 0;
}

/* A chunk takes no more memory than has been read; if it can't be made smaller it stays. */
static void take_chunk(reader_t *reader, const uv_buf_t *buf, size_t length) {
  char *base = weir__realloc(buf->base, length);

  reader->chunk = (weir_chunk_t){base ? base : buf->base, length};
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
  reader_t *reader = reader_of((uv_handle_t *)stream);

  if (nread > 0) {
    take_chunk(reader, buf, (size_t)nread);
    if (!weir__source_send(&reader->source)) uv_read_stop(stream);
    return;
  }
  weir__free(buf->base);
  if (nread < 0) weir__source_finish(&reader->source, (int)nread);
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
