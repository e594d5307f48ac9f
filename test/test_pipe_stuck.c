/*
 * Description: what weir_run, weir_stats and weir_dump say of stages whose input brings nothing:
 * one operation each, by the name of the function that has built it.
 */
#include <stdlib.h>

#include "support/pipes.h"

static int pass(void *out, void *in, void *arg) {
  (void)arg;
  *(piece_t *)out = *(piece_t *)in;
  return 0;
}

static void never(weir_slot_t *slot) {
  (void)slot;
}

static weir_chan_t *build_map(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_map(ctx, in, &piece_type, pass, NULL);
}

static weir_chan_t *build_batch(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_batch(ctx, in, 3, 10);
}

static weir_chan_t *build_or(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_or(ctx, &in, 1);
}

static weir_chan_t *build_fan_in(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_fan_in(ctx, &in, 1);
}

static weir_chan_t *build_async(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_async(ctx, in, &piece_type, 3, true, never, NULL);
}

static weir_chan_t *build_work(weir_ctx_t *ctx, weir_chan_t *in) {
  return weir_pipe_work(ctx, in, &piece_type, 3, true, pass, NULL);
}

static const struct {
  const char *name;
  weir_chan_t *(*build)(weir_ctx_t *ctx, weir_chan_t *in);
} stages[] = {{"weir_pipe_map: recv", build_map},
              {"weir_pipe_batch: recv_many", build_batch},
              {"weir_pipe_or: select", build_or},
              {"weir_pipe_fan_in: recv", build_fan_in},
              {"weir_pipe_async: recv", build_async},
              {"weir_pipe_work: recv", build_work},
              {"weir_pipe_or_done: recv", weir_pipe_or_done}};

enum { STAGES = sizeof(stages) / sizeof(*stages) };

/* The dump is one line, which begins with `name`. */
static void ck_dumped(const char *name) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);

  weir_dump(loop, out);
  fclose(out);
  ck_assert_msg(strncmp(text, name, strlen(name)) == 0, "%s", text);
  ck_assert_ptr_eq(strchr(text, '\n'), text + size - 1);
  free(text);
}

START_TEST(stage_that_waits_for_its_input_is_one_operation) {
  for (size_t i = 0; i < STAGES; i++) {
    weir_chan_t *in = new_pieces(0), *out = stages[i].build(bg, weir_chan_ref(in));

    ck_assert_uint_eq(weir_run(loop), 1);
    ck_assert_uint_eq(pipe_stats().ops_parked, 1);
    ck_assert_uint_eq(pipe_stats().stages, 1);
    ck_dumped(stages[i].name);
    weir_chan_unref(out);
    ck_assert_uint_eq(weir_run(loop), 0);
    weir_chan_unref(in);
    ck_nothing_left();
  }
}
END_TEST

START_TEST(tee_that_waits_is_one_operation_with_two_outputs) {
  weir_chan_t *in = new_pieces(0), *out[2];

  ck_assert_int_eq(weir_pipe_tee(bg, weir_chan_ref(in), out), 0);
  ck_assert_uint_eq(weir_run(loop), 1);
  ck_assert_uint_eq(pipe_stats().stages, 2);
  ck_dumped("weir_pipe_tee: recv");
  weir_chan_unref(out[0]);
  weir_run(loop);
  ck_assert_uint_eq(pipe_stats().stages, 1);
  weir_chan_unref(out[1]);
  weir_chan_unref(in);
  ck_nothing_left();
}
END_TEST

static const support_test_t tests[] = {T(stage_that_waits_for_its_input_is_one_operation),
                                       T(tee_that_waits_is_one_operation_with_two_outputs)};

SUITE_MAIN("pipe_stuck", tests)
