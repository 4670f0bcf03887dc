"""Every example of the README and of the manual is one that works.

Commands of `sh local` blocks are run. All others that begin with gwtool need the Internet or files of
their own: the real parser reads them, with --print-config, which runs nothing.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import go_lab
import module_lab


def read(*names):
    with open(os.path.join(cli.SOURCE, *names), encoding="utf-8") as f:
        return f.read()


def blocks(kind):
    return re.findall(r"^```%s\n(.*?)^```$" % re.escape(kind), read("README.md"), re.M | re.S)


def literal_blocks(text):
    """What a page of the manual shows as it is to be typed."""
    return [block.replace("\\e", "\\").replace("\\&", "") for block in
            re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed$", text, re.M | re.S)]


def section_examples():
    """(file, line) of the commands that man/sections shows; those of the tour are run."""
    folder = os.path.join(cli.SOURCE, "man", "sections")
    for name in sorted(os.listdir(folder)):
        if name == "gwtool-tour.mdoc":
            continue
        for block in literal_blocks(read("man", "sections", name)):
            for line in block.splitlines():
                if line.startswith("gwtool "):
                    yield name, line


class Readme(cli.TestCase):
    def parse(self, where, line):
        """The options of a command line are valid, though it is not run."""
        words = []
        for word in shlex.split(line, comments=True):
            if word.startswith(("<", ">")) or word in ("&", "|"):
                break
            key = read("tests/data/replica/key.pub").strip()
            words.append(re.sub(r"\$\(cat \w+\.pub\)", lambda _: key, word))
        self.assertEqual(words[0], "gwtool", where)
        # A file that is not on this machine is no mistake in the example.
        if "--config" in words:
            at = words.index("--config")
            words[at + 1] = self.file("gwtool.toml", blocks("toml")[0])
        r = self.gwtool("--print-config", *words[1:])  # behind a service it would be its own
        self.assertEqual(r.code, 0, "%s: %s\n%s" % (where, line, r))

    def test_commands_for_the_internet_parse(self):
        lines = [line for block in blocks("sh internet") for line in block.splitlines()]
        self.assertGreater(len(lines), 5)
        for line in lines:
            self.parse("README.md", line)

    def test_cron_lines_parse(self):
        lines = [line for block in blocks("cron") for line in block.splitlines()]
        self.assertGreater(len(lines), 1)
        for line in lines:
            self.parse("README.md", re.sub(r"\A(\S+ ){5}/usr/local/bin/", "", line))

    def test_manual_examples_parse(self):
        examples = list(section_examples())
        self.assertGreater(len(examples), 10)
        for name, line in examples:
            self.parse(name, line)

    def test_the_configuration_files_are_valid(self):
        section = read("man", "sections", "gwtool.mdoc").split(".Sh CONFIGURATION FILE")[1]
        (shown,) = literal_blocks(section.split(".Sh ")[0])
        for text in [*blocks("toml"), shown]:
            self.assertTrue(tomllib.loads(text))
            conf = self.file("c.toml", text)
            self.assert_run(self.gwtool("--config", conf, "--print-config"), 0, err="")

    def test_the_unit_of_the_manual(self):
        section = read("man", "sections", "gwtool.mdoc").split(".Sh AS SERVICES")[1].split(".Sh ")[0]
        setup, unit, other_setup, other_user = literal_blocks(section)
        self.assertTrue(other_user.startswith("[Service]\nUser=gwtool-serve\n"))
        for line in (setup + other_setup).splitlines():
            if "gwtool " in line and "-- gwtool" in line:
                self.parse("gwtool.mdoc", line[line.index("-- gwtool") + 3:])
        command = re.search(r"^ExecStart=\S*/(gwtool .*)$", unit, re.M).group(1)
        self.parse("gwtool.mdoc", command)
        self.parse("gwtool.mdoc", command.replace("follow-tlog", "serve-dns"))
        self.assertIn("[Install]", unit)
        if shutil.which("systemd-analyze") is None:
            return  # its judgement is tried where it is
        file = self.file("gwtool-follow.service", unit)
        r = cli.run(["systemd-analyze", "security", "--offline=yes", "--threshold=20", file])
        self.assertEqual(r.code, 0, r.out[-500:] + r.err)

    def test_local_commands_run(self):
        (script,) = blocks("sh local")
        port = cli.free_port()
        os.symlink(os.path.join(cli.SOURCE, "tests"), self.path("tests"))
        os.mkdir(self.path("bin"))
        os.symlink(cli.GWTOOL, self.path("bin", "gwtool"))
        # The README's second of waiting is for a person; a slow machine may need more.
        script = script.replace("5353", str(port)).replace(
            "sleep 1", "until gwtool serve-dns status --db tlog.db -q >status 2>&1; do sleep 0.1; done")
        p = self.background(["sh", "-ec", script + "\nkill $!\nwait $!"], cwd=self.dir,
                            env=cli.clean_env(PATH=self.path("bin") + ":" + os.environ["PATH"]))
        self.assertEqual(p.wait(60), 0, str(p))
        self.assertRegex(p.out, r"(?m)^l\.example\.org\. IN DS \d+ 13 2 ")
        self.assertRegex(p.out, r"(?m)^github\.com/mjl-/mox v0\.0\.14 \d{4}-")

    def test_the_two_commands_are_there(self):
        text = read("README.md")
        for script in ("cmake/demo.sh", "cmake/test.sh"):
            self.assertIn("\n    sh %s\n" % script, text)
            subprocess.run(["sh", "-n", os.path.join(cli.SOURCE, script)], check=True)
        self.assertIn("cmake/test.sh", read(".ci", "run"))

    def test_links_lead_somewhere(self):
        for target in re.findall(r"\]\(([^)]+)\)", read("README.md")):
            self.assertTrue(os.path.exists(os.path.join(cli.SOURCE, target)), target)

    def test_the_demonstration_runs_to_its_end(self):
        # Its library is compiled from nothing in other tests.
        given = tempfile.mkdtemp(prefix="gwtool-test-")
        self.addCleanup(shutil.rmtree, given)
        sandbox = module_lab.sandbox_mode(os.path.join(given, "probe"))
        module_lab.give_library(given, module_lab.library(sandbox))
        if go_lab.shared_data("goproxy") and go_lab.shared_data("sumdb"):
            module_lab.give_library(given, module_lab.real_library(sandbox))
        path = os.path.join(go_lab.small_go(), "bin") + ":" + os.environ["PATH"]
        r = cli.run(["sh", os.path.join(cli.SOURCE, "cmake", "demo.sh")], timeout=1200,
                    env=cli.clean_env(GWTOOL=cli.GWTOOL, GW_DEMO_LIBRARY=os.path.join(given, "std"), TMPDIR=self.dir,
                                      PATH=path))
        self.assert_run(r, 0)
        self.assertRegex(r.out, r"(?m)^github\.com/mjl-/mox v0\.0\.15 ")
        self.assertRegex(r.out, r"(?m)^\S+ updated v0\.1\.1 go\S+ by schedule$")  # the guided tour
        self.assertIn("On the real Internet:", r.out)
        for line in r.out.split("On the real Internet:\n")[1].splitlines():
            self.parse("demo.sh", line)
        self.assertEqual(os.listdir(self.dir), [], "something is left over")

    def test_the_demonstration_fails_loudly(self):
        # A gwtool whose check finds nothing: the demonstration must not end well.
        fake = self.file("gwtool", '#!/bin/sh\n[ "$1" = check ] && exit 0\nexec %s "$@"\n'
                         % shlex.quote(cli.GWTOOL), mode=0o755)
        os.mkdir(self.path("tmp"))
        r = cli.run(["sh", os.path.join(cli.SOURCE, "cmake", "demo.sh")], timeout=120,
                    env=cli.clean_env(GWTOOL=fake, TMPDIR=self.path("tmp")))
        self.assertEqual(r.code, 1, str(r))
        self.assertIn("demo.sh: exit code 0, expected 100", r.err)
        self.assertEqual(os.listdir(self.path("tmp")), [])


if __name__ == "__main__":
    cli.main()
