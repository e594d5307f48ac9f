/*
 * The least that some workloads of weir_bench can cost on bare libuv, with the same options and
 * output: uv_queue [--list] [--json] [--rounds N] [--scale F] [WORKLOAD...]. To build:
 *
 *   cc -O2 -DNDEBUG test/bench/peers/uv_queue.c $(pkg-config --cflags --libs libuv) -o uv_queue
 *
 * rendezvous is none: there is no channel, nobody waits, nothing can be cancelled. It is the floor,
 * a queue of callbacks that an idle handle calls, two for each value as a rendezvous has: the
 * receiver's, with the value, and the sender's. At most 1,024 are called in a turn of the loop.
 *
 * sleeps and sleeps_expire have a uv_timer_t for each sleep, which is initialised before the clock
 * starts and closed after it stops. A sleep that is stopped is not called back.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { VALUES = 10000000, SLEEPS = 1000000, HOUR_MS = 3600000, LONGEST_MS = 64 };
enum { TURN = 1024, ROOM = 2048, MOST_ROUNDS = 100 };

#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) fail(__LINE__, #condition);                                                  \
  } while (0)

static _Noreturn void fail(int line, const char *condition) {
  fprintf(stderr, "uv_queue.c:%d: wrong result: %s\n", line, condition);
  exit(1);
}

/* A round returns its figure, in nanoseconds for each. */
typedef double (*round_cb)(double scale);

static size_t scaled(size_t n, double scale) {
  size_t multiple = (size_t)((double)n * scale) / 64 * 64;

  return multiple > 0 ? multiple : 64;
}

static double since(uint64_t start, size_t n) {
  return (double)(uv_hrtime() - start) / (double)n;
}

/* rendezvous */

typedef void (*value_cb)(void *data, uint64_t value);

typedef struct entry_s {
  value_cb callback;
  void *data;
  uint64_t value;
} entry_t;

/* Entries from first on, before last; both only grow. */
typedef struct queue_s {
  uv_idle_t idle;
  bool active; /* the handle */
  entry_t entries[ROOM];
  size_t first, last;
} queue_t;

static void on_turn(uv_idle_t *idle) {
  queue_t *queue = idle->data;

  for (int i = 0; i < TURN && queue->first != queue->last; i++) {
    entry_t entry = queue->entries[queue->first++ % ROOM];

    entry.callback(entry.data, entry.value);
  }
  if (queue->first != queue->last) return;
  queue->active = false;
  uv_idle_stop(idle);
}

static void push(queue_t *queue, value_cb callback, void *data, uint64_t value) {
  EXPECT(queue->last - queue->first < ROOM);
  if (!queue->active) uv_idle_start(&queue->idle, on_turn);
  queue->active = true;
  queue->entries[queue->last++ % ROOM] = (entry_t){callback, data, value};
}

typedef struct pair_s {
  queue_t queue;
  uint64_t n, value; /* of the sender */
  uint64_t count;    /* of the receiver */
  bool in_order;
} pair_t;

static void on_received(void *data, uint64_t value) {
  pair_t *pair = data;

  pair->in_order &= value == pair->count++;
}

static void on_sent(void *data, uint64_t value);

static void meet(pair_t *pair) {
  push(&pair->queue, on_received, pair, pair->value);
  push(&pair->queue, on_sent, pair, pair->value);
}

static void on_sent(void *data, uint64_t value) {
  pair_t *pair = data;

  pair->value = value + 1;
  if (pair->value < pair->n) meet(pair);
}

static double rendezvous(double scale) {
  static pair_t pair;
  uv_loop_t uv;
  uint64_t start;
  double each;

  pair = (pair_t){.n = scaled(VALUES, scale), .in_order = true};
  EXPECT(uv_loop_init(&uv) == 0 && uv_idle_init(&uv, &pair.queue.idle) == 0);
  pair.queue.idle.data = &pair.queue;
  start = uv_hrtime();
  meet(&pair);
  uv_run(&uv, UV_RUN_DEFAULT);
  each = since(start, pair.n);
  EXPECT(pair.count == pair.n && pair.value == pair.n && pair.in_order);
  uv_close((uv_handle_t *)&pair.queue.idle, NULL);
  uv_run(&uv, UV_RUN_DEFAULT);
  EXPECT(uv_loop_close(&uv) == 0);
  return each;
}

/* sleeps */

typedef struct sleepers_s {
  uv_loop_t uv;
  uv_timer_t *timers;
  size_t n, woken;
} sleepers_t;

