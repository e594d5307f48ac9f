/* Description: select: one case happens; which one; cases that are off; channels that
 * are closed. */
#include "support/values.h"

static void start_select(probe_t *probe, weir_case_t *cases, size_t n) {
  probe_init(probe, bg);
  ck_assert_int_eq(weir_select(&probe->op, cases, n, probe_note), 0);
  ck_assert_int_eq(probe->calls, 0);
}

/* Runs a select that is ready, and returns the index of its case. */
static size_t select_now(weir_case_t *cases, size_t n, int status) {
  probe_t probe;

  start_select(&probe, cases, n);
  weir_run(loop);
  ck_completed(&probe, status);
  return probe.index;
}

/* one case */

START_TEST(ready_recv_happens) {
  weir_chan_t *empty = new_ints(1), *full = new_ints(1);
  int values[2] = {UNTOUCHED, UNTOUCHED};
  weir_case_t cases[] = {WEIR_RECV(empty, &values[0]), WEIR_RECV(full, &values[1])};

  put(full, 3);
  ck_assert_uint_eq(select_now(cases, 2, 0), 1);
  ck_assert_int_eq(values[0], UNTOUCHED);
  ck_assert_int_eq(values[1], 3);
  ck_assert_uint_eq(weir_chan_len(full), 0);
  weir_chan_unref(empty);
  weir_chan_unref(full);
}
END_TEST

START_TEST(ready_send_happens) {
  weir_chan_t *empty = new_ints(1), *full = new_ints(1);
  int values[] = {1, 2};
  weir_case_t cases[] = {WEIR_SEND(full, &values[0]), WEIR_SEND(empty, &values[1])};

  put(full, 3);
  ck_assert_uint_eq(select_now(cases, 2, 0), 1);
  ck_assert_int_eq(get(empty), 2);
  ck_assert_int_eq(get(full), 3);
  ck_assert_uint_eq(weir_chan_len(full), 0);
  weir_chan_unref(empty);
  weir_chan_unref(full);
}
END_TEST

START_TEST(losers_keep_their_values_and_their_destinations) {
  weir_chan_t *chans[4];
  weir_case_t cases[4];
  int values[4] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED};
  size_t chosen;

  for (int i = 0; i < 4; i++) {
    chans[i] = new_owned(1);
    put(chans[i], i);
    cases[i] = WEIR_RECV(chans[i], &values[i]);
  }
  chosen = select_now(cases, 4, 0);
  for (size_t i = 0; i < 4; i++) {
    ck_assert_uint_eq(weir_chan_len(chans[i]), i != chosen);
    ck_assert_int_eq(values[i], i == chosen ? (int)i : UNTOUCHED);
    weir_chan_unref(chans[i]);
  }
  ck_assert_int_eq(owned_drops, 3); /* by the unref */
}
END_TEST

START_TEST(losing_sends_send_nothing) {
  weir_chan_t *chans[4];
  weir_case_t cases[4];
  int values[4] = {0, 1, 2, 3};
  size_t chosen;

  for (int i = 0; i < 4; i++) {
    chans[i] = new_ints(1);
    cases[i] = WEIR_SEND(chans[i], &values[i]);
  }
  chosen = select_now(cases, 4, 0);
  for (size_t i = 0; i < 4; i++) ck_assert_uint_eq(weir_chan_len(chans[i]), i == chosen);
  ck_assert_int_eq(get(chans[chosen]), (int)chosen);
  for (size_t i = 0; i < 4; i++) weir_chan_unref(chans[i]);
}
END_TEST

