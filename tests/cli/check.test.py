#!/usr/bin/env python3
"""gwtool check over DNS: a signed hierarchy on loopback, every exit code and form of output."""

import fcntl
import os
import shutil
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import dns_lab

F_OFD_SETLK = 37
MOX = "github.com/mjl-/mox"
MOX_NAME = "mox.mjl_2d._.github.com.v0."
MOX_LINE = "github.com/mjl-/mox v0.0.15 2025-04-18T19:30:21Z\n"
NEVER = 15  # seconds after which a wait counts as endless


def setUpModule():
    global LAB, DIR
    DIR = tempfile.mkdtemp(prefix="gwtool-lab-")
    with open(os.path.join(cli.DATA, "lab_records.zone")) as f:
        LAB = dns_lab.Lab(DIR, dns_lab.standard_zones(f.read()))
    LAB.start()


def tearDownModule():
    LAB.stop()
    shutil.rmtree(DIR, ignore_errors=True)


class CheckCase(cli.TestCase):
    def check(self, *args, dns="signed.lab", resolver=None, anchor=None, **kwargs):
        """gwtool check with the lab's resolver; args begin with the subcommand."""
        base = ["--dns", dns] if dns and args[0] != "updates" else []
        return self.gwtool("check", args[0], *base, "--resolver", resolver or LAB.resolver,
                           "--trust-anchor", anchor or LAB.anchor, *args[1:], **kwargs)


