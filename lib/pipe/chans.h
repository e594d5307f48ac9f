/* Input channels. */
#ifndef WEIR_PIPE_CHANS_H
#define WEIR_PIPE_CHANS_H

#include <weir/chan.h>
#include <weir/ctx.h>

/* Whether a stage of the context may receive from a channel. */
static inline bool weir__chan_is_input(const weir_ctx_t *ctx, const weir_chan_t *ch) {
  weir_loop_t *loop = weir_chan_loop(ch);

  return ctx && ch && (!loop || loop == weir_ctx_loop(ctx));
}

static inline bool weir__chans_are_inputs(const weir_ctx_t *ctx, weir_chan_t *const *chans,
                                          size_t n) {
  if (!chans) return n == 0;
  for (size_t i = 0; i < n; i++)
    if (!weir__chan_is_input(ctx, chans[i])) return false;
  return true;
}

/* Lets go of those that are there. */
static inline void weir__chans_drop(weir_chan_t *const *chans, size_t n) {
  for (size_t i = 0; chans && i < n; i++) weir_chan_unref(chans[i]);
}

#endif
