"""A new gwtool takes the place of a supervisor that runs: in the same process, with the service and
its sockets; one that would not is left alone."""

import json
import os
import shutil
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import supervise_lab


class Reload(supervise_lab.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = supervise_lab.Lab(self.path("lab"), self.addCleanup)
        self.program = self.path("gwtool")
        self.copy(cli.GWTOOL)

    def copy(self, source):
        """As a package manager does it: another file under the same name."""
        shutil.copy(source, self.program + ".new")
        os.rename(self.program + ".new", self.program)

    def write(self, text):
        with open(self.program + ".new", "w") as f:
            f.write(text)
        os.chmod(self.program + ".new", 0o755)
        os.rename(self.program + ".new", self.program)

    def start(self, *more):
        sup = self.background([self.program, "supervise", *self.lab.options(*more), self.lab.link],
                              env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=supervising")
        return sup

    def test_the_service_and_its_socket_go_on(self):
        self.lab.install("v0.1.6", "socket")
        address = self.path("listen")
        sup = self.start("--listen", "unix:" + address)
        self.lab.wait_running("v0.1.6")

        def answer():
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(20)
                s.connect(address)
                return s.recv(100)
        self.assertEqual(answer(), b"v0.1.6")
        service = self.status()["pid"]
        for n in (1, 2):
            self.assertFalse(self.status()["gwtool"]["another_on_disk"])
            self.copy(cli.GWTOOL)
            self.assertTrue(self.status()["gwtool"]["another_on_disk"])
            self.assertIn("another one is on the disk", self.ask("status").out)
            self.ask("reload")
            cli.wait_until(lambda: sup.err.count("event=took-over pid=%d" % service) == n,
                           what="the new one: %s" % sup.err)
            cli.wait_until(lambda: sup.err.count("event=supervising") == n + 1, what="its start")
            self.assertTrue(sup.alive())
            self.assertEqual(os.stat("/proc/%d/exe" % sup.pid).st_ino, os.stat(self.program).st_ino)
            self.assertEqual(self.status()["pid"], service)
            self.assertEqual(answer(), b"v0.1.6")
        self.assertEqual(len([w for w in self.lab.lines() if w[0].startswith("start:")]), 1)
        # nothing of us reached the service, and nobody else gets the directory
        with open("/proc/%d/environ" % service, "rb") as f:
            self.assertNotIn(b"GWTOOL_HANDOVER", f.read())
        r = self.gwtool("supervise", *self.lab.options(), self.lab.link, env=self.lab.env())
        self.assert_error(r, 3, "another supervisor runs there")
        # an update still works, with the same socket
        self.lab.release("v0.1.7", "socket")
        self.ask("update", "v0.1.7")
        sup.wait_err("event=updated version=v0.1.7")
        cli.wait_until(lambda: answer() == b"v0.1.7", what="the new version")
        self.assertEqual(sup.stop(), 0)

    def test_signals_and_ends_are_passed_on_as_before(self):
        self.lab.install()
        sup = self.start()
        self.lab.wait_running("v0.1.0")
        self.ask("reload")
        sup.wait_err("event=took-over")
        cli.wait_until(lambda: sup.err.count("event=supervising") == 2, what="its start")
        sup.send(signal.SIGHUP)
        cli.wait_until(lambda: any("hangup" in line[0] for line in self.lab.lines()), what="a signal")
        sup.send(signal.SIGUSR2)
        self.assertEqual(sup.wait(), 9)

    def test_one_that_would_not_is_left_alone(self):
        self.lab.install()
        sup = self.start()
        self.lab.wait_running("v0.1.0")
        for text, why in (("#!/bin/sh\nexit 2\n", "ended with 2"), ("#!/bin/sh\nexit 0\n", "ended with 0"),
                          ("#!/bin/sh\necho gwtool takes over\nexit 1\n", "ended with 1")):
            self.write(text)
            self.assert_error(self.ask("reload", code=2), 2, "would not take over: it " + why)
            sup.wait_err("event=replacement-refused .*%s" % why)
        s = self.status()
        self.assertIn("would not take over", s["last_error"])
        self.assertIn("ended with 1", s["gwtool"]["refused"]["message"])
        # nor one that would end at its start, and the service with it
        self.copy(cli.GWTOOL)
        state = os.path.join(self.lab.state, "state.json")
        with open(state, "w") as f:
            f.write('{"version": 99}')
        self.ask("reload", code=2)
        sup.wait_err("event=replacement-refused .*ended with 2(.|\n)*ended with 2")
        sup.wait_err("the state file is of a later gwtool")
        os.chmod(self.program, 0o777)
        self.assert_error(self.ask("reload", code=2), 2, "not ours alone to write")
        os.unlink(self.program)
        self.ask("reload", code=1)
        self.assertEqual(len(self.lab.lines()), 1)
        self.assertEqual(sup.stop(), 5)

    def test_an_update_that_begins_while_it_is_asked(self):
        """Another try helps, and the exit code says so."""
        self.lab.install()
        self.lab.release("v0.1.1")
        sup = self.start()
        self.lab.wait_running("v0.1.0")
        asked, go = self.path("asked"), self.path("go")
        self.write("#!/bin/sh\ntouch %s\nwhile ! test -e %s; do sleep 0.01; done\necho gwtool takes over\n" % (asked, go))
        self.lab.service.hold = threading.Event()
        self.addCleanup(self.lab.service.hold.set)
        reload = self.background([cli.GWTOOL, "supervise", "reload", "--dir", self.lab.state])
        cli.wait_until(lambda: os.path.exists(asked), what="the question")
        self.ask("update", "v0.1.1")
        self.assertEqual(self.status()["state"], "fetching")
        self.file("go", "")
        self.assertEqual(reload.wait(), 3, reload.err)
        self.assertIn("busy: fetching", reload.err)
        self.assertNotIn("log", reload.err)
        self.lab.service.hold.set()
        sup.wait_err("event=updated version=v0.1.1")
        cli.wait_until(lambda: self.status()["state"] == "running", what="the end of the update")
        self.assertNotIn("last_error", self.status())
        self.copy(cli.GWTOOL)
        self.ask("reload")
        sup.wait_err("event=took-over")
        self.assertEqual(sup.err.count("event=took-over"), 1)
        self.assertEqual(sup.stop(), 5)

    def test_one_that_is_gone_once_it_was_asked(self):
        self.lab.install()
        sup = self.start()
        self.lab.wait_running("v0.1.0")
        self.write("#!/bin/sh\nrm %s\necho gwtool takes over\n" % self.program)
        r = self.ask("reload", code=1)
        self.assert_error(r, 1, "running %s" % self.program)
        self.assertNotIn("log", r.err.replace(self.program, "").replace(self.lab.state, ""))
        self.assertEqual(self.status()["gwtool"]["refused"]["kind"], "io")
        self.assertEqual((len(self.lab.lines()), sup.stop()), (1, 5))

    def test_a_new_one_on_the_disk_is_taken_once(self):
        self.lab.install()
        sup = self.start()
        self.lab.wait_running("v0.1.0")
        self.ask("check")
        sup.wait_err("event=checked")
        self.assertNotIn("event=replac", sup.err)
        self.write("#!/bin/sh\necho asked >> %s\nexit 1\n" % self.path("asked"))
        for n in (2, 3):
            self.ask("check")
            cli.wait_until(lambda: sup.err.count("event=checked") == n, what="a look")
        sup.wait_err("event=replacement-refused")
        self.copy(cli.GWTOOL)
        self.ask("check")
        sup.wait_err("event=took-over")
        cli.wait_until(lambda: sup.err.count("event=supervising") == 2, what="its start")
        with open(self.path("asked")) as f:
            self.assertEqual(f.read(), "asked\n")
        with open(os.path.join(self.lab.state, "state.json")) as f:
            self.assertTrue(json.load(f)["tried_program"])
        self.assertEqual(sup.stop(), 5)

    def test_a_configuration_that_is_wrong(self):
        self.lab.install()
        config = self.file("supervise.toml", "[supervise]\nstop-timeout = \"5s\"\n")
        sup = self.background([self.program, "supervise", "--config", config, *self.lab.options(), self.lab.link],
                              env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=supervising")
        self.lab.wait_running("v0.1.0")
        self.file("supervise.toml", "[supervise]\nready = \"tcp:127.0.0.1\"\n")
        r = self.ask("reload", code=2)
        self.assert_error(r, 2, "would not take over: it ended with 2", "supervisor's log")
        self.assertIn("no port", sup.err)
        # mended, it is forgotten
        self.file("supervise.toml", "[supervise]\nready = \"tcp:127.0.0.1:1\"\n")
        self.ask("reload")
        self.assertNotIn("refused", self.status()["gwtool"])
        self.assertEqual((sup.err.count("event=took-over"), len(self.lab.lines())), (1, 1))
        self.assertEqual(sup.stop(), 5)

    def test_where_the_page_was_nothing_stays(self):
        self.lab.install()
        config = self.path("supervise.toml")

        def say(*lines):
            with open(config, "w") as f:
                f.write("\n".join(["[supervise]", *lines, ""]))
        first, second = self.path("first"), self.path("second")
        say('admin-listen = "unix:%s"' % first)
        sup = self.background([self.program, "supervise", "--config", config, *self.lab.options(),
                               self.lab.link], env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=page .*first")
        self.assertTrue(os.path.exists(first))
        # another place, then the same again, then none
        for n, (lines, there) in enumerate(((['admin-listen = "unix:%s"' % second], [second]),
                                            (['admin-listen = "unix:%s"' % second], [second]), ([], []))):
            say(*lines)
            self.ask("reload")
            cli.wait_until(lambda n=n: sup.err.count("event=supervising") == n + 2, what="its start")
            self.status()
            self.assertEqual([path for path in (first, second) if os.path.exists(path)], there)
        self.lab.wait_running("v0.1.0")
        self.assertEqual(sup.stop(), 5)

    def test_what_nobody_left(self):
        self.lab.install()
        for changes, why in (({"GWTOOL_HANDOVER_CHECK": "1"}, "no supervisor to take the place of"),
                             ({"GWTOOL_HANDOVER": "x"}, "not a descriptor"),
                             ({"GWTOOL_HANDOVER": "0"}, "not what a supervisor of this gwtool leaves")):
            r = cli.run([cli.GWTOOL, "supervise", *self.lab.options(), self.lab.link],
                        env=self.lab.env(**changes), input="{}")
            self.assertNotEqual(r.code, 0)
            self.assertIn("gwtool: error: ", r.err)
        self.assertEqual(self.lab.lines(), [])


if __name__ == "__main__":
    cli.main()
