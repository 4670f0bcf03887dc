"""The units of the follower and the DNS server as they are installed, under the real systemd; and what
systemd itself says of every unit in the manual."""

import ctypes
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import serve
import systemd_lab

UNITS = os.path.join(cli.SOURCE, "cmake", "packaging")
SECTIONS = os.path.join(cli.SOURCE, "man", "sections")
USER = "nobody"
CALLS = " landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp"


def read(path):
    with open(path) as f:
        return f.read()


def units_of_manual():
    """[page, text] of each unit, or part of one, that a page shows."""
    for name in sorted(os.listdir(SECTIONS)):
        for block in re.findall(r"(?ms)^\.Bd -literal.*?\n(.*?)^\.Ed", read(os.path.join(SECTIONS, name))):
            at = re.search(r"(?m)^\[(Unit|Service|Socket)\]$", block)
            if at:
                yield name, block[at.start():].replace("\\e", "\\")


@cli.unittest.skipIf(systemd_lab.why_not(), systemd_lab.why_not())
class Installed(cli.TestCase):
    """Follower and server, by the units of the packages."""

    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.machine = m = systemd_lab.Machine(self.path("machine"), self.addCleanup)
        self.program = os.path.join(m.dir, "gwtool")
        shutil.copy(cli.GWTOOL, self.program)
        shutil.copytree(serve.REPLICA, os.path.join(m.dir, "log"))
        self.assertEqual(cli.run(["chmod", "-R", "a+rX", m.dir]).code, 0)
        self.config = os.path.join(m.dir, "gwtool.toml")
        with open(self.config, "w") as f:
            f.write('verbose = true\n[follow-tlog]\ndb = "/var/lib/gwtool/tlog.db"\nsource = "%s/log"\nlog-key = "%s"\n'
                    '[serve-dns]\ndb = "/var/lib/gwtool/tlog.db"\nzone = "%s"\nns = ["ns.example.net"]\n'
                    'key = "/var/lib/gwtool/zone.private"\nlisten = ["127.0.0.1:0"]\n'
                    % (m.dir, read(os.path.join(serve.REPLICA, "key.pub")).strip(), serve.ZONE))
        # As the manual makes user, directory and key.
        for words in (["mkdir", "-p", "/var/lib/gwtool"], ["chown", USER, "/var/lib/gwtool"],
                      ["setpriv", "--reuid", USER, "--clear-groups", self.program, "serve-dns", "key", "new",
                       "--zone", serve.ZONE, "--key", "/var/lib/gwtool/zone.private"]):
            self.assertEqual(m.run(*words).code, 0, words)

    def start(self, role, change=lambda text: text):
        text = read(os.path.join(UNITS, "gwtool-%s.service.in" % role.split("-")[0]))
        text = text.replace("@CMAKE_INSTALL_FULL_BINDIR@/gwtool", self.program)
        text = text.replace("/etc/gwtool.toml", self.config).replace("User=gwtool", "User=" + USER)
        # The test's files are below /tmp.
        text = change(text.replace("PrivateTmp=yes\n", "").replace("Restart=on-failure\n", ""))
        self.err = os.path.join(self.machine.dir, role + ".err")
        self.machine.unit(role + ".service.d/test.conf", "[Service]\nStandardError=append:%s\n" % self.err)
        self.machine.unit(role + ".service", text)
        r = self.machine.systemctl("start", role + ".service", code=None)
        self.assertEqual(r.code, 0, "%s\n%s\n%s" % (r, self.machine.show(role + ".service", "Result", "ExecMainStatus"),
                                                  read(self.err)))
        self.assertEqual(self.machine.show(role + ".service", "ActiveState", "SubState"),
                         {"ActiveState": "active", "SubState": "running"})
        return role + ".service"

    def stop(self, unit):
        self.machine.systemctl("stop", unit)
        self.assertEqual(self.machine.show(unit, "ActiveState", "Result"),
                         {"ActiveState": "inactive", "Result": "success"})

    def confinement(self, role):
        """[Landlock's version, whether there is a filter of calls]."""
        if role == "follow-tlog":
            found = re.search(r"event=confined .*landlock_abi=(\d+) seccomp=(\d)", read(self.err))
            return [int(found.group(1)) > 0, found.group(2) == "1"]
        r = self.machine.run(self.program, "serve-dns", "status", "--json", "--db", "/var/lib/gwtool/tlog.db")
        return [r.json["confinement"]["landlock_abi"] > 0, r.json["confinement"]["seccomp"]]

    def test_both_start_confine_themselves_and_stop(self):
        landlock = ctypes.CDLL(None).syscall(444, None, 0, 1) > 0
        for role in ("follow-tlog", "serve-dns"):
            unit = self.start(role)
            self.assertRegex(self.machine.show(unit, "StatusText"), ".")
            found = self.confinement(role)
            self.assertTrue(found[1])
            if landlock:
                self.assertTrue(found[0])
            self.stop(unit)

    def test_filters_without_the_calls_to_confine_themselves(self):
        """As many a unit has them: such a filter ends who makes other calls. By name, as a later systemd
        may have them among @system-service."""
        for role in ("follow-tlog", "serve-dns"):
            unit = self.start(role, lambda text: text.replace(CALLS, "\nSystemCallFilter=~" + CALLS.strip()))
            self.assertEqual(self.confinement(role), [False, False])
            self.stop(unit)


