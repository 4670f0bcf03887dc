"""gwtool build with Debian's Go and modules of our own, in a checksum database of our own."""

import json
import os
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import http_fixture
import module_lab
from build_case import MAIN, MODULE, VERSION, BuildTestCase, sum_of


class Build(BuildTestCase):
    # ---- what is built ----

    def test_progress_on_a_terminal(self):
        code, text = cli.on_terminal(
            [cli.GWTOOL, "build", MODULE + "/lib", "--proxy", self.lab.proxy, *self.lab.log(), "--cache",
             self.path("cache"), "--toolchain", self.toolchain, "--sandbox", self.sandbox])
        self.assertEqual(code, 1, text)
        for part in ("resolving " + MODULE, "fetched " + MODULE, "fetching what"):
            self.assertRegex(text, r"\r\x1b\[K\d:\d\d " + part)
        self.assertIn("\r\x1b[Kgwtool: ", text)

    def compile_on_terminal(self):
        """It shows which package is compiled."""
        args = [cli.GWTOOL, "build", MODULE, "--proxy", self.lab.proxy, *self.lab.log(), "--cache",
                self.path("cache"), "--toolchain", self.toolchain, "--sandbox", self.sandbox, "-o",
                self.path("out")]
        code, text = cli.on_terminal(args)
        self.assertEqual(code, 0, text)
        shown = re.findall(r"\r\x1b\[K(\d+):(\d\d) ([^\r]*)", text)
        lines = [line for _, _, line in shown]
        for pattern in (r"compiling the standard library for \w+/\w+: \d\d+ packages$",
                        r"compiling the standard library for \w+/\w+: \d+ of \d\d+, runtime$",
                        r"compiling %s for \w+/\w+: 1 of 1, %s$" % (MODULE, MODULE),
                        r"linking %s for \w+/\w+$" % MODULE):
            self.assertTrue([x for x in lines if re.match(pattern, x)], (pattern, lines))
        for done, known in re.findall(r": (\d+) of (\d+), ", "\n".join(lines)):
            self.assertLessEqual(int(done), int(known))
        # The time in front runs on.
        times = [int(m) * 60 + int(s) for m, s, _ in shown]
        self.assertEqual(times, sorted(times))
        # The result has its line for itself.
        self.assertRegex(text, r"\r\x1b\[K0\S{27} \d+ %s\r\n$" % re.escape(self.path("out")))

    def test_progress_fits_a_narrow_terminal(self):
        code, text = cli.on_terminal(
            [cli.GWTOOL, "build", MODULE + "/lib", "--proxy", self.lab.proxy, *self.lab.log(), "--cache",
             self.path("cache"), "--toolchain", self.toolchain, "--sandbox", self.sandbox], columns=20)
        self.assertEqual(code, 1, text)
        lines = re.findall(r"\x1b\[K(\d+:[^\r]*)", text)
        self.assertTrue(lines, text)
        self.assertEqual([x for x in lines if len(x) > 19], [])
        self.assertTrue([x for x in lines if re.fullmatch(r"\d:\d\d resolving exam", x)], lines)

    def test_progress_of_a_large_download(self):
        self.lab.add("example.org/large", "v1.0.0", {"main.go": MAIN, "data": os.urandom(3_000_000).hex()})
        with http_fixture.HttpFixture({"/proxy": self.lab.proxy_dir}) as web:
            code, text = cli.on_terminal(
                [cli.GWTOOL, "build", "example.org/large/none@v1.0.0", "--proxy", web.url + "/proxy",
                 *self.lab.log(), "--cache", self.path("cache"), "--toolchain", self.toolchain, "--sandbox",
                 self.sandbox])
        self.assertEqual(code, 1, text)
        self.assertRegex(text, r"\x1b\[K0:\d\d fetching example.org/large: \d+ of \d+ kB")

    def test_several_targets_and_packages_of_a_module_share_a_call(self):
        r = self.build(MODULE, MODULE + "/cmd/dep", "--target", "linux/amd64", "--target",
                       "windows/amd64", "--stripped", "-o", "dist/")
        self.assert_run(r, 0)
        self.assertEqual([line.split()[2].split("-go1")[0] for line in r.lines],
                         ["dist/Hello-v0.1.0-linux-amd64", "dist/Hello-v0.1.0-windows-amd64",
                          "dist/dep-v0.1.0-linux-amd64", "dist/dep-v0.1.0-windows-amd64"])
        for line in r.lines:
            total, size, name = line.split()
            self.assertEqual(sum_of(self.path(name)), total)
        self.assertTrue(r.lines[1].endswith("-stripped.exe"))

    def test_a_kernel_that_refuses_namespaces(self):
        """As most containers do: nothing is built in silence with less than was asked for."""
        rest = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
        script = 'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv "$@"'
        if cli.run(["unshare", "-Ur", "sh", "-c", script, "sh", *rest, "true"]).code != 0:
            print("not tried: refused namespaces, as none can be made to refuse in", file=sys.stderr)
            return
        log = self.lab.log()
        module_lab.give_library(self.path("cache"), module_lab.library(self.sandbox))

        def build(mode):
            return cli.run(["unshare", "-Ur", "sh", "-c", script, "sh", *rest, cli.GWTOOL, "build",
                            MODULE, "--proxy", self.lab.proxy, *log, "--cache", self.path("cache"),
                            "--toolchain", self.toolchain, "--sandbox", mode, "-o", self.path("x")],
                           timeout=280)
        self.assert_error(build("full"), 2, "the kernel refuses parts of the sandbox",
                          "user namespace: clone: ", "network namespace", "--sandbox partial")
        self.assert_missing(self.path("x"))
        r = build("partial")
        self.assert_run(r, 0, err_has="warning: the sandbox lacks user namespace: clone: ")
        self.assertEqual(sum_of(self.path("x")), r.out.split()[0])
        self.assertNotIn("landlock", r.err)
        self.assertNotIn("seccomp", r.err)

    # ---- what is not ----

    def test_what_cannot_be_built_says_why_and_leaves_nothing(self):
        self.lab.add("example.org/untidy", "v1.0.0", {
            "main.go": 'package main\n\nimport _ "example.org/dep/p"\n\nfunc main() {}\n'})
        self.lab.add("example.org/newer", "v1.0.0", {"main.go": MAIN},
                     go_mod="module example.org/other\n")
        self.lab.add("example.org/outside", "v1.0.0", {
            "main.go": "package main\n\nfunc f()\n\nfunc main() { f() }\n",
            "f_amd64.s": '# include /* */ "/etc/passwd"\nTEXT \u00b7f(SB), 4, $0\n\tRET\n'})
        cases = {"example.org/outside": "assembler: example.org/outside@v1.0.0/f_amd64.s includes",
                 MODULE + "/lib": "not a main package: package example.org/Hello/lib is not a main",
                 "example.org/untidy": "go.mod is not tidy",
                 "example.org/newer": "module path mismatch",
                 MODULE + "/broken": "undefined",
                 MODULE + "/none": "has no such package",
                 "example.org/unknown": "no such file or directory"}
        for package, text in cases.items():
            with self.subTest(package):
                r = self.build(package, "-o", self.path("x"))
                self.assert_error(r, 1, text)
                self.assertFalse(os.path.exists(self.path("x")))
                self.assert_clean()
        # The log has all of it, and the others go on.
        r = self.build(MODULE + "/lib", MODULE, "-o", "dist/")
        self.assert_run(r, 1, err_has=["not a main package", "the build log: "])
        self.assertEqual(len(r.lines), 1)
        log = r.err.split("the build log: ")[1].splitlines()[0]
        with open(log) as f:
            self.assertIn("package example.org/Hello/lib is not a main package", f.read())

    def test_an_untidy_module_is_refused_on_every_day(self):
        self.lab.add("example.org/untidy", "v1.0.0", {
            "main.go": 'package main\n\nimport _ "example.org/dep/p"\n\nfunc main() {}\n'})
        for version in ("v1.0.0", "v1.1.0"):
            if version != "v1.0.0":
                self.lab.add("example.org/dep", version, {"p/a.go": "package p\n\nvar X = 1\n"})
            r = self.build("example.org/untidy@v1.0.0", cache="cache" + version)
            self.assert_error(r, 1, "go.mod is not tidy: the build would depend on the day")

    def test_a_directory_that_is_another_module_is_built_as_that_module(self):
        self.lab.add(MODULE + "/cmd/dep", "v0.2.0", {"main.go": MAIN})
        r = self.build("--json", MODULE + "/cmd/dep", "-o", "x")
        self.assert_run(r, 0)
        self.assertEqual((r.json["module"], r.json["dir"], r.json["version"]),
                         (MODULE + "/cmd/dep", "/", "v0.2.0"))
        # Without that version it is the package that it was.
        r = self.build("--json", MODULE + "/cmd/dep@" + VERSION, "-o", "x")
        self.assert_run(r, 0)
        self.assertEqual((r.json["module"], r.json["dir"]), (MODULE, "/cmd/dep"))

    def test_what_a_module_takes_too_much_of_is_told(self):
        """A compiler that a source keeps busy, and one that it makes hold a lot."""
        deep = "".join("type T%d struct{ a, b [2]T%d }\n" % (n, n - 1) for n in range(1, 30))
        self.lab.add("example.org/bomb", "v1.0.0", {
            "memory/main.go": "package main\n\nvar x = [...]string{1 << 25: \"a\"}\n\n"
                              "func main() { println(len(x)) }\n",
            "data/main.go": "package main\n\ntype T0 int\n\n%s\nvar x T29\n\n"
                            "func main() { println(&x) }\n" % deep})
        r = self.build("example.org/bomb/memory", "--max-memory", "150", "-o", "x")
        # By our count of it, or by the compiler's own word.
        self.assert_error(r, 1, "too much memory: ", "--max-memory")
        r = self.build("example.org/bomb/data", "-o", "x", "--max-time", "240s")
        self.assert_error(r, 1, "the build log: ")
        r = self.build(MODULE, "--max-time", "1s", "-o", "x", cold=True, cache="cold")
        self.assert_error(r, 1, "too much time: the build used more than 1 seconds")
        self.assert_missing(self.path("x"))
        self.assert_clean()

    def test_a_cache_is_kept_small_and_what_is_not_there_is_made_anew(self):
        self.assert_run(self.build(MODULE + "/cmd/dep", "-o", "x"), 0)
        kept = self.path("cache", "download", "example.org", "dep", "@v", "v1.0.0.zip")
        self.assertTrue(os.path.exists(kept))
        # What was used last is the last to go; all of it fits into nothing.
        r = self.build(MODULE + "/cmd/dep", "-o", "x", "--cache-size", "1000")
        self.assert_run(r, 0)
        self.assertTrue(os.path.exists(kept))
        self.assert_run(self.build(MODULE + "/cmd/dep", "-o", "x", "--cache-size", "0"), 0)
        self.assertFalse(os.path.exists(kept))
        # And it works again, with Go's library compiled and modules from the proxy.
        self.compile_on_terminal()
        self.assert_run(self.build(MODULE + "/cmd/dep", "-o", "x"), 0)
        self.assertTrue(os.path.exists(kept))

    def test_go_versions_that_are_not_trusted_yet(self):
        r = self.build(MODULE, "--go-stop-before", "go1.13", "-o", "x")
        self.assert_error(r, 2, "is not before go1.13", "--go-stop-before")
        self.assert_missing(self.path("x"))
        self.assert_error(self.build(MODULE, "--go-stop-before", "1.13"), 2, "no Go version")
        self.assert_error(self.build(MODULE, "--go", "go1.26.latest"), 2,
                          "a question to a module proxy")
        r = self.build(MODULE + "/lib", "--go-stop-before", "go1.999")
        self.assert_error(r, 1, "not a main package")

    def test_wrong_command_lines(self):
        os.mkfifo(self.path("pipe"))
        for args, text in (((MODULE, "--target", "linux/vax"), "linux/vax"),
                           ((MODULE, "--go", "go1.22"), "go1.22"),
                           ((MODULE, "--go", "go1.99.9"), "not go1.99.9"),
                           (("hello",), "no module"),
                           ((MODULE + "@>v1",), "no version to build"),
                           ((MODULE, "-o", "no/x"), "no directory"),
                           ((MODULE, "-o", "pipe"), "pipe: exists, and is no file"),
                           (("Example.org/hello",), "invalid character"),
                           ((MODULE, "--target", "all", "-o", "x"), "one file for 42 binaries")):
            with self.subTest(args=args):
                self.assert_error(self.build(*args), 2, text)
        self.assert_error(self.build(MODULE, proxy="ftp://x"), 2, "only https, http and file URLs")

    # ---- what is not believed ----

    def swap(self, kind, module="example.org/dep", version="v1.0.0", more=None):
        """A module proxy that has another file than the one that is in the log; its bytes."""
        with open(self.lab.file(module, version, kind), "rb") as f:
            good = f.read()
        evil = module_lab.ModuleLab(self.path("evil"))
        evil.add(module, version, {"p/a.go": "package p\n\nfunc init() { println() }\n", **(more or {})},
                 go_mod="module %s\n\ngo 1.17\n" % module)
        shutil.copy(evil.file(module, version, kind), self.lab.file(module, version, kind))
        shutil.rmtree(evil.directory)
        return good

    def test_a_proxy_that_changes_a_file_is_found(self):
        twins = {"a.txt": "", "A.txt": ""}  # that the zip is a bad one, too, is no excuse
        for kind, module, version, more in (
                ("zip", "example.org/dep", "v1.0.0", None), ("mod", MODULE, VERSION, None),
                ("zip", MODULE, VERSION, None), ("zip", MODULE, VERSION, twins)):
            with self.subTest(kind + " of " + module, more=more):
                good = self.swap(kind, module, version, more)
                r = self.build(MODULE + "/cmd/dep", "-o", self.path("x"), cache="evil")
                self.assert_error(r, 4, "%s@%s" % (module, version))
                self.assert_missing(self.path("x"), self.path(
                    "evil", "download", module_lab.escape(module), "@v", "%s.%s" % (version, kind)))
                with open(self.lab.file(module, version, kind), "wb") as f:
                    f.write(good)
                shutil.rmtree(self.path("evil"))

    def test_a_cache_that_was_edited_is_found(self):
        self.assert_run(self.build(MODULE + "/cmd/dep", "-o", "x"), 0)
        for kind, module in (("zip", "example.org/dep@v1.0.0"), ("mod", MODULE + "@" + VERSION)):
            kept = self.path("cache", "download", module_lab.escape(module).replace("@", "/@v/") +
                             "." + kind)
            with open(kept, "rb") as f:
                good = f.read()
            with open(kept, "wb") as f:
                f.write(good.replace(b"example.org", b"example.com"))
            with self.subTest(kind):
                r = self.build(MODULE + "/cmd/dep", "-o", "y")
                self.assert_error(r, 4, "was changed since it was verified", kept)
                self.assert_missing(self.path("y"))
            with open(kept, "wb") as f:
                f.write(good)

    def test_a_module_that_the_log_does_not_know_is_not_built(self):
        log = self.lab.log()
        self.lab.add("example.org/new", "v1.0.0", {"main.go": MAIN})
        r = self.build("example.org/new@v1.0.0", log=log)
        self.assert_error(r, 1, "the checksum database has no record of it")

    def test_a_log_that_tells_another_history_than_the_last_time_is_found(self):
        self.assert_error(self.build(MODULE + "/lib"), 1, "not a main package")
        other = module_lab.ModuleLab(self.path("other"))  # signs with the same key
        for version in ("v1.0.0", "v1.1.0", "v1.2.0"):
            other.add("example.org/new", version, {"main.go": MAIN})
        r = self.build("example.org/new", "-o", self.path("x"), proxy=other.proxy, log=other.log())
        self.assert_error(r, 4, "told two histories", "evidence: ")
        evidence = r.err.split("evidence: ")[1].splitlines()[0]
        with open(evidence) as f:
            self.assertEqual(json.load(f)["kind"], "fork")
        self.assert_missing(self.path("x"))

    # ---- over a network ----

    def test_over_http_with_trouble(self):
        log = self.lab.log()
        with http_fixture.HttpFixture({"/proxy": self.lab.proxy_dir, "/log": self.lab.source}) as web:
            log = ["--log-key", self.lab.key, "--source", web.url + "/log"]
            proxy = web.url + "/proxy"
            web.rule("/proxy/example.org/dep/@v/*.zip", status=503, times=1)
            r = self.build(MODULE + "/cmd/dep", "-o", "x", proxy=proxy, log=log)
            self.assert_error(r, 3, "503")
            self.assert_missing(self.path("x"))
            r = self.build(MODULE + "/cmd/dep", "-o", "x", proxy=proxy, log=log)
            self.assert_run(r, 0)
            # What is in the cache is not asked for again.
            before = len(web.requests)
            self.assert_run(self.build(MODULE + "@" + VERSION, "-o", "y", proxy=proxy, log=log), 0)
            self.assertEqual(len(web.requests), before)
        # The log is out of reach: what it said is kept.
        self.assert_run(self.build(MODULE + "@" + VERSION, "-o", "z", log=log), 0)
        self.assert_error(self.build(MODULE + "@" + VERSION, log=log, cache="new"), 3)

    def test_interrupted(self):
        web = http_fixture.HttpFixture({"/proxy": self.lab.proxy_dir})
        with web:
            web.rule("*.zip", stall=1)
            p = self.background([cli.GWTOOL, "build", MODULE + "@" + VERSION, "--proxy",
                                 web.url + "/proxy", *self.lab.log(), "--cache", self.path("cache"),
                                 "--toolchain", self.toolchain, "--sandbox", self.sandbox])
            cli.wait_until(lambda: web.count("*.zip"), what="the zip to be asked for")
            self.assertEqual(p.stop(signal.SIGINT), 130)
        self.assertEqual(p.out, "")
        self.assert_clean()


if __name__ == "__main__":
    cli.main()
