"""Exit codes, standard output and standard error of the real binary, and the state of its process."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli


class Exit(cli.TestCase):
    def test_usage_errors_end_with_2(self):
        for args, text in [
            ((), "gwtool needs a command"),
            (("nonsense-command",), 'unknown command "nonsense-command"'),
            (("--nonsense",), 'unknown option "--nonsense"'),
            (("--config",), "--config needs a value"),
            (("--color", "pink"), "--color"),
            (("--json=maybe", "gen", "config"), "--json"),
            (("\x1b[31mred\n",), '"\\x1b[31mred\\x0a"'),
            (("check", "module", "a.example/b", "--resolver", "a.example"), "--resolver: "),
            (("gen", "config", "extra"), 'unexpected argument "extra"'),
        ]:
            self.assert_error(self.gwtool(*args), 2, text)

    def test_errors_as_json(self):
        """One document, whatever went wrong, in place of the one that there would have been."""
        for args, code, kind in (
                (("--json", "nonsense-command"), 2, "usage"),
                (("check", "module", "--json"), 2, "usage"),
                (("check", "module", "a.example/b", "--resolver", "x", "--json"), 2, "usage"),
                (("vanity-lookup", "--json"), 2, "usage"),
                (("serve-dns", "status", "--db", self.path("none"), "--json"), 3, "unavailable"),
                (("--config", self.path("none"), "--json", "--print-config"), 2, "usage")):
            r = self.gwtool(*args)
            self.assertEqual(r.code, code, r)
            self.assertEqual(list(r.json), ["error"], r)
            self.assertEqual(r.json["error"]["kind"], kind)
            self.assertIn("gwtool: error: " + r.json["error"]["message"][:20], r.err)
        # An argument that looks like it is none.
        self.assertEqual(self.gwtool("nonsense", "--", "--json").out, "")
        conf = self.file("conf.toml", "json = true\n")
        self.assertIn("error", self.gwtool("--config", conf, "vanity-lookup").json)

    def test_mistyped_commands_are_guessed(self):
        for typed in ("folow-tlog", "serve", "chekc"):
            r = self.gwtool(typed)
            self.assert_error(r, 2, "unknown command")
            if typed.replace("folow", "follow") in self.gwtool("--help").out:
                self.assertIn("gwtool: hint: did you mean gwtool ", r.err)

    def test_a_full_disk_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            r = self.gwtool("--help", stdout=full)
        self.assert_run(r, 1, err="gwtool: error: writing standard output: No space left on device\n")

    def test_a_closed_pipe_is_a_failure_and_no_signal(self):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as out:
            r = self.gwtool("gen", "config", stdout=out)
        self.assert_run(r, 1, err="gwtool: error: writing standard output: Broken pipe\n")

    def test_a_file_that_may_not_grow_is_a_failure_and_no_signal(self):
        r = cli.run(["sh", "-c", 'ulimit -f 0; exec "$0" gen config >"$1"', cli.GWTOOL, self.path("out")])
        self.assert_run(r, 1, err="gwtool: error: writing standard output: File too large\n")

    def test_closed_standard_descriptors(self):
        # Standard output closed: said so. All closed: no file of ours takes their place.
        r = cli.run(["sh", "-c", '"$0" --version >&-', cli.GWTOOL])
        self.assert_run(r, 1, out="",
                        err="gwtool: error: writing standard output: Bad file descriptor\n")
        man = self.path("man")
        os.mkdir(man)
        r = cli.run(["sh", "-c", '"$0" gen man --sections "$1" --output "$1" <&- >&- 2>&-',
                     cli.GWTOOL, man])
        self.assertEqual(r.code, 0)
        for name in os.listdir(man):
            with open(os.path.join(man, name), encoding="utf-8") as f:
                self.assertTrue(f.read().startswith('.\\"'))

    def test_colour_of_a_command_line_that_is_refused(self):
        for args in (("--color", "always", "nonsense"), ("nonsense", "--color=always")):
            self.assertIn("\x1b[31merror", self.gwtool(*args).err)
        for args in (("nonsense", "always"), ("--color=never", "--nonsense")):
            self.assertNotIn("\x1b", self.gwtool(*args).err)

    def test_colour_and_no_color(self):
        self.assertNotIn("\x1b", self.gwtool("nonsense").err)
        r = self.gwtool("--color", "always", "nonsense", "--help")
        self.assertNotIn("\x1b", r.out)

    def test_a_foreign_openssl_configuration_is_not_read(self):
        conf = self.file("openssl.cnf",
                         "openssl_conf = x\n[x]\nengines = y\n[y]\nz = w\n[w]\n"
                         "dynamic_path = %s\ninit = 1\n" % self.path("evil.so"))
        r = self.gwtool("--version", env=cli.clean_env(OPENSSL_CONF=conf))
        self.assert_run(r, 0, err="")
        if os.access("/usr/bin/strace", os.X_OK):
            r = subprocess.run(["strace", "-f", "-e", "trace=openat,open", cli.GWTOOL, "--version"],
                               stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, check=False,
                               env=cli.clean_env(OPENSSL_CONF=conf))
            self.assertNotIn(b"openssl.cnf", r.stderr)

    def test_what_is_written_is_not_writable_by_everybody(self):
        out = self.path("out")
        os.mkdir(out)
        r = cli.run(["sh", "-c", 'umask 0; "$0" gen completions --output "$1"', cli.GWTOOL, out])
        self.assert_run(r, 0, out="", err="")
        for name in os.listdir(out):
            self.assertEqual(os.stat(os.path.join(out, name)).st_mode & 0o002, 0)

    def test_a_failure_leaves_nothing_half_written(self):
        r = self.gwtool("gen", "completions", "--output", self.path("missing"))
        self.assert_error(r, 1, self.path("missing"))
        self.assert_missing(self.path("missing"))


if __name__ == "__main__":
    cli.main()
