/* What weir_pipe_work needs of weir_pipe_async. */
#ifndef WEIR_PIPE_ASYNC_H
#define WEIR_PIPE_ASYNC_H

#include "stage.h"

typedef struct weir__async_s {
  size_t limit;
  bool ordered;
  void (*start)(weir_slot_t *slot);
  void (*release)(void *arg); /* when no slot is out any more; or NULL */
  void *arg;
  const char *where;
} weir__async_t;

/* Releases `arg` also when it fails. */
weir_chan_t *weir__async_new(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out,
                             const weir__async_t *how);

/* weir_slot_done, but every negative status ends the stream with it, in its turn. */
void weir__slot_end(weir_slot_t *slot, int status);

/* The same for a value that was not used: drops it. */
void weir__slot_drop(weir_slot_t *slot, int status);

#endif
