/* Description: selects that meet across threads: they never deadlock, and each happens once. */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "support/shared.h"
#include "support/threads.h"

/*
 * Two that select the opposite way: {send a, recv b} with {recv a, send b}. Both send the number of
 * their round, so that whoever received has met the other in its round, and only once.
 */
enum { SIDES = 2 };

typedef struct side_s {
  weir_op_t op; /* first */
  weir_case_t cases[SIDES];
  int sent, received, rounds;
  int counts[SIDES]; /* of each channel */
} side_t;

static void next_round(side_t *side);

static void end_round(side_t *side, int status, size_t index) {
  ensure_eq(status, 0);
  ensure(index < SIDES);
  ensure_eq(side->received, side->cases[index].is_send ? UNTOUCHED : side->sent);
  side->counts[index]++;
  side->sent++;
  side->received = UNTOUCHED;
}

static void on_round(weir_op_t *op, int status) {
  side_t *side = (side_t *)op;

  end_round(side, status, weir_op_index(op));
  if (side->sent < side->rounds) next_round(side);
}

static void next_round(side_t *side) {
  ensure_eq(weir_select(&side->op, side->cases, SIDES, on_round), 0);
}

static void side_init(side_t *side, weir_chan_t **chans, size_t sends_on, int rounds) {
  *side = (side_t){.received = UNTOUCHED, .rounds = rounds};
  for (size_t i = 0; i < SIDES; i++)
    side->cases[i] =
        i == sends_on ? WEIR_SEND(chans[i], &side->sent) : WEIR_RECV(chans[i], &side->received);
}

static void run_side_on(weir_loop_t *on, side_t *side) {
  weir_op_init(&side->op, weir_loop_background(on));
  next_round(side);
  ensure_eq(weir_run(on), 0);
}

static void run_side(support_thread_t *thread, void *arg) {
  run_side_on(thread->loop, arg);
}

static void block_side(void *arg) {
  side_t *side = arg;

  while (side->sent < side->rounds) {
    size_t index = SIDES;
    int status = weir_select_blocking(side->cases, SIDES, UINT64_MAX, &index);
    end_round(side, status, index);
  }
}

/* Both channels were chosen again and again, and each time by both sides. */
static void ck_sides(side_t *sides, int rounds) {
  for (int i = 0; i < SIDES; i++) {
    ck_assert_int_eq(sides[0].counts[i], sides[1].counts[i]);
    ck_assert_int_gt(sides[0].counts[i], rounds / 10);
  }
}

START_TEST(two_loops_that_select_the_opposite_way_never_deadlock) {
  const int rounds = 100000;
  weir_chan_t *chans[] = {shared_ints(0), shared_ints(0)};
  side_t sides[SIDES];
  support_thread_t thread;

  for (size_t i = 0; i < SIDES; i++) side_init(&sides[i], chans, i, rounds);
  support_thread_start(&thread, run_side, &sides[1]);
  run_side_on(loop, &sides[0]);
  support_thread_join(&thread);
  ck_sides(sides, rounds);
  for (int i = 0; i < SIDES; i++) weir_chan_unref(chans[i]);
}
END_TEST

START_TEST(loop_and_thread_that_select_the_opposite_way_never_deadlock) {
  const int rounds = 50000;
  weir_chan_t *chans[] = {shared_ints(0), shared_ints(0)};
  side_t sides[SIDES];
  uv_thread_t thread;

  for (size_t i = 0; i < SIDES; i++) side_init(&sides[i], chans, i, rounds);
  ck_assert_int_eq(uv_thread_create(&thread, block_side, &sides[1]), 0);
  run_side_on(loop, &sides[0]);
  ck_assert_int_eq(uv_thread_join(&thread), 0);
  ck_sides(sides, rounds);
  for (int i = 0; i < SIDES; i++) weir_chan_unref(chans[i]);
}
END_TEST

