"""All of it, from a release to the service that runs it: a version appears in the checksum database,
follow-tlog takes it in, serve-dns tells of it, supervise learns of it by that alone, the build service
builds it with a real Go, its log proves it, and the new version takes over the old one's socket. Then
what goes wrong on the way."""

import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import chain_lab
import cli
from chain_lab import MODULE


class Visitors(threading.Thread):
    """Connects again and again; who answered, and what went wrong."""

    def __init__(self, address):
        super().__init__(daemon=True)
        host, port = address.split(":")
        self.address = (host, int(port))
        self.over = threading.Event()
        self.answers, self.failures = [], []

    def run(self):
        while not self.over.wait(0.005):
            try:
                with socket.create_connection(self.address, 60 * cli.SLOWNESS) as s:
                    self.answers.append(s.recv(100).decode())
            except OSError as e:
                self.failures.append(str(e))

    def stop(self):
        self.over.set()
        self.join()

    def last(self):
        return self.answers[-1] if self.answers else None


class Chain(cli.TestCase):
    def test_from_a_release_to_the_service(self):
        chain = chain_lab.Chain(self)
        chain.release("v0.1.0")
        chain.start()
        chain.install("v0.1.0")
        sup = chain.supervise("--listen", "127.0.0.1:0", "--ready", "notify")
        visitors = Visitors(sup.wait_err(r"event=listening address=(\S+)").group(1))
        visitors.start()
        self.addCleanup(visitors.stop)
        cli.wait_until(lambda: visitors.last() == "v0.1.0", what="an answer")

        # A release: nobody tells the supervisor which, and its binary is built because it asks.
        chain.release("v0.1.1")
        chain.wait_dns("v0.1.1")
        chain.webhook()
        sup.wait_err("event=checked newer=1 .*problem=\"\"", timeout=60)
        sup.wait_err("event=updated version=v0.1.1 .*by=schedule", timeout=280)
        cli.wait_until(lambda: visitors.last() == "v0.1.1", what="the new version's answer")
        self.assertEqual(os.readlink(chain.link), chain.name("v0.1.1"))
        self.assertEqual(chain.request("GET", "/service-version"),
                         (200, "%s v0.1.1 %s linux amd64\n" % (MODULE, chain.go)))
        # The bytes are the log's, as anybody can see.
        r = chain.run("build", "verify", "%s@v0.1.1/linux-amd64-%s-stripped/" % (MODULE, chain.go), "--log-key",
                      chain.key, "--source", chain.url + "/tlog", "--cache", "client")
        (event,) = chain.ask("history")
        self.assertEqual((event["what"], event["version"], event["by"]), ("updated", "v0.1.1", "schedule"))
        self.assertEqual(r.out.split()[0], event["sum"])
        # Nobody who connected was sent away.
        self.assertEqual(visitors.failures, [])
        self.assertEqual({*visitors.answers}, {"v0.1.0", "v0.1.1"})

        self.what_cannot_be_built(chain, sup)
        self.assertEqual(visitors.failures, [])
        self.assertEqual(visitors.last(), "v0.1.1")
        visitors.stop()
        # Each ends well when it is asked to; the supervisor as its service does.
        for process in (sup, chain.builds, chain.dns, chain.follower):
            self.assertEqual(process.stop(), 0, str(process))

    def what_cannot_be_built(self, chain, sup):
        chain.release("v0.1.2", source='package main\n\nimport _ "example.test/gone"\n\nfunc main() {}\n')
        chain.wait_dns("v0.1.2")
        chain.webhook()
        sup.wait_err("event=failed version=v0.1.2", timeout=280)
        status = chain.ask("status")
        self.assertEqual((status["state"], status["version"], status["automatic"], status["failures"]),
                         ("running", "v0.1.1", True, 1))
        self.assertIn("not tidy", status["last_error"])


if __name__ == "__main__":
    cli.main()
