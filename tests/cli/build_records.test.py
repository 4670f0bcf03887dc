"""gwtool build beside real records: filippo.io/age and golang.org/x/example/hello with go1.26.8, from
captured parts of a module proxy and of sum.golang.org, have the sizes and sums that another
builder logged for them elsewhere, whatever the directory, user, day and language.

The data is not part of this tree (shared/data beside the checkout, or GW_SHARED_DATA); without it
Debian's Go builds a module of our own, in two places, and the sums are compared with each other."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import go_lab
import http_fixture
import module_lab

PROXY, LOG = go_lab.shared_data("goproxy"), go_lab.shared_data("sumdb")
TOOLCHAIN = "golang.org/toolchain/@v/v0.0.1-go1.26.8.linux-amd64.zip"


def records():
    """(key of a build, size, sum) of each record."""
    with open(os.path.join(PROXY, "records.txt")) as f:
        for line in f:
            module, version, directory, goos, goarch, go, size, total, variant = line[:-1].split(" ")
            yield (module, version, directory, goos, goarch, go, variant), int(size), total


class Records(cli.TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.mode = module_lab.sandbox_mode(self.path("probe"))
        self.sandbox = ["--sandbox", self.mode]

    def test_real_records(self):
        if PROXY is None or LOG is None:
            print("not tried: real records, as shared/data is not beside the checkout",
                  file=sys.stderr)
            return self.without_data()
        with http_fixture.HttpFixture({"/proxy": PROXY, "/log": LOG}) as web:
            self.web = web
            compiled = []

            def make(work):
                """From nothing; other tests need not do so."""
                self.compare_all()
                compiled.append(True)
                name = "go1.26.8-linux-amd64"
                shutil.copytree(self.path("cache", "std", name), os.path.join(work, "std", name))
                return os.path.join(work, "std")
            module_lab.real_library(self.mode, make)
            if not compiled:
                self.compare_all()
            # One cache: the toolchain was fetched once, and from then on only looked at.
            self.assertEqual(web.count("/proxy/" + TOOLCHAIN), 1)
            self.warm()
            self.edited_library()
            self.edited_toolchain()

    def build(self, *args, **kwargs):
        return self.gwtool("build", "--proxy", self.web.url + "/proxy", "--source",
                           self.web.url + "/log", "--go", "go1.26.8", "--cache", self.path("cache"),
                           *self.sandbox, *args, timeout=570, **kwargs)

    def compare_all(self):
        calls = {}
        for (module, version, directory, goos, goarch, _, variant), size, total in records():
            package = "%s%s@%s" % (module, directory.rstrip("/"), version)
            calls.setdefault((package, variant), []).append((goos + "/" + goarch, size, total))
        for number, ((package, variant), wanted) in enumerate(sorted(calls.items())):
            where = self.path("place \u00fc %d" % number)
            os.makedirs(where)
            env = cli.clean_env(TZ="Asia/Tokyo" if number else "America/Lima", GOFLAGS="-race",
                                LC_ALL="C" if number else "de_DE.UTF-8", GOAMD64="v3")
            args = [a for t, _, _ in wanted for a in ("--target", t)]
            args += ["--stripped"] if variant else []
            r = self.build(package, *args, "-o", where, env=env, cwd=where)
            self.assert_run(r, 0, err="")
            self.assertEqual([line.split(" ")[:2] for line in r.lines],
                             [[total, str(size)] for _, size, total in wanted], package)

    def warm(self):
        """With the standard library kept the same, and quicker."""
        package = "golang.org/x/example/hello@v0.0.0-20250915201037-7f05d217867b"
        r = self.build(package, "-o", self.path("warm"))
        self.assert_run(r, 0)
        total = [t for (m, *_), _, t in records() if m == "golang.org/x/example/hello"]
        self.assertEqual([r.out.split(" ")[0]], total)
        # Nothing was compiled again, of the standard library or of the module: it was linked.
        with open(self.path("cache", "logs", package, "linux-amd64-go1.26.8.log")) as f:
            log = f.read()
        self.assertRegex(log, r"(?m)/link -o ")
        self.assertNotIn(" -p golang.org/x/example/hello/reverse ", log)
        self.assertNotIn(" -p fmt ", log)

    def edited_library(self):
        kept = self.path("cache", "std", "go1.26.8-linux-amd64")
        name = os.path.join(kept, "pack-0")
        with open(name, "rb") as f:
            good = f.read()
        with open(name, "r+b") as f:
            f.seek(len(good) // 2)
            f.write(bytes([good[len(good) // 2] ^ 1]))
        r = self.build("golang.org/x/example/hello@v0.0.0-20250915201037-7f05d217867b", "-o", "x")
        self.assert_error(r, 4, "was changed since it was kept", "remove ")
        self.assert_missing(self.path("x"))
        with open(name, "wb") as f:
            f.write(good)

    def edited_toolchain(self):
        compiler = self.path("cache", "toolchains", "go1.26.8.linux-amd64", "pkg", "tool",
                             "linux_amd64", "compile")
        with open(compiler, "r+b") as f:
            f.seek(1_000_000)
            byte = f.read(1)
            f.seek(1_000_000)
            f.write(bytes([byte[0] ^ 1]))
        r = self.build("golang.org/x/example/hello@v0.0.0-20250915201037-7f05d217867b", "-o", "x")
        self.assert_error(r, 4, "was changed since it was verified")
        self.assert_missing(self.path("x"))

    def without_data(self):
        self.assertIsNotNone(shutil.which("go"), "Debian's Go is not installed")
        lab = module_lab.ModuleLab(self.path("lab"))
        lab.add("example.org/hello", "v0.1.0", {"main.go": 'package main\n\nfunc main() { println("hello") }\n'})
        sums = []
        for place in ("a", "b \u00fc"):
            r = self.gwtool("build", "example.org/hello@v0.1.0", "--proxy", lab.proxy, *lab.log(),
                            "--toolchain", "local", "--cache", self.path(place, "cache"), "-o",
                            self.path(place, "bin/"), *self.sandbox, timeout=280)
            self.assert_run(r, 0, err="")
            sums.append(r.out.split()[0])
        self.assertEqual(sums[0], sums[1])


if __name__ == "__main__":
    cli.main()
