#!/usr/bin/env python3
"""A signed DNS hierarchy on loopback: a root, the top-level domain lab., and zones below it in every
state that validation must tell apart. Keys and signatures are made by ldnsutils, all zones are
served by one Knot, which a validating resolver can use as if it were its resolver (every question
is answered from the closest zone).

    with dns_lab.Lab(directory, dns_lab.standard_zones(records)) as lab:
        gwtool("check", "--resolver", lab.resolver, "--trust-anchor", lab.anchor, ...)

Faults between client and server come from Proxy, which also counts questions. For tests in C++:

    python3 dns_lab.py DIRECTORY [RECORDS]

serves standard_zones() with the records of the file, prints one line of JSON with all addresses when
it is ready, and ends when its standard input does.
"""

import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

from ports import free_port

HOST = "127.0.0.1"
DS_UNSIGNED = "12345 13 2 " + "ab" * 32


class Zone:
    """A zone file and what is done to it. ds: good, none, wrong. tamper: pairs of text that are
    replaced after signing. online: signed by Knot at each question, with compact denial."""

    def __init__(self, name, records="", algorithm="ECDSAP256SHA256", signed=True, ds="good",
                 inception=None, expiration=None, nsec3=False, tamper=(), online=False):
        self.name = name.rstrip(".")
        self.records, self.algorithm, self.signed, self.ds = records, algorithm, signed, ds
        self.inception, self.expiration, self.nsec3 = inception, expiration, nsec3
        self.tamper, self.online = tamper, online
        self.ds_text = []

    @property
    def fqdn(self):
        return self.name + "." if self.name else "."


def standard_zones(records):
    """One zone for each state, all with the same records (zone file lines, names relative)."""
    day = 86400
    now = int(time.time())
    return [
        Zone("signed.lab", records),
        Zone("nsec3.lab", records, nsec3=True),
        Zone("ed25519.lab", records, algorithm="ED25519"),
        Zone("rsa.lab", records, algorithm="RSASHA256"),
        Zone("compact.lab", records, online=True),
        Zone("ed448.lab", records, algorithm="ED448"),
        Zone("unsigned.lab", records, signed=False, ds="none"),
        Zone("nods.lab", records, ds="none"),
        Zone("expired.lab", records, inception=now - 60 * day, expiration=now - 30 * day),
        Zone("notyet.lab", records, inception=now + 30 * day, expiration=now + 60 * day),
        Zone("altered.lab", records, tamper=[("v0.0.15", "v6.6.66")]),
        Zone("wrongds.lab", records, ds="wrong"),
        Zone("dsunsigned.lab", records, signed=False, ds="wrong"),
    ]


def run_bytes(*args, cwd=None):
    p = subprocess.run([str(a) for a in args], cwd=cwd, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    if p.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(map(str, args)), p.stderr.decode()))
    return p.stdout


def run(*args, cwd=None):
    return run_bytes(*args, cwd=cwd).decode()


def can_bind(host, port):
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as t:
            u.bind((host, port))
            t.bind((host, port))
        return True
    except OSError:
        return False