START_TEST(two_threads_that_select_the_opposite_way_never_deadlock) {
  const int rounds = 50000;
  weir_chan_t *chans[] = {shared_ints(0), shared_ints(0)};
  side_t sides[SIDES];
  uv_thread_t thread;

  for (size_t i = 0; i < SIDES; i++) side_init(&sides[i], chans, i, rounds);
  ck_assert_int_eq(uv_thread_create(&thread, block_side, &sides[1]), 0);
  block_side(&sides[0]);
  ck_assert_int_eq(uv_thread_join(&thread), 0);
  ck_sides(sides, rounds);
  for (int i = 0; i < SIDES; i++) weir_chan_unref(chans[i]);
}
END_TEST

/* The same with a thousand cases, of channels that stand in several, in other orders. */
enum { CASES = 1000, CHANS = 400 };

typedef struct crowd_s {
  weir_op_t op; /* first */
  weir_case_t cases[CASES];
  int received[CASES];
  int sent, rounds;
} crowd_t;

/* Of `first` .. the even channels are sent on, the odd ones received from, or the other
 * way round. */
static void crowd_init(crowd_t *crowd, weir_chan_t **chans, int parity, int stride, int rounds) {
  crowd->sent = 0;
  crowd->rounds = rounds;
  for (int i = 0; i < CASES; i++) {
    int chan = (i * stride) % CHANS;
    crowd->received[i] = UNTOUCHED;
    crowd->cases[i] = chan % 2 == parity ? WEIR_SEND(chans[chan], &crowd->sent)
                                         : WEIR_RECV(chans[chan], &crowd->received[i]);
  }
}

static void on_crowd(weir_op_t *op, int status) {
  crowd_t *crowd = (crowd_t *)op;
  size_t index = weir_op_index(op);

  ensure_eq(status, 0);
  ensure(index < CASES);
  for (size_t i = 0; i < CASES; i++) {
    bool is_it = i == index && !crowd->cases[i].is_send;
    ensure_eq(crowd->received[i], is_it ? crowd->sent : UNTOUCHED);
  }
  crowd->received[index] = UNTOUCHED;
  if (++crowd->sent < crowd->rounds) ensure_eq(weir_select(op, crowd->cases, CASES, on_crowd), 0);
}

static void run_crowd_on(weir_loop_t *on, crowd_t *crowd) {
  weir_op_init(&crowd->op, weir_loop_background(on));
  ensure_eq(weir_select(&crowd->op, crowd->cases, CASES, on_crowd), 0);
  ensure_eq(weir_run(on), 0);
}

static void run_crowd(support_thread_t *thread, void *arg) {
  run_crowd_on(thread->loop, arg);
}

START_TEST(two_selects_of_a_thousand_cases_meet_again_and_again) {
  crowd_t *crowds = calloc(2, sizeof(*crowds));
  weir_chan_t *chans[CHANS];
  support_thread_t thread;
  const int rounds = 1500;

  for (int i = 0; i < CHANS; i++) chans[i] = shared_ints(0);
  crowd_init(&crowds[0], chans, 0, 7, rounds);
  crowd_init(&crowds[1], chans, 1, 393, rounds); /* the other way round */
  support_thread_start(&thread, run_crowd, &crowds[1]);
  run_crowd_on(loop, &crowds[0]);
  support_thread_join(&thread);
  ck_assert_int_eq(crowds[0].sent, rounds);
  ck_assert_int_eq(crowds[1].sent, rounds);
  for (int i = 0; i < CHANS; i++) weir_chan_unref(chans[i]);
  free(crowds);
}
END_TEST

/*
 * A ring of three, on loops and on a thread: each sends to the next or receives from the one
 * before. Who meets whom is open; what is sent is received.
 */
enum { RING = 3 };

static weir_chan_t *ring[RING];
static atomic_int ring_meetings, ring_goal;
static atomic_int ring_sent, ring_received;

typedef struct member_s {
  weir_op_t op; /* first */
  weir_case_t cases[2];
  int sent, received;
} member_t;

