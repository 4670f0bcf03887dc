"""follow-tlog as an operator meets it: the real binary on the replica and on logs that misbehave."""

import json
import os
import socket
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import follow_case
import http_fixture
from follow_case import logtool


def read(path):
    with open(path, "rb") as f:
        return f.read()


def contents(db):
    """What two databases of the same records have in common, however they got there."""
    c = sqlite3.connect(db)
    rows = c.execute("SELECT path, latest FROM module ORDER BY path").fetchall()
    chunks = c.execute("SELECT path, first, data FROM version JOIN module ON module = id "
                       "ORDER BY path, first").fetchall()
    state = c.execute("SELECT position, frontier, tail, modules, duplicates, irregular, target "
                      "FROM log").fetchall()
    level1 = c.execute("SELECT n, hashes FROM level1 ORDER BY n").fetchall()
    check = c.execute("PRAGMA integrity_check").fetchall()
    c.close()
    # Where a module's versions are cut into chunks depends on the batches; the versions do not.
    versions = {}
    for path, _, data in chunks:
        upper = data[0]
        versions[path] = versions.get(path, b"") + data[1 + upper:]
    return rows, versions, state, level1, check


class Replica(follow_case.TestCase):
    def test_both_heads(self):
        log, key = self.replica("latest.first")
        r = self.follow(log, key, "--once")
        self.assert_run(r, code=0, out="", err="")
        r = self.status("--json")
        self.assertEqual(r.code, 0)
        s = json.loads(r.out)
        self.assertEqual((s["status"], s["position"], s["head"]["size"], s["modules"]),
                         ("current", 5000, 5000, 821))
        self.replica("latest")
        r = self.follow(log, key, "--once", "--json")
        self.assertEqual(r.code, 0, r.err)
        self.assertEqual(json.loads(r.out)["records"], 2458)
        c = sqlite3.connect(self.db)
        self.assertEqual(c.execute("SELECT latest FROM module WHERE path = 'github.com/mjl-/mox'")
                         .fetchone(), ("v0.0.15=5807",))
        c.close()
        # Nothing new: nothing said, nothing changed.
        self.assert_run(self.follow(log, key, "--once"), code=0, out="", err="")

    def test_over_http_and_proxy(self):
        log, key = self.replica()
        want = None
        for fixture, option in ((http_fixture.HttpFixture({"/log": log}), "--source"),
                                (http_fixture.HttpFixture.proxy("sum.replica.test", log),
                                 "--proxy")):
            with fixture as web:
                self.db += "-" + option.strip("-")
                url = web.url + ("/log" if option == "--source" else "")
                r = self.gwtool("follow-tlog", "--db", self.db, "--log-key", key, "--once", option,
                                url)
                self.assert_run(r, code=0, out="", err="")
                have = contents(self.db)
                self.assertTrue(want is None or want == have)
                want = have

    def test_keep_records(self):
        log, key = self.replica()
        self.assertEqual(self.follow(log, key, "--once", "--keep", "records").code, 0)
        r = self.follow(log, key, "--once", "--keep", "versions")
        self.assert_run(r, code=2, err_has=["keeps records, not versions"])
        # Not given: what the database has.
        self.assertEqual(self.follow(log, key, "--once").code, 0)

    def test_partial(self):
        log, key = self.replica()
        for start, first in (("tip", 7424), ("6000", 5888), ("0", 0)):
            self.db = os.path.join(self.dir, "db-" + start)
            self.assertEqual(self.follow(log, key, "--once", "--from", start).code, 0)
            s = json.loads(self.status("--json").out)
            self.assertEqual((s["first_record"], s["partial"], s["position"]),
                             (first, first > 0, 7458))


