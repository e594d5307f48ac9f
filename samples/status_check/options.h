/* The command line. */
#ifndef STATUS_CHECK_OPTIONS_H
#define STATUS_CHECK_OPTIONS_H

#include "settings.h"

#include <stdio.h>

typedef struct options_s {
  settings_t settings; /* its `tls` is not set here */
  uint64_t timeout_ms; /* for each target */
  uint64_t watch_s;    /* 0: once */
  const char *ca_file; /* or NULL */
  bool insecure, json, demo, help;
  char **urls;
  int url_count;
  /* private */
  const char **headers;
} options_t;

/*
 * Reads the command line; options and URLs may come in any order, and argv is reordered. Of an
 * option that is given twice the last counts, except that headers add up.
 *
 * Returns whether it is right; if not, it has said on stderr what is wrong. To be freed in either
 * case; argv must outlive it.
 */
bool options_parse(options_t *options, int argc, char **argv);

void options_free(options_t *options);

/* Explains the program. */
void options_help(FILE *out);

#endif
