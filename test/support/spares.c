#include "spares.h"

#include "loop.h" /* lib's */

const char *spare_of(const weir_loop_t *loop) {
  return loop->spare;
}
