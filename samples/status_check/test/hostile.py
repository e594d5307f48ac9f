"""
What a server may do, good or bad, by the path it is asked for: hostile.py [PORT] runs it by itself.
"""
import itertools
import sys
import threading
import urllib.parse

import server

BEHAVIOURS = {}
CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def behaviour(name):
    """Of the path /NAME, and of all below it."""
    def remember(function):
        BEHAVIOURS[name] = function
        return function
    return remember


def answer_by_path(connection):
    connection.receive_request()
    name = connection.path.split("/")[1]
    BEHAVIOURS.get(name, not_found)(connection)


class Server(server.Server):
    def __init__(self, serve=answer_by_path, **how):
        super().__init__(serve, **how)


# good ones

@behaviour("ok")
def ok(connection):
    connection.answer(200, body="hello")


def not_found(connection):
    connection.answer(404, body="nothing here")


@behaviour("status")
def status(connection):
    connection.answer(connection.last_part(), body="said")


@behaviour("bytes")
def so_many_bytes(connection):
    connection.answer(200, body="x" * connection.last_part())


@behaviour("late")
def late(connection):
    connection.pause(connection.last_part() / 1000)
    connection.answer(200, body="late")


# /fails/STATUS/N/NAME: N times, for each name
@behaviour("fails")
def fails(connection):
    _, _, code, times, name = connection.path.split("/")
    connection.answer(code if connection.server.count(name) <= int(times) else 200)


# The client has the whole answer while the connection stays open.
@behaviour("stays")
def stays(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    connection.wait()


@behaviour("chunked")
def chunked(connection):
    connection.send(CHUNKED, "5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: x\r\n\r\n")
    connection.wait()


@behaviour("http10")
def http10(connection):
    connection.send("HTTP/1.0 200 OK\r\n\r\nhello")


@behaviour("early-hints")
def early_hints(connection):
    connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")
    connection.answer(200, body="hello")


@behaviour("continue-204")
def continue_204(connection):
    connection.send("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n")
    connection.wait()


@behaviour("not-modified")
def not_modified(connection):
    connection.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n")
    connection.wait()


@behaviour("head")
def head_of_much(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    connection.wait()


# redirects

# /to[/STATUS]?WHERE; any other path below /to is a good one
@behaviour("to")
def to(connection):
    code = connection.path[len("/to/"):] or "302"
    where = urllib.parse.unquote(connection.query, "latin-1")
    if code.isdigit():
        connection.answer(code, f"Location: {where}")
    else:
        ok(connection)


@behaviour("r")
def endless_redirect(connection):
    connection.answer(302, f"Location: /r/{connection.last_part() + 1}")


@behaviour("r-late")
def endless_late_redirect(connection):
    connection.pause(0.2)
    connection.answer(302, f"Location: /r-late/{connection.last_part() + 1}")


@behaviour("loop")
def loop(connection):
    connection.answer(302, "Location: /loop/" + ("b" if connection.path.endswith("/a") else "a"))


@behaviour("no-location")
def no_location(connection):
    connection.answer(302)


# what is silent, slow, endless

@behaviour("silent")
def silent(connection):
    connection.wait()


def silent_at_once(connection):
    connection.server.ended.wait()


def hears_and_is_silent(connection):
    connection.socket.recv(65536)
    connection.server.halfway.set()
    connection.wait()


def drip(connection, text):
    for byte in text:
        connection.send(byte)
        connection.pause(1)


@behaviour("drip-header")
def drip_header(connection):
    drip(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


@behaviour("drip-body")
def drip_body(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    drip(connection, "x" * 100)


@behaviour("half-body")
def half_body(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "x" * 50)
    connection.server.halfway.set()
    connection.wait()


@behaviour("endless-body")
def endless_body(connection):
    connection.send("HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.send("x" * 10000)


@behaviour("endless-chunks")
def endless_chunks(connection):
    connection.send(CHUNKED)
    while True:
        connection.send("3E8\r\n", "x" * 1000, "\r\n")


@behaviour("long-line")
def long_line(connection):
    connection.send("HTTP/1.1 200 OK\r\nX-Long: ", "x" * 1000000, "\r\nContent-Length: 0\r\n\r\n")
    connection.wait()


@behaviour("endless-header")
def endless_header(connection):
    connection.send("HTTP/1.1 200 OK\r\n")
    for i in itertools.count():
        connection.send(f"X-Header-{i}: {'x' * 100}\r\n")


@behaviour("endless-1xx")
def endless_informational(connection):
    while True:
        connection.send("HTTP/1.1 102 Processing\r\n\r\n" * 100)


# what is cut

@behaviour("empty")
def empty(connection):
    pass


@behaviour("cut-header")
def cut_header(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Le")


@behaviour("cut-after-1xx")
def cut_after_informational(connection):
    connection.send("HTTP/1.1 100 Continue\r\n\r\n")


@behaviour("cut-body")
def cut_body(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "x" * 10)


@behaviour("more-than-said")
def more_than_said(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "x" * 100)


@behaviour("chunked-cut")
def chunked_cut(connection):
    connection.send(CHUNKED, "5\r\nhello\r\n", "20\r\nhe")


@behaviour("reset")
def reset(connection):
    connection.reset()


def reset_at_once(connection):
    connection.reset()


@behaviour("reset-header")
def reset_header(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Le")
    connection.reset()


@behaviour("reset-body")
def reset_body(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "x" * 10)
    connection.reset()


@behaviour("reset-endless")
def reset_endless(connection):
    connection.send("HTTP/1.1 200 OK\r\n\r\n", "x" * 10)
    connection.reset()


# what is not HTTP

@behaviour("chunked-bad")
def chunked_bad(connection):
    connection.send(CHUNKED, "5\r\nhello\r\n", "zz\r\nhello\r\n")
    connection.wait()


@behaviour("http09")
def http09(connection):
    connection.send("<html>this is no header</html>\r\n")


@behaviour("bare-lf")
def bare_lf(connection):
    connection.send("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello")


@behaviour("binary")
def binary(connection):
    connection.send("".join(map(chr, range(256))) * 4)


# A terminal would obey it.
@behaviour("escape")
def escape(connection):
    connection.send("HTTP/1.1 200 \x1b[2J\x9bgone\r\nContent-Length: 0\r\n\r\n")


# Two lengths: which of them is right is the matter of request smuggling.
@behaviour("two-lengths")
def two_lengths(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")


def plain_text(connection):
    """For https: no TLS is spoken here."""
    connection.send("220 this is no TLS server\r\n" * 10)
    connection.wait()


def alert(connection):
    """For http: what TLS says to what is no handshake."""
    connection.receive_request()
    connection.send("\x15\x03\x01\0\2\2\x46")
    connection.wait()


# TLS: a closed socket sends no close_notify.

@behaviour("truncated")
def truncated(connection):
    connection.send("HTTP/1.1 200 OK\r\n\r\nhello")


@behaviour("notified")
def notified(connection):
    connection.send("HTTP/1.1 200 OK\r\n\r\nhello")
    connection.socket = connection.socket.unwrap()


@behaviour("truncated-complete")
def truncated_complete(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


@behaviour("truncated-early")
def truncated_early(connection):
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")


def main():
    with Server(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0) as server:
        print(server.origin, *(f"/{name}" for name in sorted(BEHAVIOURS)), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
