"""gwtool supervise init and import: from nothing, and from ysco's directory, to a service that runs."""

import json
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import supervise_lab

CONF = """# NOTE: tabs only
LogLevel: info
AuthFile: ys/password.txt
Monitor:
\tMethods:
\t\t- goproxy
\tGoProxy: %(proxy)s
Policy:
\tServiceToolchain: manual
\tSelf: manual
Update:
\tSchedule:
\t\t- mo-su 00-24
\tJitter: 1ns
Gobuild:
\tVerifierKey: %(key)s
\tBaseURL: %(url)s
Links:
\t-
\t\tURL: https://docs.example/
\t\tText: Docs
"""


class TestCase(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = supervise_lab.Lab(self.path("lab"), self.addCleanup)
        self.work = self.path("work")
        os.makedirs(self.work)

    def run_in(self, *args, **more):
        return cli.run([cli.GWTOOL, "supervise", *args], cwd=self.work, env=self.lab.env(), **more)

    def sources(self):
        return ["--dns", "off", "--proxy", "file://" + os.path.join(self.lab.dir, "proxy"),
                "--build-key", self.lab.service.key, "--build-url", self.lab.service.url]

    def supervise(self, *more):
        sup = self.background([cli.GWTOOL, "supervise", "--config", "gw/supervise.toml", *more, "./svc"],
                              cwd=self.work, env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=supervising .*automatic=yes")
        return sup


class Init(TestCase):
    def init(self, *args):
        return self.run_in("init", *self.sources(), "--go", self.lab.go, *args)

    def test_from_nothing_to_a_running_service(self):
        self.lab.release("v0.1.0")
        self.lab.release("v0.1.1")
        self.lab.gomod("v0.1.1", "retract v0.1.1\n")
        r = self.init("--systemd", "--json", supervise_lab.MODULE)
        self.assertEqual(r.code, 0, r)
        file = self.lab.name("v0.1.0")
        self.assertEqual((r.json["file"], r.json["link"], r.json["unit"]), (file, "svc", "svc.service"))
        self.assertEqual(sorted(os.listdir(self.work)), ["gw", "svc", file, "svc.service"])
        self.assertEqual(os.readlink(os.path.join(self.work, "svc")), file)
        self.assertEqual(sorted(os.listdir(os.path.join(self.work, "gw"))),
                         ["head", "password", "supervise.toml"])
        for name, mode in (("gw", 0o700), ("gw/password", 0o600), (file, 0o755)):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.work, name)).st_mode), mode, name)
        with open(os.path.join(self.work, "svc.service")) as f:
            unit = f.read()
        self.assertIn('"supervise" "--config" "%s/gw/supervise.toml"' % self.work, unit)
        self.assertIn("KillMode=mixed\n", unit)
        self.assertIn("WorkingDirectory=%s\n" % os.path.realpath(self.work), unit)
        self.assertIn('"%s/svc"\n' % os.path.realpath(self.work), unit)
        sup = self.supervise()
        self.lab.wait_running("v0.1.0")
        self.assertEqual(sup.stop(), 5)
        # a second time nothing is touched
        self.assert_error(self.init(supervise_lab.MODULE), 2, "gw exists already")
        self.assert_error(self.init("--dir", "other", supervise_lab.MODULE), 2, "svc exists already")
        self.assertFalse(os.path.exists(os.path.join(self.work, "other")))

    def test_a_version_and_a_package_below_its_module(self):
        self.lab.release("v0.1.0")
        self.lab.release("v0.1.1")
        r = self.init(supervise_lab.MODULE + "@v0.1.0")
        self.assert_run(r, 0)
        self.assertEqual(r.out.split()[1:], [self.lab.name("v0.1.0"), "svc"])
        # path elements are stripped to find the module; the service has no such command
        r = self.init("--dir", "x", supervise_lab.MODULE + "/cmd/tool")
        self.assert_error(r, 1, "404")
        self.assert_error(self.init("--dir", "x", "example.test/none/at/all"), 1, "no module has")
        self.assert_error(self.init("--dir", "x", supervise_lab.MODULE + "@v0.9.9"), 1)
        for version in ("", "v0", "master"):
            self.assert_error(self.init("--dir", "x", supervise_lab.MODULE + "@" + version), 2,
                              "such as v1.2.3, or latest")
        self.assertEqual(sorted(os.listdir(self.work)), ["gw", "svc", self.lab.name("v0.1.0")])

    def test_what_does_not_verify_leaves_nothing(self):
        self.lab.release("v0.1.0")
        for fault, code in (("altered", 4), ("short", 4), ("gone", 1)):
            self.lab.service.faults["dl"] = fault
            self.assertEqual(self.init(supervise_lab.MODULE).code, code, fault)
            self.assertEqual(os.listdir(self.work), [])
        self.lab.service.faults.clear()
        self.assert_error(self.run_in("init", "x.example/y"), 2, "--build-key")
        r = self.run_in("init", *self.sources(), supervise_lab.MODULE)
        self.assert_error(r, 1, "nobody says which Go release is current")


