"""A build service on loopback and real small Go services for it to have built, for tests of
gwtool supervise.

    lab = supervise_lab.Lab(self.path("lab"), self.addCleanup)
    lab.release("v0.1.1", "ok")             # built, in the log, to be downloaded, listed by the proxy
    sup = self.background([cli.GWTOOL, "supervise", *lab.options(), "./svc"])
    lab.service.faults["dl"] = "cut"        # what the service does wrong from now on

The services are one program, whose version says how it behaves (ok, crash, exit0, stubborn, socket:
takes LISTEN_FDS and answers with its version, tells NOTIFY_SOCKET that it is ready and that it ends). They write
what they do to the file in SVC_LOG, a line each: WHAT VERSION PID. Built once by Debian's Go for all of build/.
"""

import base64
import functools
import hashlib
import http.server
import os
import shutil
import signal
import subprocess
import threading

import cli
import go_lab
from module_lab import LOGTOOL, ModuleLab

MODULE = "example.test/svc"

# Of Go's library only what is compiled in seconds.
SOURCE = """package main

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

const version, mode = %r, %r

func say(what string) {
	f, err := os.OpenFile(os.Getenv("SVC_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0666)
	if err != nil {
		panic(err)
	}
	f.WriteString(strings.ReplaceAll(what, " ", "_") + " " + version + " " + strconv.Itoa(os.Getpid()) + "\\n")
	f.Close()
}

// Whoever connects before the end is answered.
func serve(c chan os.Signal) {
	own := strconv.FormatBool(os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()))
	say("env:" + os.Getenv("LISTEN_FDS") + "," + own + "," + os.Getenv("LISTEN_FDNAMES"))
	r, w, _ := os.Pipe()
	syscall.SetNonblock(3, true) // another one may have accepted what this one was woken for
	poll, err := syscall.EpollCreate1(0)
	for _, fd := range []int{3, int(r.Fd())} {
		if err == nil {
			err = syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
		}
	}
	if err != nil {
		panic(err)
	}
	tell := func(text string) {}
	if where := os.Getenv("NOTIFY_SOCKET"); where != "" {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			panic(err)
		}
		tell = func(text string) { syscall.Sendto(fd, []byte(text), 0, &syscall.SockaddrUnix{Name: where}) }
	}
	tell("READY=1\\nSTATUS=serving " + version + "\\nMAINPID=1\\nWATCHDOG=1")
	go func() {
		<-c
		tell("STOPPING=1\\nSTATUS=stopping " + version)
		w.Close()
	}()
	for {
		events := make([]syscall.EpollEvent, 1)
		n, _ := syscall.EpollWait(poll, events, -1)
		if n == 1 && events[0].Fd != 3 {
			os.Exit(0)
		}
		if n == 1 {
			if fd, _, err := syscall.Accept(3); err == nil {
				syscall.Write(fd, []byte(version))
				syscall.Close(fd)
			}
		}
	}
}

func main() {
	c := make(chan os.Signal, 10)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	say("start:" + strings.Join(os.Args, ","))
	switch mode {
	case "socket":
		serve(c)
	case "crash":
		os.Exit(7)
	case "exit0":
		os.Exit(0)
	}
	for s := range c {
		say("signal:" + s.String())
		if s == syscall.SIGUSR2 {
			os.Exit(9)
		}
		if (s == syscall.SIGTERM || s == syscall.SIGINT) && mode != "stubborn" {
			os.Exit(5)
		}
	}
}
""".replace("%r, %r", '"%s", "%s"')


def read(path):
    with open(path, "rb") as f:
        return f.read()


@functools.cache
def go_version():
    return subprocess.run(["go", "env", "GOVERSION"], stdout=subprocess.PIPE, check=True,
                          env=go_lab.environment()).stdout.decode().strip()


