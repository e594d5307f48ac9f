/*
 * A strict reader of http:// and https:// URLs: what passes cannot put a line of its own into a
 * request.
 */
#ifndef STATUS_CHECK_URL_H
#define STATUS_CHECK_URL_H

#include <stdbool.h>

#define URL_MAX 8192
#define URL_HOST_MAX 255

typedef struct url_s {
  bool is_https;
  char host[URL_HOST_MAX + 1]; /* without brackets; a zone of an IPv6 address is not supported */
  bool is_ipv6;                /* the host stood in brackets */
  unsigned port;               /* 80 or 443 when none is given */
  const char *path;            /* with the query, without the fragment; points into the text */
  int path_length;             /* 0, or it starts with '/' or '?' */
} url_t;

/*
 * Reads `text` into `url`, which points into it.
 *
 * Returns NULL, or what is wrong in words.
 */
const char *url_parse(url_t *url, const char *text);

/* Returns whether two URLs lead to the same server: scheme, host (whatever its case) and port. */
bool url_same_origin(const url_t *a, const url_t *b);

/* Returns whether two URLs ask for the same thing: the origin and the path, where none is "/". */
bool url_same(const url_t *a, const url_t *b);

/*
 * Finds where a reference leads (RFC 3986, 5.2), as in a Location header.
 *
 *   base       what url_parse() takes.
 *   reference  any text. Blanks around it go; a space, a control character and what is outside
 *              ASCII is percent-encoded. It keeps its fragment.
 *
 * Returns a URL for url_parse(), which may refuse it; to be freed. NULL for want of memory.
 */
char *url_join(const char *base, const char *reference);

#endif
