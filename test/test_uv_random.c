/*
 * Description: streams that are written, read, shut down, cancelled and closed at random moments,
 * by peers that read, write, close and reset as they like.
 *
 * Whatever happens, each op completes once, with a status that it may have; what an op used, the
 * stream included, is freed by the first callback that allows it; what is read is in order; nothing
 * is left.
 *
 * A run is repeated by WEIR_SEED, as far as the system lets it; WEIR_RUNS says how many there are
 * from that seed on.
 */
#include <stdio.h>

#include "random.h" /* lib's */
#include "support/peers.h"

enum { STREAMS = 6, STEPS = 250, LENGTH_MAX = 200000 };

typedef struct line_s {
  near_t *near; /* NULL: has been closed, and freed */
  int far;      /* -1: closed */
  weir_ctx_t *ctx;
  bool is_unconnected, is_connecting;
  /* reading */
  weir_chan_t *ch;
  weir_op_t recv;
  weir_chunk_t chunk;
  size_t pushed, received; /* places */
  bool has_gap;            /* something has been read that nobody received */
} line_t;

typedef enum part_kind_e { CONNECT, WRITE, SHUTDOWN, CLOSE } part_kind_t;

/* An op other than those that receive. */
typedef struct part_s {
  weir_op_t op; /* first */
  struct part_s *next, **at;
  part_kind_t kind;
  line_t *line;
  char *bytes;
  bool is_late; /* started under a cancelled context: it touches nothing */
} part_t;

static struct {
  weir__random_t random;
  own_t own;
  line_t lines[STREAMS];
  part_t *parts; /* that are pending */
  deaf_t deaf;
  address_t address, nobody;
  int listener, nobody_fd, accepted[STREAMS * STEPS], accepts;
  bool is_closing;
} run;

static uint32_t draw(uint32_t n) {
  return weir__random_below(&run.random, n);
}

/* ops */

/* Whether the stream's memory is the test's again. */
static bool closes(const part_t *part, int status) {
  if (part->kind == CLOSE) return true;
  return !part->is_late && (status == UV_ECANCELED || status == UV_ETIMEDOUT);
}

static void check_status(const part_t *part, int status) {
  if (part->kind == CLOSE) ensure_eq(status, 0);
  ensure(status == 0 || status == UV_ECANCELED || status == UV_ETIMEDOUT || status == UV_EPIPE ||
         status == UV_ECONNRESET || status == UV_ECONNREFUSED || status == UV_ENOTCONN);
}

static void on_part(weir_op_t *op, int status) {
  part_t *part = (part_t *)op;

  check_status(part, status);
  *part->at = part->next;
  if (part->next) part->next->at = part->at;
  if (part->kind == CONNECT) part->line->is_connecting = false;
  if (closes(part, status) && part->line->near) {
    ensure(uv_is_closing(&part->line->near->handle));
    free(part->line->near);
    part->line->near = NULL;
  }
  free(part->bytes);
  free(part);
}

static part_t *part_new(line_t *line, part_kind_t kind) {
  part_t *part = calloc(1, sizeof(*part));
  weir_ctx_t *ctx = draw(3) ? line->ctx : run.own.bg;

  part->kind = kind;
  part->line = line;
  part->is_late = weir_ctx_err(ctx) != 0;
  weir_op_init(&part->op, ctx);
  return part;
}

/* The loop has closed. */
static void close_by_hand(line_t *line, int err) {
  ensure_eq(err, UV_ECANCELED);
  near_close(line->near);
  line->near = NULL;
}

/* It has been started, or refused. */
static void part_started(part_t *part, int err) {
  if (err) {
    if (part->kind == CLOSE) close_by_hand(part->line, err);
    if (part->kind == CONNECT) part->line->is_connecting = false;
    free(part->bytes);
    free(part);
    return;
  }
  part->next = run.parts;
  part->at = &run.parts;
  if (part->next) part->next->at = &part->next;
  run.parts = part;
}

static void start_connect(line_t *line) {
  const address_t *addresses[] = {&run.deaf.address, &run.address, &run.nobody};
  part_t *part;

  if (!line->is_unconnected || line->is_connecting) return;
  line->is_connecting = true;
  part = part_new(line, CONNECT);
  part_started(part, weir_uv_connect(&part->op, &line->near->tcp,
                                     (const struct sockaddr *)addresses[draw(3)], on_part));
}

