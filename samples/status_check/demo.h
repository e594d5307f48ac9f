/* Servers of our own that behave well and badly, and what a check should say of each. */
#ifndef STATUS_CHECK_DEMO_H
#define STATUS_CHECK_DEMO_H

#include "targets.h"

#include <uv.h>

typedef struct demo_s demo_t;

/*
 * Starts the servers on the loop, and adds their URLs to an empty list of targets.
 *
 * Returns 0 or a libuv code. To be ended with demo_stop(), after the targets were used.
 */
int demo_start(demo_t **demo, uv_loop_t *loop, targets_t *targets);

/* Compares a result with what was to be expected. */
void demo_compare(demo_t *demo, const targets_t *targets, const result_t *result);

/* Returns whether there was a result for each target, as expected; if so, says it on stdout. */
bool demo_succeeded(const demo_t *demo);

/* Stops the servers, which go while the loop runs. NULL is fine. */
void demo_stop(demo_t *demo);

#endif
