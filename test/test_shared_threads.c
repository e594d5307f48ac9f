/* Description: what other threads do to a shared channel beside sending: closing, dropping,
 * looking. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "support/shared.h"
#include "support/threads.h"

/* operations of every form, parked on one channel by another loop */

typedef struct parked_s {
  weir_chan_t *in, *out; /* received from, sent to */
  uv_sem_t are_parked;
  probe_t recv, recv_many, recv_select, send, send_many, send_select;
  weir_range_t range;
  weir_case_t recv_cases[2], send_cases[2];
  int received[3], range_ends;
} parked_t;

static const int sent[] = {1, 2, 3};

static void note_range(weir_range_t *range, const void *value, int status) {
  parked_t *parked = range->data;

  ensure(value == NULL);
  parked->range_ends++;
  ensure_eq(status, UV_EIO);
}

static void tell(weir_op_t *op, int status) {
  parked_t *parked = op->data;

  ensure_eq(status, 0);
  uv_sem_post(&parked->are_parked);
}

static void park_receivers(parked_t *parked, weir_ctx_t *ctx) {
  parked->recv_cases[0] = WEIR_RECV(NULL, NULL);
  parked->recv_cases[1] = WEIR_RECV(parked->in, &parked->received[2]);
  probe_init(&parked->recv, ctx);
  probe_init(&parked->recv_many, ctx);
  probe_init(&parked->recv_select, ctx);
  weir_range_init(&parked->range, ctx);
  parked->range.data = parked;
  for (int i = 0; i < 3; i++) parked->received[i] = UNTOUCHED;
  ensure_eq(weir_chan_recv(&parked->recv.op, parked->in, &parked->received[0], probe_note), 0);
  ensure_eq(
      weir_chan_recv_many(&parked->recv_many.op, parked->in, &parked->received[1], 1, probe_note),
      0);
  ensure_eq(weir_select(&parked->recv_select.op, parked->recv_cases, 2, probe_note), 0);
  ensure_eq(weir_range_start(&parked->range, parked->in, note_range), 0);
}

static void park_senders(parked_t *parked, weir_ctx_t *ctx) {
  parked->send_cases[0] = WEIR_SEND(parked->out, &sent[0]);
  parked->send_cases[1] = WEIR_SEND(NULL, NULL);
  probe_init(&parked->send, ctx);
  probe_init(&parked->send_many, ctx);
  probe_init(&parked->send_select, ctx);
  ensure_eq(weir_chan_send(&parked->send.op, parked->out, sent, probe_note), 0);
  ensure_eq(weir_chan_send_many(&parked->send_many.op, parked->out, sent, 3, probe_note), 0);
  ensure_eq(weir_select(&parked->send_select.op, parked->send_cases, 2, probe_note), 0);
}

static void run_parked(support_thread_t *thread, void *arg) {
  parked_t *parked = arg;
  weir_op_t yield;

  park_receivers(parked, thread->bg);
  park_senders(parked, thread->bg);
  weir_op_init(&yield, thread->bg);
  yield.data = parked;
  ensure_eq(weir_yield(&yield, tell), 0);
  ensure_eq(weir_run(thread->loop), 0);
}

static void close_and_unref(weir_chan_t *ch) {
  ck_assert_int_eq(weir_chan_close_with(ch, UV_EIO), 0);
  ck_assert_int_eq(weir_chan_close(ch), UV_EALREADY);
  weir_chan_unref(ch);
}

START_TEST(close_on_another_thread_ends_what_is_parked) {
  parked_t parked = {.in = shared_owned(2), .out = shared_owned(0)};
  support_thread_t thread;

  ck_assert_int_eq(uv_sem_init(&parked.are_parked, 0), 0);
  support_thread_start(&thread, run_parked, &parked);
  uv_sem_wait(&parked.are_parked);
  close_and_unref(parked.in);
  close_and_unref(parked.out);
  support_thread_join(&thread);
  ck_completed(&parked.recv, UV_EIO);
  ck_completed(&parked.recv_many, UV_EIO);
  ck_completed(&parked.recv_select, UV_EIO);
  ck_completed(&parked.send, UV_EPIPE);
  ck_completed(&parked.send_many, UV_EPIPE);
  ck_completed(&parked.send_select, UV_EPIPE);
  ck_assert_int_eq(parked.range_ends, 1);
  ck_assert_uint_eq(parked.recv_select.index, 1);
  ck_assert_uint_eq(parked.send_many.index, 0);
  ck_assert_int_eq(parked.received[0], 0);
  ck_assert_int_eq(parked.received[1], UNTOUCHED); /* that of recv_many */
  ck_assert_int_eq(parked.received[2], 0);
  ck_assert_int_eq(owned_drops, 0);
  uv_sem_destroy(&parked.are_parked);
}
END_TEST

