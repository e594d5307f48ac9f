/* The same jobs by uv_queue_work on a bare uv loop: two requests are out, one job each. */
#include "jobs.h"

typedef struct queue_s {
  uv_loop_t uv;
  const jobs_t *jobs;
  uint64_t next, sum;
} queue_t;

typedef struct request_s {
  uv_work_t work;
  queue_t *queue;
  uint64_t number, result;
} request_t;

static void do_job(uv_work_t *work) {
  request_t *request = work->data;

  request->result = job_do(request->queue->jobs, request->number);
}

static void on_done(uv_work_t *work, int status);

static void request_next(request_t *request) {
  queue_t *queue = request->queue;

  if (queue->next == queue->jobs->n) return;
  request->number = queue->next++;
  bench_expect(uv_queue_work(&queue->uv, &request->work, do_job, on_done) == 0);
}

static void on_done(uv_work_t *work, int status) {
  request_t *request = work->data;

  bench_expect(status == 0);
  request->queue->sum += request->result;
  request_next(request);
}

static uint64_t queue_all(const bench_t *bench, const jobs_t *jobs) {
  queue_t queue = {.jobs = jobs};
  request_t requests[WORKERS];

  (void)bench;
  bench_expect(uv_loop_init(&queue.uv) == 0);
  for (int i = 0; i < WORKERS; i++) {
    requests[i].queue = &queue;
    requests[i].work.data = &requests[i];
    request_next(&requests[i]);
  }
  uv_run(&queue.uv, UV_RUN_DEFAULT);
  bench_expect(uv_loop_close(&queue.uv) == 0);
  return queue.sum;
}

void bench_uv_work100us(const bench_t *bench) {
  jobs_measure(bench, queue_all, 5000, 100000, "uv_work100us", "uv_work100us.speedup");
}

void bench_uv_work1us(const bench_t *bench) {
  jobs_measure(bench, queue_all, 300000, 1000, "uv_work1us", "uv_work1us.speedup");
}
