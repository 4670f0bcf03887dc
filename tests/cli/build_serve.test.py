"""gwtool build serve: what each page answers before, during and after a build."""

import base64
import gzip
import hashlib
import html
import http.client
import json
import os
import shutil
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import cli
from build_lab import TARGET

HELLO = "/example.org/hello@v0.1.0/" + TARGET + "/"
BROKEN = "/example.org/broken@v0.1.0/" + TARGET + "/"


def sum_of(data):
    return "0" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:20]).decode().rstrip("=")


class Serve(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = build_lab.BuildLab(self)
        self.lab.command()
        self.lab.command("example.org/broken")

    def expect(self, answer, status, location=None):
        self.assertEqual(answer.status, status, str(answer))
        if location is not None:
            self.assertEqual(answer.location, location)
        return answer

    def test_a_build_from_its_first_page_to_the_file(self):
        s = self.lab.serve()
        page = self.expect(s.page(HELLO), 200)
        self.assertEqual(page.headers["cache-control"], "no-store")
        self.assertIn("Not built yet", page.text)
        for name in ("log", "dl"):
            self.expect(s.get(HELLO + name), 422)
        self.expect(s.get(HELLO + "retry"), 422)
        self.expect(s.get(HELLO + "else"), 404)
        self.expect(s.get("/tlog/tile/8/0/000.p/1"), 404)

        # Asking for the record builds.
        r = self.expect(s.get(HELLO + "record"), 307)
        result = r.location[:-len("record")]
        record = self.expect(s.get(r.location), 200).text
        self.assertRegex(record, r"^example\.org/hello v0\.1\.0 / js wasm go1\.26\.8 \d+ 0[\w-]{27} \n$")
        size, total = record.split(" ")[6:8]
        self.assertEqual(result, HELLO + total + "/")

        for name in ("", "log", "dl", "record", "events", "hello-v0.1.0-go1.26.8.gz"):
            self.expect(s.get(HELLO + name), 307, result + name)
        self.expect(s.post(HELLO + "retry"), 303, result)
        page = self.expect(s.page(result), 200)
        self.assertIn(total, page.text)
        self.assertIn("gwtool build get example.org/hello@v0.1.0", page.text)
        self.assertIn("building example.org/hello@v0.1.0", self.expect(s.get(result + "log"), 200).text)
        self.expect(s.get(result + "dl"), 307, result + "hello-v0.1.0-go1.26.8")
        binary = self.expect(s.get(result + "hello-v0.1.0-go1.26.8"), 200)
        self.assertEqual(sum_of(binary.body), total)
        self.assertEqual(len(binary.body), int(size))
        packed = self.expect(s.get(result + "hello-v0.1.0-go1.26.8.gz"), 200)
        self.assertEqual(gzip.decompress(packed.body), binary.body)
        self.assertNotIn("content-encoding", packed.headers)
        self.assertEqual(packed.headers["repr-digest"], "sha-256=:%s:" % base64.b64encode(
            hashlib.sha256(packed.body).digest()).decode())
        part = s.get(result + "hello-v0.1.0-go1.26.8", headers={"Range": "bytes=3-7"})
        self.expect(part, 206)
        self.assertEqual(part.body, binary.body[3:8])
        events = self.expect(s.get(result + "events"), 200)
        self.assertEqual(events.text, 'event: update\ndata: {"Kind":"Success","Sum":"%s"}\n\n' % total)
        self.expect(s.post(result + "retry"), 404)
        # A wrong sum, and one of something that was never built.
        wrong = total[:-2] + "QA" if total[-2:] != "QA" else total[:-2] + "AA"
        self.expect(s.get(HELLO + wrong + "/"), 404)
        other = HELLO.replace("wasm-", "wasm-").replace(TARGET, TARGET + "-stripped")
        page = self.expect(s.page(other + total + "/"), 404)
        self.assertIn("Build it and compare", page.text)
        # A stripped build is another one.
        self.expect(s.get(other + "record"), 307)
        self.assertEqual(s.follow("/tlog/latest")[1].text.split("\n")[1], "2")

        # What was built of a version, and of no other one.
        self.lab.command(version="v0.1.0-pre")
        self.lab.modules.log()
        self.expect(s.get(HELLO.replace("v0.1.0", "v0.1.0-pre") + "record"), 307)
        sums = self.expect(s.get("/example.org/hello@v0.1.0?sums"), 200).text
        self.assertEqual(len(sums.splitlines()), 2, sums)
        self.assertIn(record, sums)

        # HEAD as GET; other methods not at all.
        head = build_lab.request(s.address, "HEAD", result)
        self.assertEqual((head.status, head.body), (200, b""))
        self.expect(build_lab.request(s.address, "PUT", result), 405)
        self.expect(s.post(result), 405)
        for path in ("/tlog/latest", "/tlog/lookup" + HELLO, "/nonsense", "/-/style.css"):
            self.assertEqual(self.expect(s.post(path), 405).headers["allow"], "GET, HEAD")
        # What browsers ask for is no module, and where things lie here is nobody's business.
        self.expect(s.get("/favicon.ico"), 404)
        shutil.rmtree(os.path.join(self.lab.dir, "go"))
        self.lab.command(version="v0.3.0")
        self.lab.modules.log()
        for path in (HELLO.replace("v0.1.0", "v0.3.0") + "record", "/example.org/none@v1.0.0/%s/" % TARGET,
                     "/tlog/lookup/example.org/none@v1.0.0/%s/" % TARGET):
            r = s.get(path)
            self.assertGreaterEqual(r.status, 400)
            self.assertNotIn(self.dir, r.text)
        self.assertEqual(s.stop(), 0)

    def test_what_fails_is_remembered_and_can_be_tried_again(self):
        s = self.lab.serve()
        self.expect(s.get(BROKEN + "record"), 422)
        page = self.expect(s.page(BROKEN), 200)
        self.assertIn("undefined: nothing", page.text)
        self.assertIn("undefined: nothing", self.expect(s.get(BROKEN + "log"), 200).text)
        self.assertNotIn(self.dir, s.get(BROKEN + "log").text)
        for name in ("dl", "record", "events", "broken-v0.1.0-go1.26.8"):
            self.expect(s.get(BROKEN + name), 422)
        for _ in range(2):
            self.expect(s.get("/tlog/lookup" + BROKEN), 404)
        failures = json.loads(s.ask_admin("/failures").text)
        self.assertEqual([f["key"] for f in failures], [BROKEN[1:]])
        self.assertEqual(failures[0]["reason"], "undefined symbol")
        self.assertIn('gwtool_buildd_builds_total{end="failed"} 1\n', s.ask_admin("/metrics").text)

        # It still fails, and is built again.
        self.expect(s.post(BROKEN + "retry"), 303, BROKEN)
        cli.wait_until(lambda: s.get(BROKEN + "record").status == 422)
        self.assertIn('gwtool_buildd_builds_total{end="failed"} 2\n', s.ask_admin("/metrics").text)
        self.assertEqual(json.loads(s.ask_admin("/failures/forget", "POST").text), {"forgotten": 1})
        self.assertIn("Not built yet", s.page(BROKEN).text)
        self.assertEqual(s.ask_admin("/healthz").status, 200)
        # A list of the operator's; what is built already is left out.
        self.lab.command("example.org/third")
        self.lab.modules.log()
        third = HELLO.replace("hello", "third")
        r = json.loads(s.ask_admin("/build", "POST", body=third[1:] + "\n\nnonsense\n").text)
        self.assertEqual((r["queued"], [x["line"] for x in r["refused"]]), (1, ["nonsense"]))
        cli.wait_until(lambda: s.get(third).status == 307)
        r = json.loads(s.ask_admin("/build", "POST", body=third[1:] + "\n").text)
        self.assertEqual(r, {"queued": 0, "refused": []})
        self.assertEqual(s.ask_admin("/build", "POST", headers={"Origin": "https://example.com"}).status, 403)
        self.assertEqual(s.ask_admin("/drain", "POST", headers={"Origin": "https://example.com"}).status, 403)
        # What the first page says.
        self.assertEqual(s.ask_admin("/notes", "POST", body="x", headers={"Origin": "https://example.com"}).status,
                         403)
        self.assertEqual(s.ask_admin("/notes", "POST", body="<closed> on Friday\n").status, 200)
        self.assertEqual(s.ask_admin("/notes").text.strip(), "<closed> on Friday")
        self.assertIn("&lt;closed&gt; on Friday", s.page("/").text)
        self.assertEqual(s.ask_admin("/notes", "POST", body="x" * 10001).status, 422)
        self.assertEqual(s.ask_admin("/drain", "POST").status, 200)
        self.expect(s.get(HELLO + "record"), 503)

    def test_a_target_that_only_a_c_compiler_links_is_a_failed_build(self):
        s = self.lab.serve()
        page = HELLO.replace(TARGET, "ios-arm64-go1.26.8")
        self.assertIn("Not built yet", self.expect(s.page(page), 200).text)
        events = self.expect(s.get(page + "events"), 200).text
        said = "needs cgo (platform): ios/arm64 requires external (cgo) linking, but cgo is not enabled"
        self.assertEqual(json.loads(events.split("data: ")[-1]), {"Kind": "PermFailed", "Error": said})
        text = html.unescape(self.expect(s.page(page), 200).text)
        self.assertIn(said, text)
        self.assertIn("Builds here have no C compiler", text)
        self.assertIn(said, self.expect(s.get(page + "log"), 200).text)
        for name in ("record", "dl", "hello-v0.1.0-go1.26.8"):
            self.assertIn(said, self.expect(s.get(page + name), 422).text)
        self.assertIn(said, self.expect(s.get("/tlog/lookup" + page), 404).text)
        failures = json.loads(s.ask_admin("/failures").text)
        self.assertEqual([(f["key"], f["reason"]) for f in failures], [(page[1:], "needs cgo (platform)")])
        # Who asks for it at another service is told the same.
        r = self.gwtool("build", "get", page[1:], "--log-key", self.lab.key, "--source", s.url + "/tlog",
                        "--cache", self.path("cache"))
        self.assert_error(r, 1, said)
        # Nobody is led there: what is built is shown for other targets only.
        _, built = s.follow(HELLO + "record")
        self.expect(built, 200)
        self.assertNotIn("ios", s.follow(HELLO)[1].text)

    def test_events_of_a_build(self):
        self.lab.command("example.org/slow")
        s = self.lab.serve("--builders", "1")
        slow = "/example.org/slow@v0.1.0/%s/" % TARGET
        seen = {}
        threads = [threading.Thread(target=lambda p=p: seen.__setitem__(p, s.get(p + "events")))
                   for p in (slow, HELLO, BROKEN)]
        threads[0].start()
        cli.wait_until(lambda: "compiling" in s.ask_admin("/pending").text)
        for t in threads[1:]:
            t.start()
        cli.wait_until(lambda: len(json.loads(s.ask_admin("/pending").text)) == 3)
        page = s.page(HELLO).text
        self.assertIn('data-pending="1"', page)
        self.assertIn('http-equiv="refresh"', page)
        self.lab.let_slow_go_on()
        for t in threads:
            t.join()
        for path, end in ((slow, "Success"), (HELLO, "Success"), (BROKEN, "PermFailed")):
            text = seen[path].text
            self.assertEqual(seen[path].headers["content-type"], "text/event-stream")
            self.assertTrue(text.startswith(": keepalive\n\n"), text)
            events = [json.loads(e.split("data: ")[1]) for e in text.split("\n\n") if "data: " in e]
            self.assertEqual(events[-1]["Kind"], end)
            self.assertEqual({e["Kind"] for e in events[:-1]}, {"QueuePosition"})
            self.assertEqual(events[-2]["QueuePosition"], 0)
            self.assertIn("event: update\n", text)

    def test_paths_that_must_be_resolved(self):
        self.lab.command("example.org/two", dirs=("cmd/a", "cmd/b"))
        self.lab.command("example.org/two", "v0.2.0", dirs=("cmd/a", "cmd/b"))
        s = self.lab.serve()
        self.expect(s.get("/?m=example.org/two"), 307, "/example.org/two")
        self.expect(s.get("/?m=+example.org/two@v1/"), 307, "/example.org/two@v1")
        self.expect(s.get("/?m=https://example.org/two/"), 307, "/example.org/two")
        # No file of the module proxy can have such a name.
        self.expect(s.get("/example.org/" + "a" * 300), 422)
        for elsewhere in ("%5Cevil.example", "%5C%5Cevil.example/x", "a.b%5C@evil.example", "%0D%0Ax:y"):
            self.expect(s.get("/?m=" + elsewhere), 404)
        self.expect(s.get("/example.org/two/"), 307, "/example.org/two")
        page = self.expect(s.page("/example.org/two"), 200)
        self.assertIn('href="/example.org/two@v0.2.0/cmd/b"', page.text)
        # One command: there at once; for the reader's machine.
        self.expect(s.get("/example.org/hello"), 307, "/example.org/hello@v0.1.0")
        self.expect(s.get("/example.org/hello@v0.1.0"), 307,
                    "/example.org/hello@v0.1.0/linux-amd64-go1.26.8/")
        r = s.page("/example.org/hello@latest", agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64)")
        self.expect(r, 307, "/example.org/hello@v0.1.0/windows-amd64-go1.26.8/")
        # Both in one hop, and what follows stays.
        two = "/example.org/two@v0.2.0/cmd/a/%s/" % TARGET
        for version in ("latest", "v0", "v0.2"):
            self.expect(s.get("/example.org/two@%s/cmd/a/js-wasm-latest/record" % version), 307, two + "record")
        self.expect(s.get("/example.org/two@latest/cmd/a/js-wasm-go1.26.latest/"), 307, two)
        # A file's name with what was asked for in it, or what that is; any other is none.
        self.expect(s.get("/example.org/two@latest/cmd/a/js-wasm-latest/a-latest-latest.gz"), 307,
                    two + "a-v0.2.0-go1.26.8.gz")
        self.expect(s.get("/example.org/two@latest/cmd/a/js-wasm-latest/a-v0.2.0-go1.26.8"), 307,
                    two + "a-v0.2.0-go1.26.8")
        for name in ("a-v0.1.0-go1.26.8", "nonsense", "a-latest-latest.zip"):
            self.expect(s.get("/example.org/two@latest/cmd/a/js-wasm-latest/" + name), 404)
        self.expect(s.get(two[:-1]), 307, two)
        self.expect(s.get("/b" + two), 301, two)
        self.expect(s.post("/example.org/two@latest/cmd/a/js-wasm-latest/retry"), 307, two + "retry")

        for path in ("/nothing", "/example.org/hello@v0.1.0/linux-vax-go1.26.8/", "/etc/passwd",
                     "/example.org/../hello", "/example.org/hello@v0.1.0/..%2f..%2fx/js-wasm-go1.26.8/",
                     "/example.org/hello@v0.1.0/js-wasm-go1.22/"):
            self.expect(s.get(path), 404)
        for path in ("/example.org/hello@upgrade", "/example.org/none", "/example.org/hello@v9.9.9/%s/" % TARGET,
                     "/example.org/two@v0.2.0/%s/" % TARGET,
                     "/example.org/hello@v0.1.0/js-wasm-go1.13/"):
            self.expect(s.get(path), 422)
        self.assertIn("not a main package", s.get("/example.org/two@v0.2.0/%s/record" % TARGET).text)
        for path in ("/robots.txt", "/-/style.css", "/-/follow.js", "/"):
            self.expect(s.get(path), 200)
        self.assertIn("Disallow: /*@", s.get("/robots.txt").text)
        self.assertIn("noindex", s.page(HELLO).headers["x-robots-tag"])

    def until_refused(self, least, ask):
        """ask(0), ask(1) and so on, until one is answered with 429; it and the statuses before. A minute lets
        through `least`; twice as many come through where one ends meanwhile."""
        statuses = []
        for n in range(2 * least + 1):
            r = ask(n)
            if r.status == 429:
                self.assertGreaterEqual(n, least)
                return r, statuses
            statuses.append(r.status)
        self.fail("nothing was refused")

    def test_rules(self):
        self.lab.command("example.com/other")
        s = self.lab.serve("--allow-module", "example.org", "--refuse-agent", "BadBot",
                           "--trusted-proxy", "127.0.0.1", "--refuse-network", "192.0.2.0/24")
        self.expect(s.get("/example.com/other@v0.1.0/%s/record" % TARGET), 403)
        self.expect(s.get(HELLO + "record", headers={"User-Agent": "x badbot/1"}), 403)
        self.expect(s.get(HELLO + "record", headers={"X-Forwarded-For": "192.0.2.7"}), 403)
        self.expect(s.get("/tlog/lookup" + HELLO, headers={"X-Forwarded-For": "192.0.2.7"}), 403)
        # Nor is anything fetched for a module's page.
        self.expect(s.get("/example.com/other"), 403)
        self.expect(s.get("/example.org/hello", headers={"User-Agent": "x badbot/1"}), 403)
        self.expect(s.get("/example.org/hello", headers={"X-Forwarded-For": "192.0.2.7"}), 403)
        for n in range(21):
            self.lab.command("example.org/n%d" % n)
        self.lab.modules.log()
        refused, before = self.until_refused(
            10, lambda n: s.get("/example.org/n%d@v0.1.0/%s/record" % (n, TARGET),
                                headers={"X-Forwarded-For": "198.51.100.7"}))
        self.assertEqual(set(before), {307})
        self.assertGreater(int(refused.headers["retry-after"]), 0)
        # Questions for the module proxy are bounded, too.
        _, before = self.until_refused(
            200, lambda n: s.get("/example.org/x%d" % n, headers={"X-Forwarded-For": "203.0.113.7"}))
        self.assertEqual(set(before), {422})
        # What is built is anybody's; others may still ask.
        self.expect(s.get("/example.org/n0@v0.1.0/%s/" % TARGET, headers={"X-Forwarded-For": "192.0.2.7"}), 307)
        self.expect(s.get(HELLO + "record", headers={"X-Forwarded-For": "198.51.101.8"}), 307)
        metrics = s.ask_admin("/metrics").text
        self.assertIn('gwtool_buildd_refused_total{reason="client"} 5\n', metrics)
        self.assertIn('gwtool_buildd_refused_total{reason="rate"} 2\n', metrics)
        self.assertIn('gwtool_buildd_refused_total{reason="module"} 2\n', metrics)

    def test_who_asks_behind_a_proxy_that_adds_a_line(self):
        s = self.lab.serve("--trusted-proxy", "127.0.0.1", "--refuse-network", "192.0.2.0/24")
        lines = http.client.HTTPMessage()
        for address in ("203.0.113.7", "192.0.2.7"):
            lines.add_header("X-Forwarded-For", address)
        self.expect(s.get(HELLO + "record", headers=lines), 403)
        # One that cannot be told counts, too.
        asked = {s.get("/example.org/x%d" % n, headers={"X-Forwarded-For": "unknown"}).status
                 for n in range(401)}
        self.assertEqual(asked, {422, 429})

    # More than two windows of ten minutes let pass.
    MANY = 41

    def test_retries_are_counted(self):
        s = self.lab.serve()
        self.expect(s.page(BROKEN), 200)
        self.expect(s.get(BROKEN + "record"), 422)
        answers = []
        while len(answers) < self.MANY and answers[-1:] != [429]:
            answers.append(s.post(BROKEN + "retry").status)
            self.expect(s.get(BROKEN + "record"), 422)
        self.assertEqual(set(answers), {303, 429})

    def test_files_that_made_room_are_built_again_under_the_same_rules(self):
        binaries = os.path.join(self.lab.dir, "data", "binaries")

        def evict():
            for name in os.listdir(binaries):
                if name.startswith(result.split("/")[-2]):
                    os.remove(os.path.join(binaries, name))
        s = self.lab.serve()
        result = self.expect(s.get(HELLO + "record"), 307).location[:-len("record")]
        file = result + "hello-v0.1.0-go1.26.8"
        answers = []
        while len(answers) < self.MANY and answers[-1:] != [429]:
            evict()
            answers.append(s.get(file).status)
        self.assertEqual(set(answers), {307, 429})
        self.assertEqual(s.stop(), 0)
        s = self.lab.serve("--allow-module", "example.com")
        self.expect(s.get(result + "record"), 200)
        self.expect(s.get(file), 403)
        self.assertEqual(s.stop(), 0)
        # That it cannot be built just now is for no longer than that.
        program = os.path.join(self.lab.dir, "go", "go1.26.8", "bin", "go")
        with open(program) as f:
            text = f.read()
        with open(program, "w") as f:
            f.write(text.replace("[ $name = broken ]", "true"))
        s = self.lab.serve()
        for _ in range(2):
            self.assertIn("retry-after", self.expect(s.get(file), 503).headers)
        metrics = s.ask_admin("/metrics").text
        self.assertIn('gwtool_buildd_builds_total{end="failed"} 0\n', metrics)
        self.assertIn('gwtool_buildd_builds_total{end="temporary"} 2\n', metrics)
        self.assertEqual(json.loads(s.ask_admin("/failures").text), [])
        with open(program, "w") as f:
            f.write(text)
        self.assertEqual(s.follow(file)[1].status, 200)

    def test_a_stop_tells_those_who_wait_and_a_start_continues(self):
        self.lab.command("example.org/slow")
        s = self.lab.serve("--builders", "1", "--queue", "1")
        self.expect(s.get(HELLO + "record"), 307)
        slow = "/example.org/slow@v0.1.0/%s/record" % TARGET
        answers = []
        threads = [threading.Thread(target=lambda p=p: answers.append(s.get(p)))
                   for p in ("/tlog/lookup" + slow[:-len("record")], BROKEN + "record")]
        threads[0].start()
        cli.wait_until(lambda: "compiling" in s.ask_admin("/pending").text)
        threads[1].start()
        cli.wait_until(lambda: len(json.loads(s.ask_admin("/pending").text)) == 2)
        events = http.client.HTTPConnection(s.address, timeout=60 * cli.SLOWNESS)
        self.addCleanup(events.close)
        events.request("GET", slow[:-len("record")] + "events")
        stream = events.getresponse()
        while b"compiling" not in stream.readline():
            pass
        self.lab.command("example.org/third")
        self.lab.modules.log()
        full = s.get("/example.org/third@v0.1.0/%s/record" % TARGET)
        self.expect(full, 503)
        self.assertIn("retry-after", full.headers)
        self.assertEqual(s.stop(), 0)
        for t in threads:
            t.join()
        # Each is told to come back, in its own way.
        for answer in answers:
            self.expect(answer, 503)
            self.assertIn("retry-after", answer.headers)
            self.assertIn("the service is being stopped", answer.text)
        self.assertIn(b'"Kind":"TempFailed","Error":"the service is being stopped"',
                      stream.read().split(b"event: update")[-1])
        self.assertIn("event=stopped records=1", s.err)
        self.lab.let_slow_go_on()
        s = self.lab.serve()
        self.expect(s.get(HELLO), 307)
        self.expect(s.get(slow), 307)
        self.assertEqual(s.get("/tlog/latest").text.split("\n")[1], "2")

    def test_records_of_old_are_built_again(self):
        s = self.lab.serve("--rebuild-every", "1s")
        self.expect(s.get(HELLO + "record"), 307)
        cli.wait_until(lambda: 'rebuilt_records_total{end="same"} 0\n' not in s.ask_admin("/metrics").text)
        self.lab.salt("other")
        cli.wait_until(lambda: 'rebuilt_records_total{end="differs"} 0\n' not in s.ask_admin("/metrics").text)
        s.wait_err('event="rebuild differs" key=')
        self.assertNotIn("gwtool_buildd_disagreements_total 0\n", s.ask_admin("/metrics").text)
        self.assertEqual(s.get("/tlog/latest").text.split("\n")[1], "1")
        self.assertEqual(s.stop(), 0)
        # Once in so long, over restarts, too.
        for name in ("rebuilt", "audited"):
            self.file("service/data/" + name, "1000000000\n")
        s = self.lab.serve("--rebuild-every", "1d", "--audit-every", "7d")
        s.wait_err('event="rebuild differs" key=')
        s.wait_err("event=audited records=1 ")
        self.assertEqual(s.stop(), 0)

    def test_by_a_configuration_file_and_under_a_service_manager(self):
        args = self.lab.args()[2:]
        pairs = [(args[i][2:], args[i + 1]) for i in range(0, len(args), 2)]
        config = self.file("config.toml", "[build-serve]\n" + "".join('%s = "%s"\n' % p for p in pairs))
        self.assert_run(self.gwtool("build", "serve", "--config", config, "--check-config"), 0, out="", err="")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(self.path("notify"))
            manager.settimeout(20 * cli.SLOWNESS)
            s = build_lab.Server([cli.GWTOOL, "build", "serve", "--config", config], env=cli.clean_env(
                NOTIFY_SOCKET=self.path("notify"), WATCHDOG_USEC="400000"))
            self.addCleanup(s.kill)
            self.assertTrue(manager.recv(1000).startswith(b"READY=1\n"))
            self.assertEqual({manager.recv(1000), manager.recv(1000)}, {b"WATCHDOG=1\n"})
            self.expect(s.get(HELLO + "record"), 307)
            self.assertEqual(s.stop(), 0)
            seen = b""
            while b"STOPPING=1" not in seen:
                seen = manager.recv(1000)

    def test_pages_as_json(self):
        s = self.lab.serve()

        def ask(path):
            r = s.get(path, headers={"Accept": "application/json"})
            return r.status, r.location or json.loads(r.text)
        self.assertEqual(ask("/")[1]["verifier_key"], self.lab.key)
        self.assertEqual(ask("/example.org/hello")[1]["commands"], ["/"])
        self.assertEqual(ask(HELLO), (200, {"key": HELLO[1:], "state": "unbuilt"}))
        s.get(HELLO + "record")
        status, result = ask(HELLO)
        self.assertEqual(status, 307)
        built = ask(result)[1]
        self.assertEqual((built["state"], built["record"], built["goos"]), ("built", 0, "js"))
        self.assertEqual(result, HELLO + built["sum"] + "/")
        self.assertEqual(ask("/example.org/hello@latest")[1]["built"], [built])
        self.assertEqual(s.get("/example.org/hello@v0?sums").text, s.follow(HELLO + "record")[1].text)
        s.get(BROKEN + "record")
        self.assertEqual(ask(BROKEN)[1]["reason"], "undefined symbol")
        self.assertEqual(ask("/nothing")[0], 404)
        self.assertEqual(ask("/nothing")[1]["error"]["kind"], "not_found")

    def test_a_feed_of_records(self):
        s = self.lab.serve("--build-once")
        record = s.follow(HELLO + "record")[1].text
        other = HELLO.replace(TARGET, TARGET + "-stripped")

        def read(path, headers, events):
            c = http.client.HTTPConnection(s.address, timeout=20)
            self.addCleanup(c.close)
            c.request("GET", path, headers=headers)
            r = c.getresponse()
            self.assertEqual(r.getheader("content-type"), "text/event-stream")
            self.assertEqual((r.readline(), r.readline()), (b": keepalive\n", b"\n"))
            if headers.get("X-Build"):
                s.get(headers["X-Build"])
            return [[r.readline().decode() for _ in range(4)] for _ in range(events)]
        first = ["id: 0\n", "event: record\n", "data: " + record, "\n"]
        self.assertEqual(read("/-/feed?from=0", {}, 1), [first])
        # What comes while it is open; then what was missed.
        second = read("/-/feed", {"X-Build": other + "record"}, 1)[0]
        self.assertEqual((second[0], second[2].endswith("stripped\n")), ("id: 1\n", True))
        self.assertEqual(read("/-/feed", {"Last-Event-ID": "0"}, 1), [second])
        self.assertEqual(read("/-/feed?from=0", {}, 2), [first, second])
        self.assertEqual(s.stop(), 0)

    def test_builds_that_differ_are_not_published(self):
        # Twice, and the second one has other bytes.
        s = self.lab.serve()
        script = os.path.join(self.lab.dir, "go", "go1.26.8", "bin", "go")
        with open(script, "a") as f:
            f.write("echo $$ >>$bin/$name\n")
        r = self.expect(s.get(HELLO + "record"), 503)
        self.assertIn("two builds differ", r.text)
        self.assertEqual(s.get("/tlog/latest").text.split("\n")[1], "0")
        self.assertIn("gwtool_buildd_disagreements_total 1\n", s.ask_admin("/metrics").text)
        self.assertIn("Not built yet", s.page(HELLO).text)

    def test_a_binary_that_was_cleaned_up_is_built_again_and_must_match(self):
        s = self.lab.serve()
        path, record = s.follow(HELLO + "record")
        result = path[:-len("record")]
        binaries = os.path.join(self.lab.dir, "data", "binaries")
        file = result + "hello-v0.1.0-go1.26.8"
        first = s.get(file).body
        for name in os.listdir(binaries):
            os.unlink(os.path.join(binaries, name))
        self.assertEqual(s.follow(file)[1].body, first)
        self.assertEqual(s.get("/tlog/latest").text.split("\n")[1], "1")
        for name in os.listdir(binaries):
            os.unlink(os.path.join(binaries, name))
        self.lab.salt("other")
        r = self.expect(s.get(file), 503)
        self.assertIn("differs from the one in the log", r.text)
        self.assertEqual(s.get("/tlog/latest").text.split("\n")[1], "1")

    def test_kill_9_at_any_moment_and_a_signer_that_is_killed(self):
        """What was answered is there after a restart, and the log is one log."""
        dirs = ["cmd/c%02d" % n for n in range(24)]
        self.lab.command("example.org/many", dirs=dirs)
        known, client = {}, ["--log-key", self.lab.key, "--cache", self.path("cache")]
        done = 0
        while done < len(dirs):
            s = self.lab.serve("--limits=false", "--builders", "3")
            answers, threads = {}, []
            for d in dirs[done:done + 4]:
                path = "/example.org/many@v0.1.0/%s/%s/record" % (d, TARGET)

                def ask(path=path):
                    try:
                        answers[path] = s.get(path).location
                    except (OSError, http.client.HTTPException):
                        pass
                threads.append(threading.Thread(target=ask))
                threads[-1].start()
            wanted = done // 4 % 4 + (done // 16)
            cli.wait_until(lambda: len(answers) >= min(wanted, 4))
            s.kill()
            for t in threads:
                t.join()
            known.update({p: l for p, l in answers.items() if l})
            done += 4
            s = self.lab.serve("--limits=false")
            for path, location in known.items():
                self.assertEqual(s.get(path).location, location)
            r = self.gwtool("build", "audit", "--binaries", "--source", s.url + "/tlog", *client)
            self.assert_run(r, 0, err="")
            # The signer: another takes its place.
            found = cli.run(["pgrep", "-P", str(s.pid), "-f", "build signer"])
            self.assertEqual(len(found.lines), 1)
            os.kill(int(found.lines[0]), signal.SIGKILL)
            before = s.get("/tlog/latest").text
            path = "/example.org/hello@v0.1.0/js-wasm-go1.26.8%s/record" % ("-stripped" if done % 8 else "")
            self.expect(s.get(path), 307)
            known[path] = s.get(path).location
            self.assertGreaterEqual(s.get("/tlog/latest").text.split("\n")[1], before.split("\n")[1])
            self.assertEqual(s.stop(), 0)
        self.assertGreater(len(known), 6)

    def test_starts_that_are_refused(self):
        # What people copy from its pages is a command line.
        for url in ("ftp://b.example.org", "b.example.org", "https://", "https:///x", "https://a.org/$(id)", "https://a\"b",
                    "https://a b", "https://a.org?x", "https://http://a.org"):
            self.assert_error(cli.gwtool(*self.lab.args("--base-url", url)), 2, "--base-url")
        self.assert_error(cli.gwtool(*self.lab.args(toolchain=self.path("none"))), 2, "--toolchain")
        s = self.lab.serve()
        r = cli.gwtool(*self.lab.args())
        self.assert_error(r, 3, "lock")
        self.expect(s.get(HELLO + "record"), 307)
        s.kill()
        # Another key would make another log of it.
        other = self.path("other-key")
        self.assert_run(cli.gwtool("build", "genkey", "builds.example.org", "--key", other), 0)
        self.assert_error(cli.gwtool(*self.lab.args(key=other)), 1, "published")
        # A database from before the last head would fork the log.
        data = os.path.join(self.lab.dir, "data")
        for name in os.listdir(data):
            if name.startswith("ledger.db"):
                os.unlink(os.path.join(data, name))
        self.assert_error(cli.gwtool(*self.lab.args()), 1, "fork")
        os.chmod(self.lab.key_file, 0o644)
        self.assert_error(cli.gwtool(*self.lab.args()), 2, "others may read")


if __name__ == "__main__":
    cli.main()
