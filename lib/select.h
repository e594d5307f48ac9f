/* What a select looks at and chooses, for those on a loop and for those of blocked threads. */
#ifndef WEIR_LIB_SELECT_H
#define WEIR_LIB_SELECT_H

#include <weir/select.h>

#include "chan.h"

/* A select over cases of which some are of shared channels. */
typedef struct weir__select_s {
  weir_case_t *cases;
  size_t n;
  weir__random_t *random;      /* NULL: the first ready case */
  weir_loop_t *home;           /* or NULL */
  weir_op_t *op;               /* NULL: it does not wait */
  void (*park)(weir_op_t *op); /* under the locks */
  size_t index;                /* of the case that has happened */
} weir__select_t;

/* The status of the case that has happened; WEIR__NOT_YET: it waits, or would; UV_ENOMEM. */
int weir__select_shared(weir__select_t *select);

/* The same for one that does not wait, over channels that are local (`due` NULL) or locked. */
int weir__select_now(weir__select_t *select, weir__due_t *due);

/* Takes the cases of a claimed select out of their queues, but the one that has happened. */
enum { WEIR__NONE_CHOSEN = -1 };
void weir__select_withdraw(weir_op_t *op, ptrdiff_t chosen);

/* The choices of a thread that is not a loop's. */
weir__random_t *weir__select_random(void);

WEIR__INLINE bool weir__case_ready(const weir_case_t *c) {
  if (!c->chan) return false;
  return c->is_send ? weir__chan_can_send(c->chan) : weir__chan_can_recv(c->chan);
}

static inline int weir__case_happen(const weir_case_t *c, weir__due_t *due) {
  return c->is_send ? weir__chan_send_now(c->chan, c->value, due)
                    : weir__chan_recv_now(c->chan, c->value, due);
}

/* One of the `count` ready cases; n if it is ready no more. Without `random`, the first. */
WEIR__INLINE size_t weir__case_choose(const weir_case_t *cases, size_t n, size_t count,
                                      weir__random_t *random) {
  size_t before = random && count > 1 ? weir__random_below(random, (uint32_t)count) : 0, i = 0;

  while (i < n && (!weir__case_ready(&cases[i]) || before-- > 0)) i++;
  return i;
}

#endif
