"""gwtool supervise --vuln with a vulnerability database of our own, and services that end in the days
after an update."""

import gzip
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import dns_lab
import http_fixture
import supervise_lab


class Database:
    """In the form of vuln.go.dev, as files in a directory."""

    def __init__(self, directory, packed=False):
        self.directory, self.packed = directory, packed
        self.modules = {}
        os.makedirs(os.path.join(directory, "index"))
        os.makedirs(os.path.join(directory, "ID"))
        self.write("index/modules", [])

    def write(self, name, document):
        text = json.dumps(document).encode()
        path = os.path.join(self.directory, name + ".json" + (".gz" if self.packed else ""))
        with open(path, "wb") as f:
            f.write(gzip.compress(text) if self.packed else text)

    def add(self, number, module, introduced="0", fixed=None, **more):
        events = [{"introduced": introduced}] + ([{"fixed": fixed}] if fixed else [])
        self.write("ID/" + number, {
            "schema_version": "1.3.1", "id": number, "aliases": ["CVE-2026-1"], "summary": "It crashes",
            "affected": [{"package": {"name": module, "ecosystem": "Go"},
                          "ranges": [{"type": "SEMVER", "events": events}], **more}]})
        entry = {"id": number, "modified": "2026-01-02T03:04:05Z"}
        if fixed:
            entry["fixed"] = fixed
        self.modules.setdefault(module, []).append(entry)
        self.write("index/modules", [{"path": m, "vulns": v} for m, v in self.modules.items()])


class TestCase(supervise_lab.Installed):
    def text(self, path):
        if not os.path.exists(path):
            return ""
        with open(path) as f:
            return f.read()

    def metric(self, name):
        r = cli.run(["curl", "-sS", "--unix-socket", self.path("metrics"), "http://x/metrics"])
        line, = [line for line in r.lines if line.startswith(name + " ")]
        return float(line.split()[1])


