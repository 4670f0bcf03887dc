"""The configuration file with the real commands; the frame's own rules are in tests/unit/cmd."""

import os
import sys
import tomllib

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli


class Config(cli.TestCase):
    def test_a_mistake_names_file_line_key_and_the_nearest(self):
        conf = self.file("gw.toml", "[follow-tlog]\ndb = \"x.db\"\nintervall = \"10m\"\n")
        r = self.gwtool("follow-tlog", "--config", conf)
        self.assert_error(r, 2, "%s:3: unknown key \"intervall\" in [follow-tlog]" % conf,
                          "gwtool: hint: did you mean interval?")
        self.assert_missing(self.path("x.db"))
        conf = self.file("gw.toml", "[folow-tlog]\n")
        self.assert_error(self.gwtool("--check-config", "--config", conf), 2,
                          "%s:1: unknown table" % conf, "did you mean [follow-tlog]?")

    def test_a_missing_or_unreadable_file(self):
        r = self.gwtool("--check-config", "--config", self.path("missing.toml"))
        self.assert_error(r, 2, "reading the configuration", "missing.toml")
        r = self.gwtool("--check-config", env=cli.clean_env(GWTOOL_CONFIG=self.path("missing.toml")))
        self.assert_error(r, 2, "missing.toml")
        self.assertIn(self.gwtool("--check-config", "--config", self.dir).code, (1, 2))
        huge = self.file("huge.toml", "# x\n" * 600_000)
        self.assert_run(self.gwtool("--check-config", "--config", huge), 1, out="")

    def test_hostile_files_are_refused_in_time(self):
        for text in (b"\xff" * 1000, b"\x00", b"a = " + b"[" * 100_000, b"a." * 50_000 + b"a = 1",
                     b"a = \"" + b"x" * 500_000 + b"\"\n", b"[" + b"a." * 300 + b"b]\n",
                     b"a = {" + b"a = {" * 20_000):
            r = self.gwtool("--check-config", "--config", self.file("bad.toml", text), timeout=20)
            self.assert_error(r, 2, "bad.toml:1: ")
            self.assertLess(len(r.err), 3000)

    def test_print_config_round_trips(self):
        first = self.gwtool("--print-config")
        self.assert_run(first, 0, err="")
        values = tomllib.loads(first.out)
        self.assertIn("follow-tlog", values)
        again = self.gwtool("--print-config", "--config", self.file("all.toml", first.out))
        self.assert_run(again, 0, err="")
        self.assertEqual(tomllib.loads(again.out), values)

    def test_print_config_as_json(self):
        conf = self.file("c.toml", "quiet = true\n[serve-dns]\nns = ['a.example.org']\nttl = 60\n")
        r = self.gwtool("--print-config", "--json", "--config", conf, "serve-dns", "--db", "x.db")
        self.assert_run(r, 0, err="")
        found = {(s["table"], s["key"]): s for s in r.json["settings"]}
        self.assertEqual(found["", "quiet"]["value"], True)
        self.assertEqual(found["serve-dns", "db"], {
            "table": "serve-dns", "key": "db", "value": "x.db", "origin": "command line",
            "where": "--db", "beaten": []})
        self.assertEqual(found["serve-dns", "ns"]["value"], ["a.example.org"])
        self.assertEqual(found["serve-dns", "ttl"]["value"], 60)
        self.assertEqual(found["serve-dns", "ttl"]["where"], conf + ":4")
        self.assertEqual((found["serve-dns", "key"]["value"], found["serve-dns", "key"]["origin"]),
                         (None, "default"))
        text = self.gwtool("--print-config", "--config", conf, "serve-dns", "--db", "x.db").out
        self.assertEqual(len(found), sum(1 for line in text.splitlines() if " = " in line))

    def test_what_belongs_to_the_command_above_is_found_there(self):
        """serve-dns status needs no table of its own to find the server."""
        conf = self.file("c.toml", "[serve-dns]\ndb = 'above.db'\n")
        args = ("--config", conf, "--print-config", "serve-dns", "status")
        self.assertIn('db = "above.db"', self.gwtool(*args).out)
        self.assert_error(self.gwtool("--config", conf, "serve-dns", "status"), 3, "above.db")
        conf = self.file("c.toml", "[serve-dns]\ndb = 'above.db'\n[serve-dns-status]\ndb = 'own.db'\n")
        self.assertIn('db = "own.db"', self.gwtool(*args).out)
        self.assertIn('db = "flag.db"', self.gwtool(*args, "--db", "flag.db").out)

    def test_every_default_is_valid(self):
        # What --print-config shows as a default is accepted as a value.
        text = self.gwtool("--print-config").out
        self.assert_run(self.gwtool("--check-config", "--config", self.file("a.toml", text)), 0)

    def test_what_would_end_the_start_is_found_before(self):
        key = self.path("zone.key")
        self.assert_run(self.gwtool("serve-dns", "key", "new", "--zone", "l.example.org", "--key",
                                    key), 0)
        good = {"db": "x.db", "zone": "l.example.org", "ns": ["ns1.example.org"], "key": key}

        def check(**changes):
            values = {**good, **{k.replace("_", "-"): v for k, v in changes.items()}}
            conf = self.file("gw.toml", "[serve-dns]\n" + "".join(
                "%s = %s\n" % (k, str(v).lower() if isinstance(v, bool) else repr(v))
                for k, v in values.items() if v is not None))
            return self.gwtool("--check-config", "--config", conf, "serve-dns")

        self.assert_run(check(), 0, out="", err="")
        for changes in (dict(ns=["ns1.l.example.org=192.0.2.1", "ns2.example.org."]),
                        dict(listen=["192.0.2.1:53", "[::1]:53", "192.0.2.2"]),
                        dict(rname="me.you@example.org"), dict(metrics="127.0.0.1:9153")):
            with self.subTest(changes):
                self.assert_run(check(**changes), 0, out="", err="")
        # whose the key is not, which only root can see
        if os.geteuid() == 0:
            self.assert_error(check(user="nobody"), 2, "user nobody may not")
        for changes, key_name in (
                (dict(listen=["localhost:53"]), "listen"), (dict(metrics="9153"), "metrics"),
                (dict(user="no-such-user"), "user"), (dict(rname="a@b@c"), "rname"),
                (dict(rname="a..b"), "rname"), (dict(zone="https://example.org"), "zone"),
                (dict(zone="*.example.org"), "zone"), (dict(key=self.path("none")), "key"),
                (dict(db=None), "--db"), (dict(key=None), "--key"),
                (dict(ns=["ns1.l.example.org"]), "ns1.l.example.org"),
                (dict(zone_file=["example.com=" + self.path("none")]), "zone-file"),
                (dict(zone_key=["example.com=" + key]), "zone-key"),
                *((dict(ns=[bad]), "ns") for bad in (
                    "192.0.2.1", "ns1.example.org,ns2.example.org", "ns1.example.org ns2",
                    "https://ns1.example.org", "*.example.org", "ns1.example.org:53", "ns1",
                    "n\u00f6.example.org", "", "=192.0.2.1"))):
            with self.subTest(changes):
                self.assert_error(check(**changes), 2, key_name)

    def test_addresses_that_paths_are_added_to(self):
        # A query or a fragment would swallow them; found before anything is asked, in each command.
        with open(os.path.join(cli.DATA, "replica", "key.pub")) as f:
            key = f.read().strip()
        get = ("build", "get", "a.b/c", "--log-key", key)
        supervise = ("supervise", "--build-key", key)
        commands = [
            (("follow-tlog", "--db", "x.db"), "--source", ""),
            (("follow-tlog", "--db", "x.db"), "--proxy", ""),
            (("check", "module", "a.b/c", "--prove"), "--source", ""),
            (("check", "module", "a.b/c", "--retracted"), "--goproxy", ""),
            (("check", "gosum", "go.sum", "--prove"), "--source", ""),
            (get, "--source", ""), (get, "--verifier", key + "="),
            (("build", "a.b/c"), "--proxy", ""),
            (("build", "a.b/c"), "--private-source", ""),
            (("build", "serve", "--data", "d", "--key", "k"), "--vuln", ""),
            *((supervise, option, before) for option, before in (
                ("--build-url", ""), ("--verifier", key + "="), ("--vuln", ""), ("--source", ""))),
        ]
        for command, option, before in commands:
            for bad in ("https://l.example?x=1", "https://l.example/a#b", "https:///x", "gopher://x/",
                        "https://l.example/a b"):
                with self.subTest(command=command, option=option, url=bad):
                    r = self.gwtool("--check-config", *command, option, before + bad)
                    self.assert_error(r, 2, option + ": ")

    def test_what_is_for_a_follower_needs_one(self):
        key = self.path("zone.key")
        self.assert_run(self.gwtool("serve-dns", "key", "new", "--zone", "l.example.org", "--key",
                                    key), 0)
        args = ["--check-config", "serve-dns", "--db", "x.db", "--zone", "l.example.org", "--ns",
                "ns.example.org", "--key", key]
        for option in (["--source", "https://log.example"], ["--interval", "5m"],
                       ["--keep", "records"], ["--from", "tip"], ["--proxy", "direct"],
                       ["--on-alarm", "true"], ["--compare-latest", "https://log.example/latest"]):
            with self.subTest(option):
                self.assert_error(self.gwtool(*args, *option), 2, option[0] + " without --follow")
                self.assert_run(self.gwtool(*args, *option, "--follow"), 0, out="", err="")

    def test_flags_win(self):
        conf = self.file("gw.toml", "[follow-tlog]\ndb = \"from-file.db\"\n")
        r = self.gwtool("--config", conf, "--print-config", "follow-tlog", "--db", "from-flag.db")
        self.assert_run(r, 0, err="")
        self.assertIn('db = "from-flag.db"  # from --db, not %s:2\n' % conf, r.out)


if __name__ == "__main__":
    cli.main()
