"""gwtool build serve among others: services that verify each other, one that only verifies, witnesses."""

import base64
import concurrent.futures
import hashlib
import json
import os
import shutil
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import build_peer
import cli
import local_http
from build_lab import TARGET

HELLO = "/example.org/hello@v0.1.0/" + TARGET + "/"
SLOW = "/example.org/slow@v0.1.0/" + TARGET + "/"


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % s.getsockname()[1]


class Other:
    """A second service with the same modules, and a toolchain of its own."""

    def __init__(self, case, lab, name):
        self.case, self.lab, self.name = case, lab, name
        self.dir = case.path(name)
        os.makedirs(self.dir)
        self.key_file = os.path.join(self.dir, "key")
        r = cli.gwtool("build", "genkey", name, "--key", self.key_file)
        case.assert_run(r, 0)
        self.key = r.lines[0]
        self.toolchain = os.path.join(self.dir, "go")
        shutil.copytree(os.path.join(lab.dir, "go"), self.toolchain)
        self.address = free_address()

    def vkey(self):
        return "%s=http://%s/tlog" % (self.key, self.address)

    def salt(self, text):
        """From now on its builds give other bytes than the first service's."""
        program = os.path.join(self.toolchain, "go1.26.8", "bin", "go")
        with open(program, "a") as f:
            f.write("echo %s >>$bin/$name\n" % text)

    def serve(self, *args):
        return self.lab.serve(*args, listen=self.address, key=self.key_file, toolchain=self.toolchain,
                              data=os.path.join(self.dir, "data"))


class Front:
    """What is between a service and the one that asks it: it lies, is slow, or is not there. `mode`: how."""

    # Answers to a lookup.
    STATUSES = {"gone": 404, "failing": 500, "busy": 503}
    CHANGES = {"sum": lambda body: body.replace(b" 0", b" 1", 1), "garbage": lambda body: b"\xff\0" * 100,
               "note": lambda body: body[:-20] + b"AAAA" + body[-16:], "endless": lambda body: body * 10_000}

    def __init__(self, case, behind):
        self.mode, self.lookups = "", 0
        self.behind, self.ended = behind, threading.Event()
        self.url = local_http.serve(case, self.answer)
        case.addCleanup(self.ended.set)

    def answer(self, asked):
        lookup, mode = "/lookup/" in asked.path, self.mode
        self.lookups += lookup
        if lookup and mode == "hangs":
            self.ended.wait(60 * cli.SLOWNESS)
            return None
        if lookup and mode == "away":
            return 307, b"", ("Location", "http://%s%s" % (self.behind, asked.path))
        if lookup and mode == "circle":
            return 307, b"", ("Location", asked.path)
        if lookup and mode in self.STATUSES:
            return self.STATUSES[mode], b"as told", ("Retry-After", "1")
        marks = {k: v for k, v in asked.headers.items() if k.lower() == "gwtool-hop"}
        r = build_lab.request(self.behind, "GET", asked.path, headers=marks)
        body = self.CHANGES[mode](r.body) if lookup and mode in self.CHANGES else r.body
        if "/tile/" in asked.path and mode == "tile":
            body = b"\0" * len(body)
        return r.status, body


