"""
Description: the program against servers that others have written, and what it sends:
test_real.py PROGRAM NAME runs test_NAME.
"""
import os
import threading
import urllib.request

from certificates import Authority
from hostile import Server, answer_by_path, plain_text
from real import nginx, python_server
from support import (LIMIT, addresses, check, check_one, folder, has_ipv6, need_tls, read,
                     refusing_port, run, skip, started, wait_until)


# servers

def test_nginx_serves_what_is_asked():
    with folder() as path, nginx(path) as server:
        cases = {
            "/small.txt": dict(status=200, bytes=6), "/text.txt": dict(status=200, bytes=110000),
            "/big.bin": dict(status=200, bytes=1048576), "/missing": dict(status=404),
            "/absent.txt": dict(status=404), "/none": dict(status=204, bytes=0),
            "/gone": dict(status=410), "/broken": dict(status=503),
            "/cut": dict(code="empty", bytes=0),
            "/small.txt?query#fragment": dict(status=200, bytes=6),
        }
        outcome = check(*(server.http + path for path in cases))
        assert len(outcome.results) == len(cases) and outcome.status == 1
        for path, expected in cases.items():
            result = outcome[server.http + path].says(**expected, attempts=1, redirects=[])
            assert result.remote == f"127.0.0.1:{server.port}", result.line
        wait_until(lambda: "GET /small.txt?query HTTP/1.1" in server.log())


def test_nginx_redirects():
    with folder() as path, nginx(path) as server:
        def led(*paths):
            return [server.http + path for path in paths]

        cases = {"/moved": led("/small.txt"), "/found": led("/moved", "/small.txt"),
                 "/other": led("/found", "/moved", "/small.txt"), "/kept": led("/small.txt"),
                 "/kept-for-good": led("/small.txt")}
        outcome = check(*(server.http + path for path in cases))
        for path, redirects in cases.items():
            outcome[server.http + path].says(status=200, bytes=6, redirects=redirects)
        assert outcome.status == 0
        check_one(server.http + "/round").says(status=302, code="redirect_loop",
                                               redirects=led("/round"))


def test_nginx_answers_head():
    with folder() as path, nginx(path) as server:
        for path, status in (("/text.txt", 200), ("/moved", 200), ("/missing", 404)):
            check_one("--method", "HEAD", server.http + path).says(status=status, bytes=0)
        wait_until(lambda: len(server.log()) == 4)
        assert server.log() == [f"HEAD {path} HTTP/1.1" for path in
                                ("/text.txt", "/moved", "/small.txt", "/missing")]


def test_nginx_says_not_modified():
    with folder() as path, nginx(path) as server:
        url = server.http + "/text.txt"
        with urllib.request.urlopen(url) as answer:
            modified = answer.headers["Last-Modified"]
        words = ["--header", f"If-Modified-Since: {modified}", url]
        check_one(*words).says(status=304, bytes=0)
        check_one("--expect", "304", *words).says(status=304)
        check_one("--expect", "200", *words).says(status=304, ok=False)


# Without a length, for it is packed while it is sent.
def test_nginx_sends_chunks():
    with folder() as path, nginx(path) as server:
        url = server.http + "/text.txt"
        request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request) as answer:
            assert answer.headers["Transfer-Encoding"] == "chunked"
            packed = len(answer.read())
        check_one("--header", "Accept-Encoding: gzip", url).says(status=200, bytes=packed)


def test_nginx_speaks_tls():
    with folder() as path:
        authority = Authority(path)
        with nginx(path, authority.certificate("good")) as server:
            trusted = ["--cacert", authority.path]
            result = check_one(*trusted, server.https + "/text.txt").says(status=200, bytes=110000)
            assert result.ms["tls"] > 0, result.line
            assert result.remote == f"127.0.0.1:{server.tls_port}", result.line
            led = [server.https + "/to-http", server.http + "/small.txt"]
            result = check_one(*trusted, server.http + "/there-and-back")
            result.says(status=200, bytes=6, redirects=led)
            assert result.ms["tls"] is None, result.line  # of the last request
            result = check_one(*trusted, server.http + "/to-https").says(status=200)
            assert result.ms["tls"] > 0, result.line
            check_one(f"http://127.0.0.1:{server.tls_port}/").says(status=400)  # it explains


