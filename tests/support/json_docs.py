"""The manual's description of every JSON document, as the tests read it.

A section of man/sections has lines

    .Ss Documents of check module, check gomod
    .It Li results[].known Pq string or null

A type is string, number, boolean, null, any (JSON that others define), or a name in capitals: another
description, `.Ss Documents of HEAD`. `a[].b` is a field of an array's objects, `a.*` one of an object
whose keys are names from outside. An array or object needs no line of its own when its parts have some.
"""

import os
import re

SECTIONS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                        "man", "sections")


def load():
    """Name of the document -> path -> set of types."""
    out = {}
    for page in sorted(os.listdir(SECTIONS)):
        with open(os.path.join(SECTIONS, page), encoding="utf-8") as f:
            names = []
            for line in f:
                if line.startswith((".Sh", ".Ss")):
                    found = re.match(r"\.Ss Documents? of (.*)", line)
                    names = found.group(1).strip().split(", ") if found else []
                    for name in names:
                        assert name not in out, name + " is described twice"
                        out[name] = {}
                found = re.match(r"\.It Li (\S+) Pq (.*)", line)
                for name in names if found else []:
                    assert found.group(1) not in out[name], (name, line)
                    out[name][found.group(1)] = set(found.group(2).strip().split(" or "))
    return out


DESCRIBED = load()


def document_of(args):
    """The description for a command line; None when there is none."""
    words = [a for a in args if not a.startswith("-")]
    options = [a.split("=")[0] for a in args if a.startswith("--")]
    best = None
    for name in DESCRIBED:
        if name.isupper():
            continue
        wanted = name.split(" ")
        commands = [w for w in wanted if not w.startswith("--")]
        if words[:len(commands)] != commands and not all(c in words for c in commands):
            continue
        if all(w in options for w in wanted if w.startswith("--")):
            if best is None or len(wanted) > len(best.split(" ")):
                best = name
    return best


def kind(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "number"


def check(name, document, seen=None):
    """Raises AssertionError for a field that is not described, or has another type. `seen`: a set to
    which (document, path) of every field is added."""
    # In place of any document: why there is none.
    if name != "an error" and isinstance(document, dict) and set(document) == {"error"}:
        return check("an error", document, seen)
    described = DESCRIBED[name]

    def fail(path, what):
        raise AssertionError("the document of %s: %s: %s" % (name, path, what))

    def is_described(path):
        return path in described or any(p.startswith((path + ".", path + "[")) for p in described)

    def known(path, name):
        """The path of a part as it is described: the same, or with a * for a name from outside."""
        for part in (name, re.sub(r"^[^\[]+", "*", name)):
            whole = path + part if part == "[]" else (path + "." if path else "") + part
            if is_described(whole):
                return whole
        return fail(whole.replace("*", name), "is not described")

    def walk(value, path):
        types = described.get(path, set())
        if seen is not None and path in described:
            seen.add((name, path))
        if "any" in types:
            return
        named = [t for t in types if t.isupper()]
        if isinstance(value, dict) and named:
            check(named[0], value, seen)
        elif isinstance(value, dict):
            if types and not any(p.startswith(path + ".") for p in described):
                fail(path, "is an object, described as %s" % types)
            for key, part in value.items():
                walk(part, known(path, key))
        elif isinstance(value, list):
            if types:
                fail(path, "is an array, described as %s" % types)
            for part in value:
                walk(part, known(path, "[]"))
        elif kind(value) not in types:
            fail(path, "is %s, described as %s" % (kind(value), sorted(types)))

    walk(document, "")
