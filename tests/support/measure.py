"""What commands cost, for benches."""

import resource
import subprocess
import time


def measure(commands, expected, parallel=1):
    """Seconds of wall and of CPU for all commands, at most so many at a time. Each must succeed with
    `expected` (bytes) in its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    running, left = [], list(commands)
    while running or left:
        while left and len(running) < parallel:
            running.append(subprocess.Popen(left.pop(0), stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL))
        process = running.pop(0)
        out = process.communicate()[0]
        if process.returncode != 0 or expected not in out:
            raise SystemExit("%s: exit %d: %r" % (process.args, process.returncode, out))
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
