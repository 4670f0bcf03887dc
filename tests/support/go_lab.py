"""Debian's Go and golang.org/x/mod as oracles: programs of tests/peers, and programs to look at.

Everything is built without a network, once a build directory. The compiler's cache is of all of
build/, as what is in it does not depend on whether we have sanitizers.
"""

import fcntl
import os
import shutil
import subprocess
import zipfile

import cli

# A build directory elsewhere keeps its own.
SHARED = os.path.dirname(cli.BUILD)
if os.path.basename(SHARED) != "build":
    SHARED = os.path.join(cli.BUILD, "tests")
CACHE = os.path.join(SHARED, "go-cache")


def environment(**changes):
    """Go's environment from nothing but what Go cannot do without."""
    env = {"PATH": os.environ["PATH"], "HOME": os.path.join(cli.BUILD, "tests"), "GOCACHE": CACHE,
           "CGO_ENABLED": "0", "GOENV": "off", "GOFLAGS": "", "GOPROXY": "off", "GOSUMDB": "off",
           "GOWORK": "off", "GOTOOLCHAIN": "local", "LC_ALL": "C.UTF-8"}
    env.update(changes)
    return env


def alone(name):
    """Until its end no other test is in one of that name: what two build at the same time, both compile."""
    os.makedirs(SHARED, exist_ok=True)
    lock = open(os.path.join(SHARED, name + ".lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
    return lock


def build_peer(name):
    """tests/peers/NAME as a program. Raises when Go or x/mod is not installed."""
    program = os.path.join(cli.BUILD, "tests", "peer-" + name)
    source = os.path.join(cli.SOURCE, "tests", "peers", name, "main.go")
    if os.path.exists(program) and os.path.getmtime(program) > os.path.getmtime(source):
        return program
    part = "%s.%d" % (program, os.getpid())
    with alone("peers"):
        subprocess.run(["go", "build", "-o", part, source], check=True,
                       env=environment(GO111MODULE="off", GOPATH="/usr/share/gocode"))
    os.rename(part, program)
    return program


def shared_data(name):
    """Real data that is too large for this tree: beside the checkout, or where GW_SHARED_DATA says.
    None when there is none."""
    base = os.environ.get("GW_SHARED_DATA",
                          os.path.join(os.path.dirname(cli.SOURCE), "shared", "data"))
    path = os.path.join(base, name)
    return path if os.path.exists(path) else None


# What a build without C takes of a GOROOT. gwtool reads all of a toolchain each time that it builds with one,
# and of Debian's this is a sixth.
TOOLS = ("asm", "buildid", "compile", "link", "pack")


def is_needed(name):
    """name: a file's, from the GOROOT."""
    first, *rest = name.split("/")
    if first == "src":
        return "testdata" not in rest and rest[0] != "cmd" and not name.endswith("_test.go")
    return not rest or name == "bin/go" or name.startswith("pkg/include/") or \
        name.startswith("pkg/tool/") and rest[-1] in TOOLS


def made_once(name, make):
    """A directory of that name, for all of build/: make(work) makes it in `work`, and returns where."""
    path = os.path.join(SHARED, name)
    with alone(name):
        if not os.path.exists(path):
            work = "%s.%d" % (path, os.getpid())
            os.makedirs(work)
            try:
                os.rename(make(work), path)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return path


def small_go():
    """A GOROOT with what tests need of Debian's Go."""
    own = os.path.dirname(os.path.dirname(os.path.realpath(shutil.which("go"))))
    with open(os.path.join(own, "VERSION")) as f:
        version = f.read().split()[0]
    info = os.stat(os.path.join(own, "bin", "go"))

    def make(work):
        goroot = os.path.join(work, "go")
        for where, directories, files in os.walk(own, followlinks=True):
            below = os.path.relpath(where, own) + "/" if where != own else ""
            if not below:
                directories[:] = [d for d in directories if d in ("bin", "pkg", "src")]
            for name in files:
                if is_needed(below + name):
                    os.makedirs(os.path.join(goroot, below), exist_ok=True)
                    shutil.copy(os.path.join(where, name), os.path.join(goroot, below, name))
        return goroot
    return made_once("%s-small-%d-%d" % (version, info.st_size, info.st_mtime), make)


def unpacked_go():
    """A GOROOT with what tests need of go1.26.8, from its module in shared data; None when that is not
    there."""
    version = "v0.0.1-go1.26.8.linux-amd64"
    module = shared_data("goproxy/golang.org/toolchain/@v/%s.zip" % version)
    if module is None:
        return None

    def make(work):
        unpacked = os.path.join(work, "golang.org", "toolchain@" + version)
        with zipfile.ZipFile(module) as z:
            for name in z.namelist():
                own = name.removeprefix("golang.org/toolchain@%s/" % version)
                if is_needed(own):
                    z.extract(name, work)
                    if own.startswith(("bin/", "pkg/tool/")):
                        os.chmod(os.path.join(unpacked, own), 0o755)
        return unpacked
    return made_once("go1.26.8-small", make)
