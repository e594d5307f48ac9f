"""What the tests share: the program, what it says, waiting."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

LIMIT = 40  # seconds, for one wait and for a test in all
SKIPPED = 77
PROGRAM = sys.argv[1]
IS_SANITIZED = os.environ.get("WEIR_SANITIZED", "0") not in ("", "0")
SOON = 10  # seconds: what is cancelled does not wait for a timeout, which is longer
FIELDS = ["url", "ok", "status", "error", "ms", "remote", "redirects", "bytes", "attempts"]
TIMES = ["dns", "connect", "tls", "first_byte", "total"]


class Result:
    """One line of JSON, whose form is as documented."""

    def __init__(self, line):
        self.line = line
        fields = json.loads(line)
        assert list(fields) == FIELDS, line
        for name, value in fields.items():
            setattr(self, name, value)
        self.code = self.error and self.error["code"]
        self.words = self.error and self.error["words"]
        self.check_types()
        self.check_times()

    def check_types(self):
        assert type(self.ok) is bool and not (self.ok and self.error), self.line
        assert self.error is None or list(self.error) == ["code", "words"], self.line
        assert self.status is None or 100 <= self.status <= 999, self.line
        assert self.error or self.status, self.line
        assert self.bytes >= 0 and self.attempts >= 0, self.line
        assert all(isinstance(url, str) for url in self.redirects), self.line

    def check_times(self):
        assert list(self.ms) == TIMES, self.line
        total = self.ms["total"]
        assert all(t is None or 0 <= t <= total + 0.1 for t in self.ms.values()), self.line
        assert self.ms["first_byte"] is None or self.ms["connect"] is not None, self.line
        assert self.status is None or self.error or self.ms["first_byte"] is not None, self.line

    def happened(self):
        """What has a time."""
        return [name for name in TIMES if self.ms[name] is not None]

    def says(self, status=None, code=None, **fields):
        """Compares: the rest of what is not named here is free."""
        expected = {"status": status, "code": code, **fields}
        if "ok" not in fields:
            expected["ok"] = code is None and status < 400
        actual = {name: getattr(self, name) for name in expected}
        assert actual == expected, f"{self.url}\n{actual}, not\n{expected}\n{self.line}"
        return self


class Outcome:
    """What came of a run that has ended."""

    def __init__(self, results, status, err):
        self.results, self.status, self.err = results, status, err
        assert "Sanitizer" not in err and "runtime error" not in err, err
        expected = 0 if all(result.ok for result in results) else 1
        assert status == (expected if results else 2), (status, expected, err)

    def __getitem__(self, url):
        """The only result of this URL."""
        (result,) = (result for result in self.results if result.url == url)
        return result


class Check:
    """The program with --json, started."""

    def __init__(self, *words, text=None):
        self.process = subprocess.Popen([PROGRAM, "--json", *map(str, words)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.results = []
        if text is not None:
            self.process.stdin.write(text)
        self.process.stdin.close()
        self.process.stdin = None  # or communicate() would flush it

    def result(self):
        """The next one, or None at the end."""
        line = self.process.stdout.readline()
        if not line:
            return None
        self.results.append(Result(line))
        return self.results[-1]

    def interrupt(self, signum=signal.SIGINT):
        self.process.send_signal(signum)
        return self

    def end(self):
        out, err = self.process.communicate(timeout=LIMIT)
        self.results += map(Result, out.splitlines())
        return Outcome(self.results, self.process.returncode, err)

    def ends_soon(self):
        start = time.monotonic()
        outcome = self.end()
        assert time.monotonic() - start < SOON
        return outcome

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def descriptors(self):
        return os.listdir(f"{self.folder()}/fd")

    def memory(self):
        """In bytes."""
        with open(f"{self.folder()}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def sockets(self, port):
        """Of those to the port: the state and how much was received, but not read."""
        own = {self.target(name) for name in self.descriptors()}
        with open(f"{self.folder()}/net/tcp") as file:
            lines = [line.split() for line in file.readlines()[1:]]
        return [(SOCKET_STATES.get(line[3], "other"), int(line[4].split(":")[1], 16))
                for line in lines
                if f"socket:[{line[9]}]" in own and int(line[2].split(":")[1], 16) == port]

    def is_connecting(self, port):
        return [state for state, _ in self.sockets(port)] == ["connecting"]

    def has_read(self, port):
        """All that has come; who asks knows that it has been sent."""
        return self.sockets(port) == [("connected", 0)]

    def target(self, descriptor):
        """Empty if it has just been closed."""
        with contextlib.suppress(FileNotFoundError):
            return os.readlink(f"{self.folder()}/fd/{descriptor}")
        return ""

    def folder(self):
        folder = f"/proc/{self.process.pid}"
        if not os.path.exists(f"{folder}/statm"):
            skip("no /proc like that of Linux")
        return folder


SOCKET_STATES = {"01": "connected", "02": "connecting"}


@contextlib.contextmanager
def started(*words, text=None):
    check = Check(*words, text=text)
    try:
        yield check
    finally:
        check.kill()


def check(*words, text=None):
    """Runs it to its end."""
    with started(*words, text=text) as running:
        return running.end()


def check_one(*words):
    """The result of the only URL; nothing stands beside it."""
    outcome = check(*words)
    assert len(outcome.results) == 1 and outcome.err == "", (outcome.results, outcome.err)
    return outcome.results[0]


def read(*words, status):
    """What it prints for people: on standard output alone."""
    result = subprocess.run([PROGRAM, *map(str, words)], stdin=subprocess.DEVNULL,
                            capture_output=True, timeout=LIMIT)
    assert (result.returncode, result.stderr) == (status, b""), result
    return result.stdout.decode()


def skip(why):
    print("skipped:", why)
    sys.exit(SKIPPED)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            skip(f"no {program}")


def need_tls():
    """Of the program: it may be built without."""
    if check("https://127.0.0.1:1/").results[0].code == "no_tls":
        skip("a build without OpenSSL")


def has_ipv6():
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


def addresses(host):
    """What the resolver says of it, in order."""
    found = socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)
    return [address[0] for *_, address in found]


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="status_check-") as path:
        yield path


@contextlib.contextmanager
def refusing_port():
    """Held, but not listened on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield s.getsockname()[1]


@contextlib.contextmanager
def full_listener(host="127.0.0.1"):
    """A port that neither accepts nor refuses: its queue is full."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as s, contextlib.ExitStack() as waiting:
        s.bind((host, 0))
        s.listen(0)
        for _ in range(4):
            other = waiting.enter_context(socket.socket(family))
            other.setblocking(False)
            other.connect_ex(s.getsockname())
        yield s.getsockname()[1]


def wait_until(condition):
    """For what nobody tells of: asks again and again."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def on_alarm(signum, frame):
    raise AssertionError(f"after {LIMIT} seconds")  # no OSError, which is ignored here and there


def run(tests):
    """Runs the test that the command line names."""
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(LIMIT)
    tests["test_" + sys.argv[2]]()
