"""The guided tour, gwtool-tour(7), from its first command to its last as it stands there."""

import os
import random
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import go_lab
import module_lab
import tour_data

PAGE = os.path.join(cli.SOURCE, "man", "sections", "gwtool-tour.mdoc")


def steps():
    """What the page shows as it is to be typed."""
    with open(PAGE) as f:
        found = re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed$", f.read(), re.M | re.S)
    return [step.replace("\\e", "\\").replace("\\&", "") for step in found]


class Tour(cli.TestCase):
    def test_all_of_it(self):
        self.assertIsNotNone(shutil.which("go"), "Debian's Go is not installed")
        os.symlink(os.path.join(cli.SOURCE, "tests"), self.path("tests"))
        os.makedirs(self.path("path"))
        os.symlink(cli.GWTOOL, self.path("path", "gwtool"))
        # Other tests may run beside this one; and some kernels refuse a part of the sandbox.
        own = "127.%d.%d.%d" % tuple(random.randint(1, 254) for _ in range(3))
        sandbox = module_lab.sandbox_mode(self.path("probe"))
        shell = self.background(["sh"], env=cli.clean_env(
            PATH=":".join([self.path("path"), os.path.join(go_lab.small_go(), "bin"), os.environ["PATH"]])),
            input_open=True)
        ready, said = 0, []
        for number, step in enumerate(steps()):
            step = step.replace("127.7.7.7", own)
            if sandbox != "full":
                step = step.replace("--toolchain local", "--toolchain local --sandbox " + sandbox)
            if number == 1:  # in the tour's directory
                shell.tell("mkdir cache && cp -r %s cache/std\n" % module_lab.library(sandbox))
            before = len(shell.out)
            shell.tell(step + "echo step %d: $?\n" % number)
            shell.wait_out(r"(?m)^step %d: " % number, timeout=280)
            said.append(shell.out[before:])
            self.assertTrue(said[-1].endswith("step %d: 0\n" % number), "%s\n%s" % (step, shell))
            ready += len(re.findall(r"&$", step, re.M))
            shell.wait_err(r"(?s)(event=(ready|supervising).*){%d}" % ready)
        shell.close()
        self.assertEqual(shell.wait(), 0)
        self.check(said, shell)

    def check(self, said, shell):
        (check, get, status, release, update, back) = (said[n] for n in (2, 4, 6, 7, 8, 9))
        self.assertEqual(check, "step 2: 0\n")
        self.assertRegex(get, r"^0[\w-]{27} \d+ bin/svc-v0\.1\.0-go")
        self.assertIn("running: v0.1.0 go", status)
        self.assertRegex(release, r"^example\.test/svc v0\.1\.1 ")
        self.assertRegex(update, r"(?m)^\S+ updated v0\.1\.1 go\S+ by schedule$")
        self.assertIn("running: v0.1.1 go", update)
        self.assertRegex(update, r"(?m)^0[\w-]{27} \d+ bin/svc$")
        self.assertRegex(back, r"(?m) updated v0\.1\.0 go\S+ by control$")
        # No library says a word of its own there.
        self.assertNotIn("[warn]", shell.err)
        # Nothing was built that nobody has: a binary that was stripped is known by its looks.
        self.assertEqual(len(re.findall("event=built ", shell.err)), 2)
        for version in ("v0.1.0", "v0.1.1", "v0.1.0"):
            self.assertIn("svc %s serves\n" % version, shell.err)
        self.assertEqual(len(re.findall(r"svc v\S+ serves", shell.err)), 3)

    def test_its_data_are_what_they_are_said_to_be(self):
        made, kept = self.path("made"), os.path.join(cli.DATA, "tour")
        tour_data.make(made)
        for where, _, files in os.walk(made):
            for name in files:
                path = os.path.join(where, name)
                other = os.path.join(kept, os.path.relpath(path, made))
                with open(path, "rb") as a, open(other, "rb") as b:
                    # A zip's bytes have the time of its making; its files' sums are in the log.
                    if not name.endswith(".zip"):
                        self.assertEqual(a.read(), b.read(), other)


if __name__ == "__main__":
    cli.main()
