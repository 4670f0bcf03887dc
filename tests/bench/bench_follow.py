#!/usr/bin/env python3
"""Records followed per CPU second and per second of wall, and bytes of database per record.

The real binary follows a synthetic log from a local directory in one run (gwtool follow-tlog
--once), after reading every file once so that the page cache is warm. CPU is user and system time of
all its threads. The log's distribution is described in tests/support/synthetic_log.h: Simon's
process with a new module every 16 records, 40 % of the modules with pseudo-versions only, and no
locality between neighbouring records.

    bench_follow.py BUILD [--records 1000000] [--keep versions] [--dir DIR] [--log DIR]

--log names an existing log instead (its key in key.pub), such as tests/data/replica.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time


def warm(top):
    for where, _, files in os.walk(top):
        for name in files:
            with open(os.path.join(where, name), "rb") as f:
                while f.read(1 << 20):
                    pass


def follow(gwtool, log, key, keep, db):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    out = subprocess.run(
        [gwtool, "follow-tlog", "--db", db, "--log-key", key, "--source", log, "--once", "--json",
         "--keep", keep], check=True, stdout=subprocess.PIPE).stdout
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    records = json.loads(out)["records"]
    # The file alone: the WAL has been taken over and removed at the end.
    size = os.path.getsize(db)
    return records, cpu, wall, size, after.ru_maxrss, after.ru_utime - before.ru_utime


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=os.path.abspath)
    p.add_argument("--records", type=int, default=1_000_000)
    p.add_argument("--keep", choices=["versions", "records", "both"], default="both")
    p.add_argument("--dir", help="where the log is kept for the next time (default: a new one)")
    p.add_argument("--log")
    a = p.parse_args()
    gwtool = os.path.join(a.build, "gwtool")
    logtool = os.path.join(a.build, "tests", "gw_logtool")
    work = a.dir or tempfile.mkdtemp(prefix="gw-bench-follow-")
    os.makedirs(work, exist_ok=True)
    try:
        if a.log:
            log = a.log
            with open(os.path.join(log, "key.pub")) as f:
                key = f.read().strip()
        else:
            log = os.path.join(work, "log-%d" % a.records)
            if not os.path.exists(os.path.join(log, "latest")):
                subprocess.run([logtool, "synth", log, str(a.records)], check=True)
            key = subprocess.run([logtool, "key", log], check=True, stdout=subprocess.PIPE,
                                 text=True).stdout.strip()
        warm(log)
        for keep in ["versions", "records"] if a.keep == "both" else [a.keep]:
            db = os.path.join(work, "db-" + keep)
            for suffix in ["", "-wal", "-shm", ".lock"]:
                if os.path.exists(db + suffix):
                    os.unlink(db + suffix)
            records, cpu, wall, size, rss, user = follow(gwtool, log, key, keep, db)
            print("keep=%s records=%d  %.0f records/s of CPU (%.2f us each, %.0f%% user)  "
                  "%.0f records/s of wall  %.1f bytes/record  %d MB resident"
                  % (keep, records, records / cpu, cpu / records * 1e6, user / cpu * 100,
                     records / wall, size / records, rss // 1024), flush=True)
            os.unlink(db)
    finally:
        if not a.dir:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
