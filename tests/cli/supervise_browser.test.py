"""The page of a supervised service in a real browser: in each of its moods, at phone and desktop width,
light and dark; its buttons with and without script. With GW_SCREENSHOTS=DIR what was seen is kept there,
to be looked at."""

import base64
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import browser
import cli
import dns_lab
import supervise_lab

WIDTHS = {"phone": (360, 780), "desktop": (1280, 900)}


class Page(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = supervise_lab.Lab(self.path("lab"), self.addCleanup)
        self.lab.install()
        now = "%x" % int(time.time() - 7200)
        dns = dns_lab.Lab(self.path("dns"), [dns_lab.Zone(
            "signed.lab", 'toolchain.v0 TXT "v=go1.26.8 k=cur t=%s; v=go1.25.9 k=prev t=%s"\n'
            'svc._.example.test.v0 TXT "v=v0.1.1 t=%s"\n' % (now, now, now))])
        dns.start()
        self.addCleanup(dns.stop)
        self.sup = self.background([cli.GWTOOL, "supervise", *self.lab.options(
            "--admin-listen", "127.0.0.1:0", "--link", "Logs=https://logs.example/svc", "--delay", "72h",
            "--schedule", "mo-fr 9-17", "--jitter", "1h", "--trial", "3s", "--dns", "signed.lab",
            "--resolver", dns.resolver, "--trust-anchor", dns.anchor), self.lab.link], env=self.lab.env())
        self.addCleanup(self.lab.kill_services)
        self.url = "http://" + self.sup.wait_err(r"event=page address=(\S+)").group(1)
        with open(os.path.join(self.lab.state, "password")) as f:
            self.password = "Basic " + base64.b64encode(("admin:" + f.read().strip()).encode()).decode()

    def ask(self, *words):
        r = self.gwtool("supervise", words[0], "--dir", self.lab.state, *words[1:])
        self.assert_run(r, 0)

    def open(self, **kwargs):
        page = self.browser.page(**kwargs)
        page.call("Network.setExtraHTTPHeaders", headers={"Authorization": self.password})
        return page

    def see(self, name, mood):
        """The page as it is now, in every size and colour."""
        for size, (width, height) in WIDTHS.items():
            for dark in (False, True):
                what = "%s-%s-%s" % (name, size, "dark" if dark else "light")
                page = self.open(width=width, height=height, dark=dark, script=False)
                page.go(self.url + "/")
                self.assertEqual(page.value("document.querySelector('.mood').textContent"), mood, what)
                for opened in (False, True):
                    page.value("document.querySelector('details').open = %s" % ("true" if opened else "false"))
                    # All of it fits, and nothing is hard to read.
                    self.assertLessEqual(page.value("document.documentElement.scrollWidth"), width, what)
                    self.assertEqual(page.value(browser.CONTRAST), [], what)
                self.assertTrue(page.value("[...document.querySelectorAll('input:not([type=hidden])')].every("
                                           "i => i.labels.length)"), what)
                shots = os.environ.get("GW_SCREENSHOTS")
                if shots:
                    page.shot(os.path.join(shots, what + ".png"))
                self.assertEqual([c for c in page.complaints() if "favicon" not in c], [])
                page.close()

    def test_moods(self):
        with browser.Browser(self.path("profile")) as self.browser:
            self.see("new", "Not checked yet")
            self.lab.release("v0.1.1")
            self.ask("check")
            self.sup.wait_err("event=checked newer=1")
            self.see("planned", "Update planned")
            self.ask("pause", "until the move to the new rack is over")
            self.see("paused", "Paused")
            self.press(self.open(), "Resume updates", "Update planned")
            self.press(self.open(script=False), "Pause updates", "Paused")
            self.ask("resume")
            self.lab.service.hold = threading.Event()
            self.addCleanup(self.lab.service.hold.set)
            self.by_itself(self.open(script=False))
            self.see("updated", "Up to date")
            # What cannot be had, and what does not run.
            self.ask("update", "v0.1.5")
            self.sup.wait_err("event=failed version=v0.1.5")
            self.see("failed", "Up to date")
            self.lab.release("v0.1.2", "crash", listed=False)
            self.ask("update", "v0.1.2")
            self.sup.wait_err("event=rolled-back")
            self.lab.wait_running("v0.1.1")
            self.see("rolled-back", "Needs a look")

    def press(self, page, button, mood):
        page.go(self.url + "/")
        page.value("[...document.querySelectorAll('button')].find(b => b.textContent === %r).click()" % button)
        page.wait("document.querySelector('.mood').textContent === %r" % mood)
        self.assertEqual(page.value("location.pathname"), "/")

    def by_itself(self, page):
        """While something goes on, the page follows it without a hand and without script."""
        self.press(page, "Update now", "Updating")
        self.see("updating", "Updating")
        self.lab.service.hold.set()
        page.wait("document.querySelector('.mood').textContent === 'Up to date'")
        self.assertEqual(page.value("document.querySelector('.big').textContent"), "v0.1.1 " + self.lab.go)


if __name__ == "__main__":
    cli.main()
