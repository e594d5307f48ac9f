#include "options.h"

#include <string.h>

#define TIMEOUT_MAX 3600000
#define CONCURRENCY_MAX 500

void options_help(FILE *out) {
  fputs(
      "usage: status_check [--timeout MS] [--concurrency N] [--demo] [--help] URL...\n"
      "\n"
      "Asks each http URL with a GET and prints what came of it, in order of completion.\n"
      "Without URLs it reads them from standard input, one on a line; # begins a comment line.\n"
      "\n"
      "  --timeout MS     for each URL, default 10000\n"
      "  --concurrency N  at most N at once, default 10\n"
      "  --demo           starts servers of its own, good and bad ones, and checks them\n"
      "  --help           this text\n"
      "\n"
      "Exit status: 0 when all answered with a status below 400, 1 otherwise, 2 for wrong usage.\n"
      "Ctrl-C cancels what still runs. https is not supported yet.\n",
      out);
}

static bool parse_number(const char *text, uint64_t max, uint64_t *number) {
  *number = 0;
  if (!*text) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return false;
    *number = *number * 10 + (uint64_t)(*text - '0');
    if (*number > max) return false;
  }
  return *number > 0;
}

/* Takes "--name VALUE" and "--name=VALUE". Returns the value, or NULL if `argv[*i]` is another. */
static const char *value_of(const char *name, int argc, char **argv, int *i) {
  size_t length = strlen(name);
  const char *arg = argv[*i];

  if (strncmp(arg, name, length) != 0) return NULL;
  if (arg[length] == '=') return arg + length + 1;
  if (arg[length] != '\0') return NULL;
  return *i + 1 < argc ? argv[++*i] : "";
}

static bool take_number(const char *name, const char *value, uint64_t max, uint64_t *number) {
  if (parse_number(value, max, number)) return true;
  fprintf(stderr, "status_check: %s takes a number from 1 to %llu\n", name,
          (unsigned long long)max);
  return false;
}

static bool take_flag(options_t *options, const char *arg) {
  if (strcmp(arg, "--demo") == 0) {
    options->demo = true;
  } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
    options->help = true;
  } else {
    fprintf(stderr, "status_check: unknown option %s\n", arg);
    return false;
  }
  return true;
}

static bool take_option(options_t *options, int argc, char **argv, int *i) {
  const char *value;

  if ((value = value_of("--timeout", argc, argv, i)))
    return take_number("--timeout", value, TIMEOUT_MAX, &options->timeout_ms);
  if ((value = value_of("--concurrency", argc, argv, i)))
    return take_number("--concurrency", value, CONCURRENCY_MAX, &options->concurrency);
  return take_flag(options, argv[*i]);
}

bool options_parse(options_t *options, int argc, char **argv) {
  bool only_urls = false;

  *options = (options_t){.timeout_ms = 10000, .concurrency = 10, .urls = argv};
  for (int i = 1; i < argc; i++) {
    if (only_urls || argv[i][0] != '-')
      argv[options->url_count++] = argv[i];
    else if (strcmp(argv[i], "--") == 0)
      only_urls = true;
    else if (!take_option(options, argc, argv, &i))
      return false;
  }
  if (!options->demo || options->url_count == 0) return true;
  fputs("status_check: --demo takes no URL\n", stderr);
  return false;
}
