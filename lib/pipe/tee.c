/*
 * weir_pipe_tee. Two branches, each with an output and a context for it, below the tee's: when
 * nobody can receive there any more it is cancelled, and a wait tells so, also while nothing is
 * being sent.
 *
 *   1. receive  One value.
 *   2. offer    One open branch gets it, the other one a copy. Both are sent at once.
 *   3. next     When both sends have completed. A branch whose send has failed is closed.
 *
 * The end closes what is open and cancels the tee's context, with which the waits complete. The
 * last one frees the tee.
 */
#include "../mem.h"
#include "../watch.h"
#include "chans.h"
#include "stage.h"

enum { BRANCHES = 2 };

typedef struct tee_s tee_t;

typedef struct branch_s {
  tee_t *tee;
  weir_ctx_t *ctx;
  weir_chan_t *out; /* NULL once it is closed */
  weir_op_t send, wait;
  void *value; /* being sent */
} branch_t;

struct tee_s {
  weir_ctx_t *ctx;
  weir_chan_t *in;
  weir_op_t receive;
  branch_t branches[BRANCHES];
  int sending, waiting;
  bool has_ended;
  void *values[BRANCHES];
};

static const weir_type_t *type_of(const tee_t *tee) {
  return weir_chan_type(tee->in);
}

static void close_branch(branch_t *branch, int status) {
  weir_chan_t *out = branch->out;

  branch->out = NULL;
  weir_chan_close_with(out, status);
  weir_chan_unref(out);
}

static void tee_free(tee_t *tee) {
  for (int i = 0; i < BRANCHES; i++) {
    close_branch(&tee->branches[i], UV_ECANCELED);
    weir_ctx_unref(tee->branches[i].ctx);
  }
  weir_chan_unref(tee->in);
  weir_ctx_unref(tee->ctx);
  weir__free(tee);
}

static void end(tee_t *tee, int status) {
  weir_chan_t *in = tee->in;

  for (int i = 0; i < BRANCHES; i++) close_branch(&tee->branches[i], status);
  tee->in = NULL;
  weir_chan_unref(in);
  tee->has_ended = true;
  weir_ctx_cancel(tee->ctx);
  if (tee->waiting == 0) tee_free(tee);
}

static bool is_open(const tee_t *tee) {
  return tee->branches[0].out || tee->branches[1].out;
}

static void on_wait(weir_op_t *op, int status) {
  branch_t *branch = op->data;
  tee_t *tee = branch->tee;

  (void)status;
  tee->waiting--;
  if (tee->has_ended) {
    if (tee->waiting == 0) tee_free(tee);
    return;
  }
  close_branch(branch, weir_ctx_err(branch->ctx));
  if (!is_open(tee)) weir_op_cancel(&tee->receive); /* if a value is being sent, that comes first */
}

static void on_received(weir_op_t *op, int status);

static int receive(tee_t *tee) {
  return weir_chan_recv(&tee->receive, tee->in, tee->values[1], on_received);
}

static void next(tee_t *tee) {
  int err = is_open(tee) ? receive(tee) : UV_ECANCELED;

  if (err) end(tee, err);
}

static void on_sent(weir_op_t *op, int status) {
  branch_t *branch = op->data;
  tee_t *tee = branch->tee;

  if (status) {
    weir__values_drop(type_of(tee), branch->value, 1);
    close_branch(branch, status);
  }
  if (--tee->sending == 0) next(tee);
}

static void start_send(branch_t *branch) {
  int err = weir_chan_send(&branch->send, branch->out, branch->value, on_sent);

  if (err) on_sent(&branch->send, err);
}

/* Those whose waits have happened, and have not told yet. */
static void close_dropped(tee_t *tee) {
  for (int i = 0; i < BRANCHES; i++) {
    int err = weir_ctx_err(tee->branches[i].ctx);
    if (err) close_branch(&tee->branches[i], err);
  }
}

/* The value is in the second room: 0, or there is nobody to offer it to, or why it can't
 * be copied. */
