"""Certificates, made with the openssl command in a folder of the test."""
import os
import ssl
import subprocess

from support import LIMIT, need, need_tls

NAMES = ("DNS:localhost", "IP:127.0.0.1", "IP:::1")


class Certificate:
    def __init__(self, path, key):
        self.path, self.key = path, key

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self.key)
        return context


class Authority:
    """Keeps all in the folder; `path` is its own certificate."""

    def __init__(self, folder):
        need("openssl")
        need_tls()
        self.folder = folder
        self.path, self.key = self.file("ca.pem"), self.file("ca.key")
        self.make_key(self.key)
        self.openssl("req", "-x509", "-new", "-key", self.key, "-subj", "/CN=The CA of a test",
                     "-days", "30", "-out", self.path)

    def certificate(self, name, names=NAMES, days=30):
        """Less than no days: it has expired."""
        path, key, request = (self.file(f"{name}.{end}") for end in ("pem", "key", "csr"))
        self.make_key(key)
        self.openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
        with open(self.file(f"{name}.ext"), "w") as file:
            file.write("subjectAltName=" + ",".join(names) + "\n")
        self.openssl("x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self.key,
                     "-CAcreateserial", "-days", str(days), "-extfile", file.name, "-out", path)
        return Certificate(path, key)

    def self_signed(self, name="self", names=NAMES):
        path, key = self.file(f"{name}.pem"), self.file(f"{name}.key")
        self.make_key(key)
        self.openssl("req", "-x509", "-new", "-key", key, "-subj", f"/CN={name}", "-days", "30",
                     "-addext", "subjectAltName=" + ",".join(names), "-out", path)
        return Certificate(path, key)

    def make_key(self, path):
        self.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)

    def file(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=LIMIT)
