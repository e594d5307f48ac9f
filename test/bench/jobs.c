/* Jobs. How long a turn of the busy loop takes is measured once a run. */
#include "jobs.h"

static uint64_t busy(uint64_t number, uint64_t turns) {
  for (; turns > 0; turns--) number = number * 6364136223846793005u + 1442695040888963407u;
  return number;
}

uint64_t job_do(const jobs_t *jobs, uint64_t number) {
  return busy(number, jobs->turns);
}

/* The shortest of several times is the one that had the processor to itself. */
static double measure_turn(void) {
  enum { TURNS = 1000000, TIMES = 20 };
  uint64_t shortest = UINT64_MAX;
  volatile uint64_t number = 0;

  for (int i = 0; i < TIMES; i++) {
    uint64_t start = uv_hrtime(), took;
    number = busy(number, TURNS);
    took = uv_hrtime() - start;
    if (took < shortest) shortest = took;
  }
  return (double)shortest / TURNS;
}

static uint64_t turns_in(uint64_t ns) {
  static double turn_ns;

  if (turn_ns == 0) turn_ns = measure_turn();
  return (uint64_t)((double)ns / turn_ns);
}

static uint64_t do_one_by_one(const jobs_t *jobs) {
  uint64_t sum = 0;

  for (size_t i = 0; i < jobs->n; i++) sum += job_do(jobs, i);
  return sum;
}

void jobs_measure(const bench_t *bench, jobs_fn do_all, size_t n, uint64_t ns, const char *name,
                  const char *speedup_name) {
  jobs_t jobs = {bench_scaled(bench, n), turns_in(ns)};
  uint64_t start = uv_hrtime(), serial, parallel, sum;

  sum = do_one_by_one(&jobs);
  serial = uv_hrtime() - start;
  start = uv_hrtime();
  bench_expect(do_all(bench, &jobs) == sum);
  parallel = uv_hrtime() - start;
  bench_result(name, "ns", (double)parallel / (double)jobs.n);
  bench_result(speedup_name, "x", (double)serial / (double)parallel);
}
