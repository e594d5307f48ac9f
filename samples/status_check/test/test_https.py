"""
Description: whom the program trusts, and how TLS ends: test_https.py PROGRAM NAME runs test_NAME.
"""
import contextlib
import ssl

from certificates import Authority
from hostile import (Server, alert, answer_by_path, plain_text, reset_at_once,
                     silent_at_once)
from real import s_server
from support import check, check_one, folder, has_ipv6, need_tls, run, skip


@contextlib.contextmanager
def authority():
    with folder() as path:
        yield Authority(path)


def tls_server(certificate, **how):
    return Server(answer_by_path, tls=certificate.server_context(), **how)


# trust

def test_trusted_by_name_and_by_address():
    with authority() as ca, tls_server(ca.certificate("good")) as server:
        for host in ("127.0.0.1", "localhost", "LOCALHOST"):
            check_one("--cacert", ca.path, server.url("/ok", host)).says(status=200, bytes=5)


def test_trusted_by_ipv6_address():
    if not has_ipv6():
        skip("no ::1")
    with authority() as ca, tls_server(ca.certificate("good"), host="::1") as server:
        check_one("--cacert", ca.path, server.url("/ok")).says(status=200, remote=server.remote)
    with authority() as ca, tls_server(ca.certificate("other", ["IP:::2"]), host="::1") as server:
        check_one("--cacert", ca.path, server.url("/ok")).says(code="certificate")


# Of each: what is said of it; and that --insecure does not mind.
def compare(ca, certificate, words, *options, host="127.0.0.1"):
    with s_server(certificate, "-www") as port:
        url = f"https://{host}:{port}/"
        result = check_one(*options, url)
        result.says(code="certificate", bytes=0, remote=f"127.0.0.1:{port}")
        assert result.words.startswith("certificate not trusted: "), result.line
        assert words in result.words, result.line
        check_one("--insecure", url).says(status=200)
        check_one("--insecure", "--cacert", ca.path, url).says(status=200)


def test_unknown_authority():
    with authority() as ca:
        compare(ca, ca.certificate("good"), "local issuer certificate")


def test_expired_certificate():
    with authority() as ca:
        compare(ca, ca.certificate("old", days=-1), "expired", "--cacert", ca.path)


def test_self_signed_certificate():
    with authority() as ca:
        own = ca.self_signed()
        compare(ca, own, "self-signed", "--cacert", ca.path)
        with s_server(own, "-www") as port:
            check_one("--cacert", own.path, f"https://127.0.0.1:{port}/").says(status=200)


def test_certificate_of_another_host():
    with authority() as ca:
        trusting = ["--cacert", ca.path]
        compare(ca, ca.certificate("other", ["DNS:other.test"]), "mismatch", *trusting,
                host="localhost")
        compare(ca, ca.certificate("another", ["IP:127.0.0.2"]), "mismatch", *trusting)
        compare(ca, ca.certificate("name", ["DNS:localhost"]), "mismatch", *trusting)
        compare(ca, ca.certificate("address", ["IP:127.0.0.1"]), "mismatch", *trusting,
                host="localhost")


def test_trusted_file_that_is_none():
    with authority() as ca, tls_server(ca.certificate("good")) as server:
        for path in (ca.file("absent.pem"), ca.key):
            outcome = check("--cacert", path, server.url("/ok"))
            assert outcome.status == 2 and outcome.results == [], outcome.results
            assert outcome.err.startswith("status_check: "), outcome.err
        assert server.accepted == 0


# Many at once share what is trusted, and nothing else.
def test_good_and_bad_ones_at_once():
    with authority() as ca, tls_server(ca.certificate("good")) as good, \
            tls_server(ca.certificate("old", days=-1)) as old, tls_server(ca.self_signed()) as own:
        urls = [server.url(f"/ok/{i}") for i in range(15) for server in (good, old, own)]
        outcome = check("--cacert", ca.path, "--concurrency", 20, *urls)
        assert len(outcome.results) == 45
        for i in range(15):
            outcome[good.url(f"/ok/{i}")].says(status=200)
            assert "expired" in outcome[old.url(f"/ok/{i}")].words
            assert "self-signed" in outcome[own.url(f"/ok/{i}")].words


def test_redirect_to_who_is_not_trusted():
    with authority() as ca, tls_server(ca.certificate("old", days=-1)) as old, Server() as server:
        where = old.url("/ok")
        result = check_one("--cacert", ca.path, server.url(f"/to?{where}"))
        result.says(code="certificate", redirects=[where], remote=old.remote)
        assert old.requests == []


