/*
 * Lookups that the test holds up: a getaddrinfo of its own, which libuv finds before the system's,
 * says that it runs and waits at a gate when the service is GATED, then looks up without it. And a
 * freeaddrinfo that counts what has not been freed. For one file of a program: they are the
 * program's.
 */
#ifndef WEIR_TEST_LOOKUPS_H
#define WEIR_TEST_LOOKUPS_H

#ifndef _GNU_SOURCE
#error "define _GNU_SOURCE before the first header"
#endif

#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <string.h>

#include "peers.h"

#define GATED "65000" /* a service that stands for nothing else */

static struct {
  uv_sem_t running, gate;
  atomic_int calls, results; /* results: that are there */
} lookups;

static inline void lookups_open(void) {
  ck_assert_int_eq(uv_sem_init(&lookups.running, 0), 0);
  ck_assert_int_eq(uv_sem_init(&lookups.gate, 0), 0);
  atomic_store(&lookups.calls, 0);
  atomic_store(&lookups.results, 0);
}

/* All results have been freed. */
static inline void lookups_close(void) {
  ck_assert_int_eq(atomic_load(&lookups.results), 0);
  uv_sem_destroy(&lookups.running);
  uv_sem_destroy(&lookups.gate);
}

static inline void lookups_await_running(int n) {
  for (int i = 0; i < n; i++) uv_sem_wait(&lookups.running);
}

static inline void lookups_let_end(int n) {
  for (int i = 0; i < n; i++) uv_sem_post(&lookups.gate);
}

typedef int (*getaddrinfo_fn)(const char *, const char *, const struct addrinfo *,
                              struct addrinfo **);
typedef void (*freeaddrinfo_fn)(struct addrinfo *);

/* C has no cast from an object's address to a function's. */
static inline void find_next(void *function, const char *name) {
  void *found = dlsym(RTLD_NEXT, name);

  ensure(found != NULL);
  memcpy(function, &found, sizeof(found));
}

__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **res) {
  getaddrinfo_fn next;
  int err;

  find_next(&next, "getaddrinfo");
  atomic_fetch_add(&lookups.calls, 1);
  if (service && strcmp(service, GATED) == 0) {
    uv_sem_post(&lookups.running);
    uv_sem_wait(&lookups.gate);
  }
  err = next(node, service, hints, res);
  if (!err) atomic_fetch_add(&lookups.results, 1);
  return err;
}

__attribute__((visibility("default"))) void freeaddrinfo(struct addrinfo *res) {
  freeaddrinfo_fn next;

  find_next(&next, "freeaddrinfo");
  next(res);
  atomic_fetch_sub(&lookups.results, 1);
}

#endif
