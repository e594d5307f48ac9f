"""
Description: thousands of URLs in one run, good and bad ones: test_scale.py PROGRAM NAME runs
test_NAME. Each has to be told rightly, and the program grows with how many are asked at once, not
with how many there are.
"""
import collections
import os
import time

from certificates import Authority
from hostile import Server
from real import nginx
from support import IS_SANITIZED, folder, need, refusing_port, run, started

AT_ONCE = 200
MEGABYTE = 1 << 20
GROWTH = (16 if IS_SANITIZED else 4) * MEGABYTE
N = 1000 if IS_SANITIZED else 3000
PATIENCE = 12000 if IS_SANITIZED else 6000  # ms: the timeout, for what is silent and for all

Case = collections.namedtuple("Case", "url expected")


def cases_of(server, hostile, port, n):
    """So that the bad ones are spread among the good."""
    http, https = server.http, server.https
    kinds = [
        (http + "/small.txt?", dict(status=200, bytes=6)),
        (http + "/text.txt?", dict(status=200, bytes=110000)),
        (https + "/small.txt?", dict(status=200, bytes=6)),
        (http + "/missing?", dict(status=404)),
        (http + "/other?", dict(status=200, redirects=[
            http + path for path in ("/found", "/moved", "/small.txt")])),
        (https + "/text.txt?", dict(status=200, bytes=110000)),
        (http + "/none?", dict(status=204, bytes=0)),
        (http + "/to-https?", dict(status=200, redirects=[https + "/small.txt"])),
        (hostile.origin + "/cut-body?", dict(status=200, code="cut_off", bytes=10)),
        (f"http://127.0.0.1:{port}/?", dict(code="connect", remote=None)),
        (http + "/small.txt?again", dict(status=200, bytes=6)),
        (hostile.origin + "/chunked-bad?", dict(status=200, code="not_http")),
        (https + "/missing?", dict(status=404)),
        (hostile.origin + "/reset?", dict(code="lost")),
        (http + "/cut?", dict(code="empty")),
        (hostile.origin + "/to/302?ftp://h/", dict(code="bad_url")),
        (hostile.origin + "/endless-header?", dict(code="header_size")),
        (http + "/round?", dict(status=302, code="redirect_loop")),
        (hostile.origin + "/endless-body?", dict(status=200, bytes=200000)),
        (https + "/gone?", dict(status=410)),
    ]
    return [Case(f"{kinds[i % len(kinds)][0]}{i}", kinds[i % len(kinds)][1]) for i in range(n)]


def with_silent_ones(cases, server, every):
    """Among the others, at the beginning: so that they do not hold up the end."""
    for i in range(10):
        cases.insert(i * every, Case(server.url(f"/silent/{i}"), dict(code="timeout")))
    return cases


class Sizes:
    """Of the program, while it runs."""

    def __init__(self):
        self.descriptors, self.memory = [], []

    def take(self, running):
        self.descriptors.append(len(running.descriptors()))
        self.memory.append(running.memory())

    def check(self):
        megabytes = [round(size / MEGABYTE, 1) for size in self.memory]
        print("descriptors", self.descriptors, "MB", megabytes)
        # one for each that runs; the rest is what the loop needs, and standard input and output
        assert max(self.descriptors) <= AT_ONCE + 30, self.descriptors
        assert max(self.descriptors) > AT_ONCE / 4, self.descriptors
        assert max(self.memory) - self.memory[0] <= GROWTH, megabytes


def forget_soon():
    """A sanitizer keeps what has been freed, lest it be used: so much of it hides what grows."""
    options = [os.environ.get("ASAN_OPTIONS", ""), "quarantine_size_mb=8"]
    os.environ["ASAN_OPTIONS"] = ":".join(filter(None, options))


def compare(cases, *options):
    """Runs all, takes the sizes from the 100th result on, and compares each result."""
    expected = {case.url: case.expected for case in cases}
    sizes = Sizes()
    text = "".join(case.url + "\n" for case in cases)
    start = time.monotonic()
    with started("--concurrency", AT_ONCE, *options, text=text) as running:
        for i in range(len(cases)):
            running.result()
            if i >= 100 and i % 25 == 0:
                sizes.take(running)
        outcome = running.end()
    print(f"{len(cases)} in {time.monotonic() - start:.1f} s")
    assert outcome.status == 1 and len(outcome.results) == len(cases) == len(expected)
    for result in outcome.results:
        result.says(**expected.pop(result.url))
    assert not expected and outcome.err.startswith(f"{len(cases)} checked, "), outcome.err
    return sizes


def test_many_of_all_kinds():
    need("nginx", "openssl")
    forget_soon()
    with folder() as path:
        authority = Authority(path)
        with nginx(path, authority.certificate("good")) as server, Server() as hostile, \
                refusing_port() as port:
            cases = with_silent_ones(cases_of(server, hostile, port, N), hostile, 20)
            compare(cases, "--cacert", authority.path, "--timeout", PATIENCE,
                    "--max-body", 200000).check()


if __name__ == "__main__":
    run(globals())