class Vulnerabilities(TestCase):
    def setUp(self):
        super().setUp()
        self.database = Database(self.path("vulndb"))

    def test_an_update_that_fixes_one_does_not_wait(self):
        self.database.add("GO-2026-0001", supervise_lab.MODULE, fixed="0.1.2")
        self.lab.release("v0.1.1")
        sup = self.start("--vuln", self.database.directory, "--delay", "72h")
        self.ask("check")
        sup.wait_err("event=planned version=v0.1.1")
        s = self.status()
        found, = s["vulnerabilities"]
        self.assertEqual(found, {"id": "GO-2026-0001", "aliases": ["CVE-2026-1"],
                                 "summary": "It crashes", "module": supervise_lab.MODULE,
                                 "version": "v0.1.0", "fixed": "v0.1.2"})
        self.assertNotIn("fixes", s["planned"])
        self.assertIn("vulnerable: GO-2026-0001 in example.test/svc v0.1.0, fixed in v0.1.2\n",
                      self.ask("status").out)
        # the next one mends it
        self.lab.release("v0.1.2")
        self.ask("pause")
        self.ask("check")
        cli.wait_until(lambda: "fixes" in self.status()["planned"], what="the plan")
        planned = self.status()["planned"]
        self.assertEqual((planned["version"], planned["fixes"]), ("v0.1.2", ["GO-2026-0001"]))
        self.assertIn(", fixes GO-2026-0001\n", self.ask("status").out)
        self.ask("resume")
        sup.wait_err("event=updated version=v0.1.2")
        self.lab.wait_running("v0.1.2")
        self.assertEqual(self.status()["vulnerabilities"], [])
        # and the one before has it again, as the next look says
        self.ask("rollback")
        sup.wait_err("event=updated version=v0.1.0")
        self.assertEqual(self.status()["vulnerabilities"], [])
        self.ask("check")
        cli.wait_until(lambda: self.status()["vulnerabilities"], what="the next look")
        self.assertEqual([e["what"] for e in self.ask("history", "--json").json],
                         ["vulnerable", "updated", "updated", "vulnerable"])

    def test_what_a_go_mod_says_of_a_dependency_and_what_it_does_not(self):
        """Go's own standard library is in every binary: a version of ours mends nothing of it."""
        self.database.add("GO-2026-0002", "stdlib", fixed="1.999.0")
        self.database.add("GO-2026-0003", "stdlib", fixed="1.999.0",
                          ecosystem_specific={"imports": [{"path": "os", "goos": ["plan9"]}]})
        self.database.add("GO-2026-0004", "example.test/other", fixed="1.0.0")
        self.lab.release("v0.1.1")
        sup = self.start("--vuln", self.database.directory, "--delay", "72h")
        self.ask("check")
        sup.wait_err("event=vulnerable .*why=GO-2026-0002\n")
        s = self.status()
        self.assertEqual([f["id"] for f in s["vulnerabilities"]], ["GO-2026-0002"])
        self.assertNotIn("fixes", s["planned"])
        self.assertEqual(set(self.lab.running().values()), {"v0.1.0"})

    def test_versions_that_dns_tells_of_alone(self):
        """Nobody sends a go.mod; of its own module the version itself says enough."""
        self.database.add("GO-2026-0001", supervise_lab.MODULE, fixed="0.1.1")
        self.lab.release("v0.1.1", listed=False)
        records = 'svc._.example.test.v0 TXT "v=v0.1.1 t=%x"\n' % int(time.time() - 60)
        records += 'toolchain.v0 TXT "v=go1.26.8 k=cur t=%x"\n' % int(time.time() - 60)
        with dns_lab.Lab(self.path("dns"), [dns_lab.Zone("signed.lab", records)]) as dns:
            sup = self.start("--vuln", self.database.directory, "--delay", "72h", "--proxy", "off", "--dns",
                             "signed.lab", "--resolver", dns.resolver, "--trust-anchor", dns.anchor)
            self.ask("check")
            sup.wait_err("event=updated version=v0.1.1")

    def test_explain_page_metrics_and_events(self):
        self.database.add("GO-2026-0001", supervise_lab.MODULE, fixed="0.1.1")
        self.lab.release("v0.1.1")
        said = self.path("said")
        self.file("password", "secret\n", 0o600)
        sup = self.start("--vuln", self.database.directory, "--delay", "72h", "--monitor",
                         "--admin-listen", "127.0.0.1:0", "--metrics-listen", "unix:" + self.path("metrics"),
                         "--password-file", self.path("password"), "--event", "vulnerable",
                         "--on-event", "echo \"$GW_EVENT $GW_VERSION $GW_MESSAGE\" >> %s" % said)
        admin = int(sup.wait_err(r"event=page address=127.0.0.1:(\d+)").group(1))
        self.ask("check")
        sup.wait_err("event=vulnerable version=v0.1.0 .*why=GO-2026-0001\n")
        cli.wait_until(lambda: self.text(said) == "vulnerable v0.1.0 GO-2026-0001\n", what="the event")
        page = cli.run(["curl", "-sS", "-u", "admin:secret", "http://127.0.0.1:%d/" % admin]).out
        self.assertIn("Known vulnerabilities of what runs", page)
        self.assertIn('<a href="https://pkg.go.dev/vuln/GO-2026-0001"', page)
        self.assertIn("It fixes GO-2026-0001, so that it need not get old.", page)
        self.assertEqual(self.metric("gwtool_supervise_vulnerabilities"), 1)
        r = self.gwtool("supervise", "explain", "--dir", self.lab.state, "--toolchain-policy", "manual",
                        "--delay", "72h")
        self.assert_run(r, 0)
        self.assertEqual(r.out, "v0.1.1 %s\n" % self.lab.go)
        self.assertIn("the delay does not count, as it fixes GO-2026-0001", r.err)
        r = self.gwtool("supervise", "explain", "--dir", self.lab.state, "--toolchain-policy", "manual",
                        "--json")
        self.assertEqual(r.json["fixes"], ["GO-2026-0001"])
        # nothing new is no event
        self.ask("check")
        sup.wait_err("event=checked .*\n(.*\n)*.*event=checked ")
        self.assertEqual(len(self.ask("history", "--json").json), 1)

    def test_a_server_and_one_that_is_broken(self):
        packed = Database(self.path("packed"), packed=True)
        packed.add("GO-2026-0001", supervise_lab.MODULE, fixed="0.1.1")
        self.lab.release("v0.1.1")
        server = http_fixture.HttpFixture(mounts={"/db": packed.directory}).start()
        self.addCleanup(server.stop)
        sup = self.start("--vuln", server.url + "/db", "--delay", "72h")
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.1")
        # one that says nonsense is told of, and the look goes on without it
        self.lab.release("v0.1.5")
        packed.write("index/modules", [{"path": 7}])
        self.ask("check")
        sup.wait_err("event=planned version=v0.1.5")
        s = self.status()
        self.assertIn("the vulnerability database in", s["last_error"])
        self.assertEqual(s["known"].keys(), {"v0.1.5"})

    def helper_of(self, parent):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid) as words, open("/proc/%s/stat" % pid) as stat:
                    is_helper = words.read().split("\0")[1:3] == ["supervise", "helper"]
                    if is_helper and int(stat.read().rpartition(")")[2].split()[1]) == parent:
                        return int(pid)
            except (FileNotFoundError, ProcessLookupError):
                pass  # it ended meanwhile
        self.fail("there is no helper")

    def test_a_helper_that_ends_in_the_database_has_answered_before(self):
        self.lab.release("v0.1.1")
        self.database.add("GO-2026-0001", supervise_lab.MODULE, fixed="0.1.1")
        server = http_fixture.HttpFixture(mounts={"/db": self.database.directory}).start()
        self.addCleanup(server.stop)
        server.rule("/db/*", stall=0)
        sup = self.start("--vuln", server.url + "/db", "--delay", "72h")
        self.ask("check")
        cli.wait_until(lambda: server.requests, what="the helper in the database")
        os.kill(self.helper_of(sup.pid), signal.SIGKILL)
        sup.wait_err("event=planned version=v0.1.1")
        s = self.status()
        self.assertIn("the helper was ended by signal 9", s["last_error"])
        self.assertEqual(s["known"].keys(), {"v0.1.1"})

    def test_places_that_are_none(self):
        r = self.gwtool("supervise", *self.lab.options("--vuln", "ftp://x"), self.lab.link)
        self.assertEqual(r.code, 2)