START_TEST(cases_may_be_initialised_and_assigned) {
  weir_chan_t *ch = new_ints(1);
  const int sent = 5;
  int received = UNTOUCHED;
  weir_case_t cases[2] = {WEIR_SEND(ch, &sent), WEIR_RECV(NULL, NULL)};

  ck_assert_uint_eq(select_now(cases, 2, 0), 0);
  cases[0] = WEIR_RECV(NULL, &received);
  cases[1] = WEIR_RECV(ch, &received);
  ck_assert_uint_eq(select_now(cases, 2, 0), 1);
  ck_assert_int_eq(received, 5);
  ck_assert_ptr_eq(cases[1].chan, ch);
  ck_assert_ptr_eq(cases[1].value, &received);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(recv_case_into_null_drops_the_value) {
  weir_chan_t *ch = new_owned(1);
  weir_case_t first = WEIR_RECV(ch, NULL), second = WEIR_RECV(ch, NULL);
  probe_t parked;

  put(ch, 0);
  ck_assert_uint_eq(select_now(&first, 1, 0), 0);
  ck_assert_int_eq(owned_drops, 1);
  start_select(&parked, &second, 1);
  put(ch, 1);
  weir_run(loop);
  ck_completed(&parked, 0);
  ck_assert_int_eq(owned_drops, 2);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(hundred_and_twenty_eight_cases) {
  enum { N = 128 };
  weir_chan_t *chans[N];
  weir_case_t cases[N];
  int values[N];
  probe_t parked;

  for (int i = 0; i < N; i++) {
    chans[i] = new_ints(1);
    values[i] = UNTOUCHED;
    cases[i] = WEIR_RECV(chans[i], &values[i]);
  }
  for (int i = 0; i < N; i++) {
    put(chans[i], i);
    ck_assert_uint_eq(select_now(cases, N, 0), i);
    ck_assert_int_eq(values[i], i);
  }
  start_select(&parked, cases, N);
  put(chans[N - 1], 7);
  for (int i = 0; i < N - 1; i++) put(chans[i], i);
  weir_run(loop);
  ck_assert_uint_eq(parked.index, N - 1);
  ck_assert_int_eq(values[N - 1], 7);
  for (int i = 0; i < N - 1; i++) ck_assert_uint_eq(weir_chan_len(chans[i]), 1);
  for (int i = 0; i < N; i++) weir_chan_unref(chans[i]);
}
END_TEST

START_TEST(one_ready_case_of_any_number_happens) {
  enum { N = 40 };
  weir_chan_t *never = new_ints(0), *ready = new_ints(1);
  weir_case_t cases[N];
  int value;

  for (size_t n = 1; n <= N; n++) {
    size_t at = n / 2, tried = N;

    for (size_t i = 0; i < n; i++) cases[i] = WEIR_RECV(i == at ? ready : never, &value);
    put(ready, (int)n);
    ck_assert_uint_eq(select_now(cases, n, 0), at);
    ck_assert_int_eq(value, (int)n);
    put(ready, (int)n);
    ck_assert_int_eq(weir_select_try(cases, n, &tried), 0);
    ck_assert_uint_eq(tried, at);
  }
  weir_chan_unref(never);
  weir_chan_unref(ready);
}
END_TEST

/* the choice */

enum { CHOICES = 8, DRAWS = 8000 };

static weir_chan_t *choice_chan;
static weir_case_t choice_cases[CHOICES];

static void open_choices(void) {
  choice_chan = new_ints(1);
  put(choice_chan, 1);
  weir_chan_close(choice_chan);
  get(choice_chan);
  for (int i = 0; i < CHOICES; i++) choice_cases[i] = WEIR_RECV(choice_chan, NULL);
}

/* Chi squared of n counts that should be alike. */
static double chi_squared(const int *counts, int n, int draws) {
  double expected = (double)draws / n, sum = 0;

  for (int i = 0; i < n; i++) sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  return sum;
}

START_TEST(choice_among_ready_cases_is_uniform) {
  int counts[CHOICES] = {0}, pairs[CHOICES] = {0};
  size_t last = 0;

  open_choices();
  weir_loop_seed(loop, 42);
  for (int i = 0; i < DRAWS; i++) {
    size_t chosen = select_now(choice_cases, CHOICES, UV_EOF);
    counts[chosen]++;
    pairs[(chosen + CHOICES - last) % CHOICES]++;
    last = chosen;
  }
  /* 7 degrees of freedom: above 24.3 once in a thousand seeds */
  ck_assert_double_lt(chi_squared(counts, CHOICES, DRAWS), 24.3);
  ck_assert_double_lt(chi_squared(pairs, CHOICES, DRAWS), 24.3);
  weir_chan_unref(choice_chan);
}
END_TEST

START_TEST(either_of_two_ready_cases_may_happen) {
  int counts[2] = {0};

  open_choices();
  weir_loop_seed(loop, 42);
  for (int i = 0; i < 1000; i++) counts[select_now(choice_cases, 2, UV_EOF)]++;
  ck_assert_double_lt(chi_squared(counts, 2, 1000), 10.8); /* once in a thousand seeds not */
  weir_chan_unref(choice_chan);
}
END_TEST

/* Cases that are not ready leave the others' chances alike. */
START_TEST(choice_is_uniform_with_cases_that_are_not_ready_in_between) {
  weir_chan_t *never = new_ints(0);
  int counts[CHOICES] = {0};

  open_choices();
  weir_loop_seed(loop, 43);
  for (int i = 0; i < CHOICES; i += 2) choice_cases[i].chan = i % 4 ? never : NULL;
  for (int i = 0; i < DRAWS; i++) counts[select_now(choice_cases, CHOICES, UV_EOF) / 2]++;
  ck_assert_double_lt(chi_squared(counts, CHOICES / 2, DRAWS), 16.3);
  weir_chan_unref(choice_chan);
  weir_chan_unref(never);
}
END_TEST

/* Of many cases some are drawn before all are looked at: with all, few or one of them ready. */
START_TEST(choice_among_many_is_uniform) {
  enum { CASES = 8 * CHOICES };
  weir_chan_t *never = new_ints(0);
  weir_case_t many[CASES];

  open_choices();
  weir_loop_seed(loop, 44);
  for (int every = 8; every <= CASES; every *= 8) { /* 8 of 64 are ready, then 1 */
    int counts[CHOICES] = {0}, ready = CASES / every;
    for (int i = 0; i < CASES; i++)
      many[i] = WEIR_RECV(i % every == 5 ? choice_chan : i % 3 ? never : NULL, NULL);
    for (int i = 0; i < DRAWS; i++) {
      size_t chosen = select_now(many, CASES, UV_EOF);
      ck_assert_uint_eq(chosen % (size_t)every, 5);
      counts[chosen / (size_t)every]++;
    }
    ck_assert_double_lt(chi_squared(counts, ready, DRAWS), 24.3);
  }
  weir_chan_unref(choice_chan);
  weir_chan_unref(never);
}
END_TEST

START_TEST(choice_of_try_is_uniform) {
  int counts[CHOICES] = {0};

  open_choices();
  for (int i = 0; i < DRAWS; i++) {
    size_t chosen = CHOICES;
    ck_assert_int_eq(weir_select_try(choice_cases, CHOICES, &chosen), UV_EOF);
    ck_assert_uint_lt(chosen, CHOICES);
    counts[chosen]++;
  }
  for (int i = 0; i < CHOICES; i++) { /* its seed is not fixed: beyond ten standard deviations */
    ck_assert_int_gt(counts[i], DRAWS / CHOICES - 300);
    ck_assert_int_lt(counts[i], DRAWS / CHOICES + 300);
  }
  weir_chan_unref(choice_chan);
}
END_TEST

static void draw(uint64_t seed, size_t *chosen, size_t n) {
  weir_loop_seed(loop, seed);
  for (size_t i = 0; i < n; i++) chosen[i] = select_now(choice_cases, CHOICES, UV_EOF);
}

START_TEST(seed_repeats_the_choices) {
  size_t first[200], again[200], other[200], same = 0;

  open_choices();
  draw(7, first, 200);
  draw(7, again, 200);
  draw(8, other, 200);
  for (int i = 0; i < 200; i++) {
    ck_assert_uint_eq(first[i], again[i]);
    same += first[i] == other[i];
  }
  ck_assert_uint_lt(same, 60); /* about 25 */
  draw(0, first, 200);
  draw(0, again, 200);
  for (int i = 0; i < 200; i++) ck_assert_uint_eq(first[i], again[i]);
  weir_chan_unref(choice_chan);
}
END_TEST

START_TEST(biased_takes_the_first_ready_case) {
  weir_chan_t *never = new_ints(0);
  probe_t probe;

  open_choices();
  choice_cases[0].chan = NULL;
  choice_cases[1].chan = never;
  for (int i = 0; i < 100; i++) {
    probe_init(&probe, bg);
    ck_assert_int_eq(weir_select_biased(&probe.op, choice_cases, CHOICES, probe_note), 0);
    weir_run(loop);
    ck_completed(&probe, UV_EOF);
    ck_assert_uint_eq(probe.index, 2);
  }
  weir_chan_unref(choice_chan);
  weir_chan_unref(never);
}
END_TEST

START_TEST(biased_parks_when_none_is_ready) {
  weir_chan_t *first = new_ints(0), *second = new_ints(0);
  int values[2] = {UNTOUCHED, UNTOUCHED};
  weir_case_t cases[] = {WEIR_RECV(first, &values[0]), WEIR_RECV(second, &values[1])};
  probe_t probe;

  probe_init(&probe, bg);
  ck_assert_int_eq(weir_select_biased(&probe.op, cases, 2, probe_note), 0);
  ck_assert_uint_eq(weir_run(loop), 1);
  put(second, 4);
  weir_run(loop);
  ck_completed(&probe, 0);
  ck_assert_uint_eq(probe.index, 1);
  ck_assert_int_eq(values[1], 4);
  weir_chan_unref(first);
  weir_chan_unref(second);
}
END_TEST

/* cases that are off */

START_TEST(null_cases_never_happen) {
  weir_chan_t *ch = new_ints(8);
  int value = 1;
  weir_case_t cases[] = {WEIR_RECV(NULL, &value), WEIR_SEND(NULL, &value), WEIR_SEND(ch, &value),
                         WEIR_SEND(NULL, NULL), WEIR_RECV(NULL, NULL)};

  for (int i = 0; i < 8; i++) ck_assert_uint_eq(select_now(cases, 5, 0), 2);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(select_of_no_cases_parks_until_cancelled) {
  weir_case_t off[] = {WEIR_RECV(NULL, NULL), WEIR_SEND(NULL, NULL)};
  probe_t none, all_null, biased;

  start_select(&none, NULL, 0);
  start_select(&all_null, off, 2);
  probe_init(&biased, bg);
  weir_select_biased(&biased.op, NULL, 0, probe_note);
  ck_assert_uint_eq(weir_run(loop), 3);
  cancel_and_run(&none);
  cancel_and_run(&all_null);
  cancel_and_run(&biased);
  ck_completed(&none, UV_ECANCELED);
  ck_completed(&all_null, UV_ECANCELED);
  ck_completed(&biased, UV_ECANCELED);
}
END_TEST

/* Go's idiom: a stream that has ended is switched off. */
START_TEST(ended_streams_are_switched_off_one_by_one) {
  weir_chan_t *chans[2] = {new_ints(3), new_ints(3)};
  int value, sum = 0, ended = 0;
  weir_case_t cases[] = {WEIR_RECV(chans[0], &value), WEIR_RECV(chans[1], &value)};
  weir_op_t op;

  for (int i = 0; i < 6; i++) put(chans[i % 2], 1 << i);
  for (int i = 0; i < 2; i++) weir_chan_close(chans[i]);
  weir_op_init(&op, bg);
  while (ended < 2) {
    weir_select(&op, cases, 2, NULL);
    if (weir_op_wait(&op) == UV_EOF) {
      cases[weir_op_index(&op)].chan = NULL;
      ended++;
    } else {
      sum += value;
    }
  }
  ck_assert_int_eq(sum, 63);
  for (int i = 0; i < 2; i++) weir_chan_unref(chans[i]);
}
END_TEST

/* closed channels */

START_TEST(recv_case_on_closed_gives_eof_and_a_zeroed_value) {
  weir_chan_t *ch = new_ints(1), *open = new_ints(1);
  int values[2] = {UNTOUCHED, UNTOUCHED};
  weir_case_t cases[] = {WEIR_RECV(open, &values[0]), WEIR_RECV(ch, &values[1])};

  put(ch, 4);
  weir_chan_close(ch);
  ck_assert_uint_eq(select_now(cases, 2, 0), 1);
  ck_assert_int_eq(values[1], 4);
  ck_assert_uint_eq(select_now(cases, 2, UV_EOF), 1);
  ck_assert_int_eq(values[0], UNTOUCHED);
  ck_assert_int_eq(values[1], 0);
  weir_chan_unref(ch);
  weir_chan_unref(open);
}
END_TEST

START_TEST(recv_case_on_closed_gives_the_status_of_close_with) {
  weir_chan_t *ch = new_ints(0);
  weir_case_t c = WEIR_RECV(ch, NULL);

  weir_chan_close_with(ch, UV_EIO);
  ck_assert_uint_eq(select_now(&c, 1, UV_EIO), 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(send_case_on_closed_gives_epipe) {
  weir_chan_t *ch = new_owned(1), *full = new_owned(0);
  int value = 1;
  weir_case_t cases[] = {WEIR_SEND(full, &value), WEIR_SEND(ch, &value)};

  weir_chan_close(ch);
  ck_assert_uint_eq(select_now(cases, 2, UV_EPIPE), 1);
  ck_assert_int_eq(owned_drops, 0);
  weir_chan_unref(ch);
  weir_chan_unref(full);
}
END_TEST

/* try */

START_TEST(try_gives_eagain_when_none_is_ready) {
  weir_chan_t *ch = new_ints(0);
  int value = UNTOUCHED;
  weir_case_t cases[] = {WEIR_RECV(ch, &value), WEIR_SEND(ch, &value), WEIR_RECV(NULL, &value)};
  size_t index = 77;

  ck_assert_int_eq(weir_select_try(cases, 3, &index), UV_EAGAIN);
  ck_assert_int_eq(weir_select_try(NULL, 0, &index), UV_EAGAIN);
  ck_assert_int_eq(weir_select_try(cases, 3, NULL), UV_EAGAIN);
  ck_assert_int_eq(value, UNTOUCHED);
  ck_assert_uint_eq(weir_run(loop), 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(try_returns_the_status_of_its_case) {
  weir_chan_t *ch = new_ints(1), *other = new_ints(0);
  int sent = 2, received = UNTOUCHED;
  weir_case_t cases[] = {WEIR_RECV(other, NULL), WEIR_SEND(ch, &sent)};
  size_t index = 77;

  ck_assert_int_eq(weir_select_try(cases, 2, &index), 0);
  ck_assert_uint_eq(index, 1);
  cases[1] = WEIR_RECV(ch, &received);
  ck_assert_int_eq(weir_select_try(cases, 2, NULL), 0);
  ck_assert_int_eq(received, 2);
  weir_chan_close(ch);
  ck_assert_int_eq(weir_select_try(cases, 2, &index), UV_EOF);
  ck_assert_int_eq(received, 0);
  cases[1] = WEIR_SEND(ch, &sent);
  ck_assert_int_eq(weir_select_try(cases, 2, &index), UV_EPIPE);
  weir_chan_unref(ch);
  weir_chan_unref(other);
}
END_TEST

START_TEST(try_meets_parked_partners) {
  weir_chan_t *in = new_ints(0), *out = new_ints(0);
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

/* arguments */

START_TEST(select_with_wrong_arguments_gives_einval) {
  weir_chan_t *ch = new_ints(1);
  weir_case_t cases[] = {WEIR_RECV(NULL, NULL), WEIR_SEND(ch, NULL)};
  probe_t probe;

  probe_init(&probe, bg);
  ck_assert_int_eq(weir_select(&probe.op, NULL, 1, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_select(&probe.op, cases, 2, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_select(&probe.op, cases, SIZE_MAX, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_select_biased(&probe.op, cases, 2, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_select_try(NULL, 1, NULL), UV_EINVAL);
  ck_assert_int_eq(weir_select_try(cases, 2, NULL), UV_EINVAL);
  ck_assert(!weir_op_pending(&probe.op));
  weir_run(loop);
  ck_assert_int_eq(probe.calls, 0);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(select_with_a_channel_of_another_loop_gives_einval) {
  weir_chan_t *mine = new_ints(1), *other;
  int value = UNTOUCHED;
  weir_case_t cases[2];
  probe_t probe;
  own_t own;

  own_open(&own);
  other = weir_chan_new(own.loop, WEIR_TYPE(int), 1);
  put(mine, 1);
  cases[0] = WEIR_RECV(mine, &value);
  cases[1] = WEIR_RECV(other, &value);
  probe_init(&probe, bg);
  ck_assert_int_eq(weir_select(&probe.op, cases, 2, probe_note), UV_EINVAL);
  ck_assert_int_eq(weir_select_biased(&probe.op, cases, 2, probe_note), UV_EINVAL);
  weir_run(loop);
  ck_assert_int_eq(probe.calls, 0);
  ck_assert_uint_eq(weir_chan_len(mine), 1);
  ck_assert_int_eq(value, UNTOUCHED);
  weir_chan_unref(mine);
  weir_chan_unref(other);
  own_close(&own);
}
END_TEST

static const support_test_t tests[] = {
    T(ready_recv_happens),
    T(ready_send_happens),
    T(losers_keep_their_values_and_their_destinations),
    T(losing_sends_send_nothing),
    T(cases_may_be_initialised_and_assigned),
    T(recv_case_into_null_drops_the_value),
    T(hundred_and_twenty_eight_cases),
    T(one_ready_case_of_any_number_happens),
    T(choice_among_ready_cases_is_uniform),
    T(either_of_two_ready_cases_may_happen),
    T(choice_is_uniform_with_cases_that_are_not_ready_in_between),
    T(choice_among_many_is_uniform),
    T(choice_of_try_is_uniform),
    T(seed_repeats_the_choices),
    T(biased_takes_the_first_ready_case),
    T(biased_parks_when_none_is_ready),
    T(null_cases_never_happen),
    T(select_of_no_cases_parks_until_cancelled),
    T(ended_streams_are_switched_off_one_by_one),
    T(recv_case_on_closed_gives_eof_and_a_zeroed_value),
    T(recv_case_on_closed_gives_the_status_of_close_with),
    T(send_case_on_closed_gives_epipe),
    T(try_gives_eagain_when_none_is_ready),
    T(try_returns_the_status_of_its_case),
    T(try_meets_parked_partners),
    T(select_with_wrong_arguments_gives_einval),
    T(select_with_a_channel_of_another_loop_gives_einval),
};
SUITE_MAIN("select", tests)
