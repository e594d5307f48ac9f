/* While a chunk is being written, the channel takes one more, then it stops the reading. */
#include "pump.h"

enum { CHUNKS_AHEAD = 1 };

static void end(pump_t *pump, int status) {
  weir_chunk_free(&pump->chunk);
  weir_chan_unref(pump->chunks); /* ends the reading */
  pump->cb(pump, status);
}

/* What the other side has still to say may come through, unless it is over for both. */
static void end_deaf(pump_t *pump) {
  end(pump, weir_ctx_err(pump->connection->ctx));
}

static void receive(pump_t *pump);

static void on_written(weir_op_t *op, int status) {
  pump_t *pump = op->data;

  connection_touch(pump->connection);
  weir_chunk_free(&pump->chunk);
  if (status)
    end_deaf(pump);
  else
    receive(pump);
}

static void on_shut_down(weir_op_t *op, int status) {
  (void)status;
  end_deaf(op->data);
}

static void on_chunk(weir_op_t *op, int status) {
  pump_t *pump = op->data;
  uv_buf_t buf = uv_buf_init(pump->chunk.base, (unsigned)pump->chunk.len);

  if (status && status != UV_EOF) {
    end(pump, status);
    return;
  }
  connection_touch(pump->connection);
  status = status == UV_EOF ? weir_uv_shutdown(op, pump->to, on_shut_down)
                            : weir_uv_write(op, pump->to, &buf, 1, on_written);
  if (status) end(pump, status);
}

static void receive(pump_t *pump) {
  int err = weir_chan_recv(&pump->op, pump->chunks, &pump->chunk, on_chunk);

  if (err) end(pump, err);
}

void pump_start(pump_t *pump, connection_t *connection, uv_stream_t *from, uv_stream_t *to,
                pump_cb cb) {
  pump->connection = connection;
  pump->to = to;
  pump->cb = cb;
  pump->op.data = pump;
  weir_op_init(&pump->op, connection->ctx);
  pump->chunks = weir_uv_read(connection->ctx, from, CHUNKS_AHEAD);
  if (pump->chunks)
    receive(pump);
  else
    end(pump, UV_ENOMEM);
}
