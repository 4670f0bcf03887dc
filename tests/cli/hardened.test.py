#!/usr/bin/env python3
"""What the compiler and the linker are told to guard: in the commands of a release build, in the
libraries that deps.sh builds, and in the binary itself.

Shadow stacks and branch tracking (-fcf-protection) are not among it: they are in force only where every
part of a program was built for them, and most of Debian's static libraries are not.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli

BUILD = os.environ.get("GW_BUILD", "")


def cache_of(directory):
    """The variables of a build."""
    with open(os.path.join(directory, "CMakeCache.txt"), encoding="utf-8") as f:
        return dict(re.findall(r"^(\w+):\w+=(.*)$", f.read(), re.M))


def output_of(*args):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
                          env=cli.clean_env()).stdout.decode("utf-8", "replace")


@unittest.skipUnless(BUILD and shutil.which("readelf"), "GW_BUILD and readelf are needed")
class Hardened(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.cache = cache_of(BUILD)

    def compiled(self, *options):
        """How each source of lib/ and cmd/ would be compiled."""
        at = self.path("configured")
        args = ["cmake", "-S", cli.SOURCE, "-B", at, "-G", "Ninja", "-DBUILD_TESTING=OFF", "-DGW_UNITY=ON",
                "-DGW_DEPS_DIR=" + self.cache["GW_DEPS_DIR"],
                "-DCMAKE_CXX_COMPILER=" + self.cache["CMAKE_CXX_COMPILER"], *options]
        r = cli.run(args, timeout=120)
        self.assertEqual(r.code, 0, r)
        with open(os.path.join(at, "compile_commands.json"), encoding="utf-8") as f:
            commands = [c["command"].split() for c in json.load(f)]
        shutil.rmtree(at)
        self.assertGreater(len(commands), 15)
        return commands

    def test_a_release_is_compiled_with_all_of_it(self):
        wanted = ["-fstack-protector-strong", "-fPIE", "-D_FORTIFY_SOURCE=3", "-D_GLIBCXX_ASSERTIONS"]
        if "clang" not in self.cache["CMAKE_CXX_COMPILER"]:  # of clang 14 one needs a word of its own
            wanted += ["-fstack-clash-protection", "-ftrivial-auto-var-init=zero"]
        for command in self.compiled("-DCMAKE_BUILD_TYPE=Release"):
            for flag in wanted:
                self.assertIn(flag, command)
            self.assertIn("-O2", command)  # without it there is nothing that FORTIFY could see
            # The last word counts.
            self.assertEqual([f for f in command if "_FORTIFY_SOURCE" in f],
                             ["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3"])

    def test_a_packagers_level_is_kept(self):
        for command in self.compiled("-DCMAKE_BUILD_TYPE=Release",
                                     "-DCMAKE_CXX_FLAGS=-O2 -D_FORTIFY_SOURCE=2"):
            self.assertEqual([f for f in command if "_FORTIFY_SOURCE" in f], ["-D_FORTIFY_SOURCE=2"])
            self.assertIn("-fstack-protector-strong", command)

    def test_libcurl(self):
        """What reads the answers of strangers' servers."""
        archive = os.path.join(self.cache["GW_DEPS_DIR"], "lib", "libcurl.a")
        symbols = output_of("nm", archive)
        self.assertGreater(len(re.findall(r" U __stack_chk_fail$", symbols, re.M)), 30)
        self.assertGreater(len(re.findall(r" U __\w+_chk$", symbols, re.M)), 3)

    def test_the_binary(self):
        if self.cache.get("GW_SANITIZE"):
            self.skipTest("a sanitizer has its own")
        if os.uname().machine != "x86_64":
            self.skipTest("the instructions of another machine")
        with open(cli.GWTOOL, "rb") as f:
            code = f.read()
        # Functions that put a canary on their stack: mov %fs:0x28,%REG.
        canaries = len(re.findall(rb"\x64[\x48\x4c]\x8b[\x04\x0c\x14\x1c\x24\x2c\x34\x3c]\x25\x28\0\0\0", code))
        self.assertGreater(canaries, 5000)
        if self.cache["CMAKE_BUILD_TYPE"] == "Debug":
            return
        # Stacks that are touched page by page: orq $0,(%rsp).
        self.assertGreater(code.count(b"\x48\x83\x0c\x24\0"), 10)
        # What the functions that FORTIFY chose say, and libstdc++'s assertions. (Not assertIn: it would
        # print the binary.)
        for text in (b"buffer overflow detected", b"!this->empty()"):
            self.assertTrue(text in code, text)
        headers = output_of("readelf", "-hlW", cli.GWTOOL)
        self.assertRegex(headers, r"Type: +DYN ")  # at another address each time
        self.assertIn("GNU_RELRO", headers)
        self.assertRegex(headers, r"GNU_STACK +.* RW +0x")
        self.assertNotRegex(headers, r"LOAD .* RWE ")
        flags = output_of("readelf", "-dW", cli.GWTOOL)
        self.assertRegex(flags, r"\(FLAGS_1\) .*NOW.*PIE")
        self.assertNotIn("(NEEDED)", flags)
        if self.cache.get("GW_LINKER_PACKS_RELOCATIONS") == "1" == self.cache.get("GW_LIBC_KNOWS_PACKED_RELOCATIONS"):
            size = re.search(r"\(RELASZ\) +(\d+)", flags)
            self.assertLess(int(size.group(1)) if size else 0, 16384)  # what is left to the long form

    def test_a_thread_costs_no_large_buffer(self):
        """What is each thread's own is filled with zeros when one starts, in memory that it then has."""
        if self.cache.get("GW_SANITIZE"):
            self.skipTest("a sanitizer has its own")
        own = re.search(r"^ +TLS +(?:0x\w+ +){4}0x(\w+)", output_of("readelf", "-lW", cli.GWTOOL), re.M)
        self.assertLess(int(own.group(1), 16), 4096)


if __name__ == "__main__":
    cli.main()
