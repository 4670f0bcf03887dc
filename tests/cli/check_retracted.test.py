#!/usr/bin/env python3
"""gwtool check --retracted: what the newest go.mod of a module takes back of it, of the version that is
had and of those that are newer."""

import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import check_lab
import cli

# In one record, as a stray higher major has it.
STRAY = 'stray._.example.com.v0 TXT "v=v1.5.2 t=6802a84d; v=v0.35.3 t=6802a84d"\n'
OTHER = "example.com/other"
OTHER_LINE = check_lab.line(OTHER, "v0.0.15")


def setUpModule():
    global DIR
    DIR = tempfile.mkdtemp(prefix="gwtool-retracted-")
    check_lab.CheckCase.lab = check_lab.start(DIR, {OTHER: "v0.0.15"}, more=STRAY)


def tearDownModule():
    check_lab.CheckCase.lab.stop()
    shutil.rmtree(DIR, ignore_errors=True)


class Retracted(check_lab.CheckCase):
    def setUp(self):
        super().setUp()
        directory = self.path("proxy", "example.com", "stray", "@v")
        os.makedirs(directory)
        with open(os.path.join(directory, "v1.5.2.mod"), "w", encoding="utf-8") as f:
            f.write("// Deprecated: use the other\nmodule example.com/stray\n\n"
                    "retract [v1.4.0, v1.5.2] // published by\x1b\u009b \U000e0001mistake\n"
                    "retract v0.34.1\n")
        self.options = ("--retracted", "--goproxy", "file://" + self.path("proxy"))

    def test_what_is_newer(self):
        args = ("module", "example.com/stray@v0.34.0", *self.options)
        r = self.check(*args)
        self.assert_run(r, 100, err="")
        own, higher = r.lines
        self.assertEqual(own, "example.com/stray v0.35.3 %s (deprecated: use the other)"
                         % check_lab.TIME)
        self.assertRegex(higher, r"^example.com/stray v1.5.2 \S+Z \(retracted: published by\\x1b"
                                 r"\\xc2\\x9b \\xf3\\xa0\\x80\\x81mistake\) "
                                 r"\(deprecated: use the other\)$")
        r = self.check(*args, "--json")
        result = r.json["results"][0]
        self.assertEqual([x["retracted"] for x in result["releases"]],
                         [False, "published by\x1b\u009b \U000e0001mistake"])
        # Nothing of it moves a cursor.
        self.assertIn(r"published by\u001b\u009b \udb40\udc01mistake", r.out)
        self.assertEqual({x["deprecated"] for x in result["releases"]}, {"use the other"})
        self.assertEqual((result["known_retracted"], result["known_deprecated"]),
                         (False, "use the other"))
        # Nobody was asked, and nobody knows.
        result = self.check(*args[:2], "--json").json["results"][0]
        self.assertEqual({x["retracted"] for x in result["releases"]}, {None})
        self.assertIsNone(result["known_retracted"])
        r = self.check("module", OTHER + "@v0.0.14", *self.options)
        self.assert_run(r, 1, out=OTHER_LINE, err_has="its newest go.mod")

    def test_what_is_had(self):
        retracted = ("gwtool: warning: example.com/stray v1.5.2 is retracted: published by\\x1b"
                     "\\xc2\\x9b \\xf3\\xa0\\x80\\x81mistake\n")
        deprecated = "gwtool: warning: example.com/stray is deprecated: use the other\n"
        # Nothing is newer, and yet there is something to say.
        args = ("module", "example.com/stray@v1.5.2", *self.options)
        self.assert_run(self.check(*args), 0, out="", err=retracted + deprecated)
        self.assert_run(self.check(*args, "-q"), 0, out="", err="")
        result = self.check(*args, "--json").json["results"][0]
        self.assertEqual(result["releases"], [])
        self.assertEqual(result["known_retracted"], "published by\x1b\u009b \U000e0001mistake")
        self.assertEqual(result["known_deprecated"], "use the other")
        # Where a line says that the module is deprecated nothing else needs to.
        r = self.check("module", "example.com/stray@v0.34.1", *self.options)
        self.assert_run(r, 100, err="gwtool: warning: example.com/stray v0.34.1 is retracted\n")
        self.assertEqual(len(r.lines), 2)
        # By the path of a package, and by a file that names the module.
        r = self.check("module", "example.com/stray/pkg@v1.5.2", *self.options)
        self.assert_run(r, 0, out="", err_has="example.com/stray v1.5.2 is retracted")
        gomod = self.file("go.mod", "module m\n\nrequire example.com/stray v1.5.2\n")
        r = self.check("gomod", gomod, *self.options)
        self.assert_run(r, 0, out="", err_has="example.com/stray v1.5.2 (%s:3) is retracted" % gomod)
        # A newest go.mod that cannot be had is an error, also when nothing is newer.
        r = self.check("module", OTHER + "@v0.0.15", *self.options)
        self.assert_run(r, 1, out="", err_has=OTHER + ": its newest go.mod")

    def test_what_is_had_is_told_once(self):
        def run(version, *more):
            return self.check("module", "example.com/stray@" + version, *self.options, "--state",
                              self.path("state"), *more)
        # What -q keeps back has not been told.
        self.assert_run(run("v1.5.2", "-q"), 0, out="", err="")
        r = run("v1.5.2")
        self.assert_run(r, 0, out="", err_has="example.com/stray v1.5.2 is retracted")
        self.assertIn("stray is deprecated", r.err)
        self.assert_run(run("v1.5.2"), 0, out="", err="")
        # Of another version it is news.
        r = run("v0.34.1")
        self.assert_run(r, 100, err="gwtool: warning: example.com/stray v0.34.1 is retracted\n")
        with open(self.path("state")) as f:
            self.assertEqual(f.read(), "".join("example.com/stray %s\n" % what for what in (
                "retracted:v1.5.2", "deprecated", "retracted:v0.34.1", "v0.35.3", "v1.5.2")))
        self.assert_run(run("v0.34.1"), 0, out="", err="")

    def test_whom_to_ask(self):
        r = self.check("module", OTHER, "--retracted", "--goproxy", "direct")
        self.assert_error(r, 2, "no module proxy")
        r = self.check("module", OTHER, "--retracted", "--goproxy", "ftp://x")
        self.assert_error(r, 2, "--goproxy")
        # What the go command's variable says is its own affair otherwise.
        r = self.check("module", OTHER, env=cli.clean_env(GOPROXY="ftp://x"))
        self.assert_run(r, 0, out=OTHER_LINE, err="")


if __name__ == "__main__":
    cli.main()
