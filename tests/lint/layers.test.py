"""The rules of the house, checked from the sources: layers, one door for each library, no printing
or ending in the library, sizes, heads, and nothing that names the machine it was written on.

Each rule is a function from (path, text) to complaints, tried on bad examples first: a rule that
cannot fail checks nothing.
"""

import os
import re
import subprocess
import sys
import unittest

SOURCE = os.environ.get(
    "GW_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# What a room may include, room by room; a room may always include itself. lib/README.md says what each
# is for.
LAYERS = {
    "base": "",
    "os": "base",
    "sqlite": "base",
    "module": "base",
    "tlog": "base os module",
    "dns": "base module",
    "http": "base os",
    "net": "base os module tlog dns",
    "store": "base os module tlog sqlite",
    "update": "base module",
    "follow": "base os tlog net store",
    "dnsd": "base os module dns http store",
    "check": "base os module tlog dns net store",
    "vanity": "base os module dns net",
    "build": "base os module tlog net http",
    "buildd": "base os module tlog net build http sqlite",
    "supervise": "base os module tlog dns net http update build",
}
LAYERS = {room: set(rooms.split()) for room, rooms in LAYERS.items()}

# Third-party headers and the only files that may include them.
DOORS = [
    (r"sqlite3\.h", r"lib/sqlite/"),
    (r"curl/", r"lib/net/http"),
    (r"unbound\.h|event2/", r"lib/net/resolver"),
    (r"ldns/", r"lib/dns/"),
    (r"openssl/", r"lib/base/crypto|lib/http/tls\.cc|lib/net/http_certificate\.cc"),
    (r"boost/", r"lib/http/server(_\w+)?\.cc"),
    (r"sodium", r"lib/base/crypto"),
    (r"nlohmann/", r"lib/base/json"),
    (r"seccomp\.h", r"lib/os/seccomp\.cc"),
    (r"linux/landlock\.h", r"lib/os/landlock\.cc"),
    (r"sys/capability\.h", r"lib/os/capability\.cc"),
    (r"yaml\.h", r"lib/vanity/"),
    (r"zlib\.h|minizip", r"lib/module/"),
    (r"CLI/", r"cmd/frame/parser\.cc"),
    (r"toml\+\+/", r"cmd/frame/config\.cc"),
]

# The same for what has no library and no header, but system calls by their numbers.
CALL_DOORS = [
    (r"\b(SYS|__NR)_landlock_\w+", r"lib/os/landlock\.cc"),
]

# The one file that may include them all, to ask each for its version.
ASKS_VERSIONS = "cmd/version.cc"

# What cmd/frame may include. The files beside it, one a command, may include it and every room of
# lib/; of each other only what they share: the list of commands and groups of options (*_group.h).
# A command of two files has its name in both: serve_dns.cc and serve_dns_options.cc.
FRAME = {"frame", "base", "os"}
SHARED_BY_COMMANDS = {"commands", "groups"}

# Not in lib/: only cmd/ prints, and only main ends the process.
FORBIDDEN_IN_LIB = [
    (r"\bstd::(cout|cerr|clog|cin)\b", "prints"),
    (r"(?<![\w:.>])(std::|::)?(printf|fprintf|puts|fputs|putchar|perror)\s*\(", "prints"),
    (r"(?<![\w.>])(std::|::)?(_exit|exit|quick_exit|_Exit|terminate)\s*\(", "ends the process"),
    (r"(?<![\w.>])(std::|::)?abort\s*\(", "aborts"),
    (r"\bthrow\b(?!\(\))", "throws"),
    (r"\bstd::locale\s*\(", "depends on the host's locales"),
    (r"(?<![\w:.>])(std::|::)?system\s*\(\s*[\"a-z]", "runs a shell"),
]
# Exceptions from them, each with its reason.
ALLOWED_IN_LIB = {
    ("lib/base/result.h", "aborts"): "a Result's precondition is the caller's, not input",
    ("lib/base/crypto.cc", "aborts"): "without random numbers or a digest nothing may go on",
    ("lib/dnsd/epochs.cc", "aborts"): "more threads than slots: a defect, found at start",
    ("lib/os/pages.cc", "aborts"): "no memory, as operator new",
    ("lib/dnsd/module_index.cc", "aborts"): "preconditions; names are bounded before",
    ("lib/tlog/head_tree.cc", "aborts"): "a precondition on our own hashes",
    ("lib/tlog/tree.cc", "aborts"): "a precondition on our own hashes",
}

MACHINE = re.compile(r"(?<![\w.])/(work|root)/|/tmp/(brief|h[A-Z]\b)|/home/\w+")

# A file that lib/README.md names: with its folder, or alone in the row of its room.
NAMED = re.compile(r"`((?:\w+/)*[\w-]+\.(?:h|cc|py|txt))`|`((?:\w+/)+)`")

LONG_FILE = 600       # lines; more needs "Long because" in the head
LONG_FUNCTION = 60    # most functions are shorter
HUGE_FUNCTION = 120   # none is longer


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8", errors="surrogateescape") as f:
        return f.read()


def tracked(*patterns):
    out = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z", "--", *patterns],
                         stdout=subprocess.PIPE, check=False)
    names = [n for n in out.stdout.decode().split("\0") if n]
    if not names:  # not a git checkout: everything that is there
        for base, dirs, files in os.walk(SOURCE):
            dirs[:] = [d for d in dirs if d not in ("build", ".git")]
            names += [os.path.relpath(os.path.join(base, f), SOURCE) for f in files]
        names = [n for n in names
                 if not patterns or any(n.startswith(p.rstrip("*")) for p in patterns)]
    return [n for n in names if os.path.isfile(os.path.join(SOURCE, n))]


