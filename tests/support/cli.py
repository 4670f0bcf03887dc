"""What the tests of the real binary share: run gwtool, wait for a condition, never leave a process.

A test file starts with

    import os, sys
    sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
    import cli

    class Help(cli.TestCase):
        def test_version(self):
            r = self.gwtool("--version")
            self.assert_run(r, code=0, err="")

    if __name__ == "__main__":
        cli.main()

CMake passes GWTOOL (the binary), GW_SOURCE (the tree) and GW_BUILD (the build directory).
"""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

import json_docs
from ports import free_port

GWTOOL = os.environ.get("GWTOOL", "gwtool")
SOURCE = os.environ.get(
    "GW_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("GW_BUILD", os.path.join(SOURCE, "build"))
# The go command's build cache, shared by all tests: Go's library is compiled once, not once a test.
GO_CACHE = os.environ.get("GW_GO_CACHE", os.path.join(BUILD, "go-cache"))
DATA = os.path.join(SOURCE, "tests", "data")

# Sanitizer builds are several times slower: every deadline is stretched alike.
SLOWNESS = float(os.environ.get("GW_TEST_SLOWNESS", "1"))


# What a sanitizer writes when it found something. A process that was killed has no exit code to show
# for it, and the thread sanitizer lets it go on.
SANITIZER = re.compile(r"WARNING: ThreadSanitizer|ERROR: \w+Sanitizer|: runtime error: ")


# What it writes about an object's type that it cannot look at, for want of a descriptor to do so; the
# bytes follow when there is one again. (An object of another type "is of type" that one.)
BLIND = re.compile(r"^.*: runtime error: .*\n.*: note: object has invalid vptr\n"
                   r"(?:<memory cannot be printed>\n|(?:.*\n){3}(?=SUMMARY: ))", re.M)


def check_sanitizers(err, no_descriptors=False):
    if no_descriptors:
        err = BLIND.sub("", err)
    if SANITIZER.search(err):
        raise AssertionError("a sanitizer reported\n" + err)


def clean_env(**changes):
    """The environment without what changes gwtool's behaviour; a value of None removes a variable."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("GWTOOL_") and k not in ("NO_COLOR", "SSL_CERT_FILE", "NOTIFY_SOCKET",
                                                       "http_proxy", "https_proxy", "all_proxy")}
    env["LC_ALL"] = "C.UTF-8"
    for k, v in changes.items():
        if v is None:
            env.pop(k, None)
        else:
            env[k] = str(v)
    return env


def documents(out):
    """The JSON objects of an output: one, or one a line."""
    try:
        found = [json.loads(out)]
    except ValueError:
        found = []
        for line in out.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                pass
    return [document for document in found if isinstance(document, dict)]


class Run:
    """The end of a process: code (negative: the signal), out, err (text), seconds."""

    def __init__(self, args, code, out, err, seconds):
        self.args, self.code, self.out, self.err, self.seconds = args, code, out, err, seconds

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def json(self):
        """The document."""
        return json.loads(self.out)

    def check_documents(self):
        """All that gwtool prints with --json is as the manual describes it, whether or not a test reads
        it; what is no JSON is for the tests to find."""
        name = json_docs.document_of(self.args[1:])
        if self.args[0] != GWTOOL or "--json" not in self.args:
            return
        for document in documents(self.out):
            if name is None and set(document) != {"error"}:
                raise AssertionError("a document that the manual does not describe: %s" % self)
            json_docs.check(name, document)

    def __str__(self):
        return "%s\nexit %s\n--- stdout\n%s--- stderr\n%s" % (
            " ".join(self.args), self.code, self.out, self.err)


def run(args, input=None, env=None, cwd=None, timeout=60, no_descriptors=False, **popen):
    """Runs a program to its end; raises when it takes longer than timeout seconds. no_descriptors: it
    has so few that a sanitizer may be blind."""
    args = [str(a) for a in args]
    start = time.monotonic()
    if isinstance(input, str):
        input = input.encode()
    stdin = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
    popen.setdefault("stdout", subprocess.PIPE)
    popen.setdefault("stderr", subprocess.PIPE)
    p = subprocess.run(args, env=env if env is not None else clean_env(), cwd=cwd,
                       timeout=timeout * SLOWNESS, **stdin, **popen)
    text = [(b or b"").decode("utf-8", "surrogateescape") for b in (p.stdout, p.stderr)]
    check_sanitizers(text[1], no_descriptors)
    run = Run(args, p.returncode, text[0], text[1], time.monotonic() - start)
    run.check_documents()
    return run


def on_terminal(args, env=None, columns=0):
    """Runs a program on a terminal of its own, which says how wide it is where that is not 0; (exit code,
    what was written there)."""
    child, fd = pty.fork()
    if child == 0:
        try:
            if columns:
                termios.tcsetwinsize(0, (24, columns))
            os.execve(args[0], args, env if env is not None else clean_env())
        finally:
            os._exit(127)
    data = b""
    while True:
        try:
            chunk = os.read(fd, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not chunk:
            break
        data += chunk
    os.close(fd)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, data.decode("utf-8", "surrogateescape")


def gwtool(*args, **kwargs):
    """Runs gwtool with these arguments, see run()."""
    return run([GWTOOL, *args], **kwargs)


def wait_until(condition, timeout=20, what="the condition", every=0.01):
    """Polls until condition() is true and returns that value; AssertionError after timeout. One that starts
    a process takes from those whose work is waited for: it rests three times as long as it worked."""
    deadline = time.monotonic() + timeout * SLOWNESS
    while True:
        begin = time.monotonic()
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("waited %.0f s in vain for %s" % (timeout * SLOWNESS, what))
        time.sleep(max(every, min(0.5, 3 * (time.monotonic() - begin))))


class Background:
    """A process that runs beside the test and is always gone afterwards.

        with cli.Background([cli.GWTOOL, "serve-dns", ...]) as p:
            p.wait_err("event=ready")
            ...
            self.assertEqual(p.stop(), 0)

    Its output is collected all the time (a full pipe never blocks it): p.out and p.err.
    """

    no_descriptors = False  # set it for a process that is made to run out of them

    def __init__(self, args, env=None, cwd=None, input=None, input_open=False, **popen):
        """input: all that it reads; input_open: more of it by tell(), until close()."""
        self.args = [str(a) for a in args]
        self.process = subprocess.Popen(
            self.args, env=env if env is not None else clean_env(), cwd=cwd,
            stdin=subprocess.PIPE if input is not None or input_open else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **popen)
        self._data = {"out": bytearray(), "err": bytearray()}
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, "out"), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, "err"), daemon=True)]
        for t in self._readers:
            t.start()
        if input is not None:
            self.process.stdin.write(input.encode() if isinstance(input, str) else input)
            self.process.stdin.close()

    def tell(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()

    def _read(self, stream, name):
        while True:
            chunk = stream.read1(65536)
            if not chunk:
                return
            self._data[name] += chunk

    @property
    def pid(self):
        return self.process.pid

    @property
    def out(self):
        return bytes(self._data["out"]).decode("utf-8", "surrogateescape")

    @property
    def err(self):
        return bytes(self._data["err"]).decode("utf-8", "surrogateescape")

    def alive(self):
        return self.process.poll() is None

    def _wait_text(self, stream, pattern, timeout):
        def seen():
            m = re.search(pattern, getattr(self, stream))
            if m:
                return m
            if not self.alive():
                for t in self._readers:
                    t.join(5)
                m = re.search(pattern, getattr(self, stream))
                if m:
                    return m
                raise AssertionError("ended before %r was seen\n%s" % (pattern, self))
            return None
        try:
            return wait_until(seen, timeout, repr(pattern))
        except AssertionError as e:
            raise AssertionError("%s\n%s" % (e, self)) from None

    def wait_out(self, pattern, timeout=20):
        """Waits for a regular expression on standard output and returns the match."""
        return self._wait_text("out", pattern, timeout)

    def wait_err(self, pattern, timeout=20):
        return self._wait_text("err", pattern, timeout)

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=20):
        """Waits for the end; returns the exit code (negative: the signal)."""
        try:
            code = self.process.wait(timeout * SLOWNESS)
        except subprocess.TimeoutExpired:
            raise AssertionError("still running after %.0f s\n%s" % (timeout * SLOWNESS, self)) \
                from None
        for t in self._readers:
            t.join(5)
        return code

    def stop(self, number=signal.SIGTERM, timeout=20):
        """Asks for the end and returns the exit code."""
        if self.alive():
            self.send(number)
        return self.wait(timeout)

    def kill(self):
        """kill -9 of the process and all it started; fails when a sanitizer had something to say."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        for t in self._readers:
            t.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        check_sanitizers(self.err, self.no_descriptors)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.kill()

    def __str__(self):
        return "%s\nexit %s\n--- stdout\n%s--- stderr\n%s" % (
            " ".join(self.args), self.process.returncode, self.out, self.err)


class TestCase(unittest.TestCase):
    """A unittest with a directory of its own: self.dir, gone afterwards."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="gwtool-test-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def file(self, name, text, mode=0o644):
        """Writes a file below self.dir and returns its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(text.encode() if isinstance(text, str) else text)
        os.chmod(path, mode)
        return path

    def gwtool(self, *args, **kwargs):
        kwargs.setdefault("cwd", self.dir)
        return gwtool(*args, **kwargs)

    def background(self, args, **kwargs):
        """A Background process that ends with the test."""
        kwargs.setdefault("cwd", self.dir)
        p = Background(args, **kwargs)
        self.addCleanup(p.kill)
        return p

    def assert_run(self, r, code=0, out=None, err=None, err_has=None):
        """Checks a Run; a failure shows all of it. err_has: a substring, or several."""
        self.assertEqual(r.code, code, "exit code\n%s" % r)
        if out is not None:
            self.assertEqual(r.out, out, "standard output\n%s" % r)
        if err is not None:
            self.assertEqual(r.err, err, "standard error\n%s" % r)
        for text in [err_has] if isinstance(err_has, str) else err_has or []:
            self.assertIn(text, r.err, "standard error\n%s" % r)
        # Whatever happens, it is told in the agreed form and nothing of C++ shines through.
        for bad in ("terminate called", "std::", "Sanitizer", "runtime error:"):
            self.assertNotIn(bad, r.err, str(r))

    def assert_error(self, r, code, *texts):
        """A failure told as the conventions say: no data, `gwtool: error: ...` with these texts."""
        self.assert_run(r, code=code, out="", err_has=["gwtool: error: ", *texts])

    def assert_missing(self, *paths):
        """None of these exist, nor anything half-written beside them."""
        for path in paths:
            self.assertFalse(os.path.lexists(path), "%s exists" % path)
            d, name = os.path.split(path)
            for other in os.listdir(d) if os.path.isdir(d) else []:
                self.assertFalse(other.startswith("." + name + ".tmp"), "left over: %s" % other)


def main():
    """Runs the tests of the file; the process always ends, also when a thread hangs."""
    program = unittest.main(exit=False, verbosity=1)
    for test, why in program.result.skipped:
        print("not tried: %s: %s" % (test.id(), why), file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if program.result.wasSuccessful() else 1)
