"""
Description: the servers from outside, on loopback: test_pump.py PROGRAM NAME runs test_NAME. A test
ends the servers that it has started, and is bounded in time.
"""
import contextlib
import signal
import socket
import subprocess
import threading
import time

from support import (LIMIT, PROGRAM, connect, exchange, full_listener, is_cut, listener, proxy_of_echo,
                     pump, receive, receive_all, refuses, reset, run, says, send_for_ever, wait_until)

MEGABYTE = 1 << 20


# bytes

def test_echo_gives_back_what_it_gets():
    with pump("echo", 0) as server:
        exchange(server.port, 1, 8 * MEGABYTE)
        exchange(server.port, 100, 100000)
        assert server.end() == (101, 0)


def test_proxy_passes_on_what_it_gets():
    with proxy_of_echo() as (proxy, server):
        exchange(proxy.port, 1, 8 * MEGABYTE)
        exchange(proxy.port, 100, 100000)
        assert proxy.end() == (101, 0)
        assert server.end() == (101, 0)


def test_proxy_looks_a_name_up():
    with pump("echo", 0) as server, pump("proxy", 0, "localhost", server.port) as proxy:
        s = proxy.connect()
        assert says(s, b"hello")
        s.close()
        proxy.end()


# The sender is stopped by a full window: the server holds no more than a few chunks. (The limit leaves
# room for a sanitizer, which keeps what has been freed.)
def test_slow_reader_fills_no_memory():
    with pump("echo", 0) as server, connect(server.port, 65536) as s:
        assert says(s, b"hello")
        before = server.memory()
        s.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 64 * MEGABYTE:
                sent += s.send(bytes(65536))
        assert sent < 64 * MEGABYTE
        assert server.memory() - before < 32 * MEGABYTE
        s.settimeout(LIMIT)
        receive(s, sent)  # and it goes on
        assert says(s, b"hello")


# ends

def test_echo_gives_the_end_back():
    with pump("echo", 0) as server, server.connect() as s:
        s.sendall(bytes(100000))
        s.shutdown(socket.SHUT_WR)
        assert receive_all(s) == bytes(100000)
        assert server.end() == (1, 0)


def test_proxy_passes_each_end_on_alone():
    with listener() as backend, pump("proxy", 0, "127.0.0.1", backend.getsockname()[1]) as proxy:
        client = proxy.connect()
        server = backend.accept()[0]
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        assert receive_all(server) == b"question"
        server.sendall(b"answer")
        server.close()
        assert receive_all(client) == b"answer"

        client = proxy.connect()
        server = backend.accept()[0]
        server.sendall(b"greeting")
        server.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b"greeting"
        client.sendall(b"late")
        client.close()
        assert receive_all(server) == b"late"
        assert proxy.end() == (2, 0)


def test_reset_harms_nobody_else():
    with pump("echo", 0) as server, server.connect() as bystander:
        for i in range(50):
            s = connect(server.port)
            s.sendall(bytes(i * 10000))
            reset(s)
        assert says(bystander, b"hello")
        bystander.close()
        assert server.end()[1] == 0


def test_proxy_passes_a_reset_on_as_an_end():
    with listener() as backend, pump("proxy", 0, "127.0.0.1", backend.getsockname()[1]) as proxy:
        for is_clients in (True, False):
            client = proxy.connect()
            server = backend.accept()[0]
            client.sendall(b"hello")
            assert receive(server, 5) == b"hello"
            reset(client if is_clients else server)
            assert is_cut(server if is_clients else client)
        assert proxy.end() == (2, 0)


def test_no_descriptor_is_left():
    with proxy_of_echo() as (proxy, server):
        before = proxy.descriptors(), server.descriptors()
        exchange(proxy.port, 50, 1000)
        for _ in range(10):
            reset(proxy.connect())
        wait_until(lambda: (proxy.descriptors(), server.descriptors()) == before)


# connecting

def test_proxy_of_a_server_that_refuses():
    with listener() as closed:
        port = closed.getsockname()[1]
    with pump("proxy", 0, "127.0.0.1", port) as proxy:
        for _ in range(3):
            s = proxy.connect()
            s.sendall(b"hello")
            assert is_cut(s)
        last_line = proxy.end(f"pump: 127.0.0.1 port {port}: connection refused")
        assert last_line == (3, 0)


