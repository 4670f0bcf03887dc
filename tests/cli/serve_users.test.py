#!/usr/bin/env python3
"""follow-tlog and serve-dns as two users: what speaks HTTP cannot read the zone's key, and what answers
strangers cannot change the database. As the manual's AS SERVICES sets them up."""

import os
import re
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import serve
from serve import HOST, MOX, ZONE

GROUP, FOLLOWER, SERVER = 61300, 61301, 61302


@unittest.skipUnless(os.getuid() == 0, "changes the user")
class TwoUsers(serve.TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.db = self.path("gwtool", "tlog.db")
        self.key = self.path("gwtool-serve", "key.private")
        for path, user, mode in ((self.db, FOLLOWER, 0o750), (self.key, SERVER, 0o750)):
            directory = os.path.dirname(path)
            os.mkdir(directory)
            os.chown(directory, user, GROUP)
            os.chmod(directory, mode)
        self.log = self.log_dir()
        for base, _, files in os.walk(self.log):
            os.chmod(base, 0o755)
        self.assert_run(self.as_user(SERVER, "serve-dns", "key", "new", "--zone", ZONE, "--key", self.key))

    def command(self, user, *args):
        return ["setpriv", "--reuid=%d" % user, "--regid=%d" % GROUP, "--clear-groups", "--no-new-privs",
                cli.GWTOOL, *args]

    def as_user(self, user, *args):
        return cli.run(self.command(user, *args), umask=0o027)

    def follow_args(self, *more):
        return ("follow-tlog", "--db", self.db, "--source", self.log, "--log-key", self.log_key(), *more)

    def start_server(self):
        server = self.background(self.command(
            SERVER, "serve-dns", "--db", self.db, "--zone", ZONE, "--key", self.key, "--ns",
            "ns1.%s=%s" % (ZONE, HOST), "--listen", HOST + ":0", "--status-socket",
            os.path.join(os.path.dirname(self.key), "status.sock")), umask=0o027)
        server.wait_err("event=ready")
        self.port = int(re.search(r"event=listening address=\S*:(\d+)", server.err).group(1))
        return server

    def newest(self):
        reply = serve.ask_udp(self.port, serve.query(MOX, "TXT"))
        r = serve.Message(reply)
        return [record.text for record in r.of(r.answer, "TXT")]

    def test_each_does_its_part(self):
        # Either may start first, and both again.
        server = self.start_server()
        self.assert_run(self.as_user(FOLLOWER, *self.follow_args("--once")), 0)
        self.assertEqual(server.stop(), 0)
        server = self.start_server()  # while nobody follows
        self.assertIn("v=v0.0.14 ", self.newest()[0])
        self.log_dir("latest")
        follower = self.background(self.command(FOLLOWER, *self.follow_args()), umask=0o027)
        cli.wait_until(lambda: "v=v0.0.15 " in self.newest()[0], what="the new version")
        self.assertEqual(server.stop(), 0)
        server = self.start_server()  # while somebody does
        self.assertIn("v=v0.0.15 ", self.newest()[0])
        self.assertEqual(follower.stop(signal.SIGTERM), 0)
        self.assertIn("v=v0.0.15 ", self.newest()[0])
        r = self.as_user(SERVER, "follow-tlog", "--db", self.db, "--status", "--json")
        self.assertIn(r.code, (0, 3), r)  # however old the replica's head is
        self.assertEqual(r.json["position"], 7458, r)
        self.assertEqual(server.stop(), 0)

    def test_neither_can_do_the_others(self):
        self.assert_run(self.as_user(FOLLOWER, *self.follow_args("--once")), 0)
        r = self.as_user(FOLLOWER, "serve-dns", "key", "ds", "--zone", ZONE, "--key", self.key)
        self.assertEqual(r.code, 1, r)
        self.assertIn("Permission denied", r.err)
        with open(self.db, "rb") as f:
            before = f.read()
        r = self.as_user(SERVER, *self.follow_args("--once"))
        self.assertNotEqual(r.code, 0)
        with open(self.db, "rb") as f:
            self.assertEqual(f.read(), before)


if __name__ == "__main__":
    cli.main()
