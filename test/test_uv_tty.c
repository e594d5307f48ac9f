/* Description: a terminal is a stream like others: read, written, closed. */
#define _GNU_SOURCE /* posix_openpt */

#include <termios.h>

#include "support/drains.h"

/* A terminal of a loop, and a descriptor at the other end. */
typedef struct terminal_s {
  uv_tty_t near;
  int far;
} terminal_t;

static void terminal_open(terminal_t *terminal) {
  struct termios raw;
  int fd;

  terminal->far = posix_openpt(O_RDWR | O_NOCTTY);
  ck_assert_int_ge(terminal->far, 0);
  ck_assert_int_eq(grantpt(terminal->far) | unlockpt(terminal->far), 0);
  fd = open(ptsname(terminal->far), O_RDWR | O_NOCTTY);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(tcgetattr(fd, &raw), 0);
  cfmakeraw(&raw);
  ck_assert_int_eq(tcsetattr(fd, TCSANOW, &raw), 0);
  unblocked(terminal->far);
  ck_assert_int_eq(uv_tty_init(uv, &terminal->near, fd, 0), 0);
  close(fd); /* libuv has opened it once more */
}

static uv_stream_t *stream_of(terminal_t *terminal) {
  return (uv_stream_t *)&terminal->near;
}

static void terminal_close(terminal_t *terminal) {
  probe_t probe;

  probe_init(&probe, bg);
  ck_assert_int_eq(weir_uv_close(&probe.op, (uv_handle_t *)&terminal->near, probe_note), 0);
  weir_run(loop);
  ck_completed(&probe, 0);
}

enum { SOME = 1000 };

START_TEST(a_terminal_is_read_until_it_is_closed) {
  drain_t drain = {.then = NULL};
  terminal_t terminal;

  terminal_open(&terminal);
  drain_start(&drain, weir_uv_read(bg, stream_of(&terminal), 1));
  ck_assert_uint_eq(far_push(terminal.far, SOME, 0), SOME);
  turn_until(uv, drain.place == SOME);
  terminal_close(&terminal);
  ck_drain_ended(&drain, SOME, UV_ECANCELED);
  close(terminal.far);
}
END_TEST

START_TEST(a_terminal_that_hangs_up_ends_the_channel) {
  drain_t drain = {.then = NULL};
  terminal_t terminal;

  terminal_open(&terminal);
  drain_start(&drain, weir_uv_read(bg, stream_of(&terminal), 1));
  close(terminal.far);
  turn_until(uv, drain.ends > 0);
  ck_assert(drain.status == UV_EIO || drain.status == UV_EOF); /* as the system has it */
  terminal_close(&terminal);
}
END_TEST

START_TEST(a_terminal_is_written) {
  char *bytes = stamped(SOME, 0);
  uv_buf_t buf = uv_buf_init(bytes, SOME);
  terminal_t terminal;
  size_t place = 0;
  probe_t probe;

  terminal_open(&terminal);
  probe_init(&probe, bg);
  ck_assert_int_eq(weir_uv_write(&probe.op, stream_of(&terminal), &buf, 1, probe_note), 0);
  turn_until(uv, (far_pull(terminal.far, &place), place == SOME));
  turn_until_called(uv, &probe);
  ck_completed(&probe, 0);
  terminal_close(&terminal);
  close(terminal.far);
  free(bytes);
}
END_TEST

/* Nobody reads the other end: the write waits, until its context ends, which closes the terminal. */
START_TEST(a_write_to_a_terminal_can_be_cancelled) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  char *bytes = stamped(WINDOW, 0);
  uv_buf_t buf = uv_buf_init(bytes, WINDOW);
  terminal_t terminal;
  probe_t probe;

  terminal_open(&terminal);
  probe_init(&probe, ctx);
  ck_assert_int_eq(weir_uv_write(&probe.op, stream_of(&terminal), &buf, 1, probe_note), 0);
  turns(uv, 3);
  ck_assert_int_eq(probe.calls, 0);
  weir_ctx_cancel(ctx);
  weir_run(loop);
  ck_completed(&probe, UV_ECANCELED);
  weir_ctx_unref(ctx);
  terminal_close(&terminal);
  close(terminal.far);
  free(bytes);
}
END_TEST

static const support_test_t tests[] = {
    T(a_terminal_is_read_until_it_is_closed),
    T(a_terminal_that_hangs_up_ends_the_channel),
    T(a_terminal_is_written),
    T(a_write_to_a_terminal_can_be_cancelled),
};

SUITE_MAIN("uv_tty", tests)
