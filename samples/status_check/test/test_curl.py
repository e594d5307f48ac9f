"""
Description: the program and curl are asked the same, and have to agree on the status, on where
redirects lead, and on what is wrong: test_curl.py PROGRAM NAME runs test_NAME.
"""
import collections
import concurrent.futures
import contextlib
import subprocess

from certificates import Authority
from hostile import Server, answer_by_path, plain_text, silent_at_once
from real import nginx
from support import LIMIT, check, folder, full_listener, need, need_tls, refusing_port, run

LAST = r'%{http_code}\n%{num_redirects}\n%{url_effective}\n%{exitcode}'

# curl's exit codes (curl(1), EXIT CODES), and what they are called here
CODES = {
    0: {None},
    1: {"bad_url", "not_http"},  # an unsupported protocol; HTTP/0.9
    3: {"bad_url"},
    6: {"resolve"},
    7: {"connect"},
    8: {"not_http"},
    18: {"cut_off"},
    28: {"timeout"},
    35: {"tls"},
    47: {"redirects"},
    52: {"empty"},
    56: {"lost", "not_http"},
    60: {"certificate"},
}


# What both say: a status or none, how often redirected, the last URL, what is wrong.
Answer = collections.namedtuple("Answer", "status redirects last code")


def ask_curl(options, url):
    words = ["curl", "-q", "-s", "-o", "/dev/null", "-L", "--max-redirs", "10", "--noproxy", "*",
             "-w", LAST, *options, url]
    out = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT).stdout
    status, redirects, last, code = out.split("\n")
    return Answer(int(status) or None, int(redirects), last, int(code))


def answer_of(result):
    return Answer(result.status, len(result.redirects), [result.url, *result.redirects][-1],
                  result.code)


