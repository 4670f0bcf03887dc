"""gwtool build of private modules: nobody outside hears of them, and who vouches for them is told. A stand-in
for the go command "compiles", see build_lab.py."""

import base64
import os
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import cli
import http_fixture
import module_lab

FETCHES = r'''#!/bin/sh
case "$*" in *" -n "*)
  for m in $WANTS; do
    /usr/bin/python3 - $m <<'PY' || exit 1
import os, sys, urllib.request
base = os.environ["GOPROXY"] + "/%s/@v/v1.0.0" % sys.argv[1]
where = os.environ["GOMODCACHE"] + "/cache/download/%s/@v" % sys.argv[1]
os.makedirs(where, exist_ok=True)
try:
    for kind in ("mod", "zip"):
        data = urllib.request.urlopen(base + "." + kind).read()
except urllib.error.HTTPError as e:
    sys.exit("reading %s: %s" % (e.url, e.read().decode()))
sum = open("@DIR@/sums").read().split(sys.argv[1] + " ")[1].split()[0]
open(where + "/v1.0.0.ziphash", "w").write(sum)
PY
  done
  exit 0;;
esac
mkdir -p $GOPATH/bin/js_wasm
echo program >$GOPATH/bin/js_wasm/x
'''
OPEN, SECRET = "example.org/open", "corp.example/secret"


