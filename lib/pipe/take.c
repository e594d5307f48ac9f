/* weir_pipe_take: its input is let go of when the last value is in hand, not when it has gone. */
#include "relay.h"

typedef struct take_s {
  weir__relay_t relay;
  size_t left;
} take_t;

static int count(void *out, void *in, void *arg) {
  take_t *take = arg;

  (void)out, (void)in;
  if (--take->left > 0) return 0;
  take->relay.is_last = true;
  weir__stage_drop_input(&take->relay.stage);
  return 0;
}

weir_chan_t *weir_pipe_take(weir_ctx_t *ctx, weir_chan_t *in, size_t n) {
  take_t *take = weir__relay_new_alike(ctx, in, 0, sizeof(*take), "weir_pipe_take");

  if (!take) return NULL;
  take->relay.step = count;
  take->relay.arg = take;
  take->left = n;
  return n > 0 ? weir__relay_start(&take->relay) : weir__stage_empty(&take->relay.stage);
}
