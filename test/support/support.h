/*
 * The fixture of all tests: a fresh uv loop with weir attached. Its teardown closes both, and
 * asserts that neither a uv handle nor a byte of the library's is left behind.
 */
#ifndef WEIR_TEST_SUPPORT_H
#define WEIR_TEST_SUPPORT_H

#include <check.h>
#include <stddef.h>
#include <weir.h>

extern uv_loop_t *uv;
extern weir_loop_t *loop; /* a test that closes it sets it to NULL */
extern weir_ctx_t *bg;    /* the loop's background */

/* Allocations that the library has asked for so far, the failed ones included. */
size_t support_allocations(void);

/* Allocations that it has not freed. */
size_t support_outstanding(void);

/* Grants n more allocations and fails all after them; SIZE_MAX fails none. */
void support_fail_after(size_t n);

/* Grants n more allocations, fails the next one and grants all after it. */
void support_fail_only(size_t n);

/*
 * The test program, after its tests:
 *
 *   static const support_test_t tests[] = {T(first), T(second)};
 *   SUITE_MAIN("chan", tests)
 *
 * Each test is a Check case of its own name, so that CK_RUN_CASE picks one.
 */
typedef struct support_test_s {
  const char *name;
  const TTest **ttest;
} support_test_t;

#define T(test)                                                                                    \
  { #test, &test }

#define SUITE_MAIN(suite, tests)                                                                   \
  int main(void) {                                                                                 \
    return support_main((suite), (tests), sizeof(tests) / sizeof(*(tests)));                       \
  }

int support_main(const char *suite, const support_test_t *tests, size_t n);

#endif