@cli.unittest.skipIf(systemd_lab.why_not(), systemd_lab.why_not())
class Builds(cli.TestCase):
    def test_the_unit_of_a_build_service(self):
        os.chmod(self.dir, 0o755)
        m = systemd_lab.Machine(self.path("machine"), self.addCleanup)
        program, config = os.path.join(m.dir, "gwtool"), os.path.join(m.dir, "builds.toml")
        err = os.path.join(m.dir, "err")
        shutil.copy(cli.GWTOOL, program)
        with open(config, "w") as f:
            f.write('[build-serve]\ndata = "/var/lib/gwbuilds"\nkey = "/etc/builds.key"\nlisten = "127.0.0.1:0"\n'
                    'admin-listen = "off"\nproxy = "https://127.0.0.1:1/"\nsource = "https://127.0.0.1:1/"\n'
                    'toolchain = "local"\n')
        for words in (["mkdir", "-p", "/var/lib"],
                      [program, "build", "genkey", "builds.test", "--key", "/etc/builds.key"]):
            self.assertEqual(m.run(*words).code, 0, words)
        text = dict(units_of_manual())["gwtool-build.mdoc"]
        for name, here in (("/usr/local/bin/gwtool", program), ("/etc/gwtool-builds.toml", config),
                           ("--user gwbuilds", "--user " + USER), ("-g gwbuilds", "-g nogroup"),
                           ("-o gwbuilds", "-o " + USER), ("Restart=on-failure", "StandardError=append:" + err)):
            self.assertIn(name, text)
            text = text.replace(name, here)
        m.unit("builds.service", text)
        r = m.systemctl("start", "builds.service", code=None)
        self.assertEqual(r.code, 0, read(err))
        self.assertEqual(m.show("builds.service", "ActiveState", "StatusText"),
                         {"ActiveState": "active", "StatusText": "serving builds.test"})
        self.assert_delegated(m, err)
        # What it left in its group is in nobody's way.
        m.systemctl("restart", "builds.service")
        self.assert_delegated(m, err)
        m.systemctl("stop", "builds.service")
        self.assertEqual(m.show("builds.service", "ActiveState", "Result"),
                         {"ActiveState": "inactive", "Result": "success"})
        # As the manual says of it: no group is made, and that is told.
        os.unlink(err)
        m.unit("builds.service", text + "ProtectControlGroups=yes\n")
        m.systemctl("start", "builds.service")
        self.assertRegex(read(err), 'event=control_group error="making [^"]*: Read-only file system"')
        self.assertIn("event=build_limits memory=looking processes=looking", read(err))

    def assert_delegated(self, m, err):
        """The service was given its group, also as another user; which controllers there are is the machine's."""
        pid = m.show("builds.service", "MainPID")
        r = m.run("sed", "-n", "s/^0:://p", "/proc/%s/cgroup" % pid)
        self.assertRegex(r.out, r"/builds\.service/gwtool-\d+\n$")
        group = "/sys/fs/cgroup" + os.path.dirname(r.out.strip())
        self.assertEqual(m.run("stat", "-c", "%U", group, group + "/cgroup.procs").out, (USER + "\n") * 2)
        there = m.run("cat", group + "/cgroup.controllers").out.split()
        by = {"memory": "memory", "processes": "pids"}
        self.assertIn("event=build_limits " + " ".join(
            "%s=%s" % (name, "cgroup" if controller in there else "looking") for name, controller in by.items()),
            read(err))
        for controller in by.values():
            if controller not in there:
                self.assertRegex(read(err), "event=control_group .*%s.max: No such file" % controller)


@cli.unittest.skipIf(shutil.which("systemd-analyze") is None, "no systemd-analyze (Debian's package systemd)")
class Verified(cli.TestCase):
    def verify(self, name, text):
        """systemd's own words of a unit; programs and files that it names need not be there."""
        text = re.sub(r"(?m)^(ExecStart(?:Pre)?=)(\S+)", r"\1/bin/true", text)
        if "ExecStart=" not in text:
            text = text.replace("[Service]\n", "[Service]\nExecStart=/bin/true\n")
        path = self.file(name, text)
        r = cli.run(["systemd-analyze", "verify", "--man=no", path])
        said = [line for line in r.err.splitlines() if name in line]
        self.assertEqual((r.code, said), (0, []), "%s\n%s" % (r, text))

    def test_every_unit_of_the_manual(self):
        shown = list(units_of_manual())
        self.assertGreaterEqual(len(shown), 5)
        self.assertTrue({"gwtool.mdoc", "gwtool-build.mdoc", "gwtool-supervise.mdoc"} <= {n for n, _ in shown})
        for n, (page, text) in enumerate(shown):
            self.verify("%s-%d.service" % (page.split(".")[0], n), text)

    def test_a_mistake_is_seen(self):
        with self.assertRaises(AssertionError):
            self.verify("x.service", "[Service]\nType=no-such\nKilMode=mixed\n")


if __name__ == "__main__":
    cli.main()
