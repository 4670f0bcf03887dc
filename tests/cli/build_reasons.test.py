"""Each reason why gwtool build cannot build something, made by a small module that has it, with
Debian's Go and, where its module is beside the checkout, with go1.26.8: where one prints other texts
than the other, the reason is the same, but for what older ones cannot know."""

import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import go_lab
import module_lab

MAIN = "package main\n\nfunc main() {}\n"


def importing(path, body="func main() {}", name="_"):
    return 'package main\n\nimport %s "%s"\n\n%s\n' % (name, path, body)


def requiring(module, *requirements, more="", go="1.18"):
    return "module %s\n\ngo %s\n\n%s%s\n" % (
        module, go, "".join("require %s v1.0.0\n" % r for r in requirements), more)


# Packages of one module, so that what they import is compiled once: what the compiler, the
# assembler and the linker refuse.
CODE = {
    "undefined": ("undefined symbol", {
        "main.go": importing("strings", "func main() { strings.NotYet() }", "")}),
    "field": ("unknown field in struct", {
        "main.go": "package main\n\ntype T struct{}\n\nvar X = T{NotYet: 1}\n\nfunc main() {}\n"}),
    "syntax": ("error on go source line", {"main.go": "package main\n\nfunc main( {}\n"}),
    "asm": ("assembler", {
        "main.go": "package main\n\nfunc f()\n\nfunc main() { f() }\n",
        "f_amd64.s": "TEXT \u00b7f(SB), 4, $0\n\tBOGUS\n\tRET\n"}),
    "object": ("object file", {"main.go": MAIN, "x_linux_amd64.syso": "\x7fELF garbage"}),
    "large": ("too large", {
        "main.go": "package main\n\nvar x [3000000000]byte\n\nfunc main() { x[0] = 1; println(x[5]) }\n"}),
    "relocation": ("invalid link reference", {
        "main.go": 'package main\n\nimport _ "unsafe"\n\n//go:linkname gone runtime.gone\nfunc gone()\n\n'
                   "func main() { gone() }\n", "empty.s": ""}),
    "lib": ("not a main package", {"a.go": "package lib\n"}),
    "tests": ("not a main package", {"a_test.go": "package x\n"}),
    "directive": ("cgo directive", {
        "main.go": 'package main\n\n//go:cgo_ldflag "-lm"\n\nfunc main() {}\n'}),
    "constraint": ("build constraint excludes all go files", {
        "main.go": "//go:build windows\n\n" + MAIN}),
    "cgo": ("needs cgo (package)", {"main.go": 'package main\n\nimport "C"\n\nfunc main() {}\n'}),
    "std": ("import of a future standard library package", {
        "main.go": importing("strings/notyet")}),
    "embed": ("embed", {
        "main.go": 'package main\n\nimport _ "embed"\n\n//go:embed missing.txt\nvar s string\n\n'
                   "func main() {}\n"}),
    "program": ("package structure", {"main.go": importing("example.org/code/lib2"),
                                      "../lib2/main.go": MAIN}),
    "two": ("package structure", {"main.go": MAIN, "b.go": "package other\n"}),
    "only_tests": ("package structure", {"main.go": importing("example.org/code/only_tests/p"),
                                         "p/p_test.go": "package p\n"}),
    "cycle": ("package structure", {"main.go": importing("example.org/code/cycle/a"),
                                    "a/a.go": 'package a\n\nimport _ "example.org/code/cycle/b"\n',
                                    "b/b.go": 'package b\n\nimport _ "example.org/code/cycle/a"\n'}),
}


# Those that no build here is ever linked for.
NEED_C = ("android/386", "android/amd64", "android/arm", "ios/amd64", "ios/arm64")


