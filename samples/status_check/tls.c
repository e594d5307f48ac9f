/*
 * A session stands between two wires, `above` in plain text and `below` in records, and is one
 * select in a loop:
 *
 *   1. advance  OpenSSL shakes hands or opens a record, as far as it can with what has come
 *   2. seal     what it wants to say below becomes a chunk
 *   3. select   over the four ends; a case that has nothing to do is switched off by a NULL channel
 *   4. on_case  does what one case asks for, and goes round
 *
 * At most one chunk is in hand each way, and nothing is taken in before the last one has gone out:
 * a slow reader above stops the reading below.
 *
 * `ending` is set by what ends it: an error, the peer's close_notify, the caller's close. What
 * OpenSSL has still to say of it (an alert, our close_notify) goes out first.
 */
#include "tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct tls_s {
  SSL_CTX *ssl_ctx; /* NULL: not needed yet */
  bool is_insecure;
};

enum { TO_BELOW, FROM_BELOW, TO_ABOVE, FROM_ABOVE, CASES };
enum { RECORD_MAX = 16384 };

typedef struct session_s {
  weir_op_t op;
  weir_case_t cases[CASES];
  weir_ctx_t *ctx;
  SSL *ssl;
  wire_t below, above;
  weir_chan_t *out;            /* of the handshake's end; NULL once told */
  weir_chunk_t sealed, opened; /* to be sent */
  weir_chunk_t came;           /* just received */
  int below_end;               /* of what comes from below, or 0 */
  int ending;                  /* what the wire above will end with, or 0 */
} session_t;

/* trust */

static bool load(tls_t *tls, const char *ca_file) {
  SSL_CTX *ctx = tls->ssl_ctx = SSL_CTX_new(TLS_client_method());

  if (!ctx) return false;
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x08http/1.1", 9);
  if (tls->is_insecure) return true;
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  return ca_file ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL) == 1
                 : SSL_CTX_set_default_verify_paths(ctx) == 1;
}

const char *tls_new(tls_t **made, const char *ca_file, bool insecure) {
  tls_t *tls = *made = calloc(1, sizeof *tls);

  if (!tls) return "out of memory";
  tls->is_insecure = insecure;
  if (!ca_file || load(tls, ca_file)) return NULL;
  tls_free(tls);
  *made = NULL;
  return "no certificates in it";
}

static bool is_loaded(tls_t *tls) {
  return tls->ssl_ctx || load(tls, NULL);
}

void tls_prepare(tls_t *tls) {
  if (tls) is_loaded(tls);
}

void tls_free(tls_t *tls) {
  if (!tls) return;
  SSL_CTX_free(tls->ssl_ctx);
  free(tls);
}

/* the handshake's end */

static void secured_drop(void *value) {
  wire_close(&((secured_t *)value)->wire);
}

static void tell(session_t *s, const secured_t *secured, int status) {
  if (!s->out) return;
  if (secured) weir_chan_try_send(s->out, secured); /* there is room for one */
  weir_chan_close_with(s->out, status);
  weir_chan_unref(s->out);
  s->out = NULL;
}

static void tell_wire(session_t *s) {
  secured_t secured = {.wire = {weir_chan_ref(s->above.in), weir_chan_ref(s->above.out)}};

  tell(s, &secured, UV_EOF);
}

static void tell_failure(session_t *s) {
  secured_t secured = {.wrong = NULL};
  long verdict = SSL_get_verify_result(s->ssl);

  if (SSL_get_verify_mode(s->ssl) != SSL_VERIFY_NONE && verdict != X509_V_OK) {
    secured.is_distrusted = true;
    secured.wrong = X509_verify_cert_error_string(verdict);
  } else if (s->below_end) {
    secured.wrong = s->below_end == UV_EOF ? "connection closed" : uv_strerror(s->below_end);
  } else {
    secured.wrong = ERR_reason_error_string(ERR_peek_last_error());
  }
  if (!secured.wrong) secured.wrong = "protocol error";
  tell(s, &secured, UV_EOF);
}

/* OpenSSL: each returns 0 to go on, or what the wire ends with */

/* What a call that has not got what it wanted says of the session. */
static int ask_why(session_t *s, int result) {
  switch (SSL_get_error(s->ssl, result)) {
  case SSL_ERROR_WANT_READ:
    return s->below_end == UV_EOF ? UV_ECONNABORTED : s->below_end;
  case SSL_ERROR_ZERO_RETURN:
    return UV_EOF;
  default:
    return UV_EPROTO;
  }
}

static int shake_hands(session_t *s) {
  int result, why;

  ERR_clear_error();
  result = SSL_do_handshake(s->ssl);
  if (result == 1) {
    tell_wire(s);
    return 0;
  }
  why = ask_why(s, result);
  if (why) tell_failure(s);
  return why;
}

static int open_record(session_t *s) {
  char text[RECORD_MAX];
  int length;

  if (s->opened.base) return 0;
  ERR_clear_error();
  length = SSL_read(s->ssl, text, sizeof text);
  if (length <= 0) return ask_why(s, length);
  s->opened = (weir_chunk_t){malloc((size_t)length), (size_t)length};
  if (!s->opened.base) return UV_ENOMEM;
  memcpy(s->opened.base, text, (size_t)length);
  return 0;
}

static int advance(session_t *s) {
  int err = s->out ? shake_hands(s) : 0;

  return err || s->out ? err : open_record(s);
}

static int seal(session_t *s) {
  BIO *records = SSL_get_wbio(s->ssl);
  size_t length = BIO_ctrl_pending(records);

  if (s->sealed.base || length == 0) return 0;
  s->sealed = (weir_chunk_t){malloc(length), length};
  if (!s->sealed.base) return UV_ENOMEM;
  BIO_read(records, s->sealed.base, (int)length);
  return 0;
}

