/* Description: the heap of timers (private): order, ties, removal from anywhere, great numbers. */
#include "heap.h"

#include <stdlib.h>

#include "support/support.h"

static uint64_t random_state;

static uint32_t random_below(uint32_t n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(((random_state >> 33) * n) >> 31);
}

static weir__heap_t heap;

static void insert(weir__timer_t *timer, uint64_t deadline) {
  timer->deadline = deadline;
  weir__heap_insert(&heap, timer);
}

static weir__timer_t *pop(uint64_t now) {
  return weir__heap_pop(&heap, now);
}

START_TEST(empty_heap_has_nothing) {
  weir__heap_init(&heap);
  ck_assert_uint_eq(heap.count, 0);
  ck_assert_uint_eq(weir__heap_bound(&heap), UINT64_MAX);
  ck_assert_ptr_null(pop(UINT64_MAX));
}
END_TEST

START_TEST(single_timer_leaves_nothing) {
  weir__timer_t timer = {.deadline = 7};

  weir__heap_init(&heap);
  ck_assert(!weir__timer_active(&timer));
  ck_assert(weir__heap_insert(&heap, &timer));
  ck_assert(weir__timer_active(&timer));
  ck_assert_uint_eq(weir__heap_bound(&heap), 7);
  ck_assert_uint_eq(heap.count, 1);
  weir__heap_remove(&heap, &timer);
  ck_assert(!weir__timer_active(&timer));
  ck_assert_uint_eq(weir__heap_bound(&heap), UINT64_MAX);
  ck_assert_uint_eq(heap.count, 0);
}
END_TEST

START_TEST(nothing_is_popped_before_it_is_due) {
  weir__timer_t timer = {0};

  for (int bit = 0; bit < 64; bit++) {
    uint64_t deadline = (uint64_t)1 << bit;
    weir__heap_init(&heap);
    insert(&timer, deadline);
    ck_assert_ptr_null(pop(deadline - 1));
    ck_assert_ptr_eq(pop(deadline), &timer);
    ck_assert_ptr_null(pop(deadline));
  }
}
END_TEST

START_TEST(pops_in_order_of_deadline) {
  static const uint64_t deadlines[] = {5, 3, UINT64_MAX, 0, 9, (uint64_t)1 << 62, 8};
  static const size_t order[] = {3, 1, 0, 6, 4, 5, 2};
  weir__timer_t timers[7] = {0};

  weir__heap_init(&heap);
  for (int i = 0; i < 7; i++) insert(&timers[i], deadlines[i]);
  for (int i = 0; i < 7; i++) ck_assert_ptr_eq(pop(UINT64_MAX), &timers[order[i]]);
  ck_assert_ptr_null(pop(UINT64_MAX));
}
END_TEST

START_TEST(equal_deadlines_pop_first_in_first_out) {
  weir__timer_t timers[100] = {0};

  weir__heap_init(&heap);
  for (int i = 0; i < 100; i++) insert(&timers[i], 42);
  for (int i = 0; i < 100; i++) ck_assert_ptr_eq(pop(42), &timers[i]);
}
END_TEST

START_TEST(equal_deadlines_stay_fifo_around_earlier_and_later_ones) {
  weir__timer_t ties[50] = {0}, others[50] = {0};

  weir__heap_init(&heap);
  for (int i = 0; i < 50; i++) {
    insert(&others[i], i % 2 ? 1 : 99);
    insert(&ties[i], 42);
    if (i == 25) ck_assert_ptr_eq(pop(20), &others[1]); /* ties before and after time has gone on */
  }
  for (int i = 0; i < 50; i += 3)
    if (weir__timer_active(&others[i])) weir__heap_remove(&heap, &others[i]);
  while (pop(41)) continue;
  for (int i = 0; i < 50; i++) ck_assert_ptr_eq(pop(42), &ties[i]);
}
END_TEST

/* Its time has come before it was inserted: it stands behind those that wait since then. */
START_TEST(late_timers_are_due_at_once) {
  weir__timer_t early = {0}, late = {0}, next = {0};

  weir__heap_init(&heap);
  insert(&early, 100);
  insert(&next, 150);
  ck_assert_ptr_eq(pop(120), &early);
  insert(&late, 50);
  ck_assert_uint_eq(weir__heap_bound(&heap), 50);
  ck_assert_ptr_eq(pop(120), &late);
  ck_assert_ptr_null(pop(120));
  ck_assert_ptr_eq(pop(150), &next);
}
END_TEST

