"""What gwtool supervise tells without a supervisor (schedule, explain) and what a running one is asked
and told: pauses, versions by hand, rollback, skips, commands for events, times and schedules."""

import json
import os
import shutil
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import dns_lab
import local_http
import supervise_lab

ZONE = ["--time-zone", "CET-1CEST,M3.5.0,M10.5.0/3"]


class Schedule(cli.TestCase):
    def slots(self, *args):
        r = self.gwtool("supervise", "schedule", *ZONE, *args)
        self.assert_run(r, 0, err="")
        return r.lines

    def test_the_next_slots(self):
        for items, at, first in (
                ([], "2024-10-07T22:39:30+02:00", "2024-10-07T22:39:30+02:00"),
                (["tu-th,sa"], "2024-10-07T22:39:30+02:00", "2024-10-08T00:00:00+02:00"),
                (["8-9"], "2024-10-07T22:39:30+02:00", "2024-10-08T08:00:00+02:00"),
                (["we 10-12", "mo 23-24"], "2024-10-07T20:39:30Z", "2024-10-07T23:00:00+02:00"),
                (["mo-fr 9-17"], "2024-10-11T17:00:00+02:00", "2024-10-14T09:00:00+02:00"),
                (["su 2-3"], "2024-03-31T00:30:00+01:00", "2024-03-31T03:00:00+02:00")):
            with self.subTest(items):
                self.assertEqual(self.slots(*items, "--at", at)[0], first)
        self.assertEqual(self.slots("mo 9-17", "--at", "2024-10-07T12:00:00+02:00", "--count", "2"),
                         ["2024-10-07T12:00:00+02:00", "2024-10-14T09:00:00+02:00"])
        r = self.gwtool("supervise", "schedule", *ZONE, "mo 9-17", "--at", "2024-10-07T00:00:00Z",
                        "--count", "1", "--json")
        self.assertEqual(r.json, [{"start": "2024-10-07T09:00:00+02:00",
                                   "end": "2024-10-07T17:00:00+02:00"}])
        self.assertEqual(self.slots("mo", "--at", "2024-12-20T00:00:00Z", "--count", "1",
                                    "--blackout", "2024-12-23/2024-12-31"),
                         ["2025-01-06T00:00:00+01:00"])
        # the last slots that can be written
        self.assertEqual(self.slots("fr", "--at", "9999-12-20T00:00:00Z"),
                         ["9999-12-24T00:00:00+01:00", "9999-12-31T00:00:00+01:00"])
        now = self.slots("--count", "1")[0]
        self.assertEqual(now[:4], time.strftime("%Y"))

    def test_what_is_none(self):
        for bad in ("mo 9", "mo 9-9", "MO", "mo,", "9-17 mo", "mo  9-17"):
            self.assert_error(self.gwtool("supervise", "schedule", bad), 2, bad)
        for bad in ("noon", "9999-12-31T23:59:59-01:00"):
            self.assert_error(self.gwtool("supervise", "schedule", "--at", bad), 2, "not a time")
        self.assert_error(self.gwtool("supervise", "schedule", "--time-zone", "Mars/Base"), 2,
                          "unknown time zone")

    def test_the_machines_zone(self):
        r = self.gwtool("supervise", "schedule", "--at", "2024-10-07T12:00:00Z",
                        env=cli.clean_env(TZ="<+03>-3"))
        self.assert_run(r, 0, out="2024-10-07T15:00:00+03:00\n")


