/* Description: weir_all and weir_any: completion, statuses, sharing of ops, cancelling, depth. */
#include <stdlib.h>

#include "support/parked.h"
#include "support/support.h"

/* all */

START_TEST(all_of_none_completes) {
  probe_t all;

  probe_init(&all, bg);
  ck_assert_int_eq(weir_all(&all.op, NULL, 0, probe_note), 0);
  ck_not_completed(&all);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&all, 0);
}
END_TEST

START_TEST(all_completes_after_the_last_with_0_whatever_the_statuses) {
  probe_t probes[3], all;
  weir_op_t *ops[3];

  park_three(probes, ops);
  probe_init(&all, bg);
  weir_all(&all.op, ops, 3, probe_note);
  ck_assert_uint_eq(weir_run(loop), 4);
  cancel_and_run(&probes[1]);
  cancel_and_run(&probes[0]);
  ck_not_completed(&all);
  cancel_and_run(&probes[2]);
  ck_completed(&all, 0);
  ck_assert_uint_eq(all.index, 0);
  ck_assert_uint_gt(all.order, probes[2].order);
}
END_TEST

START_TEST(all_counts_idle_ops_as_completed) {
  probe_t probes[3], all;
  weir_op_t *ops[3];

  for (int i = 0; i < 3; i++) {
    probe_init(&probes[i], bg);
    ops[i] = &probes[i].op;
  }
  probe_init(&all, bg);
  weir_all(&all.op, ops, 3, probe_note);
  weir_run(loop);
  ck_completed(&all, 0);
  park(&probes[1]);
  probe_init(&all, bg);
  weir_all(&all.op, ops, 3, probe_note);
  weir_run(loop);
  ck_not_completed(&all);
  cancel_and_run(&probes[1]);
  ck_completed(&all, 0);
}
END_TEST

START_TEST(all_waits_for_the_callbacks_of_runnable_ops) {
  probe_t yield, all;
  weir_op_t *ops[] = {&yield.op};

  probe_init(&yield, bg);
  probe_init(&all, bg);
  weir_yield(&yield.op, probe_note);
  weir_all(&all.op, ops, 1, probe_note);
  weir_run(loop);
  ck_completed(&all, 0);
  ck_assert_uint_lt(yield.order, all.order);
}
END_TEST

/* any */

START_TEST(any_of_none_parks) {
  probe_t any;

  probe_init(&any, bg);
  ck_assert_int_eq(weir_any(&any.op, NULL, 0, probe_note), 0);
  ck_assert_uint_eq(weir_run(loop), 1);
  cancel_and_run(&any);
}
END_TEST

START_TEST(any_completes_with_status_and_index_of_the_first) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, 0);
  probe_t probes[3], any;
  weir_op_t *ops[3];

  park_three(probes, ops);
  cancel_and_run(&probes[2]);
  probes[2].calls = 0;
  weir_chan_recv(&probes[2].op, ch, NULL, probe_note);
  probe_init(&any, bg);
  weir_any(&any.op, ops, 3, probe_note);
  weir_chan_close(ch);
  weir_op_cancel(&probes[0].op);
  weir_run(loop);
  ck_completed(&any, UV_EOF);
  ck_assert_uint_eq(any.index, 2);
  ck_not_completed(&probes[1]);
  cancel_and_run(&probes[1]);
  ck_completed(&any, UV_EOF);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(any_with_an_idle_op_completes_with_its_last_status) {
  probe_t probes[3], any;
  weir_op_t *ops[3];

  park_three(probes, ops);
  cancel_and_run(&probes[1]);
  probe_init(&any, bg);
  weir_any(&any.op, ops, 3, probe_note);
  weir_run(loop);
  ck_completed(&any, UV_ECANCELED);
  ck_assert_uint_eq(any.index, 1);
  cancel_and_run(&probes[0]);
  cancel_and_run(&probes[2]);
  ck_completed(&any, UV_ECANCELED);
}
END_TEST

