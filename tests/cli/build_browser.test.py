"""The build service's pages in a real browser: at phone and desktop width, light and dark, with and without
script. With GW_SCREENSHOTS=DIR what was seen is kept there, to be looked at."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import browser
import build_lab
import cli
from build_lab import TARGET

WIDTHS = {"phone": (360, 780), "desktop": (1280, 900)}


class Pages(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = build_lab.BuildLab(self)
        long = "example.org/some-organisation/a-project-with-a-long-name"
        for version in ("v0.1.0", "v0.2.0", "v0.3.0"):
            self.lab.command(long, version, dirs=("", "cmd/tool"))
        for name in ("broken", "slow", "hello"):
            self.lab.command("example.org/" + name)
        self.server = self.lab.serve("--notes", "Run by example.org, for its own programs.")
        self.result = self.server.follow("/%s@v0.2.0/cmd/tool/%s/record" % (long, TARGET))[0][:-len("record")]
        self.server.get("/example.org/broken@v0.1.0/%s/record" % TARGET)
        self.pages = {"home": "/", "module": "/" + long, "unbuilt": "/%s@v0.1.0/%s/" % (long, TARGET),
                      "result": self.result, "failed": "/example.org/broken@v0.1.0/%s/" % TARGET,
                      "error": "/nothing", "unknown-sum": self.result.replace("@v0.2.0", "@v0.1.0")}

    def test_pages(self):
        shots = os.environ.get("GW_SCREENSHOTS")
        with browser.Browser(self.path("profile")) as b:
            for size, (width, height) in WIDTHS.items():
                for dark in (False, True):
                    page = b.page(width=width, height=height, dark=dark)
                    for name, path in self.pages.items():
                        what = "%s, %s, %s" % (name, size, "dark" if dark else "light")
                        page.go(self.server.url + path)
                        page.wait("location.pathname === %r" % path)
                        self.assertGreater(len(page.value("document.title")), 5, what)
                        # All of it fits: nothing is to be scrolled sideways but what scrolls in itself.
                        self.assertLessEqual(page.value("document.documentElement.scrollWidth"), width, what)
                        # The style sheet is there, and nothing is hard to read.
                        self.assertEqual(page.value("getComputedStyle(document.querySelector('main')).maxWidth"),
                                         "928px", what)
                        self.assertEqual(page.value(browser.CONTRAST), [], what)
                        self.assertEqual(page.value("[...document.querySelectorAll('input')].every("
                                                    "i => i.labels.length || i.ariaLabel)"), True, what)
                        if shots:
                            page.shot(os.path.join(shots, what.replace(", ", "-") + ".png"))
                    self.assertEqual([c for c in page.complaints() if "404" not in c], [])
            self.follow_with_script(b.page())
            self.follow_without_script(b.page(script=False))
            self.search(b.page())

    def follow_with_script(self, page):
        """The button begins the build; the page tells of it and goes to the result by itself."""
        path = "/example.org/slow@v0.1.0/%s/" % TARGET
        page.go(self.server.url + path)
        page.value("document.querySelector('#build button').click()")
        page.wait("document.getElementById('state').textContent.startsWith('Building: compiling')")
        self.assertTrue(page.value("document.getElementById('build').hidden"))
        self.lab.let_slow_go_on()
        page.wait("/\\/0[\\w-]{27}\\/$/.test(location.pathname)")
        page.wait("document.body && document.body.textContent.includes('Download slow-v0.1.0-go1.26.8.gz')")
        self.assertEqual(page.complaints(), [])

    def follow_without_script(self, page):
        page.go(self.server.url + "/example.org/hello@v0.1.0/%s/" % TARGET)
        page.value("document.querySelector('#build').submit()")
        page.wait("/\\/0[\\w-]{27}\\/$/.test(location.pathname)")
        self.assertEqual(page.complaints(), [])

    def search(self, page):
        page.go(self.server.url + "/")
        page.value("document.querySelector('input').value = ' example.org/hello '")
        page.value("document.querySelector('form').submit()")
        page.wait("location.pathname.startsWith('/example.org/hello@v0.1.0/')")


if __name__ == "__main__":
    cli.main()
