/* pump: a server that echoes, or one that passes on to another server. */
#include "server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(FILE *out) {
  fputs("usage: pump echo PORT [--idle MS] [--grace MS]\n"
        "       pump proxy PORT HOST PORT [--idle MS] [--grace MS]\n"
        "\n"
        "Listens on 127.0.0.1; port 0 takes any. The first line of output says which.\n"
        "\n"
        "  --idle MS   closes a connection on which nothing has moved for so long, default 60000\n"
        "  --grace MS  how long connections may go on after SIGINT or SIGTERM, default 5000;\n"
        "              a second signal closes them at once\n",
        out);
  return out == stdout ? 0 : 2;
}

static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *number) {
  char *end = NULL;

  if (!text || *text < '0' || *text > '9' || strlen(text) > 10) return false;
  *number = strtoull(text, &end, 10);
  return *end == '\0' && *number >= least && *number <= most;
}

/* Options may stand anywhere; the other words are moved to the front of argv. */
static bool take_options(server_t *server, char **argv) {
  char **words = argv;

  for (; *argv; argv++) {
    if (strcmp(*argv, "--idle") == 0) {
      if (!parse_number(*++argv, 1, UINT32_MAX, &server->idle_ms)) return false;
    } else if (strcmp(*argv, "--grace") == 0) {
      if (!parse_number(*++argv, 0, UINT32_MAX, &server->grace_ms)) return false;
    } else if (**argv == '-') {
      return false;
    } else {
      *words++ = *argv;
    }
  }
  *words = NULL;
  return true;
}

static bool take_words(server_t *server, char **words) {
  uint64_t port;
  int n = 0;

  while (words[n]) n++;
  if (n < 2 || !parse_number(words[1], 0, UINT16_MAX, &port)) return false;
  server->port = (int)port;
  server->service = strcmp(words[0], "echo") == 0 ? &echo : &proxy;
  if (server->service == &echo) return n == 2;
  if (n != 4 || strcmp(words[0], "proxy") != 0) return false;
  server->host = words[2];
  server->host_port = words[3];
  return parse_number(words[3], 1, UINT16_MAX, &port);
}

int main(int argc, char **argv) {
  static server_t server = {.idle_ms = 60000, .grace_ms = 5000};
  int err;

  if (argc == 2 && strcmp(argv[1], "--help") == 0) return usage(stdout);
  if (!take_options(&server, argv + 1) || !take_words(&server, argv + 1)) return usage(stderr);
#ifdef SIGPIPE
  signal(SIGPIPE, SIG_IGN); /* a client that has gone is an error of that one connection */
#endif
  err = server_run(&server);
  if (err) {
    fprintf(stderr, "pump: %s\n", uv_strerror(err));
    return 1;
  }
  printf("%zu connections, %zu of them cut off\n", server.served, server.cut);
  return 0;
}
