"""gwtool build where nothing is compiled yet: the same bytes come out in any place, for anybody."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
from build_case import MODULE, ORDINARY, VERSION, BuildTestCase, sum_of


class BuildCold(BuildTestCase):
    def test_the_same_bytes_in_any_place_with_any_environment(self):
        small, self.toolchain = self.toolchain, "local"
        r = self.build("%s@%s" % (MODULE, VERSION), cold=True)
        self.assert_run(r, 0)
        total, size, name = r.out.split()
        self.assertRegex(name, r"^Hello-v0\.1\.0-go1\.\d+(\.\d+)?$")
        self.assertEqual(total, sum_of(self.path(name)))
        self.assertEqual(int(size), os.path.getsize(self.path(name)))
        self.assertEqual(os.stat(self.path(name)).st_mode & 0o777, 0o755)
        run = cli.run([self.path(name)])
        self.assertEqual((run.code, run.err), (0, "hello\n"))
        self.assert_clean()

        # Elsewhere, with another language, time zone and umask, settings that would change it, and
        # without a sandbox; as JSON, under another name; with what a build needs of that Go.
        self.toolchain = small
        other = self.path("an other\u00fc")
        os.makedirs(other)
        env = cli.clean_env(GOFLAGS="-tags=evil", GOAMD64="v3", GO111MODULE="off", TZ="Asia/Tokyo",
                            LC_ALL="C", GOPROXY="https://proxy.invalid", CGO_ENABLED="1")
        r = self.build("--json", MODULE, "-o", os.path.join(other, "x"), cache="an other\u00fc/c",
                       sandbox="off", env=env, umask=0o077, cold=True)
        self.assert_run(r, 0, err="")
        self.assertEqual(r.json["sum"], total)
        self.assertEqual(r.json["file"], os.path.join(other, "x"))
        self.assertEqual(r.json["version"], VERSION)
        self.assertEqual(sum_of(os.path.join(other, "x")), total)
        with open(r.json["log"]) as log:
            self.assertIn("$ go install -x -v -trimpath -ldflags=-buildid= -- %s@%s\n"
                          % (MODULE, VERSION), log.read())

    def test_another_user_builds_the_same(self):
        if os.geteuid() != 0:
            print("not tried: another user, as the tests are no root's", file=sys.stderr)
            return
        r = self.build(MODULE, "-o", self.path("mine"))
        self.assert_run(r, 0)
        self.lab.log()
        os.makedirs(self.path("theirs"))
        for base, dirs, files in os.walk(self.dir):
            for name in [base] + [os.path.join(base, f) for f in dirs + files]:
                os.chmod(name, os.stat(name).st_mode | 0o055)
        os.chown(self.path("theirs"), ORDINARY, ORDINARY)
        theirs = self.build(MODULE, "-o", self.path("theirs", "x"), cache="theirs/cache", cold=True,
                            user=ORDINARY, group=ORDINARY, extra_groups=[], cwd="/")
        self.assert_run(theirs, 0)
        self.assertEqual(theirs.out.split()[0], r.out.split()[0])
        self.assert_clean("theirs/cache")


if __name__ == "__main__":
    cli.main()
