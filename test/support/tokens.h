/*
 * Tokens: values with a number, which may be owned. Then each has an identity, its copies too, and
 * comes to one end: received, used up, dropped, or kept by who could not send it.
 */
#ifndef WEIR_TEST_TOKENS_H
#define WEIR_TEST_TOKENS_H

#include <weir.h>

typedef struct token_s {
  int number;
  int id; /* 0: it is not owned */
} token_t;

extern const weir_type_t token_plain, token_owned;
extern const weir_type_t token_unique; /* owned, and cannot be copied */

/* Forgets all tokens. */
void tokens_open(void);

token_t token_new(const weir_type_t *type, int number);

/* It comes to its end; any thread. False: it is none, or has come to its end before. */
bool token_end(const token_t *token);

/* The id of one that has not come to its end, or 0. */
int tokens_left(void);

#endif
