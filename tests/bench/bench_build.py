#!/usr/bin/env python3
"""What gwtool build costs above the bare go command, and what its sandbox costs.

Real modules and toolchain: filippo.io/age with go1.26.8, from shared/data beside the checkout (or
GW_SHARED_DATA), served by a local web server. Bare is `go install` with the same toolchain, arguments and
environment, its modules from the same files, without a checksum database.

  cold      nothing compiled and no module there; the toolchain is unpacked
  library   the standard library compiled, no module there
  sibling   another command of the module, after the first one was built

CPU is user and system time of the process and all that it started, in seconds; each figure is the least of
N runs, and behind it the median. Wall time on a shared machine says little and is not shown. The part for
the toolchain is what one call takes to look whether it still has its sum: a service does so once.

The sandbox: a small program in the place of go, which does nothing; per go command, of which each of these
calls runs two, median of 10 N calls with the full sandbox less that without any.

    bench_build.py BUILD [--runs 3] [--sandbox-only]
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

GO, MODULE = "go1.26.8", "filippo.io/age"
COMMANDS = ("filippo.io/age/cmd/age", "filippo.io/age/cmd/age-keygen")
# Seconds that bare Go took, and what to reach, as a factor or in seconds.
GOALS = {"cold": "1.02 x", "library": "4.3 s for 4.2", "sibling": "0.85 s for 0.74"}


def spent(args, **kwargs):
    """CPU seconds and wall seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if p.returncode != 0:
        sys.exit("%s\n%s" % (" ".join(args), p.stderr))
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def remove(path):
    subprocess.run(["chmod", "-R", "u+w", path], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(path, ignore_errors=True)


# Leaves what the go command would.
STAND_IN = r"""
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
int main(int argc, char** argv) {
  if (argc > 2 && std::strcmp(argv[2], "-n") == 0) {
    std::filesystem::create_directories(std::string(std::getenv("GOMODCACHE")) + "/cache/download");
    return 0;
  }
  const std::string bin = std::string(std::getenv("GOPATH")) + "/bin/js_wasm";
  std::filesystem::create_directories(bin);
  std::ofstream(bin + "/hello") << "program";
  return 0;
}
"""


class Bare:
    def __init__(self, base, goroot, proxy, version):
        self.base, self.goroot, self.version = base, goroot, version
        self.proxy = "file://" + proxy

    def install(self, package, *more):
        env = {"CGO_ENABLED": "0", "GO111MODULE": "on", "GOCACHE": self.base + "/cache", "GOENV": "off",
               "GOFLAGS": "-mod=readonly", "GOMODCACHE": self.base + "/mod", "GOPATH": self.base + "/path",
               "GOPROXY": self.proxy, "GOROOT": self.goroot, "GOSUMDB": "off", "GOTOOLCHAIN": "local",
               "GOWORK": "off", "HOME": self.base + "/home", "GOTELEMETRY": "off"}
        os.makedirs(self.base + "/home/.config/go/telemetry", exist_ok=True)
        with open(self.base + "/home/.config/go/telemetry/mode", "w") as f:
            f.write("off")
        return spent([self.goroot + "/bin/go", "install", "-x", "-v", "-trimpath", "-ldflags=-buildid=",
                      "--", *more, "%s@%s" % (package, self.version)], env=env)

    def forget(self, *names):
        for name in names:
            remove(os.path.join(self.base, name))


def say(name, bare, ours):
    low, high = min(bare), min(ours)
    print("%-10s %8.2f %8.2f %8.2f %8.2f %8.3f   %s" % (
        name, low, statistics.median(bare), high, statistics.median(ours), high / low, GOALS[name]))


def compare(case, args, go_lab, http_fixture):
    proxy, log = go_lab.shared_data("goproxy"), go_lab.shared_data("sumdb")
    if proxy is None or log is None:
        print("not measured: real builds, as shared/data is not beside the checkout")
        return
    versions = [n[:-4] for n in os.listdir(os.path.join(proxy, MODULE, "@v")) if n.endswith(".zip")]
    cache = case.path("cache")
    with http_fixture.HttpFixture({"/proxy": proxy, "/log": log}) as web:
        def build(package):
            return spent([os.environ["GWTOOL"], "build", package + "@" + versions[0], "--proxy",
                          web.url + "/proxy", "--source", web.url + "/log", "--go", GO, "--cache", cache,
                          "-o", case.path("bin/")])[0]

        build(COMMANDS[0])
        bare = Bare(case.path("bare"), os.path.join(cache, "toolchains", GO + ".linux-amd64"), proxy,
                    versions[0])
        figures = {name: ([], []) for name in GOALS}
        toolchain = []
        kept = case.path("library")
        for _ in range(args.runs):
            for name in ("std", "packages", "download/filippo.io", "download/golang.org/x"):
                remove(os.path.join(cache, name))
            bare.forget("cache", "mod", "path")
            figures["cold"][0].append(bare.install(COMMANDS[0])[0])
            figures["cold"][1].append(build(COMMANDS[0]))
            figures["sibling"][0].append(bare.install(COMMANDS[1])[0])
            figures["sibling"][1].append(build(COMMANDS[1]))
            for name in ("packages", "download/filippo.io", "download/golang.org/x"):
                remove(os.path.join(cache, name))
            if not os.path.exists(kept):
                # Compiled apart, as ours is.
                bare.forget("cache")
                subprocess.run([bare.goroot + "/bin/go", "build", "-trimpath", "-ldflags=-buildid=", "std"],
                               check=True, env={"CGO_ENABLED": "0", "GOCACHE": bare.base + "/cache",
                                                "GOROOT": bare.goroot, "HOME": bare.base + "/home",
                                                "GOTOOLCHAIN": "local", "GOENV": "off"})
                shutil.copytree(bare.base + "/cache", kept)
            bare.forget("cache", "mod", "path")
            shutil.copytree(kept, bare.base + "/cache")
            figures["library"][0].append(bare.install(COMMANDS[0])[0])
            figures["library"][1].append(build(COMMANDS[0]))
            # A package that is not there ends it when the toolchain was looked at.
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([os.environ["GWTOOL"], "build", MODULE + "/none@" + versions[0], "--proxy",
                            web.url + "/proxy", "--source", web.url + "/log", "--go", GO, "--cache", cache],
                           stderr=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            toolchain.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    print("CPU seconds   bare   median   gwtool   median    ratio   to reach")
    for name, (low, high) in figures.items():
        say(name, low, high)
    print("the toolchain's sum and nothing built: %.2f s" % min(toolchain))


def sandbox(case, args, build_lab, cli):
    lab = build_lab.BuildLab(case)
    lab.command()
    log = lab.modules.log()

    def build(mode):
        return spent([cli.GWTOOL, "build", "example.org/hello@v0.1.0", "--target", "js/wasm", "--go",
                      build_lab.GO, "--proxy", lab.modules.proxy, *log, "--toolchain",
                      os.path.join(lab.dir, "go"), "--cache", case.path("small"), "--sandbox", mode, "-o",
                      case.path("x")])

    subprocess.run(["g++", "-std=c++20", "-O1", "-static", "-x", "c++", "-", "-o",
                    os.path.join(lab.dir, "go", build_lab.GO, "bin", "go")], input=STAND_IN, text=True,
                   check=True)
    build("off")
    runs = {mode: [build(mode) for _ in range(10 * args.runs)] for mode in ("off", "full")}
    cpu, wall = [(statistics.median(r[i] for r in runs["full"]) -
                  statistics.median(r[i] for r in runs["off"])) / 2 * 1e3 for i in (0, 1)]
    print("the sandbox, a go command: %.1f ms of CPU, %.1f ms of wall time (to reach: 10 ms)" % (cpu, wall))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=os.path.abspath)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--sandbox-only", action="store_true")
    args = p.parse_args()
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    os.environ.setdefault("GWTOOL", os.path.join(args.build, "gwtool"))
    os.environ.update(GW_SOURCE=source, GW_BUILD=args.build)
    sys.path.insert(0, os.path.join(source, "tests", "support"))
    import build_lab
    import cli
    import go_lab
    import http_fixture

    class Bench(cli.TestCase):
        def runTest(self):
            os.chmod(self.dir, 0o755)
            sandbox(self, args, build_lab, cli)
            if not args.sandbox_only:
                compare(self, args, go_lab, http_fixture)
    Bench("runTest").debug()


if __name__ == "__main__":
    main()