def test_python_serves_files():
    with folder() as path, python_server(path) as port:
        with open(os.path.join(path, "file"), "wb") as file:
            file.write(bytes(100001))
        os.mkdir(os.path.join(path, "sub"))
        origin = f"http://127.0.0.1:{port}"
        outcome = check(origin + "/file", origin + "/absent", origin + "/sub", origin)
        outcome[origin + "/file"].says(status=200, bytes=100001)
        outcome[origin + "/absent"].says(status=404)
        outcome[origin + "/sub"].says(status=200, redirects=[origin + "/sub/"])
        outcome[origin].says(status=200)


def test_ipv6():
    if not has_ipv6():
        skip("no ::1")
    with folder() as path, python_server(path, "::1") as port:
        check_one(f"http://[::1]:{port}/").says(status=200, remote=f"[::1]:{port}")
    with Server(host="::1") as server:
        check_one(server.url("/ok")).says(status=200)
        assert server.requests[0].headers["host"] == [f"[::1]:{server.port}"]


# Where the name has addresses of both families, the server may have but one of them.
def test_name_with_an_address_that_refuses():
    found = addresses("localhost")
    if len(set(found)) < 2 or not has_ipv6():
        skip(f"localhost is {found}")
    for host in ("127.0.0.1", "::1"):
        with Server(host=host) as server:
            result = check_one(server.url("/ok", "localhost")).says(status=200)
            assert result.remote == server.remote, result.line


def test_name_is_looked_up():
    if "127.0.0.1" not in addresses("localhost"):
        skip("localhost is something else")
    with Server() as server:
        result = check_one(server.url("/ok", "localhost")).says(status=200, remote=server.remote)
        assert result.ms["dns"] is not None, result.line


# It is too long for a label, which no server needs to be asked for.
def test_name_that_is_none():
    result = check_one(f"http://{'a' * 64}.test/")
    result.says(code="resolve", remote=None, bytes=0)
    assert result.words.startswith("cannot resolve host: "), result.line


# the request

def test_headers_of_a_request():
    with Server() as server:
        check_one(server.url("/ok"))
        headers = server.requests[0].headers
        assert headers["host"] == [server.remote] and headers["accept"] == ["*/*"]
        assert len(headers["user-agent"]) == 1 and headers["user-agent"][0]


def test_header_is_sent():
    with Server() as server:
        check_one("--header", "X-One: 1", "--header", "x-two:2 3", "--header=X-One: again",
                  "--header", "User-Agent: a test", "--header", "host: other.test",
                  "--header", "ACCEPT: text/html", server.url("/ok"))
        headers = server.requests[0].headers
        assert headers["x-one"] == ["1", "again"] and headers["x-two"] == ["2 3"]
        assert headers["user-agent"] == ["a test"] and headers["accept"] == ["text/html"]
        assert headers["host"] == ["other.test"]


SECRETS = {"authorization": "Basic x", "cookie": "a=b", "proxy-authorization": "Basic y"}


def options_of_secrets():
    return [word for name, value in {**SECRETS, "x-open": "1"}.items()
            for word in ("--header", f"{name}: {value}")]


def has_secrets(request):
    assert request.headers["x-open"] == ["1"]
    sent = [name for name in SECRETS if name in request.headers]
    assert sent in ([], list(SECRETS)), sent
    return bool(sent)


def test_secrets_stay_at_home():
    with Server() as home, Server() as away:
        check_one(*options_of_secrets(), home.url(f"/to?/to?{away.url('/ok')}")).says(status=200)
        assert [has_secrets(request) for request in home.requests] == [True, True]
        assert [has_secrets(request) for request in away.requests] == [False]
        renamed = home.url("/ok", "localhost")
        check_one(*options_of_secrets(), home.url(f"/to?{renamed}")).says(status=200)
        assert [has_secrets(request) for request in home.requests[2:]] == [True, False]


