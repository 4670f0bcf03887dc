"""Following a log that golang.org/x/mod's own server serves: framing with record ids, its tiles, its
hash of the empty tree, forks of it, and its answers altered on the way."""

import http.server
import json
import os
import sqlite3
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
from sumdb_peer import SumdbPeer


class Altering:
    """Passes requests on to `peer` and lets `alter(path, body)` change the answers."""

    def __init__(self, peer, alter):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                try:
                    status, body = 200, alter(self.path, peer.get(self.path))
                except OSError:
                    status, body = 404, b""
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:
                    self.close_connection = True  # the client had enough

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Peer(cli.TestCase):
    def follow(self, url, key, *more, db="db"):
        return self.gwtool("follow-tlog", "--db", self.path(db), "--log-key", key, "--source", url,
                           "--once", *more)

    def state(self, db="db"):
        return json.loads(self.gwtool("follow-tlog", "--db", self.path(db), "--status",
                                      "--json").out)

    def test_growing_log(self):
        with SumdbPeer() as peer:
            self.assert_run(self.follow(peer.url, peer.key), code=0, out="", err="")  # empty
            self.assertEqual(self.state()["position"], 0)
            size = 0
            for more in (1, 254, 1, 1, 600, 2000, 70000):
                size = peer.add(more)
                self.assert_run(self.follow(peer.url, peer.key), code=0, out="", err="")
                self.assertEqual(self.state()["position"], size)
            # A lookup adds a record, as it does at the real log.
            peer.get("/lookup/example.org/late@v1.2.3")
            self.assert_run(self.follow(peer.url, peer.key), code=0, out="", err="")
            self.assertEqual(self.state()["position"], size + 1)
            c = sqlite3.connect(self.path("db"))
            latest = c.execute("SELECT latest FROM module WHERE path = 'example.org/late'")
            self.assertEqual(latest.fetchone(), ("v1.2.3=%d" % size,))
            c.close()
            # From its tip, and with all sums: the records are the ones it serves.
            self.assert_run(self.follow(peer.url, peer.key, "--from", "tip", db="tip"), code=0)
            self.assertTrue(self.state("tip")["partial"])

    def test_forks(self):
        for fork, before, after in ((5, 1000, 1100), (990, 1000, 1500), (69000, 70000, 70100)):
            with self.subTest(fork=fork), SumdbPeer() as peer, SumdbPeer("-fork", fork) as other:
                db = "db-%d" % fork
                self.assertEqual(peer.key, other.key)
                peer.add(before)
                other.add(after)
                self.assert_run(self.follow(peer.url, peer.key, db=db), code=0)
                r = self.follow(other.url, peer.key, db=db)
                self.assert_run(r, code=4, err_has=["no prefix", ".alarm-"])
                s = self.state(db)
                self.assertEqual((s["status"], s["position"]), ("halted", before))
                self.assertEqual(s["alarm"]["kind"], "fork")

    def test_rollback(self):
        with SumdbPeer() as peer, SumdbPeer() as old, SumdbPeer("-fork", 300) as other:
            peer.add(1000)
            old.add(700)
            other.add(700)
            self.assert_run(self.follow(peer.url, peer.key), code=0)
            # A cache that serves an old head and no newer tile: nothing is wrong with that.
            with Altering(peer, lambda p, body: old.get(p) if p == "/latest" else body) as stale:
                self.assert_run(self.follow(stale.url, peer.key), code=0, err="")
            with Altering(peer, lambda p, body: other.get(p) if p == "/latest" else body) as wrong:
                self.assert_run(self.follow(wrong.url, peer.key), code=4, err_has=["no prefix"])
            self.assertEqual(self.state()["status"], "halted")

    def test_altered_answers(self):
        def flip(body):
            at = len(body) // 2
            return body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]

        alterations = {
            "forged": flip,
            "truncated": lambda body: body[:len(body) // 2],
            "empty": lambda body: b"",
            "longer": lambda body: body + body,
        }
        with SumdbPeer() as peer:
            peer.add(70000)
            for path in ("/tile/8/data/010", "/tile/8/data/273.p/112", "/tile/8/1/000",
                         "/tile/8/2/000.p/1"):
                for name, change in alterations.items():
                    if name != "forged" and path != "/tile/8/data/010":
                        continue
                    with self.subTest(path=path, change=name):
                        db = name + path.replace("/", "-")
                        with Altering(peer, lambda p, body: change(body) if p == path
                                      else body) as bad:
                            r = self.follow(bad.url, peer.key, db=db)
                        # Records that are not those of the log's hashes are a mirror's doing.
                        records = "data" in path
                        self.assertEqual(r.code, 3 if records else 4, r)
                        self.assertIn("tile/8/", r.err)
                        if not os.path.exists(self.path(db)):
                            self.assertTrue(records)
                            continue
                        s = self.state(db)
                        self.assertEqual(s["alarm"] and s["alarm"]["kind"],
                                         None if records else "bad-tile")
                        self.assertEqual(s["status"], "behind" if records else "halted")
                        self.assertLess(s["position"], 70000)

    def test_body_without_end(self):
        with SumdbPeer() as peer:
            peer.add(300)
            big = b"x" * (9 << 20)
            with Altering(peer, lambda p, body: big if "data" in p else body) as bad:
                r = self.follow(bad.url, peer.key)
            self.assertEqual(r.code, 4, r)
            self.assertIn("larger than", r.err)


if __name__ == "__main__":
    cli.main()
