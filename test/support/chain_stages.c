#include <stdlib.h>
#include <string.h>

#include "chains.h"

/* In each function of a stage, first: the others of the chain may be cut there. */
static void called(void) {
  if (chain.called) chain.called();
}

static void use_up(const token_t *token) {
  if (!token_end(token)) chain_fail("a token has come to an end twice");
}

/* functions of stages */

/* What is made of a token is itself, or another one in its place. */
static int make(token_t *out, const token_t *in, const chain_node_t *node, bool is_renewed) {
  int number = in->number, verdict = chain_verdict(&number, node);

  if (verdict || is_renewed) use_up(in);
  if (verdict == 0) *out = is_renewed ? token_new(chain.type, number) : (token_t){number, in->id};
  return verdict;
}

static int map(void *out, void *in, void *node) {
  called();
  return make(out, in, node, chain_chance(2));
}

/* On any thread. */
static int work(void *out, void *in, void *node) {
  return make(out, in, node, false);
}

static bool keep(const void *value, void *node) {
  int number = ((const token_t *)value)->number;

  called();
  return chain_verdict(&number, node) == 0;
}

/* What goes to work, which must not call, calls here. */
static bool keep_all(const void *value, void *node) {
  (void)value, (void)node;
  called();
  return true;
}

static int generate(void *out, void *arg) {
  chain_node_t *node = arg;
  int number = node->first + node->made;

  called();
  if (node->made == node->n && !node->is_endless) return node->status;
  node->made++;
  if (node->skip && number % node->skip == 0) return WEIR_SKIP;
  *(token_t *)out = token_new(chain.type, number);
  return 0;
}

static int to_signal(void *out, void *in, void *node) {
  (void)out, (void)node;
  called();
  use_up(in);
  return 0;
}

static int from_signal(void *out, void *in, void *node) {
  (void)in;
  called();
  *(token_t *)out = token_new(chain.type, ((chain_node_t *)node)->first);
  return 0;
}

static int first_of_batch(void *out, void *in, void *node) {
  weir_batch_t *batch = in;
  token_t *tokens = batch->values;

  (void)node;
  called();
  if (batch->count == 0) chain_fail("a batch is empty");
  *(token_t *)out = tokens[0];
  tokens[0] = tokens[--batch->count];
  weir_batch_free(batch);
  return 0;
}

static int stream_of_batch(void *out, void *in, void *arg) {
  weir_ctx_t *ctx = chain.ctxs[((chain_node_t *)arg)->ctx];
  weir_batch_t *batch = in;
  weir_chan_t *stream;

  called();
  stream = weir_pipe_from(ctx, chain.type, batch->values, batch->count);
  batch->count = 0;
  weir_batch_free(batch);
  *(weir_chan_t **)out = stream;
  if (stream) return 0;
  return weir_ctx_err(ctx) ? weir_ctx_err(ctx) : UV_ENOMEM;
}

/* async: done inside `start`, or some turns or milliseconds later */

typedef struct later_s {
  weir_op_t op;
  weir_slot_t *slot;
  int turns;
} later_t;

static void finish_slot(weir_slot_t *slot, int status) {
  const token_t *in = weir_slot_in(slot);

  if (status && chain_chance(2))
    use_up(in);
  else
    status = make(weir_slot_out(slot), in, weir_slot_arg(slot), chain_chance(2));
  weir_slot_done(slot, status);
}

static void on_later(weir_op_t *op, int status) {
  later_t *later = (later_t *)op;

  if (!status && later->turns-- > 0) status = weir_yield(op, on_later);
  if (weir_op_pending(op)) return;
  called();
  finish_slot(later->slot, status);
  free(later);
}

/* The slot's, that of the whole chain, or one that is not cancelled. */
static weir_ctx_t *any_ctx(weir_slot_t *slot) {
  const chain_node_t *node = weir_slot_arg(slot);
  weir_ctx_t *ctxs[] = {weir_slot_ctx(slot), chain.ctxs[node->ctx],
                        weir_loop_background(chain.loop)};

  return ctxs[chain_below(3)];
}

