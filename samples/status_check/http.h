/* The two ends of an HTTP exchange: the request as text, the answer through llhttp. */
#ifndef STATUS_CHECK_HTTP_H
#define STATUS_CHECK_HTTP_H

#include "result.h"
#include "url.h"

#include <llhttp.h>

#define HTTP_HEADER_MAX 262144 /* bytes before the final answer's header is complete */

/*
 * Writes a request: the method and the headers of the settings, and what they leave out.
 *
 *   is_at_home  with the headers that stay at home.
 *
 * Returns its text, to be freed; NULL for want of memory.
 */
char *http_request(const settings_t *settings, const url_t *url, bool is_at_home);

typedef enum http_state_e {
  HTTP_MORE, /* wants more */
  HTTP_DONE, /* the answer is complete, or as much of it as is wanted */
  HTTP_FAILED
} http_state_t;

typedef struct http_s {
  unsigned status;             /* 0 until the header is complete */
  char reason[REASON_MAX + 1]; /* printable ASCII, cut to its size */
  char *location;              /* of the header, or NULL; the caller's, to be freed */
  uint64_t bytes;              /* of the body so far */
  check_error_t error;         /* once it has failed */
  /* private */
  llhttp_t parser;
  bool is_head;
  uint64_t body_max;
  size_t header_bytes;
  bool is_inside; /* a message has begun and not ended */
  bool is_done;
  size_t matched; /* of "location", by the name of the header at hand; SIZE_MAX: another one */
  size_t location_length;
} http_t;

/*
 * Prepares for one answer. `http` must stay in place.
 *
 *   is_head   it will have no body.
 *   body_max  so many bytes of the body are enough.
 */
void http_init(http_t *http, bool is_head, uint64_t body_max);

/* Takes in the next bytes of the answer; not to be called after another result than HTTP_MORE. */
http_state_t http_feed(http_t *http, const char *data, size_t length);

/*
 * Takes in that the connection has ended; as http_feed(), but never HTTP_MORE.
 *
 *   is_whole  nothing can be missing: a body without a length ends here.
 */
http_state_t http_end(http_t *http, bool is_whole);

#endif
