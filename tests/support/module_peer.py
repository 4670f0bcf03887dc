#!/usr/bin/env python3
"""Builds tests/peers/module, which answers questions with golang.org/x/mod.

    module_peer.py DIRECTORY        with Debian's x/mod (0.7): DIRECTORY/peer
    module_peer.py DIRECTORY new    with the x/mod (0.30) that a Go toolchain of the module proxy's
                                    layout holds, if there is one: DIRECTORY/peer-new; and every
                                    go.mod of the modules there: DIRECTORY/gomod/NUMBER

The newer one is in golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64.zip, too large to be kept with
the sources: it is looked for below goproxy/ in $GW_SHARED_DATA or in ../shared/data beside the
checkout. When it is not there, nothing is made and the exit code is 0. Debian's Go compiles it: the
two packages and the one loop that it lacks are written here.
"""

import fcntl
import glob
import os
import subprocess
import sys
import zipfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEER = os.path.join(SOURCE, "tests", "peers", "module")

SHIMS = {
    "cmp/cmp.go": """package cmp

type Ordered interface {
	~int | ~int64 | ~uint | ~uint64 | ~string
}

func Compare[T Ordered](a, b T) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}
""",
    "slices/slices.go": """package slices

import "sort"

func SortStableFunc[S ~[]E, E any](s S, cmp func(a, b E) int) {
	sort.SliceStable(s, func(i, j int) bool { return cmp(s[i], s[j]) < 0 })
}

func SortFunc[S ~[]E, E any](s S, cmp func(a, b E) int) { SortStableFunc(s, cmp) }
""",
}


def goproxy():
    place = os.environ.get("GW_SHARED_DATA",
                           os.path.join(os.path.dirname(SOURCE), "shared", "data"))
    return os.path.join(place, "goproxy")


def unpack_gomods(directory):
    """The .mod files of the proxy, and what is called go.mod, or _go.mod as in a toolchain, in its
    zips."""
    texts = set()
    for name in glob.glob(os.path.join(goproxy(), "**", "*.mod"), recursive=True):
        with open(name, "rb") as f:
            texts.add(f.read())
    for name in glob.glob(os.path.join(goproxy(), "**", "*.zip"), recursive=True):
        with zipfile.ZipFile(name) as z:
            texts.update(z.read(n) for n in z.namelist()
                         if os.path.basename(n) in ("go.mod", "_go.mod"))
    os.makedirs(directory)
    for i, text in enumerate(sorted(texts)):
        with open(os.path.join(directory, str(i)), "wb") as f:
            f.write(text)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def unpack(archive, gopath):
    """x/mod of the toolchain as a GOPATH that Go 1.19 compiles."""
    mark = "/src/cmd/vendor/golang.org/x/mod/"
    with zipfile.ZipFile(archive) as z:
        for name in z.namelist():
            at = name.find(mark)
            part = name[at + len(mark):] if at >= 0 else ""
            if not part.endswith(".go") or part.split("/")[0] not in (
                    "internal", "modfile", "module", "semver"):
                continue
            text = z.read(name).decode()
            text = text.replace("for line := range strings.SplitSeq(",
                                "for _, line := range strings.Split(")
            write(os.path.join(gopath, "src", "golang.org", "x", "mod", part), text)
    for name, text in SHIMS.items():
        write(os.path.join(gopath, "src", name), text)


def build(directory, program, gopath, stamp):
    program = os.path.join(directory, program)
    sources = sorted(glob.glob(os.path.join(PEER, "*.go")))
    newest = max(os.path.getmtime(f) for f in sources + [stamp, __file__])
    if os.path.exists(program) and os.path.getmtime(program) > newest:
        return
    env = dict(os.environ, GO111MODULE="off", GOPATH=gopath, GOFLAGS="", CGO_ENABLED="0",
               GOCACHE=os.path.join(directory, "cache"))
    p = subprocess.run(["go", "build", "-o", program + ".part", *sources], env=env,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if p.returncode != 0:
        sys.exit("building the peer: " + p.stdout)
    os.rename(program + ".part", program)


def main():
    directory = os.path.abspath(sys.argv[1])
    os.makedirs(directory, exist_ok=True)
    # Held until the end: tests that run side by side build it once.
    lock = open(os.path.join(directory, "lock"), "w", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_EX)
    if sys.argv[2:] != ["new"]:
        build(directory, "peer", "/usr/share/gocode", __file__)
        return
    archive = os.path.join(goproxy(), "golang.org", "toolchain", "@v",
                           "v0.0.1-go1.26.8.linux-amd64.zip")
    if not os.path.exists(archive):
        return
    gomods = os.path.join(directory, "gomod")
    if not os.path.isdir(gomods):
        unpack_gomods(gomods + ".part")
        os.rename(gomods + ".part", gomods)
    gopath = os.path.join(directory, "gopath")
    if not os.path.isdir(gopath):
        unpack(archive, gopath + ".part")
        os.rename(gopath + ".part", gopath)
    build(directory, "peer-new", gopath, archive)


if __name__ == "__main__":
    main()
