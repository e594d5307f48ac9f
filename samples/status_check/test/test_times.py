"""
Description: a time is told of what has happened, and of nothing else: test_times.py PROGRAM NAME
runs test_NAME. A lookup that nobody was asked for has not happened, nor has a connection that was
refused.
"""
from certificates import Authority
from hostile import Server, answer_by_path, hears_and_is_silent, plain_text, silent_at_once
from support import (addresses, check, check_one, folder, full_listener, need_tls, refusing_port,
                     run, skip, started, wait_until)


def happened(result, *names):
    """But for the lookup."""
    actual = [name for name in result.happened() if name != "dns"]
    assert actual == [*names, "total"], result.line


def test_times_of_an_answer():
    with Server() as server:
        for path in ("/ok", "/status/404", "/cut-body", "/chunked-bad", "/to?/ok", "/http09"):
            happened(check_one(server.url(path)), "connect", "first_byte")


def test_times_of_a_lookup():
    if "127.0.0.1" not in addresses("localhost"):
        skip("localhost is something else")
    with Server() as server:
        named = server.url("/ok", "localhost")
        for url in (named, server.url(f"/to?{named}")):
            result = check_one(url).says(status=200)
            assert result.ms["dns"] > 0, result.line
    result = check_one(f"http://{'a' * 64}.test/").says(code="resolve")
    assert result.ms["dns"] is None, result.line


def test_address_is_not_looked_up():
    with Server() as server:
        named = server.url("/to?" + server.url("/ok"), "localhost")
        for url in (server.url("/ok"), named):
            result = check_one(url).says(status=200)
            assert result.ms["dns"] is None, result.line


def test_times_without_an_answer():
    with Server() as server, Server(silent_at_once) as deaf:
        outcome = check("--timeout", 300, server.url("/silent"), server.url("/empty"),
                        server.url("/reset"), deaf.url("/"))
        for result in outcome.results:
            happened(result, "connect")


def test_times_without_a_connection():
    with refusing_port() as port, full_listener() as full, Server() as server:
        refused = f"http://127.0.0.1:{port}/"
        outcome = check("--timeout", 300, refused, f"http://127.0.0.1:{full}/", "http://",
                        server.url(f"/to?{refused}"), server.url("/to?ftp://h/"))
        for result in outcome.results:
            happened(result)


def test_times_of_tls():
    with folder() as path:
        authority = Authority(path)
        context = authority.certificate("good").server_context()
        with Server(answer_by_path, tls=context) as server:
            trusting = ["--cacert", authority.path]
            happened(check_one(*trusting, server.url("/ok")), "connect", "tls", "first_byte")
            silent = server.url("/silent")
            happened(check_one(*trusting, "--timeout", 1500, silent), "connect", "tls")
            happened(check_one(server.url("/ok")), "connect")


def test_times_without_tls():
    need_tls()
    for serve in (plain_text, hears_and_is_silent, lambda connection: connection.socket.recv(1)):
        with Server(serve) as server:
            happened(check_one("--timeout", 300, f"https://127.0.0.1:{server.port}/"), "connect")


def test_times_of_what_has_not_begun():
    with Server() as server:
        urls = [server.url(f"/silent/{i}") for i in range(5)]
        with started("--concurrency", 1, "--timeout", 3600000, *urls) as running:
            wait_until(lambda: server.requests)
            outcome = running.interrupt().ends_soon()
        for result in outcome.results:
            if server.origin + server.targets()[0] == result.url:
                happened(result, "connect")
            else:
                happened(result)


if __name__ == "__main__":
    run(globals())
