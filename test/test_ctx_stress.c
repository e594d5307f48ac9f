/*
 * Description: random trees of contexts over several loops, each on a thread of its own, with
 * operations under them, while all threads cancel, ask, hold and drop what they find.
 *
 * The threads exchange contexts through a pool of places. Who takes one out holds its reference,
 * and puts it back, or another in its place. In the end the root is cancelled: every operation must
 * have completed once, every context must be done, and every value of a context dropped.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "random.h"
#include "support/elsewhere.h"
#include "support/values.h"

enum { HOURS = 7200000, NODES = 3, PLACES = 48, SLOTS = 40, CHANS = 4, AT_ONCE = 8 };

/* What is done with a context, by weight; the rest is for operations. */
typedef struct mix_s {
  unsigned nodes, contexts; /* to be made by each node */
  unsigned cancel, drop, ask, child, cross, timeouts, chans;
} mix_t;

typedef struct node_s node_t;

typedef struct slot_s {
  weir_op_t op;
  node_t *node;
  weir_ctx_t *held; /* by the test, too, or NULL */
  bool pending, taken_back;
  int value;
} slot_t;

struct node_s {
  unsigned number;
  uv_loop_t *uv;
  weir_loop_t *loop;
  weir__random_t random;
  unsigned left; /* contexts to be made */
  weir_op_t driver;
  slot_t slots[SLOTS];
  uint64_t started, completed;
  bool saw_end, is_over;
};

static struct {
  const mix_t *mix;
  weir_ctx_t *root;
  node_t nodes[NODES];
  uv_barrier_t barrier;
  atomic_uint finished, ended;
  atomic_uint values, drops;
  weir_chan_t *meeting; /* where operations of all loops meet */
  weir_chan_t *over;    /* closed by the last node that has ended: news pass through all loops */
  _Atomic(weir_ctx_t *) pool[PLACES];
  _Atomic(weir_chan_t *) chans[CHANS]; /* that contexts end with */
} run;

static unsigned below(node_t *node, unsigned n) {
  return weir__random_below(&node->random, n);
}

/* Takes a share of the dice; says whether it was hit. */
static bool hit(unsigned *dice, unsigned weight) {
  if (*dice < weight) return true;
  *dice -= weight;
  return false;
}

/* the pool */

static weir_ctx_t *take(node_t *node) {
  return atomic_exchange(&run.pool[below(node, PLACES)], NULL);
}

static void put_ctx(node_t *node, weir_ctx_t *ctx) {
  weir_ctx_unref(atomic_exchange(&run.pool[below(node, PLACES)], ctx));
}

/* operations */

static void ck_status(const slot_t *slot, int status) {
  ensure(status == 0 || status == UV_ECANCELED || status == UV_ETIMEDOUT || status == UV_EOF);
  if (slot->taken_back)
    ensure(status == UV_ECANCELED);
  else if (slot->held && (status == UV_ECANCELED || status == UV_ETIMEDOUT))
    ensure_eq(weir_ctx_err(slot->held), status);
}

static void on_slot(weir_op_t *op, int status) {
  slot_t *slot = (slot_t *)op;

  ensure(slot->pending);
  ensure_eq(weir_op_status(op), status);
  ck_status(slot, status);
  slot->pending = false;
  slot->node->completed++;
  weir_ctx_unref(slot->held);
  slot->held = NULL;
}

static int start_some(slot_t *slot, weir_ctx_t *ctx) {
  weir_op_t *op = &slot->op;

  switch (below(slot->node, 7)) {
  case 0:
    return weir_sleep(op, below(slot->node, 3), on_slot);
  case 1:
    return weir_sleep(op, HOURS, on_slot);
  case 2:
    return weir_chan_recv(op, NULL, NULL, on_slot);
  case 3:
    return weir_ctx_wait(op, ctx, on_slot);
  case 4:
    return weir_chan_recv(op, weir_ctx_done(ctx), NULL, on_slot);
  case 5:
    return weir_chan_recv(op, run.meeting, &slot->value, on_slot);
  default:
    return weir_chan_send(op, run.meeting, &slot->value, on_slot);
  }
}

