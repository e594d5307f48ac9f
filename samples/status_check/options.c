/*
 * A row of the table says what an option is called, who takes its value, which member of options_t
 * that one sets, and which numbers it takes. Those that set more than a member know where.
 */
#include "options.h"

#include "headers.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 64
#define HOUR_MS 3600000
#define DAY_S 86400

typedef struct option_s option_t;

/* Returns whether the value is right; if not, it has complained. */
typedef bool (*take_cb)(options_t *options, const option_t *option, const char *value);

struct option_s {
  const char *name;
  take_cb take;
  size_t offset; /* of the member */
  uint64_t min, max;
};

static bool complain(const char *name, const char *words) {
  fprintf(stderr, "status_check: %s %s\n", name, words);
  return false;
}

static void *member_of(options_t *options, const option_t *option) {
  return (char *)options + option->offset;
}

static bool parse_number(const char *text, size_t length, uint64_t min, uint64_t max,
                         uint64_t *number) {
  *number = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    *number = *number * 10 + (uint64_t)(text[i] - '0');
    if (*number > max) return false;
  }
  return length > 0 && *number >= min;
}

static bool take_number(const option_t *option, const char *value, uint64_t *number) {
  if (parse_number(value, strlen(value), option->min, option->max, number)) return true;
  fprintf(stderr, "status_check: %s takes a number from %llu to %llu\n", option->name,
          (unsigned long long)option->min, (unsigned long long)option->max);
  return false;
}

static bool take_uint64(options_t *options, const option_t *option, const char *value) {
  uint64_t number;

  if (!take_number(option, value, &number)) return false;
  *(uint64_t *)member_of(options, option) = number;
  return true;
}

static bool take_size(options_t *options, const option_t *option, const char *value) {
  uint64_t number;

  if (!take_number(option, value, &number)) return false;
  *(size_t *)member_of(options, option) = (size_t)number;
  return true;
}

static bool take_unsigned(options_t *options, const option_t *option, const char *value) {
  uint64_t number;

  if (!take_number(option, value, &number)) return false;
  *(unsigned *)member_of(options, option) = (unsigned)number;
  return true;
}

/* Has no value. */
static bool take_flag(options_t *options, const option_t *option, const char *value) {
  if (value) return complain(option->name, "takes no value");
  *(bool *)member_of(options, option) = true;
  return true;
}

static bool take_file(options_t *options, const option_t *option, const char *value) {
  if (!*value) return complain(option->name, "takes the name of a file");
  *(const char **)member_of(options, option) = value;
  return true;
}

static bool take_method(options_t *options, const option_t *option, const char *value) {
  options->settings.is_head = strcmp(value, "HEAD") == 0;
  if (options->settings.is_head || strcmp(value, "GET") == 0) return true;
  return complain(option->name, "takes GET or HEAD");
}

static bool parse_statuses(settings_t *settings, const option_t *option, const char *value) {
  uint64_t status;

  for (settings->expected_count = 0;; value++) {
    size_t length = strcspn(value, ",");
    if (settings->expected_count == EXPECTED_MAX) return false;
    if (!parse_number(value, length, option->min, option->max, &status)) return false;
    settings->expected[settings->expected_count++] = (unsigned)status;
    value += length;
    if (!*value) return true;
  }
}

static bool take_statuses(options_t *options, const option_t *option, const char *value) {
  if (parse_statuses(&options->settings, option, value)) return true;
  fprintf(stderr, "status_check: %s takes up to %d statuses from %llu to %llu, like 200,204\n",
          option->name, EXPECTED_MAX, (unsigned long long)option->min,
          (unsigned long long)option->max);
  return false;
}

static const char *add_header(options_t *options, const char *line) {
  settings_t *settings = &options->settings;
  const char *wrong = headers_check(line);

  if (wrong) return wrong;
  if (settings->header_count == HEADERS_MAX) return "there are 64 of them already";
  if (!options->headers) options->headers = malloc(HEADERS_MAX * sizeof *options->headers);
  if (!options->headers) return "not enough memory";
  settings->headers = options->headers;
  options->headers[settings->header_count++] = line;
  return NULL;
}

/* The line itself is not shown: it may be a secret. */
static bool take_header(options_t *options, const option_t *option, const char *value) {
  const char *wrong = add_header(options, value);

  if (wrong) fprintf(stderr, "status_check: %s: %s\n", option->name, wrong);
  return !wrong;
}

#define OPTION(member) offsetof(options_t, member)
#define SETTING(member) (offsetof(options_t, settings) + offsetof(settings_t, member))

