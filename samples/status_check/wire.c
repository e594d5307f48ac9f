/*
 * The library reads the connection into `in`. `out` has a writer, which owns the handle: it writes
 * chunk after chunk, until `out` is closed or the context ends, and then closes the handle.
 *
 * A write that fails does not end it, for the peer may have answered before it stopped to listen:
 * the writer then drops what it gets, and the reader learns the rest.
 */
#include "wire.h"

#include <stdlib.h>

typedef struct writer_s {
  weir_op_t op;
  weir_chan_t *out;
  uv_tcp_t *tcp;
  weir_chunk_t chunk; /* in hand */
  bool is_deaf;       /* the peer */
} writer_t;

static void chunk_drop(void *value) {
  weir_chunk_free(value);
}

const weir_type_t chunk_type = {sizeof(weir_chunk_t), chunk_drop, NULL, "chunk"};

static void on_closed(weir_op_t *op, int status) {
  writer_t *writer = op->data;

  (void)status;
  weir_chan_unref(writer->out);
  free(writer->tcp);
  free(writer);
}

/* Refused only for a handle that is closed. */
static void hang_up(writer_t *writer) {
  weir_chunk_free(&writer->chunk);
  if (weir_uv_close(&writer->op, (uv_handle_t *)writer->tcp, on_closed)) on_closed(&writer->op, 0);
}

static void on_chunk(weir_op_t *op, int status);

static void take(writer_t *writer) {
  weir_chunk_free(&writer->chunk);
  if (weir_chan_recv(&writer->op, writer->out, &writer->chunk, on_chunk)) hang_up(writer);
}

static void on_written(weir_op_t *op, int status) {
  writer_t *writer = op->data;

  writer->is_deaf = status != 0;
  take(writer);
}

static void on_chunk(weir_op_t *op, int status) {
  writer_t *writer = op->data;
  uv_buf_t buf = uv_buf_init(writer->chunk.base, (unsigned)writer->chunk.len);

  if (status)
    hang_up(writer);
  else if (writer->is_deaf)
    take(writer);
  else if (weir_uv_write(op, (uv_stream_t *)writer->tcp, &buf, 1, on_written))
    on_written(op, UV_EPIPE);
}

static void on_lost(uv_handle_t *handle) {
  free(handle);
}

int wire_open(wire_t *wire, weir_ctx_t *ctx, uv_tcp_t *tcp) {
  writer_t *writer = calloc(1, sizeof *writer);

  wire->in = weir_uv_read(ctx, (uv_stream_t *)tcp, 1);
  wire->out = weir_chan_new(weir_ctx_loop(ctx), &chunk_type, 0);
  if (!writer || !wire->in || !wire->out) {
    free(writer);
    wire_close(wire);
    uv_close((uv_handle_t *)tcp, on_lost);
    return UV_ENOMEM;
  }
  writer->tcp = tcp;
  writer->out = weir_chan_ref(wire->out);
  writer->op.data = writer;
  weir_op_init(&writer->op, ctx);
  take(writer);
  return 0;
}

void wire_close(wire_t *wire) {
  weir_chan_close(wire->out);
  weir_chan_unref(wire->out);
  weir_chan_unref(wire->in);
  *wire = (wire_t){NULL, NULL};
}
