/*
 * Description: random chains and trees of stages in virtual time, that end by themselves or are
 * cut at a random moment.
 *
 * Whatever happens, nothing is left behind: no operation, channel, context, stage or byte, and
 * every owned value has come to one end. And each output brings what a model of the chain says:
 * all of its values if it ends as it would have without the cut, the first of them if it ends with
 * the status of the cut.
 *
 * A chain is repeated exactly by WEIR_SEED, but for the threads of weir_pipe_work; WEIR_RUNS says
 * how many there are from that seed on.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/chain_readers.h"
#include "support/probe.h"
#include "support/support.h"
#include "support/threads.h"

enum { CALLS_MAX = 4000 };

typedef enum cut_e {
  LEFT_ALONE,
  CANCEL,
  DEADLINE,
  ABANDON, /* an output */
  CLOSE_OUTPUT,
  CLOSE_INPUT,
  CLOSE_INSIDE, /* a channel between two stages */
  CLOSE_LOOP,
  BUILD_WITHOUT_MEMORY,
  RUN_WITHOUT_MEMORY,
  CUTS
} cut_t;

static const char *const cut_names[] = {"left alone",
                                        "cancelled",
                                        "under a deadline",
                                        "an output is abandoned",
                                        "an output is closed",
                                        "an input is closed",
                                        "a channel between is closed",
                                        "the loop is closed",
                                        "built without memory",
                                        "run without memory"};

typedef enum moment_e { AT_ONCE, AFTER_TURNS, AFTER_MS, IN_CALL } moment_t;

static const char *const moment_names[] = {"at once", "turns", "milliseconds", "calls"};

static struct {
  cut_t cut;
  moment_t moment;
  unsigned count;  /* of it */
  unsigned target; /* which context, output, node */
  int status;      /* that something is closed with */
  bool is_cut;
  unsigned calls;
  weir_loop_t *loop;
  own_t own; /* to be closed */
  weir_op_t cutter;
  chain_reader_t readers[CHAIN_OUTPUTS]; /* of all outputs */
  unsigned n;
} run;

/* cuts */

static void close_output(chain_reader_t *reader) {
  if (reader->out && weir_chan_close_with(reader->out, run.status) == 0)
    chain_cut(reader->node, run.status);
}

static void close_input(chain_node_t *node) {
  if (node->fed && weir_chan_close_with(node->fed, run.status) == 0) node->closed = run.status;
}

static void close_inside(chain_node_t *node) {
  weir_chan_t *held = node->held;

  node->held = NULL;
  if (held && weir_chan_close_with(held, run.status) == 0) chain_cut(node, run.status);
  weir_chan_unref(held);
}

static void close_loop(void) {
  weir_loop_close(run.own.loop, own_on_closed, &run.own);
  chain_cut_ctx(0, UV_ECANCELED);
}

/* Of stages, these need memory for each value. */
static void fail_memory(void) {
  if (chain_chance(2))
    support_fail_only(chain_below(6));
  else
    support_fail_after(chain_below(6));
  for (int i = 0; i < chain.n; i++) {
    chain_kind_t kind = chain.nodes[i].kind;
    if (kind == CHAIN_BATCH_ALL || kind == CHAIN_BATCH_FIRST || kind == CHAIN_WORK)
      chain_cut(&chain.nodes[i], UV_ENOMEM);
  }
}

static void cancel(unsigned ctx) {
  weir_ctx_cancel(chain.ctxs[ctx]);
  chain_cut_ctx((int)ctx, UV_ECANCELED);
}

/* Misfortunes come in company. */
static void cut_more(void) {
  if (chain_chance(8)) chain_abandon(&run.readers[chain_below(CHAIN_OUTPUTS)]);
  if (chain_chance(8)) cancel(chain_below(CHAIN_CTXS));
}

static void cut(void) {
  if (run.is_cut) return;
  run.is_cut = true;
  if (run.cut == CANCEL) cancel(run.target);
  if (run.cut == ABANDON) chain_abandon(&run.readers[run.target]);
  if (run.cut == CLOSE_OUTPUT) close_output(&run.readers[run.target]);
  if (run.cut == CLOSE_INPUT) close_input(&chain.nodes[run.target]);
  if (run.cut == CLOSE_INSIDE) close_inside(&chain.nodes[run.target]);
  if (run.cut == CLOSE_LOOP) close_loop();
  if (run.cut == RUN_WITHOUT_MEMORY) fail_memory();
  if (run.cut != LEFT_ALONE) cut_more();
}

