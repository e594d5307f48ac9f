"""What the tests share: servers, clients, waiting."""
import contextlib
import os
import random
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time

LIMIT = 40  # seconds, for one wait and for a test in all
SKIPPED = 77
PROGRAM = sys.argv[1]


class Pump:
    """A server, started. What it says on stderr is an error, unless `expected` stands in it."""

    def __init__(self, *words):
        self.process = subprocess.Popen([PROGRAM, *map(str, words)], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def listens(self):
        line = self.process.stdout.readline()
        assert line.startswith("listening on 127.0.0.1:"), line
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def connect(self):
        return connect(self.port)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def signal(self, signum=signal.SIGINT):
        self.process.send_signal(signum)

    def wait(self, expected=None, status=0):
        """Returns how many connections it has had, and how many of them it has cut off."""
        out, err = self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == status, (self.process.returncode, out, err)
        assert expected in err if expected else err == "", err
        words = out.split()
        return int(words[0]), int(words[2])

    def end(self, expected=None):
        self.signal()
        return self.wait(expected)

    def memory(self):
        """In bytes."""
        with open(f"{self.folder()}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def descriptors(self):
        return os.listdir(f"{self.folder()}/fd")

    def sockets(self):
        """How many: one listens."""
        return sum(self.target(name).startswith("socket:") for name in self.descriptors())

    def target(self, descriptor):
        """Empty if it has just been closed."""
        try:
            return os.readlink(f"{self.folder()}/fd/{descriptor}")
        except FileNotFoundError:
            return ""

    def folder(self):
        folder = f"/proc/{self.process.pid}"
        if not os.path.exists(f"{folder}/statm"):
            sys.exit(SKIPPED)  # another system
        return folder


@contextlib.contextmanager
def pump(*words):
    server = Pump(*words)
    try:
        yield server.listens()
    finally:
        server.kill()


@contextlib.contextmanager
def proxy_of_echo(*words):
    with pump("echo", 0) as server, pump("proxy", 0, "127.0.0.1", server.port, *words) as proxy:
        yield proxy, server


def connect(port, buffer_size=0):
    s = socket.socket()
    s.settimeout(LIMIT)
    if buffer_size:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_size)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_size)
    s.connect(("127.0.0.1", port))
    return s


def listener():
    s = socket.create_server(("127.0.0.1", 0))
    s.settimeout(LIMIT)
    return s


def receive(s, count):
    data = bytearray()
    while len(data) < count:
        part = s.recv(min(count - len(data), 65536))
        assert part, f"the end after {len(data)} bytes of {count}"
        data += part
    return data


def receive_all(s):
    return b"".join(iter(lambda: s.recv(65536), b""))


def is_cut(s):
    """Waits for the end, by whatever means, without a byte before."""
    try:
        return s.recv(1) == b""
    except ConnectionError:
        return True


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def says(s, text):
    s.sendall(text)
    return receive(s, len(text)) == text


def wait_until(condition):
    """For what nobody tells of: asks again and again."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


class Exchange:
    """Sends bytes of its own, ends its side, and compares what comes back."""

    def __init__(self, port, size, seed):
        self.data = random.Random(seed).randbytes(size)
        self.sent = 0
        self.received = []
        self.socket = connect(port)
        self.socket.setblocking(False)

    def send(self):
        self.sent += self.socket.send(self.data[self.sent:self.sent + 200000])
        if self.sent == len(self.data):
            self.socket.shutdown(socket.SHUT_WR)
        return self.sent < len(self.data)

    def receive(self):
        self.received.append(self.socket.recv(65536))
        return self.received[-1] != b""

    def is_right(self):
        return b"".join(self.received) == self.data


def exchange(port, connections, size):
    both = selectors.EVENT_READ | selectors.EVENT_WRITE
    exchanges = [Exchange(port, size, i) for i in range(connections)]
    with selectors.DefaultSelector() as selector:
        for each in exchanges:
            selector.register(each.socket, both, each)
        while selector.get_map():
            for key, events in selector.select(LIMIT):
                each = key.data
                if events & selectors.EVENT_WRITE and not each.send():
                    selector.modify(key.fileobj, selectors.EVENT_READ, each)
                if events & selectors.EVENT_READ and not each.receive():
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
    assert all(each.is_right() for each in exchanges)


@contextlib.contextmanager
def full_listener():
    """A port that neither accepts nor refuses: its queue is full."""
    with socket.socket() as s, contextlib.ExitStack() as waiting:
        s.bind(("127.0.0.1", 0))
        s.listen(0)
        for _ in range(4):
            other = waiting.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(s.getsockname())
        yield s.getsockname()[1]


def refuses(port):
    try:
        connect(port).close()
        return False
    except ConnectionError:
        return True


def send_for_ever(s):
    with contextlib.suppress(ConnectionError):
        while True:
            s.sendall(bytes(65536))


def on_alarm(signum, frame):
    raise AssertionError(f"after {LIMIT} seconds")


def run(tests):
    """Runs the test that the command line names."""
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(LIMIT)
    tests["test_" + sys.argv[2]]()
