"""gwtool supervise with real services and a build service on loopback: a service runs, a new version
is noticed, fetched, proven, put in its place, and kept or rolled back."""

import ctypes
import errno
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import process_memory
import supervise_lab
from supervise_lab import read


# A trial in which a release that ends at once does so, however busy the machine.
LONG = ["--trial", "3s"]


class TestCase(supervise_lab.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = supervise_lab.Lab(self.path("lab"), self.addCleanup)
        self.lab.install()

    def start(self, *more, args=(), wait="event=supervising"):
        sup = self.background([cli.GWTOOL, "supervise", *self.lab.options(*more), self.lab.link, *args],
                              env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        if wait:
            sup.wait_err(wait)
        return sup

    def history(self):
        return [(e["what"], e["version"], e["by"]) for e in self.ask("history", "--json").json]

    def files(self):
        return sorted(os.listdir(self.lab.bin))


class Memory(TestCase):
    """At rest, and while it waits for a helper. What is measured, and what goes where:
    tests/bench/bench_supervise.py."""

    def setUp(self):
        if b"CMAKE_BUILD_TYPE:STRING=Release" not in read(os.path.join(cli.BUILD, "CMakeCache.txt")):
            self.skipTest("figures are of what is delivered")
        super().setUp()
        with open(cli.GWTOOL, "rb") as f:
            os.fsync(f.fileno())
        # On a disk: the tables of addresses are kept there.
        self.lab.state = tempfile.mkdtemp(dir=cli.BUILD)
        self.addCleanup(shutil.rmtree, self.lab.state)
        kind = subprocess.run(["stat", "-f", "-c", "%T", self.lab.state], stdout=subprocess.PIPE, check=True)
        self.in_memory = kind.stdout.strip() not in (b"ext2/ext3", b"xfs", b"btrfs", b"f2fs", b"zfs")

    def assert_rests(self, pid):
        def rests():
            pss, dirty = process_memory.memory(pid)
            parts = process_memory.parts(pid)
            on_disk = self.in_memory or parts["tables"][1] == 0 and dirty <= 500
            return on_disk and pss <= 1500 and parts["stack"][1] <= 32
        try:
            cli.wait_until(rests, 10)
        except AssertionError:
            self.fail("%r: %r" % (process_memory.memory(pid), process_memory.parts(pid)))

    def test_at_rest_and_while_a_helper_waits(self):
        sup = self.start()
        self.assert_rests(sup.pid)
        self.lab.release("v0.1.1")
        self.lab.service.hold = threading.Event()
        self.addCleanup(self.lab.service.hold.set)
        self.ask("update", "v0.1.1")
        cli.wait_until(lambda: any("/tlog/" not in r and "v0.1.1" in r for r in self.lab.service.requests),
                       what="a download")
        self.assert_rests(sup.pid)
        helper = next(pid for pid in map(int, read("/proc/%d/task/%d/children" % (sup.pid, sup.pid)).split())
                      if b"helper" in read("/proc/%d/cmdline" % pid))

        def both():
            return process_memory.memory(sup.pid)[0] + process_memory.memory(helper)[0]
        cli.wait_until(lambda: both() < 6000, 10, "the helper to see that it waits")
        self.lab.service.hold.set()
        sup.wait_err("event=updated")
        self.assert_rests(sup.pid)


class Running(TestCase):
    def test_a_service_runs_as_it_would_without(self):
        sup = self.start(args=["-help", "--config=", "a b", "--", "-v"])
        self.lab.wait_running("v0.1.0")
        (what, _, pid), = self.lab.lines()
        self.assertEqual(what, "start:%s,-help,--config=,a_b,--,-v" % self.lab.link)
        for number, name in ((signal.SIGHUP, "hangup"), (signal.SIGUSR1, "user")):
            sup.send(number)
            cli.wait_until(lambda: any(name in line[0] for line in self.lab.lines()), what=name)
        self.assertEqual(self.lab.running(), {int(pid): "v0.1.0"})
        # it ends as the service does
        sup.send(signal.SIGTERM)
        self.assertEqual(sup.wait(), 5)
        self.assertEqual(self.lab.running(), {})

    def test_words_that_are_empty_or_look_like_ours(self):
        words = ["", "--dir", "x", "", "--", "--help", "-v", "a b", ""]
        service = self.file("words", "#!/bin/sh\nfor w; do echo \"[$w]\"; done\n", 0o755)
        r = self.gwtool("supervise", "--dir", self.lab.state, service, *words)
        self.assertEqual((r.code, r.lines), (0, ["[%s]" % w for w in words]))
        self.assert_error(self.gwtool("supervise", "--dir", self.lab.state, "", "x"), 2, "is empty")

    def test_its_own_end_is_ours(self):
        sup = self.start()
        self.lab.wait_running("v0.1.0")
        sup.send(signal.SIGUSR2)
        self.assertEqual(sup.wait(), 9)

    def test_so_it_is_where_whoever_started_us_ignored_the_ends_of_children(self):
        self.lab.release("v0.1.1")
        sup = self.background(["sh", "-c", "trap '' CHLD; exec \"$@\"", "sh", cli.GWTOOL, "supervise",
                               *self.lab.options(), self.lab.link], env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        self.lab.wait_running("v0.1.0")
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.1")
        self.lab.wait_running("v0.1.1")
        sup.send(signal.SIGUSR2)
        self.assertEqual(sup.wait(), 9, sup.err)

    def test_a_signal_that_ends_it_ends_us(self):
        sup = self.start()
        self.lab.wait_running("v0.1.0")
        os.kill(*self.lab.running(), signal.SIGKILL)
        self.assertEqual(sup.wait(), -signal.SIGKILL)

    def test_one_that_does_not_end_is_killed(self):
        self.lab.install("v0.1.4", "stubborn")
        sup = self.start("--stop-timeout", "200ms")
        self.lab.wait_running("v0.1.4")

        def ended():
            sup.send(signal.SIGINT)  # again and again: nothing is put off by it
            return not sup.alive()
        cli.wait_until(ended, what="its end", every=0.05)
        self.assertEqual(sup.wait(), -signal.SIGKILL)
        self.assertIn("signal:interrupt", [line[0] for line in self.lab.lines()])

    def test_what_it_started_ends_with_it_and_nothing_stays_a_zombie(self):
        kept = self.path("kept")
        script = self.file("script", "#!/bin/sh\ntrap 'exit 3' TERM\n(true &)\n(setsid sleep 1000 & echo $! > %s)\n"
                           "sleep 1000 & wait $!\n" % kept, 0o755)
        sup = self.background([cli.GWTOOL, "supervise", "--dir", self.lab.state, script])
        cli.wait_until(lambda: os.path.exists(kept) and read(kept).endswith(b"\n"), what="what it started")
        pid = int(read(kept))

        def children():
            """The names and states of the supervisor's, among them what was left to it."""
            out = []
            for child in read("/proc/%d/task/%d/children" % (sup.pid, sup.pid)).split():
                try:
                    out.append(read("/proc/%d/stat" % int(child)).decode().split()[1:3])
                except FileNotFoundError:
                    pass
            return out
        cli.wait_until(lambda: sorted(name for name, _ in children()) == ["(script)", "(sleep)"],
                       what="the others to be gone, not %s" % children())
        self.assertEqual(sup.stop(), 3)
        cli.wait_until(lambda: not os.path.exists("/proc/%d" % pid) or
                       read("/proc/%d/stat" % pid).decode().split()[2] == "Z", what="its end")

    def test_a_second_supervisor(self):
        self.start()
        r = self.gwtool("supervise", *self.lab.options(), self.lab.link, env=self.lab.env())
        self.assert_error(r, 3, "another supervisor runs there")

    def test_what_cannot_run(self):
        r = self.gwtool("supervise", "--dir", self.file("file", ""), self.lab.link)
        self.assert_error(r, 2, self.path("file") + ": not a directory")
        self.assert_error(self.gwtool("supervise", "--listen", "127.0.0.1", self.lab.link), 2, "has no port")
        self.assert_error(self.gwtool("supervise", "--dns", "no zone", self.lab.link), 2, "--dns")
        r = self.gwtool("supervise", *self.lab.options(), "./none", env=self.lab.env())
        self.assert_error(r, 1, "./none: no such file")
        r = self.gwtool("supervise", *self.lab.options(), "svc", env=self.lab.env())
        self.assert_error(r, 2, "a path with a slash")
        self.assert_error(self.gwtool("supervise", "--bogus", "./svc"), 2, "unknown option")
        text = self.file("text", "no program\n", 0o755)
        r = self.gwtool("supervise", *self.lab.options(), text, env=self.lab.env())
        self.assert_error(r, 1, "starting " + text)

    def test_a_terminal_that_is_another_sessions(self):
        ours, theirs = os.openpty()
        self.addCleanup(os.close, ours)
        sup = self.background(["/bin/sh", "-c", "exec \"$@\" <&%d" % theirs, "sh", cli.GWTOOL,
                               "supervise", *self.lab.options(), self.lab.link],
                              env=self.lab.env(), pass_fds=[theirs])
        os.close(theirs)
        sup.wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        self.assertEqual(sup.stop(), 5)

    def test_an_interrupt_at_the_terminal_reaches_it_once(self):
        ours, theirs = os.openpty()
        self.addCleanup(os.close, ours)
        # The first terminal that a session's leader opens is the session's.
        sup = self.background(["/bin/sh", "-c", "exec \"$@\" <\"$0\"", os.ttyname(theirs), cli.GWTOOL,
                               "supervise", *self.lab.options(), self.lab.link], env=self.lab.env())
        os.close(theirs)
        sup.wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        os.write(ours, b"\x03")
        self.assertEqual(sup.wait(), 5)
        self.assertEqual([line[0] for line in self.lab.lines()][1:], ["signal:interrupt"])

    def test_a_service_that_is_not_gos(self):
        script = self.file("script", "#!/bin/sh\nexit 6\n", 0o755)
        sup = self.background([cli.GWTOOL, "supervise", *self.lab.options(), script],
                              env=self.lab.env())
        self.assertEqual(sup.wait(), 6)
        self.assertIn("no build information", sup.err)


class Updating(TestCase):
    def test_a_new_version_is_noticed_and_kept(self):
        self.lab.release("v0.1.1")
        sup = self.start()
        self.lab.wait_running("v0.1.0")
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.1")
        self.lab.wait_running("v0.1.1")
        # the old one was asked to end, and its file is there for a rollback
        self.assertIn(["signal:terminated", "v0.1.0"], [line[:2] for line in self.lab.lines()])
        self.assertEqual(os.readlink(self.lab.link), self.lab.name("v0.1.1"))
        self.assertEqual(self.files(), ["svc", self.lab.name("v0.1.0"), self.lab.name("v0.1.1")])
        self.assertEqual(self.history(), [("updated", "v0.1.1", "schedule")])
        s = self.status()
        self.assertEqual((s["state"], s["version"], s["automatic"], s["why_no_update"]),
                         ("running", "v0.1.1", True, "nothing is newer"))
        # the next one: the oldest file is ours now, and goes
        self.lab.release("v0.1.5")
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.5")
        self.lab.wait_running("v0.1.5")
        cli.wait_until(lambda: self.files() == ["svc", self.lab.name("v0.1.1"),
                                                self.lab.name("v0.1.5")], what="one file to go")
        self.assertEqual(sup.stop(), 5)
        # and a start goes on from there
        again = self.start()
        self.lab.wait_running("v0.1.5")
        self.assertEqual(self.status()["previous"], self.lab.name("v0.1.1"))
        self.assertEqual(again.stop(), 5)

    def rolled_back(self, version, mode, why, *more):
        self.lab.release(version, mode)
        sup = self.start(*more)
        self.ask("check")
        sup.wait_err("event=rolled-back version=%s" % re.escape(version), timeout=30)
        self.lab.wait_running("v0.1.0")
        self.assertEqual(os.readlink(self.lab.link), self.lab.name("v0.1.0"))
        s = self.status()
        self.assertEqual((s["state"], s["version"], s["automatic"]), ("running", "v0.1.0", False))
        self.assertIn(why, s["why_not"])
        self.assertEqual(s["skipped"], [{"version": version, "go_version": self.lab.go}])
        # nothing happens by itself until somebody looks; then others, but never this one
        self.ask("resume")
        self.assertIn("skipped", self.status()["why_no_update"])
        self.lab.release("v0.1.5")
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.5")
        self.lab.wait_running("v0.1.5")
        self.assertEqual([w for w, _, _ in self.history()], ["rolled-back", "updated"])
        return sup

    def test_a_clock_that_is_set_again_and_again_puts_no_look_off(self):
        # What the kernel says of a timer by the clock that somebody sets: each time it is asked, 300 times.
        self.lab.install()
        self.lab.release("v0.1.1")
        sup = self.background(["strace", "-D", "-qq", "-o", self.path("trace"), "-e", "trace=read", "-P",
                               "anon_inode:[timerfd]", "-e", "inject=read:error=ECANCELED:when=1..300",
                               cli.GWTOOL, "supervise", *self.lab.options("--first-check", "1s"), self.lab.link],
                              env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=checked newer=1")
        sup.wait_err("event=updated version=v0.1.1")
        with open(self.path("trace")) as f:
            self.assertEqual(f.read().count("ECANCELED"), 300)
        self.assertEqual(sup.stop(), 5)

    @unittest.skipUnless(os.uname().machine == "x86_64", "the numbers of the calls are x86's")
    def test_a_kernel_that_keeps_the_helper_from_nothing_is_told_of(self):
        # As in a container whose own filter knows neither: seccomp(2), landlock_create_ruleset(2), and
        # prctl(2) with PR_SET_SECCOMP
        code = b"".join(struct.pack("HBBI", *one) for one in (
            (0x20, 0, 0, 0), (0x15, 4, 0, 317), (0x15, 3, 0, 444), (0x15, 0, 3, 157), (0x20, 0, 0, 16),
            (0x15, 0, 1, 22), (0x06, 0, 0, 0x50000 | errno.ENOSYS), (0x06, 0, 0, 0x7fff0000)))
        libc = ctypes.CDLL(None, use_errno=True)
        has_landlock = libc.syscall(444, None, 0, 1) > 0

        def refuse():
            held = ctypes.create_string_buffer(code)
            program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 8, ctypes.addressof(held)))
            assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0
        for kept in (True, False):
            lab = self.lab if kept else supervise_lab.Lab(self.path("other"), self.addCleanup)
            self.lab = lab
            lab.install()
            lab.release("v0.1.1")
            sup = self.background([cli.GWTOOL, "supervise", *lab.options(), lab.link], env=lab.env(),
                                  **({} if kept else {"preexec_fn": refuse}))
            self.addCleanup(lab.kill_services)
            sup.wait_err("event=supervising")
            self.assertNotIn("helper", self.ask("status", "--json").json)
            self.ask("check")
            sup.wait_err("event=updated version=v0.1.1")
            helper = self.ask("status", "--json").json["helper"]
            plain = self.ask("status").out
            if kept:
                self.assertEqual((helper["landlock"], helper["seccomp"]), (has_landlock, True))
                self.assertEqual("less confined" in sup.err + plain, not has_landlock)
            else:
                self.assertEqual((helper["landlock"], helper["seccomp"], helper["call_list"]), (False,) * 3)
                self.assertRegex(plain, "helper less confined: landlock: .*\n.*less confined: seccomp: .*: ")
                # once, though a helper looked and another one fetched
                for part in ("landlock", "seccomp"):
                    self.assertEqual(sup.err.count('event=helper-less-confined why="%s: ' % part), 1)
            sup.stop()

    def test_a_release_that_crashes_at_once(self):
        self.rolled_back("v0.1.2", "crash", "the new version ended with 7", *LONG)

    def test_a_release_that_ends_well_at_once(self):
        self.rolled_back("v0.1.3", "exit0", "the new version ended with 0", *LONG)

    def test_a_release_that_does_not_become_ready(self):
        self.rolled_back("v0.1.4", "stubborn", "did not become ready", "--ready",
                         "test \"$(readlink %s)\" != %s" % (self.lab.link, self.lab.name("v0.1.4")),
                         "--ready-timeout", "500ms", "--ready-passes", "2", "--stop-timeout", "200ms")

    def test_an_old_one_that_ignores_the_request_to_end(self):
        self.lab.install("v0.1.4", "stubborn")
        self.lab.release("v0.1.5")
        sup = self.start("--stop-timeout", "200ms")
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.5")
        self.lab.wait_running("v0.1.5")

    def test_a_release_that_crashes_often(self):
        self.lab.release("v0.1.1")
        sup = self.start()
        self.ask("check")
        sup.wait_err("event=updated")
        for code in (9, 9):
            self.lab.wait_running("v0.1.1")
            sup.send(signal.SIGUSR2)
            self.assertEqual(sup.wait(), code)
            sup = self.start()
        self.lab.wait_running("v0.1.1")
        sup.send(signal.SIGUSR2)
        sup.wait_err("event=rolled-back version=v0.1.1")
        self.lab.wait_running("v0.1.0")


if __name__ == "__main__":
    cli.main()
