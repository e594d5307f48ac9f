/*
 * Description: close of handles of each sort: once and several times, closing and closed, also by
 * other means; under any context; what is refused.
 */
#include "support/closers.h"
#include "support/dumped.h"
#include "support/values.h"

/* handles of each sort */

static void on_timer(uv_timer_t *timer) {
  (void)timer;
  ck_abort_msg("the timer has been closed");
}

static uv_handle_t *make_timer(void) {
  uv_timer_t *timer = malloc(sizeof(*timer));

  uv_timer_init(uv, timer);
  uv_timer_start(timer, on_timer, 0, 0);
  return (uv_handle_t *)timer;
}

static uv_handle_t *make_async(void) {
  uv_async_t *async = malloc(sizeof(*async));

  uv_async_init(uv, async, NULL);
  return (uv_handle_t *)async;
}

static uv_handle_t *make_idle(void) {
  uv_idle_t *idle = malloc(sizeof(*idle));

  uv_idle_init(uv, idle);
  return (uv_handle_t *)idle;
}

static uv_handle_t *make_signal(void) {
  uv_signal_t *handle = malloc(sizeof(*handle));

  uv_signal_init(uv, handle);
  return (uv_handle_t *)handle;
}

static uv_handle_t *make_tcp(void) {
  return &near_new(uv, A_TCP)->handle;
}

static uv_handle_t *make_pipe(void) {
  return &near_new(uv, A_PIPE)->handle;
}

typedef uv_handle_t *(*make_fn)(void);

static const make_fn makers[] = {make_timer,  make_async, make_idle,
                                 make_signal, make_tcp,   make_pipe};

#define EACH_SORT(handle)                                                                          \
  for (size_t sort_ = 0; sort_ < sizeof(makers) / sizeof(*makers); sort_++)                        \
    for (uv_handle_t *handle = makers[sort_](), *once_ = handle; once_; once_ = NULL)

START_TEST(close_completes_when_the_handle_is_the_callers) {
  EACH_SORT(handle) {
    closer_t closer;

    start_close(&closer, &handle);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_closed(&closer);
    ck_assert_uint_eq(closer.probe.index, 0);
  }
}
END_TEST

START_TEST(op_wait_waits_for_it) {
  EACH_SORT(handle) {
    weir_op_t op;

    weir_op_init(&op, bg);
    ck_assert_int_eq(weir_uv_close(&op, handle, NULL), 0);
    ck_assert_int_eq(weir_op_status(&op), UV_EBUSY);
    ck_assert_int_eq(weir_op_wait(&op), 0);
    free(handle);
  }
}
END_TEST

START_TEST(data_of_the_handle_is_left_alone) {
  EACH_SORT(handle) {
    int value = 0;
    weir_op_t op;

    handle->data = &value;
    weir_op_init(&op, bg);
    weir_uv_close(&op, handle, NULL);
    ck_assert_ptr_eq(handle->data, &value);
    weir_op_wait(&op);
    ck_assert_ptr_eq(handle->data, &value);
    free(handle);
  }
}
END_TEST

START_TEST(close_takes_no_memory_of_the_librarys) {
  EACH_SORT(handle) {
    closer_t closers[2];

    support_fail_after(0);
    for (int i = 0; i < 2; i++) start_close(&closers[i], &handle);
    weir_run(loop);
    support_fail_after(SIZE_MAX);
    for (int i = 0; i < 2; i++) ck_closed(&closers[i]);
  }
}
END_TEST

