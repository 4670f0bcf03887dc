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


def build_peer(name):
    """tests/peers/NAME as a program. Raises when Go or x/mod is not installed."""
    program = os.path.join(cli.BUILD, "tests", "peer-" + name)
    source = os.path.join(cli.SOURCE, "tests", "peers", name, "main.go")
    if os.path.exists(program) and os.path.getmtime(program) > os.path.getmtime(source):
        return program
    part = "%s.%d" % (program, os.getpid())  # two tests may build at the same time
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


def unpacked_go():
    """A GOROOT of go1.26.8, from its module in shared data; None when that is not there. Made once for
    all of build/."""
    version = "v0.0.1-go1.26.8.linux-amd64"
    module = shared_data("goproxy/golang.org/toolchain/@v/%s.zip" % version)
    if module is None:
        return None
    goroot = os.path.join(SHARED, "go1.26.8")
    os.makedirs(SHARED, exist_ok=True)
    with open(goroot + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        if not os.path.exists(goroot):
            work = "%s.%d" % (goroot, os.getpid())
            with zipfile.ZipFile(module) as z:
                z.extractall(work)
            unpacked = os.path.join(work, "golang.org", "toolchain@" + version)
            for place in ("bin", "pkg/tool"):
                for directory, _, files in os.walk(os.path.join(unpacked, place)):
                    for name in files:
                        os.chmod(os.path.join(directory, name), 0o755)
            os.rename(unpacked, goroot)
            shutil.rmtree(work)
    return goroot
