/*
 * Description: a select that waits at a local and at a shared channel, where its own loop and a
 * thread come for it at the same time, happens once each time.
 */
#include <stdatomic.h>

#include "support/support.h"
#include "support/threads.h"

enum { SELECTS = 20000 };

typedef struct chooser_s {
  weir_op_t op;
  weir_case_t cases[2];
  weir_chan_t *local, *shared;
  int values[2];
  int happened[2];
  atomic_bool is_over;
  uv_idle_t idle;
} chooser_t;

static void on_chosen(weir_op_t *op, int status);

static void choose(chooser_t *chooser) {
  chooser->cases[0] = WEIR_RECV(chooser->local, &chooser->values[0]);
  chooser->cases[1] = WEIR_RECV(chooser->shared, &chooser->values[1]);
  ensure_eq(weir_select(&chooser->op, chooser->cases, 2, on_chosen), 0);
}

static void on_chosen(weir_op_t *op, int status) {
  chooser_t *chooser = op->data;
  size_t index = weir_op_index(op);

  ensure_eq(status, 0);
  ensure_eq(chooser->values[index], (int)index + 1);
  chooser->happened[index]++;
  if (chooser->happened[0] + chooser->happened[1] < SELECTS) {
    choose(chooser);
    return;
  }
  chooser->is_over = true;
  uv_close((uv_handle_t *)&chooser->idle, NULL);
}

/* Other local operations at the same channel look at a select that may be another's already. */
static void send_locally(uv_idle_t *idle) {
  chooser_t *chooser = idle->data;
  int one = 1;
  weir_case_t also = WEIR_SEND(chooser->local, &one);

  if (chooser->happened[0] % 2)
    weir_chan_try_send(chooser->local, &one);
  else
    weir_select_try(&also, 1, NULL);
}

static void send_from_elsewhere(void *arg) {
  chooser_t *chooser = arg;
  int two = 2;

  while (!chooser->is_over) weir_chan_try_send(chooser->shared, &two);
}

START_TEST(select_at_both_kinds_meets_its_own_loop_and_a_thread) {
  chooser_t chooser = {.is_over = false};
  uv_thread_t id;

  chooser.local = weir_chan_new(loop, WEIR_TYPE(int), 0);
  chooser.shared = weir_chan_new_shared(WEIR_TYPE(int), 0);
  uv_idle_init(uv, &chooser.idle);
  chooser.idle.data = chooser.op.data = &chooser;
  uv_idle_start(&chooser.idle, send_locally);
  weir_op_init(&chooser.op, bg);
  choose(&chooser);
  ck_assert_int_eq(uv_thread_create(&id, send_from_elsewhere, &chooser), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  uv_thread_join(&id);
  ck_assert_int_eq(chooser.happened[0] + chooser.happened[1], SELECTS);
  weir_chan_unref(chooser.local);
  weir_chan_unref(chooser.shared);
}
END_TEST

static const support_test_t tests[] = {T(select_at_both_kinds_meets_its_own_loop_and_a_thread)};

SUITE_MAIN("crossing_stress", tests)
