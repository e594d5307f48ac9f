/*
 * weir_uv_getaddrinfo. A lookup that is cancelled is detached: it is freed when libuv reports,
 * which it does also of one that it could take back.
 */
#include <weir/uv.h>

#include "../mem.h"
#include "../op.h"

typedef struct lookup_s {
  uv_getaddrinfo_t req; /* first, so that its callback finds the lookup */
  weir_loop_t *loop;
  weir_op_t *op; /* NULL: detached */
  struct addrinfo **res;
} lookup_t;

static void complete(lookup_t *lookup, int status, struct addrinfo *res) {
  weir_op_t *op = lookup->op;

  if (status == 0) *lookup->res = res;
  op->u.wait.index = 0;
  weir__op_ready(op, status);
}

static void on_addresses(uv_getaddrinfo_t *req, int status, struct addrinfo *res) {
  lookup_t *lookup = (lookup_t *)req;

  weir__loop_adopt(lookup->loop);
  lookup->loop->requests--;
  if (lookup->op)
    complete(lookup, status, res);
  else
    uv_freeaddrinfo(res);
  weir__free(lookup);
}

static int unpark(weir_op_t *op) {
  lookup_t *lookup = op->u.wait.value;

  uv_cancel((uv_req_t *)&lookup->req);
  lookup->op = NULL;
  op->u.wait.index = 0;
  return 0;
}

static void describe(weir_op_t *op, FILE *out) {
  (void)op;
  fprintf(out, "of a name");
}

static const weir__kind_t kind = {.verb = "getaddrinfo", .unpark = unpark, .describe = describe};

static int look_up(lookup_t *lookup, const char *node, const char *service,
                   const struct addrinfo *hints) {
  weir_op_t *op = lookup->op;
  int err = uv_getaddrinfo(lookup->loop->uv, &lookup->req, on_addresses, node, service, hints);

  if (err) {
    weir__free(lookup);
    return err;
  }
  op->u.wait.value = lookup;
  lookup->loop->requests++;
  weir__op_park(op, &kind);
  return 0;
}

int weir_uv_getaddrinfo(weir_op_t *op, const char *node, const char *service,
                        const struct addrinfo *hints, struct addrinfo **res, weir_op_cb cb) {
  lookup_t *lookup;
  int started;

  if (!op || !op->ctx || (!node && !service) || !res) return UV_EINVAL;
  if (weir_op_pending(op)) return UV_EBUSY;
  lookup = weir__calloc(1, sizeof(*lookup));
  if (!lookup) return UV_ENOMEM;
  started = weir__op_start(op, cb);
  if (started) {
    weir__free(lookup);
    return weir__op_accepted(started);
  }
  lookup->loop = weir__scope(op)->loop;
  lookup->op = op;
  lookup->res = res;
  return look_up(lookup, node, service, hints);
}
