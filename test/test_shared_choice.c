/* Description: which case of a select over shared channels happens: any, the first, of
 * a thousand. */
#include <stdlib.h>

#include "support/shared.h"

static size_t run_select(probe_t *probe, int status) {
  settle();
  ck_completed(probe, status);
  return probe->index;
}

static size_t select_now(weir_case_t *cases, size_t n, int status) {
  probe_t probe;

  probe_init(&probe, bg);
  ck_assert_int_eq(weir_select(&probe.op, cases, n, probe_note), 0);
  return run_select(&probe, status);
}

static size_t biased_now(weir_case_t *cases, size_t n, int status) {
  probe_t probe;

  probe_init(&probe, bg);
  ck_assert_int_eq(weir_select_biased(&probe.op, cases, n, probe_note), 0);
  return run_select(&probe, status);
}

/* uniform */

enum { CHOICES = 8, DRAWS = 4000 };

/* Shared and local channels, in turns of two, that are closed: each is ready for ever. */
static weir_chan_t *choice_chans[CHOICES];
static weir_case_t choices[CHOICES];

static void open_choices(void) {
  for (int i = 0; i < CHOICES; i++) {
    choice_chans[i] = i % 4 < 2 ? shared_ints(0) : new_ints(0);
    weir_chan_close(choice_chans[i]);
    choices[i] = WEIR_RECV(choice_chans[i], NULL);
  }
}

static void close_choices(void) {
  for (int i = 0; i < CHOICES; i++) weir_chan_unref(choice_chans[i]);
}

/* Chi squared of n counts that should be alike. */
static double chi_squared(const int *counts, int n, int draws) {
  double expected = (double)draws / n, sum = 0;

  for (int i = 0; i < n; i++) sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  return sum;
}

static void ck_uniform(uint64_t seed) {
  int counts[CHOICES] = {0}, pairs[CHOICES] = {0};
  size_t last = 0;

  weir_loop_seed(loop, seed);
  for (int i = 0; i < DRAWS; i++) {
    size_t chosen = select_now(choices, CHOICES, UV_EOF);
    counts[chosen]++;
    pairs[(chosen + CHOICES - last) % CHOICES]++;
    last = chosen;
  }
  /* 7 degrees of freedom: above 24.3 once in a thousand seeds */
  ck_assert_double_lt(chi_squared(counts, CHOICES, DRAWS), 24.3);
  ck_assert_double_lt(chi_squared(pairs, CHOICES, DRAWS), 24.3);
}

START_TEST(choice_among_ready_cases_is_uniform) {
  open_choices();
  ck_uniform(42);
  close_choices();
}
END_TEST

START_TEST(choice_among_cases_of_one_shared_channel_is_uniform) {
  open_choices();
  for (int i = 0; i < CHOICES; i++) choices[i] = WEIR_RECV(choice_chans[0], NULL);
  ck_uniform(43);
  close_choices();
}
END_TEST

START_TEST(choice_is_uniform_with_cases_that_are_not_ready_in_between) {
  weir_chan_t *never = shared_ints(0);
  int counts[CHOICES / 2] = {0};

  open_choices();
  weir_loop_seed(loop, 44);
  for (int i = 0; i < CHOICES; i += 2) choices[i].chan = i % 4 ? never : NULL;
  for (int i = 0; i < DRAWS; i++) counts[select_now(choices, CHOICES, UV_EOF) / 2]++;
  ck_assert_double_lt(chi_squared(counts, CHOICES / 2, DRAWS), 16.3); /* 3 degrees of freedom */
  weir_chan_unref(never);
  close_choices();
}
END_TEST

static int draw_by_try(void) {
  size_t chosen = CHOICES;

  ck_assert_int_eq(weir_select_try(choices, CHOICES, &chosen), UV_EOF);
  ck_assert_uint_lt(chosen, CHOICES);
  return (int)chosen;
}

static int draw_blocking(void) {
  size_t chosen = CHOICES;

  ck_assert_int_eq(weir_select_blocking(choices, CHOICES, 0, &chosen), UV_EOF);
  ck_assert_uint_lt(chosen, CHOICES);
  return (int)chosen;
}

