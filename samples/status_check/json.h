/* A result as one line of JSON. */
#ifndef STATUS_CHECK_JSON_H
#define STATUS_CHECK_JSON_H

#include "result.h"

#include <stdio.h>

/*
 *   {"url":"http://h/","ok":true,"status":200,"error":null,
 *    "ms":{"dns":0.1,"connect":0.2,"tls":null,"first_byte":1.5,"total":2.0},
 *    "remote":"127.0.0.1:80","redirects":["http://h/b"],"bytes":123,"attempts":1}
 *
 * on one line. Null stands for what did not happen: a status of 0, a time of 0, an empty remote.
 * An error is {"code":"connect","words":"cannot connect: connection refused"}. URLs may hold any
 * bytes: what is not UTF-8 becomes U+FFFD.
 */
void json_print(const result_t *result, FILE *out);

#endif
