/*
 * Counters, and the list of what is parked. Nothing is kept for it: every parked operation stands
 * in its context's list, and every context in the cancel tree.
 */
#include "stats.h"

#include <inttypes.h>

#include <weir/stats.h>

#include "chan.h"

weir_ctx_t *weir__stats_next_root(const weir_loop_t *loop, weir_ctx_t *root) {
  weir__link_t *next;

  if (!root) return loop->background;
  next = root == loop->background ? loop->detached.next : root->sibling.next;
  return next == &loop->detached ? NULL : weir__ctx_of(next);
}

weir_op_t *weir__stats_next_op(weir_ctx_t *ctx, weir_op_t *op) {
  weir__link_t *ops = &ctx->scope.ops, *link = op ? op->parked.next : ops->next;

  for (; link != ops; link = link->next) {
    op = WEIR__CONTAINER(link, weir_op_t, parked);
    if (!op->kind->hidden) return op;
  }
  return NULL;
}

static size_t count_runnable(const weir_loop_t *loop) {
  size_t count = 0;

  for (const weir__link_t *link = loop->ready.next; link != &loop->ready; link = link->next)
    count += link != &loop->marker.u.wait.link;
  return count;
}

static size_t count_stages(const weir_loop_t *loop) {
  size_t count = 0;

  for (const weir__link_t *link = loop->channels.next; link != &loop->channels; link = link->next)
    count += WEIR__CONTAINER(link, weir_chan_t, link)->producer != NULL;
  return count;
}

void weir_stats(const weir_loop_t *loop, weir_stats_t *out) {
  *out = (weir_stats_t){.ops_parked = loop->parked,
                        .ops_runnable = count_runnable(loop),
                        .channels = loop->channel_count,
                        .contexts = loop->context_count,
                        .timers = loop->timers.count,
                        .stages = count_stages(loop),
                        .completions = loop->completions,
                        .wakeups = loop->wakeups,
                        .loop_turns = loop->turns};
}

static void print_op(weir_op_t *op, uint32_t now_ms, FILE *out) {
  uint32_t since_ms = (uint32_t)weir__op_result(op);

  if (weir__op_state(op) == WEIR__CLAIMED) since_ms = now_ms;
  fprintf(out, "%s: %s ", op->where, op->kind->verb);
  op->kind->describe(op, out);
  fprintf(out, ", since %" PRIu32 " ms\n", now_ms - since_ms);
}

void weir_dump(const weir_loop_t *loop, FILE *out) {
  uint32_t now_ms = (uint32_t)weir_now(loop);
  weir_ctx_t *root = NULL, *ctx;
  weir_op_t *op;

  while ((root = weir__stats_next_root(loop, root)))
    for (ctx = root; ctx; ctx = weir__ctx_next(root, ctx, true))
      for (op = NULL; (op = weir__stats_next_op(ctx, op));) print_op(op, now_ms, out);
}
