"""follow-tlog on a build service's log: what a monitor sees of it, and what it is told when the log
contradicts itself."""

import os
import shutil
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import follow_case
from follow_case import logtool

# The example log of gobuild v0.0.48; the signer's key was thrown away by publishing it.
KEY = "gobuildtest+d0d3feb6+AfDDZM94TRqrIJ+QKApGNZw8Bhk2gOFHrQHXXAeVqkVF"
SIGNER = "PRIVATE+KEY+gobuildtest+d0d3feb6+AXgHf7lUluErzggs4KZ6pTjWBAs4ip1uGK1K12tiJy2M"
SUM = "0zkPWcxWmiWHZYW2QX4N5VurqP4g"
HELLO = "example.test/hello v0.1.0 / linux amd64 go1.26.10 2538672 %s \n" % SUM
HELLO_KEY = "example.test/hello@v0.1.0/linux-amd64-go1.26.10/"
ROOT = "12GZhSWu8Ib7QI1cHw3ycpbUpzGrkwYuO9Z56DIx7dA="


def record(n, size=1000):
    return "example.test/m%d v1.%d.0 /cmd/x linux %s go1.26.8 %d %s %s\n" % (
        n % 7, n, ("amd64", "arm64")[n % 2], size, SUM, ("", "stripped")[n % 3 == 0])


def key(n):
    return "example.test/m%d@v1.%d.0/cmd/x/linux-%s-go1.26.8%s/" % (
        n % 7, n, ("amd64", "arm64")[n % 2], ("", "-stripped")[n % 3 == 0])


class TestCase(follow_case.TestCase):
    def setUp(self):
        super().setUp()
        self.log = self.path("log")
        os.makedirs(self.log)
        self.file("log/signer", SIGNER + "\n")
        self.file("log/style", "numbered\n")  # as gobuild frames data tiles

    def append(self, *records, log=None):
        logtool("append", log or self.log,
                text="".join("raw %s\n" % r.replace("\n", "\\n") for r in records))

    def once(self, *more, log=None):
        return self.follow(log or self.log, KEY, "--log-form", "build", "--once", *more)

    def rows(self, sql, *values):
        c = sqlite3.connect(self.db)
        out = c.execute(sql, values).fetchall()
        c.close()
        return out


class Follow(TestCase):
    def test_the_example_log_as_it_grows(self):
        self.append(HELLO)
        self.assertEqual(logtool("key", self.log).strip(), KEY)
        with open(os.path.join(self.log, "latest")) as f:
            self.assertTrue(f.read().startswith("go.sum database tree\n1\n%s\n\n" % ROOT))
        self.assert_run(self.once(), code=0, out="", err="")
        self.assertEqual(self.rows("SELECT * FROM build"), [(0, HELLO_KEY, HELLO)])
        self.assert_out(self.status(), 0, "status: current", "position: 1", "builds: 1",
                        "keep: builds")
        # More of it: two data tiles, one after the other.
        self.append(*(record(n) for n in range(1, 300)))
        r = self.once("--json")
        self.assertEqual((r.code, r.json["records"], r.json["position"]), (0, 299, 300))
        self.append(*(record(n) for n in range(300, 700)))
        self.assert_run(self.once(), code=0, out="", err="")
        s = self.status("--json").json
        self.assertEqual((s["status"], s["form"], s["keep"], s["position"], s["builds"],
                          s["modules"]), ("current", "build", "builds", 700, 700, 0))
        # What a monitor asks: one key, and what is new.
        self.assertEqual(self.rows("SELECT record, text FROM build WHERE key = ?", key(650)),
                         [(650, record(650))])
        self.assertEqual(self.rows("SELECT record, key, text FROM build WHERE record >= 600"),
                         [(n, key(n), record(n)) for n in range(600, 700)])

    def test_a_record_again_and_one_of_another_form(self):
        self.append(HELLO, "odd one\n", HELLO)
        r = self.once()
        self.assert_run(r, code=0, err_has=["duplicate record", "irregular records"])
        s = self.status("--json").json
        self.assertEqual((s["position"], s["builds"], s["duplicates"], s["irregular"]), (3, 1, 1, 1))
        self.assertEqual(self.rows("SELECT * FROM build"), [(0, HELLO_KEY, HELLO)])

    def test_a_log_of_module_versions_is_none_of_builds(self):
        log, other = self.synth(300, "sums")
        r = self.follow(log, other, "--once", "--log-form", "build")
        self.assert_run(r, code=0, err_has=["irregular records", "count=300"])
        self.assertEqual(self.rows("SELECT * FROM build"), [])


