#!/usr/bin/env python3
"""serve-dns key new and ds: the files, and what BIND's and ldns's tools make of them."""

import os
import pwd
import re
import stat
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import serve
from serve import ZONE


class Keys(serve.TestCase):
    def test_new_and_ds(self):
        for algorithm in (13, 15):
            with self.subTest(algorithm):
                key = self.path("k%d" % algorithm)
                new = ("serve-dns", "key", "new", "--zone", ZONE, "--algorithm", algorithm, "--key")
                told = self.gwtool(*new, key + ".told", "--json").json
                self.assertEqual((told["zone"], told["key_file"]), (ZONE + ".", key + ".told"))
                r = self.gwtool(*new, key)
                self.assert_run(r, 0, err="")
                self.assertRegex(r.out, r"^l\.example\.org\. IN DS \d+ %d 2 [0-9A-F]{64}\n$" % algorithm)
                self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
                self.assertEqual(stat.S_IMODE(os.stat(key + ".key").st_mode), 0o644)
                self.assert_run(self.gwtool("serve-dns", "key", "ds", "--zone", ZONE.upper() + ".",
                                            "--key", key), 0, out=r.out)
                # The public half beside it says which zone it is for.
                self.assert_run(self.gwtool("serve-dns", "key", "ds", "--key", key), 0, out=r.out)
                document = self.gwtool("serve-dns", "key", "ds", "--zone", ZONE, "--key", key,
                                       "--json").json
                self.assertEqual(document, {
                    "zone": ZONE + ".", "key_file": key, "ds": r.out.strip(),
                    "key_tag": int(r.out.split()[3])})
                # The same DS from those who know.
                bind = serve.tool("dnssec-dsfromkey", "-2", "-f", key + ".key", ZONE)
                self.assertEqual(bind.split(), r.out.split())
                ldns = serve.tool("ldns-key2ds", "-n", "-2", key + ".key").lower().split()
                self.assertEqual(ldns[-4:], r.out.lower().split()[-4:])

    def test_bind_signs_with_our_key(self):
        key = self.make_key()
        tag = int(self.gwtool("serve-dns", "key", "ds", "--zone", ZONE, "--key", key).out.split()[3])
        base = self.path("K%s.+013+%05d" % (ZONE, tag))
        os.rename(key, base + ".private")
        os.rename(key + ".key", base + ".key")
        zone = self.file("zone", "$TTL 300\n@ SOA ns h 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n"
                         "$INCLUDE %s.key\n" % base)
        serve.tool("dnssec-signzone", "-z", "-o", ZONE, "-d", self.dir, "-f", self.path("signed"), zone,
                   base)
        serve.tool("ldns-verify-zone", self.path("signed"))
        # And NAME.private finds its NAME.key.
        self.assert_run(self.gwtool("serve-dns", "key", "ds", "--zone", ZONE, "--key",
                                    base + ".private"), 0)

    def test_binds_key_serves(self):
        for algorithm, number in (("ECDSAP256SHA256", 13), ("ED25519", 15)):
            with self.subTest(algorithm):
                name = serve.tool("dnssec-keygen", "-q", "-K", self.dir, "-f", "KSK", "-a", algorithm,
                                  ZONE).strip()
                key = self.path(name + ".private")
                ds = self.gwtool("serve-dns", "key", "ds", "--zone", ZONE, "--key", key)
                self.assert_run(ds, 0)
                bind = serve.tool("dnssec-dsfromkey", "-2", self.path(name + ".key"))
                self.assertEqual(bind.split(), ds.out.split())

    def test_never_over_a_file(self):
        key = self.make_key()
        with open(key) as f:
            before = f.read()
        self.assert_error(self.gwtool("serve-dns", "key", "new", "--zone", ZONE, "--key", key), 2,
                          key + " exists already", "gwtool: hint: ")
        with open(key) as f:
            self.assertEqual(f.read(), before)
        os.remove(key)
        self.assert_error(self.gwtool("serve-dns", "key", "new", "--zone", ZONE, "--key", key), 2,
                          key + ".key exists already")
        self.assert_missing(key)

    def test_a_key_of_others(self):
        """Refused before anything is served, also by --check-config, and a pipe is not waited for."""
        key = self.make_key()
        zone = self.file("zone", "@ 300 IN SOA ns.x.y. h.x.y. 1 1 1 1 1\n@ 300 IN NS ns.x.y.\n")
        served = ("serve-dns", "--listen", serve.HOST + ":0", "--zone-file", ZONE + "=" + zone,
                  "--zone-key", ZONE + "=" + key)
        self.assert_run(self.gwtool(*served, "--check-config"), 0)
        pipe = self.path("pipe")
        os.mkfifo(pipe, 0o600)
        for mode in (0o666, 0o644):
            os.chmod(key, mode)
            for more in ((), ("--check-config",)):
                self.assert_error(self.gwtool(*served, *more), 2, key + ": others may", "chmod 600")
            self.assert_error(self.gwtool("serve-dns", "key", "ds", "--key", key), 2, "others may")
        os.remove(key)
        os.rename(pipe, key)
        for more in ((), ("--check-config",)):
            self.assert_error(self.gwtool(*served, *more), 2, key + ": not a regular file")
        os.rename(key, key + ".key")
        self.assert_error(self.gwtool("serve-dns", "key", "ds", "--key", key), 2, "with --zone")

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes another user")
    def test_what_the_user_may_not_read_is_said_before_the_start(self):
        """By --check-config, too: the key of a module zone, and the cookies' secrets."""
        key = self.make_key()
        secrets = self.file("secrets", "e5e973e5a6b2a43f48e7dc849e37bfcf\n", 0o600)
        modules = ("serve-dns", "--listen", serve.HOST + ":0", "--db", self.path("db"), "--zone", ZONE,
                   "--ns", "ns.example.net", "--key", key, "--user", "nobody")
        os.chmod(self.dir, 0o755)
        for more in (("--check-config",), ()):
            self.assert_error(self.gwtool(*modules, *more), 2, "nobody", "the zone's signing key")
        os.chown(key, pwd.getpwnam("nobody").pw_uid, -1)
        os.chown(self.dir, pwd.getpwnam("nobody").pw_uid, -1)
        self.assert_run(self.gwtool(*modules, "--check-config"), 0)
        r = self.gwtool(*modules, "--cookie-secret-file", secrets, "--check-config")
        self.assert_error(r, 1, secrets, "Permission denied")

    def test_nothing_of_another_file_is_told(self):
        """Root reads the key of a zone before it becomes the user, who may have left a link there."""
        key = self.make_key()
        shadow = self.file("shadow", "root $y$j9T$hash:19000:0\n", 0o600)
        for name in (key, key + ".key"):
            os.rename(name, name + ".kept")
            os.symlink(shadow, name)
            for zone in ((), ("--zone", ZONE)):
                r = self.gwtool("serve-dns", "key", "ds", "--key", key, *zone)
                self.assertEqual(r.code, 2, r)
                self.assertNotIn("$y$", r.out + r.err)
            os.rename(name + ".kept", name)

    def test_bad_input(self):
        new = ("serve-dns", "key", "new")
        for args, code, text in (
                (("--zone", ".", "--key", "k"), 2, "root"),
                (("--zone", "a..b", "--key", "k"), 2, "--zone"),
                (("--zone", "x" * 64 + ".org", "--key", "k"), 2, "--zone"),
                (("--zone", "https://example.org", "--key", "k"), 2, "https://"),
                (("--zone", "*.example.org", "--key", "k"), 2, "wildcard"),
                (("--zone", "a b.org", "--key", "k"), 2, "blanks"),
                (("--zone", "\u00e4.example.org", "--key", "k"), 2, "xn--"),
                (("--zone", "example.org:53", "--key", "k"), 2, "port"),
                (("--zone", ZONE, "--key", "k", "--algorithm", "8"), 2, "--algorithm"),
                (("--zone", ZONE), 2, "--key"),
                (("--key", "k"), 2, "--zone"),
                (("--zone", ZONE, "--key", "no/such/k"), 1, "no/such/k")):
            with self.subTest(args):
                self.assert_error(self.gwtool(*new, *args), code, text)
                self.assertEqual(os.listdir(self.dir), [])
        self.assert_error(self.gwtool("serve-dns", "key", "ds", "--zone", ZONE, "--key", "k"), 2,
                          "does not exist", "serve-dns key new --zone l.example.org --key k")

    def test_ksk_only(self):
        name = serve.tool("dnssec-keygen", "-q", "-K", self.dir, "-a", "ECDSAP256SHA256", ZONE).strip()
        self.assert_error(self.gwtool("serve-dns", "key", "ds", "--zone", ZONE, "--key",
                                      self.path(name + ".private")), 2, "flags are 256")
        name = serve.tool("dnssec-keygen", "-q", "-K", self.dir, "-f", "KSK", "-a", "RSASHA256", "-b",
                          "2048", ZONE).strip()
        r = self.gwtool("serve-dns", "key", "ds", "--zone", ZONE, "--key", self.path(name + ".private"))
        self.assert_error(r, 2, name)
        self.assertIsNone(re.search("PrivateExponent", r.err))


if __name__ == "__main__":
    cli.main()
