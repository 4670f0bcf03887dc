"""One dialect: what has two spellings in C++ has one here, and no reviewer has to say so.

(That a local which does not change is const is clang-tidy's: cmake/test.sh --tidy.)"""

import os
import re
import sys
import unittest

SOURCE = os.environ.get(
    "GW_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# `i++` whose value nobody uses: a statement, a part of a for's head.
POSTFIX = re.compile(r"(?:^\s*|[;,{)] |\belse )[A-Za-z_][\w.]*(?:->\w+|\[[^\]]*\]|\.\w+)*"
                     r"(?:\+\+|--)(?=[;),])")

# Text of more than two parts is fmt::format's, and so is a number in a text; appending in place
# (`out += part;`, fmt::format_to) is as good.
JOINED = re.compile(r'"\s*"|\' *\'|[-+*/%&|^=!<>]=|\+\+|--|->|&&|\|\||<<|::'
                    r'|std::to_string\b|[A-Za-z_]\w*|\S|\n')
LOOSER = {";", ",", "?", ":", "=", "==", "!=", "<=", ">=", "&&", "||", "<<", "+=", "-=", "return"}
BLANKED = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
                     r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])'|//[^\n]*|/\*.*?\*/", re.S)

# Locks that clang's -Wthread-safety knows nothing of, and the one file that is made of them.
UNCHECKED_LOCK = re.compile(r"\bstd::(?:(?:recursive_|shared_|timed_|recursive_timed_|shared_timed_)?"
                            r"mutex|lock_guard|unique_lock|shared_lock|scoped_lock"
                            r"|condition_variable(?:_any)?)\b")
LOCKS = "lib/base/mutex.h"

# A thread that cannot be had is an error and not an end: one file starts them all.
UNCHECKED_THREAD = re.compile(r"\bstd::(?:thread\b(?!::id)|jthread\b|async\b)|\bpthread_create\b")
THREADS = ("lib/os/thread.h", "lib/os/thread.cc")


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


class Sum:
    """What one + after the other joins, between two operators that bind looser."""

    def __init__(self):
        self.joins, self.literal, self.number, self.line = 0, False, False, None

    def forbidden(self):
        return self.joins > 0 and (self.number or (self.literal and self.joins > 1))


def chains(text):
    """Lines on which a text is joined with + that fmt::format is to make."""
    found, line, before, open_sums = set(), 1, None, [Sum()]

    def end():
        if open_sums[-1].forbidden():
            found.add(open_sums[-1].line)
        open_sums[-1] = Sum()

    for token in JOINED.findall(code_of(text)):
        now = open_sums[-1]
        if token == "\n":
            line += 1
            continue
        if token in LOOSER:
            end()
        elif token in "([{":
            open_sums.append(Sum())
        elif token in ")]}":
            end()
            open_sums[1:] = open_sums[1:-1]
            if token == "}" and open_sums[-1].joins == 0:
                open_sums[-1] = Sum()
        elif token == "+":
            now.joins += before not in LOOSER | {None, "("}
        else:
            now.line = now.line or line
            now.literal |= token[0] in "\"'"
            now.number |= token == "std::to_string"
        line += token.count("\n")
        before = token
    end()
    return sorted(found)


def unchecked_threads(text):
    return [number for number, line in enumerate(code_of(text).splitlines(), 1)
            if UNCHECKED_THREAD.search(line)]


def unchecked_locks(text):
    return [number for number, line in enumerate(code_of(text).splitlines(), 1)
            if UNCHECKED_LOCK.search(line)]


class Dialect(unittest.TestCase):
    def test_increments_stand_in_front(self):
        found = ["%s:%d" % (path, n) for path, text in sources("lib", "cmd", "tests")
                 for n in postfixes(text)]
        self.assertEqual(found, [], "write ++i where the old value is not used")

    def test_texts_of_many_parts_are_formatted(self):
        found = ["%s:%d" % (path, n) for path, text in sources("lib", "cmd")
                 for n in chains(text)]
        self.assertEqual(found, [], "write fmt::format, or append in place")

    # Tests may: clang-tidy does not read them.
    def test_locks_are_those_that_clang_checks(self):
        found = ["%s:%d" % (path, n) for path, text in sources("lib", "cmd") if path != LOCKS
                 for n in unchecked_locks(text)]
        self.assertEqual(found, [], "gw::Mutex, MutexLock and Condition of %s" % LOCKS)

    def test_threads_are_those_that_may_fail(self):
        found = ["%s:%d" % (path, n) for path, text in sources("lib", "cmd")
                 if path not in THREADS for n in unchecked_threads(text)]
        self.assertEqual(found, [], "os::Thread, start_thread() and run_on_threads() of %s" % THREADS[0])

    def test_the_rules_find_what_they_forbid(self):
        for line in ("for (int i = 0; i < n; i++) f(i);", "  count_++;", "if (x) a.b--;",
                     "  s->n[i].m++;", "for (; a; i++, j--) {"):
            self.assertEqual(postfixes(line), [1], line)
        for line in ("for (int i = 0; i < n; ++i) f(i);", "const auto id = next_++;", "a[n++] = b;",
                     'text = "x; i++;";', "f(n++);", "// then n++;"):
            self.assertEqual(postfixes(line), [], line)
        for line in ('f("a" + b + "c");', "  out += a + ' ' + b;", "x = a + std::to_string(n);",
                     'return std::to_string(n) + "ms";', 'std::string s = "a" + f(x, y) + b;',
                     'f(x ? "a" + b + "c" : d);', 'g([&] { return a + ": " + b; });',
                     'f(static_cast<T>(a) + "b" + c);', 'return a + T{b} + "c";'):
            self.assertEqual(chains(line), [1], line)
        self.assertEqual(chains('void f() {\n  g(1);\n  s = "a"\n      "b" +\n      c + d;\n}\n'), [3])
        for line in ('f("a" + b);', 'out += "a";', "n = a + b + 1;", 'f("a" + b, "c" + d);',
                     "x = std::to_string(n);", 'f("a + b" + c);', 'if (a + b == c) f("d");',
                     'a[i + 1] = "b" + c;', 's = "a" "b" + c;', 'f("a" + g(b + c, 1));',
                     "// a + b + 'c'", 'x = a < b + 1 ? "c" : "d";'):
            self.assertEqual(chains(line), [], line)
        for line in ("  mutable std::mutex mutex_;", "std::lock_guard lock(m);", "std::shared_mutex m;",
                     "std::unique_lock<Mutex> lock(m);", "std::condition_variable changed_;"):
            self.assertEqual(unchecked_locks(line), [1], line)
        for line in ("mutable Mutex mutex_;", "const MutexLock lock(mutex_);", "// as std::mutex",
                     "std::once_flag once;", "#include <mutex>"):
            self.assertEqual(unchecked_locks(line), [], line)
        for line in ("  std::thread thread_;", "t = std::thread([] {});", "std::jthread t;",
                     "std::vector<std::thread> all;", "auto f = std::async(g);",
                     "n = std::thread::hardware_concurrency();"):
            self.assertEqual(unchecked_threads(line), [1], line)
        for line in ("os::Thread thread_;", "std::atomic<std::thread::id> of;",
                     "std::this_thread::sleep_for(d);", "// a std::thread"):
            self.assertEqual(unchecked_threads(line), [], line)


if __name__ == "__main__":
    sys.exit(unittest.main())
