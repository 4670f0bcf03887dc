#!/usr/bin/env python3
"""gwtool check gosum: go.sum files against the captured part of the real Go checksum database, the
replica log in a follower's database, and a log of modules whose go.sum Debian's Go wrote."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import go_lab
from http_fixture import HttpFixture
from module_lab import ModuleLab

SUMDB = os.path.join(cli.DATA, "sumdb")
REPLICA = os.path.join(cli.DATA, "replica")
OTHER = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def lookups(log):
    """The records of all lookups below a captured log: (module, version) -> text, number."""
    out = {}
    base = os.path.join(log, "lookup")
    for root, _, files in os.walk(base):
        for name in files:
            with open(os.path.join(root, name)) as f:
                number, rest = f.read().split("\n", 1)
            record = rest.split("\n\n", 1)[0] + "\n"
            module, version, _ = record.split("\n")[0].split(" ")
            out[module, version] = (record, int(number))
    return out


def key_of(log):
    with open(os.path.join(log, "key.pub")) as f:
        return f.read().strip()


class GoSum(cli.TestCase):
    """By lookups in the real log's captured part."""
    LOG = ["--source", SUMDB]

    def setUp(self):
        super().setUp()
        self.records = lookups(SUMDB)
        self.text = "".join(text for text, _ in self.records.values())
        self.gosum = self.file("go.sum", self.text)

    def gosum_check(self, *args, log=None, **kwargs):
        return self.gwtool("check", "gosum", *(self.LOG if log is None else log), *args, **kwargs)

    def test_all_of_it_is_there(self):
        self.assert_run(self.gosum_check("go.sum"), 0, out="", err="")
        self.assert_run(self.gosum_check("."), 0, out="", err="")
        lines = self.text.count("\n")
        r = self.gosum_check("go.sum", "-v")
        self.assert_run(r, 0, out="", err_has="go.sum: %d lines, %d proven" % (lines, lines))

    def test_a_line_that_differs(self):
        (module, version), (record, number) = sorted(self.records.items())[0]
        for line in (0, 1):
            with self.subTest(line):
                lines = record.splitlines()
                right = lines[line].split()[2]
                lines[line] = lines[line].replace(right, OTHER)
                self.file("go.sum", "\n" + "\n".join(lines) + "\n")
                r = self.gosum_check("go.sum")
                self.assert_error(r, 4, "go.sum:%d: %s %s%s: " % (line + 2, module, version,
                                                                  "/go.mod" if line else ""),
                                  "the sum is %s, and the log has %s" % (OTHER, right))
                self.assertEqual(r.err.count("error: "), 1)
                r = self.gosum_check("go.sum", "--json")
                self.assertEqual(r.code, 4)
                bad = r.json["lines"][line]
                self.assertEqual((bad["state"], bad["sum"], bad["log_sum"], bad["record"], bad["line"]),
                                 ("failed", OTHER, right, number, line + 2))
                self.assertEqual(bad["error"]["kind"], "untrusted")
                good = r.json["lines"][1 - line]
                self.assertEqual((good["state"], good["error"]), ("proven", None))

    def test_lines_that_no_log_has(self):
        text = ("example.com/private v1.0.0 %s\nexample.com/private v1.0.0/go.mod %s\n" % (OTHER, OTHER))
        self.file("go.sum", self.text + text)
        r = self.gosum_check("go.sum")
        self.assert_error(r, 1, "example.com/private v1.0.0: the log has no such record")
        self.assertEqual(r.err.count("error: "), 2)
        for how in (dict(env=cli.clean_env(GOPRIVATE="example.com")), {}):
            args = [] if how else ["--private", "example.com"]
            self.assert_run(self.gosum_check("go.sum", *args, **how), 0, out="", err="")
        r = self.gosum_check("go.sum", "--private", "example.com", "-v")
        self.assert_run(r, 0, err_has=", 2 private")

    def test_a_file_that_is_none(self):
        for text, code, error in (
                ("a.com/b v1.0.0\n", 2, "go.sum:1: 2 words"), ("\n\na b c d\n", 2, "go.sum:3: 4 words"),
                ("a.com/b v1.0 h1:x\n", 2, "go.sum:1: version"), ("Bad v1.0.0 h1:x\n", 2, "go.sum:1: "),
                ("a.com/b v1.0.0 h9:x\n", 2, "go.sum:1: unknown kind of hash"),
                ("\x1b[2J a.com/b v1.0.0 h1:x\n", 2, "go.sum:1: 4 words"),
                ("a.com/b v1.0.0 h1:x\n" * 100001, 2, "go.sum: more than"),
                ("x" * ((16 << 20) + 1), 1, "go.sum: larger")):
            with self.subTest(text[:20]):
                self.file("go.sum", text)
                self.assert_error(self.gosum_check("go.sum", timeout=15), code, error)
        self.assert_error(self.gosum_check("none"), 1, "none: no such file")
        self.assert_run(self.gosum_check(self.file("empty", "")), 0, out="", err="")
        os.mkfifo(self.path("pipe"))
        self.assert_error(self.gosum_check("pipe", timeout=15), 2, "pipe: not a regular file")
        # what an old Go wrote by mistake; and the others go on
        self.file("go.sum", "a.com/b v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n")
        self.assert_run(self.gosum_check("go.sum"), 0, out="", err="")
        self.assert_run(self.gosum_check("none", "go.sum"), 1)
        self.assert_error(self.gwtool("check", "gosum"), 2, "FILE")

    def test_what_was_proven_is_proven_once(self):
        state = self.path("state")
        with HttpFixture({"/": SUMDB}) as web:
            log = ["--source", web.url]
            self.assert_run(self.gosum_check("go.sum", "--state", state, log=log), 0, out="", err="")
            self.assertEqual(web.count("/lookup/*"), len(self.records))
            web.clear()
            r = self.gosum_check("go.sum", "--state", state, "-v", log=log)
            self.assert_run(r, 0, err_has="0 proven, %d proven before" % self.text.count("\n"))
            self.assertEqual(web.count("*"), 0)
            # another sum is another line
            right = self.text.split()[2]
            self.file("go.sum", self.text.replace(right, OTHER, 1))
            r = self.gosum_check("go.sum", "--state", state, log=log)
            self.assert_error(r, 4, OTHER, right)
            self.assertEqual(web.count("/lookup/*"), 1)
        r = self.gosum_check("go.sum", "--state", self.file("other", "hello\n"))
        self.assert_error(r, 1, "other:1: ")

    def test_the_log_out_of_reach(self):
        dead = "http://127.0.0.1:%d" % cli.free_port()
        self.assert_error(self.gosum_check("go.sum", log=["--source", dead]), 3, "go.sum:1: ", dead)

    def test_heads_are_remembered(self):
        db = self.path("db")
        r = self.gosum_check("go.sum", "--prove", "--db", db, "--json")
        self.assert_run(r, 0, err="")
        self.assertEqual(r.json["log"]["name"], "sum.golang.org")
        self.assert_missing(db)
        with open(self.path("db.check-head")) as f:
            self.assertEqual(f.read(), r.json["log"]["head"]["note"])
        self.file("db.check-head", "garbage")
        r = self.gosum_check("go.sum", "--prove", "--db", db)
        self.assert_run(r, 1, err_has="db.check-head")