class Module(CheckCase):
    def test_without_a_version_the_latest(self):
        self.assert_run(self.check("module", MOX), 0, out=MOX_LINE, err="")

    def test_with_a_version_only_what_is_newer(self):
        for known, code in (("v0.0.14", 100), ("v0.0.15", 0), ("v0.0.16", 0), ("v1.0.0", 0),
                            ("v0.0.15-rc1", 100), ("v0.0.0-20200101000000-abcdefabcdef", 100),
                            ("v0.0.16-0.20250101000000-abcdefabcdef", 0)):
            with self.subTest(known):
                self.assert_run(self.check("module", MOX + "@" + known), code,
                                out=MOX_LINE if code else "", err="")

    def test_answers(self):
        for path, line in (
                ("example.com/many", "v3.1.0 2025-10-27T23:28:03Z"),
                ("example.com/split", "v1.2.3 2025-04-16T19:07:44Z"),
                ("example.com/incompatible", "v28.0.0+incompatible 2025-04-16T19:07:44Z"),
                ("example.com/incompatible@v17.0.1+incompatible",
                 "v28.0.0+incompatible 2025-04-16T19:07:44Z"),
                ("example.com/alias", "v0.0.15 2025-04-18T19:30:21Z")):
            with self.subTest(path):
                self.assert_run(self.check("module", path), 100 if "@" in path else 0,
                                out="%s %s\n" % (path.split("@")[0], line), err="")
        # +incompatible versions count by their numbers
        self.assert_run(self.check("module", "example.com/incompatible@v1.0.0"), 100,
                        out="example.com/incompatible v28.0.0+incompatible 2025-04-16T19:07:44Z\n")
        self.assert_run(self.check("module", "example.com/split@v28.5.2+incompatible"), 0, out="")

    def test_each_major_has_its_line(self):
        own = "example.com/stray v0.35.3 2025-04-16T19:07:44Z\n"
        higher = "example.com/stray v1.5.2 2024-10-04T14:47:28Z\n"
        for known, out in (("v0.34.0", own + higher), ("v0.35.3", higher), ("v1.4.0", higher),
                           ("v1.5.2", "")):
            with self.subTest(known):
                self.assert_run(self.check("module", "example.com/stray@" + known),
                                100 if out else 0, out=out, err="")
        # each is told once, whatever was told of the other
        state = self.file("state", "example.com/stray v1.5.2\n")
        args = ("module", "example.com/stray@v0.34.0", "--state", state)
        self.assert_run(self.check(*args), 100, out=own, err="")
        self.assert_run(self.check(*args), 0, out="", err="")

    def test_no_release_known(self):
        # an unknown module, one without releases, a name above others, in every kind of denial
        for zone in ("signed.lab", "nsec3.lab", "compact.lab", "unsigned.lab"):
            for path in ("example.com/unknown", "example.com/none", "github.com/mjl-"):
                with self.subTest(zone=zone, path=path):
                    self.assert_run(
                        self.check("module", path, dns=zone), 1, out="",
                        err="gwtool: error: %s: no release known at %s\n" % (path, zone))

    def test_a_pin_that_nothing_can_be_newer_than(self):
        # a commit of a module without releases, and a module without a name in DNS
        pins = ["example.com/none@v0.0.0-20200101000000-abcdefabcdef", "gotest.tools@v2.2.0"]
        news = MOX + "@v0.0.14"
        self.assert_run(self.check("module", *pins), 0, out="", err="")
        self.assert_run(self.check("module", news, *pins), 100, out=MOX_LINE, err="")
        r = self.check("module", *pins, "-v")
        self.assert_run(r, 0, err_has=["example.com/none: no release known", "gotest.tools"])
        r = self.check("module", *pins, "--json")
        self.assertEqual([len(x["notes"]) for x in r.json["results"]], [1, 1])
        # told once
        state = self.path("state")
        r = self.check("module", *pins, "--state", state)
        self.assert_run(r, 0, out="", err_has=["example.com/none: no release known", "gotest.tools"])
        self.assert_run(self.check("module", *pins, "--state", state), 0, out="", err="")
        # a release that nobody knows is a fault, and so is a question that cannot be asked
        self.assert_error(self.check("module", "example.com/none@v1.0.0"), 1, "no release known")
        r = self.check("module", "gotest.tools")
        self.assert_error(r, 2, "slash")
        self.assertEqual(r.err.split("error: ")[1].split("\n")[0].count("gotest.tools"), 1)
        self.assertIn("hint: ", r.err)
        self.assertNotIn("hint: ", self.check("module", "gotest.tools", "-q").err)

    def test_bad_answers(self):
        for path, text in (("example.com/badversion", "version"), ("example.com/badtime", "time")):
            with self.subTest(path):
                self.assert_error(self.check("module", path), 1, path + ": ", text)

    def test_others_go_on(self):
        r = self.check("module", MOX + "@v0.0.14", "example.com/unknown", "Example.com/X",
                       "gotest.tools", "example.com/badtime", "example.com/split@v1.0.0")
        self.assertEqual(r.out, MOX_LINE + "example.com/split v1.2.3 2025-04-16T19:07:44Z\n")
        self.assertEqual(r.err.count("gwtool: error: "), 4, str(r))
        self.assert_run(r, 2)
        self.assert_run(self.check("module", MOX + "@v0.0.14", "example.com/unknown"), 1,
                        out=MOX_LINE)

    def test_bad_requests_send_nothing(self):
        with dns_lab.Proxy(LAB.resolver) as proxy:
            for bad, text in (("Example.com/x", "Example.com/x"), ("localhost/x", "localhost/x"),
                              ("github.com//x", "github.com//x"), ("gotest.tools", "slash"),
                              ("github.com/a/b/v1", "v1"), ("", ""), ("github.com/a+b/c", ""),
                              (MOX + "@1.2.3", "1.2.3"), (MOX + "@v01.2.3", "v01.2.3"),
                              (MOX + "@v1.2", "v1.2"), (MOX + "@latest", "latest"),
                              (MOX + "@", "canonical"), (MOX + "@v1.2.3+meta", "v1.2.3+meta"),
                              ("a.com/" + "x" * 64, "63"),
                              ("a.com/" + "/".join(["x" * 60] * 4), "253")):
                with self.subTest(bad):
                    self.assert_error(self.check("module", bad, resolver=proxy.resolver), 2, text)
            self.assertEqual(proxy.questions, [])

    def test_bad_zones_send_nothing(self):
        with dns_lab.Proxy(LAB.resolver) as proxy:
            for bad, text in (("a..b", 'domain name "a..b": empty label'), ("odd lab", '"odd lab"'),
                              ("\u00f6dd.lab", "xn--"), ("x" * 64, "63"),
                              (".".join(["x" * 60] * 4) + ".abcde", "too long"), ("", "empty")):
                for args in (["module", MOX, MOX], ["toolchain"], ["updates"]):
                    with self.subTest(zone=bad, args=args):
                        more = [bad] if args == ["updates"] else ["--dns", bad]
                        r = self.check(*args, *more, dns=None, resolver=proxy.resolver)
                        self.assert_error(r, 2, "DOMAIN: " if more == [bad] else "--dns: ", text)
                        self.assertEqual(r.err.count("error: "), 1)
            self.assertEqual(proxy.questions, [])

    def test_standard_input(self):
        text = "# comment\n\n  %s@v0.0.14  # why\r\nexample.com/split\nbad path\n%s@v0.0.15" % (
            MOX, MOX)
        r = self.check("module", "-", input=text)
        self.assert_run(r, 2, out=MOX_LINE + "example.com/split v1.2.3 2025-04-16T19:07:44Z\n",
                        err_has="line 5: ")
        self.assert_run(self.check("module", "-", input=""), 0, out="", err="")
        r = self.check("module", "example.com/split", "-", input=MOX)
        self.assertEqual(r.lines[1] + "\n", MOX_LINE)

    def test_many_at_once_ask_once(self):
        with dns_lab.Proxy(LAB.resolver) as proxy:
            r = self.check("module", MOX, MOX, MOX + "@v0.0.14", resolver=proxy.resolver)
            self.assert_run(r, 100, out=MOX_LINE * 3, err="")
            self.assertEqual(proxy.asked(MOX_NAME + "signed.lab.", 16), 1)

    def test_major(self):
        many = ("example.com/many v3.1.0 2025-10-27T23:28:03Z\n"
                "example.com/many/v2 v2.9.9 2025-10-27T23:28:02Z\n"
                "example.com/many/v3 v3.1.0 2025-10-27T23:28:03Z\n")
        self.assert_run(self.check("module", "--major", "example.com/many"), 0, out=many, err="")
        # nothing newer in its own major, but later ones
        r = self.check("module", "--major", "example.com/many@v3.1.0")
        self.assert_run(r, 100, out="".join(many.splitlines(True)[1:]), err="")
        r = self.check("module", "--major", "example.com/many/v2@v2.9.9")
        self.assert_run(r, 100, out=many.splitlines(True)[2], err="")
        self.assert_run(self.check("module", "--major", "example.com/many/v3@v3.1.0"), 0, out="")
        self.assert_run(self.check("module", "--major", MOX + "@v0.0.15"), 0, out="", err="")
        # none of its own major, but a later one
        r = self.check("module", "--major", "example.com/late")
        self.assert_run(r, 0, out="example.com/late/v2 v2.0.1 2025-04-16T19:07:44Z\n", err="")
        self.assert_error(self.check("module", "example.com/late"), 1, "no release known")
        self.assert_error(self.check("module", "--major", "example.com/unknown"), 1,
                          "no release known")

    def test_major_over_gaps(self):
        gap = ("example.com/gap/v3 v3.0.1 2025-04-16T19:07:44Z\n"
               "example.com/gap/v13 v13.0.1 2025-04-16T19:07:45Z\n")
        r = self.check("module", "--major", "example.com/gap@v1.2.0")
        self.assert_run(r, 100, out=gap, err="")
        # what is known, or served at the path itself, says where they begin
        last = "example.com/legacy/v29 v29.0.0 2025-04-16T19:07:45Z\n"
        r = self.check("module", "--major", "example.com/legacy@v28.5.2+incompatible")
        self.assert_run(r, 100, out=last, err="")
        r = self.check("module", "--major", "example.com/legacy")
        self.assert_run(r, 0, err="", out="example.com/legacy v28.5.2+incompatible "
                        "2025-04-16T19:07:44Z\n" + last)

    def test_major_says_a_fault_once(self):
        dead = "127.0.0.1@%d" % cli.free_port()
        r = self.check("module", "--major", MOX, "--timeout", "1s", resolver=dead)
        self.assert_error(r, 3, MOX + ": ")
        self.assertEqual(r.err.count("error: "), 1, str(r))

    def test_major_takes_few_rounds(self):
        with dns_lab.Proxy(LAB.resolver) as proxy:
            r = self.check("module", "--major", "example.com/many", resolver=proxy.resolver)
            self.assert_run(r, 0)
            asked = [n.split(".")[0] for n, t in proxy.questions if t == 16]
            # v2 to v5 together with the path itself; the proof that there is no v4 says the rest
            self.assertEqual(sorted(asked), ["many", "v2", "v3", "v4", "v5"])


