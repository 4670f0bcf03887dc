#!/usr/bin/env python3
"""gwtool check --prove: DNS answers on loopback, proven against the captured part of the real Go
checksum database and against the replica log, from directories and over HTTP."""

import base64
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import dns_lab
from check_lab import TIME, records
from http_fixture import HttpFixture

SUMDB = os.path.join(cli.DATA, "sumdb")
REPLICA = os.path.join(cli.DATA, "replica")
MOX = "github.com/mjl-/mox"
# What the captured part of the log can prove.
REAL = {
    MOX: "v0.0.15", "gopkg.in/yaml.v3": "v3.0.1", "golang.org/x/mod": "v0.42.0",
    "golang.org/x/text": "v0.29.0", "golang.org/x/crypto": "v0.24.0", "filippo.io/age": "v1.3.2",
    "filippo.io/edwards25519": "v1.1.0", "github.com/BurntSushi/toml": "v1.5.0",
    "github.com/docker/docker": "v28.0.0+incompatible", "github.com/google/uuid": "v1.6.0",
    "rsc.io/quote": "v1.5.2",
}


def setUpModule():
    global LAB, DIR
    DIR = tempfile.mkdtemp(prefix="gwtool-lab-")
    toolchain = 'toolchain.v0 TXT "v=go1.27.4 k=cur t=6802a84d; v=go1.26.11 k=prev t=6802a84d; ' \
                'v=go1.28rc1 k=next t=6802a84d"\n'
    LAB = dns_lab.Lab(DIR, [
        dns_lab.Zone("real.lab", records(REAL) + toolchain),
        dns_lab.Zone("invented.lab", records({MOX: "v0.0.99", "rsc.io/quote": "v1.5.2"})),
        dns_lab.Zone("replica.lab", records({"github.com/alecthomas/assert/v2": "v2.2.1",
                                             "github.com/dustin/go-humanize": "v1.0.1"})),
    ])
    LAB.start()


def tearDownModule():
    LAB.stop()
    shutil.rmtree(DIR, ignore_errors=True)


def replica_key():
    with open(os.path.join(REPLICA, "key.pub")) as f:
        return f.read().strip()


def sign_replica(text, directory):
    """A signed note by the replica's own key."""
    with open(os.path.join(REPLICA, "key.test-only")) as f:
        _, _, name, key_id, data = f.read().strip().split("+", 4)
    seed = base64.b64decode(data)[1:33]
    pem = os.path.join(directory, "key.der")
    message = os.path.join(directory, "message")
    with open(pem, "wb") as f:
        f.write(bytes.fromhex("302e020100300506032b657004220420") + seed)
    with open(message, "wb") as f:
        f.write(text.encode())
    signature = dns_lab.run_bytes("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", pem,
                                  "-keyform", "DER", "-in", message)
    line = base64.b64encode(bytes.fromhex(key_id) + signature).decode()
    return "%s\n\u2014 %s %s\n" % (text, name, line)


def read(path):
    with open(path) as f:
        return f.read()


def lookup_head(lookup):
    """The signed note in a lookup reply."""
    return read(os.path.join(SUMDB, "lookup", lookup)).split("\n\n", 1)[1]


def size(note):
    return int(note.split("\n")[1])


