/*
 * For tests of stages: values that are followed one by one, sinks that note what an output brings,
 * inputs fed by hand, and what must hold when all is over.
 */
#ifndef WEIR_TEST_PIPES_H
#define WEIR_TEST_PIPES_H

#include <string.h>

#include "values.h"

enum { SINK_MAX = 1024, PIECES_MAX = 65536, BYTES_MAX = 300 };

static inline weir_stats_t pipe_stats(void) {
  weir_stats_t stats;

  weir_stats(loop, &stats);
  return stats;
}

/* Nothing is parked, and no stage has left anything behind. */
static inline void ck_nothing_left(void) {
  weir_stats_t stats;

  ck_assert_uint_eq(weir_run(loop), 0);
  stats = pipe_stats();
  ck_assert_uint_eq(stats.ops_parked, 0);
  ck_assert_uint_eq(stats.ops_runnable, 0);
  ck_assert_uint_eq(stats.stages, 0);
  ck_assert_uint_eq(stats.channels, 0);
  ck_assert_uint_eq(stats.contexts, 0);
  ck_assert_uint_eq(stats.timers, 0);
}

/*
 * A piece is an owned value, with a number, that is told from all others, its copies included. It
 * is made, then received or dropped, once.
 */
typedef struct piece_s {
  int number; /* first: what a sink notes */
  int id;
} piece_t;

static struct {
  bool is_alive[PIECES_MAX]; /* by id */
  int made, copied, received, dropped;
  int dropped_number[PIECES_MAX]; /* how many of that number */
  int copies_granted, copy_error; /* after so many, copies fail; an error of 0 grants all */
} pieces;

static inline void pieces_reset(void) {
  memset(&pieces, 0, sizeof(pieces));
}

/* Copies fail with `error` after n more. */
static inline void pieces_fail_copies_after(int n, int error) {
  pieces.copies_granted = n;
  pieces.copy_error = error;
}

static inline piece_t piece(int number) {
  ck_assert_int_lt(pieces.made, PIECES_MAX);
  ck_assert(number >= 0 && number < PIECES_MAX);
  pieces.is_alive[pieces.made] = true;
  return (piece_t){.number = number, .id = pieces.made++};
}

static inline void piece_end(const piece_t *ended) {
  ck_assert(ended->id >= 0 && ended->id < pieces.made);
  ck_assert_msg(pieces.is_alive[ended->id], "piece %d of number %d has ended twice", ended->id,
                ended->number);
  pieces.is_alive[ended->id] = false;
}

static inline void piece_drop(void *value) {
  piece_end(value);
  pieces.dropped++;
  pieces.dropped_number[((piece_t *)value)->number]++;
}

static inline void piece_receive(void *value) {
  piece_end(value);
  pieces.received++;
}

static inline int piece_copy(void *dst, const void *src) {
  const piece_t *original = src;
  piece_t copy;

  ck_assert(pieces.is_alive[original->id]);
  if (pieces.copy_error && pieces.copies_granted-- == 0) return pieces.copy_error;
  copy = piece(original->number);
  memcpy(dst, &copy, sizeof(copy));
  pieces.copied++;
  return 0;
}

static const weir_type_t piece_type = {sizeof(piece_t), piece_drop, piece_copy, "piece"};

/* None is alive: each has been received, or dropped. */
static inline void ck_pieces_ended(void) {
  ck_assert_int_eq(pieces.received + pieces.dropped, pieces.made);
}

static inline void put_piece(weir_chan_t *ch, int number) {
  piece_t sent = piece(number);

  ck_assert_int_eq(weir_chan_try_send(ch, &sent), 0);
}

/* Inputs: channels of the fixture's loop, with one reference; weir_chan_ref gives another away. */

static inline weir_chan_t *new_pieces(size_t capacity) {
  weir_chan_t *ch = weir_chan_new(loop, &piece_type, capacity);

  ck_assert_ptr_nonnull(ch);
  return ch;
}

/* The values 0 to n - 1, and the end. */
static inline weir_chan_t *ints_up_to(int n) {
  weir_chan_t *ch = new_ints((size_t)n);

  for (int i = 0; i < n; i++) put(ch, i);
  weir_chan_close(ch);
  return ch;
}

static inline weir_chan_t *pieces_up_to(int n) {
  weir_chan_t *ch = new_pieces((size_t)n);

  for (int i = 0; i < n; i++) put_piece(ch, i);
  weir_chan_close(ch);
  return ch;
}

static inline weir_chan_t *signals_up_to(int n) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, (size_t)n);

  for (int i = 0; i < n; i++) ck_assert_int_eq(weir_chan_try_send(ch, NULL), 0);
  weir_chan_close(ch);
  return ch;
}

/* Copies of 0 and 1, without an end: until nobody is there any more. */
static inline weir_chan_t *endless_pieces(void) {
  piece_t originals[2] = {piece(0), piece(1)};
  weir_chan_t *out = weir_pipe_repeat(bg, &piece_type, originals, 2);

  for (int i = 0; i < 2; i++) piece_drop(&originals[i]);
  return out;
}

/*
 * A sink ranges over an output and notes what it brings. It takes the reference over, so that the
 * output is abandoned when it stops.
 *
 *   sink_t sink = {.at = 3, .then = sink_stop};
 *   sink_start(&sink, weir_pipe_take(..));
 */
typedef struct sink_s sink_t;
struct sink_s {
  weir_range_t range; /* first */
  /* options */
  void (*take)(void *value);  /* what becomes of each value besides */
  int at;                     /* after that many values .. */
  void (*then)(sink_t *sink); /* .. do this */
  weir_ctx_t *victim;         /* of sink_cancel */
  /* results */
  int values[SINK_MAX]; /* the int that a value starts with */
  uint64_t times[SINK_MAX];
  int count, ends;
  int status; /* of the end */
  /* private */
  size_t size;
  weir_ctx_t *ctx;
};

