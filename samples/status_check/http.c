/*
 * A 1xx answer is a complete message before the real one, so the parser goes on behind it. The
 * first header that is not of a 1xx pauses the parser for good: the body is not wanted.
 */
#include "http.h"

#include <stdio.h>
#include <string.h>
#include <weir.h>

size_t http_request(char *request, const url_t *url) {
  char port[8] = "";

  if (url->port != 80) snprintf(port, sizeof port, ":%u", url->port);
  return (size_t)snprintf(request, HTTP_REQUEST_MAX,
                          "GET %s%.*s HTTP/1.1\r\n"
                          "Host: %s%s%s%s\r\n"
                          "User-Agent: weir-status-check/%s\r\n"
                          "Accept: */*\r\n"
                          "Connection: close\r\n"
                          "\r\n",
                          url->path_length > 0 && url->path[0] == '/' ? "" : "/", url->path_length,
                          url->path, url->is_ipv6 ? "[" : "", url->host, url->is_ipv6 ? "]" : "",
                          port, weir_version());
}

static int on_message_begin(llhttp_t *parser) {
  http_t *http = parser->data;

  http->inside = true;
  http->reason[0] = '\0';
  return 0;
}

/* The reason goes to a terminal, which obeys control characters: none passes. */
static int on_status(llhttp_t *parser, const char *text, size_t length) {
  http_t *http = parser->data;
  size_t used = strlen(http->reason);

  for (size_t i = 0; i < length && used < HTTP_REASON_MAX; i++)
    http->reason[used++] = (char)(text[i] < ' ' || text[i] > '~' ? '?' : text[i]);
  http->reason[used] = '\0';
  return 0;
}

static int on_headers_complete(llhttp_t *parser) {
  http_t *http = parser->data;

  http->status = parser->status_code;
  if (http->status < 100) {
    http->error = "status below 100";
    return -1;
  }
  if (http->status < 200) return 1; /* no body, whatever its header says */
  http->complete = true;
  return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser) {
  http_t *http = parser->data;

  http->inside = false;
  return 0;
}

static const llhttp_settings_t settings = {
    .on_message_begin = on_message_begin,
    .on_status = on_status,
    .on_headers_complete = on_headers_complete,
    .on_message_complete = on_message_complete,
};

void http_init(http_t *http) {
  memset(http, 0, sizeof *http);
  llhttp_init(&http->parser, HTTP_RESPONSE, &settings);
  http->parser.data = http;
}

static const char *explain(const http_t *http, llhttp_errno_t err) {
  const char *reason = llhttp_get_error_reason(&http->parser);

  if (http->error) return http->error;
  if (err == HPE_PAUSED_UPGRADE) return "switches protocols unasked";
  return reason && reason[0] ? reason : llhttp_errno_name(err);
}

http_state_t http_feed(http_t *http, const char *data, size_t length) {
  llhttp_errno_t err = llhttp_execute(&http->parser, data, length);

  if (http->complete) return HTTP_ANSWERED;
  if (err == HPE_OK) return HTTP_MORE;
  http->error = explain(http, err);
  return HTTP_NONSENSE;
}

bool http_is_inside(const http_t *http) {
  return http->inside;
}
