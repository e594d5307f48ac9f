/*
 * Description: connect, write and shutdown cut short at each stage that they can be in, in each
 * way; all that they used is freed in their callbacks.
 */
#include "support/peers.h"
#include "support/values.h"

enum { OPS_MAX = 8, LARGE = 1024 * 1024, SMALL = 1000 };

/*
 * A trial has some ops on one stream. Each op, with its bytes, is freed in its callback; the stream
 * in that of the first one that has been cut short, since by then it is closed.
 */
typedef struct part_s {
  weir_op_t op; /* first */
  int number;
  char *bytes;
} part_t;

static struct {
  cut_t cut;
  near_t *near;
  int far; /* or -1 */
  deaf_t deaf;
  int n;
  weir_op_t *ops[OPS_MAX];
  size_t stamped; /* how much the writes are to bring */
  int victim;     /* BY_OP: which is cut */
  int calls[OPS_MAX], statuses[OPS_MAX];
  int completed;
} trial;

static void on_end(weir_op_t *op, int status) {
  part_t *part = (part_t *)op;

  trial.calls[part->number]++;
  trial.statuses[part->number] = status;
  trial.completed++;
  if (status && (trial.cut.way != BY_OP || part->number == trial.victim)) {
    free(trial.near);
    trial.near = NULL;
  }
  free(part->bytes);
  free(part);
}

static part_t *part_new(size_t length) {
  part_t *part = calloc(1, sizeof(*part));

  part->number = trial.n;
  part->bytes = stamped(length, trial.stamped);
  trial.stamped += length;
  trial.ops[trial.n++] = &part->op;
  weir_op_init(&part->op, trial.cut.ctx);
  return part;
}

static void connect_to(const address_t *address) {
  part_t *part = part_new(0);
  address_t copied = *address;

  ck_assert_int_eq(weir_uv_connect(&part->op, &trial.near->tcp, (struct sockaddr *)&copied, on_end),
                   0);
}

static void write_some(size_t length) {
  part_t *part = part_new(length);
  uv_buf_t bufs[] = {uv_buf_init(part->bytes, (unsigned)length / 2),
                     uv_buf_init(part->bytes + length / 2, (unsigned)(length - length / 2))};

  ck_assert_int_eq(weir_uv_write(&part->op, &trial.near->stream, bufs, 2, on_end), 0);
}

static void shut_down(void) {
  part_t *part = part_new(0);

  ck_assert_int_eq(weir_uv_shutdown(&part->op, &trial.near->stream, on_end), 0);
}

/* stages: what is under way when it is cut */

static void connecting(void) {
  connect_to(&trial.deaf.address);
}

static void connecting_with_a_queue(void) {
  connect_to(&trial.deaf.address);
  write_some(SMALL);
  write_some(LARGE);
  shut_down();
  turns(&trial.cut.own.uv, 3);
}

/* libuv knows, and has not said so. */
static void refused(void) {
  address_t address;
  int nobody = socket_bound(&address);

  connect_to(&address);
  close(nobody);
}

static void writing(void) {
  write_some(LARGE);
}

static void writing_with_a_full_window(void) {
  write_some(LARGE);
  turns(&trial.cut.own.uv, 10);
}

static void writing_with_a_queue(void) {
  write_some(LARGE);
  write_some(SMALL);
  write_some(LARGE);
  write_some(SMALL);
  turns(&trial.cut.own.uv, 10);
}

static void writing_and_shutting_down(void) {
  write_some(SMALL);
  write_some(LARGE);
  shut_down();
  turns(&trial.cut.own.uv, 10);
}

static void shutting_down(void) {
  shut_down();
}

/* the trial */

static void open_near(wire_kind_t kind, bool is_connected) {
  wire_t wire;

  if (!is_connected) {
    deaf_open(&trial.deaf);
    trial.near = near_new(&trial.cut.own.uv, A_TCP);
    trial.far = -1;
    return;
  }
  wire_open_on(&trial.cut.own.uv, &wire, kind);
  trial.near = wire.near;
  trial.far = wire.far;
}

