/*
 * weir_bench [--list] [--json] [--rounds N] [--scale F] [WORKLOAD...]
 *
 * Runs workloads, all by default, N times each (default 1), with F times as many values (default
 * 1), and prints the median of every figure: name, value, unit; with --json an object a line. Every
 * workload checks its own result. Exit status: 0, 1 for a wrong result, 2 for wrong usage.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 100, MOST_RESULTS = 16, MOST_VALUES = 3 * MOST_ROUNDS };

typedef struct workload_s {
  const char *name;
  void (*run)(const bench_t *bench);
} workload_t;

static const workload_t workloads[] = {
    {"rendezvous", bench_rendezvous},
    {"rendezvous10", bench_rendezvous10},
    {"rendezvous100", bench_rendezvous100},
    {"rendezvous1000", bench_rendezvous1000},
    {"rendezvous10000", bench_rendezvous10000},
    {"buffered1", bench_buffered1},
    {"buffered128", bench_buffered128},
    {"buffered4096", bench_buffered4096},
    {"range", bench_range},
    {"many64", bench_many64},
    {"try_empty", bench_try_empty},
    {"chan", bench_chans},
    {"select2", bench_select2},
    {"select4", bench_select4},
    {"select32", bench_select32},
    {"select128", bench_select128},
    {"select4_one", bench_select4_one},
    {"pipeline3", bench_pipeline3},
    {"pipeline10", bench_pipeline10},
    {"pipeline3_select", bench_pipeline3_select},
    {"pipe3", bench_pipe3},
    {"pipe10", bench_pipe10},
    {"fan_in8", bench_fan_in8},
    {"fan_in1000", bench_fan_in1000},
    {"fan_in8_hand", bench_fan_in8_hand},
    {"sieve", bench_sieve},
    {"ring", bench_ring},
    {"skynet", bench_skynet},
    {"park", bench_park},
    {"ctx", bench_ctx},
    {"sleeps", bench_sleeps},
    {"sleeps_expire", bench_sleeps_expire},
    {"idle", bench_idle},
    {"shared_rendezvous", bench_shared_rendezvous},
    {"shared_buffered128", bench_shared_buffered128},
    {"thread0", bench_thread0},
    {"thread1", bench_thread1},
    {"thread128", bench_thread128},
    {"thread1024", bench_thread1024},
    {"thread41_0", bench_thread41_0},
    {"thread41_1", bench_thread41_1},
    {"thread41_128", bench_thread41_128},
    {"thread41_1024", bench_thread41_1024},
    {"thread14_0", bench_thread14_0},
    {"thread14_1", bench_thread14_1},
    {"thread14_128", bench_thread14_128},
    {"thread14_1024", bench_thread14_1024},
    {"thread44_0", bench_thread44_0},
    {"thread44_1", bench_thread44_1},
    {"thread44_128", bench_thread44_128},
    {"thread44_1024", bench_thread44_1024},
    {"thread44x_128", bench_thread44x_128},
    {"thread_range128", bench_thread_range128},
    {"thread_range1024", bench_thread_range1024},
    {"thread_many64", bench_thread_many64},
    {"thread_many64_128", bench_thread_many64_128},
    {"blocking128", bench_blocking128},
    {"blocking1024", bench_blocking1024},
    {"blocking_both128", bench_blocking_both128},
    {"blocking_both1024", bench_blocking_both1024},
    {"pingpong", bench_pingpong},
    {"pingpong_nospin", bench_pingpong_nospin},
    {"pingpong_busy", bench_pingpong_busy},
    {"uv_pingpong", bench_uv_pingpong},
    {"uv_pingpong_busy", bench_uv_pingpong_busy},
    {"tcp_latency", bench_tcp_latency},
    {"uv_tcp_latency", bench_uv_tcp_latency},
    {"ctx_tree_loops", bench_ctx_tree_loops},
    {"work100us", bench_work100us},
    {"work1us", bench_work1us},
    {"uv_work100us", bench_uv_work100us},
    {"uv_work1us", bench_uv_work1us},
};
enum { WORKLOADS = sizeof(workloads) / sizeof(workloads[0]) };

typedef struct options_s {
  bool list, json;
  int rounds;
  double scale;
  int first; /* of the workloads named, in argv */
} options_t;

