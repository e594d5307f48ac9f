/* Jobs that keep a processor busy: how long many of them take, and how much faster than one
 * by one. */
#ifndef WEIR_BENCH_JOBS_H
#define WEIR_BENCH_JOBS_H

#include "bench.h"

enum { WORKERS = 2 };

typedef struct jobs_s {
  size_t n;
  uint64_t turns; /* of the busy loop, a job */
} jobs_t;

/* Does a job, on any thread. Its result is a number that nothing else gives. */
uint64_t job_do(const jobs_t *jobs, uint64_t number);

/* Does jobs number 0 to n - 1 on WORKERS threads, in any order. Returns the sum of
 * their results. */
typedef uint64_t (*jobs_fn)(const bench_t *bench, const jobs_t *jobs);

/* Notes nanoseconds a job, of `ns` each, and the speed-up against the same jobs on this thread. */
void jobs_measure(const bench_t *bench, jobs_fn do_all, size_t n, uint64_t ns, const char *name,
                  const char *speedup_name);

#endif