class Import(TestCase):
    def write(self, name, text):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def conf(self, **changes):
        values = {"proxy": "file://" + os.path.join(self.lab.dir, "proxy"),
                  "key": self.lab.service.key, "url": self.lab.service.url, **changes}
        return CONF % values

    def test_a_directory_of_ysco_goes_on_here(self):
        self.lab.release("v0.1.0")
        self.write("ys/ysco.conf", self.conf().replace("Update:\n", "Update:\n\tDelay: 6s\n"))
        self.write("ys/password.txt", "from ysco\n\n")
        self.write("ys/state.json", json.dumps({
            "PauseReason": "", "Backoff": 1, "BackoffReason": "no route", "PreviousBinarySvc": "",
            "PreviousBinarySelf": "/x/ysco-v1", "Schedule": [
                {"Time": "2026-01-01T00:00:00Z", "Which": "svc", "Version": "v0.1.1", "GoVersion": "x"}]}))
        r = self.run_in("import", "ys/")
        self.assertEqual((r.code, r.out), (0, "gw/supervise.toml\n"), r)
        for said in ("Policy.Self (manual)", "PreviousBinarySelf (/x/ysco-v1)", "--admin-listen"):
            self.assertIn(said, r.err)
        with open(os.path.join(self.work, "gw", "password")) as f:
            self.assertEqual(f.read(), "from ysco\n")
        with open(os.path.join(self.work, "gw", "supervise.toml")) as f:
            config = f.read()
        self.assertIn('link = ["Docs=https://docs.example/"]', config)
        self.assertIn('jitter = "0s"', config)  # not none, which would be the usual hour
        # and runs
        self.lab.link = os.path.join(self.work, "svc")
        self.lab.install()
        sup = self.supervise()
        self.lab.wait_running("v0.1.0")
        s = cli.run([cli.GWTOOL, "supervise", "status", "--json", "--dir", "gw"], cwd=self.work).json
        self.assertEqual((s["failures"], s["last_error"], list(s["known"])), (1, "no route", ["v0.1.1"]))
        self.assertEqual(s["planned"]["version"], "v0.1.1")
        self.assertEqual(sup.stop(), 5)
        self.assert_error(self.run_in("import", "ys"), 2, "gw exists already")

    def test_the_age_of_a_toolchain_that_ysco_knew_outlives_the_first_look(self):
        self.lab.release("v0.1.1")
        arch = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        self.file("lab/proxy/golang.org/toolchain/@v/list", "v0.0.1-go1.26.8.linux-%s\n" % arch)
        self.write("ys/ysco.conf", self.conf().replace("ServiceToolchain: manual", "ServiceToolchain: follow")
                   .replace("Update:\n", "Update:\n\tDelay: 72h\n"))
        self.write("ys/password.txt", "from ysco\n")
        self.write("ys/state.json", json.dumps({"PauseReason": "holidays", "Schedule": [
            {"Time": "2026-01-01T00:00:00Z", "Which": "svc", "Version": "v0.1.1", "GoVersion": "go1.26.8"}]}))
        self.assertEqual(self.run_in("import", "ys").code, 0)
        self.lab.link = os.path.join(self.work, "svc")
        self.lab.install()
        sup = self.background([cli.GWTOOL, "supervise", "--config", "gw/supervise.toml", "./svc"], cwd=self.work,
                              env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=supervising .*automatic=.paused: holidays")

        def planned():
            return self.run_in("status", "--json", "--dir", "gw").json["planned"]
        first = planned()
        self.assertEqual((first["version"], first["go_version"]), ("v0.1.1", "go1.26.8"))
        self.assertEqual(self.run_in("check", "--dir", "gw").code, 0)
        sup.wait_err("event=checked newer=1 cur=go1.26.8 ")
        then = planned()
        self.assertEqual((then["version"], then["go_version"]), ("v0.1.1", "go1.26.8"))
        # Neither is new: both are wanted now, of a build service that has none of it.
        self.assertEqual(self.run_in("resume", "--dir", "gw").code, 0)
        sup.wait_err("event=failed version=v0.1.1 go=go1.26.8 by=schedule")

    def test_what_stops_it_names_the_line(self):
        self.write("ys/password.txt", "x\n")
        for change, why in ((("mo-su 00-24", "9-17 mo"), "ys/ysco.conf:13: "),
                            (("Jitter: 1ns", "Jitter: soon"), "ys/ysco.conf:14: "),
                            (("Update:", "Updates:"), 'ys/ysco.conf:11: unknown key "Updates"')):
            self.write("ys/ysco.conf", self.conf().replace(*change))
            self.assert_error(self.run_in("import", "ys"), 2, why)
        self.write("ys/ysco.conf", self.conf())
        self.write("ys/state.json", "[")
        self.assert_error(self.run_in("import", "ys"), 2, "ys/state.json: not a state of ysco")
        os.unlink(os.path.join(self.work, "ys/state.json"))
        os.unlink(os.path.join(self.work, "ys/password.txt"))
        self.assert_error(self.run_in("import", "ys"), 1, "password.txt")
        self.assert_error(self.run_in("import", "none"), 1, "none/ysco.conf")
        self.assertFalse(os.path.exists(os.path.join(self.work, "gw")))
        for password, why in (("\n", "is empty"), (" x\n", "begins or ends with a space"),
                              ("x\r\n", "begins or ends with a space"), ("x\ny\n", "a control character"),
                              ("x" * 1025 + "\n", "longer than 1024 bytes")):
            self.write("ys/password.txt", password)
            self.assert_error(self.run_in("import", "ys"), 2, "ys/password.txt: the password ", why)
        self.write("ys/password.txt", "x\n")
        for there in (".", "..", "/", "ys", "ys/"):
            self.assert_error(self.run_in("import", "--dir", there, "ys"), 2, "exists already")
        self.assert_error(self.run_in("import", "--dir", "/proc/none", "ys"), 1, "/proc/none: ")
        r = self.run_in("import", "--dir", "gw//", "ys", "--json")
        self.assertEqual(r.json["dir"], "gw")
        self.assertFalse(r.json["state"])
        self.assertIn("Update.Delay is not set", "\n".join(r.json["notes"]))


if __name__ == "__main__":
    cli.main()
