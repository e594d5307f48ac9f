/*
 * Each stage maps outcomes to outcomes. Where the values have no order, or are not known, how many
 * go through a stage is known only within bounds. More than `n` have come only where the stream is
 * endless.
 */
#include "forecast.h"

#include <string.h>
#include <uv.h>

enum { ENDLESS = 1 << 28 };

static int min(int a, int b) {
  return a < b ? a : b;
}

static int max(int a, int b) {
  return a > b ? a : b;
}

void forecast_begin(forecast_t *forecast) {
  memset(forecast, 0, sizeof(*forecast));
  forecast->is_ordered = true;
}

static void go_wild(forecast_t *forecast) {
  forecast->is_wild = true;
  forecast->is_ordered = false;
}

void forecast_add_value(forecast_t *forecast, int value) {
  if (forecast->n < FORECAST_VALUES)
    forecast->values[forecast->n++] = value;
  else
    go_wild(forecast);
}

static forecast_outcome_t *find(const forecast_t *forecast, int status) {
  for (int i = 0; i < forecast->n_outcomes; i++)
    if (forecast->outcomes[i].status == status)
      return (forecast_outcome_t *)(uintptr_t)&forecast->outcomes[i];
  return NULL;
}

void forecast_add_outcome(forecast_t *forecast, int status, int least, int most) {
  forecast_outcome_t *outcome = find(forecast, status);

  if (outcome) {
    outcome->least = min(outcome->least, least);
    outcome->most = max(outcome->most, most);
  } else if (forecast->n_outcomes < FORECAST_OUTCOMES) {
    forecast->outcomes[forecast->n_outcomes++] = (forecast_outcome_t){status, least, most};
  }
}

void forecast_end(forecast_t *forecast, int status) {
  forecast_add_outcome(forecast, status, forecast->n, status ? forecast->n : ENDLESS);
}

static int most_of(const forecast_t *forecast) {
  int most = 0;

  for (int i = 0; i < forecast->n_outcomes; i++) most = max(most, forecast->outcomes[i].most);
  return most;
}

void forecast_cut(forecast_t *forecast, int status) {
  forecast_add_outcome(forecast, status, 0, most_of(forecast));
}

bool forecast_is_endless(const forecast_t *forecast) {
  return find(forecast, 0) != NULL;
}

bool forecast_may_be_silent(const forecast_t *forecast) {
  const forecast_outcome_t *endless = find(forecast, 0);

  return endless && endless->least == 0;
}

/* Takes the outcomes out, to be mapped back one by one. */
static forecast_t take_outcomes(forecast_t *forecast) {
  forecast_t before = *forecast;

  forecast->n_outcomes = 0;
  return before;
}

void forecast_mix_up(forecast_t *forecast) {
  forecast->is_ordered = false;
  if (forecast_is_endless(forecast)) go_wild(forecast);
}

/* each */

typedef struct passage_s {
  int kept[FORECAST_VALUES + 1]; /* of the first i values, so many go through */
  int ends;                      /* how many values would end the stream */
  int first_end;
  int status; /* how it ends */
} passage_t;

static void pass_values(forecast_t *forecast, passage_t *passage, forecast_fn fn, const void *arg) {
  int n = forecast->n, kept = 0;

  memset(passage, 0, sizeof(*passage));
  passage->first_end = n;
  for (int i = 0; i < n; i++) {
    int value = forecast->values[i], verdict = fn(&value, arg);
    bool is_after_end = forecast->is_ordered && passage->ends > 0;
    if (verdict == 0 && !is_after_end) forecast->values[kept++] = value;
    if (verdict < 0 && passage->ends++ == 0) passage->first_end = i;
    passage->kept[i + 1] = kept;
  }
  forecast->n = kept;
}

/* How any value at all may end the stream: 0 if none does. */
static int possible_end(forecast_fn fn, const void *arg) {
  for (int i = 0; i < FORECAST_VALUES; i++) {
    int value = i, verdict = fn(&value, arg);
    if (verdict < 0) return verdict;
  }
  return 0;
}

static void pass_in_order(forecast_t *forecast, const passage_t *passage, int before,
                          const forecast_outcome_t *outcome) {
  const int *kept = passage->kept, end = passage->first_end, least = outcome->least;
  int most = outcome->most > before ? ENDLESS : kept[min(outcome->most, end)];

  if (passage->ends > 0 && outcome->most > end)
    forecast_add_outcome(forecast, passage->status, kept[end], kept[end]);
  if (passage->ends == 0 && outcome->most > before && passage->status)
    forecast_add_outcome(forecast, passage->status, kept[end], ENDLESS);
  if (passage->ends == 0 || least <= end)
    forecast_add_outcome(forecast, outcome->status, kept[least],
                         passage->ends > 0 ? min(most, kept[end]) : most);
}

static void pass_disordered(forecast_t *forecast, const passage_t *passage, int before,
                            const forecast_outcome_t *outcome) {
  int least = max(0, outcome->least - (before - forecast->n));

  if (passage->ends > 0 && outcome->most > 0)
    forecast_add_outcome(forecast, passage->status, 0, min(outcome->most, forecast->n));
  if (passage->ends == 0 || outcome->least < before)
    forecast_add_outcome(forecast, outcome->status, least, min(outcome->most, forecast->n));
}

/* Any value may come, so that any number of them may go through. */
static void pass_wild(forecast_t *forecast, int status) {
  int most = most_of(forecast);

  for (int i = 0; i < forecast->n_outcomes; i++) forecast->outcomes[i].least = 0;
  if (status) forecast_add_outcome(forecast, status, 0, most);
}