/* the select */

static void finish(session_t *s) {
  if (weir_ctx_err(s->ctx)) s->ending = weir_ctx_err(s->ctx);
  tell(s, NULL, s->ending);
  weir_chan_close_with(s->above.in, s->ending);
  wire_close(&s->above);
  wire_close(&s->below);
  weir_chunk_free(&s->sealed);
  weir_chunk_free(&s->opened);
  SSL_free(s->ssl);
  weir_ctx_unref(s->ctx);
  free(s);
}

static void on_case(weir_op_t *op, int status);

static void set_cases(session_t *s) {
  bool takes = !s->ending && !s->sealed.base;
  bool reads = !s->ending && !s->below_end && !s->opened.base;

  s->cases[TO_BELOW] = WEIR_SEND(s->sealed.base ? s->below.out : NULL, &s->sealed);
  s->cases[FROM_BELOW] = WEIR_RECV(reads ? s->below.in : NULL, &s->came);
  s->cases[TO_ABOVE] = WEIR_SEND(s->opened.base ? s->above.in : NULL, &s->opened);
  s->cases[FROM_ABOVE] = WEIR_RECV(takes && !s->out ? s->above.out : NULL, &s->came);
}

static void go_round(session_t *s) {
  if (!s->ending) s->ending = advance(s);
  if (seal(s)) s->ending = UV_ENOMEM;
  if (s->ending && !s->sealed.base) {
    finish(s);
    return;
  }
  set_cases(s);
  if (weir_select(&s->op, s->cases, CASES, on_case)) {
    s->ending = UV_ECANCELED;
    finish(s);
  }
}

static void sent_below(session_t *s, int status) {
  if (status) weir_chunk_free(&s->sealed); /* nobody listens: what comes from there says why */
  s->sealed.base = NULL;
}

static void came_from_below(session_t *s, int status) {
  s->below_end = status;
  if (status == 0) BIO_write(SSL_get_rbio(s->ssl), s->came.base, (int)s->came.len);
  weir_chunk_free(&s->came);
}

static void sent_above(session_t *s, int status) {
  if (status) {
    weir_chunk_free(&s->opened);
    s->ending = UV_ECANCELED;
  }
  s->opened.base = NULL;
}

static void came_from_above(session_t *s, int status) {
  ERR_clear_error();
  if (status) {
    SSL_shutdown(s->ssl);
    s->ending = UV_ECANCELED;
  } else if (s->came.len > 0 && SSL_write(s->ssl, s->came.base, (int)s->came.len) <= 0) {
    s->ending = UV_EPROTO;
  }
  weir_chunk_free(&s->came);
}

static void on_case(weir_op_t *op, int status) {
  static void (*const takers[])(session_t *, int) = {
      [TO_BELOW] = sent_below,
      [FROM_BELOW] = came_from_below,
      [TO_ABOVE] = sent_above,
      [FROM_ABOVE] = came_from_above,
  };
  session_t *s = op->data;
  bool is_over = weir_ctx_err(s->ctx) != 0;

  if (status == 0 || !is_over) takers[weir_op_index(op)](s, status);
  if (is_over)
    finish(s);
  else
    go_round(s);
}

/* setting up */

/* A certificate names a host without the dot that ends an absolute name. */
static bool expect_host(SSL *ssl, const char *host) {
  char name[256];
  size_t length = strlen(host);

  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host)) return true;
  if (length > 0 && host[length - 1] == '.') length--;
  if (length >= sizeof name) return false;
  memcpy(name, host, length);
  name[length] = '\0';
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, name) && SSL_set_tlsext_host_name(ssl, name);
}

static SSL *ssl_new(tls_t *tls, const char *host) {
  SSL *ssl = is_loaded(tls) ? SSL_new(tls->ssl_ctx) : NULL;
  BIO *from_peer = BIO_new(BIO_s_mem()), *to_peer = BIO_new(BIO_s_mem());

  if (ssl && from_peer && to_peer && expect_host(ssl, host)) {
    SSL_set_bio(ssl, from_peer, to_peer);
    SSL_set_connect_state(ssl);
    return ssl;
  }
  BIO_free(from_peer);
  BIO_free(to_peer);
  SSL_free(ssl);
  return NULL;
}

static session_t *session_new(weir_ctx_t *ctx, tls_t *tls, const char *host) {
  weir_loop_t *loop = weir_ctx_loop(ctx);
  session_t *s = calloc(1, sizeof *s);

  if (!s) return NULL;
  s->ctx = weir_ctx_ref(ctx);
  s->ssl = ssl_new(tls, host);
  s->out = weir_chan_new(loop, WEIR_TYPE_OWNED(secured_t, secured_drop, NULL), 1);
  s->above.in = weir_chan_new(loop, &chunk_type, 0);
  s->above.out = weir_chan_new(loop, &chunk_type, 0);
  s->op.data = s;
  weir_op_init(&s->op, ctx);
  s->ending = s->ssl && s->out && s->above.in && s->above.out ? 0 : UV_ENOMEM;
  return s;
}

weir_chan_t *tls_secure(weir_ctx_t *ctx, tls_t *tls, wire_t *below, const char *host) {
  session_t *s = session_new(ctx, tls, host);
  weir_chan_t *out;

  if (!s) {
    wire_close(below);
    return NULL;
  }
  s->below = *below;
  *below = (wire_t){NULL, NULL};
  if (s->ending) {
    finish(s);
    return NULL;
  }
  out = weir_chan_ref(s->out);
  go_round(s);
  return out;
}
