#include "relay.h"

static int receive(weir__relay_t *relay) {
  return weir_chan_recv(&relay->op, relay->from, relay->received, relay->arrived);
}

void weir__relay_pull(weir__relay_t *relay) {
  int err = receive(relay);

  if (err) weir__stage_end(&relay->stage, err);
}

/* Ends with a value that can't be sent. */
static void fail(weir__relay_t *relay, int status) {
  weir__values_drop(weir_chan_type(relay->stage.out), relay->sent, 1);
  weir__stage_end(&relay->stage, status);
}

static void on_sent(weir_op_t *op, int status) {
  weir__relay_t *relay = op->data;

  if (status)
    fail(relay, status);
  else if (relay->is_last)
    weir__stage_end(&relay->stage, UV_EOF);
  else
    weir__relay_pull(relay);
}

static void send_on(weir__relay_t *relay) {
  int err = weir_chan_send(&relay->op, relay->stage.out, relay->sent, on_sent);

  if (err) fail(relay, err);
}

void weir__relay_send(weir_op_t *op, int status) {
  weir__relay_t *relay = op->data;

  if (status)
    fail(relay, status);
  else
    send_on(relay);
}

void weir__relay_arrived(weir_op_t *op, int status) {
  weir__relay_t *relay = op->data;

  if (!status && relay->step) status = relay->step(relay->sent, relay->received, relay->arg);
  if (status == 0)
    send_on(relay);
  else if (status > 0)
    weir__relay_pull(relay);
  else
    weir__stage_end(&relay->stage, status);
}

void *weir__relay_new(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out, size_t capacity,
                      size_t size, const char *where) {
  weir__relay_t *relay = weir__stage_new(ctx, in, out, capacity, size);

  if (!relay) return NULL;
  weir_op_init_at(&relay->op, relay->stage.ctx, where);
  relay->op.data = relay;
  relay->from = in;
  relay->arrived = weir__relay_arrived;
  return relay;
}

void *weir__relay_new_alike(weir_ctx_t *ctx, weir_chan_t *in, size_t capacity, size_t offset,
                            const char *where) {
  const weir_type_t *type = weir_chan_type(in);
  size_t size = in ? weir__room(offset, type, 1) : 0;
  weir__relay_t *relay = weir__relay_new(ctx, in, type, capacity, size, where);

  if (relay) relay->received = relay->sent = weir__room_at(relay, offset);
  return relay;
}

weir_chan_t *weir__relay_start(weir__relay_t *relay) {
  return weir__stage_started(&relay->stage, receive(relay));
}
