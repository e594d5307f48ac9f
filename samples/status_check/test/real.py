"""Servers that others have written: nginx, openssl s_server, Python's http.server."""
import contextlib
import functools
import http.server
import os
import socket
import subprocess
import threading

from support import LIMIT, need

CONFIGURATION = """
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 2000; }}
http {{
  access_log access.log;
  client_body_temp_path temporary;
  proxy_temp_path temporary;
  fastcgi_temp_path temporary;
  uwsgi_temp_path temporary;
  scgi_temp_path temporary;
  default_type text/plain;
  gzip on;
  gzip_types text/plain;
  gzip_min_length 100;
  server {{
    {listens}
    root files;
    location = /missing {{ return 404 "nothing here\\n"; }}
    location = /none {{ return 204; }}
    location = /gone {{ return 410; }}
    location = /broken {{ return 503; }}
    location = /cut {{ return 444; }}
    location = /moved {{ return 301 /small.txt; }}
    location = /found {{ return 302 /moved; }}
    location = /other {{ return 303 /found; }}
    location = /kept {{ return 307 /small.txt; }}
    location = /kept-for-good {{ return 308 /small.txt; }}
    location = /round {{ return 302 /round; }}
    location = /to-http {{ return 302 {http}/small.txt; }}
    location = /to-https {{ return 302 {https}/small.txt; }}
    location = /there-and-back {{ return 302 {https}/to-http; }}
  }}
}}
"""


class Nginx:
    """
    Serves http, and https if it has a certificate, on ports of its own. It gets its sockets from
    here as from an nginx that it replaces: so no port is lost between choosing it and listening.
    (That needs a master process: with `master_process off` nginx 1.22 crashes.)
    """

    def __init__(self, folder, certificate=None):
        need("nginx")
        self.folder = folder
        self.write("small.txt", b"hello\n")
        self.write("text.txt", b"many words\n" * 10000)
        self.write("big.bin", bytes(3000000))
        os.mkdir(os.path.join(folder, "temporary"))
        plain, secret = listener(), listener()
        self.port, self.tls_port = plain.getsockname()[1], secret.getsockname()[1]
        self.http = f"http://127.0.0.1:{self.port}"
        self.https = f"https://127.0.0.1:{self.tls_port}"
        self.configure(certificate)
        self.start([plain, secret] if certificate else [plain])
        plain.close()
        secret.close()

    def write(self, name, data):
        os.makedirs(os.path.join(self.folder, "files"), exist_ok=True)
        with open(os.path.join(self.folder, "files", name), "wb") as file:
            file.write(data)

    def configure(self, certificate):
        listens = [f"listen 127.0.0.1:{self.port};"]
        if certificate:
            listens += [f"listen 127.0.0.1:{self.tls_port} ssl;",
                        f"ssl_certificate {certificate.path};",
                        f"ssl_certificate_key {certificate.key};"]
        with open(os.path.join(self.folder, "nginx.conf"), "w") as file:
            file.write(CONFIGURATION.format(listens="\n    ".join(listens), http=self.http,
                                            https=self.https,
                                            user="user root;" if os.getuid() == 0 else ""))

    def start(self, sockets):
        inherited = "".join(f"{s.fileno()};" for s in sockets)
        words = ["nginx", "-p", self.folder, "-c", os.path.join(self.folder, "nginx.conf"),
                 "-e", os.path.join(self.folder, "error.log")]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL,
                                        env={**os.environ, "NGINX": inherited},
                                        pass_fds=[s.fileno() for s in sockets])

    def log(self):
        """The requests that it has answered."""
        with open(os.path.join(self.folder, "access.log")) as file:
            return [line.split('"')[1] for line in file]

    def end(self):
        self.process.terminate()  # its worker, too
        self.process.wait(LIMIT)


@contextlib.contextmanager
def nginx(folder, certificate=None):
    path = os.path.join(folder, "nginx")
    os.mkdir(path)
    server = Nginx(path, certificate)
    try:
        yield server
    finally:
        server.end()


@contextlib.contextmanager
def s_server(certificate, *words, cwd=None):
    """`openssl s_server` with -www or -WWW: gives its port."""
    need("openssl")
    words = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificate.path,
             "-key", certificate.key, *words]
    process = subprocess.Popen(words, cwd=cwd, text=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        line = next(line for line in process.stdout if line.startswith("ACCEPT"))
        drain = threading.Thread(target=process.stdout.read, daemon=True)
        drain.start()
        yield int(line.rsplit(":", 1)[1])
    finally:
        process.kill()
        process.wait(LIMIT)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class PythonServer(http.server.ThreadingHTTPServer):
    def __init__(self, host, handler):
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, 0), handler)


@contextlib.contextmanager
def python_server(folder, host="127.0.0.1"):
    """http.server with the files of the folder: gives its port."""
    with PythonServer(host, functools.partial(QuietHandler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(LIMIT)


def listener():
    return socket.create_server(("127.0.0.1", 0), backlog=1024)