/* What goes on without an end, or any value, is cancelled in the end. */
static void on_call(void) {
  run.calls++;
  if (run.moment == IN_CALL && run.calls == run.count) cut();
  if (run.calls == CALLS_MAX) cancel(0);
}

static void on_turn(weir_op_t *op, int status) {
  if (status) return;
  if (run.moment == AFTER_TURNS && run.count-- > 0)
    weir_yield(op, on_turn);
  else
    cut();
}

static void start_cutter(void) {
  weir_op_init(&run.cutter, weir_loop_background(run.loop));
  if (run.moment == AT_ONCE) cut();
  if (run.moment == AFTER_TURNS) weir_yield(&run.cutter, on_turn);
  if (run.moment == AFTER_MS) weir_sleep(&run.cutter, run.count, on_turn);
}

/* A random node of which that is true, or the first. */
static unsigned any_node(bool (*is_wanted)(const chain_node_t *node)) {
  unsigned n = 0, chosen = 0;

  for (int i = 0; i < chain.n; i++)
    if (is_wanted(&chain.nodes[i]) && chain_chance(++n)) chosen = (unsigned)i;
  return chosen;
}

static bool is_input(const chain_node_t *node) {
  return node->kind == CHAIN_INPUT;
}

static bool is_inside(const chain_node_t *node) {
  return node->is_used && node->kind != CHAIN_TEE;
}

static unsigned count_outputs(void) {
  unsigned n = 0;

  for (int i = 0; i < chain.n; i++) n += chain_is_output(&chain.nodes[i]);
  return n;
}

/* A channel between is held until then: that moment must come. */
static void plan_moment(void) {
  unsigned most[] = {1, 50, 25, 60};

  run.moment = (moment_t)chain_below(4);
  if (run.cut == CLOSE_INSIDE && run.moment == IN_CALL) run.moment = AFTER_TURNS;
  if (run.moment == AFTER_MS && !chain.is_timed) run.moment = AFTER_TURNS;
  run.count = chain_below(most[run.moment]) + 1;
}

static void plan_cut(cut_t cut) {
  static const int statuses[] = {UV_ECONNRESET, UV_ENOTCONN, UV_EOF};

  run.cut = cut;
  plan_moment();
  run.status = statuses[chain_below(cut == CLOSE_OUTPUT ? 3 : 2)];
  run.target = chain_below(cut == CANCEL || cut == DEADLINE ? CHAIN_CTXS : count_outputs());
  if (cut == CLOSE_INPUT) run.target = any_node(is_input);
  if (cut == CLOSE_INSIDE) run.target = any_node(is_inside);
  if (cut == CLOSE_INSIDE) chain.nodes[run.target].is_held = is_inside(&chain.nodes[run.target]);
}

/* a run */

static void plan(cut_t cut, uint64_t seed, unsigned work_one_in) {
  memset(&run, 0, sizeof(run));
  tokens_open();
  chain_plan(seed, cut == DEADLINE, work_one_in);
  chain.called = on_call;
  plan_cut(cut);
  snprintf(chain.note, sizeof(chain.note), "WEIR_SEED=%llu, %s (%u) after %u %s (%s)",
           (unsigned long long)seed, cut_names[cut], run.target, run.count,
           moment_names[run.moment], uv_err_name(run.status));
  chain_forecast();
}

/* A loop that is to be closed is the run's own. */
static void open_loop(void) {
  run.loop = loop;
  if (run.cut != CLOSE_LOOP) return;
  own_open(&run.own);
  weir_loop_virtual_time(run.own.loop);
  run.loop = run.own.loop;
}

static void start(void) {
  chain_open(run.loop, run.cut == DEADLINE ? (int)run.target : -1, chain_below(25));
  if (run.cut == CANCEL && run.moment == AT_ONCE && chain_chance(2)) cut();
  if (run.cut == BUILD_WITHOUT_MEMORY) support_fail_only(chain_below(60));
  chain_build();
  if (run.cut == BUILD_WITHOUT_MEMORY) support_fail_after(SIZE_MAX);
  for (int i = 0; i < chain.n; i++)
    if (chain_is_output(&chain.nodes[i])) chain_read(&run.readers[run.n++], &chain.nodes[i]);
  start_cutter();
}

