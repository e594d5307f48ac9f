/* Description: which lines --header takes, which names are found in them, which stay at home. */
#include "expect.h"
#include "headers.h"

static void takes_a_name_and_a_value(void) {
  static const char *const table[] = {
      "X-Name: value",
      "a:b",
      "A:",
      "A: ",
      "A:\tb\tc ",
      "A: b: c",
      "!#$%&'*+-.^_`|~09azAZ: every kind of character that a name has",
      "Referer: http://h/",
      "A: \x80\xff",
      "Host: other",
      "User-Agent: x",
      "Accept: */*",
      "Connections: names that only begin like one that is refused",
      "Connectio: or only end before it",
      "T: E",
      "X-TE: x",
  };

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const char *wrong = headers_check(table[i]);
    EXPECT_TEXT(wrong ? wrong : "", "");
  }
}

static void refuses_other_lines(void) {
  static const struct {
    const char *line, *words;
  } table[] = {
      {"", "no colon behind the name"},
      {"X-Name", "no colon behind the name"},
      {":", "no name in front of the colon"},
      {": value", "no name in front of the colon"},
      {" X: y", "a character that no name has"},
      {"X : y", "a character that no name has"},
      {"X Y: z", "a character that no name has"},
      {"X/Y: z", "a character that no name has"},
      {"\"X\": z", "a character that no name has"},
      {"X\xc3\xa9: z", "a character that no name has"},
      {"X\r\nY: z", "a character that no name has"},
      {"GET / HTTP/1.1: x", "a character that no name has"},
      {"X: y\r\nZ: a", "a control character in the value"},
      {"X: y\n", "a control character in the value"},
      {"X:\r", "a control character in the value"},
  };

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const char *wrong = headers_check(table[i].line);
    EXPECT_TEXT(wrong ? wrong : table[i].line, table[i].words);
  }
}

/* Each byte, in the name and in the value. */
static void lets_nothing_into_the_request(void) {
  for (int byte = 1; byte < 256; byte++) {
    char name[] = "X?Y: value", value[] = "Name: v?w";
    bool is_graphic = byte > ' ' && byte < 0x7f;
    name[1] = value[7] = (char)byte;
    if (byte == ':') continue;
    EXPECT(!headers_check(name) == (is_graphic && !strchr("\"(),/;<=>?@[\\]{}", byte)));
    EXPECT(!headers_check(value) == (is_graphic || byte >= 0x80 || byte == ' ' || byte == '\t'));
  }
}

static void refuses_what_frames_the_message(void) {
  static const char *const table[] = {
      "Connection: keep-alive",
      "connection:close",
      "Content-Length: 0",
      "CONTENT-LENGTH: 0",
      "Transfer-Encoding: chunked",
      "Upgrade: websocket",
      "Expect: 100-continue",
      "TE: trailers",
      "te:",
      "Trailer: x",
  };

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const char *wrong = headers_check(table[i]);
    EXPECT_TEXT(wrong ? wrong : table[i], "the program sets that one itself, or does without");
  }
}

static void finds_names(void) {
  static const char *const lines[] = {"Accept: x", "HOST:h", "X-Y:"};

  EXPECT(headers_have(lines, 3, "Accept"));
  EXPECT(headers_have(lines, 3, "Host"));
  EXPECT(headers_have(lines, 3, "x-y"));
  EXPECT(!headers_have(lines, 1, "Host"));
  EXPECT(!headers_have(lines, 3, "User-Agent"));
  EXPECT(!headers_have(lines, 3, "Acc"));
  EXPECT(!headers_have(lines, 3, "Accept-Encoding"));
  EXPECT(!headers_have(lines, 3, "x"));
  EXPECT(!headers_have(NULL, 0, "Host"));
}

static void knows_what_stays_at_home(void) {
  EXPECT(header_stays_home("Authorization: Basic x"));
  EXPECT(header_stays_home("AUTHORIZATION:"));
  EXPECT(header_stays_home("cookie:a=b"));
  EXPECT(header_stays_home("Proxy-authorization: x"));
  EXPECT(header_stays_home("host: x"));
  EXPECT(!header_stays_home("Accept: x"));
  EXPECT(!header_stays_home("X-Authorization: x"));
  EXPECT(!header_stays_home("Cookies: x"));
  EXPECT(!header_stays_home("Cook: Cookie: x"));
}

static const case_t cases[] = {
    {"takes_a_name_and_a_value", takes_a_name_and_a_value},
    {"refuses_other_lines", refuses_other_lines},
    {"lets_nothing_into_the_request", lets_nothing_into_the_request},
    {"refuses_what_frames_the_message", refuses_what_frames_the_message},
    {"finds_names", finds_names},
    {"knows_what_stays_at_home", knows_what_stays_at_home},
};

int main(int argc, char **argv) {
  return run_case(cases, sizeof cases / sizeof *cases, argc > 1 ? argv[1] : "");
}
