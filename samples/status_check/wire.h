/*
 * A wire: a connection as two channels of chunks. What writes and reads it does not see what is
 * below: TCP, or TLS on another wire.
 */
#ifndef STATUS_CHECK_WIRE_H
#define STATUS_CHECK_WIRE_H

#include <weir.h>

typedef struct wire_s {
  weir_chan_t *in;  /* what the peer says; closes with UV_EOF, or an error */
  weir_chan_t *out; /* what is said to it; UV_EPIPE when it does not listen any more */
} wire_t;

/* The type of both channels: weir_chunk_t, whose memory is that of malloc(). */
extern const weir_type_t chunk_type;

/*
 * A TCP connection as a wire.
 *
 *   ctx  its end closes the connection.
 *   tcp  connected, and from malloc(); it is the wire's from now on, also on failure.
 *
 * Returns 0 or UV_ENOMEM. The wire is the caller's, for wire_close().
 */
int wire_open(wire_t *wire, weir_ctx_t *ctx, uv_tcp_t *tcp);

/* Hangs up: what has not been written is lost. A wire of NULLs is fine. */
void wire_close(wire_t *wire);

#endif
