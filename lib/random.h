/* A small generator (splitmix64) for select's choices: fast, seedable, not for secrets. */
#ifndef WEIR_LIB_RANDOM_H
#define WEIR_LIB_RANDOM_H

#include <stdint.h>

typedef struct weir__random_s {
  uint64_t state;
} weir__random_t;

static inline uint64_t weir__random_next(weir__random_t *random) {
  uint64_t z = random->state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* A number below n, of equal chance up to n / 2^32. */
static inline uint32_t weir__random_below(weir__random_t *random, uint32_t n) {
  return (uint32_t)(((weir__random_next(random) >> 32) * n) >> 32);
}

#endif
