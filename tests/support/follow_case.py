"""What tests of follow-tlog share: logs to follow, made by gw_logtool or copied, and a database.

    import follow_case
    class Alarms(follow_case.TestCase):
        def test_x(self):
            log, key = self.synth(3000)
            self.assert_run(self.follow(log, key, "--once"), code=0)
"""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import cli
import json_docs

REPLICA = os.path.join(cli.DATA, "replica")
LOGTOOL = os.path.join(cli.BUILD, "tests", "gw_logtool")
MADE = {}  # by their size: directories of synthetic logs, and their keys


def logtool(*args, text=None):
    return subprocess.run([LOGTOOL, *map(str, args)], input=text, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


class TestCase(cli.TestCase):
    def setUp(self):
        super().setUp()
        self.db = os.path.join(self.dir, "db")

    def replica(self, head="latest"):
        log = os.path.join(self.dir, "log")
        if not os.path.exists(log):
            shutil.copytree(REPLICA, log)
        shutil.copy(os.path.join(REPLICA, head), os.path.join(log, "latest"))
        with open(os.path.join(REPLICA, "key.pub")) as f:
            return log, f.read().strip()

    def synth(self, size, name="log"):
        """A log of the test's own with that many synthetic records, made once for all; and its key."""
        if size not in MADE:
            made = tempfile.mkdtemp(prefix="gwtool-logs-")
            unittest.addModuleCleanup(shutil.rmtree, made)
            logtool("synth", made, size)
            MADE[size] = made, logtool("key", made).strip()
        made, key = MADE[size]
        log = shutil.copytree(made, os.path.join(self.dir, name), dirs_exist_ok=True)
        return log, key

    def follow(self, log, key, *more, **kw):
        return self.gwtool("follow-tlog", "--db", self.db, "--log-key", key, "--source", log,
                           *more, **kw)

    def assert_out(self, r, code, *words):
        self.assert_run(r, code=code)
        for word in words:
            self.assertIn(word, r.out, str(r))

    def status(self, *more, **kw):
        return self.gwtool("follow-tlog", "--db", self.db, "--status", *more, **kw)

    def fork(self, log, size, more, name="fork"):
        """A log with the same key and the first `size` records, then `more` others."""
        other = self.path(name)
        logtool("fork", log, other, size)
        logtool("append", other, text="".join("example.com/x v1.0.%d\n" % i for i in range(more)))
        return other

    def evidence(self, name):
        """What an evidence file says, which is as the manual describes it."""
        with open(self.path(name)) as f:
            document = json.load(f)
        json_docs.check("EVIDENCE", document)
        return document

    def alarms(self):
        """The evidence files beside the database."""
        return sorted(f for f in os.listdir(self.dir) if ".alarm-" in f)
