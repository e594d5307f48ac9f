/* The same round trips by uv_async_send between bare uv loops: idle (uv_pingpong), and busy. */
#include "trips.h"

enum { TRIPS = 20000 };

typedef struct side_s {
  uv_loop_t uv;
  uv_async_t async;
  uv_idle_t idle;
  uv_async_t *partner;
  size_t left;
  trips_t trips;
} side_t;

typedef struct game_s {
  side_t here, there;
} game_t;

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

static void side_init(side_t *side, uv_async_cb on_ball, uv_async_t *partner, size_t n, bool busy) {
  side->partner = partner;
  side->left = n;
  bench_expect(uv_loop_init(&side->uv) == 0);
  bench_expect(uv_async_init(&side->uv, &side->async, on_ball) == 0);
  bench_expect(uv_idle_init(&side->uv, &side->idle) == 0);
  side->async.data = side;
  if (busy) bench_expect(uv_idle_start(&side->idle, on_idle) == 0);
}

static void side_free(side_t *side) {
  bench_expect(side->left == 0);
  uv_close((uv_handle_t *)&side->async, NULL);
  uv_close((uv_handle_t *)&side->idle, NULL);
  uv_run(&side->uv, UV_RUN_DEFAULT);
  bench_expect(uv_loop_close(&side->uv) == 0);
}

static void on_returned(uv_async_t *async) {
  side_t *side = async->data;

  side->left--;
  if (trips_next(&side->trips))
    bench_expect(uv_async_send(side->partner) == 0);
  else
    uv_stop(&side->uv);
}

static void serve(const bench_t *bench, void *arg) {
  game_t *game = arg;
  side_t *side = &game->here;

  bench_meet(bench);
  trips_start(&side->trips);
  bench_expect(uv_async_send(side->partner) == 0);
  uv_run(&side->uv, UV_RUN_DEFAULT);
}

static void on_received(uv_async_t *async) {
  side_t *side = async->data;

  bench_expect(uv_async_send(side->partner) == 0);
  if (--side->left == 0) uv_stop(&side->uv);
}

static void give_back(const bench_t *bench, void *arg) {
  game_t *game = arg;

  bench_meet(bench);
  uv_run(&game->there.uv, UV_RUN_DEFAULT);
}

/* The handles live until both threads are done with them. */
static void play(const bench_t *bench, bool busy, trips_figures_t figures) {
  size_t n = bench_scaled(bench, TRIPS);
  game_t game;

  side_init(&game.here, on_returned, &game.there.async, n, busy);
  side_init(&game.there, on_received, &game.here.async, n, busy);
  trips_init(&game.here.trips, n);
  bench_beside(bench, give_back, serve, &game);
  trips_finish(&game.here.trips, &figures);
  side_free(&game.here);
  side_free(&game.there);
}

void bench_uv_pingpong(const bench_t *bench) {
  play(bench, false, TRIPS_FIGURES("uv_pingpong"));
}

void bench_uv_pingpong_busy(const bench_t *bench) {
  play(bench, true, TRIPS_FIGURES("uv_pingpong_busy"));
}
