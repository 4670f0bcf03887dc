#!/usr/bin/env python3
"""CPU microseconds of the server process per query, its memory, and the time to its first answer.

gwtool serve-dns, Debian's Knot and NSD, and an echo server that is the kernel's own share, on the same
names in the same run: one worker pinned to one core, the generator (bench_dns.cc) to another, 64
queries in flight, names asked for by Zipf's law with exponent 1 and 10 % misses, each a name that was
not asked for before. CPU is that of all the server's threads, from /proc/PID/task/*/schedstat.

    bench_dns.py BUILD [--modules 1000000] [--seconds 5] [--peers knot,nsd] [--dir DIR] [--presigned]

Rows: plain, missing only, TCP (16 connections), fresh (each name once, or missing names only: a
signature for every answer), signed hit (the --hot most asked for names, signed before), signed with 10 %
misses over all names (some hits and every miss are signed), and the peers in the same. --presigned lets
Knot sign its whole zone first (a minute a million names), --online adds its online signing.
"""

import argparse
import glob
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from ports import free_port

ZONE = "l.example.org"


def module_lines(n):
    for i in range(n):
        owner = i * 2654435761 % max(1, n // 2)
        yield "github.com/owner%d/project-%d v%d.%d.%d" % (owner, i, i % 3 and 1, i % 17, i % 23)


def cpu(pid):
    total = 0
    for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
        with open(path) as f:
            total += int(f.read().split()[0])
    return total / 1000


def rss_mb(pid):
    with open("/proc/%d/status" % pid) as f:
        return [int(l.split()[1]) for l in f if l.startswith("VmRSS")][0] / 1024


def soa_query():
    name = b"".join(bytes([len(l)]) + l for l in ZONE.encode().split(b".")) + b"\0"
    return struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0) + name + struct.pack(">HH", 6, 1)


def wait_answer(port, timeout=300):
    """Seconds until the server answers its SOA with NOERROR."""
    start = time.monotonic()
    while time.monotonic() - start < timeout:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.connect(("127.0.0.1", port))
            try:
                s.send(soa_query())
                if s.recv(4096)[3] & 15 == 0:
                    return time.monotonic() - start
            except OSError:
                time.sleep(0.002)
    sys.exit("no answer on port %d" % port)


