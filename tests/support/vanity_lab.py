"""The world of vanity-lookup on loopback: a signed DNS hierarchy whose zones hold go-import records
in every state that matters, and web servers with meta tags and a CA of their own. What is asked is
counted at the servers.

    with vanity_lab.VanityLab(directory) as lab:
        lab.web.page("none.lab", "/x", vanity_lab.meta("none.lab/x git https://g.example/x"))
        r = lab.lookup("none.lab/x")

dns_lab.py makes the hierarchy; here are the zones and the forgeries that it has none for.
"""

import base64
import http.server
import os
import re
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import cli
import dns_lab
import http_fixture

HOST = "127.0.0.1"


def txt(text, size=255):
    """A TXT record's data in presentation form, split into strings of `size` bytes."""
    parts = [text[i:i + size] for i in range(0, len(text), size)] or [""]
    return " ".join('"%s"' % p.replace("\\", "\\\\").replace('"', '\\"') for p in parts)


def go_import(*texts):
    return "".join("go-import TXT %s\n" % txt(t) for t in texts)


def meta(content):
    return '<meta name="go-import" content="%s">' % content


def zone_name(name):
    """A zone's ordinary records: the prefix NAME/x."""
    return go_import("%s/x git https://git.example/%s" % (name, name.split(".")[0]))


# --- forging signatures

def wire_name(name):
    labels = [l.lower().encode() for l in name.rstrip(".").split(".") if l]
    return b"".join(bytes([len(l)]) + l for l in labels) + b"\0"