def build(version, mode, module=MODULE):
    """The path of the program, as `go install` makes it, stripped; kept for all of build/."""
    name = "%s-%s-%s-%s" % (os.path.basename(module), version, mode, go_version())
    kept = os.path.join(go_lab.SHARED, "services", name)
    source = SOURCE % (version, mode)
    stamp = kept + "." + hashlib.sha256(source.encode()).hexdigest()[:8]
    if os.path.exists(stamp):
        return kept
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    with go_lab.alone("services"):
        if not os.path.exists(stamp):
            install(kept, source, module, version)
            with open(stamp, "w"):
                pass
    return kept


def install(kept, source, module, version):
    """With the library that Debian has compiled already, which is not used with -trimpath; and stripped as a
    build service does it, of which the program says nothing."""
    work = "%s.%d" % (kept, os.getpid())
    modules = ModuleLab(os.path.join(work, "modules"))
    modules.add(module, version, {"main.go": source})
    subprocess.run(["go", "install", "%s@%s" % (module, version)],
                   check=True, env=go_lab.environment(GOPROXY=modules.proxy, GOPATH=work,
                                                      GOFLAGS="-modcacherw", GO111MODULE="on"))
    program = os.path.join(work, "bin", os.path.basename(module))
    subprocess.run(["strip", program], check=True)
    os.rename(program, kept)
    shutil.rmtree(work, ignore_errors=True)


def sum_of(data):
    return "0" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:20]).decode().rstrip("=")


