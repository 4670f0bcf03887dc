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

    def test_every_default_is_valid(self):
        # What --print-config shows as a default is accepted as a value.
        text = self.gwtool("--print-config").out
        self.assert_run(self.gwtool("--check-config", "--config", self.file("a.toml", text)), 0)

    def test_flags_win(self):
        conf = self.file("gw.toml", "[follow-tlog]\ndb = \"from-file.db\"\n")
        r = self.gwtool("--config", conf, "--print-config", "follow-tlog", "--db", "from-flag.db")
        self.assert_run(r, 0, err="")
        self.assertIn('db = "from-flag.db"  # from --db, not %s:2\n' % conf, r.out)


if __name__ == "__main__":
    cli.main()
