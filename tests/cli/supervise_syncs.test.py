"""A disk that does not write what it is told to: each fsync of an update fails, once or from then on.
The service that runs is the old one or the new one, whole, and so it is after a restart."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import supervise_lab
from supervise_lab import read

FAILSYNC = os.path.join(cli.BUILD, "tests", "gw_failsync")


class Syncs(supervise_lab.TestCase):
    def setUp(self):
        super().setUp()
        if cli.run([FAILSYNC, "0", "once", self.path("count"), "/bin/true"]).code == 125:
            self.skipTest("the kernel asks nobody about system calls")

    def start(self, *more, before=()):
        sup = self.background([*before, cli.GWTOOL, "supervise", *self.lab.options(*more), self.lab.link],
                              env=self.lab.env(ASAN_OPTIONS="detect_leaks=0"))
        self.addCleanup(self.lab.kill_services)
        return sup

    def one(self, n, how, mode, version):
        """An update whose nth fsync fails; how many there were."""
        name = "%s-%s-%d" % (mode, how, n)
        self.lab = supervise_lab.Lab(self.path(name), self.addCleanup)
        self.lab.install()
        # The directory is there: a first start that cannot make it says so, and starts nothing.
        first = self.start()
        first.wait_err("event=supervising")
        self.assertIn(first.stop(), (5, -signal.SIGTERM))
        self.lab.release(version, mode)
        count = self.path(name, "count")
        sup = self.start("--trial", {"ok": "20ms", "crash": "60s"}[mode],
                         before=[FAILSYNC, str(n), how, count])
        sup.wait_err("event=supervising")
        r = self.gwtool("supervise", "update", version, "--dir", self.lab.state)
        self.assertEqual(r.code, 0, r)
        good = {"ok": ["v0.1.0", version], "crash": ["v0.1.0"]}[mode]
        sup.wait_err("event=(updated|failed|rolled-back) version")

        def settled():
            r = self.gwtool("supervise", "status", "--dir", self.lab.state, "--json")
            return r.code == 0 and r.json["state"] == "running" and \
                list(self.lab.running().values()) == [r.json["version"]]
        cli.wait_until(settled, what="one service after %s" % name)
        self.assertIn(*self.lab.running().values(), good)
        # The link may have to wait for the next start; what it leads to is whole.
        whole = {read(supervise_lab.build(v, "ok")) for v in good}
        self.assertTrue(read(self.lab.link) in whole | {read(supervise_lab.build(version, mode))}, name)
        self.assertIn(sup.stop(), (5, -signal.SIGTERM))
        again = self.start("--trial", "60s")
        again.wait_err("event=supervising")
        cli.wait_until(lambda: list(self.lab.running().values()) in [[v] for v in good],
                       what="a good one after a restart")
        self.assertTrue(read(self.lab.link) in whole, name)
        self.assertNotIn("state-put-aside", again.err)
        self.assertIn(again.stop(), (5, -signal.SIGTERM))
        with open(count) as f:
            return int(f.read())

    def each(self, mode, version):
        syncs = self.one(0, "once", mode, version)
        self.assertGreater(syncs, 8)
        for how in ("once", "stay"):
            for n in range(1, syncs + 1, 1 if cli.SLOWNESS == 1 else 3):
                with self.subTest(mode=mode, how=how, n=n):
                    self.one(n, how, mode, version)
        print("%s: %d syncs" % (mode, syncs), file=sys.stderr)

    def test_each_of_an_update(self):
        self.each("ok", "v0.1.1")

    def test_each_of_a_rollback(self):
        self.each("crash", "v0.1.2")


if __name__ == "__main__":
    cli.main()
