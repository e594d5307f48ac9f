#include "chains.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

chain_t chain;

/* chance */

unsigned chain_below(unsigned n) {
  chain.random = chain.random * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(chain.random >> 33) % n;
}

bool chain_chance(unsigned one_in) {
  return chain_below(one_in) == 0;
}

static int between(int least, int most) {
  return least + (int)chain_below((unsigned)(most - least + 1));
}

/* what nodes do to numbers */

enum { ROUND = 7, NUMBERS = 10007 };

int chain_verdict(int *number, const void *arg) {
  const chain_node_t *node = arg;

  if (node->end_at >= 0 && *number % ROUND == node->end_at) return node->status;
  if (node->skip > 0 && *number % node->skip == 0) return WEIR_SKIP;
  if (node->kind == CHAIN_SIGNALS)
    *number = node->first;
  else if (node->kind != CHAIN_FILTER && node->each != CHAIN_FILTER)
    *number = (*number * 5 + node->first) % NUMBERS;
  return 0;
}

/* the plan: parameters */

static int error(void) {
  static const int errors[] = {UV_EIO, UV_EPROTO, UV_ENXIO};

  return errors[chain_below(3)];
}

static void may_skip(chain_node_t *node) {
  node->skip = chain_chance(2) ? between(2, 4) : 0;
}

static void may_end(chain_node_t *node, int status) {
  if (chain_chance(5)) {
    node->end_at = between(0, ROUND - 1);
    node->status = status;
  }
}

static void set_source(chain_node_t *node) {
  node->n = chain_chance(8) ? 0 : between(1, node->kind == CHAIN_REPEAT ? 4 : 12);
  node->is_endless = node->kind == CHAIN_REPEAT && node->n > 0;
  node->status = UV_EOF;
  if (node->kind == CHAIN_GENERATE) {
    may_skip(node);
    node->is_endless = chain_chance(4);
  }
  if (node->kind == CHAIN_INPUT) node->is_shared = !chain.is_timed && chain_chance(2);
  if (node->kind == CHAIN_INPUT || node->kind == CHAIN_GENERATE)
    node->status = chain_chance(3) ? error() : UV_EOF;
}

static void set_batch(chain_node_t *node) {
  node->n = between(1, 4);
  node->ms = chain_chance(3) ? 0 : UINT64_MAX;
  if (chain.is_timed && chain_chance(2)) node->ms = chain_below(6);
}

static void set_fan_out(chain_node_t *node) {
  static const chain_kind_t kinds[] = {CHAIN_MAP,    CHAIN_FILTER,  CHAIN_TAKE, CHAIN_ASYNC,
                                       CHAIN_BUFFER, CHAIN_OR_DONE, CHAIN_SLEEP};

  node->each = kinds[chain_below(chain.is_timed ? 7 : 6)];
  node->n = chain_chance(10) ? 0 : between(1, 3);
  node->limit = between(1, 3);
  node->ms = chain_below(4);
  node->is_ordered = chain_chance(2);
  if (node->each == CHAIN_MAP || node->each == CHAIN_FILTER || node->each == CHAIN_ASYNC)
    may_skip(node);
}

static void set_several(chain_node_t *node) {
  node->n = between(1, 3);
  node->is_ordered = chain_chance(2);
  may_skip(node);
  may_end(node, node->kind == CHAIN_WORK && chain_chance(2) ? error() : UV_EOF);
}

static void set_parameters(chain_node_t *node) {
  node->n = between(0, 4);
  node->first = between(1, 900);
  switch (node->kind) {
  case CHAIN_FROM:
  case CHAIN_REPEAT:
  case CHAIN_GENERATE:
  case CHAIN_INPUT:
    set_source(node);
    break;
  case CHAIN_MAP:
    may_skip(node);
    may_end(node, chain_chance(2) ? error() : UV_EOF);
    break;
  case CHAIN_FILTER:
    may_skip(node);
    break;
  case CHAIN_TAKE:
    node->n = between(0, 8);
    break;
  case CHAIN_SLEEP:
    node->ms = chain_below(4);
    break;
  case CHAIN_BATCH_FIRST:
  case CHAIN_BATCH_ALL:
    set_batch(node);
    break;
  case CHAIN_ASYNC:
  case CHAIN_WORK:
    set_several(node);
    break;
  case CHAIN_FAN_OUT:
    set_fan_out(node);
    break;
  default:
    break;
  }
}

