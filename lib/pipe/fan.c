/*
 * weir_pipe_fan_in: each input has an operation of its own, which receives from it, then sends.
 * weir_pipe_fan_out: stages at one input, fanned in.
 */
#include "../mem.h"
#include "chans.h"
#include "stage.h"

typedef struct fan_s fan_t;

typedef struct inlet_s {
  weir_op_t op; /* first, so that its callbacks find the inlet */
  fan_t *fan;
  weir_chan_t *in;
  void *value;
} inlet_t;

struct fan_s {
  weir__stage_t stage;
  size_t n, live;
  int status; /* the first that is not UV_EOF */
  inlet_t inlets[];
};

static void finish(fan_t *fan) {
  int err = weir_ctx_err(fan->stage.ctx);

  if (!err) err = fan->status ? fan->status : UV_EOF;
  weir__stage_end(&fan->stage, err);
}

static void close_inlet(inlet_t *inlet, int status) {
  fan_t *fan = inlet->fan;
  weir_chan_t *in = inlet->in;

  inlet->in = NULL;
  weir_chan_unref(in);
  if (status != UV_EOF && !fan->status) fan->status = status;
  if (--fan->live == 0) finish(fan);
}

static void on_received(weir_op_t *op, int status);

static int receive(inlet_t *inlet) {
  return weir_chan_recv(&inlet->op, inlet->in, inlet->value, on_received);
}

/* An output that is closed takes no other's values either. */
static void fail(inlet_t *inlet, int status) {
  fan_t *fan = inlet->fan;

  weir__values_drop(weir_chan_type(fan->stage.out), inlet->value, 1);
  if (status == UV_EPIPE) weir_ctx_cancel(fan->stage.ctx);
  close_inlet(inlet, status);
}

static void on_sent(weir_op_t *op, int status) {
  inlet_t *inlet = (inlet_t *)op;

  if (status) {
    fail(inlet, status);
    return;
  }
  status = receive(inlet);
  if (status) close_inlet(inlet, status);
}

static void on_received(weir_op_t *op, int status) {
  inlet_t *inlet = (inlet_t *)op;

  if (status) {
    close_inlet(inlet, status);
    return;
  }
  status = weir_chan_send(op, inlet->fan->stage.out, inlet->value, on_sent);
  if (status) fail(inlet, status);
}

static void release(weir__stage_t *stage) {
  fan_t *fan = (fan_t *)stage;

  for (size_t i = 0; i < fan->n; i++) weir_chan_unref(fan->inlets[i].in);
}

static bool are_of_one_size(weir_chan_t *const *chans, size_t n) {
  for (size_t i = 1; i < n; i++)
    if (weir_chan_type(chans[i])->size != weir_chan_type(chans[0])->size) return false;
  return true;
}

static void set_up(fan_t *fan, weir_chan_t *const *chans, size_t n, char *values) {
  size_t size = weir_chan_type(fan->stage.out)->size;

  fan->stage.release = release;
  fan->n = fan->live = n;
  for (size_t i = 0; i < n; i++) {
    inlet_t *inlet = &fan->inlets[i];
    weir_op_init_at(&inlet->op, fan->stage.ctx, "weir_pipe_fan_in");
    inlet->fan = fan;
    inlet->in = chans[i];
    inlet->value = values + i * size;
  }
}

/* All are refused or none is: the inputs have been looked at. */
static int start(fan_t *fan) {
  int err = 0;

  for (size_t i = 0; i < fan->n && !err; i++) err = receive(&fan->inlets[i]);
  return err;
}

static fan_t *fan_new(weir_ctx_t *ctx, weir_chan_t *const *chans, size_t n) {
  const weir_type_t *type = n > 0 ? weir_chan_type(chans[0]) : NULL;
  size_t values = weir__room(sizeof(fan_t), WEIR_TYPE(inlet_t), n);
  fan_t *fan = weir__stage_new(ctx, NULL, type, 0, weir__room(values, type, n));

  if (fan) set_up(fan, chans, n, weir__room_at(fan, values));
  return fan;
}

weir_chan_t *weir_pipe_fan_in(weir_ctx_t *ctx, weir_chan_t **chans, size_t n) {
  bool are_inputs = weir__chans_are_inputs(ctx, chans, n) && are_of_one_size(chans, n);
  fan_t *fan = are_inputs ? fan_new(ctx, chans, n) : NULL;

  if (!fan) {
    weir__chans_drop(chans, n);
    return NULL;
  }
  return n > 0 ? weir__stage_started(&fan->stage, start(fan)) : weir__stage_empty(&fan->stage);
}

/* Returns how many it could build. */
static size_t build_stages(weir_ctx_t *ctx, weir_chan_t *in, size_t n, weir_stage_fn stage,
                           void *arg, weir_chan_t **outs) {
  size_t built = 0;

  while (built < n && (outs[built] = stage(ctx, weir_chan_ref(in), arg))) built++;
  return built;
}

weir_chan_t *weir_pipe_fan_out(weir_ctx_t *ctx, weir_chan_t *in, size_t n, weir_stage_fn stage,
                               void *arg) {
  weir_chan_t **outs = NULL, *out = NULL;
  size_t built = 0;

  if (ctx && in && stage) outs = weir__calloc(n > 0 ? n : 1, sizeof(*outs));
  if (outs) built = build_stages(ctx, in, n, stage, arg, outs);
  if (outs && built == n)
    out = weir_pipe_fan_in(ctx, outs, n);
  else
    weir__chans_drop(outs, built);
  weir__free(outs);
  weir_chan_unref(in);
  return out;
}
