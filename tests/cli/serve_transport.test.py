#!/usr/bin/env python3
"""serve-dns on the wire: UDP sizes and addresses, TCP in all its forms, limits, floods, broken input."""

import os
import random
import resource
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import serve
from serve import HOST, MOX, ZONE

V0 = ".v0." + ZONE


class Udp(serve.TestCase):
    def test_a_wildcard_answers_from_the_address_that_was_asked(self):
        server = self.serve(listen=["0.0.0.0:0"])
        for host in ("127.0.0.1", "127.0.0.2", "127.1.2.3"):
            # A connected socket takes a reply from that address only.
            reply = serve.ask_udp(server.port, serve.query(MOX, "TXT"), host=host)
            self.assertIsNotNone(reply, host)
            self.assertEqual(serve.Message(reply).rcode, 0)

    def test_ipv6_and_several_addresses(self):
        if not serve.have_ipv6():
            self.skipTest("no IPv6 here")
        server = self.serve(listen=["127.0.0.1:0", "[::1]:0", "127.0.0.2:0", "[::]:0"])
        self.assertEqual(len(server.ports), 4)
        for host, port in zip(("127.0.0.1", "::1", "127.0.0.2", "::1"), server.ports):
            self.assertEqual(serve.Message(serve.ask_udp(port, serve.query(MOX, "TXT"), host)).rcode, 0)
            self.assertEqual(serve.Message(serve.ask_tcp(port, serve.query(MOX, "TXT"), host)).rcode, 0)

    def test_answers_keep_to_the_size_asked_for(self):
        server = self.serve()
        for size in (0, 512, 600, 1232, 4096, 65535):
            for name, qtype in ((MOX, "TXT"), (ZONE, "DNSKEY"), ("x" * 60 + V0, "TXT")):
                reply = serve.ask_udp(server.port, serve.query(name, qtype, dnssec=True, size=size))
                self.assertLessEqual(len(reply), max(512, min(size, 1232)))
                r = serve.Message(reply)
                self.assertIsNotNone(r.opt)  # a truncated answer has one too
                if r.tc:
                    whole = server.ask(name, qtype, dnssec=True, tcp=True)
                    self.assertFalse(whole.tc)
                    self.assertGreater(len(whole.data), max(512, size))

    def test_broken_input(self):
        server = self.serve()
        good = serve.query(MOX, "TXT", dnssec=True)
        rng = random.Random(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((HOST, server.port))
            for i in range(3000):
                data = bytearray(good)
                for _ in range(rng.randrange(1, 6)):
                    data[rng.randrange(len(data))] = rng.randrange(256)
                s.send(bytes(data[:rng.randrange(len(data) + 1)]))
            s.send(b"")
            s.send(b"\0" * 65000)
        # Short ones and responses get no reply; everything else that has a header gets one.
        for silent in (good[:11], good[:2] + b"\x81" + good[3:]):
            self.assertTrue(serve.answers_nothing_to(server.port, silent, good))
        self.assertFalse(serve.answers_nothing_to(server.port, good, good))
        for data, rcode in ((good[:12], 1), (good + b"x", 1), (good[:-3], 1),
                            (serve.query(MOX, "TXT", flags=0x2800), 4)):
            self.assertEqual(serve.ask_udp(server.port, data)[3] & 15, rcode)
        self.assertEqual(server.ask(MOX, "TXT").rcode, 0)
        self.assertEqual(server.stop(), 0)


class Tcp(serve.TestCase):
    def connect(self, server, timeout=20):
        s = socket.create_connection((HOST, server.port), timeout=timeout * cli.SLOWNESS)
        self.addCleanup(s.close)
        return s

    def test_pipelined_queries_are_answered_in_order(self):
        server = self.serve()
        s = self.connect(server)
        names = [MOX, ZONE, "missing" + V0, "com" + V0]
        s.sendall(b"".join(serve.framed(serve.query(names[i % 4], "TXT", dnssec=True, ident=i))
                           for i in range(2000)))
        for i in range(2000):
            self.assertEqual(serve.Message(serve.read_tcp(s)).id, i)

    def test_split_anywhere(self):
        server = self.serve()
        message = serve.framed(serve.query(MOX, "TXT", dnssec=True))
        s = self.connect(server)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(1, len(message)):
            s.sendall(message[:at])
            # The kernel hands over what it has: nothing to wait for, nothing to observe.
            s.sendall(message[at:])
            self.assertEqual(serve.Message(serve.read_tcp(s)).rcode, 0)
        for byte in message:
            s.sendall(bytes([byte]))
        self.assertEqual(serve.Message(serve.read_tcp(s)).rcode, 0)
        # One query and the beginning of the next.
        s.sendall(message + message[:7])
        self.assertEqual(serve.Message(serve.read_tcp(s)).rcode, 0)
        s.sendall(message[7:])
        self.assertEqual(serve.Message(serve.read_tcp(s)).rcode, 0)

    def test_one_write_per_answer(self):
        server = self.serve()
        s = self.connect(server)
        s.sendall(serve.framed(serve.query(MOX, "TXT")))
        s.recv(1, socket.MSG_PEEK)
        data = s.recv(65535)  # length and body were one segment
        self.assertEqual(struct.unpack(">H", data[:2])[0], len(data) - 2)

    def test_half_closed(self):
        server = self.serve()
        s = self.connect(server)
        s.sendall(serve.framed(serve.query(MOX, "TXT")) * 50)
        s.shutdown(socket.SHUT_WR)
        for _ in range(50):
            serve.read_tcp(s)
        self.assertEqual(s.recv(1), b"")

    def test_a_client_that_does_not_read(self):
        server = self.serve("--tcp-idle", "2s", "--metrics", "127.0.0.1:0", "--workers", "1")
        s = self.connect(server)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setblocking(False)
        batch = serve.framed(serve.query(MOX, "TXT", dnssec=True)) * 200
        sent = 0
        try:
            while sent < 100 << 20:
                sent += s.send(batch)
        except (BlockingIOError, ConnectionError):
            pass  # the server stopped reading
        self.assertLess(sent, 100 << 20)
        # Others are served meanwhile, and in the end the connection is given up.
        self.assertEqual(server.ask(MOX, "TXT", tcp=True).rcode, 0)
        cli.wait_until(lambda: server.metric("gwtool_serve_tcp_connections") == 0, what="the end")
        with open("/proc/%d/status" % server.pid) as f:
            rss = [int(l.split()[1]) for l in f if l.startswith("VmRSS")][0]
        self.assertLess(rss, 200 << 10)

    def test_idle_from_the_first_byte_on(self):
        server = self.serve("--tcp-idle", "3s")
        start = time.monotonic()
        quiet, half = (self.connect(server) for _ in range(2))
        message = serve.framed(serve.query(MOX, "TXT"))

        def wait_for_the_end(s, least):
            self.assertEqual(s.recv(1), b"")
            self.assertGreater(time.monotonic() - start, least)
        half.sendall(message[:5])
        wait_for_the_end(half, 1.5)
        # Who comes later stays longer.
        busy = self.connect(server)
        wait_for_the_end(quiet, 2.5)
        busy.sendall(message)
        serve.read_tcp(busy)
        r = server.ask(MOX, "TXT", tcp=True, options=b"\0\x0b\0\0")
        self.assertIn(b"\0\x0b\0\2" + struct.pack(">H", 30), r.opt.rdata)

    def test_caps(self):
        server = self.serve("--tcp-per-network", "3", "--tcp-connections", "5", "--metrics",
                            "127.0.0.1:0")
        message = serve.framed(serve.query(MOX, "TXT"))

        def open_from(source):
            s = socket.create_connection((HOST, server.port), timeout=10 * cli.SLOWNESS,
                                         source_address=(source, 0))
            self.addCleanup(s.close)
            s.sendall(message)
            serve.read_tcp(s)
            return s
        first = [open_from("127.0.0.1") for _ in range(4)]
        # The oldest went for the last one.
        self.assertEqual(first[0].recv(1), b"")
        self.assertEqual(server.metric('gwtool_serve_tcp_refused_total{reason="network"}'), 1)
        # Another /24.
        for _ in range(3):
            open_from("127.0.1.1")
        self.assertEqual(first[1].recv(1), b"")
        self.assertEqual(server.metric('gwtool_serve_tcp_refused_total{reason="total"}'), 1)
        cli.wait_until(lambda: server.metric("gwtool_serve_tcp_connections") == 5, what="five")
        # The others are as they were.
        for s in first[2:]:
            s.sendall(message)
            serve.read_tcp(s)

    def test_who_asks_is_served_right_after_a_flood(self):
        server = self.serve("--tcp-connections", "50", "--tcp-per-network", "10", "--metrics", "127.0.0.1:0")
        message = serve.framed(serve.query(MOX, "TXT"))
        for round_, what in enumerate((b"", b"\0", message[:-1], message)):
            # Ten networks, each with more than its share.
            flood = []
            for i in range(120):
                s = socket.create_connection((HOST, server.port), timeout=10 * cli.SLOWNESS,
                                             source_address=("127.%d.0.1" % (i % 10 + 1), 0))
                self.addCleanup(s.close)
                flood.append(s)
                try:
                    s.sendall(what)
                except OSError:
                    pass  # ended already
            # A worker that has yet to take in its part would do so all at once, more than there are places
            # here, between a connection and its question.
            cli.wait_until(lambda: server.metric("gwtool_serve_tcp_accepted_total") >= 121 * round_ + 120,
                           what="all taken in")
            with self.subTest(what=what):
                serve.ask_tcp(server.port, serve.query(MOX, "TXT"))
            for s in flood:
                s.close()
            cli.wait_until(lambda: server.metric("gwtool_serve_tcp_connections") == 0, what="none left")

    def limited(self, soft, hard):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        server = self.serve("--metrics", "127.0.0.1:0", "--workers", "1", preexec_fn=few)
        server.no_descriptors = True
        return server

    def test_a_low_soft_limit_of_descriptors_is_raised(self):
        server = self.limited(64, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        message = serve.framed(serve.query(MOX, "TXT"))
        held = [self.connect(server) for _ in range(90)]
        for s in held:
            s.sendall(message)
            serve.read_tcp(s)
        self.assertNotIn("few_descriptors", server.err)
        for s in held:
            s.close()
        self.assertEqual(server.stop(), 0)

    def test_connections_take_no_descriptor_that_others_need(self):
        server = self.limited(64, 64)
        server.wait_err("event=few_descriptors limit=64")
        message = serve.framed(serve.query(MOX, "TXT"))
        held = [self.connect(server)]
        # One that asks is never the oldest.
        for _ in range(79):
            held.append(self.connect(server))
            held[0].sendall(message)
            serve.read_tcp(held[0])
        # The page of metrics, the status and UDP go on.
        self.assertGreater(server.metric("gwtool_serve_tcp_accepted_total"), 20)
        self.assertEqual(server.ask(MOX, "TXT").rcode, 0)
        for s in held:
            s.close()
        # (It may be too soon for the server to have seen that.)
        s = self.connect(server)
        s.sendall(message)
        serve.read_tcp(s)
        self.assertEqual(server.stop(), 0)

    def test_garbage(self):
        server = self.serve()
        rng = random.Random(2)
        for _ in range(50):
            s = self.connect(server)
            s.sendall(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 2000))))
            s.close()
        s = self.connect(server)
        s.sendall(b"\0\0" + b"\0\5abcde" + serve.framed(serve.query(MOX, "TXT")))
        self.assertEqual(serve.Message(serve.read_tcp(s)).rcode, 0)
        s.sendall(b"\xff\xff" + b"x" * 65535 + serve.framed(serve.query(MOX, "TXT")))
        replies = [serve.read_tcp(s), serve.read_tcp(s)]
        self.assertEqual(serve.Message(replies[-1]).rcode, 0)
        self.assertEqual(server.stop(), 0)


