"""Both clients, run as real processes against a scripted portal."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.portal_double import COMMIT, TOKEN, Double

CLIENTS = Path(__file__).parents[2] / "plugins" / "client"


class Client:
    """One of the two clients as a process."""

    asking = ("--project", "shop", "--environment", "production", "--action", "deploy")
    base = (*asking, "--commit", COMMIT, "--run-id", "8812", "--retry-for", "1s")

    def __init__(self, program, url, folder):
        self.program = program
        self.folder = folder
        self.mark = folder / "the-command-ran"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "COUNTERSIGN_URL": url,
            "COUNTERSIGN_TOKEN": TOKEN,
            "NO_PROXY": "*",
        }

    def start(self, *arguments, **env):
        return subprocess.Popen(
            [*self.program, *arguments],
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            restore_signals=True,
        )

    def run(self, *arguments, seconds=40, **env):
        process = self.start(*arguments, **env)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def gate(self, *options, script="", **env):
        """Runs the gate around a shell script that leaves a mark."""
        return self.run(*self.gated(*options, script=script), **env)

    def gated(self, *options, script=""):
        command = ("sh", "-c", f"echo ran >> '{self.mark}'; {script or ':'}")
        return ("gate", *self.base, *options, "--", *command)

    def ran(self):
        return self.mark.exists()


@pytest.fixture
def double():
    portal = Double()
    yield portal
    portal.close()


@pytest.fixture
def python(double, tmp_path):
    return Client([sys.executable, str(CLIENTS / "countersign.py")], double.url, tmp_path)


@pytest.fixture(params=["python", "sh"])
def client(request, double, tmp_path):
    """Both twins, one after the other."""
    if request.param == "python":
        program = [sys.executable, str(CLIENTS / "countersign.py")]
    else:
        program = ["sh", str(CLIENTS / "countersign.sh")]
    return Client(program, double.url, tmp_path)


@pytest.fixture
def shell_client(double, tmp_path):
    """The shell twin under a shell of one's choice."""
    return lambda *shell: Client([*shell, str(CLIENTS / "countersign.sh")], double.url, tmp_path)


@pytest.fixture
def default_signals():
    """Children must not inherit an ignored SIGINT from a background test run."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
