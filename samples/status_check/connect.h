/* A TCP connection to the first of a host's addresses that accepts. */
#ifndef STATUS_CHECK_CONNECT_H
#define STATUS_CHECK_CONNECT_H

#include <weir.h>

/*
 *   ctx         its end ends the attempt.
 *   addresses   tried in their order; read until the channel closes.
 *   timeout_ms  for each of them.
 *
 * Returns a channel of one uv_tcp_t *, which is the receiver's: to be closed, then freed with
 * free(). It closes with the error of the last address. NULL for want of memory. The reference is
 * the caller's.
 */
weir_chan_t *connect_any(weir_ctx_t *ctx, const struct addrinfo *addresses, uint64_t timeout_ms);

#endif