static void start(weir_slot_t *slot) {
  later_t *later;

  called();
  if (chain_chance(4)) {
    finish_slot(slot, 0);
    return;
  }
  later = malloc(sizeof(*later));
  *later = (later_t){.slot = slot, .turns = (int)chain_below(4)};
  weir_op_init(&later->op, any_ctx(slot));
  if (chain.is_timed && chain_chance(2) ? weir_sleep(&later->op, chain_below(4), on_later)
                                        : weir_yield(&later->op, on_later))
    on_later(&later->op, UV_ECANCELED);
}

/* producers: what feeds an input, and what pumps into a shared channel */

typedef struct producer_s {
  weir_op_t op;
  chain_node_t *node;
  weir_ctx_t *scope;
  weir_chan_t *in, *out;
  token_t token;
  bool is_holding;
} producer_t;

static void end_producer(producer_t *producer, int status) {
  if (producer->is_holding) use_up(&producer->token);
  weir_chan_close_with(producer->out, status);
  producer->node->fed = NULL;
  weir_chan_unref(producer->out);
  weir_chan_unref(producer->in);
  weir_ctx_unref(producer->scope);
  free(producer);
}

static weir_chan_t *producer_chan(const chain_node_t *node) {
  if (node->kind == CHAIN_HOP) return weir_chan_new_shared(chain.type, (size_t)node->n);
  return node->is_shared ? weir_chan_new_shared(chain.type, chain_below(4))
                         : weir_chan_new(chain.loop, chain.type, chain_below(4));
}

/* Takes `in` over; NULL for want of memory. */
static producer_t *new_producer(chain_node_t *node, weir_chan_t *in) {
  producer_t *producer = calloc(1, sizeof(*producer));

  *producer = (producer_t){.node = node, .in = in};
  producer->scope = weir_ctx_with_cancel(chain.ctxs[node->ctx]);
  producer->out = producer->scope ? producer_chan(node) : NULL;
  if (!producer->out) {
    end_producer(producer, UV_ENOMEM);
    return NULL;
  }
  weir_op_init(&producer->op, producer->scope);
  weir_chan_set_producer(producer->out, producer->scope);
  return producer;
}

static void send_token(producer_t *producer, weir_op_cb cb) {
  int err = weir_chan_send(&producer->op, producer->out, &producer->token, cb);

  producer->is_holding = true;
  if (err) end_producer(producer, err);
}

static void feed(producer_t *producer);

static void on_fed(weir_op_t *op, int status) {
  producer_t *producer = (producer_t *)op;

  if (status) {
    end_producer(producer, status);
    return;
  }
  producer->is_holding = false;
  producer->node->made++;
  feed(producer);
}

static void feed_next(producer_t *producer) {
  chain_node_t *node = producer->node;

  producer->token = token_new(chain.type, node->first + node->made);
  send_token(producer, on_fed);
}

static void on_rested(weir_op_t *op, int status) {
  producer_t *producer = (producer_t *)op;

  if (status)
    end_producer(producer, status);
  else if (producer->node->made == producer->node->n)
    end_producer(producer, producer->node->status);
  else
    feed_next(producer);
}

static void feed(producer_t *producer) {
  weir_op_t *op = &producer->op;
  int err = chain.is_timed && chain_chance(2) ? weir_sleep(op, chain_below(4), on_rested)
                                              : weir_yield(op, on_rested);

  if (err) end_producer(producer, err);
}

static weir_chan_t *build_input(chain_node_t *node) {
  producer_t *producer = new_producer(node, NULL);
  weir_chan_t *out;

  if (!producer) return NULL;
  node->fed = producer->out;
  out = weir_chan_ref(producer->out);
  feed(producer);
  return out;
}

static void pump(producer_t *producer);

static void on_pumped(weir_op_t *op, int status) {
  producer_t *producer = (producer_t *)op;

  if (status) {
    end_producer(producer, status);
    return;
  }
  producer->is_holding = false;
  pump(producer);
}