static void sleepers_init(sleepers_t *sleepers, double scale) {
  *sleepers = (sleepers_t){.n = scaled(SLEEPS, scale)};
  sleepers->timers = malloc(sleepers->n * sizeof(*sleepers->timers));
  EXPECT(sleepers->timers != NULL && uv_loop_init(&sleepers->uv) == 0);
  for (size_t i = 0; i < sleepers->n; i++) {
    EXPECT(uv_timer_init(&sleepers->uv, &sleepers->timers[i]) == 0);
    sleepers->timers[i].data = sleepers;
  }
}

static void sleepers_free(sleepers_t *sleepers) {
  for (size_t i = 0; i < sleepers->n; i++) uv_close((uv_handle_t *)&sleepers->timers[i], NULL);
  uv_run(&sleepers->uv, UV_RUN_DEFAULT);
  EXPECT(uv_loop_close(&sleepers->uv) == 0);
  free(sleepers->timers);
}

static void on_woken(uv_timer_t *timer) {
  sleepers_t *sleepers = timer->data;

  sleepers->woken++;
}

/* For `least` and less than `range` more; the same in every run, in no order. */
static void sleepers_start(sleepers_t *sleepers, uint64_t least, uint64_t range) {
  uv_update_time(&sleepers->uv);
  for (size_t i = 0; i < sleepers->n; i++) {
    uint64_t ms = least + i * 2654435761u % range;

    EXPECT(uv_timer_start(&sleepers->timers[i], on_woken, ms, 0) == 0);
  }
}

static double sleeps(double scale) {
  sleepers_t sleepers;
  uint64_t start;
  double each;

  sleepers_init(&sleepers, scale);
  start = uv_hrtime();
  sleepers_start(&sleepers, HOUR_MS, HOUR_MS);
  for (size_t i = 0; i < sleepers.n; i++) EXPECT(uv_timer_stop(&sleepers.timers[i]) == 0);
  EXPECT(uv_run(&sleepers.uv, UV_RUN_DEFAULT) == 0);
  each = since(start, sleepers.n);
  EXPECT(sleepers.woken == 0);
  for (size_t i = 0; i < sleepers.n; i++) EXPECT(!uv_is_active((uv_handle_t *)&sleepers.timers[i]));
  sleepers_free(&sleepers);
  return each;
}

/* For up to 64 ms, which a million take to start: hardly any time is spent waiting. */
static double sleeps_expire(double scale) {
  sleepers_t sleepers;
  uint64_t start;
  double each;

  sleepers_init(&sleepers, scale);
  start = uv_hrtime();
  sleepers_start(&sleepers, 1, LONGEST_MS);
  uv_run(&sleepers.uv, UV_RUN_DEFAULT);
  each = since(start, sleepers.n);
  EXPECT(sleepers.woken == sleepers.n);
  EXPECT(uv_hrtime() - start >=
         (LONGEST_MS - 1) * UINT64_C(1000000)); /* the loop's time is coarse */
  sleepers_free(&sleepers);
  return each;
}

/* the command line */

typedef struct workload_s {
  const char *name;
  round_cb run;
} workload_t;

static const workload_t workloads[] = {
    {"rendezvous", rendezvous},
    {"sleeps", sleeps},
    {"sleeps_expire", sleeps_expire},
};
enum { WORKLOADS = sizeof(workloads) / sizeof(workloads[0]) };

typedef struct options_s {
  bool list, json;
  int rounds;
  double scale;
} options_t;

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static void run(const workload_t *workload, const options_t *options) {
  double values[MOST_ROUNDS], median;
  int n = options->rounds;

  for (int i = 0; i < n; i++) values[i] = workload->run(options->scale);
  qsort(values, (size_t)n, sizeof(*values), compare);
  median = (values[(n - 1) / 2] + values[n / 2]) / 2;
  if (options->json)
    printf("{\"name\":\"%s\",\"ns\":%.2f}\n", workload->name, median);
  else
    printf("%-28s %12.2f ns\n", workload->name, median);
  fflush(stdout);
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

static int usage(void) {
  fprintf(stderr, "usage: uv_queue [--list] [--json] [--rounds N] [--scale F] [WORKLOAD...]\n");
  return 2;
}

int main(int argc, char **argv) {
  options_t options = {.rounds = 1, .scale = 1};
  int first = 1, words;

  for (; argv[first] && argv[first][0] == '-'; first += words)
    if ((words = parse_option(&options, argv + first)) == 0) return usage();
  for (int i = first; i < argc; i++)
    if (!find(argv[i])) return usage();
  if (options.list)
    for (size_t i = 0; i < WORKLOADS; i++) puts(workloads[i].name);
  else if (first == argc)
    for (size_t i = 0; i < WORKLOADS; i++) run(&workloads[i], &options);
  else
    for (int i = first; i < argc; i++) run(find(argv[i]), &options);
  return 0;
}
