/* A ranger is a range over ints that notes what it is called with. */
#ifndef WEIR_TEST_RANGER_H
#define WEIR_TEST_RANGER_H

#include "values.h"

enum { RANGER_MAX = 64 };

typedef struct ranger_s {
  weir_range_t range; /* first, so that a range's callback finds its ranger */
  int values[RANGER_MAX];
  int count;
  int ends;
  int status; /* of the end */
} ranger_t;

static inline void ranger_note(weir_range_t *range, const void *value, int status) {
  ranger_t *ranger = (ranger_t *)range;

  ck_assert_int_eq(ranger->ends, 0);
  ck_assert_int_eq(value != NULL, status == 0);
  if (value) {
    ck_assert_int_lt(ranger->count, RANGER_MAX);
    ranger->values[ranger->count++] = *(const int *)value;
  } else {
    ranger->ends++;
    ranger->status = status;
  }
}

static inline void ranger_start_under(weir_ctx_t *ctx, ranger_t *ranger, weir_chan_t *ch,
                                      weir_range_cb cb) {
  *ranger = (ranger_t){.count = 0};
  weir_range_init(&ranger->range, ctx);
  ck_assert_int_eq(weir_range_start(&ranger->range, ch, cb), 0);
  ck_assert_int_eq(ranger->count + ranger->ends, 0);
}

static inline void ranger_start(ranger_t *ranger, weir_chan_t *ch) {
  ranger_start_under(bg, ranger, ch, ranger_note);
}

/* It has had the values 0, 1, .. n - 1, and goes on. */
#define ck_ranged(ranger, n)                                                                       \
  do {                                                                                             \
    ck_assert_int_eq((ranger)->count, (n));                                                        \
    for (int i_ = 0; i_ < (n); i_++) ck_assert_int_eq((ranger)->values[i_], i_);                   \
    ck_assert_int_eq((ranger)->ends, 0);                                                           \
  } while (0)

/* It has had them, and then its end. */
#define ck_ended(ranger, n, wanted)                                                                \
  do {                                                                                             \
    ck_assert_int_eq((ranger)->count, (n));                                                        \
    for (int i_ = 0; i_ < (n); i_++) ck_assert_int_eq((ranger)->values[i_], i_);                   \
    ck_assert_int_eq((ranger)->ends, 1);                                                           \
    ck_assert_int_eq((ranger)->status, (wanted));                                                  \
  } while (0)

#endif