class Server:
    def __init__(self, args, port, core, wait=True, pid_of=None):
        start = time.monotonic()
        self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.port = port
        if wait:
            wait_answer(port)
        self.first_answer = time.monotonic() - start
        self.pids = [self.process.pid]
        if pid_of:
            self.pids = pid_of(self.process.pid)
        self.pin(core)

    def pin(self, core):
        for pid in self.pids:
            subprocess.run(["taskset", "-a", "-p", "-c", str(core), str(pid)], check=True,
                           stdout=subprocess.DEVNULL)

    def cpu(self):
        return sum(cpu(pid) for pid in self.pids)

    def rss(self):
        return sum(rss_mb(pid) for pid in self.pids)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def load(bench, port, names, core, server, **settings):
    """CPU microseconds per query, queries per second, shares of errors and of answers with a record."""
    p = subprocess.Popen(["taskset", "-c", str(core), bench, "load", "127.0.0.1", str(port), names]
                         + ["%s=%s" % kv for kv in settings.items()],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "READY\n", "the generator failed"
    before = server.cpu()
    p.stdin.write("\n")
    p.stdin.flush()
    done = p.stdout.readline().split()
    used = server.cpu() - before
    p.wait()
    sent, answered, errors, found = [int(x) for x in done[1:5]]
    seconds = float(done[5])
    if answered < sent * 0.999:
        print("  (%d of %d queries lost)" % (sent - answered, sent))
    n = max(1, answered)
    return used / n, answered / seconds, errors / n, found / n


def children(pid):
    out = [pid]
    for path in glob.glob("/proc/%d/task/*/children" % pid):
        with open(path) as f:
            for child in f.read().split():
                out += children(int(child))
    return out


def knot(work, zone_file, port, signing):
    d = os.path.join(work, "knot-" + signing)
    os.makedirs(d, exist_ok=True)
    extra, module = "", ""
    if signing == "presigned":
        extra = "    dnssec-signing: on\n    dnssec-policy: p\n    zonefile-sync: -1\n"
    if signing == "online":
        module = "mod-onlinesign:\n  - id: m\n    policy: p\n"
        extra = "    module: mod-onlinesign/m\n"
    with open(os.path.join(d, "knot.conf"), "w") as f:
        f.write("""server:
    rundir: %s
    listen: 127.0.0.1@%d
    udp-workers: 1
    tcp-workers: 1
    background-workers: 2
    tcp-max-clients: 1000
database:
    storage: %s
policy:
  - id: p
    algorithm: ecdsap256sha256
    single-type-signing: on
%szone:
  - domain: %s
    file: %s
%s""" % (d, port, d, module, ZONE, zone_file, extra))
    return ["knotd", "-c", os.path.join(d, "knot.conf")]


def nsd(work, zone_file, port):
    d = os.path.join(work, "nsd")
    os.makedirs(d, exist_ok=True)
    with open(os.path.join(d, "nsd.conf"), "w") as f:
        f.write("""server:
    server-count: 1
    ip-address: 127.0.0.1@%d
    username: ""
    chroot: ""
    zonesdir: "%s"
    database: ""
    pidfile: "%s/nsd.pid"
    xfrdfile: "%s/xfrd"
    zonelistfile: "%s/zones"
    tcp-count: 200
    tcp-query-count: 0
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: %s
    zonefile: %s
""" % (port, d, d, d, d, ZONE, zone_file))
    return ["nsd", "-d", "-c", os.path.join(d, "nsd.conf")]


def prepare(a, work, bench):
    """The log, its database, and the same names for everybody."""
    stem = os.path.join(work, "m%d" % a.modules)
    db, names, zone = stem + ".db", stem + ".names", stem + ".zone"
    if os.path.exists(db) and os.path.exists(names):
        return db, names, zone
    log = stem + ".log"
    logtool = os.path.join(a.build, "tests", "gw_logtool")
    gwtool = os.path.join(a.build, "gwtool")
    subprocess.run([logtool, "append", log], input="\n".join(module_lines(a.modules)) + "\n", text=True,
                   check=True, stdout=subprocess.DEVNULL)
    key = subprocess.run([logtool, "key", log], check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run([gwtool, "follow-tlog", "--once", "--db", db + ".new", "--source", log, "--log-key",
                    key], check=True)
    with open(stem + ".list", "w") as f:
        for line in module_lines(a.modules):
            path, version = line.split()
            f.write("%s v=%s t=6b0370ad\n" % (path, version))
    subprocess.run([bench, "names", stem + ".list", ZONE, stem], check=True)
    for suffix in ("-wal", "-shm", ".lock"):
        if os.path.exists(db + ".new" + suffix):
            os.remove(db + ".new" + suffix)
    os.rename(db + ".new", db)
    shutil.rmtree(log)
    return db, names, zone


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=os.path.abspath)
    p.add_argument("--modules", type=int, default=1_000_000)
    p.add_argument("--seconds", type=float, default=5)
    p.add_argument("--warm", type=float, default=2)
    p.add_argument("--hot", type=int, default=200_000,
                   help="names that fit into the signature cache, for the row of hits")
    p.add_argument("--peers", default="knot,nsd")
    p.add_argument("--presigned", action="store_true")
    p.add_argument("--online", action="store_true")
    p.add_argument("--cores", default="0,1", help="server's, generator's")
    p.add_argument("--dir", help="where names and databases are kept for the next time")
    p.add_argument("--json")
    a = p.parse_args()
    a.build = os.path.abspath(a.build)
    core, other = a.cores.split(",")
    bench = os.path.join(a.build, "tests", "bench_dns")
    gwtool = os.path.join(a.build, "gwtool")
    work = a.dir or tempfile.mkdtemp(prefix="gw-bench-dns-")
    os.makedirs(work, exist_ok=True)
    results = []

    def measure(who, row, server, target=None, **settings):
        settings.setdefault("seconds", a.seconds)
        settings.setdefault("warm", a.warm)
        us, qps, errors, found = load(bench, server.port, names, other, server, **settings)
        results.append({"server": who, "row": row, "us": us, "qps": qps, "errors": errors, "found": found})
        print("%-18s %-22s %7.2f us/query %8.0f q/s, %5.1f %% found%s%s" % (
            who, row, us, qps, found * 100, "  target %s" % target if target else "",
            "  ERRORS %.2f %%" % (errors * 100) if errors > 0.001 else ""), flush=True)
        return us

    try:
        db, names, zone = prepare(a, work, bench)
        for mode in ([], ["sign"]):
            port = free_port()
            server = Server([bench, "echo", str(port), *mode], port, core, wait=False)
            measure("kernel floor", "echo" + (" + P-256 signature" if mode else ""), server)
            server.stop()

        port = free_port()
        key = os.path.join(work, "key")
        for f in (key, key + ".key"):
            if os.path.exists(f):
                os.remove(f)
        subprocess.run([gwtool, "serve-dns", "key", "new", "--zone", ZONE, "--key", key], check=True,
                       stdout=subprocess.DEVNULL)
        args = [gwtool, "serve-dns", "--db", db, "--zone", ZONE, "--key", key, "--ns",
                "ns1.%s=127.0.0.1" % ZONE, "--listen", "127.0.0.1:%d" % port, "--workers", "1",
                "--signing-limit", "0"]
        server = Server(args, port, core)
        first, rss = server.first_answer, server.rss()
        print("%-22s first answer %.3f s (target 0.5), %.0f MB (target 200)" % ("gwtool", first, rss))
        measure("gwtool", "plain", server, "6.5")
        measure("gwtool", "missing only", server, miss=100)
        measure("gwtool", "TCP", server, "13", tcp=16)
        measure("gwtool", "fresh: each once", server, "25", do=1, order="each", warm=0.2)
        measure("gwtool", "fresh: missing", server, "25", do=1, miss=100)
        # The cache gets its names first: the most asked for, each once.
        load(bench, port, names, other, server, do=1, order="each", top=a.hot, warm=0.1,
             seconds=a.hot * 40e-6 + 1)
        measure("gwtool", "signed hit", server, "7.5", do=1, miss=0, top=a.hot)
        measure("gwtool", "signed, 10 % misses", server, do=1)
        rss_end = server.rss()
        print("%-22s %.0f MB at the end (target 200)" % ("gwtool", rss_end))
        results.append({"server": "gwtool", "first_answer_s": first, "rss_mb": rss, "rss_end_mb": rss_end})
        server.stop()

        for peer in [x for x in a.peers.split(",") if x]:
            kinds = ["plain"]
            if peer == "knot":
                kinds += ["presigned"] * a.presigned + ["online"] * a.online
            for kind in kinds:
                port = free_port()
                argv = knot(work, zone, port, kind) if peer == "knot" else nsd(work, zone, port)
                server = Server(argv, port, core, pid_of=children)
                who = "%s %s" % (peer, kind)
                print("%-22s first answer %.1f s, %.0f MB" % (who, server.first_answer, server.rss()))
                results.append({"server": who, "first_answer_s": server.first_answer,
                                "rss_mb": server.rss()})
                if kind == "plain":
                    measure(who, "plain", server)
                    measure(who, "TCP", server, tcp=16)
                else:
                    measure(who, "signed hit", server, do=1, miss=0)
                    measure(who, "signed, 10 % misses", server, do=1)
                server.stop()
        if a.json:
            with open(a.json, "w") as f:
                json.dump(results, f, indent=1)
    finally:
        if not a.dir:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