def without_comments(text):
    """Code only: comments and the insides of literals blanked, lines kept."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                       re.S)

    def blank(m):
        kept = "\n" * m.group(0).count("\n")
        return kept if m.group(0).startswith("/") else '""' + kept
    return token.sub(blank, text)


def includes(text):
    return [(m.group(1), m.group(2)) for m in
            re.finditer(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', text, re.M)]


def layer_complaints(path, text):
    m = re.match(r"lib/(\w+)/", path)
    out = []
    for kind, name in includes(text):
        room = name.split("/")[0] if kind == '"' and "/" in name else None
        if m and kind == '"':
            if room is None:
                out.append("%s includes \"%s\": rooms are named in includes" % (path, name))
            elif room != m.group(1) and room not in LAYERS.get(m.group(1), set()):
                out.append("%s (%s) includes %s" % (path, m.group(1), name))
        if m and m.group(1) not in LAYERS:
            out.append("%s: a room without a place in the layers" % path)
        if path.startswith("cmd/frame/") and kind == '"':
            if room not in FRAME:
                out.append("%s includes %s: the frame knows no command" % (path, name))
        elif path.startswith("cmd/") and kind == '"' and room is None:
            own = os.path.splitext(os.path.basename(path))[0]
            other = os.path.splitext(name)[0]
            shared = other in SHARED_BY_COMMANDS or other.endswith("_group")
            if not shared and not (other + "_").startswith(own + "_"):
                out.append("%s includes %s: commands never include each other" % (path, name))
    return out


def door_complaints(path, text):
    out = []
    for _, name in includes(text):
        for header, door in DOORS:
            if re.match(header, name) and not re.match(door, path) and path != ASKS_VERSIONS:
                out.append("%s includes %s, whose door is %s" % (path, name, door))
    return out


def call_complaints(path, text):
    return ["%s:%d: %s, whose door is %s" % (path, number, m.group(0), door)
            for number, line in enumerate(without_comments(text).split("\n"), 1)
            for call, door in CALL_DOORS for m in re.finditer(call, line) if not re.match(door, path)]


def library_complaints(path, text):
    out = []
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        for pattern, what in FORBIDDEN_IN_LIB:
            if re.search(pattern, line) and (path, what) not in ALLOWED_IN_LIB:
                out.append("%s:%d: %s" % (path, number, what))
    return out


def machine_complaints(path, text):
    return ["%s:%d: names a path of the machine: %s" % (path, n, line.strip()[:80])
            for n, line in enumerate(text.split("\n"), 1) if MACHINE.search(line)]


def head_complaints(path, text):
    out = []
    if path.endswith(".h"):
        if "#pragma once" not in text:
            out.append("%s: no #pragma once" % path)
        if not text.startswith("// "):
            out.append("%s: a header begins with what it is for" % path)
    lines = text.count("\n")
    if lines > LONG_FILE and not re.search(r"[Ll]ong because", "\n".join(text.split("\n")[:40])):
        out.append("%s: %d lines without a reason in its head (Long because ...)" % (path, lines))
    return out


def guide_complaints(text, exists):
    """What lib/README.md has of rooms and files that is not so. `exists` tells of a path."""
    rooms = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", text, re.M))
    out = ["no row for the room %s" % room for room in LAYERS if room not in rooms]
    out += ["a row for %s, which is no room" % room for room in rooms if room not in LAYERS]
    for room, first in rooms.items():
        out += ["%s has no %s" % (room, name) for name in re.findall(r"`([^`]+)`", first)
                if not exists("lib/%s/%s" % (room, name))]
    for file, folder in NAMED.findall(text[text.find("## Where a change belongs"):]):
        path = file or folder
        if "/" in path and "NAME" not in path and not exists(path) and not exists("lib/" + path):
            out.append("%s is not there" % path)
    return out


def functions(text):
    """(name, lines) of the functions whose body ends with a brace in the first column."""
    out = []
    start = None
    name = ""
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        if line and line[0] not in " \t#}/":
            if start is None or not line.startswith(("{",)):
                start, name = number, line
            if line.startswith(("namespace", "extern")):
                start = None
        if line == "}" and start is not None:
            if "(" in name and not re.match(r"(class|struct|enum|union|constexpr|const|static const)\b",
                                            name):
                out.append((name.strip(), number - start + 1))
            start = None
    return out


class RulesCanFail(unittest.TestCase):
    def test_bad_examples(self):
        bad = [
            (layer_complaints, "lib/tlog/a.cc", '#include "net/http.h"\n'),
            (layer_complaints, "lib/base/a.cc", '#include "tlog/note.h"\n'),
            (layer_complaints, "lib/dnsd/a.cc", '#include "follow/loop.h"\n'),
            (layer_complaints, "lib/net/a.cc", '#include "store/reader.h"\n'),
            (layer_complaints, "lib/store/a.cc", '#include "reader.h"\n'),
            (layer_complaints, "lib/nowhere/a.cc", '#include <string>\n'),
            (layer_complaints, "cmd/check.cc", '#include "follow_tlog.h"\n'),
            (layer_complaints, "cmd/follow_tlog.cc", '#include "serve_dns_options.h"\n'),
            (layer_complaints, "cmd/frame/help.cc", '#include "groups.h"\n'),
            (layer_complaints, "cmd/frame/help.cc", '#include "net/http.h"\n'),
            (door_complaints, "lib/dnsd/a.cc", "#include <sqlite3.h>\n"),
            (door_complaints, "lib/net/source.cc", "#include <curl/curl.h>\n"),
            (door_complaints, "cmd/check.cc", "#include <CLI/CLI.hpp>\n"),
            (door_complaints, "lib/http/server.h", "#include <boost/asio.hpp>\n"),
            (door_complaints, "lib/http/server.cc", "#include <openssl/ssl.h>\n"),
            (door_complaints, "lib/check/a.cc", "#include <nlohmann/json.hpp>\n"),
            (door_complaints, "lib/os/sandbox.cc", "#include <linux/landlock.h>\n"),
            (call_complaints, "lib/os/sandbox.cc", "  ::syscall(SYS_landlock_restrict_self, fd, 0);\n"),
            (call_complaints, "cmd/check.cc", "long n = __NR_landlock_add_rule;\n"),
            (library_complaints, "lib/net/a.cc", "  std::cerr << 1;\n"),
            (library_complaints, "lib/net/a.cc", '  fprintf(stderr, "x");\n'),
            (library_complaints, "lib/net/a.cc", "  exit(1);\n"),
            (library_complaints, "lib/net/a.cc", "  std::abort();\n"),
            (library_complaints, "lib/net/a.cc", '  throw std::runtime_error("x");\n'),
            (machine_complaints, "README.md", "cd /work/" + "main\n"),
            (head_complaints, "lib/net/a.h", "#pragma once\n"),
            (head_complaints, "lib/net/a.h", "// For x.\n"),
            (head_complaints, "lib/net/a.cc", "\n" * 700),
        ]
        for rule, path, text in bad:
            self.assertTrue(rule(path, text), "%s finds nothing in %r" % (rule.__name__, text[:60]))

    def test_good_examples(self):
        good = [
            (layer_complaints, "lib/dnsd/a.cc", '#include "store/reader.h"\n#include <string>\n'),
            (layer_complaints, "cmd/check.cc",
             '#include "frame/options.h"\n#include "check/run.h"\n'),
            (layer_complaints, "cmd/frame/help.cc", '#include "frame/tree.h"\n'),
            (layer_complaints, "cmd/serve_dns.cc", '#include "serve_dns_options.h"\n'),
            (layer_complaints, "cmd/serve_dns_options.cc", '#include "serve_dns_options.h"\n'),
            (door_complaints, "lib/net/http.cc", "#include <curl/curl.h>\n"),
            (call_complaints, "lib/os/landlock.cc", "  ::syscall(SYS_landlock_restrict_self, fd, 0);\n"),
            (call_complaints, "lib/os/confine.cc", "  // not SYS_landlock_add_rule\n  landlock_abi();\n"),
            (library_complaints, "lib/net/a.cc", '// exit(1)\n  snprintf(b, 1, "exit(1)");\n'),
            (library_complaints, "lib/net/a.cc", "  worker.exit(1); on_exit_(2); lib::system(x);\n"),
            (machine_complaints, "README.md", "see lib/work/x and /tmp/work\n"),
            (head_complaints, "lib/a.cc", "// Long because of a table.\n" + "\n" * 700),
        ]
        for rule, path, text in good:
            self.assertEqual(rule(path, text), [], rule.__name__)

    def test_a_guide_that_is_not_so(self):
        rows = "".join("| `%s` | what | `a.h` |\n" % room for room in LAYERS)
        belongs = "## Where a change belongs\n| it | `base/a.h`, `tests/support/` |\n"

        def complaints(text, *missing):
            return guide_complaints(text, lambda path: path not in missing)
        self.assertEqual(complaints(rows + belongs, "base/a.h", "lib/tests/support/"), [])
        self.assertTrue(complaints(rows.replace("`dns`", "`dms`") + belongs))
        self.assertTrue(complaints(rows + belongs, "lib/dns/a.h"))
        self.assertTrue(complaints(rows + belongs, "base/a.h", "lib/base/a.h"))
        self.assertTrue(complaints(rows + belongs, "tests/support/", "lib/tests/support/"))

    def test_functions_are_measured(self):
        text = "namespace {\n\nint f(int a,\n      int b) {\n  return a;\n}\n\nstruct S {\n  int x;\n};\n}\n"
        self.assertEqual([n for _, n in functions(text)], [4])


class Sources(unittest.TestCase):
    def code(self):
        return [p for p in tracked("lib", "cmd") if p.endswith((".h", ".cc", ".inc"))]

    def none(self, rule, paths):
        complaints = [c for p in paths for c in rule(p, read(p))]
        self.assertEqual(complaints, [], "\n" + "\n".join(complaints))

    def test_there_is_something_to_check(self):
        self.assertGreater(len(self.code()), 20)

    def test_layers(self):
        self.none(layer_complaints, self.code())

    def test_no_room_may_include_what_it_does_not(self):
        used = {room: set() for room in LAYERS}
        for path in self.code():
            if path.startswith("lib/"):
                used[path.split("/")[1]] |= {name.split("/")[0] for kind, name in includes(read(path))
                                             if kind == '"'}
        self.assertEqual({room: sorted(allowed - used[room]) for room, allowed in LAYERS.items()
                          if allowed - used[room]}, {})

    def test_the_guide(self):
        self.assertEqual(guide_complaints(read("lib/README.md"), lambda path: os.path.exists(
            os.path.join(SOURCE, path))), [])

    def test_one_door_for_each_library(self):
        self.none(door_complaints, self.code())
        self.none(call_complaints, self.code())

    def test_the_library_neither_prints_nor_ends_nor_throws(self):
        self.none(library_complaints, [p for p in self.code() if p.startswith("lib/")])

    def test_heads_and_sizes(self):
        self.none(head_complaints, self.code())

    def test_function_sizes(self):
        sizes = [(n, name, p) for p in self.code() for name, n in functions(read(p))]
        long = sorted(s for s in sizes if s[0] > LONG_FUNCTION)
        self.assertEqual([s for s in long if s[0] > HUGE_FUNCTION], [])
        self.assertLessEqual(len(long), max(2, len(sizes) // 20), "\n".join(map(str, long)))

    def test_most_files_are_short(self):
        sizes = sorted((read(p).count("\n"), p) for p in self.code())
        long = [s for s in sizes if s[0] > 300]
        self.assertLessEqual(len(long), max(2, len(sizes) // 6), "\n".join(map(str, long)))

    def test_nothing_names_the_machine(self):
        self.none(machine_complaints,
                  [p for p in tracked() if not p.startswith(("tests/data/", "tests/fuzz/corpus/"))
                   and p != "tests/lint/layers.test.py"])


if __name__ == "__main__":
    unittest.main()
