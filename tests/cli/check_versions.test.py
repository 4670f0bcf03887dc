#!/usr/bin/env python3
"""What counts as a module's latest version, beside the go command: over every module of the replica,
from a file proxy with the same versions and the same go.mod files or none."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import cli
import go_lab
import serve

PSEUDO = re.compile(r"[-.]\d{14}-[0-9A-Za-z]+(\+incompatible)?$")


def replica_records():
    """(module, version, go.mod sum) of every record."""
    for directory, _, files in sorted(os.walk(os.path.join(serve.REPLICA, "tile", "8", "data"))):
        for name in sorted(files):
            with open(os.path.join(directory, name), encoding="utf-8") as f:
                lines = f.read().splitlines()
            for line in lines:
                words = line.split(" ")
                if len(words) == 3 and words[1].endswith("/go.mod"):
                    yield words[0], words[1][:-len("/go.mod")], words[2]


def sum_of(gomod):
    line = "%s  go.mod\n" % hashlib.sha256(gomod.encode()).hexdigest()
    return "h1:" + base64.b64encode(hashlib.sha256(line.encode()).digest()).decode()


def escape(text):
    return re.sub("[A-Z]", lambda m: "!" + m.group().lower(), text)


class Versions(serve.TestCase):
    def proxy(self, extra=()):
        """A module proxy's files for all records, and the modules with a version to list."""
        versions = {}
        for module, version, gomod in list(replica_records()) + list(extra):
            versions.setdefault(module, {})[version] = gomod
        listed = []
        for module, all_of in versions.items():
            directory = self.path("proxy", escape(module), "@v")
            os.makedirs(directory)
            names = [v for v in all_of if not PSEUDO.search(v)]
            legacy = "module %s\n" % module
            for version in names:
                base = os.path.join(directory, escape(version))
                with open(base + ".mod", "w", encoding="utf-8") as f:
                    f.write(legacy if all_of[version] == sum_of(legacy) else legacy + "\ngo 1.16\n")
                with open(base + ".info", "w", encoding="utf-8") as f:
                    json.dump({"Version": version, "Time": "2020-01-01T00:00:00Z"}, f)
            with open(os.path.join(directory, "list"), "w", encoding="utf-8") as f:
                f.write("".join(v + "\n" for v in names))
            if names and "/" in module and module != "golang.org/toolchain":
                listed.append(module)
        return sorted(listed)

    def go_latest(self, modules):
        env = go_lab.environment(GOPROXY="file://" + self.path("proxy"), GONOSUMDB="*",
                                 GOFLAGS="-mod=mod", GOMODCACHE=self.path("mod"), HOME=self.dir)
        self.file("go.mod", "module example.org/main\n")
        r = subprocess.run(["go", "list", "-m", "-e", "-json"] +
                           [m + "@latest" for m in modules], cwd=self.dir, env=env,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        text, found = r.stdout.decode(), {}
        decoder = json.JSONDecoder()
        while text.strip():
            value, end = decoder.raw_decode(text.lstrip())
            text = text.lstrip()[end:]
            if value.get("Version"):
                found[value["Path"]] = value["Version"]
        self.assertGreater(len(found), len(modules) // 2, r.stderr.decode()[:2000])
        return found

    def test_every_module_of_the_replica(self):
        modules = self.proxy()
        go = self.go_latest(modules)
        # Through a resolver that knows nothing yet and asks for every name above those that it is
        # asked for, at the limit that a server has for all but loopback.
        server = self.serve("--rate-limit", "200", head="latest")
        _, port = self.unbound(server)
        r = self.gwtool("check", "module", "-", "--dns", serve.ZONE, "--resolver",
                        "%s@%d" % (serve.HOST, port), "--trust-anchor", server.key + ".key",
                        "--timeout", "60s", input="".join(m + "\n" for m in sorted(go)))
        self.assertNotIn("SERVFAIL", r.err)
        ours = dict(line.split(" ")[:2] for line in r.lines)
        # The go command falls back on a prerelease where there is nothing else.
        releases = {m: v for m, v in go.items() if "-" not in v}
        self.assertGreater(len(releases), 500)
        self.assertGreater(sum(v.endswith("+incompatible") for v in releases.values()), 5)
        self.assertEqual(ours, releases)


if __name__ == "__main__":
    cli.main()
