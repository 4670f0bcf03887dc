#!/usr/bin/env python3
"""serve-dns on real data: every kind of answer, judged by delv and unbound, flags on the wire."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import serve
from serve import MOX, ZONE

V0 = ".v0." + ZONE
LONG = "a" * 63 + "." + "b" * 63 + "." + "c" * 60 + V0  # close to 255 octets

# name, type, what a validator says of it: "answer", or "denial" (NODATA and missing names alike).
KINDS = [
    ("apex SOA", ZONE, "SOA", "answer"),
    ("apex NS", ZONE, "NS", "answer"),
    ("apex DNSKEY", ZONE, "DNSKEY", "answer"),
    ("apex null MX", ZONE, "MX", "answer"),
    ("apex NODATA", ZONE, "A", "denial"),
    ("module", MOX, "TXT", "answer"),
    ("module, upper case", MOX.upper(), "TXT", "answer"),
    ("module, bare -", "mox.mjl-._.github.com" + V0, "TXT", "answer"),
    ("module NODATA", MOX, "A", "denial"),
    ("module NODATA AAAA", MOX, "AAAA", "denial"),
    ("module, unknown type", MOX, "TYPE65280", "denial"),
    ("toolchain", "toolchain" + V0, "TXT", "answer"),
    ("toolchain's module, no release", "toolchain._.golang.org" + V0, "TXT", "denial"),
    ("empty non-terminal v0", "v0." + ZONE, "TXT", "denial"),
    ("empty non-terminal host label", "com" + V0, "TXT", "denial"),
    ("empty non-terminal host", "github.com" + V0, "TXT", "denial"),
    ("empty non-terminal _", "_.github.com" + V0, "TXT", "denial"),
    ("empty non-terminal owner", "mjl_2d._.github.com" + V0, "TXT", "denial"),
    ("empty non-terminal bare -", "mjl-._.github.com" + V0, "TXT", "denial"),
    ("missing in v0", "nothing" + V0, "TXT", "denial"),
    ("missing module", "nothing.mjl_2d._.github.com" + V0, "TXT", "denial"),
    ("missing below a module", "x." + MOX, "TXT", "denial"),
    ("missing below a bare -", "x.mjl-._.github.com" + V0, "TXT", "denial"),
    ("missing beside v0", "v1." + ZONE, "A", "denial"),
    ("missing, a long name", LONG, "TXT", "denial"),
    ("name server", "ns1." + ZONE, "A", "answer"),
    ("name server NODATA", "ns1." + ZONE, "TXT", "denial"),
    ("deep name server", "ns.deep.er." + ZONE, "AAAA", "answer"),
    ("above a deep name server", "deep.er." + ZONE, "TXT", "denial"),
    ("NSEC of a module", MOX, "NSEC", "answer"),
    ("NSEC of the apex", ZONE, "NSEC", "answer"),
    ("NSEC of an empty non-terminal", "com" + V0, "NSEC", "answer"),
    ("NSEC of a missing name", "nothing" + V0, "NSEC", "answer"),
]


class Answers(serve.TestCase):
    NS = ("--ns", "ns1.%s=127.0.0.1" % ZONE, "--ns", "ns.deep.er.%s=2001:db8::1" % ZONE,
          "--ns", "ns.example.net")

    def kinds(self):
        """The table, and what it says of the parents that are no module paths in the data."""
        return KINDS + [
            ("parent that is no module path", "h2non._.gopkg.in" + V0, "TXT", "denial"),
            ("module below it", "gock_2ev1.h2non._.gopkg.in" + V0, "TXT", None),
            ("another such parent", "v1._.gonum.org" + V0, "TXT", "denial"),
        ]

    def test_delv(self):
        for algorithm in (13, 15):
            with self.subTest(algorithm):
                self.setUp()
                server = self.serve(*self.NS, head="latest", algorithm=algorithm)
                for what, name, qtype, kind in self.kinds():
                    with self.subTest(what):
                        out = self.delv(server, name, qtype)
                        self.assertIn("fully validated", out)
                        if kind:
                            self.assertEqual("negative response" in out, kind == "denial", out)
                for name in (MOX, "nothing" + V0, "com" + V0, ZONE):
                    with self.subTest("ANY " + name):
                        self.assertIn("fully validated", self.delv(server, name, "ANY"))

    def test_unbound_with_mixed_case(self):
        server = self.serve(*self.NS, head="latest")
        process, port = self.unbound(server)
        for what, name, qtype, kind in self.kinds():
            with self.subTest(what):
                # Twice: from the server, and from what it learned of the NSECs.
                for _ in range(2):
                    reply = serve.ask_udp(port, serve.query(name, qtype, dnssec=True), timeout=10)
                    self.assertIsNotNone(reply)
                    r = serve.Message(reply)
                    self.assertEqual(r.rcode, 0, process.err)
                    self.assertTrue(r.ad, "not validated\n" + process.err)
                    if kind:
                        self.assertEqual(bool(r.answer), kind == "answer")
        for name in (MOX, ZONE, "nothing" + V0):
            for qtype in ("RRSIG", "ANY"):
                with self.subTest(name + qtype):
                    r = serve.Message(serve.ask_udp(port, serve.query(name, qtype, dnssec=True), timeout=10))
                    self.assertNotEqual(r.rcode, 2, process.err)

    def test_flags_and_sections(self):
        server = self.serve(*self.NS)
        r = server.ask(MOX, "TXT", dnssec=True)
        self.assertTrue(r.aa and r.rd and not r.ra and not r.ad and not r.cd and not r.tc)
        self.assertEqual([x.type for x in r.answer], [16, 46])
        self.assertRegex(r.answer[0].text, "^v=v0\\.0\\.14 t=[0-9a-f]{8}$")
        self.assertEqual({x.ttl for x in r.answer}, {300})
        r = server.ask(MOX, "TXT", flags=0x0010)  # CD, no RD
        self.assertTrue(r.aa and not r.rd and not r.cd)
        self.assertEqual([x.type for x in r.answer], [16])
        self.assertIsNone(r.opt)
        mixed = "mOx.MJL_2d._.GitHub.com.v0.L.Example.ORG"
        r = server.ask(mixed, "TXT")
        self.assertEqual(r.questions[0][0], mixed)
        self.assertEqual(r.answer[0].name, mixed)

        # A bad option's value does not read as "no EDNS here" (RFC 6891 6.1.1).
        r = server.ask(MOX, "TXT", options=b"\0\x13\0\1x")
        self.assertEqual(r.rcode, 1)
        self.assertIsNotNone(r.opt)

        missing = "nothing" + V0
        self.assertEqual(server.ask(missing, "TXT").rcode, 3)
        r = server.ask(missing, "TXT", dnssec=True)
        self.assertEqual(r.rcode, 0)
        nsec = r.of(r.authority, "NSEC")
        self.assertEqual(len(nsec), 1)
        self.assertEqual(nsec[0].name, missing)
        self.assertTrue(nsec[0].rdata.startswith(b"\x01\x00" + serve.encode_name(missing)))
        # RRSIG, NSEC, NXNAME.
        self.assertTrue(nsec[0].rdata.endswith(bytes([0, 17, 0, 0, 0, 0, 0, 3] + [0] * 10 + [128])))
        r = server.ask(missing, "TXT", dnssec=True, compact=True)
        self.assertEqual(r.rcode, 3)
        self.assertTrue(r.opt.ttl & 0x4000)
        r = server.ask(MOX, "TXT", dnssec=True, compact=True)
        self.assertTrue(r.opt.ttl & 0x4000)
        self.assertEqual(r.rcode, 0)
        # The types of a module, and of nothing.
        bitmap = server.ask(MOX, "A", dnssec=True).of(
            server.ask(MOX, "A", dnssec=True).authority, "NSEC")[0].rdata[-8:]
        self.assertEqual(bitmap, bytes([0, 6, 0, 0, 0x80, 0, 0, 3]))
        r = server.ask("com" + V0, "A", dnssec=True)
        self.assertTrue(r.of(r.authority, "NSEC")[0].rdata.endswith(bytes([0, 6, 0, 0, 0, 0, 0, 3])))

    def test_what_goes_wrong_most_easily(self):
        server = self.serve(*self.NS, "--id", "test server")
        for name in (MOX, ZONE, "com" + V0, "nothing" + V0):
            with self.subTest(name):
                r = server.ask(name, "NSEC")
                self.assertEqual([x.type for x in r.answer], [47])
                r = server.ask(name, "RRSIG")
                self.assertTrue(r.answer and all(x.type == 46 for x in r.answer))
                r = server.ask(name, "NXNAME", edns=True)
                self.assertEqual(r.rcode, 1)
                self.assertIn(30, r.ede)
        self.assertEqual(server.ask("example.com", "A", edns=True).rcode, 5)
        self.assertEqual(server.ask("example.com", "A", edns=True).ede, [20])
        self.assertEqual(server.ask("example.com", "A").rcode, 5)
        self.assertEqual(server.ask(ZONE, "AXFR").rcode in (1, 5), True)
        self.assertEqual(server.ask(ZONE, "AXFR", tcp=True).rcode, 5)
        self.assertEqual(server.ask(MOX, "TXT", qclass=4).rcode, 5)
        r = server.ask("id.server", "TXT", qclass=3)
        self.assertEqual(r.answer[0].text, "test server")
        r = server.ask(MOX, "TXT", options=b"\0\3\0\0")  # NSID
        self.assertIn(b"\0\3\0\x0btest server", r.opt.rdata)
        self.assertEqual(server.ask(MOX, "ANY", dnssec=True).of(
            server.ask(MOX, "ANY", dnssec=True).answer, "TXT")[0].text[:3], "v=v")
        r = server.ask(MOX, "TXT", edns=True, options=b"\0\x13\0\0")  # ZONEVERSION
        self.assertIn((5000).to_bytes(4, "big"), r.opt.rdata)

    def test_dig_agrees(self):
        server = self.serve(*self.NS)
        for args, text in ((("+tcp",), "status: NOERROR"), (("+notcp", "+bufsize=512"), "status: NOERROR"),
                           (("+noedns",), "status: NOERROR"), (("+edns=1", "+noednsneg"), "BADVERS"),
                           (("+opcode=5",), "NOTIMP"), (("+ednsopt=65001:00ff",), "status: NOERROR"),
                           (("+cookie",), "(good)"), (("+cookie", "+tcp"), "(good)")):
            with self.subTest(args):
                out = serve.tool("dig", "@127.0.0.1", "-p", server.port, *args, "+tries=1", MOX, "TXT")
                self.assertIn(text, out)
                self.assertNotIn("Warning", out)
                self.assertNotIn("malformed", out)

    def test_every_module_of_the_log_and_its_ancestors_exist(self):
        server = self.serve(head="latest")
        names = set()
        for d, _, files in os.walk(os.path.join(serve.REPLICA, "lookup")):
            for f in files:
                path = os.path.relpath(os.path.join(d, f), os.path.join(serve.REPLICA, "lookup"))
                names.add(path.split("@")[0])
        self.assertGreater(len(names), 20)
        for path in names:
            if "/" not in path or "!" in path:
                continue
            host, *elements = path.split("/")
            encode = lambda e: "".join(
                c if c.isdigit() or c.islower() or (c == "-" and 0 < i < len(e) - 1) else
                "_%02x" % ord(c) for i, c in enumerate(e))
            labels = [encode(e) for e in reversed(elements)] + ["_"] + host.split(".")
            for i in range(len(labels)):
                name = ".".join(labels[i:]) + V0
                self.assertEqual(server.ask(name, "TXT").rcode, 0, name)


if __name__ == "__main__":
    cli.main()
