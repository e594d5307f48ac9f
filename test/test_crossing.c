/*
 * Description: where turns, loops and threads border on each other: a loop that closes while posts
 * come in, a host that polls by itself, callbacks that wait for other threads.
 */
#include <poll.h>
#include <stdatomic.h>

#include "support/support.h"
#include "support/threads.h"
#include "support/waiting.h"

/* two loops of one thread */

static struct {
  weir_chan_t *local, *shared;
  weir_op_t receiver;
} pair;

static void try_in_a_turn_of_another(weir_op_t *op, int status) {
  int seven = 7, other;
  weir_case_t cases[] = {WEIR_SEND(pair.local, &seven), WEIR_RECV(pair.shared, &other)};
  size_t index = 9;

  (void)op;
  ensure_eq(status, 0);
  ensure_eq(weir_select_try(cases, 2, &index), 0);
  ensure_eq(index, 0);
  ensure_eq(weir_op_cancel(&pair.receiver), UV_EALREADY);
}

START_TEST(select_try_of_another_loops_channel_arrives_there_at_once) {
  weir_loop_t *other;
  uv_loop_t other_uv;
  int received = 0;
  weir_op_t yield;

  ck_assert_int_eq(uv_loop_init(&other_uv), 0);
  ck_assert_int_eq(weir_loop_new(&other, &other_uv), 0);
  pair.local = weir_chan_new(other, WEIR_TYPE(int), 0);
  pair.shared = weir_chan_new_shared(WEIR_TYPE(int), 0);
  weir_op_init(&pair.receiver, weir_loop_background(other));
  ck_assert_int_eq(weir_chan_recv(&pair.receiver, pair.local, &received, NULL), 0);
  weir_op_init(&yield, bg);
  weir_yield(&yield, try_in_a_turn_of_another);
  weir_run(loop);
  ck_assert_uint_eq(weir_run(other), 0);
  ck_assert_int_eq(received, 7);
  weir_chan_unref(pair.local);
  weir_chan_unref(pair.shared);
  weir_loop_close(other, NULL, NULL);
  uv_run(&other_uv, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&other_uv), 0);
}
END_TEST

START_TEST(select_try_over_local_channels_of_two_loops_and_a_shared_one_gives_einval) {
  weir_loop_t *other;
  uv_loop_t other_uv;
  weir_chan_t *here = weir_chan_new(loop, NULL, 1), *there, *shared = weir_chan_new_shared(NULL, 1);

  ck_assert_int_eq(uv_loop_init(&other_uv), 0);
  ck_assert_int_eq(weir_loop_new(&other, &other_uv), 0);
  there = weir_chan_new(other, NULL, 1);
  weir_case_t cases[] = {WEIR_SEND(here, NULL), WEIR_SEND(there, NULL), WEIR_SEND(shared, NULL)};
  ck_assert_int_eq(weir_select_try(cases, 3, NULL), UV_EINVAL);
  ck_assert_uint_eq(weir_chan_len(here) + weir_chan_len(there) + weir_chan_len(shared), 0);
  weir_chan_unref(here);
  weir_chan_unref(there);
  weir_chan_unref(shared);
  weir_loop_close(other, NULL, NULL);
  uv_run(&other_uv, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(&other_uv), 0);
}
END_TEST

/* a loop that closes */

static struct {
  weir_loop_t *loop;
  weir_ctx_t *child;
  uv_sem_t open, go, gone;
} closer;

static void close_when_told(void *arg) {
  uv_loop_t own;

  (void)arg;
  ensure_eq(uv_loop_init(&own), 0);
  ensure_eq(weir_loop_new(&closer.loop, &own), 0);
  uv_sem_post(&closer.open);
  uv_sem_wait(&closer.go);
  weir_loop_close(closer.loop, NULL, NULL);
  uv_run(&own, UV_RUN_DEFAULT);
  ensure_eq(uv_loop_close(&own), 0);
  uv_sem_post(&closer.gone);
}

static void make_and_let_close(weir_op_t *op, int status) {
  (void)op;
  ensure_eq(status, 0);
  closer.child = weir_ctx_on_loop(bg, closer.loop);
  ensure(closer.child != NULL);
  uv_sem_post(&closer.go);
  uv_sem_wait(&closer.gone);
}

