/* Allocation: every byte of the library comes from here. */
#ifndef WEIR_LIB_MEM_H
#define WEIR_LIB_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

void *weir__malloc(size_t size);
void *weir__calloc(size_t count, size_t size);
void *weir__realloc(void *ptr, size_t size);
void weir__free(void *ptr);

/* Copies values; a constant size lets the commonest copy be one instruction. */
static inline void weir__copy(void *to, const void *from, size_t size) {
  if (size == sizeof(uint64_t))
    memcpy(to, from, sizeof(uint64_t));
  else if (size > 0)
    memcpy(to, from, size);
}

#endif