/* Behind a connection that fails writes are cancelled without a close: that is not tried here. */
static void start_write(line_t *line) {
  part_t *part = part_new(line, WRITE);
  unsigned length = 1 + draw(draw(2) ? 100 : LENGTH_MAX);
  uv_buf_t buf;

  part->bytes = stamped(length, 0);
  buf = uv_buf_init(part->bytes, length);
  part_started(part, weir_uv_write(&part->op, &line->near->stream, &buf, 1, on_part));
}

static void start_shutdown(line_t *line) {
  part_t *part = part_new(line, SHUTDOWN);

  part_started(part, weir_uv_shutdown(&part->op, &line->near->stream, on_part));
}

static void start_close(line_t *line) {
  part_t *part = part_new(line, CLOSE);

  part_started(part, weir_uv_close(&part->op, &line->near->handle, on_part));
}

static void cancel_any(void) {
  part_t *part = run.parts;
  int err;

  for (uint32_t n = draw(8); part && n > 0; n--) part = part->next;
  if (!part) return;
  err = weir_op_cancel(&part->op);
  ensure(err == 0 || err == UV_EALREADY || (err == UV_EBUSY && part->kind == CLOSE));
}

/* reading */

static void drop_channel(line_t *line) {
  weir_chan_t *ch = line->ch;

  line->ch = NULL;
  line->has_gap = true; /* what is on its way to the channel is lost */
  weir_chan_unref(ch);
}

static void take_chunk(line_t *line) {
  ensure(line->chunk.len > 0);
  if (!line->has_gap) ensure(is_stamped(line->chunk.base, line->chunk.len, line->received));
  line->received += line->chunk.len;
  ensure(line->received <= line->pushed);
  weir_chunk_free(&line->chunk);
}

static void on_recv(weir_op_t *op, int status);

static void receive(line_t *line) {
  weir_op_init(&line->recv, draw(2) ? line->ctx : run.own.bg);
  line->recv.data = line;
  ensure_eq(weir_chan_recv(&line->recv, line->ch, &line->chunk, on_recv), 0);
}

static void on_recv(weir_op_t *op, int status) {
  line_t *line = op->data;

  if (status == 0) take_chunk(line);
  if (!line->ch) return;
  if (status || !draw(20))
    drop_channel(line);
  else
    receive(line);
}

static void start_read(line_t *line) {
  if (line->ch || weir_op_pending(&line->recv)) return;
  line->ch = weir_uv_read(draw(3) ? line->ctx : run.own.bg, &line->near->stream, draw(3));
  ensure(line->ch != NULL);
  if (draw(4)) receive(line);
}

static void close_channel(line_t *line) {
  line->has_gap = true;
  weir_chan_close(line->ch); /* perhaps again */
}

static void receive_or_drop(line_t *line) {
  uint32_t what = draw(4);

  if (!line->ch) return;
  if (what == 0)
    close_channel(line);
  else if (what == 1)
    drop_channel(line);
  else if (!weir_op_pending(&line->recv))
    receive(line);
}

/* the other side */

static void far_act(line_t *line) {
  char bytes[65536];
  uint32_t what = draw(40);

  if (line->far < 0) return;
  if (what == 0) {
    far_reset(line->far);
    line->far = -1;
  } else if (what == 1) {
    close(line->far);
    line->far = -1;
  } else if (what == 2) {
    shutdown(line->far, SHUT_WR);
  } else if (what < 20) {
    while (read(line->far, bytes, sizeof(bytes)) > 0 && draw(4)) continue;
  } else {
    size_t length = 1 + draw(20000);
    char *stamps = stamped(length, line->pushed);
    ssize_t n = write(line->far, stamps, length);

    if (n > 0) line->pushed += (size_t)n;
    free(stamps);
  }
}

/* lines */

static void line_open(line_t *line) {
  wire_t wire = {.far = -1};

  *line = (line_t){.is_unconnected = draw(3) == 0};
  if (line->is_unconnected)
    wire.near = near_new(&run.own.uv, A_TCP);
  else
    wire_open_on(&run.own.uv, &wire, draw(2) ? A_TCP : A_PIPE);
  line->near = wire.near;
  line->far = wire.far;
  line->ctx =
      draw(5) ? weir_ctx_with_cancel(run.own.bg) : weir_ctx_with_timeout(run.own.bg, draw(10));
  weir_op_init(&line->recv, run.own.bg);
}

