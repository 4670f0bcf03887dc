#!/usr/bin/env python3
"""What a supervisor costs, and what an update costs its service, beside the figures to reach.

The real supervisor on loopback, real small Go services, a build service that has them ready; for the memory
it speaks TLS, and the machine's CAs are trusted besides its own. Memory is PSS, and what is private and dirty,
both by what they are of (tests/support/process_memory.py), beside a program that only links curl and OpenSSL;
of the helper also the most that was resident at once, most of which is the program's file and comes back by
itself. On a file system in memory the tables are dirty: there is no better place for them. Downtime over N
updates: from exit to exec as the kernel tells of them (its process events, where one may listen to them), and
from the last instruction of the old version to main() of the new one, which holds the Go runtime's start; that
is measured beside it. Connections: 4 clients, each as fast as it can, while updates run, until there were
10,000; the gap is the longest time without an answer to any of them. An idle minute: context switches by
itself, which are its wake-ups, and time on a processor; an idle hour is sixty of them, unless --idle 3600
measures it. The page, which is there while somebody is, is measured right after a visit.

    bench_supervise.py BUILD [--updates 20] [--connections 10000] [--idle 60]
"""

import argparse
import json
import os
import re
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import threading
import time


# What none of our processes can be below: it links what they must, does nothing, and sleeps.
FLOOR = """#include <curl/curl.h>
#include <openssl/ssl.h>
#include <unistd.h>
int main(int argc, char**) {
  if (argc > 1) SSL_connect(SSL_new(SSL_CTX_new(TLS_method())));
  if (argc > 1) curl_easy_perform(curl_easy_init());
  pause();
}
"""


def most(pid):
    """The largest resident size so far, in kB."""
    with open("/proc/%d/status" % pid) as f:
        return next(int(l.split()[1]) for l in f if l.startswith("VmHWM"))


def threads(pid):
    return len(os.listdir("/proc/%d/task" % pid))


def used(pid):
    """Wake-ups and seconds on a processor."""
    with open("/proc/%d/status" % pid) as f:
        switches = next(int(l.split()[1]) for l in f if l.startswith("voluntary_ctxt_switches"))
    with open("/proc/%d/schedstat" % pid) as f:
        return switches, int(f.read().split()[0]) / 1e9


def children(pid):
    out = {}
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        for child in map(int, f.read().split()):
            with open("/proc/%d/cmdline" % child, "rb") as c:
                out[b" ".join(c.read().split(b"\0")[1:3]).decode()] = child
    return out


class ProcessEvents:
    """When processes exit and exec, in ns, from the kernel's process connector; for root only."""

    EXEC, EXIT = 0x00000002, 0x80000000

    def __init__(self):
        self.at = {}
        try:
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 11)  # NETLINK_CONNECTOR
            self.socket.bind((0, 1))  # CN_IDX_PROC
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            listen = struct.pack("=IIIIHHI", 1, 1, 0, 0, 4, 0, 1)  # a cn_msg of CN_VAL_PROC: listen
            self.socket.send(struct.pack("=IHHII", 16 + len(listen), 3, 0, 0, 0) + listen)
        except OSError as e:
            self.socket, self.why = None, e
            return
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                message = self.socket.recv(4096)[16 + 20:]  # after the headers of netlink and connector
            except OSError:
                continue  # more events than it keeps: those of other processes
            what, _, at, pid, thread = struct.unpack_from("=IIQII", message)
            if what in (self.EXEC, self.EXIT) and pid == thread:
                self.at[what, pid] = at