static inline void sink_note_value(sink_t *sink, void *value) {
  if (sink->count < SINK_MAX) {
    if (sink->size >= sizeof(int)) memcpy(&sink->values[sink->count], value, sizeof(int));
    sink->times[sink->count] = weir_now(weir_ctx_loop(sink->ctx));
  }
  sink->count++;
  if (sink->take) sink->take(value);
  if (sink->then && sink->count == sink->at) sink->then(sink);
}

static inline void sink_note(weir_range_t *range, const void *value, int status) {
  sink_t *sink = (sink_t *)range;

  ck_assert_int_eq(sink->ends, 0);
  ck_assert_int_eq(value != NULL, status == 0);
  if (value) {
    sink_note_value(sink, (void *)(uintptr_t)value);
    return;
  }
  sink->ends++;
  sink->status = status;
}

static inline void sink_start_under(weir_ctx_t *ctx, sink_t *sink, weir_chan_t *out) {
  ck_assert_ptr_nonnull(out);
  sink->ctx = ctx;
  sink->size = weir_chan_type(out)->size;
  weir_range_init(&sink->range, ctx);
  ck_assert_int_eq(weir_range_start(&sink->range, out, sink_note), 0);
  weir_chan_unref(out);
}

static inline void sink_start(sink_t *sink, weir_chan_t *out) {
  sink_start_under(bg, sink, out);
}

/* Abandons the output. */
static inline void sink_stop(sink_t *sink) {
  ck_assert_int_eq(weir_range_stop(&sink->range), 0);
}

/* Holds the output, and takes no more until weir_range_resume. */
static inline void sink_pause(sink_t *sink) {
  ck_assert_int_eq(weir_range_pause(&sink->range), 0);
}

static inline void sink_cancel(sink_t *sink) {
  weir_ctx_cancel(sink->victim);
}

/* It has had n values, and not its end. */
#define ck_sunk(sink, n)                                                                           \
  do {                                                                                             \
    ck_assert_int_eq((sink)->count, (n));                                                          \
    ck_assert_int_eq((sink)->ends, 0);                                                             \
  } while (0)

/* It has had n values, then its end with that status. */
#define ck_sink_ended(sink, n, wanted)                                                             \
  do {                                                                                             \
    ck_assert_int_eq((sink)->count, (n));                                                          \
    ck_assert_int_eq((sink)->ends, 1);                                                             \
    ck_assert_int_eq((sink)->status, (wanted));                                                    \
  } while (0)

/* The values that it noted are first, first + step, .. */
static inline void ck_sink_counts(const sink_t *sink, int first, int step) {
  for (int i = 0; i < sink->count && i < SINK_MAX; i++)
    ck_assert_int_eq(sink->values[i], first + i * step);
}

/* Starts a sink, runs all to its end: the output brings n values, then `wanted`. */
#define ck_brings(sink, out, n, wanted)                                                            \
  do {                                                                                             \
    sink_start((sink), (out));                                                                     \
    ck_assert_uint_eq(weir_run(loop), 0);                                                          \
    ck_sink_ended((sink), (n), (wanted));                                                          \
  } while (0)

/*
 * Checks of many builders: structs with a name, in an array. Time is virtual, but where a timer has
 * been made before. After each check nothing is left.
 */
#define CHECK_EACH(builders, check)                                                                \
  for (size_t i_ = 0; i_ < sizeof(builders) / sizeof(*(builders)); i_++) {                         \
    pieces_reset();                                                                                \
    weir_loop_virtual_time(loop);                                                                  \
    check(&(builders)[i_]);                                                                        \
    ck_nothing_left();                                                                             \
    ck_pieces_ended();                                                                             \
  }

/* An assertion that names the builder. */
#define ck_of(builder, condition) ck_assert_msg((condition), "%s: %s", (builder)->name, #condition)

/* Values of any size: bytes that only that number and size give. */

static inline unsigned char bytes_at(int number, size_t i) {
  return (unsigned char)((size_t)number * 37 + i * 11 + 5);
}

static inline void bytes_fill(void *bytes, size_t size, int number) {
  for (size_t i = 0; i < size; i++) ((unsigned char *)bytes)[i] = bytes_at(number, i);
}

static inline bool bytes_are(const void *bytes, size_t size, int number) {
  for (size_t i = 0; i < size; i++)
    if (((const unsigned char *)bytes)[i] != bytes_at(number, i)) return false;
  return true;
}

/*
 * Fails each allocation of a builder in turn: alone, and with all after it. What `build` makes for
 * its stage, inputs included, may fail too: it passes NULL on. What it makes at last is abandoned.
 */
typedef weir_chan_t *(*build_fn)(void *arg);

static inline weir_chan_t *build_with_failures(build_fn build, void *arg,
                                               void (*limit)(size_t allocation)) {
  for (size_t allocation = 0;; allocation++) {
    weir_chan_t *out;

    limit(allocation);
    out = build(arg);
    support_fail_after(SIZE_MAX);
    if (out) {
      ck_assert_uint_gt(allocation, 0);
      return out;
    }
    ck_nothing_left();
  }
}

static inline void ck_fails_cleanly(build_fn build, void *arg) {
  size_t before = support_outstanding();

  weir_chan_unref(build_with_failures(build, arg, support_fail_only));
  ck_nothing_left();
  weir_chan_unref(build_with_failures(build, arg, support_fail_after));
  ck_nothing_left();
  ck_assert_uint_eq(support_outstanding(), before);
}

#endif
