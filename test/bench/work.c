/* work100us, work1us: jobs by a weir_pipe_work of two workers, results as they are ready. */
#include "ends.h"
#include "jobs.h"

typedef struct source_s {
  uint64_t next, n;
} source_t;

static int next_job(void *out, void *arg) {
  source_t *source = arg;

  if (source->next == source->n) return UV_EOF;
  *(uint64_t *)out = source->next++;
  return 0;
}

static int work(void *out, void *in, void *arg) {
  *(uint64_t *)out = job_do(arg, *(const uint64_t *)in);
  return 0;
}

static uint64_t pipe_work(const bench_t *bench, const jobs_t *jobs) {
  source_t source = {.n = jobs->n};
  weir_chan_t *out = weir_pipe_generate(bench->ctx, WEIR_TYPE(uint64_t), next_job, &source);
  ranger_t ranger;

  out = weir_pipe_work(bench->ctx, out, WEIR_TYPE(uint64_t), WORKERS, false, work, (void *)jobs);
  bench_expect(out != NULL);
  ranger_start(&ranger, bench->ctx, out);
  weir_chan_unref(out); /* the range holds it */
  bench_run(bench);
  bench_expect(ranger.end == UV_EOF);
  return ranger.sum;
}

void bench_work100us(const bench_t *bench) {
  jobs_measure(bench, pipe_work, 5000, 100000, "work100us", "work100us.speedup");
}

void bench_work1us(const bench_t *bench) {
  jobs_measure(bench, pipe_work, 300000, 1000, "work1us", "work1us.speedup");
}
