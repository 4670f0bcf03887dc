"""The manual's description of the JSON documents: complete, and a rule that can fail. All that
tests make the commands print is held against it (tests/support/cli.py)."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import json_docs

TYPES = {"string", "number", "boolean", "null", "any"}
# They print scripts, or run until they are stopped.
WITHOUT = {"completion bash", "completion zsh", "completion fish", "completion", "build serve"}
# They do something of their own beside their subcommands.
BOTH = {"vanity-lookup", "build"}


class Description(cli.TestCase):
    def test_every_type_is_one(self):
        used = set()
        for name, fields in json_docs.DESCRIBED.items():
            self.assertTrue(fields, name)
            for path, types in fields.items():
                named = {t for t in types if t.isupper()}
                self.assertLessEqual(types - named, TYPES, (name, path))
                self.assertLessEqual(named, set(json_docs.DESCRIBED), (name, path))
                self.assertLessEqual(len(named), 1, (name, path))
                used |= named
        self.assertEqual(used, {n for n in json_docs.DESCRIBED if n.isupper()})

    def test_every_command_has_one(self):
        def listed(*args):
            text = self.gwtool(*args, "--help").out.split("commands:")
            return re.findall(r"(?m)^  ([a-z-]+) +\S", text[1].split("\n\n")[0]) if text[1:] else []
        commands = set()
        for command in listed():
            if not listed(command) or command in BOTH:
                commands.add(command)
            for sub in listed(command):
                below = ["%s %s" % (sub, x) for x in listed(command, sub)] or [sub]
                commands |= {"%s %s" % (command, x) for x in below}
        commands = {c for c in commands if c not in WITHOUT}
        self.assertGreater(len(commands), 12)
        described = {" ".join(w for w in n.split(" ") if not w.startswith("--"))
                     for n in json_docs.DESCRIBED if not n.isupper()}
        self.assertEqual(commands, described - {"", "an error"})

    def test_every_field_is_made_somewhere(self):
        # A description of what is printed no more would go unseen: a document may lack a field.
        words = set()
        for folder in ("lib", "cmd"):
            for at, _, names in os.walk(os.path.join(os.environ["GW_SOURCE"], folder)):
                for name in names:
                    with open(os.path.join(at, name), encoding="utf-8") as f:
                        words |= set(re.findall(r'"([A-Za-z0-9_-]+)\\?"', f.read()))
        fields = [(name, path, part) for name, paths in json_docs.DESCRIBED.items() for path in paths
                  for part in re.split(r"[.\[\]]+", path) if part not in ("", "*")]
        self.assertGreater(len(fields), 300)
        self.assertEqual([f for f in fields if f[2] not in words], [])

    def test_the_rule_can_fail(self):
        good = {"version": "x", "compiler": "x", "build": "x", "platform": "x",
                "libraries": [{"name": "x", "version": "1"}]}
        json_docs.check("version", good)
        for change in ({"more": 1}, {"version": 1}, {"version": None}, {"version": ["x"]},
                       {"version": {}}, {"libraries": [{"name": "x", "odd": 1}]}, {"libraries": ["x"]},
                       {"libraries": "x"}):
            with self.subTest(change), self.assertRaises(AssertionError):
                json_docs.check("version", {**good, **change})
        with self.assertRaises(AssertionError):
            json_docs.check("check gosum", {"files": [{"errors": [{"kind": 1}]}]})
        json_docs.check("serve-dns status", {"counters": {"whatever": 1}})
        with self.assertRaises(AssertionError):
            json_docs.check("serve-dns status", {"counters": {"whatever": "1"}})

    def test_names_are_found(self):
        for args, name in ((["version", "--json"], "version"), (["--version", "--json"], "--version"),
                           (["--json", "check", "module", "x"], "check module"),
                           (["vanity-lookup", "--list", "x"], "vanity-lookup --list"),
                           (["vanity-lookup", "zone", "x"], "vanity-lookup zone"),
                           (["vanity-lookup", "x.org/zone"], "vanity-lookup"),
                           (["serve-dns", "key", "ds"], "serve-dns key ds"),
                           (["follow-tlog", "--status", "--once"], "follow-tlog --status"),
                           (["completion", "bash"], None)):
            self.assertEqual(json_docs.document_of(args), name, args)

    def test_the_version(self):
        self.assertIn("version", self.gwtool("version", "--json").json)
        self.assertIn("version", self.gwtool("--version", "--json").json)


if __name__ == "__main__":
    cli.main()