static void start_op(node_t *node, weir_ctx_t *ctx) {
  slot_t *slot = &node->slots[below(node, SLOTS)];

  if (slot->pending) {
    if (below(node, 4) == 0 && weir_op_cancel(&slot->op) == 0) slot->taken_back = true;
    return;
  }
  slot->pending = true;
  slot->taken_back = false;
  slot->held = below(node, 2) ? weir_ctx_ref(ctx) : NULL;
  node->started++;
  weir_op_init(&slot->op, ctx);
  ensure_eq(start_some(slot, ctx), 0);
}

/* making */

static void note_drop(void *value) {
  ensure(value == &run);
  run.drops++;
}

static weir_ctx_t *make_with_chan(node_t *node, weir_ctx_t *parent) {
  _Atomic(weir_chan_t *) *place = &run.chans[below(node, CHANS)];
  weir_chan_t *ch = atomic_exchange(place, NULL);
  weir_ctx_t *ctx;

  if (!ch) ch = weir_chan_new_shared(NULL, 0);
  ctx = weir_ctx_with_chan(parent, ch);
  if (below(node, 4) == 0) weir_chan_close(ch);
  weir_chan_unref(atomic_exchange(place, ch));
  return ctx;
}

static weir_ctx_t *make_child(node_t *node, weir_ctx_t *parent) {
  unsigned dice = below(node, 100);

  if (hit(&dice, run.mix->timeouts)) return weir_ctx_with_timeout(parent, below(node, 4));
  if (hit(&dice, run.mix->chans)) return make_with_chan(node, parent);
  if (hit(&dice, 30)) return weir_ctx_with_cancel(parent);
  run.values++;
  return weir_ctx_with_value(parent, &run, &run, note_drop);
}

/* A child of any context, or the root, on this loop; or of one of this loop, on another. */
static weir_ctx_t *make(node_t *node, weir_ctx_t *parent) {
  bool is_mine = weir_ctx_loop(parent) == node->loop;
  int err = weir_ctx_err(parent);
  weir_ctx_t *ctx;

  if (node->left > 0) node->left--;
  if (!is_mine || below(node, 100) < run.mix->cross) {
    const node_t *other = is_mine ? &run.nodes[below(node, run.mix->nodes)] : node;
    ctx = weir_ctx_on_loop(parent, other->loop);
  } else {
    ctx = make_child(node, parent);
  }
  ensure(ctx != NULL);
  if (err) ensure(weir_ctx_err(ctx) != 0);
  return ctx;
}

/* what a node does with the context that it has taken */

static void cancel(node_t *node, weir_ctx_t *ctx) {
  if (below(node, 2))
    weir_ctx_cancel(ctx);
  else
    weir_ctx_cancel_cause(ctx, UV_EIO);
  ensure(weir_ctx_err(ctx) != 0);
}

static void ask(weir_ctx_t *ctx) {
  int err = weir_ctx_err(ctx), cause = weir_ctx_cause(ctx);
  void *value = weir_ctx_value(ctx, &run);
  uint64_t when = 1;

  if (err) ensure(cause == err || (err == UV_ECANCELED && cause == UV_EIO));
  ensure(value == NULL || value == &run);
  weir_ctx_deadline(ctx, &when);
  ensure(when > 0);
  ensure_eq(err ? weir_ctx_err(ctx) : 0, err);
}

static void use(node_t *node, weir_ctx_t *ctx) {
  unsigned dice = below(node, 100);

  if (hit(&dice, run.mix->drop)) {
    weir_ctx_unref(ctx);
    return;
  }
  if (hit(&dice, run.mix->cancel))
    cancel(node, ctx);
  else if (hit(&dice, run.mix->ask))
    ask(ctx);
  else if (hit(&dice, run.mix->child))
    put_ctx(node, make(node, ctx));
  else if (weir_ctx_loop(ctx) == node->loop)
    start_op(node, ctx);
  put_ctx(node, ctx);
}

static void drive(weir_op_t *op, int status);

static void drive_on(node_t *node) {
  weir_op_t *op = &node->driver;

  if (below(node, 16) == 0)
    ensure_eq(weir_sleep(op, 0, drive), 0);
  else
    ensure_eq(weir_yield(op, drive), 0);
}

