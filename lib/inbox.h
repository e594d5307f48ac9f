/* What other threads post to a loop, and what this thread has to post to others. */
#ifndef WEIR_LIB_INBOX_H
#define WEIR_LIB_INBOX_H

#include "loop.h"

static inline void weir__posts_add(weir__posts_t *posts, weir__post_t *post, weir__scope_t *scope) {
  post->next = NULL;
  post->scope = scope;
  if (posts->first)
    posts->last->next = post;
  else
    posts->first = post;
  posts->last = post;
}

/*
 * Passes on what has been claimed: at once to blocked threads, to `home` (a loop of this thread's,
 * or NULL) and to the loop whose turn it is; to others when the turn ends, or if there is none.
 */
void weir__posts_settle(weir__posts_t *posts, const weir_loop_t *home);

/* Posts what is in the outbox of this thread. */
void weir__outbox_flush(void);

/* The loop's side. */

int weir__inbox_init(weir_loop_t *loop);

static inline bool weir__inbox_is_empty(const weir_loop_t *loop) {
  return atomic_load(&loop->posted) == NULL;
}

/* Takes what has been posted. Returns whether there was something. */
bool weir__inbox_take(weir_loop_t *loop);

/*
 * Looks for posts, for the loop's spin time, if there were any since it last slept. Returns whether
 * there are. `until`: 0 at the first look, and kept for the next, so that the time is for all of
 * them.
 */
bool weir__inbox_look(const weir_loop_t *loop, uint64_t *until);

/* Whether posters rely on the loop to look before it sleeps. */
bool weir__inbox_is_awake(const weir_loop_t *loop);

/* From here on posters have to wake the loop. What has been posted by then is to be taken. */
void weir__inbox_sleep(weir_loop_t *loop);

/* Refuses posts from here on, waits until no poster uses the loop any more, and takes the last. */
void weir__inbox_close(weir_loop_t *loop);

bool weir__inbox_is_closed(const weir_loop_t *loop);

/* An operation that waits for other threads keeps the uv loop alive. */
void weir__inbox_await(weir_loop_t *loop);

static inline void weir__inbox_awaited(weir_loop_t *loop) {
  loop->awaiting--;
}

/* Lets go of the uv loop if nothing waits any more. */
void weir__inbox_settle(weir_loop_t *loop);

#endif
