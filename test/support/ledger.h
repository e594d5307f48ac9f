/*
 * What became of each of many values. A value is sent by one sender under a number of its own, and
 * is received, or dropped, or kept by its sender: one of them, once. Any thread may note it.
 */
#ifndef WEIR_TEST_LEDGER_H
#define WEIR_TEST_LEDGER_H

#include <weir.h>

typedef struct ledger_value_s {
  uint32_t sender, number;
  uint64_t check[2]; /* a copy of half of another value is no value */
} ledger_value_t;

typedef enum ledger_fate_e { LEDGER_OPEN, RECEIVED, DROPPED, KEPT } ledger_fate_t;

/* Opens the ledger: values number 0 to `values` - 1 of each sender. */
void ledger_open(uint32_t senders, uint32_t values);

ledger_value_t ledger_value(uint32_t sender, uint32_t number);

/* Notes the fate of a value, which must be whole and have none. Returns how many have it now. */
uint64_t ledger_note(const ledger_value_t *value, ledger_fate_t fate);

/* How many have the fate. */
uint64_t ledger_count(ledger_fate_t fate);

/* The sender has sent, or tried to send, values up to number `sent` - 1: each must have
 * its fate. */
void ledger_check(uint32_t sender, uint32_t sent);

void ledger_close(void);

/* A channel of such values; those that the channel drops are noted so. */
weir_chan_t *ledger_chan(size_t capacity);

/* Destinations: a pattern that is no value says that nothing has been written there. */
void ledger_clear(ledger_value_t *values, size_t n);
bool ledger_is_clear(const ledger_value_t *values, size_t n);

#endif
