/* Ops that are freed in their own callbacks. */
#ifndef WEIR_TEST_FREED_H
#define WEIR_TEST_FREED_H

#include <stdlib.h>

#include "support.h"

static int freed;

static inline void free_op(weir_op_t *op, int status) {
  (void)status;
  freed++;
  free(op);
}

static inline weir_op_t *heap_op(void) {
  weir_op_t *op = malloc(sizeof(*op));

  weir_op_init(op, bg);
  return op;
}

#endif
