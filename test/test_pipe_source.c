/* Description: what holds for each source, which has no input: pipe_from, repeat, generate. */
#include "support/cutter.h"

/* All as sources of pieces, whose numbers are 0, 1, .. or 0, 1, 0, .. */

typedef struct source_s {
  const char *name;
  weir_chan_t *(*build)(weir_ctx_t *ctx);
} source_t;

enum { FROM = 1100 };

static weir_chan_t *from_pieces(weir_ctx_t *ctx) {
  static piece_t sent[FROM];

  for (int i = 0; i < FROM; i++) sent[i] = piece(i);
  return weir_pipe_from(ctx, &piece_type, sent, FROM);
}

static weir_chan_t *repeat_pieces(weir_ctx_t *ctx) {
  piece_t originals[2] = {piece(0), piece(1)};
  weir_chan_t *out = weir_pipe_repeat(ctx, &piece_type, originals, 2);

  for (int i = 0; i < 2; i++) piece_drop(&originals[i]); /* they are still the caller's */
  return out;
}

static int make_piece(void *out, void *arg) {
  piece_t made = piece((*(int *)arg)++);

  memcpy(out, &made, sizeof(made));
  return 0;
}

static weir_chan_t *generate_pieces(weir_ctx_t *ctx) {
  static int next;

  next = 0;
  return weir_pipe_generate(ctx, &piece_type, make_piece, &next);
}

static const source_t sources[] = {
    {"from", from_pieces}, {"repeat", repeat_pieces}, {"generate", generate_pieces}};

static void ck_cut(const source_t *source, const sink_t *sink, int status) {
  ck_of(source, sink->ends == 1);
  ck_of(source, sink->status == status);
  ck_of(source, pieces.received == sink->count);
}

static void cancelled_at_once(const source_t *source) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive};
  weir_chan_t *out = source->build(ctx);

  weir_ctx_cancel(ctx);
  sink_start(&sink, out);
  weir_run(loop);
  ck_cut(source, &sink, UV_ECANCELED);
  ck_of(source, sink.count == 0);
  weir_ctx_unref(ctx);
}

START_TEST(source_that_is_cancelled_at_once_emits_nothing) {
  CHECK_EACH(sources, cancelled_at_once);
}
END_TEST

static void cancelled_with_values(const source_t *source) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive};
  weir_chan_t *out = source->build(ctx);

  weir_run(loop);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_of(source, weir_chan_closed(out));
  ck_of(source, pieces.dropped == pieces.made);
  sink_start(&sink, out);
  weir_run(loop);
  ck_cut(source, &sink, UV_ECANCELED);
  ck_of(source, sink.count == 0);
  weir_ctx_unref(ctx);
}

START_TEST(source_that_is_cancelled_before_its_first_value_has_gone_drops_all) {
  CHECK_EACH(sources, cancelled_with_values);
}
END_TEST

static void cancelled_midway(const source_t *source) {
  sink_t sink = {.take = piece_receive, .at = 5, .then = sink_cancel};

  sink.victim = weir_ctx_with_cancel(bg);
  sink_start(&sink, source->build(sink.victim));
  weir_run(loop);
  ck_cut(source, &sink, UV_ECANCELED);
  ck_of(source, sink.count == 5 || sink.count == 6);
  weir_ctx_unref(sink.victim);
}

START_TEST(source_that_is_cancelled_midway_drops_the_rest_once) {
  CHECK_EACH(sources, cancelled_midway);
}
END_TEST

static void timed_out(const source_t *source) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 50);
  sink_t sink = {.take = piece_receive, .at = 3, .then = sink_pause};

  sink_start(&sink, source->build(ctx));
  weir_run(loop);
  ck_of(source, sink.count == 3 && sink.ends == 0);
  ck_assert_int_eq(weir_range_resume(&sink.range), 0);
  weir_run(loop);
  ck_cut(source, &sink, UV_ETIMEDOUT);
  ck_of(source, sink.count == 3);
  weir_ctx_unref(ctx);
}

