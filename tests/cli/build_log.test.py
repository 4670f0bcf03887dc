"""gwtool build audit, log publish and log mirror; and --verifier of build serve."""

import functools
import http.server
import os
import shutil
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import cli
from build_lab import TARGET


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def web_server(case, directory, handler=Quiet):
    """Any web server that serves files; its URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=directory))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    case.addCleanup(server.server_close)
    case.addCleanup(server.shutdown)
    return "http://127.0.0.1:%d" % server.server_port


class Holding(Quiet):
    """Says nothing any more once a binary is asked for."""
    asked, over = threading.Event(), threading.Event()

    def do_GET(self):
        if "/tlog/" not in self.path:
            self.asked.set()
            self.over.wait()
        super().do_GET()


def flip(path):
    """A bit of a file's."""
    with open(path, "r+b") as f:
        f.seek(15)
        byte = f.read(1)
        f.seek(15)
        f.write(bytes([byte[0] ^ 0x40]))


class Log(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = build_lab.BuildLab(self)
        self.dirs = ["cmd/c%02d" % n for n in range(12)]
        self.lab.command(dirs=self.dirs)
        self.server = self.lab.serve("--build-once", "--limits=false")

    def fill(self, first=0, last=12):
        for d in self.dirs[first:last]:
            r = self.server.get("/example.org/hello@v0.1.0/%s/%s/record" % (d, TARGET))
            self.assertEqual(r.status, 307, str(r))

    def client(self, command, *args, source=None, cache="cache", **kwargs):
        return self.gwtool("build", *command.split(), *args, "--log-key", self.lab.key, "--source",
                           source or self.server.url + "/tlog", "--cache", self.path(cache), **kwargs)

    def publish(self, out="static"):
        return self.gwtool("build", "log", "publish", out, "--data", os.path.join(self.lab.dir, "data"), "--key",
                           self.lab.key_file)

    def test_audit(self):
        r = self.client("audit")
        self.assert_run(r, 0, err="")
        self.fill()
        r = self.client("audit", "--binaries", "--json")
        self.assert_run(r, 0)
        self.assertEqual((r.json["records"], r.json["irregular"], r.json["lookups"], r.json["binaries"]),
                         (12, 0, 0, 12))
        self.assertEqual(self.client("audit", "--lookups", "--json").json["lookups"], 12)
        # A file with a flipped bit, packed or not.
        binaries = os.path.join(self.lab.dir, "data", "binaries")
        for name in sorted(os.listdir(binaries))[:2]:
            flip(os.path.join(binaries, name))
            self.assert_error(self.client("audit", "--binaries"), 4, "record ")
            # Nor is it given to others.
            r = self.publish("of-%s" % name)
            self.assert_run(r, 4, err_has=["gwtool: error: ", "not what was built"])
            self.assertIn("%d files written" % (12 * 4 + 6 - 1), r.out)
            flip(os.path.join(binaries, name))
        self.assert_run(self.client("audit", "--binaries"), 0)
        # A key that leads to another build.
        self.assert_run(self.publish(), 0)
        one, other = [self.path("static/tlog/lookup/example.org/hello@v0.1.0", d, TARGET, "index.html")
                      for d in self.dirs[:2]]
        shutil.copy(one, other)
        self.assert_run(self.client("audit", source=self.path("static/tlog")), 0)
        self.assert_error(self.client("audit", "--lookups", source=self.path("static/tlog")), 4, "record 1: ")

    def test_audit_of_what_lies_here(self):
        data = os.path.join(self.lab.dir, "data")

        def audit(*args, key=None):
            return self.gwtool("build", "audit", "--local", data, "--log-key", key or self.lab.key, *args)
        self.assert_run(audit(), 0, err="")
        self.fill(0, 3)
        r = audit("--json")  # beside the service
        self.assert_run(r, 0, err="")
        self.assertEqual((r.json["records"], r.json["files"], r.json["damaged"]), (3, 6, 0))
        # The published head may be elsewhere.
        with open(os.path.join(data, "published")) as f:
            head = self.file("head", f.read())
        self.assert_run(audit("--head-file", head), 0, err="")
        self.file("head", "none\n")
        self.assert_error(audit("--head-file", head), 4, head)
        self.assert_error(self.client("audit", "--head-file", head), 2, "--local")
        name = sorted(n for n in os.listdir(os.path.join(data, "binaries")) if n.endswith(".gz"))[0]
        flip(os.path.join(data, "binaries", name))
        self.assert_error(audit(), 4, name)
        # What asks nobody says so.
        for more in (["--binaries"], ["--lookups"], ["--source", self.server.url + "/tlog"]):
            self.assert_error(audit(*more), 2, "--local")
        self.assert_error(audit(key=self.lab.checkpoint_key), 4, "published")
        self.assert_error(self.gwtool("build", "audit", "--local", self.dir, "--log-key", self.lab.key), 2, "no build")
        self.assertEqual(self.server.stop(), 0)
        # In the background: what is damaged is removed, and built again.
        self.server = self.lab.serve("--build-once", "--audit-every", "1s")
        self.server.wait_err('event=damaged what="record ')
        cli.wait_until(lambda: 'audits_total{end="good"} 0\n' not in self.server.ask_admin("/metrics").text)
        self.assert_missing(os.path.join(data, "binaries", name))
        for d in self.dirs[:3]:
            path = "/example.org/hello@v0.1.0/%s/%s/" % (d, TARGET)
            file = "%s-v0.1.0-go1.26.8.gz" % d.split("/")[1]
            self.assertEqual(self.server.follow(path + file)[1].status, 200)
        self.assert_run(audit(), 0, err="")

    def test_publish_and_mirror(self):
        self.fill(0, 5)
        r = self.publish()
        self.assert_run(r, 0, err="")
        self.assertIn("static: 5 records", r.out)
        self.assertIn(" 0 files written", self.publish().out)
        self.fill(5)
        self.assert_run(self.publish(), 0)
        with open(self.path("static/tlog/latest")) as f:
            self.assertEqual(f.read(), self.server.get("/tlog/latest").text)
        for path in ("tile/8/0/000.p/12", "tile/8/data/000.p/12", "tile/0/000.p/12", "tile/entries/000.p/12",
                     "checkpoint"):
            with open(self.path("static/tlog", path), "rb") as f:
                self.assertEqual(f.read(), self.server.get("/tlog/" + path).body, path)

        # A service that has no such build says so itself.
        r = self.client("get", "example.org/nothing@latest")
        self.assert_error(r, 1, "status 404")
        self.assertNotIn("copied log", r.err)

        # Clients need nothing else: from the directory, and from any web server.
        web = web_server(self, self.path("static"))
        self.server.kill()
        for n, source in enumerate((self.path("static/tlog"), web + "/tlog")):
            self.assert_run(self.client("audit", "--binaries", source=source), 0)
            for d in (self.dirs[0], self.dirs[11]):
                r = self.client("get", "example.org/hello@v0.1.0/%s/%s/" % (d, TARGET), "-o",
                                self.path("got%d/" % n), source=source)
                self.assert_run(r, 0, err="")
        r = self.client("log mirror", "mirror", source=web + "/tlog")
        self.assert_run(r, 0, err="")
        # Without its key nothing is known of the other dialect's head.
        self.assert_missing(self.path("mirror/tlog/checkpoint"))
        key = ("--checkpoint-key", self.lab.checkpoint_key)
        self.assert_run(self.client("log mirror", "mirror", *key, source=web + "/tlog"), 0, err="")
        self.assert_error(self.client("log mirror", "mirror", "--checkpoint-key", self.lab.other_checkpoint_key(),
                                      source=web + "/tlog"), 4)
        self.assert_error(self.client("log mirror", "mirror", "--checkpoint-key", self.lab.key, source=web + "/tlog"),
                          2, "second key")
        # The service's address in the place of its log's.
        for command in (("audit",), ("log mirror", "mirror")):
            self.assert_error(self.client(*command, source=web), 3, "perhaps at %s/tlog" % web)
        self.assert_error(self.client("audit", source=self.path("static")), 3,
                          "the log is in %s/tlog" % self.path("static"))
        with open(self.path("static/tlog/checkpoint")) as f:
            head = f.read()
        with open(self.path("static/tlog/checkpoint"), "w") as f:
            f.write(head.replace("A", "B").replace("a", "b"))
        self.assert_error(self.client("log mirror", "third", *key, source=web + "/tlog"), 4)
        self.assert_missing(self.path("third"))
        with open(self.path("static/tlog/checkpoint"), "w") as f:
            f.write(head)
        self.assertIn("mirror: 12 records", r.out)
        self.assertIn(" 0 binaries missing", r.out)
        with open(self.path("mirror/tlog/latest")) as a, open(self.path("static/tlog/latest")) as b:
            self.assertEqual(a.read(), b.read())
        self.assert_run(self.client("audit", "--binaries", source=self.path("mirror/tlog")), 0)
        for base, _, files in os.walk(self.path("mirror")):
            for name in files:
                path = os.path.join(base, name)
                with open(path, "rb") as a, open(path.replace("/mirror/", "/static/"), "rb") as b:
                    if "/lookup/" not in path:  # under the head of its first copy
                        self.assertEqual(a.read(), b.read(), path)

        # Binaries that are damaged where they are served: of another size, and of the same.
        binaries = sorted(os.path.join(base, name) for base, _, files in os.walk(self.path("mirror"))
                          for name in files if name.endswith(".gz") or "-go1." in name)

        def read():
            found = []
            for path in binaries[:3]:
                with open(path, "rb") as f:
                    found.append(f.read())
            return found

        good = read()
        for path, text in zip(binaries, (b"", good[1][:-1] + b"x", good[2][:-1] + b"x")):
            with open(path, "wb") as f:
                f.write(text)
        r = self.client("log mirror", "mirror", "--check-binaries", source=web + "/tlog")
        self.assert_run(r, 0, err="")
        self.assertIn(" 3 files written", r.out)
        self.assertEqual(read(), good)
        self.assertIn(" 0 files written", self.client("log mirror", "mirror", source=web + "/tlog").out)

        # What would check nothing is refused.
        self.assert_error(self.client("log mirror", "mirror", "--check-binaries", "--binaries=false",
                                      source=web + "/tlog"), 2, "--binaries=false")

        # Static files have no answer to what is newest.
        for source in (self.path("static/tlog"), web + "/tlog"):
            self.assert_error(self.client("get", "example.org/hello@latest", source=source), 1,
                              "hint: files of a copied log do not say what is newest")

        # What was edited is found out.
        tile = self.path("mirror/tlog/tile/8/data/000.p/12")
        with open(tile) as f:
            text = f.read()
        with open(tile, "w") as f:
            f.write(text.replace("/cmd/c00", "/cmd/c99", 1))
        self.assert_error(self.client("audit", source=self.path("mirror/tlog")), 4, "tile/8/data/000")
        self.assert_error(self.client("log mirror", "second", source=self.path("mirror/tlog")), 4)
        self.assert_missing(self.path("second/tlog/latest"))

    def test_no_module_keeps_a_log_from_being_published(self):
        # Commands in directories where other commands have their lookup, and their record.
        total = "0" + "A" * 27
        odd = [TARGET + "/index.html", "%s/%s/record" % (TARGET, total)]
        self.lab.command("example.org/odd", dirs=["", *odd])
        self.lab.modules.log()
        for d in ["", *odd]:
            r = self.server.get("/example.org/odd@v0.1.0/%s%s/record" % (d + "/" if d else "", TARGET))
            self.assertEqual(r.status, 307, str(r))
        r = self.publish()
        self.assert_run(r, 0, err_has=["2 records have no files"])
        self.assert_run(self.client("audit", source=self.path("static/tlog")), 0)
        self.assert_run(self.client("get", "example.org/odd@v0.1.0/%s/" % TARGET, "-o", "got",
                                    source=self.path("static/tlog")), 0)

    def test_an_interrupted_mirror_says_so(self):
        self.fill(0, 1)
        self.assert_run(self.publish(), 0)
        web = web_server(self, self.path("static"), Holding)
        self.addCleanup(Holding.over.set)
        p = cli.Background([cli.GWTOOL, "build", "log", "mirror", self.path("mirror"), "--log-key", self.lab.key,
                            "--source", web + "/tlog", "--cache", self.path("cache")])
        self.addCleanup(p.kill)
        self.assertTrue(Holding.asked.wait(20 * cli.SLOWNESS))
        self.assertEqual(p.stop(signal.SIGINT), 130)

    def test_another_history_is_not_written_over_a_mirror(self):
        self.fill(0, 3)
        self.assert_run(self.client("log mirror", "mirror"), 0)
        with open(self.path("mirror/tlog/latest")) as f:
            before = f.read()
        self.server.kill()
        data = os.path.join(self.lab.dir, "data")
        shutil.rmtree(data)
        self.lab.salt("other")
        self.server = self.lab.serve("--build-once", "--limits=false")
        self.fill(0, 4)
        self.assert_error(self.client("log mirror", "mirror", cache="fresh"), 4, "another one than it was at 3")
        self.assert_error(self.publish("mirror"), 4, "another one than it was at 3")
        with open(self.path("mirror/tlog/latest")) as f:
            self.assertEqual(f.read(), before)
        other = self.path("other-key")
        cli.gwtool("build", "genkey", "x.example.org", "--key", other)
        # Nothing is signed with a key that is not the log's, wherever the published head is.
        publish = ["build", "log", "publish", "mirror", "--data", data, "--key", other]
        self.assert_error(self.gwtool(*publish), 1, "published")
        self.assert_error(self.gwtool(*publish, "--head-file", "none"), 2, "another log")
        # Nor a database that is older than what was published.
        self.assertEqual(self.server.stop(), 0)
        shutil.copytree(data, self.path("old"))
        self.server = self.lab.serve("--build-once", "--limits=false")
        self.fill(4, 5)
        r = self.gwtool("build", "log", "publish", "older", "--data", "old", "--key", self.lab.key_file,
                        "--head-file", os.path.join(data, "published"))
        self.assert_error(r, 1, "older copy")
        self.assert_missing(self.path("older"))
        self.assert_error(self.gwtool("build", "log", "publish", "x", "--data", self.dir, "--key", other), 2, "no build")

    def test_a_record_waits_for_the_verifiers(self):
        key = self.path("key2")
        r = cli.gwtool("build", "genkey", "second.example.org", "--key", key)
        second = self.lab.serve("--verifier", "%s=%s/tlog" % (self.lab.key, self.server.url), key=key,
                                data=self.path("data2"))
        path = "/example.org/hello@v0.1.0/%s/%s/record" % (self.dirs[0], TARGET)
        self.assertEqual(second.get(path).status, 307)
        # The other one was asked, and has it now.
        self.assertEqual(self.server.get("/tlog/latest").text.split("\n")[1], "1")
        # It has another result: nothing is published.
        self.fill(1, 2)
        self.lab.salt("other")
        path = "/example.org/hello@v0.1.0/%s/%s/record" % (self.dirs[1], TARGET)
        r = second.get(path)
        self.assertEqual(r.status, 503)
        self.assertIn("got another result", r.text)
        self.assertEqual(second.get("/tlog/latest").text.split("\n")[1], "1")
        self.assertIn("gwtool_buildd_disagreements_total 1\n", second.ask_admin("/metrics").text)
        # It cannot be asked: neither.
        self.server.kill()
        self.assertEqual(second.get("/example.org/hello@v0.1.0/%s/%s/record" % (self.dirs[2], TARGET)).status, 503)
        self.assertEqual(second.get("/tlog/latest").text.split("\n")[1], "1")


if __name__ == "__main__":
    cli.main()
