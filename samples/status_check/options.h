/* The command line. */
#ifndef STATUS_CHECK_OPTIONS_H
#define STATUS_CHECK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct options_s {
  uint64_t timeout_ms;
  uint64_t concurrency;
  bool demo, help;
  char **urls;
  int url_count;
} options_t;

/*
 * Reads the command line; options and URLs may come in any order, and argv is reordered.
 *
 * Returns whether it is right; if not, it has said on stderr what is wrong.
 */
bool options_parse(options_t *options, int argc, char **argv);

/* Explains the program. */
void options_help(FILE *out);

#endif