static void note_deadline(void) {
  if (run.cut == DEADLINE && weir_ctx_err(chain.ctxs[run.target]) == UV_ETIMEDOUT)
    chain_cut_ctx((int)run.target, UV_ETIMEDOUT);
}

static void run_to_the_end(void) {
  if (run.cut == CLOSE_LOOP) {
    uv_run(&run.own.uv, UV_RUN_DEFAULT);
    if (run.own.closed == 0) weir_loop_close(run.own.loop, own_on_closed, &run.own);
    own_await_closed(&run.own);
  } else if (weir_run(loop) > 0) {
    weir_dump(loop, stderr);
    chain_fail("operations are left parked");
  }
  support_fail_after(SIZE_MAX);
}

static void check_nothing_left(void) {
  weir_stats_t stats;

  weir_run(loop);
  weir_stats(loop, &stats);
  if (stats.ops_parked + stats.ops_runnable > 0) chain_fail("operations are left");
  if (stats.stages > 0) chain_fail("stages are left");
  if (stats.channels > 0) chain_fail("channels are left");
  if (stats.contexts > 0) chain_fail("contexts are left");
  if (stats.timers > 0) chain_fail("timers are left");
  if (tokens_left()) chain_fail("a value is lost, or was dropped twice");
}

static void check_outputs(void) {
  chain_forecast();
  for (unsigned i = 0; i < run.n; i++) chain_check(&run.readers[i]);
}

static void run_one(cut_t cut, uint64_t seed, unsigned work_one_in) {
  size_t before = support_outstanding();

  plan(cut, seed, work_one_in);
  open_loop();
  weir_loop_seed(run.loop, seed);
  start();
  run_to_the_end();
  note_deadline();
  chain_close();
  check_nothing_left();
  if (support_outstanding() != before) chain_fail("memory is left");
  check_outputs();
}

/* When a run hangs. */
static void on_alarm(int number) {
  (void)number;
  fputs("It hangs.\n", stderr);
  chain_print(stderr);
  abort();
}

enum { TOO_LONG_SECONDS = 40 };

/* CUTS: each in its turn, and many stages work on the pool. */
static void run_seeds(cut_t cut, uint64_t first, unsigned n) {
  const char *seed = getenv("WEIR_SEED"), *runs = getenv("WEIR_RUNS");

  if (support_under_valgrind()) n = n / 20;
  if (seed) n = 1;
  if (seed) first = strtoull(seed, NULL, 0);
  if (runs) n = (unsigned)strtoul(runs, NULL, 0);
  signal(SIGALRM, on_alarm);
  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  for (uint64_t i = first; i < first + n; i++) {
    alarm(TOO_LONG_SECONDS);
    if (cut == CUTS)
      run_one((cut_t)(i % CUTS), i, 6);
    else
      run_one(cut, i, 120);
  }
  alarm(0);
}

START_TEST(chains_left_alone_bring_what_they_should) {
  run_seeds(LEFT_ALONE, 100000, 4000);
}
END_TEST

START_TEST(cancelled_chains_leave_nothing_behind) {
  run_seeds(CANCEL, 200000, 8000);
}
END_TEST

START_TEST(chains_under_a_deadline_leave_nothing_behind) {
  run_seeds(DEADLINE, 300000, 6000);
}
END_TEST

START_TEST(abandoning_an_output_spares_the_others) {
  run_seeds(ABANDON, 400000, 4000);
}
END_TEST

START_TEST(closing_an_output_spares_the_others) {
  run_seeds(CLOSE_OUTPUT, 500000, 3000);
}
END_TEST

START_TEST(closing_an_input_ends_the_chain_with_its_status) {
  run_seeds(CLOSE_INPUT, 600000, 3000);
}
END_TEST

START_TEST(closing_a_channel_between_ends_the_chain_with_its_status) {
  run_seeds(CLOSE_INSIDE, 700000, 3000);
}
END_TEST

START_TEST(closing_the_loop_leaves_nothing_behind) {
  run_seeds(CLOSE_LOOP, 800000, 4000);
}
END_TEST

START_TEST(chains_that_could_not_be_built_leave_nothing_behind) {
  run_seeds(BUILD_WITHOUT_MEMORY, 900000, 4000);
}
END_TEST

START_TEST(want_of_memory_on_the_way_ends_the_chain) {
  run_seeds(RUN_WITHOUT_MEMORY, 1000000, 2000);
}
END_TEST

