/* Description: what is counted, percentiles against sorted times, and the lines for people. */
#include "expect.h"
#include "summary.h"

#define HOUR UINT64_C(3600000000000)

/* Of two times the shorter one is what half do not exceed. */
static void expect_close(uint64_t ns) {
  static histogram_t histogram;
  uint64_t found;

  memset(&histogram, 0, sizeof histogram);
  histogram_add(&histogram, HOUR * 2);
  histogram_add(&histogram, ns);
  found = histogram_percentile(&histogram, 50);
  EXPECT(found >= ns && found - ns <= ns / 16);
}

static void is_exact_to_a_sixteenth(void) {
  for (uint64_t ns = 0; ns < 5000; ns++) expect_close(ns);
  for (uint64_t power = 16; power <= HOUR; power *= 2) {
    for (uint64_t part = 0; part < 16; part++) {
      uint64_t ns = power + power / 16 * part;
      if (ns >= HOUR) break;
      expect_close(ns - 1);
      expect_close(ns);
      expect_close(ns + 1);
    }
  }
  expect_close(HOUR);
}

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

  return (x > y) - (x < y);
}

/* A linear congruential generator (Knuth): the same times at each run. */
static uint64_t random_below(uint64_t limit) {
  static uint64_t state = 1;

  state = state * 6364136223846793005 + 1442695040888963407;
  return (state >> 16) % limit;
}

static void compare_sorted(uint64_t *times, size_t n) {
  static histogram_t histogram;

  memset(&histogram, 0, sizeof histogram);
  for (size_t i = 0; i < n; i++) histogram_add(&histogram, times[i]);
  qsort(times, n, sizeof *times, compare);
  for (size_t percent = 1; percent <= 100; percent++) {
    uint64_t exact = times[(n * percent + 99) / 100 - 1];
    uint64_t found = histogram_percentile(&histogram, (double)percent);
    EXPECT(found >= exact && found - exact <= exact / 16 && found <= times[n - 1]);
  }
  EXPECT(histogram.max == times[n - 1] && histogram.count == n);
}

static void agrees_with_sorted_times(void) {
  static const size_t counts[] = {1, 2, 3, 7, 10, 99, 100, 101, 1000};
  uint64_t times[1000];

  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    for (uint64_t limit = 2; limit < HOUR; limit *= 8) {
      for (size_t k = 0; k < counts[i]; k++) times[k] = random_below(limit);
      compare_sorted(times, counts[i]);
    }
  }
}

static void bears_extremes(void) {
  static histogram_t histogram;

  EXPECT(histogram_percentile(&histogram, 50) == 0);
  EXPECT(histogram_percentile(&histogram, 100) == 0);
  histogram_add(&histogram, UINT64_MAX);
  EXPECT(histogram_percentile(&histogram, 0) == UINT64_MAX);
  EXPECT(histogram.buckets[HISTOGRAM_BUCKETS - 1] == 1);
  histogram_add(&histogram, 0);
  EXPECT(histogram_percentile(&histogram, -1) == 0);
  EXPECT(histogram_percentile(&histogram, 0) == 0);
  EXPECT(histogram_percentile(&histogram, 50) == 0);
  EXPECT(histogram_percentile(&histogram, 50.1) == UINT64_MAX);
  EXPECT(histogram_percentile(&histogram, 1e300) == UINT64_MAX);
}

static void add(summary_t *summary, failure_t failure, bool is_good, uint64_t ms) {
  const result_t result = {.error = {failure, 0, NULL},
                           .response = {.status = failure ? 0 : 200, .bytes = 10},
                           .times = {.total = ms * 1000000},
                           .is_good = is_good};

  summary_add(summary, &result);
}

static void counts_each_kind(void) {
  static summary_t summary;

  for (int kind = 1; kind <= FAILURE_NO_MEMORY; kind++)
    for (int i = 0; i < kind; i++) add(&summary, (failure_t)kind, false, 1);
  for (int i = 0; i < 5; i++) add(&summary, FAILURE_NONE, true, 2);
  for (int i = 0; i < 3; i++) add(&summary, FAILURE_NONE, false, 3);
  for (int kind = 1; kind <= FAILURE_NO_MEMORY; kind++)
    EXPECT(summary.failures[kind] == (size_t)kind);
  EXPECT(summary.failures[FAILURE_NONE] == 0);
  EXPECT(summary.good == 5 && summary.unexpected == 3);
  EXPECT(summary.shown == 8 + FAILURE_NO_MEMORY * (FAILURE_NO_MEMORY + 1) / 2);
  EXPECT(summary.bytes == 10 * summary.shown);
  EXPECT(summary.latency.count == 8 && summary.latency.max == 3000000);
}

static void expect_print(const summary_t *summary, const char *wanted) {
  FILE *file = tmpfile();
  char text[1024];
  size_t length;

  EXPECT(file);
  summary_print(summary, file);
  rewind(file);
  length = fread(text, 1, sizeof text - 1, file);
  text[length] = '\0';
  fclose(file);
  EXPECT_TEXT(text, wanted);
}

static void prints_what_occurred(void) {
  static summary_t summary;

  expect_print(&summary, "0 checked, 0 good\nread: 0 bytes of bodies\n");
  add(&summary, FAILURE_TIMED_OUT, false, 9000);
  expect_print(&summary, "1 checked, 0 good\nfailed: timeout 1\nread: 10 bytes of bodies\n");
  add(&summary, FAILURE_NO_MEMORY, false, 1);
  add(&summary, FAILURE_BAD_URL, false, 1);
  add(&summary, FAILURE_TIMED_OUT, false, 9000);
  add(&summary, FAILURE_NONE, false, 1000);
  expect_print(&summary, "5 checked, 0 good, 1 with another status\n"
                         "failed: bad_url 1, timeout 2, no_memory 1\n"
                         "read: 50 bytes of bodies\n"
                         "latency: p50 1000.0 ms, p90 1000.0 ms, p99 1000.0 ms, max 1000.0 ms\n");
}

/* 2 ms are in the bucket that ends at 2.03 ms, 16 ms in that which ends at 16.25 ms. */
static void prints_percentiles(void) {
  static summary_t summary;

  for (int i = 0; i < 50; i++) add(&summary, FAILURE_NONE, true, 2);
  for (int i = 0; i < 40; i++) add(&summary, FAILURE_NONE, true, 4);
  for (int i = 0; i < 9; i++) add(&summary, FAILURE_NONE, true, 16);
  add(&summary, FAILURE_NONE, true, 500);
  expect_print(&summary, "100 checked, 100 good\n"
                         "read: 1000 bytes of bodies\n"
                         "latency: p50 2.0 ms, p90 4.1 ms, p99 16.3 ms, max 500.0 ms\n");
}

static const case_t cases[] = {
    {"is_exact_to_a_sixteenth", is_exact_to_a_sixteenth},
    {"agrees_with_sorted_times", agrees_with_sorted_times},
    {"bears_extremes", bears_extremes},
    {"counts_each_kind", counts_each_kind},
    {"prints_what_occurred", prints_what_occurred},
    {"prints_percentiles", prints_percentiles},
};

int main(int argc, char **argv) {
  return run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");
}
