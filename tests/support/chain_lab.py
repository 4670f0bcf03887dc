"""The whole chain on loopback, of real processes: a checksum database and a module proxy in files,
follow-tlog, serve-dns with DNSSEC, a build service with Debian's Go, and a service under gwtool
supervise that learns of its releases from nowhere but that DNS.

    chain = chain_lab.Chain(self)           # self: a cli.TestCase
    chain.release("v0.1.0")                 # in the proxy and in the checksum database's log
    chain.start()                           # follower, DNS, build service
    chain.install("v0.1.0")                 # its binary, from the build service
    sup = chain.supervise("--listen", "127.0.0.1:0")
    chain.release("v0.1.1", "crash")
    chain.wait_dns("v0.1.1")                # until the follower has it and DNS says so
    chain.webhook()                         # as gopherwatch calls
"""

import http.client
import os
import re

import cli
import go_lab
import module_lab
import supervise_lab

# A service that takes LISTEN_FDS, answers with its version, says READY=1 and ends when it has no visitor.
# With little of Go's library, so that it is built in seconds.
SOURCE = """package main

import (
	"os"
	"os/signal"
	"syscall"
)

const version, mode = "%s", "%s"

func tell(where string) {
	fd, _ := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	syscall.Sendto(fd, []byte("READY=1"), 0, &syscall.SockaddrUnix{Name: where})
}

func main() {
	if mode == "crash" {
		os.Exit(7)
	}
	r, w, _ := os.Pipe()
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	go func() {
		<-c
		w.Write([]byte("x"))
	}()
	poll, _ := syscall.EpollCreate1(0)
	for _, fd := range []int{3, int(r.Fd())} {
		syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
	}
	tell(os.Getenv("NOTIFY_SOCKET"))
	for {
		events := make([]syscall.EpollEvent, 1)
		n, _ := syscall.EpollWait(poll, events, -1)
		if n == 1 && events[0].Fd != 3 {
			os.Exit(0)
		}
		if n == 1 {
			fd, _, err := syscall.Accept(3)
			if err == nil {
				syscall.Write(fd, []byte(version))
				syscall.Close(fd)
			}
		}
	}
}
"""

MODULE = "example.test/svc"
ZONE = "l.chain.test"
BUILDS = "builds.chain.test"


class Chain:
    def __init__(self, case):
        self.case, self.path = case, case.path
        self.modules = module_lab.ModuleLab(self.path("modules"))
        self.sandbox = module_lab.sandbox_mode(self.path("probe"))
        self.go = supervise_lab.go_version()
        # A toolchain of the log, as the database has Go's: nobody fetches it, as it is there already.
        self.modules.records.append(("golang.org/toolchain", "v0.0.1-%s.linux-amd64" % self.go,
                                     "h1:" + "A" * 43 + "=", "h1:" + "B" * 43 + "="))
        self.bin = self.path("bin")
        self.link = self.path("bin", "svc")
        self.state = self.path("gw")
        os.makedirs(self.bin)

    def run(self, *args, code=0, **kwargs):
        r = self.case.gwtool(*args, **kwargs)
        self.case.assert_run(r, code)
        return r

    def background(self, *args, ready, **kwargs):
        p = self.case.background([cli.GWTOOL, *args], **kwargs)
        p.wait_err(ready)
        return p

    def release(self, version, mode="ok", source=None):
        """Appears in the log and in the proxy, but not in the proxy's list: DNS has to tell."""
        source = source or SOURCE % (version, mode)
        self.modules.add(MODULE, version, {"main.go": source}, listed=False)
        return self.modules.log()

    def start(self):
        log = self.modules.log()
        self.follower = self.background(
            "follow-tlog", "--db", "tlog.db", *log, "--interval", "1s", ready="event=caught_up|records=")
        made = self.run("serve-dns", "key", "new", "--zone", ZONE, "--key", self.path("zone.private"))
        self.anchor = self.case.file("zone.ds", made.out)
        self.port = cli.free_port()
        self.dns = self.background(
            "serve-dns", "--db", "tlog.db", "--zone", ZONE, "--ns", "ns.%s=127.0.0.1" % ZONE, "--key",
            "zone.private", "--listen", "127.0.0.1:%d" % self.port, ready="event=ready")
        self.start_builds()

    def start_builds(self, address="127.0.0.1:0"):
        if not os.path.exists(self.path("builds.key")):
            self.key = self.run("build", "genkey", BUILDS, "--key", "builds.key").lines[0]
            module_lab.give_library(self.path("cache"), module_lab.library(self.sandbox))
        self.builds = self.background(
            "build", "serve", "--data", "builds", "--key", "builds.key", "--listen", address,
            "--admin-listen", "off", "--proxy", self.modules.proxy, *self.modules.log(), "--toolchain",
            go_lab.small_go(), "--gate", "off", "--go-oldest", "go1.13", "--sandbox", self.sandbox, "--cache", "cache",
            ready="event=ready")
        self.url = "http://" + re.search(r"event=listening address=(\S+)", self.builds.err).group(1)

    def install(self, version):
        self.run("build", "get", "%s@%s" % (MODULE, version), "--stripped", "--go", self.go, "--log-key",
                 self.key, "--source", self.url + "/tlog", "--cache", "client", "-o", "bin/", timeout=280)
        os.symlink(self.name(version), self.link)

    def name(self, version):
        return "svc-%s-%s-stripped" % (version, self.go)

    def supervise(self, *more):
        token = self.case.file("token", "hook-token\n", 0o600)
        self.sup = self.case.background(
            [cli.GWTOOL, "supervise", "--dir", self.state, "--dns", ZONE, "--resolver",
             "127.0.0.1@%d" % self.port, "--trust-anchor", self.anchor, "--proxy", self.modules.proxy,
             "--build-key", self.key, "--build-url", self.url, "--delay", "0s", "--jitter", "0s",
             "--grace", "0s", "--admin-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
             "--webhook-token-file", token, *more, self.link])
        self.page = self.sup.wait_err(r"event=page address=(\S+)").group(1)
        return self.sup

    def wait_dns(self, version):
        def told():
            r = self.case.gwtool("check", "module", MODULE + "@v0.0.1", "--dns", ZONE, "--resolver",
                                 "127.0.0.1@%d" % self.port, "--trust-anchor", self.anchor, "--dnssec",
                                 "require")
            return " %s " % version in r.out
        cli.wait_until(told, what="%s in DNS" % version, every=0.3)

    def webhook(self):
        r = self.request("POST", "/notify", {"Authorization": "Bearer hook-token"})
        self.case.assertEqual(r[0], 202, r)

    def request(self, method, path, headers=None):
        c = http.client.HTTPConnection(self.page, timeout=30 * cli.SLOWNESS)
        c.request(method, path, "", headers or {})
        r = c.getresponse()
        text = r.read().decode()
        c.close()
        return r.status, text

    def ask(self, *words):
        return self.run("supervise", words[0], "--dir", self.state, "--json", *words[1:]).json