static void on_drawn(weir_op_t *op, int status) {
  producer_t *producer = (producer_t *)op;

  if (status)
    end_producer(producer, status);
  else
    send_token(producer, on_pumped);
}

static void pump(producer_t *producer) {
  int err = weir_chan_recv(&producer->op, producer->in, &producer->token, on_drawn);

  if (err) end_producer(producer, err);
}

static weir_chan_t *build_hop(chain_node_t *node, weir_chan_t *in) {
  producer_t *producer = in ? new_producer(node, in) : NULL;
  weir_chan_t *out;

  if (!producer) return NULL;
  out = weir_chan_ref(producer->out);
  pump(producer);
  return out;
}

/* building */

static weir_chan_t *use(const chain_node_t *node, int input) {
  chain_node_t *used = &chain.nodes[node->inputs[input]];
  weir_chan_t *out = used->out;

  used->out = NULL;
  if (used->is_held) used->held = weir_chan_ref(out);
  return out;
}

/* What comes out of nothing has no type. */
static weir_chan_t *typed(weir_ctx_t *ctx, chain_node_t *node, weir_chan_t *nothing) {
  return weir_pipe_map(ctx, nothing, chain.type, map, node);
}

static weir_chan_t *build_source(weir_ctx_t *ctx, chain_node_t *node) {
  token_t tokens[16];
  weir_chan_t *out = NULL;

  if (node->kind == CHAIN_NOTHING) return typed(ctx, node, weir_pipe_fan_in(ctx, NULL, 0));
  if (node->kind == CHAIN_INPUT) return build_input(node);
  if (node->kind == CHAIN_GENERATE) return weir_pipe_generate(ctx, chain.type, generate, node);
  for (int i = 0; i < node->n; i++) tokens[i] = token_new(chain.type, node->first + i);
  if (node->kind == CHAIN_FROM) return weir_pipe_from(ctx, chain.type, tokens, (size_t)node->n);
  out = weir_pipe_repeat(ctx, chain.type, tokens, (size_t)node->n);
  for (int i = 0; i < node->n; i++) use_up(&tokens[i]);
  return out;
}

/* What undoes a stage stands under another context: it must not hide how that has ended. */

static weir_chan_t *build_batches(weir_ctx_t *ctx, chain_node_t *node, weir_chan_t *in) {
  weir_ctx_t *root = chain.ctxs[0];
  weir_chan_t *batches = weir_pipe_batch(ctx, in, (size_t)node->n, node->ms);

  if (node->kind == CHAIN_BATCH_FIRST)
    return weir_pipe_map(root, batches, chain.type, first_of_batch, node);
  return weir_pipe_bridge(root, weir_pipe_map(root, batches, WEIR_TYPE_CHAN, stream_of_batch, node),
                          chain.type);
}

static weir_chan_t *build_signals(weir_ctx_t *ctx, chain_node_t *node, weir_chan_t *in) {
  weir_ctx_t *root = chain.ctxs[0];
  weir_chan_t *signals = weir_pipe_map(ctx, in, NULL, to_signal, node);

  return weir_pipe_map(root, weir_pipe_buffer(root, signals, (size_t)node->n), chain.type,
                       from_signal, node);
}

static void build_tee(weir_ctx_t *ctx, chain_node_t *node, weir_chan_t *in) {
  weir_chan_t *out[2];

  weir_pipe_tee(ctx, in, out);
  for (int i = 0; i < 2; i++) node[1 + i].out = out[i]; /* its branches */
}

/* Also those of a fan_out. */
static weir_chan_t *build_stage(weir_ctx_t *ctx, chain_node_t *node, chain_kind_t kind,
                                weir_chan_t *in) {
  size_t n = (size_t)(kind == node->kind ? node->n : node->limit);

  switch (kind) {
  case CHAIN_MAP:
    return weir_pipe_map(ctx, in, chain.type, map, node);
  case CHAIN_FILTER:
    return weir_pipe_filter(ctx, in, keep, node);
  case CHAIN_TAKE:
    return weir_pipe_take(ctx, in, n);
  case CHAIN_SLEEP:
    return weir_pipe_sleep(ctx, in, node->ms);
  case CHAIN_BUFFER:
    return weir_pipe_buffer(ctx, in, n);
  case CHAIN_ASYNC:
    return weir_pipe_async(ctx, in, chain.type, n, node->is_ordered, start, node);
  case CHAIN_WORK:
    in = weir_pipe_filter(ctx, in, keep_all, node);
    return weir_pipe_work(ctx, in, chain.type, n, node->is_ordered, work, node);
  default:
    return weir_pipe_or_done(ctx, in);
  }
}

