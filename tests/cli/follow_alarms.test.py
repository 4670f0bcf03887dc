#!/usr/bin/env python3
"""follow-tlog when a log contradicts itself, or shows others something else: what is printed, kept
and run, what every later start does, and what ends an alarm."""

import base64
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import follow_case
import http_fixture
from follow_case import logtool


class Alarm(follow_case.TestCase):
    def halt(self, *more, **kwargs):
        """A database that halted at a fork of record 2000; returns the run, the log and its key."""
        log, key = self.synth(3000)
        self.key = key
        self.assert_run(self.follow(log, key, "--once"), code=0)
        other = self.fork(log, 2000, 1500)
        return self.follow(other, key, "--once", *more, **kwargs), log, other, key

    @unittest.skipUnless(os.getuid() == 0, "changes owners")
    def test_root_in_a_directory_of_somebody_else(self):
        """The command of the hint, as root, beside files that the service's user made."""
        _, log, _, key = self.halt()
        outside = tempfile.mkdtemp(prefix="gwtool-test-")
        self.addCleanup(shutil.rmtree, outside)
        victim = os.path.join(outside, "victim")
        with open(victim, "w") as f:
            f.write("root's own\n")
        for directory, _, files in os.walk(self.dir):
            os.chmod(directory, 0o755)
            for path in [directory] + [os.path.join(directory, f) for f in files]:
                os.chown(path, 65534, 65534)
        os.remove(self.db + ".lock")
        os.symlink(victim, self.db + ".lock")
        clear = ["follow-tlog", "--db", self.db, "--clear-alarm"]
        self.assert_error(self.gwtool(*clear), 2, "lock: a link")
        with open(victim) as f:
            self.assertEqual(f.read(), "root's own\n")
        os.remove(self.db + ".lock")
        self.assert_run(self.gwtool(*clear), code=0)
        # What it makes is the user's, so that the service goes on.
        for name in os.listdir(self.dir):
            self.assertEqual(os.stat(self.path(name)).st_uid, 65534, name)
        self.assert_run(self.follow(log, key, "--once"), code=0)

    def check_text(self, text, log, other):
        """The evidence as printed: notes verbatim, both roots, the tiles, and where all of it is."""
        [name] = self.alarms()
        evidence = self.evidence(name)
        lines = text.splitlines()
        start = lines.index("alarm: the signed head of 3000 records is no prefix of the signed head "
                            "of 3500 records")
        printed = "\n".join(lines[start:]) + "\n"
        for directory in (log, other):
            with open(os.path.join(directory, "latest")) as f:
                self.assertIn(":\n" + f.read(), printed)
        roots = evidence["roots"]
        self.assertIn("root of the first 3000 records\n  as signed or held  %s\n"
                      "  as found now       %s\n" % (roots["claimed"], roots["recomputed"]), printed)
        self.check_evidence(name, "proven: sum.synth.test signed two histories")
        self.assertTrue(evidence["tiles"])
        for tile in evidence["tiles"]:
            self.assertIn("\n%s: " % tile["path"], printed)
        self.assertIn("\nall of it is in %s\n" % self.path(name), printed)

    def check_evidence(self, name, text):
        verify = ["follow-tlog", "--verify-evidence", self.path(name), "--log-key", self.key]
        self.assert_out(self.gwtool(*verify), 0, text)
        self.assertTrue(self.gwtool(*verify, "--json").json["proof"])

    def test_evidence_that_shows_nothing(self):
        r, *_ = self.halt()
        [name] = self.alarms()
        evidence = self.evidence(name)

        def verify(change, key=None):
            document = json.loads(json.dumps(evidence))
            change(document)
            with open(self.path("changed"), "w") as f:
                json.dump(document, f)
            return self.gwtool("follow-tlog", "--verify-evidence", self.path("changed"),
                               "--log-key", key or self.key)
        self.assert_out(verify(lambda d: None), 0, "proven: ")
        self.assert_error(verify(lambda d: d["notes"].pop()), 4, "does not show")
        self.assert_error(verify(lambda d: d.pop("tiles")), 4, "does not show")
        self.assert_error(verify(lambda d: d["tiles"][0].update(bytes="AAAA")), 4, "does not show")
        self.assert_error(verify(lambda d: d["notes"][0].update(note="x")), 4, "signed note")
        self.assert_error(verify(lambda d: d.pop("notes")), 2, "no signed head")
        self.assert_error(verify(lambda d: None, self.replica_key()[1]), 2, "about the key")
        r = self.gwtool("follow-tlog", "--verify-evidence", __file__)
        self.assert_error(r, 2, "not a file of evidence")
        self.assert_error(self.gwtool("follow-tlog"), 2, "needs --db FILE")

    def test_evidence_is_printed_line_by_line(self):
        for quiet in ([], ["-q"]):
            with self.subTest(quiet):
                r, log, other, key = self.halt(*quiet)
                self.assert_run(r, code=4, out="")
                self.check_text(r.err, log, other)
                # Told once.
                self.assertEqual(r.err.count("error: "), 1, str(r))
                self.assertNotIn("level=", r.err)
                for name in os.listdir(self.dir):
                    path = self.path(name)
                    shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)

    def test_evidence_is_printed_by_a_daemon_too(self):
        log, key = self.synth(3000)
        self.assert_run(self.follow(log, key, "--once"), code=0)
        other = self.fork(log, 2000, 1500)
        self.key = key
        p = self.background([cli.GWTOOL, "-q", "follow-tlog", "--db", self.db, "--log-key", key,
                             "--source", other])
        self.assertEqual(p.wait(), 4, p)
        self.check_text(p.err, log, other)

    def test_evidence_is_whole_where_it_cannot_be_saved(self):
        # With so long a name there is room for the database's other files but not for the alarm's.
        self.db = self.path("d" * 240)
        r, log, other, key = self.halt()
        self.assert_run(r, code=4, err_has=["saving the evidence", "name too long"])
        self.assertEqual(self.alarms(), [])
        for directory in (log, other):
            with open(os.path.join(directory, "latest")) as f:
                self.assertIn(f.read(), r.err)
        with open(os.path.join(other, "tile/8/1/000.p/13"), "rb") as f:
            tile = base64.b64encode(f.read()).decode()
        self.assertIn("\ntile/8/1/000.p/13: 416 bytes, sha256 ", r.err)
        self.assertIn("\n  base64 %s\n" % tile, r.err)
        self.assertEqual(self.status().code, 4)

    def test_every_alarm_in_a_file_of_its_own(self):
        r, log, other, key = self.halt()
        first = self.alarms()
        with open(self.path(first[0])) as f:
            text = f.read()
        self.assert_run(self.gwtool("follow-tlog", "--db", self.db, "--clear-alarm"), code=0)
        self.assert_run(self.follow(other, key, "--once"), code=4)
        self.assertEqual(len(self.alarms()), 2)
        self.assertTrue(set(first) < set(self.alarms()))
        with open(self.path(first[0])) as f:
            self.assertEqual(f.read(), text)

    def test_records_are_printed_with_their_proofs(self):
        log = self.path("log")
        logtool("append", log, text="example.com/a v1.0.0\nexample.com/b v1.0.0\n"
                "example.com/c v1.0.0\nexample.com/a v1.0.0 other\n")
        r = self.follow(log, logtool("key", log).strip(), "--once", "-q")
        self.assert_run(r, code=4, out="")
        [name] = self.alarms()
        [pair] = self.evidence(name)["records"]
        self.assertEqual([pair[k]["number"] for k in ("first", "second")], [0, 3])
        for record in pair.values():
            self.assertEqual(len(record["inclusion_proof"]), 2)
            self.assertIn("record %d:\n%s  inclusion proof %s\n" % (
                record["number"], record["text"], " ".join(record["inclusion_proof"])), r.err)
        with open(os.path.join(log, "latest")) as f:
            self.assertIn("signed head, head:\n" + f.read(), r.err)

    def test_what_the_command_prints_is_no_data(self):
        r, *_ = self.halt("--on-alarm", "cat; echo told; : ", "--json", input="not for it")
        self.assert_run(r, code=4, err_has=["\ntold\n"])
        self.assertEqual(list(json.loads(r.out)), ["error"])
        self.assertNotIn("not for it", r.err)

    def test_the_command_gets_the_path(self):
        seen = self.path("seen")
        r, *_ = self.halt("--on-alarm", "printf '%s\\n' >" + seen)
        self.assert_run(r, code=4)
        [name] = self.alarms()
        with open(seen) as f:
            self.assertEqual(f.read(), self.path(name) + "\n")

    def test_the_path_is_good_from_everywhere(self):
        self.db = "db"  # below the working directory
        seen = self.path("seen")
        r, *_ = self.halt("--on-alarm", "cd / && cat >%s" % seen)
        [name] = self.alarms()
        self.assert_run(r, code=4, err_has=["evidence: " + self.path(name)])
        with open(seen) as f:
            self.assertEqual(json.load(f)["kind"], "fork")
        self.db = self.path("db")
        self.assert_out(self.status(cwd="/"), 4, "evidence: " + self.path(name))

    def test_an_alarm_goes_before_an_interruption(self):
        for number in ("INT", "TERM"):
            with self.subTest(number):
                self.db = self.path("db-" + number)
                r, *_ = self.halt("--on-alarm", "kill -%s $PPID; :" % number)
                self.assert_run(r, code=4, err_has=["no prefix"])
                self.assertEqual(self.status().code, 4)
        # As it is without an alarm.
        log, key = self.synth(3000)
        with http_fixture.HttpFixture({"/": log}) as web:
            web.rule("/latest", delay=600)
            for once, number, code in ((["--once"], signal.SIGINT, 130),
                                       (["--once"], signal.SIGTERM, 130), ([], signal.SIGINT, 0),
                                       ([], signal.SIGTERM, 0)):
                with self.subTest(once=once, number=number):
                    before = web.count("/latest")
                    p = self.background([cli.GWTOOL, "follow-tlog", "--db", self.path("new"),
                                         "--log-key", key, "--source", web.url, *once])
                    cli.wait_until(lambda: web.count("/latest") > before)
                    self.assertEqual(p.stop(number), code, p)
        self.assert_missing(self.path("new"))

    def test_an_alarm_goes_before_an_end_of_the_loop(self):
        log, key = self.synth(3000)
        self.assert_run(self.follow(log, key, "--once"), code=0)
        other = self.fork(log, 2000, 1500)
        r = self.follow(other, key, "--on-alarm", "kill -TERM $PPID; :")
        self.assert_run(r, code=4, err_has=["no prefix"])

    def test_clearing_with_the_key_of_another_log(self):
        r, log, other, key = self.halt()
        replica, other_key = self.replica_key()
        before = self.snapshot()
        clear = ["follow-tlog", "--db", self.db, "--clear-alarm"]
        r = self.gwtool(*clear, "--log-key", other_key)
        self.assert_error(r, 2, "sum.synth.test", "sum.replica.test")
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.status().code, 4)
        # Its own key, and a second time.
        self.assert_run(self.gwtool(*clear, "--log-key", key), code=0, out="", err_has="cleared")
        self.assert_run(self.gwtool(*clear), code=0, out="", err_has="there is no alarm")
        self.assert_run(self.follow(log, key, "--once"), code=0)

    def test_clearing_nothing(self):
        self.assert_error(self.gwtool("follow-tlog", "--db", self.db, "--clear-alarm"), 1,
                          "no database there")
        self.assertEqual(os.listdir(self.dir), [])

    def replica_key(self):
        with open(os.path.join(follow_case.REPLICA, "key.pub")) as f:
            return follow_case.REPLICA, f.read().strip()

    def snapshot(self):
        out = {}
        for name in os.listdir(self.dir):
            if os.path.isfile(self.path(name)) and not name.endswith(("-shm", ".lock")):
                with open(self.path(name), "rb") as f:
                    out[name] = f.read()
        return out


