/*
 * The allocator may be replaced until its first use. `used` is set by every call, from any thread;
 * replacing is for the start of a program, before there are others.
 */
#include "mem.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <weir/version.h>

static struct {
  void *(*malloc)(size_t size);
  void *(*realloc)(void *ptr, size_t size);
  void *(*calloc)(size_t count, size_t size);
  void (*free)(void *ptr);
} allocator = {malloc, realloc, calloc, free};

static atomic_bool used;

static void mark_used(void) {
  if (!atomic_load_explicit(&used, memory_order_relaxed))
    atomic_store_explicit(&used, true, memory_order_relaxed);
}

void *weir__malloc(size_t size) {
  mark_used();
  return allocator.malloc(size);
}

void *weir__calloc(size_t count, size_t size) {
  mark_used();
  return allocator.calloc(count, size);
}

void *weir__realloc(void *ptr, size_t size) {
  mark_used();
  return allocator.realloc(ptr, size);
}

void weir__free(void *ptr) {
  allocator.free(ptr);
}

int weir_replace_allocator(void *(*malloc_fn)(size_t), void *(*realloc_fn)(void *, size_t),
                           void *(*calloc_fn)(size_t, size_t), void (*free_fn)(void *)) {
  if (!malloc_fn || !realloc_fn || !calloc_fn || !free_fn) return UV_EINVAL;
  if (atomic_load_explicit(&used, memory_order_relaxed)) return UV_EBUSY;
  allocator.malloc = malloc_fn;
  allocator.realloc = realloc_fn;
  allocator.calloc = calloc_fn;
  allocator.free = free_fn;
  return 0;
}