/* Its seed is not fixed: beyond ten standard deviations. */
static void ck_roughly_uniform(int (*draw)(void)) {
  int counts[CHOICES] = {0};

  for (int i = 0; i < DRAWS; i++) counts[draw()]++;
  for (int i = 0; i < CHOICES; i++) {
    ck_assert_int_gt(counts[i], DRAWS / CHOICES - 210);
    ck_assert_int_lt(counts[i], DRAWS / CHOICES + 210);
  }
}

START_TEST(choice_of_try_is_uniform) {
  open_choices();
  ck_roughly_uniform(draw_by_try);
  close_choices();
}
END_TEST

START_TEST(choice_of_select_blocking_is_uniform) {
  open_choices();
  for (int i = 0; i < CHOICES; i++) choices[i].chan = choice_chans[i & 1];
  ck_roughly_uniform(draw_blocking);
  close_choices();
}
END_TEST

START_TEST(seed_repeats_the_choices) {
  size_t first[200];

  open_choices();
  weir_loop_seed(loop, 7);
  for (int i = 0; i < 200; i++) first[i] = select_now(choices, CHOICES, UV_EOF);
  weir_loop_seed(loop, 7);
  for (int i = 0; i < 200; i++) ck_assert_uint_eq(select_now(choices, CHOICES, UV_EOF), first[i]);
  close_choices();
}
END_TEST

/* biased */

START_TEST(biased_takes_the_first_ready_case) {
  weir_chan_t *never = shared_ints(0);

  open_choices();
  choices[0].chan = NULL;
  choices[1].chan = never;
  for (int i = 0; i < 100; i++) ck_assert_uint_eq(biased_now(choices, CHOICES, UV_EOF), 2);
  choices[2].chan = never;
  for (int i = 0; i < 100; i++) ck_assert_uint_eq(biased_now(choices, CHOICES, UV_EOF), 3);
  weir_chan_unref(never);
  close_choices();
}
END_TEST

/* The first in the order of the array, whatever that of the addresses is. */
START_TEST(biased_follows_the_order_of_the_cases) {
  enum { N = 6 };
  weir_chan_t *chans[N];
  weir_case_t cases[N];

  for (int i = 0; i < N; i++) {
    chans[i] = shared_ints(1);
    put(chans[i], i);
  }
  for (int i = 0; i < N; i++) cases[i] = WEIR_RECV(chans[(i * 5 + 3) % N], NULL);
  for (size_t i = 0; i < N; i++) ck_assert_uint_eq(biased_now(cases, N, 0), i);
  for (int i = 0; i < N; i++) weir_chan_unref(chans[i]);
}
END_TEST

START_TEST(biased_parks_when_none_is_ready) {
  weir_chan_t *first = shared_ints(0), *second = new_ints(0);
  int values[2] = {UNTOUCHED, UNTOUCHED};
  weir_case_t cases[] = {WEIR_RECV(first, &values[0]), WEIR_RECV(second, &values[1])};
  probe_t probe;

  probe_init(&probe, bg);
  ck_assert_int_eq(weir_select_biased(&probe.op, cases, 2, probe_note), 0);
  ck_assert_uint_eq(settle(), 1);
  put(second, 4);
  weir_run(loop);
  ck_completed(&probe, 0);
  ck_assert_uint_eq(probe.index, 1);
  ck_assert_int_eq(values[1], 4);
  ck_assert_int_eq(weir_chan_try_send(first, &values[0]), UV_EAGAIN);
  weir_chan_unref(first);
  weir_chan_unref(second);
}
END_TEST

/* try */

START_TEST(try_gives_eagain_when_none_is_ready) {
  weir_chan_t *shared = shared_ints(0), *local = new_ints(0);
  int value = UNTOUCHED;
  weir_case_t cases[] = {WEIR_RECV(shared, &value), WEIR_SEND(shared, &value),
                         WEIR_RECV(local, &value), WEIR_RECV(NULL, &value)};
  size_t index = 77;

  ck_assert_int_eq(weir_select_try(cases, 4, &index), UV_EAGAIN);
  ck_assert_int_eq(weir_select_try(cases, 4, NULL), UV_EAGAIN);
  ck_assert_int_eq(value, UNTOUCHED);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_chan_unref(shared);
  weir_chan_unref(local);
}
END_TEST

