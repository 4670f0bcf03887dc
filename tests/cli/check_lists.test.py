#!/usr/bin/env python3
"""gwtool check module with what people have: lists, the go command's own output, paths of packages."""

import json
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import check_lab
import cli
import dns_lab
import go_lab
from module_lab import ModuleLab

MOX = "github.com/mjl-/mox"
RELEASES = {MOX: "v0.0.15", "example.com/a": "v1.5.0", "example.com/b/v2": "v2.5.0",
            "example.com/fork": "v1.5.0", "example.com/c": "v0.9.0"}

BESIDE = "example.com/malformed/beside"
ALONE = "example.com/malformed/alone"


def setUpModule():
    global DIR
    DIR = tempfile.mkdtemp(prefix="gwtool-lab-")
    more = "".join('%s TXT "%s"\n' % (check_lab.dns_name(path), text) for path, text in (
        (BESIDE, "v=v1.5.0 t=6802a84d"), (BESIDE, "v=1.6 t=6802a84d"), (ALONE, "v=1.6 t=6802a84d")))
    check_lab.CheckCase.lab = check_lab.start(DIR, RELEASES, more)


def tearDownModule():
    check_lab.CheckCase.lab.stop()
    shutil.rmtree(DIR, ignore_errors=True)


def news(*paths):
    return "".join(check_lab.line(p, RELEASES[p]) for p in paths)


