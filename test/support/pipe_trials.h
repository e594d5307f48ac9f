/*
 * Trials that every pattern goes through: a stream of pieces flows from a feeder through the
 * pattern into a sink, and ends, or is cut at each place in turn. However it goes, each piece is
 * received or dropped, once, and nothing is left.
 */
#ifndef WEIR_TEST_PIPE_TRIALS_H
#define WEIR_TEST_PIPE_TRIALS_H

#include "pipes_more.h"

/* A pattern under trial. */
typedef struct pattern_s {
  weir_chan_t *(*build)(weir_ctx_t *ctx, weir_chan_t *in); /* a stage for pieces */
  void (*take)(void *value); /* what becomes of a value of its output; NULL: take_piece */
  bool is_ordered;
  bool has_threads;      /* calls on the pool: what comes when is the system's to say */
  int copies;            /* of each value; 0 for the one */
  uint64_t ms;           /* it waits for time to pass: the feeder's pace, in virtual time */
  void (*clear)(void);   /* what belongs to no stage, before each stream; or NULL */
  void (*abandon)(void); /* lets go of what `build` has made besides its output; or NULL */
} pattern_t;

/* A stream through it. */
typedef struct stream_s {
  weir_op_t op; /* first: counts the turns until the cut */
  const pattern_t *pattern;
  weir_ctx_t *ctx;
  feeder_t feeder;
  sink_t sink;
  int turns;
  void (*cut)(struct stream_s *stream);
} stream_t;

static inline void stream_init(stream_t *stream, const pattern_t *pattern) {
  memset(stream, 0, sizeof(*stream));
  taken_reset();
  if (pattern->clear) pattern->clear();
  stream->pattern = pattern;
  stream->feeder = (feeder_t){.n = 7, .status = UV_EOF, .ms = pattern->ms};
  stream->sink.take = pattern->take ? pattern->take : take_piece;
  stream->ctx = weir_ctx_with_cancel(bg);
}

static inline void stream_start(stream_t *stream) {
  weir_chan_t *in = feeder_start(&stream->feeder);
  weir_chan_t *out = stream->pattern->build(stream->ctx, in);

  ck_assert_ptr_nonnull(out);
  sink_start(&stream->sink, out);
}

static inline int stream_copies(const stream_t *stream) {
  return stream->pattern->copies > 0 ? stream->pattern->copies : 1;
}

/* It is over, whatever it brought. */
static inline void stream_finish(stream_t *stream) {
  weir_run(loop);
  weir_ctx_unref(stream->ctx);
  ck_nothing_left();
  ck_assert(stream->feeder.is_over);
  ck_pieces_ended();
  if (stream->pattern->is_ordered) ck_taken_in_order();
}

/* Either complete, or cut short. */
static inline void ck_stream_ended(const stream_t *stream, int status) {
  ck_assert_int_eq(stream->sink.ends, 1);
  if (stream->sink.status == UV_EOF)
    ck_taken_all(stream->feeder.n, stream_copies(stream));
  else
    ck_assert_int_eq(stream->sink.status, status);
}

/* the trials: the end */

static inline void trial_end_of(const pattern_t *pattern, feeder_t feeder, int status) {
  stream_t stream;

  stream_init(&stream, pattern);
  stream.feeder = feeder;
  stream.feeder.status = status;
  stream_start(&stream);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(stream.sink.ends, 1);
  ck_assert_int_eq(stream.sink.status, status);
  ck_taken_all(feeder.n, stream_copies(&stream));
  stream_finish(&stream);
}

/* All values come, then the input's own end; from local and shared channels of each capacity. */
static inline void trial_end(const pattern_t *pattern) {
  static const int statuses[] = {UV_EOF, UV_ECONNRESET};

  for (int n = 0; n <= 9; n += n < 2 ? 1 : 7)
    for (size_t capacity = 0; capacity <= 9; capacity += 3)
      for (int is_shared = 0; is_shared < 2; is_shared++)
        for (int i = 0; i < 2; i++)
          trial_end_of(pattern,
                       (feeder_t){.n = n, .capacity = capacity, .is_shared = is_shared > 0},
                       statuses[i]);
}