class BuildService:
    """The log and the downloads of a build service. faults: "dl" is cut, altered, long, short or
    gone; "lookup" is gone, other (the record of another key) or down."""

    def __init__(self, directory, cleanup, name="builds.test"):
        self.log = os.path.join(directory, "log")
        os.makedirs(self.log)
        self.write("name", name + "\n")
        self.write("style", "numbered\n")
        self.key = cli.run([LOGTOOL, "key", self.log]).out.strip()
        self.records, self.files, self.faults, self.requests = {}, {}, {}, []
        self.hold = None  # an event: downloads wait for it
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                service.requests.append(self.path)
                status, body, *more = service.answer(self.path[1:], self.headers.get("Range"))
                self.send_response(status)
                self.send_header("Content-Length", str(more[0] if more else len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = bool(more)

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *unused: None  # a helper that was killed
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        cleanup(self.server.server_close)
        cleanup(self.server.shutdown)

    def write(self, name, text):
        with open(os.path.join(self.log, name), "w") as f:
            f.write(text)

    def add(self, version, data, module=MODULE, goversion=None, said=None):
        """A build in the log; `said`: other bytes that the record is of."""
        go = goversion or go_version()
        target = "%s@%s/linux-amd64-%s-stripped/" % (module, version, go)
        record = "%s %s / linux amd64 %s %d %s stripped\n" % (
            module, version, go, len(said or data), sum_of(said or data))
        r = cli.run([LOGTOOL, "append", self.log], input="raw %s\n" % record.replace("\n", "\\n"))
        assert r.code == 0, r
        self.records[target] = (len(self.records), record)
        name = "%s-%s-%s-stripped" % (os.path.basename(module), version, go)
        self.files[target + sum_of(said or data) + "/" + name] = data

    def answer(self, path, wanted_range):
        fault = self.faults.get("dl")
        if path.startswith("tlog/lookup/"):
            if self.faults.get("lookup") == "down":
                return 500, b""
            found = self.records.get(path[len("tlog/lookup/"):])
            if self.faults.get("lookup") == "other":
                found = next(iter(self.records.values()))
            if not found or self.faults.get("lookup") == "gone":
                return 404, b"cannot be built\n"
            with open(os.path.join(self.log, "latest")) as f:
                return 200, ("%d\n%s\n%s" % (*found, f.read())).encode()
        if path.startswith("tlog/"):
            name = os.path.join(self.log, *path.split("/")[1:])
            if not os.path.isfile(name):
                return 404, b""
            with open(name, "rb") as f:
                return 200, f.read()
        data = self.files.get(path)
        if data is None or fault == "gone":
            return 404, b""
        if self.hold:
            self.hold.wait(20)
        if fault == "altered":
            data = data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]
        if fault == "long":
            return 200, data + b"x"
        if fault == "short":
            return 200, data[:-1]
        first, last = (int(x) for x in wanted_range[6:].split("-"))
        body = data[first:last + 1]
        if fault == "cut":
            return 206, body[:100], len(body)
        if fault == "cut-once":
            self.faults.pop("dl")
            return 206, body[:100], len(body)
        return 206, body


class Lab:
    def __init__(self, directory, cleanup):
        self.dir = directory
        os.makedirs(directory)
        self.service = BuildService(directory, cleanup)
        self.bin = os.path.join(directory, "bin")
        os.makedirs(self.bin)
        self.link = os.path.join(self.bin, "svc")
        self.state = os.path.join(directory, "gw")
        self.log = os.path.join(directory, "svc.log")
        self.versions = []
        self.list = os.path.join(directory, "proxy", MODULE, "@v", "list")
        os.makedirs(os.path.dirname(self.list))
        self.publish()
        cleanup(self.kill_services)
        self.go = go_version()

    def publish(self, *versions):
        self.versions += versions
        with open(self.list, "w") as f:
            f.write("".join(v + "\n" for v in self.versions))
        for version in versions:
            self.gomod(version)

    def gomod(self, version, more="", header="", go="1.18"):
        with open(os.path.join(os.path.dirname(self.list), version + ".mod"), "w") as f:
            f.write("%smodule %s\n\ngo %s\n%s" % (header, MODULE, go, more))

    def install(self, version="v0.1.0", mode="ok"):
        """The first binary, as an operator puts it there: a plain file."""
        shutil.copy(build(version, mode), self.link)

    def release(self, version, mode="ok", listed=True):
        with open(build(version, mode), "rb") as f:
            self.service.add(version, f.read())
        if listed:
            self.publish(version)

    def name(self, version):
        return "svc-%s-%s-stripped" % (version, self.go)

    def options(self, *more):
        """`more` beats what stands here."""
        plain = ["--dir", self.state, "--dns", "off",
                "--proxy", "file://" + os.path.join(self.dir, "proxy"),
                "--build-key", self.service.key, "--build-url", self.service.url,
                "--toolchain-policy", "manual", "--delay", "0s", "--jitter", "0s", "--grace", "0s",
                "--trial", "300ms", "--stop-timeout", "5s", "--first-check", "1h"]
        kept = [word for name, value in zip(plain[::2], plain[1::2]) if name not in more
                for word in (name, value)]
        return kept + list(more)

    def env(self, **changes):
        return cli.clean_env(SVC_LOG=self.log, **changes)

    def lines(self):
        """[what, version, pid] of all services so far."""
        try:
            with open(self.log) as f:
                return [line.split() for line in f.read().splitlines()]
        except FileNotFoundError:
            return []

    def running(self):
        """The versions of the services that live, by pid."""
        out = {}
        for what, version, pid in self.lines():
            if not what.startswith("start:"):
                continue
            try:
                with open("/proc/%s/stat" % pid) as f:
                    if f.read().rsplit(")", 1)[1].split()[0] != "Z":
                        out[int(pid)] = version
            except (FileNotFoundError, ProcessLookupError):
                pass
        return out

    def wait_running(self, version):
        def there():
            return set(self.running().values()) == {version}
        cli.wait_until(there, what="%s alone to run, not %r" % (version, self.lines()))

    def kill_services(self):
        for pid in self.running():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class TestCase(cli.TestCase):
    """A test of the supervisor of self.lab."""

    def ask(self, *words, code=0):
        r = self.gwtool("supervise", words[0], "--dir", self.lab.state, *words[1:])
        self.assertEqual(r.code, code, r)
        return r

    def status(self):
        return self.ask("status", "--json").json


class Installed(TestCase):
    """The same with a service that is there already, v0.1.0."""

    def setUp(self):
        super().setUp()
        self.lab = Lab(self.path("lab"), self.addCleanup)
        self.lab.install()

    def start(self, *more, version="v0.1.0", env=None):
        sup = self.background([cli.GWTOOL, "supervise", *self.lab.options(*more), self.lab.link],
                              env=self.lab.env(**(env or {})))
        self.addCleanup(self.lab.kill_services)
        sup.wait_err("event=supervising")
        self.lab.wait_running(version)
        return sup