def sign_txt(directory, key_base, owner, text, signer, labels=None, signed_owner=None):
    """A TXT record and an RRSIG over it that verifies with the ECDSA key of `signer`, whatever the
    owner: lines for a zone file. labels, signed_owner: as for the expansion of a wildcard."""
    with open(os.path.join(directory, "keys", key_base + ".private")) as f:
        scalar = base64.b64decode(next(l.split(":", 1)[1] for l in f if l.startswith("PrivateKey")))
    with open(os.path.join(directory, "keys", key_base + ".key")) as f:
        rdata = f.read().split("DNSKEY", 1)[1].split(";")[0].split()
    key = struct.pack(">HBB", int(rdata[0]), int(rdata[1]), int(rdata[2])) + \
        base64.b64decode("".join(rdata[3:]))
    tag = sum(b << 8 if i % 2 == 0 else b for i, b in enumerate(key))
    tag = (tag + (tag >> 16)) & 0xffff
    now = int(time.time())
    labels = len(owner.rstrip(".").split(".")) if labels is None else labels
    head = struct.pack(">HBBIIIH", 16, 13, labels, 300, now + 864000, now - 3600, tag) + \
        wire_name(signer)
    rr = b"".join(bytes([len(p)]) + p.encode() for p in [text])
    fixed = struct.pack(">HHIH", 16, 1, 300, len(rr))
    message = head + wire_name(signed_owner or owner) + fixed + rr
    der = bytes.fromhex("30310201010420") + scalar.rjust(32, b"\0") + \
        bytes.fromhex("a00a06082a8648ce3d030107")
    pem = os.path.join(directory, "forge.pem")
    with open(pem, "wb") as f:
        f.write(b"-----BEGIN EC PRIVATE KEY-----\n" + base64.encodebytes(der) +
                b"-----END EC PRIVATE KEY-----\n")
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", pem], input=message,
                               stdout=subprocess.PIPE, check=True).stdout
    numbers, at = b"", 2
    for _ in range(2):
        size = signature[at + 1]
        numbers += signature[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    stamp = lambda t: time.strftime("%Y%m%d%H%M%S", time.gmtime(t))
    return "%s 300 IN TXT %s\n%s 300 IN RRSIG TXT 13 %d 300 %s %s %d %s %s\n" % (
        owner, txt(text), owner, labels, stamp(now + 864000), stamp(now - 3600), tag, signer,
        base64.b64encode(numbers).decode())


class Hierarchy(dns_lab.Lab):
    """dns_lab.Lab whose zones may also be changed after signing: zone.forge(lab, key base) returns
    lines to append."""

    def _sign(self, zone, plain, served):
        ds = super()._sign(zone, plain, served)
        forge = getattr(zone, "forge", None)
        if forge:
            self.key_bases = getattr(self, "key_bases", {})
            base = next(n[:-8] for n in os.listdir(self.path("keys"))
                        if n.startswith("K" + zone.fqdn + "+") and n.endswith(".private"))
            self.key_bases[zone.name] = base
            extra = forge(self, base)
            with open(served, "a") as f:
                f.write(extra)
        return ds


def make_zones():
    day, now = 86400, int(time.time())
    zone = dns_lab.Zone
    states = {
        "signed": {}, "nsec3": {"nsec3": True}, "ed25519": {"algorithm": "ED25519"},
        "rsa": {"algorithm": "RSASHA256"}, "compactx": {"online": True},
        "ed448": {"algorithm": "ED448"},
        "unsigned": {"signed": False, "ds": "none"}, "nods": {"ds": "none"},
        "expired": {"inception": now - 60 * day, "expiration": now - 30 * day},
        "old": {"inception": now - 40 * day, "expiration": now + 2 * day},
        "notyet": {"inception": now + 30 * day, "expiration": now + 60 * day},
        "altered": {"tamper": [("https://git.example/altered", "https://git.example/altercd")]},
        "wrongds": {"ds": "wrong"}, "dsunsigned": {"signed": False, "ds": "wrong"},
    }
    zones = [zone(name + ".lab", zone_name(name + ".lab"), **how) for name, how in states.items()]
    # Denials: no such name, a name without TXT, and compact denial of existence.
    zones += [zone("none.lab"), zone("none3.lab", nsec3=True),
              zone("nodata.lab", "go-import A 127.0.0.1\n"), zone("compact.lab", online=True),
              zone("noneunsigned.lab", signed=False, ds="none")]
    zones += [zone("wild.lab", "*.wild.lab. TXT %s\n" %
                   txt("a.wild.lab/x git https://git.example/w")),
              zone("wild3.lab", "*.wild3.lab. TXT %s\n" %
                   txt("a.wild3.lab/x git https://git.example/w"), nsec3=True)]
    long_root = "https://git.example/" + "very-long-" * 40
    three = "three.lab/x git https://git.example/split-in-the-middle-of-the-url"
    zones += [zone("three.lab", "go-import TXT %s\n" % txt(three, 25)),
              zone("long.lab", go_import("long.lab/x git " + long_root)),
              zone("many.lab", go_import(*("many.lab/p%02d git https://git.example/%s/%02d" %
                                           (i, "repository-number", i) for i in range(80)))),
              zone("lint.lab", go_import(
                  "lint.lab/ok git https://git.example/ok",
                  "lint.lab/plain git http://git.example/p",
                  "lint.lab/slash/ git https://git.example/s",
                  "wrong.lab/x git https://git.example/w",
                  "lint.lab/two git https://a.example", "lint.lab/two hg https://b.example")),
              zone("mixed.lab", go_import(
                  "v=spf1 -all", "google-site-verification=abc",
                  "mixed.lab/x git https://git.example/x",
                  "mixed.lab/x/foo git https://git.example/foo",
                  "mixed.lab/c cvs https://git.example/c",
                  "mixed.lab/f git file:///etc", "mixed.lab/n git git.example/n",
                  "mixed.lab/s git https://git.example/s /abs",
                  "mixed.lab/d hg https://hg.example/d sub",
                  "mixed.lab/m git https://git.example/m", "mixed.lab/m mod https://proxy.example",
                  "mixed.lab/two git https://a.example/two",
                  "mixed.lab/two git https://b.example/two",
                  "mixed.lab/same git https://a.example/same", "mixed.lab/five a b c d",
                  "other.lab/x git https://git.example/o") +
                   'go-import TXT "mixed.lab/z git https://evil.example/\\000\\027[2J"\n'),
              zone("other.lab", "*.other.lab. TXT \"v=spf1 -all\"\n"),
              zone("nods99.lab", ds="none")]
    # A CNAME to a signed zone, and one into an unsigned zone.
    zones += [zone("cname.lab", "go-import CNAME records.signed2.lab.\n"),
              zone("signed2.lab", "records TXT %s\n" %
                   txt("cname.lab/x git https://git.example/c")),
              zone("cnameun.lab", "go-import CNAME records.unsigned2.lab.\n"),
              zone("unsigned2.lab", "records TXT %s\n" %
                   txt("cnameun.lab/x git https://git.example/c"), signed=False, ds="none")]
    # A CNAME that verifies, to data that does not.
    zones += [zone("cnamebad.lab", "go-import CNAME go-import.expired.lab.\n")]
    # The records of a zone signed by a sibling's key, and a wildcard's signature replayed for a
    # name that is there.
    sibling = zone("sibling.lab", zone_name("sibling.lab"))
    sibling.forge = lambda lab, base: ""
    foreign = zone("foreign.lab")
    foreign.forge = lambda lab, base: sign_txt(
        lab.dir, lab.key_bases["sibling.lab"], "go-import.foreign.lab.",
        "foreign.lab/x git https://evil.example/x", "sibling.lab.")
    replay = zone("replay.lab", "*.replay.lab. TXT %s\nhere A 127.0.0.1\n" %
                  txt("replay.lab/x git https://evil.example/w"))
    replay.forge = lambda lab, base: sign_txt(
        lab.dir, base, "go-import.here.replay.lab.", "replay.lab/x git https://evil.example/w",
        "replay.lab.", labels=2, signed_owner="*.replay.lab.")
    zones += [sibling, foreign, replay]
    for i in range(10):
        zones.append(zone("d%d.lab" % i, go_import(*("d%d.lab/p%d git https://git.example/d%d/p%d" %
                                                    (i, j, i, j) for j in range(10)))))
    # Where web servers are, for names that are looked up with the same resolver.
    zones.append(zone("web.lab", "@ A 127.0.0.1\n@ AAAA ::1\nv4 A 127.0.0.1\n"))
    return zones


class Liar(dns_lab.Proxy):
    """Lies about some questions and passes the others on. lie(name, type): None for the truth;
    DENY or EMPTY, NXDOMAIN or NODATA without proof and with AD set; or another name, whose answer
    is given as this one's."""

    DENY, EMPTY = 3, 0

    def __init__(self, server, lie):
        self.lie = lie
        super().__init__(server)

    def _reply(self, query, ask, tcp):
        name, qtype, end = self._question(query)
        lie = self.lie(name, qtype)
        if lie is None:
            return super()._reply(query, ask, tcp)
        with self.lock:
            self.questions.append((name, qtype))
        if isinstance(lie, int):
            head = struct.unpack(">H", query[2:4])[0]
            return query[:2] + struct.pack(">HHHHH", 0x80a0 | lie | head & 0x0100, 1, 0, 0, 0) + \
                query[12:end]
        # As long as the name asked for, so that no pointer in the answer moves.
        other = wire_name(lie)
        assert len(other) == end - 16, (name, lie)
        reply = ask(query[:12] + other + query[end - 4:])
        return reply[:12] + query[12:end] + reply[end:]


class Web:
    """HTTPS and HTTP servers whose pages depend on the Host. asked: "SCHEME HOST TARGET" of every
    request, in order."""

    def __init__(self, tls):
        self.pages, self.asked = {}, []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.servers = {}
        for scheme in ("https", "http"):
            handler = type("Handler", (_Page,), {"web": self, "scheme": scheme})
            server = _Server((HOST, 0), handler)
            if scheme == "https":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*tls)
                server.socket = context.wrap_socket(server.socket, server_side=True,
                                                    do_handshake_on_connect=False)
            self.servers[scheme] = server
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02},
                             daemon=True).start()
        self.port = self.servers["https"].server_address[1]
        self.http_port = self.servers["http"].server_address[1]

    def page(self, host, path, body="", status=200, scheme="https", **headers):
        self.pages[scheme, host, path] = (status, headers, body if isinstance(body, bytes)
                                          else body.encode())

    def redirect(self, host, path, to, status=302, scheme="https"):
        self.page(host, path, "moved", status, scheme, Location=to)

    def stall(self, host, path):
        """Requests for this page are never answered."""
        self.pages["https", host, path] = None

    def clear(self):
        with self.lock:
            self.pages, self.asked = {}, []

    def count(self, text=""):
        with self.lock:
            return sum(1 for a in self.asked if text in a)

    def stop(self):
        self.stopping.set()
        for server in self.servers.values():
            server.shutdown()
            server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass


class _Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 20

    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path.startswith("http://"):  # we are the proxy, and the server, too
            self.path = "/" + self.path.split("/", 3)[3]
        host = self.headers.get("Host", "").split(":")[0]
        with self.web.lock:
            self.web.asked.append("%s %s %s" % (self.scheme, host, self.path))
            if self.headers.get("Authorization"):
                self.web.asked.append("authorization %s %s" % (self.scheme, host))
            answer = self.web.pages.get((self.scheme, host, self.path.split("?")[0]),
                                        (404, {}, b"not found\n"))
        if answer is None:
            self.web.stopping.wait()
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Tunnel:
    """An HTTP proxy that takes CONNECT and leads every tunnel to one port. asked: "HOST:PORT" of
    each."""

    def __init__(self, port):
        self.target, self.asked = port, []
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client):
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(4096)
                if not data:
                    return
                head += data
            self.asked.append(head.split()[1].decode())
            with socket.create_connection((HOST, self.target)) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
                back.start()
                self._copy(client, server)
                back.join()

    @staticmethod
    def _copy(a, b):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.listener.close()


class VanityLab:
    """The whole: lab.resolver (counted: lab.dns.asked(name, type)), lab.anchor, lab.ca, lab.web."""

    WEB_HOSTS = ("a.wild.lab", "here.replay.lab", "v4.web.lab", "l.example.org")

    def __init__(self, directory):
        self.dir = str(directory)
        self.hierarchy = Hierarchy(os.path.join(self.dir, "dns"), make_zones())

    def __enter__(self):
        os.makedirs(os.path.join(self.dir, "ca"), exist_ok=True)
        os.makedirs(os.path.join(self.dir, "dns"), exist_ok=True)
        self.hierarchy.start()
        try:
            self.dns = dns_lab.Proxy(self.hierarchy.resolver)
            self.ca = http_fixture.TestCa(os.path.join(self.dir, "ca"))
            self.web = Web(self.ca.issue(*self.WEB_HOSTS, *(z.name for z in self.hierarchy.zones)))
        except BaseException:
            self.hierarchy.stop()
            raise
        self.anchor = self.hierarchy.anchor
        return self

    def __exit__(self, *unused):
        self.web.stop()
        self.dns.close()
        self.hierarchy.stop()

    def txt_questions(self, name=None):
        """How many TXT questions reached the server."""
        return self.dns.asked(name, 16)

    def reset(self):
        self.web.clear()
        with self.dns.lock:
            self.dns.questions.clear()

    def args(self, *hosts, resolver=None):
        """The options that lead into the lab, and web requests for `hosts` to its servers."""
        args = ["--resolver", resolver or self.dns.resolver, "--trust-anchor", self.anchor,
                "--ca-file", self.ca.file]
        for host in hosts:
            args += ["--connect-to", "%s:443:%s:%d" % (host, HOST, self.web.port),
                     "--connect-to", "%s:80:%s:%d" % (host, HOST, self.web.http_port)]
        return args

    def lookup(self, *args, resolver=None, env=None, **kwargs):
        """vanity-lookup with these arguments; requests to any host in them go to the lab's."""
        hosts = sorted({a.split("/")[0].lower() for a in args if re.match("[a-z0-9.]+lab(/|$)", a)})
        changes = {"GOINSECURE": None, "NO_PROXY": None, "HTTPS_PROXY": None, "HTTP_PROXY": None,
                   "no_proxy": None}
        changes.update(env or {})
        return cli.gwtool("vanity-lookup", *self.args(*hosts, resolver=resolver), *args,
                          env=cli.clean_env(**changes), **kwargs)


def lab_of_module():
    """For setUpModule(): a lab that the module's end takes down."""
    directory = tempfile.TemporaryDirectory(prefix="gwtool-vanity-")
    unittest.addModuleCleanup(directory.cleanup)
    lab = VanityLab(directory.name).__enter__()
    unittest.addModuleCleanup(lab.__exit__)
    return lab