class Private(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.outside = module_lab.ModuleLab(self.path("outside"))
        self.inside = module_lab.ModuleLab(self.path("inside"))
        main = {"main.go": "package main\n\nfunc main() {}\n"}
        self.outside.add(OPEN, "v1.0.0", main)
        self.inside.add(SECRET, "v1.0.0", main)
        # One database for both, at two places: who asked for what is seen at the place outside.
        self.inside.records += self.outside.records
        self.inside.log()
        goroot = self.path("go")
        os.makedirs(os.path.join(goroot, "bin"))
        with open(os.path.join(goroot, "VERSION"), "w") as f:
            f.write("go1.26.8\n")
        self.go = os.path.join(goroot, "bin", "go")
        with open(self.path("sums"), "w") as f:
            for module, _, zip_sum, _ in self.inside.records:
                f.write("%s %s\n" % (module, zip_sum))
        self.web = http_fixture.HttpFixture({"/proxy": self.outside.proxy_dir, "/log": self.inside.source})
        self.web.start()
        self.addCleanup(self.web.stop)

    def build(self, what, *args, wants=None, env=None, cache="cache"):
        with open(self.go, "w") as f:
            f.write(FETCHES.replace("@DIR@", self.dir).replace("$WANTS", " ".join(wants or [what])))
        os.chmod(self.go, 0o755)
        return self.gwtool("build", what + "@v1.0.0", "--target", "js/wasm", "--toolchain", self.path("go"),
                           "--sandbox", "off", "--proxy", self.web.url + "/proxy", "--log-key",
                           self.inside.key, "--source", self.web.url + "/log", "--cache",
                           self.path(cache), "-o", self.path("out"), *args, env=env)

    def assert_kept_quiet(self):
        self.assertEqual([r.path for r in self.web.requests if "secret" in r.path], [])

    def private(self, *args):
        return ["--private", "corp.example", "--private-proxy", self.inside.proxy, *args]

    def test_its_own_database_vouches_for_it(self):
        args = self.private("--private-log-key", self.inside.key, "--private-source", self.inside.source)
        r = self.build(SECRET, *args, "--json")
        self.assert_run(r, 0, err="")
        self.assert_kept_quiet()
        said = "%s@v1.0.0 h1:" % SECRET
        self.assertEqual(len(r.json["private"]), 1)
        self.assertTrue(r.json["private"][0].startswith(said), r)
        self.assertIn(": private, in the checksum database ", r.json["private"][0])
        with open(r.json["log"]) as f:
            self.assertIn("\n# " + r.json["private"][0] + "\n", f.read())
        # With others beside it, which are asked for outside.
        r = self.build(SECRET, *args, "--json", wants=[SECRET, OPEN])
        self.assert_run(r, 0, err="")
        self.assertTrue(self.web.count("*open*"))
        self.assert_kept_quiet()
        self.assertEqual(len(r.json["private"]), 1)
        # What is not private is the public database's affair as ever.
        self.assert_error(self.build(OPEN, "--private", "corp.example", wants=[SECRET], cache="b"), 2,
                          "--private-proxy")

    def test_without_a_database_it_is_refused_unless_that_was_said(self):
        r = self.build(SECRET, *self.private())
        self.assert_error(r, 2, "no checksum database says what it is", "--private-log-key", "--nosumdb")
        # Also deep inside of a public one; GOPRIVATE says the same.
        r = self.build(OPEN, "--private-proxy", self.inside.proxy, wants=[OPEN, SECRET],
                       env=cli.clean_env(GOPRIVATE="corp.example"))
        self.assert_error(r, 2, "no checksum database says what it is")
        self.assert_missing(self.path("out"))
        r = self.build(SECRET, "--private", "*.example")
        self.assert_error(r, 2, "there is no proxy for those", "--private-proxy")
        r = self.build(SECRET, *self.private("--nosumdb", "corp.example/secret"))
        self.assert_run(r, 0, err_has=["warning: %s@v1.0.0 h1:" % SECRET, "in no checksum database"])
        # Another day, another zip.
        self.inside.add(SECRET, "v1.0.0", {"main.go": "package main\n\nfunc main() { evil() }\n"})
        os.remove(os.path.join(self.path("cache"), "download", SECRET, "@v", "v1.0.0.zip"))
        r = self.build(SECRET, *self.private("--nosumdb", "corp.example/secret"))
        self.assert_error(r, 4, "first seen here")
        self.assert_kept_quiet()

    def test_a_database_that_says_otherwise(self):
        args = self.private("--private-log-key", self.inside.key, "--private-source", self.inside.source)
        self.inside.add(SECRET, "v1.0.0", {"main.go": "package main\n\nfunc main() { evil() }\n"})
        self.assert_error(self.build(SECRET, *args), 4, SECRET + "@v1.0.0", "private, in the checksum")
        self.assert_kept_quiet()

    def test_credentials(self):
        ca = http_fixture.TestCa(self.dir)
        tls = ca.issue("localhost", "127.0.0.1")
        netrc = self.file("netrc", "machine localhost login u password p\n", 0o600)
        wanted = "Basic " + base64.b64encode(b"u:p").decode()
        with http_fixture.HttpFixture({"/proxy": self.inside.proxy_dir, "/log": self.inside.source},
                                      tls=tls) as web:
            there = "https://localhost:%d" % web.port
            args = ["--private", "corp.example", "--private-proxy", there + "/proxy", "--private-log-key",
                    self.inside.key, "--private-source", there + "/log", "--ca-file", ca.file]
            self.assert_run(self.build(SECRET, *args, cache="one"), 0)
            self.assertEqual([r for r in web.requests if r.headers.get("Authorization")], [])
            web.requests.clear()
            # Where it sends us they do not go, nor to other hosts, nor over http.
            zip_path = "/proxy/%s/@v/v1.0.0.zip" % SECRET
            web.rule(zip_path, status=302, headers={"Location": "https://127.0.0.1:%d/moved" % web.port})
            with open(self.inside.file(SECRET, "v1.0.0", "zip"), "rb") as f:
                web.rule("/moved", status=200, body=f.read())
            self.assert_run(self.build(SECRET, *args, "--netrc", netrc, cache="two", wants=[SECRET, OPEN]), 0)
            self.assertTrue(web.count("/log/*") and web.count(zip_path) and web.count("/moved"))
            for r in web.requests:
                self.assertEqual(r.headers.get("Authorization"), None if r.path == "/moved" else wanted,
                                 r.path)
        plain = self.file("plain", "machine 127.0.0.1 login u password p\n", 0o600)
        self.assert_run(self.build(OPEN, "--netrc", plain, cache="three"), 0)
        self.assertEqual([r for r in self.web.requests if r.headers.get("Authorization")], [])
        self.assert_error(self.build(OPEN, "--netrc", self.path("none")), 2, "none")

    def test_options_that_say_nothing(self):
        self.assert_error(self.build(OPEN, "--private-source", "/x"), 2, "--private-log-key")
        self.assert_error(self.build(OPEN, "--nosumdb", "x.y"), 2, "no module is private")
        self.assert_error(self.build(OPEN, "--private", "[x"), 2, "--private")


if __name__ == "__main__":
    cli.main()
