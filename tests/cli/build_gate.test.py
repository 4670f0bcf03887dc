"""gwtool build serve tries Debian's Go out, with the real module and in the real sandbox."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["GW_SOURCE"], "tests", "support"))
import build_lab
import cli
import module_lab


class Gate(cli.TestCase):
    def test_a_real_toolchain_passes_once(self):
        self.lab = build_lab.BuildLab(self)
        self.lab.command()
        self.assertIsNotNone(shutil.which("go"), "Debian's Go is not installed")
        sandbox = module_lab.sandbox_mode(self.path("probe"))
        args = [cli.GWTOOL, "build", "serve", "--data", self.path("data"), "--key", self.lab.key_file, "--listen",
                "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--proxy", self.lab.modules.proxy,
                *self.lab.modules.log(), "--toolchain", "local", "--go-oldest", "go1.13", "--sandbox", sandbox]
        os.chmod(self.dir, 0o755)
        s = build_lab.Server(args)
        self.addCleanup(s.kill)
        s.wait_err('event="toolchain passed"', timeout=300)
        self.assertIn('gwtool_buildd_toolchains_tried_total{end="passed"} 1\n', s.ask_admin("/metrics").text)
        self.assertEqual(s.stop(), 0)
        with open(self.path("data", "toolchains")) as f:
            self.assertRegex(f.read(), r"^(go1\.\d+(\.\d+)?) \1-[0-9a-f]{32} passed 2\S+Z \n$")


if __name__ == "__main__":
    cli.main()
