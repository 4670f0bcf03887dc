"""gwtool vanity-lookup zone, compare and lint: what they print is taken by the tools it is for, and
what they find is there."""
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import dns_lab
import vanity_lab
from vanity_lab import meta

LAB = None

ENTRIES = ("own.lab/x git https://git.example/x\n"
           "own.lab/x/sub mod https://proxy.example\n"
           "own.lab/long git https://git.example/" + "long-" * 60 + " sub/dir\n"
           "own.lab/quote git https://git.example/a\"b\\c\n")


class Owner(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = LAB
        self.web = LAB.web
        LAB.reset()

    def owner(self, command, *args, hosts=(), resolver=None, **kwargs):
        env = cli.clean_env(GOINSECURE=None, NO_PROXY=None, HTTPS_PROXY=None, no_proxy=None)
        return cli.gwtool("vanity-lookup", command, *self.lab.args(*hosts, resolver=resolver), *args,
                          env=env, cwd=self.dir, **kwargs)

    def zone(self, *args, **kwargs):
        return self.gwtool("vanity-lookup", "zone", *args, **kwargs)


class Zone(Owner):
    def test_the_list_comes_back_from_a_server(self):
        """The text is loaded by Knot, and looked up; then replaced by nsupdate, and looked up."""
        r = self.zone("-", input=ENTRIES)
        self.assert_run(r, code=0, err="")
        port = cli.free_port()
        self.file("own.lab.zone", "$ORIGIN own.lab.\n@ 300 SOA ns host 1 3600 900 864000 60\n"
                                  "@ 300 NS ns\nns 300 A 127.0.0.1\n" + r.out)
        self.file("knot.conf", "\n".join([
            "server:", "  rundir: " + self.dir, "  listen: 127.0.0.1@%d" % port,
            "  udp-workers: 1", "  tcp-workers: 1", "  background-workers: 1",
            "database:", "  storage: " + self.dir,
            "acl:", "  - id: here", "    address: 127.0.0.1", "    action: update",
            "zone:", "  - domain: own.lab", "    storage: " + self.dir, "    acl: here",
            "    zonefile-sync: -1", "    journal-content: none", "    zonefile-load: whole", ""]))
        knot = self.background(["knotd", "-c", self.path("knot.conf")])
        anchor = self.file("anchor", "unrelated. IN DS 12345 13 2 %s\n" % ("ab" * 32))

        def listed():
            r = self.gwtool("vanity-lookup", "--insecure", "--list", "own.lab", "--resolver",
                            "127.0.0.1@%d" % port, "--trust-anchor", anchor)
            return sorted(r.lines) if r.code == 0 else None
        self.assertEqual(cli.wait_until(listed, what="knotd " + str(knot)),
                         sorted(ENTRIES.splitlines()))
        new = "own.lab/x hg https://hg.example/x\nown.lab/y git https://git.example/y\n"
        r = self.zone("--format", "nsupdate", self.file("new", new))
        self.assert_run(r, code=0, err="")
        cli.run(["nsupdate"], input="server 127.0.0.1 %d\n" % port + r.out)
        cli.wait_until(lambda: listed() == sorted(new.splitlines()), what="the update")
        # With the zone's name both tools take it.
        for tool in filter(shutil.which, ("nsupdate", "knsupdate")):
            newer = "own.lab/x git https://git.example/%s\n" % tool
            r = self.zone("--format", "nsupdate", "--zone", "own.lab", self.file("newer", newer))
            self.assert_run(r, code=0, err="")
            cli.run([tool], input="server 127.0.0.1 %d\n" % port + r.out)
            cli.wait_until(lambda: listed() == newer.splitlines(), what=tool)
        r = self.zone("--format", "nsupdate", "--zone", "other.lab", self.file("newer", newer))
        self.assert_error(r, 2, "is not in the zone")

    def test_what_lookups_do_not_use_is_warned_of(self):
        entries = self.file("entries", "own.lab/x.git git https://git.example/x\n"
                                       "github.com/u/x git https://git.example/x\n"
                                       "own.lab/y git http://git.example/y\n"
                                       "own.lab/z git https://u:secret@git.example/z\n"
                                       "own.lab/s git https://git.example/s/\n")
        r = self.zone(entries)
        self.assert_run(r, code=0, err_has=[
            "lookups know this host", "nothing protects", "credentials that everybody can read",
            "trailing slash in the root"])
        self.assertEqual(r.err.count("warning: "), 5)
        secrets = self.file("secrets", "own.lab/a git ssh://git@git.example/a\n"
                                       "own.lab/b git ssh://git:secret@git.example/b\n"
                                       "own.lab/c git http://u@git.example/c\n")
        self.assertEqual(self.zone(secrets).err.count("credentials that everybody can read"), 2)
        self.assertEqual(len(r.lines), 5)

    def test_formats(self):
        sally = self.file("sally.yaml", "url: own.lab\npackages:\n  x:\n    repo: github.com/u/x\n")
        vangen = self.file("vangen.json", '{"domain": "own.lab", "repositories": [{"prefix": "x", '
                                          '"url": "https://github.com/u/x"}]}')
        govanity = self.file("vanity.yaml", "paths:\n  /x:\n    repo: https://github.com/u/x\n")
        line = 'go-import.own.lab. 60 IN TXT "own.lab/x git https://github.com/u/x"\n'
        for args in ((sally,), (vangen,), (govanity, "--host", "own.lab"),
                     ("--from", "sally", sally), ("--from", "vangen", vangen),
                     ("--from", "govanityurls", "--host", "own.lab", govanity)):
            r = self.zone("--ttl", "60", *args)
            self.assert_run(r, code=0, out=line, err="")
        r = self.zone("--ttl", "60", sally, vangen)
        self.assert_run(r, code=0, out=line, err_has="warning: left out")
        self.assert_error(self.zone(govanity), 2, govanity, "--host")
        # What these tools read besides, and JSON where they read YAML.
        sally = self.file("all.yaml", "# all\ngodoc:\n  host: pkg.go.dev\nurl: own.lab\npackages:\n"
                          "  zap:\n    repo: github.com/u/zap\n    description: \"logs: fast\"\n"
                          "    branch: dev\n    vcs: git\n  net/metrics:\n    url: own.lab/base\n"
                          "    repo: github.com/u/metrics\n    vcs: hg\n    doc_url: https://x/\n"
                          "    doc_badge: //badge\n")
        sally_json = self.file("all.json", '{"url": "own.lab", "packages": {"zap": {"repo": '
                               '"github.com\\/u\\/zap"}, "net/metrics": {"url": "own.lab/base", '
                               '"repo": "github.com/u/metrics", "vcs": "hg"}}}')
        for path in (sally, sally_json):
            self.assert_run(self.zone("--ttl", "60", path), code=0, err="", out=(
                'go-import.own.lab. 60 IN TXT "own.lab/zap git https://github.com/u/zap"\n'
                'go-import.own.lab. 60 IN TXT "own.lab/base/net/metrics hg '
                'https://github.com/u/metrics"\n'))
        vangen = self.file("all.vangen", '\ufeff{\n\t"domain": "own.lab",\n\t"docsDomain": "d",\n'
                           '\t"index": true,\n\t"repositories": [{"prefix": "x", "subs": ["a", '
                           '{"name": "b", "hidden": true}], "type": "git", "main": true, "hidden": '
                           'false, "url": "https://github.com/u/x", "source": {"home": "_", "dir": '
                           '"_{/dir}", "file": "_#L{line}"}, "website": {"url": "\\ud83d\\ude00"'
                           '}}]\n}\n')
        vanity = self.file("all.govanity", "host: own.lab\ncache_max_age: 86400\npaths:\n  /x/:\n"
                           "    repo: https://github.com/u/x\n    display: \"a b{/dir} c#L{line}\"\n")
        vanity_json = self.file("all.govanity.json", '{"host": "own.lab", "paths": {"/x": {"repo": '
                                '"https://github.com/u/x", "vcs": "git"}}}')
        for path in (vangen, vanity, vanity_json):
            self.assert_run(self.zone("--ttl", "60", path), code=0, out=line, err="")
        # The domain that is named here wins.
        self.assert_run(self.zone("--ttl", "60", "--host", "other.lab", vanity), code=0, err="",
                        out=line.replace("own.lab", "other.lab"))
        sally = self.path("sally.yaml")
        self.assertEqual(self.zone("--json", sally).json["records"], [
            {"prefix": "own.lab/x", "vcs": "git", "root": "https://github.com/u/x"}])

    def test_bad_files(self):
        for text, why in (("own.lab/x git\n", "line 1: 2 fields"),
                          ("own.lab/x git git.example/x\n", "no scheme"),
                          ("own.lab/x/ git https://git.example/x\n", "trailing slash"),
                          ("own.lab/x git https://git.example/\x1b\n", "printable"),
                          ("packages:\n  x: [\n", "line 3"), ("a: *b\n", "alias")):
            path = self.file("bad", text)
            r = self.zone(path)
            self.assert_error(r, 2, path, why)
        self.assert_error(self.zone(self.path("none")), 2, self.path("none"))
        self.assert_error(self.zone(self.dir), 2, self.dir)
        self.assert_error(self.zone(), 2, "FILE")

    def test_large_sets_are_warned_about(self):
        text = "".join("own.lab/p%d git https://git.example/p%d\n" % (i, i) for i in range(40))
        r = self.zone("-", input=text)
        self.assert_run(r, code=0, err_has="need TCP")
        self.assertEqual(len(r.lines), 40)
        self.assertNotIn("BIND", r.err)
        text = "".join("own.lab/p%d git https://git.example/p%d\n" % (i, i) for i in range(101))
        self.assert_run(self.zone("-", input=text), code=0, err_has="101 records: BIND")

    def test_live(self):
        self.web.page("none.lab", "/x", meta("none.lab/x git https://git.example/x sub"))
        self.web.page("none.lab", "/x/y", meta("none.lab/x git https://git.example/x sub"))
        line = 'go-import.none.lab. 300 IN TXT "none.lab/x git https://git.example/x sub"\n'
        r = self.owner("zone", "--live", "none.lab/x", "none.lab/x/y", hosts=["none.lab"])
        self.assert_run(r, code=0, out=line, err="")
        # A domain's records are one set, which would be replaced by a part of it.
        self.web.page("signed.lab", "/x", meta("signed.lab/x git https://git.example/x sub"))
        for form in ("zone", "nsupdate"):
            r = self.owner("zone", "--live", "--format", form, "none.lab/x", "none.lab/z",
                           "github.com/a/b", "signed.lab/x", hosts=["none.lab", "signed.lab"])
            self.assert_run(r, code=1, err_has=["none.lab/z", "known hosts", "one set"])
            self.assertNotIn("none.lab", r.out)
            self.assertIn('"signed.lab/x git https://git.example/x sub"', r.out)
        r = self.owner("zone", "--live", "--json", "none.lab/x", "none.lab/z", hosts=["none.lab"])
        self.assertEqual((r.json["records"], r.json["errors"][0]["kind"]), ([], "not_found"))
        # For which domain it was meant cannot be told.
        for bad in ("https://none.lab/z", "none.lab:443/z"):
            r = self.owner("zone", "--live", "none.lab/x", "signed.lab/x", bad,
                           hosts=["none.lab", "signed.lab"])
            self.assert_run(r, code=2, out="", err_has=["malformed import path", "nothing is printed"])
        # Good enough for the go command, and no record.
        self.web.page("none.lab", "/s/t", meta("none.lab/s/ git https://git.example/s"))
        self.web.page("none.lab", "/s/", meta("none.lab/s/ git https://git.example/s"))
        r = self.owner("zone", "--live", "none.lab/s/t", "none.lab/x", hosts=["none.lab"])
        self.assert_run(r, code=1, out="", err_has="none.lab/s/t: its tag is no record")
        r = self.owner("zone", "--live", "github.com/a/b")
        self.assert_run(r, code=0, out="", err_has="records that are there stay")
        self.assert_run(self.zone("--format", "nsupdate", "-", input=""), code=0, out="",
                        err_has="records that are there stay")
        self.assertEqual(self.lab.txt_questions(), 0)


class Compare(Owner):
    def test_paths(self):
        self.web.page("signed.lab", "/x", meta("signed.lab/x git https://git.example/signed"))
        args = dict(hosts=["signed.lab", "none.lab", "expired.lab"])
        r = self.owner("compare", "signed.lab/x", **args)
        self.assert_run(r, code=0, out="", err="")
        self.web.page("signed.lab", "/x", meta("signed.lab/x git https://git.example/other"))
        r = self.owner("compare", "signed.lab/x", **args)
        self.assert_run(r, code=1, out=(
            "signed.lab/x: dns signed.lab/x git https://git.example/signed"
            "; http signed.lab/x git https://git.example/other\n"))
        self.web.page("none.lab", "/x", meta("none.lab/x git https://git.example/other"))
        r = self.owner("compare", "-", input="none.lab/x\n", **args)
        self.assert_run(r, code=1)
        self.assertIn("none.lab/x: dns none (", r.out)
        # On neither side: they agree, and the path cannot be found.
        r = self.owner("compare", "none.lab/nothing", **args)
        self.assert_run(r, code=1, out="", err_has="none.lab/nothing: dns none (")
        self.web.page("signed.lab", "/x", "none here", status=404)
        r = self.owner("compare", "--json", "signed.lab/x", **args)
        self.assert_run(r, code=1)
        self.assertEqual(r.json["comparisons"][0]["same"], False)
        self.assertEqual(r.json["comparisons"][0]["http"]["error"]["kind"], "not_found")
        self.web.page("signed.lab", "/x", "busy", status=503)
        self.assert_run(self.owner("compare", "signed.lab/x", **args), code=3, out="")
        self.web.clear()
        r = self.owner("compare", "expired.lab/x", "a//b", **args)
        self.assert_run(r, code=4, out="", err_has=["signature expired", "malformed"])
        self.assertEqual(self.web.count(), 0)

    def test_domains(self):
        for i in range(10):
            self.web.page("d3.lab", "/p%d" % i, meta("d3.lab/p%d git https://git.example/%s/p%d" %
                                                    (i, "d3" if i != 4 else "d4", i)))
        r = self.owner("compare", "--domain", "d3.lab", hosts=["d3.lab"])
        self.assert_run(r, code=1)
        self.assertEqual(len(r.lines), 1)
        self.assertIn("d3.lab/p4: dns d3.lab/p4 git https://git.example/d3/p4; http", r.out)
        self.assertEqual(self.lab.txt_questions(), 1)
        self.assertEqual(self.web.count(), 10)
        self.assert_run(self.owner("compare", "--domain", "none.lab"), code=1, out="",
                        err_has="no go-import records")
        self.assert_run(self.owner("compare", "--domain", "altered.lab"), code=4, out="")
        r = self.owner("compare", "--json", "--domain", "none.lab", "--domain", "altered.lab")
        self.assertEqual([e["kind"] for e in r.json["errors"]], ["not_found", "untrusted"])
        self.assert_error(self.owner("compare"), 2, "nothing to compare")


class Lint(Owner):
    def test_domains(self):
        r = self.owner("lint", "signed.lab", "ed25519.lab", "compactx.lab")
        self.assert_run(r, code=0, out="", err="")
        r = self.owner("lint", "lint.lab")
        self.assert_run(r, code=1, err="")
        for text in ("trailing slash", "prefix \"wrong.lab/x\" is not below lint.lab",
                     "nothing protects", "error: two different records for \"lint.lab/two\""):
            self.assertEqual(r.out.count(text), 1, r.out)
        self.assertEqual(len(r.lines), 4)
        r = self.owner("lint", "unsigned.lab")
        self.assert_run(r, code=1, out=(
            "unsigned.lab: error: the zone is not signed: lookups ignore its records\n"))
        self.assertIn("no TXT records", self.owner("lint", "none.lab").out)
        r = self.owner("lint", "--json", "signed.lab", "altered.lab")
        self.assert_run(r, code=4)
        self.assertEqual((r.json["findings"], [e["kind"] for e in r.json["errors"]]), ([], ["untrusted"]))
        self.assertIn("need TCP", self.owner("lint", "many.lab").out)

    def test_signatures(self):
        r = self.owner("lint", "old.lab", "signed.lab")
        self.assert_run(r, code=1, err="")
        self.assertRegex(r.out, "^old.lab: warning: the signature of the records by old.lab. "
                                "expires at 20..-..-..T..:..:..Z: less than a tenth of its life "
                                "is left\n"
                                "old.lab: warning: the signature of the keys by old.lab. ")
        r = self.owner("lint", "expired.lab", "lint.lab")
        self.assert_run(r, code=4, err_has="signature expired")
        self.assertEqual(len(r.lines), 4)

    def test_a_domain_without_an_answer_costs_the_others_nothing(self):
        alone = self.owner("lint", "old.lab").out
        self.assertIn("expires at", alone)
        with dns_lab.Proxy(self.lab.hierarchy.resolver, "dead", only="unsigned.lab.") as half:
            r = self.owner("lint", "unsigned.lab", "old.lab", "--timeout",
                           "%dms" % (1000 * cli.SLOWNESS), resolver=half.resolver)
        self.assert_run(r, code=3, out=alone, err_has="unsigned.lab")

    def test_files(self):
        path = self.file("entries", "own.lab/x git http://git.example/x\n"
                                    "own.lab/x/ git https://a.b\n")
        r = self.owner("lint", "--file", path)
        self.assert_run(r, code=1, err="")
        self.assertEqual(len(r.lines), 2)
        r = self.owner("lint", "--json", "--file", path)
        self.assertEqual([f["severity"] for f in r.json["findings"]], ["warning", "error"])
        path = self.file("hostile", "own\x1b[2J.lab/x\u009b git https://git.example/x\n")
        for extra in ([], ["--json"]):
            r = self.owner("lint", *extra, "--file", path)
            self.assert_run(r, code=1, err="")
            for c in r.out:
                self.assertTrue(c == "\n" or 0x20 <= ord(c) < 0x7f, repr(c))
        self.assert_error(self.owner("lint"), 2, "nothing to look at")
        self.assert_error(self.owner("lint", "not-a-domain"), 2, "no dot")
        self.assertEqual(self.lab.dns.asked(), 0)


def setUpModule():
    global LAB
    LAB = vanity_lab.lab_of_module()


if __name__ == "__main__":
    cli.main()
