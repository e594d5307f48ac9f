/*
 *   attempt   from the target's URL on                      -> go
 *   go        fetch() from where it is                      -> on_reply
 *   on_reply  a redirect: follow it, and go;
 *             what may pass: sleep, then the next attempt;  -> on_rested
 *             else finish
 *
 * A redirect is followed by a request of the same method: that is GET or HEAD.
 */
#include "visit.h"

#include "fetch.h"
#include "url.h"

#include <stdlib.h>
#include <string.h>

#define REST_MAX_MS 10000

typedef struct visit_s {
  weir_op_t op;
  weir_ctx_t *ctx; /* with the timeout */
  const settings_t *settings;
  uint64_t began;
  weir_chan_t *replies;
  reply_t reply;
  result_t *result;
  hop_t **last; /* where the next hop goes */
  const char *url;
  weir_chan_t *out;
} visit_t;

static void finish(visit_t *v) {
  result_t *result = v->result;

  result->times.total = uv_hrtime() - v->began;
  result->is_good =
      result->error.kind == FAILURE_NONE && settings_accept(v->settings, result->response.status);
  if (weir_chan_try_send(v->out, &result)) result_free(result); /* there is room for one */
  weir_chan_close(v->out);
  weir_chan_unref(v->out);
  weir_ctx_cancel(v->ctx); /* ends its deadline */
  weir_ctx_unref(v->ctx);
  free(v);
}

static void fail(visit_t *v, failure_t kind) {
  v->result->error = (check_error_t){.kind = kind};
  finish(v);
}

/* redirects */

static bool is_redirect(const visit_t *v) {
  unsigned status = v->reply.response.status;
  bool redirects =
      status == 301 || status == 302 || status == 303 || status == 307 || status == 308;

  return v->reply.error.kind == FAILURE_NONE && redirects && v->reply.location &&
         v->settings->redirects > 0 && !settings_name(v->settings, status);
}

static bool are_same(const char *a, const char *b) {
  url_t first, second;

  return !url_parse(&first, a) && !url_parse(&second, b) && url_same(&first, &second);
}

static bool has_been_at(const visit_t *v, const char *url) {
  if (are_same(v->result->target->url, url)) return true;
  for (const hop_t *hop = v->result->hops; hop; hop = hop->next)
    if (are_same(hop->url, url)) return true;
  return false;
}

static bool add_hop(visit_t *v, char *url) {
  hop_t *hop = malloc(sizeof *hop);

  if (!hop) return false;
  *hop = (hop_t){NULL, url};
  *v->last = hop;
  v->last = &hop->next;
  v->result->hop_count++;
  return true;
}

static void go(visit_t *v);

static void follow(visit_t *v) {
  char *url = url_join(v->url, v->reply.location);
  bool circles = url && has_been_at(v, url);

  free(v->reply.location);
  if (!url || !add_hop(v, url)) {
    free(url);
    fail(v, FAILURE_NO_MEMORY);
    return;
  }
  v->url = url;
  if (circles)
    fail(v, FAILURE_REDIRECT_LOOP);
  else if (v->result->hop_count > v->settings->redirects)
    fail(v, FAILURE_REDIRECTS);
  else
    go(v);
}

/* retries */

static bool may_pass(const visit_t *v) {
  unsigned status = v->reply.response.status;

  switch (v->reply.error.kind) {
  case FAILURE_NONE:
    if (settings_accept(v->settings, status)) return false;
    return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
  case FAILURE_TIMED_OUT: /* of an address: the check's own time is over in the next attempt, too */
  case FAILURE_RESOLVE:
  case FAILURE_CONNECT:
  case FAILURE_LOST:
  case FAILURE_EMPTY:
  case FAILURE_CUT_OFF:
    return true;
  default:
    return false;
  }
}

/* Doubles with each, and is cut by up to a half, lest all that have failed at once come back at
 * once. */
static uint64_t rest_ms(const visit_t *v) {
  uint64_t ms = v->settings->retry_delay_ms;
  uint64_t most = ms > REST_MAX_MS ? ms : REST_MAX_MS;

  for (unsigned i = 1; i < v->result->attempts && ms < most; i++) ms *= 2;
  if (ms > most) ms = most;
  return ms - (uint64_t)rand() % (ms / 2 + 1);
}

static void attempt(visit_t *v) {
  result_t *result = v->result;

  hops_free(result->hops);
  result->hops = NULL;
  result->hop_count = 0;
  v->last = &result->hops;
  v->url = result->target->url;
  result->attempts++;
  go(v);
}

static void on_rested(weir_op_t *op, int status) {
  visit_t *v = op->data;

  if (status == 0) {
    attempt(v);
    return;
  }
  v->result->error = error_of_ctx(v->ctx, "before a retry");
  finish(v);
}

static void rest(visit_t *v) {
  weir_op_init(&v->op, v->ctx);
  if (weir_sleep(&v->op, rest_ms(v), on_rested)) finish(v);
}

/* requests */

static void on_reply(weir_op_t *op, int status) {
  visit_t *v = op->data;

  weir_chan_unref(v->replies);
  if (status) {
    fail(v, FAILURE_CANCELLED); /* the loop closes */
    return;
  }
  v->result->error = v->reply.error;
  v->result->response = v->reply.response;
  v->result->times = v->reply.times;
  if (is_redirect(v)) {
    follow(v);
    return;
  }
  free(v->reply.location);
  if (v->result->attempts <= v->settings->retries && may_pass(v) && !weir_ctx_err(v->ctx))
    rest(v);
  else
    finish(v);
}

static bool is_at_home(const visit_t *v) {
  url_t home, here;

  return !url_parse(&home, v->result->target->url) && !url_parse(&here, v->url) &&
         url_same_origin(&home, &here);
}

static void go(visit_t *v) {
  v->replies = fetch(v->ctx, v->settings, v->url, is_at_home(v));
  weir_op_init(&v->op, weir_loop_background(weir_ctx_loop(v->ctx)));
  if (!v->replies || weir_chan_recv(&v->op, v->replies, &v->reply, on_reply)) {
    weir_chan_unref(v->replies);
    fail(v, FAILURE_NO_MEMORY);
  }
}

weir_chan_t *visit(weir_ctx_t *ctx, const settings_t *settings, const target_t *target) {
  weir_chan_t *out = weir_chan_new(weir_ctx_loop(ctx), &result_type, 1);
  visit_t *v = calloc(1, sizeof *v);
  result_t *result = calloc(1, sizeof *result);

  if (v) v->ctx = weir_ctx_with_timeout(ctx, target->timeout_ms);
  if (!out || !result || !v || !v->ctx) {
    weir_chan_unref(out);
    free(result);
    free(v);
    return NULL;
  }
  result->target = target;
  v->settings = settings;
  v->began = uv_hrtime();
  v->result = result;
  v->op.data = v;
  v->out = weir_chan_ref(out);
  attempt(v);
  return out;
}
