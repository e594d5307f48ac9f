/* What weir_dump says of an operation, which is found by the place where it was initialised. */
#ifndef WEIR_TEST_DUMPED_H
#define WEIR_TEST_DUMPED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* The dump has one line: it starts with `where`, and has `what` in it. */
static inline void ck_dumped(const char *where, const char *what) {
  char *text, *end;
  size_t size;
  FILE *out = open_memstream(&text, &size);

  weir_dump(loop, out);
  fclose(out);
  end = strchr(text, '\n');
  ck_assert_msg(end && end[1] == '\0', "not one line: %s", text);
  ck_assert_msg(strncmp(text, where, strlen(where)) == 0, "%s does not start: %s", where, text);
  ck_assert_msg(strstr(text, what), "%s is not in: %s", what, text);
  free(text);
}

static inline void ck_dumped_nothing(void) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);

  weir_dump(loop, out);
  fclose(out);
  ck_assert_str_eq(text, "");
  free(text);
}

#endif
