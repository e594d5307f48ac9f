"""
Description: the program against servers that are silent, slow, cut off, endless, or speak nonsense:
test_hostile.py PROGRAM NAME runs test_NAME. Each case has its own URL, and many run at once.
"""
import urllib.parse

from hostile import Server, reset_at_once, silent_at_once
from support import check, check_one, full_listener, refusing_port, run


def compare(server, cases, *options):
    """Asks all paths at once, and compares each result with what the case says."""
    urls = [server.url(path) for path in cases]
    outcome = check("--concurrency", 100, *options, *urls)
    assert len(outcome.results) == len(urls)
    for path, expected in cases.items():
        result = outcome[server.url(path)]
        result.says(**expected)
        assert result.remote == server.remote, result.line
    return outcome


# what is right, if unusual

def test_unusual_answers_are_right():
    with Server() as server:
        outcome = compare(server, {
            "/ok": dict(status=200, bytes=5, redirects=[], attempts=1),
            "/stays": dict(status=200, bytes=5),
            "/chunked": dict(status=200, bytes=11),
            "/http10": dict(status=200, bytes=5),
            "/early-hints": dict(status=200, bytes=5),
            "/continue-204": dict(status=204, bytes=0),
            "/not-modified": dict(status=304, bytes=0),
            "/more-than-said": dict(status=200, bytes=5),
            "/bytes/0": dict(status=200, bytes=0),
            "/bytes/70000": dict(status=200, bytes=70000),
            "/status/418": dict(status=418, bytes=4),
            "/status/999": dict(status=999, bytes=4),
        }, "--timeout", 30000)
        assert outcome.status == 1


def test_head_has_no_body():
    with Server() as server:
        compare(server, {"/head": dict(status=200, bytes=0), "/ok": dict(status=200, bytes=0),
                         "/missing": dict(status=404, bytes=0)}, "--method", "HEAD")
        assert {request.method for request in server.requests} == {"HEAD"}


# what takes too long

def test_silence_times_out():
    with Server() as server, Server(silent_at_once) as deaf:
        waiting = dict(code="timeout", words="timed out waiting for an answer", bytes=0)
        for each, path in ((server, "/silent"), (deaf, "/")):
            compare(each, {path: waiting}, "--timeout", 300)


def test_slow_bytes_time_out():
    with Server() as server:
        outcome = compare(server, {
            "/drip-header": dict(code="timeout"),
            "/drip-body": dict(status=200, code="timeout",
                               words="timed out reading the answer"),
        }, "--timeout", 1500)
        assert outcome[server.url("/drip-body")].bytes in (1, 2)
        for result in outcome.results:
            assert 1450 < result.ms["total"] < 20000, result.line


# Each step is short enough: it is the whole that counts.
def test_timeout_includes_redirects_and_retries():
    with Server() as server:
        redirected, failing = server.url("/r-late/1"), server.url("/fails/503/1000000/a")
        outcome = check("--timeout", 900, "--redirects", 100, "--retry", 100, "--retry-delay", 300,
                        redirected, failing)
        assert {result.code for result in outcome.results} == {"timeout"}
        assert 1 <= len(outcome[redirected].redirects) <= 4
        assert 2 <= outcome[failing].attempts <= 5
        for result in outcome.results:
            assert 850 < result.ms["total"] < 20000, result.line


def test_connect_timeout_is_for_connecting():
    with full_listener() as port, Server() as server:
        words = ["--connect-timeout", 200, "--timeout", 30000]
        result = check_one(*words, f"http://127.0.0.1:{port}/")
        result.says(code="timeout", words="timed out connecting", remote=None, bytes=0)
        assert 190 < result.ms["total"] < 20000, result.line
        check_one(*words, server.url("/late/600")).says(status=200)


def test_timeout_ends_connecting():
    with full_listener() as port:
        result = check_one("--connect-timeout", 30000, "--timeout", 200,
                           f"http://127.0.0.1:{port}/")
        result.says(code="timeout", words="timed out connecting", remote=None)
        assert 190 < result.ms["total"] < 20000, result.line


