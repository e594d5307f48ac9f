/*
 * What holds for each stage that passes values on unchanged (a passer): checks, one for each way
 * that a stream can go. A test of a program runs one over its stages:
 *
 *   START_TEST(cancellation_cuts_the_stream) {
 *     CHECK_EACH(stages, passer_cancelled_midway);
 *   }
 *   END_TEST
 *
 * Time is virtual, but where a check says otherwise.
 */
#ifndef WEIR_TEST_PASSERS_H
#define WEIR_TEST_PASSERS_H

#ifndef _WIN32
#include <sys/resource.h>
#endif

#include "pipes.h"
#include "shared.h"

/* Build a stage of pieces, and one of the input's type, with which it does the same. */
typedef struct passer_s {
  const char *name;
  weir_chan_t *(*build)(weir_ctx_t *ctx, weir_chan_t *in);
} passer_t;

#define ck_passer_ended(passer, sink, n, wanted)                                                   \
  do {                                                                                             \
    ck_of(passer, (sink)->count == (n));                                                           \
    ck_of(passer, (sink)->ends == 1);                                                              \
    ck_of(passer, (sink)->status == (wanted));                                                     \
    ck_sink_counts((sink), 0, 1);                                                                  \
  } while (0)

/* the end of the input */

static inline void passer_to_the_end(const passer_t *passer) {
  sink_t sink = {.take = piece_receive};

  sink_start(&sink, passer->build(bg, pieces_up_to(10)));
  weir_run(loop);
  ck_passer_ended(passer, &sink, 10, UV_EOF);
  ck_of(passer, pieces.received == 10);
}

/* From a sender that waits for each value to be taken. */
static inline void passer_of_a_rendezvous(const passer_t *passer) {
  sink_t sink = {.take = piece_receive};
  piece_t sent[10];

  for (int i = 0; i < 10; i++) sent[i] = piece(i);
  sink_start(&sink, passer->build(bg, weir_pipe_from(bg, &piece_type, sent, 10)));
  weir_run(loop);
  ck_passer_ended(passer, &sink, 10, UV_EOF);
  ck_of(passer, pieces.received == 10);
}

static inline void passer_of_nothing(const passer_t *passer) {
  sink_t sink = {0};

  sink_start(&sink, passer->build(bg, pieces_up_to(0)));
  weir_run(loop);
  ck_passer_ended(passer, &sink, 0, UV_EOF);
}

static inline void passer_of_a_failure(const passer_t *passer) {
  weir_chan_t *in = new_pieces(3);
  sink_t sink = {.take = piece_receive};

  for (int i = 0; i < 3; i++) put_piece(in, i);
  weir_chan_close_with(in, UV_ECONNRESET);
  sink_start(&sink, passer->build(bg, in));
  weir_run(loop);
  ck_passer_ended(passer, &sink, 3, UV_ECONNRESET);
}

/* Dropped by its last holder, not closed: an end like any other. */
static inline void passer_of_a_dropped_input(const passer_t *passer) {
  weir_chan_t *in = new_pieces(1);
  sink_t sink = {.take = piece_receive};

  sink_start(&sink, passer->build(bg, weir_chan_ref(in)));
  put_piece(in, 0);
  weir_run(loop);
  ck_of(passer, sink.count == 1 && sink.ends == 0);
  weir_chan_close(in);
  weir_chan_unref(in);
  weir_run(loop);
  ck_passer_ended(passer, &sink, 1, UV_EOF);
}

/* kinds of values */

static inline void passer_of_signals(const passer_t *passer) {
  sink_t sink = {0};

  sink_start(&sink, passer->build(bg, signals_up_to(5)));
  weir_run(loop);
  ck_of(passer, sink.count == 5 && sink.ends == 1 && sink.status == UV_EOF);
}

static inline void passer_of_bytes(const passer_t *passer, size_t size) {
  const weir_type_t type = {.size = size};
  weir_chan_t *in = weir_chan_new(loop, &type, 5), *out;
  unsigned char bytes[BYTES_MAX + 1];
  probe_t recv;

  for (int i = 0; i < 5; i++) {
    bytes_fill(bytes, size, i);
    ck_assert_int_eq(weir_chan_try_send(in, bytes), 0);
  }
  out = passer->build(bg, in);
  for (int i = 0; i < 5; i++) {
    memset(bytes, 0xee, sizeof(bytes));
    probe_init(&recv, bg);
    ck_assert_int_eq(weir_chan_recv(&recv.op, out, bytes, probe_note), 0);
    weir_run(loop);
    ck_of(passer, recv.calls == 1 && recv.status == 0);
    ck_of(passer, bytes_are(bytes, size, i));
    ck_of(passer, bytes[size] == 0xee);
  }
  weir_chan_unref(out);
  ck_nothing_left();
}

