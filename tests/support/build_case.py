"""gwtool build with Debian's Go, and a module of our own in a checksum database of our own."""

import base64
import hashlib
import os
import shutil

import cli
import go_lab
import module_lab

MODULE, VERSION = "example.org/Hello", "v0.1.0"
MAIN = 'package main\n\nfunc main() { println("hello") }\n'
GO_MOD = "module example.org/Hello\n\ngo 1.18\n\nrequire example.org/dep v1.0.0\n"
ORDINARY = 61234  # nobody's number


def sum_of(path):
    with open(path, "rb") as f:
        digest = hashlib.sha256(f.read()).digest()
    return "0" + base64.urlsafe_b64encode(digest[:20]).decode().rstrip("=")


class BuildTestCase(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.assertIsNotNone(shutil.which("go"), "Debian's Go is not installed")
        self.lab = module_lab.ModuleLab(self.path("lab"))
        self.lab.add(MODULE, VERSION, {
            "main.go": MAIN,
            "cmd/dep/main.go": 'package main\n\nimport _ "example.org/dep/p"\n\nfunc main() {}\n',
            "lib/a.go": "package lib\n",
            "broken/main.go": "package main\n\nfunc main() { nothing() }\n",
        }, go_mod=GO_MOD)
        self.lab.add("example.org/dep", "v1.0.0", {"p/a.go": "package p\n"})
        self.sandbox = module_lab.sandbox_mode(self.path("probe"))
        self.toolchain = go_lab.small_go()

    def build(self, *args, cache="cache", proxy=None, log=None, sandbox=None, cold=False, **kwargs):
        """cold: with the standard library to compile."""
        kwargs.setdefault("timeout", 280)
        if not cold and not os.path.exists(self.path(cache, "std")):
            module_lab.give_library(self.path(cache), module_lab.library(self.sandbox))
        return self.gwtool("build", *args, "--proxy", proxy or self.lab.proxy,
                           *(log or self.lab.log()), "--cache", self.path(cache), "--toolchain",
                           self.toolchain, "--sandbox", sandbox or self.sandbox, **kwargs)

    def assert_clean(self, cache="cache"):
        """Nothing is left of any call."""
        work = self.path(cache, "work")
        self.assertEqual(os.listdir(work) if os.path.isdir(work) else [], [])