# what is cut

def test_cuts_are_told_by_their_place():
    with Server() as server:
        middle = "connection closed in the middle of the "
        header = dict(code="cut_off", words=middle + "header", bytes=0)
        body = dict(code="cut_off", words=middle + "body", status=200)
        compare(server, {
            "/empty": dict(code="empty", words="connection closed before an answer", bytes=0),
            "/cut-header": header,
            "/cut-body": dict(**body, bytes=10),
            "/chunked-cut": dict(**body, bytes=7),
        })


def test_cut_after_1xx_is_no_answer():
    with Server() as server:
        result = check_one(server.url("/cut-after-1xx"))
        assert result.code in ("empty", "cut_off") and result.status is None, result.line


def test_resets_are_lost_connections():
    with Server() as server:
        lost = dict(code="lost", words="connection lost: connection reset by peer")
        for _ in range(5):
            compare(server, {
                "/reset": dict(**lost, bytes=0),
                "/reset-header": dict(**lost, bytes=0),
                "/reset-body": dict(**lost, status=200, bytes=10),
            })


# This body has no other end than that of the connection.
def test_reset_is_not_the_end_of_a_body():
    with Server() as server:
        for _ in range(10):
            result = check_one(server.url("/reset-endless"))
            assert not result.ok and result.code in ("lost", "cut_off"), result.line


# It depends on who is first whether the client still saw a connection.
def test_reset_at_accept_is_an_error():
    with Server(reset_at_once) as server:
        result = check_one(server.url("/"))
        assert result.code in ("lost", "connect") and result.status is None, result.line
        assert result.words.endswith("connection reset by peer"), result.line


def test_refused_connection_has_no_remote():
    with refusing_port() as port:
        result = check_one(f"http://127.0.0.1:{port}/")
        result.says(code="connect", words="cannot connect: connection refused", remote=None,
                    bytes=0, redirects=[], attempts=1)


# what is not HTTP, and what is too much

def test_nonsense_is_not_http():
    with Server() as server:
        outcome = compare(server, {
            "/http09": dict(code="not_http", bytes=0),
            "/binary": dict(code="not_http", bytes=0),
            "/two-lengths": dict(code="not_http", bytes=0),
            "/chunked-bad": dict(code="not_http", status=200, bytes=5),
        })
        for result in outcome.results:
            assert result.words.startswith("not an HTTP answer: "), result.line


# The parser is strict: who takes a bare line feed for the end of a line helps to smuggle requests.
def test_bare_line_feeds_end_no_line():
    with Server() as server:
        result = check_one(server.url("/bare-lf")).says(code="not_http", bytes=0)
        assert result.words.startswith("not an HTTP answer: "), result.line


def test_header_of_absurd_size():
    with Server() as server:
        absurd = dict(code="header_size", words="header of absurd size", status=None, bytes=0)
        compare(server, {path: dict(absurd) for path in
                         ("/long-line", "/endless-header", "/endless-1xx")}, "--timeout", 30000)


def test_endless_body_is_left():
    with Server() as server:
        cases = {"/endless-body": dict(status=200, bytes=1048576),
                 "/endless-chunks": dict(status=200, bytes=1048576)}
        compare(server, cases, "--timeout", 30000)
        compare(server, {path: dict(status=200, bytes=12345) for path in cases}, "--timeout", 30000,
                "--max-body", 12345)


def test_max_body_is_exact():
    with Server() as server:
        compare(server, {"/bytes/999": dict(status=200, bytes=999),
                         "/bytes/1000": dict(status=200, bytes=1000),
                         "/bytes/1001": dict(status=200, bytes=1000),
                         "/cut-body": dict(status=200, code="cut_off", bytes=10),
                         "/chunked": dict(status=200, bytes=11)}, "--max-body", 1000)
        compare(server, {"/drip-body": dict(status=200, bytes=0),
                         "/ok": dict(status=200, bytes=0)}, "--max-body", 0, "--timeout", 30000)


