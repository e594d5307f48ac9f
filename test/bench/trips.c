/* Round trips. */
#include "trips.h"

#include <stdlib.h>

void trips_init(trips_t *trips, size_t n) {
  *trips = (trips_t){.took = bench_alloc(n, sizeof(*trips->took)), .n = n};
}

void trips_start(trips_t *trips) {
  trips->first = trips->last = uv_hrtime();
}

bool trips_next(trips_t *trips) {
  uint64_t now = uv_hrtime();

  trips->took[trips->done++] = now - trips->last;
  trips->last = now;
  return trips->done < trips->n;
}

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

  return (x > y) - (x < y);
}

static void note_percentile(const trips_t *trips, const char *name, size_t thousandths) {
  bench_result(name, "us", (double)trips->took[trips->n * thousandths / 1000] / 1e3);
}

void trips_finish(trips_t *trips, const trips_figures_t *figures) {
  double total = (double)(trips->last - trips->first);

  bench_expect(trips->done == trips->n);
  qsort(trips->took, trips->n, sizeof(*trips->took), compare);
  bench_result(figures->average, "us", total / (double)trips->n / 1e3);
  note_percentile(trips, figures->p50, 500);
  note_percentile(trips, figures->p99, 990);
  note_percentile(trips, figures->p999, 999);
  free(trips->took);
}
