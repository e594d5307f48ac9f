/* Description: what is drawn of the line of progress, and when, in virtual time. */
#include "expect.h"
#include "progress.h"

#define CLEAR "\r\033[K"
#define LINE(text) "\r  " text "\033[K"

static uv_loop_t uv;
static weir_loop_t *loop;
static weir_ctx_t *ctx;
static progress_t progress;

static void set_up(size_t of) {
  EXPECT(uv_loop_init(&uv) == 0 && weir_loop_new(&loop, &uv) == 0);
  EXPECT(weir_loop_virtual_time(loop) == 0);
  ctx = weir_ctx_with_cancel(weir_loop_background(loop));
  EXPECT(ctx);
  progress_init(&progress, tmpfile());
  EXPECT(progress.out);
  progress_start(&progress, ctx, of);
}

static void tear_down(void) {
  EXPECT(weir_run(loop) == 0);
  weir_ctx_unref(ctx);
  weir_loop_close(loop, NULL, NULL);
  EXPECT(uv_run(&uv, UV_RUN_DEFAULT) == 0);
  EXPECT(uv_loop_close(&uv) == 0);
  fclose(progress.out);
  memset(&progress, 0, sizeof progress); /* what only these point at is a leak */
  loop = NULL;
}

static void pass(uint64_t ms) {
  weir_op_t op;

  weir_op_init(&op, weir_loop_background(loop));
  EXPECT(weir_sleep(&op, ms, NULL) == 0 && weir_op_wait(&op) == 0);
}

/* Returns all that has been drawn; good until the next call. */
static const char *drawn(void) {
  static char text[4096];
  size_t length;

  rewind(progress.out);
  length = fread(text, 1, sizeof text - 1, progress.out);
  text[length] = '\0';
  return text;
}

static void shows_nothing_of_what_is_quick(void) {
  set_up(50);
  for (int i = 0; i < 50; i++) {
    progress_add(&progress, true);
    pass(1);
  }
  progress_end(&progress);
  pass(1000);
  EXPECT_TEXT(drawn(), "");
  tear_down();
}

/* At 0, 250 and 500 ms. */
static void tells_how_far_it_is(void) {
  set_up(3);
  progress_add(&progress, false);
  pass(250);
  progress_add(&progress, false);
  pass(250);
  progress_add(&progress, true);
  pass(1000);
  EXPECT_TEXT(drawn(), LINE("1/3 checked, 1 not good") LINE("2/3 checked, 2 not good")
                           LINE("3/3 checked, 2 not good"));
  progress_end(&progress);
  EXPECT_TEXT(drawn(), LINE("1/3 checked, 1 not good") LINE("2/3 checked, 2 not good")
                           LINE("3/3 checked, 2 not good") CLEAR);
  tear_down();
}

static void tells_that_there_is_nothing_yet(void) {
  set_up(7);
  pass(99);
  EXPECT_TEXT(drawn(), "");
  pass(1);
  EXPECT_TEXT(drawn(), LINE("0/7 checked, 0 not good"));
  progress_end(&progress);
  tear_down();
}

/* The third one, at 120 ms, comes soon after a drawing, and silence follows. */
static void catches_up_on_what_came_too_soon(void) {
  set_up(9);
  for (int i = 0; i < 3; i++) {
    progress_add(&progress, true);
    pass(60);
  }
  EXPECT_TEXT(drawn(), LINE("2/9 checked, 0 not good"));
  pass(20);
  EXPECT_TEXT(drawn(), LINE("2/9 checked, 0 not good") LINE("3/9 checked, 0 not good"));
  progress_end(&progress);
  tear_down();
}

/* One each millisecond, for a second. */
static void draws_ten_times_a_second(void) {
  size_t n = 0;

  set_up(1000);
  for (int i = 0; i < 1000; i++) {
    progress_add(&progress, true);
    pass(1);
  }
  progress_end(&progress);
  for (const char *at = drawn(); (at = strstr(at, "\r  ")); at++) n++;
  EXPECT(n >= 9 && n <= 10);
  tear_down();
}

static void comes_back_after_it_made_way(void) {
  set_up(2);
  progress_clear(&progress);
  pass(100);
  progress_clear(&progress);
  progress_clear(&progress);
  progress_add(&progress, true);
  pass(100);
  EXPECT_TEXT(drawn(), LINE("0/2 checked, 0 not good") CLEAR LINE("1/2 checked, 0 not good"));
  progress_end(&progress);
  tear_down();
}

static void starts_anew(void) {
  set_up(2);
  progress_add(&progress, false);
  progress_end(&progress);
  progress_start(&progress, ctx, 5);
  progress_add(&progress, true);
  pass(100);
  EXPECT_TEXT(drawn(), LINE("1/5 checked, 0 not good"));
  progress_end(&progress);
  progress_end(&progress);
  EXPECT_TEXT(drawn(), LINE("1/5 checked, 0 not good") CLEAR);
  tear_down();
}

static void draws_nothing_for_a_cancelled_context(void) {
  set_up(2);
  weir_ctx_cancel(ctx);
  pass(1000);
  EXPECT_TEXT(drawn(), "");
  progress_end(&progress);
  tear_down();
}

/* It must not keep the loop alive: weir_run() tells of those who wait for ever. */
static void does_not_hide_who_is_stuck(void) {
  weir_op_t op;

  set_up(1);
  weir_op_init(&op, ctx);
  EXPECT(weir_chan_recv(&op, NULL, NULL, NULL) == 0);
  EXPECT(weir_run(loop) == 1);
  EXPECT_TEXT(drawn(), LINE("0/1 checked, 0 not good"));
  EXPECT(weir_op_cancel(&op) == 0);
  progress_end(&progress);
  tear_down();
}

static const case_t cases[] = {
    {"shows_nothing_of_what_is_quick", shows_nothing_of_what_is_quick},
    {"tells_how_far_it_is", tells_how_far_it_is},
    {"tells_that_there_is_nothing_yet", tells_that_there_is_nothing_yet},
    {"catches_up_on_what_came_too_soon", catches_up_on_what_came_too_soon},
    {"draws_ten_times_a_second", draws_ten_times_a_second},
    {"comes_back_after_it_made_way", comes_back_after_it_made_way},
    {"starts_anew", starts_anew},
    {"draws_nothing_for_a_cancelled_context", draws_nothing_for_a_cancelled_context},
    {"does_not_hide_who_is_stuck", does_not_hide_who_is_stuck},
};

int main(int argc, char **argv) {
  return run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");
}
