#include "waiting.h"

#include "chan.h" /* lib's */

static size_t waiting_in(const weir__link_t *queue) {
  size_t n = 0;

  for (const weir__link_t *link = queue->next; link != queue; link = link->next) {
    const weir_case_t *waiter = WEIR__CONTAINER(link, weir_case_t, link);
    n += weir__op_state(waiter->op) == WEIR__PARKED;
  }
  return n;
}

size_t waiting_on(weir_chan_t *ch) {
  size_t n;

  weir__chan_lock(ch);
  n = waiting_in(&ch->receivers) + waiting_in(&ch->senders);
  weir__chan_unlock(ch);
  return n;
}