/* Returns whether it goes on. */
static bool note_meeting(member_t *member, int status, size_t index) {
  if (status) {
    ensure(status == UV_EPIPE || status == UV_EOF);
    return false;
  }
  if (member->cases[index].is_send)
    ring_sent += 1;
  else
    ring_received += 1;
  if (++ring_meetings == ring_goal)
    for (int i = 0; i < RING; i++) ensure_eq(weir_chan_close(ring[i]), 0);
  return true;
}

static void on_meeting(weir_op_t *op, int status) {
  member_t *member = (member_t *)op;

  if (note_meeting(member, status, weir_op_index(op)))
    ensure_eq(weir_select(op, member->cases, 2, on_meeting), 0);
}

static void member_init(member_t *member, int place) {
  member->sent = place;
  member->cases[0] = WEIR_SEND(ring[place], &member->sent);
  member->cases[1] = WEIR_RECV(ring[(place + RING - 1) % RING], &member->received);
}

static void run_member_on(weir_loop_t *on, member_t *member) {
  weir_op_init(&member->op, weir_loop_background(on));
  ensure_eq(weir_select(&member->op, member->cases, 2, on_meeting), 0);
  ensure_eq(weir_run(on), 0);
}

static void run_member(support_thread_t *thread, void *arg) {
  run_member_on(thread->loop, arg);
}

static void block_member(void *arg) {
  member_t *member = arg;
  size_t index = 0;
  int status;

  do status = weir_select_blocking(member->cases, 2, UINT64_MAX, &index);
  while (note_meeting(member, status, index));
}

START_TEST(ring_of_selects_never_deadlocks) {
  member_t members[RING];
  support_thread_t thread;
  uv_thread_t blocking;

  ring_goal = 100000;
  for (int i = 0; i < RING; i++) ring[i] = shared_ints(0);
  for (int i = 0; i < RING; i++) member_init(&members[i], i);
  support_thread_start(&thread, run_member, &members[1]);
  ck_assert_int_eq(uv_thread_create(&blocking, block_member, &members[2]), 0);
  run_member_on(loop, &members[0]);
  support_thread_join(&thread);
  ck_assert_int_eq(uv_thread_join(&blocking), 0);
  ck_assert_int_eq(ring_sent, ring_received);
  ck_assert_int_ge(ring_meetings, ring_goal);
  for (int i = 0; i < RING; i++) weir_chan_unref(ring[i]);
}
END_TEST

/*
 * Of two channels, at any moment at least one has a value: a mover puts one into the other before
 * it takes the one away. A select_try that saw one channel before the mover's turn and the other
 * after it would find nothing. The channels in between give it the time to.
 */
enum { BETWEEN = 64, SEEN = BETWEEN + 2 };

static atomic_bool mover_stops;

static void move(void *arg) {
  weir_chan_t **ends = arg;
  int value = 1, ignored;

  for (int to = 1; !mover_stops; to = 1 - to) {
    weir_chan_try_send(ends[to], &value);
    weir_chan_try_recv(ends[1 - to], &ignored);
  }
}

static void ck_sees_one(weir_case_t *cases, weir_chan_t **ends) {
  int value = 1;
  size_t index = SEEN;

  ck_assert_int_eq(weir_select_try(cases, SEEN, &index), 0);
  ck_assert(index == 0 || index == SEEN - 1);
  for (int i = 0; i < 2; i++) weir_chan_try_send(ends[i], &value); /* it has taken one away */
}

