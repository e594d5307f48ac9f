/*
 * A range over the channel of results. For each of them, in this order:
 *
 *   1. the line of progress, if there is one, makes way
 *   2. the result is printed and flushed: a pipe would otherwise see nothing until the end
 *   3. it counts in the summary
 *   4. `also` may look at it
 *   5. it counts in the progress, which may draw its line again
 *   6. it is freed: the channel gave it to the range, and nobody else has it
 *
 * At the end, whatever its reason, the progress goes and then `ended` is called. The range is
 * idle by then, so `ended` may start the next round.
 *
 * What cannot be printed is lost, as stdio has it; the range goes on, and no sender is held up.
 */
#include "report.h"

#include "json.h"

#include <string.h>

#define URL_WIDTH_MAX 60

void report_init(report_t *report) {
  memset(report, 0, sizeof *report);
  progress_init(&report->progress, stderr);
}

/* What is not a URL may hold anything, also what a terminal obeys. */
static void print_url(const char *url, int width) {
  for (; *url; url++, width -= width > 0) putchar(*url < ' ' || *url > '~' ? '?' : *url);
  printf("%*s", width, "");
}

static void print_line(const report_t *report, const result_t *result) {
  uint64_t ms = result->times.total / 1000000 + (result->times.total % 1000000 >= 500000);
  char words[WORDS_MAX + 1];

  result_words(result, words, sizeof words);
  print_url(result->target->url, report->url_width);
  printf("  %-45s %6llu ms\n", words, (unsigned long long)ms);
}

static void print_result(const report_t *report, const result_t *result) {
  if (report->json)
    json_print(result, stdout);
  else
    print_line(report, result);
  fflush(stdout);
}

static void tell(report_t *report, const result_t *result) {
  progress_t *progress = &report->progress;

  if (progress->shares_terminal || report->also) progress_clear(progress);
  print_result(report, result);
  summary_add(&report->summary, result);
  if (report->also) report->also(report, result);
  if (report->has_progress) progress_add(progress, result->is_good);
}

static void on_result(weir_range_t *range, const void *value, int status) {
  report_t *report = range->data;

  if (status) {
    progress_end(&report->progress);
    if (report->ended) report->ended(report);
    return;
  }
  tell(report, *(result_t *const *)value);
  result_free(*(result_t *const *)value);
}

static int width_of(const targets_t *targets) {
  size_t width = 0;

  for (size_t i = 0; i < targets->n; i++) {
    size_t length = strlen(targets->items[i].url);
    if (length > width && length <= URL_WIDTH_MAX) width = length;
  }
  return (int)width;
}

int report_start(report_t *report, weir_ctx_t *ctx, weir_chan_t *results,
                 const targets_t *targets) {
  int err;

  report->url_width = width_of(targets);
  report->range.data = report;
  weir_range_init(&report->range, ctx);
  err = weir_range_start(&report->range, results, on_result);
  if (!err && report->has_progress) progress_start(&report->progress, ctx, targets->n);
  return err;
}
