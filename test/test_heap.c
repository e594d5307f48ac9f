/* Description: the heap of timers (private): order, ties, removal from anywhere, great numbers. */
#include "heap.h"

#include <stdlib.h>

#include "support/support.h"

static uint64_t random_state;

static uint32_t random_below(uint32_t n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(((random_state >> 33) * n) >> 31);
}

static void insert(weir__heap_t *heap, weir__timer_t *timer, uint64_t deadline) {
  timer->deadline = deadline;
  weir__heap_insert(heap, timer);
}

static weir__timer_t *pop(weir__heap_t *heap) {
  weir__timer_t *root = heap->root;

  if (root) weir__heap_remove(heap, root);
  return root;
}

START_TEST(empty_heap_has_no_root) {
  weir__heap_t heap = {0};

  ck_assert_ptr_null(heap.root);
  ck_assert_uint_eq(heap.count, 0);
}
END_TEST

START_TEST(single_timer_is_the_root_and_leaves_nothing) {
  weir__heap_t heap = {0};
  weir__timer_t timer = {0};

  ck_assert(!weir__timer_active(&timer));
  insert(&heap, &timer, 7);
  ck_assert(weir__timer_active(&timer));
  ck_assert_ptr_eq(heap.root, &timer);
  ck_assert_uint_eq(heap.count, 1);
  weir__heap_remove(&heap, &timer);
  ck_assert(!weir__timer_active(&timer));
  ck_assert_ptr_null(heap.root);
  ck_assert_uint_eq(heap.count, 0);
}
END_TEST

START_TEST(pops_in_order_of_deadline) {
  static const uint64_t deadlines[] = {5, 3, UINT64_MAX, 0, 9, 1, 8};
  static const size_t order[] = {3, 5, 1, 0, 6, 4, 2};
  weir__timer_t timers[7] = {0};
  weir__heap_t heap = {0};

  for (int i = 0; i < 7; i++) insert(&heap, &timers[i], deadlines[i]);
  for (int i = 0; i < 7; i++) ck_assert_ptr_eq(pop(&heap), &timers[order[i]]);
  ck_assert_ptr_null(heap.root);
}
END_TEST

START_TEST(equal_deadlines_pop_first_in_first_out) {
  weir__timer_t timers[100] = {0};
  weir__heap_t heap = {0};

  for (int i = 0; i < 100; i++) insert(&heap, &timers[i], 42);
  for (int i = 0; i < 100; i++) ck_assert_ptr_eq(pop(&heap), &timers[i]);
}
END_TEST

START_TEST(equal_deadlines_stay_fifo_around_earlier_and_later_ones) {
  weir__timer_t ties[50] = {0}, others[50] = {0};
  weir__heap_t heap = {0};

  for (int i = 0; i < 50; i++) {
    insert(&heap, &others[i], i % 2 ? 1 : 99);
    insert(&heap, &ties[i], 42);
  }
  for (int i = 0; i < 50; i += 3) weir__heap_remove(&heap, &others[i]);
  while (heap.root->deadline < 42) pop(&heap);
  for (int i = 0; i < 50; i++) ck_assert_ptr_eq(pop(&heap), &ties[i]);
}
END_TEST

START_TEST(equal_deadlines_stay_fifo_when_the_sequence_wraps) {
  weir__timer_t timers[8] = {0};
  weir__heap_t heap = {.seq = UINT32_MAX - 3};

  for (int i = 0; i < 8; i++) insert(&heap, &timers[i], 42);
  for (int i = 0; i < 8; i++) ck_assert_ptr_eq(pop(&heap), &timers[i]);
}
END_TEST

/* Every position of a heap whose shape a pop has settled is removed once. */
START_TEST(any_timer_can_be_removed) {
  for (int out = 1; out < 16; out++) {
    weir__timer_t timers[16] = {0};
    weir__heap_t heap = {0};
    int next = 1;

    for (int i = 0; i < 16; i++) insert(&heap, &timers[i], (uint64_t)i);
    ck_assert_ptr_eq(pop(&heap), &timers[0]);
    weir__heap_remove(&heap, &timers[out]);
    ck_assert(!weir__timer_active(&timers[out]));
    ck_assert_uint_eq(heap.count, 14);
    for (; heap.root; next++) {
      if (next == out) next++;
      ck_assert_ptr_eq(pop(&heap), &timers[next]);
    }
  }
}
END_TEST