static inline void passer_of_odd_sizes(const passer_t *passer) {
  const size_t sizes[] = {1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 33, 127, BYTES_MAX};

  for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) passer_of_bytes(passer, sizes[i]);
}

/* cancelled */

/* Its input neither brings anything nor ends, and has gone with the stage. */
static inline void passer_cancelled_while_it_waits(const passer_t *passer) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *in = new_pieces(0);
  sink_t sink = {0};

  sink_start(&sink, passer->build(ctx, weir_chan_ref(in)));
  weir_run(loop);
  ck_of(passer, sink.ends == 0);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_passer_ended(passer, &sink, 0, UV_ECANCELED);
  weir_ctx_unref(ctx);
  weir_chan_unref(in);
}

/* A value that had left the stage when it was cancelled still comes. */
static inline void passer_cancelled_midway(const passer_t *passer) {
  sink_t sink = {.take = piece_receive, .at = 3, .then = sink_cancel};

  sink.victim = weir_ctx_with_cancel(bg);
  sink_start(&sink, passer->build(sink.victim, pieces_up_to(20)));
  weir_run(loop);
  ck_of(passer, sink.count >= 3 && sink.count <= 8);
  ck_passer_ended(passer, &sink, sink.count, UV_ECANCELED);
  ck_of(passer, pieces.dropped == 20 - sink.count);
  weir_ctx_unref(sink.victim);
}

/* With values in hand that nobody takes. */
static inline void passer_cancelled_with_a_value(const passer_t *passer) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *out = passer->build(ctx, pieces_up_to(3));

  weir_run(loop);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_of(passer, weir_chan_closed(out));
  weir_chan_unref(out);
  ck_of(passer, pieces.dropped == 3);
  weir_ctx_unref(ctx);
}

static inline void passer_timed_out(const passer_t *passer) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 50);
  weir_chan_t *in = new_pieces(4);
  sink_t sink = {.take = piece_receive};

  put_piece(in, 0);
  put_piece(in, 1);
  sink_start(&sink, passer->build(ctx, weir_chan_ref(in)));
  weir_run(loop);
  ck_passer_ended(passer, &sink, 2, UV_ETIMEDOUT);
  weir_ctx_unref(ctx);
  weir_chan_unref(in);
}

static inline void passer_under_a_cancelled_context(const passer_t *passer) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive};

  weir_ctx_cancel(ctx);
  sink_start(&sink, passer->build(ctx, pieces_up_to(3)));
  weir_run(loop);
  ck_passer_ended(passer, &sink, 0, UV_ECANCELED);
  weir_ctx_unref(ctx);
}

/* The stage holds its context. */
static inline void passer_whose_context_is_let_go_of(const passer_t *passer) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive};

  sink_start(&sink, passer->build(ctx, pieces_up_to(3)));
  weir_ctx_unref(ctx);
  weir_run(loop);
  ck_passer_ended(passer, &sink, 3, UV_EOF);
}

/* abandoned */

static inline void passer_abandoned_at_once(const passer_t *passer) {
  weir_chan_unref(passer->build(bg, endless_pieces()));
  ck_nothing_left();
}

static inline void passer_abandoned_while_it_waits(const passer_t *passer) {
  weir_chan_t *in = new_pieces(0), *out = passer->build(bg, weir_chan_ref(in));

  weir_run(loop);
  weir_chan_unref(out);
  weir_run(loop);
  ck_of(passer, pipe_stats().stages == 0 && pipe_stats().ops_parked == 0);
  weir_chan_unref(in);
}

static inline void passer_abandoned_with_a_value(const passer_t *passer) {
  weir_chan_t *out = passer->build(bg, endless_pieces());

  weir_run(loop);
  weir_chan_unref(out);
}

static inline void passer_abandoned_midway(const passer_t *passer) {
  sink_t sink = {.take = piece_receive, .at = 4, .then = sink_stop};

  sink_start(&sink, passer->build(bg, endless_pieces()));
  weir_run(loop);
  ck_of(passer, sink.count == 4 && sink.ends == 0);
  ck_of(passer, pieces.received == 4);
}

