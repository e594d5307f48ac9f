#include "targets.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

int targets_add(targets_t *targets, const char *url, uint64_t timeout_ms) {
  if (targets->n == targets->room) {
    size_t room = targets->room ? 2 * targets->room : 16;
    target_t *items = realloc(targets->items, room * sizeof *items);
    if (!items) return UV_ENOMEM;
    targets->items = items;
    targets->room = room;
  }
  targets->items[targets->n++] = (target_t){url, timeout_ms};
  return 0;
}

/* Reads to the end of `in` into `*text`, which is the caller's also on failure. */
static int read_all(char **text, size_t *length, FILE *in) {
  size_t room = 4096;

  for (*length = 0;; room *= 2) {
    char *more = realloc(*text, room);
    if (!more) return UV_ENOMEM;
    *text = more;
    *length += fread(*text + *length, 1, room - *length - 1, in);
    (*text)[*length] = '\0';
    if (*length < room - 1) return ferror(in) ? UV_EIO : 0;
  }
}

/* Cuts the blanks off both ends; '\r' counts, for lists written on Windows. */
static char *trim(char *line) {
  size_t length;

  line += strspn(line, " \t\r");
  length = strlen(line);
  while (length > 0 && strchr(" \t\r", line[length - 1])) length--;
  line[length] = '\0';
  return line;
}

int targets_read(targets_t *targets, FILE *in, uint64_t timeout_ms) {
  size_t length;
  int err = read_all(&targets->text, &length, in);

  if (!err && strlen(targets->text) < length) err = UV_ECHARSET;
  for (char *line = targets->text, *end; !err && line; line = end) {
    end = strchr(line, '\n');
    if (end) *end++ = '\0';
    line = trim(line);
    if (*line && *line != '#') err = targets_add(targets, line, timeout_ms);
  }
  return err;
}

void targets_free(targets_t *targets) {
  free(targets->items);
  free(targets->text);
}
