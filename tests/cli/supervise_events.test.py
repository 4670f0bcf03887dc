"""Who is told of what happened to a supervised service: in order, each event at least once, also where
the supervisor ends before the operator's command did; and what is not told is in the log."""

import os
import shutil
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import supervise_lab


class Events(supervise_lab.Installed):
    def setUp(self):
        super().setUp()
        self.said = self.path("said")
        self.tell = ["--on-event", "echo \"$GW_EVENT $GW_VERSION\" >> %s" % self.said]

    def told(self):
        if not os.path.exists(self.said):
            return []
        with open(self.said) as f:
            return f.read().splitlines()

    def wait_told(self, *events):
        cli.wait_until(lambda: len(self.told()) >= len(events), what="%d events" % len(events))
        self.assertEqual(self.told(), list(events))

    def hanging(self, and_then="exec sleep 1000"):
        """A command that begins, and does not come to its end."""
        return ["--on-event", "echo begun >> %s; %s" % (self.path("begun"), and_then)]

    def begun(self):
        if not os.path.exists(self.path("begun")):
            return 0
        with open(self.path("begun")) as f:
            return len(f.readlines())

    def fail(self, sup, version="v0.1.9"):
        """An update that no build service has."""
        count = sup.err.count("event=failed")
        self.ask("update", version)
        cli.wait_until(lambda: sup.err.count("event=failed") > count, what="a failure")

    def ended_in_the_middle(self, end, code):
        self.lab.release("v0.1.1")
        sup = self.start(*self.hanging())
        self.fail(sup)
        cli.wait_until(self.begun, what="the first command")
        # its turn has not come
        self.ask("update", "v0.1.1")
        sup.wait_err("event=updated")
        cli.wait_until(lambda: self.status()["state"] == "running", what="the end of the update")
        end(sup)
        self.assertEqual(sup.wait(), code)
        self.assertEqual(self.begun(), 1)
        sup = self.start(*self.tell, version="v0.1.1")
        self.wait_told("failed v0.1.9", "updated v0.1.1")
        # and no more
        self.fail(sup)
        self.wait_told("failed v0.1.9", "updated v0.1.1", "failed v0.1.9")

    def test_what_a_stop_cut_short_is_told_by_the_next_start(self):
        self.ended_in_the_middle(lambda sup: sup.send(signal.SIGTERM), 5)

    def test_what_a_kill_cut_short_is_told_by_the_next_start(self):
        self.ended_in_the_middle(lambda sup: sup.process.kill(), -signal.SIGKILL)

    def test_a_new_gwtool_waits_until_it_is_told(self):
        """And so nobody is told twice."""
        go = self.path("go")
        sup = self.start(*self.hanging("while ! test -e %s; do sleep 0.01; done" % go))
        self.fail(sup)
        cli.wait_until(self.begun, what="the command")
        self.assert_error(self.ask("reload", code=3), 3, "somebody is being told of an event")
        self.assertNotIn("event=took-over", sup.err)
        self.file("go", "")
        # the second one, as it came to its end
        self.fail(sup)
        cli.wait_until(lambda: self.begun() == 2, what="the next one")
        cli.wait_until(lambda: self.gwtool("supervise", "reload", "--dir", self.lab.state).code == 0,
                       what="somebody to take over")
        sup.wait_err("event=took-over")
        cli.wait_until(lambda: sup.err.count("event=supervising") == 2, what="its start")
        self.fail(sup)
        cli.wait_until(lambda: self.begun() == 3, what="the next one of the new one")

    def test_a_gwtool_on_the_disk_takes_over_once_it_is_told(self):
        go, program = self.path("go"), self.path("gwtool")
        shutil.copy(cli.GWTOOL, program)
        sup = self.background([program, "supervise", *self.lab.options(
            *self.hanging("while ! test -e %s; do sleep 0.01; done" % go)), self.lab.link], env=self.lab.env())
        sup.wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        self.fail(sup)
        cli.wait_until(self.begun, what="the command")
        with open(program + ".new", "wb") as f:
            f.write(supervise_lab.read(program) + b"\0")
        os.chmod(program + ".new", 0o755)
        os.rename(program + ".new", program)
        self.ask("check")
        sup.wait_err("event=checked")
        own = self.status()["gwtool"]
        self.assertEqual((own["another_on_disk"], own.get("replacing", False)), (True, False))
        self.file("go", "")
        sup.wait_err("event=took-over")
        cli.wait_until(lambda: sup.err.count("event=supervising") == 2, what="its start")
        self.assertEqual(self.begun(), 1)

    def test_and_so_does_one_that_was_being_asked_when_it_began(self):
        go, asked, answer, program = (self.path(name) for name in ("go", "asked", "answer", "gwtool"))
        shutil.copy(cli.GWTOOL, program)
        sup = self.background([program, "supervise", *self.lab.options(
            *self.hanging("while ! test -e %s; do sleep 0.01; done" % go)), self.lab.link], env=self.lab.env())
        sup.wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        self.file("gwtool.new", "#!/bin/sh\ntouch %s\nwhile ! test -e %s; do sleep 0.01; done\nexec %s \"$@\"\n"
                  % (asked, answer, cli.GWTOOL), 0o755)
        os.rename(program + ".new", program)
        self.ask("check")
        cli.wait_until(lambda: os.path.exists(asked), what="the question")
        self.fail(sup)
        cli.wait_until(self.begun, what="the command")
        cli.wait_until(lambda: self.status()["state"] == "running", what="the end of the update")
        self.file("answer", "")
        sup.wait_err("event=replacement-refused .*being told")
        self.file("go", "")
        sup.wait_err("event=took-over")
        cli.wait_until(lambda: sup.err.count("event=supervising") == 2, what="its start")
        self.assertEqual(self.begun(), 1)

    def test_a_command_that_ends_the_supervisor_does_not_do_so_for_ever(self):
        ends = self.hanging("kill -9 $PPID")
        sup = self.start(*ends)
        self.ask("update", "v0.1.9")
        for n in (1, 2, 3):
            self.assertEqual(sup.wait(), -signal.SIGKILL)
            self.assertEqual(self.begun(), n)
            if n < 3:
                sup = self.background([cli.GWTOOL, "supervise", *self.lab.options(*ends), self.lab.link],
                                      env=self.lab.env())
        sup = self.start(*self.tell)
        self.fail(sup)
        self.wait_told("failed v0.1.9")

    def test_more_than_are_kept_are_left_out_and_the_log_says_which(self):
        sup = self.start(*self.hanging("while ! test -e %s; do sleep 0.01; done" % self.path("go")))
        for _ in range(16):
            self.fail(sup)
        self.assertNotIn("event=not-told", sup.err)
        self.fail(sup, "v0.1.8")
        sup.wait_err('event=not-told what=failed version=v0.1.8 why="those before are not told yet"')
        self.file("go", "")
        cli.wait_until(lambda: self.begun() == 16, what="all that were kept")
        self.fail(sup)
        cli.wait_until(lambda: self.begun() == 17, what="the next one")
        self.assertEqual(sup.err.count("event=not-told"), 1)

    def test_an_end_after_an_update_counts_also_while_another_is_under_way(self):
        for version in ("v0.1.1", "v0.1.5"):
            self.lab.release(version, listed=False)
        more = [*self.tell, "--event", "exited"]
        sup = self.start(*more)
        self.ask("update", "v0.1.1")
        sup.wait_err("event=updated")
        self.lab.wait_running("v0.1.1")
        self.lab.service.hold = threading.Event()
        self.addCleanup(self.lab.service.hold.set)
        self.ask("update", "v0.1.5")
        self.assertEqual(self.status()["state"], "fetching")
        sup.send(signal.SIGUSR2)
        self.assertEqual(sup.wait(), 9)
        self.start(*more, version="v0.1.1")
        self.wait_told("exited v0.1.1")

    def test_what_nobody_wants_to_hear_any_more(self):
        sup = self.start(*self.hanging())
        self.fail(sup)
        cli.wait_until(self.begun, what="the command")
        self.fail(sup, "v0.1.8")
        self.assertEqual(sup.stop(), 5)
        sup = self.start(*self.tell, "--event", "updated")
        self.lab.release("v0.1.1")
        self.ask("update", "v0.1.1")
        self.wait_told("updated v0.1.1")

    def test_a_command_that_cannot_be_begun_is_no_end_of_it(self):
        # more than the kernel takes, as where there is no process or descriptor left
        config = self.file("supervise.toml", "[supervise]\non-event = \"true %s\"\n" % ("x" * 200000))
        for n, more in enumerate(([], ["--event-url", "http://127.0.0.1:1/"]), 1):
            sup = self.start("--config", config, *more)
            self.fail(sup)
            sup.wait_err("event=on-event .*[Aa]rgument list too long")
            if more:
                sup.wait_err("event=event-webhook how=")
            self.assertEqual(sup.stop(), 5)
            sup = self.start(*self.tell)
            self.wait_told(*["failed v0.1.9"] * n)
            self.assertEqual(sup.stop(), 5)

    def test_one_that_fails_is_told_of_and_over(self):
        sup = self.start(*self.hanging("exit 3"))
        self.fail(sup)
        sup.wait_err("event=on-event how=\"ended with 3\"")
        self.fail(sup)
        cli.wait_until(lambda: self.begun() == 2, what="the next one")
        self.assertEqual(sup.stop(), 5)
        sup = self.start(*self.tell)
        self.fail(sup)
        self.wait_told("failed v0.1.9")


if __name__ == "__main__":
    cli.main()
