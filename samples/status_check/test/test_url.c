/*
 * Description: which URLs are taken, with which parts, and which are refused with which words;
 * which are the same; where references lead.
 */
#include "expect.h"
#include "url.h"

static void takes_the_parts(void) {
  static const struct {
    const char *text;
    bool is_https;
    const char *host;
    bool is_ipv6;
    unsigned port;
    const char *path;
  } table[] = {
      {"http://example.com", false, "example.com", false, 80, ""},
      {"HTTP://Example.COM/", false, "Example.COM", false, 80, "/"},
      {"https://example.com", true, "example.com", false, 443, ""},
      {"hTTpS://h/", true, "h", false, 443, "/"},
      {"https://h:80/", true, "h", false, 80, "/"},
      {"http://h:443/", false, "h", false, 443, "/"},
      {"http://h:8080/a/b?c=d#e", false, "h", false, 8080, "/a/b?c=d"},
      {"http://h?q=http://x/", false, "h", false, 80, "?q=http://x/"},
      {"http://h#f/g", false, "h", false, 80, ""},
      {"http://h:00080/@:[]", false, "h", false, 80, "/@:[]"},
      {"http://[::1]:65535/x", false, "::1", true, 65535, "/x"},
      {"https://[::1]", true, "::1", true, 443, ""},
      {"http://[2001:db8::10.0.0.1]", false, "2001:db8::10.0.0.1", true, 80, ""},
      {"http://10.0.0.1:1", false, "10.0.0.1", false, 1, ""},
  };
  url_t url;

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    EXPECT(url_parse(&url, table[i].text) == NULL);
    EXPECT(url.is_https == table[i].is_https);
    EXPECT_TEXT(url.host, table[i].host);
    EXPECT(url.is_ipv6 == table[i].is_ipv6);
    EXPECT(url.port == table[i].port);
    EXPECT((size_t)url.path_length == strlen(table[i].path));
    EXPECT(strncmp(url.path, table[i].path, strlen(table[i].path)) == 0);
  }
}

#define NO_SCHEME "bad URL: no http:// or https:// in front"