class Alarms(TestCase):
    def test_other_bytes_for_one_key(self):
        self.append(HELLO, record(1))
        self.assert_run(self.once(), code=0)
        self.append(record(2), HELLO.replace("2538672", "2538673"))
        r = self.once()
        self.assert_run(r, code=4, err_has=[HELLO_KEY, "twice", "records 0 and 3"])
        self.assert_out(self.status(), 4, "status: halted", "position: 2", "builds: 2")
        [name] = self.alarms()
        [pair] = self.evidence(name)["records"]
        self.assertEqual(pair["first"]["text"], HELLO)
        self.assertTrue(pair["second"]["inclusion_proof"])
        self.assert_run(self.once(), code=4, err_has=[name])
        self.assert_run(self.gwtool("follow-tlog", "--db", self.db, "--clear-alarm"), code=0)
        self.assert_run(self.once(), code=0)
        self.assertEqual(self.rows("SELECT text FROM build WHERE key = ?", HELLO_KEY), [(HELLO,)])
        s = self.status("--json").json
        self.assertEqual((s["position"], s["builds"], s["conflicts"]), (4, 3, 1))

    def test_forks(self):
        self.append(*(record(n) for n in range(400)))
        self.assert_run(self.once(), code=0)
        clean = self.path("clean")
        shutil.copy(self.db, clean)
        for size, more in ((390, 200), (100, 300), (10, 390), (10, 100)):
            with self.subTest(size=size, more=more):
                shutil.copy(clean, self.db)
                log = self.path("fork-%d-%d" % (size, more))
                os.makedirs(log)
                self.file(os.path.join(log, "signer"), SIGNER)
                logtool("fork", self.log, log, size)
                self.append(*(record(n, 77) for n in range(size, size + more)), log=log)
                r = self.once(log=log)
                self.assert_run(r, code=4)
                self.assertRegex(r.err, "no prefix|different roots")
                self.assert_out(self.status(), 4, "status: halted")
                self.assertEqual(len(self.alarms()), 1)
                os.remove(self.path(self.alarms()[0]))
                self.assertEqual(self.rows("SELECT count(*), max(record) FROM build"), [(400, 399)])


class OneForm(TestCase):
    def test_refused(self):
        self.append(HELLO)
        r = self.once("--keep", "records")
        self.assert_run(r, code=2, err_has=["--keep"])
        self.assertFalse(os.path.exists(self.db))
        r = self.gwtool("follow-tlog", "--db", self.db, "--once", "--log-form", "build")
        self.assert_run(r, code=2, err_has=["--log-form build needs --log-key"])
        self.assert_run(self.follow(self.log, KEY, "--once", "--log-form", "other"), code=2,
                        err_has=["--log-form"])
        self.assert_run(self.once(), code=0)
        before = self.rows("SELECT * FROM log")
        r = self.follow(self.log, KEY, "--once")
        self.assert_run(r, code=2, err_has=["of the form build, not go", "--log-form build"])
        sums, other = self.synth(300, "sums")
        self.db, builds = self.path("sums.db"), self.db
        self.assert_run(self.follow(sums, other, "--once"), code=0)
        r = self.follow(sums, other, "--once", "--log-form", "build")
        self.assert_run(r, code=2, err_has=["of the form go, not build"])
        self.db = builds
        # What needs no log needs no form.
        self.assert_out(self.status(), 0, "builds: 1")
        self.assert_run(self.gwtool("follow-tlog", "--db", self.db, "--clear-alarm"), code=0)
        self.assertEqual(self.rows("SELECT * FROM log"), before)

    def test_nothing_is_served_from_it(self):
        self.append(HELLO)
        self.assert_run(self.once(), code=0)
        signing = self.path("zone.key")
        self.assert_run(self.gwtool("serve-dns", "key", "new", "--zone", "v0.example.test", "--key",
                                    signing), code=0)
        serve = ["serve-dns", "--db", self.db, "--zone", "v0.example.test", "--key", signing,
                 "--ns", "ns1.v0.example.test=127.0.0.1", "--listen", "127.0.0.1:0"]
        r = self.gwtool(*serve)
        self.assert_run(r, code=2, err_has=["build service's log"])
        r = self.gwtool(*serve, "--follow", "--log-key", KEY, "--source", self.log)
        self.assertEqual(r.code, 2, r)


if __name__ == "__main__":
    cli.main()
