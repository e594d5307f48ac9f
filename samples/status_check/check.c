/*
 *   targets of a host -> weir_pipe_async(at most per_host, visit) -\
 *   targets of another -> weir_pipe_async                         --> weir_pipe_fan_in -> results
 *
 * Without a limit for each host there is one such lane. Over all of them, a semaphore lets as many
 * run at once as the settings say; since it serves in the order of asking, a host that is slow does
 * not hold up the others.
 *
 * Only the visits are under `ctx`: a cancelled check still has to say so of every target. The
 * pipeline is under `scope`, which owns the check, and ends when nobody holds the results.
 */
#include "check.h"

#include "url.h"
#include "visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check_s {
  weir_ctx_t *ctx;
  const settings_t *settings;
  weir_sem_t *permits;
} check_t;

/* one target */

typedef struct turn_s {
  weir_op_t op;
  weir_slot_t *slot;
  check_t *check;
  weir_ctx_t *ctx; /* of the visit */
  weir_chan_t *results;
} turn_t;

static void finish(turn_t *turn, int status) {
  weir_slot_t *slot = turn->slot;

  free(turn);
  weir_slot_done(slot, status);
}

static void on_result(weir_op_t *op, int status) {
  turn_t *turn = op->data;

  weir_sem_release(turn->check->permits, 1);
  weir_chan_unref(turn->results);
  weir_ctx_cancel(turn->ctx); /* nobody listens any more, if it still runs */
  weir_ctx_unref(turn->ctx);
  finish(turn, status);
}

static void on_permit(weir_op_t *op, int status) {
  turn_t *turn = op->data;
  check_t *check = turn->check;
  const target_t *target = *(const target_t **)weir_slot_in(turn->slot);

  if (status) {
    finish(turn, status);
    return;
  }
  turn->ctx = weir_ctx_with_cancel(check->ctx);
  turn->results = turn->ctx ? visit(turn->ctx, check->settings, target) : NULL;
  status = turn->results ? weir_chan_recv(op, turn->results, weir_slot_out(turn->slot), on_result)
                         : UV_ENOMEM;
  if (status) on_result(op, status);
}

static void start_turn(weir_slot_t *slot) {
  turn_t *turn = calloc(1, sizeof *turn);

  if (!turn) {
    weir_slot_done(slot, UV_ENOMEM);
    return;
  }
  turn->slot = slot;
  turn->check = weir_slot_arg(slot);
  turn->op.data = turn;
  weir_op_init(&turn->op, weir_slot_ctx(slot));
  if (weir_sem_acquire(&turn->op, turn->check->permits, 1, on_permit)) finish(turn, UV_ECANCELED);
}

/* lanes */

typedef struct waiting_s {
  const target_t *target;
  size_t place; /* in the list that was given */
  char origin[URL_HOST_MAX + 32];
} waiting_t;

static void write_origin(waiting_t *waiting) {
  url_t url;

  if (url_parse(&url, waiting->target->url)) return; /* those that are wrong are a lane, too */
  snprintf(waiting->origin, sizeof waiting->origin, "%s:%u", url.host, url.port);
  for (char *c = waiting->origin; *c; c++)
    if (*c >= 'A' && *c <= 'Z') *c |= 0x20;
}

static int by_origin(const void *a, const void *b) {
  const waiting_t *first = a, *second = b;
  int order = strcmp(first->origin, second->origin);

  return order ? order : (first->place > second->place) - (first->place < second->place);
}

/* Returns the list by host, in a host's order; as it is when hosts do not matter. */
static waiting_t *sort_targets(const settings_t *settings, const target_t *targets, size_t n) {
  waiting_t *list = calloc(n + 1, sizeof *list);

  for (size_t i = 0; list && i < n; i++) {
    list[i].target = &targets[i];
    list[i].place = i;
    if (settings->per_host > 0) write_origin(&list[i]);
  }
  if (list && settings->per_host > 0) qsort(list, n, sizeof *list, by_origin);
  return list;
}

static weir_chan_t *lane_of(weir_ctx_t *scope, check_t *check, const target_t **targets, size_t n) {
  size_t per_host = check->settings->per_host, limit = check->settings->concurrency;

  if (per_host > 0 && per_host < limit) limit = per_host;
  return weir_pipe_async(scope, weir_pipe_from(scope, WEIR_TYPE(const target_t *), targets, n),
                         &result_type, limit < n ? limit : n, false, start_turn, check);
}

/* `targets` and `lanes` have room for n. Returns how many lanes there are. */
static size_t build_lanes(weir_ctx_t *scope, check_t *check, const waiting_t *list, size_t n,
                          const target_t **targets, weir_chan_t **lanes) {
  size_t count = 0;

  for (size_t from = 0, to; from < n; from = to) {
    for (to = from; to < n && strcmp(list[to].origin, list[from].origin) == 0; to++)
      targets[to] = list[to].target;
    lanes[count++] = lane_of(scope, check, targets + from, to - from);
  }
  return count;
}

static weir_chan_t *fan_in_lanes(weir_ctx_t *scope, check_t *check, const target_t *all, size_t n) {
  waiting_t *list = sort_targets(check->settings, all, n);
  const target_t **targets = calloc(n + 1, sizeof *targets);
  weir_chan_t **lanes = calloc(n + 1, sizeof(weir_chan_t *));
  weir_chan_t *results = NULL;

  if (list && targets && lanes)
    results = weir_pipe_fan_in(scope, lanes, build_lanes(scope, check, list, n, targets, lanes));
  free(lanes);
  free(targets);
  free(list);
  return results;
}

/* the check */

static void check_free(void *value) {
  check_t *check = value;

  weir_sem_free(check->permits);
  weir_ctx_unref(check->ctx);
  free(check);
}

static check_t *check_new(weir_ctx_t *ctx, const settings_t *settings) {
  check_t *check = calloc(1, sizeof *check);

  if (!check) return NULL;
  check->ctx = weir_ctx_ref(ctx);
  check->settings = settings;
  check->permits = weir_sem_new(weir_ctx_loop(ctx), settings->concurrency);
  if (check->permits) return check;
  check_free(check);
  return NULL;
}

weir_chan_t *check_status(weir_ctx_t *ctx, const settings_t *settings, const target_t *targets,
                          size_t n) {
  static const char key;
  check_t *check = check_new(ctx, settings);
  weir_ctx_t *background = weir_loop_background(weir_ctx_loop(ctx));
  weir_ctx_t *scope = check ? weir_ctx_with_value(background, &key, check, check_free) : NULL;
  weir_chan_t *results;

  if (!scope) {
    if (check) check_free(check);
    return NULL;
  }
  results = fan_in_lanes(scope, check, targets, n);
  weir_ctx_unref(scope);
  return results;
}
