/*
 * What weir knows of uv handles that are the caller's, found by their addresses: `data` is not
 * weir's.
 */
#ifndef WEIR_UV_HANDLES_H
#define WEIR_UV_HANDLES_H

#include <weir/op.h>

/* Who gets the events of a handle: one at most. */
typedef struct weir__user_s weir__user_t;
struct weir__user_s {
  weir__user_t *next;
  uv_handle_t *handle;
  void (*closing)(weir__user_t *user); /* it is about to be closed: leave */
};

/* Makes it the user of user->handle. False: there is one. */
bool weir__handle_enter(weir__user_t *user);
void weir__handle_leave(weir__user_t *user);
weir__user_t *weir__handle_user(uv_handle_t *handle);

/*
 * Closes a handle, or waits for what has called this before: closing->closed will be called. False:
 * the handle is closed, or closing, by other means, and it will not be.
 */
bool weir__handle_close(uv_handle_t *handle, weir__closing_t *closing);

/*
 * For a handle that is closed by other means, of which libuv tells weir nothing: a handle that is
 * opened and closed after it, twice, calls back when all before it have been let go of (attach.c).
 */
typedef struct weir__round_s weir__round_t;
struct weir__round_s {
  uv_idle_t handle; /* first */
  int left;
  void (*over)(weir__round_t *round);
};
void weir__round_start(weir__round_t *round, uv_loop_t *uv, void (*over)(weir__round_t *round));

#endif
