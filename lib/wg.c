/* Wait groups. */
#include <limits.h>

#include <weir/group.h>

#include "turn.h"

static_assert(sizeof(void *) != 8 || sizeof(weir_wg_t) == 32, "size of weir_wg_t");

void weir_wg_init(weir_wg_t *wg) {
  wg->count = 0;
  weir__queue_init(&wg->waiters);
}

int weir_wg_add(weir_wg_t *wg, int n) {
  if (!wg || (n < 0 ? wg->count < -(int64_t)n : wg->count > INT_MAX - n)) return UV_EINVAL;
  wg->count += n;
  if (wg->count == 0) weir__turn_ready_all(&wg->waiters, 0);
  return 0;
}

int weir_wg_done(weir_wg_t *wg) {
  return weir_wg_add(wg, -1);
}

static void describe(weir_op_t *op, FILE *out) {
  const weir_wg_t *wg = op->u.turn.target;

  fprintf(out, "for a wait group at %d", wg->count);
}

static const weir__kind_t kind = {.verb = "wait", .unpark = weir__turn_leave, .describe = describe};

int weir_wg_wait(weir_op_t *op, weir_wg_t *wg, weir_op_cb cb) {
  int started = wg ? weir__op_start(op, cb) : UV_EINVAL;

  if (started) return weir__op_accepted(started);
  if (wg->count == 0)
    weir__op_complete(op, 0, 0);
  else
    weir__turn_park(&wg->waiters, op, wg, 0, &kind);
  return 0;
}