START_TEST(insert_tells_of_an_earlier_bound) {
  weir__timer_t timers[4] = {0};
  static const uint64_t deadlines[] = {50, 60, 50, 40};
  static const bool earlier[] = {true, false, false, true};

  weir__heap_init(&heap);
  for (int i = 0; i < 4; i++) {
    timers[i].deadline = deadlines[i];
    ck_assert_int_eq(weir__heap_insert(&heap, &timers[i]), earlier[i]);
  }
  weir__heap_clear(&heap);
  for (int i = 0; i < 4; i++) ck_assert(!weir__timer_active(&timers[i]));
  timers[0].deadline = UINT64_MAX;
  ck_assert(weir__heap_insert(&heap, &timers[0]));
}
END_TEST

/* A bound that is too early is found out by one look, the search finds the deadline itself. */
START_TEST(removal_leaves_a_bound_that_is_too_early_once) {
  weir__timer_t first = {0}, second = {0};

  weir__heap_init(&heap);
  insert(&first, 65);
  insert(&second, 100);
  weir__heap_remove(&heap, &first);
  ck_assert_uint_eq(weir__heap_bound(&heap), 65);
  ck_assert_ptr_null(pop(70));
  ck_assert_uint_eq(weir__heap_bound(&heap), 100);

  insert(&first, 90);
  weir__heap_remove(&heap, &first);
  ck_assert_uint_eq(weir__heap_next(&heap), 100);
  ck_assert_uint_eq(weir__heap_bound(&heap), 100);
}
END_TEST

START_TEST(any_timer_can_be_removed) {
  for (int out = 1; out < 16; out++) {
    weir__timer_t timers[16] = {0};

    weir__heap_init(&heap);
    for (int i = 0; i < 16; i++) insert(&timers[i], (uint64_t)i);
    ck_assert_ptr_eq(pop(16), &timers[0]);
    weir__heap_remove(&heap, &timers[out]);
    ck_assert(!weir__timer_active(&timers[out]));
    ck_assert_uint_eq(heap.count, 14);
    for (int i = 1; i < 16; i++)
      if (i != out) ck_assert_ptr_eq(pop(16), &timers[i]);
    ck_assert_ptr_null(pop(16));
  }
}
END_TEST

START_TEST(removed_timer_can_be_inserted_again) {
  weir__timer_t a = {0}, b = {0};

  weir__heap_init(&heap);
  insert(&a, 1);
  insert(&b, 2);
  weir__heap_remove(&heap, &a);
  insert(&a, 3);
  ck_assert_ptr_eq(pop(3), &b);
  ck_assert_ptr_eq(pop(3), &a);
}
END_TEST

/* against a reference: the pool is searched for the least (deadline, order of insertion) */

enum { POOL = 300 };

static weir__timer_t pool[POOL];
static uint64_t inserted_as[POOL]; /* 0: not in the heap */
static uint64_t insertions, now;
static size_t in_heap;

static bool is_before(int a, int b) {
  if (pool[a].deadline != pool[b].deadline) return pool[a].deadline < pool[b].deadline;
  return inserted_as[a] < inserted_as[b];
}

static int reference_first(void) {
  int first = -1;

  for (int i = 0; i < POOL; i++)
    if (inserted_as[i] && (first < 0 || is_before(i, first))) first = i;
  return first;
}

/* Soon, with many ties, or at any distance. */
static uint64_t random_deadline(void) {
  return now + (random_below(2) ? random_below(40) : (uint64_t)1 << random_below(40));
}

static void toggle(int i) {
  if (inserted_as[i]) {
    weir__heap_remove(&heap, &pool[i]);
    inserted_as[i] = 0;
    in_heap--;
  } else {
    insert(&pool[i], random_deadline());
    inserted_as[i] = ++insertions;
    in_heap++;
  }
}