class Lab:
    """Builds, signs and serves zones. resolver: ADDR@PORT; anchor: file with the root's DS;
    anchors[zone]: file with that zone's own DS. root_hints: a file for full recursion, None where
    port 53 of a loopback address (glue) cannot be had."""

    def __init__(self, directory, zones, delegations=()):
        """delegations: (name, DS text or None) of zones below lab. that others serve."""
        self.dir = os.path.abspath(str(directory))
        self.zones = list(zones)
        self.delegations = list(delegations)
        self.anchors = {}
        self.server = None
        self.root_hints = None

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def start(self):
        os.makedirs(self.path("keys"), exist_ok=True)
        for _ in range(20):
            host = "127.%d.%d.%d" % tuple(random.randint(1, 254) for _ in range(3))
            if can_bind(host, 53):
                break
        else:
            host = None
        self.glue = host or HOST
        self.port = free_port()
        self.resolver = "%s@%d" % (HOST, self.port)
        self._configure(host)
        for zone in self.zones:
            self._build(zone)
        lab = Zone("lab", "".join(self._delegation(z.fqdn, z.ds_text) for z in self.zones) +
                   "".join(self._delegation(n, [ds] if ds else []) for n, ds in self.delegations))
        self._build(lab)
        root = Zone("", self._delegation("lab.", lab.ds_text))
        self._build(root)
        self.anchor = self.anchors[""]
        if host:
            self.root_hints = self._write("root.hints", ". 3600000 NS ns.lab.\n"
                                          "ns.lab. 3600000 A %s\n" % host)
        self._serve()

    def _write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def _delegation(self, name, ds):
        glue = "%s NS ns.lab.\n" % name
        return glue + "".join("%s DS %s\n" % (name, d) for d in ds)

    def _build(self, zone):
        ns = "ns.lab. A %s\n" % self.glue if zone.name in ("lab", "") else ""
        text = ("$ORIGIN %s\n$TTL 300\n@ SOA ns.lab. host.lab. 1 3600 900 864000 60\n@ NS ns.lab.\n"
                % zone.fqdn) + ns + zone.records
        name = zone.name or "root"
        plain = self._write(name + ".zone", text if text.endswith("\n") else text + "\n")
        served = self.path(name + ".served")
        if zone.online:
            shutil.copy(plain, served)
            ds = self._online_key(zone)
        elif zone.signed:
            ds = self._sign(zone, plain, served)
        else:
            shutil.copy(plain, served)
            ds = DS_UNSIGNED
        if zone.tamper:
            with open(served) as f:
                text = f.read()
            for old, new in zone.tamper:
                assert old in text, old
                text = text.replace(old, new)
            with open(served, "w") as f:
                f.write(text)
        self.anchors[zone.name] = self._write(name + ".anchor", "%s IN DS %s\n" % (zone.fqdn, ds))
        if zone.ds == "wrong":
            ds = ds[:-6] + ("000000" if not ds.endswith("000000") else "111111")
        zone.ds_text = [] if zone.ds == "none" else [ds]

    def _sign(self, zone, plain, served):
        base = run("ldns-keygen", "-a", zone.algorithm, "-k", zone.fqdn,
                   cwd=self.path("keys")).strip()
        now = int(time.time())
        args = ["-i", str(zone.inception or now - 3600), "-e", str(zone.expiration or now + 864000)]
        if zone.nsec3:
            args += ["-n", "-t", "0"]
        run("ldns-signzone", *args, "-o", zone.fqdn, "-f", served, plain, base,
            cwd=self.path("keys"))
        with open(self.path("keys", base + ".ds")) as f:
            return f.read().split("DS", 1)[1].strip()

    def _online_key(self, zone):
        run("keymgr", "-c", self.path("knot.conf"), zone.fqdn, "generate", "algorithm=13",
            "ksk=yes", "zsk=yes")
        lines = run("keymgr", "-c", self.path("knot.conf"), zone.fqdn, "ds").splitlines()
        return next(l.split("DS", 1)[1].strip() for l in lines if l.split()[-2] == "2")

    def _configure(self, host):
        listen = ["%s@%d" % (HOST, self.port)] + (["%s@53" % host] if host else [])
        conf = ["server:", "  rundir: " + self.dir, "  udp-workers: 1", "  tcp-workers: 1",
                "  background-workers: 1", "  tcp-io-timeout: 2000",
                "  listen: [ %s ]" % ", ".join(listen),
                "database:", "  storage: " + self.dir,
                "mod-onlinesign:", "  - id: compact",
                "template:", "  - id: default", "    storage: " + self.dir,
                "    zonefile-sync: -1", "    zonefile-load: whole", "    journal-content: none",
                "    semantic-checks: off", "zone:"]
        for zone in self.zones + [Zone("lab"), Zone("")]:
            conf += ["  - domain: " + zone.fqdn, "    file: %s.served" % (zone.name or "root")]
            if zone.online:
                conf += ["    module: mod-onlinesign/compact"]
        self._write("knot.conf", "\n".join(conf) + "\n")

    def _serve(self):
        log = open(self.path("knot.log"), "wb")
        self.server = subprocess.Popen(["knotd", "-c", self.path("knot.conf")], stdout=log,
                                       stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        deadline = time.monotonic() + 20
        waiting = {z.fqdn for z in self.zones} | {"lab.", "."}
        while waiting:
            if time.monotonic() > deadline or self.server.poll() is not None:
                with open(self.path("knot.log")) as f:
                    raise RuntimeError("knotd does not serve %s:\n%s" % (waiting, f.read()))
            waiting = {z for z in waiting if not self._answers(z)}
            if waiting:
                time.sleep(0.01)

    def _answers(self, zone):
        wire = b"".join(bytes([len(l)]) + l.encode() for l in zone.rstrip(".").split(".") if l)
        query = struct.pack(">HHHHHH", 7, 0, 1, 0, 0, 0) + wire + b"\0\0\x06\0\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            try:
                s.connect((HOST, self.port))
                s.send(query)
                reply = s.recv(4096)
            except OSError:
                return False
        # authoritative, NOERROR, with an answer
        return len(reply) > 12 and reply[2] & 4 and reply[3] & 15 == 0 and reply[7] > 0

    def stop(self):
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            self.server = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *unused):
        self.stop()


