/* weir_pipe_from: one operation sends all that is left. */
#include "from.h"

#include "../mem.h"

typedef struct from_s {
  weir__stage_t stage;
  weir_op_t op;
  bool repeats;
  size_t sent, n;
  char *values;
} from_t;

static const weir_type_t *type_of(const from_t *from) {
  return weir_chan_type(from->stage.out);
}

static void *rest_of(const from_t *from) {
  return from->values + from->sent * type_of(from)->size;
}

static void on_sent(weir_op_t *op, int status);

static int send_rest(from_t *from) {
  size_t rest = from->n - from->sent;

  return weir_chan_send_many(&from->op, from->stage.out, rest_of(from),
                             rest < INT32_MAX ? rest : INT32_MAX, on_sent);
}

/* 0 if there is more to send. */
static int count_sent(from_t *from, size_t sent) {
  from->sent += sent;
  if (from->sent < from->n) return 0;
  if (!from->repeats || from->n == 0) return UV_EOF;
  from->sent = 0;
  return 0;
}

static void on_sent(weir_op_t *op, int status) {
  from_t *from = op->data;
  int end = count_sent(from, weir_op_index(op));

  if (!status) status = end;
  if (!status) status = send_rest(from);
  if (status) weir__stage_end(&from->stage, status);
}

static void release(weir__stage_t *stage) {
  from_t *from = (from_t *)stage;

  weir__values_drop(type_of(from), rest_of(from), from->n - from->sent);
}

static weir_chan_t *start(weir_ctx_t *ctx, const weir_type_t *type, const void *values, size_t n,
                          bool repeats) {
  bool is_there = weir__are_there(type, values, n);
  size_t size = is_there ? weir__room(sizeof(from_t), type, n) : 0;
  from_t *from = weir__stage_new(ctx, NULL, type, 0, size);

  if (!from) {
    if (is_there) weir__values_drop(type, (void *)(uintptr_t)values, n);
    return NULL;
  }
  from->stage.release = release;
  from->repeats = repeats;
  from->n = n;
  from->values = weir__room_at(from, sizeof(*from));
  if (type) weir__copy(from->values, values, n * type->size);
  weir_op_init_at(&from->op, from->stage.ctx, repeats ? "weir_pipe_repeat" : "weir_pipe_from");
  from->op.data = from;
  return weir__stage_started(&from->stage, send_rest(from));
}

weir_chan_t *weir__from_again(weir_ctx_t *ctx, const weir_type_t *type, const void *values,
                              size_t n) {
  return start(ctx, type, values, n, true);
}

weir_chan_t *weir_pipe_from(weir_ctx_t *ctx, const weir_type_t *type, const void *values,
                            size_t n) {
  return start(ctx, type, values, n, false);
}