START_TEST(removed_timer_can_be_inserted_again) {
  weir__timer_t a = {0}, b = {0};
  weir__heap_t heap = {0};

  insert(&heap, &a, 1);
  insert(&heap, &b, 2);
  weir__heap_remove(&heap, &a);
  insert(&heap, &a, 3);
  ck_assert_ptr_eq(pop(&heap), &b);
  ck_assert_ptr_eq(pop(&heap), &a);
}
END_TEST

/* against a reference: the pool is searched for the least (deadline, order of insertion) */

enum { POOL = 300 };

static weir__timer_t pool[POOL];
static uint64_t inserted_as[POOL]; /* 0: not in the heap */
static uint64_t insertions;
static size_t in_heap;

static bool is_before(int a, int b) {
  if (pool[a].deadline != pool[b].deadline) return pool[a].deadline < pool[b].deadline;
  return inserted_as[a] < inserted_as[b];
}

static weir__timer_t *reference_root(void) {
  int first = -1;

  for (int i = 0; i < POOL; i++)
    if (inserted_as[i] && (first < 0 || is_before(i, first))) first = i;
  return first < 0 ? NULL : &pool[first];
}

static void toggle(weir__heap_t *heap, int i) {
  if (inserted_as[i]) {
    weir__heap_remove(heap, &pool[i]);
    inserted_as[i] = 0;
    in_heap--;
  } else {
    insert(heap, &pool[i], random_below(40)); /* many ties */
    inserted_as[i] = ++insertions;
    in_heap++;
  }
}

START_TEST(random_inserts_and_removes_match_a_sorted_reference) {
  weir__heap_t heap = {0};

  random_state = 1;
  for (int step = 0; step < 30000; step++) {
    bool pops = heap.root && random_below(3) == 0;
    toggle(&heap, pops ? (int)(heap.root - pool) : (int)random_below(POOL));
    ck_assert_ptr_eq(heap.root, reference_root());
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

static void pop_all_in_order(weir__heap_t *heap, size_t count) {
  weir__timer_t *before = pop(heap), *timer;

  for (; (timer = pop(heap)); before = timer, count--)
    ck_assert(before->deadline < timer->deadline ||
              (before->deadline == timer->deadline && before < timer));
  ck_assert_uint_eq(count, 1);
  free(many);
}

START_TEST(lots_of_increasing_deadlines) {
  weir__heap_t heap = {0};

  make_many();
  for (uint64_t i = 0; i < LOTS; i++) insert(&heap, &many[i], i);
  pop_all_in_order(&heap, LOTS);
}
END_TEST

START_TEST(lots_of_decreasing_deadlines) {
  weir__heap_t heap = {0};

  make_many();
  for (uint64_t i = 0; i < LOTS; i++) insert(&heap, &many[i], LOTS - i);
  pop_all_in_order(&heap, LOTS);
}
END_TEST

START_TEST(lots_of_equal_deadlines) {
  weir__heap_t heap = {0};

  make_many();
  for (uint64_t i = 0; i < LOTS; i++) insert(&heap, &many[i], 42);
  pop_all_in_order(&heap, LOTS);
}
END_TEST

START_TEST(lots_of_random_deadlines) {
  weir__heap_t heap = {0};

  make_many();
  random_state = 2;
  for (uint64_t i = 0; i < LOTS; i++) insert(&heap, &many[i], random_below(1000));
  pop_all_in_order(&heap, LOTS);
}
END_TEST

/* As deadlines of requests that succeed: all go, oldest first or latest first, unfired. */
START_TEST(lots_of_removed_from_either_end) {
  for (int backwards = 0; backwards < 2; backwards++) {
    weir__heap_t heap = {0};

    make_many();
    for (uint64_t i = 0; i < LOTS; i++) insert(&heap, &many[i], i);
    for (size_t i = 0; i < LOTS; i++) weir__heap_remove(&heap, &many[backwards ? LOTS - 1 - i : i]);
    ck_assert_ptr_null(heap.root);
    ck_assert_uint_eq(heap.count, 0);
    free(many);
  }
}
END_TEST

static const support_test_t tests[] = {
    T(empty_heap_has_no_root),
    T(single_timer_is_the_root_and_leaves_nothing),
    T(pops_in_order_of_deadline),
    T(equal_deadlines_pop_first_in_first_out),
    T(equal_deadlines_stay_fifo_around_earlier_and_later_ones),
    T(equal_deadlines_stay_fifo_when_the_sequence_wraps),
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