class Status(follow_case.TestCase):
    def test_exit_codes(self):
        r = self.status()
        self.assert_run(r, code=1, err_has=["no database there", "hint"])
        log, key = self.synth(3000)
        self.assertEqual(self.follow(log, key, "--once").code, 0)
        self.assert_out(self.status(), 0, "status: current", "position: 3000")
        c = sqlite3.connect(self.db)
        c.execute("UPDATE head SET accepted_at = accepted_at - 7 * 3600")
        c.commit()
        c.close()
        self.assert_out(self.status(), 1, "status: behind", "420 minutes old")
        self.assert_out(self.status("--max-age", "8h"), 0, "status: current")
        # For cron: only trouble is printed, and JSON always.
        self.assert_out(self.status("-q"), 1, "status: behind")
        self.assert_run(self.status("-q", "--max-age", "8h"), 0, out="", err="")
        self.assertEqual(self.status("-q", "--json", "--max-age", "8h").json["status"], "current")

    def test_a_reader_who_may_not_write(self):
        log, key = self.synth(300)
        self.assertEqual(self.follow(log, key, "--once").code, 0)
        self.assertEqual(os.stat(self.db).st_mode & 0o777, 0o640)
        os.chmod(self.dir, 0o555)
        self.addCleanup(os.chmod, self.dir, 0o755)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        status = lambda: cli.run([*(nobody if os.geteuid() == 0 else []), cli.GWTOOL, "follow-tlog",
                                  "--db", self.db, "--status"])
        if os.geteuid() == 0:
            self.assert_error(status(), 1, "Permission denied")
        # Whoever may read the three files needs no more, though nothing has them open.
        for end in ("", "-wal", "-shm"):
            os.chmod(self.db + end, 0o444)
        self.assert_out(status(), 0, "status: current")
        os.chmod(self.dir, 0o755)
        for end in ("-wal", "-shm"):
            os.remove(self.db + end)
        os.chmod(self.dir, 0o555)
        self.assert_error(status(), 1, "readonly database", "gwtool: hint: ", "-shm")

    def test_what_the_follower_has_given_up(self):
        log, key = self.synth(300)
        self.assertEqual(self.follow(log, key, "--once").code, 0)
        self.assertNotIn("follower", self.status("--json").json)  # its lock file is still there
        follower = self.background([cli.GWTOOL, "follow-tlog", "--db", self.db, "--log-key", key,
                                    "--source", log])
        cli.wait_until(lambda: "follower" in self.status("--json").json, what="the follower")
        cli.wait_until(lambda: self.status("--json").json["follower"]["no_new_privs"], what="confinement")
        told = self.status("--json").json["follower"]
        self.assertEqual(told["pid"], follower.pid)
        with open("/proc/%d/status" % follower.pid) as f:
            kernel = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
        self.assertEqual(told["seccomp"], kernel["Seccomp"] == "2")
        self.assertEqual(told["bounding_set_empty"], int(kernel["CapBnd"], 16) == 0)
        self.assertIn("follower: process %d, no_new_privs on, " % follower.pid, self.status().out)
        self.assertEqual(follower.stop(), 0)
        self.assertNotIn("follower", self.status("--json").json)

    def test_halted(self):
        log, key = self.synth(3000)
        self.assertEqual(self.follow(log, key, "--once").code, 0)
        fork = os.path.join(self.dir, "fork")
        logtool("fork", log, fork, 2000)
        logtool("append", fork, text="".join("example.com/x v1.0.%d\n" % i for i in range(1500)))
        seen = os.path.join(self.dir, "seen")
        r = self.follow(fork, key, "--once", "--on-alarm", "cp -t %s" % self.dir + " ; touch " +
                        seen + "; echo")
        self.assertEqual(r.code, 4)
        self.assertIn("no prefix", r.err)
        self.assertIn("go.sum database tree", r.err)  # the evidence is printed, notes and all
        self.assertTrue(os.path.exists(seen))
        files = [f for f in os.listdir(self.dir) if f.startswith("db.alarm-")]
        self.assertEqual(len(files), 1)
        evidence = self.evidence(files[0])
        self.assertEqual(evidence["kind"], "fork")
        self.assertEqual(len(evidence["notes"]), 2)
        self.assertIn(files[0], r.err)
        before = contents(self.db)
        # Halted: every later start ends at once, without asking the log.
        r = self.follow(os.path.join(self.dir, "log"), key, "--once")
        self.assert_run(r, code=4, err_has=[files[0], "--clear-alarm"])
        r = self.follow(log, key)
        self.assert_run(r, code=4, err_has=[files[0]])
        self.assert_out(self.status(), 4, "status: halted", files[0])
        self.assertEqual(contents(self.db), before)
        self.assert_run(self.gwtool("follow-tlog", "--db", self.db, "--clear-alarm"), code=0,
                        err_has=["cleared"])
        self.assertEqual(self.follow(log, key, "--once").code, 0)
        self.assertEqual(self.status().code, 0)