START_TEST(many_handles_are_closed_at_once) {
  enum { MANY = 3000 };
  static uv_handle_t *handles[MANY];
  static closer_t closers[MANY];

  for (int i = 0; i < MANY; i++) handles[i] = i % 2 ? make_idle() : make_timer();
  for (int i = 0; i < MANY; i++) start_close(&closers[i], &handles[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < MANY; i++) ck_closed(&closers[i]);
}
END_TEST

/* handles that are closing, or closed */

START_TEST(several_closes_of_one_handle_complete_each_once) {
  EACH_SORT(handle) {
    closer_t closers[5];

    for (int i = 0; i < 5; i++) start_close(&closers[i], &handle);
    ck_assert_uint_eq(weir_run(loop), 0);
    for (int i = 0; i < 5; i++) ck_closed(&closers[i]);
  }
}
END_TEST

/* Until its memory is freed, a close of a closed handle completes, too. */
START_TEST(closed_handle_is_closed_again) {
  EACH_SORT(handle) {
    weir_op_t op;

    weir_op_init(&op, bg);
    for (int i = 0; i < 3; i++) {
      ck_assert_int_eq(weir_uv_close(&op, handle, NULL), 0);
      ck_assert_int_eq(weir_op_wait(&op), 0);
    }
    free(handle);
  }
}
END_TEST

static void close_twice(weir_op_t *op, int status) {
  closer_t *closer = (closer_t *)op;

  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(weir_uv_close(op, *closer->handle, free_handle), 0);
}

START_TEST(closed_handle_is_closed_again_in_the_callback) {
  EACH_SORT(handle) {
    closer_t closer = {.handle = &handle};

    probe_init(&closer.probe, bg);
    closer.handle = &handle;
    ck_assert_int_eq(weir_uv_close(&closer.probe.op, handle, close_twice), 0);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_closed(&closer);
  }
}
END_TEST

static int bare_closes;

static void on_bare_close(uv_handle_t *handle) {
  (void)handle;
  bare_closes++;
}

static void free_after_bare_close(weir_op_t *op, int status) {
  ck_assert_int_eq(bare_closes, 1);
  free_handle(op, status);
}

/* By so many turns later. */
START_TEST(handle_closed_by_other_means_is_closed) {
  for (int n = 0; n < 4; n++)
    for (int has_callback = 0; has_callback < 2; has_callback++) EACH_SORT(handle) {
        closer_t closers[3];

        bare_closes = !has_callback;
        uv_close(handle, has_callback ? on_bare_close : NULL);
        turns(uv, n);
        for (int i = 0; i < 3; i++) {
          probe_init(&closers[i].probe, bg);
          closers[i].handle = &handle;
          ck_assert_int_eq(weir_uv_close(&closers[i].probe.op, handle, free_after_bare_close), 0);
        }
        ck_assert_uint_eq(weir_run(loop), 0);
        for (int i = 0; i < 3; i++) ck_closed(&closers[i]);
      }
}
END_TEST

START_TEST(close_without_memory_of_one_closed_by_other_means_is_refused) {
  size_t outstanding = support_outstanding();
  uv_handle_t *handle = make_timer();
  int err = UV_ENOMEM;
  closer_t closer;

  uv_close(handle, NULL);
  probe_init(&closer.probe, bg);
  closer.handle = &handle;
  for (size_t n = 0; err; n++) {
    support_fail_only(n);
    err = weir_uv_close(&closer.probe.op, handle, free_handle);
    support_fail_after(SIZE_MAX);
    ck_assert_int_eq(err, n == 0 || err ? UV_ENOMEM : 0);
    if (err) ck_assert(!weir_op_pending(&closer.probe.op));
  }
  weir_run(loop);
  ck_closed(&closer);
  ck_assert_uint_eq(support_outstanding(), outstanding);
}
END_TEST

/* Closed with others that their owner has closed in the same turn, in either order. */
START_TEST(closes_of_both_sorts_mix) {
  enum { MANY = 60 };
  uv_handle_t *handles[MANY];
  closer_t closers[MANY];

  for (int i = 0; i < MANY; i++) handles[i] = i % 2 ? make_idle() : make_tcp();
  for (int i = 0; i < MANY; i++) {
    if (i % 3 == 0) uv_close(handles[i], NULL);
    if (i % 7 == 0) turns(uv, 1);
    start_close(&closers[i], &handles[i]);
  }
  ck_assert_uint_eq(weir_run(loop), 0);
  for (int i = 0; i < MANY; i++) ck_closed(&closers[i]);
}
END_TEST

/* contexts */

START_TEST(close_is_done_under_a_cancelled_context) {
  for (int i = 0; i < 4; i++) EACH_SORT(handle) {
      weir_ctx_t *ctx = i % 2 ? weir_ctx_with_timeout(bg, 0) : weir_ctx_with_cancel(bg);
      closer_t closer;

      weir_ctx_cancel(ctx);
      if (i > 1) uv_close(handle, NULL);
      start_close_under(ctx, &closer, &handle);
      weir_ctx_unref(ctx);
      ck_assert_uint_eq(weir_run(loop), 0);
      ck_closed(&closer);
    }
}
END_TEST

START_TEST(close_cannot_be_taken_back) {
  for (int is_bare = 0; is_bare < 2; is_bare++) EACH_SORT(handle) {
      weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
      closer_t closer;

      if (is_bare) uv_close(handle, NULL);
      start_close_under(ctx, &closer, &handle);
      ck_assert_int_eq(weir_op_cancel(&closer.probe.op), UV_EBUSY);
      if (sort_ % 2)
        weir_ctx_cancel(ctx);
      else
        elsewhere(cut_cancel, ctx);
      ck_not_completed(&closer.probe);
      ck_assert_int_eq(weir_op_cancel(&closer.probe.op), UV_EBUSY);
      weir_ctx_unref(ctx);
      ck_assert_uint_eq(weir_run(loop), 0);
      ck_closed(&closer);
    }
}
END_TEST

START_TEST(deadline_does_not_take_it_back) {
  EACH_SORT(handle) {
    weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 1);
    closer_t closer;

    start_close_under(ctx, &closer, &handle);
    be_busy(2);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_closed(&closer);
    weir_ctx_unref(ctx);
  }
}
END_TEST

