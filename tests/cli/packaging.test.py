"""What is installed, and what is said of what is linked in: the list of components, the licences."""

import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli

PACKAGING = os.path.join(cli.SOURCE, "cmake", "packaging")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


class Description(cli.TestCase):
    def describe(self, deps="none", **env):
        r = cli.run(["sh", os.path.join(PACKAGING, "describe.sh"), cli.GWTOOL, self.path(deps),
                     self.path("out")], env=cli.clean_env(**env))
        self.assertEqual((r.code, r.err), (0, ""), r)
        self.assertEqual(sorted(os.listdir(self.path("out"))),
                         ["NOTICE", "gwtool.cdx.json", "static-built-using"])
        return json.loads(read(self.path("out/gwtool.cdx.json")))

    def test_all_that_is_linked_in_is_listed(self):
        bom = self.describe()
        self.assertEqual((bom["bomFormat"], bom["specVersion"]), ("CycloneDX", "1.5"))
        version = self.gwtool("version", "--json").json
        self.assertEqual(bom["metadata"]["component"]["version"], version["version"])
        listed = {c["name"]: c["version"] for c in bom["components"]}
        for library in version["libraries"]:
            self.assertEqual(listed[library["name"]], library["version"].split(" ")[0], library)
        self.assertEqual(set(listed) - {lib["name"] for lib in version["libraries"]},
                         {"libgcc", "libstdc++"})
        self.assertEqual(bom["dependencies"][0]["dependsOn"], list(listed))
        for c in bom["components"]:
            self.assertTrue(c["licenses"], c)
        # The same once more: no date, nothing of this run.
        self.assertEqual(self.describe(), bom)

    def test_packages_and_licences(self):
        self.file("deps/stamp", "7.88.1-10+deb12u99 123 456")
        self.file("deps/copyright", "the notice of curl, see /usr/share/common-licenses/LGPL-2.1\n")
        bom = self.describe("deps")
        urls = {c["name"]: c.get("purl") for c in bom["components"]}
        self.assertRegex(urls["curl"], r"^pkg:deb/debian/libcurl4@7\.88\.1-10%2Bdeb12u99\?arch=\w+$")
        notice = read(self.path("out/NOTICE"))
        self.assertIn("the notice of curl", notice)
        for name in urls:
            self.assertIn("\n==== %s " % name, notice)
        self.assertIn("can link gwtool with it", notice)
        if os.path.exists("/usr/share/common-licenses/LGPL-2.1"):
            self.assertIn("GNU LESSER GENERAL PUBLIC LICENSE", notice)
            self.assertIn("Copyright", notice.split("==== OpenSSL ")[1].split("\n====")[0])
        built = read(self.path("out/static-built-using"))
        self.assertRegex(built, r"^Static-Built-Using: ([a-z0-9.+-]+ \(= [^ ]+\)(, )?)+\n$")
        for source in ("curl (= 7.88.1-10+deb12u99)", "openssl (= ", "gcc-12 (= "):
            self.assertIn(source, built)

    def test_another_system(self):
        """Without dpkg the components are there all the same."""
        tools = self.path("bin")
        os.mkdir(tools)
        for name in ("sh", "sed", "awk", "grep", "cat", "mktemp", "mv", "rm", "cut", "sort", "mkdir",
                     "tr", "uname", "dirname"):
            path = subprocess.run(["which", name], stdout=subprocess.PIPE, text=True, check=True)
            os.symlink(path.stdout.strip(), os.path.join(tools, name))
        bom = self.describe(PATH=tools)
        self.assertFalse([c for c in bom["components"] if "purl" in c])
        self.assertIn("OpenSSL", {c["name"] for c in bom["components"]})


class Installed(cli.TestCase):
    def test_files(self):
        described = os.path.join(cli.BUILD, "description")
        if not os.path.exists(os.path.join(described, "NOTICE")):
            cli.run(["sh", os.path.join(PACKAGING, "describe.sh"), cli.GWTOOL, "none", described])
        prefix = re.search(r"(?m)^CMAKE_INSTALL_PREFIX:PATH=(.*)$",
                           read(os.path.join(cli.BUILD, "CMakeCache.txt"))).group(1)
        r = cli.run(["cmake", "--install", cli.BUILD],
                    env=cli.clean_env(DESTDIR=self.path("root")))
        self.assertEqual(r.code, 0, r)
        top = self.path("root") + prefix
        found = {os.path.relpath(os.path.join(base, f), top)
                 for base, _, files in os.walk(top) for f in files}
        pages = {"share/man/man%s/%s" % (f[-1], f) for f in os.listdir(os.path.join(cli.SOURCE, "man"))
                 if re.search(r"\.[1-8]$", f)}
        self.assertEqual(found, pages | {
            "bin/gwtool", "share/bash-completion/completions/gwtool",
            "share/zsh/site-functions/_gwtool", "share/fish/vendor_completions.d/gwtool.fish",
            "share/doc/gwtool/LICENSE", "share/doc/gwtool/README.md", "share/doc/gwtool/NOTICE",
            "share/doc/gwtool/gwtool.cdx.json", "share/doc/gwtool/examples/gwtool.toml",
            "share/doc/gwtool/examples/gwtool-serve-user.conf",
            "lib/systemd/system/gwtool-follow.service", "lib/systemd/system/gwtool-serve.service",
            "lib/sysusers.d/gwtool.conf"})
        # What the manual shows is what is installed, with the binary's place.
        manual = read(os.path.join(cli.SOURCE, "man", "sections", "gwtool.mdoc"))
        shown = re.search(r"(?ms)^\[Unit\]\n.*?^WantedBy=.*?\n", manual).group(0)
        shown = shown.replace("/usr/local/bin/gwtool", prefix + "/bin/gwtool")
        units = os.path.join(top, "lib", "systemd", "system")
        follow = read(os.path.join(units, "gwtool-follow.service"))
        self.assertEqual(follow, shown)
        serve = read(os.path.join(units, "gwtool-serve.service"))
        self.assertEqual(re.sub("(?m)^Description=.*", "", serve),
                         re.sub("(?m)^Description=.*", "", follow).replace("follow-tlog", "serve-dns"))
        users = read(os.path.join(top, "lib", "sysusers.d", "gwtool.conf"))
        self.assertIn("u gwtool ", users)
        self.assertIn("u gwtool-serve -:gwtool ", users)
        self.assertIn("\n" + read(os.path.join(top, "share/doc/gwtool/examples/gwtool-serve-user.conf")),
                      manual)
        if shutil.which("systemd-analyze") is None:
            return  # its judgement is tried where it is
        for unit in ("gwtool-follow.service", "gwtool-serve.service"):
            r = cli.run(["systemd-analyze", "security", "--offline=yes", "--threshold=20",
                         os.path.join(units, unit)])
            self.assertEqual(r.code, 0, r.out[-500:] + r.err)


if __name__ == "__main__":
    cli.main()