START_TEST(any_index_is_the_last_of_many) {
  enum { MANY = 1000 };
  static probe_t probes[MANY];
  static weir_op_t *ops[MANY];
  probe_t any;

  for (int i = 0; i < MANY; i++) {
    park(&probes[i]);
    ops[i] = &probes[i].op;
  }
  probe_init(&any, bg);
  weir_any(&any.op, ops, MANY, probe_note);
  cancel_and_run(&probes[MANY - 1]);
  ck_completed(&any, UV_ECANCELED);
  ck_assert_uint_eq(any.index, MANY - 1);
  for (int i = 0; i < MANY - 1; i++) weir_op_cancel(ops[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
}
END_TEST

/* cancelling */

START_TEST(cancelled_join_leaves_its_ops_alone) {
  int (*joins[])(weir_op_t *, weir_op_t *const *, size_t, weir_op_cb) = {weir_all, weir_any};

  for (int kind = 0; kind < 2; kind++) {
    probe_t probes[3], join;
    weir_op_t *ops[3];

    park_three(probes, ops);
    probe_init(&join, bg);
    joins[kind](&join.op, ops, 3, probe_note);
    cancel_and_run(&join);
    ck_assert_uint_eq(join.index, 0);
    for (int i = 0; i < 3; i++) ck_not_completed(&probes[i]);
    for (int i = 0; i < 3; i++) cancel_and_run(&probes[i]);
    ck_completed(&join, UV_ECANCELED);
  }
}
END_TEST

START_TEST(join_is_cancelled_with_its_context) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 1);
  probe_t probes[3], all, any;
  weir_op_t *ops[3];

  park_three(probes, ops);
  probe_init(&all, ctx);
  probe_init(&any, ctx);
  weir_all(&all.op, ops, 2, probe_note);
  weir_any(&any.op, ops, 3, probe_note);
  weir_run(loop);
  ck_completed(&all, UV_ETIMEDOUT);
  ck_completed(&any, UV_ETIMEDOUT);
  for (int i = 0; i < 3; i++) cancel_and_run(&probes[i]);
  weir_ctx_unref(ctx);
}
END_TEST

/* joins of joins */

START_TEST(joins_of_joins) {
  probe_t probes[3], any, all, top;
  weir_op_t *ops[3], *joins[] = {&any.op, &all.op};

  park_three(probes, ops);
  probe_init(&any, bg);
  probe_init(&all, bg);
  probe_init(&top, bg);
  weir_any(&any.op, ops, 2, probe_note);
  weir_all(&all.op, &ops[2], 1, probe_note);
  weir_all(&top.op, joins, 2, probe_note);
  cancel_and_run(&probes[1]);
  ck_completed(&any, UV_ECANCELED);
  ck_not_completed(&top);
  cancel_and_run(&probes[2]);
  ck_completed(&top, 0);
  cancel_and_run(&probes[0]);
}
END_TEST

/* memory of ops */

static void free_op(weir_op_t *op, int status) {
  (void)status;
  free(op);
}

/* Of three ops two complete and are freed; then the joins, which still point at them, go on. */
START_TEST(ops_may_be_freed_in_their_callbacks_before_the_join_ends) {
  for (int cancels = 0; cancels < 2; cancels++) {
    weir_op_t *ops[3];
    probe_t alone, shared;

    for (int i = 0; i < 3; i++) {
      ops[i] = malloc(sizeof(weir_op_t));
      weir_op_init(ops[i], bg);
      weir_chan_recv(ops[i], NULL, NULL, free_op);
    }
    probe_init(&alone, bg);
    probe_init(&shared, bg);
    weir_all(&alone.op, ops, 3, probe_note);
    weir_all(&shared.op, ops, 3, probe_note);
    weir_op_cancel(ops[0]);
    weir_op_cancel(ops[2]);
    ck_assert_uint_eq(weir_run(loop), 3);
    if (cancels) {
      cancel_and_run(&alone);
      cancel_and_run(&shared);
    }
    weir_op_cancel(ops[1]);
    ck_assert_uint_eq(weir_run(loop), 0);
    ck_completed(&alone, cancels ? UV_ECANCELED : 0);
    ck_completed(&shared, cancels ? UV_ECANCELED : 0);
  }
}
END_TEST