# The host and the port are the same: but who listens on the way would read them.
def test_secrets_do_not_leave_tls():
    with folder() as path:
        authority = Authority(path)
        context = authority.certificate("good").server_context()
        with Server(answer_by_path, tls=context, also_plain=True) as server:
            where = f"http://127.0.0.1:{server.port}/ok"
            result = check_one("--cacert", authority.path, *options_of_secrets(),
                               server.url(f"/to?{where}"))
            result.says(status=200, redirects=[where])
            assert [has_secrets(request) for request in server.requests] == [True, False]


def test_head_stays_head():
    with Server() as server:
        for code in (301, 302, 303, 307, 308):
            check_one("--method", "HEAD", server.url(f"/to/{code}?/ok")).says(status=200, bytes=0)
        assert [request.method for request in server.requests] == ["HEAD"] * 10


# what is good

def test_expected_statuses_are_good():
    with Server() as server:
        urls = [server.url(f"/status/{code}") for code in (200, 204, 404, 500)]
        outcome = check("--expect", "404,500", *urls)
        assert [outcome[url].ok for url in urls] == [False, False, True, True]
        assert outcome.status == 1
        assert check("--expect=200,204,404", "--expect", "500,200,204,404", *urls).status == 0


def test_expected_redirect_is_not_followed():
    with Server() as server:
        url = server.url("/to/301?/ok")
        check_one("--expect", "301", url).says(status=301, redirects=[], ok=True)
        check_one("--expect", "302", url).says(status=200, redirects=[server.url("/ok")], ok=False)


# limits

class Crowd:
    """A behaviour: each waits until so many are there at once, or for no more than a moment."""

    def __init__(self, expected):
        self.condition = threading.Condition()
        self.expected, self.inside, self.most = expected, 0, 0

    def __call__(self, connection):
        connection.receive_request()
        with self.condition:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.condition.notify_all()
            self.condition.wait_for(lambda: self.most >= self.expected, LIMIT)
            self.condition.wait(0.02)  # does one more come?
            self.inside -= 1
        connection.answer(200)


def test_so_many_at_once():
    for options, expected in ((["--concurrency", 7], 7), ([], 10), (["--concurrency", 1], 1)):
        crowd = Crowd(expected)
        with Server(crowd) as server:
            outcome = check(*options, *(server.url(f"/{i}") for i in range(4 * expected)))
            assert outcome.status == 0 and len(outcome.results) == 4 * expected
            assert crowd.most == expected, crowd.most


# The limit is that of a host and port, so that one of them does not hold up the other.
def test_so_many_at_once_on_a_host():
    one, other = Crowd(3), Crowd(3)
    with Server(one) as first, Server(other) as second:
        urls = [server.url(f"/{i}") for i in range(15) for server in (first, second)]
        outcome = check("--per-host", 3, "--concurrency", 20, *urls)
        assert outcome.status == 0 and len(outcome.results) == 30
        assert (one.most, other.most) == (3, 3)


def test_both_limits_hold():
    crowd = Crowd(5)
    with Server(crowd) as first, Server(crowd) as second:
        urls = [server.url(f"/{i}") for i in range(15) for server in (first, second)]
        outcome = check("--per-host", 4, "--concurrency", 5, *urls)
        assert outcome.status == 0 and crowd.most == 5, crowd.most


def test_busy_host_does_not_hold_up_another():
    with Server() as slow, Server() as quick:
        urls = [slow.url("/silent"), slow.url("/ok"), quick.url("/ok"), quick.url("/ok?2")]
        with started("--per-host", 1, "--concurrency", 3, "--timeout", 3600000, *urls) as running:
            assert {running.result().url, running.result().url} == set(urls[2:])
            wait_until(lambda: slow.requests)
            running.interrupt().ends_soon()
        assert slow.targets() == ["/silent"]


def test_results_come_as_they_are_ready():
    with Server() as server:
        urls = [server.url("/late/600"), server.url("/late/300"), server.url("/ok")]
        outcome = check(*urls)
        assert [result.url for result in outcome.results] == urls[::-1]


# retries

