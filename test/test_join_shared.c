/* Description: ops in several joins at once, repeatedly in one, and in one after another. */
#include "support/parked.h"
#include "support/support.h"

/* sharing: an op in several joins, and more than once in one */

START_TEST(op_may_stand_in_several_joins) {
  probe_t probes[3], joins[6];
  weir_op_t *ops[3];

  park_three(probes, ops);
  for (int i = 0; i < 6; i++) {
    probe_init(&joins[i], bg);
    (i % 2 ? weir_any : weir_all)(&joins[i].op, ops, 3, probe_note);
  }
  cancel_and_run(&probes[1]);
  for (int i = 0; i < 6; i += 2) ck_not_completed(&joins[i]);
  for (int i = 1; i < 6; i += 2) {
    ck_completed(&joins[i], UV_ECANCELED);
    ck_assert_uint_eq(joins[i].index, 1);
  }
  cancel_and_run(&probes[0]);
  cancel_and_run(&probes[2]);
  for (int i = 0; i < 6; i++) ck_completed(&joins[i], i % 2 ? UV_ECANCELED : 0);
}
END_TEST

START_TEST(cancelling_one_of_several_joins_leaves_the_others) {
  for (int out = 0; out < 4; out++) {
    probe_t probes[3], joins[4];
    weir_op_t *ops[3];

    park_three(probes, ops);
    for (int i = 0; i < 4; i++) {
      probe_init(&joins[i], bg);
      (i % 2 ? weir_any : weir_all)(&joins[i].op, ops, 3, probe_note);
    }
    cancel_and_run(&joins[out]);
    for (int i = 0; i < 3; i++) cancel_and_run(&probes[i]);
    for (int i = 0; i < 4; i++) ck_completed(&joins[i], i % 2 || i == out ? UV_ECANCELED : 0);
  }
}
END_TEST

START_TEST(op_may_be_repeated_in_one_array) {
  probe_t probes[3], all, any;
  weir_op_t *ops[3], *twice[4];

  park_three(probes, ops);
  twice[0] = ops[1];
  twice[1] = ops[0];
  twice[2] = ops[0];
  twice[3] = ops[1];
  probe_init(&all, bg);
  probe_init(&any, bg);
  weir_all(&all.op, twice, 4, probe_note);
  weir_any(&any.op, twice, 4, probe_note);
  cancel_and_run(&probes[0]);
  ck_not_completed(&all);
  ck_completed(&any, UV_ECANCELED);
  ck_assert_uint_eq(any.index, 1);
  cancel_and_run(&probes[1]);
  ck_completed(&all, 0);
  cancel_and_run(&probes[2]);
}
END_TEST

START_TEST(joins_over_other_ops_are_not_disturbed) {
  probe_t probes[3], joins[4];
  weir_op_t *ops[3], *arrays[4][2];

  park_three(probes, ops);
  for (int i = 0; i < 4; i++) { /* ops[0] twice, then ops[1] twice */
    arrays[i][0] = arrays[i][1] = ops[i / 2];
    probe_init(&joins[i], bg);
    (i % 2 ? weir_any : weir_all)(&joins[i].op, arrays[i], 2, probe_note);
  }
  cancel_and_run(&probes[0]);
  ck_completed(&joins[0], 0);
  ck_completed(&joins[1], UV_ECANCELED);
  ck_not_completed(&joins[2]);
  ck_not_completed(&joins[3]);
  cancel_and_run(&probes[1]);
  ck_completed(&joins[2], 0);
  ck_completed(&joins[3], UV_ECANCELED);
  cancel_and_run(&probes[2]);
}
END_TEST

static weir_chan_t *recv_from;

static void recv_again(weir_op_t *op, int status) {
  probe_note(op, status);
  weir_chan_recv(op, recv_from, NULL, probe_note);
}

/* Each completion of an op counts once for a join, the first one. */
START_TEST(op_restarted_in_its_callback_has_completed_for_the_join) {
  recv_from = weir_chan_new(loop, WEIR_TYPE(int), 0);
  for (int shared = 0; shared < 2; shared++) {
    probe_t probes[3], all, also;
    weir_op_t *ops[3];
    int value = 1;

    park_three(probes, ops);
    cancel_and_run(&probes[0]);
    probe_init(&probes[0], bg);
    weir_chan_recv(ops[0], recv_from, NULL, recv_again);
    probe_init(&also, bg);
    probe_init(&all, bg);
    if (shared) weir_all(&also.op, ops, 3, probe_note);
    weir_all(&all.op, ops, 2, probe_note);
    weir_chan_try_send(recv_from, &value);
    weir_run(loop);
    ck_assert_int_eq(probes[0].calls, 1);
    ck_assert(weir_op_pending(ops[0]));
    ck_not_completed(&all);
    cancel_and_run(&probes[1]);
    ck_completed(&all, 0);
    ck_assert(weir_op_pending(ops[0]));
    weir_op_cancel(ops[0]);
    cancel_and_run(&probes[2]);
    if (shared) ck_completed(&also, 0);
  }
  weir_chan_unref(recv_from);
}
END_TEST

