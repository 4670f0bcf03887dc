#!/usr/bin/env python3
"""The first hour on a bare Debian: what the README and gwtool(1) tell to do for the follower, the DNS
server, cron and a second machine, in order and as it stands there.

The machine is mmdebstrap's minbase with systemd's tools, made once from this machine's mirror and kept
in the build directory; each test's is a layer over it, with a network of its own that has a loopback
alone. So the addresses of the examples are replaced by loopback ones, and the log that is followed is
the small one in tests/data/replica, served on the loopback, in place of the Go checksum database. Units
are run as systemd would: their ExecStart line, user and capability, by setpriv(1); systemd itself only
verifies them. Skipped, and why is said, where that cannot be: not root, no mirror, no namespaces.
"""

import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import serve
from http_fixture import HttpFixture

SUITE = "bookworm"
INSIDE = "GW_FIRST_HOUR_INSIDE"  # set: in namespaces of our own, the base is there
WHY = "GW_FIRST_HOUR_SKIPPED"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MOX = "github.com/mjl-/mox"


def base_dir():
    return os.path.join(cli.BUILD, "first-hour", SUITE)


def mirror():
    """Where this machine has its packages from."""
    text = ""
    for name in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        if os.path.exists(name):
            with open(name, encoding="utf-8") as f:
                text += f.read() + "\n"
    m = (re.search(r"^URIs:\s*(\S+/debian/?)\s*$", text, re.M)
         or re.search(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+/debian/?)\s", text, re.M))
    return m.group(1) if m else None


def mmdebstrap(work):
    """The command, of this machine or from its package: half of debootstrap's CPU, as it unpacks once."""
    command = shutil.which("mmdebstrap")
    if command is None:
        subprocess.run(["apt-get", "-qq", "download", "mmdebstrap"], cwd=work, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        package, = glob.glob(os.path.join(work, "mmdebstrap_*.deb"))
        subprocess.run(["dpkg-deb", "-x", package, work], check=True)
        command = os.path.join(work, "usr", "bin", "mmdebstrap")
    return [command, "--mode=root", "--format=directory", "--variant=minbase", "--include=systemd",
            "--dpkgopt=force-unsafe-io"]


def make_base():
    """Why there is none; empty: there is one."""
    if os.geteuid() != 0:
        return "needs root: a bare Debian is a chroot with users of its own"
    where = mirror()
    if os.path.isdir(base_dir()):
        return ""
    if where is None:
        return "no Debian mirror is configured"
    parent = os.path.dirname(base_dir())
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as work:
        try:
            target = os.path.join(work, "base")
            subprocess.run([*mmdebstrap(work), SUITE, target, "deb %s %s main" % (where, SUITE)], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=1500)
        except (OSError, subprocess.SubprocessError, ValueError) as e:
            return "no bare Debian can be made from %s: %s" % (where, e)
        os.rename(target, base_dir())
    return ""


def go_inside():
    """Runs this file again in namespaces, where nothing outlives it."""
    os.environ[WHY] = make_base()
    os.environ[INSIDE] = "1"
    if os.environ[WHY] == "":
        probe = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
        if subprocess.run([*probe, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            os.execvp(probe[0], [*probe, sys.executable, *sys.argv])
        os.environ[WHY] = "namespaces are not possible here"


def loopback_up():
    import fcntl
    import socket
    import struct
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(s, 0x8914, request)  # SIOCSIFFLAGS


def read(*names):
    with open(os.path.join(cli.SOURCE, *names), encoding="utf-8") as f:
        return f.read()


def readme(kind):
    return re.findall(r"^```%s\n(.*?)^```$" % re.escape(kind), read("README.md"), re.M | re.S)


def manual_blocks():
    """Of the manual's section about services: what is to be typed, and the unit."""
    section = re.search(r"^\.Sh AS SERVICES\n(.*?)^\.Sh ", read("man/sections/gwtool.mdoc"), re.M | re.S)
    return re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed$", section.group(1), re.M | re.S)


class Machine:
    """A bare Debian with the binary in /usr/local/bin, as `cmake --install` puts it."""

    def __init__(self, test, address):
        self.test, self.address = test, address
        self.top = tempfile.mkdtemp(prefix="gwtool-machine-")
        test.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.root = os.path.join(self.top, "root")
        layers = [os.path.join(self.top, x) for x in ("upper", "work")]
        for d in (self.root, *layers):
            os.mkdir(d)
        self.mount("-t", "tmpfs", "tmpfs", self.top + "/upper")
        for d in ("upper", "work"):
            os.mkdir("%s/upper/%s" % (self.top, d))
        options = "lowerdir=%s,upperdir=%s/upper/upper,workdir=%s/upper/work" % (
            base_dir(), self.top, self.top)
        self.mount("-t", "overlay", "overlay", "-o", options, self.root)
        self.mount("-t", "proc", "proc", self.root + "/proc")
        self.mount("--rbind", "/dev", self.root + "/dev")
        shutil.copy(cli.GWTOOL, self.root + "/usr/local/bin/gwtool")
        os.makedirs(self.root + "/run/systemd", exist_ok=True)

    def mount(self, *args):
        subprocess.run(["mount", *args], check=True)
        self.test.addCleanup(subprocess.run, ["umount", "-l", args[-1]], check=False)

    def write(self, path, text, mode=0o644):
        with open(self.root + path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.root + path, mode)

    def command(self, *args):
        return ["chroot", self.root, "/usr/bin/env", "-i", "PATH=" + PATH, "HOME=/srv",
                "SHELL=/bin/sh", *args]

    def sh(self, line, timeout=60):
        """A line as it is typed."""
        return cli.run(self.command("/bin/sh", "-c", line), timeout=timeout)

    def unit(self, text):
        """The service of a unit's text, as systemd would start it."""
        value = dict(re.findall(r"^(\w+)=(.*)$", text, re.M))
        capability = value["AmbientCapabilities"].lower().removeprefix("cap_")
        drop = ["setpriv", "--reuid", value["User"], "--regid", value["User"], "--init-groups",
                "--inh-caps", "-all,+" + capability, "--ambient-caps", "+" + capability,
                "--bounding-set", "-all,+" + capability, "--no-new-privs"]
        service = cli.Background(self.command(*drop, *shlex.split(value["ExecStart"])))
        self.test.addCleanup(service.kill)
        return service


class FirstHour(cli.TestCase):
    def setUp(self):
        if os.environ[WHY] != "":
            self.skipTest(os.environ[WHY])
        super().setUp()
        loopback_up()
        shutil.copytree(os.path.join(cli.DATA, "replica"), self.path("log"))
        shutil.copy(self.path("log/latest.first"), self.path("log/latest"))
        self.http = HttpFixture({"/": self.path("log")}).start()
        self.addCleanup(self.http.stop)
        # Asked every second, since here nobody waits for a log that grows.
        self.log = '\nlog-key = "%s"\nsource = "%s"\ninterval = "1s"\n' % (
            read("tests/data/replica/key.pub").strip(), self.http.url)
        commands, self.follow_unit, *_ = manual_blocks()
        self.commands = commands.splitlines()
        self.serve_unit = self.follow_unit.replace("follow-tlog", "serve-dns")

    def config(self, machine):
        """The README's, with loopback addresses and the log that is here."""
        text = readme("toml")[0]
        for shown, here in (("192.0.2.1:53", machine.address + ":53"), ("[2001:db8::1]", "[::1]"),
                            ("127.0.0.1:9153", machine.address + ":9153")):
            self.assertIn(shown, text)
            text = text.replace(shown, here)
        if machine.address != "127.0.0.1":  # of the IPv6 loopback there is one
            text = text.replace(', "[::1]:53"', "")
        self.assertIn("[follow-tlog]\n", text)
        return text.replace("[follow-tlog]\n", "[follow-tlog]" + self.log)

    def ok(self, r, code=0):
        self.assertEqual(r.code, code, r)
        return r

    def check(self, machine, version, more=""):
        return machine.sh("gwtool check module %s@%s --dns l.example.org --resolver %s@53 "
                          "--trust-anchor /var/lib/gwtool/l.example.org.key %s"
                          % (MOX, version, machine.address, more))

    def start(self, machine):
        """User, directory and key by the manual, the README's configuration, the units."""
        for line in self.commands:
            self.ok(machine.sh(line))
        machine.write("/etc/gwtool.toml", self.config(machine))
        self.ok(machine.sh("gwtool --config /etc/gwtool.toml --check-config"))
        for name, unit in (("follow", self.follow_unit), ("serve", self.serve_unit)):
            machine.write("/etc/systemd/system/gwtool-%s.service" % name, unit)

    def test_all_of_it(self):
        first = Machine(self, "127.0.0.1")
        self.start(first)
        with self.subTest("units"):
            r = first.sh("systemd-analyze verify /etc/systemd/system/gwtool-follow.service "
                         "/etc/systemd/system/gwtool-serve.service")
            self.assert_run(r, 0, out="", err="")

        # Either may start first: until there is a log, nothing is answered.
        server = first.unit(self.serve_unit)
        server.wait_err("event=ready")
        self.assertIn("event=waiting_for_database", server.err)
        question = serve.query("mox.mjl_2d._.github.com.v0.l.example.org", "TXT", edns=True)
        reply = serve.Message(serve.ask_udp(53, question))
        self.assertEqual((reply.rcode, reply.ede), (2, [14]))
        follower = first.unit(self.follow_unit)
        cli.wait_until(lambda: self.check(first, "v0.0.1").code == 100, what="a first answer")
        self.assertNotIn("level=error", server.err)
        before = self.check(first, "v0.0.1").out.split()[1]

        # What README shows of the running services.
        shown = [x for block in readme("sh internet") for x in block.splitlines()]
        status, = [x for x in shown if "serve-dns status" in x]
        self.assert_run(first.sh(status), 0, err="")
        key_new, = [x for x in shown if "serve-dns key new" in x]
        self.assert_error(first.sh(key_new), 2, "exists already")  # the manual's has made it
        self.cron(first, follower)

        # The log grows: the new version is answered without a restart.
        shutil.copy(os.path.join(cli.DATA, "replica", "latest"), self.path("log/latest"))
        cli.wait_until(lambda: self.check(first, "v0.0.1").out.split()[1:2] != [before],
                       what="the version of the second head", timeout=60)
        self.second_machine(first, follower)
        self.assertEqual(server.stop(), 0)

    def cron(self, machine, follower):
        """Both of README's tables, by the shell and the environment that cron has."""
        lines = [x for b in readme("cron") for x in b.splitlines()]
        self.assertEqual(len(lines), 3)
        machine.write("/srv/modules.txt", MOX + "@v0.0.1\n")
        asked = " --dns l.example.org --resolver 127.0.0.1@53 --trust-anchor " \
                "/var/lib/gwtool/l.example.org.key"
        for line in lines:
            command = re.sub(r"\A(\S+ ){5}", "", line)
            if " check module " in command:
                command = command.replace(" <", asked + " <")
            elif " check " in command:
                command += asked
            with self.subTest(command):
                r = machine.sh(command)
                if " check module " in command:
                    self.assert_run(r, 100, err="")
                    self.assertRegex(r.out, MOX + " ")
                    self.assert_run(machine.sh(command), 0, out="", err="")  # each version once
                else:
                    self.assert_run(r, 0, out="", err="")
        self.assertTrue(follower.alive())

    def second_machine(self, first, follower):
        """gwtool(1): copies of the key's two files, and of the database of a follower that stands."""
        second = Machine(self, "127.0.0.2")
        self.commands = [x for x in self.commands if "key new" not in x]
        self.start(second)
        self.assertEqual(follower.stop(), 0)
        files = ["l.example.org.private", "l.example.org.key", "tlog.db"]
        manual = re.search(r"^A second machine.*?\.Sh ", read("man/sections/gwtool.mdoc"), re.M | re.S)
        for name in files[:2]:
            self.assertIn(".Pa " + name, manual.group(0))
        for name in files:
            shutil.copy2(first.root + "/var/lib/gwtool/" + name, second.root + "/var/lib/gwtool/" + name)
            self.ok(second.sh("chown gwtool:gwtool /var/lib/gwtool/" + name))
        follower = second.unit(self.follow_unit)
        server = second.unit(self.serve_unit)
        server.wait_err("event=ready")
        mine, others = self.check(second, "v0.0.1"), self.check(first, "v0.0.1")
        self.assertEqual((mine.code, mine.out), (others.code, others.out), "%s\n%s\n%s" % (mine, server, follower))
        cli.wait_until(lambda: second.sh("gwtool follow-tlog --db /var/lib/gwtool/tlog.db --status "
                                         "-q").code == 0, what="the second follower")
        self.assertEqual(follower.stop(), 0)
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    if INSIDE not in os.environ:
        go_inside()
    cli.main()
