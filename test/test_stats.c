/* Description: counters, the list of what is parked, and its picture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/probe.h"
#include "support/support.h"

static weir_stats_t stats_now(void) {
  weir_stats_t stats;

  weir_stats(loop, &stats);
  return stats;
}

/* counters */

START_TEST(fresh_loop_has_nothing) {
  weir_stats_t stats;

  memset(&stats, 0xff, sizeof(stats));
  weir_stats(loop, &stats);
  ck_assert_uint_eq(stats.ops_parked, 0);
  ck_assert_uint_eq(stats.ops_runnable, 0);
  ck_assert_uint_eq(stats.channels, 0);
  ck_assert_uint_eq(stats.contexts, 0);
  ck_assert_uint_eq(stats.timers, 0);
  ck_assert_uint_eq(stats.stages, 0);
  ck_assert_uint_eq(stats.completions, 0);
  ck_assert_uint_eq(stats.wakeups, 0);
  ck_assert_uint_eq(stats.loop_turns, 0);
}
END_TEST

START_TEST(ops_are_counted_as_parked_then_runnable_then_completed) {
  weir_op_t op;

  weir_op_init(&op, bg);
  weir_chan_recv(&op, NULL, NULL, NULL);
  ck_assert_uint_eq(stats_now().ops_parked, 1);
  ck_assert_uint_eq(stats_now().ops_runnable, 0);
  weir_op_cancel(&op);
  ck_assert_uint_eq(stats_now().ops_parked, 0);
  ck_assert_uint_eq(stats_now().ops_runnable, 1);
  ck_assert_uint_eq(stats_now().completions, 0);
  weir_run(loop);
  ck_assert_uint_eq(stats_now().ops_runnable, 0);
  ck_assert_uint_eq(stats_now().completions, 1);
  ck_assert_uint_gt(stats_now().loop_turns, 0);
}
END_TEST

START_TEST(channels_and_contexts_are_counted_while_they_live) {
  weir_chan_t *a = weir_chan_new(loop, NULL, 0), *b = weir_chan_new(loop, WEIR_TYPE(int), 3);
  weir_ctx_t *parent = weir_ctx_with_cancel(bg), *child = weir_ctx_without_cancel(parent);

  ck_assert_uint_eq(stats_now().channels, 2);
  ck_assert_uint_eq(stats_now().contexts, 2);
  weir_chan_close(a);
  weir_ctx_cancel(parent);
  ck_assert_uint_eq(stats_now().channels, 2);
  weir_ctx_unref(parent);
  ck_assert_uint_eq(stats_now().contexts, 2); /* the child holds it */
  weir_ctx_unref(child);
  weir_chan_unref(a);
  ck_assert_uint_eq(stats_now().channels, 1);
  weir_chan_unref(b);
  ck_assert_uint_eq(stats_now().channels, 0);
  ck_assert_uint_eq(stats_now().contexts, 0);
}
END_TEST

START_TEST(timers_are_sleeps_deadlines_and_tickers) {
  weir_chan_t *sig = weir_timer_sig(loop, 7200000);
  weir_ctx_t *ctx = weir_ctx_with_timeout(bg, 7200000);
  weir_op_t sleep;

  weir_op_init(&sleep, bg);
  weir_sleep(&sleep, 7200000, NULL);
  ck_assert_uint_eq(stats_now().timers, 3);
  weir_op_cancel(&sleep);
  ck_assert_uint_eq(stats_now().timers, 2);
  weir_ctx_cancel(ctx);
  ck_assert_uint_eq(stats_now().timers, 1);
  weir_chan_unref(sig);
  ck_assert_uint_eq(stats_now().timers, 0);
  weir_ctx_unref(ctx);
  weir_run(loop);
}
END_TEST

/* Each turn serves many: counters tell turns from completions. */
START_TEST(turns_are_fewer_than_completions) {
  enum { MANY = 10000 };
  weir_op_t *ops = malloc(MANY * sizeof(*ops));

  for (int i = 0; i < MANY; i++) {
    weir_op_init(&ops[i], bg);
    weir_yield(&ops[i], NULL);
  }
  ck_assert_uint_eq(stats_now().ops_runnable, MANY);
  weir_run(loop);
  ck_assert_uint_eq(stats_now().completions, MANY);
  ck_assert_uint_lt(stats_now().loop_turns, MANY / 100);
  free(ops);
}
END_TEST

/* text */

static char *dumped;