def test_idle_timeout_ends_a_connect():
    with full_listener() as port, pump("proxy", 0, "127.0.0.1", port, "--idle", 200) as proxy:
        assert is_cut(proxy.connect())
        last_line = proxy.end("connection timed out")
        assert last_line == (1, 1)


def test_forced_end_ends_a_connect():
    with full_listener() as port, pump("proxy", 0, "127.0.0.1", port, "--grace", 0) as proxy:
        with proxy.connect() as s:
            wait_until(lambda: proxy.sockets() == 3)
            assert proxy.end("operation canceled") == (1, 1)
            assert is_cut(s)


# idle

def test_idle_connection_is_cut_off():
    with pump("echo", 0, "--idle", 300) as server:
        start = time.monotonic()
        with server.connect() as s:
            assert is_cut(s)
        assert 0.29 < time.monotonic() - start < 20
        assert server.end() == (1, 1)


def test_busy_connection_is_not_idle():
    with pump("echo", 0, "--idle", 1000) as server, server.connect() as s:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            assert says(s, b"tick")
            time.sleep(0.05)
        s.close()
        assert server.end() == (1, 0)


# The client says nothing for longer than the timeout, but hears much.
def test_one_busy_direction_is_enough():
    with listener() as backend:
        port = backend.getsockname()[1]
        with pump("proxy", 0, "127.0.0.1", port, "--idle", 1000) as proxy:
            client = proxy.connect()
            server = backend.accept()[0]
            for _ in range(30):
                server.sendall(b"tick")
                assert receive(client, 4) == b"tick"
                time.sleep(0.05)
            server.close()
            client.close()
            assert proxy.end() == (1, 0)


def test_client_that_does_not_read_is_idle():
    with pump("echo", 0, "--idle", 300) as server, connect(server.port, 65536) as s:
        try:
            for _ in range(1000):
                s.send(bytes(65536))
            raise AssertionError("it takes everything")
        except ConnectionError:
            pass
        assert server.end() == (1, 1)


# the end of the server

def test_signal_lets_connections_finish():
    with pump("echo", 0, "--grace", 40000) as server, server.connect() as s:
        assert says(s, b"before")
        server.signal(signal.SIGTERM)
        wait_until(lambda: refuses(server.port))
        assert says(s, b"after")
        exchanged = bytes(100000)
        assert says(s, exchanged)
        start = time.monotonic()
        s.close()
        assert server.wait()[1] == 0
        assert time.monotonic() - start < 20


def test_grace_has_an_end():
    with pump("echo", 0, "--grace", 300) as server, server.connect() as s:
        assert says(s, b"hello")
        start = time.monotonic()
        server.signal()
        assert is_cut(s)
        assert 0.29 < time.monotonic() - start < 20
        assert server.wait() == (1, 1)


def test_second_signal_ends_the_grace():
    with pump("echo", 0, "--grace", 40000) as server, server.connect() as s:
        assert says(s, b"hello")
        server.signal()
        wait_until(lambda: refuses(server.port))
        start = time.monotonic()
        assert server.end()[1] >= 1  # those who have asked, perhaps
        assert time.monotonic() - start < 20


# Each of them with bytes on their way in both directions.
def test_forced_end_in_the_middle_of_much():
    with proxy_of_echo("--grace", 100) as (proxy, server), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(proxy.port, 65536)) for _ in range(50)]
        senders = [threading.Thread(target=send_for_ever, args=(s,)) for s in clients]
        for sender in senders:
            sender.start()
        wait_until(lambda: all(s.recv(1) for s in clients))
        assert proxy.end() == (50, 50)
        for sender in senders:
            sender.join(LIMIT)
        server.end()


# the command line

def test_port_in_use_gives_1():
    with listener() as taken:
        words = [PROGRAM, "echo", str(taken.getsockname()[1])]
        result = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT)
    assert (result.returncode, result.stdout) == (1, ""), result
    assert result.stderr == "pump: address already in use\n", result


def test_wrong_usage_gives_2():
    for words in ("", "echo", "echo x", "echo 65536", "echo 0 0", "echo 0 --idle", "echo 0 --idle 0",
                  "echo 0 --idle 1s", "echo 0 --more", "proxy 0", "proxy 0 localhost", "other 0 a 1",
                  "proxy 0 localhost 0", "proxy 0 localhost 1 2"):
        result = subprocess.run([PROGRAM, *words.split()], capture_output=True, timeout=LIMIT)
        assert result.returncode == 2 and result.stdout == b"", (words, result)


if __name__ == "__main__":
    run(globals())
