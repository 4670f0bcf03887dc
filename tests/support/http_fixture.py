"""A web server on loopback that misbehaves as told, for tests.

    with HttpFixture({"/": replica_dir}) as web:
        web.rule("/tile/8/data/*", status=503, times=2)
        run("gwtool", "follow-tlog", "--source", web.url, ...)
        assert web.count("/latest") == 1

It serves the files of directories by prefix, over HTTP/1.1 with keep-alive, and with `tls` over
HTTPS. Rules are looked at in the order they were added; the first that matches and is not used up
decides. Everything that was asked is in `requests`.

A module proxy that carries a log:   HttpFixture.proxy(log_name, directory)
A CA of one's own:                   ca = TestCa(directory); ca.issue("localhost")

As a program, for tests in other languages: `http_fixture.py DIRECTORY [--tls KIND] [--rules JSON]`
prints its URL (and its CA file with --tls) and serves until its standard input ends.
"""
import argparse
import fnmatch
import http.server
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Rule:
    """What happens to requests whose path matches `pattern` (shell wildcards, "*" also over "/").

    status      this status instead of the file
    headers     further headers
    body        this body instead of the file's
    truncate    Content-Length of the whole body, but only so many bytes of it; then close
    oversize    so many bytes are appended to the body
    corrupt     the byte at this offset is changed (negative: from the end)
    delay       seconds before the response begins
    stall       so many bytes of the body, then nothing until the server stops
    close       the connection is closed without a response
    reset       as close, with a TCP reset
    replace     a function from the body's bytes to other bytes
    times       the rule is used up after so many requests; None: never
    skip        so many matching requests pass before it works
    method      only this method
    """
    pattern: str
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = None
    truncate: int = None
    oversize: int = 0
    corrupt: int = None
    delay: float = 0
    stall: int = None
    close: bool = False
    reset: bool = False
    replace: object = None
    times: int = None
    skip: int = 0
    method: str = None
    used: int = 0  # how often it was applied

    def take(self, method, path):
        if self.method not in (None, method) or not fnmatch.fnmatchcase(path, self.pattern):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None and self.used >= self.times:
            return False
        self.used += 1
        return True


@dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: bytes
    connection: int  # the same number: the same connection


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass  # clients that go away are what is tested


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self):
        super().setup()
        self.number = self.fixture.new_connection(self.request)

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass

    def log_message(self, *args):
        pass

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = self.path.split("?")[0]
        rule = self.fixture.record(
            Request(self.command, self.path, dict(self.headers), body, self.number), path)
        if rule and rule.delay:
            self.fixture.stopping.wait(rule.delay)
        if rule and (rule.close or rule.reset):
            if rule.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                           struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        status, content = self.fixture.find(path, self.command)
        if rule:
            status, content = self._apply(rule, status, content)
        self._send(rule, status, content)

    @staticmethod
    def _apply(rule, status, content):
        if rule.body is not None:
            content, status = rule.body, rule.status or 200
        if rule.status:
            status = rule.status
            if rule.body is None and not 200 <= status < 300:
                content = f"status {status} as told\n".encode()
        if rule.replace:
            content = rule.replace(content)
        if rule.corrupt is not None and content:
            changed = bytearray(content)
            changed[rule.corrupt] ^= 0x01
            content = bytes(changed)
        return status, content + b"x" * rule.oversize

    def _send(self, rule, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (rule.headers if rule else {}).items():
            self.send_header(name, value)
        if rule and rule.truncate is not None:
            self.close_connection = True
        self.end_headers()
        if self.command == "HEAD":
            return
        if rule and rule.stall is not None:
            self.wfile.write(content[:rule.stall])
            self.wfile.flush()
            self.fixture.stopping.wait()
            self.close_connection = True
            return
        if rule and rule.truncate is not None:
            content = content[:rule.truncate]
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer


class HttpFixture:
    """`mounts`: URL prefix → directory. `files`: URL path → bytes. `posts`: prefixes that take a
    POST with an empty 200. `tls`: (certificate file, key file)."""

    def __init__(self, mounts=None, files=None, posts=(), tls=None, host="127.0.0.1", name=None):
        self.mounts = {k.rstrip("/"): Path(v) for k, v in (mounts or {}).items()}
        self.files = dict(files or {})
        self.posts = tuple(posts)
        self.requests = []
        self.connections = 0
        self.stopping = threading.Event()
        self._rules = []
        self._lock = threading.Lock()
        self._sockets = []
        handler = type("Handler", (_Handler,), {"fixture": self})
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = type("Server", (_Server,), {"address_family": family})
        self._server = server((host, 0), handler)
        self.host, self.port = host, self._server.server_address[1]
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            # The handshake belongs to the connection's own thread.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False)
        shown = name or (f"[{host}]" if ":" in host else host)
        self.url = f"{'https' if tls else 'http'}://{shown}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @classmethod
    def proxy(cls, log_name, directory, **kwargs):
        """A module proxy that carries the log whose files are in `directory`."""
        prefix = f"/sumdb/{log_name}"
        return cls({prefix: directory}, files={f"{prefix}/supported": b""}, **kwargs)

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            open_sockets, self._sockets = self._sockets, []
        for s in open_sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def rule(self, pattern, **what):
        """Adds a Rule and returns it; its `used` counts."""
        made = Rule(pattern, **what)
        with self._lock:
            self._rules.append(made)
        return made

    def clear(self):
        """Takes away all rules and forgets all requests."""
        with self._lock:
            self._rules, self.requests = [], []

    def count(self, pattern="*", method=None):
        with self._lock:
            return sum(1 for r in self.requests
                       if fnmatch.fnmatchcase(r.path, pattern) and method in (None, r.method))

    def bodies(self, pattern="*"):
        with self._lock:
            return [r.body for r in self.requests if fnmatch.fnmatchcase(r.path, pattern)]

    # For the handler.

    def new_connection(self, sock):
        with self._lock:
            self._sockets.append(sock)
            self.connections += 1
            return self.connections

    def record(self, request, path):
        with self._lock:
            self.requests.append(request)
            for rule in self._rules:
                if rule.take(request.method, path):
                    return rule
        return None

    def find(self, path, method):
        path = urllib.parse.unquote(path)
        if method == "POST":
            return (200, b"") if path.startswith(self.posts or ("\0",)) else (405, b"no POST\n")
        if path in self.files:
            return 200, self.files[path]
        for prefix, directory in sorted(self.mounts.items(), key=lambda m: -len(m[0])):
            if not path.startswith(prefix + "/"):
                continue
            target = directory / path[len(prefix) + 1:]
            if ".." in target.parts or not target.is_file():
                break
            return 200, target.read_bytes()
        return 404, b"not found\n"


class TestCa:
    """A certificate authority of openssl's making, in `directory`; `file` is what to trust."""

    def __init__(self, directory):
        self.dir = Path(directory)
        self.file = str(self.dir / "ca.pem")
        self._key = str(self.dir / "ca.key")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-keyout", self._key, "-out", self.file, "-days", "30",
                      "-subj", "/CN=test CA", "-addext", "basicConstraints=critical,CA:TRUE")

    def _openssl(self, *args, stdin=None):
        # No configuration file of the machine's.
        conf = self.dir / "openssl.cnf"
        if not conf.exists():
            conf.write_text("[req]\ndistinguished_name=dn\n[dn]\n[ca]\ndefault_ca=c\n[c]\n")
        subprocess.run(["openssl", *args], check=True, input=stdin, capture_output=True,
                       env={**os.environ, "OPENSSL_CONF": str(conf)})

    def issue(self, *names, expired=False, alternative=True):
        """(certificate file, key file) for DNS names and IP addresses. alternative=False: the first one
        as the subject's common name alone, as certificates had it long ago."""
        stem = self.dir / ("expired" if expired else "cert")
        stem = Path(f"{stem}-{names[0].replace(':', '_')}")
        key, request, cert, ext = (f"{stem}.{x}" for x in ("key", "csr", "pem", "ext"))
        alt = ",".join(("IP:" if n.replace(".", "").isdigit() or ":" in n else "DNS:") + n
                       for n in names)
        if not alternative:
            alt = "email:somebody@example.org"
        Path(ext).write_text(f"subjectAltName={alt}\nbasicConstraints=CA:FALSE\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-keyout", key, "-out", request, "-subj", f"/CN={names[0]}")
        if expired:
            self._issue_expired(request, cert, ext)
        else:
            self._openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key,
                          "-set_serial", str(int.from_bytes(os.urandom(8), "big") >> 1),
                          "-days", "20", "-extfile", ext, "-out", cert)
        return cert, key

    def _issue_expired(self, request, cert, ext):
        # `openssl x509` of Debian 12 takes no dates; `openssl ca` does, and wants a database.
        conf = self.dir / "expired.cnf"
        (self.dir / "index.txt").write_text("")
        (self.dir / "serial").write_text("7001\n")
        conf.write_text(
            f"[ca]\ndefault_ca=c\n[c]\ndatabase={self.dir}/index.txt\nserial={self.dir}/serial\n"
            f"new_certs_dir={self.dir}\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
        self._openssl("ca", "-batch", "-config", str(conf), "-in", request, "-out", cert, "-notext",
                      "-cert", self.file, "-keyfile", self._key, "-extfile", ext,
                      "-startdate", "20200101000000Z", "-enddate", "20200201000000Z")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--tls", choices=["good", "expired", "other-name", "other-ca", "common-name"])
    parser.add_argument("--rules", default="[]", help="a JSON list of Rule's fields")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        tls, ca_file = None, ""
        if args.tls:
            os.mkdir(f"{scratch}/ca")
            ca = TestCa(f"{scratch}/ca")
            ca_file = ca.file
            name = "elsewhere.example" if args.tls == "other-name" else "127.0.0.1"
            tls = ca.issue(name, expired=args.tls == "expired",
                           alternative=args.tls != "common-name")
            if args.tls == "other-ca":
                os.mkdir(f"{scratch}/other")
                ca_file = TestCa(f"{scratch}/other").file
        with HttpFixture({"/": args.directory}, tls=tls) as web:
            for rule in json.loads(args.rules):
                if "body" in rule:
                    rule["body"] = rule["body"].encode()
                web.rule(**rule)
            print(web.url, ca_file, flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    main()