static char *dump(void (*write)(const weir_loop_t *, FILE *)) {
  size_t size;
  FILE *out = open_memstream(&dumped, &size);

  write(loop, out);
  fclose(out);
  ck_assert_uint_eq(strlen(dumped), size);
  return dumped;
}

static int count(const char *text, const char *what) {
  int n = 0;

  for (; (text = strstr(text, what)); text += strlen(what)) n++;
  return n;
}

/* Returns the line that starts with a place: a new string. */
static char *line_of(const char *text, const char *where) {
  const char *from = strstr(text, where);

  ck_assert_msg(from && (from == text || from[-1] == '\n'), "no line for %s in\n%s", where, text);
  return strndup(from, strcspn(from, "\n"));
}

static void ck_line(const char *where, const char *one, const char *two) {
  char *line = line_of(dumped, where);

  ck_assert_msg(strstr(line, one) && strstr(line, two), "%s / %s not in %s", one, two, line);
  free(line);
}

START_TEST(dump_of_nothing_is_empty) {
  ck_assert_str_eq(dump(weir_dump), "");
  free(dumped);
}
END_TEST

START_TEST(dump_has_the_place_of_init) {
  weir_op_t op;
  char where[] = __FILE__ ":0000000000";
  int line;

  line = __LINE__ + 1;
  weir_op_init(&op, bg);
  weir_chan_recv(&op, NULL, NULL, NULL);
  snprintf(where, sizeof(where), "%s:%d", __FILE__, line);
  dump(weir_dump);
  ck_assert_int_eq(count(dumped, "\n"), 1);
  ck_line(where, "recv", "NULL channel");
  free(dumped);
  weir_op_cancel(&op);
  weir_run(loop);
}
END_TEST

enum { LINES = 9 };

static weir_op_t shown[LINES];
static weir_case_t shown_cases[2];
static weir_op_t *shown_members[2];

static void park_shown(weir_chan_t *jobs, weir_chan_t *results, weir_ctx_t *ctx) {
  static const char *places[LINES] = {"a:1", "b:2", "c:3", "d:4", "e:5",
                                      "f:6", "g:7", "h:8", "i:9"};
  static int values[3];

  for (int i = 0; i < LINES; i++) weir_op_init_at(&shown[i], i % 2 ? ctx : bg, places[i]);
  shown_cases[0] = WEIR_RECV(jobs, NULL);
  shown_cases[1] = WEIR_SEND(results, values);
  shown_members[0] = &shown[0];
  shown_members[1] = &shown[1];
  weir_chan_recv(&shown[0], jobs, NULL, NULL);
  weir_chan_send(&shown[1], results, values, NULL);
  weir_chan_send_many(&shown[2], results, values, 3, NULL);
  weir_chan_recv_many(&shown[3], jobs, NULL, 3, NULL);
  weir_select(&shown[4], shown_cases, 2, NULL);
  weir_sleep(&shown[5], 90000, NULL);
  weir_all(&shown[6], shown_members, 2, NULL);
  weir_any(&shown[7], shown_members, 2, NULL);
  weir_ctx_wait(&shown[8], ctx, NULL);
}

static void cancel_shown(void) {
  for (int i = 0; i < LINES; i++) weir_op_cancel(&shown[i]);
  ck_assert_uint_eq(weir_run(loop), 0);
}

START_TEST(dump_has_a_line_for_each_parked_op_with_what_it_waits_on) {
  weir_chan_t *jobs = weir_chan_new(loop, WEIR_TYPE(int), 0), *results;
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg);
  weir_op_t runnable;
  int value = 0;

  results = weir_chan_new(loop, WEIR_TYPE(int), 1);
  weir_chan_set_name(jobs, "jobs");
  weir_chan_set_name(results, "results");
  weir_chan_try_send(results, &value);
  weir_op_init_at(&runnable, bg, "runnable:1");
  weir_yield(&runnable, NULL);
  park_shown(jobs, results, ctx);
  dump(weir_dump);
  ck_assert_int_eq(count(dumped, "\n"), LINES);
  ck_assert_int_eq(count(dumped, ", since "), LINES);
  ck_line("a:1: ", "recv", "jobs");
  ck_line("b:2: ", "send", "results");
  ck_line("b:2: ", "1/1", "since ");
  ck_line("c:3: ", "send_many", "results");
  ck_line("d:4: ", "recv_many", "jobs");
  ck_line("e:5: ", "recv on channel \"jobs\"", "send on channel \"results\"");
  ck_line("f:6: ", "sleep", "ms");
  ck_line("g:7: ", "all", "2");
  ck_line("h:8: ", "any", "2");
  ck_line("i:9: ", "wait", "context");
  ck_assert_int_eq(count(dumped, "runnable:1"), 0);
  free(dumped);
  cancel_shown();
  weir_chan_unref(jobs);
  weir_chan_unref(results);
  weir_ctx_unref(ctx);
}
END_TEST

