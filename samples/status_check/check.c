/*
 * A pool of workers between two channels. Each worker goes round:
 *
 *   take   the next target from `targets`       -> on_target
 *   ask    fetch() under a context of its own   -> on_answer
 *   tell   send the result on `results`         -> on_told, and take again
 *
 * until `targets` is empty and closed. The last worker closes `results`.
 *
 * Only the fetches are under `ctx`: a cancelled check still has to say so of every target. The
 * workers' own operations are under `wanted`, which is cancelled when nobody but the check itself
 * holds `results`.
 */
#include "check.h"

#include "fetch.h"

#include <stdlib.h>

typedef struct check_s check_t;

typedef struct worker_s {
  check_t *check;
  weir_op_t op;
  weir_ctx_t *ctx; /* of the fetch */
  weir_chan_t *answer;
  const target_t *target;
  result_t result;
} worker_t;

struct check_s {
  weir_ctx_t *ctx, *wanted;
  weir_chan_t *targets, *results;
  size_t users; /* workers that have not ended, and check_status() itself */
  worker_t workers[];
};

static void destroy(check_t *check) {
  weir_chan_unref(check->results);
  weir_chan_unref(check->targets);
  weir_ctx_unref(check->wanted);
  weir_ctx_unref(check->ctx);
  free(check);
}

static void let_go(check_t *check) {
  if (--check->users > 0) return;
  weir_chan_close(check->results);
  destroy(check);
}

static void on_target(weir_op_t *op, int status);

static void take(worker_t *w) {
  if (weir_chan_recv(&w->op, w->check->targets, &w->target, on_target)) let_go(w->check);
}

static void on_told(weir_op_t *op, int status) {
  worker_t *w = op->data;

  if (status)
    let_go(w->check); /* nobody listens any more */
  else
    take(w);
}

static void tell(worker_t *w) {
  w->result.target = w->target;
  if (weir_chan_send(&w->op, w->check->results, &w->result, on_told)) let_go(w->check);
}

static void stop_asking(worker_t *w) {
  weir_chan_unref(w->answer);
  weir_ctx_cancel(w->ctx); /* ends its deadline */
  weir_ctx_unref(w->ctx);
}

static void on_answer(weir_op_t *op, int status) {
  worker_t *w = op->data;

  stop_asking(w);
  if (status) w->result = (result_t){.error = {.kind = FAILURE_CANCELLED}};
  tell(w);
}

static void ask(worker_t *w) {
  w->ctx = weir_ctx_with_timeout(w->check->ctx, w->target->timeout_ms);
  w->answer = w->ctx ? fetch(w->ctx, w->target->url) : NULL;
  if (w->answer && weir_chan_recv(&w->op, w->answer, &w->result, on_answer) == 0) return;
  stop_asking(w);
  w->result = (result_t){.error = {.kind = FAILURE_NO_MEMORY}};
  tell(w);
}

static void on_target(weir_op_t *op, int status) {
  worker_t *w = op->data;

  if (status)
    let_go(w->check);
  else
    ask(w);
}

static void start_worker(check_t *check, worker_t *w) {
  w->check = check;
  w->op.data = w;
  weir_op_init(&w->op, check->wanted);
  check->users++;
  take(w);
}

/* All targets at once: a buffered channel, closed, is a queue that says when it is empty. */
static weir_chan_t *queue_of(weir_loop_t *loop, const target_t *targets, size_t n) {
  weir_chan_t *queue = weir_chan_new(loop, WEIR_TYPE(const target_t *), n);

  for (size_t i = 0; queue && i < n; i++) {
    const target_t *target = &targets[i];
    weir_chan_try_send(queue, &target);
  }
  if (queue) weir_chan_close(queue);
  return queue;
}

static check_t *create(weir_ctx_t *ctx, const target_t *targets, size_t n, size_t workers) {
  weir_loop_t *loop = weir_ctx_loop(ctx);
  check_t *check = calloc(1, sizeof *check + workers * sizeof(worker_t));

  if (!check) return NULL;
  check->ctx = weir_ctx_ref(ctx);
  check->wanted = weir_ctx_with_cancel(weir_loop_background(loop));
  check->targets = queue_of(loop, targets, n);
  check->results = weir_chan_new(loop, WEIR_TYPE(result_t), 0);
  if (check->wanted && check->targets && check->results) return check;
  destroy(check);
  return NULL;
}

weir_chan_t *check_status(weir_ctx_t *ctx, const target_t *targets, size_t n, size_t concurrency) {
  size_t workers = concurrency < n ? concurrency : n;
  check_t *check = create(ctx, targets, n, workers);
  weir_chan_t *results = check ? weir_chan_ref(check->results) : NULL;

  if (!check) return NULL;
  weir_chan_set_producer(check->results, check->wanted);
  check->users = 1;
  for (size_t i = 0; i < workers; i++) start_worker(check, &check->workers[i]);
  let_go(check);
  return results;
}