/* results: of one workload, over its rounds */

typedef struct result_s {
  const char *name, *unit;
  double values[MOST_VALUES];
  size_t count;
} result_t;

static result_t results[MOST_RESULTS];

void bench_result(const char *name, const char *unit, double value) {
  size_t i = 0;

  while (i < MOST_RESULTS && results[i].name && strcmp(results[i].name, name) != 0) i++;
  bench_expect(i < MOST_RESULTS && results[i].count < MOST_VALUES);
  results[i].name = name;
  results[i].unit = unit;
  results[i].values[results[i].count++] = value;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static double median(result_t *result) {
  size_t n = result->count;

  qsort(result->values, n, sizeof(*result->values), compare);
  return (result->values[(n - 1) / 2] + result->values[n / 2]) / 2;
}

static void print_result(result_t *result, bool json) {
  double value = median(result);

  if (json)
    printf("{\"name\":\"%s\",\"%s\":%.2f}\n", result->name, result->unit, value);
  else
    printf("%-28s %12.2f %s\n", result->name, value, result->unit);
}

static void print_results(bool json) {
  for (size_t i = 0; i < MOST_RESULTS && results[i].name; i++) print_result(&results[i], json);
  fflush(stdout);
}

/* running */

static void run_round(const workload_t *workload, double scale) {
  uv_loop_t uv;
  bench_t bench;

  bench_open(&bench, &uv, scale);
  workload->run(&bench);
  bench_close(&bench);
}

static void run(const workload_t *workload, const options_t *options) {
  memset(results, 0, sizeof(results));
  for (int i = 0; i < options->rounds; i++) run_round(workload, options->scale);
  print_results(options->json);
}

/* the command line */

static int usage(void) {
  fprintf(stderr,
          "usage: weir_bench [--list] [--json] [--rounds N] [--scale F] [WORKLOAD...]\n"
          "       N is at most %d; --list names the workloads\n",
          MOST_ROUNDS);
  return 2;
}

static const workload_t *find(const char *name) {
  for (size_t i = 0; i < WORKLOADS; i++)
    if (strcmp(workloads[i].name, name) == 0) return &workloads[i];
  return NULL;
}

/* Returns how many words were an option, or 0 for a wrong one. */
static int parse_option(options_t *options, char **argv) {
  if (strcmp(argv[0], "--list") == 0) return options->list = true;
  if (strcmp(argv[0], "--json") == 0) return options->json = true;
  if (!argv[1]) return 0;
  if (strcmp(argv[0], "--rounds") == 0) {
    options->rounds = atoi(argv[1]);
    return options->rounds > 0 && options->rounds <= MOST_ROUNDS ? 2 : 0;
  }
  if (strcmp(argv[0], "--scale") == 0) {
    options->scale = atof(argv[1]);
    return options->scale > 0 ? 2 : 0;
  }
  return 0;
}

static bool parse(options_t *options, char **argv) {
  int i = 1, words;

  *options = (options_t){.rounds = 1, .scale = 1};
  for (; argv[i] && argv[i][0] == '-'; i += words)
    if ((words = parse_option(options, argv + i)) == 0) return false;
  options->first = i;
  for (; argv[i]; i++)
    if (!find(argv[i])) return false;
  return true;
}

int main(int argc, char **argv) {
  options_t options;

  if (!parse(&options, argv)) return usage();
  if (options.list)
    for (size_t i = 0; i < WORKLOADS; i++) puts(workloads[i].name);
  else if (options.first == argc)
    for (size_t i = 0; i < WORKLOADS; i++) run(&workloads[i], &options);
  else
    for (int i = options.first; i < argc; i++) run(find(argv[i]), &options);
  return 0;
}
