#!/usr/bin/env python3
"""serve-dns as a daemon: updates while serving, reload, end, restart, status, metrics, bad input."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import sqlite3
import sys
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import serve
from serve import MOX, ZONE

V0 = ".v0." + ZONE


class Updates(serve.TestCase):
    def test_new_records_within_a_second(self):
        server = self.serve("--metrics", "127.0.0.1:0")
        self.assertIn("v=v0.0.14 ", server.txt(MOX)[0])
        self.assertEqual(server.txt("toolchain" + V0), [])
        self.assertEqual(server.metric("gwtool_serve_zone_serial"), 5000)
        t = server.txt(MOX)[0][-8:]
        self.follow(server.db, "latest")
        committed = time.monotonic()
        cli.wait_until(lambda: "v=v0.0.15 " in server.txt(MOX)[0], what="the new version")
        self.assertLess(time.monotonic() - committed, 1.0 * cli.SLOWNESS)
        cli.wait_until(lambda: server.metric("gwtool_serve_zone_serial") == 7458, what="the serial")
        self.assertIn("k=cur", server.txt("toolchain" + V0)[0])
        self.assertGreaterEqual(server.txt(MOX)[0][-8:], t)
        # An answer that did not change keeps its discovery time.
        out = self.delv(server, MOX, "TXT")
        self.assertIn("fully validated", out)
        status = server.status()
        self.assertEqual(status["zones"][0]["serial"], 7458)
        self.assertEqual(status["log"]["position"], 7458)
        self.assertEqual(server.stop(), 0)

    def test_queries_never_fail_while_updating(self):
        server = self.serve()
        self.follow(server.db, "latest")
        seen = set()
        deadline = time.monotonic() + 30 * cli.SLOWNESS
        while "v=v0.0.15" not in seen and time.monotonic() < deadline:
            r = server.ask(MOX, "TXT", dnssec=True)
            self.assertEqual(r.rcode, 0)
            seen.add(r.answer[0].text.split()[0])
        self.assertLessEqual({"v=v0.0.15"}, seen)
        self.assertLessEqual(seen, {"v=v0.0.14", "v=v0.0.15"})

    def test_first_run(self):
        # A log that cannot be read to its end leaves the follower's first run incomplete.
        log = self.log_dir()
        tile = os.path.join(log, "tile", "8", "data", "010")
        os.rename(tile, tile + ".away")
        server = self.serve("--metrics", "127.0.0.1:0", "--follow", "--source", log, "--log-key",
                            self.log_key(), "--interval", "10s", head=None)
        r = server.ask(MOX, "TXT", edns=True)
        self.assertEqual(r.rcode, 2)
        self.assertEqual(r.ede, [14])
        self.assertEqual(server.ask("example.com").rcode, 5)
        self.assertEqual(server.metric("gwtool_serve_ready"), 0)
        self.assertFalse(server.status()["zones"][0]["ready"])
        os.rename(tile + ".away", tile)
        cli.wait_until(lambda: server.ask(MOX, "TXT").rcode == 0, 60, "the zone")
        self.assertIn("v=v0.0.14 ", server.txt(MOX)[0])
        self.assertEqual(server.metric("gwtool_serve_ready"), 1)
        self.assertEqual(server.metric("gwtool_serve_following"), 1)
        self.assertEqual(server.status()["following"], "running")
        self.assertEqual(server.stop(), 0)

    def test_no_database_yet(self):
        # A service that starts before the follower's first run: it waits, and says so.
        server = self.serve("--metrics", "127.0.0.1:0", head=None, db=self.path("later"))
        r = server.ask(MOX, "TXT", edns=True)
        self.assertEqual(r.rcode, 2)
        self.assertEqual(r.ede, [14])
        self.assertIn("waiting_for_database", server.err)
        self.assertFalse(server.status()["zones"][0]["ready"])
        self.follow(self.path("later"))
        cli.wait_until(lambda: server.ask(MOX, "TXT").rcode == 0, 60, "the zone")
        self.assertIn("v=v0.0.14 ", server.txt(MOX)[0])
        self.assertEqual(server.stop(), 0)


class Running(serve.TestCase):
    def test_reload_key(self):
        server = self.serve()
        tag = server.status()["zones"][0]["key"]["tag"]
        with open(server.key) as f:
            first = f.read()
        with open(server.key, "w") as f:
            f.write("broken")
        server.send(signal.SIGHUP)
        server.wait_err("event=reload_failed.*keeping the old key")
        self.assertEqual(server.status()["zones"][0]["key"]["tag"], tag)
        self.assertIn("fully validated", self.delv(server, MOX, "TXT"))
        with open(server.key, "w") as f:
            f.write(first)
        server.send(signal.SIGHUP)
        server.wait_err("event=reloaded .*changed=0")
        serial = server.status()["zones"][0]["serial"]
        for name in (server.key, server.key + ".key"):
            os.remove(name)
        ds = self.gwtool("serve-dns", "key", "new", "--zone", ZONE, "--key", server.key).out.strip()
        server.send(signal.SIGHUP)
        server.wait_err("event=reloaded .*changed=1")
        self.assertIn("fully validated", self.delv(server, MOX, "TXT"))
        status = server.status()["zones"][0]
        self.assertEqual(status["key"]["ds"], ds)
        self.assertEqual(status["serial"], serial + 1)
        self.assertEqual(server.stop(), 0)

    def test_sigterm_answers_what_is_in_flight(self):
        server = self.serve("--workers", "1")
        for attempt in range(5):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u, \
                    socket.create_connection((serve.HOST, server.port)) as t:
                u.settimeout(10 * cli.SLOWNESS)
                t.settimeout(10 * cli.SLOWNESS)
                message = serve.query(MOX, "TXT", dnssec=True)
                server.send(signal.SIGSTOP)  # so that everything is in flight at once
                for i in range(20):
                    u.sendto(message, (serve.HOST, server.port))
                t.sendall(serve.framed(message) * 20)
                server.send(signal.SIGTERM)
                server.send(signal.SIGCONT)
                for i in range(20):
                    self.assertEqual(serve.Message(u.recv(4096)).rcode, 0)
                    self.assertEqual(serve.Message(serve.read_tcp(t)).rcode, 0)
                self.assertEqual(t.recv(1), b"")
            self.assertEqual(server.wait(), 0)
            self.assert_missing(server.db + ".serve-dns.sock")
            self.assertIn("event=stopped", server.err)
            server = serve.Server(server.db, server.key, "--workers", "1")
            self.addCleanup(server.kill)

    def test_kill_and_restart(self):
        server = self.serve()
        port = server.port
        for _ in range(3):
            server.kill()
            self.assertTrue(os.path.exists(server.db + ".serve-dns.sock"))  # left behind, replaced
            server = serve.Server(server.db, server.key, listen=["127.0.0.1:%d" % port])
            self.addCleanup(server.kill)
            self.assertEqual(server.txt(MOX)[0][:9], "v=v0.0.14")
            self.assertEqual(server.status()["zones"][0]["serial"], 5000)
        self.assertEqual(server.stop(), 0)

    def test_the_serial_is_kept(self):
        server = self.serve()
        self.assertEqual(server.stop(), 0)
        for args, serial in ((("--ttl", "60"), 5001), (("--ttl", "60"), 5001), ((), 5002)):
            server = serve.Server(server.db, server.key, *args)
            self.addCleanup(server.kill)
            soa = server.ask(ZONE, "SOA").answer[0]
            self.assertEqual(int.from_bytes(soa.rdata[-20:-16], "big"), serial)
            self.assertEqual(server.stop(), 0)
        self.file("zone.key.serial", "nonsense\n")
        r = self.start_error()
        self.assert_error(r, 1, "zone.key.serial: not a zone's serial number", "hint: ")

    def start_error(self, *args, **changes):
        options = {"--db": self.path("db"), "--zone": ZONE, "--key": self.path("zone.key"),
                   "--ns": "ns1.%s=127.0.0.1" % ZONE, "--listen": "127.0.0.1:0"}
        options.update({"--" + k: v for k, v in changes.items()})
        flat = [x for k, v in options.items() if v is not None for x in (k, str(v))]
        return self.gwtool("serve-dns", *flat, *args, timeout=20)

    def test_second_instance(self):
        server = self.serve()
        self.assert_error(self.start_error(listen="127.0.0.1:%d" % server.port), 2,
                          "127.0.0.1:%d" % server.port, "Address already in use")
        self.assert_error(self.start_error(listen="0.0.0.0:%d" % server.port), 2, "in use")
        # On another address, but with the same status socket.
        self.assert_error(self.start_error(), 2, "another server answers there", "--status-socket")
        self.assertIn("v=v0.0.14", server.txt(MOX)[0])
        second = serve.Server(server.db, server.key, "--status-socket", self.path("s2"))
        self.addCleanup(second.kill)
        r = self.gwtool("serve-dns", "status", "--status-socket", self.path("s2"), "--json")
        self.assertEqual(r.json["pid"], second.pid)
        self.assertEqual(server.status()["pid"], server.pid)

    def test_somebody_else_has_the_port(self):
        self.serve().stop()
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as s:
                s.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    s.listen()
                self.assert_error(self.start_error(listen="127.0.0.1:%d" % s.getsockname()[1]), 2,
                                  "in use")

    def test_bad_input(self):
        self.follow(self.path("db"))
        self.make_key()
        other_zone_key = self.make_key("other.key", "example.net")
        text = self.file("text", "this is a text, not a database, and not a key either\n" * 20)
        damaged = self.path("damaged")
        shutil.copy(self.path("db"), damaged)
        with contextlib.closing(sqlite3.connect(damaged)) as c:
            c.execute("UPDATE log SET modules = -1")
            c.commit()
        for changes, code, texts in (
                ({"db": text}, 2, [text]),
                ({"db": damaged}, 1, [damaged, "modules in 5000 records"]),
                ({"db": self.path("none", "db")}, 1, ["no database", "gwtool follow-tlog"]),
                ({"key": self.path("nokey")}, 2, ["does not exist", "serve-dns key new --zone " + ZONE]),
                ({"key": text}, 2, [text]),
                ({"key": other_zone_key}, 2, ["example.net", "not " + ZONE]),
                ({"key": self.dir}, 2, [self.dir]),
                ({"zone": "a..b"}, 2, ["--zone"]),
                ({"zone": "."}, 2, ["--zone", "root"]),
                ({"zone": ".".join(["x" * 60] * 4)}, 2, ["--zone"]),
                ({"zone": None}, 2, ["--zone"]),
                ({"ns": None}, 2, ["--ns"]),
                ({"ns": "ns1." + ZONE}, 2, ["ns1." + ZONE, "address"]),
                ({"ns": "ns.example.net=192.0.2.1"}, 2, ["outside the zone"]),
                ({"ns": "ns.v0.%s=192.0.2.1" % ZONE}, 2, ["names of modules"]),
                ({"ns": "ns1.%s=192.0.2.300" % ZONE}, 2, ["192.0.2.300"]),
                ({"listen": "localhost:53"}, 2, ["localhost"]),
                ({"listen": "127.0.0.1:99999"}, 2, ["127.0.0.1:99999"]),
                ({"listen": "192.0.2.1:0"}, 2, ["192.0.2.1", "no such address"]),
                ({"metrics": "nowhere"}, 2, ["nowhere"]),
                ({"rname": "a@b@c..d"}, 2, []),
                ({"rname": "a@b@c"}, 2, ["more than one @"]),
                ({"ttl": "0"}, 2, ["--ttl"]),
                ({"ttl": "1000000"}, 2, ["--ttl"]),
                ({"id": "x" * 256}, 2, ["--id"]),
                ({"user": "nosuchuser"}, 2, ["nosuchuser"]),
                ({"rate-limit": "many"}, 2, ["--rate-limit"]),
                ({"status-socket": self.path("x" * 120)}, 2, ["--status-socket"]),
                ({"status-socket": text}, 2, ["is no socket"])):
            with self.subTest(changes):
                r = self.start_error(**changes)
                self.assert_error(r, code, *texts)
                self.assert_missing(self.path("none"), self.path("nokey"),
                                    self.path("db.serve-dns.sock"), self.path("zone.key.serial"))

    def test_partial(self):
        r = self.gwtool("follow-tlog", "--once", "--db", "db", "--source", self.log_dir(), "--log-key",
                        self.log_key(), "--from", "1024")
        self.assert_run(r, 0)
        self.make_key()
        self.assert_error(self.start_error(), 2, "begins with record 1024", "--partial")
        server = self.serve("--partial", head=None, key=self.path("zone.key"))
        self.assertIn("v=v0.0.14 ", server.txt(MOX)[0])

    def test_clock_behind_the_newest_head(self):
        db = self.path("db")
        self.follow(db)
        with contextlib.closing(sqlite3.connect(db)) as c:
            c.execute("UPDATE head SET accepted_at = accepted_at + 86400")
            c.commit()
        server = self.serve("--metrics", "127.0.0.1:0", head=None, db=db)
        server.wait_err("level=error event=clock_behind")
        r = server.ask(MOX, "TXT", dnssec=True)
        self.assertEqual((r.rcode, r.ede), (2, [14]))
        self.assertIn(b"the clock is behind the log's newest signed head", r.opt.rdata)
        self.assertEqual(server.ask(MOX, "TXT").rcode, 0)
        self.assertGreater(server.metric("gwtool_serve_clock_behind_total"), 0)
        # Nobody who asks is told that all is well.
        port = int(re.search(r"event=metrics address=\S*:(\d+)", server.err).group(1))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen("http://127.0.0.1:%d/healthz" % port, timeout=10)
        self.assertEqual(refused.exception.code, 503)
        self.assertIn(b"the clock is behind", refused.exception.read())
        self.assertTrue(server.status()["clock_behind"])
        self.assertFalse(server.status()["zones"][0]["ready"])
        with contextlib.closing(sqlite3.connect(db)) as c:
            c.execute("UPDATE head SET accepted_at = accepted_at - 86400")
            c.commit()
        server.stop()
        again = serve.Server(server.db, server.key)
        self.addCleanup(again.kill)
        self.assertEqual(again.ask(MOX, "TXT", dnssec=True).rcode, 0)

    def test_status(self):
        self.assert_error(self.gwtool("serve-dns", "status", "--db", "nothing"), 3, "no server answers")
        self.assert_error(self.gwtool("serve-dns", "status"), 2, "--db or --status-socket")
        server = self.serve()
        r = self.gwtool("serve-dns", "status", "--db", server.db)
        self.assert_run(r, 0, err="")
        ds = self.gwtool("serve-dns", "key", "ds", "--zone", ZONE, "--key", server.key).out.strip()
        for text in ("name: l.example.org.", "serial: 5000", "ds: " + ds, "head_size: 5000",
                     "listen: 127.0.0.1:%d" % server.port, "ready: true"):
            self.assertIn(text, r.out)
        status = server.status()
        self.assertEqual(status["zones"][0]["key"]["algorithm"], 13)
        self.assertLess(status["log"]["head_age_seconds"], 600)

    def test_service_manager(self):
        path = self.path("notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            s.settimeout(20 * cli.SLOWNESS)
            env = cli.clean_env(NOTIFY_SOCKET=path, WATCHDOG_USEC="2000000")
            server = self.serve(env=env)
            said = s.recv(4096).decode()
            self.assertIn("READY=1", said)
            cli.wait_until(lambda: b"WATCHDOG=1" in s.recv(4096), what="the watchdog")
            server.stop()
            cli.wait_until(lambda: b"STOPPING=1" in s.recv(4096), what="stopping")

    def test_metrics_and_health(self):
        server = self.serve("--metrics", "127.0.0.1:0", "--metrics-name", "dns.example.org")
        before = server.metric('gwtool_serve_answers_total{kind="positive"}')
        server.txt(MOX)
        self.assertEqual(server.metric('gwtool_serve_answers_total{kind="positive"}'), before + 1)
        self.assertGreater(server.metric('gwtool_serve_names{kind="all"}'), 1000)
        self.assertEqual(server.metric("gwtool_build_info"), 1)
        # No page of somebody else's reads it by a name of its own.
        at = re.search(r"event=metrics address=(\S+)", server.err).group(1)
        for host, status in (("dns.example.org:80", 200), ("localhost", 200), (at, 200),
                             ("rebind.example", 421)):
            for path in ("/metrics", "/healthz"):
                client = http.client.HTTPConnection(at, timeout=20 * cli.SLOWNESS)
                client.request("GET", path, headers={"Host": host})
                self.assertEqual(client.getresponse().status, status, host)
                client.close()

    @unittest.skipUnless(os.getuid() == 0, "changes the user")
    def test_user(self):
        db = self.path("db")
        self.follow(db)
        key = self.make_key()
        for path in os.listdir(self.dir):
            os.chown(self.path(path), 65534, 65534)
        os.chown(self.dir, 65534, 65534)
        server = self.serve("--user", "nobody", head=None, db=db, key=key)
        self.assertIn("v=v0.0.14 ", server.txt(MOX)[0])
        with open("/proc/%d/status" % server.pid) as f:
            self.assertRegex(f.read(), r"Uid:\s+65534\s+65534\s+65534\s+65534")
        # It leaves no core with its keys, and is nobody's to trace: what is told of it is root's.
        with open("/proc/%d/limits" % server.pid) as f:
            self.assertRegex(f.read(), r"Max core file size\s+0\s+0\s")
        self.assertEqual(os.stat("/proc/%d/environ" % server.pid).st_uid, 0)
        self.assertEqual(os.stat(db + ".serve-dns.sock").st_uid, 65534)
        server.send(signal.SIGHUP)
        server.wait_err("event=reloaded")
        self.follow(db, "latest")
        cli.wait_until(lambda: "v=v0.0.15 " in server.txt(MOX)[0], what="the new version")
        self.assertEqual(server.stop(), 0)
        self.assert_missing(db + ".serve-dns.sock")

    @unittest.skipUnless(os.getuid() == 0, "changes the user")
    def test_user_who_lacks_what_serving_needs(self):
        """Refused at the start, before the serial changes, rather than found out at a reload."""
        db = self.path("db")
        self.follow(db)
        os.chmod(db, 0o644)
        key = self.make_key()
        os.chmod(self.dir, 0o755)

        def refused(*texts):
            r = self.gwtool("serve-dns", "--db", db, "--zone", ZONE, "--key", key, "--user", "nobody",
                            "--ns", "ns1.%s=%s" % (ZONE, serve.HOST), "--listen", serve.HOST + ":0")
            self.assert_error(r, 2, "user nobody may not", *texts)
            self.assert_missing(key + ".serial")

        refused("read %s, the zone's signing key" % key)
        os.chown(key, 65534, -1)
        refused("write to %s, where the zone's serial number is kept" % self.dir)
        keys = self.path("keys")
        os.mkdir(keys)
        for name in (key, key + ".key"):
            os.rename(name, os.path.join(keys, os.path.basename(name)))
        os.chown(keys, 65534, -1)
        key = os.path.join(keys, os.path.basename(key))
        refused("which SQLite needs even to read the database")
        os.chmod(db, 0o600)
        refused("read %s, the database" % db)


if __name__ == "__main__":
    cli.main()