/* Both joins have to look into their arrays; one of the ops completes twice meanwhile. */
START_TEST(second_completion_of_a_shared_op_does_not_count_for_an_older_all) {
  probe_t probes[3], first, older, newer;
  weir_op_t *ops[3], *twice[2];

  park_three(probes, ops);
  probe_init(&first, bg);
  probe_init(&older, bg);
  probe_init(&newer, bg);
  weir_all(&first.op, ops, 2, probe_note);
  weir_all(&older.op, ops, 2, probe_note);
  cancel_and_run(&probes[0]);
  park(&probes[0]);
  twice[0] = twice[1] = ops[0];
  weir_all(&newer.op, twice, 2, probe_note);
  cancel_and_run(&probes[0]);
  ck_completed(&newer, 0);
  ck_not_completed(&first);
  ck_not_completed(&older);
  cancel_and_run(&probes[1]);
  ck_completed(&first, 0);
  ck_completed(&older, 0);
  cancel_and_run(&probes[2]);
}
END_TEST

START_TEST(op_idle_at_the_start_of_an_all_does_not_count_later) {
  probe_t probes[3], first, older, newer;
  weir_op_t *ops[3], *twice[2];

  park_three(probes, ops);
  cancel_and_run(&probes[0]);
  probe_init(&first, bg);
  probe_init(&older, bg);
  probe_init(&newer, bg);
  weir_all(&first.op, ops, 2, probe_note);
  weir_all(&older.op, ops, 2, probe_note);
  park(&probes[0]);
  twice[0] = twice[1] = ops[0];
  weir_all(&newer.op, twice, 2, probe_note);
  cancel_and_run(&probes[0]);
  ck_completed(&newer, 0);
  ck_not_completed(&older);
  cancel_and_run(&probes[1]);
  ck_completed(&first, 0);
  ck_completed(&older, 0);
  cancel_and_run(&probes[2]);
}
END_TEST

/* The same ops in one join after another, each kind after each, completed or cancelled. */
START_TEST(ops_may_go_from_join_to_join) {
  int (*joins[])(weir_op_t *, weir_op_t *const *, size_t, weir_op_cb) = {weir_all, weir_any};
  probe_t probes[3], join;
  weir_op_t *ops[3];

  for (int kinds = 0; kinds < 8; kinds++) {
    bool cancels = kinds & 4;
    park_three(probes, ops);
    for (int step = 0; step < 2; step++) {
      bool is_any = step ? kinds & 2 : kinds & 1;
      probe_init(&join, bg);
      ck_assert_int_eq(joins[is_any](&join.op, ops, 3, probe_note), 0);
      if (cancels) {
        cancel_and_run(&join);
        continue;
      }
      for (int i = 0; i < 3; i++) {
        cancel_and_run(&probes[i]);
        probes[i].calls = 0;
      }
      ck_completed(&join, is_any ? UV_ECANCELED : 0);
      for (int i = 0; i < 3; i++) weir_chan_recv(ops[i], NULL, NULL, probe_note);
    }
    probe_init(&join, bg);
    weir_any(&join.op, ops, 3, probe_note);
    cancel_and_run(&probes[1]);
    ck_completed(&join, UV_ECANCELED);
    ck_assert_uint_eq(join.index, 1);
    cancel_and_run(&probes[0]);
    cancel_and_run(&probes[2]);
  }
}
END_TEST

static weir_op_t *again_ops[2];
static probe_t again;

/* The op parks for ever, and a third join is over it alone, twice. */
static void park_and_join_again(weir_op_t *op, int status) {
  probe_note(op, status);
  weir_chan_recv(op, NULL, NULL, NULL);
  again_ops[0] = again_ops[1] = op;
  probe_init(&again, bg);
  weir_all(&again.op, again_ops, 2, probe_note);
}

