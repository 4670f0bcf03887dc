"""A supervised service and the service manager: sockets that are held while it is exchanged, readiness,
status and watchdog that pass through, and who the service runs as."""

import os
import pwd
import select
import shutil
import signal
import socket
import stat
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import supervise_lab


class Manager(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = supervise_lab.Lab(self.path("lab"), self.addCleanup)

    def start(self, *more, env=None):
        sup = self.background([cli.GWTOOL, "supervise", *self.lab.options(*more), self.lab.link],
                              env=self.lab.env(**(env or {})))
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=supervising")
        return sup

    def update(self, sup, version):
        self.gwtool("supervise", "update", version, "--dir", self.lab.state)
        sup.wait_err("event=updated version=%s" % version)


class Sockets(Manager):
    def test_no_connection_is_refused_during_an_update(self):
        self.lab.install("v0.1.6", "socket")
        self.lab.release("v0.1.7", "socket")
        sup = self.start("--listen", "127.0.0.1:0", "--ready", "notify")
        port = int(sup.wait_err(r"event=listening address=127.0.0.1:(\d+)").group(1))
        answers, errors, stop = [], [], threading.Event()

        def hammer():
            while not stop.is_set():
                try:
                    with socket.create_connection(("127.0.0.1", port), 20) as s:
                        answers.append(s.recv(100).decode())
                except OSError as e:
                    errors.append(e)
        threads = [threading.Thread(target=hammer) for _ in range(4)]
        for t in threads:
            t.start()
        cli.wait_until(lambda: len(answers) > 500, what="answers")
        self.update(sup, "v0.1.7")
        enough = len(answers) + 500
        cli.wait_until(lambda: len(answers) > enough, what="answers of the new one")
        stop.set()
        for t in threads:
            t.join()
        self.assertEqual(errors, [])
        self.assertEqual(set(answers), {"v0.1.6", "v0.1.7"})
        print("%d connections during an update, none refused" % len(answers), file=sys.stderr)
        env = [line[0] for line in self.lab.lines() if line[0].startswith("env:")]
        self.assertEqual(env, ["env:1,true,listen"] * 2)
        self.assertEqual(sup.stop(), 0)

    def test_the_file_of_a_socket_goes_with_who_made_it(self):
        self.lab.install("v0.1.6", "socket")
        path = self.path("held")
        program = self.path("gwtool")
        shutil.copy(cli.GWTOOL, program)
        for end in ("stop", "stop after a takeover", "another's"):
            sup = self.background([program, "supervise", *self.lab.options("--listen", "unix:" + path),
                                   self.lab.link], env=self.lab.env())
            sup.wait_err("event=supervising")
            self.lab.wait_running("v0.1.6")
            self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
            if "takeover" in end:
                self.assertEqual(self.gwtool("supervise", "reload", "--dir", self.lab.state).code, 0)
                cli.wait_until(lambda: sup.err.count("event=supervising") == 2, what="its start")
                self.assertTrue(os.path.exists(path))
            if "another" in end:
                os.unlink(path)
                other = socket.socket(socket.AF_UNIX)
                self.addCleanup(other.close)
                other.bind(path)
            self.assertEqual(sup.stop(), 0)
            self.assertEqual(os.path.exists(path), "another" in end, end)

    def test_nor_does_it_stay_where_no_service_starts(self):
        self.lab.install("v0.1.6", "socket")
        with open(self.lab.link, "r+b") as f:  # no program for this machine
            f.seek(18)
            f.write(b"\xff\xff")
        r = self.gwtool("supervise", *self.lab.options("--listen", "unix:" + self.path("held")), self.lab.link,
                        env=self.lab.env())
        self.assert_error(r, 1, "svc")
        self.assertFalse(os.path.exists(self.path("held")))
        # nor where a second one cannot be made
        r = self.gwtool("supervise", *self.lab.options("--listen", "unix:" + self.path("held"), "--listen",
                                                       "unix:" + self.path("none/held")), self.lab.link,
                        env=self.lab.env())
        self.assert_error(r, 1, "none/held")
        self.assertFalse(os.path.exists(self.path("held")))

    def answers(self, port):
        with socket.create_connection(("127.0.0.1", port), 20) as s:
            s.settimeout(20)
            return s.recv(100).decode()

    def test_a_new_one_beside_the_old_one(self):
        self.lab.install("v0.1.6", "socket")
        sup = self.start("--listen", "127.0.0.1:0", "--ready", "notify", "--overlap")
        port = int(sup.wait_err(r"event=listening address=127.0.0.1:(\d+)").group(1))
        cli.wait_until(lambda: self.answers(port) == "v0.1.6", what="an answer")
        old, = self.lab.running()
        # one that ends at once, or is never ready, costs nothing: the old one goes on
        self.lab.release("v0.1.2", "crash")
        self.gwtool("supervise", "update", "v0.1.2", "--dir", self.lab.state)
        sup.wait_err("event=rolled-back version=v0.1.2 .*ended with 7")
        self.assertEqual(self.lab.running(), {old: "v0.1.6"})
        self.assertEqual(os.readlink(self.lab.link) if os.path.islink(self.lab.link) else "", "")
        self.assertEqual(self.answers(port), "v0.1.6")
        # a good one answers before the old one is told to end, which then ends by itself
        self.lab.release("v0.1.7", "socket")
        self.update(sup, "v0.1.7")
        sup.wait_err("event=retired how=.*ended with 0")
        self.lab.wait_running("v0.1.7")
        self.assertEqual(self.answers(port), "v0.1.7")
        self.assertEqual(os.readlink(self.lab.link), self.lab.name("v0.1.7"))
        ready = sup.err.index("event=updated")
        self.assertLess(sup.err.index("event=started-beside"), ready)
        self.assertEqual(sup.stop(), 0)
        # and it is what starts the next time
        self.start("--listen", "127.0.0.1:%d" % port, "--ready", "notify", "--overlap")
        self.lab.wait_running("v0.1.7")

    def test_a_stop_while_both_run(self):
        self.lab.install("v0.1.6", "socket")
        self.lab.release("v0.1.7", "socket")
        sup = self.start("--listen", "127.0.0.1:0", "--ready", "exec:exit 1", "--ready-timeout", "1h",
                         "--overlap")
        self.gwtool("supervise", "update", "v0.1.7", "--dir", self.lab.state)
        sup.wait_err("event=started-beside")
        cli.wait_until(lambda: sorted(self.lab.running().values()) == ["v0.1.6", "v0.1.7"], what="both")
        self.assertEqual(sup.stop(), 0)
        self.assertEqual(self.lab.running(), {})
        for ready in ("tcp:127.0.0.1:1", "http://127.0.0.1/"):
            r = self.gwtool("supervise", "--overlap", "--ready", ready, self.lab.link)
            self.assert_error(r, 2, "--overlap needs --ready")
        self.assert_error(self.gwtool("supervise", "--overlap", self.lab.link), 2, "--overlap needs")
        r = self.gwtool("supervise", *self.lab.options("--overlap", "--ready", "notify"), self.lab.link,
                        env=self.lab.env())
        self.assert_error(r, 2, "--overlap needs a socket that is held")

    def start_draining(self):
        """One that was exchanged, and an old one that does not end."""
        self.lab.install("v0.1.4", "stubborn")
        self.lab.release("v0.1.5")
        sup = self.start("--listen", "unix:" + self.path("listen"), "--ready", "exec:true", "--overlap",
                         "--stop-timeout", "1h")
        self.lab.wait_running("v0.1.4")
        old, = self.lab.running()
        self.update(sup, "v0.1.5")
        cli.wait_until(lambda: any(line[:2] == ["signal:terminated", "v0.1.4"] for line in self.lab.lines()),
                       what="the old one to be asked")
        return sup, old

    def test_no_replacement_while_an_old_one_is_yet_to_end(self):
        sup, old = self.start_draining()
        r = self.gwtool("supervise", "reload", "--dir", self.lab.state)
        self.assert_error(r, 3, "the old version is yet to end")
        os.kill(old, signal.SIGKILL)
        sup.wait_err("event=retired")
        r = self.gwtool("supervise", "reload", "--dir", self.lab.state)
        self.assertEqual(r.code, 0, r)
        sup.wait_err("event=took-over")

    def test_a_stop_waits_for_an_old_one(self):
        sup, old = self.start_draining()
        sup.send(signal.SIGTERM)
        sup.wait_err("event=ended how=.*ended with 5")
        self.assertEqual(self.lab.running(), {old: "v0.1.4"})
        self.assertTrue(sup.alive())
        os.kill(old, signal.SIGKILL)
        self.assertEqual(sup.wait(), 5)

    def test_an_old_one_that_a_killed_supervisor_left(self):
        sup, old = self.start_draining()
        sup.process.kill()
        sup.wait()
        self.assertIn(old, self.lab.running())
        again = self.start("--stop-timeout", "200ms")
        again.wait_err("event=ended-leftover pid=%d" % old)
        self.lab.wait_running("v0.1.5")

    def test_an_address_that_is_taken(self):
        self.lab.install()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            r = self.gwtool("supervise", *self.lab.options(), "--listen",
                            "127.0.0.1:%d" % s.getsockname()[1], self.lab.link, env=self.lab.env())
        self.assert_error(r, 2, "127.0.0.1")
        self.assertEqual(self.lab.lines(), [])


class Notify(Manager):
    def messages(self):
        out = []
        while select.select([self.manager], [], [], 0)[0]:
            out.append(self.manager.recv(4096).decode())
        self.heard += out
        return "".join(self.heard)

    def listen(self):
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.heard = []
        self.manager.bind(self.path("notify"))

    def test_what_the_new_one_of_an_overlap_said_counts_once_it_is_the_service(self):
        self.listen()
        self.lab.install("v0.1.6", "socket")
        self.lab.release("v0.1.7", "socket")
        sup = self.start("--listen", "unix:" + self.path("socket"), "--ready", "notify", "--overlap",
                         env={"NOTIFY_SOCKET": self.path("notify")})
        cli.wait_until(lambda: "STATUS=serving v0.1.6" in self.messages(), what="the service's word")
        self.update(sup, "v0.1.7")
        cli.wait_until(lambda: "STATUS=serving v0.1.7" in self.messages(), what="the new one's word")
        self.assertEqual(self.messages().count("READY=1"), 1)
        self.assertEqual(sup.stop(), 0)

    def watchdog_service(self, **manager):
        """One that asks for a watchdog, says nothing else, and ends when it may."""
        self.listen()
        os.makedirs(self.path("bin"))
        os.mkfifo(self.path("enough"))
        service = self.file("bin/service", "#!%s\n" % sys.executable + """import os, signal, socket
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
where = os.environ["NOTIFY_SOCKET"]
s.connect("\\0" + where[1:] if where[0] == "@" else where)
s.send(b"READY=1\\nWATCHDOG_USEC=200000")
signal.sigwait([signal.SIGTERM])
open(%r).read()
""" % self.path("enough"), 0o755)
        sup = self.background([cli.GWTOOL, "supervise", "--dir", self.lab.state, service],
                              env=self.lab.env(NOTIFY_SOCKET=self.path("notify"), **manager))
        # After a failure, too, and before somebody waits for its streams.
        self.addCleanup(lambda: os.close(os.open(self.path("enough"), os.O_RDWR)))
        cli.wait_until(lambda: "WATCHDOG_USEC=200000" in self.messages(), what="the service's word")
        self.assertNotIn("WATCHDOG=1", self.messages())
        return sup

    def fed_at_its_end(self, sup):
        sup.send(signal.SIGTERM)
        cli.wait_until(lambda: self.messages().count("WATCHDOG=1") >= 3, what="food")
        with open(self.path("enough"), "w"):  # waits for who reads
            pass
        self.assertEqual(sup.wait(), 0)

    def test_a_watchdog_that_the_service_asked_for_is_fed_while_it_ends(self):
        self.fed_at_its_end(self.watchdog_service(WATCHDOG_USEC=3600000000))

    def test_and_so_is_one_of_a_manager_that_asked_for_none(self):
        self.fed_at_its_end(self.watchdog_service())

    def test_and_so_it_is_by_a_new_gwtool(self):
        sup = self.watchdog_service(WATCHDOG_USEC=3600000000)
        self.assertEqual(self.gwtool("supervise", "reload", "--dir", self.lab.state).code, 0)
        sup.wait_err("event=took-over")
        cli.wait_until(lambda: sup.err.count("event=supervising") == 2, what="its start")
        self.fed_at_its_end(sup)

    def test_nobody_waits_for_a_disk_before_the_service_is_ready(self):
        """The supervisor's tables go to a file only then."""
        self.listen()
        os.makedirs(self.path("bin"))
        os.mkfifo(self.path("enough"))
        service = self.file("bin/service", "#!%s\n" % sys.executable + """import os, signal, socket
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
where = os.environ["NOTIFY_SOCKET"]
s.connect("\\0" + where[1:] if where[0] == "@" else where)
open(%r).read()
s.send(b"READY=1")
signal.sigwait([signal.SIGTERM])
""" % self.path("enough"), 0o755)
        sup = self.background([cli.GWTOOL, "-v", "supervise", "--dir", self.lab.state, service],
                              env=self.lab.env(NOTIFY_SOCKET=self.path("notify")))
        self.addCleanup(lambda: os.close(os.open(self.path("enough"), os.O_RDWR)))

        def tried():
            with open("/proc/%d/maps" % sup.pid) as f:
                return " (deleted)" in f.read() or "event=tables-in-memory" in sup.err
        sup.wait_err("event=supervising")
        for _ in range(2):  # it was idle in between
            self.assertEqual(self.gwtool("supervise", "status", "--dir", self.lab.state).code, 0)
        self.assertFalse(tried(), sup.err)
        with open(self.path("enough"), "w"):
            pass
        cli.wait_until(lambda: "READY=1" in self.messages(), what="the service's word")
        cli.wait_until(tried, what="the tables to be put into a file")
        self.assertEqual(sup.stop(), 0)

    def test_what_is_said_and_what_is_not(self):
        self.listen()
        self.lab.install("v0.1.6", "socket")
        self.lab.release("v0.1.7", "socket")
        sup = self.start("--listen", "unix:" + self.path("socket"), "--ready", "notify",
                         env={"NOTIFY_SOCKET": self.path("notify"), "WATCHDOG_USEC": "60000000"})
        cli.wait_until(lambda: "STATUS=serving v0.1.6" in self.messages(), what="the service's word")
        self.update(sup, "v0.1.7")
        cli.wait_until(lambda: "STATUS=serving v0.1.7" in self.messages(), what="the new one's word")
        text = self.messages()
        self.assertIn("READY=1", text)
        self.assertIn("WATCHDOG=1", text)
        self.assertIn("STATUS=stopping v0.1.6", text)
        self.assertNotIn("MAINPID", text)
        self.assertNotIn("STOPPING", text)  # of an update
        self.assertEqual(sup.stop(), 0)
        cli.wait_until(lambda: "STATUS=stopping v0.1.7" in self.messages(), what="its last word")
        self.assertEqual(self.messages().count("STOPPING=1"), 1)

    def test_one_that_never_says_that_it_is_ready(self):
        self.lab.install()
        self.lab.release("v0.1.1")
        sup = self.start("--ready", "notify", "--ready-timeout", "300ms")
        self.gwtool("supervise", "update", "v0.1.1", "--dir", self.lab.state)
        sup.wait_err("event=rolled-back .*did not become ready")
        self.lab.wait_running("v0.1.0")


@cli.unittest.skipUnless(os.geteuid() == 0, "needs root")
class Users(Manager):
    def setUp(self):
        super().setUp()
        self.lab.install()
        self.user = pwd.getpwnam("nobody")
        for directory in (self.dir, self.lab.dir):
            os.chmod(directory, 0o755)
        with open(self.lab.log, "w"):
            os.chmod(self.lab.log, 0o666)

    def status_of(self, pid):
        with open("/proc/%d/status" % pid) as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)

    def test_the_service_is_somebody_else(self):
        self.lab.release("v0.1.1")
        sup = self.start("--user", "nobody", "--ambient-capability", "net_bind_service", "--limit",
                         "nofile=77", "--no-new-privileges")
        self.lab.wait_running("v0.1.0")
        self.update(sup, "v0.1.1")
        self.lab.wait_running("v0.1.1")
        pid, = self.lab.running()
        s = self.status_of(pid)
        self.assertEqual(s["Uid"].split(), [str(self.user.pw_uid)] * 4)
        self.assertEqual(s["Gid"].split(), [str(self.user.pw_gid)] * 4)
        self.assertEqual(int(s["CapAmb"], 16), 1 << 10)
        self.assertEqual(s["NoNewPrivs"], "1")
        with open("/proc/%d/limits" % pid) as f:
            self.assertRegex(f.read(), r"Max open files +77 +77 ")
        with open("/proc/%d/environ" % pid, "rb") as f:
            env = f.read().split(b"\0")
        self.assertIn(b"USER=nobody", env)
        self.assertIn(b"HOME=" + self.user.pw_dir.encode(), env)
        # no descriptor of ours, and a process group of its own
        fds = {os.readlink("/proc/%d/fd/%s" % (pid, n)) for n in os.listdir("/proc/%d/fd" % pid)}
        self.assertFalse([f for f in fds if "gw/" in f or "lock" in f], fds)
        self.assertEqual(os.getpgid(pid), pid)
        # the new file is the old one's owner's
        self.assertEqual(os.stat(self.lab.link).st_uid, 0)

    def test_readiness_by_a_socket_that_is_the_users_alone(self):
        self.lab.release("v0.1.1")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path("ready"))
            s.listen()
            os.chown(self.path("ready"), self.user.pw_uid, self.user.pw_gid)
            os.chmod(self.path("ready"), 0o700)
            sup = self.start("--user", "nobody", "--ready", "tcp:unix:" + self.path("ready"))
            self.update(sup, "v0.1.1")

    def test_a_new_file_has_what_the_old_one_had_and_no_set_uid(self):
        self.lab.release("v0.1.1")
        os.chown(self.lab.link, self.user.pw_uid, 1)
        os.chmod(self.lab.link, 0o6751)
        capability = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)  # cap_net_bind_service, effective
        try:
            os.setxattr(self.lab.link, "security.capability", capability)
        except OSError as e:
            self.skipTest("no capabilities of files: %s" % e)
        sup = self.start()
        self.update(sup, "v0.1.1")
        new = os.path.join(self.lab.bin, self.lab.name("v0.1.1"))
        info = os.stat(new)
        self.assertEqual((info.st_mode & 0o7777, info.st_uid, info.st_gid), (0o751, self.user.pw_uid, 1))
        self.assertEqual(os.getxattr(new, "security.capability"), capability)

    def needs(self, *options):
        if cli.run(["unshare", *options, "true"]).code != 0:
            self.skipTest("no namespaces")

    def cannot_update(self, mounts, why):
        self.needs("--mount")
        self.lab.release("v0.1.1")
        sup = self.background(["unshare", "--mount", "sh", "-c", mounts + " && exec \"$@\"", "sh", cli.GWTOOL,
                               "supervise", *self.lab.options(), self.lab.link], env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=supervising .*" + why)
        self.lab.wait_running("v0.1.0")
        self.gwtool("supervise", "check", "--dir", self.lab.state)
        sup.wait_err("event=checked newer=1")
        r = self.gwtool("supervise", "update", "--dir", self.lab.state)
        self.assert_error(r, 2, why)
        self.assertEqual(len(self.lab.lines()), 1)
        self.assertEqual(os.listdir(self.lab.bin), ["svc"])
        self.assertEqual(sup.stop(), 5)

    def test_a_file_system_that_is_only_read(self):
        self.cannot_update("mount --bind {0} {0} && mount -o remount,bind,ro {0}".format(self.lab.bin),
                           "is on a read-only file system")

    def test_a_file_system_that_runs_nothing(self):
        """Only the service's own file is mounted there so that it can be run."""
        shutil.copy(self.lab.link, self.path("runs"))
        self.cannot_update("mount --bind {0} {0} && mount -o remount,bind,noexec {0} && mount --bind {1} {0}/svc"
                           .format(self.lab.bin, self.path("runs")), "is on a file system without programs")

    def test_as_the_first_process_of_a_container(self):
        self.needs("--pid", "--fork", "--mount-proc")
        script = self.file("script", "#!/bin/sh\n(sleep 1000 & echo $! > %s)\nkill -9 $$\n" % self.path("orphan"),
                           0o755)
        r = cli.run(["unshare", "--pid", "--fork", "--mount-proc", cli.GWTOOL, "supervise", "--dir",
                     self.lab.state, script], env=self.lab.env())
        self.assertEqual(r.code, 128 + signal.SIGKILL, r)  # its own signals would not end it

    def test_directories_that_the_user_could_change(self):
        for directory in (self.lab.bin, self.lab.state):
            os.makedirs(directory, exist_ok=True)
            os.chown(directory, self.user.pw_uid, 0)
            r = self.gwtool("supervise", *self.lab.options("--user", "nobody"), self.lab.link,
                            env=self.lab.env())
            self.assert_error(r, 2, "may be written by user nobody")
            os.chown(directory, 0, 0)
        # nor one of a link that leads there
        os.mkdir(self.path("links"))
        os.chown(self.path("links"), self.user.pw_uid, 0)
        os.symlink(self.lab.link, self.path("links/svc"))
        r = self.gwtool("supervise", *self.lab.options("--user", "nobody"), self.path("links/svc"),
                        env=self.lab.env())
        self.assert_error(r, 2, "links may be written by user nobody")
        self.assertEqual(self.lab.lines(), [])

    def test_the_helper_and_the_page_are_somebody_else(self):
        self.lab.release("v0.1.1")
        self.lab.release("v0.0.9", listed=False)
        password = self.file("password", "secret\n", 0o600)
        sup = self.start("--user", "nobody", "--helper-user", "daemon", "--admin-listen", "127.0.0.1:0",
                         "--password-file", password)
        port = int(sup.wait_err(r"event=page address=127.0.0.1:(\d+)").group(1))
        daemon = str(pwd.getpwnam("daemon").pw_uid)

        def page():
            return [s for s in self.children(sup.pid) if "page" in s["words"]]

        def page_uid():
            return int(page()[0]["Uid"].split()[0]) if page() else 0
        # it is there for who comes, as a number that nobody has: neither root's, the service's nor the
        # helper's
        cli.run(["curl", "-s", "http://127.0.0.1:%d/style.css" % port])
        uid = cli.wait_until(page_uid, what="its user")
        self.assertIn(uid, range(61184, 65520))
        self.assertEqual(page()[0]["Uid"].split(), [str(uid)] * 4)
        self.assertEqual((page()[0]["CapEff"].strip("0"), page()[0]["NoNewPrivs"], page()[0]["Seccomp"]),
                         ("", "1", "2"))
        self.assertEqual(int(page()[0]["CapBnd"], 16), 0)
        # what it may: look, and update
        def post(path, **fields):
            r = cli.run(["curl", "-s", "-u", "admin:secret", "http://127.0.0.1:%d%s" % (port, path)] +
                        [w for k, v in fields.items() for w in ("-d", "%s=%s" % (k, v))])
            return r.out
        self.assertEqual(post("/update", version="v0.1.1", goversion="current"), "ok\n")
        sup.wait_err("event=updated version=v0.1.1")
        # but not go back
        for version in ("v0.0.9", "v0.1.0"):
            self.assertIn("does not go back", post("/update", version=version, goversion="current"))
        self.assertIn("does not go back", post("/update", version="current", goversion="go1.18.1"))
        self.assertEqual(list(self.lab.running().values()), ["v0.1.1"])
        # as the page, without the password, there is nothing but what everybody may see
        def as_page(command):
            return cli.run(["setpriv", "--reuid", str(uid), "--regid", str(uid),
                            "--clear-groups", sys.executable, "-c",
                            "import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"
                            "s.connect(sys.argv[1])\ns.sendall(sys.argv[2].encode() + b'\\n')\n"
                            "print(s.recv(1 << 20).decode())",
                            os.path.join(self.lab.state, "control"), command]).out
        self.assertIn('"version":"v0.1.1"', as_page("status"))
        for command in ("update v0.1.5", "pause", "resume", "check", "skip v0.1.5", "rollback",
                        "update-file /etc/passwd", "as-admin c2VjcmV0Cg== pause", "as-admin",
                        "as-admin pause", "login d3Jvbmc="):
            self.assertIn('"kind":"untrusted"', as_page(command), command)
        self.assertIn('"ok":true', as_page("as-admin c2VjcmV0 check"))
        self.assertIn("does not go back", as_page("as-admin c2VjcmV0 rollback"))
        # while it looks, the helper is nobody's friend either
        self.lab.service.hold = threading.Event()
        self.addCleanup(self.lab.service.hold.set)
        self.lab.release("v0.1.5")
        self.gwtool("supervise", "update", "v0.1.5", "--dir", self.lab.state)

        def helper():
            return [s for s in self.children(sup.pid) if "helper" in s["words"]]
        cli.wait_until(helper, what="the helper")
        s = helper()[0]
        self.assertEqual((s["Uid"].split(), s["NoNewPrivs"], s["Seccomp"]), ([daemon] * 4, "1", "2"))
        self.assertEqual(int(s["CapBnd"], 16), 0)
        with open("/proc/%s/limits" % s["Pid"]) as f:
            self.assertRegex(f.read(), r"Max file size +0 +0 ")
        self.lab.service.hold.set()
        sup.wait_err("event=updated version=v0.1.5")
        # its socket answers others only what they may ask: nothing
        r = cli.run(["setpriv", "--reuid", "nobody", "--clear-groups", cli.GWTOOL, "supervise", "status",
                     "--dir", self.lab.state])
        self.assertNotEqual(r.code, 0)
        self.assertEqual(r.out, "")
        # and the page ends with the supervisor, whoever it is by now
        pid = page()[0]["Pid"]
        sup.process.kill()
        cli.wait_until(lambda: not os.path.exists("/proc/" + pid), what="the page to end")

    def children(self, parent):
        out = []
        for pid in os.listdir("/proc"):
            try:
                s = self.status_of(int(pid)) if pid.isdigit() else {}
                if s.get("PPid") == str(parent):
                    with open("/proc/%s/cmdline" % pid) as f:
                        out.append({**s, "words": f.read().split("\0")})
            except (OSError, ProcessLookupError):
                pass
        return out

    def test_users_that_are_to_be_different(self):
        for more, why in ((["--helper-user", "nobody"], "--helper-user is --user"),
                          (["--page-user", "nobody"], "--page-user is --user"),
                          (["--page-user", "daemon", "--helper-user", "daemon"], "is --helper-user"),
                          (["--page-user", "no-such-user"], "no-such-user")):
            r = self.gwtool("supervise", *self.lab.options("--user", "nobody", *more), self.lab.link)
            self.assert_error(r, 1 if "no-such" in why else 2, why)
        self.start("--user", "nobody", "--page-user", "daemon", "--metrics-listen", "127.0.0.1:0")

    def test_a_directory_that_it_may_not_go_through(self):
        os.chmod(self.lab.dir, 0o700)
        r = self.gwtool("supervise", *self.lab.options("--user", "nobody"), self.lab.link)
        self.assert_error(r, 2, "may not go through " + self.lab.dir)

    def test_numbers_and_names(self):
        r = self.gwtool("supervise", *self.lab.options("--user", "61234"), self.lab.link)
        self.assert_error(r, 1, "61234")
        r = self.gwtool("supervise", *self.lab.options("--groups", "0"), self.lab.link)
        self.assert_error(r, 2, "--groups needs --user")
        self.start("--user", "61234", "--groups", "61235", "--groups", "61236")
        self.lab.wait_running("v0.1.0")
        pid, = self.lab.running()
        s = self.status_of(pid)
        self.assertEqual((s["Uid"].split()[0], s["Gid"].split()[0], s["Groups"].split()),
                         ("61234", "61235", ["61235", "61236"]))


if __name__ == "__main__":
    cli.main()
