"""A power cut at every moment of supervised updates and of a rollback: whatever the disk then has of what
was written and not synced, the link leads to a whole binary, the state can be read, and a start runs a
version that was proven good."""

import json
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import power_cut
import supervise_lab
from supervise_lab import read


class Model(cli.TestCase):
    """The model itself: what it says of programs whose mistake is known."""

    def possible(self, *calls):
        found = power_cut.states([power_cut.Call(*c) for c in calls], {"/d": {}}, ["/d"])
        return [{n: e.data for n, e in state["/d"].items()} for _, state in found]

    OPEN = ("openat", ["AT_FDCWD", b"/d", "O_RDONLY|O_DIRECTORY"], 3)
    NEW = ("openat", ["3", b".", "O_RDWR|O_TMPFILE", "0600"], 4)
    WRITE = ("write", ["4", b"text", "4"], 4)
    SYNC = ("fsync", ["4"], 0)
    LINK = ("linkat", ["4", b"", "3", b"name", "AT_EMPTY_PATH"], 0)
    SYNC_DIR = ("fsync", ["3"], 0)

    def test_a_file_that_is_synced_before_its_name(self):
        self.assertEqual(self.possible(self.OPEN, self.NEW, self.WRITE, self.SYNC, self.LINK),
                         [{}, {"name": b"text"}])
        # A name that is on the disk stays.
        (*_, last) = self.possible(self.OPEN, self.NEW, self.WRITE, self.SYNC, self.LINK, self.SYNC_DIR)
        self.assertEqual(last, {"name": b"text"})

    def test_a_file_that_is_not(self):
        self.assertIn({"name": b""}, self.possible(self.OPEN, self.NEW, self.WRITE, self.LINK, self.SYNC_DIR))

    def test_two_names_come_in_any_order(self):
        other = ("symlinkat", [b"name", "3", b"link"], 0)
        found = self.possible(self.OPEN, self.NEW, self.WRITE, self.SYNC, self.LINK, other)
        self.assertIn({"link": "name"}, found)
        self.assertNotIn({"link": "name"}, self.possible(self.OPEN, self.NEW, self.WRITE, self.SYNC,
                                                         self.LINK, self.SYNC_DIR, other))


class Power(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.dir = os.path.realpath(self.dir)
        self.assertIsNotNone(shutil.which("strace"), "strace is not installed: cmake/deps.sh --tests")

    def supervisor(self, lab, *more, before=()):
        sup = self.background([*before, cli.GWTOOL, "supervise", *lab.options(*more), lab.link],
                              # A leak checker does not work in a program that is traced.
                              env=lab.env(ASAN_OPTIONS="detect_leaks=0"))
        self.addCleanup(lab.kill_services)
        return sup

    def update(self, lab, sup, version, mode):
        lab.release(version, mode)
        self.assert_run(self.gwtool("supervise", "check", "--dir", lab.state), 0)
        end = "rolled-back" if mode == "crash" else "updated"
        sup.wait_err("event=%s version=%s" % (end, version), timeout=60)

    def trace(self, lab, releases, *more):
        """The calls of a supervisor from its first start through updates."""
        out = self.path("trace")
        sup = self.supervisor(lab, "--trial", "3s", *more, before=["strace", "-o", out, *power_cut.OPTIONS])
        sup.wait_err("event=supervising")
        for version, mode in releases:
            self.update(lab, sup, version, mode)
        cli.wait_until(lambda: self.gwtool("supervise", "status", "--dir", lab.state, "--json").json["state"]
                       == "running", what="the last update to be over")
        with open("/proc/%d/task/%d/children" % (sup.pid, sup.pid)) as f:
            os.kill(int(f.read().split()[0]), signal.SIGTERM)
        self.assertEqual(sup.wait(), 5)
        return power_cut.read_trace(out)

    def test_each_state_that_a_cut_may_leave(self):
        self.each_state()

    def test_each_state_that_one_may_leave_of_an_overlap(self):
        # The bad one is never ready, whether it has ended by then or not.
        self.each_state("--overlap", "--listen", "unix:" + self.path("socket"), "--ready-passes", "1", "--ready",
                        "case $(readlink /proc/$GW_PID/exe) in *v0.1.6*|'') exit 1; esac")

    def each_state(self, *more):
        lab = supervise_lab.Lab(self.path("lab"), self.addCleanup)
        lab.install()
        # From a plain file to a link; from a link, and the first file goes; and back again.
        releases = [("v0.1.1", "ok"), ("v0.1.5", "ok"), ("v0.1.6", "crash")]
        before = {lab.bin: {"svc": power_cut.Entry("file", read(lab.link), 0o755)},
                  self.path("lab"): {"bin": power_cut.Entry("dir", "", 0)}}
        calls = self.trace(lab, releases, *more)
        whole = {read(supervise_lab.build(*r)): r[0] for r in [("v0.1.0", "ok"), *releases]}
        found = list(power_cut.states(calls, before, [self.path("lab"), lab.bin, lab.state]))
        self.assertGreater(len(found), 40)
        for number, (at, state) in enumerate(found):
            with self.subTest(state=number, calls=at):
                self.check_files(lab, state, whole)
                # A sanitizer's starts take seconds each.
                if number % (1 if cli.SLOWNESS == 1 else 10) == 0:
                    self.check_start(lab, state, number)
        print("a power cut: %d states of %d calls" % (len(found), len(calls)), file=sys.stderr)

    def check_files(self, lab, state, whole):
        entry = state[lab.bin]["svc"]
        if entry.kind == "link":
            self.assertIn(entry.data, state[lab.bin])
            entry = state[lab.bin][entry.data]
        self.assertIn(entry.data, whole)
        self.assertEqual(entry.mode, 0o755)
        if "state.json" in state.get(lab.state, {}):
            self.assertEqual(json.loads(state[lab.state]["state.json"].data)["version"], 1)

    def check_start(self, lab, state, number):
        copy = self.path("state-%d" % number)
        power_cut.build(state, self.path("lab"), copy)
        other = supervise_lab.Lab(os.path.join(copy, "lab"), lambda *unused: None)
        other.bin, other.state = os.path.join(copy, "bin"), os.path.join(copy, "gw")
        other.link = os.path.join(other.bin, "svc")
        sup = self.supervisor(other, "--trial", "60s")
        try:
            # One that was on trial and crashes is exchanged before it is asked for.
            good = [{"v0.1.0"}, {"v0.1.1"}, {"v0.1.5"}]
            cli.wait_until(lambda: set(other.running().values()) in good or not sup.alive(),
                           what="a good version")
            self.assertTrue(sup.alive(), str(sup))
            self.assertNotIn("state-put-aside", sup.err)
        finally:
            sup.kill()
            other.kill_services()
            other.service.server.shutdown()
            other.service.server.server_close()
            shutil.rmtree(copy)


if __name__ == "__main__":
    cli.main()
