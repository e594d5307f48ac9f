#include "support.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

/* Under valgrind or a sanitizer, the slowest test takes that long; ctest has a limit of its own. */
#define TIMEOUT_SECONDS 50

uv_loop_t *uv;
weir_loop_t *loop;
weir_ctx_t *bg;

/* the allocator: number `failing_from` up to, not including, `failing_to` fail */

static atomic_size_t allocations, outstanding;
static atomic_size_t failing_from = SIZE_MAX, failing_to = SIZE_MAX;

static bool next_fails(void) {
  size_t number = allocations++;

  return number >= failing_from && number < failing_to;
}

static void *counted(void *ptr) {
  if (ptr) outstanding++;
  return ptr;
}

static void *test_malloc(size_t size) {
  return next_fails() ? NULL : counted(malloc(size));
}

static void *test_calloc(size_t count, size_t size) {
  return next_fails() ? NULL : counted(calloc(count, size));
}

static void *test_realloc(void *ptr, size_t size) {
  if (next_fails()) return NULL;
  return ptr ? realloc(ptr, size) : counted(malloc(size));
}

static void test_free(void *ptr) {
  if (ptr) outstanding--;
  free(ptr);
}

size_t support_allocations(void) {
  return allocations;
}

size_t support_outstanding(void) {
  return outstanding;
}

static size_t allocation_in(size_t n) {
  return n < SIZE_MAX - allocations ? allocations + n : SIZE_MAX;
}

void support_fail_after(size_t n) {
  failing_from = allocation_in(n);
  failing_to = SIZE_MAX;
}

void support_fail_only(size_t n) {
  failing_from = allocation_in(n);
  failing_to = failing_from + 1;
}

/* the fixture */

static void setup(void) {
  static uv_loop_t uv_loop;

  uv = &uv_loop;
  ck_assert_int_eq(uv_loop_init(uv), 0);
  ck_assert_int_eq(weir_loop_new(&loop, uv), 0);
  bg = weir_loop_background(loop);
}

static void teardown(void) {
  support_fail_after(SIZE_MAX);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  ck_assert_int_eq(uv_loop_close(uv), 0);
  ck_assert_uint_eq(outstanding, 0);
}

/* the program */

static Suite *make_suite(const char *name, const support_test_t *tests, size_t n) {
  Suite *suite = suite_create(name);

  for (size_t i = 0; i < n; i++) {
    TCase *tcase = tcase_create(tests[i].name);

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, *tests[i].ttest);
    suite_add_tcase(suite, tcase);
  }
  return suite;
}

int support_main(const char *name, const support_test_t *tests, size_t n) {
  if (weir_replace_allocator(test_malloc, test_realloc, test_calloc, test_free)) {
    fputs("weir has been used before the test's allocator was there\n", stderr);
    return EXIT_FAILURE;
  }

  SRunner *runner = srunner_create(make_suite(name, tests, n));

  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
