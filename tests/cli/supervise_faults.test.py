"""What goes wrong around a supervised service: downloads and logs that lie or fail, a full disk,
supervisors that are killed. The service that runs afterwards is the old one or the new one, never
none, and never one that was not proven."""

import glob
import json
import os
import resource
import shutil
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import ports
import supervise_lab
from supervise_lab import read
from module_lab import LOGTOOL

KILLAT = os.path.join(cli.BUILD, "tests", "gw_killat")


class TestCase(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = supervise_lab.Lab(self.path("lab"), self.addCleanup)
        self.lab.install()

    def start(self, *more, before=(), program=cli.GWTOOL, **popen):
        sup = self.background([*before, program, "supervise", *self.lab.options(*more),
                               self.lab.link], env=self.lab.env(), **popen)
        # First, as a service that does not end keeps the supervisor's standard error open.
        self.addCleanup(self.lab.kill_services)
        return sup

    def kill(self, sup):
        """The supervisor alone, as the machine's out-of-memory killer does it."""
        sup.process.kill()
        sup.process.wait()

    def ask(self, *words):
        r = self.gwtool("supervise", words[0], "--dir", self.lab.state, "--json", *words[1:])
        self.assertEqual(r.code, 0, r)
        return r.json

    def check_old_runs(self):
        """Nothing happened to the service, and nothing is left of what was tried."""
        self.assertEqual(list(self.lab.running().values()), ["v0.1.0"])
        self.assertEqual(len(self.lab.lines()), 1)
        self.assertEqual(os.listdir(self.lab.bin), ["svc"])


class Sources(TestCase):
    def refused(self, what, why, paused, *more):
        sup = self.start(*more)
        sup.wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        self.ask("check")
        m = sup.wait_err("event=%s .*" % what)
        self.assertIn(why, m.group(0))
        self.check_old_runs()
        s = self.ask("status")
        self.assertEqual((s["state"], s["automatic"]), ("running", not paused), s)
        self.assertIn(why, s["last_error"])
        return sup, s

    def test_a_download_that_is_cut(self):
        self.lab.release("v0.1.1")
        self.lab.service.faults["dl"] = "cut"
        sup, s = self.refused("failed", "127.0.0.1", False)
        # tried again in an hour
        self.assertEqual(s["failures"], 1)
        self.assertEqual(s["planned"]["version"], "v0.1.1")
        # or now, by a person
        self.lab.service.faults["dl"] = "cut-once"
        self.ask("update")
        sup.wait_err("event=updated version=v0.1.1")
        self.assertEqual(self.ask("status")["failures"], 0)

    def test_a_download_that_is_altered(self):
        self.lab.release("v0.1.1")
        self.lab.service.faults["dl"] = "altered"
        sup, s = self.refused("untrusted", "other bytes than the record has the sum of", True)
        self.assertIn("verification failed", s["why_not"])
        # a person is told, and can go on
        self.lab.service.faults.clear()
        self.ask("resume")
        sup.wait_err("event=updated version=v0.1.1")

    def test_a_download_that_is_too_long(self):
        self.lab.release("v0.1.1")
        self.lab.service.faults["dl"] = "long"
        self.refused("untrusted", "body", True)

    def test_a_download_that_is_too_short(self):
        self.lab.release("v0.1.1")
        self.lab.service.faults["dl"] = "short"
        self.refused("untrusted", "of the record", True)

    def test_a_download_that_is_gone(self):
        self.lab.release("v0.1.1")
        self.lab.service.faults["dl"] = "gone"
        self.refused("failed", "404", False)

    def test_a_record_of_another_build(self):
        self.lab.release("v0.1.5", listed=False)
        self.lab.release("v0.1.1")
        self.lab.service.faults["lookup"] = "other"
        self.refused("untrusted", "lookup", True)

    def test_a_version_that_cannot_be_built(self):
        self.lab.publish("v0.1.1")
        self.refused("failed", "404", False)

    def test_a_service_that_is_down(self):
        self.lab.release("v0.1.1")
        self.lab.service.faults["lookup"] = "down"
        self.refused("failed", "500", False)

    def test_a_binary_of_another_version(self):
        with open(supervise_lab.build("v0.1.5", "ok"), "rb") as f:
            self.lab.service.add("v0.1.1", f.read())
        self.lab.publish("v0.1.1")
        self.refused("untrusted", "v0.1.5", True)

    def test_a_binary_of_another_module(self):
        path = supervise_lab.build("v0.1.1", "ok", "example.test/other")
        with open(path, "rb") as f:
            self.lab.service.add("v0.1.1", f.read())
        self.lab.publish("v0.1.1")
        self.refused("untrusted", "example.test/other", True)

    def test_what_is_no_binary(self):
        self.lab.service.add("v0.1.1", b"#!/bin/sh\n" * 1000)
        self.lab.publish("v0.1.1")
        self.refused("untrusted", "the binary", True)

    def test_a_log_with_another_key(self):
        self.lab.release("v0.1.1")
        other = supervise_lab.Lab(self.path("other"), self.addCleanup)
        other.service.write("name", "other.test\n")
        key = cli.run([LOGTOOL, "key", other.service.log]).out.strip()
        self.refused("untrusted", "lookup", True, "--build-key", key)

    def test_a_log_with_another_history(self):
        self.lab.release("v0.1.1")
        sup = self.start()
        sup.wait_err("event=supervising")
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.1")
        # the same key, and as if the first record had never been
        log = self.lab.service.log
        for name in ("latest", "tile"):
            path = os.path.join(log, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        self.lab.service.records.clear()
        self.lab.release("v0.1.5")
        self.ask("check")
        m = sup.wait_err("event=untrusted .*")
        evidence, = glob.glob(os.path.join(self.lab.state, "evidence-*.json"))
        self.assertIn(evidence, m.group(0))
        self.lab.wait_running("v0.1.1")
        # it stays so after a restart
        self.assertEqual(sup.stop(), 5)
        self.start().wait_err("event=supervising")
        self.assertFalse(self.ask("status")["automatic"])

    def test_older_versions(self):
        self.lab.release("v0.0.9")
        sup = self.start()
        sup.wait_err("event=supervising")
        self.ask("check")
        sup.wait_err("event=checked newer=0")
        self.assertEqual(self.ask("status")["why_no_update"], "nothing is newer")
        self.check_old_runs()
        # a person may
        self.ask("update", "v0.0.9")
        sup.wait_err("event=updated version=v0.0.9")
        self.lab.wait_running("v0.0.9")

    def test_no_list_of_versions(self):
        os.unlink(self.lab.list)
        sup = self.start()
        sup.wait_err("event=supervising")
        self.ask("check")
        sup.wait_err("event=check-failed")
        self.check_old_runs()


class Disk(TestCase):
    def test_no_room_for_the_new_one(self):
        self.lab.release("v0.1.1")

        def limited():
            resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))
        # SIGXFSZ ignored, as Python has it: the write fails, as on a full disk
        sup = self.start(preexec_fn=limited, restore_signals=False)
        sup.wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        self.ask("check")
        m = sup.wait_err("event=failed .*")
        self.assertIn("room for", m.group(0))
        self.check_old_runs()

    def test_a_command_that_cannot_be_kept_did_not_happen(self):
        sup = self.start(restore_signals=False)
        sup.wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        most = resource.prlimit(sup.pid, resource.RLIMIT_FSIZE)[1]

        def refused(*words):
            resource.prlimit(sup.pid, resource.RLIMIT_FSIZE, (0, most))
            r = self.gwtool("supervise", words[0], "--dir", self.lab.state, *words[1:])
            self.assert_error(r, 1, "state.json: ")
            resource.prlimit(sup.pid, resource.RLIMIT_FSIZE, (most, most))
            return self.ask("status")
        self.assertTrue(refused("pause")["automatic"])
        self.assertEqual(refused("skip", "v0.1.1")["skipped"], [])
        self.ask("pause", "holidays")
        self.assertEqual(refused("resume")["why_not"], "paused: holidays")
        self.assertEqual(sup.stop(), 5)

    def as_another_user(self):
        """start() as somebody who may not write everywhere, whose all of it is."""
        self.addCleanup(os.chmod, self.lab.bin, 0o755)
        if os.geteuid() != 0:
            return self.start
        program = shutil.copy(cli.GWTOOL, self.path("gwtool"))  # where it is only root may be
        for where, _, files in os.walk(self.dir):
            for path in [where, *(os.path.join(where, f) for f in files)]:
                os.chown(path, 65534, 65534, follow_symlinks=False)
        setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        return lambda *more: self.start(*more, before=setpriv, program=program)

    def test_a_link_that_cannot_be_moved_back(self):
        self.lab.release("v0.1.1")
        start = self.as_another_user()
        # By an event, not by a time in which a busy machine does not come to run the command.
        ready = ["--ready", "chmod 555 %s; kill -USR2 $GW_PID; exit 1" % self.lab.bin, "--ready-timeout", "1h"]
        sup = start(*ready)
        sup.wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        self.ask("check")
        sup.wait_err("event=switch-back")
        # The good version runs all the same, now and at the next start, and the link when it can be.
        self.lab.wait_running("v0.1.0")
        self.assertEqual(self.ask("status")["version"], "v0.1.0")
        sup.stop()
        self.assertIn("v0.1.1", os.readlink(self.lab.link))
        sup = start(*ready)
        sup.wait_err("event=supervising .*version=v0.1.0")
        self.lab.wait_running("v0.1.0")
        sup.stop()
        os.chmod(self.lab.bin, 0o755)
        start().wait_err("event=supervising .*version=v0.1.0")
        self.lab.wait_running("v0.1.0")
        self.assertIn("v0.1.0", os.readlink(self.lab.link))

    def test_a_directory_that_may_not_be_written(self):
        self.lab.release("v0.1.1")
        start = self.as_another_user()
        os.chmod(self.lab.bin, 0o555)
        if os.geteuid() == 0:
            os.chown(self.lab.bin, 0, 0)
        sup = start()
        sup.wait_err("event=supervising .*may not be written")
        self.lab.wait_running("v0.1.0")

    def test_a_damaged_state(self):
        os.makedirs(self.lab.state)
        self.file("lab/gw/state.json", "{")
        self.start().wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        self.assertIn("damaged", self.ask("status")["why_not"])
        self.assertTrue(os.path.exists(os.path.join(self.lab.state, "state.json.bad")))

    def test_a_state_that_is_too_large(self):
        os.makedirs(self.lab.state)
        with open(os.path.join(self.lab.state, "state.json"), "w") as f:
            f.truncate(100 << 20)
        self.start().wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        self.assertIn("damaged", self.ask("status")["why_not"])

    def test_a_state_from_a_clock_that_was_wrong(self):
        self.lab.release("v0.1.1")
        os.makedirs(self.lab.state)
        late = "2999-01-01T00:00:00Z"
        self.file("lab/gw/state.json", json.dumps({
            "version": 1, "last_update": late, "learned": late, "checked": late, "failures": 1,
            "last_failure": late, "versions": {"v0.1.1": late}}))
        sup = self.start("--grace", "1h", "--delay", "1h")
        sup.wait_err("event=state-of-the-future")
        sup.wait_err("event=supervising")
        planned = self.ask("status")["planned"]["at"]
        self.assertLess(planned[:4], "2999")

    def test_a_binary_that_somebody_changed(self):
        self.lab.release("v0.1.1")
        sup = self.start()
        sup.wait_err("event=supervising")
        self.ask("check")
        sup.wait_err("event=updated")
        self.lab.wait_running("v0.1.1")
        self.assertEqual(sup.stop(), 5)
        new = os.path.join(self.lab.bin, self.lab.name("v0.1.1"))
        old = os.path.join(self.lab.bin, self.lab.name("v0.1.0"))
        with open(new, "r+b") as f:
            f.seek(5000)
            f.write(b"changed")
        # the one before it is whole, and people are told
        said = self.path("said")
        sup = self.start("--event", "untrusted", "--on-event", "echo \"$GW_VERSION $GW_MESSAGE\" > " + said)
        sup.wait_err("event=changed-file")
        cli.wait_until(lambda: os.path.exists(said) and read(said).endswith(b"\n"), what="the event")
        self.assertRegex(read(said).decode(), "^v0.1.1 .* changed since it was verified\n$")
        self.lab.wait_running("v0.1.0")
        self.assertEqual(os.readlink(self.lab.link), os.path.basename(old))
        self.assertIn("changed since it was verified", self.ask("status")["why_not"])
        self.assertEqual(sup.stop(), 5)
        # that one, too: nothing runs
        with open(old, "r+b") as f:
            f.seek(5000)
            f.write(b"changed")
        r = self.gwtool("supervise", *self.lab.options(), self.lab.link, env=self.lab.env())
        self.assert_error(r, 4, "changed since it was verified")
        self.assertEqual(self.lab.running(), {})
        # one of another name is its owner's business
        shutil.copy(supervise_lab.build("v0.1.1", "ok"), os.path.join(self.lab.bin, "mine"))
        os.unlink(self.lab.link)
        os.symlink("mine", self.lab.link)
        self.start().wait_err("event=supervising")
        self.lab.wait_running("v0.1.1")


