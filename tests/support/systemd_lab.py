"""A machine with systemd as its first process, in namespaces of this one: for tests that look at a unit
as systemd does.

    @unittest.skipIf(systemd_lab.why_not(), systemd_lab.why_not())
    ...
    machine = systemd_lab.Machine(self.path("machine"), self.addCleanup)
    machine.unit("svc.service", "[Service]\\nExecStart=...\\n")
    machine.systemctl("start", "svc.service")
    machine.show("svc.service", "ActiveState", "Result")

The network and machine.dir are shared with the test, /usr is only read; everything else, units and
control groups too, are the machine's own and go with it. See systemd_machine.sh.
"""

import os
import shutil
import subprocess
import tempfile

import cli

# Not below /dev, where tests may have their directories: systemd hides it from services.
tempfile.tempdir = "/tmp"
SCRIPT = os.path.join(cli.SOURCE, "tests", "support", "systemd_machine.sh")
SYSTEMD = "/usr/lib/systemd/systemd"
UNITS = "/usr/lib/systemd/system"
# What the units of a service refer to, without what a distribution hangs on them.
TARGETS = ("basic sysinit sockets paths timers slices multi-user network network-online shutdown umount "
           "final").split()


def why_not():
    """Why no such machine can be had here; None where it can."""
    if os.geteuid() != 0:
        return "needs root, for namespaces with a systemd in them"
    for program in (SYSTEMD, "/usr/bin/systemctl", shutil.which("unshare"), shutil.which("nsenter")):
        if not program or not os.path.exists(program):
            return "no systemd or util-linux here (Debian's packages of those names)"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "sh", "-c",
         "mount -t cgroup2 cgroup2 /tmp && mkdir /tmp/gwtool-try-$1 && rmdir /tmp/gwtool-try-$1", "sh",
         str(os.getpid())],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    if tried.returncode != 0:
        return "no namespaces with control groups of their own: " + tried.stdout.decode().strip()
    return None


def is_program(pid, path):
    try:
        return os.readlink("/proc/%d/exe" % pid) == path
    except FileNotFoundError:
        return False


class Machine:
    def __init__(self, directory, cleanup):
        """`directory` is made, and shared with the machine: what is in it has the same path there."""
        self.dir = directory
        self.units = os.path.join(directory, "units")
        os.makedirs(self.units)
        for name in TARGETS:
            shutil.copy(os.path.join(UNITS, name + ".target"), self.units)
        self.group = "gwtool-test-%d-%x" % (os.getpid(), id(self))
        self.root = directory + ".root"
        os.makedirs(self.root)
        self.process = cli.Background(["unshare", "--mount", "sh", SCRIPT, "prepare", self.group, self.root,
                                       self.dir])
        cleanup(self.end)
        self.first = 0
        cli.wait_until(self.is_up, what="systemd to be there")

    def end(self):
        self.process.kill()  # and all with it
        cli.wait_until(lambda: cli.run(["unshare", "--mount", "sh", SCRIPT, "clean", self.group,
                                        self.root]).code == 0,
                       what="the machine's end")

    def is_up(self):
        if not self.process.alive():
            raise AssertionError("the machine did not start\n%s" % self.process)
        with open("/proc/%d/task/%d/children" % ((self.process.pid,) * 2)) as f:
            children = f.read().split()
        if not children:
            return False
        self.first = int(children[0])
        if not is_program(self.first, SYSTEMD):
            return False
        return self.run("systemctl", "is-system-running").out.strip() in ("running", "degraded")

    def run(self, *words, **more):
        """A program in the machine."""
        return cli.run(["nsenter", "--target", self.first, "--mount", "--uts", "--ipc", "--pid", "--cgroup",
                        *words], **more)

    def systemctl(self, *words, code=0):
        r = self.run("systemctl", "--no-pager", *words)
        assert code is None or r.code == code, "%s\n%s" % (r, self.process.err)
        return r

    def unit(self, name, text):
        """Writes a unit, or a part of one (svc.service.d/x.conf)."""
        path = os.path.join(self.units, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        self.systemctl("daemon-reload")

    def show(self, unit, *names):
        """What systemd says of a unit, by name; of one name its value."""
        out = self.systemctl("show", unit, *("--property=" + name for name in names)).out
        found = dict(line.split("=", 1) for line in out.splitlines())
        return found if len(names) != 1 else found[names[0]]

    def wait(self, unit, **wanted):
        """Waits until systemd says all of it."""
        seen = {}

        def there():
            seen.update(self.show(unit, *wanted, "Id"))
            return all(seen.get(name) == value for name, value in wanted.items())
        try:
            cli.wait_until(there, what="%s of %s" % (wanted, unit), every=0.05)
        except AssertionError as e:
            raise AssertionError("%s, not %s\n%s" % (e, seen, self.process.err)) from None