class Misbehaviour(follow_case.TestCase):
    def test_duplicate(self):
        log = os.path.join(self.dir, "log")
        logtool("append", log, text="example.com/a v1.0.0\nexample.com/a v1.0.1\nraw odd one\\n\n")
        key = logtool("key", log).strip()
        r = self.follow(log, key, "--once")
        self.assertEqual(r.code, 0, r.err)
        self.assertIn("irregular", r.err)
        logtool("append", log, text="example.com/a v1.0.1\n")
        r = self.follow(log, key, "--once")
        self.assertEqual(r.code, 0, r.err)
        self.assertIn("duplicate record", r.err)
        logtool("append", log, text="example.com/a v1.0.0 other\n")
        r = self.follow(log, key, "--once")
        self.assert_run(r, code=4, err_has=["example.com/a@v1.0.0", "twice", "records 0 and 4"])
        self.assertEqual(json.loads(self.status("--json").out)["position"], 4)
        self.assertEqual(self.gwtool("follow-tlog", "--db", self.db, "--clear-alarm").code, 0)
        self.assertEqual(self.follow(log, key, "--once").code, 0)
        s = json.loads(self.status("--json").out)
        self.assertEqual((s["position"], s["conflicts"], s["duplicates"], s["irregular"]),
                         (5, 1, 1, 1))

    def test_framings(self):
        want = None
        for style in ("separated", "terminated", "numbered"):
            log = os.path.join(self.dir, style)
            os.makedirs(log)
            logtool("style", log, style)
            logtool("synth", log, 3000)
            self.db = os.path.join(self.dir, "db-" + style)
            r = self.follow(log, logtool("key", log).strip(), "--once")
            self.assertEqual(r.code, 0, r.err)
            have = contents(self.db)
            self.assertTrue(want is None or want == have)
            want = have

    def test_server_faults(self):
        log, key = self.synth(30000)
        with http_fixture.HttpFixture({"/": log}) as web:
            web.rule("/tile/8/data/100*", status=503)
            self.assert_run(self.follow(web.url, key, "--once"), code=3, err_has=["503"])
            self.assert_out(self.status(), 1, "status: behind")
            self.assertGreater(web.count("/tile/8/data/100"), 2)
            web.clear()
            # Once in a while something goes wrong on the way: that is tried again.
            web.rule("/tile/8/data/101", truncate=100, times=1)
            web.rule("/tile/8/data/102", close=True, times=1)
            web.rule("/tile/8/data/103", corrupt=50, times=1)
            self.assert_run(self.follow(web.url, key, "--once"), code=0)
            self.assert_out(self.status(), 0, "position: 30000")


class Losses(follow_case.TestCase):
    """A server that answers one request in ten wrongly: hardly more is asked of it."""

    without = None  # requests when nothing is lost

    def setUp(self):
        super().setUp()
        self.log, self.key = self.synth(70000)
        if self.without is None:
            with http_fixture.HttpFixture({"/": self.log}) as web:
                self.assert_run(self.follow(web.url, self.key, "--once"), code=0)
                type(self).without = web.count("*")
            self.db = self.path("second")

    def check(self, **rule):
        with http_fixture.HttpFixture({"/": self.log}) as web:
            for n in range(0, 270, 10):
                web.rule("/tile/8/data/%03d" % n, times=1, **rule)
            web.rule("/tile/8/1/000", times=1, **rule)
            self.assert_run(self.follow(web.url, self.key, "--once"), code=0)
            self.assertGreaterEqual(web.count("*"), self.without + 28)
            self.assertLessEqual(web.count("*"), 1.3 * self.without)
        self.assert_out(self.status(), 0, "status: current", "position: 70000")

    def test_that_fails(self):
        self.check(status=503)

    def test_that_cuts_off(self):
        self.check(truncate=100)

    def test_that_flips_a_byte(self):
        self.check(corrupt=60)


