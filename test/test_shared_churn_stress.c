/*
 * Description: shared channels that live for one value, between two loops: both sides drop theirs
 * as soon as they have started, and cancel at random. What is sent and not received is dropped.
 */
#include <stdlib.h>

#include "support/ledger.h"
#include "support/shared.h"
#include "support/threads.h"

enum { CHAINS = 16, ROUNDS = 60000 };

static weir_chan_t *mail; /* of channels, from the sending loop to the receiving one */
static uint32_t round_number, chains_left;

static uint32_t chance(uint32_t *random, uint32_t below) {
  *random = *random * 1664525 + 1013904223;
  return (*random >> 16) % below;
}

/* sending: a chain mails a channel, sends on it, and goes on to the next when that has completed */

typedef struct chain_s {
  weir_op_t op;             /* first */
  weir_chan_t *ch, *mailed; /* the same, each with a reference */
  ledger_value_t value;
  uint32_t random;
} chain_t;

static void next_channel(chain_t *chain);

static void on_delivered(weir_op_t *op, int status) {
  chain_t *chain = (chain_t *)op;

  ensure(status == 0 || status == UV_EPIPE || status == UV_ECANCELED);
  if (status) ledger_note(&chain->value, KEPT);
  next_channel(chain);
}

static void on_mailed(weir_op_t *op, int status) {
  chain_t *chain = (chain_t *)op;

  ensure_eq(status, 0);
  ensure_eq(weir_chan_send(op, chain->ch, &chain->value, on_delivered), 0);
  if (chance(&chain->random, 4) == 0) weir_op_cancel(op);
  weir_chan_unref(chain->ch);
}

static void next_channel(chain_t *chain) {
  if (round_number == ROUNDS) {
    if (--chains_left == 0) ensure_eq(weir_chan_close(mail), 0);
    return;
  }
  chain->value = ledger_value(0, round_number++);
  chain->ch = ledger_chan(chance(&chain->random, 2));
  chain->mailed = weir_chan_ref(chain->ch);
  ensure_eq(weir_chan_send(&chain->op, mail, &chain->mailed, on_mailed), 0);
}

/* receiving: an op, or a select, for each channel that comes */

typedef struct taker_s {
  weir_op_t op; /* first */
  weir_case_t cases[2];
  ledger_value_t value;
} taker_t;

static void on_taken(weir_op_t *op, int status) {
  taker_t *taker = (taker_t *)op;

  ensure(status == 0 || status == UV_EOF || status == UV_ECANCELED);
  if (status == 0) ledger_note(&taker->value, RECEIVED);
  free(taker);
}

typedef struct receiver_s {
  weir_range_t range; /* first */
  weir_ctx_t *ctx;
  uint32_t random;
} receiver_t;

static void start_taker(receiver_t *receiver, weir_chan_t *ch) {
  taker_t *taker = malloc(sizeof(*taker));

  weir_op_init(&taker->op, receiver->ctx);
  taker->cases[0] = WEIR_RECV(ch, &taker->value);
  taker->cases[1] = WEIR_RECV(ch, &taker->value);
  if (chance(&receiver->random, 2))
    ensure_eq(weir_chan_recv(&taker->op, ch, &taker->value, on_taken), 0);
  else
    ensure_eq(weir_select(&taker->op, taker->cases, 2, on_taken), 0);
  if (chance(&receiver->random, 4) == 0) weir_op_cancel(&taker->op);
}

static void on_mail(weir_range_t *range, const void *value, int status) {
  weir_chan_t *ch;

  if (status) {
    ensure_eq(status, UV_EOF);
    return;
  }
  ch = *(weir_chan_t *const *)value;
  if (chance(&((receiver_t *)range)->random, 16)) start_taker((receiver_t *)range, ch);
  weir_chan_unref(ch);
}

static void run_receiver(support_thread_t *thread, void *arg) {
  receiver_t receiver = {.ctx = thread->bg, .random = *(uint32_t *)arg};

  weir_range_init(&receiver.range, thread->bg);
  ensure_eq(weir_range_start(&receiver.range, mail, on_mail), 0);
  ensure_eq(weir_run(thread->loop), 0);
}

static void ck_churn(size_t mail_capacity) {
  static chain_t chains[CHAINS];
  support_thread_t thread;
  uint32_t seed = (uint32_t)uv_hrtime();

  snprintf(support_note, sizeof(support_note), "seed %u", seed);
  ledger_open(1, ROUNDS);
  mail = weir_chan_new_shared(WEIR_TYPE_CHAN, mail_capacity);
  round_number = 0;
  chains_left = CHAINS;
  support_thread_start(&thread, run_receiver, &seed);
  for (uint32_t i = 0; i < CHAINS; i++) {
    weir_op_init(&chains[i].op, bg);
    chains[i].random = seed + i;
    next_channel(&chains[i]);
  }
  ensure_eq(weir_run(loop), 0);
  support_thread_join(&thread);
  ledger_check(0, ROUNDS);
  ensure(ledger_count(RECEIVED) > 0 && ledger_count(DROPPED) > 0 && ledger_count(KEPT) > 0);
  ledger_close();
  weir_chan_unref(mail);
}

START_TEST(channels_come_and_go_between_two_loops) {
  ck_churn(8);
}
END_TEST

START_TEST(channels_come_and_go_through_a_rendezvous) {
  ck_churn(0);
}
END_TEST

static const support_test_t tests[] = {
    T(channels_come_and_go_between_two_loops),
    T(channels_come_and_go_through_a_rendezvous),
};
SUITE_MAIN("shared_churn_stress", tests)