/* the plan: nodes */

static chain_node_t *add(chain_kind_t kind) {
  chain_node_t *node = &chain.nodes[chain.n];

  node->kind = kind;
  node->each = CHAIN_KINDS;
  node->end_at = -1;
  node->tree = chain.n++;
  node->ctx = chain_chance(3) ? between(0, CHAIN_CTXS - 1) : 0;
  set_parameters(node);
  return node;
}

static void link_to(chain_node_t *node, chain_node_t *input) {
  int from = input->tree, to = node->tree;

  node->inputs[node->n_inputs++] = (int)(input - chain.nodes);
  input->is_used = true;
  for (int i = 0; i < chain.n; i++)
    if (chain.nodes[i].tree == from) chain.nodes[i].tree = to;
}

static chain_node_t *add_source(void) {
  static const chain_kind_t kinds[] = {CHAIN_FROM,   CHAIN_FROM,  CHAIN_GENERATE, CHAIN_INPUT,
                                       CHAIN_INPUT,  CHAIN_INPUT, CHAIN_NOTHING,  CHAIN_REPEAT,
                                       CHAIN_REPEAT, CHAIN_REPEAT};
  bool is_copyable = chain.type != &token_unique;
  chain_kind_t kind = kinds[chain_below(is_copyable ? 10 : 7)];

  return add(kind == CHAIN_NOTHING && !chain_chance(3) ? CHAIN_FROM : kind);
}

bool chain_is_output(const chain_node_t *node) {
  return !node->is_used && node->kind != CHAIN_TEE;
}

static bool is_open_end(const chain_node_t *node) {
  return chain_is_output(node) && node->kind != CHAIN_OR;
}

static int count_ends(void) {
  int n = 0;

  for (int i = 0; i < chain.n; i++) n += chain_is_output(&chain.nodes[i]);
  return n;
}

/* A random one of those that have not met `other`; NULL if there is none. */
static chain_node_t *open_end(const chain_node_t *other) {
  chain_node_t *chosen = NULL;
  unsigned n = 0;

  for (int i = 0; i < chain.n; i++) {
    chain_node_t *node = &chain.nodes[i];
    if (!is_open_end(node) || node == other || (other && node->tree == other->tree)) continue;
    if (chain_chance(++n)) chosen = node;
  }
  return chosen;
}

static void add_tee(chain_node_t *input) {
  chain_node_t *tee = add(CHAIN_TEE);

  link_to(tee, input);
  for (int i = 0; i < 2; i++) link_to(add(CHAIN_BRANCH), tee);
}

static void add_joint(chain_kind_t kind, chain_node_t *input) {
  int n = between(1, CHAIN_INPUTS);
  chain_node_t *others[CHAIN_INPUTS], *node;

  for (int i = 1; i < n; i++) others[i] = add_source();
  node = add(kind);
  link_to(node, input);
  for (int i = 1; i < n; i++) {
    chain_node_t *end = others[i]->is_used || chain_chance(2) ? open_end(node) : others[i];
    if (end) link_to(node, end);
  }
}

/* By weight. */
static chain_kind_t random_stage(void) {
  static const struct {
    chain_kind_t kind;
    unsigned weight;
  } stages[] = {{CHAIN_MAP, 8},       {CHAIN_FILTER, 6},  {CHAIN_TAKE, 6},
                {CHAIN_BUFFER, 6},    {CHAIN_OR_DONE, 3}, {CHAIN_BATCH_FIRST, 3},
                {CHAIN_BATCH_ALL, 4}, {CHAIN_SIGNALS, 1}, {CHAIN_ASYNC, 8},
                {CHAIN_FAN_OUT, 5},   {CHAIN_OR, 2},      {CHAIN_TEE, 6},
                {CHAIN_FAN_IN, 5},    {CHAIN_BRIDGE, 5},  {CHAIN_SLEEP, 6}};
  unsigned dice, all = 0;
  size_t n = sizeof(stages) / sizeof(*stages), i = 0;

  if (chain.work_one_in && chain_chance(chain.work_one_in)) return CHAIN_WORK;
  for (size_t k = 0; k < n; k++) all += stages[k].weight;
  for (dice = chain_below(all); dice >= stages[i].weight; i++) dice -= stages[i].weight;
  return stages[i].kind;
}

