/*
 * Operations: completion handles.
 *
 * Every asynchronous call completes one weir_op_t, which the caller embeds and owns. An accepted
 * call completes exactly once; one that returns a negative code started nothing and calls nothing
 * back. From the accepted start until its callback starts the op is weir's: leave it in place.
 * Starting, completing and cancelling allocate nothing.
 *
 * Every start returns, beside what it names itself:
 *   UV_EBUSY      the op is pending
 *   UV_EINVAL     an argument is NULL that must not be, or belongs to another loop
 *   UV_ECANCELED  the loop has closed
 */
#ifndef WEIR_OP_H
#define WEIR_OP_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * status: 0, or why the operation did not happen. The op is idle again: it may be reused or freed.
 */
typedef void (*weir_op_cb)(weir_op_t *op, int status);

/* Private: what other threads may read or write, too. C++ sees the same bytes. */
#ifdef __cplusplus
typedef uint16_t weir__state_t;
typedef int32_t weir__status_t;
#else
typedef _Atomic(uint16_t) weir__state_t;
typedef _Atomic(int32_t) weir__status_t;
#endif

/* Private: what an operation is linked by while it waits. */
typedef struct weir__link_s weir__link_t;
typedef struct weir__post_s weir__post_t;
typedef struct weir__scope_s weir__scope_t;
typedef struct weir__timer_s weir__timer_t;
typedef struct weir__kind_s weir__kind_t;
typedef struct weir__hook_s weir__hook_t;

struct weir__link_s {
  weir__link_t *prev, *next;
};

struct weir__post_s {
  weir__post_t *next;
  weir__scope_t *scope; /* of whose loop it is for; NULL: for a blocked thread */
};

/* A case of a select (see select.h), and what a single send or recv waits with. */
struct weir_case_s {
  weir_chan_t *chan;
  void *value;
  /* private */
  union {
    weir__link_t link;
    weir__post_t post; /* on its way to its loop */
  };
  weir_op_t *op;
  uint32_t index;      /* values moved so far */
  uint32_t count : 31; /* values that it still waits for */
  uint32_t is_send : 1;
};

struct weir__timer_s {
  weir__link_t link;
  uint64_t deadline; /* nanoseconds */
  void (*fire)(weir__timer_t *timer);
};

typedef struct weir__join_s {
  weir_op_t *const *ops;
  uint32_t n;
  uint32_t missing; /* all: how many have not completed */
  uint64_t number;  /* in the order of their starts, from 1 */
  weir_op_t *older, *newer;
  uint32_t found; /* where among the ops it found the last one */
} weir__join_t;

/* The numbers of the joins that want a pending op. */
typedef struct weir__marks_s {
  uint64_t first, last;
} weir__marks_t;

struct weir__hook_s {
  weir__link_t link;
  void (*fire)(weir__hook_t *hook);
  void (*release)(weir__hook_t *hook);
};

typedef struct weir__wait_s {
  weir__hook_t hook;
  weir_ctx_t *target;
} weir__wait_t;

/* In the queue of a wait group, a group or a semaphore. */
typedef struct weir__turn_s {
  weir__link_t link;
  void *target;
  size_t wanted;
} weir__turn_t;

/* What waits for the close of a uv handle. */
typedef struct weir__closing_s weir__closing_t;
struct weir__closing_s {
  weir__closing_t *next;
  uv_handle_t *handle;
  void (*closed)(weir__closing_t *closing);
};

struct weir_op_s {
  void *data; /* the caller's; weir_op_init leaves it alone */
  /* private */
  weir_op_cb cb;
  weir_ctx_t *ctx;
  const weir__kind_t *kind;
  const char *where;   /* "file:line" of weir_op_init */
  weir__link_t parked; /* among the parked ops of the context */
  weir__marks_t marks; /* the joins that it stands in, while `joins` says so */
  weir__state_t state;
  uint16_t joins;        /* in which ways it stands in joins */
  weir__status_t status; /* parked: since when, in ms mod 2^32; otherwise the result */
  union {
    weir_case_t wait;
    weir__timer_t timer;
    weir__join_t join;
    weir__wait_t ctx;
    weir__turn_t turn;
    weir__closing_t closing;
  } u;
};