# Writes its monotonic time at its start and at its end. A test service's source is a format.
SOURCE = """package main

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"unsafe"
)

const version, mode = "%s", "%s"

func now() int64 {
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

func say(what string, at int64) {
	f, _ := os.OpenFile(os.Getenv("SVC_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0666)
	f.WriteString(what + " " + strconv.FormatInt(at, 10) + " " + strconv.Itoa(os.Getpid()) + "\\n")
	f.Close()
}

func main() {
	at := now()
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	say("start:", at)
	<-c
	say("end:", now())
}
"""


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=os.path.abspath)
    p.add_argument("--updates", type=int, default=20)
    p.add_argument("--connections", type=int, default=10000)
    p.add_argument("--idle", type=float, default=60)
    args = p.parse_args()
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    os.environ.update(GWTOOL=os.path.join(args.build, "gwtool"), GW_SOURCE=source, GW_BUILD=args.build)
    sys.path.insert(0, os.path.join(source, "tests", "support"))
    import cli
    import http_fixture
    import supervise_lab
    from process_memory import memory, parts

    with open(cli.GWTOOL, "rb") as f:
        os.fsync(f.fileno())  # a page of it that is yet to be written would count as dirty

    class Bench(cli.TestCase):
        def row(self, what, goal, measured):
            print("%-44s %-22s %s" % (what, goal, measured), flush=True)

        def memory_rows(self, what, goal, pid):
            self.row(what + ": PSS, private dirty, kB", goal, "%d, %d" % memory(pid))
            of = parts(pid)
            self.row("  of it " + ", ".join(of), "", "; ".join(
                ", ".join(str(figures[n]) for figures in of.values()) for n in (0, 1)))

        def floor(self):
            deps = re.search(r"^GW_DEPS_DIR:\w+=(.*)$", open(os.path.join(args.build, "CMakeCache.txt")).read(), re.M)
            source, program = self.path("floor.cc"), self.path("floor")
            with open(source, "w") as f:
                f.write(FLOOR)
            subprocess.run(["c++", "-O2", "-fPIE", "-static-pie", "-Wl,-z,relro,-z,now,-z,pack-relative-relocs",
                            "-DCURL_STATICLIB", "-I%s/include" % deps.group(1), source, "-o", program,
                            "-L%s/lib" % deps.group(1), "-lcurl", "-lnghttp2", "-lcares", "-lssl", "-lcrypto",
                            "-lz"], check=True, stderr=subprocess.DEVNULL)
            with open(program, "rb") as f:
                os.fsync(f.fileno())
            child = subprocess.Popen([program])
            cli.wait_until(lambda: " S " in open("/proc/%d/stat" % child.pid).read(), what="its sleep")
            self.memory_rows("a program that only links curl and OpenSSL", "", child.pid)
            child.kill()
            child.wait()

        def runTest(self):
            self.row("", "to reach", "measured")
            self.floor()
            self.idle()
            self.downtime()
            self.held("held sockets", "0")
            self.held("overlap", "0, no gap", "--overlap")

        def lab(self, name):
            lab = supervise_lab.Lab(self.path(name), self.addCleanup)
            lab.install("v0.1.0", "ok" if name == "idle" else "socket")
            return lab

        def speak_tls(self, lab):
            """The options that trust it."""
            os.mkdir(self.path("ca"))
            ca = http_fixture.TestCa(self.path("ca"))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*ca.issue("127.0.0.1"))
            lab.service.server.socket = context.wrap_socket(lab.service.server.socket, server_side=True)
            lab.service.url = lab.service.url.replace("http:", "https:")
            trusted = self.path("trusted.pem")
            with open(trusted, "w") as f:
                for name in ("/etc/ssl/certs/ca-certificates.crt", ca.file):
                    f.write(supervise_lab.read(name).decode() if os.path.exists(name) else "")
            return ["--ca-file", trusted]

        def start(self, lab, *more):
            sup = self.background([cli.GWTOOL, "supervise", *lab.options(*more), lab.link], env=lab.env())
            self.addCleanup(lab.kill_services)
            sup.wait_err("event=supervising")
            return sup

        def idle(self):
            lab = self.lab("idle")
            lab.release("v0.1.1")
            sup = self.start(lab, "--first-check", "1m", "--admin-listen", "unix:" + self.path("page"),
                             *self.speak_tls(lab))
            lab.wait_running("v0.1.0")
            time.sleep(1)  # by then it rests
            self.memory_rows("supervisor, at start", "1500, 500", sup.pid)
            self.row("threads", "1", threads(sup.pid))
            # The first look for versions comes after a minute: an idle minute is one without.
            cli.wait_until(lambda: "event=checked" in sup.err, 90, "the first look")
            sup.wait_err("event=updated")
            cli.wait_until(lambda: "supervise helper" not in children(sup.pid), what="the helper's end")
            self.row("processes beside it", "0", len([c for c in children(sup.pid) if c.startswith("supervise ")]))
            time.sleep(1)  # by then the update is on the disk, too
            old = used(sup.pid)
            time.sleep(args.idle)
            new = used(sup.pid)
            wakes, ms = new[0] - old[0], (new[1] - old[1]) * 1000
            self.row("idle, %.0f s: wake-ups, ms of CPU" % args.idle,
                     "0, %.3f" % (50 / 86400 * args.idle), "%d, %.3f" % (wakes, ms))
            hour = 3600 / args.idle
            self.row("  in an hour of them", "0, %.1f" % (50 / 24), "%.0f, %.2f" % (wakes * hour, ms * hour))
            self.memory_rows("after an update", "1500, 500", sup.pid)
            cli.run(["curl", "-s", "--unix-socket", self.path("page"), "http://x/style.css"])
            self.row("page after a visit: PSS, private dirty, kB", "",
                     "%d, %d" % memory(children(sup.pid)["supervise page"]))
            lab.release("v0.1.5")
            lab.service.hold = threading.Event()
            cli.run([cli.GWTOOL, "supervise", "update", "--dir", lab.state, "v0.1.5"])
            helper = cli.wait_until(lambda: children(sup.pid).get("supervise helper"), what="a helper")
            cli.wait_until(lambda: any("/tlog/" not in r and "v0.1.5" in r for r in lab.service.requests),
                           what="a download")
            time.sleep(0.5)  # by then it has seen that it waits
            own, other = memory(sup.pid), memory(helper)
            self.memory_rows("supervisor, helper awake", "", sup.pid)
            self.memory_rows("helper", "", helper)
            self.row("  at most, resident, kB", "", most(helper))
            self.row("helper awake: PSS of both, kB", "6000", "%d (%d and %d)" % (own[0] + other[0], own[0],
                                                                              other[0]))
            lab.service.hold.set()
            sup.wait_err("event=updated version=v0.1.5")
            sup.stop()

        def downtime(self):
            """Two versions in turn, by hand."""
            old, supervise_lab.SOURCE = supervise_lab.SOURCE, SOURCE
            lab = supervise_lab.Lab(self.path("downtime"), self.addCleanup)
            lab.install("v0.3.0", "bench")
            for version in ("v0.3.1", "v0.3.0"):
                lab.release(version, "bench")
            supervise_lab.SOURCE = old
            events = ProcessEvents()
            sup = self.start(lab, "--trial", "10ms")

            def state():
                return json.loads(cli.run([cli.GWTOOL, "supervise", "status", "--dir", lab.state, "--json"]).out)["state"]
            for n in range(args.updates):
                cli.run([cli.GWTOOL, "supervise", "update", "--dir", lab.state, ("v0.3.1", "v0.3.0")[n % 2]])
                cli.wait_until(lambda: sup.err.count("event=updated version") == n + 1, what="an update")
                cli.wait_until(lambda: state() == "running", what="the end of an update")
            sup.stop()
            with open(lab.log) as f:
                lines = [l.split() for l in f]
            turns = [(a, b) for a, b in zip(lines, lines[1:]) if a[0] == "end:" and b[0] == "start:"]
            kernel = [(events.at[events.EXEC, int(b[2])] - events.at[events.EXIT, int(a[2])]) / 1e6
                      for a, b in turns
                      if (events.EXIT, int(a[2])) in events.at and (events.EXEC, int(b[2])) in events.at]
            self.row("downtime, plain, exit to exec, ms: median, worst", "2",
                     "%.2f, %.2f of %d" % (statistics.median(kernel), max(kernel), len(kernel)) if kernel
                     else "the kernel does not tell: %s" % getattr(events, "why", "no events came"))
            gaps = [(int(b[1]) - int(a[1])) / 1e6 for a, b in turns]
            self.row("  last instruction to main(), ms", "", "%.2f, %.2f of %d" % (
                statistics.median(gaps), max(gaps), len(gaps)))
            self.row("  of it a Go program's way to main()", "", "%.2f" % self.go_start(lab))

        def go_start(self, lab):
            times = []
            for n in range(20):
                log = self.path("one")
                before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
                child = subprocess.Popen([lab.link], env={"SVC_LOG": log})
                cli.wait_until(lambda: os.path.exists(log) and os.path.getsize(log), what="a start")
                child.terminate()
                child.wait()
                with open(log) as f:
                    times.append((int(f.readline().split()[1]) - before) / 1e6)
                os.unlink(log)
            return statistics.median(times)

        def held(self, what, goal, *more):
            lab = self.lab(what.split()[0])
            for version in ("v0.1.1", "v0.1.5"):
                lab.release(version, "socket", listed=False)
            sup = self.start(lab, "--listen", "127.0.0.1:0", "--ready", "notify", *more)
            where = sup.wait_err(r"event=listening address=127\.0\.0\.1:(\d+)").group(1)
            waits, failures, ends, lock = [], [], [], threading.Lock()

            def client():
                while len(waits) + len(failures) < args.connections:
                    start = time.monotonic()
                    try:
                        with socket.create_connection(("127.0.0.1", int(where)), 60) as s:
                            said = s.recv(100)
                        with lock:
                            (waits if said else failures).append(time.monotonic() - start)
                            ends.append(time.monotonic())
                    except OSError as e:
                        failures.append(e)
            clients = [threading.Thread(target=client) for _ in range(4)]
            for c in clients:
                c.start()
            updates = 0
            while any(c.is_alive() for c in clients):
                cli.run([cli.GWTOOL, "supervise", "update", "--dir", lab.state, ("v0.1.1", "v0.1.5")[updates % 2]])
                updates += 1
                cli.wait_until(lambda: sup.err.count("event=updated version") >= updates, what="an update")
            for c in clients:
                c.join()
            self.row("%s: failed of %d, %d updates" % (what, len(waits) + len(failures), updates), goal,
                     "%d" % len(failures))
            gaps = sorted(b - a for a, b in zip(ends, ends[1:]))
            self.row("  gap, ms: longest, and of 1 in 1000", "",
                     "%.1f, %.1f" % (gaps[-1] * 1000, gaps[-len(gaps) // 1000] * 1000))
            self.row("  longest wait for an answer, ms", "", "%.1f" % (max(waits) * 1000))
            sup.stop()

    import unittest
    result = unittest.TextTestRunner(verbosity=0).run(Bench())
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