/* the last unref */

typedef struct holding_s {
  weir_chan_t *ch;
  uv_sem_t is_parked;
  probe_t send;
  weir_ctx_t *scope; /* of the producer, or NULL */
} holding_t;

static void tell_holding(weir_op_t *op, int status) {
  holding_t *holding = op->data;

  ensure_eq(status, 0);
  uv_sem_post(&holding->is_parked);
}

/* Parks a send, and tells it. */
static void hold(support_thread_t *thread, holding_t *holding) {
  weir_op_t yield;

  probe_init(&holding->send, holding->scope ? holding->scope : thread->bg);
  ensure_eq(weir_chan_send(&holding->send.op, holding->ch, sent, probe_note), 0);
  weir_op_init(&yield, thread->bg);
  yield.data = holding;
  ensure_eq(weir_yield(&yield, tell_holding), 0);
  ensure_eq(weir_run(thread->loop), 0);
}

static void run_sender(support_thread_t *thread, void *arg) {
  hold(thread, arg);
}

START_TEST(last_unref_on_another_thread_ends_what_is_parked) {
  holding_t holding = {.ch = shared_owned(1)};
  support_thread_t thread;

  put(holding.ch, 9);
  ck_assert_int_eq(uv_sem_init(&holding.is_parked, 0), 0);
  support_thread_start(&thread, run_sender, &holding);
  uv_sem_wait(&holding.is_parked);
  weir_chan_unref(holding.ch);
  support_thread_join(&thread);
  ck_completed(&holding.send, UV_EPIPE);
  ck_assert_int_eq(owned_drops, 1);
  ck_assert_int_eq(owned_dropped[9], 1);
  uv_sem_destroy(&holding.is_parked);
}
END_TEST

static void run_producer(support_thread_t *thread, void *arg) {
  holding_t *holding = arg;

  holding->scope = weir_ctx_with_cancel(thread->bg);
  weir_chan_set_producer(holding->ch, holding->scope);
  hold(thread, holding);
  ensure_eq(weir_ctx_err(holding->scope), UV_ECANCELED);
  weir_ctx_unref(holding->scope);
  weir_chan_unref(holding->ch);
}

START_TEST(producer_on_another_loop_hears_that_nobody_can_receive) {
  for (int i = 0; i < 50; i++) {
    holding_t holding = {.ch = shared_owned(0)};
    support_thread_t thread;
    weir_chan_ref(holding.ch);
    ck_assert_int_eq(uv_sem_init(&holding.is_parked, 0), 0);
    support_thread_start(&thread, run_producer, &holding);
    uv_sem_wait(&holding.is_parked);
    weir_chan_unref(holding.ch); /* the producer's is left */
    support_thread_join(&thread);
    ck_completed(&holding.send, UV_ECANCELED);
    ck_assert_int_eq(owned_drops, 0);
    uv_sem_destroy(&holding.is_parked);
  }
}
END_TEST

static void fill_and_leave(support_thread_t *thread, void *arg) {
  weir_chan_t *ch = *(weir_chan_t **)arg;
  weir_op_t op;

  weir_op_init(&op, thread->bg);
  ensure_eq(weir_chan_send_many(&op, ch, sent, 3, NULL), 0);
  ensure_eq(weir_op_wait(&op), 0);
  weir_chan_unref(ch);
}

START_TEST(channel_outlives_the_loop_that_sent_to_it) {
  weir_chan_t *ch = shared_owned(4), *theirs = weir_chan_ref(ch);
  support_thread_t thread;

  support_thread_start(&thread, fill_and_leave, &theirs);
  support_thread_join(&thread);
  ck_assert_uint_eq(weir_chan_len(ch), 3);
  ck_assert_int_eq(get(ch), 1);
  ck_assert_int_eq(get(ch), 2);
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 1);
}
END_TEST

static void ref_and_unref(void *arg) {
  for (int i = 0; i < 20000; i++) weir_chan_unref(weir_chan_ref(arg));
  weir_chan_unref(arg);
}

START_TEST(references_are_counted_on_all_threads) {
  weir_chan_t *ch = shared_owned(4);
  uv_thread_t threads[3];

  for (int i = 0; i < 4; i++) put(ch, i);
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(uv_thread_create(&threads[i], ref_and_unref, weir_chan_ref(ch)), 0);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(uv_thread_join(&threads[i]), 0);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
  ck_assert_int_eq(owned_drops, 4);
}
END_TEST