static void renew_context(line_t *line) {
  weir_ctx_cancel(line->ctx);
  weir_ctx_unref(line->ctx);
  line->ctx = weir_ctx_with_cancel(run.own.bg);
}

static void act_near(line_t *line) {
  switch (draw(12)) {
  case 0:
    start_connect(line);
    break;
  case 1:
  case 2:
  case 3:
  case 4:
    if (!line->is_connecting) start_write(line);
    break;
  case 5:
  case 6:
  case 7:
    start_read(line);
    break;
  case 8:
    receive_or_drop(line);
    break;
  case 9:
    if (!line->is_connecting && !draw(3)) start_shutdown(line);
    break;
  case 10:
    if (!draw(3)) start_close(line);
    break;
  default:
    if (!draw(3)) renew_context(line);
  }
}

static void accept_all(void) {
  int fd = accept(run.listener, NULL, NULL);

  if (fd >= 0) run.accepted[run.accepts++] = fd;
}

static void act(void) {
  line_t *line = &run.lines[draw(STREAMS)];

  switch (draw(8)) {
  case 0:
  case 1:
    uv_run(&run.own.uv, UV_RUN_NOWAIT);
    break;
  case 2:
  case 3:
    far_act(line);
    break;
  case 4:
    if (!draw(4)) cancel_any();
    break;
  case 5:
    accept_all();
    break;
  default:
    if (line->near) act_near(line);
  }
}

/* the run */

static void run_open(uint64_t seed) {
  memset(&run, 0, sizeof(run));
  run.random.state = seed;
  snprintf(support_note, sizeof(support_note), "WEIR_SEED=%llu", (unsigned long long)seed);
  own_open(&run.own);
  weir_loop_seed(run.own.loop, seed);
  deaf_open(&run.deaf);
  run.listener = unblocked(socket_listening(&run.address));
  run.nobody_fd = socket_bound(&run.nobody);
  for (int i = 0; i < STREAMS; i++) line_open(&run.lines[i]);
}

/* Either by hand, stream by stream, or by way of the loop. */
static void close_lines(void) {
  for (int i = 0; i < STREAMS; i++) {
    line_t *line = &run.lines[i];

    if (line->ch) drop_channel(line);
    if (line->near) start_close(line);
    weir_ctx_cancel(line->ctx);
    if (draw(2)) uv_run(&run.own.uv, UV_RUN_NOWAIT);
  }
}

static void run_close(void) {
  if (draw(2)) {
    close_lines();
    ensure_eq((long long)weir_run(run.own.loop), 0);
    weir_loop_close(run.own.loop, own_on_closed, &run.own);
  } else {
    weir_loop_close(run.own.loop, own_on_closed, &run.own);
    close_lines();
  }
  own_await_closed(&run.own);
  ensure(run.parts == NULL);
  for (int i = 0; i < STREAMS; i++) {
    ensure(run.lines[i].near == NULL && run.lines[i].ch == NULL);
    ensure(!weir_op_pending(&run.lines[i].recv));
    weir_ctx_unref(run.lines[i].ctx);
    if (run.lines[i].far >= 0) close(run.lines[i].far);
  }
  for (int i = 0; i < run.accepts; i++) close(run.accepted[i]);
  deaf_close(&run.deaf);
  close(run.listener);
  close(run.nobody_fd);
}

static uint64_t number(const char *name, uint64_t otherwise) {
  const char *given = getenv(name);

  return given ? strtoull(given, NULL, 10) : otherwise;
}

START_TEST(each_op_completes_once_whatever_happens) {
  uint64_t seed = number("WEIR_SEED", uv_hrtime());
  uint64_t runs = number("WEIR_RUNS", support_under_valgrind() ? 10 : 150);
  size_t outstanding = support_outstanding();

  for (uint64_t i = 0; i < runs; i++) {
    run_open(seed + i);
    for (int step = 0; step < STEPS; step++) act();
    run_close();
    ensure_eq((long long)support_outstanding(), (long long)outstanding);
  }
}
END_TEST

static const support_test_t tests[] = {
    T(each_op_completes_once_whatever_happens),
};

SUITE_MAIN("uv_random", tests)
