"""gwtool build serve on a dying disk: each fsync and fdatasync fails once, or it and all after it. And
killed at calls that change something there, from its start to the end of a build.

What was answered is in the log afterwards, the log is whole, and the next start goes on."""

import glob
import http.client
import os
import signal
import sys
import warnings

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import cli
from build_lab import TARGET

FAILSYNC = os.path.join(cli.BUILD, "tests", "gw_failsync")
# More than a start and a build make.
MOST = 200
# So many of the calls at which it can be killed, spread over all of them.
KILLS = 24


class Faults(cli.TestCase):
    def setUp(self):
        super().setUp()
        # Of services that ended before they served.
        warnings.simplefilter("ignore", ResourceWarning)
        self.lab = build_lab.BuildLab(self)
        self.lab.command()
        self.path_of_record = "/example.org/hello@v0.1.0/%s/record" % TARGET

    def serve(self, n, how, data):
        """A service with that fault; None when it did not get so far as to serve."""
        count = self.path("count")
        args = [FAILSYNC, str(n), how, count, cli.GWTOOL] + self.lab.args("--limits=false", "--build-once", data=data)
        try:
            s = build_lab.Server(args)
        except AssertionError:
            return None
        self.addCleanup(s.kill)
        return s

    def calls(self):
        with open(self.path("count")) as f:
            return int(f.read())

    def test_each_sync_fails(self):
        r = cli.run([FAILSYNC, "0", "once", self.path("count"), "/bin/true"])
        if r.code == 125:
            print("not tried: the kernel tells nobody of system calls", file=sys.stderr)
            return
        self.assertEqual((r.code, self.calls()), (0, 0))
        n, failed, served = 0, 0, 0
        while n <= MOST:
            n += 1
            data = self.path("data%d" % n)
            s = self.serve(n, "stay" if n % 2 else "once", data)
            answer = None
            if s is not None:
                served += 1
                try:
                    answer = s.get(self.path_of_record)
                except OSError:
                    pass
                os.kill(s.pid, signal.SIGTERM)
                s.wait(60)
            failed += answer is None or answer.status != 307
            if answer is not None and answer.status != 307:
                self.assertIn(answer.status, (500, 503), str(answer))
            calls = self.calls()
            # The next start goes on, with what was answered.
            if os.path.exists(os.path.join(data, "published")):
                r = self.gwtool("build", "audit", "--local", data, "--log-key", self.lab.key)
                self.assert_run(r, 0, err="")
                if answer is not None and answer.status == 307:
                    self.assertIn(": 1 records", r.out)
            if n % 5 == 0:
                good = self.lab.serve("--build-once", data=data)
                again = good.get(self.path_of_record)
                self.assertEqual(again.status, 307, str(again))
                if answer is not None and answer.status == 307:
                    self.assertEqual(again.location, answer.location)
                self.assertEqual(good.get("/tlog/latest").text.split("\n")[1], "1")
                self.assertEqual(good.stop(), 0)
            if calls < n:
                break
        self.assertLess(n, MOST)
        # It did reach both: starts and builds that fail.
        self.assertGreater(failed, 5)
        self.assertGreater(served, 3)

    def ask(self, s):
        """The answer to a question that makes it build; None when there was none."""
        try:
            return s.get(self.path_of_record)
        except (OSError, http.client.HTTPException):
            return None

    def test_killed_at_calls_that_change_something(self):
        r = cli.run([FAILSYNC, "0", "kill", self.path("count"), "/bin/true"])
        if r.code == 125:
            print("not tried: the kernel tells nobody of system calls", file=sys.stderr)
            return
        s = self.serve(0, "kill", self.path("whole"))
        self.assertEqual(self.ask(s).status, 307)
        self.assertEqual(s.stop(), 0)
        calls = self.calls()
        self.assertGreater(calls, 2 * KILLS)
        answered = started = 0
        for n in sorted({1 + i * calls // KILLS for i in range(KILLS)}):
            data = self.path("data%d" % n)
            s = self.serve(n, "kill", data)
            answer = None
            if s is not None:
                started += 1
                answer = self.ask(s)
                s.stop()
            if os.path.exists(os.path.join(data, "binaries")):
                self.file(os.path.join(data, "binaries", ".new-0123456789abcdef"), "half of it")
            # The log is whole, and goes on; a record that somebody has seen is in it.
            good = self.lab.serve("--build-once", data=data)
            before = int(good.get("/tlog/latest").text.split("\n")[1])
            again = good.get(self.path_of_record)
            self.assertEqual(again.status, 307, str(again))
            self.assertEqual(good.get("/tlog/latest").text.split("\n")[1], "1")
            path, binary = good.follow(again.location[:-len("record")] + "dl")
            self.assertEqual(binary.status, 200, path)
            self.assertEqual(good.stop(), 0)
            if answer is not None and answer.status == 307:
                answered += 1
                self.assertEqual((before, again.location), (1, answer.location))
            r = self.gwtool("build", "audit", "--local", data, "--log-key", self.lab.key)
            self.assert_run(r, 0, err="")
            self.assertIn(": 1 records", r.out)
            self.assertEqual(glob.glob(os.path.join(data, "binaries", ".*")), [])
        # Some of them before it served, some while it built, some when it was being stopped.
        self.assertGreater(started, 5)
        self.assertGreater(answered, 0)
        self.assertLess(started, KILLS)


if __name__ == "__main__":
    cli.main()
