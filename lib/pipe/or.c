/* weir_pipe_or: one select over all channels. */
#include <weir/select.h>

#include "chans.h"
#include "stage.h"

typedef struct or_s {
  weir__stage_t stage;
  weir_op_t op;
  size_t n;
  weir_case_t cases[];
} or_t;

static void release(weir__stage_t *stage) {
  or_t *self = (or_t *)stage;

  for (size_t i = 0; i < self->n; i++) weir_chan_unref(self->cases[i].chan);
}

/* However the first one has ended: that it has is all that is wanted. */
static void on_first(weir_op_t *op, int status) {
  or_t *self = op->data;
  int err = weir_ctx_err(self->stage.ctx);

  (void)status;
  weir__stage_end(&self->stage, err ? err : UV_EOF);
}

weir_chan_t *weir_pipe_or(weir_ctx_t *ctx, weir_chan_t **chans, size_t n) {
  static const weir_type_t signal = {.name = "or"};
  bool are_inputs = weir__chans_are_inputs(ctx, chans, n);
  size_t size = are_inputs ? weir__room(sizeof(or_t), WEIR_TYPE(weir_case_t), n) : 0;
  or_t *self = weir__stage_new(ctx, NULL, &signal, 0, size);

  if (!self) {
    weir__chans_drop(chans, n);
    return NULL;
  }
  self->stage.release = release;
  self->n = n;
  for (size_t i = 0; i < n; i++) self->cases[i] = WEIR_RECV(chans[i], NULL);
  weir_op_init_at(&self->op, self->stage.ctx, "weir_pipe_or");
  self->op.data = self;
  return weir__stage_started(&self->stage, weir_select(&self->op, self->cases, n, on_first));
}