void forecast_each(forecast_t *forecast, forecast_fn fn, const void *arg) {
  int status = possible_end(fn, arg);
  forecast_t before;
  passage_t passage;

  if (forecast->is_wild) {
    pass_wild(forecast, status);
    return;
  }
  before = take_outcomes(forecast);
  pass_values(forecast, &passage, fn, arg);
  passage.status = status;
  for (int i = 0; i < before.n_outcomes; i++)
    if (forecast->is_ordered)
      pass_in_order(forecast, &passage, before.n, &before.outcomes[i]);
    else
      pass_disordered(forecast, &passage, before.n, &before.outcomes[i]);
}

/* the others */

void forecast_take(forecast_t *forecast, int n) {
  forecast_t before = take_outcomes(forecast);

  for (int i = 0; i < before.n_outcomes; i++) {
    forecast_outcome_t *outcome = &before.outcomes[i];
    if (outcome->most >= n) forecast_add_outcome(forecast, UV_EOF, n, n);
    if (outcome->least < n)
      forecast_add_outcome(forecast, outcome->status, outcome->least, min(outcome->most, n - 1));
  }
  if (n > forecast->n && most_of(&before) > forecast->n) go_wild(forecast);
  if (forecast->is_ordered) forecast->n = min(forecast->n, n);
}

static int batches(int values, int max) {
  return (values + max - 1) / max;
}

void forecast_firsts(forecast_t *forecast, int max, bool are_timed) {
  forecast_t before = take_outcomes(forecast);

  for (int i = 0; i < before.n_outcomes; i++) {
    forecast_outcome_t *outcome = &before.outcomes[i];
    forecast_add_outcome(forecast, outcome->status, batches(outcome->least, max),
                         are_timed ? outcome->most : batches(outcome->most, max));
  }
  if (are_timed) forecast_mix_up(forecast);
  if (!forecast->is_ordered) return;
  forecast->n = batches(before.n, max);
  for (int i = 0; i < forecast->n; i++) forecast->values[i] = before.values[i * max];
}

static void add_values(forecast_t *forecast, const forecast_t *other) {
  for (int i = 0; i < other->n; i++) forecast_add_value(forecast, other->values[i]);
  if (other->is_wild) go_wild(forecast);
}

/* Ends with the first status that is not UV_EOF: which one is first is not known. */
static void join_outcomes(forecast_t *forecast, const forecast_outcome_t *a,
                          const forecast_outcome_t *b) {
  int least = a->least + b->least, most = min(a->most + b->most, ENDLESS);

  if (a->status == 0 || b->status == 0) {
    forecast_add_outcome(forecast, 0, least, most);
    return;
  }
  if (a->status != UV_EOF) forecast_add_outcome(forecast, a->status, least, most);
  if (b->status != UV_EOF) forecast_add_outcome(forecast, b->status, least, most);
  if (a->status == UV_EOF && b->status == UV_EOF)
    forecast_add_outcome(forecast, UV_EOF, least, most);
}

void forecast_join(forecast_t *forecast, const forecast_t *other) {
  forecast_t before = take_outcomes(forecast);

  for (int i = 0; i < before.n_outcomes; i++)
    for (int j = 0; j < other->n_outcomes; j++)
      join_outcomes(forecast, &before.outcomes[i], &other->outcomes[j]);
  add_values(forecast, other);
  forecast_mix_up(forecast);
}

void forecast_append(forecast_t *forecast, const forecast_t *other) {
  forecast_t before = take_outcomes(forecast);
  forecast_outcome_t *whole = find(&before, UV_EOF);

  for (int i = 0; i < before.n_outcomes; i++)
    if (before.outcomes[i].status != UV_EOF)
      forecast_add_outcome(forecast, before.outcomes[i].status, before.outcomes[i].least,
                           before.outcomes[i].most);
  if (!whole) return;
  for (int i = 0; i < other->n_outcomes; i++)
    forecast_add_outcome(forecast, other->outcomes[i].status,
                         whole->least + other->outcomes[i].least,
                         min(whole->most + other->outcomes[i].most, ENDLESS));
  if (whole->least < before.n || !other->is_ordered) forecast->is_ordered = false;
  add_values(forecast, other);
  if (whole->most > before.n) go_wild(forecast);
  if (!forecast->is_ordered) forecast_mix_up(forecast);
}

/* checks */

static bool begins(const forecast_t *forecast, const int *values, int n) {
  return n <= forecast->n && memcmp(values, forecast->values, (size_t)n * sizeof(*values)) == 0;
}

static bool is_among(const forecast_t *forecast, const int *values, int n) {
  bool is_used[FORECAST_VALUES] = {false};

  for (int i = 0; i < n; i++) {
    int at = 0;
    while (at < forecast->n && (is_used[at] || forecast->values[at] != values[i])) at++;
    if (at == forecast->n) return false;
    is_used[at] = true;
  }
  return true;
}

const char *forecast_check(const forecast_t *forecast, const int *values, int n, int status) {
  const forecast_outcome_t *outcome = find(forecast, status);

  if (status && !outcome) return "it may not end with that status";
  if (status && n < outcome->least) return "values are missing";
  if (status && n > outcome->most) return "there are too many values";
  if (forecast->is_wild) return NULL;
  if (forecast->is_ordered)
    return begins(forecast, values, n) ? NULL : "the values are not those, in that order";
  return is_among(forecast, values, n) ? NULL : "the values are not among those";
}