class Limits(serve.TestCase):
    def flood(self, server, messages, source=None):
        """Sends all and counts the replies: (answered, truncated). That others do not come is known
        by the reply to a later question, whose asker has a cookie and so is not limited."""
        source = source or HOST
        answered = truncated = 0
        ask = lambda cookie, ident: serve.query(ZONE, "SOA", ident=ident,
                                                options=serve.cookie_option(cookie))
        cookie = serve.Message(serve.ask_tcp(server.port, ask(b"flooding", 1), source=source)).cookie
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((source, 0))
            s.connect((HOST, server.port))
            s.settimeout(10 * cli.SLOWNESS)
            for i in range(0, len(messages), 50):
                last = ask(cookie, 0xfffe)
                for m in messages[i:i + 50]:
                    self.assertNotEqual(m[:2], last[:2])
                    s.send(m)
                s.send(last)
                for reply in iter(lambda: s.recv(4096), None):
                    if reply[:2] == last[:2]:
                        break
                    if reply[2] & 2:
                        truncated += 1
                    else:
                        answered += 1
        return answered, truncated

    def test_rate_limit(self):
        server = self.serve("--rate-limit", "5", "--metrics", "127.0.0.1:0")
        message = serve.query(MOX, "TXT", dnssec=True)
        answered, truncated = self.flood(server, [message] * 150)
        self.assertLess(answered, 60)
        self.assertGreater(answered, 4)
        self.assertGreater(truncated, 20)
        self.assertGreater(server.metric('gwtool_serve_limited_total{action="dropped"}'), 20)
        self.assertGreater(server.metric('gwtool_serve_limited_total{action="truncated"}'), 20)
        # Another network, another name, and TCP are not touched.
        self.assertEqual(self.flood(server, [message], "127.0.9.1")[0], 1)
        self.assertEqual(server.ask(ZONE, "SOA").rcode, 0)
        for _ in range(50):
            self.assertFalse(server.ask(MOX, "TXT", tcp=True).tc)
        # What a name that exists has no records of counts by the name, as what it has.
        above = ["com" + V0, "github.com" + V0, "_.github.com" + V0, "mjl_2d._.github.com" + V0]
        answered, _ = self.flood(server, [serve.query(above[i % 4], "A") for i in range(20)],
                                 "127.0.7.1")
        self.assertEqual(answered, 20)
        # Missing names count together, whatever they are.
        answered, _ = self.flood(server, [serve.query("x%d%s" % (i, V0), "TXT") for i in range(150)],
                                 "127.0.8.1")
        self.assertLess(answered, 60)

    def test_who_has_a_cookie_is_not_limited(self):
        """RFC 7873: nobody else gets the answers, as who sends our cookie is where it says."""
        server = self.serve("--rate-limit", "5", "--metrics", "127.0.0.1:0")
        client = b"client#1"
        ask = lambda cookie: serve.query(MOX, "TXT", dnssec=True, options=serve.cookie_option(cookie))
        source = "127.0.6.1"
        first = serve.Message(serve.ask_udp(server.port, ask(client), source=source))
        self.assertEqual((first.rcode, first.cookie[:8], len(first.cookie)), (0, client, 24))
        self.assertEqual(self.flood(server, [ask(first.cookie)] * 150, source), (150, 0))
        # It is good at its address alone.
        answered, _ = self.flood(server, [ask(first.cookie)] * 150, "127.0.5.1")
        self.assertLess(answered, 100)
        # Over the limit who sends none of ours is told one, and need not come back over TCP.
        replies = []
        while not any(r.rcode == 23 for r in replies):
            reply = serve.ask_udp(server.port, ask(client), source=source, timeout=0.2)
            replies += [serve.Message(reply)] if reply else []
        bad = replies[-1]
        self.assertFalse(bad.tc or bad.aa or bad.answer)
        again = serve.Message(serve.ask_udp(server.port, ask(bad.cookie), source=source))
        self.assertEqual((again.rcode, len(again.of(again.answer, "TXT"))), (0, 1))
        self.assertGreater(server.metric('gwtool_serve_limited_total{action="truncated"}'), 0)
        # Over TCP it is answered as well, and nobody is told to come again.
        r = serve.Message(serve.ask_tcp(server.port, ask(client + bytes(16))))
        self.assertEqual((r.rcode, r.cookie[:8]), (0, client))

    def test_the_secret_of_cookies(self):
        """Servers of one address share it, and it is changed without one that a client has becoming bad."""
        old, new = "dd3bdf9344b678b185a6f5cb60fca715\n", "445536bcd2513298075a5d379663c962\n"
        files = [self.file("secret%d" % i, old, 0o600) for i in range(2)]
        servers = [self.serve("--cookie-secret-file", f, db=self.path("db%d" % i),
                              key=self.make_key("key%d" % i)) for i, f in enumerate(files)]

        def cookie_of(server, cookie):
            # Without a question: whether the cookie is good is all that is answered.
            message = struct.pack(">HHHHHH", 1, 0, 0, 0, 0, 1) + b"\0" + struct.pack(
                ">HHIH", 41, 1232, 0, 4 + len(cookie)) + serve.cookie_option(cookie)
            r = serve.Message(serve.ask_udp(server.port, message))
            self.assertEqual((r.questions, r.answer, r.cookie[:8]), ([], [], cookie[:8]))
            self.assertIn(r.rcode, (0, 23))
            return r.rcode, r.cookie

        def reload(server, path, text):
            with open(path, "w") as f:
                f.write(text)
            seen = server.err.count("event=reloaded")
            server.send(signal.SIGHUP)
            cli.wait_until(lambda: server.err.count("event=reloaded") > seen)

        rcode, cookie = cookie_of(servers[0], b"client#1")
        self.assertEqual(rcode, 0)
        for text, makes in ((old + new, old), (new + old, new)):
            for server, path in zip(servers, files):
                for other in servers:
                    self.assertEqual(cookie_of(other, cookie)[0], 0, makes)
                reload(server, path, text)
                rcode, cookie = cookie_of(server, cookie)
                self.assertEqual(rcode, 0)
        reload(servers[0], files[0], new)
        self.assertEqual(cookie_of(servers[0], cookie)[0], 0)
        # Dropped, it is good no more; and what is no secret changes nothing.
        reload(servers[1], files[1], old)
        self.assertEqual(cookie_of(servers[1], cookie)[0], 23)
        reload(servers[0], files[0], "no secret\n")
        servers[0].wait_err("event=reload_failed")
        self.assertEqual(cookie_of(servers[0], cookie)[0], 0)

    def test_secrets_of_cookies_that_are_refused(self):
        for text, mode, said in (("xyz\n", 0o600, "32 hexadecimal digits"), ("", 0o600, "no secret"),
                                 ("dd3bdf9344b678b185a6f5cb60fca715\n", 0o644, "others may read")):
            path = self.file("secret", text, mode)
            r = self.gwtool("serve-dns", "--listen", HOST + ":0", "--zone-file",
                            ZONE + "=" + self.file("z", "@ 1 SOA ns.x. h.x. 1 1 1 1 1\n@ 1 NS ns.x.\n"),
                            "--zone-key", ZONE + "=" + self.make_key("key" + str(len(text))),
                            "--cookie-secret-file", path)
            self.assert_error(r, 2, said)
            os.remove(path)

    def test_loopback_is_not_limited_by_default(self):
        server = self.serve()
        answered, truncated = self.flood(server, [serve.query(MOX, "TXT")] * 2000)
        self.assertEqual((answered, truncated), (2000, 0))

    def test_a_flood_of_random_names_leaves_room(self):
        server = self.serve("--signing-limit", "100", "--metrics", "127.0.0.1:0")
        hot = serve.query(MOX, "TXT", dnssec=True)
        self.assertEqual(server.ask(MOX, "TXT", dnssec=True).rcode, 0)
        before = server.metric("gwtool_serve_signatures_total")
        start = time.monotonic()
        flood = [serve.query("x%d%s" % (i, V0), "TXT", dnssec=True) for i in range(3000)]
        mixed = [m for pair in zip(flood, [hot] * len(flood)) for m in pair]
        answered, truncated = self.flood(server, mixed)
        made = server.metric("gwtool_serve_signatures_total") - before
        seconds = time.monotonic() - start
        self.assertLess(made, 60 + 60 * seconds)  # fifty a second for UDP, and a burst
        self.assertEqual(answered + truncated, len(mixed))  # nobody goes without
        self.assertGreaterEqual(answered, len(flood))  # what is signed already is answered
        self.assertGreater(truncated, 1000)
        self.assertGreater(server.metric("gwtool_serve_signatures_over_budget_total"), 1000)
        # Over TCP the answer comes, later.
        r = server.ask("over-tcp" + V0, "TXT", dnssec=True, tcp=True)
        self.assertEqual((r.rcode, r.tc), (0, False))
        s = socket.create_connection((HOST, server.port), timeout=60 * cli.SLOWNESS)
        self.addCleanup(s.close)
        s.sendall(b"".join(serve.framed(serve.query("t%d%s" % (i, V0), "TXT", dnssec=True, ident=i))
                           for i in range(60)))
        for i in range(60):
            r = serve.Message(serve.read_tcp(s))
            self.assertEqual((r.id, r.rcode), (i, 0))


if __name__ == "__main__":
    cli.main()
