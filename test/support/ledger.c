#include "ledger.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "threads.h"

static struct {
  uint32_t senders, values;
  atomic_uchar *fates;
  atomic_ullong counts[KEPT + 1];
} ledger;

void ledger_open(uint32_t senders, uint32_t values) {
  ledger.senders = senders;
  ledger.values = values;
  ledger.fates = calloc((size_t)senders * values, sizeof(*ledger.fates));
  ensure(ledger.fates);
  for (int i = 0; i <= KEPT; i++) ledger.counts[i] = 0;
}

void ledger_close(void) {
  free(ledger.fates);
  ledger.fates = NULL;
}

static atomic_uchar *fate_of(uint32_t sender, uint32_t number) {
  return &ledger.fates[(size_t)sender * ledger.values + number];
}

static uint64_t mix(uint64_t x) {
  x ^= x >> 33;
  x *= UINT64_C(0xff51afd7ed558ccd);
  x ^= x >> 33;
  return x;
}

ledger_value_t ledger_value(uint32_t sender, uint32_t number) {
  uint64_t id = (uint64_t)sender << 32 | number;

  return (ledger_value_t){sender, number, {mix(id + 1), mix(~id)}};
}

static void check_whole(const ledger_value_t *value) {
  ledger_value_t whole = ledger_value(value->sender, value->number);

  ensure_eq(memcmp(value, &whole, sizeof(whole)), 0);
  ensure(value->sender < ledger.senders);
  ensure(value->number < ledger.values);
}

uint64_t ledger_note(const ledger_value_t *value, ledger_fate_t fate) {
  check_whole(value);
  ensure_eq(atomic_exchange(fate_of(value->sender, value->number), (unsigned char)fate),
            LEDGER_OPEN);
  return ++ledger.counts[fate];
}

uint64_t ledger_count(ledger_fate_t fate) {
  return ledger.counts[fate];
}

void ledger_check(uint32_t sender, uint32_t sent) {
  for (uint32_t i = 0; i < ledger.values; i++) {
    bool is_open = *fate_of(sender, i) == LEDGER_OPEN;
    if (is_open != (i >= sent))
      support_ensure_failed(__FILE__, __LINE__, "a value is lost, or there unsent", sender, i);
  }
}

static void drop(void *value) {
  ledger_note(value, DROPPED);
}

weir_chan_t *ledger_chan(size_t capacity) {
  weir_chan_t *ch = weir_chan_new_shared(WEIR_TYPE_OWNED(ledger_value_t, drop, NULL), capacity);

  ensure(ch);
  return ch;
}

enum { PATTERN = 0xa5 };

void ledger_clear(ledger_value_t *values, size_t n) {
  memset(values, PATTERN, n * sizeof(*values));
}

bool ledger_is_clear(const ledger_value_t *values, size_t n) {
  const unsigned char *bytes = (const unsigned char *)values;

  for (size_t i = 0; i < n * sizeof(*values); i++)
    if (bytes[i] != PATTERN) return false;
  return true;
}