class Lists(check_lab.CheckCase):
    def test_three_forms_alike(self):
        for text in (MOX + "@v0.0.14\nexample.com/a@v1.5.0\n",
                     "example.com/me\n%s v0.0.14\nexample.com/a v1.5.0\n" % MOX,
                     "x: go1.26.8\n\tpath\tx\n\tmod\t%s\tv0.0.14\th1:x=\n"
                     "\tdep\texample.com/a\tv1.5.0\n\tbuild\tCGO_ENABLED=0\n" % MOX):
            with self.subTest(text):
                self.assert_run(self.check("module", "-", input=text), 100, out=news(MOX), err="")
                self.assert_run(self.check("module", "-", input="\ufeff" + text), 100,
                                out=news(MOX), err="")

    def test_what_was_looked_at(self):
        r = self.check("module", "-", "-v", input="example.com/me\n%s v0.0.14\n" % MOX)
        self.assert_run(r, 100, out="%s v0.0.14 -> v0.0.15 %s\n" % (MOX, check_lab.TIME),
                        err_has="standard input: 1 module, 1 main module left out")

    def test_what_is_not_asked_is_noted_once(self):
        text = ("x: go1.26.8\n\tmod\texample.com/a\t(devel)\n\tdep\texample.com/c\tv0.8.0\n"
                "\t=>\t../c\t(devel)\n\tdep\texample.com/b/v2\tv2.5.0+dirty\n")
        self.assert_run(self.check("module", "-", input=text), 0, out="", err="")
        notes = ["example.com/a: built from a directory", "example.com/c v0.8.0: replaced by ../c",
                 "example.com/b/v2 v2.5.0+dirty: built from a working tree with changes"]
        self.assert_run(self.check("module", "-", "-v", input=text), 0, out="", err_has=notes)
        state = self.path("state")
        args = ("module", "-", "--state", state)
        self.assert_run(self.check(*args, input=text), 0, out="", err_has=notes)
        self.assert_run(self.check(*args, input=text), 0, out="", err="")
        r = self.check("module", "-", "--json", input=text)
        self.assertEqual([len(x["notes"]) for x in r.json["results"]], [1, 1, 1])

    def test_bad_lines(self):
        r = self.check("module", "-", input="%s v0.0.14\nrequire (\nexample.com/a latest\n" % MOX)
        self.assert_run(r, 2, out=news(MOX), err_has=["line 2: ", "check gomod", "line 3: "])
        r = self.check("module", "-", input="example.com/a v1.0.0/go.mod h1:x=\n")
        self.assert_error(r, 2, "line 1: ", "check gosum")

    def test_standard_input_is_read_once(self):
        self.assert_error(self.check("module", "-", "-", input=MOX), 2, '"-" is given twice')

    def test_a_package_is_looked_up_at_its_module(self):
        for path in (MOX + "/webauth", MOX + "/a/b@v0.0.14"):
            with self.subTest(path):
                code = 100 if "@" in path else 0
                self.assert_run(self.check("module", path), code, out=news(MOX), err="")
                r = self.check("module", path, "-v")
                self.assert_run(r, code, err_has="%s: a package of %s" % (path.split("@")[0], MOX))
        self.assert_run(self.check("module", MOX + "/x@v0.0.15"), 0, out="", err="")
        # the longest one, and none for who pins a commit of what may be a module of its own
        self.assert_run(self.check("module", "example.com/b/v2/cmd"), 0, out=news("example.com/b/v2"))
        pin = MOX + "/x@v0.0.0-20200101000000-abcdefabcdef"
        self.assert_run(self.check("module", pin), 0, out="", err="")
        self.assert_error(self.check("module", "example.com/z/y"), 1, "example.com/z/y: no release")
        # nor for what a tool says is a module
        r = self.check("module", "-", input="m\n%s/x v0.0.14\n" % MOX)
        self.assert_error(r, 1, "no release known")

    def test_a_version_that_the_path_cannot_have(self):
        """Beside v1.5.0 it would look like the newest one: exit 0, every day."""
        self.assert_error(self.check("module", "example.com/a@v2.0.0"), 2,
                          "example.com/a: version v2.0.0", "should be v0 or v1")
        r = self.check("module", "example.com/a@v2.0.0", "example.com/a@v1.4.0")
        self.assert_run(r, 2, out=check_lab.line("example.com/a", "v1.5.0"))
        # also where a package of the module is named; a +incompatible version is one of the path
        self.assert_error(self.check("module", "example.com/a/cmd/x@v2.0.0"), 2,
                          "example.com/a: version v2.0.0", "should be v0 or v1")
        self.assert_run(self.check("module", "example.com/a@v2.0.0+incompatible"), 0, out="", err="")

    def test_a_url_is_told_what_it_should_be(self):
        r = self.check("module", "https://github.com/mjl-/mox")
        self.assert_error(r, 2, "gwtool: hint: a module path has no scheme: " + MOX)

    def test_a_malformed_record_beside_a_good_one(self):
        self.assert_run(self.check("module", BESIDE + "@v1.0.0"), 100,
                        out=check_lab.line(BESIDE, "v1.5.0"), err="")
        r = self.check("module", BESIDE + "@v1.0.0", "-v")
        self.assert_run(r, 100, err_has=BESIDE + ": one of its TXT records is malformed")
        self.assert_error(self.check("module", ALONE + "@v1.0.0"), 1, 'version "1.6" is malformed')

    def test_what_nobody_answers_is_told_in_a_few_lines(self):
        text = "".join("example.com/m%d v1.0.0\n" % i for i in range(50))
        with dns_lab.Proxy(self.lab.resolver, "servfail", only="example.com.v0") as proxy:
            r = self.check("module", "-", input=text, resolver=proxy.resolver)
            self.assertEqual(r.code, 3, r)
            errors = [x for x in r.err.splitlines() if x.startswith("gwtool: error: ")]
            self.assertEqual(len(errors), 21, r)
            self.assertRegex(errors[-1], "error: 30 more like these, the last one: example.com/m49: ")
            r = self.check("module", "-", "--json", input=text, resolver=proxy.resolver)
            self.assertEqual(sum(len(x["errors"]) for x in r.json["results"]), 50)

    def test_a_file_that_is_no_list_is_told_in_a_few_lines(self):
        r = self.check("module", "-", input="".join("bad path %d\n" % i for i in range(50)) +
                       MOX + "@v0.0.14\n")
        self.assertEqual((r.code, r.lines), (2, [check_lab.line(MOX, "v0.0.15").strip()]), r)
        errors = [x for x in r.err.splitlines() if x.startswith("gwtool: error: ")]
        self.assertEqual(len(errors), 21, r)
        self.assertRegex(errors[-1], "error: 30 more like these, the last one: line 50: ")

    def test_on_a_terminal_what_is_had_is_shown(self):
        args = [cli.GWTOOL, "check", "module", MOX + "@v0.0.14", "--dns", check_lab.ZONE,
                "--resolver", self.lab.resolver, "--trust-anchor", self.lab.anchor]
        code, text = cli.on_terminal(args)
        self.assertEqual((code, text), (100, "%s v0.0.14 -> v0.0.15 %s\r\n" % (MOX, check_lab.TIME)))


