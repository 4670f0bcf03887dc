"""A build service of our own: modules made on the spot, and a stand-in for the Go toolchain.

    lab = BuildLab(self)                       # self: a cli.TestCase
    server = lab.serve()
    server.get("/example.org/hello@v0.1.0/js-wasm-go1.26.8/record")

The stand-in is a shell script that "compiles" a command to its own key, so that a test of the service
takes no compiler's time; programs for js and wasip1 say nothing of themselves that would be looked at.
"""

import http.client
import os
import re

import cli
import module_lab

GO = "go1.26.8"
TARGET = "js-wasm-" + GO

# What the go command would leave. `$GOPATH/bin/js_wasm/NAME`; a command named "broken" does not compile,
# one named "slow" waits for a file in the laboratory's directory.
STAND_IN = r'''#!/bin/sh
case "$*" in *" -n "*) mkdir -p $GOMODCACHE/cache/download; exit 0;; esac
for last; do :; done
name=${last%@*}; name=${name##*/}
[ $name = slow ] && while [ ! -e @DIR@/go-on ]; do sleep 0.02; done
[ $name = broken ] && { echo "../modcache/x@v1.0.0/main.go:3:15: undefined: nothing"; exit 1; }
[ $name = killed ] && kill -9 $$
bin=$GOPATH/bin/${GOOS}_${GOARCH}
mkdir -p $bin
echo building $last
case "$*" in *"buildid= -s"*) extra=stripped;; esac
{ echo "program $last $GOOS $GOARCH $extra"; cat @DIR@/salt 2>/dev/null || :; } >$bin/$name
'''


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def location(self):
        return self.headers.get("location")

    def __str__(self):
        return "%d %s\n%s" % (self.status, self.headers, self.text[:2000])


def request(address, method, path, headers=None, body=None, timeout=60):
    c = http.client.HTTPConnection(address, timeout=timeout * cli.SLOWNESS)
    try:
        c.request(method, path, body=body, headers=headers or {})
        r = c.getresponse()
        return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
    finally:
        c.close()


class Server(cli.Background):
    def __init__(self, args, **kwargs):
        super().__init__(args, **kwargs)
        self.wait_err("event=ready")
        self.address = re.search(r"event=listening address=(\S+)", self.err).group(1)
        self.admin = re.search(r"event=admin address=(\S+)", self.err).group(1)
        self.url = "http://" + self.address

    def get(self, path, **kwargs):
        return request(self.address, "GET", path, **kwargs)

    def page(self, path, agent=None):
        """As a browser asks."""
        return self.get(path, headers={"Accept": "text/html", **({"User-Agent": agent} if agent else {})})

    def post(self, path, body=None, **kwargs):
        return request(self.address, "POST", path, body=body, **kwargs)

    def follow(self, path, limit=5):
        """GET behind all redirects; the path where it ended, and the answer."""
        r = self.get(path)
        while r.status in (301, 303, 307):
            limit -= 1
            assert limit > 0, "redirects without end"
            path = r.location
            r = self.get(path)
        return path, r

    def ask_admin(self, path, method="GET", **kwargs):
        return request(self.admin, method, path, **kwargs)


class BuildLab:
    def __init__(self, case, name="builds.example.org"):
        self.case, self.name = case, name
        self.dir = case.path("service")
        os.makedirs(self.dir)
        os.chmod(case.dir, 0o755)
        self.modules = module_lab.ModuleLab(case.path("modules"))
        self.toolchain("go1.26.8")
        self.key_file = os.path.join(self.dir, "key")
        r = cli.gwtool("build", "genkey", name, "--key", self.key_file)
        case.assert_run(r, 0)
        self.key, self.checkpoint_key = r.lines

    def other_checkpoint_key(self):
        """The second key of a service that is not this one, though it has its name."""
        r = cli.gwtool("build", "genkey", self.name, "--key", os.path.join(self.dir, "other-key"))
        self.case.assert_run(r, 0)
        return r.lines[1]

    def toolchain(self, version):
        goroot = os.path.join(self.dir, "go", version)
        os.makedirs(os.path.join(goroot, "bin"))
        program = os.path.join(goroot, "bin", "go")
        with open(program, "w") as f:
            f.write(STAND_IN.replace("@DIR@", self.dir))
        os.chmod(program, 0o755)
        with open(os.path.join(goroot, "VERSION"), "w") as f:
            f.write(version + "\n")

    def command(self, module="example.org/hello", version="v0.1.0", dirs=("",), **kwargs):
        files = {os.path.join(d, "main.go"): "package main\n\nfunc main() {}\n" for d in dirs}
        self.modules.add(module, version, files, **kwargs)

    def let_slow_go_on(self):
        with open(os.path.join(self.dir, "go-on"), "w"):
            pass

    def salt(self, text):
        """From now on builds give other bytes."""
        with open(os.path.join(self.dir, "salt"), "w") as f:
            f.write(text)

    def args(self, *args, data=None, key=None, toolchain=None, listen="127.0.0.1:0", gate="off"):
        return ["build", "serve", "--data", data or os.path.join(self.dir, "data"), "--key",
                key or self.key_file, "--listen", listen, "--admin-listen", "127.0.0.1:0",
                "--proxy", self.modules.proxy, *self.modules.log(), "--toolchain",
                toolchain or os.path.join(self.dir, "go"), "--sandbox", "off", "--gate", gate, *args]

    def serve(self, *args, **kwargs):
        server = Server([cli.GWTOOL] + self.args(*args, **kwargs))
        self.case.addCleanup(server.kill)
        return server
