"""gwtool supervise with binaries that are built on this machine, and with several build services that
must say the same."""

import glob
import json
import os
import pwd
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import go_lab
import module_lab
import supervise_lab


class TestCase(supervise_lab.TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.lab = supervise_lab.Lab(self.path("lab"), self.addCleanup)
        self.lab.install()

    def start(self, *options, wait="event=supervising"):
        sup = self.background([cli.GWTOOL, "supervise", *options, self.lab.link], env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err(wait)
        self.lab.wait_running("v0.1.0")
        return sup


# In the place of the go command: what it would leave of a version, which was built before.
STAND_IN = r"""#!/bin/sh
case "$*" in *" -n "*) mkdir -p $GOMODCACHE/cache/download; exit 0;; esac
for last; do :; done
made=@DIR@/svc-${last#*@}
[ -e $made ] || { echo "../modcache/x@v1.0.0/main.go:3:15: undefined: nothing"; exit 1; }
mkdir -p $GOPATH/bin
cp $made $GOPATH/bin/svc
"""


class Local(TestCase):
    """The builder's sandbox is off: what it keeps from whom is a test of gwtool build."""

    def setUp(self):
        super().setUp()
        self.modules = module_lab.ModuleLab(self.path("modules"))
        self.goroot = self.path("go")
        os.makedirs(os.path.join(self.goroot, "bin"))
        self.file("go/VERSION", self.lab.go + "\n")
        self.file("go/bin/go", STAND_IN.replace("@DIR@", self.goroot), 0o755)

    def source(self, version, compiles=True):
        self.modules.add(supervise_lab.MODULE, version,
                         {"main.go": supervise_lab.SOURCE % (version, "ok")})
        if compiles:
            shutil.copy(supervise_lab.build(version, "ok"),
                        os.path.join(self.goroot, "svc-" + version))

    def options(self, *more):
        plain = self.lab.options(*more)
        for name in ("--build-key", "--build-url"):
            at = plain.index(name)
            del plain[at:at + 2]
        at = plain.index("--proxy")
        plain[at + 1] = self.modules.proxy
        return plain + ["--build", "local", "--build-proxy", self.modules.proxy, *self.modules.log(),
                        "--toolchain", self.goroot, "--sandbox", "off"]

    def test_a_new_version_is_built_and_installed(self):
        """By Go itself."""
        self.source("v0.1.1", compiles=False)
        sup = self.start(*self.options()[:-4], "--toolchain", go_lab.small_go(), "--sandbox", "off")
        self.ask("check")
        sup.wait_err("event=building version=v0.1.1")
        sup.wait_err("event=updated version=v0.1.1", timeout=240)
        self.lab.wait_running("v0.1.1")
        self.assertEqual(self.lab.service.requests, [])
        e, = self.ask("history", "--json").json
        with open(os.path.join(self.lab.bin, self.lab.name("v0.1.1")), "rb") as f:
            self.assertEqual(e["sum"], supervise_lab.sum_of(f.read()))
        self.assertEqual((e["what"], e["by"], e["detail"]), ("updated", "schedule", "built here"))
        self.assertEqual(self.status()["builds"], "local")
        # where it was built nothing is left but what can be used again
        home = os.path.join(self.lab.state, "build")
        self.assertEqual(os.listdir(home), ["cache"])
        if os.geteuid() == 0:
            # by somebody who is nobody else
            uid = os.stat(home).st_uid
            self.assertIn(uid, range(61184, 65520))
            self.assertEqual(os.stat(os.path.join(home, "cache")).st_uid, uid)
        self.assertEqual(os.stat(os.path.join(self.lab.bin, self.lab.name("v0.1.1"))).st_uid,
                         os.geteuid())

    def test_it_is_there_before_it_is_due(self):
        self.source("v0.1.1")
        sup = self.start(*self.options("--delay", "72h"))
        self.ask("check")
        built = sup.wait_err(r"event=prefetched version=v0.1.1 sum=(\S+)").group(1)
        self.assertEqual(list(self.lab.running().values()), ["v0.1.0"])
        # now its sources may be gone
        shutil.rmtree(self.modules.proxy_dir)
        shutil.rmtree(os.path.join(self.lab.state, "build", "cache"))
        self.ask("update", "v0.1.1")
        sup.wait_err("event=updated version=v0.1.1")
        self.assertEqual(self.ask("history", "--json").json[0]["sum"], built)

    def test_one_that_somebody_exchanged_is_built_again(self):
        self.source("v0.1.1")
        sup = self.start(*self.options("--delay", "72h"))
        self.ask("check")
        built = sup.wait_err(r"event=prefetched version=v0.1.1 sum=(\S+)").group(1)
        out = os.path.join(self.lab.state, "build", "out")
        name, = os.listdir(out)
        shutil.copy(supervise_lab.build("v0.1.1", "crash"), os.path.join(out, name))
        self.ask("update", "v0.1.1")
        sup.wait_err("event=updated version=v0.1.1")
        self.assertEqual(self.ask("history", "--json").json[0]["sum"], built)

    def test_what_cannot_be_built_says_why(self):
        self.source("v0.1.1", compiles=False)
        sup = self.start(*self.options())
        self.ask("check")
        sup.wait_err("event=failed version=v0.1.1")
        e, = self.ask("history", "--json").json
        self.assertIn("undefined: nothing", e["detail"])
        self.assertEqual(self.status()["failures"], 1)
        self.assertEqual(list(self.lab.running().values()), ["v0.1.0"])

    def test_a_module_that_is_not_what_the_database_says_pauses_updates(self):
        self.source("v0.1.1")
        options = self.options()
        other = module_lab.ModuleLab(self.path("other"))
        other.add(supervise_lab.MODULE, "v0.1.1",
                  {"main.go": supervise_lab.SOURCE % ("v0.1.1", "crash")})
        shutil.copy(other.file(supervise_lab.MODULE, "v0.1.1", "zip"),
                    self.modules.file(supervise_lab.MODULE, "v0.1.1", "zip"))
        sup = self.start(*options)
        self.ask("check")
        sup.wait_err("event=untrusted version=v0.1.1")
        s = self.status()
        self.assertIn("verification failed", s["why_not"])
        self.assertEqual(sorted(os.listdir(self.lab.bin)), ["svc"])

    def test_a_file_from_disk_must_be_what_is_built_here(self):
        self.source("v0.1.1")
        sup = self.start(*self.options("--module-policy", "manual"))
        self.ask("update", "--file", supervise_lab.build("v0.1.1", "crash"))
        sup.wait_err("event=untrusted version=v0.1.1")
        self.assertEqual(list(self.lab.running().values()), ["v0.1.0"])

    def test_a_stop_while_it_builds(self):
        self.source("v0.1.1")
        sup = self.start(*self.options())
        self.ask("check")
        sup.wait_err("event=building version=v0.1.1")
        builder = os.stat(os.path.join(self.lab.state, "build")).st_uid
        self.assertEqual(sup.stop(), 5)
        if builder != os.geteuid():
            cli.wait_until(lambda: not self.processes_of(builder), what="the build to end, too")
        self.assertEqual(sorted(os.listdir(self.lab.bin)), ["svc"])

    def test_a_builder_who_does_not_get_there(self):
        if os.geteuid() != 0:
            print("not tried: another user, as the tests are no root's", file=sys.stderr)
            return
        self.source("v0.1.1")
        os.chmod(self.lab.dir, 0o700)
        sup = self.start(*self.options())
        self.ask("check")
        sup.wait_err("event=failed version=v0.1.1 .*may not go through " + self.lab.dir)

    def test_a_builder_who_was_another_user_before(self):
        if os.geteuid() != 0:
            print("not tried: another user, as the tests are no root's", file=sys.stderr)
            return
        self.source("v0.1.1")
        home = os.path.join(self.lab.state, "build")
        left = os.path.join(home, "cache", "left")
        os.makedirs(left, 0o700)
        for at in (home, os.path.dirname(left), left):
            os.chmod(at, 0o700)
            os.chown(at, 12345, 12345)
        sup = self.start(*self.options())
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.1")
        cache = os.stat(os.path.join(home, "cache"))
        self.assertEqual(cache.st_uid, os.stat(home).st_uid)
        self.assertNotEqual(cache.st_uid, 12345)
        self.assertFalse(os.path.exists(left))

    def processes_of(self, uid):
        out = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.stat("/proc/" + pid).st_uid == uid:
                    out.append(pid)
            except FileNotFoundError:
                pass
        return out

    def test_a_directory_is_prepared_with_a_first_build(self):
        self.source("v0.1.0")
        work = self.path("work")
        os.makedirs(work)
        options = self.options()
        proxy = ["--dns", "off", "--proxy", self.modules.proxy, *options[options.index("--build"):]]
        # Root builds nothing itself, and whoever does so for it has a cache of its own.
        cache = [] if os.geteuid() == 0 else ["--cache", self.path("cache")]
        r = cli.run([cli.GWTOOL, "supervise", "init", "--json", *proxy, *cache, "--go", self.lab.go,
                     supervise_lab.MODULE], cwd=work, env=self.lab.env())
        self.assertEqual(r.code, 0, r)
        with open(os.path.join(work, self.lab.name("v0.1.0")), "rb") as f:
            self.assertEqual(r.json["sum"], supervise_lab.sum_of(f.read()))
            self.assertEqual(os.fstat(f.fileno()).st_uid, os.geteuid())
        self.assertEqual(sorted(os.listdir(work)), ["gw", "svc", self.lab.name("v0.1.0")])
        self.assertEqual(sorted(os.listdir(os.path.join(work, "gw"))), ["password", "supervise.toml"])
        # which goes on as it began
        self.source("v0.1.1")
        self.modules.log()
        sup = self.background([cli.GWTOOL, "supervise", "--config", "gw/supervise.toml", "--cache",
                               os.path.join(work, "cache"), "--delay", "72h", "--first-check", "0s",
                               "--toolchain-policy", "manual", "./svc"], cwd=work, env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=supervising .*automatic=yes")
        sup.wait_err("event=building version=v0.1.1")
        # One that was started just now does not catch the signal yet.
        self.assertIn(sup.stop(), (5, -signal.SIGTERM))
        # what cannot be built leaves nothing
        os.unlink(os.path.join(self.goroot, "svc-v0.1.0"))
        other = self.path("other")
        os.makedirs(other)
        r = cli.run([cli.GWTOOL, "supervise", "init", *proxy, *cache, "--go", self.lab.go,
                     supervise_lab.MODULE + "@v0.1.0"], cwd=other, env=self.lab.env())
        self.assert_error(r, 1, "undefined: nothing")
        self.assertEqual(os.listdir(other), [])

    def test_options_that_exclude_each_other(self):
        self.source("v0.1.1")
        r = self.gwtool("supervise", *self.options(), "--build-key", self.lab.service.key, self.lab.link)
        self.assert_error(r, 2, "--build local and a build service exclude each other")
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody").pw_name
            r = self.gwtool("supervise", *self.options("--user", nobody, "--builder-user", nobody),
                            self.lab.link)
            self.assert_error(r, 2, "--builder-user is another's, too")
            r = self.gwtool("supervise", *self.options("--builder-user", "root"), self.lab.link)
            self.assert_error(r, 2, "--builder-user is root")


class Several(TestCase):
    def setUp(self):
        super().setUp()
        self.others = []
        for name in ("b", "c"):
            directory = self.path(name)
            os.makedirs(directory)
            self.others.append(supervise_lab.BuildService(directory, self.addCleanup, name + ".test"))
        self.all = [self.lab.service, *self.others]

    def release(self, version, *said):
        """Built by all; `said` are the modes that each of them says it built, where it differs."""
        self.lab.publish(version)
        for service, mode in zip(self.all, said or ("ok",) * 3):
            if mode:
                with open(supervise_lab.build(version, mode), "rb") as f:
                    service.add(version, f.read())

    def options(self, servers, *more):
        return self.lab.options(
            "--build-servers", servers, "--verifier", "%s=%s" % (self.others[0].key, self.others[0].url),
            "--verifier", "%s=%s" % (self.others[1].key, self.others[1].url), *more)

    def downloads(self):
        return [len([p for p in s.requests if not p.startswith("/tlog/")]) for s in self.all]

    def test_all_agree_and_each_log_is_remembered(self):
        self.release("v0.1.1")
        sup = self.start(*self.options("3/3"))
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.1")
        heads = sorted(n for n in os.listdir(self.lab.state) if n.startswith("head"))
        self.assertEqual(len(heads), 3)
        self.assertEqual(heads[0], "head")
        texts = set()
        for name in heads:
            with open(os.path.join(self.lab.state, name)) as f:
                texts.add(f.read())
        self.assertEqual(len(texts), 3)
        self.assertEqual(self.downloads()[1:], [0, 0])
        s = self.status()
        self.assertEqual((s["builds"], len(s["build_services"]), s["services_wanted"]), ("service", 3, 3))

    def test_one_that_is_down_or_sends_nothing(self):
        """The record of two is enough, and the bytes come from whoever has them."""
        self.release("v0.1.1")
        self.others[1].faults["lookup"] = "down"
        self.lab.service.faults["dl"] = "gone"
        sup = self.start(*self.options("2/3"))
        self.ask("check")
        sup.wait_err("event=service-differs .*c.test")
        sup.wait_err("event=updated version=v0.1.1")
        self.assertGreater(self.downloads()[1], 0)

    def test_too_few_is_a_failure_that_is_tried_again(self):
        self.release("v0.1.1")
        for service in self.others:
            service.faults["lookup"] = "down"
        sup = self.start(*self.options("2/3"))
        self.ask("check")
        sup.wait_err("event=failed version=v0.1.1")
        self.assertEqual(self.status()["failures"], 1)
        self.assertEqual(self.downloads(), [0, 0, 0])

    def test_two_against_one(self):
        self.release("v0.1.1", "crash", "ok", "ok")
        sup = self.start(*self.options("2/3"))
        self.ask("check")
        sup.wait_err("event=service-differs .*another record")
        sup.wait_err("event=updated version=v0.1.1")
        self.lab.wait_running("v0.1.1")
        self.assertEqual(self.downloads()[0], 0)

    def test_a_difference_where_all_must_agree_is_for_a_person(self):
        self.release("v0.1.1", "ok", "ok", "crash")
        sup = self.start(*self.options("3/3"))
        self.ask("check")
        sup.wait_err("event=untrusted version=v0.1.1")
        self.assertIn("another record", self.status()["why_not"])
        self.assertEqual(self.downloads(), [0, 0, 0])

    def test_one_that_its_log_proves_a_liar_stops_all(self):
        self.release("v0.1.1")
        self.release("v0.1.2")
        self.others[1].faults["lookup"] = "other"
        sup = self.start(*self.options("2/3"))
        self.ask("check")
        sup.wait_err("event=untrusted version=v0.1.2")
        self.assertIn("c.test", self.status()["why_not"])
        self.assertEqual(self.downloads(), [0, 0, 0])

    def test_a_verifier_with_another_history(self):
        """Its head of before is remembered, and what contradicts it is kept."""
        self.release("v0.1.1")
        sup = self.start(*self.options("2/3"))
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.1")
        log = self.others[0].log
        shutil.rmtree(log)
        os.makedirs(log)
        self.others[0].records.clear()
        self.others[0].write("name", "b.test\n")
        self.others[0].write("style", "numbered\n")
        for version in ("v0.9.9", "v0.1.5"):
            with open(supervise_lab.build(version, "ok"), "rb") as f:
                self.others[0].add(version, f.read())
        self.lab.publish("v0.1.5")
        for service in (self.lab.service, self.others[1]):
            with open(supervise_lab.build("v0.1.5", "ok"), "rb") as f:
                service.add("v0.1.5", f.read())
        self.ask("check")
        sup.wait_err("event=untrusted version=v0.1.5")
        evidence, = glob.glob(os.path.join(self.lab.state, "evidence-*.json"))
        with open(evidence) as f:
            self.assertIn("b.test", json.dumps(json.load(f)))
        self.assertIn(evidence, self.status()["why_not"])

    def test_a_directory_is_prepared_when_enough_agree(self):
        self.release("v0.1.1", "crash", "ok", "ok")
        work = self.path("work")
        os.makedirs(work)

        def init(servers):
            options = self.options(servers)
            kept = [w for name, value in zip(options[::2], options[1::2])
                    if name in ("--dns", "--proxy", "--build-key", "--build-url", "--verifier",
                                "--build-servers") for w in (name, value)]
            return cli.run([cli.GWTOOL, "supervise", "init", *kept, "--go", self.lab.go,
                            supervise_lab.MODULE], cwd=work, env=self.lab.env())
        r = init("3/3")
        self.assert_error(r, 4, "another record")
        self.assertEqual(os.listdir(work), [])
        r = init("2/3")
        self.assert_run(r, 0)
        with open(os.path.join(work, "gw", "supervise.toml")) as f:
            text = f.read()
        self.assertIn('build-servers = "2/3"\n', text)
        self.assertIn('verifier = ["b.test+', text)
        with open(supervise_lab.build("v0.1.1", "ok"), "rb") as f:
            self.assertEqual(r.out.split()[0], supervise_lab.sum_of(f.read()))

    def test_numbers_that_do_not_fit(self):
        r = self.gwtool("supervise", *self.options("2/2"), self.lab.link)
        self.assert_error(r, 2, "--build-servers 2/2: 3 are named")
        r = self.gwtool("supervise", *self.options("4/3"), self.lab.link)
        self.assert_error(r, 2, "not K/N")
        r = self.gwtool("supervise", *self.lab.options("--verifier", "nonsense"), self.lab.link)
        self.assertEqual(r.code, 2)


if __name__ == "__main__":
    cli.main()
