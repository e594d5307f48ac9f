#include "report.h"

#include <string.h>

#define URL_WIDTH_MAX 60

/* What is not a URL may hold anything, also what a terminal obeys. */
static void copy_printable(char *to, const char *from, size_t size) {
  size_t length = 0;

  for (; from[length] && length < size - 1; length++)
    to[length] = (char)(from[length] < ' ' || from[length] > '~' ? '?' : from[length]);
  to[length] = '\0';
}

static void print_result(const report_t *report, const result_t *result) {
  char url[URL_MAX + 1], words[128];

  copy_printable(url, result->target->url, sizeof url);
  result_words(result, words, sizeof words);
  printf("%-*s  %-45s %6llu ms\n", report->url_width, url, words, (unsigned long long)result->ms);
  fflush(stdout); /* a pipe would otherwise see nothing until the end */
}

static void on_result(weir_range_t *range, const void *value, int status) {
  report_t *report = range->data;
  const result_t *result = value;

  if (status) return;
  report->shown++;
  if (result_is_good(result)) report->good++;
  print_result(report, result);
  if (report->also) report->also(report, result);
}

static int width_of(const targets_t *targets) {
  size_t width = 0;

  for (size_t i = 0; i < targets->n; i++) {
    size_t length = strlen(targets->items[i].url);
    if (length > width && length <= URL_WIDTH_MAX) width = length;
  }
  return (int)width;
}

int report_start(report_t *report, weir_ctx_t *ctx, weir_chan_t *results, const targets_t *targets,
                 report_cb also) {
  report->shown = report->good = 0;
  report->also = also;
  report->url_width = width_of(targets);
  report->range.data = report;
  weir_range_init(&report->range, ctx);
  return weir_range_start(&report->range, results, on_result);
}
