/* Seeing what is going on: counters, and a list of what waits for what. */
#ifndef WEIR_STATS_H
#define WEIR_STATS_H

#include <stdio.h>
#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_stats_s {
  /* now, on this loop */
  size_t ops_parked, ops_runnable;
  size_t channels; /* local ones, done channels included */
  size_t contexts; /* without the background */
  size_t timers;   /* sleeps, deadlines, sig, after, tick */
  size_t stages;   /* channels that a stage fills, or another producer (weir_chan_set_producer) */
  /* since weir_loop_new */
  uint64_t completions; /* operations completed */
  uint64_t wakeups;     /* by other threads */
  uint64_t loop_turns;  /* turns of the uv loop */
} weir_stats_t;

/* Fills in the loop's counters. */
WEIR_EXTERN void weir_stats(const weir_loop_t *loop, weir_stats_t *out);

/*
 * Writes a line for each parked operation: where it was initialised, on what it waits, and since
 * when, counted from the turn of the loop in which it was started.
 */
WEIR_EXTERN void weir_dump(const weir_loop_t *loop, FILE *out);

/* Writes a Graphviz digraph: channels, stages, parked operations and the cancel tree. */
WEIR_EXTERN void weir_dump_dot(const weir_loop_t *loop, FILE *out);

#ifdef __cplusplus
}
#endif

#endif
