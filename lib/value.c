/* Contexts that carry a value; they are looked up along the parents, as in Go. */
#include "ctx.h"

typedef struct value_ctx_s {
  weir__kind_ctx_t base;
  const void *key;
  void *value;
  void (*drop)(void *value);
} value_ctx_t;

static void value_release(weir_ctx_t *ctx) {
  value_ctx_t *self = (value_ctx_t *)ctx;

  if (self->drop) self->drop(self->value);
}

static const weir__ctx_kind_t value_kind = {.name = "with_value", .release = value_release};

weir_ctx_t *weir_ctx_with_value(weir_ctx_t *parent, const void *key, void *value,
                                void (*drop)(void *value)) {
  value_ctx_t *self = (value_ctx_t *)weir__ctx_new(parent, sizeof(*self), &value_kind);

  if (!self) return NULL;
  self->key = key;
  self->value = value;
  self->drop = drop;
  return &self->base.ctx;
}

void *weir_ctx_value(const weir_ctx_t *ctx, const void *key) {
  for (; ctx && key; ctx = ctx->parent)
    if (weir__ctx_kind(ctx) == &value_kind && ((const value_ctx_t *)ctx)->key == key)
      return ((const value_ctx_t *)ctx)->value;
  return NULL;
}
