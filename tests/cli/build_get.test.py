"""gwtool build get and verify, against a service of ours that tells the truth, and against ones that lie."""

import base64
import hashlib
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import cli
import local_http
from build_lab import GO, TARGET


class Liar:
    """A proxy before a service that changes answers: change(path, status, body) -> (status, body)."""

    def __init__(self, case, server, change):
        self.paths = []

        def answer(asked):
            self.paths.append(asked.path)
            headers = {k: v for k, v in asked.headers.items() if k in ("Range",)}
            r = build_lab.request(server.address, "GET", asked.path, headers=headers)
            return change(asked.path, r.status, r.body)
        self.url = local_http.serve(case, answer)


class Get(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = build_lab.BuildLab(self)
        self.lab.command(dirs=("", "cmd/x"))
        self.lab.command("example.org/broken")
        self.server = self.lab.serve()

    def get(self, *args, url=None, key=None, cache="cache", command="get", **kwargs):
        target = ["--target", "js/wasm"] if command == "get" else []
        return self.gwtool("build", command, *args, "--log-key", key or self.lab.key, "--source",
                           (url or self.server.url) + "/tlog", "--cache", self.path(cache), *target, **kwargs)

    def test_what_was_never_built_is_built_and_proven(self):
        r = self.get("example.org/hello")
        self.assert_run(r, 0, err="")
        total, size, name = r.out.split()
        self.assertEqual(name, "hello-v0.1.0-" + GO)
        with open(self.path(name), "rb") as f:
            data = f.read()
        self.assertEqual((len(data), os.stat(self.path(name)).st_mode & 0o777), (int(size), 0o755))
        self.assertEqual("0" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:20]).decode().rstrip("="),
                         total)
        # Never over a file that is there.
        self.assert_error(self.get("example.org/hello"), 2, "exists already")
        # That is seen before anything is asked, but what "latest" means.
        liar = Liar(self, self.server, lambda *a: (500, b""))
        self.assert_error(self.get("example.org/hello@v0.1.0", "--go", GO, url=liar.url), 2, "exists already")
        self.assert_error(self.get("example.org/hello", "example.org/hello/cmd/x", "-o", "one", url=liar.url), 2,
                          "one file for 2")
        self.assertEqual(liar.paths, [])
        # Several targets have names of their own.
        r = self.get("example.org/hello", "--target", "wasip1/wasm", "-o", "both/")
        self.assert_run(r, 0, err="")
        self.assertEqual([line.split()[2] for line in r.lines],
                         ["both/hello-v0.1.0-%s-wasm-%s" % (goos, GO) for goos in ("wasip1", "js")])
        # A directory of the module, in each spelling; with a version and a Go version; stripped.
        for n, what in enumerate(("example.org/hello/cmd/x", "example.org/hello@v0.1.0/cmd/x",
                                  "example.org/hello/cmd/x@v0.1.0",
                                  "example.org/hello@v0.1.0/cmd/x/%s/" % TARGET)):
            r = self.get(what, "-o", "d%d/" % n)
            self.assert_run(r, 0, err="")
            self.assertEqual(r.out.split()[2], "d%d/x-v0.1.0-%s" % (n, GO))
        r = self.get("example.org/hello", "--stripped", "--go", GO, "--json", "-o", "s")
        self.assertEqual(r.json["key"], "example.org/hello@v0.1.0/%s-stripped/" % TARGET)
        self.assertEqual(r.json["record"], 3)
        # The sum pins.
        r = self.get("example.org/hello", "--sum", total, "-o", "p")
        self.assert_run(r, 0)
        self.assert_error(self.get("example.org/hello", "--sum", "0" + "A" * 27, "-o", "q"),
                          4, "not 0AAA")
        self.assert_missing(self.path("q"))
        # So does a page's path, which nothing else may contradict.
        page = "example.org/hello@v0.1.0/%s/" % TARGET
        self.assert_run(self.get(page + total + "/", "-o", "r"), 0)
        self.assert_error(self.get(page + "0" + "A" * 27 + "/", "-o", "q"), 4, "not 0AAA")
        # One that was cut pins nothing, and is no page.
        self.assert_error(self.get(page + total[:-1] + "/", "-o", "q"), 1, "no binary's sum")
        self.assert_error(self.get(page + total[:-1], "-o", "q"), 2, "neither")
        self.assert_error(self.get(page + total[:-1], command="verify"), 2, "no binary's sum")
        self.assert_error(self.get(page + "log", command="verify"), 2, "no binary's sum")
        self.assert_run(self.get(page + total, command="verify"), 0)
        for more in (["--go", "go1.20.1"], ["--stripped"], ["--target", "linux/amd64"]):
            self.assert_error(self.get(page, *more, "-o", "q"), 2, "names the whole build")
        self.assert_missing(self.path("q"))

    def test_a_full_disk_is_told_once(self):
        keys = ["example.org/hello@v0.1.0/%s%s/" % (d, TARGET) for d in ("", "cmd/x/")]
        said = ": writing standard output: No space left on device\n"
        with open("/dev/full", "wb") as full:
            r = self.get(*keys, "-o", "got/", stdout=full)
            self.assert_run(r, 1, err="gwtool: error: " + keys[0] + said)
            r = self.get("example.org/hello", "--target", "wasip1/wasm", "-o", "both/", stdout=full)
            self.assert_run(r, 1, err="gwtool: error: example.org/hello" + said)
            self.assert_run(self.get(*keys, command="verify", stdout=full), 1, err="gwtool: error: " + keys[0] + said)
            self.lab.command("example.org/local", dirs=("", "cmd/x"))
            local = self.gwtool("build", "example.org/local@v0.1.0", "example.org/local/cmd/x@v0.1.0", "--go", GO,
                                "--target", "js/wasm", "--proxy", self.lab.modules.proxy, *self.lab.modules.log(),
                                "--toolchain", os.path.join(self.lab.dir, "go"), "--sandbox", "off", "--cache",
                                self.path("cache"), "-o", "local/", stdout=full)
        self.assert_run(local, 1, err="gwtool: error: example.org/local@v0.1.0/%s%s" % (TARGET, said))
        self.assertEqual(os.listdir(self.path("local")), ["local-v0.1.0-" + GO])

    def test_a_proof_needs_no_network(self):
        self.assert_run(self.get("example.org/hello/cmd/x", "-o", "x"), 0)
        for what in ("example.org/hello", "example.org/hello@v0.1.0/cmd/x/%s-stripped/" % TARGET):
            self.assert_run(self.get(what, "-o", "others/"), 0)
        _, proof = self.server.follow("/example.org/hello@latest/cmd/x/js-wasm-latest/x-v0.1.0-go1.26.8.tlog-proof")
        self.assertEqual(proof.status, 200, str(proof))
        _, same = self.server.follow("/example.org/hello@latest/cmd/x/js-wasm-latest/x-v0.1.0-go1.26.8.gz.tlog-proof")
        self.assertEqual(same.text, proof.text)
        self.assertTrue(proof.text.startswith("c2sp.org/tlog-proof@v1\nextra "))
        self.server.kill()
        self.file("proof", proof.text)
        args = ["build", "verify-proof", "x", "proof", "--checkpoint-key"]
        r = self.gwtool(*args, self.lab.checkpoint_key)
        self.assert_run(r, 0, err="")
        self.assertEqual(r.out.split()[2], "example.org/hello@v0.1.0/cmd/x/%s/" % TARGET)
        self.assert_error(self.gwtool(*args, self.lab.other_checkpoint_key()), 4)
        # A mistake of ours is told as one.
        self.assert_error(self.gwtool(*args, self.lab.key), 2, "second key", "named builds.example.org/tlog")
        self.file("proof", proof.text.replace("index 0", "index 1"))
        self.assert_error(self.gwtool(*args, self.lab.checkpoint_key), 4)
        self.file("proof", proof.text)
        with open(self.path("x"), "ab") as f:
            f.write(b"x")
        self.assert_error(self.gwtool(*args, self.lab.checkpoint_key), 4, "the log has")

    def test_a_busy_service_is_waited_for(self):
        busy = set()

        def change(path, status, body):
            kind = "lookup" if "/lookup/" in path else "binary" if path.endswith(".gz") else ""
            if not kind or kind in busy:
                return status, body
            busy.add(kind)
            return 503, b"busy", ("Retry-After", "1")
        liar = Liar(self, self.server, change)
        self.assert_run(self.get("example.org/hello", url=liar.url), 0, err="")
        self.assertEqual(busy, {"lookup", "binary"})
        # Not longer than --wait says.
        liar = Liar(self, self.server, lambda *a: (503, b"busy", ("Retry-After", "100")))
        self.assert_error(self.get("example.org/hello", "--wait", "10s", "-o", "x", url=liar.url), 3)
        self.assertEqual(len(liar.paths), 1)

    def test_what_cannot_be_had(self):
        self.assert_error(self.get("example.org/broken"), 1, "undefined: nothing")
        self.assert_error(self.get("example.org/none"), 1)
        self.assert_error(self.get("nonsense"), 1, "nonsense")
        self.server.kill()
        self.assert_error(self.get("example.org/hello"), 3)
        self.assertEqual(os.listdir(self.dir).count("hello-v0.1.0-" + GO), 0)

    def refused(self, change, *texts, what="example.org/hello"):
        """A service that lies is found out, and nothing is left."""
        liar = Liar(self, self.server, change)
        r = self.get(what, url=liar.url, cache="cache%d" % len(os.listdir(self.dir)))
        self.assert_error(r, 4, *texts)
        self.assert_missing(self.path("hello-v0.1.0-" + GO))
        return liar

    def test_lies(self):
        self.assert_run(self.get("example.org/hello", "-o", "first"), 0)
        self.assert_run(self.get("example.org/hello/cmd/x", "-o", "second"), 0)

        def packed(path, status, body):
            return (status, body[:12] + bytes([body[12] ^ 1]) + body[13:]) if path.endswith(".gz") else (status, body)
        self.refused(packed, "hello-v0.1.0")

        def another_binary(path, status, body):
            if not path.endswith(".gz"):
                return status, body
            other = build_lab.request(self.server.address, "GET", self.server.follow(
                "/example.org/hello@v0.1.0/cmd/x/%s/dl" % TARGET)[0] + ".gz")
            return status, other.body
        self.refused(another_binary)

        def record(path, status, body):
            return (status, body.replace(b"wasm go1.26.8 ", b"wasm go1.26.8 1")) if "/lookup/" in path else (status, body)
        self.refused(record)

        def signature(path, status, body):
            other = b"B" if body[-20:-19] == b"A" else b"A"
            return (status, body[:-20] + other + body[-19:]) if "/lookup/" in path else (status, body)
        self.refused(signature)

        # Another build's record, truly in the log.
        def other_record(path, status, body):
            if "/lookup/example.org/hello@v0.1.0/js" not in path and "@latest/js" not in path:
                return status, body
            return 200, self.server.get("/tlog/lookup/example.org/hello@v0.1.0/cmd/x/%s/" % TARGET).body
        self.refused(other_record, "another")

        # A version that was asked for is that one, though the service is asked what "latest" of Go is.
        self.lab.command(version="v0.2.0", dirs=("", "cmd/x"))
        old = "/tlog/lookup/example.org/hello@v0.1.0/%s/" % TARGET

        def old_version(path, status, body):
            return (200, self.server.get(old).body) if "/lookup/" in path and "@v0.2.0" in path else (status, body)
        self.refused(old_version, "another build", what="example.org/hello@v0.2.0")

        def tile(path, status, body):
            return (status, b"\0" * len(body)) if "/tile/" in path else (status, body)
        self.refused(tile)

    def test_a_log_that_tells_two_histories(self):
        self.assert_run(self.get("example.org/hello", "-o", "first"), 0)
        self.server.kill()
        # The same key, another log: as if somebody else were shown another one.
        shutil.rmtree(os.path.join(self.lab.dir, "data"))
        self.lab.salt("other")
        self.server = self.lab.serve()
        r = self.get("example.org/hello", "-o", "second")
        self.assert_error(r, 4, "told two histories", "evidence")
        self.assert_missing(self.path("second"))
        self.assertTrue([f for f in os.listdir(self.path("cache", "builds", self.lab.name)) if "evidence" in f])

    def test_a_service_with_another_key(self):
        self.assert_run(self.get("example.org/hello", "-o", "first"), 0)
        self.server.kill()
        shutil.rmtree(os.path.join(self.lab.dir, "data"))
        key = self.path("key2")
        r = cli.gwtool("build", "genkey", self.lab.name, "--key", key)
        self.server = self.lab.serve(key=key)
        self.assert_error(self.get("example.org/hello", "-o", "second"), 4)
        self.assert_error(self.get("example.org/hello", "-o", "second", key=r.lines[0]), 4, "not signed by this key")
        self.assert_missing(self.path("second"))

    def test_verify(self):
        other = build_lab.BuildLab.__new__(build_lab.BuildLab)
        other.__dict__.update(self.lab.__dict__)
        other.key_file = self.path("key2")
        r = cli.gwtool("build", "genkey", "second.example.org", "--key", other.key_file)
        other.key = r.lines[0]
        second = other.serve(data=self.path("data2"))
        verifier = "%s=%s/tlog" % (other.key, second.url)
        key = "example.org/hello@v0.1.0/%s/" % TARGET
        r = self.get(key, "--verifier", verifier, command="verify")
        self.assert_run(r, 0, err="")
        self.assertEqual(r.out.split()[2], key)
        total = r.out.split()[0]
        self.assert_run(self.get(key + total + "/", command="verify"), 0)
        self.assert_error(self.get(key + "0" + "A" * 27 + "/", command="verify"), 4, "the log of")
        r = self.get("example.org/hello", "--verifier", verifier, "-o", "x")
        self.assert_run(r, 0)
        # The two differ from now on.
        self.lab.salt("other")
        self.assert_run(self.get("example.org/hello/cmd/x", "-o", "y"), 0)
        self.lab.salt("another")
        r = self.get("example.org/hello/cmd/x", "--verifier", verifier, "-o", "z")
        self.assert_error(r, 4, "has another record")
        self.assert_missing(self.path("z"))
        self.assert_error(self.get("example.org/hello@latest", command="verify"), 2, "neither a file nor")

    def test_enough_of_several_services(self):
        servers = []
        for name in ("second", "third"):
            key_file = self.path(name + "-key")
            r = cli.gwtool("build", "genkey", name + ".example.org", "--key", key_file)
            server = self.lab.serve(key=key_file, data=self.path(name))
            servers.append(server)
            servers[-1].vkey = "%s=%s/tlog" % (r.lines[0], server.url)
        verifiers = [a for s in servers for a in ("--verifier", s.vkey)]
        get = lambda what, *args, **kw: self.get(what, *verifiers, *args, **kw)
        self.assert_error(get("example.org/hello", "--servers", "2/2"), 2, "3 are named")
        for bad in ("0/3", "4/3", "2", "x/3"):
            self.assert_error(get("example.org/hello", "--servers", bad), 2, "servers")
        r = get("example.org/hello", "--servers", "2/3", "--json", "-o", "a")
        self.assert_run(r, 0, err="")
        self.assertEqual(r.json["logs"], 3)
        # One is down: told, and two are enough; all three are not.
        servers[1].kill()
        key = "example.org/hello@v0.1.0/%s/" % TARGET
        r = get("example.org/hello", "--servers", "2/3", "-o", "b")
        self.assert_run(r, 0)
        self.assertIn("asking third.example.org", r.err)
        self.assert_error(get("example.org/hello", "-o", "c"), 3, "asking third.example.org")
        self.assert_run(get(key, "--servers", "2/3", command="verify"), 0)
        # The first one is: another knows.
        where = self.server.url
        self.server.kill()
        self.assert_run(get("example.org/hello", "--servers", "1/3", "-o", "d", url=where), 0)
        self.assert_error(get("example.org/hello", "--servers", "2/3", "-o", "e", url=where), 3)
        # They differ.
        self.server = self.lab.serve()
        self.lab.salt("other")
        self.assert_run(self.get("example.org/hello/cmd/x", "-o", "f"), 0)
        self.lab.salt("another")
        r = get("example.org/hello/cmd/x", "--servers", "1/3", "-o", "g")
        self.assert_error(r, 4, "has another record")
        r = get("example.org/hello/cmd/x", "--servers", "2/3", "-o", "g")
        self.assert_error(r, 4, "has another record")
        for name in "ceg":
            self.assert_missing(self.path(name))


if __name__ == "__main__":
    cli.main()
