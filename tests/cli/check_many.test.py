#!/usr/bin/env python3
"""gwtool check of many things at once: far away within the default time, and hostile answers of every
kind within 256 MB."""

import gzip
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import big_answers
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


@unittest.skipIf(cli.SLOWNESS > 1, "a sanitizer has memory of its own")
class Memory(check_lab.CheckCase):
    def run_within(self, args, input="", code=None):
        r = big_answers.Measured(args, input)
        self.assertLess(r.kb, MOST_KB, r.err[:500])
        if code is not None:
            self.assertEqual(r.code, code, r.err[:500])
        return r

    def test_large_dns_answers(self):
        versions = "; ".join("v=v1.%d.%d t=6802a84d" % (i // 100, i % 100) for i in range(60000 // 25))
        server = big_answers.BigAnswers([versions])
        text = "".join("example.com/m%d@v1.0.0\n" % i for i in range(1200))
        r = self.run_within(["check", "module", "-", "--dns", "big.lab", "--dnssec", "off", "--timeout",
                             "%ds" % (60 * cli.SLOWNESS), "--resolver", server.resolver], text, code=100)
        self.assertEqual(r.out.count("\n"), 1200)

    def test_a_hostile_log(self):
        """Whatever it is that has 2 MB: what is looked up, a tile, or what unpacks to it."""
        text = "".join("example.com/m%d\n" % i for i in range(PROVEN))
        many = "".join("example.com/m%d\n" % i for i in range(MANY))
        large = b"1\nrecord\n\n" + b"x" * (2 << 20)
        for what, rule, code, modules in (
                ("/lookup/*", {"body": large}, 4, many), ("/tile/*", {"body": large}, 4, text),
                ("/lookup/*", {"body": gzip.compress(b"x" * (64 << 20)),
                               "headers": {"Content-Encoding": "gzip"}}, None, text)):
            with self.subTest(what), HttpFixture({"/": LOG.source}) as web:
                web.rule(what, **rule)
                r = self.run_within(
                    ["check", "module", "-", "--dns", check_lab.ZONE, "--resolver", self.lab.resolver,
                     "--trust-anchor", self.lab.anchor, "--prove", "--timeout", "%ds" % (20 * cli.SLOWNESS),
                     "--source", web.url, *LOG_ARGS[:2]], modules, code=code)
                self.assertIn(r.code, (3, 4), r.err[:500])

    def test_large_lists_and_files(self):
        for line in ("example.com/m%07d v1.0.0\n", "a.b/%07d\n"):
            text = "".join(line % i for i in range((16 << 20) // len(line % 0)))
            self.run_within(["check", "module", "-"], text, code=2)
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