class Others(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = build_lab.BuildLab(self)
        for name in ("hello", "slow", "third"):
            self.lab.command("example.org/" + name)

    def size(self, server):
        return int(server.get("/tlog/latest").text.split("\n")[1])

    def test_services_that_verify_each_other(self):
        a, b = (Other(self, self.lab, name) for name in ("a.example", "b.example"))
        c = Other(self, self.lab, "c.example")
        # A ring of three: each is asked with what those before it got.
        servers = [x.serve("--verifier", y.vkey()) for x, y in ((a, b), (b, c), (c, a))]
        self.assertEqual(servers[0].get(HELLO + "record").status, 307)
        self.assertEqual([self.size(s) for s in servers], [1, 1, 1])
        # Asked at the same moment for the same.
        answers = []
        threads = [threading.Thread(target=lambda s=s: answers.append(s.get(SLOW + "record").status))
                   for s in servers]
        for t in threads:
            t.start()
        for s in servers:
            cli.wait_until(lambda s=s: "compiling" in s.ask_admin("/pending").text)
        self.lab.let_slow_go_on()
        for t in threads:
            t.join()
        self.assertEqual(answers, [307] * 3)
        self.assertEqual([self.size(s) for s in servers], [2, 2, 2])
        # One of them gets something else: nobody publishes.
        c.salt("other")
        r = servers[0].get("/example.org/third@v0.1.0/%s/record" % TARGET)
        self.assertEqual(r.status, 503, str(r))
        self.assertEqual([self.size(s) for s in servers], [2, 2, 2])
        self.assertNotIn("gwtool_buildd_disagreements_total 0\n", servers[2].ask_admin("/metrics").text)

    def test_verifiers_that_lie_or_are_slow(self):
        refused = {"sum": "does not hash to", "note": "bad signature", "garbage": "no record number",
                   "endless": "body larger than", "circle": "redirects", "gone": "status 404",
                   "failing": "status 500", "busy": "status 503", "hangs": "no complete answer within",
                   "tile": "do not hash to the root"}
        for mode in refused:
            self.lab.command("example.org/" + mode)
        other = Other(self, self.lab, "b.example")
        front = Front(self, other.serve("--build-once", "--limits=false").address)
        s = self.lab.serve("--verifier", "%s=%s/tlog" % (other.key, front.url), "--verifier-wait",
                           "%ds" % (2 * cli.SLOWNESS), "--limits=false")
        # Whoever sends elsewhere is no liar: what comes from there is proven.
        front.mode = "away"
        self.assertEqual(s.get(HELLO + "record").status, 307)
        for mode, text in refused.items():
            with self.subTest(mode):
                front.mode, before = mode, front.lookups
                r = s.get("/example.org/%s@v0.1.0/%s/record" % (mode, TARGET))
                self.assertEqual(r.status, 503, str(r))
                self.assertIn("asking verifiers: b.example: ", r.text)
                self.assertIn(text, r.text)
                self.assertEqual(self.size(s), 1)
                # It is waited for as long as the option says, whatever it says itself.
                self.assertLessEqual(front.lookups - before, 3 * cli.SLOWNESS if mode == "busy" else 12)
        # Nothing of it is remembered: with a service that says what it has, each gets into the log.
        front.mode = ""
        for n, mode in enumerate(refused):
            self.assertEqual(s.get("/example.org/%s@v0.1.0/%s/record" % (mode, TARGET)).status, 307)
            self.assertEqual(self.size(s), 2 + n)
        # One that says nothing holds nobody up who stops the service.
        self.lab.command("example.org/last")
        self.lab.modules.log()
        front.mode, answers = "hangs", []
        before = front.lookups
        waiting = threading.Thread(target=lambda: answers.append(
            s.get("/example.org/last@v0.1.0/%s/record" % TARGET).status))
        waiting.start()
        cli.wait_until(lambda: front.lookups > before)
        self.assertEqual(s.stop(), 0)
        waiting.join()
        self.assertEqual(answers, [503])

    def test_verifiers_are_not_limited_and_strangers_are(self):
        a, b = (Other(self, self.lab, name) for name in ("a.example", "b.example"))
        dirs = ["cmd/c%02d" % n for n in range(12)]
        self.lab.command("example.org/many", dirs=dirs)
        second = b.serve("--verifier", a.vkey())
        first = a.serve("--verifier", b.vkey(), "--limits=false")
        for d in dirs:
            r = first.get("/example.org/many@v0.1.0/%s/%s/record" % (d, TARGET))
            self.assertEqual(r.status, 307, str(r))
        self.assertEqual(self.size(second), 12)
        # A bare mark, or one by a stranger, gets around nothing.
        mark = base64.b64encode(b"gwtool build hop\n1800000000\nx\n\n").decode()

        def ask(directory):
            path = "/tlog/lookup/example.org/many@v0.1.0/%s/%s-stripped/" % (directory, TARGET)
            return second.get(path, headers={"Gwtool-Hop": mark}).status
        # All at once: one after the other, on a slow machine, would be as slow as is allowed.
        with concurrent.futures.ThreadPoolExecutor(len(dirs)) as strangers:
            seen = set(strangers.map(ask, dirs))
        self.assertIn(429, seen)

    def test_a_service_that_only_verifies(self):
        first = self.lab.serve("--build-once")
        other = Other(self, self.lab, "b.example")
        self.assertEqual(first.get(HELLO + "record").status, 307)
        vkey = "%s=%s/tlog" % (self.lab.key, first.url)
        args = ("--verify-only", vkey, "--follow-every", "1s")
        second = other.serve(*args)
        cli.wait_until(lambda: self.size(second) == 1)
        self.assertEqual(second.follow(HELLO + "record")[1].text, first.follow(HELLO + "record")[1].text)
        # Nothing is built for readers.
        self.assertEqual(second.get("/example.org/third@v0.1.0/%s/record" % TARGET).status, 403)
        # What comes later, and what differs.
        other.salt("other")
        self.assertEqual(first.get("/example.org/third@v0.1.0/%s/record" % TARGET).status, 307)
        second.wait_err('event="not verified" number=1 ')
        self.assertEqual(self.size(second), 1)
        self.assertNotIn("gwtool_buildd_disagreements_total 0\n", second.ask_admin("/metrics").text)
        cli.wait_until(lambda: "gwtool_buildd_followed_records 1\n" in second.ask_admin("/metrics").text)
        self.assertEqual(second.stop(), 0)
        # It is tried again, and nothing else is.
        with open(os.path.join(other.dir, "data", "verified")) as f:
            self.assertEqual(f.read(), "2\n1\n")
        shutil.rmtree(other.toolchain)
        shutil.copytree(os.path.join(self.lab.dir, "go"), other.toolchain)
        second = other.serve(*args)
        cli.wait_until(lambda: self.size(second) == 2)
        self.assertEqual(second.stop(), 0)
        with open(os.path.join(other.dir, "data", "verified")) as f:
            self.assertEqual(f.read(), "2\n")

    def test_the_one_that_is_followed_may_ask_first(self):
        a, b = (Other(self, self.lab, name) for name in ("a.example", "b.example"))
        second = b.serve("--verify-only", a.vkey(), "--follow-every", "1h")
        first = a.serve("--verifier", b.vkey())
        self.assertEqual(first.get(HELLO + "record").status, 307)
        self.assertEqual([self.size(s) for s in (first, second)], [1, 1])
        self.assertEqual(second.get(SLOW + "record").status, 403)

    def test_provenance(self):
        s = self.lab.serve("--build-once", "--base-url", "https://builds.example.org/")
        result = s.get(HELLO + "record").location[:-len("record")]
        self.assertEqual(s.get(HELLO + "provenance").location, result + "provenance")
        envelope = json.loads(s.get(result + "provenance").text)
        payload = base64.b64decode(envelope["payload"])
        statement = json.loads(payload)
        binary = s.follow(result + "dl")[1].body
        self.assertEqual(statement["subject"][0]["digest"]["sha256"], hashlib.sha256(binary).hexdigest())
        self.assertEqual(statement["predicate"]["runDetails"]["builder"]["id"], "https://builds.example.org")
        signed = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
        public = base64.b64decode(self.lab.key.split("+", 2)[2])[1:]
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
        self.assertTrue(build_peer.ed25519_verify(public, signed, signature))
        self.assertFalse(build_peer.ed25519_verify(public, signed + b" ", signature))
        modules = json.loads(s.get(result + "modules").text)
        self.assertEqual(modules["metadata"]["component"]["purl"], "pkg:golang/example.org/hello@v0.1.0")
        # Of what is not built there is none.
        self.assertEqual(s.get(HELLO.replace(TARGET, TARGET + "-stripped") + "0" + "A" * 27 + "/modules").status, 404)

    def test_witnesses(self):
        asked = []

        def answer(request):
            asked.append((request.path, request.body.decode()))
            return 503, b""
        url = local_http.serve(self, answer)
        name = "witness.example"
        public = b"\x04" + bytes(range(32))
        key_id = hashlib.sha256(name.encode() + b"\n" + public).hexdigest()[:8]
        vkey = "%s+%s+%s" % (name, key_id, base64.b64encode(public).decode())
        self.assert_error(cli.gwtool(*self.lab.args("--witness", vkey)), 2, "witness")
        self.assert_error(cli.gwtool(*self.lab.args("--witness", vkey + "=" + url, "--witness-quorum", "2")), 2, "quorum")
        s = self.lab.serve("--build-once", "--witness", vkey + "=" + url, "--witness-every", "1s")
        self.assertEqual(s.get(HELLO + "record").status, 307)
        cli.wait_until(lambda: asked)
        path, body = asked[0]
        self.assertEqual(path, "/add-checkpoint")
        self.assertTrue(body.startswith("old 0\n\nbuilds.example.org/tlog\n1\n"), body)
        s.wait_err('event="asking a witness"')
        # Nobody has signed: monitors get the log's own word.
        self.assertEqual(s.get("/tlog/checkpoint").text.split("\n")[1], "1")
        self.assertEqual(s.stop(), 0)


if __name__ == "__main__":
    cli.main()
