"""gwtool build in a control group that was delegated to it: the go command has one of its own beside it, and
nothing is left of that, however it ends. The compiler here says where it is, leaves a process that nobody
waits for, and, told so, does not end."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import go_lab
import module_lab
from build_case import MODULE, BuildTestCase

ORDINARY = 61234  # nobody's number
COMPILER = r"""
#include <fcntl.h>
#include <unistd.h>
#include <cstring>
#include <cstdio>
#include <fstream>
#include <string>
int main(int argc, char** argv) {
  char self[4096] = {};
  if (::readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 99;
  const std::string tool = self;
  if (argc > 1 && std::strncmp(argv[1], "-V", 2) == 0) {
    ::execv((tool + ".real").c_str(), argv);
    return 98;
  }
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("0::", 0) == 0) std::printf("group %s\n", line.c_str() + 3);
  }
  std::fflush(stdout);
  if (::fork() == 0) {
    ::setsid();
    for (int fd = 0; fd < 1024; ++fd) ::close(fd);
    while (true) ::pause();
  }
  std::ifstream waits(tool.substr(0, tool.find("/pkg/tool/")) + "/waits");
  while (waits) ::pause();
  return 1;
}
"""


def mount_point():
    with open("/proc/self/mounts") as f:
        for line in f:
            words = line.split()
            if words[2] == "cgroup2":
                return words[1]
    return None


def members(group):
    """Processes in it and below."""
    found = []
    for base, _, files in os.walk(group):
        if "cgroup.procs" in files:
            with open(os.path.join(base, "cgroup.procs")) as f:
                found += f.read().split()
    return found


def below(group):
    return sorted(name for name in os.listdir(group) if os.path.isdir(os.path.join(group, name)))


class Delegated(BuildTestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.mount = mount_point()
        if self.mount is None:
            self.skipTest("no control groups of version 2 here")
        self.group = os.path.join(self.mount, "gwtool-cli-%d-%x" % (os.getpid(), id(self)))
        try:
            os.mkdir(self.group)
        except OSError as e:
            self.skipTest("no control group can be made here: %s" % e)
        self.addCleanup(self.remove)
        self.goroot = self.path("go")
        compiler = self.path("compile")
        module_lab.make_compiler(compiler, self.file("compile.cc", COMPILER))
        module_lab.make_toolchain(self.goroot, compiler)

    def remove(self):
        with open(os.path.join(self.group, "cgroup.kill"), "w") as f:
            f.write("1")
        cli.wait_until(lambda: not members(self.group), what="an empty group")
        for base, _, _ in os.walk(self.group, topdown=False):
            os.rmdir(base)

    def mark(self):
        for name in ("user.delegate", "trusted.delegate"):
            try:
                return os.setxattr(self.group, name, b"1")
            except OSError as e:
                error = e
        self.skipTest("no group can be marked as delegated here: %s" % error)

    def words(self, *args, sandbox="off", toolchain=None, user=None, cache="cache"):
        """A call that begins in the group."""
        become = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if user else []
        return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', self.group, *become, cli.GWTOOL, "build",
                MODULE, "--proxy", self.lab.proxy, *self.lab.log(), "--cache", self.path(cache), "--toolchain",
                toolchain or self.goroot, "--sandbox", sandbox, "-o", self.path(cache, "out"), *args]

    def run_in_group(self, *args, **kwargs):
        return cli.run(self.words(*args, **kwargs), cwd="/", timeout=280)

    def said_groups(self, r):
        with open(r.err.split("the build log: ")[1].splitlines()[0]) as f:
            return {line.split(" ", 1)[1].strip() for line in f if line.startswith("group ")}

    def assert_own_group(self, r):
        self.assertEqual(r.code, 1, r)
        name = os.path.basename(self.group)
        groups = self.said_groups(r)
        self.assertTrue(groups, r)
        for group in groups:
            self.assertRegex(group, r"^/%s/build-\d+-\d+$" % name)
        self.assertEqual(members(self.group), [])
        # The one that gwtool itself was in; the next one takes it away.
        self.assertRegex(" ".join(below(self.group)), r"^gwtool-\d+$")

    def test_the_go_command_has_a_group_of_its_own(self):
        self.mark()
        for sandbox in (self.sandbox, "off"):
            with self.subTest(sandbox):
                self.assert_own_group(self.run_in_group(sandbox=sandbox))

    def test_what_another_user_was_given(self):
        if os.geteuid() != 0:
            self.skipTest("as another user: needs root")
        for name in ("", "cgroup.procs", "cgroup.subtree_control"):
            os.chown(os.path.join(self.group, name), ORDINARY, ORDINARY)
        cache = self.path("theirs")
        os.mkdir(cache)
        os.chown(cache, ORDINARY, ORDINARY)
        self.assert_own_group(self.run_in_group(user=ORDINARY, cache="theirs"))

    def test_a_group_that_nobody_gave_is_left_alone(self):
        if os.geteuid() != 0:
            self.skipTest("an ordinary user's group is theirs")
        r = self.run_in_group(sandbox=self.sandbox)
        self.assertEqual(self.said_groups(r), {"/" + os.path.basename(self.group)}, r)
        self.assertEqual(below(self.group), [])
        self.assertNotIn("control group", r.err)

    def test_who_keeps_limits_is_said(self):
        self.mark()
        with open(os.path.join(self.group, "cgroup.controllers")) as f:
            there = f.read().split()
        if not os.path.exists(self.path("cache", "std")):
            module_lab.give_library(self.path("cache"), module_lab.library(self.sandbox))
        r = self.run_in_group("--json", "--target", "linux/amd64", toolchain=go_lab.small_go(), sandbox=self.sandbox)
        self.assertEqual(r.code, 0, r)
        by = {name: "cgroup" if controller in there else "looking"
              for name, controller in (("memory", "memory"), ("processes", "pids"))}
        self.assertEqual(r.json["limits"], by)
        for controller in ("memory", "pids"):
            told = "cgroup %s limit: writing %s.max" % (controller, controller)
            self.assertEqual(told in r.err, controller not in there, r)

    def test_a_build_that_is_stopped_leaves_nothing(self):
        self.mark()
        with open(os.path.join(self.goroot, "waits"), "w"):
            pass
        for sandbox in (self.sandbox, "off"):
            for number, code in ((signal.SIGTERM, 130), (signal.SIGKILL, -9)):
                with self.subTest("%s %s" % (sandbox, number)):
                    with cli.Background(self.words(sandbox=sandbox), cwd="/") as p:
                        cli.wait_until(lambda: self.in_builds() or not p.alive(), what="a compiler in a group")
                        self.assertTrue(p.alive(), p)
                        p.process.send_signal(number)
                        cli.wait_until(lambda: not p.alive(), what="its end")
                        self.assertEqual(p.process.returncode, code, p)
                    if code == 130:
                        self.assertEqual(members(self.group), [])
        # What one that was killed could not end, the next one does.
        os.unlink(os.path.join(self.goroot, "waits"))
        self.assert_own_group(self.run_in_group())

    def in_builds(self):
        """Whether a compiler left its process."""
        return any(len(members(os.path.join(self.group, name))) > 2
                   for name in below(self.group) if name.startswith("build-"))


if __name__ == "__main__":
    cli.main()
