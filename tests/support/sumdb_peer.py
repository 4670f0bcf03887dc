"""golang.org/x/mod's own checksum database server (tests/peers/sumdb), from Debian's packages.

    with SumdbPeer("-fork", 600) as peer:
        peer.add(1000)
        gwtool("follow-tlog", "--log-key", peer.key, "--source", peer.url, ...)
"""

import os
import subprocess
import urllib.request

import cli


def build():
    """The program, built once a build directory. Raises when Go or x/mod is not installed."""
    program = os.path.join(cli.BUILD, "tests", "peer-sumdb")
    source = os.path.join(cli.SOURCE, "tests", "peers", "sumdb", "main.go")
    if os.path.exists(program) and os.path.getmtime(program) > os.path.getmtime(source):
        return program
    env = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="",
               GOCACHE=cli.GO_CACHE, CGO_ENABLED="0")
    part = "%s.%d" % (program, os.getpid())  # two tests may build at the same time
    subprocess.run(["go", "build", "-o", part, source], check=True, env=env)
    os.rename(part, program)
    return program


class SumdbPeer:
    def __init__(self, *args):
        self.process = subprocess.Popen([build(), *map(str, args)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.key = self.process.stdout.readline().strip()

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as r:
            return r.read()

    def add(self, count):
        """Adds records; returns how many there are now."""
        return int(self.get("/add/%d" % count))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
