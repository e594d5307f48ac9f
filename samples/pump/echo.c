/* Gives back what it gets, and its end. */
#include "pump.h"

typedef struct echo_s {
  connection_t connection; /* first */
  pump_t pump;
} echo_t;

static void on_end(pump_t *pump, int status) {
  (void)status;
  connection_end(pump->connection);
}

static void start(connection_t *c) {
  uv_stream_t *stream = (uv_stream_t *)c->tcp;

  pump_start(&((echo_t *)c)->pump, c, stream, stream, on_end);
}

const service_t echo = {sizeof(echo_t), start};