/* Open inputs that bring nothing do not keep the loop alive; what comes later is not lost. */
static inline void trial_silence(const pattern_t *pattern) {
  weir_chan_t *in = new_pieces(1);
  stream_t stream;

  stream_init(&stream, pattern);
  sink_start(&stream.sink, pattern->build(stream.ctx, weir_chan_ref(in)));
  for (int i = 0; i < 3; i++) {
    ck_assert_uint_gt(weir_run(loop), 0);
    ck_assert_int_eq(taken.count, i * stream_copies(&stream));
    put_piece(in, i);
  }
  weir_chan_close(in);
  weir_chan_unref(in);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&stream.sink, stream.sink.count, UV_EOF);
  ck_taken_all(3, stream_copies(&stream));
  stream.feeder.is_over = true;
  stream_finish(&stream);
}

/* the trials: cuts */

static inline void cut_by_cancel(stream_t *stream) {
  weir_ctx_cancel(stream->ctx);
}

static inline void cut_by_abandon(stream_t *stream) {
  if (stream->sink.ends == 0) sink_stop(&stream->sink);
  if (stream->pattern->abandon) stream->pattern->abandon();
}

static inline void cut_by_close(stream_t *stream) {
  (void)stream;
  weir_loop_close(loop, NULL, NULL);
}

static inline void stream_turn(weir_op_t *op, int status) {
  stream_t *stream = (stream_t *)op;

  ck_assert_int_eq(status, 0);
  if (stream->turns-- > 0)
    weir_yield(op, stream_turn);
  else
    stream->cut(stream);
}

/* After so many turns, or milliseconds where time passes. */
static inline void stream_cut_after(stream_t *stream, int turns, void (*cut)(stream_t *)) {
  stream->cut = cut;
  stream->turns = stream->pattern->ms > 0 ? 0 : turns;
  weir_op_init(&stream->op, bg);
  if (stream->pattern->ms > 0)
    weir_sleep(&stream->op, (uint64_t)turns, stream_turn);
  else
    stream_turn(&stream->op, 0);
}

static inline void stream_finish_closed(stream_t *stream) {
  loop_finish();
  weir_ctx_unref(stream->ctx);
  ck_assert_uint_eq(support_outstanding(), 0);
  ck_assert(stream->feeder.is_over);
  ck_pieces_ended();
  loop_renew();
}

static inline void loop_replace(void) {
  weir_loop_close(loop, NULL, NULL);
  loop_finish();
  loop_renew();
}

/* Whether it was complete before it was cut. Time becomes virtual only in a loop that is new. */
static inline bool trial_cut_at(const pattern_t *pattern, int turns, void (*cut)(stream_t *)) {
  stream_t stream;

  if (pattern->ms > 0) ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  stream_init(&stream, pattern);
  stream_start(&stream);
  stream_cut_after(&stream, turns, cut);
  if (cut == cut_by_close)
    stream_finish_closed(&stream);
  else
    stream_finish(&stream);
  if (cut != cut_by_abandon || stream.sink.ends > 0) ck_stream_ended(&stream, UV_ECANCELED);
  if (pattern->ms > 0 && cut != cut_by_close) loop_replace();
  return stream.sink.ends > 0 && stream.sink.status == UV_EOF;
}

/* At the first turn, at the next one, and so on. */
static inline void trial_cut_in_flow(const pattern_t *pattern, void (*cut)(stream_t *)) {
  enum { ENOUGH = 200, OF_THREADS = 40 };
  int turns = 0;

  while (!trial_cut_at(pattern, turns, cut) || pattern->has_threads)
    if (turns++ == (pattern->has_threads ? OF_THREADS : ENOUGH)) break;
  if (!pattern->has_threads) ck_assert(turns > 3 && turns < ENOUGH);
}

/* While the sink takes no more than `at` values, so that all are in the stage's hands. */
static inline void trial_cut_blocked_at(const pattern_t *pattern, int at, void (*cut)(stream_t *)) {
  stream_t stream;

  stream_init(&stream, pattern);
  stream.sink.at = at;
  stream.sink.then = sink_pause;
  stream_start(&stream);
  if (at == 0) sink_pause(&stream.sink);
  weir_run(loop);
  cut(&stream);
  if (cut == cut_by_close) {
    stream_finish_closed(&stream);
    ck_stream_ended(&stream, UV_ECANCELED);
    return;
  }
  weir_run(loop);
  weir_range_resume(&stream.sink.range);
  weir_run(loop);
  if (cut == cut_by_cancel) ck_stream_ended(&stream, UV_ECANCELED);
  stream_finish(&stream);
}

static inline void trial_cut(const pattern_t *pattern, void (*cut)(stream_t *)) {
  trial_cut_in_flow(pattern, cut);
  if (pattern->ms > 0) return;
  for (int at = 0; at < 7; at++) trial_cut_blocked_at(pattern, at, cut);
}

