/* Probes that are parked until they are cancelled, for tests of joins. */
#ifndef WEIR_TEST_PARKED_H
#define WEIR_TEST_PARKED_H

#include "probe.h"
#include "support.h"

/* Parks an op that nothing but a cancel completes. */
static inline void park(probe_t *probe) {
  probe_init(probe, bg);
  ck_assert_int_eq(weir_chan_recv(&probe->op, NULL, NULL, probe_note), 0);
}

static inline void park_three(probe_t *probes, weir_op_t **ops) {
  for (int i = 0; i < 3; i++) {
    park(&probes[i]);
    ops[i] = &probes[i].op;
  }
}

static inline void cancel_and_run(probe_t *probe) {
  ck_assert_int_eq(weir_op_cancel(&probe->op), 0);
  weir_run(loop);
  ck_completed(probe, UV_ECANCELED);
}

#endif
