/*
 * The layers, one after the other; each is a channel that one value comes out of:
 *
 *   look_up    resolve()      the host's addresses       -> on_found
 *   join       connect_any()  a TCP connection           -> on_connected
 *   secure     tls_secure()   a TLS wire, for https      -> on_secured
 *   ask        exchange()     the answer                 -> on_answered
 *   finish     puts the reply on the channel, and hangs up
 *
 * They run under `ctx`, and all of them end when that does. The fetch itself waits for what they
 * say of it under the background context: so it has nothing to clean up behind them.
 */
#include "fetch.h"

#include "connect.h"
#include "exchange.h"
#include "http.h"
#include "resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fetch_s {
  weir_op_t op;
  weir_ctx_t *ctx;
  const settings_t *settings;
  char *text; /* what `url` points into */
  url_t url;
  bool is_at_home;
  weir_chan_t *layer; /* that is waited for */
  const char *doing;
  uint64_t since; /* when the layer was started */
  struct addrinfo *addresses;
  uv_tcp_t *tcp;
  wire_t wire;
  secured_t secured;
  answer_t answer;
  reply_t reply;
  weir_chan_t *out;
} fetch_t;

static void reply_drop(void *value) {
  free(((reply_t *)value)->location);
}

static void finish(fetch_t *f) {
  if (weir_chan_try_send(f->out, &f->reply)) reply_drop(&f->reply); /* there is room for one */
  weir_chan_close(f->out);
  weir_chan_unref(f->out);
  wire_close(&f->wire);
  uv_freeaddrinfo(f->addresses);
  weir_ctx_cancel(f->ctx);
  weir_ctx_unref(f->ctx);
  free(f->text);
  free(f);
}

/* When the context has ended, that is the error, whatever a layer says of it. */
static void fail(fetch_t *f, check_error_t error) {
  if (weir_ctx_err(f->ctx)) error = error_of_ctx(f->ctx, f->doing);
  f->reply.error = error;
  finish(f);
}

/* Waits for what comes out of a layer. */
static void await(fetch_t *f, weir_chan_t *layer, void *value, weir_op_cb cb) {
  f->layer = layer;
  if (!layer || weir_chan_recv(&f->op, layer, value, cb)) {
    weir_chan_unref(layer);
    fail(f, (check_error_t){.kind = FAILURE_NO_MEMORY});
  }
}

static void begin(fetch_t *f, const char *doing) {
  f->doing = doing;
  f->since = uv_hrtime();
}

/* Notes how long the layer has taken, if it has done what it is for. */
static void leave_layer(fetch_t *f, uint64_t *time, bool is_done) {
  weir_chan_unref(f->layer);
  if (is_done) *time = uv_hrtime() - f->since;
}

/* HTTP */

static void on_answered(weir_op_t *op, int status) {
  fetch_t *f = op->data;
  response_t *response = &f->reply.response;

  weir_chan_unref(f->layer);
  if (status) {
    fail(f, (check_error_t){.kind = FAILURE_CANCELLED});
    return;
  }
  f->reply.error = f->answer.error;
  f->reply.location = f->answer.location;
  if (f->answer.first_byte) f->reply.times.first_byte = f->answer.first_byte - f->since;
  response->status = f->answer.status;
  response->bytes = f->answer.bytes;
  memcpy(response->reason, f->answer.reason, sizeof response->reason);
  finish(f);
}

static void ask(fetch_t *f) {
  char *request = http_request(f->settings, &f->url, f->is_at_home);
  weir_chan_t *answers = request ? exchange(f->ctx, &f->wire, request, f->settings) : NULL;

  begin(f, "waiting for an answer");
  await(f, answers, &f->answer, on_answered);
}

/* TLS */

static void on_secured(weir_op_t *op, int status) {
  fetch_t *f = op->data;
  bool is_distrusted = f->secured.is_distrusted;

  leave_layer(f, &f->reply.times.tls, !status && !f->secured.wrong);
  if (status) {
    fail(f, (check_error_t){.kind = FAILURE_TLS, .detail = uv_strerror(status)});
  } else if (f->secured.wrong) {
    fail(f, (check_error_t){.kind = is_distrusted ? FAILURE_CERTIFICATE : FAILURE_TLS,
                            .detail = f->secured.wrong});
  } else {
    f->wire = f->secured.wire;
    ask(f);
  }
}