START_TEST(chains_that_work_on_the_pool_leave_nothing_behind) {
  run_seeds(CUTS, 1100000, 1000);
}
END_TEST

/* what a hop costs */

enum { WARM = 8, HOPS = 200 };

static struct {
  int count;
  size_t before, after; /* allocations, when it was warm and when it was over */
} hops;

static int next_number(void *out, void *arg) {
  (void)arg;
  *(int *)out = 1;
  return 0;
}

static int increment(void *out, void *in, void *arg) {
  (void)arg;
  *(int *)out = *(int *)in + 1;
  return 0;
}

static bool is_positive(const void *value, void *arg) {
  (void)arg;
  return *(const int *)value > 0;
}

static void increment_at_once(weir_slot_t *slot) {
  increment(weir_slot_out(slot), weir_slot_in(slot), NULL);
  weir_slot_done(slot, 0);
}

static weir_chan_t *incremented(weir_ctx_t *ctx, weir_chan_t *in, void *arg) {
  return weir_pipe_map(ctx, in, WEIR_TYPE(int), increment, arg);
}

static void on_hop(weir_range_t *range, const void *value, int status) {
  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(*(const int *)value, 6);
  hops.count++;
  if (hops.count == WARM) hops.before = support_allocations();
  if (hops.count < WARM + HOPS) return;
  hops.after = support_allocations();
  weir_range_stop(range);
}

/* Each adds to the numbers that it lets pass. */
static weir_chan_t *of_one_input(weir_chan_t *in) {
  in = weir_pipe_map(bg, in, WEIR_TYPE(int), increment, NULL);
  in = weir_pipe_filter(bg, in, is_positive, NULL);
  in = weir_pipe_take(bg, in, SIZE_MAX);
  in = weir_pipe_sleep(bg, in, 1);
  in = weir_pipe_buffer(bg, in, 2);
  in = weir_pipe_or_done(bg, in);
  in = weir_pipe_fan_out(bg, in, 3, incremented, NULL);
  in = weir_pipe_async(bg, in, WEIR_TYPE(int), 2, true, increment_at_once, NULL);
  return weir_pipe_async(bg, in, WEIR_TYPE(int), 2, false, increment_at_once, NULL);
}

/* Two sources in one, then twice, by way of a bridge and directly, then in one again. */
static weir_chan_t *of_several(void) {
  const int one = 1;
  weir_chan_t *joined[2] = {weir_pipe_repeat(bg, WEIR_TYPE(int), &one, 1),
                            weir_pipe_generate(bg, WEIR_TYPE(int), next_number, NULL)};
  weir_chan_t *out[2], *branches[2];

  ck_assert_int_eq(weir_pipe_tee(bg, weir_pipe_fan_in(bg, joined, 2), out), 0);
  branches[0] =
      weir_pipe_bridge(bg, weir_pipe_from(bg, WEIR_TYPE_CHAN, &out[0], 1), WEIR_TYPE(int));
  branches[1] = out[1];
  return weir_pipe_fan_in(bg, branches, 2);
}

START_TEST(hop_of_the_simple_stages_allocates_nothing) {
  weir_chan_t *out;
  weir_range_t range;

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  out = weir_pipe_map(bg, of_one_input(of_several()), WEIR_TYPE(int), increment, NULL);
  ck_assert_ptr_nonnull(out);
  weir_range_init(&range, bg);
  ck_assert_int_eq(weir_range_start(&range, out, on_hop), 0);
  weir_chan_unref(out);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(hops.count, WARM + HOPS);
  ck_assert_uint_eq(hops.after, hops.before);
}
END_TEST

static const support_test_t tests[] = {
    T(chains_left_alone_bring_what_they_should),
    T(cancelled_chains_leave_nothing_behind),
    T(chains_under_a_deadline_leave_nothing_behind),
    T(abandoning_an_output_spares_the_others),
    T(closing_an_output_spares_the_others),
    T(closing_an_input_ends_the_chain_with_its_status),
    T(closing_a_channel_between_ends_the_chain_with_its_status),
    T(closing_the_loop_leaves_nothing_behind),
    T(chains_that_could_not_be_built_leave_nothing_behind),
    T(want_of_memory_on_the_way_ends_the_chain),
    T(chains_that_work_on_the_pool_leave_nothing_behind),
    T(hop_of_the_simple_stages_allocates_nothing),
};
SUITE_MAIN("pipe_random", tests)