class Toolchain(CheckCase):
    CUR = "toolchain go1.27.4 2026-01-15T18:38:25Z\n"
    PREV = "toolchain go1.26.11 2026-01-15T18:38:24Z\n"
    NEXT = "toolchain go1.28rc1 2026-01-15T18:38:26Z\n"

    def test_all(self):
        for args, code, out in (
                ([], 0, self.CUR), (["--next"], 0, self.CUR + self.NEXT),
                (["go1.27.3"], 100, self.CUR), (["go1.27.4"], 0, ""), (["go1.27.5"], 0, ""),
                (["go1.27rc1"], 100, self.CUR), (["go1.27"], 100, self.CUR),
                (["go1.26.8"], 100, self.PREV), (["go1.26.11"], 0, ""),
                (["go1.26.11", "--next"], 100, self.NEXT),
                (["go1.25.1"], 100, self.CUR), (["go1.4"], 100, self.CUR),
                (["go1.28rc1"], 0, ""), (["go1.28beta1", "--next"], 100, self.NEXT),
                (["go1.28rc1", "--next"], 0, ""), (["go1.29.1", "--next"], 0, "")):
            with self.subTest(args):
                self.assert_run(self.check("toolchain", *args), code, out=out, err="")

    def test_bad_version(self):
        for bad in ("1.26.8", "go1", "go1.9.2rc2", "go1.21.0-custom", "latest", "v1.2.3", "go2.1"):
            with self.subTest(bad):
                self.assert_error(self.check("toolchain", bad), 2, bad)
        self.assert_error(self.check("toolchain", "1.26.8"), 2, "is not written as a Go version",
                          "did you mean go1.26.8?")

    def test_a_command_that_is_forgotten(self):
        for word, hint in ((MOX + "@v0.0.14", "did you mean gwtool check module %s@v0.0.14?" % MOX),
                           ("go1.26.8", "did you mean gwtool check toolchain go1.26.8?"),
                           ("go.mod", "did you mean gwtool check gomod go.mod?"),
                           ("./x/go.sum", "did you mean gwtool check gosum ./x/go.sum?"),
                           (cli.GWTOOL, "did you mean gwtool check binary %s?" % cli.GWTOOL),
                           ("modul", "did you mean gwtool check module?"), ("x", "the commands are ")):
            self.assert_error(self.gwtool("check", word), 2, "unknown command", hint)

    def test_unknown(self):
        self.assert_error(self.check("toolchain", dns="v0.signed.lab"), 1, "no release known")


