"""Build information of real programs beside `go version -m`: hello cross-compiled by Debian's Go, and
the real toolchain's own programs where they are (shared/data/goproxy).

A target costs four seconds of CPU when its runtime is compiled for the first time in a build
directory, so there is one for each format, width and byte order. GW_TEST_ALL_TARGETS=1 adds the rest.
"""

import concurrent.futures
import os
import shutil
import struct
import sys
import zipfile

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import go_lab

MODTOOL = os.path.join(cli.BUILD, "tests", "gw_modtool")
TARGETS = ["linux/amd64", "linux/386", "linux/s390x", "windows/amd64", "darwin/arm64", "aix/ppc64",
           "plan9/amd64"]
MORE_TARGETS = ["linux/arm64", "linux/mips", "linux/riscv64", "freebsd/amd64", "openbsd/386",
                "windows/386", "darwin/amd64", "solaris/amd64", "dragonfly/amd64", "plan9/386"]
# Go reads these since 1.21, and only where the data happens to lie at a multiple of 16 in the file.
NOT_READ_BY_GO = ("plan9/",)

FILES = {
    "go.mod": "module example.com/hello\ngo 1.16\nrequire example.com/dep v1.2.3\n"
              "replace example.com/dep => ./dep\n",
    "main.go": 'package main\n\nimport "example.com/dep"\n\nfunc main() { dep.Hello() }\n',
    "dep/go.mod": "module example.com/dep\n",
    "dep/dep.go": 'package dep\n\nfunc Hello() { println("hello") }\n',
}


class BuildInfo(cli.TestCase):
    def setUp(self):
        super().setUp()
        for name, text in FILES.items():
            path = self.path("hello/" + name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)

    def build(self, target, name, *flags):
        goos, goarch = target.split("/")
        r = cli.run(["go", "build", "-o", self.path(name), *flags, "."], cwd=self.path("hello"),
                    env=go_lab.environment(GOOS=goos, GOARCH=goarch, GO111MODULE="on",
                                           GOPATH=self.path("gopath")), timeout=300)
        self.assertEqual(r.code, 0, r)
        return self.path(name)

    def own(self, *paths):
        r = cli.run([MODTOOL, "buildinfo", *paths])
        self.assertEqual(r.code, 0, r)
        return r.out

    def compare(self, *paths, go="go"):
        root = cli.run(["go", "env", "GOROOT"], env=go_lab.environment()).out.strip()
        r = cli.run([go, "version", "-m", *paths], env=go_lab.environment(GOROOT=root))
        self.assertEqual(r.code, 0, r)
        # Go prints an empty line after a replacement.
        self.assertEqual(self.own(*paths), r.out.replace("\n\t\n", "\n"))

    def test_every_format(self):
        targets = TARGETS + (MORE_TARGETS if os.environ.get("GW_TEST_ALL_TARGETS") else [])
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            paths = list(pool.map(lambda t: self.build(t, t.replace("/", "-")), targets))
        self.compare(*[p for t, p in zip(targets, paths)
                       if not t.startswith(NOT_READ_BY_GO)])
        for target, path in zip(targets, paths):
            out = self.own(path)
            self.assertIn("\tpath\texample.com/hello\n", out)
            self.assertIn("\tdep\texample.com/dep\tv1.2.3\n\t=>\t./dep\t(devel)\t\n", out)
            self.assertIn("\tbuild\tGOOS=%s\n" % target.split("/")[0], out)
        thin = paths[targets.index("darwin/arm64")]
        fat = self.fat(thin)
        self.assertEqual(self.own(fat).replace(fat, thin), self.own(thin))

    def fat(self, program):
        """Go reads these since 1.21."""
        with open(program, "rb") as f:
            thin = f.read()
        fat = struct.pack(">6I", 0xcafebabe, 1, 0x0100000c, 0, 0x4000, len(thin))
        fat = (fat + struct.pack(">I", 14)).ljust(0x4000, b"\0") + thin
        with open(self.path("fat"), "wb") as f:
            f.write(fat)
        return self.path("fat")

    def test_stripped_and_odd_settings(self):
        paths = [self.build("linux/amd64", "stripped", "-ldflags=-s -w"),
                 self.build("linux/amd64", "tags", "-tags=a,b"),
                 self.build("linux/amd64", "quoted", "-gcflags=main=-e", "-ldflags=-X 'main.x=a b'"),
                 self.build("linux/amd64", "trimmed", "-trimpath")]
        self.compare(*paths)
        if shutil.which("strip"):
            cli.run(["strip", paths[3]])
            self.compare(*paths)

    def test_programs_that_are_not_gos(self):
        self.assertIn("error: no Go build information", self.own("/bin/true"))
        self.assertIn("error: not an executable file", self.own(__file__))

    def test_the_real_toolchain(self):
        archive = go_lab.shared_data(
            "goproxy/golang.org/toolchain/@v/v0.0.1-go1.26.8.linux-amd64.zip")
        if not archive:
            print("no shared/data/goproxy: the real toolchain is not looked at", file=sys.stderr)
            self.compare(shutil.which("go"))
            return
        with zipfile.ZipFile(archive) as z:
            for name in ("go", "gofmt"):
                member = "golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64/bin/" + name
                with z.open(member) as source, open(self.path(name), "wb") as f:
                    shutil.copyfileobj(source, f)
                os.chmod(self.path(name), 0o755)
        self.compare(self.path("go"), self.path("gofmt"), shutil.which("go"),
                     self.fat(self.build("darwin/arm64", "thin")), go=self.path("go"))


if __name__ == "__main__":
    cli.main()
