/* Allocation: every byte of the library comes from here. */
#ifndef WEIR_LIB_MEM_H
#define WEIR_LIB_MEM_H

#include <stddef.h>

void *weir__malloc(size_t size);
void *weir__calloc(size_t count, size_t size);
void weir__free(void *ptr);

#endif
