/*
 * Description: getaddrinfo: results, names that fail, lookups that are cut short while they wait
 * for a thread, while they run and when they have run; whose result is freed then.
 */
#define _GNU_SOURCE
#include "support/dumped.h"
#include "support/lookups.h"
#include "support/pool.h"
#include "support/values.h"

static const struct addrinfo numeric = {
    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_family = AF_INET, .ai_socktype = SOCK_STREAM};

#define UNSET ((struct addrinfo *)any_bytes)
static char any_bytes[1];

static int look_up(probe_t *probe, const char *service, struct addrinfo **res) {
  *res = UNSET;
  return weir_uv_getaddrinfo(&probe->op, "127.0.0.1", service, &numeric, res, probe_note);
}

static void start_lookup(weir_ctx_t *ctx, probe_t *probe, const char *service,
                         struct addrinfo **res) {
  probe_init(probe, ctx);
  ck_assert_int_eq(look_up(probe, service, res), 0);
  ck_not_completed(probe);
  ck_assert_ptr_eq(*res, UNSET);
}

/* The address and the port that have been looked up. */
static void ck_found(struct addrinfo *res, unsigned port) {
  const address_t *address;

  ck_assert_ptr_nonnull(res);
  address = (const address_t *)(const void *)res->ai_addr;
  ck_assert_int_eq(res->ai_family, AF_INET);
  ck_assert_uint_eq(ntohl(address->sin_addr.s_addr), INADDR_LOOPBACK);
  ck_assert_uint_eq(ntohs(address->sin_port), port);
  uv_freeaddrinfo(res);
}

START_TEST(lookup_gives_addresses_to_be_freed) {
  struct addrinfo *res;
  probe_t lookup;

  lookups_open();
  start_lookup(bg, &lookup, "80", &res);
  ck_assert_uint_eq(weir_run(loop), 0); /* it kept the loop alive */
  ck_completed(&lookup, 0);
  ck_assert_uint_eq(lookup.index, 0);
  ck_assert_int_eq(atomic_load(&lookups.results), 1);
  ck_found(res, 80);
  lookups_close();
}
END_TEST

START_TEST(name_of_this_machine_is_found) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *res = UNSET;
  weir_op_t op;

  lookups_open();
  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_uv_getaddrinfo(&op, "localhost", "81", &hints, &res, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_found(res, 81);
  lookups_close();
}
END_TEST

START_TEST(what_is_looked_up_is_copied) {
  char node[] = "127.0.0.1", service[] = GATED;
  struct addrinfo hints = numeric, *res = UNSET;
  probe_t lookup;

  lookups_open();
  probe_init(&lookup, bg);
  ck_assert_int_eq(weir_uv_getaddrinfo(&lookup.op, node, service, &hints, &res, probe_note), 0);
  memset(node, 'x', sizeof(node) - 1);
  memset(service, 'x', sizeof(service) - 1);
  memset(&hints, 0xff, sizeof(hints));
  lookups_let_end(1);
  weir_run(loop);
  ck_completed(&lookup, 0);
  ck_found(res, 65000);
  lookups_close();
}
END_TEST