class Database(GoSum):
    """By a follower's database."""

    @classmethod
    def setUpClass(cls):
        cls.lab = cli.TestCase("setUp")
        cls.lab.setUp()
        cls.db = cls.lab.path("records")
        cls.follow(cls.db, "records")

    @classmethod
    def tearDownClass(cls):
        cls.lab.doCleanups()

    @classmethod
    def follow(cls, db, keep):
        r = cls.lab.gwtool("follow-tlog", "--db", db, "--log-key", key_of(REPLICA), "--source", REPLICA,
                           "--keep", keep, "--once")
        cls.lab.assert_run(r, 0)

    def setUp(self):
        super().setUp()
        self.LOG = ["--db", self.db, "--log-key", key_of(REPLICA)]
        self.records = lookups(REPLICA)
        self.text = "".join(text for text, _ in self.records.values())
        self.gosum = self.file("go.sum", self.text)

    def test_lines_that_no_log_has(self):
        self.file("go.sum", "example.com/private v1.0.0 %s\n" % OTHER + self.text)
        r = self.gosum_check("go.sum")
        self.assert_error(r, 1, "go.sum:1: example.com/private v1.0.0: not among the 7458 records",
                          "gwtool: hint: ")
        self.assert_run(self.gosum_check("go.sum", "--private", "example.com"), 0, out="", err="")

    def test_it_takes_milliseconds(self):
        self.assertGreater(self.text.count("\n"), 100)
        fastest = min(self.gosum_check("go.sum").seconds for _ in range(3))
        self.assertLess(fastest, 0.5 * cli.SLOWNESS)
        # nobody is asked, and no head is remembered
        self.assert_missing(self.db + ".check-head")

    def test_what_was_proven_is_proven_once(self):
        state = self.path("state")
        self.assert_run(self.gosum_check("go.sum", "--state", state), 0, out="", err="")
        r = self.gosum_check("go.sum", "--state", state, "-v")
        self.assert_run(r, 0, err_has="0 proven, ")

    def test_databases_that_cannot_say(self):
        versions = self.path("versions")
        self.follow(versions, "versions")
        key = self.LOG[2:]
        r = self.gosum_check("go.sum", log=["--db", versions, *key])
        self.assert_error(r, 2, "keeps versions, and no sums", "--keep records")
        r = self.gosum_check("go.sum", log=["--db", self.db])
        self.assert_error(r, 2, "not the log of --log-key")
        r = self.gosum_check("go.sum", log=["--db", self.path("none"), *key])
        self.assert_error(r, 1, "no database there")
        r = self.gosum_check("go.sum", log=["--db", self.gosum, *key])
        self.assert_error(r, 2, "go.sum: ")
        r = self.gosum_check("go.sum", log=["--db", self.db, *key, "--source", REPLICA])
        self.assert_error(r, 2, "--source with --db")

    def test_the_log_out_of_reach(self):
        self.assert_run(self.gosum_check("go.sum", "--proxy", "off"), 2)

    def test_heads_are_remembered(self):
        r = self.gosum_check("go.sum", "--prove", "--source", REPLICA, "--json")
        self.assert_run(r, 0, err="")
        self.assertEqual({x["state"] for x in r.json["lines"]}, {"proven"})
        os.unlink(self.db + ".check-head")


