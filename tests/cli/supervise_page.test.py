"""The page, metrics and webhooks of a supervised service, and attempts to get around what guards
them."""

import base64
import http.client
import json
import os
import re
import signal
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import supervise_lab


class Page(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = supervise_lab.Lab(self.path("lab"), self.addCleanup)
        self.lab.install()

    def start(self, *more):
        self.token_file = self.file("token", "hook-token\n", 0o600)
        sup = self.background([cli.GWTOOL, "supervise", *self.lab.options(
            "--admin-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--webhook-token-file",
            self.token_file, "--link", "Docs=https://docs.example/", *more), self.lab.link],
            env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        self.port = int(sup.wait_err(r"event=page address=127.0.0.1:(\d+)").group(1))
        with open(os.path.join(self.lab.state, "password")) as f:
            self.password = f.read().strip()
        self.origin = "http://127.0.0.1:%d" % self.port
        return sup

    def get(self, path, password=None, method="GET", body=None, headers=()):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * cli.SLOWNESS)
        h = dict(headers)
        if password is not None:
            h["Authorization"] = "Basic " + base64.b64encode(("admin:" + password).encode()).decode()
        if body is not None:
            h.setdefault("Content-Type", "application/x-www-form-urlencoded")
        c.request(method, path, body, h)
        r = c.getresponse()
        text = r.read().decode()
        c.close()
        return r.status, text, r.headers

    def post(self, path, fields, headers=(), password=None):
        return self.get(path, password or self.password, "POST", urllib.parse.urlencode(fields), headers)

    def form_token(self):
        return re.search(r'name="token" value="(\w+)"', self.get("/", self.password)[1]).group(1)

    def test_the_page_and_its_buttons(self):
        self.lab.release("v0.1.1")
        sup = self.start("--delay", "1h")
        status, html, headers = self.get("/", self.password)
        self.assertEqual(status, 200)
        self.assertIn("frame-ancestors 'none'", headers["Content-Security-Policy"])
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertEqual(headers["Cache-Control"], "no-store")
        self.assertIn(self.lab.go, html)
        self.assertIn("https://docs.example/", html)
        self.assertIn("Not known yet</p><p>Nobody has looked for versions yet.", html)
        self.assertIn("<dt>delay</dt><dd>1h</dd>", html)
        self.assertIn("installed by the system's packages", html)
        self.assertEqual(self.get("/style.css")[0], 200)
        browser = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        token = self.form_token()
        status, _, headers = self.post("/check", {"token": token}, browser)
        self.assertEqual((status, headers["Location"]), (303, "/"))
        sup.wait_err("event=checked newer=1")
        html = self.get("/", self.password)[1]
        self.assertIn("Will be installed", html)
        self.assertEqual(self.post("/pause", {"token": token}, browser)[0], 303)
        self.assertIn("Resume updates", self.get("/", self.password)[1])
        # now, by hand
        fields = {"token": token, "version": "v0.1.1", "goversion": self.lab.go}
        self.assertEqual(self.post("/update", fields, browser)[0], 303)
        sup.wait_err("event=updated version=v0.1.1")
        status, html, _ = self.post("/update", fields, browser)
        self.assertEqual(status, 400)
        self.assertIn("runs already", html)
        self.assertIn("updated", html)
        if os.geteuid() == 0:
            # The page is somebody else, for whom nothing goes back.
            self.assertNotIn("Roll back", html)
            status, html, _ = self.post("/rollback", {"token": token}, browser)
            self.assertEqual(status, 400)
            self.assertIn("does not go back", html)
        else:
            self.assertEqual(self.post("/rollback", {"token": token}, browser)[0], 303)
            sup.wait_err("event=updated version=v0.1.0")
        self.assertEqual(sup.stop(), 5)

    def test_programs(self):
        self.lab.release("v0.1.1")
        sup = self.start("--event-url", "https://me:secret@hooks.example/x", "--event", "exited")
        status, text, _ = self.get("/json", self.password)
        self.assertEqual(status, 200)
        self.assertIn('"module":"example.test/svc"', text)
        settings = {s["name"]: (s["value"], s["given"]) for s in json.loads(text)["settings"]}
        self.assertEqual(settings["trial"], ("300ms", True))
        self.assertEqual(settings["interval"], ("1d", False))
        self.assertEqual(settings["event-url"], ("https://hooks.example/x", True))
        self.assertNotIn("secret", text)
        self.assertEqual(self.post("/update", {"which": "service", "version": "v0.1.1",
                                               "goversion": "current"})[:2], (200, "ok\n"))
        sup.wait_err("event=updated version=v0.1.1")
        self.assertEqual(self.post("/update", {"version": "v0.1.1", "goversion": "current"})[0], 400)
        self.assertEqual(self.post("/update", {"which": "self"})[0], 400)

    def test_getting_around_the_password(self):
        self.start()
        for path in ("/", "/json"):
            for password in (None, "", "wrong"):
                status, text, headers = self.get(path, password)
                self.assertEqual(status, 401, (path, password))
                self.assertIn("Basic", headers["WWW-Authenticate"])
                self.assertNotIn("example.test", text)
        for path in ("/update", "/check", "/pause", "/resume", "/rollback", "/skip", "/reload"):
            self.assertEqual(self.get(path, None, "POST", "")[0], 401, path)
            self.assertEqual(self.get(path, self.password)[0], 405, path)
        for path in ("//", "/./", "/%2e/", "/json/", "/..%2fjson", "/JSON"):
            self.assertIn(self.get(path)[0], (401, 404), path)
        # what is nearly it, who else may have it, where else it may stand
        basic = [base64.b64encode(pair.encode()).decode() for pair in (
            "root:" + self.password, "Admin:" + self.password, "admin", ":" + self.password,
            self.password, "admin:" + self.password[:-1], "admin: " + self.password)]
        right = base64.b64encode(("admin:" + self.password).encode()).decode()
        for header in [*("Basic " + b for b in basic), "Bearer " + right, "Digest " + right, right,
                       "Bearer " + self.password, "Basic"]:
            self.assertEqual(self.get("/json", headers={"Authorization": header})[0], 401, header)
        for headers in ({"Cookie": "Authorization=Basic " + right}, {"X-Authorization": "Basic " + right},
                        {"Proxy-Authorization": "Basic " + right}):
            self.assertEqual(self.get("/json?password=" + self.password, headers=headers)[0], 401, headers)
        # guesses are counted, also when one of them is right
        for _ in range(10):
            self.get("/", "guess")
        self.assertEqual(self.get("/", self.password)[0], 429)
        self.assertEqual(os.stat(os.path.join(self.lab.state, "password")).st_mode & 0o777, 0o600)

    def test_a_password_that_lets_nobody_in_is_told_of(self):
        for n, (text, why) in enumerate((("", "is empty"), ("a\tb", "has a control character"),
                                         ("x" * 1025, "is longer than 1024 bytes"))):
            bad = self.file("bad%d" % n, text + "\n", 0o600)
            sup = self.background([cli.GWTOOL, "supervise", *self.lab.options(
                "--admin-listen", "127.0.0.1:0", "--password-file", bad), self.lab.link],
                env=self.lab.env())
            self.addCleanup(self.lab.kill_services)
            sup.wait_err("event=supervising")
            sup.wait_err("event=page .*bad%d: the password %s" % (n, why))
            self.lab.wait_running("v0.1.0")
            self.assertEqual(sup.stop(), 5)

    def test_a_password_that_is_bad_takes_only_the_page_away(self):
        bad = self.path("bad")
        sup = self.background([cli.GWTOOL, "supervise", *self.lab.options(
            "--admin-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--password-file", bad),
            self.lab.link], env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=supervising")
        sup.wait_err("event=page .*/bad: no such file")
        self.port = int(sup.wait_err(r"event=page address=127.0.0.1:(\d+)").group(1))
        status, text, _ = self.get("/metrics")
        self.assertEqual(status, 200)
        self.assertIn("gwtool_supervise_", text)
        self.assertEqual(self.get("/service-version")[0], 200)
        # nobody gets in, and nobody is to blame: more of them than wrong guesses are let pass
        for _ in range(305):
            self.assertEqual(self.get("/json", "right")[:2],
                             (503, "the password cannot be looked at: the log says why\n"))
        # once at the start, and ten times a minute
        self.assertLessEqual(len(re.findall("event=page .*/bad", sup.err)), 1 + 10 * cli.SLOWNESS)
        self.file("bad", "right\n", 0o600)
        self.assertEqual(self.get("/json", "right")[0], 200)
        self.assertEqual(sup.stop(), 5)

    def test_a_password_that_goes_bad_is_told_of_in_the_log_alone(self):
        sup = self.start()
        with open(os.path.join(self.lab.state, "password"), "w"):
            pass
        status, text, _ = self.get("/", self.password)
        self.assertEqual((status, text), (503, "the password cannot be looked at: the log says why\n"))
        sup.wait_err("event=page .*password: the password is empty")
        with open(os.path.join(self.lab.state, "password"), "w") as f:
            f.write("another one\n")
        self.assertEqual(self.get("/", "another one")[0], 200)

    def test_getting_around_the_form_token(self):
        self.lab.release("v0.1.1")
        sup = self.start()
        token = self.form_token()
        update = {"version": "v0.1.1", "goversion": "current"}
        evil = {"Origin": "https://evil.example"}
        for fields, headers in (
                (update, evil), ({**update, "token": token}, evil),
                ({**update, "token": token}, {"Origin": "null"}),
                ({**update, "token": token}, {"Origin": self.origin, "Sec-Fetch-Site": "cross-site"}),
                (update, {"Origin": self.origin}), ({**update, "token": ""}, {"Origin": self.origin}),
                ({**update, "token": token[:-1]}, {"Origin": self.origin}),
                (update, {"Referer": "https://evil.example/"}), (update, {"Cookie": "a=b"}),
                # nearly our origin
                *(({**update, "token": token}, {"Origin": other}) for other in (
                    "http://127.0.0.1", "http://127.0.0.1:%d" % (self.port ^ 1), self.origin + ".evil.example",
                    self.origin + "/", "https" + self.origin[4:], "http://localhost:%d" % self.port,
                    self.origin + " https://evil.example", "")),
                ({**update, "token": token}, {"Origin": self.origin, "Sec-Fetch-Site": "same-site"}),
                (update, {"Sec-Fetch-Site": "none"})):
            self.assertEqual(self.post("/update", fields, headers)[0], 403, (fields, headers))
        # two tokens, the wrong one first; one of the page that was before
        self.assertEqual(self.get("/update", self.password, "POST", "version=v0.1.1&token=x&token=" + token,
                                  {"Origin": self.origin})[0] // 100, 4)
        self.end_page(sup, signal.SIGKILL)
        sup.wait_err("event=page-ended")
        self.assertEqual(self.post("/update", {**update, "token": token}, {"Origin": self.origin})[0], 403)
        token = self.form_token()
        # what only a page has buttons for always needs it
        for path in ("/check", "/pause", "/resume", "/rollback", "/skip", "/reload"):
            self.assertEqual(self.post(path, {"version": "v0.1.1"})[0], 403, path)
        # another way to say the same
        self.assertEqual(self.get("/update", self.password, "POST", '{"version":"v0.1.1"}',
                                  {"Content-Type": "application/json"})[0], 400)
        self.assertEqual(self.get("/update", self.password, "POST", "version=v0.1.1%0apause",
                                  )[0], 400)
        self.assertEqual(self.get("/update?version=v0.1.1&token=" + token, self.password, "POST", "")[0],
                         400)
        self.assertNotIn("event=updating", sup.err)
        self.assertEqual(list(self.lab.running().values()), ["v0.1.0"])

    def test_webhooks(self):
        self.lab.release("v0.1.1")
        sup = self.start("--delay", "1h")
        bearer = {"Authorization": "Bearer hook-token"}
        hint = '{"Module":"example.test/other","Version":"v9.9.9"}'
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "},
                        {"Authorization": "hook-token"}):
            self.assertEqual(self.get("/notify", None, "POST", hint, headers)[0], 403, headers)
        self.assertEqual(self.get("/notify?token=hook-token", None, "POST", hint)[0], 403)
        self.assertEqual(self.get("/notify", self.password, "POST", hint)[0], 403)
        for path in ("/notify", "/notifytoolchain"):
            self.assertEqual(self.get(path, headers=bearer)[0], 405)
        # the webhook's token is for nothing else
        for path in ("/", "/json", "/check"):
            self.assertEqual(self.get(path, None, "POST" if path == "/check" else "GET",
                                      "" if path == "/check" else None, bearer)[0], 401, path)
        self.assertNotIn("event=checked", sup.err)
        for path in ("/notify", "/notifytoolchain"):
            self.assertEqual(self.get(path, None, "POST", hint, bearer)[0], 202)
        sup.wait_err("event=checked newer=1")
        # who tries others waits, also with the right one
        for _ in range(10):
            self.get("/notify", None, "POST", hint, {"Authorization": "Bearer guess"})
        self.assertEqual(self.get("/notify", None, "POST", hint, bearer)[0], 429)

    def test_webhooks_without_a_page(self):
        r = self.gwtool("supervise", "--webhook-token-file", self.file("token", "x\n", 0o600), "--metrics-listen",
                        "127.0.0.1:0", self.lab.link)
        self.assert_error(r, 2, "--webhook-token-file needs --admin-listen")

    def test_what_everybody_may_see(self):
        self.lab.release("v0.1.1")
        sup = self.start("--delay", "1h")
        version = "example.test/svc v0.1.0 %s linux amd64\n" % self.lab.go
        self.assertEqual(self.get("/service-version")[:2], (200, version))
        self.assertIn('"goversion":"%s","os":"linux"' % self.lab.go, self.get("/service-version.json")[1])
        text = self.get("/metrics")[1]
        self.assertIn("gwtool_supervise_starts_total 1\n", text)
        self.assertIn("gwtool_supervise_update_available 0\n", text)
        self.assertNotIn("gwtool_serve", text)
        self.gwtool("supervise", "check", "--dir", self.lab.state)
        sup.wait_err("event=checked")
        self.gwtool("supervise", "update", "--dir", self.lab.state)
        sup.wait_err("event=updated")
        text = self.get("/metrics")[1]
        self.assertIn('gwtool_supervise_updates_total{end="updated"} 1\n', text)
        self.assertIn('gwtool_supervise_checks_total{end="done"} 1\n', text)
        self.assertIn("gwtool_supervise_update_available 0\n", text)

    def test_another_sites_name_that_leads_here(self):
        sup = self.start("--admin-origin", "https://ops.example", "--admin-name", "box.example")
        for host, status in (("127.0.0.1:%d" % self.port, 200), ("[::1]:1", 200), ("localhost", 200),
                             ("ops.example", 200), ("BOX.example:80", 200), ("rebind.example", 421),
                             ("127.0.0.1.rebind.example:%d" % self.port, 421), ("ops.example.evil.example", 421)):
            for path in ("/metrics", "/service-version", "/", "/json"):
                got = self.get(path, self.password, headers={"Host": host})
                self.assertEqual(got[0], status, (host, path))
                self.assertEqual("example.test" in got[1] or "gwtool_supervise" in got[1], status == 200)
        form = {"token": self.form_token()}
        rebound = {"Host": "rebind.example", "Origin": "http://rebind.example"}
        for path in ("/check", "/pause"):
            self.assertEqual(self.post(path, form, rebound)[0], 421)
        self.assertEqual(self.get("/notify", None, "POST", "", {"Authorization": "Bearer hook-token",
                                                                "Host": "rebind.example"})[0], 421)
        self.assertNotIn("event=checked", sup.err)
        for option in (("--admin-origin", "https://ops.example/"), ("--admin-origin", "ops.example"),
                       ("--admin-name", "https://ops.example")):
            self.assert_error(self.gwtool("supervise", *option, self.lab.link), 2, option[0])

    def test_two_addresses(self):
        sup = self.background([cli.GWTOOL, "supervise", *self.lab.options(
            "--metrics-listen", "unix:" + self.path("metrics")), self.lab.link], env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=page")
        r = cli.run(["curl", "-s", "--unix-socket", self.path("metrics"), "http://x/service-version"])
        self.assertTrue(r.out.startswith("example.test/svc v0.1.0 "), r)
        r = cli.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket",
                     self.path("metrics"), "http://x/json"])
        self.assertEqual(r.out, "404")
        r = self.gwtool("supervise", *self.lab.options("--admin-listen", "0.0.0.0:0", "--dir",
                                                       self.path("other")), self.lab.link)
        self.assert_error(r, 2, "no loopback address")

    def test_a_page_that_ends_is_none_of_the_services_business(self):
        sup = self.start()
        self.assertEqual(self.get("/service-version")[0], 200)
        self.end_page(sup, signal.SIGKILL)
        sup.wait_err("event=page-ended")
        self.assertEqual(list(self.lab.running().values()), ["v0.1.0"])

    def test_a_page_is_there_while_somebody_is(self):
        where = self.path("page")
        sup = self.background([cli.GWTOOL, "supervise", *self.lab.options("--admin-listen", "unix:" + where),
                               self.lab.link], env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=page address=unix:" + where)
        sup.wait_err("event=supervising")
        self.assertEqual(self.pages(sup), [])

        def visit():
            with open(os.path.join(self.lab.state, "password")) as f:
                return cli.run(["curl", "-s", "--unix-socket", where, "-u", "admin:" + f.read().strip(), "http://x/"]).out
        token = re.search(r'name="token" value="(\w+)"', visit()).group(1)
        # One that ends by itself is no news, and the forms of its pages are the next one's, too.
        self.end_page(sup, signal.SIGTERM)
        self.assertEqual(re.search(r'name="token" value="(\w+)"', visit()).group(1), token)
        self.assertNotIn("event=page-ended", sup.err)
        # Nor does who comes while another gwtool takes over find a closed door.
        before = os.stat(where).st_ino
        self.assertEqual(self.gwtool("supervise", "reload", "--dir", self.lab.state).code, 0)
        sup.wait_err("event=took-over")
        self.assertIn("example.test/svc", visit())
        self.assertEqual(os.stat(where).st_ino, before)
        sup.stop()
        self.assertFalse(os.path.exists(where))

    def pages(self, sup):
        return [int(p) for p in os.listdir("/proc") if p.isdigit() and self.is_page(p, sup.pid)]

    def end_page(self, sup, number):
        (pid,) = self.pages(sup)
        os.kill(pid, number)
        cli.wait_until(lambda: not self.is_page(pid, sup.pid), what="the page's end")

    @staticmethod
    def is_page(pid, parent):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                words = f.read().split(b"\0")
            with open("/proc/%s/stat" % pid) as f:
                return words[1:3] == [b"supervise", b"page"] and \
                    int(f.read().rsplit(")", 1)[1].split()[1]) == parent
        except OSError:
            return False


if __name__ == "__main__":
    cli.main()