def ask_both(urls, *options, curl=()):
    """A pair for each URL: of curl, and of the program."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        by_curl = list(pool.map(lambda url: ask_curl(curl, url), urls))
    outcome = check("--concurrency", 100, *options, *urls)
    return [(curls, answer_of(outcome[url])) for url, curls in zip(urls, by_curl)]


def agree(urls, *options, curl=()):
    for curls, own in ask_both(urls, *options, curl=curl):
        assert own.code in CODES[curls.code], (curls, own)
        assert own[:2] == curls[:2], (curls, own)
        assert plain(own.last) == plain(curls.last), (curls, own)


def plain(url):
    """curl writes "/" where there is no path, and forgets some fragments."""
    return url.split("#")[0].rstrip("/")


def differ(server, cases, *options, curl=()):
    """Both are compared with what the case says of them."""
    answers = ask_both([server.url(path) for path in cases], *options, curl=curl)
    for (path, expected), pair in zip(cases.items(), answers):
        for (status, redirects, last, code), actual in zip(expected, pair):
            wanted = Answer(status, redirects, server.url(last or path), code)
            assert actual == wanted, (actual, wanted)


def test_agrees_on_nginx():
    need("curl")
    with folder() as path:
        authority = Authority(path)
        with nginx(path, authority.certificate("good")) as server:
            paths = ("/", "/small.txt", "/text.txt", "/big.bin", "/missing", "/none", "/gone",
                     "/broken", "/cut", "/moved", "/found", "/other", "/kept", "/kept-for-good",
                     "/to-http", "/to-https", "/there-and-back", "/small.txt?a=b#c")
            urls = [origin + path for origin in (server.http, server.https) for path in paths]
            agree(urls, "--timeout", 30000, "--cacert", authority.path,
                  curl=["--cacert", authority.path])


def test_agrees_on_what_is_unusual():
    need("curl")
    with Server() as server:
        paths = ["/ok", "/chunked", "/http10", "/early-hints", "/continue-204", "/not-modified",
                 "/status/418", "/no-location", "/bytes/0", "/bytes/100000"]
        locations = ["ok", "./ok", "../ok", "?ok", "/a/../ok", f"//localhost:{server.port}/ok",
                     server.named("localhost"), "/ok%23part", "/ok?x%2520y", "%20/ok%09"]
        codes = [f"/to/{code}?/ok" for code in (301, 302, 303, 307, 308)]
        urls = [server.url(path) for path in paths + codes]
        urls += [server.url(f"/to/302?{location}") for location in locations]
        agree(urls, "--timeout", 30000, curl=["--max-time", "30"])


def test_agrees_on_head():
    need("curl")
    with Server() as server:
        urls = [server.url(path) for path in ("/head", "/ok", "/to?/head", "/to/303?/head",
                                              "/missing", "/status/204")]
        agree(urls, "--method", "HEAD", curl=["--head"])


def test_agrees_on_what_is_wrong():
    need("curl")
    need_tls()
    with Server() as server, refusing_port() as port, Server(plain_text) as mute:
        paths = ["/empty", "/cut-body", "/chunked-cut", "/reset", "/reset-body", "/reset-endless",
                 "/chunked-bad", "/http09", "/binary", "/more-than-said"]
        urls = [server.url(path) for path in paths]
        urls += [f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{port}/",
                 f"https://127.0.0.1:{mute.port}/", "ftp2://h/", "http://", "http://h h/",
                 f"http://{'a' * 64}.test/"]
        agree(urls, "--timeout", 30000)


def test_agrees_on_timeouts():
    need("curl")
    need_tls()
    with Server() as server, Server(silent_at_once) as deaf, full_listener() as port:
        urls = [server.url(path) for path in ("/silent", "/drip-body", "/half-body", "/late/60000")]
        urls += [deaf.url("/"), f"https://127.0.0.1:{deaf.port}/", f"http://127.0.0.1:{port}/"]
        agree(urls, "--timeout", 700, curl=["--max-time", "0.7"])


def test_agrees_on_certificates():
    need("curl")
    with folder() as path, contextlib.ExitStack() as stack:
        authority = Authority(path)
        certificates = [authority.certificate("good"), authority.certificate("old", days=-1),
                        authority.certificate("other", ["DNS:other.test"]), authority.self_signed()]
        servers = [stack.enter_context(Server(answer_by_path, tls=each.server_context()))
                   for each in certificates]
        urls = [each.url("/ok", host) for each in servers for host in ("127.0.0.1", "localhost")]
        trusting = ["--cacert", authority.path]
        agree(urls, "--timeout", 30000, *trusting, curl=trusting)
        agree(urls, "--timeout", 30000)
        agree(urls, "--timeout", 30000, "--insecure", curl=["--insecure"])


def test_agrees_on_the_end_of_tls():
    need("curl")
    with folder() as path:
        authority = Authority(path)
        context = authority.certificate("good").server_context()
        trusting = ["--cacert", authority.path]
        with Server(answer_by_path, tls=context) as server:
            paths = ["/notified", "/truncated-complete", "/truncated-early", "/empty", "/chunked"]
            agree([server.url(path) for path in paths], *trusting, curl=trusting)
            differ(server, {
                # curl does not mind how a body without a length ends, and OpenSSL is told so
                "/truncated": ((200, 0, None, 0), (200, 0, None, "cut_off")),
            }, *trusting, curl=trusting)


def test_differs_on_redirects():
    need("curl")
    with Server() as server:
        differ(server, {
            # curl counts its redirects, and does not look whether it has been there
            "/loop/a": ((302, 10, "/loop/a", 47), (302, 2, "/loop/a", "redirect_loop")),
            # the one too many is told
            "/r/1": ((302, 10, "/r/11", 47), (302, 11, "/r/12", "redirects")),
            # curl follows whatever is 3xx and has a Location; RFC 9110 leaves 300 to people, has no
            # meaning for a Location of 304 and 306, and has abolished 305
            **{f"/to/{code}?/ok": ((200, 1, "/ok", 0), (code, 0, None, None))
               for code in (300, 304, 305, 306)},
            # curl tells the last status that it had, of whatever request
            "/to?/empty": ((302, 1, "/empty", 52), (None, 1, "/empty", "empty")),
            # curl makes a space in a query a plus, as in forms
            "/to?/ok?x%20y": ((200, 1, "/ok?x+y", 0), (200, 1, "/ok?x%20y", None)),
        })


def test_differs_on_headers():
    need("curl")
    with Server() as server:
        # curl tells the status of a header that is not complete, and does not mind its missing end;
        # it has limits of its own: 100 KiB for a line, 300 KiB for all
        differ(server, {
            "/cut-header": ((200, 0, None, 0), (None, 0, None, "cut_off")),
            "/reset-header": ((200, 0, None, 56), (None, 0, None, "lost")),
            "/cut-after-1xx": ((100, 0, None, 52), (None, 0, None, "empty")),
            "/long-line": ((200, 0, None, 27), (None, 0, None, "header_size")),
            "/endless-header": ((200, 0, None, 56), (None, 0, None, "header_size")),
            "/endless-1xx": ((102, 0, None, 56), (None, 0, None, "header_size")),
            "/drip-header": ((None, 0, None, 28), (None, 0, None, "timeout")),
            # what may be smuggled in is refused
            "/bare-lf": ((200, 0, None, 0), (None, 0, None, "not_http")),
            "/two-lengths": ((200, 0, None, 0), (None, 0, None, "not_http")),
        }, "--timeout", 1500, curl=["--max-time", "1.5"])


def test_differs_on_much():
    need("curl")
    with Server() as server:
        # --max-body ends a check; curl's --max-filesize is a failure
        differ(server, {
            "/bytes/2000": ((200, 0, None, 63), (200, 0, None, None)),
        }, "--max-body", 1000, curl=["--max-filesize", "1000"])


if __name__ == "__main__":
    run(globals())
