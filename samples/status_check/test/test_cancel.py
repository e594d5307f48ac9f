"""
Description: the program interrupted wherever it may be: test_cancel.py PROGRAM NAME runs test_NAME.
All timeouts are longer than a test may take.
"""
import contextlib
import signal

from certificates import Authority
from hostile import Server, answer_by_path, hears_and_is_silent, silent_at_once
from support import folder, full_listener, need_tls, run, started, wait_until

PATIENT = ["--timeout", 3600000, "--connect-timeout", 3600000]


@contextlib.contextmanager
def patient(*words):
    with started(*PATIENT, *words) as running:
        yield running


def cancelled(running, signum=signal.SIGINT):
    """The results of a run that is interrupted now; all are of what was cancelled."""
    outcome = running.interrupt(signum).ends_soon()
    assert outcome.status == 1, outcome.err
    for result in outcome.results:
        assert (result.code, result.words) == ("cancelled", "cancelled"), result.line
    return outcome.results


def is_asked(server, n=1):
    return lambda: len(server.requests) == n


def test_interrupt_while_connecting():
    with full_listener() as port, patient(f"http://127.0.0.1:{port}/") as running:
        wait_until(lambda: running.is_connecting(port))
        (result,) = cancelled(running)
        result.says(code="cancelled", remote=None)


def test_interrupt_in_the_handshake():
    need_tls()
    with Server(hears_and_is_silent) as server, \
            patient(f"https://127.0.0.1:{server.port}/") as running:
        server.halfway.wait()
        (result,) = cancelled(running)
        result.says(code="cancelled", remote=server.remote)


def test_interrupt_while_waiting_for_an_answer():
    for signum in (signal.SIGINT, signal.SIGTERM):
        with Server() as server, patient(server.url("/silent")) as running:
            wait_until(is_asked(server))
            (result,) = cancelled(running, signum)
            result.says(code="cancelled", remote=server.remote, bytes=0)


def test_interrupt_inside_the_body():
    with Server() as server, patient(server.url("/half-body")) as running:
        server.halfway.wait()
        wait_until(lambda: running.has_read(server.port))
        (result,) = cancelled(running)
        result.says(code="cancelled", status=200, remote=server.remote, bytes=50)


def test_interrupt_inside_a_body_over_tls():
    with folder() as path:
        authority = Authority(path)
        context = authority.certificate("good").server_context()
        with Server(answer_by_path, tls=context) as server, \
                patient("--cacert", authority.path, server.url("/half-body")) as running:
            server.halfway.wait()
            wait_until(lambda: running.has_read(server.port))
            (result,) = cancelled(running)
            result.says(code="cancelled", status=200, bytes=50)


# The first answer is followed by an hour's rest.
def test_interrupt_before_a_retry():
    with Server() as server:
        url = server.url("/fails/503/1000/a")
        with patient("--retry", 5, "--retry-delay", 3600000, url) as running:
            wait_until(lambda: server.requests and not running.sockets(server.port))
            (result,) = cancelled(running)
            result.says(code="cancelled", status=503, attempts=1)


def test_interrupt_behind_a_redirect():
    with Server() as server, patient(server.url("/to?/silent")) as running:
        wait_until(is_asked(server, 2))
        (result,) = cancelled(running)
        assert result.redirects == [server.url("/silent")], result.line


def test_interrupt_before_the_beginning():
    with Server() as server:
        urls = [server.url(f"/silent/{i}") for i in range(20)]
        with patient("--concurrency", 3, *urls) as running:
            wait_until(is_asked(server, 3))
            results = cancelled(running)
        assert sorted(result.url for result in results) == sorted(urls)
        assert len(server.requests) == 3
        begun = {server.origin + request.target for request in server.requests}
        for result in results:
            assert (result.remote is not None) == (result.url in begun), result.line


def test_interrupt_before_the_beginning_by_host():
    with Server() as server:
        urls = [server.url(f"/silent/{i}") for i in range(20)]
        with patient("--per-host", 2, *urls) as running:
            wait_until(is_asked(server, 2))
            results = cancelled(running)
        assert sorted(result.url for result in results) == sorted(urls)
        assert len(server.requests) == 2


# What was done before stays done, and is in the summary.
def test_interrupt_keeps_what_is_known():
    with Server() as server:
        good, bad = server.url("/ok"), server.url("/silent")
        with patient(bad, good) as running:
            assert running.result().url == good
            wait_until(is_asked(server, 2))
            outcome = running.interrupt().ends_soon()
        assert outcome.status == 1
        outcome[good].says(status=200)
        outcome[bad].says(code="cancelled")
        assert "2" in outcome.err and "cancelled" in outcome.err, outcome.err


def test_interrupt_of_many_at_once():
    need_tls()
    with Server() as server, Server(silent_at_once) as deaf, full_listener() as port:
        urls = [each for i in range(60) for each in (
            server.url(f"/silent/{i}"), f"https://127.0.0.1:{deaf.port}/{i}",
            f"http://127.0.0.1:{port}/{i}", server.url(f"/endless-body/{i}"))]
        with patient("--concurrency", 1000, "--max-body", 1 << 40, *urls) as running:
            wait_until(lambda: len(server.requests) == 120 and deaf.accepted == 60)
            results = cancelled(running)
        assert sorted(result.url for result in results) == sorted(urls)
        for result in results:
            if "/endless-body" in result.url:
                assert result.remote == server.remote, result.line


# A round is over at once; the interrupt comes in the second between it and the next.
def test_watch_goes_round_until_an_interrupt():
    with Server() as server:
        urls = [server.url("/ok"), server.url("/status/500")]
        with patient("--watch", 1, *urls) as running:
            for _ in range(2):
                found = {running.result().url for _ in urls}
                assert found == set(urls)
            outcome = running.interrupt().ends_soon()
        assert outcome.status == 1
        assert len(outcome.results) - 4 in (0, 2)  # on a slow machine the third has begun
        assert str(len(outcome.results)) in outcome.err, outcome.err


def test_watch_waits_between_rounds():
    with Server() as server, patient("--watch", 1, server.url("/ok")) as running:
        for _ in range(3):
            running.result().says(status=200)
        outcome = running.interrupt().ends_soon()
        times = [request.time for request in server.requests]
        assert times[2] - times[1] > 0.5, times  # the first one may have been late
        assert outcome.status == 0 or outcome.results[-1].code == "cancelled"


def test_watch_is_interrupted_in_a_round():
    with Server() as server, patient("--watch", 1, server.url("/silent")) as running:
        wait_until(is_asked(server))
        (result,) = cancelled(running)
        result.says(code="cancelled")


if __name__ == "__main__":
    run(globals())