static void secure(fetch_t *f) {
  begin(f, "in the TLS handshake");
  await(f, tls_secure(f->ctx, f->settings->tls, &f->wire, f->url.host), &f->secured, on_secured);
}

/* TCP */

static void name_remote(const uv_tcp_t *tcp, char *remote) {
  struct sockaddr_storage address;
  int size = sizeof address;
  char ip[INET6_ADDRSTRLEN];
  bool is_ipv6;

  if (uv_tcp_getpeername(tcp, (struct sockaddr *)&address, &size)) return;
  is_ipv6 = address.ss_family == AF_INET6;
  uv_ip_name((struct sockaddr *)&address, ip, sizeof ip);
  snprintf(remote, REMOTE_MAX + 1, is_ipv6 ? "[%s]:%u" : "%s:%u", ip,
           ntohs(is_ipv6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                         : ((struct sockaddr_in *)&address)->sin_port));
}

static void on_connected(weir_op_t *op, int status) {
  fetch_t *f = op->data;

  leave_layer(f, &f->reply.times.connect, !status);
  if (status == UV_ETIMEDOUT) {
    fail(f, (check_error_t){.kind = FAILURE_TIMED_OUT, .detail = f->doing});
    return;
  }
  if (status) {
    fail(f, (check_error_t){.kind = FAILURE_CONNECT, .code = status});
    return;
  }
  name_remote(f->tcp, f->reply.response.remote);
  if (f->url.is_https) uv_tcp_nodelay(f->tcp, 1); /* the request goes behind the handshake's end */
  if (wire_open(&f->wire, f->ctx, f->tcp))
    fail(f, (check_error_t){.kind = FAILURE_NO_MEMORY});
  else if (f->url.is_https)
    secure(f);
  else
    ask(f);
}

static void join(fetch_t *f) {
  begin(f, "connecting");
  await(f, connect_any(f->ctx, f->addresses, f->settings->connect_timeout_ms), &f->tcp,
        on_connected);
}

/* the name */

/* For which nobody is asked. */
static bool is_address(const char *host) {
  unsigned char address[16];

  return uv_inet_pton(AF_INET, host, address) == 0 || uv_inet_pton(AF_INET6, host, address) == 0;
}

static void on_found(weir_op_t *op, int status) {
  fetch_t *f = op->data;

  leave_layer(f, &f->reply.times.dns, !status && !is_address(f->url.host));
  if (status)
    fail(f, (check_error_t){.kind = FAILURE_RESOLVE, .code = status});
  else
    join(f);
}

static void look_up(fetch_t *f) {
  begin(f, "looking up the host");
  await(f, resolve(f->ctx, f->url.host, f->url.port), &f->addresses, on_found);
}

static void start(fetch_t *f) {
  const char *wrong = f->text ? url_parse(&f->url, f->text) : NULL;

  if (!f->text)
    fail(f, (check_error_t){.kind = FAILURE_NO_MEMORY});
  else if (wrong)
    fail(f, (check_error_t){.kind = FAILURE_BAD_URL, .detail = wrong});
  else if (f->url.is_https && !f->settings->tls)
    fail(f, (check_error_t){.kind = FAILURE_NO_TLS});
  else
    look_up(f);
}

weir_chan_t *fetch(weir_ctx_t *ctx, const settings_t *settings, const char *url, bool is_at_home) {
  weir_loop_t *loop = weir_ctx_loop(ctx);
  weir_chan_t *out = weir_chan_new(loop, WEIR_TYPE_OWNED(reply_t, reply_drop, NULL), 1);
  fetch_t *f = out ? calloc(1, sizeof *f) : NULL;

  if (f) f->ctx = weir_ctx_with_cancel(ctx);
  if (!f || !f->ctx) {
    weir_chan_unref(out);
    free(f);
    return NULL;
  }
  f->out = weir_chan_ref(out);
  f->settings = settings;
  f->is_at_home = is_at_home;
  f->text = malloc(strlen(url) + 1);
  if (f->text) strcpy(f->text, url);
  f->op.data = f;
  weir_op_init(&f->op, weir_loop_background(loop));
  start(f);
  return out;
}
