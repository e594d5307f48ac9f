/*
 * weir_pipe_work: a weir_pipe_async whose slots go to the thread pool and come back.
 *
 *   1. todo     A slot that goes out is put into a shared channel that has room for all, and if a
 *               worker is idle, it becomes a request of the pool.
 *   2. run      On the pool, a worker takes slots until there are none left, calls `fn` for each
 *               and puts it into another shared channel, `done`. So small items share a request.
 *   3. collect  On the loop an operation receives from `done` while slots are out, and no longer:
 *               one that is parked there keeps the uv loop alive.
 *   4. cancel   Workers stop between two slots. When none runs any more, what is left in the
 *               channels is dropped, and the slots are given back.
 *
 * The stage ends when no slot is out; the pool is freed when, besides, no operation of its is
 * pending.
 */
#include <stdatomic.h>

#include "../lock.h"
#include "../mem.h"
#include "async.h"

enum { LOOK_NS = 50000 }; /* about what it takes to wake a thread */

/* For each worker: what it works at, and what is there while the loop waits for a processor. */
enum { IN_HAND = 4 };

typedef struct pool_s pool_t;

typedef struct worker_s {
  weir_op_t op; /* first, so that its callback finds the worker */
  pool_t *pool;
  struct worker_s *next; /* idle */
} worker_t;

typedef struct result_s {
  weir_slot_t *slot;
  int status;
} result_t;

struct pool_s {
  weir_map_fn fn;
  void *arg;
  weir_ctx_t *ctx; /* the stage's, once a slot has been out */
  weir_chan_t *todo, *done;
  worker_t *idle;
  size_t running, out, limit;
  bool is_released, is_in_use;
  atomic_size_t waiting; /* slots in `todo` */
  atomic_size_t looking; /* workers that look for more */
  weir_op_t collect;
  result_t *results; /* room for `limit` */
  worker_t workers[];
};

/* on the pool */

static bool take(pool_t *pool, weir_slot_t **slot) {
  if (atomic_load(&pool->waiting) == 0 || weir_ctx_err(pool->ctx)) return false;
  if (weir_chan_try_recv(pool->todo, slot)) return false;
  atomic_fetch_sub(&pool->waiting, 1);
  return true;
}

/*
 * Looks a while for more, before a request ends of which the next would cost as much; and gives way
 * meanwhile, for it may be the loop that waits for this processor. It takes nothing while it counts
 * as looking: who puts something there relies on that many workers being free.
 */
static bool look(pool_t *pool) {
  uint64_t end = uv_hrtime() + LOOK_NS;

  atomic_fetch_add(&pool->looking, 1);
  while (atomic_load(&pool->waiting) == 0 && !weir_ctx_err(pool->ctx) && uv_hrtime() < end)
    weir__yield_processor();
  atomic_fetch_sub(&pool->looking, 1);
  return atomic_load(&pool->waiting) > 0 && !weir_ctx_err(pool->ctx);
}

static void run(void *arg) {
  pool_t *pool = arg;
  result_t result;

  do {
    while (take(pool, &result.slot)) {
      result.status = pool->fn(weir_slot_out(result.slot), weir_slot_in(result.slot), pool->arg);
      weir_chan_try_send(pool->done, &result);
    }
  } while (look(pool));
}

/* on the loop */

static void free_if_over(pool_t *pool) {
  if (!pool->is_released || pool->is_in_use) return;
  if (pool->running > 0 || weir_op_pending(&pool->collect)) return;
  weir_chan_unref(pool->todo);
  weir_chan_unref(pool->done);
  weir__free(pool);
}

static void release(void *arg) {
  pool_t *pool = arg;

  pool->is_released = true;
  free_if_over(pool);
}

/* Giving a slot back may free the stage: each callback leaves by this. */
static void leave(pool_t *pool) {
  pool->is_in_use = false;
  free_if_over(pool);
}

static void give_back(pool_t *pool, const result_t *result) {
  pool->out--;
  weir__slot_end(result->slot, result->status);
}

/* While no worker runs: nothing is left to be collected. */
static void give_all_back(pool_t *pool, int status) {
  result_t result;

  while (weir_chan_try_recv(pool->done, &result) == 0) give_back(pool, &result);
  while (weir_chan_try_recv(pool->todo, &result.slot) == 0) {
    pool->waiting--;
    pool->out--;
    weir__slot_drop(result.slot, status);
  }
  weir_op_cancel(&pool->collect);
}