START_TEST(deadline_ends_a_source_with_etimedout) {
  CHECK_EACH(sources, timed_out);
}
END_TEST

static void under_a_cancelled_context(const source_t *source) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive};

  weir_ctx_cancel(ctx);
  sink_start(&sink, source->build(ctx));
  weir_run(loop);
  ck_cut(source, &sink, UV_ECANCELED);
  ck_of(source, sink.count == 0);
  weir_ctx_unref(ctx);
}

START_TEST(source_under_a_cancelled_context_emits_nothing) {
  CHECK_EACH(sources, under_a_cancelled_context);
}
END_TEST

static void abandoned_at_once(const source_t *source) {
  weir_chan_unref(source->build(bg));
}

static void abandoned_with_values(const source_t *source) {
  weir_chan_t *out = source->build(bg);

  ck_of(source, weir_run(loop) == 1); /* the stage's own send */
  weir_chan_unref(out);
}

static void abandoned_midway(const source_t *source) {
  sink_t sink = {.take = piece_receive, .at = 5, .then = sink_stop};

  sink_start(&sink, source->build(bg));
  weir_run(loop);
  ck_of(source, sink.count == 5 && sink.ends == 0);
  ck_of(source, pieces.received == 5);
}

START_TEST(source_that_is_abandoned_leaves_nothing) {
  CHECK_EACH(sources, abandoned_at_once);
  CHECK_EACH(sources, abandoned_with_values);
  CHECK_EACH(sources, abandoned_midway);
}
END_TEST

static void closed_by_its_consumer(const source_t *source) {
  weir_chan_t *out = source->build(bg);

  weir_run(loop);
  weir_chan_close(out);
  ck_of(source, weir_run(loop) == 0);
  ck_of(source, pieces.dropped == pieces.made);
  weir_chan_unref(out);
}

static void closed_at_once(const source_t *source) {
  weir_chan_t *out = source->build(bg);

  weir_chan_close_with(out, UV_EIO);
  weir_chan_unref(out);
}

START_TEST(source_whose_output_is_closed_ends) {
  CHECK_EACH(sources, closed_by_its_consumer);
  CHECK_EACH(sources, closed_at_once);
}
END_TEST

static void without_a_context(const source_t *source) {
  ck_of(source, source->build(NULL) == NULL);
}

static void of_a_closed_loop(const source_t *source) {
  weir_ctx_t *ctx;
  own_t own;

  own_open(&own);
  ctx = weir_ctx_with_cancel(own.bg);
  own_close(&own);
  ck_of(source, source->build(ctx) == NULL);
  weir_ctx_unref(ctx);
}

START_TEST(no_context_and_a_closed_loop_give_null_and_drop_the_values) {
  CHECK_EACH(sources, without_a_context);
  CHECK_EACH(sources, of_a_closed_loop);
}
END_TEST

static void while_the_loop_closes(const source_t *source) {
  sink_t sink = {.take = piece_receive};
  own_t own;

  own_open(&own);
  sink_start_under(own.bg, &sink, source->build(own.bg));
  uv_run(&own.uv, UV_RUN_NOWAIT);
  ck_of(source, sink.count > 0 && sink.ends == 0);
  own_close(&own);
  ck_cut(source, &sink, UV_ECANCELED);
}

START_TEST(loop_may_close_while_a_source_emits) {
  CHECK_EACH(sources, while_the_loop_closes);
}
END_TEST

static weir_chan_t *build(void *arg) {
  return ((const source_t *)arg)->build(bg);
}

static void without_memory(const source_t *source) {
  ck_fails_cleanly(build, (void *)(uintptr_t)source);
}

START_TEST(source_without_memory_gives_null_and_leaves_nothing) {
  CHECK_EACH(sources, without_memory);
}
END_TEST

