"""
Description: hosts of several addresses, and a resolver that is slow, silent, or broken:
test_names.py PROGRAM NAME runs test_NAME, in namespaces of its own: they have a network of nothing
but a loopback, /etc/hosts and the resolver of the test. Where that is not allowed it is skipped.
"""
import contextlib
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from hostile import Server
from support import (LIMIT, SOON, addresses, check, check_one, folder, full_listener, run, skip,
                     started, wait_until)

HOSTS = """
127.0.0.1 localhost
::1 localhost
127.0.0.1 both.test
::1 both.test
"""
NO_ERROR, BROKEN, ABSENT = 0x8180, 0x8182, 0x8183  # what a resolver says, as the flags of a message


class Resolver:
    """By the name: silent..., absent..., broken..., once-broken...; all others are 127.0.0.1."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.asked = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, client = self.socket.recvfrom(512)
            length = query[12]
            name = query[13:13 + length].decode()
            self.asked.append(name)
            if not name.startswith("silent"):
                self.socket.sendto(self.answer(query, name), client)

    def answer(self, query, name):
        end = query.index(b"\0", 12) + 5
        question, is_a = query[12:end], query[end - 4:end - 2] == b"\0\1"
        code = {"absent": ABSENT, "broken": BROKEN}.get(name.split("-")[0], NO_ERROR)
        if name.startswith("once-broken") and self.asked.count(name) <= 2:  # once for each family
            code = BROKEN
        has_answer = is_a and code == NO_ERROR
        answer = struct.pack("!HHHIH", 0xc00c, 1, 1, 0, 4) + bytes([127, 0, 0, 1])
        return (query[:2] + struct.pack("!HHHHH", code, 1, has_answer, 0, 0) + question +
                (answer if has_answer else b""))


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS, up and running


def put(path, text, place):
    """In the place of a file that everybody else still sees as it was."""
    with open(path, "w") as file:
        file.write(text)
    subprocess.run(["mount", "--bind", path, place], check=True, timeout=LIMIT)


@contextlib.contextmanager
def names():
    """The resolver of libc waits half a minute for an answer, and asks but once."""
    with folder() as path:
        raise_loopback()
        put(f"{path}/hosts", HOSTS, "/etc/hosts")
        put(f"{path}/nsswitch.conf", "hosts: files dns\n", "/etc/nsswitch.conf")
        put(f"{path}/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n",
            "/etc/resolv.conf")
        yield Resolver()


# several addresses

def test_address_that_refuses():
    with names():
        for host in ("127.0.0.1", "::1"):
            with Server(host=host) as server:
                result = check_one(server.url("/ok", "both.test")).says(status=200, attempts=1)
                assert result.remote == server.remote, result.line
        closed = server.url("/ok", "both.test")
        check_one(closed).says(code="connect", words="cannot connect: connection refused",
                               remote=None)


def test_address_that_is_silent():
    with names(), full_listener() as port:
        if addresses("both.test")[-1] != "127.0.0.1":
            skip("the silent address is not the last one")
        result = check_one("--connect-timeout", 300, "--timeout", 3600000,
                           f"http://both.test:{port}/")
        result.says(code="timeout", words="timed out connecting", remote=None)
        assert 290 < result.ms["total"] < 20000, result.line


def test_address_behind_a_silent_one():
    with names(), full_listener("::1") as port, Server(port=port) as server:
        if addresses("both.test")[0] != "::1":
            skip("the silent address is not the first one")
        result = check_one("--connect-timeout", 300, server.url("/ok", "both.test"))
        result.says(status=200, remote=server.remote)
        assert result.ms["connect"] > 290, result.line  # for both


# lookups

def test_name_of_the_resolver():
    with names(), Server() as server:
        check_one(server.url("/ok", "some.test")).says(status=200, remote=server.remote)
        assert server.requests[0].headers["host"] == [f"some.test:{server.port}"]


def test_names_that_lead_nowhere():
    with names():
        absent, broken = "http://absent.test/", "http://broken.test/"
        outcome = check("--retry", 1, "--retry-delay", 1, absent, broken)
        for result in outcome.results:
            result.says(code="resolve", remote=None, attempts=2)
            assert result.words.startswith("cannot resolve host: "), result.line
        assert outcome[absent].words != outcome[broken].words


def test_lookup_is_retried():
    with names(), Server() as server:
        url = server.url("/ok", "once-broken.test")
        check_one("--retry", 5, "--retry-delay", 1, url).says(status=200, attempts=2)


def test_lookup_times_out():
    with names(), started("--timeout", 300, "http://silent.test/") as running:
        result = running.result()
        result.says(code="timeout", words="timed out looking up the host", remote=None)
        assert 290 < result.ms["total"] < 20000, result.line


def test_lookups_that_hang_hold_up_nobody():
    with names(), Server() as server:
        hanging = [f"http://silent-{i}.test/" for i in range(20)]
        quick = [server.url("/ok"), server.url("/ok", "some.test"), server.url("/ok", "localhost")]
        words = ["--concurrency", 30, "--timeout", 3600000, *hanging, *quick]
        with started(*words) as running:
            assert {running.result().url for _ in quick} == set(quick)
            running.interrupt()
            assert {running.result().code for _ in hanging} == {"cancelled"}


# It cannot be taken back: what is known is told, and a second interrupt does not wait for it.
def test_second_interrupt_ends_a_lookup():
    with names() as resolver:
        with started("--timeout", 3600000, "http://silent.test/") as running:
            wait_until(lambda: "silent" in resolver.asked)
            running.interrupt()
            running.result().says(code="cancelled", remote=None)
            start = time.monotonic()
            running.interrupt()
            assert running.process.wait(LIMIT) == -signal.SIGINT
            assert time.monotonic() - start < SOON


def enter():
    """Starts this test again in namespaces of its own."""
    words = ["unshare", "--map-root-user", "--mount", "--net"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        subprocess.run([*words, "mount", "--bind", "/etc/hosts", "/etc/hosts"], check=True,
                       capture_output=True, timeout=LIMIT)
        os.execvpe(words[0], [*words, sys.executable, "-B", *sys.argv],
                   {**os.environ, "STATUS_CHECK_NAMESPACE": "1"})
    skip("no namespaces")


if __name__ == "__main__":
    if os.environ.get("STATUS_CHECK_NAMESPACE") != "1":
        enter()
    run(globals())
