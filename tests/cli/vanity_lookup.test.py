"""gwtool vanity-lookup on a signed hierarchy and web servers on loopback: which answer is taken,
which is refused, and what is never asked. Questions and requests are counted at the servers."""
import gzip
import os
import re
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import big_answers
import cli
import dns_lab
import serve
import vanity_lab
from vanity_lab import meta

LAB = None


class Vanity(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = LAB
        self.web = LAB.web
        LAB.reset()

    def page(self, path, body, **kwargs):
        host, _, rest = path.partition("/")
        self.web.page(host, "/" + rest, body, **kwargs)

    def found(self, path, line, *args, source="dns, secure", requests=0, **kwargs):
        r = self.lab.lookup("-v", *args, path, **kwargs)
        self.assert_run(r, code=0, out="%s  # %s\n" % (line, source))
        self.assertEqual(self.web.count(), requests, self.web.asked)
        return r

    def refused(self, code, path, *texts, args=(), requests=0, **kwargs):
        r = self.lab.lookup(*args, path, **kwargs)
        self.assert_error(r, code, *texts)
        self.assertEqual(self.web.count(), requests, self.web.asked)
        return r


class Records(Vanity):
    def test_secure(self):
        for name in ("signed", "nsec3", "ed25519", "rsa", "compactx", "sibling"):
            path = name + ".lab/x"
            self.page(path, meta(path + " git https://evil.example"))
            r = self.found(path, path + " git https://git.example/" + name)
            self.assertEqual(r.err, "")
            self.assertEqual(self.lab.txt_questions("go-import.%s.lab." % name), 1)

    def test_wildcard_with_its_proof(self):
        for name in ("wild", "wild3"):
            path = "a.%s.lab/x" % name
            self.found(path + "/y", path + " git https://git.example/w")

    def test_cname_to_a_signed_zone(self):
        self.found("cname.lab/x", "cname.lab/x git https://git.example/c")

    def test_data_in_many_shapes(self):
        self.found("three.lab/x", "three.lab/x git https://git.example/"
                                  "split-in-the-middle-of-the-url")
        self.found("long.lab/x/y", "long.lab/x git https://git.example/" + "very-long-" * 40)
        for i in (0, 41, 79):
            self.found("many.lab/p%02d/y" % i,
                       "many.lab/p%02d git https://git.example/repository-number/%02d" % (i, i))

    def test_matching(self):
        for path, line in (
                ("mixed.lab/x", "mixed.lab/x git https://git.example/x"),
                ("mixed.lab/x/fo", "mixed.lab/x git https://git.example/x"),
                ("mixed.lab/x/foo", "mixed.lab/x/foo git https://git.example/foo"),
                ("mixed.lab/x/foo/bar", "mixed.lab/x/foo git https://git.example/foo"),
                ("mixed.lab/d/e", "mixed.lab/d hg https://hg.example/d sub"),
                ("mixed.lab/m", "mixed.lab/m mod https://proxy.example"),
                ("mixed.lab/same", "mixed.lab/same git https://a.example/same")):
            r = self.found(path, line)
            self.assertIn("ignored \"v=spf1 -all\": 2 fields", r.err)
        self.refused(1, "mixed.lab/two", "two different records")

    def test_hostile_bytes_are_shown_escaped(self):
        r = self.refused(1, "mixed.lab/z", "none of", args=["--dns-only"])
        self.assertIn("\\x00\\x1b[2J", r.err)
        for c in r.err:
            self.assertTrue(c == "\n" or 0x20 <= ord(c) < 0x7f, repr(c))
        for reason in ("2 fields, not", "unknown version control system \"cvs\"", "is a file",
                       "has no scheme", "starts with \"/\"", "5 fields, not", "not below mixed.lab",
                       "a control character"):
            self.assertIn(reason, r.err)

    def test_none_matches(self):
        self.page("signed.lab/y", meta("signed.lab/y git https://web.example/y"))
        r = self.found("signed.lab/y", "signed.lab/y git https://web.example/y",
                       source="http, tls", requests=1)
        self.assertIn("none of 1 record is for \"signed.lab/y\"", r.err)
        self.lab.reset()
        r = self.refused(1, "signed.lab/y", "none of 1 record", args=["--dns-only"])
        self.assertEqual(r.err.count("none of"), 1, r.err)
        self.refused(1, "signed.lab/xx", "none of 1 record", args=["--dns-only"])

    def test_denials_lead_to_http(self):
        for name in ("none", "none3", "nodata", "compact", "noneunsigned"):
            self.lab.reset()
            path = name + ".lab/x"
            self.page(path, meta(path + " git https://web.example/x"))
            self.found(path, path + " git https://web.example/x", source="http, tls", requests=1)
            self.refused(1, path, "no records at go-import." + name, args=["--dns-only"],
                         requests=1)

    def test_unsigned(self):
        for name in ("unsigned", "nods", "ed448", "cnameun"):
            self.lab.reset()
            path = name + ".lab/x"
            self.page(path, meta(path + " hg https://web.example/x"))
            r = self.found(path, path + " hg https://web.example/x", source="http, tls", requests=1)
            self.assertIn("1 record ignored, not signed", r.err)
            self.web.clear()
            self.refused(1, path, "not signed", args=["--dns-only"])
            git = path + " git https://git.example/" + ("c" if name == "cnameun" else name)
            for extra in (["--insecure"], ["--goinsecure", "*.org,%s.lab" % name]):
                r = self.found(path, git, *extra, source="dns, unverified")
                self.assertIn("unverified", r.err)
            self.found(path, git, source="dns, unverified", env={"GOINSECURE": path})

    def test_bogus(self):
        cases = {"altered": "signature verification failed", "expired": "signature expired",
                 "notyet": "before inception", "wrongds": "DS hash mismatches",
                 "dsunsigned": "No DNSKEY", "foreign": "validation fail",
                 "cnamebad": "signature expired",
                 "here.replay": "wildcard proof failed"}
        for name, why in cases.items():
            path = name + ".lab/x"
            self.page(path, meta(path + " git https://web.example/x"))
            self.refused(4, path, "DNSSEC validation failed", why)
            self.refused(4, path, "DNSSEC validation failed", args=["--dns-only"])
            self.refused(4, path + "y", "DNSSEC validation failed", args=["--insecure"])

    def test_bogus_accepted(self):
        r = self.found("expired.lab/x", "expired.lab/x git https://git.example/expired",
                       "--insecure", source="dns, bogus, accepted")
        self.assertIn("bogus, accepted", r.err)
        self.found("altered.lab/x", "altered.lab/x git https://git.example/altercd", "--insecure",
                   source="dns, bogus, accepted")

    def test_forged_answers(self):
        # AD=1 and altered data, from a resolver that lies.
        with dns_lab.Proxy(self.lab.hierarchy.resolver, "forge",
                           (b"git.example/signed", b"evilexample/signed")) as liar:
            self.page("signed.lab/x", meta("signed.lab/x git https://web.example/x"))
            self.refused(4, "signed.lab/x", "DNSSEC validation failed", resolver=liar.resolver)
        with dns_lab.Proxy(self.lab.hierarchy.resolver, "forge",
                           (b"git.example/unsigned", b"evilexample/unsigned")) as liar:
            self.page("unsigned.lab/x", meta("unsigned.lab/x git https://web.example/x"))
            self.found("unsigned.lab/x", "unsigned.lab/x git https://web.example/x",
                       source="http, tls", requests=1, resolver=liar.resolver)
        self.web.clear()
        self.page("signed.lab/x", meta("signed.lab/x git https://web.example/x"))
        self.page("nsec3.lab/x", meta("nsec3.lab/x git https://web.example/x"))
        name = "go-import.signed.lab."
        liar_class = vanity_lab.Liar
        lies = {
            "NXDOMAIN without proof": ("signed", lambda n, t: liar_class.DENY if n == name else None),
            "NODATA without proof": ("signed", lambda n, t: liar_class.EMPTY if n == name else None),
            "no DS": ("signed", lambda n, t: liar_class.EMPTY if n == "signed.lab." and t == 43
                      else None),
            "no DNSKEY": ("signed", lambda n, t: liar_class.EMPTY if n == "signed.lab." and t == 48
                          else None),
            "the denial of another name": ("signed", lambda n, t: "zzzzzzzzz.signed.lab."
                                           if n == name else None),
            "NSEC3 of another name": ("nsec3", lambda n, t: "zzzzzzzzz.nsec3.lab."
                                      if n == "go-import.nsec3.lab." else None),
            "no DS, by the proof of an unsigned zone": (
                "signed", lambda n, t: "nods99.lab." if n == "signed.lab." and t == 43 else None),
        }
        for what, (zone, lie) in lies.items():
            with self.subTest(what), liar_class(self.lab.hierarchy.resolver, lie) as liar:
                self.refused(4, zone + ".lab/x", "DNSSEC validation failed", resolver=liar.resolver)

    def test_a_validating_resolver_in_between(self):
        """It keeps bogus data to itself unless it is told not to check: then the reason is seen."""
        port = cli.free_port()
        conf = self.file("unbound.conf", "\n".join([
            "server:", "  interface: 127.0.0.1@%d" % port, "  username: \"\"", "  chroot: \"\"",
            "  pidfile: \"\"", "  directory: \"%s\"" % self.dir, "  use-syslog: no",
            "  do-not-query-localhost: no", "  module-config: \"validator iterator\"",
            "  trust-anchor-file: \"%s\"" % self.lab.anchor, "  trust-anchor-signaling: no",
            "remote-control:", "  control-enable: no",
            "forward-zone:", "  name: .", "  forward-addr: " + self.lab.hierarchy.resolver, ""]))
        unbound = self.background(["/usr/sbin/unbound", "-d", "-c", conf])
        resolver = "127.0.0.1@%d" % port

        def answers():
            r = self.lab.lookup("--dns-only", "signed.lab/x", resolver=resolver)
            return r.code == 0
        cli.wait_until(answers, what=str(unbound))
        self.page("expired.lab/x", meta("expired.lab/x git https://web.example/x"))
        for name in ("expired", "altered", "dsunsigned"):
            self.refused(4, name + ".lab/x", "DNSSEC validation failed", resolver=resolver)
        self.found("a.wild3.lab/x", "a.wild3.lab/x git https://git.example/w", resolver=resolver)
        self.page("none3.lab/x", meta("none3.lab/x git https://web.example/x"))
        self.found("none3.lab/x", "none3.lab/x git https://web.example/x", source="http, tls",
                   requests=1, resolver=resolver)

    def test_resolvers_that_fail(self):
        self.page("signed.lab/x", meta("signed.lab/x git https://web.example/x"))
        with dns_lab.Proxy(self.lab.hierarchy.resolver, "dead") as dead:
            for extra in ([], ["--insecure"]):
                r = self.refused(3, "signed.lab/x", "go-import.signed.lab", resolver=dead.resolver,
                                 args=["--timeout", "1500ms", *extra])
                self.assertLess(r.seconds, 4.5 * cli.SLOWNESS)
        for mode in ("servfail", "refused"):
            with dns_lab.Proxy(self.lab.hierarchy.resolver, mode) as bad:
                self.refused(3, "signed.lab/x", "go-import.signed.lab", resolver=bad.resolver)
        with dns_lab.Proxy(self.lab.hierarchy.resolver, "refused") as bad:
            self.refused(3, "signed.lab/x", "the resolver 127.0.0.1:", "answers REFUSED",
                         resolver=bad.resolver)
        self.refused(3, "signed.lab/x", "cannot be reached: Connection refused",
                     resolver="127.0.0.1@%d" % cli.free_port(udp=True))
        with dns_lab.Proxy(self.lab.hierarchy.resolver, "strip") as strip:
            # Who names a resolver does not want the root to be asked past it.
            for name in ("signed", "unsigned", "none"):
                self.refused(3, name + ".lab/x", "the resolver %s answers without DNSSEC signatures"
                             % strip.resolver, resolver=strip.resolver, args=["--timeout", "1s"])
            self.assertIn("--recurse", self.lab.lookup("signed.lab/x", resolver=strip.resolver).err)
        # No key, no validation; and nothing that was forged.
        for qtype in (43, 48):
            with dns_lab.Proxy(self.lab.hierarchy.resolver, "servfail", only="signed.lab.",
                               types=(qtype,)) as bad:
                self.refused(3, "signed.lab/x", "cannot be validated", "answers SERVFAIL",
                             resolver=bad.resolver)
        with dns_lab.Proxy(self.lab.hierarchy.resolver, "servfail", types=(48,)) as bad:
            self.refused(3, "signed.lab/x", "does not give the DNSKEY of .", resolver=bad.resolver)
        with dns_lab.Proxy(self.lab.hierarchy.resolver, "truncate") as tcp:
            self.found("signed.lab/x", "signed.lab/x git https://git.example/signed",
                       resolver=tcp.resolver)


class Waiting(Vanity):
    def test_a_slow_resolver_is_asked_once(self):
        with dns_lab.Proxy(self.lab.hierarchy.resolver, "slow", delay=0.7) as slow:
            self.found("signed.lab/x", "signed.lab/x git https://git.example/signed", "--timeout",
                       "50s", resolver=slow.resolver)
            self.assertEqual(len(slow.questions), len(set(slow.questions)), slow.questions)

    def test_many_domains_without_an_answer_do_not_spoil_the_others(self):
        paths = ["d%03d.none.lab/x" % i for i in range(300)] + ["signed.lab/x"]
        with dns_lab.Proxy(self.lab.hierarchy.resolver, "dead", only=".none.lab.") as half:
            r = self.lab.lookup("--dns-only", "--timeout", "%dms" % (1500 * cli.SLOWNESS), *paths,
                                resolver=half.resolver)
        self.assert_run(r, code=3, err_has=["d000.none.lab"])
        self.assertEqual(r.out.splitlines()[-1], "signed.lab/x git https://git.example/signed")
        self.assertEqual(r.err.count("no answer in time"), 300)

    def test_without_descriptors(self):
        codes = set()
        for most in range(4, 14):
            r = self.lab.lookup("--dns-only", "--timeout", "2s", "signed.lab/x", no_descriptors=True,
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)))
            codes.add(r.code)
            self.assertIn(r.code, (0, 2, 3), r)  # 2: not even the trust anchor's file could be read
            self.assertNotIn("validation failed", r.err)
        self.assertIn(3, codes)

    @unittest.skipUnless(os.geteuid() == 0, "root has no limit of tasks, and may become somebody who has")
    def test_without_threads(self):
        os.chmod(self.dir, 0o755)
        tool = shutil.copy(cli.GWTOOL, self.path("gwtool"))
        anchor = shutil.copy(self.lab.anchor, self.path("anchor"))

        def become_nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        r = cli.run([tool, "vanity-lookup", "--dns-only", "--timeout", "2s", "--resolver",
                     self.lab.dns.resolver, "--trust-anchor", anchor, "signed.lab/x"],
                    preexec_fn=become_nobody, cwd="/",
                    # The address sanitizer looks for leaks with a thread.
                    env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        self.assert_error(r, 3, "DNS lookups: starting a thread: ")

    @unittest.skipUnless(os.geteuid() == 0, "a chroot needs root")
    def test_query_ids_differ_in_an_empty_chroot(self):
        root = self.path("root")
        libraries = subprocess.run(["ldd", cli.GWTOOL], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", libraries):
            os.makedirs(root + os.path.dirname(library), exist_ok=True)
            shutil.copy(library, root + library)
        os.makedirs(root, exist_ok=True)
        shutil.copy(cli.GWTOOL, os.path.join(root, "gwtool"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            server.settimeout(30)
            seen = []
            for _ in range(3):
                process = subprocess.Popen(
                    ["/gwtool", "vanity-lookup", "--http-only", "--insecure", "--timeout", "20s",
                     "--resolver", "127.0.0.1@%d" % server.getsockname()[1], "host.example.org/x"],
                    preexec_fn=lambda: os.chroot(root), cwd="/", env={}, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE)
                query = server.recvfrom(65536)[0]
                self.assertIn(b"\4host\7example\3org", query)
                seen.append(query[:2])
                process.kill()
                process.communicate()
                server.setblocking(False)
                try:
                    while server.recv(65536):
                        pass
                except BlockingIOError:
                    pass
                server.settimeout(30)
        self.assertGreater(len(set(seen)), 1, seen)


@unittest.skipIf(cli.SLOWNESS > 1, "a sanitizer has memory of its own")
class Memory(Vanity):
    """Strangers answer with as much as they may: what it takes does not grow with their number."""

    MOST_KB = 256 << 10

    def run_within(self, code, args, names):
        r = big_answers.Measured(["vanity-lookup", *args, "--timeout", "%ds" % (60 * cli.SLOWNESS)],
                                 "".join(name + "\n" for name in names))
        self.assertEqual(r.code, code, r.err[:1000])
        self.assertLess(r.kb, self.MOST_KB, r.err[:1000])
        return r

    def test_records(self):
        names = ["d%d.example/x" % i for i in range(110)]
        for texts in (["junk%d" % i for i in range(2800)],
                      ["d1.example/p%d git http://e/%d" % (i, i) for i in range(1200)]):
            server = big_answers.BigAnswers(texts)
            args = ["--resolver", server.resolver, "--trust-anchor", self.anchor(), "--insecure"]
            r = self.run_within(1, ["--dns-only", "--json", *args, "-"], names)
            self.assertEqual(r.out.count('"path":'), 110)
        self.run_within(1, ["lint", "--json", *args, *(n.split("/")[0] for n in names)], [])
        # The first are told, and how many there are more.
        server = big_answers.BigAnswers(["junk%d" % i for i in range(30)])
        r = self.gwtool("vanity-lookup", "--resolver", server.resolver, "--trust-anchor", self.anchor(),
                        "--insecure", "--dns-only", "--json", "a.example/x")
        self.assertEqual(len(r.json["domains"][0]["ignored"]), 20)
        self.assertEqual(r.json["domains"][0]["more_ignored"], 10)
        self.assertIn("gwtool: go-import.a.example: ignored 10 more\n", r.err)

    def anchor(self):
        return self.file("anchor", "unrelated. IN DS 12345 13 2 %s\n" % ("ab" * 32))

    def test_pages(self):
        """What is kept of a page is a few of its tags, and of those only as much as is shown."""
        tags = "".join(meta("none.lab/q%d git https://e/%s" % (i, "z" * 20000)) for i in range(40))
        for i in range(24):
            self.page("none.lab/p%d" % i, tags)
        paths = ["none.lab/p%d" % i for i in range(24)]
        args = ["--http-only", *self.lab.args("none.lab"), "-"]
        many = self.run_within(1, args, paths)
        self.assertEqual(many.err.count("error: "), 24)
        self.assertLess(many.kb, 96 << 10)


class Raw:
    """An HTTPS server that answers with what `reply(send)` sends, and then waits for the client to go;
    where that returns False the connection is closed."""

    def __init__(self, lab):
        self.lab, self.reply, self.connections = lab, None, 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*lab.ca.issue("none.lab"))
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client):
        try:
            with self.context.wrap_socket(client, server_side=True) as c:
                while b"\r\n\r\n" not in c.recv(65536):
                    pass
                if self.reply(c.sendall) is not False:
                    while c.recv(65536):
                        pass
        except OSError:
            pass

    def args(self, host):
        return ["--resolver", self.lab.dns.resolver, "--trust-anchor", self.lab.anchor, "--ca-file",
                self.lab.ca.file, "--connect-to", "%s:443:127.0.0.1:%d" % (host, self.port)]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.listener.close()


class Pages(Vanity):
    def http(self, path, line, *args, source="http, tls", **kwargs):
        r = self.lab.lookup("-v", "--http-only", *args, path, **kwargs)
        self.assert_run(r, code=0, out="%s  # %s\n" % (line, source))
        self.assertEqual(self.lab.txt_questions(), 0)
        return r

    def fails(self, code, path, *texts, args=(), **kwargs):
        r = self.lab.lookup("--http-only", *args, path, **kwargs)
        self.assert_error(r, code, *texts)
        return r

    def test_tags(self):
        tag = meta("none.lab/x git https://a.example")
        self.page("none.lab/x", "<html><head>%s</head>" %
                  meta("none.lab/x git https://g.example sub"), status=404)
        self.http("none.lab/x", "none.lab/x git https://g.example sub")
        self.assertEqual(self.web.asked, ["https none.lab /x?go-get=1"])
        self.page("none.lab/", meta("none.lab git https://g.example/root"))
        self.http("none.lab", "none.lab git https://g.example/root")
        self.page("none.lab/", "nothing")
        for body, why in (
                (tag + tag, "multiple meta tags"),
                ("<!-- %s -->" % tag, "no go-import meta tag"),
                ("<body>" + tag, "no go-import meta tag"),
                ("<head></head>" + tag, "no go-import meta tag"),
                (meta("none.lab/y git https://a.example"), "only for \"none.lab/y\""),
                (meta("none.lab/x cvs https://a.example"), "unknown version control"),
                (meta("none.lab/x git file:///etc"), "is a file"),
                ("<?xml version='1.0' encoding='iso-8859-1'?>" + tag, "charset"),
                ("<p style=a;b>", "line 1")):
            self.page("none.lab/x", body)
            self.fails(1, "none.lab/x", why)
        self.page("none.lab/x", "gone", status=410)
        self.fails(1, "none.lab/x", "status 410")
        self.page("none.lab/x", "busy", status=503)
        self.fails(1, "none.lab/x", "status 503")
        self.page("none.lab/x", "slower", status=429)
        self.fails(1, "none.lab/x", "status 429")
        # the page of the whole domain answers for what is below it and has no tag of its own
        self.page("none.lab/x", "gone", status=404)
        self.page("none.lab/", meta("none.lab git https://g.example/root"))
        self.http("none.lab/x", "none.lab git https://g.example/root")

    def test_the_prefix_has_the_last_word(self):
        tag = meta("none.lab/x git https://g.example")
        self.page("none.lab/x", tag)
        self.page("none.lab/x/sub", tag)
        self.http("none.lab/x/sub", "none.lab/x git https://g.example")
        self.assertEqual(self.web.count("none.lab /x?go-get=1"), 1)
        self.page("none.lab/x/sub", meta("none.lab/x git https://evil.example"))
        self.fails(1, "none.lab/x/sub", "disagree about go-import for \"none.lab/x\"")
        self.page("none.lab/x/sub", tag)
        self.page("none.lab/x", "nothing")
        self.fails(1, "none.lab/x/sub", "disagree")
        self.page("none.lab/x", "nothing", status=404)
        self.fails(1, "none.lab/x/sub", "status 404")

    def test_redirects(self):
        def chain(n):
            self.web.clear()
            self.web.redirect("none.lab", "/x", "https://none.lab/r1", 301)
            for i in range(1, n):
                self.web.redirect("none.lab", "/r%d" % i, "r%d" % (i + 1), 307)
            self.page("none.lab/r%d" % n, meta("none.lab/x git https://g.example"))
        chain(9)
        self.http("none.lab/x", "none.lab/x git https://g.example")
        chain(10)
        self.fails(1, "none.lab/x", "stopped after 10 redirects")
        self.assertEqual(self.web.count("/r10"), 0)
        self.web.clear()
        self.web.redirect("none.lab", "/x", "http://none.lab/x")
        self.page("none.lab/x", meta("none.lab/x git https://g.example"), scheme="http")
        self.fails(1, "none.lab/x", "to insecure URL")
        self.assertEqual(self.web.count("http none.lab"), 0)
        self.http("none.lab/x", "none.lab/x git https://g.example", "--insecure",
                  source="http, unprotected")
        self.web.redirect("none.lab", "/x", "http://user:secret@none.lab/x")
        r = self.lab.lookup("--http-only", "--insecure", "none.lab/x")
        self.assertEqual(self.web.count("authorization"), 0)
        self.assertNotIn("secret", r.err + r.out)

    def test_redirects_to_odd_places(self):
        tag = meta("none.lab/x git https://g.example")
        for to, asked in (("https://none.lab/a b", "/a%20b"), ("/\u00fc", "/%FC"),
                          ("HTTPS://none.lab/y", "/y"), ("https://none.lab:443/y#z", "/y")):
            self.web.clear()
            self.web.redirect("none.lab", "/x", to)
            self.page("none.lab" + asked, tag)
            self.http("none.lab/x", "none.lab/x git https://g.example")
            self.assertEqual(self.web.asked[1:], ["https none.lab " + asked])
        # A malformed one is the server's fault, not one of the command line.
        for to in ("https://none.lab:99999/", "https://", "https:///x", "//", "https://[::1",
                   "https://\u00fc.lab/", "/\x1b[2J", "mailto:a@b", "ftp://none.lab/x"):
            self.web.clear()
            self.web.redirect("none.lab", "/x", to)
            r = self.fails(1, "none.lab/x", "none.lab/x: ", "redirects to \"")
            self.assertNotIn("\x1b", r.err)
            self.assertEqual(self.web.count(), 1)
        self.web.clear()
        self.page("none.lab/x", tag, status=302)
        self.http("none.lab/x", "none.lab/x git https://g.example")

    def test_http_only_after_https_failed(self):
        self.page("none.lab/x", meta("none.lab/x git https://g.example"), scheme="http")
        self.fails(1, "none.lab/x", "status 404", args=["--insecure"])
        self.assertEqual(self.web.count("http none.lab"), 0)
        port = cli.free_port()
        down = ["--connect-to", "down.lab:443:127.0.0.1:%d" % port,
                "--connect-to", "down.lab:80:127.0.0.1:%d" % self.web.http_port]
        self.page("down.lab/x", meta("down.lab/x git https://g.example"), scheme="http")
        args = ["vanity-lookup", "--http-only", "--ca-file", self.lab.ca.file, *down, "down.lab/x"]
        r = self.gwtool(*args)
        self.assert_error(r, 3, "down.lab")
        self.assertEqual(self.web.count("http down.lab"), 0)
        r = self.gwtool(*args, "--insecure")
        self.assert_run(r, code=0, out="down.lab/x git https://g.example\n")

    def test_certificates(self):
        self.page("none.lab/x", meta("none.lab/x git https://g.example"))
        other = os.path.join(self.dir, "other")
        os.mkdir(other)
        stranger = vanity_lab.http_fixture.TestCa(other)
        args = ["vanity-lookup", "--http-only", "--ca-file", stranger.file, "--connect-to",
                "none.lab:443:127.0.0.1:%d" % self.web.port, "none.lab/x"]
        self.assert_error(self.gwtool(*args), 3, "certificate")
        self.assertEqual(self.web.count(), 0)
        r = self.gwtool(*args, "--insecure", "-v")
        self.assert_run(r, out="none.lab/x git https://g.example  # http, unprotected\n")
        missing = self.gwtool("vanity-lookup", "--http-only", "--ca-file", self.path("none"),
                              "none.lab/x")
        self.assert_error(missing, 2, self.path("none"))

    def test_nobody_is_given_the_keys_of_connections(self):
        # What curl and OpenSSL's tools write where a variable says so.
        self.page("none.lab/x", meta("none.lab/x git https://g.example"))
        keys = self.path("keys")
        r = self.gwtool("vanity-lookup", "--http-only", "--ca-file", self.lab.ca.file, "--connect-to",
                        "none.lab:443:127.0.0.1:%d" % self.web.port, "none.lab/x",
                        env=cli.clean_env(SSLKEYLOGFILE=keys))
        self.assert_run(r, code=0, out="none.lab/x git https://g.example\n")
        self.assert_missing(keys)

    def test_names_come_from_the_same_resolver(self):
        self.page("none.lab/x", meta("none.lab/x git https://g.example"))
        r = self.gwtool("vanity-lookup", "--http-only", "--resolver", self.lab.dns.resolver,
                        "--ca-file", self.lab.ca.file, "--connect-to",
                        "none.lab:443:v4.web.lab:%d" % self.web.port, "none.lab/x")
        self.assert_run(r, code=0, out="none.lab/x git https://g.example\n")
        self.assertGreaterEqual(self.lab.dns.asked("v4.web.lab.", 1), 1)

    def test_connect_to(self):
        """The forms of curl's option."""
        self.page("none.lab/x", meta("none.lab/x git https://g.example"))
        args = ["vanity-lookup", "--http-only", "--resolver", self.lab.dns.resolver, "--ca-file",
                self.lab.ca.file, "--timeout", "5s", "--connect-to"]
        port = self.web.port
        for form in ("none.lab:443:127.0.0.1:%d", "NONE.lab:443:127.0.0.1:%d", "::127.0.0.1:%d",
                     ":443:127.0.0.1:%d", "none.lab::127.0.0.1:%d", "none.lab:443:v4.web.lab:%d"):
            self.assert_run(self.gwtool(*args, form % port, "none.lab/x"), code=0)
        self.web.clear()
        for form in ("none.lab:80:127.0.0.1:%d", "other.lab:443:127.0.0.1:%d"):
            self.assert_error(self.gwtool(*args, form % port, "none.lab/x"), 3, "none.lab/x")
        self.assertEqual(self.web.count(), 0)
        r = self.gwtool(*args, "none.lab:443:[::1]:%d" % cli.free_port("::1"), "none.lab/x")
        self.assert_error(r, 3, "connect to ::1")
        for form in ("none.lab:443", "none.lab:443:127.0.0.1", "none.lab:443:127.0.0.1:x",
                     "none.lab:443:127.0.0.1:99999", "none.lab:443:127.0.0.1:0",
                     "none.lab:x:127.0.0.1:1", "none.lab:443:::1:1", "none.lab:443:[::1:1"):
            self.assert_error(self.gwtool(*args, form, "none.lab/x"), 2, "bad --connect-to")

    def test_large_pages(self):
        """What has come counts; without a tag 8 MiB are looked at, after decompression."""
        tag = meta("none.lab/x git https://g.example")
        found = "none.lab/x git https://g.example"
        fill = "<p>" + "x" * (9 << 20)
        for body, status in ((tag + fill, 200), (tag + fill, 404),
                             ("<a" + " b" * (3 << 20) + ">" + tag, 200)):
            self.page("none.lab/x", body, status=status)
            self.http("none.lab/x", found, "--timeout", "50s")
        self.page("none.lab/x", gzip.compress((tag + fill * 3).encode()), Content_Encoding="gzip")
        self.http("none.lab/x", found)
        self.page("none.lab/x", gzip.compress((fill + tag).encode()), Content_Encoding="gzip")
        self.fails(1, "none.lab/x", "in its first 8388608 bytes")

    def test_bodies_that_do_not_end_well(self):
        """The go command stops at the end of the head, and so does whatever comes behind it."""
        tag = meta("none.lab/x git https://g.example")
        found = "none.lab/x git https://g.example"
        head = ("<head>%s</head>" % tag).encode()
        with Raw(self.lab) as raw:
            for what, reply in (
                    ("held open", lambda send: send(b"HTTP/1.1 200 OK\r\n\r\n" + head)),
                    ("cut short", lambda send: send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n"
                                                    b"\r\n" + head) or False),
                    ("in pieces", lambda send: [send(b"HTTP/1.1 200 OK\r\n\r\n")] +
                     [send(head[i:i + 1]) for i in range(len(head))] and None),
                    ("large headers", lambda send: send(
                        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 50000 + b"\r\nY: " + b"y" * 50000 +
                        b"\r\n\r\n" + head))):
                with self.subTest(what):
                    raw.reply = reply
                    r = self.gwtool("vanity-lookup", "--http-only", "--timeout", "50s",
                                    *raw.args("none.lab"), "none.lab/x")
                    self.assert_run(r, code=0, out=found + "\n")
            raw.reply = lambda send: send(b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n") or False
            r = self.gwtool("vanity-lookup", "--http-only", *raw.args("none.lab"), "none.lab/x")
            self.assert_error(r, 3, "HTTP version")
            self.assertNotIn("redirect", r.err)

    def test_encodings(self):
        tag = meta("none.lab/x git https://g.example")
        found = "none.lab/x git https://g.example"
        packed = gzip.compress(("<head>%s</head>" % tag).encode())
        for body in (packed + gzip.compress(b"more"), packed + b"garbage",
                     packed[:-8] + b"12345678", packed[:-8]):
            self.page("none.lab/x", body, Content_Encoding="gzip")
            self.http("none.lab/x", found)
        # Nobody asked for these: the body is what it is.
        for encoding in ("br", "zstd", "x-unknown"):
            self.page("none.lab/x", tag, Content_Encoding=encoding)
            self.http("none.lab/x", found)
            self.page("none.lab/x", bytes(range(128, 256)), Content_Encoding=encoding)
            self.fails(1, "none.lab/x", "none.lab")

    def test_dead_web_hosts(self):
        """Many paths of one host take the time of one; they do not multiply it."""
        paths = ["none.lab/p%d" % i for i in range(40)]
        closed = cli.free_port()
        args = ["vanity-lookup", "--http-only", "--timeout", "2s"]
        r = self.gwtool(*args, "--ca-file", self.lab.ca.file, "--connect-to",
                        "none.lab:443:127.0.0.1:%d" % closed, *paths)
        self.assert_run(r, code=3)
        self.assertEqual(r.err.count("error: none.lab/p"), 40)
        with Raw(self.lab) as raw:
            raw.reply = lambda send: None
            r = self.gwtool(*args, *raw.args("none.lab"), *paths)
            self.assert_run(r, code=3)
            self.assertEqual(r.err.count("no complete answer"), 40)
            self.assertLess(raw.connections, 25)

    def test_hosts_that_do_not_exist(self):
        r = self.gwtool("vanity-lookup", *self.lab.args(), "--timeout", "20s", "gone.none.lab/x",
                        "gone.noneunsigned.lab/x")
        self.assert_run(r, code=3, err_has=["there is no host \"gone.none.lab\""])
        self.assertIn("gone.noneunsigned.lab/x: ", r.err)
        r = self.gwtool("vanity-lookup", *self.lab.args(), "--http-only", "gone.none.lab/x")
        self.assert_error(r, 1, "there is no host")

    def test_a_line_for_each_path(self):
        self.page("none.lab/x", meta("none.lab/x git http://g.example"))
        self.page("none.lab/y", "nothing")
        r = self.lab.lookup("--http-only", "-v", "none.lab/x", "none.lab/y", "bad path", "none.lab/x")
        lines = r.out.splitlines()
        self.assertEqual(len(lines), 4, r)
        self.assertEqual(lines[0], "none.lab/x git http://g.example  # http, tls, root not protected")
        self.assertRegex(lines[1], r"^# none\.lab/y: .*no go-import meta tag$")
        self.assertRegex(lines[2], r"^# bad path: malformed import path")
        self.assertEqual(lines[3], lines[0])
        self.assertEqual(self.lab.lookup("--http-only", "none.lab/y").out, "")
        r = self.lab.lookup("--http-only", "--json", "none.lab/x")
        self.assertEqual(r.json["results"][0]["root_protected"], False)

    def test_proxies_as_go_reads_them(self):
        self.page("none.lab/x", meta("none.lab/x git https://g.example"))
        self.page("v4.web.lab/x", meta("v4.web.lab/x git https://g.example"))
        with vanity_lab.Tunnel(self.web.port) as tunnel:
            proxy = "http://127.0.0.1:%d" % tunnel.port

            def asked(path, **env):
                del tunnel.asked[:]
                r = self.gwtool("vanity-lookup", "--http-only", "--ca-file", self.lab.ca.file,
                                "--connect-to", "none.lab:443:127.0.0.1:%d" % self.web.port,
                                "--timeout", "5s", path, env=cli.clean_env(**env))
                return r.code, list(tunnel.asked)
            direct = (0, [])
            self.assertEqual(asked("none.lab/x", ALL_PROXY=proxy), direct)
            self.assertEqual(asked("none.lab/x", HTTPS_PROXY=proxy, NO_PROXY="*.lab"), direct)
            self.assertEqual(asked("none.lab/x", HTTPS_PROXY=proxy, NO_PROXY="none.lab:443"), direct)
            code, tunnels = asked("v4.web.lab/x", HTTPS_PROXY=proxy, NO_PROXY="v4.web.lab:80,*.org")
            self.assertEqual((code, tunnels), (0, ["v4.web.lab:443"]))

    def test_netrc(self):
        self.page("none.lab/x", meta("none.lab/x git https://g.example"))
        netrc = self.file("netrc", "machine none.lab login u password p\n", 0o600)
        self.http("none.lab/x", "none.lab/x git https://g.example")
        self.assertEqual(self.web.count("authorization"), 0)
        self.http("none.lab/x", "none.lab/x git https://g.example", "--netrc", netrc)
        self.assertEqual(self.web.count("authorization https none.lab"), 1)
        # Not to where it redirects, and not where nobody knows who answers.
        self.web.clear()
        self.web.redirect("none.lab", "/x", "https://signed.lab/x")
        self.page("signed.lab/x", meta("none.lab/x git https://g.example"))
        r = self.gwtool("vanity-lookup", "--http-only", *self.lab.args("none.lab", "signed.lab"),
                        "--netrc", netrc, "none.lab/x")
        self.assert_run(r, code=0)
        self.assertEqual(self.web.count("authorization https signed.lab"), 0)
        self.web.clear()
        self.page("none.lab/x", meta("none.lab/x git https://g.example"))
        self.http("none.lab/x", "none.lab/x git https://g.example", "--netrc", netrc, "--insecure",
                  source="http, unprotected")
        self.assertEqual(self.web.count("authorization"), 0)
        self.fails(2, "none.lab/x", "nothing-there", args=["--netrc", self.path("nothing-there")])

    def test_goinsecure_is_by_path(self):
        self.page("none.lab/x", meta("none.lab/x git https://g.example"))
        self.page("none.lab/y", meta("none.lab/y git https://g.example"))
        other = os.path.join(self.dir, "other")
        os.mkdir(other)
        stranger = vanity_lab.http_fixture.TestCa(other)
        args = ["vanity-lookup", "--http-only", "--ca-file", stranger.file, "--connect-to",
                "none.lab:443:127.0.0.1:%d" % self.web.port, "none.lab/x", "none.lab/y"]
        r = self.gwtool(*args, env=cli.clean_env(GOINSECURE="*.org,none.lab/[y-z]/"))
        self.assert_run(r, code=3, err_has=["none.lab/x", "certificate"])
        self.assertTrue(r.lines[0].startswith("# none.lab/x: https://none.lab/x?go-get=1: "), r)
        self.assertEqual(r.lines[1:], ["none.lab/y git https://g.example"])
        r = self.gwtool(*args, "--goinsecure", "none.lab", env=cli.clean_env(GOINSECURE="x.org"))
        self.assert_run(r, code=0)

    def test_a_dead_resolver_delays_no_longer_than_said(self):
        with dns_lab.Proxy(self.lab.hierarchy.resolver, "dead") as dead:
            r = self.gwtool("vanity-lookup", "--http-only", "--resolver", dead.resolver,
                            "--ca-file", self.lab.ca.file, "--timeout", "1500ms", "none.lab/x")
        self.assert_error(r, 3, "none.lab/x")
        self.assertLess(r.seconds, 4.5 * cli.SLOWNESS)

    def test_proxies(self):
        self.page("none.lab/x", meta("none.lab/x git https://g.example"))
        with vanity_lab.Tunnel(self.web.port) as tunnel:
            args = ["vanity-lookup", "--http-only", "--ca-file", self.lab.ca.file, "none.lab/x"]
            env = cli.clean_env(HTTPS_PROXY="http://127.0.0.1:%d" % tunnel.port, NO_PROXY=None,
                                no_proxy=None)
            r = self.gwtool(*args, env=env)
            self.assert_run(r, code=0, out="none.lab/x git https://g.example\n")
            self.assertEqual(tunnel.asked, ["none.lab:443"])
            env["NO_PROXY"] = "none.lab"
            r = self.gwtool(*args, "--connect-to", "none.lab:443:127.0.0.1:%d" % self.web.port,
                            env=env)
            self.assert_run(r, code=0)
            self.assertEqual(tunnel.asked, ["none.lab:443"])


class Command(Vanity):
    def test_bad_paths_ask_nothing(self):
        for path in ("https://signed.lab/x", "a//b", "signed.lab//x", "signed.lab/x/", "con/x",
                     "signed.lab/con", "signed.lab/\u00fc", "nodot/x", "signed.lab/x~1", "-/x"):
            r = self.lab.lookup("--", path)
            self.assert_error(r, 2, "malformed import path")
        self.assertEqual(self.lab.dns.asked(), 0)
        self.assertEqual(self.web.count(), 0)

    def test_known_hosts_ask_nothing(self):
        r = self.lab.lookup("-v", "github.com/a/b/c", "signed.lab/x.git/y", "bitbucket.org/a/b")
        self.assert_run(r, code=0, err="", out=(
            "github.com/a/b git https://github.com/a/b  # static, built-in\n"
            "signed.lab/x.git git https://signed.lab/x  # static, built-in\n"
            "bitbucket.org/a/b git https://bitbucket.org/a/b  # static, built-in\n"))
        self.assert_error(self.lab.lookup("github.com/a"), 1, "github.com")
        self.assertEqual(self.lab.dns.asked(), 0)

    def test_a_hundred_paths_one_question(self):
        paths = ["signed.lab/x/p%d" % i for i in range(100)]
        r = self.lab.lookup("-", input="# paths\n\n" + "\n".join(paths) + "  # end\n")
        line = "signed.lab/x git https://git.example/signed\n"
        self.assert_run(r, code=0, err="", out=line * 100)
        self.assertEqual(self.lab.txt_questions("go-import.signed.lab."), 1)
        self.assertEqual(self.lab.txt_questions(), 1)

    def test_list_on_standard_input(self):
        text = ("\ufeff# list\r\n\r\n  signed.lab/x\t# why\r\n" + "a.lab/" + "x" * 100000 + "\n"
                "signed.lab/x\0y\n\n \t\nd1.lab/p1")
        lines = ("signed.lab/x git https://git.example/signed\n"
                 "d1.lab/p1 git https://git.example/d1/p1\n")
        r = self.lab.lookup("-", input=text)
        self.assert_run(r, code=2, err_has=["longer than 1024 bytes", "x\\x00y"])
        self.assertEqual([line for line in r.lines if line[0] != "#"], lines.splitlines())
        self.assertEqual([line[:2] for line in r.lines[1:3]], ["# ", "# "])
        self.assertLess(len(r.err), 1000)
        self.assertLess(len(r.out), 3000)
        self.assertEqual(self.lab.txt_questions(), 2)
        r = self.lab.lookup("github.com/a/b", "-", input=b"\xff.lab/x\nsigned.lab/x\n")
        self.assert_run(r, code=2)
        self.assertEqual(r.lines[0], "github.com/a/b git https://github.com/a/b")
        self.assertRegex(r.lines[1], r"^# \\xff\.lab/x: malformed import path")
        self.assertEqual(r.lines[2:], lines.splitlines()[:1])
        # What sshd gives a command for standard input: a socket has no name to open.
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(b"github.com/a/b\n")
            ours.shutdown(socket.SHUT_WR)
            p = subprocess.run([cli.GWTOOL, "vanity-lookup", "-"], stdin=theirs,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual((p.returncode, p.stdout, p.stderr),
                         (0, b"github.com/a/b git https://github.com/a/b\n", b""))

    def test_ten_domains_keep_the_order(self):
        paths = ["d%d.lab/p%d" % (i % 10, i // 10) for i in range(100)]
        r = self.lab.lookup(*paths)
        self.assert_run(r, code=0, out="".join(
            "d%d.lab/p%d git https://git.example/d%d/p%d\n" % (i % 10, i // 10, i % 10, i // 10)
            for i in range(100)))
        self.assertEqual(self.lab.txt_questions(), 10)

    def test_a_bad_domain_does_not_stop_the_others(self):
        self.page("none.lab/x", meta("none.lab/x git https://web.example/x"))
        self.page("nodata.lab/x", "busy", status=500)
        good = ["none.lab/x", "signed.lab/x", "github.com/a/b"]
        lines = ("none.lab/x git https://web.example/x\n"
                 "signed.lab/x git https://git.example/signed\n"
                 "github.com/a/b git https://github.com/a/b\n")
        for bad, code in ((["none3.lab/x"], 1), (["a//b"], 2), (["nodata.lab/x", "a//b"], 2),
                          (["expired.lab/x", "nodata.lab/x", "a//b", "none3.lab/x"], 4)):
            r = self.lab.lookup(good[0], *bad, *good[1:])
            self.assert_run(r, code=code, err_has="gwtool: error: ")
            self.assertEqual([x for x in r.lines if x[0] != "#"], lines.splitlines())
            self.assertEqual([x.split(": ")[0] for x in r.lines if x[0] == "#"],
                             ["# " + path for path in bad])
            self.assertEqual(r.err.count("gwtool: error: "), len(bad), str(r))

    def test_a_slow_host_delays_only_itself(self):
        self.web.stall("none.lab", "/x")
        self.web.redirect("none3.lab", "/x", "https://none3.lab/y")
        self.page("none3.lab/y", meta("none3.lab/x git https://web.example/x"))
        r = self.lab.lookup("--timeout", "1500ms", "none.lab/x", "none3.lab/x")
        self.assert_run(r, code=3, err_has="none.lab/x")
        self.assertEqual(r.lines[1:], ["none3.lab/x git https://web.example/x"])

    def test_list(self):
        r = self.lab.lookup("--list", "many.lab")
        self.assert_run(r, code=0, err="")
        self.assertEqual(sorted(r.lines), ["many.lab/p%02d git https://git.example/"
                                           "repository-number/%02d" % (i, i) for i in range(80)])
        self.assert_error(self.lab.lookup("--list", "none.lab"), 1, "no go-import records")
        self.assert_error(self.lab.lookup("--list", "expired.lab"), 4, "signature expired")
        self.assert_error(self.lab.lookup("--list", "unsigned.lab"), 1,
                          ": 1 record ignored, not signed", "--insecure")
        r = self.lab.lookup("--list", "other.lab")
        self.assert_error(r, 1, "ignored \"v=spf1 -all\": 2 fields", "no go-import records")
        r = self.lab.lookup("--list", "unsigned.lab", "--insecure")
        self.assert_run(r, code=0, out="unsigned.lab/x git https://git.example/unsigned\n",
                        err="gwtool: go-import.unsigned.lab: unverified\n")
        r = self.lab.lookup("--list", "expired.lab", "--insecure", "-v")
        self.assert_run(r, code=0, err_has="go-import.expired.lab: bogus, accepted: ", out=(
            "expired.lab/x git https://git.example/expired  # dns, bogus, accepted\n"))
        r = self.lab.lookup("--list", "signed.lab", "-v")
        self.assert_run(r, code=0, err="", out=(
            "signed.lab/x git https://git.example/signed  # dns, secure\n"))
        self.assert_error(self.lab.lookup("--list", "a/b.lab"), 2, "not a domain")
        self.assert_error(self.lab.lookup("--list", "many.lab", "signed.lab/x"), 2, "--list")
        r = self.lab.lookup("--json", "--list", "mixed.lab")
        self.assert_run(r, code=0)
        self.assertEqual(r.json["state"], "secure")
        self.assertEqual(len(r.json["records"]), 8)
        self.assertEqual(len(r.json["ignored"]), 9)
        self.assertEqual(self.web.count(), 0)

    def test_json(self):
        self.page("unsigned.lab/x", meta("unsigned.lab/x git https://web.example/x sub"))
        r = self.lab.lookup("--json", "signed.lab/x", "unsigned.lab/x", "expired.lab/x",
                            "github.com/a/b", "a//b")
        self.assertEqual(r.code, 4, str(r))
        results = r.json["results"]
        self.assertEqual(results[0], {
            "path": "signed.lab/x", "prefix": "signed.lab/x", "vcs": "git", "root_protected": True,
            "root": "https://git.example/signed", "source": "dns", "security": "secure",
            "domain": "go-import.signed.lab"})
        self.assertEqual(results[1], {
            "path": "unsigned.lab/x", "prefix": "unsigned.lab/x", "vcs": "git",
            "root": "https://web.example/x", "subdir": "sub", "source": "http", "security": "tls",
            "page": "https://unsigned.lab/x?go-get=1", "root_protected": True, "domain": "go-import.unsigned.lab",
            "notes": ["go-import.unsigned.lab: 1 record ignored, not signed"]})
        self.assertEqual(results[2]["error"]["kind"], "untrusted")
        self.assertEqual(results[3]["source"], "static")
        self.assertEqual(results[4]["error"]["kind"], "usage")
        self.assertEqual([d["state"] for d in r.json["domains"]], ["secure", "insecure", "bogus"])
        self.assertEqual(r.json["domains"][1]["records"],
                         [{"prefix": "unsigned.lab/x", "vcs": "git",
                           "root": "https://git.example/unsigned"}])

    def test_usage(self):
        for args, text in ((["--dns-only", "--http-only", "signed.lab/x"], "exclude"),
                           ([], "no import"),
                           (["--connect-to", "a:b", "none.lab/x"], "connect-to"),
                           (["--timeout", "0s", "signed.lab/x"], "timeout"),
                           (["--list", "signed.lab", "--http-only"], "--list")):
            self.assert_error(self.lab.lookup(*args), 2, text)
        bad_anchor = self.file("anchor", "not a record\n")
        for args in (["--trust-anchor", bad_anchor], ["--trust-anchor", self.path("missing")]):
            self.assert_error(self.gwtool("vanity-lookup", *args, "signed.lab/x"), 2)
        for address in ("nonsense", "127.0.0.1:x", "[::1", "127.0.0.1@0", "::1@99999", "@53"):
            for more in ([], ["--http-only"]):
                self.assert_error(self.gwtool("vanity-lookup", "--resolver", address, *more,
                                              "signed.lab/x"), 2, "--resolver", "@PORT")
        for address in ("::1@%d" % cli.free_port("::1"), "::1"):
            for more in ([], ["--http-only"]):
                self.assert_error(self.gwtool("vanity-lookup", "--resolver", address, "--timeout",
                                              "100ms", *more, "signed.lab/x"), 3, "signed.lab")
        self.assertEqual(self.lab.dns.asked(), 0)

    def test_quiet(self):
        r = self.lab.lookup("-q", "mixed.lab/x")
        self.assert_run(r, code=0, out="mixed.lab/x git https://git.example/x\n", err="")


class OwnServer(serve.TestCase):
    def test_compact_denial(self):
        """gwtool's own server denies the name as RFC 9824 says; that is proof enough to go on."""
        key = self.make_key()
        server = self.serve(key=key)
        LAB.reset()
        LAB.web.page(serve.ZONE, "/x", meta(serve.ZONE + "/x git https://web.example/x"))
        args = ["vanity-lookup", "-v", "--resolver", "127.0.0.1@%d" % server.port,
                "--trust-anchor", key + ".key", "--ca-file", LAB.ca.file, "--connect-to",
                "%s:443:127.0.0.1:%d" % (serve.ZONE, LAB.web.port), serve.ZONE + "/x"]
        r = self.gwtool(*args)
        self.assert_run(r, code=0, err="", out=(
            serve.ZONE + "/x git https://web.example/x  # http, tls\n"))
        r = self.gwtool(*args, "--json")
        self.assertEqual(r.json["domains"][0]["state"], "secure")
        # Another key, another zone: what cannot be verified is not believed.
        stranger = self.make_key("other.key")
        args[args.index(key + ".key")] = stranger + ".key"
        LAB.reset()
        self.assert_error(self.gwtool(*args, "--timeout", "3s"), 4, "DNSSEC validation failed")
        self.assertEqual(LAB.web.count(), 0)


def setUpModule():
    global LAB
    LAB = vanity_lab.lab_of_module()


if __name__ == "__main__":
    cli.main()
