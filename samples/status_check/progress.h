/* A line on a terminal that says how far it is, and that makes way for other lines. */
#ifndef STATUS_CHECK_PROGRESS_H
#define STATUS_CHECK_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <weir.h>

typedef struct progress_s {
  FILE *out;              /* a terminal */
  bool shares_terminal;   /* stdout is one, too */
  size_t done, of, wrong; /* since the start */
  /* private */
  weir_ctx_t *ctx;    /* since the start */
  weir_range_t timer; /* runs while a drawing is due */
  bool is_due, is_visible;
  uint64_t drawn_at;
} progress_t;

/* Prepares for any number of starts, one after the other; looks whether stdout is a terminal. */
void progress_init(progress_t *progress, FILE *out);

/*
 * Starts with none of `of` done. The first drawing comes later: what is quick shows nothing.
 *
 *   ctx  its end ends what is due; must outlive the progress, until progress_end().
 */
void progress_start(progress_t *progress, weir_ctx_t *ctx, size_t of);

/* Counts one more. */
void progress_add(progress_t *progress, bool is_good);

/* Takes the line away. The next drawing brings it back: progress_add() sees to one. */
void progress_clear(progress_t *progress);

/* Takes the line away for good. It may be started again. Ignored if it has not been started. */
void progress_end(progress_t *progress);

#endif
