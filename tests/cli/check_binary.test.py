#!/usr/bin/env python3
"""gwtool check binary: programs that Debian's Go built, in files, directories and processes."""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import check_lab
import cli
import go_lab
from module_lab import ModuleLab

RELEASES = {"example.com/tool": "v1.5.0", "example.com/dep": "v0.9.0", "example.com/fork": "v1.0.0"}
MAIN = """package main

import (
	"bufio"
	"os"

	"example.com/dep"
	"example.com/gone"
)

func main() {
	dep.X()
	gone.X()
	bufio.NewReader(os.Stdin).ReadString('\\n')
}
"""


def setUpModule():
    global DIR, GO
    DIR = tempfile.mkdtemp(prefix="gwtool-lab-")
    check_lab.CheckCase.lab = check_lab.start(DIR, RELEASES)
    GO = os.path.join(DIR, "go")
    os.makedirs(os.path.join(GO, "bin"))
    build()


def tearDownModule():
    check_lab.CheckCase.lab.stop()
    shutil.rmtree(DIR, ignore_errors=True)


def run_go(*args, cwd=None, **env):
    r = cli.run(["go", *args], cwd=cwd or DIR, timeout=300, env=go_lab.environment(
        GO111MODULE="on", GOPATH=os.path.join(DIR, "gopath"), GOBIN=os.path.join(GO, "bin"),
        GOFLAGS="-mod=mod -modcacherw", GONOSUMDB="*", **env))
    assert r.code == 0, r
    return r.out


def build():
    """bin/tool with a version, and bin/local of a directory, with a replaced dependency."""
    lab = ModuleLab(os.path.join(DIR, "modules"))
    for module in ("dep", "gone", "fork"):
        lab.add("example.com/" + module, "v0.8.0",
                {"x.go": "package %s\n\nfunc X() {}\n" % ("gone" if module == "fork" else module)},
                go_mod="module example.com/%s\n\ngo 1.18\n" % ("gone" if module == "fork" else module))
    require = "require (\n\texample.com/dep v0.8.0\n\texample.com/gone v0.8.0\n)\n"
    lab.add("example.com/tool", "v1.4.0", {"main.go": MAIN},
            go_mod="module example.com/tool\n\ngo 1.18\n\n" + require)
    run_go("install", "example.com/tool@v1.4.0", GOPROXY=lab.proxy)
    local = os.path.join(DIR, "local")
    os.mkdir(local)
    with open(os.path.join(local, "go.mod"), "w") as f:
        f.write("module example.com/local\n\ngo 1.18\n\n%s\n"
                "replace example.com/gone => example.com/fork v0.8.0\n" % require)
    with open(os.path.join(local, "main.go"), "w") as f:
        f.write(MAIN)
    run_go("build", "-o", os.path.join(GO, "bin", "local"), ".", cwd=local, GOPROXY=lab.proxy)


