/*
 * A 1xx answer is a complete message before the real one, so the parser goes on behind it. The end
 * of the first message that is not a 1xx pauses the parser for good.
 */
#include "http.h"

#include "headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* the request */

/* A text that grows, or has failed for want of memory. */
typedef struct text_s {
  char *base;
  size_t length;
  bool has_failed;
} text_t;

static void add(text_t *text, const char *words, size_t length) {
  char *base = text->has_failed ? NULL : realloc(text->base, text->length + length + 1);

  if (!base) {
    text->has_failed = true;
    return;
  }
  memcpy(base + text->length, words, length);
  text->base = base;
  text->length += length;
  base[text->length] = '\0';
}

static void add_words(text_t *text, const char *words) {
  add(text, words, strlen(words));
}

static void add_line(text_t *text, const char *line) {
  add_words(text, line);
  add_words(text, "\r\n");
}

static void add_request_line(text_t *text, const settings_t *settings, const url_t *url) {
  add_words(text, settings->is_head ? "HEAD " : "GET ");
  if (url->path_length == 0 || url->path[0] != '/') add_words(text, "/");
  add(text, url->path, (size_t)url->path_length);
  add_words(text, " HTTP/1.1\r\n");
}

static void add_host(text_t *text, const url_t *url) {
  char line[URL_HOST_MAX + 32], port[8] = "";

  if (url->port != (url->is_https ? 443 : 80)) snprintf(port, sizeof port, ":%u", url->port);
  snprintf(line, sizeof line, "Host: %s%s%s%s", url->is_ipv6 ? "[" : "", url->host,
           url->is_ipv6 ? "]" : "", port);
  add_line(text, line);
}

char *http_request(const settings_t *settings, const url_t *url, bool is_at_home) {
  const char *const *headers = settings->headers;
  size_t n = settings->header_count;
  text_t text = {NULL, 0, false};

  add_request_line(&text, settings, url);
  if (!is_at_home || !headers_have(headers, n, "Host")) add_host(&text, url);
  if (!headers_have(headers, n, "User-Agent")) {
    add_words(&text, "User-Agent: weir-status-check/");
    add_line(&text, weir_version());
  }
  if (!headers_have(headers, n, "Accept")) add_line(&text, "Accept: */*");
  for (size_t i = 0; i < n; i++)
    if (is_at_home || !header_stays_home(headers[i])) add_line(&text, headers[i]);
  add_line(&text, "Connection: close\r\n");
  if (!text.has_failed) return text.base;
  free(text.base);
  return NULL;
}

/* the answer */

static int on_message_begin(llhttp_t *parser) {
  http_t *http = parser->data;

  http->is_inside = true;
  http->reason[0] = '\0';
  http->matched = 0;
  return 0;
}

/* The reason goes to a terminal, which obeys control characters: none passes. */
static int on_status(llhttp_t *parser, const char *text, size_t length) {
  http_t *http = parser->data;
  size_t used = strlen(http->reason);

  for (size_t i = 0; i < length && used < REASON_MAX; i++)
    http->reason[used++] = (char)(text[i] < ' ' || text[i] > '~' ? '?' : text[i]);
  http->reason[used] = '\0';
  return 0;
}

static const char location[] = "location";

static int on_header_field(llhttp_t *parser, const char *text, size_t length) {
  http_t *http = parser->data;

  for (size_t i = 0; i < length && http->matched != SIZE_MAX; i++) {
    bool is_next =
        http->matched < sizeof location - 1 && (text[i] | 0x20) == location[http->matched];
    http->matched = is_next ? http->matched + 1 : SIZE_MAX;
  }
  return 0;
}

/* One that is too long is kept long enough to be refused as a URL. */
static int on_header_value(llhttp_t *parser, const char *text, size_t length) {
  http_t *http = parser->data;
  size_t room = URL_MAX + 1 - http->location_length;
  char *value;

  if (http->matched != sizeof location - 1) return 0;
  if (length > room) length = room;
  value = realloc(http->location, http->location_length + length + 1);
  if (!value) {
    http->error.kind = FAILURE_NO_MEMORY;
    return HPE_USER;
  }
  memcpy(value + http->location_length, text, length);
  http->location = value;
  http->location_length += length;
  value[http->location_length] = '\0';
  return 0;
}

/* Only the first one counts. */
static int on_header_value_complete(llhttp_t *parser) {
  http_t *http = parser->data;

  http->matched = http->location ? SIZE_MAX : 0;
  return 0;
}

static int on_headers_complete(llhttp_t *parser) {
  http_t *http = parser->data;
  unsigned status = parser->status_code;

  if (status < 100) {
    http->error.detail = "status below 100";
    return -1;
  }
  if (status < 200) return 1; /* no body, whatever its header says */
  http->status = status;
  return http->is_head || http->body_max == 0 || status == 204 || status == 304 ? 1 : 0;
}

static int on_body(llhttp_t *parser, const char *data, size_t length) {
  http_t *http = parser->data;

  (void)data;
  http->bytes += length;
  if (http->bytes < http->body_max) return 0;
  http->bytes = http->body_max;
  http->is_done = true;
  return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser) {
  http_t *http = parser->data;

  http->is_inside = false;
  http->is_done = http->status != 0;
  return http->is_done ? HPE_PAUSED : 0;
}

static const llhttp_settings_t callbacks = {
    .on_message_begin = on_message_begin,
    .on_status = on_status,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void http_init(http_t *http, bool is_head, uint64_t body_max) {
  memset(http, 0, sizeof *http);
  llhttp_init(&http->parser, HTTP_RESPONSE, &callbacks);
  llhttp_set_lenient_keep_alive(&http->parser, 1); /* behind a 1xx of an HTTP/1.0 server, too */
  http->parser.data = http;
  http->is_head = is_head;
  http->body_max = body_max;
}

static const char *explain(const http_t *http, llhttp_errno_t err) {
  const char *reason = llhttp_get_error_reason(&http->parser);

  if (http->error.detail) return http->error.detail;
  if (err == HPE_PAUSED_UPGRADE) return "switches protocols unasked";
  return reason && reason[0] ? reason : llhttp_errno_name(err);
}

static http_state_t fail(http_t *http, failure_t kind, const char *detail) {
  http->error = (check_error_t){.kind = kind, .detail = detail};
  return HTTP_FAILED;
}

http_state_t http_feed(http_t *http, const char *data, size_t length) {
  llhttp_errno_t err = llhttp_execute(&http->parser, data, length);

  if (http->is_done) return HTTP_DONE;
  if (http->error.kind != FAILURE_NONE) return HTTP_FAILED;
  if (err != HPE_OK) return fail(http, FAILURE_NOT_HTTP, explain(http, err));
  if (http->status == 0) http->header_bytes += length;
  if (http->header_bytes > HTTP_HEADER_MAX) return fail(http, FAILURE_HEADER_SIZE, NULL);
  return HTTP_MORE;
}

http_state_t http_end(http_t *http, bool is_whole) {
  if (http->status == 0) {
    if (http->is_inside) return fail(http, FAILURE_CUT_OFF, "header");
    return fail(http, FAILURE_EMPTY, NULL);
  }
  if (is_whole) llhttp_finish(&http->parser);
  return http->is_done ? HTTP_DONE : fail(http, FAILURE_CUT_OFF, "body");
}
