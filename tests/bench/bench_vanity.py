#!/usr/bin/env python3
"""gwtool vanity-lookup from start to exit, with validation, beside delv doing the same lookups.

Distribution: a signed hierarchy on loopback (root, lab., and ten zones below it with ten records
each, ECDSA P-256, served by Knot). Each call is a new process with cold caches that validates from
the root's DS down: one path of one domain, and a hundred paths of ten domains. delv takes one name
a process, so the ten questions that are behind the hundred paths are ten processes, one after
another and two at a time. Then the HTTP mechanism on loopback, of which delv has nothing: a domain
without records, whose page is fetched over TLS. The programs alternate, so that the machine's mood
hits both.

usage: GWTOOL=path/to/gwtool tests/bench/bench_vanity.py [RUNS]

To reach: no slower than delv.
"""

import os
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import dns_lab
import http_fixture
import vanity_lab
from measure import measure

GWTOOL = os.environ.get("GWTOOL", os.path.join(ROOT, "build", "release", "gwtool"))


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    domains = ["d%d.lab" % i for i in range(10)]
    paths = ["%s/p%d" % (domains[i % 10], i // 10) for i in range(100)]
    zones = [dns_lab.Zone(d, vanity_lab.go_import(*("%s/p%d git https://git.example/p%d" % (d, j, j)
                                                   for j in range(10)))) for d in domains]
    with tempfile.TemporaryDirectory() as directory, \
            dns_lab.Lab(os.path.join(directory, "dns"), zones + [dns_lab.Zone("none.lab")]) as lab:
        os.mkdir(os.path.join(directory, "ca"))
        ca = http_fixture.TestCa(os.path.join(directory, "ca"))
        web = vanity_lab.Web(ca.issue("none.lab"))
        web.page("none.lab", "/x", vanity_lab.meta("none.lab/x git https://git.example/x"))
        with open(lab.anchor) as f:
            owner, _, _, tag, algorithm, kind, digest = f.read().split()
        anchors = os.path.join(directory, "delv.anchors")
        with open(anchors, "w") as f:
            f.write('trust-anchors { %s static-ds %s %s %s "%s"; };\n'
                    % (owner, tag, algorithm, kind, digest))

        def vanity(some, *more):
            return [[GWTOOL, "vanity-lookup", "--resolver", lab.resolver, "--trust-anchor",
                     lab.anchor, *more, *some]]

        def delv(some):
            return [["delv", "@127.0.0.1", "-p", str(lab.port), "-a", anchors, "+root=.",
                     "go-import." + d, "TXT"] for d in some]
        http = ["--ca-file", ca.file, "--connect-to", "none.lab:443:127.0.0.1:%d" % web.port]
        cases = [("vanity-lookup, 1 path", vanity(paths[:1]), 1, runs),
                 ("delv, its domain", delv(domains[:1]), 1, runs),
                 ("vanity-lookup, 100 paths of 10", vanity(paths), 1, runs),
                 ("delv, the 10 domains", delv(domains), 1, max(1, runs // 5)),
                 ("delv, 10 domains, 2 at a time", delv(domains), 2, max(1, runs // 5)),
                 ("vanity-lookup, 1 path by HTTP", vanity(["none.lab/x"], *http), 1, runs)]
        results = {title: [] for title, _, _, _ in cases}
        for i in range(runs):
            for title, commands, parallel, times in cases:
                if i < times:
                    results[title].append(measure(commands, b"git.example/", parallel))
        web.stop()
        print("%-32s %10s %10s %10s" % ("", "median ms", "min ms", "CPU ms"))
        for title, _, _, _ in cases:
            walls = sorted(w for w, _ in results[title])
            cpu = sum(c for _, c in results[title]) / len(walls)
            print("%-32s %10.2f %10.2f %10.2f" % (title, walls[len(walls) // 2] * 1e3,
                                                  walls[0] * 1e3, cpu * 1e3))


if __name__ == "__main__":
    main()
