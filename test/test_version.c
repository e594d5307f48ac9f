/* Description: the version that the library reports. */
#include <stdio.h>

#include "support/support.h"

START_TEST(version_is_that_of_the_header_part_by_part) {
  char expected[32];

  snprintf(expected, sizeof expected, "%d.%d.%d", WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR,
           WEIR_VERSION_PATCH);
  ck_assert_str_eq(weir_version(), expected);
}
END_TEST

START_TEST(asking_for_the_version_allocates_nothing) {
  size_t before = support_allocations();

  ck_assert_ptr_eq(weir_version(), weir_version());
  ck_assert_uint_eq(support_allocations(), before);
}
END_TEST

static const support_test_t tests[] = {
    T(version_is_that_of_the_header_part_by_part),
    T(asking_for_the_version_allocates_nothing),
};

SUITE_MAIN("version", tests)
