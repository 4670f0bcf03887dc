"""gwtool build and the places it reads and writes: one cache for many calls at once, and caches, disks and
files that cannot be written, which are named. A stand-in for the go command "compiles", see build_lab.py."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import cli

ORDINARY = 61234  # nobody's number
NO_SPACE = "No space left on device"


class Places(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = build_lab.BuildLab(self)
        for n in range(3):
            self.lab.command("example.org/m%d" % n, dirs=("", "cmd/x"))
        self.log = self.lab.modules.log()

    def args(self, *args, cache=None):
        return ["build", *args, "--proxy", self.lab.modules.proxy, *self.log, "--cache",
                cache or self.path("cache"), "--toolchain", os.path.join(self.lab.dir, "go"), "--go",
                build_lab.GO, "--sandbox", "off", "--target", "js/wasm"]

    def test_many_calls_share_a_cache(self):
        calls = []
        for n in range(12):
            module = "example.org/m%d" % (n % 3)
            # Some remove what others may be about to use.
            more = ["--cache-size", "0"] if n % 4 == 3 else []
            calls.append(subprocess.Popen(
                [cli.GWTOOL, *self.args(module, module + "/cmd/x", "-o", self.path("out%d/" % n), *more)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=cli.clean_env()))
        said = {}
        for n, call in enumerate(calls):
            out, err = call.communicate(timeout=120 * cli.SLOWNESS)
            self.assertEqual((call.returncode, err), (0, ""))
            sums = [line.split()[0] for line in out.splitlines()]
            self.assertEqual(len(sums), 2)
            self.assertEqual(said.setdefault(n % 3, sums), sums)
        self.assertEqual(os.listdir(self.path("cache", "work")), [])

    def test_a_cache_that_cannot_be_written(self):
        self.assert_run(self.gwtool(*self.args("example.org/m0", "-o", "x")), 0)
        who = {"user": ORDINARY, "group": ORDINARY, "extra_groups": []} if os.geteuid() == 0 else {}
        os.chmod(self.path("cache", "work"), 0o555)
        r = self.gwtool(*self.args("example.org/m0", "-o", self.path("y")), cwd="/", **who)
        os.chmod(self.path("cache", "work"), 0o755)
        self.assert_error(r, 1, "the cache %s: opening " % self.path("cache"), "Permission denied")
        self.assert_missing(self.path("y"))
        for cache, text in (("/proc/none", "making the cache /proc/none: "),
                            (self.file("file", "x"), "making the cache %s: " % self.path("file"))):
            self.assert_error(self.gwtool(*self.args("example.org/m0", "-o", "y", cache=cache)), 1, text)

    def test_a_file_that_cannot_be_written(self):
        r = self.gwtool(*self.args("example.org/m0", "-o", "/proc/none"))
        self.assert_error(r, 1, "example.org/m0@v0.1.0/%s: writing /proc/none: " % build_lab.TARGET)

    def test_a_small_disk(self):
        small = self.path("small")
        os.makedirs(small)

        def on(size, *args):
            script = 'mount -t tmpfs -o size=%s none "$0" && exec "$@"' % size
            return cli.run(["unshare", "-Urm", "sh", "-c", script, small, *args], timeout=100)
        if on("4k", "true").code != 0:
            print("not tried: a small disk, as none can be made", file=sys.stderr)
            return
        # Too small for a proof, then for the files of one, then for what a build must leave free.
        for size, code, texts in (("4k", 1, [small + "/cache/sumdb/", NO_SPACE]),
                                  ("16k", 1, [small + "/cache/", NO_SPACE]),
                                  ("8m", 3, ["the disk of %s/cache is full: builds leave 128 MB" % small])):
            with self.subTest(size):
                r = on(size, cli.GWTOOL, *self.args("example.org/m0", "-o", self.path("z"), cache=small + "/cache"))
                self.assert_error(r, code, *texts)
                self.assert_missing(self.path("z"))


if __name__ == "__main__":
    cli.main()