class Terminal(follow_case.TestCase):
    def on_terminal(self, *args, **env):
        """The exit code and what a terminal shows: each line as it is rewritten, in a list."""
        code, text = cli.on_terminal([cli.GWTOOL, *args], cli.clean_env(**env))
        return code, [line.split("\r\x1b[K") for line in text.split("\r\n")]

    def test_progress_is_a_line_that_goes_away(self):
        log, key = self.synth(100000)
        args = ["follow-tlog", "--log-key", key, "--source", log, "--once", "--db"]
        code, [line] = self.on_terminal(*args, self.db)
        self.assertEqual(code, 0)
        self.assertEqual((line[0], line[-1]), ("", ""))
        for text in line[1:-1]:
            self.assertRegex(text, r"^\d+ of 100000 records(, \d+/s(, (\d+h)?(\d+m)?\d+s left)?)?$")
        for more, env in ((["-q"], {}), ([], {"NO_COLOR": "1"})):
            code, lines = self.on_terminal(*args, self.path("db-" + "".join(more)), *more, **env)
            self.assertEqual((code, lines), (0, [[""]]))

    def test_what_is_said_meanwhile_has_a_line_of_its_own(self):
        log, key = self.synth(100000)
        os.remove(os.path.join(log, "tile/8/data/300"))
        code, lines = self.on_terminal("follow-tlog", "--db", self.db, "--log-key", key, "--source",
                                       log, "--once", "-v")
        self.assertEqual(code, 3)
        shown = [line[-1] for line in lines]
        self.assertEqual(shown.pop(), "")
        self.assertTrue(any("trying again" in text for text in shown))
        # A one-shot command speaks in messages.
        for text in shown:
            self.assertRegex(text, "^gwtool: ")
        self.assertEqual({text for text in shown if "warning: " in text}, {
            "gwtool: \x1b[33mwarning: \x1b[0mtrying again: reason=\"tile/8/data/300: "
            "%s/tile/8/data/300: no such file\"" % log})