static int prepare(tee_t *tee) {
  branch_t *first = &tee->branches[0], *second = &tee->branches[1];

  close_dropped(tee);
  if (!is_open(tee)) return UV_ECANCELED;
  first->value = second->value = tee->values[1];
  if (!first->out || !second->out) return 0;
  first->value = tee->values[0];
  return weir__value_copy(type_of(tee), first->value, second->value);
}

static void offer(tee_t *tee) {
  bool gets_it[BRANCHES];

  for (int i = 0; i < BRANCHES; i++) {
    gets_it[i] = tee->branches[i].out;
    tee->sending += gets_it[i];
  }
  for (int i = 0; i < BRANCHES; i++)
    if (gets_it[i]) start_send(&tee->branches[i]);
}

static void on_received(weir_op_t *op, int status) {
  tee_t *tee = op->data;
  int err = status ? status : prepare(tee);

  if (!status && err) weir__values_drop(type_of(tee), tee->values[1], 1);
  if (err)
    end(tee, err);
  else
    offer(tee);
}

/* building */

static int open_branch(tee_t *tee, branch_t *branch, const weir_type_t *type, weir_chan_t **out) {
  int err = weir__output_open(tee->ctx, type, 0, &branch->ctx, &branch->out);

  if (err) return err;
  branch->tee = tee;
  weir_op_init_at(&branch->send, branch->ctx, "weir_pipe_tee");
  weir_op_init_at(&branch->wait, tee->ctx, "weir_pipe_tee");
  branch->send.data = branch->wait.data = branch;
  *out = branch->out;
  return 0;
}

/* On failure the outputs are those that are open, or NULL. */
static int open_branches(tee_t *tee, const weir_type_t *type, weir_chan_t *out[2]) {
  int err = 0;

  for (int i = 0; i < BRANCHES && !err; i++)
    err = open_branch(tee, &tee->branches[i], type, &out[i]);
  if (err) return err;
  weir_op_init_at(&tee->receive, tee->ctx, "weir_pipe_tee");
  tee->receive.data = tee;
  return receive(tee);
}

static tee_t *tee_new(weir_ctx_t *ctx, weir_chan_t *in) {
  const weir_type_t *type = weir_chan_type(in);
  size_t first = sizeof(tee_t), second = weir__room(first, type, 1);
  size_t size = weir__room(second, type, 1);
  tee_t *tee = size > 0 ? weir__calloc(1, size) : NULL;

  if (!tee) return NULL;
  tee->ctx = weir_ctx_with_cancel(ctx);
  tee->in = in;
  tee->values[0] = weir__room_at(tee, first);
  tee->values[1] = weir__room_at(tee, second);
  if (tee->ctx) return tee;
  weir__free(tee);
  return NULL;
}

static void start_waits(tee_t *tee) {
  tee->waiting = BRANCHES;
  for (int i = 0; i < BRANCHES; i++)
    weir__ctx_watch(&tee->branches[i].wait, tee->branches[i].ctx, on_wait);
}

static int build(weir_ctx_t *ctx, weir_chan_t *in, weir_chan_t *out[2]) {
  tee_t *tee = tee_new(ctx, in);
  int err;

  if (!tee) {
    weir_chan_unref(in);
    return UV_ENOMEM;
  }
  err = open_branches(tee, weir_chan_type(in), out);
  if (!err) {
    start_waits(tee);
    return 0;
  }
  tee_free(tee);
  for (int i = 0; i < BRANCHES; i++) {
    weir_chan_unref(out[i]);
    out[i] = NULL;
  }
  return err;
}

int weir_pipe_tee(weir_ctx_t *ctx, weir_chan_t *in, weir_chan_t *out[2]) {
  if (out) out[0] = out[1] = NULL;
  if (out && weir__chan_is_input(ctx, in) && weir__is_copyable(weir_chan_type(in)))
    return build(ctx, in, out);
  weir_chan_unref(in);
  return UV_EINVAL;
}