class Binary(check_lab.CheckCase):
    def setUp(self):
        super().setUp()
        shutil.copytree(os.path.join(GO, "bin"), self.path("bin"))
        self.tool, self.local = self.path("bin", "tool"), self.path("bin", "local")

    def toolchain(self, *places):
        return check_lab.line("toolchain", check_lab.TOOLCHAIN, *places)

    def test_a_program(self):
        out = check_lab.line("example.com/tool", "v1.5.0", "bin/tool") + self.toolchain("bin/tool")
        self.assert_run(self.check("binary", "bin/tool"), 100, out=out, err="")
        r = self.check("binary", "bin/tool", "-v")
        self.assert_run(r, 100, err_has="bin/tool: module example.com/tool v1.4.0, 1 module looked at, "
                                        "2 left out, go1.")
        self.assertRegex(r.out, r"^example.com/tool v1\.4\.0 -> v1\.5\.0 ")
        # from a directory there is no version
        r = self.check("binary", "bin/local")
        self.assert_run(r, 100, out=self.toolchain("bin/local"), err="")
        r = self.check("binary", "bin/local", "-v")
        self.assert_run(r, 100, err_has="example.com/local: built from a directory")

    def test_dependencies(self):
        r = self.check("binary", "--deps", "bin/tool", "bin/local")
        self.assert_run(r, 1, err_has="example.com/gone: no release known")
        self.assertEqual(r.out, check_lab.line("example.com/tool", "v1.5.0", "bin/tool") +
                         check_lab.line("example.com/dep", "v0.9.0", "bin/tool", "bin/local") +
                         check_lab.line("example.com/fork", "v1.0.0", "bin/local") +
                         self.toolchain("bin/tool", "bin/local"))
        r = self.check("binary", "--deps", "bin/local", "-v")
        self.assert_run(r, 100, err_has=["example.com/gone v0.8.0: replaced by example.com/fork v0.8.0",
                                         "3 modules looked at, 1 replaced"])

    def test_as_the_go_command_reads_them(self):
        listed = run_go("version", "-m", self.tool)
        deps = set(re.findall(r"(?m)^\t(?:mod|dep)\t(\S+)\t(\S+)", listed))
        r = self.check("binary", "--deps", self.tool, "--json")
        own = {(x["name"], x["known"]) for x in r.json["results"] if x["kind"] == "module"}
        self.assertEqual(own, deps)
        self.assertEqual(r.json["files"][0]["go"], listed.split("\n")[0].split(": ")[1])

    def test_a_directory(self):
        os.makedirs(self.path("bin", "deeper"))
        shutil.copy(self.local, self.path("bin", "deeper", "again"))
        os.symlink("tool", self.path("bin", "link"))           # the same file
        os.symlink("..", self.path("bin", "up"))               # no file
        os.symlink("missing", self.path("bin", "broken"))
        os.mkfifo(self.path("bin", "pipe"))
        self.file("bin/script", "#!/bin/sh\n", mode=0o755)
        with open(self.tool, "rb") as f:
            program = f.read()
        self.file("bin/not-executable", program, mode=0o644)
        self.file("bin/cut", program[:len(program) // 2], mode=0o755)
        r = self.check("binary", "bin", "--json", timeout=15)
        self.assert_run(r, 100, err="")
        programs = [x["file"] for x in r.json["files"] if x["kind"] == "program"]
        self.assertLessEqual({"bin/deeper/again", "bin/local"}, set(programs))
        about = [x for x in r.json["files"] if x["kind"] == "directory"]
        self.assertEqual([(x["file"], x["programs"], x["errors"]) for x in about], [("bin", 3, [])])
        self.assertEqual(len(programs), 3)
        r = self.check("binary", "bin", "-v")
        self.assert_run(r, 100, err_has="bin: 3 programs of Go among ")

    def test_running(self):
        read_end, write_end = os.pipe()
        p = subprocess.Popen([self.tool], stdin=read_end)
        self.addCleanup(p.wait)
        self.addCleanup(os.close, write_end)
        os.close(read_end)
        cli.wait_until(lambda: os.path.realpath("/proc/%d/exe" % p.pid) == os.path.realpath(self.tool))
        r = self.check("binary", "--running", "--json")
        self.assertIn(r.code, (0, 1, 100), r)
        files = {x["file"]: x for x in r.json["files"]}
        real = os.path.realpath(self.tool)
        self.assertEqual(files[real]["version"], "v1.4.0")
        self.assertGreater(files["/proc"]["among"], 0)
        # replaced since: what runs is looked at
        os.unlink(self.tool)
        r = self.check("binary", "--running", "--json")
        files = {x["file"]: x for x in r.json["files"]}
        self.assertEqual(files[real + " (deleted)"]["version"], "v1.4.0")

    def test_what_is_no_program(self):
        good = check_lab.line("example.com/tool", "v1.5.0", "bin/tool") + self.toolchain("bin/tool")
        with open(self.tool, "rb") as f:
            program = f.read()
        at = program.index(b"\xff Go buildinf:")
        damaged = program[:at + 32] + b"\xff" * 11 + program[at + 43:]
        self.file("damaged", damaged, mode=0o755)
        os.mkfifo(self.path("pipe"))
        for name, code, text in (("none", 1, "none: no such file"), ("/bin/true", 1, "/bin/true: no Go"),
                                 ("damaged", 1, "damaged: "), ("pipe", 2, "pipe: not a regular file"),
                                 (self.file("text", "hello\n"), 1, "text: ")):
            with self.subTest(name):
                r = self.check("binary", name, "bin/tool", timeout=15)
                self.assert_run(r, code, out=good, err_has=["gwtool: error: ", text])
        self.assert_error(self.check("binary"), 2, "no program is named", "--running")

    def test_cron_is_told_once(self):
        args = ("binary", "--deps", "bin/local", "--state", self.path("state"))
        r = self.check(*args)
        self.assertEqual((r.code, len(r.lines)), (100, 3), r)
        self.assert_run(self.check(*args), 0, out="", err="")

    def test_hostile_programs(self):
        # as many modules as there is room for, in many programs that name the same ones
        with open(self.tool, "rb") as f:
            program = f.read()
        at = program.index(b"\xff Go buildinf:") + 32
        text = "path\tx\nmod\tx\t(devel)\t\n" + "".join("dep\tx%d\tv1\th1:x\n" % i for i in range(60000))
        frame = "0" * 16 + text + "0" * 16

        def varint(n):
            out = b""
            while n >= 128:
                out += bytes([n & 127 | 128])
                n >>= 7
            return out + bytes([n])
        info = b"\x08go1.26.8" + varint(len(frame)) + frame.encode()
        self.assertLess(len(info), 4 << 20)
        os.makedirs(self.path("many"))
        elf = tiny_elf(program[at - 32:at - 32 + 32], info)
        for i in range(5):
            self.file("many/%d" % i, elf, mode=0o755)
        r = self.check("binary", "--deps", "many/1", timeout=30)
        self.assert_run(r, 2, err_has="more than 50000 modules in one call")
        r = self.check("binary", "many", "--json", timeout=30)
        self.assert_run(r, 100)
        self.assertEqual(r.json["results"][-1]["places"][0], {"file": "many/0", "line": None})


def tiny_elf(header, info):
    """A 64-bit ELF file with one writable segment: a build information header and what follows it."""
    data = header + info
    offset = 4096
    elf = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01".ljust(16, b"\0"), 2, 62, 1, 0x400000,
                      64, 0, 0, 64, 56, 1, 0, 0, 0)
    elf += struct.pack("<IIQQQQQQ", 1, 6, offset, 0x400000, 0x400000, len(data), len(data), 4096)
    return elf.ljust(offset, b"\0") + data


if __name__ == "__main__":
    cli.main()