class ProveCase(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.db = self.path("db")
        self.head = self.path("db.check-head")

    def prove(self, *args, dns="real.lab", source=SUMDB, db=True, **kwargs):
        memory = ["--db", self.db] if db else []
        origin = ["--source", source] if source else []
        return self.gwtool("check", args[0], "--dns", dns, "--resolver", LAB.resolver,
                           "--trust-anchor", LAB.anchor, "--dnssec", "require", "--prove",
                           *origin, *memory, *args[1:], **kwargs)


class Real(ProveCase):
    def test_a_real_version(self):
        r = self.prove("module", MOX + "@v0.0.14")
        self.assert_run(r, 100, out="%s v0.0.15 %s\n" % (MOX, TIME), err="")
        self.assertEqual(read(self.head), lookup_head("github.com/mjl-/mox@v0.0.15"))
        self.assert_missing(self.db)

    def test_all_real_versions_over_http(self):
        with HttpFixture({"/": SUMDB}) as web:
            paths = list(REAL)
            random.Random(7).shuffle(paths)
            r = self.prove("module", *paths, source=web.url)
            self.assert_run(r, 0, out="".join("%s %s %s\n" % (p, REAL[p], TIME) for p in paths),
                            err="")
            self.assertEqual(web.count("/lookup/*"), len(paths))
            first = [q.path for q in web.requests][:len(paths)]
            self.assertTrue(all(p.startswith("/lookup/") for p in first))
            largest = max(size(lookup_head(l)) for l in (
                "golang.org/x/mod@v0.42.0", "filippo.io/age@v1.3.2",
                "github.com/mjl-/mox@v0.0.15"))
            self.assertEqual(size(read(self.head)), largest)

    def test_through_a_module_proxy(self):
        with HttpFixture.proxy("sum.golang.org", SUMDB) as web:
            r = self.prove("module", MOX, "--proxy", web.url, source=None)
            self.assert_run(r, 0, out="%s v0.0.15 %s\n" % (MOX, TIME), err="")
            self.assertEqual(web.count("/sumdb/sum.golang.org/lookup/*"), 1)

    def test_one_by_one_in_random_orders(self):
        for seed in range(3):
            paths = list(REAL)
            random.Random(seed).shuffle(paths)
            had = 0
            for path in paths:
                self.assert_run(self.prove("module", path), 0, err="")
                now = size(read(self.head))
                self.assertGreaterEqual(now, had)
                had = now
            os.remove(self.head)

    def test_toolchains(self):
        line = "toolchain go1.27.4 %s\n" % TIME
        r = self.prove("toolchain", "--platform", "linux-amd64")
        self.assert_run(r, 0, out=line, err="")
        r = self.prove("toolchain", "go1.26.8", "--platform", "linux-amd64")
        self.assert_run(r, 100, out="toolchain go1.26.11 %s\n" % TIME, err="")
        # a release candidate that the log does not have, and another platform's record
        r = self.prove("toolchain", "--next", "--platform", "linux-amd64")
        self.assert_run(r, 4, out=line, err_has="go1.28rc1")
        self.assert_error(self.prove("toolchain", "--platform", "plan9-386"), 4,
                          "the log has no such record", "plan9-386")
        self.assert_error(self.prove("toolchain", "--platform", "linux"), 2, "linux")

    def test_json(self):
        first = read(os.path.join(SUMDB, "latest.first"))
        self.file("db.check-head", first)
        r = self.prove("module", MOX + "@v0.0.14", "--json")
        self.assert_run(r, 100, err="")
        lookup = read(os.path.join(SUMDB, "lookup", MOX + "@v0.0.15")).split("\n")
        note = lookup_head(MOX + "@v0.0.15")

        def head(note):
            return {"size": size(note), "root": note.split("\n")[2], "note": note}
        self.assertEqual(r.json["results"][0]["releases"][0]["proof"], {
            "module": MOX, "version": "v0.0.15", "record": int(lookup[0]),
            "zip_sum": lookup[1].split(" ")[2], "gomod_sum": lookup[2].split(" ")[2],
            "head": head(note)})
        self.assertEqual(r.json["log"], {
            "name": "sum.golang.org", "remembered": head(first), "head": head(first),
            "error": None, "evidence": None, "evidence_file": None})
        self.assertEqual(read(self.head), first)

    def test_what_is_not_printed_is_not_proven(self):
        with HttpFixture({"/": SUMDB}) as web:
            state = self.path("state")
            args = ("module", MOX + "@v0.0.15", "--state", state)
            self.assert_run(self.prove(*args, source=web.url), 0, out="", err="")
            self.assertEqual(web.count(), 0)
            args = ("module", MOX, "--state", state)
            self.assert_run(self.prove(*args, source=web.url), 0)
            asked = web.count()
            self.assertGreater(asked, 0)
            self.assert_run(self.prove(*args, source=web.url), 0, out="", err="")
            self.assertEqual(web.count(), asked)


class Refused(ProveCase):
    def test_a_version_that_the_log_does_not_have(self):
        for source in ("directory", "http"):
            with self.subTest(source), HttpFixture({"/": SUMDB}) as web:
                r = self.prove("module", MOX + "@v0.0.14", "rsc.io/quote", dns="invented.lab",
                               source=SUMDB if source == "directory" else web.url,
                               db=source == "http")
                self.assert_run(r, 4, out="rsc.io/quote v1.5.2 %s\n" % TIME,
                                err_has=["gwtool: error: proving %s v0.0.99: " % MOX,
                                         "the log has no such record"])

    def test_it_is_not_remembered_as_reported(self):
        state = self.path("state")
        r = self.prove("module", MOX + "@v0.0.14", "--state", state, dns="invented.lab")
        self.assert_error(r, 4)
        self.assert_missing(state, self.head)

    def test_a_forged_lookup(self):
        changed = {
            "a sum": lambda b: b.replace(b"h1:", b"h1:A", 1)[:-1],
            "one bit of a sum": lambda b: bytes(c ^ (i == b.index(b"h1:") + 4)
                                                for i, c in enumerate(b)),
            "the number": lambda b: b"1" + b,
            "a number too large": lambda b: b"99999999999" + b[b.index(b"\n"):],
            "another module": lambda b: b.replace(b"mox", b"moy"),
            "the head's size": lambda b: b.replace(b"tree\n", b"tree\n1"),
            "the signature": lambda b: b[:-8] + b"AAAA" + b[-4:],
            "no head": lambda b: b.split(b"\n\n")[0] + b"\n",
            "nothing": lambda b: b"",
            "another record": lambda b: read(
                os.path.join(SUMDB, "lookup/rsc.io/quote@v1.5.2")).encode(),
        }
        for what, replace in changed.items():
            with self.subTest(what), HttpFixture({"/": SUMDB}) as web:
                web.rule("/lookup/*mox*", replace=replace)
                r = self.prove("module", MOX, source=web.url)
                self.assert_error(r, 4, "proving %s v0.0.15: " % MOX)
                self.assert_missing(self.head)

    def test_forged_tiles_at_every_level(self):
        for level in range(4):
            with self.subTest(level), HttpFixture({"/": SUMDB}) as web:
                web.rule("/tile/8/%d/*" % level, corrupt=5)
                self.assert_error(self.prove("module", MOX, source=web.url), 4,
                                  "proving %s v0.0.15: " % MOX)
                self.assert_missing(self.head)

    def test_unreachable(self):
        dead = "http://127.0.0.1:%d" % cli.free_port()
        r = self.prove("module", MOX, source=dead)
        self.assert_error(r, 3, "proving %s v0.0.15: " % MOX, dead)
        for rule in ({"status": 500}, {"status": 503}, {"close": True}, {"truncate": 20}):
            for path in ("/lookup/*", "/tile/*"):
                with self.subTest(rule=rule, path=path), HttpFixture({"/": SUMDB}) as web:
                    web.rule(path, **rule)
                    self.assert_error(self.prove("module", MOX, source=web.url), 3, MOX)
                    self.assert_missing(self.head)

    def test_the_timeout_is_for_all(self):
        with HttpFixture({"/": SUMDB}) as web:
            web.rule("/lookup/*", stall=0)
            r = self.prove("module", MOX, "--timeout", "1s", source=web.url)
            self.assert_error(r, 3, MOX)
            self.assertLess(r.seconds, 3 * cli.SLOWNESS)

    def test_credentials_are_for_the_server_alone(self):
        with HttpFixture({"/": SUMDB}) as web:
            url = web.url.replace("://", "://mallory:s3cret@")
            self.assert_run(self.prove("module", MOX, "-v", source=url), 0)
            self.assertEqual(web.requests[0].headers["Authorization"],
                             "Basic bWFsbG9yeTpzM2NyZXQ=")
            for rule in ({"status": 403}, {"close": True}, {"corrupt": 5}):
                web.clear()
                web.rule("*", **rule)
                for option in ("--source", "--proxy"):
                    with self.subTest(rule=rule, option=option):
                        r = self.prove("module", MOX, "-v", "--json", option, url, source=None)
                        self.assertIn(r.code, (3, 4), r)
                        self.assertIn(MOX, r.err)
                        for word in ("mallory", "s3cret"):
                            self.assertNotIn(word, r.out + r.err)

    def test_what_is_for_proofs_alone(self):
        for option, value in (("--db", self.db), ("--source", SUMDB), ("--proxy", "http://x.test")):
            with self.subTest(option):
                r = self.gwtool("check", "module", MOX, "--dns", "real.lab", "--resolver",
                                LAB.resolver, "--trust-anchor", LAB.anchor, option, value)
                self.assert_error(r, 2, option + " without --prove", "gwtool: hint: ")
                self.assert_missing(self.db, self.head)

    def test_bad_input(self):
        other = self.file("db.check-head", read(os.path.join(REPLICA, "latest")))
        self.assert_error(self.prove("module", MOX), 2, "sum.replica.test", "sum.golang.org")
        self.assertEqual(read(other), read(os.path.join(REPLICA, "latest")))
        # The same name with another key.
        first = read(os.path.join(SUMDB, "latest.first"))
        self.file("db.check-head", first.replace("sum.golang.org Az3g", "sum.golang.org Az3h"))
        self.assert_error(self.prove("module", MOX), 2, "remembers a head of sum.golang.org+033de1",
                          ", not of sum.golang.org+033de0ae")
        self.file("db.check-head", "garbage")
        self.assert_error(self.prove("module", MOX), 1, "db.check-head")
        self.assert_error(self.prove("module", MOX, source=self.path("none")), 2, "none")
        self.assert_error(self.prove("module", MOX, "--log-key", "abc"), 2, "abc")
        r = self.prove("module", MOX, "--log-key", replica_key(), db=False)
        self.assert_error(r, 4, MOX)
        r = self.prove("module", MOX, "--proxy", "http://127.0.0.1:1")
        self.assert_error(r, 2, "--source", "--proxy")


class Files(ProveCase):
    def test_what_a_go_mod_wants_is_proven(self):
        self.file("go.mod", "module example.com/me\ngo 1.27.3\nrequire %s v0.0.14\n" % MOX)
        r = self.prove("gomod", "--platform", "linux-amd64")
        self.assert_run(r, 100, err="", out="%s v0.0.15 %s (go.mod:3)\ntoolchain go1.27.4 %s (go.mod:2)"
                        "\n" % (MOX, TIME, TIME))
        r = self.prove("gomod", "--platform", "linux-amd64", "--json")
        self.assertTrue(all(x["releases"][0]["proof"]["record"] for x in r.json["results"]))
        # what cannot be proven is not told
        r = self.prove("gomod", dns="invented.lab")
        self.assert_run(r, 4, out="", err_has="the log has no such record")


class History(ProveCase):
    PATH = "github.com/dustin/go-humanize"

    def setUp(self):
        super().setUp()
        self.args = ("module", self.PATH, "--log-key", replica_key())
        self.line = "%s v1.0.1 %s\n" % (self.PATH, TIME)

    def run_replica(self, remembered, **kwargs):
        self.file("db.check-head", remembered)
        return self.prove(*self.args, dns="replica.lab", source=REPLICA, **kwargs)

    def test_older_newer_and_the_same(self):
        first, last = (read(os.path.join(REPLICA, n)) for n in ("latest.first", "latest"))
        lookup = read(os.path.join(REPLICA, "lookup", self.PATH + "@v1.0.1"))
        own = lookup.split("\n\n", 1)[1]
        for remembered in (first, last, own):
            r = self.run_replica(remembered)
            self.assert_run(r, 0, out=self.line, err="")
            self.assertEqual(size(read(self.head)), max(size(remembered), size(own)))

    def evidence_files(self):
        return sorted(f for f in os.listdir(self.dir) if f.startswith("db.check-evidence"))

    def test_a_fork(self):
        own = read(os.path.join(REPLICA, "lookup", self.PATH + "@v1.0.1")).split("\n\n", 1)[1]
        for records in (100, size(own)):
            with self.subTest(records):
                root = base64.b64encode(hashlib.sha256(b"another history").digest()).decode()
                other = sign_replica("go.sum database tree\n%d\n%s\n" % (records, root), self.dir)
                before = self.evidence_files()
                r = self.run_replica(other)
                self.assert_error(r, 4, "told two histories", str(records), root)
                self.assertEqual(read(self.head), other)
                [name] = set(self.evidence_files()) - set(before)
                self.assertIn(self.path(name), r.err.split("error: ")[1])
                text = read(self.path(name))
                evidence = json.loads(text)
                self.check_evidence(evidence, records, root, own, other)
                # printed too, but for the tiles' bytes
                self.assertIn(own, r.err)
                self.assertIn(other, r.err)
                self.assertIn("all of it is in " + self.path(name), r.err)
                # and it stays so: each time in a file of its own, the first one as it was
                self.assert_error(self.run_replica(other), 4, "told two histories")
                self.assertEqual(len(self.evidence_files()), len(before) + 2)
                self.assertEqual(read(self.path(name)), text)

    def check_evidence(self, evidence, records, root, own, other):
        self.assertEqual(evidence["kind"], "fork" if records < size(own) else "equal-size")
        self.assertEqual(evidence["log_key"], replica_key())
        roots = evidence["roots"]
        self.assertEqual(roots["size"], records)
        self.assertIn(root, (roots["claimed"], roots["recomputed"]))
        self.assertNotEqual(roots["claimed"], roots["recomputed"])
        self.assertEqual({n["note"] for n in evidence["notes"]}, {own, other})
        self.assertEqual("tiles" in evidence, records < size(own))

    def test_a_fork_without_a_file(self):
        # Two lookups of one call that are of two histories: the second one's head is forged by the
        # log's own key, over a tree that holds the record.
        own = read(os.path.join(REPLICA, "lookup", self.PATH + "@v1.0.1"))
        number, rest = own.split("\n", 1)
        text = rest.split("\n\n", 1)[0] + "\n"
        leaf = hashlib.sha256(b"\0" + text.encode()).digest()
        # A tree of one record: its root is the record's hash.
        root = base64.b64encode(leaf).decode()
        other = sign_replica("go.sum database tree\n1\n%s\n" % root, self.dir)
        path = "github.com/alecthomas/assert/v2"
        with HttpFixture({"/": REPLICA}) as web:
            forged = "0\n%s\n%s" % (text, other)
            web.rule("/lookup/*humanize*", body=forged.encode())
            web.rule("/tile/8/0/000.p/1", body=leaf)
            args = ("module", self.PATH, path, "--log-key", replica_key())
            kwargs = dict(dns="replica.lab", source=web.url, db=False)
            heads = [other, read(os.path.join(REPLICA, "lookup", path + "@v2.2.1"))
                     .split("\n\n", 1)[1]]
            for quiet in ((), ("-q",)):
                r = self.prove(*args, *quiet, **kwargs)
                self.assert_error(r, 4, "told two histories")
                for note in heads:
                    self.assertIn(note, r.err)
                self.assertIn("  as signed or held  %s\n" % root, r.err)
            r = self.prove(*args, "--json", **kwargs)
            self.assertEqual(r.code, 4, r)
            evidence = r.json["log"]["evidence"]
            self.check_evidence(evidence, 1, root, heads[1], other)
            self.assertEqual(r.json["log"]["evidence_file"], None)
            for tile in evidence["tiles"]:
                with open(os.path.join(REPLICA, tile["path"]), "rb") as f:
                    self.assertEqual(f.read(), base64.b64decode(tile["bytes"]))
                self.assertIn(tile["path"], r.err)
                self.assertIn(tile["bytes"], r.err)
            self.assertEqual(sorted(os.listdir(self.dir)), ["key.der", "message"])


if __name__ == "__main__":
    cli.main()
