/* A strict reader of http:// URLs: what passes cannot put a line of its own into a request. */
#ifndef STATUS_CHECK_URL_H
#define STATUS_CHECK_URL_H

#include <stdbool.h>

#define URL_MAX 8192
#define URL_HOST_MAX 255

typedef struct url_s {
  char host[URL_HOST_MAX + 1]; /* without brackets */
  bool is_ipv6;                /* the host stood in brackets */
  unsigned port;               /* 80 when none is given */
  const char *path;            /* with the query, without the fragment; points into the text */
  int path_length;             /* 0, or it starts with '/' or '?' */
} url_t;

/*
 * Reads `text` into `url`, which points into it.
 *
 * Returns NULL, or what is wrong in words.
 */
const char *url_parse(url_t *url, const char *text);

#endif