static bool is_joint(chain_kind_t kind) {
  return kind == CHAIN_FAN_IN || kind == CHAIN_BRIDGE || kind == CHAIN_OR;
}

static void add_stage(void) {
  chain_node_t *input = open_end(NULL);
  chain_kind_t kind = random_stage();

  if (!input) return;
  if (kind == CHAIN_SLEEP && !chain.is_timed) kind = CHAIN_HOP;
  if (kind == CHAIN_TEE && (chain.type == &token_unique || count_ends() >= 5)) kind = CHAIN_MAP;
  if (kind == CHAIN_OR && count_ends() == 1) kind = CHAIN_OR_DONE;
  if (is_joint(kind) && count_ends() > CHAIN_OUTPUTS - CHAIN_INPUTS) kind = CHAIN_MAP;
  if (kind == CHAIN_TEE)
    add_tee(input);
  else if (is_joint(kind))
    add_joint(kind, input);
  else
    link_to(add(kind), input);
}

void chain_plan(uint64_t seed, bool needs_time, unsigned work_one_in) {
  static const weir_type_t *const types[] = {&token_plain, &token_owned, &token_owned,
                                             &token_unique};
  int stages;

  memset(&chain, 0, sizeof(chain));
  chain.random = seed;
  chain_below(2);
  chain.work_one_in = work_one_in;
  chain.is_timed = needs_time || !chain_chance(3);
  chain.type = types[chain_below(4)];
  for (int i = between(1, 2); i > 0; i--) add_source();
  stages = between(0, 8);
  while (stages-- > 0 && chain.n < CHAIN_NODES - CHAIN_INPUTS) add_stage();
}

/* words */

static const char *const names[CHAIN_KINDS] = {
    "from",
    "repeat",
    "generate",
    "input",
    "fan_in of none",
    "map",
    "filter",
    "take",
    "sleep",
    "buffer",
    "or_done",
    "batch map",
    "batch from bridge",
    "map to signals, map",
    "async",
    "work",
    "fan_out",
    "shared channel",
    "or",
    "tee",
    "branch",
    "fan_in",
    "bridge",
};

static void print_node(FILE *out, const chain_node_t *node) {
  fprintf(out, "  %d = %s", (int)(node - chain.nodes), names[node->kind]);
  for (int i = 0; i < node->n_inputs; i++) fprintf(out, " %d", node->inputs[i]);
  if (node->kind == CHAIN_FAN_OUT)
    fprintf(out, " of %s, %d of each", names[node->each], node->limit);
  fprintf(out, "; n %d", node->n);
  if (node->is_endless) fputs(", endless", out);
  if (node->ms == UINT64_MAX) fputs(", only full", out);
  if (node->ms > 0 && node->ms < UINT64_MAX) fprintf(out, ", %d ms", (int)node->ms);
  if (node->is_ordered) fputs(", ordered", out);
  if (node->is_shared) fputs(", shared", out);
  if (node->skip) fprintf(out, ", skips multiples of %d", node->skip);
  if (node->end_at >= 0) fprintf(out, ", a remainder of %d ends it", node->end_at);
  if (node->status) fprintf(out, ", ends with %s", uv_err_name(node->status));
  if (node->ctx) fprintf(out, ", context %d", node->ctx);
  for (int i = 0; i < node->n_cuts; i++) fprintf(out, ", CUT %s", uv_err_name(node->cuts[i]));
  if (node->closed) fprintf(out, ", CLOSED %s after %d", uv_err_name(node->closed), node->made);
  fputc('\n', out);
}