static void on_worker(weir_op_t *op, int status);

static int start_worker(pool_t *pool) {
  worker_t *worker = pool->idle;
  int err = weir_work(&worker->op, run, pool, on_worker);

  if (err) return err;
  pool->idle = worker->next;
  pool->running++;
  return 0;
}

/* A worker for what waits. Without any it is lost, which ends the stream. */
static void ensure_worker(pool_t *pool) {
  bool is_wanted = atomic_load(&pool->waiting) > atomic_load(&pool->looking);
  int err = is_wanted && pool->idle ? start_worker(pool) : 0;

  if (err && pool->running == 0) give_all_back(pool, err);
}

static void on_worker(weir_op_t *op, int status) {
  worker_t *worker = (worker_t *)op;
  pool_t *pool = worker->pool;
  int err = weir_ctx_err(pool->ctx);

  (void)status;
  pool->is_in_use = true;
  worker->next = pool->idle;
  pool->idle = worker;
  pool->running--;
  if (err && pool->running == 0)
    give_all_back(pool, err);
  else if (!err)
    ensure_worker(pool);
  leave(pool);
}

static void on_collected(weir_op_t *op, int status);

static void collect(pool_t *pool) {
  if (pool->out == 0 || weir_op_pending(&pool->collect)) return;
  weir_chan_recv_many(&pool->collect, pool->done, pool->results, pool->limit, on_collected);
}

static void on_collected(weir_op_t *op, int status) {
  pool_t *pool = op->data;
  size_t n = status ? 0 : weir_op_index(op);

  pool->is_in_use = true;
  for (size_t i = 0; i < n; i++) give_back(pool, &pool->results[i]);
  if (!status)
    collect(pool);
  else if (pool->running == 0)
    give_all_back(pool, status);
  leave(pool);
}

static void set_ctx(pool_t *pool, weir_ctx_t *ctx) {
  pool->ctx = ctx;
  weir_op_init_at(&pool->collect, ctx, "weir_pipe_work");
  pool->collect.data = pool;
  for (worker_t *worker = pool->idle; worker; worker = worker->next)
    weir_op_init_at(&worker->op, ctx, "weir_pipe_work");
}

static void start(weir_slot_t *slot) {
  pool_t *pool = weir_slot_arg(slot);

  pool->is_in_use = true;
  if (!pool->ctx) set_ctx(pool, weir_slot_ctx(slot));
  pool->out++;
  atomic_fetch_add(&pool->waiting, 1);
  weir_chan_try_send(pool->todo, &slot);
  ensure_worker(pool);
  collect(pool);
  leave(pool);
}

/* building */

static pool_t *pool_alloc(size_t workers) {
  size_t results = weir__room(sizeof(pool_t), WEIR_TYPE(worker_t), workers);
  size_t size = weir__room(results, WEIR_TYPE(result_t), IN_HAND * workers);
  pool_t *pool = size > 0 ? weir__calloc(1, size) : NULL;

  if (pool) pool->results = weir__room_at(pool, results);
  return pool;
}

static pool_t *pool_new(size_t workers, weir_map_fn fn, void *arg) {
  pool_t *pool = pool_alloc(workers);

  if (!pool) return NULL;
  pool->fn = fn;
  pool->arg = arg;
  pool->limit = IN_HAND * workers;
  pool->todo = weir_chan_new_shared(WEIR_TYPE(weir_slot_t *), pool->limit);
  pool->done = weir_chan_new_shared(WEIR_TYPE(result_t), pool->limit);
  for (size_t i = 0; i < workers; i++) {
    pool->workers[i] = (worker_t){.pool = pool, .next = pool->idle};
    pool->idle = &pool->workers[i];
  }
  if (pool->todo && pool->done) return pool;
  release(pool);
  return NULL;
}

weir_chan_t *weir_pipe_work(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out,
                            size_t workers, bool ordered, weir_map_fn fn, void *arg) {
  bool is_valid = in && fn && workers > 0 && workers <= SIZE_MAX / IN_HAND;
  weir__async_t how = {
      .ordered = ordered, .start = start, .release = release, .where = "weir_pipe_work"};
  pool_t *pool = is_valid ? pool_new(workers, fn, arg) : NULL;

  if (!pool) {
    weir_chan_unref(in);
    return NULL;
  }
  how.limit = pool->limit;
  how.arg = pool;
  return weir__async_new(ctx, in, out, &how);
}