class SplitView(follow_case.TestCase):
    """The log shows us one history and a peer another one, under the same key."""

    def setUp(self):
        super().setUp()
        self.log, self.key = self.synth(3000)
        self.other = self.fork(self.log, 2000, 1500)  # 3500 records
        self.peer = os.path.join(self.other, "latest")

    def compare(self):
        return self.follow(self.log, self.key, "--once", "--compare-latest", self.peer)

    def check_alarm(self, kind, r):
        self.assert_run(r, code=4, out="")
        [name] = self.alarms()
        evidence = self.evidence(name)
        self.assertEqual(evidence["kind"], kind)
        with open(self.peer) as f:
            self.assertIn(f.read(), [n["note"] for n in evidence["notes"]])
        self.assertEqual(self.status().code, 4)
        # Every later start ends at once and names the evidence.
        for more in (["--once"], []):
            r = self.follow(self.log, self.key, *more)
            self.assert_error(r, 4, name, "--clear-alarm")
        self.assert_run(self.gwtool("follow-tlog", "--db", self.db, "--clear-alarm"), code=0)
        logtool("synth", self.log, 5000)
        self.assert_run(self.follow(self.log, self.key, "--once"), code=0)
        self.assert_out(self.status(), 0, "status: current", "position: 5000")
        # The peer's head is still there: comparing with it is an alarm again.
        self.assert_run(self.compare(), code=4)

    def test_seen_once_our_view_has_grown_past_it(self):
        # The log does not give the tiles of the larger head: that alone is what lagging looks like.
        self.assert_run(self.compare(), code=0, err_has=["head of another not compared"])
        self.assert_out(self.status(), 0, "position: 3000")
        logtool("synth", self.log, 4000)
        self.check_alarm("fork", self.compare())

    def test_seen_at_the_same_size(self):
        logtool("synth", self.log, 3500)
        self.check_alarm("equal-size", self.compare())

    def test_seen_by_the_tiles_of_the_larger_head(self):
        # Our view is held back; the tiles at the peer's size are those of our history.
        shutil.copy(os.path.join(self.log, "latest"), self.path("held-back"))
        logtool("synth", self.log, 3500)
        shutil.copy(self.path("held-back"), os.path.join(self.log, "latest"))
        r = self.compare()
        self.assert_run(r, code=4, out="", err_has=["does not hash right: "])
        [name] = self.alarms()
        self.assertEqual(self.status("--json").json["alarm"]["kind"], "bad-tile")

    def test_a_pipe_keeps_nobody_waiting(self):
        os.mkfifo(self.path("pipe"))
        r = self.follow(self.log, self.key, "--once", "--compare-latest", self.path("pipe"),
                        timeout=10)
        self.assert_run(r, code=0, err_has=["head of another not compared", "a pipe"])

    def test_by_http(self):
        logtool("synth", self.log, 4000)
        with http_fixture.HttpFixture({"/peer": self.other}) as web:
            # Schemes have no case.
            url = web.url.replace("http", "HTTP", 1)
            self.peer_url = url.replace("://", "://me:secret@") + "/peer/latest"
            r = self.follow(self.log, self.key, "--once", "--compare-latest", self.peer_url)
        self.assert_run(r, code=4, err_has=["signed head, from %s/peer/latest:" % url])
        self.assertNotIn("secret", r.err)
        with open(self.path(self.alarms()[0])) as f:
            self.assertNotIn("secret", f.read())