class DaysAfter(TestCase):
    def test_an_end_after_the_trial_is_told_and_a_rollback_offered(self):
        self.lab.release("v0.1.1")
        said = self.path("said")
        more = ["--event", "exited", "--on-event",
                "echo \"$GW_EVENT $GW_VERSION $GW_MESSAGE\" >> %s" % said, "--admin-listen",
                "127.0.0.1:0", "--metrics-listen", "unix:" + self.path("metrics"), "--password-file",
                self.file("password", "secret\n", 0o600)]
        sup = self.start(*more)
        self.ask("check")
        sup.wait_err("event=updated version=v0.1.1")
        self.lab.wait_running("v0.1.1")
        os.kill(*self.lab.running(), signal.SIGUSR2)
        self.assertEqual(sup.wait(), 9)
        self.assertRegex(sup.err, "event=exited version=v0.1.1 .*ended with 9, [0-9]+ minutes after")
        self.assertFalse(os.path.exists(said))
        # the next start tells, once
        sup = self.start(*more, version="v0.1.1")
        cli.wait_until(lambda: self.text(said).endswith("\n"), what="the event")
        self.assertRegex(self.text(said), r"^exited v0\.1\.1 it ended with 9, [0-9]+ minutes after the "
                         r"update; rollback brings back svc-v0\.1\.0-\S+\n$")
        s = self.status()
        self.assertEqual(s["exits_after_update"], 1)
        self.assertIn("exited: it ended with 9", self.ask("status").out)
        admin = int(sup.wait_err(r"event=page address=127.0.0.1:(\d+)").group(1))
        page = cli.run(["curl", "-sS", "-u", "admin:secret", "http://127.0.0.1:%d/" % admin]).out
        self.assertIn("Ended by itself 1 time since the update", page)
        # root's page does not go back, and says who does
        self.assertIn("on the machine" if os.geteuid() == 0 else 'action="/rollback"', page)
        self.assertEqual(self.metric("gwtool_supervise_exits_after_update"), 1)
        # a stop that somebody asked for is none
        self.assertEqual(sup.stop(), 5)
        sup = self.start(version="v0.1.1")
        self.assertEqual(self.status()["exits_after_update"], 1)
        self.ask("rollback")
        sup.wait_err("event=updated version=v0.1.0")
        self.assertNotIn("exits_after_update", self.status())

    def test_without_an_update_an_end_is_the_services_own(self):
        sup = self.start()
        os.kill(*self.lab.running(), signal.SIGUSR2)
        self.assertEqual(sup.wait(), 9)
        self.assertNotIn("event=exited", sup.err)
        self.assertFalse(os.path.exists(os.path.join(self.lab.state, "said")))


if __name__ == "__main__":
    cli.main()