class Stops(TestCase):
    """A signal to end wins at every step."""

    def end(self, sup, versions=("v0.1.0", "v0.1.1")):
        self.assertIn(sup.stop(), (5, -signal.SIGKILL))
        self.assertEqual(self.lab.running(), {})
        again = self.start()
        again.wait_err("event=supervising")
        cli.wait_until(lambda: len(self.lab.running()) == 1, what="one service")
        self.assertIn(*self.lab.running().values(), versions)
        return again

    def test_while_it_downloads(self):
        self.lab.release("v0.1.1")
        self.lab.service.hold = threading.Event()
        self.addCleanup(self.lab.service.hold.set)
        sup = self.start()
        sup.wait_err("event=supervising")
        self.ask("check")
        cli.wait_until(lambda: any("/tlog/" not in r for r in self.lab.service.requests), what="a download")
        self.assertEqual(self.ask("status")["state"], "fetching")
        self.end(sup, ["v0.1.0"])

    def test_while_the_command_before_runs(self):
        self.lab.release("v0.1.1")
        ran = self.path("ran")
        sup = self.start("--before", "touch %s; read x < %s" % (ran, self.fifo()))
        sup.wait_err("event=supervising")
        self.ask("check")
        cli.wait_until(lambda: os.path.exists(ran), what="the command")
        self.assertEqual(self.ask("status")["state"], "before")
        self.end(sup, ["v0.1.0"])

    def fifo(self):
        path = self.path("fifo")
        os.mkfifo(path)
        return path

    def test_while_the_old_one_ends(self):
        self.lab.install("v0.1.4", "stubborn")
        self.lab.release("v0.1.5")
        sup = self.start("--stop-timeout", "1s")
        sup.wait_err("event=supervising")
        self.ask("check")
        cli.wait_until(lambda: self.ask("status")["state"] == "stopping", what="stopping")
        self.assertEqual(sup.stop(), -signal.SIGKILL)
        self.start().wait_err("event=supervising")
        self.lab.wait_running("v0.1.4")

    def test_while_a_bad_one_ends(self):
        self.lab.release("v0.1.4", "stubborn")
        sup = self.start("--ready", "exec:exit 1", "--ready-timeout", "300ms", "--stop-timeout", "1h")
        sup.wait_err("event=supervising")
        self.ask("update", "v0.1.4")
        cli.wait_until(lambda: self.ask("status")["state"] == "reverting", what="reverting")
        new, = self.lab.running()
        sup.send(signal.SIGTERM)
        cli.wait_until(lambda: os.readlink(self.lab.link) == self.lab.name("v0.1.0"), what="the link to be back")
        self.assertEqual(self.lab.running(), {new: "v0.1.4"})
        os.kill(new, signal.SIGKILL)
        self.assertEqual(sup.wait(), -signal.SIGKILL)
        self.assertEqual(self.lab.running(), {})
        self.start().wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        self.assertEqual([e["what"] for e in self.ask("history")], ["rolled-back"])

    def test_in_a_trial_and_the_trial_goes_on(self):
        self.lab.release("v0.1.1")
        sup = self.start("--trial", "1h")
        sup.wait_err("event=supervising")
        self.ask("check")
        self.lab.wait_running("v0.1.1")
        cli.wait_until(lambda: self.ask("status")["state"] == "trial", what="a trial")
        # as often as somebody likes: that is no fault of the version
        for _ in range(4):
            self.assertEqual(sup.stop(), 5)
            sup = self.start("--trial", "1h")
            sup.wait_err("event=supervising")
            self.lab.wait_running("v0.1.1")
            self.assertEqual(self.ask("status")["state"], "trial")
        # but one that ends by itself is rolled back
        sup.send(signal.SIGUSR2)
        sup.wait_err("event=rolled-back")
        self.lab.wait_running("v0.1.0")


