/*
 * TLS as a wire over a wire, with OpenSSL. A build without it has these functions, too, but no
 * TLS.
 */
#ifndef STATUS_CHECK_TLS_H
#define STATUS_CHECK_TLS_H

#include "wire.h"

/* Whom to trust. */
typedef struct tls_s tls_t;

/*
 *   ca_file   certificates in PEM that are trusted instead of the system's; NULL: the system's.
 *   insecure  trusts everybody.
 *
 * Returns NULL and sets `*tls`, to be freed with tls_free(); or what is wrong in words, and `*tls`
 * is NULL. Without OpenSSL it gives NULL and no tls.
 */
const char *tls_new(tls_t **tls, const char *ca_file, bool insecure);

/*
 * Reads the system's certificates, which takes tens of milliseconds: what the first handshake would
 * do otherwise, while others wait. NULL is fine.
 */
void tls_prepare(tls_t *tls);

/* NULL is fine. */
void tls_free(tls_t *tls);

/* A wire, or what went wrong with the handshake. */
typedef struct secured_s {
  wire_t wire;        /* the receiver's, for wire_close() */
  const char *wrong;  /* static; NULL: nothing */
  bool is_distrusted; /* what is wrong is the certificate */
} secured_t;

/*
 * Shakes hands over a wire, as the client.
 *
 *   ctx    its end closes both wires.
 *   tls    valid until then.
 *   below  is the TLS wire's from now on, also on failure.
 *   host   the name, or the address in figures, that the certificate is to have; copied.
 *
 * Returns a channel of one secured_t. It closes with the error of `ctx`. NULL for want of memory.
 * The reference is the caller's. A wire that ends without the peer's having said so (close_notify)
 * ends with UV_ECONNABORTED: something may be missing.
 */
weir_chan_t *tls_secure(weir_ctx_t *ctx, tls_t *tls, wire_t *below, const char *host);

#endif
