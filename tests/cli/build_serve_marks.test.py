"""gwtool build serve: toolchains that are tried out first, private modules, and known vulnerabilities on the
pages. Builds are a stand-in's."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import cli
import http_fixture
import module_lab

KEY = "/example.org/hello@v0.1.0/" + build_lab.TARGET + "/"


class Marks(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = build_lab.BuildLab(self)
        self.lab.command()

    # ---- toolchains ----

    def go(self, version, text):
        path = os.path.join(self.lab.dir, "go", version, "bin", "go")
        with open(path + ".new", "w") as f:
            f.write(text)
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)

    def test_a_toolchain_that_builds_differently_elsewhere_is_refused(self):
        differs = build_lab.STAND_IN.replace("@DIR@", self.lab.dir) + "echo $GOPATH >>$bin/$name\n"
        self.go("go1.26.8", differs)
        s = self.lab.serve("--build-once", gate="on")
        # It is tried without being asked for.
        s.wait_err('event="toolchain refused"')
        tried = json.loads(s.ask_admin("/toolchains").text)
        self.assertEqual([(t["go_version"], t["passed"]) for t in tried], [("go1.26.8", False)])
        self.assertIn("two builds of gwtool.invalid/gate/plain for js/wasm differ", tried[0]["message"])
        self.assertIn('gwtool_buildd_toolchains_tried_total{end="failed"} 1\n', s.ask_admin("/metrics").text)
        # Offered no more; nothing was built with it.
        r = s.get(KEY + "record")
        self.assertEqual(r.status, 422, r)
        self.assertIn("go1.26.8 is not offered here", r.text)
        self.assertEqual(s.get("/tlog/latest").text.split("\n")[1], "0")
        self.assertEqual(s.stop(), 0)
        # A restart knows.
        s = self.lab.serve("--build-once", gate="on")
        self.assertEqual(s.get(KEY + "record").status, 422)
        self.assertNotIn("toolchain refused", s.err)
        # Another one that builds other things than it is asked for, once the operator says so.
        self.go("go1.26.8", build_lab.STAND_IN.replace("@DIR@", self.lab.dir))
        self.assertEqual(s.ask_admin("/toolchains/forget", "POST", body="",).status, 400)
        r = s.ask_admin("/toolchains/forget", "POST", body="go=go1.26.8",
                        headers={"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(json.loads(r.text), {"forgotten": 1})
        self.assertEqual(s.ask_admin("/toolchains/forget", "POST", body="go=go1.26.8", headers={
            "Content-Type": "application/x-www-form-urlencoded", "Origin": "http://evil.example"}).status, 403)
        r = s.get(KEY + "record")
        self.assertEqual(r.status, 503, r)
        self.assertIn("the toolchain go1.26.8 was tried and failed", r.text)
        s.wait_err('event="toolchain refused"')
        self.assertEqual(s.stop(), 0)

    # ---- private modules ----

    def test_private_modules(self):
        inside = module_lab.ModuleLab(self.path("inside"))
        inside.add("corp.example/secret", "v1.0.0", {"main.go": "package main\n\nfunc main() {}\n"})
        key = "/corp.example/secret@v1.0.0/" + build_lab.TARGET + "/"
        with http_fixture.HttpFixture({"/proxy": self.lab.modules.proxy_dir}) as web:
            # Nor is another service asked about them.
            s = self.lab.serve("--private", "corp.example", "--private-proxy", inside.proxy, "--nosumdb",
                               "corp.example", "--verifier", "%s=%s" % (self.lab.key, web.url))
            self.assertEqual(s.get(key + "record").status, 307)
            self.assertEqual([r.path for r in web.requests], [])
            self.assertNotEqual(s.get(KEY + "record").status, 307)
            self.assertTrue(web.requests)
            self.assertEqual([r.path for r in web.requests if "secret" in r.path], [])
        path, r = s.follow(key)
        for part in ("<strong>Private</strong>", "in no checksum database"):
            self.assertIn(part, s.page(path).text)
            self.assertIn(part, s.page("/corp.example/secret@v1.0.0/js-wasm-go1.26.8-stripped/").text)
        self.assertNotIn("pkg.go.dev", s.page(path).text)
        r = s.get(path, headers={"Accept": "application/json"})
        self.assertIn("in no checksum database", json.loads(r.text)["private"])
        self.assertEqual(s.stop(), 0)

    # ---- vulnerabilities ----

    def database(self):
        affected = {"package": {"name": "example.org/hello", "ecosystem": "Go"}, "ranges": [
            {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "0.2.0"}]}]}
        document = {"schema_version": "1.3.1", "id": "GO-2026-0001", "modified": "2026-01-01T00:00:00Z",
                    "published": "2026-01-01T00:00:00Z", "aliases": ["CVE-2026-1"],
                    "summary": "It says <hello> to all", "details": "d", "affected": [affected]}
        self.file("vuln/index/modules.json", json.dumps([{"path": "example.org/hello", "vulns": [
            {"id": "GO-2026-0001", "modified": "2026-01-01T00:00:00Z", "fixed": "0.2.0"}]}]))
        self.file("vuln/ID/GO-2026-0001.json", json.dumps(document))
        return self.path("vuln")

    def test_known_vulnerabilities(self):
        for version in ("v0.2.0", "v0.1.1"):
            self.lab.command(version=version, dirs=("a", "b"))
        s = self.lab.serve("--vuln", self.database())
        page = s.page(KEY).text
        for part in ("<strong>Vulnerable</strong>", "GO-2026-0001", "CVE-2026-1", "It says &lt;hello&gt; to all",
                     "fixed in v0.2.0"):
            self.assertIn(part, page)
        # Other versions have their marks in the list.
        self.assertRegex(page, r">v0\.1\.1[^<]* <span title=\"known vulnerabilities\">")
        self.assertNotRegex(page, r">v0\.2\.0[^<]* <span title=\"known vulnerabilities\">")
        fixed = s.page("/example.org/hello@v0.2.0/a/" + build_lab.TARGET + "/").text
        self.assertNotIn("<strong>Vulnerable</strong>", fixed)
        self.assertNotIn("<strong>Vulnerable</strong>", s.page("/example.org/hello").text)
        path, _ = s.follow(KEY + "dl")
        self.assertEqual(s.get(KEY + "record").status, 307)
        path, _ = s.follow(KEY)
        self.assertIn("GO-2026-0001", s.page(path).text)
        accept = {"Accept": "application/json"}
        for there in (path, "/example.org/hello@v0.1.1/a/" + build_lab.TARGET + "/"):
            found = json.loads(s.get(there, headers=accept).text)["vulnerabilities"]
            self.assertEqual([(f["id"], f["aliases"], f["module"], f["fixed"]) for f in found],
                             [("GO-2026-0001", ["CVE-2026-1"], "example.org/hello", "v0.2.0")])
        self.assertEqual(json.loads(s.get("/example.org/hello", headers=accept).text)["vulnerabilities"], [])
        self.assertEqual(s.stop(), 0)
        # Without a database nothing is said.
        s = self.lab.serve()
        self.assertNotIn("vulnerabilities", s.get(path, headers=accept).text)
        self.assertNotIn("Vulnerable", s.page(path).text)
        self.assertEqual(s.stop(), 0)

    def test_a_database_that_cannot_be_read(self):
        self.assert_run(self.gwtool(*self.lab.args("--vuln", self.path("none"))), 2, err_has=["none"])
        os.makedirs(self.path("empty"))
        s = self.lab.serve("--vuln", self.path("empty"))
        self.assertEqual(s.page(KEY).status, 200)
        s.wait_err("reading the vulnerability database")
        self.assertEqual(s.stop(), 0)


if __name__ == "__main__":
    cli.main()
