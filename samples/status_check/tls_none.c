/* A build without OpenSSL: nobody gets a tls_t, so that nobody can ask for a wire. */
#include "tls.h"

const char *tls_new(tls_t **tls, const char *ca_file, bool insecure) {
  (void)ca_file;
  (void)insecure;
  *tls = NULL;
  return NULL;
}

void tls_prepare(tls_t *tls) {
  (void)tls;
}

void tls_free(tls_t *tls) {
  (void)tls;
}

weir_chan_t *tls_secure(weir_ctx_t *ctx, tls_t *tls, wire_t *below, const char *host) {
  (void)ctx;
  (void)tls;
  (void)host;
  wire_close(below);
  return NULL;
}