static weir_chan_t *build_each(weir_ctx_t *ctx, weir_chan_t *in, void *arg) {
  chain_node_t *node = arg;

  return build_stage(ctx, node, node->each, in);
}

static weir_chan_t *build_fan_out(weir_ctx_t *ctx, chain_node_t *node, weir_chan_t *in) {
  weir_chan_t *out = weir_pipe_fan_out(ctx, in, (size_t)node->n, build_each, node);

  return node->n > 0 ? out : typed(ctx, node, out);
}

/* In a sequence a NULL would be a channel that nothing comes from. */
static weir_chan_t *build_bridge(weir_ctx_t *ctx, weir_chan_t **chans, size_t n) {
  bool are_there = true;

  for (size_t i = 0; i < n; i++) are_there = are_there && chans[i];
  for (size_t i = 0; i < n && !are_there; i++) weir_chan_unref(chans[i]);
  if (!are_there) return NULL;
  return weir_pipe_bridge(ctx, weir_pipe_from(ctx, WEIR_TYPE_CHAN, chans, n), chain.type);
}

static weir_chan_t *build_joint(weir_ctx_t *ctx, const chain_node_t *node) {
  weir_chan_t *chans[CHAIN_INPUTS];
  size_t n = (size_t)node->n_inputs;

  for (size_t i = 0; i < n; i++) chans[i] = use(node, (int)i);
  if (node->kind == CHAIN_FAN_IN) return weir_pipe_fan_in(ctx, chans, n);
  if (node->kind == CHAIN_OR) return weir_pipe_or(ctx, chans, n);
  return build_bridge(ctx, chans, n);
}

static void build_node(chain_node_t *node) {
  weir_ctx_t *ctx = chain.ctxs[node->ctx];
  weir_chan_t *in;

  if (node->kind == CHAIN_BRANCH) return;
  if (node->kind >= CHAIN_FAN_IN || node->kind == CHAIN_OR) {
    node->out = build_joint(ctx, node);
    return;
  }
  in = node->n_inputs > 0 ? use(node, 0) : NULL;
  if (node->kind == CHAIN_TEE)
    build_tee(ctx, node, in);
  else if (node->n_inputs == 0)
    node->out = build_source(ctx, node);
  else if (node->kind == CHAIN_BATCH_FIRST || node->kind == CHAIN_BATCH_ALL)
    node->out = build_batches(ctx, node, in);
  else if (node->kind == CHAIN_SIGNALS)
    node->out = build_signals(ctx, node, in);
  else if (node->kind == CHAIN_FAN_OUT)
    node->out = build_fan_out(ctx, node, in);
  else if (node->kind == CHAIN_HOP)
    node->out = build_hop(node, in);
  else
    node->out = build_stage(ctx, node, node->kind, in);
}

void chain_build(void) {
  for (int i = 0; i < chain.n; i++) build_node(&chain.nodes[i]);
}

void chain_open(weir_loop_t *loop, int timed, uint64_t ms) {
  weir_ctx_t *parent = weir_loop_background(loop);

  chain.loop = loop;
  for (int i = 0; i < CHAIN_CTXS; i++) {
    chain.ctxs[i] = i == timed ? weir_ctx_with_timeout(parent, ms) : weir_ctx_with_cancel(parent);
    if (!chain.ctxs[i]) chain_fail("no context");
    parent = chain.ctxs[0];
  }
}

void chain_close(void) {
  for (int i = 0; i < CHAIN_CTXS; i++) weir_ctx_unref(chain.ctxs[i]);
}
