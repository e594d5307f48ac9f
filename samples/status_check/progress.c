/*
 * At least 100 ms are between two drawings, so that many results do not keep the terminal busy.
 * What comes sooner makes a drawing due: a timer catches up on it, or the line would tell of the
 * first of many quick results until the next slow one.
 *
 *   idle  what is drawn is all there is, or it has ended
 *   due   the range waits for the one value of a timer channel; more results change nothing
 *
 * The timer runs only while a drawing is due. So it keeps the loop alive for 100 ms at most, and
 * does not hide from weir_run() that nobody is left who could bring a result. A range stops at
 * once, where an operation would still complete: progress_end() leaves nothing behind.
 */
#include "progress.h"

#include <string.h>

#define PERIOD_MS 100
#define CLEAR_TO_END "\033[K"

void progress_init(progress_t *progress, FILE *out) {
  memset(progress, 0, sizeof *progress);
  progress->out = out;
  progress->shares_terminal = uv_guess_handle(1) == UV_TTY;
}

static uint64_t now_of(const progress_t *progress) {
  return weir_now(weir_ctx_loop(progress->ctx));
}

static void draw(progress_t *progress) {
  progress->drawn_at = now_of(progress);
  progress->is_visible = true;
  fprintf(progress->out, "\r  %zu/%zu checked, %zu not good" CLEAR_TO_END, progress->done,
          progress->of, progress->wrong);
  fflush(progress->out);
}

static void on_time(weir_range_t *timer, const void *value, int status) {
  progress_t *progress = timer->data;

  (void)value;
  progress->is_due = false;
  if (status) return; /* the context has ended */
  weir_range_stop(timer);
  draw(progress);
}

/* Without memory for a timer the line is drawn later, with another result. */
static void arm(progress_t *progress, uint64_t ms) {
  weir_chan_t *time = weir_timer_after(weir_ctx_loop(progress->ctx), ms);

  progress->is_due = time && weir_range_start(&progress->timer, time, on_time) == 0;
  weir_chan_unref(time);
}

void progress_start(progress_t *progress, weir_ctx_t *ctx, size_t of) {
  progress->ctx = ctx;
  progress->done = progress->wrong = 0;
  progress->of = of;
  progress->timer.data = progress;
  weir_range_init(&progress->timer, ctx);
  arm(progress, PERIOD_MS);
}

void progress_add(progress_t *progress, bool is_good) {
  uint64_t passed = now_of(progress) - progress->drawn_at;

  progress->done++;
  if (!is_good) progress->wrong++;
  if (progress->is_due) return;
  if (passed >= PERIOD_MS)
    draw(progress);
  else
    arm(progress, PERIOD_MS - passed);
}

void progress_clear(progress_t *progress) {
  if (!progress->is_visible) return;
  fputs("\r" CLEAR_TO_END, progress->out);
  fflush(progress->out);
  progress->is_visible = false;
}

void progress_end(progress_t *progress) {
  weir_range_stop(&progress->timer);
  progress->is_due = false;
  progress_clear(progress);
}
