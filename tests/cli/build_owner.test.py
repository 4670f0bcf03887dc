"""gwtool build genkey and sum: a log's key in a file, and sums as logs have them."""

import base64
import hashlib
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli


class Owner(cli.TestCase):
    def test_genkey(self):
        r = self.gwtool("build", "genkey", "builds.example.org", "--key", "key")
        self.assert_run(r, 0, err="")
        first, second = r.lines
        self.assertRegex(first, r"^builds\.example\.org\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}$")
        self.assertRegex(second, r"^builds\.example\.org/tlog\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}$")
        self.assertNotEqual(first.split("+", 2)[2], second.split("+", 2)[2])
        self.assertEqual(stat.S_IMODE(os.stat(self.path("key")).st_mode), 0o600)
        with open(self.path("key")) as f:
            secret = f.read()
        self.assertRegex(secret, r"^PRIVATE\+KEY\+builds\.example\.org\+")
        # Never over another one.
        self.assert_error(self.gwtool("build", "genkey", "x", "--key", "key"), 2, "key")
        with open(self.path("key")) as f:
            self.assertEqual(f.read(), secret)
        # Clients would look for the log at https://NAME/tlog.
        for name in ("a b", "https://a.org", "a.org/", "a.org/x", "a..org", "-a.org", "a.org:", "a.org:x", "a.org:0",
                     "a.org:70000", "x" * 300, "\u00fc.org"):
            self.assert_error(self.gwtool("build", "genkey", "--key", "other", "--", name), 2, "NAME")
        for name in ("localhost:9000", "127.0.0.1", "A.org"):
            self.assert_run(self.gwtool("build", "genkey", "--key", "key of " + name, "--", name), 0, err="")
        self.assert_missing(self.path("other"))
        r = self.gwtool("build", "genkey", "h", "--key", "json", "--json")
        self.assertEqual(r.json["key_file"], "json")
        self.assertTrue(r.json["checkpoint_verifier_key"].startswith("h/tlog+"))

    def test_sum(self):
        for name, data in (("empty", b""), ("large", os.urandom(3_000_000))):
            self.file(name, data)
            total = "0" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:20]).decode().rstrip("=")
            self.assert_run(self.gwtool("build", "sum", name), 0,
                            out="%s %d %s\n" % (total, len(data), name), err="")
        r = self.gwtool("build", "sum", "--json", "large")
        self.assertEqual(r.json["sha256"], hashlib.sha256(data).hexdigest())
        # One that is not there does not hide the others.
        r = self.gwtool("build", "sum", "none", "empty")
        self.assertEqual(r.code, 1)
        self.assertEqual(len(r.lines), 1)
        self.assertIn("none", r.err)
        self.assert_run(self.gwtool("build", "sum", "."), 1, out="")


if __name__ == "__main__":
    cli.main()