static inline void passer_closed_by_its_consumer(const passer_t *passer) {
  weir_chan_t *out = passer->build(bg, endless_pieces());

  weir_run(loop);
  ck_assert_int_eq(weir_chan_close(out), 0);
  ck_of(passer, weir_run(loop) == 0);
  ck_of(passer, pipe_stats().stages == 0);
  ck_of(passer, pipe_stats().channels == 1);
  weir_chan_unref(out);
}

/* A stage that waits does not learn of it before it sends. */
static inline void passer_closed_while_it_waits(const passer_t *passer) {
  weir_chan_t *in = new_pieces(0), *out = passer->build(bg, weir_chan_ref(in));

  weir_run(loop);
  weir_chan_close(out);
  weir_chan_unref(out);
  ck_of(passer, weir_run(loop) == 1);
  put_piece(in, 0);
  ck_of(passer, weir_run(loop) == 0);
  ck_of(passer, pipe_stats().stages == 0);
  weir_chan_unref(in);
}

/* what is refused */

static inline void passer_of_null(const passer_t *passer) {
  ck_of(passer, passer->build(bg, NULL) == NULL);
  ck_of(passer, passer->build(NULL, NULL) == NULL);
}

static inline void passer_under_null(const passer_t *passer) {
  ck_of(passer, passer->build(NULL, pieces_up_to(3)) == NULL);
  ck_nothing_left();
  ck_of(passer, pieces.dropped == 3);
}

static inline void passer_of_another_loop(const passer_t *passer) {
  weir_stats_t stats;
  own_t own;

  own_open(&own);
  ck_of(passer, passer->build(bg, weir_chan_new(own.loop, &piece_type, 1)) == NULL);
  ck_of(passer, passer->build(own.bg, pieces_up_to(1)) == NULL);
  weir_stats(own.loop, &stats);
  ck_of(passer, stats.channels == 0 && stats.contexts == 0);
  own_close(&own);
}

static inline void passer_of_a_closed_loop(const passer_t *passer) {
  own_t own;
  weir_ctx_t *ctx;
  weir_chan_t *in;
  piece_t sent = piece(0);

  own_open(&own);
  ctx = weir_ctx_with_cancel(own.bg);
  in = weir_chan_new(own.loop, &piece_type, 1);
  ck_assert_int_eq(weir_chan_try_send(in, &sent), 0);
  own_close(&own);
  ck_of(passer, passer->build(ctx, in) == NULL);
  ck_of(passer, pieces.dropped == 1);
  weir_ctx_unref(ctx);
}

static inline weir_chan_t *passer_build(void *arg) {
  const passer_t *passer = arg;
  piece_t sent[2] = {piece(0), piece(1)};

  return passer->build(bg, weir_pipe_from(bg, &piece_type, sent, 2));
}

static inline void passer_without_memory(const passer_t *passer) {
  ck_fails_cleanly(passer_build, (void *)(uintptr_t)passer);
}

/* around it */

static inline void passer_from_a_shared_channel(const passer_t *passer) {
  weir_chan_t *in = weir_chan_new_shared(&piece_type, 4);
  sink_t sink = {.take = piece_receive};

  put_piece(in, 0);
  sink_start(&sink, passer->build(bg, weir_chan_ref(in)));
  put_piece(in, 1);
  settle();
  put_piece(in, 2);
  weir_chan_close(in);
  weir_run(loop);
  ck_passer_ended(passer, &sink, 3, UV_EOF);
  weir_chan_unref(in);
}

/* A stage that waits at one keeps the loop alive; one that nobody receives from does not. */
static inline void passer_abandoned_at_a_shared_channel(const passer_t *passer) {
  weir_chan_t *in = weir_chan_new_shared(&piece_type, 4);
  weir_chan_t *out = passer->build(bg, weir_chan_ref(in));

  ck_of(passer, settle() == 1);
  weir_chan_unref(out);
  ck_nothing_left();
  weir_chan_unref(in);
}

/* Two stages share an input: one that goes does not take it along. */
static inline void passer_beside_another(const passer_t *passer) {
  weir_chan_t *in = new_pieces(0);
  weir_chan_t *first = passer->build(bg, weir_chan_ref(in));
  sink_t sink = {.take = piece_receive};

  sink_start(&sink, passer->build(bg, weir_chan_ref(in)));
  weir_run(loop);
  weir_chan_unref(first);
  weir_run(loop);
  put_piece(in, 0);
  weir_run(loop);
  ck_of(passer, sink.count == 1);
  weir_chan_close(in);
  weir_chan_unref(in);
  weir_run(loop);
  ck_passer_ended(passer, &sink, 1, UV_EOF);
}

