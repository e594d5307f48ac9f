/* weir_pipe_generate and weir_pipe_repeat: the next value is made when the one before has gone. */
#include "stage.h"

#include "from.h"

typedef struct source_s source_t;
struct source_s {
  weir__stage_t stage;
  weir_op_t op;
  int (*make)(source_t *source); /* returns as a weir_map_fn */
  void *value;
};

static void on_turn(weir_op_t *op, int status);
static void on_sent(weir_op_t *op, int status);

static void fail(source_t *source, int status) {
  weir__values_drop(weir_chan_type(source->stage.out), source->value, 1);
  weir__stage_end(&source->stage, status);
}

static void send_value(source_t *source) {
  int err = weir_chan_send(&source->op, source->stage.out, source->value, on_sent);

  if (err) fail(source, err);
}

/* Others have their turn where nothing was made. */
static void make_next(source_t *source) {
  int status = source->make(source);

  if (status == 0) {
    send_value(source);
    return;
  }
  if (status > 0) status = weir_yield(&source->op, on_turn);
  if (status) weir__stage_end(&source->stage, status);
}

static void on_turn(weir_op_t *op, int status) {
  source_t *source = op->data;

  if (status)
    weir__stage_end(&source->stage, status);
  else
    make_next(source);
}

static void on_sent(weir_op_t *op, int status) {
  source_t *source = op->data;

  if (status)
    fail(source, status);
  else
    make_next(source);
}

/* `offset`: of the room for the value. */
static void *source_new(weir_ctx_t *ctx, const weir_type_t *type, size_t offset, size_t size,
                        const char *where) {
  source_t *source = weir__stage_new(ctx, NULL, type, 0, size);

  if (!source) return NULL;
  source->value = weir__room_at(source, offset);
  weir_op_init_at(&source->op, source->stage.ctx, where);
  source->op.data = source;
  return source;
}

static weir_chan_t *source_start(source_t *source) {
  return weir__stage_started(&source->stage, weir_yield(&source->op, on_turn));
}

/* weir_pipe_generate */

typedef struct generate_s {
  source_t source;
  int (*fn)(void *out, void *arg);
  void *arg;
} generate_t;

static int call(source_t *source) {
  generate_t *generate = (generate_t *)source;

  return generate->fn(source->value, generate->arg);
}

weir_chan_t *weir_pipe_generate(weir_ctx_t *ctx, const weir_type_t *type,
                                int (*fn)(void *out, void *arg), void *arg) {
  size_t offset = sizeof(generate_t), size = fn ? weir__room(offset, type, 1) : 0;
  generate_t *generate = source_new(ctx, type, offset, size, "weir_pipe_generate");

  if (!generate) return NULL;
  generate->source.make = call;
  generate->fn = fn;
  generate->arg = arg;
  return source_start(&generate->source);
}

/* weir_pipe_repeat, of values that own something: the originals stay here */

typedef struct repeat_s {
  source_t source;
  size_t next, n;
  char *originals;
} repeat_t;

static const weir_type_t *type_of(const repeat_t *repeat) {
  return weir_chan_type(repeat->source.stage.out);
}

static void *original(const repeat_t *repeat, size_t index) {
  return repeat->originals + index * type_of(repeat)->size;
}

static int copy_next(source_t *source) {
  repeat_t *repeat = (repeat_t *)source;
  size_t next = repeat->next;

  if (repeat->n == 0) return UV_EOF;
  repeat->next = (next + 1) % repeat->n;
  return weir__value_copy(type_of(repeat), source->value, original(repeat, next));
}

static void release_originals(weir__stage_t *stage) {
  repeat_t *repeat = (repeat_t *)stage;

  weir__values_drop(type_of(repeat), repeat->originals, repeat->n);
}

static int copy_originals(repeat_t *repeat, const weir_type_t *type, const char *values, size_t n) {
  for (; repeat->n < n; repeat->n++) {
    int err = weir__value_copy(type, original(repeat, repeat->n), values + repeat->n * type->size);
    if (err) return err;
  }
  return 0;
}

static weir_chan_t *repeat_copies(weir_ctx_t *ctx, const weir_type_t *type, const void *values,
                                  size_t n) {
  size_t offset = sizeof(repeat_t), after = weir__room(offset, type, 1);
  repeat_t *repeat = source_new(ctx, type, offset, weir__room(after, type, n), "weir_pipe_repeat");
  int err;

  if (!repeat) return NULL;
  repeat->source.make = copy_next;
  repeat->source.stage.release = release_originals;
  repeat->originals = weir__room_at(repeat, after);
  err = copy_originals(repeat, type, values, n);
  if (err) return weir__stage_started(&repeat->source.stage, err);
  return source_start(&repeat->source);
}

weir_chan_t *weir_pipe_repeat(weir_ctx_t *ctx, const weir_type_t *type, const void *values,
                              size_t n) {
  if (!weir__is_copyable(type) || !weir__are_there(type, values, n)) return NULL;
  if (type && type->copy) return repeat_copies(ctx, type, values, n);
  return weir__from_again(ctx, type, values, n);
}
