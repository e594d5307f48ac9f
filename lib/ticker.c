/*
 * Timers as channels. The timer lives beside its channel and ends with it: a watch on the channel,
 * which its last unref closes, stops and frees the timer. The timer itself holds no reference.
 */
#include <weir/timer.h>

#include "chan.h"
#include "mem.h"
#include "timer.h"

typedef struct ticker_s {
  weir__timer_t timer;
  weir__watch_t watch;
  weir_chan_t *chan;
  uint64_t period; /* nanoseconds */
} ticker_t;

static void on_close(weir__watch_t *watch, weir__posts_t *posts) {
  ticker_t *ticker = WEIR__CONTAINER(watch, ticker_t, watch);

  (void)posts; /* the channel is local */
  weir__timer_stop(ticker->chan->loop, &ticker->timer);
  weir__free(ticker);
}

static void fire_sig(weir__timer_t *timer) {
  weir_chan_close(WEIR__CONTAINER(timer, ticker_t, timer)->chan);
}

static void send_time(weir_chan_t *ch) {
  uint64_t now = weir_now(ch->loop);

  weir_chan_try_send(ch, &now);
}

static void fire_after(weir__timer_t *timer) {
  ticker_t *ticker = WEIR__CONTAINER(timer, ticker_t, timer);

  send_time(ticker->chan);
  weir__unlink(&ticker->watch.link);
  weir__free(ticker);
}

/* Ticks that have passed while the loop was busy are missed, so that the beat stays. */
static void fire_tick(weir__timer_t *timer) {
  ticker_t *ticker = WEIR__CONTAINER(timer, ticker_t, timer);
  weir_loop_t *loop = ticker->chan->loop;
  uint64_t late = weir__clock(loop) - timer->deadline;
  uint64_t last = timer->deadline + late / ticker->period * ticker->period;

  weir__timer_start(loop, timer,
                    ticker->period > UINT64_MAX - last ? WEIR__NEVER : last + ticker->period);
  send_time(ticker->chan);
}

static weir_chan_t *new_timer(weir_loop_t *loop, const weir_type_t *type, uint64_t ms,
                              void (*fire)(weir__timer_t *timer)) {
  ticker_t *ticker;

  if (!loop || loop->closing || !(ticker = weir__malloc(sizeof(*ticker)))) return NULL;
  *ticker = (ticker_t){.timer.fire = fire, .watch.fire = on_close};
  ticker->chan = weir_chan_new(loop, type, type->size > 0);
  if (!ticker->chan) {
    weir__free(ticker);
    return NULL;
  }
  ticker->period = weir__nanoseconds(ms);
  weir__chan_watch(ticker->chan, &ticker->watch);
  weir__timer_start(loop, &ticker->timer, weir__after(weir__clock(loop), ms));
  return ticker->chan;
}

weir_chan_t *weir_timer_sig(weir_loop_t *loop, uint64_t ms) {
  static const weir_type_t type = {.name = "sig"};

  return new_timer(loop, &type, ms, fire_sig);
}

weir_chan_t *weir_timer_after(weir_loop_t *loop, uint64_t ms) {
  static const weir_type_t type = {.size = sizeof(uint64_t), .name = "after"};

  return new_timer(loop, &type, ms, fire_after);
}

weir_chan_t *weir_timer_tick(weir_loop_t *loop, uint64_t ms) {
  static const weir_type_t type = {.size = sizeof(uint64_t), .name = "tick"};

  return ms > 0 ? new_timer(loop, &type, ms, fire_tick) : NULL;
}