static inline void trial_cancel(const pattern_t *pattern) {
  trial_cut(pattern, cut_by_cancel);
}

static inline void trial_abandon(const pattern_t *pattern) {
  trial_cut(pattern, cut_by_abandon);
}

static inline void trial_close(const pattern_t *pattern) {
  trial_cut(pattern, cut_by_close);
}

/* Cancelled before anything: all ends with that, and nothing is taken. */
static inline void trial_born_cancelled(const pattern_t *pattern) {
  stream_t stream;

  stream_init(&stream, pattern);
  weir_ctx_cancel(stream.ctx);
  stream.feeder.capacity = 7;
  stream_start(&stream);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&stream.sink, 0, UV_ECANCELED);
  ck_assert_int_eq(taken.count, 0);
  stream_finish(&stream);
}

/* The deadline comes while the input is silent, or while the sink is. */
static inline void trial_deadline(const pattern_t *pattern) {
  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  for (int at = 0; at < 7; at++) {
    stream_t stream;

    stream_init(&stream, pattern);
    weir_ctx_unref(stream.ctx);
    stream.ctx = weir_ctx_with_timeout(bg, 1000);
    stream.feeder.status = 0;
    stream.sink.at = at;
    stream.sink.then = sink_pause;
    stream_start(&stream);
    weir_run(loop);
    weir_range_resume(&stream.sink.range);
    weir_run(loop);
    ck_assert_int_eq(stream.sink.ends, 1);
    ck_assert_int_eq(stream.sink.status, UV_ETIMEDOUT);
    stream_finish(&stream);
  }
  loop_replace();
}

/*
 * One who receives closes the output: with the next value the stage ends, though its output is held
 * and its input open.
 */
static inline void trial_closed_output(const pattern_t *pattern) {
  stream_t stream;
  weir_chan_t *out;

  stream_init(&stream, pattern);
  stream.feeder.status = 0;
  out = pattern->build(stream.ctx, feeder_start(&stream.feeder));
  sink_start(&stream.sink, weir_chan_ref(out));
  weir_chan_close(out);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_sink_ended(&stream.sink, 0, UV_EOF);
  ck_assert_uint_eq(pipe_stats().channels, 1);
  weir_chan_unref(out);
  stream_finish(&stream);
}

/* the trials: refusals */

/* The input is let go of with each: its pieces are dropped. */
static inline void ck_refuses(const pattern_t *pattern, weir_ctx_t *ctx, weir_chan_t *in) {
  int dropped = pieces.dropped;

  ck_assert_ptr_null(pattern->build(ctx, in));
  if (in) ck_assert_int_eq(pieces.dropped, dropped + 3);
}

static inline void trial_nulls(const pattern_t *pattern) {
  taken_reset();
  ck_refuses(pattern, bg, NULL);
  ck_refuses(pattern, NULL, pieces_up_to(3));
  ck_refuses(pattern, NULL, NULL);
  ck_nothing_left();
}

static inline void trial_other_loop(const pattern_t *pattern) {
  own_t own;

  taken_reset();
  own_open(&own);
  ck_refuses(pattern, own.bg, pieces_up_to(3));
  own_close(&own);
  ck_nothing_left();
}

static inline void trial_closed_loop(const pattern_t *pattern) {
  own_t own;
  weir_ctx_t *ctx;
  weir_chan_t *in = weir_chan_new_shared(&piece_type, 3);

  taken_reset();
  for (int i = 0; i < 3; i++) put_piece(in, i);
  own_open(&own);
  ctx = weir_ctx_with_cancel(own.bg);
  own_close(&own);
  ck_refuses(pattern, ctx, in);
  weir_ctx_unref(ctx);
  ck_nothing_left();
}

static weir_chan_t *trial_input;
static const pattern_t *trial_pattern;

static inline weir_chan_t *trial_build(void *arg) {
  (void)arg;
  return trial_pattern->build(bg, weir_chan_ref(trial_input));
}

/* No allocation can fail that leaves anything behind; the input's own is made before. */
static inline void trial_memory(const pattern_t *pattern) {
  size_t outstanding;

  taken_reset();
  trial_pattern = pattern;
  outstanding = support_outstanding();
  trial_input = weir_chan_new_shared(&piece_type, 0);
  ck_fails_cleanly(trial_build, NULL);
  weir_chan_unref(trial_input);
  ck_assert_uint_eq(support_outstanding(), outstanding);
}

#endif