/* The other side sees what has gone, in order, and then the end. */
static void close_far(void) {
  size_t place = 0;

  if (trial.far < 0) {
    deaf_close(&trial.deaf);
    return;
  }
  while (!far_pull(trial.far, &place)) continue;
  ck_assert_uint_le(place, trial.stamped);
  close(trial.far);
}

typedef struct stage_s {
  void (*start)(void);
  int n;               /* how many ops it starts */
  int passes;          /* how many of them are done before the cut */
  bool is_unconnected; /* before the start */
  bool is_fleeting;    /* it is over with the next turn */
} stage_t;

static void ck_parts(const stage_t *stage) {
  ck_assert_int_eq(trial.n, stage->n);
  for (int i = 0; i < trial.n; i++) {
    ck_assert_int_eq(trial.calls[i], 1);
    if (i >= stage->passes || trial.statuses[i])
      ck_assert_int_eq(trial.statuses[i], cut_status(&trial.cut));
  }
  ck_assert_ptr_null(trial.near);
}

static void ck_cut(const stage_t *stage, wire_kind_t kind, way_t way, int victim) {
  int completed;

  memset(&trial, 0, sizeof(trial));
  cut_open(&trial.cut, way);
  open_near(kind, !stage->is_unconnected);
  trial.victim = victim;
  stage->start();
  completed = trial.completed;
  if (way != BY_DEADLINE) ck_assert_int_eq(completed, stage->passes);
  cut_now(&trial.cut, trial.ops[victim]);
  if (way == BY_OP) ck_assert_int_eq(weir_op_cancel(trial.ops[victim]), UV_EALREADY);
  ck_assert_int_eq(trial.completed, completed); /* none inside the call */
  cut_finish(&trial.cut);
  ck_parts(stage);
  close_far();
}

/* Each op of it alone, and all of them with what they stand under. */
static void ck_cut_each_way(const stage_t *stage) {
  wire_kind_t kinds = stage->is_unconnected ? 1 : WIRE_KINDS;

  for (wire_kind_t kind = 0; kind < kinds; kind++) {
    for (int victim = stage->passes; victim < stage->n; victim++)
      ck_cut(stage, kind, BY_OP, victim);
    ck_cut(stage, kind, BY_CONTEXT, stage->passes);
    ck_cut(stage, kind, BY_LOOP, stage->passes);
    if (stage->is_fleeting) continue;
    ck_cut(stage, kind, BY_DEADLINE, stage->passes);
    ck_cut(stage, kind, BY_THREAD, stage->passes);
  }
}

START_TEST(connecting_is_cut) {
  ck_cut_each_way(&(stage_t){connecting, .n = 1, .is_unconnected = true});
}
END_TEST

START_TEST(connecting_with_a_queue_behind_is_cut) {
  ck_cut_each_way(&(stage_t){connecting_with_a_queue, .n = 4, .is_unconnected = true});
}
END_TEST

START_TEST(refused_connection_is_cut_before_it_is_told) {
  ck_cut_each_way(&(stage_t){refused, .n = 1, .is_unconnected = true, .is_fleeting = true});
}
END_TEST

START_TEST(write_is_cut_before_a_turn) {
  ck_cut_each_way(&(stage_t){writing, .n = 1});
}
END_TEST

START_TEST(write_with_a_full_window_is_cut) {
  ck_cut_each_way(&(stage_t){writing_with_a_full_window, .n = 1});
}
END_TEST

/* The stream took it at its start: there is nothing to cut, and the stream is not closed for it. */
START_TEST(write_that_has_gone_is_not_cut) {
  for (int by_context = 0; by_context < 2; by_context++) {
    weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
    char *bytes = stamped(SMALL, 0);
    uv_buf_t bufs[] = {uv_buf_init(bytes, SMALL / 2), uv_buf_init(bytes + SMALL / 2, SMALL / 2)};
    size_t place = 0;
    probe_t probe;
    wire_t wire;

    wire_open(&wire, A_TCP);
    probe_init(&probe, ctx);
    ck_assert_int_eq(weir_uv_write(&probe.op, &wire.near->stream, bufs, 2, probe_note), 0);
    ck_not_completed(&probe);
    if (by_context)
      weir_ctx_cancel(ctx);
    else
      ck_assert_int_eq(weir_op_cancel(&probe.op), UV_EALREADY);
    weir_run(loop);
    ck_completed(&probe, 0);
    ck_assert(!uv_is_closing(&wire.near->handle));
    while (place < SMALL) far_pull(wire.far, &place);
    weir_ctx_unref(ctx);
    wire_close(&wire);
    free(bytes);
  }
}
END_TEST

