/* What the tests of the status check have in common: named cases, and a check that says where. */
#ifndef STATUS_CHECK_EXPECT_H
#define STATUS_CHECK_EXPECT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (condition) break;                                                                          \
    fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);                       \
    exit(1);                                                                                       \
  } while (0)

#define EXPECT_TEXT(actual, wanted)                                                                \
  do {                                                                                             \
    if (strcmp((actual), (wanted)) == 0) break;                                                    \
    fprintf(stderr, "%s:%d: expected \"%s\", not \"%s\"\n", __FILE__, __LINE__, (wanted),          \
            (actual));                                                                             \
    exit(1);                                                                                       \
  } while (0)

typedef struct case_s {
  const char *name;
  void (*run)(void);
} case_t;

/* Runs the case of that name; a name that is unknown is a failure. */
static inline int run_case(const case_t *cases, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++) {
    if (strcmp(cases[i].name, name) != 0) continue;
    cases[i].run();
    return 0;
  }
  fprintf(stderr, "no case %s\n", name);
  return 2;
}

#endif