/* The last one to finish ends all of it. */
static void drive(weir_op_t *op, int status) {
  node_t *node = op->data;

  ensure_eq(status, 0);
  for (int i = 0; i < AT_ONCE && node->left > 0; i++) {
    weir_ctx_t *ctx = take(node);
    if (ctx)
      use(node, ctx);
    else
      put_ctx(node, make(node, run.root));
  }
  if (node->left > 0)
    drive_on(node);
  else if (++run.finished == run.mix->nodes)
    weir_ctx_cancel_cause(run.root, UV_EIO);
}

/* a node, from its start to its end */

static void on_root_done(weir_op_t *op, int status) {
  ensure_eq(status, UV_ECANCELED);
  ((node_t *)op->data)->saw_end = true;
}

/* The pool rests once the root has been cancelled; what is on this loop, it hears of here. */
static bool has_ended(void *arg) {
  node_t *node = arg;

  if (!node->saw_end || node->completed < node->started) return false;
  for (int i = 0; i < PLACES; i++) {
    weir_ctx_t *ctx = run.pool[i];
    if (ctx && weir_ctx_loop(ctx) == node->loop && !weir_ctx_err(ctx)) return false;
  }
  return true;
}

static void on_over(weir_op_t *op, int status) {
  ensure_eq(status, UV_EOF);
  ((node_t *)op->data)->is_over = true;
}

static bool is_over(void *node) {
  return ((const node_t *)node)->is_over;
}

static void run_to_the_end(node_t *node) {
  weir_op_t over;

  weir_op_init(&over, weir_loop_background(node->loop));
  over.data = node;
  ensure_eq(weir_chan_recv(&over, run.over, NULL, on_over), 0);
  run_until(node->uv, has_ended, node);
  if (++run.ended == run.mix->nodes) weir_chan_close(run.over);
  run_until(node->uv, is_over, node);
}

static void node_run(node_t *node) {
  weir_ctx_t *ctx;
  weir_op_t end;

  uv_barrier_wait(&run.barrier); /* all loops are known */
  ctx = weir_ctx_on_loop(run.root, node->loop);
  weir_op_init(&end, ctx);
  end.data = node->driver.data = node;
  ensure_eq(weir_chan_recv(&end, NULL, NULL, on_root_done), 0);
  weir_ctx_unref(ctx);
  weir_op_init(&node->driver, weir_loop_background(node->loop));
  drive_on(node);
  run_to_the_end(node);
  ensure_eq(node->completed, node->started);
  uv_barrier_wait(&run.barrier); /* all may be closed from here on, while the rest is dropped */
  for (unsigned i = node->number; i < PLACES; i += run.mix->nodes)
    weir_ctx_unref(atomic_exchange(&run.pool[i], NULL));
}

static void thread_run(support_thread_t *thread, void *arg) {
  (void)thread;
  node_run(arg);
}

static void node_init(node_t *node, unsigned number, unsigned seed, weir_loop_t *of) {
  *node = (node_t){.number = number, .loop = of, .uv = weir_loop_uv(of), .left = run.mix->contexts};
  node->random.state = seed * NODES + number;
  for (int i = 0; i < SLOTS; i++) node->slots[i].node = node;
}

static bool all_dropped(void *arg) {
  (void)arg;
  return run.drops == run.values;
}

static void run_nodes(unsigned seed) {
  support_thread_t threads[NODES];

  run.root = weir_ctx_with_cancel(bg);
  run.meeting = weir_chan_new_shared(WEIR_TYPE(int), 1);
  run.over = weir_chan_new_shared(NULL, 0);
  uv_barrier_init(&run.barrier, run.mix->nodes);
  node_init(&run.nodes[0], 0, seed, loop);
  for (unsigned i = 1; i < run.mix->nodes; i++) {
    support_thread_start(&threads[i], thread_run, &run.nodes[i]);
    node_init(&run.nodes[i], i, seed, threads[i].loop); /* which waits at the barrier */
  }
  node_run(&run.nodes[0]);
  weir_ctx_unref(run.root);
  for (unsigned i = 1; i < run.mix->nodes; i++) support_thread_join(&threads[i]);
  uv_barrier_destroy(&run.barrier);
  run_until(uv, all_dropped, NULL);
}