class BadInput(follow_case.TestCase):
    def test_table(self):
        log, key = self.synth(300)
        other = os.path.join(self.dir, "other.db")
        sqlite3.connect(other).execute("CREATE TABLE t(x)").connection.close()
        text = os.path.join(self.dir, "text.db")
        with open(text, "w") as f:
            f.write("not a database at all\n" * 100)
        empty = os.path.join(self.dir, "empty")
        os.makedirs(empty)
        bad_key = key[:-4] + "AAAA"
        cases = [
            # changed arguments, exit code, words of the message
            ({"--log-key": "nonsense"}, 2, ["--log-key"]),
            ({"--log-key": bad_key}, 2, ["--log-key"]),
            ({"--db": other}, 2, ["another program"]),
            ({"--db": text}, 2, ["not an SQLite database"]),
            ({"--db": os.path.join(self.dir, "no", "such", "dir")}, 1, ["no/such/dir"]),
            ({"--db": "/proc/gwtool.db"}, 1, ["/proc/gwtool.db"]),
            ({"--source": os.path.join(self.dir, "missing")}, 2, ["missing"]),
            ({"--source": "ftp://example.com/"}, 2, ["URL"]),
            ({"--source": "http://"}, 2, ["URL"]),
            ({"--source": empty}, 3, ["latest"]),
            ({"--source": "http://127.0.0.1:1"}, 3, ["127.0.0.1"]),
            ({"--from": "yesterday"}, 2, ["--from"]),
            ({"--from": "301"}, 2, ["301", "300"]),
            ({"--keep": "everything"}, 2, ["--keep"]),
            ({"--interval": "0s"}, 2, ["--interval"]),
            ({"--interval": "soon"}, 2, ["--interval"]),
            ({"--submit-latest": "example.com"}, 2, ["--submit-latest"]),
            ({"--compare-latest": "gopher://x/"}, 2, ["--compare-latest"]),
            ({"--proxy": "http://127.0.0.1:1"}, 2, ["exclude each other"]),
            ({"--source": None, "--proxy": "proxy.example"}, 2, ["--proxy: bad URL"]),
            ({"--source": None, "--proxy": "http://a.test,ftp://b.test"}, 2, ["--proxy: bad URL"]),
            ({"--source": None, "--proxy": ","}, 2, ["--proxy: "]),
        ]
        for change, code, words in cases:
            with self.subTest(change=change):
                args = {"--db": self.db, "--log-key": key, "--source": log, **change}
                flat = [x for k, v in args.items() if v is not None for x in (k, v)]
                before = {p: read(p) for p in (other, text)}
                r = self.gwtool("follow-tlog", "--once", *flat)
                self.assertEqual(r.code, code, r.err)
                self.assertEqual(r.out, "")
                self.assertIn("gwtool: error: ", r.err)
                for word in words:
                    self.assertIn(word, r.err)
                # Nothing half-written: no database, and files of others as they were.
                self.assertFalse(os.path.exists(self.db))
                for p, data in before.items():
                    self.assertEqual(read(p), data)
        self.assert_run(self.gwtool("follow-tlog", "--once"), code=2, err_has=["--db"])
        self.assert_run(self.gwtool("follow-tlog", "--db", self.db, "--once", "--status"), code=2,
                        err_has=["exclude each other"])

    def test_wrong_note(self):
        log, key = self.synth(300)
        stranger = os.path.join(self.dir, "stranger")
        os.makedirs(stranger)
        with open(os.path.join(stranger, "name"), "w") as f:
            f.write("sum.stranger.test\n")
        logtool("synth", stranger, 300)
        r = self.follow(stranger, key, "--once")
        self.assert_run(r, code=4, err_has=["latest", "no signature by", "sum.synth.test"])
        self.assertFalse(os.path.exists(self.db))

    def test_another_log(self):
        log, key = self.synth(300)
        self.assertEqual(self.follow(log, key, "--once").code, 0)
        replica, other_key = self.replica()
        before = contents(self.db)
        r = self.follow(replica, other_key, "--once")
        self.assert_run(r, code=2, err_has=["sum.synth.test", "sum.replica.test"])
        self.assertEqual(contents(self.db), before)

    def test_newer_schema(self):
        log, key = self.synth(300)
        self.assertEqual(self.follow(log, key, "--once").code, 0)
        c = sqlite3.connect(self.db)
        c.execute("PRAGMA user_version = 99")
        c.close()
        self.assert_run(self.follow(log, key, "--once"), code=2, err_has=["version 99"])
        self.assert_run(self.status(), code=2, err_has=["version 99"])