START_TEST(queued_writes_are_cut) {
  ck_cut_each_way(&(stage_t){writing_with_a_queue, .n = 4});
}
END_TEST

START_TEST(shutdown_behind_writes_is_cut) {
  ck_cut_each_way(&(stage_t){writing_and_shutting_down, .n = 3, .passes = 1});
}
END_TEST

START_TEST(shutdown_is_cut_before_a_turn) {
  ck_cut_each_way(&(stage_t){shutting_down, .n = 1, .is_fleeting = true});
}
END_TEST

/* one of several */

static void start_write(weir_ctx_t *ctx, probe_t *probe, near_t *near, char *bytes, size_t length) {
  uv_buf_t buf = uv_buf_init(bytes, (unsigned)length);

  probe_init(probe, ctx);
  ck_assert_int_eq(weir_uv_write(&probe->op, &near->stream, &buf, 1, probe_note), 0);
  ck_not_completed(probe);
}

/* They share the stream: its end is the end of the others. */
START_TEST(ops_under_other_contexts_end_with_the_stream) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 2);
  char *bytes = stamped(LARGE, 0);
  probe_t writes[3];
  wire_t wire;

  wire_open(&wire, A_TCP);
  for (int i = 0; i < 3; i++) start_write(i == 1 ? ctx : bg, &writes[i], wire.near, bytes, LARGE);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&writes[0], UV_ECANCELED);
  ck_completed(&writes[1], UV_ETIMEDOUT);
  ck_completed(&writes[2], UV_ECANCELED);
  free(bytes);
  wire_free(&wire);
  weir_ctx_unref(ctx);
}
END_TEST

/* The first of them is the one that counts. */
START_TEST(two_cuts_of_one_stream_give_each_its_reason) {
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 1);
  char *bytes = stamped(LARGE, 0);
  probe_t writes[2];
  wire_t wire;

  wire_open(&wire, A_PIPE);
  for (int i = 0; i < 2; i++) start_write(ctx, &writes[i], wire.near, bytes, LARGE);
  ck_assert_int_eq(weir_op_cancel(&writes[0].op), 0);
  weir_ctx_cancel(ctx);
  ck_assert_int_eq(weir_op_cancel(&writes[0].op), UV_EALREADY);
  ck_assert_int_eq(weir_op_cancel(&writes[1].op), UV_EALREADY);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&writes[0], UV_ECANCELED);
  ck_completed(&writes[1], UV_ECANCELED);
  ck_assert_int_eq(weir_op_cancel(&writes[0].op), UV_ENOENT);
  free(bytes);
  wire_free(&wire);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(pending_op_holds_its_context) {
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  char *bytes = stamped(LARGE, 0);
  weir_stats_t stats;
  probe_t write;
  wire_t wire;

  wire_open(&wire, A_PIPE);
  start_write(ctx, &write, wire.near, bytes, LARGE);
  weir_ctx_cancel(ctx);
  weir_ctx_unref(ctx);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.contexts, 1);
  weir_run(loop);
  ck_completed(&write, UV_ECANCELED);
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.contexts, 0);
  free(bytes);
  wire_free(&wire);
}
END_TEST

/* libuv has reported, and the callback is due: it can't be cancelled any more. */

typedef struct late_s {
  uv_check_t check; /* first; it runs before weir's own, which was started before */
  probe_t *probe;
  int err;
} late_t;

static void cancel_late(uv_check_t *check) {
  late_t *late = (late_t *)check;

  if (late->probe->calls == 0) late->err = weir_op_cancel(&late->probe->op);
  uv_close((uv_handle_t *)check, NULL);
}