START_TEST(op_joined_again_in_its_callback_has_completed_for_the_joins_before) {
  for (int kinds = 0; kinds < 4; kinds++) {
    probe_t probes[3], joins[2];
    weir_op_t *ops[3];

    park_three(probes, ops);
    cancel_and_run(&probes[0]);
    weir_chan_recv(ops[0], NULL, NULL, park_and_join_again);
    for (int i = 0; i < 2; i++) {
      probe_init(&joins[i], bg);
      (kinds >> i & 1 ? weir_any : weir_all)(&joins[i].op, ops, 2, probe_note);
    }
    weir_op_cancel(ops[0]);
    weir_run(loop);
    for (int i = 0; i < 2; i++) ck_assert_int_eq(joins[i].calls, kinds >> i & 1);
    cancel_and_run(&probes[1]);
    for (int i = 0; i < 2; i++) ck_completed(&joins[i], kinds >> i & 1 ? UV_ECANCELED : 0);
    ck_not_completed(&again);
    weir_op_cancel(ops[0]);
    cancel_and_run(&probes[2]);
    ck_completed(&again, 0);
  }
}
END_TEST

/* The address of an op that has completed is taken by a new one, which newer joins want. */
START_TEST(new_op_at_the_address_of_a_completed_one_is_another) {
  for (int newer = 1; newer < 4; newer++) {
    probe_t probes[3], older[3], joins[3];
    weir_op_t *ops[3];

    park_three(probes, ops);
    for (int i = 0; i < 3; i++) {
      probe_init(&older[i], bg);
      weir_all(&older[i].op, ops, 3, probe_note);
    }
    cancel_and_run(&probes[1]);
    park(&probes[1]);
    for (int i = 0; i < newer; i++) {
      probe_init(&joins[i], bg);
      (i % 2 ? weir_any : weir_all)(&joins[i].op, &ops[1], 1, probe_note);
    }
    cancel_and_run(&probes[1]);
    for (int i = 0; i < newer; i++) ck_completed(&joins[i], i % 2 ? UV_ECANCELED : 0);
    cancel_and_run(&probes[0]);
    for (int i = 0; i < 3; i++) ck_not_completed(&older[i]);
    cancel_and_run(&probes[2]);
    for (int i = 0; i < 3; i++) ck_completed(&older[i], 0);
  }
}
END_TEST

START_TEST(ops_of_a_join_may_be_shared_after_some_have_completed) {
  probe_t probes[3], joins[4];
  weir_op_t *ops[3];

  park_three(probes, ops);
  for (int i = 0; i < 4; i++) probe_init(&joins[i], bg);
  weir_all(&joins[0].op, ops, 3, probe_note);
  cancel_and_run(&probes[2]);
  weir_all(&joins[1].op, ops, 3, probe_note);
  weir_any(&joins[2].op, ops, 2, probe_note);
  cancel_and_run(&probes[1]);
  ck_completed(&joins[2], UV_ECANCELED);
  ck_assert_uint_eq(joins[2].index, 1);
  weir_all(&joins[3].op, ops, 3, probe_note);
  ck_not_completed(&joins[0]);
  ck_not_completed(&joins[1]);
  cancel_and_run(&probes[0]);
  ck_completed(&joins[0], 0);
  ck_completed(&joins[1], 0);
  ck_completed(&joins[3], 0);
  ck_assert_uint_lt(joins[0].order, joins[1].order);
  ck_assert_uint_lt(joins[1].order, joins[3].order);
}
END_TEST

/* Joins come and go over one op that stays: at most two, or three, at a time. */
START_TEST(op_may_outlast_many_joins) {
  for (int width = 1; width < 4; width++) {
    probe_t op, joins[50];
    weir_op_t *ops[] = {&op.op};

    park(&op);
    for (int i = 0; i < 50; i++) {
      probe_init(&joins[i], bg);
      (i % 2 ? weir_any : weir_all)(&joins[i].op, ops, 1, probe_note);
      if (i >= width) cancel_and_run(&joins[i - width]);
    }
    cancel_and_run(&op);
    for (int i = 0; i < 50; i++)
      ck_completed(&joins[i], i % 2 || i < 50 - width ? UV_ECANCELED : 0);
  }
}
END_TEST

static const support_test_t tests[] = {
    T(op_may_stand_in_several_joins),
    T(cancelling_one_of_several_joins_leaves_the_others),
    T(op_may_be_repeated_in_one_array),
    T(joins_over_other_ops_are_not_disturbed),
    T(op_restarted_in_its_callback_has_completed_for_the_join),
    T(second_completion_of_a_shared_op_does_not_count_for_an_older_all),
    T(op_idle_at_the_start_of_an_all_does_not_count_later),
    T(ops_may_go_from_join_to_join),
    T(op_joined_again_in_its_callback_has_completed_for_the_joins_before),
    T(new_op_at_the_address_of_a_completed_one_is_another),
    T(ops_of_a_join_may_be_shared_after_some_have_completed),
    T(op_may_outlast_many_joins),
};

SUITE_MAIN("join_shared", tests)