static void on_no_value(weir_range_t *range, const void *value, int status) {
  (void)range, (void)value;
  ck_abort_msg("status %d", status);
}

START_TEST(dump_names_ranges_but_not_paused_ones) {
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(int), 0);
  weir_range_t range;

  weir_range_init_at(&range, bg, "range:1");
  weir_range_start(&range, ch, on_no_value);
  dump(weir_dump);
  ck_line("range:1: ", "recv", "int");
  free(dumped);
  weir_range_pause(&range);
  ck_assert_str_eq(dump(weir_dump), "");
  free(dumped);
  weir_range_stop(&range);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(dump_reaches_ops_under_without_cancel) {
  weir_ctx_t *a = weir_ctx_without_cancel(bg), *b = weir_ctx_with_cancel(a);
  weir_op_t in_a, in_b;

  weir_op_init_at(&in_a, a, "in_a:1");
  weir_op_init_at(&in_b, b, "in_b:1");
  weir_chan_recv(&in_a, NULL, NULL, NULL);
  weir_chan_recv(&in_b, NULL, NULL, NULL);
  dump(weir_dump);
  ck_line("in_a:1: ", "recv", "");
  ck_line("in_b:1: ", "recv", "");
  free(dumped);
  weir_ctx_cancel(a);
  weir_run(loop);
  weir_ctx_unref(a);
  weir_ctx_unref(b);
}
END_TEST

START_TEST(dump_says_since_when) {
  weir_op_t parked, sleep;

  ck_assert_int_eq(weir_loop_virtual_time(loop), 0);
  weir_op_init_at(&parked, bg, "parked:1");
  weir_op_init(&sleep, bg);
  weir_sleep(&sleep, 1000, NULL);
  ck_assert_int_eq(weir_op_wait(&sleep), 0);
  weir_chan_recv(&parked, NULL, NULL, NULL);
  weir_sleep(&sleep, 4321, NULL);
  ck_assert_int_eq(weir_op_wait(&sleep), 0);
  dump(weir_dump);
  ck_line("parked:1: ", "since 4321 ms", "");
  free(dumped);
  weir_op_cancel(&parked);
  weir_run(loop);
}
END_TEST

/* the picture */

/* Copies a quoted string, quotes included, and steps over it. */
static char *quoted(const char **at) {
  const char *from = *at;

  ck_assert_int_eq(*from, '"');
  for ((*at)++; **at != '"'; (*at)++) {
    ck_assert_int_ne(**at, '\0');
    ck_assert_int_ne(**at, '\n');
    if (**at == '\\') (*at)++;
  }
  (*at)++;
  return strndup(from, (size_t)(*at - from));
}

static void ck_declared(const char *dot, const char *node) {
  char *declaration = malloc(strlen(node) + 3);

  sprintf(declaration, "%s [", node);
  ck_assert_msg(strstr(dot, declaration), "%s is not declared in\n%s", node, dot);
  free(declaration);
}

/* Checks `"x" [..];` or `"x" -> "y" [..];`, the second part of which is optional. */
static bool ck_statement(const char *dot, const char *line) {
  const char *at = line + strspn(line, " ");
  char *from = quoted(&at), *to = NULL;
  bool is_edge = strncmp(at, " -> ", 4) == 0;

  if (is_edge) {
    at += 4;
    to = quoted(&at);
    ck_declared(dot, from);
    ck_declared(dot, to);
  }
  if (strncmp(at, " [", 2) == 0) {
    while (*at != ']') {
      if (*at == '"')
        free(quoted(&at));
      else
        at++;
      ck_assert_msg(*at && *at != '\n', "not closed: %s", line);
    }
    at++;
  }
  ck_assert_msg(strncmp(at, ";\n", 2) == 0, "not ended: %s", line);
  free(from);
  free(to);
  return is_edge;
}

