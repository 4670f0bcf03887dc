"""man/, completions/ and the sample configuration are what the option tree makes today."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Docs(cli.TestCase):
    def compare(self, kind, committed, *more):
        r = self.gwtool("gen", kind, "--output", self.dir, *more)
        self.assert_run(r, 0, out="", err="")
        made = sorted(os.listdir(self.dir))
        self.assertTrue(made)
        there = sorted(f for f in os.listdir(os.path.join(cli.SOURCE, committed))
                       if os.path.isfile(os.path.join(cli.SOURCE, committed, f)))
        self.assertEqual(made, there, "in the root of the tree: gwtool gen %s" % kind)
        for name in made:
            self.assertEqual(read(self.path(name)), read(os.path.join(cli.SOURCE, committed, name)),
                             "%s is stale; in the root of the tree: gwtool gen %s" % (name, kind))

    def test_manual_pages_are_current(self):
        # A page that need not change keeps its date.
        for page in os.listdir(os.path.join(cli.SOURCE, "man")):
            if page.endswith((".1", ".7")):
                shutil.copy(os.path.join(cli.SOURCE, "man", page), self.dir)
        self.compare("man", "man", "--sections", os.path.join(cli.SOURCE, "man", "sections"))

    def test_completions_are_current(self):
        self.compare("completions", "completions")

    def test_sample_configuration_is_current_and_valid(self):
        r = self.gwtool("gen", "config")
        self.assert_run(r, 0, err="")
        self.assertEqual(r.out, read(os.path.join(cli.SOURCE, "tests", "golden", "config.toml")),
                         "in the root of the tree: gwtool gen config >tests/golden/config.toml")
        sample = self.file("sample.toml", r.out)
        self.assert_run(self.gwtool("--check-config", "--config", sample), 0, out="", err="")

    def test_manual_pages_are_clean(self):
        man = os.path.join(cli.SOURCE, "man")
        pages = sorted(f for f in os.listdir(man) if f.endswith((".1", ".7")))
        for page in pages:
            r = cli.run(["mandoc", "-T", "lint", "-W", "style", page], cwd=man)
            # A page beside it that is not installed yet is no fault.
            bad = [line for line in r.lines + r.err.splitlines()
                   if "referenced manual not found" not in line]
            self.assertEqual(bad, [])
            text = cli.run(["mandoc", "-T", "ascii", page], cwd=man).out
            synopsis = ("SYNOPSIS",) if page.endswith(".1") else ()
            for heading in ("NAME", *synopsis, "DESCRIPTION", "SEE ALSO"):
                self.assertIn(heading[0] + "\b" + heading[0], text)
        # Each template belongs to a page.
        for name in os.listdir(os.path.join(man, "sections")):
            page = name.removesuffix(".mdoc")
            self.assertTrue({page + ".1", page + ".7"} & {*pages}, name)

    def test_a_page_is_dated_when_its_text_changes(self):
        made = ("gen", "man", "--output", self.dir, "--sections", self.path("none"))
        self.assert_run(self.gwtool(*made), 0)
        page = self.path("gwtool-check.1")
        text = read(page)
        today = text.split("\n.Dd ")[1].split("\n")[0]
        then = text.replace(today, "June 1, 1999")
        for old, new in ((then, then), (then + "An old line.\n", text)):
            self.file("gwtool-check.1", old)
            self.assert_run(self.gwtool(*made), 0)
            self.assertEqual(read(page), new)

    def test_bash_completes(self):
        script = os.path.join(cli.SOURCE, "completions", "gwtool.bash")

        def complete(*words):
            code = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gwtool; ' \
                   'printf "%s\\n" "${COMPREPLY[@]}"'
            r = cli.run(["bash", "-c", code, "bash", script, *words], cwd=self.dir)
            self.assert_run(r, 0, err="")
            return r.out.split()

        # Every command and option that help lists is completed.
        helped = self.gwtool("--help").out
        commands = [line.split()[0] for line in
                    helped.split("commands:\n")[1].split("\n\n")[0].splitlines()
                    if line.startswith("  ") and line[2] != " "]
        self.assertTrue(commands)
        for command in commands:
            self.assertIn(command, complete("gwtool", command[:3]))
        self.assertEqual(complete("gwtool", "--col"), ["--color"])
        self.assertEqual(complete("gwtool", "--color", "a"), ["auto", "always"])
        self.file("some-file.toml", "")
        self.assertEqual(complete("gwtool", "--config", "some"), ["some-file.toml"])
        self.assertNotIn("gen", complete("gwtool", ""))
        # as bash takes --option=VALUE and ORIGIN=FILE apart
        for words in (["--config", "=", "some"], ["--config", "="], ["check", "gomod", "some"],
                      ["check", "gosum", "--db", "=", "some"], ["vanity-lookup", "zone", "some"],
                      ["serve-dns", "--zone-file", "example.org", "=", "some"],
                      ["serve-dns", "--zone-file", "=", "example.org", "=", "some"],
                      ["serve-dns", "--zone-file", "=", "example.org", "="],
                      ["follow-tlog", "--compare-latest", "some"]):
            with self.subTest(words):
                self.assertEqual(complete("gwtool", *words), ["some-file.toml"])
        self.assertEqual(complete("gwtool", "--color", "=", "a"), ["auto", "always"])
        self.assertEqual(complete("gwtool", "--color", "="), ["auto", "always", "never"])
        self.assertIn("root", complete("gwtool", "serve-dns", "--user", "ro"))
        self.assertEqual(complete("gwtool", "--co", "=", "x"), [])

    def test_other_shells_parse_theirs(self):
        for shell, name in (("zsh", "_gwtool"), ("fish", "gwtool.fish")):
            if shutil.which(shell):
                subprocess.run([shell, "-n", os.path.join(cli.SOURCE, "completions", name)],
                               check=True)


if __name__ == "__main__":
    cli.main()