# An address is no name: RFC 6066.
def test_server_name_is_sent():
    with authority() as ca:
        context = ca.certificate("good").server_context()
        names = []
        context.sni_callback = lambda s, name, context: names.append(name)
        with Server(answer_by_path, tls=context) as server:
            for host in ("localhost", "127.0.0.1", "LocalHost"):
                check_one("--cacert", ca.path, server.url("/ok", host)).says(status=200)
            assert [name and name.lower() for name in names] == ["localhost", None, "localhost"]
            # --header Host does not change whom TLS asks for
            check_one("--cacert", ca.path, "--header", "Host: other.test",
                      server.url("/ok", "localhost")).says(status=200)
            assert names[-1] == "localhost"


def test_both_versions_of_tls():
    with authority() as ca:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ca.certificate("good").server_context()
            context.minimum_version = context.maximum_version = version
            with Server(answer_by_path, tls=context) as server:
                check_one("--cacert", ca.path, server.url("/bytes/200000")).says(status=200,
                                                                             bytes=200000)


def test_files_of_s_server():
    with authority() as ca, s_server(ca.certificate("good"), "-WWW", cwd=ca.folder) as port:
        with open(ca.file("file.bin"), "wb") as file:
            file.write(bytes(300000))
        url = f"https://localhost:{port}/file.bin"
        check_one("--cacert", ca.path, url).says(status=200, bytes=300000)


# the handshake

def test_no_tls_where_it_is_expected():
    need_tls()
    with Server(plain_text) as server:
        result = check_one(f"https://127.0.0.1:{server.port}/")
        result.says(code="tls", remote=server.remote, bytes=0)
        assert result.words.startswith("TLS handshake failed: "), result.line


def test_closed_in_the_handshake():
    need_tls()
    for serve in (lambda connection: connection.socket.recv(65536), reset_at_once):
        with Server(serve) as server:
            result = check_one(f"https://127.0.0.1:{server.port}/")
            assert result.code == "tls" or result.remote is None, result.line
            assert result.status is None, result.line


def test_tls_where_none_is_expected():
    with Server(alert) as server:
        check_one(server.url("/")).says(code="not_http", remote=server.remote, bytes=0)
    with authority() as ca, tls_server(ca.self_signed()) as server:  # it does not say why
        result = check_one(f"http://127.0.0.1:{server.port}/ok")
        assert result.code in ("not_http", "lost") and result.status is None, result.line


def test_silence_in_the_handshake_times_out():
    need_tls()
    with Server(silent_at_once) as server:
        result = check_one("--timeout", 300, f"https://127.0.0.1:{server.port}/")
        result.says(code="timeout", words="timed out in the TLS handshake", remote=server.remote)
        assert 290 < result.ms["total"] < 20000, result.line


# the end: that of the connection is that of an answer only where TLS confirms it

def test_truncation_is_no_end():
    with authority() as ca, tls_server(ca.certificate("good")) as server:
        for path, expected in {
            "/truncated": dict(code="cut_off", status=200, bytes=5),
            "/truncated-early": dict(code="cut_off", status=200, bytes=5),
            "/cut-header": dict(code="cut_off", bytes=0),
            "/empty": dict(code="empty", bytes=0),
            "/truncated-complete": dict(status=200, bytes=5),
            "/notified": dict(status=200, bytes=5),
        }.items():
            check_one("--cacert", ca.path, server.url(path)).says(**expected)


def test_endless_body_over_tls_is_left():
    with authority() as ca, tls_server(ca.certificate("good")) as server:
        check_one("--cacert", ca.path, server.url("/endless-body")).says(status=200, bytes=1048576)
        check_one("--cacert", ca.path, server.url("/endless-header")).says(code="header_size")


def test_tls_retries_and_times_out():
    with authority() as ca, tls_server(ca.certificate("good")) as server:
        trusting = ["--cacert", ca.path, "--timeout", 2000]
        check_one(*trusting, "--retry", 2, "--retry-delay", 1, server.url("/fails/503/2/a")).says(
            status=200, attempts=3)
        result = check_one(*trusting, server.url("/silent")).says(code="timeout")
        assert result.words == "timed out waiting for an answer", result.line


if __name__ == "__main__":
    run(globals())
