/*
 * A radix heap (Ahuja, Mehlhorn, Orlin, Tarjan): since time goes one way, timers need less order
 * than a heap for any numbers keeps, and most are removed before it is ever asked for.
 *
 * `base` is a time that has come. A timer is in the list of the highest bit in which its deadline
 * differs from `base`, and in list 0 if that has come, too. So all of a list are due before those
 * of the next, and equal deadlines are in the same list, in the order of their insertion.
 *
 *   insert  at the end of its list
 *   remove  from between its neighbours, which were inserted at about the same time
 *   pop     from list 0. If it is empty, the first list that is not becomes lower ones: `base`
 *           becomes its earliest deadline, from which all of it differ in lower bits only. A timer
 *           moves no more often than it has bits.
 *
 * A list's bound is lowered by insertions, and not raised by removals: so what is next is known
 * without a search, or the loop looks too early, once. `base` then becomes the time of that look,
 * so that what is started from then on does not share a list with what is far away.
 */
#include "heap.h"

#if defined(_MSC_VER)
#include <intrin.h>

static unsigned highest_bit(uint64_t bits) {
  unsigned long bit;
  _BitScanReverse64(&bit, bits);
  return bit;
}

static unsigned lowest_bit(uint64_t bits) {
  unsigned long bit;
  _BitScanForward64(&bit, bits);
  return bit;
}
#else
static unsigned highest_bit(uint64_t bits) {
  return 63 - (unsigned)__builtin_clzll(bits);
}

static unsigned lowest_bit(uint64_t bits) {
  return (unsigned)__builtin_ctzll(bits);
}
#endif

static weir__timer_t *timer_of(weir__link_t *link) {
  return WEIR__CONTAINER(link, weir__timer_t, link);
}

/* The last one is of two bits. */
static unsigned list_of(const weir__heap_t *heap, uint64_t deadline) {
  unsigned bit;

  if (deadline <= heap->base) return 0;
  bit = highest_bit(deadline ^ heap->base);
  return bit < WEIR__HEAP_LISTS - 1 ? bit + 1 : WEIR__HEAP_LISTS - 1;
}

static void put(weir__heap_t *heap, weir__timer_t *timer) {
  unsigned i = list_of(heap, timer->deadline);

  weir__queue_push(&heap->lists[i], &timer->link);
  heap->used |= (uint64_t)1 << i;
  if (timer->deadline < heap->bounds[i]) heap->bounds[i] = timer->deadline;
}

static void mark_empty(weir__heap_t *heap, unsigned i) {
  heap->used &= ~((uint64_t)1 << i);
  heap->bounds[i] = UINT64_MAX;
}

void weir__heap_init(weir__heap_t *heap) {
  heap->used = heap->base = heap->count = 0;
  for (unsigned i = 0; i < WEIR__HEAP_LISTS; i++) {
    weir__queue_init(&heap->lists[i]);
    mark_empty(heap, i);
  }
}

bool weir__heap_insert(weir__heap_t *heap, weir__timer_t *timer) {
  uint64_t bound = weir__heap_bound(heap);

  heap->count++;
  put(heap, timer);
  return timer->deadline < bound || heap->count == 1;
}

/* Between the same on both sides it is alone: that is the head. */
void weir__heap_remove(weir__heap_t *heap, weir__timer_t *timer) {
  weir__link_t *head = timer->link.next;
  bool is_alone = head == timer->link.prev;

  weir__unlink(&timer->link);
  heap->count--;
  if (is_alone) mark_empty(heap, (unsigned)(head - heap->lists));
}

void weir__heap_clear(weir__heap_t *heap) {
  while (heap->used) weir__heap_remove(heap, timer_of(heap->lists[lowest_bit(heap->used)].next));
}

static uint64_t earliest_of(weir__link_t *list) {
  uint64_t earliest = UINT64_MAX;

  for (weir__link_t *link = list->next; link != list; link = link->next)
    if (timer_of(link)->deadline < earliest) earliest = timer_of(link)->deadline;
  return earliest;
}

/* The lists before i are empty. */
static void advance(weir__heap_t *heap, unsigned i, uint64_t now) {
  uint64_t earliest = earliest_of(&heap->lists[i]);
  weir__link_t list, *link;

  heap->base = earliest < now ? earliest : now;
  weir__queue_splice(&heap->lists[i], &list);
  mark_empty(heap, i);
  while ((link = weir__queue_pop(&list))) put(heap, timer_of(link));
}

weir__timer_t *weir__heap_pop(weir__heap_t *heap, uint64_t now) {
  weir__timer_t *timer;

  while (heap->used && weir__heap_bound(heap) <= now) {
    unsigned i = lowest_bit(heap->used);
    if (i > 0) {
      advance(heap, i, now);
    } else {
      timer = timer_of(heap->lists[0].next);
      weir__heap_remove(heap, timer);
      return timer;
    }
  }
  return NULL;
}

uint64_t weir__heap_bound(const weir__heap_t *heap) {
  return heap->used ? heap->bounds[lowest_bit(heap->used)] : UINT64_MAX;
}

uint64_t weir__heap_next(weir__heap_t *heap) {
  unsigned i = lowest_bit(heap->used);

  heap->bounds[i] = earliest_of(&heap->lists[i]);
  return heap->bounds[i];
}