class Reasons(cli.TestCase):
    def modules(self, lab, newer):
        """Modules of their own: what their go.mod, or that of others, says. Module -> reason, as
        Debian's Go has it, or one since 1.21."""
        for dep in ("dep", "gone", "lost"):
            lab.add("example.org/" + dep, "v1.0.0", {"d.go": "package %s\n" % dep,
                                                     "internal/x/x.go": "package x\n"})
        lab.add("example.org/newdep", "v1.0.0", {"d.go": "package newdep\n"},
                go_mod=requiring("example.org/newdep", go="1.99"))
        lab.add("example.org/back", "v1.0.0", {"d.go": "package back\n"}, go_mod=requiring(
            "example.org/back", go="1.16", more="require example.org/forth v1.1.0\n"))
        lab.add("example.org/badmod", "v1.0.0", {"d.go": "package badmod\n"}, go_mod=requiring(
            "example.org/badmod", go="1.16", more="require example.org/dep v2.0.0\n"))
        untidy = "go.mod is not tidy"
        cases = {
            "mismatch": ("module path mismatch", MAIN, requiring("example.org/other")),
            "untidy": (untidy, importing("example.org/dep"), None),
            "bare": (untidy, importing("example.org/dep"), ""),
            "replace": ("go.mod has replace directives", MAIN, requiring(
                "example.org/replace", more="replace example.org/dep => ../x\n")),
            "exclude": ("go.mod has exclude directives", MAIN, requiring(
                "example.org/exclude", more="exclude example.org/dep v1.0.0\n")),
            "broken": ("go.mod broken", MAIN, requiring("example.org/broken", more="foo bar\n")),
            "nogo": ("go.mod broken", MAIN, requiring("example.org/nogo", go="abc")),
            "nomodule": ("go.mod broken", MAIN, "go 1.18\n"),
            "internal": ("package structure", importing("example.org/dep/internal/x"),
                         requiring("example.org/internal", "example.org/dep")),
            "missing": ("dependency gone", importing("example.org/gone"),
                        requiring("example.org/missing", "example.org/gone")),
            "newer": ("requires newer go", "package main\n\nfunc main() { x }\n",
                      requiring("example.org/newer", go="1.99")),
            # Go since 1.21 calls all of these conflicts of versions, but only the first two are.
            "forth": ("version constraints conflict" if newer else untidy, importing("example.org/back"),
                      requiring("example.org/forth", "example.org/back", go="1.16")),
            "ownnewer": ("version constraints conflict" if newer else untidy, MAIN, requiring(
                "example.org/ownnewer", more="require example.org/ownnewer v1.1.0\n")),
            "losing": ("dependency gone", importing("example.org/lost"),
                       requiring("example.org/losing", "example.org/lost", go="1.16")),
            "badly": ("go.mod broken", importing("example.org/badmod"),
                      requiring("example.org/badly", "example.org/badmod", go="1.16")),
        }
        if newer:
            cases["importnewer"] = ("imported module requires newer go", importing("example.org/newdep"),
                                    requiring("example.org/importnewer", "example.org/newdep"))
        else:
            cases["choosing"] = ("requires newer go", MAIN, requiring(
                "example.org/choosing", more="toolchain go1.21.1\n"))
        for name, (_, main, go_mod) in cases.items():
            lab.add("example.org/" + name, "v1.0.0", {"main.go": main}, go_mod=go_mod)
        # Two names of one file, in the root or in what it needs.
        twins = {"a.txt": "1", "A.txt": "2"}
        lab.add("example.org/twins", "v1.0.0", {"main.go": MAIN, **twins})
        lab.add("example.org/twin", "v1.0.0", {"t.go": "package twin\n", **twins})
        lab.add("example.org/needstwin", "v1.0.0", {"main.go": importing("example.org/twin")},
                go_mod=requiring("example.org/needstwin", "example.org/twin"))
        for name in ("twins", "needstwin"):
            cases[name] = ("bad zip", None, None)
        for name in ("forth", "ownnewer"):
            lab.add("example.org/" + name, "v1.1.0", {"main.go": MAIN})
        lab.log()
        for name, kinds in (("gone", ("zip",)), ("lost", ("zip", "mod", "info"))):
            for kind in kinds:
                os.remove(lab.file("example.org/" + name, "v1.0.0", kind))
        return {"example.org/" + name: reason for name, (reason, _, _) in cases.items()}

    def check(self, toolchain, newer):
        sandbox = module_lab.sandbox_mode(self.path("probe"))
        lab = module_lab.ModuleLab(self.path("lab"))
        lab.add("example.org/code", "v1.0.0", {
            os.path.normpath(os.path.join(directory, name)): text
            for directory, (_, files) in CODE.items() for name, text in files.items()})
        wanted = {"example.org/code/" + name: reason for name, (reason, _) in CODE.items()}
        wanted.update(self.modules(lab, newer))
        if not newer:
            module_lab.give_library(self.path("cache"), module_lab.library(sandbox))
        self.build = lambda *args: self.gwtool(
            "build", *args, "--proxy", lab.proxy, *lab.log(), "--cache", self.path("cache"), "--toolchain",
            toolchain, "--sandbox", sandbox, "-o", "out/", timeout=570)
        r = self.build(*("%s@v1.0.0" % package for package in sorted(wanted)))
        self.assert_run(r, 1, out="")
        self.assertEqual(os.listdir(self.path("out")), [])
        found = {}
        for key, reason in re.findall(r"^gwtool: error: (\S+): ([^:\n]+)", r.err, re.M):
            module, rest = key.split("@v1.0.0/")
            found["/".join([module, *rest.split("/")[:-1]])] = reason
        for package, reason in sorted(wanted.items()):
            with self.subTest(package):
                self.assertEqual(found.get(package), reason, r.err)

        # What go says over several lines is one sentence.
        self.assertIn("go.mod has replace directives: The go.mod file for the module providing named packages "
                      "contains one or more replace directives. It must not contain directives that would cause "
                      "it to be interpreted differently than if it were the main module.\n", r.err)
        self.assertIn("module path mismatch: module declares its path as: example.org/other but was required as: "
                      "example.org/mismatch\n", r.err)
        self.check_targets(newer)
        return r

    def check_targets(self, newer):
        """What no module has, but the platform. The others of the call are built."""
        r = self.build("example.org/code/lib2", *("--target=" + t for t in NEED_C))
        self.assert_run(r, 1, out="")
        for target in NEED_C:
            self.assertRegex(r.err, "%s-go[^ ]+: needs cgo \\(platform\\): %s requires external" % (
                target.replace("/", "-"), target))
        self.assertEqual(r.err.count("hint: builds here have no C compiler; another --target may do"), len(NEED_C))
        with open(re.search(r"the build log: (.*)", r.err).group(1)) as f:
            self.assertIn("needs cgo (platform): android/386", f.read())

        r = self.build("example.org/code/lib2", "--target", "wasip1/wasm")
        if newer:  # Go has it since 1.21
            self.assertEqual(r.code, 0, r)
        else:
            self.assert_error(r, 1, "unsupported platform")

    def test_every_reason(self):
        self.assertIsNotNone(shutil.which("go"), "Debian's Go is not installed")
        self.check(go_lab.small_go(), newer=False)

    def test_every_reason_of_go1_26(self):
        goroot = go_lab.unpacked_go()
        if goroot is None:
            self.skipTest("no module of go1.26.8 beside the checkout")
        r = self.check(goroot, newer=True)
        self.assertIn("version constraints conflict: go: example.org/forth@v1.0.0: version constraints conflict: "
                      "example.org/forth@v1.0.0 indirectly requires example.org/forth@v1.1.0, but v1.0.0 is "
                      "requested\ngwtool: hint: only the module's author", r.err)


if __name__ == "__main__":
    cli.main()
