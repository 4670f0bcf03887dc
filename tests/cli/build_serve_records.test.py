"""gwtool build serve with real Go: the records of real modules are those that another service logged for
them elsewhere, and what `gwtool build get` fetches runs.

The data is not part of this tree (shared/data beside the checkout, or GW_SHARED_DATA); without it Debian's
Go builds a module of our own, and the record is compared with what `gwtool build` makes."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import cli
import go_lab
import http_fixture
import module_lab

PROXY, LOG = go_lab.shared_data("goproxy"), go_lab.shared_data("sumdb")


class Records(cli.TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.mode = module_lab.sandbox_mode(self.path("probe"))
        self.sandbox = ["--sandbox", self.mode]
        r = cli.gwtool("build", "genkey", "builds.example.org", "--key", self.path("key"))
        self.key = r.lines[0]

    def serve(self, *args):
        s = build_lab.Server([cli.GWTOOL, "build", "serve", "--data", self.path("data"), "--key", self.path("key"),
                              "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--gate", "off", *self.sandbox, *args])
        self.addCleanup(s.kill)
        return s

    def get(self, server, *args):
        return self.gwtool("build", "get", *args, "--log-key", self.key, "--source", server.url + "/tlog", "--cache",
                           self.path("client"), timeout=560)

    def test_real_records(self):
        if PROXY is None or LOG is None:
            print("not tried: real records, as shared/data is not beside the checkout", file=sys.stderr)
            return self.without_data()
        with open(os.path.join(PROXY, "records.txt")) as f:
            records = {l.split(" ")[0]: l for l in f if " linux amd64 " in l and not l.endswith("stripped\n")}
        # Its toolchain is fetched; the library, which build_records compiles from nothing, is not compiled anew.
        module_lab.give_library(self.path("data", "cache"), module_lab.real_library(self.mode))
        with http_fixture.HttpFixture({"/proxy": PROXY, "/log": LOG}) as web:
            s = self.serve("--proxy", web.url + "/proxy", "--source", web.url + "/log")
            for module, record in sorted(records.items()):
                _, version, directory = record.split(" ")[:3]
                path = "/%s@%s%s/linux-amd64-latest/" % (module, version, directory.rstrip("/"))
                # Resolved to the newest Go that there is; answered when it is built.
                built = s.get(s.get(path + "record").location, timeout=560)
                self.assertEqual(s.get(built.location).text, record, str(built))
            r = self.get(s, "filippo.io/age@v1.2.1/cmd/age", "--target", "linux/amd64", "-o", "age")
            self.assert_run(r, 0, err="")
            self.assertEqual(cli.run([self.path("age"), "--version"]).out.strip(), "v1.2.1")
            # Whatever name it has: by its own word it is that build, and the log agrees.
            r = self.gwtool("build", "verify", "age", "--log-key", self.key, "--source", s.url + "/tlog", "--cache",
                            self.path("client"))
            self.assert_run(r, 0, err="")
            with open(self.path("age"), "ab") as f:
                f.write(b"x")
            r = self.gwtool("build", "verify", "age", "--log-key", self.key, "--source", s.url + "/tlog", "--cache",
                            self.path("client"), timeout=560)
            self.assert_error(r, 4, "the sum is")

    def without_data(self):
        self.assertIsNotNone(shutil.which("go"), "Debian's Go is not installed")
        lab = module_lab.ModuleLab(self.path("lab"))
        lab.add("example.org/hello", "v0.1.0", {"main.go": 'package main\n\nfunc main() { println("hello") }\n'})
        s = self.serve("--proxy", lab.proxy, *lab.log(), "--toolchain", "local", "--go-oldest", "go1.13")
        r = self.get(s, "example.org/hello", "--target", "linux/amd64", "-o", "hello")
        self.assert_run(r, 0, err="")
        self.assertEqual(cli.run([self.path("hello")]).err, "hello\n")
        own = self.gwtool("build", "example.org/hello@v0.1.0", "--target", "linux/amd64", "--proxy", lab.proxy,
                          *lab.log(), "--toolchain", "local", "--cache", self.path("cache"), "-o", "own",
                          *self.sandbox, timeout=280)
        self.assert_run(own, 0)
        self.assertEqual(own.out.split()[:2], r.out.split()[:2])


if __name__ == "__main__":
    cli.main()