class Updates(CheckCase):
    def test_all(self):
        for args, code, out, err in (
                (["signed.lab"], 0, "signed.lab v0.0.15\n", ""),
                (["signed.lab", "v0.0.14"], 100, "signed.lab v0.0.15\n", ""),
                (["signed.lab", "v0.0.15"], 0, "", ""),
                (["two.signed.lab"], 1, "", "two.signed.lab: "),
                (["other.signed.lab"], 1, "", "no version announced at _updates.other.signed.lab"),
                (["missing.signed.lab"], 1, "", "no version announced at"),
                (["expired.lab"], 4, "", "bogus"),
                (["signed.lab", "0.1"], 2, "", "0.1"),
                (["a..b"], 2, "", "a..b")):
            with self.subTest(args):
                self.assert_run(self.check("updates", *args), code, out=out, err_has=err)


class Dnssec(CheckCase):
    def test_states(self):
        secure, insecure, bogus = (100, ""), (100, ""), (4, "bogus")
        for zone, prefer, require in (
                ("signed.lab", secure, secure), ("nsec3.lab", secure, secure),
                ("ed25519.lab", secure, secure), ("rsa.lab", secure, secure),
                ("compact.lab", secure, secure), ("unsigned.lab", insecure, (4, "not signed")),
                ("nods.lab", insecure, (4, "not signed")),
                ("ed448.lab", insecure, (4, "not signed")),
                ("expired.lab", bogus, bogus), ("notyet.lab", bogus, bogus),
                ("altered.lab", bogus, bogus), ("wrongds.lab", bogus, bogus),
                ("dsunsigned.lab", bogus, bogus)):
            for mode, (code, text) in (("prefer", prefer), ("require", require),
                                       ("off", (100, ""))):
                with self.subTest(zone=zone, mode=mode):
                    r = self.check("module", MOX + "@v0.0.14", "--dnssec", mode, dns=zone)
                    self.assert_run(r, code, err_has=text)
                    if code == 4:
                        self.assertEqual(r.out, "")
                    elif not (mode == "off" and zone == "altered.lab"):
                        self.assertEqual(r.out, MOX_LINE)

    def test_insecure_is_said_only_to_those_who_look(self):
        args = ("module", MOX)
        self.assert_run(self.check(*args, dns="unsigned.lab"), 0, out=MOX_LINE, err="")
        r = self.check(*args, "-v", dns="unsigned.lab")
        self.assert_run(r, 0, out=MOX_LINE, err_has="not signed (insecure)")
        r = self.check(*args, "--json", dns="unsigned.lab")
        self.assertEqual(r.json["results"][0]["dnssec"], "insecure")
        self.assertEqual(r.json["results"][0]["releases"][0]["dnssec"], "insecure")
        r = self.check(*args, "--json", "--dnssec", "off", dns="unsigned.lab")
        self.assertEqual(r.json["results"][0]["dnssec"], "unchecked")

    def test_insecure_is_said_on_a_terminal(self):
        args = [cli.GWTOOL, "check", "module", MOX, "--dns", "unsigned.lab", "--resolver",
                LAB.resolver, "--trust-anchor", LAB.anchor]
        notice = "gwtool: the DNS answer is not signed (insecure)\r\n"
        line = MOX_LINE.replace("\n", "\r\n")
        for env in ({}, {"NO_COLOR": "1"}):
            code, text = cli.on_terminal(args, cli.clean_env(**env))
            self.assertEqual((code, sorted(text.splitlines(True))), (0, [line, notice]))
        self.assertEqual(cli.on_terminal([*args, "-q"]), (0, line))

    def test_an_alias_is_as_good_as_its_end(self):
        r = self.check("module", "example.com/insecure", "--json")
        self.assertEqual(r.json["results"][0]["dnssec"], "insecure")
        self.assert_error(self.check("module", "example.com/bogus"), 4, "bogus")

    def test_a_forged_answer(self):
        with dns_lab.Proxy(LAB.resolver, "forge") as proxy:
            self.assert_error(self.check("module", MOX, resolver=proxy.resolver), 4, "bogus")

    def test_a_resolver_that_strips(self):
        with dns_lab.Proxy(LAB.resolver, "strip") as proxy:
            r = self.check("module", MOX, "--timeout", "2s", resolver=proxy.resolver)
            self.assert_error(r, 3, "the resolver %s answers without DNSSEC signatures" % proxy.resolver,
                              "gwtool: hint: ")
            self.assertEqual(r.err.count("\n"), 2, r)
            r = self.check("module", MOX, "--dnssec", "off", resolver=proxy.resolver)
            self.assert_run(r, 0, out=MOX_LINE, err="")

    def test_the_anchor_decides(self):
        own = LAB.anchors["signed.lab"]
        self.assert_run(self.check("module", MOX, "--dnssec", "require", anchor=own), 0)
        # one that covers nothing that is asked for would turn validation off without a word
        with dns_lab.Proxy(LAB.resolver) as proxy:
            for args in (["module", MOX, MOX], ["toolchain"], ["updates", "nsec3.lab"]):
                for mode in ("prefer", "require"):
                    r = self.check(*args, "--dnssec", mode, dns="nsec3.lab", anchor=own,
                                   resolver=proxy.resolver)
                    self.assert_error(r, 2, "no trust anchor covers nsec3.lab")
                    self.assertEqual(r.err.count("error: "), 1)
            self.assertEqual(proxy.questions, [])
        r = self.check("module", MOX, "--dnssec", "off", dns="nsec3.lab", anchor=own)
        self.assert_run(r, 0, out=MOX_LINE)
        # the DS of another zone's key
        with open(LAB.anchors["nsec3.lab"]) as f:
            wrong = self.file("wrong", f.read().replace("nsec3.lab.", "signed.lab."))
        self.assert_error(self.check("module", MOX, "--timeout", "2s", anchor=wrong), 4, "bogus")

    def test_bad_anchor_files_send_nothing(self):
        with dns_lab.Proxy(LAB.resolver) as proxy:
            for text, error in (("", "no DS or DNSKEY record"), ("garbage", "without a type"),
                                ("a. DS 1 16 2 " + "00" * 32, "algorithm 16"),
                                ("\n. DS 1 8 2 00", "anchor:2: ")):
                with self.subTest(text):
                    r = self.check("module", MOX, resolver=proxy.resolver,
                                   anchor=self.file("anchor", text))
                    self.assert_error(r, 2, error)
            r = self.check("module", MOX, resolver=proxy.resolver, anchor=self.path("none"))
            self.assert_error(r, 2, "none")
            self.assertEqual(proxy.questions, [])

    def test_bad_resolver_addresses(self):
        for bad in ("localhost", "127.0.0.1:0", "127.0.0.1@0", "127.0.0.1@65536", "1.2.3",
                    "127.0.0.1@x"):
            with self.subTest(bad):
                self.assert_error(self.check("module", MOX, resolver=bad), 2, bad)


