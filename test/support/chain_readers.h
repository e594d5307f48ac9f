/* Who reads the outputs of a chain, at a pace of its own, and checks what they brought. */
#ifndef WEIR_TEST_CHAIN_READERS_H
#define WEIR_TEST_CHAIN_READERS_H

#include "chains.h"

enum { CHAIN_READS = 3 };

typedef struct chain_reader_s {
  weir_range_t range; /* or */
  weir_op_t receive;
  weir_op_t rest; /* between two values */
  int turns;
  bool is_range;
  size_t many; /* how many it receives at once */
  chain_node_t *node;
  weir_chan_t *out; /* NULL when it is over */
  token_t room[CHAIN_READS];
  int limit; /* it abandons the output after so many */
  bool is_abandoned, has_ended;
  int status;
  int count;
  int values[FORECAST_VALUES];
} chain_reader_t;

/* Begins to read what the node brings; as far as is known, where that is endless. */
void chain_read(chain_reader_t *reader, chain_node_t *node);

/* Lets go of the output, if it has not ended. */
void chain_abandon(chain_reader_t *reader);

/* Fails if the node has not brought what it should, by its forecast. */
void chain_check(const chain_reader_t *reader);

#endif
