#include "stage.h"

#include <stdalign.h>

#include "../mem.h"

size_t weir__room(size_t size, const weir_type_t *type, size_t n) {
  const size_t align = alignof(max_align_t), value = type ? type->size : 0;

  if (size == 0 || size > SIZE_MAX - align) return 0;
  size = (size + align - 1) / align * align;
  if (value > 0 && n > (SIZE_MAX - size) / value) return 0;
  return size + n * value;
}

int weir__output_open(weir_ctx_t *parent, const weir_type_t *type, size_t capacity,
                      weir_ctx_t **ctx, weir_chan_t **out) {
  *ctx = weir_ctx_with_cancel(parent);
  *out = *ctx ? weir_chan_new(weir_ctx_loop(parent), type, capacity) : NULL;
  if (*out) {
    weir_chan_ref(*out);
    weir_chan_set_producer(*out, *ctx);
    return 0;
  }
  weir_ctx_unref(*ctx);
  *ctx = NULL;
  return UV_ENOMEM;
}

void *weir__stage_new(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out, size_t capacity,
                      size_t size) {
  weir__stage_t *stage = ctx && size > 0 ? weir__calloc(1, size) : NULL;

  if (stage && weir__output_open(ctx, out, capacity, &stage->ctx, &stage->out) == 0) {
    stage->in = in;
    return stage;
  }
  weir_chan_unref(in);
  weir__free(stage);
  return NULL;
}

weir_chan_t *weir__stage_started(weir__stage_t *stage, int err) {
  weir_chan_t *out = stage->out;

  if (!err) return out;
  weir__stage_end(stage, err);
  weir_chan_unref(out);
  return NULL;
}

weir_chan_t *weir__stage_empty(weir__stage_t *stage) {
  weir_chan_t *out = stage->out;

  weir__stage_end(stage, UV_EOF);
  return out;
}

void weir__stage_end(weir__stage_t *stage, int status) {
  weir_chan_close_with(stage->out, status);
  if (stage->release) stage->release(stage);
  weir__stage_drop_input(stage);
  weir_chan_unref(stage->out);
  weir_ctx_unref(stage->ctx);
  weir__free(stage);
}

void weir__stage_drop_input(weir__stage_t *stage) {
  weir_chan_t *in = stage->in;

  stage->in = NULL;
  weir_chan_unref(in);
}

void weir__values_drop(const weir_type_t *type, void *values, size_t n) {
  if (!type || !type->drop) return;
  for (size_t i = 0; i < n; i++) type->drop((char *)values + i * type->size);
}

int weir__value_copy(const weir_type_t *type, void *dst, const void *src) {
  if (!type) return 0;
  if (type->copy) return type->copy(dst, src);
  weir__copy(dst, src, type->size);
  return 0;
}

bool weir__is_copyable(const weir_type_t *type) {
  return !type || !type->drop || type->copy;
}
