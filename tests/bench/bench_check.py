#!/usr/bin/env python3
"""gwtool check from start to exit, with validation, beside delv doing the same lookups.

Distribution: a signed hierarchy on loopback (root, lab., signed.lab., ECDSA P-256, served by Knot);
50 modules with different hosts and paths of two to five elements. Each call is a new process with
cold caches that validates from the root's DS down. delv takes one name a process, so fifty lookups
are fifty processes, one after another and two at a time. The two programs alternate, so that the
machine's mood hits both.

usage: GWTOOL=path/to/gwtool tests/bench/bench_check.py [RUNS]

To reach: check no slower than delv, for one module and for fifty.
"""

import os
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import dns_lab
from measure import measure

GWTOOL = os.environ.get("GWTOOL", os.path.join(ROOT, "build", "release", "gwtool"))
ANSWER = "v=v1.4.%d t=6802a84d"


def modules():
    hosts = ["github.com", "gitlab.com", "golang.org", "example.net", "go.uber.org"]
    return ["%s/%s" % (hosts[i % 5], "/".join("part%d-%d" % (k, i) for k in range(1 + i % 4)))
            for i in range(50)]


def name_of(path):
    host, *elements = path.split("/")
    return ".".join(list(reversed(elements)) + ["_", host, "v0"])


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    paths = modules()
    records = "".join('%s TXT "%s"\n' % (name_of(p), ANSWER % i) for i, p in enumerate(paths))
    with tempfile.TemporaryDirectory() as directory, \
            dns_lab.Lab(directory, [dns_lab.Zone("signed.lab", records)]) as lab:
        with open(lab.anchor) as f:
            owner, _, _, tag, algorithm, kind, digest = f.read().split()
        anchors = os.path.join(directory, "delv.anchors")
        with open(anchors, "w") as f:
            f.write('trust-anchors { %s static-ds %s %s %s "%s"; };\n'
                    % (owner, tag, algorithm, kind, digest))
        port = str(lab.port)

        def check(some):
            return [[GWTOOL, "check", "module", "--dns", "signed.lab", "--resolver", lab.resolver,
                     "--dnssec", "require", "--trust-anchor", lab.anchor, *some]]

        def delv(some):
            return [["delv", "@127.0.0.1", "-p", port, "-a", anchors, "+root=.",
                     name_of(p) + ".signed.lab", "TXT"] for p in some]
        cases = [("check, 1 module", check(paths[:1]), 1, runs),
                 ("delv, 1 module", delv(paths[:1]), 1, runs),
                 ("check, 50 modules", check(paths), 1, runs),
                 ("delv, 50 modules", delv(paths), 1, max(1, runs // 10)),
                 ("delv, 50 modules, 2 at a time", delv(paths), 2, max(1, runs // 10))]
        results = {title: [] for title, _, _, _ in cases}
        for i in range(runs):
            for title, commands, parallel, times in cases:
                if i < times:
                    results[title].append(measure(commands, b"v1.4.", parallel))
        print("%-32s %10s %10s %10s" % ("", "median ms", "min ms", "CPU ms"))
        for title, _, _, _ in cases:
            walls = sorted(w for w, _ in results[title])
            cpu = sum(c for _, c in results[title]) / len(walls)
            print("%-32s %10.2f %10.2f %10.2f" % (title, walls[len(walls) // 2] * 1e3,
                                                  walls[0] * 1e3, cpu * 1e3))


if __name__ == "__main__":
    main()