class Proxy:
    """Stands between a client and a DNS server and does one thing wrong.

    mode: count (nothing wrong), strip (a resolver that knows no DNSSEC), forge (alters TXT data and
    sets AD), dead (never answers), slow (answers after 0.3 s), far (after 0.1 s), servfail, refused,
    truncate (UDP answers are cut, TCP works), formerr (to whoever sends EDNS, which it does not know),
    portal (every name has an address and nothing else).
    Only for names that hold `only`, and `types` when some are given; the others are answered.
    delay: what slow takes, in seconds.
    questions: (name, type) of everything that was asked, in order.
    """

    def __init__(self, server, mode="count", replace=(b"v0.0.15", b"v6.6.66"), only="", types=(),
                 delay=0.3):
        host, port = server.split("@")
        self.upstream = (host, int(port))
        self.mode, self.replace, self.only, self.types = mode, replace, only, types
        self.delay = delay
        self.questions = []
        self.lock = threading.Lock()
        self.closing = False
        while True:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind((HOST, 0))
            self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                self.tcp.bind((HOST, self.udp.getsockname()[1]))
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
        self.tcp.listen(16)
        self.resolver = "%s@%d" % self.udp.getsockname()
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def _question(self, query):
        labels, i = [], 12
        while query[i]:
            labels.append(query[i + 1:i + 1 + query[i]].decode("latin-1"))
            i += query[i] + 1
        return ".".join(labels).lower() + ".", struct.unpack(">H", query[i + 1:i + 3])[0], i + 5

    def _reply(self, query, ask, tcp):
        name, qtype, end = self._question(query)
        with self.lock:
            self.questions.append((name, qtype))
        wrong = self.only in name and (not self.types or qtype in self.types)
        mode = self.mode if wrong else "count"
        if mode == "dead":
            return None
        if mode in ("slow", "far"):
            time.sleep(self.delay if mode == "slow" else 0.1)
        if mode == "portal" or mode == "formerr" and query[10:12] != b"\0\0":
            answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01"
            head = struct.pack(">HHHHH", 0x8180 + (mode == "formerr"), 1, mode == "portal" and qtype == 1,
                               0, 0)
            return query[:2] + head + query[12:end] + (answer if head[5] else b"")
        head = struct.unpack(">H", query[2:4])[0]
        codes = {"servfail": 2, "refused": 5}
        if mode in codes:
            return query[:2] + struct.pack(">HHHHH", 0x8080 | head & 0x0100 | codes[mode],
                                           1, 0, 0, 0) + query[12:end]
        if mode == "truncate" and not tcp:
            return query[:2] + struct.pack(">HHHHH", 0x8280 | head & 0x0100, 1, 0, 0, 0) + \
                query[12:end]
        if mode in ("strip", "formerr"):
            if qtype in (43, 46, 47, 48, 50):  # DS RRSIG NSEC DNSKEY NSEC3
                return query[:2] + struct.pack(">HHHHH", 0x81a0, 1, 0, 0, 0) + query[12:end]
            # No OPT record: no DO bit.
            query = query[:10] + b"\0\0" + query[12:end]
        reply = ask(query)
        if reply is not None and mode in ("strip", "forge"):
            reply = reply[:3] + bytes([reply[3] | 0xa0]) + reply[4:]  # RA AD
            if mode == "forge":
                reply = reply.replace(*self.replace)
        return reply

    def _ask_udp(self, query):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect(self.upstream)
            s.send(query)
            try:
                return s.recv(65536)
            except OSError:
                return None

    def _ask_tcp(self, query):
        with socket.create_connection(self.upstream, 5) as s:
            s.sendall(struct.pack(">H", len(query)) + query)
            return self._read_message(s)

    def _read_message(self, s):
        def read(n):
            data = b""
            while len(data) < n:
                chunk = s.recv(n - len(data))
                if not chunk:
                    return None
                data += chunk
            return data
        size = read(2)
        return read(struct.unpack(">H", size)[0]) if size else None

    def _serve_udp(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(65536)
            except OSError:
                return
            if len(query) < 17:
                continue
            if self.mode in ("slow", "far"):
                threading.Thread(target=self._answer_udp, args=(query, peer), daemon=True).start()
            else:
                self._answer_udp(query, peer)

    def _answer_udp(self, query, peer):
        reply = self._reply(query, self._ask_udp, False)
        if reply is not None:
            try:
                self.udp.sendto(reply, peer)
            except OSError:
                pass

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,),
                             daemon=True).start()

    def _serve_connection(self, connection):
        with connection:
            while True:
                try:
                    query = self._read_message(connection)
                    reply = self._reply(query, self._ask_tcp, True) if query else None
                    if reply is None:
                        return
                    connection.sendall(struct.pack(">H", len(reply)) + reply)
                except OSError:
                    return

    def asked(self, name=None, qtype=None):
        """How often a name (any) and type (any) was asked for."""
        with self.lock:
            return sum(1 for n, t in self.questions
                       if (name is None or n == name) and (qtype is None or t == qtype))

    def close(self):
        for s in (self.udp, self.tcp):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def main():
    directory = sys.argv[1]
    records = ""
    if len(sys.argv) > 2:
        with open(sys.argv[2]) as f:
            records = f.read()
    with Lab(directory, standard_zones(records)) as lab:
        proxies = {m: Proxy(lab.resolver, m)
                   for m in ("count", "strip", "forge", "dead", "servfail", "refused", "truncate", "slow", "formerr", "portal")}
        print(json.dumps({"resolver": lab.resolver, "anchor": lab.anchor, "anchors": lab.anchors,
                          "root_hints": lab.root_hints or "",
                          "port_53": lab.glue if lab.root_hints else "",
                          "proxies": {m: p.resolver for m, p in proxies.items()}}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
