/*
 * Round trips between two loops on two threads, over two rendezvous channels: idle loops, with the
 * look before sleeping (pingpong) and without it (pingpong_nospin), and loops that never sleep
 * (pingpong_busy).
 */
#include "trips.h"

enum { TRIPS = 20000 };

typedef struct game_s {
  weir_chan_t *ping, *pong;
  size_t trips;
  bool busy;  /* both loops */
  bool sleep; /* without a look before it */
  trips_figures_t figures;
} game_t;

/* Each returns the ball with its count of strokes. */
typedef struct player_s {
  weir_op_t op; /* first */
  weir_op_t work;
  weir_chan_t *in, *out;
  uint64_t ball;
  size_t left; /* strokes */
  trips_t trips;
} player_t;

/* The loop always has this to do until the game is over. */
static void on_worked(weir_op_t *op, int status) {
  player_t *player = op->data;

  bench_expect(status == 0);
  if (player->left > 0) bench_expect(weir_yield(op, on_worked) == 0);
}

static void player_init(player_t *player, const bench_t *bench, const game_t *game) {
  *player = (player_t){.left = game->trips};
  weir_op_init(&player->op, bench->ctx);
  weir_op_init(&player->work, bench->ctx);
  player->work.data = player;
  if (game->sleep) weir_loop_set_spin(bench->loop, 0);
  if (game->busy) bench_expect(weir_yield(&player->work, on_worked) == 0);
}

/* here: sends, then receives */

static void on_returned(weir_op_t *op, int status);

static void on_served(weir_op_t *op, int status) {
  player_t *player = (player_t *)op;

  bench_expect(status == 0);
  bench_expect(weir_chan_recv(op, player->in, &player->ball, on_returned) == 0);
}

static void on_returned(weir_op_t *op, int status) {
  player_t *player = (player_t *)op;

  bench_expect(status == 0);
  player->left--;
  if (trips_next(&player->trips))
    bench_expect(weir_chan_send(op, player->out, &player->ball, on_served) == 0);
}

static void serve(const bench_t *bench, void *arg) {
  game_t *game = arg;
  player_t player;

  player_init(&player, bench, game);
  player.out = game->ping;
  player.in = game->pong;
  trips_init(&player.trips, game->trips);
  bench_meet(bench);
  trips_start(&player.trips);
  bench_expect(weir_chan_send(&player.op, player.out, &player.ball, on_served) == 0);
  bench_run(bench);
  bench_expect(player.ball == game->trips);
  trips_finish(&player.trips, &game->figures);
}

/* there: receives, then sends */

static void on_sent(weir_op_t *op, int status);

static void on_received(weir_op_t *op, int status) {
  player_t *player = (player_t *)op;

  bench_expect(status == 0);
  player->ball++;
  bench_expect(weir_chan_send(op, player->out, &player->ball, on_sent) == 0);
}

static void on_sent(weir_op_t *op, int status) {
  player_t *player = (player_t *)op;

  bench_expect(status == 0);
  if (--player->left > 0)
    bench_expect(weir_chan_recv(op, player->in, &player->ball, on_received) == 0);
}

static void give_back(const bench_t *bench, void *arg) {
  game_t *game = arg;
  player_t player;

  player_init(&player, bench, game);
  player.in = game->ping;
  player.out = game->pong;
  bench_expect(weir_chan_recv(&player.op, player.in, &player.ball, on_received) == 0);
  bench_meet(bench);
  bench_run(bench);
}

/* games */

static void play(const bench_t *bench, game_t *game) {
  game->trips = bench_scaled(bench, TRIPS);
  game->ping = bench_shared(0);
  game->pong = bench_shared(0);
  bench_beside(bench, give_back, serve, game);
  weir_chan_unref(game->ping);
  weir_chan_unref(game->pong);
}

void bench_pingpong(const bench_t *bench) {
  play(bench, &(game_t){.figures = TRIPS_FIGURES("pingpong")});
}

void bench_pingpong_nospin(const bench_t *bench) {
  play(bench, &(game_t){.sleep = true, .figures = TRIPS_FIGURES("pingpong_nospin")});
}

void bench_pingpong_busy(const bench_t *bench) {
  play(bench, &(game_t){.busy = true, .figures = TRIPS_FIGURES("pingpong_busy")});
}