class GoCommand(cli.TestCase):
    def test_what_go_writes(self):
        lab = ModuleLab(self.path("lab"))
        lab.add("example.com/a", "v1.4.0", {"a.go": "package a\n\nimport _ \"example.com/b/v2\"\n"},
                go_mod="module example.com/a\n\ngo 1.18\n\nrequire example.com/b/v2 v2.4.0\n")
        lab.add("example.com/b/v2", "v2.4.0", {"b.go": "package b\n"})
        log = lab.log()
        self.file("me/go.mod", "module example.com/me\n\ngo 1.18\n\nrequire example.com/a v1.4.0\n")
        self.file("me/me.go", "package me\n\nimport _ \"example.com/a\"\n")
        env = go_lab.environment(GO111MODULE="on", GOPROXY=lab.proxy, GOPATH=self.path("gopath"),
                                 GOFLAGS="-mod=mod -modcacherw", GONOSUMDB="*")
        r = cli.run(["go", "mod", "tidy"], cwd=self.path("me"), env=env, timeout=120)
        self.assertEqual(r.code, 0, r)
        r = self.gwtool("check", "gosum", *log, "me", "-v")
        self.assert_run(r, 0, out="", err_has="me/go.sum: 4 lines, 4 proven")
        # what `go mod verify` and a build would refuse, told before
        with open(self.path("me", "go.sum")) as f:
            text = f.read()
        changed = self.file("me/go.sum", text.replace(text.split()[2], OTHER, 1))
        r = cli.run(["go", "mod", "download", "example.com/a"], cwd=self.path("me"), env=env)
        self.assertIn("SECURITY ERROR", r.err)
        self.assert_error(self.gwtool("check", "gosum", *log, changed), 4, OTHER, text.split()[2])


if __name__ == "__main__":
    cli.main()