START_TEST(array_of_a_completed_any_may_go_while_its_ops_are_parked) {
  probe_t probes[3], any;
  weir_op_t **ops = malloc(3 * sizeof(*ops));

  park_three(probes, ops);
  probe_init(&any, bg);
  weir_any(&any.op, ops, 3, probe_note);
  cancel_and_run(&probes[2]);
  ck_completed(&any, UV_ECANCELED);
  free(ops);
  cancel_and_run(&probes[0]);
  cancel_and_run(&probes[1]);
}
END_TEST

START_TEST(context_of_an_idle_op_may_be_gone) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  probe_t op, all, any;
  weir_op_t *ops[] = {&op.op};

  probe_init(&op, ctx);
  probe_init(&all, bg);
  probe_init(&any, bg);
  weir_ctx_unref(ctx);
  ck_assert_int_eq(weir_all(&all.op, ops, 1, probe_note), 0);
  ck_assert_int_eq(weir_any(&any.op, ops, 1, probe_note), 0);
  weir_run(loop);
  ck_completed(&all, 0);
  ck_completed(&any, 0);
}
END_TEST

/* misuse */

START_TEST(wrong_arguments_give_einval_and_start_nothing) {
  int (*joins[])(weir_op_t *, weir_op_t *const *, size_t, weir_op_cb) = {weir_all, weir_any};
  own_t own;
  probe_t op, join, foreign;
  weir_op_t *with_null[] = {&op.op, NULL}, *with_self[] = {&join.op}, *abroad[] = {&foreign.op};

  own_open(&own);
  probe_init(&op, bg);
  probe_init(&join, bg);
  probe_init(&foreign, own.bg);
  weir_chan_recv(&foreign.op, NULL, NULL, probe_note);
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(joins[i](&join.op, NULL, 1, probe_note), UV_EINVAL);
    ck_assert_int_eq(joins[i](&join.op, with_null, 2, probe_note), UV_EINVAL);
    ck_assert_int_eq(joins[i](&join.op, with_self, 1, probe_note), UV_EINVAL);
    ck_assert_int_eq(joins[i](&join.op, abroad, 1, probe_note), UV_EINVAL);
  }
  ck_assert(!weir_op_pending(&join.op));
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(join.calls, 0);
  own_close(&own);
}
END_TEST

START_TEST(array_of_more_than_uint32_max_ops_is_refused) {
  probe_t op, join;
  weir_op_t *ops[] = {&op.op};

  if (sizeof(size_t) == 4) return;
  probe_init(&op, bg);
  probe_init(&join, bg);
  ck_assert_int_eq(weir_all(&join.op, ops, (size_t)UINT32_MAX + 1, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_any(&join.op, ops, (size_t)UINT32_MAX + 1, probe_note), UV_EINVAL);
  ck_assert(!weir_op_pending(&join.op));
}
END_TEST

static const support_test_t tests[] = {
    T(all_of_none_completes),
    T(all_completes_after_the_last_with_0_whatever_the_statuses),
    T(all_counts_idle_ops_as_completed),
    T(all_waits_for_the_callbacks_of_runnable_ops),
    T(any_of_none_parks),
    T(any_completes_with_status_and_index_of_the_first),
    T(any_with_an_idle_op_completes_with_its_last_status),
    T(any_index_is_the_last_of_many),
    T(cancelled_join_leaves_its_ops_alone),
    T(join_is_cancelled_with_its_context),
    T(joins_of_joins),
    T(ops_may_be_freed_in_their_callbacks_before_the_join_ends),
    T(array_of_a_completed_any_may_go_while_its_ops_are_parked),
    T(context_of_an_idle_op_may_be_gone),
    T(array_of_more_than_uint32_max_ops_is_refused),
    T(wrong_arguments_give_einval_and_start_nothing),
};

SUITE_MAIN("join", tests)