START_TEST(try_returns_the_status_of_its_case) {
  weir_chan_t *ch = shared_ints(1), *other = shared_ints(0);
  int sent = 2, received = UNTOUCHED;
  weir_case_t cases[] = {WEIR_RECV(other, NULL), WEIR_SEND(ch, &sent)};
  size_t index = 77;

  ck_assert_int_eq(weir_select_try(cases, 2, &index), 0);
  ck_assert_uint_eq(index, 1);
  cases[1] = WEIR_RECV(ch, &received);
  ck_assert_int_eq(weir_select_try(cases, 2, NULL), 0);
  ck_assert_int_eq(received, 2);
  weir_chan_close_with(ch, UV_EIO);
  ck_assert_int_eq(weir_select_try(cases, 2, &index), UV_EIO);
  ck_assert_int_eq(received, 0);
  cases[1] = WEIR_SEND(ch, &sent);
  ck_assert_int_eq(weir_select_try(cases, 2, &index), UV_EPIPE);
  weir_chan_unref(ch);
  weir_chan_unref(other);
}
END_TEST

START_TEST(try_meets_parked_partners) {
  weir_chan_t *in = shared_ints(0), *out = shared_ints(0);
  int sent = 8, received = UNTOUCHED, got = UNTOUCHED;
  weir_case_t recv_case = WEIR_RECV(in, &received), send_case = WEIR_SEND(out, &sent);
  probe_t send, recv;

  start_send(&send, in, &sent);
  start_recv(&recv, out, &got);
  ck_assert_int_eq(weir_select_try(&recv_case, 1, NULL), 0);
  ck_assert_int_eq(weir_select_try(&send_case, 1, NULL), 0);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_completed(&send, 0);
  ck_completed(&recv, 0);
  ck_assert_int_eq(received, 8);
  ck_assert_int_eq(got, 8);
  weir_chan_unref(in);
  weir_chan_unref(out);
}
END_TEST

/* a thousand cases, of some hundred channels: most stand in several, in no order */

enum { MANY = 1000, CHANS = 300 };

static weir_chan_t *many_chans[CHANS];
static weir_case_t many[MANY];
static int many_values[MANY];

static void open_many(void) {
  uint32_t random = 12345;

  for (int i = 0; i < CHANS; i++) many_chans[i] = shared_ints(0);
  for (int i = 0; i < MANY; i++) {
    random = random * 1664525 + 1013904223;
    weir_chan_t *ch = i % 50 == 49 ? NULL : many_chans[(random >> 8) % CHANS];
    many_values[i] = UNTOUCHED;
    many[i] = random >> 31 ? WEIR_SEND(ch, &many_values[i]) : WEIR_RECV(ch, &many_values[i]);
  }
}

static void close_many(void) {
  for (int i = 0; i < CHANS; i++) {
    int value = 1;
    ck_assert_int_eq(weir_chan_try_send(many_chans[i], &value), UV_EAGAIN);
    ck_assert_int_eq(weir_chan_try_recv(many_chans[i], &value), UV_EAGAIN);
    weir_chan_unref(many_chans[i]);
  }
}

/* The destination of the case, if it is a receive, and no other has changed. */
static void ck_only_received(size_t index, int value) {
  for (size_t i = 0; i < MANY; i++)
    ck_assert_int_eq(many_values[i], i == index && !many[i].is_send ? value : UNTOUCHED);
  many_values[index] = UNTOUCHED;
}

/* Meets the select on a channel in either direction, and it is there. */
static void ck_met_on(weir_chan_t *ch, bool partner_sends) {
  int value = 5;
  probe_t select, partner;

  probe_init(&select, bg);
  ck_assert_int_eq(weir_select(&select.op, many, MANY, probe_note), 0);
  ck_assert_uint_eq(settle(), 1);
  probe_init(&partner, bg);
  if (partner_sends)
    start_send(&partner, ch, &value);
  else
    start_recv(&partner, ch, &value);
  settle();
  if (weir_op_pending(&partner.op)) { /* no case of that channel in that direction */
    cancel_and_settle(&partner);
    cancel_and_settle(&select);
    ck_completed(&select, UV_ECANCELED);
    return;
  }
  ck_completed(&select, 0);
  ck_assert_ptr_eq(many[select.index].chan, ch);
  ck_assert_int_eq(many[select.index].is_send, !partner_sends);
  ck_only_received(select.index, 5);
}

