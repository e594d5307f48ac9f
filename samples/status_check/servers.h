/* Small servers on 127.0.0.1, for the demo: each listens on a port of its own. */
#ifndef STATUS_CHECK_SERVERS_H
#define STATUS_CHECK_SERVERS_H

#include <stddef.h>
#include <uv.h>

typedef enum behaviour_e {
  SERVER_ANSWERS, /* reads a request, writes `answer`, closes */
  SERVER_SILENT,  /* reads, and never answers */
  SERVER_REFUSES  /* holds its port, but accepts nobody */
} behaviour_t;

typedef struct script_s {
  behaviour_t behaviour;
  const char *answer; /* static; may be "" */
} script_t;

typedef struct servers_s servers_t;

/*
 * Starts n servers on the loop. They do not keep it alive: it ends with the clients.
 *
 *   scripts  valid until servers_stop().
 *
 * Returns 0 or a libuv code.
 */
int servers_start(servers_t **servers, uv_loop_t *loop, const script_t *scripts, size_t n);

/* Returns the port of the i-th. */
int servers_port(const servers_t *servers, size_t i);

/* Closes all; the memory goes while the loop runs. NULL is fine. */
void servers_stop(servers_t *servers);

#endif
