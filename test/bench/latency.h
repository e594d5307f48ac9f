/* Round trips over TCP: an echo server on this thread's loop, its client on another thread. */
#ifndef WEIR_BENCH_LATENCY_H
#define WEIR_BENCH_LATENCY_H

#include "trips.h"

/* What a server begins with. */
typedef struct latency_s {
  int port; /* the server's: set before it calls bench_meet, and listens from then on */
  trips_t trips;
} latency_t;

/* Of which every one is echoed alone. */
enum { MESSAGE_BYTES = 64 };

/* Binds a listener to a free port of 127.0.0.1; returns the port. */
int latency_bind(uv_tcp_t *listener);

/*
 * Runs `serve` with `server`, and beside it its client, which makes one connection, sends a
 * message, waits for all of it to come back, compares, sends the next, and ends the connection.
 * Notes figures.
 */
void latency_measure(const bench_t *bench, bench_part serve, latency_t *server,
                     trips_figures_t figures);

#endif