void chain_print(FILE *out) {
  fprintf(out, "%s\n  %s values, %s\n", chain.note, chain.type->name,
          chain.is_timed ? "timed" : "not timed");
  for (int i = 0; i < chain.n; i++) print_node(out, &chain.nodes[i]);
}

void chain_fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  chain_print(stderr);
  ck_abort_msg("%s: %s", chain.note, what);
  abort();
}

/* the forecast */

void chain_cut(chain_node_t *node, int status) {
  for (int i = 0; i < node->n_cuts; i++)
    if (node->cuts[i] == status) return;
  if (node->n_cuts < CHAIN_CUTS) node->cuts[node->n_cuts++] = status;
}

void chain_cut_ctx(int ctx, int status) {
  for (int i = 0; i < chain.n; i++)
    if (ctx == 0 || chain.nodes[i].ctx == ctx) chain_cut(&chain.nodes[i], status);
}

enum { KNOWN_OF_ENDLESS = 64 };

static void forecast_source(chain_node_t *node) {
  forecast_t *forecast = &node->forecast;
  int n = node->is_endless ? KNOWN_OF_ENDLESS : node->closed ? node->made : node->n;

  for (int i = 0; i < n; i++) {
    int number = node->first + (node->kind == CHAIN_REPEAT ? i % node->n : i);
    if (node->skip == 0 || number % node->skip > 0) forecast_add_value(forecast, number);
  }
  forecast_end(forecast, node->is_endless ? 0 : node->closed ? node->closed : node->status);
}

static void forecast_stage(forecast_t *forecast, const chain_node_t *node, chain_kind_t kind) {
  switch (kind) {
  case CHAIN_TAKE:
    forecast_take(forecast, node->kind == CHAIN_FAN_OUT ? node->n * node->limit : node->n);
    break;
  case CHAIN_MAP:
  case CHAIN_FILTER:
  case CHAIN_SIGNALS:
    forecast_each(forecast, chain_verdict, node);
    break;
  case CHAIN_ASYNC:
  case CHAIN_WORK:
    if (!node->is_ordered) forecast_mix_up(forecast);
    forecast_each(forecast, chain_verdict, node);
    break;
  case CHAIN_BATCH_FIRST:
    forecast_firsts(forecast, node->n, node->ms < UINT64_MAX);
    break;
  case CHAIN_FAN_OUT:
    if (node->n > 1) forecast_mix_up(forecast);
    forecast_stage(forecast, node, node->each);
    break;
  default:
    break;
  }
}

static const forecast_t *input_forecast(const chain_node_t *node, int i) {
  return &chain.nodes[node->inputs[i]].forecast;
}

static void forecast_or(chain_node_t *node) {
  bool may_be_silent = true;

  for (int i = 0; i < node->n_inputs; i++)
    if (!forecast_may_be_silent(input_forecast(node, i))) may_be_silent = false;
  forecast_begin(&node->forecast);
  forecast_end(&node->forecast, UV_EOF);
  if (may_be_silent) forecast_end(&node->forecast, 0);
}

static void forecast_node(chain_node_t *node) {
  forecast_t *forecast = &node->forecast;

  if (node->n_inputs == 0) {
    forecast_begin(forecast);
    if (node->kind == CHAIN_NOTHING)
      forecast_end(forecast, UV_EOF);
    else
      forecast_source(node);
    return;
  }
  *forecast = *input_forecast(node, 0);
  for (int i = 1; i < node->n_inputs; i++)
    if (node->kind == CHAIN_FAN_IN)
      forecast_join(forecast, input_forecast(node, i));
    else
      forecast_append(forecast, input_forecast(node, i));
  if (node->kind == CHAIN_OR) forecast_or(node);
  if (node->kind == CHAIN_FAN_OUT && node->n == 0) {
    forecast_begin(forecast);
    forecast_end(forecast, UV_EOF);
    return;
  }
  forecast_stage(forecast, node, node->kind);
}

void chain_forecast(void) {
  for (int i = 0; i < chain.n; i++) {
    forecast_node(&chain.nodes[i]);
    for (int k = 0; k < chain.nodes[i].n_cuts; k++)
      forecast_cut(&chain.nodes[i].forecast, chain.nodes[i].cuts[k]);
  }
}