static const option_t table[] = {
    {"--method", take_method, 0, 0, 0},
    {"--header", take_header, 0, 0, 0},
    {"--timeout", take_uint64, OPTION(timeout_ms), 1, HOUR_MS},
    {"--connect-timeout", take_uint64, SETTING(connect_timeout_ms), 1, HOUR_MS},
    {"--concurrency", take_size, SETTING(concurrency), 1, 1000},
    {"--per-host", take_size, SETTING(per_host), 1, 1000},
    {"--redirects", take_unsigned, SETTING(redirects), 0, 100},
    {"--retry", take_unsigned, SETTING(retries), 0, 100},
    {"--retry-delay", take_uint64, SETTING(retry_delay_ms), 1, HOUR_MS},
    {"--expect", take_statuses, 0, 100, 999},
    {"--max-body", take_uint64, SETTING(body_max), 0, (uint64_t)1 << 40},
    {"--cacert", take_file, OPTION(ca_file), 0, 0},
    {"--insecure", take_flag, OPTION(insecure), 0, 0},
    {"--json", take_flag, OPTION(json), 0, 0},
    {"--watch", take_uint64, OPTION(watch_s), 1, DAY_S},
    {"--demo", take_flag, OPTION(demo), 0, 0},
    {"--help", take_flag, OPTION(help), 0, 0},
    {"-h", take_flag, OPTION(help), 0, 0},
};

void options_help(FILE *out) {
  fputs("usage: status_check [OPTION...] URL...\n"
        "\n"
        "Asks each URL and prints what came of it, in order of completion.\n"
        "Without URLs it reads them from standard input, one on a line; # begins a comment line.\n"
        "Options are --name VALUE or --name=VALUE, before or behind URLs; -- ends them.\n"
        "\n"
        "  --method GET|HEAD       default GET\n"
        "  --header 'NAME: VALUE'  sent with each request; may be given again\n"
        "  --timeout MS            for each URL, redirects and retries included, default 10000\n"
        "  --connect-timeout MS    for each address of a host, default 3000\n"
        "  --concurrency N         at most N URLs at once, default 10\n"
        "  --per-host N            of them at most N on one host and port, default: no limit\n"
        "  --redirects N           follows up to N, default 10; 0 reports them as they are\n"
        "  --retry N               tries again up to N times what may pass, default 0\n"
        "  --retry-delay MS        before the first retry, default 200; doubles with each\n"
        "  --expect N,N...         the statuses that are good; default: all below 400\n"
        "  --max-body BYTES        reads at most so much of a body, default 1048576\n"
        "  --cacert FILE           trusts the certificates in FILE instead of the system's\n"
        "  --insecure              trusts every certificate\n"
        "  --json                  prints one JSON object a line; the summary goes to stderr\n"
        "  --watch SECONDS         again every so many seconds until Ctrl-C\n"
        "  --demo                  starts servers of its own, good and bad ones, and checks them\n"
        "  --help, -h              this text\n"
        "\n"
        "Exit status: 0 when all were good, 1 otherwise, 2 for wrong usage.\n"
        "Ctrl-C cancels what still runs, and a second one kills.\n",
        out);
}

/* `arg` is "--name" or "--name=VALUE". */
static const option_t *find(const char *arg) {
  size_t length = strcspn(arg, "=");

  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strlen(table[i].name) == length && memcmp(table[i].name, arg, length) == 0)
      return &table[i];
  return NULL;
}

/* A value that is missing is an empty one: no option takes that. */
static bool take_option(options_t *options, int argc, char **argv, int *i) {
  const option_t *option = find(argv[*i]);
  const char *value = strchr(argv[*i], '=');

  if (!option) return complain("unknown option", argv[*i]);
  if (value)
    value++;
  else if (option->take != take_flag)
    value = *i + 1 < argc ? argv[++*i] : "";
  return option->take(options, option, value);
}

bool options_parse(options_t *options, int argc, char **argv) {
  bool only_urls = false;

  *options = (options_t){.settings = settings_default, .timeout_ms = 10000, .urls = argv};
  for (int i = 1; i < argc; i++) {
    if (only_urls || argv[i][0] != '-')
      argv[options->url_count++] = argv[i];
    else if (strcmp(argv[i], "--") == 0)
      only_urls = true;
    else if (!take_option(options, argc, argv, &i))
      return false;
  }
  if (!options->demo || options->url_count == 0) return true;
  return complain("--demo", "takes no URL");
}

void options_free(options_t *options) {
  free(options->headers);
}
