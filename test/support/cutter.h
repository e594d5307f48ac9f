/*
 * A cutter cuts a stream off at a moment that is counted in completions, or in milliseconds and
 * completions after them: so a cut falls, one run after the other, between any two steps of what is
 * tested.
 */
#ifndef WEIR_TEST_CUTTER_H
#define WEIR_TEST_CUTTER_H

#include "pipes.h"

typedef struct cutter_s cutter_t;
struct cutter_s {
  weir_op_t op; /* first */
  /* what it cuts; the references are let go of in the cut */
  weir_ctx_t *ctx;
  weir_chan_t *in, *out;
  sink_t *sink;
  /* private */
  int sleeps, yields;
  void (*cut)(cutter_t *cutter);
};

typedef struct cut_s {
  const char *name;
  void (*cut)(cutter_t *cutter);
  int status;    /* how the output then ends */
  bool may_stop; /* .. unless nobody is there to see it */
  bool holds_input, holds_output;
} cut_t;

static inline void cut_cancel(cutter_t *cutter) {
  weir_ctx_cancel(cutter->ctx);
}

static inline void cut_abandon(cutter_t *cutter) {
  weir_range_stop(&cutter->sink->range); /* unless it has ended */
}

static inline void cut_close_output(cutter_t *cutter) {
  weir_chan_close_with(cutter->out, UV_EPROTO);
}

static inline void cut_close_input(cutter_t *cutter) {
  weir_chan_close_with(cutter->in, UV_EIO);
}

static inline void cut_all(cutter_t *cutter) {
  cut_cancel(cutter);
  cut_close_input(cutter);
  cut_abandon(cutter);
}

static const cut_t cuts[] = {
    {"cancel", cut_cancel, UV_ECANCELED, false, false, false},
    {"abandon", cut_abandon, UV_EOF, true, false, false},
    {"close the input", cut_close_input, UV_EIO, false, true, false},
    {"close the output", cut_close_output, UV_EPROTO, false, false, true},
    {"all", cut_all, UV_EOF, true, true, false},
};

enum { CUTS = sizeof(cuts) / sizeof(*cuts) };

static inline void cutter_go(weir_op_t *op, int status) {
  cutter_t *cutter = (cutter_t *)op;

  ck_assert_int_eq(status, 0);
  if (cutter->sleeps-- > 0) {
    ck_assert_int_eq(weir_sleep(op, 1, cutter_go), 0);
  } else if (cutter->yields-- > 0) {
    ck_assert_int_eq(weir_yield(op, cutter_go), 0);
  } else {
    cutter->cut(cutter);
    weir_chan_unref(cutter->in);
    weir_chan_unref(cutter->out);
  }
}

/* The channels are held for what needs them only: others may then see that nobody receives. */
static inline void cutter_hold(cutter_t *cutter, const cut_t *cut, weir_chan_t *in,
                               weir_chan_t *out) {
  if (in && cut->holds_input) cutter->in = weir_chan_ref(in);
  if (out && cut->holds_output) cutter->out = weir_chan_ref(out);
}

/* `when`: after so many completions; or, by the clock, a quarter of that in ms, and the rest. */
static inline void cutter_start(cutter_t *cutter, const cut_t *cut, int when, bool by_clock) {
  cutter->cut = cut->cut;
  cutter->sleeps = by_clock ? when / 4 : 0;
  cutter->yields = by_clock ? when % 4 : when;
  weir_op_init(&cutter->op, bg);
  ck_assert_int_eq(weir_yield(&cutter->op, cutter_go), 0);
}

/* Whether a sink has ended as it may: complete, with n values; or cut. */
static inline bool sink_is_cut(const sink_t *sink, const cut_t *cut, int n) {
  if (sink->ends == 0) return cut->may_stop;
  return sink->status == UV_EOF ? sink->count == n : sink->status == cut->status;
}

#endif