/* looking on */

static void look_on(void *arg) {
  static const char *const names[] = {"one", "another"};
  weir_chan_t *ch = arg;

  for (unsigned i = 0; !weir_chan_closed(ch); i++) {
    weir_chan_set_name(ch, names[i % 2]);
    ensure_eq(weir_chan_cap(ch), 3);
    ensure(weir_chan_len(ch) <= 3);
    sched_yield();
  }
}

static void dump_to(FILE *out) {
  rewind(out);
  weir_dump(loop, out);
  weir_dump_dot(loop, out);
}

START_TEST(channel_may_be_looked_at_and_named_while_it_is_used) {
  weir_chan_t *ch = shared_ints(3);
  FILE *out = tmpfile();
  int values[8], received = UNTOUCHED;
  uv_thread_t thread;
  weir_op_t op;
  probe_t recv;

  ck_assert_ptr_nonnull(out);
  ck_assert_int_eq(uv_thread_create(&thread, look_on, ch), 0);
  weir_op_init(&op, bg);
  for (int i = 0; i < 300; i++) {
    start_recv(&recv, ch, &received);
    dump_to(out);
    weir_chan_send_many(&op, ch, sent, 3, NULL);
    weir_run(loop);
    weir_chan_recv_many(&op, ch, values, 8, NULL);
    weir_run(loop);
    ck_assert_int_eq(received, 1);
    ck_assert_int_eq(values[0], 2);
  }
  weir_chan_close(ch);
  ck_assert_int_eq(uv_thread_join(&thread), 0);
  fclose(out);
  weir_chan_unref(ch);
}
END_TEST

/* channels through channels: requests that carry where their answer goes */

typedef struct request_s {
  int question;
  weir_chan_t *answers; /* with its reference */
} request_t;

static void drop_request(void *value) {
  weir_chan_unref(((request_t *)value)->answers);
}

typedef struct server_s {
  weir_range_t range; /* first */
  weir_chan_t *requests;
  int served;
} server_t;

static void serve(weir_range_t *range, const void *value, int status) {
  server_t *server = (server_t *)range;
  const request_t *request = value;

  if (status) {
    ensure_eq(status, UV_EOF);
    return;
  }
  int answer = request->question * 2;
  ensure_eq(weir_chan_try_send(request->answers, &answer), 0);
  weir_chan_unref(request->answers);
  server->served++;
}

static void run_server(support_thread_t *thread, void *arg) {
  server_t *server = arg;

  weir_range_init(&server->range, thread->bg);
  ensure_eq(weir_range_start(&server->range, server->requests, serve), 0);
  ensure_eq(weir_run(thread->loop), 0);
}

START_TEST(requests_carry_the_channel_for_their_answer) {
  weir_chan_t *requests = weir_chan_new_shared(WEIR_TYPE_OWNED(request_t, drop_request, NULL), 0);
  server_t server = {.requests = requests};
  support_thread_t thread;
  weir_op_t op;

  support_thread_start(&thread, run_server, &server);
  weir_op_init(&op, bg);
  for (int i = 0; i < 300; i++) {
    request_t request = {.question = i, .answers = shared_ints(1)};
    weir_chan_t *answers = weir_chan_ref(request.answers);
    int answer = UNTOUCHED;
    weir_chan_send(&op, requests, &request, NULL);
    ck_assert_int_eq(weir_op_wait(&op), 0);
    weir_chan_recv(&op, answers, &answer, NULL);
    ck_assert_int_eq(weir_op_wait(&op), 0);
    ck_assert_int_eq(answer, 2 * i);
    weir_chan_unref(answers);
  }
  weir_chan_close(requests);
  support_thread_join(&thread);
  ck_assert_int_eq(server.served, 300);
  weir_chan_unref(requests);
}
END_TEST

static const support_test_t tests[] = {
    T(close_on_another_thread_ends_what_is_parked),
    T(last_unref_on_another_thread_ends_what_is_parked),
    T(producer_on_another_loop_hears_that_nobody_can_receive),
    T(channel_outlives_the_loop_that_sent_to_it),
    T(references_are_counted_on_all_threads),
    T(channel_may_be_looked_at_and_named_while_it_is_used),
    T(requests_carry_the_channel_for_their_answer),
};
SUITE_MAIN("shared_threads", tests)