static void pop_what_is_due(void) {
  for (int first; (first = reference_first()) >= 0 && pool[first].deadline <= now;) {
    ck_assert_ptr_eq(pop(now), &pool[first]);
    inserted_as[first] = 0;
    in_heap--;
  }
  ck_assert_ptr_null(pop(now));
}

START_TEST(random_inserts_and_removes_match_a_sorted_reference) {
  int first;

  weir__heap_init(&heap);
  random_state = 1;
  for (int step = 0; step < 30000; step++) {
    toggle((int)random_below(POOL));
    first = reference_first();
    if (first >= 0) ck_assert_uint_le(weir__heap_bound(&heap), pool[first].deadline);
    if (first >= 0 && random_below(10) == 0)
      ck_assert_uint_eq(weir__heap_next(&heap), pool[first].deadline);
    if (random_below(3) == 0) now += random_below(30);
    if (first >= 0 && random_below(100) == 0) now = pool[first].deadline;
    if (random_below(5) == 0) pop_what_is_due();
    ck_assert_uint_eq(heap.count, in_heap);
  }
}
END_TEST

/* great numbers: nothing recurses, nothing is quadratic */

enum { LOTS = 100000 };

static weir__timer_t *many;

static void make_many(void) {
  many = calloc(LOTS, sizeof(*many));
  ck_assert_ptr_nonnull(many);
}

static void pop_all_in_order(size_t count) {
  weir__timer_t *before = pop(UINT64_MAX), *timer;

  for (; (timer = pop(UINT64_MAX)); before = timer, count--)
    ck_assert(before->deadline < timer->deadline ||
              (before->deadline == timer->deadline && before < timer));
  ck_assert_uint_eq(count, 1);
  free(many);
}

START_TEST(lots_of_increasing_deadlines) {
  weir__heap_init(&heap);
  make_many();
  for (uint64_t i = 0; i < LOTS; i++) insert(&many[i], i);
  pop_all_in_order(LOTS);
}
END_TEST

START_TEST(lots_of_decreasing_deadlines) {
  weir__heap_init(&heap);
  make_many();
  for (uint64_t i = 0; i < LOTS; i++) insert(&many[i], LOTS - i);
  pop_all_in_order(LOTS);
}
END_TEST

START_TEST(lots_of_equal_deadlines) {
  weir__heap_init(&heap);
  make_many();
  for (uint64_t i = 0; i < LOTS; i++) insert(&many[i], 42);
  pop_all_in_order(LOTS);
}
END_TEST

START_TEST(lots_of_random_deadlines) {
  weir__heap_init(&heap);
  make_many();
  random_state = 2;
  for (uint64_t i = 0; i < LOTS; i++) insert(&many[i], random_below(1000));
  pop_all_in_order(LOTS);
}
END_TEST

/* As deadlines of requests that succeed: all go, oldest first or latest first, unfired. */
START_TEST(lots_of_removed_from_either_end) {
  for (int backwards = 0; backwards < 2; backwards++) {
    weir__heap_init(&heap);
    make_many();
    for (uint64_t i = 0; i < LOTS; i++) insert(&many[i], i);
    for (size_t i = 0; i < LOTS; i++) weir__heap_remove(&heap, &many[backwards ? LOTS - 1 - i : i]);
    ck_assert_uint_eq(heap.count, 0);
    free(many);
  }
}
END_TEST

static const support_test_t tests[] = {
    T(empty_heap_has_nothing),
    T(single_timer_leaves_nothing),
    T(nothing_is_popped_before_it_is_due),
    T(pops_in_order_of_deadline),
    T(equal_deadlines_pop_first_in_first_out),
    T(equal_deadlines_stay_fifo_around_earlier_and_later_ones),
    T(late_timers_are_due_at_once),
    T(insert_tells_of_an_earlier_bound),
    T(removal_leaves_a_bound_that_is_too_early_once),
    T(any_timer_can_be_removed),
    T(removed_timer_can_be_inserted_again),
    T(random_inserts_and_removes_match_a_sorted_reference),
    T(lots_of_increasing_deadlines),
    T(lots_of_decreasing_deadlines),
    T(lots_of_equal_deadlines),
    T(lots_of_random_deadlines),
    T(lots_of_removed_from_either_end),
};

SUITE_MAIN("heap", tests)
