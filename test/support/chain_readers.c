#include "chain_readers.h"

enum { UNKNOWN_LIMIT = 20 };

void chain_abandon(chain_reader_t *reader) {
  weir_chan_t *out = reader->out;

  if (!out) return;
  reader->is_abandoned = true;
  reader->out = NULL;
  if (reader->is_range)
    weir_range_stop(&reader->range);
  else
    weir_op_cancel(&reader->receive);
  weir_op_cancel(&reader->rest);
  weir_chan_unref(out);
}

static void end(chain_reader_t *reader, int status) {
  weir_chan_t *out = reader->out;

  if (reader->is_abandoned) return;
  if (reader->has_ended) chain_fail("an output has ended twice");
  reader->has_ended = true;
  reader->status = status;
  reader->out = NULL;
  weir_op_cancel(&reader->rest);
  weir_chan_unref(out);
}

static void note(chain_reader_t *reader, const token_t *token) {
  if (reader->has_ended) chain_fail("a value after the end");
  if (reader->node->kind == CHAIN_OR) chain_fail("a value that signals the end");
  if (!token_end(token)) chain_fail("a value that has come to its end is received");
  if (reader->is_abandoned) return;
  if (reader->count < FORECAST_VALUES) reader->values[reader->count] = token->number;
  reader->count++;
  if (chain.called) chain.called();
  if (reader->count == reader->limit) chain_abandon(reader);
}

static void receive(chain_reader_t *reader);

static void go_on(chain_reader_t *reader) {
  if (!reader->out) return;
  if (reader->is_range)
    weir_range_resume(&reader->range);
  else
    receive(reader);
}

/* A rest that is cut off is the end of one that does not range. */
static void on_rested(weir_op_t *op, int status) {
  chain_reader_t *reader = op->data;

  if (!status && reader->turns-- > 0) status = weir_yield(op, on_rested);
  if (weir_op_pending(op)) return;
  if (!status)
    go_on(reader);
  else if (!reader->is_range && reader->out)
    end(reader, status);
}

static void take_a_rest(chain_reader_t *reader) {
  weir_op_t *op = &reader->rest;
  int err;

  reader->turns = (int)chain_below(4);
  err = chain.is_timed && chain_chance(2) ? weir_sleep(op, chain_below(5), on_rested)
                                          : weir_yield(op, on_rested);
  if (err && !reader->is_range) end(reader, err);
}

static void on_value(weir_range_t *range, const void *value, int status) {
  chain_reader_t *reader = range->data;

  if (!value) {
    end(reader, status);
    return;
  }
  note(reader, value);
  if (!reader->out || !chain_chance(4)) return;
  weir_range_pause(range);
  take_a_rest(reader);
}

static void on_received(weir_op_t *op, int status) {
  chain_reader_t *reader = op->data;
  size_t n = status ? 0 : reader->many > 1 ? weir_op_index(op) : 1;

  for (size_t i = 0; i < n; i++) note(reader, &reader->room[i]);
  if (!reader->out) return;
  if (status)
    end(reader, status);
  else if (chain_chance(3))
    take_a_rest(reader);
  else
    receive(reader);
}

static void receive(chain_reader_t *reader) {
  weir_op_t *op = &reader->receive;
  int err;

  if (reader->many > 1)
    err = weir_chan_recv_many(op, reader->out, reader->room, reader->many, on_received);
  else
    err = weir_chan_recv(op, reader->out, reader->room, on_received);
  if (err) end(reader, err);
}

/* What is known of an endless output is as far as it is read. */
static int limit_of(const forecast_t *forecast) {
  if (!forecast_is_endless(forecast)) return -1;
  return forecast->is_wild ? UNKNOWN_LIMIT : forecast->n;
}

void chain_read(chain_reader_t *reader, chain_node_t *node) {
  weir_ctx_t *ctx = weir_loop_background(chain.loop);

  reader->node = node;
  reader->out = node->out;
  reader->limit = limit_of(&node->forecast);
  reader->is_range = chain_chance(2);
  reader->many = chain_chance(2) ? 1 : CHAIN_READS;
  weir_range_init(&reader->range, ctx);
  weir_op_init(&reader->receive, ctx);
  weir_op_init(&reader->rest, ctx);
  reader->range.data = reader->receive.data = reader->rest.data = reader;
  if (!reader->out) return;
  if (!reader->is_range)
    receive(reader);
  else if (weir_range_start(&reader->range, reader->out, on_value))
    chain_fail("an output cannot be read");
  if (reader->limit == 0 && node->kind != CHAIN_OR) chain_abandon(reader);
}

static void fail_output(const chain_reader_t *reader, const char *what) {
  const forecast_t *forecast = &reader->node->forecast;

  fprintf(stderr, "output %d brought", (int)(reader->node - chain.nodes));
  for (int i = 0; i < reader->count && i < FORECAST_VALUES; i++)
    fprintf(stderr, " %d", reader->values[i]);
  fprintf(stderr, ", %s; wanted%s",
          reader->has_ended ? uv_err_name(reader->status) : "was abandoned",
          forecast->is_wild      ? " any"
          : forecast->is_ordered ? ""
                                 : " in any order");
  for (int i = 0; i < forecast->n; i++) fprintf(stderr, " %d", forecast->values[i]);
  for (int i = 0; i < forecast->n_outcomes; i++)
    fprintf(stderr, ", %d to %d and %s", forecast->outcomes[i].least, forecast->outcomes[i].most,
            forecast->outcomes[i].status ? uv_err_name(forecast->outcomes[i].status) : "no end");
  fputc('\n', stderr);
  chain_fail(what);
}

void chain_check(const chain_reader_t *reader) {
  const char *wrong;

  if (!reader->node->out) return; /* it was not built */
  if (!reader->has_ended && !reader->is_abandoned) fail_output(reader, "it has no end");
  wrong = forecast_check(&reader->node->forecast, reader->values, reader->count,
                         reader->is_abandoned ? 0 : reader->status);
  if (wrong) fail_output(reader, wrong);
}
