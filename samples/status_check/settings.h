/* How to check: the same for all targets. */
#ifndef STATUS_CHECK_SETTINGS_H
#define STATUS_CHECK_SETTINGS_H

#include "tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPECTED_MAX 32

typedef struct settings_s {
  bool is_head;               /* HEAD instead of GET */
  const char *const *headers; /* "Name: value", each as headers_check() passes it */
  size_t header_count;
  uint64_t connect_timeout_ms; /* for each address */
  unsigned redirects;          /* that are followed */
  unsigned retries;
  uint64_t retry_delay_ms; /* before the first retry; doubles with each */
  uint64_t body_max;       /* bytes of the body that are read, and forgotten */
  size_t concurrency;      /* targets at once */
  size_t per_host;         /* of them on one host and port; 0: as many as there are */
  unsigned expected[EXPECTED_MAX];
  size_t expected_count; /* 0: every status below 400 is good */
  tls_t *tls;            /* NULL: https URLs fail with FAILURE_NO_TLS */
} settings_t;

/* GET, 3 s for each address, 10 redirects, no retries (200 ms if there were), 1 MiB of body, 10 at
 * once, no TLS. */
extern const settings_t settings_default;

/* Returns whether --expect names the status. */
bool settings_name(const settings_t *settings, unsigned status);

/* Returns whether a status is a good one. */
bool settings_accept(const settings_t *settings, unsigned status);

#endif