START_TEST(thousand_cases_never_pair_among_themselves) {
  probe_t select;

  open_many();
  ck_assert_int_eq(weir_select_try(many, MANY, NULL), UV_EAGAIN);
  probe_init(&select, bg);
  ck_assert_int_eq(weir_select(&select.op, many, MANY, probe_note), 0);
  ck_assert_uint_eq(settle(), 1);
  ck_not_completed(&select);
  cancel_and_settle(&select);
  ck_completed(&select, UV_ECANCELED);
  close_many();
}
END_TEST

START_TEST(thousand_cases_wait_for_whoever_comes) {
  open_many();
  for (int i = 0; i < CHANS; i += 7) {
    ck_met_on(many_chans[i], true);
    ck_met_on(many_chans[i], false);
  }
  close_many();
}
END_TEST

START_TEST(select_allocates_nothing_however_many_cases) {
  size_t before;
  probe_t select;

  open_many();
  before = support_allocations();
  probe_init(&select, bg);
  ck_assert_int_eq(weir_select(&select.op, many, MANY, probe_note), 0);
  ck_assert_int_eq(weir_op_cancel(&select.op), 0);
  ck_assert_int_eq(weir_select_try(many, MANY, NULL), UV_EAGAIN);
  ck_assert_int_eq(weir_select_blocking(many, MANY, 1, NULL), UV_ETIMEDOUT);
  settle();
  ck_completed(&select, UV_ECANCELED);
  ck_assert_uint_eq(support_allocations(), before);
  close_many();
}
END_TEST

/* arguments */

START_TEST(mix_with_a_channel_of_another_loop_gives_einval) {
  weir_chan_t *shared = shared_ints(1), *other;
  int value = UNTOUCHED;
  weir_case_t cases[2];
  probe_t probe;
  own_t own;

  own_open(&own);
  other = weir_chan_new(own.loop, WEIR_TYPE(int), 1);
  put(shared, 1);
  cases[0] = WEIR_RECV(shared, &value);
  cases[1] = WEIR_RECV(other, &value);
  probe_init(&probe, bg);
  ck_assert_int_eq(weir_select(&probe.op, cases, 2, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_select_biased(&probe.op, cases, 2, probe_note), UV_EINVAL);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_int_eq(probe.calls, 0);
  ck_assert_int_eq(value, UNTOUCHED);
  ck_assert_int_eq(get(shared), 1);
  weir_chan_unref(shared);
  weir_chan_unref(other);
  own_close(&own);
}
END_TEST

START_TEST(send_case_without_a_value_gives_einval) {
  weir_chan_t *shared = shared_ints(1), *closed = shared_ints(0);
  weir_case_t cases[] = {WEIR_RECV(closed, NULL), WEIR_SEND(shared, NULL)};
  probe_t probe;

  weir_chan_close(closed);
  probe_init(&probe, bg);
  ck_assert_int_eq(weir_select(&probe.op, cases, 2, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_select_try(cases, 2, NULL), UV_EINVAL);
  ck_assert_uint_eq(weir_run(loop), 0);
  ck_assert_uint_eq(weir_chan_len(shared), 0);
  weir_chan_unref(shared);
  weir_chan_unref(closed);
}
END_TEST

static const support_test_t tests[] = {
    T(choice_among_ready_cases_is_uniform),
    T(choice_among_cases_of_one_shared_channel_is_uniform),
    T(choice_is_uniform_with_cases_that_are_not_ready_in_between),
    T(choice_of_try_is_uniform),
    T(choice_of_select_blocking_is_uniform),
    T(seed_repeats_the_choices),
    T(biased_takes_the_first_ready_case),
    T(biased_follows_the_order_of_the_cases),
    T(biased_parks_when_none_is_ready),
    T(try_gives_eagain_when_none_is_ready),
    T(try_returns_the_status_of_its_case),
    T(try_meets_parked_partners),
    T(thousand_cases_never_pair_among_themselves),
    T(thousand_cases_wait_for_whoever_comes),
    T(select_allocates_nothing_however_many_cases),
    T(mix_with_a_channel_of_another_loop_gives_einval),
    T(send_case_without_a_value_gives_einval),
};
SUITE_MAIN("shared_choice", tests)