class Failures(CheckCase):
    def test_a_dead_resolver_costs_the_timeout(self):
        with dns_lab.Proxy(LAB.resolver, "dead") as proxy:
            start = time.monotonic()
            r = self.check("module", MOX, "--timeout", "700ms", resolver=proxy.resolver)
            took = time.monotonic() - start
            self.assert_error(r, 3, "no answer in time")
            self.assertGreaterEqual(took, 0.7)
            self.assertLess(took, 4.5 * cli.SLOWNESS)  # the default is 5 s

    def test_nobody_there(self):
        dead = "127.0.0.1@%d" % cli.free_port()
        r = self.check("module", MOX, "--timeout", "1s", resolver=dead)
        self.assert_error(r, 3, MOX + ": ")

    def test_servfail_and_refused(self):
        for mode in ("servfail", "refused"):
            with self.subTest(mode), dns_lab.Proxy(LAB.resolver, mode) as proxy:
                r = self.check("module", MOX, resolver=proxy.resolver, timeout=NEVER)
                self.assert_error(r, 3, MOX + ": ")

    def test_tcp_after_truncation(self):
        with dns_lab.Proxy(LAB.resolver, "truncate") as proxy:
            self.assert_run(self.check("module", MOX, resolver=proxy.resolver), 0, out=MOX_LINE)

    def test_precedence(self):
        news, bogus, temporary = MOX + "@v0.0.14", "example.com/bogus", "example.com/split@v1.2.2"
        failed, bad = "example.com/unknown", "Bad.com/x"
        for paths, code in (([news, failed, bad, temporary, bogus], 4),
                            ([news, failed, bad, temporary], 3), ([news, failed, bad], 2),
                            ([news, failed], 1), ([news], 100), ([news, bogus], 4),
                            ([bogus, temporary], 4), ([failed, temporary], 3)):
            with self.subTest(paths), \
                    dns_lab.Proxy(LAB.resolver, "servfail", only="split.") as proxy:
                self.assert_run(self.check("module", *paths, resolver=proxy.resolver), code,
                                out=MOX_LINE if news in paths else "")

    def test_standard_output_that_fails(self):
        with open("/dev/full", "w") as full:
            state = self.path("state")
            r = self.check("module", MOX, "--state", state, stdout=full)
            self.assert_run(
                r, 1, err="gwtool: error: writing standard output: No space left on device\n")
            # not reported, so not remembered
            self.assert_missing(state)