class Credentials(follow_case.TestCase):
    """User names and passwords in URLs are for the server alone."""

    def assert_hidden(self, r, *has):
        for word in ("s3cret", "mallory"):
            self.assertNotIn(word, r.out + r.err, str(r))
        for word in has:
            self.assertIn(word, r.err, str(r))

    def test_in_every_option(self):
        log, key = self.synth(3000)
        base = ["follow-tlog", "--log-key", key, "--db", self.db, "--once", "-v"]
        dead = "http://mallory:s3cret@127.0.0.1:1/x"
        for option in ("--source", "--proxy"):
            for url, code in ((dead, 3), ("http://mallory:s3cret@", 2),
                              ("http://mallory:s3cret@a b/", 2), ("mallory:s3cret@http://x/", 2),
                              ("http://mallory:s3cret@127.0.0.1:99999/", 2),
                              ("ftp://mallory:s3cret@127.0.0.1/", 2)):
                with self.subTest(option=option, url=url):
                    r = self.gwtool(*base, option, url)
                    self.assert_hidden(r, "gwtool: error: ")
                    self.assertEqual(r.code, code, str(r))
        for option in ("--submit-latest", "--compare-latest"):
            r = self.gwtool(*base, "--source", log, option, dead)
            self.assert_run(r, code=0)
            self.assert_hidden(r, "127.0.0.1:1/x")
            for url in ("http://mallory:s3cret@", "mallory:s3cret@127.0.0.1/x",
                        "mallory:s3cret@http://x/"):
                r = self.gwtool(*base, "--source", log, option, url)
                if "://" in url or option == "--submit-latest":  # else a file's name
                    self.assertEqual(r.code, 2, str(r))
                    self.assert_hidden(r, option)
        r = self.gwtool(*base, "--source", log, "--submit-latest", "http://127.0.0.1:1/other")
        self.assert_hidden(r, "never posted", "to=http://127.0.0.1:1/x")

    def test_from_a_server(self):
        log, key = self.synth(3000)
        with http_fixture.HttpFixture({"/log": log}, posts=["/heads"]) as web:
            url = web.url.replace("://", "://mallory:s3cret@")
            for status in (None, 401, 500):
                web.clear()
                if status:
                    web.rule("*", status=status)
                r = self.gwtool("follow-tlog", "--log-key", key, "--db", self.db, "--once", "-v",
                                "--source", url + "/log", "--submit-latest", url + "/heads",
                                "--compare-latest", url + "/log/latest")
                self.assertEqual(r.code, 3 if status else 0, str(r))
                self.assert_hidden(r)
                self.assertEqual(web.requests[0].headers.get("Authorization"),
                                 "Basic bWFsbG9yeTpzM2NyZXQ=")


class Watchdog(follow_case.TestCase):
    def test_is_fed_while_a_server_never_answers(self):
        log, key = self.synth(3000)
        path = self.path("notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, \
                http_fixture.HttpFixture({"/": log}) as web:
            s.bind(path)
            s.settimeout(30 * cli.SLOWNESS)

            def fed(times):
                seen = b""
                while seen.count(b"WATCHDOG=1") < times:
                    seen += s.recv(4096)
            for pattern in ("/latest", "/tile/*", "/heads"):
                with self.subTest(pattern):
                    web.clear()
                    web.rule(pattern, delay=600)
                    p = self.background([cli.GWTOOL, "follow-tlog", "--db", self.path("db"),
                                         "--log-key", key, "--source", web.url, "--submit-latest",
                                         web.url + "/heads"],
                                        env=cli.clean_env(NOTIFY_SOCKET=path,
                                                          WATCHDOG_USEC="100000"))
                    cli.wait_until(lambda: web.count(pattern) > 0, what=pattern)
                    fed(20)  # at least a second
                    self.assertEqual(p.stop(), 0, p)


if __name__ == "__main__":
    cli.main()
