"""Every source is formatted as .clang-format says, every script parses."""

import os
import subprocess
import sys
import unittest

SOURCE = os.environ.get(
    "GW_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def tracked(*suffixes):
    out = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z"], stdout=subprocess.PIPE,
                         check=False).stdout.decode()
    names = [n for n in out.split("\0") if n]
    if not names:
        for base, dirs, files in os.walk(SOURCE):
            dirs[:] = [d for d in dirs if d not in ("build", ".git")]
            names += [os.path.relpath(os.path.join(base, f), SOURCE) for f in files]
    return [n for n in sorted(names)
            if n.endswith(suffixes) and os.path.isfile(os.path.join(SOURCE, n))]


class Format(unittest.TestCase):
    def test_clang_format(self):
        files = tracked(".cc", ".h")
        self.assertGreater(len(files), 20)
        r = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], cwd=SOURCE,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        bad = sorted({line.split(":")[0] for line in r.stdout.decode().splitlines()
                      if "error:" in line})
        self.assertEqual(r.returncode, 0, "run clang-format -i on: %s" % " ".join(bad))

    def test_shell_scripts_parse(self):
        for name in tracked(".sh") + [n for n in (".ci/run",)
                                      if os.path.exists(os.path.join(SOURCE, n))]:
            subprocess.run(["sh", "-n", os.path.join(SOURCE, name)], check=True)

    def test_python_parses(self):
        for name in tracked(".py"):
            with open(os.path.join(SOURCE, name), encoding="utf-8") as f:
                compile(f.read(), name, "exec")

    def test_no_trailing_blanks_or_tabs(self):
        for name in tracked(".py", ".sh", ".md", ".txt", ".cmake", ".json"):
            if name.startswith(("tests/data/", "tests/fuzz/corpus/")):
                continue
            with open(os.path.join(SOURCE, name), encoding="utf-8") as f:
                for number, line in enumerate(f, 1):
                    self.assertEqual(line.rstrip("\n"), line.rstrip(), "%s:%d" % (name, number))
                    if not name.endswith(".py"):  # a script may hold Go
                        self.assertNotIn("\t", line, "%s:%d" % (name, number))


if __name__ == "__main__":
    sys.exit(unittest.main())
