"""A supervised service under the real systemd: the unit that `supervise init` writes and the manual's,
started, updated, taken over by another gwtool, and stopped, as systemd sees it."""

import ctypes
import os
import re
import shutil
import socket
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import supervise_lab
import systemd_lab

UNIT = "svc.service"
USER = "nobody"


class Lab(supervise_lab.Lab):
    """Its services run in a machine of their own, whose numbers of processes mean others here."""

    def running(self):
        return {}


@cli.unittest.skipIf(systemd_lab.why_not(), systemd_lab.why_not())
class TestCase(supervise_lab.TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.machine = systemd_lab.Machine(self.path("machine"), self.addCleanup)
        self.lab = Lab(os.path.join(self.machine.dir, "lab"), self.addCleanup)
        self.program = os.path.join(self.machine.dir, "gwtool")
        self.err = os.path.join(self.machine.dir, "err")
        self.put_gwtool()

    def put_gwtool(self):
        """As a package manager does it: another file under the same name."""
        shutil.copy(cli.GWTOOL, self.program + ".new")
        with open(self.program + ".new", "ab") as f:
            f.write(b"\0")
        os.rename(self.program + ".new", self.program)

    def add(self, text, *more):
        """The unit, with what the test wants to see of it."""
        self.machine.unit(UNIT + ".d/test.conf", "[Service]\nEnvironment=SVC_LOG=%s\nStandardError=append:%s\n"
                          % (self.lab.log, self.err) + "".join(line + "\n" for line in more))
        self.machine.unit(UNIT, text)

    def log(self):
        try:
            with open(self.err) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def wait_log(self, text, times=1):
        try:
            cli.wait_until(lambda: self.log().count(text) >= times, what=text)
        except AssertionError as e:
            raise AssertionError("%s\n%s" % (e, self.log())) from None

    def wait_said(self, what, version, times=1):
        """By services."""
        def said():
            return sum(line[0].startswith(what) and line[1] == version for line in self.lab.lines()) >= times
        cli.wait_until(said, what="%s of %s, not %s" % (what, version, self.lab.lines()))

    def take_over(self, times=1):
        """A new gwtool, of which systemd notices nothing."""
        before = self.machine.show(UNIT, "MainPID", "NRestarts", "ActiveEnterTimestampMonotonic")
        self.put_gwtool()
        self.ask("reload")
        self.wait_log("event=took-over", times)
        self.wait_log("event=supervising", times + 1)
        self.assertEqual(self.machine.show(UNIT, *before), before)
        exe = self.machine.run("stat", "-L", "-c", "%i", "/proc/%s/exe" % before["MainPID"])
        self.assertEqual(int(exe.out), os.stat(self.program).st_ino, exe)


class Init(TestCase):
    def setUp(self):
        super().setUp()
        # A name in which systemd could see specifiers, variables and other words.
        self.work = os.path.join(self.machine.dir, "w 100%n $HOME;#")
        os.makedirs(self.work)
        self.program = os.path.join(self.work, "gwtool")
        self.put_gwtool()
        self.lab.release("v0.1.0")
        r = cli.run([self.program, "supervise", "init", "--dns", "off", "--proxy",
                     "file://" + os.path.join(self.lab.dir, "proxy"), "--build-key", self.lab.service.key,
                     "--build-url", self.lab.service.url, "--go", self.lab.go, "--systemd",
                     supervise_lab.MODULE], cwd=self.work, env=self.lab.env())
        self.assert_run(r, 0)
        self.lab.state = os.path.join(self.work, "gw")
        with open(os.path.join(self.lab.state, "supervise.toml"), "a") as f:
            f.write('trial = "300ms"\n')
        with open(os.path.join(self.work, UNIT)) as f:
            self.add(f.read())
        self.machine.systemctl("start", UNIT)
        self.wait_said("start", "v0.1.0")

    def test_what_it_wrote(self):
        m = self.machine
        r = m.run("systemd-analyze", "verify", "--man=no", os.path.join(m.units, UNIT))
        self.assertEqual((r.code, [line for line in r.err.splitlines() if UNIT in line]), (0, []), r)
        m.wait(UNIT, ActiveState="active", SubState="running", Type="exec", KillMode="mixed")
        pid = m.show(UNIT, "MainPID")
        self.assertEqual(m.run("readlink", "/proc/%s/exe" % pid).out.strip(), self.program)
        self.lab.release("v0.1.1")
        self.ask("update", "v0.1.1")
        self.wait_log("event=updated version=v0.1.1")
        self.take_over()
        self.assertEqual(m.show(UNIT, "MainPID", "NRestarts", "Result", "ActiveState"), {
            "MainPID": pid, "NRestarts": "0", "Result": "success", "ActiveState": "active"})
        m.systemctl("kill", "--kill-who=main", "--signal=HUP", UNIT)
        self.wait_said("signal:hangup", "v0.1.1")
        # it ends as the service does, and nothing of it is left
        m.systemctl("stop", UNIT)
        self.assertEqual(m.show(UNIT, "Result", "ExecMainStatus", "ExecMainCode", "ActiveState"), {
            "Result": "exit-code", "ExecMainStatus": "5", "ExecMainCode": "1", "ActiveState": "failed"})
        self.assertEqual([line[0] for line in self.lab.lines() if "terminated" in line[0]],
                         ["signal:terminated"] * 2)  # of the update, and now: once
        m.systemctl("reset-failed", UNIT)
        m.systemctl("start", UNIT)
        self.wait_said("start", "v0.1.1", 2)

    def test_ends_that_it_is_started_again_after(self):
        m = self.machine
        m.systemctl("kill", "--kill-who=main", "--signal=USR2", UNIT)  # of which the service ends with 9
        m.wait(UNIT, NRestarts="1", ActiveState="active")
        self.wait_said("start", "v0.1.0", 2)
        m.systemctl("kill", "--kill-who=main", "--signal=KILL", UNIT)
        m.wait(UNIT, NRestarts="2", ActiveState="active")
        self.wait_said("start", "v0.1.0", 3)
        group = m.show(UNIT, "ControlGroup")
        lines = m.run("cat", "/sys/fs/cgroup%s/cgroup.procs" % group).out.split()
        self.assertEqual(len(lines), 2, "one supervisor and one service")


class Manual(TestCase):
    def start(self, version, mode, *options, more=(), socket_unit=False):
        self.lab.install(version, mode)
        if socket_unit:
            self.address = os.path.join(self.machine.dir, "listen")
            self.machine.unit("svc.socket", "[Socket]\nListenStream=%s\n" % self.address)
        words = [self.program, "supervise", *self.lab.options(*options), self.lab.link]
        self.add("[Service]\nExecStart=%s\nKillMode=mixed\nType=notify\n" % " ".join(words), *more)
        self.machine.systemctl("start", "svc.socket" if socket_unit else UNIT)

    def answer(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20 * cli.SLOWNESS)
            s.connect(self.address)
            return s.recv(100).decode()

    def exchange(self, *options):
        m = self.machine
        self.start("v0.1.6", "socket", "--ready", "notify", *options, more=["WatchdogSec=1h"], socket_unit=True)
        self.assertEqual(m.show(UNIT, "ActiveState"), "inactive")
        self.assertEqual(self.answer(), "v0.1.6")
        m.wait(UNIT, ActiveState="active", StatusText="serving v0.1.6")
        names = ["MainPID", "NRestarts", "ActiveEnterTimestampMonotonic", "ActiveState", "Result"]
        before = m.show(UNIT, *names)
        self.assertEqual(m.run("readlink", "/proc/%s/exe" % before["MainPID"]).out.strip(), self.program)
        self.assertNotEqual(m.show(UNIT, "WatchdogTimestampMonotonic"), "0")
        self.assertIn("env:1,true,svc.socket", [line[0] for line in self.lab.lines()])
        for n, version in enumerate(("v0.1.7", "v0.1.8")):
            self.lab.release(version, "socket")
            self.ask("update", version)
            self.wait_log("event=updated version=" + version)
            cli.wait_until(lambda: self.answer() == version, what="its answer")
            m.wait(UNIT, StatusText="serving " + version)
            self.assertEqual(m.show(UNIT, *names), before)
            self.wait_log("event=retired", n + 1 if options else 0)
            self.take_over(n + 1)
            self.assertEqual(self.answer(), version)
        m.systemctl("stop", UNIT)
        self.assertEqual(m.show(UNIT, "ActiveState", "Result", "ExecMainStatus"), {
            "ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"})
        self.assertEqual(self.answer(), "v0.1.8")  # by the socket, which waited for the next
        m.wait(UNIT, ActiveState="active", StatusText="serving v0.1.8")

    def test_a_socket_unit_readiness_and_a_watchdog(self):
        self.exchange()

    def test_the_same_with_overlap(self):
        self.exchange("--overlap")

    def test_a_service_that_is_silent_is_bitten_by_the_watchdog(self):
        self.start("v0.1.6", "socket", "--listen", "unix:" + os.path.join(self.machine.dir, "held"),
                   more=["WatchdogSec=%g" % (5 * cli.SLOWNESS)])
        self.machine.wait(UNIT, ActiveState="failed", Result="watchdog", MainPID="0", ControlGroup="")

    def test_one_that_is_not_ready_in_time(self):
        """The supervisor says nothing in the service's place."""
        self.lab.install()
        self.add("[Service]\nExecStart=%s\nKillMode=mixed\nType=notify\nTimeoutStartSec=%g\n" % (" ".join(
            [self.program, "supervise", *self.lab.options(), self.lab.link]), 5 * cli.SLOWNESS))
        self.machine.systemctl("start", UNIT, code=1)
        self.machine.wait(UNIT, ActiveState="failed", Result="timeout")
        self.wait_said("signal:terminated", "v0.1.0")

    def confined(self, change=lambda text: text):
        """As the follower's unit is, in the manual. Not ~@resources, which ends Go's own start."""
        with open(os.path.join(cli.SOURCE, "man", "sections", "gwtool.mdoc")) as f:
            unit = f.read()
        lines = unit[unit.index("NoNewPrivileges="):unit.index("RemoveIPC=")].splitlines()
        kept = [line for line in lines if line not in ("PrivateTmp=yes", "SystemCallFilter=~@privileged @resources")]
        self.assertIn("RestrictSUIDSGID=yes", kept)
        kept.append("ReadWritePaths=" + self.machine.dir)
        with open(self.lab.log, "w"):
            os.chmod(self.lab.log, 0o666)
        self.start("v0.1.0", "ok", "--user", USER, more=[change(line) for line in kept] + ["Type=exec"])
        self.wait_said("start", "v0.1.0")
        self.lab.release("v0.1.1")
        self.ask("check")
        self.wait_log("event=updated version=v0.1.1")
        self.take_over()
        self.lab.release("v0.1.2")
        self.ask("update", "v0.1.2")
        self.wait_log("event=updated version=v0.1.2")
        return self.ask("status", "--json").json["helper"]

    def test_a_unit_that_is_confined(self):
        landlock = ctypes.CDLL(None).syscall(444, None, 0, 1) > 0
        helper = self.confined()
        self.assertEqual((helper["landlock"], helper["seccomp"], helper["call_list"]), (landlock, True, True))

    def test_a_unit_whose_filter_ends_who_confines_others(self):
        """@system-service alone, as many have it; what is left is what prctl(2) does. By name, as a later
        systemd may have the calls among it."""
        helper = self.confined(lambda line: re.sub("(@system-service) (.*)", r"\1\nSystemCallFilter=~\2", line))
        self.assertEqual((helper["landlock"], helper["seccomp"], helper["call_list"]), (False, True, False))
        self.assertEqual(len(helper["refused"]), 2, helper)

    def test_a_user_that_systemd_makes_up(self):
        self.lab.install()
        self.lab.release("v0.1.1")
        self.assertEqual(cli.run(["chmod", "-R", "a+rwX", self.machine.dir]).code, 0)
        with open(self.lab.log, "w"):
            os.chmod(self.lab.log, 0o666)
        self.lab.state = "/var/lib/svc/gw"
        words = [self.program, "supervise", *self.lab.options(), "/var/lib/svc/svc"]
        self.machine.run("mkdir", "/var/lib")
        self.add("[Service]\nDynamicUser=yes\nStateDirectory=svc\nBindPaths=%s\nExecStartPre=cp -n %s /var/lib/svc/\n"
                 "ExecStart=%s\nKillMode=mixed\n" % (self.machine.dir, self.lab.link, " ".join(words)))
        self.machine.systemctl("start", UNIT)
        self.wait_said("start", "v0.1.0")
        r = self.machine.run(self.program, "supervise", "check", "--dir", self.lab.state)
        self.assertEqual(r.code, 0, r)
        self.wait_log("event=updated version=v0.1.1")
        self.machine.wait(UNIT, ActiveState="active", NRestarts="0")


if __name__ == "__main__":
    cli.main()