class GoCommand(check_lab.CheckCase):
    """What Debian's Go prints of a module and a program of it."""

    def setUp(self):
        super().setUp()
        lab = ModuleLab(self.path("lab"))
        for module, version in (("example.com/a", "v1.4.0"), ("example.com/b/v2", "v2.4.0"),
                                ("example.com/fork", "v1.4.0"), ("example.com/c", "v0.8.0"),
                                ("example.com/gone", "v1.0.0")):
            name = module.split("/")[1]
            lab.add(module, version, {"x.go": "package %s\n\nfunc X() {}\n" % name})
        self.env = go_lab.environment(GO111MODULE="on", GOPROXY=lab.proxy, GOPATH=self.path("gopath"),
                                      GOFLAGS="-mod=mod -modcacherw", GONOSUMDB="*")
        names = {"a": "example.com/a", "b": "example.com/b/v2", "gone": "example.com/gone",
                 "c": "example.com/c"}
        self.file("me/go.mod", "module example.com/me\n\ngo 1.18\n\nrequire (\n"
                  "\texample.com/a v1.4.0\n\texample.com/b/v2 v2.4.0\n\texample.com/gone v1.0.0\n"
                  "\texample.com/c v0.8.0\n)\n\n"
                  "replace example.com/gone => example.com/fork v1.4.0\n"
                  "replace example.com/c v0.8.0 => ./c\n")
        self.file("me/c/go.mod", "module example.com/c\n")
        self.file("me/c/c.go", "package c\n\nfunc X() {}\n")
        self.file("me/main.go", "package main\n\nimport (\n%s)\n\nfunc main() {\n%s}\n" % (
            "".join('\t%s "%s"\n' % x for x in names.items()),
            "".join("\t%s.X()\n" % x for x in names)))
        self.file("lab/proxy/example.com/gone/@v/v1.0.0.mod", "module example.com/gone\n")

    def go(self, *args):
        r = cli.run(["go", *args], cwd=self.path("me"), env=self.env, timeout=300)
        self.assertEqual(r.code, 0, r)
        return r.out

    def test_lists(self):
        every = ("example.com/a", "example.com/b/v2", "example.com/fork")
        listed = self.go("list", "-m", "all")
        self.assertRegex(listed, r"^example.com/me\n")
        self.go("build", "-o", self.path("program"), ".")
        program = self.go("version", "-m", self.path("program"))
        self.assertIn("\t=>\texample.com/fork", program)
        for text in (listed, program):
            with self.subTest(text):
                r = self.check("module", "-", input=text)
                self.assert_run(r, 100, err="")
                self.assertEqual(sorted(r.lines), sorted(news(*every).splitlines()))
                r = self.check("module", "-", "--json", input=text)
                notes = [n for x in r.json["results"] for n in x["notes"]]
                self.assertRegex("\n".join(notes), r"gone v1\.0\.0: replaced by example.com/fork v1\.4\.0")
                self.assertRegex("\n".join(notes), r"example.com/c v0\.8\.0: replaced by \./c$|"
                                                   r"example.com/c v0\.8\.0: replaced by \./c\n")
        # the same modules as the go command itself says there are
        modules = json.loads("[%s]" % re.sub(r"(?m)^}\n{", "},{", self.go("list", "-m", "-json", "all")))
        used = {(m.get("Replace") or m)["Path"] for m in modules if not m.get("Main")}
        self.assertEqual({p for p in used if not p.startswith(".")}, set(every))


if __name__ == "__main__":
    cli.main()