START_TEST(select_try_sees_all_channels_at_one_moment) {
  weir_chan_t *chans[SEEN], *ends[2];
  weir_case_t cases[SEEN];
  uv_thread_t mover;
  const int rounds = 20000;

  for (int i = 0; i < SEEN; i++) {
    chans[i] = shared_ints(1);
    cases[i] = WEIR_RECV(chans[i], NULL);
  }
  ends[0] = chans[0];
  ends[1] = chans[SEEN - 1];
  put(ends[0], 1);
  mover_stops = false;
  ck_assert_int_eq(uv_thread_create(&mover, move, ends), 0);
  for (int i = 0; i < rounds; i++) ck_sees_one(cases, ends);
  mover_stops = true;
  ck_assert_int_eq(uv_thread_join(&mover), 0);
  for (int i = 0; i < SEEN; i++) weir_chan_unref(chans[i]);
}
END_TEST

/*
 * A select of two receives that is cancelled while threads send to both: either it is cancelled, or
 * one of them has sent. Each sender's values come without a gap: none was taken by a select that
 * did not say so.
 */
typedef struct pusher_s {
  weir_chan_t *ch;
  int next; /* the first that nobody has taken */
} pusher_t;

static atomic_bool pushers_stop;

/* It gives way now and then, so as not to hold its channel's lock most of the time. */
static void push(void *arg) {
  pusher_t *pusher = arg;

  for (unsigned i = 0; !pushers_stop; i++) {
    if (weir_chan_try_send(pusher->ch, &pusher->next) == 0) pusher->next++;
    if (i % 64 == 0) sched_yield();
  }
}

typedef struct puller_s {
  weir_case_t cases[2];
  int received[2], expected[2];
  int cancelled, happened;
} puller_t;

static void note_pull(puller_t *puller, weir_op_t *op, int cancel) {
  int status = weir_op_status(op);
  size_t index = weir_op_index(op);

  ensure_eq(status, cancel == 0 ? UV_ECANCELED : 0);
  for (size_t i = 0; i < 2; i++) {
    bool is_it = status == 0 && i == index;
    ensure_eq(puller->received[i], is_it ? puller->expected[i]++ : UNTOUCHED);
    puller->received[i] = UNTOUCHED;
  }
  if (status)
    puller->cancelled++;
  else
    puller->happened++;
}

static void pull(puller_t *puller, weir_op_t *op, int spins) {
  int cancel;

  ensure_eq(weir_select(op, puller->cases, 2, NULL), 0);
  while (spins-- > 0) (void)weir_op_pending(op);
  cancel = weir_op_cancel(op);
  ensure(cancel == 0 || cancel == UV_EALREADY);
  weir_op_wait(op);
  note_pull(puller, op, cancel);
}

START_TEST(select_is_cancelled_or_happens_and_not_both) {
  pusher_t pushers[2] = {{.ch = shared_ints(0)}, {.ch = shared_ints(0)}};
  puller_t puller = {.received = {UNTOUCHED, UNTOUCHED}};
  const int enough = 2000;
  uv_thread_t threads[2];
  weir_op_t op;

  pushers_stop = false;
  weir_op_init(&op, bg);
  for (int i = 0; i < 2; i++) {
    puller.cases[i] = WEIR_RECV(pushers[i].ch, &puller.received[i]);
    ck_assert_int_eq(uv_thread_create(&threads[i], push, &pushers[i]), 0);
  }
  for (int i = 0; puller.cancelled < enough || puller.happened < enough; i++)
    pull(&puller, &op, (i % 64) * (i % 64));
  pushers_stop = true;
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(uv_thread_join(&threads[i]), 0);
    ck_assert_int_eq(pushers[i].next, puller.expected[i]);
    weir_chan_unref(pushers[i].ch);
  }
}
END_TEST

static const support_test_t tests[] = {
    T(two_loops_that_select_the_opposite_way_never_deadlock),
    T(loop_and_thread_that_select_the_opposite_way_never_deadlock),
    T(two_threads_that_select_the_opposite_way_never_deadlock),
    T(two_selects_of_a_thousand_cases_meet_again_and_again),
    T(ring_of_selects_never_deadlocks),
    T(select_try_sees_all_channels_at_one_moment),
    T(select_is_cancelled_or_happens_and_not_both),
};
SUITE_MAIN("shared_meet_stress", tests)