START_TEST(cancel_between_the_report_and_the_callback_is_too_late) {
  char *bytes = stamped(SMALL, 0);
  late_t late = {.err = 1};
  probe_t write;
  wire_t wire;

  wire_open(&wire, A_PIPE);
  start_write(bg, &write, wire.near, bytes, SMALL);
  late.probe = &write;
  uv_check_init(uv, &late.check);
  uv_check_start(&late.check, cancel_late);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(late.err, UV_EALREADY);
  ck_completed(&write, 0);
  ck_assert(!uv_is_closing(&wire.near->handle));
  free(bytes);
  wire_close(&wire);
}
END_TEST

/* the memory of the handle, used again in the callback */

static struct {
  near_t *near;
  address_t address;
  int status, calls;
} again;

static void note_again(weir_op_t *op, int status) {
  (void)op;
  again.status = status;
  again.calls++;
}

static void connect_again(weir_op_t *op, int status) {
  ck_assert_int_eq(status, UV_ECANCELED);
  memset(again.near, 0xdb, sizeof(*again.near));
  ck_assert_int_eq(uv_tcp_init(uv, &again.near->tcp), 0);
  ck_assert_int_eq(
      weir_uv_connect(op, &again.near->tcp, (struct sockaddr *)&again.address, note_again), 0);
}

START_TEST(handle_is_made_anew_and_connected_in_the_callback) {
  int listener;
  weir_op_t op;
  deaf_t deaf;

  again.calls = 0;
  listener = socket_listening(&again.address);
  deaf_open(&deaf);
  again.near = near_new(uv, A_TCP);
  weir_op_init(&op, bg);
  ck_assert_int_eq(
      weir_uv_connect(&op, &again.near->tcp, (struct sockaddr *)&deaf.address, connect_again), 0);
  ck_assert_int_eq(weir_op_cancel(&op), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(again.calls, 1);
  ck_assert_int_eq(again.status, 0);
  near_close(again.near);
  deaf_close(&deaf);
  close(listener);
}
END_TEST

/* Cut at each turn in turn, whatever has happened by then: the other side reads on meanwhile. */
START_TEST(streams_are_cut_at_each_turn) {
  for (int n = 0; n < 40; n++) {
    weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
    char *bytes = stamped(LARGE, 0);
    probe_t writes[4];
    size_t place = 0;
    int failed = 0;
    wire_t wire;

    wire_open(&wire, n % 2 ? A_TCP : A_PIPE);
    for (int i = 0; i < 4; i++)
      start_write(ctx, &writes[i], wire.near, bytes + (size_t)i * LARGE / 4, LARGE / 4);
    for (int i = 0; i < n; i++) {
      turns(uv, 1);
      far_pull(wire.far, &place);
    }
    weir_ctx_cancel(ctx);
    ck_assert_uint_eq(weir_run(loop), 0);
    for (int i = 0; i < 4; i++) {
      ck_completed(&writes[i], writes[i].status ? UV_ECANCELED : 0);
      if (failed) ck_assert_int_eq(writes[i].status, UV_ECANCELED);
      failed += writes[i].status != 0;
    }
    if (failed)
      free(wire.near);
    else
      near_close(wire.near);
    close(wire.far);
    free(bytes);
    weir_ctx_unref(ctx);
  }
}
END_TEST

static const support_test_t tests[] = {
    T(connecting_is_cut),
    T(connecting_with_a_queue_behind_is_cut),
    T(refused_connection_is_cut_before_it_is_told),
    T(write_is_cut_before_a_turn),
    T(write_with_a_full_window_is_cut),
    T(write_that_has_gone_is_not_cut),
    T(queued_writes_are_cut),
    T(shutdown_behind_writes_is_cut),
    T(shutdown_is_cut_before_a_turn),
    T(ops_under_other_contexts_end_with_the_stream),
    T(two_cuts_of_one_stream_give_each_its_reason),
    T(pending_op_holds_its_context),
    T(cancel_between_the_report_and_the_callback_is_too_late),
    T(handle_is_made_anew_and_connected_in_the_callback),
    T(streams_are_cut_at_each_turn),
};

SUITE_MAIN("uv_cancel", tests)
