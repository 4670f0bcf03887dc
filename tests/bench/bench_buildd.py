#!/usr/bin/env python3
"""CPU of the build service for each kind of request, and its memory, beside the figures to reach.

The real server on loopback with a stand-in for Go; one connection that is kept, as a reverse proxy does.
CPU is user and system time of the server's process from /proc, over N requests of one kind.

    bench_buildd.py BUILD [--requests 3000]
"""

import argparse
import http.client
import os
import sys

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


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--requests", type=int, default=3000)
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
            print("%-18s %10s %10s %10s" % ("CPU ms a request", "gobuild", "to reach", "measured"))
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
                print("%-18s %10s %10s %10.3f" % (name, *GOALS[name], (cpu(s.pid) - before) / n * 1e3))
            print("memory: idle %d MB of its own (%d in all), afterwards %d (%d)" % (*idle, *memory(s.pid)))
    Bench("runTest").debug()


if __name__ == "__main__":
    main()