# redirects

def test_endless_redirects_have_an_end():
    with Server() as server:
        for options, n in (((), 10), (("--redirects", 3), 3), (("--redirects", 100), 100)):
            led = [server.url(f"/r/{i}") for i in range(2, n + 3)]
            compare(server, {"/r/1": dict(status=302, code="redirects", redirects=led,
                                          words="too many redirects")}, *options)
            assert server.targets() == [f"/r/{i}" for i in range(1, n + 2)]
            server.requests.clear()


def test_redirects_0_follows_none():
    with Server() as server:
        compare(server, {"/r/1": dict(status=302, redirects=[]),
                         "/to?ftp://h/": dict(status=302, redirects=[])}, "--redirects", 0)


def test_circle_of_redirects_is_seen():
    with Server() as server:
        circle = dict(code="redirect_loop", status=302, words="redirected in a circle")
        part = "/to?%23part"
        compare(server, {
            "/loop/a": dict(**circle, redirects=[server.url("/loop/b"), server.url("/loop/a")]),
            part: dict(**circle, redirects=[server.url(part + "#part")]),
        })
        assert sorted(server.targets()) == ["/loop/a", "/loop/b", part]


def test_each_redirect_status_is_followed():
    with Server() as server:
        led = [server.url("/ok")]
        followed = {f"/to/{code}?/ok": dict(status=200, redirects=led, bytes=5)
                    for code in (301, 302, 303, 307, 308)}
        final = {f"/to/{code}?/ok": dict(status=code, redirects=[])
                 for code in (300, 304, 305, 399)}
        compare(server, {**followed, **final, "/no-location": dict(status=302, redirects=[]),
                         "/to/200?/ok": dict(status=200, redirects=[])})


def test_location_is_joined():
    with Server() as server:
        other = server.named("localhost")
        cases = {"/ok": "/ok", "ok": "/to/ok", "./ok": "/to/ok", "../ok": "/ok", "../../ok": "/ok",
                 "a/../ok?x=1": "/to/ok?x=1", "?/ok": "/to/302?/ok", " \t/ok ": "/ok",
                 "/ok#part": "/ok#part", f"//localhost:{server.port}/ok": other + "/ok",
                 other: other, other + "?ok": other + "?ok", "/ok?a b": "/ok?a%20b",
                 "/ok?%C3": "/ok?%C3", "/ok?\xc3\xa9": "/ok?%C3%A9"}
        urls = {location: server.url("/to/302?" + urllib.parse.quote(location, encoding="latin-1"))
                for location in cases}
        outcome = check("--timeout", 30000, *urls.values())
        for location, where in cases.items():
            redirects = outcome[urls[location]].redirects
            assert redirects[0] == urllib.parse.urljoin(server.origin, where), (location, redirects)
            asked = where[len(other):] if where.startswith(other) else where.split("#")[0]
            asked = asked if asked.startswith("/") else "/" + asked
            assert asked in server.targets(), (location, server.targets())


def test_location_that_leads_nowhere():
    with Server() as server:
        nowhere = ("ftp://h/a", "http://", "http://h:0/", "http://user@h/")
        outcome = check(*(server.url("/to?" + where) for where in nowhere))
        for result in outcome.results:
            result.says(code="bad_url", remote=None, bytes=0)
            assert len(result.redirects) == 1, result.line
        ftp = outcome[server.url("/to?ftp://h/a")]
        assert ftp.redirects == ["ftp://h/a"] and ftp.words == "unsupported scheme", ftp.line


def test_redirect_to_a_bad_server_tells_of_that():
    with Server() as server, refusing_port() as port:
        where = f"http://127.0.0.1:{port}/"
        result = check_one(server.url(f"/to?{where}"))
        result.says(code="connect", redirects=[where], remote=None)
        result = check_one(server.url("/to?/cut-body"))
        result.says(code="cut_off", redirects=[server.url("/cut-body")], status=200, bytes=10)


if __name__ == "__main__":
    run(globals())
