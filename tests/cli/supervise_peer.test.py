"""The faults of the peer, ysco v0.1.3, that this supervisor must not have: one test each, named after the
fault."""

import base64
import glob
import http.client
import os
import re
import shutil
import signal
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import supervise_lab


class Faults(supervise_lab.Installed):
    def start_page(self, *more, program=None):
        """A supervisor with a page, as self.port and self.basic."""
        sup = self.background([program or cli.GWTOOL, "supervise",
                               *self.lab.options("--admin-listen", "127.0.0.1:0", *more), self.lab.link],
                              env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        self.port = int(sup.wait_err(r"event=page address=127.0.0.1:(\d+)").group(1))
        self.lab.wait_running("v0.1.0")
        with open(os.path.join(self.lab.state, "password")) as f:
            self.basic = "Basic " + base64.b64encode(("admin:" + f.read().strip()).encode()).decode()
        return sup

    def connect(self):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * cli.SLOWNESS)
        self.addCleanup(c.close)
        return c

    def request(self, connection, path, headers=(), **fields):
        """The answer to a GET, or to a form's POST; the connection stays."""
        headers = {"Authorization": self.basic, **dict(headers)}
        if fields:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("POST" if fields else "GET", path,
                           urllib.parse.urlencode(fields) if fields else None, headers)
        r = connection.getresponse()
        return r.status, r.read().decode(), r.headers

    def test_a_release_that_exits_at_once_with_0_is_no_end_of_the_supervisor(self):
        """ysco ends with 0, and the service with it: nothing is rolled back."""
        self.lab.release("v0.1.3", "exit0")
        # It ends by itself, however late on a busy machine.
        sup = self.start("--trial", "60s")
        self.ask("check")
        sup.wait_err("event=rolled-back version=v0.1.3 .*ended with 0")
        self.lab.wait_running("v0.1.0")
        self.assertTrue(sup.alive())

    def test_the_older_binary_is_there_as_long_as_a_release_is_on_trial(self):
        """ysco has deleted it by the time that the new one exits."""
        self.lab.release("v0.1.1")
        sup = self.start("--ready", "exec:test -e " + self.path("ready"), "--ready-passes", "1")
        whole = supervise_lab.read(self.lab.link)
        self.ask("check")
        sup.wait_err("event=started .*version=v0.1.1")
        old = os.path.join(self.lab.bin, self.lab.name("v0.1.0"))
        self.assertEqual(self.status()["state"], "trial")
        self.assertEqual(supervise_lab.read(old), whole)
        # and afterwards, too: for a rollback
        self.file("ready", "")
        sup.wait_err("event=updated version=v0.1.1")
        self.assertEqual(supervise_lab.read(old), whole)
        self.ask("rollback")
        sup.wait_err("event=updated version=v0.1.0")
        self.lab.wait_running("v0.1.0")

    def test_version_latest_is_the_newest_and_not_the_oldest(self):
        """ysco installs the oldest of those that it knows."""
        for version in ("v0.1.5", "v0.1.1", "v0.1.10", "v0.1.9"):
            self.lab.release(version)
        sup = self.start_page("--delay", "1h")
        self.ask("check")
        sup.wait_err("event=checked newer=4")
        self.assertEqual(self.request(self.connect(), "/update", version="latest", goversion="current")[:2],
                         (200, "ok\n"))
        sup.wait_err("event=updated version=v0.1.10 ")
        self.lab.wait_running("v0.1.10")

    def test_goversion_current_is_the_running_one_and_no_word_to_look_up(self):
        """ysco asks the build service for the Go version "current"."""
        self.lab.release("v0.1.1")
        sup = self.start_page("--delay", "1h")
        self.assertEqual(self.request(self.connect(), "/update", version="v0.1.1", goversion="current")[:2],
                         (200, "ok\n"))
        sup.wait_err("event=updated version=v0.1.1 go=%s " % re.escape(self.lab.go))
        self.assertTrue(self.lab.service.requests)
        self.assertFalse([r for r in self.lab.service.requests if "current" in r])

    def test_a_failed_installation_leaves_the_service_running(self):
        """ysco leaves it down."""
        self.lab.install("v0.1.4", "stubborn")
        self.lab.release("v0.1.5")
        sup = self.start("--stop-timeout", "1h", version="v0.1.4")
        old, = self.lab.running()
        self.ask("update", "v0.1.5")
        cli.wait_until(lambda: self.status()["state"] == "stopping", what="stopping")
        # What the rename is of is gone by the time that the old one has ended.
        made, = glob.glob(os.path.join(self.lab.bin, ".new-*"))
        os.unlink(made)
        os.kill(old, signal.SIGKILL)
        sup.wait_err("event=failed version=v0.1.5 .*no such file")
        self.lab.wait_running("v0.1.4")
        s = self.status()
        self.assertEqual((s["state"], s["version"], s["failures"]), ("running", "v0.1.4", 0))
        self.assertEqual(supervise_lab.read(self.lab.link), supervise_lab.read(supervise_lab.build(
            "v0.1.4", "stubborn")))
        # and nothing is in the way of the next try
        new, = self.lab.running()
        self.ask("update", "v0.1.5")
        cli.wait_until(lambda: self.status()["state"] == "stopping", what="stopping")
        os.kill(new, signal.SIGKILL)
        sup.wait_err("event=updated version=v0.1.5")
        self.lab.wait_running("v0.1.5")

    def test_a_self_update_is_answered_by_who_was_asked(self):
        """ysco's new process answers on the connection of the old one, to a request that it never saw."""
        program = self.path("gwtool")
        shutil.copy(cli.GWTOOL, program)
        sup = self.start_page(program=program)
        asked, other = self.connect(), self.connect()
        html = self.request(asked, "/")[1]
        token = re.search(r'name="token" value="(\w+)"', html).group(1)
        self.assertEqual(self.request(other, "/service-version")[0], 404)  # a connection that waits
        shutil.copy(cli.GWTOOL, program + ".new")
        os.rename(program + ".new", program)
        origin = {"Origin": "http://127.0.0.1:%d" % self.port}
        status, _, headers = self.request(asked, "/reload", origin, token=token)
        self.assertEqual((status, headers["Location"]), (303, "/"))
        sup.wait_err("event=took-over")
        cli.wait_until(lambda: sup.err.count("event=supervising") == 2, what="its start")
        # The old connections are over: nothing is said on them that nobody asked.
        for old in (asked, other):
            self.assertEqual(old.sock.recv(1) if old.sock else b"", b"")
        self.assertEqual(self.request(self.connect(), "/json")[0], 200)
        self.lab.wait_running("v0.1.0")


if __name__ == "__main__":
    cli.main()