class State(CheckCase):
    def test_each_version_once(self):
        state = self.path("state")
        args = ("module", MOX + "@v0.0.14", "example.com/split", "--state", state)
        split = "example.com/split v1.2.3 2025-04-16T19:07:44Z\n"
        self.assert_run(self.check(*args), 100, out=MOX_LINE + split, err="")
        with open(state) as f:
            self.assertEqual(f.read(), "example.com/split v1.2.3\n%s v0.0.15\n" % MOX)
        self.assert_run(self.check(*args), 0, out="", err="")
        r = self.check(*args, "--json")
        self.assert_run(r, 0)
        self.assertEqual([x["releases"][0]["reported_before"] for x in r.json["results"]],
                         [True, True])
        # a newer one than the one that was reported
        self.file("state", "example.com/split v1.2.2\n%s v0.0.15\n" % MOX)
        self.assert_run(self.check(*args), 100, out=split, err="")
        # going back is no news
        self.assert_run(self.check(*args), 0, out="", err="")

    def test_toolchains(self):
        result = self.check("toolchain", "go1.26.8", "--json").json["results"][0]
        self.assertEqual((result["kind"], result["known"]), ("toolchain", "go1.26.8"))
        state = self.path("state")
        r = self.check("toolchain", "go1.26.8", "--state", state)
        self.assert_run(r, 100, out=Toolchain.PREV)
        self.assert_run(self.check("toolchain", "go1.26.8", "--state", state), 0, out="")
        r = self.check("toolchain", "go1.26.8", "--next", "--state", state)
        self.assert_run(r, 100, out=Toolchain.NEXT)

    def test_failures_are_not_remembered(self):
        state = self.path("state")
        self.assert_run(self.check("module", MOX, "--state", state, dns="expired.lab"), 4)
        self.assert_missing(state)

    def test_a_file_of_another_kind_is_left_alone(self):
        for text in ("hello\n", "SQLite format 3\0x\n", "a b\nc\n"):
            state = self.file("state", text)
            r = self.check("module", MOX, "--state", state)
            self.assert_error(r, 1, "state:%d: " % (2 if text.startswith("a b") else 1))
            with open(state) as f:
                self.assertEqual(f.read(), text)
            self.assert_missing(state + ".lock")
        self.assert_error(self.check("module", MOX, "--state", "/nonexistent/state"), 1,
                          "/nonexistent/state")

    def test_only_a_regular_file_is_replaced(self):
        os.mkfifo(self.path("fifo"))
        os.symlink("/dev/null", self.path("null"))
        os.mkdir(self.path("directory"))
        before = sorted(os.listdir(self.dir))
        for name in ("fifo", "null", "directory", "."):
            with self.subTest(name), dns_lab.Proxy(LAB.resolver) as proxy:
                r = self.check("module", MOX, "--state", self.path(name), timeout=NEVER,
                               resolver=proxy.resolver)
                self.assert_error(r, 2, self.path(name) + ": ")
                self.assertEqual(proxy.questions, [])
        self.assertEqual(sorted(os.listdir(self.dir)), before)
        self.assert_error(self.check("module", MOX, "--state", "/dev/full"), 2, "/dev/full: ")
        self.assert_missing("/dev/full.lock")

    def test_a_link_and_a_mode_stay(self):
        os.mkdir(self.path("real"))
        os.symlink("real/state", self.path("link"))
        self.assert_run(self.check("module", MOX, "--state", self.path("link")), 0)
        self.assertTrue(os.path.islink(self.path("link")))
        real = self.path("real", "state")
        os.chmod(real, 0o600)
        self.assert_run(self.check("toolchain", "--state", self.path("link")), 0)
        self.assertTrue(os.path.islink(self.path("link")))
        self.assertEqual(os.stat(real).st_mode & 0o777, 0o600)
        with open(real) as f:
            self.assertIn("toolchain ", f.read())

    def test_a_link_in_place_of_the_lock_is_refused(self):
        victim = self.file("victim", "text of somebody\n")
        os.symlink("victim", self.path("state.lock"))
        r = self.check("module", MOX, "--state", self.path("state"))
        self.assert_error(r, 2, "state.lock: a link")
        with open(victim) as f:
            self.assertEqual(f.read(), "text of somebody\n")

    def test_calls_at_a_time_do_not_wait_for_each_others_questions(self):
        state = self.path("state")
        with dns_lab.Proxy(LAB.resolver, "dead") as proxy:
            holder = self.background([cli.GWTOOL, "check", "module", MOX, "--resolver",
                                      proxy.resolver, "--timeout", "60s", "--state", state])
            cli.wait_until(lambda: proxy.questions, what="the first call's question")
            self.assert_run(self.check("module", MOX, "--state", state), 0, out=MOX_LINE)
            self.assertTrue(holder.alive())
            with open(state) as f:
                self.assertIn(MOX + " v0.0.15\n", f.read())

    def test_the_states_lock_is_waited_for(self):
        state = self.path("state")
        with open(state + ".lock", "w") as lock:
            fcntl.fcntl(lock, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
            lock.write("%d\n" % os.getpid())
            lock.flush()
            r = self.check("module", MOX, "--state", state, "--timeout", "100ms")
            self.assert_error(r, 3, "held by process %d" % os.getpid())
            waiting = self.background([cli.GWTOOL, "check", "module", MOX, "--resolver",
                                       LAB.resolver, "--dns", "signed.lab", "--trust-anchor",
                                       LAB.anchor, "--state", state, "--timeout", "60s"])
        self.assertEqual(waiting.wait(), 0)
        with open(state) as f:
            self.assertIn(MOX, f.read())


class Json(CheckCase):
    def test_golden(self):
        r = self.check("module", MOX + "@v0.0.14", "example.com/unknown", "Bad.com/x", "--json")
        self.assert_run(r, 2)
        self.assertEqual(r.out.count("\n"), 1)
        head = {"command": "check module", "dns": "signed.lab", "dnssec": "prefer", "newer": True}
        self.assertEqual({k: r.json[k] for k in head}, head)
        self.assertEqual(r.json["log"], None)
        self.assertEqual(r.json["results"][0], {
            "kind": "module", "name": MOX, "known": "v0.0.14",
            "known_retracted": None, "known_deprecated": None, "dnssec": "secure", "newer": True,
            "releases": [{"name": MOX, "version": "v0.0.15", "time": "2025-04-18T19:30:21Z",
                          "dnssec": "secure", "reported_before": False, "retracted": None,
                          "deprecated": None, "excluded": [], "proof": None}],
            "notes": [], "places": [], "more_places": 0, "errors": []})
        self.assertEqual(r.json["results"][1], {
            "kind": "module", "name": "example.com/unknown", "known": None,
            "known_retracted": None, "known_deprecated": None, "dnssec": "secure",
            "newer": False, "releases": [], "notes": [], "places": [], "more_places": 0,
            "errors": [{"kind": "not_found",
                        "message": "example.com/unknown: no release known at signed.lab"}]})
        bad = r.json["results"][2]
        self.assertEqual((bad["name"], bad["dnssec"], bad["errors"][0]["kind"]),
                         ("Bad.com/x", None, "usage"))

    def test_updates(self):
        r = self.check("updates", "signed.lab", "--json")
        self.assertEqual(r.json["dns"], None)
        self.assertEqual(r.json["results"][0]["releases"][0]["time"], None)

    def test_quiet(self):
        self.assert_run(self.check("module", MOX, "-q"), 0, out=MOX_LINE, err="")
        self.assert_run(self.check("module", "example.com/unknown", "-q"), 1, err_has="error")


if __name__ == "__main__":
    cli.main()
