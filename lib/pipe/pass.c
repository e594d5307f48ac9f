/* weir_pipe_or_done, weir_pipe_buffer, weir_pipe_sleep: what comes goes on unchanged. */
#include "relay.h"

weir_chan_t *weir_pipe_or_done(weir_ctx_t *ctx, weir_chan_t *in) {
  weir__relay_t *relay = weir__relay_new_alike(ctx, in, 0, sizeof(*relay), "weir_pipe_or_done");

  return relay ? weir__relay_start(relay) : NULL;
}

weir_chan_t *weir_pipe_buffer(weir_ctx_t *ctx, weir_chan_t *in, size_t n) {
  weir__relay_t *relay = weir__relay_new_alike(ctx, in, n, sizeof(*relay), "weir_pipe_buffer");

  return relay ? weir__relay_start(relay) : NULL;
}

typedef struct sleep_s {
  weir__relay_t relay;
  uint64_t ms;
} sleep_t;

static void on_received(weir_op_t *op, int status) {
  sleep_t *self = op->data;

  if (status) {
    weir__stage_end(&self->relay.stage, status);
    return;
  }
  status = weir_sleep(op, self->ms, weir__relay_send);
  if (status) weir__relay_send(op, status);
}

weir_chan_t *weir_pipe_sleep(weir_ctx_t *ctx, weir_chan_t *in, uint64_t ms) {
  sleep_t *self = weir__relay_new_alike(ctx, in, 0, sizeof(*self), "weir_pipe_sleep");

  if (!self) return NULL;
  self->relay.arrived = on_received;
  self->ms = ms;
  return weir__relay_start(&self->relay);
}
