#!/usr/bin/env python3
"""serve-dns --follow: one process that follows and serves, and what a bad log does to it."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import serve
from serve import MOX, ZONE


class Follow(serve.TestCase):
    def follow_args(self, head="latest.first"):
        return ["--follow", "--source", self.log_dir(head), "--log-key", self.log_key(), "--interval",
                "10s"]

    def test_follows_and_serves(self):
        server = self.serve(*self.follow_args(), head=None)
        cli.wait_until(lambda: server.txt(MOX), what="the first head")
        self.assertIn("v=v0.0.14 ", server.txt(MOX)[0])
        self.log_dir("latest")
        cli.wait_until(lambda: "v=v0.0.15 " in server.txt(MOX)[0], 60, "the second head")
        self.assertIn("fully validated", self.delv(server, MOX, "TXT"))
        self.assertEqual(server.stop(), 0)
        r = self.gwtool("follow-tlog", "--db", server.db, "--status")
        self.assert_run(r, 0)

    def test_a_second_follower(self):
        server = self.serve(*self.follow_args(), head=None)
        cli.wait_until(lambda: server.txt(MOX), what="the first head")
        r = self.gwtool("follow-tlog", "--once", "--db", server.db, "--source", self.log_dir(),
                        "--log-key", self.log_key())
        self.assert_error(r, 3, str(server.pid))
        key = self.make_key("other.key")
        r = self.gwtool("serve-dns", "--db", server.db, "--zone", ZONE, "--key", key, "--ns",
                        "ns.example.net", "--listen", "127.0.0.1:0", "--status-socket",
                        self.path("other"), *self.follow_args())
        self.assert_error(r, 3, str(server.pid))
        # To serve only, beside it, is no problem.
        second = serve.Server(server.db, key, "--status-socket", self.path("other"))
        self.addCleanup(second.kill)
        self.assertIn("v=v0.0.14 ", second.txt(MOX)[0])

    def logtool(self, *args):
        return serve.tool(os.path.join(cli.BUILD, "tests", "gw_logtool"), *args).strip()

    def test_a_security_error_ends_the_following_only(self):
        log, fork, source = self.path("good"), self.path("fork"), self.path("source")
        key = self.logtool("key", log)
        self.logtool("synth", log, 1000)
        os.symlink(log, source)
        args = ["--follow", "--source", source, "--log-key", key, "--interval", "10s", "--metrics",
                "127.0.0.1:0"]
        server = self.serve(*args, head=None)
        cli.wait_until(lambda: server.status()["zones"][0]["ready"], what="the first head")
        serial = server.status()["zones"][0]["serial"]
        self.assertEqual(server.metric("gwtool_serve_following"), 1)
        # The log tells another history, signed with its key.
        self.logtool("fork", log, fork, 500)
        self.logtool("synth", fork, 1500, 7)
        os.symlink(fork, source + ".new")
        os.rename(source + ".new", source)
        server.wait_err("event=following_halted", 60)
        self.assertEqual(server.metric("gwtool_serve_following"), 0)
        status = server.status()
        self.assertTrue(status["following"].startswith("halted: "))
        cli.wait_until(lambda: server.status()["log"]["halted"], what="the alarm to be seen")
        # What was verified is served on, and a restart serves too but follows no more.
        self.assertEqual(server.status()["zones"][0]["serial"], serial)
        self.assertIn("fully validated", self.delv(server, ZONE, "SOA"))
        self.assertEqual(server.stop(), 0)
        again = serve.Server(server.db, server.key, *args)
        self.addCleanup(again.kill)
        self.assertTrue(again.status()["following"].startswith("halted: "))
        again.wait_err("event=following_halted")
        self.assertEqual(again.ask(ZONE, "SOA").rcode, 0)
        self.assertEqual(again.stop(), 0)
        self.assertEqual(self.gwtool("follow-tlog", "--db", server.db, "--status").code, 4)

    def test_bad_options(self):
        key = self.make_key()
        for args, code, text in ((["--log-key", "nonsense"], 2, "--log-key"),
                                 (["--source", "no/such/dir"], 2, "no/such/dir"),
                                 (["--source", "ftp://x/"], 2, "ftp://x/")):
            with self.subTest(args):
                r = self.gwtool("serve-dns", "--follow", "--db", "db", "--zone", ZONE, "--key", key,
                                "--ns", "ns.example.net", "--listen", "127.0.0.1:0", *args)
                self.assert_error(r, code, text)
                self.assert_missing(self.path("db"), self.path("db.serve-dns.sock"))


if __name__ == "__main__":
    cli.main()
