/* One direction: from one stream to another, as fast as the slower of them. */
#ifndef PUMP_PUMP_H
#define PUMP_PUMP_H

#include "server.h"

typedef struct pump_s pump_t;

/*
 * status 0: the source has ended, and the other has been told; or that takes no more. Otherwise the
 * source has failed, or the connection's context is cancelled.
 */
typedef void (*pump_cb)(pump_t *pump, int status);

struct pump_s {
  void *data; /* the caller's */
  connection_t *connection;
  uv_stream_t *to;
  weir_chan_t *chunks;
  weir_chunk_t chunk; /* in hand */
  weir_op_t op;       /* receives it, then writes it */
  pump_cb cb;
};

/* Starts to move bytes, under the connection's context. Always ends in the callback. */
void pump_start(pump_t *pump, connection_t *connection, uv_stream_t *from, uv_stream_t *to,
                pump_cb cb);

#endif
