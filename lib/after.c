/*
 * What runs user code, or concerns other loops, waits until this thread visits none: corpses, which
 * have left their loop, and contexts that let go early of what they own.
 */
#include "ctx.h"
#include "mem.h"

static _Thread_local weir__kind_ctx_t *corpses, **corpses_end, *early;

static void bury_one(weir__kind_ctx_t *self) {
  if (!(corpses = self->next)) corpses_end = &corpses;
  self->kind->release(&self->ctx);
  weir__free(self);
}

static void release_one(weir__kind_ctx_t *self) {
  early = self->next;
  self->kind->release(&self->ctx);
  weir_ctx_unref(&self->ctx);
}

static void after_visits(void) {
  static _Thread_local bool is_at_it;

  if (is_at_it) return;
  is_at_it = true;
  while (corpses || early) {
    if (corpses)
      bury_one(corpses);
    else
      release_one(early);
  }
  is_at_it = false;
  weir__thread.after = NULL;
}

void weir__ctx_bury_later(weir__kind_ctx_t *self) {
  if (!corpses) corpses_end = &corpses;
  self->next = NULL;
  *corpses_end = self;
  corpses_end = &self->next;
  weir__thread.after = after_visits;
}

void weir__ctx_release_later(weir__kind_ctx_t *self) {
  self->next = early;
  early = self;
  weir_ctx_ref(&self->ctx);
  weir__thread.after = after_visits;
}
