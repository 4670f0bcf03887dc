"""What gwtool says of itself: its version with all that is in it, and the shells' completions."""

import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli


class About(cli.TestCase):
    def test_version_names_all_that_is_linked(self):
        r = self.gwtool("version")
        self.assert_run(r, 0, err="")
        self.assertEqual(r.lines[0] + "\n", self.gwtool("--version").out)
        rows = dict(line.split(None, 1) for line in r.lines[1:])
        for name in ("OpenSSL", "libsodium", "SQLite", "curl", "nghttp2", "unbound", "ldns", "zlib"):
            self.assertRegex(rows[name], r"\A\d+\.\d+")
        for fact in ("compiler", "build", "platform"):
            self.assertTrue(rows[fact])

        self.assertEqual("gwtool " + self.gwtool("--version", "--json").json["version"] + "\n",
                         self.gwtool("--version").out)
        r = self.gwtool("version", "--json")
        self.assert_run(r, 0, err="")
        facts = r.json
        self.assertEqual("gwtool " + facts["version"], self.gwtool("--version").out.strip())
        self.assertEqual({k: facts[k] for k in ("compiler", "build", "platform")},
                         {k: rows[k] for k in ("compiler", "build", "platform")})
        self.assertEqual({lib["name"]: lib["version"] for lib in facts["libraries"]},
                         {k: v for k, v in rows.items() if k not in facts})
        # What is asked at run time is what was compiled against, where its headers say so.
        header = "/usr/include/sqlite3.h"
        if os.path.exists(header):
            with open(header, encoding="utf-8") as f:
                built = re.search(r'#define SQLITE_VERSION +"([^"]+)"', f.read()).group(1)
            self.assertEqual(rows["SQLite"], built)

    def test_every_library_that_is_linked_is_named(self):
        named = {lib["name"].lower() for lib in self.gwtool("version", "--json").json["libraries"]}
        with open(os.path.join(cli.SOURCE, "cmake", "dependencies.cmake"), encoding="utf-8") as f:
            wanted = re.findall(r"^gw_dependency\((\S+)", f.read(), re.M)
        self.assertTrue(wanted)
        for name in wanted:
            self.assertTrue(any(name in n for n in named), "%s is not in gwtool version" % name)

    def test_completion_prints_what_is_installed(self):
        for shell, name in (("bash", "gwtool.bash"), ("zsh", "_gwtool"), ("fish", "gwtool.fish")):
            r = self.gwtool("completion", shell)
            self.assert_run(r, 0, err="")
            with open(os.path.join(cli.SOURCE, "completions", name), encoding="utf-8") as f:
                self.assertEqual(r.out, f.read())
            if shutil.which(shell):
                self.assert_run(cli.run([shell, "-n", self.file(name, r.out)]), 0, err="")

    def test_other_shells_have_none(self):
        self.assert_error(self.gwtool("completion", "bsh"), 2, 'unknown command "bsh"',
                          "did you mean gwtool completion bash?")
        self.assert_error(self.gwtool("completion"), 2, "gwtool completion needs a command")


if __name__ == "__main__":
    cli.main()
