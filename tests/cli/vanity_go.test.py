"""The HTTP mechanism beside the go command itself, on the same pages: both ask for the same URLs,
and both come to the same root or to none. Both reach the pages through a proxy, so that no name and
no port 443 is needed."""
import gzip
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import http_fixture
import vanity_lab
from vanity_lab import meta

HOST = "none.lab"
ROOT = "https://none.lab/proxy"
TAG = meta("none.lab/x mod " + ROOT)


class Pages(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.web = WEB
        self.web.clear()

    def page(self, path, body, status=200, **headers):
        self.web.page(HOST, path, body, status, **headers)

    def asked(self):
        """The pages that were asked for, and whether the root was."""
        asked = [a for a in self.web.asked if not a.startswith("authorization")]
        with self.web.lock:
            self.web.asked.clear()
        pages = [a for a in asked if " /proxy" not in a]
        return pages, len(pages) < len(asked)

    def environment(self, **changes):
        plain = "http://127.0.0.1:%d" % WEB.http_port
        env = dict(
            HTTPS_PROXY="http://127.0.0.1:%d" % TUNNEL.port, HTTP_PROXY=plain, http_proxy=plain,
            NO_PROXY=None, no_proxy=None, SSL_CERT_FILE=CA.file, HOME=self.dir, GO111MODULE="on",
            GOPROXY="direct", GONOSUMDB="*", GOFLAGS=None, GOINSECURE=None, GOENV="off",
            GOPATH=self.path("go"), GOCACHE=self.path("cache"), GOTOOLCHAIN="local")
        env.update(changes)
        return cli.clean_env(**env)

    def compare(self, path, found, root=ROOT, **changes):
        env = self.environment(**changes)
        go = cli.run(["go", "list", "-m", path + "@latest"], env=env, cwd=self.dir)
        go_pages, go_found = self.asked()
        own = self.gwtool("vanity-lookup", "--http-only", path, env=env)
        own_pages, _ = self.asked()
        told = "%s\n%s" % (go, own)
        # The go command is asked for a module here; for a package it goes on to the paths above, as
        # we do for both.
        above = ["/" + path.split("/", 1)[1].rsplit("/", n)[0] if n <= path.count("/") - 1 else "/"
                 for n in range(1, path.count("/") + 1)]
        more = own_pages[len(go_pages):]
        self.assertEqual(own_pages[:len(go_pages)], go_pages, told)
        self.assertLessEqual({p.split(" ")[2].split("?")[0] for p in more}, set(above), told)
        self.assertEqual(own.code == 0, go_found, told)
        self.assertEqual(own.code == 0, found, told)
        if found:
            self.assertIn(" mod " + root, own.out)

    def test_pages(self):
        other = meta("none.lab/x mod https://none.lab/proxy2")
        for body, status, found in (
                (TAG, 200, True), (TAG, 404, True), (TAG, 500, True), ("nothing", 404, False),
                ("", 200, False), (TAG, 302, True), (TAG, 304, False), (TAG + other, 200, False),
                (TAG + TAG, 200, False),
                (meta("none.lab/x git https://git.example") + TAG, 200, True),
                (meta("none.lab/y mod " + ROOT) + TAG, 200, True),
                (meta("none.lab/xx mod " + ROOT), 200, False),
                ("<html><head>" + TAG, 200, True), ("<body>" + TAG, 200, False),
                ("<head></head>" + TAG, 200, False), ("<!-- " + TAG + " -->", 200, False),
                ("<![CDATA[" + TAG + "]]>", 200, False), ("\ufeff" + TAG, 200, True),
                ("<p style=a;b>" + TAG, 200, False), (TAG + "<p style=a;b>", 200, True),
                ("<META NAME=go-import CONTENT='none.lab/x mod %s'>" % ROOT, 200, True),
                ("<meta name=Go-Import content='none.lab/x mod %s'>" % ROOT, 200, False),
                ("<?xml version='1.0' encoding='latin1'?>" + TAG, 200, False),
                (b"\xff" + TAG.encode(), 200, False),
                (meta("none.lab/x mod none.lab/proxy"), 200, False),
                (meta("none.lab/x mod " + ROOT + " a b"), 200, False)):
            with self.subTest(body=body, status=status):
                self.page("/x", body, status)
                self.compare("none.lab/x", found)
        for charset in ("latin1", "utf-16", "nonsense"):
            self.page("/x", '<meta charset="%s">' % charset + TAG, 404,
                      Content_Type="text/plain; charset=" + charset)
            self.compare("none.lab/x", True)
        self.page("/x", TAG.encode("utf-16"), Content_Type="text/html; charset=utf-16")
        self.compare("none.lab/x", False)
        self.page("/x.y~z/_a", meta("none.lab/x.y~z/_a mod " + ROOT))
        self.compare("none.lab/x.y~z/_a", True)
        self.page("/x", gzip.compress(TAG.encode()), Content_Encoding="gzip")
        self.compare("none.lab/x", True)
        self.page("/x", TAG, Content_Encoding="gzip")
        self.compare("none.lab/x", False)

    def test_prefixes(self):
        for body, status, found in ((TAG, 200, True), (TAG, 404, True), ("nothing", 200, False),
                                    ("nothing", 404, False), (TAG + TAG, 200, False),
                                    (meta("none.lab/x mod https://none.lab/proxy2"), 200, False),
                                    (meta("none.lab mod " + ROOT), 200, False)):
            with self.subTest(body=body, status=status):
                self.page("/x/sub", TAG)
                self.page("/x", body, status)
                self.compare("none.lab/x/sub", found)
        self.page("/x", meta("none.lab mod " + ROOT))
        self.page("/", meta("none.lab mod " + ROOT))
        self.compare("none.lab/x", True)

    def test_redirects(self):
        for status in (300, 301, 302, 303, 305, 307, 308):
            with self.subTest(status=status):
                self.web.redirect(HOST, "/x", "y?a=b", status)
                self.page("/y", TAG)
                self.compare("none.lab/x", status not in (300, 305))
        for to, found in (("/a b", True), ("/\u00fc", True), ("//none.lab/y", True),
                          ("?b", False), ("", False), ("http://none.lab/y", False),
                          ("ftp://none.lab/y", False), ("https://", False), ("/%zz", False),
                          ("https://u:p@none.lab/y#f", True), ("../y/./z/..", False)):
            with self.subTest(to=to):
                self.web.clear()
                self.web.redirect(HOST, "/x", to)
                for path in ("/a%20b", "/%FC", "/y"):
                    self.page(path, TAG)
                self.compare("none.lab/x", found)
        for n in (9, 10):
            self.web.clear()
            self.web.redirect(HOST, "/x", "/r1")
            for i in range(1, n):
                self.web.redirect(HOST, "/r%d" % i, "/r%d" % (i + 1))
            self.page("/r%d" % n, TAG)
            self.compare("none.lab/x", n == 9)

    def test_insecure(self):
        """GOINSECURE: http, but only when https does not answer; any certificate."""
        # The root over http, too: go asks for it in the same surroundings.
        plain = "http://none.lab/proxy"
        tag = meta("none.lab/x mod " + plain)
        for to, found in ((None, False), ("http://none.lab/y", True), ("ftp://none.lab/y", True)):
            with self.subTest(to=to):
                self.web.clear()
                self.web.page(HOST, "/x", tag, scheme="http")
                self.web.page(HOST, "/y", tag, scheme="http")
                if to:
                    self.web.redirect(HOST, "/x", to)
                self.compare("none.lab/x", found, root=plain, GOINSECURE=HOST)
        # A loop is no answer either: to the go command of Debian 12 it was one still.
        self.web.clear()
        self.web.page(HOST, "/x", tag, scheme="http")
        self.web.redirect(HOST, "/x", "/x")
        own = self.gwtool("vanity-lookup", "--http-only", "none.lab/x",
                          env=self.environment(GOINSECURE=HOST))
        self.assert_run(own, 0, out="none.lab/x mod %s\n" % plain)
        self.asked()
        for path in ("/x", "/x/sub"):
            self.web.page(HOST, path, tag, scheme="http")
        nobody = "http://127.0.0.1:%d" % cli.free_port()
        for path in ("none.lab/x", "none.lab/x/sub"):
            self.compare(path, True, root=plain, GOINSECURE=HOST, HTTPS_PROXY=nobody)
            self.compare(path, False, root=plain, HTTPS_PROXY=nobody)
        self.page("/x", tag)
        os.mkdir(self.path("ca"))
        stranger = http_fixture.TestCa(self.path("ca")).file
        self.compare("none.lab/x", True, root=plain, GOINSECURE=HOST, SSL_CERT_FILE=stranger)
        self.compare("none.lab/x", False, root=plain, SSL_CERT_FILE=stranger)


def setUpModule():
    global WEB, CA, TUNNEL
    directory = tempfile.TemporaryDirectory(prefix="gwtool-vanity-")
    unittest.addModuleCleanup(directory.cleanup)
    CA = http_fixture.TestCa(directory.name)
    WEB = vanity_lab.Web(CA.issue(HOST))
    unittest.addModuleCleanup(WEB.stop)
    TUNNEL = vanity_lab.Tunnel(WEB.port)
    unittest.addModuleCleanup(TUNNEL.listener.close)


if __name__ == "__main__":
    cli.main()
