/* Description: which URLs are taken, with which parts, and which are refused with which words. */
#include "expect.h"
#include "http.h"

static void takes_the_parts(void) {
  static const struct {
    const char *text, *host;
    unsigned port;
    const char *path;
  } table[] = {
      {"http://example.com", "example.com", 80, ""},
      {"HTTP://Example.COM/", "Example.COM", 80, "/"},
      {"http://h:8080/a/b?c=d#e", "h", 8080, "/a/b?c=d"},
      {"http://h?q=http://x/", "h", 80, "?q=http://x/"},
      {"http://h#f/g", "h", 80, ""},
      {"http://h:00080/@:[]", "h", 80, "/@:[]"},
      {"http://[::1]:65535/x", "::1", 65535, "/x"},
      {"http://[2001:db8::10.0.0.1]", "2001:db8::10.0.0.1", 80, ""},
      {"http://10.0.0.1:1", "10.0.0.1", 1, ""},
  };
  url_t url;

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    EXPECT(url_parse(&url, table[i].text) == NULL);
    EXPECT_TEXT(url.host, table[i].host);
    EXPECT(url.port == table[i].port);
    EXPECT((size_t)url.path_length == strlen(table[i].path));
    EXPECT(strncmp(url.path, table[i].path, strlen(table[i].path)) == 0);
  }
}

static void refuses_what_it_does_not_know(void) {
  static const struct {
    const char *text, *words;
  } table[] = {
      {"https://h/", "https is not supported yet"},
      {"HTTPS://h/", "https is not supported yet"},
      {"ftp://h/", "unsupported scheme"},
      {"h", "bad URL: no http:// in front"},
      {"", "bad URL: no http:// in front"},
      {"://h", "bad URL: no http:// in front"},
      {"http:/h", "bad URL: no http:// in front"},
      {"h/http://h", "bad URL: no http:// in front"},
      {"http://", "bad URL: no host"},
      {"http:///x", "bad URL: no host"},
      {"http://:80/", "bad URL: no host"},
      {"http://h:/", "bad URL: the port is not 1 to 65535"},
      {"http://h:0", "bad URL: the port is not 1 to 65535"},
      {"http://h:65536", "bad URL: the port is not 1 to 65535"},
      {"http://h:4294967376", "bad URL: the port is not 1 to 65535"},
      {"http://h:80x", "bad URL: the port is not 1 to 65535"},
      {"http://h:-1", "bad URL: the port is not 1 to 65535"},
      {"http://h:80:80", "bad URL: the port is not 1 to 65535"},
      {"http://[::g]/", "bad URL: no IPv6 address in the brackets"},
      {"http://[::1/", "bad URL: no IPv6 address in the brackets"},
      {"http://[]/", "bad URL: no IPv6 address in the brackets"},
      {"http://[::1]x/", "bad URL: text behind the brackets"},
      {"http://user:word@h/", "bad URL: user names are not supported"},
      {"http://h%41/", "bad URL: a character that no host name has"},
      {"http://h\\x/", "bad URL: a character that no host name has"},
  };
  url_t url;

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const char *wrong = url_parse(&url, table[i].text);
    EXPECT_TEXT(wrong ? wrong : table[i].text, table[i].words);
  }
}

/* Each byte that could end a line or a word of the request, at each place of a URL. */
static void lets_nothing_into_the_request(void) {
  static const char bytes[] = "\r\n\t \v\f\x01\x7f\x80\xc3\xff";
  const char good[] = "http://host:80/path?query#end";
  url_t url;

  for (size_t at = 0; at < sizeof good - 1; at++) {
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
      char text[sizeof good];
      memcpy(text, good, sizeof good);
      text[at] = bytes[i];
      EXPECT(url_parse(&url, text) != NULL);
    }
  }
}

static const char *parse_filled(const char *prefix, size_t length) {
  static char text[URL_MAX + 64];
  static url_t url;
  size_t used = strlen(prefix);

  memcpy(text, prefix, used);
  memset(text + used, 'a', length);
  text[used + length] = '\0';
  return url_parse(&url, text);
}

static void keeps_to_its_limits(void) {
  EXPECT(parse_filled("http://", URL_HOST_MAX) == NULL);
  EXPECT_TEXT(parse_filled("http://", URL_HOST_MAX + 1),
              "bad URL: the host name is longer than 255 characters");
  EXPECT(parse_filled("http://h/", URL_MAX - 9) == NULL);
  EXPECT_TEXT(parse_filled("http://h/", URL_MAX - 8), "bad URL: longer than 8192 characters");
}

static void expect_request(const char *text, const char *start) {
  static const char end[] = "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  char request[HTTP_REQUEST_MAX];
  url_t url;

  EXPECT(url_parse(&url, text) == NULL);
  EXPECT(http_request(request, &url) == strlen(request));
  EXPECT(strncmp(request, start, strlen(start)) == 0);
  EXPECT_TEXT(request + strlen(request) - strlen(end), end);
}

static void writes_the_request(void) {
  expect_request("http://h", "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: ");
  expect_request("http://h:80?a#b", "GET /?a HTTP/1.1\r\nHost: h\r\nUser-Agent: ");
  expect_request("http://h:81/a", "GET /a HTTP/1.1\r\nHost: h:81\r\nUser-Agent: ");
  expect_request("http://[::1]:81/", "GET / HTTP/1.1\r\nHost: [::1]:81\r\nUser-Agent: ");
}

static const case_t cases[] = {
    {"takes_the_parts", takes_the_parts},
    {"refuses_what_it_does_not_know", refuses_what_it_does_not_know},
    {"lets_nothing_into_the_request", lets_nothing_into_the_request},
    {"keeps_to_its_limits", keeps_to_its_limits},
    {"writes_the_request", writes_the_request},
};

int main(int argc, char **argv) {
  return run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");
}
