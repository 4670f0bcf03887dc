"""A client that knows the formats alone works against our service; and our client against a log of files
in another service's form, with its key. Then many clients at once, and a crawler beside them."""

import base64
import gzip
import hashlib
import html.parser
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import build_peer
import cli
from build_lab import TARGET

EXAMPLE_KEY = "gobuildtest+d0d3feb6+AfDDZM94TRqrIJ+QKApGNZw8Bhk2gOFHrQHXXAeVqkVF"
EXAMPLE_SIGNER = "PRIVATE+KEY+gobuildtest+d0d3feb6+AXgHf7lUluErzggs4KZ6pTjWBAs4ip1uGK1K12tiJy2M"
EXAMPLE_EMPTY = ("go.sum database tree\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
                 "\u2014 gobuildtest 0NP+tlfkCFE6DE4aNaDsH5BDPDogiVygDqlWUs+GsF1ItekL05AypnAd6CcpgGMYANvdmcRsDo0N74zC"
                 "f/8yFXiTpQc=\n")


class Links(html.parser.HTMLParser):
    """Of a page: where its links lead, and whether its elements are closed as they were opened."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "link", "input", "br"):
            self.open.append(tag)
        href = dict(attrs).get("href")
        if tag == "a" and href and not href.startswith(("http", "#", "/#")):
            self.found.append(href)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag


def in_parallel(n, work):
    errors = []

    def run(i):
        try:
            work(i)
        except BaseException as e:  # told below
            errors.append(e)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


class Peer(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.lab = build_lab.BuildLab(self)

    def test_the_peer_itself(self):
        self.assertEqual(build_peer.open_note(EXAMPLE_EMPTY, EXAMPLE_KEY)[0], 0)
        with self.assertRaises(AssertionError):
            build_peer.open_note(EXAMPLE_EMPTY.replace("\n0\n", "\n1\n"), EXAMPLE_KEY)

    def test_a_client_of_the_formats_alone(self):
        dirs = ["cmd/c%03d" % n for n in range(5)]
        self.lab.command(dirs=dirs)
        self.lab.command("example.org/Upper", "v0.0.0-20250915201037-7f05d217867b")
        s = self.lab.serve("--limits=false")
        for n, d in enumerate(dirs):
            fields, number, size = build_peer.find(s.url, self.lab.key,
                                                   "example.org/hello@latest/%s/js-wasm-latest/" % d)
            self.assertEqual((fields[0], fields[1], fields[2]), ("example.org/hello", "v0.1.0", "/" + d))
            self.assertEqual((number, size), (n, n + 1))
            self.assertIn(("program example.org/hello/%s@v0.1.0" % d).encode(), build_peer.download(s.url, fields))
        for key in ("example.org/Upper@v0.0.0-20250915201037-7f05d217867b/windows-amd64-go1.26.8/",
                    "example.org/Upper@v0.0.0-20250915201037-7f05d217867b/js-wasm-go1.26.8-stripped/"):
            if key.endswith("stripped/"):
                fields, _, _ = build_peer.find(s.url, self.lab.key, key)
                self.assertEqual(build_peer.key_of(fields), key)
                build_peer.download(s.url, fields)
        # The second dialect has the same tree under its own key.
        note = s.get("/tlog/checkpoint").text
        size, root = build_peer.open_note(note, self.lab.checkpoint_key, "builds.example.org/tlog")
        self.assertEqual((size, root), build_peer.open_note(s.get("/tlog/latest").text, self.lab.key))
        self.assertEqual(s.get("/tlog/tile/0/000.p/6").body, s.get("/tlog/tile/8/0/000.p/6").body)
        bundle = s.get("/tlog/tile/entries/000.p/6").body
        length = int.from_bytes(bundle[:2], "big")
        self.assertTrue(s.get("/tlog/tile/8/data/000.p/6").body.startswith(b"0\n" + bundle[2:2 + length]))
        # Past widths stay; what is beyond the tree is not there.
        for path, status in (("/tlog/tile/8/0/000.p/3", 200), ("/tlog/tile/8/0/000.p/7", 404),
                             ("/tlog/tile/8/0/000", 404), ("/tlog/tile/8/1/000.p/1", 404),
                             ("/tlog/else", 404), ("/tlog/lookup/example.org/hello@v0.1.0/", 404),
                             ("/tlog/lookup/example.org/none@v0.1.0/%s/" % TARGET, 404)):
            self.assertEqual(s.get(path).status, status, path)

    def write_log(self, where, binaries):
        """Another service's files, made by the formats alone: its log, and the pages beside it."""
        records = []
        for name, data in binaries:
            total = "0" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:20]).decode().rstrip("=")
            records.append("example.test/%s v0.1.0 / js wasm go1.26.10 %d %s \n" % (name, len(data), total))
        leaves = [hashlib.sha256(b"\0" + r.encode()).digest() for r in records]
        text = "go.sum database tree\n%d\n%s\n" % (
            len(records), base64.b64encode(build_peer.tree_hash(leaves)).decode())
        note = build_peer.sign_note(EXAMPLE_SIGNER, text)
        part = "000.p/%d" % len(records)
        self.file(where + "/tlog/latest", note)
        self.file(where + "/tlog/tile/8/0/" + part, b"".join(leaves))
        self.file(where + "/tlog/tile/8/data/" + part,
                  "".join("%d\n%s\n" % (n, r) for n, r in enumerate(records)))
        for n, record in enumerate(records):
            fields = record[:-1].split(" ")
            key = build_peer.key_of(fields)
            self.file("%s/tlog/lookup/%sindex.html" % (where, key), "%d\n%s\n%s" % (n, record, note))
            name = "%s-v0.1.0-go1.26.10" % fields[0].split("/")[1]
            self.file("%s/%s%s/%s.gz" % (where, key, fields[7], name), gzip.compress(binaries[n][1], 1))
        return self.path(where, "tlog")

    def test_our_client_reads_another_services_files(self):
        record = "example.test/hello v0.1.0 / linux amd64 go1.26.10 2538672 0zkPWcxWmiWHZYW2QX4N5VurqP4g \n"
        leaf = hashlib.sha256(b"\0" + record.encode()).digest()
        self.assertEqual(base64.b64encode(leaf), b"12GZhSWu8Ib7QI1cHw3ycpbUpzGrkwYuO9Z56DIx7dA=")
        self.assertEqual(build_peer.sign_note(EXAMPLE_SIGNER, EXAMPLE_EMPTY.split("\n\n")[0] + "\n"), EXAMPLE_EMPTY)
        # Our service signs the same.
        key = self.file("example.key", EXAMPLE_SIGNER + "\n", mode=0o600)
        self.lab.command()
        s = self.lab.serve(key=key)
        self.assertEqual(s.get("/tlog/latest").text, EXAMPLE_EMPTY)

        binaries = [("hello", b"first " * 1000), ("other", os.urandom(100_000)), ("third", b"")]
        source = self.write_log("peer", binaries)
        log = ["--log-key", EXAMPLE_KEY, "--source", source, "--cache", self.path("cache")]
        r = self.gwtool("build", "audit", "--binaries", "--json", *log)
        self.assert_run(r, 0, err="")
        self.assertEqual((r.json["records"], r.json["binaries"]), (3, 3))
        for name, data in binaries:
            r = self.gwtool("build", "get", "example.test/%s@v0.1.0/js-wasm-go1.26.10/" % name, "-o", name, *log)
            self.assert_run(r, 0, err="")
            with open(self.path(name), "rb") as f:
                self.assertEqual(f.read(), data)
        # It grew; then it is another one.
        binaries.append(("fourth", b"4"))
        self.write_log("peer", binaries)
        self.assert_run(self.gwtool("build", "get", "example.test/fourth@v0.1.0/js-wasm-go1.26.10/", *log), 0)
        binaries[0] = ("hello", b"changed")
        self.write_log("peer", binaries + [("fifth", b"5")])
        r = self.gwtool("build", "get", "example.test/fifth@v0.1.0/js-wasm-go1.26.10/", *log)
        self.assert_error(r, 4, "told two histories")
        self.assert_missing(self.path("fifth-v0.1.0-go1.26.10"))

    def test_many_clients_and_a_crawler(self):
        dirs = ["cmd/c%02d" % n for n in range(10)]
        self.lab.command(dirs=dirs)
        s = self.lab.serve("--limits=false", "--trusted-proxy", "127.0.0.1", "--build-once")
        stop = threading.Event()
        seen, bad = set(), []

        def crawl():
            """Every link of every page, from the first one on, as a search engine would."""
            queue = ["/", "/example.org/hello"]
            while queue and not (stop.is_set() and len(seen) > 20):
                path = queue.pop(0)
                if path in seen or len(seen) > 400 or re.search(r"@.*(dl|retry|\.gz|go1\.26\.8)$", path):
                    continue
                seen.add(path)
                r = s.page(path)
                if r.status >= 500 or r.status == 404:
                    bad.append((path, r.status))
                if r.location:
                    queue.append(r.location)
                elif r.headers["content-type"].startswith("text/html"):
                    queue += [("" if l.startswith("/") else path) + l for l in Links(r.text).found]
        crawler = threading.Thread(target=crawl)
        crawler.start()
        start, times = time.monotonic(), []

        def client(i):
            d = dirs[i % len(dirs)]
            began = time.monotonic()
            path, r = s.follow("/example.org/hello@latest/%s/js-wasm-latest/record" % d)
            times.append(time.monotonic() - began)
            assert r.status == 200, str(r)
            assert (" /%s js wasm " % d) in r.text, r.text
        in_parallel(200, client)
        took = time.monotonic() - start
        stop.set()
        crawler.join()
        self.assertEqual(bad, [])
        self.assertGreater(len(seen), 10)
        # One build and one record for each, whoever asked.
        metrics = s.ask_admin("/metrics").text
        self.assertIn('gwtool_buildd_builds_total{end="built"} 10\n', metrics)
        self.assertEqual(s.get("/tlog/latest").text.split("\n")[1], "10")
        print("200 clients, 10 builds: %.1f s, slowest %.1f s" % (took, max(times)), file=sys.stderr)
        for d in dirs:
            build_peer.find(s.url, self.lab.key, "example.org/hello@v0.1.0/%s/%s/" % (d, TARGET))


if __name__ == "__main__":
    cli.main()
