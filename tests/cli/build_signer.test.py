"""gwtool build serve as root with --user: the log's key is out of the service's reach."""

import base64
import ctypes
import errno
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import cli
from build_lab import TARGET

HELLO = "/example.org/hello@v0.1.0/" + TARGET + "/"
NOBODY, SIGNER = 65534, 65519

PTRACE_ATTACH = 16
CAP_IPC_LOCK = 14
# More than anything but what a sanitizer reserves.
MOST = 1 << 30


def attempt(pid, paths):
    """Traces the process, and reads from each file; what came of it."""
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.ptrace(PTRACE_ATTACH, pid, None, None) == 0
    out = ["done" if done else errno.errorcode[ctypes.get_errno()]]
    for path in paths:
        try:
            with open(path, "rb") as f:
                f.read(1)
            out.append("read")
        except OSError as e:
            out.append(errno.errorcode[e.errno])
    return out


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(l.rstrip("\n").split(":\t", 1) for l in f if ":\t" in l)


def holds(pid, secret):
    """Whether it is in any memory that the process may write, as root sees it."""
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            where, mode = line.split()[:2]
            if "w" not in mode:
                continue
            first, end = (int(x, 16) for x in where.split("-"))
            if end - first > MOST:
                continue
            try:
                mem.seek(first)
                if secret in mem.read(end - first):
                    return True
            except OSError:
                pass
    return False


@unittest.skipUnless(os.geteuid() == 0, "only root can become somebody; the unit tests look at the memory")
class Signer(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = build_lab.BuildLab(self)
        self.lab.command()
        self.data = self.path("data")
        os.makedirs(self.data)
        os.chown(self.data, NOBODY, NOBODY)
        self.server = self.lab.serve("--user", "nobody", "--build-once", data=self.data)
        found = cli.run(["pgrep", "-P", str(self.server.pid), "-f", "build signer"])
        self.assertEqual(len(found.lines), 1)
        self.signer = int(found.lines[0])

    def tries(self, uid, *paths):
        """As that user, in a process of its own."""
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
                os.write(write, " ".join(attempt(self.signer, paths)).encode())
            finally:
                os._exit(0)
        os.close(write)
        with os.fdopen(read) as f:
            text = f.read()
        os.waitpid(pid, 0)
        return text.split()

    def test_the_key_is_out_of_reach(self):
        self.assertEqual(status_of(self.server.pid)["Uid"].split(), [str(NOBODY)] * 4)
        signer = status_of(self.signer)
        self.assertEqual(signer["Uid"].split(), [str(SIGNER)] * 4)
        self.assertEqual((signer["CapPrm"], signer["CapEff"], signer["NoNewPrivs"]), ("0" * 16, "0" * 16, "1"))
        # A sanitizer leaves mlockall() out, and a container may forbid it.
        if cli.SLOWNESS == 1 and int(status_of(os.getpid())["CapEff"], 16) >> CAP_IPC_LOCK & 1:
            self.assertNotEqual(signer["VmLck"].split()[0], "0")
        with open("/proc/%d/limits" % self.signer) as f:
            self.assertRegex(f.read(), r"(?m)^Max core file size +0 +0 ")
        # The service's user, and even the signer's own.
        inside = ["/proc/%d/%s" % (self.signer, name) for name in ("mem", "environ", "fd/0")]
        for uid in (NOBODY, SIGNER):
            tried = self.tries(uid, self.lab.key_file, *inside)
            self.assertEqual(len(tried), 5)
            self.assertLessEqual(set(tried), {"EACCES", "EPERM"}, tried)
        # Nor is it in what the service has in its memory.
        with open(self.lab.key_file) as f:
            secret = f.read().strip().split("+", 4)[4].encode()
        self.assertFalse(holds(self.server.pid, secret))
        seed = base64.b64decode(secret)[1:]
        self.assertFalse(holds(self.server.pid, seed))
        self.assertTrue(holds(self.signer, seed))
        # And it works, also when all of the service was told to end, and the service has not yet.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(self.signer, number)
        r = self.server.get(HELLO + "record")
        self.assertEqual(r.status, 307, str(r))
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(os.stat(os.path.join(self.data, "ledger.db")).st_uid, NOBODY)

    def test_without_its_signer_it_ends(self):
        os.kill(self.signer, 9)
        r = self.server.get(HELLO + "record")
        self.assertEqual(r.status, 503, str(r))
        self.assertEqual(self.server.wait(60), 3)
        self.assertIn("the signer is gone", self.server.err)
        # As a service manager starts it again.
        self.server = self.lab.serve("--user", "nobody", "--build-once", data=self.data)
        self.assertEqual(self.server.follow(HELLO + "record")[1].status, 200)
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    cli.main()
