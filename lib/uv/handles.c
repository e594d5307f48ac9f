/*
 * A table of lists, process-wide, since a callback of libuv's has nothing but the handle. A
 * handle's entries are of its loop's thread; only the lists are shared.
 */
#include "handles.h"

#include "../lock.h"

enum { LISTS = 1024 };

typedef struct list_s {
  weir__lock_t lock;
  weir__user_t *users;
  weir__closing_t *closings;
} list_t;

static list_t lists[LISTS];

/* Handles are some 100 bytes or more from each other. */
static list_t *lock_list(const uv_handle_t *handle) {
  uintptr_t address = (uintptr_t)handle;
  list_t *list = &lists[(address >> 6 ^ address >> 16) % LISTS];

  weir__lock(&list->lock);
  return list;
}

static void unlock_list(list_t *list) {
  weir__unlock(&list->lock);
}

/* users */

static weir__user_t **find_user(list_t *list, const uv_handle_t *handle) {
  weir__user_t **at = &list->users;

  while (*at && (*at)->handle != handle) at = &(*at)->next;
  return at;
}

bool weir__handle_enter(weir__user_t *user) {
  list_t *list = lock_list(user->handle);
  bool is_free = !*find_user(list, user->handle);

  if (is_free) {
    user->next = list->users;
    list->users = user;
  }
  unlock_list(list);
  return is_free;
}

void weir__handle_leave(weir__user_t *user) {
  list_t *list = lock_list(user->handle);
  weir__user_t **at = find_user(list, user->handle);

  *at = user->next;
  unlock_list(list);
}

weir__user_t *weir__handle_user(uv_handle_t *handle) {
  list_t *list = lock_list(handle);
  weir__user_t *user = *find_user(list, handle);

  unlock_list(list);
  return user;
}

/* closing */

static weir__closing_t **find_closing(list_t *list, const uv_handle_t *handle) {
  weir__closing_t **at = &list->closings;

  while (*at && (*at)->handle != handle) at = &(*at)->next;
  return at;
}

static weir__closing_t *take_closing(const uv_handle_t *handle) {
  list_t *list = lock_list(handle);
  weir__closing_t **at = find_closing(list, handle), *closing = *at;

  if (closing) *at = closing->next;
  unlock_list(list);
  return closing;
}

static bool has_closing(const uv_handle_t *handle) {
  list_t *list = lock_list(handle);
  bool has = *find_closing(list, handle) != NULL;

  unlock_list(list);
  return has;
}

static void put_closing(weir__closing_t *closing) {
  list_t *list = lock_list(closing->handle);

  closing->next = list->closings;
  list->closings = closing;
  unlock_list(list);
}

static void on_closed(uv_handle_t *handle) {
  weir__closing_t *closing;

  while ((closing = take_closing(handle))) closing->closed(closing);
}

static void close_now(uv_handle_t *handle) {
  weir__user_t *user = weir__handle_user(handle);

  if (user) user->closing(user);
  uv_close(handle, on_closed);
}

bool weir__handle_close(uv_handle_t *handle, weir__closing_t *closing) {
  bool is_closing = uv_is_closing(handle);

  if (is_closing && !has_closing(handle)) return false;
  closing->handle = handle;
  put_closing(closing);
  if (!is_closing) close_now(handle);
  return true;
}

/* rounds */

enum { ROUNDS = 2 };

static void on_round(uv_handle_t *handle);

static void turn(weir__round_t *round, uv_loop_t *uv) {
  uv_idle_init(uv, &round->handle);
  uv_close((uv_handle_t *)&round->handle, on_round);
}

static void on_round(uv_handle_t *handle) {
  weir__round_t *round = (weir__round_t *)handle;

  if (--round->left > 0)
    turn(round, handle->loop);
  else
    round->over(round);
}

void weir__round_start(weir__round_t *round, uv_loop_t *uv, void (*over)(weir__round_t *round)) {
  round->left = ROUNDS;
  round->over = over;
  turn(round, uv);
}
