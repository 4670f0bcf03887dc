"""What the tests of `gwtool check` with other people's files share: a small signed DNS lab with a few
modules' releases, and Go projects made on the spot.

    check_lab.CheckCase.lab = check_lab.start(directory, {"example.com/x": "v1.2.3"})
    class Files(check_lab.CheckCase):
        def test_one(self): self.assert_run(self.check("module", "example.com/x"), 0)
"""

import cli
import dns_lab

ZONE = "signed.lab"
TIME = "2025-04-18T19:30:21Z"
TOOLCHAIN = "go1.27.4"
PREVIOUS = "go1.26.11"


def dns_name(path):
    """The module's name before the zone, as the specification has it."""
    def element(e):
        out = "".join(c if c in "0123456789abcdefghijklmnopqrstuvwxyz-" else "_%02x" % ord(c)
                      for c in e)
        if out.startswith("-"):
            out = "_2d" + out[1:]
        return out[:-1] + "_2d" if out.endswith("-") else out
    host, *elements = path.split("/")
    return ".".join([element(e) for e in reversed(elements)] + ["_", host, "v0"])


def records(versions):
    """TXT records for path -> version, all found at TIME."""
    return "".join('%s TXT "v=%s t=6802a84d"\n' % (dns_name(p), v) for p, v in versions.items())


def toolchain_record():
    return 'toolchain.v0 TXT "v=%s k=cur t=6802a84d; v=%s k=prev t=6802a84d"\n' % (TOOLCHAIN, PREVIOUS)


def start(directory, versions, more=""):
    """A running lab whose one zone has these modules' releases, Go's, and `more` records."""
    lab = dns_lab.Lab(directory, [dns_lab.Zone(ZONE, records(versions) + toolchain_record() + more)])
    lab.start()
    return lab


def line(name, version, *places):
    """As check prints it of files."""
    return "%s %s %s%s\n" % (name, version, TIME, " (%s)" % ", ".join(places) if places else "")


class CheckCase(cli.TestCase):
    lab = None  # a running dns_lab.Lab, set in setUpModule

    def check(self, *args, resolver=None, **kwargs):
        """gwtool check with the lab's resolver; args begin with the subcommand."""
        return self.gwtool("check", args[0], "--dns", ZONE, "--resolver",
                           resolver or self.lab.resolver, "--trust-anchor", self.lab.anchor,
                           *args[1:], **kwargs)