/* Checks all of it; returns the number of edges. */
static int ck_well_formed(const char *dot) {
  const char *at = dot;
  int edges = 0;

  ck_assert_int_eq(strncmp(at, "digraph weir {\n", 15), 0);
  for (at += 15; *at != '}'; at = strchr(at, '\n') + 1) edges += ck_statement(dot, at);
  ck_assert_str_eq(at, "}\n");
  return edges;
}

static void feed_to_graphviz(const char *dot) {
  FILE *out;

  if (system("command -v dot >/dev/null 2>&1") != 0) return;
  out = popen("dot -Tplain >/dev/null", "w");
  fputs(dot, out);
  ck_assert_int_eq(pclose(out), 0);
}

START_TEST(dot_of_nothing_has_the_background_only) {
  dump(weir_dump_dot);
  ck_assert_int_eq(ck_well_formed(dumped), 0);
  ck_assert_int_eq(count(dumped, "background"), 1);
  feed_to_graphviz(dumped);
  free(dumped);
}
END_TEST

START_TEST(dot_shows_channels_ops_and_the_cancel_tree) {
  weir_chan_t *jobs = weir_chan_new(loop, WEIR_TYPE(int), 0), *results;
  weir_ctx_t *ctx = weir_ctx_with_cancel(bg), *detached = weir_ctx_without_cancel(ctx);
  int value = 0;

  results = weir_chan_new(loop, WEIR_TYPE(int), 1);
  weir_chan_set_name(jobs, "jobs");
  weir_chan_set_name(results, "results");
  weir_chan_try_send(results, &value);
  park_shown(jobs, results, ctx);
  dump(weir_dump_dot);
  /* two contexts under theirs, nine ops under theirs, six cases on channels */
  ck_assert_int_eq(ck_well_formed(dumped), 2 + LINES + 6);
  ck_assert_int_eq(count(dumped, "jobs"), 1);
  ck_assert_int_eq(count(dumped, "results"), 1);
  ck_assert_int_eq(count(dumped, "with_cancel"), 1);
  ck_assert_int_eq(count(dumped, "without_cancel"), 1);
  ck_assert_int_eq(count(dumped, "select"), 1);
  feed_to_graphviz(dumped);
  free(dumped);
  cancel_shown();
  weir_chan_unref(jobs);
  weir_chan_unref(results);
  weir_ctx_unref(detached);
  weir_ctx_unref(ctx);
}
END_TEST

START_TEST(dot_escapes_names) {
  weir_chan_t *ch = weir_chan_new(loop, NULL, 0);
  weir_op_t op;

  weir_chan_set_name(ch, "a \"b\" \\ \n c");
  weir_op_init_at(&op, bg, "C:\\dir\\\"x\".c:1");
  weir_chan_recv(&op, ch, NULL, NULL);
  dump(weir_dump_dot);
  ck_assert_int_eq(ck_well_formed(dumped), 2);
  feed_to_graphviz(dumped);
  free(dumped);
  weir_op_cancel(&op);
  weir_run(loop);
  weir_chan_unref(ch);
}
END_TEST

START_TEST(dot_omits_null_channels) {
  weir_case_t cases[] = {WEIR_RECV(NULL, NULL), WEIR_RECV(NULL, NULL)};
  weir_op_t recv, select;

  weir_op_init(&recv, bg);
  weir_op_init(&select, bg);
  weir_chan_recv(&recv, NULL, NULL, NULL);
  weir_select(&select, cases, 2, NULL);
  dump(weir_dump_dot);
  ck_assert_int_eq(ck_well_formed(dumped), 2);
  free(dumped);
  weir_op_cancel(&recv);
  weir_op_cancel(&select);
  weir_run(loop);
}
END_TEST

static const support_test_t tests[] = {
    T(fresh_loop_has_nothing),
    T(ops_are_counted_as_parked_then_runnable_then_completed),
    T(channels_and_contexts_are_counted_while_they_live),
    T(timers_are_sleeps_deadlines_and_tickers),
    T(turns_are_fewer_than_completions),
    T(dump_of_nothing_is_empty),
    T(dump_has_the_place_of_init),
    T(dump_has_a_line_for_each_parked_op_with_what_it_waits_on),
    T(dump_names_ranges_but_not_paused_ones),
    T(dump_reaches_ops_under_without_cancel),
    T(dump_says_since_when),
    T(dot_of_nothing_has_the_background_only),
    T(dot_shows_channels_ops_and_the_cancel_tree),
    T(dot_escapes_names),
    T(dot_omits_null_channels),
};

SUITE_MAIN("stats", tests)