class Kills(TestCase):
    def test_a_supervisor_that_is_killed_again_and_again_in_a_trial(self):
        self.lab.release("v0.1.1")
        for n in range(3):
            sup = self.start("--trial", "1h")
            sup.wait_err("event=supervising")
            if n == 0:
                self.ask("check")
            self.lab.wait_running("v0.1.1")
            self.kill(sup)
        sup = self.start("--trial", "1h")
        sup.wait_err("event=rolled-back .*did not come through its trial")
        self.lab.wait_running("v0.1.0")

    def test_a_service_that_outlives_its_supervisor_is_ended_first(self):
        self.lab.install("v0.1.4", "stubborn")
        sup = self.start()
        sup.wait_err("event=supervising")
        self.lab.wait_running("v0.1.4")
        old, = self.lab.running()
        self.kill(sup)  # its service is asked to end, and does not
        again = self.start("--stop-timeout", "200ms")
        again.wait_err("event=ended-leftover pid=%d" % old)
        self.lab.wait_running("v0.1.4")
        self.assertNotIn(old, self.lab.running())

    def test_what_a_service_that_outlives_its_supervisor_listens_on(self):
        self.lab.install("v0.1.4", "stubborn")
        listen = ["--listen", "unix:" + self.path("socket"), "--listen", "127.0.0.1:%d" % ports.free_port()]
        sup = self.start(*listen)
        sup.wait_err("event=supervising")
        self.lab.wait_running("v0.1.4")
        self.kill(sup)
        again = self.start(*listen, "--stop-timeout", "200ms")
        again.wait_err("event=ended-leftover(.|\n)*event=listening(.|\n)*event=supervising")
        self.lab.wait_running("v0.1.4")

    def test_what_a_service_listens_on_that_its_supervisor_did_not_write_down(self):
        """Killed before it had: nothing of it is known, but that it is about to end."""
        path, port = self.path("socket"), ports.free_port()
        for family, address, name in ((socket.AF_UNIX, path, "unix:" + path),
                                      (socket.AF_INET, ("127.0.0.1", port), "127.0.0.1:%d" % port)):
            with socket.socket(family) as other:
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                other.bind(address)
                other.listen()
                sup = self.start("--listen", name)
                other.settimeout(60 * cli.SLOWNESS)
                other.accept()[0].close()
            sup.wait_err("event=supervising")
            self.lab.wait_running("v0.1.0")
            self.assertEqual(sup.stop(), 5)

    def kill_traced(self, sup):
        """It ends with who traces it, but not before that has ended."""
        try:
            with open("/proc/%d/task/%d/children" % (sup.pid, sup.pid)) as f:
                traced = f.read().split()
        except FileNotFoundError:
            traced = []
        self.kill(sup)

        def lives(pid):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    return f.read().rsplit(")", 1)[1].split()[0] != "Z"
            except (FileNotFoundError, ProcessLookupError):
                return False
        cli.wait_until(lambda: not any(map(lives, traced)), what="the supervisor's end")

    def one_kill(self, n, mode, overlap):
        """An update, killed at the nth call; True when it came to its end before."""
        where = self.path("%s-%d" % (mode, n))
        self.lab = supervise_lab.Lab(where, self.addCleanup)
        self.lab.install()
        self.lab.release(*{"good": ("v0.1.1", "ok"), "bad": ("v0.1.2", "crash")}[mode])
        end = {"good": "event=updated", "bad": "event=rolled-back"}[mode]
        # One that crashes does so by itself, however late on a busy machine.
        trial = ["--trial", {"good": "20ms", "bad": "60s"}[mode]]
        if overlap:  # the bad one is never ready
            ready = "case $(readlink /proc/$GW_PID/exe) in *v0.1.2*|'') exit 1; esac"
            trial += ["--overlap", "--listen", "unix:%s/socket" % where, "--ready", ready, "--ready-passes", "1"]
        sup = self.start(*trial, before=[KILLAT, str(n)])
        cli.wait_until(lambda: not sup.alive() or "event=supervising" in sup.err, what="a start")
        if sup.alive():
            self.gwtool("supervise", "check", "--dir", self.lab.state)
        cli.wait_until(lambda: not sup.alive() or end in sup.err, what=end)
        over = sup.alive()
        self.kill_traced(sup)
        # whatever happened: the link leads to a whole binary, and a start runs one service
        whole = [supervise_lab.build(*b) for b in (("v0.1.0", "ok"), ("v0.1.1", "ok"))]
        if mode == "bad":
            whole.append(supervise_lab.build("v0.1.2", "crash"))
        self.assertIn(read(self.lab.link), [read(path) for path in whole], n)
        again = self.start(*trial)
        again.wait_err("event=supervising")
        # A trial that a kill cut short goes on: the bad one may run until it has crashed once more.
        cli.wait_until(lambda: list(self.lab.running().values()) in (["v0.1.0"], ["v0.1.1"]),
                       what="one good service after %d" % n)
        # and it is not stuck: the same update comes to its end, or is known to be bad
        self.gwtool("supervise", "check", "--dir", self.lab.state)

        def settled():
            r = self.gwtool("supervise", "status", "--dir", self.lab.state, "--json")
            if r.code == 3:
                return False  # a disk that is busy with other tests' files holds it up
            s = r.json
            known = {"good": s["version"] == "v0.1.1", "bad": bool(s["skipped"])}[mode]
            return s["state"] == "running" and known
        cli.wait_until(settled, what="the update after a kill at %d" % n)
        # One that was started just now does not catch the signal yet.
        self.assertIn(again.stop(), (5, -signal.SIGTERM))
        return over

    def every_kill(self, mode, overlap=False):
        # Each of them, but under a sanitizer, where a start takes seconds.
        for n in range(1, 200, 1 if cli.SLOWNESS == 1 else 7):
            with self.subTest(n=n):
                if self.one_kill(n, mode, overlap):
                    print("%s update%s: killed at %d calls" % (mode, ", overlap" if overlap else "", n - 1),
                          file=sys.stderr)
                    self.assertGreater(n, 20)
                    return
        self.fail("no end")

    def test_killed_at_each_step_of_an_update(self):
        self.every_kill("good")

    def test_killed_at_each_step_of_a_rollback(self):
        self.every_kill("bad")

    def test_killed_at_each_step_of_an_overlap(self):
        self.every_kill("good", overlap=True)

    def test_killed_at_each_step_of_an_overlap_that_fails(self):
        self.every_kill("bad", overlap=True)


if __name__ == "__main__":
    cli.main()