static void hop(const source_t *source) {
  sink_t sink = {.take = piece_receive, .at = 1000, .then = sink_stop};
  weir_chan_t *out = source->build(bg);
  size_t before;

  sink_start(&sink, out);
  before = support_allocations();
  weir_run(loop);
  ck_of(source, support_allocations() == before);
  ck_of(source, sink.count == 1000);
}

START_TEST(thousand_values_of_a_source_take_no_memory) {
  CHECK_EACH(sources, hop);
}
END_TEST

static struct {
  const source_t *source;
  sink_t sink;
} inner;

static void build_inner(sink_t *outer) {
  (void)outer;
  inner.sink = (sink_t){.take = piece_receive, .at = 3, .then = sink_stop};
  sink_start(&inner.sink, weir_pipe_or_done(bg, inner.source->build(bg)));
}

static void built_in_a_callback(const source_t *source) {
  sink_t outer = {.at = 2, .then = build_inner};

  inner.source = source;
  sink_start(&outer, ints_up_to(4));
  weir_run(loop);
  ck_sink_ended(&outer, 4, UV_EOF);
  ck_of(source, inner.sink.count == 3);
}

START_TEST(source_may_be_built_in_a_callback) {
  CHECK_EACH(sources, built_in_a_callback);
}
END_TEST

static void whose_context_is_let_go_of(const source_t *source) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive, .at = 7, .then = sink_stop};
  weir_chan_t *out = source->build(ctx);

  weir_ctx_unref(ctx);
  sink_start(&sink, out);
  weir_run(loop);
  ck_of(source, sink.count == 7);
}

START_TEST(source_holds_its_context) {
  CHECK_EACH(sources, whose_context_is_let_go_of);
}
END_TEST

/* A cut between any two steps of a source and its receiver. There is no input. */

static void cut_once(const source_t *source, const cut_t *cut, int when) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  sink_t sink = {.take = piece_receive};
  cutter_t cutter = {.ctx = ctx, .sink = &sink};
  weir_chan_t *out;

  pieces_reset();
  out = source->build(ctx);
  cutter_hold(&cutter, cut, NULL, out);
  cutter_start(&cutter, cut, when, false);
  sink_start(&sink, out);
  ck_assert_msg(weir_run(loop) == 0 && sink_is_cut(&sink, cut, FROM),
                "%s, %s after %d: %d values, %d ends, %s", source->name, cut->name, when,
                sink.count, sink.ends, uv_strerror(sink.status));
  ck_assert_int_eq(pieces.received, sink.count);
  ck_pieces_ended();
  weir_ctx_unref(ctx);
  ck_nothing_left();
}

static void cut_anywhere(const source_t *source) {
  for (int cut = 0; cut < CUTS; cut++) {
    if (cuts[cut].holds_input) continue;
    for (int when = 0; when < 20; when++) cut_once(source, &cuts[cut], when);
  }
}

START_TEST(source_may_be_cut_anywhere) {
  CHECK_EACH(sources, cut_anywhere);
}
END_TEST

static const support_test_t tests[] = {
    T(source_that_is_cancelled_at_once_emits_nothing),
    T(source_that_is_cancelled_before_its_first_value_has_gone_drops_all),
    T(source_that_is_cancelled_midway_drops_the_rest_once),
    T(deadline_ends_a_source_with_etimedout),
    T(source_under_a_cancelled_context_emits_nothing),
    T(source_that_is_abandoned_leaves_nothing),
    T(source_whose_output_is_closed_ends),
    T(no_context_and_a_closed_loop_give_null_and_drop_the_values),
    T(loop_may_close_while_a_source_emits),
    T(source_without_memory_gives_null_and_leaves_nothing),
    T(thousand_values_of_a_source_take_no_memory),
    T(source_may_be_built_in_a_callback),
    T(source_holds_its_context),
    T(source_may_be_cut_anywhere),
};
SUITE_MAIN("pipe_source", tests)
