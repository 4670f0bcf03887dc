"""A client of a build service's log, written from the formats alone: nothing of gwtool is in it.

    record, note = find("http://127.0.0.1:8000", verifier_key, "a.b/c@latest/linux-amd64-latest/")
    data = download(base, record)
"""

import base64
import gzip
import hashlib
import urllib.request

P = 2 ** 255 - 19
L = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def _recover(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - x2) % P == 0, "not a point"
    return P - x if x & 1 != sign else x


def _point(data):
    n = int.from_bytes(data, "little")
    y = n & (2 ** 255 - 1)
    x = _recover(y, n >> 255)
    return x, y, 1, x * y % P


def _add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(n, p):
    out = (0, 1, 1, 0)
    while n:
        if n & 1:
            out = _add(out, p)
        p, n = _add(p, p), n >> 1
    return out


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (_recover(BASE_Y, 0), BASE_Y, 1, _recover(BASE_Y, 0) * BASE_Y % P)


def ed25519_verify(public, message, signature):
    """RFC 8032 section 5.1.7."""
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _times(s, BASE), _add(r, _times(k, a))
    return s < L and (left[0] * right[2] - right[0] * left[2]) % P == 0 \
        and (left[1] * right[2] - right[1] * left[2]) % P == 0


def ed25519_sign(seed, message):
    """RFC 8032 section 5.1.6."""
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & (2 ** 254 - 8) | 2 ** 254

    def encode(p):
        z = pow(p[2], P - 2, P)
        return ((p[1] * z % P) | ((p[0] * z % P & 1) << 255)).to_bytes(32, "little")
    public = encode(_times(a, BASE))
    r = int.from_bytes(hashlib.sha512(h[32:] + message).digest(), "little") % L
    point = encode(_times(r, BASE))
    k = int.from_bytes(hashlib.sha512(point + public + message).digest(), "little") % L
    return point + ((r + k * a) % L).to_bytes(32, "little")


def sign_note(signer, text):
    """The signed note; signer: PRIVATE+KEY+NAME+ID+BASE64."""
    _, _, name, key_id, seed = signer.split("+", 4)
    signature = ed25519_sign(base64.b64decode(seed)[1:], text.encode())
    return "%s\n\u2014 %s %s\n" % (text, name, base64.b64encode(bytes.fromhex(key_id) + signature).decode())


def fetch(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=120) as r:
        return r.read()


def open_note(note, verifier, origin="go.sum database tree"):
    """(size, root) of a signed head."""
    name, key_id, key = verifier.split("+", 2)
    key = base64.b64decode(key)
    assert key[0] == 1 and hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_id
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, who, signature = line.split(" ")
        raw = base64.b64decode(signature)
        if dash == "\u2014" and who == name and raw[:4].hex() == key_id:
            assert ed25519_verify(key[1:], text.encode(), raw[4:]), "bad signature"
            first, size, root = text.splitlines()[:3]
            assert first == origin, first
            return int(size), base64.b64decode(root)
    raise AssertionError("not signed by " + name)


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def tree_hash(leaves):
    """RFC 6962's MTH."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


class Tree:
    """The tree under a head, from its tiles."""

    def __init__(self, base, size):
        self.base, self.size, self.tiles = base, size, {}

    def tile(self, level, n):
        if (level, n) not in self.tiles:
            width = min(256, (self.size >> (8 * level)) - 256 * n)
            index = "%03d" % (n % 1000)
            while n >= 1000:
                n //= 1000
                index = "x%03d/%s" % (n % 1000, index)
            part = "" if width == 256 else ".p/%d" % width
            data = fetch("%s/tile/8/%d/%s%s" % (self.base, level, index, part))
            assert len(data) == 32 * width
            self.tiles[level, n] = data
        return self.tiles[level, n]

    def node(self, level, n):
        """The hash of the complete subtree of 2^level records, number n."""
        if level % 8 == 0:
            data = self.tile(level // 8, n // 256)
            return data[32 * (n % 256):][:32]
        return node_hash(self.node(level - 1, 2 * n), self.node(level - 1, 2 * n + 1))

    def range(self, first, end, leaf=None, number=None):
        """RFC 6962's MTH of records first to end; with a leaf put in the place of record `number`."""
        if end - first == 1 and first == number:
            return leaf
        whole = end - first & (end - first - 1) == 0 and first % (end - first) == 0
        if whole and not (number is not None and first <= number < end):
            return self.node((end - first).bit_length() - 1, first // (end - first))
        k = 1 << (end - first - 1).bit_length() - 1
        return node_hash(self.range(first, first + k, leaf, number), self.range(first + k, end, leaf, number))


def find(base, verifier, key):
    """The record of a key, proven to be in the log: (fields, number, size of the tree)."""
    reply = fetch("%s/tlog/lookup/%s" % (base, key)).decode()
    number, _, rest = reply.partition("\n")
    record, _, note = rest.partition("\n\n")
    record += "\n"
    size, root = open_note(note, verifier)
    number = int(number)
    assert 0 <= number < size
    leaf = hashlib.sha256(b"\0" + record.encode()).digest()
    # The root that its leaf and everybody else's hashes give.
    assert Tree(base + "/tlog", size).range(0, size, leaf, number) == root, "not in the log"
    fields = record[:-1].split(" ")
    assert len(fields) == 9, record
    return fields, number, size


def key_of(fields):
    module, version, directory, goos, goarch, go, _, _, variant = fields
    return "%s@%s/%s%s-%s-%s%s/" % (module, version, directory[1:] + "/" if directory != "/" else "", goos,
                                    goarch, go, "-" + variant if variant else "")


def download(base, fields):
    module, version, directory, goos, _, go, size, total, variant = fields
    name = "%s-%s-%s%s%s" % ((directory if directory != "/" else module).split("/")[-1], version, go,
                             "-" + variant if variant else "", ".exe" if goos == "windows" else "")
    packed = fetch("%s/%s%s/%s.gz" % (base, key_of(fields), total, name))
    data = gzip.decompress(packed)
    assert len(data) == int(size)
    digest = hashlib.sha256(data).digest()[:20]
    assert "0" + base64.urlsafe_b64encode(digest).decode().rstrip("=") == total, "another sum"
    assert fetch("%s/%s%s/%s" % (base, key_of(fields), total, name)) == data
    return data
