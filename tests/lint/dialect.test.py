"""One dialect: what has two spellings in C++ has one here, and no reviewer has to say so.

(That a local which does not change is const is not checked: clang-tidy 14, Debian's, has no check
for it.)"""

import os
import re
import sys
import unittest

SOURCE = os.environ.get(
    "GW_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# `i++` whose value nobody uses: a statement, a part of a for's head.
POSTFIX = re.compile(r"(?:^\s*|[;,{)] |\belse )[A-Za-z_][\w.]*(?:->\w+|\[[^\]]*\]|\.\w+)*"
                     r"(?:\+\+|--)(?=[;),])")
BLANKED = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
                     r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])'|//[^\n]*|/\*.*?\*/", re.S)


def sources(*roots):
    for root in roots:
        for base, dirs, files in sorted(os.walk(os.path.join(SOURCE, root))):
            dirs.sort()
            for name in sorted(files):
                if name.endswith((".cc", ".h")):
                    path = os.path.join(base, name)
                    with open(path, encoding="utf-8") as f:
                        yield os.path.relpath(path, SOURCE), f.read()


def code_of(text):
    """The text with the insides of its strings and its comments blanked, lines kept."""
    def blank(match):
        found = match.group(0)
        if found.startswith(("'", '"')):
            return found[0] + " " * (len(found) - 2) + found[-1]
        return re.sub(r"[^\n]", " ", found)
    return BLANKED.sub(blank, text)


def postfixes(text):
    return [number for number, line in enumerate(code_of(text).splitlines(), 1)
            if POSTFIX.search(line)]


class Dialect(unittest.TestCase):
    def test_increments_stand_in_front(self):
        found = ["%s:%d" % (path, n) for path, text in sources("lib", "cmd", "tests")
                 for n in postfixes(text)]
        self.assertEqual(found, [], "write ++i where the old value is not used")

    def test_the_rules_find_what_they_forbid(self):
        for line in ("for (int i = 0; i < n; i++) f(i);", "  count_++;", "if (x) a.b--;",
                     "  s->n[i].m++;", "for (; a; i++, j--) {"):
            self.assertEqual(postfixes(line), [1], line)
        for line in ("for (int i = 0; i < n; ++i) f(i);", "const auto id = next_++;", "a[n++] = b;",
                     'text = "x; i++;";', "f(n++);", "// then n++;"):
            self.assertEqual(postfixes(line), [], line)


if __name__ == "__main__":
    sys.exit(unittest.main())