def test_retry_until_it_is_good():
    with Server() as server:
        for code in (408, 429, 500, 502, 503, 504):
            url = server.url(f"/fails/{code}/2/{code}")
            check_one("--retry", 5, "--retry-delay", 1, url).says(status=200, attempts=3)
            assert server.counts[str(code)] == 3


def test_retry_has_an_end():
    with Server() as server:
        url = server.url("/fails/503/100/a")
        check_one("--retry", 3, "--retry-delay", 1, url).says(status=503, attempts=4)
        assert server.counts["a"] == 4
        check_one(url).says(status=503, attempts=1)


def test_retry_of_what_may_pass_only():
    need_tls()
    with Server() as server, refusing_port() as port, Server(plain_text) as plain:
        words = ["--retry", 2, "--retry-delay", 1]
        again = [server.url(path) for path in ("/reset", "/empty", "/cut-header", "/cut-body",
                                               "/status/500", "/to?/status/503")]
        again.append(f"http://127.0.0.1:{port}/")
        once = [server.url(path) for path in ("/status/404", "/status/501", "/http09", "/long-line",
                                              "/ok", "/loop/a", "/to?ftp://h/")]
        once += [f"https://127.0.0.1:{plain.port}/", "http://"]
        outcome = check(*words, *again, *once)
        for url in again:
            assert outcome[url].attempts == 3, outcome[url].line
        for url in once:
            assert outcome[url].attempts <= 1, outcome[url].line
        assert server.targets().count("/to?/status/503") == 3
        check_one(*words, "--expect", "503", server.url("/status/503")).says(status=503, ok=True,
                                                                           attempts=1)


# 100 ms, 200, 400: each is cut by up to a half.
def test_retries_rest_longer_each_time():
    with Server() as server:
        check_one("--retry", 3, "--retry-delay", 100, server.url("/fails/503/3/a")).says(
            status=200, attempts=4)
        times = [request.time for request in server.requests]
        rests = [after - before for before, after in zip(times, times[1:])]
        assert all(rest > least for rest, least in zip(rests, (0.049, 0.099, 0.199))), rests
        assert sum(rests) < 20


# what is printed

def test_lines_for_people():
    with Server() as server:
        good, bad, worse = (server.url(path) for path in ("/ok", "/status/404", "/empty"))
        lines = read(good, bad, worse, status=1).split("\n")
        said = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[:3]}
        assert said[good].startswith("200 Said ") and said[good].endswith(" ms"), lines
        assert said[bad].startswith("404 Said "), lines
        assert said[worse].startswith("connection closed before an answer "), lines
        assert lines[3] == "" and lines[4].startswith("3 checked, 1 good"), lines
        assert read(good, status=0).count("\n") == 1


def test_no_control_character_is_printed():
    with Server() as server:
        urls = [server.url("/escape"), server.url("/to?/%1b[2J"), server.url("/to?ftp://%1b[2J/"),
                server.url("/\x1b[2J"), "http://\x1b[2J/", "\x9b2J://h/", "http://h/\rgone",
                "http://h/\udcff"]
        printed = read(*urls, status=1) + "".join(result.line for result in check(*urls).results)
        assert all(c == "\n" or " " <= c < "\x7f" or c > "\x9f" for c in printed), repr(printed)


# where URLs come from

def test_urls_on_standard_input():
    with Server() as server:
        urls = [server.url(f"/bytes/{i}") for i in range(500)]
        text = "# a comment\n\n" + "\n".join(urls)
        outcome = check("--concurrency", 50, text=text)
        assert outcome.status == 0
        assert sorted(result.url for result in outcome.results) == sorted(urls)
        assert all(result.bytes == urls.index(result.url) for result in outcome.results)


def test_bad_urls_are_told():
    with Server() as server:
        bad = ["http://", "ftp://h/", "h", "http://h:70000/", "http://h h/", "http://[::1", "://x"]
        outcome = check(server.url("/ok"), *bad)
        assert outcome.status == 1
        outcome[server.url("/ok")].says(status=200)
        for url in bad:
            outcome[url].says(code="bad_url", remote=None, bytes=0)


if __name__ == "__main__":
    run(globals())
