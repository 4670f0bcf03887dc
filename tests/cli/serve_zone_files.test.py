#!/usr/bin/env python3
"""serve-dns --zone-file: ordinary zones, judged by delv and unbound, compared with NSD record by
record, reloaded while they are served."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import serve
from serve import HOST

PARENT = """\
$ORIGIN example.org.
$TTL 300
@       IN SOA ns1 hostmaster ( 10 ; serial
                4h 1h 2w 1m )
        NS      ns1
        NS      ns.example.net.
        MX      10 mail
ns1     A       127.0.0.1
        AAAA    2001:db8::1
mail    A       192.0.2.25
go-import TXT   "example.org/x git https://git.example.org/x"
        TXT     "example.org/y mod " "https://proxy.example.org"
_updates TXT    "v=UPDATES0;l=v0.0.15"
www     CNAME   mail
two     CNAME   www
ext     CNAME   www.example.com.
gone    CNAME   nothere
nodata  CNAME   mail
loop1   CNAME   loop2
loop2   CNAME   loop1
tocut   CNAME   x.sub
old     DNAME   new
www.new A       192.0.2.77
*.wild  TXT     "any"
*.wild  A       192.0.2.99
host.wild A     192.0.2.98
*.cwild CNAME   mail
b.*.hollow TXT  "below a wildcard"
a.b.ent TXT     "deep"
caa     CAA     0 issue "ca.example.org"
odd     TYPE65280 \\# 3 010203
big     TXT     %s
sub     NS      ns.sub
        NS      ns.other
ns.sub  A       192.0.2.53
        AAAA    2001:db8::53
