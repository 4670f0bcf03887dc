#!/usr/bin/env python3
"""What is said of a database that a disk has damaged: by follow-tlog --check-db, and by the commands
that meet it."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import follow_case

HINT = "gwtool: hint: it is damaged: move it away, and have it made anew or put a copy in its place\n"


class Check(follow_case.TestCase):
    def setUp(self):
        super().setUp()
        log, key = self.replica()
        self.assert_run(self.follow(log, key, "--once"), 0)
        self.source = ("--source", log, "--log-key", key)

    def check(self, *args):
        return self.gwtool("follow-tlog", "--check-db", "--db", self.db, *args)

    def damage(self, first=1):
        """Octets in every page from that one on; the one before says which tables there are."""
        with open(self.db, "r+b") as f:
            data = bytearray(f.read())
            page = int.from_bytes(data[16:18], "big")
            for at in range(first * page or 100, len(data), 997):
                data[at] ^= 0xff
            f.seek(0)
            f.write(data)

    def test_a_good_one(self):
        r = self.check()
        self.assert_run(r, 0, err="")
        self.assertRegex(r.out, r"^good: 7458 records of 1019 modules, .*\n$")
        self.assert_run(self.check("-q"), 0, out="", err="")
        document = self.check("--json").json
        self.assertEqual((document["good"], document["faults"]), (True, []))

    def test_a_damaged_one(self):
        self.damage()
        r = self.check()
        self.assert_run(r, 1, out="")
        lines = r.err.splitlines(keepends=True)
        # A line each, and what to do once.
        self.assertGreater(len(lines), 3)
        for line in lines[:-1]:
            self.assertRegex(line, r"^gwtool: error: %s: [^*]" % self.db)
            self.assertNotIn("\\x0a", line)
        self.assertEqual(lines[-1], HINT)
        r = self.check("--json")
        self.assertEqual(r.code, 1)
        self.assertFalse(r.json["good"])
        self.assertEqual(len(r.json["faults"]), len(lines) - 1)

    def test_tables_that_cannot_be_read(self):
        self.damage(first=0)
        for args in (("--once", *self.source), ("--status",), ("--check-db",)):
            with self.subTest(args):
                r = self.gwtool("follow-tlog", "--db", self.db, *args)
                self.assert_error(r, 1, self.db + ": database disk image is malformed")
                self.assertTrue(r.err.endswith(HINT), str(r))

    def test_who_meets_it_says_what_to_do(self):
        self.damage()
        for args in (("--once", *self.source), ("--status",)):
            with self.subTest(args):
                r = self.gwtool("follow-tlog", "--db", self.db, *args)
                self.assert_error(r, 1, self.db + ": database disk image is malformed")
                self.assertTrue(r.err.endswith(HINT), str(r))
        with open(self.db, "wb") as f:
            f.write(b"no database\n")
        for args in (("--once", *self.source), ("--status",), ("--check-db",)):
            with self.subTest(args):
                r = self.gwtool("follow-tlog", "--db", self.db, *args)
                self.assert_error(r, 2, self.db + ": not an SQLite database", "it is damaged")


if __name__ == "__main__":
    cli.main()
