#!/usr/bin/env python3
"""cmake/deps.sh: what is linked into the binary is the newest that apt knows of. apt and dpkg are
stand-ins here."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli

SCRIPT = os.path.join(cli.SOURCE, "cmake", "deps.sh")

# apt-get install makes the packages that it is told to the candidates, unless they are held.
APT_GET = """#!/bin/sh
echo "apt-get $*" >>"$LAB/calls"
case "$*" in
  install*) [ -e "$LAB/interrupted" ] && kill -TERM $PPID ;;
esac
case "$*" in
  *" libssl-dev"*) [ -e "$LAB/held" ] || echo 3.0.22-1 >"$LAB/libssl" ;;
esac
"""
APT_CACHE = """#!/bin/sh
[ "$1" = policy ] || exit 1
shift
for p in "$@"; do
  version=1.0-1
  candidate=1.0-1
  [ "$p" = libssl-dev ] && version=$(cat "$LAB/libssl") && candidate=3.0.22-1
  [ "$p" = libyaml-dev ] && [ -e "$LAB/missing" ] && version='(none)'
  printf '%s:\\n  Installed: %s\\n  Candidate: %s\\n  Version table:\\n' "$p" "$version" "$candidate"
done
"""
DPKG_QUERY = """#!/bin/sh
sed -n '/^packages=/,/"$/p' "$SCRIPT" | tr -d '"' | sed 's/^packages=//' | tr -s ' ' '\\n' |
  sed '/^$/d; s/^/installed /' | { [ -e "$LAB/missing" ] && grep -v libyaml-dev || cat; }
"""
SUDO = """#!/bin/sh
exec "$@"
"""


class Deps(cli.TestCase):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("bin"))
        for name, text in (("apt-get", APT_GET), ("apt-cache", APT_CACHE), ("sudo", SUDO),
                           ("dpkg-query", DPKG_QUERY), ("tee", "#!/bin/sh\ncat >/dev/null\n"),
                           ("chmod", "#!/bin/sh\n"), ("rm", "#!/bin/sh\necho \"rm $*\" >>\"$LAB/calls\"\n")):
            self.file("bin/" + name, text, 0o755)
        # libcurl is there, made by this script of the candidate's source.
        os.makedirs(self.path("deps", "lib"))
        self.file("deps/lib/libcurl.a", "")
        with open(SCRIPT, "rb") as f:
            sum_of = subprocess.run(["cksum"], stdin=f, stdout=subprocess.PIPE, check=True).stdout
        self.file("deps/stamp", "1.0-1 " + sum_of.decode().strip())
        self.file("calls", "")

    def run_deps(self, installed):
        self.file("libssl", installed + "\n")
        return cli.run(["sh", SCRIPT, self.path("deps")], env=cli.clean_env(
            PATH=self.path("bin") + ":" + os.environ["PATH"], LAB=self.dir, SCRIPT=SCRIPT))

    def calls(self):
        with open(self.path("calls")) as f:
            return f.read()

    def test_nothing_to_do(self):
        self.assert_run(self.run_deps("3.0.22-1"), 0, out="", err="")
        self.assertEqual(self.calls(), "")

    def test_what_is_old_is_upgraded(self):
        r = self.run_deps("3.0.19-1")
        self.assert_run(r, 0, err_has="upgrading libssl-dev from 3.0.19-1 to 3.0.22-1")
        self.assertIn("apt-get update", self.calls())
        self.assertRegex(self.calls(), "apt-get install .* libssl-dev\\n")

    def test_what_stays_old_is_an_error(self):
        self.file("held", "")
        r = self.run_deps("3.0.19-1")
        self.assert_run(r, 1, err_has=["still old", "libssl-dev 3.0.19-1 3.0.22-1"])

    def test_what_is_missing_is_installed(self):
        self.file("missing", "")
        r = self.run_deps("3.0.22-1")
        self.assert_run(r, 0, err_has="installing libyaml-dev")
        self.assertRegex(self.calls(), "apt-get install .* libyaml-dev\\n")

    @unittest.skipIf(os.path.exists("/usr/sbin/policy-rc.d"), "this machine has a policy of its own")
    def test_what_keeps_daemons_from_starting_is_taken_away(self):
        # Left behind it would keep the machine's own from starting.
        taken_away = "rm -f /usr/sbin/policy-rc.d\n"
        self.assert_run(self.run_deps("3.0.19-1"), 0)
        self.assertIn(taken_away, self.calls())
        self.file("calls", "")
        self.file("interrupted", "")
        self.assertEqual(self.run_deps("3.0.19-1").code, 1)
        self.assertTrue(self.calls().endswith(taken_away), self.calls())


if __name__ == "__main__":
    cli.main()