class Explain(cli.TestCase):
    def explain(self, *args, policy="patch/follow", go="go1.23.3", running="v0.1.2"):
        module, toolchain = policy.split("/")
        r = self.gwtool("supervise", "explain", "--module-policy", module, "--toolchain-policy",
                        toolchain, "--running", running, "--go", go, *args)
        self.assert_run(r, 0, err="")
        return r.out

    def test_by_values(self):
        two = ["--toolchains", "cur=go1.24.0,prev=go1.23.6"]
        self.assertEqual(self.explain("--listed", "v0.2.0,v0.1.5,v0.1.3", "--toolchains",
                                      "cur=go1.23.3,prev=go1.22.9"), "v0.1.5 go1.23.3\n")
        self.assertEqual(self.explain("--listed", "v0.2.0", "--listed", "v0.1.5", policy="minor/follow"),
                         "v0.2.0 go1.23.3\n")
        self.assertEqual(self.explain("--listed", "v0.1.2", *two), "v0.1.2 go1.23.6\n")
        self.assertEqual(self.explain("--listed", "v0.1.2", *two, go="go1.25.1"),
                         "none: nothing is newer\n")
        self.assertEqual(self.explain("--listed", "v0.1.3-rc1", policy="patch/manual"),
                         "none: v0.1.3-rc1 is a prerelease\n")
        r = self.gwtool("supervise", "explain", "--running", "v0.1.2", "--go", "go1.23.3", "--listed",
                        "v0.1.3", "--json")
        self.assertEqual(r.json, {"version": "v0.1.3", "go_version": "go1.23.3"})

    def test_what_is_wrong(self):
        for args in (["--running", "v0.1.2"], ["--go", "go1.2"], ["--running", "1", "--go", "go1.20"],
                     ["--running", "v0.1.2", "--go", "1.20"],
                     ["--running", "v0.1.2", "--go", "go1.20", "--toolchains", "new=go1.21.0"],
                     ["--running", "v0.1.2", "--go", "go1.20", "--listed", "v0.1"]):
            self.assert_error(self.gwtool("supervise", "explain", *args), 2)
        self.assert_error(self.gwtool("supervise", "explain"), 1, "gw/state.json")
        # what is given is named, and none of it is passed over for a directory's state
        for option, value in (("--running", "1.2"), ("--go", "1.20"), ("--listed", "v1")):
            self.assert_error(self.gwtool("supervise", "explain", option, value), 2, option + ": ",
                              '"%s"' % value)
        for args in (["--go-lines", "v0.1.2=1.24"], ["--toolchains", "prev=go1.23.6"]):
            self.assert_error(self.gwtool("supervise", "explain", *args), 2, "both needed")
        os.makedirs(self.path("gw"))
        self.file("gw/state.json", '{"version": 1, "running": {"version": "v0.1.2", "go_version": "go1.23.3"}}')
        r = self.gwtool("supervise", "explain", "--dir", self.path("gw"))
        self.assertEqual((r.code, r.out), (0, "none: nobody has looked for versions yet\n"))
        self.file("gw/state.json", json.dumps({
            "version": 1, "running": {"version": "v0.1.2", "go_version": "go1.23.3"},
            "checked": "2999-01-01T00:00:00Z", "versions": {"v0.1.3": "2999-01-01T00:00:00Z"}}))
        # the earliest moment, whatever a host's jitter adds to it
        r = self.gwtool("supervise", "explain", "--dir", self.path("gw"), "--json", "--jitter", "20h")
        self.assertEqual((r.json["version"], r.json["not_before"]), ("v0.1.3", "2999-01-04T00:00:00Z"))
        self.file("gw/state.json", "[")
        self.assert_error(self.gwtool("supervise", "explain", "--dir", self.path("gw")), 1,
                          "gw/state.json: not a state file")

    def test_what_is_held_back_and_the_supervisors_own_configuration(self):
        r = self.gwtool("supervise", "explain", "--running", "v0.1.2", "--go", "go1.23.3", "--listed",
                        "v0.1.3,v0.1.4", "--go-lines", "v0.1.4=1.25", "--json")
        self.assertEqual((r.json["version"], r.json["held_back"]),
                         ("v0.1.3", "v0.1.4 needs Go 1.25, which the toolchain policy does not permit"))
        os.mkdir(self.path("gw"))
        self.file("gw/state.json", '{"version":1,"running":{"version":"v0.1.2","go_version":"go1.23.3"},'
                  '"versions":{"v0.1.5":"2026-01-20T00:00:00Z"}}')
        config = self.file("config.toml", '[supervise]\ndir = "%s"\nmodule-policy = "manual"\n'
                           % self.path("gw"))
        r = self.gwtool("--config", config, "supervise", "explain")
        self.assert_run(r, 0, out="none: v0.1.5 is for a person to install\n")
        r = self.gwtool("--config", config, "supervise", "explain", "--module-policy", "patch")
        self.assert_run(r, 0, out="v0.1.5 go1.23.3\n")
        self.assert_error(self.gwtool("--config", config, "supervise", "status"), 3, self.path("gw"))


