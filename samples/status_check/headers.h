/* What --header takes: a line that cannot put another one into a request. */
#ifndef STATUS_CHECK_HEADERS_H
#define STATUS_CHECK_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Checks a line "Name: value". A name is a token of RFC 9110, the value what may stand in a line;
 * what frames the message or the connection is refused: Connection, Content-Length,
 * Transfer-Encoding, Upgrade, Expect, TE, Trailer.
 *
 * Returns NULL, or what is wrong with it in words.
 */
const char *headers_check(const char *line);

/* Returns whether one of the lines has that name, whatever its case. */
bool headers_have(const char *const *lines, size_t n, const char *name);

/*
 * Returns whether the line is for the server of the URL that was given, and not for where that
 * redirects to: Authorization, Cookie, Proxy-Authorization, which are secrets, and Host.
 */
bool header_stays_home(const char *line);

#endif
