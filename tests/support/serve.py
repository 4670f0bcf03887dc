"""What the tests of `gwtool serve-dns` share: the server on the replica log, DNS on the wire, and the
validators (delv, unbound) that judge its answers.

    class Answers(serve.TestCase):
        def test_soa(self):
            server = self.serve()                       # the replica's first head
            r = server.ask("l.example.org", "SOA")
            self.assertEqual(r.rcode, 0)
"""

import os
import re
import shutil
import socket
import struct
import subprocess
import urllib.request

import cli

ZONE = "l.example.org"
MOX = "mox.mjl_2d._.github.com.v0." + ZONE
REPLICA = os.path.join(cli.DATA, "replica")
HOST = "127.0.0.1"

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "OPT": 41, "DS": 43,
         "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "NXNAME": 128, "TKEY": 249, "TSIG": 250, "IXFR": 251,
         "AXFR": 252, "ANY": 255}


def type_number(text):
    return TYPES[text] if text in TYPES else int(text.removeprefix("TYPE"))


def encode_name(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            raw = label if isinstance(label, bytes) else label.encode("latin-1")
            out += bytes([len(raw)]) + raw
    return out + b"\0"


def query(name, qtype="A", dnssec=False, compact=False, edns=None, qclass=1, ident=0x1234, flags=0x0100,
          size=1232, options=b""):
    """A DNS query; EDNS is there when asked for, or needed for DO or options."""
    if edns is None:
        edns = dnssec or compact or bool(options)
    head = struct.pack(">HHHHHH", ident, flags, 1, 0, 0, 1 if edns else 0)
    out = head + encode_name(name) + struct.pack(">HH", type_number(qtype), qclass)
    if edns:
        bits = (0x8000 if dnssec else 0) | (0x4000 if compact else 0)
        out += b"\0" + struct.pack(">HHIH", 41, size, bits, len(options)) + options
    return out


def cookie_option(value):
    return struct.pack(">HH", 10, len(value)) + value


class Record:
    def __init__(self, name, rrtype, rrclass, ttl, rdata):
        self.name, self.type, self.rrclass, self.ttl, self.rdata = name, rrtype, rrclass, ttl, rdata

    @property
    def text(self):
        """A TXT record's strings, joined."""
        out, at = b"", 0
        while at < len(self.rdata):
            n = self.rdata[at]
            out += self.rdata[at + 1:at + 1 + n]
            at += 1 + n
        return out.decode()


class Message:
    """A response, taken apart strictly: bytes left over or missing are an error."""

    def __init__(self, data):
        self.data = data
        self.id, self.flags, qd, an, ns, ar = struct.unpack(">HHHHHH", data[:12])
        self.at = 12
        self.questions = []
        for _ in range(qd):
            name = self._name()
            self.questions.append((name,) + struct.unpack(">HH", self._take(4)))
        self.answer = [self._record() for _ in range(an)]
        self.authority = [self._record() for _ in range(ns)]
        self.additional = [self._record() for _ in range(ar)]
        assert self.at == len(data), "bytes after the message"
        self.opt = next((r for r in self.additional if r.type == 41), None)
        self.rcode = self.flags & 15 | ((self.opt.ttl >> 24 << 4) if self.opt else 0)
        self.aa, self.tc = bool(self.flags & 0x400), bool(self.flags & 0x200)
        self.rd, self.ra = bool(self.flags & 0x100), bool(self.flags & 0x80)
        self.ad, self.cd = bool(self.flags & 0x20), bool(self.flags & 0x10)

    def _take(self, n):
        assert self.at + n <= len(self.data), "cut short"
        self.at += n
        return self.data[self.at - n:self.at]

    def _name(self):
        labels, at, jumped = [], self.at, None
        while True:
            n = self.data[at]
            if n >= 0xc0:
                jumped = jumped or at + 2
                at = struct.unpack(">H", self.data[at:at + 2])[0] & 0x3fff
            elif n == 0:
                self.at = jumped or at + 1
                return ".".join(labels)
            else:
                labels.append(self.data[at + 1:at + 1 + n].decode("latin-1"))
                at += 1 + n

    def _record(self):
        name = self._name()
        rrtype, rrclass, ttl, size = struct.unpack(">HHIH", self._take(10))
        return Record(name, rrtype, rrclass, ttl, self._take(size))

    def of(self, section, rrtype):
        return [r for r in section if r.type == type_number(rrtype)]

    def options(self, wanted):
        """The values of the EDNS options of one code."""
        out, data = [], self.opt.rdata if self.opt else b""
        while data:
            code, size = struct.unpack(">HH", data[:4])
            if code == wanted:
                out.append(data[4:4 + size])
            data = data[4 + size:]
        return out

    @property
    def ede(self):
        """The extended errors' codes."""
        return [struct.unpack(">H", value[:2])[0] for value in self.options(15)]

    @property
    def cookie(self):
        """The client's half and the server's of a DNS cookie, None without one."""
        return self.options(10)[0] if self.options(10) else None


def ask_udp(port, message, host=HOST, timeout=5, source=None):
    """The reply's bytes, or None when none came."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        if source:
            s.bind((source, 0))
        s.settimeout(timeout * cli.SLOWNESS)
        s.connect((host, port))
        s.send(message)
        try:
            return s.recv(65535)
        except (socket.timeout, ConnectionRefusedError):
            return None


def answers_nothing_to(port, message, good):
    """Whether the server passes over `message`: `good`, sent after it from the same socket, is the only
    one that is answered. One client's datagrams are one worker's, in their order."""
    marker = b"\xa5\x5a"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(20 * cli.SLOWNESS)
        s.connect((HOST, port))
        s.send(message)
        s.send(marker + good[2:])
        return s.recv(65535)[:2] == marker


def read_exactly(s, n):
    out = b""
    while len(out) < n:
        part = s.recv(n - len(out))
        if not part:
            raise EOFError("closed after %d of %d bytes" % (len(out), n))
        out += part
    return out


def read_tcp(s):
    return read_exactly(s, struct.unpack(">H", read_exactly(s, 2))[0])


def framed(message):
    return struct.pack(">H", len(message)) + message


def ask_tcp(port, message, host=HOST, timeout=10, source=None):
    with socket.create_connection((host, port), timeout=timeout * cli.SLOWNESS,
                                  source_address=(source, 0) if source else None) as s:
        s.sendall(framed(message))
        return read_tcp(s)


class Server(cli.Background):
    """A running serve-dns. port: where it listens; db, key: its files."""

    def __init__(self, db, key, *args, zone=ZONE, listen=(HOST + ":0",), **kwargs):
        self.db, self.key, self.zone = db, key, zone
        ns = [] if "--ns" in args else ["--ns", "ns1.%s=%s" % (zone, HOST)]
        listening = [a for l in listen for a in ("--listen", l)]
        super().__init__([cli.GWTOOL, "serve-dns", "--db", db, "--zone", zone, "--key", key,
                          *ns, *listening, *args], **kwargs)
        self.wait_err("event=ready")
        self.ports = [int(p) for p in re.findall(r"event=listening address=\S*:(\d+)", self.err)]
        self.port = self.ports[0] if self.ports else None

    def ask(self, name, qtype="A", tcp=False, **kwargs):
        message = query(name, qtype, **kwargs)
        reply = ask_tcp(self.port, message) if tcp else ask_udp(self.port, message)
        assert reply is not None, "no reply to %s %s" % (name, qtype)
        return Message(reply)

    def txt(self, name, **kwargs):
        """The TXT answers' texts."""
        return [r.text for r in self.ask(name, "TXT", **kwargs).answer if r.type == 16]

    def status(self):
        r = cli.gwtool("serve-dns", "status", "--db", self.db, "--json")
        assert r.code == 0, str(r)
        return r.json

    def metric(self, name):
        port = int(re.search(r"event=metrics address=\S*:(\d+)", self.err).group(1))
        with urllib.request.urlopen("http://%s:%d/metrics" % (HOST, port), timeout=10) as f:
            text = f.read().decode()
        m = re.search("^%s (\\S+)$" % re.escape(name), text, re.M)
        assert m, "no metric %s\n%s" % (name, text)
        return int(m.group(1))


class TestCase(cli.TestCase):
    def log_dir(self, head="latest.first"):
        """A copy of the replica log whose newest head is this one."""
        path = self.path("log")
        if not os.path.isdir(path):
            shutil.copytree(REPLICA, path)
            for d, _, files in os.walk(path):
                os.chmod(d, 0o755)
                for f in files:
                    os.chmod(os.path.join(d, f), 0o644)
        shutil.copy(os.path.join(REPLICA, head), os.path.join(path, "latest"))
        return path

    def log_key(self):
        with open(os.path.join(REPLICA, "key.pub")) as f:
            return f.read().strip()

    def follow(self, db, head="latest.first"):
        r = self.gwtool("follow-tlog", "--once", "--db", db, "--source", self.log_dir(head),
                        "--log-key", self.log_key())
        self.assert_run(r, 0)

    def make_key(self, name="zone.key", zone=ZONE, algorithm=13):
        path = self.path(name)
        self.assert_run(self.gwtool("serve-dns", "key", "new", "--zone", zone, "--key", path,
                                    "--algorithm", str(algorithm)), 0)
        return path

    def serve(self, *args, head="latest.first", db=None, key=None, algorithm=13, **kwargs):
        """A server on the replica at this head, gone with the test."""
        if db is None:
            db = self.path("db")
            if head:
                self.follow(db, head)
        key = key or self.make_key(algorithm=algorithm)
        kwargs.setdefault("cwd", self.dir)
        server = Server(db, key, *args, **kwargs)
        self.addCleanup(server.kill)
        return server

    def anchor_text(self, key):
        with open(key + ".key") as f:
            line = [l for l in f if not l.startswith(";")][0].split()
        return line[0], line[line.index("DNSKEY") + 1:]

    def delv(self, server, name, qtype, *args):
        """delv's output; it validates with the server's own key as the anchor."""
        zone, (flags, proto, algorithm, *key) = self.anchor_text(server.key)
        anchor = self.file("anchor.conf", 'trust-anchors { "%s" static-key %s %s %s "%s"; };\n' % (
            zone, flags, proto, algorithm, "".join(key)))
        r = cli.run(["delv", "@" + HOST, "-p", server.port, "-a", anchor, "+root=" + server.zone,
                     *args, name, qtype])
        return r.out + r.err

    def unbound(self, server, stubs=()):
        """A validating resolver in front of the server, which mixes upper and lower case; its port.
        stubs: (zone, port) of other servers that it shall ask."""
        port = cli.free_port()
        with open(server.key + ".key") as f:
            anchor = self.file("anchor.key", "".join(l for l in f if not l.startswith(";")))
        conf = self.file("unbound.conf", """
server:
    directory: "%s"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    do-daemonize: no
    verbosity: 1
    interface: 127.0.0.1@%d
    num-threads: 1
    module-config: "validator iterator"
    trust-anchor-file: "%s"
    trust-anchor-signaling: no
    root-key-sentinel: no
    use-caps-for-id: yes
    do-not-query-localhost: no
    val-log-level: 2
    minimal-responses: no
    qname-minimisation: yes
    aggressive-nsec: yes
stub-zone:
    name: "%s"
    stub-addr: 127.0.0.1@%d
%s
remote-control:
    control-enable: no
""" % (self.dir, port, anchor, server.zone, server.port,
       "".join('stub-zone:\n    name: "%s"\n    stub-addr: 127.0.0.1@%d\n' % s for s in stubs)))
        process = self.background(["unbound", "-d", "-c", conf])
        cli.wait_until(lambda: ask_udp(port, query(server.zone, "SOA"), timeout=0.5),
                       what="unbound to answer")
        return process, port


def have_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def tool(*args):
    """Runs a program that must succeed; its standard output."""
    return subprocess.run([str(a) for a in args], check=True, capture_output=True, text=True).stdout