class Daemon(follow_case.TestCase):
    def start(self, log, key, *more):
        return self.background([cli.GWTOOL, "follow-tlog", "--db", self.db, "--log-key", key,
                                "--source", log, *more])

    def position(self):
        r = self.status("--json")
        return json.loads(r.out).get("position", -1)

    def test_loop_second_follower_and_sigterm(self):
        log, key = self.synth(3000)
        p = self.start(log, key, "--interval", "1s")
        cli.wait_until(lambda: self.position() == 3000)
        self.assert_run(self.follow(log, key, "--once"), code=3, err_has=[str(p.pid)])
        logtool("synth", log, 3500)
        cli.wait_until(lambda: self.position() == 3500)
        self.assertEqual(p.stop(), 0, p)
        self.assertEqual(p.out, "")
        self.assertIn('event="new head"', p.err)
        self.assertEqual(self.follow(log, key, "--once").code, 0)

    def test_service_manager(self):
        log, key = self.synth(3000)
        path = self.path("notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            s.settimeout(30 * cli.SLOWNESS)
            p = self.background([cli.GWTOOL, "follow-tlog", "--db", self.db, "--log-key", key,
                                 "--source", log],
                                env=cli.clean_env(NOTIFY_SOCKET=path, WATCHDOG_USEC="200000"))
            seen = b""
            while not (b"READY=1" in seen and b"STATUS=3000 of 3000" in seen and
                       seen.count(b"WATCHDOG=1") > 2):
                seen += s.recv(4096) + b"\n"
            self.assertEqual(p.stop(), 0)
            while b"STOPPING=1" not in seen:
                seen += s.recv(4096)

    def test_kill_at_any_moment(self):
        log, key = self.synth(60000)
        clean = self.path("clean")
        self.assertEqual(self.gwtool("follow-tlog", "--db", clean, "--log-key", key, "--source",
                                     log, "--once").code, 0)
        want = contents(clean)
        kills = 0
        delay = 0.004
        # Killed ever later, until a run comes to its end.
        while True:
            p = subprocess.Popen([cli.GWTOOL, "follow-tlog", "--db", self.db, "--log-key", key,
                                  "--source", log, "--once"], env=cli.clean_env(),
                                 stderr=subprocess.PIPE)
            try:
                _, err = p.communicate(timeout=delay)
                self.assertEqual(p.returncode, 0, err)
                break
            except subprocess.TimeoutExpired:
                p.kill()
                p.communicate()
                kills += 1
                delay *= 1.1
                self.assertLess(kills, 120)
        self.assertGreater(kills, 3)
        self.assertEqual(contents(self.db), want)

    def test_kill_while_it_grows(self):
        log, key = self.synth(2000)
        for size in range(2000, 12000, 1000):
            logtool("synth", log, size)
            p = self.start(log, key, "--interval", "1s")
            if size % 3000 == 0:
                cli.wait_until(lambda: self.position() == size)
            else:
                cli.wait_until(lambda: os.path.exists(self.db))
            p.kill()
        self.assertEqual(self.follow(log, key, "--once").code, 0)
        clean = self.path("clean")
        self.assertEqual(self.gwtool("follow-tlog", "--db", clean, "--log-key", key, "--source",
                                     log, "--once").code, 0)
        self.assertEqual(contents(self.db), contents(clean))

    def test_gossip(self):
        log, key = self.synth(3000)
        # The address is down: the post stays, whatever becomes of the process.
        address = ["--submit-latest", "http://127.0.0.1:1/heads"]
        p = self.start(log, key, "--interval", "1s", *address)
        cli.wait_until(lambda: self.position() == 3000)
        p.kill()
        self.assertEqual(json.loads(self.status("--json").out)["posts_pending"], 1)
        r = self.follow(log, key, "--once", *address)
        self.assert_run(r, code=0, err_has=["head not posted"])
        # It comes up: the head that waited, and each new one.
        with http_fixture.HttpFixture(posts=["/heads"]) as web:
            waiting = self.path("waiting")
            self.db, db = waiting, self.db
            self.assertEqual(self.follow(log, key, "--once", "--submit-latest",
                                         web.url + "/heads").code, 0)
            logtool("synth", log, 3100)
            web.rule("/heads", status=500, times=1)
            r = self.follow(log, key, "--once", "--submit-latest", web.url + "/heads")
            self.assert_run(r, code=0, err_has=["500"])
            self.assertEqual(self.follow(log, key, "--once", "--submit-latest",
                                         web.url + "/heads").code, 0)
            heads = [logtool("sign", log, n).encode() for n in (3000, 3100, 3100)]
            self.assertEqual(web.bodies("/heads"), heads)
            self.db = db
        self.assertEqual(self.follow(log, key, "--once").code, 0)
        # A peer saw the same head, an older one, and one of another history.
        peer = self.file("peer", logtool("sign", log, 3100))
        self.assertEqual(self.follow(log, key, "--once", "--compare-latest", peer).code, 0)
        self.file("peer", logtool("sign", log, 2000))
        self.assertEqual(self.follow(log, key, "--once", "--compare-latest", peer).code, 0)
        self.file("peer", logtool("sign", log, 2000, "00" * 32))
        r = self.follow(log, key, "--once", "--compare-latest", peer)
        self.assert_run(r, code=4, err_has=["no prefix", peer])


if __name__ == "__main__":
    cli.main()
