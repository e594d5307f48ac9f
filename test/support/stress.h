/*
 * Senders and receivers on loops and on threads, that share channels and are cancelled, time out
 * and see the channels closed, at random. What becomes of each value is kept in the ledger.
 *
 *   stress.c   a run: channels, threads, its end
 *   sender.c   receiver.c   the actors
 */
#ifndef WEIR_TEST_STRESS_H
#define WEIR_TEST_STRESS_H

#include <stdatomic.h>

#include "ledger.h"
#include "threads.h"

enum { STRESS_SENDERS = 4, STRESS_RECEIVERS = 3, STRESS_CHANS = 3, STRESS_BATCH = 64 };
enum { STRESS_ACTORS = STRESS_SENDERS + STRESS_RECEIVERS };

typedef enum stress_kind_e {
  OPS,     /* on a loop: send, recv */
  MANY,    /* on a loop: send_many, recv_many */
  SELECTS, /* on a loop: select over all channels */
  RANGES,  /* on a loop; receivers only */
  BLOCKING,
  BLOCKING_SELECTS
} stress_kind_t;

typedef enum stress_end_e {
  CLOSED_AT_THE_END, /* by the last sender */
  CLOSED_MIDWAY,     /* by a receiver, with a status; what is buffered is still received */
  ABANDONED          /* by the receivers of one channel; what is buffered is dropped with it */
} stress_end_t;

typedef struct stress_plan_s {
  size_t capacity;
  uint32_t chans;  /* but for selects, an actor uses one of them */
  uint32_t loops;  /* that share out the actors on loops */
  uint32_t values; /* of each sender */
  stress_kind_t senders[STRESS_SENDERS], receivers[STRESS_RECEIVERS];
  stress_end_t end;
  bool is_cancelled_often; /* every other operation, not one in sixteen */
} stress_plan_t;

/* Runs it and checks that every value was received once, or dropped, or is still its sender's. */
void stress_run(const stress_plan_t *plan);

/* private to the three files */

typedef struct actor_s {
  weir_op_t op;       /* first */
  weir_op_t meddler;  /* data: the actor; cancels `op`, resumes or stops `range` */
  weir_range_t range; /* data: the actor */
  const stress_plan_t *plan;
  stress_kind_t kind;
  uint32_t number; /* among the senders, or the receivers */
  uint64_t random;
  weir_ctx_t *background, *ctx;
  _Atomic(weir_ctx_t *) victim; /* a reference to `ctx` for who cancels it from elsewhere */
  weir_chan_t *chans[STRESS_CHANS];
  weir_case_t cases[STRESS_CHANS];
  /* the operation that runs */
  unsigned started; /* how many have been */
  unsigned meddled; /* the one that the meddler is for */
  bool running, cancelled;
  /* senders: what is being sent; receivers: where it arrives, in turns */
  ledger_value_t values[2][STRESS_BATCH];
  uint32_t count;                                  /* of values being sent */
  atomic_uint next;                                /* senders: the first that has no fate */
  uint32_t expected[STRESS_CHANS][STRESS_SENDERS]; /* receivers: not less than that */
  void (*meddle)(struct actor_s *actor);           /* what the meddler does */
  atomic_bool done;
} actor_t;

static inline bool actor_is_on_loop(const actor_t *actor) {
  return actor->kind != BLOCKING && actor->kind != BLOCKING_SELECTS;
}

/* How many channels it uses, and the first of them. */
static inline uint32_t actor_chans(const actor_t *actor) {
  bool is_select = actor->kind == SELECTS || actor->kind == BLOCKING_SELECTS;

  return is_select ? actor->plan->chans : 1;
}

static inline weir_chan_t *actor_chan(const actor_t *actor) {
  return actor->chans[actor->number % actor->plan->chans];
}

uint32_t actor_draw(actor_t *actor, uint32_t below);
uint64_t actor_timeout(actor_t *actor);

/* Around each operation of a loop: `op` is initialised under a context that is not cancelled. */
void actor_before_start(actor_t *actor);
void actor_after_start(actor_t *actor);
void actor_on_completion(actor_t *actor, int status);

/* Runs `meddle` in a while, if the meddler is free. */
void actor_meddle_later(actor_t *actor, void (*meddle)(actor_t *actor));

/* Its last act: lets go of everything. */
void actor_finish(actor_t *actor);

/* A receiver has received the count-th value of all. */
void stress_received(actor_t *actor, uint64_t count);
bool stress_abandoned(void);
void stress_sender_finished(actor_t *actor);
void stress_receiver_finished(actor_t *actor);

void sender_start(actor_t *actor);
void sender_block(actor_t *actor);
void receiver_start(actor_t *actor);
void receiver_block(actor_t *actor);

#endif