START_TEST(node_or_service_may_be_missing) {
  struct addrinfo *res = UNSET;
  weir_op_t op;

  lookups_open();
  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_uv_getaddrinfo(&op, "127.0.0.1", NULL, &numeric, &res, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_found(res, 0);
  ck_assert_int_eq(weir_uv_getaddrinfo(&op, NULL, "82", &numeric, &res, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_found(res, 82);
  ck_assert_int_eq(weir_uv_getaddrinfo(&op, "127.0.0.1", "83", NULL, &res, NULL), 0);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_found(res, 83);
  lookups_close();
}
END_TEST

/* No query: it is not a number. */
START_TEST(failing_name_gives_its_error_and_leaves_res_alone) {
  struct addrinfo *res = UNSET;
  probe_t lookup;

  lookups_open();
  probe_init(&lookup, bg);
  ck_assert_int_eq(weir_uv_getaddrinfo(&lookup.op, "no.number", "80", &numeric, &res, probe_note),
                   0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&lookup, UV_EAI_NONAME);
  ck_assert_ptr_eq(res, UNSET);
  lookups_close();
}
END_TEST

START_TEST(absurd_name_is_refused) {
  size_t outstanding = support_outstanding();
  struct addrinfo *res = UNSET;
  char *name = malloc(70000);
  probe_t lookup;

  lookups_open();
  memset(name, 'n', 69999);
  name[69999] = '\0';
  probe_init(&lookup, bg);
  ck_assert_int_lt(weir_uv_getaddrinfo(&lookup.op, name, "80", &numeric, &res, probe_note), 0);
  free(name);
  ck_assert(!weir_op_pending(&lookup.op));
  ck_assert_uint_eq(support_outstanding(), outstanding);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(lookup.calls, 0);
  lookups_close();
}
END_TEST

START_TEST(many_lookups_complete_each_once) {
  enum { MANY = 200 };
  struct addrinfo *res[MANY];
  probe_t probes[MANY];

  lookups_open();
  for (int i = 0; i < MANY; i++) {
    char service[12];

    snprintf(service, sizeof(service), "%d", 1000 + i);
    start_lookup(bg, &probes[i], service, &res[i]);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < MANY; i++) {
    ck_completed(&probes[i], 0);
    ck_found(res[i], 1000 + (unsigned)i);
  }
  lookups_close();
}
END_TEST

START_TEST(any_of_lookup_and_sleep_is_a_timeout) {
  struct addrinfo *res;
  probe_t lookup, sleep, any;
  weir_op_t *ops[] = {&lookup.op, &sleep.op};

  lookups_open();
  start_lookup(bg, &lookup, GATED, &res);
  probe_init(&sleep, bg);
  probe_init(&any, bg);
  weir_sleep(&sleep.op, 2, probe_note);
  weir_any(&any.op, ops, 2, probe_note);
  turn_until_called(uv, &any);
  ck_completed(&any, 0);
  ck_assert_uint_eq(any.index, 1);
  ck_not_completed(&lookup);
  lookups_let_end(1);
  weir_run(loop);
  ck_completed(&lookup, 0);
  ck_found(res, 65000);
  lookups_close();
}
END_TEST

/* cut short; what the lookup was given lies in memory that is freed in its callback */

typedef struct asked_s {
  weir_op_t op; /* first */
  char node[16], service[8];
  struct addrinfo hints;
  struct addrinfo *res;
} asked_t;

static struct { int calls, status; } ended;

static void free_asked(weir_op_t *op, int status) {
  asked_t *asked = (asked_t *)op;

  ended.calls++;
  ended.status = status;
  if (status)
    ck_assert_ptr_eq(asked->res, UNSET);
  else
    ck_found(asked->res, 65000);
  free(asked);
}

static weir_op_t *ask(weir_ctx_t *ctx) {
  asked_t *asked = calloc(1, sizeof(*asked));

  ended.calls = 0;
  *asked = (asked_t){.node = "127.0.0.1", .service = GATED, .hints = numeric, .res = UNSET};
  weir_op_init(&asked->op, ctx);
  ck_assert_int_eq(weir_uv_getaddrinfo(&asked->op, asked->node, asked->service, &asked->hints,
                                       &asked->res, free_asked),
                   0);
  return &asked->op;
}

static void ck_ended(int status) {
  ck_assert_int_eq(ended.calls, 1);
  ck_assert_int_eq(ended.status, status);
}

/* It ends while the pool is full: at once, but for the deadline. */
static void cut_and_await(cut_t *cut, weir_op_t *op) {
  cut_now(cut, op);
  if (cut->way != BY_DEADLINE) ck_assert_int_eq(ended.calls, 0);
  turn_until(&cut->own.uv, ended.calls > 0);
  ck_ended(cut_status(cut));
}

START_TEST(lookup_that_waits_for_a_thread_is_taken_back) {
  for (way_t way = 0; way < WAYS; way++) {
    pool_t pool;
    cut_t cut;

    lookups_open();
    pool_fill(&pool);
    cut_open(&cut, way);
    cut_and_await(&cut, ask(cut.ctx));
    cut_finish(&cut); /* while the pool is full: libuv has let go of it */
    pool_empty(&pool);
    ck_ended(cut_status(&cut));
    ck_assert_int_eq(atomic_load(&lookups.calls), 0);
    lookups_close();
  }
}
END_TEST

START_TEST(lookup_that_runs_is_forgotten_and_its_result_freed) {
  for (way_t way = 0; way < WAYS; way++) {
    cut_t cut;

    lookups_open();
    cut_open(&cut, way);
    weir_op_t *op = ask(cut.ctx);
    lookups_await_running(1);
    cut_and_await(&cut, op);
    ck_assert_int_eq(cut.own.closed, 0); /* the loop that closes waits for it */
    lookups_let_end(1);
    cut_finish(&cut);
    ck_ended(cut_status(&cut));
    ck_assert_int_eq(atomic_load(&lookups.calls), 1);
    lookups_close();
  }
}
END_TEST

/* The loop has not been told, or has: in the latter case the callback is due, and tells
 * the result. */
START_TEST(lookup_that_has_run_is_cut_short) {
  for (way_t way = 0; way < WAYS; way++) {
    if (way == BY_DEADLINE || way == BY_THREAD) continue; /* these take a turn */
    cut_t cut;

    lookups_open();
    cut_open(&cut, way);
    weir_op_t *op = ask(cut.ctx);
    lookups_let_end(1);
    lookups_await_running(1);
    while (atomic_load(&lookups.results) == 0) continue;
    cut_and_await(&cut, op);
    cut_finish(&cut);
    lookups_close();
  }
}
END_TEST

/* Whoever is first; each completes once, and no result is lost. */
START_TEST(cancel_races_with_the_pool) {
  int cancelled = 0;

  lookups_open();
  for (int i = 0; i < 600; i++) {
    struct addrinfo *res;
    probe_t lookup;
    int status;

    probe_init(&lookup, bg);
    ensure_eq(look_up(&lookup, "80", &res), 0);
    for (volatile int spin = 0; spin < i % 200 * 40; spin++) continue;
    if (i % 3 == 0) turns(uv, 1);
    if (weir_op_pending(&lookup.op)) ensure_eq(weir_op_cancel(&lookup.op), 0);
    status = weir_op_wait(&lookup.op);
    ensure_eq(lookup.status, status);
    ensure_eq(lookup.calls, 1);
    ensure(status == 0 || status == UV_ECANCELED);
    cancelled += status != 0;
    if (!status) uv_freeaddrinfo(res);
  }
  weir_run(loop);
  ck_assert_int_gt(cancelled, 0);
  lookups_close();
}
END_TEST

static void ask_again(weir_op_t *op, int status) {
  ck_assert_int_eq(status, UV_ECANCELED);
  ck_assert_int_eq(look_up((probe_t *)op, "84", op->data), 0);
}

START_TEST(op_is_used_again_while_its_first_lookup_still_runs) {
  struct addrinfo *res = UNSET;
  probe_t lookup;

  lookups_open();
  probe_init(&lookup, bg);
  lookup.op.data = &res;
  ck_assert_int_eq(weir_uv_getaddrinfo(&lookup.op, "127.0.0.1", GATED, &numeric, &res, ask_again),
                   0);
  lookups_await_running(1);
  ck_assert_int_eq(weir_op_cancel(&lookup.op), 0);
  ck_assert_int_eq(weir_op_cancel(&lookup.op), UV_EALREADY);
  turn_until_called(uv, &lookup);
  ck_completed(&lookup, 0);
  lookups_let_end(1);
  weir_run(loop);
  ck_completed(&lookup, 0);
  ck_found(res, 84);
  lookups_close();
}
END_TEST

START_TEST(forgotten_lookups_keep_the_uv_loop_alive_but_are_not_counted) {
  weir_stats_t stats;
  struct addrinfo *res;
  probe_t lookup;

  lookups_open();
  start_lookup(bg, &lookup, GATED, &res);
  lookups_await_running(1);
  weir_op_cancel(&lookup.op);
  turn_until_called(uv, &lookup);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.ops_parked, 0);
  ck_assert(uv_loop_alive(uv));
  lookups_let_end(1);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&lookup, UV_ECANCELED);
  lookups_close();
}
END_TEST

/* starts */

START_TEST(wrong_starts_are_refused) {
  struct addrinfo *res = UNSET;
  weir_op_t unbound;
  probe_t lookup;

  lookups_open();
  probe_init(&lookup, bg);
  weir_op_init(&unbound, NULL);
  ck_assert_int_eq(weir_uv_getaddrinfo(NULL, "127.0.0.1", "80", NULL, &res, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_uv_getaddrinfo(&unbound, "127.0.0.1", "80", NULL, &res, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_uv_getaddrinfo(&lookup.op, NULL, NULL, NULL, &res, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_uv_getaddrinfo(&lookup.op, "127.0.0.1", "80", NULL, NULL, NULL), UV_EINVAL);
  ck_assert(!weir_op_pending(&lookup.op));
  start_lookup(bg, &lookup, "80", &res);
  ck_assert_int_eq(weir_uv_getaddrinfo(&lookup.op, "127.0.0.1", "80", NULL, &res, NULL), UV_EBUSY);
  weir_run(loop);
  ck_completed(&lookup, 0);
  ck_found(res, 80);
  lookups_close();
}
END_TEST

START_TEST(want_of_memory_starts_nothing) {
  size_t outstanding = support_outstanding();
  struct addrinfo *res = UNSET;
  int err = UV_ENOMEM;
  probe_t lookup;

  lookups_open();
  probe_init(&lookup, bg);
  for (size_t n = 0; err; n++) {
    support_fail_only(n);
    err = look_up(&lookup, "80", &res);
    support_fail_after(SIZE_MAX);
    ck_assert_int_eq(err, n == 0 || err ? UV_ENOMEM : 0);
    if (err) ck_assert(!weir_op_pending(&lookup.op));
  }
  weir_run(loop);
  ck_completed(&lookup, 0);
  ck_found(res, 80);
  ck_assert_int_eq(atomic_load(&lookups.calls), 1);
  ck_assert_uint_eq(support_outstanding(), outstanding);
  lookups_close();
}
END_TEST

START_TEST(cancelled_context_looks_nothing_up) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *late = weir_ctx_with_timeout(bg, 0);
  struct addrinfo *res;
  probe_t lookup, too_late;

  lookups_open();
  weir_ctx_cancel(ctx);
  start_lookup(ctx, &lookup, "80", &res);
  start_lookup(late, &too_late, "80", &res);
  weir_run(loop);
  ck_completed(&lookup, UV_ECANCELED);
  ck_completed(&too_late, UV_ETIMEDOUT);
  ck_assert_ptr_eq(res, UNSET);
  ck_assert_int_eq(atomic_load(&lookups.calls), 0);
  weir_ctx_unref(ctx);
  weir_ctx_unref(late);
  lookups_close();
}
END_TEST

START_TEST(closed_loop_refuses) {
  struct addrinfo *res;
  weir_ctx_t *ctx;
  probe_t lookup;
  own_t own;

  lookups_open();
  own_open(&own);
  ctx = weir_ctx_with_cancel(own.bg);
  own_close(&own);
  probe_init(&lookup, ctx);
  ck_assert_int_eq(look_up(&lookup, "80", &res), UV_ECANCELED);
  ck_assert(!weir_op_pending(&lookup.op));
  weir_ctx_unref(ctx);
  ck_assert_int_eq(atomic_load(&lookups.calls), 0);
  lookups_close();
}
END_TEST

START_TEST(dump_names_it) {
  struct addrinfo *res = UNSET;
  char where[200];
  weir_op_t op;

  lookups_open();
  snprintf(where, sizeof(where), "%s:%d", __FILE__, __LINE__ + 1);
  weir_op_init(&op, bg);
  ck_assert_int_eq(weir_uv_getaddrinfo(&op, "127.0.0.1", GATED, &numeric, &res, NULL), 0);
  ck_dumped(where, ": getaddrinfo ");
  lookups_let_end(1);
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_dumped_nothing();
  ck_found(res, 65000);
  lookups_close();
}
END_TEST

static const support_test_t tests[] = {
    T(lookup_gives_addresses_to_be_freed),
    T(name_of_this_machine_is_found),
    T(what_is_looked_up_is_copied),
    T(node_or_service_may_be_missing),
    T(failing_name_gives_its_error_and_leaves_res_alone),
    T(absurd_name_is_refused),
    T(many_lookups_complete_each_once),
    T(any_of_lookup_and_sleep_is_a_timeout),
    T(lookup_that_waits_for_a_thread_is_taken_back),
    T(lookup_that_runs_is_forgotten_and_its_result_freed),
    T(lookup_that_has_run_is_cut_short),
    T(cancel_races_with_the_pool),
    T(op_is_used_again_while_its_first_lookup_still_runs),
    T(forgotten_lookups_keep_the_uv_loop_alive_but_are_not_counted),
    T(wrong_starts_are_refused),
    T(want_of_memory_starts_nothing),
    T(cancelled_context_looks_nothing_up),
    T(closed_loop_refuses),
    T(dump_names_it),
};

SUITE_MAIN("uv_lookup", tests)
