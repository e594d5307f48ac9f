/* The library's version, and where its memory comes from. */
#ifndef WEIR_VERSION_H
#define WEIR_VERSION_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0

/* Returns the version of the library that is running, as "MAJOR.MINOR.PATCH". Any thread. */
WEIR_EXTERN const char *weir_version(void);

/*
 * Replaces the allocator of the whole process, before any other call of weir (weir_version aside).
 *
 * Returns 0, UV_EINVAL if one of the functions is NULL, UV_EBUSY after the first call.
 */
WEIR_EXTERN int weir_replace_allocator(void *(*malloc_fn)(size_t),
                                       void *(*realloc_fn)(void *, size_t),
                                       void *(*calloc_fn)(size_t, size_t), void (*free_fn)(void *));

#ifdef __cplusplus
}
#endif

#endif