/* Closed while the stages are in the middle: of a thousand values, some have come. */
static inline void passer_whose_loop_closes(const passer_t *passer) {
  static piece_t sent[1000];
  sink_t sink = {.take = piece_receive};
  own_t own;

  own_open(&own);
  weir_loop_virtual_time(own.loop);
  for (int i = 0; i < 1000; i++) sent[i] = piece(i);
  sink_start_under(own.bg, &sink,
                   passer->build(own.bg, weir_pipe_from(own.bg, &piece_type, sent, 1000)));
  for (int turns = 0; sink.count == 0 && turns < 100; turns++) uv_run(&own.uv, UV_RUN_NOWAIT);
  ck_of(passer, sink.count > 0 && sink.ends == 0);
  own_close(&own);
  ck_of(passer, sink.ends == 1 && sink.status == UV_ECANCELED);
  ck_of(passer, pieces.received == sink.count);
}

static struct {
  const passer_t *passer;
  sink_t sink;
} passer_inner;

static inline void passer_build_inner(sink_t *outer) {
  (void)outer;
  sink_start(&passer_inner.sink, passer_inner.passer->build(bg, pieces_up_to(4)));
}

static inline void passer_built_in_a_callback(const passer_t *passer) {
  sink_t outer = {.take = piece_receive, .at = 2, .then = passer_build_inner};

  passer_inner.passer = passer;
  passer_inner.sink = (sink_t){.take = piece_receive};
  sink_start(&outer, passer->build(bg, pieces_up_to(4)));
  weir_run(loop);
  ck_passer_ended(passer, &outer, 4, UV_EOF);
  ck_passer_ended(passer, &passer_inner.sink, 4, UV_EOF);
}

/* A thousand values take no memory. */
static inline void passer_hop(const passer_t *passer) {
  sink_t sink = {.take = piece_receive};
  size_t before;

  sink_start(&sink, passer->build(bg, passer->build(bg, pieces_up_to(1000))));
  before = support_allocations();
  weir_run(loop);
  ck_of(passer, support_allocations() == before);
  ck_passer_ended(passer, &sink, 1000, UV_EOF);
}

/* long chains: with so little stack, recursion would overflow it */

enum { CHAIN = 10000, CHAIN_STACK = 256 * 1024 };

#ifdef _WIN32
static inline void passer_limit_stack(bool limited) {
  (void)limited;
}
#else
static inline void passer_limit_stack(bool limited) {
  static rlim_t before;
  struct rlimit limit;

  ck_assert_int_eq(getrlimit(RLIMIT_STACK, &limit), 0);
  if (limited) before = limit.rlim_cur;
  limit.rlim_cur = limited ? CHAIN_STACK : before;
  ck_assert_int_eq(setrlimit(RLIMIT_STACK, &limit), 0);
}
#endif

static inline weir_chan_t *passer_chain(const passer_t *passer, weir_ctx_t *ctx, weir_chan_t *ch) {
  passer_limit_stack(true);
  for (int i = 0; i < CHAIN; i++) ch = passer->build(ctx, ch);
  ck_of(passer, pipe_stats().stages >= CHAIN);
  return ch;
}

static inline void passer_chain_to_the_end(const passer_t *passer) {
  sink_t sink = {.take = piece_receive};

  sink_start(&sink, passer_chain(passer, bg, pieces_up_to(2)));
  weir_run(loop);
  passer_limit_stack(false);
  ck_passer_ended(passer, &sink, 2, UV_EOF);
}

static inline void passer_chain_cancelled(const passer_t *passer) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_chan_t *in = new_pieces(0);
  sink_t sink = {.take = piece_receive};

  sink_start(&sink, passer_chain(passer, ctx, weir_chan_ref(in)));
  put_piece(in, 0);
  weir_run(loop);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  passer_limit_stack(false);
  ck_passer_ended(passer, &sink, 1, UV_ECANCELED);
  weir_ctx_unref(ctx);
  weir_chan_unref(in);
}

static inline void passer_chain_abandoned(const passer_t *passer) {
  weir_chan_t *in = new_pieces(0), *out = passer_chain(passer, bg, weir_chan_ref(in));

  put_piece(in, 0);
  weir_run(loop);
  weir_chan_unref(out);
  weir_run(loop);
  passer_limit_stack(false);
  ck_of(passer, pipe_stats().stages == 0 && pipe_stats().ops_parked == 0);
  weir_chan_unref(in);
}

#endif
