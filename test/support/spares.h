#ifndef WEIR_TEST_SPARES_H
#define WEIR_TEST_SPARES_H

#include <weir.h>

#ifdef __GLIBC__ /* by way of the header before */
#include <malloc.h>
#endif

/* The buffer that a loop keeps for its streams to be read into, or NULL: the library's view. */
const char *spare_of(const weir_loop_t *loop);

/* How much memory a chunk takes. */
static inline size_t room_of(const weir_chunk_t *chunk) {
#ifdef __GLIBC__
  return malloc_usable_size(chunk->base);
#else
  return chunk->len;
#endif
}

#endif
