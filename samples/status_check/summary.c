/*
 * The histogram is geometric, after HdrHistogram. A time is shifted right until five bits are left;
 * the bucket's number is those bits, and 16 more for each shift:
 *
 *   shift 0   0 to 31    a bucket for each time
 *   shift 1   32 to 47   two times each: 32 and 33 in the first one
 *   shift 2   48 to 63   four times each, from 64 on
 *
 * After a shift the highest of the five bits is set, so a bucket of 2^shift times begins at
 * 16 * 2^shift at least. It is at most 1/16 of them wide, and there are no gaps.
 */
#include "summary.h"

static size_t bucket_of(uint64_t ns) {
  unsigned shift = 0;
  size_t bucket;

  while (ns >> shift >= 32) shift++;
  bucket = shift * 16 + (size_t)(ns >> shift);
  return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* Returns the longest time of a bucket. The last one has none. */
static uint64_t end_of(size_t bucket) {
  size_t shift = bucket < 32 ? 0 : bucket / 16 - 1;

  if (bucket == HISTOGRAM_BUCKETS - 1) return UINT64_MAX;
  return ((uint64_t)(bucket - shift * 16 + 1) << shift) - 1;
}

void histogram_add(histogram_t *histogram, uint64_t ns) {
  histogram->count++;
  histogram->buckets[bucket_of(ns)]++;
  if (ns > histogram->max) histogram->max = ns;
}

/* Returns how many, counted from the shortest, are `percent`; rounded up. */
static uint64_t rank_of(const histogram_t *histogram, double percent) {
  double exact = (double)histogram->count * percent / 100;
  uint64_t rank;

  if (!(exact > 0)) return 0;
  if (exact >= (double)histogram->count) return histogram->count;
  rank = (uint64_t)exact;
  return (double)rank < exact ? rank + 1 : rank;
}

uint64_t histogram_percentile(const histogram_t *histogram, double percent) {
  uint64_t rank = rank_of(histogram, percent), seen = histogram->buckets[0], end;
  size_t bucket = 0;

  if (rank == 0) rank = 1;
  while (seen < rank && bucket < HISTOGRAM_BUCKETS - 1) seen += histogram->buckets[++bucket];
  end = end_of(bucket);
  return end < histogram->max ? end : histogram->max;
}

void summary_add(summary_t *summary, const result_t *result) {
  summary->shown++;
  summary->bytes += result->response.bytes;
  if (result->error.kind != FAILURE_NONE) {
    summary->failures[result->error.kind]++;
    return;
  }
  if (result->is_good)
    summary->good++;
  else
    summary->unexpected++;
  histogram_add(&summary->latency, result->times.total);
}

static void print_failures(const summary_t *summary, FILE *out) {
  const char *between = "failed: ";

  for (int kind = FAILURE_NONE + 1; kind <= FAILURE_NO_MEMORY; kind++) {
    if (summary->failures[kind] == 0) continue;
    fprintf(out, "%s%s %zu", between, failure_name((failure_t)kind), summary->failures[kind]);
    between = ", ";
  }
  if (between[0] == ',') putc('\n', out);
}

static double percentile_ms(const summary_t *summary, double percent) {
  return (double)histogram_percentile(&summary->latency, percent) / 1e6;
}

static void print_latency(const summary_t *summary, FILE *out) {
  if (summary->latency.count == 0) return;
  fprintf(out, "latency: p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, max %.1f ms\n",
          percentile_ms(summary, 50), percentile_ms(summary, 90), percentile_ms(summary, 99),
          (double)summary->latency.max / 1e6);
}

void summary_print(const summary_t *summary, FILE *out) {
  fprintf(out, "%zu checked, %zu good", summary->shown, summary->good);
  if (summary->unexpected) fprintf(out, ", %zu with another status", summary->unexpected);
  putc('\n', out);
  print_failures(summary, out);
  fprintf(out, "read: %llu bytes of bodies\n", (unsigned long long)summary->bytes);
  print_latency(summary, out);
}
