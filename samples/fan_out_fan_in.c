/* Searches for primes on libuv's thread pool: fanned out to several workers, and in again to one
 * stream, in whatever order they find them. The gain is measured against the same stage with one
 * worker. */
#include <inttypes.h>
#include <stdio.h>
#include <weir.h>

#define FIRST_NUMBER UINT64_C(100000000000001)
#define NUMBERS 300
#define POOL_SIZE 4 /* libuv's, where UV_THREADPOOL_SIZE does not say otherwise */

typedef struct search_s {
  weir_range_t range;
  uint64_t next_number;
  bool is_printed;
  int found;
} search_t;

static int next_odd(void *out, void *arg) {
  search_t *search = arg;

  *(uint64_t *)out = search->next_number;
  search->next_number += 2;
  return 0;
}

/* Runs on the pool, for several numbers at once. */
static int find_prime(void *out, void *in, void *arg) {
  uint64_t number = *(uint64_t *)in;

  (void)arg;
  for (uint64_t divisor = 3; divisor * divisor <= number; divisor += 2)
    if (number % divisor == 0) return WEIR_SKIP;
  *(uint64_t *)out = number;
  return 0;
}

static void on_prime(weir_range_t *range, const void *value, int status) {
  search_t *search = range->data;

  if (status) return; /* UV_EOF: all have been found */
  search->found++;
  if (search->is_printed) printf("\t%" PRIu64 "\n", *(const uint64_t *)value);
}

/* Returns how many seconds it took. */
static double run(search_t *search, weir_loop_t *loop, size_t workers) {
  weir_ctx_t *ctx = weir_loop_background(loop);
  uint64_t start = uv_hrtime();
  weir_chan_t *odd = weir_pipe_generate(ctx, WEIR_TYPE(uint64_t), next_odd, search);
  weir_chan_t *numbers = weir_pipe_take(ctx, odd, NUMBERS);
  weir_chan_t *primes =
      weir_pipe_work(ctx, numbers, WEIR_TYPE(uint64_t), workers, false, find_prime, NULL);

  search->range.data = search;
  weir_range_init(&search->range, ctx);
  weir_range_start(&search->range, primes, on_prime);
  weir_chan_unref(primes);
  weir_run(loop);
  return (double)(uv_hrtime() - start) / 1e9;
}

int main(void) {
  search_t alone = {.next_number = FIRST_NUMBER, .is_printed = true};
  search_t together = {.next_number = FIRST_NUMBER};
  uv_loop_t *uv = uv_default_loop();
  unsigned workers = uv_available_parallelism();
  weir_loop_t *loop;

  if (weir_loop_new(&loop, uv)) return 1;
  if (workers > POOL_SIZE) workers = POOL_SIZE;
  printf("Primes:\n");
  double slow = run(&alone, loop, 1);
  double fast = run(&together, loop, workers);
  printf("Search took: %.2fs with 1 worker, %.2fs with %u: %.1f times as fast\n", slow, fast,
         workers, slow / fast);

  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return alone.found != together.found || uv_loop_close(uv) != 0;
}
