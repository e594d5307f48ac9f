#include "resolve.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct resolver_s {
  weir_op_t op;
  weir_chan_t *out;
  struct addrinfo *addresses;
} resolver_t;

static void addresses_drop(void *value) {
  uv_freeaddrinfo(*(struct addrinfo **)value);
}

/* The channel has room for it. */
static void tell(weir_chan_t *out, struct addrinfo *addresses, int status) {
  if (status == 0 && weir_chan_try_send(out, &addresses)) uv_freeaddrinfo(addresses);
  weir_chan_close_with(out, status ? status : UV_EOF);
}

static void on_found(weir_op_t *op, int status) {
  resolver_t *resolver = op->data;

  tell(resolver->out, resolver->addresses, status);
  weir_chan_unref(resolver->out);
  free(resolver);
}

static int look_up(weir_ctx_t *ctx, const char *host, const char *port, weir_chan_t *out) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
  resolver_t *resolver = calloc(1, sizeof *resolver);
  int err;

  if (!resolver) return UV_ENOMEM;
  resolver->out = weir_chan_ref(out);
  resolver->op.data = resolver;
  weir_op_init(&resolver->op, ctx);
  err = weir_uv_getaddrinfo(&resolver->op, host, port, &hints, &resolver->addresses, on_found);
  if (!err) return 0;
  weir_chan_unref(out);
  free(resolver);
  return err;
}

/* Asks nobody, and so at once: no thread need be woken for it. */
static bool read_figures(const char *host, const char *port, struct addrinfo **addresses) {
  const struct addrinfo hints = {
      .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC, .ai_flags = AI_NUMERICHOST};

  return getaddrinfo(host, port, &hints, addresses) == 0;
}

weir_chan_t *resolve(weir_ctx_t *ctx, const char *host, unsigned port) {
  weir_chan_t *out = weir_chan_new(weir_ctx_loop(ctx),
                                   WEIR_TYPE_OWNED(struct addrinfo *, addresses_drop, NULL), 1);
  struct addrinfo *addresses;
  char service[8];
  int err;

  if (!out) return NULL;
  snprintf(service, sizeof service, "%u", port);
  if (read_figures(host, service, &addresses)) {
    tell(out, addresses, 0);
  } else {
    err = look_up(ctx, host, service, out);
    if (err) tell(out, NULL, err);
  }
  return out;
}
