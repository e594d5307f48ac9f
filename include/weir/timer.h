/*
 * Timers as channels (Go: time.After, time.Tick), never early by uv_hrtime.
 *
 * A timer runs, and keeps the uv loop alive, while its channel is referenced and open. Each
 * function returns the channel with one reference for the caller, or NULL for want of memory or
 * when the loop is closing.
 */
#ifndef WEIR_TIMER_H
#define WEIR_TIMER_H

#include <weir/chan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A channel of pure signals that carries none and closes after `ms` milliseconds. */
WEIR_EXTERN weir_chan_t *weir_timer_sig(weir_loop_t *loop, uint64_t ms);

/*
 * A channel of uint64_t that receives the time (weir_now) once, after `ms` milliseconds, and stays
 * open.
 */
WEIR_EXTERN weir_chan_t *weir_timer_after(weir_loop_t *loop, uint64_t ms);

/*
 * A channel of uint64_t that receives the time (weir_now) every `ms` milliseconds; a slow receiver
 * misses ticks. NULL for ms = 0.
 */
WEIR_EXTERN weir_chan_t *weir_timer_tick(weir_loop_t *loop, uint64_t ms);

#ifdef __cplusplus
}
#endif

#endif