START_TEST(child_for_a_loop_that_closes_in_the_same_turn) {
  uv_thread_t id;
  weir_op_t yield;

  uv_sem_init(&closer.open, 0);
  uv_sem_init(&closer.go, 0);
  uv_sem_init(&closer.gone, 0);
  ck_assert_int_eq(uv_thread_create(&id, close_when_told, NULL), 0);
  uv_sem_wait(&closer.open);
  weir_op_init(&yield, bg);
  weir_yield(&yield, make_and_let_close);
  weir_run(loop);
  ck_assert_int_eq(weir_ctx_err(closer.child), UV_ECANCELED);
  weir_ctx_unref(closer.child);
  uv_thread_join(&id);
  uv_sem_destroy(&closer.open);
  uv_sem_destroy(&closer.go);
  uv_sem_destroy(&closer.gone);
}
END_TEST

enum { UNREFS = 4000, CLOSES = 40 };

static struct {
  weir_ctx_t *ctxs[UNREFS];
  atomic_bool go;
} dropper;

static void drop_all(void *arg) {
  (void)arg;
  while (!dropper.go) continue;
  for (int i = 0; i < UNREFS; i++) weir_ctx_unref(dropper.ctxs[i]);
}

static void note_closed(void *arg) {
  *(bool *)arg = true;
}

START_TEST(loop_closes_while_another_thread_lets_go_of_its_contexts) {
  for (int round = 0; round < CLOSES; round++) {
    bool is_closed = false;
    weir_loop_t *other;
    uv_loop_t other_uv;
    uv_thread_t id;

    ck_assert_int_eq(uv_loop_init(&other_uv), 0);
    ck_assert_int_eq(weir_loop_new(&other, &other_uv), 0);
    for (int i = 0; i < UNREFS; i++)
      dropper.ctxs[i] = weir_ctx_with_cancel(weir_loop_background(other));
    dropper.go = false;
    ck_assert_int_eq(uv_thread_create(&id, drop_all, NULL), 0);
    weir_run(other);
    dropper.go = true;
    weir_loop_close(other, note_closed, &is_closed);
    uv_run(&other_uv, UV_RUN_DEFAULT);
    ck_assert(is_closed);
    ck_assert_int_eq(uv_loop_close(&other_uv), 0);
    uv_thread_join(&id);
  }
}
END_TEST

/* a host that polls by itself */

typedef struct embedded_s {
  weir_chan_t *ch;
  weir_op_t recv;
  int value, count;
  uv_sem_t polls; /* the host is about to poll with no time limit */
} embedded_t;

static void on_embedded(weir_op_t *op, int status) {
  embedded_t *embedded = op->data;

  ensure_eq(status, 0);
  if (++embedded->count < 2)
    ensure_eq(weir_chan_recv(op, embedded->ch, &embedded->value, on_embedded), 0);
}

static void send_twice(void *arg) {
  embedded_t *embedded = arg;

  for (int i = 0; i < 2; i++) {
    uv_sem_wait(&embedded->polls);
    ensure_eq(weir_chan_send_blocking(embedded->ch, &i, UINT64_MAX), 0);
  }
}

START_TEST(host_that_polls_the_backend_is_woken) {
  embedded_t embedded = {.ch = weir_chan_new_shared(WEIR_TYPE(int), 4)};
  struct pollfd backend = {.fd = uv_backend_fd(uv), .events = POLLIN};
  uv_thread_t id;

  weir_loop_set_spin(loop, 0);
  uv_sem_init(&embedded.polls, 0);
  weir_op_init(&embedded.recv, bg);
  embedded.recv.data = &embedded;
  ck_assert_int_eq(weir_chan_recv(&embedded.recv, embedded.ch, &embedded.value, on_embedded), 0);
  ck_assert_int_eq(uv_thread_create(&id, send_twice, &embedded), 0);
  for (int posted = 0; embedded.count < 2;) {
    uv_run(uv, UV_RUN_NOWAIT);
    if (embedded.count == 2) break;
    if (uv_backend_timeout(uv) < 0 && posted == embedded.count) {
      posted++;
      uv_sem_post(&embedded.polls);
    }
    poll(&backend, 1, uv_backend_timeout(uv)); /* a lost wake-up would stay here */
  }
  uv_thread_join(&id);
  uv_sem_destroy(&embedded.polls);
  weir_chan_unref(embedded.ch);
}
END_TEST