static void run_seeds(const mix_t *mix, unsigned seeds) {
  for (unsigned seed = 1; seed <= seeds; seed++) {
    snprintf(support_note, sizeof(support_note), "seed %u", seed);
    run.mix = mix;
    run.finished = run.ended = run.values = run.drops = 0;
    run_nodes(seed);
    for (int i = 0; i < CHANS; i++) weir_chan_unref(atomic_exchange(&run.chans[i], NULL));
    weir_chan_unref(run.meeting);
    weir_chan_unref(run.over);
  }
}

START_TEST(trees_over_two_loops) {
  static const mix_t mix = {2, 4000, 10, 10, 10, 30, 30, 10, 10};

  run_seeds(&mix, 3);
}
END_TEST

START_TEST(trees_over_three_loops) {
  static const mix_t mix = {3, 4000, 10, 10, 10, 30, 30, 10, 10};

  run_seeds(&mix, 3);
}
END_TEST

START_TEST(deep_trees_that_are_seldom_cancelled) {
  static const mix_t mix = {3, 4000, 1, 5, 5, 50, 40, 0, 1};

  run_seeds(&mix, 2);
}
END_TEST

START_TEST(trees_that_are_cancelled_and_dropped_most_of_the_time) {
  static const mix_t mix = {3, 4000, 30, 25, 5, 25, 40, 20, 20};

  run_seeds(&mix, 3);
}
END_TEST

START_TEST(trees_that_time_out) {
  static const mix_t mix = {3, 4000, 2, 10, 5, 40, 20, 70, 5};

  run_seeds(&mix, 2);
}
END_TEST

/*
 * The edge of sleep: what arrives while the loop is about to sleep, and makes nothing run, must not
 * leave it in the belief that it is awake: then the next one would not wake it.
 */

enum { EDGES = 20000, AT_EDGE = 3 };

static struct {
  uv_sem_t go;
  weir_ctx_t *ctxs[AT_EDGE];
} edge;

static void cancel_at_the_edge(void *arg) {
  weir__random_t random = {.state = 1};
  uint32_t most = *(const uint32_t *)arg;

  for (int i = 0; i < EDGES; i++) {
    uv_sem_wait(&edge.go);
    for (int k = 0; k < AT_EDGE; k++) {
      uint64_t until = uv_hrtime() + weir__random_below(&random, most);
      while (uv_hrtime() < until) continue;
      weir_ctx_cancel(edge.ctxs[k]);
      weir_ctx_unref(edge.ctxs[k]);
    }
  }
}

static bool edge_is_over(void *arg) {
  weir_stats_t stats;

  (void)arg;
  weir_stats(loop, &stats);
  return stats.contexts == 0;
}

static void sleep_at_the_edge(uint64_t spin_ns, uint32_t most) {
  uv_thread_t id;

  weir_loop_set_spin(loop, spin_ns);
  uv_sem_init(&edge.go, 0);
  ensure_eq(uv_thread_create(&id, cancel_at_the_edge, &most), 0);
  for (int i = 0; i < EDGES; i++) {
    for (int k = 0; k < AT_EDGE; k++) edge.ctxs[k] = weir_ctx_with_cancel(bg);
    uv_sem_post(&edge.go);
    run_until(uv, edge_is_over, NULL);
  }
  ensure_eq(uv_thread_join(&id), 0);
  uv_sem_destroy(&edge.go);
}

START_TEST(cancellations_at_the_edge_of_sleep_wake_the_loop) {
  sleep_at_the_edge(0, 4000);
}
END_TEST

START_TEST(cancellations_at_the_end_of_a_look_wake_the_loop) {
  sleep_at_the_edge(5000, 12000);
}
END_TEST

static const support_test_t tests[] = {
    T(trees_over_two_loops),
    T(trees_over_three_loops),
    T(deep_trees_that_are_seldom_cancelled),
    T(trees_that_are_cancelled_and_dropped_most_of_the_time),
    T(trees_that_time_out),
    T(cancellations_at_the_edge_of_sleep_wake_the_loop),
    T(cancellations_at_the_end_of_a_look_wake_the_loop),
};

SUITE_MAIN("ctx_stress", tests)
