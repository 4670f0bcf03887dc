#!/usr/bin/env python3
"""How much memory gwtool takes of what strangers send, and what happens when there is no more of it."""

import os
import resource
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import follow_case
import serve
from serve import HOST, ZONE

MB = 1 << 20
SANITIZED = cli.SLOWNESS > 1


def limited(megabytes):
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes * MB, megabytes * MB))


@unittest.skipIf(SANITIZED, "a sanitizer needs terabytes of addresses")
class NoMemory(serve.TestCase):
    """Under `ulimit -v` a command ends with an error: never by a signal, never as if it were done."""

    def limits(self):
        """From too little to start with to more than is needed, less far apart than what anything takes
        at once."""
        least = os.path.getsize(cli.GWTOOL) // MB + 8
        for step in (0, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 256, 512, 1024, 4096):
            yield least + step

    def sweep(self, code_of):
        codes = []
        for megabytes in self.limits():
            code, err = code_of(megabytes)
            self.assertGreaterEqual(code, 0, "signal %d at %d MB: %s" % (-code, megabytes, err))
            if code not in (0, 100):
                self.assertTrue(err, "exit %d at %d MB without a word" % (code, megabytes))
            codes.append(code)
        self.assertEqual(codes[-1], 0, codes)
        return codes

    def run_limited(self, megabytes, *args):
        r = cli.run([cli.GWTOOL, *args], preexec_fn=limited(megabytes))
        return r.code, r.err

    def test_follow_tlog(self):
        log = self.log_dir("latest")
        n = iter(range(1000))
        codes = self.sweep(lambda megabytes: self.run_limited(
            megabytes, "follow-tlog", "--once", "--db", self.path("db%d" % next(n)), "--source", log,
            "--log-key", self.log_key()))
        self.assertTrue(any(codes), "no limit was too low")

    def test_check_db(self):
        db = self.path("db")
        self.follow(db)
        self.sweep(lambda megabytes: self.run_limited(megabytes, "follow-tlog", "--check-db", "--db", db))

    def test_serve_dns(self):
        db, key = self.path("db"), self.make_key()
        self.follow(db)

        def serve_limited(megabytes):
            args = [cli.GWTOOL, "serve-dns", "--db", db, "--zone", ZONE, "--key", key, "--ns",
                    "ns1.%s=%s" % (ZONE, HOST), "--listen", HOST + ":0", "--workers", "2"]
            p = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 env=cli.clean_env(), preexec_fn=limited(megabytes))
            err = b""
            for line in p.stderr:
                err += line
                if b"event=ready" in line:
                    p.terminate()
            p.stderr.close()
            return p.wait(), err.decode()

        self.assertTrue(any(self.sweep(serve_limited)), "no limit was too low")


class LargeTiles(follow_case.TestCase):
    """Data tiles have 50 KB, and may have 2 MB: so many at once must not be memory."""

    TILES = 64

    def test_within_256_mb(self):
        log = self.path("log")
        # Streamed: what this process ever had counts as its children's.
        p = subprocess.Popen([follow_case.LOGTOOL, "append", log], stdin=subprocess.PIPE)
        for i in range(256 * self.TILES):
            p.stdin.write(b"raw " + b"x" * 8000 + b"%d\\n\n" % i)
        p.stdin.close()
        self.assertEqual(p.wait(), 0)
        key = follow_case.logtool("key", log).strip()
        args = [cli.GWTOOL, "follow-tlog", "--once", "--db", self.db, "--source", log, "--log-key", key]
        p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=cli.clean_env())
        err = p.stderr.read()
        p.stdout.close()
        p.stderr.close()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(p.returncode, 0, err.decode())
        self.assertEqual(self.status("--json").json["position"], 256 * self.TILES)
        if not SANITIZED:
            self.assertLess(usage.ru_maxrss, 256 << 10)


if __name__ == "__main__":
    cli.main()