/*
 * Prepares an op: a macro that also records the place for weir_dump. Cannot fail.
 *
 *   op   must not be pending. `data` is left alone.
 *   ctx  binds the op to the context's loop, cancellation and deadline. It must be alive whenever
 *        the op is started; a pending op holds it, an idle one does not.
 */
#define weir_op_init(op, ctx) weir_op_init_at((op), (ctx), WEIR_HERE)

/* The same, for a place of the caller's choice; `where` must outlive the op. */
WEIR_EXTERN void weir_op_init_at(weir_op_t *op, weir_ctx_t *ctx, const char *where);

/* Returns whether the op has been started and its callback has not. */
WEIR_EXTERN bool weir_op_pending(const weir_op_t *op);

/* Returns the status of the last completion, 0 before the first start, UV_EBUSY while pending. */
WEIR_EXTERN int weir_op_status(const weir_op_t *op);

/*
 * Returns what the last completion points at: the case that happened (select), the op that was
 * first (any), how many values went (send_many, recv_many; 0 or 1 for send and recv). 0 while
 * pending.
 */
WEIR_EXTERN size_t weir_op_index(const weir_op_t *op);

/* Returns the context that the op was initialised with, borrowed; NULL for NULL. */
WEIR_EXTERN weir_ctx_t *weir_op_ctx(const weir_op_t *op);

/*
 * Takes an op back: it will complete with UV_ECANCELED. Nothing is lost: a sent value is still the
 * sender's, a destination untouched, and `index` says what part of a send_many went.
 *
 * Returns 0, UV_EINVAL for NULL, UV_ENOENT if it is not pending, UV_EALREADY if it has happened and
 * only its callback is due.
 */
WEIR_EXTERN int weir_op_cancel(weir_op_t *op);

/*
 * Runs the loop until the op completes; its callback, if any, has then run. Outside callbacks only.
 *
 * Returns the op's status; at once for an idle op. UV_EAGAIN when nothing can wake the loop any
 * more: the op stays parked. UV_EINVAL for NULL and inside a callback of its loop.
 */
WEIR_EXTERN int weir_op_wait(weir_op_t *op);

/*
 * Completes after all that is runnable now (Go: runtime.Gosched).
 *
 *   cb  may be NULL, here and everywhere: ask the op instead.
 *
 * Returns 0 or what every start returns.
 */
WEIR_EXTERN int weir_yield(weir_op_t *op, weir_op_cb cb);

/*
 * Completes after `ms` milliseconds, never early by uv_hrtime. Keeps the uv loop alive.
 *
 * Returns 0 or what every start returns. UINT64_MAX sleeps until cancelled.
 */
WEIR_EXTERN int weir_sleep(weir_op_t *op, uint64_t ms, weir_op_cb cb);

/*
 * Runs fn(arg) on libuv's thread pool, and completes with 0 when it has returned.
 *
 * Returns 0, UV_ENOMEM or what every start returns; UV_EINVAL for a NULL `fn`. While it is queued
 * it can be cancelled. Once `fn` runs, weir_op_cancel gives UV_EBUSY, and a cancellation of the
 * context changes nothing: it completes with 0 when `fn` returns.
 */
WEIR_EXTERN int weir_work(weir_op_t *op, void (*fn)(void *arg), void *arg, weir_op_cb cb);

/*
 * Completes with 0 when all of `ops` have completed, whatever their statuses; at once for n = 0.
 *
 *   ops  of the same loop; may repeat one, and stand in other joins. The array, not the ops that
 *        have completed, must stay valid until the completion. An idle op counts as completed.
 *
 * Returns 0 or what every start returns; UV_EINVAL too for a NULL among the ops, for `op` itself
 * and for n over UINT32_MAX. Cancelling a join leaves its ops alone.
 */
WEIR_EXTERN int weir_all(weir_op_t *op, weir_op_t *const *ops, size_t n, weir_op_cb cb);

/*
 * Completes when the first of `ops` has, with its status; weir_op_index says which. n = 0 parks.
 * Otherwise as weir_all.
 */
WEIR_EXTERN int weir_any(weir_op_t *op, weir_op_t *const *ops, size_t n, weir_op_cb cb);

#ifdef __cplusplus
}
#endif

#endif
