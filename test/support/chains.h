/*
 * Random chains and trees of stages: planned under a seed, put into words, forecast by a model,
 * built.
 *
 *   chains.c        chance, the plan, its words and its forecast
 *   chain_stages.c  the stages, what is made of a value in them, and what feeds them
 *   chain_readers.c who reads what they bring
 *
 *   chain_plan(..);
 *   chain_open(loop);
 *   chain_build();
 *   ..               read each node that chain_is_output, run
 *   chain_close();   then chain_forecast() says what each node was to bring
 */
#ifndef WEIR_TEST_CHAINS_H
#define WEIR_TEST_CHAINS_H

#include <stdio.h>

#include "forecast.h"
#include "tokens.h"

enum { CHAIN_NODES = 40, CHAIN_INPUTS = 3, CHAIN_OUTPUTS = 8, CHAIN_CTXS = 3, CHAIN_CUTS = 4 };

typedef enum chain_kind_e {
  /* sources */
  CHAIN_FROM,
  CHAIN_REPEAT,
  CHAIN_GENERATE,
  CHAIN_INPUT,   /* a channel that is fed by sends */
  CHAIN_NOTHING, /* fan_in of none */
  /* of one input */
  CHAIN_MAP,
  CHAIN_FILTER,
  CHAIN_TAKE,
  CHAIN_SLEEP,
  CHAIN_BUFFER,
  CHAIN_OR_DONE,
  CHAIN_BATCH_FIRST, /* batches, then the first value of each */
  CHAIN_BATCH_ALL,   /* batches, then a from of each, bridged */
  CHAIN_SIGNALS,     /* map to signals, and back */
  CHAIN_ASYNC,
  CHAIN_WORK,
  CHAIN_FAN_OUT, /* what each of its stages is: `each` */
  CHAIN_HOP,     /* pumped into a shared channel */
  CHAIN_OR,      /* signals its end: always an output */
  /* of two outputs, which are nodes of their own */
  CHAIN_TEE,
  CHAIN_BRANCH,
  /* of several inputs */
  CHAIN_FAN_IN,
  CHAIN_BRIDGE,
  CHAIN_KINDS
} chain_kind_t;

typedef struct chain_node_s {
  chain_kind_t kind, each;
  int inputs[CHAIN_INPUTS], n_inputs;
  int n;       /* values; what take takes; capacity; batch size; limit; stages */
  int limit;   /* of what each stage of a fan_out takes, or has in hand */
  uint64_t ms; /* of sleep and batch */
  bool is_ordered, is_shared, is_endless;
  int first;    /* number of a source; what maps add */
  int skip;     /* numbers that it divides are left out; 0: none */
  int end_at;   /* the remainder of a number that ends the stream; -1: none */
  int status;   /* that it ends with then; that a source ends with */
  int ctx;      /* of chain.ctxs */
  int tree;     /* nodes of the same have met; joining two of them might deadlock */
  bool is_used; /* is an input */
  /* the run */
  weir_chan_t *out;
  weir_chan_t *held; /* another reference, if `is_held` */
  bool is_held;
  int made; /* by generate; how many values an input has sent */
  weir_chan_t *fed;
  int closed; /* the input, before its end, with that status */
  int cuts[CHAIN_CUTS], n_cuts;
  forecast_t forecast;
} chain_node_t;

typedef struct chain_s {
  char note[160]; /* what a failure is to say: how to repeat it, and what is done to the chain */
  uint64_t random;
  bool is_timed; /* else no stage takes time, and channels may be shared: the clock stands still */
  unsigned work_one_in;
  const weir_type_t *type;
  int n;
  chain_node_t nodes[CHAIN_NODES];
  weir_loop_t *loop;
  weir_ctx_t *ctxs[CHAIN_CTXS]; /* the others are below the first */
  void (*called)(void);         /* in each function of a stage; may do anything */
} chain_t;

extern chain_t chain;

unsigned chain_below(unsigned n);
bool chain_chance(unsigned one_in);

/*
 * Plans a chain; the rest of `chain` is cleared.
 *
 *   needs_time   others will use the clock, too.
 *   work_one_in  one stage in so many is weir_pipe_work, which is slow; 0: none.
 */
void chain_plan(uint64_t seed, bool needs_time, unsigned work_one_in);

/* Writes the note and the chain, a node a line. */
void chain_print(FILE *out);

/* Fails the test, and writes the chain. */
_Noreturn void chain_fail(const char *what);

/* Makes the contexts; the one of number `timed` gets a deadline. */
void chain_open(weir_loop_t *loop, int timed, uint64_t ms);

/* Builds all stages. Those that could not be built, and those after them, have no `out`. */
void chain_build(void);

bool chain_is_output(const chain_node_t *node);

/* What the node brings may have been cut short with `status`; the context; all. */
void chain_cut(chain_node_t *node, int status);
void chain_cut_ctx(int ctx, int status);

/* Lets go of the contexts. */
void chain_close(void);

/* Sets the forecasts of all nodes, with the cuts so far. */
void chain_forecast(void);

/* private to the files */

/* What a node makes of a number; as a weir_map_fn. */
int chain_verdict(int *number, const void *node);

#endif
