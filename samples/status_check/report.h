/* Tells of results as they come: the end of the line. */
#ifndef STATUS_CHECK_REPORT_H
#define STATUS_CHECK_REPORT_H

#include "progress.h"
#include "summary.h"
#include "targets.h"

#include <weir.h>

typedef struct report_s report_t;
typedef void (*report_cb)(report_t *report, const result_t *result);

struct report_s {
  void *data; /* the caller's, for `also` and `ended` */
  /* set before the start */
  bool json;                       /* a JSON object a line, instead of a line to read */
  bool has_progress;               /* shows how far it is on stderr, which is a terminal */
  report_cb also;                  /* called for each result after it was printed; may be NULL */
  void (*ended)(report_t *report); /* called once at the end, may start it again; may be NULL */
  /* result */
  summary_t summary; /* of all results since report_init() */
  /* private */
  weir_range_t range;
  int url_width;
  progress_t progress; /* of this round */
};

/* Prepares for any number of starts, one after the other; what a caller sets becomes 0. */
void report_init(report_t *report);

/*
 * Starts to print on stdout what `results` brings, until it closes; ferror(stdout) tells whether
 * that failed. Frees each result after it was printed. Must not be running.
 *
 *   ctx      its end ends the report, and what is still in the channel is lost. Must live until
 *            `ended` is called.
 *   results  a channel of result_type.
 *   targets  what the results will be about: their URLs decide how wide the column is.
 *
 * Returns 0, or a libuv code: then nothing has started and `ended` is not called.
 */
int report_start(report_t *report, weir_ctx_t *ctx, weir_chan_t *results, const targets_t *targets);

#endif
