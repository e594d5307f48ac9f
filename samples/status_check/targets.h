/* The list of what to check, and the text it was read from. */
#ifndef STATUS_CHECK_TARGETS_H
#define STATUS_CHECK_TARGETS_H

#include "result.h"

#include <stdio.h>

typedef struct targets_s {
  target_t *items;
  size_t n;
  /* private */
  size_t room;
  char *text;
} targets_t;

/* Adds a URL, which must outlive the list. Returns 0 or UV_ENOMEM. */
int targets_add(targets_t *targets, const char *url, uint64_t timeout_ms);

/*
 * Adds a URL for each line; blank lines and lines that start with # are skipped.
 *
 * Returns 0, UV_ENOMEM, UV_EIO when reading fails, UV_ECHARSET for a NUL byte.
 */
int targets_read(targets_t *targets, FILE *in, uint64_t timeout_ms);

void targets_free(targets_t *targets);

#endif
