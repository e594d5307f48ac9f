#ifndef WEIR_TEST_WAITING_H
#define WEIR_TEST_WAITING_H

#include <weir.h>

/* How many operations and blocked threads wait in a shared channel's queues: the library's view. */
size_t waiting_on(weir_chan_t *ch);

#endif
