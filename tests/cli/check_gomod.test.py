#!/usr/bin/env python3
"""gwtool check gomod: what a project requires, beside the go command's own reading of it."""

import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import check_lab
import cli
import dns_lab
import go_lab

RELEASES = {"example.com/a": "v1.5.0", "example.com/b/v2": "v2.5.0", "example.com/c": "v0.9.0",
            "example.com/fork": "v1.5.0", "example.com/indirect": "v1.0.1"}
GOMOD = """module example.com/me

go 1.26

toolchain go1.26.8

require (
\texample.com/a v1.4.0
\texample.com/b/v2 v2.5.0 // a comment
\texample.com/c v0.8.0
\texample.com/gone v1.0.0
\texample.com/indirect v1.0.0 // indirect
)

replace example.com/c => ../c
replace example.com/gone v1.0.0 => example.com/fork v1.4.0
exclude example.com/a v1.4.1
"""


def setUpModule():
    global DIR
    DIR = tempfile.mkdtemp(prefix="gwtool-lab-")
    check_lab.CheckCase.lab = check_lab.start(DIR, RELEASES)


def tearDownModule():
    check_lab.CheckCase.lab.stop()
    shutil.rmtree(DIR, ignore_errors=True)


class GoMod(check_lab.CheckCase):
    def setUp(self):
        super().setUp()
        self.gomod = self.file("me/go.mod", GOMOD)

    def news(self, place):
        return (check_lab.line("example.com/a", "v1.5.0", place + ":8") +
                check_lab.line("example.com/fork", "v1.5.0", place + ":16") +
                check_lab.line("toolchain", check_lab.PREVIOUS, place + ":5"))

    def test_a_file_a_directory_and_the_current_one(self):
        for args, place in ((["me/go.mod"], "me/go.mod"), ([self.gomod], self.gomod),
                            (["me"], "me/go.mod"), (["me/"], "me/go.mod")):
            with self.subTest(args):
                self.assert_run(self.check("gomod", *args), 100, out=self.news(place), err="")
        r = self.check("gomod", cwd=self.path("me"))
        self.assert_run(r, 100, out=self.news("go.mod"), err="")
        self.assert_error(self.check("gomod"), 1, "go.mod: no such file")

    def test_indirect_requirements(self):
        r = self.check("gomod", "--all", "me", "-v")
        self.assert_run(r, 100, err_has="me/go.mod: module example.com/me, 5 modules looked at, "
                                        "2 replaced, go1.26.8")
        self.assertIn("example.com/indirect v1.0.0 -> v1.0.1 %s (me/go.mod:12)" % check_lab.TIME,
                      r.lines)
        r = self.check("gomod", "me", "-v")
        self.assert_run(r, 100, err_has=["4 modules looked at, 1 left out, 2 replaced",
                                         "example.com/c v0.8.0: replaced by ../c",
                                         "example.com/gone v1.0.0: replaced by example.com/fork"])

    def test_go_without_a_toolchain_line(self):
        for text, out in (("go 1.27.1\n", check_lab.TOOLCHAIN), ("go 1.26\n", check_lab.PREVIOUS),
                          ("go 1.21rc2\n", check_lab.TOOLCHAIN), ("go 1.27.4\n", None), ("", None),
                          ("go 1.27\ntoolchain default\n", check_lab.TOOLCHAIN),
                          ("go 1.21\ntoolchain go1.27.4\n", None)):
            with self.subTest(text):
                self.file("go/go.mod", "module example.com/me\n" + text)
                self.assert_run(self.check("gomod", "go"), 100 if out else 0, err="",
                                out=check_lab.line("toolchain", out, "go/go.mod:2") if out else "")
        self.file("go/go.mod", "module example.com/me\ngo 1.21\ntoolchain go1.27.4-custom\n")
        self.assert_run(self.check("gomod", "go"), 0, out="", err="")
        r = self.check("gomod", "go", "-v")
        self.assert_run(r, 0, err_has='toolchain "go1.27.4-custom": no release of Go')

    def test_several_files_ask_once(self):
        self.file("other/go.mod", "module example.com/other\nrequire example.com/a v1.4.0\n")
        with dns_lab.Proxy(self.lab.resolver) as proxy:
            r = self.check("gomod", "me", "other", resolver=proxy.resolver)
            self.assert_run(r, 100)
            self.assertIn("example.com/a v1.5.0 %s (me/go.mod:8, other/go.mod:2)" % check_lab.TIME,
                          r.lines)
            self.assertEqual(proxy.asked("a._.example.com.v0.signed.lab.", 16), 1)
            self.assertEqual(proxy.asked("toolchain.v0.signed.lab.", 16), 1)
            self.assertEqual(proxy.asked("c._.example.com.v0.signed.lab.", 16), 0)

    def test_what_the_go_mod_excludes_is_marked(self):
        """The go command would take the version below it, which DNS does not name."""
        self.file("ex/go.mod", "module example.com/me\nrequire example.com/a v1.4.0\n"
                  "exclude (\n\texample.com/a v1.5.0\n\texample.com/a v1.4.1\n)\n")
        r = self.check("gomod", "ex")
        self.assert_run(r, 100, out="example.com/a v1.5.0 %s (excluded in ex/go.mod:4) (ex/go.mod:2)\n" %
                        check_lab.TIME, err="")
        r = self.check("gomod", "ex", "me", "--json")
        found = [x for x in r.json["results"] if x["name"] == "example.com/a"]
        self.assertEqual([[p["file"] for p in x["places"]] for x in found],
                         [["ex/go.mod", "me/go.mod"]])
        self.assertEqual(found[0]["releases"][0]["excluded"], [{"file": "ex/go.mod", "line": 4}])

    def test_a_file_that_is_named_twice_counts_once(self):
        self.assert_run(self.check("gomod", "me", "me/go.mod"), 100, out=self.news("me/go.mod"))

    def test_a_workspace(self):
        self.file("go.work", "go 1.22\nuse (\n\t./me\n)\n")
        self.assert_error(self.check("gomod", "go.work"), 2, "go.work:2", "name the go.mod files")

    def test_cron_is_told_once(self):
        args = ("gomod", "me", "--state", self.path("state"))
        r = self.check(*args)
        self.assert_run(r, 100, out=self.news("me/go.mod"), err_has="replaced by ../c")
        self.assert_run(self.check(*args), 0, out="", err="")
        self.assertEqual(self.check(*args, "--json").json["newer"], False)

    def test_json(self):
        r = self.check("gomod", "me", "none", "--json")
        self.assert_run(r, 1, err_has="none: no such file")
        document = r.json
        self.assertEqual((document["command"], document["newer"]), ("check gomod", True))
        self.assertEqual(document["files"][0], {
            "file": "me/go.mod", "kind": "go.mod", "module": "example.com/me", "version": None,
            "go": "go1.26.8", "modules": 4, "left_out": 1, "replaced": 2,
            "programs": None, "among": None, "errors": []})
        self.assertEqual(document["files"][1]["errors"][0]["kind"], "not_found")
        results = {x["name"]: x for x in document["results"]}
        self.assertEqual(sorted(results), ["example.com/a", "example.com/b/v2", "example.com/c",
                                           "example.com/fork", "example.com/gone", "toolchain"])
        self.assertEqual(results["toolchain"]["kind"], "toolchain")
        self.assertEqual(results["example.com/a"]["places"], [{"file": "me/go.mod", "line": 8}])
        self.assertEqual(results["example.com/c"]["notes"], ["example.com/c v0.8.0: replaced by ../c"])
        self.assertEqual(results["example.com/c"]["releases"], [])

    def test_errors_name_file_and_line(self):
        good = check_lab.line("example.com/a", "v1.5.0", "good/go.mod:2")
        self.file("good/go.mod", "module example.com/good\nrequire example.com/a v1.4.0\n")
        for text, code, error in (
                ("module example.com/x\n\nrequire example.com/a\n", 2, "bad/go.mod:3: "),
                ("module example.com/x\nnonsense\n", 2, "bad/go.mod:2: "),
                ("module example.com/x\nrequire Bad.example.com/\u0061 v1.0.0\n", 2, "bad/go.mod:2: "),
                ("module example.com/x\nrequire example.com/unknown v1.0.0\n", 1,
                 "example.com/unknown: no release known")):
            with self.subTest(text):
                self.file("bad/go.mod", text)
                r = self.check("gomod", "bad", "good")
                self.assert_run(r, code, out=good, err_has=["gwtool: error: ", error])
        os.mkfifo(self.path("bad", "pipe"))
        self.assert_error(self.check("gomod", "bad/pipe", timeout=15), 2, "pipe: not a regular file")
        # What a disk that was full leaves is not a module where nothing is newer.
        for text in ("", "// cut\n"):
            self.assert_error(self.check("gomod", self.file("cut", text)), 2, "cut: no module line")
        self.file("big/go.mod", "module example.com/x\n" + "// x\n" * 4000000)
        self.assert_error(self.check("gomod", "big"), 1, "big/go.mod: larger than")
        self.file("big/go.mod", "module example.com/x\nrequire (\n%s)\n" % "".join(
            "example.com/x%d v1.0.0\n" % i for i in range(50001)))
        self.assert_error(self.check("gomod", "big"), 2, "more than 50000 modules in one call")

    def test_private_modules_are_asked_for_nowhere(self):
        with dns_lab.Proxy(self.lab.resolver) as proxy:
            for how in (dict(env=cli.clean_env(GOPRIVATE="*.com/a,example.com/fork")), {}):
                args = [] if how else ["--private", "example.com/a,example.com/fork"]
                r = self.check("gomod", "me", "-v", *args, resolver=proxy.resolver, **how)
                self.assert_run(r, 100, err_has="example.com/a: private, not asked for")
                self.assertEqual([x.split()[0] for x in r.lines], ["toolchain"])
            self.assertEqual(proxy.asked("a._.example.com.v0.signed.lab.", 16), 0)

    def test_what_the_go_command_reads(self):
        self.file("me/go.mod", GOMOD.replace("go 1.26\n\ntoolchain go1.26.8", "go 1.18"))
        r = cli.run(["go", "mod", "edit", "-json"], cwd=self.path("me"), env=go_lab.environment())
        self.assertEqual(r.code, 0, r)
        gomod = json.loads(r.out)
        replaced = {x["Old"]["Path"]: x["New"] for x in gomod["Replace"]}
        used = set()
        for x in gomod["Require"]:
            new = replaced.get(x["Path"], x)
            if "Version" in new:
                used.add((new["Path"], new["Version"]))
        own = {(x["name"], x["known"]) for x in
               self.check("gomod", "--all", "me", "--json").json["results"]
               if x["kind"] == "module" and x["known"]}
        self.assertEqual(own, used)


if __name__ == "__main__":
    cli.main()
