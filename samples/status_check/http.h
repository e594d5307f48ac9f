/* The two ends of an HTTP exchange: the request as text, the answer through llhttp. */
#ifndef STATUS_CHECK_HTTP_H
#define STATUS_CHECK_HTTP_H

#include "url.h"

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>

#define HTTP_REASON_MAX 40
#define HTTP_REQUEST_MAX (URL_MAX + URL_HOST_MAX + 256)

typedef enum http_state_e {
  HTTP_MORE,     /* the header is not complete */
  HTTP_ANSWERED, /* `status` and `reason` are final */
  HTTP_NONSENSE  /* not HTTP: `error` says why */
} http_state_t;

typedef struct http_s {
  unsigned status;
  char reason[HTTP_REASON_MAX + 1]; /* printable ASCII, cut to its size */
  const char *error;                /* static */
  /* private */
  llhttp_t parser;
  bool inside;   /* a message has begun and not ended */
  bool complete; /* the header of a message that is not 1xx */
} http_t;

/* Writes the GET for `url`; `request` has HTTP_REQUEST_MAX bytes. Returns its length. */
size_t http_request(char *request, const url_t *url);

/* Prepares for one answer. `http` must stay in place. */
void http_init(http_t *http);

/* Takes in the next bytes of the answer; not to be called after another result than HTTP_MORE. */
http_state_t http_feed(http_t *http, const char *data, size_t length);

/* Returns whether the connection would end inside a message, if it ended now. */
bool http_is_inside(const http_t *http);

#endif
