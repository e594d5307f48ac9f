/* Prints results as they come: the end of the line. */
#ifndef STATUS_CHECK_REPORT_H
#define STATUS_CHECK_REPORT_H

#include "targets.h"

#include <weir.h>

typedef struct report_s report_t;
typedef void (*report_cb)(report_t *report, const result_t *result);

struct report_s {
  void *data;   /* the caller's, for `also` */
  size_t shown; /* results so far */
  size_t good;  /* of them, answers below 400 */
  /* private */
  weir_range_t range;
  report_cb also;
  int url_width;
};

/*
 * Starts to print what `results` brings, until it closes.
 *
 *   targets  what the results will be about: their URLs decide how wide the column is.
 *   also     called for each result after it was printed; may be NULL.
 *
 * Returns 0 or a libuv code.
 */
int report_start(report_t *report, weir_ctx_t *ctx, weir_chan_t *results, const targets_t *targets,
                 report_cb also);

#endif
