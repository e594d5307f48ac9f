#include "tokens.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

enum { TOKENS = 1 << 17 };

typedef enum fate_e { UNBORN, ALIVE, ENDED, ENDED_TWICE } fate_t;

static struct {
  atomic_int made;
  atomic_uchar fates[TOKENS];
} tokens;

void tokens_open(void) {
  for (int i = 0; i <= tokens.made; i++) tokens.fates[i] = UNBORN;
  tokens.made = 0;
}

static int new_id(void) {
  if (tokens.made == TOKENS - 1) return TOKENS; /* which is none */
  tokens.fates[++tokens.made] = ALIVE;
  return tokens.made;
}

token_t token_new(const weir_type_t *type, int number) {
  return (token_t){number, type->drop ? new_id() : 0};
}

bool token_end(const token_t *token) {
  int id = token->id;

  if (id == 0) return true;
  if (id < 0 || id > tokens.made) return false;
  if (atomic_exchange(&tokens.fates[id], ENDED) == ALIVE) return true;
  tokens.fates[id] = ENDED_TWICE;
  return false;
}

int tokens_left(void) {
  for (int i = 1; i <= tokens.made; i++)
    if (tokens.fates[i] != ENDED) return i;
  return 0;
}

/* One that is dropped twice is left over for tokens_left. */
static void drop(void *value) {
  (void)token_end(value);
}

static int copy(void *dst, const void *src) {
  const token_t *original = src;
  token_t twin = {original->number, new_id()};

  memcpy(dst, &twin, sizeof(twin));
  return 0;
}

const weir_type_t token_plain = {sizeof(token_t), NULL, NULL, "plain"};
const weir_type_t token_owned = {sizeof(token_t), drop, copy, "owned"};
const weir_type_t token_unique = {sizeof(token_t), drop, NULL, "unique"};