static void refuses_what_it_does_not_know(void) {
  static const struct {
    const char *text, *words;
  } table[] = {
      {"ftp://h/", "unsupported scheme"},
      {"httpss://h/", "unsupported scheme"},
      {"htt://h/", "unsupported scheme"},
      {"h", NO_SCHEME},
      {"", NO_SCHEME},
      {"://h", NO_SCHEME},
      {"//h", NO_SCHEME},
      {"http", NO_SCHEME},
      {"http:", NO_SCHEME},
      {"http:/h", NO_SCHEME},
      {"https:h", NO_SCHEME},
      {"localhost:8080/", NO_SCHEME},
      {"h/http://h", NO_SCHEME},
      {"h?q=http://h", NO_SCHEME},
      {"1http://h", NO_SCHEME},
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
      {"http://[::1%25lo]/", "bad URL: no IPv6 address in the brackets"},
      {"http://[::1%lo]/", "bad URL: no IPv6 address in the brackets"},
      {"http://[127.0.0.1]/", "bad URL: no IPv6 address in the brackets"},
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

static bool are(bool (*alike)(const url_t *, const url_t *), const char *a, const char *b) {
  url_t left, right;

  EXPECT(url_parse(&left, a) == NULL && url_parse(&right, b) == NULL);
  EXPECT(alike(&left, &right) == alike(&right, &left));
  return alike(&left, &right);
}

static void tells_the_same_origin(void) {
  EXPECT(are(url_same_origin, "http://h", "http://h/a?b"));
  EXPECT(are(url_same_origin, "http://h", "HTTP://H:80/"));
  EXPECT(are(url_same_origin, "https://h:443", "https://h"));
  EXPECT(are(url_same_origin, "http://[::A]", "http://[::a]:80"));
  EXPECT(!are(url_same_origin, "http://h", "https://h"));
  EXPECT(!are(url_same_origin, "http://h:443", "https://h:443"));
  EXPECT(!are(url_same_origin, "http://h", "http://h:81"));
  EXPECT(!are(url_same_origin, "http://h", "http://hh"));
  EXPECT(!are(url_same_origin, "http://h", "http://i"));
  EXPECT(!are(url_same_origin, "http://a_b", "http://a-b"));
}

static void tells_the_same(void) {
  EXPECT(are(url_same, "http://h", "http://H/"));
  EXPECT(are(url_same, "http://h?a", "http://h/?a"));
  EXPECT(are(url_same, "http://h/a?b#c", "http://h:80/a?b#d"));
  EXPECT(!are(url_same, "http://h/", "https://h/"));
  EXPECT(!are(url_same, "http://h/", "http://i/"));
  EXPECT(!are(url_same, "http://h/", "http://h//"));
  EXPECT(!are(url_same, "http://h/a", "http://h/A"));
  EXPECT(!are(url_same, "http://h/a", "http://h/ab"));
  EXPECT(!are(url_same, "http://h/", "http://h/?"));
  EXPECT(!are(url_same, "http://h/?a", "http://h/?b"));
}

typedef struct join_s {
  const char *reference, *wanted;
} join_t;

static void expect_joins(const char *base, const join_t *joins, size_t n) {
  for (size_t i = 0; i < n; i++) {
    char *joined = url_join(base, joins[i].reference);
    EXPECT(joined);
    EXPECT_TEXT(joined, joins[i].wanted);
    free(joined);
  }
}

static void joins_as_in_rfc_3986_5_4_1(void) {
  static const join_t joins[] = {
      {"g:h", "g:h"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q#s"},
      {"g#s", "http://a/b/c/g#s"},
      {"g?y#s", "http://a/b/c/g?y#s"},
      {";x", "http://a/b/c/;x"},
      {"g;x", "http://a/b/c/g;x"},
      {"g;x?y#s", "http://a/b/c/g;x?y#s"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../", "http://a/"},
      {"../../g", "http://a/g"},
  };

  expect_joins("http://a/b/c/d;p?q", joins, sizeof joins / sizeof *joins);
}

static void joins_as_in_rfc_3986_5_4_2(void) {
  static const join_t joins[] = {
      {"../../../g", "http://a/g"},
      {"../../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {".g", "http://a/b/c/.g"},
      {"g..", "http://a/b/c/g.."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/./x", "http://a/b/c/g?y/./x"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"g#s/./x", "http://a/b/c/g#s/./x"},
      {"g#s/../x", "http://a/b/c/g#s/../x"},
      {"http:g", "http:g"}, /* as a strict parser takes it */
  };

  expect_joins("http://a/b/c/d;p?q", joins, sizeof joins / sizeof *joins);
}

static void joins_what_has_a_host(void) {
  static const join_t joins[] = {
      {"http://i", "http://i"},
      {"HTTP://I/a/../b?c#d", "HTTP://I/b?c#d"},
      {"http://i:81/..", "http://i:81/"},
      {"//i:82/../a", "https://i:82/a"},
      {"//[::1]?a", "https://[::1]?a"},
      {"ftp://i/a", "ftp://i/a"},
      {"mailto:a@b", "mailto:a@b"},
      {"http:/i", "http:/i"},
      {"http:/.//i", "http:/.//i"},
      {"/.//i", "https://h//i"},
      {"///i", "https:///i"},
  };

  expect_joins("https://h/p/q?r#s", joins, sizeof joins / sizeof *joins);
}

static void joins_to_a_base_without_a_path(void) {
  static const join_t joins[] = {
      {"", "http://h/?q/r"},     {"#s", "http://h/?q/r#s"}, {"?", "http://h/?"},
      {"?y", "http://h/?y"},     {"g", "http://h/g"},       {"../g", "http://h/g"},
      {"/g", "http://h/g"},      {".", "http://h/"},        {"1:2", "http://h/1:2"},
      {"./g:h", "http://h/g:h"},
  };

  expect_joins("http://h?q/r#f", joins, sizeof joins / sizeof *joins);
  expect_joins("http://h", &(join_t){"", "http://h/"}, 1);
}

static void joins_what_needs_encoding(void) {
  static const join_t joins[] = {
      {" \t\r\n g \v\f", "http://h/a/g"},
      {"   ", "http://h/a/b"},
      {"g h?i j#k l", "http://h/a/g%20h?i%20j#k%20l"},
      {"g\r\nX: y", "http://h/a/g%0D%0AX:%20y"},
      {"\x01\x1f\x7f\x80\xff~", "http://h/a/%01%1F%7F%80%FF~"},
      {"/stra\xc3\x9f\x65/../\xc3\xa9", "http://h/%C3%A9"},
      {"%20%zz%2e%2e/g", "http://h/a/%20%zz%2e%2e/g"},
      {"//h\xc3\xa9/g", "http://h%C3%A9/g"},
      {"ht tp://i", "http://h/a/ht%20tp://i"},
  };

  expect_joins("http://h/a/b", joins, sizeof joins / sizeof *joins);
}

/* Each byte of a reference, at each place, is either taken or refused, but never passed on. */
static void joins_nothing_into_the_request(void) {
  const char good[] = "http://host:80/path?query#end";
  url_t url;

  for (size_t at = 0; at < sizeof good - 1; at++) {
    for (int byte = 1; byte < 256; byte++) {
      char text[sizeof good], *joined;
      memcpy(text, good, sizeof good);
      text[at] = (char)byte;
      joined = url_join("http://h/a", text);
      EXPECT(joined);
      for (const char *c = joined; *c; c++) EXPECT(*c > ' ' && *c < 0x7f);
      if (at >= strlen("http://host:80/")) EXPECT(url_parse(&url, joined) == NULL);
      free(joined);
    }
  }
}

/* Every byte becomes three, and the path goes up as often as down. */
static void joins_long_references(void) {
  enum { N = 100000 };
  char *reference = malloc(3 * N + 1), *joined;
  url_t url;

  EXPECT(reference);
  memset(reference, 0x80, N);
  reference[N] = '\0';
  joined = url_join("http://h/a", reference);
  EXPECT(joined && strlen(joined) == strlen("http://h/") + 3 * N);
  EXPECT_TEXT(url_parse(&url, joined), "bad URL: longer than 8192 characters");
  free(joined);
  for (size_t i = 0; i < N; i++) memcpy(reference + 3 * i, i < N / 2 ? "/aa" : "/..", 3);
  reference[3 * N] = '\0';
  joined = url_join("http://h/a", reference);
  EXPECT(joined);
  EXPECT_TEXT(joined, "http://h/");
  free(joined);
  free(reference);
}

static const case_t cases[] = {
    {"takes_the_parts", takes_the_parts},
    {"refuses_what_it_does_not_know", refuses_what_it_does_not_know},
    {"lets_nothing_into_the_request", lets_nothing_into_the_request},
    {"keeps_to_its_limits", keeps_to_its_limits},
    {"tells_the_same_origin", tells_the_same_origin},
    {"tells_the_same", tells_the_same},
    {"joins_as_in_rfc_3986_5_4_1", joins_as_in_rfc_3986_5_4_1},
    {"joins_as_in_rfc_3986_5_4_2", joins_as_in_rfc_3986_5_4_2},
    {"joins_what_has_a_host", joins_what_has_a_host},
    {"joins_to_a_base_without_a_path", joins_to_a_base_without_a_path},
    {"joins_what_needs_encoding", joins_what_needs_encoding},
    {"joins_nothing_into_the_request", joins_nothing_into_the_request},
    {"joins_long_references", joins_long_references},
};

int main(int argc, char **argv) {
  return run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");
}
