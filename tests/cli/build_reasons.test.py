"""Each reason why gwtool build cannot build something, made by a small module that has it, with
Debian's Go: where it prints other texts than newer versions, the reason is the same."""

import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
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


class Reasons(cli.TestCase):
    def modules(self, lab):
        """Modules of their own: what their go.mod, or that of others, says. Module -> reason."""
        for dep in ("dep", "gone"):
            lab.add("example.org/" + dep, "v1.0.0", {"d.go": "package %s\n" % dep,
                                                     "internal/x/x.go": "package x\n"})
        lab.add("example.org/newdep", "v1.0.0", {"d.go": "package newdep\n\nvar x = y\n"},
                go_mod=requiring("example.org/newdep", go="1.99"))
        cases = {
            "mismatch": ("module path mismatch", MAIN, requiring("example.org/other")),
            "untidy": ("go.mod is not tidy", importing("example.org/dep"), None),
            "bare": ("go.mod is not tidy", importing("example.org/dep"), ""),
            "replace": ("go.mod has replace directives", MAIN, requiring(
                "example.org/replace", more="replace example.org/dep => ../x\n")),
            "exclude": ("go.mod has exclude directives", MAIN, requiring(
                "example.org/exclude", more="exclude example.org/dep v1.0.0\n")),
            "broken": ("go.mod broken", MAIN, requiring("example.org/broken", more="foo bar\n")),
            "internal": ("package structure", importing("example.org/dep/internal/x"),
                         requiring("example.org/internal", "example.org/dep")),
            "missing": ("dependency gone", importing("example.org/gone"),
                        requiring("example.org/missing", "example.org/gone")),
            "newer": ("requires newer go", "package main\n\nfunc main() { x }\n",
                      requiring("example.org/newer", go="1.99")),
        }
        for name, (_, main, go_mod) in cases.items():
            lab.add("example.org/" + name, "v1.0.0", {"main.go": main}, go_mod=go_mod)
        lab.log()
        os.remove(lab.file("example.org/gone", "v1.0.0", "zip"))
        return {"example.org/" + name: reason for name, (reason, _, _) in cases.items()}

    def test_every_reason(self):
        self.assertIsNotNone(shutil.which("go"), "Debian's Go is not installed")
        sandbox = module_lab.sandbox_mode(self.path("probe"))
        lab = module_lab.ModuleLab(self.path("lab"))
        lab.add("example.org/code", "v1.0.0", {
            os.path.normpath(os.path.join(directory, name)): text
            for directory, (_, files) in CODE.items() for name, text in files.items()})
        wanted = {"example.org/code/" + name: reason for name, (reason, _) in CODE.items()}
        wanted.update(self.modules(lab))
        r = self.gwtool("build", *sorted(wanted), "--proxy", lab.proxy, *lab.log(), "--cache",
                        self.path("cache"), "--toolchain", "local", "--sandbox", sandbox, "-o", "out/",
                        timeout=570)
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

        # And the platform's, which no module has.
        r = self.gwtool("build", "example.org/code/lib2", "--target", "wasip1/wasm", "--proxy", lab.proxy,
                        *lab.log(), "--cache", self.path("cache"), "--toolchain", "local", "--sandbox",
                        sandbox, "-o", "out/", timeout=280)
        if r.code != 0:  # Go has it since 1.21
            self.assert_error(r, 1, "unsupported platform")


if __name__ == "__main__":
    cli.main()