other   NS      ns.other
ns.other A      192.0.2.54
signed  NS      ns.example.net.
signed  DS      12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
child   NS      ns1
%%s
""" % " ".join('"%s"' % (c * 250) for c in "abcdefgh")

CHILD = """\
$TTL 300
@   SOA ns1.example.org. hostmaster.example.org. 1 14400 3600 1209600 60
@   NS  ns1.example.org.
@   TXT "the child"
*   TXT "anything"
"""

# name (before .example.org), types: what NSD is asked too.
ASKED = ["", "ns1", "mail", "go-import", "www", "two", "ext", "gone", "nodata", "loop1", "tocut",
         "old", "www.old", "no.old", "a.b.old", "www.new", "new", "wild", "q.wild", "q.q.wild",
         "host.wild", "x.host.wild", "*.wild", "q.cwild", "q.hollow", "*.hollow", "b.*.hollow",
         "b.q.hollow", "ent", "b.ent", "a.b.ent", "x.b.ent", "caa", "odd", "big", "sub", "x.sub",
         "ns.sub", "other", "ns.other", "signed", "x.signed", "child", "x.child", "missing",
         "MiSSing", "WWW"]
TYPES = ["A", "AAAA", "TXT", "MX", "NS", "SOA", "CNAME", "DNAME", "DS", "TYPE65280", "TYPE257"]
serve.TYPES.setdefault("DNAME", 39)


class ZoneFiles(serve.TestCase):
    def setUp(self):
        super().setUp()
        self.keys = {}

    def key_of(self, zone, algorithm=13):
        if zone not in self.keys:
            self.keys[zone] = self.make_key(zone + ".key", zone, algorithm)
        return self.keys[zone]

    def ds(self, zone):
        return self.gwtool("serve-dns", "key", "ds", "--zone", zone, "--key", self.key_of(zone)).out

    def start(self, zones, *args):
        """serve-dns on these files, ORIGIN → path; .port and .ask() as of serve.Server."""
        words = []
        for origin, path in zones.items():
            words += ["--zone-file", "%s=%s" % (origin, path),
                      "--zone-key", "%s=%s" % (origin, self.key_of(origin))]
        server = self.background([cli.GWTOOL, "serve-dns", "--listen", HOST + ":0", "--status-socket",
                                  self.path("socket"), *words, *args], cwd=self.dir)
        server.wait_err("event=ready")
        server.port = int(re.search(r"event=listening address=\S*:(\d+)", server.err).group(1))
        server.zone = next(iter(zones))
        server.key = self.key_of(server.zone)
        server.ask = lambda *a, tcp=False, **k: serve.Message(
            (serve.ask_tcp if tcp else serve.ask_udp)(server.port, serve.query(*a, **k)))
        return server

    def family(self, more=""):
        """Parent and child, the parent's file with the child's DS."""
        self.parent = self.file("parent.zone", PARENT % (self.ds("child.example.org") + more))
        return {"example.org": self.parent,
                "child.example.org": self.file("child.zone", CHILD)}

    def status(self, zone):
        r = self.gwtool("serve-dns", "status", "--status-socket", self.path("socket"), "--json")
        self.assert_run(r, 0)
        return next(z for z in r.json["zones"] if z["name"] == zone + ".")

    # ---- what is answered ----

    def test_delv(self):
        for algorithm in (13, 15):
            with self.subTest(algorithm):
                self.setUp()
                self.key_of("example.org", algorithm)
                self.key_of("child.example.org", 28 - algorithm)
                server = self.start(self.family())
                for name, qtype, kind in [
                        ("go-import", "TXT", "answer"), ("www", "A", "answer"),
                        ("two", "A", "answer"), ("nodata", "TXT", "denial"),
                        ("gone", "A", "denial"),
                        ("www.old", "A", "answer"), ("old", "DNAME", "answer"),
                        ("q.wild", "TXT", "answer"), ("q.q.wild", "A", "answer"),
                        ("q.wild", "MX", "denial"), ("q.cwild", "A", "answer"),
                        ("q.hollow", "TXT", "denial"), ("ent", "TXT", "denial"),
                        ("b.ent", "TXT", "denial"), ("a.b.ent", "TXT", "answer"),
                        ("missing", "A", "denial"), ("signed", "DS", "answer"),
                        ("child", "DS", "answer"), ("sub", "DS", "denial"),
                        ("child", "TXT", "answer"), ("q.child", "TXT", "answer"),
                        ("q.child", "A", "denial"), ("child", "NSEC", "answer"),
                        ("www", "NSEC", "answer"), ("odd", "TYPE65280", "answer"),
                        ("big", "TXT", "answer")]:
                    with self.subTest("%s %s" % (name, qtype)):
                        out = self.delv(server, name + ".example.org", qtype)
                        self.assertIn("fully validated", out)
                        self.assertEqual("negative response" in out or "nxrrset" in out,
                                         kind == "denial", out)

    def test_names_in_records_are_signed_in_lower_case(self):
        """RFC 4034 6.2: every type on its list that has a name, in mixed case."""
        types = {"MB": "Mail.Example.COM.", "MG": "Mail.Example.COM.",
                 "MR": "Mail.Example.COM.", "PTR": "Host.Example.COM.",
                 "MINFO": "Mail.Example.COM. Err.Example.COM.", "MX": "10 Mail.Example.COM.",
                 "RP": "Who.Example.COM. Txt.Example.COM.", "AFSDB": "1 Host.Example.COM.",
                 "RT": "10 Host.Example.COM.", "PX": "10 Map.Example.COM. X400.Example.COM.",
                 "KX": "10 Host.Example.COM.", "SRV": "0 0 53 Host.Example.COM.",
                 "NAPTR": '100 50 "s" "SIP+D2U" "" _SIP._UDP.Example.COM.',
                 "TYPE38": "\\# 15 40 4142434445464748 0141 024243 00",  # A6
                 "CNAME": "WWW.Example.ORG.", "DNAME": "Target.Example.COM."}
        self.key_of("example.org")
        self.key_of("child.example.org")
        server = self.start(self.family("".join(
            "names-%s %s %s\n" % (t.lower(), t, data) for t, data in types.items())))
        process, port = self.unbound(server)
        for rrtype in types:
            name = "names-%s.example.org" % rrtype.lower()
            with self.subTest(rrtype):
                self.assertIn("fully validated", self.delv(server, name, rrtype))
                number = {"MB": 7, "MG": 8, "MR": 9, "PTR": 12, "MINFO": 14, "MX": 15, "RP": 17,
                          "AFSDB": 18, "RT": 21, "PX": 26, "KX": 36, "SRV": 33, "NAPTR": 35,
                          "TYPE38": 38, "CNAME": 5, "DNAME": 39}[rrtype]
                r = serve.Message(serve.ask_tcp(
                    port, serve.query(name, "TYPE%d" % number, dnssec=True), timeout=10))
                self.assertEqual((r.rcode, r.ad), (0, True), process.err)

    def test_unbound_with_mixed_case(self):
        server = self.start(self.family())
        process, port = self.unbound(server)
        for name, qtype, kind, secure in [
                ("go-import", "TXT", "answer", True), ("www", "A", "answer", True),
                ("two", "A", "answer", True), ("www.old", "A", "answer", True),
                ("gone", "A", None, True), ("q.wild", "TXT", "answer", True),
                ("q.wild", "MX", "denial", True), ("q.hollow", "TXT", "denial", True),
                ("ent", "TXT", "denial", True), ("missing", "A", "denial", True),
                ("sub", "DS", "denial", True), ("signed", "DS", "answer", True),
                ("child", "DS", "answer", True), ("child", "TXT", "answer", True),
                ("q.child", "TXT", "answer", True), ("q.child", "A", "denial", True),
                ("child", "NSEC", "answer", True), ("www", "NSEC", "answer", True),
                ("big", "TXT", "answer", True), ("loop1", "A", None, None)]:
            with self.subTest("%s %s" % (name, qtype)):
                for _ in range(2):
                    r = serve.Message(serve.ask_tcp(
                        port, serve.query(name + ".example.org", qtype, dnssec=True), timeout=10))
                    if secure is None:
                        continue  # whatever it makes of a loop, it answers
                    self.assertEqual(r.rcode, 0, process.err)
                    self.assertEqual(r.ad, secure, process.err)
                    if kind:
                        self.assertEqual(bool(r.answer), kind == "answer")

    def nsd(self, zones):
        """NSD with these zones, ORIGIN → file in the test's directory; its port."""
        port = cli.free_port()
        conf = self.file("nsd.conf", """
server:
    ip-address: 127.0.0.1@%d
    zonesdir: "%s"
    database: ""
    pidfile: ""
    username: ""
    zonelistfile: "%s/zone.list"
    xfrdfile: "%s/xfrd.state"
    cookie-secret-file: ""
    minimal-responses: yes
    round-robin: no
    rrl-ratelimit: 0
remote-control:
    control-enable: no
%s""" % (port, self.dir, self.dir, self.dir,
         "".join("zone:\n    name: %s\n    zonefile: %s\n" % z for z in zones.items())))
        self.background(["nsd", "-d", "-c", conf])
        first = next(iter(zones))
        cli.wait_until(lambda: serve.ask_udp(port, serve.query(first, "SOA"), timeout=0.5),
                       what="nsd to answer")
        return port

    def test_unbound_with_children_on_other_servers(self):
        """An unsigned child is insecure, a signed one with its DS secure, with another DS bogus."""
        records = "$TTL 60\n@ SOA ns.y. h.y. 1 1 1 1 1\n@ NS ns.y.\nwww TXT here\n*.w TXT any\n"
        child = self.file("child", records)
        for name in ("right", "wrong"):
            self.key_of(name + ".example.org", 15)
        ds = {name: self.ds(name + ".example.org") for name in ("right", "wrong")}
        digest = ds["wrong"].split()[-1]
        parent = self.file("parent", records + "".join(
            "%s NS ns.example.net.\n" % n for n in ("plain", "right", "wrong")) +
            ds["right"] + ds["wrong"].replace(digest, digest[::-1]) +
            "d DNAME plain\ne DNAME right\nc CNAME www.plain\ns CNAME www.right\n*.v CNAME www.plain\n")
        server = self.start({"example.org": parent})
        signed = self.background(
            [cli.GWTOOL, "serve-dns", "--listen", HOST + ":0", *sum(
                (["--zone-file", "%s.example.org=%s" % (n, child), "--zone-key",
                  "%s.example.org=%s" % (n, self.key_of(n + ".example.org"))]
                 for n in ("right", "wrong")), [])], cwd=self.dir)
        signed.wait_err("event=ready")
        other = int(re.search(r"event=listening address=\S*:(\d+)", signed.err).group(1))
        plain = self.nsd({"plain.example.org": "child"})
        process, port = self.unbound(server, [("plain.example.org", plain),
                                              ("right.example.org", other),
                                              ("wrong.example.org", other)])
        for name, rcode, secure in [
                ("www.plain", 0, False), ("q.w.plain", 0, False), ("none.plain", 3, False),
                ("www.right", 0, True), ("q.w.right", 0, True), ("none.right", 0, True),
                ("www.wrong", 2, False), ("none.wrong", 2, False),
                ("www.d", 0, False), ("none.d", 3, False), ("www.e", 0, True), ("none.e", 0, True),
                ("c", 0, False), ("s", 0, True), ("q.v", 0, False)]:
            with self.subTest(name):
                for _ in range(2):
                    r = serve.Message(serve.ask_tcp(
                        port, serve.query(name + ".example.org", "TXT", dnssec=True), timeout=10))
                    self.assertEqual((r.rcode, r.ad), (rcode, secure), process.err)

    def test_as_nsd_answers(self):
        """Without DNSSEC each answer is the one that NSD gives for the same file."""
        family = self.family()
        server = self.start(family)
        port = self.nsd({"example.org": "parent.zone", "child.example.org": "child.zone"})

        def seen(records):
            # Names in rdata are compared without compression and case: by what both encode.
            return sorted((r.name.lower(), r.type, r.ttl, r.plain) for r in records if r.type != 41)

        for label in ASKED:
            name = (label + "." if label else "") + "example.org"
            for qtype in TYPES:
                with self.subTest("%s %s" % (name, qtype)):
                    message = serve.query(name, qtype)
                    ours = Plain(serve.ask_tcp(server.port, message))
                    theirs = Plain(serve.ask_tcp(port, message))
                    self.assertEqual(ours.rcode, theirs.rcode)
                    self.assertEqual(ours.aa, theirs.aa)
                    self.assertEqual(seen(ours.answer), seen(theirs.answer))
                    self.assertEqual(seen(ours.authority), seen(theirs.authority))
                    # NSD adds addresses to more answers; those of a referral are the same.
                    if not ours.aa:
                        self.assertEqual(seen(ours.additional), seen(theirs.additional))

    def test_a_referral_is_not_authoritative_and_says_what_is_signed(self):
        server = self.start(self.family())
        r = server.ask("x.sub.example.org", "A", dnssec=True)
        self.assertFalse(r.aa)
        self.assertEqual([x.type for x in r.authority], [2, 2, 47, 46])
        nsec = r.of(r.authority, "NSEC")[0]
        self.assertEqual(nsec.name, "sub.example.org")
        self.assertTrue(nsec.rdata.startswith(b"\4sub\0\7example\3org\0"))
        r = server.ask("x.signed.example.org", "A", dnssec=True)
        self.assertEqual([x.type for x in r.authority], [2, 43, 46])
        r = server.ask("child.example.org", "DS", dnssec=True)
        self.assertTrue(r.aa)
        self.assertEqual([x.type for x in r.answer], [43, 46])
        # What does not fit over UDP is asked for again over TCP.
        self.assertTrue(server.ask("big.example.org", "TXT").tc)
        self.assertEqual(len(server.ask("big.example.org", "TXT", tcp=True).answer), 1)
        for qtype in ("AXFR", "IXFR"):
            self.assertEqual(server.ask("example.org", qtype, tcp=True).rcode, 5)

    def test_beside_the_module_zone(self):
        parent = self.file("parent.zone", PARENT % "l NS ns1.l\nns1.l A 127.0.0.1\n")
        words = ["--zone-file", "example.org=" + parent,
                 "--zone-key", "example.org=" + self.key_of("example.org")]
        server = self.serve(*words)
        self.assertIn("l.example.org has no DS record", server.err)
        self.assertTrue(server.txt(serve.MOX)[0].startswith("v=v0.0.14 "))
        self.assertEqual(server.txt("_updates.example.org"), ["v=UPDATES0;l=v0.0.15"])
        self.assertEqual([z["content"] for z in server.status()["zones"]], ["modules", "file"])
        # The parent speaks for the cut, the child for everything else.
        r = server.ask("l.example.org", "DS", dnssec=True)
        self.assertEqual(r.of(r.authority, "SOA")[0].name, "example.org")
        r = server.ask("l.example.org", "SOA")
        self.assertEqual(len(r.answer), 1)

    def test_gwtool_uses_what_it_serves(self):
        server = self.start(self.family())
        asked = ["--resolver", "%s@%d" % (HOST, server.port), "--trust-anchor", server.key + ".key"]
        r = self.gwtool("vanity-lookup", "--dns-only", "example.org/x/sub", *asked)
        self.assert_run(r, 0, out="example.org/x git https://git.example.org/x\n")
        r = self.gwtool("check", "updates", "example.org", "v0.0.14", "--dnssec", "require", *asked)
        self.assert_run(r, 100)
        self.assertIn("v0.0.15", r.out)

    # ---- changes ----

    def replace(self, path, text):
        with open(path + ".new", "w") as f:
            f.write(text)
        os.rename(path + ".new", path)

    def serial(self, server):
        soa = server.ask("example.org", "SOA").answer[0].rdata
        return int.from_bytes(soa[-20:-16], "big")

    def test_a_changed_file_is_served_and_a_broken_one_is_not(self):
        family = self.family()
        server = self.start(family, "--metrics", HOST + ":0")
        text = PARENT % self.ds("child.example.org")
        self.assertEqual(self.serial(server), 10)
        self.replace(self.parent, text.replace("( 10 ;", "( 11 ;") + "fresh TXT new\n")
        server.wait_err("event=zone_loaded zone=example.org file=\\S* serial=11")
        self.assertEqual(server.ask("fresh.example.org", "TXT").answer[0].text, "new")
        self.assertIn("fully validated", self.delv(server, "fresh.example.org", "TXT"))

        lines = text.count("\n")
        for bad, complaint in [
                (text + "broken A 1.2.3\n", "%s:%d: " % (self.parent, lines + 1)),
                (text + "www A 192.0.2.1\n", "a cname beside other records"),
                (text + "a.b.old TXT x\n", "below the dname at old.example.org"),
                ((PARENT % "").replace("child   NS      ns1\n", ""),
                 "child.example.org, which is served here"),
                ("", "needs one soa")]:
            with self.subTest(complaint):
                before = server.err.count("event=zone_not_loaded")
                self.replace(self.parent, bad)
                cli.wait_until(lambda: server.err.count("event=zone_not_loaded") > before,
                               what="the broken file to be seen")
                self.assertIn(complaint, server.err)
                self.assertEqual(self.serial(server), 11)
                self.assertIn(complaint, self.status("example.org")["error"])
        os.unlink(self.parent)
        server.wait_err("event=zone_not_loaded .*parent.zone: no such file")
        self.assertEqual(server.ask("fresh.example.org", "TXT").answer[0].text, "new")
        # Good again: the error is gone.
        self.replace(self.parent, text.replace("( 10 ;", "( 12 ;"))
        server.wait_err("serial=12")
        self.assertNotIn("error", self.status("example.org"))
        self.assertEqual(server.ask("fresh.example.org", "TXT").rcode, 3)
        # A serial that does not rise is served, with a warning.
        self.replace(self.parent, text.replace("( 10 ;", "( 12 ;") + "again TXT x\n")
        server.wait_err("the serial was not raised")
        cli.wait_until(lambda: server.ask("again.example.org", "TXT").answer, what="the new record")

    def test_an_included_file_is_watched_too(self):
        os.mkdir(self.path("zones"))
        self.file("zones/records", "inc TXT one\n")
        zone = self.file("zones/main", "$TTL 60\n@ SOA ns.y. h.y. 1 1 1 1 1\n@ NS ns.y.\n"
                         "$INCLUDE records\n")
        server = self.start({"example.org": zone})
        self.assertEqual(server.ask("inc.example.org", "TXT").answer[0].text, "one")
        self.replace(self.path("zones/records"), "inc TXT two\n")
        cli.wait_until(lambda: server.ask("inc.example.org", "TXT").answer[0].text == "two",
                       what="the included file's change")
        self.replace(self.path("zones/records"), "inc TXT\n")
        server.wait_err("event=zone_not_loaded .*zones/records:1: ")

    def test_sighup_takes_a_new_key(self):
        zone = self.file("z", "$TTL 60\n@ SOA ns.y. h.y. 1 1 1 1 1\n@ NS ns.y.\na TXT x\n")
        server = self.start({"example.org": zone})
        # Nothing changed: nothing is made anew, and no serial is complained about.
        os.utime(zone)
        server.process.send_signal(signal.SIGHUP)
        server.wait_err("event=reloaded zone=example.org .*changed=0")
        self.assertEqual(server.err.count("event=zone_loaded"), 1)
        old = self.status("example.org")["key"]["tag"]
        os.rename(server.key, self.path("old.private"))
        os.rename(server.key + ".key", self.path("old.public"))
        del self.keys["example.org"]
        server.key = self.key_of("example.org", 15)
        server.process.send_signal(signal.SIGHUP)
        server.wait_err("event=reloaded zone=example.org .*changed=1")
        self.assertNotEqual(self.status("example.org")["key"]["tag"], old)
        # Another key is another content.
        self.assertIn("the serial was not raised", server.err)
        for name, qtype in [("example.org", "DNSKEY"), ("a.example.org", "TXT"), ("b.example.org", "A")]:
            self.assertIn("fully validated", self.delv(server, name, qtype))
        # A key that is gone leaves the one in use.
        os.unlink(server.key)
        server.process.send_signal(signal.SIGHUP)
        server.wait_err("event=reload_failed .*keeping the old key")
        self.assertIn("fully validated", self.delv(server, "c.example.org", "A"))

    def test_sighup_with_nothing_changed_warns_of_nothing(self):
        zone = self.file("z", "$TTL 60\n@ SOA ns.y. h.y. 1 1 1 1 1\n@ NS ns.y.\na TXT x\n")
        server = self.start({"example.org": zone})
        server.process.send_signal(signal.SIGHUP)
        server.wait_err("event=reloaded zone=example.org .*changed=0")
        self.assertNotIn("zone_warning", server.err)

    def test_a_childs_new_key_is_compared_with_the_parents_new_ds(self):
        server = self.start(self.family())

        def new_key():
            for file in (self.key_of("child.example.org"), self.key_of("child.example.org") + ".key"):
                os.unlink(file)
            del self.keys["child.example.org"]
            return self.ds("child.example.org")

        # The parent's file is noticed by itself, too: then its DS record is too early, which is told.
        for serial in range(11, 31):
            seen = len(server.err)
            server.process.send_signal(signal.SIGSTOP)
            self.replace(self.parent, (PARENT % new_key()).replace("( 10 ;", "( %d ;" % serial))
            server.process.send_signal(signal.SIGHUP)
            server.process.send_signal(signal.SIGCONT)
            cli.wait_until(lambda: "event=reloaded zone=example.org " in server.err[seen:])
            said = server.err[seen:]
            parent = said.index("event=zone_loaded zone=example.org ")
            self.assertIn("serial=%d" % serial, said)
            if said.index("event=zone_loaded zone=child.example.org ") < parent:
                break
        else:
            self.fail("each time the parent's file was noticed before the signal")
        self.assertNotIn("validators call it bogus", said)
        # And the other way round.
        new_key()
        seen = len(server.err)
        server.process.send_signal(signal.SIGHUP)
        cli.wait_until(lambda: re.search("no DS record of child.example.org belongs to its key .*bogus",
                                         server.err[seen:]))

    def test_many_warnings_are_not_told_one_by_one(self):
        zone = self.file("z", "$TTL 30d\n@ SOA ns.y. h.y. 1 1 1 1 1\n@ NS ns.y.\n" +
                         "".join("n%d TXT x\n" % i for i in range(1000)))
        server = self.start({"example.org": zone})
        self.assertEqual(server.err.count("event=zone_warning"), 21)
        self.assertIn("and 982 more", server.err)

    # ---- refusals ----

    def test_bad_input(self):
        key = self.key_of("example.org")
        records = "$TTL 60\n@ SOA ns.y. h.y. 1 1 1 1 1\n@ NS ns.y.\n"
        fine = self.file("fine", records)
        zone = ["--zone-file", "example.org=" + fine]
        with_key = zone + ["--zone-key", "example.org=" + key]
        inner = ["--zone-file", "in.example.org=" + fine,
                 "--zone-key", "in.example.org=" + self.key_of("in.example.org")]
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        for words, texts in [
                ([], ["nothing to serve", "--zone-file"]),
                (["--zone-file", "example.org"], ["--zone-file", "ORIGIN=FILE"]),
                (["--zone-file", "example.org="], ["--zone-file", "ORIGIN=FILE"]),
                (["--zone-file", ".=" + fine], ["--zone-file", "the root"]),
                (["--zone-file", "a..b=" + fine], ["--zone-file"]),
                (zone, ["--zone-file example.org needs a --zone-key", "serve-dns key new"]),
                (with_key + ["--zone-key", "other.org=" + key], ["--zone-key other.org without"]),
                (with_key + ["--zone-key", "example.org=" + key], ["given twice"]),
                (with_key + with_key[:2], ["given twice"]),
                (with_key + ["--db", "x"], ["--db without --zone"]),
                (with_key + ["--follow"], ["--follow without --zone"]),
                (with_key + ["--partial"], ["--partial without --zone"]),
                (zone + ["--zone-key", "example.org=" + self.path("nokey")], ["nokey", "does not exist"]),
                (zone + ["--zone-key", "example.org=" + self.key_of("other.org")], ["belongs to zone"]),
                (["--zone-file", "example.org=" + self.path("nofile")] + with_key[2:], ["nofile"]),
                (["--zone-file", "example.org=" + self.file("bad", "\nx\n")] + with_key[2:],
                 ["bad:2: a record without a type"]),
                (["--zone-file", "example.org=" + self.file("nosoa", "@ 60 NS ns.y.\n")] + with_key[2:],
                 ["nosoa: zone example.org.: needs one soa"]),
                (["--zone-file", "example.org=" + self.file("twosoa", records +
                  "@ SOA a. b. 2 1 1 1 1\n")] + with_key[2:],
                 ["twosoa:4: example.org.: a second soa record"]),
                (["--zone-file", "example.org=" + self.file("signed", records +
                  "@ NSEC a. NS\n")] + with_key[2:], ["signed:4", "NSEC is not zone data"]),
                (with_key + inner, ["in.example.org", "not delegated"]),
                (["--zone-file", "example.org=" + self.dir] + with_key[2:], ["is a directory"]),
                (["--zone-file", "example.org=" + pipe] + with_key[2:], ["not a regular file"]),
        ]:
            with self.subTest(words):
                for more in ([], ["--check-config"]):
                    r = self.gwtool("serve-dns", "--listen", HOST + ":0", *words, *more)
                    self.assert_error(r, 2, *texts)
        # Within the module zone nothing can be delegated.
        db = self.path("db")
        self.follow(db)
        r = self.gwtool("serve-dns", "--listen", HOST + ":0", "--db", db, "--zone", "example.org",
                        "--ns", "ns.y", "--key", key, *inner)
        self.assert_error(r, 2, "in.example.org", "inside the module zone")
        self.assertFalse(os.path.exists(key + ".serial"))

    def test_a_user_who_cannot_read_what_a_reload_needs(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        os.chmod(self.dir, 0o755)
        zone = self.file("z", "$TTL 60\n@ SOA ns.y. h.y. 1 1 1 1 1\n@ NS ns.y.\n")
        key = self.key_of("example.org")
        words = ["serve-dns", "--listen", HOST + ":0", "--user", "nobody",
                 "--zone-file", "example.org=" + zone, "--zone-key", "example.org=" + key]
        self.assert_error(self.gwtool(*words), 2, "nobody", key, "chown")
        os.chown(key, 65534, -1)
        os.chmod(zone, 0o600)
        self.assert_error(self.gwtool(*words), 2, zone)
        os.chmod(zone, 0o644)
        server = self.background([cli.GWTOOL, *words], cwd=self.dir)
        server.wait_err("event=ready")


class Plain(serve.Message):
    """A response whose records have their rdata with names uncompressed, as `plain`."""

    NAMES = {2: (0, 1), 5: (0, 1), 39: (0, 1), 6: (0, 2), 15: (2, 1)}

    def _record(self):
        record = super()._record()
        before, names = self.NAMES.get(record.type, (0, 0))
        end, at = self.at, self.at - len(record.rdata)
        plain = record.rdata[:before]
        self.at = at + before
        for _ in range(names):
            plain += serve.encode_name(self._name().lower())
        record.plain = plain + self.data[self.at:end] if names else record.rdata
        self.at = end
        return record


if __name__ == "__main__":
    cli.main()
