"""--help and --version of every command, and what is not listed."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli


def commands_of(text):
    """The names in the list "commands:" of a help text."""
    if "\ncommands:\n" not in text:
        return []
    block = text.split("\ncommands:\n")[1].split("\n\n")[0]
    return [m.group(1) for m in re.finditer(r"^  ([a-z][\w-]*)", block, re.M)]


class Help(cli.TestCase):
    asked = {}  # the run of each command's --help, by its path

    def help_of(self, *path):
        if path not in self.asked:
            self.asked[path] = self.gwtool(*path, "--help")
        return self.asked[path]

    def every_command(self, path=()):
        yield path
        for name in commands_of(self.help_of(*path).out):
            yield from self.every_command((*path, name))

    def test_every_command_has_help(self):
        paths = list(self.every_command())
        self.assertGreater(len(paths), 1)
        for path in paths:
            r = self.help_of(*path)
            self.assert_run(r, 0, err="")
            self.assertTrue(r.out.startswith(" ".join(("gwtool", *path)) + ": "), r.out)
            self.assertIn("usage: " + " ".join(("gwtool", *path)), r.out)
            self.assertEqual(self.gwtool(*path, "-h").out, r.out)
            self.assertEqual(self.gwtool("help", *path).out, r.out)
            for line in r.lines:
                self.assertEqual(line, line.rstrip())
                if "gwtool " not in line:
                    self.assertLessEqual(len(line), 80, line)
            options = re.findall(r"^  (?:-\w, |    )--([\w-]+)", r.out, re.M)
            self.assertEqual(sorted(set(options)), sorted(options))
            # What an option does is said for every one of them.
            for m in re.finditer(r"^  (?:-\w, |    )--(\S+)(.*)\n(.*)", r.out, re.M):
                self.assertRegex(m.group(2) + m.group(3), r"[a-z]{3}", "--" + m.group(1))

    def test_hidden_commands_are_not_listed(self):
        self.assertNotIn("gen", commands_of(self.help_of().out))
        self.assert_run(self.gwtool("gen", "--help"), 0)

    def test_version(self):
        r = self.gwtool("--version")
        self.assert_run(r, 0, err="")
        self.assertRegex(r.out, r"\Agwtool \d+\.\d+\.\d+\n\Z")

    def test_options_are_spelled_the_same_everywhere(self):
        for path in self.every_command():
            for m in re.finditer(r"^  (?:-\w, |    )--(\S+)", self.help_of(*path).out, re.M):
                self.assertRegex(m.group(1), r"\A[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")


if __name__ == "__main__":
    cli.main()
