"""Module zips beside golang.org/x/mod itself: what both take has the same sum, and what only one of
them takes is in a list, with the reason."""

import io
import os
import struct
import sys
import warnings
import zipfile

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import go_lab

warnings.simplefilter("ignore", UserWarning)  # names that are there twice

MODTOOL = os.path.join(cli.BUILD, "tests", "gw_modtool")
MODULE, VERSION = "example.com/m", "v1.0.0"
PREFIX = "%s@%s/" % (MODULE, VERSION)


def make(*files, prefix=PREFIX, method=zipfile.ZIP_DEFLATED, mode=None, comment=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        z.comment = comment
        for f in files:
            name, content = f if isinstance(f, tuple) else (f, "content of " + f)
            info = zipfile.ZipInfo(prefix + name)
            info.compress_type = method
            info.create_system = 3 if mode else 0
            info.external_attr = (mode or 0) << 16
            z.writestr(info, content)
    return out.getvalue()


def patched(zip_bytes, signature, offset, fmt, value):
    """The zip with a field of the last header of a kind changed."""
    at = zip_bytes.rfind(signature) + offset
    return zip_bytes[:at] + struct.pack(fmt, value) + zip_bytes[at + struct.calcsize(fmt):]


CENTRAL, LOCAL, END = b"PK\1\2", b"PK\3\4", b"PK\5\6"


def streamed():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def tell(self):
            raise OSError

        def seek(self, *_):
            raise OSError
    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(PREFIX + "a", "streamed, its sizes after it")
    return out.getvalue()


def zip64():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        with z.open(PREFIX + "a", "w", force_zip64=True) as f:
            f.write(b"text")
    return out.getvalue()


GOOD = make("go.mod", "a/b.go", "LICENSE")
# Name: zip. Both must agree: refuse, or give the same sum.
ZIPS = {
    "good": GOOD,
    "stored": make("go.mod", "a/b.go", method=zipfile.ZIP_STORED),
    "empty file": make(("a", "")),
    "many": make(*["d%d/f%d" % (i % 7, i) for i in range(300)]),
    "streamed": streamed(),
    "zip64 sizes": zip64(),
    "directories": make(("", ""), ("d/", ""), ("d/e/", ""), "d/e/f"),
    "directory twice": make(("d/", ""), ("d/", "")),
    "comment": make("a", comment=b"a comment"),
    "bytes after": make("a") + b"\n",
    "bytes before": b"#!/bin/sh\n" + make("a"),
    "modes": make("a", mode=0o100755),
    "letters": make("\u00e4/\u4e16\u754c.go", "\u0410"),
    "odd characters": make("a b", "!#$%&()+,-.=@[]^_{}~x", "-", ".a", "_"),
    "go.mod as a directory": make("go.mod/a"),
    "LICENSE below": make("d/LICENSE"),
    "vendor": make("vendor/a/b.go"),
    "only the prefix": make(("", "")),
    "digit in the name": make("a~1", "a~1.go"),
    # refused
    "other version": make("a", prefix="example.com/m@v1.0.1/"),
    "no prefix": make("a", prefix=""),
    "prefix without slash": make("", prefix="example.com/m@v1.0.0"),
    "upper-case prefix": make("a", prefix="example.com/M@v1.0.0/"),
    "dot dot": make("../a"),
    "dot dot inside": make("a/../../b"),
    "dot": make("./a"),
    "absolute": make("/a"),
    "double slash": make("a//b"),
    "double slash at the end": make(("a//", "")),
    "back slash": make("a\\b"),
    "colon": make("c:a"),
    "control character": make("a\x01"),
    "line feed": make("a\nb"),
    "question mark": make("a?"),
    "combining mark": make("a\u0301"),
    "emoji": make("\U0001f600"),
    "device": make("sub/NUL.txt"),
    "trailing dot": make("a."),
    "dots": make("..."),
    "case": make("a", "A"),
    "case of a directory": make("d/a", "D/b"),
    "Kelvin": make("k", "\u212a"),
    "sharp s": make("\u00df", "\u1e9e"),
    "long s": make("s/a", "\u017f/b"),
    "sigma": make("\u03c3", "\u03c2"),
    "file and directory": make("a", "a/b"),
    "directory and file": make("a/b", "a"),
    "file twice": make("a", "a"),
    "file and empty directory": make("a", ("a/", "")),
    "go.mod below": make("d/go.mod"),
    "GO.MOD below": make("d/GO.MOD"),
    "Go.mod": make("Go.mod"),
    "wrong checksum": patched(make("a"), CENTRAL, 16, "<I", 1),
    "size too small": patched(make("a"), CENTRAL, 24, "<I", 3),
    "size too large": patched(make("a"), CENTRAL, 24, "<I", 300),
    "too large in all": patched(make("a"), CENTRAL, 24, "<I", (500 << 20) + 1),
    "large go.mod": patched(make("go.mod"), CENTRAL, 24, "<I", (16 << 20) + 1),
    "method": patched(make("a"), CENTRAL, 10, "<H", 12),
    "more entries": patched(make("a"), END, 10, "<H", 2),
    "cut": GOOD[:-1],
    "cut in the middle": GOOD[:len(GOOD) // 2],
    "nothing": b"",
    "text": b"404 not found\n",
}
# What x/mod takes and we do not.
STRICTER = {
    "link": (make("a", mode=0o120777), "neither a regular file"),
    "fifo": (make("a", mode=0o010644), "neither a regular file"),
    "encrypted": (patched(make("a"), CENTRAL, 8, "<H", 1), "encrypted"),
    "masked": (patched(make("a"), CENTRAL, 8, "<H", 0x2000), "encrypted"),
    "no file": (make(), ""),
    # x/mod reads the end record in the comment, and sees an empty archive.
    "comment with an end record": (make("a", comment=b"PK\5\6" + bytes(18)), "not a zip archive"),
    "headers disagree": (patched(make("a"), LOCAL, 8, "<H", 0), "malformed header"),
}


class Zips(cli.TestCase):
    def sums(self, *command):
        paths = []
        for i, content in enumerate(self.zips.values()):
            paths.append(self.path("%d.zip" % i))
            with open(paths[-1], "wb") as f:
                f.write(content)
        r = cli.run([*command, MODULE, VERSION, *paths], env=go_lab.environment())
        self.assertEqual(r.code, 0, r)
        return dict(zip(self.zips, r.lines, strict=True))

    def test_both_say_the_same(self):
        self.zips = ZIPS
        own, go = self.sums(MODTOOL, "zip"), self.sums(go_lab.build_peer("modzip"))
        taken = 0
        for name in ZIPS:
            with self.subTest(name):
                told = "%s\n%s" % (own[name], go[name])
                if own[name].startswith("h1:"):
                    self.assertEqual(own[name], go[name].split()[0], told)
                    taken += 1
                else:
                    self.assertTrue(go[name].startswith("error: "), told)
        self.assertEqual(taken, 19)

    def test_where_we_are_stricter(self):
        self.zips = {name: z for name, (z, _) in STRICTER.items()}
        own, go = self.sums(MODTOOL, "zip"), self.sums(go_lab.build_peer("modzip"))
        for name, (_, reason) in STRICTER.items():
            with self.subTest(name):
                self.assertTrue(go[name].startswith("h1:"), go[name])
                self.assertIn(reason, own[name])
                self.assertTrue(own[name].startswith("error: "), own[name])

    def test_unpacked_it_has_the_sum_of_the_directory(self):
        with open(self.path("m.zip"), "wb") as f:
            f.write(ZIPS["many"])
        r = cli.run([MODTOOL, "unpack", MODULE, VERSION, self.path("m.zip"), self.path("out")])
        d = cli.run([MODTOOL, "dir", PREFIX[:-1], self.path("out")])
        self.assertEqual(r.out, d.out)
        self.zips = {"many": ZIPS["many"]}
        self.assertEqual(self.sums(go_lab.build_peer("modzip"))["many"].split()[1], d.out.strip())


if __name__ == "__main__":
    cli.main()
