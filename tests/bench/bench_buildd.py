#!/usr/bin/env python3
"""Requests a second and CPU of the build service for each kind of request, and its memory, beside the
figures to reach.

The real server on loopback with a stand-in for Go. CPU is user and system time of the server's process
from /proc, over N requests of one kind on one connection that is kept, as a reverse proxy does. Requests a
second are of several connections at once, each with several requests under way (HTTP/1.1 pipelining), so
that this client takes little time; they are of a machine that does the client's work, too.

    bench_buildd.py BUILD [--requests 3000] [--connections 8]
"""

import argparse
import http.client
import os
import re
import socket
import sys
import threading
import time

# What gobuild v0.0.48 took, and what to reach, in milliseconds of CPU.
GOALS = {"result page": ("4.9", "0.1"), "record": ("0.18", "0.1"), "unbuilt page": ("0.18", "0.1"),
         "log lookup": ("5.7", "0.05"), "hash tile": ("0.10", "0.05"), "latest": ("0.13", "0.05"),
         "download, 6.3 MB": ("62", "3")}


def cpu(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    with open("/proc/%d/status" % pid) as f:
        lines = dict(l.split(":", 1) for l in f if ":" in l)
    return int(lines["RssAnon"].split()[0]) // 1024, int(lines["VmRSS"].split()[0]) // 1024


def read_answers(stream, count):
    """Reads whole answers, all with a Content-Length; whether all were good."""
    good = True
    for _ in range(count):
        status = stream.readline()
        good = good and b" 200 " in status
        length = 0
        for line in iter(stream.readline, b"\r\n"):
            found = re.match(rb"(?i)content-length: (\d+)", line)
            if found:
                length = int(found.group(1))
        left = length
        while left > 0:
            left -= len(stream.read(min(left, 1 << 20)))
    return good


def requests_a_second(address, path, count, connections, depth):
    host, port = address.rsplit(":", 1)
    each = max(1, count // (connections * depth))
    text = ("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, address)).encode() * depth
    bad = []

    def run():
        with socket.create_connection((host, int(port))) as s, s.makefile("rb", 1 << 16) as stream:
            for _ in range(each):
                s.sendall(text)
                if not read_answers(stream, depth):
                    bad.append(path)
    threads = [threading.Thread(target=run) for _ in range(connections)]
    start = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not bad, bad
    return each * connections * depth / (time.monotonic() - start)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=os.path.abspath)
    p.add_argument("--requests", type=int, default=3000)
    p.add_argument("--connections", type=int, default=8)
    args = p.parse_args()
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    os.environ.update(GWTOOL=os.path.join(args.build, "gwtool"), GW_SOURCE=source, GW_BUILD=args.build)
    sys.path.insert(0, os.path.join(source, "tests", "support"))
    import build_lab
    import cli

    class Bench(cli.TestCase):
        def runTest(self):
            lab = build_lab.BuildLab(self)
            lab.salt("x" * 6_300_000)
            lab.command(dirs=["cmd/c%02d" % n for n in range(8)])
            s = lab.serve("--build-once", "--limits=false")
            idle = memory(s.pid)
            for n in range(7):
                record, _ = s.follow("/example.org/hello@v0.1.0/cmd/c%02d/%s/record" % (n, build_lab.TARGET))
            result = record[:-len("record")]
            key = "/".join(result.split("/")[:-2]) + "/"
            paths = {"result page": result, "record": record,
                     "unbuilt page": "/example.org/hello@v0.1.0/cmd/c07/%s/" % build_lab.TARGET,
                     "log lookup": "/tlog/lookup" + key, "hash tile": "/tlog/tile/8/0/000.p/7",
                     "latest": "/tlog/latest", "download, 6.3 MB": s.get(result + "dl").location}
            connection = http.client.HTTPConnection(s.address)
            print("%-18s %10s %10s %10s %12s" % ("CPU ms a request", "gobuild", "to reach", "measured",
                                                 "requests/s"))
            for name, path in paths.items():
                n = args.requests if "download" not in name else max(20, args.requests // 50)
                before = cpu(s.pid)
                for i in range(n + 50):
                    if i == 50:
                        before = cpu(s.pid)
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    answer.read()
                    assert answer.status == 200, (path, answer.status)
                used = (cpu(s.pid) - before) / n * 1e3
                depth = 1 if "download" in name else 16
                rate = requests_a_second(s.address, path, n, args.connections, depth)
                print("%-18s %10s %10s %10.3f %12.0f" % (name, *GOALS[name], used, rate), flush=True)
            print("memory: idle %d MB of its own (%d in all), afterwards %d (%d)" % (*idle, *memory(s.pid)))
    Bench("runTest").debug()


if __name__ == "__main__":
    main()