/* a thread that acts before the loop runs, and callbacks that wait for a thread */

static void cancel_it(void *ctx) {
  weir_ctx_cancel(ctx);
}

START_TEST(cancellation_from_elsewhere_before_the_loop_runs_is_carried_out) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, 0);
  weir_ctx_t *first = weir_ctx_with_cancel(bg), *second = weir_ctx_with_cancel(bg);
  weir_op_t ops[2];
  uv_thread_t id;

  weir_op_init(&ops[0], first);
  weir_op_init(&ops[1], second);
  for (int i = 0; i < 2; i++) ck_assert_int_eq(weir_chan_recv(&ops[i], ch, NULL, NULL), 0);
  ck_assert_int_eq(uv_thread_create(&id, cancel_it, first), 0);
  uv_thread_join(&id);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_assert_int_eq(weir_op_status(&ops[0]), UV_ECANCELED);
  ck_assert_int_eq(uv_thread_create(&id, cancel_it, second), 0);
  uv_thread_join(&id);
  ck_assert_int_eq(weir_op_wait(&ops[1]), UV_ECANCELED);
  weir_ctx_unref(first);
  weir_ctx_unref(second);
  weir_chan_unref(ch);
}
END_TEST

static struct {
  weir_chan_t *ch;
  uv_thread_t id;
} blocked;

static void recv_until_the_end(void *arg) {
  (void)arg;
  ensure_eq(weir_chan_recv_blocking(blocked.ch, NULL, UINT64_MAX), UV_EOF);
}

static void close_and_join(weir_op_t *op, int status) {
  (void)op;
  ensure_eq(status, 0);
  weir_chan_close(blocked.ch);
  uv_thread_join(&blocked.id);
}

START_TEST(callback_may_wait_for_a_thread_that_it_has_woken) {
  for (int i = 0; i < 100; i++) {
    weir_op_t yield;

    blocked.ch = weir_chan_new_shared(NULL, 0);
    ck_assert_int_eq(uv_thread_create(&blocked.id, recv_until_the_end, NULL), 0);
    while (waiting_on(blocked.ch) == 0) continue;
    weir_op_init(&yield, bg);
    weir_yield(&yield, close_and_join);
    weir_run(loop);
    weir_chan_unref(blocked.ch);
  }
}
END_TEST

static int empty_drops;

static void drop_empty(void *value) {
  (void)value;
  empty_drops++;
}

START_TEST(values_of_no_size_are_dropped_when_nobody_wants_them) {
  weir_type_t type = {.size = 0, .drop = drop_empty};
  weir_chan_t *ch = weir_chan_new_shared(&type, 1);
  weir_op_t send, recv;

  empty_drops = 0;
  weir_op_init(&send, bg);
  weir_op_init(&recv, bg);
  ck_assert_int_eq(weir_chan_send_many(&send, ch, NULL, 3, NULL), 0);
  ck_assert_int_eq(weir_chan_recv_many(&recv, ch, NULL, 3, NULL), 0);
  weir_run(loop);
  ck_assert_uint_eq(weir_op_index(&recv), 3);
  ck_assert_int_eq(empty_drops, 3);
  weir_chan_unref(ch);
}
END_TEST

static const support_test_t tests[] = {
    T(select_try_of_another_loops_channel_arrives_there_at_once),
    T(select_try_over_local_channels_of_two_loops_and_a_shared_one_gives_einval),
    T(child_for_a_loop_that_closes_in_the_same_turn),
    T(loop_closes_while_another_thread_lets_go_of_its_contexts),
    T(host_that_polls_the_backend_is_woken),
    T(cancellation_from_elsewhere_before_the_loop_runs_is_carried_out),
    T(callback_may_wait_for_a_thread_that_it_has_woken),
    T(values_of_no_size_are_dropped_when_nobody_wants_them),
};

SUITE_MAIN("crossing", tests)
