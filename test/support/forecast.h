/*
 * What a channel is to bring: a simple model of streams.
 *
 * A forecast has values, in order or not, and outcomes: the statuses that the stream may end with,
 * and how many values have come before each. A stream that is whole has one outcome, with all
 * values. One that may have been cut has another, with none to all of them. One without an end has
 * an outcome with status 0; its values are those that begin it.
 */
#ifndef WEIR_TEST_FORECAST_H
#define WEIR_TEST_FORECAST_H

#include <stdbool.h>

enum { FORECAST_VALUES = 256, FORECAST_OUTCOMES = 12 };

typedef struct forecast_outcome_s {
  int status;
  int least, most;
} forecast_outcome_t;

typedef struct forecast_s {
  int values[FORECAST_VALUES];
  int n;
  bool is_ordered; /* what comes begins `values`; else it is some of them */
  bool is_wild;    /* what comes is not known, but for how many */
  int n_outcomes;
  forecast_outcome_t outcomes[FORECAST_OUTCOMES];
} forecast_t;

/* Begins one of no values and no outcome. */
void forecast_begin(forecast_t *forecast);

void forecast_add_value(forecast_t *forecast, int value);
void forecast_add_outcome(forecast_t *forecast, int status, int least, int most);

/* Adds the outcome that all values have come; 0: and more. */
void forecast_end(forecast_t *forecast, int status);

/* It may be cut short with `status`. */
void forecast_cut(forecast_t *forecast, int status);

bool forecast_is_endless(const forecast_t *forecast);

/* It may be endless without ever bringing a value. */
bool forecast_may_be_silent(const forecast_t *forecast);

/* What stages make of it */

/* Changes each value. As a weir_map_fn: 0, positive for none, negative to end the stream. */
typedef int (*forecast_fn)(int *value, const void *arg);
void forecast_each(forecast_t *forecast, forecast_fn fn, const void *arg);

void forecast_take(forecast_t *forecast, int n);
void forecast_mix_up(forecast_t *forecast);

/* The first value of each batch; a timed batch may be due before it is full. */
void forecast_firsts(forecast_t *forecast, int max, bool are_timed);

/* The values of both, as they come. */
void forecast_join(forecast_t *forecast, const forecast_t *other);

/* Then those of the other. */
void forecast_append(forecast_t *forecast, const forecast_t *other);

/* Returns NULL if that may have come, else what is wrong. A status of 0: it was abandoned. */
const char *forecast_check(const forecast_t *forecast, const int *values, int n, int status);

#endif
