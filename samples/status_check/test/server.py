"""
A server on loopback for tests. A thread accepts, and each connection has a thread of its own that
calls a behaviour: a function of the connection, which is closed after its end.
"""
import collections
import contextlib
import socket
import struct
import threading
import time

Request = collections.namedtuple("Request", "method target headers port time")

HANDSHAKE = b"\x16"  # how TLS begins


class Connection:
    def __init__(self, server, s):
        self.server = server
        self.socket = s

    def receive_request(self):
        """Reads it to the end of its header; it has no body."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("no request")
            data += part
        line, *lines = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        method, target, version = line.split(" ")
        assert version == "HTTP/1.1", line
        headers = collections.defaultdict(list)
        for each in lines:
            name, value = each.split(":", 1)
            headers[name.lower()].append(value.strip())
        port = self.socket.getpeername()[1]
        self.request = Request(method, target, headers, port, time.monotonic())
        self.path, _, self.query = target.partition("?")
        self.server.requests.append(self.request)

    def last_part(self):
        """As a number."""
        return int(self.path.rsplit("/", 1)[1])

    def send(self, *parts):
        self.socket.sendall("".join(parts).encode("latin-1"))

    def answer(self, status, *lines, body=""):
        """With the length of the body, which HEAD leaves out. It is the last on this connection."""
        head = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close",
                *lines, "", ""]
        self.send("\r\n".join(head), "" if self.request.method == "HEAD" else body)

    def wait(self):
        """Until the client has gone, or the server is closed."""
        while self.socket.recv(65536):
            pass

    def pause(self, seconds):
        if self.server.ended.wait(seconds):
            raise ConnectionError("the server is closed")

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class Server:
    """
    Listens until it is closed. `serve` is the behaviour; `tls` an SSLContext: then the handshake
    comes first, and what fails in it is not told. `requests` are those that were read.
    `also_plain`: on the same port it speaks HTTP without TLS, too.
    """

    def __init__(self, serve, host="127.0.0.1", tls=None, port=0, also_plain=False):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, port), family=family, backlog=1024)
        self.port = self.listener.getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        self.remote = f"{name}:{self.port}"
        self.origin = f"{'https' if tls else 'http'}://{self.remote}"
        self.serve, self.tls, self.also_plain = serve, tls, also_plain
        self.requests = []
        self.accepted = 0
        self.failures = []
        self.counts = collections.Counter()
        self.halfway = threading.Event()
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.open = set()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        assert not self.failures, self.failures

    def url(self, path, host=None):
        return f"{self.named(host) if host else self.origin}{path}"

    def named(self, host):
        """The origin by another name of the host."""
        return f"{self.origin.split(':')[0]}://{host}:{self.port}"

    def targets(self):
        return [request.target for request in self.requests]

    def count(self, name):
        """How often it was asked for this name, this time included."""
        with self.lock:
            self.counts[name] += 1
            return self.counts[name]

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                s = self.listener.accept()[0]
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # sent is on its way
                with self.lock:
                    self.accepted += 1
                    self.open.add(s)
                threading.Thread(target=self.run, args=(s,), daemon=True).start()

    def run(self, plain):
        connection = Connection(self, plain)
        try:
            if self.speaks_tls(plain):
                connection.socket = self.tls.wrap_socket(plain, server_side=True)
                with self.lock:
                    self.open ^= {plain, connection.socket}
            self.serve(connection)
        except OSError:
            pass  # the client may go when it likes; the errors of ssl are among these
        except Exception as failure:
            self.failures.append(failure)
        connection.close()
        with self.lock:
            self.open -= {plain, connection.socket}

    def speaks_tls(self, s):
        return self.tls and not (self.also_plain and s.recv(1, socket.MSG_PEEK) != HANDSHAKE)

    def close(self):
        self.ended.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for s in self.open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(s, socket.SHUT_RDWR)  # ssl's own breaks its reader
