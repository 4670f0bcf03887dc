#!/usr/bin/env python3
"""The chain: follow-tlog into a database, serve-dns from it, check with validation. The replica log
first at its first head, then at its second while the server runs."""

import os
import random
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli

REPLICA = os.path.join(cli.DATA, "replica")
SUMDB = os.path.join(cli.DATA, "sumdb")
ZONE = "l.example.org"
MOX = "github.com/mjl-/mox"


class Chain(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.log = self.path("log")
        os.mkdir(self.log)
        os.symlink(os.path.join(REPLICA, "tile"), os.path.join(self.log, "tile"))
        with open(os.path.join(REPLICA, "key.pub")) as f:
            self.key = f.read().strip()
        self.db = self.path("db")
        self.follow("latest.first")
        made = self.gwtool("serve-dns", "key", "new", "--zone", ZONE, "--key", self.path("key"))
        self.assert_run(made, 0)
        self.ds = self.file("anchor.ds", made.out)
        self.port = cli.free_port()
        self.server = self.background(
            [cli.GWTOOL, "serve-dns", "--db", self.db, "--zone", ZONE, "--ns", "ns.example.net",
             "--key", self.path("key"), "--listen", "127.0.0.1:%d" % self.port])
        self.server.wait_err("event=ready")

    def follow(self, head):
        shutil.copy(os.path.join(REPLICA, head), os.path.join(self.log, "latest"))
        self.assert_run(self.gwtool("follow-tlog", "--db", self.db, "--log-key", self.key,
                                    "--source", self.log, "--once"), 0)

    def check(self, *args, anchor=None, **kwargs):
        return self.gwtool("check", args[0], "--dns", ZONE, "--dnssec", "require", "--resolver",
                           "127.0.0.1@%d" % self.port, "--trust-anchor", anchor or self.ds,
                           *args[1:], **kwargs)

    def test_chain(self):
        self.assert_run(self.check("module", MOX + "@v0.0.14"), 0, out="", err="")
        self.assert_error(self.check("toolchain"), 1, "no release known")
        self.follow("latest")
        self.server.wait_err("event=updated serial=7458", timeout=5)
        r = self.check("module", MOX + "@v0.0.14")
        self.assertEqual(r.code, 100, r)
        self.assertRegex(r.out, r"^github\.com/mjl-/mox v0\.0\.15 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$")
        self.assertEqual(r.err, "")

        self.toolchains()
        self.denials()
        self.majors()
        self.many()
        self.proofs()
        self.anchors()

        self.assertEqual(self.server.stop(), 0)
        self.assert_error(self.check("module", MOX, "--timeout", "1s"), 3, MOX + ": ")

    def toolchains(self):
        for args, code, versions in (([], 0, ["go1.27.4"]), (["go1.27.3"], 100, ["go1.27.4"]),
                                     (["go1.26.8"], 100, ["go1.26.11"]),
                                     (["go1.25.1"], 100, ["go1.27.4"]), (["go1.27.4"], 0, [])):
            with self.subTest(args):
                r = self.check("toolchain", *args)
                self.assert_run(r, code, err="")
                self.assertEqual([line.split()[1] for line in r.lines], versions)

    def denials(self):
        # compact denial of every sort: nothing there, between two names, above one, below one
        for path in ("example.com/unknown", "github.com/mjl-", "zzz.zz/z",
                     "github.com/alecthomas/assert"):
            with self.subTest(path):
                self.assert_run(self.check("module", path), 1, out="",
                                err="gwtool: error: %s: no release known at %s\n" % (path, ZONE))

        r = self.check("module", "github.com/mjl-/mox/nothing", "-v")
        self.assert_run(r, 0, err_has="github.com/mjl-/mox/nothing: a package of github.com/mjl-/mox")

    def majors(self):
        r = self.check("module", "--major", "github.com/alecthomas/assert")
        self.assert_run(r, 0, err="")
        self.assertRegex(r.out, r"^github\.com/alecthomas/assert/v2 v2\.\d+\.\d+ \S+\n$")

    def many(self):
        """A hundred modules of the database in one call, each as the database has it."""
        paths = set()
        for root, _, files in os.walk(os.path.join(REPLICA, "lookup")):
            for name in files:
                path = os.path.relpath(os.path.join(root, name), os.path.join(REPLICA, "lookup"))
                paths.add(path.split("@")[0])
        paths = sorted(p for p in paths if "!" not in p and "/" in p)
        random.Random(1).shuffle(paths)
        r = self.check("module", "--json", *paths)
        self.assertEqual([x["name"] for x in r.json["results"]], paths)
        for x in r.json["results"]:
            self.assertEqual(x["dnssec"], "secure", x)
            self.assertEqual(len(x["releases"]) + len(x["errors"]), 1, x)
            for e in x["errors"]:  # pseudo-versions only
                self.assertEqual(e["kind"], "not_found", x)
        self.assertGreater(sum(len(x["releases"]) for x in r.json["results"]), 40)

    def proofs(self):
        r = self.check("module", MOX + "@v0.0.14", "--prove", "--source", SUMDB, "--db", self.db)
        self.assert_run(r, 100, err="")
        r = self.check("toolchain", "--prove", "--source", SUMDB, "--platform", "linux-amd64")
        self.assert_run(r, 0, err="")
        # the follower's position is where it was
        r = self.gwtool("follow-tlog", "--db", self.db, "--status", "--json")
        self.assert_run(r, 0)
        self.assertIn("7458", r.out)

    def anchors(self):
        key = self.path("key.key")  # the DNSKEY that `key new` wrote beside it
        self.assert_run(self.check("module", MOX, anchor=key), 0, err="")
        with open(self.ds) as f:
            ds = f.read().strip()
        other = ds[:-4] + ("0000" if not ds.endswith("0000") else "1111")
        wrong = self.file("wrong.ds", other + "\n")
        self.assert_error(self.check("module", MOX, "--timeout", "2s", anchor=wrong), 4, "bogus")


if __name__ == "__main__":
    cli.main()
