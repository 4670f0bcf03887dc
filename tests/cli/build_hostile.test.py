"""A toolchain that wants out, or wants all there is: a program in the place of Go's compiler
(tests/support/hostile.cc) tries it, run by the real go command in the sandbox of gwtool build, as root
and as an ordinary user. What the kernel refuses, what it does not find, and what takes too much is told
as such, nothing is built, and nothing is left.

The sandbox is the full one. Where the kernel refuses a part of it, that part is named, and only what
system call filters and limits stop is looked at."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import go_lab
import module_lab

ORDINARY = 61234  # nobody's number
PACKAGE = "example.org/hello@v0.1.0"

TOLD = "told"  # refused with EPERM, and named in the message
# What is tried -> (what comes of it, the system call as the message names it or the errors that say
# that it is not there). With None the kernel has no such thing for anybody, or EPERM of its own.
ATTEMPTS = {
    "inet": (TOLD, "socket (inet)"),
    "inet6": (TOLD, "socket (inet6)"),
    "raw": (TOLD, "socket (inet)"),
    "unix": (TOLD, "socket (unix)"),
    "abstract": (TOLD, "socket (unix)"),
    "netlink": (TOLD, "socket (netlink)"),
    "vsock": (TOLD, "socket (vsock)"),
    "packet": (TOLD, "socket (packet)"),
    "alg": (TOLD, "socket (alg)"),
    "socketpair": (TOLD, "socketpair (unix)"),
    "io_uring": (TOLD, "io_uring_setup"),
    "etc": ("hidden", ("ENOENT",)),
    "up": ("hidden", ("ENOENT",)),
    "sys": ("hidden", ("ENOENT",)),
    "proc": ("hidden", ("ENOENT",)),
    "proc_root": ("hidden", ("ENOENT", "EACCES")),
    "proc_kernel": ("hidden", ("ENOENT",)),
    "environment": ("hidden", ("ENOENT",)),
    "secret": ("hidden", ("ENOENT",)),
    "signing_key": ("hidden", ("ENOENT",)),
    "other_build": ("hidden", ("ENOENT",)),
    "module_store": ("hidden", ("ENOENT",)),
    "link": ("hidden", ("ENOENT",)),
    "hard_link": ("hidden", ("ENOENT",)),
    "host_name": ("hidden", ("ENOENT",)),
    "descriptors": ("hidden", ("EBADF",)),
    "device": ("hidden", ("EPERM", "EACCES")),
    "handle": (TOLD, "open_by_handle_at"),
    "name_to_handle": (TOLD, "name_to_handle_at"),
    "write_toolchain": ("hidden", ("EROFS", "EACCES")),
    "write_root": ("hidden", ("EROFS", "EACCES")),
    "write_store": ("hidden", ("ENOENT", "EACCES", "EROFS")),
    "write_library": ("hidden", ("ENOENT", "EACCES", "EROFS")),
    "run_dropped": ("hidden", ("EACCES",)),
    "signal": ("hidden", ("ESRCH", "EPERM")),
    "trace": (TOLD, "ptrace"),
    "read_memory": (TOLD, "process_vm_readv"),
    "take_descriptor": (TOLD, "pidfd_getfd"),
    "hold_process": ("hidden", ("ESRCH",)),
    "advise_memory": (TOLD, "process_madvise"),
    "kcmp": (TOLD, "kcmp"),
    "perf": (TOLD, "perf_event_open"),
    "mount": (TOLD, "mount"),
    "open_tree": (TOLD, "open_tree"),
    "chroot": (TOLD, "chroot"),
    "pivot_root": (TOLD, "pivot_root"),
    "setns": (TOLD, "setns"),
    "unshare": (TOLD, "unshare"),
    "user_namespace": (TOLD, "clone"),
    "network_namespace": (TOLD, "clone"),
    "clone3": ("hidden", ("ENOSYS",)),  # which makes programs use clone
    "become_root": ("hidden", ("EPERM", "EINVAL")),
    "keyring": (TOLD, "add_key"),
    "request_key": (TOLD, "request_key"),
    "i386": (TOLD, "a system call of another architecture"),
    "x32": (TOLD, "a system call of another architecture"),
    "new_mount": (TOLD, "fsopen"),
    "old_mount": (TOLD, "umount2"),
    "remount": (TOLD, "mount_setattr"),
    "openat2": ("hidden", ("ENOENT",)),
    "setuid_file": ("hidden", ("EPERM", "EROFS", "ENOSYS")),
    "terminal": ("hidden", ("ENOENT",)),
    "push_input": ("hidden", ("EACCES", "ENOTTY")),
    "fanotify": (TOLD, "fanotify_init"),
    "quota": (TOLD, "quotactl"),
    "ldt": (TOLD, "modify_ldt"),
    "ports": (TOLD, "iopl"),
    "keyctl": (TOLD, "keyctl"),
    "bpf": (TOLD, "bpf"),
    "userfaultfd": (TOLD, "userfaultfd"),
    "personality": (TOLD, "personality"),
    "module": (TOLD, "init_module"),
    "clock": (TOLD, "settimeofday"),
    "set_host_name": (TOLD, "sethostname"),
    "memfd": (TOLD, "memfd_create"),
    "memfd_secret": (TOLD, "memfd_secret"),
    "message_queue": (TOLD, "mq_open"),
    "messages": (TOLD, "msgget"),
    "semaphores": (TOLD, "semget"),
    "shared_memory": (TOLD, "mmap"),
    "shm": (TOLD, "shmget"),
    "aio": (TOLD, "io_setup"),
}

# What takes all there is -> (options, what the message says).
LIMITS = {
    "memory": (["--max-memory", "400"], "too much memory: the build used more than 400 MB of memory"),
    # Or the kernel's limit is seen first, by the go command, which gets no more threads.
    "processes": (["--max-processes", "150"], "too many processes: "),
    "disk": (["--max-disk", "150"], "too much disk: the build used more than 150 MB of disk"),
    "nameless": (["--max-disk", "150"], "too much disk: the build used more than 150 MB of disk"),
    "names": (["--max-disk", "150"], "too much disk: the build used more than 150 MB of disk"),
    "deep": ([], "too much disk: what the build used is too deep in its directory, or closed"),
    "time": (["--max-time", "3s"], "too much time: the build used more than 3 seconds"),
}


class Hostile(cli.TestCase):
    @classmethod
    def setUpClass(cls):
        made = tempfile.mkdtemp(prefix="gwtool-test-")
        cls.addClassCleanup(shutil.rmtree, made)
        cls.compiler = os.path.join(made, "compile")
        module_lab.make_compiler(cls.compiler, os.path.join(cli.SOURCE, "tests", "support", "hostile.cc"))

    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.sandbox = module_lab.sandbox_mode(self.path("probe"))
        self.lab = module_lab.ModuleLab(self.path("lab"))
        self.lab.add("example.org/hello", "v0.1.0", {"main.go": "package main\n\nfunc main() {}\n"})
        self.log = self.lab.log()
        self.goroot = self.path("go")
        module_lab.make_toolchain(self.goroot, self.compiler)
        for name in ("secret", "key"):
            with open(self.path(name), "w") as f:
                f.write("secret")

    def has_i386(self):
        """Whether its door is there outside of a sandbox: elsewhere it faults, and no filter is asked."""
        program = self.path("door")
        if not os.path.exists(program):
            subprocess.run(["g++", "-x", "c++", "-static", "-o", program, "-"], check=True, text=True, input=(
                'int main() { long n = 20; __asm__ volatile("int $0x80" : "+a"(n) : : "memory"); return n <= 0; }'))
        return subprocess.run([program]).returncode == 0

    def users(self):
        """(name, what makes a process theirs)."""
        if os.geteuid() != 0:
            print("not tried: as root, as the tests are no root's", file=sys.stderr)
            return [("ordinary", {})]
        return [("root", {}), ("ordinary", {"user": ORDINARY, "group": ORDINARY, "extra_groups": []})]

    def prepare(self, user, kind):
        """A place of the user's own; what the program is told."""
        home = self.path(user)
        os.makedirs(os.path.join(home, "cache", "work", "other"), exist_ok=True)
        os.makedirs(os.path.join(home, "cache", "std", "x"), exist_ok=True)
        places = {"HOST": os.uname().nodename, "PID": str(os.getpid()), "SECRET": self.path("secret"),
                  "KEY": self.path("key"), "OTHER": os.path.join(home, "cache", "work", "other", "file"),
                  "STORE": self.lab.file("example.org/hello", "v0.1.0", "zip"),
                  "LIBRARY": os.path.join(home, "cache", "std", "x", "file")}
        for name in ("OTHER", "LIBRARY"):
            with open(places[name], "w") as f:
                f.write("x")
        if user == "ordinary" and os.geteuid() == 0:
            for base, dirs, files in os.walk(home):
                for name in [base] + [os.path.join(base, f) for f in files]:
                    os.chown(name, ORDINARY, ORDINARY)
        with open(os.path.join(self.goroot, "kind"), "w") as f:
            f.write(kind + "\n" + "".join("%s=%s\n" % p for p in places.items()))
        return os.path.join(home, "cache")

    def build(self, user, who, kind, *args):
        cache = self.prepare(user, kind)
        r = self.gwtool("build", PACKAGE, "--proxy", self.lab.proxy, *self.log, "--cache", cache,
                        "--toolchain", self.goroot, "--sandbox", self.sandbox, "-o",
                        os.path.join(self.path(user), "out"), *args, cwd="/", timeout=280,
                        env=cli.clean_env(SECRET="x"), **who)
        self.assertFalse(os.path.exists(os.path.join(self.path(user), "out")))
        self.assertEqual(sorted(n for n in os.listdir(os.path.join(cache, "work"))), ["other"], r)
        return r

    def assert_stopped(self, r, text):
        self.assert_error(r, 1, "the toolchain tried what no build needs: refused: ")
        for name in ("secret", "key"):
            with open(self.path(name)) as f:
                self.assertEqual(f.read(), "secret")
        names = set(re.search("refused: (.*)", r.err).group(1).split(", "))
        found = dict(re.findall(r"^hostile (\w+) (\w+)$", text, re.M))
        self.assertEqual(set(found), set(ATTEMPTS))
        for attempt, (how, what) in ATTEMPTS.items():
            if attempt == "i386" and not self.has_i386():
                print("not tried: i386, which this kernel does not run", file=sys.stderr)
                continue
            with self.subTest(attempt):
                if how == TOLD:
                    self.assertEqual(found[attempt], "EPERM")
                    self.assertIn(what, names)
                elif self.sandbox == "full":
                    self.assertIn(found[attempt], what)

    def log_of(self, r):
        with open(r.err.split("the build log: ")[1].splitlines()[0]) as f:
            return f.read()

    def test_what_gets_nowhere_is_named(self):
        self.assertGreaterEqual(len(ATTEMPTS) + len(LIMITS), 20)
        for user, who in self.users():
            with self.subTest(user):
                r = self.build(user, who, "all")
                self.assert_stopped(r, self.log_of(r))

    def test_a_fetch_has_one_port_and_nothing_else(self):
        """The go command asks the compiler for its version before it fetches anything."""
        for user, who in self.users():
            with self.subTest(user):
                r = self.build(user, who, "fetch")
                self.assert_error(r, 1, "the toolchain tried what no build needs: refused: ")
                names = set(re.search("refused: (.*)", r.err).group(1).split(", "))
                self.assertTrue({"socket (unix)", "socket (netlink)", "ptrace", "clone", "mount",
                                 "io_uring_setup"} <= names, names)
                self.assertNotIn("socket (inet)", names)

    def test_what_takes_all_is_ended(self):
        for user, who in self.users():
            for kind, (args, text) in LIMITS.items():
                with self.subTest(kind + " as " + user):
                    if self.sandbox != "full" and kind == "processes":
                        continue
                    self.assert_error(self.build(user, who, kind, *args), 1, text, "hint: --max-")

    def test_what_is_left_behind_ends_with_the_build(self):
        if self.sandbox != "full":
            print("not tried: processes that stay, which a pid namespace ends", file=sys.stderr)
            return
        for user, who in self.users():
            with self.subTest(user):
                self.build(user, who, "leave")
                for pid in filter(str.isdigit, os.listdir("/proc")):
                    try:
                        exe = os.readlink("/proc/%s/exe" % pid)
                    except OSError:
                        continue
                    self.assertFalse(exe.startswith(self.goroot), exe)
                # Whoever is number 1 there ends by nobody else's signal; all others do.
                r = self.build(user, who, "kill_all")
                self.assertNotEqual(r.code, 0)


if __name__ == "__main__":
    cli.main()
