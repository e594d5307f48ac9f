/* A host's addresses. */
#ifndef STATUS_CHECK_RESOLVE_H
#define STATUS_CHECK_RESOLVE_H

#include <weir.h>

/*
 * Looks a host up; an address in figures costs no lookup.
 *
 *   ctx   its end ends the lookup.
 *   host  a name or an address, IPv6 without brackets; copied.
 *
 * Returns a channel of one struct addrinfo *, which is the receiver's (uv_freeaddrinfo), in the
 * order in which to try them. It closes with what went wrong. NULL for want of memory. The
 * reference is the caller's.
 */
weir_chan_t *resolve(weir_ctx_t *ctx, const char *host, unsigned port);

#endif