class Asking(supervise_lab.Installed):
    def check(self, sup, known):
        self.ask("check")
        sup.wait_err("event=checked newer=%d" % known)

    def test_nobody_there(self):
        self.assert_error(self.ask("status", code=3), 3, self.lab.state, "hint: start the supervisor")

    def test_pause_and_resume(self):
        self.lab.release("v0.1.1")
        sup = self.start()
        self.ask("pause", "before", "the", "holidays")
        self.check(sup, 1)
        s = self.status()
        self.assertEqual(s["why_not"], "paused: before the holidays")
        self.assertEqual(s["planned"]["version"], "v0.1.1")
        self.assertEqual(list(s["known"]), ["v0.1.1"])
        text = self.ask("status").out
        self.assertIn("running: v0.1.0 %s\n" % self.lab.go, text)
        self.assertIn("automatic: no: paused: before the holidays\n", text)
        self.assertRegex(text, "next: v0.1.1 %s at 20" % self.lab.go)
        # it outlives a restart, and does not hold a person back
        self.assertEqual(sup.stop(), 5)
        sup = self.start()
        self.assertEqual(self.ask("update").out, "v0.1.1 %s\n" % self.lab.go)
        sup.wait_err("event=updated version=v0.1.1 .*by=control")
        self.lab.release("v0.1.5")
        self.check(sup, 1)
        self.ask("resume")
        sup.wait_err("event=updated version=v0.1.5 .*by=schedule")
        lines = self.ask("history").lines
        self.assertRegex(lines[0], r"^20\S+Z updated v0.1.1 %s by control$" % self.lab.go)
        self.assertEqual(len(lines), 2)

    def test_rollback(self):
        self.lab.release("v0.1.1")
        sup = self.start()
        self.assert_error(self.ask("rollback", code=1), 1, "no previous binary")
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.1")
        self.assertEqual(self.ask("rollback").out, "v0.1.0 %s\n" % self.lab.go)
        sup.wait_err("event=updated version=v0.1.0 .*by=control")
        self.lab.wait_running("v0.1.0")
        # and it does not come back by itself
        self.ask("check")
        cli.wait_until(lambda: "v0.1.1" in self.status()["known"], what="the version to be seen again")
        s = self.status()
        self.assertEqual((s["version"], s["why_no_update"]), ("v0.1.0", "v0.1.1 is skipped"))
        self.assertTrue(s["automatic"])
        # but by a person, who wants its next toolchains then, too
        self.ask("rollback")
        cli.wait_until(lambda: sup.err.count("event=updated version=v0.1.1") == 2, what="the way forth")
        self.assertEqual([x["version"] for x in self.status()["skipped"]], ["v0.1.0"])

    def test_files_that_are_the_operators_stay(self):
        """One to go back to, and one that lies where a build would go."""
        for version in ("v0.1.1", "v0.1.5", "v0.1.7"):
            self.lab.release(version, listed=False)
        mine = os.path.join(self.lab.bin, "mine")
        os.rename(self.lab.link, mine)
        os.symlink("mine", self.lab.link)
        shutil.copy(supervise_lab.build("v0.1.5", "ok"), os.path.join(self.lab.bin, self.lab.name("v0.1.5")))
        sup = self.start()

        def update(version):
            self.ask("update", version)
            sup.wait_err("event=updated version=%s" % version)
        update("v0.1.1")
        self.ask("rollback")
        sup.wait_err("event=updated version=v0.1.0")
        update("v0.1.5")
        update("v0.1.7")
        cli.wait_until(lambda: not os.path.exists(os.path.join(self.lab.bin, self.lab.name("v0.1.1"))),
                       what="ours to go")
        self.lab.release("v0.1.9", listed=False)
        update("v0.1.9")
        left = set(os.listdir(self.lab.bin))
        self.assertLessEqual({"mine", self.lab.name("v0.1.5")}, left)
        self.assertEqual(sup.stop(), 5)

    def test_versions_by_hand(self):
        for version in ("v0.1.1", "v0.1.5"):
            self.lab.release(version)
        sup = self.start("--monitor")
        self.check(sup, 2)
        self.assertEqual(self.status()["why_not"], "it only monitors")
        self.assert_error(self.ask("update", "current", code=2), 2, "runs already")
        self.assert_error(self.ask("update", "nonsense", code=2), 2, "nonsense")
        self.assert_error(self.ask("update", "current", "latest", code=1), 1, "no toolchain is known")
        self.ask("update", "v0.1.1", "current")
        sup.wait_err("event=updated version=v0.1.1")
        self.ask("update", "latest")
        sup.wait_err("event=updated version=v0.1.5")
        self.assert_error(self.ask("update", code=1), 1, "no update: nothing is newer")

    def test_a_file_from_disk(self):
        self.lab.release("v0.1.1")
        brought = self.path("a b")
        shutil.copy(supervise_lab.build("v0.1.1", "ok"), brought)
        sup = self.start()
        self.assertEqual(self.ask("update", "--file", brought).out, "v0.1.1 %s\n" % self.lab.go)
        sup.wait_err("event=updated version=v0.1.1 .*by=control")
        self.assertFalse([r for r in self.lab.service.requests if "/tlog/" not in r], "a download")
        self.assert_error(self.ask("update", "--file", brought, code=2), 2, "runs already")
        # one that no log has, and one that was changed
        shutil.copy(supervise_lab.build("v0.1.5", "ok"), brought)
        self.ask("update", "--file", brought)
        sup.wait_err("event=failed version=v0.1.5")
        self.lab.release("v0.1.5", listed=False)
        with open(brought, "r+b") as f:
            f.seek(5000)
            f.write(b"x")
        self.ask("update", "--file", brought)
        sup.wait_err("event=untrusted version=v0.1.5 .*other bytes")
        self.lab.wait_running("v0.1.1")
        shutil.copy(supervise_lab.build("v0.1.1", "ok", "example.test/other"), brought)
        self.assert_error(self.ask("update", "--file", brought, code=2), 2, "example.test/other")
        self.assert_error(self.ask("update", "--file", self.path("none"), code=1), 1, "none")
        self.assert_error(self.ask("update", "--file", self.dir, code=1), 1, self.dir)
        self.assert_error(self.ask("update", "--file", brought, "v0.1.5", code=2), 2, "exclude")

    def test_skip(self):
        self.lab.release("v0.1.1")
        sup = self.start("--delay", "1h")
        self.ask("skip", "v0.1.1")
        self.assert_error(self.ask("skip", "x", code=2), 2, "skip needs a version")
        for go in ("1.26.8", "go1.26"):  # the latter is a language, and no toolchain's
            self.assert_error(self.ask("skip", "v0.1.5", go, code=2), 2, "no Go version")
        self.assert_error(self.ask("skip", "v0.1.5", "go1.26.8", "v0.1.9", code=2), 2, "too many words")
        self.assert_error(self.ask("update", "v0.1.5", "current", "x", code=2), 2, "too many words")
        self.assert_error(self.ask("pause", "x" * 5000, code=2), 2, "5006 bytes")
        self.check(sup, 1)
        self.assertEqual(self.status()["why_no_update"], "v0.1.1 is skipped")

    def test_a_skip_and_a_pause_stop_what_is_under_way(self):
        self.lab.release("v0.1.1")
        sup = self.start("--before", "exec sleep 100")
        self.ask("check")
        cli.wait_until(lambda: self.status()["state"] == "before", what="the command")
        self.ask("pause", "not", "today")
        sup.wait_err("event=cancelled version=v0.1.1 .*by=schedule .*updates were paused")
        s = self.status()
        self.assertEqual((s["state"], s["failures"], s["why_not"]), ("running", 0, "paused: not today"))
        # what a person asked for goes on in a pause, and ends by a skip
        self.ask("update", "v0.1.1")
        cli.wait_until(lambda: self.status()["state"] == "before", what="the command")
        self.ask("pause")
        self.assertEqual(self.status()["state"], "before")
        self.ask("skip", "v0.1.5")
        self.assertEqual(self.status()["state"], "before")
        self.ask("skip", "v0.1.1")
        sup.wait_err("event=cancelled version=v0.1.1 .*by=control .*an operator skipped it")
        self.assertEqual(self.status()["state"], "running")
        self.assertEqual(list(self.lab.running().values()), ["v0.1.0"])
        self.assertEqual([e["what"] for e in self.ask("history", "--json").json], ["cancelled"] * 2)

    def test_a_skip_while_the_old_one_ends_starts_it_again(self):
        self.lab.install("v0.1.4", "stubborn")
        self.lab.release("v0.1.5", listed=False)
        sup = self.start("--stop-timeout", "1h", version="v0.1.4")
        old, = self.lab.running()
        self.ask("update", "v0.1.5")
        cli.wait_until(lambda: self.status()["state"] == "stopping", what="stopping")
        self.ask("skip", "v0.1.5")
        sup.wait_err("event=cancelled version=v0.1.5")
        os.kill(old, signal.SIGKILL)
        cli.wait_until(lambda: self.status()["state"] == "running", what="the old one again")
        self.lab.wait_running("v0.1.4")
        self.assertNotIn(old, self.lab.running())
        sup.wait_err("(?s)event=started .*event=started ")
        self.assertEqual(sup.err.count("event=started "), 2)
        self.assertNotRegex(sup.err, "event=started .*version=v0.1.5")

    def test_a_skip_in_a_trial_goes_back(self):
        self.lab.release("v0.1.1")
        sup = self.start("--trial", "1h")
        self.ask("update", "v0.1.1")
        cli.wait_until(lambda: self.status()["state"] == "trial", what="a trial")
        self.ask("skip", "v0.1.1")
        sup.wait_err("event=rolled-back version=v0.1.1 .*an operator skipped it")
        self.lab.wait_running("v0.1.0")

    def test_busy(self):
        self.lab.release("v0.1.1")
        sup = self.start("--before", "exec sleep 100", "--trial", "1h")
        self.ask("update", "v0.1.1")
        cli.wait_until(lambda: self.status()["state"] == "before", what="the command")
        self.assertEqual(self.status()["under_way"]["version"], "v0.1.1")
        self.assert_error(self.ask("update", "v0.1.1", code=3), 3, "busy: before")
        self.assertEqual(sup.stop(), 5)

    def test_delay_and_schedule(self):
        self.lab.release("v0.1.1")
        sup = self.start("--delay", "72h", "--schedule", "mo-fr 9-17", *ZONE)
        self.check(sup, 1)
        sup.wait_err("event=planned version=v0.1.1")
        planned = self.status()["planned"]
        self.assertRegex(planned["at"], r"T(09|1\d):\d\d:\d\d\+0[12]:00$")
        self.assertEqual(list(self.lab.running().values()), ["v0.1.0"])
        # the same, from the directory, without the supervisor
        r = self.gwtool("supervise", "explain", "--dir", self.lab.state, "--toolchain-policy", "manual",
                        "--jitter", "0s", "--schedule", "mo-fr 9-17", *ZONE, "--json")
        self.assertEqual(r.json["version"], "v0.1.1")
        self.assertRegex(r.json["not_before"], "^20")

    def test_the_command_before(self):
        for code, what in ((0, "updated"), (75, "failed"), (1, "skipped")):
            with self.subTest(code):
                self.lab = supervise_lab.Lab(self.path("lab%d" % code), self.addCleanup)
                self.lab.install()
                self.lab.release("v0.1.1")
                said = self.path("said%d" % code)
                sup = self.start("--before", "echo \"$GW_OLD $GW_NEW $GW_VERSION $GW_GO_VERSION\" > %s;"
                                 " exit %d" % (said, code))
                self.ask("check")
                sup.wait_err("event=%s version=v0.1.1" % what)
                with open(said) as f:
                    self.assertEqual(f.read().split(), [
                        self.lab.link, os.path.join(self.lab.bin, self.lab.name("v0.1.1")), "v0.1.1",
                        self.lab.go])
                self.lab.wait_running("v0.1.1" if code == 0 else "v0.1.0")
                s = self.status()
                self.assertEqual([x["version"] for x in s["skipped"]], ["v0.1.1"] if code == 1 else [])
                self.assertEqual(s["failures"], 1 if code == 75 else 0)

    def test_commands_for_events(self):
        self.lab.release("v0.1.1")
        self.lab.release("v0.1.2", "crash", listed=False)
        said = self.path("said")
        sup = self.start("--trial", "3s", "--on-event",
                         "echo \"$GW_EVENT $GW_VERSION $GW_MESSAGE\" >> %s; "
                         "tr '\\0' '\\n' < /proc/$$/environ | grep -c ^GW_VERSION= >> %s.count"
                         % (said, said), env={"GW_VERSION": "of somebody else"})
        self.ask("check")
        sup.wait_err("event=updated")
        self.ask("update", "v0.1.2")
        sup.wait_err("event=rolled-back")

        def told():
            with open(said) as f:
                return f.read().splitlines()
        cli.wait_until(lambda: os.path.exists(said) and len(told()) == 2, what="two events")
        cli.wait_until(lambda: os.path.exists(said + ".count") and
                       len(open(said + ".count").read()) == 4, what="two counts")
        self.assertEqual(open(said + ".count").read(), "1\n1\n")
        self.assertEqual(sorted(told()), ["rolled-back v0.1.2 the new version ended with 7",
                                          "updated v0.1.1 "])

    def test_readiness(self):
        self.lab.release("v0.1.1")
        passes = self.path("passes")
        sup = self.start("--ready", "echo x >> %s" % passes, "--ready-passes", "3")
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.1")
        with open(passes) as f:
            self.assertEqual(f.read(), "x\n" * 3)

    def health(self):
        """A server whose answer is what `status` says."""
        self.asked, self.posted, self.health_status = [], [], 503

        def answer(asked):
            if asked.method == "POST":
                self.posted.append(json.loads(asked.body))
                return 204, b""
            self.asked.append(asked.path)
            return self.health_status, b""
        return local_http.serve(self, answer)

    def test_readiness_by_http(self):
        self.lab.release("v0.1.1")
        url = self.health()
        sup = self.start("--ready", url + "/health", "--ready-passes", "2")
        self.ask("update", "v0.1.1")
        cli.wait_until(lambda: len(self.asked) >= 2, what="a question")
        self.assertEqual(self.status()["state"], "trial")
        self.health_status = 204
        sup.wait_err("event=updated version=v0.1.1")
        self.assertEqual(set(self.asked), {"/health"})

    def test_one_that_is_never_ready_by_http_or_tcp(self):
        self.lab.release("v0.1.1")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))  # nobody listens
            for ready in (self.health(), "tcp:127.0.0.1:%d" % s.getsockname()[1]):
                with self.subTest(ready):
                    sup = self.start("--ready", ready, "--ready-timeout", "2s")
                    self.ask("update", "v0.1.1")
                    sup.wait_err("event=rolled-back .*did not become ready")
                    self.lab.wait_running("v0.1.0")
                    self.assertEqual(sup.stop(), 5)

    def test_readiness_by_tcp(self):
        self.lab.release("v0.1.1")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path("ready"))
            s.listen()
            sup = self.start("--ready", "tcp:unix:" + self.path("ready"))
            self.ask("update", "v0.1.1")
            sup.wait_err("event=updated version=v0.1.1")
        for bad, why in (("tcp:nowhere", "nowhere"), ("http://", "http://"), ("exec:", "no command"),
                         ("tcp:127.0.0.1", "no port"), ("Notify", "no way to be ready")):
            r = self.gwtool("supervise", "--ready", bad, self.lab.link)
            self.assert_error(r, 2, why)

    def test_events_that_are_chosen_reach_a_webhook(self):
        self.lab.release("v0.1.1")
        url = self.health()
        sup = self.start("--event-url", url + "/hook", "--event", "updated", "--event", "rolled-back",
                         "--on-event", "echo \"$GW_EVENT\" >> %s" % self.path("said"))
        self.lab.service.faults["dl"] = "gone"
        self.ask("update", "v0.1.1")
        sup.wait_err("event=failed")
        self.lab.service.faults.clear()
        self.ask("update", "v0.1.1")
        sup.wait_err("event=updated")
        cli.wait_until(lambda: self.posted and os.path.exists(self.path("said")), what="the event")
        self.assertEqual(len(self.posted), 1)
        event = self.posted[0]
        self.assertEqual((event["event"], event["version"], event["by"], event["package"]),
                         ("updated", "v0.1.1", "control", supervise_lab.MODULE))
        with open(self.path("said")) as f:
            self.assertEqual(f.read(), "updated\n")
        self.assert_error(self.gwtool("supervise", "--event", "lunch", self.lab.link), 2, "lunch")
        self.assert_error(self.gwtool("supervise", "--event", "updated", self.lab.link), 2, "--event needs")

    def test_the_socket_is_ours_alone(self):
        self.start()
        path = os.path.join(self.lab.state, "control")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        for command in (b"", b"   ", b"nonsense", b"status\0", b"update " + b"x" * 3000):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                s.sendall(command + b"\n")
                answer = b""
                while chunk := s.recv(65536):
                    answer += chunk
            self.assertIn("error", json.loads(answer), command)

    def test_every_version_in_turn(self):
        for version in ("v0.1.5", "v0.1.1"):
            self.lab.release(version)
        sup = self.start("--every-version")
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.5")
        self.assertEqual([e["version"] for e in self.ask("history", "--json").json],
                         ["v0.1.1", "v0.1.5"])

    def test_retracted_versions(self):
        for version in ("v0.1.1", "v0.1.5"):
            self.lab.release(version)
        self.lab.gomod("v0.1.5", "retract v0.1.5 // published by mistake\n")
        sup = self.start()
        self.ask("check")
        sup.wait_err("event=checked newer=1")
        sup.wait_err("event=updated version=v0.1.1")

    def test_a_version_whose_authors_cannot_be_asked(self):
        for version in ("v0.1.1", "v0.1.5"):
            self.lab.release(version)
        self.lab.gomod("v0.1.5", "retract v0.1.5\n", header="nonsense(\n")
        sup = self.start()
        self.ask("check")
        sup.wait_err("event=checked newer=0 .*problem=.")
        self.assertEqual(self.status()["known"], {})
        self.lab.gomod("v0.1.5", "retract v0.1.5\n")
        self.ask("check")
        sup.wait_err("event=checked newer=1")
        sup.wait_err("event=updated version=v0.1.1")

    def test_a_version_that_is_retracted_after_it_was_seen(self):
        self.lab.release("v0.1.1")
        sup = self.start("--before", "exec sleep 100")
        self.check(sup, 1)
        cli.wait_until(lambda: self.status()["state"] == "before", what="it to be under way")
        self.lab.release("v0.1.5")
        self.lab.gomod("v0.1.5", "retract [v0.1.0, v0.1.5]\n")
        self.ask("check")
        sup.wait_err("event=cancelled version=v0.1.1 .*was retracted")
        sup.wait_err("event=checked newer=0")
        s = self.status()
        self.assertEqual((s["known"], s["why_no_update"]), ({}, "nothing is newer"))
        self.assertEqual(list(self.lab.running().values()), ["v0.1.0"])

    def test_a_version_that_needs_a_newer_go(self):
        for version in ("v0.1.1", "v0.1.5"):
            self.lab.release(version)
        self.lab.gomod("v0.1.5", header="// Deprecated: use \x1b[31mexample.test/other\n", go="1.99")
        sup = self.start()
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.1")
        s = self.status()
        self.assertEqual(s["why_no_update"],
                         "v0.1.5 needs Go 1.99, which the toolchain policy does not permit")
        self.assertEqual(s["deprecated"], "use \x1b[31mexample.test/other")
        # an author's words move nobody's cursor
        self.assertIn("deprecated: use \\x1b[31mexample.test/other\n", self.ask("status").out)
        r = self.gwtool("supervise", "explain", "--running", "v0.1.2", "--go", "go1.23.3", "--listed",
                        "v0.1.3", "--go-lines", "v0.1.3=1.24", "--toolchains",
                        "cur=go1.24.0,prev=go1.23.6", "--toolchain-policy", "supported")
        self.assert_run(r, 0, out="v0.1.3 go1.24.0\n")
        self.assert_error(self.gwtool("supervise", "explain", "--running", "v0.1.2", "--go", "go1.23.3",
                                      "--go-lines", "v0.1.3=new"), 2, "v0.1.3=new")

    def test_versions_by_dns(self):
        # What DNS has is newer than the policy wants: the list of all is asked as well.
        self.lab.release("v0.1.1")
        now = "%x" % int(time.time() - 3600)
        records = ('svc._.example.test.v0 TXT "v=v0.2.0 t=%s"\n'
                   'toolchain.v0 TXT "v=go1.26.8 k=cur t=%s; v=go1.25.9 k=prev t=%s"\n'
                   '_updates TXT "v=UPDATES0;l=v9.0.0"\n' % (now, now, now))
        with dns_lab.Lab(self.path("dns"), [dns_lab.Zone("signed.lab", records),
                                            dns_lab.Zone("bad.lab", records,
                                                         tamper=[("v0.2.0", "v0.1.9")])]) as dns, \
                dns_lab.Proxy(dns.resolver, "truncate") as cut:
            # Each answer comes over TCP: the helper may make the system calls for that, too.
            place = ["--resolver", cut.resolver, "--trust-anchor", dns.anchor]
            sup = self.start("--dns", "signed.lab", "--own-updates", "signed.lab", *place)
            self.ask("check")
            sup.wait_err("event=updated version=v0.1.1")
            s = self.status()
            self.assertEqual(list(s["known"]), ["v0.2.0"])
            self.assertEqual(s["toolchains"], {"cur": "go1.26.8", "prev": "go1.25.9"})
            self.assertEqual((s["gwtool"]["newest"], s["gwtool"]["newer"]), ("v9.0.0", True))
            self.assertIn(", v9.0.0 is out\n", self.ask("status").out)
            self.assertEqual(s["why_no_update"], "v0.2.0 is of another minor version")
            self.assertEqual(sup.stop(), 5)
            # An answer that was altered does not count, and the list still does.
            self.lab = supervise_lab.Lab(self.path("second"), self.addCleanup)
            self.lab.install()
            self.lab.release("v0.1.1")
            sup = self.start("--dns", "bad.lab", *place)
            self.ask("check")
            sup.wait_err("event=checked .*does not verify")
            sup.wait_err("event=updated version=v0.1.1")


if __name__ == "__main__":
    cli.main()
