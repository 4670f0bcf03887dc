#!/usr/bin/env python3
"""gwtool check of many things at once: far away within the default time, and hostile answers of every
kind within 256 MB."""

import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import check_lab
import cli
import dns_lab
from http_fixture import HttpFixture
from module_lab import ModuleLab

MANY = 1000
PROVEN = 100
DEFAULT_TIMEOUT = 5
# Of a build that ships: without the option. A sanitizer's has the same time by its own measure.
WITHIN = [] if cli.SLOWNESS == 1 else ["--timeout", "%ds" % (DEFAULT_TIMEOUT * cli.SLOWNESS)]
MOST_KB = 256 << 10


def setUpModule():
    global DIR, LOG, LOG_ARGS
    DIR = tempfile.mkdtemp(prefix="gwtool-lab-")
    versions = {"example.com/m%d" % i: "v1.%d.0" % i for i in range(MANY)}
    check_lab.CheckCase.lab = check_lab.start(DIR, versions)
    LOG = ModuleLab(os.path.join(DIR, "modules"))
    for i in range(PROVEN):
        LOG.add("example.com/m%d" % i, "v1.%d.0" % i, {"a.go": "package a\n"})
    LOG_ARGS = LOG.log()


def tearDownModule():
    check_lab.CheckCase.lab.stop()
    shutil.rmtree(DIR, ignore_errors=True)


class Measured:
    """A run of gwtool with the most memory that it had."""

    def __init__(self, args, input=""):
        p = subprocess.Popen([cli.GWTOOL, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=cli.clean_env())
        texts = {}

        def read(name, stream):
            texts[name] = stream.read()
        threads = [threading.Thread(target=read, args=x)
                   for x in (("out", p.stdout), ("err", p.stderr))]
        for t in threads:
            t.start()
        p.stdin.write(input.encode())
        p.stdin.close()
        _, status, usage = os.wait4(p.pid, 0)
        for t in threads:
            t.join()
        p.stdout.close()
        p.stderr.close()
        p.returncode = self.code = os.waitstatus_to_exitcode(status)
        self.kb = usage.ru_maxrss
        self.out, self.err = texts["out"].decode(), texts["err"].decode()
        cli.check_sanitizers(self.err)


class Far(check_lab.CheckCase):
    def test_a_thousand_modules(self):
        text = "".join("example.com/m%d@v1.0.0\n" % i for i in range(MANY))
        with dns_lab.Proxy(self.lab.resolver, "far") as proxy:
            r = self.check("module", "-", *WITHIN, input=text, resolver=proxy.resolver)
            self.assert_run(r, 100, err="")
            self.assertEqual(len(r.lines), MANY - 1)
            self.assertLess(r.seconds, DEFAULT_TIMEOUT * cli.SLOWNESS)

    def test_a_hundred_proofs(self):
        text = "".join("example.com/m%d\n" % i for i in range(PROVEN))
        with HttpFixture({"/": LOG.source}) as web:
            web.rule("*", delay=0.1)
            r = self.check("module", "-", "--prove", "--source", web.url, *LOG_ARGS[:2], *WITHIN,
                           input=text)
            self.assert_run(r, 0, err="")
            self.assertEqual(len(r.lines), PROVEN)
            self.assertLess(r.seconds, DEFAULT_TIMEOUT * cli.SLOWNESS)


class BigAnswers:
    """A name server on TCP whose answers hold so many bytes of versions."""

    def __init__(self, size):
        versions = "; ".join("v=v1.%d.%d t=6802a84d" % (i // 100, i % 100) for i in range(size // 25))
        text = versions.encode()
        parts = [text[i:i + 255] for i in range(0, len(text), 255)]
        rdata = b"".join(bytes([len(p)]) + p for p in parts)
        self.answer = b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 60, len(rdata)) + rdata
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", cli.free_port()))
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.bind(self.udp.getsockname())
        self.tcp.listen(256)
        self.resolver = "%s@%d" % self.udp.getsockname()
        for target in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def reply(self, query, answer):
        end = query.index(b"\0", 12) + 5
        flags = 0x8180 if answer else 0x8380
        return query[:2] + struct.pack(">HHHHH", flags, 1, 1 if answer else 0, 0, 0) + \
            query[12:end] + answer

    def serve_udp(self):
        while True:
            query, peer = self.udp.recvfrom(4096)
            self.udp.sendto(self.reply(query, b""), peer)

    def serve_tcp(self):
        while True:
            connection, _ = self.tcp.accept()
            threading.Thread(target=self.serve_one, args=(connection,), daemon=True).start()

    def serve_one(self, connection):
        try:
            with connection:
                data = b""
                while True:
                    while len(data) < 2 or len(data) < 2 + struct.unpack(">H", data[:2])[0]:
                        more = connection.recv(4096)
                        if not more:
                            return
                        data += more
                    size = 2 + struct.unpack(">H", data[:2])[0]
                    reply = self.reply(data[2:size], self.answer)
                    connection.sendall(struct.pack(">H", len(reply)) + reply)
                    data = data[size:]
        except OSError:
            pass


class Memory(check_lab.CheckCase):
    def run_within(self, args, input="", code=None):
        r = Measured(args, input)
        self.assertLess(r.kb, MOST_KB * cli.SLOWNESS, r.err[:500])
        if code is not None:
            self.assertEqual(r.code, code, r.err[:500])
        return r

    def test_large_dns_answers(self):
        server = BigAnswers(60000)
        text = "".join("example.com/m%d@v1.0.0\n" % i for i in range(1200))
        r = self.run_within(["check", "module", "-", "--dns", "big.lab", "--dnssec", "off", "--timeout",
                             "%ds" % (60 * cli.SLOWNESS), "--resolver", server.resolver], text, code=100)
        self.assertEqual(r.out.count("\n"), 1200)

    def test_large_lookups(self):
        text = "".join("example.com/m%d\n" % i for i in range(MANY))
        with HttpFixture({"/": LOG.source}) as web:
            web.rule("/lookup/*", body=b"1\nrecord\n\n" + b"x" * (2 << 20))
            self.run_within(["check", "module", "-", "--dns", check_lab.ZONE, "--resolver",
                             self.lab.resolver, "--trust-anchor", self.lab.anchor, "--prove", "--timeout",
                             "%ds" % (20 * cli.SLOWNESS), "--source", web.url, *LOG_ARGS[:2]], text, code=4)

    def test_large_lists_and_files(self):
        line = "example.com/m1 v1.0.0\n"
        self.run_within(["check", "module", "-"], line * ((16 << 20) // len(line)), code=2)
        self.run_within(["check", "module", "-"], "a.b/c\n" * ((16 << 20) // 6), code=2)
        gomod = self.file("go.mod", "module a.b/c\nrequire (\n%s)\n" % "".join(
            "e.x/%d v1.0.0\n" % i for i in range(190000)))
        self.run_within(["check", "gomod", gomod], code=2)
        gosum = self.file("go.sum", "a.b/c v1.0.0 h1:x\n" * ((16 << 20) // 18))
        self.run_within(["check", "gosum", gosum], code=2)
        for comments in ("// x\n" * (3 << 20),
                         "retract v1.0.0 // x\n" * 199999):
            self.file("go.mod", "module a.b/c\n" + comments)
            self.run_within(["check", "gomod", gomod], code=0)


if __name__ == "__main__":
    cli.main()
