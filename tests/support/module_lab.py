"""Go modules made on the spot: in a module proxy's files, and in a checksum database of their own.

    lab = ModuleLab(self.path("lab"))
    lab.add("example.org/hello", "v0.1.0", {"main.go": "package main ..."})
    gwtool("build", "example.org/hello@v0.1.0", "--proxy", lab.proxy, *lab.log())
"""

import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile

import cli
import go_lab

LOGTOOL = os.path.join(cli.BUILD, "tests", "gw_logtool")


def escape(path):
    """Upper-case letters as the proxy's protocol writes them."""
    return re.sub("[A-Z]", lambda m: "!" + m.group(0).lower(), path)


def hash1(files):
    """The `h1:` sum of (name, bytes)."""
    lines = "".join("%s  %s\n" % (hashlib.sha256(data).hexdigest(), name)
                    for name, data in sorted(files))
    return "h1:" + base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()


def make_zip(module, version, files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in sorted(files.items()):
            z.writestr("%s@%s/%s" % (module, version, name), data)
    return out.getvalue()


def sandbox_mode(directory, _known=[]):
    """What to give to --sandbox: "full", or "partial" where the kernel refuses a part, which is told.
    Found out with a module that cannot be built, in a new directory."""
    if not _known:
        lab = ModuleLab(directory)
        lab.add("example.org/lib", "v1.0.0", {"a.go": "package lib\n"})
        r = cli.gwtool("build", "example.org/lib@v1.0.0", "--proxy", lab.proxy, *lab.log(), "--cache",
                       os.path.join(directory, "cache"), "--toolchain", go_lab.small_go())
        refused = "the kernel refuses parts of the sandbox" in r.err
        if refused:
            print("tried with --sandbox partial: %s" % r.err, file=sys.stderr)
        _known.append("partial" if refused else "full")
    return _known[0]


def make_toolchain(goroot, compiler):
    """Debian's Go with another compiler, a program beside which the real one is compile.real; the rest is
    linked to."""
    real = go_lab.small_go()
    tools = os.path.join("pkg", "tool", "linux_amd64")
    os.makedirs(os.path.join(goroot, tools))
    os.makedirs(os.path.join(goroot, "bin"))
    for name in ("VERSION", "bin/go",
                 *(tools + "/" + tool for tool in ("compile", "asm", "link", "buildid", "pack"))):
        to = os.path.join(goroot, name + (".real" if name.endswith("/compile") else ""))
        shutil.copy(os.path.join(real, name), to)
    for name in ("src", "pkg/include"):
        os.symlink(os.path.realpath(os.path.join(real, name)), os.path.join(goroot, name))
    shutil.copy(compiler, os.path.join(goroot, tools, "compile"))


def make_compiler(program, source):
    """From C++."""
    subprocess.run(["g++", "-std=c++20", "-O1", "-static", "-o", program, source], check=True)


# What modules of tests import; each build takes all that is kept for its target.
IMPORTS = ("embed", "os/signal", "strconv", "strings")
# What is built for another system imports nothing.
LIBRARY_BUILDS = (("example.org/library",), ("example.org/library/none", "--target", "windows/amd64"))


def library_name(go, sandbox):
    with open(os.path.join(cli.SOURCE, "lib", "build", "kept_packages.cc"), "rb") as f:
        form = hashlib.sha256(f.read()).hexdigest()[:16]
    return "library-of-%s-%s-%s" % (go, form, sandbox)


def library(sandbox):
    """What gwtool keeps of go_lab.small_go() and its standard library, as a cache has it in std/. Made once for
    all of build/."""
    goroot = go_lab.small_go()

    def make(work):
        lab = ModuleLab(os.path.join(work, "lab"))
        main = "package main\n\n%s\nfunc main() {}\n"
        lab.add("example.org/library", "v1.0.0", {
            "main.go": main % "".join('import _ "%s"\n' % path for path in IMPORTS), "none/main.go": main % ""})
        for args in LIBRARY_BUILDS:
            r = cli.gwtool("build", *args, "--proxy", lab.proxy, *lab.log(), "--cache", os.path.join(work, "cache"),
                           "--toolchain", goroot, "--sandbox", sandbox, "-o", os.path.join(work, "x"), timeout=280)
            assert r.code == 0, r
        return os.path.join(work, "cache", "std")
    return go_lab.made_once(library_name(os.path.basename(goroot), sandbox), make)


def give_library(cache, *libraries):
    """Into a new cache: for tests that are about something else than how it gets there."""
    for kept in libraries:
        shutil.copytree(kept, os.path.join(cache, "std"), dirs_exist_ok=True)


def real_library(sandbox, make=None):
    """The same of go1.26.8 of the module proxy in shared data, for the host and what filippo.io/age imports.
    The test that compiles it for its own sake hands it over: make(work) returns where it is."""
    proxy, log = go_lab.shared_data("goproxy"), go_lab.shared_data("sumdb")

    def compile_it(work):
        cache = os.path.join(work, "cache")
        r = cli.gwtool("build", "filippo.io/age/cmd/age@v1.2.1", "--go", "go1.26.8", "--proxy", "file://" + proxy,
                       "--source", log, "--sandbox", sandbox, "--cache", cache, "-o", os.path.join(work, "x"),
                       timeout=570)
        assert r.code == 0, r
        return os.path.join(cache, "std")
    return go_lab.made_once(library_name("go1.26.8", sandbox), make or compile_it)


class ModuleLab:
    def __init__(self, directory):
        self.directory = directory
        self.proxy_dir = os.path.join(directory, "proxy")
        self.source = os.path.join(directory, "sumdb")
        self.proxy = "file://" + self.proxy_dir
        self.records = []
        self.published = 0
        self.key = None
        os.makedirs(self.proxy_dir)
        os.makedirs(self.source)

    def file(self, module, version, kind):
        """Where the proxy has it: kind is info, mod or zip."""
        return os.path.join(self.proxy_dir, escape(module), "@v", "%s.%s" % (escape(version), kind))

    def add(self, module, version, files, go_mod=None, listed=True):
        """A version of a module; files: name -> text. Without a go.mod among them, `go_mod` or a
        plain one is what the proxy and the zip have; "" gives the zip none."""
        files = {n: d.encode() if isinstance(d, str) else d for n, d in files.items()}
        if "go.mod" not in files and go_mod != "":
            files["go.mod"] = (go_mod or "module %s\n\ngo 1.18\n" % module).encode()
        mod = files.get("go.mod", ("module %s\n" % module).encode())
        where = os.path.dirname(self.file(module, version, "zip"))
        os.makedirs(where, exist_ok=True)
        for kind, data in (("info", b'{"Version":"%s","Time":"2026-01-02T03:04:05Z"}' % version.encode()),
                           ("mod", mod), ("zip", make_zip(module, version, files))):
            with open(self.file(module, version, kind), "wb") as f:
                f.write(data)
        with open(os.path.join(where, "list"), "a") as f:
            f.write(version + "\n" if listed else "")
        zip_sum = hash1([("%s@%s/%s" % (module, version, n), d) for n, d in files.items()])
        self.records.append((module, version, zip_sum, hash1([("go.mod", mod)])))

    def log(self):
        """The checksum database of all that was added so far, as options of gwtool build."""
        if self.published < len(self.records):
            self._publish()
        return ["--log-key", self.key, "--source", self.source]

    def _publish(self):
        texts = ["%s %s %s\n%s %s/go.mod %s\n" % (m, v, z, m, v, g) for m, v, z, g in self.records]
        lines = "".join("raw %s\n" % t.replace("\n", "\\n") for t in texts[self.published:])
        r = cli.run([LOGTOOL, "append", self.source], input=lines)
        assert r.code == 0, r
        self.key = cli.run([LOGTOOL, "key", self.source]).out.strip()
        with open(os.path.join(self.source, "latest")) as f:
            head = f.read()
        for number, (m, v, _, _) in enumerate(self.records):
            path = os.path.join(self.source, "lookup", "%s@%s" % (escape(m), escape(v)))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write("%d\n%s\n%s" % (number, texts[number], head))
        self.published = len(self.records)
