/* Timers: one uv_timer over a heap. */
#ifndef WEIR_LIB_TIMER_H
#define WEIR_LIB_TIMER_H

#include "heap.h"
#include "loop.h"

#define WEIR__NEVER UINT64_MAX

enum { WEIR__NS_PER_MS = 1000000 };

/* Sets up the timers of a loop. */
void weir__timers_init(weir_loop_t *loop);

/* Fires none of the timers any more. */
void weir__timers_discard(weir_loop_t *loop);

/* The clock, in nanoseconds. */
uint64_t weir__clock(const weir_loop_t *loop);

/* The time `ms` milliseconds after `now`; WEIR__NEVER if it has no number. */
uint64_t weir__after(uint64_t now, uint64_t ms);

/* A time in milliseconds as one in nanoseconds; WEIR__NEVER if it has no number. */
uint64_t weir__nanoseconds(uint64_t ms);

/* Starts an inactive timer whose `fire` is set; it is inactive again when it fires. */
void weir__timer_start(weir_loop_t *loop, weir__timer_t *timer, uint64_t deadline);

/* Stops a timer; an inactive one too. */
void weir__timer_stop(weir_loop_t *loop, weir__timer_t *timer);

#endif
