/*
 * Waiting for several: wait groups, groups of which the first error cancels the others, and
 * weighted semaphores (Go: sync.WaitGroup, golang.org/x/sync/errgroup and semaphore).
 *
 * Thread: all of them belong to one loop's thread, like its operations.
 */
#ifndef WEIR_GROUP_H
#define WEIR_GROUP_H

#include <weir/ctx.h>
#include <weir/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A wait group: a counter, and operations that wait for it to be 0. The caller's memory. */
typedef struct weir_wg_s {
  void *data; /* the caller's; weir_wg_init leaves it alone */
  /* private */
  int count;
  weir__link_t waiters;
} weir_wg_t;

/* Prepares a wait group with a counter of 0. It must stay in place while operations wait for it. */
WEIR_EXTERN void weir_wg_init(weir_wg_t *wg);

/*
 * Adds n, which may be negative, to the counter; at 0, all that wait complete.
 *
 * Returns 0, UV_EINVAL for NULL and where Go panics, at a counter below 0: then nothing is changed.
 * The same above INT_MAX.
 */
WEIR_EXTERN int weir_wg_add(weir_wg_t *wg, int n);

/* The same as weir_wg_add(wg, -1). */
WEIR_EXTERN int weir_wg_done(weir_wg_t *wg);

/*
 * Waits until the counter is 0; completes with 0.
 *
 * Returns 0, UV_EINVAL for NULL, or what every start returns.
 */
WEIR_EXTERN int weir_wg_wait(weir_op_t *op, weir_wg_t *wg, weir_op_cb cb);

/* A group: tasks under one context, which the first error cancels. */
typedef struct weir_group_s weir_group_t;

/* Starts a task, which sees to it that weir_group_done is called, once. */
typedef void (*weir_group_fn)(weir_group_t *group, void *arg);

/*
 * Makes a group with a context of its own.
 *
 *   parent  of the group's context.
 *   limit   how many tasks may run at once; 0: any number.
 *
 * Returns the group, for weir_group_free, or NULL for want of memory or a parent.
 */
WEIR_EXTERN weir_group_t *weir_group_new(weir_ctx_t *parent, size_t limit);

/*
 * Returns the group's context, borrowed: cancelled by the first error, which is its cause; and when
 * a wait has ended.
 */
WEIR_EXTERN weir_ctx_t *weir_group_ctx(weir_group_t *group);

/*
 * Starts a task: at once and inside the call, or, over the limit, in order as others are done.
 * Those that still wait when an error comes are never started; what their `arg` owns is the
 * caller's.
 *
 * Returns 0; UV_ECANCELED after an error; UV_ENOMEM when it cannot wait; UV_EINVAL for NULL.
 */
WEIR_EXTERN int weir_group_go(weir_group_t *group, weir_group_fn start, void *arg);

/*
 * Says that a task is done.
 *
 *   status  0, or a negative code: the first one is the group's, and the cause of its cancellation.
 *
 * Ignored when no task runs.
 */
WEIR_EXTERN void weir_group_done(weir_group_t *group, int status);

/*
 * Waits until all tasks are done, and cancels the group's context then. Completes with the first
 * error, or 0; or, while tasks may still run, with the error of the op's own context.
 *
 * Returns 0, UV_EINVAL for NULL and for another loop's op, or what every start returns.
 */
WEIR_EXTERN int weir_group_wait(weir_op_t *op, weir_group_t *group, weir_op_cb cb);

/* Frees a group of which no task runs and that nothing waits for; NULL is fine. */
WEIR_EXTERN void weir_group_free(weir_group_t *group);

/* A semaphore: a number of permits, given out first come, first served. */
typedef struct weir_sem_s weir_sem_t;

/* Returns a semaphore, for weir_sem_free, or NULL for want of memory or a loop. */
WEIR_EXTERN weir_sem_t *weir_sem_new(weir_loop_t *loop, size_t permits);

/*
 * Acquires n permits. Who comes later waits behind, even where there would be enough for it.
 *
 * Returns 0; UV_EINVAL for NULL, for another loop's op and for more than there are at all, which
 * blocks nobody; or what every start returns. Completes with 0, or the context's error: then
 * without permits.
 */
WEIR_EXTERN int weir_sem_acquire(weir_op_t *op, weir_sem_t *sem, size_t n, weir_op_cb cb);

/* Acquires at once or not: 0, UV_EAGAIN (also while others wait), UV_EINVAL as weir_sem_acquire. */
WEIR_EXTERN int weir_sem_try_acquire(weir_sem_t *sem, size_t n);

/* Gives n permits back: 0, UV_EINVAL for NULL and for more than have been acquired. */
WEIR_EXTERN int weir_sem_release(weir_sem_t *sem, size_t n);

/* Frees a semaphore that nothing waits for; NULL is fine. */
WEIR_EXTERN void weir_sem_free(weir_sem_t *sem);

#ifdef __cplusplus
}
#endif

#endif
