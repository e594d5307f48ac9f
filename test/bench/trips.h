/* Round trips: how long they took, on average and at percentiles. */
#ifndef WEIR_BENCH_TRIPS_H
#define WEIR_BENCH_TRIPS_H

#include "bench.h"

typedef struct trips_s {
  uint64_t *took; /* nanoseconds each */
  size_t n, done;
  uint64_t first, last; /* when the first began, and the last ended */
} trips_t;

void trips_init(trips_t *trips, size_t n);
void trips_start(trips_t *trips);
bool trips_next(trips_t *trips); /* one has ended; returns whether there is another */

/* What the figures are called: `name` is a literal, and the average's. */
typedef struct trips_figures_s {
  const char *average, *p50, *p99, *p999;
} trips_figures_t;
#define TRIPS_FIGURES(name) ((trips_figures_t){name, name ".p50", name ".p99", name ".p99.9"})

/* Notes the figures, in microseconds, and frees what trips_init allocated. */
void trips_finish(trips_t *trips, const trips_figures_t *figures);

#endif
