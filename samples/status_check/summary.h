/* Counts and latencies, in the same memory however many there are. */
#ifndef STATUS_CHECK_SUMMARY_H
#define STATUS_CHECK_SUMMARY_H

#include "result.h"

#include <stdio.h>

/* 32 of one nanosecond each, then 16 to each doubling, up to 2^42 ns: 73 minutes. */
#define HISTOGRAM_BUCKETS (32 + (42 - 5) * 16)

/* Buckets that are at most 1/16 of their values wide. The last one takes what is longer, too. */
typedef struct histogram_s {
  uint64_t count, max; /* nanoseconds */
  uint64_t buckets[HISTOGRAM_BUCKETS];
} histogram_t;

void histogram_add(histogram_t *histogram, uint64_t ns);

/*
 * Returns a time that `percent` of all (0 to 100) do not exceed: the shortest one, or up to 1/16
 * longer (whatever it is where that is over 71 minutes), and never above the max. 0 for none.
 */
uint64_t histogram_percentile(const histogram_t *histogram, double percent);

/* shown = good + unexpected + the sum of failures. */
typedef struct summary_s {
  size_t shown, good;
  size_t unexpected; /* answered without an error, with a status that is not accepted */
  size_t failures[FAILURE_NO_MEMORY + 1];
  uint64_t bytes;      /* of all bodies */
  histogram_t latency; /* the total of the good and the unexpected ones */
} summary_t;

void summary_add(summary_t *summary, const result_t *result);

/* Prints it for people, in two to four lines. */
void summary_print(const summary_t *summary, FILE *out);

#endif
