/* weir_pipe_bridge: it pulls from the inner channel in hand, and without one from the sequence. */
#include "relay.h"

typedef struct bridge_s {
  weir__relay_t relay;
  bool is_inside;
  weir_chan_t *inner;
} bridge_t;

static void on_value(weir_op_t *op, int status);
static void on_channel(weir_op_t *op, int status);

static void enter(bridge_t *bridge) {
  weir__relay_t *relay = &bridge->relay;

  bridge->is_inside = true;
  relay->from = bridge->inner;
  relay->received = relay->sent;
  relay->arrived = on_value;
}

static void stay_outside(bridge_t *bridge) {
  weir__relay_t *relay = &bridge->relay;

  bridge->is_inside = false;
  relay->from = relay->stage.in;
  relay->received = &bridge->inner;
  relay->arrived = on_channel;
}

static void leave(bridge_t *bridge) {
  stay_outside(bridge);
  weir_chan_unref(bridge->inner);
}

static void release(weir__stage_t *stage) {
  bridge_t *bridge = (bridge_t *)stage;

  if (bridge->is_inside) leave(bridge);
}

/* A complete inner channel makes place for the next one; whatever else ends it ends all. */
static void on_value(weir_op_t *op, int status) {
  bridge_t *bridge = op->data;

  if (status != UV_EOF) {
    weir__relay_arrived(op, status);
    return;
  }
  leave(bridge);
  weir__relay_pull(&bridge->relay);
}

/* A NULL channel is one that nothing comes from. */
static bool fits(const bridge_t *bridge) {
  const weir_type_t *out = weir_chan_type(bridge->relay.stage.out);

  return !bridge->inner || weir_chan_type(bridge->inner)->size == out->size;
}

static void on_channel(weir_op_t *op, int status) {
  bridge_t *bridge = op->data;

  if (!status) enter(bridge);
  if (!status && !fits(bridge)) status = UV_EINVAL;
  if (status)
    weir__stage_end(&bridge->relay.stage, status);
  else
    weir__relay_pull(&bridge->relay);
}

static bool is_sequence(const weir_chan_t *in) {
  return in && weir_chan_type(in)->drop == WEIR_TYPE_CHAN->drop;
}

weir_chan_t *weir_pipe_bridge(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out) {
  size_t size = is_sequence(in) ? weir__room(sizeof(bridge_t), out, 1) : 0;
  bridge_t *bridge = weir__relay_new(ctx, in, out, 0, size, "weir_pipe_bridge");

  if (!bridge) return NULL;
  bridge->relay.stage.release = release;
  bridge->relay.sent = weir__room_at(bridge, sizeof(*bridge));
  stay_outside(bridge);
  return weir__relay_start(&bridge->relay);
}