/* starts */

START_TEST(wrong_starts_are_refused) {
  uv_handle_t *handle = make_tcp(), *other;
  closer_t closer;
  weir_op_t op, unbound;
  probe_t parked;
  own_t own;

  own_open(&own);
  other = &near_new(&own.uv, A_TCP)->handle;
  weir_op_init(&op, bg);
  weir_op_init(&unbound, NULL);
  ck_assert_int_eq(weir_uv_close(NULL, handle, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_uv_close(&unbound, handle, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_uv_close(&op, NULL, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_uv_close(&op, other, NULL), UV_EINVAL);
  ck_assert(!weir_op_pending(&op));
  start_recv(&parked, NULL, NULL);
  ck_assert_int_eq(weir_uv_close(&parked.op, handle, NULL), UV_EBUSY);
  cancel_and_run(&parked);
  ck_assert(!uv_is_closing(handle));
  ck_assert(!uv_is_closing(other));
  start_close(&closer, &handle);
  ck_assert_int_eq(weir_uv_close(&closer.probe.op, handle, NULL), UV_EBUSY);
  weir_run(loop);
  ck_closed(&closer);
  near_close((near_t *)other);
  own_close(&own);
}
END_TEST

START_TEST(dump_names_it) {
  char where[200];
  near_t *near = near_new(uv, A_TCP);
  weir_op_t op;

  snprintf(where, sizeof(where), "%s:%d", __FILE__, __LINE__ + 1);
  weir_op_init(&op, bg);
  weir_uv_close(&op, &near->handle, NULL);
  ck_dumped(where, ": close ");
  ck_assert_int_eq(weir_op_wait(&op), 0);
  ck_dumped_nothing();
  free(near);
}
END_TEST

static const support_test_t tests[] = {
    T(close_completes_when_the_handle_is_the_callers),
    T(op_wait_waits_for_it),
    T(data_of_the_handle_is_left_alone),
    T(close_takes_no_memory_of_the_librarys),
    T(many_handles_are_closed_at_once),
    T(several_closes_of_one_handle_complete_each_once),
    T(closed_handle_is_closed_again),
    T(closed_handle_is_closed_again_in_the_callback),
    T(handle_closed_by_other_means_is_closed),
    T(close_without_memory_of_one_closed_by_other_means_is_refused),
    T(closes_of_both_sorts_mix),
    T(close_is_done_under_a_cancelled_context),
    T(close_cannot_be_taken_back),
    T(deadline_does_not_take_it_back),
    T(wrong_starts_are_refused),
    T(dump_names_it),
};

SUITE_MAIN("uv_close", tests)
